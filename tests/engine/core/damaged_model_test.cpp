// Damaged files of every architecture: each gives an error that names what is wrong, or a model
// that runs without harm. The models are those of tests/parity/architectures.py.
#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "bare_model.h"
#include "models.h"

namespace conclave::engine {
namespace {

using testing::HasSubstr;

std::string readAll(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// A file of this test that goes away with it.
class DamagedModel : public testing::TestWithParam<std::string> {
protected:
    void SetUp() override {
        m_good = readAll(test::parity(GetParam() + ".gguf"));
        ASSERT_FALSE(m_good.empty());
        const auto file = GgufFile::open(test::parity(GetParam() + ".gguf"));
        ASSERT_TRUE(file);
        m_architecture = file->requireString("general.architecture").value();
        for (const TensorInfo& tensor : file->tensors()) {
            // Layers that predict further tokens are not used.
            if (GetParam() != "glm4moe" || tensor.name.rfind("blk.2.", 0) != 0) {
                m_tensors.push_back(tensor.name);
            }
        }
    }
    void TearDown() override { std::filesystem::remove(m_path); }

    /// Where `name` stands in the header, behind its length.
    [[nodiscard]] std::size_t find(const std::string& name) const {
        const std::uint64_t length = name.size();
        std::string wanted(sizeof(length), '\0');
        std::memcpy(wanted.data(), &length, sizeof(length));
        const std::size_t at = m_good.find(wanted + name);
        EXPECT_NE(at, std::string::npos) << name;
        return at + sizeof(length);
    }
    [[nodiscard]] std::string without(const std::string& name) const {
        std::string bytes = m_good;
        bytes[find(name) + name.size() - 1] = '?';
        return bytes;
    }

    /// Loads the bytes as a model; if that succeeds, computes a few tokens.
    Result<void> tryModel(const std::string& bytes) {
        std::filesystem::remove(m_path);  // an older one may still be mapped
        std::ofstream(m_path, std::ios::binary).write(bytes.data(), std::ssize(bytes));
        const auto file = GgufFile::open(m_path);
        if (!file) return tl::unexpected(file.error());
        const auto config = ModelConfig::read(*file);
        if (!config) return tl::unexpected(config.error());
        const auto weights = Weights::load(*file, *config, kernels());
        if (!weights) return tl::unexpected(weights.error());
        test::BareModel model(m_path, kernels(), 1, 8);
        const std::vector<TokenId> tokens = {0, 0, 0, 0, 0, 0, 0, 0};
        const auto n = static_cast<std::size_t>(std::min(8, config->contextLength));
        static_cast<void>(model.logits(std::span(tokens).first(n)));
        return {};
    }

    /// Gated delta nets in some layers, whose attn_qkv is one matrix by itself.
    [[nodiscard]] bool isHybrid() const {
        return m_architecture == "qwen3next" || m_architecture.starts_with("qwen35");
    }

    std::filesystem::path m_path = std::filesystem::path(testing::TempDir()) /
                                   ("damaged-" + std::to_string(::getpid()) + ".gguf");
    std::string m_good;
    std::string m_architecture;
    std::vector<std::string> m_tensors;
};

TEST_P(DamagedModel, TruncatedIsAnError) {
    for (std::size_t part = 0; part < 16; ++part) {
        const auto result = tryModel(m_good.substr(0, m_good.size() * part / 16));
        ASSERT_FALSE(result);
        EXPECT_FALSE(result.error().detail.empty());
    }
    // The last tensor is padded to 32 bytes.
    EXPECT_FALSE(tryModel(m_good.substr(0, m_good.size() - 32)));
}

TEST_P(DamagedModel, LackingTensorIsNamed) {
    // What published files of these architectures do without.
    const std::set<std::string> optional = {"glm4 attn_q.bias",
                                            "glm4 attn_k.bias",
                                            "glm4 attn_v.bias",
                                            "ernie4_5-moe exp_probs_b.bias",
                                            "phimoe output.bias",
                                            "dots1 exp_probs_b.bias",
                                            "bailingmoe2 exp_probs_b.bias",
                                            "seed_oss attn_q.bias",
                                            "seed_oss attn_k.bias",
                                            "seed_oss attn_v.bias",
                                            "granitehybrid ssm_conv1d.bias"};
    const std::set<std::string> untied = {
        "llama output.weight",     "qwen3 output.weight",     "qwen3moe output.weight",
        "qwen3next output.weight", "qwen35 output.weight",    "qwen35moe output.weight",
        "deepseek output.weight",  "deepseek2 output.weight", "glm4 output.weight",
        "glm4moe output.weight",   "llama4 output.weight",    "phi3 output.weight",
        "mistral3 output.weight",  "seed_oss output.weight",  "exaone4 output.weight",
        "lfm2 output.weight",      "lfm2moe output.weight",   "qwen2vl output.weight",
        "qwen3vl output.weight",   "qwen3vlmoe output.weight"};
    for (const std::string& name : m_tensors) {
        const std::size_t layerEnd = name.rfind("blk.", 0) == 0 ? name.find('.', 4) + 1 : 0;
        const std::string kind = m_architecture + " " + name.substr(layerEnd);
        const auto result = tryModel(without(name));
        if (optional.count(kind) + untied.count(kind) != 0) {
            EXPECT_TRUE(result) << name;
            continue;
        }
        // The norms of queries and keys tell by the first layer whether the model has them at all.
        if (m_architecture == "glm4moe" && name == "blk.0.attn_q_norm.weight") continue;
        ASSERT_FALSE(result) << name;
        EXPECT_EQ(result.error().code, ErrorCode::Corrupt) << result.error().detail;
        EXPECT_THAT(result.error().detail, HasSubstr("lacks the tensor"));
        // Without a tensor of several matrices these are looked for.
        std::string wanted = name;
        if (name.ends_with("gate_up_exps.weight")) wanted.replace(name.find("_up"), 3, "");
        if (name.ends_with("attn_qkv.weight") && !isHybrid()) {
            wanted = name.substr(0, layerEnd) + "attn_q.weight";
        }
        EXPECT_THAT(result.error().detail, HasSubstr(wanted));
    }
}

TEST_P(DamagedModel, WrongShapeIsNamed) {
    for (const std::string& name : m_tensors) {
        std::string bytes = m_good;
        const std::size_t at = find(name) + name.size();
        std::uint32_t nDimensions = 0;
        std::memcpy(&nDimensions, bytes.data() + at, sizeof(nDimensions));
        char* last = bytes.data() + at + sizeof(nDimensions) + (nDimensions - 1) * 8;
        std::uint64_t extent = 0;
        std::memcpy(&extent, last, sizeof(extent));
        extent -= 1;
        std::memcpy(last, &extent, sizeof(extent));
        const auto result = tryModel(bytes);
        ASSERT_FALSE(result) << name;
        EXPECT_EQ(result.error().code, ErrorCode::Corrupt) << result.error().detail;
        EXPECT_THAT(result.error().detail, HasSubstr(name));
    }
}

TEST_P(DamagedModel, LackingKeyIsNamed) {
    std::vector<std::string> keys = {"block_count", "context_length", "embedding_length",
                                     "attention.head_count"};
    const bool hasLayerNorm = m_architecture == "command-r" || m_architecture == "cohere2";
    keys.emplace_back(hasLayerNorm ? "attention.layer_norm_epsilon"
                                   : "attention.layer_norm_rms_epsilon");
    if (hasLayerNorm) keys.emplace_back("logit_scale");
    // The width of dense layers, or of experts where nothing else says it.
    const bool hasDense = std::any_of(m_tensors.begin(), m_tensors.end(), [](const auto& name) {
        return name.ends_with(".ffn_down.weight");
    });
    if (hasDense || m_good.find("expert_feed_forward_length") == std::string::npos) {
        keys.emplace_back("feed_forward_length");
    }
    if (m_good.find("expert_used_count") != std::string::npos)
        keys.emplace_back("expert_used_count");
    if (m_architecture == "gpt-oss" || m_architecture == "cohere2") {
        keys.emplace_back("attention.sliding_window");
    }
    if (m_architecture.rfind("lfm2", 0) == 0) keys.emplace_back("shortconv.l_cache");
    if (isHybrid() || m_architecture == "granitehybrid") {
        keys.insert(keys.end(), {"ssm.conv_kernel", "ssm.group_count", "ssm.time_step_rank",
                                 "ssm.state_size", "ssm.inner_size"});
    }
    const std::set<std::string> counted = {"deepseek", "dots1", "bailingmoe", "bailingmoe2"};
    if (counted.count(m_architecture) != 0) keys.emplace_back("expert_shared_count");
    if (m_architecture == "granite" || m_architecture == "granitemoe")
        keys.emplace_back("logit_scale");
    for (const std::string& key : keys) {
        const std::string name = m_architecture + "." + key;
        const auto result = tryModel(without(name));
        ASSERT_FALSE(result) << name;
        EXPECT_EQ(result.error().code, ErrorCode::Corrupt) << result.error().detail;
        EXPECT_THAT(result.error().detail, HasSubstr(name));
    }
}

TEST_P(DamagedModel, FlippedBitsDoNoHarm) {
    std::mt19937 random(1);
    const std::size_t header = find(m_tensors.back());
    int nErrors = 0;
    for (int i = 0; i < 150; ++i) {
        std::string bytes = m_good;
        for (int flip = 0; flip <= i % 3; ++flip) {
            // The tokenizer's part is the larger one, and another test's.
            const std::size_t at = random() % header;
            bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        }
        if (const auto result = tryModel(bytes); !result) {
            ++nErrors;
            EXPECT_FALSE(result.error().detail.empty());
            EXPECT_NE(result.error().code, ErrorCode::Internal) << result.error().detail;
        }
    }
    EXPECT_GT(nErrors, 10);
}

INSTANTIATE_TEST_SUITE_P(Models, DamagedModel,
                         testing::Values("olmoe", "qwen3moe", "qwen3next", "qwen35", "qwen35moe",
                                         "granitemoe", "qwen2moe", "deepseek", "phimoe", "glm4moe",
                                         "ernie4_5-moe", "gpt-oss", "qwen2", "qwen3", "smollm3",
                                         "granite", "gemma2", "gemma3", "phi3", "glm4", "llama4",
                                         "mistral3", "gemma", "ernie4_5", "olmo2", "olmo2-window",
                                         "seed_oss", "command-r", "cohere2", "dots1", "hunyuan-moe",
                                         "hunyuan-dense", "bailingmoe", "bailingmoe2", "minimax-m2",
                                         "exaone4", "lfm2", "lfm2moe", "granitehybrid",
                                         "granitehybrid-moe", "qwen2vl", "qwen3vl", "qwen3vlmoe"),
                         [](const auto& instance) {
                             std::string name = instance.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

}  // namespace
}  // namespace conclave::engine
