#include "engine/tokenizer/output/call_reader.h"

#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "engine/tokenizer/output/call_arguments.h"
#include "engine/tokenizer/output/call_cursor.h"
#include "engine/tokenizer/output/gemma_value.h"
#include "engine/tokenizer/output/python_value.h"
#include "engine/tokenizer/output/tag_calls.h"

namespace conclave::engine {
namespace {

using Json = CallJson;

/// Each reads one call behind its marker; false if there is none (or not yet).
class CallReader {
public:
    CallReader(std::string_view text, bool isWhole, const Json& tools)
        : m_cursor(text, isWhole), m_isWhole(isWhole), m_tools(tools) {}

    CallReading read(CallStyle style) {
        const bool isRead = readStyle(style);
        // What may still grow decides nothing yet, not even when it reads well so far.
        if (m_cursor.isStarved()) return {CallReading::Status::NeedsMore, 0, {}, {}};
        if (!isRead) return {};
        return {CallReading::Status::Complete, m_cursor.at(), std::move(m_calls), m_before};
    }

    CallReading readBare() {
        m_cursor.skipSpaces();
        const bool isRead = bareCalls();
        if (m_cursor.isStarved()) return {CallReading::Status::NeedsMore, 0, {}, {}};
        if (!isRead) return {};
        return {CallReading::Status::Complete, m_cursor.at(), std::move(m_calls), {}};
    }

private:
    bool readStyle(CallStyle style) {
        switch (style) {
            case CallStyle::None: return false;
            case CallStyle::TaggedJson:
            case CallStyle::TaggedXml:
            case CallStyle::TaggedPairs: return tagged(style);
            case CallStyle::TaggedArray:
                return m_cursor.eat("<|tool_call|>") && jsonCalls() &&
                       mayEnd({"<|/tool_call|>", "</tool_call>"});
            case CallStyle::Sections: return section();
            case CallStyle::TaggedList: return taggedList();
            case CallStyle::Marked: return marked();
            case CallStyle::Invoke: return readInvoke(m_cursor, m_tools, m_calls);
            case CallStyle::NestedTags: return readNestedTags(m_cursor, m_tools, m_calls);
            case CallStyle::OpenClose: return readOpenClose(m_cursor, m_calls);
            case CallStyle::FunctionTags: return m_cursor.eat("<function=") ? function() : python();
            case CallStyle::Python: return python();
            case CallStyle::EndingList: return endingList();
            case CallStyle::Action: return action();
            case CallStyle::Mistral: return mistral();
            case CallStyle::Gemma: return gemma();
        }
        return false;
    }

    bool jsonCalls() {
        const auto json = m_cursor.json();
        return json && addCalls(*json, m_calls);
    }

    /// Passes the first of `marks` that follows, with the spaces before it; none is as well.
    bool mayEnd(std::initializer_list<std::string_view> marks) {
        const std::size_t before = m_cursor.at();
        m_cursor.skipSpaces();
        for (const std::string_view mark : marks) {
            if (m_cursor.eat(mark)) return true;
        }
        m_cursor.moveTo(before);
        return true;
    }

    bool tagged(CallStyle style) {
        const bool hasTag = m_cursor.eat("<tool_call>") || m_cursor.eat("<seed:tool_call>");
        m_cursor.skipSpaces();
        const char next = m_cursor.peek();
        if (hasTag && (next == '{' || next == '[')) {
            return jsonCalls() && mayEnd({"</tool_call>"});
        }
        if (style == CallStyle::TaggedXml) return xml();
        return style == CallStyle::TaggedPairs && hasTag && pairs();
    }

    bool xml() { return m_cursor.eat("<function=") && function(); }

