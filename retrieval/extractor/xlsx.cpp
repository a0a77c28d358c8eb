// Workbooks of Office Open XML (ECMA-376 part 1, 18): each visible sheet a page, its name the
// heading, its rows through TableText; then its notes and the words of its drawings.
#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "retrieval/extractor/office_parts.h"
#include "retrieval/extractor/parser.h"
#include "retrieval/extractor/table_text.h"
#include "retrieval/extractor/xlsx_parts.h"

namespace conclave::retrieval::extractor {
namespace {

/// A cell's place, both from 0.
struct Place {
    std::size_t row = 0;
    std::size_t column = 0;
};

/// "BC12"; what is missing stays as in `otherwise`.
Place toPlace(std::string_view reference, Place otherwise) {
    std::size_t i = 0;
    std::size_t column = 0;
    while (i < reference.size() && reference[i] >= 'A' && reference[i] <= 'Z' && i < 4) {
        column = column * 26 + static_cast<std::size_t>(reference[i] - 'A') + 1;
        ++i;
    }
    if (column > 0) otherwise.column = column - 1;
    const std::size_t row = toIndex(reference.substr(i), 0);
    if (row > 0) otherwise.row = row - 1;
    return otherwise;
}

struct Merge {
    Place first;
    Place last;
};

/// <mergeCells>, which comes after the rows that it is about.
class MergeReader : public XmlHandler {
public:
    void start(std::string_view name, const XmlAttributes& attributes) override {
        if (name != "mergeCell" || merges.size() >= kMost) return;
        const std::string_view range = attributes.get("ref");
        const std::size_t colon = range.find(':');
        if (colon == std::string_view::npos) return;
        const Place first = toPlace(range.substr(0, colon), {});
        const Place last = toPlace(range.substr(colon + 1), first);
        if (last.row >= first.row && last.column >= first.column) merges.push_back({first, last});
    }
    void end(std::string_view) override {}
    void text(std::string_view) override {}
    std::vector<Merge> merges;

private:
    static constexpr std::size_t kMost = 100'000;
};

/// Merged cells of a sheet, to be asked row by row.
class MergedCells {
public:
    explicit MergedCells(std::vector<Merge> merges) : m_merges(std::move(merges)) {
        std::stable_sort(m_merges.begin(), m_merges.end(),
                         [](const Merge& a, const Merge& b) { return a.first.row < b.first.row; });
    }

    /// Gives cells their width, and puts the text of a cell that reaches down into the rows below,
    /// so that each row says what it belongs to. `cells` sorted by column.
    void apply(std::size_t row, std::vector<Cell>& cells) {
        std::erase_if(m_open, [row](const Open& open) { return open.lastRow < row; });
        if (cells.empty()) return;
        for (const Open& open : m_open) {
            const auto at = std::lower_bound(
                cells.begin(), cells.end(), open.cell.column,
                [](const Cell& cell, std::size_t column) { return cell.column < column; });
            if (at != cells.end() && at->column == open.cell.column && !at->text.empty()) continue;
            cells.insert(at, open.cell);
        }
        while (m_next < m_merges.size() && m_merges[m_next].first.row <= row) {
            const Merge& merge = m_merges[m_next++];
            if (merge.first.row == row) open(merge, cells);
        }
    }

private:
    /// More at one time is no table.
    static constexpr std::size_t kMostOpen = 256;

    struct Open {
        std::size_t lastRow = 0;
        Cell cell;
    };

    void open(const Merge& merge, std::vector<Cell>& cells) {
        for (Cell& cell : cells) {
            if (cell.column != merge.first.column || cell.text.empty()) continue;
            cell.span = merge.last.column - merge.first.column + 1;
            if (merge.last.row > merge.first.row && m_open.size() < kMostOpen) {
                m_open.push_back({merge.last.row, cell});
            }
            return;
        }
    }

