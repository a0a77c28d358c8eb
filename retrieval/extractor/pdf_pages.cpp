// Pages as pictures: grey ones for OCR, coloured ones with the places of marked text for the
// window.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <QImage>
#include <QPdfSelection>
#include <QPolygonF>

#include "base/utf8.h"
#include "retrieval/extractor/hidden_text.h"
#include "retrieval/extractor/page_alignment.h"
#include "retrieval/extractor/parser.h"
#include "retrieval/extractor/pdf_document.h"
#include "retrieval/extractor/pdf_unseen_text.h"
#include "retrieval/page_picture.h"

namespace conclave::retrieval::extractor {
namespace {

/// Where the bytes of a page's text, as extraction gives it, come from in what pdfium reads: the
/// one is the other with some characters left out, so that each is the next one of its kind.
class SourceUnits {
public:
    SourceUnits(std::string_view text, const QString& raw) : m_raw(raw), m_unit(text.size() + 1) {
        qsizetype at = 0;
        for (std::size_t i = 0; i < text.size();) {
            const std::size_t from = i;
            const char32_t wanted = nextCodePoint(text, i);
            const qsizetype found = find(wanted, at);
            std::fill(m_unit.begin() + static_cast<std::ptrdiff_t>(from),
                      m_unit.begin() + static_cast<std::ptrdiff_t>(i), found < 0 ? at : found);
            if (found >= 0) at = found + (raw[found].isHighSurrogate() ? 2 : 1);
        }
        m_unit.back() = at;
    }

    [[nodiscard]] int first(std::size_t startByte) const {
        return static_cast<int>(m_unit[startByte]);
    }
    /// Behind the last character before `endByte`, which is not 0.
    [[nodiscard]] int behind(std::size_t endByte) const {
        return static_cast<int>(m_unit[endByte - 1]) + 1;
    }

private:
    [[nodiscard]] qsizetype find(char32_t wanted, qsizetype from) const {
        constexpr qsizetype kMostLeftOut = 4096;
        const qsizetype last = std::min(m_raw.size(), from + kMostLeftOut);
        for (qsizetype i = from; i < last; ++i) {
            const QChar unit = m_raw[i];
            if (wanted == U'\n' && unit == QLatin1Char('\r')) return i;
            if (unit.isHighSurrogate() && i + 1 < m_raw.size()) {
                if (QChar::surrogateToUcs4(unit, m_raw[i + 1]) == wanted) return i;
            } else if (unit.unicode() == wanted) {
                return i;
            }
        }
        return -1;
    }

    const QString& m_raw;
    std::vector<qsizetype> m_unit;
};

/// pdfium counts characters; its text leaves some of them out.
class CharacterIndex {
public:
    CharacterIndex(QPdfDocument& pdf, int page, int nCharacters, int nUnits)
        : m_pdf(pdf), m_page(page), m_nCharacters(nCharacters), m_nUnits(nUnits) {}

