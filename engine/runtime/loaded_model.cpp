#include "engine/runtime/loaded_model.h"

#include <algorithm>
#include <limits>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "engine/model/attend.h"
#include "engine/model/blas.h"
#include "engine/model/model_info.h"
#include "engine/model/packing.h"
#include "engine/model/transformer.h"
#include "engine/model/vocabulary.h"
#include "engine/runtime/hash64.h"
#include "engine/runtime/memory.h"
#include "engine/runtime/model_files.h"
#include "engine/runtime/token_predictor.h"
#include "engine/streaming/expert_store.h"
#include "engine/streaming/memory_plan.h"
#include "engine/tokenizer/message_contents.h"
#include "engine/tokenizer/output/output_parser.h"
#include "engine/tokenizer/stand_in_template.h"

namespace conclave::engine {
namespace {

constexpr int kDefaultBatchTokens = 512;
constexpr int kLeastContext = 256;  ///< a model that has no room for these tokens is refused

std::unique_ptr<const ChatTemplate> noTemplate() { return nullptr; }

tl::unexpected<Error> inModel(const std::filesystem::path& path, Error error) {
    error.detail = path.filename().string() + ": " + error.detail;
    return tl::unexpected(std::move(error));
}

/// What allocations and threads that the system refuses come to: an error, as all else.
template <typename Body>
auto withinMemory(const std::filesystem::path& path, const Body& body) -> decltype(body()) {
    const auto refused = [&](const std::string& what) {
        return inModel(path, {ErrorCode::OutOfMemory,
                              "the system gives no more " + what +
                                  "; close other programs or raise the limit (ulimit -a)"});
    };
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return refused("memory");
    } catch (const std::system_error&) {
        return refused("threads");
    }
}

}  // namespace

TurnTemplate::TurnTemplate() : parsed(noTemplate()) {}

LoadedModel::LoadedModel(GgufFile file, const KernelTable& kernels, std::uint64_t memoryBytes,
                         KvTypes kvTypes, int contextLength)
    : m_file(std::move(file)),
      m_kernels(kernels),
      m_memoryBytes(memoryBytes),
      m_kvTypes(kvTypes),
      m_plannedContext(contextLength),
      m_batchTokens(kDefaultBatchTokens) {}

Result<std::shared_ptr<const Model>> Model::load(const std::filesystem::path& path,
                                                 const LoadProgress& progress) {
    return load(path, LoadOptions{.progress = progress});
}

Result<std::shared_ptr<const Model>> Model::load(const std::filesystem::path& path,
                                                 const LoadOptions& options) {
    return withinMemory(path, [&]() -> Result<std::shared_ptr<const Model>> {
        auto model = LoadedModel::load(path, kernels(), options);
        if (!model) return tl::unexpected(model.error());
        return std::shared_ptr<const Model>(std::move(*model));
    });
}

Result<std::shared_ptr<const LoadedModel>> LoadedModel::load(const std::filesystem::path& path,
                                                             const KernelTable& kernels,
                                                             const LoadOptions& options) {
    endBlasThreads();
    auto file = openModelFile(path);
    if (!file) return tl::unexpected(file.error());
    // Not make_shared, whose access to the private constructor would need a friend.
    std::shared_ptr<LoadedModel> model(new LoadedModel(
        std::move(*file), kernels, options.memoryBytes, options.kvTypes, options.contextLength));
    auto done = model->readWeights(options.predicts)
                    .and_then([&] { return model->fill(); })
                    .and_then([&] { return model->makePlan(); })
                    .and_then([&] { return model->bringIn(options); });
    if (!done) return inModel(path, done.error());
    return model;
}

Result<MemoryPlan> planMemory(const std::filesystem::path& path, std::uint64_t memoryBytes,
                              KvTypes kvTypes) {
    return withinMemory(path, [&]() -> Result<MemoryPlan> {
        auto file = openModelFile(path);
        if (!file) return tl::unexpected(file.error());
        LoadedModel model(std::move(*file), kernels(), memoryBytes, kvTypes);
        const auto done = model.readWeights(false).and_then([&] { return model.makePlan(); });
        if (!done) return inModel(path, done.error());
        return model.plan();
    });
}

Result<void> checkModel(const std::filesystem::path& path) {
    return withinMemory(path, [&]() -> Result<void> {
        auto file = openModelFile(path);
        if (!file) return tl::unexpected(file.error());
        const auto info = describeModel(*file);
        if (!info) return inModel(path, info.error());
        if (info->isEmbedder || info->isReranker) {
            return ModelVocabulary::load(path).map([](const auto&) {});
        }
        LoadedModel model(std::move(*file), kernels(), 0, {});
        const auto done = model.readWeights(false).and_then([&] { return model.fill(); });
        if (!done) return inModel(path, done.error());
        const auto& turns = model.m_template.parsed;
        return turns ? Result<void>() : inModel(path, turns.error());
    });
}

