// Questions that compare dates of texts: the bound that they name, what a date of a text is of,
// which documents give one within it, and what is told where that is not clear. And the guide that
// comes with Conclave is no document of the user's.
#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/services/survey/date_answer.h"
#include "app/services/survey/date_bound.h"
#include "app/services/survey/date_cues.h"
#include "app/services/survey/date_question.h"
#include "app/services/survey/dated_sentences.h"
#include "app/services/survey/guide_choice.h"
#include "tests/services/stored_texts.h"

namespace conclave::services {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(DateBound, IsTakenOutOfTheQuestion) {
    const std::pair<const char*, const char*> cases[] = {
        {"Which invoices are due before 5 March 2026?", "Which invoices are due?"},
        {"List all contracts that end before 2026", "List all contracts that end"},
        {"Which leases started after 2024-03-01?", "Which leases started?"},
        {"Which contracts run until the end of March 2027?", "Which contracts run?"},
        {"Which invoices are due by 5th of March?", "Which invoices are due?"},
        {"Which leases end between 2025 and 2027?", "Which leases end?"},
        {"List all invoices from 2024 onwards", "List all invoices"},
        {"How many letters since last year mention rent?", "How many letters mention rent?"},
        {"Which contracts are valid on or after May 1, 2026?", "Which contracts are valid?"},
        {"2026年3月5日之前到期的发票有哪些？", "到期的发票有哪些？"},
        {"哪些合同在2026年以后结束？", "哪些合同在结束？"},
        {"哪些合同的结束日期早于2026年？", "哪些合同的结束日期？"}};
    for (const auto& [question, left] : cases) {
        const auto bound = dateBoundOf(question);
        EXPECT_EQ(bound ? bound->undated : "-", left) << question;
    }
}

TEST(DateBound, IsNotWhateverHasSuchAWord) {
    for (const char* question :
         {"Which leases end in 2028?", "List all invoices from 2024",
          "Which contracts end on 5 May?", "What must be done before the deposit is paid?",
          "Which notes are by Anna Berg?", "Who comes after Marta?",
          "Which letters were sent after 3 reminders?", "哪些合同在2028年结束？",
          "会议前要准备什么？"}) {
        EXPECT_FALSE(dateBoundOf(question).has_value()) << question;
    }
}

TEST(DateBound, SaysItsDays) {
    constexpr int kOpen = DayRange::kNoLast;
    const std::tuple<const char*, int, int> cases[] = {
        {"Which contracts were signed before 5 March 2021?", 0, 20210305},
        {"Which contracts were signed on or before March 5, 2021?", 0, 20210306},
        {"Which contracts were signed by 05.03.2021?", 0, 20210306},
        {"Which contracts were signed after March 2021?", 20210401, kOpen},
        {"Which contracts were signed since 2021-03-05?", 20210305, kOpen},
        {"Which letters are dated between January and June 2020?", 20200101, 20200701},
        {"Which letters are dated between November and February 2020?", 20191101, 20200301},
        {"Which leases end before the end of 2022?", 0, 20230101},
        {"List all invoices from 2024 onwards", 20240101, kOpen},
        {"哪些合同在2021年3月之前签订？", 0, 20210301},
        {"哪些合同在2021年3月5日以后签订？", 20210306, kOpen},
        {"哪些合同在2021年以后签订？", 20210101, kOpen},
        {"哪些信件的日期在2020年1月到6月之间？", 20200101, 20200701},
        {"哪些合同的结束日期不晚于2026年？", 0, 20270101}};
    for (const auto& [question, from, until] : cases) {
        const auto bound = dateBoundOf(question);
        ASSERT_TRUE(bound && bound->days) << question;
        EXPECT_EQ(bound->days->from, from) << question;
        EXPECT_EQ(bound->days->until, until) << question;
    }
    for (const char* question :
         {"Which invoices are due before 5 March?", "Which contracts run until March 2027?",
          "Which contracts were signed before 03/04/2021?",
          "Which contracts were signed before mid 2021?"}) {
        const auto bound = dateBoundOf(question);
        ASSERT_TRUE(bound.has_value()) << question;
        EXPECT_FALSE(bound->days.has_value()) << question;
    }
}

TEST(DateQuestion, SaysWhichDatesOfWhichDocuments) {
    const std::tuple<const char*, const char*, DateRole> cases[] = {
        {"Which contracts were signed before 5 March 2021?", "contracts", DateRole::Signed},
        {"How many leases have been signed since 2020?", "leases", DateRole::Signed},
        {"Which letters are dated between January and June 2020?", "letters", DateRole::Dated},
        {"Which letters from before 2020 do we have?", "letters", DateRole::Dated},
        {"List all invoices that are due after 1 May 2026", "invoices", DateRole::Due},
        {"Which invoices have a due date before 1 May 2026?", "invoices", DateRole::Due},
        {"Which rental contracts expire before 2027?", "rental contracts", DateRole::Ends},
        {"Are there any agreements that start after 1 May 2021?", "agreements", DateRole::Starts},
        {"Which documents were signed before 2020?", "", DateRole::Signed},
        {"Which letters were sent before 2020?", "letters", DateRole::Asked},
        {"哪些合同在2021年3月之前签订？", "合同", DateRole::Signed},
        {"2021年以前签订的采购合同有哪些？", "采购合同", DateRole::Signed},
        {"有多少份合同的结束日期早于2026年？", "合同", DateRole::Ends},
        {"2026年3月5日之前到期的发票有哪些？", "发票", DateRole::Due},
        {"哪些合同在2026年以前到期？", "合同", DateRole::Ends},
        {"哪些信件的日期在2020年1月到6月之间？", "信件", DateRole::Dated}};
    for (const auto& [question, place, role] : cases) {
        const auto asked = dateQuestionOf(question);
        ASSERT_TRUE(asked.has_value()) << question;
        EXPECT_EQ(asked->place, place) << question;
        EXPECT_EQ(asked->date.role, role) << question;
    }
    for (const char* question :
         {"Which contracts were not signed before 2021?", "What must I do before 5 March 2026?",
          "Which contracts were signed before 2021 and end after 2024?",
          "Which contracts were signed and expire before 2021?",
          "Which invoices may be paid before 5 March 2026?", "Who signed before 2020?",
          "Which contracts were signed by whoever before 2020 but not later than 2019?",
          "哪些合同没有在2021年之前签订？", "2021年以前谁签订了合同？"}) {
        EXPECT_FALSE(dateQuestionOf(question).has_value()) << question;
    }
}

/// "2021-03-05" of those that are of the role, with "?" where there is a doubt.
std::vector<std::string> datesOf(DateRole role, const std::string& sentence,
                                 const std::string& heading = {}) {
    AskedDate asked;
    asked.role = role;
    std::vector<std::string> dates;
    for (const SaidDate& said :
         datesSaid(sentence, heading, asked, retrieval::slashDatesOf(sentence))) {
        dates.push_back(said.text + (said.doubt == SaidDate::Doubt::None ? "" : "?"));
    }
    return dates;
}

TEST(DatesSaid, AreOfWhatStandsBesideThem) {
    const std::string term =
        "This lease was signed on 5 March 2021, begins on 1 April 2021 and ends on 31 March 2023.";
    EXPECT_THAT(datesOf(DateRole::Signed, term), ElementsAre("2021-03-05"));
    EXPECT_THAT(datesOf(DateRole::Starts, term), ElementsAre("2021-04-01"));
    EXPECT_THAT(datesOf(DateRole::Ends, term), ElementsAre("2023-03-31"));
    const std::string span = "The term runs from 1 May 2021 to 30 April 2023.";
    EXPECT_THAT(datesOf(DateRole::Starts, span), ElementsAre("2021-05-01"));
    EXPECT_THAT(datesOf(DateRole::Ends, span), ElementsAre("2023-04-30"));
    const std::string bill =
        "Invoice date: 03.02.2026\nDue date: 2026-03-05\nDelivery date: 1 May 2026";
    EXPECT_THAT(datesOf(DateRole::Dated, bill), ElementsAre("2026-02-03"));
    EXPECT_THAT(datesOf(DateRole::Due, bill), ElementsAre("2026-03-05"));
    EXPECT_THAT(datesOf(DateRole::Signed, "On March 5, 2021 the parties signed this contract."),
                ElementsAre("2021-03-05"));
    EXPECT_THAT(datesOf(DateRole::Signed, "Hamburg, 5 March 2021", "Signatures"),
                ElementsAre("2021-03-05"));
    EXPECT_THAT(datesOf(DateRole::Ends, "The expiry date of this contract is 5 March 2021."),
                ElementsAre("2021-03-05"));
    EXPECT_THAT(datesOf(DateRole::Due, "Payment is due by the end of March 2021."),
                ElementsAre("2021-03"));
    const std::string chinese =
        "本合同于2021年3月5日签订，有效期自2021年4月1日起至2023年3月31日止。";
    EXPECT_THAT(datesOf(DateRole::Signed, chinese), ElementsAre("2021-03-05"));
    EXPECT_THAT(datesOf(DateRole::Starts, chinese), ElementsAre("2021-04-01"));
    EXPECT_THAT(datesOf(DateRole::Ends, chinese), ElementsAre("2023-03-31"));
    EXPECT_THAT(datesOf(DateRole::Signed, "签订日期：2021年3月5日"), ElementsAre("2021-03-05"));
}

TEST(DatesSaid, AreNotThoseOfOtherThings) {
    for (const char* sentence :
         {"Ann Berg, born on 5 March 1980, rents the flat.", "Date of birth: 5 March 1980",
          "Delivery date: 5 March 2021", "The lease ends on 5 March 2021.",
          "Signed copies were archived on 5 March 2021.",
          "The tenant, who was born on 5 March 1980, signed this lease.",
          "A payment was made on 5 March 2021.", "出生日期：1980年3月5日",
          "The roof was inspected on 5 March 2021."}) {
        EXPECT_THAT(datesOf(DateRole::Signed, sentence), ElementsAre()) << sentence;
        EXPECT_THAT(datesOf(DateRole::Dated, sentence), ElementsAre()) << sentence;
    }
    for (const char* sentence :
         {"If it is not signed on 5 March 2021, the offer lapses.",
          "The contract must be signed before 5 March 2021.",
          "It replaces the former contract signed on 5 March 2021.",
          "This is an addition to the rental contract signed on 5 March 2021.",
          "双方在2021年3月5日签署了原合同。", "如果未在签订日2021年3月5日付款，合同无效。"}) {
        EXPECT_THAT(datesOf(DateRole::Signed, sentence), ElementsAre("2021-03-05?")) << sentence;
    }
    EXPECT_THAT(datesOf(DateRole::Dated,
                        "This amendment to the lease dated May 1, 2018 is made on 5 March 2021."),
                ElementsAre("2018-05-01?", "2021-03-05"));
    EXPECT_THAT(datesOf(DateRole::Signed, "Signed on 03/04/2021."), ElementsAre("03/04/2021?"));
    EXPECT_THAT(datesOf(DateRole::Signed, "Signed on 5 March."), ElementsAre("03-05?"));
}

class CollectionsTest : public StoredTexts {
protected:
    void add(CollectionId collection, const std::string& name, const std::string& text) {
        keep(collection, name, contentOf(name, text));
    }
    /// Empty: not answered so.
    std::string ask(const std::string& question, CollectionId collection) {
        const auto answer = datedSentencesFor(*m_database, question, false, {collection}, {}, {});
        EXPECT_TRUE(answer.has_value());
        if (!answer || !*answer) return {};
        m_nCitations = (*answer)->report.citations.size();
        return (*answer)->report.text;
    }

