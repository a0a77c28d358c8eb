#include "retrieval/extractor/pdf_unseen_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <utility>
#include <vector>

#include <QImage>
#include <QPdfSelection>
#include <QPolygonF>

#include "retrieval/extractor/page_alignment.h"

namespace conclave::retrieval::extractor {
namespace {

/// For all pages of a document together; more than a thousand of usual ones.
constexpr std::chrono::seconds kMostTime{10};

/// Points a pixel: strokes of small letters still show, and a page is drawn in a few milliseconds.
constexpr double kPixel = 2.0;
constexpr int kMostPixelsOfSide = 1600;

constexpr double kLetterSize = 3.0;  ///< points; thinner is a dot, a dash, or too small to read
/// Letters thinner than this are of a font of a point at most.
constexpr double kTooThin = 0.8;
/// A dash or dot of a readable size may be as thin, but stands in a line of letters.
constexpr double kLongestDash = 15.0;
constexpr double kLineGap = 30.0;

/// Of 255, in the colour that differs most: a grey hair line of small letters has more.
constexpr int kLeastContrast = 6;
/// Dots are smaller than a pixel and may leave next to nothing.
constexpr int kLeastContrastOfThin = 2;

std::chrono::nanoseconds usedProcessorTime() {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// Dashes and single signs hide nothing.
bool hasLetters(const QString& text, qsizetype from, qsizetype to, int nAtLeast) {
    int nLetters = 0;
    for (qsizetype i = from; i < to; ++i) {
        if (text[i].isLetterOrNumber() || text[i].isSurrogate()) ++nLetters;
    }
    return nLetters >= nAtLeast;
}

}  // namespace

/// Where a piece of text stands, in the order of the text.
struct UnseenText::Place {
    LineBox box;
    bool isUnseen = false;
    [[nodiscard]] double thickness() const {
        return std::min(box.right - box.left, box.bottom - box.top);
    }
    [[nodiscard]] double length() const {
        return std::max(box.right - box.left, box.bottom - box.top);
    }
};

/// Places that follow each other.
struct UnseenText::Run {
    std::size_t first = 0;
    std::size_t behind = 0;
};

/// The page, drawn small, on white paper.
class UnseenText::Ink {
public:
    Ink(const QImage& image, QSizeF points)
        : m_width(image.width()),
          m_height(image.height()),
          m_perPointX(image.width() / points.width()),
          m_perPointY(image.height() / points.height()) {
        m_pixels.resize(static_cast<std::size_t>(m_width) * static_cast<std::size_t>(m_height));
        std::size_t at = 0;
        for (int y = 0; y < m_height; ++y) {
            const auto* row = reinterpret_cast<const QRgb*>(image.constScanLine(y));
            for (int x = 0; x < m_width; ++x) m_pixels[at++] = onWhite(row[x]);
        }
    }

    /// How much the pixels inside differ, in the colour that differs most; 0 off the page.
    [[nodiscard]] int contrast(const LineBox& box) const {
        int left = static_cast<int>(std::ceil(box.left * m_perPointX - 0.5));
        int right = static_cast<int>(std::floor(box.right * m_perPointX - 0.5));
        int top = static_cast<int>(std::ceil(box.top * m_perPointY - 0.5));
        int bottom = static_cast<int>(std::floor(box.bottom * m_perPointY - 0.5));
        // So thin that no pixel has its middle there: those that it touches.
        if (left > right || box.right - box.left < kLetterSize) {
            left = static_cast<int>(std::floor(box.left * m_perPointX)) - 1;
            right = static_cast<int>(std::floor(box.right * m_perPointX)) + 1;
        }
        if (top > bottom || box.bottom - box.top < kLetterSize) {
            top = static_cast<int>(std::floor(box.top * m_perPointY)) - 1;
            bottom = static_cast<int>(std::floor(box.bottom * m_perPointY)) + 1;
        }
        left = std::max(left, 0);
        top = std::max(top, 0);
        right = std::min(right, m_width - 1);
        bottom = std::min(bottom, m_height - 1);
        std::array<int, 3> least{255, 255, 255};
        std::array<int, 3> most{0, 0, 0};
        for (int y = top; y <= bottom; ++y) {
            for (int x = left; x <= right; ++x) {
                const QRgb pixel = m_pixels[index(x, y)];
                const std::array<int, 3> parts{qRed(pixel), qGreen(pixel), qBlue(pixel)};
                for (std::size_t i = 0; i < parts.size(); ++i) {
                    least[i] = std::min(least[i], parts[i]);
                    most[i] = std::max(most[i], parts[i]);
                }
            }
        }
        int contrast = 0;
        for (std::size_t i = 0; i < least.size(); ++i) {
            contrast = std::max(contrast, most[i] - least[i]);
        }
        return contrast;
    }

