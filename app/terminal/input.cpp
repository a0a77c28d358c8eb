#include "app/terminal/input.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <utility>

#include "app/services/services.h"

namespace conclave::terminal {
namespace {

using Json = nlohmann::ordered_json;

/// What is wrong with a function; empty: nothing.
std::string problemOf(const Json& function, const std::set<std::string>& known) {
    if (!function.is_object()) return "is no object with a \"function\"";
    const auto name = function.find("name");
    if (name == function.end() || !name->is_string() || name->get<std::string>().empty()) {
        return "has no \"name\"";
    }
    if (known.contains(name->get<std::string>())) {
        return "has the name of an earlier one, \"" + name->get<std::string>() + "\"";
    }
    const auto parameters = function.find("parameters");
    if (parameters != function.end() && !parameters->is_object()) {
        return "has \"parameters\" that are no JSON schema (an object)";
    }
    return {};
}

constexpr std::array<std::string_view, 5> kRoles = {"system", "developer", "user", "assistant",
                                                    "tool"};

std::string problemOfMessage(const Json& message) {
    if (!message.is_object()) return "is no object";
    const auto role = message.find("role");
    constexpr std::string_view kAllowed = "system, developer, user, assistant or tool";
    if (role == message.end() || !role->is_string() || role->get<std::string>().empty()) {
        return "has no \"role\" (" + std::string(kAllowed) + ")";
    }
    const auto& name = role->get_ref<const std::string&>();
    if (std::find(kRoles.begin(), kRoles.end(), name) == kRoles.end()) {
        return "has the role \"" + name + "\", which is none of " + std::string(kAllowed);
    }
    const auto content = message.find("content");
    const bool hasContent = content != message.end() && !content->is_null();
    if (hasContent && !content->is_string() && !content->is_array()) {
        return "has a \"content\" that is no text";
    }
    if (!hasContent && !message.contains("tool_calls")) return "has no \"content\"";
    return {};
}

}  // namespace

Result<std::string> readFile(const std::string& path) {
    if (path == "-") return std::string{std::istreambuf_iterator<char>(std::cin), {}};
    std::error_code problem;
    if (std::filesystem::is_directory(path, problem)) {
        return fail(ErrorCode::InvalidArgument, path + " is a folder; give a file");
    }
    std::ifstream stream(path, std::ios::binary);
    if (!stream)
        return fail(ErrorCode::NotFound, "cannot open " + path + ": " + std::strerror(errno));
    std::string text;
    std::array<char, 65536> bytes{};
    while (stream.read(bytes.data(), bytes.size()) || stream.gcount() > 0) {
        text.append(bytes.data(), static_cast<std::size_t>(stream.gcount()));
    }
    if (stream.bad()) return fail(ErrorCode::Io, "cannot read " + path);
    return text;
}

Result<Json> readTools(const std::string& path) {
    const auto text = readFile(path);
    if (!text) return tl::unexpected(text.error());
    constexpr std::string_view kForm =
        "; tools are a JSON list such as [{\"type\":\"function\",\"function\":{\"name\":"
        "\"weather\",\"description\":\"…\",\"parameters\":{\"type\":\"object\",\"properties\":{}}}}"
        "]";
    const auto refuse = [&](const std::string& what) {
        return fail(ErrorCode::InvalidArgument, path + " " + what + std::string(kForm));
    };
    Json given = Json::parse(*text, nullptr, false);
    if (given.is_discarded()) return refuse("is no JSON");
    if (given.is_object() && given.contains("tools")) given = Json(given["tools"]);
    if (!given.is_array() || given.empty()) return refuse("holds no list of tools");
    Json tools = Json::array();
    std::set<std::string> known;
    for (const Json& each : given) {
        const bool isWrapped = each.is_object() && each.contains("function");
        const Json& function = isWrapped ? each["function"] : each;
        if (const std::string problem = problemOf(function, known); !problem.empty()) {
            return refuse("cannot be used: tool " + std::to_string(tools.size() + 1) + " " +
                          problem);
        }
        known.insert(function["name"].get<std::string>());
        Json tool = isWrapped ? each : Json{{"function", each}};
        if (!tool.contains("type")) tool = Json{{"type", "function"}, {"function", function}};
        tools.push_back(std::move(tool));
    }
    return tools;
}

Result<Json> readMessages(const std::string& path) {
    const auto text = readFile(path);
    if (!text) return tl::unexpected(text.error());
    const auto refuse = [&](const std::string& what) {
        return fail(ErrorCode::InvalidArgument,
                    path + " " + what +
                        "; a conversation is a JSON list such as [{\"role\":\"user\","
                        "\"content\":\"…\"}], see `conclave generate --help`");
    };
    Json messages = Json::parse(*text, nullptr, false);
    if (messages.is_discarded()) return refuse("is no JSON");
    if (messages.is_object() && messages.contains("messages")) {
        messages = Json(messages["messages"]);
    }
    if (!messages.is_array() || messages.empty()) return refuse("holds no list of messages");
    int number = 0;
    for (Json& message : messages) {
        const std::string which = "cannot be used: message " + std::to_string(++number) + " ";
        if (const std::string problem = problemOfMessage(message); !problem.empty()) {
            return refuse(which + problem);
        }
        if (!message.contains("content") || message["content"].is_null()) message["content"] = "";
        if (!message.contains("tool_calls") || message["tool_calls"].is_null()) continue;
        if (!message["tool_calls"].is_array()) return refuse(which + "has no list of tool_calls");
        int nCalls = 0;
        for (Json& call : message["tool_calls"]) {
            auto full = services::callForTemplate(call, nCalls++);
            if (!full) return refuse(which + "has a call without the name of a function");
            call = std::move(*full);
        }
    }
    return messages;
}

}  // namespace conclave::terminal
