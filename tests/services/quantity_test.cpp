// Questions that take a number of each document: highest, median, sum, and when nothing is
// computed.
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/services/survey/quantity_answer.h"
#include "tests/services/stored_texts.h"

namespace conclave::services {
namespace {

using testing::HasSubstr;
using testing::Not;
using Kind = QuantityQuestion::Kind;

TEST(QuantityQuestion, SaysWhatOfWhichDocuments) {
    const auto rent = quantityQuestionOf("Which lease has the second highest rent?");
    ASSERT_TRUE(rent.has_value());
    EXPECT_EQ(rent->kind, Kind::Greatest);
    EXPECT_EQ(rent->nth, 2);
    EXPECT_EQ(rent->subject, "rent");
    EXPECT_EQ(rent->place, "lease");

    const auto median = quantityQuestionOf("What is the median monthly rent across all leases?");
    ASSERT_TRUE(median.has_value());
    EXPECT_EQ(median->kind, Kind::Median);
    EXPECT_EQ(median->subject, "monthly rent");
    EXPECT_EQ(median->head, "rent");
    EXPECT_TRUE(median->isOfAll);

    const auto three = quantityQuestionOf("Which three leases have the lowest deposit?");
    ASSERT_TRUE(three.has_value());
    EXPECT_EQ(three->kind, Kind::Least);
    EXPECT_EQ(three->nShown, 3);

    const auto above = quantityQuestionOf("How many leases have a rent above 1,300 EUR?");
    ASSERT_TRUE(above.has_value());
    EXPECT_EQ(above->kind, Kind::Above);
    EXPECT_EQ(above->bound.value, 1300);
    EXPECT_EQ(above->bound.unit, "EUR");
    EXPECT_EQ(above->subject, "rent");

    const auto chinese = quantityQuestionOf("第二高的合同金额是多少？");
    ASSERT_TRUE(chinese.has_value());
    EXPECT_EQ(chinese->kind, Kind::Greatest);
    EXPECT_EQ(chinese->nth, 2);
    EXPECT_EQ(chinese->subject, "金额");
    EXPECT_EQ(chinese->place, "合同");
}

TEST(QuantityQuestion, IsNotWhateverHasSuchAWord) {
    for (const char* question :
         {"How many leases are there?", "What is the average rent per city?",
          "What is the rent in Berlin?", "Who pays the highest rent?",
          "How long may I stay at most?", "How do I compute the average of a column?",
          "What is the maximum number of nights that I may book?", "一共有多少份采购合同？",
          "最多可以住几晚？", "Which leases end in 2028?", "What does mean temperature mean?",
          "Is the rent higher than the deposit?", "Tell me every date in the documents"}) {
        EXPECT_FALSE(quantityQuestionOf(question).has_value()) << question;
    }
}

TEST(Amounts, AreNumbersWithTheirUnits) {
    const auto shown = [](std::string_view text, Amount::Kind kind) {
        std::string all;
        for (const Amount& each : amountsIn(text, kind)) {
            all += amountText(each.value, each.unit) + ";";
        }
        return all;
    };
    EXPECT_EQ(shown("rent 1,200.50 EUR, $2.5 million", Amount::Kind::Money),
              "1,200.50 EUR;2,500,000 USD;");
    EXPECT_EQ(shown("合同总金额为35万元", Amount::Kind::Money), "350,000 CNY;");
    EXPECT_EQ(shown("12.5 % and 3 percent", Amount::Kind::Share), "12.50 %;3 %;");
    EXPECT_EQ(
        shown("A notice of 3 months, room B12, at 10:30 on 5 May 2026, v1.2", Amount::Kind::Number),
        "3 month;");
    EXPECT_EQ(amountText(1428.333, "EUR"), "1,428.33 EUR");
}

TEST(Amounts, AreReadAsTheirTextWritesThem) {
    const auto valuesIn = [](std::string_view text, Amount::Kind kind) {
        std::vector<double> values;
        for (const Amount& each : amountsIn(text, kind)) values.push_back(each.value);
        return values;
    };
    EXPECT_THAT(valuesIn("1.300,50 €; EUR 2.100,75; 1 200,50 €; 1.200 EUR", Amount::Kind::Money),
                testing::ElementsAre(1300.5, 2100.75, 1200.5, 1200));
    EXPECT_THAT(valuesIn("12,5 % and 0.125 percent", Amount::Kind::Share),
                testing::ElementsAre(12.5, 0.125));
    EXPECT_THAT(valuesIn("1 200 employees, 1,5 hours and 2 percent", Amount::Kind::Number),
                testing::ElementsAre(1200, 1.5))
        << "a share is no plain number";
}

class QuantityAnswerTest : public StoredTexts {
protected:
    void add(const std::string& name, const std::string& text) {
        keep(m_collection, name, contentOf(name, text));
        m_texts.push_back(text);
    }
    void addLeases() {
        const std::pair<const char*, const char*> rents[] = {
            {"Alder", "1,200"}, {"Birch", "950"}, {"Cedar", "1,875"}, {"Elm", "2,100"}};
        for (const auto& [name, rent] : rents) {
            add("lease-" + std::string(name) + ".txt",
                "Lease of " + std::string(name) + " Street.\n\nThe monthly rent is " + rent +
                    " EUR and is due on the third day. If the rent is late, a fee of 25 EUR is "
                    "charged. The deposit is 3,000 EUR.\n");
        }
    }
    /// Empty: not answered so.
    std::string ask(const std::string& question, const DocumentFilter& filter = {}) {
        const auto answer = answerFromQuantities(store(), question, {m_collection}, filter, {});
        EXPECT_TRUE(answer.has_value());
        if (!answer || !*answer) return {};
        for (const StoredCitation& citation : (*answer)->report.citations) {
            EXPECT_TRUE(std::any_of(m_texts.begin(), m_texts.end(), [&](const std::string& text) {
                return citation.quoteEnd <= text.size() &&
                       text.substr(citation.quoteStart, citation.quoteEnd - citation.quoteStart) ==
                           citation.quote;
            })) << citation.quote;
        }
        EXPECT_FALSE((*answer)->report.citations.empty());
        return (*answer)->report.text;
    }

