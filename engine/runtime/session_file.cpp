#include "engine/runtime/session_file.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/model/attend.h"
#include "engine/runtime/hash64.h"

namespace conclave::engine {
namespace fs = std::filesystem;
namespace {

static_assert(std::endian::native == std::endian::little, "the file holds numbers as they lie");

/// "CONCLKV" and the version. A change of the file or of the engine's arithmetic takes the next
/// one.
constexpr std::uint64_t kMagic = 0x04'56'4B'4C'43'4E'4F'43;

struct SessionHeader {
    std::uint64_t magic = kMagic;
    SessionKey key;
    std::uint64_t nTokens = 0;
    std::uint64_t heldFrom = 0;    ///< the first position that layers with a window have kept
    std::uint64_t entryBytes = 0;  ///< of all layers and positions together
    std::uint64_t bodyHash = 0;    ///< of tokens and entries
    std::uint64_t headerHash = 0;  ///< of all above
};
static_assert(sizeof(SessionHeader) == 9 * sizeof(std::uint64_t));

std::uint64_t headerHashOf(const SessionHeader& header) {
    return hash64(std::as_bytes(std::span(&header, 1)).first(offsetof(SessionHeader, headerHash)));
}

class Descriptor {
public:
    explicit Descriptor(int number) : m_number(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (m_number >= 0) ::close(m_number);
    }
    [[nodiscard]] int get() const { return m_number; }

private:
    int m_number;
};

bool writeAll(int file, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(file, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return true;
}

bool readAll(int file, std::span<std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::read(file, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return true;
}

tl::unexpected<Error> badSession(const fs::path& path, const std::string& what) {
    return fail(ErrorCode::Corrupt, "the saved session " + path.string() + " " + what);
}

/// Calls use(rows) for the recurrent state and all entries, layer by layer, in pieces that are the
/// same for every cache. Returns false as soon as one call does.
template <typename Use>
bool forEachPiece(KvCache& cache, int heldFrom, int nTokens, const Use& use) {
    if (!use(std::as_writable_bytes(cache.recurrent().values()))) return false;
    for (int layer = 0; layer < cache.nLayers(); ++layer) {
        if (cache.isRecurrent(layer)) continue;
        for (int at = cache.isLocal(layer) ? heldFrom : 0; at < nTokens;) {
            const int end = std::min(nTokens, (at / kAttendChunk + 1) * kAttendChunk);
            if (!cache.forEachRun(layer, at, end - at, use)) return false;
            at = end;
        }
    }
    return true;
}

std::uint64_t entryBytesOf(KvCache& cache, std::uint64_t heldFrom, std::uint64_t nTokens) {
    std::uint64_t nPositions = 0;
    for (int layer = 0; layer < cache.nLayers(); ++layer) {
        if (cache.isRecurrent(layer)) continue;
        nPositions += nTokens - (cache.isLocal(layer) ? heldFrom : 0);
    }
    return nPositions * cache.positionBytes() + cache.recurrent().values().size_bytes();
}

std::uint64_t fileBytesOf(std::uint64_t nTokens, std::uint64_t entryBytes) {
    return sizeof(SessionHeader) + nTokens * sizeof(TokenId) + entryBytes;
}

using ContentsCheck = std::function<bool(std::uint64_t state)>;

/// The header of an open file, checked against the file's size, the model and the cache.
Result<SessionHeader> readSessionHeader(int file, const fs::path& path, const SessionKey& key,
                                        const ContentsCheck& hadSameContents, KvCache& cache) {
    SessionHeader header;
    if (!readAll(file, std::as_writable_bytes(std::span(&header, 1)))) {
        return badSession(path, "is cut off");
    }
    if (header.magic != kMagic) {
        return fail(ErrorCode::Unsupported, path.string() + " is no saved session of this version");
    }
    if (header.headerHash != headerHashOf(header)) return badSession(path, "is damaged");
    const bool isOfModel = header.key.model == key.model && header.key.kind == key.kind;
    if (!isOfModel || (header.key.files != key.files &&
                       (!hadSameContents || !hadSameContents(header.key.files)))) {
        return fail(ErrorCode::Unsupported,
                    "the saved session " + path.string() +
                        " is of another model, kernel set or kind of KV cache");
    }
    if (header.nTokens > static_cast<std::uint64_t>(cache.capacity())) {
        return fail(ErrorCode::Unsupported, "the saved session " + path.string() + " has " +
                                                std::to_string(header.nTokens) +
                                                " tokens, but the context holds " +
                                                std::to_string(cache.capacity()));
    }
    if (header.heldFrom > header.nTokens) return badSession(path, "has the wrong size");
    const std::uint64_t entryBytes = entryBytesOf(cache, header.heldFrom, header.nTokens);
    struct stat status {};
    const std::uint64_t wanted = fileBytesOf(header.nTokens, entryBytes);
    if (header.nTokens == 0 || header.entryBytes != entryBytes || ::fstat(file, &status) != 0 ||
        static_cast<std::uint64_t>(status.st_size) != wanted) {
        return badSession(path, "has the wrong size");
    }
    return header;
}

}  // namespace

std::uint64_t sessionFileBytes(KvCache& cache, std::size_t nTokens) {
    const int heldFrom = std::min(cache.heldFrom(), static_cast<int>(nTokens));
    return fileBytesOf(nTokens, entryBytesOf(cache, static_cast<std::uint64_t>(heldFrom), nTokens));
}

Result<void> writeSessionFile(const fs::path& path, const SessionKey& key,
                              std::span<const TokenId> tokens, KvCache& cache) {
    if (tokens.empty()) return fail(ErrorCode::InvalidArgument, "the session has nothing to save");
    const auto nTokens = static_cast<int>(tokens.size());
    if (cache.recurrent().exists() && cache.recurrent().position() != nTokens) {
        return fail(ErrorCode::InvalidArgument,
                    "the session was stopped in the middle of a step; save it after the next one");
    }
    SessionHeader header;
    header.key = key;
    header.nTokens = tokens.size();
    const int heldFrom = std::min(cache.heldFrom(), nTokens);
    header.heldFrom = static_cast<std::uint64_t>(heldFrom);
    header.entryBytes = entryBytesOf(cache, header.heldFrom, header.nTokens);
    header.bodyHash = hash64(std::as_bytes(tokens));
    forEachPiece(cache, heldFrom, nTokens, [&](std::span<const std::byte> rows) {
        header.bodyHash = hash64(rows, header.bodyHash);
        return true;
    });
    header.headerHash = headerHashOf(header);

    const fs::path partial = path.string() + ".partial";
    const auto problem = [&](const std::string& what) {
        const int number = errno;
        ::unlink(partial.c_str());
        const bool isFull = number == ENOSPC || number == EDQUOT || number == EFBIG;
        return fail(isFull ? ErrorCode::DiskFull : ErrorCode::Io,
                    "cannot " + what + " " + path.string() + ": " + std::strerror(number));
    };
    ::unlink(partial.c_str());
    constexpr mode_t kOwnerOnly = 0600;
    {
        const Descriptor file(::open(
            partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kOwnerOnly));
        if (file.get() < 0) return problem("create");
        const bool written =
            writeAll(file.get(), std::as_bytes(std::span(&header, 1))) &&
            writeAll(file.get(), std::as_bytes(tokens)) &&
            forEachPiece(cache, heldFrom, nTokens, [&](std::span<const std::byte> rows) {
                return writeAll(file.get(), rows);
            });
        if (!written) return problem("write");
    }
    if (::rename(partial.c_str(), path.c_str()) != 0) return problem("name");
    return {};
}

Result<std::vector<TokenId>> readSessionFile(const fs::path& path, const SessionKey& key,
                                             const ContentsCheck& hadSameContents, KvCache& cache) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (file.get() < 0) {
        return fail(errno == ENOENT ? ErrorCode::NotFound : ErrorCode::Io,
                    "cannot open the saved session " + path.string() + ": " + std::strerror(errno));
    }
    const auto header = readSessionHeader(file.get(), path, key, hadSameContents, cache);
    if (!header) return tl::unexpected(header.error());
    std::vector<TokenId> tokens(header->nTokens);
    if (!readAll(file.get(), std::as_writable_bytes(std::span(tokens)))) {
        return badSession(path, "cannot be read to its end");
    }
    std::uint64_t hash = hash64(std::as_bytes(std::span(tokens)));
    const auto nTokens = static_cast<int>(tokens.size());
    const auto heldFrom = static_cast<int>(header->heldFrom);
    if (!cache.restart(heldFrom, nTokens)) {
        return fail(ErrorCode::OutOfMemory,
                    "there is no memory for the saved session " + path.string());
    }
    const bool isRead = forEachPiece(cache, heldFrom, nTokens, [&](std::span<std::byte> rows) {
        if (!readAll(file.get(), rows)) return false;
        hash = hash64(rows, hash);
        return true;
    });
    if (!isRead) return badSession(path, "cannot be read to its end");
    if (hash != header->bodyHash) return badSession(path, "is damaged");
    cache.makeRoom(nTokens, 0);
    cache.recurrent().restart(nTokens);
    if (cache.resumableUpTo(nTokens) != nTokens) {
        return badSession(path, "lacks what its last tokens see");
    }
    return tokens;
}

}  // namespace conclave::engine
