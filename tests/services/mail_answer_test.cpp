#include "app/services/survey/mail_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/services/survey/mail_question.h"
#include "tests/services/stored_texts.h"

namespace conclave::services {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(MailQuestion, SaysWhoAndWhen) {
    struct Case {
        std::string question, from, to;
        int first = DayRange::kNoFirst;
        int behind = DayRange::kNoLast;
    };
    for (const Case& each : std::vector<Case>{
             {"List all emails from Helen Marsh", "Helen Marsh", ""},
             {"List all emails to Urs Baumann", "", "Urs Baumann"},
             {"How many emails from Lee?", "Lee", ""},
             {"How many emails did Urs Baumann write?", "Urs Baumann", ""},
             {"How many emails did Urs Baumann receive?", "", "Urs Baumann"},
             {"How many emails were sent to the bank by Helen?", "Helen", "bank"},
             {"Which emails did Lee send to Urs before 1 April 2024?", "Lee", "Urs", 0, 20240401},
             {"List all emails before 1 April 2024", "", "", 0, 20240401},
             {"How many emails in March 2024?", "", "", 20240301, 20240401},
             {"Who sent emails in May 2024?", "", "", 20240501, 20240601},
             {"李娜写了几封邮件？", "李娜", ""},
             {"王伟收到多少封邮件？", "", "王伟"},
             {"列出李娜发给王伟的所有邮件", "李娜", "王伟"},
             {"来自李娜的邮件有几封？", "李娜", ""},
             {"2024年3月有多少封邮件？", "", "", 20240301, 20240401},
             {"谁在2024年5月发了邮件？", "", "", 20240501, 20240601}}) {
        const auto asked = mailQuestionOf(each.question);
        ASSERT_TRUE(asked.has_value()) << each.question;
        EXPECT_EQ(asked->unread, "") << each.question;
        EXPECT_EQ(asked->from, each.from) << each.question;
        EXPECT_EQ(asked->to, each.to) << each.question;
        const DayRange days = asked->days.value_or(DayRange{});
        EXPECT_EQ(days.from, each.first) << each.question;
        EXPECT_EQ(days.until, each.behind) << each.question;
        EXPECT_EQ(asked->isWhoSent,
                  each.question.starts_with("Who") || each.question.starts_with("谁"))
            << each.question;
    }
}

TEST(MailQuestion, LeavesWhatMessagesSayAlone) {
    for (const char* question :
         {"How many emails are there?", "What did the email from Lee say?",
          "Which emails mention a deposit?", "How many emails ask to renew the lease?",
          "Who sent the email about the rent?", "List all letters from Helen Marsh",
          "有多少封邮件？", "提到李娜的邮件有哪些？"}) {
        EXPECT_FALSE(mailQuestionOf(question).has_value()) << question;
    }
    for (const char* question :
         {"List all emails from Lee about the budget", "How many emails did I send to Lee?"}) {
        const auto asked = mailQuestionOf(question);
        ASSERT_TRUE(asked.has_value()) << question;
        EXPECT_NE(asked->unread, "") << question;
    }
}

TEST(MailHeaders, AreTheLinesAboveTheText) {
    const MailHeaders headers = mailHeadersOf(
        "From: here\n\nFrom: Lee <lee@a.org>\nTo: u@b.org\nDate: Mon, 4 Mar 2024 09:12:00 +0100\n\n"
        "Cc: is a word of the text\n");
    EXPECT_EQ(headers.subject, "From: here");
    EXPECT_EQ(headers.from, "Lee <lee@a.org>");
    EXPECT_EQ(headers.cc, "");
    EXPECT_EQ(headers.day, 20240304);
    EXPECT_EQ(mailHeadersOf("Hello\n\nno lines").endByte, 0U);
    EXPECT_TRUE(namesPerson("\"Marsh, Hélène\" <h@a.org>, u@b.org", "helene marsh"));
    EXPECT_TRUE(namesPerson("helen.marsh@a.org", "Helen Marsh"));
    EXPECT_FALSE(namesPerson("Helen Lees <h@a.org>, Urs Marsh <u@a.org>", "Helen Marsh"));
    EXPECT_FALSE(namesPerson("Ann Leeds <ann@lee.org>", "Lee"));
}

class MailAnswerTest : public StoredTexts {
protected:
    void add(const std::string& name, const std::vector<std::string>& messages) {
        storage::DocumentContent content;
        content.title = name;
        content.mime = "application/mbox";
        content.sha256 = name;
        int number = 0;
        for (const std::string& message : messages) {
            content.pages.push_back({++number, message});
            content.chunks.push_back({.page = number, .startByte = 0, .endByte = message.size()});
        }
        keep(m_collection, name, content);
    }
    std::string ask(const std::string& question) {
        const auto answer = answerFromMail(store(), question, {m_collection}, {});
        EXPECT_TRUE(answer.has_value());
        if (!answer || !*answer) return {};
        m_nCitations = (*answer)->report.citations.size();
        return (*answer)->report.text;
    }

