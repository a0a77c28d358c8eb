// Reading everything instead of the best few: sentences that say certain words, and those that tell
// most of a text.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

#include "base/utf8.h"
#include "retrieval/accents.h"
#include "retrieval/analyzer.h"
#include "retrieval/characters.h"
#include "retrieval/retrieval.h"
#include "retrieval/sentences.h"
#include "retrieval/stop_words.h"

namespace conclave::retrieval {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n\f\v";

bool isOwnSentence(std::string_view line) {
    const std::size_t digits = line.find_first_not_of("0123456789");
    if (digits != std::string_view::npos && digits > 0 && digits < 4 &&
        (line[digits] == '.' || line[digits] == ')')) {
        return true;
    }
    return line.find_first_of("-*|+#") == 0 || line.find(" | ") != std::string_view::npos;
}

/// Adds text[start, end) without the white space around it.
void addTrimmed(std::string_view text, std::size_t start, std::size_t end,
                std::vector<TextSpan>& spans) {
    const std::string_view part = text.substr(start, end - start);
    const std::size_t first = part.find_first_not_of(kWhiteSpace);
    if (first == std::string_view::npos) return;
    spans.push_back({start + first, start + part.find_last_not_of(kWhiteSpace) + 1});
}

std::string lowered(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    return lower;
}

/// What stands between quotation marks; `rest` is the text without it.
std::vector<std::string> quotedParts(std::string_view text, std::string& rest) {
    struct Marks {
        std::string_view open;
        std::string_view close;
    };
    static constexpr Marks kMarks[] = {{"\"", "\""}, {"“", "”"},   {"「", "」"},
                                       {"『", "』"}, {"《", "》"}, {"«", "»"}};
    std::vector<std::string> parts;
    while (!text.empty()) {
        const auto marks = std::find_if(std::begin(kMarks), std::end(kMarks),
                                        [&](const Marks& m) { return text.starts_with(m.open); });
        if (marks != std::end(kMarks)) {
            const std::size_t close = text.find(marks->close, marks->open.size());
            if (close != std::string_view::npos && close > marks->open.size()) {
                parts.push_back(
                    lowered(text.substr(marks->open.size(), close - marks->open.size())));
                text.remove_prefix(close + marks->close.size());
                rest += ' ';
                continue;
            }
        }
        rest += text.front();
        text.remove_prefix(1);
    }
    return parts;
}

/// What stands between "or", "或" and the like, outside of quotation marks.
std::vector<std::string_view> alternativesOf(std::string_view words) {
    static constexpr std::string_view kOrs[] = {" or ", " OR ", "或者", "还是", "或"};
    std::vector<std::string_view> parts;
    bool isQuoted = false;
    std::size_t start = 0;
    for (std::size_t i = 0; i < words.size();) {
        const std::string_view rest = words.substr(i);
        if (rest.starts_with("\"")) isQuoted = !isQuoted;
        if (rest.starts_with("“") || rest.starts_with("「") || rest.starts_with("《"))
            isQuoted = true;
        if (rest.starts_with("”") || rest.starts_with("」") || rest.starts_with("》"))
            isQuoted = false;
        const auto found =
            std::find_if(std::begin(kOrs), std::end(kOrs),
                         [&](std::string_view each) { return rest.starts_with(each); });
        if (isQuoted || found == std::end(kOrs)) {
            ++i;
            continue;
        }
        parts.push_back(words.substr(start, i - start));
        i += found->size();
        start = i;
    }
    parts.push_back(words.substr(start));
    return parts;
}

/// A beginning that every inflection of an English stem shares.
std::string_view sureBeginning(std::string_view term) {
    constexpr std::size_t kEnding = 2;  // fli-es, happi-ly
    return term.substr(0,
                       std::max<std::size_t>(term.size() > kEnding ? term.size() - kEnding : 1, 1));
}

bool isAscii(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool containsIgnoringCase(std::string_view text, std::string_view lower) {
    const auto isSame = [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b;
    };
    return std::search(text.begin(), text.end(), lower.begin(), lower.end(), isSame) != text.end();
}

}  // namespace

std::vector<TextSpan> sentenceSpans(std::string_view text) {
    std::vector<TextSpan> spans;
    std::size_t paragraph = 0;
    const auto endParagraph = [&](std::size_t end) {
        std::size_t start = 0;
        const std::string_view part = text.substr(paragraph, end - paragraph);
        for (const std::size_t sentence : sentenceEnds(part)) {
            addTrimmed(text, paragraph + start, paragraph + sentence, spans);
            start = sentence;
        }
    };
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        std::string_view line = text.substr(start, end - start);
        line.remove_prefix(std::min(line.find_first_not_of(kWhiteSpace), line.size()));
        const std::size_t next = std::min(end + 1, text.size());
        if (line.empty() || isOwnSentence(line)) {
            endParagraph(start);
            addTrimmed(text, start, end, spans);
            paragraph = next;
        }
        start = next;
    }
    endParagraph(text.size());
    return spans;
}

