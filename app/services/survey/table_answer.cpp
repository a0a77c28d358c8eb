#include "app/services/survey/table_answer.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "app/services/question.h"
#include "app/services/reading.h"
#include "app/services/survey/model_table_query.h"
#include "app/services/survey/question_words.h"
#include "app/services/survey/survey_question.h"
#include "app/services/survey/table_loading.h"
#include "app/services/survey/table_question.h"
#include "base/log.h"

namespace conclave::services {
namespace {

using TableKind = TableQuery::Kind;
using storage::QueryResult;

constexpr std::size_t kMostShownRows = 20;
constexpr std::size_t kMostGroups = 100;
/// "1240" of "1240.0": SQLite writes sums of numbers with a point.
std::string tidyNumber(std::string number) {
    if (number.ends_with(".0")) number.resize(number.size() - 2);
    return number;
}

class Telling {
public:
    Telling(storage::DocumentStore& store, const LoadedTable& table, const TableQuery& query,
            ReportWriter& writer)
        : m_store(store), m_table(table), m_query(query), m_writer(writer) {}

    Result<void> tell(const QueryResult& result, const QueryResult& rows) {
        if (!m_query.mixedUnits.empty()) {
            m_writer.add("The numbers of “" + m_query.column + "” are in different units (" +
                             m_query.mixedUnits + "), so that nothing was computed.\n",
                         "“" + m_query.column + "”的单位不一致（" + m_query.mixedUnits +
                             "），因此没有计算。\n");
        } else if (m_query.kind == TableKind::List) {
            m_writer.add("**" +
                             (rows.isCut ? std::to_string(rows.rows.size()) + " or more rows"
                                         : counted(rows.rows.size(), "row", "rows")) +
                             "** where " + m_query.conditions + ":\n\n",
                         m_query.conditions + "的行共 **" + std::to_string(rows.rows.size()) +
                             (rows.isCut ? " 以上" : "") + "** 行：\n\n");
        } else if (m_query.kind == TableKind::Values) {
            tellValues(result);
        } else if (!m_query.group.empty()) {
            tellGroups(result);
        } else {
            tellValue(result, rows);
        }
        const std::string file = shownTable(m_table);
        const std::string n = std::to_string(m_table.table.rows.size());
        if (m_query.isUnitUnknown) {
            m_writer.add("The table says no unit of these numbers.\n",
                         "表中没有写明这些数字的单位。\n");
        }
        if (m_query.kind != TableKind::List) {
            m_writer.add(
                "\nIt rests on " + std::to_string(rows.rows.size()) +
                    (rows.isCut ? " or more" : "") + " of the " +
                    counted(m_table.table.rows.size(), "row", "rows") + " of " + file + ":\n\n",
                "\n依据 " + file + " 全部 " + n + " 行中的 " + std::to_string(rows.rows.size()) +
                    (rows.isCut ? " 行以上" : " 行") + "：\n\n");
        }
        if (auto done = tellRows(rows); !done) return done;
        if (m_table.nTotals > 0) {
            m_writer.add("\n" +
                             counted(m_table.nTotals, "row of totals was", "rows of totals were") +
                             " left out.\n",
                         "\n未计入 " + grouped(m_table.nTotals) + " 行合计。\n");
        }
        if (!m_query.mixedUnits.empty()) return {};
        m_writer.add("\nAsked of " + file + ":\n\n```sql\n", "\n查询 " + file + "：\n\n```sql\n");
        m_writer.add(m_query.sql + "\n```\n");
        return {};
    }

