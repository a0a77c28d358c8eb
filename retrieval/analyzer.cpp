#include "retrieval/analyzer.h"

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <unicode/brkiter.h>
#include <unicode/bytestream.h>
#include <unicode/edits.h>
#include <unicode/normalizer2.h>
#include <unicode/utext.h>

#include "base/utf8.h"
#include "retrieval/characters.h"
#include "retrieval/languages.h"
#include "retrieval/posting_segment.h"
#include "retrieval/stemmer.h"
#include "retrieval/stop_words.h"

namespace conclave::retrieval {
namespace {

constexpr std::size_t kIdeographBytes = 3;
/// Longer words (hashes, base64) are indexed by their beginning.
constexpr std::size_t kLongestTerm = 64;

enum Ascii : std::uint8_t { kNone = 0, kLowerLetter = 1, kUpperLetter = 2, kDigit = 4 };

constexpr std::array<std::uint8_t, 256> kAscii = [] {
    std::array<std::uint8_t, 256> kinds{};
    for (int c = 'a'; c <= 'z'; ++c) kinds[static_cast<std::size_t>(c)] = kLowerLetter;
    for (int c = 'A'; c <= 'Z'; ++c) kinds[static_cast<std::size_t>(c)] = kUpperLetter;
    for (int c = '0'; c <= '9'; ++c) kinds[static_cast<std::size_t>(c)] = kDigit;
    return kinds;
}();

const icu::Normalizer2* folding() {
    static const icu::Normalizer2* const instance = [] {
        UErrorCode status = U_ZERO_ERROR;
        const auto* normalizer = icu::Normalizer2::getNFKCCasefoldInstance(status);
        return U_SUCCESS(status) ? normalizer : nullptr;
    }();
    return instance;
}

/// NFKC case folding of `text` into `folded`; `edits` may be null.
void fold(std::string_view text, std::string& folded, icu::Edits* edits) {
    folded.clear();
    UErrorCode status = U_ZERO_ERROR;
    icu::StringByteSink<std::string> sink(&folded);
    if (folding() != nullptr) {
        folding()->normalizeUTF8(0,
                                 icu::StringPiece(text.data(), static_cast<int32_t>(text.size())),
                                 sink, edits, status);
    }
    if (folding() == nullptr || U_FAILURE(status)) folded.assign(text);
}

std::string_view cutTerm(std::string_view term) {
    if (term.size() <= kLongestTerm) return term;
    return term.substr(0, completeUtf8Prefix(term.substr(0, kLongestTerm)));
}

icu::BreakIterator* wordBreaker() {
    thread_local const std::unique_ptr<icu::BreakIterator> breaker = [] {
        UErrorCode status = U_ZERO_ERROR;
        std::unique_ptr<icu::BreakIterator> made(
            icu::BreakIterator::createWordInstance(icu::Locale::getRoot(), status));
        if (U_FAILURE(status)) made.reset();
        return made;
    }();
    return breaker.get();
}

/// Walks one text and hands out its terms, or, to a sink that takes these, only their keys and
/// where they start; both as of a text in `language`. Its buffers are reused from word to word.
template <typename Sink>
class TermScanner {
    static constexpr bool kTakesKeys = std::is_invocable_v<Sink&, Stemmer::Key, std::size_t>;

public:
    TermScanner(std::string_view text, Sink& sink, Language language = Language::English)
        : m_text(text), m_sink(sink), m_stemmer(Stemmer::ofThisThread(language)) {}

    void run() {
        while (m_position < m_text.size()) {
            const auto byte = static_cast<unsigned char>(m_text[m_position]);
            if (byte < 0x80) {
                if (kAscii[byte] != kNone) {
                    scanWord();
                } else {
                    ++m_position;
                }
                continue;
            }
            std::size_t after = m_position;
            switch (classify(nextCodePoint(m_text, after)).kind) {
                case CharacterKind::Word: scanWord(); break;
                case CharacterKind::Cjk: scanCjk(); break;
                case CharacterKind::Unspaced: scanUnspaced(); break;
                default: m_position = after;
            }
        }
    }

private:
    struct Boundary {
        std::size_t folded = 0;
        std::size_t byte = 0;
    };

    [[nodiscard]] unsigned char byteAt(std::size_t position) const {
        return position < m_text.size() ? static_cast<unsigned char>(m_text[position]) : 0;
    }
    [[nodiscard]] bool isDigitAt(std::size_t position) const {
        return kAscii[byteAt(position)] == kDigit;
    }

