#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retrieval/retrieval.h"

namespace conclave::retrieval {
namespace {

class CitationsTest : public testing::Test {
protected:
    CitationsTest() {
        add("Employees may book second class train tickets without approval. Flights longer than "
            "six hours need approval from the department head. Receipts must be handed in within "
            "30 days.");
        add("The office in Tallinn opens at 8:30. The spare keys are kept by Marta Veldhuis.");
        add("住宿费每晚不超过500元。出差前须经部门经理批准。");
    }
    void add(const std::string& text) {
        Passage passage;
        passage.number = static_cast<int>(m_passages.size()) + 1;
        passage.startByte = 1000;
        passage.endByte = 1000 + text.size();
        passage.text = text;
        m_passages.push_back(passage);
    }
    /// The only citation of an answer; its span is checked against its quote.
    Citation only(const std::string& answer) {
        const auto found = checkCitations(answer, m_passages);
        EXPECT_EQ(found.size(), 1U) << answer;
        if (found.empty()) return {};
        checkSpan(found.front());
        return found.front();
    }
    void checkSpan(const Citation& citation) {
        if (!citation.supported) {
            EXPECT_EQ(citation.quoteStart, citation.quoteEnd);
            EXPECT_TRUE(citation.quote.empty());
            return;
        }
        const auto index = static_cast<std::size_t>(citation.passage) - 1;
        ASSERT_LT(index, m_passages.size());
        EXPECT_EQ(m_passages[index].text.substr(citation.quoteStart - 1000,
                                                citation.quoteEnd - citation.quoteStart),
                  citation.quote);
    }
    std::vector<Passage> m_passages;
};

TEST_F(CitationsTest, AcceptsASentenceWordForWord) {
    const Citation citation = only("The spare keys are kept by Marta Veldhuis. [2]");
    EXPECT_TRUE(citation.supported);
    EXPECT_EQ(citation.quote, "The spare keys are kept by Marta Veldhuis.");
    EXPECT_EQ(citation.answerStart, 43U);
    EXPECT_EQ(citation.answerEnd, 46U);
}

TEST_F(CitationsTest, AcceptsBareValues) {
    EXPECT_EQ(only("8:30 [2]").quote, "8:30");
    EXPECT_EQ(only("Marta Veldhuis [2]").quote, "Marta Veldhuis");
    EXPECT_EQ(only("30 days [1]").quote, "30 days");
    EXPECT_EQ(only("500元[3]").quote, "500元");
}

TEST_F(CitationsTest, AcceptsAParaphrase) {
    const Citation citation = only(
        "According to the policy, flights of more than six hours need the department head's "
        "approval [1].");
    EXPECT_TRUE(citation.supported);
    EXPECT_NE(citation.quote.find("six hours need approval"), std::string::npos);
    EXPECT_TRUE(only("住宿费不超过每晚500元【3】").supported);
}

TEST_F(CitationsTest, RefusesACopyWithAGarbledWord) {
    EXPECT_FALSE(only("The spare keys are íster by Marta Veldhuis. [2]").supported);
    EXPECT_FALSE(
        only("Flights longer than six hours need pass from the department head. [1]").supported);
    EXPECT_FALSE(
        only("Employees may book second dry train tickets without approval [1].").supported);
    EXPECT_FALSE(only("dry the spare keys [2]").supported);
    EXPECT_FALSE(only("office Tallinn opens weigh down [2]").supported);
}

TEST_F(CitationsTest, RefusesASentenceMadeOfTwo) {
    add("To add a model, drop its file on the window. You can also add a folder, and every model "
        "in it becomes available. The travel desk in Trondheim is open on working days.");
    for (const char* answer : {"To add a folder, and every model in it becomes available. [4]",
                               "And a folder, and every model in it becomes available. [4]",
                               "Drop its file on the window is open on working days. [4]",
                               "Working days, and every model in it becomes available. [4]"}) {
        EXPECT_FALSE(only(answer).supported) << answer;
    }
    for (const char* answer :
         {"You can also add a folder, and every model in it becomes available. [4]",
          "You can add a folder, and every model in it becomes available. [4]",
          "Add a folder, and every model in it becomes available. [4]",
          "The travel desk is open on working days. [4]", "It is open on working days. [4]",
          "The desk in Trondheim is open on working days. [4]",
          "Yes, the travel desk in Trondheim is open on working days. [4]",
          "Second class train tickets may be booked without approval. [1]",
          "According to the rules, the spare keys are kept by Marta Veldhuis. [2]"}) {
        EXPECT_TRUE(only(answer).supported) << answer;
    }
}

TEST_F(CitationsTest, RefusesWordsOfTwoSentencesUnderOneSubject) {
    add("Dana Whitlock informs the landlord of the Lisbon office by 20 May 2025.\n"
        "The contract with Allweather was signed on 2 May 2025.\n"
        "The pump is old. It was bought in Graz.");
    const std::string made = "The landlord was signed the Lisbon office by 20 May 2025. [4]";
    EXPECT_FALSE(only(made).supported);
    EXPECT_FALSE(isCopied(made, m_passages));
    EXPECT_FALSE(isCopied("Allweather informs Dana Whitlock of the contract. [4]", m_passages));
    EXPECT_TRUE(isCopied("The contract with Allweather was signed on 2 May 2025. [4]", m_passages));
    EXPECT_TRUE(isCopied("Dana Whitlock informs the landlord by 20 May 2025.", m_passages));
    EXPECT_TRUE(isCopied("The pump was bought in Graz.", m_passages));
    EXPECT_FALSE(isCopied("The pump was signed on 2 May 2025.", m_passages));
}

TEST_F(CitationsTest, LeavesOutNumbersWithoutAPassage) {
    const auto without = [&](std::string_view answer) {
        return withoutUnknownCitations(answer, m_passages);
    };
    EXPECT_EQ(without("The keys are here [9]. The office opens at 8:30. [2]"),
              "The keys are here. The office opens at 8:30. [2]");
    EXPECT_EQ(without("Here [1, 9] and there 【7】。"), "Here [1] and there。");
    EXPECT_EQ(withoutUnknownCitations("Hello! [1]", {}), "Hello!");
    for (const char* kept : {"Set `a[7]` first. [1]", "```\na = b[9]\n```",
                             "[8](https://x.example)", "Nothing cited."}) {
        EXPECT_EQ(without(kept), kept);
    }
}

TEST_F(CitationsTest, RefusesOtherNumbersNamesAndPassages) {
    EXPECT_FALSE(only("Receipts must be handed in within 60 days. [1]").supported);
    EXPECT_FALSE(only("The spare keys are kept by Jonas Veldhuis. [2]").supported);
    EXPECT_FALSE(only("The spare keys are kept by Marta Veldhuis. [1]").supported);
    EXPECT_FALSE(only("住宿费每晚不超过800元。[3]").supported);
    EXPECT_FALSE(only("The moon is made of cheese. [1]").supported);
}

TEST_F(CitationsTest, RefusesTheOpposite) {
    EXPECT_FALSE(only("Receipts must not be handed in within 30 days. [1]").supported);
    EXPECT_FALSE(only("住宿费每晚超过500元。[3]").supported);
}

TEST_F(CitationsTest, ANumberWithoutPassageIsKept) {
    const Citation citation = only("The office opens at 8:30. [9]");
    EXPECT_EQ(citation.passage, 9);
    EXPECT_FALSE(citation.supported);
}

TEST_F(CitationsTest, SeveralNumbersShareTheSentence) {
    const std::string answer = "The spare keys are kept by Marta Veldhuis [1][2]. Yes [1, 2].";
    const auto found = checkCitations(answer, m_passages);
    ASSERT_EQ(found.size(), 4U);
    EXPECT_FALSE(found[0].supported);
    EXPECT_TRUE(found[1].supported);
    EXPECT_EQ(answer.substr(found[3].answerStart, found[3].answerEnd - found[3].answerStart), "2");
    EXPECT_FALSE(found[2].supported) << "a claim of no word of the passage";
}

TEST_F(CitationsTest, EachSentenceIsJudgedAlone) {
    const auto found = checkCitations(
        "The office in Tallinn opens at 8:30. [2] Receipts must be handed in within 30 days. [1]\n"
        "- It never closes [2]",
        m_passages);
    ASSERT_EQ(found.size(), 3U);
    EXPECT_TRUE(found[0].supported);
    EXPECT_TRUE(found[1].supported);
    EXPECT_EQ(found[1].quote, "Receipts must be handed in within 30 days.");
    EXPECT_FALSE(found[2].supported);
}

TEST_F(CitationsTest, LinksAndOtherBracketsAreNone) {
    EXPECT_TRUE(
        checkCitations("a[i] [x] [1](https://example.org) [12345] [ ] [", m_passages).empty());
    EXPECT_FALSE(only("[1]").supported);
}

TEST_F(CitationsTest, CorrectsANumberToThePassageThatSaysIt) {
    EXPECT_EQ(reattribute("The spare keys are kept by Marta Veldhuis. [1] Nobody knows more. [9]",
                          m_passages),
              "The spare keys are kept by Marta Veldhuis. [2] Nobody knows more. [9]");
    EXPECT_EQ(reattribute("住宿费每晚不超过500元【1】。", m_passages),
              "住宿费每晚不超过500元【3】。");
    EXPECT_EQ(reattribute("The office in Tallinn opens at 8:30 [12].", m_passages),
              "The office in Tallinn opens at 8:30 [2].");
    EXPECT_EQ(reattribute("The spare keys are kept by Marta Veldhuis. [1][2][3]", m_passages),
              "The spare keys are kept by Marta Veldhuis. [2][3]");
}

TEST_F(CitationsTest, LeavesNumbersThatHoldAndThoseItCannotTell) {
    for (const char* answer :
         {"The spare keys are kept by Marta Veldhuis. [2]", "The spare keys are kept by Jonas. [1]",
          "The spare keys are kept by Marta Veldhuis. [1, 2]", "See [1](https://example.org).", "",
          "[1]", "No citation here."}) {
        EXPECT_EQ(reattribute(answer, m_passages), answer);
    }
}

TEST_F(CitationsTest, CorrectsAGrowingAnswerAlike) {
    const std::string answer =
        "The spare keys are kept by Marta Veldhuis. [1] Receipts must be handed in within 30 "
        "days. [2] Flights longer than six hours need approval [3].";
    const std::string corrected = reattribute(answer, m_passages);
    EXPECT_THAT(corrected, testing::HasSubstr("Veldhuis. [2] Receipts"));
    for (std::size_t end = answer.find(']') + 1; end != 0; end = answer.find(']', end) + 1) {
        EXPECT_TRUE(corrected.starts_with(reattribute(answer.substr(0, end), m_passages)));
    }
}

}  // namespace
}  // namespace conclave::retrieval
