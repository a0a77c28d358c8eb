#include "app/services/table_units.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace conclave::services {
namespace {

struct Line {
    retrieval::TextSpan span;
    std::vector<std::string> cells;
};

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) + 1 - first);
}

bool hasDigit(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; });
}

/// Between bars that no backslash precedes; outer ones bound the row.
std::vector<std::string> cellsOf(std::string_view line) {
    line = trimmed(line);
    if (line.starts_with('|')) line.remove_prefix(1);
    if (line.ends_with('|') && !line.ends_with("\\|")) line.remove_suffix(1);
    std::vector<std::string> cells;
    std::size_t start = 0;
    for (std::size_t i = 0; i <= line.size(); ++i) {
        const bool isBar = i < line.size() && line[i] == '|' && (i == 0 || line[i - 1] != '\\');
        if (i < line.size() && !isBar) continue;
        cells.emplace_back(trimmed(line.substr(start, i - start)));
        start = i + 1;
    }
    return cells;
}

/// "| --- | :-: |"
bool isSeparator(const Line& line) {
    return std::all_of(line.cells.begin(), line.cells.end(), [](const std::string& cell) {
        return cell.find('-') != std::string::npos &&
               cell.find_first_not_of("-: ") == std::string::npos;
    });
}

/// What stands before ": " in a cell of a row that brings its labels along.
std::string_view labelIn(std::string_view cell) {
    constexpr std::size_t kLongestLabel = 80;
    const std::size_t colon = cell.find(": ");
    return colon == 0 || colon == std::string_view::npos || colon > kLongestLabel
               ? std::string_view()
               : cell.substr(0, colon);
}

/// All cells are labelled, but for a few, which are empty or hold no label's value.
bool bringsLabels(const Line& line) {
    return std::all_of(line.cells.begin(), line.cells.end(),
                       [](const std::string& cell) { return !labelIn(cell).empty(); });
}

/// "Volume" of "Volume (m3)".
std::string_view withoutUnit(std::string_view cell) {
    const std::size_t open = cell.rfind(" (");
    return open != std::string_view::npos && cell.ends_with(')') ? cell.substr(0, open) : cell;
}

/// Short words without numbers above a row that has some: names of columns, where nothing says so.
bool looksLikeNames(const Line& first, const Line& second) {
    constexpr std::size_t kLongestName = 40;
    const bool areNames =
        std::all_of(first.cells.begin(), first.cells.end(), [](const std::string& cell) {
            return !cell.empty() && cell.size() <= kLongestName && !hasDigit(withoutUnit(cell));
        });
    return areNames && first.cells.size() == second.cells.size() &&
           std::any_of(second.cells.begin(), second.cells.end(), hasDigit);
}

void addRow(const Line& line, const std::vector<std::string>& names,
            std::vector<TableUnit>& units) {
    TableUnit unit{.span = line.span, .labels = {}, .cells = line.cells};
    if (bringsLabels(line)) {
        for (std::string& cell : unit.cells) {
            const std::string label(labelIn(cell));
            cell.erase(0, label.size() + 2);
            unit.labels.push_back(label);
        }
    } else if (names.size() == line.cells.size()) {
        unit.labels = names;
    }
    units.push_back(std::move(unit));
}

/// The rows of one table, as they follow one another.
void addTable(const std::vector<Line>& lines, std::vector<TableUnit>& units) {
    if (lines.empty()) return;
    std::vector<std::string> names;
    std::size_t first = 0;
    const bool hasSecond = lines.size() > 1;
    if (hasSecond && isSeparator(lines[1])) {
        names = lines[0].cells;
        first = 2;
    } else if (hasSecond && !bringsLabels(lines[0]) &&
               (bringsLabels(lines[1]) || looksLikeNames(lines[0], lines[1]))) {
        names = lines[0].cells;
        first = 1;
    }
    for (std::size_t i = first; i < lines.size(); ++i) {
        if (!isSeparator(lines[i])) addRow(lines[i], names, units);
    }
}

}  // namespace

std::string TableUnit::labelled() const {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (cells[i].empty()) continue;
        if (!text.empty()) text += " | ";
        if (i < labels.size() && !labels[i].empty()) text.append(labels[i]).append(": ");
        text += cells[i];
    }
    return text;
}

std::vector<TableUnit> tableUnits(std::string_view text) {
    std::vector<TableUnit> units;
    std::vector<Line> table;
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        const std::string_view line = text.substr(start, end - start);
        std::vector<std::string> cells =
            line.find('|') == std::string_view::npos ? std::vector<std::string>() : cellsOf(line);
        if (cells.size() < 2) {
            addTable(std::exchange(table, {}), units);
        } else {
            table.push_back({{start, end}, std::move(cells)});
        }
        start = end + 1;
    }
    addTable(table, units);
    return units;
}

}  // namespace conclave::services
