// engine.h: text in, text out. Runs a GGUF language model, or a text embedder, on this CPU.
//
//   auto model = engine::Model::load("conclave-tiny-20M-Q8_0.gguf");
//   auto session = engine::Session::create(*model, {});
//   engine::GenerateRequest request{.prompt = (*model)->tokenize("Hello", {.parseSpecial = true})};
//   request.onText = [](std::string_view piece) { std::cout << piece; };
//   auto answer = (*session)->generate(request);
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "engine/model_file.h"

namespace conclave::engine {

using TokenId = std::int32_t;

// -------------------------------------------------------------------------------------- sampling

/// A step of the sampler, in llama.cpp's usual order.
enum class SamplerStep : std::uint8_t {
    Penalties,
    Dry,
    TopNSigma,
    TopK,
    TypicalP,
    TopP,
    MinP,
    Xtc,
    Temperature,
    Infill,     ///< not usual
    AdaptiveP,  ///< not usual; the draw itself, so that its place does not matter
};

/// llama.cpp's name, as top_k.
[[nodiscard]] std::string_view samplerStepName(SamplerStep step);

/// All but the two that are not usual.
[[nodiscard]] std::vector<SamplerStep> usualSamplerSteps();

/// The steps that llama.cpp's names stand for, as "penalties;top_k;temperature"; its other
/// spellings, as top-k, nucleus or temp, will do, and so do capitals. Errors: InvalidArgument
/// (names the word and the names there are; a step that is named twice).
[[nodiscard]] Result<std::vector<SamplerStep>> parseSamplerSteps(std::string_view names);

/// How the next token is chosen, in llama.cpp's meaning: logit bias, then `steps`, usually
/// penalties, DRY, top-n-sigma, top-k, typical, top-p, min-p, XTC, infill, temperature, then a
/// draw, by adaptive-p if it is on. A value that switches its step off is given.
struct SamplerSettings {
    /// Steps that are not there do nothing, but for infill and adaptive-p, which their own values
    /// switch on, too.
    std::vector<SamplerStep> steps = usualSamplerSteps();
    float temperature = 0.8f;  ///< <= 0: greedy
    /// > 0: the temperature follows the entropy, within this of `temperature` on either side.
    float temperatureRange = 0.0f;
    float temperatureExponent = 1.0f;  ///< of the entropy, where temperatureRange counts
    int topK = 40;                     ///< <= 0: off
    float topP = 0.95f;                ///< 1: off
    float minP = 0.05f;                ///< 0: off
    float typicalP = 1.0f;             ///< 1: off
    float topNSigma = 0.0f;            ///< <= 0: off
    float xtcProbability = 0.0f;       ///< of leaving out the top choices; 0: off
    float xtcThreshold = 0.1f;         ///< probability from which a token is one; > 0.5: off
    float repeatPenalty = 1.0f;        ///< 1: off
    float frequencyPenalty = 0.0f;     ///< 0: off
    float presencePenalty = 0.0f;      ///< 0: off
    int penaltyWindow = 64;            ///< last tokens looked at; 0: none, -1: the whole context
    float dryMultiplier = 0.0f;        ///< 0: off
    float dryBase = 1.75f;             ///< below 1: off
    int dryAllowedLength = 2;          ///< a longer repetition is punished
    int dryWindow = -1;                ///< as penaltyWindow
    std::vector<std::string> dryBreakers = {"\n", ":", "\"", "*"};  ///< end a repetition
    /// Ends a gap that the model fills in when it is full, and takes words that begin alike as one;
    /// for prompts with fill-in-the-middle marks.
    bool infill = false;
    float adaptiveTarget = -1.0f;  ///< draws tokens of about this probability; < 0: off
    float adaptiveDecay = 0.9f;    ///< how long earlier tokens move that target, 0 to 0.99
    int mirostat = 0;              ///< 1 or 2: in place of all steps but bias and temperature
    float mirostatTau = 5.0f;      ///< surprise aimed at, in bits
    float mirostatEta = 0.1f;      ///< how fast it is steered there
    /// None: from the system; the seed used is reported. Its lower 32 bits count, as in llama.cpp,
    /// which draws the same with the same seed.
    std::optional<std::uint64_t> seed;
    std::vector<std::pair<TokenId, float>> logitBias;

