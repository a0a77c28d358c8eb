// whole_tokens.h: which tokens come out of merging when their own text goes in.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

#include "engine/engine.h"

namespace conclave::engine {

/// Whether merging the text of a token gives that token, found out when first asked: at load there
/// would be too many. Any thread may ask; all find the same.
class WholeTokens {
public:
    explicit WholeTokens(int nTokens) : m_known(static_cast<std::size_t>(nTokens)) {}

    /// `findOut()` merges the token's text, if that has not been done before.
    template <typename FindOut>
    bool contains(TokenId token, FindOut&& findOut) const {
        std::atomic<char>& known = m_known[static_cast<std::size_t>(token)];
        char answer = known.load(std::memory_order_relaxed);
        if (answer == kUnknown) {
            answer = findOut() ? kYes : kNo;
            known.store(answer, std::memory_order_relaxed);
        }
        return answer == kYes;
    }

private:
    static constexpr char kUnknown = 0;
    static constexpr char kYes = 1;
    static constexpr char kNo = 2;
    mutable std::vector<std::atomic<char>> m_known;
};

}  // namespace conclave::engine
