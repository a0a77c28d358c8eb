// collection_model.h: the collections with what is happening to each.
#pragma once

#include <QAbstractListModel>
#include <optional>
#include <vector>

#include "app/services/services.h"

namespace conclave::ui {

class CollectionModel : public QAbstractListModel {
    Q_OBJECT
public:
    enum Role { IdRole = Qt::UserRole + 1, DocumentsRole, FailedRole, ProgressRole, RunningRole };

    using QAbstractListModel::QAbstractListModel;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;

    /// Rows that stay keep their place; changed ones are announced one by one.
    void setCollections(std::vector<services::Collection> collections);
    void setProgress(const services::IndexProgress& progress);

    [[nodiscard]] const services::Collection& at(int row) const {
        return m_rows[static_cast<std::size_t>(row)].collection;
    }
    /// What runs for this row now, or waits while reading is paused; none when nothing does.
    [[nodiscard]] const std::optional<services::IndexProgress>& progress(int row) const {
        return m_rows[static_cast<std::size_t>(row)].progress;
    }
    [[nodiscard]] int rowOf(services::CollectionId id) const;

private:
    struct Row {
        services::Collection collection;
        std::optional<services::IndexProgress> progress;
    };
    std::vector<Row> m_rows;
};

}  // namespace conclave::ui
