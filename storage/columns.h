// columns.h: how the values of storage.h look in columns.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "storage/storage.h"

namespace conclave::storage {

inline constexpr std::array<std::string_view, 3> kRoleNames = {"system", "user", "assistant"};
inline constexpr std::array<std::string_view, 5> kMessageStateNames = {
    "complete", "streaming", "stopped", "interrupted", "failed"};
inline constexpr std::array<std::string_view, 5> kDocumentStateNames = {
    "pending", "ready", "failed", "needs_ocr", "unavailable"};

inline std::string_view nameOf(Role role) { return kRoleNames[static_cast<std::size_t>(role)]; }
inline std::string_view nameOf(MessageState state) {
    return kMessageStateNames[static_cast<std::size_t>(state)];
}
inline std::string_view nameOf(DocumentState state) {
    return kDocumentStateNames[static_cast<std::size_t>(state)];
}

/// The enumerator whose name is `name`; the first if none is, which the schema's CHECK prevents.
template <typename Enum, std::size_t n>
[[nodiscard]] Enum enumOf(const std::array<std::string_view, n>& names, std::string_view name) {
    for (std::size_t i = 0; i < n; ++i) {
        if (names[i] == name) return static_cast<Enum>(i);
    }
    return Enum{};
}

inline std::int64_t columnOf(Time time) { return time.time_since_epoch().count(); }
inline Time timeOf(std::int64_t column) { return Time(std::chrono::milliseconds(column)); }
inline Time now() {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
}

/// JSON text; bytes that are not UTF-8 become U+FFFD.
inline std::string columnOf(const nlohmann::json& value) {
    return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}
/// Null for text that is not JSON.
inline nlohmann::json jsonOf(std::string_view column) {
    auto value = nlohmann::json::parse(column, nullptr, false);
    return value.is_discarded() ? nlohmann::json() : value;
}

/// A list of ids for `IN (SELECT value FROM json_each(?))`.
template <typename Ids>
[[nodiscard]] std::string listOf(const Ids& ids) {
    std::string list = "[";
    for (const auto id : ids) {
        if (list.size() > 1) list += ',';
        list += std::to_string(id);
    }
    return list += ']';
}

}  // namespace conclave::storage
