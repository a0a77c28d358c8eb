// token_cursor.h: the tokens of a template, one after the other.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/tokenizer/jinja/lexer.h"

namespace conclave::engine::jinja {

/// Reads tokens and keeps the first error, which sticks: from then on every token reads as End, so
/// that all loops come to their end and callers need not check each step.
class TokenCursor {
public:
    /// How far statements and expressions may be nested.
    static constexpr int kDeepest = 120;

    explicit TokenCursor(std::vector<Token> tokens) : m_tokens(std::move(tokens)) {}

    [[nodiscard]] bool failed() const { return m_error.has_value(); }
    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }

    [[nodiscard]] const Token& peek(std::size_t ahead = 0) const {
        static const Token kEnd;
        const std::size_t i = m_next + ahead;
        return m_error || i >= m_tokens.size() ? kEnd : m_tokens[i];
    }
    Token take() {
        Token token = peek();
        if (token.kind != TokenKind::End) ++m_next;
        return token;
    }
    [[nodiscard]] bool isOperator(std::string_view text, std::size_t ahead = 0) const {
        return peek(ahead).kind == TokenKind::Operator && peek(ahead).text == text;
    }
    [[nodiscard]] bool isName(std::string_view text, std::size_t ahead = 0) const {
        return peek(ahead).kind == TokenKind::Name && peek(ahead).text == text;
    }
    bool takeOperator(std::string_view text) {
        if (!isOperator(text)) return false;
        take();
        return true;
    }
    bool takeName(std::string_view text) {
        if (!isName(text)) return false;
        take();
        return true;
    }
    void expectOperator(std::string_view text) {
        if (!takeOperator(text)) fail("expected '" + std::string(text) + "', found " + describe());
    }
    std::string expectName() {
        if (peek().kind == TokenKind::Name) return take().text;
        fail("expected a name, found " + describe());
        return {};
    }
    void expectBlockEnd() {
        if (peek().kind == TokenKind::BlockEnd) {
            take();
        } else {
            fail("expected '%}', found " + describe());
        }
    }

    /// The next token, for a message.
    [[nodiscard]] std::string describe() const;
    void fail(std::string_view what, ErrorCode code = ErrorCode::Corrupt);
    void failTooDeep() { fail("nested too deeply", ErrorCode::LimitExceeded); }

    /// Counts nesting for as long as it lives.
    class Nesting {
    public:
        explicit Nesting(TokenCursor& cursor) : m_cursor(cursor) {
            if (++m_cursor.m_depth > kDeepest) m_cursor.failTooDeep();
        }
        Nesting(const Nesting&) = delete;
        Nesting& operator=(const Nesting&) = delete;
        ~Nesting() { --m_cursor.m_depth; }

    private:
        TokenCursor& m_cursor;
    };

private:
    std::vector<Token> m_tokens;
    std::size_t m_next = 0;
    int m_depth = 0;
    std::optional<Error> m_error;
};

}  // namespace conclave::engine::jinja
