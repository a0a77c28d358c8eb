#include "engine/model/architectures/keys.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace conclave::engine {

int Keys::required(std::string_view key, std::int64_t lowest, std::int64_t highest) {
    if (variesByLayer(key)) return 0;
    const auto ofAll = valueOfAllLayers(key);
    if (ofAll && (*ofAll < lowest || *ofAll > highest)) {
        return remember({ErrorCode::Corrupt, name(key) + " holds " + std::to_string(*ofAll)});
    }
    if (ofAll) return static_cast<int>(*ofAll);
    const auto value = m_file.requireInteger(m_prefix + std::string(key), lowest, highest);
    if (!value) return remember(value.error());
    return static_cast<int>(*value);
}

int Keys::optional(std::string_view key, int fallback, std::int64_t lowest, std::int64_t highest) {
    return variesByLayer(key) || !has(key) ? fallback : required(key, lowest, highest);
}

double Keys::requiredNumber(std::string_view key, double lowest, double highest) {
    if (!has(key)) {
        // What is no number is no integer either, and its error says what there is.
        return remember(m_file.requireInteger(m_prefix + std::string(key), 0, 0).error());
    }
    return number(key, 0.0, lowest, highest);
}

double Keys::number(std::string_view key, double fallback, double lowest, double highest) {
    if (variesByLayer(key)) return fallback;
    const auto value = m_file.number(m_prefix + std::string(key));
    if (!value) return fallback;
    if (!(*value >= lowest && *value <= highest)) {
        return remember({ErrorCode::Corrupt, name(key) + " is " + std::to_string(*value)});
    }
    return *value;
}

bool Keys::flag(std::string_view key, bool fallback) const {
    return m_file.boolean(m_prefix + std::string(key)).value_or(fallback);
}

std::vector<bool> Keys::flags(std::string_view key, int nLeast) {
    auto values = m_file.booleans(m_prefix + std::string(key));
    if (!values) return {};
    if (std::ssize(*values) < nLeast) {
        remember({ErrorCode::Corrupt, name(key) + " has " + std::to_string(values->size()) +
                                          " values for " + std::to_string(nLeast) + " layers"});
        return {};
    }
    return std::move(*values);
}

std::vector<int> Keys::counts(std::string_view key, int nLeast, std::int64_t highest) {
    const auto values = m_file.integers(m_prefix + std::string(key));
    if (!values) return {};
    std::vector<int> counts;
    for (const std::int64_t value : *values) {
        if (value < 0 || value > highest) {
            remember({ErrorCode::Corrupt, name(key) + " holds " + std::to_string(value)});
            return {};
        }
        counts.push_back(static_cast<int>(value));
    }
    if (std::ssize(counts) < nLeast) {
        remember({ErrorCode::Corrupt, name(key) + " has " + std::to_string(counts.size()) +
                                          " values for " + std::to_string(nLeast) + " layers"});
        return {};
    }
    return counts;
}

bool Keys::has(std::string_view key) const {
    return m_file.number(m_prefix + std::string(key)).has_value() || valueOfAllLayers(key);
}

std::optional<std::int64_t> Keys::valueOfAllLayers(std::string_view key) const {
    const auto values = m_file.integers(m_prefix + std::string(key));
    const bool isOne = values && !values->empty() &&
                       std::all_of(values->begin(), values->end(),
                                   [&](std::int64_t value) { return value == values->front(); });
    return isOne ? std::optional(values->front()) : std::nullopt;
}

bool Keys::variesByLayer(std::string_view key) {
    const std::string full = m_prefix + std::string(key);
    if (valueOfAllLayers(key) || (!m_file.integers(full) && !m_file.numbers(full))) return false;
    remember({ErrorCode::Unsupported,
              name(key) + " has a value for each layer, and no such model is supported yet"});
    return true;
}

std::string_view Keys::text(std::string_view key) const {
    return m_file.string(m_prefix + std::string(key)).value_or("");
}

std::string Keys::name(std::string_view key) const {
    return "\"" + m_prefix + std::string(key) + "\"";
}

int Keys::remember(Error error) {
    if (!m_error) m_error = std::move(error);
    return 0;
}

}  // namespace conclave::engine
