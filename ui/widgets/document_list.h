// document_list.h: the documents of a collection, to be searched through and put in order.
#pragma once

#include <QWidget>
#include <optional>
#include <vector>

#include "ui/widgets/document_row.h"

class QComboBox;
class QLabel;
class QLineEdit;
class QPushButton;
class QVBoxLayout;

namespace conclave::ui {

/// Shows a hundred at a time, since rows for ten thousand would make the window wait. Up and Down
/// go from row to row.
class DocumentList : public QWidget {
    Q_OBJECT
public:
    explicit DocumentList(QWidget* parent);

    /// Takes the place of what was shown; what is typed, the order and the focus stay.
    void setLines(std::vector<DocumentLine> lines);
    /// The cursor goes into the field that finds a document, which few documents do without else.
    void openFind();

signals:
    void openAsked(const conclave::services::Document& document);
    void readAgainAsked(const conclave::services::Document& document);
    void leaveOutAsked(const conclave::services::Document& document);

protected:
    void keyPressEvent(QKeyEvent* event) override;
    bool eventFilter(QObject* object, QEvent* event) override;

private:
    enum class Order { ByState, ByName, ByChange, BySize };

    void fill();
    [[nodiscard]] std::vector<const DocumentLine*> chosen() const;
    [[nodiscard]] DocumentRow* makeRow(const DocumentLine& line);
    void addRow(DocumentRow* row);
    void focusRow(qsizetype row);
    [[nodiscard]] std::optional<services::DocumentId> focusedDocument() const;

    std::vector<DocumentLine> m_lines;
    std::size_t m_nShown;         ///< at most so many rows
    bool m_isFindWanted = false;  ///< however few documents there are
    QWidget* m_tools;
    QLineEdit* m_find;
    QComboBox* m_order;
    QVBoxLayout* m_rowColumn;
    QList<DocumentRow*> m_rows;
    QLabel* m_none;
    QPushButton* m_more;
};

}  // namespace conclave::ui
