// question_subject.h: what a question about whole collections is about: forms, words and place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "retrieval/retrieval.h"

namespace conclave::services {

/// Takes the names of patterns ("dates", "金额") out of `subject`.
std::vector<retrieval::Pattern> takePatterns(std::string& subject);

/// The words that are asked for, without those that only ask; what stands in quotation marks is
/// kept.
[[nodiscard]] std::string subjectOf(std::string_view text);

/// The words may be said of something as they are. False for what is left of a question that was
/// cut badly or asks for no words: "did Anna write", "their start", "over 500", "March 2024".
[[nodiscard]] bool mayBeSaid(std::string_view subject);

/// Takes "in the contracts" from the end of an English text, or "合同里" out of a Chinese one:
/// where to look, if documents are named so. Empty: nowhere in particular.
std::string takePlace(std::string& text);
std::string takeChinesePlace(std::string& text);

/// "… in the code folder", "… from the budget file": documents are meant by their names.
[[nodiscard]] bool namesPlace(std::string_view text);

/// Takes names of files ("notes.docx", quoted ones with their spaces) out of the text, with the
/// word before them that only leads to them ("in notes.docx", "of the file notes.docx").
[[nodiscard]] std::vector<std::string> takeFileNames(std::string& text);

}  // namespace conclave::services
