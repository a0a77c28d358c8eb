#include "app/services/survey/survey_question.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <span>
#include <utility>

#include "app/services/question.h"

namespace conclave::services {
namespace {

using retrieval::Pattern;

std::string lowerCased(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    }
    return lower;
}

bool isWordCharacter(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || std::isalnum(byte) != 0 || c == '\'' || c == '-';
}

/// Position of `phrase` in `text` as whole words, from `from` on.
std::size_t findWords(std::string_view text, std::string_view phrase, std::size_t from = 0) {
    for (std::size_t at = text.find(phrase, from); at != std::string_view::npos;
         at = text.find(phrase, at + 1)) {
        const std::size_t end = at + phrase.size();
        const bool startsWord = at == 0 || !isWordCharacter(text[at - 1]);
        if (startsWord && (end >= text.size() || !isWordCharacter(text[end]))) return at;
    }
    return std::string_view::npos;
}

bool hasAny(std::string_view text, std::span<const std::string_view> phrases) {
    return std::any_of(phrases.begin(), phrases.end(), [&](std::string_view phrase) {
        const bool isAscii = static_cast<unsigned char>(phrase.front()) < 0x80;
        return (isAscii ? findWords(text, phrase) : text.find(phrase)) != std::string_view::npos;
    });
}

/// Length of the phrase that `text` begins with; 0: none.
std::size_t beginning(std::string_view text, std::span<const std::string_view> phrases) {
    for (const std::string_view phrase : phrases) {
        if (findWords(text.substr(0, phrase.size() + 1), phrase) == 0) return phrase.size();
    }
    return 0;
}

std::string_view trimmedQuestion(std::string_view text) {
    static constexpr std::array<std::string_view, 12> kEnds = {" ", "\t", "\r", "\n", "?",  ".",
                                                               "!", ":",  "？", "。", "！", "："};
    bool isChanged = true;
    while (isChanged) {
        isChanged = false;
        for (const std::string_view end : kEnds) {
            if (text.ends_with(end)) {
                text.remove_suffix(end.size());
                isChanged = true;
            }
            if (end == " " && text.starts_with(end)) {
                text.remove_prefix(1);
                isChanged = true;
            }
        }
    }
    return text;
}

// --------------------------------------------------------------------------------------- patterns

struct PatternName {
    std::string_view word;
    Pattern pattern;
};
constexpr auto kPatternNames = std::to_array<PatternName>({
    {"email addresses", Pattern::Email},
    {"email address", Pattern::Email},
    {"e-mail addresses", Pattern::Email},
    {"mail addresses", Pattern::Email},
    {"邮箱地址", Pattern::Email},
    {"邮件地址", Pattern::Email},
    {"电子邮件", Pattern::Email},
    {"邮箱", Pattern::Email},
    {"web addresses", Pattern::WebAddress},
    {"urls", Pattern::WebAddress},
    {"links", Pattern::WebAddress},
    {"网址", Pattern::WebAddress},
    {"链接", Pattern::WebAddress},
    {"phone numbers", Pattern::Phone},
    {"telephone numbers", Pattern::Phone},
    {"电话号码", Pattern::Phone},
    {"手机号", Pattern::Phone},
    {"dates", Pattern::Date},
    {"日期", Pattern::Date},
    {"amounts of money", Pattern::Money},
    {"sums of money", Pattern::Money},
    {"amounts", Pattern::Money},
    {"prices", Pattern::Money},
    {"costs", Pattern::Money},
    {"金额", Pattern::Money},
    {"价格", Pattern::Money},
    {"费用", Pattern::Money},
    {"percentages", Pattern::Percentage},
    {"百分比", Pattern::Percentage},
    {"people", Pattern::Name},
    {"persons", Pattern::Name},
    {"names", Pattern::Name},
});

/// Takes the names of patterns out of `subject`.
std::vector<Pattern> takePatterns(std::string& subject) {
    std::vector<Pattern> patterns;
    for (const PatternName& each : kPatternNames) {
        const std::string lower = lowerCased(subject);
        const bool isAscii = static_cast<unsigned char>(each.word.front()) < 0x80;
        const std::size_t at =
            isAscii ? findWords(lower, each.word) : std::string_view(lower).find(each.word);
        if (at == std::string::npos) continue;
        subject.replace(at, each.word.size(), " ");
        if (std::find(patterns.begin(), patterns.end(), each.pattern) == patterns.end()) {
            patterns.push_back(each.pattern);
        }
    }
    return patterns;
}

// ---------------------------------------------------------------------------------------- subject

/// Words that ask but are not asked for; what stands in quotation marks is kept.
constexpr auto kFrameWords = std::to_array<std::string_view>(
    {"document", "documents",  "file",     "files",     "passage",    "passages",   "times",
     "time",     "mention",    "mentions", "mentioned", "contain",    "contains",   "contained",
     "refer",    "refers",     "talk",     "talks",     "about",      "discuss",    "discusses",
     "say",      "says",       "said",     "named",     "there",      "all",        "every",
     "each",     "collection", "folder",   "total",     "altogether", "across",     "whole",
     "entire",   "my",         "occur",    "occurs",    "appear",     "appears",    "come",
     "comes",    "up",         "list",     "different", "distinct",   "unique",     "number",
     "give",     "me",         "show",     "find",      "which",      "what",       "how",
     "many",     "often",      "count",    "overall",   "everything", "anything",   "please",
     "word",     "words",      "term",     "is",        "are",        "the",        "a",
     "an",       "of",         "in",       "that",      "do",         "does",       "have",
     "has",      "been",       "was",      "were",      "these",      "those",      "this",
     "include",  "includes",   "summary",  "overview",  "regarding",  "concerning", "on",
     "cite",     "cites",      "describe", "describes", "use",        "used",       "it",
     "where",    "when",       "with",     "and",       "you",        "can",        "to"});

constexpr auto kChineseFrames = std::to_array<std::string_view>(
    {"请帮我", "请",   "帮我", "列出来", "列出",   "列举", "找出", "所有的", "所有",
     "全部的", "全部", "总共", "一共",   "有多少", "多少", "文件", "文档",   "资料",
     "段落",   "提到", "提及", "包含",   "含有",   "出现", "关于", "哪些",   "哪几",
     "一下",   "总结", "概括", "归纳",   "概述",   "内容", "整个", "这些",   "我的",
     "里面",   "里",   "中",   "次",     "个",     "份",   "篇",   "封",     "了",
     "有",     "过",   "的",   "把",     "，",     "、"});

std::string subjectOf(std::string_view text) {
    std::string unframed(text);
    if (isChinese(text)) {
        for (const std::string_view frame : kChineseFrames) {
            for (std::size_t at = unframed.find(frame); at != std::string::npos;
                 at = unframed.find(frame)) {
                unframed.replace(at, frame.size(), " ");
            }
        }
    }
    std::string subject;
    bool isQuoted = false;
    for (std::size_t i = 0; i < unframed.size();) {
        if (unframed[i] == '"' || unframed.compare(i, 3, "“") == 0 ||
            unframed.compare(i, 3, "”") == 0) {
            isQuoted = !isQuoted;
        }
        if (isQuoted || !isWordCharacter(unframed[i])) {
            subject += unframed[i++];
            continue;
        }
        std::size_t end = i;
        while (end < unframed.size() && isWordCharacter(unframed[end]) &&
               unframed.compare(end, 3, "“") != 0 && unframed.compare(end, 3, "”") != 0) {
            ++end;
        }
        if (end == i) end = i + 1;
        const std::string word = unframed.substr(i, end - i);
        const std::string lower = lowerCased(word);
        if (std::find(kFrameWords.begin(), kFrameWords.end(), lower) == kFrameWords.end()) {
            subject += word;
        }
        i = end;
    }
    std::string tidy;
    for (const char c : subject) {
        const bool isSpace = c == ' ' || c == '\t' || c == '\n' || c == ',';
        if (isSpace && (tidy.empty() || tidy.back() == ' ')) continue;
        tidy += isSpace ? ' ' : c;
    }
    while (tidy.ends_with(' ')) tidy.pop_back();
    return tidy;
}

/// Takes "in the contracts" from the end of `text`: where to look, if documents are named so.
std::string takePlace(std::string& text) {
    const std::string lower = lowerCased(text);
    std::size_t last = std::string::npos;
    for (const std::string_view in : {"in", "from", "across", "within"}) {
        for (std::size_t at = findWords(lower, in); at != std::string::npos;
             at = findWords(lower, in, at + 1)) {
            if (last == std::string::npos || at > last) last = at;
        }
    }
    if (last == std::string::npos || last == 0 || text.find('"', last) != std::string::npos) {
        return {};
    }
    std::string place = subjectOf(std::string_view(text).substr(last));
    text.resize(last);
    for (const std::string_view in : {"from", "across", "within"}) {
        if (lowerCased(place).starts_with(in)) place.erase(0, in.size());
    }
    while (place.starts_with(' ')) place.erase(0, 1);
    return place;
}

// ------------------------------------------------------------------------------------------ rules

constexpr auto kCorpusNouns = std::to_array<std::string_view>(
    {"documents", "files", "passages", "document", "file", "文件", "文档", "资料", "段落"});
constexpr auto kSaying = std::to_array<std::string_view>(
    {"mention",   "mentions",   "mentioned",   "contain", "contains",  "refer to",
     "refers to", "talk about", "talks about", "discuss", "discusses", "are about",
     "is about",  "occur",      "occurs",      "appear",  "appears",   "come up",
     "提到",      "提及",       "包含",        "出现"});
constexpr auto kEverywhere = std::to_array<std::string_view>(
    {"across all",    "across my",         "across the",         "in all documents",
     "in all my",     "in all of",         "in all the",         "in the whole",
     "in the entire", "in my documents",   "in these documents", "in the documents",
     "in my files",   "in the collection", "in this collection", "in this folder",
     "over all",      "所有文件",          "所有文档",           "全部文件",
     "全部文档",      "整个文件夹",        "所有资料",           "全部资料"});
constexpr auto kAll =
    std::to_array<std::string_view>({"all", "every", "each", "everything", "所有", "全部"});

bool isCount(std::string_view lower, SurveyQuestion& asked) {
    static constexpr std::array<std::string_view, 8> kOpenings = {"how many",
                                                                  "how often",
                                                                  "count",
                                                                  "what is the number of",
                                                                  "what is the total number of",
                                                                  "number of",
                                                                  "tell me how many",
                                                                  "in how many"};
    const bool isChineseCount = lower.find("多少") != std::string_view::npos ||
                                lower.find("几次") != std::string_view::npos;
    const std::size_t opening = beginning(lower, kOpenings);
    if (opening == 0 && !isChineseCount) return false;
    asked.kind = SurveyKind::Count;
    const std::string_view rest = lower.substr(opening);
    const bool isCorpus = hasAny(rest, kCorpusNouns);
    const bool isSaid = hasAny(rest, kSaying);
    const bool isEverywhere = hasAny(rest, kEverywhere);
    // "How many documents …", not "How many euros … in the document?".
    std::string_view first = trimmedQuestion(rest);
    for (const std::string_view skip : {"of ", "all ", "my ", "the ", "these ", "different "}) {
        if (first.starts_with(skip)) first.remove_prefix(skip.size());
    }
    const bool startsWithCorpus = beginning(first, kCorpusNouns) > 0;
    static constexpr std::array<std::string_view, 12> kChineseCounts = {
        "多少文件",   "多少个文件", "多少份文件", "多少文档",   "多少个文档", "多少份文档",
        "多少篇文档", "多少资料",   "多少份资料", "多少篇文章", "多少个段落", "多少段落"};
    const bool isChineseCorpus = hasAny(lower, kChineseCounts);
    const bool isTimes = beginning(first, std::array<std::string_view, 1>{"times"}) > 0 ||
                         lower.starts_with("how often") || lower.find("次") != std::string::npos;
    asked.ofDocuments = startsWithCorpus || isChineseCorpus || lower.starts_with("in how many");
    asked.isSure = (asked.ofDocuments && (isSaid || isEverywhere || isCorpus || isChineseCorpus)) ||
                   (isTimes && isSaid && !isChineseCount) || isEverywhere ||
                   (lower.starts_with("count ") && hasAny(lower, kAll));
    return true;
}

bool isList(std::string_view lower, SurveyQuestion& asked) {
    static constexpr std::array<std::string_view, 12> kOpenings = {
        "list",           "name all",    "name every",    "enumerate",
        "give me a list", "give me all", "give me every", "show me all",
        "show all",       "find all",    "find every",    "what are all"};
    static constexpr std::array<std::string_view, 6> kDocuments = {
        "which documents", "which files",        "what documents",
        "what files",      "list all documents", "list my documents"};
    static constexpr std::array<std::string_view, 5> kChinese = {"列出", "列举", "找出所有",
                                                                 "找出全部", "列一下"};
    static constexpr std::array<std::string_view, 5> kChineseDocuments = {
        "哪些文件", "哪些文档", "哪些资料", "哪几份文件", "哪几个文件"};
    const bool ofDocuments = beginning(lower, kDocuments) > 0 || hasAny(lower, kChineseDocuments);
    if (beginning(lower, kOpenings) == 0 && !hasAny(lower, kChinese) && !ofDocuments) return false;
    asked.kind = SurveyKind::List;
    asked.ofDocuments =
        ofDocuments ||
        hasAny(lower, std::array<std::string_view, 7>{
                          "list all files", "list the documents", "list the files", "列出所有文件",
                          "列出所有文档", "列出全部文件", "列出全部文档"});
    asked.isSure = true;
    return true;
}

bool isSummary(std::string_view lower, SurveyQuestion& asked) {
    static constexpr std::array<std::string_view, 10> kOpenings = {
        "summarise",      "summarize",           "sum up",           "give me a summary",
        "give a summary", "give me an overview", "give an overview", "an overview",
        "a summary",      "write a summary"};
    static constexpr std::array<std::string_view, 5> kChinese = {"总结", "概括", "归纳", "概述",
                                                                 "综述"};
    const bool isChineseOrder =
        beginning(lower, kChinese) > 0 ||
        std::any_of(kChinese.begin(), kChinese.end(), [&](auto order) {
            return lower.starts_with(order) ||
                   lower.starts_with(std::string("请") + std::string(order));
        });
    if (beginning(lower, kOpenings) == 0 && !isChineseOrder) return false;
    asked.kind = SurveyKind::Summarise;
    static constexpr std::array<std::string_view, 12> kWhole = {
        "my documents", "the documents", "these documents", "my files",
        "the files",    "my notes",      "the collection",  "this collection",
        "this folder",  "the folder",    "the whole",       "the entire"};
    static constexpr std::array<std::string_view, 6> kChineseWhole = {"全部", "所有",   "这些文",
                                                                      "整个", "我的文", "一切"};
    asked.isSure = hasAny(lower, kAll) || hasAny(lower, kWhole) || hasAny(lower, kChineseWhole);
    return true;
}

/// The two things between which the question's words stand.
std::vector<std::string> sidesOf(std::string_view text, std::string_view lower,
                                 std::span<const std::string_view> betweens) {
    for (const std::string_view between : betweens) {
        const bool isAscii = static_cast<unsigned char>(between.front()) < 0x80;
        const std::size_t at = isAscii ? findWords(lower, between) : lower.find(between);
        if (at == std::string_view::npos) continue;
        std::string first = subjectOf(text.substr(0, at));
        std::string second = subjectOf(text.substr(at + between.size()));
        if (!first.empty() && !second.empty()) return {std::move(first), std::move(second)};
    }
    return {};
}

bool isComparison(std::string_view text, std::string_view lower, SurveyQuestion& asked) {
    static constexpr std::array<std::string_view, 5> kOpenings = {
        "compare", "what is the difference between", "what are the differences between",
        "differences between", "difference between"};
    static constexpr std::array<std::string_view, 6> kBetweens = {"versus",  "vs", "with",
                                                                  "against", "to", "and"};
    static constexpr std::array<std::string_view, 4> kChineseOrders = {"请比较", "比较", "请对比",
                                                                       "对比"};
    static constexpr std::array<std::string_view, 4> kChineseBetweens = {"和", "与", "跟", "及"};
    if (const std::size_t opening = beginning(lower, kOpenings); opening > 0) {
        asked.sides = sidesOf(text.substr(opening), lower.substr(opening), kBetweens);
        asked.isSure = lower.starts_with("compare");
    }
    for (const std::string_view order : kChineseOrders) {
        if (!lower.starts_with(order)) continue;
        asked.sides =
            sidesOf(text.substr(order.size()), lower.substr(order.size()), kChineseBetweens);
        asked.isSure = true;
        break;
    }
    if (asked.sides.empty()) return false;
    asked.kind = SurveyKind::Compare;
    return true;
}

}  // namespace

SurveyQuestion surveyQuestionOf(std::string_view whole) {
    SurveyQuestion asked;
    if (bringsItsOwnText(whole)) return asked;
    std::string_view text = trimmedQuestion(whole);
    std::string lower = lowerCased(text);
    for (const std::string_view polite : {"please ", "can you ", "could you ", "now "}) {
        if (!lower.starts_with(polite)) continue;
        text.remove_prefix(polite.size());
        lower.erase(0, polite.size());
    }
    if (isComparison(text, lower, asked)) return asked;
    if (!isSummary(lower, asked) && !isList(lower, asked) && !isCount(lower, asked)) {
        return SurveyQuestion{};
    }
    std::string rest(text);
    if (asked.kind == SurveyKind::Summarise) {
        for (const std::string_view order : {"summarise", "summarize", "sum up"}) {
            if (lower.starts_with(order)) rest.erase(0, order.size());
        }
    }
    asked.patterns = takePatterns(rest);
    if (!isChinese(text)) asked.place = takePlace(rest);
    asked.subject = subjectOf(rest);
    return asked;
}

}  // namespace conclave::services
