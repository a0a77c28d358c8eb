// How an answer came about, with its passages and citations: three tables, read for many messages
// at once.
#include <bit>
#include <unordered_map>

#include "storage/chat_store.h"
#include "storage/columns.h"

namespace conclave::storage {
namespace {

AnswerDetails detailsOf(const Statement& row) {
    AnswerDetails details;
    details.model = row.text(1);
    details.modelFile = row.text(2);
    details.seed = std::bit_cast<std::uint64_t>(row.integer(3));
    details.sampling = jsonOf(row.view(4));
    details.usage = jsonOf(row.view(5));
    details.finishReason = row.text(6);
    details.reasoning = row.text(7);
    return details;
}

StoredPassage passageOf(const Statement& row) {
    StoredPassage passage;
    passage.number = row.small(1);
    passage.document = row.optionalInteger(2);
    passage.path = row.text(3);
    passage.title = row.text(4);
    passage.heading = row.text(5);
    passage.page = row.small(6);
    passage.startByte = row.size(7);
    passage.endByte = row.size(8);
    passage.text = row.text(9);
    passage.score = row.real(10);
    return passage;
}

StoredCitation citationOf(const Statement& row) {
    StoredCitation citation;
    citation.answerStart = row.size(1);
    citation.answerEnd = row.size(2);
    citation.passage = row.small(3);
    citation.quoteStart = row.size(4);
    citation.quoteEnd = row.size(5);
    citation.quote = row.text(6);
    citation.supported = row.flag(7);
    return citation;
}

}  // namespace

Result<void> loadDetails(Connection& connection, std::vector<Message>& messages) {
    std::unordered_map<MessageId, Message*> byId;
    std::vector<MessageId> ids;
    for (Message& message : messages) {
        if (message.role != Role::Assistant) continue;
        byId.emplace(message.id, &message);
        ids.push_back(message.id);
    }
    if (ids.empty()) return {};
    const std::string list = listOf(ids);

    auto read = connection.forEach(
        "SELECT message_id, model, model_file, seed, sampling, usage, finish_reason, reasoning "
        "FROM answer WHERE message_id IN (SELECT value FROM json_each(?1))",
        [&](const Statement& row) { byId.at(row.integer(0))->details = detailsOf(row); }, list);
    if (!read) return read;
    // Passages and citations belong to an answer that was just read: the keys say so. In a damaged
    // file they may not, and then they are passed over.
    read = connection.forEach(
        "SELECT message_id, number, document_id, path, title, heading, page, start_byte, end_byte, "
        "text, score FROM passage WHERE message_id IN (SELECT value FROM json_each(?1)) "
        "ORDER BY message_id, place",
        [&](const Statement& row) {
            auto& details = byId.at(row.integer(0))->details;
            if (details) details->passages.push_back(passageOf(row));
        },
        list);
    if (!read) return read;
    return connection.forEach(
        "SELECT message_id, answer_start, answer_end, passage, quote_start, quote_end, quote, "
        "supported FROM citation WHERE message_id IN (SELECT value FROM json_each(?1)) "
        "ORDER BY message_id, place",
        [&](const Statement& row) {
            auto& details = byId.at(row.integer(0))->details;
            if (details) details->citations.push_back(citationOf(row));
        },
        list);
}

Result<void> storeDetails(Connection& connection, MessageId id, const AnswerDetails& details) {
    auto done = connection.run("DELETE FROM answer WHERE message_id = ?1", id);
    if (!done) return done;
    done = connection.run(
        "INSERT INTO answer (message_id, model, model_file, seed, sampling, usage, finish_reason, "
        "reasoning) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        id, details.model, details.modelFile, std::bit_cast<std::int64_t>(details.seed),
        columnOf(details.sampling), columnOf(details.usage), details.finishReason,
        details.reasoning);
    if (!done) return done;
    int place = 0;
    for (const StoredPassage& passage : details.passages) {
        // The document may have gone while the answer was written; the passage stays.
        done = connection.run(
            "INSERT INTO passage (message_id, place, number, document_id, path, title, heading, "
            "page, start_byte, end_byte, text, score) VALUES (?1, ?2, ?3, "
            "(SELECT id FROM document WHERE id = ?4), ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            id, place++, passage.number, passage.document, passage.path, passage.title,
            passage.heading, passage.page, passage.startByte, passage.endByte, passage.text,
            passage.score);
        if (!done) return done;
    }
    place = 0;
    for (const StoredCitation& citation : details.citations) {
        done = connection.run(
            "INSERT INTO citation (message_id, place, answer_start, answer_end, passage, "
            "quote_start, quote_end, quote, supported) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            id, place++, citation.answerStart, citation.answerEnd, citation.passage,
            citation.quoteStart, citation.quoteEnd, citation.quote, citation.supported);
        if (!done) return done;
    }
    return {};
}

}  // namespace conclave::storage
