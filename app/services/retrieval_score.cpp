// How well search finds what test sets say is relevant.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <set>

#include "app/services/services.h"
#include "app/services/test_set.h"

namespace conclave::services {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kDepth = 10;

void addScores(const std::vector<std::string>& ranked, const std::map<std::string, int>& relevant,
               RetrievalScores& sum) {
    int nFound = 0;
    double firstFound = 0.0;
    for (std::size_t i = 0; i < ranked.size(); ++i) {
        if (!relevant.contains(ranked[i])) continue;
        if (nFound == 0) firstFound = 1.0 / static_cast<double>(i + 1);
        ++nFound;
    }
    sum.ndcg10 += ndcg10(ranked, relevant);
    sum.recall10 += nFound / static_cast<double>(relevant.size());
    sum.mrr10 += firstFound;
}

}  // namespace

Result<std::vector<std::string>> rankDocuments(Evaluation& index, const std::string& query,
                                               retrieval::SearchMode mode) {
    const SearchRequest request{
        .query = query, .collections = {index.collection()}, .mode = mode, .limit = 60};
    const auto hits = index.library().search(request);
    if (!hits) return tl::unexpected(hits.error());
    std::vector<std::string> ranked;
    std::set<DocumentId> seen;
    for (const SearchHit& hit : *hits) {
        if (ranked.size() >= kDepth) break;
        if (seen.insert(hit.chunk.document).second) {
            ranked.push_back(index.idOf.at(hit.chunk.document));
        }
    }
    return ranked;
}

double ndcg10(const std::vector<std::string>& ranked, const std::map<std::string, int>& relevant) {
    double gain = 0.0;
    for (std::size_t i = 0; i < std::min(ranked.size(), kDepth); ++i) {
        const auto found = relevant.find(ranked[i]);
        if (found != relevant.end())
            gain += found->second / std::log2(static_cast<double>(i) + 2.0);
    }
    std::vector<int> grades;
    for (const auto& [document, grade] : relevant) grades.push_back(grade);
    std::sort(grades.rbegin(), grades.rend());
    double ideal = 0.0;
    for (std::size_t i = 0; i < std::min(grades.size(), kDepth); ++i) {
        ideal += grades[i] / std::log2(static_cast<double>(i) + 2.0);
    }
    return ideal > 0 ? gain / ideal : 0.0;
}

Result<RetrievalScores> evaluateRetrieval(const fs::path& folder, retrieval::SearchMode mode,
                                          const std::function<void(int, int)>& progress,
                                          const EvaluationModels& models) {
    const auto set = readTestSet(folder);
    if (!set) return tl::unexpected(set.error());

    auto index = Evaluation::open(models);
    if (!index) return tl::unexpected(index.error());
    const int nAll = static_cast<int>(set->documents.size() + set->queries.size());
    int nDone = 0;
    for (const TestRecord& record : set->documents) {
        if (auto added = (*index)->add(record); !added) return tl::unexpected(added.error());
        if (progress) progress(++nDone, nAll);
    }
    if (auto embedded = (*index)->library().embedMissing(); !embedded)
        return tl::unexpected(embedded.error());

    RetrievalScores scores;
    std::chrono::duration<double, std::milli> time{};
    for (const TestRecord& query : set->queries) {
        if (progress) progress(++nDone, nAll);
        const auto relevant = set->judgements.find(query.id);
        if (relevant == set->judgements.end()) continue;
        const auto start = std::chrono::steady_clock::now();
        const auto ranked = rankDocuments(**index, query.text, mode);
        time += std::chrono::steady_clock::now() - start;
        if (!ranked) return tl::unexpected(ranked.error());
        addScores(*ranked, relevant->second, scores);
    }
    // A judged query that is not in queries.jsonl counts as one that found nothing.
    scores.nQueries = static_cast<int>(set->judgements.size());
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
