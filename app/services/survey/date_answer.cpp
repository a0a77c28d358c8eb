#include "app/services/survey/date_answer.h"

#include <algorithm>
#include <set>
#include <utility>

#include "app/services/question.h"
#include "app/services/reading.h"
#include "app/services/survey/date_question.h"
#include "app/services/survey/question_words.h"
#include "app/services/survey/skip_reason.h"
#include "app/services/survey/table_rows.h"

namespace conclave::services {
namespace {

using retrieval::SentenceMatcher;
using retrieval::TextSpan;

/// A date of a document with the sentence that gives it.
struct GivenDate {
    SaidDate said;
    ChunkId chunk = 0;
    std::size_t startByte = 0;  ///< of the sentence, in the page's text
    std::size_t endByte = 0;
    std::string sentence;
};

/// Within the bound, outside of it, for the reader to judge, or without such a date.
enum class DateVerdict { Within, Outside, Open, None };

struct DatedDocument {
    const Document* document = nullptr;
    DateVerdict verdict = DateVerdict::None;
    std::vector<GivenDate> dates;
};

/// The last of the headings above a passage.
std::string_view lastHeading(std::string_view heading) {
    const std::size_t last = heading.rfind(" > ");
    return heading.substr(last == std::string_view::npos ? 0 : last + 3);
}

/// Reads documents for the dates of one question.
class DateReading {
public:
    explicit DateReading(const DateQuestion& asked) : m_asked(asked), m_names(asked.names) {}

    /// The names that are asked for stand somewhere in it.
    [[nodiscard]] bool saysNames(const Document& document, const std::vector<Chunk>& chunks) const {
        return !m_names.hasTerms() || !m_names.match({}, document.title).empty() ||
               std::any_of(chunks.begin(), chunks.end(), [&](const Chunk& chunk) {
                   return !m_names.match(chunk.title + " " + chunk.heading, chunk.text).empty();
               });
    }

    [[nodiscard]] DatedDocument read(const Document& document,
                                     const std::vector<Chunk>& chunks) const {
        DatedDocument dated;
        dated.document = &document;
        std::string all;
        for (const Chunk& chunk : chunks) all.append(chunk.text).append("\n");
        const retrieval::SlashDates slashDates = retrieval::slashDatesOf(all);
        std::set<std::pair<int, std::size_t>> seen;
        for (const Chunk& chunk : chunks) {
            for (const TextSpan& span : retrieval::sentenceSpans(chunk.text)) {
                const std::size_t start = chunk.startByte + span.startByte;
                if (!seen.insert({chunk.page, start}).second) continue;
                const std::string_view text =
                    std::string_view(chunk.text)
                        .substr(span.startByte, span.endByte - span.startByte);
                for (SaidDate& said :
                     datesSaid(text, lastHeading(chunk.heading), m_asked.date, slashDates)) {
                    add(dated, chunk, span, std::move(said));
                }
            }
        }
        const bool isOwn = m_asked.date.role == DateRole::Dated && m_asked.date.beside.empty();
        // "Your letter dated 2 January" says nothing of when this one is.
        const bool isAnyClear = std::any_of(
            dated.dates.begin(), dated.dates.end(),
            [](const GivenDate& date) { return date.said.doubt != SaidDate::Doubt::Bound; });
        if (!isAnyClear && isOwn && !chunks.empty()) {
            addDatesAlone(dated, chunks, slashDates);
        }
        dated.verdict = verdictOn(dated);
        return dated;
    }

private:
    static void add(DatedDocument& dated, const Chunk& chunk, const TextSpan& span, SaidDate said) {
        dated.dates.push_back({std::move(said), chunk.id, chunk.startByte + span.startByte,
                               chunk.startByte + span.endByte,
                               chunk.text.substr(span.startByte, span.endByte - span.startByte)});
    }

