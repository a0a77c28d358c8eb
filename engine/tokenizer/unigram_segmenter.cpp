#include <algorithm>
#include <array>
#include <atomic>
#include <bitset>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <utility>

#include "base/utf8.h"
#include "engine/tokenizer/charsmap.h"
#include "engine/tokenizer/lenient_utf8.h"
#include "engine/tokenizer/load_bytes.h"
#include "engine/tokenizer/neighbours.h"
#include "engine/tokenizer/segmenter.h"
#include "engine/tokenizer/token_index.h"
#include "engine/tokenizer/whole_tokens.h"

namespace conclave::engine {
namespace {

constexpr float kUnknownPenalty = 10.0f;
constexpr std::string_view kReplacement = "\uFFFD";
/// Far more than sums of scores are rounded by, and far less than scores differ.
constexpr double kClosestScores = 1e-6;
/// Code points of three bytes.
constexpr char32_t kFirstLong = 0x800;
constexpr char32_t kEndLong = 0x10000;

class UnigramSegmenter final : public Segmenter {
public:
    UnigramSegmenter(std::shared_ptr<const Vocabulary> vocabulary, Charsmap charsmap,
                     bool collapsesSpaces)
        : m_vocabulary(std::move(vocabulary)),
          m_charsmap(std::move(charsmap)),
          m_wholeTokens(m_vocabulary->size()),
          m_collapsesSpaces(collapsesSpaces) {
        std::vector<TokenIndex::Entry> pieces;
        float lowest = std::numeric_limits<float>::max();
        float highest = std::numeric_limits<float>::lowest();
        for (TokenId token = 0; token < m_vocabulary->size(); ++token) {
            const TokenType type = m_vocabulary->type(token);
            if (type != TokenType::Normal && type != TokenType::UserDefined) continue;
            const std::string_view text = m_vocabulary->text(token);
            // The spaces of a text are marks, so that no text can be a piece with a real one.
            if (text.find(' ') == std::string_view::npos) {
                pieces.emplace_back(withSpaces(text), token);
                m_neighbours.add(pieces.back().first);
            }
            lowest = std::min(lowest, m_vocabulary->score(token));
            highest = std::max(highest, m_vocabulary->score(token));
        }
        m_pieces = ByteTrie::build({pieces.begin(), pieces.end()});
        m_words = TokenIndex(pieces);
        m_unknownScore = lowest - kUnknownPenalty;
        for (TokenId token = 0; token < m_vocabulary->size(); ++token) {
            m_scores.push_back(pieceScore(token, highest));
        }
        prepareAscii();
        prepareLong();
    }

    void segment(std::string_view text, bool afterMarker,
                 std::vector<TokenId>& tokens) const override {
        const std::string normalized = normalize(text, afterMarker);
        const std::string_view whole = normalized;
        std::vector<Best> best;
        std::vector<TokenId> parts;
        const std::size_t first = tokens.size();
        // The sum of the first nSummed tokens' scores, unknown characters counted one by one.
        double score = 0.0;
        std::size_t nSummed = first;
        std::array<Part, kPartsAhead> ahead;
        const auto segmentPart = [&](const Part& part) {
            if (part.character >= 0) {
                tokens.push_back(part.character);
                return;
            }
            const auto& word = part.word;
            KnownWord* const known =
                part.slot != nullptr ? m_knownWords.claim(*part.slot) : nullptr;
            if (known != nullptr && known->key == part.key) {
                for (const TokenId each : known->parts()) tokens.push_back(each);
                return;
            }
            const TokenId token = m_words.find(word);
            const auto isWhole = [&] {
                parts.clear();
                viterbi(word, 0.0, best, parts);
                return parts.size() == 1 && parts.front() == token;
            };
            if (token >= 0 && m_wholeTokens.contains(token, isWhole)) {
                tokens.push_back(token);
                if (known != nullptr) known->keep(part.key, {&token, 1});
                return;
            }
            const std::size_t before = tokens.size();
            viterbi(word, 0.0, best, tokens);
            if (isCertain(best, word.size())) {
                if (known != nullptr) known->keep(part.key, std::span(tokens).subspan(before));
                return;
            }
            tokens.resize(before);
            for (; nSummed < before; ++nSummed) {
                score += m_scores[static_cast<std::size_t>(tokens[nSummed])];
            }
            score = viterbi(word, score, best, tokens);
            // Unknown characters in a row make one token, also across parts.
            const bool repeatsUnknown = before > first && tokens[before] == m_vocabulary->unknown &&
                                        tokens[before - 1] == m_vocabulary->unknown;
            if (repeatsUnknown) tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(before));
            nSummed = tokens.size();
        };
        for (std::size_t begin = 0; begin < whole.size();) {
            const std::size_t nAhead = lookAhead(whole, begin, ahead);
            for (const Part& part : std::span(ahead).first(nAhead)) segmentPart(part);
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
        double score = std::numeric_limits<double>::lowest();
        TokenId token = -1;
        std::size_t begin = 0;  ///< of its last piece
        bool reached = false;
        bool isClose = false;  ///< another one scores about the same
    };

