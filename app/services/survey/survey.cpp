#include "app/services/survey/survey.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <set>

#include "app/services/document_orders.h"
#include "app/services/survey/denial.h"
#include "app/services/survey/question_words.h"
#include "app/services/survey/skip_reason.h"
#include "app/services/survey/survey_checkpoint.h"

namespace conclave::services {
namespace {

using Clock = std::chrono::steady_clock;
using retrieval::SentenceMatcher;
using retrieval::TextSpan;

constexpr std::size_t kItemsPerValue = 3;
constexpr int kSentencesPerDocument = 3;  ///< of a summary

SurveyedDocument entryOf(const Document& document) {
    SurveyedDocument entry;
    entry.id = document.id;
    entry.title = document.title;
    entry.path = document.path.string();
    return entry;
}

std::string_view part(std::string_view text, const TextSpan& span) {
    return text.substr(span.startByte, span.endByte - span.startByte);
}

bool isRow(std::string_view sentence) { return sentence.find('|') != std::string_view::npos; }

constexpr std::size_t kLongestOpening = 120;  ///< bytes: a longer line is a paragraph

/// The first line of a document: "Meeting minutes, 8 April 2025".
std::string openingOf(const std::vector<Chunk>& chunks) {
    if (chunks.empty()) return {};
    const std::string& text = chunks.front().text;
    const std::size_t end = text.find('\n');
    return end <= kLongestOpening ? text.substr(0, end) : std::string();
}

/// A survey over documents that were chosen; reads one after another.
class Reading {
public:
    Reading(storage::DocumentStore& store, const SurveyQuestion& question)
        : m_store(store),
          m_question(question),
          m_subject(question.subject),
          m_compared(question.compared) {
        for (const std::string& side : question.sides) {
            m_sides.emplace_back(question.compared.empty() ? side : question.compared + " " + side);
        }
    }

    Result<void> read(const Document& document, SurveyFindings& findings) {
        auto chunks = m_store.chunksOf(document.id);
        if (!chunks) return tl::unexpected(chunks.error());
        for (Chunk& chunk : *chunks) blankOrders(chunk.text);
        SurveyedDocument surveyed = entryOf(document);
        surveyed.nPassages = static_cast<int>(chunks->size());
        if (!chunks->empty()) surveyed.firstChunk = chunks->front().id;
        m_seen.clear();
        m_denying.clear();
        m_slashDates = slashDatesOf(*chunks);
        m_opening = openingOf(*chunks);
        m_lastPage = kNoPage;
        int page = kNoPage;
        for (const Chunk& chunk : *chunks) {
            findings.nPagesRead += chunk.page == page ? 0 : 1;
            page = chunk.page;
        }
        for (const Chunk& chunk : *chunks) {
            switch (m_question.kind) {
                case SurveyKind::Compare:
                    if (findings.named.sideOf.empty()) compare(chunk, surveyed);
                    break;
                case SurveyKind::Summarise:
                    if (m_subject.hasTerms()) say(chunk, surveyed);
                    break;
                default: count(chunk, surveyed, findings); break;
            }
        }
        if (m_question.kind == SurveyKind::Summarise) {
            summarise(*chunks, surveyed, kSentencesPerDocument);
        }
        if (const auto side = findings.named.sideOf.find(document.id);
            side != findings.named.sideOf.end()) {
            compareWhole(*chunks, surveyed, side->second);
        }
        findings.nDocumentsRead += 1;
        findings.nPassagesRead += surveyed.nPassages;
        if (isDenied(surveyed)) {
            surveyed.nMatches = {static_cast<int>(m_denying.size()), 0, 0};
            surveyed.items = std::move(m_denying);
            findings.denying.push_back(std::move(surveyed));
            return {};
        }
        const bool isAskedFor = m_question.ofDocuments && !m_subject.hasTerms();
        if (isAskedFor || !surveyed.items.empty())
            findings.documents.push_back(std::move(surveyed));
        return {};
    }

private:
    /// Of a document, which may tell it in another passage than where the others stand.
    retrieval::SlashDates slashDatesOf(const std::vector<Chunk>& chunks) const {
        using retrieval::Pattern;
        const auto& patterns = m_question.patterns;
        std::string all;
        if (std::find(patterns.begin(), patterns.end(), Pattern::Date) != patterns.end()) {
            for (const Chunk& chunk : chunks) all.append(chunk.text).append("\n");
        }
        return retrieval::slashDatesOf(all);
    }

