// terminal_fixture.h: the terminal program in a scratch folder of its own.
#pragma once

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "retrieval/retrieval.h"
#include "storage/storage.h"

namespace conclave::terminal::test {

namespace fs = std::filesystem;

struct Outcome {
    int exitCode = -1;  ///< -1: ended by a signal
    std::string out;
    std::string err;
};

/// The bytes of a file.
inline std::string readWhole(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

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
        write("out", {});  // not what an earlier run printed, for those who watch it
        write("err", {});
        const pid_t child = ::fork();
        if (child != 0) return child;
        constexpr mode_t kMode = 0600;
        const auto redirect = [&](const char* name, int flags, int to) {
            ::dup2(::open((m_folder / name).c_str(), flags, kMode), to);
        };
        redirect("in", O_RDONLY, STDIN_FILENO);
        redirect("out", O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
        redirect("err", O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
        if (m_limit) {
            ::setrlimit(m_limit->first, &m_limit->second);
            constexpr unsigned kSeconds = 60;
            ::alarm(kSeconds);  // ends a program that hangs
        }
        execute(arguments);
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

    /// What the program writes to a terminal, on stdout and stderr.
    [[nodiscard]] std::string runOnTerminal(const std::vector<std::string>& arguments) const {
        const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
        if (terminal < 0 || ::grantpt(terminal) != 0 || ::unlockpt(terminal) != 0) return {};
        const std::string name = ::ptsname(terminal);
        const int held = ::open(name.c_str(), O_RDWR | O_NOCTTY);  // until the program has it
        const pid_t child = ::fork();
        if (child == 0) {
            for (const int to : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(held, to);
            execute(arguments);
        }
        ::close(held);
        std::string text;
        std::array<char, 4096> bytes{};
        // Where nobody has the other side any more reading fails.
        for (ssize_t n = 0; (n = ::read(terminal, bytes.data(), bytes.size())) > 0;) {
            text.append(bytes.data(), static_cast<std::size_t>(n));
        }
        ::waitpid(child, nullptr, 0);
        ::close(terminal);
        return text;
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

    /// What the program stored; null if it cannot be opened.
    std::unique_ptr<storage::Database> database() const {
        storage::OpenOptions options;
        options.analyzer = retrieval::analyze;
        options.analyzerVersion = retrieval::kAnalyzerVersion;
        auto opened = storage::Database::open(m_folder / "home/data/conclave.db", options);
        EXPECT_TRUE(opened.has_value());
        return opened ? std::move(*opened) : nullptr;
    }

    /// All there are, and messages that search finds; none is in the trash.
    std::size_t countChats() const {
        const auto opened = database();
        if (opened == nullptr) return 0;
        storage::ChatStore& chats = opened->chats();
        EXPECT_EQ(chats.trash().value().size(), 0U);
        return chats.chats().value().size() + chats.searchMessages("Hello", 10)->size() +
               chats.searchMessages("story", 10)->size();
    }

    fs::path m_folder;
    /// Of the programs that are begun from now on.
    std::optional<std::pair<__rlimit_resource, rlimit>> m_limit{};

private:
    /// Becomes the program.
    [[noreturn]] void execute(const std::vector<std::string>& arguments) const {
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
};

}  // namespace conclave::terminal::test
