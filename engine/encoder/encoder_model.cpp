#include "engine/encoder/encoder_model.h"

#include <algorithm>
#include <utility>

#include "engine/embedding/fingerprint.h"
#include "engine/model/blas.h"
#include "engine/model/model_info.h"
#include "engine/model/vocabulary.h"

namespace conclave::engine {
namespace {

/// Tokens of a batch: enough for the matrix kernels, little enough that a call which was asked to
/// stop does so soon.
constexpr int kBatchTokens = 512;
constexpr std::size_t kIdlePasses = 2;

/// The first place where `mark` stands in `text`, cut out: what comes before it and after it.
std::pair<std::string_view, std::string_view> splitAt(std::string_view text,
                                                      std::string_view mark) {
    const std::size_t at = text.find(mark);
    if (at == std::string_view::npos) return {text, {}};
    return {text.substr(0, at), text.substr(at + mark.size())};
}

}  // namespace

Result<std::unique_ptr<const EncoderModel>> EncoderModel::load(GgufFile file,
                                                               const KernelTable& kernels,
                                                               int nThreads) {
    endBlasThreads();
    const std::string name = file.path().filename().string();
    // Not make_unique, whose access to the private constructor would need a friend.
    std::unique_ptr<EncoderModel> model(
        new EncoderModel(std::move(file), kernels, nThreads > 0 ? nThreads : defaultThreadCount()));
    if (auto done = model->fill(); !done) {
        Error error = done.error();
        error.detail = name + ": " + error.detail;
        return tl::unexpected(std::move(error));
    }
    return model;
}

Result<void> EncoderModel::fill() {
    auto config = EncoderConfig::read(m_file);
    if (!config) return tl::unexpected(config.error());
    m_config = *config;
    auto info = describeModel(m_file);
    if (!info) return tl::unexpected(info.error());
    m_info = std::move(*info);
    auto weights = EncoderWeights::load(m_file, m_config, m_kernels);
    if (!weights) return tl::unexpected(weights.error());
    m_weights = std::move(*weights);
    auto tokenizer = loadVocabulary(m_file, m_config.vocabularySize);
    if (!tokenizer) return tl::unexpected(tokenizer.error());
    m_tokenizer = std::move(*tokenizer);
    m_rerankTemplate = m_file.string("tokenizer.chat_template.rerank").value_or("");
    makeId();
    return {};
}

/// Name, size, pooling and the beginning of every tensor: cheap, and different for every trained
/// version and every way to read it.
void EncoderModel::makeId() {
    constexpr std::size_t kSample = 4096;
    Fingerprint fingerprint;
    fingerprint.add(std::to_string(m_info.fileBytes));
    fingerprint.add(m_info.architecture + std::to_string(static_cast<int>(m_config.pooling)));
    for (const TensorInfo& tensor : m_file.tensors()) {
        fingerprint.add(tensor.name);
        fingerprint.add(tensor.data.first(std::min(kSample, tensor.data.size())));
    }
    m_id = m_info.name + "#" + fingerprint.hex();
}

std::vector<TokenId> EncoderModel::tokenize(std::string_view text) const {
    std::vector<TokenId> tokens = m_tokenizer->encode(text, {});
    const TokenId end = m_tokenizer->textEnd();
    const std::size_t room = static_cast<std::size_t>(m_config.contextLength) - (end >= 0 ? 1 : 0);
    if (tokens.size() > room) tokens.resize(room);
    if (end >= 0) tokens.push_back(end);
    return tokens;
}

std::vector<TokenId> EncoderModel::tokenizePair(std::string_view query,
                                                std::string_view passage) const {
    std::vector<TokenId> before;
    std::vector<TokenId> middle;
    std::vector<TokenId> after;
    if (!m_rerankTemplate.empty()) {
        const auto [head, rest] = splitAt(m_rerankTemplate, "{query}");
        const auto [between, tail] = splitAt(rest, "{document}");
        const std::vector<PromptPart> start = {
            {std::string(head), true}, {std::string(query), false}, {std::string(between), true}};
        before = m_tokenizer->encodeParts(start);
        middle = m_tokenizer->encode(passage, {.addBos = false});
        const PromptPart last{std::string(tail), true};
        after = m_tokenizer->encodeParts({&last, 1});
    } else {
        const TokenId end = m_tokenizer->textEnd();
        const TokenId separator = m_tokenizer->separator();
        before = m_tokenizer->encode(query, {});
        if (end >= 0) before.push_back(end);
        // RoBERTa's kind puts the separator behind the end of the query, BERT's has but one mark.
        if (separator >= 0 && m_tokenizer->eos() == end) before.push_back(separator);
        middle = m_tokenizer->encode(passage, {.addBos = false});
        if (end >= 0) after.push_back(end);
    }
    const auto context = static_cast<std::size_t>(m_config.contextLength);
    const std::size_t fixed = std::min(context, after.size());
    before.resize(std::min(before.size(), context - fixed));
    middle.resize(std::min(middle.size(), context - fixed - before.size()));
    before.insert(before.end(), middle.begin(), middle.end());
    before.insert(before.end(), after.end() - static_cast<std::ptrdiff_t>(fixed), after.end());
    return before;
}

bool EncoderModel::run(std::span<const std::vector<TokenId>> texts, std::span<float> out,
                       const std::stop_token& cancel) const {
    const auto dim = static_cast<std::size_t>(outputDim());
    CONCLAVE_CHECK(out.size() == texts.size() * dim);
    int most = 0;
    for (const auto& text : texts) most = std::max(most, static_cast<int>(text.size()));
    if (most == 0) {
        std::fill(out.begin(), out.end(), 0.0f);
        return true;
    }
    std::unique_ptr<EncoderPass> pass = takePass(std::max(most, kBatchTokens));
    std::vector<TokenId> tokens;
    std::vector<TextRange> ranges;
    for (std::size_t first = 0; first < texts.size() && !cancel.stop_requested();) {
        tokens.clear();
        ranges.clear();
        std::size_t last = first;
        std::vector<std::size_t> where;  // of the batch's texts that have tokens
        for (; last < texts.size(); ++last) {
            const std::vector<TokenId>& text = texts[last];
            if (!tokens.empty() && tokens.size() + text.size() > kBatchTokens) break;
            if (text.empty()) continue;
            ranges.push_back({static_cast<int>(tokens.size()), static_cast<int>(text.size())});
            tokens.insert(tokens.end(), text.begin(), text.end());
            where.push_back(last);
        }
        std::vector<float> results(ranges.size() * dim);
        if (!ranges.empty()) pass->run(tokens, ranges, results);
        std::fill(out.begin() + static_cast<std::ptrdiff_t>(first * dim),
                  out.begin() + static_cast<std::ptrdiff_t>(last * dim), 0.0f);
        for (std::size_t i = 0; i < where.size(); ++i) {
            std::copy_n(results.begin() + static_cast<std::ptrdiff_t>(i * dim), dim,
                        out.begin() + static_cast<std::ptrdiff_t>(where[i] * dim));
        }
        first = last;
    }
    givePass(std::move(pass));
    return !cancel.stop_requested();
}

std::unique_ptr<EncoderPass> EncoderModel::takePass(int maxTokens) const {
    {
        const std::lock_guard lock(m_mutex);
        while (!m_idlePasses.empty()) {
            std::unique_ptr<EncoderPass> pass = std::move(m_idlePasses.back());
            m_idlePasses.pop_back();
            if (pass->maxTokens() >= maxTokens) return pass;
        }
    }
    return std::make_unique<EncoderPass>(m_config, m_weights, m_kernels, maxTokens, m_nThreads);
}

void EncoderModel::givePass(std::unique_ptr<EncoderPass> pass) const {
    const std::lock_guard lock(m_mutex);
    // One that was made for a very long text is not worth its memory afterwards.
    if (m_idlePasses.size() < kIdlePasses && pass->maxTokens() <= 4 * kBatchTokens) {
        m_idlePasses.push_back(std::move(pass));
    }
}

}  // namespace conclave::engine
