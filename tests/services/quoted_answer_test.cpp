// A sentence of the documents for an answer: where there is one, and above all where there is none.
#include "app/services/quoted_answer.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/services/answer_check.h"
#include "app/services/asked_document.h"
#include "app/services/other_values.h"
#include "app/services/passage_list.h"
#include "app/services/said_in_text.h"

namespace conclave::services {
namespace {

using testing::HasSubstr;

StoredPassage passageOf(std::string title, std::string heading, std::string text) {
    StoredPassage passage;
    passage.path = "/docs/" + title + ".txt";
    passage.title = std::move(title);
    passage.heading = std::move(heading);
    passage.startByte = 100;
    passage.endByte = 100 + text.size();
    passage.text = std::move(text);
    return passage;
}

/// A harbour's.
std::vector<StoredPassage> harbour() {
    return {
        passageOf(
            "Regulations", "Regulations > Hours",
            "The harbour office is open from 8:00 to 16:30 on weekdays. On Saturdays it closes "
            "at noon. The harbour master is Ingrid Halvorsen. Her deputy is Tomas Wielgosz. "
            "In an emergency call 0451 778 112. Speed in the basin must not exceed 3 knots. "
            "The basin is dredged to a depth of 3.5 metres."),
        passageOf("Lease agreement", "",
                  "The lessee insures the contents. The lessor insures the building. Either party "
                  "may terminate the lease with nine months' notice. The tenant pays a deposit of "
                  "5,550 euros."),
        passageOf("Board meeting, 4 November 2025", "",
                  "Present: Birgit Aasland, Henrik Dahl. Absent: Carl Voss. The crane cost 31,000 "
                  "euros."),
        passageOf("Crane inspection", "", "The hook should be replaced. It costs 340 euros."),
        passageOf("Work", "", "Date | Boat | Hours\nDate: 2025-02-03 | Boat: Triton | Hours: 6\n"),
        passageOf("Bootshaus", "",
                  "Das Grillen auf der Terrasse ist verboten. Nach 22 Uhr gilt Nachtruhe. Die "
                  "Kaution für den Schlüssel beträgt 50 Euro. Vorsitzende ist Helga Stromberg."),
        passageOf("Bail de l'appartement", "",
                  "Le loyer est de 870 euros par mois. La locataire est Mme Claire Dumont."),
        passageOf("俱乐部简介", "", "年费为2600元，学生会员减半。"),
    };
}

/// A farm's papers: nothing that any rule was made for.
std::vector<StoredPassage> farm() {
    return {
        passageOf("Milking parlour", "Milking parlour > Cleaning",
                  "The pipes are rinsed with hot water twice a day. The filter is replaced every "
                  "four weeks. Anneke Visser orders the filters from Dairytec."),
        passageOf("Tractor TX-90", "Tractor TX-90 > Service",
                  "The tractor TX-90 holds 14 litres of engine oil. It needs new tyres after 3,000 "
                  "hours. The warranty of the TX-90 lasts five years. Fault F-7 means that the "
                  "cooling fan is blocked."),
        passageOf("Staff notes", "Staff notes > Spring",
                  "The veterinary visit was moved to 4 May 2027 because the road was flooded. The "
                  "barn key hangs behind the feed chest. Milk is collected before six in the "
                  "morning. Present: Pieter Bakker, Anneke Visser."),
        passageOf("Rules", "Rules > Visitors",
                  "Visitors must wear overshoes in the stable. A group of more than ten visitors "
                  "needs the approval of the owner. An animal is insured by Agrisure."),
        passageOf("值班记录", "值班记录",
                  "备用钥匙由陈静保管。挤奶每天需要四十分钟。新的打印机放在三楼。"),
    };
}

std::string quoted(const std::string& question) {
    const std::vector<StoredPassage> passages = farm();
    const auto found = quoteFor(question, passages);
    return found ? found->quote : std::string();
}

TEST(QuotedAnswer, UnderstandsWhatASentenceSaysInOtherWords) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"When does the harbour office close on Saturdays?", "closes at noon"},
        {"Who is the deputy harbour master?", "Tomas Wielgosz"},
        {"What is the emergency number?", "0451 778 112"},
        {"What is the speed limit in the basin?", "3 knots"},
        {"How deep is the basin dredged?", "3.5 metres"},
        {"Who insures the building?", "The lessor insures the building"},
        {"Who insures the contents?", "The lessee insures the contents"},
        {"What is the notice period of the lease?", "nine months"},
        {"How high is the deposit?", "5,550"},
        {"Who was absent at the board meeting?", "Carl Voss"},
        {"Ist Grillen erlaubt?", "verboten"},
        {"Ab wann gilt Nachtruhe?", "22 Uhr"},
        {"Wie hoch ist die Kaution für den Schlüssel?", "50 Euro"},
        {"Wer ist Vorsitzende?", "Helga Stromberg"},
        {"Quel est le loyer de l'appartement ?", "870 euros"},
        {"Qui est la locataire ?", "Claire Dumont"},
        {"年费是多少？", "2600元"},
    };
    const std::vector<StoredPassage> passages = harbour();
    for (const auto& [question, words] : cases) {
        const auto found = quoteFor(question, passages);
        EXPECT_THAT(found ? found->quote : "", HasSubstr(words)) << question;
    }
    for (const std::string question :
         {"How long is the Triton?", "Who insures the boats?", "What is the weight limit?",
          "How deep is the well?", "Ist Rauchen erlaubt?", "Wer ist Kassenwart?",
          "Wie hoch ist die Miete?", "Qui est le garant ?", "会员是多少？"}) {
        const auto found = quoteFor(question, passages);
        EXPECT_FALSE(found) << question << ": " << (found ? found->quote : "");
    }
}

