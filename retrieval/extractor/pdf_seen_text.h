// pdf_seen_text.h: whether all text of a page is seen, told by what the page does, without drawing
// it.
//
// That is so on most pages: dark text on white paper or a pale ground, nothing above it, none of it
// clipped. Wherever this is not plain the answer is "not certain", and the page is drawn.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "retrieval/extractor/pdf_painting.h"

namespace conclave::retrieval::extractor {

/// Which glyphs leave ink: a font may draw nothing for a letter. A drawing of a page on which all
/// text is seen says so for its glyphs.
class InkedGlyphs {
public:
    /// Whether in nearly every piece most of the glyphs are known to leave ink. `nSigns`: what they
    /// are said to be, but white space.
    [[nodiscard]] bool knows(const PagePainting& painting, std::size_t nSigns) const;
    void learn(const PagePainting& painting);

private:
    static std::vector<unsigned> codesOf(const PagePainting::Letters& letters);
    std::map<std::string, std::set<unsigned>> m_codes;  ///< by style
};

/// Whether the places where text stands are on the page, inside the clip and not covered by paint
/// or by each other.
[[nodiscard]] bool isUncovered(const PagePainting& painting, std::span<const LineBox> places);

}  // namespace conclave::retrieval::extractor
