// accents.h: letters as people type them who have no accents on their keyboard.
#pragma once

#include <string>
#include <string_view>

#include "retrieval/languages.h"

namespace conclave::retrieval {

/// Latin letters without their accents, as names are often typed: "Diaz" for "Díaz".
[[nodiscard]] std::string withoutAccents(std::string_view text);

/// The same of a case-folded word in a text of `language`, but for the letters that are others
/// there than those without a mark: "år" is a year in Swedish, "ar" is nothing, and Spanish "año"
/// is no "ano".
[[nodiscard]] std::string withoutAccents(std::string_view text, Language language);

}  // namespace conclave::retrieval
