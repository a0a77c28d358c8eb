// definitions.h: questions that ask what something is, and passages that say it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace conclave::retrieval {

/// In small letters what “What is X?”, “define X”, “X是什么？” and the like ask about; none for
/// every other question, also for one about a part or a property (“What is the capital of X?”).
[[nodiscard]] std::optional<std::string> definedThing(std::string_view question);

/// How much a passage looks like the one that says what `thing` (in small letters) is: 1 for a
/// sentence “X is a …”, less for “X Y is a …” or “X is …”, more under a heading that asks just
/// this; 0 to 1.
[[nodiscard]] double definitionIn(std::string_view thing, std::string_view heading,
                                  std::string_view text);

}  // namespace conclave::retrieval
