// byte_trie.h: finds all keys that begin at one position of a text, in one walk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace conclave::engine {

/// A set of byte strings with a number each, as a double array: a step is one load and one compare.
class ByteTrie {
public:
    using Entry = std::pair<std::string_view, std::int32_t>;

    /// Keys are copied; empty ones are left out, of equal ones the last counts.
    [[nodiscard]] static ByteTrie build(std::vector<Entry> entries);

    /// Calls `onMatch(length, value)` for every key that `text` begins with, shortest first.
    template <typename OnMatch>
    void forEachPrefix(std::string_view text, OnMatch&& onMatch) const {
        std::size_t state = 0;
        for (std::size_t i = 0; i < text.size(); ++i) {
            const std::size_t next = m_nodes[state].base ^ static_cast<unsigned char>(text[i]);
            if (next >= m_nodes.size() || m_nodes[next].parent != state) return;
            state = next;
            if (m_nodes[state].value != kNoValue) onMatch(i + 1, m_nodes[state].value);
        }
    }

private:
    static constexpr std::int32_t kNoValue = -1;
    static constexpr std::uint32_t kFree = 0xFFFFFFFF;
    static constexpr std::uint32_t kNoParent = 0xFFFFFFFE;

    /// Child `byte` of a state is at `base ^ byte` if its parent is that state.
    struct Node {
        std::uint32_t base = 0;
        std::uint32_t parent = kFree;
        std::int32_t value = kNoValue;
    };

    class Builder;

    std::vector<Node> m_nodes = std::vector<Node>(1);
};

}  // namespace conclave::engine
