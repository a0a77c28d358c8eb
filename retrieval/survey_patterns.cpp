// Things that are found by their form alone: addresses, dates, amounts, names.
#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

#include "base/utf8.h"
#include "retrieval/retrieval.h"
#include "retrieval/stop_words.h"

namespace conclave::retrieval {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool isLetter(char c) { return isUpper(c) || (c >= 'a' && c <= 'z'); }
/// Part of a word of any script.
bool isWordByte(char c) {
    return isDigit(c) || isLetter(c) || static_cast<unsigned char>(c) >= 0x80;
}

std::string inLowerCase(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = isUpper(c) ? static_cast<char>(c | 0x20) : c;
    return lower;
}

/// Reads a text from left to right; each reader moves on only if it succeeds.
class Reader {
public:
    Reader(std::string_view text, std::size_t position) : m_text(text), m_position(position) {}

    [[nodiscard]] std::size_t position() const { return m_position; }
    [[nodiscard]] bool isAtWordEnd() const {
        return m_position >= m_text.size() || !isWordByte(m_text[m_position]) ||
               static_cast<unsigned char>(m_text[m_position]) >= 0x80;
    }
    bool take(std::string_view what) {
        if (!m_text.substr(m_position).starts_with(what)) return false;
        m_position += what.size();
        return true;
    }
    void skipSpaces() {
        while (m_position < m_text.size() && m_text[m_position] == ' ') ++m_position;
    }
    std::optional<int> number(std::size_t fewest, std::size_t most) {
        std::size_t end = m_position;
        int value = 0;
        while (end < m_text.size() && isDigit(m_text[end]) && end - m_position < most) {
            value = value * 10 + (m_text[end++] - '0');
        }
        const bool goesOn = end < m_text.size() && isDigit(m_text[end]);
        if (end - m_position < fewest || goesOn) return std::nullopt;
        m_position = end;
        return value;
    }
    /// 1,234.50 or 1.234,50 or 1234.
    std::optional<std::string_view> amount() {
        std::size_t end = m_position;
        while (end < m_text.size() &&
               (isDigit(m_text[end]) || ((m_text[end] == '.' || m_text[end] == ',') &&
                                         end + 1 < m_text.size() && isDigit(m_text[end + 1])))) {
            ++end;
        }
        if (end == m_position || !isDigit(m_text[m_position])) return std::nullopt;
        const std::string_view found = m_text.substr(m_position, end - m_position);
        m_position = end;
        return found;
    }
    std::string_view word() {
        std::size_t end = m_position;
        while (end < m_text.size() && isLetter(m_text[end])) ++end;
        const std::string_view found = m_text.substr(m_position, end - m_position);
        m_position = end;
        return found;
    }

private:
    std::string_view m_text;
    std::size_t m_position;
};

bool startsWord(std::string_view text, std::size_t at) {
    return at == 0 || !(isDigit(text[at - 1]) || isLetter(text[at - 1]));
}

// ------------------------------------------------------------------------------------- addresses

bool isInEmailName(char c) {
    return isDigit(c) || isLetter(c) || std::string_view("._%+-").find(c) != std::string_view::npos;
}

void findEmails(std::string_view text, std::vector<PatternMatch>& found) {
    for (std::size_t at = text.find('@'); at != std::string_view::npos;
         at = text.find('@', at + 1)) {
        std::size_t start = at;
        while (start > 0 && isInEmailName(text[start - 1])) --start;
        while (start < at && text[start] == '.') ++start;
        std::size_t end = at + 1;
        while (end < text.size() && (isDigit(text[end]) || isLetter(text[end]) ||
                                     text[end] == '-' || text[end] == '.')) {
            ++end;
        }
        while (end > at + 1 && (text[end - 1] == '.' || text[end - 1] == '-')) --end;
        const std::string_view domain = text.substr(at + 1, end - at - 1);
        if (start == at || domain.find('.') == std::string_view::npos || domain[0] == '.') continue;
        found.push_back({{start, end}, inLowerCase(text.substr(start, end - start))});
    }
}

void findWebAddresses(std::string_view text, std::vector<PatternMatch>& found) {
    static constexpr std::array<std::string_view, 3> kBeginnings = {"https://", "http://", "www."};
    for (std::size_t at = 0; at < text.size(); ++at) {
        const std::string_view rest = text.substr(at);
        const auto beginning = std::find_if(kBeginnings.begin(), kBeginnings.end(),
                                            [&](auto each) { return rest.starts_with(each); });
        if (beginning == kBeginnings.end() || !startsWord(text, at)) continue;
        std::size_t end = at + beginning->size();
        while (end < text.size() && static_cast<unsigned char>(text[end]) < 0x80 &&
               std::string_view(" \t\r\n<>\"'`{}|\\^[]").find(text[end]) ==
                   std::string_view::npos) {
            ++end;
        }
        while (end > at &&
               std::string_view(".,;:!?)").find(text[end - 1]) != std::string_view::npos) {
            --end;
        }
        if (end <= at + beginning->size()) continue;
        found.push_back({{at, end}, std::string(text.substr(at, end - at))});
        at = end;
    }
}

void findPhones(std::string_view text, std::vector<PatternMatch>& found) {
    constexpr std::size_t kFewest = 7;
    constexpr std::size_t kMost = 15;  // E.164
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool opens = text[at] == '+' || text[at] == '(' || isDigit(text[at]);
        if (!opens || !startsWord(text, at)) continue;
        std::size_t end = at;
        std::string digits = text[at] == '+' ? "+" : "";
        std::size_t nGroups = 0;
        bool inGroup = false;
        std::size_t i = at;
        while (i < text.size()) {
            if (isDigit(text[i])) {
                digits += text[i];
                nGroups += inGroup ? 0 : 1;
                inGroup = true;
                end = ++i;
                continue;
            }
            const bool joins = std::string_view("+() -/").find(text[i]) != std::string_view::npos;
            if (!joins || (i > at && !inGroup && text[i] == text[i - 1])) break;
            inGroup = false;
            ++i;
        }
        const std::size_t nDigits = digits.size() - (digits[0] == '+' ? 1 : 0);
        // 2026-10-15 and 1 234 567 are no telephone numbers; +49 30 1234567 and 13800138000 are.
        const bool looksRight = digits[0] == '+' || digits[0] == '0' || text[at] == '(' ||
                                (nGroups == 1 && nDigits == 11 && digits[0] == '1');
        if (nDigits >= kFewest && nDigits <= kMost && looksRight &&
            (end >= text.size() || !isLetter(text[end]))) {
            found.push_back({{at, end}, digits});
        }
        at = std::max(at, end);
    }
}