Result<void> LoadedModel::readWeights(bool predicts) {
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
    auto weights = Weights::load(m_file, m_config, m_kernels, predicts);
    if (!weights) return tl::unexpected(weights.error());
    m_weights = std::move(*weights);
    return m_weights.requireAllRead(m_file);
}

Result<void> LoadedModel::fill() {
    auto tokenizer = loadVocabulary(m_file, m_config.vocabularySize);
    if (!tokenizer) return tl::unexpected(tokenizer.error());
    m_tokenizer = std::move(*tokenizer);
    const auto spelling = [&](TokenId token) {
        return token >= 0 ? std::string(m_tokenizer->tokenText(token)) : std::string();
    };
    const auto read = [&](TurnTemplate& into, std::string_view source) {
        into.source = source;
        into.parsed =
            ChatTemplate::parse(source, spelling(m_tokenizer->bos()), spelling(m_tokenizer->eos()));
    };
    read(m_template, chatTemplateOf(m_file));
    const auto forTools = toolChatTemplate(m_file);
    if (!forTools || *forTools == m_template.source) return {};
    read(m_toolTemplate.emplace(), *forTools);
    if (!m_toolTemplate->parsed) {
        log().info("{}: the chat template for tools is passed over: {}", m_info.name,
                   m_toolTemplate->parsed.error().detail);
        m_toolTemplate.reset();
    }
    return {};
}

Result<void> LoadedModel::makePlan() {
    m_plan.weightBytes = m_plan.residentBytes = m_weights.sizeBytes;
    m_plan.availableBytes = memoryLeft();
    const MemoryForecast need =
        forecast(std::min(kLeastContext, m_config.contextLength), m_kvTypes);
    if (need.fits()) return {};
    if (m_config.moe.nExperts > 0) return planStreaming();
    return fail(ErrorCode::OutOfMemory,
                "needs " + sizeText(need.weightBytes + need.kvCacheBytes + need.scratchBytes) +
                    " of memory, but only " + sizeText(need.availableBytes) +
                    " are available; a smaller model or a stronger quantization would fit");
}

Result<void> LoadedModel::planStreaming() {
    const auto layout = ExpertLayout::of(m_weights, m_file, m_kernels);
    if (!layout) return tl::unexpected(layout.error());
    // Other programs want to grow, too, unless somebody has thought of that.
    constexpr std::uint64_t kShareLeft = 16;
    std::uint64_t available = m_plan.availableBytes;
    if (m_memoryBytes == 0) available -= available / kShareLeft;
    // Limits of the process count stacks of threads as well: those of the store, the ones that
    // pack, a session's, and a few of the program's.
    const int nThreads = defaultThreadCount();
    constexpr int kOtherThreads = 4;
    const std::uint64_t stacks =
        limitedBytesOfThreads(ExpertStore::kReaders + 2 * nThreads + kOtherThreads);
    available -= std::min(available, stacks);
    saveAddressSpace();
    const std::uint64_t resident = m_weights.sizeBytes - layout->fileBytes();
    // Each prefill step may read every expert, so that few large steps are best; but experts that
    // are in memory need not be read at all.
    constexpr std::uint64_t kShareOfBuffers = 4;
    const std::uint64_t left =
        available - std::min(available, resident + leastExpertBytes(*layout));
    constexpr int kLargestBatch = 2048;
    constexpr int kSmallestBatch = 32;
    m_batchTokens = kLargestBatch;
    while (m_batchTokens > kSmallestBatch &&
           scratchBytes(m_batchTokens, nThreads) > left / kShareOfBuffers) {
        m_batchTokens /= 2;
    }
    const int context =
        std::min(m_plannedContext > 0 ? m_plannedContext : kUsualContext, m_config.contextLength);
    auto plan = divideMemory(*layout,
                             {resident, scratchBytes(m_batchTokens, nThreads),
                              KvCache::bytes(m_config, context, m_batchTokens, m_kvTypes)},
                             m_config.moe.nExpertsUsed, available);
    if (!plan) return tl::unexpected(plan.error());
    const auto files = ExpertFiles::open(m_file);
    if (!files) return tl::unexpected(files.error());
    const auto speed = measureDisk(*layout, *files);
    if (!speed) return tl::unexpected(speed.error());
    predictSpeed(*plan, *layout, m_config.moe.nExpertsUsed, *speed);
    m_plan = *plan;
    return {};
}