    std::vector<Merge> m_merges;
    std::size_t m_next = 0;
    std::vector<Open> m_open;
};

struct SheetSummary {
    std::size_t nHiddenRows = 0;
    std::size_t nHiddenColumns = 0;
    std::size_t nFilteredRows = 0;
    std::size_t nWithoutResult = 0;  ///< formulas
    std::size_t nBeyond = 0;         ///< cells in columns that no sheet has
    std::size_t nWithoutString = 0;  ///< cells of a shared string that there is not
};

/// xl/worksheets/sheet1.xml.
class SheetReader : public XmlHandler {
public:
    SheetReader(TableText& table, MergedCells merged, const SharedStrings& strings,
                const CellFormats& formats, bool is1904)
        : m_table(table),
          m_merged(std::move(merged)),
          m_strings(strings),
          m_formats(formats),
          m_is1904(is1904) {}

    [[nodiscard]] const SheetSummary& summary() const { return m_summary; }
    [[nodiscard]] bool isTooLarge() const override {
        return m_table.isTooLarge() || m_isAmplified || m_value.size() > kMostTextBytes;
    }
    /// A few long texts stand in so many cells that they are meant to fill memory.
    [[nodiscard]] bool isAmplified() const { return m_isAmplified; }

    void start(std::string_view name, const XmlAttributes& attributes) override {
        const auto isOn = [&](std::string_view key) {
            const std::string_view value = attributes.get(key);
            return value == "1" || value == "true";
        };
        if (name == "sheetPr") {
            m_isFiltered = isOn("filterMode");
        } else if (name == "col") {
            if (isOn("hidden")) hideColumns(attributes);
        } else if (name == "row") {
            m_place.row =
                std::max<std::size_t>(toIndex(attributes.get("r"), m_place.row + 2), 1) - 1;
            m_place.column = static_cast<std::size_t>(-1);
            m_isRowHidden = isOn("hidden");
            m_cells.clear();
        } else if (name == "c") {
            ++m_place.column;
            m_place.column = toPlace(attributes.get("r"), m_place).column;
            m_type = attributes.get("t");
            m_style = attributes.get("s");
            m_value.clear();
            m_formula.clear();
        } else if (name == "v" || (name == "t" && m_phoneticDepth == 0)) {
            m_into = &m_value;
        } else if (name == "f") {
            m_into = &m_formula;
        } else if (name == "rPh") {
            ++m_phoneticDepth;
        }
    }

    void end(std::string_view name) override {
        if (name == "v" || name == "t" || name == "f") {
            m_into = nullptr;
        } else if (name == "rPh") {
            --m_phoneticDepth;
        } else if (name == "c") {
            endCell();
        } else if (name == "row") {
            endRow();
        }
    }

    void text(std::string_view text) override {
        if (m_into != nullptr && m_into->size() <= kMostTextBytes) *m_into += text;
    }

private:
    void hideColumns(const XmlAttributes& attributes) {
        const std::size_t first = toIndex(attributes.get("min"), 0);
        const std::size_t last = std::min(toIndex(attributes.get("max"), 0), kMostColumns);
        if (first == 0 || first > last) return;
        if (m_hiddenColumns.size() < last) m_hiddenColumns.resize(last);
        for (std::size_t column = first; column <= last; ++column) {
            m_hiddenColumns[column - 1] = true;
        }
    }

