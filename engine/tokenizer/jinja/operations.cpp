#include "engine/tokenizer/jinja/runtime.h"

#include <algorithm>
#include <cmath>

#include "engine/tokenizer/jinja/limits.h"

namespace conclave::engine::jinja {

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
