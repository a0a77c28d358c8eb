#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <utility>

#include "base/utf8.h"
#include "engine/tokenizer/charsmap.h"
#include "engine/tokenizer/segmenter.h"
#include "engine/tokenizer/word_cache.h"

namespace conclave::engine {
namespace {

constexpr float kUnknownPenalty = 10.0f;

class UnigramSegmenter final : public Segmenter {
public:
    UnigramSegmenter(std::shared_ptr<const Vocabulary> vocabulary, Charsmap charsmap,
                     bool collapsesSpaces)
        : m_vocabulary(std::move(vocabulary)),
          m_charsmap(std::move(charsmap)),
          m_collapsesSpaces(collapsesSpaces) {
        std::vector<ByteTrie::Entry> pieces;
        float lowest = std::numeric_limits<float>::max();
        float highest = std::numeric_limits<float>::lowest();
        for (TokenId token = 0; token < m_vocabulary->size(); ++token) {
            const TokenType type = m_vocabulary->type(token);
            if (type != TokenType::Normal && type != TokenType::UserDefined) continue;
            const std::string_view piece = m_vocabulary->text(token);
            pieces.emplace_back(piece, token);
            m_wordsStandAlone =
                m_wordsStandAlone && piece.find(kSpaceMark, 1) == std::string_view::npos;
            lowest = std::min(lowest, m_vocabulary->score(token));
            highest = std::max(highest, m_vocabulary->score(token));
        }
        m_pieces = ByteTrie::build(std::move(pieces));
        m_unknownScore = lowest - kUnknownPenalty;
        for (TokenId token = 0; token < m_vocabulary->size(); ++token) {
            m_scores.push_back(pieceScore(token, highest));
        }
        prepareAscii();
    }

    void segment(std::string_view text, bool afterMarker,
                 std::vector<TokenId>& tokens) const override {
        const std::string normalized = normalize(text, afterMarker);
        if (m_wordsStandAlone) {
            segmentWords(normalized, tokens);
        } else if (!normalized.empty()) {
            viterbi(normalized, tokens);
        }
    }

    std::string bytesOf(std::string_view tokenText) const override { return withSpaces(tokenText); }

private:
    struct AsciiCharacter {
        bool simple = false;
        std::string text;  ///< what it becomes
    };

    /// The best segmentation of a text's start.
    struct Best {
        float score = -std::numeric_limits<float>::infinity();  ///< none yet
        TokenId token = -1;
        std::size_t begin = 0;  ///< of its last piece
    };

    /// Most text is ASCII, and most of that is replaced character by character: those replacements
    /// are looked up once. An ASCII character counts as simple when no longer sequence of the map
    /// goes on from it with another ASCII character.
    void prepareAscii() {
        for (unsigned byte = 1; byte < m_ascii.size(); ++byte) {
            std::array<char, 2> pair = {static_cast<char>(byte), 0};
            bool simple = true;
            for (unsigned next = 1; simple && next < m_ascii.size(); ++next) {
                pair[1] = static_cast<char>(next);
                simple = !m_charsmap.begins({pair.data(), pair.size()});
            }
            if (!simple) continue;
            const std::string_view character(pair.data(), 1);
            const Charsmap::Match match = m_charsmap.longestMatch(character);
            m_ascii[byte].simple = true;
            m_ascii[byte].text = match.length > 0 ? match.replacement : character;
            if (m_ascii[byte].text.size() == 1) m_plain[byte] = m_ascii[byte].text[0];
        }
    }

