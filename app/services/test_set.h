// test_set.h: a test set of questions and documents, and a library in memory to ask them of.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/services/library.h"
#include "app/services/services.h"

namespace conclave::services {

struct TestRecord {
    std::string id;
    std::string title;
    std::string text;
    struct Answer {
        std::string document;
        std::string text;
    };
    std::vector<Answer> answers;  ///< of a query, where the set gives their places ("spans")
};

struct TestSet {
    std::vector<TestRecord> documents;
    std::vector<TestRecord> queries;
    /// Grades by query, then document.
    std::map<std::string, std::map<std::string, int>> judgements;
};

/// Reads docs.jsonl, queries.jsonl and qrels.tsv. Errors: NotFound, Corrupt (names file and line).
[[nodiscard]] Result<TestSet> readTestSet(const std::filesystem::path& folder);

/// A database in memory with the documents of a test set.
class Evaluation {
public:
    /// Errors: those of the models.
    [[nodiscard]] static Result<std::unique_ptr<Evaluation>> open(
        const EvaluationModels& models = {});
    Evaluation(std::unique_ptr<storage::Database> database, CollectionId collection,
               const EvaluationModels& models);

    [[nodiscard]] Result<void> add(const TestRecord& record);

    storage::DocumentStore& documents() { return m_database->documents(); }
    Library& library() { return m_library; }
    [[nodiscard]] CollectionId collection() const { return m_collection; }

    std::map<DocumentId, std::string> idOf;

private:
    std::unique_ptr<storage::Database> m_database;
    CollectionId m_collection;
    Library m_library;
};

/// Ids of the best ten documents for a query, each as good as its best chunk.
[[nodiscard]] Result<std::vector<std::string>> rankDocuments(Evaluation& index,
                                                             const std::string& query,
                                                             retrieval::SearchMode mode);

/// nDCG@10 of documents in the order in which they were found: gain is the grade, discount
/// log2(rank + 1).
[[nodiscard]] double ndcg10(const std::vector<std::string>& ranked,
                            const std::map<std::string, int>& relevant);

}  // namespace conclave::services
