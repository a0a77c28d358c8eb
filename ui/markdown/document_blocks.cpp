#include "ui/markdown/document_blocks.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "ui/markdown/code_lexer.h"
#include "ui/markdown/document_inline.h"

namespace conclave::ui {

namespace {

using Kind = DocumentBlock::Kind;

struct Line {
    std::size_t start = 0;
    std::size_t end = 0;  ///< without the line's end
};

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

Line stripped(std::string_view text, Line line) {
    while (line.start < line.end && isBlank(text[line.start])) ++line.start;
    while (line.end > line.start && isBlank(text[line.end - 1])) --line.end;
    return line;
}

std::string_view viewOf(std::string_view text, Line line) {
    return text.substr(line.start, line.end - line.start);
}

std::vector<Line> linesOf(std::string_view text) {
    std::vector<Line> lines;
    std::size_t start = 0;
    while (start < text.size()) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        lines.push_back({start, end});
        start = end + 1;
    }
    return lines;
}

/// Cells of a row between "|" that are neither escaped nor code.
std::vector<Line> cellsOf(std::string_view text, Line row, bool isMarkdown) {
    row = stripped(text, row);
    if (isMarkdown && row.start < row.end && text[row.start] == '|') ++row.start;
    if (isMarkdown && row.end > row.start && text[row.end - 1] == '|' &&
        text[row.end - 2] != '\\') {
        --row.end;
    }
    std::vector<Line> cells;
    std::size_t start = row.start;
    bool isCode = false;
    for (std::size_t at = row.start; at < row.end; ++at) {
        if (isMarkdown && text[at] == '\\') {
            ++at;
        } else if (isMarkdown && text[at] == '`') {
            isCode = !isCode;
        } else if (text[at] == '|' && !isCode) {
            cells.push_back(stripped(text, {start, at}));
            start = at + 1;
        }
    }
    cells.push_back(stripped(text, {start, row.end}));
    return cells;
}

bool isDelimiterRow(std::string_view line) {
    return line.find('|') != std::string_view::npos && line.find("--") != std::string_view::npos &&
           line.find_first_not_of("|-: \t") == std::string_view::npos;
}

TextRun exactRun(std::string_view text, Line line, TextRun::Style style = TextRun::Style::Plain) {
    const std::string_view bytes = viewOf(text, line);
    return {QString::fromUtf8(bytes.data(), static_cast<qsizetype>(bytes.size())), line.start,
            line.end, true, style};
}

/// Reads Markdown line by line. Every block of CommonMark that changes what is seen is known but
/// nesting: a list in a quote is lines of a quote.
class MarkdownReader {
public:
    explicit MarkdownReader(std::string_view text) : m_text(text), m_lines(linesOf(text)) {}

    std::vector<DocumentBlock> read() {
        for (m_at = 0; m_at < m_lines.size(); ++m_at) readLine(m_lines[m_at]);
        // Marks may go over several lines of a paragraph, so it is read as a whole.
        for (std::size_t i = 0; i < m_blocks.size(); ++i) {
            const Line range = m_ranges[i];
            if (range.end > range.start) {
                appendInline(m_text, range.start, range.end, m_blocks[i].cells.front());
            }
        }
        return std::move(m_blocks);
    }

private:
    void readLine(Line whole) {
        const Line line = stripped(m_text, whole);
        const std::string_view view = viewOf(m_text, line);
        if (view.empty()) {
            m_isOpen = false;
            return;
        }
        if (readFence(line, view) || readUnderline(view) || readHeading(line, view) ||
            readTable(line, view) || readRule(view) || readItem(whole, line) ||
            readQuote(line, view)) {
            return;
        }
        const bool isIndented = whole.start + 4 <= line.start && !isInList();
        if (!m_isOpen && isIndented) {
            addBlock(Kind::Code, {{exactRun(m_text, {whole.start + 4, line.end})}});
            return;
        }
        if (m_isOpen) {
            continueBlock(line);
        } else {
            addText(isInList() && line.start > whole.start ? Kind::Item : Kind::Paragraph, line);
            m_isOpen = true;
        }
    }

