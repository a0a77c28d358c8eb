#include "retrieval/extractor/table_text.h"

#include <algorithm>
#include <set>
#include <utility>

#include "retrieval/extractor/ascii.h"

namespace conclave::retrieval::extractor {
namespace {

/// Rows that are looked at to tell a header from data.
constexpr std::size_t kLookAhead = 24;

/// A longer cell is a sentence, not the name of a column.
constexpr std::size_t kLongestLabel = 160;

bool isAllText(const std::vector<Cell>& row) {
    return std::all_of(row.begin(), row.end(), [](const Cell& cell) {
        return cell.kind == CellKind::Text && cell.text.size() <= kLongestLabel;
    });
}

bool areDistinct(const std::vector<Cell>& row) {
    std::set<std::string_view> seen;
    return std::all_of(row.begin(), row.end(),
                       [&](const Cell& cell) { return seen.insert(cell.text).second; });
}

bool hasWideCell(const std::vector<Cell>& row) {
    return std::any_of(row.begin(), row.end(), [](const Cell& cell) { return cell.span > 1; });
}

/// The cell that stands in the column or reaches over it.
const Cell* cellOver(const std::vector<Cell>& row, std::size_t column) {
    const auto after =
        std::upper_bound(row.begin(), row.end(), column,
                         [](std::size_t wanted, const Cell& cell) { return wanted < cell.column; });
    if (after == row.begin()) return nullptr;
    const Cell& cell = *std::prev(after);
    return column - cell.column < cell.span ? &cell : nullptr;
}

std::size_t endOf(const std::vector<Cell>& row) {
    return row.empty() ? 0 : row.back().column + row.back().span;
}

}  // namespace

std::string onOneLine(std::string_view text) {
    std::string line;
    line.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at;
        while (end < text.size() && !isAsciiSpace(text[end])) ++end;
        if (end > at) {
            if (!line.empty()) line.push_back(' ');
            line += text.substr(at, end - at);
        }
        at = end + 1;
    }
    return line;
}

CellKind guessKind(std::string_view text) {
    bool hasDigit = false;
    std::size_t nLetters = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c >= '0' && c <= '9') {
            hasDigit = true;
        } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
            ++nLetters;  // 1e6, 12:30Z, 5 km, EUR
        } else if (std::string_view("+-.,:/%$ ()'").find(c) == std::string_view::npos) {
            // Currency signs and the units of Chinese and Japanese dates.
            bool isKnown = false;
            for (const std::string_view sign : {"€", "£", "¥", "￥", "年", "月", "日", "元", "%"}) {
                if (!text.substr(i).starts_with(sign)) continue;
                isKnown = true;
                i += sign.size() - 1;
                break;
            }
            if (!isKnown) return CellKind::Text;
        }
    }
    return hasDigit && nLetters <= 3 ? CellKind::Value : CellKind::Text;
}

std::string columnName(std::size_t column) {
    std::string name;
    for (std::size_t rest = column + 1; rest > 0; rest = (rest - 1) / 26) {
        name.insert(name.begin(), static_cast<char>('A' + (rest - 1) % 26));
    }
    return name;
}

void TableText::addRow(std::vector<Cell> cells, std::size_t index) {
    if (m_isTooLarge) return;
    for (Cell& cell : cells) cell.text = onOneLine(cell.text);
    std::erase_if(
        cells, [](const Cell& cell) { return cell.text.empty() || cell.column >= kMostColumns; });
    if (cells.empty()) return;
    for (const Cell& cell : cells) m_givenBytes += cell.text.size() + 1;
    if (m_page.size() + m_givenBytes > m_options.mostBytes) {
        m_isTooLarge = true;
        return;
    }
    if (index != m_nextIndex) endTable();
    m_nextIndex = index + 1;
    if (m_isDecided) {
        writeLabelled(cells);
        return;
    }
    m_waiting.push_back(std::move(cells));
    if (m_waiting.size() >= kLookAhead) decide();
}

void TableText::endTable() {
    if (!m_waiting.empty()) decide();
    m_isDecided = false;
}

