#include "engine/quantize/mixture.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <utility>

namespace conclave::engine::quantize {
namespace {

using Type = TensorType;

struct Named {
    std::string_view name;
    FileType fileType;
    Type type;  ///< of most tensors
};

constexpr std::array kFileTypes = {
    Named{"F32", FileType::F32, Type::F32},
    Named{"F16", FileType::F16, Type::F16},
    Named{"BF16", FileType::BF16, Type::BF16},
    Named{"Q8_0", FileType::Q8_0, Type::Q8_0},
    Named{"Q6_K", FileType::Q6_K, Type::Q6_K},
    Named{"Q5_K_M", FileType::Q5_K_M, Type::Q5_K},
    Named{"Q5_K_S", FileType::Q5_K_S, Type::Q5_K},
    Named{"Q5_1", FileType::Q5_1, Type::Q5_1},
    Named{"Q5_0", FileType::Q5_0, Type::Q5_0},
    Named{"Q4_K_M", FileType::Q4_K_M, Type::Q4_K},
    Named{"Q4_K_S", FileType::Q4_K_S, Type::Q4_K},
    Named{"IQ4_NL", FileType::IQ4_NL, Type::IQ4_NL},
    Named{"IQ4_XS", FileType::IQ4_XS, Type::IQ4_XS},
    Named{"MXFP4_MOE", FileType::MXFP4_MOE, Type::MXFP4},
    Named{"Q4_1", FileType::Q4_1, Type::Q4_1},
    Named{"Q4_0", FileType::Q4_0, Type::Q4_0},
    Named{"Q3_K_L", FileType::Q3_K_L, Type::Q3_K},
    Named{"Q3_K_M", FileType::Q3_K_M, Type::Q3_K},
    Named{"Q3_K_S", FileType::Q3_K_S, Type::Q3_K},
    Named{"Q2_K", FileType::Q2_K, Type::Q2_K},
    Named{"TQ2_0", FileType::TQ2_0, Type::TQ2_0},
    Named{"TQ1_0", FileType::TQ1_0, Type::TQ1_0},
};

constexpr std::array kOtherNames = {
    Named{"Q3_K", FileType::Q3_K_M, Type::Q3_K},
    Named{"Q4_K", FileType::Q4_K_M, Type::Q4_K},
    Named{"Q5_K", FileType::Q5_K_M, Type::Q5_K},
    Named{"MXFP4", FileType::MXFP4_MOE, Type::MXFP4},
};

// What a tensor is for, as far as the choice goes.
enum class Role {
    Embedding,
    Output,
    AttentionValue,  ///< also of fused projections and of latent keys and values
    AttentionKey,
    AttentionOutput,
    FeedForwardDown,
    Other,
};

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

Role roleOf(std::string_view name) {
    if (name == "output.weight") return Role::Output;
    if (name == "token_embd.weight" || name == "per_layer_token_embd.weight") {
        return Role::Embedding;
    }
    for (const auto* part : {"attn_qkv.weight", "attn_kv_b.weight", "attn_v.weight"}) {
        if (contains(name, part)) return Role::AttentionValue;
    }
    if (contains(name, "attn_k.weight")) return Role::AttentionKey;
    if (contains(name, "attn_q.weight")) return Role::Other;
    if (contains(name, "attn_output.weight")) return Role::AttentionOutput;
    if (contains(name, "ffn_up") || contains(name, "ffn_gate")) return Role::Other;
    return contains(name, "ffn_down") ? Role::FeedForwardDown : Role::Other;
}

/// Small tensors, or ones that must stay exact: norms, routers, convolutions, positions.
bool mayBeQuantized(const TensorInfo& tensor) {
    static constexpr std::array<std::string_view, 35> kKept = {
        "_norm.weight",
        "ffn_gate_inp.weight",
        "ffn_gate_tid2eid.weight",
        "altup",
        "laurel",
        "per_layer_model_proj",
        "ssm_conv1d",
        "shortconv.conv.weight",
        "indexer.k_proj.weight",
        "indexer.q_proj.weight",
        "time_mix_first.weight",
        "time_mix_w0.weight",
        "time_mix_w1.weight",
        "time_mix_w2.weight",
        "time_mix_v0.weight",
        "time_mix_v1.weight",
        "time_mix_v2.weight",
        "time_mix_a0.weight",
        "time_mix_a1.weight",
        "time_mix_a2.weight",
        "time_mix_g1.weight",
        "time_mix_g2.weight",
        "time_mix_decay_w1.weight",
        "time_mix_decay_w2.weight",
        "time_mix_lerp_fused.weight",
        "attn_rel_b.weight",
        ".position_embd",
        "sam.pos_embd",
        "sam.neck.",
        "sam.net_",
        ".rel_pos",
        ".patch_embd",
        ".patch_merger",
        "a.rvq.codebook",
        "mm.a.code_embd",
    };
    const std::string_view name = tensor.name;
    const auto nDimensions = std::count_if(tensor.shape.begin() + 1, tensor.shape.end(),
                                           [](std::uint64_t extent) { return extent > 1; });
    if (nDimensions == 0 || !name.ends_with("weight")) return false;
    if (name == "position_embd.weight" || name == "token_types.weight") return false;
    return std::none_of(kKept.begin(), kKept.end(),
                        [&](std::string_view part) { return contains(name, part); });
}

/// The N of blk.N.rest, or -1.
int layerOf(std::string_view name) {
    constexpr std::string_view kPrefix = "blk.";
    if (!name.starts_with(kPrefix)) return -1;
    name.remove_prefix(kPrefix.size());
    int layer = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), layer);
    return error == std::errc() && end != name.data() + name.size() && *end == '.' ? layer : -1;
}

