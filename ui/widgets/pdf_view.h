// pdf_view.h: the pages of a PDF below each other, drawn as they come into sight.
#pragma once

#include <QAbstractScrollArea>
#include <QImage>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "app/services/services.h"
#include "ui/widgets/reader_place.h"

class QTimer;

namespace conclave::ui {

/// Asks for one picture at a time, that of the page one looks at first; keeps those of the pages in
/// sight and their neighbours. Zoom 1 is the width of the view.
class PdfView : public QAbstractScrollArea {
    Q_OBJECT
public:
    /// Answers on the GUI thread, and never after the view is gone.
    using Draw = std::function<void(const retrieval::PageRequest&,
                                    std::function<void(Result<services::PageView>)>)>;

    static constexpr double kZoomStep = 1.2;

    explicit PdfView(QWidget* parent);

    /// Shows the place with its passage and quote marked; `nPages` until the file says how many.
    void open(const ReaderPlace& place, int nPages, Draw draw);
    void clear();
    /// Goes to another place of the document that is open, and marks it instead.
    void mark(const ReaderPlace& place);

    /// Scrolls to the top of a page (from 1), or to what is marked on it.
    void goTo(int page);
    [[nodiscard]] int page() const { return m_page; }
    [[nodiscard]] int nPages() const { return static_cast<int>(m_shapes.size()); }
    void setZoom(double zoom);
    [[nodiscard]] double zoom() const { return m_zoom; }

    /// The marked lines in coordinates of the viewport; empty while none is known.
    [[nodiscard]] std::vector<QRectF> markedLines() const;
    /// Pages that there is a picture of.
    [[nodiscard]] std::vector<int> drawnPages() const;

signals:
    void pageChanged(int page);
    /// The first page that was asked for is there.
    void shown(conclave::services::PageView::State state);
    /// It will not be.
    void failed(const conclave::Error& error);
    void closeAsked();

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void scrollContentsBy(int dx, int dy) override;
    void wheelEvent(QWheelEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    bool event(QEvent* event) override;

private:
    struct Picture {
        QImage image;
        int askedWidth = 0;  ///< of the request; the worker may give fewer pixels
    };

    [[nodiscard]] QRectF pageRect(int page) const;  ///< page from 1, in the viewport
    [[nodiscard]] int pageAt(double y) const;       ///< at this height of the viewport
    [[nodiscard]] std::pair<int, int> pagesInSight() const;
    [[nodiscard]] int pixelWidth() const;
    void layOut();
    /// Keeps what stands at this point of the viewport there, while `change` is made.
    void anchored(QPointF point, const std::function<void()>& change);
    void zoomAt(double zoom, QPointF point);
    void showMarks();
    void noticePage();
    void askForNext();
    void receive(const retrieval::PageRequest& request, Result<services::PageView> view);
    void forgetFarPages();
    void paintPage(QPainter& painter, int page) const;

    Draw m_draw;
    ReaderPlace m_place;
    std::vector<double> m_shapes;  ///< height of each page over its width
    std::vector<double> m_tops;    ///< of each page, and behind the last one; pixels of the whole
    std::map<int, Picture> m_pictures;
    std::set<int> m_failed;
    std::vector<retrieval::PagePicture::Box> m_boxes;  ///< on the page of the place
    bool m_isShown = false;                            ///< the first picture has come
    bool m_wantsBoxes = false;                         ///< where the marks are is not known yet
    bool m_showsMarks = false;                         ///< until the person scrolls
    std::optional<int> m_asked;
    int m_opening = 0;
    int m_page = 1;
    double m_zoom = 1.0;
    std::optional<QPoint> m_dragged;
    QTimer* m_pause;
};

}  // namespace conclave::ui