    /// A piece may begin with the last sentence of the one before it: each counts once.
    bool isNew(const Chunk& chunk, const TextSpan& span, int side) {
        return m_seen.insert({chunk.page, chunk.startByte + span.startByte, side}).second;
    }

    static SurveyItem itemOf(const Chunk& chunk, const TextSpan& sentence) {
        return {.chunk = chunk.id,
                .startByte = chunk.startByte + sentence.startByte,
                .endByte = chunk.startByte + sentence.endByte,
                .text = std::string(part(chunk.text, sentence)),
                .value = {}};
    }

    void count(const Chunk& chunk, SurveyedDocument& document, SurveyFindings& findings) {
        if (!m_question.patterns.empty()) return findPatterns(chunk, document, findings);
        if (m_subject.hasTerms()) return say(chunk, document);
    }

    /// The sentences that say the subject and meet the condition of the question.
    std::vector<TextSpan> saying(const Chunk& chunk) const {
        const SurveyCondition& condition = m_question.condition;
        std::vector<TextSpan> spans = m_subject.match(contextOf(chunk), chunk.text);
        if (condition.isAny()) addSaidByHeading(chunk, spans);
        std::erase_if(spans, [&](const TextSpan& span) {
            const std::string_view sentence = part(chunk.text, span);
            const bool isPermitted = condition.permission == Permission::None ||
                                     permissionIn(sentence, m_subject) == condition.permission;
            return !isPermitted || (!condition.year.empty() && !isYearOfVerb(sentence, condition));
        });
        return spans;
    }

    /// "Not allowed." below the heading "Pets".
    void addSaidByHeading(const Chunk& chunk, std::vector<TextSpan>& spans) const {
        const std::size_t last = chunk.heading.rfind(" > ");
        const std::string_view heading =
            std::string_view(chunk.heading).substr(last == std::string::npos ? 0 : last + 3);
        if (m_question.condition.permission == Permission::None || !spans.empty() ||
            m_subject.match({}, heading).empty()) {
            return;
        }
        for (const TextSpan& span : retrieval::sentenceSpans(chunk.text)) {
            if (!part(chunk.text, span).starts_with('#')) spans.push_back(span);
        }
    }

    /// All that it says of the subject, but for headings, is that there is none.
    [[nodiscard]] bool isDenied(const SurveyedDocument& document) const {
        return !m_denying.empty() &&
               std::all_of(document.items.begin(), document.items.end(),
                           [](const SurveyItem& item) {
                               return item.text.starts_with('#') ||
                                      item.text.find(' ') == std::string::npos;
                           });
    }

    /// "None." below the heading "Deposit".
    void denyBelowHeading(const Chunk& chunk) {
        const std::string& subject = m_question.had;
        if (subject.empty() || m_subject.match({}, chunk.heading).empty()) return;
        for (const TextSpan& span : retrieval::sentenceSpans(chunk.text)) {
            const std::string said = subject + ": " + std::string(part(chunk.text, span));
            if (deniesSubject(said, subject)) m_denying.push_back(itemOf(chunk, span));
        }
    }

    void say(const Chunk& chunk, SurveyedDocument& document) {
        bool hasMatch = false;
        denyBelowHeading(chunk);
        for (const TextSpan& span : saying(chunk)) {
            if (!isNew(chunk, span, 0)) continue;
            if (!m_question.had.empty() && deniesSubject(part(chunk.text, span), m_question.had)) {
                m_denying.push_back(itemOf(chunk, span));
                continue;
            }
            hasMatch = true;
            document.keep(itemOf(chunk, span));
        }
        if (!hasMatch) return;
        ++document.nMatchingPassages;
        document.nMatchingPages += m_lastPage == chunk.page ? 0 : 1;
        m_lastPage = chunk.page;
    }

