#include "engine/tokenizer/output/gemma_value.h"

#include <string>

namespace conclave::engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDeepestArgument = 64;

/// A text between the marks that stand for quotation marks.
std::optional<std::string_view> markedText(CallCursor& cursor) {
    for (const std::string_view mark : {std::string_view("<|\"|>"), std::string_view("<escape>")}) {
        if (cursor.eat(mark)) return cursor.until(mark);
    }
    return std::nullopt;
}

std::optional<Json> gemmaObject(CallCursor& cursor, int depth) {
    Json object = Json::object();
    while (true) {
        cursor.skipSpaces();
        if (cursor.eat("}")) return object;
        if (!object.empty() && !cursor.eat(",")) return std::nullopt;
        cursor.skipSpaces();
        std::optional<std::string_view> key = markedText(cursor);
        if (cursor.isStarved()) return std::nullopt;
        if (!key) key = cursor.untilAnyOf(":,}");
        if (!key || !cursor.eat(":")) return std::nullopt;
        const std::string name(*key);
        auto value = readGemmaValue(cursor, depth + 1);
        if (!value) return std::nullopt;
        object[name] = std::move(*value);
    }
}

std::optional<Json> gemmaList(CallCursor& cursor, int depth) {
    Json list = Json::array();
    while (true) {
        cursor.skipSpaces();
        if (cursor.eat("]")) return list;
        if (!list.empty() && !cursor.eat(",")) return std::nullopt;
        auto value = readGemmaValue(cursor, depth + 1);
        if (!value) return std::nullopt;
        list.push_back(std::move(*value));
    }
}

}  // namespace

std::optional<Json> readGemmaValue(CallCursor& cursor, int depth) {
    if (depth > kDeepestArgument) return std::nullopt;
    cursor.skipSpaces();
    if (cursor.eat("{")) return gemmaObject(cursor, depth);
    if (cursor.eat("[")) return gemmaList(cursor, depth);
    const auto text = markedText(cursor);
    if (text) return Json(std::string(*text));
    if (cursor.isStarved()) return std::nullopt;
    const auto plain = cursor.untilAnyOf(",}]");
    if (!plain) return std::nullopt;
    Json value = Json::parse(*plain, nullptr, false);
    return value.is_discarded() ? Json(std::string(*plain)) : value;
}

}  // namespace conclave::engine