    /// Replaces by the charsmap; trims, collapses and marks spaces.
    std::string normalize(std::string_view text, bool afterMarker) const {
        std::string result;
        result.reserve(text.size() + text.size() / 2 + kSpaceMark.size());
        // A space is written only once something follows it, which trims the end.
        bool pendingSpace = afterMarker && m_vocabulary->addsSpacePrefix;
        bool started = false;
        const auto append = [&](std::string_view piece) {
            for (const char c : piece) {
                if (c == ' ') {
                    if (!m_collapsesSpaces) {
                        if (std::exchange(pendingSpace, false)) result += kSpaceMark;
                        result += kSpaceMark;
                    } else if (started) {
                        pendingSpace = true;
                    }
                    continue;
                }
                if (std::exchange(pendingSpace, false)) result += kSpaceMark;
                result += c;
                started = true;
            }
        };
        for (std::size_t position = 0; position < text.size();) {
            position += appendPlain(text.substr(position), result, pendingSpace, started);
            if (position == text.size()) break;
            const auto byte = static_cast<unsigned char>(text[position]);
            const bool nextIsAscii =
                position + 1 == text.size() ||
                static_cast<unsigned char>(text[position + 1]) < m_ascii.size();
            if (byte < m_ascii.size() && nextIsAscii && m_ascii[byte].simple) {
                const std::string& replacement = m_ascii[byte].text;
                if (replacement.size() == 1 && replacement[0] != ' ') {
                    if (std::exchange(pendingSpace, false)) result += kSpaceMark;
                    result += replacement[0];
                    started = true;
                } else {
                    append(replacement);
                }
                ++position;
                continue;
            }
            const Charsmap::Match match = m_charsmap.longestMatch(text.substr(position));
            if (match.length > 0) {
                append(match.replacement);
                position += match.length;
                continue;
            }
            std::string character;
            appendUtf8(character, nextCodePoint(text, position));  // invalid bytes become U+FFFD
            append(character);
        }
        return result;
    }

    /// The ASCII characters at the beginning of `text` that become one each, or a space; gives how
    /// many there are.
    std::size_t appendPlain(std::string_view text, std::string& result, bool& pendingSpace,
                            bool& started) const {
        if (!m_collapsesSpaces) return 0;
        std::size_t n = 0;
        while (n < text.size() && plainOf(text[n]) != 0) ++n;
        // What follows an ASCII character may belong to it, as an accent does.
        if (n > 0 && n < text.size() && static_cast<unsigned char>(text[n]) >= m_ascii.size()) --n;
        const std::size_t before = result.size();
        result.resize(before + n * (1 + kSpaceMark.size()));
        char* out = result.data() + before;
        for (const char c : text.substr(0, n)) {
            const char plain = plainOf(c);
            if (plain == ' ') {
                pendingSpace = pendingSpace || started;
                continue;
            }
            if (pendingSpace) out = std::copy(kSpaceMark.begin(), kSpaceMark.end(), out);
            pendingSpace = false;
            started = true;
            *out++ = plain;
        }
        result.resize(static_cast<std::size_t>(out - result.data()));
        return n;
    }
    [[nodiscard]] char plainOf(char c) const { return m_plain[static_cast<unsigned char>(c)]; }

    /// No piece reaches from one word into the next, so the best pieces of a text are those of its
    /// words, and a text repeats its words.
    void segmentWords(std::string_view text, std::vector<TokenId>& tokens) const {
        WordCache& cache = WordCache::ofThisThread(m_number);
        const std::size_t first = tokens.size();
        for (std::size_t begin = 0; begin < text.size();) {
            const std::size_t end = std::min(text.find(kSpaceMark, begin + 1), text.size());
            const std::string_view word = text.substr(begin, end - begin);
            begin = end;
            const bool isShort = word.size() <= WordCache::kLongestWord;
            const auto known = isShort ? cache.find(word) : std::span<const TokenId>();
            const std::size_t nBefore = tokens.size();
            if (!known.empty()) {
                tokens.insert(tokens.end(), known.begin(), known.end());
            } else {
                viterbi(word, tokens);
                if (isShort) cache.keep(word, std::span(tokens).subspan(nBefore));
            }
            // Unknown characters in a row make one token, also over the border of two words.
            const bool repeatsUnknown = nBefore > first && nBefore < tokens.size() &&
                                        tokens[nBefore] == m_vocabulary->unknown &&
                                        tokens[nBefore - 1] == m_vocabulary->unknown;
            if (repeatsUnknown) tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(nBefore));
        }
    }

