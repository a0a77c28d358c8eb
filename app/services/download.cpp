#include "app/services/download.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <memory>
#include <mutex>
#include <string_view>
#include <system_error>

#include <curl/curl.h>

#include "app/services/sha256.h"
#include "base/file_mode.h"

namespace conclave::services {
namespace fs = std::filesystem;
namespace {

constexpr long kHttpOk = 200;
constexpr long kHttpRangeNotSatisfiable = 416;
constexpr long kFirstHttpError = 400;

/// What libcurl's callbacks work on.
struct Transfer {
    CURL* curl = nullptr;
    fs::path part;
    fs::path tagFile;
    std::FILE* out = nullptr;
    std::uint64_t startBytes = 0;  ///< kept from an earlier call
    std::string tag;               ///< the server's ETag
    bool isChecked = false;        ///< the answer's status was looked at
    bool isDiskFull = false;
    bool isCancelled = false;
    const DownloadJob* job = nullptr;
};

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

std::string readLine(const fs::path& file) {
    std::ifstream stream(file);
    std::string line;
    std::getline(stream, line);
    return line;
}

std::size_t onHeader(char* data, std::size_t size, std::size_t count, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    const std::string_view line(data, size * count);
    constexpr std::string_view kTag = "etag:";
    if (lower(line.substr(0, kTag.size())) == kTag) {
        std::string_view value = line.substr(kTag.size());
        while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
        while (!value.empty() && (value.back() == '\r' || value.back() == '\n')) {
            value.remove_suffix(1);
        }
        transfer.tag = value;
    }
    return size * count;
}

/// Before the first byte is written: is this the rest of the file, or all of it again?
bool beginBody(Transfer& transfer) {
    long status = 0;
    curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= kFirstHttpError) return false;
    if (transfer.startBytes > 0 && status == kHttpOk) {
        transfer.startBytes = 0;
        transfer.out = std::freopen(transfer.part.c_str(), "wb", transfer.out);
        if (transfer.out == nullptr) return false;
    }
    if (!transfer.tag.empty()) std::ofstream(transfer.tagFile) << transfer.tag << '\n';

    curl_off_t length = 0;
    curl_easy_getinfo(transfer.curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    std::error_code problem;
    const fs::space_info space = fs::space(transfer.part.parent_path(), problem);
    if (!problem && length > 0 && static_cast<std::uint64_t>(length) > space.available) {
        transfer.isDiskFull = true;
        return false;
    }
    return true;
}

std::size_t onData(char* data, std::size_t size, std::size_t count, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    if (!transfer.isChecked) {
        transfer.isChecked = true;
        if (!beginBody(transfer)) return CURL_WRITEFUNC_ERROR;
    }
    const std::size_t written = std::fwrite(data, 1, size * count, transfer.out);
    if (written < size * count && errno == ENOSPC) transfer.isDiskFull = true;
    return written;
}

int onProgress(void* user, curl_off_t total, curl_off_t now, curl_off_t, curl_off_t) {
    auto& transfer = *static_cast<Transfer*>(user);
    if (!transfer.job->progress) return 0;
    const auto done = transfer.startBytes + static_cast<std::uint64_t>(now);
    const auto all = total > 0 ? transfer.startBytes + static_cast<std::uint64_t>(total) : 0;
    if (transfer.job->progress(done, all)) return 0;
    transfer.isCancelled = true;
    return 1;
}

/// The last segment of the URL's path, if it is a plain name of a model file.
Result<std::string> fileNameOf(const std::string& url) {
    const std::string path = url.substr(0, url.find_first_of("?#"));
    std::string name = path.substr(path.rfind('/') + 1);
    const bool isPlain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '+';
    });
    constexpr std::string_view kExtension = ".gguf";
    if (!isPlain || name.size() <= kExtension.size() || name.front() == '.' ||
        !lower(name).ends_with(kExtension)) {
        return fail(ErrorCode::InvalidArgument,
                    "the address must end in the name of a GGUF file, as https://…/model.gguf");
    }
    return name;
}

