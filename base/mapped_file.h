// mapped_file.h: a file's bytes as memory, read-only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

#include "base/result.h"

namespace conclave {

/// A whole file mapped read-only and shared; pages come in when touched. Movable, not copyable.
///
/// Where another program shortens the file, or the disk fails, the system would end the process
/// with SIGBUS at the next touch. Instead zeros appear from there on and isDamaged() tells: whoever
/// computes with the bytes asks it before giving out what came of them.
class MappedFile {
public:
    /// Errors: NotFound, Io, Corrupt for an empty file, OutOfMemory if the process may not have so
    /// much address space.
    [[nodiscard]] static Result<MappedFile> open(const std::filesystem::path& path);

    MappedFile() = default;
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();

    [[nodiscard]] std::span<const std::byte> bytes() const { return {m_data, m_sizeBytes}; }
    [[nodiscard]] bool isDamaged() const;
    /// Inode, size, and when contents (mtime) and inode (ctime) changed last, in nanoseconds since
    /// 1970; as the file was opened. A program can set the time of its contents back, but not the
    /// other.
    struct State {
        std::uint64_t inode = 0;
        std::uint64_t sizeBytes = 0;
        std::int64_t modifiedAt = 0;
        std::int64_t changedAt = 0;

        friend bool operator==(const State&, const State&) = default;
    };
    [[nodiscard]] const State& state() const { return m_state; }
    /// Of the file that has this name now. None: it cannot be looked at.
    [[nodiscard]] static std::optional<State> stateOf(const std::filesystem::path& path);
    /// True if an open descriptor is of this very file, not of one that took its name since.
    [[nodiscard]] bool isSameFile(int descriptor) const;

private:
    const std::byte* m_data = nullptr;
    std::size_t m_sizeBytes = 0;
    std::uint64_t m_device = 0;
    State m_state;
    int m_guard = -1;  ///< its place among the guarded mappings; -1: not guarded
};

}  // namespace conclave
