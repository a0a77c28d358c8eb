#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <queue>
#include <utility>

#include "base/utf8.h"
#include "engine/tokenizer/composed_form.h"
#include "engine/tokenizer/pre_tokenizer.h"
#include "engine/tokenizer/segmenter.h"

namespace conclave::engine {
namespace {

/// GPT-2 writes every byte as a printable character: most of Latin-1 as itself, the rest, in order,
/// from U+0100 on.
class ByteAlphabet {
public:
    ByteAlphabet() {
        char32_t next = 0x100;
        for (unsigned byte = 0; byte < m_characters.size(); ++byte) {
            const bool printable =
                (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xFF && byte != 0xAD);
            m_characters[byte] = printable ? char32_t{byte} : next++;
        }
    }

    [[nodiscard]] std::string spell(std::string_view bytes) const {
        std::string text;
        for (const char c : bytes) appendUtf8(text, m_characters[static_cast<unsigned char>(c)]);
        return text;
    }

    /// Characters outside the alphabet stay as they are: some files hold plain text.
    [[nodiscard]] std::string bytes(std::string_view text) const {
        std::string result;
        for (std::size_t position = 0; position < text.size();) {
            const std::size_t begin = position;
            const char32_t c = nextCodePoint(text, position);
            const auto found = std::find(m_characters.begin(), m_characters.end(), c);
            if (found == m_characters.end()) {
                result += text.substr(begin, position - begin);
            } else {
                result += static_cast<char>(found - m_characters.begin());
            }
        }
        return result;
    }

private:
    std::array<char32_t, 256> m_characters{};
};

const ByteAlphabet& byteAlphabet() {
    static const ByteAlphabet kAlphabet;
    return kAlphabet;
}

/// Which two tokens merge into which, and how early. Open addressing: this is looked up for every
/// pair of neighbours in every word.
class MergeTable {
public:
    struct Merge {
        std::uint32_t rank = 0;
        TokenId token = -1;
    };

    explicit MergeTable(std::size_t nMerges)
        : m_slots(std::bit_ceil(nMerges * 2 + 16)),
          m_shift(static_cast<unsigned>(64 - std::countr_zero(m_slots.size()))) {}

    /// The first of equal pairs counts.
    void add(TokenId left, TokenId right, Merge merge) {
        std::size_t slot = firstSlot(key(left, right));
        while (m_slots[slot].merge.token >= 0) {
            if (m_slots[slot].key == key(left, right)) return;
            slot = (slot + 1) & (m_slots.size() - 1);
        }
        m_slots[slot] = {key(left, right), merge};
    }

    [[nodiscard]] std::optional<Merge> find(TokenId left, TokenId right) const {
        std::size_t slot = firstSlot(key(left, right));
        while (m_slots[slot].merge.token >= 0) {
            if (m_slots[slot].key == key(left, right)) return m_slots[slot].merge;
            slot = (slot + 1) & (m_slots.size() - 1);
        }
        return std::nullopt;
    }

private:
    struct Slot {
        std::uint64_t key = 0;
        Merge merge;
    };

    static std::uint64_t key(TokenId left, TokenId right) {
        return (std::uint64_t{static_cast<std::uint32_t>(left)} << 32u) |
               static_cast<std::uint32_t>(right);
    }
    [[nodiscard]] std::size_t firstSlot(std::uint64_t pair) const {
        return static_cast<std::size_t>((pair * 0x9E3779B97F4A7C15u) >> m_shift);
    }

    std::vector<Slot> m_slots;
    unsigned m_shift;
};

/// The merging of one word; its memory is used again for the next.
class WordMerger {
public:
    WordMerger(const MergeTable& merges, const std::array<TokenId, 256>& byteTokens)
        : m_merges(merges), m_byteTokens(byteTokens) {}

    void merge(std::string_view word, std::vector<TokenId>& tokens) {
        m_symbols.clear();
        for (std::size_t i = 0; i < word.size(); ++i) {
            const int index = static_cast<int>(i);
            m_symbols.push_back(
                {m_byteTokens[static_cast<unsigned char>(word[i])], index - 1, index + 1});
        }
        if (m_symbols.empty()) return;
        m_symbols.back().next = -1;
        for (int i = 0; i + 1 < std::ssize(m_symbols); ++i) consider(i, i + 1);
        while (!m_candidates.empty()) {
            const Candidate best = m_candidates.top();
            m_candidates.pop();
            apply(best);
        }
        for (int i = 0; i >= 0; i = symbol(i).next) {
            // A byte that the vocabulary lacks has no token; no released vocabulary lacks one.
            if (symbol(i).token >= 0) tokens.push_back(symbol(i).token);
        }
    }

private:
    struct Symbol {
        TokenId token = -1;
        int previous = -1;
        int next = -1;
        bool merged = false;  ///< into its left neighbour
    };
    struct Candidate {
        std::uint32_t rank = 0;
        int left = 0;
        int right = 0;
        TokenId leftToken = -1;  ///< both as they were when found: a later merge makes this stale
        TokenId rightToken = -1;
        TokenId result = -1;
    };
    struct IsWorse {
        bool operator()(const Candidate& a, const Candidate& b) const {
            return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
        }
    };

