// table_words.h: the words of a question about rows and numbers.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/services/survey/table_question.h"

namespace conclave::services {

/// A word of a question or of a name.
struct TableToken {
    std::string term;     ///< as the index has it: folded and stemmed
    std::string surface;  ///< lower case
    std::size_t startByte = 0;
    std::size_t endByte = 0;
    bool isExplained = false;
};

/// Words in order. Of Chinese every character is one, so that a value is found wherever it stands.
[[nodiscard]] std::vector<TableToken> tableTokens(std::string_view text);

/// Where the words of `part` stand in a row in `tokens`, from `from` on; npos: nowhere.
[[nodiscard]] std::size_t findTokens(const std::vector<TableToken>& tokens,
                                     const std::vector<TableToken>& part, std::size_t from = 0);

/// What is to be done with the rows, and how people say it.
struct TableOperation {
    TableQuery::Kind kind;
    std::string_view phrase;
};
/// Longer phrases before those that begin alike; the first one found counts.
[[nodiscard]] std::span<const TableOperation> tableOperations();

struct TableComparison {
    std::string_view phrase;
    std::string_view sql;
};
[[nodiscard]] std::span<const TableComparison> tableComparisons();

/// "per", "每个": the column behind it makes groups.
[[nodiscard]] std::span<const std::string_view> tableGroupings();

/// "Not", "don't", "不"
[[nodiscard]] bool isNegation(std::string_view surface);

/// "minutes", "kg": what numbers are in, as the last word of a column's name.
[[nodiscard]] bool isUnitWord(std::string_view surface);
/// Belongs to asking and says nothing about rows.
[[nodiscard]] bool isAskingWord(std::string_view surface);

}  // namespace conclave::services
