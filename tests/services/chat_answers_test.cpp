// What chats answer from documents.
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/services/chat_fixture.h"

namespace conclave::services {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using testing::HasSubstr;

TEST_F(ChatServiceTest, AnswersFromACollectionWithACheckedCitation) {
    m_files.write("office.md",
                  "# B\u00fcro \u2014 \u529e\u516c\u5ba4\n\n\u00dcber uns: \u4f60\u597d\u3002 The "
                  "office in Tallinn opens at 8:30. The spare keys are kept by Marta Veldhuis.\n");
    m_files.write("travel.md", "Employees may book second class train tickets without approval.\n");
    const CollectionId id = makeCollection("Policies");
    add(id, m_files.path());
    const auto answer = askAbout(id, "Who keeps the spare keys?");
    ASSERT_TRUE(answer.has_value()) << answer.error().detail;
    EXPECT_EQ(answer->state, MessageState::Complete);
    EXPECT_THAT(answer->text, HasSubstr("Marta Veldhuis"));
    ASSERT_TRUE(answer->details.has_value());
    const AnswerDetails& details = *answer->details;
    EXPECT_EQ(details.model, "Conclave Tiny");
    EXPECT_EQ(details.finishReason, "end_of_turn");
    EXPECT_GT(details.usage["prompt_tokens"].get<int>(), 20);
    ASSERT_FALSE(details.passages.empty());
    ASSERT_EQ(details.citations.size(), 1U);
    const StoredCitation& citation = details.citations[0];
    EXPECT_TRUE(citation.supported);
    EXPECT_EQ(answer->text.substr(citation.answerStart, citation.answerEnd - citation.answerStart),
              "[" + std::to_string(citation.passage) + "]");
    const StoredPassage& passage =
        details.passages.at(static_cast<std::size_t>(citation.passage) - 1);
    EXPECT_EQ(passage.path, (m_files.path() / "office.md").string());
    const auto view = wait<DocumentView>(
        [&](auto reply) { collections().open(*passage.document, std::move(reply)); });
    ASSERT_TRUE(view.has_value());
    EXPECT_EQ(
        view->pages.at(0).text.substr(citation.quoteStart, citation.quoteEnd - citation.quoteStart),
        citation.quote);
    EXPECT_THAT(citation.quote, HasSubstr("Marta Veldhuis"));
}

TEST_F(ChatServiceTest, AnAnswerKeepsTheFilterAndSaysWhatItLeftOut) {
    m_files.write("keys.md", "The spare keys are kept by Marta Veldhuis.\n");
    m_files.write("keys.txt", "The spare keys are kept by Marta Veldhuis, as ever.\n");
    const CollectionId id = makeCollection("Policies");
    add(id, m_files.path());
    const auto ask = [&](const std::string& type, Scope scope = Scope::Automatic) {
        SendRequest request;
        request.text = "Who keeps the spare keys?";
        request.settings.collections = std::vector<CollectionId>{id};
        request.settings.filter.types = {type};
        request.scope = scope;
        return send(std::move(request));
    };
    const auto found = ask("txt");
    ASSERT_TRUE(found.has_value()) << found.error().detail;
    EXPECT_EQ(confinedTo(*found->details).types, std::vector<std::string>{"txt"});
    for (const StoredPassage& passage : found->details->passages) {
        EXPECT_EQ(fs::path(passage.path).filename(), "keys.txt");
    }
    const auto none = ask("pdf");
    ASSERT_TRUE(none.has_value()) << none.error().detail;
    EXPECT_EQ(none->details->finishReason, kNothingFoundReason);
    EXPECT_THAT(none->text, HasSubstr("Only some documents were searched"));
    EXPECT_THAT(none->text, HasSubstr("type pdf"));
    const auto all = ask("md", Scope::Everything);
    ASSERT_TRUE(all.has_value()) << all.error().detail;
    const auto account = surveyAccountOf(*all->details);
    ASSERT_TRUE(account.has_value());
    EXPECT_EQ(account->nDocumentsRead, 1);
    EXPECT_TRUE(account->isComplete);
    EXPECT_EQ(confinedTo(*all->details).types, std::vector<std::string>{"md"});
}

TEST_F(ChatServiceTest, SaysPlainlyWhenNothingIsFound) {
    m_files.write("travel.md", "Employees may book second class train tickets.\n");
    const CollectionId id = makeCollection("Policies");
    add(id, m_files.path());
    const auto answer = askAbout(id, "Quel est le plus gros mammifère marin du zoo?");
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->text, "I could not find that in your documents.");
    EXPECT_TRUE(answer->details->passages.empty());
}

