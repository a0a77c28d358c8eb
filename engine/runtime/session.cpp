#include "engine/runtime/session.h"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "engine/runtime/memory.h"
#include "engine/sampling/text_stream.h"

namespace conclave::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kDefaultContext = 8192;
constexpr int kMaxThreads = 256;
constexpr int kLogitsAtOnce = 32;  ///< positions of evaluate whose logits are kept together

/// The pool obeys `stop` while this lives.
class StopScope {
public:
    StopScope(ThreadPool& pool, std::stop_token stop) : m_pool(pool) {
        m_pool.setStop(std::move(stop));
    }
    ~StopScope() { m_pool.setStop({}); }
    StopScope(const StopScope&) = delete;
    StopScope& operator=(const StopScope&) = delete;

private:
    ThreadPool& m_pool;
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
        options.contextLength > 0 ? options.contextLength : std::min(longest, kDefaultContext);
    const MemoryForecast need =
        model.forecast(wanted, options.kvType, options.batchTokens, nThreads);
    if (need.fits()) return wanted;
    if (options.contextLength == 0 && need.longestContext > 0) return need.longestContext;
    return fail(ErrorCode::OutOfMemory,
                "a context of " + std::to_string(wanted) + " tokens needs " +
                    sizeText(need.kvCacheBytes + need.scratchBytes) + " beside the model's " +
                    sizeText(need.weightBytes) + ", but only " + sizeText(need.availableBytes) +
                    " are available; at most " + std::to_string(need.longestContext) +
                    " tokens would fit");
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
    if (options.batchTokens < 1 || options.batchTokens > kMaxBatchTokens) {
        return fail(ErrorCode::InvalidArgument,
                    "prefill steps of " + std::to_string(options.batchTokens) +
                        " tokens were asked for (1 to " + std::to_string(kMaxBatchTokens) + ")");
    }
    const int nThreads = options.nThreads > 0 ? options.nThreads : defaultThreadCount();
    const auto context = chooseContext(*loaded, options, nThreads);
    if (!context) return tl::unexpected(context.error());
    auto cache = KvCache::create(loaded->config(), *context, options.kvType);
    if (!cache) return tl::unexpected(cache.error());
    try {
        return std::make_unique<RunningSession>(std::move(loaded), std::move(*cache),
                                                std::min(options.batchTokens, *context), nThreads);
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::OutOfMemory, "no memory for the buffers of prefill steps of " +
                                                std::to_string(options.batchTokens) + " tokens");
    }
}

RunningSession::RunningSession(std::shared_ptr<const LoadedModel> model, KvCache cache,
                               int batchTokens, int nThreads)
    : m_model(std::move(model)),
      m_batchTokens(batchTokens),
      m_cache(std::move(cache)),
      m_pool(nThreads),
      m_transformer(m_model->config(), m_model->weights(), m_model->kernels(), m_cache, m_pool,
                    batchTokens),
      m_logits(static_cast<std::size_t>(m_model->config().vocabularySize)) {}

/// One answer while it is made.
struct RunningSession::Answer {
    Answer(const LoadedModel& model, const GenerateRequest& request)
        : stream(model.tokenizer(), request.stop),
          sampler(Sampler::create(request.sampling, model.tokenizer().vocabularySize())) {
        for (const TokenId token : request.prompt) sampler->accept(token);
        result.seed = sampler->seed();
    }

    void say(const GenerateRequest& request, const std::string& piece) {
        if (piece.empty()) return;
        result.text += piece;
        if (request.onText) request.onText(piece);
    }

    GenerateResult result;
    TextStream stream;
    std::unique_ptr<Sampler> sampler;
};

Result<GenerateResult> RunningSession::generate(const GenerateRequest& request) {
    if (const auto checked = checkTokens(request.prompt); !checked) {
        return tl::unexpected(checked.error());
    }
    const auto start = Clock::now();
    const StopScope stopScope(m_pool, request.cancel);
    Answer answer(*m_model, request);
    cutToCommonPrefix(request.prompt);
    Usage& usage = answer.result.usage;
    usage.promptTokens = static_cast<int>(request.prompt.size());
    usage.cachedTokens = static_cast<int>(m_tokens.size());
    const bool ready = prefill(request);
    const auto afterPrefill = Clock::now();
    usage.prefillTime = afterPrefill - start;
    if (!ready) {
        answer.result.reason = FinishReason::Cancelled;
        return std::move(answer.result);
    }
    decode(request, answer);
    usage.decodeTime = Clock::now() - afterPrefill;
    usage.completionTokens = static_cast<int>(answer.result.tokens.size());
    usage.timeToFirstToken += usage.prefillTime;
    return std::move(answer.result);
}

