#include "ui/widgets/sidebar.h"

#include <QClipboard>
#include <QCursor>
#include <QGuiApplication>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QMenu>
#include <QMouseEvent>
#include <QPainter>
#include <QPushButton>
#include <QStyledItemDelegate>
#include <QTextLayout>
#include <QTimer>
#include <QVBoxLayout>

#include "ui/bridge.h"
#include "ui/chat_text.h"
#include "ui/models/chat_list_model.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

using services::ChatId;

namespace {

constexpr int kSearchDelayMs = 150;
constexpr int kMostHits = 40;
const QChar kMatchBegin(0xE000);
const QChar kMatchEnd(0xE001);

/// Where a row under the mouse has its menu.
QRect menuPlace(const QRect& row) {
    const int side = Theme::instance().scaled(26);
    return {row.right() - side - 3, row.center().y() - side / 2 + 1, side, side};
}

/// Draws section names, chats, and hits with what was found marked.
class ChatDelegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    [[nodiscard]] QSize sizeHint(const QStyleOptionViewItem&,
                                 const QModelIndex& index) const override {
        const Theme& theme = Theme::instance();
        switch (kindOf(index)) {
            case ChatListModel::Kind::Header: return {0, theme.scaled(index.row() == 0 ? 28 : 38)};
            case ChatListModel::Kind::Chat: return {0, theme.scaled(34)};
            case ChatListModel::Kind::Hit: return {0, theme.scaled(56)};
        }
        return {};
    }

    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override {
        const Theme& theme = Theme::instance();
        const Colors& c = theme.colors();
        const int pad = theme.scaled(10);
        painter->save();
        painter->setRenderHint(QPainter::Antialiasing);
        const QRect row = option.rect.adjusted(0, 1, 0, -1);
        if (kindOf(index) == ChatListModel::Kind::Header) {
            painter->setFont(theme.font(TextSize::Caption, QFont::DemiBold));
            painter->setPen(c.muted);
            painter->drawText(row.adjusted(pad, 0, -pad, -theme.scaled(4)),
                              Qt::AlignLeft | Qt::AlignBottom, index.data().toString());
            painter->restore();
            return;
        }
        const bool selected = option.state & QStyle::State_Selected;
        const bool hovered = option.state & QStyle::State_MouseOver;
        if (selected || hovered) {
            painter->setPen(Qt::NoPen);
            painter->setBrush(selected ? c.selected : c.hover);
            painter->drawRoundedRect(row, space::kRadius, space::kRadius);
        }
        if ((option.state & QStyle::State_HasFocus) &&
            (option.state & QStyle::State_KeyboardFocusChange)) {
            painter->setPen(c.accent);
            painter->setBrush(Qt::NoBrush);
            painter->drawRoundedRect(QRectF(row).adjusted(0.5, 0.5, -0.5, -0.5), space::kRadius,
                                     space::kRadius);
        }
        QRect text = row.adjusted(pad, 0, -pad, 0);
        const int iconSize = theme.scaled(14);
        const qreal scale = painter->device()->devicePixelRatioF();
        if (hovered && kindOf(index) == ChatListModel::Kind::Chat) {
            const QRect place = menuPlace(option.rect);
            const QPoint mouse = option.widget->mapFromGlobal(QCursor::pos());
            const bool isAimedAt = place.contains(mouse);
            painter->drawPixmap(
                place.center().x() - iconSize / 2, place.center().y() - iconSize / 2,
                iconPixmap(Icon::More, isAimedAt ? c.text : c.muted, iconSize, scale));
            text.setRight(place.left() - theme.scaled(4));
        } else if (index.data(ChatListModel::BusyRole).toBool()) {
            painter->setPen(Qt::NoPen);
            painter->setBrush(c.accent);
            painter->drawEllipse(QPointF(text.right() - 4, text.center().y() + 1), 4, 4);
            text.setRight(text.right() - theme.scaled(16));
        } else if (index.data(ChatListModel::PinnedRole).toBool()) {
            painter->drawPixmap(text.right() - iconSize, text.center().y() - iconSize / 2,
                                iconPixmap(Icon::Pin, c.muted, iconSize, scale));
            text.setRight(text.right() - iconSize - theme.scaled(6));
        }
        painter->setFont(theme.font(TextSize::Body, selected ? QFont::Medium : QFont::Normal));
        painter->setPen(c.text);
        if (kindOf(index) == ChatListModel::Kind::Hit) {
            const QRect title(text.left(), text.top() + theme.scaled(6), text.width(),
                              theme.scaled(20));
            painter->drawText(title, Qt::AlignLeft | Qt::AlignVCenter,
                              painter->fontMetrics().elidedText(index.data().toString(),
                                                                Qt::ElideRight, title.width()));
            paintSnippet(painter,
                         QRect(text.left(), title.bottom(), text.width(), theme.scaled(22)),
                         index.data(ChatListModel::SnippetRole).toString());
        } else {
            painter->drawText(text, Qt::AlignLeft | Qt::AlignVCenter,
                              painter->fontMetrics().elidedText(index.data().toString(),
                                                                Qt::ElideRight, text.width()));
        }
        painter->restore();
    }

