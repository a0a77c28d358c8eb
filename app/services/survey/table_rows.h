// table_rows.h: the rows of spreadsheets, CSV files and tables in documents, to be queried.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "app/services/services.h"

namespace conclave::services {

/// A table of one document, and where each of its rows stands.
struct LoadedTable {
    storage::Table table;
    DocumentId document = 0;
    std::string title;
    std::string path;
    struct Place {
        int page = 1;
        std::size_t startByte = 0;  ///< in the page's text
        std::size_t endByte = 0;
    };
    std::vector<Place> places;  ///< of table.rows
    /// What the column's name does not say.
    struct Column {
        bool isDays = false;          ///< every cell is a day, as 2026-05-01
        std::set<std::string> units;  ///< of its numbers, in their cells or in the name: "EUR"
        bool hasRepeats = false;      ///< two rows have the same value
    };
    std::vector<Column> columns;  ///< of table.columns
    int nTotals = 0;              ///< rows of totals, which were left out of it
    /// Of a table in a document: its rows as they are written there, with units. Else empty.
    std::vector<std::vector<std::string>> written;
    int number = 0;  ///< among several of one document; 0: the only one

    [[nodiscard]] bool isInDocument() const { return !written.empty(); }
    /// The cell as it is written, or as near to that as is known.
    [[nodiscard]] std::string shownCell(std::size_t row, std::size_t column) const;
    /// "Model: PX-200 | Price: 129 EUR"
    [[nodiscard]] std::string labelledRow(std::size_t row) const;
};

/// "EUR" of "250 €" and "euros", "%"; empty: there is no unit that is known.
[[nodiscard]] std::string cellUnit(std::string_view text);

/// True for documents whose pages are sheets of rows.
[[nodiscard]] bool isSpreadsheet(const Document& document);

/// The tables on the pages of a spreadsheet, as its reader writes them: a header row, then rows of
/// "Label: value | Label: value". Columns in which every cell is a number become numbers.
[[nodiscard]] std::vector<LoadedTable> tablesOf(const Document& document,
                                                const std::vector<Page>& pages);

/// A table of a document: the names of its columns, its rows, each as wide, and their places. None
/// where these are no table.
[[nodiscard]] std::optional<LoadedTable> tableOf(const std::vector<std::string>& names,
                                                 std::vector<std::vector<std::string>> rows,
                                                 std::vector<LoadedTable::Place> places);

/// The number that a cell shows, as SQL writes it: "1,234.50 €" is 1234.50, "12,5 %" is 12.5.
/// None for a text, a date or a number with leading zeros, which is a name.
[[nodiscard]] std::optional<std::string> numberOf(std::string_view cell);

}  // namespace conclave::services
