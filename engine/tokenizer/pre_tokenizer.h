// pre_tokenizer.h: cuts text into the words inside which a byte-level BPE merges.
//
// Models define this by regular expressions; here each is a hand-written matcher, since these run
// over every document and a regex engine would be the slowest part of tokenizing.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"

namespace conclave::engine {

struct CharSequence;

/// One family of models' way to cut, as named by tokenizer.ggml.pre.
class PreTokenizer {
public:
    /// Errors: Unsupported (names it).
    [[nodiscard]] static Result<PreTokenizer> find(std::string_view name);

    /// Calls `onWord` with the words of `text`, in order and without gaps; they borrow from it.
    template <typename OnWord>
    void split(std::string_view text, OnWord&& onWord) const {
        std::size_t begin = 0;
        for (const std::size_t end : wordEnds(text)) {
            onWord(text.substr(begin, end - begin));
            begin = end;
        }
    }

    /// True if a word that is a token as a whole is taken without merging.
    [[nodiscard]] bool takesWholeWords() const { return m_takesWholeWords; }

    /// True if the model was trained on text in Unicode's composed form (NFC).
    [[nodiscard]] bool composes() const { return m_composes; }

    /// True if a text begins with BOS where the file does not say.
    [[nodiscard]] bool addsBos() const { return m_addsBos; }

    /// Number of characters at `position` that make a word (0: none) in [position, end).
    using Matcher = std::size_t (*)(const CharSequence& chars, std::size_t position,
                                    std::size_t end);

private:
    /// Where the words of `text` end, in bytes.
    [[nodiscard]] std::vector<std::size_t> wordEnds(std::string_view text) const;

    /// Each stage cuts what the one before left: its matches, and what lies between them.
    std::vector<Matcher> m_stages;
    bool m_takesWholeWords = false;
    bool m_composes = false;
    bool m_addsBos = false;
};

}  // namespace conclave::engine
