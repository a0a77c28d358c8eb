#include "app/terminal/console.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include <unistd.h>

#include "base/utf8.h"
#include "base/visible_text.h"

namespace conclave::terminal {
namespace {

std::string styled(std::string_view code, std::string_view text) {
    const char* noColour = std::getenv("NO_COLOR");
    const bool isPlain = !stdoutIsTerminal() || (noColour != nullptr && *noColour != '\0');
    if (isPlain) return std::string(text);
    return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

/// Straight to the terminal, past what spells out control characters (visible_output.h).
void drawOnTerminal(std::string_view text) {
    std::cerr.flush();
    while (!text.empty()) {
        const ssize_t n = ::write(STDERR_FILENO, text.data(), text.size());
        if (n <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

}  // namespace

bool stdoutIsTerminal() { return ::isatty(STDOUT_FILENO) == 1; }
bool stderrIsTerminal() { return ::isatty(STDERR_FILENO) == 1; }

std::string bold(std::string_view text) { return styled("1", text); }
std::string dim(std::string_view text) { return styled("2", text); }

void note(std::string_view text) { std::cerr << text << '\n'; }

int failed(const Error& error) {
    note("conclave: " + error.detail);
    return EXIT_FAILURE;
}

ProgressBar::ProgressBar(std::string label) : m_label(std::move(label)) {}

ProgressBar::~ProgressBar() {
    if (m_isShown) drawOnTerminal("\r\x1b[K");
}

void ProgressBar::show(double fraction, std::string_view what) {
    if (!stderrIsTerminal()) return;
    const auto now = std::chrono::steady_clock::now();
    constexpr auto kPause = std::chrono::milliseconds(100);
    if (m_isShown && now - m_last < kPause) return;
    m_last = now;
    m_isShown = true;
    constexpr std::size_t kWidth = 24;
    constexpr std::size_t kWhatLength = 32;
    const auto filled =
        static_cast<std::size_t>(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(kWidth));
    std::string bar = std::string(filled, '#') + std::string(kWidth - filled, '.');
    const std::string words = visibleControls(what.substr(0, byteOffsetOf(what, kWhatLength)));
    drawOnTerminal("\r" + m_label + " [" + bar + "] " + words + "\x1b[K");
}

}  // namespace conclave::terminal
