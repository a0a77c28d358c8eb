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

TEST(PreTokenizer, KnowsWhichModelsBeginWithBos) {
    for (const char* name : {"llama-bpe", "pixtral", "midm-2.0", "tekken", "chameleon"}) {
        EXPECT_TRUE(PreTokenizer::find(name)->addsBos()) << name;
    }
    for (const char* name : {"default", "qwen2", "kimi-k2", "gpt-4o"}) {
        EXPECT_FALSE(PreTokenizer::find(name)->addsBos()) << name;
    }
}

TEST(PreTokenizer, GroupsAnEndlessNumberInOneGo) {
    const std::string digits(300'001, '7');
    for (const char* name : {"afmoe", "tiny_aya", "superbpe"}) {
        const auto words = wordsOf(*PreTokenizer::find(name), digits);
        ASSERT_EQ(words.size(), 100'001U) << name;
        EXPECT_EQ(words.front(), "7");
        EXPECT_EQ(words.back(), "777");
    }
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