    /// Parameters of their own tags, or one JSON object.
    bool function() {
        const auto name = m_cursor.until(">");
        if (!name || !isFunctionName(*name)) return false;
        m_cursor.skipSpaces();
        if (m_cursor.peek() == '{') {
            const auto json = m_cursor.json();
            if (!json) return false;
            m_cursor.skipSpaces();
            if (!m_cursor.eat("</function>")) return false;
            m_calls.push_back({{}, std::string(*name), std::string(*json)});
            return true;
        }
        Json arguments = Json::object();
        for (m_cursor.skipSpaces(); m_cursor.eat("<parameter="); m_cursor.skipSpaces()) {
            const auto key = m_cursor.until(">");
            const auto value = key ? m_cursor.until("</parameter>") : std::nullopt;
            if (!value) return false;
            const std::string keyText(*key);
            arguments[keyText] = argumentOf(m_tools, *name, keyText, withoutFrame(*value));
        }
        if (!m_cursor.eat("</function>")) return false;
        m_calls.push_back({{}, std::string(*name), jsonText(arguments)});
        return mayEnd({"</tool_call>", "</seed:tool_call>"});
    }

    bool marked() {
        for (const CallMarks& marks : kCallMarks) {
            if (!m_cursor.eat(marks.begin)) continue;
            m_cursor.skipSpaces();
            return list() && mayEnd({marks.end});
        }
        return false;
    }

    /// JSON of calls, also as {"NAME": {…}}, or [NAME(KEY=VALUE, …), …].
    bool list() {
        const std::size_t begin = m_cursor.at();
        const bool hasBracket = m_cursor.eat("[");
        m_cursor.skipSpaces();
        const bool isJson = m_cursor.peek() == '{';
        m_cursor.moveTo(begin);
        if (hasBracket && !isJson) return pythonCalls();
        const auto json = m_cursor.json();
        if (!json) return false;
        if (addCalls(*json, m_calls)) return true;
        m_calls.clear();
        return addNamedCalls(*json, m_calls);
    }

    /// Calls with nothing but spaces or commas between them, or a list of them.
    bool taggedList() {
        if (!m_cursor.eat("<tool_calls>")) return false;
        do {
            if (!jsonCalls()) return false;
            m_cursor.skipSpaces();
            if (m_cursor.eat(",")) m_cursor.skipSpaces();
        } while (m_cursor.peek() == '{');
        return mayEnd({"</tool_calls>"});
    }

    bool pairs() {
        const auto name = m_cursor.untilAnyOf("<\n");
        if (!name || !isFunctionName(trimmedText(*name))) return false;
        const std::string_view function = trimmedText(*name);
        Json arguments = Json::object();
        for (m_cursor.skipSpaces(); m_cursor.eat("<arg_key>"); m_cursor.skipSpaces()) {
            const auto key = m_cursor.until("</arg_key>");
            if (!key) return false;
            m_cursor.skipSpaces();
            const auto value =
                m_cursor.eat("<arg_value>") ? m_cursor.until("</arg_value>") : std::nullopt;
            if (!value) return false;
            const std::string keyText(trimmedText(*key));
            arguments[keyText] = argumentOf(m_tools, function, keyText, *value);
        }
        if (!m_cursor.eat("</tool_call>")) return false;
        m_calls.push_back({{}, std::string(function), jsonText(arguments)});
        return true;
    }

    bool section() {
        if (m_cursor.eat("<|tool_calls|>") || m_cursor.eat("<|calls|>")) return true;
        if (m_cursor.eat("<|tool_call:begin|>")) return partedCall();
        struct Words {
            std::string_view callBegin, separator, callEnd, begin, end;
        };
        constexpr Words kFamilies[] = {
            {"<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>",
             "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"},
            {"<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>",
             "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"}};
        for (const Words& words : kFamilies) {
            if (m_cursor.eat(words.begin) || m_cursor.eat(words.end)) return true;
            if (!m_cursor.eat(words.callBegin)) continue;
            auto body = m_cursor.until(words.callEnd);
            if (!body) {
                if (!m_isWhole) return false;
                body = m_cursor.rest();  // the answer ended with the arguments
                m_cursor.moveTo(m_cursor.at() + body->size());
            }
            const std::size_t at = body->find(words.separator);
            if (at == std::string_view::npos) return false;
            return sectionCall(trimmedText(body->substr(0, at)),
                               body->substr(at + words.separator.size()));
        }
        return false;
    }