    /// A word of up to kLongest bytes, and its length in the last one.
    struct WordKey {
        static constexpr std::size_t kLongest = 20;
        std::array<std::uint64_t, 3> words{};

        WordKey() = default;
        explicit WordKey(std::string_view word) {
            for (std::size_t i = 0; 8 * i < word.size(); ++i) {
                words[i] =
                    loadUpTo8(word.data() + 8 * i, std::min<std::size_t>(word.size() - 8 * i, 8));
            }
            words[2] |= std::uint64_t{word.size()} << 56u;
        }
        /// Without the call of memcmp() that comparing arrays is.
        bool operator==(const WordKey& other) const {
            return ((words[0] ^ other.words[0]) | (words[1] ^ other.words[1]) |
                    (words[2] ^ other.words[2])) == 0;
        }
        [[nodiscard]] std::size_t hash() const {
            constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15u;
            std::uint64_t hash = 0;
            for (const std::uint64_t word : words) {
                hash = (hash ^ word) * kFactor;
                hash ^= hash >> 32u;
            }
            return static_cast<std::size_t>(hash);
        }
    };

    /// A word and its tokens: words come again and again, and the index of all tokens, let alone
    /// that of their beginnings, is larger than the processor's caches. One line of these.
    struct alignas(64) KnownWord {
        static constexpr std::size_t kMostTokens = 8;
        WordKey key;
        std::array<TokenId, kMostTokens> tokens{};
        std::uint32_t owner = 0;  ///< whose tokens they are
        std::uint32_t nTokens = 0;

        [[nodiscard]] std::span<const TokenId> parts() const {
            return std::span(tokens).first(nTokens);
        }
        void keep(const WordKey& word, std::span<const TokenId> found) {
            if (found.size() > kMostTokens) return;
            key = word;
            nTokens = static_cast<std::uint32_t>(found.size());
            std::copy(found.begin(), found.end(), tokens.begin());
        }
    };

    /// Each thread's last words; those of another segmenter give way.
    class KnownWords {
    public:
        /// Where a word of 1 to WordKey::kLongest bytes is or would be.
        [[nodiscard]] static KnownWord* slotOf(const WordKey& word) {
            constexpr std::size_t kSlots = 16384;
            thread_local const auto slots = std::make_unique<std::array<KnownWord, kSlots>>();
            return &(*slots)[word.hash() % kSlots];
        }
        [[nodiscard]] KnownWord* claim(KnownWord& slot) const {
            if (slot.owner != m_owner) {
                slot = {};
                slot.owner = m_owner;
            }
            return &slot;
        }

    private:
        static std::uint32_t nextOwner() {
            static std::atomic<std::uint32_t> last = 0;
            return ++last;
        }
        std::uint32_t m_owner = nextOwner();
    };

    /// A part of a text that is cut into tokens by itself.
    struct Part {
        std::string_view word;
        WordKey key;
        KnownWord* slot = nullptr;  ///< null for one that is too long to be remembered
        TokenId character = -1;     ///< its token if it is one character that has one
    };
    static constexpr std::size_t kPartsAhead = 32;

    /// The next parts from `begin` on, which moves behind them; gives how many. Where each of them
    /// is remembered is on its way into the nearest cache when it is needed.
    std::size_t lookAhead(std::string_view text, std::size_t& begin,
                          std::array<Part, kPartsAhead>& parts) const {
        std::size_t n = 0;
        for (; n < parts.size() && begin < text.size(); ++n) {
            Part& part = parts[n];
            part.character = characterAt(text, begin);
            if (part.character >= 0) {
                begin += 3;
                continue;
            }
            const std::size_t end = m_neighbours.partEnd(text, begin);
            part.word = text.substr(begin, end - begin);
            part.slot = nullptr;
            if (part.word.size() <= WordKey::kLongest) {
                part.key = WordKey(part.word);
                part.slot = KnownWords::slotOf(part.key);
                __builtin_prefetch(part.slot, 1);
            }
            begin = end;
        }
        return n;
    }

