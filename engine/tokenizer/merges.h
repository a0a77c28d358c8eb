// merges.h: the merges of a GGUF file.
#pragma once

#include "base/result.h"
#include "engine/gguf/gguf_file.h"
#include "engine/tokenizer/vocabulary.h"
#include "engine/tokenizer/word_merger.h"

namespace conclave::engine {

/// tokenizer.ggml.merges, between tokens of the vocabulary.
/// Errors: Corrupt (names the key and the line).
[[nodiscard]] Result<MergeTable> readMerges(const GgufFile& file, const Vocabulary& vocabulary);

}  // namespace conclave::engine
