// interrupt.h: Ctrl-C stops what is going on, not the program.
#pragma once

#include <stop_token>
#include <thread>

namespace conclave::terminal {

/// Takes over SIGINT for the rest of the program.
void catchInterrupts();

/// True if Ctrl-C was pressed since the last call of forgetInterrupts().
[[nodiscard]] bool wasInterrupted();
void forgetInterrupts();

/// Asks for an end of the computation when Ctrl-C is pressed.
class CancelOnInterrupt {
public:
    CancelOnInterrupt();
    [[nodiscard]] std::stop_token token() const { return m_source.get_token(); }

private:
    std::stop_source m_source;
    std::jthread m_thread;
};

}  // namespace conclave::terminal
