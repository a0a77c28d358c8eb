// survey.h: reads every passage of the chosen collections for one question, without a model.
#pragma once

#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/services/services.h"
#include "app/services/survey/named_sides.h"
#include "app/services/survey/survey_question.h"

namespace conclave::services {

/// One place that counts: a span of a page, and the chunk that it is in.
struct SurveyItem {
    ChunkId chunk = 0;
    std::size_t startByte = 0;  ///< in the page's text
    std::size_t endByte = 0;
    std::string text;   ///< the sentence
    std::string value;  ///< of a pattern
    int side = 0;       ///< of Compare: 0, 1, or 2 for both
    /// The span says the text. False: a model says so, and the span is all that it read.
    bool isConfirmed = true;
};

/// What one document says. Counts are complete, items are the first ones.
struct SurveyedDocument {
    DocumentId id = 0;
    std::string title;
    std::string path;
    int nPassages = 0;
    int nMatchingPassages = 0;
    int nMatchingPages = 0;                           ///< of a mailbox: messages
    std::vector<int> nMatches = std::vector<int>(3);  ///< by side
    std::vector<SurveyItem> items;
    ChunkId firstChunk = 0;

    /// Counts it, and keeps it if it is one of the first.
    void keep(SurveyItem item);
};

/// A thing found by its form, as often as it was found.
struct SurveyedValue {
    int count = 0;
    std::vector<SurveyItem> items;  ///< the first ones
};

/// What was read and what it gave, so far.
struct SurveyFindings {
    int nDocumentsAll = 0;
    int nPassagesAll = 0;
    int nDocumentsRead = 0;
    int nPassagesRead = 0;
    int nPagesRead = 0;
    std::vector<std::pair<std::string, std::string>> skipped;  ///< path and why
    std::string place;               ///< documents were chosen by this part of the question
    bool isPlaceInText = false;      ///< some by their text, and not by their name
    std::vector<std::string> sides;  ///< of Compare: what was looked for in the end
    NamedSides named;                ///< of Compare: documents that are a side
    std::vector<SurveyedDocument> documents;  ///< with matches, or all where all count
    std::vector<SurveyedDocument> denying;    ///< say of what is to be had that there is none
    std::map<std::string, SurveyedValue> values;
    bool isComplete = false;

    /// Goes on from what was found before; what there is to read stays as it is known now.
    void resume(SurveyFindings before);
    /// The entry of a document, at the end if it is new.
    SurveyedDocument& documentFor(const Document& document);
};

struct SurveyHooks {
    /// About ten times a second, and at the end.
    std::function<void(const SurveyFindings&)> onProgress;
    std::stop_token cancel;
};

/// Documents of the collections that can be read, in the order of their paths: the files that are
/// named, or, if a document is called as the question's place says, those called so and those whose
/// text says it (then findings.place tells so); copies of others and those that cannot be read go
/// to findings.skipped. Sets how much there is to read.
[[nodiscard]] Result<std::vector<Document>> chooseDocuments(
    storage::DocumentStore& store, const std::vector<CollectionId>& collections,
    const SurveyQuestion& asked, SurveyFindings& findings);

/// Fewer documents were read than there are, for a word that may not have meant that: what they do
/// not say the others may.
[[nodiscard]] bool isNarrowed(const SurveyQuestion& asked, const SurveyFindings& findings);

/// Reads all documents of the collections in the order of their paths; copies of a document that
/// was read are passed over. Being stopped is no error: the findings say that they are not
/// complete, and are kept, so that the same survey of the same content goes on from there. Errors:
/// those of the database.
[[nodiscard]] Result<SurveyFindings> runSurvey(storage::Database& database,
                                               const SurveyQuestion& question,
                                               const std::vector<CollectionId>& collections,
                                               const SurveyHooks& hooks);

}  // namespace conclave::services
