// interrupt.h: Ctrl-C stops what is going on, not the program.
#pragma once

#include <optional>
#include <string>

namespace conclave::terminal {

/// Takes over SIGINT for the rest of the program.
void catchInterrupts();

/// True if Ctrl-C was pressed since the last call of forgetInterrupts().
[[nodiscard]] bool wasInterrupted();
void forgetInterrupts();

/// Reads standard input line by line without losing Ctrl-C.
class LineReader {
public:
    enum class Outcome { Line, End, Interrupted };
    [[nodiscard]] Outcome read(std::string& line);

private:
    std::string m_buffer;
};

}  // namespace conclave::terminal