    [[nodiscard]] int of(int unit) const {
        if (m_nCharacters == m_nUnits) return unit;
        int low = 0;
        int high = m_nCharacters;
        while (low < high) {
            const int middle = low + (high - low) / 2;
            const auto before = m_pdf.getSelectionAtIndex(m_page, 0, middle).text().size();
            if (before < unit) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

private:
    QPdfDocument& m_pdf;
    int m_page;
    int m_nCharacters;
    int m_nUnits;
};

/// On white paper: what the page leaves transparent is paper.
std::uint32_t onPaper(QRgb pixel) {
    const auto alpha = static_cast<std::uint32_t>(qAlpha(pixel));
    if (alpha == 255) return pixel;
    const auto blend = [&](int part) {
        return (static_cast<std::uint32_t>(part) * alpha + 255U * (255U - alpha)) / 255U;
    };
    return 0xFF000000U | blend(qRed(pixel)) << 16U | blend(qGreen(pixel)) << 8U |
           blend(qBlue(pixel));
}

LineBox boxOf(const QRectF& rect) { return {rect.left(), rect.top(), rect.right(), rect.bottom()}; }

/// Pieces of one line that follow each other become one.
void addToLines(std::vector<QRectF>& lines, const QRectF& piece) {
    if (piece.width() <= 0 || piece.height() <= 0) return;
    if (!lines.empty()) {
        QRectF& line = lines.back();
        const double shared =
            std::min(line.bottom(), piece.bottom()) - std::max(line.top(), piece.top());
        const double height = std::min(line.height(), piece.height());
        const double gap = std::max(piece.left() - line.right(), line.left() - piece.right());
        if (shared > 0.5 * height && gap < 2.0 * std::max(line.height(), piece.height())) {
            line |= piece;
            return;
        }
    }
    lines.push_back(piece);
}

std::vector<QRectF> linesOf(QPdfDocument& pdf, int page, int first, int behind,
                            const PageAlignment& alignment) {
    std::vector<QRectF> lines;
    while (first < behind) {
        // It says where as many characters stand as its text has, so that the rest is asked for.
        const QPdfSelection selection = pdf.getSelectionAtIndex(page, first, behind - first);
        const auto n = static_cast<int>(selection.text().size());
        if (n <= 0) break;
        for (const QPolygonF& piece : selection.bounds()) {
            const LineBox box = alignment.apply(boxOf(piece.boundingRect()));
            addToLines(lines, QRectF(QPointF(box.left, box.top), QPointF(box.right, box.bottom)));
        }
        first += n;
    }
    return lines;
}

InkGrid inkOf(const QImage& image, QSizeF points) {
    constexpr double kMostCells = 800.0;  // of a side
    constexpr int kDark = 170;
    InkGrid ink;
    ink.cellSize = std::max({1.0, points.width() / image.width(),
                             std::max(points.width(), points.height()) / kMostCells});
    ink.columns = std::max(1, static_cast<int>(std::ceil(points.width() / ink.cellSize)));
    ink.rows = std::max(1, static_cast<int>(std::ceil(points.height() / ink.cellSize)));
    ink.cells.assign(static_cast<std::size_t>(ink.columns) * static_cast<std::size_t>(ink.rows), 0);
    const double perPixel = points.width() / image.width() / ink.cellSize;
    for (int y = 0; y < image.height(); ++y) {
        const auto* row = reinterpret_cast<const QRgb*>(image.constScanLine(y));
        const int gridRow = std::min(static_cast<int>(y * perPixel), ink.rows - 1);
        for (int x = 0; x < image.width(); ++x) {
            if (qGray(onPaper(row[x])) > kDark) continue;
            const int column = std::min(static_cast<int>(x * perPixel), ink.columns - 1);
            ink.cells[static_cast<std::size_t>(gridRow) * static_cast<std::size_t>(ink.columns) +
                      static_cast<std::size_t>(column)] = 1;
        }
    }
    return ink;
}

void findMarks(QPdfDocument& pdf, std::string_view bytes, const PageRequest& request,
               const QImage& image, PagePicture& picture) {
    const int page = request.page - 1;
    const QPdfSelection all = pdf.getAllText(page);
    const QString raw = UnseenText(pdf, bytes).seenText(page);
    ExtractedDocument one;
    one.pages.push_back({.number = 1, .text = pageText(raw)});
    removeHiddenCharacters(one);
    const std::string& text = one.pages.front().text;
    const SourceUnits units(text, raw);
    const CharacterIndex characters(pdf, page, all.endIndex(), static_cast<int>(raw.size()));
    const QSizeF size = pdf.pagePointSize(page);
    std::vector<LineBox> everyLine;
    for (const QPolygonF& piece : all.bounds()) everyLine.push_back(boxOf(piece.boundingRect()));
    const auto alignment =
        PageAlignment::find(inkOf(image, size), size.width(), size.height(), everyLine);
    for (std::size_t mark = 0; mark < request.marks.size(); ++mark) {
        const auto [start, end] = request.marks[mark];
        if (start >= end || end > text.size()) {
            picture.texts.emplace_back();
            continue;
        }
        picture.texts.push_back(text.substr(start, end - start));
        const auto lines = linesOf(pdf, page, characters.of(units.first(start)),
                                   characters.of(units.behind(end)), alignment);
        for (const QRectF& line : lines) {
            const auto share = [](double value, double whole) {
                return std::clamp(value / std::max(whole, 1.0), 0.0, 1.0);
            };
            picture.boxes.push_back(
                {mark, share(line.left(), size.width()), share(line.top(), size.height()),
                 share(line.right(), size.width()), share(line.bottom(), size.height())});
        }
    }
}

/// Null if pdfium cannot. Qt's own conversions wait for threads, which this process may not start.
QImage drawn(QPdfDocument& pdf, int page, QSize size) {
    QImage image = pdf.render(page, size);
    return image.format() == QImage::Format_ARGB32 ? image : QImage();
}

QSize pixelsOf(QSizeF points, double scale) {
    return {std::max(1, static_cast<int>(std::lround(points.width() * scale))),
            std::max(1, static_cast<int>(std::lround(points.height() * scale)))};
}

}  // namespace

Result<std::string> renderPdfPage(const Source& source, int page) {
    const auto open = OpenPdf::open(source);
    if (!open) return tl::unexpected(open.error());
    QPdfDocument& pdf = (*open)->document();
    if (page < 1 || page > pdf.pageCount()) return std::string();
    constexpr double kDotsPerPoint = 300.0 / 72.0;  // what tesseract was trained on
    constexpr double kLongestSide = 6000.0;         // dots; a poster is drawn smaller
    const QSizeF points = pdf.pagePointSize(page - 1);
    const double longest = std::max({points.width(), points.height(), 1.0});
    const QImage image =
        drawn(pdf, page - 1, pixelsOf(points, std::min(kDotsPerPoint, kLongestSide / longest)));
    if (image.isNull()) return fail(ErrorCode::Corrupt, "the page cannot be drawn");
    std::string pgm =
        "P5\n" + std::to_string(image.width()) + " " + std::to_string(image.height()) + "\n255\n";
    for (int y = 0; y < image.height(); ++y) {
        for (int x = 0; x < image.width(); ++x) {
            pgm.push_back(static_cast<char>(qGray(onPaper(image.pixel(x, y)))));
        }
    }
    return pgm;
}

Result<PagePicture> viewPdfPage(const Source& source, const PageRequest& request) {
    const auto open = OpenPdf::open(source);
    if (!open) return tl::unexpected(open.error());
    QPdfDocument& pdf = (*open)->document();
    if (request.page > pdf.pageCount()) {
        return fail(ErrorCode::NotFound,
                    source.fileName + " has no page " + std::to_string(request.page));
    }
    const QSizeF points = pdf.pagePointSize(request.page - 1);
    if (!(points.width() > 0) || !(points.height() > 0)) {
        return fail(ErrorCode::Corrupt, "the page has no size");
    }
    const double mostPixels = static_cast<double>(kMostPagePixels) * 0.99;  // sides are rounded
    const double scale = std::min(request.widthPixels / points.width(),
                                  std::sqrt(mostPixels / points.width() / points.height()));
    const QImage image = drawn(pdf, request.page - 1, pixelsOf(points, scale));
    if (image.isNull()) return fail(ErrorCode::Corrupt, "the page cannot be drawn");
    PagePicture picture;
    picture.width = image.width();
    picture.height = image.height();
    picture.pixels.resize(static_cast<std::size_t>(image.sizeInBytes()));
    for (int y = 0; y < image.height(); ++y) {
        const auto* row = reinterpret_cast<const QRgb*>(image.constScanLine(y));
        char* target = picture.pixels.data() + std::size_t{4} * static_cast<std::size_t>(y) *
                                                   static_cast<std::size_t>(image.width());
        for (int x = 0; x < image.width(); ++x, target += 4) {
            const std::uint32_t pixel = onPaper(row[x]);
            std::memcpy(target, &pixel, 4);  // lowest byte first, as this processor has it
        }
    }
    if (!request.marks.empty()) findMarks(pdf, source.bytes, request, image, picture);
    if (request.withSizes) {
        const auto nPages =
            std::min(static_cast<std::size_t>(pdf.pageCount()), PagePicture::kMostSizes);
        for (std::size_t i = 0; i < nPages; ++i) {
            const QSizeF size = pdf.pagePointSize(static_cast<int>(i));
            picture.sizes.push_back({size.width(), size.height()});
        }
    }
    return picture;
}

}  // namespace conclave::retrieval::extractor
