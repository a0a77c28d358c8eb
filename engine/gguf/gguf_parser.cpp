#include "engine/gguf/gguf_parser.h"

#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

namespace conclave::engine {
namespace {

// GGUF's numbers for kinds of metadata values.
enum class Kind : std::uint32_t {
    Uint8 = 0,
    Int8 = 1,
    Uint16 = 2,
    Int16 = 3,
    Uint32 = 4,
    Int32 = 5,
    Float32 = 6,
    Bool = 7,
    String = 8,
    Array = 9,
    Uint64 = 10,
    Int64 = 11,
    Float64 = 12,
};

constexpr std::uint64_t kMaxNameBytes = 65535;
constexpr std::uint32_t kMaxDimensions = 4;
constexpr std::uint64_t kDefaultAlignment = 32;
// The least that one entry can take: an empty name, its kind and a one-byte value; a name, one
// dimension, type and offset. They bound the counts before anything is reserved.
constexpr std::uint64_t kLeastMetadataBytes = 8 + 4 + 1;
constexpr std::uint64_t kLeastTensorBytes = 8 + 4 + 8 + 4 + 8;

tl::unexpected<Error> corrupt(std::string detail) {
    return fail(ErrorCode::Corrupt, std::move(detail));
}

/// Reads a file front to back and never past its end. `what` names the field for the error.
class Reader {
public:
    explicit Reader(std::span<const std::byte> bytes) : m_bytes(bytes) {}

    [[nodiscard]] std::uint64_t position() const { return m_position; }
    /// What was read since `start`.
    [[nodiscard]] std::span<const std::byte> since(std::uint64_t start) const {
        return m_bytes.subspan(start, m_position - start);
    }
    [[nodiscard]] std::uint64_t left() const { return m_bytes.size() - m_position; }

    template <typename T>
    [[nodiscard]] Result<T> read(const std::string& what) {
        static_assert(std::is_trivially_copyable_v<T>);
        if (left() < sizeof(T)) return corrupt("the file ends inside " + what);
        T value;
        std::memcpy(&value, m_bytes.data() + m_position, sizeof(T));
        m_position += sizeof(T);
        return value;
    }

    [[nodiscard]] Result<std::span<const std::byte>> take(std::uint64_t count, std::uint64_t each,
                                                          const std::string& what) {
        if (count > left() / each) {
            return corrupt(what + " has " + std::to_string(count) +
                           " elements, more than the rest of the file holds");
        }
        const auto taken = m_bytes.subspan(m_position, count * each);
        m_position += count * each;
        return taken;
    }

