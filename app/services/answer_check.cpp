#include "app/services/answer_check.h"

#include <algorithm>
#include <filesystem>
#include <string>

#include "app/services/asked_document.h"
#include "app/services/document_orders.h"
#include "app/services/english_words.h"
#include "app/services/other_question.h"
#include "app/services/question.h"
#include "app/services/said_in_text.h"
#include "app/services/table_units.h"

namespace conclave::services {
namespace {

/// From the first to the last sentence of the passage that the quote is of.
retrieval::TextSpan sentencesAround(const StoredPassage& passage, retrieval::TextSpan quote) {
    retrieval::TextSpan around = quote;
    for (const retrieval::TextSpan& span : retrieval::sentenceSpans(passage.text)) {
        if (span.endByte <= quote.startByte || span.startByte >= quote.endByte) continue;
        around.startByte = std::min(around.startByte, span.startByte);
        around.endByte = std::max(around.endByte, span.endByte);
    }
    return around;
}

/// `said` has all of these stems, but perhaps for one.
bool saysAllBut(std::string_view head, const StemSet& stems, const StemSet& said) {
    return std::all_of(stems.begin(), stems.end(), [&](const std::string& stem) {
        return stem == head || said.contains(stem);
    });
}

/// What an answer may leave unsaid: the verb, or "number" of "What is the invoice number?". "Code"
/// of "the gate code" it may not, nor what something is asked to have or to be.
std::string_view unsaidHead(const AskedFor& asked) {
    if (asked.isWhether) return {};
    static const StemSet kImplied =
        stemsIn("number date day time year name title amount sum price cost place location reason");
    return !asked.isWhatIs || kImplied.contains(asked.head) ? std::string_view(asked.head) : "";
}

/// Its words of content, in their order.
std::string contentOf(std::string_view text) {
    std::string content;
    for (const AskedWord& word : wordsAsAsked(text)) {
        if (word.isContent) content.append(word.stem).append(" ");
    }
    return content;
}

/// One of the headings of the passage: its title, a part of its path, or a line marked so.
bool isHeadingOf(std::string_view content, const StoredPassage& passage) {
    const auto isSame = [&](std::string_view line) { return contentOf(line) == content; };
    if (isSame(passage.title)) return true;
    constexpr std::string_view kPathMark = " > ";
    std::string_view path = passage.heading;
    while (!path.empty()) {
        const std::size_t end = std::min(path.find(kPathMark), path.size());
        if (isSame(path.substr(0, end))) return true;
        path.remove_prefix(std::min(end + kPathMark.size(), path.size()));
    }
    const auto spans = retrieval::sentenceSpans(passage.text);
    return std::any_of(spans.begin(), spans.end(), [&](const retrieval::TextSpan& span) {
        const std::string_view line =
            std::string_view(passage.text).substr(span.startByte, span.endByte - span.startByte);
        return line.starts_with('#') && isSame(line);
    });
}

/// The passage that a supported citation is of; none: there is nothing to look up in it.
const StoredPassage* citedBy(const StoredCitation& citation,
                             std::span<const StoredPassage> passages) {
    const auto passage =
        std::find_if(passages.begin(), passages.end(),
                     [&](const StoredPassage& each) { return each.number == citation.passage; });
    const bool isFound = citation.supported && passage != passages.end() &&
                         citation.quoteStart >= passage->startByte;
    return isFound ? &*passage : nullptr;
}

void unsupport(StoredCitation& citation, const StoredPassage& passage) {
    citation.supported = false;
    citation.quoteStart = citation.quoteEnd = passage.startByte;
    citation.quote.clear();
}

}  // namespace

bool isAboutTheSame(std::string_view question, const StoredPassage& passage) {
    const AskedDocument document(question);
    if (!document.isIn(passage)) return false;
    if (isChinese(question)) return true;
    const AskedFor asked = askedBeside(document, question);
    const StemSet said = stemsIn(std::filesystem::path(passage.path).filename().string() + "\n" +
                                 passage.title + "\n" + passage.heading + "\n" + passage.text);
    return nHeld(asked.keys, said) == asked.keys.size() &&
           (!asked.isFocusNamed || nHeld(asked.focus, said) == asked.focus.size());
}

bool isOfKindAskedFor(std::string_view question, std::string_view text) {
    if (isChinese(question)) return true;
    AskedFor asked = askedForBy(question);
    // Of "1,180 or 2,450 euros" a deposit of 7,350 says neither.
    if (!saysOneAlternative(asked, wordsAsAsked(text))) return false;
    switch (asked.wanted) {
        case Wanted::Person: {
            constexpr std::size_t kLongestName = 5;  // words
            const std::vector<AskedWord> words = wordsAsAsked(text);
            return words.size() <= kLongestName || saysWanted(asked, words, text);
        }
        case Wanted::Anything:
        case Wanted::Place:
        case Wanted::Reason: return true;
        case Wanted::Count: asked.wanted = Wanted::Number; break;  // "250" will do
        default: break;
    }
    return saysWanted(asked, wordsAsAsked(text), text);
}

bool saysEnoughOf(std::string_view question, const StoredPassage& passage,
                  retrieval::TextSpan quote) {
    constexpr std::size_t kFewest = 3;  // of so few each counts
    const AskedDocument document(question);
    const retrieval::TextSpan around = sentencesAround(passage, quote);
    if (!document.isSubjectOf(passage, around) || hasOrder(ordersIn(passage.text), around)) {
        return false;
    }
    const std::string_view sentence =
        std::string_view(passage.text).substr(around.startByte, around.endByte - around.startByte);
    const std::string above = textAbove(passage);
    if (answersAnother(question, sentence, above) || lacksYear(question, sentence, above)) {
        return false;
    }
    const std::vector<TableUnit> rows = tableUnits(passage.text);
    const bool isOneRow = std::any_of(rows.begin(), rows.end(), [&](const TableUnit& row) {
        return row.span.startByte < quote.endByte && quote.startByte < row.span.endByte &&
               isOneOfMany(question, row);
    });
    if (isOneRow) return false;
    if (isChinese(question)) return true;
    const AskedFor asked = askedBeside(document, question);
    if (!saysOfAll(asked, wordsAsAsked(sentence))) return false;
    std::string said = passage.title + "\n" + passage.heading + "\n";
    const StemSet stems = stemsSaidBy(asked, wordsAsAsked(said.append(sentence)));
    // The verb and "number" of "invoice number" may be said in other words; the invoice may not.
    const bool isNamedThing = asked.isWhatIs || asked.isFocusNamed;
    if (isNamedThing && asked.focus.size() > 1 && asked.focus.size() <= kFewest &&
        !saysAllBut(unsaidHead(asked), asked.focus, stems)) {
        return false;
    }
    const std::size_t nSaid = nHeld(asked.stems, stems);
    if (asked.stems.size() < kFewest) {
        return asked.isHowTo ? nSaid == asked.stems.size()
                             : saysAllBut(unsaidHead(asked), asked.stems, stems);
    }
    return asked.stems.size() == kFewest ? nSaid == kFewest : 10 * nSaid >= 6 * asked.stems.size();
}

bool isHeadingAlone(std::string_view question, std::string_view text,
                    std::span<const StoredPassage> passages) {
    if (isChinese(question)) return false;
    const std::string content = contentOf(text);
    const AskedFor asked = askedForBy(question);
    const std::vector<AskedWord> words = wordsAsAsked(text);
    const bool saysMore = std::any_of(words.begin(), words.end(), [&](const AskedWord& word) {
        return word.isContent && !asked.stems.contains(word.stem);
    });
    if (!saysMore && isFragment(text)) return true;
    const bool isKnown =
        std::any_of(passages.begin(), passages.end(),
                    [&](const StoredPassage& passage) { return isHeadingOf(content, passage); });
    return isKnown && (asked.wanted == Wanted::Anything || !saysWanted(asked, words, text));
}

void unsupportOrders(std::span<const StoredPassage> passages,
                     std::vector<StoredCitation>& citations) {
    for (StoredCitation& citation : citations) {
        const StoredPassage* const passage = citedBy(citation, passages);
        if (passage == nullptr) continue;
        const retrieval::TextSpan quote{citation.quoteStart - passage->startByte,
                                        citation.quoteEnd - passage->startByte};
        if (hasOrder(ordersIn(passage->text), quote)) unsupport(citation, *passage);
    }
}

void unsupportOthers(std::string_view question, std::span<const StoredPassage> passages,
                     std::vector<StoredCitation>& citations) {
    const AskedDocument document(question);
    if (!document.isNamed()) return;
    const bool hasAsked =
        std::any_of(passages.begin(), passages.end(),
                    [&](const StoredPassage& passage) { return document.isNameOf(passage); });
    for (StoredCitation& citation : citations) {
        const StoredPassage* const passage = citedBy(citation, passages);
        if (passage == nullptr) continue;
        const retrieval::TextSpan quote{citation.quoteStart - passage->startByte,
                                        citation.quoteEnd - passage->startByte};
        const bool isOther = document.isOfAnother(*passage, sentencesAround(*passage, quote)) ||
                             (hasAsked && !document.isIn(*passage));
        if (isOther) unsupport(citation, *passage);
    }
}

}  // namespace conclave::services
