#include "engine/tokenizer/jinja/runtime.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/utf8.h"
#include "engine/tokenizer/jinja/text_tools.h"

namespace conclave::engine::jinja {
namespace {

// Generous for a long conversation (some 100 steps a message), and still over within seconds.
constexpr std::size_t kMostSteps = 10'000'000;
constexpr std::size_t kBytesAStep = 16;
constexpr std::size_t kLongestText = std::size_t{16} << 20u;
constexpr int kDeepestValue = 60;

std::string quoted(std::string_view name) {
    return std::string(1, '\'').append(name).append(1, '\'');
}

}  // namespace

Value Runtime::fail(std::string_view what, ErrorCode code) {
    if (!m_error) {
        m_error =
            Error{code, "chat template, line " + std::to_string(m_line) + ": " + std::string(what)};
    }
    return {};
}

bool Runtime::charge(std::size_t nSteps) {
    if (m_error) return false;
    m_steps += nSteps;
    if (m_steps <= kMostSteps) return true;
    fail("the template takes too many steps", ErrorCode::LimitExceeded);
    return false;
}

bool Runtime::chargeBytes(std::size_t nBytes) {
    if (nBytes > kLongestText) {
        fail("a text grew past 16 MiB", ErrorCode::LimitExceeded);
        return false;
    }
    return charge(1 + nBytes / kBytesAStep);
}

// ---------------------------------------------------------------------------------- making values

Value Runtime::text(MarkedText text) {
    if (!chargeBytes(text.size())) return {};
    return Value(TextPtr(std::make_shared<const MarkedText>(std::move(text))));
}

Value Runtime::list(std::vector<Value> items, bool isTuple) {
    if (!charge(1 + items.size())) return {};
    m_lists.push_back({std::move(items), isTuple});
    return Value(&m_lists.back());
}

Dict* Runtime::newDict() {
    charge();
    return &m_dicts.emplace_back();
}

Loop* Runtime::newLoop() {
    charge();
    return &m_loops.emplace_back();
}

Value Runtime::function(Function function) {
    m_functions.push_back(function);
    return Value(static_cast<const Function*>(&m_functions.back()));
}

std::string_view Runtime::keep(std::string_view name) {
    constexpr std::size_t kLongestName = 100;
    return charge() ? std::string_view(m_names.emplace_back(name.substr(0, kLongestName)))
                    : std::string_view();
}

Value Runtime::fromJson(const nlohmann::ordered_json& json, int depth) {
    if (depth > kDeepestValue) {
        return fail("a variable is nested too deeply", ErrorCode::LimitExceeded);
    }
    switch (json.type()) {
        case nlohmann::detail::value_t::null: return Value(None{});
        case nlohmann::detail::value_t::boolean: return Value(json.get<bool>());
        case nlohmann::detail::value_t::number_integer: return Value(json.get<std::int64_t>());
        case nlohmann::detail::value_t::number_unsigned: {
            const auto number = json.get<std::uint64_t>();
            if (number > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
                return Value(static_cast<double>(number));
            }
            return Value(static_cast<std::int64_t>(number));
        }
        case nlohmann::detail::value_t::number_float: return Value(json.get<double>());
        case nlohmann::detail::value_t::string: {
            return text(json.get_ref<const std::string&>(), Origin::Data);
        }
        case nlohmann::detail::value_t::array: {
            std::vector<Value> items;
            for (const auto& item : json) items.push_back(fromJson(item, depth + 1));
            return list(std::move(items));
        }
        case nlohmann::detail::value_t::object: {
            Dict* dict = newDict();
            for (const auto& [key, value] : json.items()) {
                dict->entries.emplace_back(text(key, Origin::Data), fromJson(value, depth + 1));
            }
            return Value(dict);
        }
        default: return {};
    }
}

// ---------------------------------------------------------------------------------- asking values

std::string_view Runtime::typeName(const Value& value) {
    constexpr std::string_view kNames[] = {"undefined", "none",      "a truth value", "an integer",
                                           "a float",   "text",      "a list",        "a dict",
                                           "a loop",    "a function"};
    return kNames[value.storage().index()];
}

bool Runtime::isTrue(const Value& value) {
    if (value.isNumber()) return value.number() != 0.0;
    if (value.isText()) return !value.text().empty();
    if (value.is<List*>()) return !value.as<List*>()->items.empty();
    if (value.is<Dict*>())
        return value.as<Dict*>()->isNamespace || !value.as<Dict*>()->entries.empty();
    return value.is<Loop*>() || value.is<const Function*>();
}

bool Runtime::equal(const Value& a, const Value& b, int depth) {
    if (!charge()) return false;
    if (depth > kDeepestValue) {
        fail("a value is nested too deeply to compare", ErrorCode::LimitExceeded);
        return false;
    }
    if (a.isInteger() && b.isInteger()) return a.integer() == b.integer();
    if (a.isNumber() && b.isNumber()) return a.number() == b.number();
    if (a.storage().index() != b.storage().index()) return false;
    if (a.isText()) {
        return charge(std::min(a.bytes().size(), b.bytes().size()) / kBytesAStep) &&
               a.bytes() == b.bytes();
    }
    if (a.is<List*>()) {
        const List& x = *a.as<List*>();
        const List& y = *b.as<List*>();
        return x.isTuple == y.isTuple &&
               std::equal(x.items.begin(), x.items.end(), y.items.begin(), y.items.end(),
                          [&](const Value& p, const Value& q) { return equal(p, q, depth + 1); });
    }
    if (a.is<Dict*>()) {
        const Dict& x = *a.as<Dict*>();
        const Dict& y = *b.as<Dict*>();
        if (x.isNamespace || y.isNamespace) return &x == &y;
        return x.entries.size() == y.entries.size() &&
               std::all_of(x.entries.begin(), x.entries.end(), [&](const auto& entry) {
                   return std::any_of(y.entries.begin(), y.entries.end(), [&](const auto& other) {
                       return equal(entry.first, other.first, depth + 1) &&
                              equal(entry.second, other.second, depth + 1);
                   });
               });
    }
    if (a.is<Loop*>()) return a.as<Loop*>() == b.as<Loop*>();
    if (a.is<const Function*>()) return a.as<const Function*>() == b.as<const Function*>();
    return true;  // undefined or none on both sides
}

bool Runtime::less(const Value& a, const Value& b, int depth) {
    if (!charge()) return false;
    if (a.isInteger() && b.isInteger()) return a.integer() < b.integer();
    if (a.isNumber() && b.isNumber()) return a.number() < b.number();
    if (a.isText() && b.isText()) {
        // UTF-8 sorts as its code points do.
        return charge(std::min(a.bytes().size(), b.bytes().size()) / kBytesAStep) &&
               a.bytes() < b.bytes();
    }
    if (a.is<List*>() && b.is<List*>() && depth < kDeepestValue) {
        const std::vector<Value>& x = a.as<List*>()->items;
        const std::vector<Value>& y = b.as<List*>()->items;
        for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
            if (!equal(x[i], y[i])) return less(x[i], y[i], depth + 1);
        }
        return x.size() < y.size();
    }
    fail("cannot order " + std::string(typeName(a)) + " and " + std::string(typeName(b)));
    return false;
}