    friend bool operator==(const SamplerSettings&, const SamplerSettings&) = default;
};

/// Errors: InvalidArgument (names the setting, its value and its range).
[[nodiscard]] Result<void> checkSampling(const SamplerSettings& settings);

// ---------------------------------------------------------------------------------------- models

/// What a model file says about itself.
struct ModelInfo {
    std::string name;
    std::string architecture;  ///< GGUF's general.architecture, as deepseek2 or llama
    std::string fileType;      ///< main weight type, as Q8_0
    std::string description;
    std::string license;
    std::uint64_t fileBytes = 0;  ///< all parts of a split file together
    std::uint64_t nParameters = 0;
    std::uint64_t nActiveParameters = 0;  ///< used for one token; equals nParameters if dense
    int contextLength = 0;                ///< tokens the model was trained for
    int vocabularySize = 0;
    int nLayers = 0;
    int nExperts = 0;  ///< 0 for a dense model
    int nExpertsUsed = 0;
    bool isEmbedder = false;  ///< load with TextEmbedder, not Model
    bool isReranker = false;  ///< load with Reranker, not Model
    bool hasChatTemplate = false;
    /// Where there is no template: the family whose turns are written, since the vocabulary has
    /// their marks, as "Llama 3". Empty: it has no such marks, and ChatML is written as plain text.
    std::string turnFamily;
    SamplerSettings sampling;  ///< as the file recommends it, else the usual
    /// What of `sampling` the file says, by llama.cpp's names (general.sampling.*): {"temp": 0.6}.
    nlohmann::ordered_json recommendedSampling = nlohmann::ordered_json::object();
};

/// Reads and checks a model file's header and tensor table without loading weights.
/// Errors: NotFound, Io, Corrupt (names the field), Unsupported (names the architecture or type).
[[nodiscard]] Result<ModelInfo> readModelInfo(const std::filesystem::path& path);

/// A tensor with values that are NaN or infinite. With one of them, most answers are.
struct NonFiniteTensor {
    std::string name;
    std::string type;       ///< as "Q4_K"
    bool inBlocks = false;  ///< `n` counts blocks with such a scale, not values
    std::uint64_t n = 0;
};

/// Reads all weights of a model file, on all cores: as fast as the disk gives them. None found:
/// every weight is a finite number. `progress` gets bytes done and total; false ends it.
/// Errors: as readModelInfo, and Cancelled.
[[nodiscard]] Result<std::vector<NonFiniteTensor>> findNonFiniteWeights(
    const std::filesystem::path& path,
    const std::function<bool(std::uint64_t doneBytes, std::uint64_t totalBytes)>& progress = {});

/// One turn of a conversation as a chat template sees it.
struct ChatMessage {
    std::string role;  ///< system, developer, user, assistant or tool
    std::string content;
};

struct ChatTemplateOptions {
    bool addGenerationPrompt = true;
    /// Further variables for the template, as tools or enable_thinking. A list "messages" stands in
    /// for the messages given: OpenAI's, with contents as texts or lists of parts, calls and
    /// results.
    nlohmann::ordered_json variables = nlohmann::ordered_json::object();
};

/// A call of a tool that a model asks for.
struct ToolCall {
    std::string id;  ///< the model's own, else call_0, call_1 …
    std::string name;
    std::string arguments;  ///< JSON, as the model wrote it where it wrote JSON

    friend bool operator==(const ToolCall&, const ToolCall&) = default;
};

/// What a model wrote, taken apart.
struct ChatOutput {
    std::string reasoning;  ///< its thoughts, without marks
    std::string content;    ///< the answer
    std::vector<ToolCall> toolCalls;

