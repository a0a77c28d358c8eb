#include "bench/search_texts.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace conclave::bench {
namespace {

std::vector<std::string> textsOf(const std::filesystem::path& file) {
    std::ifstream stream(file);
    if (!stream) {
        std::fprintf(stderr, "there is no file %s; give the folder of test sets\n", file.c_str());
        std::exit(1);
    }
    std::vector<std::string> texts;
    std::string line;
    while (std::getline(stream, line)) {
        const auto json = nlohmann::json::parse(line, nullptr, false);
        if (json.is_object()) texts.push_back(json.value("text", std::string()));
    }
    return texts;
}

void addSentences(std::string_view text, SentencePool& pool) {
    constexpr std::size_t kShortest = 8;
    const std::vector<std::string_view> ends = {". ", ".\n", " .", "\u3002", "\uff01", "\uff1f"};
    while (!text.empty()) {
        std::size_t end = text.size();
        for (const std::string_view mark : ends) {
            const std::size_t found = text.find(mark);
            if (found != std::string_view::npos) end = std::min(end, found + mark.size());
        }
        if (countCodePoints(text.substr(0, end)) >= kShortest) {
            std::string sentence(text.substr(0, end));
            for (char& c : sentence) c = c == '\n' ? ' ' : c;
            pool.sentences.push_back(std::move(sentence));
        }
        text.remove_prefix(end);
    }
}

void addSet(const std::filesystem::path& folder, SentencePool& pool) {
    for (const std::string& text : textsOf(folder / "docs.jsonl")) addSentences(text, pool);
    for (std::string& question : textsOf(folder / "queries.jsonl")) {
        pool.questions.push_back(std::move(question));
    }
}

}  // namespace

SentencePool englishPool(const std::filesystem::path& sets) {
    SentencePool pool{.name = "English",
                      .sentences = {},
                      .questions = {},
                      .paragraphCharacters = 850,
                      .hasSpaces = true};
    addSet(sets / "cranfield", pool);
    addSet(sets / "cacm", pool);
    return pool;
}

SentencePool chinesePool(const std::filesystem::path& sets) {
    SentencePool pool{.name = "Chinese",
                      .sentences = {},
                      .questions = {},
                      .paragraphCharacters = 300,
                      .hasSpaces = false};
    addSet(sets / "cmrc2018", pool);
    return pool;
}

std::string syntheticDocument(const SentencePool& pool, std::size_t i, int version) {
    std::mt19937_64 random(i * 1'000'003 + static_cast<std::size_t>(version));
    std::string document;
    for (std::size_t paragraph = 0; paragraph < kParagraphsOfDocument; ++paragraph) {
        std::string text;
        for (std::size_t nCharacters = 0; nCharacters < pool.paragraphCharacters;) {
            const std::string& sentence = pool.sentences[random() % pool.sentences.size()];
            nCharacters += countCodePoints(sentence);
            text += sentence;
            if (pool.hasSpaces && text.back() != ' ') text += ' ';
        }
        if (paragraph % 2 == 0) text += "no" + std::to_string(i) + "v" + std::to_string(paragraph);
        document += text + "\n\n";
    }
    return document;
}

}  // namespace conclave::bench
