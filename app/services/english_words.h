// english_words.h: lists of English words that both questions and the sentences answering them are
// read by.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace conclave::services {

inline constexpr auto kHelpers = std::to_array<std::string_view>(
    {"is", "are", "was", "were", "do", "does", "did", "can", "could", "may", "must", "should",
     "will", "would", "has", "have", "had", "might"});
inline constexpr auto kBeforeNouns =
    std::to_array<std::string_view>({"a", "an", "the", "any", "our", "your", "what", "called"});
inline constexpr auto kPermissionStems =
    std::to_array<std::string_view>({"allow", "forbid", "forbidden", "prohibit", "ban"});

inline constexpr auto kNamedMonths =
    std::to_array<std::string_view>({"january", "february", "march", "april", "may", "june", "july",
                                     "august", "september", "october", "november", "december"});

template <std::size_t N>
bool isListed(std::string_view word, const std::array<std::string_view, N>& list) {
    return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace conclave::services
