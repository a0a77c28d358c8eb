#include "base/mapped_file.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bus_guard.h"

namespace conclave {
namespace {

MappedFile::State stateFrom(const struct stat& status) {
    constexpr std::int64_t kNanoseconds = 1'000'000'000;
    return {.inode = status.st_ino,
            .sizeBytes = static_cast<std::uint64_t>(status.st_size),
            .modifiedAt = status.st_mtim.tv_sec * kNanoseconds + status.st_mtim.tv_nsec,
            .changedAt = status.st_ctim.tv_sec * kNanoseconds + status.st_ctim.tv_nsec};
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        const ErrorCode code = errno == ENOENT ? ErrorCode::NotFound : ErrorCode::Io;
        return fail(code, "cannot open " + path.string() + ": " + std::strerror(errno));
    }
    struct stat status {};
    if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        ::close(descriptor);
        return fail(ErrorCode::Io, path.string() + " is not a regular file");
    }
    if (status.st_size == 0) {
        ::close(descriptor);
        return fail(ErrorCode::Corrupt, path.string() + " is empty");
    }
    MappedFile file;
    file.m_sizeBytes = static_cast<std::size_t>(status.st_size);
    file.m_device = status.st_dev;
    file.m_state = stateFrom(status);
    void* address = ::mmap(nullptr, file.m_sizeBytes, PROT_READ, MAP_SHARED, descriptor, 0);
    const int problem = errno;
    ::close(descriptor);
    if (address == MAP_FAILED && problem == ENOMEM) {
        return fail(ErrorCode::OutOfMemory,
                    "cannot map " + path.string() + ": its " +
                        std::to_string(file.m_sizeBytes >> 20U) +
                        " MiB are more than this process may have of address space; raise the "
                        "limit (ulimit -v) or take a smaller file");
    }
    if (address == MAP_FAILED) {
        return fail(ErrorCode::Io, "cannot map " + path.string() + ": " + std::strerror(problem));
    }
    file.m_data = static_cast<const std::byte*>(address);
    file.m_guard = guardMapping(file.m_data, file.m_sizeBytes);
    return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept { *this = std::move(other); }

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(m_data, other.m_data);
    std::swap(m_sizeBytes, other.m_sizeBytes);
    std::swap(m_device, other.m_device);
    std::swap(m_state, other.m_state);
    std::swap(m_guard, other.m_guard);
    return *this;
}

MappedFile::~MappedFile() {
    if (m_data == nullptr) return;
    releaseGuard(m_guard);
    ::munmap(const_cast<std::byte*>(m_data), m_sizeBytes);
}

std::optional<MappedFile::State> MappedFile::stateOf(const std::filesystem::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return std::nullopt;
    return stateFrom(status);
}

bool MappedFile::isDamaged() const { return guardWasHit(m_guard); }

bool MappedFile::isSameFile(int descriptor) const {
    struct stat status {};
    return ::fstat(descriptor, &status) == 0 && status.st_dev == m_device &&
           status.st_ino == m_state.inode;
}

}  // namespace conclave
