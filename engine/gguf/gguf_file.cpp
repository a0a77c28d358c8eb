#include "engine/gguf/gguf_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "engine/gguf/gguf_parser.h"
#include "engine/model_file.h"

namespace conclave::engine {
namespace {

namespace fs = std::filesystem;

// 99999 parts are what the file name's five digits can number; nobody splits finer than this.
constexpr std::int64_t kMaxParts = 1000;

tl::unexpected<Error> inFile(const fs::path& path, Error error) {
    error.detail = path.filename().string() + ": " + error.detail;
    return tl::unexpected(std::move(error));
}

/// A part's place in a split file, from its name: STEM-00002-of-00003.gguf.
struct SplitName {
    std::string stem;
    int index = 0;  ///< from 0
    int nParts = 0;

    [[nodiscard]] std::string part(int number) const {
        std::array<char, 32> suffix{};
        std::snprintf(suffix.data(), suffix.size(), "-%05d-of-%05d.gguf", number + 1, nParts);
        return stem + suffix.data();
    }
};

std::optional<SplitName> parseSplitName(const std::string& name) {
    constexpr std::string_view kPattern = "-00000-of-00000.gguf";
    if (name.size() <= kPattern.size()) return std::nullopt;
    SplitName split;
    split.stem = name.substr(0, name.size() - kPattern.size());
    const char* digits = name.data() + split.stem.size() + 1;
    std::from_chars(digits, digits + 5, split.index);
    std::from_chars(digits + 9, digits + 14, split.nParts);
    split.index -= 1;
    if (split.index < 0 || split.index >= split.nParts || split.part(split.index) != name) {
        return std::nullopt;
    }
    return split;
}

std::optional<std::int64_t> integerOf(const GgufMetadata& metadata, std::string_view key) {
    const auto found = metadata.find(key);
    if (found == metadata.end()) return std::nullopt;
    const auto* value = std::get_if<std::int64_t>(&found->second);
    return value != nullptr ? std::optional(*value) : std::nullopt;
}

/// Checks split.count and split.no, which a file that is not split may lack.
Result<void> checkSplit(const GgufMetadata& metadata, std::size_t index, std::size_t nParts) {
    const auto count = integerOf(metadata, "split.count").value_or(nParts == 1 ? 1 : -1);
    const auto number = integerOf(metadata, "split.no").value_or(nParts == 1 ? 0 : -1);
    if (count != 0 && count != static_cast<std::int64_t>(nParts)) {
        return fail(ErrorCode::Corrupt, "metadata \"split.count\" is " + std::to_string(count) +
                                            ", but the name says " + std::to_string(nParts) +
                                            " parts; a part of a split model keeps its name "
                                            "NAME-00001-of-00003.gguf");
    }
    if (number != static_cast<std::int64_t>(index)) {
        return fail(ErrorCode::Corrupt, "metadata \"split.no\" is " + std::to_string(number) +
                                            ", but the name says part " + std::to_string(index));
    }
    return {};
}

template <typename T>
const T* arrayOf(const GgufMetadata& metadata, std::string_view key) {
    const auto found = metadata.find(key);
    if (found == metadata.end()) return nullptr;
    const auto* array = std::get_if<GgufArray>(&found->second);
    return array != nullptr ? std::get_if<T>(&array->values) : nullptr;
}

template <typename To, typename From>
std::vector<To> converted(const From& values) {
    std::vector<To> result;
    result.reserve(values.size());
    for (const auto value : values) result.push_back(static_cast<To>(value));
    return result;
}

tl::unexpected<Error> lacking(std::string_view key, const std::string& kind, bool isThere) {
    return fail(ErrorCode::Corrupt,
                isThere ? "the model file has " + showName(key) + ", but not as a " + kind
                        : "the model file lacks the " + kind + " " + showName(key));
}

}  // namespace

// The metadata of each part is compared with its name when it is opened.
std::vector<fs::path> modelFileParts(const fs::path& path) {
    const auto split = parseSplitName(path.filename().string());
    if (!split || split->nParts > kMaxParts) return {path};
    std::vector<fs::path> parts;
    for (int i = 0; i < split->nParts; ++i) parts.push_back(path.parent_path() / split->part(i));
    return parts;
}

Result<GgufFile> GgufFile::open(const std::filesystem::path& path) {
    GgufFile file;
    file.m_path = path;
    const std::vector<fs::path> paths = modelFileParts(path);
    file.m_partPaths = paths;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        auto mapped = MappedFile::open(paths[i]);
        if (!mapped) return tl::unexpected(mapped.error());
        auto part = parseGgufPart(mapped->bytes());
        if (!part) return inFile(paths[i], part.error());
        if (const auto split = checkSplit(part->metadata, i, paths.size()); !split) {
            return inFile(paths[i], split.error());
        }
        file.m_parts.push_back(std::move(*mapped));
        if (i == 0) {
            file.m_metadata = std::move(part->metadata);
            file.m_rawMetadata = std::move(part->rawMetadata);
        }
        for (TensorInfo& tensor : part->tensors) file.m_tensors.push_back(std::move(tensor));
    }
    for (std::size_t i = 0; i < file.m_tensors.size(); ++i) {
        if (!file.m_tensorByName.emplace(file.m_tensors[i].name, i).second) {
            return inFile(
                path, {ErrorCode::Corrupt,
                       "the tensor name " + showName(file.m_tensors[i].name) + " occurs twice"});
        }
    }
    const auto expected = file.integer("split.tensors.count");
    if (paths.size() > 1 && expected && *expected != std::ssize(file.m_tensors)) {
        return inFile(path,
                      {ErrorCode::Corrupt, "metadata \"split.tensors.count\" is " +
                                               std::to_string(*expected) + ", but there are " +
                                               std::to_string(file.m_tensors.size()) + " tensors"});
    }
    return file;
}

