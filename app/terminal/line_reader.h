// line_reader.h: what the user types, line by line.
#pragma once

#include <memory>
#include <string>

namespace conclave::terminal {

/// Reads standard input without losing Ctrl-C. At a terminal the line can be edited, and earlier
/// ones come back with the arrow keys (libedit); they are kept as long as this object, not on disk.
class LineReader {
public:
    enum class Outcome { Line, End, Interrupted };

    LineReader();
    LineReader(const LineReader&) = delete;
    LineReader& operator=(const LineReader&) = delete;
    ~LineReader();

    /// The next line without its end. A backslash at the end joins it with the next one.
    [[nodiscard]] Outcome read(std::string& line);

private:
    class Editor;

    [[nodiscard]] Outcome readPart(std::string& part, bool isFirst);
    [[nodiscard]] Outcome readPlain(std::string& line);

    std::string m_buffer;              ///< read and not yet given out
    std::unique_ptr<Editor> m_editor;  ///< null: not at a terminal
};

}  // namespace conclave::terminal
