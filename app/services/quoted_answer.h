// quoted_answer.h: the sentence of a passage that answers a question by its own words.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/services/services.h"

namespace conclave::services {

/// A sentence that stands for an answer, and the passages beside it.
struct QuotedAnswer {
    std::string quote;                    ///< as it is read: one line of Markdown, without marks
    std::vector<StoredPassage> passages;  ///< numbered from 1, the quoted one first
    StoredCitation citation;              ///< of [1]; its place in the answer is the caller's
    /// It is asked how to do something, and the sentence begins with "To do it, …".
    bool isInstruction = false;
    /// It is asked who did something, and the sentence says who does or is to do it.
    bool isStillToBeDone = false;
};

/// Finds a sentence (or two, if the second begins with "It" or the like) that holds every word of
/// content of the question, by its stem or a common synonym, at least half of them itself and the
/// rest in its heading or title, and something of the kind that is asked for: a number for "how
/// many", with what is counted; a name for "who"; a time for "when". Of a Chinese question nearly
/// all characters and most pairs. None where no passage has such a place: nothing is guessed.
/// `passages` are best first. O(length of the first eight).
[[nodiscard]] std::optional<QuotedAnswer> quoteFor(std::string_view question,
                                                   std::span<const StoredPassage> passages);

/// A passage holds what the question is about, its names and numbers and half of its words, or a
/// sentence holds all but its verb and something of the kind that is asked for, so that to deny
/// that the documents say it could be untrue.
[[nodiscard]] bool mayBeAnswered(std::string_view question,
                                 std::span<const StoredPassage> passages);

/// The passage has the names and numbers of the question and the thing that "which" asks for, so
/// that a sentence of it can be an answer at all. True for Chinese, of which names are not known.
[[nodiscard]] bool isAboutTheSame(std::string_view question, const StoredPassage& passage);

/// The text says a number, a time, a duration or money where the question asks for one; true of
/// other questions, whose answers have no form.
[[nodiscard]] bool isOfKindAskedFor(std::string_view question, std::string_view text);

/// The sentences of the passage around a quote (bytes of its text) say, with its heading and title,
/// six in ten of the question's words, if those are three or more; where it is asked how to do
/// something, all of fewer: "To make a backup" tells nobody how to make a cake. True for Chinese.
[[nodiscard]] bool saysEnoughOf(std::string_view question, const StoredPassage& passage,
                                retrieval::TextSpan quote);

}  // namespace conclave::services
