// survey_report.h: what a survey found as a text, each line with the passage that it comes from.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "app/services/survey/survey.h"

namespace conclave::services {

/// A text with numbered evidence.
struct SurveyReport {
    std::string text;
    std::vector<StoredPassage> passages;
    std::vector<StoredCitation> citations;
};

/// Builds the text and numbers passages as they are cited. Each citation quotes its exact span.
class ReportWriter {
public:
    ReportWriter(storage::DocumentStore& store, bool isChinese)
        : m_store(store), m_isChinese(isChinese) {}

    ReportWriter& add(std::string_view text) {
        m_report.text += text;
        return *this;
    }
    /// One of two wordings, by the language of the question.
    ReportWriter& add(std::string_view english, std::string_view chinese) {
        return add(m_isChinese ? chinese : english);
    }
    [[nodiscard]] bool isChinese() const { return m_isChinese; }
    /// " [n]" for a span of the chunk's page. Nothing if the chunk is gone.
    Result<void> cite(ChunkId chunk, std::size_t startByte, std::size_t endByte,
                      std::string_view quote, bool isSupported = true);
    /// The chunk's number, given now if it has none; 0 if the chunk is gone.
    Result<int> passageNumber(ChunkId chunk);
    /// The document of a chunk; empty if the chunk is gone.
    [[nodiscard]] std::string pathOf(ChunkId chunk) const;
    [[nodiscard]] std::size_t nPassages() const { return m_report.passages.size(); }
    [[nodiscard]] SurveyReport take() { return std::move(m_report); }

private:
    storage::DocumentStore& m_store;
    bool m_isChinese;
    SurveyReport m_report;
    std::map<ChunkId, int> m_numbers;
};

/// The answer to `asked`; unfinished findings give what is known so far and say so.
[[nodiscard]] Result<SurveyReport> reportSurvey(storage::DocumentStore& store,
                                                const SurveyQuestion& asked,
                                                const SurveyFindings& findings, bool isChinese);

/// What was read and what was not, and why: one paragraph.
[[nodiscard]] std::string accountOf(const SurveyFindings& findings, bool isChinese);

/// One line while the survey runs.
[[nodiscard]] std::string progressOf(const SurveyQuestion& asked, const SurveyFindings& findings,
                                     bool isChinese);

/// {"documents", "passages", "skipped": [{"path", "why"}], "complete"} for AnswerDetails::usage.
[[nodiscard]] nlohmann::json accountToJson(const SurveyFindings& findings);

/// The name of a file on one line of Markdown.
[[nodiscard]] std::string shownName(const std::filesystem::path& path);
/// " (name)", behind a title that is not the file's name.
[[nodiscard]] std::string nameBeside(std::string_view title, const std::filesystem::path& path);

/// A sentence on one line for a list: without its own list mark, cut when long.
/// `path` is the document's; none: the text is a name and no part of a document.
[[nodiscard]] std::string asListLine(std::string_view text, const std::filesystem::path& path = {});

}  // namespace conclave::services
