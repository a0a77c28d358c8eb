// gguf_writer.h: makes small GGUF 3 files for tests, good ones and (by rawMetadata) bad ones.
//
//   GgufWriter writer;
//   writer.set("general.architecture", "llama");
//   writer.setStrings("tokenizer.ggml.tokens", {"a", "b"});
//   writer.addTensor("token_embd.weight", 0, {2, 1}, bytesOf(std::vector<float>{1, 2}));
//   ASSERT_TRUE(writer.write(path));
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace conclave::test {

/// The bytes of plain values as they lie in memory (x86-64 and GGUF are both little-endian).
template <typename T>
[[nodiscard]] std::string bytesOf(const std::vector<T>& values) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::string bytes(values.size() * sizeof(T), '\0');
    if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
}

/// Collects metadata and tensors, then lays the file out as GGUF version 3.
class GgufWriter {
public:
    /// ggml's numbers for metadata types.
    enum class Kind : std::uint32_t {
        UInt8 = 0,
        Int8 = 1,
        UInt16 = 2,
        Int16 = 3,
        UInt32 = 4,
        Int32 = 5,
        Float32 = 6,
        Bool = 7,
        String = 8,
        Array = 9,
        UInt64 = 10,
        Int64 = 11,
        Float64 = 12,
    };

    void set(std::string_view key, std::string_view value) {
        std::string bytes;
        appendString(bytes, value);
        rawMetadata(key, Kind::String, bytes);
    }
    void set(std::string_view key, const char* value) { set(key, std::string_view(value)); }
    void set(std::string_view key, bool value) {
        rawMetadata(key, Kind::Bool, std::string(1, value ? '\1' : '\0'));
    }
    void set(std::string_view key, std::uint32_t value) { setPlain(key, Kind::UInt32, value); }
    void set(std::string_view key, std::int32_t value) { setPlain(key, Kind::Int32, value); }
    void set(std::string_view key, std::uint64_t value) { setPlain(key, Kind::UInt64, value); }
    void set(std::string_view key, float value) { setPlain(key, Kind::Float32, value); }

    void setStrings(std::string_view key, const std::vector<std::string>& values) {
        std::string bytes = arrayHead(Kind::String, values.size());
        for (const std::string& value : values) appendString(bytes, value);
        rawMetadata(key, Kind::Array, bytes);
    }
    void setFloats(std::string_view key, const std::vector<float>& values) {
        rawMetadata(key, Kind::Array, arrayHead(Kind::Float32, values.size()) + bytesOf(values));
    }
    void setInts(std::string_view key, const std::vector<std::int32_t>& values) {
        rawMetadata(key, Kind::Array, arrayHead(Kind::Int32, values.size()) + bytesOf(values));
    }
    void setBytes(std::string_view key, std::string_view values) {
        rawMetadata(key, Kind::Array, arrayHead(Kind::UInt8, values.size()) + std::string(values));
    }

    /// Metadata as it stands in the file after its type: for values that lie.
    void rawMetadata(std::string_view key, Kind kind, std::string_view bytes) {
        appendString(m_metadata, key);
        appendPlain(m_metadata, static_cast<std::uint32_t>(kind));
        m_metadata.append(bytes);
        ++m_nMetadata;
    }

    /// @param type  ggml's number of the tensor type
    /// @param shape  fastest dimension first
    void addTensor(std::string name, std::uint32_t type, std::vector<std::uint64_t> shape,
                   std::string data) {
        m_tensors.push_back({std::move(name), type, std::move(shape), std::move(data)});
    }

    /// The whole file.
    [[nodiscard]] std::string bytes() const {
        std::string file = "GGUF";
        appendPlain(file, std::uint32_t{3});
        appendPlain(file, static_cast<std::uint64_t>(m_tensors.size()));
        appendPlain(file, m_nMetadata);
        file += m_metadata;
        std::uint64_t offset = 0;
        for (const Tensor& tensor : m_tensors) {
            appendString(file, tensor.name);
            appendPlain(file, static_cast<std::uint32_t>(tensor.shape.size()));
            for (const std::uint64_t size : tensor.shape) appendPlain(file, size);
            appendPlain(file, tensor.type);
            appendPlain(file, offset);
            offset = aligned(offset + tensor.data.size());
        }
        for (const Tensor& tensor : m_tensors) {
            file.resize(aligned(file.size()), '\0');
            file += tensor.data;
        }
        file.resize(aligned(file.size()), '\0');
        return file;
    }

    [[nodiscard]] bool write(const std::filesystem::path& path) const {
        const std::string content = bytes();
        std::ofstream stream(path, std::ios::binary | std::ios::trunc);
        stream.write(content.data(), static_cast<std::streamsize>(content.size()));
        return stream.good();
    }

private:
    struct Tensor {
        std::string name;
        std::uint32_t type = 0;
        std::vector<std::uint64_t> shape;
        std::string data;
    };

    static std::uint64_t aligned(std::uint64_t offset) {
        constexpr std::uint64_t kAlignment = 32;
        return (offset + kAlignment - 1) / kAlignment * kAlignment;
    }
    template <typename T>
    static void appendPlain(std::string& out, T value) {
        out += bytesOf(std::vector<T>{value});
    }
    static void appendString(std::string& out, std::string_view text) {
        appendPlain(out, static_cast<std::uint64_t>(text.size()));
        out += text;
    }
    static std::string arrayHead(Kind kind, std::size_t count) {
        std::string head;
        appendPlain(head, static_cast<std::uint32_t>(kind));
        appendPlain(head, static_cast<std::uint64_t>(count));
        return head;
    }
    template <typename T>
    void setPlain(std::string_view key, Kind kind, T value) {
        rawMetadata(key, kind, bytesOf(std::vector<T>{value}));
    }

    std::string m_metadata;
    std::uint64_t m_nMetadata = 0;
    std::vector<Tensor> m_tensors;
};

}  // namespace conclave::test
