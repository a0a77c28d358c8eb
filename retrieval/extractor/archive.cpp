#include "retrieval/extractor/archive.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include <zip.h>

namespace conclave::retrieval::extractor {
namespace {

constexpr std::uint64_t kMostEntries = 10'000;
constexpr std::uint64_t kMostBytes = std::uint64_t{512} << 20;
constexpr std::uint64_t kFreeBytes = std::uint64_t{10} << 20;
constexpr std::uint64_t kMostRatio = 200;
constexpr std::size_t kMostAtOnce = std::size_t{64} << 20;

bool isBomb(std::uint64_t unpacked, std::uint64_t packed) {
    if (unpacked > kMostBytes) return true;
    return unpacked > kFreeBytes && unpacked / kMostRatio > packed;
}

tl::unexpected<Error> bomb() {
    return fail(ErrorCode::LimitExceeded,
                "the document unpacks to far more than its size; it may be meant to fill memory");
}

struct FileCloser {
    void operator()(zip_file_t* file) const { zip_fclose(file); }
};

}  // namespace

void Archive::Closer::operator()(zip* archive) const { zip_discard(archive); }

Result<Archive> Archive::open(std::string_view bytes) {
    zip_error_t problem;
    zip_error_init(&problem);
    zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &problem);
    if (source == nullptr) return fail(ErrorCode::OutOfMemory, "no memory for the archive");
    zip_t* opened = zip_open_from_source(source, ZIP_RDONLY, &problem);
    if (opened == nullptr) {
        zip_source_free(source);
        std::string detail = std::string("the archive is damaged: ") + zip_error_strerror(&problem);
        zip_error_fini(&problem);
        return fail(ErrorCode::Corrupt, std::move(detail));
    }
    zip_error_fini(&problem);
    Archive archive;
    archive.m_zip.reset(opened);
    archive.m_packedBytes = bytes.size();
    const auto nEntries =
        static_cast<std::uint64_t>(std::max<zip_int64_t>(zip_get_num_entries(opened, 0), 0));
    if (nEntries > kMostEntries) {
        return fail(ErrorCode::LimitExceeded, "the archive has more than 10,000 entries");
    }
    std::uint64_t total = 0;
    for (std::uint64_t i = 0; i < nEntries; ++i) {
        zip_stat_t entry;
        zip_stat_init(&entry);
        if (zip_stat_index(opened, i, 0, &entry) != 0 || (entry.valid & ZIP_STAT_NAME) == 0) {
            return fail(ErrorCode::Corrupt, "the archive's directory is damaged");
        }
        if ((entry.valid & ZIP_STAT_SIZE) != 0) {
            total += std::min(entry.size, kMostBytes + 1);
            if (isBomb(total, bytes.size())) return bomb();
        }
        archive.m_names.emplace_back(entry.name);
    }
    return archive;
}

bool Archive::has(const std::string& name) const {
    return zip_name_locate(m_zip.get(), name.c_str(), 0) >= 0;
}

Result<void> Archive::read(const std::string& name,
                           const std::function<bool(std::string_view)>& sink) const {
    const zip_int64_t index = zip_name_locate(m_zip.get(), name.c_str(), 0);
    if (index < 0) return fail(ErrorCode::NotFound, "the document has no part " + name);
    const std::unique_ptr<zip_file_t, FileCloser> file(
        zip_fopen_index(m_zip.get(), static_cast<zip_uint64_t>(index), 0));
    if (!file) {
        const int code = zip_error_code_zip(zip_get_error(m_zip.get()));
        if (code == ZIP_ER_NOPASSWD || code == ZIP_ER_WRONGPASSWD) {
            return fail(ErrorCode::PasswordRequired, "the archive is encrypted");
        }
        return fail(ErrorCode::Corrupt, "the part " + name + " of the document cannot be read: " +
                                            zip_strerror(m_zip.get()));
    }
    std::array<char, 32768> buffer{};
    std::uint64_t total = 0;
    while (true) {
        const zip_int64_t n = zip_fread(file.get(), buffer.data(), buffer.size());
        if (n < 0) {
            return fail(ErrorCode::Corrupt, "the part " + name + " of the document is damaged");
        }
        if (n == 0) return {};
        total += static_cast<std::uint64_t>(n);
        if (isBomb(total, m_packedBytes)) return bomb();
        if (!sink({buffer.data(), static_cast<std::size_t>(n)})) return {};
    }
}

Result<std::string> Archive::readAll(const std::string& name) const {
    std::string content;
    bool isTooLong = false;
    const auto done = read(name, [&](std::string_view piece) {
        isTooLong = content.size() + piece.size() > kMostAtOnce;
        if (!isTooLong) content.append(piece);
        return !isTooLong;
    });
    if (!done) return tl::unexpected(done.error());
    if (isTooLong) return fail(ErrorCode::LimitExceeded, "a part of the document exceeds 64 MiB");
    return content;
}

}  // namespace conclave::retrieval::extractor
