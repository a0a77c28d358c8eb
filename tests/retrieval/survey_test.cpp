#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retrieval/retrieval.h"

namespace conclave::retrieval {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> sentences(std::string_view text) {
    std::vector<std::string> found;
    for (const TextSpan& span : sentenceSpans(text)) {
        found.emplace_back(text.substr(span.startByte, span.endByte - span.startByte));
    }
    return found;
}

std::vector<std::string> values(Pattern pattern, std::string_view text) {
    std::vector<std::string> found;
    for (const PatternMatch& match : findPattern(pattern, text)) {
        EXPECT_LT(match.span.startByte, match.span.endByte);
        EXPECT_LE(match.span.endByte, text.size());
        found.push_back(match.value);
    }
    return found;
}

std::vector<std::string> matches(std::string_view words, std::string_view text,
                                 std::string_view context = {}) {
    std::vector<std::string> found;
    for (const TextSpan& span : SentenceMatcher(words).match(context, text)) {
        found.emplace_back(text.substr(span.startByte, span.endByte - span.startByte));
    }
    return found;
}

TEST(SentenceSpans, CutAtSentencesAndAtLinesThatStandAlone) {
    EXPECT_THAT(
        sentences("# Keys\n\nMarta has them. They are\nred.\n- one\n- two\nA | B\n"),
        ElementsAre("# Keys", "Marta has them.", "They are\nred.", "- one", "- two", "A | B"));
    EXPECT_THAT(sentences("钥匙由王磊保管。门在左边。"),
                ElementsAre("钥匙由王磊保管。", "门在左边。"));
    EXPECT_THAT(sentences(" \n\n"), IsEmpty());
}

TEST(SentenceSpans, ALetterBehindANumberIsNoInitial) {
    EXPECT_EQ(sentenceSpans("It uses the cartridge AT-310X. A cartridge lasts. See plan B.").size(),
              3U);
    EXPECT_EQ(sentenceSpans("It was written by J. R. Smith in May.").size(), 1U);
}

TEST(SentenceMatcher, OneOfTheWordsBesideOrIsEnough) {
    const auto matches = [](std::string_view words) {
        return SentenceMatcher(words).match("", "A red key. A blue door. A green roof.").size();
    };
    EXPECT_EQ(matches("key or roof"), 2U);
    EXPECT_EQ(matches("key roof"), 0U);
    EXPECT_EQ(matches("\"key or roof\""), 0U);
    EXPECT_EQ(SentenceMatcher("钥匙或门").match("", "红色的钥匙。蓝色的门口。").size(), 2U);
}

TEST(SentenceMatcher, FindsEveryInflectionAndNeedsEveryWord) {
    constexpr std::string_view kText =
        "Keys are red. The spare key is here. A spare tyre. He spares the keys.";
    EXPECT_THAT(matches("spare key", kText),
                ElementsAre("The spare key is here.", "He spares the keys."));
    EXPECT_THAT(matches("of the", kText), ElementsAre()) << "stop words alone ask for nothing";
    EXPECT_THAT(matches("\"spare key\"", kText), ElementsAre("The spare key is here."));
}

TEST(SentenceMatcher, ContextSaysWhatTheSentenceNeedNot) {
    EXPECT_THAT(matches("printer toner", "Toner lasts long.", "The printer"),
                ElementsAre("Toner lasts long."));
    EXPECT_THAT(matches("printer", "Toner lasts long.", "The printer"), IsEmpty())
        << "a title alone is no statement";
}

TEST(SentenceMatcher, FindsChineseWords) {
    constexpr std::string_view kText = "备用钥匙由王磊保管。匙子在厨房。门的钥匙丢了。";
    EXPECT_THAT(matches("钥匙", kText), ElementsAre("备用钥匙由王磊保管。", "门的钥匙丢了。"));
    EXPECT_THAT(matches("门", kText), ElementsAre("门的钥匙丢了。"));
}

TEST(FindPattern, KnowsDatesInEveryForm) {
    EXPECT_THAT(values(Pattern::Date,
                       "2026-10-15, 15.10.2026, 10/15/2026, 15 October 2026, October 15th, 2026, "
                       "2026年10月15日, 9 September, Oct 2026, 2026年9月"),
                ElementsAre("2026-10-15", "2026-10-15", "2026-10-15", "2026-10-15", "2026-10-15",
                            "2026-10-15", "--09-09", "2026-10", "2026-09"));
    EXPECT_THAT(values(Pattern::Date, "version 1.2.3, 2026-13-40, May I, 99/99/9999, 12345-10-15"),
                IsEmpty());
}

TEST(FindPattern, KnowsAddressesAndNumbers) {
    EXPECT_THAT(values(Pattern::Email, "Write to Anna.Berg@Example.ORG. Not a@b or @home."),
                ElementsAre("anna.berg@example.org"));
    EXPECT_THAT(values(Pattern::WebAddress, "See https://example.org/a?b=c. Or www.example.com!"),
                ElementsAre("https://example.org/a?b=c", "www.example.com"));
    EXPECT_THAT(values(Pattern::Phone, "Call +49 30 1234567 or 13800138000, not 2026-10-15."),
                ElementsAre("+49301234567", "13800138000"));
    EXPECT_THAT(values(Pattern::Percentage, "12.5 % and 3 percent, 7 of 10"),
                ElementsAre("12.5 %", "3 %"));
    EXPECT_THAT(values(Pattern::Money, "€ 1,200 and 95 euros, 40 people, 300元, $2.5 million"),
                ElementsAre("1,200 EUR", "95 EUR", "300 CNY", "2.5 million USD"));
    EXPECT_THAT(values(Pattern::Name, "When Marta Veldhuis met José Díaz in Bergen on May Day."),
                ElementsAre("Marta Veldhuis", "José Díaz"));
}

TEST(FindPattern, SurvivesEveryCutOfItsInput) {
    constexpr std::string_view kText = "＄5 €7 2026年1 José +4 a@b.c https:// 12% Marta V 元";
    for (int pattern = 0; pattern <= static_cast<int>(Pattern::Name); ++pattern) {
        for (std::size_t end = 0; end <= kText.size(); ++end) {
            values(static_cast<Pattern>(pattern), kText.substr(0, end));
            values(static_cast<Pattern>(pattern), kText.substr(end));
        }
    }
}

TEST(KeySentences, TellMostAndNotTheSameTwice) {
    const std::vector<std::string_view> texts = {
        "The printer uses the toner cartridge AT-310. The printer uses the toner cartridge "
        "AT-310. The warranty of the printer lasts three years. Ask Bob.",
        ""};
    const auto key = keySentences(texts, 2);
    ASSERT_EQ(key.size(), 2U);
    std::vector<std::string> told;
    for (const KeySentence& each : key) {
        told.emplace_back(
            texts[each.text].substr(each.span.startByte, each.span.endByte - each.span.startByte));
    }
    EXPECT_THAT(told, ElementsAre("The printer uses the toner cartridge AT-310.",
                                  "The warranty of the printer lasts three years."));
    EXPECT_THAT(keySentences(texts, 0), IsEmpty());
}

}  // namespace
}  // namespace conclave::retrieval