    /// A line of its own near the head or the end, as letters are dated.
    static void addDatesAlone(DatedDocument& dated, const std::vector<Chunk>& chunks,
                              retrieval::SlashDates slashDates) {
        constexpr std::size_t kHeadLines = 12;
        constexpr std::size_t kEndLines = 4;
        const auto addLines = [&](const Chunk& chunk, bool isEnd, std::size_t most) {
            std::vector<TextSpan> lines;
            for (std::size_t start = 0; start < chunk.text.size();) {
                const std::size_t end = std::min(chunk.text.find('\n', start), chunk.text.size());
                if (chunk.text.find_first_not_of(" \t\r", start) < end)
                    lines.push_back({start, end});
                start = end + 1;
            }
            const std::size_t n = std::min(most, lines.size());
            const std::size_t first = isEnd ? lines.size() - n : 0;
            for (std::size_t i = first; i < first + n; ++i) {
                const std::string_view line =
                    std::string_view(chunk.text)
                        .substr(lines[i].startByte, lines[i].endByte - lines[i].startByte);
                if (auto said = dateAlone(line, slashDates)) {
                    add(dated, chunk, lines[i], std::move(*said));
                }
            }
        };
        const std::size_t nBefore = dated.dates.size();
        addLines(chunks.front(), false, kHeadLines);
        if (dated.dates.size() == nBefore) addLines(chunks.back(), true, kEndLines);
    }

    [[nodiscard]] DateVerdict verdictOn(const DatedDocument& dated) const {
        if (dated.dates.empty()) return DateVerdict::None;
        bool isAnyWithin = false;
        bool isAnyOutside = false;
        bool isAnyClear = false;
        for (const GivenDate& date : dated.dates) {
            if (date.said.doubt != SaidDate::Doubt::None) continue;
            isAnyClear = true;
            isAnyWithin = isAnyWithin || m_asked.days.touches(date.said.days);
            isAnyOutside = isAnyOutside || !m_asked.days.holds(date.said.days);
        }
        // What can be read in two ways may be a second date.
        const bool isOpen = std::any_of(
            dated.dates.begin(), dated.dates.end(),
            [](const GivenDate& date) { return date.said.doubt == SaidDate::Doubt::Form; });
        if (!isAnyClear || isOpen || (isAnyWithin && isAnyOutside)) return DateVerdict::Open;
        return isAnyWithin ? DateVerdict::Within : DateVerdict::Outside;
    }

    const DateQuestion& m_asked;
    SentenceMatcher m_names;
};

class DateReport {
public:
    DateReport(storage::DocumentStore& store, const DateQuestion& asked,
               const std::vector<DatedDocument>& documents, bool isChinese)
        : m_asked(asked), m_documents(documents), m_writer(store, isChinese) {}

    Result<SurveyReport> tell(const SurveyFindings& findings) {
        tellDateHead();
        for (const DateVerdict verdict :
             {DateVerdict::Within, DateVerdict::Outside, DateVerdict::Open}) {
            if (auto done = tellDateGroup(verdict); !done) return tl::unexpected(done.error());
        }
        tellUndated();
        m_writer.add("\n" + accountOf(findings, m_writer.isChinese()));
        m_writer.add(
            " What a date is of is judged by the words beside it; a date said in other words is "
            "not "
            "counted.",
            "按日期旁的文字判断其含义；换一种说法的日期不计入。");
        return m_writer.take();
    }

private:
    [[nodiscard]] std::size_t count(DateVerdict verdict) const {
        return static_cast<std::size_t>(
            std::count_if(m_documents.begin(), m_documents.end(),
                          [&](const DatedDocument& each) { return each.verdict == verdict; }));
    }

    void tellDateHead() {
        const std::size_t n = count(DateVerdict::Within);
        const std::string names =
            m_asked.names.empty()
                ? ""
                : (m_writer.isChinese() ? "提到“" + m_asked.names + "”的 "
                                        : " of those that name “" + m_asked.names + "”");
        const std::string of = m_asked.what.empty() ? "" : " for “" + m_asked.what + "”";
        const std::string ofChinese = m_asked.what.empty() ? "" : "“" + m_asked.what + "”的";
        m_writer.add(
            "**" + grouped(n) + " of " + counted(m_documents.size(), "document", "documents") +
                "**" + names + (n == 1 ? " gives" : " give") + " a date" + of + " " +
                shownRange(m_asked.days, false) + (n > 0 ? ":\n\n" : ".\n"),
            names + grouped(m_documents.size()) + " 份文档中，**" + grouped(n) + " 份**" +
                ofChinese + "日期" + shownRange(m_asked.days, true) + (n > 0 ? "：\n\n" : "。\n"));
    }

