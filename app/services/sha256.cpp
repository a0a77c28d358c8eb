#include "app/services/sha256.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <system_error>
#include <vector>

#include <openssl/evp.h>

namespace conclave::services {
namespace {

std::string toHex(const unsigned char* bytes, unsigned count) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string hex;
    for (unsigned i = 0; i < count; ++i) {
        hex += kDigits[bytes[i] >> 4u];
        hex += kDigits[bytes[i] & 15u];
    }
    return hex;
}

}  // namespace

Result<std::string> sha256OfFile(const std::filesystem::path& file,
                                 const std::function<bool(std::uint64_t)>& progress) {
    std::error_code problem;
    const std::uintmax_t sizeBytes = std::filesystem::file_size(file, problem);
    if (problem == std::errc::no_such_file_or_directory) {
        return fail(ErrorCode::NotFound, "there is no file " + file.string());
    }
    std::ifstream stream(file, std::ios::binary);
    if (!stream) return fail(ErrorCode::Io, "cannot open " + file.string());

    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                     EVP_MD_CTX_free);
    CONCLAVE_CHECK(context != nullptr);
    CONCLAVE_CHECK(EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
    constexpr std::size_t kStepBytes = std::size_t{1} << 20u;
    // No more than it takes, and a byte to see the end: most files are small.
    std::vector<char> buffer(problem ? kStepBytes
                                     : std::min<std::uintmax_t>(kStepBytes, sizeBytes + 1));
    std::uint64_t done = 0;
    while (stream) {
        stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
        const auto count = static_cast<std::size_t>(stream.gcount());
        CONCLAVE_CHECK(EVP_DigestUpdate(context.get(), buffer.data(), count) == 1);
        done += count;
        if (progress && !progress(done)) {
            return fail(ErrorCode::Cancelled, "stopped while hashing " + file.string());
        }
    }
    if (stream.bad()) return fail(ErrorCode::Io, "cannot read " + file.string());

    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    CONCLAVE_CHECK(EVP_DigestFinal_ex(context.get(), digest.data(), &length) == 1);
    return toHex(digest.data(), length);
}

std::string sha256OfText(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    CONCLAVE_CHECK(
        EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr) == 1);
    return toHex(digest.data(), length);
}

}  // namespace conclave::services
