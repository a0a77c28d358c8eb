// page_alignment.h: where lines of text really are on the picture of a page.
//
// QtPdf gives places in the page's own coordinates, and says neither how far the page is turned nor
// where its visible part begins. Both are seen from the ink: the lines belong where it is.
#pragma once

#include <span>
#include <vector>

namespace conclave::retrieval::extractor {

/// Points, downwards from the upper left corner of the page as it is seen.
struct LineBox {
    double left = 0.0;
    double top = 0.0;
    double right = 0.0;
    double bottom = 0.0;
};

/// The visible page in square cells: 1 where there is ink, else 0.
struct InkGrid {
    int columns = 0;
    int rows = 0;
    double cellSize = 2.0;    ///< points
    std::vector<char> cells;  ///< rows * columns, row by row
    [[nodiscard]] double width() const { return columns * cellSize; }
    [[nodiscard]] double height() const { return rows * cellSize; }
};

/// From what QtPdf says to what is seen.
class PageAlignment {
public:
    /// That of most pages is found at once; else all quarter turns and shifts are compared, and one
    /// is taken if it fits clearly better than none.
    [[nodiscard]] static PageAlignment find(const InkGrid& ink, double pageWidth, double pageHeight,
                                            std::span<const LineBox> lines);
    [[nodiscard]] LineBox apply(const LineBox& line) const;
    [[nodiscard]] int quarterTurns() const { return m_turns; }

private:
    int m_turns = 0;  ///< clockwise
    double m_right = 0.0;
    double m_down = 0.0;
    double m_pageWidth = 0.0;
    double m_pageHeight = 0.0;
};

}  // namespace conclave::retrieval::extractor
