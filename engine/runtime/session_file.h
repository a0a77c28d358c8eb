// session_file.h: the KV entries of a session on the disk, so that a long chat goes on at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "engine/runtime/kv_cache.h"

namespace conclave::engine {

/// What must be equal for entries to be taken over.
struct SessionKey {
    std::uint64_t model = 0;  ///< LoadedModel::fingerprint
    std::uint64_t kind = 0;   ///< how entries are computed and kept
    std::uint64_t files = 0;  ///< ModelFiles::state; another one may have the same contents
};

/// The size of what writeSessionFile would write for the first `nTokens` of the cache.
[[nodiscard]] std::uint64_t sessionFileBytes(KvCache& cache, std::size_t nTokens);

/// Writes a file of mode 0600 that appears under its name when it is complete:
/// a header (see the source), the tokens, and the entries [layer][position], all under XXH64; of
/// layers with a window those that the cache has kept.
/// It is not forced to the disk: after a power cut it may be damaged, which the reader sees.
/// Errors: as Session::save.
[[nodiscard]] Result<void> writeSessionFile(const std::filesystem::path& path,
                                            const SessionKey& key, std::span<const TokenId> tokens,
                                            KvCache& cache);

/// Reads the entries into the cache, from position 0 on, and gives their tokens, which the caller
/// must check for their range. After an error the cache's entries are worthless.
/// @param hadSameContents  and errors: as Session::restore
[[nodiscard]] Result<std::vector<TokenId>> readSessionFile(
    const std::filesystem::path& path, const SessionKey& key,
    const std::function<bool(std::uint64_t state)>& hadSameContents, KvCache& cache);

}  // namespace conclave::engine