bool comesBefore(const TensorInfo& a, const TensorInfo& b) {
    const int layerA = layerOf(a.name);
    const int layerB = layerOf(b.name);
    return layerA != layerB ? layerA < layerB : a.name < b.name;
}

/// The first eighth, the last eighth, and every third layer between get more bits.
bool deservesMoreBits(int layer, int nLayers) {
    return layer < nLayers / 8 || layer >= 7 * nLayers / 8 || (layer - nLayers / 8) % 3 == 2;
}

/// The choice for one tensor after another, in the order of the file: some of it counts.
class Chooser {
public:
    Chooser(FileType fileType, Type type, const ModelFacts& facts)
        : m_fileType(fileType), m_type(type), m_facts(facts) {}

    void announce(const TensorInfo& tensor) {
        const Role role = roleOf(tensor.name);
        m_nValues += role == Role::AttentionValue ? 1 : 0;
        m_hasOutput = m_hasOutput || role == Role::Output;
    }

    Type choose(const TensorInfo& tensor) {
        const Role role = roleOf(tensor.name);
        const bool isTied = role == Role::Embedding && !m_hasOutput;
        if (role == Role::Output || isTied) return forOutput(tensor);
        if (m_fileType == FileType::MXFP4_MOE) {
            const bool isExperts = tensor.shape.size() > 2 && tensor.shape[2] > 1;
            return isExperts ? Type::MXFP4 : Type::Q8_0;
        }
        switch (role) {
            case Role::Embedding: return isTernary() ? Type::Q4_K : m_type;
            case Role::AttentionValue: return forValue();
            case Role::AttentionKey: return m_facts.nExperts == 8 ? Type::Q8_0 : m_type;
            case Role::FeedForwardDown: return forDown(tensor);
            case Role::AttentionOutput: return forAttentionOutput();
            default: return m_type;
        }
    }

private:
    [[nodiscard]] bool isTernary() const { return is(FileType::TQ1_0) || is(FileType::TQ2_0); }
    [[nodiscard]] bool is(FileType fileType) const { return m_fileType == fileType; }
    [[nodiscard]] bool isIq4() const { return is(FileType::IQ4_NL) || is(FileType::IQ4_XS); }
    [[nodiscard]] bool isFalcon() const { return m_facts.architecture == "falcon"; }
    [[nodiscard]] int groupSize() const {
        return m_facts.nKvHeads > 0 ? m_facts.nHeads / m_facts.nKvHeads : 0;
    }
    /// Models of 80 layers with grouped heads, Llama's and Qwen's.
    [[nodiscard]] bool is70B() const {
        const bool isFamily = m_facts.architecture == "llama" || m_facts.architecture == "qwen2";
        return isFamily && m_facts.nLayers == 80 && m_facts.nHeads != m_facts.nKvHeads;
    }

