// Spreadsheets of OpenDocument 1.3: each visible sheet a page, its name the heading, its rows
// through TableText, its notes after them.
#include <algorithm>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "retrieval/extractor/office_parts.h"
#include "retrieval/extractor/parser.h"
#include "retrieval/extractor/table_text.h"
#include "retrieval/extractor/xlsx_parts.h"

namespace conclave::retrieval::extractor {
namespace {

/// A row of text that is said to repeat more often than this is a slip of the mouse or an attack.
constexpr std::size_t kMostRepeats = 1000;
/// Of a document, all repetitions together.
constexpr std::size_t kMostRepeatedBytes = std::size_t{256} << 10;

/// Rows of any spreadsheet program, for counting over empty ones.
constexpr std::size_t kMostRows = std::size_t{1} << 24;

std::size_t repeatsOf(const XmlAttributes& attributes, std::string_view key, std::size_t most) {
    return std::clamp<std::size_t>(toIndex(attributes.get(key), 1), 1, most);
}

/// content.xml; pages are finished as their tables end.
class SpreadsheetReader : public XmlHandler {
public:
    explicit SpreadsheetReader(ExtractedDocument& document) : m_document(document) {}

    [[nodiscard]] bool isTooLarge() const override {
        return m_isTooLarge || m_totalBytes + m_page.size() > kMostTextBytes ||
               m_value.size() + m_note.size() > kMostTextBytes;
    }

    void start(std::string_view name, const XmlAttributes& attributes) override {
        if (m_skipDepth > 0 || name == "tracked-changes" || name == "forms" ||
            name == "ruby-text") {
            ++m_skipDepth;
        } else if (name == "style") {
            m_styleName = attributes.get("name");
        } else if (name == "table-properties" && attributes.get("display") == "false") {
            m_hiddenStyles.insert(m_styleName);
        } else if (name == "table") {
            if (++m_tableDepth == 1) startTable(attributes);
        } else if (m_tableDepth == 1) {
            startInTable(name, attributes);
        }
    }

    void end(std::string_view name) override {
        if (m_skipDepth > 0) {
            --m_skipDepth;
        } else if (name == "table") {
            if (m_tableDepth-- == 1) endTable();
        } else if (m_tableDepth == 1) {
            endInTable(name);
        }
    }

    void text(std::string_view text) override {
        if (m_skipDepth > 0 || m_tableDepth != 1 || m_paragraphDepth == 0) return;
        std::string& into = m_noteDepth > 0 ? m_note : m_value;
        if (into.size() <= kMostTextBytes) into += text;
    }

    void describe() const {
        if (m_nHiddenRows > 0) {
            warn("left out " + std::to_string(m_nHiddenRows) + " hidden rows");
        }
        if (m_nHiddenCells > 0) {
            warn("left out " + std::to_string(m_nHiddenCells) + " cells of hidden columns");
        }
        if (m_nFilteredRows > 0) {
            warn("read " + std::to_string(m_nFilteredRows) + " rows that a filter hides");
        }
        if (m_isCut) {
            warn("rows or cells that repeat very often were read at most " +
                 std::to_string(kMostRepeats) + " times, and fewer where they are long");
        }
    }

private:
    void warn(std::string text) const { m_document.warnings.push_back(std::move(text)); }

    void startTable(const XmlAttributes& attributes) {
        constexpr std::size_t kLongestName = 200;
        const std::string name = attributes.words("name");
        m_isHidden = m_hiddenStyles.contains(std::string(attributes.get("style-name")));
        m_page = onOneLine(std::string_view(name).substr(0, byteOffsetOf(name, kLongestName)));
        m_nameEnd = m_page.size();
        if (m_nameEnd > 0) m_page += "\n\n";
        const std::size_t room = kMostTextBytes - std::min(m_totalBytes, kMostTextBytes);
        m_bodyStart = m_page.size();
        m_table.emplace(m_page, TableOptions{.hasLabels = true, .mostBytes = room});
        m_notes.clear();
        m_hiddenColumns.clear();
        m_reaching.clear();
        m_row = 0;
        m_nColumns = 0;
    }