    std::size_t m_nCitations = 0;
};

using DatedSentencesTest = CollectionsTest;

TEST_F(DatedSentencesTest, ShowsDatesAndCountsNothing) {
    const CollectionId all = collection("all");
    for (const char* day : {"1", "5", "9"}) {
        add(all, std::string("invoice") + day + ".txt",
            std::string("Invoice ") + day + ". Payment is due by " + day + " March 2026.\n");
    }
    const std::string due = ask("Which invoices are due before 5 March 2026?", all);
    EXPECT_THAT(due, HasSubstr("cannot compare the dates of this question"));
    for (const char* name : {"invoice1", "invoice5", "invoice9"}) {
        EXPECT_THAT(due, HasSubstr("**" + std::string(name) + "**")) << due;
    }
    EXPECT_EQ(m_nCitations, 3U);
    EXPECT_THAT(due, Not(HasSubstr(" of 3 ")));
    EXPECT_THAT(ask("How many invoices are due after 2 March 2026?", all),
                HasSubstr("cannot compare the dates of this question"));
}

TEST_F(DatedSentencesTest, LeavesOtherQuestionsAlone) {
    const CollectionId all = collection("all");
    add(all, "lease.txt", "The lease ends on 5 March 2026.\n");
    EXPECT_EQ(ask("Which leases end in 2026?", all), "");
    EXPECT_EQ(ask("What must I do before 5 March 2026?", all), "") << "one passage tells";
}

class DateAnswerTest : public CollectionsTest {
protected:
    std::string compared(const std::string& question, CollectionId collection) {
        const auto answer = answerFromDates(store(), question, {collection}, {}, {});
        EXPECT_TRUE(answer.has_value());
        if (!answer || !*answer) return {};
        for (const StoredCitation& each : (*answer)->report.citations) {
            EXPECT_FALSE(each.quote.empty());
        }
        m_nCitations = (*answer)->report.citations.size();
        return (*answer)->report.text;
    }
};

TEST_F(DateAnswerTest, WhatAppliesFromADayStartsOnIt) {
    const CollectionId all = collection("all");
    add(all, "policy1.txt", "Travel policy\n\nIt applies from 1 September 2021.\n");
    add(all, "policy2.txt", "Leave policy\n\nThis policy is valid since 1 May 2023.\n");
    add(all, "policy3.txt", "Security policy\n\nIt is in force from 3 March 2020.\n");
    const std::string text = compared("How many policies apply from before 2022?", all);
    EXPECT_THAT(text, HasSubstr("**2 of 3 documents**"));
    EXPECT_THAT(text, HasSubstr("**1 document gives another date:**\n\n- **policy2**"));
}

TEST_F(DateAnswerTest, TellsWhichDocumentsGiveADateWithinTheBound) {
    const CollectionId all = collection("all");
    add(all, "contract1.txt", "Service contract\n\nThis contract was signed on 3 February 2021.\n");
    add(all, "contract2.txt", "Service contract\n\nSigned in Bonn on March 9, 2021 by both.\n");
    add(all, "contract3.txt",
        "Service contract\n\nSignature: 2020-11-30\nIt ends on 2024-01-01.\n");
    add(all, "contract4.txt", "Service contract\n\nSigned on 03/04/2021.\n");
    add(all, "contract5.txt",
        "Service contract\n\nSigned on 1 March 2021.\n\nSigned on 8 March 2021 by the owner.\n");
    add(all, "contract6.txt", "Service contract\n\nIt ends on 1 January 2020.\n");
    add(all, "contract7.txt",
        "Service contract\n\nIt replaces the former contract signed on 5 May 2018.\n");
    add(all, "letter.txt", "Dear Ann,\nthe contract was signed on 2 January 2019.\n");
    const std::string text = compared("Which contracts were signed before 5 March 2021?", all);
    EXPECT_THAT(text,
                HasSubstr("**2 of 7 documents** give a date for “signed” before 2021-03-05:\n\n"
                          "- **contract1** (contract1.txt): 2021-02-03 — This contract was "
                          "signed on 3 February 2021. [1]\n- **contract3**"));
    EXPECT_THAT(text, HasSubstr("**1 document gives another date:**\n\n- **contract2**"));
    EXPECT_THAT(text, HasSubstr("**3 documents are left to you to judge**"));
    EXPECT_THAT(text, HasSubstr("can be read in two ways: 03/04/2021"));
    EXPECT_THAT(text, HasSubstr("- **contract5** (contract5.txt), its dates disagree: 2021-03-01"));
    EXPECT_THAT(text, HasSubstr("contract7** (contract7.txt), the date may only be a condition"));
    EXPECT_THAT(text, HasSubstr("**1 document gives no such date:** contract6.txt"));
    EXPECT_THAT(text, Not(HasSubstr("letter")));
    EXPECT_THAT(compared("How many contracts were signed since 2020?", all),
                HasSubstr("**4 of 7 documents**"));
}

TEST_F(DateAnswerTest, KnowsWhenLettersAreDated) {
    const CollectionId all = collection("all");
    add(all, "letter a.txt",
        "Anna Berg\nBerlin, 5 March 2020\n\nDear Tom,\nthank you for your letter dated 1 March "
        "2019.\n");
    add(all, "letter b.txt",
        "Date: 14.08.2020\n\nDear Ann,\nthank you for your letter dated 1 "
        "February 2020.\n");
    add(all, "letter c.txt", "Dear Ann,\nthe flat was painted in 2020.\n");
    const std::string text =
        compared("Which letters are dated between January and June 2020?", all);
    EXPECT_THAT(text, HasSubstr("**1 of 3 documents** gives a date for “dated” from 2020-01-01 to "
                                "2020-06-30:\n\n- **letter a**"));
    EXPECT_THAT(text,
                HasSubstr("**1 document gives another date:**\n\n- **letter b** (letter b.txt): "
                          "2020-08-14"));
    EXPECT_THAT(text, HasSubstr("no such date:** letter c.txt"));
}

TEST_F(DateAnswerTest, ReadsChinese) {
    const CollectionId all = collection("all");
    add(all, "东湖合同.txt", "房屋租赁合同\n\n本合同于2021年2月5日签订。\n");
    add(all, "西山合同.txt", "房屋租赁合同\n\n签订日期：2021年6月1日\n");
    add(all, "南门合同.txt", "房屋租赁合同\n\n合同自2020年1月1日起生效。\n");
    const std::string text = compared("哪些合同在2021年3月之前签订？", all);
    EXPECT_THAT(text, HasSubstr("3 份文档中，**1 份**“签订”的日期早于 2021-03-01"));
    EXPECT_THAT(text, HasSubstr("- **东湖合同** (东湖合同.txt)：2021-02-05"));
    EXPECT_THAT(text, HasSubstr("有 1 份给出其他日期"));
    EXPECT_THAT(text, HasSubstr("没有给出这样的日期：**南门合同.txt"));
}

TEST_F(DateAnswerTest, LeavesWhatNoDocumentDates) {
    const CollectionId all = collection("all");
    add(all, "lease.txt", "Lease\n\nThe lease ends on 5 March 2026.\n");
    EXPECT_EQ(compared("Which leases were signed before 2020?", all), "");
    EXPECT_THAT(compared("Which leases to Acme end before 2027?", all), "") << "none names Acme";
}

using GuideChoiceTest = CollectionsTest;

TEST_F(GuideChoiceTest, LeavesTheGuideOutBesideOtherDocuments) {
    const CollectionId guide = collection(std::string(kGuideName));
    add(guide, "guide.md", "How to add documents.\n");
    const CollectionId mine = collection("mine");
    const auto left = [&](std::vector<CollectionId> asked) {
        EXPECT_TRUE(leaveOutGuide(store(), asked).has_value());
        return asked;
    };
    EXPECT_THAT(left({guide, mine}), ElementsAre(guide, mine)) << "there is nothing else yet";
    add(mine, "lease.txt", "The rent is 900 EUR.\n");
    EXPECT_THAT(left({guide, mine}), ElementsAre(mine));
    EXPECT_THAT(left({guide}), ElementsAre(guide)) << "it was chosen";
    const CollectionId other = collection("other");
    EXPECT_THAT(left({guide, mine}), ElementsAre(guide, mine)) << "it was chosen of three";
    EXPECT_THAT(left({guide, mine, other}), ElementsAre(mine, other));
}

}  // namespace
}  // namespace conclave::services
