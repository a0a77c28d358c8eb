#include "ui/models/chat_list_model.h"

#include <QDateTime>
#include <algorithm>

#include "ui/bridge.h"

namespace conclave::ui {

using services::Chat;
using services::ChatId;

namespace {

QDate dayOf(storage::Time time) {
    return QDateTime::fromMSecsSinceEpoch(time.time_since_epoch().count()).date();
}

}  // namespace

ChatListModel::ChatListModel(QObject* parent) : QAbstractListModel(parent) {}

int ChatListModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

QVariant ChatListModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const Row& row = m_rows[static_cast<std::size_t>(index.row())];
    switch (role) {
        case Qt::DisplayRole:
        case Qt::EditRole:
        case Qt::AccessibleTextRole: return row.text;
        case Qt::ToolTipRole: return row.kind == Kind::Header ? QVariant() : row.text;
        case KindRole: return static_cast<int>(row.kind);
        case ChatRole: return QVariant::fromValue<qlonglong>(row.chat);
        case MessageRole: return QVariant::fromValue<qlonglong>(row.message);
        case SnippetRole: return row.snippet;
        case PinnedRole: return row.pinned;
        case BusyRole: return row.busy;
        default: return {};
    }
}

Qt::ItemFlags ChatListModel::flags(const QModelIndex& index) const {
    if (!index.isValid()) return Qt::NoItemFlags;
    const Kind kind = m_rows[static_cast<std::size_t>(index.row())].kind;
    if (kind == Kind::Header) return Qt::ItemNeverHasChildren;
    Qt::ItemFlags flags = Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemNeverHasChildren;
    if (kind == Kind::Chat) flags |= Qt::ItemIsEditable;
    return flags;
}

bool ChatListModel::setData(const QModelIndex& index, const QVariant& value, int role) {
    if (!index.isValid() || role != Qt::EditRole) return false;
    Row& row = m_rows[static_cast<std::size_t>(index.row())];
    const QString title = value.toString().simplified();
    if (row.kind != Kind::Chat || title.isEmpty() || title == row.text) return false;
    row.text = title;
    for (Chat& chat : m_chats) {
        if (chat.id == row.chat) chat.title = title.toStdString();
    }
    emit dataChanged(index, index);
    emit renamed(row.chat, title);
    return true;
}

void ChatListModel::setChats(std::vector<Chat> chats) {
    m_chats = std::move(chats);
    rebuild();
}

void ChatListModel::setSearch(const QString& words, std::vector<services::MessageHit> hits) {
    m_words = words.trimmed();
    m_hits = std::move(hits);
    rebuild();
}

void ChatListModel::setBusy(ChatId chat, bool busy) {
    std::erase(m_busy, chat);
    if (busy) m_busy.push_back(chat);
    rebuild();
}

void ChatListModel::setToday(std::optional<QDate> today) {
    m_today = today;
    rebuild();
}

const Chat* ChatListModel::chat(ChatId id) const {
    const auto found =
        std::find_if(m_chats.begin(), m_chats.end(), [&](const Chat& c) { return c.id == id; });
    return found == m_chats.end() ? nullptr : &*found;
}

QModelIndex ChatListModel::indexOf(ChatId id) const {
    for (std::size_t i = 0; i < m_rows.size(); ++i) {
        if (m_rows[i].kind == Kind::Chat && m_rows[i].chat == id) return index(static_cast<int>(i));
    }
    return {};
}

QString ChatListModel::titleOf(const Chat& chat) {
    return chat.title.empty() ? tr("New chat") : fromUtf8(chat.title);
}

std::vector<ChatListModel::Row> ChatListModel::makeRows() const {
    std::vector<Row> rows;
    const auto busy = [&](ChatId id) {
        return std::find(m_busy.begin(), m_busy.end(), id) != m_busy.end();
    };
    const auto chatRow = [&](const Chat& chat) {
        return Row{Kind::Chat, titleOf(chat), {}, chat.id, 0, chat.pinned, busy(chat.id)};
    };
    const auto header = [&](const QString& text) {
        rows.push_back({Kind::Header, text, {}, 0, 0, false, false});
    };

    if (!m_words.isEmpty()) {
        std::vector<Row> titles;
        for (const Chat& chat : m_chats) {
            if (titleOf(chat).contains(m_words, Qt::CaseInsensitive))
                titles.push_back(chatRow(chat));
        }
        if (!titles.empty()) header(tr("Chats"));
        rows.insert(rows.end(), titles.begin(), titles.end());
        if (!m_hits.empty()) header(tr("Messages"));
        for (const services::MessageHit& hit : m_hits) {
            rows.push_back(
                {Kind::Hit, hit.chatTitle.empty() ? tr("New chat") : fromUtf8(hit.chatTitle),
                 fromUtf8(hit.snippet).simplified(), hit.chat, hit.message, false, false});
        }
        if (rows.empty()) header(tr("Nothing found"));
        return rows;
    }

    std::vector<const Chat*> sorted;
    for (const Chat& chat : m_chats) sorted.push_back(&chat);
    std::stable_sort(sorted.begin(), sorted.end(), [](const Chat* a, const Chat* b) {
        return a->pinned != b->pinned ? a->pinned : a->updated > b->updated;
    });
    const QDate today = m_today.value_or(QDate::currentDate());
    QString section;
    for (const Chat* chat : sorted) {
        const qint64 age = dayOf(chat->updated).daysTo(today);
        const QString own = chat->pinned ? tr("Pinned")
                            : age <= 0   ? tr("Today")
                            : age == 1   ? tr("Yesterday")
                            : age <= 7   ? tr("Previous 7 days")
                                         : tr("Older");
        if (own != section) header(own);
        section = own;
        rows.push_back(chatRow(*chat));
    }
    return rows;
}

void ChatListModel::rebuild() {
    const std::vector<Row> next = makeRows();
    const auto same = [](const Row& a, const Row& b) {
        return a.kind == b.kind && a.chat == b.chat && a.message == b.message &&
               (a.kind != Kind::Header || a.text == b.text);
    };
    const auto limit = std::min(m_rows.size(), next.size());
    std::size_t front = 0;
    while (front < limit && same(m_rows[front], next[front])) ++front;
    std::size_t back = 0;
    while (back < limit - front &&
           same(m_rows[m_rows.size() - 1 - back], next[next.size() - 1 - back]))
        ++back;

    const auto offset = [](std::size_t n) { return static_cast<std::ptrdiff_t>(n); };
    if (m_rows.size() > front + back) {
        beginRemoveRows({}, static_cast<int>(front), static_cast<int>(m_rows.size() - back) - 1);
        m_rows.erase(m_rows.begin() + offset(front), m_rows.end() - offset(back));
        endRemoveRows();
    }
    if (next.size() > front + back) {
        beginInsertRows({}, static_cast<int>(front), static_cast<int>(next.size() - back) - 1);
        m_rows.insert(m_rows.begin() + offset(front), next.begin() + offset(front),
                      next.end() - offset(back));
        endInsertRows();
    }
    for (std::size_t i = 0; i < next.size(); ++i) {
        if (m_rows[i] == next[i]) continue;
        m_rows[i] = next[i];
        emit dataChanged(index(static_cast<int>(i)), index(static_cast<int>(i)));
    }
}

}  // namespace conclave::ui
