#include "retrieval/extractor/pdf_file.h"

#include <algorithm>
#include <array>
#include <utility>

#include <zlib.h>

namespace conclave::retrieval::extractor {
namespace {

using Token = PdfLexer::Token;
using Kind = PdfValue::Kind;

constexpr std::size_t kMostObjects = 4'000'000;
constexpr std::size_t kMostPages = 100'000;
constexpr std::size_t kMostTreeNodes = 2 * kMostPages;
constexpr int kDeepestTree = 32;
constexpr int kMostSections = 64;
/// Of one stream, and of all object streams together.
constexpr std::size_t kMostStreamBytes = std::size_t{32} << 20;
constexpr std::size_t kMostUnpackedBytes = std::size_t{64} << 20;

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// -1 if it is no whole number from 0 on.
std::int64_t wholeNumber(const PdfValue* value) {
    if (value == nullptr || value->kind != Kind::Number || value->number < 0.0) return -1;
    const auto whole = static_cast<std::int64_t>(value->number);
    return static_cast<double>(whole) == value->number ? whole : -1;
}

bool sameReference(const PdfValue& a, const PdfValue& b) {
    return a.kind == Kind::Reference && b.kind == Kind::Reference && a.number == b.number;
}

/// Undoes the PNG predictors of rows of `width` bytes, each behind a byte that names its own.
bool undoPredictor(std::string& bytes, std::size_t width) {
    if (width == 0 || bytes.size() % (width + 1) != 0) return false;
    const std::size_t nRows = bytes.size() / (width + 1);
    std::string out;
    out.reserve(nRows * width);
    for (std::size_t row = 0; row < nRows; ++row) {
        const char kind = bytes[row * (width + 1)];
        if (kind != 0 && kind != 2) return false;  // none or up: what tables are written with
        for (std::size_t i = 0; i < width; ++i) {
            char c = bytes[row * (width + 1) + 1 + i];
            if (kind == 2 && row > 0) c = static_cast<char>(c + out[(row - 1) * width + i]);
            out.push_back(c);
        }
    }
    bytes = std::move(out);
    return true;
}

}  // namespace

std::optional<std::string> inflated(std::string_view packed, std::size_t most) {
    z_stream stream{};
    if (inflateInit(&stream) != Z_OK) return std::nullopt;
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(std::min<std::size_t>(packed.size(), 1U << 30U));
    std::string out(std::clamp<std::size_t>(packed.size() * 4, 1024, most), '\0');
    std::size_t nOut = 0;
    int status = Z_OK;
    while (status == Z_OK) {
        if (nOut == out.size()) {
            if (out.size() >= most) break;
            out.resize(std::min(out.size() * 2, most));
        }
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + nOut);
        stream.avail_out = static_cast<uInt>(out.size() - nOut);
        const std::size_t room = stream.avail_out;
        status = ::inflate(&stream, Z_NO_FLUSH);
        nOut += room - stream.avail_out;
        if (status == Z_OK && stream.avail_in == 0 && stream.avail_out > 0) break;
    }
    inflateEnd(&stream);
    if (status != Z_STREAM_END) return std::nullopt;
    out.resize(nOut);
    return out;
}

std::optional<PdfFile> PdfFile::open(std::string_view bytes) {
    PdfFile file(bytes);
    if (!file.readCrossReferences() || !file.isEachObjectWhereItIsSaid()) return std::nullopt;
    std::vector<std::uint32_t> containers;
    for (const auto& [number, place] : file.m_places) {
        if (place.container != 0) containers.push_back(place.container);
    }
    std::sort(containers.begin(), containers.end());
    containers.erase(std::unique(containers.begin(), containers.end()), containers.end());
    for (const std::uint32_t container : containers) {
        if (!file.readObjectStream(container)) return std::nullopt;
    }
    const auto catalog = file.resolve(file.m_root);
    if (!catalog || catalog->kind != Kind::Dictionary) return std::nullopt;
    // Layers may be off, and a catalog may ask for other rules of reading.
    if (catalog->find("OCProperties") != nullptr) return std::nullopt;
    const PdfValue* pages = catalog->find("Pages");
    std::size_t nLeaves = 0;
    if (pages == nullptr || !file.readPageTree(*pages, {}, 0, nLeaves)) return std::nullopt;
    return file;
}

