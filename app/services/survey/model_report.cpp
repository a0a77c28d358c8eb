#include "app/services/survey/model_report.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "app/services/conversation.h"

namespace conclave::services {
namespace {

constexpr std::size_t kMostLines = 80;

std::size_t countConfirmed(const SurveyedDocument& document) {
    return static_cast<std::size_t>(
        std::count_if(document.items.begin(), document.items.end(),
                      [](const SurveyItem& item) { return item.isConfirmed; }));
}

/// Findings with the numbers that their passages have in the answer.
Result<std::vector<BatchFinding>> numberedFindings(ReportWriter& writer,
                                                   const SurveyFindings& findings) {
    std::vector<BatchFinding> numbered;
    for (const SurveyedDocument& document : findings.documents) {
        for (const SurveyItem& item : document.items) {
            if (!item.isConfirmed) continue;
            const auto number = writer.passageNumber(item.chunk);
            if (!number) return tl::unexpected(number.error());
            if (*number > 0) numbered.push_back({*number, item.text});
        }
    }
    return numbered;
}

/// The model's own words over the findings; none if no passage says any of them.
Result<std::optional<SurveyReport>> writtenReport(storage::DocumentStore& store,
                                                  const std::string& question,
                                                  const SurveyFindings& findings, TextModel& model,
                                                  bool isChinese, const std::stop_token& cancel) {
    ReportWriter writer(store, isChinese);
    const auto notes = numberedFindings(writer, findings);
    if (!notes) return tl::unexpected(notes.error());
    std::optional<SurveyReport> none;
    if (notes->empty()) return none;
    auto written = reduceFindings(question, *notes, model, cancel);
    if (!written) return tl::unexpected(written.error());
    SurveyReport report = writer.take();
    const std::vector<retrieval::Passage> passages = toPassages(report.passages);
    if (retrieval::supportOf(*written, passages).nSupported == 0) return none;
    report.text = retrieval::reattribute(*written, passages);
    report.citations = citationsOf(report.text, report.passages);
    return std::optional<SurveyReport>(std::move(report));
}

Result<void> addItems(ReportWriter& writer, const SurveyedDocument& document, bool isConfirmed,
                      std::size_t& nShown) {
    for (const SurveyItem& item : document.items) {
        if (item.isConfirmed != isConfirmed || nShown >= kMostLines) continue;
        ++nShown;
        writer.add("  - " + asListLine(item.text));
        const std::string quote = isConfirmed ? item.text : std::string();
        if (auto cited = writer.cite(item.chunk, item.startByte, item.endByte, quote, isConfirmed);
            !cited) {
            return cited;
        }
        writer.add("\n");
    }
    return {};
}

Result<void> listFindings(ReportWriter& writer, const SurveyQuestion& asked,
                          const SurveyFindings& findings, const std::string& model) {
    std::size_t nFound = 0;
    std::size_t nUnconfirmed = 0;
    std::size_t nDocuments = 0;
    for (const SurveyedDocument& document : findings.documents) {
        const std::size_t n = countConfirmed(document);
        nFound += n;
        nUnconfirmed += document.items.size() - n;
        nDocuments += n > 0 ? 1 : 0;
    }
    const int nRead = findings.nDocumentsRead;
    if (asked.ofDocuments) {
        writer.add("**" + grouped(nDocuments) + " of " + counted(nRead, "document", "documents") +
                       "**, as " + model + " read them:\n\n",
                   "**" + grouped(nRead) + " 份文档中有 " + grouped(nDocuments) + " 份**（由 " +
                       model + " 通读）：\n\n");
    } else {
        writer.add("**" + counted(nFound, "finding", "findings") + "** in " + grouped(nDocuments) +
                       " of " + counted(nRead, "document", "documents") + ", as " + model +
                       " read them:\n\n",
                   "**共 " + grouped(nFound) + " 处**，分布在 " + grouped(nRead) + " 份文档中的 " +
                       grouped(nDocuments) + " 份（由 " + model + " 通读）：\n\n");
    }
    std::size_t nShown = 0;
    for (const SurveyedDocument& document : findings.documents) {
        if (countConfirmed(document) == 0 || nShown >= kMostLines) continue;
        writer.add("- **" + asListLine(document.title) + "**" +
                   nameBeside(document.title, document.path) + ": " +
                   grouped(countConfirmed(document)) + "\n");
        if (auto done = addItems(writer, document, true, nShown); !done) return done;
    }
    if (nFound > nShown) {
        const std::string more = grouped(nFound - nShown);
        writer.add("- … and " + more + " more\n", "- ……还有 " + more + " 处\n");
    }
    if (nUnconfirmed == 0) return {};
    writer.add("\nNot counted, since the passages do not say it in these words:\n\n",
               "\n以下未计入，因为段落中没有这样的文字：\n\n");
    for (const SurveyedDocument& document : findings.documents) {
        if (auto done = addItems(writer, document, false, nShown); !done) return done;
    }
    return {};
}

}  // namespace

Result<SurveyReport> reportModelSurvey(storage::DocumentStore& store, const SurveyQuestion& asked,
                                       const std::string& question, const SurveyFindings& findings,
                                       TextModel& model, bool isChinese,
                                       const std::stop_token& cancel) {
    const bool isWritten = asked.kind == SurveyKind::Summarise || asked.kind == SurveyKind::Compare;
    const std::string account =
        "\n" + accountOf(findings, isChinese) +
        (isChinese ? "由 " + model.name() + " 逐段阅读；它可能有遗漏或误读。"
                   : " Read by " + model.name() + ", which may overlook or misread a passage.");
    if (isWritten && findings.isComplete) {
        auto report = writtenReport(store, question, findings, model, isChinese, cancel);
        if (!report) return tl::unexpected(report.error());
        if (*report) {
            (*report)->text += "\n" + account;
            return std::move(**report);
        }
    }
    ReportWriter writer(store, isChinese);
    if (auto done = listFindings(writer, asked, findings, model.name()); !done) {
        return tl::unexpected(done.error());
    }
    writer.add(account);
    return writer.take();
}

}  // namespace conclave::services
