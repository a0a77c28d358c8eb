#include "app/services/survey/denial.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "app/services/asked_for.h"
#include "app/services/english_words.h"
#include "app/services/question.h"
#include "app/services/survey/question_words.h"

namespace conclave::services {
namespace {

using namespace std::string_view_literals;

constexpr auto kNegations = std::to_array<std::string_view>(
    {"not",    "never",   "don't", "doesn't", "didn't",  "isn't",  "aren't",
     "wasn't", "weren't", "won't", "don’t",   "doesn’t", "didn’t", "isn’t",
     "aren’t", "wasn’t",  "won’t", "nor",     "neither", "cannot"});
/// Behind these something else is said: "no deposit is due before May".
constexpr auto kDenialBounds = std::to_array<std::string_view>(
    {"until", "before", "unless", "except", "if", "within", "later", "other", "beyond", "only"});
constexpr auto kConditionWords =
    std::to_array<std::string_view>({"if", "unless", "when", "where", "whenever", "should"});
/// Between a negation and "a deposit": "does not have to pay a deposit".
constexpr auto kAskingVerbs = std::to_array<std::string_view>(
    {"require", "requires", "required", "ask",  "asks",    "asked",     "demand",  "demands",
     "charge",  "charges",  "charged",  "pay",  "paid",    "take",      "takes",   "taken",
     "need",    "needs",    "owe",      "owes", "provide", "provides",  "contain", "contains",
     "include", "includes", "have",     "has",  "hold",    "stipulate", "foresee", "want",
     "set",     "for",      "to",       "be",   "been",    "there",     "is",      "are",
     "was",     "shall",    "will",     "does", "do",      "did",       "made",    "offer",
     "grant",   "agree",    "agreed",   "on",   "upon",    "by"});
constexpr auto kAuxiliaries = std::to_array<std::string_view>(
    {"is",        "are",    "was",    "were", "has",  "have",      "had",       "will", "shall",
     "need",      "needs",  "be",     "been", "to",   "must",      "does",      "do",   "hereby",
     "currently", "itself", "longer", "no",   "also", "therefore", "generally", "or",   "and"});
/// "The deposit is not …": there is none, where "not refunded" says that there is one.
constexpr auto kAbsentParticiples = std::to_array<std::string_view>(
    {"required", "due",       "payable",   "charged",    "needed",   "demanded", "agreed",
     "taken",    "included",  "necessary", "applicable", "provided", "foreseen", "levied",
     "owed",     "collected", "requested", "stipulated", "part",     "offered",  "granted"});
constexpr auto kEndedParticiples = std::to_array<std::string_view>({"waived", "excluded", "ruled"});
constexpr auto kAbsentValues = std::to_array<std::string_view>(
    {"none",           "no",     "nil",    "n/a",        "-",    "–",  "—",  "not required",
     "not applicable", "waived", "0",      "not agreed", "null", "无", "免", "免收",
     "不适用",         "没有",   "不需要", "无需",       "零"});

/// "Deposit: none", "押金：无". `behind` is the text behind the subject.
bool hasNoValue(std::string_view behind) {
    behind = withoutLeadingSpace(behind);
    bool isLabel = false;
    for (const std::string_view colon : {":"sv, "："sv, "|"sv}) {
        if (!behind.starts_with(colon)) continue;
        isLabel = true;
        behind.remove_prefix(colon.size());
        break;
    }
    if (!isLabel) return false;
    std::string value = lowerCased(withoutLeadingSpace(behind));
    for (const std::string_view end :
         {"|"sv, ";"sv, ","sv, ". "sv, "\n"sv, "。"sv, "；"sv, "，"sv}) {
        value.resize(std::min(value.find(end), value.size()));
    }
    while (value.ends_with(' ') || value.ends_with('.')) value.pop_back();
    const bool isNothing =
        value.starts_with("0 ") && value.find_first_of("123456789") == std::string::npos;
    return isNothing || isListed(value, kAbsentValues);
}

/// The words of one clause around those of the subject.
class DenialClause {
public:
    DenialClause(std::string_view text, const StemSet& subject)
        : m_text(text), m_words(wordsAsAsked(text)) {
        m_first = m_words.size();
        for (std::size_t i = 0; i < m_words.size(); ++i) {
            if (!subject.contains(m_words[i].stem)) continue;
            m_first = std::min(m_first, i);
            m_last = i;
        }
    }

