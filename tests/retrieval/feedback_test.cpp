#include "retrieval/feedback.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace conclave::retrieval {
namespace {

class FeedbackTest : public testing::Test, public ChunkTexts {
protected:
    FeedbackTest() {
        // A topic whose texts share words that the question has not, and texts about other things.
        for (int i = 0; i < 12; ++i) {
            add("wing lift flow speed shape study, boundary layer of sample" + std::to_string(i));
        }
        m_related = add("boundary layer separation");
        for (int i = 0; i < 300; ++i) add("bread and butter number" + std::to_string(i));
        m_named = add("report of Karman about flow");
    }
    Result<std::vector<Text>> texts(std::span<const ChunkId> chunks) override {
        std::vector<Text> found;
        for (const ChunkId chunk : chunks) found.push_back({chunk, "", m_texts.at(chunk)});
        return found;
    }
    ChunkId add(const std::string& text) {
        const auto id = static_cast<ChunkId>(m_texts.size() + 1);
        m_texts[id] = text;
        m_index.add({.document = id}, std::vector{id}, std::vector{chunkTerms("", text)});
        return id;
    }
    bool wants(std::string_view query) {
        return wantsFeedback(query, m_index, m_index.search(weightedTerms(query), {}, 50).best);
    }
    bool finds(ChunkId chunk, std::string_view query, bool feedback) {
        SearchOptions options;
        options.limit = 50;
        options.feedback = feedback;
        const auto found = hybridSearch(query, {m_index, nullptr, nullptr, this}, options);
        EXPECT_TRUE(found);
        return std::any_of(found->begin(), found->end(),
                           [&](const ScoredChunk& hit) { return hit.chunk == chunk; });
    }

    KeywordIndex m_index;
    std::map<ChunkId, std::string> m_texts;
    ChunkId m_related = 0;
    ChunkId m_named = 0;
};

constexpr const char* kLong = "how does the shape of a wing change its lift, speed and flow";

TEST_F(FeedbackTest, FindsWhatSharesNoWordWithALongQuestion) {
    EXPECT_TRUE(wants(kLong));
    EXPECT_FALSE(finds(m_related, kLong, false));
    EXPECT_TRUE(finds(m_related, kLong, true));
}

TEST_F(FeedbackTest, LeavesShortAndPointedQuestionsAlone) {
    EXPECT_FALSE(wants("wing lift and flow")) << "few words";
    EXPECT_FALSE(wants("shape of a wing, \"boundary layer\", lift speed flow")) << "a quotation";
    EXPECT_FALSE(wants("what did Karman say of wing shape, lift, speed and flow")) << "a rare name";
    EXPECT_FALSE(wants("wing shape lift speed flow of sample7")) << "a rare number";
    EXPECT_TRUE(wants("wing shape lift speed flow of 1971")) << "no text has it";
}

TEST_F(FeedbackTest, LeavesAQuestionWithAClearAnswerAlone) {
    const ChunkId clear = add("the harbour master keeps spare keys for rowing boats");
    const std::string query =
        "where are the spare keys for rowing boats that the harbour master keeps";
    EXPECT_FALSE(wants(query));
    EXPECT_TRUE(finds(clear, query, true));
}

TEST_F(FeedbackTest, KeepsHalfOfTheWeightForTheQuestion) {
    const auto terms = weightedTerms(kLong);
    const auto matches = m_index.search(terms, {}, 10).best;
    std::vector<ChunkId> ids;
    for (const ScoredChunk& match : matches) ids.push_back(match.chunk);
    const Expansion expansion = expansionOf(terms, m_index, matches, *texts(ids));
    const auto& all = expansion.added;
    double before = 0.0;
    double after = 0.0;
    for (const QueryTerm& term : terms) before += term.weight;
    for (const QueryTerm& term : all) after += term.weight;
    ASSERT_FALSE(all.empty());
    EXPECT_NEAR(after, before * (1.0 - expansion.share), 1e-9);
    // Going on from the scores that are there is as good as searching for all terms at once.
    std::vector<QueryTerm> together(terms.begin(), terms.end());
    for (QueryTerm& term : together) term.weight *= expansion.share;
    together.insert(together.end(), all.begin(), all.end());
    const auto wanted = m_index.search(together, {}, 20).best;
    static_cast<void>(m_index.search(terms, {}, 1));
    const auto found = m_index.search(terms, {}, 20, {}, &expansion).best;
    ASSERT_EQ(found.size(), wanted.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_NEAR(found[i].score, wanted[i].score, 1e-5);
    }
    EXPECT_TRUE(std::any_of(all.begin(), all.end(),
                            [](const QueryTerm& term) { return term.text == "boundari"; }));
    EXPECT_TRUE(std::none_of(all.begin(), all.end(),
                             [](const QueryTerm& term) { return term.text == "of"; }));
}

}  // namespace
}  // namespace conclave::retrieval
