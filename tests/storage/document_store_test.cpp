#include <map>

#include "storage_support.h"

namespace conclave::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DocumentStoreTest : public StorageTest {
protected:
    DocumentStore& documents() { return m_database->documents(); }

    DocumentId add(CollectionId collection, std::string_view path, std::string text) {
        const DocumentId id = valueOf(documents().ensureDocument(collection, path));
        valueOf(documents().storeContent(id, contentOf(std::move(text))));
        return id;
    }
    /// Texts of the chunks with this term, ascending.
    std::vector<std::string> found(std::string_view term) {
        const auto ids = chunksWith(documents(), {std::string(term)});
        std::vector<std::string> texts;
        for (const Chunk& chunk : valueOf(documents().chunks(ids))) texts.push_back(chunk.text);
        return texts;
    }
    std::size_t nEmbeddings() {
        std::size_t n = 0;
        valueOf(documents().forEachEmbedding("test-embedder", 0, [&](ChunkId, auto) { ++n; }));
        return n;
    }

    std::unique_ptr<Database> m_database = open();
    CollectionId m_guide = valueOf(documents().createCollection("Guide"));
};

TEST_F(DocumentStoreTest, CollectionsHaveUniqueNamesAndRoots) {
    EXPECT_FAILS(documents().createCollection("Guide"), ErrorCode::InvalidArgument);
    EXPECT_FAILS(documents().createCollection(""), ErrorCode::InvalidArgument);
    const auto other = valueOf(documents().createCollection("Anna's 'quoted' %notes%"));
    EXPECT_FAILS(documents().renameCollection(other, "Guide"), ErrorCode::InvalidArgument);
    EXPECT_FAILS(documents().renameCollection(999, "New"), ErrorCode::NotFound);
    valueOf(documents().renameCollection(other, "Anna's"));
    valueOf(documents().renameCollection(other, "Anna's"));  // its own name is free for it
    const std::vector<std::filesystem::path> roots = {"/home/anna/b", "/home/anna/a"};
    valueOf(documents().setRoots(other, roots));
    const auto all = valueOf(documents().collections());
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].name, "Anna's");
    EXPECT_EQ(all[0].roots, roots);
    valueOf(documents().deleteCollection(other));
    EXPECT_FAILS(documents().deleteCollection(other), ErrorCode::NotFound);
    EXPECT_OK(documents().createCollection("Anna's"));
}

TEST_F(DocumentStoreTest, CountsWhatBecameOfEachDocument) {
    add(m_guide, "/docs/a.md", "text");
    add(m_guide, "/docs/b.md", "text");
    valueOf(documents().ensureDocument(m_guide, "/docs/later.md"));
    for (const auto state :
         {DocumentState::Failed, DocumentState::NeedsOcr, DocumentState::Unavailable}) {
        const auto id = valueOf(documents().ensureDocument(
            m_guide, "/docs/" + std::to_string(static_cast<int>(state))));
        valueOf(documents().setDocumentState(id, state, "why"));
    }
    const Collection collection = valueOf(documents().collections()).front();
    EXPECT_EQ(collection.nDocuments, 2);
    EXPECT_EQ(collection.nFailed, 2);
    EXPECT_EQ(collection.nPending, 1);
    EXPECT_EQ(collection.nUnavailable, 1);
    EXPECT_EQ(collection.nFound(), 6);
}

