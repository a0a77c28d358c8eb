// filter_panel.h: where one says which documents are searched: their types, days and names.
#pragma once

#include <QFrame>
#include <QList>
#include <vector>

#include "app/services/services.h"

class QLabel;
class QLineEdit;
class QPushButton;
class QToolButton;

namespace conclave::ui {

/// Opens above a button; what is chosen holds at once. Esc or a click elsewhere closes it.
class FilterPanel : public QFrame {
    Q_OBJECT
public:
    explicit FilterPanel(QWidget* parent);

    void openAt(QWidget* button, const services::DocumentFilter& filter);
    void setFilter(const services::DocumentFilter& filter);
    /// All that can be searched: their types are offered, and it is told how many a filter leaves.
    void setDocuments(std::vector<services::Document> documents);

signals:
    void changed(const conclave::services::DocumentFilter& filter);

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    QWidget* makeDays();
    void rebuildTypes();
    void choose(const QString& type, bool isChosen);
    void takeDays();
    void setDays(const std::string& since, const std::string& until);
    void takeNames();
    void apply();
    void showState();
    void place();

    services::DocumentFilter m_filter;
    std::vector<services::Document> m_documents;
    bool m_areKnown = false;  ///< the documents
    QWidget* m_anchor = nullptr;
    QWidget* m_types;
    QList<QWidget*> m_typeChips;
    QList<QToolButton*> m_spans;  ///< any time, the last days
    QLineEdit* m_since;
    QLineEdit* m_until;
    QLabel* m_dayProblem;
    QLineEdit* m_names;
    QLabel* m_count;
    QPushButton* m_clear;
};

}  // namespace conclave::ui
