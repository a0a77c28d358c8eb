#include "engine/runtime/session.h"

#include <algorithm>
#include <ctime>
#include <new>
#include <string>
#include <utility>

#include "engine/runtime/hash64.h"
#include "engine/runtime/memory.h"

namespace conclave::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMaxThreads = 256;
constexpr int kLogitsAtOnce = 32;  ///< positions of evaluate whose logits are kept together

/// Time that this thread has computed. Other programs' turns do not count: they come at random and
/// are longer than a step of a small model.
SpeculationGate::Seconds ownTime() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    constexpr double kNano = 1e-9;
    return SpeculationGate::Seconds(static_cast<double>(time.tv_sec) +
                                    kNano * static_cast<double>(time.tv_nsec));
}

/// While this lives the pool computes, obeys `stop`, and has its cores for itself.
class ComputeScope {
public:
    ComputeScope(ThreadPool& pool, const LoadedModel& model, std::stop_token stop)
        : m_pool(pool), m_claim(model.weights().packed, pool.nThreads()) {
        m_pool.setStop(std::move(stop));
    }
    ~ComputeScope() { m_pool.setStop({}); }
    ComputeScope(const ComputeScope&) = delete;
    ComputeScope& operator=(const ComputeScope&) = delete;

private:
    ThreadPool& m_pool;
    PackedMemory::CoreClaim m_claim;
};

Result<int> chooseContext(const LoadedModel& model, const SessionOptions& options, int nThreads) {
    const int longest = model.config().contextLength;
    if (options.contextLength < 0 || options.contextLength > longest) {
        return fail(ErrorCode::InvalidArgument,
                    "a context of " + std::to_string(options.contextLength) +
                        " tokens was asked for, but the model was made for 1 to " +
                        std::to_string(longest));
    }
    const int wanted =
        options.contextLength > 0 ? options.contextLength : std::min(longest, kUsualContext);
    MemoryForecast need = model.forecast(wanted, options.kvType, options.batchTokens, nThreads);
    if (!need.fits() && model.prefixes().sizeBytes() > 0) {
        model.prefixes().clear();
        need = model.forecast(wanted, options.kvType, options.batchTokens, nThreads);
    }
    if (options.contextLength == 0 && need.automaticContext > 0) return need.automaticContext;
    if (need.fits()) return wanted;
    return fail(ErrorCode::OutOfMemory,
                "a context of " + std::to_string(wanted) + " tokens needs " +
                    sizeText(need.kvCacheBytes + need.scratchBytes) + " beside the model's " +
                    sizeText(need.weightBytes) + ", but only " + sizeText(need.availableBytes) +
                    " are available; at most " + std::to_string(need.longestContext) +
                    " tokens would fit");
}

ModelConfig configFor(const LoadedModel& model, const SessionOptions& options) {
    ModelConfig config = model.config();
    config.moe.nExpertsUsed = options.nExpertsUsed;
    return config;
}

/// All that entries depend on besides the tokens and the model's file.
std::uint64_t kindOf(const LoadedModel& model, const ModelConfig& config, const KvCache& cache,
                     std::span<const AdapterUse> adapters) {
    const bool isLong = !model.weights().ropeDivisors.beyond.empty() &&
                        cache.capacity() > config.rope.originalContext;
    const bool isQuantized =
        cache.keyType() != TensorType::F16 || cache.valueType() != TensorType::F16;
    const std::string text = std::string(model.kernels().isa) + (isQuantized ? " rotated " : " ") +
                             std::string(typeTraits(cache.keyType())->name) + " " +
                             std::string(typeTraits(cache.valueType())->name) + " " +
                             std::to_string(cache.nLayers()) + "x" +
                             std::to_string(cache.positionBytes()) + " experts " +
                             std::to_string(config.moe.nExpertsUsed) + (isLong ? " long" : "");
    return hash64(text, fingerprintOf(adapters));
}

