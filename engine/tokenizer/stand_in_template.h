// stand_in_template.h: how turns are written for a model whose file has no chat template.
#pragma once

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

/// `tokenizer.chat_template`, or what stands in for it.
[[nodiscard]] std::string_view chatTemplateOf(const GgufFile& file);

}  // namespace conclave::engine
