// text_prefixes.h: what a model wants to read before a query or a passage.
#pragma once

#include <string>
#include <string_view>

namespace conclave::engine {

/// Many embedders were trained with a word or an instruction before each text and find less without
/// it; GGUF files do not carry it.
struct TextPrefixes {
    std::string_view query;
    std::string_view passage;
};

/// From what the models' authors write, by architecture and words of the model's name.
[[nodiscard]] TextPrefixes prefixesOf(std::string_view architecture, std::string_view name);

}  // namespace conclave::engine
