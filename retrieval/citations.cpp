#include <algorithm>
#include <charconv>
#include <string>

#include "base/utf8.h"
#include "retrieval/characters.h"
#include "retrieval/claim_alignment.h"
#include "retrieval/retrieval.h"
#include "retrieval/sentences.h"

namespace conclave::retrieval {
namespace {

/// One number of a bracket, and where it stands: the whole "[n]" if it is alone, else its digits.
struct Mark {
    std::size_t start = 0;
    std::size_t end = 0;
    int number = 0;
};

/// "[1]", "[1, 2]", "[1，2]", "【3】".
struct Bracket {
    std::size_t start = 0;
    std::size_t end = 0;
    std::vector<Mark> marks;
};

constexpr std::string_view kWideOpen = "【";
constexpr std::string_view kWideClose = "】";

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// Reads the bracket at `start`; no marks if it is none of ours.
Bracket readBracket(std::string_view answer, std::size_t start) {
    constexpr std::size_t kMostDigits = 4;
    const bool isWide = answer.substr(start).starts_with(kWideOpen);
    const std::string_view close = isWide ? kWideClose : std::string_view("]");
    Bracket bracket;
    bracket.start = start;
    std::size_t i = start + (isWide ? kWideOpen.size() : 1);
    const auto skip = [&](std::string_view word) {
        if (!answer.substr(i).starts_with(word)) return false;
        i += word.size();
        return true;
    };
    while (true) {
        while (skip(" ") || skip("^")) {
        }
        const std::size_t from = i;
        while (i < answer.size() && isDigit(answer[i])) ++i;
        if (i == from || i - from > kMostDigits) return {};
        int number = 0;
        std::from_chars(answer.data() + from, answer.data() + i, number);
        bracket.marks.push_back({from, i, number});
        while (skip(" ")) {
        }
        if (skip(close)) break;
        if (!skip(",") && !skip("，") && !skip("、") && !skip(";")) return {};
    }
    bracket.end = i;
    if (bracket.marks.size() == 1) {
        bracket.marks.front().start = bracket.start;
        bracket.marks.front().end = bracket.end;
    }
    return bracket;
}

std::vector<Bracket> findBrackets(std::string_view answer) {
    std::vector<Bracket> found;
    for (std::size_t i = 0; i < answer.size();) {
        if (answer[i] == '[' || answer.substr(i).starts_with(kWideOpen)) {
            Bracket bracket = readBracket(answer, i);
            // A Markdown link "[1](…)" is a link.
            const bool isLink = bracket.end < answer.size() && answer[bracket.end] == '(';
            if (!bracket.marks.empty() && !isLink) {
                i = bracket.end;
                found.push_back(std::move(bracket));
                continue;
            }
        }
        ++i;
    }
    return found;
}

bool hasWord(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        switch (classify(nextCodePoint(text, i)).kind) {
            case CharacterKind::Word:
            case CharacterKind::Cjk:
            case CharacterKind::Unspaced: return true;
            default: break;
        }
    }
    return false;
}

/// The sentence that ends at the bracket: of the text since the bracket before, the last sentence
/// that has a word, from the beginning of its line.
std::string_view claimBefore(std::string_view since) {
    std::size_t end = since.size();
    while (end > 0) {
        std::size_t start = 0;
        for (const std::size_t sentenceEnd : sentenceEnds(since.substr(0, end))) {
            if (sentenceEnd < end) start = sentenceEnd;
        }
        std::string_view claim = since.substr(start, end - start);
        if (hasWord(claim)) {
            for (std::size_t newline = claim.rfind('\n'); newline != std::string_view::npos;
                 newline = newline > 0 ? claim.rfind('\n', newline - 1) : std::string_view::npos) {
                if (hasWord(claim.substr(newline))) return claim.substr(newline + 1);
            }
            return claim;
        }
        end = start;
    }
    return {};
}

const Passage* findPassage(std::span<const Passage> passages, int number) {
    const auto found = std::find_if(passages.begin(), passages.end(), [&](const Passage& passage) {
        return passage.number == number;
    });
    return found != passages.end() ? &*found : nullptr;
}

bool isFinalMark(char32_t c) {
    constexpr std::u32string_view kMarks = U".!?%)。！？）”";
    return kMarks.find(c) != std::u32string_view::npos;
}

/// The span with the punctuation that closes it, if the claim is closed too.
std::size_t withFinalMark(std::string_view claim, std::string_view passage, std::size_t end) {
    char32_t last = 0;
    for (std::size_t i = 0; i < claim.size();) {
        const char32_t c = nextCodePoint(claim, i);
        if (!isSpace(c)) last = c;
    }
    std::size_t after = end;
    if (end >= passage.size() || !isFinalMark(last)) return end;
    return isFinalMark(nextCodePoint(passage, after)) ? after : end;
}

/// A bracket, and the sentence that it stands behind.
struct Claimed {
    Bracket bracket;
    std::string_view claim;
    bool isFirst = true;  ///< of those behind this sentence
};

std::vector<Claimed> findClaims(std::string_view answer) {
    std::vector<Claimed> found;
    std::string_view claim;
    std::size_t lastEnd = 0;
    for (Bracket& bracket : findBrackets(answer)) {
        const std::string_view since = answer.substr(lastEnd, bracket.start - lastEnd);
        const bool isFirst = hasWord(since);  // else "[1][2]": both for one claim
        if (isFirst) claim = claimBefore(since);
        lastEnd = bracket.end;
        found.push_back({std::move(bracket), claim, isFirst});
    }
    return found;
}

/// What follows `before` stands in a fenced block or between backticks.
bool isInCode(std::string_view before) {
    constexpr std::string_view kFence = "```";
    std::size_t nFences = 0;
    for (std::size_t at = before.find(kFence); at != std::string_view::npos;
         at = before.find(kFence, at + kFence.size())) {
        ++nFences;
    }
    if (nFences % 2 == 1) return true;
    const std::size_t newline = before.rfind('\n');
    const std::string_view line =
        newline == std::string_view::npos ? before : before.substr(newline + 1);
    return line.find(kFence) == std::string_view::npos &&
           std::count(line.begin(), line.end(), '`') % 2 == 1;
}

bool supports(const Passage* passage, std::string_view claim) {
    return passage != nullptr && findSupport(claim, passage->text).isSupported;
}

/// Without the numbers in brackets.
std::string withoutBrackets(std::string_view answer) {
    std::string plain;
    std::size_t copied = 0;
    for (const Bracket& bracket : findBrackets(answer)) {
        plain += answer.substr(copied, bracket.start - copied);
        copied = bracket.end;
    }
    plain += answer.substr(copied);
    return plain;
}

}  // namespace

