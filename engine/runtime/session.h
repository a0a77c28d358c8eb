// session.h: what stands behind engine::Session.
#pragma once

#include <memory>
#include <vector>

#include "engine/engine.h"
#include "engine/model/transformer.h"
#include "engine/runtime/kv_cache.h"
#include "engine/runtime/loaded_model.h"
#include "engine/runtime/thread_pool.h"
#include "engine/sampling/sampler.h"

namespace conclave::engine {

/// The cache holds the entries of `m_tokens`, always: tokens join it after their forward pass is
/// complete, and leave it by being forgotten, since entries are overwritten in place.
class RunningSession final : public Session {
public:
    /// @param batchTokens, nThreads  checked, none of them 0
    RunningSession(std::shared_ptr<const LoadedModel> model, KvCache cache, int batchTokens,
                   int nThreads);

    [[nodiscard]] const Model& model() const override { return *m_model; }
    [[nodiscard]] int contextLength() const override { return m_cache.capacity(); }
    [[nodiscard]] std::span<const TokenId> cachedTokens() const override { return m_tokens; }
    [[nodiscard]] Result<GenerateResult> generate(const GenerateRequest& request) override;
    [[nodiscard]] Result<void> evaluate(
        std::span<const TokenId> tokens,
        const std::function<void(int position, std::span<const float> logits)>& onLogits,
        std::stop_token cancel) override;
    void clear() override { m_tokens.clear(); }

private:
    struct Answer;

    [[nodiscard]] Result<void> checkTokens(std::span<const TokenId> tokens) const;
    /// Keeps the longest common prefix with `tokens`, but leaves at least the last one to compute.
    void cutToCommonPrefix(std::span<const TokenId> tokens);
    /// Computes the tokens that follow the cached ones. Returns false if cancelled.
    [[nodiscard]] bool prefill(const GenerateRequest& request);
    [[nodiscard]] bool forward(std::span<const TokenId> tokens);
    void decode(const GenerateRequest& request, Answer& answer);
    [[nodiscard]] std::span<const float> lastLogits() const;

    std::shared_ptr<const LoadedModel> m_model;
    int m_batchTokens;
    KvCache m_cache;
    ThreadPool m_pool;
    Transformer m_transformer;
    std::vector<TokenId> m_tokens;
    std::vector<float> m_logits;  ///< [vocabularySize], of the last token computed
};

/// True if `tokens` end in the same stretch of up to 64 tokens so often that the model is caught in
/// a loop: at least 4 times and over at least 32 tokens.
[[nodiscard]] bool endsInLoop(std::span<const TokenId> tokens);

}  // namespace conclave::engine
