// attachment_bar.h: the files that go with the next message, and those the chat still reads.
#pragma once

#include <QList>
#include <QString>
#include <QWidget>
#include <filesystem>
#include <utility>
#include <vector>

#include "app/services/services.h"

class QLabel;

namespace conclave::ui {

/// Chips in as many lines as they need; hidden while there are none.
class AttachmentBar : public QWidget {
    Q_OBJECT
public:
    explicit AttachmentBar(QWidget* parent);

    /// Files of the message that is being written.
    void setPending(const std::vector<std::filesystem::path>& files);
    /// Files of earlier messages that questions of this chat are still looked up in.
    /// Those that could not be read are marked and say why.
    void setKept(const std::vector<services::Document>& files);
    [[nodiscard]] int count() const { return static_cast<int>(m_chips.size()); }

signals:
    void openAsked(const QString& file);
    void pendingRemoved(const QString& file);
    void keptRemoved(const QString& file);

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void rebuild();
    /// `problem`: why the file could not be read, if so.
    QWidget* makeChip(const std::filesystem::path& file, bool isPending,
                      const QString& problem = {});
    void layOut();

    std::vector<std::filesystem::path> m_pending;
    std::vector<std::pair<std::filesystem::path, QString>> m_kept;  ///< with its problem
    QList<QWidget*> m_chips;
    QLabel* m_keptLabel;
};

}  // namespace conclave::ui
