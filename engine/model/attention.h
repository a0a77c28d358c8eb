// attention.h: the attention block of a layer, in both kinds that we run.
#pragma once

#include "engine/kernels/kernels.h"
#include "engine/model/attend.h"
#include "engine/model/products.h"
#include "engine/model/rope.h"
#include "engine/model/weights.h"
#include "engine/runtime/kv_cache.h"
#include "engine/runtime/thread_pool.h"

namespace conclave::engine {

/// The tokens of one forward pass.
struct Batch {
    int nTokens = 0;
    int firstPosition = 0;
    int layer = 0;
    /// Tokens before it only enter the cache: what the layer makes of them is not read.
    int firstWanted = 0;

    [[nodiscard]] int nWanted() const { return nTokens - firstWanted; }
};

/// What the blocks of a layer work with; borrowed from the transformer.
struct Machinery {
    const ModelConfig& config;
    const KernelTable& kernels;
    ThreadPool& pool;
    KvCache& cache;
    RopeTable& rope;  ///< of the batch's layer
    Products& products;
};

/// Multi-head latent attention: DeepSeek-V2 (arXiv:2405.04434), section 2.1, in the absorbed form:
/// queries are brought into the latent space (through the key factor), attend to the cached latents
/// themselves, and the result is brought back (through the value factor). Keys and values of heads
/// are never formed. Prefill uses the same form, so that it gives the same bits as decode.
class LatentAttention {
public:
    LatentAttention(const ModelConfig& config, std::size_t maxTokens, bool wantsInt8);

    /// @param in   normalized tokens, finished
    /// @param out  written: what the block adds to the residual stream, of the wanted tokens
    void run(const Machinery& m, const LatentAttentionWeights& weights, const Batch& batch,
             const Rows& in, Rows& out);

    [[nodiscard]] static std::size_t bytes(const ModelConfig& config, std::size_t maxTokens,
                                           bool wantsInt8);

private:
    void compressKeys(const Machinery& m, const LatentAttentionWeights& weights, const Batch& batch,
                      std::size_t token);
    /// Brings the heads' queries into the latent space.
    void absorbQueries(const Machinery& m, const LatentAttentionWeights& weights,
                       const Batch& batch);
    void splitQuery(const Machinery& m, const Batch& batch, std::size_t token);

    Rows m_queryLatent;  ///< [token][queryRank]
    Rows m_query;        ///< [token][head][nopeDim + ropeDim]
    Rows m_kv;           ///< [token][latentDim + ropeDim]
    Rows m_queryNope;    ///< [token * head][nopeDim]
    Rows m_absorbed;     ///< [token * head][latentDim + ropeDim]
    Rows m_attended;     ///< [token * head][latentDim]
    Rows m_values;       ///< [token][head][valueDim]
};

/// Grouped-query attention: GQA (arXiv:2305.13245).
class GroupedAttention {
public:
    GroupedAttention(const ModelConfig& config, std::size_t maxTokens, bool wantsInt8);

    /// As LatentAttention::run.
    void run(const Machinery& m, const GroupedAttentionWeights& weights, const Batch& batch,
             const Rows& in, Rows& out);

    [[nodiscard]] static std::size_t bytes(const ModelConfig& config, std::size_t maxTokens,
                                           bool wantsInt8);

private:
    void applyGates(int headDim, std::size_t token);
    void placeQuery(const Machinery& m, const GroupedAttentionWeights& weights, const Batch& batch,
                    std::size_t token);
    void place(const Machinery& m, const Batch& batch, std::size_t token, Rows& rows,
               const std::vector<float>& norm) const;

    Rows m_queryAndGate;  ///< [token][head][query, gate]; empty in models without gates
    Rows m_query;         ///< [token][head][headDim]
    Rows m_key;           ///< [token][kvHead][headDim]
    Rows m_value;         ///< [token][kvHead][headDim]
    Rows m_attended;      ///< [token][head][headDim]
    std::vector<float> m_ones;
};

}  // namespace conclave::engine
