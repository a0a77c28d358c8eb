#include "base/written_number.h"

#include <algorithm>
#include <array>
#include <vector>

namespace conclave {
namespace {

constexpr std::size_t kGroup = 3;  // digits

bool isDigitAt(std::string_view text, std::size_t at) {
    return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

std::size_t endOfDigits(std::string_view text, std::size_t at) {
    while (isDigitAt(text, at)) ++at;
    return at;
}

bool isPointOrComma(char c) { return c == '.' || c == ','; }

/// Length of a space or an apostrophe that may part groups; 0: there is none.
std::size_t groupSpaceAt(std::string_view text, std::size_t at) {
    // A no-break space, a narrow one, a thin one, and two apostrophes.
    constexpr auto kSpaces =
        std::to_array<std::string_view>({" ", "\u00A0", "\u202F", "\u2009", "'", "\u2019"});
    for (const std::string_view space : kSpaces) {
        if (text.substr(std::min(at, text.size())).starts_with(space)) return space.size();
    }
    return 0;
}

/// End of the groups that spaces part, behind the first digits; `firstEnd`: there are none.
std::size_t endOfSpacedGroups(std::string_view text, std::size_t start, std::size_t firstEnd) {
    if (firstEnd - start > kGroup || text[start] == '0') return firstEnd;
    std::size_t end = firstEnd;
    const std::string_view space = text.substr(firstEnd, groupSpaceAt(text, firstEnd));
    while (!space.empty() && text.substr(end).starts_with(space)) {
        const std::size_t group = end + space.size();
        if (endOfDigits(text, group) != group + kGroup) break;
        end = group + kGroup;
    }
    if (end == firstEnd || end >= text.size() || !isPointOrComma(text[end])) return end;
    // "Item 1 200,000 EUR": the comma parts groups, so that the space does not.
    const std::size_t behind = endOfDigits(text, end + 1);
    return behind == end + 1 + kGroup ? firstEnd : end;
}

/// The digits between marks, and the marks, of a number without spaces.
struct Parts {
    std::vector<std::string_view> digits;
    std::string marks;
};

Parts partsOf(std::string_view number) {
    Parts parts;
    std::size_t start = 0;
    for (std::size_t i = 0; i <= number.size(); ++i) {
        if (i < number.size() && !isPointOrComma(number[i])) continue;
        parts.digits.push_back(number.substr(start, i - start));
        if (i < number.size()) parts.marks += number[i];
        start = i + 1;
    }
    return parts;
}

/// Whether digits up to `n` are groups. Indian ones have two digits before the last three.
bool areGroups(const Parts& parts, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t size = parts.digits[i].size();
        const bool isLast = i + 1 == n;
        const bool isIndian = parts.marks[0] == ',' && size == 2 && !isLast;
        const bool isGroup = i == 0 ? size >= 1 && size <= kGroup : size == kGroup || isIndian;
        if (!isGroup) return false;
    }
    return true;
}

/// How many of the digits are groups and no decimals; 0: no number is written so.
std::size_t nWholeParts(const Parts& parts, DecimalMark mark) {
    const std::size_t n = parts.digits.size();
    if (n == 1) return 1;
    const bool isMixed = parts.marks.find_first_not_of(parts.marks[0]) != std::string::npos;
    if (isMixed) {
        const std::size_t other = parts.marks.find_first_not_of(parts.marks[0]);
        return other + 1 == parts.marks.size() && areGroups(parts, n - 1) ? n - 1 : 0;
    }
    if (n > 2) return areGroups(parts, n) ? n : 0;
    const char decimal = mark == DecimalMark::Point ? '.' : ',';
    const bool isClear = mark != DecimalMark::Unknown;
    const bool mayBeGroup = areGroups(parts, 2) && parts.digits[0][0] != '0';
    return mayBeGroup && !(isClear && parts.marks[0] == decimal) ? 2 : 1;
}

}  // namespace

std::size_t endOfNumber(std::string_view text, std::size_t at) {
    if (!isDigitAt(text, at)) return at;
    std::size_t end = endOfSpacedGroups(text, at, endOfDigits(text, at));
    while (end < text.size() && isPointOrComma(text[end]) && isDigitAt(text, end + 1)) {
        end = endOfDigits(text, end + 1);
    }
    return end;
}

DecimalMark decimalMarkOf(std::string_view text) {
    bool isPoint = false;
    bool isComma = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const std::size_t end = endOfNumber(text, at);
        if (end == at) continue;
        const Parts parts = partsOf(text.substr(at, end - at));
        at = end - 1;
        const std::size_t nWhole = nWholeParts(parts, DecimalMark::Unknown);
        // "3.2" may be a section, and 1,5 a list: only groups leave no doubt.
        if (parts.digits.size() < 3 || nWhole < 2) continue;
        (parts.marks[0] == ',' ? isPoint : isComma) = true;
    }
    if (isPoint == isComma) return DecimalMark::Unknown;
    return isPoint ? DecimalMark::Point : DecimalMark::Comma;
}

std::optional<std::string> plainNumber(std::string_view number, DecimalMark mark) {
    std::string joined;
    for (std::size_t i = 0; i < number.size();) {
        if (isDigitAt(number, i) || isPointOrComma(number[i])) {
            joined += number[i++];
            continue;
        }
        const std::size_t space = groupSpaceAt(number, i);
        if (space == 0) return std::nullopt;
        i += space;
    }
    const Parts parts = partsOf(joined);
    if (std::any_of(parts.digits.begin(), parts.digits.end(),
                    [](std::string_view digits) { return digits.empty(); })) {
        return std::nullopt;
    }
    // Behind groups that spaces part there are decimals alone.
    const bool isSpaced = joined.size() < number.size();
    if (isSpaced && parts.digits.size() > 2) return std::nullopt;
    const std::size_t nWhole = isSpaced ? 1 : nWholeParts(parts, mark);
    if (nWhole == 0) return std::nullopt;
    std::string plain;
    for (std::size_t i = 0; i < parts.digits.size(); ++i) {
        if (i == nWhole) plain += '.';
        plain += parts.digits[i];
    }
    return plain;
}

}  // namespace conclave
