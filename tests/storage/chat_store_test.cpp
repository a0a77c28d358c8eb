#include <fstream>
#include <iterator>
#include <limits>
#include <thread>

#include "storage_support.h"

namespace conclave::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ChatStoreTest : public StorageTest {
protected:
    ChatId newChat(std::string title = "Travel") {
        return valueOf(chats().createChat({.title = std::move(title)}));
    }
    MessageId say(ChatId chat, std::string text, std::optional<MessageId> parent = {},
                  Role role = Role::User) {
        return valueOf(chats().addMessage(
            {.chat = chat, .parent = parent, .role = role, .text = std::move(text)}));
    }
    ChatStore& chats() { return m_database->chats(); }

    std::vector<std::string> texts(const std::vector<Message>& messages) {
        std::vector<std::string> result;
        for (const Message& message : messages) result.push_back(message.text);
        return result;
    }
    std::vector<std::string> snippets(std::string_view query, int limit = 10) {
        std::vector<std::string> result;
        for (const MessageHit& hit : valueOf(chats().searchMessages(query, limit))) {
            result.push_back(hit.snippet);
        }
        return result;
    }
    void reopen() {
        m_database.reset();
        m_database = open();
    }

    std::unique_ptr<Database> m_database = open();
};

TEST_F(ChatStoreTest, KeepsAChatOverARestart) {
    const ChatId id = valueOf(
        chats().createChat({.title = "Travel", .settings = {{"temperature", 0.5}, {"k", {1, 2}}}}));
    reopen();
    const Chat chat = valueOf(chats().chat(id));
    EXPECT_EQ(chat.title, "Travel");
    EXPECT_EQ(chat.settings, (nlohmann::json{{"temperature", 0.5}, {"k", {1, 2}}}));
    EXPECT_FALSE(chat.pinned);
    EXPECT_FALSE(chat.leaf);
    EXPECT_EQ(chat.created, chat.updated);
    EXPECT_GT(chat.created, Time(std::chrono::milliseconds(1'600'000'000'000)));
}

TEST_F(ChatStoreTest, RegeneratingMakesABranchAndLosesNothing) {
    const ChatId chat = newChat();
    const MessageId question = say(chat, "question");
    const MessageId first = say(chat, "first answer", question, Role::Assistant);
    const MessageId follow = say(chat, "follow-up", first);
    const MessageId second = say(chat, "second answer", question, Role::Assistant);

    EXPECT_EQ(valueOf(chats().chat(chat)).leaf, second);
    EXPECT_THAT(texts(valueOf(chats().branch(second))), ElementsAre("question", "second answer"));
    EXPECT_THAT(texts(valueOf(chats().branch(follow))),
                ElementsAre("question", "first answer", "follow-up"));
    EXPECT_THAT(texts(valueOf(chats().messages(chat))),
                ElementsAre("question", "first answer", "follow-up", "second answer"));

    valueOf(chats().changeChat(chat, {.leaf = follow}));
    reopen();
    EXPECT_EQ(valueOf(chats().chat(chat)).leaf, follow);
    expectSound(*m_database);
}

TEST_F(ChatStoreTest, RefusesMessagesInTheWrongPlace) {
    const ChatId chat = newChat();
    const ChatId other = newChat();
    const MessageId elsewhere = say(other, "elsewhere");
    EXPECT_FAILS(chats().addMessage({.chat = chat, .parent = elsewhere}),
                 ErrorCode::InvalidArgument);
    EXPECT_FAILS(chats().addMessage({.chat = chat, .parent = 999}), ErrorCode::NotFound);
    EXPECT_FAILS(chats().addMessage({.chat = 999}), ErrorCode::NotFound);
    EXPECT_FAILS(chats().changeChat(chat, {.leaf = elsewhere}), ErrorCode::InvalidArgument);
    EXPECT_FAILS(chats().changeChat(999, {}), ErrorCode::NotFound);
    EXPECT_FAILS(chats().message(999), ErrorCode::NotFound);
    EXPECT_FAILS(chats().branch(999), ErrorCode::NotFound);
    EXPECT_FAILS(chats().updateMessage(999, "", MessageState::Complete), ErrorCode::NotFound);
    EXPECT_FAILS(chats().setAnswerDetails(999, {}), ErrorCode::NotFound);
    EXPECT_FAILS(chats().saveDraft(999, "lost"), ErrorCode::NotFound);
    EXPECT_THAT(valueOf(chats().messages(chat)), IsEmpty());
}

