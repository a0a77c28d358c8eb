#include "app/terminal/interrupt.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include <unistd.h>

namespace conclave::terminal {
namespace {

volatile std::sig_atomic_t interrupted = 0;

void onInterrupt(int) {
    // A third Ctrl-C while the first is not seen yet: something hangs, so let it go.
    constexpr int kExitCode = 130;
    constexpr int kImpatient = 3;
    interrupted = interrupted + 1;
    if (interrupted >= kImpatient) ::_exit(kExitCode);
}

}  // namespace

void catchInterrupts() {
    struct sigaction action {};
    action.sa_handler = onInterrupt;
    sigemptyset(&action.sa_mask);
    action.sa_flags = 0;  // a waiting read must return
    ::sigaction(SIGINT, &action, nullptr);
}

bool wasInterrupted() { return interrupted != 0; }
void forgetInterrupts() { interrupted = 0; }

CancelOnInterrupt::CancelOnInterrupt()
    : m_thread([this](const std::stop_token& end) {
          constexpr auto kPoll = std::chrono::milliseconds(20);
          while (!end.stop_requested()) {
              if (wasInterrupted()) m_source.request_stop();
              std::this_thread::sleep_for(kPoll);
          }
      }) {}

LineReader::Outcome LineReader::read(std::string& line) {
    while (true) {
        if (const std::size_t end = m_buffer.find('\n'); end != std::string::npos) {
            line = m_buffer.substr(0, end);
            m_buffer.erase(0, end + 1);
            return Outcome::Line;
        }
        std::array<char, 4096> bytes{};
        const ssize_t count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
        if (count > 0) {
            m_buffer.append(bytes.data(), static_cast<std::size_t>(count));
        } else if (count < 0 && errno == EINTR) {
            if (wasInterrupted()) return Outcome::Interrupted;
        } else {
            if (m_buffer.empty()) return Outcome::End;
            line = std::exchange(m_buffer, {});
            return Outcome::Line;
        }
    }
}

}  // namespace conclave::terminal
