#include "retrieval/extractor/code_signature.h"

#include <array>

#include "retrieval/extractor/ascii.h"

namespace conclave::retrieval::extractor {
namespace {

constexpr auto kTypeWords = std::to_array<std::string_view>(
    {"class", "struct", "enum", "interface", "trait", "impl", "union", "protocol", "record"});
/// Words that are names elsewhere.
constexpr auto kFirstTypeWords =
    std::to_array<std::string_view>({"object", "message", "service", "actor", "extension"});
/// With the brackets after them.
constexpr auto kSkipped = std::to_array<std::string_view>(
    {"template", "__attribute__", "alignas", "decltype", "__declspec", "requires"});
constexpr auto kOpenWords =
    std::to_array<std::string_view>({"namespace", "extern", "mod", "package"});
constexpr auto kNoNames = std::to_array<std::string_view>(
    {"import", "if",    "for",     "while",   "switch", "catch",       "return",
     "do",     "else",  "try",     "foreach", "when",   "match",       "loop",
     "unless", "until", "finally", "using",   "lock",   "synchronized"});

/// The words between the last statement and a brace, and what they define.
class Signature {
public:
    Signature(std::string_view text, std::size_t start, std::size_t end)
        : m_text(text), m_start(end - std::min(end - start, kLongest)), m_end(end) {}

    [[nodiscard]] Opening classify() const {
        Word assigned;
        Word last;
        Word word = nextWord(m_text, m_start, m_end);
        const Word first = word;
        while (word.start < m_end) {
            const std::string_view name = slice(m_text, word);
            const std::size_t next = skipSpace(word.end);
            const bool isAnnotation = word.start > m_start && m_text[word.start - 1] == '@';
            if (isAnnotation || isOneOf(name, kSkipped)) {
                word = nextWord(m_text, skipBrackets(next), m_end);
                continue;
            }
            const bool isTypeWord = isOneOf(name, kTypeWords) ||
                                    (word.start == first.start && isOneOf(name, kFirstTypeWords));
            if (isTypeWord && at(next) != '(') return classifyType(word, last);
            if (isOneOf(name, kOpenWords)) return {Opens::Scope, {}};
            if (isOneOf(name, kNoNames)) return {};
            if (assigned.end == 0 && isAssignment(next)) assigned = word;
            const std::size_t bracket =
                at(next) == '<' || at(next) == '[' ? skipSpace(skipBrackets(next)) : next;
            if (at(bracket) == '(') {
                if (assigned.end > 0) return {Opens::Body, assigned};
                const bool isWordOnly = name == "func" || name == "function" || name == "fun";
                if (!isWordOnly) return {Opens::Body, withScope(word)};
                // Go's receiver: func (r *T) name(…)
                word = nextWord(m_text, skipBrackets(bracket), m_end);
                if (at(skipSpace(word.end)) != '(') return {};
                return {Opens::Body, word};
            }
            last = word;
            word = nextWord(m_text, word.end, m_end);
        }
        if (assigned.end > 0) return {Opens::Body, assigned};
        if (last.end > last.start) return {Opens::Body, last};  // "sub name {", "init {"
        return {};
    }

private:
    static constexpr std::size_t kLongest = 2000;
    /// So that brackets which never close cost little.
    static constexpr std::size_t kLongestBrackets = 300;

    [[nodiscard]] char at(std::size_t i) const { return i < m_end ? m_text[i] : '\0'; }

    [[nodiscard]] std::size_t skipSpace(std::size_t i) const {
        return std::min(m_text.find_first_not_of(" \t\r\n", i), m_end);
    }

    /// Past what begins at `i` with a bracket; `i` itself where there is none.
    [[nodiscard]] std::size_t skipBrackets(std::size_t i) const {
        const char opening = at(i);
        if (opening != '(' && opening != '<' && opening != '[') return i;
        const char closing = opening == '(' ? ')' : opening == '<' ? '>' : ']';
        int depth = 0;
        const std::size_t end = std::min(m_end, i + kLongestBrackets);
        for (; i < end; ++i) {
            if (m_text[i] == opening) ++depth;
            if (m_text[i] == closing && --depth == 0) return i + 1;
        }
        return end;
    }

    /// "name = (…) => {", "name := func(…) {", "name <- function(…) {"
    [[nodiscard]] bool isAssignment(std::size_t i) const {
        return (at(i) == '=' && at(i + 1) != '=') || (at(i) == ':' && at(i + 1) == '=') ||
               (at(i) == '<' && at(i + 1) == '-');
    }

    /// With the class before it: Chunker::split.
    [[nodiscard]] Word withScope(Word name) const {
        while (name.start >= m_start + 3 && m_text.substr(name.start - 2, 2) == "::" &&
               isWordByte(m_text[name.start - 3])) {
            name.start -= 2;
            while (name.start > m_start && isWordByte(m_text[name.start - 1])) --name.start;
        }
        return name;
    }

    [[nodiscard]] Opening classifyType(Word word, Word before) const {
        const bool isImpl = slice(m_text, word) == "impl";
        std::size_t from = word.end;
        if (isImpl) from = skipBrackets(skipSpace(from));
        Word name = nextWord(m_text, from, m_end);
        while (name.start < m_end && isOneOf(slice(m_text, name), kTypeWords)) {
            name = nextWord(m_text, name.end, m_end);  // "enum class Name"
        }
        if (name.start >= m_end) {
            if (before.end == before.start) return {Opens::Scope, {}};
            return {Opens::Type, before};  // Go: type Name struct
        }
        if (isImpl) {  // "impl Trait for Name"
            for (Word next = nextWord(m_text, name.end, m_end); next.start < m_end;
                 next = nextWord(m_text, next.end, m_end)) {
                if (slice(m_text, next) != "for") continue;
                const Word target = nextWord(m_text, next.end, m_end);
                if (target.start < m_end) name = target;
            }
            return {Opens::Type, name};
        }
        // C: struct name *function(…)
        const std::size_t next = std::min(m_text.find_first_not_of(" \t\r\n*&", name.end), m_end);
        const Word function = nextWord(m_text, next, m_end);
        if (function.start == next && at(skipSpace(function.end)) == '(') {
            return {Opens::Body, function};
        }
        return {Opens::Type, name};
    }

    std::string_view m_text;
    std::size_t m_start;
    std::size_t m_end;
};

}  // namespace

bool isWordByte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}

Word nextWord(std::string_view text, std::size_t at, std::size_t end) {
    while (at < end && !isWordByte(text[at])) ++at;
    std::size_t stop = at;
    while (stop < end && isWordByte(text[stop])) ++stop;
    return {at, stop};
}

Opening classifySignature(std::string_view text, std::size_t start, std::size_t end) {
    return Signature(text, start, end).classify();
}

}  // namespace conclave::retrieval::extractor
