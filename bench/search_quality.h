// search_quality.h: what is found, by us and by others, in the same test sets.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "bench/search_peers.h"

namespace conclave::bench {

/// Ends the program with the error, if it is one.
template <typename T>
T valueOf(Result<T> result) {
    if (!result) {
        std::fprintf(stderr, "search_bench: %s\n", result.error().detail.c_str());
        std::exit(1);
    }
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// Names of the systems that are compared, in the order of the table.
inline constexpr const char* kHybrid = "Conclave, hybrid";
inline constexpr const char* kKeywords = "Conclave, keywords";
inline constexpr const char* kPlainFts = "plain FTS5, porter, bm25";
inline constexpr const char* kLocalDocs = "LocalDocs' pipeline";

/// nDCG@10 by system over the judged queries of one test set: sixty rows each, of which the first
/// ten documents count. The peers get title and text, and their databases lie in `folder`. Ends the
/// program with a sentence if the set cannot be read.
[[nodiscard]] std::map<std::string, double> compareQuality(const std::filesystem::path& set,
                                                           const std::filesystem::path& folder,
                                                           const EmbedText& embed,
                                                           std::size_t dimension);

}  // namespace conclave::bench
