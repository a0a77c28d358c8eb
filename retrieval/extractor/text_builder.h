// text_builder.h: running text from a tree of paragraphs, headings, lists and tables.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/retrieval.h"

namespace conclave::retrieval::extractor {

/// Collects the text of one page. White space is collapsed as a browser does, paragraphs are
/// separated by an empty line, a table row becomes one line "cell | cell". What is between two
/// words is written when the second comes, so that nothing trails.
class TextBuilder {
public:
    explicit TextBuilder(int page) : m_page(page) {}

    void add(std::string_view text);
    /// As it stands, with its spaces and line ends.
    void addPreformatted(std::string_view text);

    void breakLine() { requestBreak(1); }
    void breakParagraph() { requestBreak(2); }
    /// Begins a list item; `mark` is written before its first word.
    void startItem(std::string_view mark);

    void startHeading(int level);
    void endHeading();

    /// Rows inside a cell of another row are lines of that cell.
    void startRow();
    void startCell();
    void endRow();

    [[nodiscard]] std::size_t sizeBytes() const { return m_text.size(); }
    /// The page and its headings are appended to the document; the builder is empty again.
    void finish(ExtractedDocument& document);

private:
    struct Row {
        std::size_t start = 0;
        std::vector<std::size_t> cells;  ///< where each begins
        bool isLayout = false;           ///< holds more than a line of words a cell
    };
    struct OpenHeading {
        int level = 1;
        std::optional<std::size_t> start;
    };

    void requestBreak(int newlines);
    void writePending();

    int m_page;
    std::string m_text;
    std::vector<Heading> m_headings;
    int m_pendingNewlines = 0;
    bool m_pendingSpace = false;
    std::string m_pendingMark;
    std::optional<OpenHeading> m_heading;
    std::optional<Row> m_row;
    int m_rowDepth = 0;
    std::size_t m_lastRowEnd = 0;
};

}  // namespace conclave::retrieval::extractor
