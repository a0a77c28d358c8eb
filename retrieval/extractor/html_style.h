// html_style.h: does an element's own style attribute hide it?
#pragma once

#include <string>
#include <string_view>

namespace conclave::retrieval::extractor {

/// The colours an element's text is drawn with, as far as attributes say; empty: unknown.
struct Colours {
    std::string text;
    std::string background;
};

/// True if `style` (CSS declarations) makes the element invisible; updates `colours`, and is true
/// as well if those are known and equal.
[[nodiscard]] bool isHiddenByStyle(std::string_view style, Colours& colours);

/// "White", "#FFF" and "rgb(255,255,255)" alike as "#ffffff"; other names in lower case.
[[nodiscard]] std::string normalColour(std::string_view colour);

}  // namespace conclave::retrieval::extractor
