// How well search finds what test sets say is relevant.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

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

}  // namespace

Result<RetrievalScores> evaluateRetrieval(const fs::path& folder, retrieval::SearchMode mode,
                                          const std::function<void(int, int)>& progress,
                                          const EvaluationModels& models) {
    const auto documents = readRecords(folder / "docs.jsonl");
    if (!documents) return tl::unexpected(documents.error());
    const auto queries = readRecords(folder / "queries.jsonl");
    if (!queries) return tl::unexpected(queries.error());
    const auto judgements = readJudgements(folder / "qrels.tsv");
    if (!judgements) return tl::unexpected(judgements.error());

    storage::OpenOptions open;
    open.analyzer = retrieval::analyze;
    open.analyzerVersion = retrieval::kAnalyzerVersion;
    open.inMemory = true;
    const auto database = storage::Database::open({}, open);
    if (!database) return tl::unexpected(database.error());
    storage::DocumentStore& store = (*database)->documents();
    Library library(store, [&]() -> Result<std::shared_ptr<const engine::TextEmbedder>> {
        if (!models.embedder.empty()) return engine::TextEmbedder::load(models.embedder);
        const auto resources = findResources();
        if (!resources) return tl::unexpected(resources.error());
        const auto file = ModelCatalog(*resources / "models").embedderFile();
        if (!file) return tl::unexpected(file.error());
        return engine::TextEmbedder::load(*file);
    });
    if (!models.reranker.empty()) {
        const auto reranker = engine::Reranker::load(models.reranker);
        if (!reranker) return tl::unexpected(reranker.error());
        library.setReranker([reranker = *reranker] { return reranker; });
    }
    const auto collection = store.createCollection("evaluation");
    if (!collection) return tl::unexpected(collection.error());

    const int nAll = static_cast<int>(documents->size() + queries->size());
    int nDone = 0;
    std::map<DocumentId, std::string> idOf;
    for (const Record& record : *documents) {
        const auto id = store.ensureDocument(*collection, "/evaluation/" + record.id);
        if (!id) return tl::unexpected(id.error());
        idOf[*id] = record.id;
        auto stored = library.store(*id, library.prepare(toExtracted(record)));
        if (!stored) return tl::unexpected(stored.error());
        if (progress) progress(++nDone, nAll);
    }
    if (auto embedded = library.embedMissing(); !embedded) return tl::unexpected(embedded.error());

    RetrievalScores scores;
    std::chrono::duration<double, std::milli> time{};
    for (const Record& query : *queries) {
        if (progress) progress(++nDone, nAll);
        const auto relevant = judgements->find(query.id);
        if (relevant == judgements->end()) continue;
        const auto start = std::chrono::steady_clock::now();
        const auto ranked = rank(library, query.text, *collection, mode, idOf);
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
