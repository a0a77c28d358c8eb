// text_tools.h: Python's string operations on texts that remember their origins.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/tokenizer/jinja/marked_text.h"

namespace conclave::engine::jinja {

/// Begin of every character, and the end of the text.
[[nodiscard]] std::vector<std::size_t> characterOffsets(std::string_view text);

/// What Python's str.isspace says of one character.
[[nodiscard]] bool isSpaceCharacter(char32_t character);

enum class Side { Left, Right, Both };
/// Without the characters in `characters` at its ends; with white space if that is empty.
[[nodiscard]] MarkedText strip(const MarkedText& text, Side side, std::string_view characters = {});

enum class LetterCase { Upper, Lower, Capitalized };
[[nodiscard]] MarkedText withCase(const MarkedText& text, LetterCase letterCase);
/// Every word capitalized; words end where `isBreak` is true.
[[nodiscard]] MarkedText titled(const MarkedText& text, bool (*isBreak)(char32_t character));

/// At most `limit` replacements; all if negative. `from` must not be empty.
[[nodiscard]] MarkedText replaced(const MarkedText& text, std::string_view from,
                                  const MarkedText& to, std::int64_t limit);

/// Parts between separators, at most `limit` cuts (all if negative); at white space, leaving out
/// empty parts, if `separator` is empty.
[[nodiscard]] std::vector<MarkedText> split(const MarkedText& text, std::string_view separator,
                                            std::int64_t limit);
/// The same, cutting from the right.
[[nodiscard]] std::vector<MarkedText> splitRight(const MarkedText& text, std::string_view separator,
                                                 std::int64_t limit);
[[nodiscard]] std::vector<MarkedText> splitLines(const MarkedText& text, bool keepEnds);

}  // namespace conclave::engine::jinja
