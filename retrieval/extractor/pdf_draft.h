// pdf_draft.h: the pages of a long PDF that are read so far, for a process that goes on behind
// them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/extractor/pdf_unseen_text.h"
#include "retrieval/retrieval.h"

namespace conclave::retrieval::extractor {

struct PdfDraft {
    std::vector<ExtractedPage> pages;  ///< from the first one on, hidden characters included
    UnseenText::Progress unseen;       ///< behind the last of them
};

/// A piece: some pages and how far the search for unseen text is behind them.
[[nodiscard]] std::string toBytes(std::span<const ExtractedPage> pages,
                                  const UnseenText::Progress& unseen);

/// What pieces that follow each other say together; none if they are not whole, or do not begin at
/// the first page.
[[nodiscard]] std::optional<PdfDraft> draftFrom(std::string_view pieces);

}  // namespace conclave::retrieval::extractor
