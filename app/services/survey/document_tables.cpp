#include "app/services/survey/document_tables.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "app/services/question.h"
#include "app/services/reading.h"
#include "app/services/survey/question_words.h"
#include "app/services/table_units.h"

namespace conclave::services {
namespace {

/// A table as it is laid out.
struct Grid {
    std::vector<std::string> names;
    std::vector<std::vector<std::string>> rows;
    std::vector<LoadedTable::Place> places;  ///< of rows
};

using Units = std::vector<TableUnit>;

/// What a row of a table tells of the thing in each column, where no column is called so.
constexpr auto kAttributes = std::to_array<std::string_view>(
    {"price",    "cost",   "costs", "fee",  "rent",  "weight", "height", "width",
     "warranty", "colour", "color", "size", "speed", "power",  "memory", "storage",
     "capacity", "价格",   "单价",  "售价", "费用",  "重量",   "尺寸",   "容量",
     "功率",     "颜色",   "质保",  "保修", "保修期"});

/// The corner of a table of things in columns says what its rows are.
constexpr auto kCorners = std::to_array<std::string_view>(
    {"", "feature", "features", "property", "attribute", "criterion", "specification", "item",
     "项目", "参数", "指标", "特性", "属性", "规格"});

std::string readableCell(const std::string& cell, const std::filesystem::path& path) {
    const bool hasMarks = cell.find_first_of("*_`[\\<~&") != std::string::npos;
    return hasMarks ? readableLine(cell, path) : cell;
}

/// Begin of the line that ends before `startByte`.
std::size_t lineBefore(std::string_view text, std::size_t startByte) {
    if (startByte < 2) return 0;
    const std::size_t at = text.rfind('\n', startByte - 2);
    return at == std::string_view::npos ? 0 : at + 1;
}

/// Where the names of the columns stand: above the first row, and above a line of dashes.
std::size_t headerStart(std::string_view text, std::size_t firstRow, bool& isMarked) {
    const std::size_t above = lineBefore(text, firstRow);
    const std::string_view line = text.substr(above, firstRow - above);
    isMarked = line.find('-') != std::string_view::npos &&
               line.find_first_not_of("|-: \t\r\n") == std::string_view::npos;
    return isMarked ? lineBefore(text, above) : above;
}

/// Rows of units[from, to) as a table; none where they are not all of one.
std::optional<Grid> gridOf(const Units& units, std::size_t from, std::size_t to, const Page& page,
                           const std::filesystem::path& path) {
    Grid grid;
    for (std::size_t i = from; i < to && grid.names.empty(); ++i) grid.names = units[i].labels;
    if (grid.names.size() < 2) return std::nullopt;
    for (std::size_t i = from; i < to; ++i) {
        const TableUnit& unit = units[i];
        if (unit.cells.size() > grid.names.size() ||
            (!unit.labels.empty() && unit.labels != grid.names)) {
            return std::nullopt;
        }
        std::vector<std::string> row;
        for (const std::string& cell : unit.cells) row.push_back(readableCell(cell, path));
        row.resize(grid.names.size());
        grid.rows.push_back(std::move(row));
        grid.places.push_back({page.number, unit.span.startByte, unit.span.endByte});
    }
    for (std::string& name : grid.names) name = readableCell(name, path);
    return grid;
}

/// "EUR", "%", "number", or "text": what may stand beside each other in one column.
std::string kindOf(const std::string& cell) {
    if (!numberOf(cell)) return "text";
    const std::string unit = cellUnit(cell);
    return unit.empty() ? "number" : unit;
}

bool isAttribute(std::string_view name) {
    const std::string lower = lowerCased(name);
    return hasAny(lower.substr(0, lower.find('(')), kAttributes);
}

/// Each row is of one kind and each column of several, or the rows are called "Price", "Weight".
bool hasThingsInColumns(const Grid& grid) {
    constexpr std::size_t kFewestColumns = 3;
    if (grid.names.size() < kFewestColumns || grid.rows.empty()) return false;
    std::set<std::string> firsts;
    bool isAttributed = false;
    for (const auto& row : grid.rows) {
        if (row.front().empty() || !firsts.insert(lowerCased(row.front())).second) return false;
        isAttributed = isAttributed || isAttribute(row.front());
    }
    const auto isEmptyName = [](const std::string& name) { return name.empty(); };
    if (std::any_of(grid.names.begin() + 1, grid.names.end(), isEmptyName)) return false;
    if (isAttributed) {
        return std::none_of(grid.names.begin() + 1, grid.names.end(), isAttribute);
    }
    std::vector<std::set<std::string>> kindsOfColumn(grid.names.size());
    for (const auto& row : grid.rows) {
        std::set<std::string> kinds;
        for (std::size_t i = 1; i < row.size(); ++i) {
            if (row[i].empty()) continue;
            kinds.insert(kindOf(row[i]));
            kindsOfColumn[i].insert(kindOf(row[i]));
        }
        if (kinds.size() > 1) return false;
    }
    return std::all_of(kindsOfColumn.begin() + 1, kindsOfColumn.end(),
                       [](const auto& kinds) { return kinds.size() > 1; });
}

std::string nameOfThings(const Grid& grid) {
    return isChinese(grid.rows.front().front()) ? "名称" : "Name";
}

/// Each thing as a row: where it stands is the whole table from `startByte` on.
Grid turned(const Grid& grid, std::size_t startByte) {
    Grid rows;
    const std::string corner = lowerCased(grid.names.front());
    const bool isCorner = std::find(kCorners.begin(), kCorners.end(), corner) != kCorners.end();
    rows.names.push_back(isCorner ? nameOfThings(grid) : grid.names.front());
    for (const auto& row : grid.rows) rows.names.push_back(row.front());
    const LoadedTable::Place whole{grid.places.front().page, startByte, grid.places.back().endByte};
    for (std::size_t i = 1; i < grid.names.size(); ++i) {
        std::vector<std::string> row{grid.names[i]};
        for (const auto& each : grid.rows) row.push_back(each[i]);
        rows.rows.push_back(std::move(row));
        rows.places.push_back(whole);
    }
    return rows;
}

/// Behind `endByte` the table goes on, perhaps below a line of its own ("Accessories").
bool goesOn(std::string_view text, std::size_t endByte, const TableUnit& next) {
    constexpr std::size_t kLongestTitle = 60;
    constexpr std::size_t kMostEnds = 4;  // "\n\nAccessories\n\n"
    const std::string_view between = text.substr(endByte, next.span.startByte - endByte);
    const auto nEnds = std::count(between.begin(), between.end(), '\n');
    return next.labels.empty() && between.size() <= kLongestTitle &&
           static_cast<std::size_t>(nEnds) <= kMostEnds;
}

void nameTables(const Document& document, std::vector<LoadedTable>& tables) {
    for (std::size_t i = 0; i < tables.size(); ++i) {
        tables[i].document = document.id;
        tables[i].title = document.title;
        tables[i].path = document.path.string();
        tables[i].table.name = document.path.stem().string();
        if (tables.size() == 1) continue;
        tables[i].number = static_cast<int>(i) + 1;
        tables[i].table.name += " " + std::to_string(i + 1);
    }
}

std::vector<std::string> cellsOfPlainRow(std::string_view line) {
    constexpr std::string_view kBetween = " | ";
    std::vector<std::string> cells;
    while (true) {
        const std::size_t at = line.find(kBetween);
        cells.emplace_back(line.substr(0, at));
        if (at == std::string_view::npos) return cells;
        line.remove_prefix(at + kBetween.size());
    }
}

bool hasDigits(const std::vector<std::string>& cells) {
    return std::any_of(cells.begin(), cells.end(), [](const std::string& cell) {
        return cell.find_first_of("0123456789") != std::string::npos;
    });
}

/// Tables in code are examples.
bool isInFence(std::string_view text, std::size_t at) {
    bool isOpen = false;
    constexpr std::string_view kFence = "```";
    for (std::size_t found = text.find(kFence); found < at;
         found = text.find(kFence, found + kFence.size())) {
        if (found == 0 || text[found - 1] == '\n') isOpen = !isOpen;
    }
    return isOpen;
}

}  // namespace

bool mayHoldTables(const Document& document) {
    static constexpr auto kMimes = std::to_array<std::string_view>(
        {"text/markdown", "text/html", "application/epub+zip", "message/rfc822", "application/json",
         "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
         "application/vnd.oasis.opendocument.text"});
    return std::find(kMimes.begin(), kMimes.end(), document.mime) != kMimes.end();
}

std::vector<LoadedTable> documentTablesOf(const Document& document,
                                          const std::vector<Page>& pages) {
    std::vector<LoadedTable> tables;
    for (const Page& page : pages) {
        const Units units = tableUnits(page.text);
        for (std::size_t from = 0; from < units.size();) {
            std::size_t to = from + 1;
            while (to < units.size() &&
                   units[to].span.startByte == units[to - 1].span.endByte + 1) {
                ++to;
            }
            const std::size_t first = from;
            from = to;
            const std::size_t end = units[to - 1].span.endByte;
            bool isMarked = false;
            const std::size_t start = headerStart(page.text, units[first].span.startByte, isMarked);
            if (isInFence(page.text, start)) continue;
            if (!isMarked && to < units.size() && goesOn(page.text, end, units[to])) continue;
            auto grid = gridOf(units, first, to, page, document.path);
            if (!grid) continue;
            if (hasThingsInColumns(*grid)) grid = turned(*grid, start);
            if (grid->names.front().empty()) grid->names.front() = nameOfThings(*grid);
            const auto isUnnamed = [](const std::string& name) { return name.empty(); };
            if (std::any_of(grid->names.begin(), grid->names.end(), isUnnamed)) continue;
            auto table = tableOf(grid->names, std::move(grid->rows), std::move(grid->places));
            if (table) tables.push_back(std::move(*table));
        }
    }
    nameTables(document, tables);
    return tables;
}

std::vector<LoadedTable> plainTablesOf(const Document& document, const std::vector<Page>& pages) {
    std::vector<LoadedTable> tables;
    for (const Page& page : pages) {
        const std::string_view text = page.text;
        std::vector<std::string> names;
        std::vector<std::vector<std::string>> rows;
        std::vector<LoadedTable::Place> places;
        bool isTable = true;
        for (std::size_t start = 0; start < text.size();) {
            const std::size_t end = std::min(text.find('\n', start), text.size());
            std::vector<std::string> cells = cellsOfPlainRow(text.substr(start, end - start));
            if (names.empty()) {
                names = std::move(cells);
            } else {
                isTable = isTable && cells.size() == names.size();
                rows.push_back(std::move(cells));
                places.push_back({page.number, start, end});
            }
            start = end + 1;
        }
        isTable = isTable && names.size() > 1 && !hasDigits(names) &&
                  std::any_of(rows.begin(), rows.end(), hasDigits);
        if (!isTable) continue;
        if (auto table = tableOf(names, std::move(rows), std::move(places))) {
            tables.push_back(std::move(*table));
        }
    }
    nameTables(document, tables);
    return tables;
}

}  // namespace conclave::services
