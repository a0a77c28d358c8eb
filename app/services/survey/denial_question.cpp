#include "app/services/survey/denial_question.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "app/services/english_words.h"
#include "app/services/question.h"
#include "app/services/survey/question_subject.h"
#include "app/services/survey/question_words.h"

namespace conclave::services {
namespace {

using namespace std::string_view_literals;

// --------------------------------------------------------------------------- the question, English

constexpr auto kDenialOpenings = std::to_array<std::string_view>(
    {"in how many", "how many",      "count all the", "count all",
     "count the",   "count",         "in which of",   "in which",
     "which of",    "which",         "what",          "list all the",
     "list all",    "list the",      "list",          "show me all the",
     "show me all", "show me the",   "show me",       "show all",
     "show",        "find all the",  "find all",      "find the",
     "find",        "name all",      "name the",      "give me all",
     "give me the", "are there any", "are there",     "is there any",
     "is there a",  "do any of",     "do any",        "does any"});

/// Verbs of what a text does with a subject; the rest of a denial is what it does not say.
constexpr auto kSayingVerbs = std::to_array<std::string_view>(
    {"mention",  "mentions", "mentioned", "contain",   "contains", "contained", "include",
     "includes", "included", "state",     "states",    "specify",  "specifies", "list",
     "lists",    "cover",    "covers",    "address",   "name",     "names",     "reference",
     "require",  "requires", "required",  "refer",     "refers",   "discuss",   "discusses",
     "have",     "has",      "provide",   "provides",  "define",   "defines",   "charge",
     "charges",  "demand",   "demands",   "stipulate", "describe", "describes", "cite",
     "say",      "says",     "talk",      "talks",     "speak",    "speaks",    "need",
     "needs",    "ask",      "asks",      "call",      "calls",    "impose",    "imposes"});
/// Who does not do this need not say so: "do not require a deposit" is asked of both.
constexpr auto kNeedingVerbs = std::to_array<std::string_view>(
    {"require", "requires", "required",  "have",    "has",      "charge", "charges",
     "demand",  "demands",  "stipulate", "provide", "provides", "need",   "needs",
     "ask",     "asks",     "call",      "calls",   "impose",   "imposes"});
constexpr auto kNeedlessPhrases =
    std::to_array<std::string_view>({"come without", "comes without", "are without", "is without",
                                     "without", "with no", "have no", "has no"});
/// Between such a verb and what is said: "say anything about", "refer to".
constexpr auto kBehindVerb = std::to_array<std::string_view>({"anything about",
                                                              "anything on",
                                                              "anything of",
                                                              "something about",
                                                              "a word about",
                                                              "a single word about",
                                                              "any mention of",
                                                              "any reference to",
                                                              "any information about",
                                                              "any clause on",
                                                              "any clause about",
                                                              "a clause on",
                                                              "a clause about",
                                                              "mention of",
                                                              "reference to",
                                                              "information about",
                                                              "information on",
                                                              "clause on",
                                                              "clause about",
                                                              "to",
                                                              "about",
                                                              "of",
                                                              "for"});
/// Phrases that deny alone. Longer ones before those that they begin with.
constexpr auto kDenyingPhrases = std::to_array<std::string_view>({"come without",
                                                                  "comes without",
                                                                  "are without",
                                                                  "is without",
                                                                  "without",
                                                                  "with no",
                                                                  "have no",
                                                                  "has no",
                                                                  "contain no",
                                                                  "contains no",
                                                                  "include no",
                                                                  "includes no",
                                                                  "mention no",
                                                                  "mentions no",
                                                                  "make no",
                                                                  "makes no",
                                                                  "say nothing about",
                                                                  "says nothing about",
                                                                  "say nothing of",
                                                                  "says nothing of",
                                                                  "say nothing on",
                                                                  "says nothing on",
                                                                  "fail to mention",
                                                                  "fails to mention",
                                                                  "are silent on",
                                                                  "is silent on",
                                                                  "are silent about",
                                                                  "is silent about",
                                                                  "lack",
                                                                  "lacks",
                                                                  "lacking",
                                                                  "are missing",
                                                                  "is missing",
                                                                  "omit",
                                                                  "omits",
                                                                  "leave out",
                                                                  "leaves out"});
constexpr auto kDenyingAuxiliaries = std::to_array<std::string_view>(
    {"do not", "does not", "did not", "have not", "has not", "don't", "doesn't", "didn't",
     "haven't", "hasn't", "don’t", "doesn’t", "didn’t", "haven’t", "hasn’t", "never", "do never",
     "cannot"});
constexpr auto kSaidParticiples = std::to_array<std::string_view>(
    {"mentioned", "named", "stated", "specified", "listed", "included", "discussed", "contained",
     "referred to", "required"});
constexpr auto kBeforeDenial = std::to_array<std::string_view>(
    {"that", "which", "who", "there", "do we have that", "do i have that", "do we have",
     "do i have", "of mine", "are there that", "are there which", "are there", "there are that",
     "exist that"});
constexpr auto kAdverbs = std::to_array<std::string_view>(
    {"ever", "even", "explicitly", "actually", "specifically", "once", "clearly", "yet", "any"});
constexpr std::size_t kDenialHeadWords = 4;  ///< the noun stands among so many

/// Takes one of the phrases from the front, and white space; false: none is there.
bool takeFront(std::string_view& text, std::string_view& lower,
               std::span<const std::string_view> phrases) {
    const std::size_t gap = lower.size() - withoutLeadingSpace(lower).size();
    text.remove_prefix(gap);
    lower.remove_prefix(gap);
    // The longest of those that stand there.
    std::size_t longest = 0;
    for (const std::string_view phrase : phrases) {
        longest = std::max(longest, beginning(lower, {phrase}));
    }
    text.remove_prefix(longest);
    lower.remove_prefix(longest);
    return longest > 0;
}

/// Sets text and lower to what is not said, if a denial begins here.
bool takeDenyingWords(std::string_view& text, std::string_view& lower, bool& isNeed) {
    static constexpr auto kArticles = std::to_array<std::string_view>({"any", "a", "an", "the"});
    isNeed = beginning(withoutLeadingSpace(lower),
                       std::span<const std::string_view>(kNeedlessPhrases)) > 0;
    if (takeFront(text, lower, kDenyingPhrases)) {
        takeFront(text, lower, kBehindVerb);
        takeFront(text, lower, kArticles);
        return true;
    }
    if (!takeFront(text, lower, kDenyingAuxiliaries)) return false;
    while (takeFront(text, lower, kAdverbs)) {
    }
    const std::string_view verb = withoutLeadingSpace(lower);
    if (!takeFront(text, lower, kSayingVerbs)) return false;
    const bool isOfMouth = verb.starts_with("say") || verb.starts_with("talk") ||
                           verb.starts_with("speak") || verb.starts_with("refer") ||
                           verb.starts_with("ask") || verb.starts_with("call");
    isNeed = beginning(verb, std::span<const std::string_view>(kNeedingVerbs)) > 0;
    // "Need not be signed" denies no thing.
    if (isNeed && beginning(withoutLeadingSpace(lower), {"to"sv}) > 0) return false;
    const bool hasObject = takeFront(text, lower, kBehindVerb);
    takeFront(text, lower, kArticles);
    return hasObject || !isOfMouth;  // "do not say how long": no words to look for
}

/// "Is a deposit not mentioned": what stands before "not". Empty: nothing of the kind.
std::string_view deniedPassively(std::string_view text, std::string_view lower) {
    if (!takeFront(text, lower, std::to_array<std::string_view>({"is", "are", "was", "were"}))) {
        return {};
    }
    for (const std::string_view participle : kSaidParticiples) {
        for (const std::string_view no : {"not "sv, "never "sv}) {
            const std::string phrase = std::string(no) + std::string(participle);
            const std::size_t at = findWords(lower, phrase);
            if (at != std::string_view::npos && at > 0) return text.substr(0, at);
        }
    }
    return {};
}

/// "contracts", or "contract" behind "which": the noun of the documents among the first words.
DocumentNoun deniedNounOf(std::string_view lower) {
    DocumentNoun noun = pluralDocumentNoun(lower, kDenialHeadWords);
    if (noun.endByte > 0) return noun;
    const std::vector<std::string_view> words = wordsOfLower(lower);
    for (std::size_t i = 0; i < std::min(words.size(), kDenialHeadWords); ++i) {
        if (!isSingularDocumentNoun(words[i])) continue;
        const auto start = static_cast<std::size_t>(words[i].data() - lower.data());
        const bool isAny = words[i] == "document" || words[i] == "file" || words[i] == "text";
        return {start, start + words[i].size(), isAny};
    }
    return noun;
}

/// Sets what is to be looked for; false: there is nothing.
bool setDenied(SurveyQuestion& asked, std::string said, std::string place, bool isCount) {
    asked.patterns = takePatterns(said);
    asked.subject = subjectOf(said);
    if (asked.patterns.empty() && !retrieval::SentenceMatcher(asked.subject).hasTerms()) {
        asked.patterns.clear();
        asked.subject.clear();
        return false;
    }
    asked.kind = isCount ? SurveyKind::Count : SurveyKind::List;
    asked.isSure = true;
    asked.ofDocuments = true;
    asked.isDenied = true;
    asked.place = std::move(place);
    asked.isPlaceOfKind = true;
    return true;
}

bool isEnglishDenial(std::string_view text, std::string_view lower, SurveyQuestion& asked) {
    const bool isCount = beginning(lower, {"how many"sv, "in how many"sv, "count"sv}) > 0;
    if (!takeFront(text, lower, kDenialOpenings)) return false;
    const DocumentNoun noun = deniedNounOf(lower);
    if (noun.endByte == 0) return false;
    const std::string_view before = lower.substr(0, noun.startByte);
    if (hasAny(before, {"is", "are", "do", "does", "say", "to", "in", "about", "not", "without"})) {
        return false;
    }
    const std::string place = noun.isAnyDocument ? "" : subjectOf(text.substr(0, noun.endByte));
    text.remove_prefix(noun.endByte);
    lower.remove_prefix(noun.endByte);
    std::string said(deniedPassively(text, lower));
    bool isNeed = !said.empty() && hasAny(lower, {"required"});
    if (said.empty()) {
        while (takeFront(text, lower, kBeforeDenial)) {
        }
        if (!takeDenyingWords(text, lower, isNeed)) return false;
        said = std::string(text);
    }
    const std::string saidLower = lowerCased(said);
    // Another condition beside it is not understood.
    if (hasAny(saidLower, {"but", "and", "if", "when", "not", "than", "because", "while"})) {
        return false;
    }
    asked.isNeedDenied = isNeed;
    return setDenied(asked, said, place, isCount);
}

// --------------------------------------------------------------------------- the question, Chinese

/// Longer ones before those that they begin with.
constexpr auto kChineseDenying = std::to_array<std::string_view>(
    {"没有提到", "没有提及", "没有提过", "没有包含", "没有包括", "没有含有", "没有涉及", "没有出现",
     "没有谈到", "没有讨论", "没有说到", "没有说明", "没有写明", "没有写到", "没有规定", "没有约定",
     "没有注明", "没有列出", "没有要求", "没有关于", "没有写",   "没有提",   "没提到",   "没提及",
     "没提过",   "没包含",   "没涉及",   "没写明",   "没规定",   "没约定",   "没写",     "没提",
     "从未提到", "从未提及", "并未提到", "并未提及", "只字未提", "未提到",   "未提及",   "未包含",
     "未包括",   "未涉及",   "未出现",   "未写明",   "未说明",   "未规定",   "未约定",   "未注明",
     "未要求",   "不包含",   "不包括",   "不含有",   "不含",     "不涉及",   "缺少",     "不需要",
     "无需",     "无须",     "不要求",   "不必",     "免收",     "不收取",   "不收",     "没有"});
/// Of these it is asked of silent documents, too.
constexpr auto kChineseNeedless =
    std::to_array<std::string_view>({"没有要求", "未要求", "不需要", "无需", "无须", "不要求",
                                     "不必", "免收", "不收取", "不收", "没有"});
constexpr auto kChineseDenialAsking = std::to_array<std::string_view>(
    {"有哪些", "是哪些", "哪些", "哪几份", "哪几个", "哪几篇", "哪几封", "哪一份", "哪份", "哪个",
     "哪篇",   "哪封",   "一共", "总共",   "共有",   "有多少", "多少",   "几份",   "几个", "几篇",
     "几封",   "几张",   "请问", "请",     "帮我",   "列出",   "找出",   "列举",   "所有", "全部",
     "我的",   "这些",   "当中", "里面",   "完全",   "根本",   "里",     "中",     "都",   "份",
     "个",     "篇",     "封",   "张",     "的",     "有",     "是",     "吗",     "呢",   "，"});

std::string withoutChineseAsking(std::string_view text) {
    std::string left(text);
    for (const std::string_view word : kChineseDenialAsking) {
        for (auto at = left.find(word); at != std::string::npos; at = left.find(word)) {
            left.erase(at, word.size());
        }
    }
    std::erase(left, ' ');
    return left;
}

/// "押金" of "支付押金": who need not pay one has none.
std::string withoutPaying(std::string said) {
    for (const std::string_view pay :
         {"支付"sv, "缴纳"sv, "交纳"sv, "交付"sv, "收取"sv, "提供"sv, "付"sv, "交"sv, "缴"sv}) {
        if (said.starts_with(pay) && said.size() > pay.size()) return said.substr(pay.size());
    }
    return said;
}

bool isChineseDenial(std::string_view text, SurveyQuestion& asked) {
    constexpr std::size_t kLongestKind = 12;  // bytes: four characters before "合同"
    std::size_t start = std::string_view::npos;
    std::string_view denying;
    for (const std::string_view each : kChineseDenying) {
        const std::size_t at = text.find(each);
        if (at == std::string_view::npos) continue;
        // "有没有提到" asks whether it is.
        if (at >= 3 && text.substr(at - 3, 3) == "有") return false;
        if (start == std::string_view::npos || at < start) {
            start = at;
            denying = each;
        }
    }
    if (start == std::string_view::npos) return false;
    const std::size_t behind = start + denying.size();
    const DocumentNoun first = chineseDocumentNoun(text);
    if (first.endByte == 0) return false;
    const bool isCount = hasAny(text, {"多少"sv, "几"sv});
    const bool isNeed = isListed(denying, kChineseNeedless);
    asked.isNeedDenied = isNeed;
    const auto wanted = [&](std::string said) {
        return isNeed ? withoutPaying(std::move(said)) : std::move(said);
    };
    const auto placeOf = [](const std::string& kind, std::string_view noun, bool isAny) {
        return isAny && kind.empty() ? std::string() : kind + std::string(noun);
    };
    const auto nounText = [&](const DocumentNoun& noun) {
        return text.substr(noun.startByte, noun.endByte - noun.startByte);
    };
    if (first.endByte <= start) {
        // "哪些采购合同没有提到押金"
        const std::string kind = withoutChineseAsking(text.substr(0, first.startByte));
        const std::string between =
            withoutChineseAsking(text.substr(first.endByte, start - first.endByte));
        if (kind.size() > kLongestKind || !between.empty()) return false;
        std::string said(text.substr(behind));
        for (const std::string_view end : {"的有哪些"sv, "的有几份"sv, "的有多少份"sv, "有哪些"sv,
                                           "有几份"sv, "有多少份"sv, "吗"sv, "的"sv}) {
            if (said.ends_with(end)) said.resize(said.size() - end.size());
        }
        return setDenied(asked, wanted(std::move(said)),
                         placeOf(kind, nounText(first), first.isAnyDocument), isCount);
    }
    // "没有提到押金的采购合同有哪些"
    constexpr auto kOf = "的"sv;
    const DocumentNoun noun = chineseDocumentNoun(text, behind);
    const std::size_t of = text.substr(0, noun.startByte).rfind(kOf);
    if (noun.endByte == 0 || of == std::string_view::npos || of < behind) return false;
    const std::string kind(text.substr(of + kOf.size(), noun.startByte - of - kOf.size()));
    if (kind.size() > kLongestKind || !withoutChineseAsking(text.substr(0, start)).empty() ||
        !withoutChineseAsking(text.substr(noun.endByte)).empty()) {
        return false;
    }
    return setDenied(asked, wanted(std::string(text.substr(behind, of - behind))),
                     placeOf(kind, nounText(noun), noun.isAnyDocument), isCount);
}

}  // namespace

bool isDenialAsked(std::string_view text, std::string_view lower, SurveyQuestion& asked) {
    return isChinese(text) ? isChineseDenial(text, asked) : isEnglishDenial(text, lower, asked);
}

std::string withoutHaving(std::string_view had) {
    static constexpr auto kHaving = std::to_array<std::string_view>(
        {"that",      "which",    "there",       "are",           "is",         "is a",
         "have",      "has",      "do we have",  "do i have",     "agree",      "agrees",
         "agreed",    "agree on", "agrees on",   "agree to",      "agrees to",  "agree upon",
         "provide",   "provides", "provide for", "provides for",  "stipulate",  "stipulates",
         "foresee",   "foresees", "impose",      "imposes",       "subject to", "specify",
         "specifies", "lay down", "lays down",   "stipulate for", "a",          "an",
         "any",       "the"});
    static constexpr auto kHad =
        std::to_array<std::string_view>({" agreed", " agreed on", " agreed upon", " stipulated",
                                         " provided", " provided for", " foreseen"});
    static constexpr auto kChineseHaving = std::to_array<std::string_view>(
        {"约定有", "约定了", "约定", "规定了", "规定", "写明了", "写明", "载明了", "载明", "设有",
         "设定了", "设定", "订明", "具有", "带有", "了", "有", " "});
    std::string_view left = had;
    if (isChinese(had)) {
        bool isTaken = true;
        while (isTaken) {
            isTaken = false;
            for (const std::string_view each : kChineseHaving) {
                if (!left.starts_with(each)) continue;
                left.remove_prefix(each.size());
                isTaken = true;
                break;
            }
        }
        return std::string(left.empty() ? had : left);
    }
    const std::string lowerText = lowerCased(had);
    std::string_view lower = lowerText;
    while (takeFront(left, lower, kHaving)) {
    }
    for (const std::string_view each : kHad) {
        if (!lower.ends_with(each)) continue;
        left.remove_suffix(each.size());
        break;
    }
    const bool isAnything = retrieval::SentenceMatcher(subjectOf(left)).hasTerms();
    return std::string(isAnything ? left : had);
}

bool isHavingAsked(std::string_view text) {
    static constexpr auto kMentioning = std::to_array<std::string_view>(
        {"mention", "mentions", "mentioned", "mentioning", "refer",    "refers",  "referring",
         "talk",    "talks",    "discuss",   "discusses",  "about",    "occur",   "occurs",
         "appear",  "appears",  "say",       "says",       "said",     "name",    "names",
         "named",   "speak",    "speaks",    "come up",    "comes up", "word",    "words",
         "term",    "cite",     "cites",     "deny",       "denies",   "exclude", "excludes",
         "waive",   "waives",   "提到",      "提及",       "提过",     "出现",    "谈到",
         "讨论",    "涉及",     "引用",      "说到",       "关于",     "排除",    "放弃",
         "\"",      "“"});
    const std::string lower = lowerCased(text);
    return std::none_of(kMentioning.begin(), kMentioning.end(), [&](std::string_view each) {
        const bool isWord = each.front() >= 'a' && each.front() <= 'z';
        return (isWord ? findWords(lower, each) : lower.find(each)) != std::string::npos;
    });
}

}  // namespace conclave::services