    [[nodiscard]] bool saysSubject() const { return m_first < m_words.size(); }

    [[nodiscard]] bool denies() const {
        if (isConditional() || isBounded()) return false;
        return hasNoValue(m_text.substr(m_words[m_last].end)) || isDeniedBefore() ||
               isDeniedBehind() || isWaived();
    }

private:
    [[nodiscard]] const std::string& word(std::size_t i) const { return m_words[i].surface; }

    [[nodiscard]] bool isConditional() const {
        return std::any_of(
            m_words.begin(), m_words.begin() + static_cast<std::ptrdiff_t>(m_first),
            [](const AskedWord& each) { return isListed(each.surface, kConditionWords); });
    }
    [[nodiscard]] bool isBounded() const {
        return std::any_of(
            m_words.begin() + static_cast<std::ptrdiff_t>(m_last), m_words.end(),
            [](const AskedWord& each) { return isListed(each.surface, kDenialBounds); });
    }

    /// "No (security) deposit", "without any deposit", "does not have to pay a deposit".
    [[nodiscard]] bool isDeniedBefore() const {
        constexpr std::size_t kAdjectives = 2;
        std::size_t nSkipped = 0;
        bool isAny = false;
        std::size_t at = m_first;
        for (; at > 0; --at) {
            const std::string& each = word(at - 1);
            if (each == "no") return !isAny;
            if (each == "without") return !isNegatedBefore(at - 1);
            if (isAny) break;
            if (each == "a" || each == "an" || each == "any") {
                isAny = true;
                continue;
            }
            const bool isAdjective = m_words[at - 1].isContent && !isListed(each, kNegations) &&
                                     !isListed(each, kAskingVerbs);
            if (!isAdjective || ++nSkipped > kAdjectives) break;
        }
        // "Is not subject to automatic renewal", "does not require insurance".
        const bool isSubjectTo = at > 1 && word(at - 1) == "to" && word(at - 2) == "subject";
        if (isSubjectTo) at -= 2;
        if (!isAny && !isSubjectTo && (at == 0 || !isListed(word(at - 1), kAskingVerbs))) {
            return false;
        }
        constexpr std::size_t kVerbs = 5;
        for (std::size_t n = 0; at > 0 && n < kVerbs; --at, ++n) {
            if (isListed(word(at - 1), kNegations)) return !isNegatedBefore(at - 1);
            if (!isListed(word(at - 1), kAskingVerbs)) return false;
        }
        return false;
    }

    [[nodiscard]] bool isNegatedBefore(std::size_t end) const {
        return std::any_of(m_words.begin(), m_words.begin() + static_cast<std::ptrdiff_t>(end),
                           [](const AskedWord& each) {
                               return each.surface == "no" || isListed(each.surface, kNegations);
                           });
    }

    /// "The client waives (any) insurance", but not "waives the insurance excess".
    [[nodiscard]] bool isWaived() const {
        static constexpr auto kWaiving =
            std::to_array<std::string_view>({"waive", "waives", "waived", "waiving"});
        static constexpr auto kBetween =
            std::to_array<std::string_view>({"a", "an", "any", "all", "the"});
        std::size_t at = m_first;
        while (at > 0 && isListed(word(at - 1), kBetween)) --at;
        if (at == 0 || !isListed(word(at - 1), kWaiving)) return false;
        const bool isWhole = m_last + 1 == m_words.size() || !m_words[m_last + 1].isContent;
        return isWhole && !isNegatedBefore(at - 1);
    }

    /// "The deposit is not required", "is waived".
    [[nodiscard]] bool isDeniedBehind() const {
        bool isNegated = false;
        bool isNeed = false;
        for (std::size_t i = m_last + 1; i < m_words.size(); ++i) {
            const std::string& each = word(i);
            isNeed = isNeed || each == "need" || each == "needs";
            if (isListed(each, kNegations)) {
                isNegated = true;
            } else if (isListed(each, kEndedParticiples)) {
                return !isNegated;
            } else if (isListed(each, kAbsentParticiples) || (isNeed && each == "paid")) {
                return isNegated || (i > 0 && word(i - 1) == "longer");
            } else if (!isListed(each, kAuxiliaries)) {
                return false;
            }
        }
        return false;
    }