    void scanWord() {
        const std::size_t start = m_position;
        m_folded.clear();
        m_parts.clear();
        m_isAscii = true;
        m_isFolded = true;
        m_hasDigit = false;
        m_isCapitalized = kAscii[byteAt(start)] == kUpperLetter;
        while (m_position < m_text.size() &&
               (scanAsciiRun(start) || scanWordCharacter() || scanInnerPunctuation(start))) {
        }
        if (!m_isFolded) refold();
        if (m_folded.empty()) return;
        emitWord(m_folded, start, m_position, AnalyzedTerm::Kind::Word, m_isCapitalized);
        if (m_isAscii && !m_parts.empty()) emitParts(start);
    }

    /// The fast path. Finds camelCase boundaries: before a capital after a small letter or digit,
    /// and before the last capital of a run that small letters follow (HTTP|Server).
    bool scanAsciiRun(std::size_t start) {
        const std::size_t from = m_position;
        while (true) {
            const std::size_t first = m_position;
            unsigned kinds = 0;
            std::uint8_t kind = kAscii[byteAt(m_position)];
            for (; (kind & (kLowerLetter | kDigit)) != 0; kind = kAscii[byteAt(++m_position)]) {
                kinds |= kind;
            }
            m_hasDigit = m_hasDigit || (kinds & kDigit) != 0;
            m_folded.append(m_text, first, m_position - first);
            if (kind != kUpperLetter) return m_position > from;
            const std::uint8_t before =
                m_position > start ? kAscii[byteAt(m_position - 1)] : std::uint8_t{kNone};
            const bool startsPart =
                before == kLowerLetter || before == kDigit ||
                (before == kUpperLetter && kAscii[byteAt(m_position + 1)] == kLowerLetter);
            if (startsPart) m_parts.push_back({m_folded.size(), m_position});
            m_folded.push_back(static_cast<char>(byteAt(m_position) | 0x20u));
            ++m_position;
        }
    }

    bool scanWordCharacter() {
        if (byteAt(m_position) < 0x80) return false;
        std::size_t after = m_position;
        const CharacterClass found = classify(nextCodePoint(m_text, after));
        if (found.kind == CharacterKind::Ignorable) {
            m_position = after;
            return true;
        }
        if (found.kind != CharacterKind::Word) return false;
        if (m_folded.empty()) m_isCapitalized = found.isUpper;
        m_isAscii = false;
        m_isFolded = m_isFolded && found.isFolded;
        m_hasDigit = m_hasDigit || found.isDigit;
        m_folded.append(m_text.substr(m_position, after - m_position));
        m_position = after;
        return true;
    }

    /// 3.14 and 1,000 (as 1000) are one word, and so are don't and Anna's; l'homme is two.
    bool scanInnerPunctuation(std::size_t start) {
        const unsigned char byte = byteAt(m_position);
        const bool afterDigit = m_position > start && isDigitAt(m_position - 1);
        if (byte == '.' && afterDigit && isDigitAt(m_position + 1)) {
            m_folded.push_back('.');
            ++m_position;
            return true;
        }
        if (byte == ',' && afterDigit && isDigitAt(m_position + 1) && isDigitAt(m_position + 2) &&
            isDigitAt(m_position + 3) && !isDigitAt(m_position + 4)) {
            ++m_position;
            return true;
        }
        std::size_t after = m_position;
        if (classify(nextCodePoint(m_text, after)).kind != CharacterKind::Apostrophe) return false;
        std::size_t nLetters = 0;
        while (nLetters < 3 && (kAscii[byteAt(after + nLetters)] == kLowerLetter ||
                                kAscii[byteAt(after + nLetters)] == kUpperLetter)) {
            ++nLetters;
        }
        if (nLetters < 1 || nLetters > 2 || byteAt(after + nLetters) >= 0x80) return false;
        m_folded.push_back('\'');
        m_position = after;
        return true;
    }

    /// Folding may bring in brackets and dots, as of a circled number; they are no part of a term.
    void refold() {
        std::swap(m_folded, m_scratch);
        fold(m_scratch, m_folded, nullptr);
        m_scratch.clear();
        m_isAscii = true;
        for (std::size_t i = 0; i < m_folded.size();) {
            const std::size_t from = i;
            const char32_t c = nextCodePoint(m_folded, i);
            const CharacterKind kind = classify(c).kind;
            if (kind == CharacterKind::Separator && c != U'.') continue;
            m_isAscii = m_isAscii && c < 0x80;
            m_scratch.append(m_folded, from, i - from);
        }
        std::swap(m_folded, m_scratch);
        m_parts.clear();
    }

