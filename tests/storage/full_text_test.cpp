#include <cmath>
#include <stdexcept>

#include "storage_support.h"

namespace conclave::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class FullTextTest : public StorageTest {
protected:
    void fill(std::unique_ptr<Database> database, std::string text) {
        m_database = std::move(database);
        auto& documents = m_database->documents();
        const auto collection = valueOf(documents.createCollection("Guide"));
        const auto document = valueOf(documents.ensureDocument(collection, "/docs/a.txt"));
        valueOf(documents.storeContent(document, contentOf(std::move(text))));
        for (const Chunk& chunk : valueOf(documents.chunksOf(document))) {
            m_chunks.push_back(chunk.id);
        }
    }
    std::vector<KeywordHit> search(std::vector<std::string> terms, int limit = 100) {
        return valueOf(m_database->documents().keywordSearch(terms, {}, limit));
    }
    std::vector<ChunkId> ids(const std::vector<KeywordHit>& hits) {
        std::vector<ChunkId> result;
        for (const KeywordHit& hit : hits) result.push_back(hit.chunk);
        return result;
    }

    std::unique_ptr<Database> m_database;
    std::vector<ChunkId> m_chunks;
};

/// Written down anew from the formula, so that the two can differ.
double expectedBm25(double nTimes, double length, double averageLength, double nRows,
                    double nFound) {
    const double idf = std::log(1 + (nRows - nFound + 0.5) / (nFound + 0.5));
    return idf * nTimes * 2.2 / (nTimes + 1.2 * (0.25 + 0.75 * length / averageLength));
}

TEST_F(FullTextTest, ScoresByBm25) {
    fill(open(), "fox fox dog\ncat\nfox bird fish cat cow");  // lengths 3, 1, 5
    const auto hits = search({"fox"});
    EXPECT_THAT(ids(hits), ElementsAre(m_chunks[0], m_chunks[2]));
    EXPECT_NEAR(hits[0].bm25, expectedBm25(2, 3, 3, 3, 2), 1e-12);
    EXPECT_NEAR(hits[1].bm25, expectedBm25(1, 5, 3, 3, 2), 1e-12);
}

TEST_F(FullTextTest, ATermGivenTwiceCountsTwice) {
    fill(open(), "fox dog\ncat dog");
    const double once = search({"fox"})[0].bm25;
    EXPECT_NEAR(search({"fox", "fox"})[0].bm25, 2 * once, 1e-12);
    EXPECT_THAT(ids(search({"cat", "fox", "fox"})), ElementsAre(m_chunks[0], m_chunks[1]));
}

TEST_F(FullTextTest, AWordThatAllTextsHaveStillCounts) {
    fill(open(), "fox\nfox fox");
    const auto hits = search({"fox"});
    ASSERT_EQ(hits.size(), 2U);
    EXPECT_EQ(hits[0].chunk, m_chunks[1]);
    EXPECT_GT(hits[1].bm25, 0.0);
}

TEST_F(FullTextTest, OverlappingTermsDoNotLengthenAText) {
    // Five characters each: with pairs as terms of their own the second would have length 9.
    fill(open(), "a b c d e\n住宿上限元");
    EXPECT_NEAR(search({"a"})[0].bm25, search({"住"})[0].bm25, 1e-12);
    EXPECT_THAT(ids(search({"住宿"})), ElementsAre(m_chunks[1]));
    EXPECT_THAT(search({"宿住"}), IsEmpty());
}

TEST_F(FullTextTest, EqualScoresGoToTheLowerChunk) {
    fill(open(), "fox a\nfox b\nfox c\nfox d");
    EXPECT_THAT(ids(search({"fox"}, 3)), ElementsAre(m_chunks[0], m_chunks[1], m_chunks[2]));
}

TEST_F(FullTextTest, ATermIsNotAnalyzedAgain) {
    // The analyzer makes "glas" of "glass" and would make "gla" of "glas".
    fill(open(), "glass\ngla");
    EXPECT_THAT(ids(search({"glas"})), ElementsAre(m_chunks[0]));
    EXPECT_THAT(ids(search({"gla"})), ElementsAre(m_chunks[1]));
    EXPECT_THAT(search({"glass"}), IsEmpty());  // not a term
    EXPECT_THAT(search({"GLA"}), IsEmpty());
}

