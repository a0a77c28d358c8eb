// code_definitions.h: where the functions and types of a program's source are defined.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "retrieval/retrieval.h"

namespace conclave::retrieval::extractor {

/// How a language shows where a definition begins and ends.
enum class CodeFamily {
    Braces,      ///< C and what looks like it
    BraceLines,  ///< the same, and a statement ends at its line
    Indented,    ///< by a word at the line's start: def, class, function, sub, …
    Other,       ///< no definitions are looked for
};

struct CodeLanguage {
    std::string mime;
    CodeFamily family = CodeFamily::Other;
};

/// By extension (lower case, with its dot); mime is empty for what is no program.
[[nodiscard]] CodeLanguage codeLanguageOf(std::string_view extension);

/// Names of what is defined at top level, and of the members of classes one level below. Positions
/// are of the name; strings and comments do not mislead it for long: what opens and never closes
/// only costs headings.
[[nodiscard]] std::vector<Heading> codeHeadings(std::string_view text, CodeFamily family);

}  // namespace conclave::retrieval::extractor
