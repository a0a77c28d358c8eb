// markdown_headings.h: the headings and comments of a Markdown text, by CommonMark's rules for
// blocks.
#pragma once

#include <string_view>
#include <vector>

#include "retrieval/extractor/hidden_text.h"

namespace conclave::retrieval::extractor {

/// ATX (# Title #) and setext (underlined by = or -) headings outside fenced and indented code and
/// front matter; positions are of the heading's words.
[[nodiscard]] std::vector<Heading> markdownHeadings(std::string_view text);

/// Comments (<!-- -->), which nobody sees, outside of code; one that begins a line and is never
/// closed goes to the end.
[[nodiscard]] std::vector<TextRange> markdownComments(std::string_view text);

}  // namespace conclave::retrieval::extractor
