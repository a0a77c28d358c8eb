// parser.h: the one interface of all readers: bytes of a file in, text with headings out.
//
// Readers are plain functions without state. They run in the worker program, behind its limits,
// and in the tests and the fuzzer, where nothing stands between them and a hostile file: each
// checks every size it reads and bounds its depth and output.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "retrieval/retrieval.h"

namespace conclave::retrieval::extractor {

/// A file as the readers see it.
struct Source {
    std::string_view bytes;
    std::string fileName;  ///< last part of the path; its extension helps to tell formats apart
    std::string password;
    /// Looks at the pages of a PDF for text that is not seen; false where drawing them has failed.
    bool drawsPages = true;
    /// For a reader that can give what it has read so far.
    std::chrono::milliseconds mostTime{40'000};
    /// For a reader that can go on in mid-document: what its drafts were before, one behind the
    /// other, and what gets the next one, with the page that it reaches to, every `draftEvery`.
    std::string_view drafts{};
    std::function<void(int lastPage, const std::string& draft)> onDraft{};
    std::chrono::milliseconds draftEvery{1000};
};

/// Text of one document, over all its pages, at most.
inline constexpr std::size_t kMostTextBytes = std::size_t{64} << 20;

using Parser = Result<ExtractedDocument> (*)(const Source& source);

enum class Format {
    Text,
    Markdown,
    Html,
    Csv,
    Json,
    JsonLines,
    Notebook,
    Mail,
    Mailbox,
    Pdf,
    Docx,
    Xlsx,
    Pptx,
    Odt,
    Ods,
    Odp,
    Epub,
    Unknown
};

/// Extension of a name with its dot, lower case; empty if it has none.
[[nodiscard]] std::string lowerExtension(std::string_view fileName);

/// By content first (magic bytes, the parts of an archive), then by the file's extension.
/// Errors: PasswordRequired for an encrypted Office file, Unsupported for what is no document.
[[nodiscard]] Result<Format> detectFormat(const Source& source);

/// Plain text, reStructuredText and source code.
[[nodiscard]] Result<ExtractedDocument> parseText(const Source& source);
[[nodiscard]] Result<ExtractedDocument> parseMarkdown(const Source& source);
[[nodiscard]] Result<ExtractedDocument> parseHtml(const Source& source);
[[nodiscard]] Result<ExtractedDocument> parseCsv(const Source& source);
[[nodiscard]] Result<ExtractedDocument> parseJson(const Source& source);
[[nodiscard]] Result<ExtractedDocument> parseJsonLines(const Source& source);
[[nodiscard]] Result<ExtractedDocument> parseNotebook(const Source& source);
[[nodiscard]] Result<ExtractedDocument> parseEml(const Source& source);
[[nodiscard]] Result<ExtractedDocument> parseMbox(const Source& source);
[[nodiscard]] Result<ExtractedDocument> parseDocx(const Source& source);
[[nodiscard]] Result<ExtractedDocument> parseXlsx(const Source& source);
[[nodiscard]] Result<ExtractedDocument> parsePptx(const Source& source);
[[nodiscard]] Result<ExtractedDocument> parseOdt(const Source& source);
[[nodiscard]] Result<ExtractedDocument> parseOds(const Source& source);
[[nodiscard]] Result<ExtractedDocument> parseOdp(const Source& source);
[[nodiscard]] Result<ExtractedDocument> parseEpub(const Source& source);

/// Through QtPdf, in the program conclave-extract-pdf only.
[[nodiscard]] Result<ExtractedDocument> parsePdf(const Source& source);
/// A page (from 1) as a grey picture (PGM) of 300 dots an inch; empty behind the last page.
[[nodiscard]] Result<std::string> renderPdfPage(const Source& source, int page);
/// Errors: NotFound (no such page), PasswordRequired, Unsupported, Corrupt.
[[nodiscard]] Result<PagePicture> viewPdfPage(const Source& source, const PageRequest& request);

/// detectFormat and the right reader, `pdf` for PDF (null: Unsupported); then hidden characters
/// are taken out, see hidden_text.h. Exceptions of libraries end here, as Corrupt or
/// LimitExceeded. Errors: all that Extractor::extract names but Timeout and Cancelled.
[[nodiscard]] Result<ExtractedDocument> parseDocument(const Source& source, Parser pdf);

}  // namespace conclave::retrieval::extractor
