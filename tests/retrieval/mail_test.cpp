#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/text_samples.h"
#include "base/utf8.h"
#include "retrieval/extractor/mail_message.h"
#include "tests/retrieval/parsed.h"

namespace conclave::retrieval::extractor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Mail, GivesHeadersTextAndNamesOfAttachments) {
    const auto document = parsed(test::kMailSample, "a.eml");
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_EQ(document->mime, "message/rfc822");
    EXPECT_EQ(document->title, "住宿费 and food");
    EXPECT_EQ(document->pages.at(0).text,
              "住宿费 and food\n\nFrom: Jörg <joerg@example.org>\n"
              "To: Ann <ann@example.org>, Bob <bob@example.org>\n"
              "Date: Tue, 5 Mar 2024 10:00:00 +0100\n\n"
              "Hotels cost at most 120 ¤ a night. See Café.\n\n"
              "Attached message: inner\nFrom: c@example.org\n\nForwarded words.\n\n"
              "Attachment: règles.pdf\n");
    ASSERT_EQ(document->headings.size(), 1U);
    EXPECT_EQ(document->headings[0].endByte, std::string("住宿费 and food").size());
}

TEST(Mail, ReadsTextThatIsAttached) {
    const auto document = parsed(
        "Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nSee below.\n--b\n"
        "Content-Type: text/plain; name=\"a.txt\"\nContent-Disposition: attachment; "
        "filename=\"a.txt\"\nContent-Transfer-Encoding: base64\n\nSW52b2ljZSBJTlYtMjA5MzEu\n"
        "--b--\n",
        "a.eml");
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_THAT(document->pages.at(0).text, HasSubstr("Invoice INV-20931."));
    EXPECT_THAT(document->pages.at(0).text, HasSubstr("Attachment: a.txt"));
}

TEST(Mail, TakesTheFormThatSaysMore) {
    const std::string mail =
        "Subject: s\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\nSee HTML.\n--b\n"
        "Content-Type: text/html\n\n<h1>News</h1><p>The long story of the hotel in Berlin.</p>\n"
        "--b--\n";
    const auto document = parsed(mail, "a.eml");
    ASSERT_TRUE(document);
    EXPECT_THAT(document->pages[0].text, HasSubstr("News\n\nThe long story"));
    EXPECT_THAT(document->pages[0].text, Not(HasSubstr("See HTML")));
}

TEST(Mail, ReadsAMailboxMessageByMessage) {
    const auto document = parsed(test::kMboxSample, "a.mbox");
    ASSERT_TRUE(document) << document.error().detail;
    ASSERT_EQ(document->pages.size(), 2U);
    EXPECT_EQ(document->pages[0].text,
              "One\n\nFrom: a@example.org\n\nFirst mail.\nFrom here on it is quoted.\n"
              "From this line nothing begins.\n");
    EXPECT_EQ(document->pages[1].text, "Two\n\nSecond mail\n");
    EXPECT_THAT(document->warnings, ElementsAre(HasSubstr("hide")));
    const auto chunks = chunkDocument(*document);
    ASSERT_EQ(chunks.size(), 2U);
    EXPECT_EQ(chunks[1].heading, "a > Two");
}

TEST(Mail, RefusesWhatIsNone) {
    EXPECT_EQ(parsed("just words\nand more", "a.mbox").error().code, ErrorCode::Corrupt);
    EXPECT_EQ(parsed("just words\nand more", "a.eml").error().code, ErrorCode::Corrupt);
    EXPECT_TRUE(parsed("", "a.mbox"));
}

TEST(Mail, SurvivesHostileParts) {
    // Parts in parts without end, and one boundary for all of them.
    std::string deep = "Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n";
    for (int i = 0; i < 20'000; ++i) deep += "--b\nContent-Type: multipart/mixed; boundary=b\n\n";
    const auto start = std::chrono::steady_clock::now();
    const auto document = parsed(deep, "a.eml");
    ASSERT_TRUE(document) << document.error().detail;
    std::string nested = "Subject: s\n";
    for (int i = 0; i < 200; ++i) {
        const std::string name = "b" + std::to_string(i);
        nested += "Content-Type: multipart/mixed; boundary=" + name + "\n\n--" + name + "\n";
    }
    const auto cut = parsed(nested + "\nend", "a.eml");
    ASSERT_TRUE(cut);
    EXPECT_THAT(cut->warnings, ElementsAre(HasSubstr("too many parts")));
    std::string words = "Subject: ";
    for (int i = 0; i < 100'000; ++i) words += "=?a?q?";
    EXPECT_TRUE(parsed(words + "\n\nx", "a.eml"));
    std::string mbox;
    for (int i = 0; i < 100'001; ++i) mbox += "From a\nA: b\n\n";
    EXPECT_EQ(parsed(mbox, "a.mbox").error().code, ErrorCode::LimitExceeded);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(Mail, EncodedWordsAreJoinedBeforeTheyAreDecoded) {
    EXPECT_EQ(decodeEncodedWords("=?utf-8?B?5L2P5a4=?= =?utf-8?B?vw==?="), "住宿")
        << "a character is cut between two words";
    EXPECT_EQ(decodeEncodedWords("a =?utf-8?Q?b_c?= d =?x?q?"), "a b c d =?x?q?");
    EXPECT_EQ(decodeEncodedWords("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?="), "日本");
    EXPECT_EQ(decodeMailText("na\xEFve", "iso-8859-1"), "naïve");
    EXPECT_EQ(decodeMailText("naïve", "iso-8859-1"), "naïve") << "what is UTF-8 is believed";
    EXPECT_TRUE(isValidUtf8(decodeMailText("na\xEFve", "no-such-charset")));
}

TEST(Mail, TellsWhatIsEncrypted) {
    const auto document =
        parsed("Subject: s\nContent-Type: application/pkcs7-mime; name=smime.p7m\n\nAAAA", "a.eml");
    ASSERT_TRUE(document);
    EXPECT_THAT(document->warnings, ElementsAre(HasSubstr("1 encrypted parts")));
}

}  // namespace
}  // namespace conclave::retrieval::extractor