/// A session on the draft model, whose tokens must be those of `model`.
Result<std::unique_ptr<RunningSession>> createDraft(const LoadedModel& model,
                                                    const SessionOptions& options) {
    const auto draft = std::dynamic_pointer_cast<const LoadedModel>(options.draft);
    if (!draft) return fail(ErrorCode::InvalidArgument, "a draft needs a loaded model");
    const Tokenizer& ours = model.tokenizer();
    const Tokenizer& theirs = draft->tokenizer();
    bool isSame = ours.vocabularySize() == theirs.vocabularySize();
    for (TokenId token = 0; isSame && token < ours.vocabularySize(); ++token) {
        isSame = ours.tokenText(token) == theirs.tokenText(token);
    }
    if (!isSame) {
        return fail(ErrorCode::InvalidArgument,
                    "the model " + draft->info().name + " cannot guess for " + model.info().name +
                        ", since their vocabularies differ; take a small model of the same family");
    }
    SessionOptions own;
    own.contextLength = std::min(options.contextLength, draft->config().contextLength);
    own.nThreads = options.nThreads;
    own.batchTokens = options.batchTokens;
    auto session = Session::create(draft, own);
    if (!session) return tl::unexpected(session.error());
    return std::unique_ptr<RunningSession>(static_cast<RunningSession*>(session->release()));
}

}  // namespace

bool endsInLoop(std::span<const TokenId> tokens) {
    constexpr std::size_t kLongestPeriod = 64;
    constexpr std::size_t kLeastRepeats = 4;
    constexpr std::size_t kLeastTokens = 32;
    for (std::size_t period = 1; period <= kLongestPeriod; ++period) {
        const std::size_t repeats = std::max(kLeastRepeats, (kLeastTokens + period - 1) / period);
        if (tokens.size() < repeats * period) continue;
        const auto tail = tokens.last(repeats * period);
        if (std::equal(tail.begin() + static_cast<std::ptrdiff_t>(period), tail.end(),
                       tail.begin())) {
            return true;
        }
    }
    return false;
}

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<const Model> model,
                                                 const SessionOptions& options) {
    auto loaded = std::dynamic_pointer_cast<const LoadedModel>(std::move(model));
    if (!loaded) return fail(ErrorCode::InvalidArgument, "a session needs a loaded model");
    if (options.nThreads < 0 || options.nThreads > kMaxThreads) {
        return fail(ErrorCode::InvalidArgument, std::to_string(options.nThreads) +
                                                    " threads were asked for (1 to " +
                                                    std::to_string(kMaxThreads) + ")");
    }
    if (options.batchTokens < 0 || options.batchTokens > kMaxBatchTokens) {
        return fail(ErrorCode::InvalidArgument,
                    "prefill steps of " + std::to_string(options.batchTokens) +
                        " tokens were asked for (1 to " + std::to_string(kMaxBatchTokens) + ")");
    }
    const int nExpertsUsed = loaded->config().moe.nExpertsUsed;
    if (options.nExpertsUsed < 0 || options.nExpertsUsed > nExpertsUsed) {
        return fail(ErrorCode::InvalidArgument,
                    std::to_string(options.nExpertsUsed) + " experts a token were asked for, but " +
                        (nExpertsUsed > 0 ? "this model uses 1 to " + std::to_string(nExpertsUsed)
                                          : "this model has none"));
    }
    std::unique_ptr<RunningSession> draft;
    if (options.draft != nullptr) {
        auto created = createDraft(*loaded, options);
        if (!created) return tl::unexpected(created.error());
        draft = std::move(*created);
    }
    const int nThreads = options.nThreads > 0 ? options.nThreads : defaultThreadCount();
    SessionOptions chosen = options;
    chosen.nThreads = nThreads;
    if (chosen.batchTokens == 0) chosen.batchTokens = loaded->batchTokens();
    const auto context = chooseContext(*loaded, chosen, nThreads);
    if (!context) return tl::unexpected(context.error());
    auto adapters = checkedAdapters(*loaded, options.adapters);
    if (!adapters) return tl::unexpected(adapters.error());
    auto cache = KvCache::create(loaded->config(), *context, chosen.batchTokens, options.kvType,
                                 loaded->pages());
    if (!cache) return tl::unexpected(cache.error());
    try {
        chosen.batchTokens = std::min(chosen.batchTokens, cache->capacity());
        if (chosen.nExpertsUsed == 0) chosen.nExpertsUsed = nExpertsUsed;
        chosen.adapters = std::move(*adapters);
        const bool predicts = loaded->weights().prediction.has_value();
        auto session = std::make_unique<RunningSession>(std::move(loaded), std::move(*cache),
                                                        chosen, std::move(draft));
        if (const auto ready = predicts ? session->usePrediction(chosen.kvType) : Result<void>();
            !ready) {
            return tl::unexpected(ready.error());
        }
        return session;
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::OutOfMemory, "no memory for the buffers of prefill steps of " +
                                                std::to_string(chosen.batchTokens) + " tokens");
    }
}

