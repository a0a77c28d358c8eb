#include "engine/tokenizer/output/python_value.h"

#include <string>
#include <string_view>
#include <utility>

#include "base/utf8.h"

namespace conclave::engine {
namespace {

using PythonJson = nlohmann::ordered_json;

constexpr int kDeepestPython = 64;

std::optional<PythonJson> pythonValue(CallCursor& cursor, int depth);

/// The code point of `nDigits` hexadecimal digits; none if they are not.
std::optional<std::uint32_t> hexDigits(std::string_view text, std::size_t nDigits) {
    if (text.size() < nDigits) return std::nullopt;
    std::uint32_t value = 0;
    for (const char c : text.substr(0, nDigits)) {
        const std::string_view kDigits = "0123456789abcdef";
        const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
        const std::size_t digit = kDigits.find(lower);
        if (digit == std::string_view::npos) return std::nullopt;
        value = value * 16 + static_cast<std::uint32_t>(digit);
    }
    return value;
}

/// As Python reads it; what is no escape stays as it is written.
std::string withoutPythonEscapes(std::string_view written) {
    constexpr std::string_view kLetters = "ntr\\'\"0";
    constexpr std::string_view kMeanings{"\n\t\r\\'\"\0", 7};
    std::string text;
    for (std::size_t i = 0; i < written.size(); ++i) {
        if (written[i] != '\\' || i + 1 == written.size()) {
            text += written[i];
            continue;
        }
        const char letter = written[++i];
        const std::size_t known = kLetters.find(letter);
        const std::size_t nDigits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
        const auto code = nDigits > 0 ? hexDigits(written.substr(i + 1), nDigits) : std::nullopt;
        if (known != std::string_view::npos) {
            text += kMeanings[known];
        } else if (code) {
            appendUtf8(text, static_cast<char32_t>(*code));
            i += nDigits;
        } else {
            text += '\\';
            text += letter;
        }
    }
    return text;
}

/// Looks at what follows, without moving.
bool mayEndValue(CallCursor& cursor) {
    constexpr std::string_view kFollowers{",)]}:\0", 6};
    const std::size_t before = cursor.at();
    cursor.skipSpaces();
    const bool may = kFollowers.find(cursor.peek()) != std::string_view::npos;
    cursor.moveTo(before);
    return may;
}

std::optional<PythonJson> pythonText(CallCursor& cursor, std::string_view quote) {
    std::string written;
    while (true) {
        const auto piece = cursor.until(quote);
        if (!piece) return std::nullopt;
        written += *piece;
        const std::size_t last = written.find_last_not_of('\\');
        const std::size_t nBackslashes =
            written.size() - (last == std::string::npos ? 0 : last + 1);
        if (nBackslashes % 2 == 0 && mayEndValue(cursor)) {
            return PythonJson(withoutPythonEscapes(written));
        }
        written += quote;
    }
}

/// Values up to `end`, which is passed; a comma may stand before it.
std::optional<PythonJson> pythonList(CallCursor& cursor, std::string_view end, int depth) {
    PythonJson list = PythonJson::array();
    while (true) {
        cursor.skipSpaces();
        if (cursor.eat(end)) return list;
        if (!list.empty()) {
            if (!cursor.eat(",")) return std::nullopt;
            cursor.skipSpaces();
            if (cursor.eat(end)) return list;
        }
        auto value = pythonValue(cursor, depth);
        if (!value) return std::nullopt;
        list.push_back(std::move(*value));
    }
}

std::optional<PythonJson> pythonDictionary(CallCursor& cursor, int depth) {
    PythonJson object = PythonJson::object();
    while (true) {
        cursor.skipSpaces();
        if (cursor.eat("}")) return object;
        if (!object.empty()) {
            if (!cursor.eat(",")) return std::nullopt;
            cursor.skipSpaces();
            if (cursor.eat("}")) return object;
        }
        const auto key = pythonValue(cursor, depth);
        if (!key || !(key->is_string() || key->is_number())) return std::nullopt;
        cursor.skipSpaces();
        if (!cursor.eat(":")) return std::nullopt;
        auto value = pythonValue(cursor, depth);
        if (!value) return std::nullopt;
        object[key->is_string() ? key->get<std::string>() : key->dump()] = std::move(*value);
    }
}

std::optional<PythonJson> pythonValue(CallCursor& cursor, int depth) {
    if (depth > kDeepestPython) return std::nullopt;
    cursor.skipSpaces();
    switch (cursor.peek()) {
        case '"':
        case '\'': {
            const std::string quote(1, cursor.peek());
            return cursor.eat(quote) ? pythonText(cursor, quote) : std::nullopt;
        }
        case '[': return cursor.eat("[") ? pythonList(cursor, "]", depth + 1) : std::nullopt;
        case '(': return cursor.eat("(") ? pythonList(cursor, ")", depth + 1) : std::nullopt;
        case '{': return cursor.eat("{") ? pythonDictionary(cursor, depth + 1) : std::nullopt;
        default: break;
    }
    const auto plain = cursor.untilAnyOf(",)]}: \t\r\n");
    if (!plain) return std::nullopt;
    if (*plain == "True" || *plain == "true") return PythonJson(true);
    if (*plain == "False" || *plain == "false") return PythonJson(false);
    if (*plain == "None" || *plain == "null") return PythonJson(nullptr);
    PythonJson value = PythonJson::parse(*plain, nullptr, false);
    if (!value.is_number()) return std::nullopt;
    return value;
}

}  // namespace

std::optional<nlohmann::ordered_json> readPythonValue(std::string_view text) {
    CallCursor cursor(text, true);
    auto value = pythonValue(cursor, 0);
    cursor.skipSpaces();
    if (!cursor.rest().empty()) return std::nullopt;
    return value;
}

std::optional<nlohmann::ordered_json> readPythonArguments(CallCursor& cursor) {
    PythonJson arguments = PythonJson::object();
    while (true) {
        cursor.skipSpaces();
        if (cursor.eat(")")) return arguments;
        if (!arguments.empty()) {
            if (!cursor.eat(",")) return std::nullopt;
            cursor.skipSpaces();
            if (cursor.eat(")")) return arguments;
        }
        const auto key = cursor.word();
        if (!key || key->empty()) return std::nullopt;
        const std::string name(*key);
        cursor.skipSpaces();
        if (!cursor.eat("=")) return std::nullopt;
        auto value = pythonValue(cursor, 0);
        if (!value) return std::nullopt;
        arguments[name] = std::move(*value);
    }
}

}  // namespace conclave::engine