Result<GgufFile> GgufFile::openDamaged(const std::filesystem::path& path) {
    GgufFile file;
    file.m_path = path;
    file.m_partPaths = {modelFileParts(path).front()};
    auto mapped = MappedFile::open(file.m_partPaths.front());
    if (!mapped) return tl::unexpected(mapped.error());
    file.m_metadata = readableMetadata(mapped->bytes());
    file.m_parts.push_back(std::move(*mapped));
    return file;
}

std::optional<std::int64_t> GgufFile::integer(std::string_view key) const {
    return integerOf(m_metadata, key);
}

std::optional<double> GgufFile::number(std::string_view key) const {
    const auto found = m_metadata.find(key);
    if (found == m_metadata.end()) return std::nullopt;
    if (const auto* value = std::get_if<double>(&found->second)) return *value;
    if (const auto* value = std::get_if<std::int64_t>(&found->second)) {
        return static_cast<double>(*value);
    }
    return std::nullopt;
}

std::optional<bool> GgufFile::boolean(std::string_view key) const {
    const auto found = m_metadata.find(key);
    if (found == m_metadata.end()) return std::nullopt;
    const auto* value = std::get_if<bool>(&found->second);
    return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<std::string_view> GgufFile::string(std::string_view key) const {
    const auto found = m_metadata.find(key);
    if (found == m_metadata.end()) return std::nullopt;
    const auto* value = std::get_if<std::string_view>(&found->second);
    return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<std::vector<std::string_view>> GgufFile::strings(std::string_view key) const {
    const auto* values = arrayOf<std::vector<std::string_view>>(m_metadata, key);
    return values != nullptr ? std::optional(*values) : std::nullopt;
}

std::optional<std::vector<std::int64_t>> GgufFile::integers(std::string_view key) const {
    if (const auto* values = arrayOf<std::vector<std::int64_t>>(m_metadata, key)) return *values;
    if (const auto* values = arrayOf<std::vector<std::int32_t>>(m_metadata, key)) {
        return converted<std::int64_t>(*values);
    }
    if (const auto* values = arrayOf<std::span<const std::uint8_t>>(m_metadata, key)) {
        return converted<std::int64_t>(*values);
    }
    if (const auto* values = arrayOf<std::span<const std::int8_t>>(m_metadata, key)) {
        return converted<std::int64_t>(*values);
    }
    return std::nullopt;
}

std::optional<std::vector<bool>> GgufFile::booleans(std::string_view key) const {
    if (const auto* values = arrayOf<std::vector<bool>>(m_metadata, key)) return *values;
    const auto values = integers(key);
    return values ? std::optional(converted<bool>(*values)) : std::nullopt;
}

std::optional<std::vector<float>> GgufFile::numbers(std::string_view key) const {
    if (const auto* values = arrayOf<std::vector<float>>(m_metadata, key)) return *values;
    if (const auto* values = arrayOf<std::vector<double>>(m_metadata, key)) {
        return converted<float>(*values);
    }
    if (const auto values = integers(key)) return converted<float>(*values);
    return std::nullopt;
}

std::optional<std::span<const std::uint8_t>> GgufFile::bytes(std::string_view key) const {
    if (const auto* values = arrayOf<std::span<const std::uint8_t>>(m_metadata, key)) {
        return *values;
    }
    if (const auto* values = arrayOf<std::span<const std::int8_t>>(m_metadata, key)) {
        return std::span(reinterpret_cast<const std::uint8_t*>(values->data()), values->size());
    }
    return std::nullopt;
}

Result<std::int64_t> GgufFile::requireInteger(std::string_view key, std::int64_t lowest,
                                              std::int64_t highest) const {
    const auto value = integer(key);
    if (!value) return lacking(key, "number", m_metadata.contains(key));
    if (*value < lowest || *value > highest) {
        return fail(ErrorCode::Corrupt, showName(key) + " is " + std::to_string(*value) +
                                            ", outside " + std::to_string(lowest) + " to " +
                                            std::to_string(highest));
    }
    return *value;
}

Result<std::string_view> GgufFile::requireString(std::string_view key) const {
    const auto value = string(key);
    if (!value) return lacking(key, "text", m_metadata.contains(key));
    return *value;
}

const TensorInfo* GgufFile::tensor(std::string_view name) const {
    const auto found = m_tensorByName.find(name);
    return found != m_tensorByName.end() ? &m_tensors[found->second] : nullptr;
}

std::uint64_t GgufFile::fileBytes() const {
    std::uint64_t total = 0;
    for (const MappedFile& part : m_parts) total += part.bytes().size();
    return total;
}

GgufFile::Place GgufFile::placeOf(const std::byte* data) const {
    for (std::size_t part = 0; part < m_parts.size(); ++part) {
        const auto bytes = m_parts[part].bytes();
        if (data >= bytes.data() && data < bytes.data() + bytes.size()) {
            return {part, static_cast<std::uint64_t>(data - bytes.data())};
        }
    }
    CONCLAVE_CHECK(false);
}

bool GgufFile::isDamaged() const {
    return std::any_of(m_parts.begin(), m_parts.end(),
                       [](const MappedFile& part) { return part.isDamaged(); });
}

}  // namespace conclave::engine
