#include <string>
#include <utility>

#include "retrieval/extractor/code_definitions.h"
#include "retrieval/extractor/encoding.h"
#include "retrieval/extractor/hidden_text.h"
#include "retrieval/extractor/markdown_headings.h"
#include "retrieval/extractor/parser.h"
#include "retrieval/extractor/rst_headings.h"

namespace conclave::retrieval::extractor {
namespace {

/// The text as it stands in the file, so that offsets are the file's.
Result<ExtractedDocument> parsePlain(const Source& source, std::string mime) {
    auto decoded = decodeText(source.bytes);
    if (!decoded) return tl::unexpected(decoded.error());
    if (decoded->text.size() > kMostTextBytes) {
        return fail(ErrorCode::LimitExceeded, "the text is longer than 64 MiB");
    }
    ExtractedDocument document;
    document.mime = std::move(mime);
    if (!decoded->isLossless) {
        document.warnings.push_back("some bytes are no characters of " + decoded->encoding);
    }
    document.pages.push_back({.number = 1, .text = std::move(decoded->text)});
    return document;
}

/// A heading of the first level at the top is the document's title.
void takeTitle(ExtractedDocument& document) {
    if (document.headings.empty() || document.headings.front().level != 1) return;
    const Heading& first = document.headings.front();
    document.title =
        document.pages.front().text.substr(first.startByte, first.endByte - first.startByte);
}

std::string mimeOf(std::string_view extension) {
    if (extension == ".rst") return "text/x-rst";
    if (extension == ".xml") return "application/xml";
    return "text/plain";
}

}  // namespace

Result<ExtractedDocument> parseText(const Source& source) {
    const std::string extension = lowerExtension(source.fileName);
    const CodeLanguage language = codeLanguageOf(extension);
    auto document = parsePlain(source, language.mime.empty() ? mimeOf(extension) : language.mime);
    if (!document) return document;
    const std::string& text = document->pages.front().text;
    if (extension == ".rst") {
        std::vector<TextRange> adornments;
        document->headings = rstHeadings(text, adornments);
        cutOut(*document, adornments);
        takeTitle(*document);
    } else {
        document->headings = codeHeadings(text, language.family);
    }
    return document;
}

Result<ExtractedDocument> parseMarkdown(const Source& source) {
    auto document = parsePlain(source, "text/markdown");
    if (!document) return document;
    const std::vector<TextRange> comments = markdownComments(document->pages.front().text);
    std::size_t nHidden = 0;
    for (const auto& [start, end] : comments) {
        nHidden += countVisibleSigns(
            std::string_view(document->pages.front().text).substr(start, end - start));
    }
    if (nHidden > 0) document->warnings.push_back(hiddenWarning(nHidden, "a comment"));
    cutOut(*document, comments);
    document->headings = markdownHeadings(document->pages.front().text);
    takeTitle(*document);
    return document;
}

}  // namespace conclave::retrieval::extractor
