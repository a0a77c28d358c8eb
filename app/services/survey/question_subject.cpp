#include "app/services/survey/question_subject.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

#include "app/services/question.h"
#include "app/services/survey/question_words.h"

namespace conclave::services {
namespace {

using retrieval::Pattern;

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
    {"every phone number", Pattern::Phone},
    {"phone numbers", Pattern::Phone},
    {"telephone numbers", Pattern::Phone},
    {"电话号码", Pattern::Phone},
    {"手机号", Pattern::Phone},
    {"every date", Pattern::Date},
    {"each date", Pattern::Date},
    {"dates", Pattern::Date},
    {"日期", Pattern::Date},
    {"amount of money", Pattern::Money},
    {"sum of money", Pattern::Money},
    {"every amount", Pattern::Money},
    {"every price", Pattern::Money},
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
    {"people", Pattern::Person},
    {"persons", Pattern::Person},
    {"people's names", Pattern::Person},
    {"人名", Pattern::Person},
    {"姓名", Pattern::Person},
    {"人员名单", Pattern::Person},
    {"names", Pattern::Name},
});

/// Words that ask but are not asked for; what stands in quotation marks is kept.
constexpr auto kFrameWords = std::to_array<std::string_view>(
    {"document", "documents", "file",       "files",      "passage", "passages", "times",
     "time",     "mention",   "mentions",   "mentioned",  "contain", "contains", "contained",
     "refer",    "refers",    "talk",       "talks",      "about",   "discuss",  "discusses",
     "say",      "says",      "said",       "named",      "there",   "all",      "every",
     "each",     "total",     "altogether", "across",     "whole",   "entire",   "my",
     "occur",    "occurs",    "appear",     "appears",    "come",    "comes",    "up",
     "list",     "different", "distinct",   "unique",     "number",  "give",     "me",
     "show",     "find",      "which",      "what",       "how",     "many",     "often",
     "count",    "overall",   "everything", "anything",   "please",  "word",     "words",
     "term",     "is",        "are",        "the",        "a",       "an",       "of",
     "in",       "that",      "do",         "does",       "have",    "has",      "been",
     "was",      "were",      "these",      "those",      "this",    "include",  "includes",
     "summary",  "overview",  "regarding",  "concerning", "on",      "cite",     "cites",
     "describe", "describes", "tell",       "use",        "used",    "it",       "where",
     "when",     "with",      "and",        "you",        "can",     "to"});

constexpr auto kChineseFrames = std::to_array<std::string_view>(
    {"请帮我", "请",     "帮我", "是什么", "是多少", "什么", "几份", "几个",   "几篇",   "几封",
     "几张",   "每份",   "每个", "每篇",   "每封",   "各份", "各个", "列出来", "列出",   "列举",
     "找出",   "所有的", "所有", "全部的", "全部",   "总共", "一共", "共有",   "有多少", "多少",
     "文件",   "文档",   "资料", "段落",   "提到",   "提及", "包含", "含有",   "出现",   "关于",
     "哪些",   "哪几",   "一下", "总结",   "概括",   "归纳", "概述", "内容",   "整个",   "这些",
     "我的",   "里面",   "里",   "中",     "次",     "个",   "份",   "篇",     "封",     "了",
     "有",     "过",     "的",   "把",     "，",     "、"});

}  // namespace

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

namespace {

/// "in the whole collection": where to look. But "a collection" is something to look for.
std::string withoutWholePlace(std::string_view text) {
    static constexpr auto kWholes =
        std::to_array<std::string_view>({"collection", "collections", "folder", "folders"});
    static constexpr auto kDeterminers = std::to_array<std::string_view>(
        {"the", "this", "that", "my", "our", "your", "whole", "entire", "these", "all"});
    static constexpr auto kBefore = std::to_array<std::string_view>(
        {"in", "of", "across", "from", "within", "through", "throughout"});
    std::string left(text);
    const std::string lower = lowerCased(text);
    const std::vector<std::string_view> words = wordsOfLower(lower);
    const auto isIn = [](std::string_view word, const auto& list) {
        return std::find(list.begin(), list.end(), word) != list.end();
    };
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (!isIn(words[i], kWholes)) continue;
        std::size_t first = i;
        while (first > 0 && isIn(words[first - 1], kDeterminers)) --first;
        const bool isPlace = first == 0 ? i > 0 : isIn(words[first - 1], kBefore);
        if (!isPlace || first == i) continue;
        const auto at = static_cast<std::size_t>(words[i].data() - lower.data());
        left.replace(at, words[i].size(), words[i].size(), ' ');
    }
    return left;
}

}  // namespace

