// gallery.cpp: shows the window with realistic content and takes pictures of it, to look at while
// working on its looks.   ui_gallery FOLDER   writes PNG files there.
#include <QApplication>
#include <QDir>
#include <QListWidget>
#include <QScrollBar>
#include <QTest>

#include "tests/ui/support/sample_content.h"
#include "ui/chat_controller.h"
#include "ui/main_window.h"
#include "ui/panel_layout.h"
#include "ui/theme.h"
#include "ui/widgets/chat_page.h"
#include "ui/widgets/collection_page.h"
#include "ui/widgets/composer.h"
#include "ui/widgets/conversation_view.h"
#include "ui/widgets/damage_bar.h"
#include "ui/widgets/filter_panel.h"
#include "ui/widgets/settings_dialog.h"
#include "ui/widgets/sidebar.h"
#include "ui/widgets/sources_panel.h"

using namespace conclave;

int main(int argc, char** argv) {
    QApplication application(argc, argv);
    QApplication::setStyle(QStringLiteral("Fusion"));
    const QDir folder(argc > 1 ? QString::fromLocal8Bit(argv[1]) : QStringLiteral("."));
    for (const bool dark : {false, true}) {
        ui::Theme::instance().setMode(dark ? ui::ThemeMode::Dark : ui::ThemeMode::Light);
        ui::test::ScriptedServices services;
        const ui::test::SampleChats chats = ui::test::fillWithSamples(services);
        ui::MainWindow window(services, {});
        window.show();
        const auto take = [&](const char* name) {
            QTest::qWait(900);
            window.grab().save(
                folder.filePath(QStringLiteral("%1-%2.png")
                                    .arg(QString::fromLatin1(name), dark ? "dark" : "light")));
        };
        take("welcome");
        window.openChat(chats.travel);
        QTest::qWait(300);
        emit window.chatPage().sourceAsked(chats.answer, 1, 0);
        take("reader");
        window.sources().clear();
        emit window.chatPage().sourceAsked(chats.answer, 0, -1);
        take("sources");
        window.openChat(chats.markdown);
        QTest::qWait(300);
        window.chatPage().conversation().verticalScrollBar()->setValue(0);
        take("markdown-top");
        window.chatPage().conversation().verticalScrollBar()->setValue(620);
        take("markdown-middle");
        window.chatPage().conversation().scrollToEnd();
        take("markdown-end");
        window.openChat(chats.chinese);
        take("chinese");
        services.script = ui::test::sampleScript();
        window.controller().send(
            QStringLiteral("How many nights may I book, and what may they cost?"), {});
        QTest::qWait(60);
        take("streaming");
        window.chatPage().composer().setText(QStringLiteral("First line\nsecond line\nthird line"));
        window.chatPage().composer().attach(
            {QStringLiteral("/home/ada/report.pdf"),
             QStringLiteral("/home/ada/notes on the meeting in the autumn.md")});
        take("composer");
        window.chatPage().composer().setAttachments({});
        window.controller().setFilter(ui::test::sampleFilter());
        take("filter");
        window.chatPage().composer().openFilter();
        QTest::qWait(300);
        window.chatPage().composer().filterPanel().grab().save(
            folder.filePath(QStringLiteral("filter-panel-%1.png").arg(dark ? "dark" : "light")));
        window.chatPage().composer().filterPanel().close();
        window.showDocuments(true);
        services.sendProgress(ui::test::sampleProgress(chats));
        take("documents");
        services.sendProgress(ui::test::samplePause(chats));
        emit window.findChild<ui::CollectionPage*>()->pauseAsked(true);
        services.sendProgress(ui::test::samplePause(chats));
        take("paused");
        window.openChat(ui::test::addAnswersFromEverything(services));
        take("everything");
        window.showDocuments(false);
        window.openChat(chats.failed);
        take("failed");
        window.showTrash(true);
        window.sidebar().removeCurrent();
        take("trash");
        for (int i = 0; i < 200; ++i) {
            services.addChat("Question number " + std::to_string(i) + " about the archive", i / 3);
        }
        window.sidebar().reload();
        window.openChat(chats.markdown);
        take("many-chats");
        window.findChild<ui::DamageBar*>()->tell(QStringLiteral("a page of the file"));
        take("damaged");
        window.findChild<ui::DamageBar*>()->hide();
        window.resize(560, 420);
        take("smallest");
        window.controller().setFilter(ui::test::sampleFilter());
        take("smallest-filter");
        window.controller().setFilter({});
        window.showDocuments(true);
        take("smallest-documents");
        window.showDocuments(false);
        window.panels().showSidebar();
        take("smallest-chats");
        window.openChat(chats.travel);
        QTest::qWait(200);
        emit window.chatPage().sourceAsked(chats.answer, 1, 0);
        take("smallest-reader");
        ui::SettingsDialog settings(services, window.controller(), &window);
        settings.show();
        auto* sections = settings.findChild<QListWidget*>(QStringLiteral("sections"));
        for (int i = 0; i < sections->count(); ++i) {
            sections->setCurrentRow(i);
            QTest::qWait(200);
            settings.grab().save(folder.filePath(
                QStringLiteral("settings-%1-%2.png").arg(i).arg(dark ? "dark" : "light")));
        }
        ui::ShortcutsDialog shortcuts(&window);
        shortcuts.show();
        QTest::qWait(200);
        shortcuts.grab().save(
            folder.filePath(QStringLiteral("shortcuts-%1.png").arg(dark ? "dark" : "light")));
    }
    return 0;
}