    /// In cells as large as pixels.
    [[nodiscard]] InkGrid grid() const {
        constexpr int kVisible = 235;
        InkGrid grid;
        grid.columns = m_width;
        grid.rows = m_height;
        grid.cellSize = 1.0 / m_perPointX;
        grid.cells.reserve(m_pixels.size());
        for (const QRgb pixel : m_pixels) {
            grid.cells.push_back(static_cast<char>(qGray(pixel) < kVisible));
        }
        return grid;
    }

private:
    static QRgb onWhite(QRgb pixel) {
        const int alpha = qAlpha(pixel);
        if (alpha == 255) return pixel;
        const auto blend = [alpha](int part) { return (part * alpha + 255 * (255 - alpha)) / 255; };
        return qRgb(blend(qRed(pixel)), blend(qGreen(pixel)), blend(qBlue(pixel)));
    }
    [[nodiscard]] std::size_t index(int x, int y) const {
        return static_cast<std::size_t>(y) * static_cast<std::size_t>(m_width) +
               static_cast<std::size_t>(x);
    }

    int m_width;
    int m_height;
    double m_perPointX;
    double m_perPointY;
    std::vector<QRgb> m_pixels;
};

namespace {

/// The share of the ink that stands in `boxes`, or next to them; 1 if there is no ink.
double explainedInk(const InkGrid& ink, const std::vector<LineBox>& boxes) {
    std::vector<char> covered(ink.cells.size(), 0);
    for (const LineBox& box : boxes) {
        const auto cell = [&](double value, int most) {
            return std::clamp(static_cast<int>(std::floor(value / ink.cellSize)), 0, most - 1);
        };
        if (box.right < 0 || box.bottom < 0 || box.left > ink.width() || box.top > ink.height()) {
            continue;
        }
        for (int y = cell(box.top - kPixel, ink.rows); y <= cell(box.bottom + kPixel, ink.rows);
             ++y) {
            for (int x = cell(box.left - kPixel, ink.columns);
                 x <= cell(box.right + kPixel, ink.columns); ++x) {
                covered[static_cast<std::size_t>(y) * static_cast<std::size_t>(ink.columns) +
                        static_cast<std::size_t>(x)] = 1;
            }
        }
    }
    std::size_t nInk = 0;
    std::size_t nExplained = 0;
    for (std::size_t i = 0; i < covered.size(); ++i) {
        if (ink.cells[i] == 0) continue;
        ++nInk;
        if (covered[i] != 0) ++nExplained;
    }
    return nInk == 0 ? 1.0 : static_cast<double>(nExplained) / static_cast<double>(nInk);
}

}  // namespace

std::chrono::nanoseconds UnseenText::left() const { return kMostTime - m_progress.used; }

UnseenText::Prefix UnseenText::prefix(int page, int nCharacters) {
    if (nCharacters == 0) return {};
    const auto [known, isNew] = m_prefixes.try_emplace(nCharacters);
    if (isNew) {
        const QPdfSelection selection = m_pdf.getSelectionAtIndex(page, 0, nCharacters);
        known->second = {selection.text().size(),
                         static_cast<std::size_t>(selection.bounds().size())};
    }
    return known->second;
}

/// pdfium says where pieces of text stand, but not which: that is seen from how many there are in
/// the first characters.
int UnseenText::firstCharacterOf(int page, std::size_t place, int nCharacters) {
    int low = 0;  // too few characters for it
    int high = nCharacters;
    for (const auto& [n, prefix] : m_prefixes) {
        if (prefix.nPlaces > place) {
            high = std::min(high, n);
            break;
        }
        low = n;
    }
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        (prefix(page, middle).nPlaces > place ? high : low) = middle;
    }
    return low;
}

/// Rows of dashes and dots are common, and cheaper to see here than by their place in the text.
bool UnseenText::isRule(int page, const Place& place) const {
    const double y = (place.box.top + place.box.bottom) / 2.0;
    const QString there =
        m_pdf.getSelection(page, {place.box.left, y}, {place.box.right, y}).text();
    return !there.trimmed().isEmpty() && !hasLetters(there, 0, there.size(), 1);
}

/// False if the time is up.
bool UnseenText::hide(int page, const Run& run, std::size_t nPlaces, int nCharacters, bool isThin,
                      QString& text) {
    const bool isAll = run.first == 0 && run.behind == nPlaces;
    qsizetype from = 0;
    qsizetype to = text.size();
    if (!isAll) {
        if (left() <= std::chrono::nanoseconds::zero()) return false;
        from = prefix(page, firstCharacterOf(page, run.first, nCharacters)).nUnits;
        constexpr qsizetype kLooked = 4;
        if (isThin && !hasLetters(text, from, std::min(from + kLooked, to), 1)) return true;
        if (run.behind < nPlaces) {
            to = prefix(page, firstCharacterOf(page, run.behind, nCharacters)).nUnits;
        }
        to = std::min(to, text.size());
    }
    if (from >= to || !hasLetters(text, from, to, 2)) return true;
    for (qsizetype i = from; i < to; ++i) {
        if (text[i].isSpace()) continue;  // between what is before and behind
        text[i] = kUnseenMark;
        ++m_progress.nUnseen;
    }
    return true;
}

UnseenText::UnseenText(QPdfDocument& pdf, std::string_view bytes)
    : m_pdf(pdf), m_file(PdfFile::open(bytes)) {
    if (m_file && m_file->nPages() != static_cast<std::size_t>(pdf.pageCount())) m_file.reset();
}

void UnseenText::resume(const Progress& earlier) {
    m_progress = earlier;
    for (const int page : earlier.inkedPages) {
        const auto known = painting(page, m_pdf.pagePointSize(page));
        if (known) m_inked.learn(*known);
    }
}

/// None if the page must be drawn to know.
std::optional<PagePainting> UnseenText::painting(int page, QSizeF points) {
    if (!m_file) return std::nullopt;
    auto painting = readPagePainting(*m_file, static_cast<std::size_t>(page));
    constexpr double kSame = 0.01;
    if (painting && (std::abs(painting->width - points.width()) > kSame ||
                     std::abs(painting->height - points.height()) > kSame)) {
        return std::nullopt;
    }
    return painting;
}

/// Draws the page and marks the places without ink. False if it cannot be drawn; `isCertain` tells
/// whether those that have ink fit the drawing.
bool UnseenText::lookForInk(int page, QSizeF points, std::vector<Place>& places, bool& isCertain) {
    const double longest = std::max(points.width(), points.height());
    if (left() <= std::chrono::nanoseconds::zero() ||
        !(std::min(points.width(), points.height()) >= 1.0)) {
        return false;
    }
    const double scale = std::min(1.0 / kPixel, kMostPixelsOfSide / longest);
    const QSize size(std::max(1, static_cast<int>(std::lround(points.width() * scale))),
                     std::max(1, static_cast<int>(std::lround(points.height() * scale))));
    const QImage image = m_pdf.render(page, size);
    if (image.format() != QImage::Format_ARGB32) return false;
    const Ink ink(image, points);

    // Which places have no ink, and of how many of those that could have.
    const auto compare = [&](std::vector<Place>& compared) {
        std::size_t nLetters = 0;
        std::size_t nInked = 0;
        for (Place& place : compared) {
            if (place.thickness() >= kLetterSize) {
                place.isUnseen = ink.contrast(place.box) < kLeastContrast;
                ++nLetters;
                if (!place.isUnseen) ++nInked;
            } else if (place.length() >= kLetterSize && place.thickness() >= kTooThin) {
                place.isUnseen = ink.contrast(place.box) < kLeastContrastOfThin;
            }
        }
        return nLetters == 0 ? 1.0 : static_cast<double>(nInked) / static_cast<double>(nLetters);
    };
    constexpr double kMost = 0.95;
    double inked = compare(places);
    isCertain = inked >= kMost;
    if (isCertain) return true;
    // The page may be turned or cropped, so that text stands elsewhere than is said.
    std::vector<LineBox> boxes;
    for (const Place& place : places) boxes.push_back(place.box);
    const InkGrid grid = ink.grid();
    const auto alignment = PageAlignment::find(grid, points.width(), points.height(), boxes);
    std::vector<Place> aligned = places;
    for (Place& place : aligned) place.box = alignment.apply(place.box);
    if (const double alignedInk = compare(aligned); alignedInk > inked) {
        inked = alignedInk;
        places = std::move(aligned);
        boxes.clear();
        for (const Place& place : places) boxes.push_back(place.box);
    }
    constexpr double kEnoughPlaces = 0.5;
    constexpr double kEnoughInk = 0.5;
    isCertain = inked >= kEnoughPlaces || explainedInk(grid, boxes) >= kEnoughInk;
    return true;
}

QString UnseenText::seenText(int page) {
    const std::chrono::nanoseconds start = usedProcessorTime();
    const std::chrono::nanoseconds before = m_progress.used;
    m_prefixes.clear();
    const QPdfSelection all = m_pdf.getAllText(page);
    QString text = all.text();
    const QSizeF points = m_pdf.pagePointSize(page);
    if (text.trimmed().isEmpty() || all.bounds().isEmpty()) return text;
    std::vector<Place> places;
    std::vector<LineBox> boxes;
    for (const QPolygonF& piece : all.bounds()) {
        const QRectF rect = piece.boundingRect();
        boxes.push_back({rect.left(), rect.top(), rect.right(), rect.bottom()});
        places.push_back({.box = boxes.back()});
    }
    auto painting = this->painting(page, points);
    if (painting && !isUncovered(*painting, boxes)) painting.reset();
    const auto isSign = [](QChar c) { return !c.isSpace(); };
    const auto nSigns = static_cast<std::size_t>(std::count_if(text.cbegin(), text.cend(), isSign));
    const bool isDrawn = !painting || !m_inked.knows(*painting, nSigns);
    bool isCertain = true;
    if (isDrawn && !lookForInk(page, points, places, isCertain)) {
        ++m_progress.nUncertainPages;
        return text;
    }
    const auto isUnseen = [](const Place& place) { return place.isUnseen; };
    if (isDrawn && painting && isCertain && std::none_of(places.begin(), places.end(), isUnseen)) {
        m_inked.learn(*painting);
        m_progress.inkedPages.push_back(page);
    }

    // Thin ones beside letters are their dots and dashes.
    for (std::size_t i = 0; i < places.size(); ++i) {
        Place& place = places[i];
        if (place.thickness() >= kTooThin || place.length() < kLetterSize) continue;
        const auto isBeside = [&](const Place& other) {
            return other.thickness() >= kLetterSize && other.box.top <= place.box.top + 1 &&
                   other.box.bottom + kLetterSize >= place.box.bottom &&
                   other.box.left - place.box.right < kLineGap &&
                   place.box.left - other.box.right < kLineGap;
        };
        place.isUnseen =
            place.length() > kLongestDash || std::none_of(places.begin(), places.end(), isBeside);
    }

    // One sign alone says nothing; many are letters drawn one by one.
    const auto isOneSign = [&](const Run& run) {
        constexpr double kWide = 2.5;
        const Place& first = places[run.first];
        return run.behind - run.first == 1 && first.length() < kWide * first.thickness();
    };
    bool isDone = true;
    bool hasUnseen = false;
    for (std::size_t i = 0; i < places.size();) {
        Run run{i, i};
        while (run.behind < places.size() && places[run.behind].isUnseen) ++run.behind;
        i = std::max(run.behind, i + 1);
        if (run.behind == run.first || isOneSign(run)) continue;
        const bool isThin = run.behind - run.first == 1 && places[run.first].thickness() < kTooThin;
        if (isThin && isRule(page, places[run.first])) continue;
        hasUnseen = true;
        m_progress.used = before + usedProcessorTime() - start;
        if (!isCertain || !isDone) continue;
        isDone = hide(page, run, places.size(), all.endIndex(), isThin, text);
    }
    if (hasUnseen && !(isCertain && isDone)) ++m_progress.nUncertainPages;
    m_progress.used = before + usedProcessorTime() - start;
    return text;
}

}  // namespace conclave::retrieval::extractor
