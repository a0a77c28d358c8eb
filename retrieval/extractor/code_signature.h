// code_signature.h: what the words before an opening brace define.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace conclave::retrieval::extractor {

/// A name or key word in a source: bytes start..end.
struct Word {
    std::size_t start = 0;
    std::size_t end = 0;
};

[[nodiscard]] bool isWordByte(char c);

/// The next word at or after `at` before `end`; empty at `end` if there is none.
[[nodiscard]] Word nextWord(std::string_view text, std::size_t at, std::size_t end);

[[nodiscard]] inline std::string_view slice(std::string_view text, Word word) {
    return text.substr(word.start, word.end - word.start);
}

/// Scope: a namespace or the like, whose members count as its own. Type: a class. Body: a function
/// or a value. Nothing: what is none of these, as a loop.
enum class Opens { Nothing, Scope, Type, Body };

struct Opening {
    Opens kind = Opens::Nothing;
    Word name;
};

/// Of the words from `start`, the end of the last statement, to the brace at `end`.
[[nodiscard]] Opening classifySignature(std::string_view text, std::size_t start, std::size_t end);

}  // namespace conclave::retrieval::extractor
