#include "app/services/survey/survey_checkpoint.h"

namespace conclave::services {
namespace {

using nlohmann::json;

constexpr std::string_view kCheckpointSetting = "survey.checkpoint";

json itemToJson(const SurveyItem& item) {
    return json::array({item.chunk, item.startByte, item.endByte, item.text, item.value, item.side,
                        item.isConfirmed});
}

SurveyItem itemFrom(const json& from) {
    return {.chunk = from.at(0).get<ChunkId>(),
            .startByte = from.at(1).get<std::size_t>(),
            .endByte = from.at(2).get<std::size_t>(),
            .text = from.at(3).get<std::string>(),
            .value = from.at(4).get<std::string>(),
            .side = from.at(5).get<int>(),
            .isConfirmed = from.at(6).get<bool>()};
}

json itemsToJson(const std::vector<SurveyItem>& items) {
    json array = json::array();
    for (const SurveyItem& item : items) array.push_back(itemToJson(item));
    return array;
}

std::vector<SurveyItem> itemsFrom(const json& from) {
    std::vector<SurveyItem> items;
    for (const json& each : from) items.push_back(itemFrom(each));
    return items;
}

json documentsToJson(const std::vector<SurveyedDocument>& of) {
    json documents = json::array();
    for (const SurveyedDocument& each : of) {
        documents.push_back({{"id", each.id},
                             {"title", each.title},
                             {"path", each.path},
                             {"passages", each.nPassages},
                             {"matching", each.nMatchingPassages},
                             {"matching_pages", each.nMatchingPages},
                             {"matches", each.nMatches},
                             {"first", each.firstChunk},
                             {"items", itemsToJson(each.items)}});
    }
    return documents;
}

std::vector<SurveyedDocument> documentsFrom(const json& from) {
    std::vector<SurveyedDocument> documents;
    for (const json& each : from) {
        SurveyedDocument document;
        document.id = each.at("id").get<DocumentId>();
        document.title = each.at("title").get<std::string>();
        document.path = each.at("path").get<std::string>();
        document.nPassages = each.at("passages").get<int>();
        document.nMatchingPassages = each.at("matching").get<int>();
        document.nMatchingPages = each.at("matching_pages").get<int>();
        document.nMatches = each.at("matches").get<std::vector<int>>();
        document.nMatches.resize(3);
        document.firstChunk = each.at("first").get<ChunkId>();
        document.items = itemsFrom(each.at("items"));
        documents.push_back(std::move(document));
    }
    return documents;
}

json findingsToJson(const SurveyFindings& findings) {
    json values = json::object();
    for (const auto& [value, found] : findings.values) {
        values[value] = {{"count", found.count}, {"items", itemsToJson(found.items)}};
    }
    return {{"documents_read", findings.nDocumentsRead},
            {"passages_read", findings.nPassagesRead},
            {"pages_read", findings.nPagesRead},
            {"skipped", findings.skipped},
            {"documents", documentsToJson(findings.documents)},
            {"denying", documentsToJson(findings.denying)},
            {"values", std::move(values)}};
}

SurveyFindings findingsFrom(const json& from) {
    SurveyFindings findings;
    findings.nDocumentsRead = from.at("documents_read").get<int>();
    findings.nPassagesRead = from.at("passages_read").get<int>();
    findings.nPagesRead = from.at("pages_read").get<int>();
    findings.skipped = from.at("skipped").get<std::vector<std::pair<std::string, std::string>>>();
    findings.documents = documentsFrom(from.at("documents"));
    findings.denying = documentsFrom(from.at("denying"));
    for (const auto& [value, found] : from.at("values").items()) {
        findings.values[value] = {found.at("count").get<int>(), itemsFrom(found.at("items"))};
    }
    return findings;
}

std::string keyOf(const SurveyQuestion& question, const std::vector<CollectionId>& collections,
                  std::int64_t generation, std::string_view reader) {
    std::vector<int> patterns;
    for (const retrieval::Pattern pattern : question.patterns) {
        patterns.push_back(static_cast<int>(pattern));
    }
    return json::array({static_cast<int>(question.kind), question.ofDocuments, question.isDenied,
                        question.had, question.subject, question.place, patterns, question.sides,
                        question.compared, question.files,
                        static_cast<int>(question.condition.permission), question.condition.verb,
                        question.condition.year, question.filter.toJson(), collections, generation,
                        std::string(reader)})
        .dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

SurveyCheckpoint::SurveyCheckpoint(storage::Database& database, const SurveyQuestion& question,
                                   const std::vector<CollectionId>& collections,
                                   std::int64_t generation, std::string_view reader)
    : m_database(database), m_key(keyOf(question, collections, generation, reader)) {}

Result<std::optional<SurveyCheckpoint::Kept>> SurveyCheckpoint::load() {
    const auto stored = m_database.settings().get(kCheckpointSetting);
    if (!stored) return tl::unexpected(stored.error());
    if (!stored->has_value() || !(*stored)->is_object()) return std::optional<Kept>();
    // One that another version wrote differently is begun anew.
    try {
        const json& kept = **stored;
        if (kept.value("key", std::string()) != m_key) return std::optional<Kept>();
        return std::optional<Kept>(
            Kept{kept.at("next").get<std::size_t>(), findingsFrom(kept.at("findings"))});
    } catch (const json::exception&) {
        return std::optional<Kept>();
    }
}

Result<void> SurveyCheckpoint::save(std::size_t next, const SurveyFindings& findings) {
    return m_database.settings().set(
        kCheckpointSetting,
        json{{"key", m_key}, {"next", next}, {"findings", findingsToJson(findings)}});
}

Result<void> SurveyCheckpoint::forget() {
    return m_database.settings().set(kCheckpointSetting, nullptr);
}

}  // namespace conclave::services
