#include "retrieval/focus.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <vector>

#include "retrieval/retrieval.h"
#include "retrieval/sentences.h"

namespace conclave::retrieval {
namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kWhite = " \t\r\n\f\v";
    const std::size_t first = text.find_first_not_of(kWhite);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

/// "- item", "* item", "| row |", "3. item": what stands alone though it ends without a full stop.
bool standsAlone(std::string_view line) {
    const std::size_t digits = line.find_first_not_of("0123456789");
    if (digits != std::string_view::npos && digits > 0 && digits < 4) {
        return line[digits] == '.' || line[digits] == ')';
    }
    return line.find_first_of("-*|+") == 0;
}

void addSentences(const std::string& paragraph, std::vector<std::string>& sentences) {
    std::size_t start = 0;
    for (const std::size_t end : sentenceEnds(paragraph)) {
        const auto sentence = trimmed(std::string_view(paragraph).substr(start, end - start));
        if (!sentence.empty()) sentences.emplace_back(sentence);
        start = end;
    }
}

std::vector<std::string> sentencesOf(std::string_view text) {
    std::vector<std::string> sentences;
    std::string paragraph;
    const auto endParagraph = [&] {
        addSentences(paragraph, sentences);
        paragraph.clear();
    };
    while (!text.empty()) {
        const std::size_t newline = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, newline));
        text.remove_prefix(std::min(newline + 1, text.size()));
        const bool isHeading = !line.empty() && line.front() == '#';
        if (line.empty() || isHeading || standsAlone(line)) endParagraph();
        if (line.empty() || isHeading) continue;
        if (standsAlone(line)) {
            sentences.emplace_back(line);
            continue;
        }
        if (!paragraph.empty()) paragraph.push_back(' ');
        paragraph.append(line);
    }
    endParagraph();
    return sentences;
}

}  // namespace

std::string focusOn(std::string_view question, std::string_view text, int nSentences) {
    const std::vector<std::string> sentences = sentencesOf(text);
    const auto nKept =
        std::min(sentences.size(), static_cast<std::size_t>(std::max(nSentences, 0)));
    const std::vector<std::string> terms = queryTerms(question);
    const std::set<std::string, std::less<>> asked(terms.begin(), terms.end());

    struct Candidate {
        std::size_t place = 0;
        std::size_t nShared = 0;
    };
    std::vector<Candidate> candidates;
    for (std::size_t place = 0; place < sentences.size(); ++place) {
        std::set<std::string, std::less<>> shared;
        analyze(sentences[place], [&](std::string_view term, std::size_t, std::size_t) {
            if (asked.find(term) != asked.end()) shared.emplace(term);
        });
        candidates.push_back({place, shared.size()});
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const auto& a, const auto& b) { return a.nShared > b.nShared; });
    candidates.resize(nKept);
    std::sort(candidates.begin(), candidates.end(),
              [](const auto& a, const auto& b) { return a.place < b.place; });

    std::string kept;
    for (const Candidate& candidate : candidates) {
        if (!kept.empty()) kept.push_back(' ');
        kept += sentences[candidate.place];
    }
    return kept;
}

}  // namespace conclave::retrieval