    void endCell() {
        if (m_place.column >= kMostColumns || m_cells.size() >= kMostColumns) {
            ++m_summary.nBeyond;
            return;
        }
        if (m_value.empty() && !m_formula.empty()) {
            // Written by a program that does not calculate.
            m_value = "=" + m_formula;
            m_type = "str";
            ++m_summary.nWithoutResult;
        }
        if (m_value.empty() || m_isAmplified) return;
        if (m_place.column < m_hiddenColumns.size() && m_hiddenColumns[m_place.column]) {
            ++m_summary.nHiddenColumns;
            return;
        }
        Cell cell{.column = m_place.column, .span = 1, .kind = CellKind::Text, .text = {}};
        if (m_type == "s") {
            cell.text = m_strings.at(m_value);
            if (!m_strings.has(m_value)) ++m_summary.nWithoutString;
            countLong(cell.text.size());
        } else if (m_type == "b") {
            cell.text = m_value == "0" ? "FALSE" : "TRUE";
            cell.kind = CellKind::Value;
        } else if (m_type.empty() || m_type == "n") {
            cell.text = showNumber(m_value, m_formats.at(m_style), m_is1904);
            cell.kind = CellKind::Value;
        } else {
            cell.text = m_value;  // a string, an ISO date or an error as #N/A
            if (m_type == "d" || m_type == "e") cell.kind = CellKind::Value;
        }
        m_cells.push_back(std::move(cell));
    }

    void countLong(std::size_t size) {
        constexpr std::size_t kLong = 1000;
        constexpr std::size_t kMuch = std::size_t{16} << 20;
        constexpr std::size_t kManyTimes = 20;
        if (size >= kLong) m_longBytes += size;
        m_isAmplified = m_longBytes > kMuch && m_longBytes / kManyTimes > m_strings.sizeBytes();
    }

    void endRow() {
        if (m_isRowHidden && !m_cells.empty()) {
            ++(m_isFiltered ? m_summary.nFilteredRows : m_summary.nHiddenRows);
            if (!m_isFiltered) return;
        }
        const auto before = [](const Cell& a, const Cell& b) { return a.column < b.column; };
        if (!std::is_sorted(m_cells.begin(), m_cells.end(), before)) {
            std::stable_sort(m_cells.begin(), m_cells.end(), before);
        }
        m_merged.apply(m_place.row, m_cells);
        m_table.addRow(std::exchange(m_cells, {}), m_place.row);
    }

    TableText& m_table;
    MergedCells m_merged;
    const SharedStrings& m_strings;
    const CellFormats& m_formats;
    bool m_is1904;
    bool m_isFiltered = false;
    bool m_isRowHidden = false;
    std::vector<bool> m_hiddenColumns;
    Place m_place{.row = static_cast<std::size_t>(-1), .column = 0};
    std::vector<Cell> m_cells;
    std::string m_type;
    std::string m_style;
    std::string m_value;
    std::string m_formula;
    std::string* m_into = nullptr;
    int m_phoneticDepth = 0;
    std::size_t m_longBytes = 0;  ///< of long shared texts, as often as they stand in cells
    bool m_isAmplified = false;
    SheetSummary m_summary;
};

/// Notes of a sheet: "Note on B3: …", one line each.
class NoteReader : public XmlHandler {
public:
    NoteReader(std::string& page, std::size_t mostBytes) : m_page(page), m_mostBytes(mostBytes) {}
    void start(std::string_view name, const XmlAttributes& attributes) override {
        if (name == "comment") {
            m_line = "Note on " + std::string(attributes.get("ref")) + ": ";
            m_prefix = m_line.size();
        }
        if (name == "t") ++m_textDepth;
    }
    void end(std::string_view name) override {
        if (name == "t") --m_textDepth;
        if (name != "comment" || m_line.size() == m_prefix) return;
        if (m_page.size() + m_line.size() + 2 > m_mostBytes) {
            m_isTooLarge = true;
            return;
        }
        m_page += (m_isFirst ? "\n" : "") + onOneLine(m_line) + "\n";
        m_isFirst = false;
        m_line.clear();
    }
    void text(std::string_view text) override {
        if (m_textDepth > 0 && m_line.size() <= m_mostBytes) m_line += text;
    }
    [[nodiscard]] bool isTooLarge() const override { return m_isTooLarge; }

private:
    std::string& m_page;
    std::size_t m_mostBytes;
    std::string m_line;
    std::size_t m_prefix = 0;
    int m_textDepth = 0;
    bool m_isFirst = true;
    bool m_isTooLarge = false;
};

/// Most sheets merge nothing and need not be read twice.
Result<std::vector<Merge>> readMerges(const Archive& archive, const std::string& part) {
    constexpr std::string_view kMark = "mergeCell ";
    std::string window;
    bool hasMerges = false;
    const auto searched = archive.read(part, [&](std::string_view piece) {
        window.append(piece);
        hasMerges = window.find(kMark) != std::string::npos;
        window.erase(0, window.size() - std::min(window.size(), kMark.size()));
        return !hasMerges;
    });
    if (!searched) return tl::unexpected(searched.error());
    MergeReader reader;
    if (hasMerges) {
        const auto read = readXml(archive, part, reader);
        if (!read && read.error().code != ErrorCode::Corrupt) return tl::unexpected(read.error());
    }
    return std::move(reader.merges);
}

/// Reads sheet after sheet into the document.
class WorkbookText {
public:
    WorkbookText(const Archive& archive, ExtractedDocument& document)
        : m_archive(archive), m_document(document) {}