    /// What a query by `model` gave: a value, or rows.
    Result<void> tellProposed(const QueryResult& result, const QueryResult& rows,
                              const std::string& model) {
        if (result.rows.empty()) {
            m_writer.add("No row answers the question.\n", "没有符合条件的行。\n");
        } else if (result.rows.size() == 1 && result.columns.size() == 1) {
            const std::string value = tidyNumber(result.rows.front().front());
            m_writer.add("The answer is **" + value + "**.\n", "答案是 **" + value + "**。\n");
        } else {
            tellResult(result);
        }
        if (!rows.rows.empty()) {
            m_writer.add("\nIt rests on these rows:\n\n", "\n依据以下各行：\n\n");
            if (auto done = tellRows(rows); !done) return done;
        }
        m_writer.add("\nSQL by " + model + ", which may have misread the question:\n\n```sql\n",
                     "\n由 " + model + " 写出的 SQL，可能误解了问题：\n\n```sql\n");
        m_writer.add(m_query.sql + "\n```\n");
        return {};
    }

private:
    void tellResult(const QueryResult& result) {
        std::size_t nShown = 0;
        for (const auto& row : result.rows) {
            if (nShown++ >= kMostGroups) break;
            m_writer.add("- ");
            for (std::size_t i = 0; i < row.size(); ++i) {
                m_writer.add((i > 0 ? " · " : "") + asListLine(tidyNumber(row[i])));
            }
            m_writer.add("\n");
        }
        if (result.isCut || result.rows.size() > kMostGroups) m_writer.add("- …\n");
    }

    [[nodiscard]] std::string what() const {
        const std::string column = "“" + m_query.column + "”";
        const bool isChinese = m_writer.isChinese();
        switch (m_query.kind) {
            case TableKind::Count: return isChinese ? "行数" : "The number of rows";
            case TableKind::CountDistinct:
                return isChinese ? "不同的" + column + "个数"
                                 : "The number of different values of " + column;
            case TableKind::Sum: return isChinese ? column + "的总和" : "The sum of " + column;
            case TableKind::Average:
                return isChinese ? column + "的平均值" : "The average of " + column;
            case TableKind::Median:
                return isChinese ? column + "的中位数" : "The median of " + column;
            case TableKind::Least:
                if (m_query.isOfDays) return isChinese ? "最早的" + column : "The first " + column;
                return isChinese ? column + "的最小值" : place() + "lowest " + column;
            case TableKind::Greatest:
                if (m_query.isOfDays) return isChinese ? "最晚的" + column : "The last " + column;
                return isChinese ? column + "的最大值" : place() + "highest " + column;
            default: return {};
        }
    }

    [[nodiscard]] std::string place() const {
        return m_query.nth > 1 ? "Number " + std::to_string(m_query.nth) + " of the " : "The ";
    }

    [[nodiscard]] std::string condition() const {
        if (m_query.conditions.empty()) return {};
        return m_writer.isChinese() ? "（" + m_query.conditions + "）"
                                    : " where " + m_query.conditions;
    }

    void tellValue(const QueryResult& result, const QueryResult& rows) {
        const std::string value =
            result.rows.empty() ? std::string() : tidyNumber(result.rows.front().front());
        if (value.empty()) {
            m_writer.add("No row has a value for it" + condition() + ".\n",
                         "没有符合条件的数值" + condition() + "。\n");
            return;
        }
        if (m_query.kind == TableKind::Share) {
            const std::string n = grouped(m_table.table.rows.size());
            m_writer.add(
                "**" + value + " %** of the " + n + " rows are those" + condition() + ".\n",
                "全部 " + n + " 行中占 **" + value + "%**" + condition() + "。\n");
            return;
        }
        const std::string names = namesOf(rows);
        m_writer.add(what() + condition() + " is **" + value + "**" + names + ".\n",
                     what() + condition() + "是 **" + value + "**" + names + "。\n");
    }

    /// Whose an extreme is: ": **Kittiwake**". Empty where no column says it, or many have it.
    [[nodiscard]] std::string namesOf(const QueryResult& rows) const {
        constexpr std::size_t kMostNames = 5;
        if (!m_query.nameColumn || rows.rows.size() > kMostNames) return {};
        std::set<std::string> names;
        for (const auto& row : rows.rows) {
            const auto index = static_cast<std::size_t>(std::stoull(row.front())) - 1;
            if (index < m_table.table.rows.size()) {
                names.insert(m_table.table.rows[index][*m_query.nameColumn]);
            }
        }
        names.erase("");
        std::string listed;
        for (const std::string& name : names) {
            listed += (listed.empty() ? "" : m_writer.isChinese() ? "、" : ", ");
            listed += "**" + asListLine(name) + "**";
        }
        if (listed.empty()) return {};
        return (m_writer.isChinese() ? "：" : ": ") + listed;
    }

