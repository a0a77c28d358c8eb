// Text of a document as a person reads it: Markdown's marks left out, with the way back to the
// source.
#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <string>
#include <string_view>

#include "app/services/services.h"
#include "base/utf8.h"

namespace conclave::services {
namespace {

constexpr std::string_view kBetweenCells = " \u00b7 ";
constexpr std::string_view kItemMark = "\u2022 ";

enum class Markup { None, Rows, Markdown };

/// What the document reader leaves in the text: Markdown as it was written, and " | " between the
/// cells of other formats' tables. In plain text and source code every character is meant.
Markup markupOf(const std::filesystem::path& path) {
    static constexpr auto kMarkdown = std::to_array<std::string_view>(
        {".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd", ".rmd", ".ipynb"});
    static constexpr auto kWithTables = std::to_array<std::string_view>(
        {".html", ".htm", ".xhtml", ".docx", ".odt", ".epub", ".pptx", ".odp", ".xlsx", ".ods",
         ".csv", ".tsv", ".json", ".jsonl"});
    std::string extension = path.extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) {
        return static_cast<char>(c < 0x80 ? std::tolower(c) : c);
    });
    const auto has = [&](const auto& list) {
        return std::find(list.begin(), list.end(), extension) != list.end();
    };
    if (has(kMarkdown)) return Markup::Markdown;
    return has(kWithTables) ? Markup::Rows : Markup::None;
}

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/// A letter, a digit or part of a longer character.
bool isOfWord(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || std::isalnum(byte) != 0;
}

class Reader {
public:
    Reader(std::string_view source, Markup markup) : m_source(source), m_markup(markup) {}

    ReadableText read() {
        for (std::size_t start = 0; start < m_source.size();) {
            const std::size_t newline = std::min(m_source.find('\n', start), m_source.size());
            const std::size_t nBefore = m_readable.text.size();
            const bool isShown = readLine(start, newline);
            const bool hasNewline = newline < m_source.size();
            // A line of marks alone goes with its end; others keep theirs.
            if (hasNewline && (isShown || m_readable.text.size() > nBefore)) {
                copy(newline, newline + 1);
            }
            start = newline + 1;
        }
        return std::move(m_readable);
    }

private:
    void copy(std::size_t start, std::size_t end) {
        if (start >= end) return;
        auto& pieces = m_readable.pieces;
        const std::size_t plain = m_readable.text.size();
        m_readable.text += m_source.substr(start, end - start);
        if (!pieces.empty() && pieces.back().source + pieces.back().size == start &&
            pieces.back().plain + pieces.back().size == plain) {
            pieces.back().size += end - start;
        } else {
            pieces.push_back({plain, start, end - start});
        }
    }

    void insert(std::string_view text) { m_readable.text += text; }

    [[nodiscard]] std::string_view part(std::size_t start, std::size_t end) const {
        return m_source.substr(start, end - start);
    }

    /// False for a line of which nothing is to be shown.
    bool readLine(std::size_t start, std::size_t end) {
        std::size_t last = end;
        while (last > start && isBlank(m_source[last - 1])) --last;
        std::size_t first = start;
        while (first < last && isBlank(m_source[first])) ++first;
        const std::string_view line = part(first, last);
        if (m_markup == Markup::Markdown) {
            if (line.starts_with("```") || line.starts_with("~~~")) {
                m_isCode = !m_isCode;
                return false;
            }
            if (m_isCode) {
                copy(start, end);
                return true;
            }
            if (isRule(line)) return false;
            copy(start, first);
            first = readBeginning(first, last);
        } else {
            copy(start, first);
        }
        if (m_markup == Markup::None) {
            copy(first, last);
        } else if (isRow(part(first, last))) {
            readRow(first, last);
        } else {
            readInline(first, last);
        }
        return true;
    }

