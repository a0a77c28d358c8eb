// sentences.h: where sentences end, for chunks that must be cut and for the claim before a [n].
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace conclave::retrieval {

/// Ends of the sentences of `text` (byte offsets, white space after a sentence belongs to it);
/// the last one is text.size(). Knows . ! ? … with closing quotes, 。！？ without white space,
/// common abbreviations and initials, and blank lines. Empty for an empty text.
[[nodiscard]] std::vector<std::size_t> sentenceEnds(std::string_view text);

/// Places inside one long sentence where it may be cut: after a clause mark (level 2), after other
/// white space (level 1), between any two characters (level 0), largest offset not past `limit`.
/// `limit` is a byte offset at a character boundary, greater than 0; so is the result.
[[nodiscard]] std::size_t bestCut(std::string_view sentence, std::size_t limit);

}  // namespace conclave::retrieval
