// table_question.h: a question about rows and numbers as SQL, by rule.
//
//   "What is the average price of lamps?" over a table (Item, Price) becomes
//   SELECT round(avg("Price"), 4) FROM "stock" WHERE "Item" = 'lamps'
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/services/survey/table_rows.h"

namespace conclave::services {

/// A query that answers a question, and the one that gives the rows it rests on.
struct TableQuery {
    enum class Kind {
        Count,
        CountDistinct,
        Sum,
        Average,
        Least,
        Greatest,
        Median,
        List,
        Values,  ///< those of a column, each once
        Share    ///< of all rows those of the condition, in percent
    } kind = Kind::Count;
    bool isOfDays = false;   ///< the extreme is a day
    int nth = 1;             ///< of Least and Greatest: the second highest
    std::size_t table = 0;   ///< index of the table asked
    std::string sql;         ///< one row, or one a group (group, value), or rows for List
    std::string rowsSql;     ///< rowids of the rows it rests on
    std::string emptySql{};  ///< how many of the rows asked have no number to compute with
    std::string column;      ///< that is added up or compared; empty: none
    std::string group;       ///< column of groups; empty: none
    std::vector<std::size_t> copies{};  ///< other tables of the same columns and rows
    int nShown = 0;  ///< of groups: only so many of the first, and equal ones; 0: all
    std::optional<std::size_t> nameColumn{};  ///< what the rows of an extreme are called
    std::string conditions;  ///< in words, as "“City” is “Berlin”"; empty: all rows
    double explained = 0.0;  ///< share of the question's words that the query accounts for
    std::size_t nNamed = 0;  ///< words of the question that the table's name has
    /// Units that the numbers are in, if more than one: nothing is to be computed of them.
    std::string mixedUnits{};
    bool isUnitUnknown = false;                ///< the question says a unit, and the table none
    std::vector<std::string> numberColumns{};  ///< that are computed or compared
};

/// A table that has the column asked, where it cannot be used.
struct LeftOutTable {
    std::size_t table = 0;  ///< index of the table
    std::string column;
    std::string cell;  ///< the first one that is no number
};

/// Why a question that is understood is not answered from a table.
struct TableRefusal {
    enum class Why {
        Unit,        ///< no column is in the unit of a bound
        Year,        ///< a day without its year, where the days are of several
        Value,       ///< a value that several columns have
        Unfilled,    ///< "not", where not each row says yes or no
        Percentage,  ///< a sum of percentages
        Amount,      ///< "how many" of a column of amounts
        Division,    ///< "per day" of a column of numbers of days
        Days,        ///< a day, where several columns have days and none is named
        Text,        ///< numbers are asked of a column where not each cell is one
        Measure,     ///< "an hour", where only the hours have a column
        Rows         ///< its rows are asked, in words that are not all understood
    } why = Why::Unit;
    std::string what;       ///< the unit, the value, the column, the columns
    std::size_t table = 0;  ///< index of the table asked
};

/// Has a word for counting, adding up, comparing or listing: others need not load any table.
[[nodiscard]] bool mayAskTables(std::string_view question);

/// None where the words of the question are not all columns, values and what to do with them.
[[nodiscard]] std::optional<TableQuery> tableQueryOf(std::string_view question,
                                                     std::span<const LoadedTable> tables);

/// Tables with a column of the name that is computed or compared, where not each cell is a number.
[[nodiscard]] std::vector<LeftOutTable> leftOutTables(std::span<const TableQuery> queries,
                                                      std::span<const LoadedTable> tables);

/// Why the question is not answered, if a table was understood to be asked and none answers.
[[nodiscard]] std::optional<TableRefusal> tableRefusalOf(std::string_view question,
                                                         std::span<const LoadedTable> tables);

/// The same of every table that accounts for the question as well as the best, in their order.
[[nodiscard]] std::vector<TableQuery> tableQueriesOf(std::string_view question,
                                                     std::span<const LoadedTable> tables);

}  // namespace conclave::services