    [[nodiscard]] Type forOutput(const TensorInfo& tensor) const {
        if (is(FileType::MXFP4_MOE) || isFalcon()) return Type::Q8_0;
        if (tensor.shape[0] % typeTraits(m_type)->blockValues != 0) return Type::Q8_0;
        return m_type == Type::Q8_0 ? Type::Q8_0 : Type::Q6_K;
    }

    Type forValue() {
        const int index = m_value++;
        Type type = m_type;
        const bool isGrouped = groupSize() >= 4;
        switch (m_fileType) {
            case FileType::Q2_K: type = isGrouped ? Type::Q4_K : Type::Q3_K; break;
            case FileType::Q3_K_M: type = index < 2 ? Type::Q5_K : Type::Q4_K; break;
            case FileType::Q3_K_L: type = Type::Q5_K; break;
            case FileType::Q4_K_S:
                if (index < 4) type = Type::Q5_K;
                break;
            case FileType::Q4_K_M:
            case FileType::Q5_K_M:
                if (deservesMoreBits(index, m_nValues)) type = Type::Q6_K;
                break;
            case FileType::IQ4_NL:
            case FileType::IQ4_XS:
                if (isGrouped) type = Type::Q5_K;
                break;
            default: break;
        }
        if (is70B() && (type == Type::Q3_K || type == Type::Q4_K)) type = Type::Q5_K;
        return m_facts.nExperts == 8 ? Type::Q8_0 : type;
    }

    Type forDown(const TensorInfo& tensor) {
        // In files with experts the count does not tell the layer: there is one tensor for each.
        const int index = m_down++;
        const int layer = m_facts.nExperts > 1 ? layerOf(tensor.name) : index;
        const int nLayers = m_facts.nLayers;
        const bool isFirst = layer < nLayers / 8;
        switch (m_fileType) {
            case FileType::Q2_K: return Type::Q3_K;
            case FileType::Q3_K_M:
                if (layer < nLayers / 16) return Type::Q5_K;
                return !isFalcon() || deservesMoreBits(layer, nLayers) ? Type::Q4_K : Type::Q3_K;
            case FileType::Q3_K_L: return isFalcon() ? Type::Q4_K : Type::Q5_K;
            case FileType::Q4_K_M:
                if (isFalcon()) {
                    if (layer < nLayers / 16) return Type::Q6_K;
                    return deservesMoreBits(layer, nLayers) ? Type::Q5_K : Type::Q4_K;
                }
                return deservesMoreBits(layer, nLayers) ? Type::Q6_K : m_type;
            case FileType::Q5_K_M: return deservesMoreBits(layer, nLayers) ? Type::Q6_K : m_type;
            case FileType::Q4_K_S: return isFirst && !isFalcon() ? Type::Q5_K : m_type;
            case FileType::IQ4_NL:
            case FileType::IQ4_XS: return isFirst && !m_facts.hasImportances ? Type::Q5_K : m_type;
            case FileType::Q4_0: return isFirst && m_facts.hasImportances ? Type::Q4_1 : m_type;
            case FileType::Q5_0: return isFirst && m_facts.hasImportances ? Type::Q5_1 : m_type;
            default: return m_type;
        }
    }

    [[nodiscard]] Type forAttentionOutput() const {
        if (isFalcon()) return is(FileType::Q3_K_L) ? Type::Q4_K : m_type;
        if (m_facts.nExperts == 8) {
            const bool isSmall = is(FileType::Q2_K) || is(FileType::Q3_K_S) ||
                                 is(FileType::Q3_K_M) || is(FileType::Q4_K_S) ||
                                 is(FileType::Q4_K_M) || isIq4();
            return isSmall ? Type::Q5_K : m_type;
        }
        switch (m_fileType) {
            case FileType::Q2_K: return Type::Q3_K;
            case FileType::Q3_K_M: return Type::Q4_K;
            case FileType::Q3_K_L: return Type::Q5_K;
            default: return m_type;
        }
    }