    [[nodiscard]] bool isInList() const {
        return !m_blocks.empty() && m_blocks.back().kind == Kind::Item;
    }

    DocumentBlock& addBlock(Kind kind, std::vector<std::vector<TextRun>> cells) {
        m_blocks.push_back({.kind = kind, .marker = {}, .cells = std::move(cells)});
        m_ranges.push_back({});
        m_isOpen = false;
        return m_blocks.back();
    }

    DocumentBlock& addText(Kind kind, Line line) {
        DocumentBlock& block = addBlock(kind, {{}});
        m_ranges.back() = line;
        return block;
    }

    /// A line more of the paragraph, item or quote.
    void continueBlock(Line line) {
        if (m_ranges.back().end > m_ranges.back().start) {
            m_ranges.back().end = line.end;
        } else {
            m_ranges.back() = line;
        }
    }

    bool readFence(Line line, std::string_view view) {
        if (!view.starts_with("```") && !view.starts_with("~~~")) return false;
        const std::string_view fence = view.substr(0, 3);
        const std::size_t indent = line.start - m_lines[m_at].start;
        for (++m_at; m_at < m_lines.size(); ++m_at) {
            Line code = m_lines[m_at];
            if (viewOf(m_text, stripped(m_text, code)).starts_with(fence)) break;
            for (std::size_t i = 0; i < indent && code.start < code.end; ++i) {
                if (m_text[code.start] == ' ') ++code.start;
            }
            addBlock(Kind::Code, {{exactRun(m_text, code)}});
        }
        m_isOpen = false;
        return true;
    }

    /// "===" or "---" below a paragraph makes it a heading.
    bool readUnderline(std::string_view view) {
        if (!m_isOpen || m_blocks.back().kind != Kind::Paragraph || view.size() < 2) return false;
        const char c = view.front();
        if ((c != '=' && c != '-') || view.find_first_not_of(c) != std::string_view::npos) {
            return false;
        }
        m_blocks.back().kind = Kind::Heading;
        m_blocks.back().level = c == '=' ? 1 : 2;
        m_isOpen = false;
        return true;
    }

    bool readHeading(Line line, std::string_view view) {
        const std::size_t level = std::min(view.find_first_not_of('#'), view.size());
        if (level == 0 || level > 6 || (level < view.size() && !isBlank(view[level]))) return false;
        Line title = stripped(m_text, {line.start + level, line.end});
        while (title.end > title.start && m_text[title.end - 1] == '#') --title.end;
        title = stripped(m_text, title);
        addText(Kind::Heading, title).level = static_cast<int>(level);
        m_isOpen = false;
        return true;
    }

    void addRow(Line line, bool isHeader) {
        DocumentBlock& row = addBlock(Kind::Row, {});
        row.isHeader = isHeader;
        for (const Line& cell : cellsOf(m_text, line, true)) {
            row.cells.emplace_back();
            appendInline(m_text, cell.start, cell.end, row.cells.back());
        }
    }

    bool readTable(Line line, std::string_view view) {
        if (view.find('|') == std::string_view::npos) return false;
        if (isDelimiterRow(view)) return true;  // a passage may begin or end here
        const bool hasHeader =
            m_at + 1 < m_lines.size() && isDelimiterRow(viewOf(m_text, m_lines[m_at + 1]));
        const bool goesOn = !m_isOpen && !m_blocks.empty() && m_blocks.back().kind == Kind::Row &&
                            m_at > 0 &&
                            viewOf(m_text, m_lines[m_at - 1]).find('|') != std::string_view::npos;
        const bool isFramed = view.front() == '|' && view.size() > 2 && view.back() == '|';
        if (!hasHeader && !goesOn && !isFramed) return false;
        addRow(line, hasHeader);
        if (hasHeader) ++m_at;
        return true;
    }

    bool readRule(std::string_view view) {
        std::size_t count = 0;
        const char mark = view.front();
        if (mark != '-' && mark != '*' && mark != '_') return false;
        for (const char c : view) {
            if (c == mark) {
                ++count;
            } else if (!isBlank(c)) {
                return false;
            }
        }
        if (count < 3) return false;
        addBlock(Kind::Rule, {{}});
        return true;
    }

