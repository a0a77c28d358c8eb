// window_fixture.h: the whole window over scripted services, for tests.
#pragma once

#include <gtest/gtest.h>

#include <QLabel>
#include <QTest>

#include "tests/ui/support/sample_content.h"
#include "ui/chat_controller.h"
#include "ui/main_window.h"
#include "ui/models/chat_list_model.h"
#include "ui/widgets/chat_page.h"
#include "ui/widgets/composer.h"
#include "ui/widgets/conversation_view.h"
#include "ui/widgets/sidebar.h"

namespace conclave::ui::test {

class WindowFixture : public ::testing::Test {
protected:
    void SetUp() override {
        m_chats = fillWithSamples(m_services);
        openWindow();
    }
    void openWindow() {
        m_window = std::make_unique<MainWindow>(
            m_services, WindowOptions{}, [this](Rescue rescue) { m_rescues.push_back(rescue); });
        m_window->show();
        ASSERT_TRUE(QTest::qWaitFor([this] { return m_window->sidebar().chats().rowCount() > 8; }));
        settle();
    }
    static void settle() { QTest::qWait(60); }
    Composer& composer() { return m_window->chatPage().composer(); }
    ConversationView& conversation() { return m_window->chatPage().conversation(); }
    ChatController& controller() { return m_window->controller(); }
    int nMessages() { return controller().messages().rowCount(); }
    void open(services::ChatId chat) {
        m_window->openChat(chat);
        ASSERT_TRUE(QTest::qWaitFor([&] { return controller().chat() == chat; }));
        settle();
    }
    void finishAnswer() {
        ASSERT_TRUE(QTest::qWaitFor([this] { return !controller().isAnswering(); }, 20000));
        settle();
    }
    std::string lastText() { return controller().messages().at(nMessages() - 1).text; }
    /// The shown widget of a kind that a screen reader would call so.
    template <typename Widget>
    Widget* named(const QString& name) {
        for (Widget* widget : m_window->findChildren<Widget*>()) {
            if (widget->isVisible() && widget->accessibleName() == name) return widget;
        }
        return nullptr;
    }
    /// The shown button with this text.
    template <typename Button>
    Button* button(const QString& text) {
        for (Button* each : m_window->findChildren<Button*>()) {
            if (each->isVisible() && each->text().trimmed() == text) return each;
        }
        return nullptr;
    }
    /// The shown label with this text.
    QLabel* label(const QString& text) {
        for (auto* each : m_window->findChildren<QLabel*>()) {
            if (each->isVisible() && each->text() == text) return each;
        }
        return nullptr;
    }

    ScriptedServices m_services;
    SampleChats m_chats;
    std::vector<Rescue> m_rescues;
    std::unique_ptr<MainWindow> m_window;
};

}  // namespace conclave::ui::test
