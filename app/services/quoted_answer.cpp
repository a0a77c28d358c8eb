#include "app/services/quoted_answer.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "app/services/asked_document.h"
#include "app/services/chinese_asked.h"
#include "app/services/document_orders.h"
#include "app/services/english_words.h"
#include "app/services/other_question.h"
#include "app/services/passage_list.h"
#include "app/services/question.h"
#include "app/services/said_in_text.h"
#include "app/services/table_units.h"

namespace conclave::services {
namespace {

constexpr std::size_t kLookedAt = 8;        // passages
constexpr std::size_t kLongestQuote = 600;  // bytes of a quote: more is no answer
constexpr std::size_t kShownBeside = 5;     // passages
constexpr std::size_t kLongestRun = 3;      // sentences that go on from one another

/// One question of one word is answered by what begins with it, or by its number or time.
bool isAboutTheOneWord(const AskedFor& asked, const std::vector<AskedWord>& words,
                       std::string_view text) {
    // "The tenant is Tomas Brell", "Absent: Priya Menon".
    for (std::size_t i = 0; asked.isWhoIs && i + 1 < words.size(); ++i) {
        if (!asked.stems.contains(words[i].stem)) continue;
        const bool isLabel = text.substr(words[i].end).starts_with(": ");
        constexpr auto kBe =
            std::to_array<std::string_view>({"is", "was", "ist", "war", "est", "était"});
        const bool isBe = isListed(words[i + 1].surface, kBe);
        const std::size_t name = isLabel ? i + 1 : i + 2;
        if ((isLabel || isBe) && name < words.size() && words[name].isCapital &&
            words[name].isContent) {
            return true;
        }
    }
    if (asked.wanted == Wanted::Person || asked.wanted == Wanted::Place) return false;
    if (asked.wanted != Wanted::Anything) return true;
    // "The total rent is …" begins with the rent.
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (!words[i].isContent || groupOfAll(words, i) > 0) continue;
        return asked.stems.contains(words[i].stem);
    }
    return false;
}

/// The clause of "To make a backup, type …"; empty: there is none.
std::string_view purposeOf(std::string_view sentence) {
    const std::size_t comma = sentence.find(',');
    const bool isPurpose = comma != std::string_view::npos && sentence.starts_with("To ");
    return isPurpose ? sentence.substr(0, comma) : std::string_view();
}

/// "To make a backup, type …" below the heading "Collections" makes no collection.
bool tellsHowToDoElse(const AskedFor& asked, std::string_view run) {
    const std::string_view purpose = asked.isHowTo ? purposeOf(run) : std::string_view();
    return !purpose.empty() && nHeld(asked.focus, stemsIn(purpose)) < asked.focus.size();
}

/// A sentence holds, with what stands above it, all that is asked but the verb, which other words
/// may say, and something of the kind that is asked for.
bool isOnTheSubject(const AskedFor& asked, std::string_view sentence, const StemSet& above) {
    if (asked.verb.empty() || asked.isFocusNamed || sentence.find('?') != std::string_view::npos) {
        return false;
    }
    StemSet subject = asked.stems;
    for (const std::string& verb : asked.verb) subject.erase(verb);
    const std::vector<AskedWord> words = wordsAsAsked(sentence);
    const StemSet own = stemsSaidBy(asked, words);
    const bool holdsAll = std::all_of(subject.begin(), subject.end(), [&](const std::string& stem) {
        return own.contains(stem) || above.contains(stem);
    });
    return !subject.empty() && holdsAll && 2 * nHeld(subject, own) >= subject.size() &&
           saysOfAll(asked, words) && saysWanted(asked, words, sentence) && !isFragment(sentence);
}

/// How well a run of sentences says what is asked: the number of words that it holds itself; 0: it
/// does not.
std::size_t fitOf(const AskedFor& asked, std::string_view run, const StemSet& above) {
    if (run.size() > kLongestQuote || run.find('?') != std::string_view::npos) return 0;
    const std::vector<AskedWord> words = wordsAsAsked(run);
    if (tellsHowToDoElse(asked, run)) return 0;
    const StemSet own = stemsSaidBy(asked, words);
    const std::size_t nOwn = nHeld(asked.stems, own);
    if (2 * nOwn < asked.stems.size() || nOwn == 0) return 0;
    const bool holdsAll = std::all_of(
        asked.stems.begin(), asked.stems.end(),
        [&](const std::string& stem) { return own.contains(stem) || above.contains(stem); });
    if (!holdsAll || !saysWanted(asked, words, run) || isFragment(run)) return 0;
    if (!saysOfAll(asked, words) || !saysOneAlternative(asked, words)) return 0;
    if (asked.isWhatIs && !definesFocus(asked, words, run)) return 0;
    // Of a document that is named, a person or a time is an answer wherever it stands.
    const bool isTold = asked.isOfNamed && (asked.isWhatIs || asked.wanted != Wanted::Anything);
    if (asked.stems.size() == 1 && !isTold && !isAboutTheOneWord(asked, words, run)) return 0;
    // Else it is a heading, or the question itself.
    const bool saysMore = std::any_of(words.begin(), words.end(), [&](const AskedWord& word) {
        return word.isContent && !asked.stems.contains(word.stem);
    });
    // "Dogs are not allowed." says no more, and enough.
    return saysMore || asked.isPermission ? nOwn : 0;
}

constexpr std::size_t kInstruction = 100;  ///< more words than a question has

/// "How do I make a backup?" – "To make a backup, type …".
bool isInstructionFor(const AskedFor& asked, std::string_view sentence) {
    const std::string_view purpose = asked.isHowTo ? purposeOf(sentence) : std::string_view();
    return !purpose.empty() && nHeld(asked.stems, stemsIn(purpose)) == asked.stems.size();
}

/// The same where the question says the whole title of the passage, as "the board meeting of 9
/// January 2024": that the sentence is about it need not be said again.
AskedFor besideTitle(const AskedFor& asked, std::string_view title) {
    constexpr std::size_t kFewest = 2;  // of one word: a kind of thing
    StemSet named;
    for (const AskedWord& word : wordsAsAsked(title)) {
        // Of which day it is, the question need not say.
        if (!word.isContent || word.hasDigit || isMonth(word)) continue;
        if (!asked.stems.contains(word.stem)) return asked;
        named.insert(word.stem);
    }
    if (named.size() < kFewest || named.size() >= asked.stems.size()) return asked;
    AskedFor rest = asked;
    rest.isOfNamed = true;
    for (StemSet* const stems : {&rest.stems, &rest.keys, &rest.focus, &rest.verb}) {
        std::erase_if(*stems, [&](const std::string& stem) { return named.contains(stem); });
    }
    return rest;
}

/// The question is another, or of another year.
bool isOfOther(std::string_view question, std::string_view said, std::string_view above) {
    return answersAnother(question, said, above) || lacksYear(question, said, above);
}

/// The parts of a sentence between semicolons.
std::vector<retrieval::TextSpan> clausesOf(std::string_view text, retrieval::TextSpan sentence) {
    std::vector<retrieval::TextSpan> clauses;
    std::size_t start = sentence.startByte;
    const auto add = [&](std::size_t end) {
        while (start < end && text[start] == ' ') ++start;
        if (start < end) clauses.push_back({start, end});
        start = end;
    };
    for (std::size_t i = start; i < sentence.endByte; ++i) {
        const std::string_view rest = text.substr(i, sentence.endByte - i);
        for (const std::string_view mark : {";", "；"}) {
            if (rest.starts_with(mark)) add(i + mark.size());
        }
    }
    add(sentence.endByte);
    return clauses;
}

/// The line that the document of this passage begins with, if it is its title: a text file has no
/// other one. Empty for other passages.
std::string_view titleLine(const StoredPassage& passage) {
    constexpr std::size_t kLongest = 80;  // bytes
    if (passage.startByte != 0) return {};
    std::string_view text = passage.text;
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos || end > kLongest) return {};
    const std::string_view line = text.substr(0, end);
    const bool isSentence = line.find_first_of(".?!;:|,") != std::string_view::npos ||
                            line.find("。") != std::string_view::npos ||
                            line.find("，") != std::string_view::npos;
    return isSentence ? std::string_view() : line;
}

