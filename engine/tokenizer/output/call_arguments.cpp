#include "engine/tokenizer/output/call_arguments.h"

#include <algorithm>
#include <utility>

#include "engine/tokenizer/output/python_value.h"

namespace conclave::engine {
namespace {

bool addCall(const CallJson& object, Calls& calls) {
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
        const CallJson& arguments = object[key];  // some models write the object as a text
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

bool addNamedCall(const CallJson& object, Calls& calls) {
    if (!object.is_object() || object.size() != 1 || !object.front().is_object()) return false;
    const std::string& name = object.begin().key();
    if (!isFunctionName(name)) return false;
    calls.push_back({{}, name, jsonText(object.front())});
    return true;
}

template <typename AddOne>
bool addEach(std::string_view json, Calls& calls, AddOne&& addOne) {
    const CallJson value = CallJson::parse(json, nullptr, false);
    if (!value.is_array()) return addOne(value, calls);
    return !value.empty() && std::all_of(value.begin(), value.end(),
                                         [&](const CallJson& each) { return addOne(each, calls); });
}

/// The schema's type of an argument; empty if unknown.
std::string declaredType(const CallJson& tools, std::string_view function, const std::string& key) {
    if (!tools.is_array()) return {};
    for (const CallJson& tool : tools) {
        const CallJson& declared = tool.contains("function") ? tool["function"] : tool;
        if (!declared.is_object() || !declared.contains("name") || declared["name"] != function) {
            continue;
        }
        const auto pointer = CallJson::json_pointer("/parameters/properties");
        if (!declared.contains(pointer) || !declared[pointer].contains(key)) return {};
        const CallJson& schema = declared[pointer][key];
        return schema.is_object() && schema.contains("type") && schema["type"].is_string()
                   ? schema["type"].get<std::string>()
                   : std::string();
    }
    return {};
}

}  // namespace

std::string_view trimmedText(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string jsonText(const CallJson& value) {
    return value.dump(-1, ' ', false, CallJson::error_handler_t::replace);
}

bool isFunctionName(std::string_view text) {
    constexpr std::size_t kLongest = 256;
    return !text.empty() && text.size() <= kLongest &&
           text.find_first_of(" \t\r\n<>\"'{}[]()|") == std::string_view::npos;
}

bool addCalls(std::string_view json, Calls& calls) { return addEach(json, calls, addCall); }

bool addNamedCalls(std::string_view json, Calls& calls) {
    return addEach(json, calls, addNamedCall);
}

CallJson argumentOf(const CallJson& tools, std::string_view function, const std::string& key,
                    std::string_view written) {
    if (declaredType(tools, function, key) != "string") {
        const std::string_view text = trimmedText(written);
        if (text == "True") return true;  // templates write values as Python does
        if (text == "False") return false;
        if (text == "None") return nullptr;
        CallJson value = CallJson::parse(text, nullptr, false);
        if (!text.empty() && !value.is_discarded()) return value;
        if (text.starts_with('[') || text.starts_with('{')) {
            if (auto python = readPythonValue(text)) return std::move(*python);
        }
    }
    return std::string(written);
}

std::string_view withoutFrame(std::string_view text) {
    if (!text.starts_with('\n')) return text;
    text.remove_prefix(1);
    if (text.ends_with('\n')) text.remove_suffix(1);
    return text;
}

}  // namespace conclave::engine
