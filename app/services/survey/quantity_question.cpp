#include "app/services/survey/quantity_question.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "app/services/question.h"
#include "app/services/survey/question_subject.h"
#include "app/services/survey/question_words.h"

namespace conclave::services {
namespace {

using Kind = QuantityQuestion::Kind;

struct QuantityPhrase {
    std::string_view words;
    Kind kind;
    bool ofDates = false;
};

/// Longer ones before those that they contain.
constexpr auto kSuperlatives = std::to_array<QuantityPhrase>(
    {{"highest", Kind::Greatest},      {"largest", Kind::Greatest}, {"biggest", Kind::Greatest},
     {"greatest", Kind::Greatest},     {"longest", Kind::Greatest}, {"maximum", Kind::Greatest},
     {"latest", Kind::Greatest, true}, {"lowest", Kind::Least},     {"smallest", Kind::Least},
     {"least", Kind::Least},           {"shortest", Kind::Least},   {"minimum", Kind::Least},
     {"earliest", Kind::Least, true},  {"median", Kind::Median},    {"average", Kind::Average},
     {"mean", Kind::Average},          {"total", Kind::Sum},        {"sum", Kind::Sum},
     {"combined", Kind::Sum},          {"altogether", Kind::Sum}});

struct BoundPhrase {
    std::string_view words;
    Kind kind;
    bool isInclusive = false;
};
constexpr auto kBounds = std::to_array<BoundPhrase>(
    {{"more than", Kind::Above},      {"greater than", Kind::Above},  {"higher than", Kind::Above},
     {"at least", Kind::Above, true}, {"exceeding", Kind::Above},     {"above", Kind::Above},
     {"over", Kind::Above},           {"less than", Kind::Below},     {"lower than", Kind::Below},
     {"fewer than", Kind::Below},     {"at most", Kind::Below, true}, {"below", Kind::Below},
     {"under", Kind::Below},          {"不超过", Kind::Below, true},  {"不低于", Kind::Above, true},
     {"不少于", Kind::Above, true},   {"超过", Kind::Above},          {"大于", Kind::Above},
     {"高于", Kind::Above},           {"多于", Kind::Above},          {"低于", Kind::Below},
     {"小于", Kind::Below},           {"少于", Kind::Below}});

constexpr auto kCardinals = std::to_array<std::string_view>(
    {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"});

/// Words that ask, and say nothing of what is asked.
constexpr auto kQuantityFrame = std::to_array<std::string_view>(
    {"what",      "what's",   "which",   "is",    "are",   "was",    "were",  "the",
     "a",         "an",       "of",      "in",    "for",   "to",     "all",   "each",
     "every",     "any",      "across",  "among", "over",  "from",   "my",    "our",
     "these",     "those",    "this",    "has",   "have",  "had",    "with",  "there",
     "listed",    "stated",   "given",   "named", "tell",  "me",     "show",  "find",
     "give",      "please",   "do",      "does",  "how",   "many",   "much",  "top",
     "overall",   "and",      "it",      "its",   "their", "that",   "say",   "says",
     "whose",     "together", "mention", "value", "out",   "number", "on",    "mentioned",
     "calculate", "compute",  "work",    "add",   "up",    "be",     "would", "file",
     "found"});
/// With any of these another thing may be meant.
constexpr auto kNotTaken = std::to_array<std::string_view>(
    {"per",    "not",        "without",       "except",  "between",  "when",  "why",
     "who",    "whom",       "where",         "by",      "may",      "must",  "can",
     "could",  "should",     "shall",         "allowed", "if",       "than",  "need",
     "needs",  "required",   "default",       "does it", "how long", "means", "meaning",
     "change", "difference", "percentage of", "or",      "i",        "you",   "we"});

template <std::size_t n>
bool isAmong(const std::array<std::string_view, n>& list, std::string_view word) {
    return std::find(list.begin(), list.end(), word) != list.end();
}

std::optional<int> countOf(std::string_view word) {
    const auto named = std::find(kCardinals.begin(), kCardinals.end(), word);
    if (named != kCardinals.end()) return static_cast<int>(named - kCardinals.begin()) + 1;
    int number = 0;
    const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (problem != std::errc() || end != word.data() + word.size()) return std::nullopt;
    return number >= 1 && number <= 100 ? std::optional(number) : std::nullopt;
}

/// Takes "above 1,300 EUR" out of the question.
bool takeBound(std::string& text, QuantityQuestion& asked) {
    const std::string lower = lowerCased(text);
    for (const BoundPhrase& each : kBounds) {
        const bool isAscii = static_cast<unsigned char>(each.words.front()) < 0x80;
        const std::size_t at = isAscii ? findWords(lower, each.words) : lower.find(each.words);
        if (at == std::string::npos) continue;
        const std::size_t behind = at + each.words.size();
        const auto amount = firstAmountIn(std::string_view(text).substr(behind));
        constexpr std::size_t kFarthest = 2;  // bytes: what is compared stands right behind
        if (!amount || amount->startByte > kFarthest) continue;
        asked.kind = each.kind;
        asked.isInclusive = each.isInclusive;
        asked.bound = *amount;
        text.replace(at, each.words.size() + amount->endByte, " ");
        return true;
    }
    return false;
}

// ---------------------------------------------------------------------------------------- English

/// Takes documents ("of the leases", "which lease has") out of the words; sets where to look.
void takeDocuments(std::vector<std::string_view>& words, QuantityQuestion& asked) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string_view word = words[i];
        if (word == "minutes" || word == "minute" || word == "pages" || word == "page") continue;
        const DocumentNoun plural = pluralDocumentNoun(word, 1);
        // "the contract amount": of what kind the amount is.
        const bool isEnd =
            i + 1 == words.size() || isAmong(kQuantityFrame, words[i + 1]) || words[i + 1].empty();
        const bool isOne = plural.endByte == 0 && isSingularDocumentNoun(word) && isEnd;
        if (plural.endByte == 0 && !isOne) continue;
        const bool isAny =
            plural.isAnyDocument || word == "document" || word == "file" || word == "text";
        if (!isAny) asked.place = std::string(word);
        asked.isOfAll = true;
        words[i] = {};
        return;
    }
}

std::optional<QuantityQuestion> englishQuantity(std::string text) {
    QuantityQuestion asked;
    if (hasAny(lowerCased(text), kNotTaken) && !hasAny(lowerCased(text), {"than"})) return {};
    const bool hasBound = takeBound(text, asked);
    const std::string lower = lowerCased(text);
    if (hasAny(lower, kNotTaken)) return {};
    std::vector<std::string_view> words = wordsOfLower(lower);
    std::size_t operation = words.size();
    for (std::size_t i = 0; i < words.size() && !hasBound; ++i) {
        const auto found =
            std::find_if(kSuperlatives.begin(), kSuperlatives.end(),
                         [&](const QuantityPhrase& each) { return each.words == words[i]; });
        if (found == kSuperlatives.end()) continue;
        if (operation < words.size()) return {};  // "the highest average"
        operation = i;
        asked.kind = found->kind;
        asked.ofDates = found->ofDates;
    }
    const bool isTop = !hasBound && operation == words.size() && beginning(lower, {"top"}) > 0;
    if (!hasBound && operation == words.size() && !isTop) return {};
    const bool isRanked = asked.kind == Kind::Greatest || asked.kind == Kind::Least;
    if (operation < words.size()) {
        if (operation > 0 && isRanked) {
            if (const auto place = placeInOrder(words[operation - 1])) {
                asked.nth = *place;
                words[operation - 1] = {};
            } else if (const auto count = countOf(words[operation - 1])) {
                asked.nShown = *count;
                words[operation - 1] = {};
            }
        }
        words[operation] = {};
    }
    // "Which three leases have the highest rent?", "top five rents"
    const std::size_t countAt =
        words.size() > 1 && (words[0] == "which" || words[0] == "top") ? 1 : 0;
    if (isRanked && countAt > 0 && !hasBound) {
        if (const auto count = countOf(words[countAt])) {
            asked.nShown = *count;
            words[countAt] = {};
        } else if (isTop) {
            return {};
        }
    }
    asked.isCounted = hasBound && beginning(lower, {"how many", "count"}) > 0;
    asked.isOfAll = hasAny(lower, {"all", "every", "each", "across", "altogether", "overall",
                                   "mentioned", "my", "our", "these"});
    if (hasBound && !asked.isCounted &&
        beginning(lower, {"which", "list", "what", "find", "show"}) == 0) {
        return {};
    }
    takeDocuments(words, asked);
    bool isSaid = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i].empty() || isAmong(kQuantityFrame, words[i])) continue;
        if (words[i] == "date" || words[i] == "dates" || words[i] == "day") {
            asked.ofDates = true;
            continue;
        }
        asked.subject += (isSaid ? " " : "") + std::string(words[i]);
        isSaid = true;
        const bool followsOperation = operation < words.size() && i > operation;
        if (followsOperation && asked.head.empty()) {
            const bool goesOn = i + 1 < words.size() && !words[i + 1].empty() &&
                                !isAmong(kQuantityFrame, words[i + 1]);
            if (!goesOn) asked.head = std::string(words[i]);
        }
    }
    if (asked.head.empty()) {
        const std::size_t space = asked.subject.rfind(' ');
        asked.head = space == std::string::npos ? asked.subject : asked.subject.substr(space + 1);
    }
    if (hasBound && !asked.isOfAll) return {};
    return asked;
}