TEST(QuotedAnswer, IsOfTheNumberedThingThatIsAsked) {
    const std::vector<StoredPassage> papers{passageOf(
        "Register", "",
        "The boiler 1411 in Graz is kept by Þóra Šimek.\n\nThe kiln 1412 in Málaga is kept "
        "by Jonas Okafor. It was bought in 2021.")};
    const auto said = [&](const char* question) {
        const auto found = quoteFor(question, papers);
        return found ? found->quote : std::string();
    };
    EXPECT_THAT(said("Who keeps the boiler 1411?"), HasSubstr("Þóra Šimek"));
    EXPECT_THAT(said("Who keeps the kiln 1412?"), HasSubstr("Jonas Okafor"));
    EXPECT_EQ(said("When was the boiler 1411 bought?"), "");
    EXPECT_THAT(said("When was the kiln 1412 bought?"), HasSubstr("2021"));
}

TEST(QuotedAnswer, TakesNoPriceOfAnotherThingForAnotherPrice) {
    const std::vector<StoredPassage> passages = harbour();
    const auto quoted = quoteFor("What did the crane cost?", passages);
    ASSERT_TRUE(quoted);
    EXPECT_THAT(quoted->quote, HasSubstr("31,000"));
    EXPECT_TRUE(
        otherValuesThan(quoted->citation, "What did the crane cost?", quoted->passages).empty());
}

TEST(QuotedAnswer, QuotesTheSentenceThatSaysWhatIsAsked) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"How often are the pipes rinsed?", "twice a day"},
        {"How often is the filter replaced?", "every four weeks"},
        {"Who orders the filters?", "Anneke Visser"},
        {"How many litres of engine oil does the tractor TX-90 hold?", "14 litres"},
        {"How long does the warranty of the TX-90 last?", "five years"},
        {"What does fault F-7 mean?", "cooling fan is blocked"},
        {"When is the veterinary visit?", "4 May 2027"},
        {"Why was the veterinary visit moved?", "because the road was flooded"},
        {"Where is the barn key?", "behind the feed chest"},
        {"When is the milk collected?", "before six"},
        {"What must visitors wear in the stable? Answer briefly.", "overshoes"},
        {"Who covers an animal?", "insured by Agrisure"},
    };
    for (const auto& [question, words] : cases) {
        EXPECT_THAT(quoted(question), HasSubstr(words)) << question;
    }
}

TEST(QuotedAnswer, SilentWhereTheSubjectIsThereAndTheAnswerIsNot) {
    for (const char* question : {"What does the tractor TX-90 cost?",
                                 "How much is the tractor?",
                                 "What is the salary of Anneke Visser?",
                                 "Where does Anneke Visser live?",
                                 "Who is the owner of the tractor?",
                                 "How many visitors came in May 2027?",
                                 "How many animals live in the stable?",
                                 "When was the barn built?",
                                 "Who moved the feed chest?",
                                 "What colour is the tractor TX-90?",
                                 "How heavy is the tractor TX-90?",
                                 "How long does a veterinary visit last?",
                                 "What is the phone number of Pieter Bakker?",
                                 "Who repaired the cooling fan?",
                                 "When was Agrisure founded?",
                                 "Why is the barn key behind the feed chest?",
                                 "What is the capital of Peru?",
                                 "Who invented milk?",
                                 "Where is the tractor?",
                                 "Hello",
                                 "thanks",
                                 ""}) {
        EXPECT_EQ(quoted(question), "") << question;
    }
}

