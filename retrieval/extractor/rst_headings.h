// rst_headings.h: the section titles of a reStructuredText document.
#pragma once

#include <string_view>
#include <vector>

#include "retrieval/extractor/hidden_text.h"

namespace conclave::retrieval::extractor {

/// Titles underlined, or under- and overlined, by a row of one punctuation mark. Levels follow the
/// order in which the kinds of lines appear. Positions are of the title's words; the rows are
/// appended to `adornments`, in order.
[[nodiscard]] std::vector<Heading> rstHeadings(std::string_view text,
                                               std::vector<TextRange>& adornments);

}  // namespace conclave::retrieval::extractor
