#include "app/services/library.h"

#include <algorithm>
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

TEST_F(LibraryTest, ACopyOfAFileIsNotFoundTwice) {
    const auto add = [&](const std::string& path, const std::string& text) {
        retrieval::ExtractedDocument document;
        document.mime = "text/plain";
        document.pages.push_back({1, text});
        auto prepared = first.library->prepare(std::move(document));
        prepared.content.sha256 = "of " + text;
        const auto id = first.database->documents().ensureDocument(1, path);
        ASSERT_TRUE(first.library->store(*id, std::move(prepared)).has_value());
    };
    add("/a", "anchor and rope");
    add("/b", "anchor and rope");
    add("/c", "anchor and rope and sail");
    first.store("/d", "anchor and rope");  // of unknown bytes
    const Paths found = first.find("anchor");
    EXPECT_EQ(found.size(), 3U);
    EXPECT_EQ(
        std::count(found.begin(), found.end(), "/a") + std::count(found.begin(), found.end(), "/b"),
        1);
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

// ------------------------------------------------------------------------ changes of the embedder

/// A tiny encoder of tests/parity: random weights, but the same vector for the same text.
std::shared_ptr<const engine::TextEmbedder> tinyEncoder(const std::string& name = "bert") {
    auto embedder = engine::TextEmbedder::load(std::filesystem::path(CONCLAVE_TEST_SOURCE) /
                                               "tests/parity" / (name + ".gguf"));
    EXPECT_TRUE(embedder.has_value()) << embedder.error().detail;
    return embedder ? *embedder : nullptr;
}

class EmbedderChange : public testing::Test {
protected:
    EmbedderChange() { EXPECT_TRUE(database->documents().createCollection("Guide")); }

    std::unique_ptr<Library> open(std::shared_ptr<const engine::TextEmbedder> embedder) {
        return std::make_unique<Library>(
            database->documents(),
            [embedder]() -> Result<std::shared_ptr<const engine::TextEmbedder>> {
                return embedder;
            });
    }
    static std::unique_ptr<storage::Database> openDatabase() {
        storage::OpenOptions options;
        options.analyzer = retrieval::analyze;
        options.analyzerVersion = retrieval::kAnalyzerVersion;
        options.inMemory = true;
        return std::move(*storage::Database::open({}, options));
    }
    void store(Library& library, const std::string& path, const std::string& text) {
        retrieval::ExtractedDocument document;
        document.mime = "text/plain";
        document.pages.push_back({1, text});
        const auto id = database->documents().ensureDocument(1, path);
        ASSERT_TRUE(id.has_value());
        ASSERT_TRUE(library.store(*id, library.prepare(std::move(document))).has_value());
    }
    static std::vector<std::string> similar(Library& library, const std::string& query) {
        const auto hits = library.search({.query = query,
                                          .collections = {1},
                                          .mode = retrieval::SearchMode::Vector,
                                          .limit = 50});
        EXPECT_TRUE(hits.has_value());
        std::vector<std::string> paths;
        for (const SearchHit& hit : *hits) paths.push_back(hit.chunk.path.string());
        return paths;
    }

    std::unique_ptr<storage::Database> database = openDatabase();
    std::shared_ptr<const engine::TextEmbedder> first = tinyEncoder("bert");
    std::shared_ptr<const engine::TextEmbedder> second = tinyEncoder("bert-cls");
};

TEST_F(EmbedderChange, MakesVectorsAfterIndexingWhereThatTakesLong) {
    const auto library = open(first);
    for (int i = 0; i < 40; ++i) {
        store(*library, "/" + std::to_string(i), "hello world " + std::string(i % 7, 'a'));
    }
    EXPECT_EQ(library->size()->nVectors, 0);
    int nLast = 0;
    int nAll = 0;
    ASSERT_TRUE(library->embedMissing([&](int done, int all) {
        EXPECT_GT(done, nLast);
        nLast = done;
        nAll = all;
        return true;
    }));
    EXPECT_EQ(nLast, 40);
    EXPECT_EQ(nAll, 40);
    EXPECT_EQ(library->size()->nVectors, 40);
    EXPECT_EQ(similar(*library, "hello").size(), 40u);
}

TEST_F(EmbedderChange, ServesTheOldVectorsUntilTheNewAreComplete) {
    const auto library = open(first);
    for (int i = 0; i < 50; ++i) store(*library, "/" + std::to_string(i), "hello world");
    ASSERT_TRUE(library->embedMissing());
    // Stopped after the first step: nothing has changed, and nothing is lost.
    const auto stopped = library->switchEmbedder(second, [](int, int) { return false; });
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
    EXPECT_EQ(library->embedderId(), first->id());
    EXPECT_EQ(library->size()->nVectors, 50);
    EXPECT_EQ(*database->documents().countToEmbed(first->id()), 0);
    const auto left = database->documents().countToEmbed(second->id());
    EXPECT_LT(*left, 50);
    EXPECT_GT(*left, 0);
    // A document that comes in between is found as before, and has a vector after the change.
    store(*library, "/new", "the unaffable");
    ASSERT_TRUE(library->embedMissing());
    ASSERT_TRUE(library->switchEmbedder(second));
    EXPECT_EQ(library->embedderId(), second->id());
    EXPECT_EQ(library->size()->nVectors, 51);
    EXPECT_FALSE(*database->documents().hasEmbeddings(first->id()));
    EXPECT_EQ(*database->documents().countToEmbed(second->id()), 0);
}

TEST_F(EmbedderChange, RanksAsAFreshIndexOfTheNewEmbedderDoes) {
    const auto changed = open(first);
    const std::vector<std::string> texts = {"hello world", "the cafe", "unaffable 2024", "x 1"};
    for (std::size_t i = 0; i < texts.size(); ++i) {
        store(*changed, "/" + std::to_string(i), texts[i]);
    }
    ASSERT_TRUE(changed->embedMissing());
    ASSERT_TRUE(changed->switchEmbedder(second));
    const auto fresh = open(second);
    for (const std::string query : {"hello", "cafe world", "2024"}) {
        EXPECT_EQ(similar(*changed, query), similar(*fresh, query)) << query;
    }
}

TEST_F(EmbedderChange, DoesNotTryATextWithoutAVectorAgain) {
    const auto library = open(first);
    store(*library, "/a", "hello");
    ASSERT_TRUE(library->embedMissing());
    ASSERT_TRUE(library->switchEmbedder(second));
    int nCalls = 0;
    ASSERT_TRUE(library->embedMissing([&](int, int) { return ++nCalls < 5; }));
    EXPECT_EQ(nCalls, 0);
}

TEST_F(EmbedderChange, RerankerOrdersTheBestAlone) {
    const auto library = open(first);
    for (int i = 0; i < 30; ++i) {
        store(*library, "/" + std::to_string(i), "hello " + std::string(i % 9 + 1, 'b'));
    }
    ASSERT_TRUE(library->embedMissing());
    const auto reranker = engine::Reranker::load(std::filesystem::path(CONCLAVE_TEST_SOURCE) /
                                                 "tests/parity/bert-rank.gguf");
    ASSERT_TRUE(reranker.has_value());
    const SearchRequest request{.query = "hello", .collections = {1}, .limit = 5};
    const auto before = library->search(request);
    library->setReranker([&] { return *reranker; });
    const auto after = library->search(request);
    ASSERT_TRUE(before.has_value() && after.has_value());
    ASSERT_EQ(after->size(), 5u);
    for (std::size_t i = 0; i < 5; ++i) {
        const std::vector<std::string> passage = {(*after)[i].chunk.text};
        EXPECT_GT((*after)[i].score, 0.0);
        if (i > 0) {
            EXPECT_LE((*after)[i].score, (*after)[0].score);  // repetitions come last
        }
    }
    const auto keywordsAlone = library->search(
        {.query = "hello", .collections = {1}, .mode = retrieval::SearchMode::Keyword, .limit = 5});
    ASSERT_TRUE(keywordsAlone.has_value());
    EXPECT_GT((*keywordsAlone)[0].score, 0.0);
}

}  // namespace
}  // namespace conclave::services
