// Files that are attached to a chat: to be seen, opened, kept with the draft and taken out again.
#include <QLabel>
#include <QToolButton>

#include "tests/ui/support/window_fixture.h"
#include "ui/widgets/attachment_bar.h"
#include "ui/widgets/document_reader.h"
#include "ui/widgets/message_text.h"
#include "ui/widgets/message_view.h"
#include "ui/widgets/sources_panel.h"

namespace conclave::ui {
namespace {

using namespace services;

class AttachmentsTest : public test::WindowFixture {
protected:
    int nChips() { return m_window->findChild<AttachmentBar*>()->count(); }
    void sendWith(const QString& file, const QString& text) {
        composer().attach({file});
        QTest::keyClicks(&composer().edit(), text);
        QTest::keyClick(&composer().edit(), Qt::Key_Return);
        ASSERT_TRUE(QTest::qWaitFor([this] { return controller().chat() && nMessages() > 1; }));
        finishAnswer();
    }
};

TEST_F(AttachmentsTest, TheQuestionShowsWhatWasSentWithIt) {
    sendWith("/tmp/report.pdf", "What does it say?");
    EXPECT_TRUE(composer().attachments().empty());
    auto* question = conversation().findChild<MessageView*>();
    EXPECT_GT(question->text().width(), 60);
    EXPECT_EQ(question->text().toPlainText(), "What does it say?");
    auto* chip = named<QToolButton>("Attached: report.pdf");
    ASSERT_NE(chip, nullptr);
    chip->click();
    ASSERT_TRUE(QTest::qWaitFor(
        [this] { return m_window->sources().reader().shownText() == "Text of report.pdf"; }));
    EXPECT_TRUE(m_window->sources().isVisible());

    // Also when the chat is opened again.
    const auto chat = controller().chat();
    open(m_chats.chinese);
    EXPECT_EQ(named<QToolButton>("Attached: report.pdf"), nullptr);
    open(*chat);
    EXPECT_NE(named<QToolButton>("Attached: report.pdf"), nullptr);
}

TEST_F(AttachmentsTest, AFileStaysInTheChatUntilItIsTakenOut) {
    sendWith("/tmp/report.pdf", "What does it say?");
    const ChatId chat = *controller().chat();
    EXPECT_EQ(nChips(), 1);
    EXPECT_NE(named<QToolButton>("In this chat: report.pdf"), nullptr);
    open(m_chats.travel);
    EXPECT_EQ(nChips(), 0);
    open(chat);
    ASSERT_TRUE(QTest::qWaitFor([this] { return nChips() == 1; }));
    auto* out = named<QToolButton>("Take out report.pdf");
    ASSERT_NE(out, nullptr);
    out->click();
    EXPECT_EQ(nChips(), 0);
    ASSERT_TRUE(QTest::qWaitFor([&] {
        const std::scoped_lock lock(m_services.mutex);
        return m_services.attachedFiles[chat].empty();
    }));
    // The question goes on saying that it was sent; its file can no longer be read here.
    auto* chip = named<QToolButton>("Attached: report.pdf");
    ASSERT_NE(chip, nullptr);
    chip->click();
    settle();
    EXPECT_TRUE(m_window->sources().reader().note().contains("no longer"));
}

TEST_F(AttachmentsTest, AFileThatCouldNotBeReadIsMarked) {
    sendWith("/tmp/report.pdf", "What does it say?");
    const ChatId chat = *controller().chat();
    {
        const std::scoped_lock lock(m_services.mutex);
        m_services.attachedFiles[chat].front().state = DocumentState::Failed;
        m_services.attachedFiles[chat].front().error = "it is damaged";
    }
    open(m_chats.travel);
    open(chat);
    ASSERT_TRUE(QTest::qWaitFor([this] { return nChips() == 1; }));
    auto* chip = named<QToolButton>("Not read: report.pdf");
    ASSERT_NE(chip, nullptr);
    EXPECT_TRUE(chip->toolTip().contains("it is damaged"));
}

TEST_F(AttachmentsTest, PendingFilesAreKeptWithTheDraftOfTheirChat) {
    open(m_chats.travel);
    composer().attach({"/tmp/a.txt", "/tmp/b.txt"});
    QTest::keyClicks(&composer().edit(), "half a question");
    QTest::keyClick(m_window.get(), Qt::Key_N, Qt::ControlModifier);  // at once: nothing is lost
    ASSERT_TRUE(QTest::qWaitFor([this] { return !controller().chat(); }));
    settle();
    EXPECT_TRUE(composer().attachments().empty());
    EXPECT_TRUE(composer().text().isEmpty());
    composer().attach({"/tmp/new.txt"});
    settle();
    open(m_chats.travel);
    EXPECT_EQ(composer().attachments().size(), 2u);
    EXPECT_EQ(composer().text().toStdString(), "half a question");
    QTest::keyClick(m_window.get(), Qt::Key_N, Qt::ControlModifier);
    ASSERT_TRUE(QTest::qWaitFor([this] { return composer().attachments().size() == 1; }));
    EXPECT_EQ(composer().attachments().front(), "/tmp/new.txt");

    // And over a restart.
    open(m_chats.travel);
    m_window->close();
    openWindow();
    ASSERT_TRUE(QTest::qWaitFor([this] { return composer().attachments().size() == 2; }));
}

TEST_F(AttachmentsTest, APendingFileCanBeTakenBack) {
    composer().attach({"/tmp/a.txt", "/tmp/b.txt"});
    auto* out = named<QToolButton>("Take out a.txt");
    ASSERT_NE(out, nullptr);
    out->click();
    settle();
    ASSERT_EQ(composer().attachments().size(), 1u);
    const std::scoped_lock lock(m_services.mutex);
    EXPECT_EQ(m_services.draftedFiles[0].size(), 1u);
}

}  // namespace
}  // namespace conclave::ui