    void updateEditorGeometry(QWidget* editor, const QStyleOptionViewItem& option,
                              const QModelIndex&) const override {
        editor->setGeometry(option.rect);
    }

private:
    static ChatListModel::Kind kindOf(const QModelIndex& index) {
        return static_cast<ChatListModel::Kind>(index.data(ChatListModel::KindRole).toInt());
    }

    /// One line that shows the first match, with the matches on a marked ground.
    static void paintSnippet(QPainter* painter, const QRect& area, QString snippet) {
        const Theme& theme = Theme::instance();
        const qsizetype first = snippet.indexOf(kMatchBegin);
        if (first > 24) snippet = QStringLiteral("…") + snippet.mid(first - 20);
        QList<QTextLayout::FormatRange> ranges;
        QString plain;
        qsizetype begin = -1;
        for (const QChar c : snippet) {
            if (c == kMatchBegin) {
                begin = plain.size();
            } else if (c == kMatchEnd) {
                QTextCharFormat format;
                format.setBackground(theme.colors().mark);
                format.setForeground(theme.colors().text);
                if (begin >= 0)
                    ranges.append(
                        {static_cast<int>(begin), static_cast<int>(plain.size() - begin), format});
                begin = -1;
            } else {
                plain += c;
            }
        }
        QTextLayout layout(plain, theme.font(TextSize::Small));
        layout.setFormats(ranges);
        layout.beginLayout();
        QTextLine line = layout.createLine();
        line.setLineWidth(area.width());
        layout.endLayout();
        painter->setPen(theme.colors().muted);
        layout.draw(painter, area.topLeft());
    }
};

}  // namespace

Sidebar::Sidebar(services::Services& services, QWidget* parent)
    : QWidget(parent),
      m_services(services),
      m_model(new ChatListModel(this)),
      m_search(new QLineEdit(this)),
      m_list(new QListView(this)),
      m_empty(makeLabel(tr("Your chats will be listed here."), TextSize::Small, this, true)),
      m_searchTimer(new QTimer(this)) {
    setObjectName(QStringLiteral("sidebar"));
    setAttribute(Qt::WA_StyledBackground);
    setMinimumWidth(200);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(10, 10, 10, 10);
    column->setSpacing(6);

    const auto sideButton = [this](Icon shape, const QString& text, const QString& shortcut) {
        QPushButton* button = makeButton(text, this, "side");
        button->setToolTip(shortcut);
        onTheme(button, [button, shape] {
            button->setIcon(icon(shape, colors().text));
            const int size = Theme::instance().scaled(18);
            button->setIconSize({size, size});
        });
        return button;
    };
    QPushButton* newChat = sideButton(Icon::NewChat, tr("New chat"), QStringLiteral("Ctrl+N"));
    connect(newChat, &QPushButton::clicked, this, &Sidebar::newChatAsked);

    m_search->setPlaceholderText(tr("Search chats and messages"));
    m_search->setAccessibleName(tr("Search chats and messages"));
    m_search->setClearButtonEnabled(true);
    m_search->installEventFilter(this);
    auto* glass = m_search->addAction(QIcon(), QLineEdit::LeadingPosition);
    onTheme(m_search, [glass] { glass->setIcon(icon(Icon::Search, colors().muted)); });

    m_list->setObjectName(QStringLiteral("chats"));
    m_list->setModel(m_model);
    m_list->setItemDelegate(new ChatDelegate(m_list));
    m_list->setMouseTracking(true);
    m_list->setUniformItemSizes(false);
    m_list->setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    m_list->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_list->setEditTriggers(QAbstractItemView::EditKeyPressed);
    m_list->setContextMenuPolicy(Qt::CustomContextMenu);
    m_list->setAccessibleName(tr("Chats"));
    m_list->installEventFilter(this);
    m_list->viewport()->installEventFilter(this);
    connect(m_list, &QListView::clicked, this, &Sidebar::openIndex);
    connect(m_list, &QListView::activated, this, &Sidebar::openIndex);
    connect(m_list, &QListView::customContextMenuRequested, this, &Sidebar::showMenu);
    connect(&Theme::instance(), &Theme::changed, m_list, [this] { m_list->doItemsLayout(); });

    m_documents = sideButton(Icon::Folder, tr("Documents"), tr("Collections of documents to ask"));
    m_documents->setCheckable(true);
    connect(m_documents, &QPushButton::clicked, this, &Sidebar::documentsAsked);
    m_trash = sideButton(Icon::Trash, tr("Trash"), tr("Deleted chats, to be restored"));
    m_trash->setCheckable(true);
    connect(m_trash, &QPushButton::clicked, this, &Sidebar::trashAsked);
    QPushButton* settings = sideButton(Icon::Settings, tr("Settings"), QStringLiteral("Ctrl+,"));
    connect(settings, &QPushButton::clicked, this, &Sidebar::settingsAsked);

    column->addWidget(newChat);
    column->addWidget(m_search);
    column->addWidget(m_empty);
    column->addWidget(m_list, 1);
    column->addWidget(makeLine(this));
    column->addWidget(m_documents);
    column->addWidget(m_trash);
    column->addWidget(settings);

    m_searchTimer->setSingleShot(true);
    m_searchTimer->setInterval(kSearchDelayMs);
    connect(m_searchTimer, &QTimer::timeout, this, &Sidebar::search);
    connect(m_search, &QLineEdit::textChanged, this, [this](const QString& words) {
        m_model->setSearch(words, {});
        ++m_searchNumber;
        m_searchTimer->start();
        setCurrent(m_current);
    });
    m_empty->setWordWrap(true);
    m_empty->setContentsMargins(10, 6, 10, 0);
    m_empty->hide();  // until it is known
    connect(m_model, &ChatListModel::renamed, this, [this](qint64 chat, const QString& title) {
        m_services.chats().rename(chat, title.toStdString(),
                                  onGui<void>(this, [this](Result<void> result) {
                                      if (!result) emit failed(result.error());
                                      reload();
                                  }));
        emit titleChanged();
    });
}

