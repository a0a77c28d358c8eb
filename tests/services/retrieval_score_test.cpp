#include <cmath>

#include <gtest/gtest.h>

#include "tests/services/scratch.h"

namespace conclave::services {
namespace {

TEST(RetrievalScore, EqualsTheFormulasOnASetSmallEnoughForPaper) {
    const ScratchFolder set;
    // Keyword search for "anchor" finds b (twice) before a (once); "basalt" only c; "zephyr" none.
    set.write("docs.jsonl",
              R"({"id":"a","title":"First","text":"anchor and much more text besides it here"})"
              "\n"
              R"({"id":"b","text":"anchor anchor"})"
              "\n"
              R"({"id":"c","text":"basalt"})"
              "\n");
    set.write("queries.jsonl",
              "{\"id\":\"1\",\"text\":\"anchor\"}\n{\"id\":\"2\",\"text\":\"basalt\"}\n"
              "{\"id\":\"3\",\"text\":\"zephyr\"}\n{\"id\":\"4\",\"text\":\"unjudged\"}\n");
    set.write("qrels.tsv", "1\ta\t2\n1\tc\t1\n2\tc\t1\n3\ta\t1\n");
    const auto scores = evaluateRetrieval(set.path(), retrieval::SearchMode::Keyword);
    ASSERT_TRUE(scores.has_value()) << scores.error().detail;
    EXPECT_EQ(scores->nQueries, 3);
    const double first = (2 / std::log2(3.0)) / (2 + 1 / std::log2(3.0));
    EXPECT_NEAR(scores->ndcg10, (first + 1 + 0) / 3, 1e-12);
    EXPECT_NEAR(scores->recall10, (0.5 + 1 + 0) / 3, 1e-12);
    EXPECT_NEAR(scores->mrr10, (0.5 + 1 + 0) / 3, 1e-12);
}

TEST(RetrievalScore, NamesTheLineThatIsWrong) {
    const ScratchFolder set;
    set.write("docs.jsonl", "{\"id\":\"a\",\"text\":\"x\"}\nnot json\n");
    set.write("queries.jsonl", "");
    set.write("qrels.tsv", "");
    const auto scores = evaluateRetrieval(set.path(), retrieval::SearchMode::Hybrid);
    ASSERT_FALSE(scores.has_value());
    EXPECT_EQ(scores.error().code, ErrorCode::Corrupt);
    EXPECT_NE(scores.error().detail.find("line 2"), std::string::npos);
}

TEST(ContextScore, LooksForTheAnswerInTheDocumentThatHasIt) {
    const ScratchFolder set;
    set.write("docs.jsonl",
              "{\"id\":\"a\",\"text\":\"The anchor weighs twelve tonnes.\"}\n"
              "{\"id\":\"b\",\"text\":\"Twelve tonnes of basalt.\"}\n");
    set.write("queries.jsonl", R"({"id":"1","text":"anchor","spans":[["a",18,"twelve tonnes"]]})"
                               "\n"
                               R"({"id":"2","text":"anchor","spans":[["b",0,"Twelve tonnes"]]})"
                               "\n"
                               R"({"id":"3","text":"basalt"})"
                               "\n");
    set.write("qrels.tsv", "1\ta\t1\n2\tb\t1\n");
    const auto scores = evaluateContext(set.path(), {10, 1000});
    ASSERT_TRUE(scores.has_value()) << scores.error().detail;
    EXPECT_EQ(scores->nQueries, 2);
    ASSERT_EQ(scores->shares.size(), 2U);
    EXPECT_EQ(scores->shares[0], 0.0) << "ten characters end before it";
    EXPECT_GE(scores->shares[1], 0.5);
}

TEST(RefusalScore, AsksAnotherSetToo) {
    const ScratchFolder set;
    set.write("docs.jsonl",
              "{\"id\":\"a\",\"text\":\"The anchor weighs twelve tonnes.\"}\n"
              "{\"id\":\"b\",\"text\":\"Basalt is a dark stone.\"}\n");
    set.write("queries.jsonl",
              "{\"id\":\"1\",\"text\":\"Is basalt a dark stone?\"}\n"
              "{\"id\":\"2\",\"text\":\"How much does the anchor weigh?\"}\n");
    set.write("qrels.tsv", "1\tb\t1\n2\ta\t1\n");
    const ScratchFolder foreign;
    foreign.write("docs.jsonl", "");
    foreign.write("queries.jsonl", "{\"id\":\"9\",\"text\":\"Which choir sang yesterday?\"}\n");
    foreign.write("qrels.tsv", "");
    const auto scores = evaluateRefusal(set.path(), foreign.path());
    ASSERT_TRUE(scores.has_value()) << scores.error().detail;
    EXPECT_EQ(scores->nAnswerable, 1);
    EXPECT_EQ(scores->nUnanswerable, 1);
    EXPECT_EQ(scores->nForeign, 1);
    EXPECT_EQ(scores->answeredRight, 1.0);
    EXPECT_EQ(scores->falseAnswers, 0.0);
    EXPECT_EQ(scores->foreignAnswers, 0.0);
}

}  // namespace
}  // namespace conclave::services