bool Runtime::contains(const Value& container, const Value& item) {
    if (container.isText()) {
        if (!item.isText()) {
            fail("'in' needs text on its left, not " + std::string(typeName(item)));
            return false;
        }
        return charge(container.bytes().size() / kBytesAStep) &&
               container.bytes().find(item.bytes()) != std::string_view::npos;
    }
    const std::vector<Value> all = items(container);
    return std::any_of(all.begin(), all.end(),
                       [&](const Value& value) { return equal(value, item); });
}

std::vector<Value> Runtime::items(const Value& value) {
    std::vector<Value> result;
    if (value.is<List*>()) {
        const List& list = *value.as<List*>();
        if (charge(list.items.size())) result = list.items;
    } else if (value.is<Dict*>() && !value.as<Dict*>()->isNamespace) {
        const Dict& dict = *value.as<Dict*>();
        if (charge(dict.entries.size())) {
            for (const auto& [key, entry] : dict.entries) result.push_back(key);
        }
    } else if (value.isText()) {
        const std::vector<std::size_t> offsets = characterOffsets(value.bytes());
        for (std::size_t i = 0; i + 1 < offsets.size() && charge(); ++i) {
            result.push_back(text(value.text().slice(offsets[i], offsets[i + 1] - offsets[i])));
        }
    } else if (!value.isUndefined()) {
        fail("cannot go through " + std::string(typeName(value)) + " item by item");
    }
    return result;
}