Result<void> LoadedModel::bringIn(const LoadOptions& options) {
    if (options.onPlan) options.onPlan(m_plan);
    if (options.progress && !options.progress(0.0f)) {
        return fail(ErrorCode::Cancelled, "loading was cancelled");
    }
    if (m_plan.streams && options.readsAhead) {
        // Until sessions want it, experts use what is kept for them. But where the limits of the
        // process count what is reserved, sessions could not take it.
        const std::uint64_t lent = isProcessLimited() ? 0 : m_plan.sessionBytes;
        auto store = ExpertStore::create(m_weights, m_file, m_kernels, m_config.moe.nExpertsUsed,
                                         m_plan.expertRoomBytes + lent);
        if (!store) return tl::unexpected(store.error());
        m_weights.store = std::move(*store);
    }
    auto prepared = packWeights(m_weights, m_kernels, !m_plan.streams);
    if (!prepared) return prepared;
    m_weights.packed.packBehind(defaultThreadCount());
    if (options.progress) options.progress(1.0f);
    return {};
}

void LoadedModel::countSession(std::int64_t bytes) const {
    const std::lock_guard lock(m_sessionMutex);
    const auto taken = static_cast<std::uint64_t>(m_sessionBytes += bytes) + m_pages->usedBytes();
    if (m_weights.store == nullptr) return;
    m_weights.store->setRoom(m_plan.expertRoomBytes + m_plan.sessionBytes -
                             std::min(m_plan.sessionBytes, taken));
}

std::uint64_t LoadedModel::memoryLeft(bool isForecast) const {
    // Packed weights and read experts are in memory already; mapped pages count as available, see
    // availableMemory.
    OwnMemory own{m_weights.packed.packedBytes(), m_weights.packed.sizeBytes()};
    if (m_weights.store != nullptr) {
        own.writtenBytes += m_weights.store->usedBytes();
        own.reservedBytes += m_weights.store->reservedBytes();
    }
    if (!isForecast) own.reservedBytes = std::numeric_limits<std::uint64_t>::max();
    const std::uint64_t left = availableMemory(own);
    if (m_memoryBytes == 0) return left;
    const std::uint64_t others =
        static_cast<std::uint64_t>(m_sessionBytes.load()) + m_pages->usedBytes();
    return std::min(left, m_memoryBytes - std::min(m_memoryBytes, others));
}

bool LoadedModel::hasRoomFor(std::uint64_t bytes) const {
    const std::uint64_t need = m_plan.residentBytes + m_plan.expertRoomBytes + bytes;
    if (need <= memoryLeft(false)) return true;
    if (m_prefixes.sizeBytes() == 0) return false;
    m_prefixes.clear();
    return need <= memoryLeft(false);
}

std::uint64_t LoadedModel::memoryForPrefixes() const {
    const std::uint64_t kept = m_prefixes.sizeBytes();
    const std::uint64_t free = availableMemory() + kept;
    if (m_memoryBytes == 0) return free;
    const std::uint64_t pages = m_pages->usedBytes();
    const std::uint64_t others = static_cast<std::uint64_t>(m_sessionBytes.load()) + pages -
                                 std::min(pages, kept) + m_plan.residentBytes +
                                 m_plan.expertRoomBytes;
    return std::min(free, m_memoryBytes - std::min(m_memoryBytes, others));
}

Result<void> LoadedModel::checkFile() const {
    if (!m_file.isDamaged()) return {};
    return fail(ErrorCode::Io, "the model file " + m_file.path().string() +
                                   " was shortened or became unreadable while in use; restore it "
                                   "and load it again");
}

SpeculationGate LoadedModel::speculation() const {
    const std::lock_guard lock(m_speculationMutex);
    return m_speculation;
}

void LoadedModel::learnSpeculation(const SpeculationGate& gate) const {
    const std::lock_guard lock(m_speculationMutex);
    m_speculation = gate;
}

void LoadedModel::settle() const { m_weights.packed.wait(); }

std::vector<TokenId> LoadedModel::tokenize(std::string_view text,
                                           const TokenizeOptions& options) const {
    return m_tokenizer->encode(text, options);
}

std::string LoadedModel::detokenize(std::span<const TokenId> tokens, bool renderSpecial) const {
    return m_tokenizer->decode(tokens, renderSpecial);
}

std::string LoadedModel::tokenText(TokenId token) const { return m_tokenizer->piece(token, true); }

const TurnTemplate& LoadedModel::templateFor(const nlohmann::ordered_json& tools) const {
    const bool hasTools = tools.is_array() && !tools.empty();
    return hasTools && m_toolTemplate ? *m_toolTemplate : m_template;
}

