// pdf_document.h: a PDF open in QtPdf, and the text of its pages, in the program
// conclave-extract-pdf.
#pragma once

#include <memory>
#include <string>

#include <QBuffer>
#include <QByteArray>
#include <QPdfDocument>
#include <QString>

#include "retrieval/extractor/parser.h"

namespace conclave::retrieval::extractor {

[[nodiscard]] inline std::string toUtf8(const QString& text) {
    const QByteArray bytes = text.toUtf8();
    return {bytes.constData(), static_cast<std::size_t>(bytes.size())};
}

class OpenPdf {
public:
    /// The bytes of `source` must outlive it. Errors: PasswordRequired, Unsupported, Corrupt,
    /// LimitExceeded.
    [[nodiscard]] static Result<std::unique_ptr<OpenPdf>> open(const Source& source);
    [[nodiscard]] QPdfDocument& document() { return m_document; }

private:
    OpenPdf() = default;
    QByteArray m_bytes;
    QBuffer m_device;
    QPdfDocument m_document;
};

/// What pdfium reads on a page, with its own line ends, a mark where a hyphen broke a word and
/// kUnseenMark (pdf_unseen_text.h), as text with single line ends and without marks.
[[nodiscard]] std::string pageText(QString raw);

}  // namespace conclave::retrieval::extractor
