#include "app/terminal/arguments.h"

#include <gtest/gtest.h>

namespace conclave::terminal {
namespace {

using Kind = Option::Kind;

const Signature kAsk{"ask",
                     1,
                     1,
                     {{"--docs", "PATH…", "", Kind::List},
                      {"--temp", "T", "0 to 2", Kind::Number, 0, 2},
                      {"-k", "N", "from 1", Kind::Integer, 1, 10},
                      {"--memory", "SIZE", "", Kind::Size},
                      {"--json", "", "", Kind::Flag},
                      {"--lora", "FILE", "a file", Kind::Each},
                      {"--kind", "f16|q8_0", "", Kind::Choice},
                      {"--model", "NAME", ""}}};

Arguments parsed(const std::vector<std::string>& given) {
    auto arguments = Arguments::parse(kAsk, given);
    EXPECT_TRUE(arguments.has_value()) << arguments.error().detail;
    return arguments.value_or(Arguments{});
}

std::string problem(const std::vector<std::string>& given) {
    const auto arguments = Arguments::parse(kAsk, given);
    EXPECT_FALSE(arguments.has_value());
    return arguments ? std::string() : arguments.error().detail;
}

TEST(Arguments, TakesOptionsInAnyOrderAndBothSpellings) {
    const Arguments arguments = parsed({"--temp=0.5", "Why?", "-k", "3", "--json"});
    EXPECT_EQ(arguments.plain(), (std::vector<std::string>{"Why?"}));
    EXPECT_EQ(arguments.number("--temp"), 0.5);
    EXPECT_EQ(arguments.integer("-k", 8), 3);
    EXPECT_TRUE(arguments.has("--json"));
    EXPECT_FALSE(arguments.has("--docs"));
    EXPECT_EQ(arguments.integer("--threads", 8), 8);
}

TEST(Arguments, ReadsSizesOfMemory) {
    EXPECT_EQ(parsed({"Why?", "--memory", "6G"}).size("--memory"), std::uint64_t{6} << 30U);
    EXPECT_EQ(parsed({"Why?"}).size("--memory"), 0U);
    EXPECT_EQ(parseSize("1.5GiB"), std::uint64_t{3} << 29U);
    EXPECT_EQ(parseSize("700m"), std::uint64_t{700} << 20U);
    EXPECT_EQ(parseSize("64kB"), 65536U);
    EXPECT_EQ(parseSize("900000000"), 900'000'000U);
    for (const char* wrong : {"", "G", "6X", "6GG", "-1G", "0", "nan", "1e30", "6 G"}) {
        EXPECT_EQ(parseSize(wrong), std::nullopt) << wrong;
    }
    EXPECT_NE(problem({"Why?", "--memory", "lots"}).find("6G"), std::string::npos);
}

TEST(Arguments, AListTakesAllUpToTheNextOptionButLeavesTheQuestion) {
    EXPECT_EQ(parsed({"Why?", "--docs", "a", "b", "--json"}).list("--docs"),
              (std::vector<std::string>{"a", "b"}));
    const Arguments swallowed = parsed({"--docs", "a", "b", "Why?"});
    EXPECT_EQ(swallowed.list("--docs"), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(swallowed.plain(), (std::vector<std::string>{"Why?"}));
    EXPECT_EQ(parsed({"--docs", "a", "--docs", "b", "--", "--Why?"}).list("--docs"),
              (std::vector<std::string>{"a", "b"}));
}

TEST(Arguments, GathersAnOptionThatMayBeGivenAgain) {
    const Arguments arguments = parsed({"--lora", "a=0.5", "Why?", "--lora=b", "--lora", "c"});
    EXPECT_EQ(arguments.list("--lora"), (std::vector<std::string>{"a=0.5", "b", "c"}));
    EXPECT_EQ(arguments.plain(), (std::vector<std::string>{"Why?"}));
    EXPECT_EQ(problem({"Why?", "--lora", "a", "--lora"}), "--lora needs a value: a file");
}

TEST(Arguments, NamesTheNearestOptionForAnUnknownOne) {
    EXPECT_EQ(problem({"Why?", "--jsno"}),
              "conclave ask has no option --jsno; did you mean --json?");
    EXPECT_EQ(problem({"Why?", "--modle=x"}),
              "conclave ask has no option --modle; did you mean --model?");
    EXPECT_EQ(problem({"Why?", "--completely-other"}),
              "conclave ask has no option --completely-other");
}

TEST(Arguments, ChecksNumbersWhole) {
    EXPECT_NE(problem({"Why?", "-k", "3x"}).find("whole number"), std::string::npos);
    EXPECT_NE(problem({"Why?", "-k", "3.5"}).find("whole number"), std::string::npos);
    EXPECT_NE(problem({"Why?", "-k", "0"}).find("out of range"), std::string::npos);
    EXPECT_NE(problem({"Why?", "-k", "18446744073709551615"}).find("out of range"),
              std::string::npos);
    EXPECT_NE(problem({"Why?", "--temp", "nan"}).find("out of range"), std::string::npos);
    EXPECT_NE(problem({"Why?", "--temp", "warm"}).find("a number"), std::string::npos);
    EXPECT_NE(problem({"Why?", "--temp"}).find("needs a value"), std::string::npos);
    EXPECT_NE(problem({"Why?", "--lora", "--json"}).find("needs a value"), std::string::npos);
    EXPECT_NE(problem({"Why?", "--docs", "--json"}).find("needs a value"), std::string::npos);
    EXPECT_NE(problem({"Why?", "--json=yes"}).find("takes no value"), std::string::npos);
}

TEST(Arguments, TakesChoicesInAnyCaseAndNoEmptyFile) {
    EXPECT_EQ(parsed({"Why?", "--kind", "Q8_0"}).text("--kind"), "Q8_0");
    EXPECT_EQ(problem({"Why?", "--kind", "q8"}), "--kind takes f16|q8_0, not \"q8\"");
    EXPECT_NE(problem({"Why?", "--lora", ""}).find("name of a file"), std::string::npos);
}

TEST(Arguments, FindsTheNearestWord) {
    EXPECT_EQ(nearest("serach", {"search", "chat"}), "search");
    EXPECT_EQ(nearest("xyz", {"search", "chat"}), "");
}

}  // namespace
}  // namespace conclave::terminal
