#include "ui/widgets/trash_page.h"

#include <QDateTime>
#include <QLabel>
#include <QLocale>
#include <QMessageBox>
#include <QPushButton>
#include <QScrollArea>
#include <QVBoxLayout>

#include "ui/bridge.h"
#include "ui/models/chat_list_model.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

using services::ChatId;
using services::DeletedChat;

namespace {

QString dayOf(const DeletedChat& chat) {
    const QDateTime when = QDateTime::fromMSecsSinceEpoch(chat.deleted.time_since_epoch().count());
    const qint64 days = when.date().daysTo(QDate::currentDate());
    if (days <= 0) return TrashPage::tr("Deleted today");
    if (days == 1) return TrashPage::tr("Deleted yesterday");
    return TrashPage::tr("Deleted on %1").arg(QLocale().toString(when.date(), QLocale::LongFormat));
}

}  // namespace

TrashPage::TrashPage(services::ChatService& chats, QWidget* parent)
    : QWidget(parent),
      m_chats(chats),
      m_empty(makeLabel(tr("The trash is empty."), TextSize::Message, this, true)),
      m_emptyAll(makeButton(tr("Empty the trash…"), this)) {
    setObjectName(QStringLiteral("page"));
    setFocusPolicy(Qt::StrongFocus);
    auto* outer = new QVBoxLayout(this);
    outer->setContentsMargins(0, 0, 0, 0);
    auto* scroll = makeScrollingPage(this);
    m_column = makeReadingColumn(scroll, 8);
    QWidget* box = m_column->parentWidget();
    outer->addWidget(scroll);

    auto* top = new QHBoxLayout;
    top->addWidget(makeLabel(tr("Trash"), TextSize::Display, box, false, QFont::DemiBold), 1);
    top->addWidget(m_emptyAll);
    m_column->addLayout(top);
    QLabel* text = makeLabel(tr("Deleted chats stay here for 30 days, then they are forgotten."),
                             TextSize::Body, box, true);
    text->setWordWrap(true);
    m_column->addWidget(text);
    m_column->addSpacing(8);
    m_column->addWidget(m_empty);
    m_column->addStretch();
    m_emptyAll->setEnabled(false);
    connect(m_emptyAll, &QPushButton::clicked, this, [this] {
        forget(m_shown,
               counted(count(), tr("Delete this chat for good?"), tr("Delete %1 chats for good?")));
    });
}

void TrashPage::reload() {
    using Deleted = std::vector<DeletedChat>;
    m_chats.trash(onGui<Deleted>(this, [this](Result<Deleted> deleted) {
        if (deleted) {
            show(*deleted);
        } else {
            emit failed(deleted.error());
        }
    }));
}

void TrashPage::show(const std::vector<DeletedChat>& deleted) {
    for (QWidget* row : m_rows) {
        // A button of this very row may have asked for it.
        row->hide();
        row->deleteLater();
    }
    m_rows.clear();
    m_shown.clear();
    for (const DeletedChat& each : deleted) {
        QWidget* row = makeRow(each);
        m_column->insertWidget(m_column->count() - 1, row);
        m_rows.push_back(row);
        m_shown.push_back(each.chat.id);
    }
    m_empty->setVisible(deleted.empty());
    m_emptyAll->setEnabled(!deleted.empty());
}

QWidget* TrashPage::makeRow(const DeletedChat& deleted) {
    auto* card = new QFrame(this);
    card->setObjectName(QStringLiteral("card"));
    auto* row = new QHBoxLayout(card);
    row->setContentsMargins(16, 10, 12, 10);
    row->setSpacing(8);
    auto* words = new QVBoxLayout;
    words->setSpacing(2);
    const QString name = ChatListModel::titleOf(deleted.chat);
    auto* title = new ElidedLabel(name, card);
    onTheme(title,
            [title] { title->setFont(Theme::instance().font(TextSize::Body, QFont::DemiBold)); });
    words->addWidget(title);
    words->addWidget(makeLabel(dayOf(deleted), TextSize::Caption, card, true));
    row->addLayout(words, 1);
    const ChatId id = deleted.chat.id;
    QPushButton* back = makeButton(tr("Restore"), card);
    back->setAccessibleName(tr("Restore “%1”").arg(name));
    connect(back, &QPushButton::clicked, this, [this, id] { restore(id); });
    QToolButton* forgetIt = makeIconButton(Icon::Trash, tr("Delete for good"), card);
    forgetIt->setAccessibleName(tr("Delete “%1” for good").arg(name));
    connect(forgetIt, &QToolButton::clicked, this,
            [this, id, name] { forget({id}, tr("Delete “%1” for good?").arg(name.left(80))); });
    row->addWidget(back);
    row->addWidget(forgetIt);
    return card;
}

void TrashPage::restore(ChatId chat) {
    m_chats.restore(chat, onGui<void>(this, [this, chat](Result<void> result) {
                        if (result) {
                            emit restored(chat);
                        } else {
                            emit failed(result.error());
                        }
                        reload();
                    }));
}

void TrashPage::forget(std::vector<ChatId> chats, const QString& question) {
    QMessageBox box(QMessageBox::Warning, tr("Delete for good"), question, QMessageBox::Cancel,
                    window());
    box.setInformativeText(
        tr("Its messages, and what was read of its attached files, cannot be brought back."));
    QPushButton* confirm = box.addButton(tr("Delete for good"), QMessageBox::DestructiveRole);
    box.setDefaultButton(QMessageBox::Cancel);
    box.exec();
    if (box.clickedButton() != confirm) return;
    for (const ChatId chat : chats) {
        const bool isLast = chat == chats.back();
        m_chats.removeForGood(chat, onGui<void>(this, [this, isLast](Result<void> result) {
                                  if (!result) emit failed(result.error());
                                  if (isLast) reload();
                              }));
    }
}

}  // namespace conclave::ui