void Sidebar::reload() {
    m_services.chats().list(
        onGui<std::vector<services::Chat>>(this, [this](Result<std::vector<services::Chat>> chats) {
            if (!chats) {
                emit failed(chats.error());
                return;
            }
            m_empty->setVisible(chats->empty());
            m_model->setChats(std::move(*chats));
            setCurrent(m_current);
            emit titleChanged();
        }));
}

void Sidebar::setCurrent(std::optional<ChatId> chat) {
    m_current = chat;
    // Beside another page the shown chat is not what is open.
    const bool isOpen = chat && m_page == Page::Chat;
    const QModelIndex index = isOpen ? m_model->indexOf(*chat) : QModelIndex();
    if (index.isValid()) {
        m_list->setCurrentIndex(index);
    } else {
        m_list->setCurrentIndex({});
        m_list->clearSelection();
    }
}

void Sidebar::setBusy(ChatId chat, bool busy) { m_model->setBusy(chat, busy); }

void Sidebar::focusSearch() {
    m_search->setFocus(Qt::ShortcutFocusReason);
    m_search->selectAll();
}

void Sidebar::renameCurrent() {
    if (!m_current) return;
    const QModelIndex index = m_model->indexOf(*m_current);
    if (!index.isValid()) return;
    m_list->scrollTo(index);
    m_list->setCurrentIndex(index);
    m_list->edit(index);
}

void Sidebar::removeCurrent() {
    if (m_current) remove(*m_current);
}

void Sidebar::setPage(Page page) {
    m_page = page;
    m_documents->setChecked(page == Page::Documents);
    m_trash->setChecked(page == Page::Trash);
    setCurrent(m_current);
}

void Sidebar::openIndex(const QModelIndex& index) {
    const qint64 chat = index.data(ChatListModel::ChatRole).toLongLong();
    if (chat) emit chatAsked(chat, index.data(ChatListModel::MessageRole).toLongLong());
}

void Sidebar::search() {
    const QString words = m_search->text().trimmed();
    if (words.isEmpty()) return;
    const int number = m_searchNumber;
    m_services.chats().search(words.toStdString(), kMostHits,
                              onGui<std::vector<services::MessageHit>>(
                                  this, [=, this](Result<std::vector<services::MessageHit>> hits) {
                                      if (number == m_searchNumber && hits)
                                          m_model->setSearch(words, std::move(*hits));
                                  }));
}