bool TableText::isHeader(std::size_t candidate, std::size_t widest) const {
    const Row& row = m_waiting[candidate];
    if (!m_options.hasLabels || candidate + 1 >= m_waiting.size() || !isAllText(row)) return false;
    if (2 * (hasWideCell(row) ? endOf(row) : row.size()) < widest || !areDistinct(row)) {
        return false;
    }
    // Below a header stands what is not text. In two columns that may also be a list of names and
    // values, whose values are of all kinds.
    std::size_t nDifferent = 0;
    for (std::size_t i = candidate + 1; i < m_waiting.size(); ++i) {
        const bool isDifferent =
            std::any_of(m_waiting[i].begin(), m_waiting[i].end(), [&](const Cell& cell) {
                return cell.kind == CellKind::Value && cellOver(row, cell.column) != nullptr;
            });
        if (isDifferent) ++nDifferent;
    }
    const std::size_t nBelow = m_waiting.size() - candidate - 1;
    if (nDifferent > 0 && (widest > 2 || 2 * nDifferent > nBelow)) return true;
    if (m_nLabels > 0 || widest < 2) return false;
    return widest > 2 || (nDifferent == 0 && !row.front().text.ends_with(':'));
}

void TableText::decide() {
    m_isDecided = true;
    std::vector<Row> rows;
    std::size_t widest = 0;
    for (const Row& row : m_waiting) widest = std::max(widest, row.size());
    std::size_t first = 0;
    while (first < m_waiting.size() && widest > 1 && m_waiting[first].size() < 2) ++first;
    std::size_t nHeaders = 0;
    if (first < m_waiting.size() && isHeader(first, widest)) {
        nHeaders = 1;
        const bool isDouble = hasWideCell(m_waiting[first]) && first + 2 < m_waiting.size() &&
                              isAllText(m_waiting[first + 1]) && m_waiting[first + 1].size() > 1;
        if (isDouble) nHeaders = 2;
        takeLabels(std::span(m_waiting).subspan(first, nHeaders));
    } else if (m_nLabels > 0) {
        // A table after a gap goes on with the columns of the one before, or has none.
        const bool goesOn = std::all_of(m_waiting.begin(), m_waiting.end(), [&](const Row& row) {
            return std::all_of(row.begin(), row.end(),
                               [&](const Cell& cell) { return !labelOf(cell.column).empty(); });
        });
        if (!goesOn) {
            m_labels.clear();
            m_nLabels = 0;
        }
    }
    rows.swap(m_waiting);
    if (m_hasWritten) m_page.push_back('\n');
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const bool isAbove = i < first + nHeaders;
        isAbove ? writePlain(rows[i]) : writeLabelled(rows[i]);
    }
}

void TableText::takeLabels(std::span<const Row> rows) {
    std::size_t end = 0;
    for (const Row& row : rows) end = std::max(end, endOf(row));
    m_labels.assign(std::min(end, kMostColumns), {});
    m_nLabels = 0;
    for (std::size_t column = 0; column < m_labels.size(); ++column) {
        std::string& label = m_labels[column];
        for (const Row& row : rows) {
            const Cell* cell = cellOver(row, column);
            if (cell == nullptr || cell->text == label) continue;
            if (!label.empty()) label.push_back(' ');
            label += cell->text;
        }
        while (label.ends_with(':')) label.pop_back();
        if (!label.empty()) ++m_nLabels;
    }
}

std::string_view TableText::labelOf(std::size_t column) const {
    return column < m_labels.size() ? std::string_view(m_labels[column]) : std::string_view();
}

void TableText::writePlain(const Row& row) {
    std::string line;
    for (const Cell& cell : row) {
        if (!line.empty()) line += " | ";
        line += cell.text;
    }
    append(line);
}

void TableText::writeLabelled(const Row& row) {
    // One text alone under several columns is a title or a remark, and a header may be repeated.
    const bool isRemark = row.size() == 1 && m_nLabels > 2 && row.front().kind == CellKind::Text;
    const bool isHeaderAgain = std::all_of(row.begin(), row.end(), [&](const Cell& cell) {
        return cell.text == labelOf(cell.column);
    });
    if (isRemark || isHeaderAgain || m_nLabels == 0) return writePlain(row);
    std::string line;
    for (const Cell& cell : row) {
        if (!line.empty()) line += " | ";
        const std::string_view label = labelOf(cell.column);
        if (!label.empty()) {
            line += label;
            line += ": ";
        }
        line += cell.text;
    }
    append(line);
}

void TableText::append(std::string_view line) {
    if (m_page.size() + line.size() + 1 > m_options.mostBytes) {
        m_isTooLarge = true;
        return;
    }
    m_page += line;
    m_page.push_back('\n');
    m_hasWritten = true;
}

}  // namespace conclave::retrieval::extractor