    Result<void> read() {
        // Where the workbook is, and its parts, is named by links; by habit they are always here.
        const auto root = targetsOf(relationsOf(m_archive, ""), "officeDocument");
        const std::string part =
            !root.empty() && m_archive.has(root.front()) ? root.front() : "xl/workbook.xml";
        WorkbookReader workbook;
        if (auto done = readXml(m_archive, part, workbook); !done) return done;
        m_is1904 = workbook.is1904;
        const auto relations = relationsOf(m_archive, part);
        if (auto done = readShared(relations, "sharedStrings", m_strings); !done) return done;
        if (auto done = readShared(relations, "styles", m_formats); !done) return done;
        std::set<std::string> seen;
        for (const WorkbookReader::Sheet& sheet : workbook.sheets) {
            const auto relation = relations.find(sheet.relation);
            if (relation == relations.end() || relation->second.type != "worksheet") continue;
            if (!seen.insert(relation->second.target).second) continue;
            if (sheet.isHidden) {
                m_document.warnings.push_back("left out the hidden sheet " + sheet.name);
            } else if (auto done = addSheet(sheet.name, relation->second.target); !done) {
                return done;
            }
        }
        describe();
        return {};
    }

private:
    Result<void> readShared(const std::map<std::string, Relation, std::less<>>& relations,
                            std::string_view type, XmlHandler& handler) {
        for (const std::string& part : targetsOf(relations, type)) {
            if (m_archive.has(part)) return readXml(m_archive, part, handler);
        }
        return {};
    }

    Result<void> addSheet(const std::string& name, const std::string& part) {
        auto merges = readMerges(m_archive, part);
        if (!merges && merges.error().code == ErrorCode::LimitExceeded) {
            return tl::unexpected(merges.error());
        }
        const int number = static_cast<int>(m_document.pages.size()) + 1;
        constexpr std::size_t kLongestName = 200;  // programs keep to 31
        std::string page =
            onOneLine(std::string_view(name).substr(0, byteOffsetOf(name, kLongestName)));
        const std::size_t nameEnd = page.size();
        if (nameEnd > 0) page += "\n\n";
        const std::size_t bodyStart = page.size();
        const std::size_t room = kMostTextBytes - std::min(m_totalBytes, kMostTextBytes);
        TableText table(page, {.hasLabels = true, .mostBytes = room});
        SheetReader reader(table, MergedCells(merges ? std::move(*merges) : std::vector<Merge>{}),
                           m_strings, m_formats, m_is1904);
        const auto read = readXml(m_archive, part, reader);
        table.finish();
        if (reader.isAmplified()) {
            return fail(
                ErrorCode::LimitExceeded,
                "the workbook is over the limit: it repeats long texts until they take more "
                "than 16 MiB");
        }
        if (table.isTooLarge() || (!read && read.error().code == ErrorCode::LimitExceeded)) {
            return fail(ErrorCode::LimitExceeded, "the workbook holds more than 64 MiB of text");
        }
        if (!read) m_damaged.push_back(name);
        if (auto done = addAround(part, page, room); !done) return done;
        const SheetSummary& summary = reader.summary();
        m_summary.nHiddenRows += summary.nHiddenRows;
        m_summary.nHiddenColumns += summary.nHiddenColumns;
        m_summary.nFilteredRows += summary.nFilteredRows;
        m_summary.nWithoutResult += summary.nWithoutResult;
        m_summary.nBeyond += summary.nBeyond;
        m_summary.nWithoutString += summary.nWithoutString;
        if (page.size() == bodyStart) return {};  // an empty sheet
        if (nameEnd > 0) {
            m_document.headings.push_back(
                {.page = number, .startByte = 0, .endByte = nameEnd, .level = 1});
        }
        m_totalBytes += page.size();
        m_document.pages.push_back({.number = number, .text = std::move(page)});
        return {};
    }

