#include "engine/runtime/prefix_store.h"

#include <algorithm>
#include <iterator>

namespace conclave::engine {
namespace {

std::size_t nCommonOf(std::span<const TokenId> a, std::span<const TokenId> b) {
    return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                                    a.begin());
}

}  // namespace

PrefixStore::Key PrefixStore::keyAt(std::span<const TokenId> tokens, std::size_t page) {
    const auto rest = tokens.subspan(page * kPageTokens);
    const auto part = rest.first(std::min<std::size_t>(rest.size(), kPageTokens));
    return {part.begin(), part.end()};
}

std::vector<PrefixStore::Node*> PrefixStore::walk(Node& root, std::span<const TokenId> tokens) {
    std::vector<Node*> path;
    Node* node = &root;
    for (std::size_t page = 0; page * kPageTokens < tokens.size(); ++page) {
        const Key key = keyAt(tokens, page);
        const auto child = node->children.lower_bound(key);
        if (child == node->children.end() || nCommonOf(key, child->first) < key.size()) break;
        node = child->second.get();
        path.push_back(node);
    }
    return path;
}

void PrefixStore::touch(std::span<Node* const> path) {
    for (std::size_t i = path.size(); i-- > 0;) {
        m_uses.splice(m_uses.begin(), m_uses, path[i]->use);
    }
}

std::pair<PrefixStore::Node*, std::size_t> PrefixStore::nearestChild(
    const Node& parent, std::span<const TokenId> tokens) {
    const Key key = keyAt(tokens, 0);
    std::pair<Node*, std::size_t> best = {nullptr, 0};
    const auto look = [&](const auto& child) {
        const std::size_t nCommon = nCommonOf(key, child->first);
        if (nCommon > best.second) best = {child->second.get(), nCommon};
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
    std::vector<Node*> path = walk(root, tokens);
    Beginning known;
    known.nTokens = std::min(path.size() * kPageTokens, tokens.size());
    const auto [next, nCommon] =
        nearestChild(path.empty() ? root : *path.back(), tokens.subspan(known.nTokens));
    if (next != nullptr) path.push_back(next);
    known.nTokens += nCommon;
    for (const Node* node : path) known.pages.push_back(node->pages);
    touch(path);
    return known;
}

void PrefixStore::keep(std::uint64_t kind, std::span<const TokenId> tokens,
                       std::span<const KvPages> pages, std::uint64_t budgetBytes) {
    if (pages.empty() || pages.back().sizeBytes() == 0) return;
    const std::size_t pageBytes = pages.back().sizeBytes();
    const std::size_t nPages = std::min<std::uint64_t>(pages.size(), budgetBytes / pageBytes);
    tokens = tokens.first(std::min(tokens.size(), nPages * kPageTokens));
    std::vector<KvPages> dropped;  // before the lock, so that they go after it
    const std::lock_guard lock(m_mutex);
    Node& root = m_roots[kind];
    const std::vector<Node*> path = walk(root, tokens);
    touch(path);
    const std::size_t neededBytes = (nPages - path.size()) * pageBytes;
    while (!m_uses.empty() && m_sizeBytes + neededBytes > budgetBytes) {
        drop(*m_uses.back(), dropped);
    }
    Node* node = path.empty() ? &root : path.back();
    for (std::size_t i = path.size(); i < nPages && pages[i].sizeBytes() > 0; ++i) {
        node = &add(*node, keyAt(tokens, i), pages[i], dropped);
    }
}

PrefixStore::Node& PrefixStore::add(Node& parent, Key key, const KvPages& pages,
                                    std::vector<KvPages>& dropped) {
    std::list<Node*> use(1);
    const auto place = parent.children.emplace(std::move(key), std::make_unique<Node>()).first;
    Node& node = *place->second;
    node.pages = pages;
    node.parent = &parent;
    node.place = place;
    node.use = use.begin();
    *node.use = &node;
    const bool isFirst = parent.parent == nullptr;
    m_uses.splice(isFirst ? m_uses.begin() : std::next(parent.use), use);
    m_sizeBytes += pages.sizeBytes();
    // The same page as it was before more tokens came.
    if (place == parent.children.begin()) return node;
    const auto& [before, shorter] = *std::prev(place);
    if (nCommonOf(before, place->first) == before.size()) drop(*shorter, dropped);
    return node;
}

void PrefixStore::drop(Node& leaf, std::vector<KvPages>& dropped) {
    dropped.push_back(leaf.pages);
    m_sizeBytes -= leaf.pages.sizeBytes();
    m_uses.erase(leaf.use);
    leaf.parent->children.erase(Children::iterator(leaf.place));
}

void PrefixStore::clear() {
    std::map<std::uint64_t, Node> dropped;  // before the lock, so that it goes after it
    const std::lock_guard lock(m_mutex);
    dropped.swap(m_roots);
    m_uses.clear();
    m_sizeBytes = 0;
}

std::uint64_t PrefixStore::sizeBytes() const {
    const std::lock_guard lock(m_mutex);
    return m_sizeBytes;
}

}  // namespace conclave::engine