RunningSession::RunningSession(std::shared_ptr<const LoadedModel> model, KvCache cache,
                               const SessionOptions& options, std::unique_ptr<RunningSession> draft)
    : m_model(std::move(model)),
      m_config(configFor(*m_model, options)),
      m_batchTokens(options.batchTokens),
      // States are those after all tokens: blocks in between have none.
      m_sharesPrefixes(options.sharesPrefixes && !m_config.hasRecurrentLayer()),
      m_cache(std::move(cache)),
      m_pool(options.nThreads),
      m_transformer(m_config, m_model->weights(), m_model->kernels(), m_cache, m_pool,
                    options.batchTokens),
      m_draft(std::move(draft)),
      m_adapters(options.adapters),
      m_adapterSet(makeAdapterSet(*m_model, m_adapters)),
      m_kvKind(kindOf(*m_model, m_config, m_cache, m_adapters)),
      m_logits(static_cast<std::size_t>(m_config.vocabularySize)),
      m_memoryBytes(static_cast<std::int64_t>(
          RecurrentState::bytes(m_config) +
          Transformer::bytes(m_config, m_model->weights().needsInt8, options.batchTokens))) {
    m_transformer.setAdapters(m_adapterSet.get());
    m_model->countSession(m_memoryBytes);
}

Result<void> RunningSession::usePrediction(KvTypes types) {
    // A state that has taken in a wrong guess cannot give it back.
    if (m_config.hasRecurrentLayer()) return {};
    auto predictor = TokenPredictor::create(*m_model, m_pool, contextLength(), types);
    if (!predictor) return tl::unexpected(predictor.error());
    m_predictor = std::move(*predictor);
    const auto bytes = static_cast<std::int64_t>(TokenPredictor::bytes(
        m_model->config(), m_model->weights().needsInt8, contextLength(), types));
    m_memoryBytes += bytes;
    m_model->countSession(bytes);
    return {};
}

std::uint64_t RunningSession::missingBytes(int nTokens) const {
    return m_cache.missingBytes(static_cast<int>(m_tokens.size()), nTokens);
}

bool RunningSession::growTo(int nTokens) {
    std::uint64_t bytes = missingBytes(nTokens);
    while (bytes > 0 && !m_model->hasRoomFor(bytes)) {
        // Kept prefixes have gone, and with them the need to copy a page that they held.
        const std::uint64_t before = std::exchange(bytes, missingBytes(nTokens));
        if (bytes == before) return false;
    }
    if (bytes == 0) return true;
    const bool isThere = m_cache.reserve(static_cast<int>(m_tokens.size()), nTokens);
    m_model->countPages();
    return isThere;
}

