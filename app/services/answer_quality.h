// answer_quality.h: whether what a model wrote can be shown.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "app/services/services.h"

namespace conclave::services {

/// Without U+FFFD, which stands where a model wrote bytes that make no character.
[[nodiscard]] std::string withoutBrokenCharacters(std::string_view text);

/// Says the same few words over and over, or is mostly signs: what small models write when they are
/// lost. Never true for a text of less than a dozen words.
[[nodiscard]] bool isDegenerate(std::string_view text);

/// How much of the question one passage says, against the one that says most of it, 0..1: terms
/// that few of the passages have count more. 1 where no passage says anything.
[[nodiscard]] double shareOfQuestion(std::string_view question, const StoredPassage& passage,
                                     std::span<const StoredPassage> passages);

/// Says, in the words that models are taught, that the documents have no answer, and nothing else.
[[nodiscard]] bool isRefusal(std::string_view answer);

}  // namespace conclave::services