TEST_F(ChatStoreTest, AChangeThatFailsLeavesAllAsItWas) {
    const ChatId chat = newChat("before");
    EXPECT_FAILS(chats().changeChat(chat, {.title = "after", .folder = FolderId{999}}),
                 ErrorCode::NotFound);
    EXPECT_EQ(valueOf(chats().chat(chat)).title, "before");
}

TEST_F(ChatStoreTest, ListsPinnedChatsFirstThenTheNewest) {
    const ChatId oldest = newChat("oldest");
    const ChatId middle = newChat("middle");
    const ChatId newest = newChat("newest");
    valueOf(chats().changeChat(oldest, {.pinned = true}));
    const auto order = [&] {
        std::vector<ChatId> ids;
        for (const Chat& chat : valueOf(chats().chats())) ids.push_back(chat.id);
        return ids;
    };
    EXPECT_THAT(order(), ElementsAre(oldest, newest, middle));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    say(middle, "news");
    EXPECT_THAT(order(), ElementsAre(oldest, middle, newest));
}

TEST_F(ChatStoreTest, DeletedChatsWaitInTheTrash) {
    const ChatId chat = newChat();
    say(chat, "a unicorn");
    valueOf(chats().deleteChat(chat));
    EXPECT_THAT(valueOf(chats().chats()), IsEmpty());
    EXPECT_THAT(snippets("unicorn"), IsEmpty());
    valueOf(chats().restoreChat(chat));
    EXPECT_EQ(valueOf(chats().chats()).size(), 1U);
    EXPECT_EQ(snippets("unicorn").size(), 1U);

    valueOf(chats().deleteChat(chat));
    EXPECT_EQ(valueOf(chats().purgeTrash(Time{})), 0);
    EXPECT_EQ(valueOf(chats().purgeTrash(Time::max())), 1);
    EXPECT_FAILS(chats().chat(chat), ErrorCode::NotFound);
    EXPECT_FAILS(chats().restoreChat(chat), ErrorCode::NotFound);
    expectSound(*m_database);
}

TEST_F(ChatStoreTest, ListsTheTrashAndForgetsOneChatOfIt) {
    const ChatId first = newChat("First");
    const ChatId second = newChat("Second");
    const ChatId kept = newChat("Kept");
    say(second, "a griffin");
    valueOf(chats().deleteChat(first));
    valueOf(chats().deleteChat(second));
    const auto trash = valueOf(chats().trash());
    ASSERT_EQ(trash.size(), 2U);
    EXPECT_EQ(trash[0].chat.title, "Second");
    EXPECT_GE(trash[0].deleted, trash[1].deleted);
    EXPECT_FAILS(chats().purgeChat(kept), ErrorCode::NotFound);
    EXPECT_FAILS(chats().purgeChat(999), ErrorCode::NotFound);
    valueOf(chats().purgeChat(second));
    EXPECT_FAILS(chats().chat(second), ErrorCode::NotFound);
    EXPECT_EQ(valueOf(chats().trash()).size(), 1U);
    valueOf(chats().restoreChat(first));
    EXPECT_EQ(valueOf(chats().chats()).size(), 2U);
    expectSound(*m_database);
}

TEST_F(ChatStoreTest, PurgedTextIsNoLongerInTheFile) {
    const ChatId chat = newChat("xylophone");
    for (int i = 0; i < 20; ++i) say(chat, std::string(3000, 'x') + " quetzalcoatl");
    say(newChat(), "stays");
    const auto isInFile = [&](std::string_view word) {
        std::string all;
        for (const auto& entry : std::filesystem::directory_iterator(m_folder)) {
            std::ifstream stream(entry.path(), std::ios::binary);
            all.append(std::istreambuf_iterator<char>(stream), {});
        }
        return all.find(word) != std::string::npos;
    };
    EXPECT_TRUE(isInFile("quetzalcoatl"));
    valueOf(chats().deleteChat(chat));
    EXPECT_TRUE(isInFile("quetzalcoatl"));
    EXPECT_EQ(valueOf(chats().purgeTrash(Time::max())), 1);
    EXPECT_FALSE(isInFile("quetzalcoatl"));
    EXPECT_FALSE(isInFile("xylophone"));
    EXPECT_TRUE(isInFile("stays"));
    expectSound(*m_database);
}