std::int64_t Runtime::length(const Value& value) {
    if (value.isText()) {
        return charge(value.bytes().size() / kBytesAStep)
                   ? static_cast<std::int64_t>(countCodePoints(value.bytes()))
                   : 0;
    }
    if (value.is<List*>()) return std::ssize(value.as<List*>()->items);
    if (value.is<Dict*>()) return std::ssize(value.as<Dict*>()->entries);
    if (!value.isUndefined()) fail(std::string(typeName(value)) + " has no length");
    return 0;
}

Value Runtime::member(const Value& value, std::string_view name) {
    if (failed()) return {};
    if (value.isUndefined()) {
        const std::string_view what = value.as<Undefined>().name;
        return fail(quoted(what.empty() ? "value" : what) + " is undefined, so it has no member " +
                    quoted(name));
    }
    if (value.is<Dict*>()) {
        Dict& dict = *value.as<Dict*>();
        if (!charge(1 + dict.entries.size() / 8)) return {};
        const Value* found = dict.find(name);
        return found != nullptr ? *found : Value(Undefined{name});
    }
    if (value.is<Loop*>()) {
        const Loop& loop = *value.as<Loop*>();
        const auto index = static_cast<std::int64_t>(loop.index);
        const std::int64_t size = std::ssize(loop.items);
        if (name == "index0") return Value(index);
        if (name == "index") return Value(index + 1);
        if (name == "revindex0") return Value(size - index - 1);
        if (name == "revindex") return Value(size - index);
        if (name == "length") return Value(size);
        if (name == "first") return Value(index == 0);
        if (name == "last") return Value(index + 1 == size);
        if (name == "depth") return Value(std::int64_t{1});
        if (name == "depth0") return Value(std::int64_t{0});
        if (name == "previtem" && index > 0) return loop.items[loop.index - 1];
        if (name == "nextitem" && index + 1 < size) return loop.items[loop.index + 1];
    }
    return Value(Undefined{name});
}

Value Runtime::index(const Value& value, const Value& index) {
    if (failed()) return {};
    if (value.is<Dict*>() && !index.isText()) {
        for (const auto& [key, entry] : value.as<Dict*>()->entries) {
            if (equal(key, index)) return entry;
        }
        return {};
    }
    if (index.isText()) {
        const Value found = member(value, index.bytes());
        // The name borrows from `index`, which may be gone before the message is made.
        return found.isUndefined() ? Value(Undefined{keep(index.bytes())}) : found;
    }
    if (value.isUndefined()) return member(value, "[...]");
    if (!index.isInteger()) return {};
    std::int64_t position = index.integer();
    if (value.is<List*>()) {
        const std::vector<Value>& list = value.as<List*>()->items;
        if (position < 0) position += std::ssize(list);
        if (position < 0 || position >= std::ssize(list)) return {};
        return list[static_cast<std::size_t>(position)];
    }
    if (value.isText()) {
        if (!charge(value.bytes().size() / kBytesAStep)) return {};
        const std::vector<std::size_t> offsets = characterOffsets(value.bytes());
        const std::int64_t nCharacters = std::ssize(offsets) - 1;
        if (position < 0) position += nCharacters;
        if (position < 0 || position >= nCharacters) return {};
        const auto i = static_cast<std::size_t>(position);
        return text(value.text().slice(offsets[i], offsets[i + 1] - offsets[i]));
    }
    return {};
}

