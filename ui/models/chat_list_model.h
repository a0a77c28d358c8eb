// chat_list_model.h: the sidebar's list: chats under Pinned, Today, Yesterday …, or what a search
// found in titles and messages.
#pragma once

#include <QAbstractListModel>
#include <QDate>
#include <optional>
#include <vector>

#include "app/services/services.h"

namespace conclave::ui {

class ChatListModel : public QAbstractListModel {
    Q_OBJECT
public:
    enum Role {
        KindRole = Qt::UserRole + 1,
        ChatRole,
        MessageRole,
        SnippetRole,
        PinnedRole,
        BusyRole
    };
    enum class Kind { Header, Chat, Hit };

    explicit ChatListModel(QObject* parent = nullptr);

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] Qt::ItemFlags flags(const QModelIndex& index) const override;
    /// Renaming in place: emits renamed().
    bool setData(const QModelIndex& index, const QVariant& value, int role) override;

    void setChats(std::vector<services::Chat> chats);
    /// Shows only chats with `words` in their title, and `hits` below them; empty words: all chats.
    void setSearch(const QString& words, std::vector<services::MessageHit> hits);
    /// Chats whose answer is being written.
    void setBusy(services::ChatId chat, bool busy);
    /// The day that sections count from; for tests. None: today.
    void setToday(std::optional<QDate> today);

    [[nodiscard]] const services::Chat* chat(services::ChatId id) const;
    [[nodiscard]] QModelIndex indexOf(services::ChatId id) const;
    [[nodiscard]] bool isSearching() const { return !m_words.isEmpty(); }
    [[nodiscard]] static QString titleOf(const services::Chat& chat);

signals:
    void renamed(qint64 chat, const QString& title);

private:
    struct Row {
        Kind kind = Kind::Header;
        QString text;
        QString snippet;
        services::ChatId chat = 0;
        services::MessageId message = 0;
        bool pinned = false;
        bool busy = false;
        friend bool operator==(const Row&, const Row&) = default;
    };

    void rebuild();
    [[nodiscard]] std::vector<Row> makeRows() const;

    std::vector<services::Chat> m_chats;
    std::vector<services::MessageHit> m_hits;
    std::vector<services::ChatId> m_busy;
    QString m_words;
    std::vector<Row> m_rows;
    std::optional<QDate> m_today;
};

}  // namespace conclave::ui