TEST_F(ChatServiceTest, ShowsPassagesForALanguageThatTheDemonstrationModelDoesNotKnow) {
    m_files.write("keys.txt", "\u5907\u7528\u94a5\u5319\u7531\u738b\u78ca\u4fdd\u7ba1\u3002\n");
    const CollectionId id = makeCollection("Notes");
    add(id, m_files.path());
    const auto answer = askAbout(id, "\u5907\u7528\u94a5\u5319\u7531\u8c01\u4fdd\u7ba1\uff1f");
    ASSERT_TRUE(answer.has_value()) << answer.error().detail;
    EXPECT_THAT(answer->text, HasSubstr("\u738b\u78ca"));
    EXPECT_THAT(answer->text, HasSubstr("只懂英文"));
    EXPECT_EQ(answer->details->citations.size(), 1U);
}

TEST_F(ChatServiceTest, AnswersFromDocumentsAloneWhereThatIsWanted) {
    SendRequest request;
    request.text = "Who keeps the spare keys?";
    request.settings.onlyDocuments = true;
    const auto without = send(request);
    ASSERT_TRUE(without.has_value());
    EXPECT_THAT(without->text, HasSubstr("there are none to ask"));
    EXPECT_EQ(without->details->usage["completion_tokens"].get<int>(), 0);
    request.text = "Hello!";
    const auto greeting = send(request);
    ASSERT_TRUE(greeting.has_value());
    EXPECT_EQ(greeting->text, "Hello! How can I help you today?");

    m_files.write("keys.txt", "The spare keys are kept by Marta Veldhuis.\n");
    const CollectionId id = makeCollection("Notes");
    add(id, m_files.path());
    request.text = "Who keeps the spare keys?";
    request.settings.collections = {id};
    const auto with = send(request);
    ASSERT_TRUE(with.has_value());
    EXPECT_THAT(with->text, HasSubstr("Marta Veldhuis"));
    const ChatSettings back = ChatSettings::fromJson(request.settings.toJson());
    EXPECT_TRUE(back.onlyDocuments);
    EXPECT_TRUE(back.readsFollowUps);
}

TEST_F(ChatServiceTest, TellsWhatAFollowUpWasLookedUpAsUnlessItIsTakenAsWritten) {
    m_files.write("lease.txt", "Landlord: Ida Brandt.\n\nTenant: Oskar Lund.\n");
    const CollectionId id = makeCollection("Lease");
    add(id, m_files.path());
    for (const bool reads : {true, false}) {
        SendRequest request;
        request.text = "Who is the landlord?";
        request.settings.collections = std::vector<CollectionId>{id};
        request.settings.readsFollowUps = reads;
        const auto first = send(request);
        ASSERT_TRUE(first.has_value());
        EXPECT_EQ(searchedFor(*first->details), "");
        request.chat = first->chat;
        request.text = "And the tenant?";
        const auto second = send(request);
        ASSERT_TRUE(second.has_value());
        EXPECT_EQ(searchedFor(*second->details), reads ? "Who is the tenant?" : "");
    }
}

TEST_F(ChatServiceTest, ReadsWhatChangedBeforeItAnswers) {
    m_files.write("keys.txt", "The spare keys are kept by Marta Veldhuis.\n");
    m_files.write("garden.txt", "The garden opens at seven.\n");
    const CollectionId id = makeCollection("Notes");
    add(id, m_files.path());
    const auto answerTo = [&](const char* question) {
        const auto answer = askAbout(id, question);
        return answer ? answer->text : answer.error().detail;
    };
    EXPECT_THAT(answerTo("Who keeps the spare keys?"), HasSubstr("Marta Veldhuis"));
    m_files.write("keys.txt", "The spare keys are kept by Ingrid Solberg now.\n");
    EXPECT_THAT(answerTo("Who keeps the spare keys?"), HasSubstr("Ingrid Solberg"));
    m_files.write("pool/pool.txt", "The pool opens at nine. The pool is closed on Mondays.\n");
    EXPECT_THAT(answerTo("When does the pool open?"), HasSubstr("nine"));
    fs::remove(m_files.path() / "keys.txt");
    EXPECT_THAT(answerTo("Who keeps the spare keys?"), testing::Not(HasSubstr("Solberg")));
    EXPECT_EQ(documents(id).size(), 2U);
}