TEST(QuotedAnswer, KnowsAnIrregularVerbAndACommonSynonym) {
    const std::vector<StoredPassage> passages = {
        passageOf("Notes", "",
                  "The spare keys are kept by Marta Veldhuis. The ladder was bought "
                  "for 140 euros. The archive was deleted in March.")};
    EXPECT_THAT(quoteFor("Who keeps the spare keys?", passages)->quote, HasSubstr("Marta"));
    EXPECT_THAT(quoteFor("When was the archive removed?", passages)->quote, HasSubstr("March"));
    EXPECT_FALSE(quoteFor("What did the ladder weigh?", passages));
}

TEST(QuotedAnswer, AWordMayStandInTheHeadingOrInTheSentenceBefore) {
    const std::vector<StoredPassage> passages = {
        passageOf("Printer", "Printer > Wireless network", "The password is on the sticker."),
        passageOf("Manual", "",
                  "The Aurelia 310 is a laser printer. It prints 28 pages per "
                  "minute.")};
    EXPECT_EQ(quoteFor("What is the password of the wireless network?", passages), std::nullopt)
        << "a third of the words is too little";
    EXPECT_EQ(quoteFor("What is the wireless password?", passages)->quote,
              "The password is on the sticker.");
    EXPECT_EQ(quoteFor("How many pages per minute does the Aurelia 310 print?", passages)->quote,
              "The Aurelia 310 is a laser printer. It prints 28 pages per minute.");
}

TEST(QuotedAnswer, OneWordIsDefinedByTheSentenceThatBeginsWithIt) {
    const std::vector<StoredPassage> passages = {
        passageOf("Guide", "",
                  "You can open a collection. A collection is a set of folders. "
                  "Unsupported means that the passage does not say it.")};
    EXPECT_EQ(quoteFor("What is a collection?", passages)->quote,
              "A collection is a set of folders.");
    EXPECT_THAT(quoteFor("What does unsupported mean?", passages)->quote,
                HasSubstr("does not say it"));
}

TEST(QuotedAnswer, WhoDidItStandsToTheVerb) {
    const std::vector<StoredPassage> club = {passageOf(
        "Club", "",
        "The jetty was repaired in autumn, and Ann Berg saw it. The jetty was built by Tom Ode.")};
    EXPECT_EQ(quoteFor("Who repaired the jetty?", club), std::nullopt);
    const std::vector<StoredPassage> house = {
        passageOf("Tea house", "", "The tea house was bought from an uncle in 2016.")};
    EXPECT_EQ(quoteFor("Where is the tea house?", house), std::nullopt);
    EXPECT_EQ(quoteFor("Who built the jetty?", club)->quote, "The jetty was built by Tom Ode.");
    const std::vector<StoredPassage> named = {passageOf("说明", "",
                                                        "云雀系统由许多模块组成，并由社区维护。"
                                                        "云雀系统的创建过程由文档记录下来。")};
    EXPECT_EQ(quoteFor("云雀系统是由谁创建的？", named), std::nullopt);
    EXPECT_EQ(quoteFor("云雀系统是什么时候创建的？", named), std::nullopt);
    const std::vector<StoredPassage> library = {
        passageOf("青石图书馆简介", "",
                  "青石图书馆由教师林月华于1958年创建，位于河东路12号。"
                  "副馆长是许晓梅，馆长是周建国。年度预算为120万元。")};
    for (const char* question : {"青石图书馆是由谁创建的？", "谁创建了青石图书馆？",
                                 "青石图书馆是哪一年创建的？", "青石图书馆在哪里？"}) {
        const auto found = quoteFor(question, library);
        ASSERT_TRUE(found) << question;
        EXPECT_THAT(found->quote, HasSubstr("林月华于1958年")) << question;
    }
    EXPECT_THAT(quoteFor("青石图书馆的馆长是谁？", library)->quote, HasSubstr("馆长是周建国"));
    EXPECT_EQ(quoteFor("青石图书馆的会计是谁？", library), std::nullopt);
    EXPECT_EQ(quoteFor("青石图书馆的预算是多少？", library)->quote, "年度预算为120万元。");
}

