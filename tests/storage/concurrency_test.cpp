// Many threads on one database; meant for the thread sanitizer too.
#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "storage_support.h"

namespace conclave::storage {
namespace {

class ConcurrencyTest : public StorageTest {
protected:
    static auto storeFile(DocumentStore& documents, CollectionId collection,
                          const std::filesystem::path& path, const DocumentContent& content) {
        const std::array files = {DocumentStore::FileContent{path, content}};
        return documents.storeFiles(collection, files);
    }
};

TEST_F(ConcurrencyTest, ThreadsReadAndWriteAtOnce) {
    auto database = open();
    const auto chat = valueOf(database->chats().createChat({.title = "Busy"}));
    const auto collection = valueOf(database->documents().createCollection("Guide"));
    constexpr int kRounds = 30;
    std::atomic<int> nProblems = 0;
    const auto good = [&](const auto& result) {
        if (!result) {
            ++nProblems;
            ADD_FAILURE() << problemOf(result);
        }
        return result.has_value();
    };
    std::vector<std::jthread> threads;
    // A streaming answer.
    threads.emplace_back([&] {
        const auto answer = database->chats().addMessage(
            {.chat = chat, .role = Role::Assistant, .state = MessageState::Streaming});
        if (!good(answer)) return;
        std::string text;
        for (int i = 0; i < kRounds; ++i) {
            text += "word ";
            good(database->chats().updateMessage(*answer, text, MessageState::Streaming));
        }
        good(database->chats().updateMessage(*answer, text, MessageState::Complete));
    });
    // Two indexers, that replace and remove.
    for (int worker = 0; worker < 2; ++worker) {
        threads.emplace_back([&, worker] {
            for (int i = 0; i < kRounds; ++i) {
                const auto path =
                    "/" + std::to_string(worker) + "/" + std::to_string(i % 7) + ".txt";
                const auto id = database->documents().ensureDocument(collection, path);
                if (!good(id)) return;
                good(database->documents().storeContent(*id, contentOf("apples\npears\nfigs")));
                if (i % 5 == 4) good(database->documents().removeDocument(*id));
            }
        });
    }
    // Readers: each document is seen whole or not at all.
    for (int worker = 0; worker < 3; ++worker) {
        threads.emplace_back([&] {
            for (int i = 0; i < kRounds; ++i) {
                const auto places = database->documents().chunkPlaces();
                if (good(places)) {
                    EXPECT_EQ(places->size() % 3, 0U);
                }
                std::size_t nEmbeddings = 0;
                good(database->documents().forEachEmbedding("test-embedder", 0,
                                                            [&](ChunkId, auto) { ++nEmbeddings; }));
                EXPECT_EQ(nEmbeddings % 3, 0U);
                good(database->chats().messages(chat));
                good(database->chats().searchMessages("word", 5));
                good(database->documents().collections());
            }
        });
    }
    threads.emplace_back([&] {
        for (int i = 0; i < kRounds; ++i) {
            good(database->chats().saveDraft(chat, std::to_string(i)));
            good(database->settings().set("round", i));
            good(database->settings().get("round"));
        }
    });
    threads.clear();
    EXPECT_EQ(nProblems, 0);
    EXPECT_EQ(valueOf(database->chats().draft(chat)), std::to_string(kRounds - 1));
    expectSound(*database);
}

TEST_F(ConcurrencyTest, TwoProgramsWriteInTurn) {
    auto first = open();
    auto second = open();
    const auto chat = valueOf(first->chats().createChat({}));
    const auto write = [&](Database& database) {
        for (int i = 0; i < 40; ++i) {
            EXPECT_OK(database.chats().addMessage({.chat = chat, .text = "hello"}));
        }
    };
    {
        const std::jthread one([&] { write(*first); });
        const std::jthread two([&] { write(*second); });
    }
    EXPECT_EQ(valueOf(first->chats().messages(chat)).size(), 80U);
    expectSound(*second);
}

/// Calls of this process that wrote to a file.
std::int64_t nWriteCalls() {
    std::ifstream counters("/proc/self/io");
    std::string name;
    std::int64_t n = 0;
    while (counters >> name >> n && name != "syscw:") {
    }
    return n;
}

TEST_F(ConcurrencyTest, ACommitWritesTheJournalInLargePieces) {
    auto database = open();
    auto other = open();
    DocumentStore& documents = database->documents();
    const auto collection = valueOf(documents.createCollection("Guide"));
    constexpr std::size_t kBytes = std::size_t{2} << 20U;
    const std::string text(kBytes, 'x');
    const auto before = nWriteCalls();
    const auto stored = valueOf(storeFile(documents, collection, "/long", contentOf(text)));
    // A thousand pages at least, of which SQLite itself writes each by two calls.
    EXPECT_LT(nWriteCalls() - before, 100);
    EXPECT_GT(std::filesystem::file_size(file().string() + "-wal"), 2 * kBytes);
    EXPECT_EQ(valueOf(other->documents().pages(stored[0].id)).at(0).text, text);
    EXPECT_OK(other->settings().set("from", "another"));
    EXPECT_OK(database->settings().set("and", "back"));
    EXPECT_TRUE(valueOf(database->settings().get("from")).has_value());
    expectSound(*other);
}

TEST_F(ConcurrencyTest, AChangeTooLargeForMemoryIsStoredOrRolledBackWhole) {
    auto database = open();
    auto other = open();
    DocumentStore& documents = database->documents();
    const auto collection = valueOf(documents.createCollection("Guide"));
    constexpr std::size_t kBytes = std::size_t{12} << 20U;  // more than a connection's cache
    auto bad = contentOf(std::string(kBytes, 'x'));
    bad.chunks.push_back(
        {.page = 77, .startByte = 0, .endByte = 5, .heading = {}, .embedding = {}});
    EXPECT_FAILS(storeFile(documents, collection, "/bad", bad), ErrorCode::InvalidArgument);
    // In the place where the journal holds what was rolled back.
    EXPECT_OK(storeFile(other->documents(), collection, "/b", contentOf("apples\npears")));
    const std::string text(kBytes, 'y');
    const auto stored = valueOf(storeFile(documents, collection, "/good", contentOf(text)));
    EXPECT_EQ(valueOf(other->documents().pages(stored[0].id)).at(0).text, text);
    EXPECT_EQ(valueOf(documents.documents(collection)).size(), 2U);
    expectSound(*database);
    expectSound(*other);
}

TEST_F(ConcurrencyTest, ALongJournalIsFoldedInWhileOthersWrite) {
    auto database = open();
    DocumentStore& documents = database->documents();
    const auto collection = valueOf(documents.createCollection("Guide"));
    constexpr int kFiles = 30;
    constexpr std::size_t kBytes = std::size_t{1} << 20U;  // twice in the journal
    const auto store = [&](int worker) {
        for (int i = 0; i < kFiles; ++i) {
            const std::string path = "/" + std::to_string(worker) + "/" + std::to_string(i);
            const std::string text(kBytes, static_cast<char>('a' + i % 26));
            EXPECT_OK(storeFile(documents, collection, path, contentOf(text)));
            documents.foldJournal(Journal::Long);
        }
    };
    {
        const std::jthread one([&] { store(1); });
        const std::jthread two([&] { store(2); });
    }
    // Some 120 MB were written to it: it began anew before it was too long.
    EXPECT_LT(std::filesystem::file_size(file().string() + "-wal"), std::size_t{96} << 20U);
    const auto stored = valueOf(documents.documents(collection));
    EXPECT_EQ(stored.size(), 2U * kFiles);
    for (const Document& each : stored) EXPECT_EQ(valueOf(documents.pages(each.id)).size(), 1U);
    expectSound(*database);
}

TEST_F(ConcurrencyTest, AJournalIsFoldedInBeforeAWriterHasTo) {
    auto database = open();
    DocumentStore& documents = database->documents();
    const auto collection = valueOf(documents.createCollection("Guide"));
    constexpr std::size_t kBytes = std::size_t{1} << 20U;  // twice in the journal
    std::uintmax_t longest = 0;
    for (int i = 0; i < 40; ++i) {
        const std::string text(kBytes, static_cast<char>('a' + i % 26));
        EXPECT_OK(storeFile(documents, collection, "/" + std::to_string(i), contentOf(text)));
        documents.foldJournal(Journal::Long);
        longest = std::max(longest, std::filesystem::file_size(file().string() + "-wal"));
    }
    // Folded at 32 MiB; a writer folds it at 96, while all others wait.
    EXPECT_GT(longest, std::uintmax_t{32} << 20U);
    EXPECT_LT(longest, std::uintmax_t{48} << 20U);
    expectSound(*database);
}

}  // namespace
}  // namespace conclave::storage
