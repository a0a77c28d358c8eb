// The bundled model against llama.cpp: see tests/golden/engine/README.md.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "bare_model.h"
#include "engine/runtime/loaded_model.h"
#include "golden_distance.h"
#include "models.h"

namespace conclave::engine {
namespace {

using nlohmann::json;

std::vector<json> readLines(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::vector<json> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(json::parse(line));
    EXPECT_FALSE(lines.empty()) << path;
    return lines;
}

json nearTies(const std::string& golden) {
    std::ifstream file(test::nearTies());
    return json::parse(file).at(golden);
}

/// How our logits of one position differ from llama.cpp's 20 best log-probabilities.
struct Difference {
    double largest = 0.0;
    double divergence = 0.0;  ///< over the 20 best
    bool sameBest = false;
};

Difference compare(std::span<const float> logits, const json& top) {
    const double sum = test::logSum(logits);
    Difference difference;
    difference.sameBest = test::bestOf(logits) == top[0][0].get<int>();
    for (const json& entry : top) {
        const double theirs = entry[1].get<double>();
        const double ours = logits[entry[0].get<std::size_t>()] - sum;
        difference.largest = std::max(difference.largest, std::fabs(ours - theirs));
        difference.divergence += std::exp(theirs) * (theirs - ours);
    }
    return difference;
}

/// Calls use(sequence, position, difference) for every position.
template <typename Use>
void compareAll(test::BareModel& model, const std::vector<json>& sequences, const Use& use) {
    const auto nLogits = static_cast<std::size_t>(model.config().vocabularySize);
    for (std::size_t i = 0; i < sequences.size(); ++i) {
        const auto tokens = sequences[i].at("tokens").get<std::vector<TokenId>>();
        const std::vector<float> logits = model.logits(tokens);
        for (std::size_t position = 0; position < tokens.size(); ++position) {
            use(i, position,
                compare(std::span(logits).subspan(position * nLogits, nLogits),
                        sequences[i].at("top")[position]));
        }
    }
}

class GoldenF16 : public testing::TestWithParam<const KernelTable*> {
protected:
    void SetUp() override {
        if (!std::filesystem::exists(test::chatModel("F16"))) {
            GTEST_SKIP() << "needs " << test::chatModel("F16");
        }
    }
};

TEST_P(GoldenF16, LogProbabilitiesAgreeWithLlamaCpp) {
    constexpr double kBar = 0.02;
    const std::vector<json> sequences = readLines(test::golden("logprobs", "F16"));
    std::set<std::pair<std::size_t, std::size_t>> ties;
    for (const json& tie : nearTies("logprobs-F16")) {
        ties.emplace(tie.at("sequence").get<std::size_t>(), tie.at("position").get<std::size_t>());
    }
    test::BareModel model(test::chatModel("F16"), *GetParam());
    int nPositions = 0;
    int nSameBest = 0;
    double largest = 0.0;
    compareAll(model, sequences, [&](auto sequence, auto position, const Difference& difference) {
        ++nPositions;
        nSameBest += difference.sameBest ? 1 : 0;
        if (ties.contains({sequence, position})) return;
        largest = std::max(largest, difference.largest);
        EXPECT_LT(difference.largest, kBar) << "sequence " << sequence << " position " << position;
    });
    EXPECT_GE(nPositions, 2000);
    EXPECT_GE(nSameBest, 0.995 * nPositions);
    RecordProperty("largest", std::to_string(largest));
    RecordProperty("sameBest", nSameBest);
}

TEST_P(GoldenF16, ListedTiesAreTies) {
    const std::vector<json> sequences = readLines(test::golden("logprobs", "F16"));
    for (const json& tie : nearTies("logprobs-F16")) {
        test::BareModel model(test::chatModel("F16"), *GetParam());
        LayerWeights& layer = model.weights().layers[tie.at("layer").get<std::size_t>()];
        auto& bias = std::get<MoeWeights>(layer.feedForward).routerChoiceBias;
        EXPECT_LT(tie.at("margin").get<float>(), 5e-5f);
        bias[tie.at("other").get<std::size_t>()] += 5e-5f;

        const json& sequence = sequences[tie.at("sequence").get<std::size_t>()];
        const auto position = tie.at("position").get<std::size_t>();
        auto tokens = sequence.at("tokens").get<std::vector<TokenId>>();
        tokens.resize(position + 1);
        const std::vector<float> logits = model.logits(tokens);
        const auto last =
            std::span(logits).last(static_cast<std::size_t>(model.config().vocabularySize));
        EXPECT_LT(compare(last, sequence.at("top")[position]).largest, 0.02);
    }
}

INSTANTIATE_TEST_SUITE_P(KernelSets, GoldenF16, testing::ValuesIn(test::runnableKernelSets()),
                         [](const auto& instance) { return test::nameOf(*instance.param); });

TEST(GoldenQ8, StaysWithinTheNoiseOfEightBitActivations) {
    const std::vector<json> sequences = readLines(test::golden("logprobs", "Q8_0"));
    for (const KernelTable* kernels : test::nativeKernelSets()) {
        test::BareModel model(test::chatModel("Q8_0"), *kernels);
        int nPositions = 0;
        int nSameBest = 0;
        double divergence = 0.0;
        compareAll(model, sequences, [&](auto, auto, const Difference& difference) {
            ++nPositions;
            nSameBest += difference.sameBest ? 1 : 0;
            divergence += difference.divergence;
        });
        EXPECT_GE(nPositions, 2000);
        EXPECT_LT(divergence / nPositions, 3e-3) << kernels->isa;
        EXPECT_GE(nSameBest, 0.97 * nPositions) << kernels->isa;
    }
}

/// What can be asked for with 8-bit activations: that ours are as near to exact arithmetic on the
/// same weights as llama.cpp's.
TEST(GoldenQ8, IsAsNearToExactArithmeticAsLlamaCpp) {
    const auto unpacked = std::filesystem::temp_directory_path() /
                          ("conclave-golden-F32-" + std::to_string(::getpid()) + ".gguf");
    QuantizeOptions options;
    options.type = "F32";
    options.allowRequantize = true;
    const auto written = quantizeModel(test::chatModel("Q8_0"), unpacked, options);
    ASSERT_TRUE(written) << written.error().detail;
    test::BareModel exact(unpacked, kernels());
    std::filesystem::remove(unpacked);
    test::BareModel model(test::chatModel("Q8_0"), kernels());
    const auto nLogits = static_cast<std::size_t>(model.config().vocabularySize);
    double ours = 0.0;
    double theirs = 0.0;
    int nPositions = 0;
    for (const json& sequence : readLines(test::golden("logprobs", "Q8_0"))) {
        const auto tokens = sequence.at("tokens").get<std::vector<TokenId>>();
        const std::vector<float> exactLogits = exact.logits(tokens);
        const std::vector<float> ownLogits = model.logits(tokens);
        for (std::size_t position = 0; position < tokens.size(); ++position, ++nPositions) {
            const auto exactRow = std::span(exactLogits).subspan(position * nLogits, nLogits);
            const auto ownRow = std::span(ownLogits).subspan(position * nLogits, nLogits);
            const double exactSum = test::logSum(exactRow);
            const double ownSum = test::logSum(ownRow);
            for (const json& entry : sequence.at("top")[position]) {
                const auto token = entry[0].get<std::size_t>();
                const double log = exactRow[token] - exactSum;
                ours += test::divergenceOf(log, ownRow[token] - ownSum);
                theirs += test::divergenceOf(log, entry[1].get<double>());
            }
        }
    }
    RecordProperty("ours", std::to_string(ours / nPositions));
    RecordProperty("theirs", std::to_string(theirs / nPositions));
    EXPECT_GE(nPositions, 2000);
    EXPECT_LE(ours, 1.5 * theirs);
    EXPECT_LT(theirs / nPositions, 3e-3);  // or exact is not
}

/// By how much the best token of a model of that type leads over `other`, behind `tokens`.
float leadOver(const std::string& type, const std::vector<TokenId>& tokens, TokenId other) {
    test::BareModel model(test::chatModel(type), kernels());
    const std::vector<float> all = model.logits(tokens);
    const auto logits =
        std::span(all).last(static_cast<std::size_t>(model.config().vocabularySize));
    return logits[static_cast<std::size_t>(test::bestOf(logits))] -
           logits[static_cast<std::size_t>(other)];
}

/// Greedy answers of a session are llama.cpp's, but for at most `nForks` which part from them at a
/// token that is as good as tied: there the order in which a CPU's kernels add decides.
void expectTranscripts(const std::string& type, int nForks) {
    constexpr float kTied = 0.02f;
    const auto model = LoadedModel::load(test::chatModel(type), kernels());
    ASSERT_TRUE(model) << model.error().detail;
    const auto session = Session::create(*model, {.nThreads = 2});
    ASSERT_TRUE(session) << session.error().detail;
    int nFound = 0;
    for (const json& each : readLines(test::golden("transcripts", type))) {
        GenerateRequest request;
        request.prompt = each.at("prompt_tokens").get<std::vector<TokenId>>();
        request.sampling.temperature = 0.0f;
        request.maxTokens = each.at("max_tokens");
        const auto answer = (*session)->generate(request);
        ASSERT_TRUE(answer) << answer.error().detail;
        const auto expected = each.at("greedy_tokens").get<std::vector<TokenId>>();
        const auto [ours, theirs] = std::mismatch(answer->tokens.begin(), answer->tokens.end(),
                                                  expected.begin(), expected.end());
        if (ours == answer->tokens.end() && theirs == expected.end()) {
            EXPECT_EQ(answer->text, each.at("greedy_text").get<std::string>());
            continue;
        }
        ++nFound;
        ASSERT_NE(theirs, expected.end()) << "longer: " << answer->text;
        std::vector<TokenId> before = request.prompt;
        before.insert(before.end(), expected.begin(), theirs);
        EXPECT_LT(leadOver(type, before, *theirs), kTied) << answer->text;
    }
    EXPECT_LE(nFound, nForks);
}

TEST(GoldenTranscripts, F16GivesLlamaCppsAnswers) {
    if (!std::filesystem::exists(test::chatModel("F16"))) {
        GTEST_SKIP() << "needs " << test::chatModel("F16");
    }
    expectTranscripts("F16", 0);
}

TEST(GoldenTranscripts, Q8GivesLlamaCppsAnswersButForTies) { expectTranscripts("Q8_0", 2); }

}  // namespace
}  // namespace conclave::engine
