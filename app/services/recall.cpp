#include "app/services/recall.h"

#include <algorithm>

#include "app/services/collection_service.h"
#include "base/comparable_text.h"

namespace conclave::services {
namespace {

bool saysIt(const Chunk& chunk, const RecallQuestion& question) {
    const bool isThere = question.path.empty() || chunk.path.string() == question.path ||
                         chunk.path.filename().string() == question.path;
    if (!isThere) return false;
    return comparableText(chunk.text).find(comparableText(question.quote)) != std::string::npos;
}

/// The collections that a saved question is asked of; none if its collection is gone.
std::vector<CollectionId> askedOf(const RecallQuestion& question,
                                  const std::vector<Collection>& all) {
    std::vector<CollectionId> ids;
    for (const Collection& each : all) {
        const bool isHidden = each.name.starts_with(kHiddenPrefix);
        if (question.collection.empty() ? !isHidden : each.name == question.collection) {
            ids.push_back(each.id);
        }
    }
    return ids;
}

}  // namespace

Result<RecallReport> scoreRecall(storage::Database& database, Library& library, int depth) {
    auto questions = database.recall().questions();
    if (!questions) return tl::unexpected(questions.error());
    const auto collections = database.documents().collections();
    if (!collections) return tl::unexpected(collections.error());
    RecallReport report;
    report.depth = depth;
    for (RecallQuestion& question : *questions) {
        RecallResult result;
        SearchRequest request{.query = question.question,
                              .collections = askedOf(question, *collections),
                              .limit = depth};
        if (request.collections.empty()) {
            result.problem = question.collection.empty()
                                 ? "there are no collections"
                                 : "there is no collection " + question.collection;
        }
        const auto hits = library.search(request);
        if (!hits) return tl::unexpected(hits.error());
        const auto found = std::find_if(hits->begin(), hits->end(), [&](const SearchHit& hit) {
            return saysIt(hit.chunk, question);
        });
        if (found != hits->end()) {
            result.rank = found->rank;
            ++report.run.nFound;
            report.run.mrr += 1.0 / found->rank;
        }
        result.question = std::move(question);
        report.results.push_back(std::move(result));
    }
    report.run.nQuestions = static_cast<int>(report.results.size());
    if (report.run.nQuestions > 0) report.run.mrr /= report.run.nQuestions;
    report.run.settings = {{"pipeline", library.pipelineId()}, {"depth", depth}};
    const auto before = database.recall().runs(1);
    if (!before) return tl::unexpected(before.error());
    if (!before->empty()) report.before = before->front();
    if (report.run.nQuestions > 0) {
        if (auto kept = database.recall().addRun(report.run); !kept) {
            return tl::unexpected(kept.error());
        }
    }
    return report;
}

}  // namespace conclave::services
