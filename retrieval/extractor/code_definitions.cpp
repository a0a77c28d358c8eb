#include "retrieval/extractor/code_definitions.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "retrieval/extractor/ascii.h"
#include "retrieval/extractor/code_signature.h"

namespace conclave::retrieval::extractor {
namespace {

constexpr std::size_t kMostHeadings = 50'000;

struct KnownLanguage {
    std::string_view extension;
    std::string_view mime;
    CodeFamily family;
};

constexpr auto kBraces = CodeFamily::Braces;
constexpr auto kBraceLines = CodeFamily::BraceLines;
constexpr auto kIndented = CodeFamily::Indented;
constexpr auto kLanguages = std::to_array<KnownLanguage>({
    {".bash", "text/x-shellscript", kBraceLines},
    {".c", "text/x-csrc", kBraces},
    {".cc", "text/x-c++src", kBraces},
    {".cmake", "text/x-cmake", CodeFamily::Other},
    {".cpp", "text/x-c++src", kBraces},
    {".cs", "text/x-csharp", kBraces},
    {".cu", "text/x-c++src", kBraces},
    {".cxx", "text/x-c++src", kBraces},
    {".dart", "text/x-dart", kBraces},
    {".ex", "text/x-elixir", kIndented},
    {".go", "text/x-go", kBraceLines},
    {".h", "text/x-chdr", kBraces},
    {".hh", "text/x-c++hdr", kBraces},
    {".hpp", "text/x-c++hdr", kBraces},
    {".hs", "text/x-haskell", CodeFamily::Other},
    {".hxx", "text/x-c++hdr", kBraces},
    {".java", "text/x-java", kBraces},
    {".jl", "text/x-julia", kIndented},
    {".js", "text/x-javascript", kBraceLines},
    {".jsx", "text/x-javascript", kBraceLines},
    {".kt", "text/x-kotlin", kBraceLines},
    {".lua", "text/x-lua", kIndented},
    {".m", "text/x-objcsrc", CodeFamily::Other},
    {".ml", "text/x-ocaml", CodeFamily::Other},
    {".mjs", "text/x-javascript", kBraceLines},
    {".php", "text/x-php", kBraces},
    {".pl", "text/x-perl", kBraces},
    {".pm", "text/x-perl", kBraces},
    {".proto", "text/x-protobuf", kBraces},
    {".ps1", "text/x-powershell", kBraceLines},
    {".py", "text/x-python", kIndented},
    {".pyi", "text/x-python", kIndented},
    {".r", "text/x-r", kBraceLines},
    {".rb", "text/x-ruby", kIndented},
    {".rs", "text/x-rust", kBraces},
    {".scala", "text/x-scala", kBraceLines},
    {".sh", "text/x-shellscript", kBraceLines},
    {".sql", "text/x-sql", kIndented},
    {".swift", "text/x-swift", kBraceLines},
    {".ts", "text/x-typescript", kBraceLines},
    {".tsx", "text/x-typescript", kBraceLines},
    {".zig", "text/x-zig", kBraces},
});

/// Follows braces through a source, past strings and comments.
class BraceScanner {
public:
    BraceScanner(std::string_view text, bool endsAtLine, std::vector<Heading>& headings)
        : m_text(text), m_endsAtLine(endsAtLine), m_headings(headings) {}

    void run() {
        while (m_at < m_text.size() && m_headings.size() < kMostHeadings) step();
    }

private:
    void step() {
        const char c = m_text[m_at];
        const char next = m_at + 1 < m_text.size() ? m_text[m_at + 1] : '\0';
        if (c == '/' && next == '/') return skipLine();
        if (c == '#' && isLineStart()) return skipDirective();
        if (c == '/' && next == '*') return skipTo("*/", m_at + 2);
        if (c == '"' || c == '\'' || c == '`') return skipString(c);
        if (c == '(' || c == '[') ++m_brackets;
        if ((c == ')' || c == ']') && m_brackets > 0) --m_brackets;
        if (c == '{') {
            open();
        } else if (c == '}') {
            if (!m_open.empty()) m_open.pop_back();
            m_brackets = m_open.empty() ? 0 : m_open.back().brackets;
            m_statement = m_at + 1;
        } else if (c == ';' && m_brackets == outerBrackets()) {
            m_statement = m_at + 1;
        } else if (c == '\n' && m_endsAtLine && m_brackets == outerBrackets()) {
            const std::size_t following =
                std::min(m_text.find_first_not_of(" \t\r\n", m_at), m_text.size());
            const bool goesOn = following < m_text.size() && m_text[following] == '{';
            if (!goesOn) m_statement = following;
            m_at = following - 1;  // at least this line end
        }
        ++m_at;
    }

    struct Scope {
        Opens kind = Opens::Nothing;
        int level = 0;
        int brackets = 0;
    };

