// chat_format.h: how a family of models writes its thoughts and tool calls.
#pragma once

#include <string_view>
#include <vector>

namespace conclave::engine {

/// How a call of a tool is spelled. Each begins with a marker, see callMarkers.
enum class CallStyle {
    None,
    TaggedJson,  ///< Hermes, Qwen: <tool_call>{"name", "arguments"}</tool_call>
    TaggedXml,   ///< Qwen3-Coder, Seed-OSS: <tool_call><function=NAME><parameter=KEY>VALUE…
    TaggedList,  ///< MiniMax-M1: <tool_calls>{"name", "arguments"} …</tool_calls>
    /// MiniMax-M2: <invoke name="NAME"><parameter name="KEY">VALUE</parameter>…; the same with
    /// other words in DeepSeek-V3.2 and V4 (｜DSML｜) and MiniCPM5 (<function name=…><param
    /// name=…>).
    Invoke,
    NestedTags,    ///< MiniMax-M3: <invoke name="NAME"><KEY>VALUE</KEY>…, a mark before each tag
    OpenClose,     ///< Kimi-K3: <|open|>call tool="NAME"<|sep|><|open|>argument key="KEY" …
    FunctionTags,  ///< Functionary 3.1: <function=NAME>{…}</function>, or Python as Llama 3
    Marked,        ///< a list of calls between two of kCallMarks
    TaggedPairs,  ///< GLM-4.5: <tool_call>NAME<arg_key>KEY</arg_key><arg_value>VALUE</arg_value>…
    TaggedArray,  ///< Granite 3, Phi-4-mini: <|tool_call|>[{"name", "arguments"}]
    /// DeepSeek, Kimi-K2, Solar-Open: a list of calls, each with a separator before its arguments.
    Sections,
    /// Llama 3 and 4: an answer that is {"name", "parameters"} or [NAME(KEY=VALUE, …), …], or
    /// either or Python behind <|python_tag|> or between <|python_start|> and <|python_end|>.
    Python,
    /// Cogito: [{"name", "arguments"}] behind what is said, up to the end of the answer.
    EndingList,
    Mistral,  ///< [TOOL_CALLS][{"name", "arguments"}] or [TOOL_CALLS]NAME[ARGS]{…}
    /// Command R7B and A: <|START_ACTION|>[{"tool_name", "parameters"}]<|END_ACTION|>; Command R:
    /// Action: ```json … ```.
    Action,
    Gemma,  ///< <|tool_call>call:NAME{key:<|"|>text<|"|>}, <start_function_call>call:…
};

/// What stands around a list of calls in models that have words of their own for it.
struct CallMarks {
    std::string_view begin, end;
};

/// {"name", "arguments"} (Nemotron-Nano-v2, GigaChat), {"NAME": {…}} (Apertus), or NAME(KEY=VALUE)
/// (LFM2).
inline constexpr CallMarks kCallMarks[] = {
    {"<TOOLCALL>", "</TOOLCALL>"},
    {"<|function_call|>", "<|message_sep|>"},
    {"function call<|role_sep|>", "<|message_sep|>"},
    {"<|tools_prefix|>", "<|tools_suffix|>"},
    {"<|tool_call_start|>", "<|tool_call_end|>"},
};

struct ChatFormat {
    std::string_view thinkBegin = "<think>";
    std::string_view thinkEnd = "</think>";
    CallStyle calls = CallStyle::None;
    std::vector<std::string_view> frames = {};  ///< marks around the answer, which are dropped
    /// gpt-oss: messages in channels, <|channel|>NAME<|message|>TEXT<|end|>; Muse: messages to the
    /// user, itself or a function, to=NAME<|message|>TEXT<|eom|>. The rest is unused.
    bool isHarmony = false;
};

/// Recognizes the family by what its chat template writes.
[[nodiscard]] ChatFormat detectChatFormat(std::string_view chatTemplate);

/// What a call begins with in this style, and markers around calls, which are dropped.
[[nodiscard]] std::vector<std::string_view> callMarkers(CallStyle style);

/// All that the parser looks for in this format: some may be control tokens of a vocabulary, which
/// the text must then show.
[[nodiscard]] std::vector<std::string_view> outputMarkers(const ChatFormat& format);

/// True if an answer of this style may be nothing but a call, without a marker.
[[nodiscard]] inline bool mayBeBare(CallStyle style) {
    return style == CallStyle::Python || style == CallStyle::EndingList;
}

/// True if `prompt` ends with the beginning of a thought, so that the answer begins inside one.
[[nodiscard]] bool opensThought(const ChatFormat& format, std::string_view prompt);

}  // namespace conclave::engine
