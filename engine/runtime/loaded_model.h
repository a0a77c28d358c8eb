// loaded_model.h: what stands behind engine::Model.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "engine/engine.h"
#include "engine/gguf/gguf_file.h"
#include "engine/kernels/kernels.h"
#include "engine/model/model_config.h"
#include "engine/model/weights.h"
#include "engine/model_file.h"
#include "engine/runtime/prefix_store.h"
#include "engine/runtime/speculation.h"
#include "engine/tokenizer/chat_template.h"
#include "engine/tokenizer/tokenizer.h"

namespace conclave::engine {

/// Most tokens of one forward pass that a session may ask for.
inline constexpr int kMaxBatchTokens = 4096;

/// Tokens that a context takes at least where memory has room for them: beyond it, no more is
/// taken of what is free than leaves other contexts and programs some.
inline constexpr int kUsualContext = 8192;

/// A chat template as it is used.
struct TurnTemplate {
    TurnTemplate();

    std::string_view source;  ///< in the mapped file, or a constant
    /// A template that our interpreter rejects leaves the model usable for raw completion.
    Result<std::unique_ptr<const ChatTemplate>> parsed;
    mutable std::once_flag contentsOnce;
    mutable bool readsPartsOnly = false;
};

class LoadedModel final : public Model {
public:
    /// As Model::load, with a kernel set of the caller's choice.
    [[nodiscard]] static Result<std::shared_ptr<const LoadedModel>> load(
        const std::filesystem::path& path, const KernelTable& kernels,
        const LoadOptions& options = {});

    [[nodiscard]] const ModelInfo& info() const override { return m_info; }
    [[nodiscard]] std::vector<TokenId> tokenize(std::string_view text,
                                                const TokenizeOptions& options) const override;
    [[nodiscard]] std::string detokenize(std::span<const TokenId> tokens,
                                         bool renderSpecial) const override;
    [[nodiscard]] std::string tokenText(TokenId token) const override;
    [[nodiscard]] Result<std::string> renderChat(std::span<const ChatMessage> messages,
                                                 const ChatTemplateOptions& options) const override;
    [[nodiscard]] Result<std::vector<TokenId>> tokenizeChat(
        std::span<const ChatMessage> messages, const ChatTemplateOptions& options) const override;
    [[nodiscard]] std::unique_ptr<ChatOutputParser> outputParser(
        std::span<const TokenId> prompt, const nlohmann::ordered_json& tools) const override;
    [[nodiscard]] bool isEndOfTurn(TokenId token) const override;
    [[nodiscard]] MemoryForecast forecast(int contextLength, KvTypes kvTypes) const override;
    [[nodiscard]] ModelFiles files() const override;
    void settle() const override;

    /// As forecast, for sessions with other batches and threads than the default.
    [[nodiscard]] MemoryForecast forecast(int contextLength, KvTypes kvTypes, int batchTokens,
                                          int nThreads) const;

