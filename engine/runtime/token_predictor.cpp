#include "engine/runtime/token_predictor.h"

#include <algorithm>
#include <utility>

namespace conclave::engine {
namespace {

constexpr int kStatesKept = 128;
constexpr int kPairsAtOnce = 32;
/// Entries of the layer's cache; when it is full it begins anew, with the states that are kept.
constexpr int kPredictorContext = 4096;

int entriesFor(int capacity) { return std::min(capacity, kPredictorContext); }

std::size_t stateValues(const ModelConfig& config) {
    return static_cast<std::size_t>(kStatesKept + kPairsAtOnce) *
           static_cast<std::size_t>(config.embeddingDim);
}

}  // namespace

Result<std::unique_ptr<TokenPredictor>> TokenPredictor::create(const LoadedModel& model,
                                                               ThreadPool& pool, int capacity,
                                                               KvTypes kvTypes) {
    ModelConfig config = model.config().predictionLayer();
    auto cache = KvCache::create(config, entriesFor(capacity), kPairsAtOnce, kvTypes);
    if (!cache) return tl::unexpected(cache.error());
    // Not make_unique, whose access to the private constructor would need a friend.
    return std::unique_ptr<TokenPredictor>(
        new TokenPredictor(model, std::move(config), std::move(*cache), pool));
}

TokenPredictor::TokenPredictor(const LoadedModel& model, ModelConfig config, KvCache cache,
                               ThreadPool& pool)
    : m_model(model),
      m_config(std::move(config)),
      m_cache(std::move(cache)),
      m_layer(m_config, model.weights(), model.kernels(), m_cache, pool, kPairsAtOnce),
      m_states(static_cast<std::size_t>(kStatesKept) *
               static_cast<std::size_t>(m_config.embeddingDim)),
      m_inputs(static_cast<std::size_t>(kPairsAtOnce) *
               static_cast<std::size_t>(m_config.embeddingDim)),
      m_logits(static_cast<std::size_t>(m_config.vocabularySize)) {}

std::uint64_t TokenPredictor::bytes(const ModelConfig& model, bool wantsInt8, int capacity,
                                    KvTypes kvTypes) {
    const ModelConfig config = model.predictionLayer();
    return KvCache::bytes(config, entriesFor(capacity), kPairsAtOnce, kvTypes) +
           PredictionLayer::bytes(config, wantsInt8, kPairsAtOnce) +
           (stateValues(config) + static_cast<std::size_t>(config.vocabularySize)) * sizeof(float);
}

void TokenPredictor::follow(std::span<const TokenId> text, int nNew, Transformer& model) {
    cutTo(text);
    const int end = static_cast<int>(text.size());
    const int first = end - nNew;
    if (m_nComputed < first || m_start > first) beginAt(first);
    m_text.assign(text.begin(), text.end());
    m_nComputed = end;
    // States before a gap are of another text; the newest take the places of the oldest.
    m_keptFrom = std::max(std::min(m_keptFrom, first), end - kStatesKept);
    for (int position = std::max(first, m_keptFrom); position < end; ++position) {
        model.hidden(position - first, stateOf(position));
    }
}

std::vector<TokenId> TokenPredictor::guess(std::span<const TokenId> text, int nMost,
                                           int nMostPairs) {
    cutTo(text);
    const int end = static_cast<int>(text.size()) - 1;
    if (end < 1 || m_nComputed != end) return {};
    m_text.assign(text.begin(), text.end());
    m_nPairs = std::min(m_nPairs, std::max(end - 1 - m_start, 0));  // the last one tells the token
    if (m_start + m_nPairs < std::max(m_keptFrom, end - nMostPairs)) {
        beginAt(std::max(m_keptFrom, end - nMostPairs));
    }
    nMost = std::min(nMost, m_cache.capacity() - 1);
    if (end - m_start + nMost > m_cache.capacity()) {
        beginAt(std::max(m_start + m_nPairs, end + nMost - m_cache.capacity()));
    }
    int last = computePairs(end);
    std::vector<TokenId> guessed;
    // What follows is a guess on guesses: its entries are overwritten once the model has spoken.
    for (int entry = m_nPairs; last >= 0; ++entry) {
        if (!m_layer.logits(last, m_logits)) return {};
        guessed.push_back(likeliest());
        if (static_cast<int>(guessed.size()) == nMost) break;
        m_layer.hidden(last, m_inputs);
        last = m_layer.forward({&guessed.back(), 1}, m_inputs, entry, 1) ? 0 : -1;
    }
    return guessed;
}

/// Those up to position `end`, whose token has no state yet.
/// Returns the last one's index in its pass, or -1 if the pool was asked to stop.
int TokenPredictor::computePairs(int end) {
    const auto dim = static_cast<std::size_t>(m_config.embeddingDim);
    int n = 0;
    for (int position = m_start + m_nPairs; position < end; position += n) {
        n = std::min(end - position, kPairsAtOnce);
        for (int i = 0; i < n; ++i) {
            std::ranges::copy(stateOf(position + i),
                              m_inputs.begin() + static_cast<std::ptrdiff_t>(dim) * i);
        }
        const auto tokens = std::span(m_text).subspan(static_cast<std::size_t>(position) + 1,
                                                      static_cast<std::size_t>(n));
        const int nWanted = position + n < end ? 0 : 1;
        if (!m_layer.forward(tokens, m_inputs, m_nPairs, nWanted)) return -1;
        m_nPairs += n;
    }
    return n - 1;
}

TokenId TokenPredictor::likeliest() const {
    const auto end = m_logits.begin() + m_model.tokenizer().vocabularySize();
    return static_cast<TokenId>(std::max_element(m_logits.begin(), end) - m_logits.begin());
}

void TokenPredictor::cutTo(std::span<const TokenId> text) {
    const auto common = static_cast<int>(
        std::mismatch(m_text.begin(), m_text.end(), text.begin(), text.end()).first -
        m_text.begin());
    m_text.resize(static_cast<std::size_t>(common));
    m_nComputed = std::min(m_nComputed, common);
    // A pair knows the token that follows its state.
    m_nPairs = std::clamp(common - 1 - m_start, 0, m_nPairs);
}

void TokenPredictor::beginAt(int position) {
    m_start = position;
    m_nPairs = 0;
}

std::span<float> TokenPredictor::stateOf(int position) {
    const auto dim = static_cast<std::size_t>(m_config.embeddingDim);
    return std::span(m_states).subspan(static_cast<std::size_t>(position % kStatesKept) * dim, dim);
}

void TokenPredictor::forget() {
    m_text.clear();
    m_nComputed = 0;
    beginAt(0);
    m_layer.forgetPass();
}

}  // namespace conclave::engine