    friend bool operator==(const ChatOutput&, const ChatOutput&) = default;
};

/// Takes what a model writes apart while it is written, by the conventions of the model's family,
/// which its chat template tells. However the text is cut into pieces, the output is the same; its
/// texts only ever grow, and a call appears once it is complete. Not thread-safe.
class ChatOutputParser {
public:
    virtual ~ChatOutputParser() = default;

    virtual void add(std::string_view text) = 0;
    /// Nothing follows. A call that was cut off is content.
    virtual void finish() = 0;
    [[nodiscard]] virtual const ChatOutput& output() const = 0;
    [[nodiscard]] virtual bool isThinking() const = 0;
    /// True if the family's marks are control tokens: GenerateRequest::showControlTokens must be
    /// set.
    [[nodiscard]] virtual bool needsControlTokens() const = 0;
};

struct TokenizeOptions {
    bool addBos = true;         ///< put BOS first if the model asks for it
    bool parseSpecial = false;  ///< read <|control|> text as control tokens; never for user text
};

/// Called with 0..1 while a model is loaded; return false to give up (it then ends Cancelled).
using LoadProgress = std::function<bool(float fraction)>;

/// How keys and values of past tokens are kept. Q8_0 takes 53 % of F16's memory, Q4_0 28 %.
enum class KvType : std::uint8_t { F16, Q8_0, Q4_0 };

/// The types of keys and of values. A latent (DeepSeek) is both at once and kept as keys are.
struct KvTypes {
    KvType keys = KvType::F16;
    KvType values = KvType::F16;

    constexpr KvTypes() = default;
    constexpr KvTypes(KvType both) : keys(both), values(both) {}  // NOLINT(*-explicit-*)
    constexpr KvTypes(KvType ofKeys, KvType ofValues) : keys(ofKeys), values(ofValues) {}

    friend bool operator==(const KvTypes&, const KvTypes&) = default;
};

/// The type that llama.cpp's name stands for: f16, q8_0 or q4_0, also in capitals; none otherwise.
[[nodiscard]] std::optional<KvType> kvTypeNamed(std::string_view name);

/// Memory that a model needs and what the machine has, in bytes.
struct MemoryForecast {
    std::uint64_t weightBytes = 0;
    std::uint64_t kvCacheBytes = 0;  ///< for the asked context length
    std::uint64_t scratchBytes = 0;
    std::uint64_t availableBytes = 0;
    int longestContext = 0;  ///< tokens that would fit; 0 if not even the weights do
    /// Tokens of a session that asks for no number: the model's own, or what fits well.
    int automaticContext = 0;
    [[nodiscard]] bool fits() const {
        return weightBytes + kvCacheBytes + scratchBytes <= availableBytes;
    }
};

/// How a model is kept in memory.
struct MemoryPlan {
    /// Not all of it fits: what every token needs stays in memory, and the experts used most; the
    /// others are read from the disk as tokens choose them. Answers are the same, only later.
    bool streams = false;
    std::uint64_t weightBytes = 0;      ///< of all weights
    std::uint64_t residentBytes = 0;    ///< of those that stay in memory
    std::uint64_t expertRoomBytes = 0;  ///< for experts used most, at least
    std::uint64_t sessionBytes = 0;     ///< for contexts; experts have what sessions leave of it
    std::uint64_t availableBytes = 0;   ///< what was free, or allowed
    double residentShare = 1.0;         ///< of the experts that are in memory at a time
    /// Expected in decode if every expert is as popular as any other: at most, that is.
    std::uint64_t readBytesPerToken = 0;
    double diskBytesPerSecond = 0.0;  ///< measured; 0: nothing will be read
    double tokensPerSecond = 0.0;     ///< predicted for decode from the two above; 0: no limit

