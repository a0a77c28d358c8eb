// document_row.h: a document in the list of its collection: what was read of it, and what can be
// done with it.
#pragma once

#include <QFrame>

#include "app/services/services.h"

class QLabel;
class QToolButton;

namespace conclave::ui {

/// What a row says of its document.
struct DocumentLine {
    services::Document document;
    QString folder;  ///< below the collection's folder; empty: in it
    QString state;   ///< what was read of it, or why it was not
};

/// A click or Enter opens the document; a menu has the rest.
class DocumentRow : public QFrame {
    Q_OBJECT
public:
    DocumentRow(const DocumentLine& line, QWidget* parent);

    [[nodiscard]] const services::Document& document() const { return m_line.document; }
    [[nodiscard]] bool says(const DocumentLine& line) const;
    /// Of what can have the focus in it.
    [[nodiscard]] QWidget* lastInTabOrder() const;

signals:
    void openAsked(const conclave::services::Document& document);
    void readAgainAsked(const conclave::services::Document& document);
    void leaveOutAsked(const conclave::services::Document& document);

protected:
    void mouseReleaseEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void openMenu(const QPoint& at);

    DocumentLine m_line;
    QLabel* m_facts;
    QToolButton* m_more;
};

}  // namespace conclave::ui
