#include "engine/tokenizer/message_contents.h"

#include <string>

namespace conclave::engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kProbe = "conclave-probe";

Json onePart(std::string text) {
    return Json::array({{{"type", "text"}, {"text", std::move(text)}}});
}

/// Whether the template writes what this content says, and not how it is kept.
bool comesOut(const ChatTemplate& chatTemplate, const Json& content) {
    ChatTemplateOptions options;
    options.variables["messages"] = Json::array({{{"role", "user"}, {"content", content}}});
    const auto parts = chatTemplate.render({}, options);
    if (!parts) return false;
    std::string text;
    for (const PromptPart& part : *parts) text += part.text;
    const bool isList =
        text.find("'type'") != std::string::npos || text.find("\"type\"") != std::string::npos;
    return !isList && text.find(kProbe) != std::string::npos;
}

/// The texts of a list of parts. Errors: InvalidArgument for a part of another type.
Result<std::string> textOfParts(const Json& parts, int number) {
    std::string text;
    bool isFirst = true;
    for (const Json& part : parts) {
        const std::string which = "message " + std::to_string(number) + " has a part ";
        if (!part.is_object() || !part.contains("type") || !part["type"].is_string()) {
            return fail(ErrorCode::InvalidArgument,
                        which + "without a \"type\"; a part is {\"type\":\"text\",\"text\":\"…\"}");
        }
        if (part["type"] != "text") {
            return fail(ErrorCode::InvalidArgument,
                        which + "of the type " + part["type"].get<std::string>() +
                            "; models read text here, so leave out images, sound and files, or "
                            "say in words what they show");
        }
        if (!part.contains("text") || !part["text"].is_string()) {
            return fail(ErrorCode::InvalidArgument, which + "of text without a \"text\"");
        }
        if (!isFirst) text += '\n';
        isFirst = false;
        text += part["text"].get<std::string>();
    }
    return text;
}

}  // namespace

bool readsPartsOnly(const ChatTemplate& chatTemplate) {
    return !comesOut(chatTemplate, kProbe) && comesOut(chatTemplate, onePart(kProbe));
}

Result<Json> messagesFor(std::string_view source, bool asParts, Json messages) {
    if (!messages.is_array()) return messages;
    const bool knowsDevelopers = source.find("developer") != std::string_view::npos;
    int number = 0;
    for (Json& message : messages) {
        ++number;
        if (!message.is_object()) continue;
        const auto role = message.find("role");
        if (role != message.end() && *role == "developer" && !knowsDevelopers) *role = "system";
        const auto content = message.find("content");
        if (content == message.end()) continue;
        if (content->is_array()) {
            auto text = textOfParts(*content, number);
            if (!text) return tl::unexpected(text.error());
            *content = std::move(*text);
        }
        if (asParts && content->is_string()) {
            *content = onePart(content->get<std::string>());
        }
    }
    return messages;
}

}  // namespace conclave::engine