Result<void> RunningSession::makeRoom(int nTokens) {
    if (growTo(nTokens)) return {};
    return fail(ErrorCode::OutOfMemory,
                "a context of " + std::to_string(nTokens) + " tokens needs " +
                    sizeText(missingBytes(nTokens)) +
                    " more than it has, and they are not free any more; close other programs, "
                    "shorten the text, or keep tokens in less memory with --cache-type-k q8_0 "
                    "--cache-type-v q8_0");
}

RunningSession::~RunningSession() {
    m_cache.truncate(0);
    m_model->countSession(-m_memoryBytes);
}

void RunningSession::clear() {
    m_tokens.clear();
    m_cache.truncate(0);
}

Result<void> RunningSession::useAdapters(std::span<const AdapterUse> adapters) {
    auto checked = checkedAdapters(*m_model, adapters);
    if (!checked) return tl::unexpected(checked.error());
    const std::uint64_t kind = kindOf(*m_model, m_config, m_cache, *checked);
    if (kind == m_kvKind) return {};
    auto set = makeAdapterSet(*m_model, *checked);
    m_transformer.setAdapters(set.get());
    m_adapterSet = std::move(set);
    m_adapters = std::move(*checked);
    m_kvKind = kind;
    clear();
    return {};
}

template <typename Run>
auto RunningSession::unlessOutOfMemory(const Run& run) -> decltype(run()) {
    try {
        return run();
    } catch (const std::bad_alloc&) {
        // A pass may have been left in its middle. Shared prefixes are only there to save time.
        clear();
        m_transformer.forgetPass();
        if (m_predictor) m_predictor->forget();
        m_model->prefixes().clear();
        return fail(ErrorCode::OutOfMemory,
                    "the memory ran out in the middle of the computation; end other programs, or "
                    "take a shorter context or a smaller model");
    }
}

Result<GenerateResult> RunningSession::generate(const GenerateRequest& request) {
    return unlessOutOfMemory([&] { return generateNow(request); });
}

Result<GenerateResult> RunningSession::generateNow(const GenerateRequest& request) {
    if (const auto checked = checkTokens(request.prompt); !checked) {
        return tl::unexpected(checked.error());
    }
    if (const auto checked = checkSampling(request.sampling); !checked) {
        return tl::unexpected(checked.error());
    }
    const int nTokens = m_model->info().vocabularySize;
    for (const auto& [token, bias] : request.sampling.logitBias) {
        if (token >= 0 && token < nTokens) continue;
        return fail(ErrorCode::InvalidArgument, "the logit bias is for token " +
                                                    std::to_string(token) + ", but " +
                                                    m_model->info().name + " has the tokens 0 to " +
                                                    std::to_string(nTokens - 1) +
                                                    "; `conclave tokenize` shows those of a text");
    }
    const auto start = Clock::now();
    const ComputeScope scope(m_pool, *m_model, request.cancel);
    m_speculates = request.speculate;
    if (m_speculates && !m_gate.isOpen()) m_gate = m_model->speculation();
    Answer answer(*m_model, request, contextLength());
    cutToCommonPrefix(request.prompt);
    if (m_sharesPrefixes) extendFromStore(request.prompt);
    m_nLeft = static_cast<int>(m_tokens.size());
    if (const auto room = makeRoom(static_cast<int>(request.prompt.size())); !room) {
        return tl::unexpected(room.error());
    }
    Usage& usage = answer.result.usage;
    usage.promptTokens = static_cast<int>(request.prompt.size());
    usage.cachedTokens = static_cast<int>(m_tokens.size());
    const bool ready = prefill(request);
    const auto afterPrefill = Clock::now();
    usage.prefillTime = afterPrefill - start;
    if (auto checked = checkPasses(); !checked) return tl::unexpected(checked.error());
    if (!ready) {
        if (m_sharesPrefixes) leaveAllInStore();
        answer.result.reason = FinishReason::Cancelled;
        return std::move(answer.result);
    }
    decode(request, answer);
    if (m_speculates && !m_gate.isOpen()) m_model->learnSpeculation(m_gate);
    usage.decodeTime = Clock::now() - afterPrefill;
    if (auto checked = checkPasses(); !checked) return tl::unexpected(checked.error());
    if (!answer.trust()) {
        clear();
        return tl::unexpected(answer.trust().error());
    }
    if (m_sharesPrefixes) leaveAllInStore();
    usage.completionTokens = static_cast<int>(answer.result.tokens.size());
    usage.timeToFirstToken += usage.prefillTime;
    return std::move(answer.result);
}

