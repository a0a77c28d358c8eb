// static_embedder.cpp: a table of token vectors, mean pooling, unit length. No transformer, so a
// paragraph costs microseconds and the same text always gives the same vector.

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/embedding/fingerprint.h"
#include "engine/embedding/row_sum.h"
#include "engine/encoder/encoder_model.h"
#include "engine/engine.h"
#include "engine/gguf/gguf_file.h"
#include "engine/model/model_info.h"
#include "engine/tokenizer/tokenizer.h"

namespace conclave::engine {
namespace {

class StaticEmbedder final : public TextEmbedder {
public:
    static Result<std::shared_ptr<const TextEmbedder>> load(GgufFile file) {
        auto embedder = std::make_shared<StaticEmbedder>(std::move(file));
        if (auto done = embedder->prepare(); !done) return tl::unexpected(done.error());
        return embedder;
    }

    explicit StaticEmbedder(GgufFile file) : m_file(std::move(file)) {}

    const ModelInfo& info() const override { return m_info; }
    int dimension() const override { return m_dimension; }
    const std::string& id() const override { return m_id; }

    void embedAll(std::span<const std::string> texts, TextKind /*kind*/,
                  std::span<float> vectors) const override {
        const auto dim = static_cast<std::size_t>(m_dimension);
        CONCLAVE_CHECK(vectors.size() == texts.size() * dim);
        for (std::size_t i = 0; i < texts.size(); ++i) {
            embedOne(texts[i], vectors.subspan(i * dim, dim));
        }
    }

    std::vector<TokenId> tokenize(std::string_view text) const override {
        std::vector<TokenId> tokens = m_tokenizer->encode(text, {});
        if (tokens.size() > m_longestText) tokens.resize(m_longestText);
        return tokens;
    }

private:
    void embedOne(std::string_view text, std::span<float> vector) const {
        std::fill(vector.begin(), vector.end(), 0.0f);
        const std::vector<TokenId> tokens = tokenize(text);
        if (m_tokenWeights.empty()) {
            m_addRows(m_table->data.data(), m_rowBytes, tokens, vector);
        } else {
            addWeighted(tokens, vector);
        }
        // The mean's divisor falls out: only the direction counts.
        double squares = 0.0;
        for (const float value : vector) squares += double{value} * double{value};
        const bool usable = std::isfinite(squares) && squares > 0.0;
        const auto scale = static_cast<float>(usable ? 1.0 / std::sqrt(squares) : 0.0);
        for (float& value : vector) value = usable ? value * scale : 0.0f;
    }

    void addWeighted(std::span<const TokenId> tokens, std::span<float> vector) const {
        std::vector<float> row(vector.size());
        for (std::size_t t = 0; t < tokens.size(); ++t) {
            std::fill(row.begin(), row.end(), 0.0f);
            m_addRows(m_table->data.data(), m_rowBytes, tokens.subspan(t, 1), row);
            const float weight = m_tokenWeights[static_cast<std::size_t>(tokens[t])];
            for (std::size_t i = 0; i < row.size(); ++i) vector[i] += weight * row[i];
        }
    }

    Result<void> prepare() {
        if (auto done = readInfo(); !done) return done;
        if (auto done = readTable(); !done) return done;
        if (auto done = readTokenWeights(); !done) return done;
        makeId();
        return {};
    }

    Result<void> readInfo() {
        const auto architecture = m_file.requireString("general.architecture");
        if (!architecture) return tl::unexpected(architecture.error());
        if (*architecture != "static-embed") {
            return fail(ErrorCode::Unsupported,
                        "general.architecture \"" + std::string(*architecture) +
                            "\" is not an embedder that this version knows");
        }
        const std::string_view pooling = m_file.string("static-embed.pooling").value_or("mean");
        if (pooling != "mean") {
            return fail(ErrorCode::Unsupported,
                        "static-embed.pooling \"" + std::string(pooling) + "\" is not known");
        }
        auto info = readModelInfo(m_file.path());
        if (!info) return tl::unexpected(info.error());
        m_info = std::move(*info);
        constexpr std::int64_t kLargestDimension = 65536;
        const auto dimension =
            m_file.requireInteger("static-embed.embedding_length", 1, kLargestDimension);
        if (!dimension) return tl::unexpected(dimension.error());
        m_dimension = static_cast<int>(*dimension);
        if (m_file.integer("static-embed.context_length")) {
            const auto longest =
                m_file.requireInteger("static-embed.context_length", 1, std::int64_t{1} << 31u);
            if (!longest) return tl::unexpected(longest.error());
            m_longestText = static_cast<std::size_t>(*longest);
        }
        auto tokenizer = Tokenizer::load(m_file);
        if (!tokenizer) return tl::unexpected(tokenizer.error());
        m_tokenizer = std::move(*tokenizer);
        return {};
    }