// ----------------------------------------------------------------------------------------- dates

std::string isoDate(int year, int month, int day) {
    std::array<char, 40> text{};
    if (year > 0) {
        std::snprintf(text.data(), text.size(), day > 0 ? "%04d-%02d-%02d" : "%04d-%02d", year,
                      month, day);
    } else {
        std::snprintf(text.data(), text.size(), "--%02d-%02d", month, day);
    }
    return text.data();
}

bool isPossible(int month, int day) { return month >= 1 && month <= 12 && day >= 1 && day <= 31; }

/// 1..12 for the English name of a month or its beginning; 0: none.
int monthOf(std::string_view word) {
    static constexpr std::array<std::string_view, 12> kMonths = {
        "january", "february", "march",     "april",   "may",      "june",
        "july",    "august",   "september", "october", "november", "december"};
    if (word.size() < 3 || !isUpper(word[0])) return 0;
    const std::string lower = inLowerCase(word);
    for (std::size_t i = 0; i < kMonths.size(); ++i) {
        if (kMonths[i] == lower || lower == kMonths[i].substr(0, 3) ||
            (lower == "sept" && i == 8)) {
            return static_cast<int>(i) + 1;
        }
    }
    return 0;
}

/// 2026-10-15, 2026/10/15, 15.10.2026, 10/15/2026, 2026年10月15日.
std::optional<PatternMatch> numericDate(std::string_view text, std::size_t at) {
    Reader year(text, at);
    if (const auto y = year.number(4, 4); y && *y >= 1000) {
        for (const std::string_view mark : {"-", "/", "."}) {
            Reader rest = year;
            if (!rest.take(mark)) continue;
            const auto m = rest.number(1, 2);
            if (!m || !rest.take(mark)) continue;
            const auto d = rest.number(1, 2);
            if (d && isPossible(*m, *d))
                return PatternMatch{{at, rest.position()}, isoDate(*y, *m, *d)};
        }
        if (!year.take("年")) return std::nullopt;
        const auto m = year.number(1, 2);
        if (!m || *m < 1 || *m > 12 || !year.take("月")) return std::nullopt;
        Reader day = year;
        const auto d = day.number(1, 2);
        if (d && isPossible(*m, *d) && (day.take("日") || day.take("号"))) {
            return PatternMatch{{at, day.position()}, isoDate(*y, *m, *d)};
        }
        return PatternMatch{{at, year.position()}, isoDate(*y, *m, 0)};
    }
    for (const std::string_view mark : {".", "/", "-"}) {
        Reader rest(text, at);
        const auto first = rest.number(1, 2);
        if (!first || !rest.take(mark)) continue;
        const auto second = rest.number(1, 2);
        if (!second || !rest.take(mark)) continue;
        const auto y = rest.number(4, 4);
        if (!y) continue;
        // With a slash the month may come first; where the numbers do not tell, the day does.
        const bool monthFirst = mark == "/" && *second > 12;
        const int day = monthFirst ? *second : *first;
        const int month = monthFirst ? *first : *second;
        if (isPossible(month, day)) {
            return PatternMatch{{at, rest.position()}, isoDate(*y, month, day)};
        }
    }
    return std::nullopt;
}

