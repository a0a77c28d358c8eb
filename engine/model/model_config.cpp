#include "engine/model/model_config.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <vector>

#include "engine/model/architectures/architectures.h"

namespace conclave::engine {
namespace {

struct Architecture {
    std::string_view name;  ///< "general.architecture" of its files
    void (*describe)(Keys& keys, ModelConfig& model);
};

constexpr std::array kArchitectures = {
    Architecture{"deepseek", architectures::deepseek},
    Architecture{"deepseek2", architectures::deepseek2},
    Architecture{"ernie4_5-moe", architectures::ernie45Moe},
    Architecture{"gemma2", architectures::gemma2},
    Architecture{"gemma3", architectures::gemma3},
    Architecture{"glm4", architectures::glm4},
    Architecture{"glm4moe", architectures::glm4moe},
    Architecture{"gpt-oss", architectures::gptOss},
    Architecture{"granite", architectures::granite},
    Architecture{"granitemoe", architectures::granitemoe},
    Architecture{"llama", architectures::llama},
    Architecture{"llama4", architectures::llama4},
    Architecture{"olmoe", architectures::olmoe},
    Architecture{"phi3", architectures::phi3},
    Architecture{"phimoe", architectures::phimoe},
    Architecture{"qwen2", architectures::qwen2},
    Architecture{"qwen2moe", architectures::qwen2moe},
    Architecture{"qwen3", architectures::qwen3},
    Architecture{"qwen3moe", architectures::qwen3moe},
    Architecture{"qwen35", architectures::qwen35},
    Architecture{"qwen35moe", architectures::qwen35moe},
    Architecture{"qwen3next", architectures::qwen3next},
    Architecture{"smollm3", architectures::smollm3},
};

/// Levenshtein's: the least number of characters to insert, remove or replace.
int editDistance(std::string_view a, std::string_view b) {
    std::vector<int> row(b.size() + 1);
    std::iota(row.begin(), row.end(), 0);
    for (const char c : a) {
        int diagonal = row[0]++;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const int replaced = diagonal + (c == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}

Result<Architecture> findArchitecture(std::string_view name) {
    name = name.substr(0, 40);  // whose end no known one reaches
    const Architecture* closest = kArchitectures.data();
    for (const Architecture& known : kArchitectures) {
        if (known.name == name) return known;
        if (editDistance(known.name, name) <= editDistance(closest->name, name)) closest = &known;
    }
    std::string shown;
    for (const char c : name) shown += c > ' ' && c <= '~' ? c : '?';
    return fail(ErrorCode::Unsupported, "the architecture \"" + shown +
                                            "\" is not supported; the closest that is: \"" +
                                            std::string(closest->name) + "\"");
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

bool ModelConfig::hasRecurrentLayer() const {
    return std::any_of(layers.begin(), layers.end(),
                       [](const LayerConfig& layer) { return layer.isRecurrent; });
}

Result<ModelConfig> ModelConfig::read(const GgufFile& file) {
    const auto name = file.requireString("general.architecture");
    if (!name) return tl::unexpected(name.error());
    const auto architecture = findArchitecture(*name);
    if (!architecture) return tl::unexpected(architecture.error());

    Keys keys(file, *name);
    ModelConfig model;
    readCommon(keys, model);
    if (keys.error()) return tl::unexpected(*keys.error());
    architecture->describe(keys, model);
    if (!keys.error() && model.hasDenseLayer() && model.feedForwardDim == 0) {
        keys.remember({ErrorCode::Corrupt,
                       "the model file lacks the number " + keys.name("feed_forward_length")});
    }
    if (!keys.error() && model.rope.dim % 2 != 0) {
        keys.remember({ErrorCode::Corrupt, keys.name("rope.dimension_count") + " is odd"});
    }
    if (keys.error()) return tl::unexpected(*keys.error());
    return model;
}

}  // namespace conclave::engine
