// document_reader.h: a document's text, page by page, with a quote marked.
#pragma once

#include <QWidget>
#include <vector>

#include "app/services/services.h"
#include "ui/markdown/document_text.h"

class QLabel;
class QTextEdit;
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

    /// Loads a document and shows the place; the passage itself is shown while loading and if the
    /// document is gone.
    void open(const services::StoredPassage& passage, const ReaderPlace& place);
    /// Shows a document from its beginning.
    void open(const services::Document& document);
    /// Says why a file cannot be shown; it can still be opened in its own program.
    void explain(const std::filesystem::path& file, const QString& why);
    [[nodiscard]] int page() const { return m_page; }
    /// The quote, or else the passage, as it is seen; lines between its paragraphs.
    [[nodiscard]] QString markedText() const;
    [[nodiscard]] QString shownText() const;
    [[nodiscard]] QString note() const;

signals:
    void backAsked();

private:
    void showDocument(const services::DocumentView& view);
    void showPage(int number);
    void showStored();
    void write(const std::string& text);
    /// Marks passage and quote in what is shown, which begins `offset` bytes into the page.
    void mark(std::size_t offset);

    services::Services& m_services;
    ElidedLabel* m_title;
    QLabel* m_note;
    QTextEdit* m_text;
    DocumentText m_shown;
    QList<QTextCursor> m_marked;
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
