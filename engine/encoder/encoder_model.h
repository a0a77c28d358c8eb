// encoder_model.h: a loaded encoder, which embeds texts or ranks passages.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/encoder/encoder_config.h"
#include "engine/encoder/encoder_pass.h"
#include "engine/encoder/encoder_weights.h"
#include "engine/engine.h"
#include "engine/gguf/gguf_file.h"
#include "engine/tokenizer/tokenizer.h"

namespace conclave::engine {

/// Thread-safe: each call takes buffers and threads of its own from a pool that grows with the
/// number of callers, so a query does not wait for an index run's batch.
class EncoderModel {
public:
    /// Errors: Corrupt, Unsupported, as EncoderConfig::read, EncoderWeights and Tokenizer.
    [[nodiscard]] static Result<std::unique_ptr<const EncoderModel>> load(
        GgufFile file, const KernelTable& kernels, int nThreads = 0);

    [[nodiscard]] const EncoderConfig& config() const { return m_config; }
    [[nodiscard]] const ModelInfo& info() const { return m_info; }
    [[nodiscard]] const Tokenizer& tokenizer() const { return *m_tokenizer; }
    [[nodiscard]] const GgufFile& file() const { return m_file; }
    [[nodiscard]] int outputDim() const { return EncoderPass::outputDim(m_config); }
    /// Name and version: of different ids no results may be compared.
    [[nodiscard]] const std::string& id() const { return m_id; }

    /// Tokens of a text between the marks that the model was trained with; cut to the context.
    [[nodiscard]] std::vector<TokenId> tokenize(std::string_view text) const;
    /// Tokens of a query and a passage that are to be compared; the passage is cut to the context.
    [[nodiscard]] std::vector<TokenId> tokenizePair(std::string_view query,
                                                    std::string_view passage) const;

    /// Computes texts in batches of neighbours, [text][outputDim] in `out`; zeros for a text
    /// without tokens. Returns false if it was asked to stop; `out` is then incomplete.
    bool run(std::span<const std::vector<TokenId>> texts, std::span<float> out,
             const std::stop_token& cancel = {}) const;

private:
    EncoderModel(GgufFile file, const KernelTable& kernels, int nThreads)
        : m_file(std::move(file)), m_kernels(kernels), m_nThreads(nThreads) {}

    Result<void> fill();
    void makeId();
    [[nodiscard]] std::unique_ptr<EncoderPass> takePass(int maxTokens) const;
    void givePass(std::unique_ptr<EncoderPass> pass) const;

    GgufFile m_file;
    const KernelTable& m_kernels;
    int m_nThreads;
    ModelInfo m_info;
    EncoderConfig m_config;
    EncoderWeights m_weights;
    std::unique_ptr<const Tokenizer> m_tokenizer;
    std::string m_rerankTemplate;  ///< with {query} and {document}; empty: marks alone
    std::string m_id;
    mutable std::mutex m_mutex;
    mutable std::vector<std::unique_ptr<EncoderPass>> m_idlePasses;
};

/// The embedder or, for a file with rank pooling, an error that says what the file is.
[[nodiscard]] Result<std::shared_ptr<const TextEmbedder>> makeEncoderEmbedder(GgufFile file);

}  // namespace conclave::engine