TEST_F(FullTextTest, TermsAreDataNotSyntax) {
    const Analyzer byLine = [](std::string_view text, const TermSink& sink) {
        sink(text, 0, text.size());
    };
    fill(valueOf(Database::open(file(), {.analyzer = byLine})),
         "say \"hi\"\nNEAR(a b)\na*\n^a\ntext:a\nOR\n'; DROP TABLE chat; --\na AND b\n-\n \n(");
    const auto chunks = valueOf(m_database->documents().chunks(m_chunks));
    for (const Chunk& chunk : chunks) {
        EXPECT_THAT(ids(search({chunk.text})), ElementsAre(chunk.id)) << chunk.text;
    }
    EXPECT_THAT(search({"a"}), IsEmpty());
    EXPECT_THAT(search({"", std::string("a\0b", 3)}), IsEmpty());
    EXPECT_THAT(search({}), IsEmpty());
    EXPECT_THAT(search({"OR"}, 0), IsEmpty());
}

TEST_F(FullTextTest, TakesVeryLongQueries) {
    fill(open(), "fox\ndog");
    std::vector<std::string> terms;
    for (int i = 0; i < 5000; ++i) terms.push_back("word" + std::to_string(i));
    terms.emplace_back("fox");
    EXPECT_THAT(ids(search(terms)), ElementsAre(m_chunks[0]));
}

TEST_F(FullTextTest, ScoresGivenChunksAlike) {
    fill(open(), "fox fox dog\ncat\nfox bird\ncat fox");
    const std::vector<std::string> terms = {"fox", "bird"};
    std::map<ChunkId, double> all;
    for (const KeywordHit& hit : search(terms)) all[hit.chunk] = hit.bm25;
    const std::vector<ChunkId> asked = {m_chunks[3], m_chunks[1], m_chunks[2], 999};
    const auto hits = valueOf(m_database->documents().keywordScores(terms, asked));
    ASSERT_EQ(hits.size(), 2U);
    for (const KeywordHit& hit : hits) EXPECT_DOUBLE_EQ(hit.bm25, all.at(hit.chunk));
    EXPECT_EQ(hits[0].chunk, m_chunks[2]);
    EXPECT_EQ(hits[1].chunk, m_chunks[3]);
}

TEST_F(FullTextTest, ANewAnalyzerVersionRebuildsTheIndexes) {
    fill(open(), "Foxes run");
    const auto chat = valueOf(m_database->chats().createChat({}));
    valueOf(m_database->chats().addMessage({.chat = chat, .text = "Foxes sleep"}));
    m_database.reset();
    const Analyzer upperCase = [](std::string_view text, const TermSink& sink) {
        analyzeForTests(text, [&](std::string_view term, std::size_t start, std::size_t end) {
            std::string upper(term);
            for (char& c : upper) c = static_cast<char>(std::toupper(c));
            sink(upper, start, end);
        });
    };
    m_database = valueOf(Database::open(file(), {.analyzer = upperCase, .analyzerVersion = 2}));
    EXPECT_THAT(search({"foxe"}), IsEmpty());
    EXPECT_EQ(search({"FOXE"}).size(), 1U);
    EXPECT_EQ(valueOf(m_database->chats().searchMessages("foxes", 10)).size(), 1U);
    expectSound(*m_database);
}

TEST_F(FullTextTest, AnAnalyzerThatThrowsFailsTheCallAlone) {
    const Analyzer odd = [](std::string_view text, const TermSink& sink) {
        if (text.find("bomb") != std::string_view::npos) throw std::runtime_error("bomb");
        analyzeForTests(text, sink);
    };
    fill(valueOf(Database::open(file(), {.analyzer = odd})), "fox");
    auto& documents = m_database->documents();
    const auto collection = valueOf(documents.collections()).front().id;
    const auto document = valueOf(documents.ensureDocument(collection, "/docs/b.txt"));
    EXPECT_FALSE(documents.storeContent(document, contentOf("one\nbomb")).has_value());
    EXPECT_EQ(valueOf(documents.document(document)).state, DocumentState::Pending);
    valueOf(documents.storeContent(document, contentOf("one")));
    expectSound(*m_database);
}

TEST_F(FullTextTest, CheckNoticesAnIndexThatDisagrees) {
    fill(open(), "fox");
    m_database.reset();
    const Analyzer other = [](std::string_view, const TermSink& sink) { sink("x", 0, 1); };
    m_database = valueOf(Database::open(file(), {.analyzer = other, .analyzerVersion = 1}));
    bool noticed = false;
    for (const Finding& finding : valueOf(m_database->check())) {
        if (finding.subject == "full text of documents") noticed = !finding.ok;
    }
    EXPECT_TRUE(noticed);
}

}  // namespace
}  // namespace conclave::storage
