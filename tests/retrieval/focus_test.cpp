#include "retrieval/focus.h"

#include <gtest/gtest.h>

namespace conclave::retrieval {
namespace {

constexpr const char* kPolicy =
    "## Trips\n\nTrips are booked through the travel desk. Receipts must be handed\n"
    "in within 30 days. Late reports are decided by Ingrid Solberg.\n\n"
    "| Country | Hotel |\n| --- | --- |\n| Norway | 140 euros |\n- Tips: up to ten percent\n";

TEST(FocusOn, KeepsTheSentenceThatTheQuestionIsAbout) {
    EXPECT_EQ(focusOn("When must receipts be handed in?", kPolicy, 1),
              "Receipts must be handed in within 30 days.");
    EXPECT_EQ(focusOn("Who decides late reports?", kPolicy, 1),
              "Late reports are decided by Ingrid Solberg.");
}

TEST(FocusOn, ARowOrAnItemIsASentence) {
    EXPECT_EQ(focusOn("What does a hotel cost in Norway?", kPolicy, 1), "| Country | Hotel |");
    EXPECT_EQ(focusOn("What is Norway?", kPolicy, 1), "| Norway | 140 euros |");
    EXPECT_EQ(focusOn("How large are tips?", kPolicy, 1), "- Tips: up to ten percent");
}

TEST(FocusOn, KeepsTheOrderOfTheText) {
    EXPECT_EQ(
        focusOn("late receipts", kPolicy, 2),
        "Receipts must be handed in within 30 days. Late reports are decided by Ingrid Solberg.");
}

TEST(FocusOn, TakesTheFirstOnesWhereNothingFits) {
    EXPECT_EQ(focusOn("zebra", kPolicy, 1), "Trips are booked through the travel desk.");
    EXPECT_EQ(focusOn("zebra", "", 1), "");
    EXPECT_EQ(focusOn("zebra", "no full stop", 3), "no full stop");
}

TEST(FocusOn, KnowsChineseSentences) {
    EXPECT_EQ(focusOn("备用钥匙由谁保管？", "新的打印机放在三楼。备用钥匙由王磊保管。", 1),
              "备用钥匙由王磊保管。");
}

}  // namespace
}  // namespace conclave::retrieval
