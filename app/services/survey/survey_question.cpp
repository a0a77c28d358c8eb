#include "app/services/survey/survey_question.h"

#include <algorithm>
#include <array>
#include <utility>

#include "app/services/question.h"
#include "app/services/survey/chinese_question.h"
#include "app/services/survey/comparison_question.h"
#include "app/services/survey/denial_question.h"
#include "app/services/survey/question_subject.h"
#include "app/services/survey/question_words.h"

namespace conclave::services {
namespace {

using namespace std::string_view_literals;

constexpr auto kSaying = std::to_array<std::string_view>(
    {"mention",   "mentions",   "mentioned", "contain",      "contains",   "refer to",
     "refers to", "talk about", "discuss",   "discusses",    "discussed",  "are about",
     "is about",  "occur",      "occurs",    "appear",       "appears",    "come up",
     "comes up",  "are named",  "is named",  "are there in", "talks about"});
constexpr auto kAll = std::to_array<std::string_view>({"all", "every", "each", "everything"});

/// A rule or a limit is asked for ("may I attach", "are required"), or a property of one thing
/// ("does the book have"): one passage has it, however many documents are in the sentence.
bool asksForRule(std::string_view rest, bool mayHaveProperty = false) {
    static constexpr auto kRules = std::to_array<std::string_view>(
        {"may",        "must",         "can",       "should",          "could",
         "shall",      "need",         "needs",     "needed",          "require",
         "required",   "requires",     "allowed",   "permitted",       "have to",
         "has to",     "per",          "at once",   "at a time",       "a day",
         "a week",     "a month",      "a year",    "each day",        "each week",
         "each month", "each quarter", "each year", "at the same time"});
    return hasAny(rest, kRules) || hasAny(rest, {"when", "if", "in a", "in an"}) ||
           (!mayHaveProperty && hasAny(rest, {"does", "do you", "do they"}));
}

/// "in my notes", "across the invoices", "these documents": more than one document is meant, all
/// there are.
bool meansAllDocuments(std::string_view lower) {
    static constexpr auto kBefore = std::to_array<std::string_view>(
        {"my", "the", "all", "these", "those", "our", "of", "in", "across", "from", "any"});
    if (hasAny(lower, {"in the collection", "in this collection", "in this folder", "in the folder",
                       "in the whole", "in the entire", "everything you have"})) {
        return true;
    }
    const std::vector<std::string_view> words = wordsOfLower(lower);
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (pluralDocumentNoun(words[i], 1).endByte == 0) continue;
        constexpr std::size_t kAdjectives = 2;
        for (std::size_t back = 1; back <= std::min(kAdjectives + 1, i); ++back) {
            if (std::find(kBefore.begin(), kBefore.end(), words[i - back]) != kBefore.end()) {
                return true;
            }
        }
    }
    return false;
}

/// Sets what follows from documents themselves being asked for: "contracts" of "how many
/// contracts" is where to look, "files" says nothing.
void askForDocuments(SurveyQuestion& asked, std::string& rest, const DocumentNoun& noun) {
    asked.ofDocuments = true;
    if (noun.isAnyDocument) return;
    asked.place = subjectOf(rest.substr(0, noun.endByte));
    asked.isPlaceOfKind = true;
    rest.erase(0, noun.endByte);
}

// ---------------------------------------------------------------------------------------- English

constexpr std::size_t kHeadWords = 4;  ///< the noun that is counted stands among so many

bool isCount(std::string_view lower, SurveyQuestion& asked, std::string& rest) {
    const std::size_t opening =
        beginning(lower, {"how many"sv, "how often"sv, "count"sv, "what is the number of"sv,
                          "what is the total number of"sv, "number of"sv, "tell me how many"sv,
                          "in how many"sv, "count how many"sv});
    if (opening == 0) return false;
    asked.kind = SurveyKind::Count;
    const std::string_view behind = lower.substr(opening);
    const DocumentNoun noun = pluralDocumentNoun(behind, kHeadWords);
    const bool isRule = asksForRule(behind);
    const bool isSaid = hasAny(behind, kSaying);
    const bool isWhole = meansAllDocuments(behind);
    const bool isOccurrences = beginning(lower, {"how often"sv, "how many times"sv}) > 0;
    if (isOccurrences) {
        asked.isSure = isSaid && !hasAny(behind, {"may", "must", "can", "should"});
        return true;
    }
    const bool isOrder = lower.starts_with("count");
    const bool isTime = noun.endByte > 0 && behind.substr(noun.startByte).starts_with("minutes");
    if (lower.starts_with("in how many") && (isSaid || noun.endByte > 0)) {
        // "In how many contracts are pets allowed?" asks what they say, no rule of ours.
        asked.isSure = !asksForRule(behind, true) || hasAny(behind, {"allowed", "permitted"});
        askForDocuments(asked, rest.erase(0, opening),
                        noun.endByte > 0 ? noun : DocumentNoun{0, 0, true});
        return true;
    }
    if (noun.endByte > 0 && !isTime && !isRule && (!isOrder || isSaid || isWhole)) {
        asked.isSure = true;
        askForDocuments(asked, rest.erase(0, opening), noun);
        return true;
    }
    asked.isSure = !isRule && (isWhole || (isOrder && (hasAny(behind, kAll) || isSaid)) ||
                               (isSaid && !hasAny(behind, {"in", "on", "by"})));
    return true;
}

bool isList(std::string_view lower, SurveyQuestion& asked, std::string& rest) {
    if (beginning(lower, {"show me everything about"sv,
                          "find everything about"sv,
                          "tell me everything about"sv,
                          "find every"sv,
                          "find all"sv,
                          "show all"sv,
                          "show every"sv,
                          "collect all"sv,
                          "collect every"sv,
                          "extract all"sv,
                          "extract every"sv,
                          "gather all"sv,
                          "gather every"sv,
                          "make a table of all"sv,
                          "show me all"sv,
                          "show me every"sv,
                          "give me all"sv,
                          "give me every"sv,
                          "tell me all"sv,
                          "tell me every"sv,
                          "name all"sv,
                          "name every"sv,
                          "what are all"sv}) > 0) {
        asked.kind = SurveyKind::List;
        asked.isSure = true;
    } else if (const std::size_t order =
                   beginning(lower, {"give me a list of"sv, "make a list of"sv, "a list of"sv,
                                     "list"sv, "enumerate"sv});
               order > 0) {
        asked.kind = SurveyKind::List;
        std::string forms(lower.substr(order));
        asked.isSure = hasAny(lower, kAll) || meansAllDocuments(lower) ||
                       pluralDocumentNoun(lower.substr(order), 2).endByte > 0 ||
                       !takePatterns(forms).empty();
    } else {
        return false;
    }
    // "List my documents": what is listed is documents, not what they say.
    const std::size_t opening =
        beginning(lower, {"list all my"sv, "list all the"sv, "list all"sv, "list my"sv,
                          "list the"sv, "list"sv, "show all my"sv, "show all"sv, "show me all my"sv,
                          "show me all"sv, "find all"sv, "give me all"sv, "name all"sv});
    const DocumentNoun noun = pluralDocumentNoun(lower.substr(opening), 2);
    if (opening > 0 && noun.endByte > 0) {
        askForDocuments(asked, rest.erase(0, opening), noun);
    }
    return true;
}

/// "Which contracts …", "What notes …", "Are there any documents that …", "Do any of the …".
bool isWhich(std::string_view lower, SurveyQuestion& asked, std::string& rest) {
    const bool isWhether =
        beginning(lower, {"are there any"sv, "is there any"sv, "are there"sv, "do any of"sv,
                          "do any"sv, "does any"sv, "do my"sv, "do the"sv, "do these"sv}) > 0;
    const std::size_t opening =
        isWhether
            ? beginning(lower, {"are there any"sv, "is there any"sv, "are there"sv, "do any of"sv,
                                "do any"sv, "does any"sv, "do my"sv, "do the"sv, "do these"sv})
            : beginning(lower, {"which of"sv, "which"sv, "what"sv});
    if (opening == 0) return false;
    const std::string_view behind = lower.substr(opening);
    const DocumentNoun noun = pluralDocumentNoun(behind, kHeadWords);
    const bool isVerbBefore =
        noun.endByte > 0 && hasAny(behind.substr(0, noun.startByte),
                                   {"is", "are", "do", "does", "say", "to", "in", "about"});
    if (noun.endByte == 0 || isVerbBefore) return false;
    const std::string_view after = behind.substr(noun.endByte);
    const bool isOurs = hasAny(after, {"do we have", "do i have"});
    if (asksForRule(after) || (!isOurs && hasAny(after, {"do i", "do we"}))) return false;
    if (isWhether && !hasAny(after, kSaying) && !hasAny(after, {"from", "about", "that", "with"})) {
        return false;
    }
    asked.kind = SurveyKind::List;
    asked.isSure = true;
    askForDocuments(asked, rest.erase(0, opening), noun);
    return true;
}

/// "What dates are mentioned?", "Who is mentioned in the notes?", "Which companies are named across
/// the invoices?".
bool isWhatIsMentioned(std::string_view lower, SurveyQuestion& asked, std::string& rest) {
    if (beginning(lower, {"who is mentioned"sv, "who are mentioned"sv, "who is named"sv,
                          "who appears"sv}) > 0) {
        asked.kind = SurveyKind::List;
        asked.isSure = true;
        rest.insert(0, "people ");
        return true;
    }
    const std::size_t opening = beginning(lower, {"what"sv, "which"sv});
    if (opening == 0 || asksForRule(lower)) return false;
    constexpr std::size_t kFormWords = 4;
    const std::vector<std::string_view> words = wordsOfLower(lower.substr(opening));
    if (words.empty()) return false;
    const std::string_view last = words[std::min(words.size(), kFormWords) - 1];
    std::string head(lower.substr(
        opening, static_cast<std::size_t>(last.data() - lower.data()) + last.size() - opening));
    const bool isForm = !takePatterns(head).empty();
    const bool isSaid = hasAny(lower, {"mentioned", "named", "appear", "occur", "come up", "listed",
                                       "contained", "found"});
    const bool isWhole = meansAllDocuments(lower);
    if (!(isForm && (isSaid || isWhole)) && !(isSaid && isWhole)) return false;
    asked.kind = SurveyKind::List;
    asked.isSure = true;
    return true;
}

/// "What is in my documents?", "What do my files contain?"
bool isContents(std::string_view lower) {
    const bool isInside = beginning(lower, {"what is in"sv, "what's in"sv, "what's inside"sv,
                                            "what is inside"sv}) > 0;
    const bool isHeld = beginning(lower, {"what do"sv, "what does"sv}) > 0 &&
                        (lower.ends_with(" contain") || lower.ends_with(" cover"));
    const std::size_t nWords = wordsOfLower(lower).size();
    constexpr std::size_t kMostWords = 8;  // more ask for something in them
    return (isInside || isHeld) && nWords <= kMostWords;
}

/// "What topics do my notes cover?", "What are these documents about?", "What do the reviews say
/// about …?", and orders to summarise.
bool isSummary(std::string_view lower, SurveyQuestion& asked, std::string& rest) {
    const bool isWhole = meansAllDocuments(lower);
    const bool isTopics =
        beginning(lower, {"what are the topics"sv, "what are the themes"sv, "what are the main"sv,
                          "what topics"sv, "which topics"sv, "what subjects"sv, "what themes"sv}) >
        0;
    const bool isAbout =
        beginning(lower, {"what are"sv, "what is"sv}) > 0 && lower.ends_with(" about");
    const std::size_t sayAbout = findWords(lower, "say about");
    const bool isOpinion = beginning(lower, {"what do"sv}) > 0 && sayAbout != std::string::npos;
    if (isWhole && (isTopics || isAbout || isOpinion || isContents(lower))) {
        asked.kind = SurveyKind::Summarise;
        asked.isSure = true;
        rest = isOpinion ? rest.substr(sayAbout + "say about"sv.size()) : std::string();
        return true;
    }
    const std::size_t order =
        beginning(lower, {"summarise"sv, "summarize"sv, "sum up"sv, "give me a summary"sv,
                          "give a summary"sv, "give me an overview"sv, "give an overview"sv,
                          "an overview"sv, "a summary"sv, "write a summary"sv});
    if (order == 0) return false;
    asked.kind = SurveyKind::Summarise;
    asked.isSure = hasAny(lower, kAll) || isWhole ||
                   hasAny(lower, {"the collection", "this collection", "this folder", "the folder",
                                  "the whole", "the entire"});
    rest.erase(0, order);
    if (rest.starts_with(" of")) rest.erase(0, std::string_view(" of").size());
    const DocumentNoun noun = pluralDocumentNoun(lowerCased(rest), kHeadWords);
    if (noun.endByte > 0) {
        if (!noun.isAnyDocument) asked.place = subjectOf(rest.substr(0, noun.endByte));
        asked.isPlaceOfKind = true;
        rest.erase(0, noun.endByte);
    }
    return true;
}

/// "Which lease has the highest rent?": what each of them says of it must be seen.
bool isExtreme(std::string_view lower, SurveyQuestion& asked, std::string& rest) {
    const std::size_t opening = beginning(lower, {"which"sv, "what"sv});
    const std::vector<std::string_view> words = wordsOfLower(lower.substr(opening));
    if (opening == 0 || words.size() < 4 || !isSingularDocumentNoun(words[0])) return false;
    const std::size_t extreme = beginning(
        lower.substr(opening + 1 + words[0].size() + 1),
        {"has the highest"sv, "has the lowest"sv, "has the largest"sv, "has the smallest"sv,
         "has the longest"sv, "has the shortest"sv, "has the most"sv, "has the least"sv,
         "has the fewest"sv, "has the biggest"sv, "has the cheapest"sv});
    if (extreme == 0) return false;
    asked.kind = SurveyKind::List;
    asked.isSure = true;
    asked.isOfEach = true;
    asked.place = std::string(words[0]);
    asked.isPlaceOfKind = true;
    rest.erase(0, opening + 1 + words[0].size() + 1 + extreme);
    return true;
}

/// "When does each contract expire?", "What is the total of all invoices?", "Is Anna mentioned
/// anywhere?": every document is meant, whatever the sentence is like.
bool isOfEveryDocument(std::string_view lower, SurveyQuestion& asked) {
    asked.kind = SurveyKind::List;
    asked.isSure = true;
    if (hasAny(lower, {"mentioned anywhere", "anywhere in my", "anywhere in the"})) return true;
    if (hasAny(lower, {"must", "may", "can", "should", "need", "needs", "have to", "has to",
                       "delete", "required", "per"})) {
        return false;
    }
    if (beginning(lower, {"in which"sv, "in what"sv}) > 0) {
        return pluralDocumentNoun(lower, kHeadWords).endByte > 0 &&
               (hasAny(lower, kSaying) ||
                hasAny(lower, {"allowed", "permitted", "forbidden", "prohibited"}));
    }
    const std::vector<std::string_view> words = wordsOfLower(lower);
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        const bool isEach = words[i] == "each" || words[i] == "every";
        if (isEach && i > 0 && isSingularDocumentNoun(words[i + 1])) {
            asked.isOfEach = true;
            asked.place = std::string(words[i + 1]);
            asked.isPlaceOfKind = true;
            return true;
        }
        if (words[i] != "all") continue;
        const bool isOf = words[i + 1] == "my" || words[i + 1] == "the" || words[i + 1] == "these";
        const std::size_t at = i + (isOf ? 2 : 1);
        if (at >= words.size()) continue;
        const DocumentNoun noun = pluralDocumentNoun(words[at], 1);
        if (noun.endByte == 0) continue;
        if (!noun.isAnyDocument) asked.place = std::string(words[at]);
        asked.isPlaceOfKind = true;
        asked.isOfEach = true;
        return true;
    }
    return false;
}

