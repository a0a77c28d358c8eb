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
/// An order to an assistant (document_orders.h) is no such place.
/// `passages` are best first. O(length of the first eight).
[[nodiscard]] std::optional<QuotedAnswer> quoteFor(std::string_view question,
                                                   std::span<const StoredPassage> passages);

/// A passage holds what the question is about, its names and numbers and half of its words, or a
/// sentence holds all but its verb and something of the kind that is asked for, so that to deny
/// that the documents say it could be untrue.
[[nodiscard]] bool mayBeAnswered(std::string_view question,
                                 std::span<const StoredPassage> passages);

}  // namespace conclave::services
