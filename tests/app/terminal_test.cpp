// Runs the terminal program as a script would.
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "retrieval/retrieval.h"
#include "storage/storage.h"

namespace conclave::terminal {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Outcome {
    int exitCode = -1;  ///< -1: ended by a signal
    std::string out;
    std::string err;
};

class TerminalTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "conclave-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        m_folder = fs::canonical(pattern);
        fs::create_directory(m_folder / "docs");
    }
    void TearDown() override {
        std::error_code ignored;
        fs::remove_all(m_folder, ignored);
    }

    fs::path write(const std::string& name, std::string_view text) const {
        const fs::path file = m_folder / name;
        std::ofstream(file, std::ios::binary) << text;
        return file;
    }

    /// Starts the program with its streams in files of the scratch folder.
    pid_t begin(const std::vector<std::string>& arguments, const std::string& input = {}) const {
        write("in", input);
        const pid_t child = ::fork();
        if (child != 0) return child;
        constexpr mode_t kMode = 0600;
        const auto redirect = [&](const char* name, int flags, int to) {
            ::dup2(::open((m_folder / name).c_str(), flags, kMode), to);
        };
        redirect("in", O_RDONLY, STDIN_FILENO);
        redirect("out", O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
        redirect("err", O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
        ::setenv("CONCLAVE_HOME", (m_folder / "home").c_str(), 1);
        ::unsetenv("CONCLAVE_LOG");
        std::string program = CONCLAVE_TEST_BINARY "/bin/conclave";
        std::vector<std::string> words = arguments;
        std::vector<char*> pointers{program.data()};
        for (std::string& word : words) pointers.push_back(word.data());
        pointers.push_back(nullptr);
        ::execv(program.c_str(), pointers.data());
        constexpr int kNotFound = 127;
        ::_exit(kNotFound);
    }

    [[nodiscard]] std::string contentOf(const std::string& name) const {
        std::ifstream stream(m_folder / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    }

    [[nodiscard]] Outcome end(pid_t child) const {
        int status = 0;
        ::waitpid(child, &status, 0);
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, contentOf("out"), contentOf("err")};
    }

    [[nodiscard]] Outcome run(const std::vector<std::string>& arguments,
                              const std::string& input = {}) const {
        return end(begin(arguments, input));
    }

    /// The one JSON document that a successful run prints.
    nlohmann::json json(std::vector<std::string> arguments, const std::string& input = {}) const {
        arguments.emplace_back("--json");
        const Outcome result = run(arguments, input);
        EXPECT_EQ(result.exitCode, 0) << arguments[0] << ": " << result.err;
        auto parsed = nlohmann::json::parse(result.out, nullptr, false);
        EXPECT_FALSE(parsed.is_discarded()) << result.out;
        return parsed;
    }

    /// All there are, and messages that search finds; none is in the trash.
    std::size_t countChats() const {
        storage::OpenOptions options;
        options.analyzer = retrieval::analyze;
        options.analyzerVersion = retrieval::kAnalyzerVersion;
        auto database = storage::Database::open(m_folder / "home/data/conclave.db", options);
        EXPECT_TRUE(database.has_value());
        if (!database) return 0;
        storage::ChatStore& chats = (*database)->chats();
        EXPECT_EQ(chats.trash().value().size(), 0U);
        return chats.chats().value().size() + chats.searchMessages("Hello", 10)->size() +
               chats.searchMessages("story", 10)->size();
    }

    fs::path m_folder;
};

TEST_F(TerminalTest, SaysWhatIsWrongAndExitsWithTwo) {
    const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
        {{"serach", "x"}, "did you mean search?"},
        {{"ask", "x", "--jsno"}, "did you mean --json?"},
        {{"ask"}, "something is missing"},
        {{"ask", " "}, "the question is empty"},
        {{"ask", "two", "words"}, "quotation marks"},
        {{"search", "x", "-k", "many"}, "whole number"},
        {{"search", "x", "--mode", "psychic"}, "hybrid, keyword or vector"},
        {{"models", "lst"}, "did you mean list?"},
        {{"generate"}, "needs one of"},
        {{"logits"}, "needs --tokens"},
        {{"bench", "--cache-type-k", "q3"}, "f16|q8_0|q4_0"},
        {{"chat", "--json"}, "conclave ask QUESTION --json"},
        {{"tokenize", "Hello"}, "conclave tokenize < TEXT"},
        {{"serve"}, "there is no command serve"},
    };
    for (const auto& [arguments, expected] : cases) {
        const Outcome result = run(arguments);
        EXPECT_EQ(result.exitCode, 2) << arguments[0];
        EXPECT_THAT(result.out, IsEmpty());
        EXPECT_THAT(result.err, HasSubstr(expected));
    }
    EXPECT_EQ(run({}).exitCode, 2);
}