    /// "| --- | :-: |", "+----+----+", "---", "***", "====" under a heading.
    static bool isRule(std::string_view line) {
        if (line.size() < 3) return false;
        const bool isTableRule = line.find('-') != std::string_view::npos &&
                                 line.find_first_of("|+") != std::string_view::npos &&
                                 line.find_first_not_of("|+-:= \t") == std::string_view::npos;
        const bool isOfOneSign =
            std::string_view("-=*_").find(line.front()) != std::string_view::npos &&
            line.find_first_not_of(line.front()) == std::string_view::npos;
        return isTableRule || isOfOneSign;
    }

    /// Marks at the beginning of a line: quotation, heading, list item, task. Gives where the text
    /// begins.
    std::size_t readBeginning(std::size_t first, std::size_t last) {
        const auto skipBlanks = [&] {
            while (first < last && isBlank(m_source[first])) ++first;
        };
        while (first < last && m_source[first] == '>') {
            ++first;
            skipBlanks();
        }
        std::size_t nSigns = 0;
        while (first + nSigns < last && m_source[first + nSigns] == '#') ++nSigns;
        constexpr std::size_t kDeepest = 6;
        if (nSigns > 0 && nSigns <= kDeepest &&
            (first + nSigns == last || isBlank(m_source[first + nSigns]))) {
            first += nSigns;
            skipBlanks();
            return first;
        }
        const bool isItem =
            last - first > 1 &&
            std::string_view("-*+").find(m_source[first]) != std::string_view::npos &&
            isBlank(m_source[first + 1]);
        if (!isItem) return first;
        ++first;
        skipBlanks();
        const std::string_view rest = part(first, last);
        constexpr std::size_t kBox = 3;
        if (rest.starts_with("[ ]") || rest.starts_with("[x]") || rest.starts_with("[X]")) {
            insert(rest[1] == ' ' ? "\u2610 " : "\u2611 ");
            first += kBox;
            skipBlanks();
        } else {
            insert(kItemMark);
        }
        return first;
    }

    [[nodiscard]] bool isRow(std::string_view line) const {
        if (line.find('|') == std::string_view::npos) return false;
        return (m_markup == Markup::Markdown && line.starts_with('|')) ||
               line.find(" | ") != std::string_view::npos;
    }

    void readRow(std::size_t first, std::size_t last) {
        bool isFirst = true;
        for (std::size_t start = first; start <= last;) {
            std::size_t end = start;
            while (end < last &&
                   (m_source[end] != '|' || (end > start && m_source[end - 1] == '\\')))
                ++end;
            std::size_t from = start;
            std::size_t to = end;
            while (from < to && isBlank(m_source[from])) ++from;
            while (to > from && isBlank(m_source[to - 1])) --to;
            const bool isEdge = from == to && (start == first || end == last);
            if (!isEdge) {
                if (!isFirst) insert(kBetweenCells);
                isFirst = false;
                readInline(from, to);
            }
            start = end + 1;
        }
    }

    void readInline(std::size_t first, std::size_t last) {
        if (m_markup != Markup::Markdown) return copy(first, last);
        for (std::size_t at = first; at < last;) {
            const std::size_t next = readMark(at, first, last);
            if (next > at) {
                at = next;
            } else {
                copy(at, at + 1);
                ++at;
            }
        }
    }

    /// Where the mark at `at` ends and its text is written, or `at` if there is none.
    std::size_t readMark(std::size_t at, std::size_t first, std::size_t last) {
        switch (m_source[at]) {
            case '\\':
                if (at + 1 < last && std::ispunct(static_cast<unsigned char>(m_source[at + 1]))) {
                    copy(at + 1, at + 2);
                    return at + 2;
                }
                return at;
            case '`': return readCode(at, last);
            case '*':
            case '_':
            case '~': return readEmphasis(at, first, last);
            case '[': return readLink(at, last);
            case '!':
                if (at + 1 < last && m_source[at + 1] == '[') {
                    const std::size_t end = readLink(at + 1, last);
                    return end > at + 1 ? end : at;
                }
                return at;
            case '<': {
                const std::string_view rest = part(at, last);
                const std::size_t close = rest.find('>');
                const bool isAddress = rest.starts_with("<http") || rest.starts_with("<mailto:");
                if (!isAddress || close == std::string_view::npos) return at;
                copy(at + 1, at + close);
                return at + close + 1;
            }
            default: return at;
        }
    }

