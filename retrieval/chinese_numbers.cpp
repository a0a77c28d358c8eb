#include "retrieval/chinese_numbers.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace conclave::retrieval {
namespace {

constexpr std::int64_t kLargest = 1'000'000'000'000'000;

struct Sign {
    std::string_view text;
    std::int64_t value;
    bool isUnit;
};
constexpr std::int64_t kTenThousand = 10'000;
constexpr auto kSigns =
    std::to_array<Sign>({{"〇", 0, false},          {"零", 0, false},         {"一", 1, false},
                         {"二", 2, false},          {"三", 3, false},         {"四", 4, false},
                         {"五", 5, false},          {"六", 6, false},         {"七", 7, false},
                         {"八", 8, false},          {"九", 9, false},         {"两", 2, false},
                         {"兩", 2, false},          {"壹", 1, false},         {"贰", 2, false},
                         {"貳", 2, false},          {"叁", 3, false},         {"參", 3, false},
                         {"肆", 4, false},          {"伍", 5, false},         {"陆", 6, false},
                         {"陸", 6, false},          {"柒", 7, false},         {"捌", 8, false},
                         {"玖", 9, false},          {"十", 10, true},         {"拾", 10, true},
                         {"百", 100, true},         {"佰", 100, true},        {"千", 1000, true},
                         {"仟", 1000, true},        {"万", 10'000, true},     {"萬", 10'000, true},
                         {"亿", 100'000'000, true}, {"億", 100'000'000, true}});

const Sign* signAt(std::string_view text, std::size_t at) {
    const std::string_view rest = text.substr(std::min(at, text.size()));
    const auto sign = std::find_if(kSigns.begin(), kSigns.end(),
                                   [&](const Sign& each) { return rest.starts_with(each.text); });
    return sign != kSigns.end() ? &*sign : nullptr;
}

bool isArabic(std::string_view text, std::size_t at) {
    return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

}  // namespace

std::optional<ChineseNumber> chineseNumberAt(std::string_view text, std::size_t at) {
    ChineseNumber found;
    std::int64_t whole = 0;    // of the parts with 万 and 亿
    std::int64_t section = 0;  // below 万
    std::int64_t digits = 0;   // since the last unit
    int nDigits = 0;
    std::int64_t lastUnit = 1;
    bool hasUnit = false;
    std::size_t end = at;
    while (whole + section + digits <= kLargest) {
        if (isArabic(text, end)) {
            digits = digits * 10 + (text[end++] - '0');
            ++nDigits;
            continue;
        }
        const Sign* const sign = signAt(text, end);
        if (sign == nullptr) break;
        if (sign->isUnit) {
            const bool isLarge = sign->value >= kTenThousand;
            if (nDigits == 0 && !isLarge && sign->value != 10) break;  // 百 alone is no number
            if (nDigits == 0 && isLarge && section == 0 && whole == 0) break;
            if (!isLarge) {
                section += (nDigits > 0 ? digits : 1) * sign->value;
            } else if (whole + section + digits > kLargest / sign->value) {
                return std::nullopt;
            } else {
                // 亿 counts all before it, 万 what came since.
                const bool countsAll = sign->value > kTenThousand;
                whole = countsAll ? (whole + section + digits) * sign->value
                                  : whole + (section + digits) * sign->value;
                section = 0;
            }
            digits = 0;
            nDigits = 0;
            hasUnit = true;
            lastUnit = sign->value;
        } else {
            digits = digits * 10 + sign->value;
            ++nDigits;
            // 三万零五: the zero says that the next place is left out.
            if (sign->value == 0 && hasUnit) lastUnit = 1;
        }
        found.hasCharacters = true;
        end += sign->text.size();
    }
    if (end == at || whole + section + digits > kLargest) return std::nullopt;
    // 三万五 is 35,000.
    const bool isShort = hasUnit && nDigits == 1 && lastUnit > 10;
    found.value = whole + section + (isShort ? digits * (lastUnit / 10) : digits);
    found.endByte = end;
    found.nDigits = hasUnit ? 0 : nDigits;
    return found;
}

std::optional<ChineseDate> chineseDateAt(std::string_view text, std::size_t at) {
    ChineseDate date;
    std::size_t position = at;
    const auto skipSpaces = [&] {
        while (position < text.size() && text[position] == ' ') ++position;
    };
    const auto take = [&](std::initializer_list<std::string_view> signs) {
        skipSpaces();
        for (const std::string_view sign : signs) {
            if (!text.substr(std::min(position, text.size())).starts_with(sign)) continue;
            position += sign.size();
            return true;
        }
        return false;
    };
    const auto number = [&]() -> std::int64_t {
        skipSpaces();
        const auto found = chineseNumberAt(text, position);
        if (!found) return -1;
        position = found->endByte;
        return found->value;
    };
    constexpr std::int64_t kFirstYear = 1000;
    constexpr std::int64_t kLastYear = 2999;
    std::int64_t value = number();
    if (value < 0) return std::nullopt;
    if (take({"年"})) {
        if (value < kFirstYear || value > kLastYear) return std::nullopt;
        date.year = static_cast<int>(value);
        value = number();
    }
    if (value < 1 || value > 12 || !take({"月"})) return std::nullopt;
    date.month = static_cast<int>(value);
    date.endByte = position;
    value = number();
    if (value >= 1 && value <= 31 && take({"日", "号", "號"})) {
        date.day = static_cast<int>(value);
        date.endByte = position;
        return date;
    }
    if (date.year == 0) return std::nullopt;  // 三月 may as well be a name
    return date;
}

bool endsWithChineseNumber(std::string_view text, std::size_t at) {
    return std::any_of(kSigns.begin(), kSigns.end(),
                       [&](const Sign& each) { return text.substr(0, at).ends_with(each.text); });
}

}  // namespace conclave::retrieval