TEST_F(TerminalTest, EveryCommandHelpsWithAnExample) {
    const Outcome all = run({"--help"});
    EXPECT_EQ(all.exitCode, 0);
    for (const char* name : {"chat", "ask", "index", "search", "extract", "eval-retrieval",
                             "models", "tokenize", "detokenize", "logits", "generate", "perplexity",
                             "bench", "doctor", "backup", "restore"}) {
        EXPECT_THAT(all.out, HasSubstr(std::string("  ") + name + " "));
        const Outcome help = run({name, "--help"});
        EXPECT_EQ(run({"help", name}).out, help.out);
        EXPECT_EQ(help.exitCode, 0) << name;
        EXPECT_THAT(help.out, HasSubstr(std::string("Example:\n  "))) << name;
        const bool isInteractive = std::string_view(name) == "chat";
        EXPECT_EQ(help.out.find("--json") == std::string::npos, isInteractive) << name;
    }
    EXPECT_FALSE(fs::exists(m_folder / "home"));  // asking for help leaves nothing behind
}

TEST_F(TerminalTest, FailsWithOneAndNothingOnStdout) {
    const fs::path picture = write("picture.png", std::string_view("\x89PNG\r\n\x1a\n\0\0", 10));
    for (const std::vector<std::string>& arguments :
         std::vector<std::vector<std::string>>{{"index", "/no/such/folder"},
                                               {"ask", "x", "--collection", "Nowhere"},
                                               {"ask", "x", "--docs", "/no/such/folder"},
                                               {"extract", "/no/such/file", "--json"},
                                               {"models", "info", "/no/such/file"},
                                               {"ask", "x", "--model", "/no/such/file"},
                                               {"chat", "--model", "/no/such/file"},
                                               {"restore", "/no/such/file"},
                                               {"perplexity", "/no/such/file"},
                                               {"perplexity", m_folder.string()},
                                               {"perplexity", picture.string()},
                                               {"generate", "--prompt-file", m_folder.string()},
                                               {"eval-retrieval", "/no/such/folder"}}) {
        const Outcome result = run(arguments);
        EXPECT_EQ(result.exitCode, 1) << arguments[0];
        EXPECT_THAT(result.out, IsEmpty());
        EXPECT_THAT(result.err, HasSubstr("conclave: ")) << arguments[0];
    }
}

TEST_F(TerminalTest, ModelsWorkWithoutAFolderToKeepAnythingIn) {
    write("home", "a file where the folder should be");
    const Outcome result = run({"generate", "--prompt", "The", "--max-tokens", "2", "--json"});
    EXPECT_EQ(result.exitCode, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("\"tokens\""));
    EXPECT_THAT(result.err, HasSubstr("going on without the database"));
}

TEST_F(TerminalTest, AnswersFromDocumentsWithOffsetsThatPointAtTheQuote) {
    write("docs/office.md",
          "# Büro — 办公室\n\nÜber uns: 你好。 The office in Tallinn opens at 8:30. The spare keys "
          "are "
          "kept by Marta Veldhuis.\n");
    write("docs/travel.md", "Employees may book second class train tickets without approval.\n");
    const fs::path docs = m_folder / "docs";
    const auto answer = json({"ask", "Who keeps the spare keys?", "--docs", docs.string()});
    EXPECT_THAT(answer["answer"].get<std::string>(), HasSubstr("Marta Veldhuis"));
    ASSERT_FALSE(answer["citations"].empty());
    for (const auto& citation : answer["citations"]) {
        const auto extracted = json({"extract", citation["document"].get<std::string>()});
        const auto& page = extracted["pages"][citation["page"].get<std::size_t>() - 1];
        const std::string text = page["text"];
        const std::size_t start = byteOffsetOf(text, citation["start"].get<std::size_t>());
        const std::size_t end = byteOffsetOf(text, citation["end"].get<std::size_t>());
        EXPECT_EQ(text.substr(start, end - start), citation["quote"].get<std::string>());
        EXPECT_THAT(citation["quote"].get<std::string>(), HasSubstr("Marta"));
        EXPECT_TRUE(citation["supported"].get<bool>());
    }
    for (const char* key : {"prompt_tokens", "completion_tokens", "cached_tokens", "prefill_tps",
                            "decode_tps", "ttft_ms"}) {
        EXPECT_TRUE(answer["usage"].contains(key)) << key;
    }
    for (const auto& passage : answer["passages"]) {
        const std::string path = passage["document"];
        const std::string text = json({"extract", path})["pages"][0]["text"];
        const std::size_t start = byteOffsetOf(text, passage["start"].get<std::size_t>());
        const std::size_t end = byteOffsetOf(text, passage["end"].get<std::size_t>());
        EXPECT_EQ(text.substr(start, end - start), passage["text"].get<std::string>());
    }
}