    void findPatterns(const Chunk& chunk, SurveyedDocument& document, SurveyFindings& findings) {
        std::vector<TextSpan> sentences =
            m_subject.hasTerms() ? saying(chunk) : retrieval::sentenceSpans(chunk.text);
        bool hasMatch = false;
        for (const TextSpan& sentence : sentences) {
            for (const retrieval::Pattern pattern : m_question.patterns) {
                for (const auto& found :
                     findPattern(pattern, part(chunk.text, sentence), m_slashDates)) {
                    const TextSpan span{sentence.startByte + found.span.startByte,
                                        sentence.startByte + found.span.endByte};
                    if (!isNew(chunk, span, 0)) continue;
                    hasMatch = true;
                    SurveyItem item = itemOf(chunk, sentence);
                    item.value = found.value;
                    SurveyedValue& value = findings.values[found.value];
                    ++value.count;
                    const bool isTold =
                        !value.items.empty() && value.items.back().chunk == item.chunk;
                    if (!isTold && value.items.size() < kItemsPerValue) {
                        value.items.push_back(item);
                    }
                    document.keep(std::move(item));
                }
            }
        }
        if (hasMatch) ++document.nMatchingPassages;
    }

    void compare(const Chunk& chunk, SurveyedDocument& document) {
        // What is compared stands in the sentence; whose it is, the document may say at its head.
        const bool hasCompared = m_compared.hasTerms();
        std::string context = contextOf(chunk) + (hasCompared ? " " + m_opening : "");
        std::set<std::size_t> saying;
        bool isColumn = false;  // what is compared heads a column: each row says it
        for (const TextSpan& span : m_compared.match({}, chunk.text)) {
            saying.insert(span.startByte);
            if (!isRow(part(chunk.text, span))) continue;
            isColumn = true;
            context.append(" ").append(part(chunk.text, span));
        }
        const auto startsOf = [&](const SentenceMatcher& side) {
            std::set<std::size_t> starts;
            for (const TextSpan& span : side.match(context, chunk.text)) {
                const bool isOfColumn = isColumn && isRow(part(chunk.text, span));
                if (!hasCompared || isOfColumn || saying.contains(span.startByte)) {
                    starts.insert(span.startByte);
                }
            }
            return starts;
        };
        const std::set<std::size_t> first = startsOf(m_sides.front());
        const std::set<std::size_t> second = startsOf(m_sides.back());
        if (first.empty() && second.empty()) return;
        ++document.nMatchingPassages;
        for (const TextSpan& span : retrieval::sentenceSpans(chunk.text)) {
            const bool inFirst = first.contains(span.startByte);
            const bool inSecond = second.contains(span.startByte);
            if (!inFirst && !inSecond) continue;
            SurveyItem item = itemOf(chunk, span);
            item.side = inFirst && inSecond ? 2 : (inFirst ? 0 : 1);
            if (isNew(chunk, span, item.side)) document.keep(std::move(item));
        }
    }

    /// A document that is a side itself: what it says of what is compared, or what tells most.
    void compareWhole(const std::vector<Chunk>& chunks, SurveyedDocument& document, int side) {
        constexpr int kTelling = 8;
        std::vector<SurveyItem> items;
        if (m_compared.hasTerms()) {
            for (const Chunk& chunk : chunks) {
                for (const TextSpan& span : m_compared.match(contextOf(chunk), chunk.text)) {
                    if (isNew(chunk, span, side)) items.push_back(itemOf(chunk, span));
                }
            }
        } else {
            // Of a short document there is no need to choose.
            items = firstSentences(chunks, kTelling + 1);
            if (static_cast<int>(items.size()) > kTelling) {
                summarise(chunks, document, kTelling);
                items = std::move(document.items);
                document.items.clear();
            }
        }
        for (SurveyItem& item : items) {
            item.side = side;
            document.keep(std::move(item));
        }
    }

    std::vector<SurveyItem> firstSentences(const std::vector<Chunk>& chunks, int limit) const {
        std::vector<SurveyItem> items;
        for (const Chunk& chunk : chunks) {
            for (const TextSpan& span : retrieval::sentenceSpans(chunk.text)) {
                if (static_cast<int>(items.size()) >= limit) return items;
                if (!isHeading(part(chunk.text, span))) items.push_back(itemOf(chunk, span));
            }
        }
        return items;
    }

