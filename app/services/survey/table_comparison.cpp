#include "app/services/survey/table_comparison.h"

#include <algorithm>
#include <array>
#include <utility>

#include "app/services/survey/question_words.h"
#include "app/services/survey/table_loading.h"
#include "app/services/survey/table_words.h"

namespace conclave::services {
namespace {

using Tokens = std::vector<TableToken>;

bool isSameText(const Tokens& a, const Tokens& b) {
    return !a.empty() && std::equal(a.begin(), a.end(), b.begin(), b.end(),
                                    [](const TableToken& one, const TableToken& other) {
                                        return one.term == other.term;
                                    });
}

/// Without "the" and the like, and without what the things are called: "the model PX-200".
Tokens nameOf(const std::string& side, const LoadedTable& table, std::size_t column) {
    Tokens words = tableTokens(side);
    const Tokens called = tableTokens(table.table.columns[column].name);
    const auto isLeading = [&](const TableToken& word) {
        return isAskingWord(word.surface) || word.surface == "model" || word.surface == "product" ||
               (called.size() == 1 && called.front().term == word.term);
    };
    while (words.size() > 1 && isLeading(words.front())) words.erase(words.begin());
    return words;
}

/// The only row that has the side in `column`.
std::optional<std::size_t> rowOf(const LoadedTable& table, std::size_t column,
                                 const std::string& side) {
    const Tokens name = nameOf(side, table, column);
    std::optional<std::size_t> found;
    for (std::size_t row = 0; row < table.table.rows.size(); ++row) {
        const std::string& cell = table.table.rows[row][column];
        constexpr std::size_t kLongestName = 80;
        if (cell.size() > kLongestName || !isSameText(tableTokens(cell), name)) continue;
        if (found) return std::nullopt;
        found = row;
    }
    return found;
}

std::optional<std::size_t> columnOf(const LoadedTable& table, const std::string& side) {
    for (std::size_t column = 1; column < table.table.columns.size(); ++column) {
        const Tokens name = tableTokens(table.table.columns[column].name);
        if (isSameText(name, nameOf(side, table, 0))) return column;
    }
    return std::nullopt;
}

/// Is what is compared, or nothing says what is: "the price" of "Price (EUR)".
bool isCompared(const std::string& name, const std::string& compared) {
    if (compared.empty()) return true;
    const Tokens words = tableTokens(name);
    const auto isCost = [](const TableToken& word) {
        return word.surface.starts_with("price") || word.surface.starts_with("cost");
    };
    const Tokens asked = tableTokens(compared);
    return std::any_of(asked.begin(), asked.end(), [&](const TableToken& each) {
        if (isAskingWord(each.surface)) return false;
        return std::any_of(words.begin(), words.end(), [&](const TableToken& word) {
            return word.term == each.term || (isCost(word) && isCost(each));
        });
    });
}

std::string inCell(const std::string& text) {
    std::string cell = asListLine(text);
    std::replace(cell.begin(), cell.end(), '|', '/');
    return cell.empty() ? "–" : cell;
}

/// Tells one table, and cites its rows.
class SideTeller {
public:
    SideTeller(const LoadedTable& table, const std::vector<Chunk>& chunks,
               const std::string& compared, ReportWriter& writer)
        : m_table(table), m_chunks(chunks), m_compared(compared), m_writer(writer) {}

    /// Two rows; false: they have nothing of what is compared.
    Result<bool> tellRows(std::size_t column, std::size_t first, std::size_t second) {
        const auto& columns = m_table.table.columns;
        std::vector<std::size_t> told;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            const bool isEmpty =
                m_table.shownCell(first, i).empty() && m_table.shownCell(second, i).empty();
            if (i != column && !isEmpty && isCompared(columns[i].name, m_compared)) {
                told.push_back(i);
            }
        }
        if (told.empty()) return false;
        beginTable();
        m_writer.add("| " + shownTable(m_table) + " |");
        for (const std::size_t row : {first, second}) {
            m_writer.add(" " + inCell(m_table.shownCell(row, column)));
            if (auto done = cite(row); !done) return tl::unexpected(done.error());
            m_writer.add(" |");
        }
        m_writer.add("\n| --- | --- | --- |\n");
        for (const std::size_t i : told) {
            m_writer.add("| " + inCell(columns[i].name) + " | " +
                         inCell(m_table.shownCell(first, i)) + " | " +
                         inCell(m_table.shownCell(second, i)) + " |\n");
        }
        return true;
    }

