// What documents do not say, what the list of documents says of itself, documents as the sides of a
// comparison, and what was left out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/services/survey/absence.h"
#include "app/services/survey/denial.h"
#include "app/services/survey/named_sides.h"
#include "app/services/survey/quantity_answer.h"
#include "app/services/survey/question_subject.h"
#include "app/services/survey/record_answer.h"
#include "app/services/survey/skip_reason.h"
#include "tests/services/stored_texts.h"

namespace conclave::services {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(DenialAsked, IsToldFromOtherNegations) {
    for (const char* question :
         {"Which contracts do not mention a deposit?",
          "How many contracts don't mention a deposit?",
          "Which documents say nothing about a deposit?",
          "In which leases is a deposit not mentioned?", "Which leases come without any deposit?",
          "List all leases that lack a deposit", "Which contract does not contain a deposit?",
          "哪些合同没有提到押金？", "没有提到押金的合同有几份？", "有多少份合同没有提到押金？",
          "列出未约定押金的合同"}) {
        const SurveyQuestion asked = surveyQuestionOf(question);
        EXPECT_TRUE(asked.isDenied) << question;
        EXPECT_TRUE(asked.subject == "deposit" || asked.subject == "押金") << asked.subject;
    }
    EXPECT_EQ(surveyQuestionOf("有多少份合同没有提到押金？").kind, SurveyKind::Count);
    for (const char* question :
         {"Which leases do not allow dogs?", "Which contracts are not signed?",
          "How many invoices are not from Customer1 Ltd?", "Which documents mention a deposit?",
          "Which contracts do not say how long they run?", "有没有合同提到押金？",
          "哪些合同的甲方没有提到押金？", "Which contracts do not mention a deposit but a fee?"}) {
        EXPECT_FALSE(surveyQuestionOf(question).isDenied) << question;
    }
}

TEST(DeniesSubject, KnowsWhatSaysThatThereIsNone) {
    for (const char* sentence :
         {"No deposit is due.", "No security deposit is required.", "A deposit is not required.",
          "The tenant does not have to pay a deposit.", "The flat is let without a deposit.",
          "Deposit: none", "Rent: 900 EUR | Deposit: 0 EUR", "The deposit is waived.",
          "Neither a deposit nor a fee is charged.", "There is no deposit of keys.",
          "The lease does not require deposits.", "The lessor waives the deposit.",
          "The tenant is not subject to any deposit.", "The deposit is excluded."}) {
        EXPECT_TRUE(deniesSubject(sentence, "deposit")) << sentence;
    }
    for (const char* sentence :
         {"The deposit is not refunded in cash.", "No interest is paid on the deposit.",
          "If no deposit is paid, the lease ends.", "No deposit is due before May.",
          "The keys are not handed over without a deposit.", "The deposit is 900 EUR.",
          "Unless a deposit is not required, it is paid at once.",
          "The tenant does not pay the deposit in cash.", "The tenant waives the deposit account.",
          "The lessor does not waive the deposit.", "The lease is subject to a deposit.",
          "No deposit is due for the garage, the deposit for the flat is 900 EUR."}) {
        EXPECT_FALSE(deniesSubject(sentence, "deposit")) << sentence;
    }
    for (const char* sentence :
         {"本合同免收押金。", "无需支付押金。", "押金：无", "双方没有约定押金。"}) {
        EXPECT_TRUE(deniesSubject(sentence, "押金")) << sentence;
    }
    for (const char* sentence :
         {"押金不退。", "退租时无息退还押金。", "如未支付押金，合同终止。"}) {
        EXPECT_FALSE(deniesSubject(sentence, "押金")) << sentence;
    }
}

TEST(DeniesSubject, KnowsWhatIsNotAgreed) {
    EXPECT_TRUE(
        deniesSubject("This contract is not subject to automatic renewal.", "automatic renewal"));
    EXPECT_TRUE(deniesSubject("Exclusivity is excluded.", "exclusivity"));
    EXPECT_TRUE(deniesSubject("The client waives insurance.", "insurance"));
    EXPECT_TRUE(deniesSubject("双方未约定违约金。", "违约金"));
    EXPECT_FALSE(deniesSubject("逾期交货的，每日支付万分之五的违约金。", "违约金"));
}

TEST(HavingAsked, LeavesTheVerbOut) {
    for (const char* question :
         {"Which contracts agree a penalty?", "How many contracts have a penalty?",
          "List all contracts with a penalty", "Which contracts are subject to a penalty?",
          "Which contracts provide for a penalty?", "In how many contracts is a penalty agreed?",
          "哪些合同约定了违约金？", "有几份合同有违约金？", "哪些合同有违约金？"}) {
        const SurveyQuestion asked = surveyQuestionOf(question);
        EXPECT_TRUE(asked.had == "penalty" || asked.had == "违约金") << question << asked.had;
        EXPECT_EQ(asked.subject, asked.had) << question;
        EXPECT_TRUE(asked.isSure && asked.ofDocuments) << question;
    }
    for (const char* question : {"Which contracts mention a penalty?", "哪些合同提到违约金？",
                                 "Which contracts contain \"no penalty\"?"}) {
        EXPECT_EQ(surveyQuestionOf(question).had, "") << question;
    }
}

TEST(Subject, WhatIsLeftOfAQuestionNeedNotBeAThing) {
    for (const char* subject : {"did Urs Baumann write", "over 500", "their start", "March 2024",
                                "over 5,000 EUR", "超过500元", "2024年3月"}) {
        EXPECT_FALSE(mayBeSaid(subject)) << subject;
    }
    for (const char* subject : {"penalty", "Urs Baumann", "500", "March rent", "\"over 500\"",
                                "违约金", "at least one witness", "年会"}) {
        EXPECT_TRUE(mayBeSaid(subject)) << subject;
    }
}

Document named(DocumentId id, const std::string& file, const std::string& title) {
    Document document;
    document.id = id;
    document.path = "/docs/" + file;
    document.title = title;
    return document;
}

TEST(NamedSides, AreDocumentsCalledSo) {
    const std::vector<Document> documents = {named(1, "lease_a.txt", "Lease"),
                                             named(2, "lease B.txt", "Lease"),
                                             named(3, "lease Elm Street 12.txt", ""),
                                             named(4, "lease Elm Street 14.txt", ""),
                                             named(5, "东湖合同.txt", ""),
                                             named(6, "西山合同.txt", ""),
                                             named(7, "Rome.txt", ""),
                                             named(8, "b.md", "Lease contract: Brunner Bakery"),
                                             named(9, "o.md", "Lease contract: Okafor Studio")};
    const auto sidesOf = [&](const std::string& first, const std::string& second) {
        return namedSidesOf({first, second}, documents).sideOf;
    };
    EXPECT_THAT(sidesOf("lease A", "the lease B"),
                ElementsAre(testing::Pair(1, 0), testing::Pair(2, 1)));
    EXPECT_THAT(sidesOf("Elm Street 14", "Elm Street 12"),
                ElementsAre(testing::Pair(3, 1), testing::Pair(4, 0)));
    EXPECT_THAT(sidesOf("lease Elm Street 12.txt", "lease B.txt"),
                ElementsAre(testing::Pair(2, 1), testing::Pair(3, 0)));
    EXPECT_THAT(sidesOf("东湖合同", "西山合同"),
                ElementsAre(testing::Pair(5, 0), testing::Pair(6, 1)));
    EXPECT_THAT(sidesOf("Brunner", "Okafor"),
                ElementsAre(testing::Pair(8, 0), testing::Pair(9, 1)));
    EXPECT_THAT(sidesOf("bakery", "Okafor"), ElementsAre()) << "said like a kind of thing";
    EXPECT_THAT(sidesOf("Rome", "Paris"), ElementsAre()) << "no file is called Paris";
    EXPECT_THAT(sidesOf("Elm Street", "lease B"), ElementsAre()) << "it may be either";
    EXPECT_THAT(namedSidesOf({"lease A", "lease C"}, documents).missing, ElementsAre("lease C"));
}

class WholeCollectionTest : public StoredTexts {
protected:
    DocumentId add(const std::string& name, const std::string& text,
                   const std::string& mime = "text/plain") {
        storage::DocumentContent content = contentOf(name, text);
        content.mime = mime;
        content.sha256 = text;
        content.modifiedNs = m_modified.time_since_epoch().count();
        content.sizeBytes = text.size();
        return keep(m_collection, name, content);
    }
    std::string absent(const std::string& question, bool isChinese = false) {
        const auto answer =
            answerFromAbsence(store(), surveyQuestionOf(question), {m_collection}, {}, isChinese);
        EXPECT_TRUE(answer.has_value());
        if (!answer) return {};
        for (const StoredCitation& citation : answer->report.citations) {
            EXPECT_FALSE(citation.quote.empty());
        }
        return answer->report.text;
    }
    std::string compared(const std::string& question) {
        const SurveyQuestion asked = surveyQuestionOf(question);
        const auto found = runSurvey(*m_database, asked, {m_collection}, {});
        EXPECT_TRUE(found.has_value());
        if (!found) return {};
        const auto report = reportSurvey(store(), asked, *found, false);
        return report ? report->text : std::string();
    }
    std::string recorded(const std::string& question, const DocumentFilter& filter = {}) {
        const auto answer = answerFromRecords(store(), question, {m_collection}, filter, kToday);
        EXPECT_TRUE(answer.has_value());
        return answer && *answer ? (*answer)->report.text : std::string();
    }

