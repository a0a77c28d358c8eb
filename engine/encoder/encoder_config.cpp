#include "engine/encoder/encoder_config.h"

#include <algorithm>
#include <array>
#include <string>

#include "engine/encoder/architectures/architectures.h"

namespace conclave::engine {
namespace {

struct EncoderArchitecture {
    std::string_view name;  ///< "general.architecture" of its files
    void (*describe)(Keys& keys, EncoderConfig& model);
    bool alsoWrites = false;  ///< language models have that name, too
};

constexpr std::array kEncoders = {
    EncoderArchitecture{"bert", encoders::bert},
    EncoderArchitecture{"gemma-embedding", encoders::gemmaEmbedding},
    EncoderArchitecture{"jina-bert-v2", encoders::jinaBertV2},
    EncoderArchitecture{"nomic-bert", encoders::nomicBert},
    EncoderArchitecture{"nomic-bert-moe", encoders::nomicBertMoe},
    EncoderArchitecture{"qwen3", encoders::qwen3, true},
};

const EncoderArchitecture* findEncoder(std::string_view name) {
    const auto* const found =
        std::find_if(kEncoders.begin(), kEncoders.end(),
                     [&](const EncoderArchitecture& known) { return known.name == name; });
    return found != kEncoders.end() ? found : nullptr;
}

/// Rows of an optional matrix, from its shape; a vector is a matrix of one row.
int nRowsOf(Keys& keys, std::string_view name) {
    const TensorInfo* tensor = keys.tensor(name);
    if (tensor == nullptr) return 0;
    const std::uint64_t n = tensor->shape.size() > 1 ? tensor->shape[1] : 1;
    if (n <= static_cast<std::uint64_t>(kMaxDim)) return static_cast<int>(n);
    return keys.remember(
        {ErrorCode::Corrupt, "the model file's tensor " + std::string(name) + " is too large"});
}

void readPooling(Keys& keys, EncoderConfig& model) {
    constexpr int kNone = 0;  // a vector for each token, which is not what we are asked for
    const int type = keys.optional("pooling_type", kNone, kNone, 1000);
    if (type > static_cast<int>(Pooling::Rank)) {
        keys.remember(
            {ErrorCode::Unsupported, keys.name("pooling_type") + " is " + std::to_string(type) +
                                         " (1 mean, 2 first, 3 last and 4 rank are supported)"});
        return;
    }
    model.pooling = type == kNone ? Pooling::Mean : static_cast<Pooling>(type);
    if (model.pooling != Pooling::Rank) return;
    model.classifierDim = nRowsOf(keys, "cls.weight");
    model.nClasses = nRowsOf(keys, "cls.output.weight");
    if (!keys.error() && model.classifierDim == 0 && model.nClasses == 0) {
        keys.remember({ErrorCode::Corrupt, "the model file lacks the tensor cls.output.weight"});
    }
}

/// What every encoder has: sizes, heads and the norms' epsilon.
void readEncoderSizes(Keys& keys, EncoderConfig& model) {
    model.nLayers = keys.required("block_count", 1, kMaxLayers);
    model.contextLength = keys.required("context_length", 1, kMaxContext);
    model.embeddingDim = keys.required("embedding_length", 1, kMaxDim);
    model.feedForwardDim = keys.required("feed_forward_length", 1, kMaxDim);
    model.nHeads = keys.required("attention.head_count", 1, kMaxHeads);
    model.epsilon =
        static_cast<float>(keys.has("attention.layer_norm_epsilon")
                               ? keys.requiredNumber("attention.layer_norm_epsilon", 0.0, 1.0)
                               : keys.requiredNumber("attention.layer_norm_rms_epsilon", 0.0, 1.0));
    if (keys.error()) return;
    model.nKvHeads = keys.optional("attention.head_count_kv", model.nHeads, 1, kMaxHeads);
    model.headDim =
        keys.optional("attention.key_length", model.embeddingDim / model.nHeads, 2, kMaxHeadDim);
    const int valueDim = keys.optional("attention.value_length", model.headDim, 2, kMaxHeadDim);
    if (keys.error()) return;
    if (model.headDim < 1 || model.nHeads % model.nKvHeads != 0) {
        keys.remember({ErrorCode::Corrupt,
                       keys.name("attention.head_count") + " does not divide what it should"});
    } else if (valueDim != model.headDim) {
        keys.remember({ErrorCode::Unsupported,
                       keys.name("attention.value_length") + " differs from the key length"});
    }
    const TensorInfo* embedding = keys.tensor("token_embd.weight");
    if (embedding == nullptr || embedding->shape.size() != 2 ||
        embedding->shape[1] > static_cast<std::uint64_t>(kMaxVocabulary)) {
        keys.remember({ErrorCode::Corrupt, "the model file lacks the tensor token_embd.weight"});
        return;
    }
    model.vocabularySize = static_cast<int>(embedding->shape[1]);
}

}  // namespace

void readEncoderRope(Keys& keys, EncoderConfig& model) {
    RopeConfig& rope = model.rope;
    model.rotates = true;
    rope.dim = keys.optional("rope.dimension_count", model.headDim, 2, model.headDim);
    rope.pairs = RopePairs::Halves;
    rope.base = keys.number("rope.freq_base", 10000.0, 1.0, 1e12);
    const std::string_view type = keys.text("rope.scaling.type");
    if (type == "linear") {
        rope.linearFactor = keys.number("rope.scaling.factor", 1.0, 1e-3, 1e6);
    } else if (!type.empty() && type != "none") {
        keys.remember({ErrorCode::Unsupported, keys.name("rope.scaling.type") + " is \"" +
                                                   std::string(type) +
                                                   "\" (linear is supported for embedders)"});
    }
    if (!keys.error() && rope.dim % 2 != 0) {
        keys.remember({ErrorCode::Corrupt, keys.name("rope.dimension_count") + " is odd"});
    }
}

bool isEncoderFile(const GgufFile& file) {
    const std::string_view name = file.string("general.architecture").value_or("");
    const EncoderArchitecture* known = findEncoder(name);
    if (known == nullptr) return false;
    return !known->alsoWrites || file.integer(std::string(name) + ".pooling_type").value_or(0) != 0;
}

Result<EncoderConfig> EncoderConfig::read(const GgufFile& file) {
    const auto name = file.requireString("general.architecture");
    if (!name) return tl::unexpected(name.error());
    const EncoderArchitecture* known = findEncoder(*name);
    if (known == nullptr || !isEncoderFile(file)) {
        return fail(ErrorCode::Unsupported, "a model of the architecture \"" +
                                                std::string(name->substr(0, 40)) +
                                                "\" does not embed texts");
    }
    Keys keys(file, *name);
    EncoderConfig model;
    readEncoderSizes(keys, model);
    if (!keys.error()) readPooling(keys, model);
    if (!keys.error()) known->describe(keys, model);
    if (keys.error()) return tl::unexpected(*keys.error());
    return model;
}

}  // namespace conclave::engine
