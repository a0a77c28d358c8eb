#include "engine/gguf/gguf_header.h"

namespace conclave::engine {
namespace {

constexpr std::uint32_t kUint32 = 4;  // GGUF's numbers of kinds
constexpr std::uint32_t kString = 8;

template <typename T>
void appendPlain(std::string& out, T value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void appendString(std::string& out, std::string_view text) {
    appendPlain(out, std::uint64_t{text.size()});
    out.append(text);
}

}  // namespace

void GgufHeader::add(const RawMetadata& entry) {
    appendString(m_metadata, entry.key);
    m_metadata.append(reinterpret_cast<const char*>(entry.bytes.data()), entry.bytes.size());
    ++m_nMetadata;
}

void GgufHeader::add(std::string_view key, std::uint32_t value) {
    appendString(m_metadata, key);
    appendPlain(m_metadata, kUint32);
    appendPlain(m_metadata, value);
    ++m_nMetadata;
}

void GgufHeader::add(std::string_view key, std::string_view value) {
    appendString(m_metadata, key);
    appendPlain(m_metadata, kString);
    appendString(m_metadata, value);
    ++m_nMetadata;
}

void GgufHeader::addTensor(std::string_view name, const std::vector<std::uint64_t>& shape,
                           TensorType type) {
    appendString(m_tensors, name);
    appendPlain(m_tensors, static_cast<std::uint32_t>(shape.size()));
    for (const std::uint64_t extent : shape) appendPlain(m_tensors, extent);
    appendPlain(m_tensors, static_cast<std::uint32_t>(type));
    appendPlain(m_tensors, m_dataBytes);
    const TensorInfo tensor{{}, type, shape, {}};
    const std::uint64_t sizeBytes = tensor.nValues() / shape[0] * tensor.rowBytes();
    m_dataBytes += sizeBytes + paddingAfter(sizeBytes);
    ++m_nTensors;
}

std::string GgufHeader::bytes() const {
    std::string out = "GGUF";
    appendPlain(out, std::uint32_t{3});
    appendPlain(out, m_nTensors);
    appendPlain(out, m_nMetadata);
    out += m_metadata;
    out += m_tensors;
    out.append(paddingAfter(out.size()), '\0');
    return out;
}

std::uint64_t GgufHeader::paddingAfter(std::uint64_t sizeBytes) const {
    return (m_alignment - sizeBytes % m_alignment) % m_alignment;
}

}  // namespace conclave::engine