    /// One sentence without its subject, as "needs 3.9 GiB of memory …".
    [[nodiscard]] std::string text() const;
};

struct LoadOptions {
    /// Most memory that weights and contexts may take, in bytes; 0: what is free.
    std::uint64_t memoryBytes = 0;
    /// Of the sessions to come: how much of the memory is kept for them.
    KvTypes kvTypes = {};
    int contextLength = 0;  ///< likewise; 0: as sessions take if the experts leave them no more
    /// False: leaves experts that do not fit to the system's paging, which brings them in a few
    /// pages at a time when a product stumbles on them. For comparison.
    bool readsAhead = true;
    /// Load the layer that predicts further tokens, too, where the file has one: sessions guess
    /// with it when a request speculates. It takes memory and serves nothing else.
    bool predicts = false;
    LoadProgress progress = {};
    /// Called with what will be done, before it is done.
    std::function<void(const MemoryPlan&)> onPlan = {};
};

/// Under the limits `ulimit -v` and `ulimit -d` has all threads of the process allocate from the
/// same pool, from now on: the system's allocator would reserve 64 MiB for each of them.
void saveAddressSpace();

/// What keeps a model, embedder or reranker from being used, whatever memory there is: tensors,
/// tokenizer, chat template. Reads no weights.
/// Errors: those of Model::load, with the file's name.
[[nodiscard]] Result<void> checkModel(const std::filesystem::path& path);

/// How the model would be loaded now. Takes a fifth of a second where the disk's speed matters.
/// Errors: those of Model::load.
[[nodiscard]] Result<MemoryPlan> planMemory(const std::filesystem::path& path,
                                            std::uint64_t memoryBytes = 0, KvTypes kvTypes = {});

struct ModelFiles;

/// A loaded model: weights, tokenizer and chat template. Immutable, so any thread may use it and
/// several sessions share it.
class Model {
public:
    /// A model with experts may be larger than the memory (see MemoryPlan).
    /// Errors: as readModelInfo, and OutOfMemory (says what would fit), Cancelled.
    [[nodiscard]] static Result<std::shared_ptr<const Model>> load(
        const std::filesystem::path& path, const LoadProgress& progress = {});
    [[nodiscard]] static Result<std::shared_ptr<const Model>> load(
        const std::filesystem::path& path, const LoadOptions& options);

    virtual ~Model() = default;

    [[nodiscard]] virtual const ModelInfo& info() const = 0;

    /// Any bytes are accepted; invalid UTF-8 goes through byte tokens or becomes U+FFFD.
    [[nodiscard]] virtual std::vector<TokenId> tokenize(
        std::string_view text, const TokenizeOptions& options = {}) const = 0;

    /// Bytes of the tokens, which may end inside a UTF-8 character; control tokens are left out
    /// unless `renderSpecial`.
    [[nodiscard]] virtual std::string detokenize(std::span<const TokenId> tokens,
                                                 bool renderSpecial = false) const = 0;

    /// Bytes of one token as they stand inside a text, with the space that a word may begin with;
    /// those of a control token are its name.
    [[nodiscard]] virtual std::string tokenText(TokenId token) const = 0;

    /// The prompt text for a conversation by the model's own template, or without one by that of
    /// ModelInfo::turnFamily, else ChatML. Contents are given to it in the form that it reads:
    /// texts, or lists of parts. A developer is the system to a template that knows none. Tokenize
    /// the result with parseSpecial, and addBos only if the text lacks it (see tokenizeChat, which
    /// does both and keeps control tokens in message contents inert). Errors: InvalidArgument (the
    /// template raised an exception: its message; a part of a content that is no text), Unsupported
    /// (the template uses what our interpreter does not know: names it and the line).
    [[nodiscard]] virtual Result<std::string> renderChat(
        std::span<const ChatMessage> messages, const ChatTemplateOptions& options = {}) const = 0;

    /// renderChat and tokenize in one: control tokens come from the template only, so that a
    /// document or a user writing "<|system|>" cannot forge a turn.
    [[nodiscard]] virtual Result<std::vector<TokenId>> tokenizeChat(
        std::span<const ChatMessage> messages, const ChatTemplateOptions& options = {}) const = 0;

