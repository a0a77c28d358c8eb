// Which documents say two things, one of them, or one and not the other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/services/survey/joint_answer.h"
#include "app/services/survey/joint_question.h"
#include "tests/services/stored_texts.h"

namespace conclave::services {
namespace {

using testing::HasSubstr;
using testing::Not;
using Joined = JointQuestion::Joined;

TEST(JointQuestion, JoinsWhatIsAsked) {
    const std::tuple<const char*, Joined, const char*, const char*> cases[] = {
        {"Which documents require both a deposit and a penalty?", Joined::All, "deposit",
         "penalty"},
        {"Which contracts mention a deposit and a late fee?", Joined::All, "deposit", "late fee"},
        {"How many leases have both a deposit and a notice period?", Joined::All, "deposit",
         "notice period"},
        {"Which contracts require either a deposit or a bank guarantee?", Joined::Any, "deposit",
         "bank guarantee"},
        {"Which leases require a deposit but no penalty?", Joined::OnlyFirst, "deposit", "penalty"},
        {"List all leases with a deposit but without a penalty", Joined::OnlyFirst, "deposit",
         "penalty"},
        {"Which leases mention a deposit but do not mention pets?", Joined::OnlyFirst, "deposit",
         "pets"},
        {"Which leases mention neither a deposit nor a penalty?", Joined::None, "deposit",
         "penalty"},
        {"Which leases have no deposit and no penalty?", Joined::None, "deposit", "penalty"},
        {"哪些合同既要求押金又要求违约金？", Joined::All, "押金", "违约金"},
        {"同时提到押金和违约金的合同有哪些？", Joined::All, "押金", "违约金"},
        {"哪些合同有押金但没有违约金？", Joined::OnlyFirst, "押金", "违约金"},
        {"哪些合同提到押金或者违约金？", Joined::Any, "押金", "违约金"},
        {"哪些合同既没有提到押金也没有提到违约金？", Joined::None, "押金", "违约金"}};
    for (const auto& [question, joined, first, second] : cases) {
        const auto asked = jointQuestionOf(question);
        ASSERT_TRUE(asked.has_value()) << question;
        EXPECT_EQ(asked->joined, joined) << question;
        ASSERT_EQ(asked->subjects.size(), 2U) << question;
        EXPECT_EQ(asked->subjects[0].subject, first) << question;
        EXPECT_EQ(asked->subjects[1].subject, second) << question;
    }
    const auto three = jointQuestionOf("Which leases mention both a deposit, a penalty and pets?");
    ASSERT_TRUE(three.has_value());
    EXPECT_EQ(three->subjects.size(), 3U);
    EXPECT_EQ(three->subjects.front().place, "leases");
}

TEST(JointQuestion, IsNotWhateverHasAnAnd) {
    for (const char* question :
         {"Which contracts mention Smith and Sons?", "Which contracts mention a deposit?",
          "Which contracts do not mention a deposit or a penalty?",
          "What do the leases say about pets and smoking?",
          "List all invoices with number and total sum",
          "Which contracts have a deposit above 500 EUR and a penalty?",
          "Which leases begin in 2020 and end in 2025?", "Who pays both the deposit and the rent?",
          "Which leases mention both a deposit and not a penalty?",
          "Compare the deposit and the penalty of the leases", "哪些合同提到押金？",
          "押金和违约金是多少？"}) {
        EXPECT_FALSE(jointQuestionOf(question).has_value()) << question;
    }
}

class JointAnswerTest : public StoredTexts {
protected:
    void add(const std::string& name, const std::string& text) {
        keep(m_collection, name, contentOf(name, text));
    }
    std::string ask(const std::string& question) {
        const auto answer = answerFromJoint(store(), question, {m_collection}, {}, {});
        EXPECT_TRUE(answer.has_value());
        if (!answer || !*answer) return {};
        for (const StoredCitation& each : (*answer)->report.citations) {
            EXPECT_FALSE(each.quote.empty());
        }
        m_nCitations = (*answer)->report.citations.size();
        return (*answer)->report.text;
    }

    const CollectionId m_collection = collection("all");
    std::size_t m_nCitations = 0;
};

TEST_F(JointAnswerTest, TellsEachWithItsEvidence) {
    add("lease1.txt", "A deposit of 900 EUR is due.\n\nThe penalty is 50 EUR a day.");
    add("lease2.txt", "A deposit of 700 EUR is due.\n\nNo penalty is charged.");
    add("lease3.txt", "The penalty is 20 EUR a day.");
    add("lease4.txt", "A deposit of 100 EUR is due.\n\nA surcharge of 5 EUR may be added.");
    add("lease5.txt", "The rent is 300 EUR.");
    add("letter.txt", "Dear Ann,\nthe lease has a deposit and a penalty.");
    const std::string both = ask("Which leases require both a deposit and a penalty?");
    EXPECT_THAT(both, HasSubstr("**1 of 5 documents says “deposit” and “penalty”**:\n\n"
                                "- **lease1** (lease1.txt)\n"
                                "  - “deposit”: A deposit of 900 EUR is due. [1]\n"
                                "  - “penalty”: The penalty is 50 EUR a day. [1]\n"));
    EXPECT_THAT(both, HasSubstr("**1 document has a part of it, or another word for it**"));
    EXPECT_THAT(both, HasSubstr("“penalty”: a part of it, or another word: A surcharge of 5 EUR"));
    EXPECT_THAT(both, HasSubstr("**3 documents do not:**"));
    EXPECT_THAT(both, HasSubstr("“penalty”: says that there is none: No penalty is charged. ["));
    EXPECT_THAT(both, Not(HasSubstr("letter")));
    EXPECT_THAT(ask("Which leases require either a deposit or a penalty?"),
                HasSubstr("**4 of 5 documents say “deposit” or “penalty”**"));
    EXPECT_THAT(ask("Which leases require a deposit but no penalty?"),
                HasSubstr("**1 of 5 documents says “deposit” and has no “penalty” that could be "
                          "found**:\n\n- **lease2**"));
    EXPECT_THAT(ask("Which leases mention neither a deposit nor a penalty?"),
                HasSubstr("**1 of 5 documents has no “deposit” and no “penalty” that could be "
                          "found**:\n\n- **lease5**"));
}

TEST_F(JointAnswerTest, ReadsChinese) {
    add("东湖合同.txt", "租赁合同。押金为3000元。逾期的违约金为每日50元。");
    add("西山合同.txt", "租赁合同。押金为2000元。");
    add("南门合同.txt", "租赁合同。租金为900元。");
    EXPECT_THAT(ask("哪些合同既要求押金又要求违约金？"),
                HasSubstr("**3 份文档中有 1 份同时提到“押金”和“违约金”**：\n\n- **东湖合同**"));
    EXPECT_THAT(ask("哪些合同有押金但没有违约金？"),
                HasSubstr("3 份文档中有 1 份提到“押金”而未见“违约金”**：\n\n- **西山合同**"));
}

}  // namespace
}  // namespace conclave::services
