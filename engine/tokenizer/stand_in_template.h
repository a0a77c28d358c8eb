// stand_in_template.h: how turns are written: by the file's chat template, or what stands in for
// one.
#pragma once

#include <optional>
#include <string_view>

#include "engine/gguf/gguf_file.h"

namespace conclave::engine {

struct StandInTemplate {
    std::string_view family;  ///< as "Llama 3"; empty: no marks of turns are known
    std::string_view source;  ///< a chat template
};

/// The template of the family whose marks of turns the file's vocabulary has; ChatML where it has
/// none. Only marks that no other family writes in another order count.
[[nodiscard]] StandInTemplate standInTemplate(const GgufFile& file);

/// `tokenizer.chat_template`, or `tokenizer.chat_template.tool_use` where that says nothing. As in
/// llama.cpp the word "chatml" is ChatML, and an empty template is none.
[[nodiscard]] std::optional<std::string_view> ownChatTemplate(const GgufFile& file);

/// That of conversations with tools, where the file has one for them alone.
[[nodiscard]] std::optional<std::string_view> toolChatTemplate(const GgufFile& file);

/// ownChatTemplate, or what stands in for it.
[[nodiscard]] std::string_view chatTemplateOf(const GgufFile& file);

}  // namespace conclave::engine
