#include "engine/tokenizer/chat_template.h"

#include <algorithm>
#include <utility>

#include "engine/tokenizer/jinja/evaluator.h"
#include "engine/tokenizer/jinja/parser.h"

namespace conclave::engine {
namespace {

using jinja::Dict;
using jinja::Origin;
using jinja::Runtime;
using jinja::Value;

/// Roles go into the template's own marks, as in '<|' + role + '|>'. A plain word cannot forge one.
bool isPlainWord(std::string_view text) {
    constexpr std::size_t kLongest = 64;
    return !text.empty() && text.size() <= kLongest &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '-';
           });
}

Value roleValue(Runtime& runtime, std::string_view role) {
    return runtime.text(role, isPlainWord(role) ? Origin::Template : Origin::Data);
}

Value messageList(Runtime& runtime, std::span<const ChatMessage> messages) {
    std::vector<Value> list;
    const Value roleKey = runtime.text("role", Origin::Template);
    const Value contentKey = runtime.text("content", Origin::Template);
    for (const ChatMessage& message : messages) {
        Dict* dict = runtime.newDict();
        dict->entries = {{roleKey, roleValue(runtime, message.role)},
                         {contentKey, runtime.text(message.content, Origin::Data)}};
        list.emplace_back(dict);
    }
    return runtime.list(std::move(list));
}

/// Roles inside messages that came as JSON are the template's words too.
void trustRoles(Runtime& runtime, const Value& messages) {
    if (!messages.is<jinja::List*>()) return;
    for (const Value& message : messages.as<jinja::List*>()->items) {
        if (!message.is<Dict*>()) continue;
        Value* role = message.as<Dict*>()->find("role");
        if (role != nullptr && role->isText()) {
            const std::string name(role->bytes());
            *role = roleValue(runtime, name);
        }
    }
}

class JinjaTemplate final : public ChatTemplate {
public:
    JinjaTemplate(jinja::StatementList statements, std::string bosToken, std::string eosToken)
        : m_statements(std::move(statements)),
          m_bosToken(std::move(bosToken)),
          m_eosToken(std::move(eosToken)) {}

    Result<std::vector<PromptPart>> render(std::span<const ChatMessage> messages,
                                           const ChatTemplateOptions& options) const override {
        Runtime runtime;
        jinja::Variables variables;
        variables.emplace_back("messages", messageList(runtime, messages));
        variables.emplace_back("bos_token", runtime.text(m_bosToken, Origin::Template));
        variables.emplace_back("eos_token", runtime.text(m_eosToken, Origin::Template));
        variables.emplace_back("add_generation_prompt", Value(options.addGenerationPrompt));
        if (options.variables.is_object()) {
            for (const auto& [name, json] : options.variables.items()) {
                variables.emplace_back(name, runtime.fromJson(json));
                if (name == "messages") trustRoles(runtime, variables.back().second);
            }
        }
        if (runtime.failed()) return tl::unexpected(*runtime.error());
        auto text = jinja::evaluate(m_statements, variables, runtime);
        if (!text) return tl::unexpected(text.error());
        return partsOf(*text);
    }

private:
    static std::vector<PromptPart> partsOf(const jinja::MarkedText& text) {
        std::vector<PromptPart> parts;
        for (std::size_t begin = 0; begin < text.size();) {
            const std::size_t end = text.stretchEnd(begin);
            parts.push_back({std::string(text.bytes().substr(begin, end - begin)),
                             text.origin(begin) == Origin::Template});
            begin = end;
        }
        return parts;
    }

    jinja::StatementList m_statements;
    std::string m_bosToken;
    std::string m_eosToken;
};

}  // namespace

Result<std::unique_ptr<const ChatTemplate>> ChatTemplate::parse(std::string_view source,
                                                                std::string bosToken,
                                                                std::string eosToken) {
    auto statements = jinja::parse(source);
    if (!statements) return tl::unexpected(statements.error());
    return std::make_unique<JinjaTemplate>(std::move(*statements), std::move(bosToken),
                                           std::move(eosToken));
}

std::string_view defaultChatTemplate() {
    return "{%- for message in messages -%}"
           "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}"
           "{%- endfor -%}"
           "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}";
}

}  // namespace conclave::engine
