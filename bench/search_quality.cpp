#include "bench/search_quality.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "app/services/test_set.h"

namespace conclave::bench {
namespace {

constexpr std::size_t kRows = 60;
constexpr std::size_t kDepth = 10;

/// The first documents, each once.
std::vector<std::string> idsOf(const FoundDocuments& found, const services::TestSet& set) {
    std::vector<std::string> ids;
    for (const std::size_t document : found) {
        const std::string& id = set.documents[document].id;
        if (ids.size() < kDepth && std::find(ids.begin(), ids.end(), id) == ids.end()) {
            ids.push_back(id);
        }
    }
    return ids;
}

}  // namespace

std::map<std::string, double> compareQuality(const std::filesystem::path& set,
                                             const std::filesystem::path& folder,
                                             const EmbedText& embed, std::size_t dimension) {
    const services::TestSet texts = valueOf(services::readTestSet(set));
    const auto index = valueOf(services::Evaluation::open());
    const std::string name = set.filename().string();
    PlainFts plain(folder / (name + ".plain.db"));
    LocalDocs localDocs(folder / (name + ".localdocs.db"), embed, dimension);
    for (const services::TestRecord& record : texts.documents) {
        valueOf(index->add(record));
        const std::string text =
            record.title.empty() ? record.text : record.title + "\n" + record.text;
        plain.add(text);
        localDocs.add(text);
    }
    plain.finish();
    localDocs.finish();

    std::map<std::string, double> sums;
    for (const services::TestRecord& query : texts.queries) {
        const auto relevant = texts.judgements.find(query.id);
        if (relevant == texts.judgements.end()) continue;
        const auto score = [&](const char* system, const std::vector<std::string>& ranked) {
            sums[system] += services::ndcg10(ranked, relevant->second);
        };
        const auto ours = [&](retrieval::SearchMode mode) {
            return valueOf(services::rankDocuments(*index, query.text, mode));
        };
        score(kHybrid, ours(retrieval::SearchMode::Hybrid));
        score(kKeywords, ours(retrieval::SearchMode::Keyword));
        score(kPlainFts, idsOf(plain.search(query.text, kRows), texts));
        score(kLocalDocs, idsOf(localDocs.search(query.text, kRows), texts));
    }
    for (auto& [system, sum] : sums) sum /= static_cast<double>(texts.judgements.size());
    return sums;
}

}  // namespace conclave::bench
