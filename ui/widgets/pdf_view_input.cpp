// How pages are scrolled and zoomed by keys, wheel and mouse.
#include <QKeyEvent>
#include <QScrollBar>
#include <QWheelEvent>
#include <cmath>

#include "ui/widgets/pdf_view.h"

namespace conclave::ui {

void PdfView::wheelEvent(QWheelEvent* event) {
    m_showsMarks = false;
    if (event->modifiers() & Qt::ControlModifier) {
        zoomAt(m_zoom * std::pow(kZoomStep, event->angleDelta().y() / 120.0), event->position());
        event->accept();
        return;
    }
    QAbstractScrollArea::wheelEvent(event);
}

bool PdfView::event(QEvent* event) {
    // These keys zoom the whole window elsewhere.
    if (event->type() == QEvent::ShortcutOverride) {
        const auto* key = static_cast<QKeyEvent*>(event);
        const bool isZoom = (key->modifiers() & Qt::ControlModifier) != 0 &&
                            (key->key() == Qt::Key_Plus || key->key() == Qt::Key_Equal ||
                             key->key() == Qt::Key_Minus || key->key() == Qt::Key_0);
        if (isZoom || (key->key() == Qt::Key_Escape && key->modifiers() == Qt::NoModifier)) {
            event->accept();
            return true;
        }
    }
    return QAbstractScrollArea::event(event);
}

void PdfView::keyPressEvent(QKeyEvent* event) {
    m_showsMarks = false;
    QScrollBar* bar = verticalScrollBar();
    if ((event->modifiers() & Qt::ControlModifier) != 0) {
        switch (event->key()) {
            case Qt::Key_Plus:
            case Qt::Key_Equal: return setZoom(m_zoom * kZoomStep);
            case Qt::Key_Minus: return setZoom(m_zoom / kZoomStep);
            case Qt::Key_0: return setZoom(1.0);
            default: break;
        }
    }
    switch (event->key()) {
        case Qt::Key_Escape: emit closeAsked(); return;
        case Qt::Key_Home: bar->setValue(0); return;
        case Qt::Key_End: bar->setValue(bar->maximum()); return;
        case Qt::Key_Space:
            bar->triggerAction((event->modifiers() & Qt::ShiftModifier) != 0
                                   ? QAbstractSlider::SliderPageStepSub
                                   : QAbstractSlider::SliderPageStepAdd);
            return;
        default: QAbstractScrollArea::keyPressEvent(event);
    }
}

void PdfView::mousePressEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton) return;
    m_showsMarks = false;
    m_dragged = event->pos();
    viewport()->setCursor(Qt::ClosedHandCursor);
}

void PdfView::mouseMoveEvent(QMouseEvent* event) {
    if (!m_dragged) return;
    const QPoint moved = event->pos() - *m_dragged;
    m_dragged = event->pos();
    verticalScrollBar()->setValue(verticalScrollBar()->value() - moved.y());
    horizontalScrollBar()->setValue(horizontalScrollBar()->value() - moved.x());
}

void PdfView::mouseReleaseEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton) return;
    m_dragged.reset();
    viewport()->setCursor(Qt::OpenHandCursor);
}

}  // namespace conclave::ui