    /// Of a ranking the first ones, and those that equal the last of them.
    void tellRanking(const QueryResult& result) {
        const bool isLeast = m_query.sql.ends_with("ORDER BY 2");
        const bool isChinese = m_writer.isChinese();
        m_writer.add(isLeast ? "The lowest: " : "The highest: ", isLeast ? "最低：" : "最高：");
        std::string name = what();
        if (!isChinese && name.starts_with("The ")) name.replace(0, 1, "t");
        m_writer.add(name + condition() + ", by “" + m_query.group + "”:\n\n",
                     "按“" + m_query.group + "”，" + name + condition() + "：\n\n");
        int nShown = 0;
        std::string last;
        for (const auto& row : result.rows) {
            if (row.front().empty() || row.back().empty()) continue;
            if (nShown >= m_query.nShown && row.back() != last) break;
            ++nShown;
            last = row.back();
            m_writer.add("- **" + asListLine(row.front()) + "**: " + tidyNumber(last) + "\n");
        }
        if (nShown < m_query.nShown) {
            m_writer.add("\nThere are no more than these.\n", "\n没有更多了。\n");
        }
    }

    void tellGroups(const QueryResult& result) {
        if (m_query.nShown > 0) return tellRanking(result);
        m_writer.add(what() + condition() + ", by “" + m_query.group + "”:\n\n",
                     "按“" + m_query.group + "”，" + what() + condition() + "：\n\n");
        std::size_t nShown = 0;
        for (const auto& row : result.rows) {
            if (nShown++ >= kMostGroups) break;
            const std::string name = row.front().empty() ? "–" : asListLine(row.front());
            m_writer.add("- **" + name + "**: " + tidyNumber(row.back()) + "\n");
        }
        if (result.isCut || result.rows.size() > kMostGroups) m_writer.add("- …\n");
    }

    /// The values of a column, each once.
    void tellValues(const QueryResult& result) {
        const std::string n = grouped(result.rows.size());
        m_writer.add("**" + n + (result.isCut ? " or more" : "") + "** in the column “" +
                         m_query.column + "”:\n\n",
                     "“" + m_query.column + "”列共有 **" + n + (result.isCut ? " 个以上" : "") +
                         "** 个不同的值：\n\n");
        for (std::size_t i = 0; i < std::min(result.rows.size(), kMostGroups); ++i) {
            m_writer.add("- **" + asListLine(result.rows[i].front()) + "**\n");
        }
        if (result.isCut || result.rows.size() > kMostGroups) m_writer.add("- …\n");
    }

    Result<void> tellRows(const QueryResult& rows) {
        const auto chunks = m_store.chunksOf(m_table.document);
        if (!chunks) return tl::unexpected(chunks.error());
        const auto pages = m_store.pages(m_table.document);
        if (!pages) return tl::unexpected(pages.error());
        std::size_t nShown = 0;
        for (const auto& row : rows.rows) {
            if (nShown++ >= kMostShownRows) break;
            const auto index = static_cast<std::size_t>(std::stoull(row.front())) - 1;
            if (index >= m_table.places.size()) continue;
            const LoadedTable::Place& place = m_table.places[index];
            const auto page = std::find_if(pages->begin(), pages->end(), [&](const Page& each) {
                return each.number == place.page;
            });
            if (page == pages->end()) continue;
            const std::string line =
                page->text.substr(place.startByte, place.endByte - place.startByte);
            const ChunkId chunk = chunkAt(*chunks, place);
            // Below a table in a document its rows have no names of columns.
            m_writer.add("- " + (m_table.isInDocument() ? asListLine(m_table.labelledRow(index))
                                                        : asListLine(line, m_table.path)));
            if (auto cited = m_writer.cite(chunk, place.startByte, place.endByte, line); !cited) {
                return cited;
            }
            m_writer.add("\n");
        }
        if (rows.rows.size() > kMostShownRows) {
            const std::string more = std::to_string(rows.rows.size() - kMostShownRows);
            m_writer.add("- … and " + more + " more rows\n", "- ……还有 " + more + " 行\n");
        }
        return {};
    }

