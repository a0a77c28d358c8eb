#include "app/services/survey/surveyor.h"

#include <algorithm>
#include <chrono>

#include "app/services/answer_sources.h"
#include "app/services/question.h"
#include "app/services/quoted_answer.h"
#include "app/services/survey/absence.h"
#include "app/services/survey/date_answer.h"
#include "app/services/survey/date_bound.h"
#include "app/services/survey/dated_sentences.h"
#include "app/services/survey/guide_choice.h"
#include "app/services/survey/joint_answer.h"
#include "app/services/survey/mail_answer.h"
#include "app/services/survey/model_report.h"
#include "app/services/survey/model_survey.h"
#include "app/services/survey/quantity_answer.h"
#include "app/services/survey/question_subject.h"
#include "app/services/survey/question_words.h"
#include "app/services/survey/record_answer.h"
#include "app/services/survey/table_answer.h"
#include "app/services/survey/table_comparison.h"
#include "base/log.h"

namespace conclave::services {
namespace {

/// What a forced survey looks for when the wording says nothing: every content word.
SurveyQuestion forcedQuestion(const std::string& text) {
    SurveyQuestion asked = surveyQuestionOf(text);
    if (asked.kind == SurveyKind::None) {
        asked.kind = SurveyKind::List;
        asked.subject = text;
    }
    return asked;
}

/// There is something to look for, or everything counts.
bool canBeRead(const SurveyQuestion& asked) {
    switch (asked.kind) {
        case SurveyKind::None: return false;
        case SurveyKind::Compare:
        case SurveyKind::Summarise: return true;
        default:
            return asked.ofDocuments || !asked.patterns.empty() ||
                   retrieval::SentenceMatcher(asked.subject + " " + asked.place).hasTerms();
    }
}

/// "Both a deposit and a penalty": of two names, as in "Smith and Sons", the words are one thing.
bool asksSeveralThings(std::string_view question, std::string_view words) {
    if (words.find(' ') == std::string_view::npos && !isChinese(question)) return false;
    const std::string lower = lowerCased(question);
    if (isChinese(question)) return hasAny(lower, {"和", "与", "以及", "并且", "或者", "同时"});
    for (const std::string_view joint : {"and", "or", "nor", "but"}) {
        for (std::size_t at = findWords(lower, joint); at != std::string::npos;
             at = findWords(lower, joint, at + 1)) {
            const std::size_t behind = at + joint.size() + 1;
            const bool isName =
                behind < question.size() && question[behind] >= 'A' && question[behind] <= 'Z';
            if (!isName) return true;
        }
    }
    return false;
}

/// "Below their minimum": of rows, each compared with itself, and no words that anybody writes.
bool comparesEachWithItself(std::string_view question) {
    const std::string lower = lowerCased(question);
    for (const std::string_view than : {"below", "above", "under", "over", "beyond", "exceeding"}) {
        for (const std::string_view own : {"its", "their"}) {
            if (findWords(lower, std::string(than).append(" ").append(own)) != std::string::npos) {
                return true;
            }
        }
    }
    return false;
}

/// What was looked for, as one text.
std::string wordsOfAll(const SurveyQuestion& asked) {
    std::string words = asked.subject.empty() ? asked.compared : asked.subject;
    for (const std::string& side : asked.sides) words += (words.empty() ? "" : ", ") + side;
    return words;
}

/// That nothing was found says something of the documents, and not only of the words that the rules
/// made of the question.
bool isUnderstood(const std::string& question, const SurveyQuestion& asked,
                  const SurveyFindings& findings) {
    const bool isNoFile = !asked.files.empty() && findings.nDocumentsAll == 0;
    const bool isNoSide = !findings.named.missing.empty() && findings.named.sideOf.empty();
    const std::string words = wordsOfAll(asked);
    if (isNoFile || isNoSide || words.empty()) return true;
    if (!mayBeSaid(words)) return false;
    return asked.condition.isAny() || question.find(words) != std::string::npos ||
           asksSeveralThings(question, words);
}

/// Shows how much was read, ten times a second at most.
std::function<void(float)> progressShower(const SurveyRequest& request) {
    return [&request, shown = std::chrono::steady_clock::now()](float progress) mutable {
        constexpr auto kShowEvery = std::chrono::milliseconds(100);
        const auto now = std::chrono::steady_clock::now();
        if (!request.onProgress || now - shown < kShowEvery) return;
        shown = now;
        request.onProgress({}, progress);
    };
}

}  // namespace

Result<std::optional<SurveyAnswer>> Surveyor::tableAnswer(const SurveyRequest& request,
                                                          Refused& refused) {
    refused = Refused::No;
    auto found = answerFromTables(m_database, request.question, request.collections, request.filter,
                                  request.reader, request.cancel);
    if (!found) return tl::unexpected(found.error());
    if (!*found) return std::optional<SurveyAnswer>();
    if ((*found)->isRefused) {
        refused = (*found)->mayBeInText ? Refused::UnlessInText : Refused::Yes;
        ReportWriter writer(m_database.documents(), isChinese(request.question));
        writer.add((*found)->report.text);
        if (auto done = addNearest(request, writer); !done) return tl::unexpected(done.error());
        (*found)->report = writer.take();
    }
    return std::optional<SurveyAnswer>(
        SurveyAnswer{std::move((*found)->report), std::move((*found)->account)});
}

Result<std::optional<SurveyAnswer>> Surveyor::quantityAnswer(const SurveyRequest& request) {
    auto found = answerFromQuantities(m_database.documents(), request.question, request.collections,
                                      request.filter, request.cancel, progressShower(request));
    if (!found) return tl::unexpected(found.error());
    if (!*found) return std::optional<SurveyAnswer>();
    return std::optional<SurveyAnswer>(
        SurveyAnswer{std::move((*found)->report), std::move((*found)->account)});
}

Result<std::optional<SurveyAnswer>> Surveyor::datedAnswer(const SurveyRequest& request) {
    auto compared = answerFromDates(m_database.documents(), request.question, request.collections,
                                    request.filter, request.cancel, progressShower(request));
    if (!compared) return tl::unexpected(compared.error());
    if (*compared) {
        return std::optional<SurveyAnswer>(
            SurveyAnswer{std::move((*compared)->report), std::move((*compared)->account)});
    }
    auto found =
        datedSentencesFor(m_database, request.question, request.isForced, request.collections,
                          request.filter, request.cancel, progressShower(request));
    if (!found) return tl::unexpected(found.error());
    if (!*found) return std::optional<SurveyAnswer>();
    return std::optional<SurveyAnswer>(SurveyAnswer{
        std::move((*found)->report), std::move((*found)->account), (*found)->isComplete});
}

Result<std::optional<SurveyAnswer>> Surveyor::answer(const SurveyRequest& request) {
    SurveyRequest own = request;
    const auto isLeftOut = leaveOutGuide(m_database.documents(), own.collections);
    if (!isLeftOut) return tl::unexpected(isLeftOut.error());
    auto answered = answerFrom(own);
    if (answered && *answered && *isLeftOut) {
        std::string& text = (*answered)->report.text;
        // A paragraph of its own: the report may end with a list.
        text.erase(text.find_last_not_of('\n') + 1);
        text += isChinese(request.question) ? "\n\n未计入 Conclave 自带的指南。\n"
                                            : "\n\nConclave’s own guide was left out.\n";
    }
    return answered;
}

Result<std::optional<SurveyAnswer>> Surveyor::answerFrom(const SurveyRequest& request) {
    auto fromMail = answerFromMail(m_database.documents(), request.question, request.collections,
                                   request.filter);
    if (!fromMail) return tl::unexpected(fromMail.error());
    if (*fromMail) {
        return std::optional<SurveyAnswer>(
            SurveyAnswer{std::move((*fromMail)->report), std::move((*fromMail)->account)});
    }
    const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
    auto fromRecords = answerFromRecords(m_database.documents(), request.question,
                                         request.collections, request.filter, today);
    if (!fromRecords) return tl::unexpected(fromRecords.error());
    if (*fromRecords) {
        return std::optional<SurveyAnswer>(
            SurveyAnswer{std::move((*fromRecords)->report), std::move((*fromRecords)->account)});
    }
    // "The total rent of all leases" is of documents, although a table may be called leases too.
    const auto quantity = quantityQuestionOf(request.question);
    const bool isOfDocuments = quantity && quantity->isOfAll && !quantity->place.empty();
    const bool comparesDates = dateBoundOf(request.question).has_value();
    std::optional<SurveyAnswer> refusal;  // stands where nothing certain answers
    Refused refused = Refused::No;
    for (const bool isOfTables : {!isOfDocuments, isOfDocuments}) {
        Refused here = Refused::No;
        auto answered = isOfTables      ? tableAnswer(request, here)
                        : comparesDates ? datedAnswer(request)
                                        : quantityAnswer(request);
        if (!answered) return tl::unexpected(answered.error());
        if (*answered && here == Refused::No) return std::move(*answered);
        if (here == Refused::No) continue;
        refusal = std::move(*answered);
        refused = here;
    }
    if (refused == Refused::UnlessInText) {
        const auto isSaid = isSaidInText(request);
        if (!isSaid) return tl::unexpected(isSaid.error());
        if (*isSaid) return std::optional<SurveyAnswer>();
    }
    if (refusal) return refusal;
    auto joint = answerFromJoint(m_database.documents(), request.question, request.collections,
                                 request.filter, request.cancel, progressShower(request));
    if (!joint) return tl::unexpected(joint.error());
    if (*joint) {
        return std::optional<SurveyAnswer>(
            SurveyAnswer{std::move((*joint)->report), std::move((*joint)->account)});
    }
    SurveyQuestion asked =
        request.isForced ? forcedQuestion(request.question) : surveyQuestionOf(request.question);
    asked.filter = request.filter;
    if (asked.kind == SurveyKind::Compare) {
        // "What is the difference between lease A and lease B?", where these are documents.
        SurveyFindings findings;
        const auto documents =
            chooseDocuments(m_database.documents(), request.collections, asked, findings);
        if (!documents) return tl::unexpected(documents.error());
        const bool areDocuments = !findings.named.sideOf.empty();
        asked.isSure = asked.isSure || areDocuments;
        auto inTables = areDocuments
                            ? Result<std::optional<TableAnswer>>(std::nullopt)
                            : compareInTables(m_database.documents(), asked, request.collections,
                                              isChinese(request.question), request.cancel);
        if (!inTables) return tl::unexpected(inTables.error());
        if (*inTables) {
            return std::optional<SurveyAnswer>(
                SurveyAnswer{std::move((*inTables)->report), std::move((*inTables)->account)});
        }
    }
    const bool isOfRows = !request.isForced && comparesEachWithItself(request.question);
    if (isOfRows || !canBeRead(asked) || (!asked.isSure && !request.isForced)) {
        return std::optional<SurveyAnswer>();
    }
    if (asked.isDenied) {
        if (asked.patterns.empty() && !mayBeSaid(asked.subject)) {
            return std::optional<SurveyAnswer>();
        }
        auto answered =
            answerFromAbsence(m_database.documents(), asked, request.collections, request.cancel,
                              isChinese(request.question), progressShower(request));
        if (!answered) return tl::unexpected(answered.error());
        return std::optional<SurveyAnswer>(
            SurveyAnswer{std::move(answered->report), std::move(answered->account)});
    }
    const auto reader = readerFor(request, asked);
    if (!reader) return tl::unexpected(reader.error());
    if (*reader == nullptr) return survey(request, asked);
    auto answered = surveyByModel(request, asked, **reader);
    if (!answered) return tl::unexpected(answered.error());
    return std::optional<SurveyAnswer>(std::move(*answered));
}

Result<TextModel*> Surveyor::readerFor(const SurveyRequest& request, const SurveyQuestion& asked) {
    constexpr int kMostPassages = 200;  // minutes, for a model of a few billion parameters
    TextModel* const none = nullptr;
    if (!request.reader) return none;
    const bool isByForm = !asked.patterns.empty() || asked.subject.find('"') != std::string::npos ||
                          asked.subject.find("“") != std::string::npos;
    const bool isEverything = asked.kind == SurveyKind::Summarise || !asked.subject.empty();
    if (isByForm || (!isEverything && asked.kind != SurveyKind::Compare)) return none;
    if (!request.isForced) {
        SurveyFindings toRead;
        const auto documents =
            chooseDocuments(m_database.documents(), request.collections, asked, toRead);
        if (!documents) return tl::unexpected(documents.error());
        if (toRead.nPassagesAll > kMostPassages) return none;
    }
    auto reader = request.reader();
    if (!reader && reader.error().code != ErrorCode::Cancelled) {
        log().warn("no model reads for this question: {}", reader.error().detail);
        return none;
    }
    return reader;
}

Result<SurveyAnswer> Surveyor::surveyByModel(const SurveyRequest& request,
                                             const SurveyQuestion& asked, TextModel& model) {
    const bool inChinese = isChinese(request.question);
    SurveyHooks hooks;
    hooks.cancel = request.cancel;
    hooks.onProgress = [&](const SurveyFindings& findings) {
        if (!request.onProgress) return;
        const float all = static_cast<float>(std::max(findings.nPassagesAll, 1));
        request.onProgress(progressOf(asked, findings, inChinese),
                           static_cast<float>(findings.nPassagesRead) / all);
    };
    const auto findings =
        runModelSurvey(m_database, asked, request.question, request.collections, model, hooks);
    if (!findings) return tl::unexpected(findings.error());
    auto report = reportModelSurvey(m_database.documents(), asked, request.question, *findings,
                                    model, inChinese, request.cancel);
    if (!report) return tl::unexpected(report.error());
    nlohmann::json account = accountToJson(*findings);
    account["reader"] = model.name();
    return SurveyAnswer{std::move(*report), std::move(account), findings->isComplete};
}

Result<std::optional<SurveyAnswer>> Surveyor::survey(const SurveyRequest& request,
                                                     const SurveyQuestion& asked) {
    const bool inChinese = isChinese(request.question);
    SurveyHooks hooks;
    hooks.cancel = request.cancel;
    hooks.onProgress = [&](const SurveyFindings& findings) {
        if (!request.onProgress) return;
        const float all = static_cast<float>(std::max(findings.nPassagesAll, 1));
        request.onProgress(progressOf(asked, findings, inChinese),
                           static_cast<float>(findings.nPassagesRead) / all);
    };
    const auto findings = runSurvey(m_database, asked, request.collections, hooks);
    if (!findings) return tl::unexpected(findings.error());
    SurveyQuestion shown = withPlace(asked, findings->place);
    if (!findings->sides.empty()) shown.sides = findings->sides;
    const bool isEmpty =
        findings->documents.empty() && findings->denying.empty() && findings->isComplete;
    if (isEmpty && !request.isForced && !isUnderstood(request.question, shown, *findings)) {
        return std::optional<SurveyAnswer>();
    }
    auto report = isEmpty ? nothingFound(request, shown, *findings)
                          : reportSurvey(m_database.documents(), shown, *findings, inChinese);
    if (!report) return tl::unexpected(report.error());
    return std::optional<SurveyAnswer>(
        SurveyAnswer{std::move(*report), accountToJson(*findings), findings->isComplete});
}

Result<SurveyReport> Surveyor::nothingFound(const SurveyRequest& request,
                                            const SurveyQuestion& asked,
                                            const SurveyFindings& findings) {
    ReportWriter writer(m_database.documents(), isChinese(request.question));
    if (!asked.files.empty() && findings.nDocumentsAll == 0) {
        writer.add("There is no file called " + findings.place + " in these collections.",
                   "这些集合中没有名为“" + findings.place + "”的文件。");
        return writer.take();
    }
    if (!findings.named.missing.empty() && findings.named.sideOf.empty()) {
        writer.add(
            "No document that was read is named as either side says; say the names of the "
            "files.",
            "已读文档中没有以这两个名称命名的；请写出文件名。");
        return writer.take();
    }
    const std::string words = wordsOfAll(asked);
    if (!isUnderstood(request.question, asked, findings)) {
        writer.add("This was not understood as a question about the whole collection.",
                   "没有理解这个关于全部文档的问题。");
    } else if (words.empty()) {
        writer.add("There is nothing of this kind in your documents.", "文档中没有这样的内容。");
    } else if (!asked.condition.isAny() && request.question.find(words) != std::string::npos) {
        writer.add("No sentence in your documents says “" + words + "”.",
                   "文档中没有提到“" + words + "”的句子。");
    } else if (asksSeveralThings(request.question, words)) {
        writer.add("This question asks for several things at once; ask for one at a time.",
                   "这个问题同时问了几件事；请一次只问一件。");
    } else {
        // Nobody wrote these words in this order: they are no quotation.
        writer.add("No sentence in your documents says all that this asks for.",
                   "文档中没有一句同时提到这些内容。");
    }
    writer.add("\n\n" + accountOf(findings, writer.isChinese()));
    if (auto done = addNearest(request, writer); !done) return tl::unexpected(done.error());
    return writer.take();
}

Result<bool> Surveyor::isSaidInText(const SurveyRequest& request) {
    constexpr int kNearest = 8;
    const auto hits = m_library.search({.query = request.question,
                                        .collections = request.collections,
                                        .limit = kNearest,
                                        .filter = request.filter});
    if (!hits) return tl::unexpected(hits.error());
    std::vector<StoredPassage> passages;
    for (const SearchHit& hit : *hits) passages.push_back(storedPassage(hit));
    const auto quoted = quoteFor(request.question, passages);
    return quoted && quoted->citation.quote.find('|') == std::string::npos;
}

Result<void> Surveyor::addNearest(const SurveyRequest& request, ReportWriter& writer) {
    constexpr int kNearest = 3;
    const auto hits = m_library.search({.query = request.question,
                                        .collections = request.collections,
                                        .limit = kNearest,
                                        .filter = request.filter});
    if (!hits) return tl::unexpected(hits.error());
    if (!hits->empty()) {
        writer.add("\n\nThese passages come nearest:\n\n", "\n\n最接近的段落：\n\n");
    }
    for (const SearchHit& hit : *hits) {
        writer.add("- " + asListLine(hit.chunk.text, hit.chunk.path));
        auto cited =
            writer.cite(hit.chunk.id, hit.chunk.startByte, hit.chunk.endByte, hit.chunk.text);
        if (!cited) return tl::unexpected(cited.error());
        writer.add("\n");
    }
    return {};
}

}  // namespace conclave::services