    void emitWord(std::string_view word, std::size_t start, std::size_t end,
                  AnalyzedTerm::Kind kind, bool isCapitalized) {
        const std::string_view surface = cutTerm(word);
        if constexpr (kTakesKeys) {
            // What has a digit has no other stem, and would crowd out the words that are known.
            const bool isStemmed = !m_hasDigit || kind == AnalyzedTerm::Kind::Part;
            m_sink(isStemmed ? m_stemmer.keyOf(surface) : Stemmer::Key{termKey(surface)}, start);
        } else {
            m_sink(AnalyzedTerm{.term = m_stemmer.stem(surface),
                                .surface = surface,
                                .startByte = start,
                                .endByte = end,
                                .kind = kind,
                                .hasDigit = m_hasDigit,
                                .isCapitalized = isCapitalized});
        }
    }

    void emitParts(std::size_t start) {
        m_parts.push_back({m_folded.size(), m_position});
        Boundary from{0, start};
        const std::string_view folded = m_folded;
        for (const Boundary& to : m_parts) {
            if (to.folded - from.folded >= 2) {
                emitWord(folded.substr(from.folded, to.folded - from.folded), from.byte, to.byte,
                         AnalyzedTerm::Kind::Part, false);
            }
            from = to;
        }
    }

    void scanCjk() {
        const std::size_t start = m_position;
        if constexpr (kTakesKeys) {
            const std::size_t end = ideographsUntil(start);
            if (end > start && !goesOn(end)) {
                m_position = end;
                emitIdeographKeys(start, end);
                return;
            }
        }
        bool isFolded = true;
        std::size_t end = start;
        for (std::size_t after = start; after < m_text.size();) {
            const CharacterClass found = classify(nextCodePoint(m_text, after));
            if (found.kind != CharacterKind::Cjk && found.kind != CharacterKind::Ignorable) break;
            isFolded = isFolded && found.isFolded && found.kind == CharacterKind::Cjk;
            end = after;
        }
        m_position = end;
        const std::string_view run = m_text.substr(start, end - start);
        if (isFolded) {
            if constexpr (kTakesKeys) {
                emitCjkKeys(run, start);
            } else {
                emitCjk(run, [&](std::size_t i) { return start + i; });
            }
            return;
        }
        icu::Edits edits;
        fold(run, m_scratch, &edits);
        auto finder = edits.getFineIterator();
        emitCjk(m_scratch, [&](std::size_t i) {
            UErrorCode status = U_ZERO_ERROR;
            const int32_t source =
                finder.sourceIndexFromDestinationIndex(static_cast<int32_t>(i), status);
            return start + static_cast<std::size_t>(source);
        });
    }

    /// `toSource` maps an offset in `run` to one in the text; inside a character that folding made
    /// longer it gives that character's end, so each one's start is remembered.
    template <typename ToSource>
    void emitCjk(std::string_view run, const ToSource& toSource) {
        std::string_view before;
        std::size_t beforeStart = 0;
        std::size_t lastStart = toSource(0);
        std::size_t lastEnd = lastStart;
        for (std::size_t i = 0; i < run.size();) {
            const std::size_t from = i;
            static_cast<void>(nextCodePoint(run, i));
            std::size_t start = toSource(from);
            const std::size_t end = toSource(i);
            if (start >= end) start = lastStart;
            if (end > lastEnd) {
                lastStart = start;
                lastEnd = end;
            }
            const std::string_view character = run.substr(from, i - from);
            if (!before.empty()) {
                emitPlain({before.data(), before.size() + character.size()}, beforeStart, end,
                          AnalyzedTerm::Kind::CjkPair);
            }
            emitPlain(character, start, end, AnalyzedTerm::Kind::CjkOne);
            before = character;
            beforeStart = start;
        }
    }

    /// Where the ideographs end that begin at `position`, each of three bytes.
    [[nodiscard]] std::size_t ideographsUntil(std::size_t position) const {
        while (m_text.size() - position >= kIdeographBytes && byteAt(position) >= 0xE0u) {
            std::size_t after = position;
            if (!isIdeograph(nextCodePoint(m_text, after))) break;
            position = after;
        }
        return position;
    }

    /// True if what stands at `position` is of the same run of characters.
    [[nodiscard]] bool goesOn(std::size_t position) const {
        if (byteAt(position) < 0x80) return false;
        const CharacterKind kind = classify(nextCodePoint(m_text, position)).kind;
        return kind == CharacterKind::Cjk || kind == CharacterKind::Ignorable;
    }

