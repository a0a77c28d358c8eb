#include "engine/tokenizer/byte_trie.h"

#include <algorithm>
#include <deque>

namespace conclave::engine {

/// Places the nodes level by level, each node's children into the first gap they fit.
class ByteTrie::Builder {
public:
    explicit Builder(std::vector<Entry> entries) : m_entries(std::move(entries)) {
        std::erase_if(m_entries, [](const Entry& entry) { return entry.first.empty(); });
        std::stable_sort(m_entries.begin(), m_entries.end(),
                         [](const Entry& a, const Entry& b) { return a.first < b.first; });
    }

    std::vector<Node> build() {
        addBlock();
        // Taken, and nobody's child: as its own parent, the byte that equals its base would lead
        // back to it, and be skipped.
        m_nodes[0].parent = kNoParent;
        m_unused.front() = 1;
        std::deque<Range> queue = {{0, 0, m_entries.size(), 0}};
        while (!queue.empty()) {
            const Range range = queue.front();
            queue.pop_front();
            placeChildren(range, queue);
        }
        return std::move(m_nodes);
    }

private:
    static constexpr std::size_t kBlock = 256;

    /// Entries that share their first `depth` bytes, which lead to `state`.
    struct Range {
        std::uint32_t state = 0;
        std::size_t begin = 0;
        std::size_t end = 0;
        std::size_t depth = 0;
    };

    void addBlock() {
        m_unused.push_back(static_cast<std::uint32_t>(m_nodes.size()));
        m_nodes.resize(m_nodes.size() + kBlock);
    }

    [[nodiscard]] unsigned char byteAt(std::size_t entry, std::size_t depth) const {
        return static_cast<unsigned char>(m_entries[entry].first[depth]);
    }

    void placeChildren(Range range, std::deque<Range>& queue) {
        while (range.begin < range.end && m_entries[range.begin].first.size() == range.depth) {
            m_nodes[range.state].value = m_entries[range.begin].second;
            ++range.begin;
        }
        std::vector<Range> children;
        std::vector<unsigned char> bytes;
        for (std::size_t i = range.begin; i < range.end;) {
            const unsigned char byte = byteAt(i, range.depth);
            std::size_t end = i + 1;
            while (end < range.end && byteAt(end, range.depth) == byte) ++end;
            children.push_back({0, i, end, range.depth + 1});
            bytes.push_back(byte);
            i = end;
        }
        if (children.empty()) return;
        const std::uint32_t base = findBase(bytes);
        m_nodes[range.state].base = base;
        for (std::size_t i = 0; i < children.size(); ++i) {
            children[i].state = base ^ bytes[i];
            m_nodes[children[i].state].parent = range.state;
            queue.push_back(children[i]);
        }
    }

    /// A base at which all `bytes` hit free nodes, in one of the last blocks or a new one: older
    /// blocks are nearly full, and trying them all would take quadratic time.
    std::uint32_t findBase(const std::vector<unsigned char>& bytes) {
        constexpr std::size_t kBlocksTried = 16;
        const std::size_t nBlocks = m_unused.size();
        for (std::size_t block = nBlocks > kBlocksTried ? nBlocks - kBlocksTried : 0;
             block < nBlocks; ++block) {
            const auto blockEnd = static_cast<std::uint32_t>((block + 1) * kBlock);
            std::uint32_t& slot = m_unused[block];
            while (slot < blockEnd && m_nodes[slot].parent != kFree) ++slot;
            for (std::uint32_t candidate = slot; candidate < blockEnd; ++candidate) {
                const std::uint32_t base = candidate ^ bytes.front();
                const bool fits = std::all_of(bytes.begin(), bytes.end(), [&](unsigned char byte) {
                    return m_nodes[base ^ byte].parent == kFree;
                });
                if (fits) return base;
            }
        }
        addBlock();
        return static_cast<std::uint32_t>(m_nodes.size() - kBlock);
    }

    std::vector<Entry> m_entries;
    std::vector<Node> m_nodes;
    std::vector<std::uint32_t> m_unused;  ///< of each block: all nodes before this one are taken
};

ByteTrie ByteTrie::build(std::vector<Entry> entries) {
    ByteTrie trie;
    trie.m_nodes = Builder(std::move(entries)).build();
    return trie;
}

}  // namespace conclave::engine