TEST(QuotedAnswer, OfTwoThatAreOfferedOneIsSaid) {
    const std::vector<StoredPassage> passages = {
        passageOf("Club", "",
                  "The jetty was opened in June 2022. The yearly fee is 180 euros. "
                  "The boats are red and green.")};
    EXPECT_EQ(quoteFor("Was the jetty opened in June or in July 2022?", passages)->quote,
              "The jetty was opened in June 2022.");
    EXPECT_EQ(quoteFor("Is the yearly fee 180 or 240 euros?", passages)->quote,
              "The yearly fee is 180 euros.");
    EXPECT_EQ(quoteFor("Was the jetty opened in May or in July 2022?", passages), std::nullopt);
    EXPECT_FALSE(isOfKindAskedFor("Is the fee 180 or 240 euros?", "The deposit is 90 euros."));
    EXPECT_TRUE(isOfKindAskedFor("Is the fee 180 or 240 euros?", "The fee is 180 euros."));
    EXPECT_EQ(quoteFor("Are the boats red or green?", passages), std::nullopt) << "both are said";
}

TEST(QuotedAnswer, ACodeIsWhatStandsBehindItsKind) {
    const std::vector<StoredPassage> passages = {
        passageOf("Boiler", "", "E42: The water pressure is too low.\nE57: The flue is blocked.")};
    EXPECT_THAT(quoteFor("What does error E42 mean?", passages)->quote, HasSubstr("pressure"));
    EXPECT_EQ(quoteFor("What does error E43 mean?", passages), std::nullopt);
}

TEST(QuotedAnswer, ATextFileIsCalledByItsFirstLine) {
    std::vector<StoredPassage> passages = {
        passageOf("", "", "Tarn Rowing Club\n\nThe club was founded by Edith Marlowe in 1931.")};
    passages[0].startByte = 0;
    EXPECT_EQ(quoteFor("Who founded the Tarn Rowing Club?", passages)->quote,
              "The club was founded by Edith Marlowe in 1931.");
    passages[0].text.replace(0, 4, "Wenn");
    EXPECT_EQ(quoteFor("Who founded the Tarn Rowing Club?", passages), std::nullopt);
}

TEST(QuotedAnswer, HowToDoItIsToldByTheSentenceThatBeginsSo) {
    const std::vector<StoredPassage> passages = {
        passageOf("Help", "", "Add a larger model that knows your language."),
        passageOf("Manual", "", "Models\nTo add a model, drop its file on the window, anywhere.")};
    const auto found = quoteFor("How do I add a model?", passages);
    EXPECT_EQ(found->quote, "To add a model, drop its file on the window, anywhere.");
    EXPECT_TRUE(found->isInstruction);
    EXPECT_FALSE(quoteFor("What model do I add?", passages)->isInstruction);
}

TEST(QuotedAnswer, ChineseQuestionsAreComparedByCharactersAndPairs) {
    EXPECT_EQ(quoted("备用钥匙由谁保管？"), "备用钥匙由陈静保管。");
    EXPECT_EQ(quoted("挤奶需要多长时间？"), "挤奶每天需要四十分钟。");
    EXPECT_EQ(quoted("新的打印机放在哪里？"), "新的打印机放在三楼。");
    for (const char* question : {"打印机多少钱？", "陈静的工资是多少？", "打印机是什么颜色？",
                                 "秘鲁的首都是哪里？", "你好"}) {
        EXPECT_EQ(quoted(question), "") << question;
    }
}

TEST(QuotedAnswer, TheCitationSpansTheQuoteAndComesFirst) {
    const std::vector<StoredPassage> passages = farm();
    const auto found = quoteFor("How long does the warranty of the TX-90 last?", passages);
    ASSERT_TRUE(found.has_value());
    const StoredPassage& first = found->passages.front();
    EXPECT_EQ(first.title, "Tractor TX-90");
    EXPECT_EQ(first.number, 1);
    EXPECT_EQ(found->passages.back().number, static_cast<int>(found->passages.size()));
    const StoredCitation& citation = found->citation;
    EXPECT_EQ(citation.passage, 1);
    EXPECT_TRUE(citation.supported);
    EXPECT_EQ(first.text.substr(citation.quoteStart - first.startByte,
                                citation.quoteEnd - citation.quoteStart),
              citation.quote);
    EXPECT_EQ(citation.quote, "The warranty of the TX-90 lasts five years.");
}