    /// Notes and text boxes.
    Result<void> addAround(const std::string& part, std::string& page, std::size_t room) {
        const auto relations = relationsOf(m_archive, part);
        for (const std::string& notes : targetsOf(relations, "comments")) {
            NoteReader reader(page, room);
            if (!m_archive.has(notes) || !m_seenParts.insert(notes).second) continue;
            const auto read = readXml(m_archive, notes, reader);
            if (!read && read.error().code == ErrorCode::LimitExceeded) return read;
        }
        for (const std::string& drawing : targetsOf(relations, "drawing")) {
            if (!m_seenParts.insert(drawing).second) continue;
            TextBuilder builder(1);
            if (auto done = addParagraphs(m_archive, drawing, builder); !done) return done;
            ExtractedDocument words;
            builder.finish(words);
            if (!words.pages.front().text.empty()) page += "\n" + words.pages.front().text;
        }
        return {};
    }

    void describe() {
        const auto warn = [this](std::size_t count, const std::string& text) {
            if (count > 0) m_document.warnings.push_back(text);
        };
        const auto number = [](std::size_t count) { return std::to_string(count); };
        warn(m_summary.nHiddenRows, "left out " + number(m_summary.nHiddenRows) + " hidden rows");
        warn(m_summary.nHiddenColumns,
             "left out " + number(m_summary.nHiddenColumns) + " cells of hidden columns");
        warn(m_summary.nFilteredRows,
             "read " + number(m_summary.nFilteredRows) + " rows that a filter hides");
        warn(m_summary.nWithoutResult,
             number(m_summary.nWithoutResult) +
                 " formulas have no stored result; open and save the workbook to calculate them");
        warn(m_summary.nBeyond,
             "left out " + number(m_summary.nBeyond) + " cells beyond the last column of a sheet");
        warn(m_summary.nWithoutString, number(m_summary.nWithoutString) +
                                           " cells name a text that the workbook does not hold");
        for (const std::string& name : m_damaged) {
            m_document.warnings.push_back("the sheet " + name + " is damaged and not complete");
        }
    }

    const Archive& m_archive;
    ExtractedDocument& m_document;
    SharedStrings m_strings;
    CellFormats m_formats;
    bool m_is1904 = false;
    std::size_t m_totalBytes = 0;
    std::set<std::string> m_seenParts;
    std::vector<std::string> m_damaged;
    SheetSummary m_summary;
};

}  // namespace

Result<ExtractedDocument> parseXlsx(const Source& source) {
    const auto archive = Archive::open(source.bytes);
    if (!archive) return tl::unexpected(archive.error());
    ExtractedDocument document;
    document.mime = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    document.title = titleIn(*archive, "docProps/core.xml");
    if (const auto read = WorkbookText(*archive, document).read(); !read) {
        return tl::unexpected(read.error());
    }
    if (document.pages.empty()) {
        document.pages.push_back({.number = 1, .text = {}});
        document.warnings.emplace_back("no sheet holds any text");
    }
    return document;
}

}  // namespace conclave::retrieval::extractor
