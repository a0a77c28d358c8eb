#include "engine/model/architectures/keys.h"

#include <utility>

namespace conclave::engine {

int Keys::required(std::string_view key, std::int64_t lowest, std::int64_t highest) {
    const auto value = m_file.requireInteger(m_prefix + std::string(key), lowest, highest);
    if (!value) return remember(value.error());
    return static_cast<int>(*value);
}

int Keys::optional(std::string_view key, int fallback, std::int64_t lowest, std::int64_t highest) {
    return has(key) ? required(key, lowest, highest) : fallback;
}

double Keys::requiredNumber(std::string_view key, double lowest, double highest) {
    if (!has(key)) {
        return remember({ErrorCode::Corrupt, "the model file lacks the number " + name(key)});
    }
    return number(key, 0.0, lowest, highest);
}

double Keys::number(std::string_view key, double fallback, double lowest, double highest) {
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

bool Keys::has(std::string_view key) const {
    return m_file.number(m_prefix + std::string(key)).has_value();
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