bool PdfFile::readCrossReferences() {
    constexpr std::size_t kTail = 1024;
    if (!m_bytes.starts_with("%PDF-")) return false;  // else offsets begin somewhere else
    const std::size_t from = m_bytes.size() - std::min(kTail, m_bytes.size());
    const std::size_t start = m_bytes.rfind("startxref");
    if (start == std::string_view::npos || start < from) return false;
    PdfLexer lexer(m_bytes, start + std::string_view("startxref").size());
    if (lexer.next() != Token::Number || !lexer.isInteger()) return false;
    auto offset = static_cast<std::size_t>(lexer.number());
    std::vector<std::size_t> seen;
    while (true) {
        if (offset >= m_bytes.size() || seen.size() >= kMostSections ||
            std::find(seen.begin(), seen.end(), offset) != seen.end()) {
            return false;
        }
        seen.push_back(offset);
        PdfValue trailer;
        if (!readSection(offset, trailer)) return false;
        if (trailer.find("Encrypt") != nullptr || trailer.find("XRefStm") != nullptr) return false;
        const PdfValue* root = trailer.find("Root");
        if (root == nullptr || root->kind != Kind::Reference) return false;
        if (m_root.kind == Kind::Null) m_root = *root;
        if (!sameReference(m_root, *root)) return false;
        const PdfValue* previous = trailer.find("Prev");
        if (previous == nullptr) return true;
        const std::int64_t next = wholeNumber(previous);
        if (next < 0) return false;
        offset = static_cast<std::size_t>(next);
    }
}

bool PdfFile::readSection(std::size_t offset, PdfValue& trailer) {
    PdfLexer lexer(m_bytes, offset);
    const Token first = lexer.next();
    if (first == Token::Number) return readCrossReferenceStream(offset, trailer);
    return first == Token::Word && lexer.text() == "xref" && readTable(lexer, trailer);
}

bool PdfFile::readTable(PdfLexer& lexer, PdfValue& trailer) {
    ++m_nTables;
    while (true) {
        const Token token = lexer.next();
        if (token == Token::Word && lexer.text() == "trailer") break;
        if (token != Token::Number || !lexer.isInteger()) return false;
        const auto first = static_cast<std::size_t>(lexer.number());
        if (lexer.next() != Token::Number || !lexer.isInteger()) return false;
        const auto n = static_cast<std::size_t>(lexer.number());
        if (first + n > kMostObjects) return false;
        for (std::size_t i = 0; i < n; ++i) {
            if (lexer.next() != Token::Number || !lexer.isInteger()) return false;
            const auto offset = static_cast<std::size_t>(lexer.number());
            if (lexer.next() != Token::Number || !lexer.isInteger()) return false;
            const double generation = lexer.number();
            if (lexer.next() != Token::Word) return false;
            if (lexer.text() == "f") continue;
            if (lexer.text() != "n" || generation != 0.0) return false;
            if (offset == 0 || offset >= m_bytes.size()) return false;
            const auto number = static_cast<std::uint32_t>(first + i);
            if (!m_places.try_emplace(number, Place{.offset = offset}).second) return false;
        }
    }
    auto value = readPdfValue(lexer, lexer.next());
    if (!value || value->kind != Kind::Dictionary) return false;
    trailer = std::move(*value);
    return true;
}

