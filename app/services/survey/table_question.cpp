#include "app/services/survey/table_question.h"

#include <algorithm>
#include <array>

#include "app/services/survey/question_words.h"
#include "app/services/survey/table_matcher.h"
#include "app/services/survey/table_words.h"

namespace conclave::services {

bool mayAskTables(std::string_view question) {
    const std::string lower = lowerCased(question);
    const auto operations = tableOperations();
    const auto isOperation = [&](const TableOperation& each) {
        return lower.find(each.phrase) != std::string::npos;
    };
    if (std::any_of(operations.begin(), operations.end(), isOperation)) return true;
    static constexpr auto kOthers = std::to_array<std::string_view>(
        {"top ", "between ", "before ", "after ", "since ", "until ", " or more", " or less", "前",
         "后", "以上", "以下"});
    const auto comparisons = tableComparisons();
    const bool isCompared =
        std::any_of(kOthers.begin(), kOthers.end(),
                    [&](std::string_view each) { return lower.find(each) != std::string::npos; }) ||
        std::any_of(comparisons.begin(), comparisons.end(), [&](const TableComparison& each) {
            return lower.find(each.phrase) != std::string::npos;
        });
    return isCompared && lower.find_first_of("0123456789") != std::string::npos;
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
        best.push_back(std::move(*query));
    }
    return best;
}

std::optional<TableRefusal> tableRefusalOf(std::string_view question,
                                           std::span<const LoadedTable> tables) {
    for (std::size_t i = 0; i < tables.size(); ++i) {
        TableMatcher matcher(question, tables[i]);
        if (matcher.match()) continue;
        auto refusal = matcher.refusal();
        if (!refusal) continue;
        refusal->table = i;
        return refusal;
    }
    return std::nullopt;
}

std::optional<TableQuery> tableQueryOf(std::string_view question,
                                       std::span<const LoadedTable> tables) {
    std::vector<TableQuery> queries = tableQueriesOf(question, tables);
    return queries.empty() ? std::nullopt : std::optional(std::move(queries.front()));
}

}  // namespace conclave::services
