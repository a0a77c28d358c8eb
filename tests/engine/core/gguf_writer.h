// gguf_writer.h: writes GGUF files for tests, right or wrong on purpose.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace conclave::engine::test {

/// Appends raw values; what they mean is the test's business.
class Bytes {
public:
    template <typename T>
    Bytes& put(T value) {
        const auto* raw = reinterpret_cast<const char*>(&value);
        m_bytes.append(raw, sizeof(T));
        return *this;
    }
    Bytes& string(std::string_view text) {
        put(std::uint64_t{text.size()});
        m_bytes += text;
        return *this;
    }
    Bytes& raw(std::string_view bytes) {
        m_bytes += bytes;
        return *this;
    }
    Bytes& pad(std::size_t alignment) {
        m_bytes.resize((m_bytes.size() + alignment - 1) / alignment * alignment, '\0');
        return *this;
    }
    [[nodiscard]] const std::string& text() const { return m_bytes; }

private:
    std::string m_bytes;
};

/// A folder of this process alone: tests run beside each other, and use the same names.
struct ProcessFolder {
    std::filesystem::path path = std::filesystem::temp_directory_path() /
                                 ("conclave-engine-test-" + std::to_string(::getpid()));
    ProcessFolder() { std::filesystem::create_directories(path); }
    ~ProcessFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    ProcessFolder(const ProcessFolder&) = delete;
    ProcessFolder& operator=(const ProcessFolder&) = delete;
};

/// A GGUF file put together from its parts. Counts can be overruled to lie.
struct GgufWriter {
    std::uint32_t version = 3;
    std::vector<std::string> metadata;  ///< encoded entries
    std::vector<std::string> tensors;   ///< encoded table entries
    std::string data;
    std::int64_t nTensorsClaimed = -1;
    std::int64_t nMetadataClaimed = -1;

    GgufWriter& number(std::string_view key, std::uint32_t value) {
        metadata.push_back(Bytes().string(key).put(std::uint32_t{4}).put(value).text());
        return *this;
    }
    GgufWriter& real(std::string_view key, float value) {
        metadata.push_back(Bytes().string(key).put(std::uint32_t{6}).put(value).text());
        return *this;
    }
    GgufWriter& boolean(std::string_view key, bool value) {
        metadata.push_back(Bytes().string(key).put(std::uint32_t{7}).put(value).text());
        return *this;
    }
    GgufWriter& text(std::string_view key, std::string_view value) {
        metadata.push_back(Bytes().string(key).put(std::uint32_t{8}).string(value).text());
        return *this;
    }
    GgufWriter& tensor(std::string_view name, const std::vector<std::uint64_t>& shape,
                       std::uint32_t type, std::uint64_t offset) {
        Bytes entry;
        entry.string(name).put(static_cast<std::uint32_t>(shape.size()));
        for (const std::uint64_t extent : shape) entry.put(extent);
        tensors.push_back(entry.put(type).put(offset).text());
        return *this;
    }

    [[nodiscard]] std::string bytes() const {
        const auto count = [](std::int64_t claimed, std::size_t real) {
            return claimed >= 0 ? static_cast<std::uint64_t>(claimed) : std::uint64_t{real};
        };
        Bytes file;
        file.raw("GGUF").put(version);
        file.put(count(nTensorsClaimed, tensors.size()));
        file.put(count(nMetadataClaimed, metadata.size()));
        for (const std::string& entry : metadata) file.raw(entry);
        for (const std::string& entry : tensors) file.raw(entry);
        return file.pad(32).raw(data).text();
    }

    /// A file in a folder that goes away with the process.
    [[nodiscard]] std::filesystem::path write(const std::string& name) const {
        return writeFile(name, bytes());
    }
    [[nodiscard]] static std::filesystem::path writeFile(const std::string& name,
                                                         const std::string& content) {
        static const ProcessFolder folder;
        const auto path = folder.path / name;
        std::ofstream(path, std::ios::binary) << content;
        return path;
    }
};

}  // namespace conclave::engine::test