    /// It says what the document is, and nothing of it; so does a first line that is no sentence.
    [[nodiscard]] bool isHeading(std::string_view text) const {
        if (text.starts_with('#')) return true;
        const auto endsIn = [&](std::string_view mark) { return text.ends_with(mark); };
        const bool isSentence = endsIn(".") || endsIn("!") || endsIn("?") || endsIn("。") ||
                                text.find(':') != std::string_view::npos ||
                                text.find("：") != std::string_view::npos;
        return !isSentence && text == m_opening;
    }

    /// Of what was said about the subject, or of everything, the sentences that tell most.
    void summarise(const std::vector<Chunk>& chunks, SurveyedDocument& document, int nSentences) {
        std::vector<SurveyItem> said = std::move(document.items);
        document.items.clear();
        std::vector<std::string_view> texts;
        if (m_subject.hasTerms()) {
            for (const SurveyItem& item : said) texts.emplace_back(item.text);
        } else {
            for (const Chunk& chunk : chunks) texts.emplace_back(chunk.text);
        }
        for (const auto& sentence : retrieval::keySentences(texts, nSentences)) {
            document.items.push_back(m_subject.hasTerms()
                                         ? said[sentence.text]
                                         : itemOf(chunks[sentence.text], sentence.span));
        }
    }

    static std::string contextOf(const Chunk& chunk) { return chunk.title + " " + chunk.heading; }