    void open() {
        // Only what is not inside a function is defined for others to see.
        const bool isVisible = m_open.empty() || m_open.back().kind == Opens::Scope ||
                               m_open.back().kind == Opens::Type;
        const int level = m_open.empty() ? 0 : m_open.back().level;
        Opening opening;
        const bool isExpansion = m_at > 0 && m_text[m_at - 1] == '$';
        if (isVisible && !isExpansion && m_brackets == outerBrackets() && level < 3) {
            opening = classifySignature(m_text, m_statement, m_at);
        }
        const bool isNamed = opening.kind == Opens::Type || opening.kind == Opens::Body;
        if (isNamed && opening.name.end > opening.name.start) {
            m_headings.push_back({.page = 1,
                                  .startByte = opening.name.start,
                                  .endByte = opening.name.end,
                                  .level = level + 1});
        }
        m_open.push_back(
            {.kind = opening.kind, .level = level + (isNamed ? 1 : 0), .brackets = m_brackets});
        m_statement = m_at + 1;
    }

    [[nodiscard]] int outerBrackets() const { return m_open.empty() ? 0 : m_open.back().brackets; }

    [[nodiscard]] bool isLineStart() const {
        std::size_t i = m_at;
        while (i > 0 && (m_text[i - 1] == ' ' || m_text[i - 1] == '\t')) --i;
        return i == 0 || m_text[i - 1] == '\n';
    }

    void skipLine() {
        const std::size_t start = m_at;
        m_at = std::min(m_text.find('\n', m_at), m_text.size());
        if (isBlankBetween(m_statement, start)) m_statement = m_at;
    }

    /// A preprocessor line with those it goes on in; or a comment of the shell.
    void skipDirective() {
        const bool isOwnStatement = isBlankBetween(m_statement, m_at);
        while (m_at < m_text.size()) {
            const std::size_t end = std::min(m_text.find('\n', m_at), m_text.size());
            const bool goesOn =
                end > m_at &&
                (m_text[end - 1] == '\\' ||
                 (m_text[end - 1] == '\r' && end > m_at + 1 && m_text[end - 2] == '\\'));
            m_at = std::min(end + 1, m_text.size());
            if (!goesOn) break;
        }
        if (isOwnStatement) m_statement = m_at;
    }

    void skipTo(std::string_view mark, std::size_t from) {
        const bool isOwnStatement = isBlankBetween(m_statement, m_at);
        const std::size_t end = m_text.find(mark, from);
        m_at = end == std::string_view::npos ? m_text.size() : end + mark.size();
        if (isOwnStatement) m_statement = m_at;
    }

    /// Only white space: a comment before a signature is no part of it.
    [[nodiscard]] bool isBlankBetween(std::size_t start, std::size_t end) const {
        constexpr std::size_t kMost = 400;
        const std::string_view between = m_text.substr(start, end - std::min(start, end));
        return between.size() < kMost &&
               between.find_first_not_of(" \t\r\n") == std::string_view::npos;
    }

    /// To the closing quote; one of a line ends there, as an apostrophe in a comment would.
    void skipString(char quote) {
        if (m_text.substr(m_at, 3) == "\"\"\"") return skipTo("\"\"\"", m_at + 3);
        if (quote == '"' && m_at > 0 && m_text[m_at - 1] == 'R') return skipRawString();
        // Digit separators and lifetimes: 1'000 and 'a.
        const char before = m_at > 0 ? m_text[m_at - 1] : ' ';
        const bool afterWord = isWordByte(before) || before == '<' || before == '&';
        if (quote == '\'' && afterWord) {
            ++m_at;
            return;
        }
        constexpr std::size_t kLongest = 20'000;
        const std::size_t stop = std::min(m_text.size(), m_at + kLongest);
        for (std::size_t i = m_at + 1; i < stop; ++i) {
            if (m_text[i] == '\\') {
                ++i;
            } else if (m_text[i] == quote) {
                m_at = i + 1;
                return;
            } else if (m_text[i] == '\n' && quote != '`') {
                break;
            }
        }
        ++m_at;
    }

    void skipRawString() {
        const std::size_t bracket = m_text.find('(', m_at);
        if (bracket == std::string_view::npos || bracket - m_at > 17) {
            ++m_at;
            return;
        }
        const std::string mark =
            ")" + std::string(m_text.substr(m_at + 1, bracket - m_at - 1)) + "\"";
        skipTo(mark, bracket);
    }

