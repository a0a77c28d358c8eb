// question_words.h: how the wording of a question is looked at: words and phrases, without a model.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace conclave::services {

/// ASCII letters in lower case; other bytes as they are, so that positions stay.
[[nodiscard]] std::string lowerCased(std::string_view text);

/// Of a word, not of what is between words.
[[nodiscard]] bool isWordCharacter(char c);

/// Without the white space and punctuation around it.
[[nodiscard]] std::string_view trimmedQuestion(std::string_view text);

/// Spaces and commas.
[[nodiscard]] std::string_view withoutLeadingSpace(std::string_view text);

/// Position of `phrase` in `text` as whole words, from `from` on; npos: nowhere.
[[nodiscard]] std::size_t findWords(std::string_view text, std::string_view phrase,
                                    std::size_t from = 0);

/// One of the phrases is in the text: ASCII ones as whole words, others anywhere.
[[nodiscard]] bool hasAny(std::string_view text, std::span<const std::string_view> phrases);
[[nodiscard]] bool hasAny(std::string_view text, std::initializer_list<std::string_view> phrases);

/// Length of the phrase that `text` begins with, as whole words; 0: none.
[[nodiscard]] std::size_t beginning(std::string_view text,
                                    std::span<const std::string_view> phrases);
[[nodiscard]] std::size_t beginning(std::string_view text,
                                    std::initializer_list<std::string_view> phrases);

/// 2 of "second" and "2nd".
[[nodiscard]] std::optional<int> placeInOrder(std::string_view word);

/// The words of a lower-case text, which they point into.
[[nodiscard]] std::vector<std::string_view> wordsOfLower(std::string_view lower);

/// "contracts", "meeting notes", "合同": a kind of document, as people name theirs. Those that
/// merely mean any document ("files", "文档") do not say which.
struct DocumentNoun {
    std::size_t startByte = 0;  ///< in the text
    std::size_t endByte = 0;
    bool isAnyDocument = false;
};

/// A plural that means documents, within the first `nWords` words of a lower-case English text;
/// the last of such words in a row ("meeting notes" has its notes). endByte 0: none.
[[nodiscard]] DocumentNoun pluralDocumentNoun(std::string_view lower, std::size_t nWords);
/// The same for "contract", "file".
[[nodiscard]] bool isSingularDocumentNoun(std::string_view word);
/// The first document noun of a Chinese text from `from` on. endByte 0: none.
[[nodiscard]] DocumentNoun chineseDocumentNoun(std::string_view text, std::size_t from = 0);

}  // namespace conclave::services