    storage::DocumentStore& m_store;
    const SurveyQuestion& m_question;
    SentenceMatcher m_subject;
    SentenceMatcher m_compared;
    std::string m_opening;
    std::vector<SentenceMatcher> m_sides;
    std::set<std::tuple<int, std::size_t, int>> m_seen;
    std::vector<SurveyItem> m_denying;  ///< of the document that is read
    retrieval::SlashDates m_slashDates = retrieval::SlashDates::Unknown;
    static constexpr int kNoPage = -1;
    int m_lastPage = kNoPage;  ///< that says the subject
};

/// Documents of the collections in the order of their paths; those that cannot be read, and copies
/// of others, go to `skipped`.
Result<std::vector<Document>> documentsToRead(storage::DocumentStore& store,
                                              const std::vector<CollectionId>& collections,
                                              const DocumentFilter& filter,
                                              SurveyFindings& findings) {
    std::vector<Document> all;
    for (const CollectionId collection : collections) {
        auto documents = store.documents(collection);
        if (!documents) return tl::unexpected(documents.error());
        std::copy_if(std::make_move_iterator(documents->begin()),
                     std::make_move_iterator(documents->end()), std::back_inserter(all),
                     [&](const Document& document) { return filter.holds(document); });
    }
    std::sort(all.begin(), all.end(), [](const Document& a, const Document& b) {
        return a.path != b.path ? a.path < b.path : a.id < b.id;
    });
    std::vector<Document> readable;
    std::map<std::string, std::string> readBefore;
    for (Document& document : all) {
        const std::string path = document.path.string();
        if (document.nChunks == 0 && document.state != DocumentState::Ready) {
            const bool isPending = document.state == DocumentState::Pending;
            findings.skipped.emplace_back(path,
                                          isPending ? std::string(kNotReadYet) : document.error);
            continue;
        }
        if (!document.sha256.empty()) {
            const auto [before, isNew] = readBefore.try_emplace(document.sha256, path);
            if (!isNew) {
                findings.skipped.emplace_back(path, std::string(kSameAs) + before->second);
                continue;
            }
        }
        readable.push_back(std::move(document));
    }
    return readable;
}

std::string joinedNames(const std::vector<std::string>& names) {
    std::string joined;
    for (const std::string& name : names) joined += (joined.empty() ? "" : ", ") + name;
    return joined;
}

/// The named files, whatever their case; none if there are none.
void chooseByFiles(const std::vector<std::string>& files, std::vector<Document>& documents,
                   SurveyFindings& findings) {
    std::erase_if(documents, [&](const Document& document) {
        const std::string name = lowerCased(document.path.filename().string());
        return std::none_of(files.begin(), files.end(),
                            [&](const std::string& file) { return lowerCased(file) == name; });
    });
    // Of what was not asked for nothing need be said.
    findings.skipped.clear();
    findings.place = joinedNames(files);
}

/// The words of names, "contract1" with those of "contract 1".
std::string wordsOfNames(std::string names) {
    std::replace_if(
        names.begin(), names.end(), [](char c) { return c == '/' || c == '_' || c == '-'; }, ' ');
    const auto isDigit = [](char c) { return c >= '0' && c <= '9'; };
    std::string split;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const bool isBoundary = i > 0 && names[i] != ' ' && names[i - 1] != ' ' &&
                                isDigit(names[i]) != isDigit(names[i - 1]);
        if (isBoundary) split += ' ';
        split += names[i];
    }
    return names + " " + split;
}

/// What is asked about may be said anywhere; what merely is one ("how many contracts are there")
/// says so where it begins. What does not say something must be one, by its first line: a letter
/// that names a contract is none.
Result<bool> isSaidInText(storage::DocumentStore& store, const Document& document,
                          const SentenceMatcher& place, const SurveyQuestion& asked) {
    const auto chunks = store.chunksOf(document.id);
    if (!chunks) return tl::unexpected(chunks.error());
    if (asked.isDenied) return !place.match({}, openingOf(*chunks)).empty();
    const bool isAnywhere = !asked.subject.empty() || !asked.patterns.empty();
    const std::size_t n = isAnywhere ? chunks->size() : std::min<std::size_t>(chunks->size(), 1);
    return std::any_of(chunks->begin(), chunks->begin() + static_cast<std::ptrdiff_t>(n),
                       [&](const Chunk& chunk) { return !place.match({}, chunk.text).empty(); });
}

/// If a title or path says the place, or its last word ("contracts" of "signed contracts"): those
/// whose title, path or text does. Otherwise all.
Result<void> chooseByPlace(storage::DocumentStore& store, const SurveyQuestion& asked,
                           std::vector<Document>& documents, SurveyFindings& findings) {
    std::vector<std::string> tries{asked.place};
    if (const std::size_t space = asked.place.rfind(' '); space != std::string::npos) {
        tries.push_back(asked.place.substr(space + 1));
    }
    for (const std::string& name : tries) {
        const SentenceMatcher matcher(name);
        if (!matcher.hasTerms()) continue;
        const auto isNamed = [&](const std::string& names) {
            return !matcher.match({}, wordsOfNames(names)).empty();
        };
        const auto isDocumentNamed = [&](const Document& document) {
            return isNamed(document.title + " " + document.path.string());
        };
        if (std::none_of(documents.begin(), documents.end(), isDocumentNamed)) continue;
        std::vector<Document> chosen;
        for (Document& document : documents) {
            bool isChosen = isDocumentNamed(document);
            if (!isChosen && !asked.isPlaceNamed) {
                const auto isSaid = isSaidInText(store, document, matcher, asked);
                if (!isSaid) return tl::unexpected(isSaid.error());
                isChosen = *isSaid;
                findings.isPlaceInText = findings.isPlaceInText || isChosen;
            }
            if (isChosen) chosen.push_back(std::move(document));
        }
        documents = std::move(chosen);
        // Of what was not asked for nothing need be said.
        std::erase_if(findings.skipped,
                      [&](const auto& skipped) { return !isNamed(skipped.first); });
        findings.place = name;
        return {};
    }
    return {};
}

/// "E-mails" are the files of mail, if there are any.
bool chooseMails(std::vector<Document>& documents, SurveyFindings& findings) {
    const auto isMail = [](const std::filesystem::path& path) {
        const std::string ending = lowerCased(path.extension().string());
        return ending == ".eml" || ending == ".mbox";
    };
    const bool isAny = std::any_of(documents.begin(), documents.end(),
                                   [&](const Document& each) { return isMail(each.path); });
    if (!isAny) return false;
    std::erase_if(documents, [&](const Document& each) { return !isMail(each.path); });
    std::erase_if(findings.skipped, [&](const auto& skipped) { return !isMail(skipped.first); });
    findings.place = ".eml, .mbox";
    return true;
}

/// Reads the documents alone that are the sides of a comparison, if they are named.
void chooseBySides(const SurveyQuestion& asked, std::vector<Document>& documents,
                   SurveyFindings& findings) {
    if (asked.kind != SurveyKind::Compare) return;
    findings.named = namedSidesOf(asked.sideNames, documents);
    if (findings.named.sideOf.empty() && findings.named.missing.empty()) return;
    findings.place.clear();
    std::vector<std::string> names;
    std::erase_if(documents, [&](const Document& document) {
        if (!findings.named.sideOf.contains(document.id)) return true;
        names.push_back(document.path.filename().string());
        return false;
    });
    findings.place = joinedNames(names);
    // Of what was not asked for nothing need be said.
    std::erase_if(findings.skipped,
                  [&](const auto& skipped) { return !isNamedAs(asked.sideNames, skipped.first); });
}

/// Of a side of several words that no sentence says: fewer of them, names last. False if both
/// sides were found, or nothing is left to leave out.
bool widenSides(SurveyQuestion& asked, const SurveyFindings& findings) {
    if (asked.kind != SurveyKind::Compare || asked.sides.size() != 2) return false;
    if (!findings.named.sideOf.empty() || !findings.named.missing.empty()) return false;
    bool isWider = false;
    for (std::size_t side = 0; side < 2; ++side) {
        const bool isFound = std::any_of(findings.documents.begin(), findings.documents.end(),
                                         [&](const SurveyedDocument& each) {
                                             return each.nMatches[side] + each.nMatches[2] > 0;
                                         });
        std::string& words = asked.sides[side];
        if (isFound || words.find(' ') == std::string::npos ||
            words.find('"') != std::string::npos) {
            continue;
        }
        isWider = true;
        if (!asked.compared.empty()) {
            // "April meetings": the month tells the sides apart.
            words.erase(words.rfind(' '));
            continue;
        }
        const auto isName = [](char c) { return c >= 'A' && c <= 'Z'; };
        std::size_t start = 0;
        while (start < words.size() && isName(words[start])) {
            const std::size_t space = words.find(' ', start);
            start = space == std::string::npos ? words.size() : space + 1;
        }
        if (start >= words.size()) start = 0;
        const std::size_t end = std::min(words.find(' ', start), words.size());
        words.erase(start, end - start + 1);
        while (words.ends_with(' ')) words.pop_back();
    }
    return isWider;
}

/// Of the subject of a question about each document the last word, if it is one that a value has no
/// need of: "notice periods" are told by "three months' notice". False: there is none.
bool widenSubject(SurveyQuestion& asked, const SurveyFindings& findings) {
    static constexpr auto kOfValues = std::to_array<std::string_view>(
        {"period",  "periods",   "date",       "dates",    "amount",  "amounts", "number",
         "numbers", "level",     "levels",     "price",    "prices",  "value",   "values",
         "time",    "times",     "rate",       "rates",    "rule",    "rules",   "term",
         "terms",   "condition", "conditions", "clause",   "clauses", "size",    "sizes",
         "length",  "lengths",   "policy",     "policies", "details"});
    if (!asked.isOfEach || !findings.documents.empty()) return false;
    const std::size_t space = asked.subject.rfind(' ');
    if (space == std::string::npos) return false;
    const std::string last = lowerCased(std::string_view(asked.subject).substr(space + 1));
    if (std::find(kOfValues.begin(), kOfValues.end(), last) == kOfValues.end()) return false;
    asked.subject.resize(space);
    return true;
}

Result<void> readAgain(storage::DocumentStore& store, const SurveyQuestion& asked,
                       const std::vector<Document>& documents, SurveyFindings& findings) {
    findings.documents.clear();
    findings.denying.clear();
    findings.nDocumentsRead = 0;
    findings.nPassagesRead = 0;
    findings.nPagesRead = 0;
    findings.sides = asked.sides;
    Reading reading(store, asked);
    for (const Document& document : documents) {
        if (auto read = reading.read(document, findings); !read) return read;
    }
    return {};
}

}  // namespace

