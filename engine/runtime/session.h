// session.h: what stands behind engine::Session.
#pragma once

#include <memory>
#include <vector>

#include "engine/engine.h"
#include "engine/model/transformer.h"
#include "engine/runtime/answer.h"
#include "engine/runtime/kv_cache.h"
#include "engine/runtime/loaded_model.h"
#include "engine/runtime/lora_adapter.h"
#include "engine/runtime/session_file.h"
#include "engine/runtime/speculation.h"
#include "engine/runtime/thread_pool.h"
#include "engine/runtime/token_predictor.h"

namespace conclave::engine {

/// The cache holds the entries of `m_tokens`, always: tokens join it after their forward pass is
/// complete, and leave it by being forgotten, since entries are written anew.
class RunningSession final : public Session {
public:
    /// @param options  checked: nothing in them is left to be chosen
    /// @param draft    guesses tokens ahead; may be null
    /// To be followed by usePrediction where the model has a layer for it.
    RunningSession(std::shared_ptr<const LoadedModel> model, KvCache cache,
                   const SessionOptions& options, std::unique_ptr<RunningSession> draft);
    ~RunningSession() override;

    [[nodiscard]] const Model& model() const override { return *m_model; }
    [[nodiscard]] int contextLength() const override { return m_cache.capacity(); }
    [[nodiscard]] std::span<const TokenId> cachedTokens() const override { return m_tokens; }
    [[nodiscard]] Result<GenerateResult> generate(const GenerateRequest& request) override;
    [[nodiscard]] Result<void> evaluate(
        std::span<const TokenId> tokens,
        const std::function<void(int position, std::span<const float> logits)>& onLogits,
        std::stop_token cancel) override;
    [[nodiscard]] Result<void> useAdapters(std::span<const AdapterUse> adapters) override;
    void clear() override;
    [[nodiscard]] std::uint64_t savedKind() const override;
    [[nodiscard]] std::uint64_t savedBytes() override;
    [[nodiscard]] Result<void> save(const std::filesystem::path& path) override;
    [[nodiscard]] Result<void> restore(
        const std::filesystem::path& path,
        const std::function<bool(std::uint64_t state)>& hadSameContents) override;

    /// Lets the model's prediction layer guess. Errors: OutOfMemory.
    [[nodiscard]] Result<void> usePrediction(KvTypes types);

    /// Requests that speculate guess whatever can be guessed, even at a loss: for tests.
    void guessAlways() { m_gate.open(); }

private:
    /// What `run` returns; an error if memory runs out meanwhile. The session then begins anew.
    template <typename Run>
    auto unlessOutOfMemory(const Run& run) -> decltype(run());
    [[nodiscard]] Result<GenerateResult> generateNow(const GenerateRequest& request);
    [[nodiscard]] Result<void> evaluateNow(
        std::span<const TokenId> tokens,
        const std::function<void(int position, std::span<const float> logits)>& onLogits,
        std::stop_token cancel);
    /// What the cache has yet to take for so many tokens.
    [[nodiscard]] std::uint64_t missingBytes(int nTokens) const;
    /// Sees to it that there is memory for so many tokens before any of it is written to: what was
    /// free when the session began may be others' by now. False: there is none.
    [[nodiscard]] bool growTo(int nTokens);
    /// growTo. Errors: OutOfMemory.
    [[nodiscard]] Result<void> makeRoom(int nTokens);
    [[nodiscard]] Result<void> checkPasses();
    [[nodiscard]] Result<void> checkTokens(std::span<const TokenId> tokens) const;
    /// Keeps the longest common prefix with `tokens` that the cache can go on from, but leaves at
    /// least the last one to compute.
    void cutToCommonPrefix(std::span<const TokenId> tokens);
    /// Takes the pages of what another session has computed for a longer beginning of `tokens`.
    void extendFromStore(std::span<const TokenId> tokens);
    /// The first `nTokens`.
    void leaveInStore(int nTokens);
    [[nodiscard]] SessionKey sessionKey() const;
    void leaveAllInStore() { leaveInStore(static_cast<int>(m_tokens.size())); }
    void leaveWhatIsLost(int nNext);
    /// Computes the tokens that follow the cached ones. Returns false if cancelled.
    [[nodiscard]] bool prefill(const GenerateRequest& request);
    /// @param nWanted  the last of them, whose logits are asked for
    [[nodiscard]] bool forward(std::span<const TokenId> tokens, std::size_t nWanted);
    void decode(const GenerateRequest& request, Answer& answer);
    [[nodiscard]] Guess makeGuess(TokenId token, int nMost, TextGuesser::Found& found);
    [[nodiscard]] Guess predictedGuess(int nMost);
    [[nodiscard]] Guess draftGuess(int nMost);
    [[nodiscard]] std::span<const float> logitsRow(std::size_t row) const;
    [[nodiscard]] std::size_t vocabularyRow() const;

    std::shared_ptr<const LoadedModel> m_model;
    ModelConfig m_config;  ///< the model's, with this session's choices
    int m_batchTokens;
    bool m_sharesPrefixes;
    KvCache m_cache;
    ThreadPool m_pool;
    Transformer m_transformer;
    std::unique_ptr<RunningSession> m_draft;
    std::unique_ptr<TokenPredictor> m_predictor;  ///< null: the model has none
    bool m_speculates = false;                    ///< the request that is being answered
    std::vector<AdapterUse> m_adapters;
    std::unique_ptr<const AdapterSet> m_adapterSet;  ///< of these; null: none
    std::uint64_t m_kvKind;  ///< equal for sessions that compute the same entries for a text
    std::vector<TokenId> m_tokens;
    int m_nLeft = 0;  ///< of them that the prefix store was given, if it had room
    /// [pass][vocabularySize], of the tokens computed last: one, or one and its guesses.
    std::vector<float> m_logits;
    TextGuesser m_guesser;
    SpeculationGate m_gate;
    std::vector<TokenId> m_text;  ///< what a guess continues
    std::int64_t m_memoryBytes;   ///< of buffers and states; pages are counted by their pool
};

/// True if `tokens` end in the same stretch of up to 64 tokens so often that the model is caught in
/// a loop: at least 4 times and over at least 32 tokens.
[[nodiscard]] bool endsInLoop(std::span<const TokenId> tokens);

}  // namespace conclave::engine