struct QuotePlace {
    std::size_t passage = 0;
    retrieval::TextSpan span;
    std::size_t fit = 0;
    bool isInstruction = false;
    std::optional<TableUnit> row{};  ///< what is quoted is this
};

/// The row of a passage's tables that says what is asked. None if several do as well: then one of
/// them is not the answer.
std::optional<QuotePlace> bestRow(std::string_view question, const AskedFor* english,
                                  const ChineseAsked* chinese, const std::vector<TableUnit>& rows,
                                  const StemSet& above, const std::string& heads) {
    std::optional<QuotePlace> best;
    std::size_t nAsGood = 0;
    for (const TableUnit& row : rows) {
        std::size_t fit = 0;
        if (chinese != nullptr) {
            fit = rowFit(*chinese, row);
        } else if (english != nullptr) {
            fit = rowFit(*english, row, above);
        }
        if (fit == 0 || (best && fit < best->fit)) continue;
        if (isOneOfMany(question, row) || isOfOther(question, row.labelled(), heads)) continue;
        nAsGood = best && fit == best->fit ? nAsGood + 1 : 1;
        best = QuotePlace{.passage = 0, .span = row.span, .fit = fit, .row = row};
    }
    return nAsGood == 1 ? best : std::nullopt;
}

bool isInTable(const TableUnit& row, retrieval::TextSpan sentence) {
    return row.span.startByte < sentence.endByte && sentence.startByte < row.span.endByte;
}

