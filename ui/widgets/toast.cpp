#include "ui/widgets/toast.h"

#include <QAccessible>
#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QTimer>
#include <QToolButton>
#include <algorithm>

#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

Toast::Toast(QWidget* window)
    : QFrame(window),
      m_text(makeLabel({}, TextSize::Body, this)),
      m_button(makeButton({}, this)),
      m_close(makeIconButton(Icon::Close, tr("Dismiss"), this)),
      m_timer(new QTimer(this)) {
    setObjectName(QStringLiteral("toast"));
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(16, 10, 10, 10);
    m_text->setWordWrap(true);
    row->addWidget(m_text, 1);
    row->addWidget(m_button);
    row->addWidget(m_close, 0, Qt::AlignTop);
    onTheme(m_close, [this] { m_close->setIcon(icon(Icon::Close, colors().page)); });
    connect(m_close, &QToolButton::clicked, this, &QWidget::hide);
    m_button->setAccessibleName(tr("Answer to the notice"));
    m_timer->setSingleShot(true);
    connect(m_timer, &QTimer::timeout, this, &QWidget::hide);
    connect(m_button, &QPushButton::clicked, this, [this] {
        hide();
        if (m_action) m_action();
    });
    window->installEventFilter(this);
    hide();
}

void Toast::setAnchor(QWidget* anchor) {
    m_anchor = anchor;
    anchor->installEventFilter(this);
    if (auto* find = anchor->findChild<QWidget*>(QStringLiteral("find"))) {
        find->installEventFilter(this);
    }
}

void Toast::show(const QString& text, const QString& actionText, std::function<void()> action) {
    m_text->setText(text);
    m_button->setText(actionText);
    m_button->setAccessibleName(actionText);
    m_button->setVisible(!actionText.isEmpty());
    m_action = std::move(action);
    QFrame::show();
    place();
    raise();
    setAccessibleName(text);
    QAccessibleEvent event(this, QAccessible::Alert);
    QAccessible::updateAccessibility(&event);
    // Long enough to read, longer if there is something to decide.
    const int least = actionText.isEmpty() ? 3000 : 8000;
    m_timer->start(std::clamp(static_cast<int>(text.size()) * 60, least, 12000));
}

void Toast::place() {
    const QWidget* window = parentWidget();
    const int widest = std::min(560, window->width() - 40);
    setFixedWidth(std::min(
        widest, std::max(180, m_text->fontMetrics().horizontalAdvance(m_text->text()) +
                                  (m_button->isVisibleTo(this) ? m_button->sizeHint().width() : 0) +
                                  m_close->sizeHint().width() + 60)));
    const int wanted = heightForWidth(width());
    resize(width(), wanted > 0 ? wanted : sizeHint().height());
    int middle = window->width() / 2;
    int top = window->height() - 44 - height();
    if (m_anchor && m_anchor->isVisible()) {
        const QPoint corner = m_anchor->mapTo(window, QPoint(0, 0));
        middle = corner.x() + m_anchor->width() / 2;
        top = corner.y() + 10;
        // Where something is being typed above the chat, it stays readable.
        const auto* const find = m_anchor->findChild<QWidget*>(QStringLiteral("find"));
        if (find && find->isVisible()) {
            top = find->mapTo(window, QPoint(0, find->height())).y() + 10;
        }
    }
    move(std::clamp(middle - width() / 2, 8, std::max(8, window->width() - width() - 8)),
         std::max(8, top));
}

bool Toast::eventFilter(QObject* object, QEvent* event) {
    const bool moved = event->type() == QEvent::Resize || event->type() == QEvent::Move ||
                       event->type() == QEvent::Show || event->type() == QEvent::Hide;
    if (moved && isVisible() && object != this) place();
    return QFrame::eventFilter(object, event);
}

}  // namespace conclave::ui
