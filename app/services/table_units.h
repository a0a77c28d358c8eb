// table_units.h: rows of tables in a passage, each with the names of its columns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/services/asked_for.h"
#include "app/services/chinese_asked.h"
#include "app/services/services.h"

namespace conclave::services {

struct TableUnit {
    retrieval::TextSpan span;         ///< of the row's line in the passage
    std::vector<std::string> labels;  ///< of the columns; as many as cells, or none
    std::vector<std::string> cells;   ///< without their labels and outer white space

    /// "Plan: Pro | Price: 12 EUR": what the row says by itself.
    [[nodiscard]] std::string labelled() const;
};

/// The rows of all tables of a text as documents are read: Markdown's, those of which each row
/// brings its labels along ("Plan: Pro | Price: 12"), and plain ones under a row of names. Rows of
/// names and separators are left out. A table that begins in an earlier passage has no labels.
[[nodiscard]] std::vector<TableUnit> tableUnits(std::string_view text);

/// How many words of the question a row says: those that choose it stand in its cells, and another
/// cell holds what is asked for, in a column that the question or its kind names ("cost", "how
/// long"). `above`: stems of title and heading. 0: the row is no answer.
[[nodiscard]] std::size_t rowFit(const AskedFor& asked, const TableUnit& row, const StemSet& above);
/// Pairs of characters instead of words.
[[nodiscard]] std::size_t rowFit(const ChineseAsked& asked, const TableUnit& row);

}  // namespace conclave::services
