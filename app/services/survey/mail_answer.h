// mail_answer.h: questions for the senders, receivers and dates of messages, answered from the
// header lines of mail files and from nothing else.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/services/survey/survey_report.h"

namespace conclave::services {

struct MailAnswer {
    SurveyReport report;
    nlohmann::json account;
};

/// The lines that a page of a mail file begins with, and the subject above them.
struct MailHeaders {
    std::string subject;
    std::string from;
    std::string to;
    std::string cc;
    std::string date;
    int day = 0;                ///< of the Date line, 20240305; 0: none that can be read
    std::size_t startByte = 0;  ///< of the lines in the page
    std::size_t endByte = 0;
};
[[nodiscard]] MailHeaders mailHeadersOf(std::string_view page);

/// One of the addresses of a header line is of this person: each word of the name stands in its
/// name or before its @, letters of either case, with or without accents.
[[nodiscard]] bool namesPerson(std::string_view addresses, std::string_view person);

/// None if the question is not one of this kind, or there are no mail files. Errors: those of the
/// database.
[[nodiscard]] Result<std::optional<MailAnswer>> answerFromMail(
    storage::DocumentStore& store, const std::string& question,
    const std::vector<CollectionId>& collections, const DocumentFilter& filter);

}  // namespace conclave::services