Value Runtime::slice(const Value& value, const Value& begin, const Value& end, const Value& step) {
    if (failed()) return {};
    const auto given = [](const Value& part) { return !part.isUndefined() && !part.is<None>(); };
    for (const Value* part : {&begin, &end, &step}) {
        if (given(*part) && !part->isInteger()) return fail("a slice needs integers");
    }
    const std::int64_t by = given(step) ? step.integer() : 1;
    if (by == 0 || by == std::numeric_limits<std::int64_t>::min()) {
        return fail("a slice cannot have step 0");
    }
    if (!value.isText() && !value.is<List*>()) {
        return fail("cannot slice " + std::string(typeName(value)));
    }
    const std::vector<Value> all = items(value);
    const std::int64_t size = std::ssize(all);
    // Python's rules: negative positions count from the end, and all are clamped.
    const auto clamp = [&](const Value& part, std::int64_t otherwise) {
        if (!given(part)) return otherwise;
        std::int64_t position = part.integer();
        if (position < 0) position = std::max<std::int64_t>(position, -size - 1) + size;
        return std::clamp<std::int64_t>(position, by > 0 ? 0 : -1, by > 0 ? size : size - 1);
    };
    const std::int64_t from = clamp(begin, by > 0 ? 0 : size - 1);
    const std::int64_t to = clamp(end, by > 0 ? size : -1);
    std::vector<Value> picked;
    for (std::int64_t i = from; by > 0 ? i < to : i > to;) {
        picked.push_back(all[static_cast<std::size_t>(i)]);
        const bool ends = by > 0 ? by >= to - i : by <= to - i;  // also keeps i from overflowing
        if (ends) break;
        i += by;
    }
    if (!value.isText()) return list(std::move(picked), value.as<List*>()->isTuple);
    MarkedText joined;
    for (const Value& character : picked) {
        if (character.isText()) joined.append(character.text());
    }
    return text(std::move(joined));
}

Value Runtime::path(const Value& value, const Value& attribute) {
    if (!attribute.isText()) return index(value, attribute);
    Value current = value;
    for (const MarkedText& part : split(attribute.text(), ".", -1)) {
        std::int64_t position = 0;
        const std::string_view name = part.bytes();
        const auto [stop, error] =
            std::from_chars(name.data(), name.data() + name.size(), position);
        const bool isNumber = error == std::errc() && stop == name.data() + name.size();
        current = isNumber ? index(current, Value(position)) : member(current, name);
        if (current.isUndefined()) current = Value(Undefined{keep(name)});
        if (failed()) return {};
    }
    return current;
}

// ----------------------------------------------------------------------------------------- writing

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

// -------------------------------------------------------------------------------------- operations

Value Runtime::concatenateLists(const Value& a, const Value& b) {
    std::vector<Value> joined = items(a);
    const std::vector<Value> more = items(b);
    joined.insert(joined.end(), more.begin(), more.end());
    return list(std::move(joined), a.as<List*>()->isTuple);
}

Value Runtime::repeat(const Value& value, std::int64_t times) {
    times = std::max<std::int64_t>(times, 0);
    const std::size_t unit =
        value.isText() ? value.bytes().size() : value.as<List*>()->items.size();
    if (times > static_cast<std::int64_t>(kLongestText) ||
        !chargeBytes(unit * static_cast<std::size_t>(times))) {
        return fail("a text grew past 16 MiB", ErrorCode::LimitExceeded);
    }
    MarkedText joined;
    std::vector<Value> repeated;
    for (std::int64_t i = 0; i < times; ++i) {
        if (value.isText()) {
            joined.append(value.text());
        } else {
            const std::vector<Value>& source = value.as<List*>()->items;
            repeated.insert(repeated.end(), source.begin(), source.end());
        }
    }
    return value.isText() ? text(std::move(joined))
                          : list(std::move(repeated), value.as<List*>()->isTuple);
}