TEST(QuotedAnswer, AnAnswerIsOfTheKindThatIsAskedFor) {
    EXPECT_TRUE(isOfKindAskedFor("How many sheets does the tray hold?", "250"));
    EXPECT_TRUE(isOfKindAskedFor("What is the price of a drum unit?", "It costs 80 euros."));
    EXPECT_FALSE(
        isOfKindAskedFor("What is the price of a drum unit?", "The drum unit is worn out."));
    EXPECT_TRUE(isOfKindAskedFor("When is a car booked?", "A car is booked when no train goes."));
    EXPECT_FALSE(isOfKindAskedFor("How long is the warranty?", "The warranty covers the fan."));
    EXPECT_TRUE(isOfKindAskedFor("Who keeps the keys?", "The keys are red."));
    EXPECT_TRUE(isOfKindAskedFor("打印机多少钱？", "新的打印机放在三楼。"));
}

TEST(QuotedAnswer, ACopiedSentenceMustSayMostOfTheQuestion) {
    const StoredPassage notes = passageOf("Notes", "",
                                          "Pieter Bakker will measure the barn by May. "
                                          "The lower shed holds 40 bales of hay.");
    const auto around = [&](std::string_view words) {
        const std::size_t at = notes.text.find(words);
        return retrieval::TextSpan{at, at + words.size()};
    };
    EXPECT_FALSE(saysEnoughOf("When did Pieter Bakker join the company?", notes,
                              around("Pieter Bakker will measure the barn")));
    EXPECT_TRUE(
        saysEnoughOf("How many bales does the lower shed hold?", notes, around("40 bales of hay")));
    EXPECT_TRUE(saysEnoughOf("And the company?", notes, around("40 bales of hay")));
}

TEST(QuotedAnswer, NoHeadingAndNoFragmentIsQuoted) {
    const std::vector<StoredPassage> passages = {
        passageOf("Manual", "",
                  "If you have found a bug in Debian, report it.\n\nTHE DEBIAN ARCHIVES 6.3.\n\n"
                  "Debian is very strict.\n\nDebian archives on m68k mirrors are large."),
        passageOf("手册", "", "6. Debian 档案库\n\n说明书三页。")};
    for (const char* question : {"When was Debian founded?", "What is Debian?", "什么是 Debian？",
                                 "How many mirrors does Debian have?", "Summarize the Debian bug",
                                 "What is Debian about?"}) {
        EXPECT_EQ(quoteFor(question, passages), std::nullopt) << question;
    }
    const std::vector<StoredPassage> english = {
        passageOf("FAQ", "", "Debian is one of several such projects; it is for schools.")};
    EXPECT_EQ(quoteFor("Debian 是什么颜色？", english), std::nullopt);
    EXPECT_TRUE(isFragment("NOTES ON \"THE WASTE LAND\""));
    EXPECT_TRUE(isFragment("Package priorities ........ 12"));
    EXPECT_FALSE(isFragment("Next meeting: 10 June 2025, room Heron."));
    EXPECT_FALSE(isFragment("| Norvik | copper pipe |"));
}

TEST(QuotedAnswer, ANameAnAgeAndATimeAreNotAnyWordOrNumber) {
    const std::vector<StoredPassage> passages = {
        passageOf("Lease", "",
                  "The landlord repairs the boiler. The landlord is Margit Oswald. "
                  "The tenant pays for repairs up to 80 euros each.")};
    EXPECT_EQ(quoteFor("What is the landlord's name?", passages)->quote,
              "The landlord is Margit Oswald.");
    EXPECT_FALSE(isOfKindAskedFor("When does the tenant pay?", "The tenant pays up to 80 euros."));
    EXPECT_TRUE(isOfKindAskedFor("When does the tenant pay?", "The tenant pays on the 3rd."));
    EXPECT_FALSE(isOfKindAskedFor("What is Ilse Kranz's age?", "Ilse Kranz, in flat 6."));
    EXPECT_TRUE(isOfKindAskedFor("How old is Ilse Kranz?", "Ilse Kranz is 60 years old."));
}

TEST(QuotedAnswer, WhatForbidsAnswersWhetherItIsAllowed) {
    const std::vector<StoredPassage> passages = {
        passageOf("Campsite", "",
                  "Open fires are prohibited. Gas stoves may be used on the terrace. Drones above "
                  "250 grams need the consent of the warden. Bring a tent in May. "
                  "Guests are not allowed.")};
    for (const auto& [question, words] : std::vector<std::pair<std::string, std::string>>{
             {"Are open fires allowed?", "prohibited"},
             {"Are guests allowed?", "not allowed"},
             {"Are gas stoves permitted?", "may be used"},
             {"Are drones forbidden?", "consent of the warden"}}) {
        const auto found = quoteFor(question, passages);
        ASSERT_TRUE(found) << question;
        EXPECT_THAT(found->quote, HasSubstr(words));
    }
    EXPECT_EQ(quoteFor("Is a tent allowed?", passages), std::nullopt);
    EXPECT_EQ(quoteFor("Are boats allowed?", passages), std::nullopt);
}