    /// A parser for the answer to `prompt`. `tools` are those that the template was given; null: a
    /// call is not looked for.
    [[nodiscard]] virtual std::unique_ptr<ChatOutputParser> outputParser(
        std::span<const TokenId> prompt, const nlohmann::ordered_json& tools = nullptr) const = 0;

    /// True for tokens that end the model's turn (eos, eot, eom).
    [[nodiscard]] virtual bool isEndOfTurn(TokenId token) const = 0;

    /// Memory for one more session of `contextLength` tokens. The weights are part of the need even
    /// though they are loaded, since pages of mapped files count as available.
    [[nodiscard]] virtual MemoryForecast forecast(int contextLength,
                                                  KvTypes kvTypes = {}) const = 0;

    /// Where it lies; see model_file.h.
    [[nodiscard]] virtual ModelFiles files() const = 0;

    /// Returns when the weights are in memory in their final form. A model answers before, with the
    /// same results; its first answer then does part of that work. For measurements.
    virtual void settle() const = 0;
};

/// A low-rank adapter (LoRA, arXiv:2106.09685) in llama.cpp's file format: changes of a model's
/// matrices, computed beside the weights, which stay as they are. Immutable: any thread may use it,
/// and sessions of its model share it.
class LoraAdapter {
public:
    /// Errors: as readModelInfo; Corrupt and Unsupported (no LoRA, for another architecture or
    /// model, or of what cannot be changed) name the tensor or key that is wrong.
    [[nodiscard]] static Result<std::shared_ptr<const LoraAdapter>> load(
        const std::filesystem::path& path, std::shared_ptr<const Model> model);

    virtual ~LoraAdapter() = default;

    [[nodiscard]] virtual const std::string& name() const = 0;
    [[nodiscard]] virtual int nTensors() const = 0;  ///< of the model, that it changes
};

/// An adapter of a session and how much of it: 1 as it was trained, 0 nothing.
struct AdapterUse {
    std::shared_ptr<const LoraAdapter> adapter;
    float scale = 1.0f;
};

// ----------------------------------------------------------------------------------- token filters

/// Says which tokens may come next, as a grammar does. One generation uses it, on its own thread.
class TokenFilter {
public:
    virtual ~TokenFilter() = default;

    /// Sets the logits of tokens that may not come next to -infinity. Where nothing may come, the
    /// answer ends as if the model had ended its turn.
    /// @param logits  shape [vocabularySize]
    virtual void restrict(std::span<float> logits) = 0;
    /// Called once for each token of the answer, in order; never for one that is taken back.
    virtual void accept(TokenId token) = 0;
};

// -------------------------------------------------------------------------------------- sessions

enum class FinishReason { EndOfTurn, StopString, MaxTokens, ContextFull, Cancelled, Repetition };

[[nodiscard]] std::string_view finishReasonName(FinishReason reason);

struct Usage {
    int promptTokens = 0;
    int cachedTokens = 0;  ///< of the prompt, already in the KV cache
    int completionTokens = 0;
    int guessedTokens = 0;  ///< by speculation
    int guessedRight = 0;   ///< of those: tokens that cost no decode step
    std::chrono::duration<double> prefillTime{};
    std::chrono::duration<double> decodeTime{};
    std::chrono::duration<double> timeToFirstToken{};  ///< from the call to the first token chosen

