#include "ui/models/collection_model.h"

#include <algorithm>

#include "ui/bridge.h"

namespace conclave::ui {

using services::Collection;
using services::CollectionId;
using services::IndexProgress;

int CollectionModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

QVariant CollectionModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const Row& row = m_rows[static_cast<std::size_t>(index.row())];
    switch (role) {
        case Qt::DisplayRole:
        case Qt::AccessibleTextRole: return fromUtf8(row.collection.name);
        case IdRole: return QVariant::fromValue<qlonglong>(row.collection.id);
        case DocumentsRole: return row.collection.nDocuments;
        case FailedRole: return row.collection.nFailed;
        case RunningRole:
            return row.progress && row.progress->state != IndexProgress::State::Paused;
        case ProgressRole:
            return row.progress && row.progress->filesTotal > 0
                       ? static_cast<double>(row.progress->filesDone) / row.progress->filesTotal
                       : 0.0;
        default: return {};
    }
}

int CollectionModel::rowOf(CollectionId id) const {
    for (std::size_t i = 0; i < m_rows.size(); ++i) {
        if (m_rows[i].collection.id == id) return static_cast<int>(i);
    }
    return -1;
}

void CollectionModel::setCollections(std::vector<Collection> collections) {
    const auto listed = [&](CollectionId id) {
        return std::any_of(collections.begin(), collections.end(),
                           [&](const Collection& c) { return c.id == id; });
    };
    for (int row = rowCount() - 1; row >= 0; --row) {
        if (listed(at(row).id)) continue;
        beginRemoveRows({}, row, row);
        m_rows.erase(m_rows.begin() + row);
        endRemoveRows();
    }
    for (Collection& collection : collections) {
        const int row = rowOf(collection.id);
        if (row < 0) {
            const int end = rowCount();
            beginInsertRows({}, end, end);
            m_rows.push_back({std::move(collection), {}});
            endInsertRows();
        } else {
            m_rows[static_cast<std::size_t>(row)].collection = std::move(collection);
            emit dataChanged(index(row), index(row));
        }
    }
}

void CollectionModel::setProgress(const IndexProgress& progress) {
    const int row = rowOf(progress.collection);
    if (row < 0) return;
    const bool isOver = progress.state == IndexProgress::State::Done ||
                        progress.state == IndexProgress::State::Stopped ||
                        progress.state == IndexProgress::State::Failed;
    m_rows[static_cast<std::size_t>(row)].progress =
        isOver ? std::nullopt : std::optional(progress);
    emit dataChanged(index(row), index(row), {ProgressRole, RunningRole});
}

}  // namespace conclave::ui
