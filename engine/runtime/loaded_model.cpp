#include "engine/runtime/loaded_model.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/model/attend.h"
#include "engine/model/model_info.h"
#include "engine/model/packing.h"
#include "engine/model/transformer.h"
#include "engine/model/vocabulary.h"
#include "engine/runtime/hash64.h"
#include "engine/runtime/memory.h"
#include "engine/tokenizer/output/output_parser.h"

namespace conclave::engine {
namespace {

constexpr int kDefaultBatchTokens = 512;

std::unique_ptr<const ChatTemplate> noTemplate() { return nullptr; }

}  // namespace

LoadedModel::LoadedModel(GgufFile file, const KernelTable& kernels)
    : m_file(std::move(file)), m_kernels(kernels), m_template(noTemplate()) {}

Result<std::shared_ptr<const Model>> Model::load(const std::filesystem::path& path,
                                                 const LoadProgress& progress) {
    auto model = LoadedModel::load(path, kernels(), progress);
    if (!model) return tl::unexpected(model.error());
    return std::shared_ptr<const Model>(std::move(*model));
}

Result<std::shared_ptr<const LoadedModel>> LoadedModel::load(const std::filesystem::path& path,
                                                             const KernelTable& kernels,
                                                             const LoadProgress& progress) {
    auto file = GgufFile::open(path);
    if (!file) return tl::unexpected(file.error());
    // Not make_shared, whose access to the private constructor would need a friend.
    std::shared_ptr<LoadedModel> model(new LoadedModel(std::move(*file), kernels));
    auto done = model->fill().and_then([&] { return model->checkMemory(); }).and_then([&] {
        return model->bringIn(progress);
    });
    if (!done) {
        Error error = done.error();
        error.detail = path.filename().string() + ": " + error.detail;
        return tl::unexpected(std::move(error));
    }
    return model;
}

Result<void> LoadedModel::fill() {
    auto info = describeModel(m_file);
    if (!info) return tl::unexpected(info.error());
    if (info->isEmbedder) {
        return fail(ErrorCode::Unsupported, "this is a text embedder, not a language model");
    }
    if (info->isReranker) {
        return fail(ErrorCode::Unsupported, "this is a reranker, not a language model");
    }
    m_info = std::move(*info);
    auto config = ModelConfig::read(m_file);
    if (!config) return tl::unexpected(config.error());
    m_config = *config;
    auto weights = Weights::load(m_file, m_config, m_kernels);
    if (!weights) return tl::unexpected(weights.error());
    m_weights = std::move(*weights);
    auto tokenizer = loadVocabulary(m_file, m_config.vocabularySize);
    if (!tokenizer) return tl::unexpected(tokenizer.error());
    m_tokenizer = std::move(*tokenizer);
    const auto spelling = [&](TokenId token) {
        return token >= 0 ? std::string(m_tokenizer->tokenText(token)) : std::string();
    };
    m_template = ChatTemplate::parse(
        m_file.string("tokenizer.chat_template").value_or(defaultChatTemplate()),
        spelling(m_tokenizer->bos()), spelling(m_tokenizer->eos()));
    return {};
}

Result<void> LoadedModel::checkMemory() const {
    constexpr int kLeastContext = 256;
    const MemoryForecast need =
        forecast(std::min(kLeastContext, m_config.contextLength), KvType::F16);
    if (need.fits()) return {};
    return fail(ErrorCode::OutOfMemory,
                "needs " + sizeText(need.weightBytes + need.kvCacheBytes + need.scratchBytes) +
                    " of memory, but only " + sizeText(need.availableBytes) +
                    " are available; a smaller model or a stronger quantization would fit");
}

Result<void> LoadedModel::bringIn(const LoadProgress& progress) {
    if (progress && !progress(0.0f)) return fail(ErrorCode::Cancelled, "loading was cancelled");
    auto prepared = packWeights(m_weights, m_kernels);
    if (!prepared) return prepared;
    m_weights.packed.packBehind(defaultThreadCount());
    if (progress) progress(1.0f);
    return {};
}

void LoadedModel::settle() const { m_weights.packed.wait(); }

std::vector<TokenId> LoadedModel::tokenize(std::string_view text,
                                           const TokenizeOptions& options) const {
    return m_tokenizer->encode(text, options);
}

std::string LoadedModel::detokenize(std::span<const TokenId> tokens, bool renderSpecial) const {
    return m_tokenizer->decode(tokens, renderSpecial);
}

Result<std::vector<PromptPart>> LoadedModel::renderParts(std::span<const ChatMessage> messages,
                                                         const ChatTemplateOptions& options) const {
    if (!m_template) return tl::unexpected(m_template.error());
    return (*m_template)->render(messages, options);
}

Result<std::string> LoadedModel::renderChat(std::span<const ChatMessage> messages,
                                            const ChatTemplateOptions& options) const {
    const auto parts = renderParts(messages, options);
    if (!parts) return tl::unexpected(parts.error());
    std::string text;
    for (const PromptPart& part : *parts) text += part.text;
    return text;
}

Result<std::vector<TokenId>> LoadedModel::tokenizeChat(std::span<const ChatMessage> messages,
                                                       const ChatTemplateOptions& options) const {
    const auto parts = renderParts(messages, options);
    if (!parts) return tl::unexpected(parts.error());
    return encodePrompt(*m_tokenizer, *parts);
}

std::unique_ptr<ChatOutputParser> LoadedModel::outputParser(
    std::span<const TokenId> prompt, const nlohmann::ordered_json& tools) const {
    const ChatFormat format =
        detectChatFormat(m_file.string("tokenizer.chat_template").value_or(defaultChatTemplate()));
    constexpr std::size_t kTail = 16;  // tokens, more than any mark has
    const std::string end = m_tokenizer->decode(prompt.last(std::min(prompt.size(), kTail)), true);
    OutputParserOptions options{.isThinking = opensThought(format, end), .tools = tools};
    for (const std::string_view marker : outputMarkers(format)) {
        const auto tokens = m_tokenizer->encode(marker, {.addBos = false, .parseSpecial = true});
        options.showsControlTokens =
            options.showsControlTokens ||
            (tokens.size() == 1 && m_tokenizer->type(tokens.front()) == TokenType::Control);
    }
    return makeOutputParser(format, std::move(options));
}

bool LoadedModel::isEndOfTurn(TokenId token) const { return m_tokenizer->isEndOfTurn(token); }

std::uint64_t LoadedModel::fingerprint() const {
    std::call_once(m_fingerprintOnce, [&] {
        std::uint64_t hash = m_file.fileBytes();
        for (const RawMetadata& entry : m_file.rawMetadata()) {
            hash = hash64(entry.bytes, hash64(entry.key, hash));
        }
        // Hashing all of a large file takes as long as reading it; two fine-tunes of one model
        // differ nearly everywhere.
        constexpr std::size_t kSample = 256;
        for (const TensorInfo& tensor : m_file.tensors()) {
            hash = hash64(tensor.name, hash + static_cast<std::uint64_t>(tensor.type));
            hash = hash64(std::as_bytes(std::span(tensor.shape)), hash);
            const std::size_t n = std::min(kSample, tensor.data.size());
            hash = hash64(tensor.data.first(n), hash);
            hash = hash64(tensor.data.subspan((tensor.data.size() - n) / 2, n), hash);
            hash = hash64(tensor.data.last(n), hash);
        }
        m_fingerprint = hash;
    });
    return m_fingerprint;
}

MemoryForecast LoadedModel::forecast(int contextLength, KvType kvType) const {
    return forecast(contextLength, kvType, kDefaultBatchTokens, defaultThreadCount());
}

MemoryForecast LoadedModel::forecast(int contextLength, KvType kvType, int batchTokens,
                                     int nThreads) const {
    const auto scratchFor = [&](int context) {
        return Transformer::bytes(m_config, m_weights.needsInt8, std::min(batchTokens, context)) +
               attendScratchBytes(m_config, nThreads) +
               static_cast<std::uint64_t>(m_config.vocabularySize) * sizeof(float);
    };
    MemoryForecast need;
    need.weightBytes = m_weights.sizeBytes;
    need.kvCacheBytes = KvCache::bytes(m_config, contextLength, batchTokens, kvType);
    need.scratchBytes = scratchFor(contextLength);
    // Packed weights are in memory already; mapped ones count as available, see availableMemory.
    need.availableBytes = availableMemory();
    if (need.availableBytes < std::numeric_limits<std::uint64_t>::max() - need.weightBytes) {
        need.availableBytes += m_weights.packed.packedBytes();
    }
    // What a context needs grows with its length, so the longest that fits is found by halving.
    const auto fits = [&](int context) {
        return need.weightBytes + KvCache::bytes(m_config, context, batchTokens, kvType) +
                   scratchFor(context) <=
               need.availableBytes;
    };
    int low = 0;
    int high = m_config.contextLength;
    while (low < high) {
        const int middle = high - (high - low) / 2;
        if (fits(middle)) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    need.longestContext = low;
    return need;
}

}  // namespace conclave::engine
