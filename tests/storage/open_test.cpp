// Opening: what is found, what is refused, and that a refused file stays as it was.
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include <sys/resource.h>
#include <sys/wait.h>

#include "storage/connection.h"
#include "storage/database.h"
#include "storage/file_lock.h"
#include "storage/full_text.h"
#include "storage/migrations.h"
#include "storage_support.h"

namespace conclave::storage {
namespace {

using testing::HasSubstr;

std::string bytesOf(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
}

void write(const std::filesystem::path& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

class OpenTest : public StorageTest {
protected:
    /// Some chats and documents in a closed database.
    void fill() {
        auto database = open();
        const auto chat = valueOf(database->chats().createChat({.title = "Travel"}));
        for (int i = 0; i < 50; ++i) {
            valueOf(database->chats().addMessage({.chat = chat, .text = "message"}));
        }
        const auto collection = valueOf(database->documents().createCollection("Guide"));
        const auto document = valueOf(database->documents().ensureDocument(collection, "/a.txt"));
        valueOf(database->documents().storeContent(document, contentOf("apples\npears")));
    }
    void runSql(std::string_view sql) {
        auto connection = valueOf(Connection::open(file(), Connection::Access::Existing));
        valueOf(connection->script(sql));
    }
    void expectRefused(ErrorCode code, std::string_view says) {
        const std::string before = bytesOf(file());
        const auto database = tryOpen(file());
        ASSERT_FALSE(database.has_value());
        EXPECT_EQ(database.error().code, code) << database.error().detail;
        EXPECT_THAT(database.error().detail, HasSubstr(says));
        EXPECT_EQ(bytesOf(file()), before) << "the file was changed";
    }
};

TEST_F(OpenTest, NeedsAnAnalyzer) {
    EXPECT_FAILS(Database::open(file(), {}), ErrorCode::InvalidArgument);
    EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(OpenTest, CreatesTheFoldersAbove) { EXPECT_OK(tryOpen(file("a") / "b" / "conclave.db")); }

TEST_F(OpenTest, WorksInMemoryAndLeavesNoFile) {
    {
        auto database =
            valueOf(Database::open(file(), {.analyzer = analyzeForTests, .inMemory = true}));
        const auto collection = valueOf(database->documents().createCollection("Guide"));
        const auto document = valueOf(database->documents().ensureDocument(collection, "/a.txt"));
        valueOf(database->documents().storeContent(document, contentOf("apples\npears")));
        const std::vector<std::string> terms = {"apple"};
        EXPECT_EQ(chunksWith(database->documents(), terms).size(), 1U);
        // A visitor may call back, also to write.
        valueOf(database->documents().forEachEmbedding("test-embedder", 0, [&](ChunkId, auto) {
            EXPECT_EQ(valueOf(database->documents().chunksOf(document)).size(), 2U);
            EXPECT_OK(database->settings().set("seen", true));
        }));
        expectSound(*database);
        EXPECT_OK(database->backup(file("copy.db")));
    }
    EXPECT_FALSE(std::filesystem::exists(file()));
    EXPECT_EQ(valueOf(open("copy.db")->documents().collections()).size(), 1U);
}

TEST_F(OpenTest, RefusesAFileThatIsNoDatabase) {
    write(file(), "this is a letter to Anna, and not a database at all");
    expectRefused(ErrorCode::Corrupt, "restore a backup");
}

TEST_F(OpenTest, RefusesADatabaseOfAnotherProgram) {
    auto other = valueOf(Connection::open(file("other.db"), Connection::Access::Write));
    valueOf(other->script("CREATE TABLE bookmark (url TEXT)"));
    other.reset();
    std::filesystem::rename(file("other.db"), file());
    expectRefused(ErrorCode::InvalidArgument, "another program");
}

TEST_F(OpenTest, RefusesANewerSchema) {
    fill();
    runSql("PRAGMA user_version = 1000");
    expectRefused(ErrorCode::TooNew, "newer Conclave");
    EXPECT_FAILS(restoreDatabase(file("new.db"), file()), ErrorCode::TooNew);
    EXPECT_FAILS(repairDatabase(file()), ErrorCode::TooNew);
}

TEST_F(OpenTest, RefusesAnEmptyFileWithAJournal) {
    write(file(), "");
    write(file("conclave.db-wal"), "what could still be saved");
    expectRefused(ErrorCode::Corrupt, "journal");
    EXPECT_EQ(bytesOf(file("conclave.db-wal")), "what could still be saved");
}

TEST_F(OpenTest, RefusesADamagedSchemaPage) {
    fill();
    std::string bytes = bytesOf(file());
    for (std::size_t i = 100; i < 4096; ++i) bytes[i] = static_cast<char>(i * 7);
    write(file(), bytes);
    expectRefused(ErrorCode::Corrupt, "repair");
}

TEST_F(OpenTest, RefusesATruncatedFile) {
    fill();
    write(file(), bytesOf(file()).substr(0, 2048));
    expectRefused(ErrorCode::Corrupt, "left as it is");
}

TEST_F(OpenTest, SaysThatAFolderCannotBeWritten) {
    if (::geteuid() == 0) {
        // Root writes everywhere; a file in the place of the folder stops it too.
        write(file("folder"), "");
    } else {
        std::filesystem::create_directory(file("folder"));
        std::filesystem::permissions(file("folder"), std::filesystem::perms::owner_read |
                                                         std::filesystem::perms::owner_exec);
    }
    const auto database = tryOpen(file("folder") / "conclave.db");
    ASSERT_FALSE(database.has_value());
    EXPECT_EQ(database.error().code, ErrorCode::Io) << database.error().detail;
    EXPECT_THAT(database.error().detail, HasSubstr("folder"));
}

TEST_F(OpenTest, GoesOnDeletingWhatAnEndedProgramLeft) {
    fill();
    runSql("UPDATE collection SET deleted = 1");
    auto database = open();
    EXPECT_EQ(valueOf(database->documents().collections()).size(), 0U);
    const std::vector<std::string> terms = {"apple"};
    EXPECT_EQ(chunksWith(database->documents(), terms).size(), 0U);
    database.reset();  // also in the middle of it
    database = open();
    for (int i = 0; i < 500 && database->documents().document(1).has_value(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_FAILS(database->documents().document(1), ErrorCode::NotFound);
    expectSound(*database);
}

// -------------------------------------------------------------------------------- a second program

TEST_F(OpenTest, TwoProgramsMayUseOneDatabase) {
    auto desktop = open();
    const auto chat = valueOf(desktop->chats().createChat({.title = "Desktop"}));
    const auto answer = valueOf(desktop->chats().addMessage(
        {.chat = chat, .role = Role::Assistant, .state = MessageState::Streaming}));
    valueOf(desktop->chats().updateMessage(answer, "half", MessageState::Streaming));

    auto terminal = open();
    // The other one is alive, so its answer is not taken for interrupted.
    EXPECT_EQ(valueOf(terminal->chats().message(answer)).state, MessageState::Streaming);
    const auto collection = valueOf(terminal->documents().createCollection("Terminal"));
    valueOf(desktop->chats().updateMessage(answer, "whole", MessageState::Complete));
    EXPECT_EQ(valueOf(terminal->chats().message(answer)).text, "whole");
    EXPECT_EQ(valueOf(desktop->documents().collections()).front().id, collection);
    expectSound(*terminal);
}

TEST_F(OpenTest, AnInterruptedAnswerWaitsUntilNobodyElseIsAlive) {
    auto first = open();
    auto second = open();
    const auto chat = valueOf(first->chats().createChat({}));
    const auto answer = valueOf(first->chats().addMessage(
        {.chat = chat, .role = Role::Assistant, .state = MessageState::Streaming}));
    first.reset();
    first = open();
    EXPECT_EQ(valueOf(first->chats().message(answer)).state, MessageState::Streaming);
    first.reset();
    second.reset();
    first = open();
    EXPECT_EQ(valueOf(first->chats().message(answer)).state, MessageState::Interrupted);
}

TEST_F(OpenTest, AnotherAnalyzerVersionWaitsUntilTheFirstIsClosed) {
    auto database = open();
    const auto other = tryOpen(file(), 2);
    ASSERT_FALSE(other.has_value());
    EXPECT_EQ(other.error().code, ErrorCode::Busy);
    EXPECT_THAT(other.error().detail, HasSubstr("close it"));
    database.reset();
    EXPECT_OK(tryOpen(file(), 2));
}

TEST_F(OpenTest, RestoreAndRepairAreRefusedWhileItIsOpen) {
    auto database = open();
    valueOf(database->backup(file("backup.db")));
    EXPECT_FAILS(restoreDatabase(file(), file("backup.db")), ErrorCode::Busy);
    EXPECT_FAILS(repairDatabase(file()), ErrorCode::Busy);
}

// -------------------------------------------------------------------------------------- disk full

/// Runs `body` in a child that may not write files beyond `limitBytes`; its exit status.
template <typename Body>
int withFileLimit(rlim_t limitBytes, Body&& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{limitBytes, limitBytes};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        ::_exit(body() ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(OpenTest, AFullDiskFailsTheCallAndDestroysNothing) {
    fill();
    const std::string large(std::size_t{4} << 20, 'x');
    const int status = withFileLimit(rlim_t{1} << 20, [&] {
        auto database = tryOpen(file());
        if (!database) return false;
        auto& documents = (*database)->documents();
        const auto id = documents.documents(documents.collections()->front().id)->front().id;
        const auto stored = documents.storeContent(id, contentOf(large));
        if (stored || stored.error().code != ErrorCode::DiskFull) {
            std::fprintf(stderr, "%s\n", problemOf(stored).c_str());
            return false;
        }
        const auto copied = (*database)->backup(file("copy.db"));
        // What fits is still written, and what was there is still read.
        const auto chat = (*database)->chats().chats()->front().id;
        return (*database)->chats().addMessage({.chat = chat, .text = "short"}).has_value() &&
               documents.chunksOf(id)->size() == 2 && copied.has_value();
    });
    EXPECT_EQ(status, 0);
    auto database = open();
    EXPECT_EQ(valueOf(database->chats().messages(1)).size(), 51U);
    expectSound(*database);
}

TEST_F(OpenTest, ABackupToAFullDiskLeavesNoFile) {
    fill();
    const int status = withFileLimit(64 << 10, [&] {
        auto source = Connection::open(file(), Connection::Access::ReadOnly);
        if (!source) return false;
        const auto copied = copyDatabase(**source, file("copy.db"), {});
        return !copied && copied.error().code == ErrorCode::DiskFull;
    });
    EXPECT_EQ(status, 0);
    for (const auto& entry : std::filesystem::directory_iterator(m_folder)) {
        EXPECT_FALSE(entry.path().filename().string().starts_with("copy")) << entry.path();
    }
}

// -------------------------------------------------------------------------------------- migrations

constexpr std::string_view kAddColour = "ALTER TABLE chat ADD COLUMN colour TEXT DEFAULT 'blue'";
constexpr std::string_view kSplitFolder =
    "CREATE TABLE shelf (id INTEGER PRIMARY KEY, name TEXT) STRICT;"
    "INSERT INTO shelf SELECT id, name FROM folder";

TEST_F(OpenTest, AnOlderSchemaIsBroughtUpToDateAfterACopy) {
    fill();
    const auto now = static_cast<int>(schemaScripts().size());
    std::vector<std::string_view> scripts(schemaScripts().begin(), schemaScripts().end());
    scripts.insert(scripts.end(), {kAddColour, kSplitFolder});
    const auto analyzer = std::make_shared<const Analyzer>(analyzeForTests);
    auto connection = valueOf(Connection::open(file(), Connection::Access::Existing));
    valueOf(registerFullText(*connection, analyzer));
    valueOf(bringUpToDate(*connection, file(), scripts));
    EXPECT_EQ(valueOf(connection->integer("PRAGMA user_version")), now + 2);
    EXPECT_EQ(valueOf(connection->integer("SELECT count(*) FROM chat WHERE colour = 'blue'")), 1);
    EXPECT_EQ(valueOf(connection->integer("SELECT count(*) FROM message")), 50);
    connection.reset();
    // The copy is the database as it was.
    auto copy = open("conclave.db.v" + std::to_string(now));
    EXPECT_EQ(valueOf(copy->chats().messages(1)).size(), 50U);
    expectSound(*copy);
}

TEST_F(OpenTest, AMigrationThatFailsLeavesTheVersionBefore) {
    fill();
    const auto analyzer = std::make_shared<const Analyzer>(analyzeForTests);
    for (const std::string_view bad :
         {"CREATE TABLE half (x); CREATE TABLE half (x)",  // fails in the middle
          "DELETE FROM collection"}) {                     // leaves documents without owner
        std::vector<std::string_view> scripts(schemaScripts().begin(), schemaScripts().end());
        scripts.push_back(bad);
        auto connection = valueOf(Connection::open(file(), Connection::Access::Existing));
        valueOf(registerFullText(*connection, analyzer));
        EXPECT_FALSE(bringUpToDate(*connection, file(), scripts).has_value());
        EXPECT_EQ(valueOf(connection->integer("PRAGMA user_version")), std::ssize(schemaScripts()));
    }
    auto database = open();
    EXPECT_EQ(valueOf(database->documents().collections()).size(), 1U);
    expectSound(*database);
}

/// Rows as version 1 wrote them, kept as text so that later versions are tested from them.
TEST_F(OpenTest, EveryPublishedVersionCanStillBeOpened) {
    const std::filesystem::path folder =
        std::filesystem::path(CONCLAVE_TEST_SOURCE) / "tests" / "golden" / "storage";
    const auto analyzer = std::make_shared<const Analyzer>(analyzeForTests);
    for (std::size_t version = 1; version <= schemaScripts().size(); ++version) {
        const auto rows = bytesOf(folder / ("version_" + std::to_string(version) + ".sql"));
        ASSERT_FALSE(rows.empty()) << "version " << version << " has no rows to test from";
        std::filesystem::remove(file());
        auto connection = valueOf(Connection::open(file(), Connection::Access::Write));
        valueOf(registerFullText(*connection, analyzer));
        valueOf(migrate(*connection, 0, schemaScripts().first(version)));
        valueOf(connection->script(rows));
        connection.reset();

        auto database = open();
        const auto chats = valueOf(database->chats().chats());
        ASSERT_EQ(chats.size(), 1U);
        EXPECT_EQ(chats[0].title, "Travel policy");
        EXPECT_EQ(chats[0].settings["temperature"], 0.2);
        const auto messages = valueOf(database->chats().branch(*chats[0].leaf));
        ASSERT_EQ(messages.size(), 2U);
        EXPECT_EQ(messages[1].text, "Up to 500 yuan a night [1].");
        ASSERT_TRUE(messages[1].details);
        EXPECT_EQ(messages[1].details->seed, 42U);
        EXPECT_EQ(messages[1].details->citations.at(0).quote, "五百元");
        const auto collections = valueOf(database->documents().collections());
        ASSERT_EQ(collections.size(), 1U);
        EXPECT_EQ(collections[0].nChunks, 1);
        const std::vector<std::string> terms = {"住宿"};
        EXPECT_EQ(chunksWith(database->documents(), terms).size(), 1U);
        EXPECT_EQ(valueOf(database->chats().searchMessages("yuan", 5)).size(), 1U);
        EXPECT_EQ(valueOf(database->chats().draft(std::nullopt)), "next question");
        EXPECT_EQ(valueOf(database->settings().get("theme")), nlohmann::json("dark"));
        constexpr std::size_t kWithPageDrafts = 6;
        if (version >= kWithPageDrafts) {
            const auto drafts = valueOf(
                database->documents().pageDrafts(1, "/home/anna/policies/scan.pdf", "bb/eng"));
            ASSERT_EQ(drafts.size(), 1U);
            EXPECT_EQ(drafts[0].text, "Page one");
        }
        expectSound(*database);
    }
}

}  // namespace
}  // namespace conclave::storage
