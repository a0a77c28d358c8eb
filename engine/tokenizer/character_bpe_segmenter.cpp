#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <unicode/uchar.h>

#include "base/utf8.h"
#include "engine/tokenizer/char_class.h"
#include "engine/tokenizer/lenient_utf8.h"
#include "engine/tokenizer/merges.h"
#include "engine/tokenizer/segmenter.h"

namespace conclave::engine {
namespace {

/// BPE over characters: its vocabulary is plain text, and a character that it lacks is written in
/// bytes, <0x..>.
class CharacterMerger {
public:
    CharacterMerger(const Vocabulary& vocabulary, const MergeTable& merges)
        : m_vocabulary(vocabulary), m_merger(merges) {}

    /// @param text  well-formed, if only as readLeniently() has it
    void merge(std::string_view text, std::vector<TokenId>& tokens) {
        m_symbols.clear();
        for (std::size_t begin = 0; begin < text.size();) {
            const std::size_t length = claimedLength(text[begin]);
            addCharacter(text.substr(begin, length));
            begin += length;
        }
        m_merger.mergeSymbols(m_symbols, tokens);
    }

private:
    void addCharacter(std::string_view character) {
        const TokenId token = m_vocabulary.find(character);
        if (token >= 0) return m_symbols.push_back(token);
        for (const char byte : character) {
            // Without one the byte is left out, but what stands around it does not merge.
            m_symbols.push_back(m_vocabulary.byteToken(static_cast<unsigned char>(byte)));
        }
    }

    const Vocabulary& m_vocabulary;
    WordMerger m_merger;
    std::vector<TokenId> m_symbols;
};

/// Gemma 4, Sarvam: SentencePiece's spaces, and merges over whole lines.
class LineBpeSegmenter final : public Segmenter {
public:
    LineBpeSegmenter(std::shared_ptr<const Vocabulary> vocabulary, MergeTable merges,
                     bool takesLineEndsWhole)
        : m_vocabulary(std::move(vocabulary)),
          m_merges(std::move(merges)),
          m_takesLineEndsWhole(takesLineEndsWhole) {}

    void segment(std::string_view text, bool /*afterMarker*/,
                 std::vector<TokenId>& tokens) const override {
        const std::optional<std::string> read = readLeniently(text);
        if (read) text = *read;
        std::string marked;
        for (const char c : text) c == ' ' ? marked += kSpaceMark : marked += c;
        CharacterMerger merger(*m_vocabulary, m_merges);
        const std::string_view all = marked;
        for (std::size_t begin = 0; begin < all.size();) {
            const bool isLineEnd = all[begin] == '\n';
            const std::size_t end = std::min(
                isLineEnd ? all.find_first_not_of('\n', begin) : all.find('\n', begin), all.size());
            const std::string_view part = all.substr(begin, end - begin);
            begin = end;
            const TokenId whole =
                isLineEnd && m_takesLineEndsWhole ? m_vocabulary->find(part) : TokenId{-1};
            if (whole >= 0) {
                tokens.push_back(whole);
            } else {
                merger.merge(part, tokens);
            }
        }
    }

    std::string bytesOf(std::string_view tokenText) const override { return withSpaces(tokenText); }

private:
    std::shared_ptr<const Vocabulary> m_vocabulary;
    MergeTable m_merges;
    bool m_takesLineEndsWhole;  ///< a run of them that is a token
};

/// Jina's embedder for Chinese: merges over what stands between spaces, which are dropped.
class SpacedBpeSegmenter final : public Segmenter {
public:
    SpacedBpeSegmenter(std::shared_ptr<const Vocabulary> vocabulary, MergeTable merges,
                       bool lowersCase)
        : m_vocabulary(std::move(vocabulary)),
          m_merges(std::move(merges)),
          m_lowersCase(lowersCase) {}

    void segment(std::string_view text, bool /*afterMarker*/,
                 std::vector<TokenId>& tokens) const override {
        const std::optional<std::string> read = readLeniently(text);
        if (read) text = *read;
        CharacterMerger merger(*m_vocabulary, m_merges);
        std::string word;
        const auto flush = [&] {
            merger.merge(word, tokens);
            word.clear();
        };
        for (std::size_t i = 0; i < text.size();) {
            const char32_t c = nextLenientCodePoint(text, i);
            if ((charClass(c) & kSpace) != 0) {
                flush();
            } else {
                const auto lower = static_cast<char32_t>(u_tolower(static_cast<UChar32>(c)));
                appendUtf8(word, m_lowersCase ? lower : c);
            }
        }
        flush();
    }

    std::string bytesOf(std::string_view tokenText) const override {
        return std::string(tokenText);
    }

private:
    std::shared_ptr<const Vocabulary> m_vocabulary;
    MergeTable m_merges;
    bool m_lowersCase;
};

}  // namespace

bool isCharacterBpe(const GgufFile& file) {
    constexpr std::array<std::string_view, 3> kNames = {"gemma4", "granite-embed-multi-311m",
                                                        "sarvam-moe"};
    const std::string_view model = file.string("tokenizer.ggml.model").value_or("");
    const std::string_view pre = file.string("tokenizer.ggml.pre").value_or("");
    return model == "gemma4" || model == "whitespace" ||
           (model == "gpt2" && std::find(kNames.begin(), kNames.end(), pre) != kNames.end());
}

Result<std::unique_ptr<const Segmenter>> makeCharacterBpeSegmenter(
    const GgufFile& file, std::shared_ptr<const Vocabulary> vocabulary) {
    auto merges = readMerges(file, *vocabulary);
    if (!merges) return tl::unexpected(merges.error());
    if (file.string("tokenizer.ggml.model") == "whitespace") {
        const bool lowersCase = file.boolean("tokenizer.ggml.normalizer.lowercase").value_or(false);
        return std::make_unique<SpacedBpeSegmenter>(std::move(vocabulary), std::move(*merges),
                                                    lowersCase);
    }
    const bool isGemma = file.string("tokenizer.ggml.pre") != "sarvam-moe";
    return std::make_unique<LineBpeSegmenter>(std::move(vocabulary), std::move(*merges), isGemma);
}

}  // namespace conclave::engine
