#include "ui/widgets/pdf_view.h"

#include <QPaintEvent>
#include <QPainter>
#include <QPainterPath>
#include <QScrollBar>
#include <QTimer>
#include <algorithm>
#include <cmath>
#include <utility>

#include "ui/theme.h"

namespace conclave::ui {

namespace {

constexpr double kMargin = 12.0;  ///< around pages, and between them
constexpr double kPaperShape = 1.4142;
constexpr double kLeastZoom = 0.4;
constexpr double kMostZoom = 6.0;
constexpr int kMostPixels = 8192;  ///< of a width, as the services take it
constexpr int kSmallWidth = 2000;  ///< up to here neighbours are drawn ahead and kept
constexpr int kPassage = 0;        ///< index of its mark in requests
constexpr int kPause = 90;         ///< milliseconds without a change before pages are drawn anew

/// The picture's bytes live as long as the image. No copy.
QImage imageOf(retrieval::PagePicture&& picture) {
    auto* bytes = new std::string(std::move(picture.pixels));
    return {reinterpret_cast<const uchar*>(bytes->data()),
            picture.width,
            picture.height,
            picture.width * 4,
            QImage::Format_RGB32,
            [](void* kept) { delete static_cast<std::string*>(kept); },
            bytes};
}

}  // namespace

PdfView::PdfView(QWidget* parent) : QAbstractScrollArea(parent), m_pause(new QTimer(this)) {
    setFrameShape(QFrame::NoFrame);
    setFocusPolicy(Qt::StrongFocus);
    setVerticalScrollBarPolicy(Qt::ScrollBarAsNeeded);
    viewport()->setCursor(Qt::OpenHandCursor);
    verticalScrollBar()->setSingleStep(48);
    horizontalScrollBar()->setSingleStep(48);
    m_pause->setSingleShot(true);
    m_pause->setInterval(kPause);
    connect(m_pause, &QTimer::timeout, this, &PdfView::askForNext);
    connect(verticalScrollBar(), &QScrollBar::actionTriggered, this,
            [this] { m_showsMarks = false; });
    connect(&Theme::instance(), &Theme::changed, viewport(), qOverload<>(&QWidget::update));
}

void PdfView::open(const ReaderPlace& place, int nPages, Draw draw) {
    clear();
    m_place = place;
    m_draw = std::move(draw);
    m_shapes.assign(static_cast<std::size_t>(std::max({nPages, place.page, 1})), kPaperShape);
    m_zoom = 1.0;
    m_page = place.page;
    m_showsMarks = true;
    layOut();
    goTo(place.page);
    askForNext();
}

void PdfView::mark(const ReaderPlace& place) {
    if (!m_isShown) return;
    m_place = place;
    m_boxes.clear();
    m_wantsBoxes = true;
    m_showsMarks = true;
    goTo(place.page);
    viewport()->update();
    askForNext();
}

void PdfView::clear() {
    ++m_opening;
    m_wantsBoxes = false;
    m_draw = {};
    m_shapes.clear();
    m_pictures.clear();
    m_failed.clear();
    m_boxes.clear();
    m_isShown = false;
    m_asked.reset();
    layOut();
}

// ---------------------------------------------------------------------------------------- places

void PdfView::layOut() {
    const double width = (viewport()->width() - 2 * kMargin) * m_zoom;
    m_tops.assign(1, kMargin);
    for (const double shape : m_shapes) m_tops.push_back(m_tops.back() + width * shape + kMargin);
    const int height = static_cast<int>(std::ceil(m_tops.back()));
    verticalScrollBar()->setPageStep(viewport()->height());
    verticalScrollBar()->setRange(0, std::max(0, height - viewport()->height()));
    const int across = static_cast<int>(std::ceil(width + 2 * kMargin));
    horizontalScrollBar()->setPageStep(viewport()->width());
    horizontalScrollBar()->setRange(0, std::max(0, across - viewport()->width()));
    viewport()->update();
}

QRectF PdfView::pageRect(int page) const {
    const auto i = static_cast<std::size_t>(page - 1);
    const double width = (viewport()->width() - 2 * kMargin) * m_zoom;
    const double free = viewport()->width() - width;
    const double left = free >= 2 * kMargin ? free / 2 : kMargin - horizontalScrollBar()->value();
    return {left, m_tops[i] - verticalScrollBar()->value(), width, width * m_shapes[i]};
}

int PdfView::pageAt(double y) const {
    const auto next =
        std::upper_bound(m_tops.begin(), m_tops.end(), y + verticalScrollBar()->value());
    return std::clamp(static_cast<int>(next - m_tops.begin()), 1, std::max(nPages(), 1));
}

std::pair<int, int> PdfView::pagesInSight() const {
    return {pageAt(0), pageAt(viewport()->height())};
}

int PdfView::pixelWidth() const {
    const double width = (viewport()->width() - 2 * kMargin) * m_zoom * devicePixelRatioF();
    return std::clamp(static_cast<int>(std::lround(width)), 16, kMostPixels);
}

std::vector<QRectF> PdfView::markedLines() const {
    std::vector<QRectF> lines;
    if (m_shapes.empty()) return lines;
    const QRectF page = pageRect(m_place.page);
    const bool hasQuote = std::any_of(m_boxes.begin(), m_boxes.end(),
                                      [](const auto& box) { return box.mark != kPassage; });
    for (const auto& box : m_boxes) {
        if (hasQuote && box.mark == kPassage) continue;
        lines.emplace_back(
            QPointF(page.left() + box.left * page.width(), page.top() + box.top * page.height()),
            QPointF(page.left() + box.right * page.width(),
                    page.top() + box.bottom * page.height()));
    }
    return lines;
}

std::vector<int> PdfView::drawnPages() const {
    std::vector<int> pages;
    for (const auto& [page, picture] : m_pictures) pages.push_back(page);
    return pages;
}

void PdfView::goTo(int page) {
    if (m_shapes.empty()) return;
    page = std::clamp(page, 1, nPages());
    m_showsMarks = page == m_place.page;
    if (page == m_place.page && !m_boxes.empty()) return showMarks();
    const double top = m_tops[static_cast<std::size_t>(page - 1)] - kMargin / 2;
    verticalScrollBar()->setValue(static_cast<int>(std::lround(top)));
    noticePage();
}

void PdfView::showMarks() {
    const std::vector<QRectF> lines = markedLines();
    if (lines.empty()) return;
    QRectF whole;
    for (const QRectF& line : lines) whole |= line;
    // In the upper part of the view.
    const double room = viewport()->height();
    const double above = whole.height() > 0.6 * room ? 0.1 * room : 0.3 * room;
    verticalScrollBar()->setValue(verticalScrollBar()->value() +
                                  static_cast<int>(std::lround(whole.top() - above)));
    const double aside =
        (viewport()->width() - std::min<double>(whole.width(), viewport()->width())) / 2;
    horizontalScrollBar()->setValue(horizontalScrollBar()->value() +
                                    static_cast<int>(std::lround(whole.left() - aside)));
    noticePage();
}

/// The page that has the upper third of the view is the one that is read; that with the marks, as
/// long as it is they that are shown.
void PdfView::noticePage() {
    if (m_shapes.empty()) return;
    const bool atEnd = verticalScrollBar()->value() == verticalScrollBar()->maximum();
    const int page = m_showsMarks ? m_place.page
                     : atEnd && nPages() > 1 && verticalScrollBar()->maximum() > 0
                         ? pageAt(viewport()->height() - kMargin - 1)
                         : pageAt(viewport()->height() / 3.0);
    if (page == m_page) return;
    m_page = page;
    emit pageChanged(page);
}

void PdfView::anchored(QPointF point, const std::function<void()>& change) {
    if (m_shapes.empty()) return change();
    const int page = pageAt(point.y());
    const QRectF before = pageRect(page);
    const double x = (point.x() - before.left()) / std::max(before.width(), 1.0);
    const double y = (point.y() - before.top()) / std::max(before.height(), 1.0);
    change();
    const QRectF after = pageRect(page);
    verticalScrollBar()->setValue(
        verticalScrollBar()->value() +
        static_cast<int>(std::lround(after.top() + y * after.height() - point.y())));
    horizontalScrollBar()->setValue(
        horizontalScrollBar()->value() +
        static_cast<int>(std::lround(after.left() + x * after.width() - point.x())));
}

void PdfView::zoomAt(double zoom, QPointF point) {
    zoom = std::clamp(zoom, kLeastZoom, kMostZoom);
    if (std::abs(zoom - 1.0) < 0.02) zoom = 1.0;
    if (zoom == m_zoom) return;
    m_showsMarks = false;
    anchored(point, [&] {
        m_zoom = zoom;
        layOut();
    });
    m_pause->start();
}

void PdfView::setZoom(double zoom) {
    // Around what is marked, if it is in sight.
    QPointF point(viewport()->width() / 2.0, viewport()->height() / 3.0);
    for (const QRectF& line : markedLines()) {
        if (!viewport()->rect().contains(line.center().toPoint())) continue;
        point = line.center();
        break;
    }
    zoomAt(zoom, point);
}

// -------------------------------------------------------------------------------------- pictures

void PdfView::askForNext() {
    if (!m_draw || m_asked || m_shapes.empty()) return;
    const auto [first, last] = pagesInSight();
    const int width = pixelWidth();
    std::vector<int> wanted;
    if (!m_isShown) {
        wanted.push_back(m_place.page);
    } else {
        for (int page = first; page <= last; ++page) wanted.push_back(page);
        if (width <= kSmallWidth) {
            wanted.push_back(last + 1);
            wanted.push_back(first - 1);
        }
    }
    const auto lacks = [&](int page) {
        if (page < 1 || page > nPages() || m_failed.contains(page)) return false;
        if (m_wantsBoxes && page == m_place.page) return true;
        const auto have = m_pictures.find(page);
        return have == m_pictures.end() || have->second.askedWidth != width;
    };
    const auto next = std::find_if(wanted.begin(), wanted.end(), lacks);
    if (next == wanted.end()) return;
    retrieval::PageRequest request;
    request.page = *next;
    request.widthPixels = width;
    request.withSizes = !m_isShown;
    if (!m_isShown || (m_wantsBoxes && *next == m_place.page)) {
        if (m_place.passageEnd > m_place.passageStart || m_place.markEnd > m_place.markStart) {
            request.marks.push_back({m_place.passageStart, m_place.passageEnd});
        }
        if (m_place.markEnd > m_place.markStart) {
            request.marks.push_back({m_place.markStart, m_place.markEnd});
        }
    }
    m_asked = *next;
    m_draw(request, [this, request, opening = m_opening](Result<services::PageView> view) {
        if (opening == m_opening) receive(request, std::move(view));
    });
}

void PdfView::receive(const retrieval::PageRequest& request, Result<services::PageView> view) {
    using State = services::PageView::State;
    m_asked.reset();
    const bool isFirst = !m_isShown;
    if (!view || view->state == State::Changed) {
        if (isFirst) {
            if (view) {
                clear();
                emit shown(State::Changed);
            } else {
                const Error error = view.error();
                clear();
                emit failed(error);
            }
            return;
        }
        m_failed.insert(request.page);
        viewport()->update();
        return askForNext();
    }
    retrieval::PagePicture& picture = view->picture;
    if (isFirst) {
        m_isShown = true;
        m_boxes = std::move(picture.boxes);
        m_shapes.assign(std::max(picture.sizes.size(), static_cast<std::size_t>(request.page)),
                        kPaperShape);
        for (std::size_t i = 0; i < picture.sizes.size(); ++i) {
            constexpr double kLongest = 8.0;  // of strips, which would be all there is to scroll
            m_shapes[i] = std::clamp(picture.sizes[i].height / picture.sizes[i].width,
                                     1.0 / kLongest, kLongest);
        }
        layOut();
    }
    const bool areBoxesOfPlace = m_wantsBoxes && request.page == m_place.page &&
                                 !request.marks.empty() &&
                                 request.marks.back().startByte == m_place.markStart &&
                                 request.marks.back().endByte == m_place.markEnd;
    if (areBoxesOfPlace) {
        m_boxes = std::move(picture.boxes);
        m_wantsBoxes = false;
    }
    m_pictures[request.page] = {imageOf(std::move(picture)), request.widthPixels};
    if (areBoxesOfPlace && m_showsMarks) showMarks();
    if (isFirst) {
        goTo(m_place.page);
        emit shown(view->state);
        emit pageChanged(m_page);
    }
    forgetFarPages();
    viewport()->update();
    askForNext();
}

void PdfView::forgetFarPages() {
    const auto [first, last] = pagesInSight();
    const int around = pixelWidth() <= kSmallWidth ? 2 : 0;
    std::erase_if(m_pictures, [&, low = first - around, high = last + around](const auto& each) {
        return each.first < low || each.first > high;
    });
}

// ---------------------------------------------------------------------------------------- events

void PdfView::paintPage(QPainter& painter, int page) const {
    const QRectF exact = pageRect(page);
    // Whole pixels of the screen, so that a picture of that size is drawn as it is.
    const double ratio = devicePixelRatioF();
    const auto snapped = [&](double value) { return std::round(value * ratio) / ratio; };
    const QRectF rect(snapped(exact.left()), snapped(exact.top()), snapped(exact.width()),
                      snapped(exact.height()));
    for (int i = 3; i >= 1; --i) {
        painter.setPen(Qt::NoPen);
        painter.setBrush(QColor(0, 0, 0, Theme::instance().isDark() ? 26 : 10));
        painter.drawRoundedRect(rect.adjusted(-i, -i + 1, i, i + 1), i, i);
    }
    painter.fillRect(rect, colors().paper);
    if (const auto found = m_pictures.find(page); found != m_pictures.end()) {
        const QImage& image = found->second.image;
        const QRectF whole(QPointF(0, 0), QSizeF(image.size()));
        const bool isSharp = std::abs(image.width() - rect.width() * ratio) < 1.5;
        painter.setRenderHint(QPainter::SmoothPixmapTransform, !isSharp);
        if (isSharp) {
            painter.drawImage(QRectF(rect.topLeft(), whole.size() / ratio), image, whole);
        } else {
            painter.drawImage(rect, image, whole);
        }
    } else if (m_failed.contains(page)) {
        painter.setPen(QColor(0x5d, 0x68, 0x6c));
        painter.setFont(Theme::instance().font(TextSize::Small));
        painter.drawText(rect, Qt::AlignCenter, tr("This page cannot be drawn."));
    }
    if (page != m_place.page || m_boxes.empty()) return;
    QPainterPath passage;
    QPainterPath quote;
    QRegion besideQuote(viewport()->rect());
    for (QPainterPath* path : {&passage, &quote}) path->setFillRule(Qt::WindingFill);
    for (const auto& box : m_boxes) {
        const QRectF line(
            QPointF(rect.left() + box.left * rect.width(), rect.top() + box.top * rect.height()),
            QPointF(rect.left() + box.right * rect.width(),
                    rect.top() + box.bottom * rect.height()));
        const double around = std::max(1.0, line.height() * 0.12);
        const QRectF mark = line.adjusted(-around, -around, around, around);
        (box.mark == kPassage ? passage : quote).addRoundedRect(mark, 2.5, 2.5);
        if (box.mark != kPassage) besideQuote -= mark.toAlignedRect();
    }
    // Like a felt pen: the ink below stays what it is.
    painter.setCompositionMode(QPainter::CompositionMode_Multiply);
    painter.setClipRegion(besideQuote);
    painter.fillPath(passage, quote.isEmpty() ? colors().paperMark : colors().paperTint);
    painter.setClipping(false);
    painter.fillPath(quote, colors().paperMark);
    painter.setCompositionMode(QPainter::CompositionMode_SourceOver);
}

void PdfView::paintEvent(QPaintEvent* event) {
    QPainter painter(viewport());
    painter.setRenderHint(QPainter::Antialiasing);
    painter.fillRect(event->rect(), colors().desk);
    if (m_shapes.empty()) return;
    const auto [first, last] = pagesInSight();
    for (int page = first; page <= last; ++page) paintPage(painter, page);
}

void PdfView::resizeEvent(QResizeEvent* event) {
    QAbstractScrollArea::resizeEvent(event);
    if (m_shapes.empty()) return layOut();
    if (m_showsMarks) {
        layOut();
        goTo(m_place.page);
    } else {
        anchored(QPointF(viewport()->width() / 2.0, 0), [this] { layOut(); });
    }
    m_pause->start();
}

void PdfView::scrollContentsBy(int dx, int dy) {
    Q_UNUSED(dx);
    Q_UNUSED(dy);
    viewport()->update();
    noticePage();
    if (m_isShown) forgetFarPages();
    if (!m_pause->isActive()) m_pause->start();
}

}  // namespace conclave::ui
