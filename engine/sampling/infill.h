// infill.h: the next token of a gap in a text, where it should end as soon as the gap is filled.
#pragma once

#include <string>
#include <vector>

#include "engine/sampling/candidates.h"
#include "engine/tokenizer/tokenizer.h"

namespace conclave::engine {

/// llama.cpp's infill step: ends the text unless some word is clearly likelier, counts tokens that
/// begin alike as one, and leaves few of them.
class InfillStep {
public:
    /// @param tokenizer  must outlive this
    explicit InfillStep(const Tokenizer& tokenizer) : m_tokenizer(tokenizer) {}

    void apply(Candidates& candidates) const;

private:
    [[nodiscard]] bool isEnd(const Candidate& each) const {
        return m_tokenizer.isEndOfTurn(each.token);
    }
    /// Takes out each token of which a likelier one is the beginning, or that is the beginning of a
    /// likelier one, and adds its probability to that one's.
    void mergePrefixes(std::vector<Candidate>& candidates) const;
    /// Takes out words below `least` and makes what stays sum to 1.
    void dropUnlikelyWords(std::vector<Candidate>& candidates, double least) const;

    const Tokenizer& m_tokenizer;
};

}  // namespace conclave::engine
