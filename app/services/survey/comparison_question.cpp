#include "app/services/survey/comparison_question.h"

#include <algorithm>
#include <utility>

#include "app/services/survey/question_subject.h"
#include "app/services/survey/question_words.h"

namespace conclave::services {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kComparedWords = 4;  ///< the noun of the documents stands among so many

/// The two things between which the question's words stand.
std::vector<std::string> sidesOf(std::string_view text, std::string_view lower,
                                 std::initializer_list<std::string_view> betweens,
                                 std::vector<std::string>& names) {
    for (const std::string_view between : betweens) {
        const bool isAscii = static_cast<unsigned char>(between.front()) < 0x80;
        const std::size_t at = isAscii ? findWords(lower, between) : lower.find(between);
        if (at == std::string_view::npos) continue;
        std::string first = subjectOf(text.substr(0, at));
        std::string second = subjectOf(text.substr(at + between.size()));
        if (first.empty() || second.empty()) continue;
        names = {std::string(text.substr(0, at)), std::string(text.substr(at + between.size()))};
        return {std::move(first), std::move(second)};
    }
    return {};
}

/// "The rent of A", "fees for A": what is compared, and A. False: nothing of the kind, or a name.
bool splitCompared(std::string_view text, std::string& compared, std::string_view& side) {
    const std::string lower = lowerCased(text);
    const std::size_t at = std::min(findWords(lower, "of"), findWords(lower, "for"));
    if (at == std::string::npos) return false;
    compared = subjectOf(text.substr(0, at));
    side = text.substr(std::min(text.find(' ', at), text.size()));
    const bool isName =
        std::any_of(compared.begin(), compared.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    return !compared.empty() && !isName && !subjectOf(side).empty();
}

/// Tells what is compared from the two of which it is: "the budgets of the April and May meetings",
/// "四月和五月会议的预算". Each side alone says too little then.
void tellCompared(std::string_view text, std::string_view lower, SurveyQuestion& asked) {
    std::string compared;
    for (const std::string_view between : {"versus"sv, "vs"sv, "with"sv, "against"sv, "and"sv}) {
        const std::size_t at = findWords(lower, between);
        if (at == std::string_view::npos) continue;
        std::string_view first;
        std::string_view second = text.substr(at + between.size());
        if (!splitCompared(text.substr(0, at), compared, first)) return;
        std::string again;
        if (std::string_view behind; splitCompared(second, again, behind)) {
            if (again != compared) return;
            second = behind;
        }
        asked.sides = {subjectOf(first), subjectOf(second)};
        asked.sideNames = {std::string(first), std::string(second)};
        // "Notice of six months" tells the notice period.
        for (const std::string_view head : {" periods"sv, " period"sv}) {
            if (compared.ends_with(head)) compared.resize(compared.size() - head.size());
        }
        asked.compared = std::move(compared);
        // "The April and May meetings": April's meetings too.
        std::string& one = asked.sides.front();
        const std::string& other = asked.sides.back();
        const std::size_t space = other.rfind(' ');
        if (one.find(' ') == std::string::npos && space != std::string::npos &&
            other.find(' ') == space && other.ends_with('s')) {
            one += other.substr(space);
        }
        return;
    }
}

/// The same in Chinese, where what is compared stands last: "四月和五月的预算".
void tellChineseCompared(std::string_view text, SurveyQuestion& asked) {
    constexpr auto kOf = "的"sv;
    const std::size_t last = text.rfind(kOf);
    if (last == std::string_view::npos || last == 0) return;
    const std::string compared = subjectOf(text.substr(last + kOf.size()));
    std::string_view rest = text.substr(0, last);
    if (compared.empty()) return;
    for (const std::string_view between : {"和"sv, "与"sv, "跟"sv, "及"sv}) {
        const std::size_t at = rest.find(between);
        if (at == std::string_view::npos) continue;
        std::string first(rest.substr(0, at));
        const std::string own = std::string(kOf) + compared;
        const bool isOwn = first.ends_with(own);
        if (first.find(kOf) != std::string::npos && !isOwn) return;
        if (isOwn) first.resize(first.size() - own.size());
        const std::string_view other = rest.substr(at + between.size());
        const std::string second = subjectOf(other);
        if (subjectOf(first).empty() || second.empty()) return;
        asked.sides = {subjectOf(first), second};
        asked.sideNames = {first, std::string(other)};
        asked.compared = compared;
        return;
    }
}

/// "The notice periods of all leases", "the prices in the offers": what each document says of it.
bool compareInEach(std::string_view text, SurveyQuestion& asked) {
    const std::string lower = lowerCased(text);
    for (const std::string_view of : {"of"sv, "in"sv, "across"sv, "between"sv}) {
        const std::size_t at = findWords(lower, of);
        if (at == std::string::npos) continue;
        const DocumentNoun noun =
            pluralDocumentNoun(std::string_view(lower).substr(at + of.size()), kComparedWords);
        std::string subject = subjectOf(text.substr(0, at));
        if (noun.endByte == 0 || subject.empty()) continue;
        asked.kind = SurveyKind::List;
        asked.isOfEach = true;
        if (!noun.isAnyDocument) {
            asked.place = subjectOf(text.substr(at + of.size(), noun.endByte));
        }
        asked.isPlaceOfKind = true;
        asked.patterns = takePatterns(subject);
        asked.subject = subjectOf(subject);
        return true;
    }
    return false;
}

/// "Compare (the rent of) a.txt and b.txt": the files are the sides, and were taken out of `text`.
bool compareFiles(std::string_view text, std::initializer_list<std::string_view> betweens,
                  SurveyQuestion& asked) {
    if (asked.files.size() != 2) return false;
    std::string compared(text);
    for (const std::string_view between : betweens) {
        const bool isAscii = static_cast<unsigned char>(between.front()) < 0x80;
        const std::size_t at =
            isAscii ? findWords(lowerCased(compared), between) : compared.find(between);
        if (at != std::string::npos) compared.replace(at, between.size(), " ");
    }
    asked.kind = SurveyKind::Compare;
    asked.isSure = true;
    asked.sides = asked.files;
    asked.sideNames = asked.files;
    asked.compared = subjectOf(compared);
    return true;
}

}  // namespace

bool isComparison(std::string_view text, std::string_view lower, SurveyQuestion& asked) {
    const std::size_t opening = beginning(lower, {"compare"sv, "what is the difference between"sv,
                                                  "what are the differences between"sv,
                                                  "differences between"sv, "difference between"sv});
    if (opening > 0) {
        asked.sides = sidesOf(text.substr(opening), lower.substr(opening),
                              {"versus", "vs", "with", "against", "and", "to"}, asked.sideNames);
        asked.isSure = lower.starts_with("compare");
        if (!asked.sides.empty()) tellCompared(text.substr(opening), lower.substr(opening), asked);
        if (asked.sides.empty() && asked.isSure &&
            compareFiles(text.substr(opening), {"versus", "vs", "with", "against", "and", "to"},
                         asked)) {
            return true;
        }
        if (asked.sides.empty() && asked.isSure && !asked.files.empty()) {
            asked.kind = SurveyKind::Summarise;
            return true;
        }
        if (asked.sides.empty() && asked.isSure && compareInEach(text.substr(opening), asked)) {
            return true;
        }
        if (asked.sides.empty() && asked.isSure) {
            // "Compare the two offers": what each of them says.
            const DocumentNoun noun = pluralDocumentNoun(lower, kComparedWords + 1);
            if (noun.endByte == 0) return false;
            asked.kind = SurveyKind::Summarise;
            asked.place = std::string(text.substr(noun.startByte, noun.endByte - noun.startByte));
            asked.isPlaceOfKind = true;
            return true;
        }
    }
    for (const std::string_view order : {"请比较"sv, "比较"sv, "请对比"sv, "对比"sv}) {
        if (!lower.starts_with(order)) continue;
        asked.sides = sidesOf(text.substr(order.size()), lower.substr(order.size()),
                              {"和", "与", "跟", "及"}, asked.sideNames);
        asked.isSure = true;
        if (!asked.sides.empty()) tellChineseCompared(text.substr(order.size()), asked);
        if (asked.sides.empty() &&
            compareFiles(text.substr(order.size()), {"和", "与", "跟", "及"}, asked)) {
            return true;
        }
        const DocumentNoun noun = chineseDocumentNoun(text);
        if (asked.sides.empty() && noun.endByte > 0) {
            asked.kind = SurveyKind::Summarise;
            if (!noun.isAnyDocument) {
                asked.place =
                    std::string(text.substr(noun.startByte, noun.endByte - noun.startByte));
            }
            return true;
        }
        break;
    }
    if (asked.sides.empty()) return false;
    asked.kind = SurveyKind::Compare;
    return true;
}

}  // namespace conclave::services