Value Runtime::arithmetic(Operation operation, const Value& a, const Value& b) {
    if (a.isInteger() && b.isInteger() && operation != Operation::Divide) {
        const std::int64_t x = a.integer();
        const std::int64_t y = b.integer();
        std::int64_t result = 0;
        bool overflows = false;
        switch (operation) {
            case Operation::Add: overflows = __builtin_add_overflow(x, y, &result); break;
            case Operation::Subtract: overflows = __builtin_sub_overflow(x, y, &result); break;
            case Operation::Multiply: overflows = __builtin_mul_overflow(x, y, &result); break;
            case Operation::Power: {
                if (y < 0) return Value(std::pow(a.number(), b.number()));
                result = 1;
                for (std::int64_t i = 0; i < y && !overflows && x != 1 && charge(); ++i) {
                    overflows = __builtin_mul_overflow(result, x, &result);
                }
                break;
            }
            default: {
                if (y == 0) return fail("division by zero");
                if (y == -1) {  // the one case in which / itself overflows
                    overflows = __builtin_sub_overflow(std::int64_t{0}, x, &result);
                    return overflows
                               ? fail("a number is too large")
                               : Value(operation == Operation::Modulo ? std::int64_t{0} : result);
                }
                // Python rounds down, C++ towards zero.
                const bool adjusts = x % y != 0 && (x < 0) != (y < 0);
                result = operation == Operation::Modulo ? x % y + (adjusts ? y : 0)
                                                        : x / y - (adjusts ? 1 : 0);
            }
        }
        return overflows ? fail("a number is too large") : Value(result);
    }
    const double x = a.number();
    const double y = b.number();
    switch (operation) {
        case Operation::Add: return Value(x + y);
        case Operation::Subtract: return Value(x - y);
        case Operation::Multiply: return Value(x * y);
        case Operation::Power: return Value(std::pow(x, y));
        default: break;
    }
    if (y == 0.0) return fail("division by zero");
    if (operation == Operation::Divide) return Value(x / y);
    const double quotient = std::floor(x / y);
    return operation == Operation::FloorDivide ? Value(quotient) : Value(x - quotient * y);
}

Value Runtime::binary(Operation operation, const Value& a, const Value& b) {
    if (failed()) return {};
    if (operation == Operation::Concatenate) {
        MarkedText joined = toText(a);
        joined.append(toText(b));
        return text(std::move(joined));
    }
    if (a.isNumber() && b.isNumber()) return arithmetic(operation, a, b);
    if (operation == Operation::Add && a.isText() && b.isText()) {
        if (!chargeBytes(a.bytes().size() + b.bytes().size())) return {};
        MarkedText joined = a.text();
        joined.append(b.text());
        return text(std::move(joined));
    }
    if (operation == Operation::Add && a.is<List*>() && b.is<List*>())
        return concatenateLists(a, b);
    if (operation == Operation::Multiply) {
        if ((a.isText() || a.is<List*>()) && b.isInteger()) return repeat(a, b.integer());
        if ((b.isText() || b.is<List*>()) && a.isInteger()) return repeat(b, a.integer());
    }
    for (const Value* value : {&a, &b}) {
        if (value->isUndefined()) {
            const std::string_view name = value->as<Undefined>().name;
            return fail(quoted(name.empty() ? "value" : name) + " is undefined");
        }
    }
    return fail("cannot combine " + std::string(typeName(a)) + " and " + std::string(typeName(b)) +
                " in this way");
}

}  // namespace conclave::engine::jinja
