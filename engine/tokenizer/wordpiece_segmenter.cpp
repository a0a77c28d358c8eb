#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include "base/utf8.h"
#include "engine/tokenizer/char_class.h"
#include "engine/tokenizer/lenient_utf8.h"
#include "engine/tokenizer/segmenter.h"

namespace conclave::engine {
namespace {

bool isHanCharacter(char32_t c) {
    // BERT's own list, which leaves kana and Hangul out.
    constexpr std::pair<char32_t, char32_t> kRanges[] = {
        {0x4E00, 0x9FFF},   {0x3400, 0x4DBF},   {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F},
        {0x2B740, 0x2B81F}, {0x2B920, 0x2CEAF}, {0xF900, 0xFAFF},   {0x2F800, 0x2FA1F}};
    for (const auto& [first, last] : kRanges) {
        if (c >= first && c <= last) return true;
    }
    return false;
}

/// Control and format characters, surrogates, private use, and what stands for broken text.
bool isLeftOut(char32_t c) {
    if (c == 0 || c == 0xFFFD) return true;
    switch (u_charType(static_cast<UChar32>(c))) {
        case U_CONTROL_CHAR:
        case U_FORMAT_CHAR:
        case U_PRIVATE_USE_CHAR:
        case U_SURROGATE: return true;
        default: return false;
    }
}

bool standsAlone(char32_t c) {
    const std::uint16_t kind = charClass(c);
    return (kind & kPunctuation) != 0 || (c < 0x7F && (kind & kSymbol) != 0) || isHanCharacter(c);
}

/// What becomes of a character.
enum class Part : std::uint8_t { Word, Space, Alone, Nothing };

Part partOf(char32_t c) {
    if ((charClass(c) & kSpace) != 0) return Part::Space;
    if (isLeftOut(c)) return Part::Nothing;
    return standsAlone(c) ? Part::Alone : Part::Word;
}

/// Most characters are ASCII, whose part is looked up once.
Part quickPartOf(char32_t c) {
    static const std::array<Part, 128> kAscii = [] {
        std::array<Part, 128> parts{};
        for (std::size_t i = 0; i < parts.size(); ++i) parts[i] = partOf(static_cast<char32_t>(i));
        return parts;
    }();
    return c < kAscii.size() ? kAscii[c] : partOf(c);
}

/// What BERT's normalizer leaves of letters. As in llama.cpp accents go with the case, unless the
/// file says otherwise.
struct LetterForms {
    bool lowercases = true;
    bool stripsAccents = true;

    static LetterForms of(const GgufFile& file) {
        LetterForms forms;
        forms.lowercases = file.boolean("tokenizer.ggml.normalizer.lowercase").value_or(true);
        forms.stripsAccents =
            file.boolean("tokenizer.ggml.normalizer.strip_accents").value_or(forms.lowercases);
        return forms;
    }
};

/// BERT's WordPiece: words of the text, each cut from the left into the longest pieces there are. A
/// word that cannot be cut is one unknown token. In the vocabulary a piece that begins a word has
/// U+2581 before it.
class WordPieceSegmenter final : public Segmenter {
public:
    WordPieceSegmenter(std::shared_ptr<const Vocabulary> vocabulary, LetterForms forms)
        : m_vocabulary(std::move(vocabulary)), m_forms(forms) {
        std::vector<ByteTrie::Entry> pieces;
        for (TokenId token = 0; token < m_vocabulary->size(); ++token) {
            pieces.emplace_back(m_vocabulary->text(token), token);
        }
        m_pieces = ByteTrie::build(std::move(pieces));
    }

    void segment(std::string_view text, bool /*afterMarker*/,
                 std::vector<TokenId>& tokens) const override {
        const std::optional<std::string> read = readLeniently(text);
        if (read) text = *read;
        const auto flush = [&](std::string& word) {
            if (word.size() > kSpaceMark.size()) cut(word, tokens);
            word = kSpaceMark;
        };
        std::string word(kSpaceMark);
        for (std::size_t position = 0; position < text.size();) {
            char32_t characters[kMostParts];
            const int n = readCharacter(text, position, characters);
            for (int i = 0; i < n; ++i) {
                const char32_t c = characters[i];
                const Part part = quickPartOf(c);
                if (part == Part::Nothing) continue;
                if (part != Part::Word) flush(word);
                if (part != Part::Space) appendUtf8(word, c);
                if (part == Part::Alone) flush(word);
            }
        }
        flush(word);
    }

    std::string bytesOf(std::string_view tokenText) const override { return withSpaces(tokenText); }

private:
    static constexpr int kMostParts = 18;  // the longest decomposition that Unicode has

    /// Reads the character at `position`, without case and accents if the model knows none, and
    /// moves past it.
    int readCharacter(std::string_view text, std::size_t& position, char32_t* parts) const {
        const char32_t whole = nextCodePoint(text, position);
        if (whole < 0x80) {
            const bool isCapital = whole >= 'A' && whole <= 'Z';
            parts[0] = isCapital && m_forms.lowercases ? whole + ('a' - 'A') : whole;
            return 1;
        }
        const auto cased = [&](UChar32 c) {
            return static_cast<char32_t>(m_forms.lowercases ? u_tolower(c) : c);
        };
        if (!m_forms.stripsAccents) {
            parts[0] = cased(static_cast<UChar32>(whole));
            return 1;
        }
        static const icu::Normalizer2* const kNfd = [] {
            UErrorCode status = U_ZERO_ERROR;
            const icu::Normalizer2* nfd = icu::Normalizer2::getNFDInstance(status);
            return U_SUCCESS(status) ? nfd : nullptr;
        }();
        icu::UnicodeString decomposed;
        if (kNfd == nullptr ||
            kNfd->getDecomposition(static_cast<UChar32>(whole), decomposed) == 0) {
            decomposed = static_cast<UChar32>(whole);
        }
        int n = 0;
        for (std::int32_t i = 0; i < decomposed.length() && n < kMostParts;
             i = decomposed.moveIndex32(i, 1)) {
            const UChar32 c = decomposed.char32At(i);
            if (u_charType(c) == U_NON_SPACING_MARK) continue;
            parts[n++] = cased(c);
        }
        return n;
    }

    void cut(std::string_view word, std::vector<TokenId>& tokens) const {
        const std::size_t nBefore = tokens.size();
        while (!word.empty()) {
            std::size_t length = 0;
            TokenId piece = -1;
            m_pieces.forEachPrefix(word, [&](std::size_t n, TokenId token) {
                length = n;
                piece = token;
            });
            if (length == 0) {
                tokens.resize(nBefore);
                tokens.push_back(m_vocabulary->unknown);
                return;
            }
            tokens.push_back(piece);
            word.remove_prefix(length);
        }
    }

    std::shared_ptr<const Vocabulary> m_vocabulary;
    LetterForms m_forms;
    ByteTrie m_pieces;
};

}  // namespace

Result<std::unique_ptr<const Segmenter>> makeWordPieceSegmenter(
    const GgufFile& file, std::shared_ptr<const Vocabulary> vocabulary) {
    if (vocabulary->unknown < 0) {
        return fail(ErrorCode::Corrupt, "tokenizer.ggml.unknown_token_id is missing");
    }
    return std::make_unique<WordPieceSegmenter>(std::move(vocabulary), LetterForms::of(file));
}

}  // namespace conclave::engine
