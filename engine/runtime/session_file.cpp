#include "engine/runtime/session_file.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <thread>
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
constexpr std::uint64_t kMagic = 0x05'56'4B'4C'43'4E'4F'43;

struct SessionHeader {
    std::uint64_t magic = kMagic;
    SessionKey key;
    std::uint64_t nTokens = 0;
    std::uint64_t heldFrom = 0;    ///< the first position that layers with a window have kept
    std::uint64_t entryBytes = 0;  ///< of all layers and positions together
    std::uint64_t bodyHash = 0;    ///< of the hashes of the tokens and of each section
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

bool readAllAt(int file, std::uint64_t at, std::span<std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::pread(file, bytes.data(), bytes.size(), static_cast<off_t>(at));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(n));
        at += static_cast<std::uint64_t>(n);
    }
    return true;
}

tl::unexpected<Error> badSession(const fs::path& path, const std::string& what) {
    return fail(ErrorCode::Corrupt, "the saved session " + path.string() + " " + what);
}

/// What a file holds of a cache: the recurrent state is its first section, then each layer is one.
/// Sections are read and hashed side by side, since most of the time goes into memory's first use.
class Sections {
public:
    Sections(KvCache& cache, std::uint64_t heldFrom, std::uint64_t nTokens)
        : m_cache(cache), m_heldFrom(heldFrom), m_nTokens(nTokens) {}

    [[nodiscard]] std::size_t count() const {
        return static_cast<std::size_t>(m_cache.nLayers()) + 1;
    }

    [[nodiscard]] std::uint64_t bytes(std::size_t section) const {
        if (section == 0) return m_cache.recurrent().values().size_bytes();
        const int layer = layerOf(section);
        if (m_cache.isRecurrent(layer)) return 0;
        return (m_nTokens - (m_cache.isLocal(layer) ? m_heldFrom : 0)) * m_cache.positionBytes();
    }

    [[nodiscard]] std::uint64_t allBytes() const {
        std::uint64_t sum = 0;
        for (std::size_t section = 0; section < count(); ++section) sum += bytes(section);
        return sum;
    }

    /// Calls use(rows) for all of a section, in pieces that are the same for every cache. Returns
    /// false as soon as one call does.
    template <typename Use>
    bool forEachPiece(std::size_t section, const Use& use) const {
        if (section == 0) return use(std::as_writable_bytes(m_cache.recurrent().values()));
        const int layer = layerOf(section);
        if (m_cache.isRecurrent(layer)) return true;
        const auto nTokens = static_cast<int>(m_nTokens);
        for (int at = m_cache.isLocal(layer) ? static_cast<int>(m_heldFrom) : 0; at < nTokens;) {
            const int end = std::min(nTokens, (at / kAttendChunk + 1) * kAttendChunk);
            if (!m_cache.forEachRun(layer, at, end - at, use)) return false;
            at = end;
        }
        return true;
    }

    /// Calls work(section) for each, on several threads where there is much. False if a call gave
    /// that; the others are then left out.
    template <typename Work>
    bool forEach(const Work& work) const {
        std::atomic<std::size_t> next = 0;
        std::atomic<bool> isFine = true;
        const auto takeSections = [&] {
            for (std::size_t section = next++; section < count() && isFine; section = next++) {
                if (!work(section)) isFine = false;
            }
        };
        constexpr std::uint64_t kWorthThreads = std::uint64_t{1} << 20u;  // a millisecond's work
        constexpr unsigned kMostThreads = 4;
        const unsigned nThreads = allBytes() < kWorthThreads
                                      ? 1
                                      : std::min(std::thread::hardware_concurrency(), kMostThreads);
        {
            std::vector<std::jthread> helpers;
            helpers.reserve(kMostThreads);
            try {
                for (unsigned n = 1; n < nThreads; ++n) helpers.emplace_back(takeSections);
            } catch (const std::system_error&) {
                // As many as the system gives are enough.
            }
            takeSections();
        }
        return isFine;
    }

private:
    [[nodiscard]] static int layerOf(std::size_t section) { return static_cast<int>(section) - 1; }

