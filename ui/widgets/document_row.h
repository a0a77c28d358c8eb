// document_row.h: a document in the list of its collection: what was read of it, and what can be
// done with it.
#pragma once

#include <QFrame>

#include "app/services/services.h"

namespace conclave::ui {

/// A click or Enter opens the document; a menu has the rest.
class DocumentRow : public QFrame {
    Q_OBJECT
public:
    /// `state` is the line below the name.
    DocumentRow(services::Document document, const QString& state, QWidget* parent);

    [[nodiscard]] const services::Document& document() const { return m_document; }

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

private:
    void openMenu(const QPoint& at);

    services::Document m_document;
};

}  // namespace conclave::ui