    bool readItem(Line whole, Line line) {
        const std::string_view view = viewOf(m_text, line);
        std::size_t content = 0;
        QString marker = QStringLiteral("•");
        if (view.size() > 1 && (view[0] == '-' || view[0] == '*' || view[0] == '+')) {
            content = 1;
        } else {
            std::size_t digits = 0;
            while (digits < view.size() && view[digits] >= '0' && view[digits] <= '9') ++digits;
            const bool isNumber = digits > 0 && digits < 10 && digits < view.size() &&
                                  (view[digits] == '.' || view[digits] == ')');
            if (!isNumber) return false;
            content = digits + 1;
            marker = QString::fromLatin1(view.data(), static_cast<qsizetype>(content));
        }
        if (content < view.size() && !isBlank(view[content])) return false;
        Line text = stripped(m_text, {line.start + content, line.end});
        const std::string_view rest = viewOf(m_text, text);
        if (rest.starts_with("[ ] ") || rest.starts_with("[x] ") || rest.starts_with("[X] ")) {
            marker = rest[1] == ' ' ? QStringLiteral("☐") : QStringLiteral("☑");
            text.start += 4;
        }
        DocumentBlock& item = addText(Kind::Item, text);
        item.marker = marker;
        constexpr std::size_t kIndent = 2;
        constexpr std::size_t kDeepest = 5;
        item.level = static_cast<int>(std::min((line.start - whole.start) / kIndent, kDeepest));
        m_isOpen = true;
        return true;
    }

    bool readQuote(Line line, std::string_view view) {
        if (view.front() != '>') return false;
        while (line.start < line.end &&
               (m_text[line.start] == '>' || isBlank(m_text[line.start]))) {
            ++line.start;
        }
        if (m_isOpen && m_blocks.back().kind == Kind::Quote) {
            continueBlock(line);
        } else {
            addText(Kind::Quote, line);
        }
        m_isOpen = line.start < line.end;
        return true;
    }

    std::string_view m_text;
    std::vector<Line> m_lines;
    std::vector<DocumentBlock> m_blocks;
    std::vector<Line> m_ranges;  ///< of each block's text that is still to be read
    std::size_t m_at = 0;
    bool m_isOpen = false;  ///< the next line may belong to the last block
};

/// Lines as they are; two or more below each other with as many cells are rows.
std::vector<DocumentBlock> blocksWithTables(std::string_view text) {
    std::vector<DocumentBlock> blocks;
    const std::vector<Line> lines = linesOf(text);
    const auto nCells = [&](const Line& line) -> std::size_t {
        const std::string_view view = viewOf(text, line);
        if (view.find(" | ") == std::string_view::npos) return 0;
        return cellsOf(text, line, false).size();
    };
    for (std::size_t at = 0; at < lines.size();) {
        const std::size_t width = nCells(lines[at]);
        std::size_t end = at + 1;
        while (width > 0 && end < lines.size() && nCells(lines[end]) == width) ++end;
        if (end - at < 2) {
            blocks.push_back(
                {.kind = Kind::Paragraph, .marker = {}, .cells = {{exactRun(text, lines[at])}}});
            if (viewOf(text, stripped(text, lines[at])).empty()) blocks.back().kind = Kind::Gap;
            ++at;
            continue;
        }
        for (; at < end; ++at) {
            DocumentBlock row{.kind = Kind::Row, .marker = {}, .cells = {}};
            for (const Line& cell : cellsOf(text, lines[at], false)) {
                row.cells.push_back({exactRun(text, cell)});
            }
            blocks.push_back(std::move(row));
        }
    }
    return blocks;
}

std::vector<DocumentBlock> blocksAsTheyAre(std::string_view text, Kind kind) {
    std::vector<DocumentBlock> blocks;
    for (const Line& line : linesOf(text)) {
        blocks.push_back({.kind = kind, .marker = {}, .cells = {{exactRun(text, line)}}});
    }
    return blocks;
}

}  // namespace

QString textOf(const std::vector<TextRun>& runs) {
    QString text;
    for (const TextRun& run : runs) text += run.text;
    return text.simplified();
}

