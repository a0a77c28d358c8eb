// How well search finds what test sets say is relevant.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "app/services/answerability.h"
#include "app/services/library.h"
#include "app/services/model_catalog.h"
#include "app/services/services.h"

namespace conclave::services {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kDepth = 10;

struct Record {
    std::string id;
    std::string title;
    std::string text;
};

/// Grades by query, then document; only relevant ones.
using Judgements = std::map<std::string, std::map<std::string, int>>;

std::string place(const fs::path& file, int line) {
    return file.string() + ", line " + std::to_string(line);
}

/// An id may be a number in the file.
std::string idText(const nlohmann::json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

Result<std::vector<Record>> readRecords(const fs::path& file) {
    std::ifstream stream(file);
    if (!stream) return fail(ErrorCode::NotFound, "there is no file " + file.string());
    std::vector<Record> records;
    std::string line;
    for (int number = 1; std::getline(stream, line); ++number) {
        if (line.empty()) continue;
        const auto json = nlohmann::json::parse(line, nullptr, false);
        if (!json.is_object() || !json.contains("id") || !json.contains("text") ||
            !json["text"].is_string()) {
            return fail(ErrorCode::Corrupt,
                        place(file, number) + ": not a JSON object with id and text");
        }
        Record record{.id = idText(json["id"]), .title = {}, .text = json["text"]};
        if (json.contains("title") && json["title"].is_string()) record.title = json["title"];
        records.push_back(std::move(record));
    }
    return records;
}

Result<Judgements> readJudgements(const fs::path& file) {
    std::ifstream stream(file);
    if (!stream) return fail(ErrorCode::NotFound, "there is no file " + file.string());
    Judgements judgements;
    std::string line;
    for (int number = 1; std::getline(stream, line); ++number) {
        std::istringstream fields(line);
        std::string query;
        std::string document;
        int grade = 0;
        if (!(fields >> query >> document >> grade)) {
            return fail(ErrorCode::Corrupt,
                        place(file, number) + ": not a query, a document and a grade");
        }
        judgements[query][document] = grade;
    }
    return judgements;
}

/// The document as one page: its title is a line above the text, as in a plain-text file.
retrieval::ExtractedDocument toExtracted(const Record& record) {
    retrieval::ExtractedDocument document;
    document.mime = "text/plain";
    document.title = record.title;
    document.pages.push_back(
        {1, record.title.empty() ? record.text : record.title + "\n\n" + record.text});
    return document;
}

/// The best documents for a query, a document being as good as its best chunk.
Result<std::vector<std::string>> rank(Library& library, const std::string& query,
                                      CollectionId collection, retrieval::SearchMode mode,
                                      const std::map<DocumentId, std::string>& idOf) {
    SearchRequest request{.query = query, .collections = {collection}, .mode = mode, .limit = 60};
    const auto hits = library.search(request);
    if (!hits) return tl::unexpected(hits.error());
    std::vector<std::string> ranked;
    std::set<DocumentId> seen;
    for (const SearchHit& hit : *hits) {
        if (ranked.size() >= kDepth) break;
        if (seen.insert(hit.chunk.document).second) ranked.push_back(idOf.at(hit.chunk.document));
    }
    return ranked;
}

void addScores(const std::vector<std::string>& ranked, const std::map<std::string, int>& relevant,
               RetrievalScores& sum) {
    double gain = 0.0;
    int nFound = 0;
    double firstFound = 0.0;
    for (std::size_t i = 0; i < ranked.size(); ++i) {
        const auto found = relevant.find(ranked[i]);
        if (found == relevant.end()) continue;
        gain += found->second / std::log2(static_cast<double>(i) + 2.0);
        if (nFound == 0) firstFound = 1.0 / static_cast<double>(i + 1);
        ++nFound;
    }
    std::vector<int> grades;
    for (const auto& [document, grade] : relevant) grades.push_back(grade);
    std::sort(grades.rbegin(), grades.rend());
    double ideal = 0.0;
    for (std::size_t i = 0; i < std::min(grades.size(), kDepth); ++i) {
        ideal += grades[i] / std::log2(static_cast<double>(i) + 2.0);
    }
    sum.ndcg10 += ideal > 0 ? gain / ideal : 0.0;
    sum.recall10 += nFound / static_cast<double>(relevant.size());
    sum.mrr10 += firstFound;
}

/// A database in memory with the documents of a test set.
class Evaluation {
public:
    static Result<std::unique_ptr<Evaluation>> open(const EvaluationModels& models = {}) {
        storage::OpenOptions options;
        options.analyzer = retrieval::analyze;
        options.analyzerVersion = retrieval::kAnalyzerVersion;
        options.inMemory = true;
        auto database = storage::Database::open({}, options);
        if (!database) return tl::unexpected(database.error());
        const auto collection = (*database)->documents().createCollection("evaluation");
        if (!collection) return tl::unexpected(collection.error());
        auto made = std::make_unique<Evaluation>(std::move(*database), *collection, models);
        if (!models.reranker.empty()) {
            const auto reranker = engine::Reranker::load(models.reranker);
            if (!reranker) return tl::unexpected(reranker.error());
            made->library().setReranker([reranker = *reranker] { return reranker; });
        }
        return made;
    }

    Evaluation(std::unique_ptr<storage::Database> database, CollectionId collection,
               const EvaluationModels& models)
        : m_database(std::move(database)),
          m_collection(collection),
          m_library(m_database->documents(),
                    [embedder =
                         models.embedder]() -> Result<std::shared_ptr<const engine::TextEmbedder>> {
                        if (!embedder.empty()) return engine::TextEmbedder::load(embedder);
                        const auto resources = findResources();
                        if (!resources) return tl::unexpected(resources.error());
                        const auto file = ModelCatalog(*resources / "models").embedderFile();
                        if (!file) return tl::unexpected(file.error());
                        return engine::TextEmbedder::load(*file);
                    }) {}

    Result<void> add(const Record& record) {
        const auto id =
            m_database->documents().ensureDocument(m_collection, "/evaluation/" + record.id);
        if (!id) return tl::unexpected(id.error());
        idOf[*id] = record.id;
        return m_library.store(*id, m_library.prepare(toExtracted(record)));
    }

    storage::DocumentStore& documents() { return m_database->documents(); }
    Library& library() { return m_library; }
    [[nodiscard]] CollectionId collection() const { return m_collection; }

    std::map<DocumentId, std::string> idOf;

private:
    std::unique_ptr<storage::Database> m_database;
    CollectionId m_collection;
    Library m_library;
};

}  // namespace

Result<RefusalScores> evaluateRefusal(const fs::path& folder,
                                      const std::function<void(int, int)>& progress) {
    const auto documents = readRecords(folder / "docs.jsonl");
    if (!documents) return tl::unexpected(documents.error());
    const auto queries = readRecords(folder / "queries.jsonl");
    if (!queries) return tl::unexpected(queries.error());
    const auto judgements = readJudgements(folder / "qrels.tsv");
    if (!judgements) return tl::unexpected(judgements.error());

    std::set<std::string> heldOut;
    std::set<std::string> needed;
    bool isHeldOut = false;
    for (const Record& query : *queries) {
        const auto relevant = judgements->find(query.id);
        if (relevant == judgements->end()) continue;
        // Questions about one document share its fate.
        const auto isAmong = [&](const std::set<std::string>& documentIds) {
            return std::any_of(
                relevant->second.begin(), relevant->second.end(),
                [&](const auto& entry) { return documentIds.contains(entry.first); });
        };
        const bool isNeeded = isAmong(needed);
        if (!isNeeded && !isAmong(heldOut)) isHeldOut = !isHeldOut;
        const bool goes = !isNeeded && (isAmong(heldOut) || isHeldOut);
        for (const auto& [document, grade] : relevant->second) {
            (goes ? heldOut : needed).insert(document);
        }
    }
    auto index = Evaluation::open();
    if (!index) return tl::unexpected(index.error());
    Library& library = (*index)->library();
    const int nAll = static_cast<int>(documents->size() + queries->size());
    int nDone = 0;
    for (const Record& record : *documents) {
        if (progress) progress(++nDone, nAll);
        if (heldOut.contains(record.id) && !needed.contains(record.id)) continue;
        if (auto added = (*index)->add(record); !added) return tl::unexpected(added.error());
    }
    const auto learned = learnThreshold((*index)->documents(), library, (*index)->collection());
    if (!learned) return tl::unexpected(learned.error());
    RefusalScores scores;
    if (*learned) scores.threshold = (*learned)->least;
    for (const Record& query : *queries) {
        if (progress) progress(++nDone, nAll);
        const auto relevant = judgements->find(query.id);
        if (relevant == judgements->end()) continue;
        const auto isHere = [&](const auto& entry) {
            return needed.contains(entry.first) || !heldOut.contains(entry.first);
        };
        const auto& all = relevant->second;
        const bool isAnswerable = std::all_of(all.begin(), all.end(), isHere);
        if (!isAnswerable && std::any_of(all.begin(), all.end(), isHere)) continue;
        const auto hits =
            library.search({.query = query.text, .collections = {(*index)->collection()}});
        if (!hits) return tl::unexpected(hits.error());
        const auto reached = library.answerability(query.text, *hits);
        if (!reached) return tl::unexpected(reached.error());
        const bool isRefused = *reached < scores.threshold;
        (isAnswerable ? scores.nAnswerable : scores.nUnanswerable) += 1;
        if (isAnswerable && isRefused) scores.falseRefusals += 1;
        if (!isAnswerable && !isRefused) scores.falseAnswers += 1;
    }
    if (scores.nAnswerable > 0) scores.falseRefusals /= scores.nAnswerable;
    if (scores.nUnanswerable > 0) scores.falseAnswers /= scores.nUnanswerable;
    return scores;
}

Result<RetrievalScores> evaluateRetrieval(const fs::path& folder, retrieval::SearchMode mode,
                                          const std::function<void(int, int)>& progress,
                                          const EvaluationModels& models) {
    const auto documents = readRecords(folder / "docs.jsonl");
    if (!documents) return tl::unexpected(documents.error());
    const auto queries = readRecords(folder / "queries.jsonl");
    if (!queries) return tl::unexpected(queries.error());
    const auto judgements = readJudgements(folder / "qrels.tsv");
    if (!judgements) return tl::unexpected(judgements.error());

    auto index = Evaluation::open(models);
    if (!index) return tl::unexpected(index.error());
    const int nAll = static_cast<int>(documents->size() + queries->size());
    int nDone = 0;
    for (const Record& record : *documents) {
        if (auto added = (*index)->add(record); !added) return tl::unexpected(added.error());
        if (progress) progress(++nDone, nAll);
    }
    if (auto embedded = (*index)->library().embedMissing(); !embedded)
        return tl::unexpected(embedded.error());

    RetrievalScores scores;
    std::chrono::duration<double, std::milli> time{};
    for (const Record& query : *queries) {
        if (progress) progress(++nDone, nAll);
        const auto relevant = judgements->find(query.id);
        if (relevant == judgements->end()) continue;
        const auto start = std::chrono::steady_clock::now();
        const auto ranked =
            rank((*index)->library(), query.text, (*index)->collection(), mode, (*index)->idOf);
        time += std::chrono::steady_clock::now() - start;
        if (!ranked) return tl::unexpected(ranked.error());
        addScores(*ranked, relevant->second, scores);
    }
    // A judged query that is not in queries.jsonl counts as one that found nothing.
    scores.nQueries = static_cast<int>(judgements->size());
    if (scores.nQueries > 0) {
        const double n = scores.nQueries;
        scores.ndcg10 /= n;
        scores.recall10 /= n;
        scores.mrr10 /= n;
        scores.millisecondsPerQuery = time.count() / n;
    }
    return scores;
}

}  // namespace conclave::services
