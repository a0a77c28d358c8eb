// experts.h: the feed-forward block of a layer, dense or with experts.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engine/model/attention.h"
#include "engine/model/products.h"
#include "engine/model/router.h"
#include "engine/model/weights.h"

namespace conclave::engine {

/// down(f(gate(x)) * up(x)) with the model's activation f, of one feed-forward network for every
/// token, or of the experts that the router chose for each. A batch's tokens are grouped by expert,
/// so that each expert's weights are read once.
class FeedForward {
public:
    FeedForward(const ModelConfig& config, std::size_t maxTokens, bool wantsInt8);

    /// @param in   normalized tokens, finished
    /// @param out  written: what the block adds to the residual stream
    void dense(const Machinery& m, const FeedForwardWeights& weights, const Batch& batch,
               const Rows& in, Rows& out);
    /// As dense. Shared experts are added unweighted, or by a gate of their own. Experts that the
    /// weights keep in a store are computed as they come from it; if one cannot be read, error()
    /// tells from then on and the result is worthless.
    void mixture(const Machinery& m, const MoeWeights& weights, const Batch& batch, const Rows& in,
                 Rows& out);

    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }
    void clearError() { m_error.reset(); }

    [[nodiscard]] static std::size_t bytes(const ModelConfig& config, std::size_t maxTokens,
                                           bool wantsInt8);

private:
    void chooseExperts(const Machinery& m, const MoeWeights& weights, const Batch& batch,
                       const Rows& in);
    void groupByExpert(std::size_t nSlots);
    /// Takes the chosen experts from the store and computes them.
    void computeStored(const Machinery& m, const MoeWeights& weights, const Batch& batch,
                       const Rows& in, Rows& out);
    /// The experts of m_networks, and the shared ones if that is asked for.
    void compute(const Machinery& m, const MoeWeights& weights, const Batch& batch, const Rows& in,
                 Rows& out, bool withShared);
    /// Slots (token * nExpertsUsed + place) of one expert, in order of tokens.
    [[nodiscard]] std::span<const std::size_t> slotsOf(std::size_t expert) const;

    void addHidden(const Machinery& m, const FeedForwardWeights& network, std::size_t nTokens,
                   const Rows& in, Rows& out);
    void addExperts(const Machinery& m, const MoeWeights& weights, const Rows& in,
                    std::size_t token, float* sum);

    // What networks compute between their two layers.
    Rows m_dense;    ///< [token][feedForwardDim]
    Rows m_shared;   ///< [token][sharedDim]
    Rows m_experts;  ///< [slot][expertDim]

    Rows m_expertOut;                      ///< [slot][embeddingDim]
    Rows m_routerLogits;                   ///< [token][nExperts]
    std::vector<ExpertChoice> m_choices;   ///< [slot]
    std::vector<std::size_t> m_slots;      ///< slots sorted by expert
    std::vector<std::size_t> m_firstSlot;  ///< [nExperts + 1], where an expert's begin in m_slots
    std::vector<HiddenRow> m_hiddenRows;   ///< of one network
    /// [nExperts], those that are computed now; null for the others.
    std::vector<const FeedForwardWeights*> m_networks;
    std::optional<Error> m_error;
};

}  // namespace conclave::engine