Markup markupOf(std::string_view path) {
    const std::size_t dot = path.rfind('.');
    if (dot == std::string_view::npos) return Markup::None;
    std::string ending(path.substr(dot + 1));
    for (char& c : ending) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    constexpr std::array<std::string_view, 6> kMarkdown = {"md",  "markdown", "mdown",
                                                           "mkd", "ipynb",    "mdx"};
    constexpr std::array<std::string_view, 15> kTables = {"html", "htm", "xhtml", "docx", "xlsx",
                                                          "pptx", "odt", "ods",   "odp",  "epub",
                                                          "csv",  "tsv", "eml",   "mbox", "json"};
    if (std::find(kMarkdown.begin(), kMarkdown.end(), ending) != kMarkdown.end()) {
        return Markup::Markdown;
    }
    if (std::find(kTables.begin(), kTables.end(), ending) != kTables.end()) return Markup::Tables;
    return findLanguage(QString::fromStdString(ending)) != nullptr ? Markup::Code : Markup::None;
}

std::vector<DocumentBlock> documentBlocks(std::string_view text, Markup markup) {
    switch (markup) {
        case Markup::Markdown: return MarkdownReader(text).read();
        case Markup::Tables: return blocksWithTables(text);
        case Markup::Code: return blocksAsTheyAre(text, Kind::Code);
        case Markup::None: break;
    }
    return blocksAsTheyAre(text, Kind::Paragraph);
}

