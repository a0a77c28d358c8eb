#include "ui/widgets/small_widgets.h"

#include <QDir>
#include <QFrame>
#include <QHBoxLayout>
#include <QLocale>
#include <QPainter>
#include <QStyle>
#include <QTimerEvent>
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace conclave::ui {

void onTheme(QWidget* widget, const std::function<void()>& style) {
    style();
    QObject::connect(&Theme::instance(), &Theme::changed, widget, style);
}

QToolButton* makeIconButton(Icon shape, const QString& name, QWidget* parent) {
    auto* button = new QToolButton(parent);
    button->setToolTip(name);
    button->setAccessibleName(name.section(QStringLiteral(" ("), 0, 0));
    button->setCursor(Qt::PointingHandCursor);
    button->setFocusPolicy(Qt::TabFocus);
    onTheme(button, [button, shape] {
        button->setIcon(icon(shape, colors().muted));
        const int size = Theme::instance().scaled(18);
        button->setIconSize({size, size});
    });
    return button;
}

QLabel* makeLabel(const QString& text, TextSize size, QWidget* parent, bool muted, int weight) {
    auto* label = new QLabel(text, parent);
    label->setProperty("muted", muted);
    label->setTextFormat(Qt::PlainText);
    onTheme(label, [label, size, weight] { label->setFont(Theme::instance().font(size, weight)); });
    return label;
}

QWidget* makeWarning(const QString& text, QWidget* parent) {
    auto* box = new QWidget(parent);
    auto* row = new QHBoxLayout(box);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(6);
    auto* sign = new QLabel(box);
    QLabel* label = makeLabel(text, TextSize::Caption, box);
    label->setObjectName(QStringLiteral("warning"));
    label->setWordWrap(true);
    onTheme(box, [sign, label] {
        const int size = Theme::instance().scaled(14);
        sign->setPixmap(
            iconPixmap(Icon::Warning, colors().warning, size, sign->devicePixelRatioF()));
        label->setStyleSheet(QStringLiteral("color:%1;").arg(colors().warning.name()));
    });
    row->addWidget(sign, 0, Qt::AlignTop);
    row->addWidget(label, 1);
    return box;
}

void setStyleProperty(QWidget* widget, const char* name, const QVariant& value) {
    if (widget->property(name) == value) return;
    widget->setProperty(name, value);
    widget->style()->unpolish(widget);
    widget->style()->polish(widget);
}

QFrame* makeLine(QWidget* parent) {
    auto* line = new QFrame(parent);
    line->setObjectName(QStringLiteral("line"));
    line->setFixedHeight(1);
    return line;
}

QPushButton* makeButton(const QString& text, QWidget* parent, const char* kind) {
    auto* button = new QPushButton(text, parent);
    if (kind) button->setProperty(kind, true);
    button->setCursor(Qt::PointingHandCursor);
    button->setAutoDefault(false);
    button->setFocusPolicy(Qt::TabFocus);  // a click leaves the focus where one writes
    return button;
}

QString withoutMnemonics(QString name) {
    return name.replace(QLatin1Char('&'), QLatin1String("&&"));
}

QString firstFolder() {
    static bool isFirst = true;
    return std::exchange(isFirst, false) ? QDir::homePath() : QString();
}

QScrollArea* makeScrollingPage(QWidget* parent) {
    auto* scroll = new QScrollArea(parent);
    scroll->setObjectName(QStringLiteral("page"));
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    auto* page = new QWidget(scroll);
    page->setObjectName(QStringLiteral("column"));
    scroll->setWidget(page);
    return scroll;
}

QVBoxLayout* makeReadingColumn(QScrollArea* page, int spacing) {
    auto* row = new QHBoxLayout(page->widget());
    row->setContentsMargins(24, 24, 24, 24);
    auto* box = new QWidget(page->widget());
    box->setMaximumWidth(860);
    row->addStretch();
    row->addWidget(box, 100);
    row->addStretch();
    auto* column = new QVBoxLayout(box);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(spacing);
    return column;
}

int layOutInRows(const QList<QWidget*>& chips, int width) {
    const int gap = Theme::instance().scaled(6);
    const int height = Theme::instance().scaled(27);
    int x = 0;
    int y = 0;
    for (QWidget* chip : chips) {
        const int chipWidth = std::min(chip->sizeHint().width(), std::max(width, 40));
        if (x > 0 && x + chipWidth > width) {
            x = 0;
            y += height + gap;
        }
        chip->setGeometry(x, y, chipWidth, height);
        x += chipWidth + gap;
    }
    return chips.isEmpty() ? 0 : y + height;
}

QString counted(int number, const QString& one, const QString& many) {
    return number == 1 ? one : many.arg(QLocale().toString(number));
}

QString formatBytes(quint64 bytes) {
    return QLocale().formattedDataSize(static_cast<qint64>(bytes), bytes >= 1000000000u ? 1 : 0,
                                       QLocale::DataSizeSIFormat);
}

QString formatCount(quint64 count) {
    const auto number = static_cast<double>(count);
    if (number >= 1e9)
        return QStringLiteral("%1 B").arg(number / 1e9, 0, 'f', number < 1e10 ? 1 : 0);
    return QStringLiteral("%1 M").arg(number / 1e6, 0, 'f', number < 1e7 ? 1 : 0);
}

BusyDots::BusyDots(QWidget* parent) : QWidget(parent) { setAccessibleName(tr("Working")); }

QSize BusyDots::sizeHint() const {
    return {Theme::instance().scaled(26), Theme::instance().scaled(16)};
}

void BusyDots::showEvent(QShowEvent*) {
    if (!m_timer) m_timer = startTimer(120);
}

void BusyDots::hideEvent(QHideEvent*) {
    if (m_timer) killTimer(m_timer);
    m_timer = 0;
}

void BusyDots::timerEvent(QTimerEvent*) {
    m_step = (m_step + 1) % 9;
    update();
}

void BusyDots::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    const double radius = height() / 6.0;
    for (int i = 0; i < 3; ++i) {
        QColor color = colors().accent;
        const double phase = std::cos((m_step - i * 1.5) / 9.0 * 2.0 * 3.14159265);
        color.setAlphaF(static_cast<float>(0.35 + 0.3 * (phase + 1.0)));
        painter.setBrush(color);
        painter.drawEllipse(QPointF(width() * (i + 0.7) / 3.4, height() / 2.0), radius, radius);
    }
}

