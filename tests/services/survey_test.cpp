// Questions about whole collections: what is one, and what is read for it.
#include <algorithm>
#include <fstream>
#include <iostream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/services/reading.h"
#include "app/services/survey/survey.h"
#include "app/services/survey/survey_checkpoint.h"
#include "app/services/survey/survey_question.h"
#include "app/services/survey/survey_report.h"
#include "retrieval/retrieval.h"
#include "storage/storage.h"

namespace conclave::services {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(SurveyQuestion, IsRecognisedByItsWording) {
    for (const char* question :
         {"How many documents mention the spare keys?", "How many files are there?",
          "How many times is Berlin mentioned?", "In how many documents does invoice appear?",
          "List every email address", "Which documents mention insurance?", "Summarise everything",
          "Summarize my documents", "Compare Norway with Germany", "有多少份文件提到保险？",
          "列出所有日期", "哪些文档提到了打印机？", "总结全部文档", "比较挪威和德国"}) {
        EXPECT_TRUE(asksAboutEverything(question)) << question;
    }
}

TEST(SurveyQuestion, NumbersOfAllDocumentsAreAskedOfEverything) {
    for (const char* question :
         {"Which lease has the second highest rent?", "What is the median deposit of the leases?",
          "How many contracts are above 100,000 EUR?"}) {
        EXPECT_TRUE(asksAboutEverything(question)) << question;
    }
    EXPECT_FALSE(asksAboutEverything("What is the highest mountain?"));
}

TEST(SurveyQuestion, OneFactIsNoQuestionAboutEverything) {
    for (const char* question :
         {"How many nights may I book?", "How many sheets does the lower tray hold?",
          "How many pages does the report have?", "Who keeps the spare keys?",
          "What is the difference between a hub and a switch?", "Summarise: the garden is open.",
          "《张居正》一共修改了多少处？", "一共有多少集？", "Hello!", "", "?", "\""}) {
        EXPECT_FALSE(asksAboutEverything(question)) << question;
    }
}

TEST(SurveyQuestion, ADenialThatIsNotUnderstoodIsNotCounted) {
    for (const char* denial : {"How many invoices are not from Customer1 Ltd?",
                               "Which documents are not about taxes?", "哪些文件不是合同？"}) {
        EXPECT_EQ(surveyQuestionOf(denial).kind, SurveyKind::None) << denial;
    }
    EXPECT_NE(surveyQuestionOf("Which leases do not allow dogs?").kind, SurveyKind::None);
    EXPECT_NE(surveyQuestionOf("Which documents mention a deposit?").kind, SurveyKind::None);
}

TEST(SurveyQuestion, KnowsMoneyByItsName) {
    const SurveyQuestion asked = surveyQuestionOf("Give me every amount of money mentioned");
    EXPECT_EQ(asked.patterns, std::vector{retrieval::Pattern::Money});
    EXPECT_EQ(asked.subject, "");
}

TEST(SurveyQuestion, CountsDocumentsByTheirWholeName) {
    for (const char* question :
         {"一共有多少份采购合同？", "采购合同有几份？", "采购合同一共有几份？"}) {
        const SurveyQuestion asked = surveyQuestionOf(question);
        EXPECT_TRUE(asked.isSure) << question;
        EXPECT_TRUE(asked.ofDocuments) << question;
        EXPECT_EQ(asked.place, "采购合同") << question;
        EXPECT_EQ(asked.subject, "") << question;
        EXPECT_EQ(withPlace(asked, "采购合同").subject, "");
        EXPECT_EQ(withPlace(asked, "").subject, "采购合同") << "no file is called so";
    }
    const SurveyQuestion asked = surveyQuestionOf("How many purchase contracts are there?");
    EXPECT_EQ(asked.place, "purchase contracts");
    EXPECT_EQ(withPlace(asked, "purchase contracts").subject, "");
    EXPECT_EQ(withPlace(asked, "contracts").subject, "purchase") << "or sales contracts count too";
}

/// How the rules do on a labelled set.
struct Recognised {
    int nAll = 0;
    int nEverything = 0;  ///< labelled so
    int nRight = 0;       ///< of those: recognised
    int nWrong = 0;       ///< facts taken for questions about everything
    std::string missed;

