// analyzer.h: what the library itself needs of analysis beyond analyze(): the unstemmed form.
#pragma once

#include <functional>
#include <initializer_list>
#include <string_view>

#include "retrieval/languages.h"
#include "retrieval/posting_segment.h"
#include "retrieval/retrieval.h"

namespace conclave::retrieval {

/// One index term and where it came from.
struct AnalyzedTerm {
    enum class Kind {
        Word,
        Part,     ///< of the camelCase word before it
        CjkOne,   ///< one character
        CjkPair,  ///< it and its right neighbour
    };
    std::string_view term;
    std::string_view surface;  ///< case-folded but not stemmed; what stop words are compared with
    std::size_t startByte = 0;
    std::size_t endByte = 0;
    Kind kind = Kind::Word;
    bool hasDigit = false;
    bool isCapitalized = false;  ///< the text's first letter is upper case
};

/// analyze() with all that is known about each term, and as of a text in `language`; the views live
/// until `sink` returns.
void analyzeTerms(std::string_view text, const std::function<void(const AnalyzedTerm&)>& sink,
                  Language language = Language::English);

/// What chunkTerms() takes heading and text of a chunk to be written in.
[[nodiscard]] Language languageOf(std::initializer_list<std::string_view> texts);

/// The key under which chunks in `language` have the term.
[[nodiscard]] TermKey keyIn(Language language, const QueryTerm& term);

}  // namespace conclave::retrieval
