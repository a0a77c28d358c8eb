#include <array>
#include <optional>
#include <utility>

#include "base/log.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/composed_form.h"
#include "engine/tokenizer/lenient_utf8.h"
#include "engine/tokenizer/merges.h"
#include "engine/tokenizer/pre_tokenizer.h"
#include "engine/tokenizer/segmenter.h"
#include "engine/tokenizer/token_index.h"
#include "engine/tokenizer/whole_tokens.h"

namespace conclave::engine {
namespace {

class BpeSegmenter final : public Segmenter {
public:
    BpeSegmenter(std::shared_ptr<const Vocabulary> vocabulary, PreTokenizer preTokenizer,
                 MergeTable merges)
        : m_vocabulary(std::move(vocabulary)),
          m_preTokenizer(std::move(preTokenizer)),
          m_merges(std::move(merges)),
          m_wholeTokens(m_vocabulary->size()) {
        const ByteAlphabet& alphabet = ByteAlphabet::get();
        for (unsigned byte = 0; byte < m_byteTokens.size(); ++byte) {
            const char c = static_cast<char>(byte);
            m_byteTokens[byte] = m_vocabulary->find(alphabet.spell({&c, 1}));
        }
        std::vector<TokenIndex::Entry> words;
        words.reserve(static_cast<std::size_t>(m_vocabulary->size()));
        for (TokenId token = 0; token < m_vocabulary->size(); ++token) {
            if (m_vocabulary->type(token) != TokenType::Normal) continue;
            const std::string_view text = m_vocabulary->text(token);
            std::string bytes = alphabet.bytes(text);
            // Text outside the alphabet is no spelling of bytes, so no word can be it.
            if (alphabet.spell(bytes) == text) words.emplace_back(std::move(bytes), token);
        }
        m_words = TokenIndex(words);
    }

    void segment(std::string_view text, bool afterMarker,
                 std::vector<TokenId>& tokens) const override {
        const std::optional<std::string> read = readLeniently(text);
        if (read) text = *read;
        std::string prefixed;
        if (afterMarker && m_vocabulary->addsSpacePrefix && !text.starts_with(' ')) {
            prefixed.assign(1, ' ').append(text);
            text = prefixed;
        }
        std::optional<std::string> composed;
        if (m_preTokenizer.composes()) composed = composedForm(text);
        if (composed) text = *composed;
        WordMerger merger(m_merges);
        std::vector<TokenId> symbols;
        const auto merge = [&](std::string_view word, std::vector<TokenId>& to) {
            symbols.clear();
            for (const char byte : word) {
                symbols.push_back(m_byteTokens[static_cast<unsigned char>(byte)]);
            }
            merger.mergeSymbols(symbols, to);
        };
        std::vector<TokenId> parts;
        m_preTokenizer.split(text, [&](std::string_view word) {
            const TokenId whole = m_words.find(word);
            const auto isWhole = [&] {
                parts.clear();
                merge(word, parts);
                return parts.size() == 1 && parts.front() == whole;
            };
            if (whole >= 0 &&
                (m_preTokenizer.takesWholeWords() || m_wholeTokens.contains(whole, isWhole))) {
                tokens.push_back(whole);
            } else {
                merge(word, tokens);
            }
        });
    }

    std::string bytesOf(std::string_view tokenText) const override {
        return ByteAlphabet::get().bytes(tokenText);
    }

private:
    std::shared_ptr<const Vocabulary> m_vocabulary;
    PreTokenizer m_preTokenizer;
    MergeTable m_merges;
    std::array<TokenId, 256> m_byteTokens{};
    TokenIndex m_words;
    WholeTokens m_wholeTokens;
};

}  // namespace

Result<std::unique_ptr<const Segmenter>> makeBpeSegmenter(
    const GgufFile& file, std::shared_ptr<const Vocabulary> vocabulary) {
    const auto name = file.string("tokenizer.ggml.pre");
    auto preTokenizer = PreTokenizer::find(name.value_or("default"));
    if (!preTokenizer) return tl::unexpected(preTokenizer.error());
    if (!name) {
        log().warn(
            "the model file does not say how its text is cut into words (tokenizer.ggml.pre); the "
            "default is used, and answers may be much worse for it: get a newer file of this "
            "model");
    }
    auto merges = readMerges(file, *vocabulary);
    if (!merges) return tl::unexpected(merges.error());
    return std::make_unique<BpeSegmenter>(std::move(vocabulary), std::move(*preTokenizer),
                                          std::move(*merges));
}

}  // namespace conclave::engine
