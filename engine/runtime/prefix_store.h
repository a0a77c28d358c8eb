// prefix_store.h: KV entries that sessions of one model share, so that a prompt which begins like
// an earlier one is not computed again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/model/attend.h"
#include "engine/runtime/page_pool.h"

namespace conclave::engine {

/// A radix tree over pages of tokens: a path from its root spells a beginning that was computed,
/// and each node holds the pages with the entries of its own tokens; a page that is not full ends a
/// path. Entries depend on nothing but the tokens up to theirs and on how they are computed
/// (`kind`), and the engine gives the same bits for any batches and threads, so they are as good as
/// computing them.
///
/// Nothing is copied: sessions and the tree hold the same pages, and who goes on writing behind the
/// entries that others know writes to a copy (KvCache::makeRoom). Pages used longest ago go first
/// when the budget is full. Thread-safe; no memory is given back while the lock is held.
class PrefixStore {
public:
    static constexpr int kPageTokens = kAttendChunk;

    /// What is known of a text's beginning.
    struct Beginning {
        std::vector<KvPages> pages;  ///< in order
        std::size_t nTokens =
            0;  ///< the last page may be that of a text that then goes on otherwise
    };
    /// The longest known beginning of `tokens`.
    /// @param kind  sessions whose entries differ for the same tokens have different ones
    [[nodiscard]] Beginning find(std::uint64_t kind, std::span<const TokenId> tokens);

    /// Remembers `tokens`, as many pages of them as the budget holds.
    /// @param pages  of these tokens. Where they are empty the entries are not there any more:
    /// they,
    ///               and what follows, are remembered only as far as they are known
    void keep(std::uint64_t kind, std::span<const TokenId> tokens, std::span<const KvPages> pages,
              std::uint64_t budgetBytes);

    void clear();
    /// Of all pages, whether sessions hold them, too, or not.
    [[nodiscard]] std::uint64_t sizeBytes() const;

private:
    struct Node;
    using Key = std::vector<TokenId>;  ///< up to kPageTokens
    /// None begins with another.
    using Children = std::map<Key, std::unique_ptr<Node>>;

    struct Node {
        KvPages pages;
        Node* parent = nullptr;
        Children children;
        Children::iterator place;        ///< its own, in its parent's children
        std::list<Node*>::iterator use;  ///< its place in m_uses
    };

    [[nodiscard]] static Key keyAt(std::span<const TokenId> tokens, std::size_t page);
    /// The child whose tokens begin most like these, and how many do; null if none does.
    [[nodiscard]] static std::pair<Node*, std::size_t> nearestChild(
        const Node& parent, std::span<const TokenId> tokens);
    /// The nodes of the longest known beginning that ends where a page or the tokens do.
    [[nodiscard]] static std::vector<Node*> walk(Node& root, std::span<const TokenId> tokens);
    /// They become the ones used last.
    void touch(std::span<Node* const> path);
    Node& add(Node& parent, Key key, const KvPages& pages, std::vector<KvPages>& dropped);
    void drop(Node& leaf, std::vector<KvPages>& dropped);

    mutable std::mutex m_mutex;
    std::map<std::uint64_t, Node> m_roots;  ///< by kind; a root holds no pages
    /// Used last first. A node is used whenever one below it is, and comes before it: the last one
    /// is a leaf.
    std::list<Node*> m_uses;
    std::uint64_t m_sizeBytes = 0;
};

}  // namespace conclave::engine
