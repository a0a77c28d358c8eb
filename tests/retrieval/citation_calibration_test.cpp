// Calibrates checkCitations on the answer spans of CMRC 2018 (../shared/data/ir).
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "retrieval/retrieval.h"
#include "retrieval/sentences.h"

namespace conclave::retrieval {
namespace {

namespace fs = std::filesystem;

struct Question {
    std::string document;
    std::string answer;    ///< the value
    std::string sentence;  ///< the sentence of the document that holds it
};

class CitationCalibration : public testing::Test {
protected:
    void SetUp() override {
        const fs::path folder = fs::path(CONCLAVE_TEST_SOURCE) / "../shared/data/ir/cmrc2018";
        if (!fs::exists(folder / "docs.jsonl")) GTEST_SKIP() << "needs ../shared/data/ir/cmrc2018";
        std::ifstream documents(folder / "docs.jsonl");
        for (std::string line; std::getline(documents, line);) {
            const auto entry = nlohmann::json::parse(line);
            m_texts[entry.at("id")] = entry.at("text");
            m_order.push_back(entry.at("id"));
        }
        std::ifstream queries(folder / "queries.jsonl");
        for (std::string line; std::getline(queries, line);) {
            const auto entry = nlohmann::json::parse(line);
            const auto& spans = entry.at("spans");
            if (spans.empty()) continue;
            addQuestion(spans.at(0).at(0), spans.at(0).at(1), spans.at(0).at(2));
        }
    }

    void addQuestion(const std::string& document, std::size_t start, const std::string& answer) {
        const std::string& text = m_texts.at(document);
        const std::size_t at = byteOffsetOf(text, start);
        ASSERT_EQ(text.substr(at, answer.size()), answer);
        std::size_t sentenceStart = 0;
        for (const std::size_t end : sentenceEnds(text)) {
            if (end > at) {
                m_questions.push_back(
                    {document, answer, text.substr(sentenceStart, end - sentenceStart)});
                return;
            }
            sentenceStart = end;
        }
    }

    static bool isSupported(const std::string& answer, const std::string& text) {
        Passage passage;
        passage.number = 1;
        passage.text = text;
        passage.endByte = text.size();
        const auto found = checkCitations(answer + " [1]", std::vector{passage});
        if (found.size() != 1) return false;
        if (found[0].supported) {
            EXPECT_EQ(text.substr(found[0].quoteStart, found[0].quoteEnd - found[0].quoteStart),
                      found[0].quote);
        }
        return found[0].supported;
    }

    /// Share of answers accepted against the right document, or against one further along.
    double accepted(std::size_t shift, std::string Question::*claim) {
        std::size_t n = 0;
        for (const Question& question : m_questions) {
            const auto place = std::find(m_order.begin(), m_order.end(), question.document);
            const auto index = static_cast<std::size_t>(place - m_order.begin());
            const std::string& text = m_texts.at(m_order[(index + shift) % m_order.size()]);
            if (isSupported(question.*claim, text)) ++n;
        }
        return static_cast<double>(n) / static_cast<double>(m_questions.size());
    }

    std::unordered_map<std::string, std::string> m_texts;
    std::vector<std::string> m_order;
    std::vector<Question> m_questions;
};

TEST_F(CitationCalibration, AcceptsTrueQuotesAndRefusesShuffledOnes) {
    constexpr std::size_t kShift = 137;
    const double trueValues = accepted(0, &Question::answer);
    const double trueSentences = accepted(0, &Question::sentence);
    const double shuffledValues = accepted(kShift, &Question::answer);
    const double shuffledSentences = accepted(kShift, &Question::sentence);
    std::cout << m_questions.size() << " answers: true values " << trueValues << ", true sentences "
              << trueSentences << ", shuffled values " << shuffledValues << ", shuffled sentences "
              << shuffledSentences << '\n';
    EXPECT_GE(trueValues, 0.95);
    EXPECT_GE(trueSentences, 0.95);
    EXPECT_LE(shuffledValues, 0.02);
    EXPECT_LE(shuffledSentences, 0.02);
}

}  // namespace
}  // namespace conclave::retrieval
