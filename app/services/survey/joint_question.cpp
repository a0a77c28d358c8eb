#include "app/services/survey/joint_question.h"

#include <algorithm>
#include <array>
#include <utility>

#include "app/services/english_words.h"
#include "app/services/question.h"
#include "app/services/survey/question_subject.h"
#include "app/services/survey/question_words.h"

namespace conclave::services {
namespace {

using namespace std::string_view_literals;
using Joined = JointQuestion::Joined;

constexpr std::size_t kMostSubjects = 4;

/// The subjects as questions of one place; none where one of them has no word to look for.
std::optional<JointQuestion> jointOf(Joined joined, const std::vector<std::string>& subjects,
                                     const std::string& place) {
    if (subjects.size() < 2 || subjects.size() > kMostSubjects) return {};
    if (joined == Joined::OnlyFirst && subjects.size() != 2) return {};
    JointQuestion joint;
    joint.joined = joined;
    for (const std::string& each : subjects) {
        SurveyQuestion asked;
        asked.kind = SurveyKind::List;
        asked.isSure = true;
        asked.ofDocuments = true;
        asked.isDenied = true;  // what merely speaks of a contract is none
        asked.place = place;
        asked.isPlaceOfKind = true;
        std::string said = each;
        if (!takePatterns(said).empty()) return {};
        asked.subject = subjectOf(each);
        if (!retrieval::SentenceMatcher(asked.subject).hasTerms()) return {};
        joint.subjects.push_back(std::move(asked));
    }
    for (std::size_t i = 1; i < joint.subjects.size(); ++i) {
        if (joint.subjects[i].subject == joint.subjects.front().subject) return {};
    }
    return joint;
}

// ---------------------------------------------------------------------------------------- English

constexpr auto kJointAsking = std::to_array<std::string_view>(
    {"which", "what", "how", "many", "of",    "the",   "my",     "our",  "all",
     "list",  "show", "me",  "find", "name",  "give",  "count",  "are",  "is",
     "there", "any",  "do",  "does", "these", "those", "please", "tell", "in"});
/// Between the documents and what they say.
constexpr auto kJointVerbs = std::to_array<std::string_view>(
    {"that",     "which",     "there",     "do",       "we",        "i",        "have",
     "has",      "with",      "mention",   "mentions", "contain",   "contains", "include",
     "includes", "require",   "requires",  "demand",   "demands",   "specify",  "specifies",
     "state",    "states",    "provide",   "provides", "name",      "names",    "list",
     "lists",    "cover",     "covers",    "charge",   "charges",   "need",     "needs",
     "discuss",  "discusses", "define",    "defines",  "stipulate", "describe", "describes",
     "say",      "says",      "something", "anything", "about",     "of",       "on",
     "for",      "ask",       "asks",      "call",     "calls",     "to",       "refer",
     "refers"});
constexpr auto kJointArticles = std::to_array<std::string_view>({"a", "an", "the", "any", "some"});
/// Not understood within what is said.
constexpr auto kNoSubject = std::to_array<std::string_view>(
    {"and",    "or",      "but",       "nor",    "not",     "no",   "if",    "when",
     "than",   "without", "both",      "either", "neither", "who",  "that",  "which",
     "where",  "because", "while",     "only",   "more",    "less", "over",  "under",
     "above",  "below",   "before",    "after",  "between", "most", "least", "highest",
     "lowest", "same",    "different", "is",     "are",     "was",  "were",  "do",
     "does",   "don't",   "doesn't"});

struct JointForm {
    Joined joined;
    std::string_view opening;  ///< "both "; empty: none is needed
    std::string_view between;
};
/// Longer ones before those that they contain.
constexpr auto kJointForms =
    std::to_array<JointForm>({{Joined::All, "both ", " and also "},
                              {Joined::All, "both ", " as well as "},
                              {Joined::All, "both ", " and "},
                              {Joined::Any, "either ", " or "},
                              {Joined::None, "neither ", " nor "},
                              {Joined::None, "neither ", " or "},
                              {Joined::None, "no ", " and no "},
                              {Joined::None, "no ", " or "},
                              {Joined::None, "no ", " nor "},
                              {Joined::OnlyFirst, "", " but do not mention "},
                              {Joined::OnlyFirst, "", " but do not require "},
                              {Joined::OnlyFirst, "", " but do not have "},
                              {Joined::OnlyFirst, "", " but do not contain "},
                              {Joined::OnlyFirst, "", " but don't mention "},
                              {Joined::OnlyFirst, "", " but don't require "},
                              {Joined::OnlyFirst, "", " but don't have "},
                              {Joined::OnlyFirst, "", " but have no "},
                              {Joined::OnlyFirst, "", " but mention no "},
                              {Joined::OnlyFirst, "", " but without "},
                              {Joined::OnlyFirst, "", " but not "},
                              {Joined::OnlyFirst, "", " but no "},
                              {Joined::OnlyFirst, "", " and no "},
                              {Joined::OnlyFirst, "", " without "},
                              {Joined::All, "", " as well as "},
                              {Joined::All, "", " and also "},
                              {Joined::All, "", " and "}});

bool isCapitalAt(std::string_view text) {
    return !text.empty() && text.front() >= 'A' && text.front() <= 'Z';
}

/// "A deposit" as "deposit"; empty: it is no such thing.
std::string englishSubject(std::string_view text) {
    text = trimmedQuestion(text);
    std::string lower = lowerCased(text);
    for (const std::string_view article : kJointArticles) {
        if (beginning(lower, {article}) == 0 || lower.size() <= article.size()) continue;
        text.remove_prefix(article.size() + 1);
        lower.erase(0, article.size() + 1);
        break;
    }
    constexpr std::size_t kMostWords = 4;
    const std::vector<std::string_view> words = wordsOfLower(lower);
    const bool isPlain = !words.empty() && words.size() <= kMostWords &&
                         lower.find_first_of("0123456789,;:\"()") == std::string::npos &&
                         std::none_of(words.begin(), words.end(), [](std::string_view word) {
                             return isListed(word, kNoSubject);
                         });
    return isPlain ? std::string(text) : std::string();
}

/// "A, b" before the last of a row.
std::vector<std::string_view> partsOfRow(std::string_view text) {
    std::vector<std::string_view> parts;
    for (std::size_t comma = text.find(','); comma != std::string_view::npos;
         comma = text.find(',')) {
        parts.push_back(text.substr(0, comma));
        text.remove_prefix(comma + 1);
    }
    if (!trimmedQuestion(text).empty()) parts.push_back(text);
    return parts;
}

std::optional<JointQuestion> jointIn(std::string_view said, const std::string& place) {
    const std::string lower = lowerCased(said);
    for (const JointForm& form : kJointForms) {
        if (!lower.starts_with(form.opening)) continue;
        const std::size_t at = lower.find(form.between, form.opening.size());
        if (at == std::string::npos) continue;
        const std::string_view last = said.substr(at + form.between.size());
        // "Smith and Sons" is one name.
        const bool isName = form.opening.empty() && form.joined == Joined::All && isCapitalAt(last);
        if (isName) return {};
        std::vector<std::string> subjects;
        for (const std::string_view part :
             partsOfRow(said.substr(form.opening.size(), at - form.opening.size()))) {
            subjects.push_back(englishSubject(part));
        }
        subjects.push_back(englishSubject(last));
        const bool isAll = std::none_of(subjects.begin(), subjects.end(),
                                        [](const std::string& each) { return each.empty(); });
        return isAll ? jointOf(form.joined, subjects, place) : std::nullopt;
    }
    return {};
}

std::optional<JointQuestion> englishJoint(std::string_view text) {
    const std::string lower = lowerCased(text);
    const std::vector<std::string_view> words = wordsOfLower(lower);
    constexpr std::size_t kNounWithin = 7;
    std::size_t noun = words.size();
    bool isAny = false;
    for (std::size_t i = 0; i < std::min(words.size(), kNounWithin); ++i) {
        const DocumentNoun plural = pluralDocumentNoun(words[i], 1);
        if (plural.endByte == 0 && !isSingularDocumentNoun(words[i])) continue;
        noun = i;
        isAny = plural.isAnyDocument || words[i] == "document" || words[i] == "file";
        break;
    }
    if (noun == 0 || noun >= words.size()) return {};
    std::size_t kind = noun;
    while (kind > 0 && !isListed(words[kind - 1], kJointAsking)) --kind;
    const bool isAsked =
        kind > 0 && std::all_of(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(kind),
                                [](std::string_view word) { return isListed(word, kJointAsking); });
    if (!isAsked) return {};
    const auto startOf = [&](std::size_t i) {
        return static_cast<std::size_t>(words[i].data() - lower.data());
    };
    // "Do not mention a or b" is a denial of either.
    std::size_t first = noun + 1;
    while (first < words.size() && isListed(words[first], kJointVerbs)) ++first;
    if (first >= words.size() || first == noun + 1) return {};
    // "What do the leases say about pets and smoking?" asks for what they say.
    const bool isOfContent = words.front() == "what" && (words[1] == "do" || words[1] == "does");
    if (isOfContent) return {};
    const std::size_t end = startOf(noun) + words[noun].size();
    const bool isPlain = isAny && kind == noun;
    const std::string place =
        isPlain ? std::string() : subjectOf(text.substr(startOf(kind), end - startOf(kind)));
    const auto joint = jointIn(text.substr(startOf(first)), place);
    // "List all invoices with date and amount": both are to be shown.
    const bool isOfColumns = joint && joint->joined == Joined::All && first == noun + 2 &&
                             words[noun + 1] == "with" && words[first] != "both";
    return isOfColumns ? std::nullopt : joint;
}

// ---------------------------------------------------------------------------------------- Chinese

constexpr auto kJointVerbsChinese =
    std::to_array<std::string_view>({"提到了", "提到", "提及", "要求", "包含", "包括", "含有",
                                     "规定", "约定", "写明", "涉及", "需要", "收取", "有"});
constexpr auto kJointDenials = std::to_array<std::string_view>(
    {"没有提到", "没有提及", "没有要求", "没有规定", "没有约定", "没有包含", "没提到", "未提到",
     "未提及", "未要求", "未规定", "未约定", "不要求", "不需要", "不包含", "不含", "不收取", "没有",
     "无"});

bool takeOne(std::string_view& text, std::span<const std::string_view> words) {
    for (const std::string_view word : words) {
        if (!text.starts_with(word)) continue;
        text.remove_prefix(word.size());
        return true;
    }
    return false;
}

/// What is said of one part of a Chinese question, and whether it is denied.
struct ChinesePart {
    std::string subject;
    bool isDenied = false;
    bool hasVerb = false;
};

ChinesePart chinesePart(std::string_view text) {
    ChinesePart part;
    while (text.starts_with("，") || text.starts_with("是")) text.remove_prefix("，"sv.size());
    part.isDenied = takeOne(text, kJointDenials);
    part.hasVerb = part.isDenied || takeOne(text, kJointVerbsChinese);
    while (text.ends_with("，") || text.ends_with("的")) text.remove_suffix("，"sv.size());
    part.subject = std::string(text);
    return part;
}

std::optional<JointQuestion> jointOfParts(const ChinesePart& first, const ChinesePart& second,
                                          bool isAny, const std::string& place) {
    constexpr std::size_t kLongestSubject = 24;  // bytes: eight characters
    for (const ChinesePart* part : {&first, &second}) {
        const bool isPlain = !part->subject.empty() && part->subject.size() <= kLongestSubject &&
                             !hasAny(part->subject, {"的"sv, "，"sv, "和"sv, "或"sv, "且"sv, "又"sv,
                                                     "也"sv, "不"sv, "没"sv, "未"sv, "哪"sv,
                                                     "多少"sv, "超过"sv, "低于"sv, "高于"sv});
        if (!isPlain) return {};
    }
    const std::vector<std::string> subjects{first.subject, second.subject};
    if (first.isDenied) {
        const bool isBoth = second.isDenied || !second.hasVerb;
        return isBoth ? jointOf(Joined::None, subjects, place) : std::nullopt;
    }
    if (!first.hasVerb) return {};
    if (second.isDenied) return isAny ? std::nullopt : jointOf(Joined::OnlyFirst, subjects, place);
    return jointOf(isAny ? Joined::Any : Joined::All, subjects, place);
}

std::optional<JointQuestion> chineseJoint(std::string_view text) {
    const DocumentNoun noun = chineseDocumentNoun(text);
    const bool isAsked =
        hasAny(text, {"哪些"sv, "哪几"sv, "哪份"sv, "多少"sv, "几份"sv, "列出"sv, "找出"sv});
    if (noun.endByte == 0 || !isAsked) return {};
    std::string place =
        noun.isAnyDocument
            ? std::string()
            : std::string(text.substr(noun.startByte, noun.endByte - noun.startByte));
    std::string said(text.substr(noun.endByte));
    // "既要求押金又要求违约金的合同有哪些"
    const std::string_view before = text.substr(0, noun.startByte);
    if (before.ends_with("的")) {
        if (!hasAny(said, {"哪"sv, "多少"sv, "几"sv}) && !hasAny(before, {"列出"sv, "找出"sv})) {
            return {};
        }
        said = std::string(before.substr(0, before.size() - "的"sv.size()));
    } else if (!hasAny(before, {"哪"sv, "多少"sv, "几份"sv, "列出"sv, "找出"sv})) {
        return {};
    }
    for (const std::string_view frame :
         {"列出"sv, "找出"sv, "所有"sv, "请"sv, "里"sv, "中"sv, "哪些"sv}) {
        if (said.starts_with(frame)) said.erase(0, frame.size());
    }
    constexpr auto kTogether = std::to_array<std::string_view>({"同时", "既", "都"});
    std::string_view rest = said;
    const bool isTogether = takeOne(rest, kTogether);
    const bool isChoice = !isTogether && takeOne(rest, std::to_array<std::string_view>({"要么"}));
    struct Between {
        std::string_view words;
        bool isAny;
    };
    constexpr auto kBetweens = std::to_array<Between>(
        {{"，但是", false}, {"，但", false}, {"但是", false}, {"但", false},   {"，却", false},
         {"却", false},     {"，又", false}, {"又", false},   {"，也", false}, {"也", false},
         {"，要么", true},  {"要么", true},  {"或者", true},  {"或", true},    {"并且", false},
         {"以及", false},   {"而", false},   {"和", false},   {"与", false},   {"及", false}});
    for (const Between& between : kBetweens) {
        const std::size_t at = rest.find(between.words);
        if (at == std::string_view::npos || at == 0) continue;
        const bool isAny = between.isAny || isChoice;
        return jointOfParts(chinesePart(rest.substr(0, at)),
                            chinesePart(rest.substr(at + between.words.size())), isAny, place);
    }
    return {};
}

}  // namespace

std::optional<JointQuestion> jointQuestionOf(std::string_view question) {
    constexpr std::size_t kLongestJoint = 200;  // bytes: a longer one tells a story
    if (bringsItsOwnText(question) || question.size() > kLongestJoint ||
        question.find_first_of("\"\n") != std::string_view::npos) {
        return {};
    }
    std::string text(trimmedQuestion(question));
    if (!takeFileNames(text).empty()) return {};
    return isChinese(text) ? chineseJoint(text) : englishJoint(text);
}

}  // namespace conclave::services
