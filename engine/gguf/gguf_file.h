// gguf_file.h: reads GGUF v2 and v3 (github.com/ggml-org/ggml, docs/gguf.md), also in split files.
//
// Nothing in the file is believed: every count, length, type and offset is checked against the
// file's size before it is used, and the error names the field that is wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"

namespace conclave::engine {

/// ggml's numbers for tensor types; which of them we can compute with is the kernels' business.
enum class TensorType : std::uint32_t {
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q4_1 = 3,
    Q5_0 = 6,
    Q5_1 = 7,
    Q8_0 = 8,
    Q8_1 = 9,
    Q2_K = 10,
    Q3_K = 11,
    Q4_K = 12,
    Q5_K = 13,
    Q6_K = 14,
    Q8_K = 15,
    IQ2_XXS = 16,
    IQ2_XS = 17,
    IQ3_XXS = 18,
    IQ1_S = 19,
    IQ4_NL = 20,
    IQ3_S = 21,
    IQ2_S = 22,
    IQ4_XS = 23,
    I8 = 24,
    I16 = 25,
    I32 = 26,
    I64 = 27,
    F64 = 28,
    IQ1_M = 29,
    BF16 = 30,
    TQ1_0 = 34,
    TQ2_0 = 35,
    MXFP4 = 39,
};

/// How a type packs its values: `blockBytes` bytes hold `blockValues` values.
struct TypeTraits {
    std::string_view name;
    std::size_t blockValues = 0;
    std::size_t blockBytes = 0;
};

/// Null for a number that GGUF does not define (or no longer uses).
[[nodiscard]] const TypeTraits* typeTraits(TensorType type);

/// One tensor: `shape[0]` is the fastest dimension (the row's length), as in the file. Row-major
/// matrices [nRows][nColumns] have shape {nColumns, nRows}.
struct TensorInfo {
    std::string name;
    TensorType type = TensorType::F32;
    std::vector<std::uint64_t> shape;  ///< 1 to 4 dimensions, each >= 1
    std::span<const std::byte> data;   ///< inside the mapped file

    [[nodiscard]] std::uint64_t nValues() const;
    [[nodiscard]] std::uint64_t rowBytes() const;  ///< of shape[0] values
};

/// A metadata array; strings and bytes borrow from the mapped file. Wider numbers are copied, since
/// the file does not align them.
struct GgufArray {
    using Values = std::variant<std::vector<std::string_view>, std::vector<std::int64_t>,
                                std::vector<std::int32_t>, std::vector<double>, std::vector<float>,
                                std::vector<bool>, std::span<const std::uint8_t>,
                                std::span<const std::int8_t>>;
    Values values;
};

/// A metadata entry as it lies in the file, to be copied into another.
struct RawMetadata {
    std::string_view key;
    std::span<const std::byte> bytes;  ///< the kind (4 bytes) and the value
};

/// An open model file. Movable; data and strings live as long as it does.
class GgufFile {
public:
    /// `path` may be any part of a split file (NAME-00001-of-00003.gguf): all parts are opened.
    /// Errors: NotFound, Io, Corrupt (names the field), Unsupported (version, big-endian).
    [[nodiscard]] static Result<GgufFile> open(const std::filesystem::path& path);

    /// Of a file that open() refuses: the metadata of its first part as far as they can be read,
    /// and no tensors. Errors: NotFound, Io.
    [[nodiscard]] static Result<GgufFile> openDamaged(const std::filesystem::path& path);

    // Metadata. A key that is absent gives nullopt; one of another kind (a string where a number
    // belongs) gives nullopt too, and require* turn both into an error that names the key.
    [[nodiscard]] std::optional<std::int64_t> integer(
        std::string_view key) const;                                         ///< any int type
    [[nodiscard]] std::optional<double> number(std::string_view key) const;  ///< any int or float
    [[nodiscard]] std::optional<bool> boolean(std::string_view key) const;
    [[nodiscard]] std::optional<std::string_view> string(std::string_view key) const;
    [[nodiscard]] std::optional<std::vector<std::string_view>> strings(std::string_view key) const;
    [[nodiscard]] std::optional<std::vector<std::int64_t>> integers(std::string_view key) const;
    /// Of an array of booleans or of integers.
    [[nodiscard]] std::optional<std::vector<bool>> booleans(std::string_view key) const;
    [[nodiscard]] std::optional<std::vector<float>> numbers(std::string_view key) const;
    /// Raw bytes of an array of (u)int8, as tokenizer.ggml.precompiled_charsmap.
    [[nodiscard]] std::optional<std::span<const std::uint8_t>> bytes(std::string_view key) const;

    [[nodiscard]] Result<std::int64_t> requireInteger(std::string_view key, std::int64_t lowest,
                                                      std::int64_t highest) const;
    [[nodiscard]] Result<std::string_view> requireString(std::string_view key) const;

    /// Of the first part, in the file's order.
    [[nodiscard]] const std::vector<RawMetadata>& rawMetadata() const { return m_rawMetadata; }

    /// Null if there is no such tensor.
    [[nodiscard]] const TensorInfo* tensor(std::string_view name) const;
    [[nodiscard]] const std::vector<TensorInfo>& tensors() const { return m_tensors; }

    [[nodiscard]] std::uint64_t fileBytes() const;  ///< all parts

    /// Where bytes of the mapping lie: the part, and the offset in it.
    struct Place {
        std::size_t part = 0;
        std::uint64_t offset = 0;
    };
    /// @param data  inside the data of a tensor
    [[nodiscard]] Place placeOf(const std::byte* data) const;
    [[nodiscard]] const std::vector<MappedFile>& parts() const { return m_parts; }
    /// True once some page could not be read any more, so that zeros stand for it: the file was
    /// shortened by another program, or its disk failed.
    [[nodiscard]] bool isDamaged() const;
    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }
    [[nodiscard]] const std::vector<std::filesystem::path>& partPaths() const {
        return m_partPaths;
    }

private:
    using Value = std::variant<std::int64_t, double, bool, std::string_view, GgufArray>;

    std::filesystem::path m_path;
    std::vector<std::filesystem::path> m_partPaths;
    std::vector<MappedFile> m_parts;
    std::map<std::string, Value, std::less<>> m_metadata;
    std::vector<RawMetadata> m_rawMetadata;
    std::vector<TensorInfo> m_tensors;
    std::map<std::string_view, std::size_t> m_tensorByName;
};

}  // namespace conclave::engine