    void viterbi(std::string_view text, std::vector<TokenId>& tokens) const {
        thread_local std::vector<Best> best;  // [i]: of the first i bytes
        best.assign(text.size() + 1, Best{});
        best[0].score = 0.0f;
        for (std::size_t begin = 0; begin < text.size();) {
            std::size_t characterEnd = begin + 1;
            if (static_cast<unsigned char>(text[begin]) >= m_ascii.size()) {
                characterEnd = begin;
                (void)nextCodePoint(text, characterEnd);
            }
            const float score = best[begin].score;
            bool hasCharacter = false;
            const auto offer = [&](std::size_t length, TokenId token, float pieceScore) {
                Best& target = best[begin + length];
                if (score + pieceScore > target.score) target = {score + pieceScore, token, begin};
            };
            m_pieces.forEachPrefix(text.substr(begin), [&](std::size_t length, TokenId token) {
                hasCharacter = hasCharacter || begin + length == characterEnd;
                offer(length, token, m_scores[static_cast<std::size_t>(token)]);
            });
            if (!hasCharacter) offer(characterEnd - begin, m_vocabulary->unknown, m_unknownScore);
            begin = characterEnd;
        }
        trace(best, text.size(), tokens);
    }

    /// User-defined pieces always win, as in SentencePiece.
    float pieceScore(TokenId token, float highest) const {
        if (m_vocabulary->type(token) != TokenType::UserDefined) return m_vocabulary->score(token);
        constexpr float kMargin = 0.1f;
        return static_cast<float>(m_vocabulary->text(token).size()) * highest - kMargin;
    }

    /// Follows the best pieces back from the end; unknown characters in a row make one token.
    void trace(const std::vector<Best>& best, std::size_t end, std::vector<TokenId>& tokens) const {
        const auto first = std::ssize(tokens);
        while (end > 0) {
            const TokenId token = best[end].token;
            const bool repeatsUnknown = token == m_vocabulary->unknown &&
                                        std::ssize(tokens) > first && tokens.back() == token;
            if (!repeatsUnknown) tokens.push_back(token);
            end = best[end].begin;
        }
        std::reverse(tokens.begin() + first, tokens.end());
    }

    /// Tells this vocabulary from all others of this process.
    static std::uint64_t nextNumber() {
        static std::atomic<std::uint64_t> last = 0;
        return ++last;
    }

    std::shared_ptr<const Vocabulary> m_vocabulary;
    Charsmap m_charsmap;
    ByteTrie m_pieces;
    std::vector<float> m_scores;  ///< of every token
    std::array<AsciiCharacter, 128> m_ascii;
    std::array<char, 256> m_plain{};  ///< what a simple ASCII character becomes; 0: another one
    std::uint64_t m_number = nextNumber();
    bool m_wordsStandAlone = true;  ///< U+2581 only begins pieces
    float m_unknownScore = 0.0f;
    bool m_collapsesSpaces = true;
};

}  // namespace

Result<std::unique_ptr<const Segmenter>> makeUnigramSegmenter(
    const GgufFile& file, std::shared_ptr<const Vocabulary> vocabulary) {
    if (!vocabulary->hasScores()) {
        return fail(ErrorCode::Corrupt, "tokenizer.ggml.scores is missing");
    }
    if (vocabulary->unknown < 0) {
        return fail(ErrorCode::Corrupt, "tokenizer.ggml.unknown_token_id is missing");
    }
    Charsmap charsmap;
    if (const auto blob = file.bytes("tokenizer.ggml.precompiled_charsmap");
        blob && !blob->empty()) {
        auto parsed = Charsmap::parse(*blob);
        if (!parsed) return tl::unexpected(parsed.error());
        charsmap = std::move(*parsed);
    }
    const bool collapses = file.boolean("tokenizer.ggml.remove_extra_whitespaces").value_or(false);
    return std::make_unique<UnigramSegmenter>(std::move(vocabulary), std::move(charsmap),
                                              collapses);
}

}  // namespace conclave::engine
