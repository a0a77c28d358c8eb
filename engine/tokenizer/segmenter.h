// segmenter.h: the part of a tokenizer in which the kinds of vocabulary differ.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenizer/vocabulary.h"

namespace conclave::engine {

/// Cuts a text without markers into tokens. Immutable, so any thread may use it.
class Segmenter {
public:
    virtual ~Segmenter() = default;

    /// Appends the tokens of `text`. `afterMarker`: the text begins the prompt or follows a control
    /// or user-defined token.
    virtual void segment(std::string_view text, bool afterMarker,
                         std::vector<TokenId>& tokens) const = 0;

    /// Bytes that a normal token stands for.
    [[nodiscard]] virtual std::string bytesOf(std::string_view tokenText) const = 0;
};

/// U+2581, which SentencePiece writes for a space.
inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

/// `text` with U+2581 turned back into spaces.
[[nodiscard]] std::string withSpaces(std::string_view text);

/// SentencePiece's BPE: the neighbours that make the token of highest score merge first.
/// Errors: Corrupt without scores.
[[nodiscard]] Result<std::unique_ptr<const Segmenter>> makeSpmSegmenter(
    std::shared_ptr<const Vocabulary> vocabulary);

/// GPT-2's byte-level BPE: `preTokenizer` makes words, merges make tokens.
/// Errors: Corrupt (merges), Unsupported (names the pre-tokenizer).
[[nodiscard]] Result<std::unique_ptr<const Segmenter>> makeBpeSegmenter(
    const GgufFile& file, std::shared_ptr<const Vocabulary> vocabulary);

/// True if the file's merges are between pieces of plain text.
[[nodiscard]] bool isCharacterBpe(const GgufFile& file);

/// BPE of such files: "gemma4", "granite-embed-multi-311m", "sarvam-moe" and "whitespace".
/// Errors: Corrupt (merges).
[[nodiscard]] Result<std::unique_ptr<const Segmenter>> makeCharacterBpeSegmenter(
    const GgufFile& file, std::shared_ptr<const Vocabulary> vocabulary);

/// SentencePiece's Unigram: the pieces whose scores have the largest sum.
/// Errors: Corrupt (scores, precompiled_charsmap).
[[nodiscard]] Result<std::unique_ptr<const Segmenter>> makeUnigramSegmenter(
    const GgufFile& file, std::shared_ptr<const Vocabulary> vocabulary);

/// BERT's WordPiece, with or without case.
/// Errors: Corrupt without an unknown token.
[[nodiscard]] Result<std::unique_ptr<const Segmenter>> makeWordPieceSegmenter(
    const GgufFile& file, std::shared_ptr<const Vocabulary> vocabulary);

}  // namespace conclave::engine
