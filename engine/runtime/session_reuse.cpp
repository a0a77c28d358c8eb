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
    const int nKept = m_cache.resumableUpTo(wanted);
    m_tokens.resize(static_cast<std::size_t>(nKept));
    m_cache.truncate(nKept);
}

void RunningSession::extendFromStore(std::span<const TokenId> tokens) {
    const auto known = m_model->prefixes().find(m_kvKind, tokens.first(tokens.size() - 1));
    if (known.nTokens <= m_tokens.size()) return;
    m_cache.share(known.pages, static_cast<int>(known.nTokens));
    m_tokens.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(known.nTokens));
}

/// Layers with a window forget: what others may want of them is to be left in the store before.
/// Only whole pages, since the last one is written on.
void RunningSession::leaveWhatIsLost(int nNext) {
    const auto nTokens = static_cast<int>(m_tokens.size());
    m_nLeft = std::min(m_nLeft, nTokens);
    if (m_cache.heldFromAfter(nTokens, nNext) > m_nLeft) {
        leaveInStore(nTokens / kAttendChunk * kAttendChunk);
    }
}

void RunningSession::leaveInStore(int nTokens) {
    // Sessions, documents and other programs need memory, too.
    constexpr std::uint64_t kShareOfFree = 4;
    const std::uint64_t budget = m_model->memoryForPrefixes() / kShareOfFree;
    m_model->prefixes().keep(m_kvKind, std::span(m_tokens).first(static_cast<std::size_t>(nTokens)),
                             m_cache.pages(nTokens), budget);
    m_nLeft = nTokens;
}

std::uint64_t RunningSession::savedKind() const {
    return hash64(std::as_bytes(std::span(&m_kvKind, 1)), m_model->fingerprint());
}

SessionKey RunningSession::sessionKey() const {
    return {m_model->fingerprint(), m_kvKind, m_model->files().state};
}

std::uint64_t RunningSession::savedBytes() { return sessionFileBytes(m_cache, m_tokens.size()); }

Result<void> RunningSession::save(const std::filesystem::path& path) {
    return writeSessionFile(path, sessionKey(), m_tokens, m_cache);
}

Result<void> RunningSession::restore(
    const std::filesystem::path& path,
    const std::function<bool(std::uint64_t state)>& hadSameContents) {
    clear();
    std::error_code unknown;  // the reader will say what is wrong with the file
    const std::uint64_t bytes = std::filesystem::file_size(path, unknown);
    if (!unknown && !m_model->hasRoomFor(bytes)) {
        return fail(ErrorCode::OutOfMemory, "there is no memory for the saved session " +
                                                path.string() + "; it is computed again");
    }
    auto tokens = readSessionFile(path, sessionKey(), hadSameContents, m_cache);
    if (!tokens) {
        clear();
        return tl::unexpected(tokens.error());
    }
    if (auto checked = checkTokens(*tokens); !checked) {
        clear();
        return fail(ErrorCode::Corrupt,
                    "the saved session cannot be right: " + checked.error().detail);
    }
    m_tokens = std::move(*tokens);
    m_model->countPages();
    return {};
}

}  // namespace conclave::engine
