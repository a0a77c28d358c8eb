#include "engine/sampling/repetition.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/sampling/portable_math.h"

namespace conclave::engine {
namespace {

/// Z function: for each i > 0 how many elements from i on equal those from the beginning on.
std::vector<std::size_t> matchLengths(const std::vector<TokenId>& tokens) {
    std::vector<std::size_t> lengths(tokens.size(), 0);
    std::size_t left = 0;
    std::size_t right = 0;  // [left, right) is the match that reaches farthest
    for (std::size_t i = 1; i < tokens.size(); ++i) {
        std::size_t n = i < right ? std::min(lengths[i - left], right - i) : 0;
        while (i + n < tokens.size() && tokens[n] == tokens[i + n]) ++n;
        lengths[i] = n;
        if (i + n > right) {
            left = i;
            right = i + n;
        }
    }
    return lengths;
}

}  // namespace

Penalties::Penalties(const SamplerSettings& settings)
    : m_repeat(settings.repeatPenalty),
      m_frequency(settings.frequencyPenalty),
      m_presence(settings.presencePenalty),
      m_windowTokens(settings.penaltyWindow),
      m_isOn(m_windowTokens != 0 &&
             (m_repeat != 1.0f || m_frequency != 0.0f || m_presence != 0.0f)) {}

void Penalties::accept(TokenId token) {
    if (!m_isOn) return;
    ++m_counts[token];
    m_window.push_back(token);
    if (m_windowTokens < 0 || std::ssize(m_window) <= std::ptrdiff_t{m_windowTokens}) return;
    const auto oldest = m_counts.find(m_window.front());
    if (--oldest->second == 0) m_counts.erase(oldest);
    m_window.pop_front();
}

void Penalties::apply(Candidates& candidates) const {
    for (const auto& [token, count] : m_counts) {
        float* found = candidates.logitOf(token);
        if (found == nullptr) continue;
        float& logit = *found;
        logit = logit <= 0.0f ? logit * m_repeat : logit / m_repeat;
        logit -= static_cast<float>(count) * m_frequency + m_presence;
        constexpr float kLargest = std::numeric_limits<float>::max();
        // Not clamp, which keeps NaN.
        logit = logit > -kLargest ? std::min(logit, kLargest) : -kLargest;
    }
}

std::vector<DryBreaker> findDryBreakers(const Tokenizer& tokenizer,
                                        const std::vector<std::string>& texts) {
    constexpr std::size_t kLongestText = 40;
    constexpr std::size_t kLongestTail = 20;
    std::vector<DryBreaker> breakers;
    for (const std::string& whole : texts) {
        const std::string text = whole.substr(0, kLongestText);
        if (text.empty()) continue;
        // A tail depends on how much of the text its head has said, not on the head.
        std::vector<std::vector<TokenId>> tails(text.size());
        for (TokenId token = 0; token < tokenizer.vocabularySize(); ++token) {
            const std::string piece = tokenizer.piece(token, true);
            if (piece.find(text) != std::string::npos) {
                breakers.push_back({token, {}});
                continue;
            }
            const std::size_t longest = std::min(text.size() - 1, piece.size());
            for (std::size_t n = longest; n > 0; --n) {
                if (!piece.ends_with(std::string_view(text).substr(0, n))) continue;
                std::vector<TokenId>& tail = tails[n];
                if (tail.empty()) {
                    tail = tokenizer.encode(text.substr(n), {.addBos = false});
                    tail.resize(std::min(tail.size(), kLongestTail));
                }
                breakers.push_back({token, tail});
            }
        }
    }
    return breakers;
}

DryPenalty::DryPenalty(const SamplerSettings& settings, std::vector<DryBreaker> breakers)
    : m_multiplier(static_cast<double>(settings.dryMultiplier)),
      m_base(static_cast<double>(settings.dryBase)),
      m_allowed(static_cast<std::size_t>(std::max(settings.dryAllowedLength, 0))),
      m_windowTokens(settings.dryWindow) {
    for (DryBreaker& breaker : breakers) {
        m_breakers.emplace(breaker.head, std::move(breaker.tail));
    }
}

void DryPenalty::accept(TokenId token) {
    if (m_multiplier > 0.0) m_history.push_back(token);
}

std::size_t DryPenalty::lengthSinceBreaker(const std::vector<TokenId>& last) const {
    for (std::size_t i = 0; i < last.size(); ++i) {
        const auto [first, end] = m_breakers.equal_range(last[i]);
        std::size_t longest = 0;
        bool isBreaker = false;
        for (auto each = first; each != end; ++each) {
            const std::vector<TokenId>& tail = each->second;
            const bool follows =
                tail.size() <= i &&
                std::equal(tail.begin(), tail.end(),
                           last.rbegin() + static_cast<std::ptrdiff_t>(last.size() - i));
            if (!follows) continue;
            isBreaker = true;
            longest = std::max(longest, tail.size());
        }
        if (isBreaker) return i - longest;
    }
    return last.size();
}

bool DryPenalty::isBreakerByItself(TokenId token) const {
    const auto [first, end] = m_breakers.equal_range(token);
    return std::any_of(first, end, [](const auto& each) { return each.second.empty(); });
}

void DryPenalty::apply(Candidates& candidates) const {
    if (!(m_multiplier > 0.0) || m_base < 1.0 || m_windowTokens == 0) return;
    const std::size_t window =
        m_windowTokens < 0 ? m_history.size()
                           : std::min(m_history.size(), static_cast<std::size_t>(m_windowTokens));
    if (window <= m_allowed) return;
    const std::vector<TokenId> last(m_history.rbegin(),
                                    m_history.rbegin() + static_cast<std::ptrdiff_t>(window));
    const std::size_t limit = lengthSinceBreaker(last);
    if (limit < m_allowed) return;

    // lengths[i]: how far the text before the i newest tokens ends like the whole text. The token
    // that followed it there is last[i - 1], and would lengthen the repetition here.
    const std::vector<std::size_t> lengths = matchLengths(last);
    std::unordered_map<TokenId, std::size_t> longest;
    for (std::size_t i = 1; i < window; ++i) {
        const std::size_t length = std::min(lengths[i], limit);
        if (length < m_allowed) continue;
        std::size_t& known = longest[last[i - 1]];
        known = std::max(known, length);
    }
    for (const auto& [token, length] : longest) {
        if (isBreakerByItself(token)) continue;
        constexpr double kLargestLogOfFloat = 88.7228391;
        const double exponent = std::min(
            static_cast<double>(length - m_allowed) * portableLog(m_base), kLargestLogOfFloat);
        candidates.addToLogit(
            token, static_cast<float>(std::max(-m_multiplier * portableExp(exponent), -3e38)));
    }
}

}  // namespace conclave::engine
