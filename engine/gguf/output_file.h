// output_file.h: a file that appears under its name only when it is complete.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/result.h"

namespace conclave::engine {

/// Writes NAME.partial beside NAME and renames it at the end; without commit() the partial file is
/// removed. Movable.
class OutputFile {
public:
    /// Errors: Io; DiskFull if the file system has less than `sizeBytes` left (says both).
    [[nodiscard]] static Result<OutputFile> create(const std::filesystem::path& path,
                                                   std::uint64_t sizeBytes);

    OutputFile(OutputFile&& other) noexcept;
    OutputFile& operator=(OutputFile&&) = delete;
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;
    ~OutputFile();

    /// Appends. Errors: DiskFull, Io.
    [[nodiscard]] Result<void> write(std::span<const std::byte> bytes);

    /// Brings everything to the disk and gives the file its name, in place of what had it.
    [[nodiscard]] Result<void> commit();

private:
    OutputFile(std::filesystem::path path, int descriptor)
        : m_path(std::move(path)), m_descriptor(descriptor) {}

    [[nodiscard]] std::filesystem::path partial() const;

    std::filesystem::path m_path;
    int m_descriptor = -1;
};

}  // namespace conclave::engine
