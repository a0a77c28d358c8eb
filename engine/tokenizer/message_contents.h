// message_contents.h: messages in the form that a chat template reads.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "engine/tokenizer/chat_template.h"

namespace conclave::engine {

/// True if contents come out of the template only as lists of parts, [{"type": "text", "text": …}],
/// as those of models that also see are written. Tries it.
[[nodiscard]] bool readsPartsOnly(const ChatTemplate& chatTemplate);

/// `messages` (OpenAI's list) as the template reads them: contents as texts, parts joined by line
/// ends, or as lists of parts where it reads nothing else; and developers as the system where
/// `source`, the template, knows none.
/// Errors: InvalidArgument (a part that is no text: names the message and the part's type).
[[nodiscard]] Result<nlohmann::ordered_json> messagesFor(std::string_view source, bool asParts,
                                                         nlohmann::ordered_json messages);

}  // namespace conclave::engine