/// The names of a table's columns, which say nothing of any row.
bool isHeader(const std::vector<TableUnit>& rows, std::string_view sentence) {
    constexpr std::size_t kFewestColumns = 2;
    constexpr std::size_t kBetween = 4;  // " | ", or a comma and blanks
    const auto namesAll = [&](const TableUnit& row) {
        std::size_t from = 0;
        std::size_t nBytes = 0;
        for (const std::string& label : row.labels) {
            const std::size_t at = sentence.find(label, from);
            if (at == std::string_view::npos) return false;
            from = at + label.size();
            nBytes += label.size() + kBetween;
        }
        return row.labels.size() >= kFewestColumns && sentence.size() <= nBytes + kBetween;
    };
    return std::any_of(rows.begin(), rows.end(), namesAll);
}

/// The first of the places that say most of the question themselves.
std::optional<QuotePlace> placeOf(std::string_view question,
                                  std::span<const StoredPassage> passages) {
    const bool inChinese = isChinese(question);
    const AskedDocument document(question);
    const AskedFor all = inChinese ? AskedFor{} : askedBeside(document, question);
    const ChineseAsked chinese =
        inChinese ? chineseAskedBy(document.withoutNames(question)) : ChineseAsked{};
    const bool isOfYear = asksOfYear(question);
    std::optional<QuotePlace> best;
    std::vector<retrieval::TextSpan> orders;  // of the passage at hand: they tell no facts
    const auto offer = [&](std::size_t passage, retrieval::TextSpan span, std::size_t fit) {
        const std::string_view text = passages[passage].text;
        const std::string_view said = text.substr(span.startByte, span.endByte - span.startByte);
        if (fit > 0 &&
            (hasOrder(orders, span) || isOfOther(question, said, textAbove(passages[passage])))) {
            return false;
        }
        // The heading is shown beside the passage; the sentence is what is quoted.
        span.startByte += headingLength(text.substr(span.startByte, span.endByte - span.startByte),
                                        passages[passage].path);
        const bool isInstruction =
            fit > 0 &&
            isInstructionFor(all, text.substr(span.startByte, span.endByte - span.startByte));
        if (isInstruction) fit += kInstruction;
        if (fit > 0 && (!best || fit > best->fit) &&
            document.isSubjectOf(passages[passage], span)) {
            best = QuotePlace{passage, span, fit, isInstruction};
        }
        return fit > 0;
    };
    if (!inChinese && (all.stems.empty() || all.isOfManySentences)) return best;
    for (std::size_t i = 0; i < std::min(passages.size(), kLookedAt); ++i) {
        const std::string_view text = passages[i].text;
        orders = ordersIn(text);
        const AskedFor asked = besideTitle(all, passages[i].title);
        const std::string title = std::string(passages[i].title)
                                      .append("\n")
                                      .append(passages[i].heading)
                                      .append("\n")
                                      .append(titleLine(passages[i]));
        const StemSet above = stemsIn(title);
        const std::vector<TableUnit> rows = tableUnits(text);
        auto chosen = bestRow(question, inChinese ? nullptr : &asked,
                              inChinese ? &chinese : nullptr, rows, above, textAbove(passages[i]));
        const bool hasRow = chosen && !hasOrder(orders, chosen->span) &&
                            document.isSubjectOf(passages[i], chosen->span);
        if (hasRow && (!best || chosen->fit > best->fit)) {
            chosen->passage = i;
            best = std::move(chosen);
        }
        const std::string heads =
            document.isNamed() ? passages[i].title + " " + passages[i].heading + " " : "";
        const auto sentences = retrieval::sentenceSpans(text);
        const auto part = [&](std::size_t first, std::size_t last) {
            const std::size_t start = sentences[first].startByte;
            return text.substr(start, sentences[last].endByte - start);
        };
        for (std::size_t first = 0; first < sentences.size(); ++first) {
            const std::string_view sentence = part(first, first);
            const auto row = std::find_if(rows.begin(), rows.end(), [&](const TableUnit& each) {
                return isInTable(each, sentences[first]);
            });
            if (row != rows.end() && (hasRow || isOneOfMany(question, *row))) continue;
            if (row == rows.end() && isHeader(rows, sentence)) continue;
            const auto clauses =
                isOfYear ? clausesOf(text, sentences[first]) : std::vector<retrieval::TextSpan>();
            // Of "A in 2024; B in 2025" the half with the year that is asked of.
            const bool isInClause =
                clauses.size() > 1 &&
                std::count_if(clauses.begin(), clauses.end(), [&](retrieval::TextSpan clause) {
                    const std::string_view said =
                        text.substr(clause.startByte, clause.endByte - clause.startByte);
                    return offer(
                        i, clause,
                        inChinese ? fitOf(chinese, said, heads, title) : fitOf(asked, said, above));
                }) > 0;
            if (isInClause) continue;
            // "Hours: 6" of a row does not say how long the thing is.
            if (row != rows.end() && asked.wanted == Wanted::Length && !row->labels.empty()) {
                continue;
            }
            if (inChinese) {
                offer(i, sentences[first], fitOf(chinese, sentence, heads, title));
                continue;
            }
            if (offer(i, sentences[first], fitOf(asked, sentence, above))) continue;
            // "The office opens at eight. On Saturdays it closes at noon. It stays closed on …"
            const std::size_t last = std::min(first + kLongestRun, sentences.size());
            for (std::size_t next = first + 1; next < last; ++next) {
                if (!goesOnFromBefore(part(next, next))) break;
                const retrieval::TextSpan run{sentences[first].startByte, sentences[next].endByte};
                if (offer(i, run, fitOf(asked, part(first, next), above))) break;
            }
        }
    }
    return best;
}

