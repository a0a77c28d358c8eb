// expert_files.h: reads pieces of a model's files without leaving them in the system's cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/result.h"
#include "engine/gguf/gguf_file.h"

namespace conclave::engine {

/// Memory that a direct read can write to. Grows, keeps nothing. Movable.
class ReadBuffer {
public:
    /// At least `n` bytes, aligned to kAlignment.
    [[nodiscard]] std::byte* room(std::size_t n);

    static constexpr std::size_t kAlignment = 4096;

private:
    struct Free {
        void operator()(std::byte* data) const;
    };
    std::unique_ptr<std::byte, Free> m_data;
    std::size_t m_sizeBytes = 0;
};

/// The open parts of a model. What streams through once would only push out of the system's cache
/// what others need, and what is worth keeping is kept packed by the expert store; so reads are
/// direct (O_DIRECT) where the file system can do that, and their pages are dropped where not.
/// Any thread may read.
class ExpertFiles {
public:
    /// Errors: Io; Corrupt if a part is not the file that was mapped any more.
    [[nodiscard]] static Result<ExpertFiles> open(const GgufFile& file);

    ExpertFiles(ExpertFiles&&) = default;
    ExpertFiles& operator=(ExpertFiles&&) = default;
    ExpertFiles(const ExpertFiles&) = delete;
    ExpertFiles& operator=(const ExpertFiles&) = delete;
    ~ExpertFiles() = default;

    /// Reads `n` bytes; they begin at the returned place in `buffer`, until it is used again.
    /// Errors: Io (names the file; also where it ends early, which the mapping's header ruled out
    /// when it was opened).
    [[nodiscard]] Result<const std::byte*> read(GgufFile::Place place, std::size_t n,
                                                ReadBuffer& buffer) const;

private:
    class Descriptor {
    public:
        explicit Descriptor(int number = -1) : m_number(number) {}
        Descriptor(Descriptor&& other) noexcept;
        Descriptor& operator=(Descriptor&& other) noexcept;
        Descriptor(const Descriptor&) = delete;
        Descriptor& operator=(const Descriptor&) = delete;
        ~Descriptor();
        [[nodiscard]] int get() const { return m_number; }

    private:
        int m_number;
    };
    struct Part {
        std::filesystem::path path;
        Descriptor file;
        bool isDirect = false;
    };

    ExpertFiles() = default;

    std::vector<Part> m_parts;
};

}  // namespace conclave::engine
