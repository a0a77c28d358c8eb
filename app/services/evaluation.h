// evaluation.h: how well search and refusal do on a test set. A part of services.h.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "base/result.h"
#include "retrieval/retrieval.h"

namespace conclave::services {

/// Models to search with in an evaluation; empty: the bundled embedder, and no reranker.
struct EvaluationModels {
    std::filesystem::path embedder;
    std::filesystem::path reranker;
};

struct RetrievalScores {
    int nQueries = 0;
    double ndcg10 = 0.0;  ///< gain is the grade, discount log2(rank + 1)
    double recall10 = 0.0;
    double mrr10 = 0.0;
    double millisecondsPerQuery = 0.0;
};

/// How well questions that the documents answer are told from those that they do not.
struct RefusalScores {
    int nAnswerable = 0;
    int nUnanswerable = 0;       ///< the documents about it were left out
    int nForeign = 0;            ///< of another set
    double answeredRight = 0.0;  ///< share of the answerable ones whose document is found and shown
    double falseRefusals = 0.0;  ///< share of the answerable ones that are refused
    double falseAnswers = 0.0;   ///< share of the unanswerable ones that are not
    double foreignAnswers = 0.0;  ///< share of the foreign ones that are not
    double threshold = 0.0;       ///< as learned from the documents alone
};

/// Every second judged query, with those about the same documents, loses its relevant documents and
/// so its answer; the rest is indexed, the threshold learned from it, and all queries are asked.
/// Those that lose only a part are left out. The queries of `foreign`, another test set (empty:
/// none), are asked too. Errors: as evaluateRetrieval.
[[nodiscard]] Result<RefusalScores> evaluateRefusal(
    const std::filesystem::path& folder, const std::filesystem::path& foreign = {},
    const std::function<void(int, int)>& progress = {});

/// How often the answer stands in what a model would read.
struct ContextScores {
    int nQueries = 0;
    std::vector<double> shares;  ///< of the queries, by budget
};

/// For each query of a set that gives the places of its answers (`spans`), looks for one of them in
/// the best passages, as many as fit into a budget of characters, the last one cut. Only the
/// document that the answer is of counts. Errors: as evaluateRetrieval; InvalidArgument for a set
/// without places.
[[nodiscard]] Result<ContextScores> evaluateContext(
    const std::filesystem::path& folder, const std::vector<int>& budgets,
    const std::function<void(int, int)>& progress = {});

/// Runs a test set through the pipeline that documents take (chunks, database in memory, vectors,
/// search) and scores it. `folder` has docs.jsonl (id, title, text), queries.jsonl (id, text) and
/// qrels.tsv (query, document, grade). A document counts with its best chunk; averaged over the
/// queries that have a relevant document. `progress` gets documents and queries done and all.
/// Errors: NotFound, Corrupt (names file and line).
[[nodiscard]] Result<RetrievalScores> evaluateRetrieval(
    const std::filesystem::path& folder, retrieval::SearchMode mode,
    const std::function<void(int, int)>& progress = {}, const EvaluationModels& models = {});

}  // namespace conclave::services
