#include "app/services/survey/amounts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "app/services/survey/question_words.h"
#include "base/utf8.h"
#include "base/written_number.h"
#include "retrieval/retrieval.h"

namespace conclave::services {
namespace {

bool isDigitAt(std::string_view text, std::size_t at) {
    return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

/// "1200.50" to 1200.5, whatever parts its groups.
std::optional<double> valueOf(std::string_view number, DecimalMark mark) {
    const auto plain = plainNumber(number, mark);
    if (!plain) return std::nullopt;
    double value = 0.0;
    const char* const last = plain->data() + plain->size();
    const auto [end, problem] = std::from_chars(plain->data(), last, value);
    if (problem != std::errc() || end != last) return std::nullopt;
    return value;
}

/// "2.5 million USD" as retrieval writes sums.
std::optional<Amount> moneyOf(std::string_view written) {
    constexpr auto kFactors = std::to_array<std::pair<std::string_view, double>>(
        {{"thousand", 1e3}, {"million", 1e6}, {"billion", 1e9}, {"trillion", 1e12}});
    const std::size_t space = written.find(' ');
    const std::size_t last = written.rfind(' ');
    if (space == std::string_view::npos) return std::nullopt;
    const auto number = valueOf(written.substr(0, space), DecimalMark::Point);
    if (!number) return std::nullopt;
    Amount amount{.kind = Amount::Kind::Money, .value = *number, .unit = {}, .text = {}};
    amount.unit = std::string(written.substr(last + 1));
    if (last > space) {
        const std::string_view word = written.substr(space + 1, last - space - 1);
        const auto factor = std::find_if(kFactors.begin(), kFactors.end(),
                                         [&](const auto& each) { return each.first == word; });
        if (factor == kFactors.end()) return std::nullopt;
        amount.value *= factor->second;
    }
    return amount;
}

std::optional<double> dayOf(std::string_view written) {
    constexpr std::string_view kForm = "0000-00-00";
    if (written.size() != kForm.size() || written[4] != '-' || written[7] != '-') {
        return std::nullopt;
    }
    double value = 0.0;
    for (const char c : written) {
        if (c == '-') continue;
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return value;
}

std::vector<Amount> ofPattern(std::string_view text, Amount::Kind kind,
                              retrieval::Pattern pattern) {
    std::vector<Amount> found;
    for (const retrieval::PatternMatch& match : retrieval::findPattern(pattern, text)) {
        std::optional<Amount> amount;
        if (kind == Amount::Kind::Money) {
            amount = moneyOf(match.value);
        } else if (kind == Amount::Kind::Share) {
            const auto value = valueOf(
                std::string_view(match.value).substr(0, match.value.find(' ')), DecimalMark::Point);
            if (value) amount = Amount{.kind = kind, .value = *value, .unit = "%", .text = {}};
        } else if (const auto day = dayOf(match.value)) {
            amount = Amount{.kind = kind, .value = *day, .unit = {}, .text = {}};
        }
        if (!amount) continue;
        amount->text = match.value;
        amount->startByte = match.span.startByte;
        amount->endByte = match.span.endByte;
        found.push_back(std::move(*amount));
    }
    std::sort(found.begin(), found.end(),
              [](const Amount& a, const Amount& b) { return a.startByte < b.startByte; });
    return found;
}

/// The word right behind a number; a character of Chinese is one. Advances `end` over it.
std::string unitBehind(std::string_view text, std::size_t& end) {
    std::size_t at = end;
    if (at < text.size() && (text[at] == ' ' || text[at] == '-')) ++at;
    std::string unit;
    std::size_t unitEnd = at;
    retrieval::analyze(text.substr(at, std::min<std::size_t>(text.size() - at, 40)),
                       [&](std::string_view term, std::size_t start, std::size_t stop) {
                           if (!unit.empty() || start != 0) return;
                           unit = std::string(term);
                           unitEnd = at + stop;
                       });
    constexpr auto kNone = std::to_array<std::string_view>(
        {"and", "or",  "of",   "in",   "on", "at",   "to",   "for", "the",
         "is",  "are", "per",  "by",   "as", "from", "with", "if",  "but",
         "a",   "an",  "that", "this", "it", "和",   "或",   "的",  "与"});
    if (std::find(kNone.begin(), kNone.end(), unit) != kNone.end() ||
        (!unit.empty() && unit.front() >= '0' && unit.front() <= '9')) {
        return {};
    }
    if (!unit.empty()) end = unitEnd;
    return unit;
}

std::vector<Amount> plainNumbers(std::string_view text) {
    const DecimalMark clear = decimalMarkOf(text);
    const DecimalMark mark = clear == DecimalMark::Unknown ? DecimalMark::Point : clear;
    // What is part of these is no number of its own.
    auto others = retrieval::findPattern(retrieval::Pattern::Date, text);
    for (auto& share : retrieval::findPattern(retrieval::Pattern::Percentage, text)) {
        others.push_back(std::move(share));
    }
    std::vector<Amount> found;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!isDigitAt(text, i)) continue;
        std::size_t end = endOfNumber(text, i);
        const std::size_t start = i;
        i = end;
        const char before = start > 0 ? text[start - 1] : ' ';
        const char behind = end < text.size() ? text[end] : ' ';
        const bool isPart =
            (isWordCharacter(before) && static_cast<unsigned char>(before) < 0x80) ||
            before == '/' || before == ':' || before == '#' || before == '.' || behind == ':' ||
            behind == '/' || behind == '%' || (behind >= 'a' && behind <= 'z') ||
            (behind >= 'A' && behind <= 'Z');
        const bool isOfOther = std::any_of(others.begin(), others.end(), [&](const auto& other) {
            return start < other.span.endByte && other.span.startByte < end;
        });
        const auto value = valueOf(text.substr(start, end - start), mark);
        if (isPart || isOfOther || !value) continue;
        Amount amount{.kind = Amount::Kind::Number, .value = *value, .unit = {}, .text = {}};
        amount.unit = unitBehind(text, end);
        amount.startByte = start;
        amount.endByte = end;
        amount.text = std::string(text.substr(start, end - start));
        found.push_back(std::move(amount));
    }
    return found;
}

}  // namespace

std::vector<Amount> amountsIn(std::string_view text, Amount::Kind kind) {
    switch (kind) {
        case Amount::Kind::Money: return ofPattern(text, kind, retrieval::Pattern::Money);
        case Amount::Kind::Share: return ofPattern(text, kind, retrieval::Pattern::Percentage);
        case Amount::Kind::Date: return ofPattern(text, kind, retrieval::Pattern::Date);
        case Amount::Kind::Number: return plainNumbers(text);
    }
    return {};
}

std::optional<Amount> firstAmountIn(std::string_view text) {
    std::optional<Amount> first;
    for (const Amount::Kind kind :
         {Amount::Kind::Money, Amount::Kind::Share, Amount::Kind::Number}) {
        const std::vector<Amount> found = amountsIn(text, kind);
        if (!found.empty() && (!first || found.front().startByte < first->startByte)) {
            first = found.front();
        }
    }
    return first;
}

std::string amountText(double value, const std::string& unit) {
    std::array<char, 64> digits{};
    std::snprintf(digits.data(), digits.size(), "%.2f", std::abs(value));
    std::string text = digits.data();
    if (text.ends_with(".00")) text.resize(text.size() - 3);
    constexpr std::size_t kGroup = 3;
    const std::size_t point = std::min(text.find('.'), text.size());
    for (std::size_t at = point; at > kGroup; at -= kGroup) text.insert(at - kGroup, ",");
    if (value < 0) text.insert(0, "-");
    return unit.empty() ? text : text + " " + unit;
}

}  // namespace conclave::services
