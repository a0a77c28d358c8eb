#include "app/services/survey/date_question.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "app/services/english_words.h"
#include "app/services/question.h"
#include "app/services/survey/question_subject.h"
#include "app/services/survey/question_words.h"

namespace conclave::services {
namespace {

using namespace std::string_view_literals;

// ---------------------------------------------------------------------------------------- English

constexpr auto kAskingFirst = std::to_array<std::string_view>(
    {"which", "what", "how", "list", "show", "find", "name", "give", "count", "are", "is", "were",
     "do", "have", "in", "please", "tell"});
constexpr auto kAskingWords = std::to_array<std::string_view>(
    {"which", "what", "how",  "many", "of",    "the",   "my",     "our",   "all", "list", "show",
     "me",    "find", "name", "give", "count", "are",   "is",     "there", "any", "were", "do",
     "we",    "have", "i",    "in",   "these", "those", "please", "was",   "has", "tell", "every"});
/// Words behind the documents that say nothing of what is dated.
constexpr auto kSayNothing = std::to_array<std::string_view>(
    {"is",   "are",  "was", "were", "be",    "been",  "has",   "have", "had", "did",  "do",
     "does", "the",  "a",   "an",   "that",  "which", "whose", "with", "on",  "at",   "there",
     "we",   "i",    "of",  "its",  "their", "they",  "from",  "got",  "any", "date", "dates",
     "day",  "into", "for", "in",   "to",    "it",    "give",  "given"});
/// With any of these another thing may be meant.
constexpr auto kChangesMeaning = std::to_array<std::string_view>(
    {"and",    "or",    "but",     "not",      "no",     "without", "never",   "may",    "must",
     "can",    "could", "should",  "shall",    "would",  "need",    "needs",   "if",     "when",
     "unless", "than",  "only",    "except",   "who",    "why",     "where",   "how",    "because",
     "either", "both",  "neither", "required", "will",   "first",   "last",    "latest", "earliest",
     "newest", "don't", "doesn't", "weren't",  "wasn't", "aren't",  "haven't", "nor",    "while"});
/// Of a known role these are what it is of anyway: "payment is due", "the term ends".
constexpr auto kSaidAnyway = std::to_array<std::string_view>(
    {"payment", "payments", "term", "terms", "validity", "period", "signature", "parties",
     "parties", "document", "contract", "agreement", "lease", "invoice", "letter"});

/// One role of the words' cues; none: there are several.
std::optional<DateRole> onlyRole(const std::vector<DateCue>& cues, DateRole alone) {
    unsigned all = ~0U;
    bool isAny = false;
    for (const DateCue& cue : cues) {
        if (cue.roles == 0) return std::nullopt;
        // "Due date", "date of signature": the date is that of the other.
        if (cue.roles == static_cast<unsigned>(DateRole::Dated) && cues.size() > 1) continue;
        all &= cue.roles;
        isAny = true;
    }
    if (!isAny) return cues.empty() ? alone : DateRole::Dated;
    for (const DateRole role : {DateRole::Signed, DateRole::Dated, DateRole::Due, DateRole::Ends,
                                DateRole::Starts, DateRole::Asked}) {
        if ((all & static_cast<unsigned>(role)) != 0) return role;
    }
    return std::nullopt;
}

/// Sets what the words behind the documents ask the dates of; false: that is not understood.
bool readEnglishDate(std::string_view text, DateQuestion& asked) {
    const std::vector<DateCue> cues = dateCuesIn(text, {});
    const auto isOfCue = [&](const AskedWord& word) {
        return std::any_of(cues.begin(), cues.end(), [&](const DateCue& cue) {
            return cue.roles != 0 && word.start >= cue.startByte && word.end <= cue.endByte;
        });
    };
    std::vector<AskedWord> left;
    bool isBehindBy = false;
    bool isAnyEvent = false;
    for (const AskedWord& word : wordsAsAsked(text)) {
        if (isListed(word.surface, kChangesMeaning)) return false;
        if (isOfCue(word)) {
            isAnyEvent = true;
            if (asked.what.empty()) asked.what = word.surface;
        } else if (word.surface == "by") {
            isBehindBy = true;
        } else if (word.isAnyCapital || word.hasDigit) {
            if (isBehindBy) {
                asked.date.beside.insert(word.stem);
            } else {
                asked.names += (asked.names.empty() ? "" : " ") +
                               std::string(text.substr(word.start, word.end - word.start));
            }
        } else if (!isListed(word.surface, kSayNothing)) {
            left.push_back(word);
        }
    }
    if (isAnyEvent) {
        const auto role = onlyRole(cues, DateRole::Dated);
        if (!role) return false;
        asked.date.role = *role;
        for (const AskedWord& word : left) {
            if (!isListed(word.surface, kSaidAnyway)) asked.date.beside.insert(word.stem);
        }
        return true;
    }
    std::erase_if(left, [](const AskedWord& word) { return !word.isContent; });
    constexpr std::size_t kMostEventWords = 3;
    if (left.size() > kMostEventWords) return false;
    if (left.empty()) return true;  // the documents' own dates
    asked.date.role = DateRole::Asked;
    for (const AskedWord& word : left) {
        asked.date.stems.insert(word.stem);
        asked.what += (asked.what.empty() ? "" : " ") + word.surface;
    }
    return true;
}

std::optional<DateQuestion> englishDateQuestion(std::string_view text) {
    const std::string lower = lowerCased(text);
    const std::vector<std::string_view> words = wordsOfLower(lower);
    constexpr std::size_t kNounWithin = 8;
    std::size_t noun = words.size();
    bool isAny = false;
    for (std::size_t i = 0; i < std::min(words.size(), kNounWithin); ++i) {
        const DocumentNoun plural = pluralDocumentNoun(words[i], 1);
        const bool isOne = isSingularDocumentNoun(words[i]);
        if (plural.endByte == 0 && !isOne) {
            if (noun < words.size()) break;
            continue;
        }
        noun = i;
        isAny = plural.isAnyDocument || words[i] == "document" || words[i] == "file";
    }
    if (noun == words.size() || noun == 0 || !isListed(words.front(), kAskingFirst)) return {};
    std::size_t kind = noun;
    while (kind > 0 && !isListed(words[kind - 1], kAskingWords)) --kind;
    if (kind == 0 ||
        !std::all_of(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(kind),
                     [](std::string_view word) { return isListed(word, kAskingWords); })) {
        return {};
    }
    const auto startOf = [&](std::size_t i) {
        return static_cast<std::size_t>(words[i].data() - lower.data());
    };
    DateQuestion asked;
    const std::size_t behind = startOf(noun) + words[noun].size();
    const bool isPlain = isAny && kind == noun;
    if (!isPlain) asked.place = std::string(text.substr(startOf(kind), behind - startOf(kind)));
    if (hasAny(lowerCased(asked.place), kChangesMeaning)) return {};
    if (!readEnglishDate(text.substr(behind), asked)) return {};
    return asked;
}

// ---------------------------------------------------------------------------------------- Chinese

constexpr auto kChineseDateFrame = std::to_array<std::string_view>(
    {"有哪些", "是哪些", "哪些", "哪几份", "哪几个", "哪几封", "哪几张", "哪一份", "哪份", "哪封",
     "哪张",   "有多少", "多少", "几份",   "几封",   "几张",   "几个",   "一共",   "总共", "共有",
     "请问",   "请",     "列出", "找出",   "列举",   "所有",   "全部",   "我的",   "这些", "其中",
     "已经",   "之间",   "期间", "是在",   "在",     "于",     "的",     "是",     "有",   "了",
     "都",     "份",     "封",   "张",     "个",     "被",     "已",     "，",     " "});

std::string withoutChineseFrame(std::string_view text) {
    std::string left(text);
    for (const std::string_view frame : kChineseDateFrame) {
        for (auto at = left.find(frame); at != std::string::npos; at = left.find(frame)) {
            left.replace(at, frame.size(), "\n");
        }
    }
    return left;
}

std::vector<std::string> piecesOf(const std::string& text) {
    std::vector<std::string> pieces;
    std::string piece;
    for (const char c : text + "\n") {
        if (c != '\n') {
            piece += c;
        } else if (!piece.empty()) {
            pieces.push_back(std::move(piece));
            piece.clear();
        }
    }
    return pieces;
}

std::optional<DateQuestion> chineseDateQuestion(std::string_view text) {
    if (hasAny(text, {"没"sv, "未"sv, "不"sv,     "无"sv,   "非"sv,   "和"sv,   "或"sv,
                      "且"sv, "并"sv, "必须"sv,   "应"sv,   "可以"sv, "需要"sv, "如果"sv,
                      "除"sv, "谁"sv, "为什么"sv, "最早"sv, "最晚"sv, "平均"sv})) {
        return {};
    }
    const DocumentNoun noun = chineseDocumentNoun(text);
    const bool isAsked = hasAny(text, {"哪"sv, "多少"sv, "几"sv, "列出"sv, "找出"sv, "列举"sv});
    if (noun.endByte == 0 || !isAsked) return {};
    constexpr std::size_t kLongestKind = 12;  // bytes: four characters
    DateQuestion asked;
    const std::string before = withoutChineseFrame(text.substr(0, noun.startByte));
    std::vector<std::string> pieces = piecesOf(before);
    std::string kind;
    // "采购合同": a word right before the noun is of its name.
    if (!pieces.empty() && !before.ends_with('\n') && dateCuesIn(pieces.back(), {}).empty()) {
        kind = std::move(pieces.back());
        pieces.pop_back();
        if (kind.size() > kLongestKind) return {};
    }
    if (!noun.isAnyDocument || !kind.empty()) {
        asked.place =
            kind + (noun.isAnyDocument
                        ? ""
                        : std::string(text.substr(noun.startByte, noun.endByte - noun.startByte)));
    }
    for (std::string& piece : piecesOf(withoutChineseFrame(text.substr(noun.endByte)))) {
        pieces.push_back(std::move(piece));
    }
    if (pieces.empty()) return asked;  // the documents' own dates
    if (pieces.size() > 1) return {};
    std::string event = pieces.front();
    for (const std::string_view end : {"日期"sv, "时间"sv, "日"sv}) {
        if (!event.ends_with(end)) continue;
        event.resize(event.size() - end.size());
        break;
    }
    if (event.empty()) return asked;
    const std::vector<DateCue> cues = dateCuesIn(event, {});
    asked.what = event;
    if (cues.empty()) {
        constexpr std::size_t kLongestEvent = 12;  // bytes
        if (event.size() > kLongestEvent) return {};
        asked.date.role = DateRole::Asked;
        asked.date.phrase = std::move(event);
        return asked;
    }
    const bool isAll =
        cues.size() == 1 && cues.front().startByte == 0 && cues.front().endByte == event.size();
    if (!isAll) return {};
    const bool isInvoice = hasAny(asked.place, {"发票"sv, "账单"sv, "报价"sv});
    const unsigned roles = cues.front().roles;
    const auto isOf = [&](DateRole role) { return (roles & static_cast<unsigned>(role)) != 0; };
    if (isOf(DateRole::Due) && isOf(DateRole::Ends)) {
        asked.date.role = isInvoice ? DateRole::Due : DateRole::Ends;
        return asked;
    }
    const auto role = onlyRole(cues, DateRole::Dated);
    if (!role) return {};
    asked.date.role = *role;
    return asked;
}

}  // namespace

std::optional<DateQuestion> dateQuestionOf(std::string_view question) {
    constexpr std::size_t kLongestQuestion = 200;  // bytes: a longer one tells a story
    if (bringsItsOwnText(question) || question.size() > kLongestQuestion ||
        question.find_first_of("\"\n") != std::string_view::npos) {
        return {};
    }
    const auto bound = dateBoundOf(trimmedQuestion(question));
    if (!bound || !bound->days) return {};
    std::string text(trimmedQuestion(bound->undated));
    // A second one is another condition.
    if (dateBoundOf(text) || !takeFileNames(text).empty()) return {};
    auto asked = isChinese(question) ? chineseDateQuestion(text) : englishDateQuestion(text);
    if (asked) asked->days = *bound->days;
    return asked;
}

}  // namespace conclave::services
