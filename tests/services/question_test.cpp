#include "app/services/question.h"

#include <gtest/gtest.h>

#include "app/services/follow_up.h"
#include "app/services/small_talk.h"
#include "base/utf8.h"

namespace conclave::services {
namespace {

TEST(Question, KnowsSmallTalkInEnglishAndChinese) {
    for (const char* text : {"Hello!", "hi", "Thank you very much.", "What can you do?",
                             "Who are you?", "你好", "谢谢！", "  good morning ",
                             "Thanks, that helps!", "ok thanks", "Hi, how are you?", "你是谁？"}) {
        EXPECT_TRUE(isSmallTalk(text)) << text;
    }
    for (const char* text :
         {"Hello Kitty prices?", "Who are you allowed to call?", "", "How many nights may I book?",
          "你好吗酒店在哪里", "Thanks, but who keeps the keys?", "there", "help with taxes"}) {
        EXPECT_FALSE(isSmallTalk(text)) << text;
    }
}

TEST(Question, TellsWhatChineseSmallTalkWants) {
    using Talk = ChineseSmallTalk;
    const std::vector<std::pair<const char*, Talk>> cases = {
        {"你好", Talk::Greeting},          {"你好！你是谁？", Talk::Who},
        {"谢谢。", Talk::Thanks},          {"好的，谢谢！", Talk::Thanks},
        {"你能做什么呢？", Talk::What},    {"你好吗？", Talk::HowAreYou},
        {"明白了", Talk::Acknowledgement}, {"谢谢，再见", Talk::Farewell},
        {"你是谁？谢谢", Talk::Who}};
    for (const auto& [text, talk] : cases) {
        EXPECT_EQ(chineseSmallTalkOf(text), talk) << text;
        EXPECT_FALSE(answerTo(talk, "Conclave Tiny").empty());
    }
    for (const char* text : {"", "？", "Hello", "你好吗酒店在哪里", "谢谢，备用钥匙由谁保管？",
                             "你是谁的朋友", "再见面的时间是什么时候"}) {
        EXPECT_FALSE(chineseSmallTalkOf(text).has_value()) << text;
    }
}

TEST(Question, KnowsATextThatIsToBeReworked) {
    for (const char* text :
         {"Summarise: The garden opens at seven. The gate closes at nine.",
          "Please translate into German:\nThe garden opens at seven.",
          "Put this into a table: Anna 12, Ben 14", "总结：花园七点开门，大门九点关闭。"}) {
        EXPECT_TRUE(bringsItsOwnText(text)) << text;
    }
    for (const char* text :
         {"Summarise the travel policy.", "What does the note say: 7 or 9 o'clock?",
          "Put this into a table: x", "How do I make a backup?"}) {
        EXPECT_FALSE(bringsItsOwnText(text)) << text;
    }
}

TEST(Question, TellsChineseFromJapanese) {
    EXPECT_TRUE(isChinese("谁保管备用钥匙？"));
    EXPECT_TRUE(isChinese("What is 住宿上限?"));
    EXPECT_FALSE(isChinese("鍵は誰が持っていますか"));
    EXPECT_FALSE(isChinese("Who keeps the keys?"));
}

TEST(Question, TellsFollowUpsFromQuestionsThatStandAlone) {
    for (const char* text :
         {"And for how long?", "Why?", "How old is it?", "Who wrote that?", "那多少钱？"}) {
        EXPECT_TRUE(isFollowUp(text)) << text;
    }
    for (const char* text :
         {"How many nights may I book in a hotel?", "Which department approves long flights?",
          "住宿费用的最高限额是多少人民币"}) {
        EXPECT_FALSE(isFollowUp(text)) << text;
    }
}

TEST(Question, TellsLatinLettersFromOthers) {
    for (const char* text : {"Who?", "Wo \u00f6ffnet das B\u00fcro?", "", "14 + 3 = ?",
                             "What does \u4f4f\u5bbf mean?"}) {
        EXPECT_TRUE(isInLatinLetters(text)) << text;
    }
    for (const char* text :
         {"\u5907\u7528\u94a5\u5319\u7531\u8c01\u4fdd\u7ba1\uff1f", "\u041a\u0442\u043e?"}) {
        EXPECT_FALSE(isInLatinLetters(text)) << text;
    }
}

TEST(Question, SearchesAFollowUpWithTheWordsBeforeIt) {
    EXPECT_EQ(searchQuery("Why?", "Who keeps the keys?"), "Why?\nWho keeps the keys?");
    EXPECT_EQ(searchQuery("Which department approves long flights?", "Who keeps the keys?"),
              "Which department approves long flights?");
    EXPECT_EQ(searchQuery("Why?", ""), "Why?");
    EXPECT_EQ(searchQuery("为什么？", "Who keeps the keys?"), "为什么？");
    EXPECT_EQ(searchQuery("为什么？", "谁保管钥匙？"), "为什么？\n谁保管钥匙？");
}

TEST(FollowUp, IsAskedWithTheWordsOfTheQuestionBefore) {
    struct Case {
        const char* previous;
        const char* question;
        const char* whole;
    };
    for (const Case& each : {
             Case{"Who is the gardener?", "And the cook?", "Who is the cook?"},
             Case{"When is the rent due?", "and the insurance", "When is the insurance due?"},
             Case{"When does the course begin?", "What about the exam?",
                  "When does the exam begin?"},
             Case{"How high is the monthly fee?", "And the deposit?", "How high is the deposit?"},
             Case{"Where does Anna Berg live?", "And Carl Dahl?", "Where does Carl Dahl live?"},
             Case{"How much is a room in Oslo?", "And in Bergen?", "How much is a room in Bergen?"},
             Case{"Are bicycles allowed?", "And scooters?", "Are scooters allowed?"},
             Case{"What is a voucher?", "And how do I get one?", "How do I get a voucher?"},
             Case{"What is a voucher?", "How long is it valid?", "How long is the voucher valid?"},
             Case{"What is a voucher?", "How do I return it?", "How do I return the voucher?"},
             Case{"What is the Aurelia 310?", "How many pages does it print?",
                  "How many pages does the Aurelia 310 print?"},
             Case{"园丁是谁？", "那厨师呢？", "厨师是谁？"},
             Case{"四月的预算是多少？", "五月呢？", "五月的预算是多少？"},
             Case{"什么是代金券？", "怎么使用它？", "怎么使用代金券？"},
             Case{"什么是代金券？", "那怎样领取一个？", "怎样领取一个代金券？"},
         }) {
        EXPECT_EQ(standaloneQuestion(each.question, std::string_view(each.previous)), each.whole);
    }
}

TEST(FollowUp, IsOfTheSameThing) {
    struct Case {
        std::string previous, question, whole;
    };
    for (const Case& each : std::vector<Case>{
             {"How high is the deposit in the Berlin lease?", "And the notice period?",
              "What is the notice period in the Berlin lease?"},
             {"What is the rent of the Elm Street flat?", "What about the deposit?",
              "What is the deposit of the Elm Street flat?"},
             {"Who is the landlord in the Berlin lease?", "And the tenant?",
              "Who is the tenant in the Berlin lease?"},
             {"How high is the deposit in the Berlin lease?", "And the Munich lease?",
              "How high is the deposit in the Munich lease?"},
             {"How high is the deposit in the Berlin lease?", "And when is the rent due?",
              "When is the rent due in the Berlin lease?"},
             {"How high is the deposit in the Berlin lease?", "When does the lease end?",
              "When does the Berlin lease end?"},
             {"东湖合同的押金是多少？", "那租金呢？", "东湖合同的租金是多少？"},
             {"东湖合同的押金是多少？", "通知期呢？", "东湖合同的通知期是多少？"},
             {"东湖合同的押金是多少？", "西山合同呢？", "西山合同的押金是多少？"},
             {"四月的预算是多少？", "五月呢？", "五月的预算是多少？"},
         }) {
        EXPECT_EQ(standaloneQuestion(each.question, std::string_view(each.previous)), each.whole);
    }
    const std::vector<PastTurn> history{
        {"How high is the deposit in the Berlin lease?", "900 EUR.", {}},
        {"And the notice period?", "Three months.", {}}};
    EXPECT_EQ(standaloneQuestion("And the rent?", history),
              "What is the rent in the Berlin lease?");
    const std::vector<PastTurn> places{
        {"How much is the monthly rent for Harbor Street 14?", "900 EUR.", {}},
        {"And the deposit?", "1,800 EUR.", {}}};
    EXPECT_EQ(standaloneQuestion("And in Mill Lane?", places),
              "How much is the deposit in Mill Lane?");
    EXPECT_EQ(standaloneQuestion("And for Mill Lane?", places),
              "How much is the deposit for Mill Lane?");
    EXPECT_EQ(standaloneQuestion("And in March?", places),
              "How much is the deposit for Harbor Street 14 in March?");
}

TEST(FollowUp, IsOfThoseCountedOrOfWhatIsNamed) {
    struct Case {
        const char* previous;
        const char* question;
        const char* whole;
    };
    for (const Case& each : {
             Case{"How many leases are signed?", "Which ones?", "Which leases are signed?"},
             Case{"How many leases are signed?", "Name them.", "Which leases are signed?"},
             Case{"Which leases are signed?", "Which of them is the cheapest?",
                  "Which leases that are signed is the cheapest?"},
             Case{"How many offers are there?", "And which of these is the lowest?",
                  "Which offers is the lowest?"},
             Case{"What is Project Falcon?", "And its budget?",
                  "What is the budget of Project Falcon?"},
             Case{"What is the Aurelia 310?", "What is its price?",
                  "What is the price of the Aurelia 310?"},
             Case{"What is the deposit in the Berlin lease?", "And its term?",
                  "What is the term of the Berlin lease?"},
             Case{"图书馆的馆长是谁？", "预算呢？", "图书馆的预算是多少？"},
             Case{"什么是云雀系统？", "那负责人呢？", "云雀系统的负责人是谁？"},
             // Nothing is counted, and two are named.
             Case{"Where are the leases?", "Which ones?", "Which ones?"},
             Case{"How does Ann know Ben?", "And his car?", "And his car?"},
         }) {
        EXPECT_EQ(standaloneQuestion(each.question, std::string_view(each.previous)), each.whole);
    }
}

TEST(FollowUp, StaysAsItIsWhereADoubtIsLeft) {
    for (const auto& [previous, question] : std::vector<std::pair<std::string, std::string>>{
             {"Who keeps the keys of the shed?", "And the ladder?"},
             {"How high is the deposit in the Berlin lease?", "And the Smith family?"},
             {"How high is the deposit in the Berlin lease?", "When is the rent due?"},
             {"Summarise the minutes.", "And the letters?"},
             {"Who is the gardener?", "Which one is older?"},
             {"Who is the gardener?", "Thanks!"},
             {"Who is the gardener?", "And why is the gate closed?"},
             {"Who is the gardener?", "那厨师呢？"},
             {"园丁是谁？", "谢谢"},
             {"Which rooms are free?", "Where is the kitchen?"},
             {"", "And the cook?"}}) {
        EXPECT_EQ(standaloneQuestion(question, std::string_view(previous)), question);
    }
}

TEST(FollowUp, MayLeanOnAFollowUp) {
    const std::vector<PastTurn> history{{"Who is the gardener?", "Ada.", {}},
                                        {"And the cook?", "Ben.", {}}};
    EXPECT_EQ(standaloneQuestion("And the driver?", history), "Who is the driver?");
    EXPECT_EQ(standaloneQuestion("And the driver?", std::vector<PastTurn>{}), "And the driver?");
}

TEST(Question, SeesTextBroughtAlong) {
    EXPECT_FALSE(bringsItsOwnText("Summarise the travel policy."));
    EXPECT_TRUE(bringsItsOwnText("Summarise:\n\n" + std::string(300, 'x')));
    EXPECT_TRUE(bringsItsOwnText(std::string(700, 'x')));
}

TEST(Question, TitlesAreTheFirstLineCutAtAWord) {
    EXPECT_EQ(titleFor("  Who keeps the keys?  \nsecond line"), "Who keeps the keys?");
    EXPECT_EQ(titleFor(" \n "), "");
    const std::string title = titleFor(
        "How many nights may an employee book in a hotel near the harbour of Tallinn in summer?");
    EXPECT_LE(countCodePoints(title), 61U);
    EXPECT_EQ(title, "How many nights may an employee book in a hotel near the\u2026");
    std::string chinese;
    for (int i = 0; i < 100; ++i) chinese += "\u4f4f";
    EXPECT_EQ(countCodePoints(titleFor(chinese)), 61U);
    EXPECT_TRUE(isValidUtf8(titleFor(chinese)));
}

}  // namespace
}  // namespace conclave::services