    [[nodiscard]] Result<std::string_view> string(const std::string& what) {
        const auto length = read<std::uint64_t>("the length of " + what);
        if (!length) return tl::unexpected(length.error());
        if (*length > left()) {
            return corrupt(what + " claims " + std::to_string(*length) +
                           " bytes, more than the rest of the file");
        }
        const auto* text = reinterpret_cast<const char*>(m_bytes.data() + m_position);
        m_position += *length;
        return std::string_view(text, *length);
    }

private:
    std::span<const std::byte> m_bytes;
    std::uint64_t m_position = 0;
};

/// Array elements stored as T in the file (perhaps unaligned), as a vector of To.
template <typename T, typename To>
Result<GgufArray> readNumbers(Reader& reader, std::uint64_t count, const std::string& what) {
    const auto raw = reader.take(count, sizeof(T), what);
    if (!raw) return tl::unexpected(raw.error());
    std::vector<To> values(count);
    for (std::uint64_t i = 0; i < count; ++i) {
        T value;
        std::memcpy(&value, raw->data() + i * sizeof(T), sizeof(T));
        if constexpr (std::is_same_v<T, std::uint64_t>) {
            if (value > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
                return corrupt(what + " holds a number above 2^63");
            }
        }
        values[i] = static_cast<To>(value);
    }
    return GgufArray{std::move(values)};
}

Result<GgufArray> readStrings(Reader& reader, std::uint64_t count, const std::string& what) {
    if (count > reader.left() / sizeof(std::uint64_t)) {
        return corrupt(what + " has " + std::to_string(count) +
                       " elements, more than the rest of the file holds");
    }
    std::vector<std::string_view> strings;
    strings.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto text = reader.string("element " + std::to_string(i) + " of " + what);
        if (!text) return tl::unexpected(text.error());
        strings.push_back(*text);
    }
    return GgufArray{std::move(strings)};
}

Result<GgufArray> readBytes(Reader& reader, std::uint64_t count, bool isSigned,
                            const std::string& what) {
    const auto raw = reader.take(count, 1, what);
    if (!raw) return tl::unexpected(raw.error());
    if (isSigned) {
        return GgufArray{std::span(reinterpret_cast<const std::int8_t*>(raw->data()), count)};
    }
    return GgufArray{std::span(reinterpret_cast<const std::uint8_t*>(raw->data()), count)};
}

Result<GgufArray> readBools(Reader& reader, std::uint64_t count, const std::string& what) {
    const auto raw = reader.take(count, 1, what);
    if (!raw) return tl::unexpected(raw.error());
    std::vector<bool> values(count);
    for (std::uint64_t i = 0; i < count; ++i) values[i] = (*raw)[i] != std::byte{0};
    return GgufArray{std::move(values)};
}

Result<GgufArray> readArray(Reader& reader, const std::string& what) {
    const auto kind = reader.read<std::uint32_t>("the element kind of " + what);
    if (!kind) return tl::unexpected(kind.error());
    const auto count = reader.read<std::uint64_t>("the length of " + what);
    if (!count) return tl::unexpected(count.error());
    switch (static_cast<Kind>(*kind)) {
        case Kind::Uint8: return readBytes(reader, *count, false, what);
        case Kind::Int8: return readBytes(reader, *count, true, what);
        case Kind::Uint16: return readNumbers<std::uint16_t, std::int64_t>(reader, *count, what);
        case Kind::Int16: return readNumbers<std::int16_t, std::int64_t>(reader, *count, what);
        case Kind::Uint32: return readNumbers<std::uint32_t, std::int64_t>(reader, *count, what);
        case Kind::Int32: return readNumbers<std::int32_t, std::int32_t>(reader, *count, what);
        case Kind::Uint64: return readNumbers<std::uint64_t, std::int64_t>(reader, *count, what);
        case Kind::Int64: return readNumbers<std::int64_t, std::int64_t>(reader, *count, what);
        case Kind::Float32: return readNumbers<float, float>(reader, *count, what);
        case Kind::Float64: return readNumbers<double, double>(reader, *count, what);
        case Kind::Bool: return readBools(reader, *count, what);
        case Kind::String: return readStrings(reader, *count, what);
        case Kind::Array: return fail(ErrorCode::Unsupported, what + " is an array of arrays");
    }
    return corrupt(what + " has the unknown element kind " + std::to_string(*kind));
}

template <typename T, typename To>
Result<GgufValue> readScalar(Reader& reader, const std::string& what) {
    return reader.read<T>(what).map([](T value) { return GgufValue(static_cast<To>(value)); });
}

Result<GgufValue> readValue(Reader& reader, const std::string& what) {
    const auto kind = reader.read<std::uint32_t>("the kind of " + what);
    if (!kind) return tl::unexpected(kind.error());
    switch (static_cast<Kind>(*kind)) {
        case Kind::Uint8: return readScalar<std::uint8_t, std::int64_t>(reader, what);
        case Kind::Int8: return readScalar<std::int8_t, std::int64_t>(reader, what);
        case Kind::Uint16: return readScalar<std::uint16_t, std::int64_t>(reader, what);
        case Kind::Int16: return readScalar<std::int16_t, std::int64_t>(reader, what);
        case Kind::Uint32: return readScalar<std::uint32_t, std::int64_t>(reader, what);
        case Kind::Int32: return readScalar<std::int32_t, std::int64_t>(reader, what);
        case Kind::Int64: return readScalar<std::int64_t, std::int64_t>(reader, what);
        case Kind::Uint64: {
            const auto value = reader.read<std::uint64_t>(what);
            if (!value) return tl::unexpected(value.error());
            if (*value > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
                return corrupt(what + " is above 2^63");
            }
            return GgufValue(static_cast<std::int64_t>(*value));
        }
        case Kind::Float32: return readScalar<float, double>(reader, what);
        case Kind::Float64: return readScalar<double, double>(reader, what);
        case Kind::Bool:
            return reader.read<std::uint8_t>(what).map(
                [](std::uint8_t value) { return GgufValue(value != 0); });
        case Kind::String:
            return reader.string(what).map([](std::string_view text) { return GgufValue(text); });
        case Kind::Array:
            return readArray(reader, what).map([](GgufArray&& array) {
                return GgufValue(std::move(array));
            });
    }
    return corrupt(what + " has the unknown kind " + std::to_string(*kind));
}

struct Header {
    std::uint64_t nTensors = 0;
    std::uint64_t nMetadata = 0;
};

Result<Header> readHeader(Reader& reader) {
    const auto magic = reader.read<std::array<char, 4>>("the magic number");
    if (!magic) return tl::unexpected(magic.error());
    if (std::string_view(magic->data(), 4) != "GGUF") return corrupt("this is not a GGUF file");
    const auto version = reader.read<std::uint32_t>("the version");
    if (!version) return tl::unexpected(version.error());
    if (*version != 2 && *version != 3) {
        const bool bigEndian = (*version & 0xFFFFu) == 0 && *version != 0;
        return fail(ErrorCode::Unsupported, bigEndian ? "a big-endian GGUF file is not supported"
                                                      : "GGUF version " + std::to_string(*version) +
                                                            " is not supported (2 and 3 are)");
    }
    const auto nTensors = reader.read<std::uint64_t>("the number of tensors");
    if (!nTensors) return tl::unexpected(nTensors.error());
    const auto nMetadata = reader.read<std::uint64_t>("the number of metadata entries");
    if (!nMetadata) return tl::unexpected(nMetadata.error());
    return Header{*nTensors, *nMetadata};
}

Result<void> checkCounts(const Reader& reader, const Header& header) {
    if (header.nTensors > reader.left() / kLeastTensorBytes) {
        return corrupt("the number of tensors, " + std::to_string(header.nTensors) +
                       ", is more than the file can hold");
    }
    if (header.nMetadata > reader.left() / kLeastMetadataBytes) {
        return corrupt("the number of metadata entries, " + std::to_string(header.nMetadata) +
                       ", is more than the file can hold");
    }
    return {};
}

Result<std::string_view> readName(Reader& reader, const std::string& what) {
    auto name = reader.string(what);
    if (name && (name->empty() || name->size() > kMaxNameBytes)) {
        return corrupt(what + " has " + std::to_string(name->size()) + " bytes");
    }
    return name;
}

/// Fills `metadata`; what was read before an error stays.
Result<void> readMetadata(Reader& reader, std::uint64_t count, GgufMetadata& metadata,
                          std::vector<RawMetadata>& raw) {
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto key = readName(reader, "the key of metadata entry " + std::to_string(i));
        if (!key) return tl::unexpected(key.error());
        const std::uint64_t start = reader.position();
        auto value = readValue(reader, "metadata " + showName(*key));
        if (!value) return tl::unexpected(value.error());
        raw.push_back({*key, reader.since(start)});
        if (!metadata.emplace(*key, std::move(*value)).second) {
            return corrupt("the metadata key " + showName(*key) + " occurs twice");
        }
    }
    return {};
}

