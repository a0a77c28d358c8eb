// session_text_model.h: a chat model in a session of its own, as reading everything needs it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/services/services.h"
#include "app/services/survey/text_model.h"

namespace conclave::services {

/// Likeliest words only, so that what was read before a stop is read alike. Used on one thread.
class SessionTextModel final : public TextModel {
public:
    /// Errors: those of engine::Session::create.
    [[nodiscard]] static Result<std::unique_ptr<SessionTextModel>> create(
        std::shared_ptr<const engine::Model> model, engine::SessionOptions options);

    SessionTextModel(std::shared_ptr<const engine::Model> model,
                     std::unique_ptr<engine::Session> session);

    const std::string& name() const override;
    std::size_t roomBytes() const override;
    Result<std::string> write(const ModelTask& task, std::stop_token cancel) override;

private:
    std::shared_ptr<const engine::Model> m_model;
    std::unique_ptr<engine::Session> m_session;
    std::vector<std::string> m_texts;  ///< of each token, made when first needed
};

}  // namespace conclave::services
