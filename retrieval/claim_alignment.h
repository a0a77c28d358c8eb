// claim_alignment.h: does a passage say what a sentence claims, and where?
#pragma once

#include <cstddef>
#include <string_view>

namespace conclave::retrieval {

/// Bytes of the passage that say the claim; `isSupported` false: none do.
struct Support {
    bool isSupported = false;
    std::size_t start = 0;
    std::size_t end = 0;
};

/// Looks for the claim word for word first (white space and case aside), else aligns its terms
/// with the passage's (Smith-Waterman): then every number and name of the claim must occur in the
/// passage, most of its weight in one stretch, both or neither must say "not", and a tail of
/// the claim that stands word for word in the middle of a sentence must not have been given another
/// beginning.
[[nodiscard]] Support findSupport(std::string_view claim, std::string_view passage);

/// All words of content of a claim that the passage has stand in one of its sentences (or in that
/// and the next, if the next begins with "It" or the like; or in a table's row and its head), three
/// in four of the claim's, and these in much the same order: what a model that only copies wrote is
/// else made of several sentences. True of a claim with Chinese characters or without content.
[[nodiscard]] bool isFromOneSentence(std::string_view claim, std::string_view passage);

}  // namespace conclave::retrieval
