#include "app/terminal/interrupt.h"

#include <chrono>
#include <csignal>

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
          constexpr auto kLook = std::chrono::milliseconds(20);
          while (!end.stop_requested()) {
              if (wasInterrupted()) m_source.request_stop();
              std::this_thread::sleep_for(kLook);
          }
      }) {}

}  // namespace conclave::terminal