    void endTable() {
        m_table->finish();
        m_isTooLarge = m_isTooLarge || m_table->isTooLarge();
        m_table.reset();
        if (!m_notes.empty()) m_page += "\n" + m_notes;
        if (m_page.size() == m_bodyStart) return;
        if (m_isHidden) {
            warn("left out the hidden sheet " + m_page.substr(0, m_nameEnd));
            return;
        }
        const int number = static_cast<int>(m_document.pages.size()) + 1;
        if (m_nameEnd > 0) {
            m_document.headings.push_back(
                {.page = number, .startByte = 0, .endByte = m_nameEnd, .level = 1});
        }
        m_totalBytes += m_page.size();
        m_document.pages.push_back({.number = number, .text = std::exchange(m_page, {})});
    }

    void startInTable(std::string_view name, const XmlAttributes& attributes) {
        if (name == "table-column") {
            const std::size_t n = repeatsOf(attributes, "number-columns-repeated", kMostColumns);
            const std::string_view visibility = attributes.get("visibility");
            const bool isHidden = visibility == "collapse" || visibility == "filter";
            m_nColumns = std::min(m_nColumns + n, kMostColumns);
            if (isHidden) {
                m_hiddenColumns.resize(m_nColumns - std::min(n, m_nColumns));
                m_hiddenColumns.resize(m_nColumns, true);
            }
        } else if (name == "table-row") {
            m_rowRepeats = repeatsOf(attributes, "number-rows-repeated", kMostRows);
            m_visibility = attributes.get("visibility");
            m_cells.clear();
            m_column = 0;
        } else if (name == "table-cell" || name == "covered-table-cell") {
            m_isCovered = name == "covered-table-cell";
            m_cellRepeats = repeatsOf(attributes, "number-columns-repeated", kMostColumns);
            m_columnsSpanned = repeatsOf(attributes, "number-columns-spanned", kMostColumns);
            m_rowsSpanned = repeatsOf(attributes, "number-rows-spanned", kMostRows);
            m_type = attributes.get("value-type");
            m_stored = attributes.get(m_type == "date" ? "date-value" : "value");
            m_value.clear();
        } else if (name == "annotation") {
            ++m_noteDepth;
            m_note.clear();
        } else if (name == "p") {
            // The name and date of a note are no paragraphs.
            ++m_paragraphDepth;
            std::string& into = m_noteDepth > 0 ? m_note : m_value;
            if (!into.empty()) into.push_back(' ');
        } else if (name == "s" || name == "tab" || name == "line-break") {
            text(" ");
        }
    }

    void endInTable(std::string_view name) {
        if (name == "table-cell" || name == "covered-table-cell") {
            endCell();
        } else if (name == "table-row") {
            endRow();
        } else if (name == "p") {
            --m_paragraphDepth;
        } else if (name == "annotation") {
            --m_noteDepth;
            const std::string note = onOneLine(m_note);
            if (note.empty() || m_notes.size() > kMostTextBytes) return;
            m_notes +=
                "Note on " + columnName(m_column) + std::to_string(m_row + 1) + ": " + note + "\n";
        }
    }

    /// Dates in one form whatever the cell shows, other values as they are shown.
    [[nodiscard]] std::string shown() const {
        if (m_type != "date" || m_stored.empty()) return m_value.empty() ? m_stored : m_value;
        std::string date = m_stored;
        if (const std::size_t t = date.find('T'); t != std::string::npos) date[t] = ' ';
        return date;
    }

    void endCell() {
        std::string value = shown();
        const std::size_t repeats = m_cellRepeats;
        if (!value.empty() && !m_isCovered) {
            const CellKind kind =
                m_type.empty() || m_type == "string" ? CellKind::Text : CellKind::Value;
            const std::size_t n = withinLimit(repeats, value.size());
            for (std::size_t i = 0; i < n; ++i) {
                addCell({.column = m_column + i,
                         .span = m_columnsSpanned,
                         .kind = kind,
                         .text = value});
            }
        }
        m_column = std::min(m_column + repeats, kMostColumns);
    }

    /// How many of `repeats` of so many bytes are written: a few bytes of a file may ask for
    /// thousands of pages.
    std::size_t withinLimit(std::size_t repeats, std::size_t bytes) {
        constexpr std::size_t kSeparatorBytes = 3;
        const std::size_t left = kMostRepeatedBytes - std::min(m_repeatedBytes, kMostRepeatedBytes);
        const std::size_t n =
            std::min({repeats, kMostRepeats, 1 + left / (bytes + kSeparatorBytes)});
        m_isCut = m_isCut || n < repeats;
        m_repeatedBytes += n > 1 ? (n - 1) * (bytes + kSeparatorBytes) : 0;
        return n;
    }