    FileType m_fileType;
    Type m_type;
    const ModelFacts& m_facts;
    bool m_hasOutput = false;
    int m_nValues = 0;
    int m_value = 0;
    int m_down = 0;
};

/// A type for rows that do not divide into blocks of 256.
Type fallbackOf(Type type) {
    switch (type) {
        case Type::IQ4_XS: return Type::IQ4_NL;
        case Type::Q2_K:
        case Type::Q3_K:
        case Type::TQ1_0:
        case Type::TQ2_0: return Type::Q4_0;
        case Type::Q4_K: return Type::Q5_0;
        case Type::Q5_K: return Type::Q5_1;
        case Type::Q6_K: return Type::Q8_0;
        default: return Type::F16;
    }
}

}  // namespace

Result<FileType> fileTypeNamed(std::string_view name) {
    std::string wanted(name);
    std::transform(wanted.begin(), wanted.end(), wanted.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    std::string names;
    for (const Named& each : kFileTypes) {
        if (each.name == wanted) return each.fileType;
        names += (names.empty() ? "" : ", ") + std::string(each.name);
    }
    for (const Named& each : kOtherNames) {
        if (each.name == wanted) return each.fileType;
    }
    return fail(
        ErrorCode::InvalidArgument,
        "\"" + std::string(name) + "\" is no type that can be written; these are: " + names);
}

Result<ModelFacts> ModelFacts::read(const GgufFile& file) {
    const auto architecture = file.requireString("general.architecture");
    if (!architecture) return tl::unexpected(architecture.error());
    ModelFacts facts;
    facts.architecture = *architecture;
    // Files with another number for each layer: the first counts.
    const auto number = [&](std::string_view key) {
        const std::string name = facts.architecture + "." + std::string(key);
        if (const auto value = file.integer(name)) return static_cast<int>(*value);
        const auto values = file.integers(name);
        return values && !values->empty() ? static_cast<int>(values->front()) : 0;
    };
    facts.nLayers = number("block_count");
    facts.nExperts = number("expert_count");
    facts.nHeads = number("attention.head_count");
    facts.nKvHeads = number("attention.head_count_kv");
    if (facts.nKvHeads == 0) facts.nKvHeads = facts.nHeads;
    return facts;
}

std::vector<Plan> planTypes(const GgufFile& file, FileType fileType, const ModelFacts& facts) {
    const auto named = std::find_if(kFileTypes.begin(), kFileTypes.end(),
                                    [&](const Named& each) { return each.fileType == fileType; });
    std::vector<const TensorInfo*> tensors;
    for (const TensorInfo& tensor : file.tensors()) tensors.push_back(&tensor);
    std::sort(tensors.begin(), tensors.end(),
              [](const TensorInfo* a, const TensorInfo* b) { return comesBefore(*a, *b); });
    Chooser chooser(fileType, named->type, facts);
    for (const TensorInfo* tensor : tensors) chooser.announce(*tensor);
    const bool isMixture = typeTraits(named->type)->blockValues > 1;
    std::vector<Plan> plans;
    for (const TensorInfo* tensor : tensors) {
        Plan plan{tensor, tensor->type, false};
        if (mayBeQuantized(*tensor)) {
            plan.type = isMixture ? chooser.choose(*tensor) : named->type;
            if (tensor->shape[0] % typeTraits(plan.type)->blockValues != 0) {
                plan.isFallback = true;
                plan.type = fallbackOf(plan.type);
                const bool fits = tensor->shape[0] % typeTraits(plan.type)->blockValues == 0;
                if (!fits) plan.type = Type::F16;
            }
        }
        plans.push_back(plan);
    }
    return plans;
}

}  // namespace conclave::engine::quantize
