// file_mode.h: who may read the files that a program makes.
#pragma once

#include <atomic>

#include <sys/stat.h>

namespace conclave {

namespace detail {
/// The umask that the user has, from before keepFilesPrivate; -1: it holds still.
inline std::atomic<int> usersMask{-1};
}  // namespace detail

/// From here on the files of this program (chats, documents, logs) are the user's alone. Called
/// once, when the program begins.
inline void keepFilesPrivate() { detail::usersMask = static_cast<int>(::umask(S_IRWXG | S_IRWXO)); }

/// Lets others use the new file behind `descriptor` as far as the user's own umask does: model
/// files are nothing private, and may lie in a folder that several people or programs use.
inline void allowAsUserDoes(int descriptor) {
    constexpr mode_t kAll = 0666;
    if (detail::usersMask < 0) return;
    // Where a file system has no modes there is nothing to allow.
    (void)!::fchmod(descriptor, kAll & ~static_cast<mode_t>(detail::usersMask.load()));
}

}  // namespace conclave
