// other_question.h: whether a text that has the words of a question answers another one: its
// negation, another year or place, or one of the things that were to be counted.
#pragma once

#include <string>
#include <string_view>

#include "app/services/services.h"
#include "app/services/table_units.h"

namespace conclave::services {

/// Name of the file, title and heading of a passage.
[[nodiscard]] std::string textAbove(const StoredPassage& passage);

/// The question gives a year (1900 to 2099, none of a number such as "invoice 2026-014").
[[nodiscard]] bool asksOfYear(std::string_view question);

/// A year of the question stands neither in the text nor above it.
[[nodiscard]] bool lacksYear(std::string_view question, std::string_view text,
                             std::string_view above);

/// The text says the opposite of what is asked ("open" and "not open"; not where it is asked
/// whether something is so), or it has only another year, month, weekday, name behind the same
/// preposition or number of the same unit than the question. A Chinese total or average must be
/// said by the text.
[[nodiscard]] bool answersAnother(std::string_view question, std::string_view text,
                                  std::string_view above);

/// A total, an average or a number of things is asked for, and the row is one of those to be looked
/// through: it has no total, and no column that counts what its first cell names.
[[nodiscard]] bool isOneOfMany(std::string_view question, const TableUnit& row);

}  // namespace conclave::services
