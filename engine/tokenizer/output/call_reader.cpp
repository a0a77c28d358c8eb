#include "engine/tokenizer/output/call_reader.h"

#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "engine/tokenizer/output/call_cursor.h"
#include "engine/tokenizer/output/gemma_value.h"
#include "engine/tokenizer/output/python_value.h"

namespace conclave::engine {
namespace {

using Json = nlohmann::ordered_json;
using Calls = std::vector<ToolCall>;

std::string_view trimmedText(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

/// What a model writes is UTF-8, but a byte that is not must not throw.
std::string jsonText(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Names of functions have no spaces; what has is prose.
bool isFunctionName(std::string_view text) {
    constexpr std::size_t kLongest = 256;
    return !text.empty() && text.size() <= kLongest &&
           text.find_first_of(" \t\r\n<>\"'{}[]()|") == std::string_view::npos;
}

/// {"name" or "tool_name", "arguments" or "parameters", "id"?}, or that under "function".
bool addCall(const Json& object, Calls& calls) {
    if (!object.is_object()) return false;
    if (object.contains("function") && object["function"].is_object()) {
        return addCall(object["function"], calls);
    }
    const char* name = object.contains("tool_name") ? "tool_name" : "name";
    if (!object.contains(name) || !object[name].is_string()) return false;
    ToolCall call;
    call.name = object[name].get<std::string>();
    for (const char* key : {"arguments", "parameters"}) {
        if (!object.contains(key)) continue;
        const Json& arguments = object[key];  // some models write the object as a text
        call.arguments = arguments.is_string() ? arguments.get<std::string>() : jsonText(arguments);
        for (const char* id : {"id", "call_id", "tool_call_id"}) {
            if (object.contains(id) && object[id].is_string()) {
                call.id = object[id].get<std::string>();
            }
        }
        calls.push_back(std::move(call));
        return true;
    }
    return false;
}

/// One call, or a list of them.
bool addCalls(std::string_view json, Calls& calls) {
    const Json value = Json::parse(json, nullptr, false);
    if (!value.is_array()) return addCall(value, calls);
    return !value.empty() && std::all_of(value.begin(), value.end(),
                                         [&](const Json& each) { return addCall(each, calls); });
}

/// The schema's type of an argument; empty if unknown.
std::string declaredType(const Json& tools, std::string_view function, const std::string& key) {
    if (!tools.is_array()) return {};
    for (const Json& tool : tools) {
        const Json& declared = tool.contains("function") ? tool["function"] : tool;
        if (!declared.is_object() || !declared.contains("name") || declared["name"] != function) {
            continue;
        }
        const auto pointer = Json::json_pointer("/parameters/properties");
        if (!declared.contains(pointer) || !declared[pointer].contains(key)) return {};
        const Json& schema = declared[pointer][key];
        return schema.is_object() && schema.contains("type") && schema["type"].is_string()
                   ? schema["type"].get<std::string>()
                   : std::string();
    }
    return {};
}

/// An argument that was written without quotes: JSON if it reads so and is not declared a text.
Json argumentOf(const Json& tools, std::string_view function, const std::string& key,
                std::string_view written) {
    if (declaredType(tools, function, key) != "string") {
        const std::string_view text = trimmedText(written);
        if (text == "True") return true;  // templates write values as Python does
        if (text == "False") return false;
        if (text == "None") return nullptr;
        Json value = Json::parse(text, nullptr, false);
        if (!text.empty() && !value.is_discarded()) return value;
    }
    return std::string(written);
}

std::string_view withoutOneLineEnd(std::string_view text) {
    if (text.starts_with('\n')) text.remove_prefix(1);
    if (text.ends_with('\n')) text.remove_suffix(1);
    return text;
}

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
            case CallStyle::Invoke: return invoke();
            case CallStyle::Python: return python();
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

    bool xml() {
        if (!m_cursor.eat("<function=")) return false;
        const auto name = m_cursor.until(">");
        if (!name || !isFunctionName(*name)) return false;
        Json arguments = Json::object();
        for (m_cursor.skipSpaces(); m_cursor.eat("<parameter="); m_cursor.skipSpaces()) {
            const auto key = m_cursor.until(">");
            const auto value = key ? m_cursor.until("</parameter>") : std::nullopt;
            if (!value) return false;
            const std::string keyText(*key);
            arguments[keyText] = argumentOf(m_tools, *name, keyText, withoutOneLineEnd(*value));
        }
        if (!m_cursor.eat("</function>")) return false;
        m_calls.push_back({{}, std::string(*name), jsonText(arguments)});
        return mayEnd({"</tool_call>", "</seed:tool_call>"});
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

    /// One call; what stands around several is passed.
    bool invoke() {
        if (m_cursor.eat("<minimax:tool_call>") || m_cursor.eat("</minimax:tool_call>"))
            return true;
        const auto name = quotedAfter("<invoke name=");
        if (!name || !isFunctionName(*name)) return false;
        Json arguments = Json::object();
        for (m_cursor.skipSpaces(); m_cursor.peek() == '<'; m_cursor.skipSpaces()) {
            if (m_cursor.eat("</invoke>")) {
                m_calls.push_back({{}, std::string(*name), jsonText(arguments)});
                return true;
            }
            const auto key = quotedAfter("<parameter name=");
            const auto value = key ? m_cursor.until("</parameter>") : std::nullopt;
            if (!value) return false;
            const std::string keyText(*key);
            arguments[keyText] = argumentOf(m_tools, *name, keyText, withoutOneLineEnd(*value));
        }
        return false;
    }

    /// TEXT of LITERAL"TEXT">.
    std::optional<std::string_view> quotedAfter(std::string_view literal) {
        if (!m_cursor.eat(literal) || !m_cursor.eat("\"")) return std::nullopt;
        return m_cursor.until("\">");
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

    bool bareCalls() { return m_cursor.peek() == '[' ? pythonCalls() : bareObjects(); }

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