TEST_F(TerminalTest, ListsPassagesForAQuestionThatTheModelCannotRead) {
    write("docs/keys.md", "# 办公室\n\n备用钥匙由王磊保管。\n");
    const Outcome result = run({"ask", "谁保管备用钥匙？", "--docs", (m_folder / "docs").string()});
    EXPECT_EQ(result.exitCode, 0);
    EXPECT_THAT(result.out, HasSubstr("文档中写道：“备用钥匙由王磊保管。” [1]"));
    EXPECT_THAT(result.out, HasSubstr("只懂英文"));
    const std::string passage = "备用钥匙由王磊保管";
    const std::size_t first = result.out.find(passage);
    ASSERT_NE(first, std::string::npos) << result.out;
    EXPECT_EQ(result.out.find(passage, first + 1), std::string::npos) << result.out;
    const Outcome greeting = run({"ask", "你好"});
    EXPECT_EQ(greeting.exitCode, 0);
    EXPECT_THAT(greeting.out, HasSubstr("您好！"));
    EXPECT_THAT(greeting.out, Not(HasSubstr("只懂英文")));
    EXPECT_THAT(run({"ask", "你是谁？"}).out, HasSubstr("我是 Conclave Tiny"));
}

TEST_F(TerminalTest, QuotesTheDocumentWhereTheModelDeniesWhatItSays) {
    write("docs/expenses.txt",
          "Receipts must be handed in within 30 days after the trip. Late reports are decided "
          "by Ingrid Solberg.\n");
    const std::string docs = (m_folder / "docs").string();
    const auto answer = json({"ask", "When must receipts be handed in?", "--docs", docs});
    const std::string text = answer["answer"];
    EXPECT_THAT(text, HasSubstr("within 30 days"));
    EXPECT_THAT(text, Not(HasSubstr("could not find")));
    if (answer["finish_reason"] == "quoted") {
        EXPECT_THAT(text, testing::StartsWith("Your documents say: “"));
        EXPECT_THAT(text, HasSubstr("did not write it"));
    }
    EXPECT_TRUE(answer["citations"][0]["supported"].get<bool>());
    const auto cost = json({"ask", "What do the receipts cost?", "--docs", docs});
    EXPECT_NE(cost["finish_reason"], "quoted") << cost["answer"];
}

TEST_F(TerminalTest, PrintsEachSourceOnceAndNoFragmentOfAReplacedAnswer) {
    write("docs/keys.txt", "The spare keys hang in the hall. The spare keys are red.\n");
    const Outcome all =
        run({"ask", "List everything about spare keys", "--docs", (m_folder / "docs").string()});
    const std::string line = "[1] " + (m_folder / "docs/keys.txt").string();
    const std::size_t first = all.out.find(line);
    ASSERT_NE(first, std::string::npos) << all.out;
    EXPECT_EQ(all.out.find(line, first + 1), std::string::npos) << all.out;
    const Outcome alone = run({"ask", "What is the capital of Peru?", "--no-retrieval"});
    EXPECT_EQ(alone.exitCode, 0);
    EXPECT_THAT(alone.out, Not(HasSubstr("in your documents")));
    EXPECT_EQ(alone.out.find("\n\nConclave Tiny is"), std::string::npos) << alone.out;
}

TEST_F(TerminalTest, KeepsAQuestionAsAChatOnlyWhenAsked) {
    json({"ask", "Hello!"});
    EXPECT_EQ(countChats(), 0U);
    EXPECT_EQ(run({"ask", "Hello!", "--model", "no such model"}).exitCode, 1);
    EXPECT_EQ(countChats(), 0U);
    json({"ask", "Hello!", "--save"});
    EXPECT_GE(countChats(), 2U);
}

