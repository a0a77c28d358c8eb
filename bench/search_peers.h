// search_peers.h: what others do with the same texts, written down anew to be timed beside us.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;

namespace conclave::bench {

/// Fills `vector` for a text; as retrieval::Embedder::embed.
using EmbedText = std::function<void(std::string_view, std::span<float>)>;

/// Numbers of documents, as add() gave them from 0, best first; one with several rows comes again.
using FoundDocuments = std::vector<std::size_t>;

/// A database that closes itself.
using PeerDatabase = std::unique_ptr<sqlite3, void (*)(sqlite3*)>;

/// Plain FTS5 with its porter tokenizer and bm25, one row a paragraph; a query is any of its words.
class PlainFts {
public:
    explicit PlainFts(const std::filesystem::path& file);
    void add(std::string_view document);
    void finish();
    [[nodiscard]] FoundDocuments search(std::string_view question, std::size_t limit = 10) const;

private:
    PeerDatabase m_database;
    std::size_t m_nDocuments = 0;
    std::vector<std::size_t> m_documentOf;  ///< by row
};

/// The pipeline of GPT4All's LocalDocs as read in its source of 2025-02: pieces of 512 characters
/// of the words in a row, FTS5 with porter, float vectors as blobs of SQLite, all read and compared
/// for each question in batches of 2,048, reciprocal rank fusion (k = 60) of the two lists. With
/// our embedder in the place of its own, which is slower: only the search is compared.
class LocalDocs {
public:
    LocalDocs(const std::filesystem::path& file, EmbedText embed, std::size_t dimension);
    void add(std::string_view document);
    void finish();
    [[nodiscard]] FoundDocuments search(std::string_view question, std::size_t limit = 10) const;
    [[nodiscard]] std::size_t nPieces() const { return m_documentOf.size(); }

private:
    PeerDatabase m_database;
    EmbedText m_embed;
    std::size_t m_dimension;
    std::size_t m_nDocuments = 0;
    std::vector<std::size_t> m_documentOf;  ///< by piece
};

}  // namespace conclave::bench
