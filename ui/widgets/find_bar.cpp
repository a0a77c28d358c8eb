#include "ui/widgets/find_bar.h"

#include <QGuiApplication>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QLocale>
#include <QToolButton>

#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

FindBar::FindBar(const QString& placeholder, QWidget* parent)
    : QFrame(parent),
      m_field(new QLineEdit(this)),
      m_count(makeLabel({}, TextSize::Small, this, true)) {
    setObjectName(QStringLiteral("find"));
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(8, 6, 6, 6);
    row->setSpacing(4);
    m_field->setPlaceholderText(placeholder);
    m_field->setAccessibleName(placeholder);
    m_field->setMinimumWidth(120);
    m_field->installEventFilter(this);
    m_count->setMinimumWidth(54);
    m_count->setAlignment(Qt::AlignCenter);
    QToolButton* up = makeIconButton(Icon::Left, tr("Previous hit (Shift+Enter)"), this);
    QToolButton* down = makeIconButton(Icon::Right, tr("Next hit (Enter)"), this);
    QToolButton* close = makeIconButton(Icon::Close, tr("Close (Esc)"), this);
    row->addWidget(m_field, 1);
    for (QWidget* widget : std::initializer_list<QWidget*>{m_count, up, down, close}) {
        row->addWidget(widget);
    }
    connect(m_field, &QLineEdit::textChanged, this, &FindBar::changed);
    connect(down, &QToolButton::clicked, this, [this] { emit stepAsked(1); });
    connect(up, &QToolButton::clicked, this, [this] { emit stepAsked(-1); });
    connect(close, &QToolButton::clicked, this, &FindBar::closeAsked);
    connect(m_field, &QLineEdit::returnPressed, this, [this] {
        const bool isBack = QGuiApplication::keyboardModifiers() & Qt::ShiftModifier;
        emit stepAsked(isBack ? -1 : 1);
    });
    hide();
}

void FindBar::openFind() {
    show();
    m_field->setFocus();
    m_field->selectAll();
}

void FindBar::setFound(int at, int nFound) {
    const QLocale locale;
    m_count->setText(m_field->text().isEmpty() ? QString()
                     : nFound > 0 ? tr("%1 of %2").arg(locale.toString(at), locale.toString(nFound))
                                  : tr("None"));
}

QString FindBar::text() const { return m_field->text(); }

bool FindBar::eventFilter(QObject* object, QEvent* event) {
    const bool isKey =
        event->type() == QEvent::KeyPress || event->type() == QEvent::ShortcutOverride;
    if (object == m_field && isKey && static_cast<QKeyEvent*>(event)->key() == Qt::Key_Escape) {
        // Else the window's Esc, which stops an answer, would take it.
        event->accept();
        if (event->type() == QEvent::KeyPress) emit closeAsked();
        return true;
    }
    return QFrame::eventFilter(object, event);
}

}  // namespace conclave::ui
