// changed_metadata.h: a GGUF file with other metadata and the same tensors.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace conclave::test {

/// The bytes of a GGUF file (version 3, alignment 32), to be changed.
class ChangedMetadata {
public:
    explicit ChangedMetadata(std::string file) : m_file(std::move(file)) {}

    ChangedMetadata& add(std::string_view key, float value) {
        constexpr std::uint32_t kFloat32 = 6;
        return addEntry(key, kFloat32, raw(value));
    }
    ChangedMetadata& add(std::string_view key, std::int32_t value) {
        constexpr std::uint32_t kInt32 = 5;
        return addEntry(key, kInt32, raw(value));
    }
    ChangedMetadata& add(std::string_view key, bool value) {
        constexpr std::uint32_t kBool = 7;
        return addEntry(key, kBool, std::string(1, value ? '\1' : '\0'));
    }
    ChangedMetadata& add(std::string_view key, std::string_view value) {
        constexpr std::uint32_t kString = 8;
        return addEntry(key, kString, text(value));
    }

    /// The key is then another one, which nobody knows.
    ChangedMetadata& drop(std::string_view key) {
        const std::size_t at = m_file.find(text(key));
        if (at != std::string::npos) m_file[at + sizeof(std::uint64_t)] = 'X';
        return *this;
    }

    /// With an entry that keeps the tensors at a multiple of their alignment.
    [[nodiscard]] std::string bytes() {
        constexpr std::size_t kAlignment = 32;
        constexpr std::string_view kKey = "test.padding";
        const std::size_t least = 2 * sizeof(std::uint64_t) + sizeof(std::uint32_t) + kKey.size();
        const std::size_t left = (m_nAdded + least) % kAlignment;
        add(kKey, std::string_view(kSpaces).substr(0, (kAlignment - left) % kAlignment));
        return m_file;
    }

private:
    static constexpr const char* kSpaces = "                                ";
    static constexpr std::size_t kEntryCount = 16;  ///< where the header has their number
    static constexpr std::size_t kEntries = 24;     ///< where they begin

    template <typename T>
    static std::string raw(T value) {
        std::string bytes(sizeof(T), '\0');
        std::memcpy(bytes.data(), &value, sizeof(T));
        return bytes;
    }
    static std::string text(std::string_view value) {
        return raw(std::uint64_t{value.size()}).append(value);
    }
    ChangedMetadata& addEntry(std::string_view key, std::uint32_t type, const std::string& value) {
        std::uint64_t count = 0;
        std::memcpy(&count, m_file.data() + kEntryCount, sizeof(count));
        ++count;
        std::memcpy(m_file.data() + kEntryCount, &count, sizeof(count));
        const std::string entry = text(key) + raw(type) + value;
        m_file.insert(kEntries, entry);
        m_nAdded += entry.size();
        return *this;
    }

    std::string m_file;
    std::size_t m_nAdded = 0;
};

}  // namespace conclave::test