    /// Two columns, by what the first one calls each row.
    Result<bool> tellColumns(std::size_t first, std::size_t second) {
        std::vector<std::size_t> told;
        for (std::size_t row = 0; row < m_table.table.rows.size(); ++row) {
            if (isCompared(m_table.shownCell(row, 0), m_compared)) told.push_back(row);
        }
        constexpr std::size_t kMostRows = 30;
        if (told.empty()) return false;
        const auto& columns = m_table.table.columns;
        beginTable();
        m_writer.add("| " + shownTable(m_table) + " | " + inCell(columns[first].name) + " | " +
                     inCell(columns[second].name) + " |\n| --- | --- | --- |\n");
        for (std::size_t i = 0; i < std::min(told.size(), kMostRows); ++i) {
            const std::size_t row = told[i];
            m_writer.add("| " + inCell(m_table.shownCell(row, 0)));
            if (auto done = cite(row); !done) return tl::unexpected(done.error());
            m_writer.add(" | " + inCell(m_table.shownCell(row, first)) + " | " +
                         inCell(m_table.shownCell(row, second)) + " |\n");
        }
        if (told.size() > kMostRows) {
            const std::string more = grouped(told.size() - kMostRows);
            m_writer.add("\n… and " + more + " more rows.\n", "\n……还有 " + more + " 行。\n");
        }
        return true;
    }

private:
    void beginTable() {
        if (m_writer.nPassages() > 0) m_writer.add("\n");
    }

    /// The row's line; of a table that was turned, as much of the table as its passage has.
    Result<void> cite(std::size_t row) {
        const LoadedTable::Place& place = m_table.places[row];
        const ChunkId id = chunkAt(m_chunks, place);
        const auto chunk = std::find_if(m_chunks.begin(), m_chunks.end(),
                                        [&](const Chunk& each) { return each.id == id; });
        if (chunk == m_chunks.end()) return {};
        const std::size_t end = std::min(place.endByte, chunk->endByte);
        const std::string_view text = chunk->text;
        return m_writer.cite(
            id, place.startByte, end,
            text.substr(place.startByte - chunk->startByte, end - place.startByte));
    }

    const LoadedTable& m_table;
    const std::vector<Chunk>& m_chunks;
    const std::string& m_compared;
    ReportWriter& m_writer;
};

/// Which two rows or columns the sides are.
struct FoundSides {
    bool areRows = true;
    std::size_t column = 0;  ///< of both rows' names
    std::size_t first = 0;
    std::size_t second = 0;
};

std::optional<FoundSides> sidesIn(const LoadedTable& table, const std::string& first,
                                  const std::string& second) {
    for (std::size_t column = 0; column < table.table.columns.size(); ++column) {
        const auto one = rowOf(table, column, first);
        const auto other = one ? rowOf(table, column, second) : std::nullopt;
        if (other && *one != *other) return FoundSides{true, column, *one, *other};
    }
    const auto one = columnOf(table, first);
    const auto other = one ? columnOf(table, second) : std::nullopt;
    if (!other || *one == *other) return std::nullopt;
    return FoundSides{false, 0, *one, *other};
}

/// "PX-300 by price": what is compared may stand last.
std::string takeComparedBehind(std::string& side) {
    for (const std::string_view by : {" by ", " in terms of ", " with regard to "}) {
        const std::size_t at = lowerCased(side).find(by);
        if (at == std::string::npos) continue;
        std::string compared = side.substr(at + by.size());
        side.resize(at);
        return compared;
    }
    return {};
}

}  // namespace

Result<std::optional<TableAnswer>> compareInTables(storage::DocumentStore& store,
                                                   const SurveyQuestion& asked,
                                                   const std::vector<CollectionId>& collections,
                                                   bool isChinese, const std::stop_token& cancel) {
    constexpr int kMostTables = 5;
    if (asked.sideNames.size() != 2) return std::optional<TableAnswer>();
    std::string second = asked.sideNames.back();
    const std::string behind = takeComparedBehind(second);
    const std::string& compared = behind.empty() ? asked.compared : behind;
    const auto tables = loadTables(store, collections, asked.filter, cancel);
    if (!tables) return tl::unexpected(tables.error());
    ReportWriter writer(store, isChinese);
    const LoadedTable* told = nullptr;
    int nTold = 0;
    for (const LoadedTable& table : *tables) {
        const auto sides = sidesIn(table, asked.sideNames.front(), second);
        if (!sides || nTold >= kMostTables) continue;
        const auto chunks = store.chunksOf(table.document);
        if (!chunks) return tl::unexpected(chunks.error());
        SideTeller teller(table, *chunks, compared, writer);
        const auto isTold = sides->areRows
                                ? teller.tellRows(sides->column, sides->first, sides->second)
                                : teller.tellColumns(sides->first, sides->second);
        if (!isTold) return tl::unexpected(isTold.error());
        if (!*isTold) continue;
        if (told == nullptr) told = &table;
        ++nTold;
    }
    if (told == nullptr) return std::optional<TableAnswer>();
    writer.add("\nOnly tables that have both were compared, not what sentences say of them.\n",
               "\n只对照了同时含有两者的表格，未包括正文中的句子。\n");
    TableAnswer answer{writer.take(), {}, false};
    answer.account = {{"table", told->path},
                      {"rows", told->table.rows.size()},
                      {"documents", nTold},
                      {"passages", answer.report.passages.size()},
                      {"skipped", nlohmann::json::array()},
                      {"complete", true}};
    return std::optional<TableAnswer>(std::move(answer));
}

}  // namespace conclave::services
