#include "bench/search_peers.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include <sqlite3.h>

#include "base/utf8.h"

namespace conclave::bench {
namespace {

void check(sqlite3* database, int status) {
    if (status == SQLITE_OK || status == SQLITE_DONE || status == SQLITE_ROW) return;
    std::fprintf(stderr, "peer's database: %s\n", sqlite3_errmsg(database));
    std::exit(1);
}

PeerDatabase openDatabase(const std::filesystem::path& file) {
    sqlite3* handle = nullptr;
    const int status = sqlite3_open(file.c_str(), &handle);
    PeerDatabase database(handle, [](sqlite3* each) { sqlite3_close(each); });
    check(handle, status);
    check(handle, sqlite3_exec(handle, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;",
                               nullptr, nullptr, nullptr));
    return database;
}

void run(sqlite3* database, const char* sql) {
    check(database, sqlite3_exec(database, sql, nullptr, nullptr, nullptr));
}

using Prepared = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;

Prepared prepare(sqlite3* database, const char* sql) {
    sqlite3_stmt* statement = nullptr;
    check(database, sqlite3_prepare_v2(database, sql, -1, &statement, nullptr));
    return {statement, sqlite3_finalize};
}

void bindText(sqlite3_stmt* statement, int position, std::string_view text) {
    sqlite3_bind_text(statement, position, text.data(), static_cast<int>(text.size()),
                      SQLITE_TRANSIENT);
}

/// Any of the words: letters and digits of ASCII, and everything beyond it.
std::string anyWord(std::string_view question) {
    std::string query;
    std::string word;
    const auto flush = [&] {
        if (word.empty()) return;
        query += (query.empty() ? "\"" : " OR \"") + word + "\"";
        word.clear();
    };
    for (const char c : question) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x80 || std::isalnum(byte) != 0) {
            word.push_back(c);
        } else {
            flush();
        }
    }
    flush();
    return query;
}

std::vector<std::pair<double, sqlite3_int64>> keywordHits(sqlite3* database, const char* sql,
                                                          std::string_view question,
                                                          std::size_t limit) {
    std::vector<std::pair<double, sqlite3_int64>> hits;
    const std::string query = anyWord(question);
    if (query.empty()) return hits;
    const Prepared found = prepare(database, sql);
    bindText(found.get(), 1, query);
    sqlite3_bind_int64(found.get(), 2, static_cast<sqlite3_int64>(limit));
    while (sqlite3_step(found.get()) == SQLITE_ROW) {
        hits.emplace_back(-sqlite3_column_double(found.get(), 1),
                          sqlite3_column_int64(found.get(), 0));
    }
    return hits;
}

}  // namespace

PlainFts::PlainFts(const std::filesystem::path& file) : m_database(openDatabase(file)) {
    run(m_database.get(), "CREATE VIRTUAL TABLE texts USING fts5 (text, tokenize = 'porter')");
    run(m_database.get(), "BEGIN");
}

void PlainFts::add(std::string_view document) {
    const Prepared insert = prepare(m_database.get(), "INSERT INTO texts (text) VALUES (?1)");
    while (!document.empty()) {
        const std::size_t end = std::min(document.find("\n\n"), document.size());
        bindText(insert.get(), 1, document.substr(0, end));
        check(m_database.get(), sqlite3_step(insert.get()));
        sqlite3_reset(insert.get());
        m_documentOf.push_back(m_nDocuments);
        document.remove_prefix(std::min(end + 2, document.size()));
    }
    ++m_nDocuments;
}

void PlainFts::finish() { run(m_database.get(), "COMMIT"); }

FoundDocuments PlainFts::search(std::string_view question, std::size_t limit) const {
    FoundDocuments found;
    const char* sql =
        "SELECT rowid, bm25(texts) FROM texts WHERE texts MATCH ?1 ORDER BY bm25(texts) LIMIT ?2";
    for (const auto& [score, row] : keywordHits(m_database.get(), sql, question, limit)) {
        found.push_back(m_documentOf.at(static_cast<std::size_t>(row - 1)));
    }
    return found;
}

LocalDocs::LocalDocs(const std::filesystem::path& file, EmbedText embed, std::size_t dimension)
    : m_database(openDatabase(file)), m_embed(std::move(embed)), m_dimension(dimension) {
    run(m_database.get(),
        "CREATE TABLE chunks (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT);"
        "CREATE VIRTUAL TABLE chunks_fts USING fts5 (text, content = 'chunks', "
        "content_rowid = 'id', tokenize = 'porter');"
        "CREATE TABLE embeddings (chunk INTEGER PRIMARY KEY, vector BLOB);");
    run(m_database.get(), "BEGIN");
}

