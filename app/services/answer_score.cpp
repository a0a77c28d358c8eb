// How well questions without an answer are told from others, and how often the answer stands in
// what a model would read.
#include <algorithm>
#include <set>
#include <string>

#include "app/services/answer_sources.h"
#include "app/services/answerability.h"
#include "app/services/services.h"
#include "app/services/test_set.h"
#include "base/utf8.h"

namespace conclave::services {
namespace {

namespace fs = std::filesystem;

/// Documents that leave the set, so that the questions about them have no answer; every second
/// question's. Questions about one document share its fate.
struct Division {
    std::set<std::string> heldOut;
    std::set<std::string> needed;

    [[nodiscard]] bool isHere(const std::string& document) const {
        return needed.contains(document) || !heldOut.contains(document);
    }
};

Division divide(const TestSet& set) {
    Division division;
    bool isHeldOut = false;
    for (const TestRecord& query : set.queries) {
        const auto relevant = set.judgements.find(query.id);
        if (relevant == set.judgements.end()) continue;
        const auto isAmong = [&](const std::set<std::string>& documents) {
            return std::any_of(relevant->second.begin(), relevant->second.end(),
                               [&](const auto& entry) { return documents.contains(entry.first); });
        };
        const bool isNeeded = isAmong(division.needed);
        if (!isNeeded && !isAmong(division.heldOut)) isHeldOut = !isHeldOut;
        const bool goes = !isNeeded && (isAmong(division.heldOut) || isHeldOut);
        for (const auto& [document, grade] : relevant->second) {
            (goes ? division.heldOut : division.needed).insert(document);
        }
    }
    return division;
}

struct Asked {
    std::vector<SearchHit> hits;
    bool isRefused = false;
};

/// As an answer would be looked for.
Result<Asked> ask(Evaluation& index, const std::string& question, double threshold) {
    SearchRequest request{.query = question, .collections = {index.collection()}};
    auto hits = index.library().search(request);
    if (!hits) return tl::unexpected(hits.error());
    const auto reached = index.library().answerability(question, *hits);
    if (!reached) return tl::unexpected(reached.error());
    const bool isRefused = hits->empty() || *reached < threshold;
    return Asked{std::move(*hits), isRefused};
}

double shareOf(int part, int all) { return all > 0 ? static_cast<double>(part) / all : 0.0; }

}  // namespace

Result<RefusalScores> evaluateRefusal(const fs::path& folder, const fs::path& foreign,
                                      const std::function<void(int, int)>& progress) {
    const auto set = readTestSet(folder);
    if (!set) return tl::unexpected(set.error());
    TestSet other;
    if (!foreign.empty()) {
        auto read = readTestSet(foreign);
        if (!read) return tl::unexpected(read.error());
        other = std::move(*read);
    }
    const Division division = divide(*set);
    auto index = Evaluation::open();
    if (!index) return tl::unexpected(index.error());
    const int nAll =
        static_cast<int>(set->documents.size() + set->queries.size() + other.queries.size());
    int nDone = 0;
    for (const TestRecord& record : set->documents) {
        if (progress) progress(++nDone, nAll);
        if (!division.isHere(record.id)) continue;
        if (auto added = (*index)->add(record); !added) return tl::unexpected(added.error());
    }
    const auto learned =
        learnThreshold((*index)->documents(), (*index)->library(), (*index)->collection());
    if (!learned) return tl::unexpected(learned.error());
    RefusalScores scores;
    scores.threshold = *learned ? (*learned)->least : kUnlearnedThreshold;
    int nFalseRefusals = 0;
    int nRight = 0;
    int nFalseAnswers = 0;
    int nForeignAnswers = 0;
    for (const TestRecord& query : set->queries) {
        if (progress) progress(++nDone, nAll);
        const auto relevant = set->judgements.find(query.id);
        if (relevant == set->judgements.end()) continue;
        const auto& all = relevant->second;
        const auto isHere = [&](const auto& entry) { return division.isHere(entry.first); };
        const bool isAnswerable = std::all_of(all.begin(), all.end(), isHere);
        if (!isAnswerable && std::any_of(all.begin(), all.end(), isHere)) continue;
        const auto asked = ask(**index, query.text, scores.threshold);
        if (!asked) return tl::unexpected(asked.error());
        if (!isAnswerable) {
            ++scores.nUnanswerable;
            nFalseAnswers += asked->isRefused ? 0 : 1;
            continue;
        }
        ++scores.nAnswerable;
        nFalseRefusals += asked->isRefused ? 1 : 0;
        const bool isFound =
            std::any_of(asked->hits.begin(), asked->hits.end(), [&](const SearchHit& hit) {
                return all.contains((*index)->idOf.at(hit.chunk.document));
            });
        nRight += isFound && !asked->isRefused ? 1 : 0;
    }
    for (const TestRecord& query : other.queries) {
        if (progress) progress(++nDone, nAll);
        const auto asked = ask(**index, query.text, scores.threshold);
        if (!asked) return tl::unexpected(asked.error());
        ++scores.nForeign;
        nForeignAnswers += asked->isRefused ? 0 : 1;
    }
    scores.answeredRight = shareOf(nRight, scores.nAnswerable);
    scores.falseRefusals = shareOf(nFalseRefusals, scores.nAnswerable);
    scores.falseAnswers = shareOf(nFalseAnswers, scores.nUnanswerable);
    scores.foreignAnswers = shareOf(nForeignAnswers, scores.nForeign);
    return scores;
}

Result<ContextScores> evaluateContext(const fs::path& folder, const std::vector<int>& budgets,
                                      const std::function<void(int, int)>& progress) {
    const auto set = readTestSet(folder);
    if (!set) return tl::unexpected(set.error());
    auto index = Evaluation::open();
    if (!index) return tl::unexpected(index.error());
    const int nAll = static_cast<int>(set->documents.size() + set->queries.size());
    int nDone = 0;
    for (const TestRecord& record : set->documents) {
        if (progress) progress(++nDone, nAll);
        if (auto added = (*index)->add(record); !added) return tl::unexpected(added.error());
    }
    ContextScores scores;
    scores.shares.assign(budgets.size(), 0.0);
    for (const TestRecord& query : set->queries) {
        if (progress) progress(++nDone, nAll);
        if (query.answers.empty()) continue;
        ++scores.nQueries;
        SearchRequest request{.query = query.text, .collections = {(*index)->collection()}};
        request.limit = kAnswerSearchDepth;
        const auto hits = (*index)->library().search(request);
        if (!hits) return tl::unexpected(hits.error());
        for (std::size_t i = 0; i < budgets.size(); ++i) {
            // Of the document that has it: the same words elsewhere are no answer.
            std::size_t nLeft = static_cast<std::size_t>(std::max(budgets[i], 0));
            bool isThere = false;
            for (const SearchHit& hit : *hits) {
                if (nLeft == 0 || isThere) break;
                const std::string& text = hit.chunk.text;
                const std::size_t length = countCodePoints(text);
                const std::string_view read =
                    length <= nLeft ? std::string_view(text)
                                    : std::string_view(text).substr(0, byteOffsetOf(text, nLeft));
                nLeft -= std::min(length, nLeft);
                const std::string& document = (*index)->idOf.at(hit.chunk.document);
                isThere = std::any_of(query.answers.begin(), query.answers.end(),
                                      [&](const auto& answer) {
                                          return answer.document == document &&
                                                 read.find(answer.text) != std::string_view::npos;
                                      });
            }
            scores.shares[i] += isThere ? 1.0 : 0.0;
        }
    }
    if (scores.nQueries == 0) {
        return fail(ErrorCode::InvalidArgument,
                    (folder / "queries.jsonl").string() +
                        " gives no places of answers (\"spans\": [[document, start, text]])");
    }
    for (double& share : scores.shares) share /= scores.nQueries;
    return scores;
}

}  // namespace conclave::services
