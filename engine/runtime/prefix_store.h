// prefix_store.h: KV entries that sessions of one model share, so that a prompt which begins like
// an earlier one is not computed again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "engine/engine.h"

namespace conclave::engine {

/// A radix tree over blocks of tokens: a path from its root spells a beginning that was computed,
/// and each node holds the entries of its own block. Entries depend on nothing but the tokens up to
/// theirs and on how they are computed (`kind`), and the engine gives the same bits for any batches
/// and threads, so a copy is as good as computing them.
///
/// Sessions copy blocks in and out: their own caches stay contiguous, which attention needs for its
/// speed, and a copy costs less than a hundredth of computing. Blocks used longest ago go first
/// when the budget is full. Thread-safe; nothing is copied while the lock is held.
class PrefixStore {
public:
    static constexpr int kBlockTokens = 16;
    /// Tokens in whole blocks of so many.
    [[nodiscard]] static constexpr int wholeBlocks(std::size_t nTokens) {
        return static_cast<int>(nTokens) / kBlockTokens * kBlockTokens;
    }

    /// Entries of kBlockTokens positions in every layer.
    using Block = std::shared_ptr<const std::vector<std::byte>>;
    /// Fills a block with the entries from a position on; false if these are not there any more.
    using CopyBlock = std::function<bool(int firstPosition, std::span<std::byte> block)>;

    /// What is known of a text's beginning.
    struct Beginning {
        std::vector<Block> blocks;  ///< in order
        std::size_t nTokens =
            0;  ///< the last block may be that of a text that then goes on otherwise
    };
    /// The longest known beginning of `tokens`.
    /// @param kind  sessions whose entries differ for the same tokens have different ones
    [[nodiscard]] Beginning find(std::uint64_t kind, std::span<const TokenId> tokens);

    /// Remembers the whole blocks of `tokens`, as many as the budget holds and can be copied.
    void keep(std::uint64_t kind, std::span<const TokenId> tokens, std::size_t blockBytes,
              std::uint64_t budgetBytes, const CopyBlock& copy);

    void clear();
    [[nodiscard]] std::uint64_t sizeBytes() const;

private:
    using Key = std::array<TokenId, kBlockTokens>;

    struct Node {
        Key key{};
        Block block;
        Node* parent = nullptr;
        std::map<Key, std::unique_ptr<Node>> children;
        std::list<Node*>::iterator use;  ///< its place in m_uses
    };

    [[nodiscard]] static Key keyAt(std::span<const TokenId> tokens, std::size_t block);
    /// The child whose tokens begin most like these, and how many do; null if none does.
    [[nodiscard]] static std::pair<Node*, std::size_t> nearestChild(
        const Node& parent, std::span<const TokenId> tokens);
    /// The nodes of the longest known beginning in whole blocks; they become the ones used last.
    [[nodiscard]] std::vector<Node*> walk(Node& root, std::span<const TokenId> tokens);
    void add(Node& parent, const Key& key, Block block);
    void makeRoom(std::uint64_t budgetBytes, std::size_t neededBytes);

    mutable std::mutex m_mutex;
    std::map<std::uint64_t, Node> m_roots;  ///< by kind; a root holds no block
    /// Used last first. A node is used whenever one below it is, and comes before it: the last one
    /// is a leaf.
    std::list<Node*> m_uses;
    std::uint64_t m_sizeBytes = 0;
};

}  // namespace conclave::engine
