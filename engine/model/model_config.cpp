#include "engine/model/model_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

namespace conclave::engine {
namespace {

// Far above every published model, far below what would overflow an int when multiplied in pairs.
constexpr std::int64_t kMaxDim = 1 << 20;
constexpr std::int64_t kMaxLayers = 1000;
constexpr std::int64_t kMaxHeads = 4096;
constexpr std::int64_t kMaxHeadDim = 8192;
constexpr std::int64_t kMaxVocabulary = 1 << 23;
constexpr std::int64_t kMaxContext = 1 << 26;

constexpr std::array<std::pair<std::string_view, Architecture>, 2> kArchitectures = {{
    {"deepseek2", Architecture::DeepSeek2},
    {"llama", Architecture::Llama},
}};

/// Reads keys of one architecture and remembers the first error.
class Reader {
public:
    Reader(const GgufFile& file, std::string_view architecture)
        : m_file(file), m_prefix(std::string(architecture) + ".") {}

    [[nodiscard]] int required(std::string_view key, std::int64_t lowest, std::int64_t highest) {
        const auto value = m_file.requireInteger(m_prefix + std::string(key), lowest, highest);
        if (!value) return remember(value.error());
        return static_cast<int>(*value);
    }
    [[nodiscard]] int optional(std::string_view key, int fallback, std::int64_t lowest,
                               std::int64_t highest) {
        return has(key) ? required(key, lowest, highest) : fallback;
    }
    [[nodiscard]] double number(std::string_view key, double fallback, double lowest,
                                double highest) {
        const auto value = m_file.number(m_prefix + std::string(key));
        if (!value) return fallback;
        if (!(*value >= lowest && *value <= highest)) {
            return remember({ErrorCode::Corrupt, "\"" + m_prefix + std::string(key) + "\" is " +
                                                     std::to_string(*value)});
        }
        return *value;
    }
    [[nodiscard]] double requiredNumber(std::string_view key, double lowest, double highest) {
        if (!m_file.number(m_prefix + std::string(key))) {
            return remember({ErrorCode::Corrupt, "the model file lacks the number \"" + m_prefix +
                                                     std::string(key) + "\""});
        }
        return number(key, 0.0, lowest, highest);
    }
    [[nodiscard]] bool flag(std::string_view key) const {
        return m_file.boolean(m_prefix + std::string(key)).value_or(false);
    }
    [[nodiscard]] bool has(std::string_view key) const {
        return m_file.number(m_prefix + std::string(key)).has_value();
    }
    [[nodiscard]] std::string_view text(std::string_view key) const {
        return m_file.string(m_prefix + std::string(key)).value_or("");
    }
    /// "deepseek2.block_count", for messages.
    [[nodiscard]] std::string name(std::string_view key) const {
        return "\"" + m_prefix + std::string(key) + "\"";
    }
    int remember(Error error) {
        if (!m_error) m_error = std::move(error);
        return 0;
    }
    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }

private:
    const GgufFile& m_file;
    std::string m_prefix;
    std::optional<Error> m_error;
};

int vocabularySizeOf(const GgufFile& file, Reader& keys) {
    if (keys.has("vocab_size")) return keys.required("vocab_size", 1, kMaxVocabulary);
    const TensorInfo* embedding = file.tensor("token_embd.weight");
    if (embedding == nullptr || embedding->shape.size() != 2 ||
        embedding->shape[1] > static_cast<std::uint64_t>(kMaxVocabulary)) {
        return keys.remember(
            {ErrorCode::Corrupt, "the model file has no token_embd.weight matrix"});
    }
    return static_cast<int>(embedding->shape[1]);
}

void readRope(Reader& keys, RopeConfig& rope) {
    rope.base = keys.number("rope.freq_base", 10000.0, 1.0, 1e12);
    const std::string_view type = keys.text("rope.scaling.type");
    const double factor = keys.number("rope.scaling.factor", 1.0, 0.0, 1e6);
    if (type == "yarn" && factor > 0.0) {
        rope.yarn = true;
        rope.yarnFactor = factor;
        rope.originalContext =
            keys.requiredNumber("rope.scaling.original_context_length", 1.0, kMaxContext);
        rope.betaFast = keys.number("rope.scaling.yarn_beta_fast", 32.0, 1e-3, 1e6);
        rope.betaSlow = keys.number("rope.scaling.yarn_beta_slow", 1.0, 1e-3, 1e6);
        rope.magnitude = 1.0 + 0.1 * std::log(factor);
    } else if (type == "linear" && factor > 0.0) {
        rope.linearFactor = factor;
    } else if (!type.empty() && type != "none" && type != "linear" && type != "yarn") {
        keys.remember({ErrorCode::Unsupported, keys.name("rope.scaling.type") + " is \"" +
                                                   std::string(type) + "\" (linear and yarn are)"});
    } else if (type.empty() && keys.has("rope.scale_linear")) {
        rope.linearFactor = keys.number("rope.scale_linear", 1.0, 1e-3, 1e6);
    }
    rope.magnitude *= keys.number("rope.scaling.attn_factor", 1.0, 1e-3, 1e3);
}

void readLatentAttention(Reader& keys, ModelConfig& config) {
    LatentAttentionConfig& latent = config.latent;
    latent.queryRank = keys.optional("attention.q_lora_rank", 0, 0, kMaxDim);
    latent.latentDim = keys.required("attention.kv_lora_rank", 1, kMaxDim);
    config.rope.dim = keys.required("rope.dimension_count", 2, kMaxHeadDim);
    // Older files, with one attn_kv_b tensor, give a head's sizes under the plain keys.
    const bool isNew = keys.has("attention.key_length_mla");
    const int keyDim =
        keys.required(isNew ? "attention.key_length_mla" : "attention.key_length", 1, kMaxHeadDim);
    latent.valueDim = keys.required(isNew ? "attention.value_length_mla" : "attention.value_length",
                                    1, kMaxHeadDim);
    latent.nopeDim = keyDim - config.rope.dim;
    if (!keys.error() && latent.nopeDim < 1) {
        keys.remember({ErrorCode::Corrupt, keys.name("rope.dimension_count") +
                                               " leaves nothing of the key length " +
                                               std::to_string(keyDim)});
    }
    config.attentionScale = 1.0f / std::sqrt(static_cast<float>(keyDim));
    // DeepSeek's YaRN: the key holds 0.1 * mscale_all_dim. Where it is given, the two mscales
    // cancel on cosine and sine, and the softmax scale takes the square instead.
    const double logMultiplier = keys.number("rope.scaling.yarn_log_multiplier", 0.0, 0.0, 10.0);
    if (config.rope.yarn && logMultiplier != 0.0) {
        const double mscale = 1.0 + logMultiplier * std::log(config.rope.yarnFactor);
        config.attentionScale *= static_cast<float>(mscale * mscale);
        config.rope.magnitude = 1.0;
    }
}

void readGroupedAttention(Reader& keys, ModelConfig& config) {
    GroupedAttentionConfig& grouped = config.grouped;
    grouped.nKvHeads = keys.optional("attention.head_count_kv", config.nHeads, 1, kMaxHeads);
    if (keys.error()) return;
    grouped.headDim =
        keys.optional("attention.key_length", config.embeddingDim / config.nHeads, 2, kMaxHeadDim);
    const int valueDim = keys.optional("attention.value_length", grouped.headDim, 2, kMaxHeadDim);
    config.rope.dim = keys.optional("rope.dimension_count", grouped.headDim, 2, kMaxHeadDim);
    if (keys.error()) return;
    if (config.nHeads % grouped.nKvHeads != 0) {
        keys.remember({ErrorCode::Corrupt, keys.name("attention.head_count_kv") + " is " +
                                               std::to_string(grouped.nKvHeads) +
                                               ", which does not divide the number of heads, " +
                                               std::to_string(config.nHeads)});
    }
    if (valueDim != grouped.headDim) {
        keys.remember({ErrorCode::Unsupported,
                       keys.name("attention.value_length") + " differs from the key length"});
    }
    if (config.rope.dim > grouped.headDim) {
        keys.remember(
            {ErrorCode::Corrupt, keys.name("rope.dimension_count") + " is above the key length"});
    }
    const double scale = keys.number("attention.scale", 0.0, 0.0, 1e3);
    config.attentionScale = scale > 0.0 ? static_cast<float>(scale)
                                        : 1.0f / std::sqrt(static_cast<float>(grouped.headDim));
}

RouterScore readScore(Reader& keys, const ModelConfig& config) {
    constexpr int kSoftmax = 1;
    constexpr int kSigmoid = 2;
    // GLM-4.7-lite's shapes under this architecture's name, in files from before the key existed.
    const bool isGlm =
        (config.nLayers == 47 || config.nLayers == 48) && config.vocabularySize == 154880;
    int function = keys.optional("expert_gating_func", 0, 0, 1000);
    if (function == 0) function = isGlm ? kSigmoid : kSoftmax;
    if (function != kSoftmax && function != kSigmoid) {
        keys.remember({ErrorCode::Unsupported, keys.name("expert_gating_func") + " is " +
                                                   std::to_string(function) +
                                                   " (1 softmax and 2 sigmoid are supported)"});
    }
    return function == kSigmoid ? RouterScore::Sigmoid : RouterScore::Softmax;
}

void readMoe(Reader& keys, ModelConfig& config) {
    MoeConfig& moe = config.moe;
    moe.nExperts = keys.optional("expert_count", 0, 0, kMaxExperts);
    if (moe.nExperts == 0 || keys.error()) return;
    moe.nExpertsUsed = keys.required("expert_used_count", 1, moe.nExperts);
    moe.expertDim = keys.optional("expert_feed_forward_length", config.feedForwardDim, 1, kMaxDim);
    const double scale = keys.number("expert_weights_scale", 1.0, 0.0, 1e3);
    moe.weightScale = scale > 0.0 ? static_cast<float>(scale) : 1.0f;  // 0 means not set
    if (config.architecture == Architecture::Llama) {
        moe.normalizeWeights = true;  // Mixtral, whose files have no key for it
        return;
    }
    moe.nSharedExperts = keys.optional("expert_shared_count", 0, 0, kMaxExperts);
    moe.nLeadingDense = keys.optional("leading_dense_block_count", 0, 0, config.nLayers);
    moe.normalizeWeights = keys.flag("expert_weights_norm");
    moe.score = readScore(keys, config);
    moe.nGroups = std::max(1, keys.optional("expert_group_count", 1, 0, moe.nExperts));
    if (moe.nGroups == 1 || keys.error()) return;
    moe.nGroupsUsed = keys.required("expert_group_used_count", 1, moe.nGroups);
    if (moe.nExperts % moe.nGroups != 0 || moe.nExperts / moe.nGroups < 2) {
        keys.remember({ErrorCode::Corrupt, keys.name("expert_group_count") + " is " +
                                               std::to_string(moe.nGroups) +
                                               ", which does not divide the experts into groups"});
    } else if (moe.nExpertsUsed > moe.nGroupsUsed * (moe.nExperts / moe.nGroups)) {
        keys.remember({ErrorCode::Corrupt,
                       keys.name("expert_used_count") + " is above what the chosen groups hold"});
    }
}

int commonPrefix(std::string_view a, std::string_view b) {
    return static_cast<int>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                            a.begin());
}

}  // namespace

