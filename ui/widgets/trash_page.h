// trash_page.h: deleted chats, to be restored or forgotten for good.
#pragma once

#include <QWidget>
#include <vector>

#include "app/services/services.h"

class QLabel;
class QPushButton;
class QVBoxLayout;

namespace conclave::ui {

class TrashPage : public QWidget {
    Q_OBJECT
public:
    TrashPage(services::ChatService& chats, QWidget* parent);

    /// Reads what is in the trash.
    void reload();
    [[nodiscard]] int count() const { return static_cast<int>(m_shown.size()); }

signals:
    void restored(qint64 chat);
    void failed(const conclave::Error& error);

private:
    void show(const std::vector<services::DeletedChat>& deleted);
    QWidget* makeRow(const services::DeletedChat& deleted);
    void restore(services::ChatId chat);
    void forget(std::vector<services::ChatId> chats, const QString& question);

    services::ChatService& m_chats;
    QVBoxLayout* m_column;
    QLabel* m_empty;
    QPushButton* m_emptyAll;
    std::vector<QWidget*> m_rows;
    std::vector<services::ChatId> m_shown;
};

}  // namespace conclave::ui