    /// The token of a character of three bytes that is a part by itself, as most of Chinese are: no
    /// other piece can be in it. -1 for all else.
    [[nodiscard]] TokenId characterAt(std::string_view text, std::size_t begin) const {
        if (static_cast<unsigned char>(text[begin]) < 0xE0u || !m_neighbours.isAlone(text, begin)) {
            return -1;
        }
        const char32_t c = longCodePoint(text, begin);
        return c >= kFirstLong ? m_characters[c - kFirstLong] : -1;
    }

    /// Of a lead byte and two that continue it.
    static char32_t longCodePoint(std::string_view text, std::size_t at) {
        const auto byteAt = [&](std::size_t i) {
            return char32_t{static_cast<unsigned char>(text[i])};
        };
        return (byteAt(at) & 0x0Fu) << 12u | (byteAt(at + 1) & 0x3Fu) << 6u |
               (byteAt(at + 2) & 0x3Fu);
    }

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
            const std::string& becomes = m_ascii[byte].text;
            const bool isSpaceToKeep = becomes == " " && !m_collapsesSpaces;
            if (becomes.size() == 1 && !isSpaceToKeep) m_single[byte] = becomes[0];
        }
    }

    /// Most characters of three bytes, as of Chinese, are in no sequence of the map: those are
    /// known by their code point, which only a well-formed sequence gives.
    void prepareLong() {
        std::vector<Best> best;
        std::vector<TokenId> parts;
        for (char32_t c = kFirstLong; c < kEndLong; ++c) {
            constexpr char32_t kFirstSurrogate = 0xD800;
            constexpr char32_t kAfterSurrogates = 0xE000;
            if (c >= kFirstSurrogate && c < kAfterSurrogates) continue;
            std::string bytes;
            appendUtf8(bytes, c);
            const bool stays = !m_charsmap.begins(bytes) && bytes != kSpaceMark &&
                               m_charsmap.longestMatch(bytes).length == 0;
            m_staysSame.set(c - kFirstLong, stays);
            if (m_words.find(bytes) < 0) continue;
            parts.clear();
            viterbi(bytes, 0.0, best, parts);
            if (parts.size() == 1) m_characters[c - kFirstLong] = parts.front();
        }
    }

    /// Where the run of characters ends that begins at `begin` and of which each stays what it is.
    std::size_t sameUntil(std::string_view text, std::size_t begin) const {
        const auto byteAt = [&](std::size_t i) {
            return char32_t{static_cast<unsigned char>(text[i])};
        };
        std::size_t end = begin;
        while (text.size() - end >= 3) {
            const char32_t lead = byteAt(end);
            const bool isLong = (lead & 0xF0u) == 0xE0u && (byteAt(end + 1) & 0xC0u) == 0x80u &&
                                (byteAt(end + 2) & 0xC0u) == 0x80u;
            if (!isLong) break;
            const char32_t c = longCodePoint(text, end);
            if (c < kFirstLong || !m_staysSame.test(c - kFirstLong)) break;
            end += 3;
        }
        return end;
    }

