// html_reader.h: text of HTML and XHTML, for web pages and the chapters of an e-book.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "retrieval/extractor/text_builder.h"

namespace conclave::retrieval::extractor {

struct HtmlSummary {
    std::string title;
    std::size_t nHidden = 0;  ///< characters but white space that the page hides
};

/// Adds the text of `html` (UTF-8) to `builder`. Scripts, styles and what the page hides are left
/// out; navigation and footers too where the page marks its main part.
/// Errors: LimitExceeded for nesting or text without end.
[[nodiscard]] Result<HtmlSummary> readHtml(std::string_view html, TextBuilder& builder);

}  // namespace conclave::retrieval::extractor
