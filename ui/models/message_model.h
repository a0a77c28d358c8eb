// message_model.h: the branch of a chat that is shown, one row a message.
#pragma once

#include <QAbstractListModel>
#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "app/services/services.h"

namespace conclave::ui {

/// What an answer that is being made is at.
struct RunningAnswer {
    services::AnswerStage stage;
    double tokensPerSecond = 0.0;
    bool running = true;
};

/// Tokens a second that the model wrote it with; 0: no model wrote it, or that is not known.
[[nodiscard]] double decodeSpeed(const services::Message& message);

/// Where a message stands among its siblings.
struct BranchPlace {
    int index = 0;  ///< from 0
    int count = 1;
};

/// Holds the whole tree of one chat and lists the path from its root to the shown leaf. Changes
/// row by row; a reset happens only when another chat is opened.
class MessageModel : public QAbstractListModel {
    Q_OBJECT
public:
    enum Role { IdRole = Qt::UserRole + 1, RoleRole, TextRole, StateRole };

    using QAbstractListModel::QAbstractListModel;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;

    using Attachments = std::map<services::MessageId, std::vector<std::filesystem::path>>;

    /// Shows another chat, or nothing. `attachments`: the files that were sent with its messages.
    void setTree(std::vector<services::Message> tree, std::optional<services::MessageId> leaf,
                 Attachments attachments = {});
    /// Adds a message or replaces the one with its id; it becomes the leaf if `show`.
    void put(const services::Message& message, bool show);
    /// Shows the branch that ends in `leaf`.
    void showBranch(services::MessageId leaf);

    void setText(services::MessageId id, std::string text, double tokensPerSecond);
    void setStage(services::MessageId id, const services::AnswerStage& stage);
    void setPassages(services::MessageId id, std::vector<services::StoredPassage> passages);
    void setRunning(services::MessageId id, bool running);
    /// The files that were sent with a message; to be set before it is put.
    void setAttachments(services::MessageId id, std::vector<std::filesystem::path> files);
    /// Empty: none were sent with it.
    [[nodiscard]] const std::vector<std::filesystem::path>& attachments(
        services::MessageId id) const;

    [[nodiscard]] const services::Message& at(int row) const {
        return m_tree.at(m_rows[static_cast<std::size_t>(row)]);
    }
    [[nodiscard]] const services::Message* find(services::MessageId id) const;
    [[nodiscard]] int rowOf(services::MessageId id) const;  ///< -1: not shown
    [[nodiscard]] const RunningAnswer* running(services::MessageId id) const;
    [[nodiscard]] BranchPlace branchPlace(services::MessageId id) const;
    /// The leaf to show for the sibling `step` places on; none at the ends.
    [[nodiscard]] std::optional<services::MessageId> siblingLeaf(services::MessageId id,
                                                                 int step) const;
    /// The newest message below `id`, following the newest child each time.
    [[nodiscard]] services::MessageId newestLeaf(services::MessageId id) const;

private:
    [[nodiscard]] std::vector<services::MessageId> siblings(services::MessageId id) const;
    [[nodiscard]] std::vector<services::MessageId> path(services::MessageId leaf) const;
    void setRows(const std::vector<services::MessageId>& rows);
    void touch(services::MessageId id, int role);

    std::map<services::MessageId, services::Message> m_tree;
    std::vector<services::MessageId> m_rows;
    std::map<services::MessageId, RunningAnswer> m_running;
    Attachments m_attachments;
};

}  // namespace conclave::ui