std::optional<QuotePlace> bestPlace(std::string_view question,
                                    std::span<const StoredPassage> passages) {
    auto place = placeOf(question, passages);
    if (place) return place;
    const std::string other = inOtherLanguage(question);
    return other.empty() ? std::nullopt : placeOf(other, passages);
}

/// A row as it is read, each cell behind its column's name.
std::string readableRow(const TableUnit& row, const std::filesystem::path& path) {
    std::string line;
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
        if (row.cells[i].empty()) continue;
        const bool isNamed = i < row.labels.size() && !row.labels[i].empty();
        if (!line.empty()) line += " · ";
        if (isNamed) line += listLine(row.labels[i], path) + ": ";
        line += listLine(row.cells[i], path);
    }
    return line;
}

}  // namespace

std::optional<QuotedAnswer> quoteFor(std::string_view question,
                                     std::span<const StoredPassage> passages) {
    const auto place = bestPlace(question, passages);
    if (!place) return std::nullopt;
    const StoredPassage& found = passages[place->passage];
    QuotedAnswer answer;
    answer.passages.push_back(found);
    for (std::size_t i = 0; i < passages.size() && answer.passages.size() < kShownBeside; ++i) {
        if (i != place->passage) answer.passages.push_back(passages[i]);
    }
    int number = 0;
    for (StoredPassage& each : answer.passages) each.number = ++number;
    const std::string quote =
        found.text.substr(place->span.startByte, place->span.endByte - place->span.startByte);
    answer.quote = place->row ? readableRow(*place->row, found.path) : listLine(quote, found.path);
    answer.isInstruction = place->isInstruction;
    answer.isStillToBeDone =
        !isChinese(question) && isStillToBeDone(askedForBy(question), wordsAsAsked(quote));
    answer.citation = {.passage = 1,
                       .quoteStart = found.startByte + place->span.startByte,
                       .quoteEnd = found.startByte + place->span.endByte,
                       .quote = quote,
                       .supported = true};
    return answer;
}

