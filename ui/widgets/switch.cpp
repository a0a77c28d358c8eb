#include "ui/widgets/switch.h"

#include <QPainter>

#include "ui/theme.h"

namespace conclave::ui {

Switch::Switch(const QString& name, QWidget* parent) : QCheckBox(parent) {
    setAccessibleName(name);
    setCursor(Qt::PointingHandCursor);
    setFocusPolicy(Qt::StrongFocus);
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
}

QSize Switch::sizeHint() const {
    return {Theme::instance().scaled(40), Theme::instance().scaled(24)};
}

bool Switch::hitButton(const QPoint& position) const { return rect().contains(position); }

void Switch::paintEvent(QPaintEvent*) {
    const Colors& c = colors();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    if (!isEnabled()) painter.setOpacity(0.5);
    const QRectF track = QRectF(rect()).adjusted(2.75, 2.75, -2.75, -2.75);
    const double radius = track.height() / 2;
    // Off is drawn in the colour of text: the grey of borders is hardly seen on a dark card.
    painter.setPen(QPen(isChecked() ? c.accent : c.muted, 1.5));
    painter.setBrush(isChecked() ? c.accent : c.surface);
    painter.drawRoundedRect(track, radius, radius);
    const double x = isChecked() ? track.right() - radius : track.left() + radius;
    painter.setPen(Qt::NoPen);
    painter.setBrush(isChecked() ? c.onAccent : c.muted);
    painter.drawEllipse(QPointF(x, track.center().y()), radius - 3, radius - 3);
    if (hasFocus()) {
        painter.setBrush(Qt::NoBrush);
        painter.setPen(QPen(c.accent, 1.5));
        painter.drawRoundedRect(QRectF(rect()).adjusted(0.75, 0.75, -0.75, -0.75), radius + 1.5,
                                radius + 1.5);
    }
}

}  // namespace conclave::ui
