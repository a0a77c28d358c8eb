// transformer.h: the forward pass, from tokens to logits.
#pragma once

#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "engine/engine.h"
#include "engine/model/adapter.h"
#include "engine/model/attention.h"
#include "engine/model/delta_net.h"
#include "engine/model/experts.h"
#include "engine/model/mamba2.h"
#include "engine/model/model_config.h"
#include "engine/model/products.h"
#include "engine/model/rope.h"
#include "engine/model/short_convolution.h"
#include "engine/model/weights.h"
#include "engine/runtime/kv_cache.h"
#include "engine/runtime/thread_pool.h"

namespace conclave::engine {

/// The layers of a forward pass, and what turns their stream into logits; borrowed.
struct Stack {
    std::span<const LayerWeights> layers;  ///< [config.nLayers]
    const NormWeights& outputNorm;
    const Matrix& output;
};

/// The decoder of one session: borrows the model's weights and the session's cache and threads, and
/// owns the buffers of a batch. Not thread-safe.
class Transformer {
public:
    /// @param maxTokens  most tokens of one forward pass
    Transformer(const ModelConfig& config, const Weights& weights, const KernelTable& kernels,
                KvCache& cache, ThreadPool& pool, int maxTokens);
    /// Of other layers than the model's own, which `config` describes.
    Transformer(const ModelConfig& config, const Weights& weights, const Stack& stack,
                const KernelTable& kernels, KvCache& cache, ThreadPool& pool, int maxTokens);

    /// From now on computes with these adapters, which must outlive that use; null: with none.
    /// Entries in the cache that were computed otherwise are then wrong.
    void setAdapters(const AdapterSet* adapters);

    /// Computes `tokens` at positions `firstPosition` and on, reading the cache before them and
    /// writing their entries. All ids and positions must be in range, and the cache must be
    /// resumable there. Only the last `nWanted` of them have a hidden state and logits, which saves
    /// most of the last layer.
    /// Returns false if the pool was asked to stop or an expert could not be read (see error());
    /// the entries are then worthless.
    [[nodiscard]] bool forward(std::span<const TokenId> tokens, int firstPosition, int nWanted);

    /// As forward, for a stream of `nTokens` tokens that the caller has written.
    [[nodiscard]] bool run(int nTokens, int firstPosition, int nWanted);
    [[nodiscard]] Rows& stream() { return m_stream; }

    /// out = norm(stream) of one wanted token of the last forward pass: what logits are made of.
    void hidden(int token, std::span<float> out);

    /// Logits of the wanted tokens `first` to `first + n - 1` of the last forward pass,
    /// written as [n][vocabularySize]. All of a token's are NaN if the stream holds values that are
    /// no numbers, which rounding its activations would hide. Returns false if the pool was asked
    /// to stop.
    [[nodiscard]] bool logits(int first, int n, std::span<float> out);

    /// What an exception left of a pass or of its logits, whose results are worthless.
    void forgetPass() { m_products.forget(); }

    /// Why the last forward pass failed; none: it did not, or was asked to stop. Io.
    [[nodiscard]] const std::optional<Error>& error() const { return m_feedForward.error(); }

    /// Memory of the buffers.
    [[nodiscard]] static std::uint64_t bytes(const ModelConfig& config, bool wantsInt8,
                                             int maxTokens);

private:
    void embed(std::span<const TokenId> tokens);
    void runAttention(const LayerWeights& layer, const Machinery& machinery, const Batch& batch);
    void runLayer(const LayerWeights& layer, const Batch& batch);
    /// Moves the wanted tokens to the front of the stream and of what is added to it.
    void keepWanted(const Batch& batch);
    /// Of a wanted token of the last forward pass.
    [[nodiscard]] std::size_t streamRow(int token) const;
    /// normed = norm(stream), for tokens first to first + n - 1; their copy if the model has none.
    void normalize(const NormWeights& norm, std::size_t first, std::size_t n);
    /// stream += residualScale * norm(delta), with a norm only if there is one
    void addDelta(const std::optional<NormWeights>& norm, std::size_t nTokens);
    /// Bias, scale and cap of one token's logits, where the model has them.
    void finishLogits(std::span<float> logits) const;
    void applyNorm(const NormWeights& norm, const float* in, float* out) const;

    const ModelConfig& m_config;
    const Weights& m_weights;
    Stack m_stack;
    const KernelTable& m_kernels;
    KvCache& m_cache;
    ThreadPool& m_pool;
    RopeTable m_rope;
    std::optional<RopeTable> m_localRope;  ///< of layers that see a window
    Products m_products;
    const AdapterSet* m_adapters = nullptr;
    Rows
        m_stream;  ///< the residual stream, [token][embeddingDim]; after a pass, of the wanted ones
    int m_firstWanted = 0;  ///< of the last pass
    Rows m_normed;
    Rows m_delta;  ///< what a block adds to the stream
    std::variant<LatentAttention, GroupedAttention> m_attention;
    /// Of layers that have no attention.
    std::variant<std::monostate, GatedDeltaNet, Mamba2, ShortConvolution> m_recurrent;
    FeedForward m_feedForward;
};

}  // namespace conclave::engine