TEST_F(DocumentStoreTest, StoresADocumentAsItWasRead) {
    const auto id = valueOf(documents().ensureDocument(m_guide, "/docs/a.pdf"));
    EXPECT_EQ(valueOf(documents().ensureDocument(m_guide, "/docs/a.pdf")), id);
    EXPECT_EQ(valueOf(documents().document(id)).state, DocumentState::Pending);

    DocumentContent content;
    content.title = "Reisekosten — Übersicht";
    content.mime = "application/pdf";
    content.sha256 = std::string(64, 'f');
    content.sizeBytes = 5'000'000'000;
    content.modifiedNs = 1'700'000'000'123'456'789;
    content.warnings = {"hidden text removed", "2 \"odd\" pages"};
    content.pages = {{.number = 1, .text = "住宿上限 500 元"}, {.number = 2, .text = "Ende."}};
    content.chunks = {{.page = 1, .startByte = 0, .endByte = 12, .heading = "A > B"},
                      {.page = 2, .startByte = 0, .endByte = 5}};
    valueOf(documents().storeContent(id, content));

    const Document document = valueOf(documents().document(id));
    EXPECT_EQ(document.state, DocumentState::Ready);
    EXPECT_EQ(document.title, content.title);
    EXPECT_EQ(document.mime, content.mime);
    EXPECT_EQ(document.sha256, content.sha256);
    EXPECT_EQ(document.sizeBytes, content.sizeBytes);
    EXPECT_EQ(document.modifiedNs, content.modifiedNs);
    EXPECT_EQ(document.warnings, content.warnings);
    EXPECT_EQ(document.nPages, 2);
    EXPECT_EQ(document.nChunks, 2);
    const auto pages = valueOf(documents().pages(id));
    ASSERT_EQ(pages.size(), 2U);
    EXPECT_EQ(pages[0].text, "住宿上限 500 元");
    const auto chunks = valueOf(documents().chunksOf(id));
    ASSERT_EQ(chunks.size(), 2U);
    EXPECT_EQ(chunks[0].text, "住宿上限");
    EXPECT_EQ(chunks[0].heading, "A > B");
    EXPECT_EQ(chunks[0].path, "/docs/a.pdf");
    EXPECT_EQ(chunks[0].title, content.title);
    EXPECT_EQ(chunks[0].collection, m_guide);
    EXPECT_EQ(chunks[1].page, 2);
    EXPECT_THAT(found("a"), ElementsAre("住宿上限"));  // by its heading
    expectSound(*m_database);
}

TEST_F(DocumentStoreTest, RefusesChunksOutsideTheirPageAndKeepsTheOldContent) {
    const auto id = add(m_guide, "/docs/a.txt", "apples");
    for (const NewChunk& bad : {NewChunk{.page = 1, .startByte = 0, .endByte = 7},
                                NewChunk{.page = 2, .startByte = 0, .endByte = 1},
                                NewChunk{.page = 1, .startByte = 3, .endByte = 3},
                                NewChunk{.page = 1, .startByte = 5, .endByte = 2}}) {
        DocumentContent content = contentOf("grapes");
        content.chunks.push_back(bad);
        EXPECT_FAILS(documents().storeContent(id, content), ErrorCode::InvalidArgument);
    }
    EXPECT_THAT(found("apple"), ElementsAre("apples"));
    EXPECT_THAT(found("grape"), IsEmpty());
    EXPECT_FAILS(documents().storeContent(999, contentOf("x")), ErrorCode::NotFound);
    expectSound(*m_database);
}

TEST_F(DocumentStoreTest, ReplacingAndRemovingKeepsTheFullTextRight) {
    const auto id = add(m_guide, "/docs/a.txt", "apples\npears");
    const auto other = add(m_guide, "/docs/b.txt", "apples and plums");
    valueOf(documents().storeContent(id, contentOf("pears\nquinces\nfigs")));
    EXPECT_THAT(found("apple"), ElementsAre("apples and plums"));
    EXPECT_THAT(found("quince"), ElementsAre("quinces"));
    EXPECT_EQ(nEmbeddings(), 4U);
    valueOf(documents().removeDocument(other));
    EXPECT_THAT(found("apple"), IsEmpty());
    EXPECT_EQ(nEmbeddings(), 3U);
    EXPECT_FAILS(documents().document(other), ErrorCode::NotFound);
    EXPECT_FAILS(documents().removeDocument(other), ErrorCode::NotFound);
    EXPECT_FAILS(documents().pages(other), ErrorCode::NotFound);
    EXPECT_FAILS(documents().chunksOf(other), ErrorCode::NotFound);
    expectSound(*m_database);
}

