#include "app/services/survey/table_rows.h"

#include <algorithm>
#include <array>
#include <map>

#include "app/services/survey/table_days.h"

namespace conclave::services {
namespace {

constexpr std::string_view kBetweenCells = " | ";

struct Cell {
    std::string label;
    std::string value;
};

std::vector<std::string_view> segmentsOf(std::string_view line) {
    std::vector<std::string_view> segments;
    while (true) {
        const std::size_t at = line.find(kBetweenCells);
        segments.push_back(line.substr(0, at));
        if (at == std::string_view::npos) return segments;
        line.remove_prefix(at + kBetweenCells.size());
    }
}

/// Length of the label that `segment` begins with: the longest known one, else up to the first
/// colon; 0: none.
std::size_t labelSize(std::string_view segment, const std::vector<std::string_view>& known) {
    std::size_t longest = 0;
    for (const std::string_view label : known) {
        if (label.size() > longest && segment.starts_with(label) &&
            segment.substr(label.size()).starts_with(": ")) {
            longest = label.size();
        }
    }
    if (longest > 0) return longest;
    const std::size_t colon = segment.find(": ");
    return colon == std::string_view::npos ? 0 : colon;
}

/// The cells of a labelled row; none for any other line.
std::vector<Cell> cellsOf(std::string_view line, const std::vector<std::string_view>& header) {
    std::vector<Cell> cells;
    for (const std::string_view segment : segmentsOf(line)) {
        const std::size_t size = labelSize(segment, header);
        if (size > 0) {
            cells.push_back(
                {std::string(segment.substr(0, size)), std::string(segment.substr(size + 2))});
        } else if (cells.empty()) {
            return {};
        } else {
            // A value with a bar in it, or a cell below no label.
            cells.back().value.append(kBetweenCells).append(segment);
        }
    }
    return cells;
}

std::string folded(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    return lower;
}

/// What people write into a cell that has no value.
bool isNoValue(std::string_view cell) {
    static constexpr auto kNoValues =
        std::to_array<std::string_view>({"", "-", "–", "—", "?", "n/a", "N/A", "NA", "none", "无"});
    return std::find(kNoValues.begin(), kNoValues.end(), cell) != kNoValues.end();
}

/// Collects rows until the table ends.
class TableBuilder {
public:
    void add(const std::vector<Cell>& cells, const LoadedTable::Place& place) {
        std::vector<std::string> row(m_table.table.columns.size());
        std::map<std::string, int> nOfLabel;
        for (const Cell& cell : cells) {
            std::string label = folded(cell.label);
            if (const int n = ++nOfLabel[label]; n > 1) label += " " + std::to_string(n);
            auto column = m_columns.find(label);
            if (column == m_columns.end()) {
                column = m_columns.emplace(label, m_table.table.columns.size()).first;
                const int n = nOfLabel[folded(cell.label)];
                m_table.table.columns.push_back(
                    {storage::Table::Column::Type::Text,
                     cell.label + (n > 1 ? " " + std::to_string(n) : "")});
                row.resize(m_table.table.columns.size());
            }
            row[column->second] = cell.value;
        }
        m_table.table.rows.push_back(std::move(row));
        m_table.places.push_back(place);
    }

    /// Keeps rows as they are written beside what is made of them to be compared.
    void keepWritten() { m_keepsWritten = true; }

    /// Gives the table if it is one, and begins anew.
    void finish(std::vector<LoadedTable>& tables) {
        constexpr std::size_t kWidest = 500;
        storage::Table& table = m_table.table;
        const bool isTable =
            !table.rows.empty() && table.columns.size() >= 2 && table.columns.size() <= kWidest;
        if (isTable) {
            for (auto& row : table.rows) row.resize(table.columns.size());
            takeTotalsOut();
            if (m_keepsWritten) m_table.written = table.rows;
            m_table.columns.resize(table.columns.size());
            for (std::size_t i = 0; i < table.columns.size(); ++i) {
                decideType(i);
                if (table.columns[i].type == storage::Table::Column::Type::Text) findDays(i);
                std::set<std::string_view> seen;
                for (const auto& row : table.rows) {
                    const bool isNew = row[i].empty() || seen.insert(row[i]).second;
                    m_table.columns[i].hasRepeats = m_table.columns[i].hasRepeats || !isNew;
                }
            }
            tables.push_back(std::move(m_table));
        }
        m_table = {};
        m_columns.clear();
    }

private:
    /// "Total | | 6500": a sum of the others, and none of them.
    [[nodiscard]] static bool isTotal(const std::vector<std::string>& row) {
        static constexpr auto kTotals = std::to_array<std::string_view>(
            {"total", "totals", "grand total", "sum", "subtotal", "sub-total",
             "total:", "sum:", "合计", "总计", "小计", "总和", "合计：", "总计："});
        bool isAny = false;
        for (const std::string& cell : row) {
            if (isNoValue(cell) || numberOf(cell)) continue;
            if (std::find(kTotals.begin(), kTotals.end(), folded(cell)) == kTotals.end()) {
                return false;
            }
            isAny = true;
        }
        return isAny;
    }