    Symbol& symbol(int i) { return m_symbols[static_cast<std::size_t>(i)]; }

    void consider(int left, int right) {
        if (left < 0 || right < 0) return;
        const TokenId leftToken = symbol(left).token;
        const TokenId rightToken = symbol(right).token;
        if (const auto merge = m_merges.find(leftToken, rightToken)) {
            m_candidates.push({merge->rank, left, right, leftToken, rightToken, merge->token});
        }
    }

    void apply(const Candidate& candidate) {
        Symbol& left = symbol(candidate.left);
        Symbol& right = symbol(candidate.right);
        if (left.merged || right.merged || left.token != candidate.leftToken ||
            right.token != candidate.rightToken || left.next != candidate.right) {
            return;
        }
        left.token = candidate.result;
        right.merged = true;
        left.next = right.next;
        if (right.next >= 0) symbol(right.next).previous = candidate.left;
        consider(left.previous, candidate.left);
        consider(candidate.left, left.next);
    }

    const MergeTable& m_merges;
    const std::array<TokenId, 256>& m_byteTokens;
    std::vector<Symbol> m_symbols;
    std::priority_queue<Candidate, std::vector<Candidate>, IsWorse> m_candidates;
};

class BpeSegmenter final : public Segmenter {
public:
    BpeSegmenter(std::shared_ptr<const Vocabulary> vocabulary, PreTokenizer preTokenizer,
                 MergeTable merges)
        : m_vocabulary(std::move(vocabulary)),
          m_preTokenizer(std::move(preTokenizer)),
          m_merges(std::move(merges)) {
        for (unsigned byte = 0; byte < m_byteTokens.size(); ++byte) {
            const char c = static_cast<char>(byte);
            m_byteTokens[byte] = m_vocabulary->find(byteAlphabet().spell({&c, 1}));
        }
    }

    void segment(std::string_view text, bool afterMarker,
                 std::vector<TokenId>& tokens) const override {
        std::string prefixed;
        if (afterMarker && m_vocabulary->addsSpacePrefix && !text.starts_with(' ')) {
            prefixed.assign(1, ' ').append(text);
            text = prefixed;
        }
        std::optional<std::string> composed;
        if (m_preTokenizer.composes()) composed = composedForm(text);
        if (composed) text = *composed;
        WordMerger merger(m_merges, m_byteTokens);
        for (const std::string_view word : m_preTokenizer.split(text)) {
            if (m_preTokenizer.takesWholeWords()) {
                const TokenId whole = m_vocabulary->find(byteAlphabet().spell(word));
                if (whole >= 0 && m_vocabulary->type(whole) == TokenType::Normal) {
                    tokens.push_back(whole);
                    continue;
                }
            }
            merger.merge(word, tokens);
        }
    }

    std::string bytesOf(std::string_view tokenText) const override {
        return byteAlphabet().bytes(tokenText);
    }

private:
    std::shared_ptr<const Vocabulary> m_vocabulary;
    PreTokenizer m_preTokenizer;
    MergeTable m_merges;
    std::array<TokenId, 256> m_byteTokens{};
};

}  // namespace

Result<std::unique_ptr<const Segmenter>> makeBpeSegmenter(
    const GgufFile& file, std::shared_ptr<const Vocabulary> vocabulary) {
    auto preTokenizer = PreTokenizer::find(file.string("tokenizer.ggml.pre").value_or("default"));
    if (!preTokenizer) return tl::unexpected(preTokenizer.error());
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
        const TokenId leftToken = vocabulary->find(left);
        const TokenId rightToken = vocabulary->find(right);
        const TokenId token = vocabulary->find(joined);
        // A merge of or into something that is no token can have no effect on the result.
        if (leftToken >= 0 && rightToken >= 0 && token >= 0) {
            merges.add(leftToken, rightToken, {rank, token});
        }
        ++rank;
    }
    return std::make_unique<BpeSegmenter>(std::move(vocabulary), std::move(*preTokenizer),
                                          std::move(merges));
}

}  // namespace conclave::engine