bool PdfFile::readCrossReferenceStream(std::size_t offset, PdfValue& trailer) {
    PdfLexer lexer(m_bytes, offset);
    if (lexer.next() != Token::Number || !lexer.isInteger()) return false;
    const auto number = static_cast<std::uint32_t>(lexer.number());
    auto object = objectAt(offset, number);
    if (!object || object->streamAt == 0) return false;
    const PdfValue& dictionary = object->value;
    const PdfValue* type = dictionary.find("Type");
    const PdfValue* widths = dictionary.find("W");
    if (type == nullptr || !type->isName("XRef") || widths == nullptr ||
        widths->items.size() != 3) {
        return false;
    }
    std::array<std::size_t, 3> width{};
    for (std::size_t i = 0; i < 3; ++i) {
        const std::int64_t w = wholeNumber(&widths->items[i]);
        if (w < 0 || w > 6) return false;
        width[i] = static_cast<std::size_t>(w);
    }
    const std::size_t rowWidth = width[0] + width[1] + width[2];
    const std::int64_t size = wholeNumber(dictionary.find("Size"));
    const auto bytes = streamBytes(*object);
    if (!bytes || rowWidth == 0 || size < 0) return false;
    std::vector<std::int64_t> ranges{0, size};
    if (const PdfValue* index = dictionary.find("Index")) {
        ranges.clear();
        for (const PdfValue& item : index->items) ranges.push_back(wholeNumber(&item));
    }
    m_sections.emplace(offset, number);
    std::size_t at = 0;
    const auto field = [&](std::size_t which) {
        std::size_t value = 0;
        for (std::size_t i = 0; i < width[which]; ++i) {
            value = value << 8U | static_cast<unsigned char>((*bytes)[at++]);
        }
        return value;
    };
    if (ranges.size() % 2 != 0) return false;
    for (std::size_t range = 0; range < ranges.size(); range += 2) {
        if (ranges[range] < 0 || ranges[range + 1] < 0 ||
            ranges[range] + ranges[range + 1] > static_cast<std::int64_t>(kMostObjects)) {
            return false;
        }
        const auto first = static_cast<std::size_t>(ranges[range]);
        for (std::size_t i = 0; i < static_cast<std::size_t>(ranges[range + 1]); ++i) {
            if (at + rowWidth > bytes->size()) return false;
            const std::size_t kind = width[0] == 0 ? 1 : field(0);
            const std::size_t where = field(1);
            const std::size_t third = field(2);
            if (kind == 0) continue;
            Place place{.offset = where};
            if (kind == 2) {
                place = {.offset = third, .container = static_cast<std::uint32_t>(where)};
                if (where == 0 || where > kMostObjects) return false;
            } else if (kind != 1 || third != 0 || where == 0 || where >= m_bytes.size()) {
                return false;
            }
            const auto id = static_cast<std::uint32_t>(first + i);
            if (!m_places.try_emplace(id, place).second) return false;
        }
    }
    trailer = std::move(object->value);
    return true;
}

/// Every "N 0 obj" of the file is the one that the cross-references name, and every trailer theirs:
/// then a reader that looks for objects by itself finds the same.
bool PdfFile::isEachObjectWhereItIsSaid() const {
    std::size_t nFound = 0;
    std::size_t nTrailers = 0;
    const auto isSpace = [](char c) {
        return isPdfSpace(c) || c == '\x80' || c == '\xFF';  // to pdfium these are white space, too
    };
    for (std::size_t at = m_bytes.find("obj"); at != std::string_view::npos;
         at = m_bytes.find("obj", at + 3)) {
        if (at == 0 || !isSpace(m_bytes[at - 1])) continue;
        const char behind = at + 3 < m_bytes.size() ? m_bytes[at + 3] : ' ';
        if (!isSpace(behind) && !isPdfDelimiter(behind)) continue;
        std::size_t i = at;
        const auto skipBack = [&](auto&& belongs) {
            const std::size_t end = i;
            while (i > 0 && belongs(m_bytes[i - 1])) --i;
            return end - i;
        };
        skipBack(isPdfSpace);
        const std::size_t nGeneration = skipBack(isDigit);
        const std::size_t nBetween = skipBack(isPdfSpace);
        const std::size_t endOfNumber = i;
        const std::size_t nNumber = skipBack(isDigit);
        constexpr std::size_t kMostDigits = 9;
        if (nGeneration != 1 || nBetween == 0 || nNumber == 0 || nNumber > kMostDigits) {
            return false;
        }
        std::uint32_t number = 0;
        for (std::size_t j = i; j < endOfNumber; ++j) {
            number = number * 10 + static_cast<std::uint32_t>(m_bytes[j] - '0');
        }
        const auto place = m_places.find(number);
        const bool isListed =
            place != m_places.end() && place->second.container == 0 && place->second.offset == i;
        const auto section = m_sections.find(i);
        const bool isSection = section != m_sections.end() && section->second == number;
        if (!isListed && !isSection) return false;
        if (isListed) ++nFound;
    }
    std::size_t nListed = 0;
    for (const auto& [number, place] : m_places) nListed += place.container == 0 ? 1 : 0;
    constexpr std::string_view kTrailer = "trailer";
    for (std::size_t at = m_bytes.find(kTrailer); at != std::string_view::npos;
         at = m_bytes.find(kTrailer, at + kTrailer.size())) {
        if (at > 0 && isSpace(m_bytes[at - 1])) ++nTrailers;
    }
    return nFound == nListed && nTrailers == m_nTables;
}

