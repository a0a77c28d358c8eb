// answerability.h: whether documents have an answer at all, by a threshold that each collection
// teaches by itself.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "app/services/library.h"
#include "app/services/services.h"

namespace conclave::services {

/// Where a model does not notice by itself that it has no answer, and collections are too small to
/// learn from: well below what any larger one taught.
inline constexpr double kUnlearnedThreshold = 0.2;

/// What was learned about one collection. Rates are those of its own probes.
struct AnswerThreshold {
    double least = 0.0;  ///< Library::answerability below it: not in these documents
    double falseRefusals = 0.0;
    double falseAnswers = 0.0;
    int nProbes = 0;
};

/// Learns from questions made of the collection's own sentences, half of whose words were taken
/// from elsewhere, as people use words of their own: the threshold stays a little below the one
/// that refuses one in twenty of them.
/// Questions all of whose words come from different places, which no passage answers, say how much
/// is let through. None for a collection that is too small.
/// `nThreads` share the work and change nothing about what comes of it.
[[nodiscard]] Result<std::optional<AnswerThreshold>> learnThreshold(storage::DocumentStore& store,
                                                                    Library& library,
                                                                    CollectionId collection,
                                                                    int nThreads = 1);

/// Learns and keeps it, if the collection has changed by a tenth since the last time.
[[nodiscard]] Result<void> keepThreshold(storage::Database& database, Library& library,
                                         const Collection& collection, int nThreads = 1);

/// The kept threshold for questions to these collections: the least of theirs, since one that
/// answers is enough. 0 where one has none.
[[nodiscard]] Result<double> thresholdOf(storage::Database& database,
                                         std::span<const CollectionId> collections);

}  // namespace conclave::services