    KvCache& m_cache;
    std::uint64_t m_heldFrom;
    std::uint64_t m_nTokens;
};

/// Of the tokens, and of each section's own hash.
std::uint64_t bodyHashOf(std::span<const TokenId> tokens, std::span<const std::uint64_t> sections) {
    return hash64(std::as_bytes(sections), hash64(std::as_bytes(tokens)));
}

std::uint64_t fileBytesOf(std::uint64_t nTokens, std::uint64_t entryBytes) {
    return sizeof(SessionHeader) + nTokens * sizeof(TokenId) + entryBytes;
}

using ContentsCheck = std::function<bool(std::uint64_t state)>;

/// The header of an open file, checked against the file's size, the model and the cache.
Result<SessionHeader> readSessionHeader(int file, const fs::path& path, const SessionKey& key,
                                        const ContentsCheck& hadSameContents, KvCache& cache) {
    SessionHeader header;
    if (!readAllAt(file, 0, std::as_writable_bytes(std::span(&header, 1)))) {
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
    const std::uint64_t entryBytes = Sections(cache, header.heldFrom, header.nTokens).allBytes();
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
    return fileBytesOf(nTokens,
                       Sections(cache, static_cast<std::uint64_t>(heldFrom), nTokens).allBytes());
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
    header.heldFrom = static_cast<std::uint64_t>(std::min(cache.heldFrom(), nTokens));
    const Sections sections(cache, header.heldFrom, header.nTokens);
    header.entryBytes = sections.allBytes();
    std::vector<std::uint64_t> hashes(sections.count());
    sections.forEach([&](std::size_t section) {
        return sections.forEachPiece(section, [&](std::span<const std::byte> rows) {
            hashes[section] = hash64(rows, hashes[section]);
            return true;
        });
    });
    header.bodyHash = bodyHashOf(tokens, hashes);
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
        bool isWritten = writeAll(file.get(), std::as_bytes(std::span(&header, 1))) &&
                         writeAll(file.get(), std::as_bytes(tokens));
        for (std::size_t section = 0; isWritten && section < sections.count(); ++section) {
            isWritten = sections.forEachPiece(section, [&](std::span<const std::byte> rows) {
                return writeAll(file.get(), rows);
            });
        }
        if (!isWritten) return problem("write");
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
    if (!readAllAt(file.get(), sizeof(SessionHeader), std::as_writable_bytes(std::span(tokens)))) {
        return badSession(path, "cannot be read to its end");
    }
    const auto nTokens = static_cast<int>(tokens.size());
    if (!cache.restart(static_cast<int>(header->heldFrom), nTokens)) {
        return fail(ErrorCode::OutOfMemory,
                    "there is no memory for the saved session " + path.string());
    }
    const Sections sections(cache, header->heldFrom, header->nTokens);
    std::vector<std::uint64_t> begins(sections.count(), fileBytesOf(header->nTokens, 0));
    for (std::size_t section = 1; section < begins.size(); ++section) {
        begins[section] = begins[section - 1] + sections.bytes(section - 1);
    }
    std::vector<std::uint64_t> hashes(sections.count());
    const bool isRead = sections.forEach([&](std::size_t section) {
        std::uint64_t at = begins[section];
        return sections.forEachPiece(section, [&](std::span<std::byte> rows) {
            if (!readAllAt(file.get(), at, rows)) return false;
            at += rows.size();
            hashes[section] = hash64(rows, hashes[section]);
            return true;
        });
    });
    if (!isRead) return badSession(path, "cannot be read to its end");
    if (bodyHashOf(tokens, hashes) != header->bodyHash) return badSession(path, "is damaged");
    cache.makeRoom(nTokens, 0);
    cache.recurrent().restart(nTokens);
    if (cache.resumableUpTo(nTokens) != nTokens) {
        return badSession(path, "lacks what its last tokens see");
    }
    return tokens;
}

}  // namespace conclave::engine
