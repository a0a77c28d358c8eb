#include "engine/tokenizer/jinja/runtime.h"

#include <algorithm>

#include "engine/tokenizer/jinja/limits.h"

namespace conclave::engine::jinja {

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

}  // namespace conclave::engine::jinja
