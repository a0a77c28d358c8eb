// importance.h: how much each column of each tensor matters, as llama.cpp's imatrix tool measured
// it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace conclave::engine::quantize {

/// Mean squares of what the columns of a model's tensors were multiplied by, on some text.
class ImportanceMatrix {
public:
    /// Reads the GGUF form and the older binary one; which it is the content says.
    /// Errors: NotFound, Io, Corrupt (names the entry), as when a value is not finite.
    [[nodiscard]] static Result<ImportanceMatrix> read(const std::filesystem::path& path);

    /// Empty if the tensor was not measured, else [nMatrices][nColumns], as many as the file has.
    [[nodiscard]] std::span<const float> of(std::string_view tensor) const;

    [[nodiscard]] std::size_t nEntries() const { return m_entries.size(); }
    [[nodiscard]] std::uint32_t nChunks() const { return m_nChunks; }
    [[nodiscard]] const std::string& dataset() const { return m_dataset; }

private:
    [[nodiscard]] static Result<ImportanceMatrix> readGguf(const std::filesystem::path& path);
    [[nodiscard]] static Result<ImportanceMatrix> readBinary(std::span<const std::byte> bytes);
    [[nodiscard]] Result<void> check() const;

    std::map<std::string, std::vector<float>, std::less<>> m_entries;
    std::uint32_t m_nChunks = 0;
    std::string m_dataset;
};

}  // namespace conclave::engine::quantize