    /// Tokens per second; 0 when nothing was done.
    [[nodiscard]] double prefillSpeed() const;
    [[nodiscard]] double decodeSpeed() const;
};

/// One generation. Callbacks run on the calling thread.
struct GenerateRequest {
    std::vector<TokenId> prompt;
    SamplerSettings sampling;
    TokenFilter* filter = nullptr;  ///< borrowed; null: every token may come
    int nLogprobs = -1;             ///< likeliest tokens to report for each one chosen; -1: nothing
    /// Guess several tokens ahead and check them in one pass, while that saves time: from text that
    /// was there before, by the model's own prediction layer (LoadOptions::predicts), or by the
    /// session's draft model. It never changes the answer.
    bool speculate = false;
    int maxTokens = -1;              ///< -1: until the model ends its turn or the context is full
    std::vector<std::string> stop;   ///< the text ends before the first of these; never shown
    bool ignoreEndOfTurn = false;    ///< for benchmarks
    bool showControlTokens = false;  ///< in the text, as ChatOutputParser may need them
    bool stopOnRepetition = false;   ///< end (Repetition) when the tail repeats itself many times
    std::function<void(int done, int total)> onPrefill;
    std::function<void(std::string_view)> onText;  ///< whole UTF-8 characters only
    std::stop_token cancel;  ///< seen between layers and tokens: takes effect within 100 ms
};

struct TokenLogprob {
    TokenId token = 0;
    float logprob = 0.0f;  ///< natural logarithm of what the model gives it, before any sampling

    friend bool operator==(const TokenLogprob&, const TokenLogprob&) = default;
};

struct ChosenLogprobs {
    TokenLogprob chosen;
    std::vector<TokenLogprob> likeliest;  ///< best first, equal ones by the lower id
};

struct GenerateResult {
    std::string text;  ///< valid UTF-8
    std::vector<TokenId> tokens;
    std::vector<ChosenLogprobs> logprobs;  ///< of each token, if they were asked for
    FinishReason reason = FinishReason::EndOfTurn;
    std::uint64_t seed = 0;  ///< the one used: the same request with it gives the same text
    Usage usage;
};

struct SessionOptions {
    /// Tokens; 0: the model's own, as far as they fit well in memory. That of a context is taken as
    /// it grows.
    int contextLength = 0;
    int nThreads = 0;  ///< 0: as many as the machine has cores
    /// Prefill step; 0: automatic, 512 if the model is in memory. One that is read from the disk
    /// takes as many as the memory allows, since each step may read all of it.
    int batchTokens = 0;
    /// Begin with what another such session of the model computed for the same tokens, and leave
    /// behind what this one computes, in memory that the model keeps.
    bool sharesPrefixes = false;
    /// Experts that a token goes through, 1 to the model's own number: fewer are faster and worse.
    /// 0: the model's own number.
    int nExpertsUsed = 0;
    /// A smaller model with the same vocabulary that guesses tokens ahead; null: none.
    std::shared_ptr<const Model> draft = nullptr;
    KvTypes kvType = {};
    std::vector<AdapterUse> adapters = {};  ///< of this model; see Session::useAdapters
};

/// One conversation's state on a model: its KV cache and buffers. Not thread-safe: one worker uses
/// it. A cancelled or failed call leaves it usable.
class Session {
public:
    /// Errors: OutOfMemory (says which context length would fit), InvalidArgument (also for a type
    /// of KV cache whose blocks do not divide the model's heads).
    [[nodiscard]] static Result<std::unique_ptr<Session>> create(std::shared_ptr<const Model> model,
                                                                 const SessionOptions& options);

    virtual ~Session() = default;

    [[nodiscard]] virtual const Model& model() const = 0;
    [[nodiscard]] virtual int contextLength() const = 0;
    [[nodiscard]] virtual std::span<const TokenId> cachedTokens() const = 0;

    /// Continues `request.prompt`. The KV cache is cut back to the longest common prefix with what
    /// is cached, so a follow-up, an edit or a retry computes only what changed.
    /// Being cancelled is no error: the text so far comes back with reason Cancelled.
    /// Errors: InvalidArgument (prompt empty, a token id out of range, or longer than the context:
    /// says both lengths; a sampler setting out of its range, or a bias for a token that is not
    /// there); Io if the model's file was changed or cannot be read any more; OutOfMemory (what was
    /// cached stays where the want was seen before it came). An answer for whose next token there
    /// is no memory ends as ContextFull.
    [[nodiscard]] virtual Result<GenerateResult> generate(const GenerateRequest& request) = 0;

