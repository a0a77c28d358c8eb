// harmony_parser.h: gpt-oss's answers, messages in channels (arXiv:2508.10925, section 3.3).
#pragma once

#include <memory>

#include "engine/engine.h"

namespace conclave::engine {

/// The channel "analysis" is reasoning, a message with a recipient is a call, all else the answer.
[[nodiscard]] std::unique_ptr<ChatOutputParser> makeHarmonyParser(bool showsControlTokens);

}  // namespace conclave::engine
