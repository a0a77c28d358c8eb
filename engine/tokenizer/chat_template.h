// chat_template.h: a model's Jinja chat template, run by our interpreter of the subset that real
// templates use.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "engine/tokenizer/tokenizer.h"

namespace conclave::engine {

/// A parsed template. Immutable, so any thread may use it.
class ChatTemplate {
public:
    /// `bosToken` and `eosToken` are what the template sees as bos_token and eos_token.
    /// Errors: Unsupported or Corrupt with the line and what was found there.
    [[nodiscard]] static Result<std::unique_ptr<const ChatTemplate>> parse(std::string_view source,
                                                                           std::string bosToken,
                                                                           std::string eosToken);

    virtual ~ChatTemplate() = default;

    /// The prompt in parts, so that control tokens in message contents stay inert. A "messages"
    /// among the options' variables stands in for `messages`, for turns with more than role and
    /// content, as tool calls.
    /// Errors: InvalidArgument (raise_exception's message), Unsupported, LimitExceeded (more than
    /// 16 MiB of output or too many steps: a hostile template).
    [[nodiscard]] virtual Result<std::vector<PromptPart>> render(
        std::span<const ChatMessage> messages, const ChatTemplateOptions& options) const = 0;
};

/// ChatML, for models without a template.
[[nodiscard]] std::string_view defaultChatTemplate();

}  // namespace conclave::engine
