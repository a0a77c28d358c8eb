// Whether an answer is about what is asked: the right one of many like documents, the right thing.
#include "app/services/answer_check.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/services/asked_document.h"
#include "app/services/quoted_answer.h"

namespace conclave::services {
namespace {

using testing::HasSubstr;

StoredPassage passageIn(std::string file, std::string title, std::string text) {
    StoredPassage passage;
    passage.path = "/docs/" + file;
    passage.heading = title;
    passage.title = std::move(title);
    passage.startByte = 40;
    passage.endByte = 40 + text.size();
    passage.text = std::move(text);
    return passage;
}

retrieval::TextSpan placeOf(const StoredPassage& passage, std::string_view words) {
    const std::size_t at = passage.text.find(words);
    return {at, at + words.size()};
}

/// Papers of boats that differ in little but their numbers.
std::vector<StoredPassage> boats() {
    std::vector<StoredPassage> passages = {
        passageIn(
            "barge-017.md", "Barge 17: Salt Quay 8",
            "Skipper: Ole Brandt\n\nInspected on 7 May 2024.\n\nThe daily fee is 31 euros.\n\n"
            "Night work is permitted."),
        passageIn(
            "barge-007.md", "Barge 7: Salt Quay 17",
            "Skipper: Nora Lind\n\nInspected on 17 June 2023.\n\nThe daily fee is 44 euros.\n\n"
            "Night work is prohibited."),
        passageIn("log.txt", "Log",
                  "Barge 7 lost an anchor. It was found in March. Barge 17 did "
                  "not sail. The pump failed in April."),
    };
    int number = 0;
    for (StoredPassage& each : passages) each.number = ++number;
    return passages;
}

TEST(AskedDocument, ANumberBelongsToItsNoun) {
    for (const char* question :
         {"When was barge 7 inspected?", "Who is the skipper of Salt Quay 17?",
          "Is night work permitted on barge 007?", "Where does the TX-90 stand?",
          "Summarise barge 7", "What does barge 7 carry?", "Is cabin 12 free?",
          "Who lives at 10 Salt Quay?", "第7号合同的总价是多少？", "采购合同3是谁签的？",
          "第二次会议是哪天开的？", "How long is fault F-7 shown?"}) {
        EXPECT_TRUE(AskedDocument(question).isNamed()) << question;
    }
    for (const char* question :
         {"Who was born on 7 May 2024?", "Does it hold 12 guests?", "Is the fee 44 euros?",
          "Is the fee 44?", "What costs 44 euros?", "How many boats sailed in 2023?",
          "What was the budget 2023?", "Who needs at least 10 ropes?", "Who pays for 3 days?",
          "What happened at 14:00?", "噪声每增加10分贝会怎样？", "2023年签了什么？", ""}) {
        EXPECT_FALSE(AskedDocument(question).isNamed()) << question;
    }
}

TEST(AskedDocument, ADayOrAnAmountIsNotTheNumberOfAThing) {
    const std::vector<StoredPassage> passages = boats();
    const AskedDocument seven("When was barge 7 inspected?");
    EXPECT_FALSE(seven.isNameOf(passages[0]));
    EXPECT_TRUE(seven.isNameOf(passages[1]));
    EXPECT_FALSE(seven.isSubjectOf(passages[0], placeOf(passages[0], "Inspected on 7 May 2024.")));
    EXPECT_TRUE(seven.isOfAnother(passages[0], placeOf(passages[0], "Inspected on 7 May 2024.")));
    EXPECT_TRUE(seven.isSubjectOf(passages[1], placeOf(passages[1], "Inspected on 17 June 2023.")));
    EXPECT_TRUE(AskedDocument("Who is the skipper of Salt Quay 8?").isNameOf(passages[0]));
    EXPECT_FALSE(AskedDocument("Who is the skipper of Salt Quay 8?").isNameOf(passages[1]));
}

TEST(AskedDocument, OfSeveralInOneTextTheLastThatWasNamedIsMeant) {
    const StoredPassage log = boats()[2];
    const AskedDocument seven("What did barge 7 lose?");
    EXPECT_TRUE(seven.isSubjectOf(log, placeOf(log, "Barge 7 lost an anchor.")));
    EXPECT_TRUE(seven.isSubjectOf(log, placeOf(log, "It was found in March.")));
    EXPECT_FALSE(seven.isSubjectOf(log, placeOf(log, "The pump failed in April.")));
}

TEST(AskedDocument, NumbersOfRowsListsAndHeadingsAreNames) {
    const StoredPassage rooms =
        passageIn("rooms.csv", "Rooms", "| Room | Keeper |\n| 12 | Ida Moe |\n| 21 | Per Dahl |");
    const AskedDocument room("Who keeps room 12?");
    EXPECT_TRUE(room.isSubjectOf(rooms, placeOf(rooms, "| 12 | Ida Moe |")));
    EXPECT_FALSE(room.isSubjectOf(rooms, placeOf(rooms, "| 21 | Per Dahl |")));
    const StoredPassage scope = passageIn("rules.md", "Rules > 3.2 Scope", "Guests pay half.");
    EXPECT_TRUE(AskedDocument("What does section 3.2 say?").isNameOf(scope));
    EXPECT_FALSE(AskedDocument("What does section 3.3 say?").isNameOf(scope));
    const StoredPassage chinese = passageIn("合同2.txt", "租船合同 第2号", "总价为三万元。");
    EXPECT_TRUE(AskedDocument("租船合同第二号的总价是多少？").isNameOf(chinese));
    EXPECT_TRUE(AskedDocument("第2号合同的总价是多少？").isNameOf(chinese));
    EXPECT_FALSE(AskedDocument("第3号合同的总价是多少？").isNameOf(chinese));
}

TEST(AskedDocument, ItsPassagesComeFirst) {
    std::vector<StoredPassage> passages = boats();
    putAskedFirst("When was barge 7 inspected?", passages);
    EXPECT_EQ(passages[0].title, "Barge 7: Salt Quay 17");
    EXPECT_EQ(passages[1].title, "Barge 17: Salt Quay 8");
}

TEST(AnswerCheck, QuotesTheDocumentThatIsAskedAbout) {
    const std::vector<StoredPassage> passages = boats();
    for (const auto& [question, words] : std::vector<std::pair<std::string, std::string>>{
             {"When was barge 7 inspected?", "17 June 2023"},
             {"When was barge 17 inspected?", "7 May 2024"},
             {"Who is the skipper of Salt Quay 17?", "Nora Lind"},
             {"Who is the skipper of barge 17?", "Ole Brandt"},
             {"Is night work permitted on barge 7?", "prohibited"},
             {"What is the daily fee of Salt Quay 8?", "31 euros"}}) {
        const auto found = quoteFor(question, passages);
        ASSERT_TRUE(found) << question;
        EXPECT_THAT(found->quote, HasSubstr(words)) << question;
    }
    for (const char* question :
         {"When was barge 8 inspected?", "Who is the skipper of Salt Quay 7?",
          "Is night work permitted on barge 44?", "What is the average daily fee?",
          "What is the total fee?", "What is the highest daily fee?"}) {
        EXPECT_FALSE(quoteFor(question, passages)) << question;
    }
    EXPECT_FALSE(mayBeAnswered("When was barge 8 inspected?", passages));
}

TEST(AnswerCheck, ATotalIsQuotedWhereASentenceSaysOne) {
    const std::vector<StoredPassage> passages = {
        passageIn("fair.md", "Fair", "The rent is 90 euros. The total rent is 450 euros.")};
    const auto total = quoteFor("What is the total rent?", passages);
    ASSERT_TRUE(total);
    EXPECT_EQ(total->quote, "The total rent is 450 euros.");
    EXPECT_FALSE(saysEnoughOf("What is the total rent?", passages[0],
                              placeOf(passages[0], "The rent is 90 euros.")));
}

TEST(AnswerCheck, ATrueSentenceOfAnotherDocumentSupportsNothing) {
    const std::vector<StoredPassage> passages = boats();
    EXPECT_TRUE(isAboutTheSame("When was barge 7 inspected?", passages[1]));
    EXPECT_FALSE(isAboutTheSame("When was barge 7 inspected?", passages[0]));
    EXPECT_FALSE(saysEnoughOf("When was barge 7 inspected?", passages[0],
                              placeOf(passages[0], "Inspected on 7 May 2024.")));
    const auto citationOf = [&](const StoredPassage& passage, std::string_view words) {
        const retrieval::TextSpan place = placeOf(passage, words);
        StoredCitation citation;
        citation.passage = passage.number;
        citation.quoteStart = passage.startByte + place.startByte;
        citation.quoteEnd = passage.startByte + place.endByte;
        citation.quote = words;
        citation.supported = true;
        return citation;
    };
    const std::vector<StoredCitation> right = {citationOf(passages[1], "Night work is prohibited."),
                                               citationOf(passages[0], "Night work is permitted."),
                                               citationOf(passages[2], "It was found in March.")};
    std::vector<StoredCitation> citations = right;
    unsupportOthers("Is night work permitted on barge 7?", passages, citations);
    EXPECT_TRUE(citations[0].supported);
    EXPECT_FALSE(citations[1].supported);
    EXPECT_EQ(citations[1].quote, "");
    EXPECT_TRUE(citations[2].supported);
    citations = right;
    unsupportOthers("Is night work permitted on barge 7 and barge 17?", passages, citations);
    EXPECT_TRUE(citations[0].supported && citations[1].supported);
    citations = right;
    unsupportOthers("Is night work permitted?", passages, citations);
    EXPECT_TRUE(citations[1].supported);
}

TEST(AnswerCheck, AnotherNumberIsNotTheOneAskedFor) {
    const StoredPassage parcel =
        passageIn("parcel.md", "Parcel", "The customs tariff number is QX-4411.");
    const retrieval::TextSpan all{0, parcel.text.size()};
    EXPECT_FALSE(saysEnoughOf("What is the order number?", parcel, all));
    EXPECT_TRUE(saysEnoughOf("What is the tariff number?", parcel, all));
    const StoredPassage order = passageIn("order.md", "Order", "The number is QX-4411.");
    EXPECT_TRUE(saysEnoughOf("What is the order number?", order, {0, order.text.size()}));
}

TEST(AnswerCheck, AHeadingAloneIsNoAnswer) {
    const std::vector<StoredPassage> passages = boats();
    EXPECT_TRUE(isHeadingAlone("Does barge 7 carry gravel?", "Barge 7: Salt Quay 17 ", passages));
    EXPECT_TRUE(isHeadingAlone("What is the crew of the barge?", "The crew", passages));
    EXPECT_FALSE(isHeadingAlone("Who is the skipper?", "Skipper: Nora Lind", passages));
    EXPECT_FALSE(
        isHeadingAlone("Is night work prohibited?", "Night work is prohibited.", passages));
}

}  // namespace
}  // namespace conclave::services