    Result<void> readTable() {
        m_table = m_file.tensor("token_embd.weight");
        if (m_table == nullptr) {
            return fail(ErrorCode::Corrupt, "the tensor token_embd.weight is missing");
        }
        const std::vector<std::uint64_t> expected = {
            static_cast<std::uint64_t>(m_dimension),
            static_cast<std::uint64_t>(m_tokenizer->vocabularySize())};
        if (m_table->shape != expected) {
            return fail(ErrorCode::Corrupt,
                        "token_embd.weight is not embedding_length x vocabulary in shape");
        }
        switch (m_table->type) {
            case TensorType::Q8_0: m_addRows = addRowsQ8(); break;
            case TensorType::F16: m_addRows = addRowsF16(); break;
            case TensorType::F32: m_addRows = addRowsF32(); break;
            default:
                return fail(ErrorCode::Unsupported,
                            "token_embd.weight of an embedder must be Q8_0, F16 or F32");
        }
        m_rowBytes = static_cast<std::size_t>(m_table->rowBytes());
        return {};
    }

    /// Optional: later files may keep a token's weight beside its row.
    Result<void> readTokenWeights() {
        const TensorInfo* weights = m_file.tensor("token_weight.weight");
        if (weights == nullptr) return {};
        const auto nTokens = static_cast<std::uint64_t>(m_tokenizer->vocabularySize());
        if (weights->type != TensorType::F32 || weights->nValues() != nTokens) {
            return fail(ErrorCode::Corrupt, "token_weight.weight is not one F32 number a token");
        }
        m_tokenWeights.assign(static_cast<std::size_t>(nTokens), 0.0f);
        const std::int32_t onlyRow = 0;
        addRowsF32()(weights->data.data(), 0, {&onlyRow, 1}, m_tokenWeights);
        return {};
    }

    /// Name, size and a sample of the rows: cheap, and different for every trained version.
    void makeId() {
        Fingerprint fingerprint;
        fingerprint.add(std::to_string(m_info.fileBytes));
        fingerprint.add(std::to_string(m_dimension));
        constexpr std::size_t kSamples = 64;
        const auto nRows = static_cast<std::size_t>(m_tokenizer->vocabularySize());
        for (std::size_t i = 0; i < kSamples; ++i) {
            const std::size_t row = i * nRows / kSamples;
            fingerprint.add(m_table->data.subspan(row * m_rowBytes, m_rowBytes));
            fingerprint.add(m_tokenizer->tokenText(static_cast<TokenId>(row)));
        }
        const std::string& name = m_info.name.empty() ? m_info.architecture : m_info.name;
        m_id = name + "#" + fingerprint.hex();
    }

    GgufFile m_file;
    ModelInfo m_info;
    std::string m_id;
    std::unique_ptr<const Tokenizer> m_tokenizer;
    const TensorInfo* m_table = nullptr;
    AddRows m_addRows = nullptr;
    std::size_t m_rowBytes = 0;
    std::vector<float> m_tokenWeights;
    std::size_t m_longestText = 2048;
    int m_dimension = 0;
};

}  // namespace

Result<std::shared_ptr<const TextEmbedder>> TextEmbedder::load(const std::filesystem::path& path) {
    auto file = openModelFile(path);
    if (!file) return tl::unexpected(file.error());
    if (isEncoderFile(*file)) return makeEncoderEmbedder(std::move(*file));
    return StaticEmbedder::load(std::move(*file));
}

}  // namespace conclave::engine
