#include "engine/tokenizer/merges.h"

#include <cstdint>
#include <string>

namespace conclave::engine {

Result<MergeTable> readMerges(const GgufFile& file, const Vocabulary& vocabulary) {
    const auto lines = file.strings("tokenizer.ggml.merges");
    if (!lines) return fail(ErrorCode::Corrupt, "tokenizer.ggml.merges is missing");
    MergeTable merges(lines->size());
    std::uint32_t rank = 0;
    std::string joined;
    for (const std::string_view line : *lines) {
        // "LEFT RIGHT"; a space within LEFT is possible only as its first character.
        const std::size_t space = line.find(' ', 1);
        if (space == std::string_view::npos || space + 1 == line.size()) {
            return fail(ErrorCode::Corrupt,
                        "tokenizer.ggml.merges has no two parts in line " + std::to_string(rank));
        }
        const std::string_view left = line.substr(0, space);
        const std::string_view right = line.substr(space + 1);
        joined.assign(left).append(right);
        const TokenId leftToken = vocabulary.find(left);
        const TokenId rightToken = vocabulary.find(right);
        const TokenId token = vocabulary.find(joined);
        // A merge of or into something that is no token can have no effect on the result.
        if (leftToken >= 0 && rightToken >= 0 && token >= 0) {
            merges.add(leftToken, rightToken, {rank, token});
        }
        ++rank;
    }
    return merges;
}

}  // namespace conclave::engine
