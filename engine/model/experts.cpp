#include "engine/model/experts.h"

#include <algorithm>
#include <numeric>

#include "engine/model/activation.h"
#include "engine/streaming/expert_store.h"

namespace conclave::engine {
namespace {

std::size_t size(int n) { return static_cast<std::size_t>(n); }

/// Zero where the model has no network of that kind.
int denseDim(const ModelConfig& config) {
    return config.hasDenseLayer() ? config.feedForwardDim : 0;
}

void addBias(const KernelTable& kernels, const std::vector<float>& bias, float* values) {
    if (!bias.empty()) kernels.addScaled(values, bias.data(), 1.0f, static_cast<int>(bias.size()));
}

std::size_t maxSlots(const ModelConfig& config, std::size_t maxTokens) {
    return maxTokens * size(config.moe.nExpertsUsed);
}

}  // namespace

FeedForward::FeedForward(const ModelConfig& config, std::size_t maxTokens, bool wantsInt8)
    : m_dense(maxTokens, denseDim(config), wantsInt8),
      m_shared(maxTokens, config.moe.sharedDim, wantsInt8),
      m_experts(maxSlots(config, maxTokens), config.moe.expertDim, wantsInt8),
      m_expertOut(maxSlots(config, maxTokens), config.embeddingDim, false),
      m_routerLogits(maxTokens, config.moe.nExperts, false),
      m_choices(maxSlots(config, maxTokens)),
      m_slots(maxSlots(config, maxTokens)),
      m_firstSlot(size(config.moe.nExperts) + 1),
      m_networks(size(config.moe.nExperts)) {}

std::size_t FeedForward::bytes(const ModelConfig& config, std::size_t maxTokens, bool wantsInt8) {
    const std::size_t nSlots = maxSlots(config, maxTokens);
    return Rows::bytes(maxTokens, denseDim(config), wantsInt8) +
           Rows::bytes(maxTokens, config.moe.sharedDim, wantsInt8) +
           Rows::bytes(nSlots, config.moe.expertDim, wantsInt8) +
           Rows::bytes(nSlots, config.embeddingDim, false) +
           Rows::bytes(maxTokens, config.moe.nExperts, false) +
           nSlots * (sizeof(ExpertChoice) + sizeof(std::size_t));
}

/// The first layer of a network that every token goes through.
void FeedForward::addHidden(const Machinery& m, const FeedForwardWeights& network,
                            std::size_t nTokens, const Rows& in, Rows& out) {
    m_hiddenRows.clear();
    for (std::size_t token = 0; token < nTokens; ++token) m_hiddenRows.push_back({token, token});
    m.products.addHidden({m.kernels, m.config.activation, network, in, out, true}, m_hiddenRows);
}

void FeedForward::dense(const Machinery& m, const FeedForwardWeights& weights, const Batch& batch,
                        const Rows& in, Rows& out) {
    const auto nTokens = size(batch.nTokens);
    addHidden(m, weights, nTokens, in, m_dense);
    m.products.run(m.pool);
    m.products.addRows(weights.down, m_dense, out, nTokens);
    m.products.run(m.pool);
    for (std::size_t token = 0; token < nTokens; ++token) {
        addBias(m.kernels, weights.downBias, out.row(token));
    }
}

void FeedForward::mixture(const Machinery& m, const MoeWeights& weights, const Batch& batch,
                          const Rows& in, Rows& out) {
    const auto nTokens = size(batch.nTokens);
    const auto nUsed = size(m.config.moe.nExpertsUsed);
    chooseExperts(m, weights, batch, in);
    if (m.pool.stopRequested()) return;  // the choices may not have been made
    groupByExpert(nTokens * nUsed);
    if (weights.store != nullptr) {
        computeStored(m, weights, batch, in, out);
    } else {
        std::transform(weights.experts.begin(), weights.experts.end(), m_networks.begin(),
                       [](const FeedForwardWeights& network) { return &network; });
        compute(m, weights, batch, in, out, true);
    }
    parallelFor(m.pool, nTokens, (nUsed + 1) * size(m.config.embeddingDim),
                [&](std::size_t token) { addExperts(m, weights, in, token, out.row(token)); });
}

void FeedForward::computeStored(const Machinery& m, const MoeWeights& weights, const Batch& batch,
                                const Rows& in, Rows& out) {
    std::vector<int> nChosen(weights.experts.size());
    for (std::size_t expert = 0; expert < nChosen.size(); ++expert) {
        nChosen[expert] = static_cast<int>(slotsOf(expert).size());
    }
    ExpertStore::Lease lease(*weights.store, batch.layer, nChosen, batch.nTokens);
    // Those that are there, and the shared ones, while the others are being read.
    static_cast<void>(lease.next(m_networks, false, m.pool.stop()));
    compute(m, weights, batch, in, out, true);
    while (lease.next(m_networks, true, m.pool.stop())) {
        compute(m, weights, batch, in, out, false);
    }
    if (lease.error()) m_error = lease.error();
}

void FeedForward::compute(const Machinery& m, const MoeWeights& weights, const Batch& batch,
                          const Rows& in, Rows& out, bool withShared) {
    const auto nTokens = size(batch.nTokens);
    const auto nUsed = size(m.config.moe.nExpertsUsed);
    const FeedForwardWeights* shared = withShared && weights.shared ? &*weights.shared : nullptr;
    for (std::size_t expert = 0; expert < weights.experts.size(); ++expert) {
        if (m_networks[expert] == nullptr) continue;
        m_hiddenRows.clear();
        for (const std::size_t slot : slotsOf(expert)) {
            // To scale what an expert's first layer gives is to scale what it reads.
            const float scale = m.config.moe.weighInput ? m_choices[slot].weight : 1.0f;
            m_hiddenRows.push_back({slot / nUsed, slot, scale});
        }
        if (m_hiddenRows.empty()) continue;
        m.products.addHidden({m.kernels, m.config.activation, *m_networks[expert], in, m_experts},
                             m_hiddenRows);
    }
    if (shared != nullptr) addHidden(m, *shared, nTokens, in, m_shared);
    m.products.run(m.pool);

    for (std::size_t expert = 0; expert < weights.experts.size(); ++expert) {
        const std::span<const std::size_t> slots = slotsOf(expert);
        if (slots.empty() || m_networks[expert] == nullptr) continue;
        const Matrix& down = m_networks[expert]->down;
        m.products.add(down);
        for (const std::size_t slot : slots) {
            m.products.addToken(m_experts.input(down.kernels->input, slot), m_expertOut.row(slot));
        }
    }
    if (shared != nullptr) m.products.addRows(shared->down, m_shared, out, nTokens);
    m.products.run(m.pool);
}

/// `sum` holds the result of the shared experts, if the layer has any. Each routed expert's result
/// has a row of its own, so that they are added in order of rank whatever order they were computed
/// in.
void FeedForward::addExperts(const Machinery& m, const MoeWeights& weights, const Rows& in,
                             std::size_t token, float* sum) {
    const int dim = m.config.embeddingDim;
    const auto nUsed = size(m.config.moe.nExpertsUsed);
    if (!weights.shared) {
        std::fill_n(sum, dim, 0.0f);
    } else {
        addBias(m.kernels, weights.shared->downBias, sum);
    }
    if (!weights.sharedGate.empty()) {
        const auto* x = static_cast<const float*>(in.input(ActivationFormat::Float32, token));
        const float share =
            sigmoid(std::inner_product(x, x + dim, weights.sharedGate.data(), 0.0f));
        std::transform(sum, sum + dim, sum, [&](float value) { return value * share; });
    }
    for (std::size_t slot = token * nUsed; slot < (token + 1) * nUsed; ++slot) {
        const ExpertChoice& choice = m_choices[slot];
        addBias(m.kernels, weights.experts[size(choice.expert)].downBias, m_expertOut.row(slot));
        m.kernels.addScaled(sum, m_expertOut.row(slot),
                            m.config.moe.weighInput ? 1.0f : choice.weight, dim);
    }
}

void FeedForward::chooseExperts(const Machinery& m, const MoeWeights& weights, const Batch& batch,
                                const Rows& in) {
    const auto nTokens = size(batch.nTokens);
    const auto nUsed = size(m.config.moe.nExpertsUsed);
    // Not through OpenBLAS: the last bits of a score decide ties, and must not depend on the batch.
    m.products.add(weights.router);
    for (std::size_t token = 0; token < nTokens; ++token) {
        m.products.addToken(in.input(weights.router.kernels->input, token),
                            m_routerLogits.row(token));
    }
    m.products.run(m.pool);
    parallelFor(m.pool, nTokens, 40 * size(m.config.moe.nExperts), [&](std::size_t token) {
        addBias(m.kernels, weights.routerBias, m_routerLogits.row(token));
        route(m.config.moe, {m_routerLogits.row(token), size(m.config.moe.nExperts)},
              weights.routerChoiceBias, std::span(m_choices).subspan(token * nUsed, nUsed));
    });
}

/// Counting sort.
void FeedForward::groupByExpert(std::size_t nSlots) {
    std::fill(m_firstSlot.begin(), m_firstSlot.end(), 0);
    for (std::size_t slot = 0; slot < nSlots; ++slot) {
        ++m_firstSlot[size(m_choices[slot].expert) + 1];
    }
    for (std::size_t i = 1; i < m_firstSlot.size(); ++i) m_firstSlot[i] += m_firstSlot[i - 1];
    std::vector<std::size_t> next(m_firstSlot.begin(), m_firstSlot.end() - 1);
    for (std::size_t slot = 0; slot < nSlots; ++slot) {
        m_slots[next[size(m_choices[slot].expert)]++] = slot;
    }
}

std::span<const std::size_t> FeedForward::slotsOf(std::size_t expert) const {
    return std::span(m_slots).subspan(m_firstSlot[expert],
                                      m_firstSlot[expert + 1] - m_firstSlot[expert]);
}

}  // namespace conclave::engine