    /// "function", "NAME\n```json\n{…}\n```" as DeepSeek-V3 writes it; "NAME", "{…}" as V3.1 does;
    /// "functions.NAME:0", "{…}" as Kimi-K2 does.
    bool sectionCall(std::string_view head, std::string_view body) {
        constexpr std::string_view kFence = "```json";
        constexpr std::string_view kPrefix = "functions.";
        ToolCall call;
        const std::size_t fence = body.find(kFence);
        if (fence != std::string_view::npos && head == "function") {
            head = trimmedText(body.substr(0, fence));
            body.remove_prefix(fence + kFence.size());
            body = body.substr(0, body.rfind("```"));
        } else if (head.starts_with(kPrefix)) {
            call.id = head;
            head.remove_prefix(kPrefix.size());
            head = head.substr(0, head.rfind(':'));
        }
        call.name = head;
        call.arguments = trimmedText(body);
        if (!isFunctionName(head) || !Json::accept(call.arguments)) return false;
        m_calls.push_back(std::move(call));
        return true;
    }

    /// ID<|tool_call:name|>NAME<|tool_call:args|>{…}<|tool_call:end|>, as Solar-Open writes it.
    bool partedCall() {
        const auto id = m_cursor.until("<|tool_call:name|>");
        const auto name = id ? m_cursor.until("<|tool_call:args|>") : std::nullopt;
        if (!name || !isFunctionName(trimmedText(*name))) return false;
        const auto arguments = m_cursor.json();
        if (!arguments) return false;
        m_calls.push_back({std::string(trimmedText(*id)), std::string(trimmedText(*name)),
                           std::string(*arguments)});
        return mayEnd({"<|tool_call:end|>"});
    }

    bool python() {
        const bool hasEnd = m_cursor.eat("<|python_start|>");
        if (!hasEnd && !m_cursor.eat("<|python_tag|>")) return false;
        constexpr std::string_view kEnd = "<|python_end|>";
        m_cursor.skipSpaces();
        const std::size_t begin = m_cursor.at();
        const char first = m_cursor.peek();
        if (first == '{') return bareCalls() && mayEnd({kEnd});
        if (first == '[' && bareCalls()) return mayEnd({kEnd});
        if (m_cursor.isStarved()) return false;
        m_calls.clear();
        m_cursor.moveTo(begin);
        const bool isEnded = hasEnd && m_cursor.rest().find(kEnd) != std::string_view::npos;
        // Without its mark, Python has no end but that of the answer.
        const auto code = isEnded ? m_cursor.until(kEnd) : m_cursor.untilEnd();
        if (!code) return false;
        if (isEnded) {
            switch (followingCalls()) {
                case Following::Read: m_before = trimmedText(*code); return true;
                case Following::Damaged: return false;
                case Following::None: break;
            }
        }
        if (trimmedText(*code).empty()) return false;
        m_calls.push_back({{}, "code_interpreter", jsonText({{"code", trimmedText(*code)}})});
        return true;
    }

    enum class Following { None, Read, Damaged };

    /// Llama 4 writes what it says before its calls between the marks that Python has.
    Following followingCalls() {
        const std::size_t begin = m_cursor.at();
        m_cursor.skipSpaces();
        const bool isList = m_cursor.peek() == '[';
        if (isList ? pythonCalls() : mayBeCall()) {
            bool isRead = true;
            while (!isList && isRead && m_cursor.peek() == '{') {
                isRead = bareObjects();
                const std::size_t end = m_cursor.at();
                m_cursor.skipSpaces();
                if (m_cursor.peek() != '{') m_cursor.moveTo(end);
            }
            return isRead ? Following::Read : Following::Damaged;
        }
        m_calls.clear();
        // Whether a call follows decides what stands before: more text may still show one.
        if (!m_cursor.isStarved()) m_cursor.moveTo(begin);
        return Following::None;
    }

    bool bareCalls() {
        if (m_cursor.peek() != '[') return bareObjects();
        const std::size_t begin = m_cursor.at();
        (void)m_cursor.eat("[");
        m_cursor.skipSpaces();
        const bool isJson = m_cursor.peek() == '{';
        const bool may = isJson && mayBeCall();
        m_cursor.moveTo(begin);
        if (!isJson) return pythonCalls();
        return may && jsonCalls();
    }

