#include "ui/widgets/document_row.h"

#include <QContextMenuEvent>
#include <QCoreApplication>
#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusPendingCallWatcher>
#include <QDBusPendingReply>
#include <QDateTime>
#include <QDesktopServices>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLocale>
#include <QMenu>
#include <QMouseEvent>
#include <QUrl>
#include <QVBoxLayout>

#include "ui/bridge.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

using services::DocumentState;

namespace {

/// The file manager, with the file marked in it; the folder alone where that is not offered.
void showInFolder(const QString& file) {
    const auto openFolder = [file] {
        QDesktopServices::openUrl(QUrl::fromLocalFile(QFileInfo(file).absolutePath()));
    };
    const QDBusConnection bus = QDBusConnection::sessionBus();
    if (!bus.isConnected()) return openFolder();
    QDBusMessage call = QDBusMessage::createMethodCall(
        QStringLiteral("org.freedesktop.FileManager1"),
        QStringLiteral("/org/freedesktop/FileManager1"),
        QStringLiteral("org.freedesktop.FileManager1"), QStringLiteral("ShowItems"));
    call << QStringList{QUrl::fromLocalFile(file).toString(QUrl::FullyEncoded)} << QString();
    // Belongs to the program, since the row may be gone when the answer comes.
    auto* watcher = new QDBusPendingCallWatcher(bus.asyncCall(call, 3000), qApp);
    QObject::connect(watcher, &QDBusPendingCallWatcher::finished, qApp, [watcher, openFolder] {
        if (watcher->isError()) openFolder();
        watcher->deleteLater();
    });
}

/// Its size and the day on which it was changed.
QString factsOf(const services::Document& document) {
    QStringList facts;
    if (document.sizeBytes > 0) facts << formatBytes(document.sizeBytes);
    if (document.modifiedNs > 0) {
        const QDateTime changed = QDateTime::fromMSecsSinceEpoch(document.modifiedNs / 1'000'000);
        facts << QLocale().toString(changed.date(), QLocale::ShortFormat);
    }
    return facts.join(QStringLiteral("  ·  "));
}

}  // namespace

DocumentRow::DocumentRow(const DocumentLine& line, QWidget* parent)
    : QFrame(parent),
      m_line(line),
      m_facts(makeLabel(factsOf(line.document), TextSize::Caption, this, true)) {
    setObjectName(QStringLiteral("row"));
    setCursor(Qt::PointingHandCursor);
    setFocusPolicy(Qt::TabFocus);
    const QString name = fromUtf8(m_line.document.path.filename().string());
    setAccessibleName(name);
    setAccessibleDescription(line.state);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(8, 4, 4, 4);
    row->setSpacing(6);
    auto* lines = new QVBoxLayout;
    lines->setSpacing(1);
    auto* title = new ElidedLabel(name, this);
    onTheme(title,
            [title] { title->setFont(Theme::instance().font(TextSize::Small, QFont::DemiBold)); });
    title->setToolTip(fromUtf8(m_line.document.path.string()));
    QLabel* why = makeLabel(line.state, TextSize::Small, this, true);
    why->setWordWrap(true);
    if (m_line.document.state == DocumentState::Failed) {
        why->setProperty("muted", false);
        why->setProperty("danger", true);
    }
    auto* top = new QHBoxLayout;
    top->setSpacing(8);
    title->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
    top->addWidget(title, 3);
    auto* folder = new ElidedLabel(line.folder, this);
    folder->setProperty("muted", true);
    onTheme(folder, [folder] { folder->setFont(Theme::instance().font(TextSize::Caption)); });
    top->addWidget(folder, 1);
    lines->addLayout(top);
    lines->addWidget(why);
    row->addLayout(lines, 1);
    row->addWidget(m_facts, 0, Qt::AlignTop);
    m_more = makeIconButton(Icon::More, tr("More about %1").arg(name), this);
    connect(m_more, &QToolButton::clicked, this,
            [this] { openMenu(m_more->mapToGlobal(QPoint(0, m_more->height()))); });
    row->addWidget(m_more, 0, Qt::AlignTop);
}

QWidget* DocumentRow::lastInTabOrder() const { return m_more; }

/// Whether it looks the same and does the same with what is there now.
bool DocumentRow::says(const DocumentLine& line) const {
    const services::Document& now = line.document;
    const services::Document& then = m_line.document;
    return now.id == then.id && now.path == then.path && now.state == then.state &&
           now.sizeBytes == then.sizeBytes && now.modifiedNs == then.modifiedNs &&
           line.state == m_line.state && line.folder == m_line.folder;
}

void DocumentRow::openMenu(const QPoint& at) {
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    const QString file = fromUtf8(m_line.document.path.string());
    const bool isThere = m_line.document.state != DocumentState::Unavailable;
    const auto add = [&](Icon shape, const QString& text, auto act) {
        QAction* action = menu->addAction(icon(shape, colors().muted), text);
        connect(action, &QAction::triggered, this, act);
        return action;
    };
    add(Icon::Book, tr("Open"), [this] { emit openAsked(m_line.document); });
    add(Icon::External, tr("Open in its own program"), [file] {
        QDesktopServices::openUrl(QUrl::fromLocalFile(file));
    })->setEnabled(isThere);
    add(Icon::Folder, tr("Show in its folder"), [file] {
        showInFolder(file);
    })->setEnabled(isThere);
    menu->addSeparator();
    add(Icon::Refresh, tr("Read again"), [this] {
        emit readAgainAsked(m_line.document);
    })->setEnabled(isThere);
    add(Icon::Trash, tr("Leave out…"), [this] {
        emit leaveOutAsked(m_line.document);
    })->setEnabled(isThere);
    menu->popup(at);
}

void DocumentRow::mouseReleaseEvent(QMouseEvent* event) {
    if (event->button() == Qt::LeftButton && rect().contains(event->pos())) {
        emit openAsked(m_line.document);
    }
}

void DocumentRow::keyPressEvent(QKeyEvent* event) {
    switch (event->key()) {
        case Qt::Key_Return:
        case Qt::Key_Enter:
        case Qt::Key_Space: emit openAsked(m_line.document); break;
        default: QFrame::keyPressEvent(event);
    }
}

/// By the mouse, where it is; by the menu key, below the name.
void DocumentRow::contextMenuEvent(QContextMenuEvent* event) {
    const bool isByKey = event->reason() == QContextMenuEvent::Keyboard;
    openMenu(isByKey ? mapToGlobal(QPoint(12, height())) : event->globalPos());
}

void DocumentRow::focusInEvent(QFocusEvent* event) {
    setStyleProperty(this, "current", true);
    QFrame::focusInEvent(event);
}

void DocumentRow::focusOutEvent(QFocusEvent* event) {
    setStyleProperty(this, "current", false);
    QFrame::focusOutEvent(event);
}

/// Beside little room there is the name.
void DocumentRow::resizeEvent(QResizeEvent* event) {
    m_facts->setVisible(width() >= Theme::instance().scaled(460));
    QFrame::resizeEvent(event);
}

}  // namespace conclave::ui