std::string reattribute(std::string_view answer, std::span<const Passage> passages) {
    std::string corrected;
    std::size_t copied = 0;
    int correctedTo = 0;  // behind the sentence at hand
    for (const Claimed& claimed : findClaims(answer)) {
        if (claimed.isFirst) correctedTo = 0;
        if (claimed.claim.empty() || claimed.bracket.marks.size() != 1) continue;
        const Mark& mark = claimed.bracket.marks.front();
        if (!claimed.isFirst) {
            if (mark.number != correctedTo) continue;
            corrected += answer.substr(copied, mark.start - copied);  // it is there already
            copied = mark.end;
            continue;
        }
        if (supports(findPassage(passages, mark.number), claimed.claim)) continue;
        const auto other =
            std::find_if(passages.begin(), passages.end(), [&](const Passage& passage) {
                return passage.number != mark.number && supports(&passage, claimed.claim);
            });
        if (other == passages.end()) continue;
        correctedTo = other->number;
        const std::size_t digits = answer.find_first_of("0123456789", mark.start);
        corrected += answer.substr(copied, digits - copied);
        corrected += std::to_string(correctedTo);
        copied = answer.find_first_not_of("0123456789", digits);  // its bracket closes
    }
    corrected += answer.substr(copied);
    return corrected;
}

std::string withoutUnknownCitations(std::string_view answer, std::span<const Passage> passages) {
    std::string kept;
    std::size_t copied = 0;
    for (const Bracket& bracket : findBrackets(answer)) {
        std::string known;
        bool isAllKnown = true;
        for (const Mark& mark : bracket.marks) {
            const bool isKnown = findPassage(passages, mark.number) != nullptr;
            isAllKnown = isAllKnown && isKnown;
            if (isKnown) known += (known.empty() ? "" : ", ") + std::to_string(mark.number);
        }
        if (isAllKnown || isInCode(answer.substr(0, bracket.start))) continue;
        kept += answer.substr(copied, bracket.start - copied);
        copied = bracket.end;
        if (!known.empty()) {
            kept.append("[").append(known).append("]");
            continue;
        }
        while (kept.ends_with(' ')) kept.pop_back();
    }
    kept += answer.substr(copied);
    return kept;
}

AnswerSupport supportOf(std::string_view answer, std::span<const Passage> passages) {
    const std::string plain = withoutBrackets(answer);
    AnswerSupport support;
    for (const TextSpan& span : sentenceSpans(plain)) {
        const std::string_view sentence =
            std::string_view(plain).substr(span.startByte, span.endByte - span.startByte);
        if (!hasWord(sentence)) continue;
        ++support.nSentences;
        const bool isSaid = std::any_of(passages.begin(), passages.end(), [&](const Passage& each) {
            return supports(&each, sentence);
        });
        if (isSaid) ++support.nSupported;
    }
    return support;
}

bool isCopied(std::string_view answer, std::span<const Passage> passages) {
    const std::string plain = withoutBrackets(answer);
    const std::vector<TextSpan> spans = sentenceSpans(plain);
    return std::all_of(spans.begin(), spans.end(), [&](const TextSpan& span) {
        const std::string_view sentence =
            std::string_view(plain).substr(span.startByte, span.endByte - span.startByte);
        return !hasWord(sentence) ||
               std::any_of(passages.begin(), passages.end(), [&](const Passage& each) {
                   return isFromOneSentence(sentence, each.text);
               });
    });
}

std::vector<Citation> checkCitations(std::string_view answer, std::span<const Passage> passages) {
    std::vector<Citation> citations;
    for (const auto& [bracket, claim, isFirst] : findClaims(answer)) {
        for (const Mark& mark : bracket.marks) {
            Citation citation;
            citation.answerStart = mark.start;
            citation.answerEnd = mark.end;
            citation.passage = mark.number;
            if (const Passage* passage = findPassage(passages, mark.number)) {
                const Support support = findSupport(claim, passage->text);
                if (support.isSupported) {
                    const std::size_t end = withFinalMark(claim, passage->text, support.end);
                    citation.supported = true;
                    citation.quote = passage->text.substr(support.start, end - support.start);
                    citation.quoteStart = passage->startByte + support.start;
                    citation.quoteEnd = passage->startByte + end;
                }
            }
            citations.push_back(std::move(citation));
        }
    }
    return citations;
}

}  // namespace conclave::retrieval
