#include "retrieval/focus.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <vector>

#include "base/utf8.h"
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

/// Moves a cut to the next beginning of a word, if there is one soon; never into a character.
std::size_t wordStartFrom(std::string_view text, std::size_t at) {
    constexpr std::size_t kFarthest = 40;  // bytes
    const std::size_t space = text.find_first_of(" \t\n", at);
    if (space != std::string_view::npos && space - at <= kFarthest) {
        return std::min(text.find_first_not_of(" \t\r\n", space), text.size());
    }
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) ++at;
    return at;
}

/// A part of one long sentence around the first term of the question.
TextSpan cutSentence(const std::set<std::string, std::less<>>& asked, std::string_view text,
                     const TextSpan& sentence, std::size_t nCharacters) {
    std::size_t firstHit = sentence.endByte;
    analyze(text.substr(sentence.startByte, sentence.endByte - sentence.startByte),
            [&](std::string_view term, std::size_t start, std::size_t) {
                if (asked.find(term) != asked.end()) {
                    firstHit = std::min(firstHit, sentence.startByte + start);
                }
            });
    TextSpan cut = sentence;
    const std::string_view before = text.substr(sentence.startByte, firstHit - sentence.startByte);
    const std::size_t nBefore = firstHit < sentence.endByte ? countCodePoints(before) : 0;
    if (nBefore > nCharacters / 2) {
        const std::size_t skipped = byteOffsetOf(before, nBefore - nCharacters / 4);
        cut.startByte = std::min(wordStartFrom(text, sentence.startByte + skipped), firstHit);
    }
    const std::string_view rest = text.substr(cut.startByte, sentence.endByte - cut.startByte);
    if (countCodePoints(rest) <= nCharacters) return cut;
    std::size_t end = byteOffsetOf(rest, nCharacters);
    const std::size_t space = rest.rfind(' ', end);
    if (space != std::string_view::npos && space > end / 2) end = space;
    cut.endByte = cut.startByte + end;
    return cut;
}

}  // namespace

TextSpan excerptFor(std::string_view question, std::string_view text, std::size_t nCharacters) {
    const std::vector<TextSpan> sentences = sentenceSpans(text);
    if (sentences.empty()) return {0, text.size()};
    const std::vector<std::string> terms = queryTerms(question);
    const std::set<std::string, std::less<>> asked(terms.begin(), terms.end());
    std::vector<std::set<std::string, std::less<>>> shared(sentences.size());
    std::vector<std::size_t> ends;  // characters of the text before the end of each
    std::size_t nSoFar = 0;
    std::size_t byte = 0;
    for (std::size_t i = 0; i < sentences.size(); ++i) {
        const TextSpan& span = sentences[i];
        analyze(text.substr(span.startByte, span.endByte - span.startByte),
                [&](std::string_view term, std::size_t, std::size_t) {
                    if (asked.find(term) != asked.end()) shared[i].emplace(term);
                });
        nSoFar += countCodePoints(text.substr(byte, span.endByte - byte));
        byte = span.endByte;
        ends.push_back(nSoFar);
    }
    std::size_t bestFirst = 0;
    std::size_t bestLast = 0;
    std::size_t mostShared = 0;
    for (std::size_t first = 0; first < sentences.size(); ++first) {
        const TextSpan& span = sentences[first];
        const std::size_t start = ends[first] - countCodePoints(text.substr(
                                                    span.startByte, span.endByte - span.startByte));
        std::set<std::string, std::less<>> seen;
        std::size_t last = first;
        for (std::size_t i = first; i < sentences.size(); ++i) {
            if (i > first && ends[i] - start > nCharacters) break;
            seen.insert(shared[i].begin(), shared[i].end());
            last = i;
        }
        // A stretch begins with a sentence that says something; else the text's beginning serves.
        if (first > 0 && (shared[first].empty() || seen.size() <= mostShared)) continue;
        bestFirst = first;
        bestLast = last;
        mostShared = shared[first].empty() ? 0 : seen.size();
    }
    const TextSpan& opening = sentences[bestFirst];
    if (bestFirst == bestLast) return cutSentence(asked, text, opening, nCharacters);
    return {opening.startByte, sentences[bestLast].endByte};
}

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