Result<void> perform(Transfer& transfer) {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
    if (curl == nullptr) return fail(ErrorCode::Internal, "libcurl cannot be started");
    transfer.curl = curl.get();
    CURL* c = curl.get();

    std::array<char, CURL_ERROR_SIZE> message{};
    constexpr long kConnectSeconds = 20;
    constexpr long kStalledSeconds = 60;
    constexpr long kMaxRedirects = 10;
    curl_easy_setopt(c, CURLOPT_URL, transfer.job->url.c_str());
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https,file");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, kMaxRedirects);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, kStalledSeconds);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "conclave");
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, message.data());
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, onHeader);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, onData);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, onProgress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, &transfer);

    std::string range;
    std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(nullptr, curl_slist_free_all);
    if (transfer.startBytes > 0) {
        // Not CURLOPT_RESUME_FROM: libcurl would refuse a server that sends the whole file again.
        range = std::to_string(transfer.startBytes) + "-";
        curl_easy_setopt(c, CURLOPT_RANGE, range.c_str());
        // The rest only fits if the server's file is still the one that was begun.
        if (const std::string tag = readLine(transfer.tagFile); !tag.empty()) {
            headers.reset(curl_slist_append(nullptr, ("If-Range: " + tag).c_str()));
            curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers.get());
        }
    }
    const CURLcode code = curl_easy_perform(c);
    long status = 0;
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    if (transfer.isCancelled) {
        return fail(ErrorCode::Cancelled, "stopped; the same command goes on from here");
    }
    if (transfer.isDiskFull) {
        return fail(ErrorCode::DiskFull, "there is not enough room in " +
                                             transfer.part.parent_path().string() +
                                             "; free some and run the same command again");
    }
    // The server has no bytes past those we have: the part is complete, or its hash will tell.
    if (status == kHttpRangeNotSatisfiable && transfer.startBytes > 0) return {};
    if (status >= kFirstHttpError) {
        return fail(ErrorCode::Io,
                    "the server answered " + std::to_string(status) + " for " + transfer.job->url);
    }
    if (code != CURLE_OK) {
        const std::string why = message[0] != '\0' ? message.data() : curl_easy_strerror(code);
        return fail(ErrorCode::Io, "cannot load " + transfer.job->url + ": " + why +
                                       "; the same command goes on from here");
    }
    return {};
}

}  // namespace

Result<fs::path> download(const DownloadJob& job) {
    const std::string scheme = lower(job.url.substr(0, job.url.find("://")));
    if (scheme != "http" && scheme != "https" && scheme != "file") {
        return fail(ErrorCode::InvalidArgument, "the address must begin with https:// or http://");
    }
    constexpr std::size_t kHashDigits = 64;
    const std::string wanted = lower(job.sha256);
    if (!wanted.empty() && (wanted.size() != kHashDigits ||
                            wanted.find_first_not_of("0123456789abcdef") != std::string::npos)) {
        return fail(ErrorCode::InvalidArgument, "a SHA-256 hash has 64 hexadecimal digits");
    }
    const Result<std::string> name = fileNameOf(job.url);
    if (!name) return tl::unexpected(name.error());
    const fs::path target = job.folder / *name;
    std::error_code problem;
    if (fs::exists(target, problem)) {
        return fail(ErrorCode::Busy, target.string() + " exists already; remove it first");
    }

    Transfer transfer;
    transfer.part = job.folder / (*name + ".part");
    transfer.tagFile = job.folder / (*name + ".part.tag");
    transfer.job = &job;
    transfer.out = std::fopen(transfer.part.c_str(), "ab");
    if (transfer.out == nullptr) {
        return fail(ErrorCode::Io, "cannot write " + transfer.part.string());
    }
    allowAsUserDoes(::fileno(transfer.out));
    transfer.startBytes = fs::file_size(transfer.part, problem);
    const Result<void> done = perform(transfer);
    bool isWritten = transfer.out != nullptr;
    if (transfer.out != nullptr) isWritten = std::fclose(transfer.out) == 0;
    if (!done) return tl::unexpected(done.error());
    if (!isWritten) return fail(ErrorCode::Io, "cannot write " + transfer.part.string());

    if (!wanted.empty()) {
        const Result<std::string> hash = sha256OfFile(transfer.part);
        if (!hash) return tl::unexpected(hash.error());
        if (*hash != wanted) {
            fs::remove(transfer.part, problem);
            fs::remove(transfer.tagFile, problem);
            return fail(ErrorCode::Corrupt, "the file has the hash " + *hash + " and not " +
                                                wanted + "; it was removed");
        }
    }
    fs::rename(transfer.part, target, problem);
    if (problem) {
        return fail(ErrorCode::Io,
                    "cannot rename " + transfer.part.string() + ": " + problem.message());
    }
    fs::remove(transfer.tagFile, problem);
    return target;
}

}  // namespace conclave::services
