#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "retrieval/retrieval.h"

namespace conclave::retrieval {
namespace {

/// Two directions: how much a text is about animals, and how much about machines.
class TopicEmbedder : public Embedder {
public:
    const std::string& id() const override { return m_id; }
    int dimension() const override { return 2; }
    void embed(std::string_view text, std::span<float> vector) const override {
        const auto has = [&](std::string_view word) {
            return text.find(word) != std::string_view::npos ? 1.0F : 0.0F;
        };
        vector[0] = std::max({has("cat"), has("feline"), has("猫")});
        vector[1] = std::max(has("printer"), has("engine"));
    }

private:
    std::string m_id = "topic";
};

class HybridSearchTest : public testing::Test {
protected:
    HybridSearchTest() {
        add(1, "the cat sleeps");
        add(2, "a feline animal");
        add(3, "the printer prints");
        add(4, "engine and printer");
        add(5, "nothing of the kind");
    }
    void add(ChunkId id, std::string_view text) {
        const DocumentPlace place{
            .document = id, .collection = 1, .order = 100 - static_cast<std::uint64_t>(id)};
        m_keywords.add(place, std::vector{id}, std::vector{chunkTerms("", text)});
        std::vector<float> vector(2);
        m_embedder.embed(text, vector);
        EXPECT_TRUE(m_vectors.add(id, place, encodeVector(vector)));
    }
    std::vector<ChunkId> find(std::string_view query, SearchOptions options = {}) {
        const auto hits = hybridSearch(query, {m_keywords, &m_vectors, &m_embedder}, options);
        EXPECT_TRUE(hits);
        std::vector<ChunkId> ids;
        for (const ScoredChunk& hit : *hits) ids.push_back(hit.chunk);
        return ids;
    }

    KeywordIndex m_keywords;
    VectorIndex m_vectors{2};
    TopicEmbedder m_embedder;
};

TEST_F(HybridSearchTest, CombinesBothLegs) {
    const auto found = find("cat");
    ASSERT_GE(found.size(), 2U);
    EXPECT_EQ(found[0], 1) << "word and meaning";
    EXPECT_EQ(found[1], 2) << "meaning alone";
}

TEST_F(HybridSearchTest, AQuestionWithoutACommonWordLeavesTheVectorsInCharge) {
    const auto found = find("猫");
    ASSERT_GE(found.size(), 2U);
    EXPECT_EQ(found[0], 2) << "as near as the other, and before it in order";
    EXPECT_EQ(found[1], 1);
}

TEST_F(HybridSearchTest, ModesUseOneLeg) {
    SearchOptions keyword;
    keyword.mode = SearchMode::Keyword;
    EXPECT_EQ(find("cat", keyword), (std::vector<ChunkId>{1}));
    SearchOptions vector;
    vector.mode = SearchMode::Vector;
    vector.limit = 2;
    EXPECT_EQ(find("engine", vector), (std::vector<ChunkId>{4, 3}))
        << "equal, so the document's order decides";
}

TEST_F(HybridSearchTest, WorksWithoutAnEmbedder) {
    for (const SearchMode mode : {SearchMode::Hybrid, SearchMode::Vector}) {
        SearchOptions options;
        options.mode = mode;
        const auto hits = hybridSearch("printer", {m_keywords, &m_vectors, nullptr}, options);
        ASSERT_TRUE(hits);
        EXPECT_EQ(hits->size(), 2U);
    }
}

TEST_F(HybridSearchTest, ScoresAreWithinZeroAndOneAndKeepTheWeight) {
    SearchOptions options;
    options.keywordWeight = 0.8;
    const auto hits = hybridSearch("cat", {m_keywords, &m_vectors, &m_embedder}, options);
    ASSERT_TRUE(hits);
    EXPECT_DOUBLE_EQ(hits->front().score, 1.0);
    EXPECT_NEAR((*hits)[1].score, 0.2, 1e-9) << "best cosine, no word";
}

TEST_F(HybridSearchTest, EmptyQueryFindsNothing) { EXPECT_TRUE(find("  ?! ").empty()); }

}  // namespace
}  // namespace conclave::retrieval
