// asking_frames.h: the words by which German and French ask, read as the English ones.
#pragma once

#include <vector>

#include "app/services/asked_for.h"

namespace conclave::services {

/// "Wie hoch ist die Kaution" as "How many is die Kaution", "Ist Grillen erlaubt" as "Is Grillen
/// allowed": only what asks is replaced, so that the same rules say what kind of answer is wanted.
/// Questions that begin in no such way are left as they are.
[[nodiscard]] std::vector<AskedWord> inEnglishFrame(std::vector<AskedWord> words);

}  // namespace conclave::services