    Result<void> tellDateGroup(DateVerdict verdict) {
        constexpr std::size_t kMostShown = 60;
        const std::size_t n = count(verdict);
        if (n == 0) return {};
        if (verdict == DateVerdict::Outside) {
            m_writer.add(
                "\n**" + counted(n, "document gives", "documents give") + " another date:**\n\n",
                "\n**有 " + grouped(n) + " 份给出其他日期：**\n\n");
        } else if (verdict == DateVerdict::Open) {
            m_writer.add("\n**" + counted(n, "document is", "documents are") +
                             " left to you to judge**, and not counted:\n\n",
                         "\n**有 " + grouped(n) + " 份需要您自行判断**，未计入：\n\n");
        }
        std::size_t nShown = 0;
        for (const DatedDocument& each : m_documents) {
            if (each.verdict != verdict) continue;
            if (nShown++ >= kMostShown) break;
            if (auto done = tellDatedDocument(each); !done) return done;
        }
        if (n > kMostShown) {
            m_writer.add("- … and " + grouped(n - kMostShown) + " more\n",
                         "- ……还有 " + grouped(n - kMostShown) + " 份\n");
        }
        return {};
    }

    /// Why nothing is concluded from its dates.
    [[nodiscard]] std::string whyOpen(const DatedDocument& dated) const {
        const bool isChinese = m_writer.isChinese();
        std::set<std::string> clear;
        bool isForm = false;
        bool isBound = false;
        for (const GivenDate& date : dated.dates) {
            isForm = isForm || date.said.doubt == SaidDate::Doubt::Form;
            isBound = isBound || date.said.doubt == SaidDate::Doubt::Bound;
            if (date.said.doubt == SaidDate::Doubt::None) clear.insert(date.said.text);
        }
        if (clear.size() > 1) return isChinese ? "给出的日期不一致" : "its dates disagree";
        if (isForm) {
            return isChinese ? "日期缺年份或可以有两种读法"
                             : "the date lacks its year or can be read in two ways";
        }
        if (clear.size() == 1) {
            return isChinese ? "日期不够精确" : "the date is not exact enough";
        }
        if (isBound) {
            return isChinese ? "该日期可能只是条件，或属于另一份文件"
                             : "the date may only be a condition, or that of another document";
        }
        return {};
    }

    Result<void> tellDatedDocument(const DatedDocument& dated) {
        constexpr std::size_t kMostDates = 4;
        const Document& document = *dated.document;
        m_writer.add("- **" + asListLine(document.title) + "**" +
                     nameBeside(document.title, document.path));
        if (dated.verdict == DateVerdict::Open) {
            const std::string why = whyOpen(dated);
            m_writer.add(", " + why, "，" + why);
        }
        std::set<std::pair<ChunkId, std::string>> told;
        for (const GivenDate& date : dated.dates) {
            const bool isCounted = date.said.doubt == SaidDate::Doubt::None;
            if (!isCounted && dated.verdict != DateVerdict::Open) continue;
            if (told.size() >= kMostDates || !told.insert({date.chunk, date.said.text}).second) {
                continue;
            }
            m_writer.add(told.size() == 1 ? ": " : "; ", told.size() == 1 ? "：" : "；");
            m_writer.add(asListLine(date.said.text) + " — " +
                         asListLine(date.sentence, document.path));
            auto cited = m_writer.cite(date.chunk, date.startByte, date.endByte, date.sentence);
            if (!cited) return cited;
        }
        m_writer.add("\n");
        return {};
    }