TEST_F(ChatStoreTest, ForgetsAVeryLongChat) {
    // Longer than SQLite nests triggers; in memory, where no message waits for the disk.
    m_database = valueOf(Database::open({}, {.analyzer = analyzeForTests, .inMemory = true}));
    const ChatId chat = newChat();
    std::optional<MessageId> last;
    for (int i = 0; i < 1100; ++i) last = say(chat, "message", last);
    EXPECT_EQ(valueOf(chats().branch(*last)).size(), 1100U);
    valueOf(chats().deleteChat(chat));
    EXPECT_EQ(valueOf(chats().purgeTrash(Time::max())), 1);
    expectSound(*m_database);
}

TEST_F(ChatStoreTest, ChatsStayWhenTheirFolderGoes) {
    const FolderId folder = valueOf(chats().createFolder("Work"));
    const ChatId chat = valueOf(chats().createChat({.title = "Plan", .folder = folder}));
    valueOf(chats().renameFolder(folder, "Office"));
    EXPECT_EQ(valueOf(chats().folders()).front().name, "Office");
    EXPECT_EQ(valueOf(chats().chat(chat)).folder, folder);
    valueOf(chats().changeChat(chat, {.folder = std::optional<FolderId>()}));
    EXPECT_FALSE(valueOf(chats().chat(chat)).folder);
    valueOf(chats().changeChat(chat, {.folder = std::optional<FolderId>(folder)}));
    valueOf(chats().deleteFolder(folder));
    EXPECT_FALSE(valueOf(chats().chat(chat)).folder);
    EXPECT_THAT(valueOf(chats().folders()), IsEmpty());
    EXPECT_FAILS(chats().deleteFolder(folder), ErrorCode::NotFound);
    EXPECT_FAILS(chats().createChat({.folder = folder}), ErrorCode::NotFound);
}

TEST_F(ChatStoreTest, KeepsDraftsOfEachChatAndOfTheNewChatPage) {
    const ChatId chat = newChat();
    valueOf(chats().saveDraft(chat, "half a que"));
    valueOf(chats().saveDraft(chat, "half a question"));
    valueOf(chats().saveDraft(std::nullopt, "new"));
    reopen();
    EXPECT_EQ(valueOf(chats().draft(chat)), "half a question");
    EXPECT_EQ(valueOf(chats().draft(std::nullopt)), "new");
    valueOf(chats().saveDraft(std::nullopt, ""));
    EXPECT_EQ(valueOf(chats().draft(std::nullopt)), "");
    EXPECT_EQ(valueOf(chats().draft(chat)), "half a question");
}

TEST_F(ChatStoreTest, KeepsHowAnAnswerCameAbout) {
    const ChatId chat = newChat();
    const MessageId answer = say(chat, "It is 90 euros [1].", {}, Role::Assistant);
    AnswerDetails details;
    details.reasoning = "The rules say two.";
    details.model = "Tiny";
    details.modelFile = "/models/tiny.gguf";
    details.seed = std::numeric_limits<std::uint64_t>::max();
    details.sampling = {{"temperature", 0.7}, {"top_k", 40}};
    details.usage = {{"prompt_tokens", 12}, {"decode_tps", 31.5}};
    details.finishReason = "stop";
    details.passages = {{.number = 1,
                         .document = std::nullopt,
                         .path = "/docs/policy.md",
                         .title = "Policy",
                         .heading = "Policy > Hotels",
                         .page = 3,
                         .startByte = 10,
                         .endByte = 40,
                         .text = "Hotels: up to 90 euros a night",
                         .score = 0.75},
                        {.number = 2, .path = "/docs/other.md", .text = "Other"}};
    details.citations = {{.answerStart = 15,
                          .answerEnd = 18,
                          .passage = 1,
                          .quoteStart = 24,
                          .quoteEnd = 32,
                          .quote = "90 euros",
                          .supported = true},
                         {.answerStart = 19, .answerEnd = 22, .passage = 7}};
    valueOf(chats().setAnswerDetails(answer, {.model = "to be replaced"}));
    valueOf(chats().setAnswerDetails(answer, details));
    reopen();

    const Message message = valueOf(chats().message(answer));
    ASSERT_TRUE(message.details);
    EXPECT_EQ(message.details->model, "Tiny");
    EXPECT_EQ(message.details->modelFile, "/models/tiny.gguf");
    EXPECT_EQ(message.details->seed, details.seed);
    EXPECT_EQ(message.details->sampling, details.sampling);
    EXPECT_EQ(message.details->usage, details.usage);
    EXPECT_EQ(message.details->finishReason, "stop");
    EXPECT_EQ(message.details->reasoning, "The rules say two.");
    ASSERT_EQ(message.details->passages.size(), 2U);
    const StoredPassage& passage = message.details->passages[0];
    EXPECT_EQ(passage.number, 1);
    EXPECT_EQ(passage.path, "/docs/policy.md");
    EXPECT_EQ(passage.heading, "Policy > Hotels");
    EXPECT_EQ(passage.page, 3);
    EXPECT_EQ(passage.startByte, 10U);
    EXPECT_EQ(passage.endByte, 40U);
    EXPECT_EQ(passage.text, "Hotels: up to 90 euros a night");
    EXPECT_DOUBLE_EQ(passage.score, 0.75);
    ASSERT_EQ(message.details->citations.size(), 2U);
    EXPECT_EQ(message.details->citations[0].quote, "90 euros");
    EXPECT_TRUE(message.details->citations[0].supported);
    EXPECT_EQ(message.details->citations[1].passage, 7);  // a number that no passage has
    EXPECT_FALSE(message.details->citations[1].supported);
}