    const CollectionId m_collection = collection("all");
    std::size_t m_nCitations = 0;
};

TEST_F(MailAnswerTest, ReadsTheHeadersAlone) {
    add("box.mbox",
        {"Budget\n\nFrom: Helen Marsh <helen@a.org>\nTo: Urs Baumann <urs@b.org>\nDate: Mon, 4 Mar "
         "2024 09:12:00 +0100\n\nDear Urs,\nsee you on 5 May 2024.\n",
         "Re: Budget\n\nFrom: Urs Baumann <urs@b.org>\nTo: Helen Marsh <helen@a.org>\nDate: Fri, 3 "
         "May 2024 10:00:00 +0200\n\nDear Helen Marsh,\nfine. From: nobody\n",
         "Lunch\n\nFrom: 李娜 <lina@c.cn>\nTo: Helen Marsh <helen@a.org>\nCc: urs@b.org\nDate: "
         "Tue, 14 May 2024 08:00:00 +0800\n\nAm 1 March 2024 war viel los.\n",
         "Draft without headers\n"});
    keep(m_collection, "faq.txt", contentOf("faq.txt", "The FAQ of March 2024, from Helen Marsh."));
    const std::string from = ask("List all emails from Helen Marsh");
    EXPECT_THAT(from, HasSubstr("**1 of 4 messages** is from “Helen Marsh”:\n\n- **Budget**, Mon, "
                                "4 Mar 2024"));
    EXPECT_THAT(from, HasSubstr("1 message lacks a header line"));
    EXPECT_THAT(from, Not(HasSubstr("faq")));
    EXPECT_EQ(m_nCitations, 1U);
    EXPECT_THAT(ask("How many emails did Urs Baumann receive?"), HasSubstr("**1 of 4 messages**"))
        << "the address alone says no Baumann";
    EXPECT_THAT(ask("How many emails to urs@b.org?"), HasSubstr("**2 of 4 messages** are to"));
    EXPECT_THAT(ask("List all emails before 1 April 2024"),
                HasSubstr("**1 of 4 messages** is dated before 2024-04-01:\n\n- **Budget**"));
    const std::string who = ask("Who sent emails in May 2024?");
    EXPECT_THAT(who, HasSubstr("**Urs Baumann \\<urs@b.org>**: 1 message"));
    EXPECT_THAT(who, Not(HasSubstr("Budget\n")));
    EXPECT_THAT(ask("李娜写了几封邮件？"), HasSubstr("由“李娜”发出的有 **1** 封：\n\n- **Lunch**"));
    EXPECT_THAT(ask("How many emails did Lee write?"), HasSubstr("**0 of 4 messages** are from"));
    EXPECT_THAT(ask("List all emails from Helen Marsh about lunch"),
                HasSubstr("nothing was counted"));
}

TEST_F(MailAnswerTest, IsSilentWithoutMailFiles) {
    keep(m_collection, "a.txt", contentOf("a.txt", "From: Lee\nTo: Urs\n\nA letter.\n"));
    EXPECT_EQ(ask("How many emails from Lee?"), "");
}

}  // namespace
}  // namespace conclave::services
