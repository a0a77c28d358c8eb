// What a session need not compute again: its own tokens, those of other sessions, saved ones.
#include <algorithm>
#include <string>
#include <utility>

#include "engine/runtime/hash64.h"
#include "engine/runtime/session.h"
#include "engine/runtime/session_file.h"

namespace conclave::engine {

void RunningSession::cutToCommonPrefix(std::span<const TokenId> tokens) {
    const auto common =
        std::mismatch(m_tokens.begin(), m_tokens.end(), tokens.begin(), tokens.end()).first -
        m_tokens.begin();
    const auto wanted = std::min(static_cast<int>(common), static_cast<int>(tokens.size()) - 1);
    m_tokens.resize(static_cast<std::size_t>(m_cache.resumableUpTo(wanted)));
}

void RunningSession::extendFromStore(std::span<const TokenId> tokens) {
    const auto known = m_model->prefixes().find(m_kvKind, tokens.first(tokens.size() - 1));
    if (known.nTokens <= m_tokens.size()) return;
    constexpr std::size_t kBlockTokens = PrefixStore::kBlockTokens;
    const std::size_t firstBlock = m_tokens.size() / kBlockTokens;
    m_cache.makeRoom(static_cast<int>(firstBlock * kBlockTokens),
                     static_cast<int>(known.nTokens - firstBlock * kBlockTokens));
    for (std::size_t i = firstBlock; i < known.blocks.size(); ++i) {
        const std::span<const std::byte> block = *known.blocks[i];
        const std::size_t layerBytes = m_cache.positionBytes() * kBlockTokens;
        const std::size_t n = std::min(kBlockTokens, known.nTokens - i * kBlockTokens);
        for (int layer = 0; layer < m_cache.nLayers(); ++layer) {
            auto from = block.subspan(static_cast<std::size_t>(layer) * layerBytes);
            const auto take = [&](std::span<std::byte> rows) {
                std::copy_n(from.begin(), rows.size(), rows.begin());
                from = from.subspan(rows.size() / n * kBlockTokens);
                return true;
            };
            m_cache.forEachRun(layer, static_cast<int>(i * kBlockTokens), static_cast<int>(n),
                               take);
        }
    }
    m_tokens.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(known.nTokens));
}

/// Layers with a window forget: what others may want of them is to be left in the store before.
void RunningSession::leaveWhatRingsLose(int nNext) {
    const auto nTokens = static_cast<int>(m_tokens.size());
    m_nLeft = std::min(m_nLeft, PrefixStore::wholeBlocks(m_tokens.size()));
    if (m_cache.heldFromAfter(nTokens, nNext) > m_nLeft) leaveInStore();
}

void RunningSession::leaveInStore() {
    PrefixStore& store = m_model->prefixes();
    // Sessions, documents and other programs need memory, too.
    constexpr std::uint64_t kShareOfFree = 4;
    const std::uint64_t budget = m_model->memoryForPrefixes() / kShareOfFree;
    constexpr int kBlockTokens = PrefixStore::kBlockTokens;
    const std::size_t blockBytes =
        m_cache.positionBytes() * kBlockTokens * static_cast<std::size_t>(m_cache.nLayers());
    store.keep(m_kvKind, m_tokens, blockBytes, budget, [&](int first, std::span<std::byte> block) {
        if (first < m_cache.heldFrom()) return false;
        for (int layer = 0; layer < m_cache.nLayers(); ++layer) {
            m_cache.forEachRun(layer, first, kBlockTokens, [&](std::span<const std::byte> rows) {
                std::copy(rows.begin(), rows.end(), block.begin());
                block = block.subspan(rows.size());
                return true;
            });
        }
        return true;
    });
    m_nLeft = PrefixStore::wholeBlocks(m_tokens.size());
}

std::uint64_t RunningSession::savedKind() const {
    return hash64(std::as_bytes(std::span(&m_kvKind, 1)), m_model->fingerprint());
}

std::uint64_t RunningSession::savedBytes() { return sessionFileBytes(m_cache, m_tokens.size()); }

Result<void> RunningSession::save(const std::filesystem::path& path) {
    return writeSessionFile(path, {m_model->fingerprint(), m_kvKind}, m_tokens, m_cache);
}

Result<void> RunningSession::restore(const std::filesystem::path& path) {
    m_tokens.clear();
    std::error_code unknown;  // the reader will say what is wrong with the file
    const std::uint64_t bytes = std::filesystem::file_size(path, unknown);
    if (!unknown && !m_model->hasRoomFor(bytes)) {
        return fail(ErrorCode::OutOfMemory, "there is no memory for the saved session " +
                                                path.string() + "; it is computed again");
    }
    auto tokens = readSessionFile(path, {m_model->fingerprint(), m_kvKind}, m_cache);
    if (!tokens) return tl::unexpected(tokens.error());
    if (auto checked = checkTokens(*tokens); !checked) {
        return fail(ErrorCode::Corrupt,
                    "the saved session cannot be right: " + checked.error().detail);
    }
    if (auto room = makeRoom(static_cast<int>(tokens->size())); !room) return room;
    m_tokens = std::move(*tokens);
    return {};
}

}  // namespace conclave::engine
