#include "app/services/other_values.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "app/services/asked_for.h"
#include "app/services/question.h"
#include "app/services/quoted_answer.h"
#include "app/services/survey/amounts.h"

namespace conclave::services {
namespace {

/// What a sentence gives: values of one kind, with their units.
using ValueSet = std::set<std::pair<std::string, double>>;

ValueSet valuesOf(std::string_view sentence, Amount::Kind kind) {
    ValueSet values;
    for (const Amount& amount : amountsIn(sentence, kind)) {
        values.emplace(amount.unit, amount.value);
    }
    return values;
}

bool hasSameUnits(const ValueSet& a, const ValueSet& b) {
    return std::all_of(b.begin(), b.end(), [&](const auto& value) {
        return std::any_of(a.begin(), a.end(),
                           [&](const auto& each) { return each.first == value.first; });
    });
}

/// One value each, of one kind, and another one. Of sentences with several it is not clear which
/// are of the same thing.
bool saysOtherwise(std::string_view said, std::string_view other) {
    using AmountKind = Amount::Kind;
    for (const AmountKind kind :
         {AmountKind::Money, AmountKind::Share, AmountKind::Date, AmountKind::Number}) {
        const ValueSet own = valuesOf(said, kind);
        if (own.empty()) continue;
        const ValueSet others = valuesOf(other, kind);
        const bool isComparable = own.size() == 1 && others.size() == 1 &&
                                  (kind != AmountKind::Number || hasSameUnits(own, others));
        return isComparable && own != others;
    }
    return false;
}

/// Another sentence says as much of the question itself: "It costs 340 euros" below a title of
/// cranes is no other price of the crane.
bool saysAsMuchOf(std::string_view question, std::string_view said, std::string_view other) {
    if (isChinese(question)) return true;
    const AskedFor asked = askedForBy(question);
    return nHeld(asked.stems, stemsIn(other)) >= nHeld(asked.stems, stemsIn(said));
}

const StoredPassage* passageOf(const StoredCitation& citation,
                               std::span<const StoredPassage> passages) {
    const auto found = std::find_if(
        passages.begin(), passages.end(),
        [&](const StoredPassage& passage) { return passage.number == citation.passage; });
    return found != passages.end() ? &*found : nullptr;
}

}  // namespace

std::vector<StoredCitation> otherValuesThan(const StoredCitation& said, std::string_view question,
                                            std::span<const StoredPassage> passages) {
    std::vector<StoredCitation> others;
    const StoredPassage* const source = passageOf(said, passages);
    if (source == nullptr || !said.supported) return others;
    std::set<std::string> told{source->path};
    for (const StoredPassage& passage : passages) {
        if (told.contains(passage.path)) continue;
        const auto quoted = quoteFor(question, std::span(&passage, 1));
        if (!quoted || !saysOtherwise(said.quote, quoted->citation.quote)) continue;
        if (!saysAsMuchOf(question, said.quote, quoted->citation.quote)) continue;
        told.insert(passage.path);
        others.push_back(quoted->citation);
        others.back().passage = passage.number;
    }
    return others;
}

void addOtherValues(std::string& text, std::vector<StoredCitation>& citations,
                    std::string_view question, std::span<const StoredPassage> passages) {
    const auto first = std::find_if(citations.begin(), citations.end(),
                                    [](const StoredCitation& each) { return each.supported; });
    if (first == citations.end()) return;
    std::vector<StoredCitation> others = otherValuesThan(*first, question, passages);
    // What the answer cites already, it has said.
    std::erase_if(others, [&](const StoredCitation& other) {
        return std::any_of(citations.begin(), citations.end(), [&](const StoredCitation& each) {
            return each.passage == other.passage;
        });
    });
    if (others.empty()) return;
    const bool inChinese = isChinese(question);
    text += inChinese ? "\n\n（其他文档的说法不同：" : "\n\n(Other documents say otherwise: ";
    bool isFirst = true;
    for (StoredCitation& other : others) {
        const std::string mark = "[" + std::to_string(other.passage) + "]";
        if (!isFirst) text += inChinese ? "、" : ", ";
        isFirst = false;
        other.answerStart = text.size();
        other.answerEnd = text.size() + mark.size();
        text += mark;
        citations.push_back(std::move(other));
    }
    text += inChinese ? "。）" : ".)";
}

}  // namespace conclave::services
