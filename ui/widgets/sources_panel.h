// sources_panel.h: the passages of one answer, and the document that a passage comes from.
#pragma once

#include <QWidget>
#include <optional>
#include <vector>

#include "app/services/services.h"

class QLabel;
class QScrollArea;
class QStackedWidget;

namespace conclave::ui {

class DocumentReader;

class SourcesPanel : public QWidget {
    Q_OBJECT
public:
    SourcesPanel(services::Services& services, QWidget* parent);

    /// Lists the passages of `message`.
    void showAnswer(const services::Message& message);
    /// Opens the document of passage `number` at the quote of the answer's citation, or at the
    /// passage for citation -1.
    void openPassage(int number, int citation);
    /// Shows a document from its beginning.
    void openDocument(const services::Document& document);
    /// Says why a file cannot be shown.
    void explain(const std::filesystem::path& file, const QString& why);
    /// The passages again, in place of a document.
    void showPassages();
    void clear();
    [[nodiscard]] DocumentReader& reader() { return *m_reader; }
    [[nodiscard]] bool hasPassages() const { return !m_details.passages.empty(); }
    [[nodiscard]] std::optional<services::MessageId> answer() const { return m_answer; }

signals:
    void closeAsked();
    /// Search shall find this passage for the answer's question, as long as it says these words.
    void recallAsked(const QString& path, const QString& words);
    /// Pages of a document are shown, which need more room than passages do; or no more.
    void readingChanged(bool reads);

private:
    void tellReading();
    void showTitle();
    void fill();
    [[nodiscard]] QWidget* makeCard(const services::StoredPassage& passage, QWidget* page);
    void openMenu(const services::StoredPassage& passage, const QPoint& at);

    services::Services& m_services;
    QStackedWidget* m_stack;
    QScrollArea* m_list;
    DocumentReader* m_reader;
    QLabel* m_title;
    std::optional<services::MessageId> m_answer;
    services::AnswerDetails m_details;
    bool m_isReading = false;
    int m_current = 0;  ///< number of the passage that is open
};

}  // namespace conclave::ui