// ---------------------------------------------------------------------------------------- Chinese

constexpr auto kChineseQuantities = std::to_array<QuantityPhrase>(
    {{"最高", Kind::Greatest}, {"最大", Kind::Greatest},  {"最多", Kind::Greatest},
     {"最长", Kind::Greatest}, {"最贵", Kind::Greatest},  {"最晚", Kind::Greatest, true},
     {"最低", Kind::Least},    {"最小", Kind::Least},     {"最少", Kind::Least},
     {"最短", Kind::Least},    {"最便宜", Kind::Least},   {"最早", Kind::Least, true},
     {"中位数", Kind::Median}, {"平均值", Kind::Average}, {"平均", Kind::Average},
     {"总和", Kind::Sum},      {"合计", Kind::Sum},       {"总计", Kind::Sum},
     {"总共", Kind::Sum},      {"一共", Kind::Sum},       {"加起来", Kind::Sum}});

std::optional<QuantityQuestion> chineseQuantity(std::string text) {
    using namespace std::string_view_literals;
    if (hasAny(text, {"不是"sv, "没有"sv, "除了"sv, "每年"sv, "每月"sv, "最多可"sv, "最多能"sv,
                      "可以"sv, "必须"sv, "应该"sv, "需要"sv, "为什么"sv, "怎么"sv, "如何"sv,
                      "什么时候"sv, "谁"sv})) {
        return {};
    }
    QuantityQuestion asked;
    const bool hasBound = takeBound(text, asked);
    const bool countsDocuments =
        hasAny(text, {"多少份"sv, "几份"sv, "多少个"sv, "几个"sv, "多少篇"sv, "几篇"sv, "多少次"sv,
                      "几次"sv, "多少张"sv, "几张"sv, "多少封"sv, "几封"sv});
    bool hasOperation = hasBound;
    if (hasBound) {
        asked.isCounted = countsDocuments;
        for (const std::string_view count : {"多少"sv, "几"sv}) {
            if (const auto at = text.find(count); at != std::string::npos) {
                text.replace(at, count.size(), " ");
                break;
            }
        }
    } else if (countsDocuments) {
        return {};
    }
    constexpr auto kNumbers = std::to_array<std::string_view>(
        {"一", "二", "三", "四", "五", "六", "七", "八", "九", "十"});
    constexpr auto kHigh = std::to_array<std::string_view>({"高", "大", "多", "长", "贵"});
    constexpr auto kLow = std::to_array<std::string_view>({"低", "小", "少", "短"});
    for (std::size_t i = 0; i < kNumbers.size() && !hasOperation; ++i) {
        const std::string place = "第" + std::string(kNumbers[i]);
        const std::size_t at = text.find(place);
        if (at == std::string::npos) continue;
        const std::string_view behind = std::string_view(text).substr(at + place.size());
        for (const auto& [list, kind] :
             {std::pair(std::span<const std::string_view>(kHigh), Kind::Greatest),
              std::pair(std::span<const std::string_view>(kLow), Kind::Least)}) {
            for (const std::string_view adjective : list) {
                if (hasOperation || !behind.starts_with(adjective)) continue;
                asked.kind = kind;
                asked.nth = static_cast<int>(i) + 1;
                text.replace(at, place.size() + adjective.size(), " ");
                hasOperation = true;
            }
        }
    }
    for (const QuantityPhrase& each : kChineseQuantities) {
        const std::size_t at = text.find(each.words);
        if (hasOperation || at == std::string::npos) continue;
        hasOperation = true;
        asked.kind = each.kind;
        asked.ofDates = each.ofDates;
        text.replace(at, each.words.size(), " ");
    }
    if (!hasOperation) return {};
    for (const std::string_view which :
         {"哪一份"sv, "哪一个"sv, "哪份"sv, "哪个"sv, "哪篇"sv, "哪封"sv, "哪张"sv, "哪些"sv,
          "是多少"sv, "多少"sv, "是什么"sv, "什么"sv, "是哪"sv, "是"sv, "分别"sv, "计算"sv}) {
        for (auto at = text.find(which); at != std::string::npos; at = text.find(which)) {
            text.replace(at, which.size(), " ");
        }
    }
    const DocumentNoun noun = chineseDocumentNoun(text);
    if (noun.endByte > 0) {
        if (!noun.isAnyDocument) {
            asked.place = text.substr(noun.startByte, noun.endByte - noun.startByte);
        }
        asked.isOfAll = true;
        text.replace(noun.startByte, noun.endByte - noun.startByte, " ");
    }
    asked.isOfAll = asked.isOfAll || hasAny(text, {"所有"sv, "全部"sv, "各"sv});
    if (const std::size_t at = text.find("日期"); at != std::string::npos) {
        asked.ofDates = true;
        if (at == 0 || text[at - 1] == ' ') text.replace(at, std::string_view("日期").size(), " ");
    }
    asked.subject = subjectOf(text);
    asked.head = asked.subject.substr(asked.subject.rfind(' ') + 1);
    if (hasBound && !asked.isOfAll) return {};
    return asked;
}

}  // namespace

std::optional<QuantityQuestion> quantityQuestionOf(std::string_view question) {
    if (bringsItsOwnText(question) || question.find_first_of("\"\n") != std::string_view::npos) {
        return {};
    }
    std::string text(trimmedQuestion(question));
    constexpr std::size_t kLongest = 200;  // bytes: a longer one tells a story
    if (text.size() > kLongest || !takeFileNames(text).empty()) return {};
    auto asked = isChinese(text) ? chineseQuantity(text) : englishQuantity(text);
    if (!asked || (asked->subject.empty() && !asked->ofDates)) return {};
    if (asked->ofDates && asked->kind != Kind::Greatest && asked->kind != Kind::Least) return {};
    constexpr auto kMostWords = 4;
    if (std::count(asked->subject.begin(), asked->subject.end(), ' ') >= kMostWords) return {};
    return asked;
}

}  // namespace conclave::services
