#include "engine/runtime/prefix_store.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace conclave::engine {

PrefixStore::Key PrefixStore::keyAt(std::span<const TokenId> tokens, std::size_t block) {
    Key key{};
    const auto part = tokens.subspan(block * kBlockTokens, kBlockTokens);
    std::copy(part.begin(), part.end(), key.begin());
    return key;
}

std::vector<PrefixStore::Node*> PrefixStore::walk(Node& root, std::span<const TokenId> tokens) {
    std::vector<Node*> path;
    Node* node = &root;
    for (std::size_t block = 0; block < tokens.size() / kBlockTokens; ++block) {
        const auto child = node->children.find(keyAt(tokens, block));
        if (child == node->children.end()) break;
        node = child->second.get();
        path.push_back(node);
    }
    for (std::size_t i = path.size(); i-- > 0;) {
        m_uses.splice(m_uses.begin(), m_uses, path[i]->use);
    }
    return path;
}

std::pair<PrefixStore::Node*, std::size_t> PrefixStore::nearestChild(
    const Node& parent, std::span<const TokenId> tokens) {
    Key key;
    key.fill(std::numeric_limits<TokenId>::min());
    const std::size_t n = std::min(tokens.size(), key.size());
    std::copy_n(tokens.begin(), n, key.begin());
    std::pair<Node*, std::size_t> best = {nullptr, 0};
    const auto look = [&](const auto& child) {
        const auto end = key.begin() + static_cast<std::ptrdiff_t>(n);
        const auto common = static_cast<std::size_t>(
            std::mismatch(key.begin(), end, child->first.begin()).first - key.begin());
        if (common > best.second) best = {child->second.get(), common};
    };
    // In order of keys those that begin most alike are neighbours.
    const auto after = parent.children.lower_bound(key);
    if (after != parent.children.end()) look(after);
    if (after != parent.children.begin()) look(std::prev(after));
    return best;
}

PrefixStore::Beginning PrefixStore::find(std::uint64_t kind, std::span<const TokenId> tokens) {
    const std::lock_guard lock(m_mutex);
    Node& root = m_roots[kind];
    const std::vector<Node*> path = walk(root, tokens);
    Beginning known;
    for (const Node* node : path) known.blocks.push_back(node->block);
    known.nTokens = path.size() * kBlockTokens;
    const auto [next, nCommon] =
        nearestChild(path.empty() ? root : *path.back(), tokens.subspan(known.nTokens));
    if (next != nullptr) {
        known.blocks.push_back(next->block);
        known.nTokens += nCommon;
    }
    return known;
}

void PrefixStore::keep(std::uint64_t kind, std::span<const TokenId> tokens, std::size_t blockBytes,
                       std::uint64_t budgetBytes, const CopyBlock& copy) {
    const auto affordable = static_cast<std::size_t>(budgetBytes / blockBytes);
    const std::size_t nBlocks = std::min(tokens.size() / kBlockTokens, affordable);
    tokens = tokens.first(nBlocks * kBlockTokens);
    std::size_t nKnown = 0;
    {
        const std::lock_guard lock(m_mutex);
        nKnown = walk(m_roots[kind], tokens).size();
        makeRoom(budgetBytes, (nBlocks - nKnown) * blockBytes);
    }
    std::vector<Block> blocks;
    for (std::size_t i = nKnown; i < nBlocks; ++i) {
        auto block = std::make_shared<std::vector<std::byte>>(blockBytes);
        if (!copy(static_cast<int>(i) * kBlockTokens, *block)) break;
        blocks.push_back(std::move(block));
    }
    const std::lock_guard lock(m_mutex);
    // Another session may have added some of these meanwhile, or taken away what they follow.
    Node& root = m_roots[kind];
    const std::vector<Node*> path = walk(root, tokens);
    if (path.size() < nKnown) return;
    Node* node = path.empty() ? &root : path.back();
    for (std::size_t i = path.size(); i < nKnown + blocks.size(); ++i) {
        const Key key = keyAt(tokens, i);
        add(*node, key, std::move(blocks[i - nKnown]));
        node = node->children.find(key)->second.get();
    }
    // Blocks nearer to the root must count as used later than those below them.
    [[maybe_unused]] const auto touched = walk(root, tokens);
    makeRoom(budgetBytes, 0);
}

void PrefixStore::add(Node& parent, const Key& key, Block block) {
    auto node = std::make_unique<Node>();
    node->key = key;
    node->block = std::move(block);
    node->parent = &parent;
    m_sizeBytes += node->block->size();
    m_uses.push_front(node.get());
    node->use = m_uses.begin();
    parent.children.emplace(key, std::move(node));
}

void PrefixStore::makeRoom(std::uint64_t budgetBytes, std::size_t neededBytes) {
    while (!m_uses.empty() && m_sizeBytes + neededBytes > budgetBytes) {
        const Node* oldest = m_uses.back();
        m_uses.pop_back();
        m_sizeBytes -= oldest->block->size();
        const Key key = oldest->key;
        oldest->parent->children.erase(key);
    }
}

void PrefixStore::clear() {
    const std::lock_guard lock(m_mutex);
    m_roots.clear();
    m_uses.clear();
    m_sizeBytes = 0;
}

std::uint64_t PrefixStore::sizeBytes() const {
    const std::lock_guard lock(m_mutex);
    return m_sizeBytes;
}

}  // namespace conclave::engine