    /// Logits of every position of `tokens`, shape [vocabularySize], in order; for perplexity and
    /// tests. Uses and cuts the cache as generate does, but recomputes at least what it reports.
    [[nodiscard]] virtual Result<void> evaluate(
        std::span<const TokenId> tokens,
        const std::function<void(int position, std::span<const float> logits)>& onLogits,
        std::stop_token cancel = {}) = 0;

    /// Computes with these adapters from now on, all of them added up; with none if empty. What
    /// was cached with others is forgotten, and neither shared prefixes nor saved sessions are
    /// taken from sessions with others.
    /// Errors: InvalidArgument (an adapter of another model, a scale out of range); the session
    /// then goes on as before.
    [[nodiscard]] virtual Result<void> useAdapters(std::span<const AdapterUse> adapters) = 0;

    /// Forgets all cached tokens; keeps the memory.
    virtual void clear() = 0;

    /// Equal for sessions that can restore what each other saved, as long as the model's files have
    /// the same contents.
    [[nodiscard]] virtual std::uint64_t savedKind() const = 0;

    /// The size of the file that save() would write now.
    [[nodiscard]] virtual std::uint64_t savedBytes() = 0;

    /// Writes the cached tokens with their KV entries to a file that only the user can read.
    /// Errors: Io, DiskFull; InvalidArgument if nothing is cached.
    [[nodiscard]] virtual Result<void> save(const std::filesystem::path& path) = 0;

    /// Takes over what save() wrote, so that a prompt beginning with these tokens goes on from
    /// there, with the same bits as if they had been computed. Only a whole and undamaged file of
    /// the same model, kernel set and kind of KV cache is taken; otherwise the cache is empty.
    /// @param hadSameContents  asked if the model's files were in another state (ModelFiles::state)
    ///                         then; where it is null they are another model
    /// Errors: NotFound, Io, Corrupt, Unsupported (another model, kernel set or version; longer
    /// than the context), OutOfMemory.
    [[nodiscard]] virtual Result<void> restore(
        const std::filesystem::path& path,
        const std::function<bool(std::uint64_t state)>& hadSameContents = nullptr) = 0;
};

// ------------------------------------------------------------------------------------ vocabulary

/// The vocabulary of a model file of any kind, without its weights. Immutable: any thread may use
/// it.
class ModelVocabulary {
public:
    /// Errors: as readModelInfo.
    [[nodiscard]] static Result<std::shared_ptr<const ModelVocabulary>> load(
        const std::filesystem::path& path);

    virtual ~ModelVocabulary() = default;

    [[nodiscard]] virtual const ModelInfo& info() const = 0;
    /// As Model::tokenize; of an encoder with `addBos` all that it reads, with what ends a text.
    [[nodiscard]] virtual std::vector<TokenId> tokenize(
        std::string_view text, const TokenizeOptions& options = {}) const = 0;
    /// As Model::detokenize.
    [[nodiscard]] virtual std::string detokenize(std::span<const TokenId> tokens,
                                                 bool renderSpecial = false) const = 0;
};

// ------------------------------------------------------------------------------------- embedding

/// What a text is to a search. Models trained for search read a question and a passage that may
/// answer it differently, with other words before them (see encoder/text_prefixes.h).
enum class TextKind { Query, Passage };

/// Turns texts into unit vectors: the bundled static table, or an encoder (BERT and its kin, Nomic,
/// Jina, EmbeddingGemma, Qwen3 Embedding), whose pooling comes from its file. Immutable: any thread
/// may use it.
class TextEmbedder {
public:
    /// Errors: as Model::load.
    [[nodiscard]] static Result<std::shared_ptr<const TextEmbedder>> load(
        const std::filesystem::path& path);

    virtual ~TextEmbedder() = default;

