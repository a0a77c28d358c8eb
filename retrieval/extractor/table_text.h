// table_text.h: rows of a spreadsheet or a CSV file as lines that can be understood one by one.
//
//   Name | Limit                 the header row as it stands
//   Name: Berlin | Limit: 120    every row after it, so that a chunk needs no header of its own
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace conclave::retrieval::extractor {

enum class CellKind { Text, Value };  ///< Value: a number, date, time or truth value

struct Cell {
    std::size_t column = 0;  ///< from 0
    std::size_t span = 1;    ///< columns it covers
    CellKind kind = CellKind::Text;
    std::string text;
};

/// More columns than any spreadsheet program has.
inline constexpr std::size_t kMostColumns = 16'384;

/// Runs of white space become one space; none at the ends.
[[nodiscard]] std::string onOneLine(std::string_view text);

/// Number, date or time, by its characters: for files that do not say.
[[nodiscard]] CellKind guessKind(std::string_view text);

/// Letters of a column as spreadsheets name them: 0 is A, 26 is AA.
[[nodiscard]] std::string columnName(std::size_t column);

struct TableOptions {
    bool hasLabels = true;  ///< false: rows are only joined by " | "
    std::size_t mostBytes = 0;
};

/// Appends rows to the text of a page. Finds the header row by itself: text in most columns, and
/// below it rows that look different or no header before it. Rows of one cell above or between are
/// titles and stand alone. A gap in the row numbers begins a new table.
class TableText {
public:
    TableText(std::string& page, const TableOptions& options) : m_page(page), m_options(options) {}

    /// Cells in order of their columns; empty ones may be left out.
    void addRow(std::vector<Cell> cells, std::size_t index);
    void finish() { endTable(); }

    /// More text was given than there is room for; what came after is left out.
    [[nodiscard]] bool isTooLarge() const { return m_isTooLarge; }

private:
    using Row = std::vector<Cell>;

    void endTable();
    void decide();
    [[nodiscard]] bool isHeader(std::size_t candidate, std::size_t widest) const;
    void takeLabels(std::span<const Row> rows);
    void writePlain(const Row& row);
    void writeLabelled(const Row& row);
    [[nodiscard]] std::string_view labelOf(std::size_t column) const;
    void append(std::string_view line);

    std::string& m_page;
    TableOptions m_options;
    std::vector<Row> m_waiting;  ///< first rows of a table, until its header is known
    bool m_isDecided = false;
    bool m_hasWritten = false;
    std::vector<std::string> m_labels;  ///< by column; empty: none
    std::size_t m_nLabels = 0;
    std::size_t m_nextIndex = 0;
    std::size_t m_givenBytes = 0;
    bool m_isTooLarge = false;
};

}  // namespace conclave::retrieval::extractor
