#include "retrieval/extractor/pdf_document.h"

#include "retrieval/extractor/pdf_limits.h"
#include "retrieval/extractor/pdf_unseen_text.h"

namespace conclave::retrieval::extractor {
namespace {

/// Where a hyphen broke a word at the end of a line; the word is one.
constexpr QChar kBrokenHyphen(0xFFFE);

Error describePdfError(QPdfDocument::Error error, bool hasPassword) {
    switch (error) {
        case QPdfDocument::Error::IncorrectPassword:
            return {ErrorCode::PasswordRequired,
                    hasPassword ? "the password is wrong" : "the PDF asks for a password"};
        case QPdfDocument::Error::UnsupportedSecurityScheme:
            return {ErrorCode::Unsupported, "the PDF is encrypted in a way that is not supported"};
        default: return {ErrorCode::Corrupt, "the PDF is damaged beyond reading"};
    }
}

}  // namespace

Result<std::unique_ptr<OpenPdf>> OpenPdf::open(const Source& source) {
    if (const auto checked = checkPdfLimits(source.bytes); !checked) {
        return tl::unexpected(checked.error());
    }
    std::unique_ptr<OpenPdf> pdf(new OpenPdf);
    pdf->m_bytes =
        QByteArray::fromRawData(source.bytes.data(), static_cast<qsizetype>(source.bytes.size()));
    pdf->m_device.setBuffer(&pdf->m_bytes);
    if (!pdf->m_device.open(QIODevice::ReadOnly)) {
        return fail(ErrorCode::Internal, "cannot read from memory");
    }
    QPdfDocument& document = pdf->m_document;
    if (!source.password.empty()) document.setPassword(QString::fromStdString(source.password));
    document.load(&pdf->m_device);
    if (document.status() != QPdfDocument::Status::Ready) {
        return tl::unexpected(describePdfError(document.error(), !source.password.empty()));
    }
    return pdf;
}

std::string pageText(QString raw) {
    const qsizetype nWithUnseen = raw.size();
    raw.remove(kUnseenMark);
    const bool hadUnseen = raw.size() < nWithUnseen;
    raw.replace(QStringLiteral("\r\n"), QStringLiteral("\n"));
    raw.replace(QLatin1Char('\r'), QLatin1Char('\n'));
    // The mark stands before the line end that it explains.
    raw.replace(QString(kBrokenHyphen) + QLatin1Char('\n'), QString());
    raw.remove(kBrokenHyphen);
    if (hadUnseen && raw.trimmed().isEmpty()) raw.clear();
    std::string utf8 = toUtf8(raw);
    if (!utf8.empty() && utf8.back() != '\n') utf8.push_back('\n');
    return utf8;
}

}  // namespace conclave::retrieval::extractor