    /// What emitCjkKeys() gives of ideographs alone, at once to a sink that takes it so.
    void emitIdeographKeys(std::size_t start, std::size_t end) {
        const std::size_t nKeys = 2 * (end - start) / kIdeographBytes - 1;
        const std::size_t lastStart = end - kIdeographBytes;
        if constexpr (requires { m_sink.takeIdeographs(nKeys, lastStart); }) {
            writeIdeographKeys(start, end, m_sink.takeIdeographs(nKeys, lastStart));
        } else {
            m_run.resize(nKeys);
            writeIdeographKeys(start, end, m_run.data());
            // A pair starts where its first character does.
            for (std::size_t i = 0; i < m_run.size(); ++i) {
                m_sink(Stemmer::Key{m_run[i]}, start + i / 2 * kIdeographBytes);
            }
        }
    }

    void writeIdeographKeys(std::size_t start, std::size_t end, TermKey* to) const {
        std::uint64_t before = 0;
        for (std::size_t i = start; i < end; i += kIdeographBytes) {
            const std::uint64_t character = std::uint64_t{byteAt(i)} |
                                            std::uint64_t{byteAt(i + 1)} << 8u |
                                            std::uint64_t{byteAt(i + 2)} << 16u;
            if (i > start) {
                *to++ = keyOfHash(shortTermHash(before | character << 24u, 2 * kIdeographBytes));
            }
            *to++ = keyOfHash(shortTermHash(character, kIdeographBytes));
            before = character;
        }
    }

    /// What emitCjk() gives of folded text.
    void emitCjkKeys(std::string_view run, std::size_t start) {
        std::size_t before = run.size();
        for (std::size_t i = 0; i < run.size();) {
            const std::size_t from = i;
            static_cast<void>(nextCodePoint(run, i));
            if (before < from) {
                m_sink(Stemmer::Key{termKey(run.substr(before, i - before))}, start + before);
            }
            m_sink(Stemmer::Key{termKey(run.substr(from, i - from))}, start + from);
            before = from;
        }
    }

    void emitPlain(std::string_view term, std::size_t start, std::size_t end,
                   AnalyzedTerm::Kind kind) {
        if constexpr (kTakesKeys) {
            m_sink(Stemmer::Key{termKey(term)}, start);
        } else {
            m_sink(AnalyzedTerm{
                .term = term, .surface = term, .startByte = start, .endByte = end, .kind = kind});
        }
    }

    void scanUnspaced() {
        const std::size_t start = m_position;
        std::size_t end = start;
        for (std::size_t after = start; after < m_text.size();) {
            const CharacterKind kind = classify(nextCodePoint(m_text, after)).kind;
            if (kind != CharacterKind::Unspaced && kind != CharacterKind::Ignorable) break;
            end = after;
        }
        m_position = end;
        const std::string_view run = m_text.substr(start, end - start);
        UErrorCode status = U_ZERO_ERROR;
        UText* utext =
            utext_openUTF8(nullptr, run.data(), static_cast<int64_t>(run.size()), &status);
        icu::BreakIterator* breaker = wordBreaker();
        if (breaker != nullptr && U_SUCCESS(status)) breaker->setText(utext, status);
        if (breaker == nullptr || U_FAILURE(status)) {
            emitFolded(run, start);
        } else {
            int32_t from = breaker->first();
            for (int32_t to = breaker->next(); to != icu::BreakIterator::DONE;
                 to = breaker->next()) {
                const auto offset = static_cast<std::size_t>(from);
                emitFolded(run.substr(offset, static_cast<std::size_t>(to - from)), start + offset);
                from = to;
            }
        }
        utext_close(utext);
    }

    void emitFolded(std::string_view word, std::size_t start) {
        fold(word, m_scratch, nullptr);
        if (!m_scratch.empty()) {
            emitPlain(cutTerm(m_scratch), start, start + word.size(), AnalyzedTerm::Kind::Word);
        }
    }

    std::string_view m_text;
    Sink& m_sink;
    Stemmer& m_stemmer;
    std::size_t m_position = 0;
    std::string m_folded;
    std::string m_scratch;
    std::vector<Boundary> m_parts;
    std::vector<TermKey> m_run;  ///< of ideographs
    bool m_isAscii = true;
    bool m_isFolded = true;
    bool m_hasDigit = false;
    bool m_isCapitalized = false;
};

/// Gathers the keys of a chunk's parts, of which each begins at its own byte 0.
class KeyCollector {
public:
    void clear() {
        m_keys.clear();
        m_guess = {};
        m_length = 0;
    }
    void beginPart() { m_isFirst = true; }

