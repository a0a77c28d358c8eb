// search_texts.h: collections of any size for the search benchmark, made of the sentences of real
// ones.
#pragma once

#include <cstddef>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

namespace conclave::bench {

/// Sentences and questions of one language, from folders as `conclave eval-retrieval` reads them.
struct SentencePool {
    std::string name;
    std::vector<std::string> sentences;
    std::vector<std::string> questions;
    std::size_t paragraphCharacters = 0;  ///< code points: a chunk's worth
    bool hasSpaces = true;
};

/// Ends the program with a sentence if a folder cannot be read.
[[nodiscard]] SentencePool englishPool(const std::filesystem::path& sets);
[[nodiscard]] SentencePool chinesePool(const std::filesystem::path& sets);

/// Document number `i`, version `version`, of a synthetic collection: ten paragraphs of sentences
/// drawn with equal chance, each paragraph a chunk, one paragraph in two with a serial number so
/// that rare terms grow with the collection as they do in real ones. The same for the same numbers.
[[nodiscard]] std::string syntheticDocument(const SentencePool& pool, std::size_t i, int version);
inline constexpr std::size_t kParagraphsOfDocument = 10;

}  // namespace conclave::bench
