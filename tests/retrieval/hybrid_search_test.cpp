#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "retrieval/definitions.h"
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

TEST(Definitions, KnowsQuestionsThatAskForOne) {
    EXPECT_EQ(definedThing("What is Debian?"), "debian");
    EXPECT_EQ(definedThing("what is a control rod"), "control rod");
    EXPECT_EQ(definedThing("Define \u201CFlatness\u201D"), "flatness");
    EXPECT_EQ(definedThing("What does APT mean?"), "apt");
    EXPECT_EQ(definedThing("什么是量子计算？"), "量子计算");
    EXPECT_EQ(definedThing("玛莉莲是谁？"), "玛莉莲");
    for (const std::string_view other :
         {"What is the capital of Norway?", "How is Debian installed?", "What is known about x?",
          "他的父亲是谁？", "What is the difference between a and b?", "", "What is ?", "？",
          "what is the effect of heat on a cone at high speed"}) {
        EXPECT_EQ(definedThing(other), std::nullopt) << other;
    }
}

TEST(Definitions, AreSentencesThatBeginWithTheThing) {
    const auto of = [](std::string_view thing, std::string_view text) {
        return definitionIn(thing, "Guide", text);
    };
    EXPECT_EQ(of("tundra", "It is cold. A tundra is a plain without trees."), 1.0);
    EXPECT_EQ(of("lidar", "Lidar (light detection) refers to ranging by laser."), 1.0);
    EXPECT_EQ(of("量子计算", "历史。量子计算（英语）是一种计算方式。"), 1.0);
    EXPECT_LT(of("tundra", "Tundra soil is a kind of soil."), 1.0);
    EXPECT_GT(of("tundra", "Tundra soil is a kind of soil."), 0.0);
    EXPECT_EQ(definitionIn("tundra", "Lands > What is tundra?", "Tundra soil is a kind."), 1.0);
    EXPECT_EQ(of("tundra", "The wolves of the tundra is a film."), 0.0);
    EXPECT_EQ(of("lid", "Lidar is a sensor."), 0.0);
    EXPECT_EQ(of("tundra", "Tundra, taiga and steppe. Is a plain"), 0.0);
    const std::string text = "“Tundra” (the\nplain） is 一个 a";
    for (std::size_t end = 0; end <= text.size(); ++end) {
        of("tundra", text.substr(0, end));
        of("tundra", text.substr(end));
    }
}

/// The texts of the index itself.
class KnownTexts final : public ChunkTexts {
public:
    Result<std::vector<Text>> texts(std::span<const ChunkId> chunks) override {
        std::vector<Text> found;
        for (const ChunkId id : chunks) found.push_back({id, "", m_texts.at(id)});
        return found;
    }
    std::map<ChunkId, std::string> m_texts;
};

TEST_F(HybridSearchTest, SaysWhatSomethingIsFirst) {
    KnownTexts texts;
    for (ChunkId id = 10; id < 20; ++id) {
        texts.m_texts[id] = "zirconia zirconia zirconia coating " + std::to_string(id);
    }
    texts.m_texts[15] = "Zirconia is a white ceramic.";
    for (const auto& [id, text] : texts.m_texts) add(id, text);
    const auto ask = [&](std::string_view question) {
        SearchOptions options;
        options.mode = SearchMode::Keyword;
        options.limit = 3;
        return hybridSearch(question, {m_keywords, nullptr, nullptr, &texts}, options).value();
    };
    const auto plain = ask("zirconia");
    const auto asked = ask("What is zirconia?");
    ASSERT_EQ(asked.size(), 3U);
    EXPECT_NE(plain[0].chunk, 15);
    EXPECT_EQ(asked[0].chunk, 15);
    EXPECT_NEAR(asked[0].score, plain[0].score, 1e-9) << "no higher than before";
}

}  // namespace
}  // namespace conclave::retrieval
