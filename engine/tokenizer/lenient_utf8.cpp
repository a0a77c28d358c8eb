#include "engine/tokenizer/lenient_utf8.h"

#include "base/utf8.h"

namespace conclave::engine {

std::optional<std::string> readLeniently(std::string_view text) {
    if (isValidUtf8(text)) return std::nullopt;
    std::string read;
    read.reserve(text.size());
    for (std::size_t position = 0; position < text.size();) {
        appendUtf8(read, nextLenientCodePoint(text, position));
    }
    return read;
}

}  // namespace conclave::engine
