// follow_up.h: a question that leans on the one before it, put so that it stands alone.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "app/services/conversation.h"

namespace conclave::services {

/// What is asked with the words of the question before it: "And the tenant?" after "Who is the
/// landlord?" is "Who is the tenant?", and "How do I make one?" after "What is a collection?" is
/// "How do I make a collection?"; "Which ones?" after "How many leases are signed?" is "Which
/// leases are signed?", and "And its price?" that of the one thing named before; in Chinese
/// "那房客呢？" likewise. The question itself where the wording leaves a doubt what stands for
/// what.
[[nodiscard]] std::string standaloneQuestion(std::string_view question, std::string_view previous);

/// The same over a conversation, whose follow-ups may have led to each other.
[[nodiscard]] std::string standaloneQuestion(std::string_view question,
                                             std::span<const PastTurn> history);

}  // namespace conclave::services
