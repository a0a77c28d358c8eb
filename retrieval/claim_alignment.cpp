#include "retrieval/claim_alignment.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "retrieval/analyzer.h"
#include "retrieval/retrieval.h"
#include "retrieval/stop_words.h"

namespace conclave::retrieval {
namespace {

/// A claim is a sentence; what is longer is judged by its beginning, which bounds the work.
constexpr std::size_t kMostClaimTerms = 256;
constexpr std::size_t kMostPassageTerms = 8192;

/// Share of the claim's weight that one stretch of the passage must hold. At this value hardly any
/// claim holds in a foreign passage (tests/retrieval/citation_calibration_test.cpp); how many
/// honest paraphrases it refuses is not measured, since quotes are found word for word before.
constexpr double kNeededShare = 0.6;

/// A claim of so few words stands with each of them.
constexpr std::size_t kFewWords = 3;
/// One of so few has no room for more than one other word that counts little.
constexpr std::size_t kShortClaim = 5;
constexpr double kNeededShareOfShort = 0.8;

/// Weights in the share: what a claim stands and falls with counts more.
constexpr double kStopWeight = 0.1;
constexpr double kWordWeight = 1.0;
constexpr double kKeyWeight = 2.0;  // numbers and names

struct Term {
    std::string text;
    std::size_t start = 0;
    std::size_t end = 0;
    double weight = kWordWeight;
    bool isCjk = false;
    bool isNumber = false;
    bool isName = false;
    bool isNegation = false;
    bool startsSentence = false;
};

bool isNegation(std::string_view surface) {
    constexpr auto kNegations =
        std::to_array<std::string_view>({"not", "no", "never", "neither", "nor", "none", "without",
                                         "cannot", "不", "没", "無", "无", "未", "非"});
    return surface.ends_with("n't") ||
           std::find(kNegations.begin(), kNegations.end(), surface) != kNegations.end();
}

/// The terms in reading order, CJK by character, camelCase as one.
std::vector<Term> termsOf(std::string_view text, std::size_t most) {
    std::vector<Term> terms;
    bool startsSentence = true;
    std::size_t lastEnd = 0;
    analyzeTerms(text, [&](const AnalyzedTerm& found) {
        using Kind = AnalyzedTerm::Kind;
        if (found.kind == Kind::CjkPair || found.kind == Kind::Part || terms.size() >= most) return;
        const std::string_view gap = text.substr(lastEnd, found.startByte - lastEnd);
        if (!terms.empty()) startsSentence = gap.find_first_of(".!?:\n") != std::string_view::npos;
        lastEnd = found.endByte;
        Term term{.text = std::string(found.term),
                  .start = found.startByte,
                  .end = found.endByte,
                  .isCjk = found.kind == Kind::CjkOne,
                  .isNumber = found.hasDigit,
                  .isName = found.isCapitalized && !startsSentence,
                  .isNegation = isNegation(found.surface),
                  .startsSentence = startsSentence};
        if (isStopWord(found.surface)) {
            term.weight = kStopWeight;
            term.isName = false;
        } else if (term.isNumber || term.isName) {
            term.weight = kKeyWeight;
        }
        terms.push_back(std::move(term));
    });
    return terms;
}

bool isSame(const Term& a, const Term& b) { return a.text == b.text; }

/// The claim's terms as they are in a row somewhere in the passage.
Support findVerbatim(const std::vector<Term>& claim, const std::vector<Term>& passage) {
    const auto found =
        std::search(passage.begin(), passage.end(), claim.begin(), claim.end(), isSame);
    if (found == passage.end()) return {};
    const auto last = found + static_cast<std::ptrdiff_t>(claim.size()) - 1;
    return {.isSupported = true, .start = found->start, .end = last->end};
}

bool holdsKeys(const std::vector<Term>& claim, const std::vector<Term>& passage) {
    std::unordered_set<std::string_view> present;
    for (const Term& term : passage) present.insert(term.text);
    return std::all_of(claim.begin(), claim.end(), [&](const Term& term) {
        return !(term.isNumber || term.isName) || present.contains(term.text);
    });
}

/// A small model copies and garbles single words on the way: "kept by Marta íster in" for "kept by
/// Marta Öster in". So a word that the passage lacks must not stand between two neighbours of the
/// passage in the place of another, nor in a claim of a few words.
bool isGarbledCopy(const std::vector<Term>& claim, const std::vector<Term>& passage) {
    std::unordered_set<std::string_view> present;
    for (const Term& term : passage) present.insert(term.text);
    const auto isWord = [](const Term& term) { return !term.isCjk && term.weight > kStopWeight; };
    const auto isForeign = [&](const Term& term) {
        return isWord(term) && !present.contains(term.text);
    };
    const auto nWords = static_cast<std::size_t>(std::count_if(claim.begin(), claim.end(), isWord));
    if (nWords <= kFewWords && std::any_of(claim.begin(), claim.end(), isForeign)) return true;
    for (std::size_t i = 1; i + 1 < claim.size(); ++i) {
        if (!isForeign(claim[i])) continue;
        for (std::size_t j = 1; j + 1 < passage.size(); ++j) {
            if (isWord(passage[j]) && isSame(passage[j - 1], claim[i - 1]) &&
                isSame(passage[j + 1], claim[i + 1])) {
                return true;
            }
        }
    }
    return false;
}

/// Words that tie what follows to what stood before.
bool isTie(const Term& term) {
    constexpr auto kTies = std::to_array<std::string_view>(
        {"and",     "or",   "but",   "nor",  "so",      "to",   "if",   "when",  "while",
         "because", "that", "which", "who",  "whose",   "than", "as",   "until", "after",
         "before",  "of",   "for",   "with", "without", "from", "into", "by"});
    return std::find(kTies.begin(), kTies.end(), term.text) != kTies.end();
}

bool isContent(const Term& term) { return term.weight > kStopWeight; }

/// `tail` (the claim's terms from some place on) stands at passage[at] in the middle of a sentence,
/// behind other words than in the claim, so that it says there something else: "You can also add a
/// folder, and every model …" made into "To add a folder, and every model …".
bool isTornOff(std::span<const Term> head, std::span<const Term> tail,
               const std::vector<Term>& passage, std::size_t at) {
    std::size_t sentence = at;
    while (!passage[sentence].startsSentence && sentence > 0) --sentence;
    if (sentence == at) return false;
    const auto hasTerm = [](std::span<const Term> terms, const Term& wanted) {
        return std::any_of(terms.begin(), terms.end(),
                           [&](const Term& term) { return isSame(term, wanted); });
    };
    const std::span<const Term> all(passage);
    const std::span<const Term> before = all.subspan(sentence, at - sentence);
    const std::span<const Term> after = all.subspan(at + tail.size());
    bool hasContent = false;
    bool isElsewhere = true;
    bool hasSubject = false;  // the same, said shorter
    bool hasForeign = false;  // a word of another sentence beside it
    for (const Term& term : head) {
        if (!isContent(term)) continue;
        if (hasTerm(before, term)) {
            hasSubject = true;
            continue;
        }
        hasForeign = hasForeign || hasTerm(all.first(sentence), term) || hasTerm(after, term);
        hasContent = true;
        isElsewhere = isElsewhere && (hasTerm(all.first(sentence), term) || hasTerm(after, term));
    }
    if (hasSubject) return hasForeign;
    if (!hasContent) return isTie(head.back());
    const bool dropsSubject = std::any_of(before.begin(), before.end(), isContent);
    return dropsSubject && (isElsewhere || isTie(tail.front()));
}

/// A small model begins with one sentence and goes on with the end of another: each word is there,
/// the sentence is not. Of languages with spaces only: what is a word of Chinese is not known here.
bool isSpliced(const std::vector<Term>& claim, const std::vector<Term>& passage) {
    constexpr std::size_t kShortestTail = 4;
    const std::span<const Term> all(claim);
    for (std::size_t start = 1; start + kShortestTail <= claim.size(); ++start) {
        const std::span<const Term> tail = all.subspan(start);
        if (std::any_of(tail.begin(), tail.end(), [](const Term& term) { return term.isCjk; })) {
            return false;
        }
        auto found = std::search(passage.begin(), passage.end(), tail.begin(), tail.end(), isSame);
        if (found == passage.end()) continue;
        while (found != passage.end()) {
            const auto at = static_cast<std::size_t>(found - passage.begin());
            if (!isTornOff(all.first(start), tail, passage, at)) return false;
            found = std::search(found + 1, passage.end(), tail.begin(), tail.end(), isSame);
        }
        return true;
    }
    return false;
}

/// Best local alignment: which passage terms, and which claim terms were matched.
struct Alignment {
    std::size_t first = 0;  ///< passage terms [first, last]
    std::size_t last = 0;
    std::vector<bool> matched;  ///< by claim term
    bool exists = false;
};

Alignment align(const std::vector<Term>& claim, const std::vector<Term>& passage) {
    constexpr float kMatch = 2.0F;
    constexpr float kMismatch = -0.6F;
    constexpr float kGap = -0.35F;
    enum Step : std::uint8_t { kStop, kDiagonal, kSkipPassage, kSkipClaim };

    const std::size_t width = passage.size() + 1;
    std::vector<float> above(width, 0.0F);
    std::vector<float> row(width, 0.0F);
    std::vector<std::uint8_t> steps((claim.size() + 1) * width, kStop);
    float best = 0.0F;
    std::size_t bestClaim = 0;
    std::size_t bestPassage = 0;
    for (std::size_t i = 1; i <= claim.size(); ++i) {
        row[0] = 0.0F;
        const auto weight = static_cast<float>(claim[i - 1].weight);
        for (std::size_t j = 1; j < width; ++j) {
            const bool same = isSame(claim[i - 1], passage[j - 1]);
            float score = above[j - 1] + (same ? kMatch * weight : kMismatch);
            std::uint8_t step = kDiagonal;
            if (row[j - 1] + kGap > score) {
                score = row[j - 1] + kGap;
                step = kSkipPassage;
            }
            if (above[j] + kGap > score) {
                score = above[j] + kGap;
                step = kSkipClaim;
            }
            if (score <= 0.0F) {
                score = 0.0F;
                step = kStop;
            }
            row[j] = score;
            steps[i * width + j] = step;
            if (score > best) {
                best = score;
                bestClaim = i;
                bestPassage = j;
            }
        }
        std::swap(above, row);
    }
    Alignment found;
    found.matched.resize(claim.size());
    for (std::size_t i = bestClaim, j = bestPassage; i > 0 && j > 0;) {
        const std::uint8_t step = steps[i * width + j];
        if (step == kStop) break;
        if (step == kDiagonal) {
            --i;
            --j;
            if (!isSame(claim[i], passage[j])) continue;
            if (!found.exists) found.last = j;
            found.first = j;
            found.exists = true;
            found.matched[i] = true;
        } else if (step == kSkipPassage) {
            --j;
        } else {
            --i;
        }
    }
    return found;
}

/// Share of the claim's weight found in passage terms [first, last], in any order; a CJK character
/// counts if one of its neighbours is there beside it, since single ones are everywhere.
double shareWithin(const std::vector<Term>& claim, const std::vector<Term>& passage,
                   std::size_t first, std::size_t last) {
    std::unordered_set<std::string> present;
    for (std::size_t j = first; j <= last; ++j) {
        present.insert(passage[j].text);
        if (j > first && passage[j].isCjk && passage[j - 1].isCjk) {
            present.insert(passage[j - 1].text + passage[j].text);
        }
    }
    double total = 0.0;
    double held = 0.0;
    for (std::size_t i = 0; i < claim.size(); ++i) {
        const Term& term = claim[i];
        total += term.weight;
        bool holds = present.contains(term.text);
        if (holds && term.isCjk) {
            const bool left = i > 0 && claim[i - 1].isCjk;
            const bool right = i + 1 < claim.size() && claim[i + 1].isCjk;
            holds = (!left && !right) ||
                    (left && present.contains(claim[i - 1].text + term.text)) ||
                    (right && present.contains(term.text + claim[i + 1].text));
        }
        if (holds) held += term.weight;
    }
    return total > 0.0 ? held / total : 0.0;
}

/// Length of the longest common subsequence.
std::size_t inSameOrder(const std::vector<std::string_view>& a,
                        const std::vector<std::string_view>& b) {
    std::vector<std::size_t> above(b.size() + 1, 0);
    std::vector<std::size_t> row(b.size() + 1, 0);
    for (const std::string_view word : a) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
            row[j] = word == b[j - 1] ? above[j - 1] + 1 : std::max(above[j], row[j - 1]);
        }
        std::swap(above, row);
    }
    return above.back();
}

