// call_reader.h: reads one tool call from the text that a model writes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/tokenizer/output/chat_format.h"

namespace conclave::engine {

struct CallReading {
    enum class Status {
        Complete,   ///< `length` bytes of the text are calls, or a marker without a meaning of its
                    ///< own
        NeedsMore,  ///< what follows decides
        None,       ///< it looked like a call, but is plain text
    } status = Status::None;
    std::size_t length = 0;
    std::vector<ToolCall> calls;   ///< ids are empty where the text has none
    std::string_view before = {};  ///< answer in front of the calls, part of the text that was read
};

/// Reads the call that `text` begins with, at a marker of `style`. The answer is the same for every
/// longer text with this beginning once it is not NeedsMore; `isWhole` says that nothing follows.
/// `tools` are the request's (OpenAI's form, or null): they say which arguments are texts where the
/// style does not.
[[nodiscard]] CallReading readCall(CallStyle style, std::string_view text, bool isWhole,
                                   const nlohmann::ordered_json& tools);

/// The same for calls without a marker, as Llama writes them: an answer that is nothing but
/// {"name": …, "parameters": …}, a list of such, or [NAME(KEY=VALUE, …), …].
[[nodiscard]] CallReading readBareCall(std::string_view text, bool isWhole);

}  // namespace conclave::engine