void Sidebar::remove(ChatId chat) {
    const services::Chat* known = m_model->chat(chat);
    const QString title = known ? ChatListModel::titleOf(*known) : QString();
    m_services.chats().remove(chat, onGui<void>(this, [=, this](Result<void> result) {
                                  if (!result) {
                                      emit failed(result.error());
                                      return;
                                  }
                                  reload();
                                  search();  // it must not stay among the results
                                  emit chatRemoved(chat, title);
                              }));
}

void Sidebar::pin(ChatId chat, bool pinned) {
    m_services.chats().pin(chat, pinned, onGui<void>(this, [this](Result<void> result) {
                               if (!result) emit failed(result.error());
                               reload();
                           }));
}

void Sidebar::copyAsMarkdown(ChatId chat) {
    m_services.chats().load(
        chat, onGui<services::ChatView>(this, [this](const Result<services::ChatView>& view) {
            if (!view) {
                emit failed(view.error());
                return;
            }
            QGuiApplication::clipboard()->setText(fromUtf8(chatAsMarkdown(*view)));
            emit notice(tr("The chat was copied, with its sources"));
        }));
}

void Sidebar::showMenu(const QPoint& position) {
    const QModelIndex index = m_list->indexAt(position);
    const ChatId chat = index.data(ChatListModel::ChatRole).toLongLong();
    const services::Chat* known = m_model->chat(chat);
    if (!known) return;
    const bool pinned = known->pinned;
    const QColor color = colors().muted;
    QMenu menu(this);
    QAction* rename = menu.addAction(icon(Icon::Edit, color), tr("Rename") + "\tF2", this,
                                     [this, chat] { m_list->edit(m_model->indexOf(chat)); });
    rename->setEnabled(m_model->indexOf(chat).isValid());
    menu.addAction(icon(Icon::Pin, color), pinned ? tr("Unpin") : tr("Pin"), this,
                   [=, this] { pin(chat, !pinned); });
    menu.addAction(icon(Icon::Copy, color), tr("Copy as Markdown"), this,
                   [=, this] { copyAsMarkdown(chat); });
    menu.addSeparator();
    menu.addAction(icon(Icon::Trash, colors().danger), tr("Delete"), this,
                   [=, this] { remove(chat); });
    menu.exec(m_list->viewport()->mapToGlobal(position));
}

/// Of the chat at the place; under the mouse each has its sign.
bool Sidebar::openMenuAt(const QPoint& position) {
    const QModelIndex index = m_list->indexAt(position);
    const bool isChat =
        index.data(ChatListModel::KindRole).toInt() == static_cast<int>(ChatListModel::Kind::Chat);
    if (!isChat || !menuPlace(m_list->visualRect(index)).contains(position)) return false;
    showMenu(position);
    return true;
}

bool Sidebar::eventFilter(QObject* object, QEvent* event) {
    if (object == m_list->viewport()) {
        const auto isLeft = [&] {
            return static_cast<QMouseEvent*>(event)->button() == Qt::LeftButton;
        };
        if (event->type() == QEvent::MouseButtonPress && isLeft()) {
            return openMenuAt(static_cast<QMouseEvent*>(event)->pos());
        }
        if (event->type() == QEvent::MouseMove) m_list->viewport()->update();  // the sign's colour
        return false;
    }
    // Else the window's Esc, which stops an answer, would take it.
    if (object == m_search && event->type() == QEvent::ShortcutOverride &&
        static_cast<QKeyEvent*>(event)->key() == Qt::Key_Escape && !m_search->text().isEmpty()) {
        event->accept();
        return true;
    }
    if (event->type() == QEvent::KeyPress) {
        const auto* key = static_cast<QKeyEvent*>(event);
        if (object == m_search && key->key() == Qt::Key_Escape) {
            m_search->clear();
            return true;
        }
        if (object == m_search && (key->key() == Qt::Key_Down || key->key() == Qt::Key_Return)) {
            for (int row = 0; row < m_model->rowCount(); ++row) {
                const QModelIndex index = m_model->index(row);
                if (!(index.flags() & Qt::ItemIsSelectable)) continue;
                if (key->key() == Qt::Key_Return) {
                    openIndex(index);
                } else {
                    m_list->setFocus(Qt::ShortcutFocusReason);
                    m_list->setCurrentIndex(index);
                }
                return true;
            }
        }
        if (object == m_list && key->key() == Qt::Key_Delete) {
            const ChatId chat = m_list->currentIndex().data(ChatListModel::ChatRole).toLongLong();
            if (chat) remove(chat);
            return true;
        }
    }
    return QWidget::eventFilter(object, event);
}

}  // namespace conclave::ui
