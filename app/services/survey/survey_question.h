// survey_question.h: questions that five passages cannot answer, recognised by rule.
//
//   const SurveyQuestion asked = surveyQuestionOf("List all dates about the release");
//   // kind List, patterns {Date}, subject "release"
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/services/document_filter.h"
#include "app/services/survey/condition.h"
#include "retrieval/retrieval.h"

namespace conclave::services {

enum class SurveyKind { None, Count, List, Compare, Summarise };

/// What is asked about a whole collection.
struct SurveyQuestion {
    SurveyKind kind = SurveyKind::None;
    /// The wording leaves no doubt. "How many nights may I book?" counts too, but one passage has
    /// its answer: such a question is read over everything only when somebody says so.
    bool isSure = false;
    bool ofDocuments = false;   ///< documents are counted or listed, not what they say
    bool isDenied = false;      ///< documents are asked for that do not say the subject
    bool isNeedDenied = false;  ///< of isDenied: "do not require it", and not "do not mention it"
    /// Documents are asked for that have this; one that says that there is none has not.
    std::string had;
    SurveyCondition condition;  ///< of the sentences that say the subject
    /// Of each document it is asked ("the notice period of each lease"): "period" need not be said.
    bool isOfEach = false;
    std::string subject;         ///< what must be said; empty: everything counts
    std::string place;           ///< "in the contracts": documents named so, if there are any
    bool isPlaceOfKind = false;  ///< a kind of document, as in "which contracts"
    bool isOfMessages = false;   ///< mails are: a mailbox holds many
    bool isPlaceNamed = false;  ///< "in the code folder": the name decides, whatever is said inside
    std::vector<retrieval::Pattern> patterns;
    std::vector<std::string> sides;      ///< of Compare: two
    std::vector<std::string> sideNames;  ///< the same as they are written: they may name documents
    std::string compared;                ///< of both sides, as "rent" of "the rent of A and B"
    std::vector<std::string> files;      ///< "notes.docx": nothing else is read
    DocumentFilter filter{};             ///< nor anything else than this; not of the wording
};

[[nodiscard]] SurveyQuestion surveyQuestionOf(std::string_view whole);

/// The question where documents were chosen by `found` of its place, as chooseDocuments says. Of
/// "signed contracts" and documents called contracts "signed" must be said. Where no document is
/// called so (empty) the place is something that must be said, but for a kind of document beside a
/// subject.
[[nodiscard]] SurveyQuestion withPlace(SurveyQuestion asked, std::string_view found);

}  // namespace conclave::services
