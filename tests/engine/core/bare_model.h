// bare_model.h: a model without tokenizer and session, so that a test can choose kernels, threads
// and batches, and change weights.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/gguf/gguf_file.h"
#include "engine/kernels/kernels.h"
#include "engine/model/model_config.h"
#include "engine/model/packing.h"
#include "engine/model/transformer.h"
#include "engine/model/weights.h"
#include "engine/runtime/kv_cache.h"
#include "engine/runtime/thread_pool.h"

namespace conclave::engine {
/// avx512.cpp compiled through SIMDe, which runs on any CPU (slowly).
[[nodiscard]] const KernelTable& simdeAvx512Kernels();
/// packed_avxvnni.cpp likewise.
[[nodiscard]] const KernelTable& simdeAvxVnniKernels();
}  // namespace conclave::engine

namespace conclave::engine::test {

/// The kernel sets of this CPU.
inline std::vector<const KernelTable*> nativeKernelSets() {
    std::vector<const KernelTable*> sets;
    for (const char* isa : {"scalar", "avx2", "avxvnni", "avx512"}) {
        if (const KernelTable* set = kernelSet(isa)) sets.push_back(set);
    }
    return sets;
}

/// Every kernel set that can run here: those of this CPU, and AVX-512 and AVX-VNNI through SIMDe.
inline std::vector<const KernelTable*> runnableKernelSets() {
    std::vector<const KernelTable*> sets = nativeKernelSets();
    if (kernelSet("avx2") != nullptr) {
        sets.push_back(&simdeAvxVnniKernels());
        sets.push_back(&simdeAvx512Kernels());
    }
    return sets;
}

/// A set's name in the names of tests.
inline std::string nameOf(const KernelTable& set) {
    const bool isEmulated = &set == &simdeAvx512Kernels() || &set == &simdeAvxVnniKernels();
    return std::string(set.isa) + (isEmulated ? "_by_simde" : "");
}

class BareModel {
public:
    /// @param change  alters the description before the weights are loaded by it
    BareModel(const std::filesystem::path& path, const KernelTable& kernels, int nThreads = 2,
              int maxBatch = 256, const std::function<void(ModelConfig&)>& change = {},
              KvTypes kvTypes = {})
        : m_file(GgufFile::open(path).value()),
          m_config(changed(ModelConfig::read(m_file).value(), change)),
          m_weights(Weights::load(m_file, m_config, kernels).value()),
          m_cache(
              KvCache::create(m_config, std::min(m_config.contextLength, 1024), maxBatch, kvTypes)
                  .value()),
          m_pool(nThreads),
          m_maxBatch(maxBatch),
          m_transformer(m_config, m_weights, kernels, m_cache, m_pool, maxBatch) {
        CONCLAVE_CHECK(packWeights(m_weights, kernels).has_value());
    }

    [[nodiscard]] const ModelConfig& config() const { return m_config; }
    [[nodiscard]] Weights& weights() { return m_weights; }
    [[nodiscard]] const GgufFile& file() const { return m_file; }
    /// Clears nothing: to be followed by logits() from position 0.
    void setAdapters(const AdapterSet* adapters) { m_transformer.setAdapters(adapters); }

    /// Logits of all tokens, [token][vocabularySize], computed from `firstPosition` on in batches
    /// of the given sizes (the last one repeats).
    std::vector<float> logits(std::span<const TokenId> tokens, std::vector<int> batches = {},
                              int firstPosition = 0) {
        const auto nLogits = static_cast<std::size_t>(m_config.vocabularySize);
        std::vector<float> all(tokens.size() * nLogits);
        std::size_t done = 0;
        for (std::size_t i = 0; done < tokens.size(); ++i) {
            const int wanted =
                batches.empty() ? m_maxBatch : batches[std::min(i, batches.size() - 1)];
            const std::size_t n = std::min(tokens.size() - done, static_cast<std::size_t>(wanted));
            const int position = firstPosition + static_cast<int>(done);
            CONCLAVE_CHECK(
                m_transformer.forward(tokens.subspan(done, n), position, static_cast<int>(n)));
            CONCLAVE_CHECK(m_transformer.logits(
                0, static_cast<int>(n), std::span(all).subspan(done * nLogits, n * nLogits)));
            done += n;
        }
        return all;
    }

    /// Logits of the last `nWanted` tokens alone, computed as prefill does: of a batch before
    /// the last nothing is wanted.
    std::vector<float> lastLogits(std::span<const TokenId> tokens, int batch, int nWanted) {
        std::vector<float> last(static_cast<std::size_t>(nWanted) *
                                static_cast<std::size_t>(m_config.vocabularySize));
        const int nTokens = static_cast<int>(tokens.size());
        const int nInLast = std::max((nTokens - 1) % batch + 1, nWanted);
        for (int done = 0; done < nTokens;) {
            const int nBefore = nTokens - nInLast - done;
            const int n = nBefore > 0 ? std::min(batch, nBefore) : nInLast;
            CONCLAVE_CHECK(m_transformer.forward(
                tokens.subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(n)), done,
                nBefore > 0 ? 0 : nWanted));
            done += n;
        }
        CONCLAVE_CHECK(m_transformer.logits(nInLast - nWanted, nWanted, last));
        return last;
    }

private:
    static ModelConfig changed(ModelConfig config,
                               const std::function<void(ModelConfig&)>& change) {
        if (change) change(config);
        return config;
    }

    GgufFile m_file;
    ModelConfig m_config;
    Weights m_weights;
    KvCache m_cache;
    ThreadPool m_pool;
    int m_maxBatch;
    Transformer m_transformer;
};

/// log(sum(exp(logits))), which turns logits into log-probabilities.
inline double logSum(std::span<const float> logits) {
    const double largest = *std::max_element(logits.begin(), logits.end());
    double sum = 0.0;
    for (const float logit : logits) sum += std::exp(logit - largest);
    return largest + std::log(sum);
}

inline int bestOf(std::span<const float> logits) {
    return static_cast<int>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

}  // namespace conclave::engine::test