Result<Architecture> parseArchitecture(std::string_view name) {
    for (const auto& [known, architecture] : kArchitectures) {
        if (known == name) return architecture;
    }
    const auto* closest = &kArchitectures.back();
    for (const auto& candidate : kArchitectures) {
        if (commonPrefix(candidate.first, name) > commonPrefix(closest->first, name)) {
            closest = &candidate;
        }
    }
    std::string shown;
    for (const char c : name.substr(0, 40)) shown += c > ' ' && c <= '~' ? c : '?';
    return fail(ErrorCode::Unsupported, "the architecture \"" + shown +
                                            "\" is not supported; the closest that is: \"" +
                                            std::string(closest->first) + "\"");
}

int ModelConfig::cacheDim() const {
    return architecture == Architecture::DeepSeek2 ? latent.latentDim + rope.dim
                                                   : 2 * grouped.nKvHeads * grouped.headDim;
}

Result<ModelConfig> ModelConfig::read(const GgufFile& file) {
    const auto name = file.requireString("general.architecture");
    if (!name) return tl::unexpected(name.error());
    const auto architecture = parseArchitecture(*name);
    if (!architecture) return tl::unexpected(architecture.error());

    Reader keys(file, *name);
    ModelConfig config;
    config.architecture = *architecture;
    config.nLayers = keys.required("block_count", 1, kMaxLayers);
    // Layers that predict further tokens (DeepSeek-V3, section 2.2) come last and are left out.
    const int nPredict = keys.optional("nextn_predict_layers", 0, 0, kMaxLayers);
    if (!keys.error() && nPredict >= config.nLayers) {
        keys.remember({ErrorCode::Corrupt, keys.name("nextn_predict_layers") +
                                               " leaves no layer of " + keys.name("block_count")});
    }
    config.nLayers -= nPredict;
    config.contextLength = keys.required("context_length", 1, kMaxContext);
    config.embeddingDim = keys.required("embedding_length", 1, kMaxDim);
    config.nHeads = keys.required("attention.head_count", 1, kMaxHeads);
    config.feedForwardDim = keys.required("feed_forward_length", 1, kMaxDim);
    config.normEpsilon =
        static_cast<float>(keys.requiredNumber("attention.layer_norm_rms_epsilon", 0.0, 1.0));
    config.vocabularySize = vocabularySizeOf(file, keys);
    if (keys.error()) return tl::unexpected(*keys.error());

    readRope(keys, config.rope);
    if (config.architecture == Architecture::DeepSeek2) {
        readLatentAttention(keys, config);
    } else {
        readGroupedAttention(keys, config);
    }
    if (!keys.error() && config.rope.dim % 2 != 0) {
        keys.remember({ErrorCode::Corrupt, keys.name("rope.dimension_count") + " is odd"});
    }
    readMoe(keys, config);
    if (keys.error()) return tl::unexpected(*keys.error());
    return config;
}

}  // namespace conclave::engine
