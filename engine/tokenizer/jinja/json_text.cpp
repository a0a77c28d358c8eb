#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/utf8.h"
#include "engine/tokenizer/jinja/runtime.h"

namespace conclave::engine::jinja {
namespace {

constexpr int kDeepestJson = 60;
constexpr std::string_view kJsonHex = "0123456789abcdef";

class JsonWriter {
public:
    JsonWriter(Runtime& runtime, const JsonStyle& style) : m_runtime(runtime), m_style(style) {}

    MarkedText write(const Value& value) {
        writeValue(value, 0);
        return std::move(m_out);
    }

private:
    void put(std::string_view text) { m_out.append(text, Origin::Data); }

    void writeValue(const Value& value, int depth) {
        if (depth > kDeepestJson) {
            m_runtime.fail("a value is nested too deeply for tojson", ErrorCode::LimitExceeded);
            return;
        }
        if (!m_runtime.charge()) return;
        if (value.is<None>()) return put("null");
        if (value.is<bool>()) return put(value.as<bool>() ? "true" : "false");
        if (value.is<std::int64_t>()) return put(std::to_string(value.integer()));
        if (value.is<double>()) return writeFloat(value.number());
        if (value.isText()) return writeText(value.text());
        if (value.is<List*>()) return writeList(*value.as<List*>(), depth);
        if (value.is<Dict*>()) return writeDict(*value.as<Dict*>(), depth);
        m_runtime.fail("tojson cannot write " + std::string(Runtime::typeName(value)));
    }

    void writeFloat(double value) {
        if (std::isnan(value)) return put("NaN");
        if (std::isinf(value)) return put(value > 0 ? "Infinity" : "-Infinity");
        put(floatText(value));
    }

    void writeText(const MarkedText& text) {
        if (!m_runtime.chargeBytes(text.size())) return;
        put("\"");
        const std::string_view bytes = text.bytes();
        for (std::size_t i = 0; i < bytes.size();) {
            const std::size_t begin = i;
            const char32_t character = nextCodePoint(bytes, i);
            constexpr std::string_view kEscaped = "\"\\\n\r\t\b\f";
            constexpr std::string_view kNames = "\"\\nrtbf";
            const std::size_t which =
                character < 0x80 ? kEscaped.find(bytes[begin]) : std::string_view::npos;
            if (which != std::string_view::npos) {
                const std::array<char, 2> escape = {'\\', kNames[which]};
                m_out.append({escape.data(), escape.size()}, text.origin(begin));
            } else if (character < 0x20 || (m_style.ensureAscii && character > 0x7E)) {
                writeEscaped(character, text.origin(begin));
            } else {
                m_out.append(text, begin, i - begin);
            }
        }
        put("\"");
    }

    void writeEscaped(char32_t character, Origin origin) {
        if (character > 0xFFFF) {
            const char32_t offset = character - 0x10000;
            writeEscaped(0xD800 + (offset >> 10u), origin);
            writeEscaped(0xDC00 + (offset & 0x3FFu), origin);
            return;
        }
        const std::array<char, 6> escape = {'\\',
                                            'u',
                                            kJsonHex[(character >> 12u) & 0xFu],
                                            kJsonHex[(character >> 8u) & 0xFu],
                                            kJsonHex[(character >> 4u) & 0xFu],
                                            kJsonHex[character & 0xFu]};
        m_out.append({escape.data(), escape.size()}, origin);
    }

    /// A line end and indentation, or nothing in the one-line style.
    void newLine(int depth) {
        if (!m_style.indent) return;
        const auto width =
            static_cast<std::size_t>(*m_style.indent) * static_cast<std::size_t>(depth);
        if (!m_runtime.chargeBytes(width)) return;
        put("\n");
        put(std::string(width, ' '));
    }

    void separate(std::size_t i, int depth) {
        if (i > 0) {
            std::string_view separator = m_style.itemSeparator;
            if (m_style.indent && separator == ", ") separator = ",";
            put(separator);
        }
        newLine(depth);
    }

    void writeList(const List& list, int depth) {
        put("[");
        for (std::size_t i = 0; i < list.items.size() && !m_runtime.failed(); ++i) {
            separate(i, depth + 1);
            writeValue(list.items[i], depth + 1);
        }
        if (!list.items.empty()) newLine(depth);
        put("]");
    }

    void writeDict(const Dict& dict, int depth) {
        std::vector<const std::pair<Value, Value>*> entries;
        for (const auto& entry : dict.entries) entries.push_back(&entry);
        if (m_style.sortKeys) {
            std::stable_sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) {
                return a->first.isText() && b->first.isText() &&
                       a->first.bytes() < b->first.bytes();
            });
        }
        put("{");
        for (std::size_t i = 0; i < entries.size() && !m_runtime.failed(); ++i) {
            separate(i, depth + 1);
            const Value& key = entries[i]->first;
            if (key.isText()) {
                writeText(key.text());
            } else {  // JSON has text keys only
                put("\"");
                writeValue(key, depth + 1);
                put("\"");
            }
            put(m_style.keySeparator);
            writeValue(entries[i]->second, depth + 1);
        }
        if (!entries.empty()) newLine(depth);
        put("}");
    }

    Runtime& m_runtime;
    const JsonStyle& m_style;
    MarkedText m_out;
};

}  // namespace

MarkedText toJson(Runtime& runtime, const Value& value, const JsonStyle& style) {
    return JsonWriter(runtime, style).write(value);
}

}  // namespace conclave::engine::jinja
