// Every architecture against llama.cpp: tiny random models of tests/parity/architectures.py.
#include <array>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bare_model.h"
#include "engine/engine.h"
#include "engine/model/architectures/keys.h"
#include "golden_distance.h"
#include "golden_logits.h"
#include "models.h"
#include "tests/support/gguf_writer.h"

namespace conclave::engine {
namespace {

using testing::HasSubstr;

using test::distanceTo;

/// For docs/MODELS.md, which make_models_page.py writes.
std::string shortText(double value) {
    std::array<char, 32> text;
    std::snprintf(text.data(), text.size(), "%.2g", value);
    return text.data();
}

class Architecture : public testing::TestWithParam<std::string> {};

std::string testName(const testing::TestParamInfo<std::string>& instance) {
    std::string name = instance.param;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
    return name;
}

TEST_P(Architecture, LogProbabilitiesEqualLlamaCppHoweverThePromptIsCut) {
    const auto golden = test::readGolden(GetParam());
    ASSERT_FALSE(golden.empty());
    const std::set<std::size_t> nearTies = test::readNearTies(GetParam());
    EXPECT_LE(nearTies.size(), 4u);
    for (const KernelTable* kernels : test::nativeKernelSets()) {
        test::BareModel model(test::parity(GetParam() + ".gguf"), *kernels);
        EXPECT_TRUE(model.weights().requireAllRead(model.file()));
        const auto tokens = test::goldenTokens(model.config().vocabularySize, golden.size());
        const std::vector<float> whole = model.logits(tokens);
        const test::Distance distance = distanceTo(golden, whole, nearTies);
        EXPECT_LT(distance.meanDivergence, 1e-5) << kernels->isa;
        EXPECT_LT(distance.largest, 0.01) << kernels->isa;
        RecordProperty(std::string("kl-") + kernels->isa, shortText(distance.meanDivergence));
        RecordProperty(std::string("max-") + kernels->isa, shortText(distance.largest));
        // Prefill in pieces, then decode token by token: the same bits, so the same distance.
        const int half = static_cast<int>(tokens.size()) / 2;
        for (const std::vector<int>& batches :
             {std::vector{1}, {7}, {half, 1}, {1, half - 1, 3, 1}, {2, 5, 3, 16, 4}}) {
            EXPECT_EQ(model.logits(tokens, batches), whole) << kernels->isa;
        }
        // The last layer without the tokens that nobody asks for: the others' bits, too.
        const auto nLogits = static_cast<std::ptrdiff_t>(model.config().vocabularySize);
        for (const auto& [batch, nWanted] : {std::pair{half, 1}, {7, 1}, {5, 3}, {256, 2}}) {
            const std::vector<float> expected(whole.end() - nWanted * nLogits, whole.end());
            EXPECT_EQ(model.lastLogits(tokens, batch, nWanted), expected)
                << kernels->isa << ", batches of " << batch;
        }
        test::BareModel crowd(test::parity(GetParam() + ".gguf"), *kernels, 5);
        EXPECT_EQ(crowd.logits(tokens, {13}), whole) << kernels->isa;
    }
}

/// A mistake that a description could make: true if the model is one that it changes.
struct Mistake {
    std::string name;
    std::function<bool(ModelConfig&)> make;
};

/// Gives the field another value, if it has that of a model with this feature.
template <typename T>
bool replace(T& field, const T& wrong) {
    if (field == wrong) return false;
    field = wrong;
    return true;
}

bool rotates(const ModelConfig& model) {
    return std::any_of(model.layers.begin(), model.layers.end(), [](const LayerConfig& layer) {
        return layer.rotates && !layer.isRecurrent;
    });
}

std::vector<Mistake> mistakes() {
    const auto inLayers = [](bool LayerConfig::*field, bool wrong) {
        return [field, wrong](ModelConfig& model) {
            bool any = false;
            for (LayerConfig& layer : model.layers) any |= replace(layer.*field, wrong);
            return any;
        };
    };
    return {
        {"pairs",
         [](ModelConfig& model) {
             const bool halves = model.rope.pairs == RopePairs::Halves;
             model.rope.pairs = halves ? RopePairs::Neighbours : RopePairs::Halves;
             model.localRope.pairs = model.rope.pairs;
             return rotates(model);
         }},
        {"rotated part",
         [](ModelConfig& m) {
             const bool isPart =
                 m.attention == AttentionKind::Grouped && m.rope.dim < m.grouped.headDim;
             return isPart && replace(m.rope.dim, m.grouped.headDim);
         }},
        {"base",
         [](ModelConfig& m) {
             m.localRope.base /= 2;
             return replace(m.rope.base, m.rope.base / 2) && rotates(m);
         }},
        {"linear", [](ModelConfig& m) { return replace(m.rope.linearFactor, 1.0); }},
        {"yarn", [](ModelConfig& m) { return replace(m.rope.yarn, false); }},
        {"magnitude",
         [](ModelConfig& m) { return m.rope.magnitude != 1.0 && replace(m.rope.magnitude, 1.0); }},
        {"local rope",
         [](ModelConfig& m) {
             return m.hasLocalLayer() && m.localRope.base != m.rope.base &&
                    replace(m.localRope.base, m.rope.base);
         }},
        {"no position", inLayers(&LayerConfig::rotates, true)},
        {"window",
         [](ModelConfig& m) {
             return m.hasLocalLayer() && m.window < 128 && replace(m.window, m.window + 1);
         }},
        {"local layers",
         [](ModelConfig& m) {
             return m.hasLocalLayer() && m.window < 128 && replace(m.window, 1024);
         }},
        {"sinks", [](ModelConfig& m) { return replace(m.grouped.hasSinks, false); }},
        {"score cap", [](ModelConfig& m) { return replace(m.grouped.softCap, 0.0f); }},
        {"query norm",
         [](ModelConfig& m) { return replace(m.grouped.queryKeyNorm, HeadNorm::None); }},
        {"attention scale", [](ModelConfig& m) { return replace(m.attentionScale, 0.3f); }},
        {"embedding scale", [](ModelConfig& m) { return replace(m.embeddingScale, 1.0f); }},
        {"residual scale", [](ModelConfig& m) { return replace(m.residualScale, 1.0f); }},
        {"logit scale", [](ModelConfig& m) { return replace(m.logitScale, 1.0f); }},
        {"logit cap", [](ModelConfig& m) { return replace(m.logitSoftCap, 0.0f); }},
        {"norm bias", [](ModelConfig& m) { return replace(m.norm.hasBias, false); }},
        {"norm kind", [](ModelConfig& m) { return replace(m.norm.kind, NormKind::Rms); }},
        {"norm behind rotation",
         [](ModelConfig& m) { return replace(m.grouped.normalizesRotated, false); }},
        {"query growth",
         [](ModelConfig& m) { return m.growth.step < 128 && replace(m.growth.step, 0); }},
        {"yarn's turns",
         [](ModelConfig& m) { return m.rope.yarn && replace(m.rope.yarnFast, 32.0); }},
        {"norm after", [](ModelConfig& m) { return replace(m.norm.afterBlocks, false); }},
        {"activation", [](ModelConfig& m) { return replace(m.activation, Activation::Silu); }},
        {"shared", [](ModelConfig& m) { return replace(m.moe.sharedDim, 0); }},
        {"shared gate", [](ModelConfig& m) { return replace(m.moe.sharedGate, false); }},
        {"router bias", [](ModelConfig& m) { return replace(m.moe.routerBias, false); }},
        {"score",
         [](ModelConfig& m) {
             return replace(m.moe.score, RouterScore::Softmax) && m.moe.nExperts > 0;
         }},
        {"normalized",
         [](ModelConfig& m) {
             m.moe.normalizeWeights = !m.moe.normalizeWeights;
             return m.moe.nExperts > 0 && m.moe.score != RouterScore::SoftmaxOfChosen;
         }},
        {"unit heads", [](ModelConfig& m) { return replace(m.grouped.unitHeads, false); }},
        {"weighed input", [](ModelConfig& m) { return replace(m.moe.weighInput, false); }},
        {"weight scale", [](ModelConfig& m) { return replace(m.moe.weightScale, 1.0f); }},
        {"experts used",
         [](ModelConfig& m) { return m.moe.nExperts > 0 && m.moe.nExpertsUsed-- > 0; }},
    };
}

/// The models would be worth nothing if a wrong description gave the same values.
TEST_P(Architecture, MistakesInTheDescriptionShow) {
    constexpr std::size_t kWhereAllShow = 128;
    const auto golden = test::readGolden(GetParam(), kWhereAllShow);
    ASSERT_FALSE(golden.empty());
    const std::set<std::size_t> nearTies = test::readNearTies(GetParam());
    int nShown = 0;
    for (const Mistake& mistake : mistakes()) {
        bool applies = false;
        test::BareModel model(test::parity(GetParam() + ".gguf"), kernels(), 1, 128,
                              [&](ModelConfig& config) { applies = mistake.make(config); });
        if (!applies) continue;
        const auto tokens = test::goldenTokens(model.config().vocabularySize, golden.size());
        const test::Distance distance = distanceTo(golden, model.logits(tokens), nearTies);
        EXPECT_FALSE(distance.meanDivergence < 1e-5 && distance.largest < 0.01) << mistake.name;
        ++nShown;
    }
    EXPECT_GE(nShown, 3);  // of pairs, base and attention scale, or more
}

/// What a file says of its model, whose tensors are not there.
class Description {
public:
    Description(std::string architecture, std::uint32_t nLayers)
        : m_prefix(std::move(architecture) + ".") {
        m_writer.set("general.architecture", m_prefix.substr(0, m_prefix.size() - 1));
        set("block_count", nLayers);
        set("context_length", 1024);
        set("embedding_length", 64);
        set("feed_forward_length", 64);
        set("attention.head_count", 4);
        set("vocab_size", 100);
        for (const char* epsilon : {"layer_norm_rms_epsilon", "layer_norm_epsilon"}) {
            m_writer.set(m_prefix + "attention." + epsilon, 1e-5f);
        }
    }
    void set(const std::string& key, std::uint32_t value) { m_writer.set(m_prefix + key, value); }
    void setInts(const std::string& key, const std::vector<std::int32_t>& values) {
        m_writer.setInts(m_prefix + key, values);
    }
    conclave::test::GgufWriter& writer() { return m_writer; }

