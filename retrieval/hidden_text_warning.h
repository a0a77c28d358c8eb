// hidden_text_warning.h: the warnings of a document of which text was left out that nobody sees.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace conclave::retrieval {

/// "left out 12 characters of text that the page hides".
[[nodiscard]] std::string hiddenWarning(std::size_t nCharacters, std::string_view whatHides);
/// The same of text that is drawn so that nobody sees it.
[[nodiscard]] std::string unseenWarning(std::size_t nCharacters);
/// Of zero-width, direction, tag and control characters.
[[nodiscard]] std::string invisibleWarning(std::size_t nCharacters);

}  // namespace conclave::retrieval