    [[nodiscard]] const GgufFile& file() const { return m_file; }
    [[nodiscard]] const ModelConfig& config() const { return m_config; }
    [[nodiscard]] const Weights& weights() const { return m_weights; }
    [[nodiscard]] const KernelTable& kernels() const { return m_kernels; }
    [[nodiscard]] const Tokenizer& tokenizer() const { return *m_tokenizer; }
    [[nodiscard]] const MemoryPlan& plan() const { return m_plan; }
    /// What sessions take for SessionOptions::batchTokens == 0.
    [[nodiscard]] int batchTokens() const { return m_batchTokens; }
    /// For the weights and one more session: what is free or allowed, without what other sessions
    /// and kept prefixes take.
    /// @param isForecast  false: limits of the process, which refuse what is too much, do not count
    [[nodiscard]] std::uint64_t memoryLeft(bool isForecast = true) const;
    /// Whether pages may take so much more. Kept prefixes go if they are in the way.
    [[nodiscard]] bool hasRoomFor(std::uint64_t bytes) const;
    /// For kept prefixes, those that are there included.
    [[nodiscard]] std::uint64_t memoryForPrefixes() const;
    /// Sessions say what they take beside pages, and what they give back.
    void countSession(std::int64_t bytes) const;
    /// To be called when sessions have taken pages: experts have what they leave.
    void countPages() const { countSession(0); }
    /// Errors: Io once the file turned out to have been shortened, or to be unreadable: what was
    /// computed since cannot be trusted.
    [[nodiscard]] Result<void> checkFile() const;
    /// Where the sessions' caches lie.
    [[nodiscard]] const std::shared_ptr<PagePool>& pages() const { return m_pages; }
    /// Shared by the model's sessions; a cache, so it changes behind a const model.
    [[nodiscard]] PrefixStore& prefixes() const { return m_prefixes; }
    /// What sessions of the model have learnt about guessing, whatever they computed; as
    /// prefixes().
    [[nodiscard]] SpeculationGate speculation() const;
    void learnSpeculation(const SpeculationGate& gate) const;
    /// Tells model files apart that differ in more than a few weights: a hash of the first part's
    /// metadata, and of every tensor's name, type, shape and a sample of its values. Computed at
    /// the first call.
    [[nodiscard]] std::uint64_t fingerprint() const;

private:
    friend Result<void> checkModel(const std::filesystem::path& path);
    friend Result<MemoryPlan> planMemory(const std::filesystem::path& path,
                                         std::uint64_t memoryBytes, KvTypes kvTypes);

    LoadedModel(GgufFile file, const KernelTable& kernels, std::uint64_t memoryBytes,
                KvTypes kvTypes, int contextLength = 0);

    /// What the file says about the model, without its tokenizer.
    [[nodiscard]] Result<void> readWeights(bool predicts);
    [[nodiscard]] Result<void> fill();
    /// Decides what is kept in memory.
    [[nodiscard]] Result<void> makePlan();
    [[nodiscard]] Result<void> planStreaming();
    /// Of a session's buffers.
    [[nodiscard]] std::uint64_t scratchBytes(int batchTokens, int nThreads) const;
    /// Lets threads behind bring the weights into memory, packed or as they lie in the file; what
    /// an answer needs before they come to it, it brings in itself.
    [[nodiscard]] Result<void> bringIn(const LoadOptions& options);
    [[nodiscard]] Result<std::vector<PromptPart>> renderParts(
        std::span<const ChatMessage> messages, const ChatTemplateOptions& options) const;
    /// For conversations with these tools (null or none: without).
    [[nodiscard]] const TurnTemplate& templateFor(const nlohmann::ordered_json& tools) const;

    GgufFile m_file;
    const KernelTable& m_kernels;
    ModelInfo m_info;
    ModelConfig m_config;
    Weights m_weights;
    std::uint64_t m_memoryBytes;  ///< most that may be taken; 0: what is free
    KvTypes m_kvTypes;            ///< that the plan counts with
    int m_plannedContext;         ///< likewise; 0: the usual one
    MemoryPlan m_plan;
    int m_batchTokens;
    mutable std::mutex m_sessionMutex;  ///< so that the room follows the last change
    mutable std::atomic<std::int64_t> m_sessionBytes = 0;
    std::unique_ptr<const Tokenizer> m_tokenizer;
    TurnTemplate m_template;
    std::optional<TurnTemplate> m_toolTemplate;  ///< none: m_template serves tools, too
    std::shared_ptr<PagePool> m_pages = std::make_shared<PagePool>();
    mutable PrefixStore m_prefixes;
    mutable std::mutex m_speculationMutex;
    mutable SpeculationGate m_speculation;
    mutable std::once_flag m_fingerprintOnce;
    mutable std::uint64_t m_fingerprint = 0;
};

}  // namespace conclave::engine
