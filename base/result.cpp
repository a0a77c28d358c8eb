#include "base/result.h"

namespace conclave {

std::string_view errorName(ErrorCode code) {
    switch (code) {
        case ErrorCode::InvalidArgument: return "invalid argument";
        case ErrorCode::NotFound: return "not found";
        case ErrorCode::Io: return "input/output error";
        case ErrorCode::DiskFull: return "disk full";
        case ErrorCode::Corrupt: return "corrupt";
        case ErrorCode::Unsupported: return "unsupported";
        case ErrorCode::TooNew: return "written by a newer version";
        case ErrorCode::OutOfMemory: return "out of memory";
        case ErrorCode::Cancelled: return "cancelled";
        case ErrorCode::Timeout: return "timed out";
        case ErrorCode::PasswordRequired: return "password required";
        case ErrorCode::LimitExceeded: return "limit exceeded";
        case ErrorCode::NeedsOcr: return "needs OCR";
        case ErrorCode::Unreadable: return "unreadable";
        case ErrorCode::Busy: return "busy";
        case ErrorCode::Internal: return "internal error";
    }
    return "unknown";
}

void checkFailed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "conclave: broken invariant (%s) at %s:%d\n", condition, file, line);
    std::abort();
}

}  // namespace conclave