bool PdfFile::readObjectStream(std::uint32_t number) {
    const auto place = m_places.find(number);
    if (place == m_places.end() || place->second.container != 0) return false;
    const auto container = object(number);
    if (!container || container->streamAt == 0) return false;
    const PdfValue& dictionary = container->value;
    const PdfValue* type = dictionary.find("Type");
    if (type == nullptr || !type->isName("ObjStm") || dictionary.find("Extends") != nullptr) {
        return false;
    }
    const std::int64_t n = wholeNumber(dictionary.find("N"));
    const std::int64_t first = wholeNumber(dictionary.find("First"));
    auto bytes = streamBytes(*container);
    if (!bytes || n < 0 || first < 0 || static_cast<std::size_t>(first) > bytes->size()) {
        return false;
    }
    PdfLexer lexer(std::string_view(*bytes).substr(0, static_cast<std::size_t>(first)));
    for (std::int64_t i = 0; i < n; ++i) {
        if (lexer.next() != Token::Number || !lexer.isInteger()) return false;
        const auto id = static_cast<std::uint32_t>(lexer.number());
        if (lexer.next() != Token::Number || !lexer.isInteger()) return false;
        const auto found = m_places.find(id);
        // What is here but belongs elsewhere may be taken from here by some.
        if (found == m_places.end() || found->second.container != number ||
            found->second.offset != static_cast<std::size_t>(i)) {
            return false;
        }
        found->second.offset =
            static_cast<std::size_t>(first) + static_cast<std::size_t>(lexer.number());
        if (found->second.offset >= bytes->size()) return false;
    }
    m_unpackedBytes += bytes->size();
    m_containers.emplace(number, std::move(*bytes));
    return m_unpackedBytes <= kMostUnpackedBytes;
}

std::optional<PdfFile::Object> PdfFile::objectAt(std::size_t offset, std::uint32_t number) {
    PdfLexer lexer(m_bytes, offset);
    if (lexer.next() != Token::Number || lexer.number() != number) return std::nullopt;
    if (lexer.next() != Token::Number || lexer.number() != 0.0) return std::nullopt;
    if (lexer.next() != Token::Word || lexer.text() != "obj") return std::nullopt;
    auto value = readPdfValue(lexer, lexer.next());
    if (!value || lexer.next() != Token::Word) return std::nullopt;
    Object object{.value = std::move(*value)};
    if (lexer.text() == "endobj") return object;
    if (lexer.text() != "stream" || object.value.kind != Kind::Dictionary) return std::nullopt;
    std::size_t at = lexer.at();
    if (at < m_bytes.size() && m_bytes[at] == '\r') ++at;
    if (at >= m_bytes.size() || m_bytes[at] != '\n') return std::nullopt;
    object.streamAt = at + 1;
    return object;
}

std::optional<PdfFile::Object> PdfFile::object(std::uint32_t number) {
    const auto found = m_places.find(number);
    if (found == m_places.end()) return Object{};
    const Place& place = found->second;
    if (place.container == 0) return objectAt(place.offset, number);
    const auto container = m_containers.find(place.container);
    if (container == m_containers.end()) return std::nullopt;
    PdfLexer lexer(container->second, place.offset);
    auto value = readPdfValue(lexer, lexer.next());
    if (!value) return std::nullopt;
    return Object{.value = std::move(*value)};
}

std::optional<PdfValue> PdfFile::resolve(const PdfValue& value) {
    if (value.kind != Kind::Reference) return value;
    auto found = object(static_cast<std::uint32_t>(value.number));
    if (!found || found->value.kind == Kind::Reference) return std::nullopt;
    return std::move(found->value);
}

std::optional<PdfValue> PdfFile::get(const PdfValue& dictionary, std::string_view key) {
    const PdfValue* value = dictionary.find(key);
    return value == nullptr ? PdfValue{} : resolve(*value);
}

