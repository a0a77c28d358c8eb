#include "engine/tokenizer/pre_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/golden.h"

namespace conclave::engine {
namespace {

std::vector<std::string> wordsOf(const PreTokenizer& preTokenizer, std::string_view text) {
    std::vector<std::string> words;
    preTokenizer.split(text, [&](std::string_view word) { words.emplace_back(word); });
    return words;
}

TEST(PreTokenizer, CutsAsThePublishedPatternsDo) {
    const auto goldens = test::readGoldenLines("pre_tokenizers.jsonl");
    ASSERT_GE(goldens.size(), 300u);
    for (const auto& golden : goldens) {
        const auto preTokenizer = PreTokenizer::find(golden.at("pre").get<std::string>());
        ASSERT_TRUE(preTokenizer) << preTokenizer.error().detail;
        const auto expected = golden.at("words").get<std::vector<std::string>>();
        std::string text;
        for (const std::string& word : expected) text += word;
        EXPECT_EQ(wordsOf(*preTokenizer, text), expected) << golden.at("pre") << ": " << text;
    }
}

TEST(PreTokenizer, LosesNoInvalidBytes) {
    const auto preTokenizer = PreTokenizer::find("llama-bpe");
    ASSERT_TRUE(preTokenizer);
    const std::string text = "a\xFF\xC3 \xE4\xBD b\x80";
    std::string joined;
    for (const std::string& word : wordsOf(*preTokenizer, text)) joined += word;
    EXPECT_EQ(joined, text);
    EXPECT_TRUE(wordsOf(*preTokenizer, "").empty());
}

TEST(PreTokenizer, NamesAnUnknownScheme) {
    const auto unknown = PreTokenizer::find("frobnicate");
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, ErrorCode::Unsupported);
    EXPECT_THAT(unknown.error().detail, testing::HasSubstr("\"frobnicate\""));
    EXPECT_FALSE(PreTokenizer::find(""));
    EXPECT_FALSE(PreTokenizer::find("gpt-2 phi-2"));
}

}  // namespace
}  // namespace conclave::engine
