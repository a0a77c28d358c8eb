// mapped_file.h: a file's bytes as memory, read-only.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/result.h"

namespace conclave {

/// A whole file mapped read-only and shared; pages come in when touched. Movable, not copyable.
/// A file that another program shortens while it is mapped ends the process with SIGBUS: models are
/// opened from places where only the user writes.
class MappedFile {
public:
    /// Errors: NotFound, Io, Corrupt for an empty file.
    [[nodiscard]] static Result<MappedFile> open(const std::filesystem::path& path);

    MappedFile() = default;
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();

    [[nodiscard]] std::span<const std::byte> bytes() const { return {m_data, m_sizeBytes}; }

private:
    const std::byte* m_data = nullptr;
    std::size_t m_sizeBytes = 0;
};

}  // namespace conclave