bool mayBeAnswered(std::string_view question, std::span<const StoredPassage> passages) {
    const AskedDocument document(question);
    if (isChinese(question)) {
        const ChineseAsked chinese = chineseAskedBy(question);
        return std::any_of(passages.begin(), passages.end(), [&](const StoredPassage& passage) {
            return document.isIn(passage) && isOnTheSubject(chinese, passage.text);
        });
    }
    const AskedFor asked = askedBeside(document, question);
    const auto holdsSubject = [&](const StoredPassage& passage) {
        const StemSet above = stemsIn(passage.title + "\n" + passage.heading);
        const auto spans = retrieval::sentenceSpans(passage.text);
        return std::any_of(spans.begin(), spans.end(), [&](const retrieval::TextSpan& span) {
            return isOnTheSubject(asked,
                                  std::string_view(passage.text)
                                      .substr(span.startByte, span.endByte - span.startByte),
                                  above);
        });
    };
    for (const StoredPassage& passage : passages.first(std::min(passages.size(), kLookedAt))) {
        if (!document.isIn(passage)) continue;
        const StemSet said = stemsIn(passage.title + "\n" + passage.heading + "\n" + passage.text);
        const std::size_t nSaid = nHeld(asked.stems, said);
        const bool hasKeys = nHeld(asked.keys, said) == asked.keys.size();
        // "90 days written notice" may tell the notice period.
        const bool hasFocus =
            nHeld(asked.focus, said) == asked.focus.size() ||
            (asked.focus.size() > 1 &&
             std::all_of(asked.focus.begin(), asked.focus.end(), [&](const std::string& stem) {
                 return stem == asked.head || said.contains(stem);
             }));
        if (nSaid > 0 && hasKeys && hasFocus && 2 * nSaid >= asked.stems.size()) return true;
        if (holdsSubject(passage)) return true;
    }
    return false;
}

}  // namespace conclave::services
