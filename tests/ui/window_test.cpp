// The whole window against scripted services.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <future>

#include <unistd.h>

#include <QAbstractButton>
#include <QAbstractTextDocumentLayout>
#include <QApplication>
#include <QClipboard>
#include <QInputMethodEvent>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QMimeData>
#include <QPushButton>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>
#include <QTextBlock>
#include <QToolButton>

#include "tests/ui/support/window_fixture.h"
#include "ui/bridge.h"
#include "ui/theme.h"
#include "ui/widgets/document_reader.h"
#include "ui/widgets/message_text.h"
#include "ui/widgets/message_view.h"
#include "ui/widgets/sources_panel.h"

namespace conclave::ui {
namespace {

using namespace services;

class WindowTest : public test::WindowFixture {};

TEST_F(WindowTest, TellsOnceWhatAModelLargerThanTheMemoryMeans) {
    const auto notices = [&] {
        const auto labels = m_window->findChildren<QLabel*>();
        return std::count_if(labels.begin(), labels.end(), [](const QLabel* label) {
            return label->isVisible() && label->text().contains(QStringLiteral("read from disk"));
        });
    };
    ModelStatus status = m_services.models().status();
    status.state = ModelStatus::State::Loading;
    status.note = "Huge is read from disk.";
    m_services.setModelStatus(status);
    EXPECT_TRUE(QTest::qWaitFor([&] { return notices() == 1; }));
    auto* dismiss = named<QToolButton>(QStringLiteral("Dismiss"));
    ASSERT_NE(dismiss, nullptr);
    dismiss->click();
    status.state = ModelStatus::State::Ready;
    m_services.setModelStatus(status);
    QTest::qWait(50);
    EXPECT_EQ(notices(), 0);
    auto* picker = m_window->findChild<QToolButton*>(QStringLiteral("model"));
    ASSERT_NE(picker, nullptr);
    EXPECT_TRUE(picker->toolTip().contains(QStringLiteral("read from disk")));
}

TEST_F(WindowTest, LooksForChangedFilesAtItsStart) {
    EXPECT_TRUE(QTest::qWaitFor([this] {
        const std::scoped_lock lock(m_services.mutex);
        return m_services.nUpdatesOfAll > 0;
    }));
}

TEST_F(WindowTest, SaysThatAModelHasNoChatTemplate) {
    ModelStatus status = m_services.models().status();
    status.state = ModelStatus::State::Ready;
    status.templateNote = "Base has no chat template in its file.";
    m_services.setModelStatus(status);
    const auto isSaid = [&] {
        const auto labels = m_window->findChildren<QLabel*>();
        return std::any_of(labels.begin(), labels.end(), [](const QLabel* label) {
            return label->isVisible() && label->text().contains(QStringLiteral("chat template"));
        });
    };
    EXPECT_TRUE(QTest::qWaitFor(isSaid));
    auto* picker = m_window->findChild<QToolButton*>(QStringLiteral("model"));
    ASSERT_NE(picker, nullptr);
    EXPECT_TRUE(picker->toolTip().contains(QStringLiteral("chat template")));
}

TEST_F(WindowTest, ALaterStartIsHandedToThisWindow) {
    const std::filesystem::path database =
        std::filesystem::temp_directory_path() /
        ("conclave-hand-over-" + std::to_string(::getpid()) + ".db");
    const std::filesystem::path file = CONCLAVE_TEST_SOURCE "/README.md";
    EXPECT_FALSE(handOver(database, {}));  // nobody listens yet
    auto later = takeOver(database, *m_window);
    ASSERT_NE(later, nullptr);
    const auto start = [&](WindowOptions options) {
        // As another program would: that one waits for the answer, this one runs its event loop.
        auto answer = std::async(std::launch::async, [=] { return handOver(database, options); });
        EXPECT_TRUE(QTest::qWaitFor(
            [&] { return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }));
        return answer.get();
    };
    const ChatId chat = m_chats.markdown;
    m_window->showMinimized();
    EXPECT_TRUE(start({.chat = chat, .attach = {}}));
    EXPECT_TRUE(QTest::qWaitFor([&] { return controller().chat() == chat; }));
    EXPECT_FALSE(m_window->isMinimized());
    EXPECT_TRUE(start({}));  // only to the front
    EXPECT_EQ(controller().chat(), chat);
    EXPECT_TRUE(start({.chat = {}, .attach = {file}}));
    EXPECT_TRUE(QTest::qWaitFor([&] { return !controller().chat(); }));
    EXPECT_EQ(composer().attachments().size(), 1);
    later.reset();
    EXPECT_FALSE(handOver(database, {}));
    later = takeOver(database, *m_window);
    EXPECT_TRUE(start({.chat = {}, .attach = {}, .newChat = true}));
}

TEST_F(WindowTest, EnterSendsAndTheAnswerStreamsIn) {
    m_services.script.answer = "Up to **4 nights** are fine.";
    QTest::keyClicks(&composer().edit(), "How many nights?");
    QTest::keyClick(&composer().edit(), Qt::Key_Return, Qt::ShiftModifier);
    QTest::keyClicks(&composer().edit(), "Please.");
    EXPECT_TRUE(m_services.sent.empty());
    QTest::keyClick(&composer().edit(), Qt::Key_Return);
    ASSERT_TRUE(QTest::qWaitFor([this] { return nMessages() == 2; }));
    finishAnswer();
    EXPECT_EQ(m_services.sent.at(0).text, "How many nights?\nPlease.");
    EXPECT_EQ(lastText(), "Up to **4 nights** are fine.");
    EXPECT_TRUE(composer().text().isEmpty());
    EXPECT_TRUE(controller().chat().has_value());
}

TEST_F(WindowTest, EnterDuringCompositionDoesNotSend) {
    QInputMethodEvent composing(QStringLiteral("zhù"), {});
    QApplication::sendEvent(&composer().edit(), &composing);
    QTest::keyClick(&composer().edit(), Qt::Key_Return);
    settle();
    EXPECT_TRUE(m_services.sent.empty());
    QInputMethodEvent done;
    done.setCommitString(QStringLiteral("住宿"));
    QApplication::sendEvent(&composer().edit(), &done);
    QTest::keyClick(&composer().edit(), Qt::Key_Return);
    ASSERT_TRUE(QTest::qWaitFor([this] { return m_services.sent.size() == 1; }));
    EXPECT_EQ(m_services.sent[0].text, "住宿");
    finishAnswer();
}

TEST_F(WindowTest, StopKeepsWhatIsWritten) {
    m_services.script.answer = std::string(4000, 'x');
    m_services.script.perStep = std::chrono::milliseconds(10);
    controller().send("Go on", {});
    ASSERT_TRUE(QTest::qWaitFor([this] { return nMessages() == 2 && !lastText().empty(); }));
    QTest::keyClick(&composer().edit(), Qt::Key_Escape);
    finishAnswer();
    EXPECT_EQ(controller().messages().at(1).state, MessageState::Stopped);
    EXPECT_FALSE(lastText().empty());
    EXPECT_LT(lastText().size(), 4000u);
}

TEST_F(WindowTest, FailureShowsItsReason) {
    m_services.script.fails = true;
    controller().send("Question", {});
    finishAnswer();
    const Message& answer = controller().messages().at(1);
    EXPECT_EQ(answer.state, MessageState::Failed);
    EXPECT_NE(answer.error.find(m_services.script.error), std::string::npos);
}

TEST_F(WindowTest, GrowsToEightLinesAndNoFurther) {
    composer().setText("one");
    const int one = composer().edit().height();
    composer().setText("1\n2\n3\n4\n5\n6\n7\n8");
    const int eight = composer().edit().height();
    EXPECT_GT(eight, 5 * one);
    composer().setText("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11");
    EXPECT_EQ(composer().edit().height(), eight);
}

TEST_F(WindowTest, SavesDraftsAndBringsThemBack) {
    open(m_chats.travel);
    QTest::keyClicks(&composer().edit(), "unfinished");
    ASSERT_TRUE(QTest::qWaitFor([this] {
        const std::scoped_lock lock(m_services.mutex);
        return m_services.drafts[m_chats.travel] == "unfinished";
    }));
    open(m_chats.chinese);
    EXPECT_TRUE(composer().text().isEmpty());
    open(m_chats.travel);
    EXPECT_EQ(composer().text().toStdString(), "unfinished");
}

TEST_F(WindowTest, UpEditsTheLastQuestionAsABranch) {
    open(m_chats.travel);
    QTest::keyClick(&composer().edit(), Qt::Key_Up);
    EXPECT_EQ(composer().text().toStdString(), "And who pays for breakfast?");
    composer().setText("And lunch?");
    QTest::keyClick(&composer().edit(), Qt::Key_Return);
    ASSERT_TRUE(QTest::qWaitFor(
        [this] { return controller().isAnswering() || lastText() == "The answer."; }));
    finishAnswer();
    ASSERT_EQ(nMessages(), 4);
    EXPECT_EQ(controller().messages().at(2).text, "And lunch?");
    EXPECT_EQ(controller().messages().branchPlace(controller().messages().at(2).id).count, 2);
    controller().showSibling(controller().messages().at(2).id, -1);
    EXPECT_EQ(controller().messages().at(2).text, "And who pays for breakfast?");
}

TEST_F(WindowTest, RegenerateMakesASibling) {
    open(m_chats.travel);
    m_services.script.answer = "Another answer.";
    m_window->chatPage().regenerateLast();
    finishAnswer();
    EXPECT_EQ(lastText(), "Another answer.");
    EXPECT_EQ(controller().messages().branchPlace(controller().messages().at(3).id).count, 2);
}

TEST_F(WindowTest, FollowsTheStreamOnlyAtTheEnd) {
    open(m_chats.markdown);
    m_services.script.answer.clear();
    for (int i = 0; i < 120; ++i)
        m_services.script.answer += "Paragraph " + std::to_string(i) + " of a long answer.\n\n";
    m_services.script.bytesPerStep = 60;
    m_services.script.perStep = std::chrono::milliseconds(5);
    QScrollBar* bar = conversation().verticalScrollBar();
    controller().send("Go on", {});
    ASSERT_TRUE(QTest::qWaitFor([&] { return nMessages() == 4 && lastText().size() > 900; }));
    EXPECT_TRUE(conversation().isFollowing());
    EXPECT_EQ(bar->value(), bar->maximum());
    bar->setValue(200);
    const int maximum = bar->maximum();
    const std::size_t size = lastText().size();
    ASSERT_TRUE(QTest::qWaitFor([&] { return lastText().size() > size + 900; }));
    settle();
    EXPECT_EQ(bar->value(), 200);
    EXPECT_GT(bar->maximum(), maximum);
    EXPECT_FALSE(conversation().isFollowing());
    conversation().scrollToEnd();
    finishAnswer();
    EXPECT_EQ(bar->value(), bar->maximum());
}

TEST_F(WindowTest, AnswerGoesOnInItsOwnChatWhileAnotherIsShown) {
    m_services.script.answer = std::string(600, 'y');
    m_services.script.perStep = std::chrono::milliseconds(40);
    open(m_chats.travel);
    controller().send("Slow one", {});
    ASSERT_TRUE(QTest::qWaitFor([this] { return nMessages() == 6 && !lastText().empty(); }));
    open(m_chats.chinese);
    EXPECT_EQ(nMessages(), 2);
    EXPECT_FALSE(controller().isAnswering());
    open(m_chats.travel);
    EXPECT_TRUE(controller().isAnswering());
    EXPECT_FALSE(lastText().empty());
    finishAnswer();
    EXPECT_EQ(lastText().size(), 600u);
}

TEST_F(WindowTest, CitationOpensTheDocumentAtTheQuote) {
    open(m_chats.travel);
    emit m_window->chatPage().sourceAsked(m_chats.answer, 1, 0);
    ASSERT_TRUE(QTest::qWaitFor([this] {
        return m_window->sources().reader().markedText() ==
               "Employees may book up to 4 nights without a further approval.";
    }));
    EXPECT_TRUE(m_window->sources().isVisible());
    EXPECT_EQ(m_window->sources().reader().page(), 3);
}

TEST_F(WindowTest, SearchesTitlesAndMessages) {
    QTest::keyClick(m_window.get(), Qt::Key_K, Qt::ControlModifier);
    auto* field = m_window->sidebar().findChild<QLineEdit*>();
    field->setText("breakfast");
    ASSERT_TRUE(QTest::qWaitFor([this] { return m_window->sidebar().chats().rowCount() == 2; }));
    auto* list = m_window->sidebar().findChild<QListView*>();
    emit list->clicked(list->model()->index(1, 0));
    ASSERT_TRUE(QTest::qWaitFor([this] { return controller().chat() == m_chats.travel; }));
    field->clear();
    EXPECT_GT(m_window->sidebar().chats().rowCount(), 8);
}

TEST_F(WindowTest, FindsInTheChat) {
    open(m_chats.travel);
    EXPECT_EQ(conversation().find("breakfast"), 2);
    EXPECT_EQ(conversation().findStep(-1), 2);
    EXPECT_EQ(conversation().findStep(1), 1);
    EXPECT_EQ(conversation().find(""), 0);
    // Esc is a shortcut of the window as well.
    m_window->chatPage().openFind();
    auto* field = named<QLineEdit>("Find in this chat");
    ASSERT_NE(field, nullptr);
    QTest::keyClick(field, Qt::Key_Escape);
    EXPECT_FALSE(field->isVisible());
}

TEST_F(WindowTest, DeletedChatComesBackByUndo) {
    open(m_chats.travel);
    m_window->sidebar().removeCurrent();
    ASSERT_TRUE(
        QTest::qWaitFor([this] { return !m_window->sidebar().chats().chat(m_chats.travel); }));
    QPushButton* undo = nullptr;
    for (QPushButton* button : m_window->findChildren<QPushButton*>()) {
        if (button->text() == "Undo") undo = button;
    }
    ASSERT_NE(undo, nullptr);
    undo->click();
    ASSERT_TRUE(QTest::qWaitFor(
        [this] { return m_window->sidebar().chats().chat(m_chats.travel) != nullptr; }));
    ASSERT_TRUE(QTest::qWaitFor([this] { return controller().chat() == m_chats.travel; }));
}

TEST_F(WindowTest, GgufFilesBecomeModelsAndOthersAttachments) {
    composer().attach({"/tmp/model.GGUF", "/tmp/report.pdf", "/tmp/report.pdf"});
    EXPECT_EQ(composer().attachments().size(), 1u);
    ASSERT_TRUE(QTest::qWaitFor([this] { return m_services.addedModels.size() == 1; }));
    controller().send("With a file", composer().attachments());
    finishAnswer();
    EXPECT_EQ(m_services.sent.at(0).attachments.size(), 1u);
}

TEST_F(WindowTest, ChosenCollectionsGoWithTheQuestion) {
    controller().setCollections(std::vector<CollectionId>{m_chats.policies});
    controller().send("Only there", {});
    finishAnswer();
    ASSERT_TRUE(m_services.sent.at(0).settings.collections.has_value());
    EXPECT_EQ(m_services.sent[0].settings.collections->at(0), m_chats.policies);
    EXPECT_TRUE(m_services.sent[0].retrieval);
    controller().setCollections(std::vector<CollectionId>{});
    controller().send("Without documents", {});
    finishAnswer();
    EXPECT_FALSE(m_services.sent.at(1).retrieval);
}

TEST_F(WindowTest, CopiesTheLastAnswerAsMarkdown) {
    open(m_chats.travel);
    m_window->chatPage().copyLastAnswer();
    EXPECT_EQ(QApplication::clipboard()->text().toStdString(),
              "Breakfast is paid if it is on the hotel's bill [1].");
}

TEST_F(WindowTest, RemembersTheChatAndTheWindow) {
    open(m_chats.chinese);
    m_window->close();
    {
        const std::scoped_lock lock(m_services.mutex);
        EXPECT_EQ(m_services.settings["window"]["chat"], m_chats.chinese);
    }
    m_window = std::make_unique<MainWindow>(m_services, WindowOptions{});
    m_window->show();
    EXPECT_TRUE(QTest::qWaitFor([this] { return controller().chat() == m_chats.chinese; }));
}

TEST_F(WindowTest, AKillRightAfterTheFirstQuestionComesBackToItsChat) {
    const auto saved = [this](const char* key) {
        const std::scoped_lock lock(m_services.mutex);
        return m_services.settings["window"].value(key, std::int64_t{0});
    };
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_GT(saved("newChatSince"), 0);
    controller().send("How many nights?", {});
    ASSERT_TRUE(QTest::qWaitFor([&] { return saved("chat") != 0; }));
    EXPECT_EQ(saved("chat"), controller().chat());
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
    finishAnswer();

    // Killed before even that was noted: only the chat itself is there.
    m_window.reset();
    m_services.settings["window"] = {{"newChatSince", QDateTime::currentMSecsSinceEpoch()}};
    const ChatId asked = m_services.addChat("Asked just before", 0);
    openWindow();
    EXPECT_TRUE(QTest::qWaitFor([&] { return controller().chat() == asked; }));
    // A window that was closed on the page for a new chat comes back to that.
    controller().startNew();
    settle();
    m_window->close();
    EXPECT_EQ(saved("newChatSince"), 0);
    m_services.addChat("Made in the terminal", 0);
    openWindow();
    EXPECT_FALSE(controller().chat());
}

TEST_F(WindowTest, AHitOnAnotherBranchKeepsThatBranchOpen) {
    const ChatId chat = m_services.addChat("Branches", 0);
    const MessageId asked = m_services.addMessage(chat, Role::User, "How many nights?", 0);
    const MessageId first = m_services.addMessage(chat, Role::Assistant, "Four.", asked);
    const MessageId more = m_services.addMessage(chat, Role::User, "And meals?", first);
    const MessageId second = m_services.addMessage(chat, Role::Assistant, "Five.", asked);
    open(chat);
    ASSERT_EQ(controller().messages().rowOf(first), -1);
    emit m_window->sidebar().chatAsked(chat, first);
    ASSERT_TRUE(QTest::qWaitFor([&] { return controller().messages().rowOf(first) == 1; }));
    settle();
    EXPECT_EQ(controller().messages().rowOf(more), 2);
    EXPECT_EQ(controller().messages().rowOf(second), -1);
    open(m_chats.travel);
    open(chat);
    EXPECT_EQ(controller().messages().rowOf(first), 1);
}

TEST_F(WindowTest, KeepsWhatIsTypedBeforeTheWindowIsAsItWas) {
    open(m_chats.chinese);
    m_window->close();
    m_window = std::make_unique<MainWindow>(m_services, WindowOptions{});
    m_window->show();
    QTest::keyClicks(&composer().edit(), "quick");
    ASSERT_TRUE(QTest::qWaitFor([this] { return m_window->sidebar().chats().rowCount() > 8; }));
    settle();
    EXPECT_EQ(composer().text().toStdString(), "quick");
    EXPECT_FALSE(controller().chat());

    m_window->close();
    m_window = std::make_unique<MainWindow>(m_services, WindowOptions{});
    m_window->show();
    QTest::keyClicks(&composer().edit(), "quick");
    QTest::keyClick(&composer().edit(), Qt::Key_Return);
    ASSERT_TRUE(QTest::qWaitFor([this] { return nMessages() == 2; }));
    finishAnswer();
    EXPECT_EQ(nMessages(), 2);
    EXPECT_EQ(lastText(), "The answer.");
}

TEST_F(WindowTest, LongChatsAreBuiltFromTheEnd) {
    const ChatId chat = m_services.addChat("Long", 0);
    MessageId first = 0;
    for (int i = 0; i < 150; ++i) {
        const MessageId id = m_services.addMessage(chat, i % 2 ? Role::Assistant : Role::User,
                                                   "Message " + std::to_string(i));
        if (i == 0) first = id;
    }
    open(chat);
    EXPECT_EQ(conversation().verticalScrollBar()->value(),
              conversation().verticalScrollBar()->maximum());
    conversation().showMessage(first);
    settle();
    EXPECT_LT(conversation().verticalScrollBar()->value(), 60);
    EXPECT_TRUE(QTest::qWaitFor(
        [this] { return conversation().findChildren<MessageView*>().size() == 150; }));
    // As they stand once all are there.
    int bottom = 0;
    for (int row = 0; row < nMessages(); ++row) {
        MessageView* view = nullptr;
        for (auto* each : conversation().findChildren<MessageView*>()) {
            if (each->id() == controller().messages().at(row).id) view = each;
        }
        ASSERT_NE(view, nullptr);
        EXPECT_GT(view->y(), bottom) << row;
        bottom = view->y() + view->height();
    }
    EXPECT_GT(conversation().widget()->height(), bottom);
}

TEST_F(WindowTest, WhatIsReadStaysInViewWhenTheThemeChanges) {
    const ChatId chat = m_services.addChat("Long", 0);
    for (int i = 0; i < 60; ++i) {
        m_services.addMessage(chat, i % 2 ? Role::Assistant : Role::User,
                              "Message " + std::to_string(i));
    }
    open(chat);
    const auto atTop = [this] {
        MessageId top = 0;
        int y = conversation().widget()->height();
        for (auto* each : conversation().findChildren<MessageView*>()) {
            const int bottom = each->y() + each->height();
            if (bottom < conversation().verticalScrollBar()->value() || each->y() > y) continue;
            top = each->id();
            y = each->y();
        }
        return top;
    };
    ASSERT_TRUE(QTest::qWaitFor(
        [&] { return conversation().findChildren<MessageView*>().size() == 60; }, 60000));
    conversation().verticalScrollBar()->setValue(conversation().verticalScrollBar()->maximum() / 2);
    const MessageId before = atTop();
    Theme::instance().setMode(ThemeMode::Dark);
    EXPECT_EQ(atTop(), before);
    Theme::instance().setZoom(1.5);
    EXPECT_EQ(atTop(), before);
    Theme::instance().setZoom(1.0);
    Theme::instance().setMode(ThemeMode::Light);
    EXPECT_EQ(atTop(), before);
    conversation().scrollToEnd();
    Theme::instance().setMode(ThemeMode::Dark);
    EXPECT_EQ(conversation().verticalScrollBar()->value(),
              conversation().verticalScrollBar()->maximum());
    Theme::instance().setMode(ThemeMode::System);
}

TEST_F(WindowTest, OfALongChatOnlyWhatIsSeenIsBuiltAtOnce) {
    MessageModel model;
    std::vector<Message> tree;
    for (int i = 1; i <= 400; ++i) {
        Message message;
        message.id = i;
        if (i > 1) message.parent = i - 1;
        message.role = i % 2 ? Role::User : Role::Assistant;
        message.text = "A paragraph of some words about the archive and its keeper.\n\nAnother.";
        tree.push_back(message);
    }
    ConversationView view(model, nullptr);
    view.resize(900, 700);
    view.show();
    model.setTree(tree, 400);
    EXPECT_LT(view.findChildren<MessageView*>().size(), 60);
    EXPECT_EQ(view.verticalScrollBar()->value(), view.verticalScrollBar()->maximum());
    // What is read stays where it is while the rest comes.
    view.verticalScrollBar()->setValue(view.verticalScrollBar()->maximum() - 300);
    const int fromEnd = view.verticalScrollBar()->maximum() - view.verticalScrollBar()->value();
    ASSERT_TRUE(
        QTest::qWaitFor([&] { return view.findChildren<MessageView*>().size() == 400; }, 60000));
    EXPECT_EQ(view.verticalScrollBar()->maximum() - view.verticalScrollBar()->value(), fromEnd);
}

TEST_F(WindowTest, EveryButtonHasAName) {
    for (const QAbstractButton* button : m_window->findChildren<QAbstractButton*>()) {
        // Qt's own buttons inside of a line edit are no stops for the keyboard.
        if (button->inherits("QLineEditIconButton") || button->objectName().startsWith("qt_"))
            continue;
        EXPECT_FALSE(button->accessibleName().isEmpty() && button->text().isEmpty() &&
                     button->toolTip().isEmpty())
            << button->metaObject()->className() << " in "
            << button->parent()->metaObject()->className();
    }
}

TEST(MessageViewThought, OpensOnDemand) {
    Message message;
    message.id = 1;
    message.role = Role::Assistant;
    message.text = "<think>The policy says four.</think>\n\nFour nights.";
    MessageView view(Role::Assistant, nullptr);
    view.show(message, nullptr, {});
    const int folded = view.heightForColumn(500);
    EXPECT_EQ(view.text().toPlainText().toStdString(), "Four nights.");
    for (QToolButton* button : view.findChildren<QToolButton*>()) {
        if (button->isCheckable()) button->click();
    }
    EXPECT_GT(view.heightForColumn(500), folded);
}

TEST(MessageText, CopiesCitationsAsTheyAreWritten) {
    MessageText text;
    text.setMarkdown("Four nights [1].\n\n- breakfast too [2]", {true, {{1, true}, {2, false}}});
    text.selectAll();
    text.copy();
    EXPECT_EQ(QApplication::clipboard()->text().toStdString(),
              "Four nights [1].\n\u2022 breakfast too [2]");
}

TEST(MessageText, AFrameOfCodeEndsWithinTheText) {
    MessageText text;
    text.setMarkdown("Asked:\n\n```sql\nSELECT 1\n```", {});
    const int height = text.heightForTextWidth(400);
    const QAbstractTextDocumentLayout* layout = text.document()->documentLayout();
    const double lastLine = layout->blockBoundingRect(text.document()->lastBlock()).bottom();
    EXPECT_GE(height, lastLine + Theme::instance().scaled(13));
}

TEST(MessageText, ClickOnAChipNamesTheCitation) {
    MessageText text;
    text.setMarkdown("[3] says so", {true, {{3, true}}});
    text.resize(400, text.heightForTextWidth(400));
    text.show();
    QSignalSpy clicks(&text, &MessageText::citationClicked);
    const QRect chip = text.cursorRect(QTextCursor(text.document()));
    QTest::mouseClick(text.viewport(), Qt::LeftButton, {}, chip.center() + QPoint(8, 0));
    ASSERT_EQ(clicks.count(), 1);
    EXPECT_EQ(clicks[0][0].toInt(), 3);
    EXPECT_EQ(clicks[0][1].toInt(), 0);
}

TEST_F(WindowTest, AQuestionThatCouldNotBeStoredComesBackToTheField) {
    m_services.sendError = Error{ErrorCode::DiskFull, "the disk is full"};
    composer().setText("How many nights may I book?");
    composer().attach({"/docs/policy.pdf"});
    emit composer().sendAsked();
    EXPECT_TRUE(QTest::qWaitFor([this] { return !controller().isAnswering(); }));
    EXPECT_TRUE(
        QTest::qWaitFor([this] { return composer().text() == "How many nights may I book?"; }));
    EXPECT_EQ(composer().attachments(), std::vector<std::filesystem::path>{"/docs/policy.pdf"});
    EXPECT_EQ(nMessages(), 0);

    m_services.sendError.reset();
    emit composer().sendAsked();
    finishAnswer();
    EXPECT_EQ(nMessages(), 2);
    EXPECT_EQ(composer().text(), "");
}

TEST_F(WindowTest, TheFieldIsAsHighAsItsText) {
    auto* field = named<QPlainTextEdit>("Message");
    ASSERT_NE(field, nullptr);
    const int oneLine = field->height();
    field->setFocus();
    QTest::keyClicks(field, "one");
    QTest::keyClick(field, Qt::Key_Return, Qt::ShiftModifier);
    QTest::keyClicks(field, "two");
    settle();
    EXPECT_GT(field->height(), oneLine);
    QTest::keyClick(field, Qt::Key_A, Qt::ControlModifier);
    QTest::keyClick(field, Qt::Key_Backspace);
    settle();
    EXPECT_EQ(field->height(), oneLine);
}

}  // namespace
}  // namespace conclave::ui
