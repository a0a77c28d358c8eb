// WordPiece against llama.cpp's tokens: tests/parity/make_encoder_golden.py.
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/gguf/gguf_file.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/support/gguf_writer.h"

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

/// The tokens of `text` in a vocabulary with case, by a file that says this of it.
std::vector<std::string> cutWithCase(std::string_view text, std::optional<bool> lowercases,
                                     std::optional<bool> stripsAccents) {
    test::GgufWriter writer;
    writer.set("tokenizer.ggml.model", "bert");
    writer.setStrings("tokenizer.ggml.tokens",
                      {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "\u2581Caf\u00E9", "\u2581caf\u00E9",
                       "\u2581Cafe", "\u2581cafe", "\u2581\uAC01", "\u2581\u1100\u1161\u11A8"});
    for (const auto& [key, value] : std::vector<std::pair<std::string, std::uint32_t>>{
             {"unknown", 1}, {"cls", 2}, {"separator", 3}}) {
        writer.set("tokenizer.ggml." + key + "_token_id", value);
    }
    if (lowercases) writer.set("tokenizer.ggml.normalizer.lowercase", *lowercases);
    if (stripsAccents) writer.set("tokenizer.ggml.normalizer.strip_accents", *stripsAccents);
    const auto path = std::filesystem::path(testing::TempDir()) /
                      ("cased-" + std::to_string(::getpid()) + ".gguf");
    EXPECT_TRUE(writer.write(path));
    const auto tokenizer = Tokenizer::load(GgufFile::open(path).value());
    std::filesystem::remove(path);
    EXPECT_TRUE(tokenizer) << tokenizer.error().detail;
    std::vector<std::string> tokens;
    for (const TokenId token : (*tokenizer)->encode(text, {.addBos = false})) {
        tokens.emplace_back((*tokenizer)->tokenText(token));
    }
    return tokens;
}

TEST(WordPiece, KeepsCaseAndAccentsWhereTheFileSaysSo) {
    const char* const text = "Caf\u00E9 \uAC01";
    using Words = std::vector<std::string>;
    EXPECT_EQ(cutWithCase(text, {}, {}), (Words{"\u2581cafe", "\u2581\u1100\u1161\u11A8"}));
    // Accents go with the case, and syllables of Hangul stay whole where they do not.
    EXPECT_EQ(cutWithCase(text, false, {}), (Words{"\u2581Caf\u00E9", "\u2581\uAC01"}));
    EXPECT_EQ(cutWithCase(text, true, false), (Words{"\u2581caf\u00E9", "\u2581\uAC01"}));
    EXPECT_EQ(cutWithCase(text, false, true), (Words{"\u2581Cafe", "\u2581\u1100\u1161\u11A8"}));
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