TEST_F(ChatStoreTest, APassageStaysWhenItsDocumentGoes) {
    DocumentStore& documents = m_database->documents();
    const auto collection = valueOf(documents.createCollection("Guide"));
    const auto document = valueOf(documents.ensureDocument(collection, "/docs/a.md"));
    const auto gone = valueOf(documents.ensureDocument(collection, "/docs/b.md"));
    valueOf(documents.removeDocument(gone));
    const MessageId answer = say(newChat(), "Yes [1].", {}, Role::Assistant);
    AnswerDetails details;
    details.passages = {{.number = 1, .document = document, .text = "kept"},
                        {.number = 2, .document = gone, .text = "kept too"}};
    valueOf(chats().setAnswerDetails(answer, details));
    EXPECT_EQ(valueOf(chats().message(answer)).details->passages[0].document, document);
    valueOf(documents.removeDocument(document));
    const auto passages = valueOf(chats().message(answer)).details->passages;
    ASSERT_EQ(passages.size(), 2U);
    EXPECT_FALSE(passages[0].document);
    EXPECT_EQ(passages[0].text, "kept");
    EXPECT_FALSE(passages[1].document);
    expectSound(*m_database);
}

TEST_F(ChatStoreTest, KeepsTextWithEveryByte) {
    const std::string text("NUL \0 quote ' \" 住宿 \xff end", 26);
    const MessageId id = say(newChat(), text);
    EXPECT_EQ(valueOf(chats().message(id)).text, text);
    valueOf(chats().updateMessage(id, "", MessageState::Failed, "out of memory"));
    const Message message = valueOf(chats().message(id));
    EXPECT_EQ(message.text, "");
    EXPECT_EQ(message.state, MessageState::Failed);
    EXPECT_EQ(message.error, "out of memory");
    expectSound(*m_database);
}

// ------------------------------------------------------------------------------------------ search

TEST_F(ChatStoreTest, FindsMessagesWithAllWordsAndTheLastAsABeginning) {
    const ChatId chat = newChat("Trip");
    const MessageId both = say(chat, "Hotels in Paris cost more");
    say(chat, "Hotels in Rome");
    const auto hits = valueOf(chats().searchMessages("hotel par", 10));
    ASSERT_EQ(hits.size(), 1U);
    EXPECT_EQ(hits[0].message, both);
    EXPECT_EQ(hits[0].chat, chat);
    EXPECT_EQ(hits[0].chatTitle, "Trip");
    EXPECT_EQ(hits[0].snippet, "\uE000Hotels\uE001 in \uE000Paris\uE001 cost more");
    EXPECT_EQ(valueOf(chats().searchMessages("hotel", 10)).size(), 2U);
    EXPECT_EQ(valueOf(chats().searchMessages("hotel", 1)).size(), 1U);
    EXPECT_THAT(snippets("hot paris"), IsEmpty());  // only the last word may be a beginning
    EXPECT_THAT(snippets(""), IsEmpty());
    EXPECT_THAT(snippets(" - \"*"), IsEmpty());
}

