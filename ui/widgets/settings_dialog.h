// settings_dialog.h: the few settings there are, and the list of keyboard shortcuts.
#pragma once

#include <QDialog>

#include "app/services/services.h"

namespace conclave::ui {

class ChatController;

class SettingsDialog : public QDialog {
    Q_OBJECT
public:
    SettingsDialog(services::Services& services, ChatController& controller, QWidget* parent);

signals:
    void addModelFolderAsked();
    void failed(const QString& what);

private:
    QWidget* makeLook();
    QWidget* makeAnswers();
    QWidget* makePlaces();

    services::Services& m_services;
    ChatController& m_controller;
};

class ShortcutsDialog : public QDialog {
    Q_OBJECT
public:
    explicit ShortcutsDialog(QWidget* parent);
};

}  // namespace conclave::ui
