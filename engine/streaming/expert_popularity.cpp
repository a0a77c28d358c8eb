#include "engine/streaming/expert_popularity.h"

#include <algorithm>
#include <cmath>

namespace conclave::engine {
namespace {

/// Tokens after which a choice counts 1/e: a few answers' worth, so that a chat's subject shows and
/// the one before it fades.
constexpr double kMemoryTokens = 400.0;

}  // namespace

ExpertPopularity::ExpertPopularity(int nLayers, int nExperts, int nExpertsUsed)
    : m_nLayers(nLayers),
      m_nExperts(static_cast<std::size_t>(nExperts)),
      m_shares(static_cast<std::size_t>(nLayers) * m_nExperts,
               static_cast<float>(nExpertsUsed) / static_cast<float>(nExperts)) {}

void ExpertPopularity::count(int layer, std::span<const int> nChosen, int nTokens) {
    const double keep = std::exp(-nTokens / kMemoryTokens);
    for (std::size_t expert = 0; expert < m_nExperts; ++expert) {
        float& share = m_shares[indexOf(layer, static_cast<int>(expert))];
        share = static_cast<float>(keep * share + (1.0 - keep) * nChosen[expert] / nTokens);
    }
}

double ExpertPopularity::share(int layer, int expert) const {
    return m_shares[indexOf(layer, expert)];
}

double ExpertPopularity::chance(int layer, int expert, int nTokens) const {
    return 1.0 - std::pow(1.0 - share(layer, expert), nTokens);
}

double ExpertPopularity::layersUntilUse(int layer, int expert, int now, int nTokens) const {
    constexpr double kRarest = 1e-6;
    const int turn = (layer - now - 1 + m_nLayers) % m_nLayers + 1;
    const double chosen = std::max(chance(layer, expert, nTokens), kRarest);
    return turn + m_nLayers * (1.0 / chosen - 1.0);
}

}  // namespace conclave::engine
