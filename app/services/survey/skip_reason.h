// skip_reason.h: why a document was not read, in Chinese where an answer is.
#pragma once

#include <string>
#include <string_view>

namespace conclave::services {

/// Leads the path of the document that another is a copy of.
inline constexpr std::string_view kSameAs = "the same as ";
inline constexpr std::string_view kNotReadYet = "not read yet";
/// Of a spreadsheet, where a number of each document is asked for.
inline constexpr std::string_view kIsTable = "a table: ask for its columns by their names";

/// What the first clause of a reason says, on one line; paths are cut to the name of their file.
/// One that is not known in Chinese stays in English behind words that say so much.
[[nodiscard]] std::string skipReason(std::string_view why, bool isChinese);

}  // namespace conclave::services
