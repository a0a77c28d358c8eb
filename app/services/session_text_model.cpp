#include "app/services/session_text_model.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "app/services/answer_quality.h"

namespace conclave::services {
namespace {

/// Lets only those tokens through with which the text can still become one of its form.
class FormFilter final : public engine::TokenFilter {
public:
    FormFilter(const engine::Model& model, const std::vector<std::string>& texts, OutputForm form)
        : m_model(model), m_texts(texts), m_checker(form) {}

    void restrict(std::span<float> logits) override {
        constexpr float kNever = -std::numeric_limits<float>::infinity();
        const bool isWithinText = m_checker.isWithinText();
        for (std::size_t id = 0; id < logits.size(); ++id) {
            if (m_model.isEndOfTurn(static_cast<engine::TokenId>(id))) {
                if (!m_checker.mayEnd()) logits[id] = kNever;
                continue;
            }
            const std::string& text = m_texts[id];
            const bool isPlain = !text.empty() && text.find('\n') == std::string::npos;
            if (isPlain && isWithinText) continue;
            FormChecker checker = m_checker;
            if (text.empty() || !checker.accept(text)) logits[id] = kNever;
        }
    }

    void accept(engine::TokenId token) override {
        // What restrict() let through is accepted, so there is nothing to tell anyone.
        static_cast<void>(m_checker.accept(m_texts[static_cast<std::size_t>(token)]));
    }

private:
    const engine::Model& m_model;
    const std::vector<std::string>& m_texts;
    FormChecker m_checker;
};

}  // namespace

Result<std::unique_ptr<SessionTextModel>> SessionTextModel::create(
    std::shared_ptr<const engine::Model> model, engine::SessionOptions options) {
    options.sharesPrefixes = true;
    auto session = engine::Session::create(model, options);
    if (!session) return tl::unexpected(session.error());
    return std::make_unique<SessionTextModel>(std::move(model), std::move(*session));
}

SessionTextModel::SessionTextModel(std::shared_ptr<const engine::Model> model,
                                   std::unique_ptr<engine::Session> session)
    : m_model(std::move(model)), m_session(std::move(session)) {}

const std::string& SessionTextModel::name() const { return m_model->info().name; }

std::size_t SessionTextModel::roomBytes() const {
    // A token is three bytes or more of ordinary text in any script; a third of the context is for
    // the orders and the answer.
    constexpr int kBytesPerToken = 3;
    return static_cast<std::size_t>(std::max(m_session->contextLength() * 2 / 3, 1)) *
           kBytesPerToken;
}

Result<std::string> SessionTextModel::write(const ModelTask& task, std::stop_token cancel) {
    const std::vector<engine::ChatMessage> messages = {{"system", task.instructions},
                                                       {"user", task.text}};
    auto prompt = m_model->tokenizeChat(messages);
    if (!prompt) return tl::unexpected(prompt.error());
    if (static_cast<int>(prompt->size()) + task.maxTokens > m_session->contextLength()) {
        return fail(ErrorCode::InvalidArgument, "the text is too long for the model's context");
    }
    if (m_texts.empty() && task.form.kind != OutputForm::Kind::Free) {
        const int size = m_model->info().vocabularySize;
        m_texts.reserve(static_cast<std::size_t>(size));
        for (engine::TokenId id = 0; id < size; ++id) {
            const engine::TokenId ids[] = {id};
            m_texts.push_back(m_model->detokenize(ids));
        }
    }
    FormFilter filter(*m_model, m_texts, task.form);
    const auto parser = m_model->outputParser(*prompt);
    engine::GenerateRequest request;
    request.prompt = std::move(*prompt);
    request.sampling.temperature = 0.0F;
    request.filter = task.form.kind == OutputForm::Kind::Free ? nullptr : &filter;
    request.maxTokens = task.maxTokens;
    request.stopOnRepetition = true;
    request.showControlTokens = parser->needsControlTokens();
    request.cancel = std::move(cancel);
    const auto result = m_session->generate(request);
    if (!result) return tl::unexpected(result.error());
    if (result->reason == engine::FinishReason::Cancelled) {
        return fail(ErrorCode::Cancelled, "stopped");
    }
    if (request.filter != nullptr) return withoutBrokenCharacters(result->text);
    parser->add(result->text);
    parser->finish();
    return withoutBrokenCharacters(parser->output().content);
}

}  // namespace conclave::services