    [[nodiscard]] double recall() const { return static_cast<double>(nRight) / nEverything; }
    [[nodiscard]] double precision() const {
        return static_cast<double>(nRight) / std::max(nRight + nWrong, 1);
    }
};

Recognised recognisedOf(const std::string& name) {
    std::ifstream file(CONCLAVE_TEST_SOURCE "/tests/services/data/" + name);
    Recognised result;
    for (std::string line; std::getline(file, line);) {
        const std::size_t tab = line.find('\t');
        if (line.starts_with('#') || tab == std::string::npos) continue;
        ++result.nAll;
        const bool isEverything = line.substr(0, tab) == "everything";
        const bool isRecognised = asksAboutEverything(line.substr(tab + 1));
        result.nEverything += isEverything ? 1 : 0;
        if (isEverything && isRecognised) ++result.nRight;
        if (!isEverything && isRecognised) ++result.nWrong;
        if (isEverything != isRecognised) result.missed += "\n  " + line;
    }
    std::cout << name << ": " << result.nAll << " questions, precision " << result.precision()
              << ", recall " << result.recall() << result.missed << '\n';
    return result;
}

TEST(SurveyQuestion, IsToldFromQuestionsAboutOneFact) {
    const Recognised seen = recognisedOf("survey_questions.tsv");
    ASSERT_GE(seen.nAll, 250);
    EXPECT_GE(seen.precision(), 0.95);
    EXPECT_GE(seen.recall(), 0.95);
}

/// What it is worth on questions that nobody had in mind: a fact that is surveyed costs most, since
/// a question about everything that is missed has the button.
TEST(SurveyQuestion, IsToldInOtherWords) {
    const Recognised unseen = recognisedOf("survey_questions_unseen.tsv");
    ASSERT_GE(unseen.nAll, 50);
    EXPECT_GE(unseen.precision(), 0.8);
    EXPECT_GE(unseen.recall(), 0.7);
}

TEST(SurveyQuestion, SaysWhatToLookFor) {
    const SurveyQuestion dates = surveyQuestionOf("List all dates about the release");
    EXPECT_EQ(dates.kind, SurveyKind::List);
    EXPECT_THAT(dates.patterns, ElementsAre(retrieval::Pattern::Date));
    EXPECT_EQ(dates.subject, "release");
    const SurveyQuestion keys = surveyQuestionOf("How many documents mention \"spare keys\"?");
    EXPECT_TRUE(keys.ofDocuments);
    EXPECT_EQ(keys.subject, "\"spare keys\"");
    const SurveyQuestion people = surveyQuestionOf("List all people in the meeting notes");
    EXPECT_EQ(people.place, "meeting notes");
    EXPECT_THAT(people.patterns, ElementsAre(retrieval::Pattern::Person));
    EXPECT_THAT(surveyQuestionOf("列出所有人名").patterns, ElementsAre(retrieval::Pattern::Person));
    EXPECT_THAT(surveyQuestionOf("比较挪威和德国").sides, ElementsAre("挪威", "德国"));
    EXPECT_EQ(surveyQuestionOf("有多少文档提到钥匙？").subject, "钥匙");
}

TEST(SurveyQuestion, KeepsAWordThatMayAlsoBeAPlace) {
    EXPECT_EQ(surveyQuestionOf("How many documents mention a collection or a model?").subject,
              "collection or model");
    EXPECT_EQ(surveyQuestionOf("How many documents mention keys in the whole collection?").subject,
              "keys");
    EXPECT_EQ(surveyQuestionOf("List everything about insurance in this folder").subject,
              "insurance");
}

TEST(SurveyQuestion, ComparesWhatStandsOnBothSidesOfAnd) {
    EXPECT_THAT(surveyQuestionOf("Compare trains and flights to Bergen").sides,
                ElementsAre("trains", "flights Bergen"));
    EXPECT_THAT(surveyQuestionOf("Compare Norway to Germany").sides,
                ElementsAre("Norway", "Germany"));
}

TEST(SurveyQuestion, TellsWhatIsComparedFromTheTwo) {
    const SurveyQuestion seasons =
        surveyQuestionOf("Compare the harvest of the autumn and spring seasons");
    EXPECT_EQ(seasons.compared, "harvest");
    EXPECT_THAT(seasons.sides, ElementsAre("autumn seasons", "spring seasons"));
    const SurveyQuestion fees =
        surveyQuestionOf("Compare the fee for adults with the fee for pupils");
    EXPECT_EQ(fees.compared, "fee");
    EXPECT_THAT(fees.sides, ElementsAre("adults", "pupils"));
    const SurveyQuestion mixed =
        surveyQuestionOf("Compare the rent of Oslo with the fees of Bergen");
    EXPECT_EQ(mixed.compared, "");
    EXPECT_EQ(surveyQuestionOf("Compare the University of Oslo and Bergen").compared, "");
    const SurveyQuestion chinese = surveyQuestionOf("比较奥斯陆和卑尔根的租金");
    EXPECT_EQ(chinese.compared, "租金");
    EXPECT_THAT(chinese.sides, ElementsAre("奥斯陆", "卑尔根"));
}

TEST(SurveyQuestion, KnowsTheFilesThatAreNamed) {
    const SurveyQuestion dates = surveyQuestionOf("List all dates in notes.docx");
    EXPECT_THAT(dates.files, ElementsAre("notes.docx"));
    EXPECT_THAT(dates.patterns, ElementsAre(retrieval::Pattern::Date));
    EXPECT_EQ(dates.subject, "");
    EXPECT_EQ(dates.place, "");
    EXPECT_TRUE(dates.isSure);
    EXPECT_THAT(surveyQuestionOf("Summarise the file \"Team notes 2026.pdf\".").files,
                ElementsAre("Team notes 2026.pdf"));
    EXPECT_TRUE(surveyQuestionOf("Summarise plan_b.md").isSure);
    EXPECT_THAT(surveyQuestionOf("Compare a-1.txt with b.txt").files,
                ElementsAre("a-1.txt", "b.txt"));
    EXPECT_THAT(surveyQuestionOf("列出notes.docx里的所有日期").files, ElementsAre("notes.docx"));
    EXPECT_TRUE(surveyQuestionOf("How many documents mention config.json?").files.empty());
    EXPECT_TRUE(surveyQuestionOf("List all dates, e.g. in March.").files.empty());
}

TEST(SurveyQuestion, WhatIsAllowedIsAConditionAndNoWord) {
    const SurveyQuestion bikes = surveyQuestionOf("Which letters do not permit bicycles?");
    EXPECT_EQ(bikes.subject, "bicycles");
    EXPECT_EQ(bikes.condition.permission, Permission::Forbidden);
    EXPECT_EQ(surveyQuestionOf("In how many letters are bicycles allowed?").condition.permission,
              Permission::Allowed);
    EXPECT_EQ(surveyQuestionOf("哪些通知禁止停车？").condition.permission, Permission::Forbidden);
    EXPECT_EQ(surveyQuestionOf("哪些通知允许停车？").condition.permission, Permission::Allowed);
    EXPECT_EQ(surveyQuestionOf("Which letters mention bicycles?").condition.permission,
              Permission::None);
}

TEST(SurveyCondition, EachPartOfASentenceAllowsOrForbidsItsOwn) {
    const auto said = [](const char* sentence, const char* subject) {
        return permissionIn(sentence, retrieval::SentenceMatcher(subject));
    };
    for (const char* sentence :
         {"Bicycles are welcome.", "Skates and bicycles are permitted.", "You may bring bicycles.",
          "Bicycles are not forbidden.", "Skates are not allowed, but bicycles are welcome."}) {
        EXPECT_EQ(said(sentence, "bicycles"), Permission::Allowed) << sentence;
    }
    for (const char* sentence :
         {"Bicycles are not allowed.", "No bicycles.", "No bicycles are permitted in the hall.",
          "Bicycles may not be left here.", "The house prohibits bicycles.",
          "Bicycles must not lean on the wall.", "Skates are allowed, bicycles are not."}) {
        EXPECT_EQ(said(sentence, "bicycles"), Permission::Forbidden) << sentence;
    }
    EXPECT_EQ(said("Bicycles are repaired on Mondays.", "bicycles"), Permission::None);
    EXPECT_EQ(said("此处禁止停车。", "停车"), Permission::Forbidden);
    EXPECT_EQ(said("此处不允许停车。", "停车"), Permission::Forbidden);
    EXPECT_EQ(said("此处允许停车。", "停车"), Permission::Allowed);
}

TEST(SurveyCondition, AYearBelongsToItsVerb) {
    std::string subject = "expires 2026";
    const SurveyCondition expires = takeCondition(subject);
    EXPECT_EQ(expires.year, "2026");
    EXPECT_EQ(subject, "expires 2026");
    for (const char* sentence :
         {"It expires on 3 June 2026.", "It was issued in 2024 and expires in 2026.",
          "It expires in 2025 or 2026.", "On 3 June 2026 it expires.", "It expires 2026-06-03."}) {
        EXPECT_TRUE(isYearOfVerb(sentence, expires)) << sentence;
    }
    for (const char* sentence : {"It was issued in 2026 and expires in 2029.",
                                 "It expires in 2025; a new one came in 2026.",
                                 "Issued on 4 May 2026 and expires after two years."}) {
        EXPECT_FALSE(isYearOfVerb(sentence, expires)) << sentence;
    }
}

TEST(SurveyQuestion, AsksEachDocument) {
    const SurveyQuestion compared = surveyQuestionOf("Compare the delivery dates of all offers.");
    EXPECT_EQ(compared.kind, SurveyKind::List);
    EXPECT_TRUE(compared.isOfEach && compared.isSure);
    EXPECT_EQ(compared.place, "offers");
    EXPECT_EQ(surveyQuestionOf("Which offer has the lowest price?").place, "offer");
    EXPECT_EQ(surveyQuestionOf("What is in my documents?").kind, SurveyKind::Summarise);
    EXPECT_EQ(surveyQuestionOf("Tell me every amount in the offers").kind, SurveyKind::List);
    for (const char* question :
         {"一共有多少份租船协议？", "共有几封邮件？", "每份协议的租金是多少？",
          "哪份协议的租金最低？", "邮件里提到哪些城市？"}) {
        EXPECT_TRUE(asksAboutEverything(question)) << question;
    }
    EXPECT_EQ(surveyQuestionOf("共有几封邮件？").subject, "");
}

class SurveyTest : public testing::Test {
protected:
    void SetUp() override {
        storage::OpenOptions open;
        open.analyzer = retrieval::analyze;
        open.inMemory = true;
        auto opened = storage::Database::open({}, open);
        ASSERT_TRUE(opened.has_value()) << opened.error().detail;
        m_database = std::move(*opened);
        m_collection = m_database->documents().createCollection("all").value_or(0);
    }

