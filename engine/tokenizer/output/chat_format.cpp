#include "engine/tokenizer/output/chat_format.h"

#include <algorithm>
#include <iterator>

namespace conclave::engine {
namespace {

/// Writes its calls as messages of the role "function call".
bool isGigaChat(std::string_view chatTemplate) {
    return chatTemplate.find("<|role_sep|>") != std::string_view::npos &&
           chatTemplate.find("'function call'") != std::string_view::npos;
}

CallStyle callStyleOf(std::string_view chatTemplate) {
    const auto has = [&](std::string_view text) {
        return chatTemplate.find(text) != std::string_view::npos;
    };
    if (has("]<]minimax[>[")) return CallStyle::NestedTags;
    if (has("<minimax:tool_call>") || has("｜DSML｜")) return CallStyle::Invoke;
    if (has("<function name=") && has("<param name=")) return CallStyle::Invoke;
    if (has("<|open|>") && has("<|close|>")) return CallStyle::OpenClose;
    const bool hasMarks = std::any_of(std::begin(kCallMarks), std::end(kCallMarks),
                                      [&](const CallMarks& marks) { return has(marks.begin); });
    if (hasMarks || has("<|tool_list_start|>") || isGigaChat(chatTemplate)) {
        return CallStyle::Marked;
    }
    if (has("<|tool_call:begin|>")) return CallStyle::Sections;
    if (has("<tool_calls>[")) return CallStyle::TaggedList;
    if (has("<seed:tool_call>")) return CallStyle::TaggedXml;
    if (has("<|START_ACTION|>") || (has("<|CHATBOT_TOKEN|>") && has("tool_name"))) {
        return CallStyle::Action;
    }
    if (has("<tool_call>") && has("<arg_key>")) return CallStyle::TaggedPairs;
    if (has("<function=")) {
        return has("<tool_call>") ? CallStyle::TaggedXml : CallStyle::FunctionTags;
    }
    if (has("<｜tool▁call▁begin｜>") || has("<|tool_call_begin|>")) return CallStyle::Sections;
    if (has("<|tool_call>") || has("<start_function_call>")) return CallStyle::Gemma;
    if (has("<tool_call>")) return CallStyle::TaggedJson;
    if (has("[TOOL_CALLS]")) return CallStyle::Mistral;
    if (has("<|tool_call|>") || has("<|tool|>")) return CallStyle::TaggedArray;
    if (has("<|python_tag|>") || has("<|python_start|>")) return CallStyle::Python;
    const bool isLlama = has("<|start_header_id|>") || has("<|header_start|>");
    // What ends a turn behind a list.
    if (isLlama && has("]<|eot_id|>")) return CallStyle::EndingList;
    if (isLlama && has("tool_calls")) return CallStyle::Python;
    if (has("<tool_calls>")) return CallStyle::TaggedList;
    return CallStyle::None;
}

}  // namespace

ChatFormat detectChatFormat(std::string_view chatTemplate) {
    const auto has = [&](std::string_view text) {
        return chatTemplate.find(text) != std::string_view::npos;
    };
    struct Thoughts {
        std::string_view sign, begin, end;
    };
    constexpr Thoughts kThoughts[] = {
        {"[THINK]", "[THINK]", "[/THINK]"},
        {"<seed:think>", "<seed:think>", "</seed:think>"},
        {"<|START_THINKING|>", "<|START_THINKING|>", "<|END_THINKING|>"},
        {"<|channel>thought", "<|channel>thought", "<channel|>"},
        {"<mm:think>", "<mm:think>", "</mm:think>"},
        {"<|inner_prefix|>", "<|inner_prefix|>", "<|inner_suffix|>"},
        {"<|tool_call:begin|>", "<|think|>", "<|end|>"},
        {"<|open|>", "<|open|>think<|sep|>", "<|close|>think<|sep|>"},
    };
    ChatFormat format;
    format.isHarmony = (has("<|channel|>") && has("<|message|>")) || has("<atem:function_calls>");
    if (format.isHarmony) return format;
    for (const auto& [sign, begin, end] : kThoughts) {
        if (!has(sign)) continue;
        format.thinkBegin = begin;
        format.thinkEnd = end;
    }
    format.calls = callStyleOf(chatTemplate);
    if (has("<|START_RESPONSE|>")) format.frames = {"<|START_RESPONSE|>", "<|END_RESPONSE|>"};
    if (isGigaChat(chatTemplate)) format.frames = {"<|message_sep|>"};
    if (has("<|tool_call:begin|>")) {
        format.frames = {"<|begin|>assistant", "<|content|>", "<|end|>"};
    }
    if (format.calls == CallStyle::OpenClose) {
        format.frames = {"<|open|>response<|sep|>", "<|close|>response<|sep|>",
                         "<|close|>message<|sep|>"};
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
        case CallStyle::Marked: {
            std::vector<std::string_view> begins;
            for (const CallMarks& marks : kCallMarks) begins.push_back(marks.begin);
            return begins;
        }
        case CallStyle::Invoke:
            return {"<minimax:tool_call>",      "<invoke name=",
                    "</minimax:tool_call>",     "<｜DSML｜tool_calls>",
                    "<｜DSML｜function_calls>", "<｜DSML｜invoke name=",
                    "</｜DSML｜tool_calls>",    "</｜DSML｜function_calls>",
                    "<function name="};
        case CallStyle::NestedTags:
            return {"]<]minimax[>[<tool_call>",
                    "]<]minimax[>[<invoke name=", "]<]minimax[>[</tool_call>"};
        case CallStyle::OpenClose:
            return {"<|open|>tools<|sep|>", "<|open|>call ", "<|close|>tools<|sep|>"};
        case CallStyle::FunctionTags: return {"<function=", "<|python_tag|>"};
        case CallStyle::TaggedArray: return {"<|tool_call|>"};
        case CallStyle::Sections:
            return {"<｜tool▁calls▁begin｜>",
                    "<｜tool▁call▁begin｜>",
                    "<｜tool▁calls▁end｜>",
                    "<|tool_calls_section_begin|>",
                    "<|tool_call_begin|>",
                    "<|tool_calls_section_end|>",
                    "<|tool_calls|>",
                    "<|tool_call:begin|>",
                    "<|calls|>"};
        case CallStyle::Python: return {"<|python_tag|>", "<|python_start|>"};
        case CallStyle::EndingList: return {"["};
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
