// methods.cpp: {{ value.method(arguments) }}, the ones of Python's str, list and dict.

#include <algorithm>
#include <limits>

#include "base/utf8.h"
#include "engine/tokenizer/jinja/runtime.h"
#include "engine/tokenizer/jinja/text_tools.h"

namespace conclave::engine::jinja {
namespace {

std::int64_t integerOr(const Value* value, std::int64_t otherwise) {
    return value != nullptr && value->isInteger() ? value->integer() : otherwise;
}

std::string_view textOr(const Value* value, std::string_view otherwise) {
    return value != nullptr && value->isText() ? value->bytes() : otherwise;
}

bool isCasedBreak(char32_t c) {
    // Python's str.title begins a word after anything that is no letter.
    std::string bytes;
    appendUtf8(bytes, c);
    const MarkedText text(bytes, Origin::Data);
    return withCase(text, LetterCase::Upper).bytes() == withCase(text, LetterCase::Lower).bytes();
}

Value listOf(Runtime& runtime, std::vector<MarkedText> parts) {
    std::vector<Value> items;
    for (MarkedText& part : parts) {
        items.push_back(runtime.text(std::move(part)));
        if (runtime.failed()) return {};
    }
    return runtime.list(std::move(items));
}

/// startswith and endswith take one text or a tuple of them.
bool matchesAny(Runtime& runtime, const Value* wanted, std::string_view text, bool atStart) {
    const auto matches = [&](const Value& value) {
        if (!value.isText()) return false;
        return atStart ? text.starts_with(value.bytes()) : text.ends_with(value.bytes());
    };
    if (wanted != nullptr && wanted->isText()) return matches(*wanted);
    if (wanted != nullptr && wanted->is<List*>()) {
        const std::vector<Value>& all = wanted->as<List*>()->items;
        return std::any_of(all.begin(), all.end(), matches);
    }
    runtime.fail("startswith and endswith need a text");
    return false;
}

/// Character position of `wanted`, -1 if it is not there.
Value position(std::string_view text, std::string_view wanted, bool fromRight) {
    const std::size_t found = fromRight ? text.rfind(wanted) : text.find(wanted);
    if (found == std::string_view::npos) return Value(std::int64_t{-1});
    return Value(static_cast<std::int64_t>(countCodePoints(text.substr(0, found))));
}

Value countOf(std::string_view text, std::string_view wanted) {
    std::int64_t count = 0;
    if (wanted.empty()) return Value(static_cast<std::int64_t>(countCodePoints(text)) + 1);
    for (std::size_t i = text.find(wanted); i != std::string_view::npos;
         i = text.find(wanted, i + wanted.size())) {
        ++count;
    }
    return Value(count);
}

Value joined(Runtime& runtime, const MarkedText& separator, const Value* sequence) {
    if (sequence == nullptr) return runtime.fail("join needs a list");
    MarkedText out;
    bool first = true;
    for (const Value& item : runtime.items(*sequence)) {
        if (!item.isText()) return runtime.fail("join needs a list of texts");
        if (!std::exchange(first, false)) out.append(separator);
        out.append(item.text());
        if (!runtime.chargeBytes(separator.size() + item.bytes().size())) return {};
    }
    return runtime.text(std::move(out));
}

std::optional<Value> textMethod(Runtime& runtime, const MarkedText& text, std::string_view name,
                                const Arguments& arguments) {
    const Value* first = arguments.find(0, "sep");
    const Value* second = arguments.find(1, "maxsplit");
    const std::string_view bytes = text.bytes();
    runtime.chargeBytes(bytes.size());
    if (name == "strip") return runtime.text(strip(text, Side::Both, textOr(first, {})));
    if (name == "lstrip") return runtime.text(strip(text, Side::Left, textOr(first, {})));
    if (name == "rstrip") return runtime.text(strip(text, Side::Right, textOr(first, {})));
    if (name == "upper") return runtime.text(withCase(text, LetterCase::Upper));
    if (name == "lower") return runtime.text(withCase(text, LetterCase::Lower));
    if (name == "capitalize") return runtime.text(withCase(text, LetterCase::Capitalized));
    if (name == "title") return runtime.text(titled(text, isCasedBreak));
    if (name == "split") {
        return listOf(runtime, split(text, textOr(first, {}), integerOr(second, -1)));
    }
    if (name == "rsplit") {
        return listOf(runtime, splitRight(text, textOr(first, {}), integerOr(second, -1)));
    }
    if (name == "splitlines") {
        return listOf(runtime, splitLines(text, first != nullptr && Runtime::isTrue(*first)));
    }
    if (name == "startswith") return Value(matchesAny(runtime, first, bytes, true));
    if (name == "endswith") return Value(matchesAny(runtime, first, bytes, false));
    if (name == "join") return joined(runtime, text, first);
    if (name == "find" || name == "rfind") {
        return position(bytes, textOr(first, {}), name == "rfind");
    }
    if (name == "count") return countOf(bytes, textOr(first, {}));
    if (name == "removeprefix" || name == "removesuffix") {
        const std::string_view affix = textOr(first, {});
        if (name == "removeprefix") {
            return runtime.text(text.slice(bytes.starts_with(affix) ? affix.size() : 0));
        }
        return runtime.text(
            text.slice(0, bytes.size() - (bytes.ends_with(affix) ? affix.size() : 0)));
    }
    if (name == "replace") {
        const Value* to = arguments.find(1, "new");
        const std::string_view from = textOr(first, {});
        if (to == nullptr || !to->isText() || from.empty()) {
            return runtime.fail("replace needs two texts, of which the first is not empty");
        }
        return runtime.text(
            replaced(text, from, to->text(), integerOr(arguments.find(2, "count"), -1)));
    }
    if (name == "isdigit") {
        return Value(!bytes.empty() &&
                     bytes.find_first_not_of("0123456789") == std::string_view::npos);
    }
    if (name == "isspace") return Value(!bytes.empty() && strip(text, Side::Both).empty());
    return std::nullopt;
}

std::optional<Value> dictMethod(Runtime& runtime, Dict& dict, std::string_view name,
                                const Arguments& arguments) {
    const auto list = [&](auto&& pickFrom) {
        std::vector<Value> items;
        for (const auto& entry : dict.entries) items.push_back(pickFrom(entry));
        return runtime.list(std::move(items));
    };
    const Value* key = arguments.find(0, "key");
    const Value* otherwise = arguments.find(1, "default");
    if (name == "items") {
        return list([&](const auto& entry) {
            return runtime.list({entry.first, entry.second}, true);
        });
    }
    if (name == "keys") return list([](const auto& entry) { return entry.first; });
    if (name == "values") return list([](const auto& entry) { return entry.second; });
    if (name == "get" || name == "pop") {
        if (key == nullptr) return runtime.fail(std::string(name) + " needs a key");
        const auto found =
            std::find_if(dict.entries.begin(), dict.entries.end(),
                         [&](const auto& entry) { return runtime.equal(entry.first, *key); });
        if (found == dict.entries.end()) return otherwise != nullptr ? *otherwise : Value(None{});
        const Value value = found->second;
        if (name == "pop") dict.entries.erase(found);
        return value;
    }
    if (name == "update") {
        const bool fromDict = key != nullptr && key->is<Dict*>();
        std::vector<std::pair<Value, Value>> news;
        if (fromDict) news = key->as<Dict*>()->entries;
        for (const auto& [text, value] : arguments.named) {
            news.emplace_back(runtime.text(text, Origin::Template), value);
        }
        for (const auto& added : news) {
            const auto found = std::find_if(
                dict.entries.begin(), dict.entries.end(),
                [&](const auto& entry) { return runtime.equal(entry.first, added.first); });
            if (runtime.failed()) return Value();
            if (found != dict.entries.end()) {
                found->second = added.second;
            } else {
                dict.entries.push_back(added);
            }
        }
        return Value(None{});
    }
    if (name == "copy") {
        Dict* copy = runtime.newDict();
        if (runtime.charge(dict.entries.size())) copy->entries = dict.entries;
        return Value(copy);
    }
    return std::nullopt;
}

std::optional<Value> listMethod(Runtime& runtime, const Value& value, std::string_view name,
                                const Arguments& arguments) {
    List& list = *value.as<List*>();
    const Value* first = arguments.find(0, "object");
    if (list.isTuple && name != "index" && name != "count") return std::nullopt;
    if (name == "append" && first != nullptr) {
        if (runtime.charge()) list.items.push_back(*first);
        return Value(None{});
    }
    if (name == "extend" && first != nullptr) {
        const std::vector<Value> more = runtime.items(*first);
        list.items.insert(list.items.end(), more.begin(), more.end());
        return Value(None{});
    }
    if (name == "insert" && arguments.positional.size() == 2) {
        const std::int64_t size = std::ssize(list.items);
        std::int64_t at = integerOr(first, 0);
        if (at < 0) at = std::max<std::int64_t>(at, -size) + size;
        at = std::min(at, size);
        if (runtime.charge(list.items.size())) {
            list.items.insert(list.items.begin() + at, arguments.positional[1]);
        }
        return Value(None{});
    }
    if (name == "pop") {
        const std::int64_t size = std::ssize(list.items);
        std::int64_t at = integerOr(first, -1);
        if (at < 0 && at >= -size) at += size;
        if (at < 0 || at >= size) return runtime.fail("pop from beyond the list's end");
        const Value popped = list.items[static_cast<std::size_t>(at)];
        list.items.erase(list.items.begin() + at);
        runtime.charge(static_cast<std::size_t>(size - at));
        return popped;
    }
    if ((name == "index" || name == "count") && first != nullptr) {
        std::int64_t count = 0;
        for (std::size_t i = 0; i < list.items.size(); ++i) {
            if (!runtime.equal(list.items[i], *first)) continue;
            if (name == "index") return Value(static_cast<std::int64_t>(i));
            ++count;
        }
        return name == "count" ? Value(count) : runtime.fail("index: the value is not in the list");
    }
    if (name == "reverse") {
        std::reverse(list.items.begin(), list.items.end());
        runtime.charge(list.items.size());
        return Value(None{});
    }
    if (name == "copy") return runtime.list(list.items);
    return std::nullopt;
}

}  // namespace

std::optional<Value> Runtime::callMethod(const Value& value, std::string_view name,
                                         const Arguments& arguments) {
    if (!charge()) return Value();
    if (value.isText()) return textMethod(*this, value.text(), name, arguments);
    if (value.is<List*>()) return listMethod(*this, value, name, arguments);
    if (value.is<Dict*>()) return dictMethod(*this, *value.as<Dict*>(), name, arguments);
    if (value.is<Loop*>() && name == "cycle" && !arguments.positional.empty()) {
        return arguments.positional[value.as<Loop*>()->index % arguments.positional.size()];
    }
    return std::nullopt;
}

}  // namespace conclave::engine::jinja