    void addCell(Cell cell) {
        if (cell.column >= kMostColumns || m_cells.size() >= kMostColumns) return;
        if (cell.column < m_hiddenColumns.size() && m_hiddenColumns[cell.column]) {
            ++m_nHiddenCells;
            return;
        }
        m_rowBytes += cell.text.size();
        if (m_rowBytes > kMostTextBytes) {
            m_isTooLarge = true;
            return;
        }
        // One that reaches down says to the rows below what they belong to.
        constexpr std::size_t kMostReaching = 256;
        if (m_rowsSpanned > 1 && m_reaching.size() < kMostReaching) {
            m_reaching.push_back({m_row + m_rowsSpanned - 1, cell});
        }
        m_cells.push_back(std::move(cell));
    }

    void endRow() {
        m_rowBytes = 0;
        const std::size_t row = m_row;
        m_row = std::min(m_row + m_rowRepeats, kMostRows);
        std::erase_if(m_reaching, [row](const Reaching& above) { return above.lastRow < row; });
        if (m_cells.empty() || m_isTooLarge) return;
        if (m_visibility == "collapse") {
            m_nHiddenRows += std::min(m_rowRepeats, kMostRepeats);
            return;
        }
        if (m_visibility == "filter") ++m_nFilteredRows;
        for (const Reaching& above : m_reaching) {
            const auto at = std::lower_bound(
                m_cells.begin(), m_cells.end(), above.cell.column,
                [](const Cell& cell, std::size_t column) { return cell.column < column; });
            if (at != m_cells.end() && at->column == above.cell.column) continue;
            m_cells.insert(at, above.cell);
        }
        const std::size_t rowBytes = std::accumulate(
            m_cells.begin(), m_cells.end(), std::size_t{0},
            [](std::size_t sum, const Cell& cell) { return sum + cell.text.size(); });
        const std::size_t n = withinLimit(m_rowRepeats, rowBytes);
        for (std::size_t i = 0; i < n; ++i) {
            m_table->addRow(m_cells, row + i);
            m_isTooLarge = m_table->isTooLarge();
            if (m_isTooLarge) return;
        }
    }

    struct Reaching {
        std::size_t lastRow = 0;
        Cell cell;
    };

    ExtractedDocument& m_document;
    std::set<std::string> m_hiddenStyles;
    std::string m_styleName;
    int m_skipDepth = 0;
    int m_tableDepth = 0;
    bool m_isHidden = false;
    std::string m_page;
    std::size_t m_nameEnd = 0;
    std::size_t m_bodyStart = 0;
    std::optional<TableText> m_table;
    std::string m_notes;
    std::vector<bool> m_hiddenColumns;
    std::size_t m_nColumns = 0;
    std::vector<Reaching> m_reaching;

    std::size_t m_row = 0;
    std::size_t m_rowRepeats = 1;
    std::size_t m_rowBytes = 0;
    std::size_t m_repeatedBytes = 0;
    std::string m_visibility;
    std::vector<Cell> m_cells;

    std::size_t m_column = 0;
    std::size_t m_cellRepeats = 1;
    std::size_t m_columnsSpanned = 1;
    std::size_t m_rowsSpanned = 1;
    bool m_isCovered = false;
    std::string m_type;
    std::string m_stored;
    std::string m_value;
    int m_paragraphDepth = 0;
    int m_noteDepth = 0;
    std::string m_note;

    std::size_t m_totalBytes = 0;
    bool m_isTooLarge = false;
    bool m_isCut = false;
    std::size_t m_nHiddenRows = 0;
    std::size_t m_nHiddenCells = 0;
    std::size_t m_nFilteredRows = 0;
};

}  // namespace

Result<ExtractedDocument> parseOds(const Source& source) {
    const auto archive = Archive::open(source.bytes);
    if (!archive) return tl::unexpected(archive.error());
    if (const auto open = checkOpenDocumentEncryption(*archive); !open) {
        return tl::unexpected(open.error());
    }
    ExtractedDocument document;
    document.mime = "application/vnd.oasis.opendocument.spreadsheet";
    SpreadsheetReader reader(document);
    if (const auto read = readXml(*archive, "content.xml", reader); !read) {
        return tl::unexpected(read.error());
    }
    if (reader.isTooLarge()) {
        return fail(ErrorCode::LimitExceeded, "the spreadsheet holds more than 64 MiB of text");
    }
    reader.describe();
    document.title = titleIn(*archive, "meta.xml");
    if (document.pages.empty()) document.pages.push_back({.number = 1, .text = {}});
    return document;
}

}  // namespace conclave::retrieval::extractor