    std::string_view m_text;
    bool m_endsAtLine;
    std::vector<Heading>& m_headings;
    std::size_t m_at = 0;
    std::size_t m_statement = 0;  ///< where the words before the next brace begin
    int m_brackets = 0;
    std::vector<Scope> m_open;
};

constexpr auto kModifiers = std::to_array<std::string_view>(
    {"async", "local", "private", "public", "export", "static", "CREATE", "create", "OR", "or",
     "REPLACE", "replace", "TEMP", "TEMPORARY", "UNIQUE", "unique", "MATERIALIZED"});
constexpr auto kDefiners = std::to_array<std::string_view>(
    {"def",       "class",   "function", "module", "sub",   "defp", "defmodule", "defmacro",
     "struct",    "macro",   "TABLE",    "table",  "VIEW",  "view", "FUNCTION",  "PROCEDURE",
     "procedure", "TRIGGER", "trigger",  "INDEX",  "index", "TYPE", "type"});
constexpr auto kClassWords =
    std::to_array<std::string_view>({"class", "module", "defmodule", "struct"});
constexpr auto kNotYetNames =
    std::to_array<std::string_view>({"IF", "if", "NOT", "not", "EXISTS", "exists"});

/// The name that a line defines, and whether others may be defined inside it.
std::optional<std::pair<Word, bool>> definedBy(std::string_view text, std::size_t start,
                                               std::size_t end) {
    Word word = nextWord(text, start, end);
    if (word.start != start) return std::nullopt;
    bool isCreated = false;
    while (word.start < end && isOneOf(slice(text, word), kModifiers)) {
        const std::string_view modifier = slice(text, word);
        isCreated = isCreated || modifier == "CREATE" || modifier == "create";
        word = nextWord(text, word.end, end);
    }
    const std::string_view definer = slice(text, word);
    if (!isOneOf(definer, kDefiners)) return std::nullopt;
    const bool isSqlWord = definer == "table" || definer == "TABLE" || definer == "view" ||
                           definer == "VIEW" || definer == "index" || definer == "INDEX" ||
                           definer == "type" || definer == "TYPE";
    if (isSqlWord && !isCreated) return std::nullopt;
    Word name = nextWord(text, word.end, end);
    while (isCreated && name.start < end && isOneOf(slice(text, name), kNotYetNames)) {
        name = nextWord(text, name.end, end);
    }
    if (name.start >= end) return std::nullopt;
    // Dots and colons belong to names: function M.f, def self.f, schema.table.
    while (name.end + 1 < end && (text[name.end] == '.' || text[name.end] == ':') &&
           isWordByte(text[name.end + 1])) {
        name.end = nextWord(text, name.end, end).end;
    }
    return std::pair{name, isOneOf(definer, kClassWords)};
}

/// Line by line: definitions at the margin, and in a class those of its first inner level.
void findIndented(std::string_view text, std::vector<Heading>& headings) {
    struct Class {
        std::size_t indent = 0;
        int level = 1;
    };
    std::vector<Class> classes;
    std::string_view openString;  // the marks that end it
    for (std::size_t at = 0; at < text.size() && headings.size() < kMostHeadings;) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line = text.substr(at, end - at);
        const std::size_t indent = std::min(line.find_first_not_of(" \t\r"), line.size());
        const bool isInString = !openString.empty();
        for (std::size_t i = isInString ? 0 : indent; i + 2 < line.size(); ++i) {
            const std::string_view marks = line.substr(i, 3);
            if (openString.empty() ? (marks == "\"\"\"" || marks == "'''") : marks == openString) {
                openString = openString.empty() ? marks : std::string_view();
                i += 2;
            }
        }
        if (!isInString && indent < line.size()) {
            while (!classes.empty() && classes.back().indent >= indent) classes.pop_back();
            const int level = classes.empty() ? 1 : classes.back().level + 1;
            const bool isPlace = indent == 0 || !classes.empty();
            const auto defined =
                isPlace && level <= 3 ? definedBy(text, at + indent, end) : std::nullopt;
            if (defined) {
                headings.push_back({.page = 1,
                                    .startByte = defined->first.start,
                                    .endByte = defined->first.end,
                                    .level = level});
                if (defined->second) classes.push_back({indent, level});
            }
        }
        at = end + 1;
    }
}

}  // namespace

CodeLanguage codeLanguageOf(std::string_view extension) {
    const auto* known = std::find_if(
        kLanguages.begin(), kLanguages.end(),
        [&](const KnownLanguage& language) { return language.extension == extension; });
    if (known == kLanguages.end()) return {};
    return {.mime = std::string(known->mime), .family = known->family};
}

std::vector<Heading> codeHeadings(std::string_view text, CodeFamily family) {
    std::vector<Heading> headings;
    if (family == CodeFamily::Braces || family == CodeFamily::BraceLines) {
        BraceScanner(text, family == CodeFamily::BraceLines, headings).run();
    }
    if (family == CodeFamily::Indented) findIndented(text, headings);
    std::stable_sort(headings.begin(), headings.end(),
                     [](const Heading& a, const Heading& b) { return a.startByte < b.startByte; });
    return headings;
}

}  // namespace conclave::retrieval::extractor
