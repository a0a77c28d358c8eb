// number_format.h: what a number in a spreadsheet cell shows.
#pragma once

#include <string>
#include <string_view>

namespace conclave::retrieval::extractor {

enum class NumberKind { Plain, Percent, Date, Time, DateTime, Duration };

/// Kind of a format code, as "yyyy\-mm\-dd;@" or "0.0%" (ECMA-376 part 1, 18.8.31).
[[nodiscard]] NumberKind kindOfFormat(std::string_view code);

/// Kind of the formats that files name by number alone (18.8.30), East Asian dates among them.
[[nodiscard]] NumberKind kindOfBuiltInFormat(int id);

/// The number as a person reads it: dates and times as 2024-03-05 14:30 whatever the language,
/// percent as 12.5%, others with at most 15 digits. `text` is the number as stored; given back as
/// it stands if it is none or no date. `is1904`: days count from 1904, not from 1900.
[[nodiscard]] std::string showNumber(std::string_view text, NumberKind kind, bool is1904);

}  // namespace conclave::retrieval::extractor