bool RunningSession::prefill(const GenerateRequest& request) {
    const auto total = static_cast<int>(request.prompt.size());
    while (static_cast<int>(m_tokens.size()) < total) {
        const std::size_t done = m_tokens.size();
        const std::size_t n =
            std::min(request.prompt.size() - done, static_cast<std::size_t>(m_batchTokens));
        if (request.onPrefill) request.onPrefill(static_cast<int>(done), total);
        if (!forward(std::span(request.prompt).subspan(done, n))) return false;
        if (m_tokens.size() == request.prompt.size() &&
            !m_transformer.logits(static_cast<int>(n) - 1, 1, m_logits)) {
            m_tokens.resize(done);
            return false;
        }
    }
    if (request.onPrefill) request.onPrefill(total, total);
    return true;
}

/// Chooses tokens until something ends the answer. m_logits belong to the last cached token.
void RunningSession::decode(const GenerateRequest& request, Answer& answer) {
    GenerateResult& result = answer.result;
    const auto start = Clock::now();
    const auto reasonAfter = [&](TokenId token) -> std::optional<FinishReason> {
        if (answer.stream.stopped()) return FinishReason::StopString;
        if (m_model->isEndOfTurn(token) && !request.ignoreEndOfTurn) return FinishReason::EndOfTurn;
        if (request.stopOnRepetition && endsInLoop(result.tokens)) return FinishReason::Repetition;
        if (std::ssize(result.tokens) == request.maxTokens) return FinishReason::MaxTokens;
        if (std::ssize(m_tokens) == contextLength()) return FinishReason::ContextFull;
        return std::nullopt;
    };
    std::optional<FinishReason> reason;
    if (request.maxTokens == 0) reason = FinishReason::MaxTokens;
    while (!reason) {
        const TokenId token = answer.sampler->sample(lastLogits());
        if (result.tokens.empty()) result.usage.timeToFirstToken = Clock::now() - start;
        answer.sampler->accept(token);
        result.tokens.push_back(token);
        answer.say(request, answer.stream.push(token));
        reason = reasonAfter(token);
        if (!reason && (!forward({&token, 1}) || !m_transformer.logits(0, 1, m_logits))) {
            reason = FinishReason::Cancelled;
        }
    }
    answer.say(request, answer.stream.finish());
    result.reason = *reason;
}

bool RunningSession::forward(std::span<const TokenId> tokens) {
    if (!m_transformer.forward(tokens, static_cast<int>(m_tokens.size()))) return false;
    m_tokens.insert(m_tokens.end(), tokens.begin(), tokens.end());
    return true;
}

/// Some files pad the embedding beyond the vocabulary; what lies there is no token.
std::span<const float> RunningSession::lastLogits() const {
    return std::span(m_logits).first(
        static_cast<std::size_t>(m_model->tokenizer().vocabularySize()));
}

Result<void> RunningSession::evaluate(
    std::span<const TokenId> tokens,
    const std::function<void(int position, std::span<const float> logits)>& onLogits,
    std::stop_token cancel) {
    if (auto checked = checkTokens(tokens); !checked) return checked;
    const StopScope stopScope(m_pool, std::move(cancel));
    clear();
    const auto nLogits = m_logits.size();
    std::vector<float> logits(nLogits * kLogitsAtOnce);
    const auto cancelled = fail(ErrorCode::Cancelled, "the evaluation was cancelled");
    while (m_tokens.size() < tokens.size()) {
        const std::size_t done = m_tokens.size();
        const std::size_t n =
            std::min(tokens.size() - done, static_cast<std::size_t>(m_batchTokens));
        if (!forward(tokens.subspan(done, n))) return cancelled;
        for (std::size_t first = 0; first < n; first += kLogitsAtOnce) {
            const std::size_t count = std::min<std::size_t>(kLogitsAtOnce, n - first);
            if (!m_transformer.logits(static_cast<int>(first), static_cast<int>(count), logits)) {
                return cancelled;
            }
            for (std::size_t i = 0; i < count; ++i) {
                onLogits(static_cast<int>(done + first + i),
                         std::span(logits).subspan(i * nLogits, nLogits));
            }
        }
    }
    return {};
}

Result<void> RunningSession::checkTokens(std::span<const TokenId> tokens) const {
    if (tokens.empty()) return fail(ErrorCode::InvalidArgument, "the prompt is empty");
    if (std::ssize(tokens) > contextLength()) {
        return fail(ErrorCode::InvalidArgument, "the prompt has " + std::to_string(tokens.size()) +
                                                    " tokens, but the context holds " +
                                                    std::to_string(contextLength()));
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

void RunningSession::cutToCommonPrefix(std::span<const TokenId> tokens) {
    const auto common =
        std::mismatch(m_tokens.begin(), m_tokens.end(), tokens.begin(), tokens.end()).first -
        m_tokens.begin();
    m_tokens.resize(std::min(static_cast<std::size_t>(common), tokens.size() - 1));
}

}  // namespace conclave::engine
