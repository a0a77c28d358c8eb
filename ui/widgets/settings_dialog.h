// settings_dialog.h: the settings, section by section, and the list of keyboard shortcuts.
#pragma once

#include <QDialog>
#include <functional>

#include "app/services/services.h"

class QComboBox;
class QDoubleSpinBox;
class QLabel;
class QListWidget;
class QPlainTextEdit;
class QSpinBox;
class QStackedWidget;
class QVBoxLayout;

namespace conclave::ui {

class ChatController;
class Switch;

/// What is changed counts at once; what belongs to the chat, when the dialog is closed.
class SettingsDialog : public QDialog {
    Q_OBJECT
public:
    SettingsDialog(services::Services& services, ChatController& controller, QWidget* parent);

signals:
    void addModelFolderAsked();
    void shortcutsAsked();
    void trashAsked();
    void restoreAsked();  ///< of a backup, and it was confirmed
    void failed(const conclave::Error& error);
    void notice(const QString& text);

private:
    /// A page with a title, listed at the left.
    QVBoxLayout* addSection(const QString& name);
    /// A line with words at the left and what is chosen at the right.
    /// @returns the hint
    QLabel* addRow(QVBoxLayout* column, const QString& name, const QString& hint, QWidget* field);
    void makeGeneral();
    void makeAnswers();
    void makeDocuments();
    void makeData();
    void makeAbout();
    void addContextRow(QVBoxLayout* column);
    /// What the chosen context takes.
    void askContextNeed();
    void showContextNeed(const services::ContextNeed& need);
    void keepAnswers();
    void backUp();
    void restore();

    services::Services& m_services;
    ChatController& m_controller;
    QListWidget* m_names;
    QStackedWidget* m_pages;
    QPlainTextEdit* m_system = nullptr;
    QComboBox* m_sampling = nullptr;
    QDoubleSpinBox* m_temperature = nullptr;
    QDoubleSpinBox* m_topP = nullptr;
    QDoubleSpinBox* m_minP = nullptr;
    QSpinBox* m_topK = nullptr;
    Switch* m_onlyDocuments = nullptr;
    Switch* m_followUps = nullptr;
    QSpinBox* m_longest = nullptr;
    QSpinBox* m_context = nullptr;
    QLabel* m_contextHint = nullptr;
};

class ShortcutsDialog : public QDialog {
    Q_OBJECT
public:
    explicit ShortcutsDialog(QWidget* parent);
};

}  // namespace conclave::ui
