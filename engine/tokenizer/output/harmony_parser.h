// harmony_parser.h: answers in messages: gpt-oss's channels (arXiv:2508.10925, section 3.3), and
// Muse's recipients.
#pragma once

#include <memory>

#include "engine/engine.h"

namespace conclave::engine {

/// The channel "analysis", and what Muse writes to itself, is reasoning; a message to a function is
/// a call, all else the answer.
[[nodiscard]] std::unique_ptr<ChatOutputParser> makeHarmonyParser(bool showsControlTokens,
                                                                  nlohmann::ordered_json tools);

}  // namespace conclave::engine