TEST_F(DocumentStoreTest, ChunkIdsAreNeverUsedTwice) {
    const auto id = add(m_guide, "/docs/a.txt", "apples");
    const ChunkId before = valueOf(documents().chunksOf(id)).front().id;
    valueOf(documents().removeDocument(id));
    m_database.reset();
    m_database = open();
    const auto next = add(m_guide, "/docs/b.txt", "pears");
    EXPECT_GT(valueOf(documents().chunksOf(next)).front().id, before);
}

TEST_F(DocumentStoreTest, AFailedReadKeepsTheContentAndRemembersTheFile) {
    const auto id = add(m_guide, "/docs/a.txt", "apples");
    valueOf(documents().setDocumentState(id, DocumentState::Failed, "password needed", 77, 88));
    Document document = valueOf(documents().document(id));
    EXPECT_EQ(document.state, DocumentState::Failed);
    EXPECT_EQ(document.error, "password needed");
    EXPECT_EQ(document.sizeBytes, 77U);
    EXPECT_EQ(document.modifiedNs, 88);
    EXPECT_THAT(found("apple"), ElementsAre("apples"));

    valueOf(documents().setDocumentState(id, DocumentState::Unavailable, "drive not there"));
    document = valueOf(documents().document(id));
    EXPECT_EQ(document.sizeBytes, 77U);
    EXPECT_THAT(found("apple"), ElementsAre("apples"));
    valueOf(documents().touchDocument(id, 99, 111));
    EXPECT_EQ(valueOf(documents().document(id)).modifiedNs, 111);
    EXPECT_FAILS(documents().touchDocument(999, 1, 1), ErrorCode::NotFound);
    EXPECT_FAILS(documents().setDocumentState(999, DocumentState::Failed, ""), ErrorCode::NotFound);
    const auto collection = valueOf(documents().collections()).front();
    EXPECT_EQ(collection.nDocuments, 0);
    EXPECT_EQ(collection.nChunks, 1);
}

TEST_F(DocumentStoreTest, WhatIsSeenIsPendingUntilItIsRead) {
    const DocumentId known = add(m_guide, "/a.md", "anchor");
    const std::vector<std::filesystem::path> paths = {"/a.md", "/b.md"};
    valueOf(documents().noteSeen(m_guide, paths));
    valueOf(documents().noteSeen(m_guide, paths));
    const auto all = valueOf(documents().documents(m_guide));
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].id, known);
    EXPECT_EQ(all[0].state, DocumentState::Ready);
    EXPECT_EQ(all[1].path, "/b.md");
    EXPECT_EQ(all[1].state, DocumentState::Pending);
    expectSound(*m_database);
}

TEST_F(DocumentStoreTest, PagesAreKeptWhileADocumentIsRead) {
    const std::vector<std::filesystem::path> paths = {"/scan.pdf"};
    valueOf(documents().noteSeen(m_guide, paths));
    const auto drafts = [&](std::string_view source) {
        std::vector<std::string> texts;
        for (const Page& page : valueOf(documents().pageDrafts(m_guide, paths[0], source))) {
            texts.push_back(page.text);
        }
        return texts;
    };
    const auto keep = [&](std::string_view source, int page, const std::string& text) {
        valueOf(documents().keepPageDraft(m_guide, paths[0], source, {page, text}));
    };
    const auto document = [&] { return valueOf(documents().documents(m_guide)).at(0); };
    keep("aa/eng", 1, "one");
    keep("aa/eng", 2, "two");
    EXPECT_THAT(drafts("aa/eng"), ElementsAre("one", "two"));
    EXPECT_EQ(document().nPages, 2);
    expectSound(*m_database);
    EXPECT_THAT(drafts("aa/deu"), IsEmpty());
    keep("bb/eng", 1, "another content");
    EXPECT_THAT(drafts("aa/eng"), IsEmpty());
    EXPECT_THAT(drafts("bb/eng"), ElementsAre("another content"));

    valueOf(documents().storeContent(document().id, contentOf("anchor")));
    EXPECT_THAT(drafts("bb/eng"), IsEmpty());
    EXPECT_EQ(document().nPages, 1);
    expectSound(*m_database);
}

