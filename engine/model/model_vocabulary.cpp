// model_vocabulary.cpp: a model file's tokenizer without its weights.
#include <utility>

#include "engine/engine.h"
#include "engine/model/model_info.h"
#include "engine/tokenizer/tokenizer.h"

namespace conclave::engine {
namespace {

class FileVocabulary final : public ModelVocabulary {
public:
    FileVocabulary(ModelInfo info, std::unique_ptr<const Tokenizer> tokenizer)
        : m_info(std::move(info)), m_tokenizer(std::move(tokenizer)) {}

    const ModelInfo& info() const override { return m_info; }

    std::vector<TokenId> tokenize(std::string_view text,
                                  const TokenizeOptions& options) const override {
        std::vector<TokenId> tokens = m_tokenizer->encode(text, options);
        // The bundled table of vectors has a row for a token and reads nothing around a text.
        const bool isTable = m_info.architecture == "static-embed";
        const bool isEncoder = (m_info.isEmbedder && !isTable) || m_info.isReranker;
        const TokenId end = m_tokenizer->textEnd();
        if (isEncoder && options.addBos && end >= 0) tokens.push_back(end);
        return tokens;
    }

    std::string detokenize(std::span<const TokenId> tokens, bool renderSpecial) const override {
        return m_tokenizer->decode(tokens, renderSpecial);
    }

private:
    ModelInfo m_info;
    std::unique_ptr<const Tokenizer> m_tokenizer;
};

}  // namespace

Result<std::shared_ptr<const ModelVocabulary>> ModelVocabulary::load(
    const std::filesystem::path& path) {
    const auto inFile = [&](Error error) {
        error.detail = path.filename().string() + ": " + error.detail;
        return tl::unexpected(std::move(error));
    };
    const auto file = openModelFile(path);
    if (!file) return tl::unexpected(file.error());
    auto info = describeModel(*file);
    if (!info) return inFile(info.error());
    auto tokenizer = Tokenizer::load(*file);
    if (!tokenizer) return inFile(tokenizer.error());
    return std::make_shared<FileVocabulary>(std::move(*info), std::move(*tokenizer));
}

}  // namespace conclave::engine
