// text_models.cpp: encoders behind the facade: unit vectors of texts, and scores of passages.

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "engine/encoder/encoder_model.h"
#include "engine/encoder/text_prefixes.h"
#include "engine/engine.h"
#include "engine/kernels/kernels.h"
#include "engine/model/activation.h"
#include "engine/model/model_info.h"

namespace conclave::engine {
namespace {

/// Scales to length 1; zeros if that is not possible.
void makeUnit(std::span<float> vector) {
    double squares = 0.0;
    for (const float value : vector) squares += double{value} * double{value};
    const bool usable = std::isfinite(squares) && squares > 0.0;
    const auto scale = static_cast<float>(usable ? 1.0 / std::sqrt(squares) : 0.0);
    for (float& value : vector) value = usable ? value * scale : 0.0f;
}

class EncoderEmbedder final : public TextEmbedder {
public:
    explicit EncoderEmbedder(std::unique_ptr<const EncoderModel> model)
        : m_model(std::move(model)),
          m_prefixes(prefixesOf(m_model->info().architecture, m_model->info().name)) {}

    const ModelInfo& info() const override { return m_model->info(); }
    int dimension() const override { return m_model->outputDim(); }
    const std::string& id() const override { return m_model->id(); }

    void embedAll(std::span<const std::string> texts, TextKind kind,
                  std::span<float> vectors) const override {
        std::vector<std::vector<TokenId>> tokens;
        tokens.reserve(texts.size());
        for (const std::string& text : texts) tokens.push_back(tokensOf(text, kind));
        static_cast<void>(m_model->run(tokens, vectors));
        const auto dim = static_cast<std::size_t>(dimension());
        for (std::size_t i = 0; i < texts.size(); ++i) makeUnit(vectors.subspan(i * dim, dim));
    }

    std::vector<TokenId> tokenize(std::string_view text) const override {
        return m_model->tokenize(text);
    }

private:
    /// A text without words has no vector, whatever marks and prefix would stand around it.
    [[nodiscard]] std::vector<TokenId> tokensOf(std::string_view text, TextKind kind) const {
        if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return {};
        const std::string_view prefix =
            kind == TextKind::Query ? m_prefixes.query : m_prefixes.passage;
        return m_model->tokenize(std::string(prefix).append(text));
    }

    std::unique_ptr<const EncoderModel> m_model;
    TextPrefixes m_prefixes;
};

class EncoderReranker final : public Reranker {
public:
    explicit EncoderReranker(std::unique_ptr<const EncoderModel> model)
        : m_model(std::move(model)) {}

    const ModelInfo& info() const override { return m_model->info(); }
    const std::string& id() const override { return m_model->id(); }

    Result<std::vector<float>> score(std::string_view query, std::span<const std::string> passages,
                                     std::stop_token cancel) const override {
        std::vector<std::vector<TokenId>> pairs;
        pairs.reserve(passages.size());
        for (const std::string& passage : passages) {
            pairs.push_back(m_model->tokenizePair(query, passage));
        }
        std::vector<float> scores(passages.size());
        if (!m_model->run(pairs, scores, cancel)) {
            return fail(ErrorCode::Cancelled, "reranking was cancelled");
        }
        for (float& score : scores) {
            if (!m_model->config().softmaxClasses) score = sigmoid(score);
            if (!std::isfinite(score)) score = 0.0f;
        }
        return scores;
    }

private:
    std::unique_ptr<const EncoderModel> m_model;
};

}  // namespace

Result<std::shared_ptr<const TextEmbedder>> makeEncoderEmbedder(GgufFile file) {
    auto model = EncoderModel::load(std::move(file), kernels());
    if (!model) return tl::unexpected(model.error());
    if ((*model)->config().pooling == Pooling::Rank) {
        return fail(ErrorCode::Unsupported,
                    (*model)->info().name +
                        " ranks passages and does not embed texts: choose it as the reranker");
    }
    return std::make_shared<EncoderEmbedder>(std::move(*model));
}

Result<std::shared_ptr<const Reranker>> Reranker::load(const std::filesystem::path& path) {
    auto file = openModelFile(path);
    if (!file) return tl::unexpected(file.error());
    auto model = EncoderModel::load(std::move(*file), kernels());
    if (!model) return tl::unexpected(model.error());
    if ((*model)->config().pooling != Pooling::Rank) {
        return fail(ErrorCode::Unsupported,
                    (*model)->info().name +
                        " embeds texts and does not rank passages: choose it as the embedder");
    }
    return std::make_shared<EncoderReranker>(std::move(*model));
}

}  // namespace conclave::engine
