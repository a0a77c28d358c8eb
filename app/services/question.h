// question.h: what kind of message a question is, by simple rules that need no model.
#pragma once

#include <string>
#include <string_view>

namespace conclave::services {

/// A greeting, thanks, or a question about the assistant itself: documents have no answer to it.
[[nodiscard]] bool isSmallTalk(std::string_view text);

/// Brings the text it is about along ("Summarise: …" with paragraphs), so that passages from
/// documents would only be in the way.
[[nodiscard]] bool bringsItsOwnText(std::string_view text);

/// True for a text with Chinese characters and no Japanese kana.
[[nodiscard]] bool isChinese(std::string_view text);

/// Mostly Latin letters: a language that a model without others might know.
[[nodiscard]] bool isInLatinLetters(std::string_view text);

/// Can only be understood with what was said before: short, or it points back ("and how long does
/// it last?").
[[nodiscard]] bool isFollowUp(std::string_view text);

/// What to search for: the question, and for a follow-up the words of the question before it too.
[[nodiscard]] std::string searchQuery(std::string_view question, std::string_view previousQuestion);

/// A chat's title: the first line of its first question, cut at a word near 60 characters.
[[nodiscard]] std::string titleFor(std::string_view question);

}  // namespace conclave::services