bool saysNot(const std::vector<Term>& terms, std::size_t first, std::size_t last) {
    for (std::size_t i = first; i <= last && i < terms.size(); ++i) {
        if (terms[i].isNegation) return true;
    }
    return false;
}

}  // namespace

Support findSupport(std::string_view claim, std::string_view passage) {
    const std::vector<Term> claimTerms = termsOf(claim, kMostClaimTerms);
    const std::vector<Term> passageTerms = termsOf(passage, kMostPassageTerms);
    const bool saysAnything = std::any_of(claimTerms.begin(), claimTerms.end(),
                                          [](const Term& t) { return t.weight > kStopWeight; });
    if (!saysAnything || passageTerms.empty()) return {};
    if (const Support verbatim = findVerbatim(claimTerms, passageTerms); verbatim.isSupported) {
        return verbatim;
    }
    if (!holdsKeys(claimTerms, passageTerms) || isGarbledCopy(claimTerms, passageTerms) ||
        isSpliced(claimTerms, passageTerms)) {
        return {};
    }
    const Alignment aligned = align(claimTerms, passageTerms);
    if (!aligned.exists) return {};
    const auto nWords = std::count_if(claimTerms.begin(), claimTerms.end(), [](const Term& term) {
        return isContent(term) && !term.isCjk;
    });
    const bool isShort = nWords > 0 && static_cast<std::size_t>(nWords) <= kShortClaim &&
                         std::none_of(claimTerms.begin(), claimTerms.end(),
                                      [](const Term& term) { return term.isCjk; });
    if (shareWithin(claimTerms, passageTerms, aligned.first, aligned.last) <
        (isShort ? kNeededShareOfShort : kNeededShare)) {
        return {};
    }
    if (saysNot(claimTerms, 0, claimTerms.size()) !=
        saysNot(passageTerms, aligned.first, aligned.last)) {
        return {};
    }
    return {.isSupported = true,
            .start = passageTerms[aligned.first].start,
            .end = passageTerms[aligned.last].end};
}

