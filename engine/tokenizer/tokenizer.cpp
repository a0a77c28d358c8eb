#include "engine/tokenizer/tokenizer.h"

#include <algorithm>
#include <utility>

#include "engine/tokenizer/pre_tokenizer.h"
#include "engine/tokenizer/segmenter.h"
#include "engine/tokenizer/vocabulary.h"

namespace conclave::engine {
namespace {

/// All parts of a prompt as one text, and where in it the template's own words lie.
class PromptText {
public:
    explicit PromptText(std::span<const PromptPart> parts) {
        for (const PromptPart& part : parts) {
            const std::size_t begin = m_text.size();
            m_text += part.text;
            if (!part.fromTemplate || part.text.empty()) continue;
            if (!m_trusted.empty() && m_trusted.back().second == begin) {
                m_trusted.back().second = m_text.size();
            } else {
                m_trusted.emplace_back(begin, m_text.size());
            }
        }
    }

    [[nodiscard]] std::string_view text() const { return m_text; }

    /// End of the template's stretch that covers `position`; 0 if none does. Positions must grow
    /// from call to call.
    std::size_t trustedUntil(std::size_t position) {
        while (m_next < m_trusted.size() && m_trusted[m_next].second <= position) ++m_next;
        const bool covered = m_next < m_trusted.size() && m_trusted[m_next].first <= position;
        return covered ? m_trusted[m_next].second : 0;
    }

private:
    std::string m_text;
    std::vector<std::pair<std::size_t, std::size_t>> m_trusted;  ///< [begin, end), growing
    std::size_t m_next = 0;
};

class FileTokenizer final : public Tokenizer {
public:
    FileTokenizer(std::shared_ptr<const Vocabulary> vocabulary,
                  std::unique_ptr<const Segmenter> segmenter)
        : m_vocabulary(std::move(vocabulary)), m_segmenter(std::move(segmenter)) {}

    int vocabularySize() const override { return m_vocabulary->size(); }

    std::vector<TokenId> encode(std::string_view text,
                                const TokenizeOptions& options) const override {
        std::vector<TokenId> tokens;
        tokens.reserve(text.size() / 3 + 1);  // few texts have more
        if (options.addBos && m_vocabulary->addsBos) tokens.push_back(m_vocabulary->bos);
        if (!options.parseSpecial && !m_vocabulary->hasPlainMarkers()) {
            if (!text.empty()) m_segmenter->segment(text, true, tokens);
            return tokens;
        }
        const PromptPart part{std::string(text), options.parseSpecial};
        append({&part, 1}, tokens);
        return tokens;
    }

    std::vector<TokenId> encodeParts(std::span<const PromptPart> parts) const override {
        std::vector<TokenId> tokens;
        append(parts, tokens);
        return tokens;
    }

    std::string piece(TokenId token, bool renderSpecial) const override {
        if (!m_vocabulary->contains(token)) return {};
        const std::string_view text = m_vocabulary->text(token);
        switch (m_vocabulary->type(token)) {
            case TokenType::Control:
            case TokenType::Unknown: return renderSpecial ? std::string(text) : std::string();
            case TokenType::UserDefined: return std::string(text);
            case TokenType::Byte: {
                return std::string(1, static_cast<char>(m_vocabulary->byteOf(token)));
            }
            case TokenType::Normal:
            case TokenType::Unused: break;
        }
        return m_segmenter->bytesOf(text);
    }

    std::string decode(std::span<const TokenId> tokens, bool renderSpecial) const override {
        std::string text;
        bool atStart = true;
        for (const TokenId token : tokens) {
            const std::string bytes = piece(token, renderSpecial);
            const bool isControl =
                m_vocabulary->contains(token) && m_vocabulary->type(token) == TokenType::Control;
            const bool dropsSpace =
                atStart && !isControl && m_vocabulary->addsSpacePrefix && bytes.starts_with(' ');
            text.append(bytes, dropsSpace ? 1 : 0);
            atStart =
                atStart && isControl && bytes.empty();  // shown, it is what the text begins with
        }
        return text;
    }

