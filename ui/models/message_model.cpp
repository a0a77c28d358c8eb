#include "ui/models/message_model.h"

#include <algorithm>

#include "ui/bridge.h"

namespace conclave::ui {

using services::Message;
using services::MessageId;

double decodeSpeed(const Message& message) {
    if (!message.details || services::listsPassages(*message.details)) return 0.0;
    const auto found = message.details->usage.find("decode_tps");
    return found != message.details->usage.end() && found->is_number() ? found->get<double>() : 0.0;
}

int MessageModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

QVariant MessageModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const Message& message = at(index.row());
    switch (role) {
        case Qt::DisplayRole:
        case Qt::AccessibleTextRole:
        case TextRole: return fromUtf8(message.text);
        case IdRole: return QVariant::fromValue<qlonglong>(message.id);
        case RoleRole: return static_cast<int>(message.role);
        case StateRole: return static_cast<int>(message.state);
        default: return {};
    }
}

void MessageModel::setTree(std::vector<Message> tree, std::optional<MessageId> leaf,
                           Attachments attachments) {
    beginResetModel();
    m_attachments = std::move(attachments);
    m_tree.clear();
    m_rows.clear();
    m_running.clear();
    for (Message& message : tree) {
        const MessageId id = message.id;
        if (message.state == services::MessageState::Streaming) m_running[id] = {};
        m_tree.emplace(id, std::move(message));
    }
    if (!leaf && !m_tree.empty()) leaf = m_tree.rbegin()->first;
    if (leaf) m_rows = path(*leaf);
    endResetModel();
}

void MessageModel::put(const Message& message, bool show) {
    const bool known = m_tree.contains(message.id);
    m_tree[message.id] = message;
    if (show) setRows(path(message.id));
    if (known) touch(message.id, TextRole);
    // A new sibling changes "1/2" of the ones that are shown.
    for (const MessageId sibling : siblings(message.id)) {
        if (sibling != message.id) touch(sibling, StateRole);
    }
}

void MessageModel::showBranch(MessageId leaf) {
    if (m_tree.contains(leaf)) setRows(path(leaf));
}

void MessageModel::setText(MessageId id, std::string text, double tokensPerSecond) {
    const auto found = m_tree.find(id);
    if (found == m_tree.end()) return;
    found->second.text = std::move(text);
    RunningAnswer& running = m_running[id];
    running.tokensPerSecond = tokensPerSecond;
    running.stage.kind = services::AnswerStage::Kind::Writing;
    touch(id, TextRole);
}

void MessageModel::setStage(MessageId id, const services::AnswerStage& stage) {
    if (!m_tree.contains(id)) return;
    m_running[id].stage = stage;
    touch(id, StateRole);
}

void MessageModel::setPassages(MessageId id, std::vector<services::StoredPassage> passages) {
    const auto found = m_tree.find(id);
    if (found == m_tree.end()) return;
    if (!found->second.details) found->second.details.emplace();
    found->second.details->passages = std::move(passages);
    touch(id, TextRole);
}

void MessageModel::setRunning(MessageId id, bool running) {
    if (running) {
        m_running[id] = {};
    } else {
        m_running.erase(id);
    }
    touch(id, StateRole);
}

void MessageModel::setAttachments(MessageId id, std::vector<std::filesystem::path> files) {
    if (!files.empty()) m_attachments[id] = std::move(files);
}

const std::vector<std::filesystem::path>& MessageModel::attachments(MessageId id) const {
    static const std::vector<std::filesystem::path> none;
    const auto found = m_attachments.find(id);
    return found == m_attachments.end() ? none : found->second;
}

const Message* MessageModel::find(MessageId id) const {
    const auto found = m_tree.find(id);
    return found == m_tree.end() ? nullptr : &found->second;
}

int MessageModel::rowOf(MessageId id) const {
    const auto found = std::find(m_rows.begin(), m_rows.end(), id);
    return found == m_rows.end() ? -1 : static_cast<int>(found - m_rows.begin());
}

const RunningAnswer* MessageModel::running(MessageId id) const {
    const auto found = m_running.find(id);
    return found == m_running.end() ? nullptr : &found->second;
}

std::vector<MessageId> MessageModel::siblings(MessageId id) const {
    std::vector<MessageId> result;
    const Message* message = find(id);
    if (!message) return result;
    for (const auto& [other, candidate] : m_tree) {
        if (candidate.parent == message->parent && candidate.role == message->role)
            result.push_back(other);
    }
    return result;
}

BranchPlace MessageModel::branchPlace(MessageId id) const {
    const std::vector<MessageId> all = siblings(id);
    const auto found = std::find(all.begin(), all.end(), id);
    return {static_cast<int>(found - all.begin()), static_cast<int>(all.size())};
}

std::optional<MessageId> MessageModel::siblingLeaf(MessageId id, int step) const {
    const std::vector<MessageId> all = siblings(id);
    const auto found = std::find(all.begin(), all.end(), id);
    const auto wanted = (found - all.begin()) + step;
    if (found == all.end() || wanted < 0 || wanted >= std::ssize(all)) return std::nullopt;
    return newestLeaf(all[static_cast<std::size_t>(wanted)]);
}

MessageId MessageModel::newestLeaf(MessageId id) const {
    // Ids grow with time and a child is newer than its parent, so one pass upwards is enough.
    for (const auto& [other, candidate] : m_tree) {
        if (candidate.parent == id) {
            MessageId newest = other;
            for (const auto& [later, sibling] : m_tree) {
                if (sibling.parent == id) newest = later;
            }
            return newestLeaf(newest);
        }
    }
    return id;
}

std::vector<MessageId> MessageModel::path(MessageId leaf) const {
    std::vector<MessageId> result;
    for (const Message* message = find(leaf); message;
         message = message->parent ? find(*message->parent) : nullptr) {
        if (std::find(result.begin(), result.end(), message->id) != result.end()) break;  // damaged
        if (message->role != services::Role::System) result.push_back(message->id);
    }
    std::reverse(result.begin(), result.end());
    return result;
}

void MessageModel::setRows(const std::vector<MessageId>& rows) {
    const auto [mine, wanted] =
        std::mismatch(m_rows.begin(), m_rows.end(), rows.begin(), rows.end());
    const int same = static_cast<int>(mine - m_rows.begin());
    const int before = static_cast<int>(m_rows.size());
    const int after = static_cast<int>(rows.size());
    if (same < before) {
        beginRemoveRows({}, same, before - 1);
        m_rows.resize(static_cast<std::size_t>(same));
        endRemoveRows();
    }
    if (same < after) {
        beginInsertRows({}, same, after - 1);
        m_rows = rows;
        endInsertRows();
    }
}

void MessageModel::touch(MessageId id, int role) {
    const int row = rowOf(id);
    if (row >= 0) emit dataChanged(index(row), index(row), {role});
}

}  // namespace conclave::ui
