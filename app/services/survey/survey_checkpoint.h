// survey_checkpoint.h: the findings of a survey that was cut short, to go on from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/services/survey/survey.h"

namespace conclave::services {

/// Keeps the findings of one survey in the database: the last one that was stopped.
class SurveyCheckpoint {
public:
    /// The key says what is asked of what content, and who reads (empty: rules): other questions
    /// and changed documents begin anew.
    SurveyCheckpoint(storage::Database& database, const SurveyQuestion& question,
                     const std::vector<CollectionId>& collections, std::int64_t generation,
                     std::string_view reader = {});

    /// The number of documents that were done, and what they gave.
    struct Kept {
        std::size_t next = 0;
        SurveyFindings findings;
    };
    [[nodiscard]] Result<std::optional<Kept>> load();
    [[nodiscard]] Result<void> save(std::size_t next, const SurveyFindings& findings);
    [[nodiscard]] Result<void> forget();

private:
    storage::Database& m_database;
    std::string m_key;
};

}  // namespace conclave::services