Result<std::vector<PromptPart>> LoadedModel::renderParts(std::span<const ChatMessage> messages,
                                                         const ChatTemplateOptions& options) const {
    const bool hasVariables = options.variables.is_object();
    const TurnTemplate& turns =
        templateFor(hasVariables ? options.variables.value("tools", nlohmann::ordered_json())
                                 : nlohmann::ordered_json());
    if (!turns.parsed) return inModel(m_file.path(), turns.parsed.error());
    const ChatTemplate& chatTemplate = **turns.parsed;
    std::call_once(turns.contentsOnce,
                   [&] { turns.readsPartsOnly = readsPartsOnly(chatTemplate); });
    const bool hasOwn = hasVariables && options.variables.contains("messages");
    if (!hasOwn && !turns.readsPartsOnly) return chatTemplate.render(messages, options);
    ChatTemplateOptions changed = options;
    auto& list = changed.variables["messages"];
    if (!hasOwn) {
        list = nlohmann::ordered_json::array();
        for (const ChatMessage& message : messages) {
            list.push_back({{"role", message.role}, {"content", message.content}});
        }
    }
    auto read = messagesFor(turns.source, turns.readsPartsOnly, std::move(list));
    if (!read) return tl::unexpected(read.error());
    list = std::move(*read);
    return chatTemplate.render({}, changed);
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
    const ChatFormat format = detectChatFormat(templateFor(tools).source);
    constexpr std::size_t kTail = 16;  // tokens, more than any mark has
    const std::string end = m_tokenizer->decode(prompt.last(std::min(prompt.size(), kTail)), true);
    OutputParserOptions options{.isThinking = opensThought(format, end), .tools = tools};
    for (const std::string_view marker : outputMarkers(format)) {
        const auto tokens = m_tokenizer->encode(marker, {.addBos = false, .parseSpecial = true});
        options.showsControlTokens = options.showsControlTokens ||
                                     std::any_of(tokens.begin(), tokens.end(), [&](TokenId token) {
                                         return m_tokenizer->type(token) == TokenType::Control;
                                     });
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
        // Hashing all of a large file takes as long as reading it. Two fine-tunes of one model
        // differ nearly everywhere, and a file that was mended in place has another state.
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

ModelFiles LoadedModel::files() const {
    std::vector<MappedFile::State> states;
    for (const MappedFile& part : m_file.parts()) states.push_back(part.state());
    return {m_file.partPaths(), stateOfFiles(states), m_file.fileBytes()};
}

MemoryForecast LoadedModel::forecast(int contextLength, KvTypes kvTypes) const {
    return forecast(contextLength, kvTypes, m_batchTokens, defaultThreadCount());
}

std::uint64_t LoadedModel::scratchBytes(int batchTokens, int nThreads) const {
    return Transformer::bytes(m_config, m_weights.needsInt8, batchTokens) +
           attendScratchBytes(m_config, nThreads) +
           static_cast<std::uint64_t>(m_config.vocabularySize) * sizeof(float);
}

MemoryForecast LoadedModel::forecast(int contextLength, KvTypes kvTypes, int batchTokens,
                                     int nThreads) const {
    const auto scratchFor = [&](int context) {
        return scratchBytes(std::min(batchTokens, context), nThreads);
    };
    MemoryForecast need;
    need.weightBytes = m_plan.residentBytes + m_plan.expertRoomBytes;
    const auto cacheFor = [&](int context) {
        const std::uint64_t prediction =
            m_weights.prediction
                ? TokenPredictor::bytes(m_config, m_weights.needsInt8, context, kvTypes)
                : 0;
        return KvCache::bytes(m_config, context, batchTokens, kvTypes) + prediction;
    };
    need.kvCacheBytes = cacheFor(contextLength);
    need.scratchBytes = scratchFor(contextLength);
    need.availableBytes = memoryLeft();
    // What a context needs grows with its length, so the longest that fits is found by halving.
    const auto fits = [&](int context) {
        return need.weightBytes + cacheFor(context) + scratchFor(context) <= need.availableBytes;
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
    // Only as much is taken as a context has tokens. Limits of the process count what threads and
    // the system's allocator reserve, too.
    const std::uint64_t part = isProcessLimited() ? 2 : 8;
    const std::uint64_t spare = need.availableBytes / part;
    const std::uint64_t all =
        need.weightBytes + cacheFor(m_config.contextLength) + scratchFor(m_config.contextLength);
    if (all <= need.availableBytes - spare) {
        need.automaticContext = m_config.contextLength;
    } else {
        need.automaticContext =
            std::max(low - low / static_cast<int>(part), std::min(low, kUsualContext));
    }
    return need;
}

}  // namespace conclave::engine