void skipOrdinal(Reader& reader) {
    for (const std::string_view ending : {"st", "nd", "rd", "th", "."}) {
        if (reader.take(ending)) return;
    }
}

/// 15 October 2026, 15th of October, October 15, 2026, October 2026.
std::optional<PatternMatch> namedDate(std::string_view text, std::size_t at) {
    Reader reader(text, at);
    if (isDigit(text[at])) {
        const auto day = reader.number(1, 2);
        if (!day) return std::nullopt;
        skipOrdinal(reader);
        reader.skipSpaces();
        if (reader.take("of ")) reader.skipSpaces();
        const int month = monthOf(reader.word());
        if (!isPossible(month, *day)) return std::nullopt;
        Reader later = reader;
        later.take(",");
        later.skipSpaces();
        const auto year = later.number(4, 4);
        return PatternMatch{{at, year ? later.position() : reader.position()},
                            isoDate(year.value_or(0), month, *day)};
    }
    const int month = monthOf(reader.word());
    if (month == 0) return std::nullopt;
    reader.skipSpaces();
    Reader later = reader;
    if (const auto day = later.number(1, 2); day && isPossible(month, *day)) {
        skipOrdinal(later);
        reader = later;
        later.take(",");
        later.skipSpaces();
        const auto year = later.number(4, 4);
        return PatternMatch{{at, year ? later.position() : reader.position()},
                            isoDate(year.value_or(0), month, *day)};
    }
    if (const auto year = reader.number(4, 4); year && *year >= 1000) {
        return PatternMatch{{at, reader.position()}, isoDate(*year, month, 0)};
    }
    return std::nullopt;
}

void findDates(std::string_view text, std::vector<PatternMatch>& found) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (!startsWord(text, at) || !(isDigit(text[at]) || isUpper(text[at]))) continue;
        std::optional<PatternMatch> date;
        if (isDigit(text[at])) date = numericDate(text, at);
        if (!date) date = namedDate(text, at);
        if (!date) continue;
        at = date->span.endByte - 1;
        found.push_back(std::move(*date));
    }
}

// --------------------------------------------------------------------------------------- amounts

struct Currency {
    std::string_view mark;
    std::string_view code;
};
constexpr auto kCurrencies = std::to_array<Currency>(
    {{"€", "EUR"},      {"$", "USD"},     {"£", "GBP"},    {"¥", "CNY"},       {"￥", "CNY"},
     {"EUR", "EUR"},    {"USD", "USD"},   {"GBP", "GBP"},  {"CNY", "CNY"},     {"RMB", "CNY"},
     {"CHF", "CHF"},    {"euros", "EUR"}, {"euro", "EUR"}, {"dollars", "USD"}, {"dollar", "USD"},
     {"pounds", "GBP"}, {"yuan", "CNY"},  {"元", "CNY"},   {"美元", "USD"},    {"欧元", "EUR"},
     {"人民币", "CNY"}});

