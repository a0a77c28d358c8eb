#include "engine/tokenizer/jinja/lexer.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/utf8.h"

namespace conclave::engine::jinja {
namespace {

constexpr std::string_view kSpaces = " \t\n\r\v\f";

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isNameStart(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool isNamePart(char c) { return isNameStart(c) || isDigit(c); }

/// Line ends as \n, and without the one at the very end, as Jinja's loader does.
std::string withPlainLineEnds(std::string_view source) {
    std::string text;
    text.reserve(source.size());
    for (std::size_t i = 0; i < source.size(); ++i) {
        if (source[i] != '\r') {
            text += source[i];
        } else {
            text += '\n';
            if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
        }
    }
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

class Lexer {
public:
    explicit Lexer(std::string_view source) : m_source(withPlainLineEnds(source)) {}

    Result<std::vector<Token>> run() {
        while (!m_error && m_position < m_source.size()) {
            const std::size_t tag = findTag(m_position);
            const std::string_view text = view().substr(m_position, tag - m_position);
            if (tag == m_source.size()) {
                addData(text);
                break;
            }
            takeTag(text, tag);
        }
        if (m_error) return tl::unexpected(*m_error);
        add(TokenKind::End, {});
        return std::move(m_tokens);
    }

private:
    [[nodiscard]] std::string_view view() const { return m_source; }
    [[nodiscard]] char at(std::size_t i) const { return i < m_source.size() ? m_source[i] : '\0'; }
    [[nodiscard]] bool startsAt(std::size_t i, std::string_view text) const {
        return view().substr(std::min(i, m_source.size())).starts_with(text);
    }

    void fail(std::string_view what) {
        if (m_error) return;
        m_error = Error{ErrorCode::Corrupt,
                        "chat template, line " + std::to_string(m_line) + ": " + std::string(what)};
    }

    void add(TokenKind kind, std::string text) {
        m_tokens.push_back({kind, std::move(text), m_line});
    }

    /// Adds text that stands for itself and counts its lines.
    void addData(std::string_view text) {
        if (!text.empty()) add(TokenKind::Data, std::string(text));
    }

    void moveTo(std::size_t position) {
        m_line += static_cast<int>(
            std::count(view().begin() + static_cast<std::ptrdiff_t>(m_position),
                       view().begin() + static_cast<std::ptrdiff_t>(position), '\n'));
        m_position = position;
    }

    /// Position of the next {{, {% or {#; the end if there is none.
    [[nodiscard]] std::size_t findTag(std::size_t from) const {
        for (std::size_t i = view().find('{', from); i != std::string_view::npos;
             i = view().find('{', i + 1)) {
            const char next = at(i + 1);
            if (next == '{' || next == '%' || next == '#') return i;
        }
        return m_source.size();
    }

    /// Takes the text before a tag, then the tag.
    void takeTag(std::string_view text, std::size_t tag) {
        const char kind = at(tag + 1);
        const char sign = at(tag + 2);
        if (sign == '-') {
            text = text.substr(0, text.find_last_not_of(kSpaces) + 1);
        } else if (kind != '{' && sign != '+') {
            text = withoutIndent(text);
        }
        addData(text);
        moveTo(tag);
        const std::size_t inside = tag + 2 + (sign == '-' || sign == '+' ? 1 : 0);
        if (kind == '#') {
            takeComment(inside);
        } else if (kind == '%' && takeRaw(inside)) {
            return;
        } else {
            moveTo(inside);
            takeInside(kind == '{');
        }
    }

    /// lstrip_blocks: a block tag swallows the spaces before it if nothing else is on its line.
    [[nodiscard]] std::string_view withoutIndent(std::string_view text) const {
        const std::size_t lineBegin = text.rfind('\n') + 1;  // npos + 1 == 0
        if (lineBegin == 0 && !m_lineStarts) return text;
        const bool onlySpaces =
            text.find_first_not_of(" \t\v\f", lineBegin) == std::string_view::npos;
        return onlySpaces ? text.substr(0, lineBegin) : text;
    }

    /// After a tag's end: - swallows all white space, trim_blocks one line end.
    void takeSpaceAfter(char sign, bool isBlock) {
        std::size_t next = m_position;
        if (sign == '-') {
            next = std::min(view().find_first_not_of(kSpaces, next), m_source.size());
        } else if (isBlock && sign != '+' && at(next) == '\n') {
            ++next;
        }
        moveTo(next);
        m_lineStarts = m_position > 0 && at(m_position - 1) == '\n';
    }

    void takeComment(std::size_t inside) {
        const std::size_t end = view().find("#}", inside);
        if (end == std::string_view::npos) return fail("a comment {# has no end");
        const char sign = end > inside ? at(end - 1) : '\0';
        moveTo(end + 2);
        takeSpaceAfter(sign == '-' || sign == '+' ? sign : '\0', true);
    }

    /// {% raw %} ... {% endraw %}; false if this tag is another.
    bool takeRaw(std::size_t inside) {
        const auto skipSpaces = [&](std::size_t i) {
            return std::min(view().find_first_not_of(kSpaces, i), m_source.size());
        };
        /// End of a tag that holds `name` only, and its closing sign.
        const auto simpleTag = [&](std::size_t i,
                                   std::string_view name) -> std::pair<std::size_t, char> {
            i = skipSpaces(i);
            if (!startsAt(i, name)) return {0, '\0'};
            i = skipSpaces(i + name.size());
            const char sign = at(i) == '-' || at(i) == '+' ? at(i) : '\0';
            if (sign != '\0') ++i;
            return startsAt(i, "%}") ? std::pair{i + 2, sign} : std::pair{std::size_t{0}, '\0'};
        };
        const auto [begin, sign] = simpleTag(inside, "raw");
        if (begin == 0) return false;
        moveTo(begin);
        takeSpaceAfter(sign, true);
        for (std::size_t i = view().find("{%", m_position); i != std::string_view::npos;
             i = view().find("{%", i + 2)) {
            const char endSign = at(i + 2);
            const auto [after, afterSign] =
                simpleTag(i + 2 + (endSign == '-' || endSign == '+' ? 1 : 0), "endraw");
            if (after == 0) continue;
            std::string_view text = view().substr(m_position, i - m_position);
            if (endSign == '-') {
                text = text.substr(0, text.find_last_not_of(kSpaces) + 1);
            } else if (endSign != '+') {
                text = withoutIndent(text);
            }
            addData(text);
            moveTo(after);
            takeSpaceAfter(afterSign, true);
            return true;
        }
        fail("{% raw %} has no {% endraw %}");
        return true;
    }

    /// The tokens between {{ and }} or {% and %}.
    void takeInside(bool isVariable) {
        add(isVariable ? TokenKind::VariableBegin : TokenKind::BlockBegin, {});
        const std::string_view close = isVariable ? "}}" : "%}";
        int nOpen = 0;  // brackets: inside them }} closes dicts
        while (!m_error) {
            moveTo(std::min(view().find_first_not_of(kSpaces, m_position), m_source.size()));
            if (m_position == m_source.size()) return fail("a tag has no end");
            const char c = at(m_position);
            const bool hasSign =
                (c == '-' || (c == '+' && !isVariable)) && startsAt(m_position + 1, close);
            if (nOpen == 0 && (hasSign || startsAt(m_position, close))) {
                add(isVariable ? TokenKind::VariableEnd : TokenKind::BlockEnd, {});
                moveTo(m_position + close.size() + (hasSign ? 1 : 0));
                return takeSpaceAfter(hasSign ? c : '\0', !isVariable);
            }
            if (isNameStart(c)) {
                takeName();
            } else if (isDigit(c)) {
                takeNumber();
            } else if (c == '\'' || c == '"') {
                takeString(c);
            } else {
                takeOperator(nOpen);
            }
        }
    }

    void takeName() {
        std::size_t end = m_position;
        while (isNamePart(at(end))) ++end;
        add(TokenKind::Name, m_source.substr(m_position, end - m_position));
        moveTo(end);
    }

    void takeNumber() {
        std::string digits;
        std::size_t i = m_position;
        const auto takeDigits = [&] {
            while (isDigit(at(i)) || (at(i) == '_' && isDigit(at(i + 1)))) {
                if (at(i) != '_') digits += at(i);
                ++i;
            }
        };
        takeDigits();
        TokenKind kind = TokenKind::Integer;
        if (at(i) == '.' && isDigit(at(i + 1))) {
            kind = TokenKind::Float;
            digits += at(i++);
            takeDigits();
        }
        const bool hasSign = at(i + 1) == '+' || at(i + 1) == '-';
        if ((at(i) == 'e' || at(i) == 'E') && isDigit(at(i + (hasSign ? 2 : 1)))) {
            kind = TokenKind::Float;
            digits += 'e';
            if (hasSign) digits += at(i + 1);
            i += hasSign ? 2 : 1;
            takeDigits();
        }
        add(kind, std::move(digits));
        moveTo(i);
    }

    void takeString(char quote) {
        std::string text;
        std::size_t i = m_position + 1;
        while (i < m_source.size() && at(i) != quote) {
            if (at(i) == '\\' && i + 1 < m_source.size()) {
                i = takeEscape(i + 1, text);
            } else {
                text += at(i++);
            }
        }
        if (i >= m_source.size()) return fail("a string has no closing quote");
        add(TokenKind::String, std::move(text));
        moveTo(i + 1);
    }

    /// Python's escapes; an unknown one keeps its backslash. Returns where the text goes on.
    std::size_t takeEscape(std::size_t i, std::string& text) {
        const char c = at(i);
        constexpr std::string_view kNames = "nrtabfv\\'\"";
        constexpr std::string_view kMeanings = "\n\r\t\a\b\f\v\\'\"";
        if (const std::size_t which = kNames.find(c); which != std::string_view::npos) {
            text += kMeanings[which];
            return i + 1;
        }
        if (c == '\n') return i + 1;
        const std::size_t nDigits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
        unsigned value = 0;
        const std::string_view digits = view().substr(i + 1, nDigits);
        const char* end = digits.data() + digits.size();
        if (nDigits > 0 && digits.size() == nDigits) {
            const auto [stop, error] = std::from_chars(digits.data(), end, value, 16);
            const bool isSurrogate = value >= 0xD800 && value <= 0xDFFF;
            if (error == std::errc() && stop == end && value <= 0x10FFFF && !isSurrogate) {
                appendUtf8(text, char32_t{value});
                return i + 1 + nDigits;
            }
        }
        text += '\\';
        text += c;
        return i + 1;
    }

    void takeOperator(int& nOpen) {
        constexpr std::string_view kLong[] = {"//", "**", "==", "!=", "<=", ">="};
        constexpr std::string_view kShort = "+-*/%~<>=.:|,()[]{}";
        const std::string_view rest = view().substr(m_position);
        std::size_t length = kShort.find(rest.front()) != std::string_view::npos ? 1 : 0;
        for (const std::string_view candidate : kLong) {
            if (rest.starts_with(candidate)) length = candidate.size();
        }
        if (length == 0) {
            return fail("unexpected character '" + std::string(rest.substr(0, 1)) + "'");
        }
        const char c = rest.front();
        if (c == '(' || c == '[' || c == '{') ++nOpen;
        if ((c == ')' || c == ']' || c == '}') && nOpen > 0) --nOpen;
        add(TokenKind::Operator, std::string(rest.substr(0, length)));
        moveTo(m_position + length);
    }

    std::string m_source;
    std::size_t m_position = 0;
    int m_line = 1;
    bool m_lineStarts = true;  ///< the text after the last tag begins a line
    std::vector<Token> m_tokens;
    std::optional<Error> m_error;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view source) { return Lexer(source).run(); }

}  // namespace conclave::engine::jinja
