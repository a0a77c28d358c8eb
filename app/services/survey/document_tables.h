// document_tables.h: tables that stand between the paragraphs of a document, as ones to be queried.
#pragma once

#include <vector>

#include "app/services/survey/table_rows.h"

namespace conclave::services {

/// Markdown, web pages, text documents and mails: of others (PDF) nothing says where cells end.
[[nodiscard]] bool mayHoldTables(const Document& document);

/// The tables of Markdown, and of web pages and text documents those whose first row has names and
/// the others numbers. A table that has a thing in each column ("Model | PX-200 | PX-300", below it
/// "Price | 129 EUR | 199 EUR") is turned, so that its rows are the things. One with rows of other
/// widths, or that goes on below a line of its own, is left out: nothing says what belongs to it.
[[nodiscard]] std::vector<LoadedTable> documentTablesOf(const Document& document,
                                                        const std::vector<Page>& pages);

/// The rows of a short list of names and values in a spreadsheet below a row of names, where its
/// reader could not tell that these are names ("Flat | Rent", "A | 900", "B | about 800").
[[nodiscard]] std::vector<LoadedTable> plainTablesOf(const Document& document,
                                                     const std::vector<Page>& pages);

}  // namespace conclave::services
