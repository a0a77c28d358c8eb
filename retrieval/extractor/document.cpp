#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "retrieval/extractor/archive.h"
#include "retrieval/extractor/ascii.h"
#include "retrieval/extractor/hidden_text.h"
#include "retrieval/extractor/parser.h"

namespace conclave::retrieval::extractor {
namespace {

constexpr std::string_view kOleMagic = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// The beginning of a text, lower case, without mark and white space.
std::string lowerStart(std::string_view bytes) {
    if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
    const std::size_t first = bytes.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return {};
    return asciiLower(bytes.substr(first, 256));
}

/// PNG, JPEG, TIFF, BMP or WebP, by the first bytes.
bool isPictureData(std::string_view bytes) {
    using namespace std::string_view_literals;
    constexpr auto kBeginnings = std::to_array<std::string_view>(
        {"\x89PNG\r\n\x1A\n"sv, "\xFF\xD8\xFF"sv, "II*\0"sv, "MM\0*"sv});
    // "BM" may begin a text; a bitmap has four zeros behind its size.
    const bool isBitmap =
        bytes.starts_with("BM") && bytes.size() > 26 && bytes.substr(6, 4) == "\0\0\0\0"sv;
    const bool isWebP =
        bytes.starts_with("RIFF") && bytes.size() > 12 && bytes.substr(8, 4) == "WEBP";
    return isBitmap || isWebP ||
           std::any_of(kBeginnings.begin(), kBeginnings.end(),
                       [&](std::string_view beginning) { return bytes.starts_with(beginning); });
}

/// What an OpenDocument archive says it is; else by its name.
Result<Format> detectOpenDocument(const Archive& archive, std::string_view extension) {
    constexpr std::string_view kFamily = "application/vnd.oasis.opendocument.";
    std::string kind;
    if (const auto mime = archive.readAll("mimetype"); mime && mime->starts_with(kFamily)) {
        kind = mime->substr(kFamily.size());
    }
    if (kind.starts_with("spreadsheet") || (kind.empty() && extension == ".ods")) {
        return Format::Ods;
    }
    if (kind.starts_with("presentation") || (kind.empty() && extension == ".odp")) {
        return Format::Odp;
    }
    if (kind.empty() || kind.starts_with("text")) return Format::Odt;
    return fail(ErrorCode::Unsupported, "this kind of OpenDocument file is not supported");
}

Result<Format> detectArchive(const Source& source) {
    const auto archive = Archive::open(source.bytes);
    if (!archive) return tl::unexpected(archive.error());
    const std::string extension = lowerExtension(source.fileName);
    if (archive->has("word/document.xml")) return Format::Docx;
    if (archive->has("xl/workbook.xml")) return Format::Xlsx;
    if (archive->has("ppt/presentation.xml")) return Format::Pptx;
    if (archive->has("xl/workbook.bin")) {
        return fail(ErrorCode::Unsupported,
                    "binary workbooks are not supported; save it as .xlsx to have it read");
    }
    if (archive->has("META-INF/container.xml")) return Format::Epub;
    if (archive->has("content.xml")) return detectOpenDocument(*archive, extension);
    // By habit the parts are where they are looked for above, but links may say otherwise.
    const std::array<std::pair<std::string_view, Format>, 3> kOffice{
        {{".docx", Format::Docx}, {".xlsx", Format::Xlsx}, {".pptx", Format::Pptx}}};
    for (const auto& [name, format] : kOffice) {
        if (extension != name) continue;
        if (archive->has("[Content_Types].xml")) return format;
        return fail(ErrorCode::Corrupt, "the document has no text part");
    }
    return fail(ErrorCode::Unsupported, "this kind of archive is not supported");
}

/// Office keeps encrypted documents, and those of before 2007, in an OLE2 container.
Error describeOle(std::string_view bytes) {
    using namespace std::string_view_literals;
    constexpr auto kEncrypted = "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0"sv;
    if (bytes.find(kEncrypted) != std::string_view::npos) {
        return {ErrorCode::PasswordRequired,
                "the document is encrypted; save it without a password to have it read"};
    }
    return {ErrorCode::Unsupported,
            "documents of Office before 2007 are not supported; save it as .docx, .xlsx or .pptx"};
}

constexpr auto kTextFormats = std::to_array<std::pair<std::string_view, Format>>({
    {".csv", Format::Csv},          {".eml", Format::Mail},        {".geojson", Format::Json},
    {".htm", Format::Html},         {".html", Format::Html},       {".ipynb", Format::Notebook},
    {".json", Format::Json},        {".jsonl", Format::JsonLines}, {".markdown", Format::Markdown},
    {".mbox", Format::Mailbox},     {".mbx", Format::Mailbox},     {".md", Format::Markdown},
    {".mdx", Format::Markdown},     {".mht", Format::Mail},        {".mhtml", Format::Mail},
    {".ndjson", Format::JsonLines}, {".tab", Format::Csv},         {".tsv", Format::Csv},
    {".xhtml", Format::Html},
});

Parser parserFor(Format format, Parser pdf) {
    switch (format) {
        case Format::Text: return parseText;
        case Format::Markdown: return parseMarkdown;
        case Format::Html: return parseHtml;
        case Format::Csv: return parseCsv;
        case Format::Json: return parseJson;
        case Format::JsonLines: return parseJsonLines;
        case Format::Notebook: return parseNotebook;
        case Format::Mail: return parseEml;
        case Format::Mailbox: return parseMbox;
        case Format::Docx: return parseDocx;
        case Format::Xlsx: return parseXlsx;
        case Format::Pptx: return parsePptx;
        case Format::Odt: return parseOdt;
        case Format::Ods: return parseOds;
        case Format::Odp: return parseOdp;
        case Format::Epub: return parseEpub;
        case Format::Pdf: return pdf;
        case Format::Unknown: return nullptr;
    }
    return nullptr;
}

/// The file's name without its extension.
std::string plainName(const std::string& fileName) {
    const std::size_t dot = fileName.rfind('.');
    return dot == std::string::npos || dot == 0 ? fileName : fileName.substr(0, dot);
}

}  // namespace

std::string lowerExtension(std::string_view fileName) {
    const std::size_t dot = fileName.rfind('.');
    if (dot == std::string_view::npos) return {};
    return asciiLower(fileName.substr(dot));
}

Result<Format> detectFormat(const Source& source) {
    constexpr std::size_t kPdfHeaderWithin = 1024;
    if (source.bytes.substr(0, kPdfHeaderWithin).find("%PDF-") != std::string_view::npos) {
        return Format::Pdf;
    }
    if (isPictureData(source.bytes)) {
        return fail(ErrorCode::NeedsOcr, source.fileName +
                                             " is a picture; its text is read where "
                                             "OCR is wanted and tesseract installed");
    }
    const std::string extension = lowerExtension(source.fileName);
    if (source.bytes.starts_with("PK\x03\x04") || source.bytes.starts_with("PK\x05\x06")) {
        return detectArchive(source);
    }
    if (source.bytes.starts_with(kOleMagic)) return tl::unexpected(describeOle(source.bytes));
    constexpr auto kContainers = std::to_array<std::string_view>(
        {".docx", ".epub", ".odp", ".ods", ".odt", ".pdf", ".pptx", ".xlsx"});
    if (std::find(kContainers.begin(), kContainers.end(), extension) != kContainers.end()) {
        return fail(ErrorCode::Corrupt,
                    source.fileName + " is not what its name says; it is damaged or incomplete");
    }
    const auto* byName = std::find_if(kTextFormats.begin(), kTextFormats.end(),
                                      [&](const auto& known) { return known.first == extension; });
    if (byName != kTextFormats.end()) return byName->second;
    const std::string start = lowerStart(source.bytes);
    if ((extension.empty() || extension == ".xml") &&
        (start.starts_with("<!doctype html") || start.starts_with("<html") ||
         start.find("<html xmlns") != std::string::npos)) {
        return Format::Html;
    }
    return Format::Text;
}

Result<ExtractedDocument> parseDocument(const Source& source, Parser pdf) {
    try {
        const auto format = detectFormat(source);
        if (!format) return tl::unexpected(format.error());
        const Parser parser = parserFor(*format, pdf);
        if (parser == nullptr) {
            return fail(ErrorCode::Unsupported,
                        "this build of Conclave reads no PDF; it was made without Qt");
        }
        auto document = parser(source);
        if (!document) return document;
        removeHiddenCharacters(*document);
        if (document->title.empty()) document->title = plainName(source.fileName);
        return document;
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::LimitExceeded, "the document needs more memory than it may have");
    } catch (const std::exception& problem) {
        return fail(ErrorCode::Corrupt, std::string("the document is damaged: ") + problem.what());
    }
}

}  // namespace conclave::retrieval::extractor