TEST_F(TerminalTest, IndexesSearchesAndReportsInJson) {
    write("docs/harbour.txt", "The harbour of Lindau has a lighthouse and a lion.\n");
    write("docs/broken.docx", "no archive");
    const std::string docs = (m_folder / "docs").string();
    const auto report = json({"index", docs, "--collection", "Harbours"});
    EXPECT_EQ(report["collection"], "Harbours");
    EXPECT_EQ(report["documents"], 1);
    EXPECT_EQ(report["chunks"], 1);
    ASSERT_EQ(report["failed"].size(), 1U);
    EXPECT_EQ(report["failed"][0]["path"], docs + "/broken.docx");
    EXPECT_EQ(json({"index", docs, "--collection", "Harbours"})["read"], 0);

    for (const char* mode : {"hybrid", "keyword", "vector"}) {
        const auto found =
            json({"search", "lighthouse", "--collection", "Harbours", "-k", "3", "--mode", mode});
        ASSERT_EQ(found["hits"].size(), 1U) << mode;
        EXPECT_EQ(found["hits"][0]["rank"], 1);
        EXPECT_EQ(found["hits"][0]["document"], docs + "/harbour.txt");
        EXPECT_THAT(found["hits"][0]["text"].get<std::string>(), HasSubstr("lion"));
        EXPECT_TRUE(found["ms"].is_number());
    }
    const Outcome plain = run({"search", "lighthouse", "--collection", "Harbours"});
    EXPECT_THAT(plain.out, Not(HasSubstr("\x1b[")));  // no colours where there is no terminal
}

TEST_F(TerminalTest, SaysWhatIsTheMatterWithAFile) {
    const fs::path broken = write("broken.docx", "no archive");
    const Outcome result = run({"extract", broken.string(), "--json"});
    EXPECT_EQ(result.exitCode, 1);
    const auto parsed = nlohmann::json::parse(result.out, nullptr, false);
    ASSERT_TRUE(parsed.is_object()) << result.out;
    EXPECT_EQ(parsed["status"], "corrupt");
    const auto good = json({"extract", write("a.txt", "anchor\n").string()});
    EXPECT_EQ(good["status"], "ok");
    EXPECT_EQ(good["pages"][0]["page"], 1);
}

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
    EXPECT_EQ(watched["logprobs"][0]["token"], generated["tokens"][0]);
    EXPECT_EQ(watched["logprobs"][0]["top"][0][0], last[0][0]);
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
    EXPECT_NE(drawn({"--experts", "1"}), plain);
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

    const auto bench = json({"bench", "-p", "32", "-n", "8", "-d", "16", "-t", "1", "-r", "2"});
    EXPECT_EQ(bench["prefill_tps"].size(), 2U);
    EXPECT_EQ(bench["decode_tps"].size(), 2U);
    EXPECT_GT(bench["decode_tps"][0].get<double>(), 1.0);
    EXPECT_GT(bench["rss_mib"].get<double>(), 1.0);
    EXPECT_EQ(bench["model"], "Conclave Tiny");
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
    EXPECT_THAT(result.err, HasSubstr("/lora add FILE[:SCALE] and /lora remove FILE"));
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

TEST_F(TerminalTest, ChatsOverAPipe) {
    const Outcome result =
        run({"chat"}, "Hello!\n/hlep\n/collections\n/regenerate\n/sources\n/quit\n");
    EXPECT_EQ(result.exitCode, 0);
    const std::string golden = "Hello! How can I help you today?";
    const std::size_t first = result.out.find(golden);
    ASSERT_NE(first, std::string::npos) << result.out << result.err;
    EXPECT_NE(result.out.find(golden, first + 1), std::string::npos);
    EXPECT_THAT(result.out, HasSubstr("+ Conclave Guide"));
    EXPECT_THAT(result.err, HasSubstr("did you mean /help?"));
    EXPECT_THAT(result.err, HasSubstr("demonstration model"));
}

TEST_F(TerminalTest, ChatsAboutFoldersAndSaysThatOneIsEmpty) {
    const fs::path empty = m_folder / "empty";
    fs::create_directories(empty);
    for (const auto& arguments : std::vector<std::vector<std::string>>{
             {"ask", "Who?", "--docs", empty.string()}, {"chat", "--docs", empty.string()}}) {
        const Outcome nothing = run(arguments);
        EXPECT_EQ(nothing.exitCode, 1);
        EXPECT_THAT(nothing.err, HasSubstr("holds no documents that can be read"));
    }
    write("docs/keys.txt", "The spare keys are kept by Marta Veldhuis.\n");
    const Outcome chat =
        run({"chat", "--docs", (m_folder / "docs").string()}, "Who keeps the spare keys?\n");
    EXPECT_THAT(chat.out, HasSubstr("Marta Veldhuis")) << chat.err;
}