TEST(QuotedAnswer, TheVerbOfWhatGoesWhereIsNoWordOfTheAnswer) {
    const std::vector<StoredPassage> passages = {
        passageOf("Store", "", "Shelf 4 is for paint. Mushrooms are grown on the top shelf.")};
    EXPECT_EQ(quoteFor("What goes on shelf 4?", passages)->quote, "Shelf 4 is for paint.");
    EXPECT_FALSE(quoteFor("What goes on shelf 5?", passages));
}

TEST(QuotedAnswer, AnInstructionForAnotherThingIsNone) {
    const std::vector<StoredPassage> passages = {
        passageOf("Invoices", "Invoices",
                  "To create a reminder, press Remind. To make an invoice, press New and choose "
                  "the customer. An invoice can be made again from a reminder.")};
    EXPECT_THAT(quoteFor("How do I create an invoice?", passages)->quote, HasSubstr("press New"));
    EXPECT_THAT(quoteFor("How can I make a reminder?", passages)->quote, HasSubstr("Remind."));
    const std::string& text = passages[0].text;
    const std::size_t end = text.find('.') + 1;
    EXPECT_FALSE(saysEnoughOf("How do I make a statement?", passages[0], {0, end}));
    EXPECT_TRUE(saysEnoughOf("How do I make a reminder?", passages[0], {0, end}));
}

TEST(QuotedAnswer, WhoSomebodyIsIsToldByTheSentenceThatBeginsSo) {
    const std::vector<StoredPassage> passages = {
        passageOf("Choir", "",
                  "The conductor buys the scores up to 90 euros. The conductor is Ada Lind. "
                  "Treasurer: Ben Moss. The singers meet Carl Dahl on Mondays.")};
    EXPECT_EQ(quoteFor("Who is the conductor?", passages)->quote, "The conductor is Ada Lind.");
    EXPECT_EQ(quoteFor("Who is the treasurer?", passages)->quote, "Treasurer: Ben Moss.");
    EXPECT_FALSE(quoteFor("Who are the singers?", passages));
}

TEST(QuotedAnswer, APlanIsNotSaidToBeDone) {
    const std::vector<StoredPassage> passages = {passageOf(
        "Minutes", "", "Carl Dahl paints the fence by June. The gate was painted by Anna Berg.")};
    EXPECT_TRUE(quoteFor("Who painted the fence?", passages)->isStillToBeDone);
    EXPECT_FALSE(quoteFor("Who painted the gate?", passages)->isStillToBeDone);
    EXPECT_FALSE(quoteFor("Who paints the fence?", passages)->isStillToBeDone);
}

TEST(QuotedAnswer, AChineseDefinitionTellsWhatTheThingIs) {
    const auto quote = [](const std::string& question, const std::string& text) {
        const std::vector<StoredPassage> passages = {passageOf("手册", "", text)};
        const auto found = quoteFor(question, passages);
        return found ? found->quote : std::string();
    };
    for (const char* text : {"它们都不是蒸馏器；它们是锅。", "蒸馏器不是锅炉。",
                             "这是下一代“蒸馏器”的存放处，是新的。", "这台旧的蒸馏器是铜的。",
                             "我们有蒸馏器：两台。蒸馏器是免费的。"}) {
        EXPECT_EQ(quote("蒸馏器是什么？", text), "") << text;
        EXPECT_EQ(quote("什么是“蒸馏器”？", text), "") << text;
    }
    EXPECT_EQ(quote("蒸馏器是什么?", "它不是蒸馏器。蒸馏器是分离液体的设备。"),
              "蒸馏器是分离液体的设备。");
    EXPECT_EQ(quote("请问什么是蒸馏器？", "“蒸馏器”（still）指分离液体的设备。"),
              "“蒸馏器”（still）指分离液体的设备。");
    EXPECT_EQ(quote("什么是蒸馏器？", "这种设备称为蒸馏器。"), "这种设备称为蒸馏器。");
    EXPECT_EQ(quote("蒸馏器的颜色是什么？", "蒸馏器的颜色是红色。"), "蒸馏器的颜色是红色。");
}

