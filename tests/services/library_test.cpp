#include "app/services/library.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/services/scratch.h"

namespace conclave::services {
namespace {

/// A program's view of one database: searches by keywords alone.
struct Program {
    explicit Program(const std::filesystem::path& file) {
        storage::OpenOptions options;
        options.analyzer = retrieval::analyze;
        options.analyzerVersion = retrieval::kAnalyzerVersion;
        auto opened = storage::Database::open(file, options);
        EXPECT_TRUE(opened.has_value()) << opened.error().detail;
        database = std::move(*opened);
        library = std::make_unique<Library>(
            database->documents(), []() -> Result<std::shared_ptr<const engine::TextEmbedder>> {
                return fail(ErrorCode::NotFound, "none is wanted here");
            });
    }
    DocumentId store(const std::string& path, const std::string& text) {
        retrieval::ExtractedDocument document;
        document.mime = "text/plain";
        document.pages.push_back({1, text});
        const auto id = database->documents().ensureDocument(1, path);
        EXPECT_TRUE(id.has_value());
        EXPECT_TRUE(library->store(*id, library->prepare(std::move(document))).has_value());
        return *id;
    }
    std::vector<std::string> find(const std::string& query) {
        const auto hits = library->search({.query = query, .collections = {1}, .limit = 50});
        EXPECT_TRUE(hits.has_value());
        std::vector<std::string> paths;
        for (const SearchHit& hit : *hits) paths.push_back(hit.chunk.path.string());
        return paths;
    }
    std::size_t nKept() {
        std::size_t n = 0;
        EXPECT_TRUE(database->documents()
                        .forEachKeywordSegment({}, [&](std::int64_t, auto) { ++n; })
                        .has_value());
        return n;
    }
    std::unique_ptr<storage::Database> database;
    std::unique_ptr<Library> library;
};

class LibraryTest : public testing::Test {
protected:
    LibraryTest() { EXPECT_TRUE(first.database->documents().createCollection("Guide")); }
    ScratchFolder folder;
    std::filesystem::path file = folder.path() / "conclave.db";
    Program first{file};
};

using Paths = std::vector<std::string>;

TEST_F(LibraryTest, FollowsItsOwnChanges) {
    const DocumentId a = first.store("/a", "anchor and rope");
    first.store("/b", "sail");
    EXPECT_EQ(first.find("anchor"), Paths{"/a"});
    first.store("/a", "compass");
    EXPECT_EQ(first.find("anchor"), Paths{});
    EXPECT_EQ(first.find("compass"), Paths{"/a"});
    EXPECT_TRUE(first.library->moveDocument(a, "/c").has_value());
    EXPECT_EQ(first.find("compass"), Paths{"/c"});
    EXPECT_TRUE(first.library->removeDocument(a).has_value());
    EXPECT_EQ(first.find("compass"), Paths{});
    EXPECT_TRUE(first.library->removeCollection(1).has_value());
    EXPECT_EQ(first.library->size()->nIndexed, 0);
}

TEST_F(LibraryTest, SeesWhatAnotherProgramChanged) {
    const DocumentId a = first.store("/a", "anchor");
    Program second(file);
    EXPECT_EQ(second.find("anchor"), Paths{"/a"});
    second.store("/b", "anchor too");
    EXPECT_EQ(first.find("anchor").size(), 2U);
    first.store("/c", "anchor three");
    second.store("/d", "sail");
    first.store("/e", "sail too");
    for (Program* program : {&first, &second}) {
        EXPECT_EQ(program->find("anchor").size(), 3U);
        EXPECT_EQ(program->find("sail").size(), 2U);
        EXPECT_EQ(program->library->size()->nIndexed, 5);
    }
    EXPECT_TRUE(second.library->removeDocument(a).has_value());
    EXPECT_EQ(first.find("anchor").size(), 2U);
}

TEST_F(LibraryTest, EqualHitsAreOrderedByWhatTheyAreNotByWhenTheyCame) {
    for (const char* path : {"/1", "/2", "/3", "/4", "/5"}) first.store(path, "anchor");
    const Paths before = first.find("anchor");
    first.store("/2", "anchor");
    first.store("/4", "sail");
    first.store("/4", "anchor");
    EXPECT_EQ(first.find("anchor"), before);
    Program second(file);
    EXPECT_EQ(second.find("anchor"), before);
}

TEST_F(LibraryTest, AStartReadsKeptPiecesAndAnalyzesTheRest) {
    for (int i = 0; i < 600; ++i) {
        first.store("/" + std::to_string(i), "anchor number" + std::to_string(i));
    }
    EXPECT_EQ(first.nKept(), 0U);
    EXPECT_TRUE(first.library->keepIndex().has_value());
    EXPECT_EQ(first.nKept(), 1U);
    first.store("/later", "anchor later");
    first.store("/7", "replaced");
    EXPECT_TRUE(first.library->keepIndex().has_value()) << "little changed: nothing is written";
    EXPECT_EQ(first.nKept(), 1U);
    Program second(file);
    EXPECT_EQ(second.library->size()->nIndexed, 601);
    for (const char* query :
         {"number300", "anchor later", "number7", "replaced", "number7 anchor"}) {
        EXPECT_EQ(second.find(query), first.find(query)) << query;
    }
    EXPECT_EQ(second.find("number7"), Paths{});
}

TEST_F(LibraryTest, ADamagedPieceIsMadeAgain) {
    for (int i = 0; i < 20; ++i) first.store("/" + std::to_string(i), "anchor");
    const std::vector<std::byte> rubbish(100, std::byte{7});
    const std::vector<std::span<const std::byte>> pieces = {rubbish};
    EXPECT_TRUE(first.database->documents().keepKeywordSegments(pieces, {}).has_value());
    Program second(file);
    EXPECT_EQ(second.find("anchor").size(), 20U);
    EXPECT_EQ(second.nKept(), 0U) << "the damaged one is gone";
}

}  // namespace
}  // namespace conclave::services
