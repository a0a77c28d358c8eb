// table_meanings.h: words that mean a column of numbers without saying its name: "longest",
// "earns".
#pragma once

#include <span>
#include <string_view>

namespace conclave::services {

/// What the numbers of a column are of.
enum class Measure { Price, Pay, Length, Height, Width, Depth, Weight, Age, Year, Speed, Distance };

/// A word of a column's name that says so, in lower case.
struct MeasureName {
    std::string_view word;
    Measure measure;
};
[[nodiscard]] std::span<const MeasureName> measureNames();

/// How a question speaks of it.
struct MeasureWord {
    enum class Use {
        Greatest,  ///< "longest"
        Least,     ///< "shortest"
        Above,     ///< "longer", with "than" and a number behind
        Below,     ///< "shorter"
        Has        ///< "earns": the column itself
    };
    std::string_view phrase;
    Measure measure;
    Use use;
};
/// Longer phrases before those that they begin with.
[[nodiscard]] std::span<const MeasureWord> measureWords();

/// "Out of stock": the column of what is left is zero.
struct StockPhrase {
    std::string_view phrase;
    bool isLeft;  ///< "in stock"
};
[[nodiscard]] std::span<const StockPhrase> stockPhrases();

}  // namespace conclave::services