    [[nodiscard]] virtual const ModelInfo& info() const = 0;
    [[nodiscard]] virtual int dimension() const = 0;

    /// Names the model and its version: vectors of different ids must not be compared.
    [[nodiscard]] virtual const std::string& id() const = 0;

    /// Unit vectors of `texts`, [text][dimension()], or all zeros for a text without a known token.
    /// A text that is longer than the model's context is cut. A text's vector does not depend on
    /// the others; several at once are faster with an encoder.
    virtual void embedAll(std::span<const std::string> texts, TextKind kind,
                          std::span<float> vectors) const = 0;

    void embed(std::string_view text, std::span<float> vector,
               TextKind kind = TextKind::Passage) const {
        const std::string one(text);
        embedAll({&one, 1}, kind, vector);
    }

    [[nodiscard]] virtual std::vector<TokenId> tokenize(std::string_view text) const = 0;
};

/// Reads a query and a passage together and tells how well the passage answers it: a BERT with a
/// classification head, or Qwen3 Reranker. Much slower than comparing vectors, and better: for the
/// best few passages of a search. Immutable: any thread may use it.
class Reranker {
public:
    /// Errors: as Model::load.
    [[nodiscard]] static Result<std::shared_ptr<const Reranker>> load(
        const std::filesystem::path& path);

    virtual ~Reranker() = default;

    [[nodiscard]] virtual const ModelInfo& info() const = 0;
    [[nodiscard]] virtual const std::string& id() const = 0;

    /// A score of 0 to 1 for each passage. A passage that does not fit into the model's context
    /// with the query is cut. Errors: Cancelled.
    [[nodiscard]] virtual Result<std::vector<float>> score(std::string_view query,
                                                           std::span<const std::string> passages,
                                                           std::stop_token cancel = {}) const = 0;
};

// -------------------------------------------------------------------------------- quantization

struct QuantizeOptions {
    std::string type;                        ///< llama.cpp's name, as Q4_K_M; small letters too
    std::filesystem::path importanceMatrix;  ///< llama.cpp's imatrix file, .gguf or .dat, or empty
    int nThreads = 0;                        ///< 0: as many as the machine has cores
    bool allowRequantize = false;            ///< also from tensors that are quantized already
    /// Called on the calling thread with bytes of the input done and the tensor's name.
    std::function<void(std::uint64_t doneBytes, std::string_view tensor)> onProgress;
    std::stop_token cancel;
};

struct QuantizeReport {
    std::uint64_t inBytes = 0;
    std::uint64_t outBytes = 0;
    int nConverted = 0;  ///< tensors
    int nFallbacks = 0;  ///< tensors in another type, since their rows do not divide into blocks
    std::chrono::duration<double> time{};
};

/// Errors: InvalidArgument (no type that can be written: lists them).
[[nodiscard]] Result<void> checkQuantizedType(std::string_view name);

/// Writes the model `in` with its tensors in other types, as llama.cpp's quantizer does: the same
/// types for the same tensors, the same bytes. `out` appears when it is complete; cancelled or
/// failed, nothing is left behind. A split model becomes one file.
/// Errors: as readModelInfo for `in`; InvalidArgument (unknown type: lists them; `out` is `in`; the
/// importance matrix is another model's; quantized already), Unsupported (names the tensor),
/// DiskFull (says what is needed), Io, Cancelled.
[[nodiscard]] Result<QuantizeReport> quantizeModel(const std::filesystem::path& in,
                                                   const std::filesystem::path& out,
                                                   const QuantizeOptions& options);

// ----------------------------------------------------------------------------------- diagnostics

/// The kernel set in use, as "avx2"; CONCLAVE_ISA=scalar|avx2|avx512 forces one this CPU has.
[[nodiscard]] std::string_view kernelSetName();

/// Threads that `SessionOptions::nThreads == 0` gives.
[[nodiscard]] int defaultThreadCount();

}  // namespace conclave::engine
