// tokenizer.h: text to tokens and back, by the vocabulary of a GGUF file.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "engine/gguf/gguf_file.h"

namespace conclave::engine {

/// tokenizer.ggml.token_type.
enum class TokenType : std::uint8_t {
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
};

/// One stretch of a rendered prompt: text written by the template, where control tokens count, or
/// text of a message, where they are plain characters.
struct PromptPart {
    std::string text;
    bool fromTemplate = false;
};

/// A vocabulary with its segmentation: SentencePiece BPE ("llama"), byte-level BPE ("gpt2"),
/// Unigram ("t5") or WordPiece ("bert"). Immutable, so any thread may use it.
class Tokenizer {
public:
    /// Copies what it needs: the file may be closed afterwards.
    /// Errors: Corrupt (names the key), Unsupported (names the tokenizer or pre-tokenizer).
    [[nodiscard]] static Result<std::unique_ptr<const Tokenizer>> load(const GgufFile& file);

    virtual ~Tokenizer() = default;

    [[nodiscard]] virtual int vocabularySize() const = 0;
    [[nodiscard]] virtual std::vector<TokenId> encode(std::string_view text,
                                                      const TokenizeOptions& options) const = 0;
    /// As encodePrompt, without BOS.
    [[nodiscard]] virtual std::vector<TokenId> encodeParts(
        std::span<const PromptPart> parts) const = 0;
    /// Bytes of one token as they are appended to text; empty for control tokens unless
    /// `renderSpecial`. A SentencePiece word's leading space is there: dropping the first one of a
    /// whole text is decode's business.
    [[nodiscard]] virtual std::string piece(TokenId token, bool renderSpecial) const = 0;
    [[nodiscard]] virtual std::string decode(std::span<const TokenId> tokens,
                                             bool renderSpecial) const = 0;
    [[nodiscard]] virtual TokenType type(TokenId token) const = 0;
    [[nodiscard]] virtual std::string_view tokenText(TokenId token) const = 0;  ///< as in the file
    [[nodiscard]] virtual bool isEndOfTurn(TokenId token) const = 0;
    [[nodiscard]] virtual TokenId bos() const = 0;  ///< -1: none
    [[nodiscard]] virtual TokenId eos() const = 0;  ///< -1: none
    /// The one token that ends a turn where the file names one, else eos().
    [[nodiscard]] virtual TokenId endOfTurn() const { return eos(); }
    /// Tokens that an answer never has, as those of images in a model that cannot draw.
    [[nodiscard]] virtual std::span<const TokenId> suppressed() const { return {}; }
    [[nodiscard]] virtual bool addsBos() const = 0;
    /// What an encoder reads behind a text; -1: nothing.
    [[nodiscard]] virtual TokenId textEnd() const { return -1; }
    /// What an encoder reads between two texts; -1: nothing but the first one's end.
    [[nodiscard]] virtual TokenId separator() const { return -1; }
};

/// Tokens of a prompt made of parts. Neighbouring parts are segmented as one text wherever no
/// control token separates them, so that this equals tokenizing the whole text whenever no message
/// contains a control token's spelling. BOS is put first if the model asks for it and the template
/// did not write it.
[[nodiscard]] std::vector<TokenId> encodePrompt(const Tokenizer& tokenizer,
                                                std::span<const PromptPart> parts);

}  // namespace conclave::engine