SentenceMatcher::SentenceMatcher(std::string_view words) {
    if (const auto parts = alternativesOf(words); parts.size() > 1) {
        for (const std::string_view part : parts) {
            SentenceMatcher matcher(part);
            if (matcher.hasTerms()) m_alternatives.push_back(std::move(matcher));
        }
        return;
    }
    std::string rest;
    m_phrases = quotedParts(words, rest);
    std::size_t runEnd = std::string::npos;  // where the last CJK run ends so far
    std::string single;                      // a CJK run of one character so far
    std::size_t groupOfRun = 0;
    const auto addSingle = [&] {
        if (!single.empty()) m_terms.push_back({single, groupOfRun, false});
        single.clear();
    };
    analyzeTerms(withoutAccents(rest), [&](const AnalyzedTerm& term) {
        using Kind = AnalyzedTerm::Kind;
        if (term.kind == Kind::Part || isStopWord(term.surface)) return;
        if (term.kind == Kind::Word) {
            addSingle();
            m_terms.push_back({std::string(term.term), m_nGroups++, false});
            runEnd = std::string::npos;
            return;
        }
        if (term.kind == Kind::CjkOne) {
            if (term.startByte != runEnd) {
                addSingle();
                groupOfRun = m_nGroups++;
                single = term.term;
            }
            runEnd = term.endByte;
            return;
        }
        single.clear();  // the pair says more
        m_terms.push_back({std::string(term.term), groupOfRun, true});
    });
    addSingle();
}

bool SentenceMatcher::mayMatch(std::string_view context, std::string_view text) const {
    for (const std::string& phrase : m_phrases) {
        if (!containsIgnoringCase(text, phrase)) return false;
    }
    // Folding may turn other characters into ASCII, so only plain text is passed over unread.
    if (!isAscii(text) || !isAscii(context)) return true;
    return std::all_of(m_terms.begin(), m_terms.end(), [&](const Wanted& wanted) {
        const std::string_view beginning = sureBeginning(wanted.term);
        return containsIgnoringCase(text, beginning) || containsIgnoringCase(context, beginning);
    });
}

std::vector<bool> SentenceMatcher::groupsIn(std::string_view text) const {
    std::set<std::string, std::less<>> found;
    analyze(withoutAccents(text),
            [&](std::string_view term, std::size_t, std::size_t) { found.emplace(term); });
    std::vector<int> nFound(m_nGroups);
    std::vector<int> nWanted(m_nGroups);
    for (const Wanted& wanted : m_terms) {
        ++nWanted[wanted.group];
        if (found.contains(wanted.term)) ++nFound[wanted.group];
    }
    std::vector<bool> groups(m_nGroups);
    for (std::size_t i = 0; i < m_nGroups; ++i) {
        // A long run of Chinese is several words, of which one may be a particle.
        groups[i] = nWanted[i] == 0 || 3 * nFound[i] >= 2 * nWanted[i];
    }
    return groups;
}

