// document_reader.h: a document's pages as they look, or its text, with a quote marked.
#pragma once

#include <QWidget>
#include <vector>

#include "app/services/services.h"
#include "ui/markdown/document_text.h"
#include "ui/widgets/reader_place.h"

class QLabel;
class QStackedWidget;
class QTextEdit;
class QToolButton;
class QVBoxLayout;

namespace conclave::ui {

class ElidedLabel;
class FindBar;
class PdfView;

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
    /// Says above what is open what to heed about it.
    void warn(const QString& warning);
    [[nodiscard]] int page() const { return m_page; }
    /// The quote, or else the passage, as it is seen; lines between its paragraphs.
    [[nodiscard]] QString markedText() const;
    [[nodiscard]] QString shownText() const;
    [[nodiscard]] QString note() const;
    /// The pages of a PDF are shown, not the text.
    [[nodiscard]] bool showsPages() const;
    /// Shows pages, or a table: what is narrow is hard to read.
    [[nodiscard]] bool wantsWidth() const;
    [[nodiscard]] PdfView& pdf() { return *m_pdf; }
    /// A line to look for words in this document.
    void openFind();

signals:
    void backAsked();
    /// showsPages() or wantsWidth() is another now.
    void viewChanged();

private:
    void showDocument(const services::DocumentView& view);
    void showPage(int number);
    void turnTo(int number);
    /// Begins with the document's file; its text takes over if that cannot be shown.
    void openPages();
    void leavePages(const QString& why);
    /// What the person chose, remembered for all documents.
    void preferPages(bool prefer);
    void arrange();
    void tell(const QString& note);
    void showStored();
    void write(const std::string& text);
    /// Marks passage and quote in what is shown, which begins `offset` bytes into the page.
    void mark(std::size_t offset);
    void find();
    void findStep(int step);
    void closeFind();

    services::Services& m_services;
    ElidedLabel* m_title;
    QLabel* m_note;
    QVBoxLayout* m_warnings;
    QStackedWidget* m_views;
    QTextEdit* m_text;
    PdfView* m_pdf;
    DocumentText m_shown;
    QList<QTextCursor> m_marked;
    QToolButton* m_previous;
    QToolButton* m_next;
    QToolButton* m_open;
    QToolButton* m_asText;
    QToolButton* m_asPages;
    QToolButton* m_search;
    FindBar* m_find;
    QWidget* m_zoom;
    QLabel* m_pageLabel;
    services::StoredPassage m_passage;
    ReaderPlace m_place;
    std::vector<services::Page> m_pages;
    std::vector<ReaderPlace> m_hits;  ///< of what is looked for
    std::size_t m_hit = 0;            ///< the one that is shown
    int m_page = 1;
    int m_request = 0;
    bool m_prefersPages = true;
    bool m_hasPages = false;  ///< the document's file can be shown as it looks
    bool m_hasTable = false;
};

}  // namespace conclave::ui
