#include "engine/tokenizer/jinja/runtime.h"

#include <charconv>
#include <cmath>

#include "engine/tokenizer/jinja/limits.h"

namespace conclave::engine::jinja {

std::string floatText(double value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    char buffer[64];
    const double magnitude = std::abs(value);
    constexpr double kFixedBelow = 1e16;
    constexpr double kFixedFrom = 1e-4;
    const bool fixed = magnitude == 0.0 || (magnitude >= kFixedFrom && magnitude < kFixedBelow);
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value,
                                   fixed ? std::chars_format::fixed : std::chars_format::scientific)
                         .ptr;
    std::string text(buffer, end);
    if (fixed && text.find('.') == std::string::npos) text += ".0";
    return text;
}

MarkedText Runtime::toText(const Value& value) {
    if (value.isUndefined()) return {};
    if (value.isText()) return value.text();
    MarkedText out;
    represent(value, out, 0);
    return out;
}

namespace {

/// Python's repr of a string: single quotes unless that needs escapes and double ones do not.
void quote(const MarkedText& text, MarkedText& out) {
    const std::string_view bytes = text.bytes();
    const bool hasSingle = bytes.find('\'') != std::string_view::npos;
    const bool hasDouble = bytes.find('"') != std::string_view::npos;
    const char mark = hasSingle && !hasDouble ? '"' : '\'';
    out.append({&mark, 1}, Origin::Data);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const char c = bytes[i];
        constexpr std::string_view kEscaped = "\n\r\t\\";
        constexpr std::string_view kNames = "nrt\\";
        const std::size_t which = kEscaped.find(c);
        if (which != std::string_view::npos || c == mark) {
            out.append("\\", text.origin(i));
            out.append({c == mark ? &mark : &kNames[which], 1}, text.origin(i));
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
            constexpr std::string_view kHex = "0123456789abcdef";
            const auto byte = static_cast<unsigned char>(c);
            const char escape[] = {'\\', 'x', kHex[byte >> 4u], kHex[byte & 0xFu]};
            out.append({escape, sizeof escape}, text.origin(i));
        } else {
            out.append(text, i, 1);
        }
    }
    out.append({&mark, 1}, Origin::Data);
}

}  // namespace

void Runtime::represent(const Value& value, MarkedText& out, int depth) {
    if (depth > kDeepestValue) {
        fail("a value is nested too deeply to write", ErrorCode::LimitExceeded);
        return;
    }
    if (!charge(1 + (value.isText() ? value.bytes().size() / kBytesAStep : 0))) return;
    if (value.isUndefined()) {
        out.append("Undefined", Origin::Template);
    } else if (value.is<None>()) {
        out.append("None", Origin::Template);
    } else if (value.is<bool>()) {
        out.append(value.as<bool>() ? "True" : "False", Origin::Template);
    } else if (value.is<std::int64_t>()) {
        out.append(std::to_string(value.integer()), Origin::Template);
    } else if (value.is<double>()) {
        out.append(floatText(value.number()), Origin::Template);
    } else if (value.isText()) {
        quote(value.text(), out);
    } else if (value.is<List*>()) {
        const List& list = *value.as<List*>();
        out.append(list.isTuple ? "(" : "[", Origin::Data);
        for (std::size_t i = 0; i < list.items.size() && !failed(); ++i) {
            if (i > 0) out.append(", ", Origin::Data);
            represent(list.items[i], out, depth + 1);
        }
        if (list.isTuple && list.items.size() == 1) out.append(",", Origin::Data);
        out.append(list.isTuple ? ")" : "]", Origin::Data);
    } else if (value.is<Dict*>()) {
        const Dict& dict = *value.as<Dict*>();
        out.append("{", Origin::Data);
        for (std::size_t i = 0; i < dict.entries.size() && !failed(); ++i) {
            if (i > 0) out.append(", ", Origin::Data);
            represent(dict.entries[i].first, out, depth + 1);
            out.append(": ", Origin::Data);
            represent(dict.entries[i].second, out, depth + 1);
        }
        out.append("}", Origin::Data);
    } else {
        fail("cannot write " + std::string(typeName(value)));
    }
}

}  // namespace conclave::engine::jinja
