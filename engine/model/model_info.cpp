// model_info.cpp: what a model file says about itself.
#include <algorithm>
#include <map>

#include "base/utf8.h"
#include "engine/encoder/encoder_config.h"
#include "engine/engine.h"
#include "engine/gguf/gguf_file.h"
#include "engine/model/adapter_shape.h"
#include "engine/model/model_config.h"
#include "engine/model/model_info.h"
#include "engine/model/recommended_sampling.h"
#include "engine/model_file.h"
#include "engine/tokenizer/stand_in_template.h"

namespace conclave::engine {
namespace {

constexpr std::string_view kEmbedderArchitecture = "static-embed";

std::string textOf(const GgufFile& file, std::string_view key) {
    return toValidUtf8(file.string(key).value_or(""));
}

/// The name that llama.cpp's quantizer gives a mix of types; without it, the type most values have.
std::string fileTypeOf(const GgufFile& file) {
    static const std::map<std::int64_t, std::string_view> kNames = {
        {0, "F32"},     {1, "F16"},     {2, "Q4_0"},    {3, "Q4_1"},    {7, "Q8_0"},
        {8, "Q5_0"},    {9, "Q5_1"},    {10, "Q2_K"},   {11, "Q3_K_S"}, {12, "Q3_K_M"},
        {13, "Q3_K_L"}, {14, "Q4_K_S"}, {15, "Q4_K_M"}, {16, "Q5_K_S"}, {17, "Q5_K_M"},
        {18, "Q6_K"},   {25, "IQ4_NL"}, {30, "IQ4_XS"}, {32, "BF16"},   {38, "MXFP4"},
    };
    const auto known = kNames.find(file.integer("general.file_type").value_or(-1));
    if (known != kNames.end()) return std::string(known->second);
    std::map<TensorType, std::uint64_t> nValues;
    for (const TensorInfo& tensor : file.tensors()) nValues[tensor.type] += tensor.nValues();
    const auto most =
        std::max_element(nValues.begin(), nValues.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    return most != nValues.end() ? std::string(typeTraits(most->first)->name) : "";
}

/// Tensors of routed experts: blk.N.ffn_gate_exps.weight, or blk.N.ffn_gate.E.weight in old files.
bool isExpertTensor(std::string_view name) {
    if (name.find("_exps.") != std::string_view::npos) return true;
    const std::size_t at = name.find(".ffn_");
    return at != std::string_view::npos &&
           std::count(name.begin() + static_cast<std::ptrdiff_t>(at), name.end(), '.') == 3;
}

void countParameters(const GgufFile& file, ModelInfo& info) {
    std::uint64_t inExperts = 0;
    for (const TensorInfo& tensor : file.tensors()) {
        info.nParameters += tensor.nValues();
        if (isExpertTensor(tensor.name)) inExperts += tensor.nValues();
    }
    info.nActiveParameters = info.nParameters;
    if (info.nExperts > 0) {
        const auto nExperts = static_cast<std::uint64_t>(info.nExperts);
        const auto nIdle = static_cast<std::uint64_t>(info.nExperts - info.nExpertsUsed);
        info.nActiveParameters -= inExperts / nExperts * nIdle;
    }
}

tl::unexpected<Error> inModelFile(const std::filesystem::path& path, Error error) {
    error.detail = path.filename().string() + ": " + error.detail;
    return tl::unexpected(std::move(error));
}

}  // namespace

Result<ModelInfo> describeModel(const GgufFile& file) {
    const auto architecture = file.requireString("general.architecture");
    if (!architecture) return tl::unexpected(architecture.error());
    ModelInfo info;
    info.architecture = toValidUtf8(*architecture);
    info.isEmbedder = *architecture == kEmbedderArchitecture;
    if (info.isEmbedder) {
        const std::string prefix = std::string(kEmbedderArchitecture) + ".";
        const auto context = file.requireInteger(prefix + "context_length", 1, 1 << 26);
        if (!context) return tl::unexpected(context.error());
        const auto vocabulary = file.requireInteger(prefix + "vocab_size", 1, 1 << 24);
        if (!vocabulary) return tl::unexpected(vocabulary.error());
        info.contextLength = static_cast<int>(*context);
        info.vocabularySize = static_cast<int>(*vocabulary);
    } else if (isEncoderFile(file)) {
        const auto config = EncoderConfig::read(file);
        if (!config) return tl::unexpected(config.error());
        info.isReranker = config->pooling == Pooling::Rank;
        info.isEmbedder = !info.isReranker;
        info.contextLength = config->contextLength;
        info.vocabularySize = config->vocabularySize;
        info.nLayers = config->nLayers;
        info.nExperts = config->nExperts;
        info.nExpertsUsed = config->nExpertsUsed;
    } else {
        const auto config = ModelConfig::read(file);
        if (!config) return tl::unexpected(config.error());
        info.contextLength = config->contextLength;
        info.vocabularySize = config->vocabularySize;
        info.nLayers = config->nLayers;
        info.nExperts = config->moe.nExperts;
        info.nExpertsUsed = config->moe.nExpertsUsed;
    }
    info.name = textOf(file, "general.name");
    if (info.name.empty()) info.name = file.path().stem().string();
    info.fileType = fileTypeOf(file);
    info.description = textOf(file, "general.description");
    info.license = textOf(file, "general.license");
    info.fileBytes = file.fileBytes();
    info.hasChatTemplate = ownChatTemplate(file).has_value();
    if (!info.isEmbedder && !info.isReranker) {
        if (!info.hasChatTemplate) info.turnFamily = standInTemplate(file).family;
        readRecommendedSampling(file, info);
    }
    countParameters(file, info);
    return info;
}

Result<GgufFile> openModelFile(const std::filesystem::path& path) {
    auto file = GgufFile::open(path);
    if (file || file.error().code != ErrorCode::Corrupt) return file;
    const auto damaged = GgufFile::openDamaged(path);
    if (!damaged || isEncoderFile(*damaged)) return file;
    const auto info = describeModel(*damaged);
    if (info || info.error().code != ErrorCode::Unsupported) return file;
    return inModelFile(path, info.error());
}

Result<ModelInfo> readModelInfo(const std::filesystem::path& path) {
    const auto file = openModelFile(path);
    if (!file) return tl::unexpected(file.error());
    auto info = describeModel(*file);
    if (!info) return inModelFile(path, info.error());
    return info;
}

Result<std::optional<AdapterInfo>> readAdapterInfo(const std::filesystem::path& path) {
    const auto isAdapter = [](const GgufFile& file) {
        return file.string("general.type") == "adapter";
    };
    const auto file = GgufFile::open(path);
    if (!file) {
        const auto damaged = GgufFile::openDamaged(path);
        if (!damaged || !isAdapter(*damaged)) return std::nullopt;
        return tl::unexpected(file.error());
    }
    if (!isAdapter(*file)) return std::nullopt;
    const auto shape = readAdapterShape(*file);
    if (!shape) return inModelFile(path, shape.error());
    const auto architecture = file->requireString("general.architecture");
    if (!architecture) return inModelFile(path, architecture.error());
    AdapterInfo info{.name = textOf(*file, "general.name"),
                     .architecture = toValidUtf8(*architecture),
                     .fileType = fileTypeOf(*file),
                     .fileBytes = file->fileBytes(),
                     .rank = shape->rank,
                     .nTensors = shape->nTensors};
    if (info.name.empty()) info.name = path.stem().string();
    for (const TensorInfo& tensor : file->tensors()) info.nParameters += tensor.nValues();
    return info;
}

}  // namespace conclave::engine
