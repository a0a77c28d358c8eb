#include "app/terminal/visible_output.h"

#include <sstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/visible_text.h"

namespace conclave::terminal {
namespace {

/// What reaches the terminal when `text` is written in pieces of `size` bytes.
std::string shown(std::string_view text, std::size_t size) {
    std::stringbuf terminal;
    {
        VisibleBuffer buffer(terminal);
        std::ostream stream(&buffer);
        for (; !text.empty(); text.remove_prefix(std::min(size, text.size()))) {
            stream << text.substr(0, size) << std::flush;
        }
        EXPECT_TRUE(stream.good());
    }
    return terminal.str();
}

TEST(VisibleText, PutsANameOnOneLine) {
    EXPECT_EQ(visibleLine("a\nb\r\n.txt"), "a\\nb\\r\\n.txt");
    EXPECT_EQ(visibleLine("\n\x1b[2J\xC2\x85\t"), "\\n\\x1b[2J\\x85\t");
    EXPECT_EQ(visibleLine("住宿.md"), "住宿.md");
    EXPECT_EQ(visibleLine(""), "");
}

TEST(VisibleOutput, SpellsOutWhatWouldChangeTheTerminal) {
    const std::string_view texts[][2] = {
        {"plain\ttext\n", "plain\ttext\n"},
        {"a title\x1b]0;owned\x07.pdf", "a title\\x1b]0;owned\\x07.pdf"},
        {"\x1b[2J\x1b[1;1H", "\\x1b[2J\\x1b[1;1H"},
        {"\x1b\x1b[31m", "\\x1b\\x1b[31m"},
        {"hidden\rseen", "hidden\\x0dseen"},
        {"line\r\nline\r\n", "line\r\nline\r\n"},
        {"\x08\x7f\v\f", "\\x08\\x7f\\x0b\\x0c"},
        {"\xc2\x9b"
         "31m \xc2\xa0 \xc3\x9b",
         "\\x9b31m \xc2\xa0 \xc3\x9b"},  // C1 in UTF-8
        {"\x9b"
         "31m",
         "\\x9b31m"},  // and by itself
        {"\xe4\xbd\x9b \xf0\x9f\x98\x80 \xd1\x80", "\xe4\xbd\x9b \xf0\x9f\x98\x80 \xd1\x80"},
        {"\r", "\\x0d"},
        {"\x1b[", "\\x1b["},
    };
    for (const auto& [text, expected] : texts) {
        for (const std::size_t size : {1U, 2U, 3U, 100U}) {
            EXPECT_EQ(shown(text, size), expected) << size;
        }
    }
}

TEST(VisibleOutput, LeavesTheProgramsOwnStyles) {
    const std::string_view text = "\x1b[1mbold\x1b[0m \x1b[2mdim\x1b[0m\n";
    for (const std::size_t size : {1U, 3U, 100U}) EXPECT_EQ(shown(text, size), text);
}

TEST(VisibleOutput, LeavesFilesAndPipesAlone) {
    std::ostringstream stream;
    {
        constexpr int kNoTerminal = -1;
        const VisibleOutput output(stream, kNoTerminal);
        stream << "\x1b[2J";
    }
    EXPECT_EQ(stream.str(), "\x1b[2J");
}

}  // namespace
}  // namespace conclave::terminal
