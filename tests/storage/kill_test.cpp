// kill -9 at random moments: the database opens, is sound, and lacks at most what was not
// committed yet.
#include <algorithm>
#include <array>
#include <csignal>
#include <random>
#include <thread>

#include <sys/wait.h>

#include "storage_support.h"

namespace conclave::storage {
namespace {

constexpr int kRounds = 50;
constexpr int kLinesPerDocument = 20;

/// What the child says after a call has returned: from then on it must be there.
struct Progress {
    std::int64_t chat = 0;
    std::int64_t answer = 0;
    std::int64_t nBatches = 0;    ///< of the answer's text
    std::int64_t nDocuments = 0;  ///< stored whole
};

constexpr std::string_view kBatch = "some words of an answer ";

std::string documentText(std::int64_t version) {
    std::string text;
    for (int line = 0; line < kLinesPerDocument; ++line) {
        text += "dolphin " + std::to_string(version) + " line " + std::to_string(line) + "\n";
    }
    return text;
}

/// Streams an answer and stores documents until it is killed.
[[noreturn]] void childMain(const std::filesystem::path& path, int pipe) {
    auto database = Database::open(path, {.analyzer = analyzeForTests});
    if (!database) ::_exit(1);
    ChatStore& chats = (*database)->chats();
    DocumentStore& documents = (*database)->documents();
    std::mutex reporting;
    Progress progress;
    const auto report = [&](auto&& change) {
        const std::scoped_lock lock(reporting);
        change(progress);
        if (::write(pipe, &progress, sizeof progress) != sizeof progress) ::_exit(2);
    };
    const auto chat = chats.createChat({.title = "Chat"});
    if (!chat) ::_exit(3);
    const auto answer = chats.addMessage(
        {.chat = *chat, .role = Role::Assistant, .state = MessageState::Streaming});
    if (!answer) ::_exit(4);
    report([&](Progress& p) { p.chat = *chat, p.answer = *answer; });
    std::jthread indexer([&] {
        auto collection = documents.createCollection("Docs " + std::to_string(*chat));
        for (std::int64_t n = 0; collection; ++n) {
            // Every third time an earlier document is replaced.
            const auto name = "/" + std::to_string(n % 3 == 2 ? n - 2 : n);
            const auto id = documents.ensureDocument(*collection, name);
            if (!id || !documents.storeContent(*id, contentOf(documentText(n)))) break;
            report([](Progress& p) { ++p.nDocuments; });
        }
        ::_exit(5);
    });
    std::string text;
    while (true) {
        text += kBatch;
        if (!chats.updateMessage(*answer, text, MessageState::Streaming)) ::_exit(6);
        report([](Progress& p) { ++p.nBatches; });
    }
}

/// Runs a child for about `life` and kills it; the last thing it said.
Progress killAChild(const std::filesystem::path& path, std::chrono::microseconds life) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        childMain(path, ends[1]);
    }
    ::close(ends[1]);
    Progress progress;
    // Life begins with the first word, so that a slow machine tests the same as a quick one.
    if (::read(ends[0], &progress, sizeof progress) != sizeof progress) {
        ADD_FAILURE() << "the child could not work";
    }
    std::jthread killer([&] {
        std::this_thread::sleep_for(life);
        ::kill(child, SIGKILL);
    });
    Progress said;
    while (::read(ends[0], &said, sizeof said) == sizeof said) progress = said;
    killer.join();
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
    ::close(ends[0]);
    return progress;
}

/// Every document is as one storeContent left it.
void expectWholeDocuments(DocumentStore& documents, CollectionId collection, std::int64_t nStored) {
    std::int64_t newest = -1;
    for (const Document& document : valueOf(documents.documents(collection))) {
        const auto chunks = valueOf(documents.chunksOf(document.id));
        if (document.state == DocumentState::Pending) {
            EXPECT_TRUE(chunks.empty());
            continue;
        }
        ASSERT_EQ(chunks.size(), static_cast<std::size_t>(kLinesPerDocument));
        const std::string text = valueOf(documents.pages(document.id)).at(0).text;
        std::int64_t version = std::stoll(text.substr(std::string_view("dolphin ").size()));
        EXPECT_EQ(text, documentText(version));
        newest = std::max(newest, version);
    }
    EXPECT_GE(newest + 1, nStored);
    EXPECT_LE(newest + 1, nStored + 1);
}

class KillTest : public StorageTest {};

TEST_F(KillTest, NothingCommittedIsLostAndNothingIsHalf) {
    std::mt19937 random(20240611);
    std::int64_t nBatches = 0;
    std::int64_t nDocuments = 0;
    for (int round = 0; round < kRounds && !HasFailure(); ++round) {
        const std::chrono::microseconds life(std::uniform_int_distribution<>(0, 120'000)(random));
        const Progress progress = killAChild(file(), life);
        nBatches += progress.nBatches;
        nDocuments += progress.nDocuments;

        auto database = open();
        const Message answer = valueOf(database->chats().message(progress.answer));
        EXPECT_EQ(answer.state, MessageState::Interrupted);
        const auto committed = static_cast<std::size_t>(progress.nBatches) * kBatch.size();
        EXPECT_GE(answer.text.size(), committed);
        EXPECT_LE(answer.text.size(), committed + kBatch.size());
        EXPECT_EQ(answer.text.size() % kBatch.size(), 0U);
        for (const Collection& collection : valueOf(database->documents().collections())) {
            if (collection.name != "Docs " + std::to_string(progress.chat)) continue;
            expectWholeDocuments(database->documents(), collection.id, progress.nDocuments);
            // Keeps the database small, and tests deleting too.
            EXPECT_OK(database->documents().deleteCollection(collection.id));
        }
        expectSound(*database);
    }
    EXPECT_GT(nBatches, kRounds);  // else the children did not get to work
    EXPECT_GT(nDocuments, kRounds / 2);
    std::printf("killed %d times after %lld batches and %lld documents\n", kRounds,
                static_cast<long long>(nBatches), static_cast<long long>(nDocuments));
}

}  // namespace
}  // namespace conclave::storage
