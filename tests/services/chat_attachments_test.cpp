// Files of a chat and of its draft, the trash, and the context that a chat takes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/services/ocr_state.h"
#include "tests/services/scratch.h"

namespace conclave::services {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ChatAttachmentsTest : public ServicesTest {
protected:
    void SetUp() override {
        startWithoutGuide();
        ASSERT_TRUE(m_services->models().loaded().has_value());
        m_file = m_files.write(
            "minutes.txt", "The spare keys of the workshop are kept by Marta in the blue box.\n");
    }
    Message ask(std::optional<ChatId> chat, const std::string& text,
                std::vector<fs::path> attachments = {}) {
        SendRequest request;
        request.chat = chat;
        request.text = text;
        request.attachments = std::move(attachments);
        return send(request).value_or(Message{});
    }
    std::vector<fs::path> attached(ChatId chat) {
        std::vector<fs::path> paths;
        const auto all = wait<std::vector<Document>>(
            [&](auto reply) { chats().attached(chat, std::move(reply)); });
        for (const Document& each : all.value_or(std::vector<Document>{})) {
            paths.push_back(each.path);
        }
        return paths;
    }
    ChatView load(ChatId chat) {
        return wait<ChatView>([&](auto reply) { chats().load(chat, std::move(reply)); })
            .value_or(ChatView{});
    }
    Result<void> call(const std::function<void(Reply<void>)>& start) { return wait<void>(start); }

    fs::path m_file;
};

TEST_F(ChatAttachmentsTest, AFileServesLaterQuestionsUntilItIsDetached) {
    const Message first = ask({}, "Who keeps the spare keys of the workshop?", {m_file});
    ASSERT_THAT(first.text, HasSubstr("Marta"));
    EXPECT_THAT(attached(first.chat), ElementsAre(m_file));
    const Message second = ask(first.chat, "Where are the spare keys of the workshop?");
    ASSERT_FALSE(second.details->passages.empty());
    EXPECT_EQ(second.details->passages[0].path, m_file.string());

    ASSERT_TRUE(call([&](auto reply) { chats().detach(first.chat, m_file, reply); }));
    EXPECT_THAT(attached(first.chat), IsEmpty());
    const Message after = ask(first.chat, "Which box holds the spare keys of the workshop?");
    EXPECT_THAT(after.details->passages, IsEmpty());
    EXPECT_FALSE(call([&](auto reply) { chats().detach(first.chat, m_file, reply); }));
    // What was sent stays said.
    const ChatView view = load(first.chat);
    EXPECT_THAT(attachmentsOf(view.chat, *first.parent), ElementsAre(m_file));
    EXPECT_THAT(attachmentsOf(view.chat, first.id), IsEmpty());
}

TEST_F(ChatAttachmentsTest, AFileThatCannotBeReadIsNamedWithItsReason) {
    const fs::path damaged = m_files.write("plan.pdf", "<?");
    SendRequest request;
    request.text = "What does it say?";
    request.attachments = {damaged};
    const auto answer = send(request);
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().code, ErrorCode::Unreadable);
    EXPECT_THAT(answer.error().detail, HasSubstr("plan.pdf could not be read: "));
}

TEST_F(ChatAttachmentsTest, FilesOfADraftAreKept) {
    const Message answer = ask({}, "Hello there!");
    chats().saveDraftFiles(answer.chat, {m_file, m_files.path() / "other.txt"});
    chats().saveDraftFiles(std::nullopt, {m_file});
    startWithoutGuide();
    EXPECT_EQ(load(answer.chat).draftFiles.size(), 2U);
    const auto fresh = wait<std::vector<fs::path>>(
        [&](auto reply) { chats().draftFiles(std::nullopt, std::move(reply)); });
    EXPECT_THAT(*fresh, ElementsAre(m_file));
    chats().saveDraftFiles(answer.chat, {});
    EXPECT_THAT(load(answer.chat).draftFiles, IsEmpty());
}

TEST_F(ChatAttachmentsTest, AChatRemovedForGoodTakesItsFilesAlong) {
    const Message answer = ask({}, "Who keeps the spare keys of the workshop?", {m_file});
    EXPECT_FALSE(call([&](auto reply) { chats().removeForGood(answer.chat, reply); }));
    ASSERT_TRUE(call([&](auto reply) { chats().remove(answer.chat, reply); }));
    const auto trash =
        wait<std::vector<DeletedChat>>([&](auto reply) { chats().trash(std::move(reply)); });
    ASSERT_EQ(trash->size(), 1U);
    EXPECT_EQ(trash->front().chat.id, answer.chat);
    EXPECT_THAT(attached(answer.chat), ElementsAre(m_file));  // it may come back
    ASSERT_TRUE(call([&](auto reply) { chats().removeForGood(answer.chat, reply); }));
    for (int i = 0; i < 200 && !attached(answer.chat).empty(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_THAT(attached(answer.chat), IsEmpty());
}

TEST_F(ChatAttachmentsTest, TheContextInUseIsWhatTheLastAnswerTook) {
    const auto use = [&](ChatId chat, const std::string& draft) {
        return wait<ContextUse>(
                   [&](auto reply) { chats().contextUse(chat, draft, std::move(reply)); })
            .value_or(ContextUse{});
    };
    const Message answer = ask({}, "Who keeps the spare keys of the workshop?", {m_file});
    const nlohmann::json& usage = answer.details->usage;
    const int taken = usage["prompt_tokens"].get<int>() + usage["completion_tokens"].get<int>();
    EXPECT_EQ(use(answer.chat, "").usedTokens, taken);
    EXPECT_GT(use(answer.chat, "And more?").usedTokens, taken);
    EXPECT_EQ(use(answer.chat, "").contextLength, 1024);
    EXPECT_EQ(use(answer.chat, "").modelContextLength, 1024);
    EXPECT_EQ(use(answer.chat, std::string(20000, 'x')).usedTokens, 1024);
}

TEST_F(ChatAttachmentsTest, TellsWhatTextRecognitionThereIs) {
    EXPECT_THAT(languagesIn("List of available languages in \"/usr/share/tessdata/\" (3):\n"
                            "chi_sim\neng\nosd\n"),
                ElementsAre("chi_sim", "eng"));
    EXPECT_THAT(languagesIn("Error opening data file\n"), IsEmpty());
    const auto state = wait<OcrState>([&](auto reply) { m_services->ocr(std::move(reply)); });
    ASSERT_TRUE(state.has_value());
    EXPECT_EQ(state->isInstalled, !retrieval::findOcrProgram().empty());
    EXPECT_EQ(state->inUse, "");
}

}  // namespace
}  // namespace conclave::services
