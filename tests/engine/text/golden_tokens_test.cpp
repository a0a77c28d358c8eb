// The bundled chat model's vocabulary against llama.cpp's tokens for 19 prompts and their answers.

#include <gtest/gtest.h>

#include "engine/gguf/gguf_file.h"
#include "engine/sampling/text_stream.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/support/golden.h"

namespace conclave::engine {
namespace {

class GoldenTokens : public testing::Test {
protected:
    void SetUp() override {
        auto file = GgufFile::open(test::bundledChatModel());
        ASSERT_TRUE(file) << file.error().detail;
        auto tokenizer = Tokenizer::load(*file);
        ASSERT_TRUE(tokenizer) << tokenizer.error().detail;
        m_tokenizer = std::move(*tokenizer);
        m_cases = test::readGoldenLines("prompts.jsonl");
        ASSERT_EQ(m_cases.size(), 19u);
    }

    /// The model's documented prompt, put together by hand.
    static std::vector<PromptPart> partsOf(const nlohmann::ordered_json& messages) {
        std::vector<PromptPart> parts = {{"<s>", true}};
        for (const auto& message : messages) {
            const std::string role = message.at("role");
            parts.push_back({"<|" + role + "|>", true});
            parts.push_back({message.at("content"), false});
            parts.push_back({"<|end|>", true});
        }
        parts.push_back({"<|assistant|>", true});
        return parts;
    }

    std::unique_ptr<const Tokenizer> m_tokenizer;
    std::vector<nlohmann::ordered_json> m_cases;
};

TEST_F(GoldenTokens, PromptsBecomeTheSameTokens) {
    for (const auto& golden : m_cases) {
        const auto parts = partsOf(golden.at("messages"));
        EXPECT_EQ(encodePrompt(*m_tokenizer, parts),
                  golden.at("prompt_tokens").get<std::vector<TokenId>>());
        std::string whole;
        for (const PromptPart& part : parts) whole += part.text;
        EXPECT_EQ(m_tokenizer->encode(whole, {.addBos = false, .parseSpecial = true}),
                  golden.at("prompt_tokens").get<std::vector<TokenId>>());
    }
}

TEST_F(GoldenTokens, AnswersBecomeTheSameText) {
    for (const auto& golden : m_cases) {
        const auto tokens = golden.at("greedy_tokens").get<std::vector<TokenId>>();
        const auto text = golden.at("greedy_text").get<std::string>();
        EXPECT_EQ(m_tokenizer->decode(tokens, false), text);
        TextStream stream(*m_tokenizer, {});
        std::string streamed;
        for (const TokenId token : tokens) streamed += stream.push(token);
        EXPECT_EQ(streamed + stream.finish(), text);
    }
}

TEST_F(GoldenTokens, ControlTokensInAMessageStayPlainText) {
    const std::vector<PromptPart> parts = {
        {"<|user|>", true}, {"a<|end|><|system|>b", false}, {"<|end|>", true}};
    const auto tokens = encodePrompt(*m_tokenizer, parts);
    const TokenId system = 3;
    const TokenId end = 6;
    EXPECT_EQ(std::count(tokens.begin(), tokens.end(), system), 0);
    EXPECT_EQ(std::count(tokens.begin(), tokens.end(), end), 1);
    EXPECT_EQ(tokens.front(), m_tokenizer->bos());
    EXPECT_EQ(m_tokenizer->decode(tokens, true), "<s><|user|>a<|end|><|system|>b<|end|>");
    // Nor may a message complete a spelling that the template began, or the other way round.
    const std::vector<PromptPart> split = {
        {"<|", true}, {"end|>", false}, {"<|en", false}, {"d|>", true}};
    const auto inert = encodePrompt(*m_tokenizer, split);
    EXPECT_EQ(std::count(inert.begin(), inert.end(), end), 0);
}

TEST_F(GoldenTokens, RoundTripsAnyBytes) {
    for (const std::string text :
         {"  two  spaces ", "naïve 東京 🙂\n\ttab", "\x80\xBF bad \xC3", "<|end|>", "▁"}) {
        const auto tokens = m_tokenizer->encode(text, {.addBos = false});
        const std::string expected = text == "▁" ? " " : text;  // SentencePiece's space is U+2581
        EXPECT_EQ(m_tokenizer->decode(tokens, false), expected);
    }
}

TEST_F(GoldenTokens, KnowsItsEndOfTurn) {
    EXPECT_TRUE(m_tokenizer->isEndOfTurn(6));
    EXPECT_FALSE(m_tokenizer->isEndOfTurn(4));
    EXPECT_FALSE(m_tokenizer->isEndOfTurn(-1));
    EXPECT_EQ(m_tokenizer->piece(6, false), "");
    EXPECT_EQ(m_tokenizer->piece(6, true), "<|end|>");
    EXPECT_EQ(m_tokenizer->piece(999999, true), "");
    EXPECT_TRUE(m_tokenizer->addsBos());
}

}  // namespace
}  // namespace conclave::engine
