#include "retrieval/extractor/pdf_limits.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <zlib.h>

#include "retrieval/extractor/pdf_file.h"

namespace conclave::retrieval::extractor {
namespace {

/// Deflate makes at most a thousandth of what it packs; drawings and fonts pack to a tenth.
constexpr std::size_t kMostRatio = 200;
/// Below it the ratio does not matter.
constexpr std::size_t kFewBytes = std::size_t{1} << 20;
/// Of a stream that is no picture.
constexpr std::size_t kMostBytes = std::size_t{128} << 20;
/// pdfium keeps a third of a kilobyte for each state that is saved.
constexpr std::size_t kMostStatesSaved = 20'000;
/// Deeper values take much memory in a few bytes.
constexpr std::size_t kDeepestValue = 10'000;
/// Of one stream: pdfium's time grows with their square. A page of a book has a few thousand.
constexpr std::size_t kMostShownLetters = 400'000;
/// With forms as often as they are drawn; pdfium keeps up to a kilobyte for each.
constexpr std::size_t kMostOperations = 4'000'000;

/// What a stream of operators asks for, seen without its resources.
class OperatorCosts {
public:
    void add(std::string_view piece) {
        for (const char c : piece) add(c);
    }
    [[nodiscard]] bool isTooDeep() const { return m_mostOpen > kDeepestValue; }
    [[nodiscard]] const char* excess() const {
        if (m_mostSaved > kMostStatesSaved) return "saves more than 20,000 drawing states at once";
        if (isTooDeep()) return "nests values more than 10,000 deep";
        if (m_nLetters > kMostShownLetters) return "shows more than 400,000 letters at once";
        return nullptr;
    }

private:
    void add(char c) {
        if (m_isEscaped) {
            m_isEscaped = false;
            return;
        }
        if (m_depthOfString > 0) {
            m_isEscaped = c == '\\';
            if (c == '(') ++m_depthOfString;
            if (c == ')') --m_depthOfString;
            ++m_nPending;
            return;
        }
        if (isPdfSpace(c) || isPdfDelimiter(c)) {
            endWord();
            if (c == '(') m_depthOfString = 1;
            if (c == '[' || c == '<') m_mostOpen = std::max(m_mostOpen, ++m_nOpen);
            if ((c == ']' || c == '>') && m_nOpen > 0) --m_nOpen;
            m_isHex = c == '<';
            return;
        }
        m_before = m_word;
        m_word = c;
        ++m_length;
    }
    void endWord() {
        if (m_isHex) m_nPending += m_length / 2;
        if (m_length == 1 && m_word == 'q') m_mostSaved = std::max(m_mostSaved, ++m_nSaved);
        if (m_length == 1 && m_word == 'Q' && m_nSaved > 0) --m_nSaved;
        const bool shows = m_length == 2 && m_before == 'T' && (m_word == 'j' || m_word == 'J');
        if (shows) m_nLetters += std::exchange(m_nPending, 0);
        m_length = 0;
    }

    bool m_isEscaped = false;
    bool m_isHex = false;
    std::size_t m_depthOfString = 0;
    char m_word = 0;  ///< its last letter
    char m_before = 0;
    std::size_t m_length = 0;
    std::size_t m_nSaved = 0;
    std::size_t m_mostSaved = 0;
    std::size_t m_nOpen = 0;
    std::size_t m_mostOpen = 0;
    std::size_t m_nPending = 0;  ///< letters since the last operator that shows them
    std::size_t m_nLetters = 0;
};

/// Operators are written in ASCII; fonts and pictures are not.
bool isLikeOperators(std::string_view piece) {
    const auto isOdd = [](char c) {
        return static_cast<unsigned char>(c) >= 0x7F || (c >= 0 && c < ' ' && !isPdfSpace(c));
    };
    const auto nOdd = std::count_if(piece.begin(), piece.end(), isOdd);
    constexpr std::ptrdiff_t kOneOf = 4;  // letters of a two-byte font are any bytes
    return nOdd * kOneOf <= static_cast<std::ptrdiff_t>(piece.size());
}

tl::unexpected<Error> tooMuch(const std::string& what) {
    return fail(ErrorCode::LimitExceeded, "the PDF is over the limit: a stream of it " + what);
}

/// Unpacks a piece at a time and keeps none.
Result<void> checkPacked(std::string_view packed) {
    z_stream stream{};
    if (inflateInit(&stream) != Z_OK) return fail(ErrorCode::Internal, "cannot unpack");
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(std::min<std::size_t>(packed.size(), 1U << 30U));
    std::vector<char> piece(std::size_t{32} << 10U);
    std::optional<OperatorCosts> costs;
    std::size_t nOut = 0;
    std::string excess;
    int status = Z_OK;
    while (status == Z_OK && excess.empty()) {
        stream.next_out = reinterpret_cast<Bytef*>(piece.data());
        stream.avail_out = static_cast<uInt>(piece.size());
        status = ::inflate(&stream, Z_NO_FLUSH);
        const std::size_t n = piece.size() - stream.avail_out;
        const std::string_view unpacked(piece.data(), n);
        if (nOut == 0 && isLikeOperators(unpacked)) costs.emplace();
        nOut += n;
        if (costs) costs->add(unpacked);
        const std::size_t nIn = packed.size() - stream.avail_in;
        if (nOut > kFewBytes && nOut / std::max<std::size_t>(nIn, 1) > kMostRatio) {
            excess = "unpacks to more than 200 times its size";
        } else if (nOut > kMostBytes) {
            excess = "unpacks to more than 128 MiB";
        } else if (costs && costs->excess() != nullptr) {
            excess = costs->excess();
        }
        if (stream.avail_in == 0 && stream.avail_out > 0) break;
    }
    inflateEnd(&stream);
    if (!excess.empty()) return tooMuch(excess);
    return {};
}

std::size_t countOf(std::string_view text, std::string_view word) {
    std::size_t n = 0;
    for (std::size_t at = text.find(word); at != std::string_view::npos;
         at = text.find(word, at + word.size())) {
        ++n;
    }
    return n;
}

Result<void> checkStream(std::string_view dictionary, std::string_view bytes) {
    const std::size_t nPackings = countOf(dictionary, "FlateDecode") +
                                  countOf(dictionary, "LZWDecode") +
                                  countOf(dictionary, "RunLengthDecode");
    if (nPackings > 1) return tooMuch("is packed more than once");
    // Pictures pack well, and are unpacked only where a page must be drawn.
    if (dictionary.find("/Image") != std::string_view::npos) return {};
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    if (bytes.size() > 2 && (byte(0) & 0x0FU) == 8 && (byte(0) * 256U + byte(1)) % 31 == 0) {
        return checkPacked(bytes);
    }
    constexpr std::size_t kLooked = 4096;
    if (!isLikeOperators(bytes.substr(0, kLooked))) return {};
    OperatorCosts costs;
    costs.add(bytes);
    if (const char* excess = costs.excess()) return tooMuch(excess);
    return {};
}

/// How many operators a page executes, with its forms as often as they are drawn.
class DrawnForms {
public:
    explicit DrawnForms(PdfFile& file) : m_file(file) {}