TEST_F(DocumentStoreTest, AMovedDocumentKeepsItsContent) {
    const auto id = add(m_guide, "/docs/a.txt", "apples");
    const auto replaced = add(m_guide, "/docs/b.txt", "pears");
    valueOf(documents().moveDocument(id, "/docs/c.txt"));
    EXPECT_EQ(valueOf(documents().document(id)).path, "/docs/c.txt");
    EXPECT_EQ(valueOf(documents().chunksOf(id)).front().path, "/docs/c.txt");
    valueOf(documents().moveDocument(id, "/docs/b.txt"));  // over another file
    EXPECT_FAILS(documents().document(replaced), ErrorCode::NotFound);
    EXPECT_THAT(found("apple"), ElementsAre("apples"));
    EXPECT_THAT(found("pear"), IsEmpty());
    EXPECT_FAILS(documents().moveDocument(999, "/x"), ErrorCode::NotFound);
    expectSound(*m_database);
}

TEST_F(DocumentStoreTest, SaysWhereChunksAndDocumentsAre) {
    const auto notes = valueOf(documents().createCollection("Notes"));
    const auto a = add(m_guide, "/docs/a.txt", "one\ntwo");
    const auto b = add(notes, "/notes/b.txt", "three");
    const auto places = valueOf(documents().chunkPlaces());
    ASSERT_EQ(places.size(), 3U);
    EXPECT_LT(places[0].chunk, places[1].chunk);
    EXPECT_EQ(places[0].document, a);
    EXPECT_EQ(places[2].document, b);
    const auto paths = valueOf(documents().documentPaths());
    ASSERT_EQ(paths.size(), 2U);
    EXPECT_EQ(paths[1].document, b);
    EXPECT_EQ(paths[1].collection, notes);
    EXPECT_EQ(paths[1].path, "/notes/b.txt");
    valueOf(documents().deleteCollection(notes));
    EXPECT_EQ(valueOf(documents().chunkPlaces()).size(), 2U);
    EXPECT_EQ(valueOf(documents().documentPaths()).size(), 1U);
}

TEST_F(DocumentStoreTest, SaysWhatEachChangeDidToChunks) {
    const auto id = valueOf(documents().ensureDocument(m_guide, "/docs/a.txt"));
    const auto before = valueOf(documents().generation());
    const auto stored = valueOf(documents().storeContent(id, contentOf("one\ntwo")));
    EXPECT_THAT(stored.removed, IsEmpty());
    EXPECT_EQ(stored.added.size(), 2U);
    EXPECT_EQ(stored.generation, before + 1);
    const auto replaced = valueOf(documents().storeContent(id, contentOf("three")));
    EXPECT_EQ(replaced.removed, stored.added);
    const auto other = add(m_guide, "/docs/b.txt", "four");
    const auto chunk = valueOf(documents().chunksOf(other)).front().id;
    const auto moved = valueOf(documents().moveDocument(id, "/docs/b.txt"));
    EXPECT_THAT(moved.removed, ElementsAre(chunk)) << "of the document that was there";
    EXPECT_EQ(moved.generation, valueOf(documents().generation()));
    EXPECT_EQ(valueOf(documents().removeDocument(id)).removed, replaced.added);
}

TEST_F(DocumentStoreTest, KeepsPiecesOfTheKeywordIndex) {
    const std::vector<std::byte> one(3, std::byte{1});
    const std::vector<std::byte> two(5, std::byte{2});
    const std::vector<std::span<const std::byte>> both = {one, two};
    const auto ids = valueOf(documents().keepKeywordSegments(both, {}));
    ASSERT_EQ(ids.size(), 2U);
    const std::vector<std::span<const std::byte>> merged = {two};
    const auto newer = valueOf(documents().keepKeywordSegments(merged, std::vector{ids[0]}));
    std::map<std::int64_t, std::size_t> sizes;
    valueOf(documents().forEachKeywordSegment(
        {}, [&](std::int64_t id, auto bytes) { sizes[id] = bytes.size(); }));
    EXPECT_EQ(sizes, (std::map<std::int64_t, std::size_t>{{ids[1], 5}, {newer[0], 5}}));
    int nOthers = 0;
    valueOf(documents().forEachKeywordSegment(std::vector{ids[1], newer[0]},
                                              [&](std::int64_t, auto) { ++nOthers; }));
    EXPECT_EQ(nOthers, 0);
}

