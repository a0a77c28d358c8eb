// runtime.h: what a running template owns: its values, its budget and its first error.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "engine/tokenizer/jinja/ast.h"
#include "engine/tokenizer/jinja/value.h"

namespace conclave::engine::jinja {

class Runtime;

/// A function that a template can call: built in, or a macro.
struct Function {
    std::string_view name;
    Value (*builtIn)(Runtime& runtime, const Arguments& arguments) = nullptr;
    const Statement* macro = nullptr;
};

/// State of one rendering. Not thread-safe.
///
/// The first error sticks. After it every operation does nothing and gives undefined, and charge()
/// refuses, so that loops end: callers check failed() where they would go on for long.
class Runtime {
public:
    // ------------------------------------------------------------------------------------- errors

    /// Records an error at the current line; gives undefined, for `return runtime.fail(...)`.
    Value fail(std::string_view what, ErrorCode code = ErrorCode::Unsupported);
    [[nodiscard]] bool failed() const { return m_error.has_value(); }
    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }
    void setLine(int line) { m_line = line; }
    [[nodiscard]] int line() const { return m_line; }

    /// Pays for `nSteps` of work; false when the budget is used up or an error is set.
    bool charge(std::size_t nSteps = 1);
    /// Pays for making `nBytes` of text.
    bool chargeBytes(std::size_t nBytes);

    // ------------------------------------------------------------------------------ making values

    [[nodiscard]] Value text(MarkedText text);
    [[nodiscard]] Value text(std::string_view text, Origin origin) {
        return this->text(MarkedText(text, origin));
    }
    [[nodiscard]] Value list(std::vector<Value> items, bool isTuple = false);
    [[nodiscard]] Dict* newDict();
    [[nodiscard]] Loop* newLoop();
    [[nodiscard]] Value function(Function function);
    /// Strings in it count as data.
    [[nodiscard]] Value fromJson(const nlohmann::ordered_json& json, int depth = 0);

    // ------------------------------------------------------------------------------ asking values

    [[nodiscard]] static bool isTrue(const Value& value);
    [[nodiscard]] bool equal(const Value& a, const Value& b, int depth = 0);
    /// a < b for numbers, texts and lists of these; an error for anything else.
    [[nodiscard]] bool less(const Value& a, const Value& b, int depth = 0);
    [[nodiscard]] bool contains(const Value& container, const Value& item);
    /// What {{ value }} writes: Python's str().
    [[nodiscard]] MarkedText toText(const Value& value);
    /// What a for loop goes through; an error if the value is no sequence.
    [[nodiscard]] std::vector<Value> items(const Value& value);
    /// Characters, items or entries; an error if the value has no length.
    [[nodiscard]] std::int64_t length(const Value& value);
    /// value.name or value["name"]; undefined if there is none, an error on undefined.
    [[nodiscard]] Value member(const Value& value, std::string_view name);
    [[nodiscard]] Value index(const Value& value, const Value& index);
    /// value[begin:end:step]; undefined parts are left out.
    [[nodiscard]] Value slice(const Value& value, const Value& begin, const Value& end,
                              const Value& step);
    /// a.b.0 from the string "a.b.0", as the attribute argument of filters.
    [[nodiscard]] Value path(const Value& value, const Value& attribute);
    [[nodiscard]] Value binary(Operation operation, const Value& a, const Value& b);
    [[nodiscard]] static std::string_view typeName(const Value& value);

    // ---------------------------------------------------------------- filters, tests and functions

    [[nodiscard]] Value callFilter(std::string_view name, const Value& value,
                                   const Arguments& arguments);
    [[nodiscard]] bool callTest(std::string_view name, const Value& value,
                                const Arguments& arguments);
    /// value.name(arguments) for texts, lists, dicts and loops; nullopt if there is no such method.
    [[nodiscard]] std::optional<Value> callMethod(const Value& value, std::string_view name,
                                                  const Arguments& arguments);

private:
    /// A copy of `name` that lives as long as this.
    std::string_view keep(std::string_view name);
    void represent(const Value& value, MarkedText& out, int depth);
    Value concatenateLists(const Value& a, const Value& b);
    Value repeat(const Value& value, std::int64_t times);
    Value arithmetic(Operation operation, const Value& a, const Value& b);

    std::deque<List> m_lists;
    std::deque<Dict> m_dicts;
    std::deque<Loop> m_loops;
    std::deque<Function> m_functions;
    std::deque<std::string> m_names;
    std::optional<Error> m_error;
    std::size_t m_steps = 0;
    int m_line = 0;
};

/// json.dumps(value, ensure_ascii=False, ...) as Hugging Face's tojson does.
struct JsonStyle {
    std::optional<int> indent;
    bool ensureAscii = false;
    bool sortKeys = false;
    std::string itemSeparator = ", ";
    std::string keySeparator = ": ";
};
[[nodiscard]] MarkedText toJson(Runtime& runtime, const Value& value, const JsonStyle& style);

/// A float as Python writes it: the shortest digits that read back the same.
[[nodiscard]] std::string floatText(double value);

/// Global functions: range, namespace, dict, raise_exception, strftime_now. Null if unknown.
using BuiltIn = Value (*)(Runtime& runtime, const Arguments& arguments);
[[nodiscard]] BuiltIn findFunction(std::string_view name);

}  // namespace conclave::engine::jinja
