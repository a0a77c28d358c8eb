// visible_output.h: the boundary to a terminal, past which no control character of a text gets.
#pragma once

#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace conclave::terminal {

/// Passes text on with control characters spelt out, as \x1b, so that names of files, documents,
/// models and what a model writes cannot move the cursor, hide lines or change the terminal. Line
/// ends, tabs and the styles of console.h stay.
class VisibleBuffer final : public std::streambuf {
public:
    /// `next` must outlive it.
    explicit VisibleBuffer(std::streambuf& next) : m_next(next) {}
    VisibleBuffer(const VisibleBuffer&) = delete;
    VisibleBuffer& operator=(const VisibleBuffer&) = delete;
    ~VisibleBuffer() override;

protected:
    int_type overflow(int_type c) override;
    std::streamsize xsputn(const char* text, std::streamsize size) override;
    int sync() override;

private:
    /// Appends to `shown` what `c` completes.
    void take(char c, std::string& shown);
    [[nodiscard]] bool pass(std::string_view shown);

    std::streambuf& m_next;
    std::string m_held;     ///< may become a style, a line end or a character
    int m_nContinuing = 0;  ///< bytes that the UTF-8 character begun still has
};

/// Puts one before a stream for as long as it lives, if `descriptor` is a terminal. What goes into
/// a file or to another program stays as it is.
class VisibleOutput {
public:
    VisibleOutput(std::ostream& stream, int descriptor);
    VisibleOutput(const VisibleOutput&) = delete;
    VisibleOutput& operator=(const VisibleOutput&) = delete;
    ~VisibleOutput();

private:
    std::ostream& m_stream;
    std::streambuf* m_before;
    VisibleBuffer m_buffer;
    bool m_isOn;
};

}  // namespace conclave::terminal