    static constexpr std::chrono::sys_days kToday =
        std::chrono::sys_days(std::chrono::year{2026} / 5 / 20);  // a Wednesday
    const CollectionId m_collection = collection("all");
    std::chrono::sys_time<std::chrono::nanoseconds> m_modified = kToday;
};

TEST_F(WholeCollectionTest, WhatNeedsNoneSaysSoOrIsSilent) {
    add("lease1.txt", "Security deposit: 2,900 USD.");
    add("lease2.txt", "No security deposit is required.");
    add("lease3.txt", "The rent is 700 EUR.");
    for (const char* question : {"Which leases do not require a security deposit?",
                                 "Which leases have no security deposit?",
                                 "Which leases don't ask for a security deposit?",
                                 "In which leases is a security deposit not required?",
                                 "Which leases come without a security deposit?"}) {
        const std::string text = absent(question);
        EXPECT_THAT(text, HasSubstr("**2 of 3 documents have no “security deposit” that could be "
                                    "found**: 1 says that there is none, 1 says nothing of it."))
            << question;
        EXPECT_THAT(text,
                    HasSubstr("that there is none:**\n\n- **lease2** (lease2.txt): No security"));
        EXPECT_THAT(text, HasSubstr("**1 document says nothing of it**, which need not mean"));
        EXPECT_THAT(text, Not(HasSubstr("neither here nor there")));
    }
    EXPECT_THAT(absent("Which leases do not mention a security deposit?"),
                HasSubstr("**1 of 3 documents says nothing of “security deposit”**:"));
    EXPECT_FALSE(surveyQuestionOf("Which leases do not need to be signed?").isDenied);
}

TEST_F(WholeCollectionTest, WhoSaysThatThereIsNoneHasNone) {
    add("contract1.txt", "A penalty of 5 % is due for each week of delay.");
    add("contract2.txt", "No penalty is agreed.");
    add("contract3.txt", "Penalty: none.");
    add("contract4.txt", "The price is 900 EUR.");
    for (const char* question :
         {"Which contracts agree a penalty?", "How many contracts have a penalty?",
          "List all contracts with a penalty"}) {
        const std::string text = compared(question);
        EXPECT_THAT(text, HasSubstr("**1 of 4 documents says “penalty”**")) << question;
        EXPECT_THAT(text, HasSubstr("**2 documents say that there is none**, not counted:\n\n"
                                    "- **contract2** (contract2.txt)"))
            << question;
    }
    EXPECT_THAT(compared("Which contracts mention a penalty?"),
                HasSubstr("**3 of 4 documents say “penalty”**"));
}

TEST_F(WholeCollectionTest, WhereAllSayThatThereIsNoneNoneHasIt) {
    add("policy1.txt", "There is no deposit of keys.");
    add("policy2.txt", "A deposit is not required.");
    const std::string text = compared("How many policies have a deposit?");
    EXPECT_THAT(text, HasSubstr("**0 of 2 documents have “deposit”** that could be found"));
    EXPECT_THAT(text, HasSubstr("**2 documents say that there is none**"));
}

TEST_F(WholeCollectionTest, TheVerbOfHavingNeedNotBeSaid) {
    add("销售合同.txt", "逾期交货的，每日支付万分之五的违约金。");
    add("技术服务合同.txt", "双方未约定违约金。");
    for (const char* question : {"哪些合同约定了违约金？", "有几份合同有违约金？"}) {
        const std::string text = compared(question);
        EXPECT_THAT(text, HasSubstr("**1 of 2 documents says “违约金”**")) << question;
        EXPECT_THAT(text, HasSubstr("that there is none**, not counted:\n\n- **技术服务合同**"))
            << question;
    }
}

TEST_F(WholeCollectionTest, ANameIsFoundWithAndWithoutItsAccents) {
    add("a.txt", "Signed by Camila Díaz.");
    add("b.txt", "Signed by Camila Diaz.");
    add("c.txt", "Signed by Camila Duran.");
    for (const char* question :
         {"Which documents mention Camila Diaz?", "Which documents mention Camila Díaz?"}) {
        EXPECT_THAT(compared(question), HasSubstr("**2 of 3 documents say")) << question;
    }
}

TEST_F(WholeCollectionTest, WhatNeedsNoneIsAskedInChinese) {
    add("东湖合同.txt", "租赁合同。押金为3000元。");
    add("西山合同.txt", "租赁合同。本合同免收押金。");
    add("南门合同.txt", "租赁合同。租金为每月900元。");
    for (const char* question : {"哪些合同不需要押金？", "哪些合同无需支付押金？",
                                 "不需要缴纳押金的合同有哪些？", "哪些合同没有押金？"}) {
        EXPECT_THAT(absent(question, true),
                    HasSubstr("3 份文档中有 2 份未见“押金”**：1 份明确说没有，1 份没有提到"))
            << question;
    }
}

TEST_F(WholeCollectionTest, TellsSilentDocumentsFromThoseThatDenyOrAlmostSayIt) {
    add("lease1.txt", "The tenants made a deposit of 900 EUR.");
    add("lease2.txt", "No deposit is due.");
    add("lease3.txt", "The rent is 700 EUR.");
    add("lease4.txt", "A bond of 300 EUR is held.");
    add("letter.txt", "Dear Ann,\nthe lease of Elm Street is enclosed.");
    const std::string text = absent("Which leases do not mention deposits?");
    EXPECT_THAT(text,
                HasSubstr("**1 of 4 documents says nothing of “deposits”**:\n\n- **lease3**"));
    EXPECT_THAT(text, HasSubstr("1 document says that there is none"));
    EXPECT_THAT(text, HasSubstr("- **lease2** (lease2.txt): No deposit is due. ["));
    EXPECT_THAT(text, HasSubstr("1 document has a part of it, or another word for it"));
    EXPECT_THAT(text, HasSubstr("A bond of 300 EUR"));
    EXPECT_THAT(text, HasSubstr("**1 document mentions it:**\n\n- **lease1**"));
    EXPECT_THAT(text, HasSubstr("Judged by words"));
    EXPECT_THAT(text, Not(HasSubstr("letter")));
}

TEST_F(WholeCollectionTest, ADocumentThatWasNotReadIsNotSilent) {
    add("lease1.txt", "The rent is 700 EUR.");
    const DocumentId scan = store().ensureDocument(m_collection, "/docs/lease2.pdf").value_or(0);
    ASSERT_TRUE(store().setDocumentState(scan, storage::DocumentState::NeedsOcr,
                                         "its pages have no text; recognise them", 1, 1));
    const std::string text = absent("Which leases do not mention a deposit?");
    EXPECT_THAT(text, HasSubstr("1 of 1 document"));
    EXPECT_THAT(text, HasSubstr("Left out: lease2.pdf (its pages have no text)"));
    EXPECT_THAT(absent("哪些文档没有提到押金？", true),
                HasSubstr("未读：lease2.pdf（没有可读的文字）"));
}

TEST_F(WholeCollectionTest, NoneBelowAHeadingIsADenial) {
    const std::string text = "## Deposit\n\nNone.\n\n## Rent\n\nThe rent is 700 EUR.";
    const DocumentId id = store().ensureDocument(m_collection, "/docs/lease.md").value_or(0);
    storage::DocumentContent content;
    content.title = "lease";
    content.sha256 = "lease";
    content.pages.push_back({1, text});
    const std::size_t second = text.find("## Rent");
    content.chunks.push_back({.page = 1, .startByte = 0, .endByte = second, .heading = "Deposit"});
    content.chunks.push_back(
        {.page = 1, .startByte = second, .endByte = text.size(), .heading = "Rent"});
    ASSERT_TRUE(store().storeContent(id, content).has_value());
    EXPECT_THAT(absent("Which leases do not mention a deposit?"),
                HasSubstr("1 document says that there is none"));
    EXPECT_THAT(compared("Which leases have a deposit?"),
                HasSubstr("**0 of 1 document has “deposit”**"));
}

TEST_F(WholeCollectionTest, APartOfWhatIsAskedIsNoSilence) {
    add("a.txt", "The notice period is three months.");
    add("b.txt", "Give notice in writing.");
    add("c.txt", "The garden is open.");
    const std::string text = absent("Which documents do not mention a notice period?");
    EXPECT_THAT(text,
                HasSubstr("**1 of 3 documents says nothing of “notice period”**:\n\n- **c**"));
    EXPECT_THAT(text, HasSubstr("Give notice in writing."));
}

TEST_F(WholeCollectionTest, FindsSilenceInChinese) {
    add("东湖合同.txt", "押金为8400元，退租时无息退还。");
    add("西山合同.txt", "本合同免收押金。");
    add("南门合同.txt", "租期为两年，租金另议。");
    const std::string text = absent("哪些合同没有提到押金？", true);
    EXPECT_THAT(text, HasSubstr("**3 份文档中有 1 份没有提到“押金”**"));
    EXPECT_THAT(text, HasSubstr("- **南门合同**"));
    EXPECT_THAT(text, HasSubstr("有 1 份明确说没有"));
    EXPECT_THAT(text, HasSubstr("本合同免收押金"));
}

TEST_F(WholeCollectionTest, ComparesTheDocumentsThatAreNamed) {
    add("lease A.txt", "The rent is 1,150 EUR. The deposit is 2,300 EUR.");
    add("lease B.txt", "The rent is 980 EUR. It has a garden.");
    add("lease D.txt", "The rent is 555 EUR.");
    const std::string all = compared("Compare lease A and lease B");
    EXPECT_THAT(all, HasSubstr("**lease A** (2 sentences)"));
    EXPECT_THAT(all, HasSubstr("980 EUR"));
    EXPECT_THAT(all, Not(HasSubstr("555 EUR")));
    add("memo A.txt", "A memo to all\n\nThe office is closed.");
    add("memo B.txt", "A memo to some\n\nKeys are with Ann.");
    EXPECT_THAT(compared("Compare memo A and memo B"),
                HasSubstr("**memo A** (1 sentence)\n\n- The office is closed."))
        << "what it is called is no evidence";
    const std::string rent = compared("Compare the rent of lease A and lease B");
    EXPECT_THAT(rent, HasSubstr("1,150 EUR"));
    EXPECT_THAT(rent, HasSubstr("980 EUR"));
    EXPECT_THAT(rent, Not(HasSubstr("garden")));
    EXPECT_THAT(rent, Not(HasSubstr("555 EUR")));
    EXPECT_THAT(compared("Compare the rent of lease A and lease C"),
                HasSubstr("No document that was read is named so"));
}

TEST_F(WholeCollectionTest, PutsWholeDocumentsSideBySide) {
    add("lease A.txt",
        "Lease A\n\nThe monthly rent is 1,150 EUR. A deposit of 2,300 EUR is paid at once.\n\n"
        "Landlord: Ida Moor\nTenant: Sven Lark\n\nThe lease ends on 5 March 2027. Pets may be "
        "kept.\n");
    add("lease B.txt",
        "Lease B\n\nRent: 980 EUR\nTenant: Runa Pike\n\nNo deposit is due. The lease ends on 1 May "
        "2028.\n\nIn the end the landlord, Ida Moor, keeps a key.\n\nThe garden is shared.\n");
    const std::string text = compared("Compare lease A and lease B");
    EXPECT_THAT(text, HasSubstr("| | lease A | lease B |\n| --- | --- | --- |\n"));
    EXPECT_THAT(text,
                HasSubstr("| monthly rent | The monthly rent is 1,150 EUR. [1] | 980 EUR [2] |"));
    EXPECT_THAT(text, HasSubstr("| deposit | A deposit of 2,300 EUR is paid at once. [1] | No "
                                "deposit is due. [2] |"));
    EXPECT_THAT(text, HasSubstr("| Tenant | Sven Lark [1] | Runa Pike [2] |"));
    EXPECT_THAT(text, HasSubstr("| Landlord | Ida Moor [1] | In the end the landlord, Ida Moor"));
    EXPECT_THAT(text, HasSubstr("| ends | 2027-03-05 [1] | 2028-05-01 [2] |"));
    EXPECT_THAT(text, Not(HasSubstr("lease ends |")));
    EXPECT_THAT(text, HasSubstr("**Only lease A says:**\n\n- Pets may be kept. [1]"));
    EXPECT_THAT(text, HasSubstr("**Only lease B says:**\n\n- The garden is shared. [2]"));
}

TEST_F(WholeCollectionTest, PutsChineseDocumentsSideBySide) {
    add("东湖合同.txt", "租赁合同\n\n租金：每月4200元\n押金：8400元\n");
    add("西山合同.txt", "租赁合同\n\n每月租金为3900元。本合同免收押金。\n");
    const std::string text = compared("比较东湖合同和西山合同");
    EXPECT_THAT(text, HasSubstr("| 租金 | 每月4200元 [1] | 每月租金为3900元。 [2] |"));
    EXPECT_THAT(text, HasSubstr("| 押金 | 8400元 [1] | 本合同免收押金。 [2] |"));
    EXPECT_THAT(text, Not(HasSubstr("租赁合同 ["))) << "what it is called is no evidence";
}

TEST_F(WholeCollectionTest, CountsFilesByTheirTypesAndDays) {
    add("plan.md", "# Plan");
    add("ada.eml", "Hello.");
    m_modified = kToday - std::chrono::days(2);
    add("bo.eml", "Hello again.");
    m_modified = kToday - std::chrono::days(9);
    add("sheet.csv", "A | B", "text/csv");
    EXPECT_THAT(recorded("How many mails are there?"),
                HasSubstr("**2** of 4 documents are mail files"));
    EXPECT_THAT(recorded("How many PDF files do I have?"), HasSubstr("**0** of 4 documents"));
    EXPECT_THAT(recorded("有几封邮件？"), HasSubstr("有 **2** 份"));
    EXPECT_THAT(recorded("有多少个CSV文件？"), HasSubstr("有 **1** 份"));
    EXPECT_THAT(recorded("List all spreadsheets"), HasSubstr("sheet.csv"));
    const std::string week = recorded("Which documents were changed this week?");
    EXPECT_THAT(week, HasSubstr("**3** of 4 documents are changed since 2026-05-18"));
    EXPECT_THAT(week, Not(HasSubstr("sheet.csv")));
    EXPECT_THAT(recorded("上周修改过的文件有哪些？"), HasSubstr("sheet"));
    EXPECT_THAT(recorded("What is the oldest file?"), HasSubstr("sheet.csv"));
    EXPECT_THAT(recorded("Which files were modified in the last 3 days?"), HasSubstr("bo.eml"));
    EXPECT_THAT(recorded("How many mails are there?", {.files = {"b*"}}), HasSubstr("**1** of 1"));
    for (const char* question : {"How many documents are there?", "What is the latest date?",
                                 "What is the latest invoice?", "How many pages does the PDF have?",
                                 "Which documents changed the rules?",
                                 "How many PDF files mention keys?", "What changed this week?",
                                 "Which mails were sent this week?", "Who has the oldest file?"}) {
        EXPECT_EQ(recorded(question), "") << question;
    }
}

TEST_F(WholeCollectionTest, AMailboxHoldsManyMessages) {
    add("ada.eml", "Lunch\n\nFrom: Ada\n\nShall we meet? The budget is ready.");
    storage::DocumentContent box = contentOf("box.mbox", "");
    box.pages.clear();
    box.chunks.clear();
    box.sha256 = "box";
    for (int i = 1; i <= 3; ++i) {
        const std::string text = i == 2 ? "The keys are here." : "The budget is late. The budget!";
        box.pages.push_back({i, text});
        box.chunks.push_back({.page = i, .startByte = 0, .endByte = text.size()});
    }
    keep(m_collection, "box.mbox", box);
    add("plan.md", "The budget of the e-mails.");
    EXPECT_THAT(recorded("How many e-mails are there?"),
                HasSubstr("**4** messages, in 2 mail files of 3 documents:"));
    EXPECT_THAT(recorded("有几封邮件？"), HasSubstr("2 个邮件文件共有 **4** 封邮件"));
    EXPECT_THAT(recorded("How many mail files are there?"), HasSubstr("**2** of 3 documents"));
    EXPECT_THAT(compared("How many e-mails mention the budget?"),
                HasSubstr("**3 of 4 messages say “budget”**, in 2 mail files"));
    EXPECT_THAT(compared("How many e-mails mention castles?"), Not(HasSubstr("plan")));
}

TEST_F(WholeCollectionTest, ASumSaysThatATableWasLeftOut) {
    add("lease1.txt", "The rent is 700 EUR.");
    add("lease2.txt", "The rent is 900 EUR.");
    add("lease list.csv", "Street | Rent\nStreet: Elm | Rent: 500\n", "text/csv");
    const auto answer = answerFromQuantities(store(), "What is the total rent of all leases?",
                                             {m_collection}, {}, {});
    ASSERT_TRUE(answer.has_value() && answer->has_value());
    EXPECT_THAT((*answer)->report.text, HasSubstr("**1,600 EUR**"));
    EXPECT_THAT(
        (*answer)->report.text,
        HasSubstr("Left out: lease list.csv (a table: ask for its columns by their names)"));
    EXPECT_EQ((*answer)->account.at("skipped").size(), 1U);
}

TEST(SkipReason, IsInTheLanguageOfTheAnswerAndOnOneLine) {
    EXPECT_EQ(skipReason("not read yet", true), "尚未读取");
    EXPECT_EQ(skipReason("the PDF asks for a password; type it", true), "有密码保护");
    EXPECT_EQ(skipReason("the same as /docs/a\nb.txt", false), "the same as a\\\\nb.txt");
    EXPECT_EQ(skipReason("the same as /docs/a.txt", true), "与 a.txt 相同");
    EXPECT_EQ(skipReason("something new", true), "无法读取：something new");
    SurveyFindings findings;
    findings.skipped = {{"/docs/evil\n- **name**.pdf", "not read yet"}};
    const std::string account = accountOf(findings, true);
    EXPECT_EQ(account.find('\n'), std::string::npos);
    EXPECT_THAT(account, HasSubstr("（尚未读取）"));
}

}  // namespace
}  // namespace conclave::services
