#include "app/services/survey/table_question.h"

#include <algorithm>
#include <array>

#include "app/services/survey/question_words.h"
#include "app/services/survey/table_matcher.h"
#include "app/services/survey/table_meanings.h"
#include "app/services/survey/table_words.h"

namespace conclave::services {
namespace {

bool hasSameRows(const LoadedTable& a, const LoadedTable& b) {
    const auto isSameName = [](const auto& x, const auto& y) { return x.name == y.name; };
    return a.table.rows == b.table.rows &&
           std::equal(a.table.columns.begin(), a.table.columns.end(), b.table.columns.begin(),
                      b.table.columns.end(), isSameName);
}

}  // namespace

bool mayAskTables(std::string_view question) {
    const std::string lower = lowerCased(question);
    const auto operations = tableOperations();
    const auto isOperation = [&](const TableOperation& each) {
        return lower.find(each.phrase) != std::string::npos;
    };
    if (std::any_of(operations.begin(), operations.end(), isOperation)) return true;
    const auto means = [&](const auto& each) {
        return lower.find(each.phrase) != std::string::npos;
    };
    const auto words = measureWords();
    const auto stock = stockPhrases();
    if (std::any_of(words.begin(), words.end(), means) ||
        std::any_of(stock.begin(), stock.end(), means)) {
        return true;
    }
    static constexpr auto kOthers = std::to_array<std::string_view>(
        {"top ", "between ", "before ", "after ", "since ", "until ", " or more", " or less", "前",
         "后", "以上", "以下", "之间"});
    const auto comparisons = tableComparisons();
    if (hasAny(lower, {"first", "last", "most recent", "most recently", "最早", "最晚"}))
        return true;
    if (hasAny(lower, {"who works", "who work", "who lives", "who live", "who has", "who have",
                       "who does", "who doesn't"})) {
        return true;
    }
    const bool isCompared =
        std::any_of(kOthers.begin(), kOthers.end(),
                    [&](std::string_view each) { return lower.find(each) != std::string::npos; }) ||
        std::any_of(comparisons.begin(), comparisons.end(), [&](const TableComparison& each) {
            return lower.find(each.phrase) != std::string::npos;
        });
    if (isCompared && lower.find_first_of("0123456789") != std::string::npos) return true;
    // "Orders from Berlin or Oslo": short, and nothing else is said than which rows.
    constexpr std::size_t kLongestJoined = 80;
    return lower.size() <= kLongestJoined &&
           hasAny(lower, {"or", "and", "not", "neither", "unpaid", "或", "且"});
}

std::vector<TableQuery> tableQueriesOf(std::string_view question,
                                       std::span<const LoadedTable> tables) {
    std::vector<TableQuery> best;
    for (std::size_t i = 0; i < tables.size(); ++i) {
        auto query = TableMatcher(question, tables[i]).match();
        // A word left over may be what the question is about ("the second highest", "do not
        // live"), so that only a question understood whole is answered.
        if (!query || query->explained < 1.0) continue;
        if (!best.empty() && query->nNamed < best.front().nNamed) continue;
        if (!best.empty() && query->nNamed > best.front().nNamed) best.clear();
        query->table = i;
        const auto same = std::find_if(best.begin(), best.end(), [&](const TableQuery& each) {
            return hasSameRows(tables[each.table], tables[i]);
        });
        if (same != best.end()) {
            same->copies.push_back(i);
            continue;
        }
        best.push_back(std::move(*query));
    }
    return best;
}

std::vector<LeftOutTable> leftOutTables(std::span<const TableQuery> queries,
                                        std::span<const LoadedTable> tables) {
    std::vector<LeftOutTable> leftOut;
    const auto isAsked = [&](std::size_t table) {
        return std::any_of(queries.begin(), queries.end(), [&](const TableQuery& each) {
            return each.table == table ||
                   std::find(each.copies.begin(), each.copies.end(), table) != each.copies.end();
        });
    };
    const auto isUsed = [&](const std::string& column) {
        return std::any_of(queries.begin(), queries.end(), [&](const TableQuery& each) {
            return std::any_of(
                each.numberColumns.begin(), each.numberColumns.end(),
                [&](const std::string& name) { return lowerCased(name) == lowerCased(column); });
        });
    };
    for (std::size_t i = 0; i < tables.size(); ++i) {
        if (isAsked(i)) continue;
        const auto& columns = tables[i].table.columns;
        for (std::size_t column = 0; column < columns.size(); ++column) {
            const bool isText = columns[column].type == storage::Table::Column::Type::Text;
            if (!isText || !isUsed(columns[column].name)) continue;
            const auto& rows = tables[i].table.rows;
            const auto other = std::find_if(rows.begin(), rows.end(), [&](const auto& row) {
                return !row[column].empty() && !numberOf(row[column]);
            });
            const bool isFound = other != rows.end();
            leftOut.push_back({i, columns[column].name, isFound ? (*other)[column] : ""});
            break;
        }
    }
    return leftOut;
}

std::optional<TableRefusal> tableRefusalOf(std::string_view question,
                                           std::span<const LoadedTable> tables) {
    std::optional<TableRefusal> rows;  // a reason that is more exact comes first
    for (std::size_t i = 0; i < tables.size(); ++i) {
        TableMatcher matcher(question, tables[i]);
        const auto query = matcher.match();
        if (query && query->explained >= 1.0) continue;
        auto refusal = matcher.refusal();
        if (!refusal) continue;
        refusal->table = i;
        // What a document says beside its tables may answer it.
        if (refusal->why == TableRefusal::Why::Rows && tables[i].isInDocument()) continue;
        if (refusal->why != TableRefusal::Why::Rows) return refusal;
        if (!rows) rows = std::move(refusal);
    }
    return rows;
}

std::optional<TableQuery> tableQueryOf(std::string_view question,
                                       std::span<const LoadedTable> tables) {
    std::vector<TableQuery> queries = tableQueriesOf(question, tables);
    return queries.empty() ? std::nullopt : std::optional(std::move(queries.front()));
}

}  // namespace conclave::services
