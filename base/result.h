// result.h: how every part of Conclave reports what went wrong.
//
//   Result<GgufFile> file = GgufFile::open(path);
//   if (!file) return tl::unexpected(file.error());
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace conclave {

/// What kind of failure it is: the program decides by it, the window translates it.
enum class ErrorCode {
    InvalidArgument,   ///< the caller asked for something that cannot be
    NotFound,          ///< a file, model, chat or collection does not exist
    Io,                ///< the system refused to read or write
    DiskFull,          ///< no room left; nothing was changed
    Corrupt,           ///< a file's or database's content contradicts itself
    Unsupported,       ///< valid, but not something this version can do
    TooNew,            ///< written by a newer version of Conclave
    OutOfMemory,       ///< would not fit in memory
    Cancelled,         ///< the user stopped it
    Timeout,           ///< took longer than its limit
    PasswordRequired,  ///< the document is encrypted
    LimitExceeded,     ///< larger than a safety limit (archive bombs, huge pages)
    NeedsOcr,          ///< pages without text
    Unreadable,        ///< a file that was asked about could not be read; `detail` says why
    Busy,              ///< somebody else holds it
    Internal,          ///< a bug
};

/// One failure. `detail` is one English sentence for the log and the terminal: it names the thing
/// (file, field, option) and, where there is one, the way forward.
struct Error {
    ErrorCode code = ErrorCode::Internal;
    std::string detail;
};

[[nodiscard]] std::string_view errorName(ErrorCode code);

template <typename T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string detail) {
    return tl::unexpected(Error{code, std::move(detail)});
}

[[noreturn]] void checkFailed(const char* condition, const char* file, int line);

}  // namespace conclave

/// A broken invariant is a bug: ends the program with file and line, in every build.
#define CONCLAVE_CHECK(condition) \
    ((condition) ? void(0) : ::conclave::checkFailed(#condition, __FILE__, __LINE__))
