// chat_format.h: how a family of models writes its thoughts and tool calls.
#pragma once

#include <string_view>
#include <vector>

namespace conclave::engine {

/// How a call of a tool is spelled. Each begins with a marker, see callMarkers.
enum class CallStyle {
    None,
    TaggedJson,   ///< Hermes, Qwen: <tool_call>{"name", "arguments"}</tool_call>
    TaggedXml,    ///< Qwen3-Coder: <tool_call><function=NAME><parameter=KEY>VALUE</parameter>…
    TaggedPairs,  ///< GLM-4.5: <tool_call>NAME<arg_key>KEY</arg_key><arg_value>VALUE</arg_value>…
    TaggedArray,  ///< Granite 3, Phi-4-mini: <|tool_call|>[{"name", "arguments"}]
    Sections,   ///< DeepSeek, Kimi-K2: a list of calls, each with a separator before its arguments
    PythonTag,  ///< Llama 3: <|python_tag|>…, or an answer that is {"name", "parameters"}
    Mistral,    ///< [TOOL_CALLS][{"name", "arguments"}] or [TOOL_CALLS]NAME[ARGS]{…}
    Gemma,      ///< <|tool_call>call:NAME{key:<|"|>text<|"|>}, <start_function_call>call:…
};

struct ChatFormat {
    std::string_view thinkBegin = "<think>";
    std::string_view thinkEnd = "</think>";
    CallStyle calls = CallStyle::None;
    /// gpt-oss: messages in channels, <|channel|>NAME<|message|>TEXT<|end|>; the rest is unused.
    bool isHarmony = false;
};

/// Recognizes the family by what its chat template writes.
[[nodiscard]] ChatFormat detectChatFormat(std::string_view chatTemplate);

/// What a call begins with in this style, and markers around calls, which are dropped.
[[nodiscard]] std::vector<std::string_view> callMarkers(CallStyle style);

/// All that the parser looks for in this format: some may be control tokens of a vocabulary, which
/// the text must then show.
[[nodiscard]] std::vector<std::string_view> outputMarkers(const ChatFormat& format);

/// True if `prompt` ends with the beginning of a thought, so that the answer begins inside one.
[[nodiscard]] bool opensThought(const ChatFormat& format, std::string_view prompt);

}  // namespace conclave::engine
