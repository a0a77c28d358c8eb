// other_values.h: documents that give another value for what a quoted sentence says.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/services/services.h"

namespace conclave::services {

/// Citations of the sentences that answer the question, too, in other documents than that of
/// `said`, with other sums, shares, days or numbers of the same unit. Empty where `said` gives
/// none. Their places in the answer are the caller's.
[[nodiscard]] std::vector<StoredCitation> otherValuesThan(const StoredCitation& said,
                                                          std::string_view question,
                                                          std::span<const StoredPassage> passages);

/// Adds a line that says so below the answer, with its citations: one for each document.
void addOtherValues(std::string& text, std::vector<StoredCitation>& citations,
                    std::string_view question, std::span<const StoredPassage> passages);

}  // namespace conclave::services