/// "How do I find all files?", "怎样找出…": how to do it is asked, not to do it.
bool asksForHelp(std::string_view lower) {
    return beginning(lower, {"how do i"sv, "how do you"sv, "how can"sv, "how to"sv, "how should"sv,
                             "show me how"sv, "can i"sv, "could i"sv, "may i"sv}) > 0 ||
           hasAny(lower, {"怎么"sv, "如何"sv, "怎样"sv});
}

/// "Do not mention a deposit", "没有提到押金": to look for the words would answer the opposite.
bool deniesIt(std::string_view asked) {
    const std::string lower = lowerCased(asked);
    if (hasAny(lower, {"not"sv, "don't"sv, "doesn't"sv, "didn't"sv, "isn't"sv, "aren't"sv,
                       "wasn't"sv, "weren't"sv, "never"sv, "without"sv})) {
        return true;
    }
    const bool isChoice = hasAny(lower, {"有没有"sv, "是不是"sv});
    return !isChoice && hasAny(lower, {"没有"sv, "没提"sv, "未提"sv, "不提"sv, "不含"sv, "不包含"sv,
                                       "不包括"sv, "不是"sv});
}

}  // namespace

SurveyQuestion surveyQuestionOf(std::string_view whole) {
    SurveyQuestion asked;
    if (bringsItsOwnText(whole)) return asked;
    std::string left(whole);
    asked.files = takeFileNames(left);
    std::string_view text = trimmedQuestion(left);
    std::string lower = lowerCased(text);
    for (const std::string_view polite :
         {"please ", "can you ", "could you ", "now ", "i need ", "i want ", "i would like "}) {
        if (!lower.starts_with(polite)) continue;
        text.remove_prefix(polite.size());
        lower.erase(0, polite.size());
    }
    if (asksForHelp(lower)) return asked;
    if (isDenialAsked(text, lower, asked)) return asked;
    asked.isNeedDenied = false;
    if (isComparison(text, lower, asked)) return asked;
    std::string rest(text);
    const bool inChinese = isChinese(text);
    const bool isAny = inChinese ? isChineseSurvey(text, asked, rest)
                                 : isSummary(lower, asked, rest) || isList(lower, asked, rest) ||
                                       isCount(lower, asked, rest) || isWhich(lower, asked, rest) ||
                                       isExtreme(lower, asked, rest) ||
                                       isWhatIsMentioned(lower, asked, rest) ||
                                       isOfEveryDocument(lower, asked);
    if (!isAny) return SurveyQuestion{};
    if (asked.kind == SurveyKind::Summarise && !asked.files.empty()) asked.isSure = true;
    asked.patterns = takePatterns(rest);
    if (asked.place.empty()) {
        asked.isPlaceNamed = namesPlace(rest);
        asked.place = inChinese ? takeChinesePlace(rest) : takePlace(rest);
    }
    asked.isOfMessages =
        asked.ofDocuments &&
        hasAny(lowerCased(asked.place), {"mails"sv, "emails"sv, "e-mails"sv, "邮件"sv});
    const bool isOfWhich = asked.ofDocuments && asked.patterns.empty() && isHavingAsked(text);
    asked.subject = subjectOf(isOfWhich && !inChinese ? withoutHaving(rest) : rest);
    if (isOfWhich && inChinese) asked.subject = withoutHaving(asked.subject);
    if (asked.kind == SurveyKind::Count || asked.kind == SurveyKind::List) {
        asked.condition = takeCondition(asked.subject);
    }
    if (isOfWhich && !asked.condition.isAny()) asked.had = asked.subject;
    if (deniesIt(inChinese ? text : asked.subject)) return SurveyQuestion{};
    return asked;
}

SurveyQuestion withPlace(SurveyQuestion asked, std::string_view found) {
    if (!found.empty()) {
        const bool isShorter = asked.files.empty() && asked.place.size() > found.size() &&
                               asked.place.ends_with(found);
        if (!isShorter || !asked.isPlaceOfKind || asked.kind == SurveyKind::Summarise) return asked;
        std::string rest = asked.place.substr(0, asked.place.size() - found.size());
        while (rest.ends_with(' ')) rest.pop_back();
        asked.subject = asked.subject.empty() ? rest : rest + " " + asked.subject;
        asked.place = std::string(found);
        return asked;
    }
    const bool saysEnough =
        !asked.patterns.empty() || (asked.isPlaceOfKind && !asked.subject.empty());
    if (!saysEnough && !asked.place.empty()) {
        asked.subject += (asked.subject.empty() ? "" : " ") + asked.place;
    }
    asked.place.clear();
    // "In 2024" is no place, but when something was done.
    const bool isSaid = asked.kind == SurveyKind::Count || asked.kind == SurveyKind::List;
    if (isSaid && !asked.condition.isAny()) asked.condition = takeCondition(asked.subject);
    return asked;
}

}  // namespace conclave::services
