// What other engines got wrong, where a tiny model with golden values cannot show it. Which test
// catches which mistake is told by the table in docs/MODELS.md (tests/parity/traps.py).
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "bare_model.h"
#include "engine/tokenizer/pre_tokenizer.h"
#include "tests/support/gguf_writer.h"

namespace conclave::engine {
namespace {

namespace fs = std::filesystem;
using conclave::test::bytesOf;
using conclave::test::GgufWriter;

class TrapFolder {
public:
    TrapFolder() {
        std::string pattern = (fs::temp_directory_path() / "conclave-traps-XXXXXX").string();
        CONCLAVE_CHECK(::mkdtemp(pattern.data()) != nullptr);
        m_path = pattern;
    }
    TrapFolder(const TrapFolder&) = delete;
    TrapFolder& operator=(const TrapFolder&) = delete;
    ~TrapFolder() {
        std::error_code ignored;
        fs::remove_all(m_path, ignored);
    }
    [[nodiscard]] fs::path operator/(std::string_view name) const { return m_path / name; }

private:
    fs::path m_path;
};

ModelConfig configOf(const GgufWriter& writer) {
    const TrapFolder folder;
    CONCLAVE_CHECK(writer.write(folder / "model.gguf"));
    return ModelConfig::read(GgufFile::open(folder / "model.gguf").value()).value();
}

/// DeepSeek-V2-Lite's description, as the first files had it: without the keys that came later.
GgufWriter deepSeek(std::uint32_t nLayers = 27, std::uint32_t vocabularySize = 1000,
                    const char* scaling = "yarn") {
    GgufWriter writer;
    writer.set("general.architecture", "deepseek2");
    const auto set = [&](const std::string& key, std::uint32_t value) {
        writer.set("deepseek2." + key, value);
    };
    set("block_count", nLayers);
    set("context_length", 4096);
    set("embedding_length", 64);
    set("feed_forward_length", 96);
    set("vocab_size", vocabularySize);
    set("attention.head_count", 4);
    set("attention.kv_lora_rank", 64);
    set("attention.key_length", 48);
    set("attention.value_length", 32);
    set("rope.dimension_count", 16);
    set("rope.scaling.original_context_length", 4096);
    set("expert_count", 8);
    set("expert_used_count", 2);
    set("expert_shared_count", 1);
    set("expert_feed_forward_length", 32);
    writer.set("deepseek2.attention.layer_norm_rms_epsilon", 1e-6f);
    writer.set("deepseek2.rope.scaling.type", scaling);
    writer.set("deepseek2.rope.scaling.factor", 40.0f);
    return writer;
}

TEST(DeepSeekTraps, YarnWithoutItsKeyScalesBothAsLlamaCpp) {
    const ModelConfig without = configOf(deepSeek());
    const double usual = 1.0 + 0.1 * std::log(40.0);
    EXPECT_NEAR(without.rope.magnitude, usual, 1e-9);
    EXPECT_FLOAT_EQ(without.attentionScale, static_cast<float>(usual * usual) / std::sqrt(48.0f));
    const ModelConfig linear = configOf(deepSeek(27, 1000, "linear"));
    EXPECT_EQ(linear.rope.magnitude, 1.0);
    EXPECT_EQ(linear.attentionScale, without.attentionScale);

    GgufWriter writer = deepSeek();
    writer.set("deepseek2.rope.scaling.yarn_log_multiplier", 0.0707f);
    const ModelConfig with = configOf(writer);
    EXPECT_DOUBLE_EQ(with.rope.magnitude, 1.0);
    EXPECT_NEAR(with.attentionScale * std::sqrt(48.0f), 1.590f, 1e-3f);  // V2-Lite's factor
}

TEST(DeepSeekTraps, ScoreWithoutItsKeyIsSoftmaxButForGlm) {
    EXPECT_EQ(configOf(deepSeek()).moe.score, RouterScore::Softmax);
    EXPECT_EQ(configOf(deepSeek(47, 154880)).moe.score, RouterScore::Sigmoid);
    EXPECT_EQ(configOf(deepSeek(47, 154881)).moe.score, RouterScore::Softmax);
    GgufWriter writer = deepSeek();
    writer.set("deepseek2.expert_gating_func", std::uint32_t{2});
    EXPECT_EQ(configOf(writer).moe.score, RouterScore::Sigmoid);
}

TEST(DeepSeekTraps, WeightsAreNotNormalizedUnlessTheFileSaysSoAndAScaleOfZeroIsNone) {
    EXPECT_FALSE(configOf(deepSeek()).moe.normalizeWeights);
    GgufWriter writer = deepSeek();
    writer.set("deepseek2.expert_weights_norm", true);
    writer.set("deepseek2.expert_weights_scale", 0.0f);
    EXPECT_TRUE(configOf(writer).moe.normalizeWeights);
    EXPECT_FLOAT_EQ(configOf(writer).moe.weightScale, 1.0f);
    GgufWriter scaled = deepSeek();
    scaled.set("deepseek2.expert_weights_scale", 2.5f);
    EXPECT_FLOAT_EQ(configOf(scaled).moe.weightScale, 2.5f);
}

TEST(DeepSeekTraps, PredictingLayersAreNotRun) {
    GgufWriter writer = deepSeek(62);
    writer.set("deepseek2.nextn_predict_layers", std::uint32_t{1});
    const ModelConfig config = configOf(writer);
    EXPECT_EQ(config.nLayers, 61);
    EXPECT_EQ(config.layers.size(), 61u);
}

TEST(OlmoeTraps, EpsilonIsThatOfTheFile) {
    const auto epsilonOf = [](const char* model) {
        return ModelConfig::read(GgufFile::open(test::parity(model)).value())->norm.epsilon;
    };
    EXPECT_FLOAT_EQ(epsilonOf("olmoe.gguf"), 1e-5f);
    EXPECT_FLOAT_EQ(configOf(deepSeek()).norm.epsilon, 1e-6f);
}

TEST(PreTokenizers, OfTheseModelsAreKnown) {
    for (const std::string_view name : {"olmo", "qwen2", "deepseek-llm", "deepseek-v3", "refact"}) {
        EXPECT_TRUE(PreTokenizer::find(name).has_value()) << name;
    }
}

/// How a file holds gates and ups of its experts.
enum class ExpertForm { Separate, SeparateWithBias, Fused, FusedWithBias };

/// A model with experts whose rows divide into blocks of every type.
GgufWriter wideModel(ExpertForm form = ExpertForm::Separate) {
    constexpr std::uint64_t kWidth = 256;
    constexpr std::uint64_t kTokens = 64;
    GgufWriter writer;
    writer.set("general.architecture", "qwen3moe");
    const auto set = [&](const std::string& key, std::uint32_t value) {
        writer.set("qwen3moe." + key, value);
    };
    set("block_count", 1);
    set("context_length", 64);
    set("embedding_length", kWidth);
    set("feed_forward_length", kWidth);
    set("expert_feed_forward_length", kWidth);
    set("vocab_size", kTokens);
    set("attention.head_count", 4);
    set("attention.head_count_kv", 2);
    set("attention.key_length", 64);
    set("attention.value_length", 64);
    set("expert_count", 4);
    set("expert_used_count", 2);
    writer.set("qwen3moe.attention.layer_norm_rms_epsilon", 1e-6f);

    std::mt19937 random(5);
    const auto draw = [&](const std::vector<std::uint64_t>& shape, float mean) {
        std::uint64_t n = 1;
        for (const std::uint64_t extent : shape) n *= extent;
        const bool isMatrix = shape.size() > 1;
        std::normal_distribution<float> normal(
            mean, isMatrix ? 1.0f / std::sqrt(static_cast<float>(shape[0])) : 0.1f);
        std::vector<float> values(n);
        for (float& value : values) value = normal(random);
        return values;
    };
    const auto add = [&](const std::string& name, const std::vector<std::uint64_t>& shape,
                         float mean) {
        writer.addTensor(name, 0, shape, bytesOf(draw(shape, mean)));
    };
    /// Gates and ups of four experts, `n` values each.
    const auto addFirst = [&](const std::string& kind, std::vector<std::uint64_t> shape,
                              std::size_t n, bool isFused) {
        const std::vector<float> gates = draw(shape, 0.0f);
        const std::vector<float> ups = draw(shape, 0.0f);
        if (!isFused) {
            writer.addTensor("blk.0.ffn_gate_exps." + kind, 0, shape, bytesOf(gates));
            writer.addTensor("blk.0.ffn_up_exps." + kind, 0, shape, bytesOf(ups));
            return;
        }
        std::vector<float> both;
        for (std::size_t at = 0; at < gates.size(); at += n) {
            for (const auto* part : {&gates, &ups}) {
                const auto first = part->begin() + static_cast<std::ptrdiff_t>(at);
                both.insert(both.end(), first, first + static_cast<std::ptrdiff_t>(n));
            }
        }
        shape[shape.size() - 2] *= 2;
        writer.addTensor("blk.0.ffn_gate_up_exps." + kind, 0, shape, bytesOf(both));
    };
    add("token_embd.weight", {kWidth, kTokens}, 0.0f);
    add("output.weight", {kWidth, kTokens}, 0.0f);
    add("output_norm.weight", {kWidth}, 1.0f);
    add("blk.0.attn_norm.weight", {kWidth}, 1.0f);
    add("blk.0.ffn_norm.weight", {kWidth}, 1.0f);
    add("blk.0.attn_q.weight", {kWidth, 256}, 0.0f);
    add("blk.0.attn_k.weight", {kWidth, 128}, 0.0f);
    add("blk.0.attn_v.weight", {kWidth, 128}, 0.0f);
    add("blk.0.attn_output.weight", {256, kWidth}, 0.0f);
    add("blk.0.attn_q_norm.weight", {64}, 1.0f);
    add("blk.0.attn_k_norm.weight", {64}, 1.0f);
    add("blk.0.ffn_gate_inp.weight", {kWidth, 4}, 0.0f);
    const bool isFused = form == ExpertForm::Fused || form == ExpertForm::FusedWithBias;
    addFirst("weight", {kWidth, kWidth, 4}, kWidth * kWidth, isFused);
    add("blk.0.ffn_down_exps.weight", {kWidth, kWidth, 4}, 0.0f);
    if (form == ExpertForm::SeparateWithBias || form == ExpertForm::FusedWithBias) {
        addFirst("bias", {kWidth, 4}, kWidth, isFused);
        add("blk.0.ffn_down_exps.bias", {kWidth, 4}, 0.0f);
    }
    return writer;
}

/// Rows as long as those of DeepSeek-V2-Lite's experts and of its attn_k_b, which no block of 256
/// divides, and the output matrix, which small types leave in a better one.
TEST(EveryType, FallsBackWhereRowsDoNotDivide) {
    const TrapFolder folder;
    GgufWriter writer = wideModel();
    const auto add = [&](const std::string& name, const std::vector<std::uint64_t>& shape) {
        std::vector<float> values(shape[0] * shape[1], 0.5f);
        writer.addTensor(name, 0, shape, bytesOf(values));
    };
    add("blk.1.ffn_down.weight", {1408, 2});
    add("blk.1.attn_k_b.weight", {128, 2});
    ASSERT_TRUE(writer.write(folder / "f32.gguf"));
    const auto typesFor = [&](const char* type) {
        QuantizeOptions options;
        options.type = type;
        options.nThreads = 1;
        const auto written = quantizeModel(folder / "f32.gguf", folder / "small.gguf", options);
        EXPECT_TRUE(written) << written.error().detail;
        std::map<std::string, TensorType> types;
        const auto file = GgufFile::open(folder / "small.gguf").value();
        for (const TensorInfo& tensor : file.tensors()) types[tensor.name] = tensor.type;
        return types;
    };
    for (const auto& [type, fallback] :
         std::vector<std::pair<const char*, TensorType>>{{"Q4_K_S", TensorType::Q5_0},
                                                         {"Q5_K_S", TensorType::Q5_1},
                                                         {"Q6_K", TensorType::Q8_0}}) {
        const auto types = typesFor(type);
        EXPECT_EQ(types.at("blk.1.ffn_down.weight"), fallback) << type;
        EXPECT_EQ(types.at("blk.1.attn_k_b.weight"), fallback) << type;
    }
    for (const char* type : {"Q4_0", "Q4_K_S"}) {
        EXPECT_EQ(typesFor(type).at("output.weight"), TensorType::Q6_K) << type;
    }
}

/// Gates and ups as one tensor are what two tensors are, and so are their biases.
TEST(FusedExperts, AreThoseOfSeparateTensorsWithTheirBiases) {
    const TrapFolder folder;
    std::vector<TokenId> tokens;
    for (int i = 0; i < 24; ++i) tokens.push_back(i * 7 % 64);
    const auto logitsOf = [&](ExpertForm form) {
        CONCLAVE_CHECK(wideModel(form).write(folder / "model.gguf"));
        return test::BareModel(folder / "model.gguf", kernels()).logits(tokens);
    };
    const auto plain = logitsOf(ExpertForm::Separate);
    const auto biased = logitsOf(ExpertForm::SeparateWithBias);
    EXPECT_NE(biased, plain);
    EXPECT_EQ(logitsOf(ExpertForm::Fused), plain);
    EXPECT_EQ(logitsOf(ExpertForm::FusedWithBias), biased);
}

/// Mean divergence of next tokens from a KV cache in F16 to one of these types.
double divergenceOfCache(const fs::path& path, KvTypes types) {
    constexpr std::size_t kVocabulary = 64;
    std::vector<TokenId> tokens;
    for (int i = 0; i < 60; ++i) tokens.push_back(i * 7 % 64);
    const auto logitsOf = [&](KvTypes kvTypes, const std::vector<int>& batches) {
        return test::BareModel(path, kernels(), 1, 64, {}, kvTypes).logits(tokens, batches);
    };
    const std::vector<float> exact = logitsOf({}, {});
    const std::vector<float> other = logitsOf(types, {});
    EXPECT_EQ(other, logitsOf(types, {7, 1})) << "prefill and decode give the same bits";
    double total = 0.0;
    for (std::size_t at = 0; at < exact.size(); at += kVocabulary) {
        const auto p = std::span(exact).subspan(at, kVocabulary);
        const auto q = std::span(other).subspan(at, kVocabulary);
        const double pSum = test::logSum(p);
        const double qSum = test::logSum(q);
        for (std::size_t i = 0; i < kVocabulary; ++i) {
            total += std::exp(p[i] - pSum) * ((p[i] - pSum) - (q[i] - qSum));
        }
    }
    return total / static_cast<double>(tokens.size());
}

/// Keys and values may be kept in different types; the fewer bits, the further from F16.
TEST(CacheTypes, OfKeysAndValuesEachCostTheirShare) {
    const TrapFolder folder;
    const fs::path model = folder / "q8.gguf";
    ASSERT_TRUE(wideModel().write(folder / "f32.gguf"));
    QuantizeOptions options;
    options.type = "Q8_0";
    options.nThreads = 1;
    ASSERT_TRUE(quantizeModel(folder / "f32.gguf", model, options));
    const double keys8 = divergenceOfCache(model, {KvType::Q8_0, KvType::F16});
    const double values8 = divergenceOfCache(model, {KvType::F16, KvType::Q8_0});
    const double both8 = divergenceOfCache(model, KvType::Q8_0);
    const double values4 = divergenceOfCache(model, {KvType::Q8_0, KvType::Q4_0});
    const double keys4 = divergenceOfCache(model, {KvType::Q4_0, KvType::Q8_0});
    const double both4 = divergenceOfCache(model, KvType::Q4_0);
    for (const double divergence : {keys8, values8}) {
        EXPECT_GT(divergence, 0.0);
        EXPECT_LT(divergence, both8 * 1.5);
    }
    EXPECT_LT(both8, 3e-3);
    for (const double divergence : {keys4, values4}) {
        EXPECT_GT(divergence, both8 * 3);
        EXPECT_LT(divergence, both4 * 1.5);
    }
    EXPECT_LT(both4, 3e-2);
    RecordProperty("kl_q8_0", std::to_string(both8));
    RecordProperty("kl_q4_0", std::to_string(both4));

    // 64 numbers of two heads each, in blocks of 32.
    const auto config = ModelConfig::read(GgufFile::open(model).value()).value();
    const auto bytes = [&](KvTypes types) { return KvCache::bytes(config, 256, 256, types); };
    EXPECT_EQ(bytes({}), 256U * 2 * 128 * 2);
    EXPECT_EQ(bytes({KvType::Q8_0, KvType::Q4_0}), 256U * (4 * 34 + 4 * 18));
}

TEST(CacheTypes, HaveTheNamesOfLlamaCpp) {
    EXPECT_EQ(kvTypeNamed("f16"), KvType::F16);
    EXPECT_EQ(kvTypeNamed("q8_0"), KvType::Q8_0);
    EXPECT_EQ(kvTypeNamed("Q4_0"), KvType::Q4_0);
    EXPECT_FALSE(kvTypeNamed("q5_1"));
    EXPECT_FALSE(kvTypeNamed(""));
}

/// Each type as the embedding, the output, in attention and in experts, against the same weights as
/// floats.
TEST(EveryType, WorksInEveryPlace) {
    const TrapFolder folder;
    ASSERT_TRUE(wideModel().write(folder / "f32.gguf"));
    std::vector<TokenId> tokens;
    for (int i = 0; i < 24; ++i) tokens.push_back(i * 7 % 64);
    for (const char* type :
         {"BF16", "Q8_0", "Q6_K", "Q5_K_S", "Q5_1", "Q5_0", "Q4_K_S", "Q4_1", "Q4_0", "IQ4_NL",
          "IQ4_XS", "MXFP4", "Q3_K_S", "Q2_K", "TQ2_0", "TQ1_0"}) {
        QuantizeOptions options;
        options.type = type;
        options.nThreads = 1;
        const auto written = quantizeModel(folder / "f32.gguf", folder / "small.gguf", options);
        ASSERT_TRUE(written) << written.error().detail;
        EXPECT_EQ(written->nFallbacks, 0) << type;
        options.type = "F32";
        options.allowRequantize = true;
        ASSERT_TRUE(quantizeModel(folder / "small.gguf", folder / "same.gguf", options));
        const auto router = GgufFile::open(folder / "small.gguf").value();
        for (const TensorInfo& tensor : router.tensors()) {
            if (tensor.name == "blk.0.ffn_gate_inp.weight") {
                EXPECT_EQ(tensor.type, TensorType::F32);
            }
        }
        test::BareModel same(folder / "same.gguf", scalarKernels());
        const std::vector<float> exact = same.logits(tokens);
        for (const KernelTable* set : test::nativeKernelSets()) {
            test::BareModel model(folder / "small.gguf", *set);
            const std::vector<float> logits = model.logits(tokens);
            EXPECT_EQ(model.logits(tokens, {5, 1}), logits) << type << ' ' << set->isa;
            double error = 0.0;
            double size = 0.0;
            for (std::size_t i = 0; i < logits.size(); ++i) {
                error += std::pow(logits[i] - exact[i], 2);
                size += std::pow(exact[i], 2);
            }
            // Activations of 8 bits are 0.4 % off each; a type that is misread, all of it.
            EXPECT_LT(std::sqrt(error / size), 0.05) << type << ' ' << set->isa;
        }
    }
}

}  // namespace
}  // namespace conclave::engine
