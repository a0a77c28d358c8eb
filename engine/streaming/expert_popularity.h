// expert_popularity.h: how often tokens choose each expert, and so when it will be needed again.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace conclave::engine {

/// The share of the last few hundred tokens that chose each expert, older ones counting less and
/// less. Layers are those with experts, numbered from 0. Not thread-safe.
class ExpertPopularity {
public:
    /// Every expert begins as equally popular.
    ExpertPopularity(int nLayers, int nExperts, int nExpertsUsed);

    /// Counts a pass through a layer.
    /// @param nChosen  shape [nExperts]: tokens that chose each expert
    void count(int layer, std::span<const int> nChosen, int nTokens);

    /// Of the tokens, by what was counted.
    [[nodiscard]] double share(int layer, int expert) const;
    /// That at least one of so many tokens chooses the expert.
    [[nodiscard]] double chance(int layer, int expert, int nTokens) const;

    /// The number of layers that are expected to be computed before this expert is needed again, if
    /// passes of `nTokens` go on: layers come in turn, so that its own is some layers away, and
    /// then comes once in a while a pass of which no token chooses it. What is needed last should
    /// give way first. In prefill, where every pass needs nearly every expert, these are the layers
    /// computed last; in decode the experts that are rarely chosen.
    /// @param now  the layer that is computed now; its own turn comes after all others
    [[nodiscard]] double layersUntilUse(int layer, int expert, int now, int nTokens) const;

private:
    [[nodiscard]] std::size_t indexOf(int layer, int expert) const {
        return static_cast<std::size_t>(layer) * m_nExperts + static_cast<std::size_t>(expert);
    }

    int m_nLayers;
    std::size_t m_nExperts;
    std::vector<float> m_shares;  ///< [layer][expert]
};

}  // namespace conclave::engine
