#include "engine/model/vocabulary.h"

#include <string>

namespace conclave::engine {

Result<std::unique_ptr<const Tokenizer>> loadVocabulary(const GgufFile& file, int nEmbedded) {
    auto tokenizer = Tokenizer::load(file);
    if (tokenizer && (*tokenizer)->vocabularySize() > nEmbedded) {
        return fail(ErrorCode::Corrupt,
                    "the tokenizer has " + std::to_string((*tokenizer)->vocabularySize()) +
                        " tokens, but the embedding only " + std::to_string(nEmbedded));
    }
    return tokenizer;
}

}  // namespace conclave::engine