/// Whether what was computed since the last check can be trusted.
Result<void> RunningSession::checkPasses() {
    if (auto checked = m_model->checkFile(); !checked) {
        clear();
        return checked;
    }
    if (m_transformer.error()) return tl::unexpected(*m_transformer.error());
    return {};
}

bool RunningSession::prefill(const GenerateRequest& request) {
    const auto total = static_cast<int>(request.prompt.size());
    while (static_cast<int>(m_tokens.size()) < total) {
        const std::size_t done = m_tokens.size();
        const std::size_t n =
            std::min(request.prompt.size() - done, static_cast<std::size_t>(m_batchTokens));
        if (request.onPrefill) request.onPrefill(static_cast<int>(done), total);
        const bool isLast = done + n == request.prompt.size();
        if (!forward(std::span(request.prompt).subspan(done, n), isLast ? 1 : 0)) return false;
        if (isLast && !m_transformer.logits(static_cast<int>(n) - 1, 1, m_logits)) {
            m_tokens.resize(done);
            return false;
        }
    }
    if (request.onPrefill) request.onPrefill(total, total);
    return true;
}

/// Chooses tokens until something ends the answer. m_logits belong to the last cached token.
void RunningSession::decode(const GenerateRequest& request, Answer& answer) {
    const auto start = Clock::now();
    Usage& usage = answer.result.usage;
    // Guesses of the last pass, which are in the cache, and how many of them were right so far.
    Guess guess;
    std::size_t nRight = 0;
    SpeculationGate::Seconds passTime{};
    const auto settle = [&] {
        if (guess.tokens.empty()) return;
        m_tokens.resize(m_tokens.size() - (guess.tokens.size() - nRight));
        usage.guessedTokens += static_cast<int>(guess.tokens.size());
        usage.guessedRight += static_cast<int>(nRight);
        m_gate.countGuessed(guess.evidence, static_cast<int>(guess.tokens.size()),
                            static_cast<int>(nRight), passTime);
        guess = {};
        nRight = 0;
    };
    TextGuesser::Found found;  // of which no pass was made
    if (request.speculate) m_guesser.follow(request.prompt);
    while (!answer.reason()) {
        const auto token = answer.next(logitsRow(nRight));
        if (!token) break;
        if (request.speculate) {
            if (!found.tokens.empty()) {
                m_gate.countUnmade(found.evidence, found.tokens.front() == *token);
            }
            found = {};
            m_guesser.add(*token);
        }
        if (answer.result.tokens.size() == 1) usage.timeToFirstToken = Clock::now() - start;
        if (nRight < guess.tokens.size() && guess.tokens[nRight] == *token) {
            ++nRight;
            continue;
        }
        settle();
        if (answer.reason()) break;
        bool isTimed = request.speculate && (m_predictor || m_draft || m_gate.wantsTime());
        auto before = isTimed ? ownTime() : SpeculationGate::Seconds();
        if (request.speculate) guess = makeGuess(*token, answer.nLeft() - 1, found);
        if (!isTimed && !guess.tokens.empty()) {
            isTimed = true;
            before = ownTime();
        }
        std::vector<TokenId> pass = {*token};
        pass.insert(pass.end(), guess.tokens.begin(), guess.tokens.end());
        if (!growTo(static_cast<int>(m_tokens.size() + pass.size()))) {
            guess = {};
            answer.end(FinishReason::ContextFull);
            break;
        }
        m_logits.resize(std::max(m_logits.size(), pass.size() * vocabularyRow()));
        const bool computed = forward(pass, pass.size()) &&
                              m_transformer.logits(0, static_cast<int>(pass.size()), m_logits);
        if (isTimed) passTime = ownTime() - before;
        if (!computed) {
            guess = {};
            answer.end(FinishReason::Cancelled);
        } else if (guess.tokens.empty() && request.speculate) {
            if (isTimed) m_gate.countPlain(passTime);
            if (!isTimed) m_gate.countPlain();
        }
    }
    settle();
    m_tokens.resize(std::min(m_tokens.size(), request.prompt.size() + answer.result.tokens.size()));
    answer.finish();
}

