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
    /// The bytes of `source` must outlive it. Errors: PasswordRequired, Unsupported, Corrupt.
    [[nodiscard]] static Result<std::unique_ptr<OpenPdf>> open(const Source& source);
    [[nodiscard]] QPdfDocument& document() { return m_document; }

private:
    OpenPdf() = default;
    QByteArray m_bytes;
    QBuffer m_device;
    QPdfDocument m_document;
};

/// What pdfium reads on a page (from 0): its own line ends, and a mark where a hyphen broke a word.
[[nodiscard]] QString rawPageText(QPdfDocument& pdf, int page);
/// That with single line ends and without the marks of broken words.
[[nodiscard]] std::string pageText(QString raw);

}  // namespace conclave::retrieval::extractor
