// visible_text.h: text that does nothing to a terminal but appear on it.
#pragma once

#include <string>
#include <string_view>

namespace conclave {

/// `text` with control characters spelt out, as \x1b: those of ASCII but tab and line feed, U+007F
/// to U+009F, and bytes that are such in a terminal without UTF-8.
[[nodiscard]] std::string visibleControls(std::string_view text);

/// The same on one line, for names of files: line feed and carriage return as \n and \r.
[[nodiscard]] std::string visibleLine(std::string_view text);

}  // namespace conclave
