// pdf_painting.h: what a page does, read from its operators without drawing it: from that
// pdf_seen_text.h tells whether all its text is seen. Wherever an operator is not plain there is no
// answer.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "retrieval/extractor/page_alignment.h"
#include "retrieval/extractor/pdf_file.h"

namespace conclave::retrieval::extractor {

/// Text is seen if less of its place than this may be covered, as by rules of tables.
inline constexpr double kMostCovered = 0.3;
/// Of places on a page; drawing it then takes its time, too.
inline constexpr std::size_t kMostComparisons = 4'000'000;

/// What a page of plain operators paints; boxes as LineBox has them.
struct PagePainting {
    /// Letters that one operator shows.
    struct Letters {
        std::string style;  ///< tells font and colour apart
        std::string codes;
        std::size_t nBytesOfCode = 1;
    };
    double width = 0.0;
    double height = 0.0;
    std::vector<Letters> letters;
    std::vector<LineBox> covers;  ///< what may hide text there
    LineBox clip;                 ///< outside of it no text is certain to be seen
};

/// None where an operator, a colour or a resource is not plain.
[[nodiscard]] std::optional<PagePainting> readPagePainting(PdfFile& file, std::size_t index);

}  // namespace conclave::retrieval::extractor
