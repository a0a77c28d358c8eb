#include "engine/quantize/importance.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/mapped_file.h"
#include "engine/gguf/gguf_file.h"
#include "engine/gguf/gguf_parser.h"

namespace conclave::engine::quantize {
namespace {

tl::unexpected<Error> corrupt(std::string detail) {
    return fail(ErrorCode::Corrupt, "importance matrix: " + std::move(detail));
}

/// Reads the binary form: little-endian numbers of 32 bits, names and floats.
class Reader {
public:
    explicit Reader(std::span<const std::byte> bytes) : m_bytes(bytes) {}

    [[nodiscard]] bool isAtEnd() const { return m_bytes.empty(); }

    [[nodiscard]] Result<std::int32_t> number(const std::string& what) {
        std::int32_t value = 0;
        if (m_bytes.size() < sizeof(value)) return corrupt("the file ends before " + what);
        std::memcpy(&value, m_bytes.data(), sizeof(value));
        m_bytes = m_bytes.subspan(sizeof(value));
        return value;
    }

    /// `count` elements of `each` bytes, at least one.
    [[nodiscard]] Result<std::span<const std::byte>> take(std::int32_t count, std::size_t each,
                                                          const std::string& what) {
        if (count < 1 || static_cast<std::size_t>(count) > m_bytes.size() / each) {
            return corrupt(what + " claims a length of " + std::to_string(count) +
                           ", which the file does not hold");
        }
        const auto taken = m_bytes.first(static_cast<std::size_t>(count) * each);
        m_bytes = m_bytes.subspan(taken.size());
        return taken;
    }

private:
    std::span<const std::byte> m_bytes;
};

std::string textOf(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<float> floatsOf(std::span<const std::byte> bytes) {
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
    return values;
}

}  // namespace

Result<ImportanceMatrix> ImportanceMatrix::read(const std::filesystem::path& path) {
    const auto file = MappedFile::open(path);
    if (!file) return tl::unexpected(file.error());
    constexpr std::string_view kMagic = "GGUF";
    const bool isGguf =
        file->bytes().size() >= kMagic.size() && textOf(file->bytes().first(4)) == kMagic;
    auto matrix = isGguf ? readGguf(path) : readBinary(file->bytes());
    if (!matrix) return matrix;
    if (const auto checked = matrix->check(); !checked) return tl::unexpected(checked.error());
    return matrix;
}

/// For every measured tensor NAME: NAME.in_sum2, sums of squares [nMatrices][nColumns], and
/// NAME.counts, the number of tokens of each matrix. A matrix never used (an expert) has no sums.
Result<ImportanceMatrix> ImportanceMatrix::readGguf(const std::filesystem::path& path) {
    const auto file = GgufFile::open(path);
    if (!file) return tl::unexpected(file.error());
    constexpr std::string_view kSums = ".in_sum2";
    ImportanceMatrix matrix;
    for (const TensorInfo& sums : file->tensors()) {
        if (!std::string_view(sums.name).ends_with(kSums)) continue;
        const std::string name = sums.name.substr(0, sums.name.size() - kSums.size());
        const TensorInfo* counts = file->tensor(name + ".counts");
        const bool fits = counts != nullptr && sums.type == TensorType::F32 &&
                          counts->type == TensorType::F32 &&
                          sums.nValues() == sums.shape[0] * counts->nValues();
        if (!fits) return corrupt("the counts of " + showName(name) + " do not fit its sums");
        std::vector<float> values = floatsOf(sums.data);
        const std::vector<float> nTokens = floatsOf(counts->data);
        for (std::size_t i = 0; i < values.size(); ++i) {
            const float n = nTokens[i / sums.shape[0]];
            values[i] = n > 0.0f ? values[i] / n : 1.0f;
        }
        matrix.m_entries.emplace(name, std::move(values));
    }
    if (matrix.m_entries.empty()) return corrupt("the file holds no entries");
    matrix.m_nChunks = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(file->integer("imatrix.chunk_count").value_or(0), 0, 0x7FFFFFFF));
    if (const auto names = file->strings("imatrix.datasets"); names && !names->empty()) {
        matrix.m_dataset = names->front();
    }
    return matrix;
}

/// Number of entries; for each its name, number of calls, and sums of means over the calls; then,
/// in newer files, the number of chunks and the name of the text.
Result<ImportanceMatrix> ImportanceMatrix::readBinary(std::span<const std::byte> bytes) {
    Reader reader(bytes);
    ImportanceMatrix matrix;
    const auto nEntries = reader.number("the number of entries");
    if (!nEntries) return tl::unexpected(nEntries.error());
    if (*nEntries < 1) return corrupt("the file claims " + std::to_string(*nEntries) + " entries");
    for (std::int32_t entry = 0; entry < *nEntries; ++entry) {
        const std::string what = "entry " + std::to_string(entry);
        const auto length = reader.number("the name of " + what);
        if (!length) return tl::unexpected(length.error());
        const auto name = reader.take(*length, 1, "the name of " + what);
        if (!name) return tl::unexpected(name.error());
        const auto nCalls = reader.number("the calls of " + what);
        if (!nCalls) return tl::unexpected(nCalls.error());
        const auto nValues = reader.number("the values of " + what);
        if (!nValues) return tl::unexpected(nValues.error());
        const auto raw = reader.take(*nValues, sizeof(float), what);
        if (!raw) return tl::unexpected(raw.error());
        std::vector<float> values = floatsOf(*raw);
        if (*nCalls > 0) {
            for (float& value : values) value /= static_cast<float>(*nCalls);
        }
        matrix.m_entries.insert_or_assign(textOf(*name), std::move(values));
    }
    if (reader.isAtEnd()) return matrix;
    const auto nChunks = reader.number("the number of chunks");
    if (!nChunks) return tl::unexpected(nChunks.error());
    matrix.m_nChunks = static_cast<std::uint32_t>(std::max(*nChunks, 0));
    if (reader.isAtEnd()) return matrix;
    const auto length = reader.number("the name of the text");
    if (!length) return tl::unexpected(length.error());
    if (*length == 0) return matrix;
    const auto name = reader.take(*length, 1, "the name of the text");
    if (!name) return tl::unexpected(name.error());
    matrix.m_dataset = textOf(*name);
    return matrix;
}

Result<void> ImportanceMatrix::check() const {
    for (const auto& [name, values] : m_entries) {
        const bool isGood = std::all_of(values.begin(), values.end(), [](float value) {
            return std::isfinite(value) && value >= 0.0f;
        });
        if (!isGood) {
            return corrupt("the entry " + showName(name) +
                           " holds values that are no mean squares; measure it again");
        }
    }
    return {};
}

std::span<const float> ImportanceMatrix::of(std::string_view tensor) const {
    const auto found = m_entries.find(tensor);
    return found != m_entries.end() ? std::span<const float>(found->second)
                                    : std::span<const float>();
}

}  // namespace conclave::engine::quantize