    /// Replaces by the charsmap; trims and collapses spaces, and reads U+2581 as one.
    std::string normalize(std::string_view text, bool afterMarker) const {
        std::string result;
        result.reserve(text.size() + 1);
        // A space is written only once something follows it, which trims the end.
        bool pendingSpace = afterMarker && m_vocabulary->addsSpacePrefix;
        bool started = false;
        bool mayHaveMarks = false;
        const auto append = [&](std::string_view piece) {
            for (const char c : piece) {
                mayHaveMarks = mayHaveMarks || static_cast<unsigned char>(c) >= m_ascii.size();
                if (c == ' ') {
                    if (!m_collapsesSpaces) {
                        if (std::exchange(pendingSpace, false)) result += ' ';
                        result += ' ';
                    } else if (started) {
                        pendingSpace = true;
                    }
                    continue;
                }
                if (std::exchange(pendingSpace, false)) result += ' ';
                result += c;
                started = true;
            }
        };
        const auto isAscii = [&](std::size_t position) {
            return position >= text.size() ||
                   static_cast<unsigned char>(text[position]) < m_ascii.size();
        };
        std::array<char, 256> run;  // of characters that become one other each
        for (std::size_t position = 0; position < text.size();) {
            const std::size_t from = position;
            std::size_t nRun = 0;
            while (nRun + 2 <= run.size() && position < text.size() && isAscii(position) &&
                   isAscii(position + 1)) {
                const char single = m_single[static_cast<unsigned char>(text[position])];
                if (single == 0) break;
                ++position;
                if (single == ' ') {
                    pendingSpace = pendingSpace || started;
                    continue;
                }
                if (std::exchange(pendingSpace, false)) run[nRun++] = ' ';
                run[nRun++] = single;
                started = true;
            }
            if (position > from) {
                result.append(run.data(), nRun);
                continue;
            }
            if (const std::size_t end = sameUntil(text, position); end > position) {
                if (std::exchange(pendingSpace, false)) result += ' ';
                result.append(text, position, end - position);
                started = true;
                position = end;
                continue;
            }
            const auto byte = static_cast<unsigned char>(text[position]);
            if (isAscii(position) && isAscii(position + 1) && m_ascii[byte].simple) {
                append(m_ascii[byte].text);
                ++position;
                continue;
            }
            const Charsmap::Match match = m_charsmap.longestMatch(text.substr(position));
            if (match.length > 0) {
                append(match.replacement);
                position += match.length;
                continue;
            }
            const std::size_t begin = position;
            if (isAscii(position)) {
                append(text.substr(position++, 1));
            } else if ((void)nextLenientCodePoint(text, position); position - begin > 1) {
                append(text.substr(begin, position - begin));
            } else {
                append(kReplacement);
            }
        }
        const bool hasMarks = mayHaveMarks && result.find(kSpaceMark) != std::string::npos;
        return hasMarks ? withSpaces(result) : result;
    }

    /// Appends the tokens of a part of the text and gives the sum of all scores up to its end, from
    /// the sum up to its begin: of ways with equal sums rounding decides, and llama.cpp rounds the
    /// sum from the text's begin on.
    /// @param best  memory, used for the best segmentation of the first i bytes
    double viterbi(std::string_view text, double sumBefore, std::vector<Best>& best,
                   std::vector<TokenId>& tokens) const {
        best.assign(text.size() + 1, {});
        best[0] = {sumBefore, -1, 0, true};
        for (std::size_t begin = 0; begin < text.size();) {
            const std::size_t characterEnd =
                std::min(begin + claimedLength(text[begin]), text.size());
            const double score = best[begin].score;
            bool hasCharacter = false;
            const auto offer = [&](std::size_t length, TokenId token, float pieceScore) {
                Best& target = best[begin + length];
                const double sum = score + pieceScore;
                const bool isClose =
                    target.reached && std::abs(sum - target.score) < kClosestScores;
                if (target.reached && sum <= target.score) {
                    target.isClose = target.isClose || isClose;
                    return;
                }
                target = {sum, token, begin, true, isClose};
            };
            m_pieces.forEachPrefix(text.substr(begin), [&](std::size_t length, TokenId token) {
                hasCharacter = hasCharacter || begin + length == characterEnd;
                offer(length, token, m_scores[static_cast<std::size_t>(token)]);
            });
            if (!hasCharacter) offer(characterEnd - begin, m_vocabulary->unknown, m_unknownScore);
            begin = characterEnd;
        }
        trace(best, text.size(), tokens);
        return best[text.size()].score;
    }

    /// True if the tokens of the word are the same whatever the sum before it, which rounds it, and
    /// none is unknown.
    [[nodiscard]] bool isCertain(const std::vector<Best>& best, std::size_t end) const {
        for (; end > 0; end = best[end].begin) {
            if (best[end].isClose || best[end].token == m_vocabulary->unknown) return false;
        }
        return true;
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

    std::shared_ptr<const Vocabulary> m_vocabulary;
    Charsmap m_charsmap;
    ByteTrie m_pieces;  ///< with spaces for U+2581, as m_words
    TokenIndex m_words;
    Neighbours m_neighbours;
    WholeTokens m_wholeTokens;
    KnownWords m_knownWords;
    std::vector<float> m_scores;  ///< of every token
    std::array<AsciiCharacter, 128> m_ascii;
    std::array<char, 128> m_single{};  ///< what a simple one becomes if that is one
    std::bitset<kEndLong - kFirstLong> m_staysSame;
    /// The token of each character of three bytes; -1 for one that is none.
    std::vector<TokenId> m_characters = std::vector<TokenId>(kEndLong - kFirstLong, -1);
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