/// A tensor as the table tells it; `data` is set once the table's end is known.
struct TableEntry {
    TensorInfo tensor;
    std::uint64_t offset = 0;
    std::uint64_t sizeBytes = 0;
};

Result<std::vector<std::uint64_t>> readShape(Reader& reader, const std::string& what) {
    const auto nDimensions = reader.read<std::uint32_t>("the number of dimensions of " + what);
    if (!nDimensions) return tl::unexpected(nDimensions.error());
    if (*nDimensions < 1 || *nDimensions > kMaxDimensions) {
        return corrupt(what + " has " + std::to_string(*nDimensions) + " dimensions");
    }
    std::vector<std::uint64_t> shape(*nDimensions);
    std::uint64_t nValues = 1;
    for (std::uint64_t& extent : shape) {
        const auto value = reader.read<std::uint64_t>("the shape of " + what);
        if (!value) return tl::unexpected(value.error());
        constexpr auto kMost = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
        if (*value < 1 || *value > kMost / nValues) {
            return corrupt(what + " has an impossible shape");
        }
        extent = *value;
        nValues *= extent;
    }
    return shape;
}

Result<TableEntry> readTableEntry(Reader& reader, std::uint64_t index, std::uint64_t alignment) {
    const auto name = readName(reader, "the name of tensor " + std::to_string(index));
    if (!name) return tl::unexpected(name.error());
    const std::string what = "tensor " + showName(*name);
    auto shape = readShape(reader, what);
    if (!shape) return tl::unexpected(shape.error());
    const auto type = reader.read<std::uint32_t>("the type of " + what);
    if (!type) return tl::unexpected(type.error());
    const TypeTraits* traits = typeTraits(static_cast<TensorType>(*type));
    if (traits == nullptr) return corrupt(what + " has the unknown type " + std::to_string(*type));
    const auto offset = reader.read<std::uint64_t>("the offset of " + what);
    if (!offset) return tl::unexpected(offset.error());
    if (*offset % alignment != 0) {
        return corrupt(what + " starts at offset " + std::to_string(*offset) +
                       ", which is not a multiple of " + std::to_string(alignment));
    }
    if ((*shape)[0] % traits->blockValues != 0) {
        return corrupt(what + " has rows of " + std::to_string((*shape)[0]) + " values, but " +
                       std::string(traits->name) + " packs blocks of " +
                       std::to_string(traits->blockValues));
    }
    TableEntry entry;
    entry.tensor = {std::string(*name), static_cast<TensorType>(*type), std::move(*shape), {}};
    const std::uint64_t nBlocks = entry.tensor.nValues() / traits->blockValues;
    if (nBlocks > std::numeric_limits<std::uint64_t>::max() / traits->blockBytes) {
        return corrupt(what + " has an impossible shape");
    }
    entry.offset = *offset;
    entry.sizeBytes = nBlocks * traits->blockBytes;
    return entry;
}