std::vector<TextSpan> SentenceMatcher::match(std::string_view context,
                                             std::string_view text) const {
    std::vector<TextSpan> matches;
    if (!m_alternatives.empty()) {
        std::map<std::size_t, TextSpan> byStart;
        for (const SentenceMatcher& each : m_alternatives) {
            for (const TextSpan& span : each.match(context, text)) byStart[span.startByte] = span;
        }
        for (const auto& [start, span] : byStart) matches.push_back(span);
        return matches;
    }
    if (!hasTerms() || !mayMatch(context, text)) return matches;
    const std::vector<bool> known = groupsIn(context);
    for (const TextSpan& span : sentenceSpans(text)) {
        const std::string_view sentence =
            text.substr(span.startByte, span.endByte - span.startByte);
        if (!mayMatch(context, sentence)) continue;
        const std::vector<bool> said = groupsIn(sentence);
        bool saysAll = true;
        bool saysAny = m_nGroups == 0;
        for (std::size_t i = 0; i < m_nGroups; ++i) {
            saysAll = saysAll && (said[i] || known[i]);
            saysAny = saysAny || said[i];
        }
        if (saysAll && saysAny) matches.push_back(span);
    }
    return matches;
}

std::vector<KeySentence> keySentences(std::span<const std::string_view> texts, int limit) {
    struct Candidate {
        KeySentence sentence;
        std::vector<std::size_t> words;
    };
    std::vector<Candidate> candidates;
    std::unordered_map<std::string, std::size_t> ids;
    std::vector<double> weights;
    double nWords = 0;
    constexpr std::size_t kFewestWords = 4;
    constexpr std::size_t kMostWords = 60;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        for (const TextSpan& span : sentenceSpans(texts[i])) {
            Candidate candidate{{i, span}, {}};
            const std::string_view sentence =
                texts[i].substr(span.startByte, span.endByte - span.startByte);
            if (sentence.starts_with('#')) continue;
            analyzeTerms(sentence, [&](const AnalyzedTerm& term) {
                using Kind = AnalyzedTerm::Kind;
                if (term.kind == Kind::Part || term.kind == Kind::CjkOne) return;
                if (isStopWord(term.surface)) return;
                const auto [at, isNew] = ids.try_emplace(std::string(term.term), ids.size());
                if (isNew) weights.push_back(0);
                weights[at->second] += 1;
                candidate.words.push_back(at->second);
            });
            nWords += static_cast<double>(candidate.words.size());
            if (candidate.words.size() < kFewestWords) continue;
            candidates.push_back(std::move(candidate));
        }
    }
    for (double& weight : weights) weight /= std::max(nWords, 1.0);

    std::vector<KeySentence> chosen;
    while (static_cast<int>(chosen.size()) < limit && !candidates.empty()) {
        const auto valueOf = [&](const Candidate& candidate) {
            double sum = 0;
            for (const std::size_t word : candidate.words) sum += weights[word];
            // A whole page that has no full stop is no sentence to quote.
            const double length = static_cast<double>(candidate.words.size());
            return sum / (length > kMostWords ? length * length / kMostWords : length);
        };
        auto best = candidates.begin();
        double bestValue = valueOf(*best);
        for (auto each = std::next(best); each != candidates.end(); ++each) {
            if (const double value = valueOf(*each); value > bestValue) {
                best = each;
                bestValue = value;
            }
        }
        for (const std::size_t word : best->words) weights[word] *= weights[word];
        chosen.push_back(best->sentence);
        candidates.erase(best);
    }
    std::sort(chosen.begin(), chosen.end(), [](const KeySentence& a, const KeySentence& b) {
        return a.text != b.text ? a.text < b.text : a.span.startByte < b.span.startByte;
    });
    return chosen;
}

}  // namespace conclave::retrieval
