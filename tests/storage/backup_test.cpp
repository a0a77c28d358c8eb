// Backup, restore and repair.
#include <fstream>
#include <iterator>
#include <random>
#include <thread>

#include "storage/connection.h"
#include "storage/migrations.h"
#include "storage_support.h"

namespace conclave::storage {
namespace {

class BackupTest : public StorageTest {
protected:
    /// Chats "one" to "three" of some messages, and 40 documents.
    void fill() {
        auto database = open();
        for (const char* title : {"one", "two", "three"}) {
            const auto chat = valueOf(database->chats().createChat({.title = title}));
            std::optional<MessageId> last;
            for (int i = 0; i < 30; ++i) {
                last = valueOf(database->chats().addMessage(
                    {.chat = chat, .parent = last, .text = std::string(500, 'm') + " whale"}));
            }
        }
        const auto collection = valueOf(database->documents().createCollection("Guide"));
        for (int i = 0; i < 40; ++i) {
            const auto document =
                valueOf(database->documents().ensureDocument(collection, "/" + std::to_string(i)));
            std::string text;
            for (int line = 0; line < 10; ++line) text += std::string(200, 'd') + " dolphin\n";
            valueOf(database->documents().storeContent(document, contentOf(text)));
        }
    }
    std::size_t nMessages(Database& database) {
        std::size_t n = 0;
        for (const Chat& chat : valueOf(database.chats().chats())) {
            n += valueOf(database.chats().messages(chat.id)).size();
        }
        return n;
    }
    /// The pages of the b-tree of a table, root first.
    std::vector<std::int64_t> pagesOf(std::string_view table) {
        auto connection = valueOf(Connection::open(file(), Connection::Access::Existing));
        std::vector<std::int64_t> pages;
        const auto root = valueOf(
            connection->integer("SELECT rootpage FROM sqlite_schema WHERE name = ?1", table));
        pages.push_back(root.value_or(0));
        // Its children: a table's inner page holds big-endian page numbers in its cells.
        std::ifstream stream(file(), std::ios::binary);
        std::vector<unsigned char> page(4096);
        stream.seekg((pages[0] - 1) * 4096);
        stream.read(reinterpret_cast<char*>(page.data()), 4096);
        if (page[0] != 5) return pages;
        const std::size_t nCells = page[3] * 256U + page[4];
        for (std::size_t cell = 0; cell < nCells; ++cell) {
            const std::size_t pointer = 12 + 2 * cell;
            const std::size_t at = page[pointer] * 256U + page[pointer + 1];
            pages.push_back((page[at] << 24) + (page[at + 1] << 16) + (page[at + 2] << 8) +
                            page[at + 3]);
        }
        return pages;
    }
    void damagePage(std::int64_t page) {
        std::fstream stream(file(), std::ios::binary | std::ios::in | std::ios::out);
        stream.seekp((page - 1) * 4096);
        for (int i = 0; i < 4096; ++i) stream.put(static_cast<char>(i * 31 + 7));
    }
    std::string bytes() {
        std::ifstream stream(file(), std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    [[nodiscard]] bool hasProblem(Database& database) {
        for (const Finding& finding : valueOf(database.check())) {
            if (!finding.ok) return true;
        }
        return false;
    }
};

TEST_F(BackupTest, CopiesADatabaseInUse) {
    fill();
    auto database = open();
    // A writer goes on while the copy is made.
    std::jthread writer([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            valueOf(database->chats().saveDraft(std::nullopt, "typing"));
        }
    });
    float last = 0;
    valueOf(database->backup(file("copy.db"), [&](float fraction) {
        EXPECT_GE(fraction, last);
        last = fraction;
        return true;
    }));
    writer = {};
    EXPECT_FLOAT_EQ(last, 1.0F);
    auto copy = open("copy.db");
    EXPECT_EQ(nMessages(*copy), 90U);
    expectSound(*copy);
}

TEST_F(BackupTest, NeverOverwrites) {
    fill();
    std::ofstream(file("copy.db")) << "precious";
    auto database = open();
    EXPECT_FAILS(database->backup(file("copy.db")), ErrorCode::InvalidArgument);
    EXPECT_EQ(std::filesystem::file_size(file("copy.db")), 8U);
}

TEST_F(BackupTest, AStoppedBackupLeavesNoFile) {
    fill();
    auto database = open();
    EXPECT_FAILS(database->backup(file("copy.db"), [](float) { return false; }),
                 ErrorCode::Cancelled);
    EXPECT_FAILS(database->backup(file("no") / "such" / "folder.db"), ErrorCode::Io);
    for (const auto& entry : std::filesystem::directory_iterator(m_folder)) {
        EXPECT_TRUE(entry.path().filename().string().starts_with("conclave.db")) << entry.path();
    }
}

TEST_F(BackupTest, RestoresAndKeepsWhatItReplaces) {
    fill();
    {
        auto database = open();
        valueOf(database->backup(file("copy.db")));
        const auto chat = valueOf(database->chats().chats()).front().id;
        valueOf(database->chats().addMessage({.chat = chat, .text = "after the backup"}));
    }
    const auto kept = valueOf(restoreDatabase(file(), file("copy.db")));
    EXPECT_EQ(nMessages(*open()), 90U);
    EXPECT_EQ(nMessages(*valueOf(tryOpen(kept))), 91U);
    // Once more: the names of kept files do not collide.
    const auto keptToo = valueOf(restoreDatabase(file(), file("copy.db")));
    EXPECT_NE(kept, keptToo);
    expectSound(*open());
}

TEST_F(BackupTest, RestoresWhereThereIsNoDatabase) {
    fill();
    valueOf(open()->backup(file("copy.db")));
    EXPECT_EQ(valueOf(restoreDatabase(file("fresh") / "conclave.db", file("copy.db"))), "");
    EXPECT_EQ(nMessages(*open("fresh/conclave.db")), 90U);
}

TEST_F(BackupTest, DoesNotRestoreADamagedBackup) {
    fill();
    valueOf(open()->backup(file("copy.db")));
    EXPECT_FAILS(restoreDatabase(file(), file("missing.db")), ErrorCode::NotFound);
    EXPECT_FAILS(restoreDatabase(file(), file()), ErrorCode::InvalidArgument);
    std::filesystem::resize_file(file("copy.db"), 40'000);
    const std::string before = bytes();
    EXPECT_FAILS(restoreDatabase(file(), file("copy.db")), ErrorCode::Corrupt);
    std::ofstream(file("letter.txt")) << "Dear Anna, this is no database.";
    EXPECT_FAILS(restoreDatabase(file(), file("letter.txt")), ErrorCode::Corrupt);
    EXPECT_EQ(bytes(), before);
    EXPECT_EQ(nMessages(*open()), 90U);
}

TEST_F(BackupTest, RestoreDoesNotMixInTheOldJournal) {
    fill();
    valueOf(open()->backup(file("copy.db")));
    // A journal that a crash left: written by a database that is then cut off without closing.
    {
        auto database = open();
        const auto chat = valueOf(database->chats().chats()).front().id;
        valueOf(database->chats().addMessage({.chat = chat, .text = "only in the journal"}));
        std::filesystem::copy_file(file(), file("crashed.db"));
        std::filesystem::copy_file(file("conclave.db-wal"), file("crashed.db-wal"));
    }
    const auto kept = valueOf(restoreDatabase(file("crashed.db"), file("copy.db")));
    auto restored = open("crashed.db");
    EXPECT_EQ(nMessages(*restored), 90U);
    expectSound(*restored);
    EXPECT_EQ(nMessages(*valueOf(tryOpen(kept))), 91U);  // the old one with its journal
}

// ------------------------------------------------------------------------------------------ repair

TEST_F(BackupTest, RepairOfASoundDatabaseLosesNothing) {
    fill();
    {
        auto database = open();
        const auto chat = valueOf(database->chats().chats()).front().id;
        const auto answer =
            valueOf(database->chats().addMessage({.chat = chat, .role = Role::Assistant}));
        valueOf(database->chats().setAnswerDetails(
            answer, {.model = "Tiny", .passages = {{.number = 1}}, .citations = {{.passage = 1}}}));
        valueOf(database->settings().set("theme", "dark"));
        valueOf(database->chats().saveDraft(chat, "draft"));
    }
    const Repaired repaired = valueOf(repairDatabase(file()));
    EXPECT_TRUE(std::filesystem::exists(repaired.kept));
    EXPECT_TRUE(repaired.losses.empty());
    auto database = open();
    EXPECT_EQ(nMessages(*database), 91U);
    const auto chat = valueOf(database->chats().chats()).front();
    EXPECT_EQ(valueOf(database->chats().message(*chat.leaf)).details->citations.size(), 1U);
    EXPECT_EQ(valueOf(database->chats().draft(chat.id)), "draft");
    EXPECT_EQ(valueOf(database->settings().get("theme")), nlohmann::json("dark"));
    const std::vector<std::string> terms = {"dolphin"};
    EXPECT_EQ(chunksWith(database->documents(), terms).size(), 400U);
    EXPECT_EQ(valueOf(database->chats().searchMessages("whale", 100)).size(), 90U);
    expectSound(*database);
}

TEST_F(BackupTest, RepairSavesTheMessagesAroundADamagedPage) {
    fill();
    const auto pages = pagesOf("message");
    ASSERT_GT(pages.size(), 6U);
    damagePage(pages[4]);
    {
        auto database = open();  // the damage is deep inside
        EXPECT_TRUE(hasProblem(*database));
    }
    const Repaired repaired = valueOf(repairDatabase(file()));
    EXPECT_TRUE(std::filesystem::exists(repaired.kept));
    ASSERT_EQ(repaired.losses.size(), 1U);
    EXPECT_EQ(repaired.losses[0].table, "message");
    auto database = open();
    expectSound(*database);
    EXPECT_EQ(valueOf(database->chats().chats()).size(), 3U);
    const std::size_t n = nMessages(*database);
    for (const Chat& chat : valueOf(database->chats().chats())) {
        // Still one conversation, with a gap.
        EXPECT_EQ(valueOf(database->chats().branch(*chat.leaf)).size(),
                  valueOf(database->chats().messages(chat.id)).size());
    }
    EXPECT_GE(n, 75U);
    EXPECT_LT(n, 90U);
    EXPECT_EQ(repaired.losses[0].nSaved, static_cast<std::int64_t>(n));
    const std::vector<std::string> terms = {"dolphin"};
    EXPECT_EQ(chunksWith(database->documents(), terms).size(), 400U);
}

TEST_F(BackupTest, RepairReadsDocumentsWithDamagedChunksAgain) {
    fill();
    const auto pages = pagesOf("chunk");
    ASSERT_GT(pages.size(), 4U);
    damagePage(pages[2]);
    std::ignore = valueOf(repairDatabase(file()));
    auto database = open();
    expectSound(*database);
    int nReady = 0;
    int nPending = 0;
    const auto collection = valueOf(database->documents().collections()).front();
    for (const Document& document : valueOf(database->documents().documents(collection.id))) {
        if (document.state == DocumentState::Ready) {
            EXPECT_EQ(document.nChunks, 10);
            ++nReady;
        } else {
            EXPECT_EQ(document.sizeBytes, 0U);  // so that the next scan reads it
            ++nPending;
        }
    }
    EXPECT_EQ(nReady + nPending, 40);
    EXPECT_GE(nPending, 1);
    EXPECT_LE(nPending, 5);
    EXPECT_EQ(nMessages(*database), 90U);
}

TEST_F(BackupTest, RepairReadsDocumentsWithChangedTextsAgain) {
    fill();
    {
        auto connection = valueOf(Connection::open(file(), Connection::Access::Existing));
        // Inside of a page's text, where nothing but the chunks tells.
        valueOf(
            connection->run("UPDATE page SET text = replace(text, 'dolphin', 'porpoise') "
                            "WHERE document_id IN (3, 5)"));
        valueOf(connection->run("UPDATE chunk SET collection_id = 77 WHERE document_id = 7"));
        valueOf(connection->run("UPDATE message SET parent_id = id + 1 WHERE id IN (2, 31)"));
        valueOf(connection->run("UPDATE message SET parent_id = 1 WHERE id = 40"));
    }
    EXPECT_TRUE(hasProblem(*open()));
    std::ignore = valueOf(repairDatabase(file()));
    auto database = open();
    expectSound(*database);
    const auto collection = valueOf(database->documents().collections()).front();
    int nPending = 0;
    for (const Document& document : valueOf(database->documents().documents(collection.id))) {
        if (document.state == DocumentState::Pending) ++nPending;
    }
    EXPECT_EQ(nPending, 2);
    EXPECT_EQ(nMessages(*database), 90U);
}

TEST_F(BackupTest, OneRepairIsEnoughWhateverIsDamaged) {
    fill();
    const std::string whole = bytes();
    std::mt19937 random(20261122);
    int nRepaired = 0;
    for (int round = 0; round < 12 && !HasFailure(); ++round) {
        std::string damaged = whole;
        const std::size_t nPages = whole.size() / 4096;
        for (int i = 0; i < 1 + round; ++i) {
            const std::size_t page = 1 + random() % (nPages - 1);  // the first has the schema
            const std::size_t at = page * 4096 + random() % 4096;
            const std::size_t end = std::min(at + 1 + random() % 300, (page + 1) * 4096);
            for (std::size_t byte = at; byte < end; ++byte) damaged[byte] = 'x';
        }
        std::ofstream(file(), std::ios::binary) << damaged;
        const auto repaired = repairDatabase(file());
        if (repaired) {
            ++nRepaired;
            SCOPED_TRACE("round " + std::to_string(round));
            expectSound(*open());
            std::filesystem::remove(repaired->kept);
        }
        for (const char* journal : {"conclave.db-wal", "conclave.db-shm"}) {
            std::filesystem::remove(file(journal));
        }
    }
    EXPECT_GE(nRepaired, 10);
}

TEST_F(BackupTest, RepairMakesChatsForMessagesThatLostTheirs) {
    fill();
    damagePage(pagesOf("chat").front());
    std::ignore = valueOf(repairDatabase(file()));
    auto database = open();
    EXPECT_EQ(valueOf(database->chats().chats()).size(), 3U);
    EXPECT_EQ(nMessages(*database), 90U);
    for (const Chat& chat : valueOf(database->chats().chats())) {
        ASSERT_TRUE(chat.leaf);
        EXPECT_EQ(valueOf(database->chats().branch(*chat.leaf)).size(), 30U);
        EXPECT_EQ(chat.title, std::string(59, 'm') + "…");  // its first question, cut
    }
    expectSound(*database);
}

TEST_F(BackupTest, RepairLeavesAFileWithNothingReadableAlone) {
    std::ofstream(file()) << "Dear Anna, this is no database.";
    EXPECT_FAILS(repairDatabase(file()), ErrorCode::Corrupt);
    EXPECT_EQ(bytes(), "Dear Anna, this is no database.");
    EXPECT_FAILS(repairDatabase(file("missing.db")), ErrorCode::NotFound);
}

}  // namespace
}  // namespace conclave::storage