Result<std::uint64_t> readAlignment(const GgufMetadata& metadata) {
    const auto found = metadata.find("general.alignment");
    if (found == metadata.end()) return kDefaultAlignment;
    const auto* value = std::get_if<std::int64_t>(&found->second);
    if (value == nullptr || *value < 8 || *value > (1 << 20) ||
        !std::has_single_bit(static_cast<std::uint64_t>(*value))) {
        return corrupt("metadata \"general.alignment\" is not a power of two of at least 8");
    }
    return static_cast<std::uint64_t>(*value);
}

}  // namespace

std::string showName(std::string_view name) {
    constexpr std::size_t kShown = 80;
    std::string text = "\"";
    for (const char c : name.substr(0, kShown)) text += c >= ' ' && c <= '~' ? c : '?';
    return text + (name.size() > kShown ? "...\"" : "\"");
}

Result<GgufPart> parseGgufPart(std::span<const std::byte> bytes) {
    Reader reader(bytes);
    const auto header = readHeader(reader);
    if (!header) return tl::unexpected(header.error());
    if (const auto fit = checkCounts(reader, *header); !fit) return tl::unexpected(fit.error());
    GgufPart part;
    const auto done = readMetadata(reader, header->nMetadata, part.metadata, part.rawMetadata);
    if (!done) return tl::unexpected(done.error());
    const auto alignment = readAlignment(part.metadata);
    if (!alignment) return tl::unexpected(alignment.error());

    if (header->nTensors > reader.left() / kLeastTensorBytes) {
        return corrupt("the file ends inside the tensor table");
    }
    std::vector<TableEntry> table;
    table.reserve(header->nTensors);
    for (std::uint64_t i = 0; i < header->nTensors; ++i) {
        auto entry = readTableEntry(reader, i, *alignment);
        if (!entry) return tl::unexpected(entry.error());
        table.push_back(std::move(*entry));
    }

    // Data starts at the next multiple of the alignment; a file without tensors may end before it.
    const std::uint64_t dataStart = (reader.position() + *alignment - 1) / *alignment * *alignment;
    const std::uint64_t dataBytes = bytes.size() > dataStart ? bytes.size() - dataStart : 0;
    part.tensors.reserve(table.size());
    for (TableEntry& entry : table) {
        if (entry.offset > dataBytes || entry.sizeBytes > dataBytes - entry.offset) {
            return corrupt("tensor " + showName(entry.tensor.name) +
                           " reaches past the end of the file, which may have been cut short");
        }
        entry.tensor.data = bytes.subspan(dataStart + entry.offset, entry.sizeBytes);
        part.tensors.push_back(std::move(entry.tensor));
    }
    return part;
}

GgufMetadata readableMetadata(std::span<const std::byte> bytes) {
    Reader reader(bytes);
    GgufMetadata metadata;
    std::vector<RawMetadata> raw;
    // Where reading stops is told by parseGgufPart().
    if (const auto header = readHeader(reader)) {
        static_cast<void>(readMetadata(reader, header->nMetadata, metadata, raw));
    }
    return metadata;
}

}  // namespace conclave::engine
