#include "engine/tokenizer/jinja/token_cursor.h"

namespace conclave::engine::jinja {

std::string TokenCursor::describe() const {
    switch (peek().kind) {
        case TokenKind::Data: return "text";
        case TokenKind::VariableBegin: return "'{{'";
        case TokenKind::VariableEnd: return "'}}'";
        case TokenKind::BlockBegin: return "'{%'";
        case TokenKind::BlockEnd: return "'%}'";
        case TokenKind::End: return "the end of the template";
        default: return "'" + peek().text + "'";
    }
}

void TokenCursor::fail(std::string_view what, ErrorCode code) {
    if (m_error) return;
    const int line = m_next < m_tokens.size() ? m_tokens[m_next].line : m_tokens.back().line;
    m_error = Error{code, "chat template, line " + std::to_string(line) + ": " + std::string(what)};
}

}  // namespace conclave::engine::jinja
