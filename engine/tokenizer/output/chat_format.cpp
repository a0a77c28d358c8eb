#include "engine/tokenizer/output/chat_format.h"

#include <utility>

namespace conclave::engine {
namespace {

CallStyle callStyleOf(std::string_view chatTemplate) {
    const auto has = [&](std::string_view text) {
        return chatTemplate.find(text) != std::string_view::npos;
    };
    if (has("<tool_call>") && has("<arg_key>")) return CallStyle::TaggedPairs;
    if (has("<tool_call>") && has("<function=")) return CallStyle::TaggedXml;
    if (has("<｜tool▁call▁begin｜>") || has("<|tool_call_begin|>")) return CallStyle::Sections;
    if (has("<|tool_call>") || has("<start_function_call>")) return CallStyle::Gemma;
    if (has("<tool_call>")) return CallStyle::TaggedJson;
    if (has("[TOOL_CALLS]")) return CallStyle::Mistral;
    if (has("<|tool_call|>") || has("<|tool|>")) return CallStyle::TaggedArray;
    if (has("<|python_tag|>") || (has("<|start_header_id|>") && has("tool_calls"))) {
        return CallStyle::PythonTag;
    }
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
    return format;
}

std::vector<std::string_view> callMarkers(CallStyle style) {
    switch (style) {
        case CallStyle::None: return {};
        case CallStyle::TaggedJson:
        case CallStyle::TaggedPairs: return {"<tool_call>"};
        case CallStyle::TaggedXml: return {"<tool_call>", "<function="};
        case CallStyle::TaggedArray: return {"<|tool_call|>"};
        case CallStyle::Sections:
            return {"<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>",
                    "<｜tool▁calls▁end｜>",   "<|tool_calls_section_begin|>",
                    "<|tool_call_begin|>",    "<|tool_calls_section_end|>"};
        case CallStyle::PythonTag: return {"<|python_tag|>"};
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
    return markers;
}

bool opensThought(const ChatFormat& format, std::string_view prompt) {
    if (format.isHarmony) return false;
    const std::size_t last = prompt.find_last_not_of(" \t\r\n");
    return last != std::string_view::npos &&
           prompt.substr(0, last + 1).ends_with(format.thinkBegin);
}

}  // namespace conclave::engine
