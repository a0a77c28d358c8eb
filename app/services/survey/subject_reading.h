// subject_reading.h: what each document says of a subject: that there is one, that there is none, a
// part of it, or nothing.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "app/services/survey/survey.h"

namespace conclave::services {

/// What a document says of the subject.
enum class WhatIsSaid { Nothing, Related, Denied, Said };

struct SaidPlace {
    ChunkId chunk = 0;
    std::size_t startByte = 0;  ///< in the page's text
    std::size_t endByte = 0;
    std::string text;
};

struct JudgedDocument {
    const Document* document = nullptr;
    WhatIsSaid saying = WhatIsSaid::Nothing;
    std::vector<SaidPlace> said;     ///< sentences that say it and do not deny it
    std::vector<SaidPlace> denied;   ///< that deny it
    std::vector<SaidPlace> related;  ///< that have a part of it or another word for it
    std::optional<SaidPlace> first;  ///< the first sentence, to open the document by
};

struct JudgedCollection {
    std::vector<Document> documents;                  ///< those that were read
    std::vector<std::vector<JudgedDocument>> judged;  ///< of each document, by subject
    SurveyFindings findings;
};

/// Reads every passage of the documents of the subjects' place, which is the same for all of them.
/// `onProgress` (may be empty) gets how much was read, 0..1. Errors: Cancelled, those of the
/// database.
[[nodiscard]] Result<JudgedCollection> judgeDocuments(
    storage::DocumentStore& store, std::span<const SurveyQuestion> subjects,
    const std::vector<CollectionId>& collections, const std::stop_token& cancel,
    const std::function<void(float)>& onProgress = {});

}  // namespace conclave::services