    void takeTotalsOut() {
        auto& rows = m_table.table.rows;
        for (std::size_t i = rows.size(); i-- > 0;) {
            if (rows.size() == 1 || !isTotal(rows[i])) continue;
            rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(i));
            m_table.places.erase(m_table.places.begin() + static_cast<std::ptrdiff_t>(i));
            ++m_table.nTotals;
        }
    }

    void findDays(std::size_t column) {
        std::vector<std::string> cells;
        for (const auto& row : m_table.table.rows) {
            cells.push_back(isNoValue(row[column]) ? std::string() : row[column]);
        }
        const auto days = daysOfCells(cells);
        if (!days) return;
        m_table.columns[column].isDays = true;
        for (std::size_t i = 0; i < days->size(); ++i) m_table.table.rows[i][column] = (*days)[i];
    }

    void decideType(std::size_t column) {
        using ColumnType = storage::Table::Column::Type;
        bool isAny = false;
        bool isWhole = true;
        bool isEnumeration = true;  // (1), (2), (3) are no losses
        std::vector<std::string> numbers;
        for (const auto& row : m_table.table.rows) {
            const auto number = isNoValue(row[column]) ? std::string() : numberOf(row[column]);
            if (!number) return;
            isEnumeration = isEnumeration && (number->empty() || row[column].front() == '(');
            isAny = isAny || !number->empty();
            isWhole = isWhole && number->find('.') == std::string::npos;
            numbers.push_back(*number);
        }
        if (!isAny || isEnumeration) return;
        std::set<std::string>& units = m_table.columns[column].units;
        for (const auto& row : m_table.table.rows) units.insert(cellUnit(row[column]));
        units.insert(cellUnit(m_table.table.columns[column].name));
        units.erase("");
        m_table.table.columns[column].type = isWhole ? ColumnType::Integer : ColumnType::Real;
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            m_table.table.rows[i][column] = std::move(numbers[i]);
        }
    }

    LoadedTable m_table;
    std::map<std::string, std::size_t> m_columns;
    bool m_keepsWritten = false;
};

void removeUnits(std::string_view& text) {
    static constexpr std::array<std::string_view, 16> kUnits = {
        " ",  "€",   "$",   "£",   "¥",   "￥",  "%",      "％",
        "元", "EUR", "USD", "GBP", "CNY", "CHF", "\u00a0", "RMB"};
    bool isChanged = true;
    while (isChanged) {
        isChanged = false;
        for (const std::string_view unit : kUnits) {
            if (text.starts_with(unit)) {
                text.remove_prefix(unit.size());
                isChanged = true;
            }
            if (text.ends_with(unit)) {
                text.remove_suffix(unit.size());
                isChanged = true;
            }
        }
    }
}

struct UnitName {
    std::string_view shown;
    std::string_view unit;
};
constexpr auto kUnitNames = std::to_array<UnitName>(
    {{"€", "EUR"},      {"eur", "EUR"},    {"euro", "EUR"},    {"euros", "EUR"}, {"$", "USD"},
     {"usd", "USD"},    {"dollar", "USD"}, {"dollars", "USD"}, {"£", "GBP"},     {"gbp", "GBP"},
     {"pounds", "GBP"}, {"chf", "CHF"},    {"francs", "CHF"},  {"¥", "CNY"},     {"￥", "CNY"},
     {"元", "CNY"},     {"cny", "CNY"},    {"rmb", "CNY"},     {"yuan", "CNY"},  {"%", "%"},
     {"％", "%"},       {"percent", "%"}});

/// 1,234 and 1,234,567 but not 12,5 or 1,2345.
bool hasGroupsOfThree(std::string_view digits, char mark) {
    std::size_t at = digits.find(mark);
    if (at == 0 || at > 3 || at == std::string_view::npos) return false;
    while (at != std::string_view::npos) {
        const std::size_t next = digits.find(mark, at + 1);
        const std::size_t end = next == std::string_view::npos ? digits.size() : next;
        if (end - at != 4) return false;
        at = next;
    }
    return true;
}

/// Bookkeepers write -120 as (120).
bool isInBrackets(std::string_view cell) {
    return cell.size() > 2 && cell.front() == '(' && cell.back() == ')';
}

std::string without(std::string_view text, char mark) {
    std::string kept;
    std::copy_if(text.begin(), text.end(), std::back_inserter(kept),
                 [&](char c) { return c != mark; });
    return kept;
}

}  // namespace

std::string cellUnit(std::string_view text) {
    const std::string lower = folded(text);
    const auto isLetter = [&](std::size_t at) {
        return at < lower.size() && lower[at] >= 'a' && lower[at] <= 'z';
    };
    for (const UnitName& each : kUnitNames) {
        const bool isWord = each.shown.front() >= 'a' && each.shown.front() <= 'z';
        for (std::size_t at = lower.find(each.shown); at != std::string::npos;
             at = lower.find(each.shown, at + 1)) {
            const bool isWhole =
                !isWord || ((at == 0 || !isLetter(at - 1)) && !isLetter(at + each.shown.size()));
            if (isWhole) return std::string(each.unit);
        }
    }
    return {};
}