TEST(PassageList, BelowADenialStandsOnlyWhatComesNear) {
    std::vector<StoredPassage> passages = farm();
    keepNearest("Write a song about the moon", passages);
    EXPECT_TRUE(passages.empty());
    passages = farm();
    keepNearest("90+3?", passages);
    EXPECT_TRUE(passages.empty());
    passages = farm();
    keepNearest("What is the salary of Anneke Visser?", passages);
    EXPECT_EQ(passages.size(), 2U);
    passages = farm();
    keepNearest("Which animal in the stable won the yearly village race before dawn?", passages);
    EXPECT_LE(passages.size(), 2U);
    passages = farm();
    keepNearest("秘鲁的首都是哪里？", passages);
    EXPECT_EQ(passages.size(), farm().size());
}

TEST(QuotedAnswer, ADenialMayBeUntrueOnlyWhereTheSubjectIsHeld) {
    const std::vector<StoredPassage> passages = farm();
    EXPECT_TRUE(mayBeAnswered("Which fault blocks the cooling fan?", passages));
    EXPECT_TRUE(mayBeAnswered("What if a visitor comes?", passages));
    EXPECT_TRUE(mayBeAnswered("Is the feed chest locked?", passages));
    EXPECT_FALSE(mayBeAnswered("Is the wine cellar locked?", passages));
    EXPECT_FALSE(mayBeAnswered("Can I rinse a parrot?", passages));
    EXPECT_TRUE(mayBeAnswered("备用钥匙是什么？", passages));
    EXPECT_FALSE(mayBeAnswered("秘鲁的首都是哪里？", passages));
    EXPECT_FALSE(mayBeAnswered("What is the salary of Anneke Visser?", passages));
    EXPECT_FALSE(mayBeAnswered("What does the tractor TX-90 cost?", passages));
    EXPECT_FALSE(mayBeAnswered("What is the capital of Peru?", passages));
}

/// Tables as they are read from Markdown, CSV and Word files.
std::vector<StoredPassage> tables() {
    return {
        passageOf("Hosting", "Hosting > Sizes",
                  "We host sites in three sizes.\n\n"
                  "| Plan | Price | Storage | Support |\n| --- | --- | --- | --- |\n"
                  "| Basic | 5 EUR a month | 10 GB | by mail |\n"
                  "| Pro | 12 EUR a month | 100 GB | by phone |\n"
                  "| Team | 40 EUR a month | 1 TB | on site |\n\nContracts end after a year."),
        passageOf("boats", "boats",
                  "Boat | Length | Skipper | Built\n"
                  "Boat: Seeadler | Length: 12 m | Skipper: Jonas Petersen | Built: 1987\n"
                  "Boat: Kormoran | Length: 15 m | Skipper: Lars Iversen | Built: 1962\n"
                  "Boat: Alk | Length: 7 m | Skipper: Lars Iversen | Built: 2001\n"),
        passageOf("Rooms", "Rooms",
                  "Room | Seats | Floor\nOrchid | 12 | third\nTulip | 30 | fifth\n"),
        passageOf("会议室", "会议室",
                  "| 房间 | 座位 | 电话 |\n| --- | --- | --- |\n| 梅厅 | 12 | 4411 |\n"
                  "| 兰厅 | 30 | 4415 |\n"),
    };
}

std::string quotedFrom(const std::vector<StoredPassage>& passages, const std::string& question) {
    const auto found = quoteFor(question, passages);
    return found ? found->quote : std::string();
}

TEST(QuotedAnswer, QuotesTheRowOfATableWithTheNamesOfItsColumns) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"What does the Pro plan cost?", "Plan: Pro · Price: 12 EUR a month"},
        {"How much is the Team plan?", "Price: 40 EUR"},
        {"What is the price of the Team plan?", "Plan: Team · Price: 40 EUR a month"},
        {"How much storage does the Basic plan have?", "Plan: Basic"},
        {"Who is the skipper of the Seeadler?", "Skipper: Jonas Petersen"},
        {"When was the Kormoran built?", "Built: 1962"},
        {"How long is the Alk?", "Length: 7 m"},
        {"Which boat was built in 1987?", "Boat: Seeadler"},
        {"How many seats does the Tulip room have?", "Room: Tulip · Seats: 30"},
        {"On which floor is Orchid?", "Floor: third"},
        {"梅厅有多少座位？", "座位: 12"},
        {"兰厅的电话是多少？", "电话: 4415"},
    };
    for (const auto& [question, expected] : cases) {
        EXPECT_THAT(quotedFrom(tables(), question), HasSubstr(expected)) << question;
    }
}