/// What may follow `token`, which follows the cached ones; as much as is worth its time. `found` is
/// what the text offered if that was not taken.
Guess RunningSession::makeGuess(TokenId token, int nMost, TextGuesser::Found& found) {
    const auto room = contextLength() - static_cast<int>(m_tokens.size()) - 1;
    nMost = std::min({nMost, room, m_batchTokens - 1, kMaxGuesses});
    // A state that has taken in a wrong guess cannot give it back.
    if (nMost < 1 || m_config.hasRecurrentLayer()) return {};
    const auto offered = m_guesser.find(nMost);
    if (!offered.tokens.empty()) {
        const auto nChosen = static_cast<std::size_t>(
            m_gate.choose(offered.evidence, static_cast<int>(offered.tokens.size())));
        if (nChosen > 0) {
            const auto chosen = offered.tokens.first(nChosen);
            return {{chosen.begin(), chosen.end()}, offered.evidence};
        }
        found = offered;
    }
    if (m_predictor == nullptr && m_draft == nullptr) return {};
    m_text.assign(m_tokens.begin(), m_tokens.end());
    m_text.push_back(token);
    Guess guess;
    if (m_predictor != nullptr) guess = predictedGuess(nMost);
    return guess.tokens.empty() && m_draft != nullptr ? draftGuess(nMost) : guess;
}

Guess RunningSession::predictedGuess(int nMost) {
    constexpr int kEvidence = SpeculationGate::kPredictionEvidence;
    constexpr int kMostPredicted = 4;  // the layer was trained to go one token ahead, not many
    const int nChosen = m_gate.choose(kEvidence, std::min(nMost, kMostPredicted));
    if (nChosen < 1) return {};
    // What has gathered while nothing was guessed takes a layer's share of a token's time each.
    const double nPairs = m_gate.tokensToLose() * m_config.nLayers;
    constexpr double kMostPairs = 1000.0;
    return {
        m_predictor->guess(m_text, nChosen, static_cast<int>(std::clamp(nPairs, 1.0, kMostPairs))),
        kEvidence};
}

Guess RunningSession::draftGuess(int nMost) {
    constexpr int kEvidence = SpeculationGate::kDraftEvidence;
    nMost = std::min(nMost, m_draft->contextLength() - static_cast<int>(m_text.size()));
    const int nChosen = m_gate.choose(kEvidence, std::max(nMost, 0));
    if (nChosen < 1) return {};
    GenerateRequest request;
    request.prompt = m_text;
    request.sampling.temperature = 0.0f;
    request.maxTokens = nChosen;
    request.ignoreEndOfTurn = true;
    auto guessed = m_draft->generate(request);
    if (!guessed) return {};
    return {std::move(guessed->tokens), kEvidence};
}

bool RunningSession::forward(std::span<const TokenId> tokens, std::size_t nWanted) {
    if (m_sharesPrefixes) leaveWhatIsLost(static_cast<int>(tokens.size()));
    const bool isFollowed = m_predictor && m_speculates;  // from the hidden state of every token
    if (!m_transformer.forward(tokens, static_cast<int>(m_tokens.size()),
                               static_cast<int>(isFollowed ? tokens.size() : nWanted))) {
        return false;
    }
    m_tokens.insert(m_tokens.end(), tokens.begin(), tokens.end());
    if (isFollowed) {
        m_predictor->follow(m_tokens, static_cast<int>(tokens.size()), m_transformer);
    }
    return true;
}