    [[nodiscard]] Result<ModelConfig> read() const {
        const auto path = std::filesystem::temp_directory_path() /
                          ("conclave-description-" + std::to_string(::getpid()) + ".gguf");
        CONCLAVE_CHECK(m_writer.write(path));
        const auto file = GgufFile::open(path);
        std::filesystem::remove(path);
        if (!file) return tl::unexpected(file.error());
        return ModelConfig::read(*file);
    }

private:
    std::string m_prefix;
    conclave::test::GgufWriter m_writer;
};

/// Only the 32B model has windows, and it is too deep for a golden file.
TEST(Exaone4, SeesWindowsInThreeOfFourLayersOfTheLargeModel) {
    const auto model = Description("exaone4", 64).read();
    ASSERT_TRUE(model.has_value()) << model.error().detail;
    EXPECT_EQ(model->window, 4096);
    for (std::size_t i = 0; i < model->layers.size(); ++i) {
        EXPECT_EQ(model->layers[i].isLocal, i % 4 != 3) << i;
        EXPECT_EQ(model->layers[i].rotates, i % 4 != 3) << i;
    }
}

TEST(Lfm2, RefusesListsOfHeadsThatItWouldMisread) {
    const auto detailOf = [](const std::vector<std::int32_t>& heads) {
        Description lfm2("lfm2", 3);
        lfm2.set("shortconv.l_cache", 3);
        lfm2.setInts("attention.head_count_kv", heads);
        const auto model = lfm2.read();
        return model ? std::string() : model.error().detail;
    };
    EXPECT_EQ(detailOf({0, 2, 0}), "");
    EXPECT_EQ(detailOf({2, 2, 2}), "");
    EXPECT_THAT(detailOf({0, 2}), HasSubstr("2 values for 3 layers"));
    EXPECT_THAT(detailOf({0, -2, 0}), HasSubstr("holds -2"));
    EXPECT_THAT(detailOf({4, 2, 0}), HasSubstr("differs between layers"));
    EXPECT_THAT(detailOf({0, 0, 0}), HasSubstr("no layer that attends"));
    Description windowed("lfm2", 3);
    windowed.set("shortconv.l_cache", 3);
    windowed.set("attention.sliding_window", 64);
    EXPECT_THAT(windowed.read().error().detail, HasSubstr("windows is not supported"));
}

TEST(CommandR, TheFileTellsWhetherHeadsHaveNorms) {
    for (const char* name : {"command-r", "cohere2"}) {
        Description plus(name, 2);
        plus.writer().set(std::string(name) + ".logit_scale", 0.5f);
        plus.set("attention.sliding_window", 16);
        EXPECT_EQ(plus.read().value().grouped.queryKeyNorm, HeadNorm::None);
        plus.writer().addTensor("blk.0.attn_q_norm.weight", 0, {16, 4}, std::string(256, '\0'));
        EXPECT_EQ(plus.read().value().grouped.queryKeyNorm,
                  name == std::string("command-r") ? HeadNorm::PerHeadOwnWeights : HeadNorm::None);
    }
}

TEST(GraniteHybrid, RefusesHeadsThatDoNotDivide) {
    const auto detailOf = [](std::uint32_t innerDim, std::uint32_t nGroups) {
        Description hybrid("granitehybrid", 2);
        hybrid.writer().set("granitehybrid.logit_scale", 8.0f);
        hybrid.setInts("attention.head_count_kv", {0, 2});
        hybrid.set("ssm.conv_kernel", 4);
        hybrid.set("ssm.time_step_rank", 6);
        hybrid.set("ssm.state_size", 16);
        hybrid.set("ssm.inner_size", innerDim);
        hybrid.set("ssm.group_count", nGroups);
        const auto model = hybrid.read();
        return model ? std::string() : model.error().detail;
    };
    EXPECT_EQ(detailOf(96, 2), "");
    EXPECT_THAT(detailOf(96, 4), HasSubstr("ssm.group_count"));
    EXPECT_THAT(detailOf(100, 2), HasSubstr("ssm.inner_size"));
}

/// The same weights in one tensor or in two, also quantized. Heads of these tiny models are shorter
/// than the panels of packed weights, which sum in another order.
TEST(Qwen3Next, OneTensorByHeadsGivesTheLogitsOfTwo) {
    const auto logits = [](const std::string& name, const std::string& type) {
        const auto path = std::filesystem::temp_directory_path() /
                          ("conclave-" + name + std::to_string(::getpid()) + ".gguf");
        QuantizeOptions options;
        options.type = type;
        const auto written = quantizeModel(test::parity(name + ".gguf"), path, options);
        EXPECT_TRUE(written) << written.error().detail;
        test::BareModel model(path, scalarKernels());
        std::filesystem::remove(path);
        return model.logits(test::goldenTokens(model.config().vocabularySize, 64), {40, 1});
    };
    EXPECT_EQ(logits("qwen3next-by-heads", "F16"), logits("qwen3next", "F16"));
    EXPECT_THAT(logits("qwen3next-by-heads", "Q8_0"),
                testing::Pointwise(testing::FloatNear(1e-3f), logits("qwen3next", "Q8_0")));
}

/// Only Granite's hybrid files may be without it.
TEST(GraniteHybrid, WithoutAScaleOfLogitsLeavesThemAlone) {
    Description hybrid("granitehybrid", 2);
    for (const char* key : {"ssm.conv_kernel", "ssm.time_step_rank", "ssm.group_count"}) {
        hybrid.set(key, 2);
    }
    hybrid.set("ssm.state_size", 16);
    hybrid.set("ssm.inner_size", 64);
    const auto model = hybrid.read();
    ASSERT_TRUE(model) << model.error().detail;
    EXPECT_EQ(model->logitScale, 1.0f);
}

TEST(ModelConfig, ReadsListsOfWhatAllLayersHaveAlike) {
    Description llama("llama", 3);
    llama.setInts("attention.head_count_kv", {2, 2, 2});
    llama.setInts("attention.key_length", {16, 16, 16});
    const auto model = llama.read();
    ASSERT_TRUE(model) << model.error().detail;
    EXPECT_EQ(model->grouped.nKvHeads, 2);
    EXPECT_EQ(model->grouped.headDim, 16);
    Description wrong("llama", 3);
    wrong.setInts("attention.head_count_kv", {0, 0, 0});
    EXPECT_THAT(wrong.read().error().detail, HasSubstr("attention.head_count_kv\" holds 0"));
}

TEST(ModelConfig, RefusesModelsThatReadBothWays) {
    for (const bool isCausal : {true, false}) {
        Description llama("llama", 2);
        llama.writer().set("llama.attention.causal", isCausal);
        const auto model = llama.read();
        EXPECT_EQ(model.has_value(), isCausal);
        EXPECT_TRUE(model || model.error().detail.find("attention.causal") != std::string::npos);
    }
}

TEST(ModelConfig, APeriodOfZeroGivesEveryLayerAWindow) {
    Description cohere2("cohere2", 3);
    cohere2.writer().set("cohere2.logit_scale", 0.5f);
    cohere2.set("attention.sliding_window", 16);
    cohere2.set("attention.sliding_window_pattern", 0);
    const auto model = cohere2.read();
    ASSERT_TRUE(model) << model.error().detail;
    for (const LayerConfig& layer : model->layers) EXPECT_TRUE(layer.isLocal && layer.rotates);
}

TEST(Llama4, RefusesAModelWithoutWindows) {
    Description llama4("llama4", 4);
    llama4.set("attention.sliding_window", 0);
    EXPECT_THAT(llama4.read().error().detail, HasSubstr("attention.sliding_window"));
}

TEST(Llama4, ChunksAreOfItsOwnSizeWhateverTheFileSays) {
    for (const char* name : {"llama4", "llama4-divided"}) {  // without the key, and with 16
        test::BareModel model(test::parity(std::string(name) + ".gguf"), kernels());
        EXPECT_EQ(model.config().window, 8192) << name;
        EXPECT_TRUE(model.config().hasLocalLayer()) << name;
    }
}

TEST(Weights, NameTensorsThatNothingReads) {
    const auto errorOf = [](const std::string& name, auto change) {
        test::BareModel model(test::parity(name + ".gguf"), kernels(), 1, 16, change);
        const auto all = model.weights().requireAllRead(model.file());
        return all ? std::string() : all.error().detail;
    };
    const auto dropNorms = [](ModelConfig& m) { m.grouped.queryKeyNorm = HeadNorm::None; };
    EXPECT_THAT(errorOf("qwen3", dropNorms),
                testing::AllOf(HasSubstr("architecture qwen3"), HasSubstr("blk.0.attn_q_norm"),
                               HasSubstr("and 1 more")));
    // Layers that predict further tokens may be left alone, but no others.
    EXPECT_EQ(errorOf("glm4moe", [](ModelConfig&) {}), "");
    EXPECT_THAT(errorOf("glm4moe", [](ModelConfig& m) { m.nPredictionLayers = 0; }),
                HasSubstr("blk.2."));
}

/// The golden text is too short for what Llama 4 does from its 8,192nd token on.
TEST(Llama4, QueriesGrowFromTheStepOn) {
    const auto logits = [](int step) {
        test::BareModel model(test::parity("llama4.gguf"), kernels(), 1, 128, [&](ModelConfig& m) {
            EXPECT_EQ(std::exchange(m.growth.step, step), 8192);
        });
        return model.logits(test::goldenTokens(model.config().vocabularySize, 128));
    };
    const std::vector<float> never = logits(0);
    const std::vector<float> late = logits(100);
    const auto firstGrown = std::ptrdiff_t{99} * std::ssize(never) / 128;
    EXPECT_TRUE(std::equal(never.begin(), never.begin() + firstGrown, late.begin()));
    EXPECT_FALSE(std::equal(never.begin() + firstGrown, never.end(), late.begin() + firstGrown));
    EXPECT_EQ(logits(8192), never);
}

INSTANTIATE_TEST_SUITE_P(
    Models, Architecture,
    testing::Values("olmoe", "qwen3moe", "qwen3next", "qwen35", "qwen35moe", "granitemoe",
                    "qwen2moe", "deepseek", "phimoe", "glm4moe", "ernie4_5-moe", "gpt-oss", "qwen2",
                    "qwen3", "smollm3", "granite", "gemma2", "gemma3", "phi3", "phi3-long", "glm4",
                    "llama4", "deepseek2-mtp", "deepseek3", "mixtral", "llama-dense", "mistral3",
                    "gemma", "ernie4_5", "olmo2", "olmo2-window", "seed_oss", "command-r",
                    "cohere2", "dots1", "hunyuan-moe", "hunyuan-dense", "bailingmoe", "bailingmoe2",
                    "minimax-m2", "exaone4", "lfm2", "lfm2moe", "granitehybrid",
                    "granitehybrid-moe", "qwen2vl", "qwen3vl", "qwen3vlmoe", "glm4-sections",
                    "deepseek2-growth", "deepseek2-latents", "deepseek2-outliers", "gemma3-list",
                    "gpt-oss-local", "llama4-divided", "qwen3next-by-heads", "command-r-plus",
                    "deepseek2-yarn"),
    testName);

TEST(ModelConfig, RefusesWhatDiffersFromLayerToLayerInsteadOfMisreadingIt) {
    conclave::test::GgufWriter writer;
    writer.set("general.architecture", "llama");
    writer.setInts("llama.attention.head_count_kv", {2, 4});
    const auto path = std::filesystem::temp_directory_path() /
                      ("conclave-config-" + std::to_string(::getpid()) + ".gguf");
    ASSERT_TRUE(writer.write(path));
    const auto file = GgufFile::open(path);
    std::filesystem::remove(path);
    ASSERT_TRUE(file.has_value()) << file.error().detail;
    Keys keys(*file, "llama");
    EXPECT_EQ(keys.optional("attention.head_count_kv", 7, 1, 100), 7);
    ASSERT_TRUE(keys.error().has_value());
    EXPECT_EQ(keys.error()->code, ErrorCode::Unsupported);
    EXPECT_THAT(keys.error()->detail, HasSubstr("llama.attention.head_count_kv"));

    Keys lists(*file, "llama");
    EXPECT_EQ(lists.flags("attention.recurrent_layers", 3), std::vector<bool>());
    EXPECT_EQ(lists.flags("attention.head_count_kv", 1), (std::vector<bool>{true, true}));
    EXPECT_FALSE(lists.error().has_value());
    EXPECT_EQ(lists.flags("attention.head_count_kv", 3), std::vector<bool>());
    ASSERT_TRUE(lists.error().has_value());
    EXPECT_EQ(lists.error()->code, ErrorCode::Corrupt);
    EXPECT_THAT(lists.error()->detail, HasSubstr("2 values for 3 layers"));
}

}  // namespace
}  // namespace conclave::engine