    std::size_t readCode(std::size_t at, std::size_t last) {
        std::size_t nTicks = 0;
        while (at + nTicks < last && m_source[at + nTicks] == '`') ++nTicks;
        const std::string ticks(nTicks, '`');
        const std::size_t close = m_source.find(ticks, at + nTicks);
        if (close == std::string_view::npos || close + nTicks > last) return at;
        copy(at + nTicks, close);
        return close + nTicks;
    }

    /// "**bold**": a run of signs beside a word that is closed by the same run later.
    std::size_t readEmphasis(std::size_t at, std::size_t first, std::size_t last) {
        const char sign = m_source[at];
        std::size_t n = 0;
        while (at + n < last && m_source[at + n] == sign) ++n;
        constexpr std::size_t kMost = 3;
        if (n > kMost || (sign == '~' && n != 2)) return at;
        const bool isInWord = sign == '_' && at > first && isOfWord(m_source[at - 1]);
        if (isInWord || at + n >= last || isBlank(m_source[at + n])) return at;
        const std::string run(n, sign);
        for (std::size_t close = m_source.find(run, at + n);
             close != std::string_view::npos && close + n <= last;
             close = m_source.find(run, close + 1)) {
            const std::size_t behind = close + n;
            const bool isLonger = behind < last && m_source[behind] == sign;
            const bool goesOn = sign == '_' && behind < last && isOfWord(m_source[behind]);
            if (isBlank(m_source[close - 1]) || isLonger || goesOn) continue;
            readInline(at + n, close);
            return behind;
        }
        return at;
    }

    /// "[text](target)": the text.
    std::size_t readLink(std::size_t at, std::size_t last) {
        const std::string_view rest = part(at, last);
        const std::size_t between = rest.find("](");
        if (between == std::string_view::npos || rest.substr(1, between).find('[') < between - 1) {
            return at;
        }
        const std::size_t close = rest.find(')', between);
        if (close == std::string_view::npos) return at;
        readInline(at + 1, at + between);
        return at + close + 1;
    }

    std::string_view m_source;
    Markup m_markup;
    ReadableText m_readable;
    bool m_isCode = false;
};

}  // namespace

std::size_t ReadableText::fromSource(std::size_t sourceByte) const {
    for (const Piece& piece : pieces) {
        if (sourceByte < piece.source) return piece.plain;
        if (sourceByte < piece.source + piece.size) return piece.plain + sourceByte - piece.source;
    }
    return pieces.empty() ? 0 : pieces.back().plain + pieces.back().size;
}

std::size_t ReadableText::toSource(std::size_t plainByte) const {
    std::size_t before = 0;
    for (const Piece& piece : pieces) {
        if (plainByte < piece.plain) return piece.source;
        before = piece.source + piece.size;
        if (plainByte < piece.plain + piece.size) return piece.source + plainByte - piece.plain;
    }
    return before;
}

ReadableText readableText(std::string_view source, const std::filesystem::path& path) {
    return Reader(source, markupOf(path)).read();
}

std::string readableLine(std::string_view source, const std::filesystem::path& path) {
    std::string line;
    for (const char c : readableText(source, path).text) {
        const bool isSpace = isBlank(c) || c == '\n';
        if (isSpace && (line.empty() || line.back() == ' ')) continue;
        line += isSpace ? ' ' : c;
    }
    while (line.ends_with(' ')) line.pop_back();
    return line;
}

std::string snippetOf(std::string_view query, std::string_view passage,
                      const std::filesystem::path& path, std::size_t nCharacters) {
    const retrieval::TextSpan span = retrieval::excerptFor(query, passage, nCharacters);
    std::string snippet =
        readableLine(passage.substr(span.startByte, span.endByte - span.startByte), path);
    if (span.startByte > 0) snippet.insert(0, "\u2026 ");
    if (span.endByte < passage.size()) snippet += " \u2026";
    return snippet;
}

}  // namespace conclave::services
