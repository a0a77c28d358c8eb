// The list of keyboard shortcuts.
#include <QGridLayout>
#include <QLabel>
#include <QVBoxLayout>

#include "ui/widgets/settings_dialog.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

ShortcutsDialog::ShortcutsDialog(QWidget* parent) : QDialog(parent) {
    setWindowTitle(tr("Keyboard shortcuts"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(28, 22, 28, 20);
    auto* grid = new QGridLayout;
    grid->setHorizontalSpacing(28);
    grid->setVerticalSpacing(6);
    const std::pair<QString, QString> keys[] = {
        {tr("Send, new line"), tr("Enter, Shift+Enter")},
        {tr("Stop the answer"), tr("Esc")},
        {tr("New chat"), tr("Ctrl+N")},
        {tr("Search chats and messages"), tr("Ctrl+K, Ctrl+Shift+F")},
        {tr("Find in this chat, in the document that is read, or a document in Documents"),
         tr("Ctrl+F")},
        {tr("Answer again"), tr("Ctrl+R")},
        {tr("Edit the last question"), tr("Up in an empty field")},
        {tr("Copy the last answer"), tr("Ctrl+Shift+C")},
        {tr("Go to the text field"), tr("Ctrl+L")},
        {tr("Choose the model"), tr("Ctrl+Shift+M")},
        {tr("Show or hide the chats"), tr("Ctrl+B, F9")},
        {tr("Show or hide the sources"), tr("Ctrl+Shift+S")},
        {tr("Rename, delete the chat"), tr("F2, Ctrl+Shift+Backspace")},
        {tr("Zoom"), tr("Ctrl+Plus, Ctrl+Minus, Ctrl+0")},
        {tr("Settings"), tr("Ctrl+Comma")},
        {tr("This list"), tr("F1, Ctrl+/")},
        {tr("Quit"), tr("Ctrl+Q")},
    };
    int row = 0;
    for (const auto& [what, key] : keys) {
        grid->addWidget(makeLabel(what, TextSize::Body, this), row, 0);
        auto* caps = new QHBoxLayout;
        caps->setSpacing(5);
        for (const QString& each : key.split(QStringLiteral(", "))) {
            QLabel* cap = makeLabel(each, TextSize::Small, this);
            cap->setObjectName(QStringLiteral("key"));
            caps->addWidget(cap);
        }
        caps->addStretch();
        grid->addLayout(caps, row, 1);
        ++row;
    }
    column->addLayout(grid);
    column->addSpacing(10);
    QPushButton* close = makeButton(tr("Close"), this, "primary");
    close->setDefault(true);
    connect(close, &QPushButton::clicked, this, &QDialog::accept);
    column->addWidget(close, 0, Qt::AlignRight);
}

}  // namespace conclave::ui
