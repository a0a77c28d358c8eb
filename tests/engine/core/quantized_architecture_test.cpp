// Quantized weights of every architecture. llama.cpp rounds activations to 8 bits and so do we,
// each in its own way, so that equality cannot be asked for: what counts is that ours are about as
// near as its own to exact arithmetic on the same weights. The golden values are llama.cpp's for
// the files that our quantizer makes of the F16 models (tests/parity/make_quantized_golden.py).
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bare_model.h"
#include "engine/engine.h"
#include "golden_distance.h"
#include "golden_logits.h"

namespace conclave::engine {
namespace {

namespace fs = std::filesystem;

struct QuantizedCase {
    std::string model;
    std::string type;  ///< empty: as the file is
};

class QuantizedModel : public testing::TestWithParam<QuantizedCase> {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "conclave-quantized-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        m_folder = pattern;
        QuantizeOptions options;
        options.type = GetParam().type;
        options.nThreads = 1;
        if (!options.type.empty()) {
            const auto written = quantizeModel(source(), quantized(), options);
            ASSERT_TRUE(written) << written.error().detail;
        }
        options.type = "F32";
        options.allowRequantize = true;
        const auto unpackedToo = quantizeModel(quantized(), unpacked(), options);
        ASSERT_TRUE(unpackedToo) << unpackedToo.error().detail;
    }
    void TearDown() override {
        std::error_code ignored;
        fs::remove_all(m_folder, ignored);
    }

    [[nodiscard]] static std::string goldenName() {
        return GetParam().model + (GetParam().type.empty() ? "" : "." + GetParam().type);
    }
    [[nodiscard]] static fs::path source() { return test::parity(GetParam().model + ".gguf"); }
    [[nodiscard]] fs::path quantized() const {
        return GetParam().type.empty() ? source() : m_folder / "quantized.gguf";
    }
    /// The same weights as floats.
    [[nodiscard]] fs::path unpacked() const { return m_folder / "unpacked.gguf"; }

private:
    fs::path m_folder;
};

/// How far probabilities of one position are from exact ones: over some tokens, all others being
/// one.
class Divergence {
public:
    void add(double log, double exactLog) {
        m_sum += test::divergenceOf(log, exactLog);
        m_others -= std::exp(log);
        m_exactOthers -= std::exp(exactLog);
    }
    [[nodiscard]] double value() const {
        const bool hasOthers = m_others > 1e-6 && m_exactOthers > 1e-6;
        if (!hasOthers) return m_sum;
        return m_sum + test::divergenceOf(std::log(m_others), std::log(m_exactOthers));
    }

private:
    double m_sum = 0.0;
    double m_others = 1.0;
    double m_exactOthers = 1.0;
};

/// Over a text: the mean, and that of the 95 % that are nearest.
struct Means {
    double all = 0.0;
    double nearest = 0.0;
};

Means meansOf(std::vector<double> divergences) {
    std::sort(divergences.begin(), divergences.end());
    const auto mean = [](std::span<const double> values) {
        return std::accumulate(values.begin(), values.end(), 0.0) /
               static_cast<double>(values.size());
    };
    return {mean(divergences), mean(std::span(divergences).first(divergences.size() * 95 / 100))};
}

TEST_P(QuantizedModel, IsAsNearToExactArithmeticAsLlamaCpp) {
    const test::GoldenLogits golden = test::readGolden(goldenName());
    ASSERT_FALSE(golden.empty());
    test::BareModel exact(unpacked(), scalarKernels());
    const int nLogits = exact.config().vocabularySize;
    const auto tokens = test::goldenTokens(nLogits, golden.size());
    const std::vector<float> exactLogits = exact.logits(tokens);
    const auto rowOf = [&](std::span<const float> logits, std::size_t position) {
        return logits.subspan(position * static_cast<std::size_t>(nLogits),
                              static_cast<std::size_t>(nLogits));
    };
    for (const KernelTable* kernels : test::nativeKernelSets()) {
        test::BareModel model(quantized(), *kernels);
        const std::vector<float> logits = model.logits(tokens, {50, 1});
        std::vector<double> allOurs;
        std::vector<double> allTheirs;
        for (std::size_t position = 0; position < golden.size(); ++position) {
            const auto row = rowOf(logits, position);
            const auto exactRow = rowOf(exactLogits, position);
            const double sum = test::logSum(row);
            const double exactSum = test::logSum(exactRow);
            Divergence own;
            Divergence peer;
            for (const test::GoldenToken& best : golden[position]) {
                const auto token = static_cast<std::size_t>(best.token);
                own.add(row[token] - sum, exactRow[token] - exactSum);
                peer.add(best.log, exactRow[token] - exactSum);
            }
            allOurs.push_back(own.value());
            allTheirs.push_back(peer.value());
        }
        const Means ours = meansOf(allOurs);
        const Means theirs = meansOf(allTheirs);
        RecordProperty(std::string("ours-") + kernels->isa, std::to_string(ours.all));
        RecordProperty(std::string("theirs-") + kernels->isa, std::to_string(theirs.all));
        // Where both are within the bar of F16 weights, nearly all rows are too short for blocks.
        const auto bar = [](double value) { return std::max(1.5 * value, 1e-5); };
        // With experts, the others are those where rounding changes an expert: in one text too few
        // for their mean not to be chance. run_quantized holds it to the bar over 3,072 positions.
        // In a shortened text the nearest ones are chance as well.
        const bool hasExperts = model.config().moe.nExperts > 0;
        const bool isChance = hasExperts && test::kComparedPositions < test::kGoldenPositions;
        EXPECT_LE(ours.nearest, isChance ? 0.05 : bar(theirs.nearest)) << kernels->isa;
        EXPECT_LE(ours.all, hasExperts ? 0.05 : bar(theirs.all)) << kernels->isa;
    }
}

std::vector<QuantizedCase> quantizedCases() {
    std::vector<QuantizedCase> cases{{"gpt-oss-q8", ""}};  // experts' biases, in published types
    for (const char* model :
         {"olmoe",        "qwen3moe",      "granitemoe", "qwen2moe",      "deepseek",
          "phimoe",       "qwen35",        "qwen35moe",  "qwen3next",     "deepseek2-mtp",
          "glm4moe",      "ernie4_5-moe",  "gpt-oss",    "qwen2",         "qwen3",
          "smollm3",      "granite",       "gemma2",     "gemma3",        "phi3",
          "phi3-long",    "glm4",          "llama4",     "deepseek3",     "mixtral",
          "llama-dense",  "mistral3",      "gemma",      "ernie4_5",      "olmo2",
          "olmo2-window", "seed_oss",      "command-r",  "cohere2",       "dots1",
          "hunyuan-moe",  "hunyuan-dense", "bailingmoe", "bailingmoe2",   "minimax-m2",
          "exaone4",      "lfm2",          "lfm2moe",    "granitehybrid", "granitehybrid-moe",
          "qwen2vl",      "qwen3vl",       "qwen3vlmoe"}) {
        for (const char* type : {"Q8_0", "Q4_K"}) cases.push_back({model, type});
    }
    return cases;
}

INSTANTIATE_TEST_SUITE_P(Models, QuantizedModel, testing::ValuesIn(quantizedCases()),
                         [](const auto& instance) {
                             std::string name = instance.param.model + "_" + instance.param.type;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

}  // namespace
}  // namespace conclave::engine
