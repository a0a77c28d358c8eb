#include "engine/sampling/infill.h"

#include <algorithm>
#include <numeric>

namespace conclave::engine {
namespace {

/// Where the candidates' texts are, sorted; those that begin with some text lie side by side.
class TextOrder {
public:
    TextOrder(const std::vector<Candidate>& candidates, const Tokenizer& tokenizer)
        : m_order(candidates.size()) {
        for (const Candidate& each : candidates) {
            m_texts.push_back(tokenizer.piece(each.token, false));
        }
        std::iota(m_order.begin(), m_order.end(), std::size_t{0});
        std::sort(m_order.begin(), m_order.end(), [&](std::size_t a, std::size_t b) {
            return m_texts[a] != m_texts[b] ? m_texts[a] < m_texts[b] : a < b;
        });
    }

    /// Other candidates that begin with this one's text, in the candidates' order.
    [[nodiscard]] std::vector<std::size_t> continuationsOf(std::size_t candidate) const {
        const std::string& start = m_texts[candidate];
        std::vector<std::size_t> found;
        if (start.empty()) return found;
        auto at = std::lower_bound(
            m_order.begin(), m_order.end(), start,
            [&](std::size_t each, const std::string& text) { return m_texts[each] < text; });
        for (; at != m_order.end() && m_texts[*at].starts_with(start); ++at) {
            if (*at != candidate) found.push_back(*at);
        }
        std::sort(found.begin(), found.end());
        return found;
    }

private:
    std::vector<std::string> m_texts;
    std::vector<std::size_t> m_order;
};

}  // namespace

void InfillStep::mergePrefixes(std::vector<Candidate>& candidates) const {
    const TextOrder order(candidates, m_tokenizer);
    std::vector<bool> isMerged(candidates.size(), false);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (isMerged[i]) continue;
        for (const std::size_t other : order.continuationsOf(i)) {
            if (isMerged[other]) continue;
            const bool staysShort = candidates[other].probability <= candidates[i].probability;
            const std::size_t kept = staysShort ? i : other;
            const std::size_t merged = staysShort ? other : i;
            candidates[kept].probability += candidates[merged].probability;
            isMerged[merged] = true;
            if (!staysShort) break;
        }
    }
    std::size_t i = 0;
    std::erase_if(candidates, [&](const Candidate&) { return isMerged[i++]; });
}

void InfillStep::dropUnlikelyWords(std::vector<Candidate>& candidates, double least) const {
    std::erase_if(candidates,
                  [&](const Candidate& each) { return each.probability < least && !isEnd(each); });
    double total = 0.0;
    for (const Candidate& each : candidates) total += each.probability;
    for (Candidate& each : candidates) each.probability /= total;
}

void InfillStep::apply(Candidates& candidates) const {
    candidates.sortBestFirst();
    candidates.computeProbabilities();
    std::vector<Candidate> left(candidates.all().begin(), candidates.all().end());
    double ends = 0.0;
    double words = 0.0;
    for (const Candidate& each : left) (isEnd(each) ? ends : words) += each.probability;
    constexpr double kEndsCount = 3.0;
    if (kEndsCount * ends * static_cast<double>(candidates.nSeen()) > words) {
        std::erase_if(left, [&](const Candidate& each) { return !isEnd(each); });
        return candidates.keepOnly(std::move(left));
    }
    mergePrefixes(left);
    constexpr double kLeastLikely = 0.2;
    dropUnlikelyWords(left, kLeastLikely);
    const auto nWords = std::count_if(left.begin(), left.end(),
                                      [&](const Candidate& each) { return !isEnd(each); });
    if (nWords == 0) {
        const TokenId end = m_tokenizer.endOfTurn();
        if (end >= 0) candidates.keepOnly({{end, 1.0f, 1.0}});
        return;
    }
    dropUnlikelyWords(left, 1.0 / static_cast<double>(nWords + 1));
    candidates.keepOnly(std::move(left));
}

}  // namespace conclave::engine
