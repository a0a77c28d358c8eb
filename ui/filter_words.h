// filter_words.h: a filter of documents in words, and what is typed as a filter.
#pragma once

#include <QString>
#include <string>
#include <vector>

#include "app/services/services.h"

namespace conclave::ui {

/// "PDF, DOCX"; empty: all types.
[[nodiscard]] QString typesInWords(const services::DocumentFilter& filter);
/// "since 2026-01-01", "until 2026-03-31", "2026-01-01 to 2026-03-31"; empty: at any time.
[[nodiscard]] QString daysInWords(const services::DocumentFilter& filter);
/// "“lease”" of the pattern "*lease*", "lease*.pdf" of itself.
[[nodiscard]] QString nameInWords(const std::string& pattern);
/// All of it: "PDF, DOCX · since 2026-01-01 · “lease”".
[[nodiscard]] QString inWords(const services::DocumentFilter& filter);

/// What is typed for names, "lease; 2024/", as patterns: a plain word may stand anywhere in a name.
[[nodiscard]] std::vector<std::string> patternsOf(const QString& typed);
/// And back.
[[nodiscard]] QString typedOf(const std::vector<std::string>& patterns);

}  // namespace conclave::ui
