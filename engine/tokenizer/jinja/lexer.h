// lexer.h: a template's text as tokens, white space already removed as its tags ask.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace conclave::engine::jinja {

enum class TokenKind {
    Data,           ///< text between tags
    VariableBegin,  ///< {{
    VariableEnd,    ///< }}
    BlockBegin,     ///< {%
    BlockEnd,       ///< %}
    Name,
    Integer,
    Float,
    String,    ///< without quotes, escapes resolved
    Operator,  ///< one of + - * ** / // % ~ == != < <= > >= = . : | , ( ) [ ] { }
    End,
};

struct Token {
    TokenKind kind = TokenKind::End;
    std::string text;
    int line = 1;
};

/// Cuts `source` with trim_blocks and lstrip_blocks on, as Hugging Face's loader does, whose
/// templates these are. The last token is End.
/// Errors: Corrupt (an unfinished tag, string or comment), with the line.
[[nodiscard]] Result<std::vector<Token>> tokenize(std::string_view source);

}  // namespace conclave::engine::jinja
