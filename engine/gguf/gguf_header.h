// gguf_header.h: the part of a GGUF 3 file that comes before the tensors' data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/gguf/gguf_file.h"

namespace conclave::engine {

/// Collects metadata and the table of tensors, whose data follow in the order they were added, each
/// at a multiple of the alignment.
class GgufHeader {
public:
    /// @param alignment  a power of two; the value of general.alignment if that is copied, else 32
    explicit GgufHeader(std::uint64_t alignment) : m_alignment(alignment) {}

    void add(const RawMetadata& entry);
    void add(std::string_view key, std::uint32_t value);
    void add(std::string_view key, std::string_view value);

    void addTensor(std::string_view name, const std::vector<std::uint64_t>& shape, TensorType type);

    /// Ready to be written, padded to the alignment.
    [[nodiscard]] std::string bytes() const;
    /// Of all tensors, each padded.
    [[nodiscard]] std::uint64_t dataBytes() const { return m_dataBytes; }
    /// What follows `sizeBytes` of data up to the next tensor.
    [[nodiscard]] std::uint64_t paddingAfter(std::uint64_t sizeBytes) const;

private:
    std::uint64_t m_alignment;
    std::uint64_t m_nMetadata = 0;
    std::uint64_t m_nTensors = 0;
    std::uint64_t m_dataBytes = 0;
    std::string m_metadata;
    std::string m_tensors;
};

}  // namespace conclave::engine
