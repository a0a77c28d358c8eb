// value.h: the values of a running template, after Python's.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/tokenizer/jinja/marked_text.h"

namespace conclave::engine::jinja {

struct List;
struct Dict;
struct Loop;
struct Function;

/// A name or member that does not exist; `name` is for the message and borrows from the template.
struct Undefined {
    std::string_view name;
};
struct None {};
using TextPtr = std::shared_ptr<const MarkedText>;

/// One value. Lists, dicts and the like are references, as in Python; the Runtime owns them all and
/// frees them together, so that cycles do no harm.
class Value {
public:
    using Storage = std::variant<Undefined, None, bool, std::int64_t, double, TextPtr, List*, Dict*,
                                 Loop*, const Function*>;

    Value() = default;
    template <typename T>
    explicit Value(T value) : m_storage(std::move(value)) {}

    template <typename T>
    [[nodiscard]] bool is() const {
        return std::holds_alternative<T>(m_storage);
    }
    template <typename T>
    [[nodiscard]] const T& as() const {
        return *std::get_if<T>(&m_storage);
    }
    [[nodiscard]] bool isUndefined() const { return is<Undefined>(); }
    [[nodiscard]] bool isText() const { return is<TextPtr>(); }
    /// An integer or a truth value, which counts as 0 or 1.
    [[nodiscard]] bool isInteger() const { return is<std::int64_t>() || is<bool>(); }
    [[nodiscard]] bool isNumber() const { return isInteger() || is<double>(); }

    [[nodiscard]] const MarkedText& text() const { return *as<TextPtr>(); }
    [[nodiscard]] std::string_view bytes() const { return text().bytes(); }
    [[nodiscard]] std::int64_t integer() const {
        return is<bool>() ? std::int64_t{as<bool>()} : as<std::int64_t>();
    }
    [[nodiscard]] double number() const {
        return is<double>() ? as<double>() : static_cast<double>(integer());
    }
    [[nodiscard]] const Storage& storage() const { return m_storage; }

private:
    Storage m_storage;
};

struct List {
    std::vector<Value> items;
    bool isTuple = false;
};

/// Keys keep their order. Templates' dicts are small, so looking up walks them.
struct Dict {
    std::vector<std::pair<Value, Value>> entries;
    bool isNamespace = false;

    /// Null if there is no such key.
    [[nodiscard]] Value* find(std::string_view key) {
        for (auto& [name, value] : entries) {
            if (name.isText() && name.bytes() == key) return &value;
        }
        return nullptr;
    }
};

/// A for loop's `loop`.
struct Loop {
    std::vector<Value> items;
    std::size_t index = 0;
};

/// Arguments of a call, filter or test.
struct Arguments {
    std::vector<Value> positional;
    std::vector<std::pair<std::string_view, Value>> named;

    /// The argument at `index` or with `name`; null if not given.
    [[nodiscard]] const Value* find(std::size_t index, std::string_view name) const {
        if (index < positional.size()) return &positional[index];
        for (const auto& [key, value] : named) {
            if (key == name) return &value;
        }
        return nullptr;
    }
};

}  // namespace conclave::engine::jinja
