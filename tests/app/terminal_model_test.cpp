// Runs the terminal program as a script would: the commands that are about models.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/terminal_fixture.h"
#include "tests/support/changed_metadata.h"

namespace conclave::terminal {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using conclave::test::ChangedMetadata;
using test::Outcome;
using test::TerminalTest;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string kTinyModels = CONCLAVE_TEST_SOURCE "/tests/parity/";

TEST_F(TerminalTest, TokenizesBothWays) {
    const auto ids = json({"tokenize"}, "<|user|>Hello!<|end|><|assistant|>");
    EXPECT_EQ(ids["ids"], (std::vector<int>{1, 4, 6106, 575, 6051, 6135, 6, 5}));  // golden
    EXPECT_EQ(json({"tokenize", "--no-special"}, "Hello!")["ids"],
              (std::vector<int>{6106, 575, 6051, 6135}));
    const Outcome text = run({"detokenize", "--no-special"}, ids.dump());
    EXPECT_EQ(text.out, "Hello!");
    EXPECT_EQ(run({"detokenize"}, "6106 575, 6051\n").out, "Hello");
    EXPECT_EQ(run({"detokenize"}, "1 99999999").exitCode, 1);
}

TEST_F(TerminalTest, GeneratesTheGoldenAnswerAndItsLogits) {
    const auto generated =
        json({"generate", "--tokens", "1,4,6106,575,6051,6135,6,5", "--temp", "0"});
    EXPECT_EQ(generated["text"], "Hello! How can I help you today?");
    EXPECT_EQ(generated["usage"]["prompt_tokens"], 8);
    const auto logits = json({"logits", "--tokens", "1,4,6106,575,6051,6135,6,5", "--top", "3"});
    ASSERT_EQ(logits["positions"].size(), 8U);
    const auto& last = logits["positions"][7]["top"];
    ASSERT_EQ(last.size(), 3U);
    EXPECT_EQ(last[0][0], generated["tokens"][0]);
    EXPECT_LT(last[0][1].get<double>(), 0.0);
    EXPECT_GE(last[0][1].get<double>(), last[1][1].get<double>());

    const auto watched = json({"generate", "--tokens", "1,4,6106,575,6051,6135,6,5", "--temp", "0",
                               "--logprobs", "3", "--speculate"});
    EXPECT_EQ(watched["tokens"], generated["tokens"]);
    ASSERT_EQ(watched["logprobs"].size(), generated["tokens"].size());
    const auto& first = watched["logprobs"][0];
    EXPECT_EQ(first["id"], generated["tokens"][0]);
    EXPECT_EQ(first["top_logprobs"][0]["id"], last[0][0]);
    // As in OpenAI's lists: the text of each token, which its bytes spell.
    std::string whole;
    for (const auto& each : watched["logprobs"]) {
        std::string spelt;
        for (const auto& byte : each["bytes"]) spelt += static_cast<char>(byte.get<int>());
        EXPECT_EQ(each["token"], spelt);
        whole += spelt;
    }
    EXPECT_NE(whole.find(watched["text"].get<std::string>()), std::string::npos) << whole;
    EXPECT_NEAR(watched["logprobs"][0]["logprob"].get<double>(), last[0][1].get<double>(), 1e-4);
}

TEST_F(TerminalTest, TakesTheSamplerSettingsThatLlamaCppHas) {
    const auto drawn = [&](std::vector<std::string> more) {
        std::vector<std::string> arguments = {"generate", "--prompt", "The ship",     "--temp", "1",
                                              "--seed",   "5",        "--max-tokens", "12"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return json(arguments)["tokens"];
    };
    const auto plain = drawn({});
    EXPECT_EQ(drawn({"--xtc-probability", "0", "--dry-multiplier", "0", "--mirostat", "0"}), plain);
    EXPECT_NE(drawn({"--xtc-probability", "1", "--xtc-threshold", "0.01"}), plain);
    EXPECT_NE(drawn({"--mirostat", "2", "--mirostat-ent", "9"}), plain);
    EXPECT_EQ(drawn({"--adaptive-target", "-1", "--adaptive-decay", "0.5"}), plain);
    EXPECT_NE(drawn({"--adaptive-target", "0.01"}), plain);
    EXPECT_NE(drawn({"--infill"}), plain);
    EXPECT_NE(drawn({"--experts", "1"}), plain);
}

TEST_F(TerminalTest, AddsToTheLogitsOfTokens) {
    const auto drawn = [&](std::vector<std::string> more) {
        std::vector<std::string> arguments = {"generate", "--prompt",     "The ship", "--temp",
                                              "0",        "--max-tokens", "6"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return json(arguments)["tokens"];
    };
    const auto plain = drawn({});
    const std::string first = plain[0].dump();
    EXPECT_NE(drawn({"--logit-bias", first + "=-inf"})[0], plain[0]);
    EXPECT_NE(drawn({"--logit-bias", first + "-100"})[0], plain[0]);
    EXPECT_EQ(drawn({"--logit-bias", "700+100", "--logit-bias", "701=50"})[0], 700);
    for (const char* wrong : {"ship=1", "700", "700=", "700=many", "700=101"}) {
        const auto refused = run({"generate", "--prompt", "a", "--logit-bias", wrong});
        EXPECT_EQ(refused.exitCode, 2) << wrong;
        EXPECT_THAT(refused.err, HasSubstr("--logit-bias wants")) << wrong;
    }
}

TEST_F(TerminalTest, EndsRepetitionsAtTheBreakersGiven) {
    const auto drawn = [&](std::vector<std::string> more) {
        std::vector<std::string> arguments = {"generate",
                                              "--prompt",
                                              "one two;\none two;\none two;\none",
                                              "--temp",
                                              "0",
                                              "--max-tokens",
                                              "8",
                                              "--dry-multiplier",
                                              "50",
                                              "--ignore-eos"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return json(arguments)["tokens"];
    };
    const auto byDefault = drawn({});
    const std::vector<std::string> usual = {
        "--dry-sequence-breaker", "\\n",  "--dry-sequence-breaker", ":",
        "--dry-sequence-breaker", "\\\"", "--dry-sequence-breaker", "*"};
    EXPECT_EQ(drawn(usual), byDefault);
    EXPECT_NE(drawn({"--dry-sequence-breaker", "none"}), byDefault);
}

TEST_F(TerminalTest, ChangesAModelByAdapters) {
    const std::string folder = CONCLAVE_TEST_SOURCE "/tests/parity/";
    const auto logits = [&](const std::vector<std::string>& adapters) {
        std::vector<std::string> arguments = {"logits", "--model", folder + "olmoe.gguf",
                                              "--tokens", "1,2,3"};
        for (const std::string& each : adapters) {
            arguments.insert(arguments.end(), {"--lora", folder + each});
        }
        return json(arguments)["positions"];
    };
    const auto plain = logits({});
    const auto changed = logits({"olmoe.lora.gguf"});
    EXPECT_NE(changed, plain);
    EXPECT_EQ(logits({"olmoe.lora.gguf=1"}), changed);
    EXPECT_EQ(logits({"olmoe.lora.gguf=0"}), plain);
    EXPECT_NE(logits({"olmoe.lora.gguf", "olmoe-2.lora.gguf=-0.5"}), changed);
    const auto refused = run({"generate", "--model", folder + "olmoe.gguf", "--prompt", "a",
                              "--lora", folder + "qwen3.lora.gguf"});
    EXPECT_EQ(refused.exitCode, 1);
    EXPECT_THAT(refused.err, HasSubstr("qwen3"));
}

TEST_F(TerminalTest, MeasuresPerplexityAndSpeed) {
    std::string text;
    for (int i = 0; i < 60; ++i) text += "The ship sails to the harbour. ";
    const fs::path file = write("text.txt", text);
    const auto whole = json({"perplexity", file.string(), "--ctx", "1000"});
    EXPECT_GT(whole["perplexity"].get<double>(), 1.0);
    EXPECT_LT(whole["perplexity"].get<double>(), 50.0);
    const double smaller = json({"perplexity", file.string(), "--ctx", "1000", "--cache-type-k",
                                 "q4_0", "--cache-type-v", "q4_0"})["perplexity"];
    EXPECT_NE(smaller, whole["perplexity"]);
    EXPECT_NEAR(smaller / whole["perplexity"].get<double>(), 1.0, 0.1);
    EXPECT_GT(json({"perplexity", file.string(), "--ctx", "64"})["tokens"].get<int>(), 100);
    EXPECT_GT(json({"perplexity", file.string(), "--ctx", "3"})["tokens"].get<int>(), 100);
    const Outcome nothing = run({"perplexity", file.string(), "--ctx", "2"});
    EXPECT_EQ(nothing.exitCode, 2) << "no token of a window of two would be scored";
    EXPECT_THAT(nothing.err, HasSubstr("from 3"));

    const auto bench = json({"bench", "-p", "32", "-n", "8", "-d", "16", "-t", "1", "-r", "2"});
    EXPECT_EQ(bench["prefill_tps"].size(), 2U);
    EXPECT_EQ(bench["decode_tps"].size(), 2U);
    EXPECT_GT(bench["decode_tps"][0].get<double>(), 1.0);
    EXPECT_GT(bench["rss_mib"].get<double>(), 1.0);
    EXPECT_EQ(bench["model"], "Conclave Tiny");
}

TEST_F(TerminalTest, HoldsAsManyTokensAsTheModelWasMadeForOrAsAreAskedFor) {
    const std::string model =
        write("long.gguf", ChangedMetadata(test::readWhole(kTinyModels + "llama-dense.gguf"))
                               .drop("llama.context_length")
                               .add("llama.context_length", 131072)
                               .bytes())
            .string();
    std::string ids = "1";
    for (int i = 1; i < 9000; ++i) ids += "," + std::to_string(3 + i % 50);
    const auto with = [&](const std::string& length) {
        return run(
            {"generate", "--model", model, "--tokens", ids, "--max-tokens", "2", "--ctx", length});
    };
    const auto whole = json({"generate", "--model", model, "--tokens", ids, "--max-tokens", "2"});
    EXPECT_EQ(whole["usage"]["prompt_tokens"], 9000);
    EXPECT_EQ(with("9500").exitCode, 0);
    const Outcome tooShort = with("8192");
    EXPECT_EQ(tooShort.exitCode, 1);
    EXPECT_THAT(tooShort.err, HasSubstr("9000 tokens, but the context holds 8192; --ctx N"));
    EXPECT_THAT(tooShort.err, HasSubstr("131072"));
    const Outcome tooLong = with("200000");
    EXPECT_EQ(tooLong.exitCode, 1);
    EXPECT_THAT(tooLong.err, HasSubstr("--ctx 200000 is more than the 131072 tokens"));
    EXPECT_EQ(with("0").exitCode, 2);
    EXPECT_THAT(run({"ask", "Hello!", "--ctx", "2000"}).err, HasSubstr("1024"));
}

TEST_F(TerminalTest, EndsAnswersBeforeTheTextsOfStop) {
    const std::vector<std::string> golden = {"generate", "--tokens", "1,4,6106,575,6051,6135,6,5",
                                             "--temp", "0"};
    const auto stoppedAt = [&](const std::vector<std::string>& more) {
        std::vector<std::string> arguments = golden;
        arguments.insert(arguments.end(), more.begin(), more.end());
        return json(arguments);
    };
    const auto one = stoppedAt({"--stop", "can I"});
    EXPECT_EQ(one["text"], "Hello! How ");
    EXPECT_EQ(one["finish_reason"], "stop_string");
    EXPECT_EQ(stoppedAt({"--stop", "today", "--stop", "How"})["text"], "Hello! ");
    EXPECT_EQ(stoppedAt({"--stop", "\\n"})["finish_reason"], "end_of_turn");
    const auto answer = json({"ask", "Hello!", "--no-retrieval", "--stop", "can I"});
    EXPECT_EQ(answer["finish_reason"], "stop_string");
    EXPECT_THAT(answer["answer"].get<std::string>(), Not(HasSubstr("can I")));
    EXPECT_EQ(run({"ask", "Hello!", "--stop", ""}).exitCode, 2);
}

TEST_F(TerminalTest, AChatSaysWhatItsContextHoldsAndWhatItNoLongerReads) {
    const std::string model =
        write("named.gguf", ChangedMetadata(test::readWhole(kTinyModels + "llama-dense.gguf"))
                                .drop("llama.context_length")
                                .add("llama.context_length", 4096)
                                .bytes())
            .string();
    std::string questions;
    for (int i = 0; i < 12; ++i) questions += "Hello!\n";
    const Outcome chat =
        run({"chat", "--model", model, "--ctx", "300", "--max-tokens", "20", "--temp", "0"},
            "/context\n" + questions + "/context\n/context 9999\n/context 600\n/context auto\n");
    EXPECT_EQ(chat.exitCode, 0);
    EXPECT_THAT(chat.out, HasSubstr("0 of 300 tokens are taken; the model was made for 4096"));
    EXPECT_THAT(chat.out, HasSubstr(" of 600 tokens are taken"));
    EXPECT_THAT(chat.out, HasSubstr(" of 4096 tokens are taken"));
    EXPECT_THAT(chat.err, HasSubstr("/context takes 1 to 4096 tokens"));
    EXPECT_THAT(chat.err, HasSubstr("not read for want of room in the context: the oldest"));
}

TEST_F(TerminalTest, ListsVerifiesAndPullsModels) {
    const auto listed = json({"models", "list"});
    ASSERT_EQ(listed["models"].size(), 1U);
    const std::string file = listed["models"][0]["file"];
    EXPECT_EQ(json({"models", "info", file})["architecture"], "deepseek2");
    EXPECT_EQ(json({"models", "verify", file})["ok"], true);
    const auto pulled = json({"models", "pull", "file://" + file});
    EXPECT_EQ(json({"models", "list"})["models"].size(), 2U);
    EXPECT_EQ(json({"models", "use", pulled["file"]})["using"], "Conclave Tiny");
    json({"models", "remove", pulled["file"]});
    EXPECT_EQ(json({"models", "list"})["models"].size(), 1U);
}

TEST_F(TerminalTest, TellsAndVerifiesAnAdapterAsWhatItIs) {
    const std::string adapter = kTinyModels + "qwen3.lora.gguf";
    const Outcome told = run({"models", "info", adapter});
    EXPECT_EQ(told.exitCode, 0) << told.err;
    EXPECT_THAT(told.out, HasSubstr("LoRA adapter for models of the architecture qwen3, rank "));
    const auto info = json({"models", "info", adapter});
    EXPECT_EQ(info["adapter"], "lora");
    EXPECT_EQ(info["architecture"], "qwen3");
    EXPECT_EQ(info["rank"], 4);  // as tests/parity/make_lora_golden.py makes it
    const auto sound = json({"models", "verify", adapter});
    EXPECT_EQ(sound["ok"], true) << sound;
    EXPECT_THAT(sound["findings"][0]["detail"].get<std::string>(), HasSubstr("LoRA adapter"));
    EXPECT_EQ(sound["findings"].size(), 3U);

    std::string bytes = test::readWhole(adapter);
    bytes[bytes.size() - 1] = bytes[bytes.size() - 2] = static_cast<char>(0xff);  // NaN
    const Outcome bad = run({"models", "verify", write("nan.gguf", bytes).string()});
    EXPECT_EQ(bad.exitCode, 1);
    EXPECT_THAT(bad.out, HasSubstr("PROBLEM  every weight is a finite number"));
    const std::string half = bytes.substr(0, bytes.size() / 2);
    const Outcome cut = run({"models", "verify", write("half.gguf", half).string()});
    EXPECT_EQ(cut.exitCode, 1);
    EXPECT_THAT(cut.out, HasSubstr("PROBLEM  header"));
}

TEST_F(TerminalTest, TellsOfAModelThatCannotBeUsedAndWhy) {
    constexpr std::int32_t kNoToken = 100'000;
    const std::string whole = test::readWhole(kTinyModels + "qwen3.gguf");
    const auto changed = [&](std::string_view key, auto value) {
        return ChangedMetadata(whole).drop(key).add(key, value).bytes();
    };
    const std::vector<std::pair<std::string, std::string>> files = {
        {changed("tokenizer.ggml.pre", std::string_view("wonder")), "\"wonder\""},
        {changed("tokenizer.ggml.model", std::string_view("wonder")), "wonder"},
        {changed("tokenizer.ggml.eos_token_id", kNoToken), "eos_token_id is 100000"},
        {changed("tokenizer.chat_template", std::string_view("{{ % }")), "chat template, line 1"},
    };
    for (const auto& [bytes, why] : files) {
        const std::string file = write("changed.gguf", bytes).string();
        const Outcome info = run({"models", "info", file});
        EXPECT_EQ(info.exitCode, 1) << why;
        EXPECT_THAT(info.out, HasSubstr("cannot be used: changed.gguf: "));
        EXPECT_THAT(info.out, HasSubstr(why));
        const Outcome verified = run({"models", "verify", file});
        EXPECT_EQ(verified.exitCode, 1) << why;
        EXPECT_THAT(verified.out, HasSubstr("PROBLEM  tensors, tokenizer and chat template"));
        EXPECT_THAT(verified.out, HasSubstr(why));
    }
    const std::string broken = write("changed.gguf", files.back().first).string();
    const Outcome asked = run({"generate", "--chat", "--model", broken, "--prompt", "Hi"});
    EXPECT_EQ(asked.exitCode, 1);
    EXPECT_THAT(asked.err, HasSubstr("changed.gguf: chat template, line 1"));
    EXPECT_EQ(run({"models", "info", write("sound.gguf", whole).string()}).exitCode, 0);
}

TEST_F(TerminalTest, InLittleMemoryItAnswersOrSaysThatThereIsNotEnough) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "sanitizers need address space without limit";
#endif
    int nAnswered = 0;
    int nRefused = 0;
    for (const rlim_t megabytes : {170, 190, 210, 230, 250, 290, 340, 400, 500, 4000}) {
        const rlim_t limit = megabytes << 20U;
        m_limit = {RLIMIT_AS, {limit, limit}};
        const Outcome result = run({"generate", "--prompt", "The house is", "--max-tokens", "4"});
        ++(result.exitCode == 0 ? nAnswered : nRefused);
        if (result.exitCode == 0) continue;
        EXPECT_EQ(result.exitCode, 1) << megabytes << " MiB: " << result.err;
        EXPECT_THAT(result.err, testing::AnyOf(HasSubstr("memory"), HasSubstr("address space")))
            << megabytes << " MiB";
    }
    EXPECT_GT(nAnswered, 0);
    EXPECT_GT(nRefused, 0);
}

TEST_F(TerminalTest, VerifiesEveryPartOfASplitModel) {
    constexpr std::int32_t kParts = 2;
    const auto part = [](std::string bytes, std::int32_t number) {
        return ChangedMetadata(std::move(bytes))
            .add("split.count", kParts)
            .add("split.no", number)
            .bytes();
    };
    // All tensors are in the first part; the second is a header of version 3 without any.
    using std::string_literals::operator""s;
    const std::string empty = "GGUF\3\0\0\0"s + std::string(16, '\0');
    const fs::path first =
        write("m-00001-of-00002.gguf", part(test::readWhole(kTinyModels + "olmoe.gguf"), 0));
    const fs::path second = write("m-00002-of-00002.gguf", part(empty, 1));
    for (const fs::path& any : {first, second}) {
        const auto report = json({"models", "verify", any.string()});
        ASSERT_EQ(report["findings"].size(), 5U) << report;
        EXPECT_EQ(report["findings"][3]["subject"], "SHA-256 of m-00001-of-00002.gguf");
        EXPECT_EQ(report["findings"][4]["subject"], "SHA-256 of m-00002-of-00002.gguf");
        EXPECT_NE(report["findings"][3]["detail"], report["findings"][4]["detail"]);
    }
    fs::remove(second);
    const Outcome lacking = run({"models", "verify", first.string()});
    EXPECT_EQ(lacking.exitCode, 1);
    EXPECT_THAT(lacking.out, HasSubstr("m-00002-of-00002.gguf"));
}

/// The model that comes with Conclave needs 24 MiB; in less its experts are read from the file.
TEST_F(TerminalTest, AModelLargerThanItsMemoryGivesTheSameAnswer) {
    const std::string file = json({"models", "list"})["models"][0]["file"];
    const auto whole = json({"models", "info", file})["memory"];
    EXPECT_EQ(whole["streams"], false);
    const auto part = json({"models", "info", file, "--memory", "20M"})["memory"];
    EXPECT_EQ(part["streams"], true);
    EXPECT_LT(part["resident_bytes"].get<double>() + part["expert_room_bytes"].get<double>(),
              20 << 20);
    EXPECT_GT(part["tokens_per_second"].get<double>(), 0.0);
    EXPECT_EQ(json({"models", "info", file, "--memory", "1M"})["memory"]["fits"], false);
    EXPECT_THAT(run({"models", "info", file, "--memory", "20M"}).out,
                HasSubstr("read from the disk"));

    const std::vector<std::string> generate = {
        "generate", "--prompt", "The spare keys are", "--temp", "0", "--max-tokens", "12"};
    std::vector<std::string> limited = generate;
    limited.insert(limited.end(), {"--memory", "20M"});
    const Outcome answer = run(limited);
    EXPECT_EQ(answer.exitCode, 0);
    EXPECT_EQ(answer.out, run(generate).out);
    EXPECT_THAT(answer.err, HasSubstr("tokens a second"));
    EXPECT_EQ(run({"generate", "--prompt", "x", "--memory", "1M"}).exitCode, 1);
    EXPECT_EQ(run({"generate", "--prompt", "x", "--memory", "lots"}).exitCode, 2);
}

TEST_F(TerminalTest, SaysThatNothingIsDrawnAtTemperatureZero) {
    const auto noted = [&](const std::vector<std::string>& more) {
        std::vector<std::string> arguments = {"generate", "--prompt", "A", "--max-tokens", "1"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run(arguments).err;
    };
    EXPECT_THAT(noted({"--temp", "0", "--mirostat", "2"}), HasSubstr("--mirostat changes nothing"));
    EXPECT_THAT(noted({"--temp", "0", "--seed", "3"}), HasSubstr("--seed changes nothing"));
    EXPECT_THAT(noted({"--temp", "0"}), Not(HasSubstr("changes nothing")));
    EXPECT_THAT(noted({"--temp", "1", "--seed", "3"}), Not(HasSubstr("changes nothing")));
}

TEST_F(TerminalTest, OffersToolsAndSaysWhatIsWrongWithThem) {
    const fs::path good = write(
        "tools.json", R"([{"type":"function","function":{"name":"weather","parameters":{}}}])");
    const std::vector<std::pair<std::string, std::string>> bad = {
        {"[{", "is no JSON"},
        {"{}", "holds no list of tools"},
        {"[]", "holds no list of tools"},
        {"[1]", "tool 1 is no object"},
        {R"([{"name":"a"},{"function":{"description":"b"}}])", "tool 2 has no \"name\""},
        {R"([{"name":"a"},{"name":"a"}])", "tool 2 has the name of an earlier one"},
        {R"({"tools":[{"name":"a","parameters":"x"}]})", "no JSON schema"}};
    for (const auto& [text, expected] : bad) {
        const fs::path file = write("bad.json", text);
        const Outcome result = run({"generate", "--prompt", "Hi", "--tools", file.string()});
        EXPECT_EQ(result.exitCode, 1) << text;
        EXPECT_THAT(result.out, IsEmpty());
        EXPECT_THAT(result.err, HasSubstr(expected));
        EXPECT_THAT(result.err, HasSubstr("a JSON list such as"));
    }
    EXPECT_EQ(run({"ask", "Hi", "--no-retrieval", "--tools", "/nowhere"}).exitCode, 1);
    EXPECT_EQ(run({"generate", "--tokens", "1,2", "--tools", good.string()}).exitCode, 2);

    // The bundled model knows none, and answers as it does to a message of a chat.
    const Outcome told =
        run({"generate", "--prompt", "Hello!", "--temp", "0", "--tools", good.string()});
    EXPECT_EQ(told.exitCode, 0);
    EXPECT_EQ(told.out, "Hello! How can I help you today?\n");
    EXPECT_THAT(told.err, HasSubstr("knows no tools"));
    const auto chat = json({"generate", "--prompt", "Hello!", "--temp", "0", "--chat"});
    EXPECT_EQ(chat["text"], "Hello! How can I help you today?");
    EXPECT_THAT(chat["tool_calls"], IsEmpty());
}

TEST_F(TerminalTest, GoesOnWithAConversationThatHasResultsOfTools) {
    const std::vector<std::pair<std::string, std::string>> bad = {
        {"[{", "is no JSON"},
        {"{}", "holds no list of messages"},
        {"[1]", "message 1 is no object"},
        {R"([{"role":"user","content":"a"},{"content":"b"}])", "message 2 has no \"role\""},
        {R"([{"role":"user"}])", "message 1 has no \"content\""},
        {R"([{"role":"robot","content":"a"}])",
         "the role \"robot\", which is none of system, developer, user, assistant or tool"},
        {R"([{"role":"user","content":3}])", "that is no text"},
        {R"([{"role":"assistant","tool_calls":3}])", "no list of tool_calls"},
        {R"([{"role":"assistant","tool_calls":[{}]}])", "without the name of a function"}};
    for (const auto& [text, expected] : bad) {
        const Outcome result = run({"generate", "--messages", write("bad.json", text).string()});
        EXPECT_EQ(result.exitCode, 1) << text;
        EXPECT_THAT(result.err, HasSubstr(expected));
        EXPECT_THAT(result.err, HasSubstr("generate --help"));
    }
    EXPECT_EQ(run({"generate", "--messages", "x.json", "--prompt", "x"}).exitCode, 2);
    const auto hello =
        json({"generate", "--temp", "0", "--messages",
              write("m.json", R"({"messages":[{"role":"user","content":"Hello!"}]})").string()});
    EXPECT_EQ(hello["text"], "Hello! How can I help you today?");
    // The bundled model's template knows no tools, ChatML writes every message.
    const std::string question = R"([{"role":"user","content":"Will it rain in Rome?"})";
    const std::string call =
        R"(,{"role":"assistant","tool_calls":[{"name":"weather","arguments":{"city":"Rome"}}]})";
    const std::string result = R"(,{"role":"tool","content":"abababababababab"})";
    const auto goOn = [&](const std::string& messages, const std::string& model) {
        return std::vector<std::string>{
            "generate",     "--temp",     "0",
            "--max-tokens", "1",          "--model",
            model,          "--messages", write("m.json", messages + "]").string()};
    };
    EXPECT_THAT(run(goOn(question + call + result, "Conclave Tiny")).err,
                HasSubstr("leaves out what tools gave"));
    const std::string olmoe = CONCLAVE_TEST_SOURCE "/tests/parity/olmoe.gguf";
    const auto nTokens = [&](const std::string& messages) {
        return json(goOn(messages, olmoe))["usage"]["prompt_tokens"].get<int>();
    };
    EXPECT_GT(nTokens(question + call + result), nTokens(question + call) + 6);
    EXPECT_THAT(run(goOn(question + call + result, olmoe)).err, Not(HasSubstr("leaves out")));
}

TEST_F(TerminalTest, ReadsContentsInPartsAsTheirText) {
    const auto nTokens = [&](const std::string& content) {
        const std::string file =
            write("m.json", R"([{"role":"user","content":)" + content + "}]").string();
        return json({"generate", "--temp", "0", "--max-tokens", "1", "--messages", file, "--model",
                     kTinyModels + "llama-dense.gguf"})["usage"]["prompt_tokens"];
    };
    EXPECT_EQ(nTokens(R"([{"type":"text","text":"Hello"}])"), nTokens(R"("Hello")"));
    const std::string picture =
        write("p.json", R"([{"role":"user","content":[{"type":"image_url","image_url":{}}]}])")
            .string();
    const Outcome refused = run({"generate", "--messages", picture});
    EXPECT_EQ(refused.exitCode, 1);
    EXPECT_THAT(refused.err, HasSubstr("message 1 has a part of the type image_url"));
}

TEST_F(TerminalTest, SamplesAsTheModelsFileRecommends) {
    const std::string plain = kTinyModels + "olmoe.gguf";
    const std::string recommending =
        write("recommending.gguf", ChangedMetadata(test::readWhole(plain))
                                       .add("general.sampling.temp", 0.0f)
                                       .add("general.sampling.top_k", 7)
                                       .bytes())
            .string();
    const auto drawn = [&](const std::string& model, std::vector<std::string> more) {
        std::vector<std::string> arguments = {
            "generate", "--model", model, "--prompt", "a", "--seed", "5", "--max-tokens", "12"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return json(arguments)["tokens"];
    };
    EXPECT_EQ(drawn(recommending, {}), drawn(plain, {"--temp", "0"}));
    EXPECT_NE(drawn(recommending, {}), drawn(plain, {}));
    // What is asked for goes before what is recommended.
    EXPECT_EQ(drawn(recommending, {"--temp", "1.5"}),
              drawn(plain, {"--temp", "1.5", "--top-k", "7"}));
    // A question likewise: without a seed only temperature 0 answers alike.
    const auto answered = [&] {
        return json({"ask", "Hi", "--no-retrieval", "--model", recommending, "--max-tokens",
                     "12"})["answer"];
    };
    EXPECT_EQ(answered(), answered());
    EXPECT_THAT(run({"models", "info", recommending}).out,
                HasSubstr("sampling that the file recommends: temp 0.0, top_k 7"));
    EXPECT_EQ(json({"models", "info", recommending})["sampling"].dump(),
              R"({"temp":0.0,"top_k":7})");
    EXPECT_THAT(run({"models", "info", plain}).out, Not(HasSubstr("recommends")));
}

TEST_F(TerminalTest, AFilesRecommendationGoesBeforeWhatSuitsItsName) {
    const std::string model =
        write("named.gguf", ChangedMetadata(test::readWhole(kTinyModels + "olmoe.gguf"))
                                .drop("general.name")
                                .add("general.name", std::string_view("Conclave Tiny"))
                                .add("general.sampling.temp", 90.0f)
                                .bytes())
            .string();
    const auto drawn = [&](std::vector<std::string> more) {
        std::vector<std::string> arguments = {
            "generate", "--model", model, "--prompt", "a", "--seed", "5", "--max-tokens", "12"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return json(arguments)["tokens"];
    };
    EXPECT_EQ(drawn({}), drawn({"--temp", "90"}));
    EXPECT_NE(drawn({}), drawn({"--temp", "0"}));
}

TEST_F(TerminalTest, SaysWhereATemplateLeavesOutWhatTheUserSays) {
    const auto modelWith = [&](std::string_view source) {
        return write("template.gguf",
                     ChangedMetadata(test::readWhole(kTinyModels + "llama-dense.gguf"))
                         .drop("tokenizer.chat_template")
                         .add("tokenizer.chat_template", source)
                         .bytes())
            .string();
    };
    const std::string silent = modelWith("{% for m in messages %}{{ m.role }}{% endfor %}");
    EXPECT_THAT(
        run({"generate", "--chat", "--prompt", "Hi", "--model", silent, "--max-tokens", "1"}).err,
        HasSubstr("leaves out what the user said last"));
    EXPECT_THAT(run({"ask", "Hi", "--no-retrieval", "--model", silent, "--max-tokens", "1"}).err,
                HasSubstr("leaves out what the user says"));
    // Only the first message is written; a template that writes all of them is not noted.
    const std::string messages =
        write("m.json", R"([{"role":"user","content":"a"},{"role":"assistant","content":"b"},)"
                        R"({"role":"user","content":"c"}])")
            .string();
    const auto goOn = [&](const std::string& model) {
        return run({"generate", "--messages", messages, "--model", model, "--max-tokens", "1"}).err;
    };
    EXPECT_THAT(goOn(modelWith("{{ messages[0].content }}")), HasSubstr("what the user said last"));
    EXPECT_THAT(goOn(kTinyModels + "llama-dense.gguf"), Not(HasSubstr("leaves out")));
}

TEST_F(TerminalTest, SaysHowTurnsAreWrittenWithoutAChatTemplate) {
    const std::string base = kTinyModels + "olmoe.gguf";
    constexpr const char* kNote = "no chat template";
    EXPECT_THAT(run({"models", "info", base}).out, HasSubstr("it seems to be no chat model"));
    const std::vector<std::string> raw = {"generate", "--model",      base, "--prompt",
                                          "a",        "--max-tokens", "1"};
    EXPECT_THAT(run(raw).err, Not(HasSubstr(kNote)));
    std::vector<std::string> chat = raw;
    chat.emplace_back("--chat");
    EXPECT_THAT(run(chat).err, HasSubstr(kNote));
    const Outcome asked =
        run({"ask", "Hi", "--no-retrieval", "--model", base, "--max-tokens", "1"});
    const std::size_t first = asked.err.find(kNote);
    ASSERT_NE(first, std::string::npos) << asked.err;
    EXPECT_EQ(asked.err.find(kNote, first + 1), std::string::npos) << asked.err;
    EXPECT_THAT(run({"ask", "Hi", "--no-retrieval", "--model", kTinyModels + "llama-dense.gguf",
                     "--max-tokens", "1"})
                    .err,
                Not(HasSubstr(kNote)));
}

TEST_F(TerminalTest, RefusesABiasForATokenThatIsNotThere) {
    const Outcome refused =
        run({"generate", "--prompt", "a", "--logit-bias", "6144=5", "--max-tokens", "1"});
    EXPECT_EQ(refused.exitCode, 1);
    EXPECT_THAT(refused.err, HasSubstr("for token 6144, but Conclave Tiny"));
    EXPECT_THAT(refused.err, HasSubstr("0 to 6143"));
    EXPECT_EQ(
        run({"generate", "--prompt", "a", "--logit-bias", "6143=-5", "--max-tokens", "1"}).exitCode,
        0);
}

TEST_F(TerminalTest, TakesTheStepsOfSamplingInTheOrderGiven) {
    const auto drawn = [&](const std::string& steps) {
        return json({"generate", "--prompt", "The ship", "--temp", "3", "--top-p", "0.5", "--seed",
                     "5", "--max-tokens", "12", "--samplers", steps})["tokens"];
    };
    EXPECT_NE(drawn("top_p;temperature"), drawn("temperature;top_p"));
    EXPECT_EQ(drawn("top_p;temperature"), drawn("nucleus;temp"));
    EXPECT_EQ(drawn("top_p;temperature"), drawn("Top_P;TEMP"));
    const Outcome refused = run({"generate", "--prompt", "a", "--samplers", "top_k;tail"});
    EXPECT_EQ(refused.exitCode, 2);
    EXPECT_THAT(refused.err, HasSubstr("--samplers: there is no sampler \"tail\"; there are "
                                       "penalties, dry"));
}

TEST_F(TerminalTest, ShowsTheTokensOfAModelThatOnlySearches) {
    const std::string bert = kTinyModels + "bert.gguf";
    const auto ids = json({"tokenize", "--model", bert}, "unaffable hello")["ids"];
    const auto bare = json({"tokenize", "--no-special", "--model", bert}, "unaffable hello")["ids"];
    EXPECT_EQ(ids.size(), bare.size() + 2);  // [CLS] and [SEP]
    EXPECT_EQ(run({"detokenize", "--model", bert}, bare.dump()).out, " unaffable hello");
}

TEST_F(TerminalTest, SpellsOutControlCharactersOnATerminal) {
    const std::string model =
        write("named.gguf", ChangedMetadata(test::readWhole(kTinyModels + "olmoe.gguf"))
                                .drop("general.name")
                                .add("general.name", std::string_view("A\x1b]0;owned\x07"
                                                                      "B\x1b[2J"))
                                .bytes())
            .string();
    EXPECT_THAT(runOnTerminal({"models", "info", model}), HasSubstr("A\\x1b]0;owned\\x07"
                                                                    "B\\x1b[2J"));
    // A program that reads the output gets what is there.
    EXPECT_THAT(run({"models", "info", model}).out, HasSubstr("A\x1b]0;owned\x07"
                                                              "B\x1b[2J"));
}

TEST_F(TerminalTest, SaysWhereNoToolWasAskedFor) {
    const Outcome result = run({"chat"}, "Hello!\n/tool sunny\n/tol x\n");
    EXPECT_EQ(result.exitCode, 0);
    EXPECT_THAT(result.err, HasSubstr("the last answer asked for no tool"));
    EXPECT_THAT(result.err, HasSubstr("did you mean /tool?"));
}

TEST_F(TerminalTest, SaysThatTheScaleOfAnAdapterIsNoNumber) {
    const std::string adapter = kTinyModels + "olmoe.lora.gguf";
    for (const std::string& wrong : {adapter + "=abc", adapter + ":abc", adapter + "="}) {
        const Outcome refused = run({"generate", "--prompt", "a", "--lora", wrong});
        EXPECT_EQ(refused.exitCode, 2) << wrong;
        EXPECT_THAT(refused.err, HasSubstr("is no number")) << wrong;
    }
    // Part of a file's name.
    const std::string named = write("a=b.gguf", test::readWhole(adapter)).string();
    EXPECT_EQ(run({"generate", "--prompt", "a", "--max-tokens", "1", "--model",
                   kTinyModels + "olmoe.gguf", "--lora", named})
                  .exitCode,
              0);
}

TEST_F(TerminalTest, SaysOnceWhyAnAdapterCannotBeLoaded) {
    const std::string bad = write("bad.gguf", "no adapter").string();
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
             {"chat", "--lora", bad}, {"ask", "Hello!", "--lora", bad}}) {
        const Outcome result = run(arguments, "Hello!\n");
        EXPECT_EQ(result.exitCode, 1) << arguments.front();
        const std::size_t first = result.err.find("bad.gguf");
        ASSERT_NE(first, std::string::npos) << result.err;
        EXPECT_EQ(result.err.find("bad.gguf", first + 1), std::string::npos) << result.err;
    }
}

TEST_F(TerminalTest, ChangesAdaptersInAChat) {
    const std::string folder = CONCLAVE_TEST_SOURCE "/tests/parity/";
    const Outcome result = run({"chat", "--model", folder + "olmoe.gguf"},
                               "/lora\n/lora add " + folder + "olmoe.lora.gguf:0.5\n/lora add " +
                                   folder + "qwen3.lora.gguf\n/lora drop\n/lora add " + folder +
                                   "olmoe-2.lora.gguf\n/lora remove olmoe.lora.gguf\n/lora remove "
                                   "olmoe.lora.gguf\n/lora remove all\n");
    EXPECT_EQ(result.exitCode, 0);
    const std::string first = "+ " + folder + "olmoe.lora.gguf  0.5\n";
    const std::string second = "+ " + folder + "olmoe-2.lora.gguf  1\n";
    EXPECT_EQ(result.out, first + first + second + second) << result.err;
    EXPECT_THAT(result.err, HasSubstr("no adapters"));
    EXPECT_THAT(result.err, HasSubstr("/lora add FILE[=SCALE] and /lora remove FILE"));
    EXPECT_THAT(result.err, HasSubstr("qwen3"));  // of another architecture: refused
    EXPECT_THAT(result.err, HasSubstr("there is no adapter olmoe.lora.gguf"));

    // The answer is another one with it, and the first one again without.
    const std::string answers =
        run({"chat", "--model", folder + "olmoe.gguf", "--temp", "0", "--max-tokens", "12"},
            "ab\n/lora add " + folder +
                "olmoe.lora.gguf:3\n/regenerate\n/lora remove all\n/regenerate\n")
            .out;
    const std::string mark = "+ " + folder + "olmoe.lora.gguf  3\n";
    const std::size_t added = answers.find(mark);
    ASSERT_NE(added, std::string::npos) << answers;
    const std::string before = answers.substr(0, added);
    const std::string after = answers.substr(added + mark.size());
    EXPECT_TRUE(after.ends_with(before)) << answers;
    EXPECT_FALSE(after.starts_with(before)) << answers;
}

TEST_F(TerminalTest, QuantizesAModelThatThenAnswers) {
    const fs::path model = CONCLAVE_TEST_SOURCE "/resources/models/conclave-tiny-20M-Q8_0.gguf";
    const std::string out = (m_folder / "small.gguf").string();
    const Outcome help = run({"quantize", "--help"});
    EXPECT_THAT(help.out, HasSubstr("conclave quantize model-F16.gguf model-Q4_K_M.gguf Q4_K_M"));
    EXPECT_EQ(run({"quantize", model.string(), out}).exitCode, 2);

    const Outcome refused = run({"quantize", model.string(), out, "Q4_K_M"});
    EXPECT_EQ(refused.exitCode, 1);
    EXPECT_THAT(refused.err, HasSubstr("--allow-requantize"));
    const Outcome same = run({"quantize", model.string(), model.string(), "Q4_K_M"});
    EXPECT_EQ(same.exitCode, 1);
    EXPECT_THAT(same.err, HasSubstr("the output is the input"));
    const Outcome unknown = run({"quantize", model.string(), out, "Q4_KM"});
    EXPECT_EQ(unknown.exitCode, 2);
    EXPECT_THAT(unknown.err, HasSubstr("Q4_K_M"));
    EXPECT_FALSE(fs::exists(out));

    const auto report = json({"quantize", model.string(), out, "q4_k_m", "--allow-requantize"});
    EXPECT_EQ(report["in_bytes"], fs::file_size(model));
    EXPECT_EQ(report["out_bytes"], fs::file_size(out));
    EXPECT_GE(report["seconds"], 0.0);
    EXPECT_FALSE(fs::exists(out + ".partial"));
    EXPECT_EQ(json({"models", "info", out})["type"], "Q4_K_M");
    const auto answer = json({"generate", "--model", out, "--prompt", "The", "--max-tokens", "8"});
    EXPECT_EQ(answer["tokens"].size(), 8U);
}

TEST_F(TerminalTest, QuantizingBeyondTheLargestFileLeavesNothing) {
    const std::string model = CONCLAVE_TEST_SOURCE "/resources/models/conclave-tiny-20M-Q8_0.gguf";
    const fs::path out = m_folder / "small.gguf";
    constexpr rlim_t kLargest = 1U << 20U;
    m_limit = {RLIMIT_FSIZE, {kLargest, kLargest}};
    const Outcome result = run({"quantize", model, out.string(), "Q4_K", "--allow-requantize"});
    EXPECT_EQ(result.exitCode, 1);
    EXPECT_THAT(result.err, HasSubstr("File too large"));
    EXPECT_FALSE(fs::exists(out.string() + ".partial"));
    EXPECT_FALSE(fs::exists(out));
}

TEST_F(TerminalTest, InterruptedQuantizingLeavesNothing) {
    const fs::path model = CONCLAVE_TEST_SOURCE "/resources/models/conclave-tiny-20M-Q8_0.gguf";
    const fs::path out = m_folder / "small.gguf";
    const pid_t child = begin({"quantize", model.string(), out.string(), "Q3_K_M",
                               "--allow-requantize", "--threads", "1"});
    const fs::path partial = out.string() + ".partial";
    for (int i = 0; i < 1000 && !fs::exists(partial); ++i) std::this_thread::sleep_for(10ms);
    ASSERT_TRUE(fs::exists(partial));
    ::kill(child, SIGINT);
    const Outcome stopped = end(child);
    EXPECT_EQ(stopped.exitCode, 1);
    EXPECT_THAT(stopped.err, HasSubstr("nothing was written"));
    EXPECT_FALSE(fs::exists(partial));
    EXPECT_FALSE(fs::exists(out));
}

}  // namespace
}  // namespace conclave::terminal
