// document_filter.h: confines a search or a question to some of the documents.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "storage/storage.h"

namespace conclave::services {

/// Documents that have one of the names, one of the types and the date; what is empty confines
/// nothing.
struct DocumentFilter {
    /// Names of files ("lease*.pdf"), or ends of paths ("2024/", "2024/lease.pdf"), with * and ?;
    /// letters of either case.
    std::vector<std::string> files{};
    std::vector<std::string> types{};  ///< ends of names, as "pdf"
    std::string since{};               ///< changed on this day (UTC) or later: "2026-01-31"
    std::string until{};               ///< or on this day or earlier

    [[nodiscard]] bool isEmpty() const;
    [[nodiscard]] bool holds(const storage::Document& document) const;
    /// Of "2026-01-31"; none for whatever else.
    [[nodiscard]] static std::optional<std::chrono::sys_days> dayOf(std::string_view text);

    [[nodiscard]] nlohmann::json toJson() const;
    [[nodiscard]] static DocumentFilter fromJson(const nlohmann::json& json);
};

/// Ascending ids of the documents that a filter holds; none: all of them.
[[nodiscard]] Result<std::optional<std::vector<storage::DocumentId>>> documentsHeldBy(
    const DocumentFilter& filter, storage::DocumentStore& store,
    const std::vector<storage::CollectionId>& collections);

}  // namespace conclave::services