    void tellUndated() {
        constexpr std::size_t kMostNamed = 8;
        std::string names;
        std::size_t n = 0;
        for (const DatedDocument& each : m_documents) {
            if (each.verdict != DateVerdict::None || n++ >= kMostNamed) continue;
            const std::string_view comma = m_writer.isChinese() ? "、" : ", ";
            names += (names.empty() ? std::string() : std::string(comma)) +
                     shownName(each.document->path);
        }
        if (n == 0) return;
        if (n > kMostNamed) names += ", …";
        m_writer.add("\n**" + counted(n, "document gives", "documents give") + " no such date:** " +
                         names + ".\n",
                     "\n**有 " + grouped(n) + " 份没有给出这样的日期：**" + names + "。\n");
    }

    const DateQuestion& m_asked;
    const std::vector<DatedDocument>& m_documents;
    ReportWriter m_writer;
};

/// The rest of "signed contracts" where documents are called contracts.
std::string restOfPlace(const std::string& place, const std::string& found) {
    const bool isShorter = !found.empty() && place.size() > found.size() &&
                           lowerCased(place).ends_with(lowerCased(found));
    return isShorter ? place.substr(0, place.size() - found.size()) : std::string();
}

}  // namespace

Result<std::optional<DateAnswer>> answerFromDates(storage::DocumentStore& store,
                                                  const std::string& question,
                                                  const std::vector<CollectionId>& collections,
                                                  const DocumentFilter& filter,
                                                  const std::stop_token& cancel,
                                                  const std::function<void(float)>& onProgress) {
    const std::optional<DateAnswer> none;
    const auto asked = dateQuestionOf(question);
    if (!asked) return none;
    SurveyQuestion place;
    place.place = asked->place;
    place.isDenied = true;  // what merely speaks of a contract is none
    place.filter = filter;
    SurveyFindings findings;
    const auto documents = chooseDocuments(store, collections, place, findings);
    if (!documents) return tl::unexpected(documents.error());
    const SentenceMatcher kind(findings.place.empty() ? asked->place
                                                      : restOfPlace(asked->place, findings.place));
    const auto saysKindOf = [&](const Document& document, const std::vector<Chunk>& chunks) {
        return !kind.hasTerms() || !kind.match({}, document.title).empty() ||
               std::any_of(chunks.begin(), chunks.end(), [&](const Chunk& chunk) {
                   return !kind.match({}, chunk.heading + "\n" + chunk.text).empty();
               });
    };
    const DateReading reading(*asked);
    std::vector<DatedDocument> dated;
    int nPassed = 0;
    for (const Document& document : *documents) {
        if (cancel.stop_requested()) return fail(ErrorCode::Cancelled, "stopped");
        if (onProgress) {
            onProgress(static_cast<float>(nPassed) /
                       static_cast<float>(std::max(findings.nPassagesAll, 1)));
        }
        nPassed += document.nChunks;
        if (isSpreadsheet(document)) {
            findings.skipped.emplace_back(document.path.string(), kIsTable);
            continue;
        }
        const auto chunks = store.chunksOf(document.id);
        if (!chunks) return tl::unexpected(chunks.error());
        ++findings.nDocumentsRead;
        findings.nPassagesRead += document.nChunks;
        if (!saysKindOf(document, *chunks) || !reading.saysNames(document, *chunks)) continue;
        dated.push_back(reading.read(document, *chunks));
    }
    findings.nDocumentsAll = findings.nDocumentsRead;
    findings.nPassagesAll = findings.nPassagesRead;
    findings.isComplete = true;
    if (kind.hasTerms()) {
        findings.place = asked->place;
        findings.isPlaceInText = true;
    }
    const bool isAnySaid = std::any_of(dated.begin(), dated.end(), [](const DatedDocument& each) {
        return each.verdict != DateVerdict::None;
    });
    if (!isAnySaid) return none;
    auto report = DateReport(store, *asked, dated, isChinese(question)).tell(findings);
    if (!report) return tl::unexpected(report.error());
    return std::optional<DateAnswer>(DateAnswer{std::move(*report), accountToJson(findings)});
}

}  // namespace conclave::services
