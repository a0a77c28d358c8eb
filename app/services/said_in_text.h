// said_in_text.h: whether the words of an English text say what a question asks for.
#pragma once

#include <string_view>
#include <vector>

#include "app/services/asked_for.h"

namespace conclave::services {

/// The stems that a text says for this question: where permission is asked for, that it is given
/// or denied, in whatever words.
[[nodiscard]] StemSet stemsSaidBy(const AskedFor& asked, const std::vector<AskedWord>& words);

/// Something was asked about as done, and the text has it only as to be done, or as being done.
[[nodiscard]] bool isStillToBeDone(const AskedFor& asked, const std::vector<AskedWord>& words);

/// The words of `text` say something of the kind that is asked for. Of a place, a person or a
/// reason by the words that are usual beside one: true more often than it should be.
[[nodiscard]] bool saysWanted(const AskedFor& asked, const std::vector<AskedWord>& words,
                              std::string_view text);

/// Where a total, an average or an extreme is asked for, the words say one themselves.
[[nodiscard]] bool saysOfAll(const AskedFor& asked, const std::vector<AskedWord>& words);

/// Where the question leaves a choice, "in June or in July", the words say one of both, and not the
/// other.
[[nodiscard]] bool saysOneAlternative(const AskedFor& asked, const StemSet& said);
[[nodiscard]] bool saysOneAlternative(const AskedFor& asked, const std::vector<AskedWord>& words);

/// "X is …", "X of the Y means …", "X: …": a word of the focus stands before a verb that defines,
/// right before it if the question has no other word.
[[nodiscard]] bool definesFocus(const AskedFor& asked, const std::vector<AskedWord>& words,
                                std::string_view text);

/// A heading, a line of a table of contents, a page's head: no sentence, row or labelled line.
[[nodiscard]] bool isFragment(std::string_view sentence);

/// "January" to "December", as a name.
[[nodiscard]] bool isMonth(const AskedWord& word);

/// "It", "They": the text goes on from the sentence before it.
[[nodiscard]] bool goesOnFromBefore(std::string_view sentence);

}  // namespace conclave::services