void SurveyedDocument::keep(SurveyItem item) {
    constexpr std::size_t kMostItems = 200;
    ++nMatches[static_cast<std::size_t>(item.side)];
    if (items.size() < kMostItems) items.push_back(std::move(item));
}

bool isNarrowed(const SurveyQuestion& asked, const SurveyFindings& findings) {
    return asked.files.empty() && !asked.isPlaceNamed && !asked.isOfMessages &&
           !findings.place.empty() && findings.named.sideOf.empty();
}

void SurveyFindings::resume(SurveyFindings before) {
    before.place = place;
    before.isPlaceInText = isPlaceInText;
    before.named = named;
    before.nDocumentsAll = nDocumentsAll;
    before.nPassagesAll = nPassagesAll;
    *this = std::move(before);
}

SurveyedDocument& SurveyFindings::documentFor(const Document& document) {
    if (documents.empty() || documents.back().id != document.id) {
        documents.push_back(entryOf(document));
        documents.back().nPassages = document.nChunks;
    }
    return documents.back();
}

Result<std::vector<Document>> chooseDocuments(storage::DocumentStore& store,
                                              const std::vector<CollectionId>& collections,
                                              const SurveyQuestion& asked,
                                              SurveyFindings& findings) {
    auto documents = documentsToRead(store, collections, asked.filter, findings);
    if (!documents) return documents;
    if (asked.isOfMessages && asked.files.empty() && chooseMails(*documents, findings)) {
        // Chosen by what they are.
    } else if (asked.files.empty()) {
        if (auto done = chooseByPlace(store, asked, *documents, findings); !done) {
            return tl::unexpected(done.error());
        }
    } else {
        chooseByFiles(asked.files, *documents, findings);
    }
    chooseBySides(asked, *documents, findings);
    findings.nDocumentsAll = static_cast<int>(documents->size());
    for (const Document& document : *documents) findings.nPassagesAll += document.nChunks;
    return documents;
}

