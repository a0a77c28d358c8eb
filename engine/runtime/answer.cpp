#include "engine/runtime/answer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/runtime/session.h"
#include "engine/sampling/portable_math.h"

namespace conclave::engine {
Result<void> checkLogits(std::span<const float> logits) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    bool isSound = true;
    float largest = -kInfinity;
    for (const float logit : logits) {
        isSound = isSound && logit < kInfinity;  // no number is not below it either
        largest = std::max(largest, logit);
    }
    if (isSound && largest > -kInfinity) return {};
    return fail(ErrorCode::Corrupt,
                "the model computes values that are no numbers: its weights are damaged, or too "
                "large for their type; check the file with `conclave models verify FILE`, or "
                "download it again");
}

ChosenLogprobs logprobsOf(std::span<const float> logits, TokenId chosen, int n) {
    const double largest = *std::max_element(logits.begin(), logits.end());
    double sum = 0.0;
    for (const float logit : logits) sum += portableExp(logit - largest);
    const double shift = largest + portableLog(sum);
    const auto entry = [&](TokenId token) {
        const auto logit = static_cast<double>(logits[static_cast<std::size_t>(token)]);
        return TokenLogprob{token, static_cast<float>(logit - shift)};
    };
    ChosenLogprobs logprobs{entry(chosen), {}};
    std::vector<TokenId> ids(logits.size());
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<TokenId>(i);
    const auto at = [&](TokenId id) { return logits[static_cast<std::size_t>(id)]; };
    const auto end = ids.begin() + std::min<std::ptrdiff_t>(n, std::ssize(ids));
    std::partial_sort(ids.begin(), end, ids.end(),
                      [&](TokenId a, TokenId b) { return at(a) != at(b) ? at(a) > at(b) : a < b; });
    std::transform(ids.begin(), end, std::back_inserter(logprobs.likeliest), entry);
    return logprobs;
}

Answer::Answer(const LoadedModel& model, const GenerateRequest& request, int contextLength)
    : m_model(model),
      m_request(request),
      m_contextLength(contextLength),
      m_stream(model.tokenizer(), request.stop, request.showControlTokens),
      m_sampler(Sampler::create(request.sampling, model.tokenizer().vocabularySize(),
                                &model.tokenizer())) {
    for (const TokenId token : request.prompt) m_sampler->accept(token);
    result.seed = m_sampler->seed();
    if (request.maxTokens == 0) end(FinishReason::MaxTokens);
}

std::optional<TokenId> Answer::next(std::span<const float> logits) {
    const std::span<const float> given = logits;
    if (m_trust = checkLogits(logits); !m_trust) {
        end(FinishReason::Cancelled);
        return std::nullopt;
    }
    if (m_request.filter != nullptr) {
        m_filtered.assign(logits.begin(), logits.end());
        m_request.filter->restrict(m_filtered);
        const bool mayGoOn = std::any_of(m_filtered.begin(), m_filtered.end(), [](float logit) {
            return logit > -std::numeric_limits<float>::infinity();
        });
        if (!mayGoOn) {
            end(FinishReason::EndOfTurn);
            return std::nullopt;
        }
        logits = m_filtered;
    }
    const TokenId token = m_sampler->sample(logits);
    m_sampler->accept(token);
    if (m_request.filter != nullptr) m_request.filter->accept(token);
    result.tokens.push_back(token);
    if (m_request.nLogprobs >= 0) {
        result.logprobs.push_back(logprobsOf(given, token, m_request.nLogprobs));
    }
    say(m_stream.push(token));
    m_reason = reasonAfter(token);
    return token;
}

std::optional<FinishReason> Answer::reasonAfter(TokenId token) const {
    const auto nTokens = std::ssize(result.tokens);
    if (m_stream.stopped()) return FinishReason::StopString;
    if (m_model.isEndOfTurn(token) && !m_request.ignoreEndOfTurn) return FinishReason::EndOfTurn;
    if (m_request.stopOnRepetition && endsInLoop(result.tokens)) return FinishReason::Repetition;
    if (nTokens == m_request.maxTokens) return FinishReason::MaxTokens;
    // The last token is not in the cache yet.
    if (std::ssize(m_request.prompt) + nTokens - 1 == m_contextLength) {
        return FinishReason::ContextFull;
    }
    return std::nullopt;
}

void Answer::say(const std::string& piece) {
    if (piece.empty()) return;
    result.text += piece;
    if (m_request.onText) m_request.onText(piece);
}

void Answer::finish() {
    say(m_stream.finish());
    result.reason = m_reason.value_or(FinishReason::Cancelled);
}

int Answer::nLeft() const {
    if (m_request.maxTokens < 0) return std::numeric_limits<int>::max();
    return m_request.maxTokens - static_cast<int>(result.tokens.size());
}

}  // namespace conclave::engine