bool isFromOneSentence(std::string_view claim, std::string_view passage) {
    constexpr auto kPronouns = std::to_array<std::string_view>(
        {"It ", "Its ", "They ", "Their ", "This ", "These ", "He ", "She ", "His ", "Her "});
    constexpr std::size_t kOfFour = 3;
    const std::vector<Term> claimTerms = termsOf(claim, kMostClaimTerms);
    std::vector<std::string_view> wanted;
    for (const Term& term : claimTerms) {
        if (term.isCjk) return true;
        if (isContent(term)) wanted.push_back(term.text);
    }
    if (wanted.empty()) return true;
    const std::vector<Term> terms = termsOf(passage, kMostPassageTerms);
    std::unordered_set<std::string_view> present;
    for (const Term& term : terms) present.insert(term.text);
    const auto isSaidIn = [&](const std::vector<std::string_view>& said) {
        const std::unordered_set<std::string_view> held(said.begin(), said.end());
        std::size_t nHeld = 0;
        for (const std::string_view word : wanted) {
            if (held.contains(word)) {
                ++nHeld;
            } else if (present.contains(word)) {
                return false;
            }
        }
        return 4 * nHeld >= kOfFour * wanted.size() &&
               4 * inSameOrder(wanted, said) >= kOfFour * nHeld;
    };
    const std::vector<TextSpan> spans = sentenceSpans(passage);
    const auto textOf = [&](std::size_t i) {
        return passage.substr(spans[i].startByte, spans[i].endByte - spans[i].startByte);
    };
    const auto addTo = [&](std::vector<std::string_view>& said, std::size_t i) {
        for (const Term& term : terms) {
            if (term.start >= spans[i].startByte && term.end <= spans[i].endByte) {
                said.push_back(term.text);
            }
        }
    };
    std::size_t tableHead = spans.size();  // none
    for (std::size_t i = 0; i < spans.size(); ++i) {
        std::vector<std::string_view> said;
        const bool isRow = textOf(i).find('|') != std::string_view::npos;
        if (!isRow) tableHead = spans.size();
        if (isRow && tableHead < i) addTo(said, tableHead);
        if (isRow && tableHead == spans.size()) tableHead = i;
        addTo(said, i);
        const bool goesOn = i + 1 < spans.size() &&
                            std::any_of(kPronouns.begin(), kPronouns.end(), [&](auto pronoun) {
                                return textOf(i + 1).starts_with(pronoun);
                            });
        if (isSaidIn(said)) return true;
        if (!goesOn) continue;
        addTo(said, i + 1);
        if (isSaidIn(said)) return true;
    }
    return false;
}

}  // namespace conclave::retrieval