std::string subjectOf(std::string_view text) {
    std::string unframed = withoutWholePlace(text);
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
        // Of "lease A" the letter is a name.
        const bool isLetter = word == "A" && (unframed.find_first_not_of(' ') < i ||
                                              unframed.find_last_not_of(' ') < end);
        if (isLetter ||
            std::find(kFrameWords.begin(), kFrameWords.end(), lower) == kFrameWords.end()) {
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

bool mayBeSaid(std::string_view subject) {
    static constexpr auto kOfNoThing = std::to_array<std::string_view>(
        {"did", "didn't", "didn’t", "does",  "was",    "were",   "had",  "will",      "would",
         "who", "whom",   "whose",  "why",   "i",      "we",     "you",  "he",        "she",
         "it",  "they",   "them",   "their", "theirs", "him",    "his",  "her",       "hers",
         "its", "our",    "ours",   "your",  "yours",  "myself", "them", "themselves"});
    static constexpr auto kComparing = std::to_array<std::string_view>(
        {"over",   "under",   "above",  "below", "more",  "less",  "fewer",   "than",   "at",
         "least",  "most",    "before", "after", "since", "until", "between", "larger", "greater",
         "higher", "smaller", "lower",  "up",    "to",    "and",   "or",      "from",   "about",
         "eur",    "usd",     "chf",    "gbp",   "euro",  "euros", "dollars", "of",     "in"});
    static constexpr auto kMonths = std::to_array<std::string_view>(
        {"january", "february", "march", "april", "may", "june", "july", "august", "september",
         "october", "november", "december"});
    static constexpr auto kChineseBare = std::to_array<std::string_view>(
        {"超过", "大于", "多于", "少于", "小于", "不到", "高于", "低于", "以上", "以下",
         "之前", "之后", "以前", "以后", "年",   "月",   "日",   "号",   "元",   "万"});
    if (subject.find('"') != std::string_view::npos ||
        subject.find("“") != std::string_view::npos) {
        return true;
    }
    const auto isIn = [](std::string_view word, const auto& list) {
        return std::find(list.begin(), list.end(), word) != list.end();
    };
    const auto isNumber = [](std::string_view word) {
        const auto isDigit = [](char c) { return c >= '0' && c <= '9'; };
        return std::any_of(word.begin(), word.end(), isDigit) &&
               std::none_of(word.begin(), word.end(),
                            [](char c) { return std::isalpha(static_cast<unsigned char>(c)); });
    };
    std::string lower = lowerCased(subject);
    bool isBare = false;  // a bound or a date, if nothing else is said
    if (isChinese(subject)) {
        if (hasAny(lower, {"他们", "她们", "它们"})) return false;
        for (const std::string_view each : kChineseBare) {
            for (std::size_t at = lower.find(each); at != std::string::npos;
                 at = lower.find(each)) {
                lower.replace(at, each.size(), " ");
                isBare = true;
            }
        }
    }
    bool isThing = false;
    for (const std::string_view word : wordsOfLower(lower)) {
        if (isIn(word, kOfNoThing)) return false;
        const bool isBareWord = isIn(word, kComparing) || isIn(word, kMonths);
        isBare = isBare || isBareWord;
        isThing = isThing || (!isBareWord && !isNumber(word));
    }
    return isThing || !isBare;
}

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
    for (const std::string_view kind : {" folder", " directory"}) {
        if (lowerCased(place).ends_with(kind)) place.resize(place.size() - kind.size());
    }
    text.resize(last);
    for (const std::string_view in : {"from", "across", "within"}) {
        if (lowerCased(place).starts_with(in)) place.erase(0, in.size());
    }
    while (place.starts_with(' ')) place.erase(0, 1);
    return place;
}

bool namesPlace(std::string_view text) {
    static constexpr auto kKinds = std::to_array<std::string_view>(
        {"folder", "directory", "file", "files", "document", "documents"});
    static constexpr auto kBefore = std::to_array<std::string_view>({"in", "from", "within"});
    const std::string lower = lowerCased(text);
    const std::vector<std::string_view> words = wordsOfLower(lower);
    const auto isIn = [](std::string_view word, const auto& list) {
        return std::find(list.begin(), list.end(), word) != list.end();
    };
    // "In the <name> folder": nearer words ("in the folder") name none.
    return words.size() >= 4 && isIn(words.back(), kKinds) && words[words.size() - 3] == "the" &&
           isIn(words[words.size() - 4], kBefore) && words[words.size() - 2] != "whole" &&
           words[words.size() - 2] != "entire" && words[words.size() - 2] != "same";
}

std::string takeChinesePlace(std::string& text) {
    static constexpr auto kInside = std::to_array<std::string_view>({"里面", "当中", "里", "中"});
    const DocumentNoun noun = chineseDocumentNoun(text);
    if (noun.endByte == 0) return {};
    const std::string_view behind = std::string_view(text).substr(noun.endByte);
    const auto inside = std::find_if(kInside.begin(), kInside.end(), [&](std::string_view each) {
        return behind.starts_with(each);
    });
    if (inside == kInside.end()) return {};
    std::string place =
        noun.isAnyDocument ? "" : text.substr(noun.startByte, noun.endByte - noun.startByte);
    text.replace(noun.startByte, noun.endByte - noun.startByte + inside->size(), " ");
    return place;
}

namespace {

/// "in notes.docx" and "summarise notes.docx" say where to look, "mention config.json" what for.
bool leadsToFile(std::string_view before) {
    static constexpr auto kLeading = std::to_array<std::string_view>(
        {"in", "of", "from", "within", "across", "file", "files", "document", "summarise",
         "summarize", "compare", "and", "with", "does", "do", "to", "count", "versus", "vs"});
    static constexpr auto kPassedOver =
        std::to_array<std::string_view>({"the", "my", "this", "our", "up"});
    const std::string lower = lowerCased(before);
    std::vector<std::string_view> words = wordsOfLower(lower);
    const auto isIn = [](std::string_view word, const auto& list) {
        return std::find(list.begin(), list.end(), word) != list.end();
    };
    while (!words.empty() && isIn(words.back(), kPassedOver)) words.pop_back();
    return words.empty() || isIn(words.back(), kLeading) ||
           static_cast<unsigned char>(words.back().back()) >= 0x80;
}

bool isOfFileName(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x80 && (std::isalnum(byte) != 0 ||
                           std::string_view("._-+()~/").find(c) != std::string_view::npos);
}

}  // namespace

std::vector<std::string> takeFileNames(std::string& text) {
    std::vector<std::string> names;
    const auto take = [&](std::size_t start, std::size_t end, std::size_t nAround) {
        const std::filesystem::path name = text.substr(start, end - start);
        if (name.stem().empty() || !name.has_extension() || !retrieval::isReadable(name) ||
            !leadsToFile(std::string_view(text).substr(0, start - nAround))) {
            return false;
        }
        names.push_back(name.filename().string());
        text.replace(start - nAround, end - start + 2 * nAround, " ");
        return true;
    };
    for (const std::string_view mark : {"\"", "`"}) {
        for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
            const std::size_t end = text.find(mark, at + 1);
            if (end == std::string::npos) break;
            if (!take(at + 1, end, 1)) at = end + 1;
        }
    }
    for (std::size_t start = 0; start < text.size();) {
        std::size_t end = start;
        while (end < text.size() && isOfFileName(text[end])) ++end;
        std::size_t last = end;
        while (last > start &&
               std::string_view(".)/-").find(text[last - 1]) != std::string_view::npos) {
            --last;
        }
        start = last > start && take(start, last, 0) ? start + 1 : end + 1;
    }
    return names;
}

}  // namespace conclave::services
