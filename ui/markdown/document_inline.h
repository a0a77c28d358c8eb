// document_inline.h: the visible text of a paragraph of Markdown.
#pragma once

#include <string_view>
#include <vector>

#include "ui/markdown/document_blocks.h"

namespace conclave::ui {

/// Appends the visible text of bytes [start, end) of `text` to `runs`: emphasis, code spans and
/// links lose their marks, escapes and entities become what they stand for, breaks of lines become
/// spaces.
void appendInline(std::string_view text, std::size_t start, std::size_t end,
                  std::vector<TextRun>& runs, TextRun::Style style = TextRun::Style::Plain);

}  // namespace conclave::ui
