// answer.h: one answer of a session while it is made.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/runtime/loaded_model.h"
#include "engine/sampling/sampler.h"
#include "engine/sampling/text_stream.h"

namespace conclave::engine {

/// Chooses the tokens of one request, says their text, and knows when the answer ends.
class Answer {
public:
    /// @param request  must outlive the answer
    Answer(const LoadedModel& model, const GenerateRequest& request, int contextLength);

    /// Chooses the next token from the logits that follow all earlier ones, and says it. Nothing if
    /// the filter lets nothing come; the answer then has ended.
    [[nodiscard]] std::optional<TokenId> next(std::span<const float> logits);

    /// Why the answer has ended; nothing while it goes on.
    [[nodiscard]] std::optional<FinishReason> reason() const { return m_reason; }
    void end(FinishReason reason) { m_reason = reason; }
    /// Says what was held back. The last call.
    void finish();

    /// Whether the logits were numbers so far; else nothing of the answer can be trusted.
    [[nodiscard]] const Result<void>& trust() const { return m_trust; }

    /// Tokens that may still be chosen; very many without a limit.
    [[nodiscard]] int nLeft() const;

    GenerateResult result;

private:
    void say(const std::string& piece);
    [[nodiscard]] std::optional<FinishReason> reasonAfter(TokenId token) const;

    const LoadedModel& m_model;
    const GenerateRequest& m_request;
    int m_contextLength;
    TextStream m_stream;
    std::unique_ptr<Sampler> m_sampler;
    std::optional<FinishReason> m_reason;
    Result<void> m_trust;
    std::vector<float> m_filtered;  ///< logits after the filter
};

/// Errors: Corrupt if the logits are no numbers, or all minus infinity.
[[nodiscard]] Result<void> checkLogits(std::span<const float> logits);

/// The `n` likeliest tokens and the chosen one, by the softmax of the logits.
[[nodiscard]] ChosenLogprobs logprobsOf(std::span<const float> logits, TokenId chosen, int n);

}  // namespace conclave::engine