void LocalDocs::add(std::string_view document) {
    constexpr std::size_t kPieceCharacters = 512;
    const Prepared text = prepare(m_database.get(), "INSERT INTO chunks (text) VALUES (?1)");
    const Prepared full =
        prepare(m_database.get(), "INSERT INTO chunks_fts (rowid, text) VALUES (?1, ?2)");
    const Prepared vector =
        prepare(m_database.get(), "INSERT INTO embeddings (chunk, vector) VALUES (?1, ?2)");
    std::vector<float> values(m_dimension);
    std::string piece;
    const auto flush = [&] {
        if (piece.empty()) return;
        bindText(text.get(), 1, piece);
        check(m_database.get(), sqlite3_step(text.get()));
        sqlite3_reset(text.get());
        const sqlite3_int64 id = sqlite3_last_insert_rowid(m_database.get());
        sqlite3_bind_int64(full.get(), 1, id);
        bindText(full.get(), 2, piece);
        check(m_database.get(), sqlite3_step(full.get()));
        sqlite3_reset(full.get());
        m_embed(piece, values);
        sqlite3_bind_int64(vector.get(), 1, id);
        sqlite3_bind_blob(vector.get(), 2, values.data(),
                          static_cast<int>(values.size() * sizeof(float)), SQLITE_TRANSIENT);
        check(m_database.get(), sqlite3_step(vector.get()));
        sqlite3_reset(vector.get());
        m_documentOf.push_back(m_nDocuments);
        piece.clear();
    };
    for (std::size_t i = 0; i < document.size();) {
        const std::size_t end = std::min(document.find_first_of(" \n", i), document.size());
        if (end > i) {
            if (!piece.empty()) piece += ' ';
            piece.append(document, i, end - i);
        }
        if (countCodePoints(piece) >= kPieceCharacters) flush();
        i = end + 1;
    }
    flush();
    ++m_nDocuments;
}

void LocalDocs::finish() { run(m_database.get(), "COMMIT"); }

FoundDocuments LocalDocs::search(std::string_view question, std::size_t limit) const {
    const auto words = keywordHits(m_database.get(),
                                   "SELECT rowid, bm25(chunks_fts) FROM chunks_fts "
                                   "WHERE chunks_fts MATCH ?1 ORDER BY bm25(chunks_fts) LIMIT ?2",
                                   question, limit);
    std::vector<float> query(m_dimension);
    m_embed(question, query);
    std::vector<std::pair<double, sqlite3_int64>> similar;
    constexpr std::size_t kBatch = 2048;
    std::vector<float> batch;
    std::vector<sqlite3_int64> ids;
    const auto compare = [&] {
        for (std::size_t row = 0; row < ids.size(); ++row) {
            float dot = 0.0F;
            for (std::size_t i = 0; i < m_dimension; ++i) {
                dot += query[i] * batch[row * m_dimension + i];
            }
            similar.emplace_back(static_cast<double>(dot), ids[row]);
        }
        const auto kept = std::min(similar.size(), limit);
        std::partial_sort(similar.begin(), similar.begin() + static_cast<std::ptrdiff_t>(kept),
                          similar.end(), std::greater<>());
        similar.resize(kept);
        batch.clear();
        ids.clear();
    };
    const Prepared all = prepare(m_database.get(), "SELECT chunk, vector FROM embeddings");
    while (sqlite3_step(all.get()) == SQLITE_ROW) {
        const auto* values = static_cast<const float*>(sqlite3_column_blob(all.get(), 1));
        ids.push_back(sqlite3_column_int64(all.get(), 0));
        batch.insert(batch.end(), values, values + m_dimension);
        if (ids.size() == kBatch) compare();
    }
    compare();
    std::map<sqlite3_int64, double> fused;
    constexpr double kRank = 60.0;
    for (const auto& list : {std::cref(words), std::cref(similar)}) {
        for (std::size_t i = 0; i < list.get().size(); ++i) {
            fused[list.get()[i].second] += 1.0 / (kRank + static_cast<double>(i) + 1.0);
        }
    }
    std::vector<std::pair<double, sqlite3_int64>> best;
    for (const auto& [piece, score] : fused) best.emplace_back(-score, piece);
    std::sort(best.begin(), best.end());
    best.resize(std::min(best.size(), limit));
    FoundDocuments found;
    for (const auto& [score, piece] : best) {
        found.push_back(m_documentOf.at(static_cast<std::size_t>(piece - 1)));
    }
    return found;
}

}  // namespace conclave::bench
