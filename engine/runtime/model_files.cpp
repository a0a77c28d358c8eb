#include "engine/runtime/model_files.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "engine/model_file.h"
#include "engine/runtime/hash64.h"

namespace conclave::engine {
namespace fs = std::filesystem;
namespace {

bool areAsOpened(const ModelFiles& files) {
    std::vector<MappedFile::State> states;
    for (const fs::path& path : files.paths) {
        const auto state = MappedFile::stateOf(path);
        if (!state) return false;
        states.push_back(*state);
    }
    return stateOfFiles(states) == files.state;
}

}  // namespace

std::uint64_t stateOfFiles(std::span<const MappedFile::State> states) {
    return hash64(std::as_bytes(states));
}

Result<std::uint64_t> hashContents(const ModelFiles& files, const std::stop_token& cancel) {
    const auto changed = [&] {
        return fail(ErrorCode::Io, files.paths.front().string() +
                                       " was changed since it was opened, or cannot be read");
    };
    if (!areAsOpened(files)) return changed();
    constexpr std::size_t kPiece = std::size_t{1} << 20U;
    std::vector<char> piece(kPiece);
    std::uint64_t hash = files.paths.size();
    for (const fs::path& path : files.paths) {
        std::ifstream file(path, std::ios::binary);
        const auto state = MappedFile::stateOf(path);
        for (std::uint64_t left = state ? state->sizeBytes : 0; left > 0;) {
            if (cancel.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
            const auto n = std::min<std::uint64_t>(left, kPiece);
            if (!file.read(piece.data(), static_cast<std::streamsize>(n))) return changed();
            hash = hash64(std::as_bytes(std::span(piece)).first(n), hash);
            left -= n;
        }
    }
    // What is written meanwhile would be hashed for the state before it.
    if (!areAsOpened(files)) return changed();
    return hash;
}

}  // namespace conclave::engine