    TokenType type(TokenId token) const override {
        return m_vocabulary->contains(token) ? m_vocabulary->type(token) : TokenType::Unknown;
    }
    std::string_view tokenText(TokenId token) const override {
        return m_vocabulary->contains(token) ? m_vocabulary->text(token) : std::string_view();
    }
    bool isEndOfTurn(TokenId token) const override { return m_vocabulary->isEndOfTurn(token); }
    TokenId bos() const override { return m_vocabulary->bos; }
    TokenId eos() const override { return m_vocabulary->eos; }
    TokenId endOfTurn() const override {
        return m_vocabulary->endOfTurn >= 0 ? m_vocabulary->endOfTurn : m_vocabulary->eos;
    }
    std::span<const TokenId> suppressed() const override { return m_vocabulary->suppressed; }
    bool addsBos() const override { return m_vocabulary->addsBos; }
    TokenId textEnd() const override { return m_vocabulary->textEnd; }
    TokenId separator() const override { return m_vocabulary->separator; }

private:
    struct Marker {
        std::size_t length = 0;
        TokenId token = -1;
    };

    /// The longest marker at `position` that may count there.
    Marker markerAt(PromptText& prompt, std::size_t position) const {
        const std::size_t trustedEnd = prompt.trustedUntil(position);
        Marker longest;
        m_vocabulary->markers().forEachPrefix(
            prompt.text().substr(position), [&](std::size_t length, TokenId token) {
                if (!m_vocabulary->isReserved(token) || position + length <= trustedEnd) {
                    longest = {length, token};
                }
            });
        return longest;
    }

    void append(std::span<const PromptPart> parts, std::vector<TokenId>& tokens) const {
        PromptText prompt(parts);
        const std::string_view text = prompt.text();
        std::size_t begin = 0;  // of the plain text not yet segmented
        bool afterMarker = true;
        const auto flush = [&](std::size_t end) {
            if (end > begin) {
                m_segmenter->segment(text.substr(begin, end - begin), afterMarker, tokens);
            }
        };
        for (std::size_t position = 0; position < text.size();) {
            const Marker marker = markerAt(prompt, position);
            if (marker.length == 0) {
                ++position;
                continue;
            }
            flush(position);
            tokens.push_back(marker.token);
            position += marker.length;
            if (m_vocabulary->trimsAfterMarkers && m_vocabulary->isReserved(marker.token) &&
                marker.token != m_vocabulary->bos) {
                position = std::min(text.find_first_not_of(" \t\r\n", position), text.size());
            }
            begin = position;
            afterMarker = true;
        }
        flush(text.size());
    }

    std::shared_ptr<const Vocabulary> m_vocabulary;
    std::unique_ptr<const Segmenter> m_segmenter;
};

Result<std::unique_ptr<const Segmenter>> makeSegmenter(
    std::string_view kind, const GgufFile& file,
    const std::shared_ptr<const Vocabulary>& vocabulary) {
    if (kind == "llama") return makeSpmSegmenter(vocabulary);
    if (isCharacterBpe(file)) return makeCharacterBpeSegmenter(file, vocabulary);
    if (kind == "gpt2") return makeBpeSegmenter(file, vocabulary);
    if (kind == "bert") return makeWordPieceSegmenter(file, vocabulary);
    return makeUnigramSegmenter(file, vocabulary);
}

}  // namespace

Result<std::unique_ptr<const Tokenizer>> Tokenizer::load(const GgufFile& file) {
    const auto kind = file.requireString("tokenizer.ggml.model");
    if (!kind) return tl::unexpected(kind.error());
    if (*kind != "llama" && *kind != "gpt2" && *kind != "t5" && *kind != "bert" &&
        !isCharacterBpe(file)) {
        return fail(ErrorCode::Unsupported, "tokenizer.ggml.model \"" + std::string(*kind) +
                                                "\" is not one that this version knows (llama, "
                                                "gpt2, t5, bert, gemma4, whitespace)");
    }
    const auto pre = PreTokenizer::find(file.string("tokenizer.ggml.pre").value_or("default"));
    const bool defaultAddBos = *kind == "llama" || *kind == "bert" || (pre && pre->addsBos());
    const bool defaultAddSpace = *kind == "llama" || *kind == "t5";
    auto vocabulary = Vocabulary::load(file, defaultAddBos, defaultAddSpace);
    if (!vocabulary) return tl::unexpected(vocabulary.error());
    auto segmenter = makeSegmenter(*kind, file, *vocabulary);
    if (!segmenter) return tl::unexpected(segmenter.error());
    return std::make_unique<FileTokenizer>(std::move(*vocabulary), std::move(*segmenter));
}

std::vector<TokenId> encodePrompt(const Tokenizer& tokenizer, std::span<const PromptPart> parts) {
    std::vector<TokenId> tokens = tokenizer.encodeParts(parts);
    if (tokenizer.addsBos() && (tokens.empty() || tokens.front() != tokenizer.bos())) {
        tokens.insert(tokens.begin(), tokenizer.bos());
    }
    return tokens;
}

}  // namespace conclave::engine