    const CollectionId m_collection = collection("all");
    std::vector<std::string> m_texts;
};

TEST_F(QuantityAnswerTest, AHeadingSaysWhatTheSumsBelowItAre) {
    const auto addBelow = [&](const std::string& name, const std::string& text) {
        storage::DocumentContent content = contentOf(name, text);
        content.chunks.front().heading = "Studio > Fees";
        keep(m_collection, name, content);
        m_texts.push_back(text);
    };
    addBelow("studio a.md", "- Registration: 50 EUR\n- Late payment: 10 EUR\n");
    addBelow("studio b.md",
             "- Registration: 80 EUR\n\nWhoever leaves the house with the keys of another pays 500 "
             "EUR to the owner of these.\n");
    add("studio c.txt", "The fee is 65 EUR. The deposit is 900 EUR.");
    const std::string text = ask("What is the highest of all fees?");
    EXPECT_THAT(text, HasSubstr("is **80 EUR**: studio b"));
    EXPECT_THAT(text, HasSubstr("50 EUR — Registration: 50 EUR"));
    EXPECT_THAT(text, HasSubstr("65 EUR"));
    EXPECT_THAT(text, testing::Not(HasSubstr("500 EUR")));
    EXPECT_THAT(text, testing::Not(HasSubstr("900 EUR")));
    EXPECT_THAT(ask("What is the total of all fees?"), HasSubstr("nothing was computed"));
}

TEST_F(QuantityAnswerTest, RanksAndComputesWhatDocumentsSay) {
    addLeases();
    EXPECT_THAT(ask("Which lease has the highest rent?"),
                HasSubstr("The highest “rent” is **2,100 EUR**: lease-Elm"));
    EXPECT_THAT(ask("Which lease has the second highest rent?"),
                HasSubstr("The 2nd highest “rent” is **1,875 EUR**: lease-Cedar"));
    EXPECT_THAT(ask("What is the lowest monthly rent?"), HasSubstr("**950 EUR**: lease-Birch"));
    EXPECT_THAT(ask("What is the median rent of the leases?"), HasSubstr("is **1,537.50 EUR**"));
    EXPECT_THAT(ask("What is the average rent of all leases?"), HasSubstr("is **1,531.25 EUR**"));
    EXPECT_THAT(ask("What is the total rent of all leases?"), HasSubstr("is **6,125 EUR**"));
    EXPECT_THAT(ask("How many leases have a rent above 1,200 EUR?"),
                HasSubstr("**2 of 4 documents**"));
    EXPECT_THAT(ask("How many leases have a rent of at least 1,200 EUR?"),
                HasSubstr("**3 of 4 documents**"));
}

TEST_F(QuantityAnswerTest, TakesTheNewAmountOfAChange) {
    add("project-a.txt", "The budget was cut from USD 500,000 to USD 350,000.\n");
    add("project-b.txt", "The budget was raised to USD 120,000 from USD 100,000.\n");
    add("project-c.txt", "The budget is USD 50,000.\n");
    EXPECT_THAT(ask("What is the total budget of all projects?"), HasSubstr("is **520,000 USD**"));
}

TEST_F(QuantityAnswerTest, ComparesSumsHoweverTheyAreWritten) {
    add("lease-a.txt", "The rent is 1.450,00 EUR a month.\n");
    add("lease-b.txt", "The rent is 1 200,50 € a month.\n");
    add("lease-c.txt", "The rent is EUR 2.100,75 a month.\n");
    add("lease-d.txt", "The rent is 900 EUR a month.\n");
    EXPECT_THAT(ask("Which lease has the highest rent?"), HasSubstr("EUR**: lease-c"));
    EXPECT_THAT(ask("What is the total rent of all leases?"), HasSubstr("is **5,651.25 EUR**"));
}

TEST_F(QuantityAnswerTest, AShareOfSomethingIsNotIt) {
    for (const char* name : {"contract-a.txt", "contract-b.txt", "contract-c.txt"}) {
        add(name, "The penalty is 2 percent of the yearly fee for each week.\n");
    }
    EXPECT_EQ(ask("What is the total yearly fee of all contracts?"), "");
    EXPECT_EQ(ask("What is the highest yearly fee of all contracts?"), "");
    EXPECT_EQ(ask("Which contracts have a yearly fee above 100,000?"), "");
    EXPECT_THAT(ask("Which contracts have a penalty above 1 percent?"),
                HasSubstr("**3 of 3 documents**"));
    EXPECT_EQ(ask("Which contracts have a penalty above 1?"), "") << "one of what?";
    EXPECT_EQ(ask("What is the total penalty of all contracts?"), "") << "shares are not added up";
}

TEST_F(QuantityAnswerTest, SaysWhichDocumentsHaveNoNumber) {
    addLeases();
    add("lease-Fir.txt", "Lease of Fir Street. The monthly rent is agreed upon each year.\n");
    EXPECT_THAT(ask("What is the average rent of all leases?"),
                HasSubstr("No such number was found in 1 document: lease-Fir.txt"));
}

TEST_F(QuantityAnswerTest, ComputesNothingWhereItIsNotClearOfWhat) {
    addLeases();
    add("lease-Fir.txt", "The rent is 500 EUR in the first year. The rent is 600 EUR after it.\n");
    const std::string several = ask("What is the average rent of all leases?");
    EXPECT_THAT(several, HasSubstr("1 document says more than one number"));
    EXPECT_THAT(several, Not(HasSubstr("average “rent” of")));
    EXPECT_THAT(ask("Which lease has the lowest rent?"), HasSubstr("**500 EUR**"))
        << "whichever of them counts";

    add("lease-Oak.txt", "The rent is 400 USD a month.\n");
    EXPECT_THAT(ask("Which lease has the lowest rent?"),
                HasSubstr("in different units (EUR, USD), so that nothing was compared"));
}

TEST_F(QuantityAnswerTest, LeavesQuestionsOfOneFactAlone) {
    add("policy.txt", "The maximum hotel rate is 120 EUR. Meals are paid up to 40 EUR.\n");
    add("notes.txt", "The hotel was full.\n");
    EXPECT_EQ(ask("What is the maximum hotel rate?"), "");
    EXPECT_EQ(ask("What is the highest mountain?"), "");
}

TEST_F(QuantityAnswerTest, ReadsChinese) {
    for (const auto& [name, sum] : {std::pair("钢材", "350000元"), std::pair("水泥", "12万元"),
                                    std::pair("电缆", "86000元")}) {
        add(std::string(name) + "合同.txt",
            "采购合同\n\n标的物为" + std::string(name) + "。合同总金额为" + sum + "。\n");
    }
    EXPECT_THAT(ask("哪份合同的金额最高？"), HasSubstr("**350,000 CNY**：钢材合同"));
    EXPECT_THAT(ask("第二高的合同金额是多少？"), HasSubstr("**120,000 CNY**：水泥合同"));
    EXPECT_THAT(ask("所有合同的总金额一共是多少？"), HasSubstr("**556,000 CNY**"));
    EXPECT_THAT(ask("有多少份合同的金额超过10万元？"), HasSubstr("**2 份**"));
}

TEST_F(QuantityAnswerTest, FindsTheFirstAndTheLastDay) {
    add("a.txt", "The lease begins on 2026-03-15 and ends on 2028-03-14.\n");
    add("b.txt", "Signed on 1 February 2026.\n");
    EXPECT_THAT(ask("What is the earliest date mentioned?"), HasSubstr("**2026-02-01**: b"));
    EXPECT_THAT(ask("What is the latest date in the documents?"), HasSubstr("**2028-03-14**: a"));
}

TEST_F(QuantityAnswerTest, ReadsNoOtherDocumentsThanAskedFor) {
    addLeases();
    EXPECT_THAT(ask("Which lease has the highest rent?", {.files = {"*alder*", "*birch*"}}),
                HasSubstr("**1,200 EUR**: lease-Alder"));
}

}  // namespace
}  // namespace conclave::services
