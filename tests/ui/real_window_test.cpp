// The whole window over the real services, the built-in guide and the embedded model.
#include <gtest/gtest.h>

#include <unistd.h>
#include <QTest>
#include <filesystem>

#include "ui/chat_controller.h"
#include "ui/main_window.h"
#include "ui/markdown/document_blocks.h"
#include "ui/widgets/chat_page.h"
#include "ui/widgets/composer.h"
#include "ui/widgets/document_reader.h"
#include "ui/widgets/sources_panel.h"

namespace conclave::ui {
namespace {

using namespace services;

class RealWindow : public ::testing::Test {
protected:
    void SetUp() override {
        m_home = std::filesystem::temp_directory_path() /
                 ("conclave-window-" + std::to_string(::getpid()));
        std::filesystem::remove_all(m_home);
        start();
    }
    void TearDown() override {
        m_window.reset();
        m_services.reset();
        std::filesystem::remove_all(m_home);
    }
    void start() {
        m_window.reset();
        m_services.reset();
        StartOptions options;
        options.places =
            Places{m_home / "config", m_home / "data", m_home / "cache", m_home / "state"};
        for (const auto& folder : {options.places->config, options.places->data,
                                   options.places->cache, options.places->state}) {
            std::filesystem::create_directories(folder);
        }
        auto started = Services::start(options);
        ASSERT_TRUE(started.has_value()) << started.error().detail;
        m_services = std::move(*started);
        m_window = std::make_unique<MainWindow>(*m_services, WindowOptions{});
        m_window->show();
    }
    bool guideIsReady() {
        auto all = wait<std::vector<Collection>>(
            [&](auto reply) { m_services->collections().list(reply); });
        return all && !all->empty() && all->front().nDocuments > 5;
    }
    ChatController& controller() { return m_window->controller(); }

    std::filesystem::path m_home;
    std::unique_ptr<Services> m_services;
    std::unique_ptr<MainWindow> m_window;
};

TEST_F(RealWindow, AnswersFromTheGuideAndOpensTheCitedPassage) {
    ASSERT_TRUE(QTest::qWaitFor([this] { return guideIsReady(); }, 60000));
    QTest::keyClicks(&m_window->chatPage().composer().edit(), "How do I add a folder?");
    QTest::keyClick(&m_window->chatPage().composer().edit(), Qt::Key_Return);
    ASSERT_TRUE(QTest::qWaitFor([this] { return controller().messages().rowCount() == 2; }, 10000))
        << controller().messages().rowCount()
        << " messages, in the field: " << m_window->chatPage().composer().text().toStdString()
        << "; the title: " << m_window->windowTitle().toStdString();
    ASSERT_TRUE(QTest::qWaitFor([this] { return !controller().isAnswering(); }, 120000));
    const Message answer = controller().messages().at(1);
    ASSERT_EQ(answer.state, MessageState::Complete) << answer.error;
    EXPECT_FALSE(answer.text.empty());
    ASSERT_TRUE(answer.details.has_value());
    ASSERT_FALSE(answer.details->passages.empty());
    EXPECT_TRUE(m_window->sources().isVisible());
    for (std::size_t i = 0; i < answer.details->citations.size(); ++i) {
        const StoredCitation& citation = answer.details->citations[i];
        if (!citation.supported) continue;
        emit m_window->chatPage().sourceAsked(answer.id, citation.passage, static_cast<int>(i));
        // The guide is Markdown: its marks are not to be seen.
        const QString quote = onOneLine(citation.quote, Markup::Markdown).text;
        EXPECT_TRUE(QTest::qWaitFor([&] {
            return m_window->sources().reader().markedText().simplified() == quote;
        })) << quote.toStdString();
    }

    // After a restart the chat is there again, as it was.
    const auto chat = controller().chat();
    m_window->close();
    start();
    ASSERT_TRUE(QTest::qWaitFor(
        [&] { return controller().chat() == chat && controller().messages().rowCount() == 2; },
        10000));
    EXPECT_EQ(controller().messages().at(1).text, answer.text);
}

}  // namespace
}  // namespace conclave::ui