ElidedLabel::ElidedLabel(const QString& text, QWidget* parent) : QLabel(parent) {
    setTextFormat(Qt::PlainText);
    setFullText(text);
}

void ElidedLabel::setFullText(const QString& text) {
    m_text = text;
    setAccessibleName(text);
    updateGeometry();
    update();
}

/// Characters of other scripts may be higher than the font's own.
int ElidedLabel::textHeight() const {
    return std::max(fontMetrics().height(), fontMetrics().boundingRect(m_text).height());
}

QSize ElidedLabel::minimumSizeHint() const { return {0, textHeight()}; }

QSize ElidedLabel::sizeHint() const {
    return {fontMetrics().horizontalAdvance(m_text) + 2, textHeight()};
}

void ElidedLabel::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setFont(font());
    painter.setPen(property("muted").toBool() ? colors().muted
                                              : palette().color(QPalette::WindowText));
    const QString shown = fontMetrics().elidedText(m_text, Qt::ElideRight, width());
    painter.drawText(rect(), static_cast<int>(Qt::AlignVCenter | alignment()), shown);
    // Its own hint, unless it was given one that says more.
    if (toolTip().isEmpty() || toolTip() == m_text) {
        setToolTip(shown == m_text ? QString() : m_text);
    }
}

}  // namespace conclave::ui
