// functions.cpp: the global functions of chat templates.

#include <ctime>

#include <array>

#include "engine/tokenizer/jinja/runtime.h"

namespace conclave::engine::jinja {
namespace {

Value callRange(Runtime& runtime, const Arguments& arguments) {
    const std::size_t count = arguments.positional.size();
    if (count < 1 || count > 3) return runtime.fail("range needs one to three integers");
    for (const Value& value : arguments.positional) {
        if (!value.isInteger()) return runtime.fail("range needs integers");
    }
    const std::int64_t begin = count == 1 ? 0 : arguments.positional[0].integer();
    const std::int64_t end = arguments.positional[count == 1 ? 0 : 1].integer();
    const std::int64_t step = count == 3 ? arguments.positional[2].integer() : 1;
    if (step == 0) return runtime.fail("range cannot have step 0");
    std::vector<Value> numbers;
    std::int64_t i = begin;
    while ((step > 0 ? i < end : i > end) && runtime.charge()) {
        numbers.emplace_back(i);
        if (__builtin_add_overflow(i, step, &i)) break;
    }
    return runtime.list(std::move(numbers));
}

/// A dict of the named arguments, after those of a dict given first.
Dict* dictOf(Runtime& runtime, const Arguments& arguments) {
    Dict* dict = runtime.newDict();
    if (!arguments.positional.empty() && arguments.positional[0].is<Dict*>()) {
        dict->entries = arguments.positional[0].as<Dict*>()->entries;
        runtime.charge(dict->entries.size());
    }
    for (const auto& [name, value] : arguments.named) {
        if (Value* known = dict->find(name)) {
            *known = value;
        } else {
            dict->entries.emplace_back(runtime.text(name, Origin::Template), value);
        }
    }
    return dict;
}

Value callDict(Runtime& runtime, const Arguments& arguments) {
    return Value(dictOf(runtime, arguments));
}

Value callNamespace(Runtime& runtime, const Arguments& arguments) {
    Dict* dict = dictOf(runtime, arguments);
    dict->isNamespace = true;
    return Value(dict);
}

Value callRaiseException(Runtime& runtime, const Arguments& arguments) {
    const Value* message = arguments.find(0, "message");
    const MarkedText text = message != nullptr ? runtime.toText(*message) : MarkedText();
    return runtime.fail(text.bytes(), ErrorCode::InvalidArgument);
}

Value callStrftimeNow(Runtime& runtime, const Arguments& arguments) {
    const Value* format = arguments.find(0, "format");
    if (format == nullptr || !format->isText()) {
        return runtime.fail("strftime_now needs a format");
    }
    const std::string pattern(format->bytes());
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    if (localtime_r(&now, &local) == nullptr) return runtime.fail("the time is not known");
    std::array<char, 512> buffer{};
    const std::size_t length = std::strftime(buffer.data(), buffer.size(), pattern.c_str(), &local);
    if (length == 0 && !pattern.empty()) return runtime.fail("strftime_now: format too long");
    return runtime.text({buffer.data(), length}, Origin::Template);
}

constexpr std::pair<std::string_view, BuiltIn> kFunctions[] = {
    {"dict", callDict},
    {"namespace", callNamespace},
    {"raise_exception", callRaiseException},
    {"range", callRange},
    {"strftime_now", callStrftimeNow},
};

}  // namespace

BuiltIn findFunction(std::string_view name) {
    for (const auto& [known, function] : kFunctions) {
        if (known == name) return function;
    }
    return nullptr;
}

}  // namespace conclave::engine::jinja