namespace {

/// What of a run came from bytes [start, end), as a range of its characters.
std::pair<qsizetype, qsizetype> markedPart(std::string_view text, const TextRun& run,
                                           std::size_t start, std::size_t end) {
    const std::size_t from = std::clamp(start, run.start, run.end);
    const std::size_t to = std::clamp(end, from, run.end);
    if (from == to) return {0, 0};
    if (!run.isExact) return {0, run.text.size()};
    const auto nCharacters = [&](std::size_t upTo) {
        const std::string_view bytes = text.substr(run.start, upTo - run.start);
        return QString::fromUtf8(bytes.data(), static_cast<qsizetype>(bytes.size())).size();
    };
    return {nCharacters(from), nCharacters(to)};
}

bool hasDigit(const QString& text) {
    return std::any_of(text.begin(), text.end(), [](QChar c) { return c.isDigit(); });
}

bool isRowBlock(const DocumentBlock& block) { return block.kind == Kind::Row; }

/// Whether `row` names the columns of `header` itself, as those of spreadsheets do.
bool isLabelledBy(const DocumentBlock& header, const DocumentBlock& row) {
    return std::any_of(row.cells.begin(), row.cells.end(), [&](const auto& cell) {
        const QString said = textOf(cell);
        return std::any_of(header.cells.begin(), header.cells.end(), [&](const auto& column) {
            const QString name = textOf(column);
            return !name.isEmpty() && said.startsWith(name + QLatin1String(": "));
        });
    });
}

using Blocks = std::vector<DocumentBlock>;

/// Whether a table begins with the names of its columns: words, of which one stands over numbers
/// alone. Of two columns the left one may be the names.
bool hasHeader(Blocks::const_iterator first, Blocks::const_iterator last) {
    if (first->isHeader) return true;
    const auto isName = [](const auto& cell) {
        constexpr qsizetype kLongest = 40;
        const QString text = textOf(cell);
        return !text.isEmpty() && text.size() <= kLongest && !hasDigit(text) &&
               !text.contains(QLatin1String(": "));
    };
    constexpr std::size_t kLeastColumns = 3;
    const auto& names = first->cells;
    if (names.size() < kLeastColumns || !std::all_of(names.begin(), names.end(), isName)) {
        return false;
    }
    for (std::size_t column = 0; column < names.size(); ++column) {
        const auto isNumber = [column](const DocumentBlock& row) {
            return column < row.cells.size() && hasDigit(textOf(row.cells[column]));
        };
        if (std::all_of(first + 1, last, isNumber)) return true;
    }
    return false;
}

void labelCells(const DocumentBlock& header, DocumentBlock& row) {
    for (std::size_t i = 0; i < std::min(header.cells.size(), row.cells.size()); ++i) {
        const QString name = textOf(header.cells[i]);
        if (name.isEmpty() || textOf(row.cells[i]).isEmpty()) continue;
        TextRun label;  // of no bytes, so that it is never a part of what is cited
        label.text = name + QLatin1String(": ");
        row.cells[i].insert(row.cells[i].begin(), label);
    }
}

/// Gives the values of tables the names of their columns, and takes the header rows out.
void labelRows(Blocks& blocks) {
    for (auto first = blocks.begin(); first != blocks.end();) {
        first = std::find_if(first, blocks.end(), isRowBlock);
        auto nRows = std::find_if_not(first, blocks.end(), isRowBlock) - first;
        bool isSaid = false;
        for (std::ptrdiff_t row = 0; row + 1 < nRows;) {
            const auto at = first + row;
            if (!isLabelledBy(*at, *(at + 1))) {
                ++row;
                continue;
            }
            first = blocks.erase(at) - row;
            --nRows;
            isSaid = true;
        }
        if (!isSaid && nRows > 1 && hasHeader(first, first + nRows)) {
            for (auto row = first + 1; row != first + nRows; ++row) labelCells(*first, *row);
            first = blocks.erase(first);
            --nRows;
        }
        first += nRows;
    }
}

/// Rows with other numbers of cells than their neighbours stand as lines.
void splitLines(std::string_view text, Blocks& blocks) {
    for (DocumentBlock& block : blocks) {
        if (block.kind != Kind::Paragraph || block.cells.empty() || block.cells[0].empty()) {
            continue;
        }
        const TextRun run = block.cells[0].front();
        if (!run.text.contains(QLatin1String(" | "))) continue;
        block.kind = Kind::Row;
        block.cells.clear();
        for (const Line& cell : cellsOf(text, {run.start, run.end}, false)) {
            block.cells.push_back({exactRun(text, cell)});
        }
    }
}

OneLine joined(std::string_view text, const std::vector<DocumentBlock>& blocks, std::size_t start,
               std::size_t end) {
    OneLine line;
    bool wasRow = false;
    for (const DocumentBlock& block : blocks) {
        if (block.kind == Kind::Heading) continue;
        const bool isRow = block.kind == Kind::Row;
        bool isFirstCell = true;
        qsizetype rowStart = -1;
        for (const std::vector<TextRun>& runs : block.cells) {
            QString gap;
            if (!isFirstCell) {
                gap = QStringLiteral(" · ");
            } else if (!line.text.isEmpty()) {
                gap = isRow && wasRow ? QStringLiteral("; ") : QStringLiteral(" ");
            }
            bool isEmpty = true;
            for (const TextRun& run : runs) {
                const auto [from, to] = markedPart(text, run, start, end);
                for (qsizetype i = 0; i < run.text.size(); ++i) {
                    if (run.text[i].isSpace()) {
                        if (!isEmpty) gap = QStringLiteral(" ");
                        continue;
                    }
                    line.text += gap;
                    gap.clear();
                    if (rowStart < 0) rowStart = line.text.size();
                    isEmpty = false;
                    if (i >= from && i < to) {
                        if (line.markEnd == 0) {
                            line.markStart = line.text.size();
                            line.beginsInRow = isRow;
                            line.row = rowStart;
                        }
                        line.markEnd = line.text.size() + 1;
                    }
                    line.text += run.text[i];
                }
            }
            isFirstCell = isFirstCell && isEmpty;
        }
        if (!isFirstCell) wasRow = isRow;
    }
    return line;
}

}  // namespace

OneLine onOneLine(std::string_view text, Markup markup, std::size_t start, std::size_t end) {
    return joined(text, documentBlocks(text, markup), start, end);
}

OneLine onOneLabelledLine(std::string_view text, Markup markup, std::size_t start,
                          std::size_t end) {
    Blocks blocks = documentBlocks(text, markup);
    if (markup == Markup::Tables) splitLines(text, blocks);
    labelRows(blocks);
    return joined(text, blocks, start, end);
}

}  // namespace conclave::ui
