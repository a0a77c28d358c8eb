#include "retrieval/extractor/text_builder.h"

#include <algorithm>
#include <utility>

#include "retrieval/extractor/ascii.h"
#include "retrieval/extractor/table_text.h"

namespace conclave::retrieval::extractor {
namespace {

/// A longer row is a page laid out with a table: its cells become paragraphs.
constexpr std::size_t kLongestRow = 1200;

}  // namespace

void TextBuilder::add(std::string_view text) {
    while (!text.empty()) {
        if (isAsciiSpace(text.front())) {
            m_pendingSpace = true;
            text.remove_prefix(1);
            continue;
        }
        const auto* end = std::find_if(text.begin(), text.end(), isAsciiSpace);
        const auto length = static_cast<std::size_t>(end - text.begin());
        writePending();
        m_text.append(text.substr(0, length));
        text.remove_prefix(length);
    }
}

void TextBuilder::addPreformatted(std::string_view text) {
    if (text.empty()) return;
    if (std::all_of(text.begin(), text.end(), isAsciiSpace)) {
        if (m_pendingNewlines == 0 && !m_text.empty()) m_text.append(text);
        return;
    }
    writePending();
    m_text.append(text);
}

void TextBuilder::startItem(std::string_view mark) {
    breakLine();
    m_pendingMark = mark;
}

void TextBuilder::startHeading(int level) {
    breakParagraph();
    m_pendingMark.clear();
    m_heading = OpenHeading{std::clamp(level, 1, 6), std::nullopt};
    if (m_row) m_row->isLayout = true;
}

void TextBuilder::endHeading() {
    if (m_heading && m_heading->start && *m_heading->start < m_text.size()) {
        m_headings.push_back({.page = m_page,
                              .startByte = *m_heading->start,
                              .endByte = m_text.size(),
                              .level = m_heading->level});
    }
    m_heading.reset();
    breakParagraph();
}

void TextBuilder::startRow() {
    ++m_rowDepth;
    requestBreak(1);
    if (m_rowDepth > 1) {
        m_row->isLayout = true;
        return;
    }
    m_row = Row{.start = m_text.size(), .cells = {}};
}

void TextBuilder::startCell() {
    requestBreak(1);
    if (m_rowDepth == 1) m_row->cells.push_back(m_text.size());
}

void TextBuilder::endRow() {
    if (m_rowDepth == 0) return;
    requestBreak(1);
    if (--m_rowDepth > 0) return;
    const Row row = std::move(*m_row);
    m_row.reset();
    if (row.isLayout || row.cells.size() < 2 || m_text.size() - row.start > kLongestRow) return;
    std::string line;
    bool hasText = false;
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
        const std::size_t end = i + 1 < row.cells.size() ? row.cells[i + 1] : m_text.size();
        const std::string cell =
            onOneLine(std::string_view(m_text).substr(row.cells[i], end - row.cells[i]));
        hasText = hasText || !cell.empty();
        if (i > 0) line += line.empty() || line.back() == ' ' ? "| " : " | ";
        line += cell;
    }
    if (!hasText) return;
    while (!line.empty() && line.back() == ' ') line.pop_back();
    // The break before the row was written with its first word. Rows of a table follow each other
    // without an empty line, whatever paragraphs their cells are made of.
    const std::size_t firstWord =
        std::min(m_text.find_first_not_of('\n', row.start), m_text.size());
    const bool followsRow = row.start > 0 && row.start == m_lastRowEnd;
    m_text.resize(followsRow ? row.start : firstWord);
    if (followsRow) m_text.push_back('\n');
    m_text += line;
    m_lastRowEnd = m_text.size();
    m_pendingNewlines = 1;
}

void TextBuilder::requestBreak(int newlines) {
    if (m_heading) {  // a heading is one line
        m_pendingSpace = true;
        return;
    }
    m_pendingNewlines = std::max(m_pendingNewlines, newlines);
}

void TextBuilder::writePending() {
    if (m_heading && !m_heading->start && m_pendingNewlines == 0) m_pendingNewlines = 2;
    if (!m_text.empty()) {
        if (m_pendingNewlines > 0) {
            while (!m_text.empty() && m_text.back() == ' ') m_text.pop_back();
            m_text.append(static_cast<std::size_t>(m_pendingNewlines), '\n');
        } else if (m_pendingSpace && !isAsciiSpace(m_text.back())) {
            m_text.push_back(' ');
        }
    }
    m_pendingNewlines = 0;
    m_pendingSpace = false;
    m_text += m_pendingMark;
    m_pendingMark.clear();
    if (m_heading && !m_heading->start) m_heading->start = m_text.size();
}

void TextBuilder::finish(ExtractedDocument& document) {
    while (m_rowDepth > 0) endRow();
    if (m_heading) endHeading();
    while (!m_text.empty() && isAsciiSpace(m_text.back())) m_text.pop_back();
    if (!m_text.empty()) m_text.push_back('\n');
    document.pages.push_back({.number = m_page, .text = std::move(m_text)});
    document.headings.insert(document.headings.end(), m_headings.begin(), m_headings.end());
    *this = TextBuilder(m_page + 1);
}

}  // namespace conclave::retrieval::extractor
