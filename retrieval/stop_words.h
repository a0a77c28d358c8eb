// stop_words.h: words too common to search for.
#pragma once

#include <string_view>

namespace conclave::retrieval {

/// True for English function words (as surface forms, case-folded) and the Chinese particles that
/// appear in nearly every question.
[[nodiscard]] bool isStopWord(std::string_view word);

}  // namespace conclave::retrieval
