#include "app/services/test_set.h"

#include <fstream>
#include <sstream>
#include <utility>

#include "app/services/model_catalog.h"

namespace conclave::services {
namespace {

namespace fs = std::filesystem;

std::string place(const fs::path& file, int line) {
    return file.string() + ", line " + std::to_string(line);
}

/// An id may be a number in the file.
std::string idText(const nlohmann::json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

Result<std::vector<TestRecord>> readRecords(const fs::path& file) {
    std::ifstream stream(file);
    if (!stream) return fail(ErrorCode::NotFound, "there is no file " + file.string());
    std::vector<TestRecord> records;
    std::string line;
    for (int number = 1; std::getline(stream, line); ++number) {
        if (line.empty()) continue;
        const auto json = nlohmann::json::parse(line, nullptr, false);
        if (!json.is_object() || !json.contains("id") || !json.contains("text") ||
            !json["text"].is_string()) {
            return fail(ErrorCode::Corrupt,
                        place(file, number) + ": not a JSON object with id and text");
        }
        TestRecord record{
            .id = idText(json["id"]), .title = {}, .text = json["text"], .answers = {}};
        if (json.contains("title") && json["title"].is_string()) record.title = json["title"];
        if (json.contains("spans") && json["spans"].is_array()) {
            for (const auto& span : json["spans"]) {
                if (!span.is_array() || span.size() != 3 || !span[2].is_string()) {
                    return fail(ErrorCode::Corrupt,
                                place(file, number) + ": a span is no [document, start, text]");
                }
                record.answers.push_back({idText(span[0]), span[2].get<std::string>()});
            }
        }
        records.push_back(std::move(record));
    }
    return records;
}

Result<std::map<std::string, std::map<std::string, int>>> readJudgements(const fs::path& file) {
    std::ifstream stream(file);
    if (!stream) return fail(ErrorCode::NotFound, "there is no file " + file.string());
    std::map<std::string, std::map<std::string, int>> judgements;
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
retrieval::ExtractedDocument toExtracted(const TestRecord& record) {
    retrieval::ExtractedDocument document;
    document.mime = "text/plain";
    document.title = record.title;
    document.pages.push_back(
        {1, record.title.empty() ? record.text : record.title + "\n\n" + record.text});
    return document;
}

}  // namespace

Result<TestSet> readTestSet(const fs::path& folder) {
    TestSet set;
    auto documents = readRecords(folder / "docs.jsonl");
    if (!documents) return tl::unexpected(documents.error());
    auto queries = readRecords(folder / "queries.jsonl");
    if (!queries) return tl::unexpected(queries.error());
    auto judgements = readJudgements(folder / "qrels.tsv");
    if (!judgements) return tl::unexpected(judgements.error());
    set.documents = std::move(*documents);
    set.queries = std::move(*queries);
    set.judgements = std::move(*judgements);
    return set;
}

Result<std::unique_ptr<Evaluation>> Evaluation::open(const EvaluationModels& models) {
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

Evaluation::Evaluation(std::unique_ptr<storage::Database> database, CollectionId collection,
                       const EvaluationModels& models)
    : m_database(std::move(database)),
      m_collection(collection),
      m_library(
          m_database->documents(),
          [embedder = models.embedder]() -> Result<std::shared_ptr<const engine::TextEmbedder>> {
              if (!embedder.empty()) return engine::TextEmbedder::load(embedder);
              const auto resources = findResources();
              if (!resources) return tl::unexpected(resources.error());
              const auto file = ModelCatalog(*resources / "models").embedderFile();
              if (!file) return tl::unexpected(file.error());
              return engine::TextEmbedder::load(*file);
          }) {}

Result<void> Evaluation::add(const TestRecord& record) {
    const auto id =
        m_database->documents().ensureDocument(m_collection, "/evaluation/" + record.id);
    if (!id) return tl::unexpected(id.error());
    idOf[*id] = record.id;
    return m_library.store(*id, m_library.prepare(toExtracted(record)));
}

}  // namespace conclave::services