    void operator()(Stemmer::Key key, std::size_t startByte) {
        if (m_isFirst || startByte > m_lastStart) {
            ++m_length;
            m_lastStart = startByte;
        }
        m_isFirst = false;
        m_keys.push_back(key.key);
        m_guess.see(key.functionWordOf, key.key);
    }
    /// Memory for `nKeys` of characters and the pairs between them, which the caller writes; the
    /// last character starts at `lastStart`.
    [[nodiscard]] TermKey* takeIdeographs(std::size_t nKeys, std::size_t lastStart) {
        m_length += static_cast<std::uint32_t>(nKeys / 2 + 1);
        m_lastStart = lastStart;
        m_isFirst = false;
        m_guess.seeOthers(static_cast<std::uint32_t>(nKeys));
        m_keys.resize(m_keys.size() + nKeys);
        return m_keys.data() + m_keys.size() - nKeys;
    }

    [[nodiscard]] Language language() const { return m_guess.best(); }
    [[nodiscard]] std::uint32_t length() const { return m_length; }
    [[nodiscard]] const std::vector<TermKey>& keys() const { return m_keys; }

private:
    std::vector<TermKey> m_keys;
    LanguageGuess m_guess;
    std::uint32_t m_length = 0;
    std::size_t m_lastStart = 0;
    bool m_isFirst = true;
};

}  // namespace

void analyzeTerms(std::string_view text, const std::function<void(const AnalyzedTerm&)>& sink,
                  Language language) {
    TermScanner(text, sink, language).run();
}

void analyze(std::string_view text, const TermSink& sink) {
    const auto plain = [&](const AnalyzedTerm& found) {
        sink(found.term, found.startByte, found.endByte);
    };
    TermScanner(text, plain).run();
}

std::vector<QueryTerm> queryWords(std::string_view query) {
    std::vector<QueryTerm> all;
    std::vector<QueryTerm> content;
    const Language language = languageOf({query});
    const auto collect = [&](const AnalyzedTerm& found) {
        all.push_back({.text = std::string(found.term), .word = std::string(found.surface)});
        const bool isFunctionWord =
            isStopWord(found.surface) || (language != Language::English &&
                                          isIn(languagesOfFunctionWord(found.surface), language));
        if (!isFunctionWord) content.push_back(all.back());
    };
    TermScanner(query, collect).run();
    return content.empty() ? all : content;
}

std::vector<std::string> queryTerms(std::string_view query) {
    std::vector<std::string> terms;
    for (QueryTerm& term : queryWords(query)) terms.push_back(std::move(term.text));
    return terms;
}

Language languageOf(std::initializer_list<std::string_view> texts) {
    LanguageGuess guess;
    const auto see = [&](Stemmer::Key key, std::size_t) { guess.see(key.functionWordOf, key.key); };
    for (const std::string_view text : texts) TermScanner(text, see).run();
    return guess.best();
}

std::vector<bool> saidTerms(std::span<const QueryTerm> terms, std::string_view heading,
                            std::string_view text) {
    const Language language = languageOf({heading, text});
    std::vector<TermKey> wanted;
    wanted.reserve(terms.size());
    for (const QueryTerm& term : terms) wanted.push_back(keyIn(language, term));
    std::vector<bool> isSaid(terms.size());
    const auto note = [&](Stemmer::Key key, std::size_t) {
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            if (wanted[i] == key.key) isSaid[i] = true;
        }
    };
    for (const std::string_view part : {heading, text}) TermScanner(part, note, language).run();
    return isSaid;
}

TermKey keyIn(Language language, const QueryTerm& term) {
    if (language == Language::English || !Stemmer::dependsOnLanguage(term.word)) {
        return termKey(term.text);
    }
    return termKey(Stemmer::ofThisThread(language).stem(term.word));
}

ChunkTerms chunkTerms(std::string_view heading, std::string_view text) {
    // A text has hundreds of terms: their memory is kept for the next one.
    thread_local KeyCollector collector;
    const auto read = [&](Language language) {
        collector.clear();
        for (const std::string_view part : {heading, text}) {
            collector.beginPart();
            TermScanner(part, collector, language).run();
        }
    };
    read(Language::English);
    // Another language is known by its words, when they have been read: once more, then.
    const Language language = collector.language();
    if (language != Language::English) read(language);
    ChunkTerms terms{collector.keys(), collector.length(), isContents(text)};
    if (language != Language::English) terms.keys.push_back(Stemmer::markOf(language));
    if (terms.isContents) {
        constexpr std::uint32_t kAsLong = 4;
        terms.length *= kAsLong;
        std::sort(terms.keys.begin(), terms.keys.end());
        terms.keys.erase(std::unique(terms.keys.begin(), terms.keys.end()), terms.keys.end());
    }
    return terms;
}

}  // namespace conclave::retrieval