    std::string_view m_text;
    std::vector<AskedWord> m_words;
    std::size_t m_first = 0;
    std::size_t m_last = 0;
};

std::vector<std::string_view> partsBetween(std::string_view text,
                                           std::span<const std::string_view> borders) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        std::size_t end = text.size();
        std::size_t length = 0;
        for (const std::string_view border : borders) {
            const std::size_t at = text.find(border);
            if (at >= end) continue;
            end = at;
            length = border.size();
        }
        if (end > 0) parts.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + length, text.size()));
    }
    return parts;
}

bool englishDenies(std::string_view sentence, std::string_view subject) {
    static constexpr auto kPartEnds =
        std::to_array<std::string_view>({", ", "; ", " but ", " while ", " whereas ", ". "});
    const StemSet stems = stemsIn(subject);
    // A condition holds for what follows it: "If no deposit is paid, …", "Unless …, no deposit …".
    const std::string lower = lowerCased(sentence);
    const bool isConditional = beginning(withoutLeadingSpace(lower),
                                         std::span<const std::string_view>(kConditionWords)) > 0;
    if (isConditional || stems.empty()) return false;
    bool isDenied = false;
    for (const std::string_view part : partsBetween(sentence, kPartEnds)) {
        const DenialClause clause(part, stems);
        if (!clause.saysSubject()) continue;
        if (!clause.denies()) return false;
        isDenied = true;
    }
    return isDenied;
}

bool chineseDenies(std::string_view sentence, std::string_view subject) {
    static constexpr auto kPartEnds =
        std::to_array<std::string_view>({"，", "；", "。", "！", "？", "但", ",", ";"});
    static constexpr auto kNoneOf = std::to_array<std::string_view>(
        {"无需",     "无须",   "毋须",     "毋需",   "不需要", "不需", "不必",   "不用",
         "不收取",   "不收",   "不要求",   "免收",   "免交",   "免缴", "免付",   "免",
         "没有约定", "未约定", "没有规定", "未规定", "没有",   "不设", "不含",   "不包括",
         "不包含",   "不提供", "不另收",   "无",     "未就",   "未对", "未设定", "未设"});
    static constexpr auto kPayingBetween =
        std::to_array<std::string_view>({"支付", "缴纳", "交纳", "收取", "提供", "交付", "任何",
                                         "另行", "额外", "交", "付", "收", "缴", "设"});
    static constexpr auto kFreeBehind =
        std::to_array<std::string_view>({"全免", "免收", "免除", "免交", "不收取", "不适用",
                                         "无需支付", "无需缴纳", "为零", "为0"});
    static constexpr auto kIfs =
        std::to_array<std::string_view>({"如", "若", "倘", "除非", "的，"});
    bool isDenied = false;
    for (const std::string_view part : partsBetween(sentence, kPartEnds)) {
        const std::size_t at = part.find(subject);
        if (at == std::string_view::npos) continue;
        std::string_view before = part.substr(0, at);
        const std::string_view behind = part.substr(at + subject.size());
        if (hasAny(before, kIfs)) return false;
        bool isChanged = true;
        while (isChanged) {
            isChanged = false;
            for (const std::string_view between : kPayingBetween) {
                if (!before.ends_with(between)) continue;
                before.remove_suffix(between.size());
                isChanged = true;
            }
        }
        const auto endsIn = [&](std::string_view word) { return before.ends_with(word); };
        const auto beginsIn = [&](std::string_view word) { return behind.starts_with(word); };
        if (!std::any_of(kNoneOf.begin(), kNoneOf.end(), endsIn) &&
            !std::any_of(kFreeBehind.begin(), kFreeBehind.end(), beginsIn) && !hasNoValue(behind)) {
            return false;
        }
        isDenied = true;
    }
    return isDenied;
}

}  // namespace

bool deniesSubject(std::string_view sentence, std::string_view subject) {
    return isChinese(subject) ? chineseDenies(sentence, subject) : englishDenies(sentence, subject);
}

}  // namespace conclave::services
