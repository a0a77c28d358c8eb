// Tokenizers on small vocabularies made here, where every rule can be seen.
#include "engine/tokenizer/tokenizer.h"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/utf8.h"
#include "engine/sampling/sampler.h"
#include "engine/tokenizer/byte_trie.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/golden.h"

namespace conclave::engine {
namespace {

using test::GgufWriter;
using testing::HasSubstr;
using Ids = std::vector<TokenId>;

Result<std::unique_ptr<const Tokenizer>> loadTokenizer(const GgufWriter& writer) {
    const auto path = std::filesystem::path(testing::TempDir()) /
                      ("vocabulary-" + std::to_string(::getpid()) + ".gguf");
    EXPECT_TRUE(writer.write(path));
    const auto file = GgufFile::open(path);
    std::filesystem::remove(path);  // the mapping stays
    if (!file) return tl::unexpected(file.error());
    return Tokenizer::load(*file);
}

std::unique_ptr<const Tokenizer> mustLoad(const GgufWriter& writer) {
    auto tokenizer = loadTokenizer(writer);
    EXPECT_TRUE(tokenizer) << tokenizer.error().detail;
    return tokenizer ? std::move(*tokenizer) : nullptr;
}

/// One token of a vocabulary.
struct Entry {
    std::string text;
    float score = 0.0f;
    TokenType type = TokenType::Normal;
};

GgufWriter vocabulary(std::string_view model, const std::vector<Entry>& entries) {
    GgufWriter writer;
    writer.set("general.architecture", "llama");
    writer.set("tokenizer.ggml.model", model);
    std::vector<std::string> texts;
    std::vector<float> scores;
    std::vector<std::int32_t> types;
    for (const Entry& entry : entries) {
        texts.push_back(entry.text);
        scores.push_back(entry.score);
        types.push_back(static_cast<std::int32_t>(entry.type));
    }
    writer.setStrings("tokenizer.ggml.tokens", texts);
    writer.setFloats("tokenizer.ggml.scores", scores);
    writer.setInts("tokenizer.ggml.token_type", types);
    return writer;
}

// ------------------------------------------------------------ SentencePiece BPE

const std::vector<Entry> kSpm = {
    {"<unk>", 0, TokenType::Unknown},    // 0
    {"<s>", 0, TokenType::Control},      // 1
    {"</s>", 0, TokenType::Control},     // 2
    {"<0x0A>", 0, TokenType::Byte},      // 3
    {"\u2581", -9},                      // 4
    {"a", -9},                           // 5
    {"b", -9},                           // 6
    {"c", -9},                           // 7
    {"ab", -1},                          // 8
    {"bc", -2},                          // 9
    {"\u2581ab", -3},                    // 10
    {"abc", -4},                         // 11
    {"aa", -5},                          // 12
    {"<x>", 0, TokenType::UserDefined},  // 13
    {"\u2581\u2581", -6},                // 14
};

TEST(SpmTokenizer, MergesTheBestScoreFirstAndLeftmostOfEquals) {
    GgufWriter writer = vocabulary("llama", kSpm);
    writer.set("tokenizer.ggml.add_space_prefix", false);
    const auto tokenizer = mustLoad(writer);
    const auto encode = [&](std::string_view text) {
        return tokenizer->encode(text, {.addBos = false});
    };
    EXPECT_EQ(encode("abc"), (Ids{11}));     // ab, then ab + c; bc would score less
    EXPECT_EQ(encode("aaa"), (Ids{12, 5}));  // leftmost pair first
    EXPECT_EQ(encode("bcb"), (Ids{9, 6}));
    EXPECT_EQ(encode(" ab"), (Ids{10}));
    EXPECT_EQ(encode("  ab"), (Ids{4, 10}));  // ab and _ab score more than __
    EXPECT_EQ(encode("   "), (Ids{14, 4}));
    EXPECT_EQ(encode(""), Ids{});
}

TEST(SpmTokenizer, FallsBackToBytesOrUnknown) {
    const auto tokenizer = mustLoad(vocabulary("llama", kSpm));
    EXPECT_EQ(tokenizer->encode("\n", {}),
              (Ids{1, 4, 3}));  // BOS and the space before are defaults
    EXPECT_EQ(tokenizer->encode("z", {}), (Ids{1, 4, 0}));
    EXPECT_EQ(tokenizer->piece(3, false), "\n");
}

TEST(SpmTokenizer, PutsASpaceBeforeTextAndTakesItAway) {
    const auto tokenizer = mustLoad(vocabulary("llama", kSpm));
    EXPECT_EQ(tokenizer->encode("ab", {}), (Ids{1, 10}));
    EXPECT_EQ(tokenizer->decode(Ids{1, 10, 10}, false), "ab ab");
    EXPECT_EQ(tokenizer->decode(Ids{1, 10, 10}, true), "<s> ab ab");
    EXPECT_EQ(tokenizer->piece(10, false), " ab");
    EXPECT_EQ(tokenizer->encode("ab</s>ab", {.addBos = false, .parseSpecial = true}),
              (Ids{10, 2, 10}));
}

TEST(SpmTokenizer, ReadsControlTokensOnlyWhereAsked) {
    GgufWriter writer = vocabulary("llama", kSpm);
    writer.set("tokenizer.ggml.add_space_prefix", false);
    const auto tokenizer = mustLoad(writer);
    EXPECT_EQ(tokenizer->encode("a</s>", {.addBos = false, .parseSpecial = true}), (Ids{5, 2}));
    EXPECT_EQ(tokenizer->encode("a</s>", {.addBos = false}), (Ids{5, 0, 0, 0, 0}));
    // User-defined tokens are ordinary vocabulary.
    EXPECT_EQ(tokenizer->encode("a<x>", {.addBos = false}), (Ids{5, 13}));
    EXPECT_TRUE(tokenizer->isEndOfTurn(2));
}

TEST(SpmTokenizer, SplitsUnusedTokensAgain) {
    std::vector<Entry> entries = kSpm;
    entries[8].type = TokenType::Unused;  // ab
    GgufWriter writer = vocabulary("llama", entries);
    writer.set("tokenizer.ggml.add_space_prefix", false);
    const auto tokenizer = mustLoad(writer);
    EXPECT_EQ(tokenizer->encode("ab", {.addBos = false}), (Ids{5, 6}));
    EXPECT_EQ(tokenizer->encode("abc", {.addBos = false}), (Ids{11}));  // through ab
}

TEST(SpmTokenizer, GivesTheSameWithPiecesThatCrossWords) {
    std::vector<Entry> entries = kSpm;
    entries.push_back({"b\u2581", -0.5f});   // 15
    entries.push_back({"b\u2581a", -0.4f});  // 16
    GgufWriter writer = vocabulary("llama", entries);
    writer.set("tokenizer.ggml.add_space_prefix", false);
    const auto tokenizer = mustLoad(writer);
    EXPECT_EQ(tokenizer->encode("ab ab", {.addBos = false}), (Ids{5, 16, 6}));
}

TEST(SpmTokenizer, PutsBosFirstOnce) {
    const auto tokenizer = mustLoad(vocabulary("llama", kSpm));
    EXPECT_EQ(encodePrompt(*tokenizer, std::vector<PromptPart>{{"<s>", true}, {"ab", false}}),
              (Ids{1, 10}));
    EXPECT_EQ(encodePrompt(*tokenizer, std::vector<PromptPart>{{"ab", false}}), (Ids{1, 10}));
    EXPECT_EQ(encodePrompt(*tokenizer, {}), (Ids{1}));
}

TEST(SpmTokenizer, PutsBosOnlyWhereTheFileDoesNotForbidIt) {
    for (const bool wanted : {true, false}) {
        GgufWriter writer = vocabulary("llama", kSpm);
        writer.set("tokenizer.ggml.add_bos_token", wanted);
        const auto tokenizer = mustLoad(writer);
        EXPECT_EQ(encodePrompt(*tokenizer, std::vector<PromptPart>{{"ab", false}}),
                  wanted ? (Ids{1, 10}) : (Ids{10}));
    }
}

TEST(SpmTokenizer, JoinsNeighbouringParts) {
    const auto tokenizer = mustLoad(vocabulary("llama", kSpm));
    EXPECT_EQ(encodePrompt(*tokenizer,
                           std::vector<PromptPart>{{"<s>a", true}, {"b", false}, {"c", true}}),
              (Ids{1, 10, 7}));
}

// ------------------------------------------------------------ byte-level BPE

/// The 256 byte characters, then merges of "hello" and " world".
GgufWriter byteLevel(std::string_view pre) {
    std::vector<Entry> entries;
    // GPT-2's alphabet, as code points.
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
        const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
        const char32_t c = printable ? char32_t{byte} : next++;
        std::string text;
        if (c < 0x80) {
            text += static_cast<char>(c);
        } else {
            text += static_cast<char>(0xC0 | (c >> 6u));
            text += static_cast<char>(0x80 | (c & 0x3Fu));
        }
        entries.push_back({text});
    }
    const std::vector<std::pair<std::string, std::string>> merges = {
        {"l", "l"}, {"h", "e"}, {"he", "ll"}, {"hell", "o"}, {"\u0120", "w"}, {"o", "r"}};
    std::vector<std::string> lines;
    for (const auto& [left, right] : merges) {  // tokens 256 to 261
        entries.push_back({left + right});
        lines.push_back(left + " " + right);
    }
    entries.push_back({"<|end|>", 0, TokenType::Control});       // 262
    entries.push_back({"wor\u0120x"});                           // 263, by no merge
    entries.push_back({"worx"});                                 // 264, by no merge
    entries.push_back({"<think>", 0, TokenType::UserDefined});   // 265
    entries.push_back({"<|mark|>", 0, TokenType::UserDefined});  // 266
    GgufWriter writer = vocabulary("gpt2", entries);
    writer.set("tokenizer.ggml.pre", pre);
    writer.setStrings("tokenizer.ggml.merges", lines);
    writer.set("tokenizer.ggml.eos_token_id", std::uint32_t{262});
    return writer;
}

TEST(BpeTokenizer, MergesByRank) {
    const auto tokenizer = mustLoad(byteLevel("gpt-2"));
    EXPECT_EQ(tokenizer->encode("hello world", {}), (Ids{259, 260, 261, 'l', 'd'}));
    EXPECT_EQ(tokenizer->encode("lll", {}), (Ids{256, 'l'}));
    EXPECT_EQ(tokenizer->encode("worx", {}), (Ids{'w', 261, 'x'}));
    EXPECT_EQ(tokenizer->decode(Ids{259, 260, 261, 'l', 'd'}, false), "hello world");
    EXPECT_FALSE(tokenizer->addsBos());
}

TEST(BpeTokenizer, TakesWholeWordsWhereTheModelDoes) {
    const auto tokenizer = mustLoad(byteLevel("llama-bpe"));
    EXPECT_EQ(tokenizer->encode("worx", {}), (Ids{264}));
}

TEST(BpeTokenizer, RoundTripsAllBytes) {
    const auto tokenizer = mustLoad(byteLevel("gpt-2"));
    for (char32_t c = 1; c < 0x800; ++c) {  // U+0001 to U+07FF have every byte of one or two
        std::string text;
        conclave::appendUtf8(text, c);
        const auto tokens = tokenizer->encode(text, {});
        EXPECT_EQ(tokenizer->decode(tokens, false), text);
        EXPECT_EQ(tokens.size(), text.size());
    }
}

TEST(BpeTokenizer, ComposesLettersWhereTheModelDoes) {
    const std::string apart = "e\u0301";
    const std::string composed = "\u00E9";
    const auto qwen = mustLoad(byteLevel("qwen2"));
    EXPECT_EQ(qwen->decode(qwen->encode(apart, {}), false), composed);
    EXPECT_EQ(qwen->decode(qwen->encode(composed + "\u0301x", {}), false), composed + "\u0301x");
    EXPECT_EQ(qwen->decode(qwen->encode(apart + "\xFF", {}), false), composed + "\uFFFD");
    const auto llama = mustLoad(byteLevel("llama-bpe"));
    EXPECT_EQ(llama->decode(llama->encode(apart, {}), false), apart);
}

TEST(BpeTokenizer, KeepsTurnMarksInert) {
    const auto tokenizer = mustLoad(byteLevel("gpt-2"));
    EXPECT_EQ(tokenizer->encode("<|end|>", {.parseSpecial = true}), (Ids{262}));
    EXPECT_GT(tokenizer->encode("<|end|>", {}).size(), 1u);
    EXPECT_EQ(tokenizer->encode("<think>", {}), (Ids{265}));
    // Some files list turn marks as user-defined; a message must not write them either.
    EXPECT_GT(tokenizer->encode("<|mark|>", {}).size(), 1u);
    EXPECT_EQ(tokenizer->encode("<|mark|>", {.parseSpecial = true}), (Ids{266}));
}

TEST(BpeTokenizer, IsQuickOnOneEndlessWord) {
    const auto tokenizer = mustLoad(byteLevel("gpt-2"));
    EXPECT_EQ(tokenizer->encode(std::string(1'000'000, 'l'), {}).size(), 500'000u);
}

// ------------------------------------------------------------ Unigram

/// The model file that a line of golden tokens tells of.
GgufWriter writerOf(const nlohmann::json& golden) {
    GgufWriter writer;
    writer.set("general.architecture", "llama");
    writer.set("tokenizer.ggml.model", golden["model"].get<std::string>());
    writer.set("tokenizer.ggml.pre", golden["pre"].get<std::string>());
    writer.setStrings("tokenizer.ggml.tokens", golden["tokens"].get<std::vector<std::string>>());
    writer.setInts("tokenizer.ggml.token_type", golden["types"].get<std::vector<std::int32_t>>());
    if (golden.contains("merges")) {
        writer.setStrings("tokenizer.ggml.merges",
                          golden["merges"].get<std::vector<std::string>>());
    }
    if (golden.contains("scores")) {
        writer.setFloats("tokenizer.ggml.scores", golden["scores"].get<std::vector<float>>());
    }
    writer.set("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
    writer.set("tokenizer.ggml.eos_token_id", std::uint32_t{1});
    writer.set("tokenizer.ggml.bos_token_id", std::uint32_t{2});
    for (const char* key : {"add_bos_token", "add_space_prefix", "normalizer.lowercase"}) {
        if (golden.contains(key)) {
            writer.set(std::string("tokenizer.ggml.") + key, golden[key].get<bool>());
        }
    }
    return writer;
}

TEST(CharacterBpe, CutsAsLlamaCppDoes) {
    int nTexts = 0;
    for (const auto& golden : test::readGoldenLines("character_bpe.jsonl")) {
        const auto tokenizer = mustLoad(writerOf(golden));
        ASSERT_NE(tokenizer, nullptr) << golden["pre"];
        for (const auto& [text, expected] :
             golden["texts"].get<std::vector<std::pair<std::string, Ids>>>()) {
            Ids ids = tokenizer->encode(text, {.addBos = false, .parseSpecial = false});
            if (tokenizer->addsBos()) ids.insert(ids.begin(), tokenizer->bos());
            EXPECT_EQ(ids, expected) << golden["pre"] << ": " << text;
            // Bytes stand for what the vocabulary lacks, so that nothing is lost.
            const bool hasBytes = golden["model"] != "whitespace";
            const bool hasMark = text.find("\u2581") != std::string::npos;
            if (hasBytes && !hasMark) {
                EXPECT_EQ(tokenizer->decode(ids, false), text);
            }
            ++nTexts;
        }
    }
    EXPECT_EQ(nTexts, 6 * 75);
}

TEST(InvalidBytes, AreCutAsLlamaCppDoes) {
    int nTexts = 0;
    for (const auto& golden : test::readGoldenLines("invalid_bytes.jsonl")) {
        const auto tokenizer = mustLoad(writerOf(golden));
        ASSERT_NE(tokenizer, nullptr) << golden["model"] << golden["pre"];
        for (const auto& [digits, expected] :
             golden["texts"].get<std::vector<std::pair<std::string, Ids>>>()) {
            std::string text;
            for (std::size_t i = 0; i < digits.size(); i += 2) {
                text += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
            }
            EXPECT_EQ(tokenizer->encode(text, {.addBos = false}), expected)
                << golden["model"] << golden["pre"] << ": " << digits;
            ++nTexts;
        }
    }
    EXPECT_GT(nTexts, 1900);
}

TEST(InvalidBytes, PastUnicodeAreOneReplacementEach) {
    // llama.cpp stops over these.
    const auto tokenizer = mustLoad(byteLevel("gpt-2"));
    for (const std::string bytes : {"\xF4\x90\x80\x80", "\xF7\xBF\xBF\xBF"}) {
        EXPECT_EQ(tokenizer->decode(tokenizer->encode(bytes, {}), false),
                  "\uFFFD\uFFFD\uFFFD\uFFFD");
    }
}

GgufWriter unigram() {
    GgufWriter writer = vocabulary("t5", {{"<unk>", 0, TokenType::Unknown},
                                          {"\u2581", -3},
                                          {"a", -2},
                                          {"b", -2},
                                          {"ab", -3.5f},
                                          {"\u2581a", -2.5f},
                                          {"bc", -1}});
    writer.set("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
    writer.set("tokenizer.ggml.remove_extra_whitespaces", true);
    return writer;
}

TEST(UnigramTokenizer, TakesTheLargestSum) {
    const auto tokenizer = mustLoad(unigram());
    EXPECT_EQ(tokenizer->encode("ab", {}), (Ids{5, 3}));   // -4.5 against -6.5
    EXPECT_EQ(tokenizer->encode("abc", {}), (Ids{5, 6}));  // although ab is a piece
    EXPECT_EQ(tokenizer->decode(Ids{5, 6}, false), "abc");
}

TEST(UnigramTokenizer, JoinsUnknownCharacters) {
    const auto tokenizer = mustLoad(unigram());
    EXPECT_EQ(tokenizer->encode("a?!?a", {}), (Ids{5, 0, 2}));
    EXPECT_EQ(tokenizer->encode("你好", {}), (Ids{1, 0}));
}

TEST(UnigramTokenizer, JoinsCharactersOfThreeBytesOnlyWhereAPieceDoes) {
    GgufWriter writer = vocabulary("t5", {{"<unk>", 0, TokenType::Unknown},
                                          {"\u2581", -3},
                                          {"你", -2},
                                          {"好", -2},
                                          {"你好", -3},
                                          {"们", -2}});
    writer.set("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
    const auto tokenizer = mustLoad(writer);
    EXPECT_EQ(tokenizer->encode("们们", {}), (Ids{1, 5, 5}));
    EXPECT_EQ(tokenizer->encode("你好们你们好好", {}), (Ids{1, 4, 5, 2, 5, 3, 3}));
    EXPECT_EQ(tokenizer->encode("们人们", {}), (Ids{1, 5, 0, 5})) << "one that is no piece";
    EXPECT_EQ(tokenizer->encode("你好\xE4", {}), (Ids{1, 4, 0})) << "one that is cut short";
}

TEST(UnigramTokenizer, CollapsesSpaces) {
    const auto tokenizer = mustLoad(unigram());
    EXPECT_EQ(tokenizer->encode("  a   a ", {}), (Ids{5, 5}));
    EXPECT_EQ(tokenizer->encode("   ", {}), Ids{});
}

// ------------------------------------------------------------ broken files

std::string loadError(const GgufWriter& writer) {
    const auto tokenizer = loadTokenizer(writer);
    return tokenizer ? "loaded" : tokenizer.error().detail;
}

TEST(Tokenizer, NamesWhatIsWrongInAFile) {
    GgufWriter noModel;
    noModel.set("general.architecture", "llama");
    EXPECT_THAT(loadError(noModel), HasSubstr("tokenizer.ggml.model"));
    EXPECT_THAT(loadError(vocabulary("rwkv", kSpm)), HasSubstr("\"rwkv\""));
    EXPECT_THAT(loadError(vocabulary("llama", {})), HasSubstr("tokenizer.ggml.tokens"));
    EXPECT_THAT(loadError(vocabulary("gpt2", kSpm)), HasSubstr("tokenizer.ggml.merges"));
    EXPECT_THAT(loadError(vocabulary("t5", kSpm)), HasSubstr("tokenizer.ggml.unknown_token_id"));
    EXPECT_THAT(loadError(byteLevel("nonsense")), HasSubstr("\"nonsense\""));

    GgufWriter fewScores = vocabulary("llama", kSpm);
    fewScores.setFloats("tokenizer.ggml.scores", {1.0f});
    EXPECT_NE(loadError(fewScores), "loaded");
    GgufWriter farBos = vocabulary("llama", kSpm);
    farBos.set("tokenizer.ggml.bos_token_id", std::uint32_t{99});
    EXPECT_THAT(loadError(farBos), HasSubstr("tokenizer.ggml.bos_token_id is 99"));
    GgufWriter noneBos = vocabulary("llama", kSpm);
    noneBos.set("tokenizer.ggml.bos_token_id", std::uint32_t{0xFFFFFFFF});
    EXPECT_EQ(loadError(noneBos), "loaded");
    GgufWriter charsmap = unigram();
    charsmap.setBytes("tokenizer.ggml.precompiled_charsmap", "\xFF\xFF\xFF\x7Fzz");
    EXPECT_THAT(loadError(charsmap), HasSubstr("tokenizer.ggml.precompiled_charsmap"));
}

/// The texts of all tokens that end a turn, in a vocabulary of these control tokens.
std::vector<std::string> endsOfTurn(const std::vector<std::string>& texts,
                                    std::string_view key = {}, std::uint32_t id = 0) {
    std::vector<Entry> entries = {{"<unk>", 0, TokenType::Unknown}, {"a", -1}, {"b", -1}};
    for (const std::string& text : texts) entries.push_back({text, 0, TokenType::Control});
    GgufWriter writer = vocabulary("llama", entries);
    writer.set("tokenizer.ggml.eos_token_id", std::uint32_t{0xFFFFFFFF});
    if (!key.empty()) writer.set(key, id);
    const auto tokenizer = mustLoad(writer);
    std::vector<std::string> ends;
    for (TokenId token = 0; token < tokenizer->vocabularySize(); ++token) {
        if (tokenizer->isEndOfTurn(token) && token != tokenizer->eos()) {
            ends.emplace_back(tokenizer->tokenText(token));
        }
    }
    return ends;
}

TEST(Tokenizer, EndsTurnsByNameAndByMetadata) {
    using testing::ElementsAre;
    EXPECT_THAT(
        endsOfTurn({"<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|fim_pad|>", "<|repo_name|>",
                    "<|file_sep|>", "<|fim_prefix|>"}),
        ElementsAre("<|im_end|>", "<|endoftext|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"));
    EXPECT_THAT(endsOfTurn({"<|eot_id|>", "<|eom_id|>", "<|start_header_id|>"}),
                ElementsAre("<|eot_id|>", "<|eom_id|>"));
    EXPECT_THAT(endsOfTurn({"<|end|>", "<|user|>"}), ElementsAre("<|end|>"));
    // gpt-oss: <|end|> ends a message, of which a turn has several.
    EXPECT_THAT(endsOfTurn({"<|return|>", "<|end|>", "<|call|>", "<|message|>"}),
                ElementsAre("<|return|>", "<|call|>"));
    EXPECT_THAT(endsOfTurn({"<|flush|>", "<|end|>", "<|calls|>", "<|content|>"}),
                ElementsAre("<|flush|>", "<|calls|>"));
    // Gemma 4 ends its turns with <turn|>, and waits for a tool's answer.
    EXPECT_THAT(endsOfTurn({"</s>", "<turn|>", "<|tool_response>"}),
                ElementsAre("<turn|>", "<|tool_response>"));
    for (const char* key : {"eot", "eom", "fim_pad", "fim_rep", "fim_sep"}) {
        const std::string name = "tokenizer.ggml." + std::string(key) + "_token_id";
        EXPECT_THAT(endsOfTurn({"<my end>", "<other>"}, name, 3), ElementsAre("<my end>")) << name;
    }
    EXPECT_THAT(endsOfTurn({"<|fim_pad|>", "<mine>"}, "tokenizer.ggml.fim_pad_token_id", 4),
                ElementsAre("<mine>"));
}

TEST(Tokenizer, NamesTokensThatAreNeverChosen) {
    GgufWriter writer = vocabulary("llama", kSpm);
    writer.setInts("tokenizer.ggml.suppress_tokens", {8, -1, 6, 99});
    const auto tokenizer = mustLoad(writer);
    EXPECT_THAT(tokenizer->suppressed(), testing::ElementsAre(8, 6));
    EXPECT_THAT(mustLoad(vocabulary("llama", kSpm))->suppressed(), testing::IsEmpty());

    std::vector<float> logits(kSpm.size(), -100.0f);
    logits[8] = 9.0f;
    logits[6] = 8.0f;
    logits[5] = 1.0f;
    SamplerSettings settings;
    for (const float temperature : {0.0f, 1.0f}) {
        settings.temperature = temperature;
        const int size = tokenizer->vocabularySize();
        EXPECT_EQ(Sampler::create(settings, size, tokenizer.get())->sample(logits), 5);
        settings.logitBias = {{6, 50.0f}};  // no wish of the caller's brings one back
        EXPECT_EQ(Sampler::create(settings, size, tokenizer.get())->sample(logits), 5);
    }
}

TEST(Tokenizer, RefusesUnknownTokenTypes) {
    std::vector<Entry> entries = kSpm;
    entries[4].type = static_cast<TokenType>(9);
    EXPECT_THAT(loadError(vocabulary("llama", entries)), HasSubstr("tokenizer.ggml.token_type"));
}

// ------------------------------------------------------------ trie

TEST(ByteTrie, FindsEveryPrefix) {
    std::vector<std::string> keys;
    for (int i = 0; i < 3000; ++i) keys.push_back(std::to_string(i * 7919 % 100003));
    keys.emplace_back("\xFF\x01");
    std::vector<ByteTrie::Entry> entries;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        entries.emplace_back(keys[i], static_cast<std::int32_t>(i));
    }
    entries.emplace_back("", 1);
    const ByteTrie trie = ByteTrie::build(entries);
    for (const std::string& key : keys) {
        std::size_t longest = 0;
        trie.forEachPrefix(key, [&](std::size_t length, std::int32_t value) {
            EXPECT_EQ(keys[static_cast<std::size_t>(value)], key.substr(0, length));
            longest = length;
        });
        EXPECT_EQ(longest, key.size());
    }
    for (int byte = 0; byte < 256; ++byte) {  // none leads back to where the walk begins
        const std::string text = {static_cast<char>(byte), '7', '9', '1', '9'};
        if (byte < '0' || byte > '9') {
            trie.forEachPrefix(text, [](std::size_t, std::int32_t) { FAIL(); });
        }
    }
    ByteTrie().forEachPrefix("x", [](std::size_t, std::int32_t) { FAIL(); });
}

}  // namespace
}  // namespace conclave::engine
