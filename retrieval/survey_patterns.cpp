// Things that are found by their form alone: addresses, dates, amounts, names.
#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <span>

#include "base/utf8.h"
#include "retrieval/chinese_numbers.h"
#include "retrieval/pattern_reader.h"
#include "retrieval/retrieval.h"
#include "retrieval/stop_words.h"
#include "retrieval/survey_people.h"

namespace conclave::retrieval {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool isLetter(char c) { return isUpper(c) || (c >= 'a' && c <= 'z'); }

std::string inLowerCase(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = isUpper(c) ? static_cast<char>(c | 0x20) : c;
    return lower;
}

bool startsWord(std::string_view text, std::size_t at) {
    return at == 0 || !(isDigit(text[at - 1]) || isLetter(text[at - 1]));
}

/// A number of Chinese characters or digits may begin here, and none goes on.
bool startsChineseNumber(std::string_view text, std::size_t at) {
    if (isDigit(text[at])) return startsWord(text, at) && !endsWithChineseNumber(text, at);
    return static_cast<unsigned char>(text[at]) >= 0xE0 && !(at > 0 && isDigit(text[at - 1])) &&
           !endsWithChineseNumber(text, at) && chineseNumberAt(text, at).has_value();
}

// ------------------------------------------------------------------------------------- addresses

bool isInEmailName(char c) {
    return isDigit(c) || isLetter(c) || std::string_view("._%+-").find(c) != std::string_view::npos;
}

/// "Message-ID: <…@…>": a mail's own name has the form of an address and is none. A header may go
/// on in lines that begin with white space.
bool isInHeaderOfIds(std::string_view text, std::size_t at) {
    static constexpr std::array<std::string_view, 6> kHeaders = {
        "message-id:", "in-reply-to:",       "references:",
        "content-id:", "resent-message-id:", "msgid:"};
    std::size_t start = at;
    do {
        start = start == 0 ? std::string_view::npos : text.rfind('\n', start - 1);
        start = start == std::string_view::npos ? 0 : start;
        const std::size_t first = std::min(start + (start > 0 ? 1 : 0), text.size() - 1);
        if (text[first] != ' ' && text[first] != '\t') {
            const std::string line =
                inLowerCase(text.substr(first, std::min<std::size_t>(at - first, 24)));
            return std::any_of(kHeaders.begin(), kHeaders.end(),
                               [&](std::string_view each) { return line.starts_with(each); });
        }
    } while (start > 0);
    return false;
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
        if (isInHeaderOfIds(text, start)) continue;
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

/// 2026-10-15, 2026/10/15, 15.10.2026, 10/15/2026.
std::optional<PatternMatch> numericDate(std::string_view text, std::size_t at, SlashDates order) {
    PatternReader year(text, at);
    if (const auto y = year.number(4, 4); y && *y >= 1000) {
        for (const std::string_view mark : {"-", "/", "."}) {
            PatternReader rest = year;
            if (!rest.take(mark)) continue;
            const auto m = rest.number(1, 2);
            if (!m || !rest.take(mark)) continue;
            const auto d = rest.number(1, 2);
            if (d && isPossible(*m, *d))
                return PatternMatch{{at, rest.position()}, isoDate(*y, *m, *d)};
        }
        return std::nullopt;
    }
    for (const std::string_view mark : {".", "/", "-"}) {
        PatternReader rest(text, at);
        const auto first = rest.number(1, 2);
        if (!first || !rest.take(mark)) continue;
        const auto second = rest.number(1, 2);
        if (!second || !rest.take(mark)) continue;
        const auto y = rest.number(4, 4);
        if (!y) continue;
        const bool isOpen = mark == "/" && *first <= 12 && *second <= 12 && *first != *second;
        if (isOpen && order == SlashDates::Unknown && isPossible(*first, *second)) {
            return PatternMatch{{at, rest.position()},
                                std::string(text.substr(at, rest.position() - at))};
        }
        const bool monthFirst =
            mark == "/" && (isOpen ? order == SlashDates::MonthFirst : *second > 12);
        const int day = monthFirst ? *second : *first;
        const int month = monthFirst ? *first : *second;
        if (isPossible(month, day)) {
            return PatternMatch{{at, rest.position()}, isoDate(*y, month, day)};
        }
    }
    return std::nullopt;
}

void skipOrdinal(PatternReader& reader) {
    for (const std::string_view ending : {"st", "nd", "rd", "th", "."}) {
        if (reader.take(ending)) return;
    }
}

/// 15 October 2026, 15th of October, October 15, 2026, October 2026.
std::optional<PatternMatch> namedDate(std::string_view text, std::size_t at) {
    PatternReader reader(text, at);
    if (isDigit(text[at])) {
        const auto day = reader.number(1, 2);
        if (!day) return std::nullopt;
        skipOrdinal(reader);
        reader.skipSpaces();
        if (reader.take("of ")) reader.skipSpaces();
        const int month = monthOf(reader.word());
        if (!isPossible(month, *day)) return std::nullopt;
        PatternReader later = reader;
        later.take(",");
        later.skipSpaces();
        const auto year = later.number(4, 4);
        return PatternMatch{{at, year ? later.position() : reader.position()},
                            isoDate(year.value_or(0), month, *day)};
    }
    const int month = monthOf(reader.word());
    if (month == 0) return std::nullopt;
    reader.skipSpaces();
    PatternReader later = reader;
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

void findDates(std::string_view text, SlashDates order, std::vector<PatternMatch>& found) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool mayBeChinese = startsChineseNumber(text, at);
        if (!mayBeChinese && !(startsWord(text, at) && isUpper(text[at]))) continue;
        std::optional<PatternMatch> date;
        if (const auto chinese = mayBeChinese ? chineseDateAt(text, at) : std::nullopt) {
            date = {{at, chinese->endByte}, isoDate(chinese->year, chinese->month, chinese->day)};
        }
        const bool mayBePlain = isDigit(text[at]) || isUpper(text[at]);
        if (!date && isDigit(text[at])) date = numericDate(text, at, order);
        if (!date && mayBePlain) date = namedDate(text, at);
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
    {{"€", "EUR"},      {"US$", "USD"},  {"HK$", "HKD"},  {"NZ$", "NZD"},     {"C$", "CAD"},
     {"A$", "AUD"},     {"S$", "SGD"},   {"R$", "BRL"},   {"$", "USD"},       {"£", "GBP"},
     {"¥", "CNY"},      {"￥", "CNY"},   {"₹", "INR"},    {"₩", "KRW"},       {"RMB", "CNY"},
     {"euros", "EUR"},  {"euro", "EUR"}, {"Euro", "EUR"}, {"dollars", "USD"}, {"dollar", "USD"},
     {"pounds", "GBP"}, {"yuan", "CNY"}, {"yen", "JPY"},  {"kr", "kr"},       {"zł", "PLN"},
     {"Kč", "CZK"},     {"元", "CNY"},   {"美元", "USD"}, {"欧元", "EUR"},    {"人民币", "CNY"},
     {"圆", "CNY"},     {"块钱", "CNY"}, {"英镑", "GBP"}, {"日元", "JPY"},    {"港元", "HKD"},
     {"港币", "HKD"}});
/// Codes of ISO 4217 that stand for themselves. A kr alone may be of any of three countries.
constexpr auto kCurrencyCodes = std::to_array<Currency>(
    {{"EUR", "EUR"}, {"USD", "USD"}, {"GBP", "GBP"}, {"CNY", "CNY"}, {"CHF", "CHF"}, {"JPY", "JPY"},
     {"SEK", "SEK"}, {"NOK", "NOK"}, {"DKK", "DKK"}, {"INR", "INR"}, {"CAD", "CAD"}, {"AUD", "AUD"},
     {"NZD", "NZD"}, {"PLN", "PLN"}, {"CZK", "CZK"}, {"HUF", "HUF"}, {"RON", "RON"}, {"BGN", "BGN"},
     {"ISK", "ISK"}, {"TRY", "TRY"}, {"RUB", "RUB"}, {"UAH", "UAH"}, {"ILS", "ILS"}, {"ZAR", "ZAR"},
     {"BRL", "BRL"}, {"MXN", "MXN"}, {"KRW", "KRW"}, {"HKD", "HKD"}, {"TWD", "TWD"}, {"SGD", "SGD"},
     {"THB", "THB"}, {"MYR", "MYR"}, {"IDR", "IDR"}, {"PHP", "PHP"}, {"VND", "VND"}, {"AED", "AED"},
     {"SAR", "SAR"}});

const Currency* takeCurrency(PatternReader& reader) {
    const auto takeOf = [&](std::span<const Currency> list) -> const Currency* {
        for (const Currency& each : list) {
            PatternReader trial = reader;
            if (!trial.take(each.mark)) continue;
            if (isLetter(each.mark.back()) && !trial.isAtWordEnd()) continue;
            reader = trial;
            return &each;
        }
        return nullptr;
    };
    const Currency* const marked = takeOf(kCurrencies);
    return marked != nullptr ? marked : takeOf(kCurrencyCodes);
}

/// 35000 as 35,000.
std::string withCommas(std::string digits) {
    constexpr std::size_t kGroup = 3;
    for (std::size_t at = std::min(digits.find('.'), digits.size()); at > kGroup;) {
        digits.insert(at -= kGroup, 1, ',');
    }
    return digits;
}

/// 3.5 and four zeros: 35,000.
std::string withZeros(std::string_view amount, std::size_t nZeros) {
    std::string digits;
    std::size_t nBehind = 0;
    bool isBehind = false;
    for (const char c : amount) {
        isBehind = isBehind || c == '.';
        if (!isDigit(c)) continue;
        digits += c;
        nBehind += isBehind ? 1 : 0;
    }
    if (nBehind > nZeros) return std::string(amount);
    digits.append(nZeros - nBehind, '0');
    return withCommas(digits.substr(std::min(digits.find_first_not_of('0'), digits.size() - 1)));
}

/// A sum without its currency; moves on behind it.
std::optional<std::string> takeSum(std::string_view text, PatternReader& reader, DecimalMark mark) {
    const std::size_t start = reader.position();
    const auto chinese = chineseNumberAt(text, start);
    if (chinese && chinese->hasCharacters) {
        reader = PatternReader(text, chinese->endByte);
        static_cast<void>(reader.take("多") || reader.take("余"));
        return withCommas(std::to_string(chinese->value));
    }
    const auto written = reader.amount();
    const auto amount = written ? plainNumber(*written, mark) : std::nullopt;
    if (!amount) return std::nullopt;
    PatternReader behind = reader;
    behind.skipSpaces();
    for (const std::string_view factor :
         {"thousand", "million", "billion", "trillion", "万", "亿"}) {
        if (!behind.take(factor)) continue;
        reader = behind;
        if (factor.size() > 3) return withCommas(*amount) + " " + std::string(factor);
        constexpr std::size_t kZerosOfWan = 4;
        return withZeros(*amount, factor == "万" ? kZerosOfWan : 2 * kZerosOfWan);
    }
    return withCommas(*amount);
}

/// 300元, but ¥300 and 人民币300.
bool standsBehind(const Currency& currency) {
    return currency.mark.ends_with("元") || currency.mark == "圆" || currency.mark == "块钱";
}

/// 元 also begins and ends other words: 元素, 一元二次方程.
bool isOtherWord(std::string_view text, std::size_t end) {
    if (!text.substr(0, end).ends_with("元")) return false;
    constexpr auto kBehind = std::to_array<std::string_view>(
        {"素", "旦", "首", "宵", "件", "里", "论", "化", "组", "二次", "一次", "方程", "文化"});
    return std::any_of(kBehind.begin(), kBehind.end(),
                       [&](auto each) { return text.substr(end).starts_with(each); });
}

void findMoney(std::string_view text, std::vector<PatternMatch>& found) {
    const DecimalMark mark = decimalMarkOf(text);
    for (std::size_t at = 0; at < text.size(); ++at) {
        if ((static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) continue;
        PatternReader reader(text, at);
        const bool isNumber = startsChineseNumber(text, at);
        const Currency* currency =
            isNumber || !startsWord(text, at) ? nullptr : takeCurrency(reader);
        if (currency == nullptr ? !isNumber : standsBehind(*currency)) continue;
        reader.skipSpaces();
        const auto sum = takeSum(text, reader, mark);
        if (!sum) {
            // The end of "1.2.3" is no sum either.
            at = std::max(at + 1, reader.position()) - 1;
            continue;
        }
        std::size_t end = reader.position();
        if (currency == nullptr) {
            reader.skipSpaces();
            static_cast<void>(reader.take("\u00A0") || reader.take("\u202F"));
            currency = takeCurrency(reader);
            end = reader.position();
        } else if (end < text.size() && isLetter(text[end])) {
            continue;  // "$1.2m": how much that is the letters say
        }
        if (currency == nullptr || isOtherWord(text, end)) continue;
        found.push_back({{at, end}, *sum + " " + std::string(currency->code)});
        at = end - 1;
    }
}

void findPercentages(std::string_view text, std::vector<PatternMatch>& found) {
    const DecimalMark clear = decimalMarkOf(text);
    const DecimalMark mark = clear == DecimalMark::Unknown ? DecimalMark::Point : clear;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (!isDigit(text[at]) || !startsWord(text, at)) continue;
        PatternReader reader(text, at);
        const auto written = reader.amount();
        if (!written) continue;
        const std::size_t afterAmount = reader.position();
        // Nobody writes a share of thousands with a point: 12.125 % are twelve.
        const auto amount = plainNumber(*written, mark);
        reader.skipSpaces();
        static_cast<void>(reader.take("\u00A0") || reader.take("\u202F"));
        if (!amount) continue;
        if (reader.take("%") || reader.take("％") || reader.take("percent") ||
            reader.take("per cent")) {
            found.push_back({{at, reader.position()}, *amount + " %"});
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

SlashDates slashDatesOf(std::string_view text) {
    bool dayFirst = false;
    bool monthFirst = false;
    for (std::size_t slash = text.find('/'); slash != std::string_view::npos;
         slash = text.find('/', slash + 1)) {
        std::size_t at = slash;
        while (at > 0 && slash - at < 2 && isDigit(text[at - 1])) --at;
        if (at == slash || !startsWord(text, at)) continue;
        PatternReader reader(text, at);
        const auto first = reader.number(1, 2);
        if (!first || !reader.take("/")) continue;
        const auto second = reader.number(1, 2);
        if (!second || !reader.take("/") || !reader.number(4, 4)) continue;
        dayFirst = dayFirst || (*first > 12 && isPossible(*second, *first));
        monthFirst = monthFirst || (*second > 12 && isPossible(*first, *second));
    }
    if (dayFirst == monthFirst) return SlashDates::Unknown;
    return dayFirst ? SlashDates::DayFirst : SlashDates::MonthFirst;
}

std::vector<PatternMatch> findPattern(Pattern pattern, std::string_view text,
                                      SlashDates slashDates) {
    std::vector<PatternMatch> found;
    switch (pattern) {
        case Pattern::Email: findEmails(text, found); break;
        case Pattern::WebAddress: findWebAddresses(text, found); break;
        case Pattern::Phone: findPhones(text, found); break;
        case Pattern::Date: findDates(text, slashDates, found); break;
        case Pattern::Money: findMoney(text, found); break;
        case Pattern::Percentage: findPercentages(text, found); break;
        case Pattern::Name: findNames(text, found); break;
        case Pattern::Person: findPeople(text, found); break;
    }
    return found;
}

}  // namespace conclave::retrieval
