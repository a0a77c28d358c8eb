#include "app/services/survey/condition.h"

#include <algorithm>
#include <array>
#include <vector>

#include "app/services/asked_for.h"
#include "app/services/english_words.h"
#include "app/services/question.h"
#include "app/services/survey/question_words.h"

namespace conclave::services {
namespace {

using namespace std::string_view_literals;

constexpr auto kAllowing = std::to_array<std::string_view>(
    {"allow", "allows", "allowed", "allowing", "permit", "permits", "permitted", "permitting",
     "welcome", "welcomes", "tolerate", "tolerates", "tolerated"});
constexpr auto kForbidding = std::to_array<std::string_view>(
    {"forbid", "forbids", "forbidden", "prohibit", "prohibits", "prohibited", "ban", "bans",
     "banned", "disallow", "disallows", "disallowed"});
/// Allow where nothing else in the sentence does: "dogs may be kept".
constexpr auto kMay = std::to_array<std::string_view>({"may", "can"});
constexpr auto kNot = std::to_array<std::string_view>(
    {"not",     "no",    "never",   "cannot", "nor",    "neither", "don't",
     "doesn't", "isn't", "aren't",  "can't",  "won't",  "mustn't", "wasn't",
     "weren't", "don’t", "doesn’t", "isn’t",  "aren’t", "can’t",   "mustn’t"});
/// Longer ones before those that they contain, and what forbids before what allows.
constexpr auto kChineseForbidding =
    std::to_array<std::string_view>({"不允许", "不准许", "不许可", "不可以", "不欢迎", "禁止",
                                     "严禁", "谢绝", "不准", "不许", "不得", "不能", "不可"});
constexpr auto kChineseAllowing =
    std::to_array<std::string_view>({"允许", "准许", "许可", "可以", "欢迎", "准予"});

/// Words with their places; an apostrophe is of its word.
std::vector<std::string> permissionWords(std::string_view text) {
    std::vector<std::string> words;
    const std::string lower = lowerCased(text);
    constexpr std::string_view kEnds = " \t\n.,;:!?()[]|\"*_";
    for (std::size_t i = 0; i < lower.size();) {
        const std::size_t start = lower.find_first_not_of(kEnds, i);
        if (start == std::string::npos) break;
        const std::size_t end = std::min(lower.find_first_of(kEnds, start), lower.size());
        words.push_back(lower.substr(start, end - start));
        i = end;
    }
    return words;
}

template <std::size_t N>
bool hasListed(const std::vector<std::string>& words, const std::array<std::string_view, N>& list) {
    return std::any_of(words.begin(), words.end(),
                       [&](const std::string& word) { return isListed(word, list); });
}

/// Whether words allow or forbid; None: they do neither.
Permission permissionOf(const std::vector<std::string>& words) {
    const bool isNegated = hasListed(words, kNot);
    const auto turned = [&](bool isAllowed) {
        return isAllowed != isNegated ? Permission::Allowed : Permission::Forbidden;
    };
    if (hasListed(words, kForbidding)) return turned(false);
    if (hasListed(words, kAllowing) || hasListed(words, kMay)) return turned(true);
    const auto must = std::find(words.begin(), words.end(), "must");
    const bool isMustNot = must != words.end() && must + 1 != words.end() && *(must + 1) == "not";
    if (isMustNot || hasListed(words, std::to_array<std::string_view>({"cannot", "can't"}))) {
        return Permission::Forbidden;
    }
    return Permission::None;
}

Permission chinesePermissionOf(std::string_view text) {
    if (hasAny(text, kChineseForbidding)) return Permission::Forbidden;
    return hasAny(text, kChineseAllowing) ? Permission::Allowed : Permission::None;
}

/// The parts of a sentence that say something of their own.
std::vector<std::string_view> clausesOf(std::string_view sentence) {
    constexpr auto kClauseEnds = std::to_array<std::string_view>(
        {", ", "; ", " but ", " while ", " whereas ", " except ", "，", "；", "但", "。"});
    std::vector<std::string_view> clauses;
    while (!sentence.empty()) {
        std::size_t end = sentence.size();
        std::size_t length = 0;
        for (const std::string_view between : kClauseEnds) {
            const std::size_t at = sentence.find(between);
            if (at >= end) continue;
            end = at;
            length = between.size();
        }
        if (end > 0) clauses.push_back(sentence.substr(0, end));
        sentence.remove_prefix(std::min(end + length, sentence.size()));
    }
    return clauses;
}

Permission englishPermissionIn(std::string_view clause, Permission before, Permission whole) {
    const std::vector<std::string> words = permissionWords(clause);
    const Permission own = permissionOf(words);
    if (own != Permission::None) return own;
    // "…, but dogs are not"; "No dogs."
    if (hasListed(words, kNot)) {
        const bool isNone = !words.empty() && words.front() == "no";
        return before != Permission::None || isNone ? Permission::Forbidden : Permission::None;
    }
    return before != Permission::None ? before : whole;
}

/// The year, if the word has one: "2023", "2023-05-08", "8.5.2023".
std::string yearIn(std::string_view word) {
    constexpr std::size_t kDigits = 4;
    for (std::size_t i = 0; i < word.size();) {
        std::size_t end = i;
        while (end < word.size() && word[end] >= '0' && word[end] <= '9') ++end;
        const std::string_view digits = word.substr(i, end - i);
        if (digits.size() == kDigits && digits >= "1500"sv && digits <= "2199"sv) {
            return std::string(digits);
        }
        i = std::max(end, i + 1);
    }
    return {};
}

/// "… ends in (March) 2023": the word before "in".
void takeYear(const std::string& subject, SurveyCondition& condition) {
    const std::vector<AskedWord> words = wordsAsAsked(subject);
    for (std::size_t i = 1; i < words.size(); ++i) {
        const std::string year = yearIn(words[i].surface);
        if (year.size() != words[i].surface.size() || year.empty()) continue;
        if (!words[i - 1].isContent || words[i - 1].hasDigit || words[i - 1].isAnyCapital) return;
        condition.verb = words[i - 1].stem;
        condition.year = year;
        return;
    }
}

}  // namespace

SurveyCondition takeCondition(std::string& subject) {
    SurveyCondition condition;
    std::string rest;
    if (isChinese(subject)) {
        const Permission said = chinesePermissionOf(subject);
        rest = subject;
        const auto take = [&](const auto& list) {
            for (const std::string_view word : list) {
                const std::size_t at = rest.find(word);
                if (at != std::string::npos) rest.replace(at, word.size(), " ");
            }
        };
        take(kChineseForbidding);
        take(kChineseAllowing);
        condition.permission = said;
    } else {
        takeYear(subject, condition);
        const std::vector<std::string> words = permissionWords(subject);
        if (hasListed(words, kAllowing) || hasListed(words, kForbidding)) {
            condition.permission = permissionOf(words);
        }
        for (const std::string& word : words) {
            if (isListed(word, kAllowing) || isListed(word, kForbidding) || isListed(word, kNot)) {
                continue;
            }
            rest += (rest.empty() ? "" : " ") + word;
        }
    }
    if (condition.permission == Permission::None) return condition;
    const std::size_t first = rest.find_first_not_of(' ');
    if (first == std::string::npos) {
        condition.permission = Permission::None;  // what is allowed is not said
        return condition;
    }
    subject = rest.substr(first, rest.find_last_not_of(' ') + 1 - first);
    return condition;
}

Permission permissionIn(std::string_view sentence, const retrieval::SentenceMatcher& subject) {
    const bool inChinese = isChinese(sentence);
    const Permission whole =
        inChinese ? chinesePermissionOf(sentence) : permissionOf(permissionWords(sentence));
    Permission before = Permission::None;
    for (const std::string_view clause : clausesOf(sentence)) {
        const Permission own =
            inChinese ? chinesePermissionOf(clause) : englishPermissionIn(clause, before, whole);
        if (!subject.match({}, clause).empty()) return own != Permission::None ? own : whole;
        if (inChinese ? own != Permission::None
                      : permissionOf(permissionWords(clause)) != Permission::None) {
            before = own;
        }
    }
    return whole;
}

bool isYearOfVerb(std::string_view sentence, const SurveyCondition& condition) {
    const std::vector<AskedWord> words = wordsAsAsked(sentence);
    std::vector<std::string> years;
    for (const AskedWord& word : words) years.push_back(yearIn(word.surface));
    const auto nYears = std::count_if(years.begin(), years.end(),
                                      [](const std::string& year) { return !year.empty(); });
    const auto isBoundary = [&](std::size_t i) {
        const std::size_t start = i > 0 ? words[i - 1].end : 0;
        const std::string_view gap = sentence.substr(start, words[i].start - start);
        return words[i].surface == "and" || words[i].surface == "but" ||
               gap.find(';') != std::string_view::npos;
    };
    bool isSaid = false;
    for (std::size_t verb = 0; verb < words.size(); ++verb) {
        if (words[verb].stem != condition.verb) continue;
        isSaid = true;
        bool isBehind = false;  // the verb has a year behind it
        for (std::size_t i = verb + 1; i < words.size(); ++i) {
            if (isBoundary(i) && (isBehind || nYears > 1) &&
                !(isBehind && i + 1 < words.size() && !years[i + 1].empty())) {
                break;
            }
            if (years[i] == condition.year) return true;
            const bool isLinked = words[i].surface == "and" || words[i].surface == "or";
            if (isBehind && years[i].empty() && !isLinked) break;
            isBehind = isBehind || !years[i].empty();
        }
        for (std::size_t i = verb; !isBehind && i > 0 && !isBoundary(i); --i) {
            if (years[i - 1].empty()) continue;
            if (years[i - 1] == condition.year) return true;
            break;
        }
    }
    return !isSaid;
}

}  // namespace conclave::services
