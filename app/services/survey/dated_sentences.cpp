#include "app/services/survey/dated_sentences.h"

#include <algorithm>

#include "app/services/question.h"
#include "app/services/survey/date_bound.h"
#include "app/services/survey/quantity_question.h"

namespace conclave::services {
namespace {

/// Its sentences, each once; `nShown` of all that were told so far.
Result<void> tellDates(ReportWriter& writer, const SurveyedDocument& document, std::size_t most,
                       std::size_t& nShown) {
    std::size_t lastStart = std::string::npos;
    ChunkId lastChunk = 0;
    for (const SurveyItem& item : document.items) {
        if (nShown >= most) break;
        if (item.chunk == lastChunk && item.startByte == lastStart) continue;
        lastChunk = item.chunk;
        lastStart = item.startByte;
        ++nShown;
        writer.add("- **" + asListLine(document.title) + "**");
        writer.add(nameBeside(document.title, document.path));
        writer.add(": " + asListLine(item.text, document.path));
        if (auto cited = writer.cite(item.chunk, item.startByte, item.endByte, item.text); !cited) {
            return cited;
        }
        writer.add("\n");
    }
    return {};
}

}  // namespace

Result<std::optional<DatedSentences>> datedSentencesFor(
    storage::Database& database, const std::string& question, bool isForced,
    const std::vector<CollectionId>& collections, const DocumentFilter& filter,
    const std::stop_token& cancel, const std::function<void(float)>& onProgress) {
    const std::optional<DatedSentences> none;
    if (bringsItsOwnText(question)) return none;
    const auto bound = dateBoundOf(question);
    if (!bound) return none;
    const std::string& undated = bound->undated;
    SurveyQuestion asked = surveyQuestionOf(undated);
    const auto quantity = quantityQuestionOf(undated);
    const bool isOfAll = quantity && (quantity->isOfAll || quantityQuestionOf(question));
    const bool isSurvey = asked.isSure || surveyQuestionOf(question).isSure;
    if (!isSurvey && !isOfAll && !isForced) return none;
    const bool isNeither = asked.kind == SurveyKind::None || asked.kind == SurveyKind::Compare;
    if (isNeither || asked.kind == SurveyKind::Summarise) {
        asked = SurveyQuestion{};
        asked.subject = quantity ? quantity->subject : undated;
        if (quantity) asked.place = quantity->place;
    }
    asked.kind = SurveyKind::List;
    asked.isDenied = false;
    asked.patterns = {retrieval::Pattern::Date};
    asked.filter = filter;

    SurveyHooks hooks;
    hooks.cancel = cancel;
    hooks.onProgress = [&](const SurveyFindings& findings) {
        if (!onProgress) return;
        onProgress(static_cast<float>(findings.nPassagesRead) /
                   static_cast<float>(std::max(findings.nPassagesAll, 1)));
    };
    auto findings = runSurvey(database, asked, collections, hooks);
    if (findings && findings->documents.empty() && findings->isComplete) {
        asked.subject.clear();
        findings = runSurvey(database, asked, collections, hooks);
    }
    if (!findings) return tl::unexpected(findings.error());

    constexpr std::size_t kMostShown = 60;
    const bool inChinese = isChinese(question);
    ReportWriter writer(database.documents(), inChinese);
    writer.add(
        "Conclave cannot compare the dates of this question with those of your documents: they, or "
        "what they are dates of, are not clear enough. Nothing was counted or left out by its "
        "date.",
        "Conclave 无法确定这个问题要比较哪些日期，因此没有按日期计数或筛选。");
    if (findings->documents.empty()) {
        writer.add(" No dates were found.\n", "没有找到日期。\n");
    } else {
        writer.add(" These sentences give dates; compare them yourself:\n\n",
                   "以下句子含有日期，请自行比较：\n\n");
    }
    std::size_t nShown = 0;
    for (const SurveyedDocument& document : findings->documents) {
        if (auto told = tellDates(writer, document, kMostShown, nShown); !told) {
            return tl::unexpected(told.error());
        }
    }
    if (nShown == kMostShown) {
        writer.add("- … there may be more\n", "- ……可能还有更多\n");
    }
    writer.add("\n" + accountOf(*findings, inChinese));
    return std::optional<DatedSentences>(
        DatedSentences{writer.take(), accountToJson(*findings), findings->isComplete});
}

}  // namespace conclave::services
