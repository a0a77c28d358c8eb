// hidden_text.h: characters that a reader does not see but a model would.
#pragma once

#include "retrieval/retrieval.h"

namespace conclave::retrieval::extractor {

/// Takes zero-width characters, tag characters, bidirectional controls, runs of variation selectors
/// and control characters out of all pages, moves the headings along, and adds a warning if there
/// were any. Joiners stay where a script needs them (Persian, Indic, emoji).
void removeHiddenCharacters(ExtractedDocument& document);

}  // namespace conclave::retrieval::extractor
