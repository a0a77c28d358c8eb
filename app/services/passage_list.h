// passage_list.h: passages that stand for an answer.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "app/services/services.h"

namespace conclave::services {

/// The answer's text and details: `preface`, and below it a list of what the best passages say
/// about the question, each with its citation. Those that score far below the best are left out.
struct PassageList {
    std::string text;
    std::vector<StoredPassage> passages;  ///< numbered from 1
    std::vector<StoredCitation> citations;
};

/// A stretch of a document as one line of Markdown that shows what is written there: its signs are
/// no marks, its "[1]" is no citation, and headings and rows are set apart from what follows.
/// `path` says by its ending what the marks in `source` mean.
[[nodiscard]] std::string listLine(std::string_view source, const std::filesystem::path& path);

/// Bytes of a heading that a text begins with on a line of its own, with the line's end: a short
/// line without an end, among longer ones, before a capital letter. 0: none. Markdown's are told by
/// their sign.
[[nodiscard]] std::size_t headingLength(std::string_view text, const std::filesystem::path& path);

/// Leaves out of the passages below a denial what has no word of content of the question, and keeps
/// two where none has half of them: the rest is of something else. Nothing is left out for Chinese.
void keepNearest(std::string_view question, std::vector<StoredPassage>& passages);

[[nodiscard]] PassageList listPassages(std::string_view question, std::string preface,
                                       std::vector<StoredPassage> passages);

}  // namespace conclave::services
