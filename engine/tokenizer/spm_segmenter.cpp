#include <algorithm>
#include <queue>
#include <unordered_map>
#include <utility>

#include "base/utf8.h"
#include "engine/tokenizer/segmenter.h"

namespace conclave::engine {
namespace {

/// One symbol of the text being merged, in a doubly linked list over the characters.
struct Symbol {
    std::size_t begin = 0;
    std::size_t length = 0;  ///< 0: merged into its left neighbour
    int previous = -1;
    int next = -1;
};

/// Two neighbours that make a token.
struct Merge {
    float score = 0.0f;
    int left = 0;
    int right = 0;
    std::size_t length = 0;  ///< of both when found: a later merge of either makes this one stale
    TokenId token = -1;
};

/// Highest score on top of the heap, then leftmost.
struct IsWorse {
    bool operator()(const Merge& a, const Merge& b) const {
        return a.score != b.score ? a.score < b.score : a.left > b.left;
    }
};

class SpmSegmenter final : public Segmenter {
public:
    explicit SpmSegmenter(std::shared_ptr<const Vocabulary> vocabulary)
        : m_vocabulary(std::move(vocabulary)) {
        m_pieces.reserve(static_cast<std::size_t>(m_vocabulary->size()));
        for (TokenId token = 0; token < m_vocabulary->size(); ++token) {
            const TokenType type = m_vocabulary->type(token);
            if (type == TokenType::Normal || type == TokenType::UserDefined ||
                type == TokenType::Unused) {
                m_pieces[m_vocabulary->text(token)] = token;
                m_piecesCrossWords = m_piecesCrossWords || crossesWords(m_vocabulary->text(token));
            }
        }
    }

    void segment(std::string_view text, bool afterMarker,
                 std::vector<TokenId>& tokens) const override {
        std::string escaped;
        escaped.reserve(text.size() + text.size() / 4 + kSpaceMark.size());
        if (afterMarker && m_vocabulary->addsSpacePrefix) escaped += kSpaceMark;
        for (const char c : text) {
            if (c == ' ') {
                escaped += kSpaceMark;
            } else {
                escaped += c;
            }
        }
        Run run(*this, tokens);
        const std::string_view whole = escaped;
        for (std::size_t begin = 0; begin < whole.size();) {
            const std::size_t end = m_piecesCrossWords ? whole.size() : wordEnd(whole, begin);
            run.perform(whole.substr(begin, end - begin));
            begin = end;
        }
    }

    std::string bytesOf(std::string_view tokenText) const override { return withSpaces(tokenText); }

private:
    /// True if a piece goes on behind a space that does not begin it. Few vocabularies have such;
    /// in all others words can be merged one by one, which is far kinder to the caches.
    static bool crossesWords(std::string_view piece) { return wordEnd(piece, 0) < piece.size(); }

    /// Where the spaces at `begin` and the word after them end.
    static std::size_t wordEnd(std::string_view text, std::size_t begin) {
        std::size_t position = begin;
        while (text.substr(position).starts_with(kSpaceMark)) position += kSpaceMark.size();
        return std::min(text.find(kSpaceMark, position), text.size());
    }

    /// The segmentation of one text, word by word.
    class Run {
    public:
        Run(const SpmSegmenter& owner, std::vector<TokenId>& tokens)
            : m_owner(owner), m_tokens(tokens) {}

        void perform(std::string_view text) {
            m_text = text;
            m_symbols.clear();
            m_partsOfUnused.clear();
            splitCharacters();
            for (int i = 0; i + 1 < std::ssize(m_symbols); ++i) consider(i, i + 1);
            while (!m_merges.empty()) {
                const Merge merge = m_merges.top();
                m_merges.pop();
                apply(merge);
            }
            for (int i = m_symbols.empty() ? -1 : 0; i >= 0; i = symbol(i).next) {
                emit(m_text.substr(symbol(i).begin, symbol(i).length));
            }
        }

    private:
        Symbol& symbol(int i) { return m_symbols[static_cast<std::size_t>(i)]; }

        void splitCharacters() {
            for (std::size_t position = 0; position < m_text.size();) {
                const std::size_t begin = position;
                (void)nextCodePoint(m_text, position);
                const int i = static_cast<int>(m_symbols.size());
                m_symbols.push_back({begin, position - begin, i - 1, i + 1});
            }
            if (!m_symbols.empty()) m_symbols.back().next = -1;
        }

        void consider(int left, int right) {
            if (left < 0 || right < 0) return;
            const std::size_t length = symbol(left).length + symbol(right).length;
            const auto found = m_owner.m_pieces.find(m_text.substr(symbol(left).begin, length));
            if (found == m_owner.m_pieces.end()) return;
            m_merges.push(
                {m_owner.m_vocabulary->score(found->second), left, right, length, found->second});
        }

        void apply(const Merge& merge) {
            Symbol& left = symbol(merge.left);
            Symbol& right = symbol(merge.right);
            if (left.length == 0 || right.length == 0 ||
                left.length + right.length != merge.length) {
                return;
            }
            if (m_owner.m_vocabulary->type(merge.token) == TokenType::Unused) {
                m_partsOfUnused[m_text.substr(left.begin, merge.length)] = left.length;
            }
            left.length = merge.length;
            right.length = 0;
            left.next = right.next;
            if (right.next >= 0) symbol(right.next).previous = merge.left;
            consider(left.previous, merge.left);
            consider(merge.left, left.next);
        }

        /// Writes a symbol's token; an unused token, which merges may pass through but no text may
        /// contain, as the two symbols that made it; an unknown character as its bytes.
        void emit(std::string_view whole) {
            std::vector<std::string_view> pending = {whole};
            while (!pending.empty()) {
                const std::string_view piece = pending.back();
                pending.pop_back();
                const auto parts = m_partsOfUnused.find(piece);
                if (parts != m_partsOfUnused.end()) {
                    pending.push_back(piece.substr(parts->second));
                    pending.push_back(piece.substr(0, parts->second));
                    continue;
                }
                const auto found = m_owner.m_pieces.find(piece);
                if (found != m_owner.m_pieces.end()) {
                    m_tokens.push_back(found->second);
                } else {
                    emitBytes(piece);
                }
            }
        }

        void emitBytes(std::string_view piece) {
            const Vocabulary& vocabulary = *m_owner.m_vocabulary;
            const bool hasAll = std::all_of(piece.begin(), piece.end(), [&](char c) {
                return vocabulary.byteToken(static_cast<unsigned char>(c)) >= 0;
            });
            if (!hasAll) {
                if (vocabulary.unknown >= 0) m_tokens.push_back(vocabulary.unknown);
                return;
            }
            for (const char c : piece) {
                m_tokens.push_back(vocabulary.byteToken(static_cast<unsigned char>(c)));
            }
        }

        const SpmSegmenter& m_owner;
        std::string_view m_text;
        std::vector<TokenId>& m_tokens;
        std::vector<Symbol> m_symbols;
        std::priority_queue<Merge, std::vector<Merge>, IsWorse> m_merges;
        /// Unused tokens met, with the length of their left part.
        std::unordered_map<std::string_view, std::size_t> m_partsOfUnused;
    };

    std::shared_ptr<const Vocabulary> m_vocabulary;
    /// What plain text may become: no control tokens, and no bytes but through byte fallback.
    std::unordered_map<std::string_view, TokenId> m_pieces;
    bool m_piecesCrossWords = false;
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
