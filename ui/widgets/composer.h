// composer.h: where one writes: text that grows, attachments, the sources to ask, send and stop.
#pragma once

#include <QFrame>
#include <QPlainTextEdit>
#include <QStringList>
#include <filesystem>
#include <optional>
#include <vector>

#include "app/services/services.h"

class QLabel;
class QMimeData;
class QTimer;
class QToolButton;

namespace conclave::ui {

class AttachmentBar;
class FilterBar;
class FilterPanel;

/// The text field: Enter sends, Shift+Enter breaks the line, dropped and pasted files are attached.
class ComposerEdit : public QPlainTextEdit {
    Q_OBJECT
public:
    explicit ComposerEdit(QWidget* parent);
    /// Height for the text, between one and eight lines.
    [[nodiscard]] int wantedHeight() const;

signals:
    void sendAsked();
    void editLastAsked();
    void escapePressed();
    void filesGiven(const QStringList& files);
    void focusChanged(bool focused);

protected:
    void keyPressEvent(QKeyEvent* event) override;
    void inputMethodEvent(QInputMethodEvent* event) override;
    [[nodiscard]] bool canInsertFromMimeData(const QMimeData* given) const override;
    void insertFromMimeData(const QMimeData* given) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;

private:
    bool m_composing = false;  ///< an input method shows unfinished text
};

/// Local files of a drop or paste; empty: none.
[[nodiscard]] QStringList localFiles(const QMimeData* data);

class Composer : public QFrame {
    Q_OBJECT
public:
    explicit Composer(QWidget* parent);

    [[nodiscard]] QString text() const;
    /// Replaces the text without draftChanged().
    void setText(const QString& text);
    [[nodiscard]] const std::vector<std::filesystem::path>& attachments() const {
        return m_attachments;
    }
    void attach(const QStringList& files);
    /// Replaces the files of the message without filesChanged().
    void setAttachments(std::vector<std::filesystem::path> files);
    /// Files of earlier messages that are still read in this chat.
    void setKeptFiles(const std::vector<services::Document>& files);
    void clear();
    /// Emits draftChanged() now if it is due: before another chat is shown.
    void flushDraft();
    void focus();
    [[nodiscard]] ComposerEdit& edit() { return *m_edit; }

    /// What the button says about the text; Automatic where nobody chose otherwise.
    [[nodiscard]] services::Scope scope() const { return m_scope; }

    void setAnswering(bool answering);
    void setCollections(const std::vector<services::Collection>& all,
                        const std::optional<std::vector<services::CollectionId>>& chosen);

    /// How this chat answers from them: as its settings of the same names.
    void setWays(bool onlyDocuments, bool readsFollowUps);

    /// Which of the documents are searched.
    void setFilter(const services::DocumentFilter& filter);
    /// What there is to choose from, after documentsWanted().
    void setDocuments(std::vector<services::Document> documents);
    [[nodiscard]] FilterPanel& filterPanel() { return *m_filterPanel; }
    void openFilter();

    /// Rewrites an earlier question; text and draft so far come back when it ends.
    void beginEdit(services::MessageId question, const QString& text);
    void endEdit();
    [[nodiscard]] std::optional<services::MessageId> editing() const { return m_editing; }

signals:
    void sendAsked();
    void stopAsked();
    void editLastAsked();
    void draftChanged(const QString& text);
    void filesChanged();
    void fileAsked(const QString& file);
    void keptFileRemoved(const QString& file);
    void modelFileGiven(const QString& file);
    void folderGiven(const QString& folder);
    void collectionsChosen(const std::optional<std::vector<services::CollectionId>>& chosen);
    void onlyDocumentsChosen(bool isOn);
    void followUpsChosen(bool areRead);
    void filterChosen(const conclave::services::DocumentFilter& filter);
    void documentsWanted();
    void manageCollectionsAsked();
    /// The choice is being opened: what there is may have changed outside of this window.
    void collectionsWanted();

protected:
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dragLeaveEvent(QDragLeaveEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    bool event(QEvent* event) override;

private:
    void makeRow();
    void refresh();
    void showSources();
    void showScope();
    void showFilter();
    void fillSourcesMenu();

    ComposerEdit* m_edit;
    QWidget* m_editStrip;
    AttachmentBar* m_files;
    FilterBar* m_filterBar;
    FilterPanel* m_filterPanel;
    QToolButton* m_attach = nullptr;
    QToolButton* m_sources = nullptr;
    QToolButton* m_filter = nullptr;
    QToolButton* m_everything = nullptr;
    QLabel* m_hint = nullptr;
    QToolButton* m_send = nullptr;
    QTimer* m_draftTimer;
    std::vector<std::filesystem::path> m_attachments;
    std::vector<services::Collection> m_collections;
    std::optional<std::vector<services::CollectionId>> m_chosen;
    std::optional<services::MessageId> m_editing;
    QString m_textBeforeEdit;
    bool m_onlyDocuments = false;
    bool m_readsFollowUps = true;
    services::Scope m_scope = services::Scope::Automatic;
    bool m_answering = false;
    bool m_settingText = false;
};

}  // namespace conclave::ui
