#include "engine/tokenizer/jinja/runtime.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/utf8.h"
#include "engine/tokenizer/jinja/limits.h"
#include "engine/tokenizer/jinja/text_tools.h"

namespace conclave::engine::jinja {

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

}  // namespace conclave::engine::jinja
