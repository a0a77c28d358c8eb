// repetition.h: what makes tokens less likely because of those before them.
#pragma once

#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/sampling/candidates.h"
#include "engine/tokenizer/tokenizer.h"

namespace conclave::engine {

/// The repeat penalty of CTRL (arXiv:1909.05858), made to lower negative logits too; then frequency
/// and presence as in OpenAI's API.
class Penalties {
public:
    explicit Penalties(const SamplerSettings& settings);

    void accept(TokenId token);
    void apply(Candidates& candidates) const;

private:
    float m_repeat;
    float m_frequency;
    float m_presence;
    int m_windowTokens;
    bool m_isOn;
    std::deque<TokenId> m_window;
    std::unordered_map<TokenId, int> m_counts;  ///< of the tokens in m_window
};

/// A text that ends a repetition, as tokens: `head` alone if it holds all of it, else the tokens
/// that must follow.
struct DryBreaker {
    TokenId head = 0;
    std::vector<TokenId> tail;
};

/// Every way in which the vocabulary can write a breaker: each token that holds one, or that ends
/// in the beginning of one.
[[nodiscard]] std::vector<DryBreaker> findDryBreakers(const Tokenizer& tokenizer,
                                                      const std::vector<std::string>& texts);

/// "Don't repeat yourself" (github.com/oobabooga/text-generation-webui, pull 5677): a token that
/// would lengthen a repetition of what the text ends in loses multiplier * base^(length - allowed).
class DryPenalty {
public:
    DryPenalty(const SamplerSettings& settings, std::vector<DryBreaker> breakers);

    void accept(TokenId token);
    void apply(Candidates& candidates) const;

private:
    /// Tokens at the end of `last` (newest first) that a repetition may cover: none of a breaker.
    [[nodiscard]] std::size_t lengthSinceBreaker(const std::vector<TokenId>& last) const;
    [[nodiscard]] bool isBreakerByItself(TokenId token) const;

    double m_multiplier;
    double m_base;
    std::size_t m_allowed;
    int m_windowTokens;
    std::unordered_multimap<TokenId, std::vector<TokenId>> m_breakers;  ///< tails by head
    std::vector<TokenId> m_history;
};

}  // namespace conclave::engine
