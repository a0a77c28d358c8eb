// furniture.h: what pages carry beside their text: running heads and feet, tables of contents.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "retrieval/retrieval.h"

namespace conclave::retrieval {

/// The part of each page (in the order of `document.pages`) that is no running head or foot: lines
/// at the same edge that at least three pages share, but for a page's number that counts with them.
/// The first page keeps them, so that every word stays somewhere; headings are never taken for
/// them. All of each page where the document has fewer pages.
[[nodiscard]] std::vector<TextSpan> pageBodies(const ExtractedDocument& document);

/// The lines of a table of contents, with their line ends: those with a leader ("Title .... 12"),
/// and those beside them that end in a number. None unless there are two with a leader, and their
/// numbers grow (on a menu they do not).
[[nodiscard]] std::vector<TextSpan> contentsLines(std::string_view text);

}  // namespace conclave::retrieval
