// document_reader.h: a document's text, page by page, with a quote marked.
#pragma once

#include <QWidget>
#include <vector>

#include "app/services/services.h"

class QLabel;
class QPlainTextEdit;
class QToolButton;

namespace conclave::ui {

class ElidedLabel;

/// Where to look: bytes of the page's text. `markStart == markEnd`: nothing is marked.
struct ReaderPlace {
    int page = 1;
    std::size_t passageStart = 0;
    std::size_t passageEnd = 0;
    std::size_t markStart = 0;
    std::size_t markEnd = 0;
};

class DocumentReader : public QWidget {
    Q_OBJECT
public:
    DocumentReader(services::Services& services, QWidget* parent);

    /// Loads a document and shows the place; `fallback` is shown while loading and if it is gone.
    void open(const services::StoredPassage& passage, const ReaderPlace& place);
    [[nodiscard]] int page() const { return m_page; }
    [[nodiscard]] QString markedText() const;

signals:
    void backAsked();

private:
    void showDocument(const services::DocumentView& view);
    void showPage(int number);
    void showStored();
    void mark(const std::string& text, std::size_t offset);

    services::Services& m_services;
    ElidedLabel* m_title;
    QLabel* m_note;
    QPlainTextEdit* m_text;
    QToolButton* m_previous;
    QToolButton* m_next;
    QToolButton* m_open;
    QLabel* m_pageLabel;
    services::StoredPassage m_passage;
    ReaderPlace m_place;
    std::vector<services::Page> m_pages;
    int m_page = 1;
    int m_request = 0;
};

}  // namespace conclave::ui
