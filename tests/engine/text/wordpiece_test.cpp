// WordPiece against llama.cpp's tokens: tests/parity/make_encoder_golden.py.
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/gguf/gguf_file.h"
#include "engine/tokenizer/tokenizer.h"

namespace conclave::engine {
namespace {

const std::filesystem::path kParity = std::filesystem::path(CONCLAVE_TEST_SOURCE) / "tests/parity";

std::unique_ptr<const Tokenizer> loadBert() {
    auto tokenizer = Tokenizer::load(GgufFile::open(kParity / "bert.gguf").value());
    EXPECT_TRUE(tokenizer) << tokenizer.error().detail;
    return std::move(*tokenizer);
}

TEST(WordPiece, GivesLlamaCppsTokens) {
    const auto tokenizer = loadBert();
    std::ifstream file(kParity / "wordpiece.jsonl");
    int n = 0;
    for (std::string line; std::getline(file, line); ++n) {
        const auto golden = nlohmann::json::parse(line);
        EXPECT_EQ(tokenizer->encode(golden.at("text").get<std::string>(), {.addBos = false}),
                  golden.at("ids").get<std::vector<TokenId>>())
            << line;
    }
    EXPECT_EQ(n, 23);
}

TEST(WordPiece, TakesApartHangulAsBertDoes) {
    // Not as llama.cpp, which keeps the first letter of a syllable and drops the others.
    const auto tokenizer = loadBert();
    const auto tokens = tokenizer->encode("\uAC01 x", {.addBos = false});
    ASSERT_EQ(tokens.size(), 2u);  // one unknown word, though of three letters
    EXPECT_EQ(tokenizer->tokenText(tokens[0]), "[UNK]");
}

TEST(WordPiece, DropsAccentsHoweverTheyAreWritten) {
    const auto tokenizer = loadBert();
    EXPECT_EQ(tokenizer->encode("CAF\u00C9", {}), tokenizer->encode("cafe\u0301", {}));
}

TEST(WordPiece, KnowsItsMarks) {
    const auto tokenizer = loadBert();
    EXPECT_EQ(tokenizer->encode("hello", {}).front(), tokenizer->bos());
    EXPECT_EQ(tokenizer->tokenText(tokenizer->bos()), "[CLS]");
    EXPECT_EQ(tokenizer->tokenText(tokenizer->textEnd()), "[SEP]");
    EXPECT_EQ(tokenizer->decode(tokenizer->encode("unaffable hello", {.addBos = false}), false),
              " unaffable hello");
}

TEST(WordPiece, TakesAnyBytes) {
    const auto tokenizer = loadBert();
    std::mt19937 random(1);
    for (int i = 0; i < 2000; ++i) {
        std::string text(random() % 40, '\0');
        for (char& c : text) c = static_cast<char>(random());
        for (const TokenId token : tokenizer->encode(text, {})) {
            ASSERT_GE(token, 0);
            ASSERT_LT(token, tokenizer->vocabularySize());
        }
    }
}

}  // namespace
}  // namespace conclave::engine
