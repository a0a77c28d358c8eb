// filters.cpp: {{ value | filter(arguments) }}

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "engine/tokenizer/jinja/runtime.h"
#include "engine/tokenizer/jinja/text_tools.h"

namespace conclave::engine::jinja {
namespace {

using Filter = Value (*)(Runtime& runtime, const Value& value, const Arguments& arguments);

bool flag(const Arguments& arguments, std::size_t index, std::string_view name, bool otherwise) {
    const Value* value = arguments.find(index, name);
    return value != nullptr ? Runtime::isTrue(*value) : otherwise;
}

/// Arguments from number `first` on, as those of the filter or test that was named before them.
Arguments argumentsFrom(const Arguments& arguments, std::size_t first) {
    Arguments rest;
    for (std::size_t i = first; i < arguments.positional.size(); ++i) {
        rest.positional.push_back(arguments.positional[i]);
    }
    rest.named = arguments.named;
    return rest;
}

/// The first argument as text; an error names the filter.
std::string_view textArgument(Runtime& runtime, const Arguments& arguments, std::size_t index,
                              std::string_view name, std::string_view filter) {
    const Value* value = arguments.find(index, name);
    if (value != nullptr && value->isText()) return value->bytes();
    runtime.fail("the filter " + std::string(filter) + " needs a text for '" + std::string(name) +
                 "'");
    return {};
}

// -------------------------------------------------------------------------------------------- text

Value filterUpper(Runtime& runtime, const Value& value, const Arguments& /*arguments*/) {
    return runtime.text(withCase(runtime.toText(value), LetterCase::Upper));
}
Value filterLower(Runtime& runtime, const Value& value, const Arguments& /*arguments*/) {
    return runtime.text(withCase(runtime.toText(value), LetterCase::Lower));
}
Value filterCapitalize(Runtime& runtime, const Value& value, const Arguments& /*arguments*/) {
    return runtime.text(withCase(runtime.toText(value), LetterCase::Capitalized));
}
Value filterTitle(Runtime& runtime, const Value& value, const Arguments& /*arguments*/) {
    return runtime.text(titled(runtime.toText(value), [](char32_t c) {
        return isSpaceCharacter(c) || c == U'-' || c == U'(' || c == U'{' || c == U'[' || c == U'<';
    }));
}

Value filterTrim(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const Value* characters = arguments.find(0, "chars");
    const bool given = characters != nullptr && characters->isText();
    return runtime.text(
        strip(runtime.toText(value), Side::Both, given ? characters->bytes() : std::string_view()));
}

Value filterReplace(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const std::string_view from = textArgument(runtime, arguments, 0, "old", "replace");
    const Value* to = arguments.find(1, "new");
    if (runtime.failed()) return {};
    if (to == nullptr) return runtime.fail("the filter replace needs a text for 'new'");
    if (from.empty()) return runtime.fail("the filter replace cannot replace an empty text");
    const Value* count = arguments.find(2, "count");
    const std::int64_t limit = count != nullptr && count->isInteger() ? count->integer() : -1;
    return runtime.text(replaced(runtime.toText(value), from, runtime.toText(*to), limit));
}

Value filterIndent(Runtime& runtime, const Value& value, const Arguments& arguments) {
    MarkedText margin("    ", Origin::Template);
    if (const Value* width = arguments.find(0, "width")) {
        if (width->isText()) {
            margin = width->text();
        } else if (width->isInteger() && width->integer() >= 0 && width->integer() <= 1000) {
            margin = MarkedText(std::string(static_cast<std::size_t>(width->integer()), ' '),
                                Origin::Template);
        } else {
            return runtime.fail("the filter indent needs a width from 0 to 1000");
        }
    }
    const bool first = flag(arguments, 1, "first", false);
    const bool blank = flag(arguments, 2, "blank", false);
    const std::vector<MarkedText> lines = split(runtime.toText(value), "\n", -1);
    MarkedText out;
    for (std::size_t i = 0; i < lines.size() && runtime.chargeBytes(margin.size()); ++i) {
        if (i > 0) out.append("\n", Origin::Data);
        const bool indented = i == 0 ? first : blank || !strip(lines[i], Side::Both).empty();
        if (indented) out.append(margin);
        out.append(lines[i]);
    }
    return runtime.text(std::move(out));
}

Value filterEscape(Runtime& runtime, const Value& value, const Arguments& /*arguments*/) {
    const MarkedText source = runtime.toText(value);
    MarkedText out;
    for (std::size_t i = 0; i < source.size(); ++i) {
        switch (source.bytes()[i]) {
            case '&': out.append("&amp;", source.origin(i)); break;
            case '<': out.append("&lt;", source.origin(i)); break;
            case '>': out.append("&gt;", source.origin(i)); break;
            case '"': out.append("&#34;", source.origin(i)); break;
            case '\'': out.append("&#39;", source.origin(i)); break;
            default: out.append(source, i, 1);
        }
    }
    return runtime.text(std::move(out));
}

Value filterString(Runtime& runtime, const Value& value, const Arguments& /*arguments*/) {
    return value.isText() ? value : runtime.text(runtime.toText(value));
}

Value filterSafe(Runtime& /*runtime*/, const Value& value, const Arguments& /*arguments*/) {
    return value;
}

Value filterToJson(Runtime& runtime, const Value& value, const Arguments& arguments) {
    JsonStyle style;
    const Value* indent = arguments.find(1, "indent");
    // Jinja's own filter has indent first, Hugging Face's has ensure_ascii first.
    if (indent == nullptr && !arguments.positional.empty() &&
        arguments.positional[0].is<std::int64_t>()) {
        indent = arguments.positional.data();
    } else {
        style.ensureAscii = flag(arguments, 0, "ensure_ascii", false);
    }
    if (indent != nullptr && indent->isInteger()) {
        style.indent = static_cast<int>(std::clamp<std::int64_t>(indent->integer(), 0, 64));
    }
    style.sortKeys = flag(arguments, 3, "sort_keys", false);
    if (const Value* separators = arguments.find(2, "separators");
        separators != nullptr && separators->is<List*>()) {
        const std::vector<Value>& pair = separators->as<List*>()->items;
        if (pair.size() == 2 && pair[0].isText() && pair[1].isText()) {
            style.itemSeparator = pair[0].bytes();
            style.keySeparator = pair[1].bytes();
        }
    }
    return runtime.text(toJson(runtime, value, style));
}

// ----------------------------------------------------------------------------------------- numbers

Value filterInt(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const Value* given = arguments.find(0, "default");
    const Value otherwise = given != nullptr ? *given : Value(std::int64_t{0});
    if (value.isInteger()) return Value(value.integer());
    double number = 0.0;
    if (value.is<double>()) {
        number = value.number();
    } else if (value.isText()) {
        const MarkedText stripped = strip(value.text(), Side::Both);
        std::string_view digits = stripped.bytes();
        if (digits.starts_with('+')) digits.remove_prefix(1);
        const Value* baseArgument = arguments.find(1, "base");
        int base = 10;
        if (baseArgument != nullptr && baseArgument->isInteger()) {
            base = static_cast<int>(std::clamp<std::int64_t>(baseArgument->integer(), 2, 36));
        }
        const char* end = digits.data() + digits.size();
        std::int64_t integer = 0;
        const auto whole = std::from_chars(digits.data(), end, integer, base);
        if (whole.ec == std::errc() && whole.ptr == end) return Value(integer);
        const auto fraction = std::from_chars(digits.data(), end, number);
        if (fraction.ec != std::errc() || fraction.ptr != end) return otherwise;
    } else {
        return otherwise;
    }
    constexpr double kLimit = 9.2e18;
    if (!(std::abs(number) < kLimit)) return runtime.fail("a number is too large for int");
    return Value(static_cast<std::int64_t>(number));
}

Value filterFloat(Runtime& /*runtime*/, const Value& value, const Arguments& arguments) {
    const Value* given = arguments.find(0, "default");
    const Value otherwise = given != nullptr ? *given : Value(0.0);
    if (value.isNumber()) return Value(value.number());
    if (!value.isText()) return otherwise;
    const MarkedText stripped = strip(value.text(), Side::Both);
    std::string_view digits = stripped.bytes();
    if (digits.starts_with('+')) digits.remove_prefix(1);
    double number = 0.0;
    const char* end = digits.data() + digits.size();
    const auto parsed = std::from_chars(digits.data(), end, number);
    return parsed.ec == std::errc() && parsed.ptr == end ? Value(number) : otherwise;
}

Value filterAbs(Runtime& runtime, const Value& value, const Arguments& /*arguments*/) {
    if (value.is<double>()) return Value(std::abs(value.number()));
    if (!value.isInteger()) return runtime.fail("abs needs a number");
    if (value.integer() == std::numeric_limits<std::int64_t>::min()) {
        return runtime.fail("a number is too large");
    }
    return Value(std::abs(value.integer()));
}

Value filterRound(Runtime& runtime, const Value& value, const Arguments& arguments) {
    if (!value.isNumber()) return runtime.fail("round needs a number");
    const Value* precision = arguments.find(0, "precision");
    const Value* method = arguments.find(1, "method");
    const std::int64_t digits =
        precision != nullptr && precision->isInteger() ? precision->integer() : 0;
    constexpr std::int64_t kMostDigits = 15;
    const double scale =
        std::pow(10.0, static_cast<double>(std::clamp(digits, -kMostDigits, kMostDigits)));
    const double scaled = value.number() * scale;
    if (method != nullptr && method->isText() && method->bytes() == "ceil") {
        return Value(std::ceil(scaled) / scale);
    }
    if (method != nullptr && method->isText() && method->bytes() == "floor") {
        return Value(std::floor(scaled) / scale);
    }
    return Value(std::nearbyint(scaled) / scale);  // to even at halves, as Python
}

// --------------------------------------------------------------------------------------- sequences

Value filterLength(Runtime& runtime, const Value& value, const Arguments& /*arguments*/) {
    return Value(runtime.length(value));
}

Value filterList(Runtime& runtime, const Value& value, const Arguments& /*arguments*/) {
    return runtime.list(runtime.items(value));
}

Value filterFirst(Runtime& runtime, const Value& value, const Arguments& /*arguments*/) {
    const std::vector<Value> all = runtime.items(value);
    return all.empty() ? Value(Undefined{"first item"}) : all.front();
}

Value filterLast(Runtime& runtime, const Value& value, const Arguments& /*arguments*/) {
    const std::vector<Value> all = runtime.items(value);
    return all.empty() ? Value(Undefined{"last item"}) : all.back();
}

Value filterReverse(Runtime& runtime, const Value& value, const Arguments& /*arguments*/) {
    std::vector<Value> all = runtime.items(value);
    std::reverse(all.begin(), all.end());
    if (!value.isText()) return runtime.list(std::move(all));
    MarkedText joined;
    for (const Value& character : all) {
        if (character.isText()) joined.append(character.text());
    }
    return runtime.text(std::move(joined));
}

/// Each item, or the attribute of it that an argument names.
Value part(Runtime& runtime, const Value& item, const Value* attribute) {
    const bool given = attribute != nullptr && !attribute->is<None>();
    return given ? runtime.path(item, *attribute) : item;
}

Value filterJoin(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const Value* separator = arguments.find(0, "d");
    const Value* attribute = arguments.find(1, "attribute");
    const MarkedText between = separator != nullptr ? runtime.toText(*separator) : MarkedText();
    MarkedText out;
    bool first = true;
    for (const Value& item : runtime.items(value)) {
        if (!std::exchange(first, false)) out.append(between);
        out.append(runtime.toText(part(runtime, item, attribute)));
        if (!runtime.chargeBytes(between.size())) return {};
    }
    return runtime.text(std::move(out));
}

Value filterMap(Runtime& runtime, const Value& value, const Arguments& arguments) {
    std::vector<Value> mapped;
    const Value* attribute = arguments.find(arguments.positional.size(), "attribute");
    if (attribute != nullptr) {
        const Value* otherwise = arguments.find(arguments.positional.size(), "default");
        for (const Value& item : runtime.items(value)) {
            const Value found = runtime.path(item, *attribute);
            mapped.push_back(found.isUndefined() && otherwise != nullptr ? *otherwise : found);
        }
        return runtime.list(std::move(mapped));
    }
    const std::string_view name = textArgument(runtime, arguments, 0, "filter", "map");
    const Arguments rest = argumentsFrom(arguments, 1);
    for (const Value& item : runtime.items(value)) {
        if (runtime.failed()) return {};
        mapped.push_back(runtime.callFilter(name, item, rest));
    }
    return runtime.list(std::move(mapped));
}

/// select, reject (of items) and selectattr, rejectattr (of an attribute of theirs).
Value pick(Runtime& runtime, const Value& value, const Arguments& arguments, bool ofAttribute,
           bool wanted) {
    const Value* attribute = ofAttribute ? arguments.find(0, "attribute") : nullptr;
    if (ofAttribute && attribute == nullptr) return runtime.fail("selectattr needs an attribute");
    const std::size_t first = ofAttribute ? 1 : 0;
    const bool hasTest = arguments.positional.size() > first;
    const std::string_view test =
        hasTest ? textArgument(runtime, arguments, first, "test", "select") : std::string_view();
    const Arguments rest = argumentsFrom(arguments, first + 1);
    std::vector<Value> picked;
    for (const Value& item : runtime.items(value)) {
        const Value tested = part(runtime, item, attribute);
        const bool passes =
            hasTest ? runtime.callTest(test, tested, rest) : Runtime::isTrue(tested);
        if (runtime.failed()) return {};
        if (passes == wanted) picked.push_back(item);
    }
    return runtime.list(std::move(picked));
}

Value filterSelect(Runtime& runtime, const Value& value, const Arguments& arguments) {
    return pick(runtime, value, arguments, false, true);
}
Value filterReject(Runtime& runtime, const Value& value, const Arguments& arguments) {
    return pick(runtime, value, arguments, false, false);
}
Value filterSelectAttr(Runtime& runtime, const Value& value, const Arguments& arguments) {
    return pick(runtime, value, arguments, true, true);
}
Value filterRejectAttr(Runtime& runtime, const Value& value, const Arguments& arguments) {
    return pick(runtime, value, arguments, true, false);
}

/// What an item is sorted or compared by: texts without regard to case unless asked.
Value sortKey(Runtime& runtime, const Value& item, const Value* attribute, bool caseSensitive) {
    const Value key = part(runtime, item, attribute);
    return key.isText() && !caseSensitive ? runtime.text(withCase(key.text(), LetterCase::Lower))
                                          : key;
}

/// Sorts by keys, which must all be numbers or all texts: anything else has no order to rely on.
std::vector<Value> sorted(Runtime& runtime, std::vector<Value> items, std::vector<Value> keys,
                          bool reverse) {
    const bool numbers =
        std::all_of(keys.begin(), keys.end(), [](const Value& key) { return key.isNumber(); });
    const bool texts =
        std::all_of(keys.begin(), keys.end(), [](const Value& key) { return key.isText(); });
    const bool hasNan = numbers && std::any_of(keys.begin(), keys.end(), [](const Value& key) {
                            return std::isnan(key.number());
                        });
    if ((!numbers && !texts) || hasNan) {
        runtime.fail("sort needs all numbers or all texts");
        return {};
    }
    std::vector<std::size_t> order(items.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const std::size_t first = reverse ? b : a;
        const std::size_t second = reverse ? a : b;
        return numbers ? keys[first].number() < keys[second].number()
                       : keys[first].bytes() < keys[second].bytes();
    });
    runtime.charge(items.size() * 8);
    std::vector<Value> result;
    for (const std::size_t i : order) result.push_back(items[i]);
    return result;
}

Value filterSort(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const bool reverse = flag(arguments, 0, "reverse", false);
    const bool caseSensitive = flag(arguments, 1, "case_sensitive", false);
    const Value* attribute = arguments.find(2, "attribute");
    std::vector<Value> items = runtime.items(value);
    std::vector<Value> keys;
    for (const Value& item : items) {
        keys.push_back(sortKey(runtime, item, attribute, caseSensitive));
        if (runtime.failed()) return {};
    }
    return runtime.list(sorted(runtime, std::move(items), std::move(keys), reverse));
}

Value filterUnique(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const bool caseSensitive = flag(arguments, 0, "case_sensitive", false);
    const Value* attribute = arguments.find(1, "attribute");
    std::vector<Value> kept;
    std::vector<Value> seen;
    for (const Value& item : runtime.items(value)) {
        const Value key = sortKey(runtime, item, attribute, caseSensitive);
        const bool known = std::any_of(seen.begin(), seen.end(), [&](const Value& other) {
            return runtime.equal(key, other);
        });
        if (runtime.failed()) return {};
        if (known) continue;
        seen.push_back(key);
        kept.push_back(item);
    }
    return runtime.list(std::move(kept));
}

Value filterItems(Runtime& runtime, const Value& value, const Arguments& /*arguments*/) {
    if (value.isUndefined()) return runtime.list({});
    if (!value.is<Dict*>()) return runtime.fail("the filter items needs a dict");
    std::vector<Value> pairs;
    for (const auto& [key, entry] : value.as<Dict*>()->entries) {
        pairs.push_back(runtime.list({key, entry}, true));
    }
    return runtime.list(std::move(pairs));
}

Value filterDictSort(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const bool caseSensitive = flag(arguments, 0, "case_sensitive", false);
    const Value* by = arguments.find(1, "by");
    const bool byValue = by != nullptr && by->isText() && by->bytes() == "value";
    const bool reverse = flag(arguments, 2, "reverse", false);
    if (!value.is<Dict*>()) return runtime.fail("the filter dictsort needs a dict");
    std::vector<Value> pairs;
    std::vector<Value> keys;
    for (const auto& [key, entry] : value.as<Dict*>()->entries) {
        pairs.push_back(runtime.list({key, entry}, true));
        keys.push_back(sortKey(runtime, byValue ? entry : key, nullptr, caseSensitive));
    }
    if (runtime.failed()) return {};
    return runtime.list(sorted(runtime, std::move(pairs), std::move(keys), reverse));
}

Value filterSum(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const Value* attribute = arguments.find(0, "attribute");
    const Value* start = arguments.find(1, "start");
    Value total = start != nullptr ? *start : Value(std::int64_t{0});
    for (const Value& item : runtime.items(value)) {
        total = runtime.binary(Operation::Add, total, part(runtime, item, attribute));
    }
    return total;
}

Value extreme(Runtime& runtime, const Value& value, bool largest) {
    const std::vector<Value> all = runtime.items(value);
    if (all.empty()) return Value(Undefined{"extreme of an empty list"});
    Value best = all.front();
    for (const Value& item : all) {
        if (largest ? runtime.less(best, item) : runtime.less(item, best)) best = item;
    }
    return best;
}
Value filterMin(Runtime& runtime, const Value& value, const Arguments& /*arguments*/) {
    return extreme(runtime, value, false);
}
Value filterMax(Runtime& runtime, const Value& value, const Arguments& /*arguments*/) {
    return extreme(runtime, value, true);
}

Value filterDefault(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const bool alsoFalse = flag(arguments, 1, "boolean", false);
    if (!value.isUndefined() && (!alsoFalse || Runtime::isTrue(value))) return value;
    const Value* otherwise = arguments.find(0, "default_value");
    return otherwise != nullptr ? *otherwise : runtime.text({});
}

Value filterAttr(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const Value* name = arguments.find(0, "name");
    return name != nullptr ? runtime.index(value, *name) : runtime.fail("attr needs a name");
}

constexpr std::pair<std::string_view, Filter> kFilters[] = {
    {"abs", filterAbs},           {"attr", filterAttr},       {"capitalize", filterCapitalize},
    {"count", filterLength},      {"d", filterDefault},       {"default", filterDefault},
    {"dictsort", filterDictSort}, {"e", filterEscape},        {"escape", filterEscape},
    {"first", filterFirst},       {"float", filterFloat},     {"indent", filterIndent},
    {"int", filterInt},           {"items", filterItems},     {"join", filterJoin},
    {"last", filterLast},         {"length", filterLength},   {"list", filterList},
    {"lower", filterLower},       {"map", filterMap},         {"max", filterMax},
    {"min", filterMin},           {"reject", filterReject},   {"rejectattr", filterRejectAttr},
    {"replace", filterReplace},   {"reverse", filterReverse}, {"round", filterRound},
    {"safe", filterSafe},         {"select", filterSelect},   {"selectattr", filterSelectAttr},
    {"sort", filterSort},         {"string", filterString},   {"sum", filterSum},
    {"title", filterTitle},       {"tojson", filterToJson},   {"trim", filterTrim},
    {"unique", filterUnique},     {"upper", filterUpper},
};

}  // namespace

Value Runtime::callFilter(std::string_view name, const Value& value, const Arguments& arguments) {
    if (!charge()) return {};
    for (const auto& [known, filter] : kFilters) {
        if (known == name) return filter(*this, value, arguments);
    }
    return fail("the filter '" + std::string(name) + "' is not supported");
}

}  // namespace conclave::engine::jinja