    std::size_t nOfPage(std::size_t index) {
        const auto page = m_file.page(index);
        const auto contents = page ? m_file.get(page->dictionary, "Contents") : std::nullopt;
        if (!contents) return 0;
        std::size_t n = 0;
        if (contents->kind != PdfValue::Kind::Array) {
            return nOfStream(*page->dictionary.find("Contents"), page->resources, 0);
        }
        for (const PdfValue& part : contents->items) n += nOfStream(part, page->resources, 0);
        return n;
    }

private:
    std::size_t nOfStream(const PdfValue& reference, const PdfValue& resources, int depth) {
        constexpr int kDeepest = 40;
        if (depth > kDeepest || reference.kind != PdfValue::Kind::Reference) return 0;
        const auto [known, isNew] = m_known.try_emplace(reference.number, 0);
        if (!isNew) return known->second;
        const auto stream = m_file.stream(reference);
        if (!stream) return 0;
        const auto own = m_file.get(stream->dictionary, "Resources");
        const PdfValue& used = own && own->kind == PdfValue::Kind::Dictionary ? *own : resources;
        const auto forms = m_file.get(used, "XObject");
        std::size_t n = 0;
        std::string name;
        PdfLexer lexer(stream->bytes);
        while (n <= kMostOperations) {
            const auto token = lexer.next();
            if (token == PdfLexer::Token::End || token == PdfLexer::Token::Bad) break;
            if (token == PdfLexer::Token::Name) name = lexer.text();
            if (token != PdfLexer::Token::Word) continue;
            ++n;
            if (lexer.text() != "Do" || !forms) continue;
            if (const PdfValue* form = forms->find(name)) n += nOfStream(*form, used, depth + 1);
        }
        m_known[reference.number] = n;
        return n;
    }

    PdfFile& m_file;
    std::map<double, std::size_t> m_known;
};

}  // namespace

Result<void> checkPdfLimits(std::string_view bytes) {
    constexpr std::string_view kStart = "stream";
    constexpr std::string_view kEnd = "endstream";
    constexpr std::size_t kLongestDictionary = 2048;
    bool hasForms = false;
    OperatorCosts structure;
    std::size_t behindLast = 0;
    for (std::size_t at = bytes.find(kStart); at != std::string_view::npos;
         at = bytes.find(kStart, at)) {
        const std::size_t word = at;
        at += kStart.size();
        if (at >= bytes.size() || (bytes[at] != '\r' && bytes[at] != '\n')) continue;
        structure.add(bytes.substr(behindLast, word - behindLast));
        if (bytes[at] == '\r') ++at;
        if (at < bytes.size() && bytes[at] == '\n') ++at;
        const std::size_t from = word - std::min(word, kLongestDictionary);
        std::string_view dictionary = bytes.substr(from, word - from);
        const std::size_t object = dictionary.rfind(" obj");
        if (object != std::string_view::npos) dictionary.remove_prefix(object);
        const std::size_t end = std::min(bytes.find(kEnd, at), bytes.size());
        hasForms = hasForms || dictionary.find("/Form") != std::string_view::npos;
        if (auto checked = checkStream(dictionary, bytes.substr(at, end - at)); !checked) {
            return checked;
        }
        at = behindLast = std::min(end + kEnd.size(), bytes.size());
    }
    structure.add(bytes.substr(behindLast));
    if (structure.isTooDeep()) {
        return fail(ErrorCode::LimitExceeded,
                    "the PDF is over the limit: it nests values more than 10,000 deep");
    }
    if (!hasForms) return {};
    auto file = PdfFile::open(bytes);
    if (!file) return {};
    DrawnForms forms(*file);
    for (std::size_t page = 0; page < file->nPages(); ++page) {
        if (forms.nOfPage(page) > kMostOperations) {
            return fail(ErrorCode::LimitExceeded, "the PDF is over the limit: page " +
                                                      std::to_string(page + 1) +
                                                      " takes more than 4,000,000 operations");
        }
    }
    return {};
}

}  // namespace conclave::retrieval::extractor
