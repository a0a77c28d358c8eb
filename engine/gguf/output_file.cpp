#include "engine/gguf/output_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "base/file_mode.h"

namespace conclave::engine {
namespace {

namespace fs = std::filesystem;

std::string mebibytes(std::uint64_t bytes) { return std::to_string((bytes >> 20u) + 1) + " MiB"; }

tl::unexpected<Error> systemError(const std::string& what, const fs::path& path, int number) {
    const bool isFull = number == ENOSPC || number == EDQUOT;
    return fail(isFull ? ErrorCode::DiskFull : ErrorCode::Io,
                "cannot " + what + " " + path.string() + ": " + std::strerror(number) +
                    (isFull ? "; free some space or choose another folder" : ""));
}

fs::path folderOf(const fs::path& path) {
    return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// What a new file would take the place of must be a file too: a device or a pipe would be gone.
Result<void> checkReplaceable(const fs::path& path) {
    std::error_code ignored;
    const fs::file_status status = fs::status(path, ignored);
    switch (status.type()) {
        case fs::file_type::regular:
        case fs::file_type::not_found: return {};
        case fs::file_type::directory:
            return fail(ErrorCode::InvalidArgument,
                        path.string() + " is a folder; name the file to be written in it");
        default:
            return fail(
                ErrorCode::InvalidArgument,
                path.string() +
                    " is a device or a pipe, which a model file would replace; name a file");
    }
}

}  // namespace

fs::path OutputFile::partial() const { return m_path.string() + ".partial"; }

Result<OutputFile> OutputFile::create(const fs::path& path, std::uint64_t sizeBytes) {
    for (const fs::path& each : {path, fs::path(path.string() + ".partial")}) {
        if (auto free = checkReplaceable(each); !free) return tl::unexpected(free.error());
    }
    std::error_code error;
    const fs::space_info space = fs::space(folderOf(path), error);
    if (error) {
        return fail(ErrorCode::Io,
                    "cannot write into " + folderOf(path).string() + ": " + error.message());
    }
    if (space.available < sizeBytes) {
        return fail(ErrorCode::DiskFull, path.string() + " needs " + mebibytes(sizeBytes) +
                                             ", but only " + mebibytes(space.available) +
                                             " are free there; free some space or choose another "
                                             "folder");
    }
    OutputFile file(path, -1);
    constexpr mode_t kMode = 0666;  // less the umask
    file.m_descriptor =
        ::open(file.partial().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode);
    if (file.m_descriptor < 0) return systemError("create", file.partial(), errno);
    allowAsUserDoes(file.m_descriptor);
    return file;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : m_path(std::move(other.m_path)), m_descriptor(std::exchange(other.m_descriptor, -1)) {}

OutputFile::~OutputFile() {
    if (m_descriptor < 0) return;
    ::close(m_descriptor);
    ::unlink(partial().c_str());
}

Result<void> OutputFile::write(std::span<const std::byte> bytes) {
    constexpr std::size_t kMostAtOnce = std::size_t{64} << 20;
    while (!bytes.empty()) {
        const ssize_t n = ::write(m_descriptor, bytes.data(), std::min(bytes.size(), kMostAtOnce));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return systemError("write", m_path, errno);
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return {};
}

Result<void> OutputFile::commit() {
    if (::fsync(m_descriptor) != 0) return systemError("write", m_path, errno);
    if (::rename(partial().c_str(), m_path.c_str()) != 0) {
        return systemError("name", m_path, errno);
    }
    ::close(std::exchange(m_descriptor, -1));
    // So that the name, too, survives a loss of power. A file system that cannot has lost nothing.
    const int folder = ::open(folderOf(m_path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        ::fsync(folder);
        ::close(folder);
    }
    return {};
}

}  // namespace conclave::engine
