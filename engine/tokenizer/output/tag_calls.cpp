#include "engine/tokenizer/output/tag_calls.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace conclave::engine {
namespace {

struct InvokeWords {
    std::string_view call, parameter, parameterEnd, callEnd;
};

constexpr InvokeWords kInvokes[] = {
    {"<invoke name=\"", "<parameter name=\"", "</parameter>", "</invoke>"},
    {"<｜DSML｜invoke name=\"", "<｜DSML｜parameter name=\"", "</｜DSML｜parameter>",
     "</｜DSML｜invoke>"},
    {"<function name=\"", "<param name=\"", "</param>", "</function>"},
    {"<atem:invoke name=\"", "<atem:parameter name=\"", "</atem:parameter>", "</atem:invoke>"},
};

constexpr std::string_view kAroundInvokes[] = {
    "<minimax:tool_call>",   "</minimax:tool_call>",     "<｜DSML｜tool_calls>",
    "</｜DSML｜tool_calls>", "<｜DSML｜function_calls>", "</｜DSML｜function_calls>",
    "<atem:function_calls>", "</atem:function_calls>",
};

/// Behind a tag's beginning: KEY" OTHER="…" …>. Its value, up to the end mark.
bool readParameter(CallCursor& cursor, const InvokeWords& words, const CallJson& tools,
                   std::string_view function, CallJson& arguments) {
    const auto key = cursor.until("\"");
    const auto others = key ? cursor.until(">") : std::nullopt;
    if (!others) return false;
    const std::string keyText(*key);
    const bool isText = trimmedText(*others) == "string=\"true\"";
    if (cursor.eat("<![CDATA[")) {
        const auto value = cursor.until("]]>");
        if (!value) return false;
        arguments[keyText] = *value;
        cursor.skipSpaces();
        return cursor.eat(words.parameterEnd);
    }
    const auto value = cursor.until(words.parameterEnd);
    if (!value) return false;
    arguments[keyText] =
        isText ? CallJson(*value) : argumentOf(tools, function, keyText, withoutFrame(*value));
    return true;
}

constexpr std::string_view kNestedMark = "]<]minimax[>[";
constexpr int kDeepestTag = 64;

/// Behind the beginning of a tag: a value and the tag's end. Tags in it are a list if they are
/// named as items.
std::optional<CallJson> readTagValue(CallCursor& cursor, const CallJson& tools,
                                     std::string_view function, const std::string& key, int depth) {
    const std::string end = "</" + key + ">";
    const auto text = cursor.until(kNestedMark);
    if (!text || depth > kDeepestTag) return std::nullopt;
    if (cursor.eat(end)) return argumentOf(tools, function, key, *text);
    CallJson list = CallJson::array();
    CallJson object = CallJson::object();
    do {
        const auto name = cursor.eat("<") ? cursor.until(">") : std::nullopt;
        if (!name || name->starts_with('/')) return std::nullopt;
        const std::string nameText(*name);
        auto value = readTagValue(cursor, CallJson(), function, nameText, depth + 1);
        if (!value) return std::nullopt;
        (nameText == "item" ? list.emplace_back() : object[nameText]) = std::move(*value);
        cursor.skipSpaces();
        if (!cursor.eat(kNestedMark)) return std::nullopt;
    } while (!cursor.eat(end));
    return list.empty() ? object : list;
}

/// The value of an attribute in KEY="VALUE" KEY="VALUE"; empty if it is not there.
std::string attribute(std::string_view written, std::string_view key) {
    const std::string begin = std::string(key) + "=\"";
    const std::size_t found = written.find(begin);
    if (found == std::string_view::npos) return {};
    std::string_view value = written.substr(found + begin.size());
    value = value.substr(0, value.find('"'));
    constexpr std::pair<std::string_view, char> kEntities[] = {{"&quot;", '"'}, {"&amp;", '&'}};
    std::string text;
    while (!value.empty()) {
        const auto* const entity =
            std::find_if(std::begin(kEntities), std::end(kEntities),
                         [&](const auto& each) { return value.starts_with(each.first); });
        const bool isEntity = entity != std::end(kEntities);
        text += isEntity ? entity->second : value.front();
        value.remove_prefix(isEntity ? entity->first.size() : 1);
    }
    return text;
}

}  // namespace

bool readInvoke(CallCursor& cursor, const CallJson& tools, Calls& calls) {
    for (const std::string_view mark : kAroundInvokes) {
        if (cursor.eat(mark)) return true;
    }
    for (const InvokeWords& words : kInvokes) {
        if (!cursor.eat(words.call)) continue;
        const auto name = cursor.until("\">");
        if (!name || !isFunctionName(*name)) return false;
        CallJson arguments = CallJson::object();
        for (cursor.skipSpaces(); !cursor.eat(words.callEnd); cursor.skipSpaces()) {
            const bool isRead = cursor.eat(words.parameter) &&
                                readParameter(cursor, words, tools, *name, arguments);
            if (!isRead) return false;
        }
        calls.push_back({{}, std::string(*name), jsonText(arguments)});
        return true;
    }
    return false;
}

bool readNestedTags(CallCursor& cursor, const CallJson& tools, Calls& calls) {
    if (!cursor.eat(kNestedMark)) return false;
    if (cursor.eat("<tool_call>") || cursor.eat("</tool_call>")) return true;
    if (!cursor.eat("<invoke name=\"")) return false;
    const auto name = cursor.until("\">");
    if (!name || !isFunctionName(*name)) return false;
    CallJson arguments = CallJson::object();
    while (true) {
        cursor.skipSpaces();
        if (!cursor.eat(kNestedMark)) return false;
        if (cursor.eat("</invoke>")) break;
        const auto key = cursor.eat("<") ? cursor.until(">") : std::nullopt;
        if (!key) return false;
        const std::string keyText(*key);
        auto value = readTagValue(cursor, tools, *name, keyText, 0);
        if (!value) return false;
        arguments[keyText] = std::move(*value);
    }
    calls.push_back({{}, std::string(*name), jsonText(arguments)});
    return true;
}

bool readOpenClose(CallCursor& cursor, Calls& calls) {
    constexpr std::string_view kTagEnd = "<|sep|>";
    if (cursor.eat("<|open|>tools<|sep|>") || cursor.eat("<|close|>tools<|sep|>")) return true;
    if (!cursor.eat("<|open|>call ")) return false;
    const auto head = cursor.until(kTagEnd);
    if (!head) return false;
    const std::string name = attribute(*head, "tool");
    if (!isFunctionName(name)) return false;
    CallJson arguments = CallJson::object();
    for (cursor.skipSpaces(); !cursor.eat("<|close|>call<|sep|>"); cursor.skipSpaces()) {
        const auto tag = cursor.eat("<|open|>argument ") ? cursor.until(kTagEnd) : std::nullopt;
        const auto value = tag ? cursor.until("<|close|>argument<|sep|>") : std::nullopt;
        if (!value) return false;
        const bool isText = attribute(*tag, "type") == "string" || !CallJson::accept(*value);
        arguments[attribute(*tag, "key")] = isText ? CallJson(*value) : CallJson::parse(*value);
    }
    calls.push_back({{}, name, jsonText(arguments)});
    return true;
}

}  // namespace conclave::engine