TEST_F(TerminalTest, SaysThatAWordIsNowhere) {
    write("docs/keys.txt", "The spare keys are kept by Marta Veldhuis.\n");
    json({"index", (m_folder / "docs").string(), "--collection", "Keys"});
    EXPECT_THAT(run({"search", "xyzzyqq"}).err, HasSubstr("Nothing says this"));
    EXPECT_TRUE(json({"search", "xyzzyqq"})["nearest_only"].get<bool>());
    EXPECT_FALSE(json({"search", "spare keys"})["nearest_only"].get<bool>());
    // Its second character is in none of the guide's words, its first in 记住.
    EXPECT_TRUE(json({"search", "住宿", "--mode", "keyword"})["nearest_only"].get<bool>());
    EXPECT_FALSE(json({"search", "模型", "--mode", "keyword"})["nearest_only"].get<bool>());
}

TEST_F(TerminalTest, CtrlCStopsTheAnswerAndKeepsNothing) {
    const pid_t child = begin({"ask", "Tell a long story.", "--no-retrieval", "--temp", "3",
                               "--top-k", "0", "--top-p", "1", "--min-p", "0", "--seed", "1",
                               "--max-tokens", "900", "--threads", "1"});
    for (int i = 0; i < 3000 && contentOf("out").size() < 40; ++i) std::this_thread::sleep_for(2ms);
    ::kill(child, SIGINT);
    const Outcome result = end(child);
    EXPECT_EQ(result.exitCode, 1);
    EXPECT_THAT(result.err, HasSubstr("(stopped)"));
    EXPECT_GE(result.out.size(), 40U);
    EXPECT_EQ(countChats(), 0U);
    EXPECT_EQ(run({"doctor"}).exitCode, 0);
}

TEST_F(TerminalTest, BacksUpAndRestores) {
    write("docs/harbour.txt", "The harbour of Lindau has a lighthouse.\n");
    json({"index", (m_folder / "docs").string(), "--collection", "Harbours"});
    const std::string copy = (m_folder / "copy.db").string();
    EXPECT_EQ(json({"backup", copy})["file"], copy);
    EXPECT_EQ(run({"backup", copy}).exitCode, 1);  // never overwrites
    fs::remove_all(m_folder / "docs");
    json({"search", "lighthouse"});
    fs::remove_all(m_folder / "home/data");
    json({"restore", copy});
    write("broken.db", std::string(5000, 'x'));
    const Outcome broken = run({"restore", (m_folder / "broken.db").string()});
    EXPECT_EQ(broken.exitCode, 1);
    EXPECT_THAT(broken.err, HasSubstr("nothing was changed; restore another backup"));
    const auto found = json({"search", "lighthouse", "--collection", "Harbours"});
    EXPECT_EQ(found["hits"].size(), 1U);
    EXPECT_EQ(json({"doctor"})["ok"], true);
}

TEST_F(TerminalTest, SurvivesBeingKilledWhileItWrites) {
    constexpr int kKills = 8;
    for (int i = 0; i < kKills; ++i) {
        const pid_t child =
            begin({"ask", "Tell a long story.", "--no-retrieval", "--temp", "3", "--top-k", "0",
                   "--top-p", "1", "--min-p", "0", "--max-tokens", "900", "--threads", "1"});
        std::this_thread::sleep_for(std::chrono::milliseconds(60 + 90 * i));
        ::kill(child, SIGKILL);
        static_cast<void>(end(child));
        const Outcome doctor = run({"doctor"});
        ASSERT_EQ(doctor.exitCode, 0) << doctor.out << doctor.err;
    }
}

TEST_F(TerminalTest, IsIndependentOfQt) {
    const std::string command = "ldd " CONCLAVE_TEST_BINARY "/bin/conclave";
    FILE* pipe = ::popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string libraries;
    std::array<char, 4096> buffer{};
    while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) libraries += buffer.data();
    ASSERT_EQ(::pclose(pipe), 0);
    EXPECT_THAT(libraries, HasSubstr("libsqlite3"));
    EXPECT_THAT(libraries, Not(HasSubstr("libQt")));
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
    EXPECT_EQ(unknown.exitCode, 1);
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
