#include <memory>
#include <utility>

#include "base/utf8.h"
#include "engine/tokenizer/lenient_utf8.h"
#include "engine/tokenizer/neighbours.h"
#include "engine/tokenizer/piece_merger.h"
#include "engine/tokenizer/segmenter.h"
#include "engine/tokenizer/whole_tokens.h"

namespace conclave::engine {
namespace {

/// A text that is no UTF-8, with spaces where llama.cpp finds any: it writes each as U+2581 first,
/// and then gives every lead byte what follows it, were that part of such a mark.
std::string withSpacesLeftWhole(std::string_view text) {
    std::string marked;
    for (const char c : text) c == ' ' ? marked += kSpaceMark : marked += c;
    const std::string_view all = marked;
    std::string result;
    for (std::size_t begin = 0; begin < all.size();) {
        const std::string_view character = all.substr(begin, claimedLength(all[begin]));
        result += character == kSpaceMark ? " " : character;
        begin += character.size();
    }
    return result;
}

class SpmSegmenter final : public Segmenter {
public:
    explicit SpmSegmenter(std::shared_ptr<const Vocabulary> vocabulary)
        : m_vocabulary(std::move(vocabulary)), m_wholeTokens(m_vocabulary->size()) {
        std::vector<TokenIndex::Entry> pieces;
        pieces.reserve(static_cast<std::size_t>(m_vocabulary->size()));
        for (TokenId token = 0; token < m_vocabulary->size(); ++token) {
            const TokenType type = m_vocabulary->type(token);
            const std::string_view text = m_vocabulary->text(token);
            // The spaces of a text are marks, so that no text can be a piece with a real one.
            const bool isReachable = text.find(' ') == std::string_view::npos;
            if (isReachable && (type == TokenType::Normal || type == TokenType::UserDefined ||
                                type == TokenType::Unused)) {
                pieces.emplace_back(withSpaces(text), token);
                m_neighbours.add(pieces.back().first);
            }
        }
        m_pieces = TokenIndex(pieces);
    }

    void segment(std::string_view text, bool afterMarker,
                 std::vector<TokenId>& tokens) const override {
        std::string changed;
        if (text.find(kSpaceMark) != std::string_view::npos) {
            changed = withSpaces(text);
            text = changed;
        }
        if (afterMarker && m_vocabulary->addsSpacePrefix) {
            changed.assign(std::string(1, ' ').append(text));
            text = changed;
        }
        PieceMerger merger(*m_vocabulary, m_pieces);
        if (!isValidUtf8(text)) {
            merger.merge(withSpacesLeftWhole(text), tokens);
            return;
        }
        std::vector<TokenId> parts;
        for (std::size_t begin = 0; begin < text.size();) {
            const std::size_t end = m_neighbours.partEnd(text, begin);
            const std::string_view word = text.substr(begin, end - begin);
            begin = end;
            const TokenId whole = m_pieces.find(word);
            const auto isWhole = [&] {
                parts.clear();
                merger.merge(word, parts);
                return parts.size() == 1 && parts.front() == whole;
            };
            if (whole >= 0 && m_wholeTokens.contains(whole, isWhole)) {
                tokens.push_back(whole);
            } else {
                merger.merge(word, tokens);
            }
        }
    }

    std::string bytesOf(std::string_view tokenText) const override { return withSpaces(tokenText); }

private:
    std::shared_ptr<const Vocabulary> m_vocabulary;
    /// What plain text may become, with spaces for U+2581.
    TokenIndex m_pieces;
    Neighbours m_neighbours;
    WholeTokens m_wholeTokens;
};

}  // namespace

std::string withSpaces(std::string_view text) {
    std::string spaced;
    spaced.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        if (text.substr(i).starts_with(kSpaceMark)) {
            spaced += ' ';
            i += kSpaceMark.size();
        } else {
            spaced += text[i++];
        }
    }
    return spaced;
}

Result<std::unique_ptr<const Segmenter>> makeSpmSegmenter(
    std::shared_ptr<const Vocabulary> vocabulary) {
    if (!vocabulary->hasScores()) {
        return fail(ErrorCode::Corrupt, "tokenizer.ggml.scores is missing");
    }
    return std::make_unique<SpmSegmenter>(std::move(vocabulary));
}

}  // namespace conclave::engine
