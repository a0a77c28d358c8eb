#include "engine/tokenizer/output/chat_format.h"

#include <utility>

namespace conclave::engine {
namespace {

CallStyle callStyleOf(std::string_view chatTemplate) {
    const auto has = [&](std::string_view text) {
        return chatTemplate.find(text) != std::string_view::npos;
    };
    if (has("<minimax:tool_call>")) return CallStyle::Invoke;
    if (has("<seed:tool_call>")) return CallStyle::TaggedXml;
    if (has("<|START_ACTION|>") || (has("<|CHATBOT_TOKEN|>") && has("tool_name"))) {
        return CallStyle::Action;
    }
    if (has("<tool_call>") && has("<arg_key>")) return CallStyle::TaggedPairs;
    if (has("<tool_call>") && has("<function=")) return CallStyle::TaggedXml;
    if (has("<｜tool▁call▁begin｜>") || has("<|tool_call_begin|>")) return CallStyle::Sections;
    if (has("<|tool_call>") || has("<start_function_call>")) return CallStyle::Gemma;
    if (has("<tool_call>")) return CallStyle::TaggedJson;
    if (has("[TOOL_CALLS]")) return CallStyle::Mistral;
    if (has("<|tool_call|>") || has("<|tool|>")) return CallStyle::TaggedArray;
    if (has("<|python_tag|>") || has("<|python_start|>")) return CallStyle::Python;
    const bool isLlama = has("<|start_header_id|>") || has("<|header_start|>");
    if (isLlama && has("tool_calls")) return CallStyle::Python;
    if (has("<tool_calls>")) return CallStyle::TaggedList;
    return CallStyle::None;
}

}  // namespace

ChatFormat detectChatFormat(std::string_view chatTemplate) {
    constexpr std::pair<std::string_view, std::string_view> kThoughts[] = {
        {"[THINK]", "[/THINK]"},
        {"<seed:think>", "</seed:think>"},
        {"<|START_THINKING|>", "<|END_THINKING|>"},
        {"<|channel>thought", "<channel|>"},
    };
    ChatFormat format;
    format.isHarmony = chatTemplate.find("<|channel|>") != std::string_view::npos &&
                       chatTemplate.find("<|message|>") != std::string_view::npos;
    if (format.isHarmony) return format;
    for (const auto& [begin, end] : kThoughts) {
        if (chatTemplate.find(begin) == std::string_view::npos) continue;
        format.thinkBegin = begin;
        format.thinkEnd = end;
    }
    format.calls = callStyleOf(chatTemplate);
    if (chatTemplate.find("<|START_RESPONSE|>") != std::string_view::npos) {
        format.frames = {"<|START_RESPONSE|>", "<|END_RESPONSE|>"};
    }
    return format;
}

std::vector<std::string_view> callMarkers(CallStyle style) {
    switch (style) {
        case CallStyle::None: return {};
        case CallStyle::TaggedJson:
        case CallStyle::TaggedPairs: return {"<tool_call>"};
        case CallStyle::TaggedXml: return {"<tool_call>", "<seed:tool_call>", "<function="};
        case CallStyle::TaggedList: return {"<tool_calls>"};
        case CallStyle::Invoke:
            return {"<minimax:tool_call>", "<invoke name=", "</minimax:tool_call>"};
        case CallStyle::TaggedArray: return {"<|tool_call|>"};
        case CallStyle::Sections:
            return {"<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>",
                    "<｜tool▁calls▁end｜>",   "<|tool_calls_section_begin|>",
                    "<|tool_call_begin|>",    "<|tool_calls_section_end|>"};
        case CallStyle::Python: return {"<|python_tag|>", "<|python_start|>"};
        case CallStyle::Action: return {"<|START_ACTION|>", "Action:"};
        case CallStyle::Mistral: return {"[TOOL_CALLS]"};
        case CallStyle::Gemma: return {"<|tool_call>", "<start_function_call>"};
    }
    return {};
}

std::vector<std::string_view> outputMarkers(const ChatFormat& format) {
    if (format.isHarmony) return {"<|channel|>", "<|message|>"};
    std::vector<std::string_view> markers = callMarkers(format.calls);
    markers.push_back(format.thinkBegin.substr(0, format.thinkBegin.find("thought")));
    markers.push_back(format.thinkEnd);
    markers.insert(markers.end(), format.frames.begin(), format.frames.end());
    return markers;
}

bool opensThought(const ChatFormat& format, std::string_view prompt) {
    if (format.isHarmony) return false;
    const std::size_t last = prompt.find_last_not_of(" \t\r\n");
    return last != std::string_view::npos &&
           prompt.substr(0, last + 1).ends_with(format.thinkBegin);
}

}  // namespace conclave::engine
