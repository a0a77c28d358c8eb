// date_bound.h: "before 5 March 2026", "since 2024", "2026年以前" in a question about texts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace conclave::services {

/// The question without its first words that compare with a day, a month or a year, so that what
/// is dated can be looked for; none: it has no such words. "In 2024" and "on 5 March" compare
/// nothing.
[[nodiscard]] std::optional<std::string> withoutDateBound(std::string_view question);

}  // namespace conclave::services