TEST_F(DocumentStoreTest, ADeletedCollectionLeavesNothingBehind) {
    const auto notes = valueOf(documents().createCollection("Notes"));
    std::vector<DocumentId> ids;
    for (int i = 0; i < 25; ++i) {
        ids.push_back(add(notes, "/notes/" + std::to_string(i), "apples\npears"));
    }
    add(m_guide, "/docs/a.txt", "apples guide");
    const auto before = valueOf(documents().generation());
    valueOf(documents().deleteCollection(notes));
    EXPECT_GT(valueOf(documents().generation()), before);
    EXPECT_THAT(found("apple"), ElementsAre("apples guide"));
    EXPECT_EQ(nEmbeddings(), 1U);
    EXPECT_FAILS(documents().document(ids.back()), ErrorCode::NotFound);
    EXPECT_FAILS(documents().documents(notes), ErrorCode::NotFound);
    EXPECT_FAILS(documents().ensureDocument(notes, "/x"), ErrorCode::NotFound);
    expectSound(*m_database);
}

TEST_F(DocumentStoreTest, StreamsEmbeddingsInChunkOrder) {
    const auto id = add(m_guide, "/docs/a.txt", "one\ntwo\nthree");
    std::vector<ChunkId> order;
    std::map<ChunkId, std::byte> first;
    valueOf(documents().forEachEmbedding("test-embedder", 0, [&](ChunkId chunk, auto code) {
        EXPECT_EQ(code.size(), 8U);
        order.push_back(chunk);
        first[chunk] = code[0];
        // Calling back into the store is allowed.
        EXPECT_EQ(valueOf(documents().document(id)).nChunks, 3);
    }));
    std::vector<ChunkId> expected;
    for (const Chunk& chunk : valueOf(documents().chunksOf(id))) {
        expected.push_back(chunk.id);
        EXPECT_EQ(first[chunk.id], static_cast<std::byte>(chunk.startByte));
    }
    EXPECT_EQ(order, expected);
    valueOf(documents().forEachEmbedding("another", 0, [](ChunkId, auto) { FAIL(); }));
    order.clear();
    valueOf(documents().forEachEmbedding("test-embedder", expected[1],
                                         [&](ChunkId chunk, auto) { order.push_back(chunk); }));
    EXPECT_EQ(order, std::vector(expected.begin() + 1, expected.end()));
}

TEST_F(DocumentStoreTest, SaysWhatStandsAroundASpan) {
    const auto id = valueOf(documents().ensureDocument(m_guide, "/docs/a.txt"));
    DocumentContent content;
    content.title = "a";
    content.pages = {{1, "one. two. three. four."}, {2, "five."}};
    content.chunks = {{.page = 1, .startByte = 0, .endByte = 4},
                      {.page = 1, .startByte = 5, .endByte = 9},
                      {.page = 1, .startByte = 5, .endByte = 16},
                      {.page = 1, .startByte = 17, .endByte = 22},
                      {.page = 2, .startByte = 0, .endByte = 5}};
    valueOf(documents().storeContent(id, content));
    auto around = valueOf(documents().surroundings(id, 1, 10, 16));
    EXPECT_EQ(around.page, content.pages[0].text);
    EXPECT_EQ(around.startByte, 5U);
    EXPECT_EQ(around.endByte, 22U);
    around = valueOf(documents().surroundings(id, 2, 0, 5));
    EXPECT_EQ(around.startByte, 0U);
    EXPECT_EQ(around.endByte, 5U) << "nothing of another page";
    EXPECT_FAILS(documents().surroundings(id, 3, 0, 1), ErrorCode::NotFound);
    EXPECT_FAILS(documents().surroundings(id, 2, 0, 6), ErrorCode::NotFound);
}