TEST(QuotedAnswer, ARowIsQuotedByItsVeryBytes) {
    const std::vector<StoredPassage> passages = tables();
    const auto found = quoteFor("What does the Pro plan cost?", passages);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->citation.quote, "| Pro | 12 EUR a month | 100 GB | by phone |");
    EXPECT_EQ(passages[0].text.substr(found->citation.quoteStart - passages[0].startByte,
                                      found->citation.quoteEnd - found->citation.quoteStart),
              found->citation.quote);
}

TEST(QuotedAnswer, NoRowAnswersWhatItsTableDoesNotSay) {
    for (const std::string question :
         {"What does the Gold plan cost?", "Who is the owner of the Seeadler?",
          "When was the Kormoran sold?", "How many windows does the Tulip room have?",
          "What is the price of the plan?", "Which boat is steered by Lars Iversen?",
          "竹厅有多少座位？", "梅厅有多少窗户？"}) {
        EXPECT_EQ(quotedFrom(tables(), question), "") << question;
    }
}

TEST(QuotedAnswer, AsksTextsOfTheOtherLanguageWhatANamedThingIs) {
    const std::vector<StoredPassage> passages = {
        passageOf("Guide", "Guide",
                  "Install Kestrel with your package manager. Kestrel is a small mail server for "
                  "teams. Kestrel Labs was founded by Dorothea Lindqvist."),
        passageOf("说明", "说明",
                  "汤圆是一种用糯米粉做成的甜食。安装 Zephyr 之前请备份。Zephyr 是一个日历程序。"),
    };
    EXPECT_THAT(quotedFrom(passages, "Kestrel 是什么？"), HasSubstr("small mail server"));
    EXPECT_THAT(quotedFrom(passages, "请问什么是Kestrel?"), HasSubstr("small mail server"));
    EXPECT_THAT(quotedFrom(passages, "What is Zephyr?"), HasSubstr("日历程序"));
    EXPECT_THAT(quotedFrom(passages, "What is 汤圆?"), HasSubstr("糯米粉"));
    // What else is asked would have to be translated.
    EXPECT_EQ(quotedFrom(passages, "Kestrel 是什么颜色？"), "");
    EXPECT_EQ(quotedFrom(passages, "Osprey 是什么？"), "");
    EXPECT_EQ(quotedFrom(passages, "What is the capital of Zephyr?"), "");
}

TEST(OtherValues, AreOfOtherDocumentsAndOfTheSameKind) {
    std::vector<StoredPassage> passages = {
        passageOf("plan", "", "The workshop budget is 4,000 EUR."),
        passageOf("minutes", "", "It was agreed that the workshop budget is 5,500 EUR."),
        passageOf("copy", "", "The workshop budget is 4,000 EUR."),
        passageOf("notes", "", "The workshop budget is due on 4 May 2027."),
        passageOf("garden", "", "The garden budget is 900 EUR."),
        passageOf("ranges", "", "The workshop budget is 3,000 EUR or 6,000 EUR."),
    };
    for (std::size_t i = 0; i < passages.size(); ++i) passages[i].number = static_cast<int>(i) + 1;
    const StoredPassage& first = passages.front();
    std::string text = "The workshop budget is 4,000 EUR. [1]";
    std::vector<StoredCitation> citations = {{.answerStart = text.size() - 3,
                                              .answerEnd = text.size(),
                                              .passage = 1,
                                              .quoteStart = first.startByte,
                                              .quoteEnd = first.endByte,
                                              .quote = first.text,
                                              .supported = true}};
    addOtherValues(text, citations, "What is the workshop budget?", passages);
    EXPECT_THAT(text, HasSubstr("(Other documents say otherwise: [2].)"));
    ASSERT_EQ(citations.size(), 2U);
    EXPECT_EQ(citations[1].passage, 2);
    EXPECT_TRUE(citations[1].supported);
    EXPECT_EQ(text.substr(citations[1].answerStart, 3), "[2]");
    EXPECT_THAT(citations[1].quote, HasSubstr("5,500 EUR"));
    EXPECT_EQ(citations[1].quoteEnd - citations[1].quoteStart, citations[1].quote.size());

    std::string unsupported = "The workshop budget is 4,000 EUR. [1]";
    citations = {{.passage = 1, .quote = first.text, .supported = false}};
    addOtherValues(unsupported, citations, "What is the workshop budget?", passages);
    EXPECT_EQ(citations.size(), 1U);
}

}  // namespace
}  // namespace conclave::services