bool isSpreadsheet(const Document& document) {
    static constexpr std::array<std::string_view, 4> kMimes = {
        "text/csv", "text/tab-separated-values",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.oasis.opendocument.spreadsheet"};
    return std::find(kMimes.begin(), kMimes.end(), document.mime) != kMimes.end();
}

std::vector<LoadedTable> tablesOf(const Document& document, const std::vector<Page>& pages) {
    std::vector<LoadedTable> tables;
    for (const Page& page : pages) {
        TableBuilder builder;
        const std::string_view text = page.text;
        std::vector<std::string_view> header;
        for (std::size_t start = 0; start < text.size();) {
            const std::size_t end = std::min(text.find('\n', start), text.size());
            const std::string_view line = text.substr(start, end - start);
            const std::vector<Cell> cells = cellsOf(line, header);
            if (line.empty()) {
                builder.finish(tables);
            } else if (cells.empty() && line.find(kBetweenCells) != std::string_view::npos) {
                builder.finish(tables);
                header = segmentsOf(line);
            } else if (!cells.empty()) {
                builder.add(cells, {page.number, start, end});
            }
            start = end + 1;
        }
        builder.finish(tables);
    }
    for (std::size_t i = 0; i < tables.size(); ++i) {
        tables[i].document = document.id;
        tables[i].title = document.title;
        tables[i].path = document.path.string();
        tables[i].table.name = document.path.stem().string();
        if (tables.size() > 1) tables[i].table.name += " " + std::to_string(i + 1);
    }
    return tables;
}

std::optional<LoadedTable> tableOf(const std::vector<std::string>& names,
                                   std::vector<std::vector<std::string>> rows,
                                   std::vector<LoadedTable::Place> places) {
    TableBuilder builder;
    builder.keepWritten();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::vector<Cell> cells;
        for (std::size_t j = 0; j < names.size(); ++j) {
            cells.push_back({names[j], std::move(rows[i][j])});
        }
        builder.add(cells, places[i]);
    }
    std::vector<LoadedTable> tables;
    builder.finish(tables);
    return tables.empty() ? std::nullopt : std::optional(std::move(tables.front()));
}

std::string LoadedTable::shownCell(std::size_t row, std::size_t column) const {
    if (isInDocument()) return written[row][column];
    const std::string& cell = table.rows[row][column];
    const bool hasUnit = columns[column].units.size() == 1 && !cell.empty();
    return hasUnit ? cell + " " + *columns[column].units.begin() : cell;
}

std::string LoadedTable::labelledRow(std::size_t row) const {
    std::string text;
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
        const std::string cell = shownCell(row, column);
        if (cell.empty()) continue;
        if (!text.empty()) text += kBetweenCells;
        if (const std::string& name = table.columns[column].name; !name.empty()) {
            text.append(name).append(": ");
        }
        text += cell;
    }
    return text;
}

std::optional<std::string> numberOf(std::string_view cell) {
    removeUnits(cell);
    std::string sign;
    if (isInBrackets(cell)) {
        sign = "-";
        cell = cell.substr(1, cell.size() - 2);
        removeUnits(cell);
    } else if (cell.starts_with('-') || cell.starts_with('+')) {
        if (cell.front() == '-') sign = "-";
        cell.remove_prefix(1);
        removeUnits(cell);
    }
    constexpr std::size_t kMostDigits = 18;
    if (cell.empty() || cell.size() > kMostDigits ||
        cell.find_first_not_of("0123456789.,") != std::string_view::npos ||
        cell.find_first_of("0123456789") != 0) {
        return std::nullopt;
    }
    const std::size_t comma = cell.rfind(',');
    const std::size_t point = cell.rfind('.');
    std::string number(cell);
    if (comma != std::string_view::npos && point != std::string_view::npos) {
        const bool isPointLast = point > comma;
        number = without(cell, isPointLast ? ',' : '.');
        if (!isPointLast) std::replace(number.begin(), number.end(), ',', '.');
    } else if (comma != std::string_view::npos) {
        if (hasGroupsOfThree(cell, ',')) {
            number = without(cell, ',');
        } else {
            std::replace(number.begin(), number.end(), ',', '.');
        }
    } else if (std::count(cell.begin(), cell.end(), '.') > 1) {
        if (!hasGroupsOfThree(cell, '.')) return std::nullopt;  // 1.2.3 is a version
        number = without(cell, '.');
    }
    if (std::count(number.begin(), number.end(), '.') > 1 || number.ends_with('.')) {
        return std::nullopt;
    }
    if (number.size() > 1 && number[0] == '0' && number[1] != '.') return std::nullopt;
    return sign + number;
}

}  // namespace conclave::services
