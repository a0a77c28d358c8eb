// keys.h: reads the metadata of one architecture.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/gguf/gguf_file.h"

namespace conclave::engine {

// Far above every published model, far below what would overflow an int when multiplied in pairs.
inline constexpr std::int64_t kMaxDim = 1 << 20;
inline constexpr std::int64_t kMaxLayers = 1000;
inline constexpr std::int64_t kMaxHeads = 4096;
inline constexpr std::int64_t kMaxHeadDim = 8192;
inline constexpr std::int64_t kMaxVocabulary = 1 << 23;
inline constexpr std::int64_t kMaxContext = 1 << 26;

/// Reads the keys of one architecture, "olmoe.block_count" as "block_count", and remembers the
/// first error, so that a description reads as a list. After an error values are 0 and mean
/// nothing.
class Keys {
public:
    Keys(const GgufFile& file, std::string_view architecture)
        : m_file(file), m_prefix(std::string(architecture) + ".") {}

    [[nodiscard]] int required(std::string_view key, std::int64_t lowest, std::int64_t highest);
    [[nodiscard]] int optional(std::string_view key, int fallback, std::int64_t lowest,
                               std::int64_t highest);
    [[nodiscard]] double requiredNumber(std::string_view key, double lowest, double highest);
    [[nodiscard]] double number(std::string_view key, double fallback, double lowest,
                                double highest);
    [[nodiscard]] bool flag(std::string_view key, bool fallback = false) const;
    /// One of each layer, booleans or numbers; more than `nLeast` are left alone. Empty if the file
    /// has no such list.
    [[nodiscard]] std::vector<bool> flags(std::string_view key, int nLeast);
    /// One of each layer, from 0 to `highest`; as `flags` otherwise.
    [[nodiscard]] std::vector<int> counts(std::string_view key, int nLeast, std::int64_t highest);
    [[nodiscard]] bool has(std::string_view key) const;  ///< as a number, or a list of the same one
    [[nodiscard]] std::string_view text(std::string_view key) const;

    [[nodiscard]] const TensorInfo* tensor(std::string_view name) const {
        return m_file.tensor(name);
    }

    /// "\"olmoe.block_count\"", for messages.
    [[nodiscard]] std::string name(std::string_view key) const;
    int remember(Error error);
    /// True, and an error, for a list of different values where we read one number.
    bool variesByLayer(std::string_view key);
    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }

private:
    /// That of a list of integers which are all the same: files may list what layers share.
    [[nodiscard]] std::optional<std::int64_t> valueOfAllLayers(std::string_view key) const;

    const GgufFile& m_file;
    std::string m_prefix;
    std::optional<Error> m_error;
};

}  // namespace conclave::engine
