// Sentences that have the words of a question and answer another: its negation, one of what was to
// be counted, another year or place.
#include "app/services/other_question.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/services/answer_check.h"
#include "app/services/quoted_answer.h"

namespace conclave::services {
namespace {

using testing::HasSubstr;

std::vector<StoredPassage> passageWith(const std::string& text,
                                       const std::string& title = "Notes") {
    StoredPassage passage;
    passage.path = "/docs/notes.md";
    passage.title = title;
    passage.heading = title;
    passage.endByte = text.size();
    passage.text = text;
    return {passage};
}

std::string quoteOf(const std::string& question, const std::vector<StoredPassage>& passages) {
    const auto found = quoteFor(question, passages);
    return found ? found->quote : std::string();
}

/// A model copied `sentence` of the first passage.
bool mayStand(const std::string& question, const std::vector<StoredPassage>& passages,
              const std::string& sentence) {
    const StoredPassage& passage = passages.front();
    const std::size_t at = passage.text.find(sentence);
    return !answersAnother(question, sentence, textAbove(passage)) &&
           saysEnoughOf(question, passage, {at, at + sentence.size()});
}

const std::string kOrders =
    "| Order | Product | Pieces | Status |\n| --- | --- | --- | --- |\n"
    "| 1001 | Pump | 12 | open |\n| 1002 | Valve | 30 | paid |\n| 1003 | Hinge | 7 | late |\n";

TEST(OtherQuestion, NoRowIsANumberOfRowsOrATotal) {
    const auto orders = passageWith(kOrders);
    for (const char* question :
         {"How many orders are open?", "How many orders are not paid?",
          "What is the number of orders with status paid?", "What is the average pieces of Pump?",
          "How many pieces are open in total?", "What is the sum of pieces of the Pump?",
          "How many pieces do all paid orders have?", "How many pieces are late?"}) {
        EXPECT_EQ(quoteOf(question, orders), "") << question;
        EXPECT_FALSE(mayStand(question, orders, "| 1002 | Valve | 30 | paid |")) << question;
    }
    // A letter is no word of a row.
    EXPECT_EQ(quoteOf("What is overtime not paid on?",
                      passageWith("Order | Product | Status | Date\n"
                                  "order_id: 1012 | product: Pump | city: Lyon | status: overdue | "
                                  "date: 2026-01-13 | quantity: 8\n")),
              "");
    const auto rooms = passageWith(
        "| Room | Seats | Desks |\n| --- | --- | --- |\n| Heron | 12 | 4 |\n| Egret | 30 | 9 |\n");
    EXPECT_THAT(quoteOf("How many seats does Egret have?", rooms), HasSubstr("Seats: 30"));
    const auto zh = passageWith(
        "| 订单 | 状态 | 件数 |\n| --- | --- | --- |\n| 甲 | 已付款 | 12 |\n| 乙 | 逾期 | 30 |\n",
        "订单");
    for (const char* question :
         {"已付款订单一共多少件数？", "已付款的订单有多少个？", "逾期订单平均件数是多少？"}) {
        EXPECT_EQ(quoteOf(question, zh), "") << question;
    }
    const auto halls = passageWith("平均租金是900元。押金是300元。", "租约");
    EXPECT_THAT(quoteOf("平均租金是多少？", halls), HasSubstr("900"));
    EXPECT_EQ(quoteOf("一共押金是多少？", halls), "");
}

TEST(OtherQuestion, WhatIsSoDoesNotTellWhatIsNot) {
    const auto library = passageWith(
        "The library is open on Fridays. The pool is not open on Sundays. Dogs are not allowed in "
        "the hall because of the carpet. The deposit isn't refunded to guests without a receipt.");
    EXPECT_EQ(quoteOf("What is not open on Fridays?", library), "");
    EXPECT_EQ(quoteOf("What isn't open on Fridays?", library), "");
    EXPECT_EQ(quoteOf("What is no longer open on Fridays?", library), "");
    EXPECT_EQ(quoteOf("What is open on Sundays?", library), "");
    EXPECT_FALSE(
        mayStand("What is not open on Fridays?", library, "The library is open on Fridays"));
    EXPECT_FALSE(mayStand("What is open on Sundays?", library, "The pool is not open on Sundays"));
    EXPECT_TRUE(
        mayStand("What is not open on Sundays?", library, "The pool is not open on Sundays"));
    EXPECT_TRUE(mayStand("What is open on Fridays?", library, "The library is open on Fridays"));
    // Whether it is so is answered by both.
    EXPECT_TRUE(
        mayStand("Is the pool open on Sundays?", library, "The pool is not open on Sundays"));
    EXPECT_TRUE(
        mayStand("Isn't the library open on Fridays?", library, "The library is open on Fridays"));
    EXPECT_THAT(quoteOf("Are dogs not allowed in the hall?", library), HasSubstr("not allowed"));
    EXPECT_THAT(quoteOf("Why are dogs not allowed in the hall?", library), HasSubstr("carpet"));
    EXPECT_THAT(quoteOf("Who is refunded no deposit without a receipt?", library), "");
    const auto projects =
        passageWith("| Project | Status |\n| --- | --- |\n| Apollo | done |\n| Cobalt | open |\n");
    EXPECT_EQ(quoteOf("Which project is not open?", projects), "");
    EXPECT_THAT(quoteOf("Which project is open?", projects), HasSubstr("Cobalt"));
    const auto staff = passageWith(
        "Contractors may not use the gym. Mr Hale does not have a company car. Ms Ito has a "
        "company car.");
    EXPECT_FALSE(mayStand("Who may use the gym?", staff, "Contractors may not use the gym."));
    EXPECT_TRUE(mayStand("Who may not use the gym?", staff, "Contractors may not use the gym."));
    EXPECT_THAT(quoteOf("Who has a company car?", staff), HasSubstr("Ito"));
    EXPECT_THAT(quoteOf("Who does not have a company car?", staff), HasSubstr("Hale"));
    const auto zh = passageWith("图书馆周五开放。泳池周日不开放。", "开放时间");
    EXPECT_EQ(quoteOf("周五哪里不开放？", zh), "");
    EXPECT_EQ(quoteOf("周日哪里开放？", zh), "");
    EXPECT_THAT(quoteOf("周日哪里不开放？", zh), HasSubstr("泳池"));
    EXPECT_THAT(quoteOf("泳池周日开放吗？", zh), HasSubstr("不开放"));
}

TEST(OtherQuestion, ADenialIsToldFromWhatOnlyLooksLikeOne) {
    for (const auto& [question, sentence] : std::vector<std::pair<std::string, std::string>>{
             {"What must be paid no later than May?", "The rent must be paid by May."},
             {"What is the total of invoice no. 7?", "The total of invoice no. 7 is 90 euros."},
             {"When does the shop open?", "The shop does not open before nine."},
             {"Which bills are not paid?", "The bills of the baker are unpaid."},
             {"What does the warranty not cover?", "The warranty does not cover tyres."},
             {"Which days is it open except Friday?", "It is open every day except Friday."},
             {"Can you park here?", "You cannot park here."},
             {"不锈钢阀门放在哪里？", "不锈钢阀门放在三楼。"}}) {
        EXPECT_FALSE(answersAnother(question, sentence, "")) << question;
    }
}

TEST(OtherQuestion, TheYearOfTheQuestionIsThatOfTheAnswer) {
    const std::string text =
        "The 2024 budget was 400,000 euros; the 2025 budget was raised to 460,000 euros.";
    const auto budget = passageWith(text, "Suppliers");
    EXPECT_EQ(quoteOf("What was the 2025 budget?", budget),
              "the 2025 budget was raised to 460,000 euros.");
    EXPECT_THAT(quoteOf("What was the 2024 budget?", budget), HasSubstr("400,000"));
    EXPECT_EQ(quoteOf("What was the 2026 budget?", budget), "");
    EXPECT_FALSE(
        mayStand("What was the 2025 budget?", budget, "The 2024 budget was 400,000 euros"));
    EXPECT_FALSE(mayStand("What was the 2026 budget?", passageWith(text, "Suppliers 2026"),
                          "The 2024 budget was 400,000 euros"));
    // Its document may be named by the year, and the sentence compare it with another.
    EXPECT_FALSE(lacksYear("What were the sales of 2025?", "The sales were 4 million.", "2025.md"));
    EXPECT_FALSE(answersAnother("What were the sales in 2025?",
                                "The sales were 4 million, up from 3 million in 2024.", "2025.md"));
    EXPECT_TRUE(lacksYear("What were the sales of 2025?", "The sales were 4 million.", "a.md"));
    // When it was may be in another year; 2000 euros are none.
    EXPECT_FALSE(answersAnother("When was the 2025 budget approved?",
                                "The budget was approved in May 2024.", "Budget 2025"));
    EXPECT_FALSE(asksOfYear("Who paid 2000 euros for the TX-2000?"));
    EXPECT_TRUE(answersAnother("2025年的预算是多少？", "2024年的预算是40万元。", ""));
}

TEST(OtherQuestion, AnotherNameDayOrNumberIsNotTheOneAskedFor) {
    const auto offices = passageWith(
        "The office in Turin was opened in 2011; the office in Graz was opened in 2016 and closed "
        "in 2021.");
    EXPECT_EQ(quoteOf("When did the office in Turin close?", offices), "");
    EXPECT_THAT(quoteOf("When did the office in Graz close?", offices), HasSubstr("2021"));
    EXPECT_THAT(quoteOf("When was the office in Turin opened?", offices), HasSubstr("2011"));
    EXPECT_FALSE(answersAnother("When did the office in Turin close?",
                                "The offices in Graz and Turin closed in May.", ""));
    EXPECT_TRUE(answersAnother("What happens on Friday?", "On Mondays the choir sings.", ""));
    EXPECT_FALSE(answersAnother("What happens on Friday?", "The choir sings on Fridays.", ""));
    EXPECT_TRUE(answersAnother("What do 5 days cost?", "3 days cost 90 euros.", ""));
    EXPECT_FALSE(answersAnother("What do 5 days cost?", "A stay of 3 to 7 days costs 90.", ""));
    EXPECT_FALSE(answersAnother("What does the second rule of section 5 say?",
                                "The second rule of section 5 forbids fires.", ""));
}

TEST(OtherQuestion, ADenialIsNotWrittenAboveWhatSaysItInOtherWords) {
    const auto agreement = passageWith(
        "This agreement is made with Ostra Energy. It may be ended with 90 days written notice.");
    EXPECT_TRUE(mayBeAnswered("What is the notice period of Ostra Energy?", agreement));
    EXPECT_FALSE(mayBeAnswered("What is the notice period of Birch Energy?", agreement));
}

}  // namespace
}  // namespace conclave::services
