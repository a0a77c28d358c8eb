// collection_page.h: the documents that can be asked: add folders, watch them being read, see what
// could not be read and why.
#pragma once

#include <QWidget>
#include <map>
#include <optional>
#include <vector>

#include "app/services/services.h"

class QLabel;
class QBoxLayout;
class QScrollArea;
class QVBoxLayout;

namespace conclave::ui {

class CollectionCard;
class CollectionModel;
class OcrRow;
class RecallCard;

class CollectionPage : public QWidget {
    Q_OBJECT
public:
    CollectionPage(services::Services& services, QWidget* parent);

    void setCollections(std::vector<services::Collection> collections);
    void setProgress(const services::IndexProgress& progress);
    /// Nothing is read into any collection until that ends.
    void setPaused(bool isPaused);
    [[nodiscard]] CollectionModel& model() { return *m_model; }
    /// Makes a collection named after the folder and adds it.
    void addFolderAsCollection(const QString& folder);
    /// Finds a document by its name: in the list that is open, else in the first collection's.
    void openFind();
    /// A recall question was kept or forgotten.
    void reloadRecall();
    /// Undoes that a document was left out.
    void takeBack(const services::Document& document);

signals:
    void changed();
    void closeAsked();
    void pauseAsked(bool isPaused);
    void askAsked(qint64 collection);
    void documentAsked(const conclave::services::Document& document);
    void leftOut(const conclave::services::Document& document);
    void failed(const conclave::Error& error);

protected:
    void resizeEvent(QResizeEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    void createNamed();
    void create(const QString& name, const QStringList& paths);
    void add(services::CollectionId id, const QStringList& paths);
    void update(services::CollectionId id, bool retryFailed);
    void rename(services::CollectionId id);
    void remove(services::CollectionId id);
    void leaveOut(const services::Document& document);
    void syncCards();
    [[nodiscard]] bool isNarrow() const;
    [[nodiscard]] services::Reply<services::IndexReport> reportReply();

    services::CollectionService& m_service;
    CollectionModel* m_model;
    QScrollArea* m_scroll;
    QBoxLayout* m_top = nullptr;  ///< title and buttons
    QVBoxLayout* m_column;
    QLabel* m_empty;
    OcrRow* m_ocr;
    RecallCard* m_recall;
    bool m_isPaused = false;
    std::optional<services::CollectionId> m_created;  ///< not shown yet
    std::map<services::CollectionId, CollectionCard*> m_cards;
};

}  // namespace conclave::ui
