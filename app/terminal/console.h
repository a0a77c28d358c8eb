// console.h: what a person sees on stderr and stdout besides the results.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace conclave::terminal {

[[nodiscard]] bool stdoutIsTerminal();
[[nodiscard]] bool stderrIsTerminal();

/// `text` in a style if stdout is a terminal and NO_COLOR is unset, else as it is.
[[nodiscard]] std::string bold(std::string_view text);
[[nodiscard]] std::string dim(std::string_view text);

/// One line on stderr.
void note(std::string_view text);

/// "conclave: DETAIL" on stderr; returns exit code 1.
int failed(const Error& error);

/// A bar on stderr while something goes on, if that is a terminal; nothing otherwise.
class ProgressBar {
public:
    explicit ProgressBar(std::string label);
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;
    ~ProgressBar();

    /// `fraction` 0..1, with a word on what is being done.
    void show(double fraction, std::string_view what = {});

private:
    std::string m_label;
    bool m_isShown = false;
    std::chrono::steady_clock::time_point m_last;
};

}  // namespace conclave::terminal
