#include "engine/model/model_config.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "engine/model/architectures/architectures.h"

namespace conclave::engine {
namespace {

struct Architecture {
    std::string_view name;  ///< "general.architecture" of its files
    void (*describe)(Keys& keys, ModelConfig& model);
    NormKind norm = NormKind::Rms;
};

constexpr std::array kArchitectures = {
    Architecture{"bailingmoe", architectures::bailingmoe},
    Architecture{"bailingmoe2", architectures::bailingmoe2},
    Architecture{"cohere2", architectures::cohere2, NormKind::Layer},
    Architecture{"command-r", architectures::commandR, NormKind::Layer},
    Architecture{"deepseek", architectures::deepseek},
    Architecture{"deepseek2", architectures::deepseek2},
    Architecture{"dots1", architectures::dots1},
    Architecture{"ernie4_5", architectures::ernie45},
    Architecture{"ernie4_5-moe", architectures::ernie45Moe},
    Architecture{"exaone4", architectures::exaone4},
    Architecture{"gemma", architectures::gemma},
    Architecture{"gemma2", architectures::gemma2},
    Architecture{"gemma3", architectures::gemma3},
    Architecture{"glm4", architectures::glm4},
    Architecture{"glm4moe", architectures::glm4moe},
    Architecture{"gpt-oss", architectures::gptOss},
    Architecture{"granite", architectures::granite},
    Architecture{"granitehybrid", architectures::granitehybrid},
    Architecture{"granitemoe", architectures::granitemoe},
    Architecture{"hunyuan-dense", architectures::hunyuanDense},
    Architecture{"hunyuan-moe", architectures::hunyuanMoe},
    Architecture{"lfm2", architectures::lfm2},
    Architecture{"lfm2moe", architectures::lfm2moe},
    Architecture{"llama", architectures::llama},
    Architecture{"llama4", architectures::llama4},
    Architecture{"minimax-m2", architectures::minimaxM2},
    Architecture{"mistral3", architectures::mistral3},
    Architecture{"olmo2", architectures::olmo2},
    Architecture{"olmoe", architectures::olmoe},
    Architecture{"phi3", architectures::phi3},
    Architecture{"phimoe", architectures::phimoe},
    Architecture{"qwen2", architectures::qwen2},
    Architecture{"qwen2moe", architectures::qwen2moe},
    Architecture{"qwen2vl", architectures::qwen2vl},
    Architecture{"qwen3", architectures::qwen3},
    Architecture{"qwen35", architectures::qwen35},
    Architecture{"qwen35moe", architectures::qwen35moe},
    Architecture{"qwen3moe", architectures::qwen3moe},
    Architecture{"qwen3next", architectures::qwen3next},
    Architecture{"qwen3vl", architectures::qwen3vl},
    Architecture{"qwen3vlmoe", architectures::qwen3vlmoe},
    Architecture{"seed_oss", architectures::seedOss},
    Architecture{"smollm3", architectures::smollm3},
};

/// Names that begin alike are mostly of one house, whose models are built alike.
struct Family {
    std::string_view beginning;
    std::string_view dense;
    std::string_view withExperts;
};

/// The longest beginning that fits counts.
constexpr std::array kFamilies = {
    Family{"bailing", "bailingmoe2", "bailingmoe2"},
    Family{"chatglm", "glm4", "glm4moe"},
    Family{"cohere", "cohere2", "cohere2"},
    Family{"command", "command-r", "command-r"},
    Family{"deepseek", "deepseek2", "deepseek2"},
    Family{"dots", "dots1", "dots1"},
    Family{"ernie", "ernie4_5", "ernie4_5-moe"},
    Family{"exaone", "exaone4", "exaone4"},
    Family{"falcon-h1", "granitehybrid", "granitehybrid"},
    Family{"gemma", "gemma3", "gemma3"},
    Family{"gemma2", "gemma2", "gemma2"},
    Family{"glm", "glm4", "glm4moe"},
    Family{"glm-dsa", "deepseek2", "deepseek2"},
    Family{"gpt-oss", "gpt-oss", "gpt-oss"},
    Family{"gpt_oss", "gpt-oss", "gpt-oss"},
    Family{"gptoss", "gpt-oss", "gpt-oss"},
    Family{"granite", "granite", "granitemoe"},
    Family{"hunyuan", "hunyuan-dense", "hunyuan-moe"},
    Family{"jamba", "granitehybrid", "granitehybrid"},
    Family{"kimi", "deepseek2", "deepseek2"},
    Family{"lfm", "lfm2", "lfm2moe"},
    Family{"llama", "llama", "llama4"},
    Family{"minimax", "minimax-m2", "minimax-m2"},
    Family{"ministral", "mistral3", "mistral3"},
    Family{"mistral", "mistral3", "mistral3"},
    Family{"mixtral", "llama", "llama"},
    Family{"nemotron_h", "granitehybrid", "granitehybrid"},
    Family{"olmo", "olmo2", "olmoe"},
    Family{"phi", "phi3", "phimoe"},
    Family{"qwen", "qwen2", "qwen2moe"},
    Family{"qwen3", "qwen3", "qwen3moe"},
    Family{"seed", "seed_oss", "seed_oss"},
    Family{"smollm", "smollm3", "smollm3"},
};

const Family* familyOf(std::string_view name) {
    const Family* best = nullptr;
    for (const Family& family : kFamilies) {
        const bool isLonger = best == nullptr || family.beginning.size() > best->beginning.size();
        if (name.starts_with(family.beginning) && isLonger) best = &family;
    }
    return best;
}

/// True for models that continue no text with attention: their names, or what only they have.
bool isOfAnotherKind(const GgufFile& file, std::string_view name) {
    constexpr std::string_view kNames[] = {"t5",    "clip",    "mamba",       "rwkv",
                                           "arwkv", "whisper", "wavtokenizer"};
    constexpr std::string_view kTensors[] = {"enc.blk.", "dec.blk.", "v.blk.", "a.blk.", "mm."};
    return std::any_of(std::begin(kNames), std::end(kNames),
                       [&](std::string_view each) { return name.starts_with(each); }) ||
           std::any_of(file.tensors().begin(), file.tensors().end(), [&](const auto& tensor) {
               return std::any_of(
                   std::begin(kTensors), std::end(kTensors),
                   [&](std::string_view each) { return tensor.name.starts_with(each); });
           });
}

/// The architecture whose blocks are most like those of a file that is of none: what its keys and
/// tensors tell outweighs its name.
std::string_view closestTo(const GgufFile& file, std::string_view name) {
    if (isOfAnotherKind(file, name)) {
        return "none; Conclave runs models that continue text, and encoders for search";
    }
    if (name.find("bert") != std::string_view::npos) return "nomic-bert";
    const auto number = [&](std::string_view key) {
        return file.number(std::string(name) + "." + std::string(key)).value_or(0.0);
    };
    const auto hasTensor = [&](std::string_view part) {
        return std::any_of(file.tensors().begin(), file.tensors().end(), [&](const auto& tensor) {
            return tensor.name.find(part) != std::string::npos;
        });
    };
    const bool hasExperts = number("expert_count") > 0 || hasTensor("_exps.") ||
                            name.find("moe") != std::string_view::npos;
    if (number("attention.kv_lora_rank") > 0 || hasTensor("attn_kv_a_")) return "deepseek2";
    if (number("shortconv.l_cache") > 0) return hasExperts ? "lfm2moe" : "lfm2";
    if (number("ssm.state_size") > 0 || hasTensor(".ssm_")) {
        // What sets gated delta nets apart from Mamba are matrices of decays and strengths.
        if (!hasTensor(".ssm_ba.") && !hasTensor(".ssm_beta.")) return "granitehybrid";
        return hasExperts ? "qwen3next" : "qwen35";
    }
    if (hasTensor(".attn_sinks")) return "gpt-oss";
    const bool normsHeads = hasTensor("attn_q_norm.");
    if (const Family* family = familyOf(name)) {
        const std::string_view found = hasExperts ? family->withExperts : family->dense;
        // Of a younger Qwen than its name tells: what sets Qwen3 apart are norms of heads.
        if (normsHeads && found == "qwen2moe") return "qwen3moe";
        return normsHeads && found == "qwen2" ? "qwen3" : found;
    }
    if (hasExperts) {
        const bool shares = number("expert_shared_count") > 0 || hasTensor("_shexp.");
        if (shares) return normsHeads ? "dots1" : "deepseek";
        return normsHeads ? "qwen3moe" : "llama";
    }
    if (hasTensor("post_attention_norm.") || hasTensor("post_ffw_norm.")) {
        if (!hasTensor("attn_norm.")) return "olmo2";
        return normsHeads ? "gemma3" : "gemma2";
    }
    if (normsHeads) return "qwen3";
    if (hasTensor("attn_qkv.")) return "phi3";
    return hasTensor("attn_q.bias") ? "qwen2" : "llama";
}

Result<Architecture> findArchitecture(const GgufFile& file, std::string_view name) {
    if (name.empty()) {
        return fail(
            ErrorCode::Corrupt,
            "metadata \"general.architecture\" is empty, so that nothing tells what kind of "
            "model this is; get another file of it");
    }
    const auto known = std::find_if(kArchitectures.begin(), kArchitectures.end(),
                                    [&](const Architecture& each) { return each.name == name; });
    if (known != kArchitectures.end()) return *known;
    constexpr std::size_t kShown = 40;  // bytes; no known name is longer
    name = name.substr(0, kShown);
    std::string shown;
    for (const char c : name) shown += c > ' ' && c <= '~' ? c : '?';
    return fail(ErrorCode::Unsupported, "architecture " + shown + " is not supported; closest: " +
                                            std::string(closestTo(file, name)));
}

}  // namespace

int ModelConfig::cacheDim() const {
    return attention == AttentionKind::Latent ? latent.latentDim + rope.dim
                                              : 2 * grouped.nKvHeads * grouped.headDim;
}

bool ModelConfig::hasDenseLayer() const {
    return std::any_of(layers.begin(), layers.end(),
                       [](const LayerConfig& layer) { return !layer.hasExperts; });
}

bool ModelConfig::hasLocalLayer() const {
    return std::any_of(layers.begin(), layers.end(),
                       [](const LayerConfig& layer) { return layer.isLocal; });
}

RecurrentSize ModelConfig::recurrentSize() const {
    const auto product = [](int a, int b, int c = 1) {
        return static_cast<std::size_t>(a) * static_cast<std::size_t>(b) *
               static_cast<std::size_t>(c);
    };
    switch (recurrent) {
        case RecurrentKind::DeltaNet:
            return {product(deltaNet.kernel - 1, deltaNet.mixedDim()),
                    product(deltaNet.nValueHeads, deltaNet.headDim, deltaNet.headDim)};
        case RecurrentKind::Mamba2:
            return {product(mamba.kernel - 1, mamba.mixedDim()),
                    product(mamba.nHeads, mamba.headDim, mamba.stateDim)};
        case RecurrentKind::ShortConvolution:
            return {product(shortConvolution.kernel - 1, embeddingDim), 0};
    }
    return {};
}

bool ModelConfig::hasRecurrentLayer() const {
    return std::any_of(layers.begin(), layers.end(),
                       [](const LayerConfig& layer) { return layer.isRecurrent; });
}

ModelConfig ModelConfig::predictionLayer() const {
    ModelConfig model = *this;
    model.nLayers = 1;
    model.nPredictionLayers = 0;
    model.layers = {{.hasExperts = moe.nExperts > 0}};
    return model;
}

Result<ModelConfig> ModelConfig::read(const GgufFile& file) {
    const auto name = file.requireString("general.architecture");
    if (!name) return tl::unexpected(name.error());
    if (file.string("general.type") == "adapter") {
        return fail(ErrorCode::Unsupported,
                    "the file is a LoRA adapter, which changes a model and is none: load the model "
                    "that it was made for, and give this file with --lora");
    }
    const auto architecture = findArchitecture(file, *name);
    if (!architecture) return tl::unexpected(architecture.error());

    Keys keys(file, *name);
    ModelConfig model;
    model.norm.kind = architecture->norm;
    readCommon(keys, model);
    if (keys.error()) return tl::unexpected(*keys.error());
    architecture->describe(keys, model);
    if (!keys.error() && model.hasDenseLayer() && model.feedForwardDim == 0) {
        keys.remember(
            file.requireInteger(std::string(*name) + ".feed_forward_length", 0, 0).error());
    }
    if (!keys.error() && model.rope.dim % 2 != 0) {
        keys.remember({ErrorCode::Corrupt, keys.name("rope.dimension_count") + " is odd"});
    }
    if (!keys.error() && !keys.flag("attention.causal", true)) {
        keys.remember({ErrorCode::Unsupported,
                       keys.name("attention.causal") +
                           " is false: the model reads a text in both directions and continues "
                           "none, and such are supported as embedders alone"});
    }
    if (keys.error()) return tl::unexpected(*keys.error());
    return model;
}

}  // namespace conclave::engine