    /// Without a mark only its place tells a list of calls from one that an answer shows.
    bool endingList() {
        const std::size_t begin = m_cursor.at();
        (void)m_cursor.eat("[");
        m_cursor.skipSpaces();
        const bool may = mayBeCall();
        m_cursor.moveTo(begin);
        if (!may || !jsonCalls() || !mayEnd({"<|eot_id|>"})) return false;
        m_cursor.skipSpaces();
        return m_cursor.rest().empty() && m_cursor.untilEnd().has_value();
    }

    /// [NAME(KEY=VALUE, …), …]
    bool pythonCalls() {
        if (!m_cursor.eat("[")) return false;
        do {
            m_cursor.skipSpaces();
            const auto name = m_cursor.word();
            if (!name || !beginsName(*name)) return false;
            m_cursor.skipSpaces();
            if (!m_cursor.eat("(")) return false;
            const auto arguments = readPythonArguments(m_cursor);
            if (!arguments) return false;
            m_calls.push_back({{}, std::string(*name), jsonText(*arguments)});
            m_cursor.skipSpaces();
        } while (m_cursor.eat(","));
        return m_cursor.eat("]");
    }

    /// Numbers in brackets are no calls.
    static bool beginsName(std::string_view word) {
        return !word.empty() && (word[0] < '0' || word[0] > '9') && isFunctionName(word);
    }

    bool action() {
        if (m_cursor.eat("<|START_ACTION|>")) return jsonCalls() && mayEnd({"<|END_ACTION|>"});
        if (!m_cursor.eat("Action:")) return false;
        m_cursor.skipSpaces();
        return m_cursor.eat("```json") && jsonCalls() && mayEnd({"```"});
    }

    /// {"name": …, "parameters": …}, several with ; between them.
    bool bareObjects() {
        do {
            if (!mayBeCall() || !jsonCalls()) return false;
            const std::size_t end = m_cursor.at();
            m_cursor.skipSpaces();
            if (m_cursor.eat(";")) {
                m_cursor.skipSpaces();
                continue;
            }
            m_cursor.moveTo(end);
            return true;
        } while (true);
    }

    /// Looks at the first key, so that another JSON answer is not held back to its end.
    bool mayBeCall() {
        const std::size_t begin = m_cursor.at();
        bool may = m_cursor.eat("{");
        if (may) {
            m_cursor.skipSpaces();
            may = m_cursor.eat("\"name\"") || m_cursor.eat("\"type\"") ||
                  m_cursor.eat("\"function\"");
        }
        m_cursor.moveTo(begin);
        return may;
    }

    bool mistral() {
        if (!m_cursor.eat("[TOOL_CALLS]")) return false;
        m_cursor.skipSpaces();
        if (m_cursor.peek() == '[') return jsonCalls();
        const auto name = m_cursor.untilAnyOf("[{");
        if (!name || !isFunctionName(trimmedText(*name))) return false;
        ToolCall call;
        call.name = trimmedText(*name);
        if (m_cursor.eat("[CALL_ID]")) {
            const auto id = m_cursor.untilAnyOf("[{");
            if (!id) return false;
            call.id = trimmedText(*id);
        }
        (void)m_cursor.eat("[ARGS]");
        const auto arguments = m_cursor.json();
        if (!arguments) return false;
        call.arguments = *arguments;
        m_calls.push_back(std::move(call));
        return true;
    }

    bool gemma() {
        if (!m_cursor.eat("<|tool_call>") && !m_cursor.eat("<start_function_call>")) return false;
        m_cursor.skipSpaces();
        if (!m_cursor.eat("call:")) return false;
        const auto name = m_cursor.untilAnyOf("{");
        if (!name || !isFunctionName(trimmedText(*name))) return false;
        const auto arguments = readGemmaValue(m_cursor);
        if (!arguments) return false;
        m_calls.push_back({{}, std::string(trimmedText(*name)), jsonText(*arguments)});
        return mayEnd({"<tool_call|>", "<end_function_call>"});
    }

    CallCursor m_cursor;
    bool m_isWhole;
    const Json& m_tools;
    Calls m_calls;
    std::string_view m_before;
};

}  // namespace

CallReading readCall(CallStyle style, std::string_view text, bool isWhole, const Json& tools) {
    return CallReader(text, isWhole, tools).read(style);
}

CallReading readBareCall(std::string_view text, bool isWhole) {
    return CallReader(text, isWhole, Json()).readBare();
}

}  // namespace conclave::engine