std::optional<std::string> PdfFile::streamBytes(const Object& object) {
    const PdfValue& dictionary = object.value;
    if (dictionary.find("F") != nullptr) return std::nullopt;  // in another file
    const auto length = get(dictionary, "Length");
    if (!length) return std::nullopt;
    const std::int64_t n = wholeNumber(&*length);
    if (n < 0 || object.streamAt + static_cast<std::size_t>(n) > m_bytes.size()) {
        return std::nullopt;
    }
    const std::string_view packed = m_bytes.substr(object.streamAt, static_cast<std::size_t>(n));
    // Readers look for the end themselves if it is not where it should be.
    PdfLexer lexer(m_bytes, object.streamAt + packed.size());
    if (lexer.next() != Token::Word || lexer.text() != "endstream") return std::nullopt;
    const auto filters = get(dictionary, "Filter");
    const auto parameters = get(dictionary, "DecodeParms");
    if (!filters || !parameters || dictionary.find("DP") != nullptr) return std::nullopt;
    if (filters->kind == Kind::Null && packed.size() <= kMostStreamBytes) {
        return std::string(packed);
    }
    const bool isFlate = filters->isName("FlateDecode") ||
                         (filters->kind == Kind::Array && filters->items.size() == 1 &&
                          filters->items.front().isName("FlateDecode"));
    if (!isFlate) return std::nullopt;
    auto bytes = inflated(packed, kMostStreamBytes);
    if (!bytes || parameters->kind == Kind::Null) return bytes;
    if (parameters->kind != Kind::Dictionary) return std::nullopt;
    const PdfValue* predictor = parameters->find("Predictor");
    const std::int64_t kind = predictor == nullptr ? 1 : wholeNumber(predictor);
    if (kind == 1) return bytes;
    const std::int64_t columns = wholeNumber(parameters->find("Columns"));
    if (kind < 10 || columns <= 0 || parameters->find("Colors") != nullptr ||
        parameters->find("BitsPerComponent") != nullptr ||
        !undoPredictor(*bytes, static_cast<std::size_t>(columns))) {
        return std::nullopt;
    }
    return bytes;
}

std::optional<PdfFile::Stream> PdfFile::stream(const PdfValue& reference) {
    if (reference.kind != Kind::Reference) return std::nullopt;
    const auto number = static_cast<std::uint32_t>(reference.number);
    const auto place = m_places.find(number);
    if (place == m_places.end() || place->second.container != 0) return std::nullopt;
    auto found = object(number);
    if (!found || found->streamAt == 0) return std::nullopt;
    auto bytes = streamBytes(*found);
    if (!bytes) return std::nullopt;
    return Stream{std::move(found->value), std::move(*bytes)};
}

bool PdfFile::readPageTree(const PdfValue& node, Page inherited, int depth, std::size_t& nLeaves) {
    if (depth > kDeepestTree || node.kind != Kind::Reference || ++m_nNodes > kMostTreeNodes)
        return false;
    auto dictionary = resolve(node);
    if (!dictionary || dictionary->kind != Kind::Dictionary) return false;
    for (const auto& [key, target] :
         {std::pair{"Resources", &inherited.resources}, std::pair{"MediaBox", &inherited.mediaBox},
          std::pair{"CropBox", &inherited.cropBox}, std::pair{"Rotate", &inherited.rotate}}) {
        if (const PdfValue* value = dictionary->find(key)) *target = *value;
    }
    const PdfValue* type = dictionary->find("Type");
    if (type == nullptr) return false;
    const PdfValue* kids = dictionary->find("Kids");
    if (kids == nullptr) {
        if (!type->isName("Page") || m_pages.size() >= kMostPages) return false;
        nLeaves = 1;
        m_pages.push_back({std::move(*dictionary), std::move(inherited)});
        return true;
    }
    if (!type->isName("Pages")) return false;
    const auto list = resolve(*kids);
    if (!list || list->kind != Kind::Array) return false;
    for (const PdfValue& kid : list->items) {
        std::size_t nOfKid = 0;
        if (!readPageTree(kid, inherited, depth + 1, nOfKid)) return false;
        nLeaves += nOfKid;
    }
    const auto count = get(*dictionary, "Count");
    return count && wholeNumber(&*count) == static_cast<std::int64_t>(nLeaves);
}

std::optional<PdfFile::Page> PdfFile::page(std::size_t index) {
    const PageNode& node = m_pages.at(index);
    const auto resources = resolve(node.inherited.resources);
    const auto mediaBox = resolve(node.inherited.mediaBox);
    const auto cropBox = resolve(node.inherited.cropBox);
    const auto rotate = resolve(node.inherited.rotate);
    if (!resources || !mediaBox || !cropBox || !rotate) return std::nullopt;
    return Page{node.dictionary, *resources, *mediaBox, *cropBox, *rotate};
}

}  // namespace conclave::retrieval::extractor