    storage::DocumentStore& m_store;
    const LoadedTable& m_table;
    const TableQuery& m_query;
    ReportWriter& m_writer;
};

std::set<std::string> termsIn(std::string_view text) {
    std::set<std::string> terms;
    retrieval::analyze(
        text, [&](std::string_view term, std::size_t, std::size_t) { terms.emplace(term); });
    return terms;
}

/// The question has the name of a column: a model may know more of what is asked than the rule.
bool namesColumn(const std::string& question, const std::vector<LoadedTable>& tables) {
    const std::set<std::string> asked = termsIn(question);
    return std::any_of(tables.begin(), tables.end(), [&](const LoadedTable& table) {
        if (table.isInDocument()) return false;  // its passages are read by the model
        const auto& columns = table.table.columns;
        return std::any_of(columns.begin(), columns.end(), [&](const auto& column) {
            const std::set<std::string> name = termsIn(column.name);
            return !name.empty() &&
                   std::includes(asked.begin(), asked.end(), name.begin(), name.end());
        });
    });
}

nlohmann::json tableAccount(const LoadedTable& table, const std::string& sql,
                            const SurveyReport& report) {
    return {{"table", table.path},
            {"rows", table.table.rows.size()},
            {"sql", sql},
            {"documents", 1},
            {"passages", report.passages.size()},
            {"skipped", nlohmann::json::array()},
            {"complete", true}};
}

/// The answer of a query that the model proposes; none if none of its queries runs.
Result<std::optional<TableAnswer>> askModel(storage::DocumentStore& store,
                                            const std::string& question,
                                            const std::vector<LoadedTable>& tables,
                                            TextModel& model, const std::stop_token& cancel) {
    auto queried = storage::TableDatabase::create();
    if (!queried) return tl::unexpected(queried.error());
    std::vector<LoadedTable> added;
    for (const LoadedTable& table : tables) {
        // Of two tables of one name the first is asked.
        if ((*queried)->add(table.table)) added.push_back(table);
    }
    if (added.empty()) return std::optional<TableAnswer>();
    const auto proposed = proposeQuery(question, added, **queried, model, cancel);
    if (!proposed) return tl::unexpected(proposed.error());
    if (!*proposed) return std::optional<TableAnswer>();
    const LoadedTable& table = added[(*proposed)->table.value_or(0)];
    TableQuery query;
    query.sql = (*proposed)->sql;
    QueryResult rows;
    for (const std::string& rowid : (*proposed)->rowids) rows.rows.push_back({rowid});
    ReportWriter writer(store, isChinese(question));
    const auto told =
        Telling(store, table, query, writer).tellProposed((*proposed)->result, rows, model.name());
    if (!told) return tl::unexpected(told.error());
    TableAnswer answer{writer.take(), {}, false};
    answer.account = tableAccount(table, query.sql, answer.report);
    answer.account["reader"] = model.name();
    return std::optional<TableAnswer>(std::move(answer));
}

/// "“USD”: no column of numbers is in this unit."
void tellRefusal(const TableRefusal& refusal, const LoadedTable& table, ReportWriter& writer) {
    const std::string what = "“" + refusal.what + "”";
    const std::string file = shownTable(table);
    writer.add("This asks the table " + file + ", and was not answered: ",
               "这个问题问的是表 " + file + "，但没有回答：");
    switch (refusal.why) {
        case TableRefusal::Why::Unit:
            writer.add("no column that may be meant is in " + what + ".",
                       "没有哪一列的数字以" + what + "为单位。");
            break;
        case TableRefusal::Why::Year:
            writer.add("the days of " + what + " are of several years; say which year is meant.",
                       what + "列的日期跨多个年份；请说明年份。");
            break;
        case TableRefusal::Why::Value:
            writer.add("several columns have the value " + what + "; say which column is meant.",
                       "不止一列含有" + what + "；请说明是哪一列。");
            break;
        case TableRefusal::Why::Unfilled:
            writer.add("not every row of " + what + " says yes or no, or not in one way.",
                       what + "列并非每行都写明是或否，或写法不一。");
            break;
        case TableRefusal::Why::Percentage:
            writer.add(what +
                           " has percentages, which do not add up; ask for the average or list "
                           "the rows.",
                       what + "列是百分比，不能相加；可以问平均值，或列出各行。");
            break;
        case TableRefusal::Why::Amount:
            writer.add(what +
                           " has amounts and no yes or no, so that it does not say how many; "
                           "ask for its total, or give a bound such as “over 0”.",
                       what + "列是金额，不是“是/否”，无法计数；可以问总额，或给出范围。");
            break;
        case TableRefusal::Why::Division:
            writer.add(what + " has numbers, by which nothing is divided; ask for both totals.",
                       what + "列是数字，这里不做除法；可以分别问两个总数。");
            break;
        case TableRefusal::Why::Days:
            writer.add("several columns have days (" + refusal.what +
                           "); say which is meant, by a word of its name before the day.",
                       "不止一列是日期（" + refusal.what + "）；请在问题中写明是哪一列。");
            break;
        case TableRefusal::Why::Text:
            writer.add("not every cell of this column is a number (" + what +
                           "); correct the cell, or list the rows.",
                       "该列并非全是数字（" + what + "）；请改正该单元格，或列出各行。");
            break;
        case TableRefusal::Why::Measure:
            writer.add("which column is in numbers " + what + " is not clear; name the column.",
                       "不清楚哪一列的数字是" + what + "；请写明列名。");
            break;
        case TableRefusal::Why::Rows:
            writer.add(
                "not every word fits its columns and values, or not in one way. Its columns: " +
                    refusal.what + ". Ask with these names and one value at a time.",
                "有些词与各列及其内容对不上。各列为：" + refusal.what +
                    "。请用这些列名提问，每次只问一个值。");
            break;
    }
    writer.add("\n");
}

/// "“Revenue” of a.csv was left out: not every cell is a number (“about 900”)."
void tellLeftOut(const std::vector<LeftOutTable>& leftOut, const std::vector<LoadedTable>& tables,
                 ReportWriter& writer) {
    for (const LeftOutTable& each : leftOut) {
        const std::string file = shownTable(tables[each.table]);
        const std::string cell = each.cell.empty() ? "" : asListLine(each.cell);
        writer.add("\n**" + file + " was left out**: not every cell of its “" + each.column +
                       "” is a number" + (cell.empty() ? "" : " (“" + cell + "”)") + ".\n",
                   "\n**未计入 " + file + "**：其“" + each.column + "”列并非全是数字" +
                       (cell.empty() ? "" : "（“" + cell + "”）") + "。\n");
    }
}

/// Tells what the query gives; false: the table cannot be queried.
Result<bool> tellQuery(storage::DocumentStore& store, const std::vector<LoadedTable>& tables,
                       const TableQuery& query, ReportWriter& writer) {
    const LoadedTable& table = tables[query.table];
    auto queried = storage::TableDatabase::create();
    if (!queried) return tl::unexpected(queried.error());
    const auto added = (*queried)->add(table.table);
    const auto result = added ? (*queried)->query(query.sql, {})
                              : Result<QueryResult>(tl::unexpected(added.error()));
    constexpr std::size_t kMostEvidence = 100'000;
    const auto rows = result ? (*queried)->query(query.rowsSql, {.rows = kMostEvidence})
                             : Result<QueryResult>(tl::unexpected(result.error()));
    if (!rows) {
        log().info("a table could not be queried: {}", rows.error().detail);
        return false;
    }
    if (auto told = Telling(store, table, query, writer).tell(*result, *rows); !told) {
        return tl::unexpected(told.error());
    }
    if (!query.emptySql.empty()) {
        const auto empty = (*queried)->query(query.emptySql, {});
        if (!empty) return tl::unexpected(empty.error());
        const std::string& n = empty->rows.front().front();
        if (n != "0") {
            writer.add("\n" + n + (n == "1" ? " row has" : " rows have") + " no “" + query.column +
                           "” and " + (n == "1" ? "was" : "were") + " left out.\n",
                       "\n有 " + n + " 行没有“" + query.column + "”，未计入。\n");
        }
    }
    for (const std::size_t copy : query.copies) {
        const std::string file = shownTable(tables[copy]);
        writer.add("\n" + file + " has the same rows, which were asked once.\n",
                   "\n" + file + " 的内容相同，只查询了一次。\n");
    }
    return true;
}

}  // namespace

Result<std::optional<TableAnswer>> answerFromTables(
    storage::Database& database, const std::string& question,
    const std::vector<CollectionId>& collections, const DocumentFilter& filter,
    const std::function<Result<TextModel*>()>& reader, const std::stop_token& cancel) {
    constexpr std::size_t kMostTables = 8;  // that are asked the same, each for itself
    std::optional<TableAnswer> none;
    if (!mayAskTables(question)) return none;
    storage::DocumentStore& store = database.documents();
    const auto tables = loadTables(store, collections, filter, cancel);
    if (!tables) return tl::unexpected(tables.error());
    std::vector<TableQuery> queries = tableQueriesOf(question, *tables);
    if (!queries.empty() && queries.front().kind == TableKind::Values) {
        // "List all dates", "list all contracts": of all documents, and not of one table.
        const bool isOfDocuments = !surveyQuestionOf(question).patterns.empty() ||
                                   pluralDocumentNoun(lowerCased(question), 4).endByte > 0 ||
                                   chineseDocumentNoun(question).endByte > 0;
        if (isOfDocuments) queries.clear();
    }
    const std::optional<TableRefusal> refusal =
        queries.empty() ? tableRefusalOf(question, *tables) : std::nullopt;
    const auto refused = [&] {
        ReportWriter refusing(store, isChinese(question));
        tellRefusal(*refusal, (*tables)[refusal->table], refusing);
        const bool mayBeInText = refusal->why == TableRefusal::Why::Rows;
        TableAnswer told{refusing.take(), {}, true, mayBeInText};
        told.account = tableAccount((*tables)[refusal->table], "", told.report);
        return std::optional<TableAnswer>(std::move(told));
    };
    if (refusal && refusal->why != TableRefusal::Why::Rows) return refused();
    if (reader && queries.empty() && namesColumn(question, *tables)) {
        const auto model = reader();
        auto proposed = model ? askModel(store, question, *tables, **model, cancel)
                              : Result<std::optional<TableAnswer>>(tl::unexpected(model.error()));
        if (proposed && *proposed) return proposed;
        if (!proposed && proposed.error().code == ErrorCode::Cancelled) return proposed;
        if (!proposed) log().warn("no SQL by the model: {}", proposed.error().detail);
    }
    if (refusal) return refused();
    if (queries.empty()) return none;
    ReportWriter writer(store, isChinese(question));
    if (queries.size() > kMostTables) {
        const std::string n = grouped(queries.size());
        const std::string most = std::to_string(kMostTables);
        writer.add(n + " tables answer this, each for itself, and no more than " + most +
                       " are asked at once. Say in the question which file is meant, or ask within "
                       "fewer documents.\n",
                   "有 " + n + " 个表可以回答，但一次最多查询 " + most +
                       " 个。请在问题中说明是哪个文件，或缩小文档范围。\n");
        TableAnswer told{writer.take(), {}, true};
        told.account = tableAccount((*tables)[queries.front().table], "", told.report);
        return std::optional<TableAnswer>(std::move(told));
    }
    if (queries.size() > 1) {
        writer.add(
            counted(queries.size(), "table", "tables") +
                " answer this, each for itself; nothing is added up across them.\n\n",
            "有 " + grouped(queries.size()) + " 个表可以回答，以下分别列出，没有合并计算。\n\n");
    }
    for (const TableQuery& query : queries) {
        const auto told = tellQuery(store, *tables, query, writer);
        if (!told) return tl::unexpected(told.error());
        // A table that cannot be queried is still a document to search in.
        if (!*told) return none;
    }
    tellLeftOut(leftOutTables(queries, *tables), *tables, writer);
    TableAnswer answer;
    answer.report = writer.take();
    const TableQuery& first = queries.front();
    answer.account = tableAccount((*tables)[first.table], first.sql, answer.report);
    answer.account["documents"] = queries.size();
    return std::optional<TableAnswer>(std::move(answer));
}

}  // namespace conclave::services