Result<SurveyFindings> runSurvey(storage::Database& database, const SurveyQuestion& question,
                                 const std::vector<CollectionId>& collections,
                                 const SurveyHooks& hooks) {
    storage::DocumentStore& store = database.documents();
    const auto generation = store.generation();
    if (!generation) return tl::unexpected(generation.error());
    SurveyFindings findings;
    const auto documents = chooseDocuments(store, collections, question, findings);
    if (!documents) return tl::unexpected(documents.error());
    SurveyQuestion asked = withPlace(question, findings.place);

    SurveyCheckpoint checkpoint(database, question, collections, *generation);
    auto kept = checkpoint.load();
    if (!kept) return tl::unexpected(kept.error());
    std::size_t next = 0;
    if (*kept && (*kept)->next <= documents->size()) {
        next = (*kept)->next;
        findings.resume(std::move((*kept)->findings));
    }

    constexpr auto kShowEvery = std::chrono::milliseconds(100);
    constexpr auto kKeepEvery = std::chrono::seconds(2);
    Clock::time_point shown = Clock::now();
    Clock::time_point saved = shown;
    bool wasKept = kept->has_value();
    Reading reading(store, asked);
    for (; next < documents->size() && !hooks.cancel.stop_requested(); ++next) {
        if (auto read = reading.read((*documents)[next], findings); !read) {
            return tl::unexpected(read.error());
        }
        const Clock::time_point now = Clock::now();
        if (hooks.onProgress && now - shown >= kShowEvery) {
            shown = now;
            hooks.onProgress(findings);
        }
        if (now - saved >= kKeepEvery) {
            saved = now;
            wasKept = true;
            if (auto done = checkpoint.save(next + 1, findings); !done) {
                return tl::unexpected(done.error());
            }
        }
    }
    findings.isComplete = next == documents->size();
    findings.sides = asked.sides;
    if (findings.isComplete && widenSubject(asked, findings)) {
        if (auto read = readAgain(store, asked, *documents, findings); !read) {
            return tl::unexpected(read.error());
        }
    }
    while (findings.isComplete && !hooks.cancel.stop_requested() && widenSides(asked, findings)) {
        if (auto read = readAgain(store, asked, *documents, findings); !read) {
            return tl::unexpected(read.error());
        }
    }
    if (hooks.onProgress) hooks.onProgress(findings);
    Result<void> done;
    if (!findings.isComplete) {
        done = checkpoint.save(next, findings);
    } else if (wasKept) {
        done = checkpoint.forget();
    }
    if (!done) return tl::unexpected(done.error());
    if (findings.isComplete && findings.documents.empty() && findings.denying.empty() &&
        isNarrowed(question, findings)) {
        return runSurvey(database, withPlace(question, {}), collections, hooks);
    }
    return findings;
}

}  // namespace conclave::services
