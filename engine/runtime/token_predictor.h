// token_predictor.h: lets a model's prediction layer guess what comes next.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/model/prediction_layer.h"
#include "engine/runtime/kv_cache.h"
#include "engine/runtime/loaded_model.h"
#include "engine/runtime/thread_pool.h"

namespace conclave::engine {

/// Keeps what the model made of the last tokens of one session, and computes the prediction layer's
/// pairs of it when a guess is asked for: a session that does not guess pays for copies only.
///
/// The layer's cache begins where the kept tokens do, for it is the distance of positions that
/// counts: what a session takes from a file or from the prefix store is not there, and a guess made
/// from less is worth less but harms nothing. What it holds is compared with the text before each
/// use, so nothing that was taken back stays in it.
class TokenPredictor {
public:
    /// @param capacity  of the session
    /// Errors: OutOfMemory.
    [[nodiscard]] static Result<std::unique_ptr<TokenPredictor>> create(const LoadedModel& model,
                                                                        ThreadPool& pool,
                                                                        int capacity,
                                                                        KvTypes kvTypes);

    /// The last `nNew` tokens of `text` have just been computed, by the last pass of `model`.
    void follow(std::span<const TokenId> text, int nNew, Transformer& model);

    /// Up to `nMost` tokens that may follow `text`, of which all but the last have been computed.
    /// None if that is not so, or the pool was asked to stop.
    /// @param nMostPairs  how many pairs may be computed to get there, at least 1
    [[nodiscard]] std::vector<TokenId> guess(std::span<const TokenId> text, int nMost,
                                             int nMostPairs);

    /// What an exception left of a pass.
    void forget();

    /// Memory of cache and buffers, for a session of `capacity` tokens.
    [[nodiscard]] static std::uint64_t bytes(const ModelConfig& model, bool wantsInt8, int capacity,
                                             KvTypes kvTypes);

private:
    TokenPredictor(const LoadedModel& model, ModelConfig config, KvCache cache, ThreadPool& pool);

    /// Forgets what belongs to another text than the beginning of this one.
    void cutTo(std::span<const TokenId> text);
    void beginAt(int position);
    [[nodiscard]] int computePairs(int end);
    [[nodiscard]] TokenId likeliest() const;
    [[nodiscard]] std::span<float> stateOf(int position);

    const LoadedModel& m_model;
    ModelConfig m_config;  ///< of the layer
    KvCache m_cache;
    PredictionLayer m_layer;
    std::vector<TokenId> m_text;
    int m_nComputed = 0;          ///< tokens of the text that the model has computed
    int m_start = 0;              ///< position of the state of the first pair, which is entry 0
    int m_nPairs = 0;             ///< whose entries are right
    int m_keptFrom = 0;           ///< position of the first state kept
    std::vector<float> m_states;  ///< [position % kStatesKept][embeddingDim]
    std::vector<float> m_inputs;  ///< of a pass, [pair][embeddingDim]
    std::vector<float> m_logits;
};

}  // namespace conclave::engine