/// Some files pad the embedding beyond the vocabulary; what lies there is no token.
std::span<const float> RunningSession::logitsRow(std::size_t row) const {
    return std::span(m_logits)
        .subspan(row * vocabularyRow())
        .first(static_cast<std::size_t>(m_model->tokenizer().vocabularySize()));
}

std::size_t RunningSession::vocabularyRow() const {
    return static_cast<std::size_t>(m_config.vocabularySize);
}

Result<void> RunningSession::evaluate(
    std::span<const TokenId> tokens,
    const std::function<void(int position, std::span<const float> logits)>& onLogits,
    std::stop_token cancel) {
    return unlessOutOfMemory([&] { return evaluateNow(tokens, onLogits, std::move(cancel)); });
}

Result<void> RunningSession::evaluateNow(
    std::span<const TokenId> tokens,
    const std::function<void(int position, std::span<const float> logits)>& onLogits,
    std::stop_token cancel) {
    if (auto checked = checkTokens(tokens); !checked) return checked;
    const ComputeScope scope(m_pool, *m_model, std::move(cancel));
    clear();
    if (auto room = makeRoom(static_cast<int>(tokens.size())); !room) return room;
    m_speculates = false;
    const auto nLogits = vocabularyRow();
    std::vector<float> logits(nLogits * kLogitsAtOnce);
    const auto cancelled = fail(ErrorCode::Cancelled, "the evaluation was cancelled");
    while (m_tokens.size() < tokens.size()) {
        const std::size_t done = m_tokens.size();
        const std::size_t n =
            std::min(tokens.size() - done, static_cast<std::size_t>(m_batchTokens));
        const bool computed = forward(tokens.subspan(done, n), n);
        if (auto checked = checkPasses(); !checked) return checked;
        if (!computed) return cancelled;
        for (std::size_t first = 0; first < n; first += kLogitsAtOnce) {
            const std::size_t count = std::min<std::size_t>(kLogitsAtOnce, n - first);
            if (!m_transformer.logits(static_cast<int>(first), static_cast<int>(count), logits)) {
                return cancelled;
            }
            for (std::size_t i = 0; i < count; ++i) {
                const auto row = std::span(logits).subspan(i * nLogits, nLogits);
                if (auto sound = checkLogits(row); !sound) {
                    clear();
                    return sound;
                }
                onLogits(static_cast<int>(done + first + i), row);
            }
        }
    }
    return {};
}

Result<void> RunningSession::checkTokens(std::span<const TokenId> tokens) const {
    if (tokens.empty()) return fail(ErrorCode::InvalidArgument, "the prompt is empty");
    if (std::ssize(tokens) > contextLength()) {
        const int longest = m_model->config().contextLength;
        const std::string advice =
            contextLength() < longest
                ? "; --ctx N takes a longer one, up to the " + std::to_string(longest) +
                      " tokens that the model was made for"
                : ", which is all that the model was made for; shorten it, or choose a model with "
                  "a longer context";
        return fail(ErrorCode::InvalidArgument, "the prompt has " + std::to_string(tokens.size()) +
                                                    " tokens, but the context holds " +
                                                    std::to_string(contextLength()) + advice);
    }
    for (const TokenId token : tokens) {
        if (token < 0 || token >= m_model->config().vocabularySize) {
            return fail(ErrorCode::InvalidArgument,
                        "the prompt holds the token id " + std::to_string(token) +
                            ", but the vocabulary ends at " +
                            std::to_string(m_model->config().vocabularySize - 1));
        }
    }
    return {};
}

}  // namespace conclave::engine
