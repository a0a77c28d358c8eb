// hidden_text.h: characters that a reader does not see but a model would.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/hidden_text_warning.h"
#include "retrieval/retrieval.h"

namespace conclave::retrieval::extractor {

/// Takes zero-width characters, tag characters, bidirectional controls, runs of variation selectors
/// and control characters out of all pages, moves the headings along, and adds a warning if there
/// were any. Joiners stay where a script needs them (Persian, Indic, emoji).
void removeHiddenCharacters(ExtractedDocument& document);

/// Characters but white space.
[[nodiscard]] std::size_t countVisibleSigns(std::string_view text);

/// Bytes of a page's text.
struct TextRange {
    std::size_t startByte = 0;
    std::size_t endByte = 0;
};
/// Takes `ranges`, which follow each other, out of the document's only page and moves the headings
/// along.
void cutOut(ExtractedDocument& document, const std::vector<TextRange>& ranges);

}  // namespace conclave::retrieval::extractor
