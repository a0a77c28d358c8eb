#include "ui/markdown/document_inline.h"

#include <array>
#include <utility>

namespace conclave::ui {

namespace {

using Style = TextRun::Style;

bool isWordByte(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

bool isPunctuation(char c) { return c > ' ' && c <= '~' && !isWordByte(c); }

/// Reads from left to right; what it has no meaning for stays as it is.
class InlineReader {
public:
    InlineReader(std::string_view text, std::vector<TextRun>& runs) : m_text(text), m_runs(runs) {}

    void read(std::size_t start, std::size_t end, Style style) {
        m_plain = start;
        for (std::size_t at = start; at < end;) {
            const std::size_t next = readMark(at, end, style);
            if (next == at) {
                ++at;
            } else {
                at = m_plain = next;
            }
        }
        flush(end, style);
    }

private:
    void flush(std::size_t end, Style style) {
        if (end > m_plain) add(m_plain, end, style);
        m_plain = end;
    }

    void add(std::size_t start, std::size_t end, Style style) {
        const std::string_view bytes = m_text.substr(start, end - start);
        m_runs.push_back({QString::fromUtf8(bytes.data(), static_cast<qsizetype>(bytes.size())),
                          start, end, true, style});
    }

    /// Text between two marks, read for marks of its own.
    void inner(std::size_t start, std::size_t end, Style style) {
        InlineReader(m_text, m_runs).read(start, end, style);
    }

    /// Where reading goes on after a mark at `at`; `at` itself: there is none.
    std::size_t readMark(std::size_t at, std::size_t end, Style style) {
        switch (m_text[at]) {
            case '\\':
                if (at + 1 >= end || !isPunctuation(m_text[at + 1])) return at;
                flush(at, style);
                add(at + 1, at + 2, style);
                return at + 2;
            case '\n': return readBreak(at, end, style);
            case '`': return readCode(at, end, style);
            case '*':
            case '_': return readEmphasis(at, end, style);
            case '~': return readPair(at, end, "~~", Style::Struck, style);
            case '!':
                return at + 1 < end && m_text[at + 1] == '[' ? readLink(at, at + 1, end, style)
                                                             : at;
            case '[': return readLink(at, at, end, style);
            case '<': return readAngle(at, end, style);
            case '&': return readEntity(at, end, style);
            default: return at;
        }
    }

    /// With what indents the next line, or begins a line of a quote.
    std::size_t readBreak(std::size_t at, std::size_t end, Style style) {
        std::size_t next = at + 1;
        while (next < end && (m_text[next] == ' ' || m_text[next] == '\t' || m_text[next] == '\r' ||
                              m_text[next] == '>')) {
            ++next;
        }
        flush(at, style);
        m_runs.push_back({QStringLiteral(" "), at, next, false, style});
        return next;
    }

    std::size_t readCode(std::size_t at, std::size_t end, Style style) {
        std::size_t content = at;
        while (content < end && m_text[content] == '`') ++content;
        const std::string_view ticks = m_text.substr(at, content - at);
        for (std::size_t close = content; close < end; ++close) {
            close = m_text.substr(0, end).find(ticks, close);
            if (close == std::string_view::npos) return at;
            std::size_t after = close;
            while (after < end && m_text[after] == '`') ++after;
            if (after - close != ticks.size()) {
                close = after - 1;
                continue;
            }
            flush(at, style);
            std::size_t from = content;
            std::size_t to = close;
            if (to - from > 2 && m_text[from] == ' ' && m_text[to - 1] == ' ') {
                ++from;
                --to;
            }
            if (to > from) add(from, to, Style::Code);
            return after;
        }
        return at;
    }

    std::size_t readEmphasis(std::size_t at, std::size_t end, Style style) {
        const bool isUnderscore = m_text[at] == '_';
        if (isUnderscore && at > 0 && isWordByte(m_text[at - 1])) return at;
        if (at + 1 < end && m_text[at + 1] == m_text[at]) {
            return readPair(at, end, isUnderscore ? "__" : "**", Style::Bold, style);
        }
        return readPair(at, end, isUnderscore ? "_" : "*", Style::Italic, style);
    }

    std::size_t readPair(std::size_t at, std::size_t end, std::string_view mark, Style inside,
                         Style style) {
        const std::string_view line = m_text.substr(0, end);
        const std::size_t content = at + mark.size();
        if (line.substr(at, mark.size()) != mark || content >= end || line[content] == ' ') {
            return at;
        }
        for (std::size_t close = line.find(mark, content + 1); close != std::string_view::npos;
             close = line.find(mark, close + 1)) {
            if (line[close - 1] == ' ' || line[close - 1] == '\\') continue;
            const std::size_t after = close + mark.size();
            const bool isLonger =
                mark.size() == 1 && mark != "~" && after < end && line[after] == mark.front();
            if (isLonger) {
                ++close;
                continue;
            }
            if (mark.front() == '_' && after < end && isWordByte(line[after])) continue;
            flush(at, style);
            inner(content, close, inside);
            return after;
        }
        return at;
    }

    std::size_t readLink(std::size_t at, std::size_t bracket, std::size_t end, Style style) {
        int depth = 0;
        std::size_t close = bracket;
        for (; close < end; ++close) {
            if (m_text[close] == '\\') {
                ++close;
            } else if (m_text[close] == '[') {
                ++depth;
            } else if (m_text[close] == ']' && --depth == 0) {
                break;
            }
        }
        if (close + 1 >= end || m_text[close + 1] != '(') return at;
        const std::size_t after = m_text.substr(0, end).find(')', close + 1);
        if (after == std::string_view::npos) return at;
        flush(at, style);
        inner(bracket + 1, close, style);
        return after + 1;
    }

    std::size_t readAngle(std::size_t at, std::size_t end, Style style) {
        const std::string_view rest = m_text.substr(at, end - at);
        if (rest.starts_with("<!--")) {
            const std::size_t close = rest.find("-->");
            if (close == std::string_view::npos) return at;
            flush(at, style);
            return at + close + 3;
        }
        const std::size_t close = rest.find('>');
        if (close == std::string_view::npos) return at;
        const std::string_view content = rest.substr(1, close - 1);
        if (content == "br" || content == "br/" || content == "br /") {
            flush(at, style);
            m_runs.push_back({QStringLiteral(" "), at, at + close + 1, false, style});
            return at + close + 1;
        }
        if (content.find("://") == std::string_view::npos ||
            content.find(' ') != std::string_view::npos) {
            return at;
        }
        flush(at, style);
        add(at + 1, at + close, style);
        return at + close + 1;
    }

    std::size_t readEntity(std::size_t at, std::size_t end, Style style) {
        static constexpr std::array<std::pair<std::string_view, char16_t>, 7> kEntities = {
            {{"&amp;", u'&'},
             {"&lt;", u'<'},
             {"&gt;", u'>'},
             {"&quot;", u'"'},
             {"&apos;", u'\''},
             {"&#39;", u'\''},
             {"&nbsp;", u'\u00a0'}}};
        const std::string_view rest = m_text.substr(at, end - at);
        for (const auto& [name, character] : kEntities) {
            if (!rest.starts_with(name)) continue;
            flush(at, style);
            m_runs.push_back({QString(QChar(character)), at, at + name.size(), false, style});
            return at + name.size();
        }
        return at;
    }

    std::string_view m_text;
    std::vector<TextRun>& m_runs;
    std::size_t m_plain = 0;  ///< where text begins that is not yet in a run
};

}  // namespace

void appendInline(std::string_view text, std::size_t start, std::size_t end,
                  std::vector<TextRun>& runs, TextRun::Style style) {
    InlineReader(text, runs).read(start, end, style);
}

}  // namespace conclave::ui
