// recall_card.h: the saved questions, each with the passage that search must find, and whether it
// does.
#pragma once

#include <QFrame>
#include <vector>

#include "app/services/services.h"

class QLabel;
class QPushButton;
class QVBoxLayout;

namespace conclave::ui {

/// Is not there as long as no question is kept.
class RecallCard : public QFrame {
    Q_OBJECT
public:
    RecallCard(services::Services& services, QWidget* parent);

    void reload();

signals:
    void failed(const conclave::Error& error);

private:
    void check();
    void showQuestions(const std::vector<services::RecallQuestion>& questions);
    void showReport(const services::RecallReport& report);
    void clearRows();
    /// `advice`: what to do about one that is missing; empty: it was found.
    void addRow(const services::RecallQuestion& question, const QString& verdict,
                const QString& advice);

    services::Services& m_services;
    QLabel* m_text;
    QPushButton* m_check;
    QVBoxLayout* m_rowColumn;
    std::vector<QWidget*> m_rows;
};

}  // namespace conclave::ui
