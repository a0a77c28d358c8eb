// predicates.cpp: {% if value is test(arguments) %}

#include <algorithm>

#include "engine/tokenizer/jinja/runtime.h"
#include "engine/tokenizer/jinja/text_tools.h"

namespace conclave::engine::jinja {
namespace {

using Test = bool (*)(Runtime& runtime, const Value& value, const Value* argument);

/// The argument that a test needs; an error if it is not there.
const Value& needed(Runtime& runtime, const Value* argument) {
    static const Value kUndefined;
    if (argument != nullptr) return *argument;
    runtime.fail("a test lacks its argument");
    return kUndefined;
}

bool isDefined(Runtime& /*runtime*/, const Value& value, const Value* /*argument*/) {
    return !value.isUndefined();
}
bool isUndefined(Runtime& /*runtime*/, const Value& value, const Value* /*argument*/) {
    return value.isUndefined();
}
bool isNone(Runtime& /*runtime*/, const Value& value, const Value* /*argument*/) {
    return value.is<None>();
}
bool isText(Runtime& /*runtime*/, const Value& value, const Value* /*argument*/) {
    return value.isText();
}
bool isNumber(Runtime& /*runtime*/, const Value& value, const Value* /*argument*/) {
    return value.isNumber();
}
bool isInteger(Runtime& /*runtime*/, const Value& value, const Value* /*argument*/) {
    return value.is<std::int64_t>();
}
bool isFloat(Runtime& /*runtime*/, const Value& value, const Value* /*argument*/) {
    return value.is<double>();
}
bool isBoolean(Runtime& /*runtime*/, const Value& value, const Value* /*argument*/) {
    return value.is<bool>();
}
bool isTrueItself(Runtime& /*runtime*/, const Value& value, const Value* /*argument*/) {
    return value.is<bool>() && value.as<bool>();
}
bool isFalseItself(Runtime& /*runtime*/, const Value& value, const Value* /*argument*/) {
    return value.is<bool>() && !value.as<bool>();
}
bool isMapping(Runtime& /*runtime*/, const Value& value, const Value* /*argument*/) {
    return value.is<Dict*>();
}
/// Anything with a length, which in Jinja includes undefined.
bool isSequence(Runtime& /*runtime*/, const Value& value, const Value* /*argument*/) {
    return value.is<List*>() || value.isText() || value.is<Dict*>() || value.isUndefined();
}
bool isCallable(Runtime& /*runtime*/, const Value& value, const Value* /*argument*/) {
    return value.is<const Function*>();
}

bool isLower(Runtime& runtime, const Value& value, const Value* /*argument*/) {
    const MarkedText text = runtime.toText(value);
    return withCase(text, LetterCase::Lower).bytes() == text.bytes() &&
           withCase(text, LetterCase::Upper).bytes() != text.bytes();
}
bool isUpper(Runtime& runtime, const Value& value, const Value* /*argument*/) {
    const MarkedText text = runtime.toText(value);
    return withCase(text, LetterCase::Upper).bytes() == text.bytes() &&
           withCase(text, LetterCase::Lower).bytes() != text.bytes();
}

/// value % divisor == 0; an error unless both are integers.
bool divides(Runtime& runtime, const Value& value, const Value& divisor) {
    const Value rest = runtime.binary(Operation::Modulo, value, divisor);
    return rest.isNumber() && rest.number() == 0.0;
}
bool isEven(Runtime& runtime, const Value& value, const Value* /*argument*/) {
    return divides(runtime, value, Value(std::int64_t{2}));
}
bool isOdd(Runtime& runtime, const Value& value, const Value* /*argument*/) {
    return !divides(runtime, value, Value(std::int64_t{2}));
}
bool isDivisibleBy(Runtime& runtime, const Value& value, const Value* argument) {
    return divides(runtime, value, needed(runtime, argument));
}

bool isEqual(Runtime& runtime, const Value& value, const Value* argument) {
    return runtime.equal(value, needed(runtime, argument));
}
bool isNotEqual(Runtime& runtime, const Value& value, const Value* argument) {
    return !runtime.equal(value, needed(runtime, argument));
}
bool isLess(Runtime& runtime, const Value& value, const Value* argument) {
    return runtime.less(value, needed(runtime, argument));
}
bool isGreater(Runtime& runtime, const Value& value, const Value* argument) {
    return runtime.less(needed(runtime, argument), value);
}
bool isLessOrEqual(Runtime& runtime, const Value& value, const Value* argument) {
    return !isGreater(runtime, value, argument);
}
bool isGreaterOrEqual(Runtime& runtime, const Value& value, const Value* argument) {
    return !isLess(runtime, value, argument);
}
bool isIn(Runtime& runtime, const Value& value, const Value* argument) {
    return runtime.contains(needed(runtime, argument), value);
}
/// The very same object; for texts and numbers, equal.
bool isSame(Runtime& runtime, const Value& value, const Value* argument) {
    const Value& other = needed(runtime, argument);
    if (value.storage().index() != other.storage().index()) return false;
    if (value.is<List*>()) return value.as<List*>() == other.as<List*>();
    if (value.is<Dict*>()) return value.as<Dict*>() == other.as<Dict*>();
    return runtime.equal(value, other);
}

constexpr std::pair<std::string_view, Test> kTests[] = {
    {"!=", isNotEqual},
    {"<", isLess},
    {"<=", isLessOrEqual},
    {"==", isEqual},
    {">", isGreater},
    {">=", isGreaterOrEqual},
    {"boolean", isBoolean},
    {"callable", isCallable},
    {"defined", isDefined},
    {"divisibleby", isDivisibleBy},
    {"eq", isEqual},
    {"equalto", isEqual},
    {"even", isEven},
    {"false", isFalseItself},
    {"float", isFloat},
    {"ge", isGreaterOrEqual},
    {"greaterthan", isGreater},
    {"gt", isGreater},
    {"in", isIn},
    {"integer", isInteger},
    {"iterable", isSequence},
    {"le", isLessOrEqual},
    {"lessthan", isLess},
    {"lower", isLower},
    {"lt", isLess},
    {"mapping", isMapping},
    {"ne", isNotEqual},
    {"none", isNone},
    {"number", isNumber},
    {"odd", isOdd},
    {"sameas", isSame},
    {"sequence", isSequence},
    {"string", isText},
    {"true", isTrueItself},
    {"undefined", isUndefined},
    {"upper", isUpper},
};

}  // namespace

bool Runtime::callTest(std::string_view name, const Value& value, const Arguments& arguments) {
    if (!charge()) return false;
    for (const auto& [known, test] : kTests) {
        if (known == name) return test(*this, value, arguments.find(0, "other"));
    }
    fail("the test '" + std::string(name) + "' is not supported");
    return false;
}

}  // namespace conclave::engine::jinja
