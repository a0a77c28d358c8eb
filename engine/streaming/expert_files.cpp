#include "engine/streaming/expert_files.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace conclave::engine {
namespace {

constexpr std::size_t kBlock = ReadBuffer::kAlignment;

/// Reads until `n` bytes, the file's end or a failure. Returns how many came.
std::size_t readAt(int file, std::byte* to, std::size_t n, std::uint64_t offset) {
    std::size_t done = 0;
    while (done < n) {
        const ssize_t got = ::pread(file, to + done, n - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) errno = 0;
        if (got <= 0) break;
        done += static_cast<std::size_t>(got);
        if (done % kBlock != 0) break;  // the file's end; a direct read could not go on from here
    }
    return done;
}

}  // namespace

void ReadBuffer::Free::operator()(std::byte* data) const { std::free(data); }

std::byte* ReadBuffer::room(std::size_t n) {
    if (n > m_sizeBytes) {
        const std::size_t rounded = (n + kAlignment - 1) / kAlignment * kAlignment;
        m_data.reset(static_cast<std::byte*>(std::aligned_alloc(kAlignment, rounded)));
        if (m_data == nullptr) throw std::bad_alloc();
        m_sizeBytes = rounded;
    }
    return m_data.get();
}

ExpertFiles::Descriptor::Descriptor(Descriptor&& other) noexcept
    : m_number(std::exchange(other.m_number, -1)) {}

ExpertFiles::Descriptor& ExpertFiles::Descriptor::operator=(Descriptor&& other) noexcept {
    std::swap(m_number, other.m_number);
    return *this;
}

ExpertFiles::Descriptor::~Descriptor() {
    if (m_number >= 0) ::close(m_number);
}

Result<ExpertFiles> ExpertFiles::open(const GgufFile& file) {
    ExpertFiles files;
    ReadBuffer probe;
    for (std::size_t i = 0; i < file.parts().size(); ++i) {
        Part part;
        part.path = file.partPaths()[i];
        part.file = Descriptor(::open(part.path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT));
        // Some file systems refuse when the file is opened, some when it is read.
        part.isDirect =
            part.file.get() >= 0 && ::pread(part.file.get(), probe.room(kBlock), kBlock, 0) >= 0;
        if (!part.isDirect) {
            part.file = Descriptor(::open(part.path.c_str(), O_RDONLY | O_CLOEXEC));
        }
        if (part.file.get() < 0) {
            return fail(ErrorCode::Io,
                        "cannot open " + part.path.string() + ": " + std::strerror(errno));
        }
        if (!file.parts()[i].isSameFile(part.file.get())) {
            return fail(ErrorCode::Corrupt, part.path.string() +
                                                " was replaced while it was being opened; load it "
                                                "again");
        }
        files.m_parts.push_back(std::move(part));
    }
    return files;
}

Result<const std::byte*> ExpertFiles::read(GgufFile::Place place, std::size_t n,
                                           ReadBuffer& buffer) const {
    const Part& part = m_parts[place.part];
    const std::uint64_t first = place.offset / kBlock * kBlock;
    const auto before = static_cast<std::size_t>(place.offset - first);
    const std::size_t rounded = (before + n + kBlock - 1) / kBlock * kBlock;
    std::byte* room = buffer.room(rounded);
    errno = 0;
    const std::size_t got = readAt(part.file.get(), room, rounded, first);
    if (got < before + n) {
        return fail(ErrorCode::Io,
                    errno != 0 ? "cannot read the model file " + part.path.string() + ": " +
                                     std::strerror(errno)
                               : "the model file " + part.path.string() +
                                     " ends early: it was changed while in use; restore it and "
                                     "load it again");
    }
    if (!part.isDirect) {
        ::posix_fadvise(part.file.get(), static_cast<off_t>(first), static_cast<off_t>(rounded),
                        POSIX_FADV_DONTNEED);
    }
    return room + before;
}

}  // namespace conclave::engine
