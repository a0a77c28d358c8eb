// surveyor.h: answers questions about whole collections.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/services/library.h"
#include "app/services/services.h"
#include "app/services/survey/survey_report.h"
#include "app/services/survey/text_model.h"

namespace conclave::services {

struct SurveyRequest {
    std::string question;
    std::vector<CollectionId> collections;
    DocumentFilter filter{};
    bool isForced = false;  ///< whatever the wording
    /// The text so far and how much of everything was read, 0..1.
    std::function<void(const std::string& text, float progress)> onProgress;
    std::stop_token cancel;
    /// A model that can read everything, made when it is needed; null or empty: rules do.
    std::function<Result<TextModel*>()> reader;
};

struct SurveyAnswer {
    SurveyReport report;
    nlohmann::json account;
    bool isComplete = true;
};

/// Thread-safe.
class Surveyor {
public:
    Surveyor(storage::Database& database, Library& library)
        : m_database(database), m_library(library) {}

    /// None if the question is not one about everything.
    [[nodiscard]] Result<std::optional<SurveyAnswer>> answer(const SurveyRequest& request);

private:
    Result<std::optional<SurveyAnswer>> answerFrom(const SurveyRequest& request);
    /// Whether the answer is why there is none.
    enum class Refused { No, Yes, UnlessInText };
    Result<std::optional<SurveyAnswer>> tableAnswer(const SurveyRequest& request, Refused& refused);
    /// A sentence, and no row of a table, says what is asked.
    Result<bool> isSaidInText(const SurveyRequest& request);
    /// Adds the passages that come nearest to what was asked, as their list.
    Result<void> addNearest(const SurveyRequest& request, ReportWriter& writer);
    Result<std::optional<SurveyAnswer>> quantityAnswer(const SurveyRequest& request);
    /// Of a question that compares dates, which no other of these can.
    Result<std::optional<SurveyAnswer>> datedAnswer(const SurveyRequest& request);
    /// None where nothing was found for words that may not be what was meant.
    Result<std::optional<SurveyAnswer>> survey(const SurveyRequest& request,
                                               const SurveyQuestion& asked);
    Result<SurveyAnswer> surveyByModel(const SurveyRequest& request, const SurveyQuestion& asked,
                                       TextModel& model);
    /// The model, if it is to read for this question: its words alone do not say what counts, and
    /// there is not too much to read, unless everything is asked for.
    Result<TextModel*> readerFor(const SurveyRequest& request, const SurveyQuestion& asked);
    /// Says so, and shows what comes nearest.
    Result<SurveyReport> nothingFound(const SurveyRequest& request, const SurveyQuestion& asked,
                                      const SurveyFindings& findings);

    storage::Database& m_database;
    Library& m_library;
};

}  // namespace conclave::services
