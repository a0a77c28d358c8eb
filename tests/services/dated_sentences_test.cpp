// Questions that compare dates of texts are not answered by the words alone; and the guide that
// comes with Conclave is no document of the user's.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/services/survey/date_bound.h"
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
        EXPECT_EQ(withoutDateBound(question).value_or("-"), left) << question;
    }
}

TEST(DateBound, IsNotWhateverHasSuchAWord) {
    for (const char* question :
         {"Which leases end in 2028?", "List all invoices from 2024",
          "Which contracts end on 5 May?", "What must be done before the deposit is paid?",
          "Which notes are by Anna Berg?", "Who comes after Marta?",
          "Which letters were sent after 3 reminders?", "哪些合同在2028年结束？",
          "会议前要准备什么？"}) {
        EXPECT_FALSE(withoutDateBound(question).has_value()) << question;
    }
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
    EXPECT_THAT(due, HasSubstr("cannot compare the dates"));
    for (const char* name : {"invoice1", "invoice5", "invoice9"}) {
        EXPECT_THAT(due, HasSubstr("**" + std::string(name) + "**")) << due;
    }
    EXPECT_EQ(m_nCitations, 3U);
    EXPECT_THAT(due, Not(HasSubstr(" of 3 ")));
    EXPECT_THAT(ask("How many invoices are due after 2 March 2026?", all),
                HasSubstr("cannot compare the dates"));
}

TEST_F(DatedSentencesTest, LeavesOtherQuestionsAlone) {
    const CollectionId all = collection("all");
    add(all, "lease.txt", "The lease ends on 5 March 2026.\n");
    EXPECT_EQ(ask("Which leases end in 2026?", all), "");
    EXPECT_EQ(ask("What must I do before 5 March 2026?", all), "") << "one passage tells";
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