    /// A document whose chunks are its pages' paragraphs.
    DocumentId add(const std::string& name, const std::string& text) {
        storage::DocumentStore& store = m_database->documents();
        const DocumentId id = store.ensureDocument(m_collection, "/docs/" + name).value_or(0);
        storage::DocumentContent content;
        content.title = name;
        content.sha256 = text;  // equal for equal texts, as hashes are
        content.pages.push_back({1, text});
        for (std::size_t start = 0; start < text.size();) {
            const std::size_t end = std::min(text.find("\n\n", start), text.size());
            content.chunks.push_back({.page = 1, .startByte = start, .endByte = end});
            start = std::min(end + 2, text.size());
        }
        EXPECT_TRUE(store.storeContent(id, content).has_value());
        return id;
    }
    SurveyFindings survey(const std::string& question, const SurveyHooks& hooks = {}) {
        auto found = runSurvey(*m_database, surveyQuestionOf(question), {m_collection}, hooks);
        EXPECT_TRUE(found.has_value());
        return found.value_or(SurveyFindings{});
    }

    std::unique_ptr<storage::Database> m_database;
    CollectionId m_collection = 0;
};

TEST_F(SurveyTest, ListsWhatAllowsAndWhatForbids) {
    add("a.txt", "Bicycles are not allowed in the yard.");
    add("b.txt", "Skates and bicycles are welcome.");
    add("c.txt", "Bicycles are repaired here.");
    const auto listed = [&](const std::string& question) {
        std::vector<std::string> titles;
        for (const SurveyedDocument& each : survey(question).documents) {
            titles.push_back(each.title);
        }
        return titles;
    };
    EXPECT_THAT(listed("Which documents allow bicycles?"), ElementsAre("b.txt"));
    EXPECT_THAT(listed("Which documents do not allow bicycles?"), ElementsAre("a.txt"));
    EXPECT_THAT(listed("Which documents mention bicycles?"),
                ElementsAre("a.txt", "b.txt", "c.txt"));
}

TEST_F(SurveyTest, AYearCountsForItsVerbAlone) {
    add("a.txt", "The offer begins on 2 May 2024 and ends on 1 May 2026.");
    add("b.txt", "The offer begins on 2 May 2022 and ends on 1 May 2024.");
    const SurveyFindings found = survey("Which documents end in 2024?");
    ASSERT_EQ(found.documents.size(), 1u);
    EXPECT_EQ(found.documents[0].title, "b.txt");
}

TEST_F(SurveyTest, OneOfTheWordsBesideOrIsEnough) {
    add("a.txt", "A collection is a set of folders.");
    add("b.txt", "The model is small.");
    add("c.txt", "Nothing of the kind.");
    EXPECT_EQ(survey("How many documents mention a collection or a model?").documents.size(), 2U);
}

TEST_F(SurveyTest, ReadsOnlyTheFileThatIsNamed) {
    add("notes.docx", "It begins on 2026-10-15.");
    add("other_notes.docx", "It ended on 2020-01-01.");
    add("release notes.txt", "It was on 2021-02-02.");
    const SurveyFindings found = survey("List all dates in Notes.docx");
    EXPECT_EQ(found.nDocumentsRead, 1);
    ASSERT_EQ(found.values.size(), 1U);
    EXPECT_EQ(found.values.begin()->first, "2026-10-15");
    EXPECT_EQ(found.place, "Notes.docx");
    EXPECT_EQ(survey("List all dates in missing.docx").nDocumentsRead, 0);
}

TEST_F(SurveyTest, ASideThatNoSentenceSaysInFullIsLookedForInFewerWords) {
    add("a.txt", "A hotel in Norway costs 140 euros.");
    add("b.txt", "In Germany it is 120 euros.");
    const SurveyFindings found =
        survey("Compare hotels in Norway with expensive hotels in Germany");
    EXPECT_THAT(found.sides, ElementsAre("hotels Norway", "Germany"));
    ASSERT_EQ(found.documents.size(), 2U);
    EXPECT_EQ(found.documents[1].nMatches[1], 1);
}

TEST_F(SurveyTest, CountsInEveryPassageAndReadsCopiesOnce) {
    add("a.txt", "The key is red.\n\nNo door.\n\nTwo keys. One more key.");
    add("b.txt", "Nothing.");
    add("c.txt", "The key is red.\n\nNo door.\n\nTwo keys. One more key.");
    const SurveyFindings found = survey("How many documents mention keys?");
    EXPECT_TRUE(found.isComplete);
    EXPECT_EQ(found.nDocumentsRead, 2);
    EXPECT_EQ(found.nPassagesRead, 4);
    ASSERT_EQ(found.documents.size(), 1U);
    EXPECT_EQ(found.documents[0].nMatches[0], 3);
    EXPECT_EQ(found.documents[0].nMatchingPassages, 2);
    ASSERT_EQ(found.skipped.size(), 1U);
    EXPECT_THAT(found.skipped[0].second, HasSubstr("the same as /docs/a.txt"));
}

TEST_F(SurveyTest, EveryLineOfTheReportOpensItsPassage) {
    add("a.txt", "Intro.\n\nThe release is on 15 October 2026. It moved from 2026-09-01.");
    add("b.txt", "Released again on 2026-10-15, as agreed.");
    const SurveyFindings found = survey("List all dates");
    ASSERT_EQ(found.values.size(), 2U);
    EXPECT_EQ(found.values.at("2026-10-15").count, 2);
    const auto report =
        reportSurvey(m_database->documents(), surveyQuestionOf("List all dates"), found, false);
    ASSERT_TRUE(report.has_value());
    ASSERT_EQ(report->citations.size(), 3U);
    for (const StoredCitation& citation : report->citations) {
        EXPECT_TRUE(citation.supported);
        EXPECT_EQ(
            report->text.substr(citation.answerStart, citation.answerEnd - citation.answerStart),
            "[" + std::to_string(citation.passage) + "]");
        const StoredPassage& passage =
            report->passages.at(static_cast<std::size_t>(citation.passage) - 1);
        const auto pages = m_database->documents().pages(*passage.document);
        ASSERT_TRUE(pages.has_value());
        EXPECT_EQ(
            pages->at(0).text.substr(citation.quoteStart, citation.quoteEnd - citation.quoteStart),
            citation.quote);
    }
    EXPECT_THAT(report->text, HasSubstr("Read 2 documents, 3 passages: all of them."));
}

TEST_F(SurveyTest, GoesOnWhereItWasStopped) {
    add("a.txt", "The key is red.");
    add("b.txt", "The key is blue.");
    add("c.txt", "The key is green.");
    std::stop_source stop;
    stop.request_stop();
    const std::string question = "How many documents mention keys?";
    const SurveyFindings none = survey(question, {{}, stop.get_token()});
    EXPECT_FALSE(none.isComplete);
    EXPECT_EQ(none.nDocumentsRead, 0);
    // As it would be after two documents: what was read is not read again.
    const auto generation = m_database->documents().generation();
    ASSERT_TRUE(generation.has_value());
    SurveyCheckpoint checkpoint(*m_database, surveyQuestionOf(question), {m_collection},
                                *generation);
    SurveyFindings half;
    half.nDocumentsRead = 2;
    half.nPassagesRead = 70;
    half.documents.resize(2);
    half.documents[1].items.push_back(
        {.chunk = 7, .startByte = 1, .endByte = 5, .text = "text", .value = {}});
    ASSERT_TRUE(checkpoint.save(2, half).has_value());
    const SurveyFindings all = survey(question);
    EXPECT_TRUE(all.isComplete);
    EXPECT_EQ(all.nDocumentsRead, 3);
    EXPECT_EQ(all.nPassagesRead, 71);
    ASSERT_EQ(all.documents.size(), 3U);
    EXPECT_EQ(all.documents[1].items.at(0).text, "text");
    const auto kept = m_database->settings().get("survey.checkpoint");
    ASSERT_TRUE(kept.has_value());
    EXPECT_TRUE(!kept->has_value() || (*kept)->is_null()) << "a finished survey leaves nothing";
}

TEST_F(SurveyTest, ComparesBothSidesAndWhatSaysBoth) {
    add("a.txt", "Norway is cold.\n\nGermany is green. Norway and Germany trade.");
    const SurveyFindings found = survey("Compare Norway with Germany");
    ASSERT_EQ(found.documents.size(), 1U);
    EXPECT_THAT(found.documents[0].nMatches, ElementsAre(1, 1, 1));
}

TEST_F(SurveyTest, BothSidesSayWhatIsCompared) {
    add("a.txt", "Report for the autumn season\nThe harvest was 40 tons. Ada left.");
    add("b.txt", "Report for the spring season\nThe harvest was 55 tons. It rained.");
    add("c.txt", "The autumn season was wet.");
    const SurveyFindings found = survey("Compare the harvest of the autumn and spring seasons");
    ASSERT_EQ(found.documents.size(), 2U);
    EXPECT_THAT(found.documents[0].nMatches, ElementsAre(1, 0, 0));
    EXPECT_THAT(found.documents[0].items[0].text, testing::HasSubstr("40 tons"));
    EXPECT_THAT(found.documents[1].nMatches, ElementsAre(0, 1, 0));
    EXPECT_THAT(found.documents[1].items[0].text, testing::HasSubstr("55 tons"));
    EXPECT_THAT(
        survey("Compare the harvest of the autumn and winter seasons").documents[0].nMatches,
        ElementsAre(1, 0, 0));
}

TEST_F(SurveyTest, WhatIsComparedMayHeadAColumn) {
    add("a.txt", "| Boat | Crew size |\n| --- | --- |\n| Tern | 4 |\n| Gull | 6 |\n| Auk | 9 |");
    const SurveyFindings found = survey("Compare the crew size of Tern and Auk");
    ASSERT_EQ(found.documents.size(), 1U);
    EXPECT_THAT(found.documents[0].nMatches, ElementsAre(1, 1, 0));
    EXPECT_THAT(found.documents[0].items[1].text, testing::HasSubstr("9"));
}

TEST_F(SurveyTest, ReadsOnlyDocumentsThatAreNamed) {
    add("contract-1.txt", "Signed by Anna Berg.");
    add("letter.txt", "Written by Carl Dahl.");
    const SurveyFindings found = survey("List all people in the contract");
    EXPECT_EQ(found.nDocumentsRead, 1);
    EXPECT_EQ(found.place, "contract");
    EXPECT_EQ(found.values.size(), 1U);
    EXPECT_TRUE(found.values.contains("Anna Berg"));
}

TEST_F(SurveyTest, AFileNameLeavesNoneOutWhoseTextSaysThePlace) {
    add("contract1.txt", "Contract with Shanghai Trading Ltd.");
    add("contract_berlin.txt", "Contract with Berlin Metal Ltd.");
    add("supply.txt", "On supply. Contract with Munich AG about Shanghai.");
    add("letter.txt", "We met in Shanghai.");
    const SurveyFindings shanghai = survey("Which contracts mention Shanghai?");
    ASSERT_EQ(shanghai.documents.size(), 2U);
    EXPECT_EQ(shanghai.documents[0].title, "contract1.txt");
    EXPECT_EQ(shanghai.documents[1].title, "supply.txt");
    EXPECT_TRUE(shanghai.isPlaceInText);
    EXPECT_THAT(accountOf(shanghai, false), HasSubstr("whose name or text says “contracts”"));
    EXPECT_EQ(survey("How many contracts are there?").documents.size(), 3U);
}

TEST_F(SurveyTest, WhatTheNamedOnesDoNotSayIsLookedForInAll) {
    add("code_notes.txt", "Nothing here.");
    add("main.txt", "The functions are open and close.");
    const SurveyFindings found = survey("Which notes mention functions?");
    ASSERT_EQ(found.documents.size(), 1U);
    EXPECT_EQ(found.documents[0].title, "main.txt");
    EXPECT_EQ(found.nDocumentsRead, 2);
    EXPECT_EQ(found.place, "");
}

TEST_F(SurveyTest, AFolderThatIsNamedIsReadAlone) {
    add("code/a.txt", "Signed by Anna Berg.");
    add("b.txt", "The code is by Carl Dahl.");
    const SurveyFindings named = survey("List all people in the code folder");
    EXPECT_EQ(named.nDocumentsRead, 1);
    EXPECT_EQ(named.values.size(), 1U);
    EXPECT_EQ(survey("List all people in the code").nDocumentsRead, 2);
}

TEST_F(SurveyTest, SaysWhatItLeftOutOfWhatWasAskedFor) {
    add("contract-1.txt", "Signed by Anna Berg.");
    storage::DocumentStore& store = m_database->documents();
    for (const char* name : {"/docs/contract-2.pdf", "/docs/letter.pdf"}) {
        const DocumentId id = store.ensureDocument(m_collection, name).value();
        ASSERT_TRUE(store.setDocumentState(id, storage::DocumentState::Failed,
                                           "it is too large; save less of it", 1, 1));
    }
    const std::string question = "List all people in the contract";
    const auto report = reportSurvey(store, surveyQuestionOf(question), survey(question), false);
    ASSERT_TRUE(report.has_value());
    EXPECT_THAT(report->text, HasSubstr("Read 1 of 2 documents, 1 passage."));
    EXPECT_THAT(report->text, HasSubstr("Left out: contract-2.pdf (it is too large)."));
}

TEST(Counts, AreReadInGroups) {
    EXPECT_EQ(counted(1, "page", "pages"), "1 page");
    EXPECT_EQ(counted(999, "page", "pages"), "999 pages");
    EXPECT_EQ(counted(1000, "page", "pages"), "1,000 pages");
    EXPECT_EQ(grouped(1234567U), "1,234,567");
    EXPECT_EQ(grouped(-123456), "-123,456");
}

}  // namespace
}  // namespace conclave::services
