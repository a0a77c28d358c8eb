// collection_card.h: one collection: its name, numbers, progress, and the files with problems.
#pragma once

#include <QFrame>
#include <optional>

#include "app/services/services.h"

class QBoxLayout;
class QLabel;
class QProgressBar;
class QPushButton;
class QToolButton;

namespace conclave::ui {

class DocumentList;
class ElidedLabel;

class CollectionCard : public QFrame {
    Q_OBJECT
public:
    CollectionCard(services::CollectionService& service, services::CollectionId id,
                   QWidget* parent);

    void show(const services::Collection& collection,
              const std::optional<services::IndexProgress>& progress);

    /// Nothing is read now, whatever changes.
    void setPaused(bool isPaused);
    /// Beside little room adding is in the menu.
    void setNarrow(bool isNarrow);
    /// Whether scanned pages can be and are read; says what to do about those that are not.
    void setOcr(bool isInstalled, bool isOn);

    /// Its documents are listed, or it has some to list.
    [[nodiscard]] bool listsDocuments() const;
    [[nodiscard]] bool hasDocuments() const { return m_collection.nFound() > 0; }
    /// Puts the cursor into the field that finds a document by its name, and lists them for that.
    void openFind();

signals:
    void ocrAsked();
    void askAsked();
    void addFolderAsked();
    void addFilesAsked();
    void updateAsked(bool retryFailed);
    void documentAsked(const conclave::services::Document& document);
    void readAgainAsked(const conclave::services::Document& document);
    void leaveOutAsked(const conclave::services::Document& document);
    void pauseAsked(bool isPaused);
    void renameAsked();
    void removeAsked();

private:
    void fillMenu();
    enum class Details { None, All, Problems, Remarks };
    void toggleDetails(Details which);
    void showProgress();
    void showFailedLabel();
    void showRemarksLabel();
    void showOcrLabel();
    void showNumbers();
    [[nodiscard]] QString stateOf(const services::Document& document) const;
    [[nodiscard]] QString folderOf(const services::Document& document) const;
    [[nodiscard]] QString problemOf(const services::Document& document) const;
    void loadDetails();
    void showDocuments(const std::vector<services::Document>& documents);

    services::CollectionService& m_service;
    services::CollectionId m_id;
    services::Collection m_collection;
    std::optional<services::IndexProgress> m_now;
    ElidedLabel* m_name;
    QLabel* m_numbers;
    ElidedLabel* m_roots;
    ElidedLabel* m_current;
    QProgressBar* m_progress;
    QPushButton* m_pause;
    QPushButton* m_list;
    QBoxLayout* m_links;
    QPushButton* m_failed;
    QPushButton* m_scanned;
    QWidget* m_away;          ///< says that documents cannot be reached, and what to do
    QPushButton* m_remarked;  ///< documents that were not read as they stand: hidden text, say
    QPushButton* m_addFolder;
    QPushButton* m_addFiles;
    QToolButton* m_menu;
    QWidget* m_details;
    DocumentList* m_documents;
    QPushButton* m_retry;
    int m_nScanned = 0;  ///< documents whose pages are pictures
    int m_nRemarked = 0;
    int m_nCopies = 0;
    Details m_shown = Details::None;
    bool m_isRead = false;  ///< the documents of what is shown were looked at
    bool m_hasOcr = false;
    bool m_usesOcr = false;
    bool m_isPaused = false;
};

}  // namespace conclave::ui