TEST_F(DocumentStoreTest, ChunksComeInTheOrderAsked) {
    const auto id = add(m_guide, "/docs/a.txt", "one\ntwo\nthree");
    const auto all = valueOf(documents().chunksOf(id));
    const std::vector<ChunkId> asked = {all[2].id, 999, all[0].id, all[2].id};
    std::vector<std::string> texts;
    for (const Chunk& chunk : valueOf(documents().chunks(asked))) texts.push_back(chunk.text);
    EXPECT_THAT(texts, ElementsAre("three", "one", "three"));
}

TEST_F(DocumentStoreTest, TheGenerationGrowsWithEveryChangeToChunks) {
    auto last = valueOf(documents().generation());
    const auto grew = [&] {
        const auto before = std::exchange(last, valueOf(documents().generation()));
        return last > before;
    };
    const auto id = add(m_guide, "/docs/a.txt", "one");
    EXPECT_TRUE(grew());
    valueOf(documents().touchDocument(id, 1, 1));
    EXPECT_FALSE(grew());
    valueOf(documents().moveDocument(id, "/docs/b.txt"));
    EXPECT_TRUE(grew()) << "paths order equal scores";
    valueOf(documents().storeContent(id, contentOf("two")));
    EXPECT_TRUE(grew());
    valueOf(documents().removeDocument(id));
    EXPECT_TRUE(grew());
}

// ------------------------------------------------------------------------------------- drafts

TEST_F(DocumentStoreTest, DraftsReplaceTheVectorsInUseAtOnce) {
    const DocumentId a = add(m_guide, "/a", "one\ntwo");
    add(m_guide, "/b", "three");
    EXPECT_TRUE(valueOf(documents().hasEmbeddings("test-embedder")));
    EXPECT_FALSE(valueOf(documents().hasEmbeddings("other")));
    EXPECT_EQ(valueOf(documents().countToEmbed("test-embedder")), 0);
    EXPECT_EQ(valueOf(documents().countToEmbed("other")), 3);
    const auto ids = valueOf(documents().chunksToEmbed("other", 0, 2));
    ASSERT_EQ(ids.size(), 2U);
    const std::vector<std::byte> code(8, std::byte{7});
    const std::vector<EmbeddingDraft> first = {{ids[0], code}, {ids[1], {}}, {99999, code}};
    valueOf(documents().storeDrafts("other", first));
    EXPECT_EQ(valueOf(documents().countToEmbed("other")), 1);
    EXPECT_EQ(nEmbeddings(), 3U);  // those in use are as they were
    const auto last = valueOf(documents().chunksToEmbed("other", ids[1], 10));
    ASSERT_EQ(last.size(), 1U);
    valueOf(documents().storeDrafts("other", std::vector<EmbeddingDraft>{{last[0], code}}));
    const auto before = valueOf(documents().generation());
    const ContentChange change = valueOf(documents().useDrafts("other"));
    EXPECT_EQ(change.generation, before + 1);
    EXPECT_THAT(change.added, ElementsAre(ids[0], last[0]));
    EXPECT_EQ(nEmbeddings(), 0U);
    // A text without a vector is not asked for again, unless it is read anew.
    EXPECT_EQ(valueOf(documents().countToEmbed("other")), 0);
    valueOf(documents().storeContent(a, contentOf("one\ntwo")));
    EXPECT_EQ(valueOf(documents().countToEmbed("other")), 2);
    expectSound(*m_database);
}

TEST_F(DocumentStoreTest, DraftsOfAnotherEmbedderAreForgotten) {
    add(m_guide, "/a", "one\ntwo");
    const auto ids = valueOf(documents().chunksToEmbed("first", 0, 10));
    const std::vector<std::byte> code(8, std::byte{7});
    valueOf(documents().storeDrafts("first", std::vector<EmbeddingDraft>{{ids[0], code}}));
    valueOf(documents().storeDrafts("second", std::vector<EmbeddingDraft>{{ids[1], code}}));
    EXPECT_EQ(valueOf(documents().countToEmbed("first")), 2);
    EXPECT_EQ(valueOf(documents().countToEmbed("second")), 1);
}

}  // namespace
}  // namespace conclave::storage