const Currency* takeCurrency(Reader& reader) {
    for (const Currency& each : kCurrencies) {
        Reader trial = reader;
        if (!trial.take(each.mark)) continue;
        if (isLetter(each.mark.back()) && !trial.isAtWordEnd()) continue;
        reader = trial;
        return &each;
    }
    return nullptr;
}

void findMoney(std::string_view text, std::vector<PatternMatch>& found) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (!startsWord(text, at) || (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U)
            continue;
        Reader reader(text, at);
        const Currency* currency = isDigit(text[at]) ? nullptr : takeCurrency(reader);
        if (currency == nullptr && !isDigit(text[at])) continue;
        reader.skipSpaces();
        const auto amount = reader.amount();
        if (!amount) continue;
        std::size_t end = reader.position();
        std::string unit;
        Reader behind = reader;
        behind.skipSpaces();
        for (const std::string_view factor : {"million", "billion", "万", "亿"}) {
            if (behind.take(factor)) {
                unit = " " + std::string(factor);
                end = behind.position();
                behind.skipSpaces();
                break;
            }
        }
        if (currency == nullptr) {
            currency = takeCurrency(behind);
            end = behind.position();
        }
        if (currency == nullptr) continue;
        found.push_back(
            {{at, end}, std::string(*amount) + unit + " " + std::string(currency->code)});
        at = end - 1;
    }
}

void findPercentages(std::string_view text, std::vector<PatternMatch>& found) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (!isDigit(text[at]) || !startsWord(text, at)) continue;
        Reader reader(text, at);
        const auto amount = reader.amount();
        if (!amount) continue;
        const std::size_t afterAmount = reader.position();
        reader.skipSpaces();
        if (reader.take("%") || reader.take("％") || reader.take("percent") ||
            reader.take("per cent")) {
            found.push_back({{at, reader.position()}, std::string(*amount) + " %"});
        }
        at = std::max(at, afterAmount - 1);
    }
}

// ----------------------------------------------------------------------------------------- names

/// End of the capitalised word at `at` (its letters may have accents); `at` if there is none.
std::size_t endOfName(std::string_view text, std::size_t at) {
    std::size_t position = at;
    if (position >= text.size()) return at;
    const char32_t first = nextCodePoint(text, position);
    const bool isCapital = (first >= U'A' && first <= U'Z') || (first >= 0xC0 && first <= 0xDE);
    if (!isCapital) return at;
    bool hasSmall = false;
    while (position < text.size()) {
        std::size_t after = position;
        const char32_t c = nextCodePoint(text, after);
        const bool isSmall = (c >= U'a' && c <= U'z') || (c >= 0xDF && c <= 0x17F);
        const bool isInside = isSmall || (c >= U'A' && c <= U'Z') || c == U'-' || c == U'\'';
        if (!isInside) break;
        hasSmall = hasSmall || isSmall;
        position = after;
    }
    return hasSmall ? position : at;
}

void findNames(std::string_view text, std::vector<PatternMatch>& found) {
    constexpr std::size_t kMostWords = 4;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (!startsWord(text, at) || (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U)
            continue;
        std::size_t nWords = 0;
        std::size_t end = at;
        for (std::size_t next = at; nWords < kMostWords;) {
            const std::size_t wordEnd = endOfName(text, next);
            if (wordEnd == next) break;
            const std::string word = inLowerCase(text.substr(next, wordEnd - next));
            // "The", "When" begin sentences, and months are dates.
            if (isStopWord(word) || monthOf(text.substr(next, wordEnd - next)) != 0) break;
            end = wordEnd;
            ++nWords;
            if (end >= text.size() || text[end] != ' ') break;
            next = end + 1;
        }
        if (nWords >= 2) found.push_back({{at, end}, std::string(text.substr(at, end - at))});
        if (end > at) at = end;
    }
}

}  // namespace

std::vector<PatternMatch> findPattern(Pattern pattern, std::string_view text) {
    std::vector<PatternMatch> found;
    switch (pattern) {
        case Pattern::Email: findEmails(text, found); break;
        case Pattern::WebAddress: findWebAddresses(text, found); break;
        case Pattern::Phone: findPhones(text, found); break;
        case Pattern::Date: findDates(text, found); break;
        case Pattern::Money: findMoney(text, found); break;
        case Pattern::Percentage: findPercentages(text, found); break;
        case Pattern::Name: findNames(text, found); break;
    }
    return found;
}

}  // namespace conclave::retrieval