TEST_F(ChatStoreTest, FindsChineseWordsOfTwoCharacters) {
    say(newChat(), "差旅制度规定住宿上限为每晚五百元。");
    EXPECT_THAT(snippets("住宿"), ElementsAre("差旅制度规定\uE000住宿\uE001上限为每晚五百元。"));
    EXPECT_EQ(snippets("住宿上限").size(), 1U);
    EXPECT_THAT(snippets("宿住"), IsEmpty());
}

TEST_F(ChatStoreTest, TreatsTheQueryAsWordsNotAsSyntax) {
    say(newChat(), "either this or NOT that NEAR");
    EXPECT_EQ(snippets("this OR that").size(), 1U);  // "or" is a word of the message
    EXPECT_THAT(snippets("this OR nothing"), IsEmpty());
    EXPECT_EQ(snippets("NOT that").size(), 1U);
    EXPECT_EQ(snippets("text:this").size(), 0U);
    EXPECT_EQ(snippets("\"this").size(), 1U);
    EXPECT_EQ(snippets("NEAR(").size(), 1U);
}

TEST_F(ChatStoreTest, FindsAnAnswerOnceItIsFinished) {
    const ChatId chat = newChat();
    const MessageId answer = valueOf(chats().addMessage(
        {.chat = chat, .role = Role::Assistant, .state = MessageState::Streaming}));
    valueOf(chats().updateMessage(answer, "a dragon", MessageState::Streaming));
    EXPECT_THAT(snippets("dragon"), IsEmpty());
    expectSound(*m_database);
    valueOf(chats().updateMessage(answer, "a dragon and a knight", MessageState::Complete));
    EXPECT_EQ(snippets("dragon").size(), 1U);
    EXPECT_EQ(snippets("knight").size(), 1U);
    valueOf(chats().updateMessage(answer, "a knight", MessageState::Complete));
    EXPECT_THAT(snippets("dragon"), IsEmpty());
    EXPECT_EQ(snippets("knight").size(), 1U);
    valueOf(chats().updateMessage(answer, "again", MessageState::Streaming));
    EXPECT_THAT(snippets("knight"), IsEmpty());
    expectSound(*m_database);
}

TEST_F(ChatStoreTest, ASnippetShowsTheSurroundingsOfTheFirstMatch) {
    std::string text;
    for (int i = 0; i < 100; ++i) text += "filler ";
    text += "treasure\nfound ";
    for (int i = 0; i < 100; ++i) text += "日本";
    say(newChat(), text);
    const auto found = snippets("treasure");
    ASSERT_EQ(found.size(), 1U);
    EXPECT_TRUE(found[0].starts_with("…filler ")) << found[0];
    EXPECT_THAT(found[0], testing::HasSubstr("\uE000treasure\uE001 found"));
    EXPECT_TRUE(found[0].ends_with("…")) << found[0];
    EXPECT_LT(found[0].size(), 300U);
    EXPECT_TRUE(isValidUtf8(found[0]));
}

// ----------------------------------------------------------------------------------------- restart

TEST_F(ChatStoreTest, AnAnswerThatWasStreamingIsInterruptedAfterARestart) {
    const ChatId chat = newChat();
    const MessageId answer = valueOf(chats().addMessage(
        {.chat = chat, .role = Role::Assistant, .state = MessageState::Streaming}));
    valueOf(chats().updateMessage(answer, "half an answ", MessageState::Streaming));
    reopen();
    const Message message = valueOf(chats().message(answer));
    EXPECT_EQ(message.state, MessageState::Interrupted);
    EXPECT_EQ(message.text, "half an answ");
    EXPECT_EQ(snippets("half").size(), 1U);
    expectSound(*m_database);
}

TEST_F(ChatStoreTest, KeepsSettings) {
    EXPECT_FALSE(valueOf(m_database->settings().get("theme")));
    valueOf(m_database->settings().set("theme", "dark"));
    valueOf(m_database->settings().set("theme", {{"name", "light"}}));
    valueOf(m_database->settings().set("nothing", nullptr));
    reopen();
    EXPECT_EQ(valueOf(m_database->settings().get("theme")), (nlohmann::json{{"name", "light"}}));
    EXPECT_TRUE(valueOf(m_database->settings().get("nothing")).has_value());
}

}  // namespace
}  // namespace conclave::storage