TEST_F(ChatServiceTest, ManyChangesAreReadAfterTheAnswer) {
    m_files.write("keys.txt", "The spare keys are kept by Marta Veldhuis.\n");
    const CollectionId id = makeCollection("Notes");
    add(id, m_files.path());
    constexpr int kMany = 30;
    for (int i = 0; i < kMany; ++i) {
        m_files.write("note" + std::to_string(i) + ".txt",
                      "Note " + std::to_string(i) + " is about boats.\n");
    }
    ASSERT_TRUE(askAbout(id, "Who keeps the spare keys?").has_value());
    const auto until = Clock::now() + 10s;
    while (documents(id).size() <= kMany && Clock::now() < until) std::this_thread::sleep_for(5ms);
    EXPECT_EQ(documents(id).size(), kMany + 1U) << "an update began by itself";
}

TEST_F(ChatServiceTest, SmallTalkAfterAQuestionCitesNothing) {
    m_files.write("keys.txt", "The spare keys are kept by Marta Veldhuis. Thanks to all.\n");
    const CollectionId id = makeCollection("Notes");
    add(id, m_files.path());
    const auto answer = askAbout(id, "Who keeps the spare keys?");
    ASSERT_TRUE(answer.has_value()) << answer.error().detail;
    SendRequest alone;
    alone.settings.collections = std::vector<CollectionId>{};
    for (const char* text : {"hi", "thanks", "Who are you?", "Thanks, that helps!"}) {
        SendRequest next;
        next.chat = answer->chat;
        next.text = text;
        const auto reply = send(next);
        ASSERT_TRUE(reply.has_value()) << reply.error().detail;
        EXPECT_TRUE(reply->details->passages.empty()) << text;
        EXPECT_EQ(reply->text.find('['), std::string::npos) << reply->text;
        alone.chat.reset();
        alone.text = text;
        const auto first = send(alone);
        ASSERT_TRUE(first.has_value());
        EXPECT_EQ(reply->text, first->text) << "nothing before it plays a part";
    }
}

TEST_F(ChatServiceTest, ReadsAnAttachedFile) {
    const fs::path file = m_files.write(
        "minutes.txt", "The spare keys of the workshop are kept by Marta in the blue box.\n");
    SendRequest request;
    request.text = "Who keeps the spare keys of the workshop?";
    request.attachments = {file};
    const auto answer = send(request);
    ASSERT_TRUE(answer.has_value()) << answer.error().detail;
    ASSERT_FALSE(answer->details->passages.empty());
    EXPECT_EQ(answer->details->passages[0].path, file.string());
    EXPECT_THAT(answer->text, HasSubstr("Marta"));
    const auto all =
        wait<std::vector<Collection>>([&](auto reply) { collections().list(std::move(reply)); });
    EXPECT_TRUE(all->empty());  // attachments are no collection that one sees
}

TEST_F(ChatServiceTest, FailsWithTheReasonWhenAnAttachmentCannotBeRead) {
    SendRequest request;
    request.text = "Summarise this.";
    request.attachments = {m_files.path() / "gone.txt"};
    const auto answer = send(request);
    ASSERT_FALSE(answer.has_value());
    EXPECT_THAT(answer.error().detail, HasSubstr("gone.txt"));
    const auto all = wait<std::vector<Chat>>([&](auto reply) { chats().list(std::move(reply)); });
    const Message stored = load(all->at(0).id).messages.back();
    EXPECT_EQ(stored.state, MessageState::Failed);
    EXPECT_THAT(stored.error, HasSubstr("gone.txt"));
}

}  // namespace
}  // namespace conclave::services
