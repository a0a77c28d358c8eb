// focus.h: the sentences of a passage that a question is about, for models that lose themselves in
// more.
#pragma once

#include <string>
#include <string_view>

namespace conclave::retrieval {

/// At most `nSentences` sentences of `text` that share most terms with the question, in the order
/// of the text and word for word, white space within a sentence aside; the first ones where none
/// shares any. A list item or a table row counts as a sentence; Markdown's heading lines are left
/// out.
[[nodiscard]] std::string focusOn(std::string_view question, std::string_view text, int nSentences);

}  // namespace conclave::retrieval
