// vocabulary.h: the tokenizer of a model, checked against its weights.
#pragma once

#include <memory>

#include "base/result.h"
#include "engine/gguf/gguf_file.h"
#include "engine/tokenizer/tokenizer.h"

namespace conclave::engine {

/// The file's tokenizer.
/// @param nEmbedded  tokens that the embedding has rows for; some files pad it
/// Errors: as Tokenizer::load; Corrupt if some token has no row.
[[nodiscard]] Result<std::unique_ptr<const Tokenizer>> loadVocabulary(const GgufFile& file,
                                                                      int nEmbedded);

}  // namespace conclave::engine
