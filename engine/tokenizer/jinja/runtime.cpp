#include "engine/tokenizer/jinja/runtime.h"

#include <limits>

#include "engine/tokenizer/jinja/limits.h"

namespace conclave::engine::jinja {

namespace {

// Generous for a long conversation (some 100 steps a message), and still over within seconds.
constexpr std::size_t kMostSteps = 10'000'000;

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

}  // namespace conclave::engine::jinja
