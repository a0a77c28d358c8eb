// output_parser.h: what a model writes, taken apart while it is written.
#pragma once

#include <memory>
#include <string_view>

#include "engine/engine.h"
#include "engine/tokenizer/output/chat_format.h"

namespace conclave::engine {

struct OutputParserOptions {
    bool isThinking = false;  ///< the prompt ended inside a thought
    bool showsControlTokens = false;
    nlohmann::ordered_json tools;  ///< the request's; null: calls are not looked for
};

/// A parser for text of this format. However the text is cut into pieces, the output is the same.
[[nodiscard]] std::unique_ptr<ChatOutputParser> makeOutputParser(const ChatFormat& format,
                                                                 OutputParserOptions options);

}  // namespace conclave::engine
