// retrieval.h: files in, ranked passages and checked citations out.
//
//   auto document = extractor.extract(path, {});                       // worker process, sandboxed
//   auto chunks = retrieval::chunkDocument(*document);                 // structure, exact offsets
//   auto hits = retrieval::hybridSearch(query, store, index, embedder, {.limit = 5});
//   auto prompt = retrieval::buildPrompt(question, passages);          // numbered sources
//   auto checked = retrieval::checkCitations(answer, passages);        // [n] tied to exact spans
//
// Text is UTF-8; positions are byte offsets into a page's text as extracted. This library knows no
// database and no model: it declares the interfaces it needs and the services plug them in.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace conclave::retrieval {

using ChunkId = std::int64_t;
using CollectionId = std::int64_t;

// -------------------------------------------------------------------------------------- analysis

using TermSink =
    std::function<void(std::string_view term, std::size_t startByte, std::size_t endByte)>;

/// Changes whenever analyze() gives other terms, so that indexes are rebuilt.
inline constexpr int kAnalyzerVersion = 1;

/// The index terms of a text, for documents and queries alike: Unicode words, NFKC case-folded,
/// English stems (Snowball), parts of camelCase and snake_case, and for Chinese, Japanese and
/// Korean each character and each pair of neighbours.
void analyze(std::string_view text, const TermSink& sink);

/// Terms to search for: analyze() without stop words (all kept if nothing else is left); repeated
/// words stay repeated, since they weigh more.
[[nodiscard]] std::vector<std::string> queryTerms(std::string_view query);

// ------------------------------------------------------------------------------------ extraction

struct ExtractedPage {
    int number = 1;  ///< from 1; formats without pages have one
    std::string text;
};

/// A heading, so that chunks know their section.
struct Heading {
    int page = 1;
    std::size_t startByte = 0;
    std::size_t endByte = 0;
    int level = 1;  ///< 1..6
};

struct ExtractedDocument {
    std::string mime;
    std::string title;  ///< from the document itself, else the file's name
    std::vector<ExtractedPage> pages;
    std::vector<Heading> headings;      ///< in reading order
    std::vector<std::string> warnings;  ///< as "hidden text removed"
};

struct ExtractOptions {
    std::string password;
    std::chrono::milliseconds timeLimit{60'000};
    std::size_t memoryLimitBytes = std::size_t{1} << 30;
    std::stop_token cancel;
};

/// Runs the worker program, one process a file, with limits on memory, time and files and without
/// network; a crash there is an error here. Thread-safe.
class Extractor {
public:
    /// `worker`: path of conclave-extract, usually beside the running program.
    explicit Extractor(std::filesystem::path worker);

    /// Errors: NotFound, Io, PasswordRequired, Corrupt, LimitExceeded, NeedsOcr, Timeout,
    /// Unsupported (no reader for this type), Cancelled.
    [[nodiscard]] Result<ExtractedDocument> extract(const std::filesystem::path& path,
                                                    const ExtractOptions& options) const;

private:
    std::filesystem::path m_worker;
};

/// True for names that a reader exists for; folders are searched by it.
[[nodiscard]] bool isReadable(const std::filesystem::path& path);

// -------------------------------------------------------------------------------------- chunking

struct ChunkOptions {
    std::size_t maxCharacters = 1000;    ///< code points
    std::size_t maxCjkCharacters = 350;  ///< for text that is mostly CJK
};

/// A piece of one page: pages[page].text from startByte to endByte, never empty, never overlapping
/// a heading of another section.
struct ChunkSpan {
    int page = 1;
    std::size_t startByte = 0;
    std::size_t endByte = 0;
    std::string heading;  ///< "Title > Section > Subsection"
};

/// Cuts along structure: paragraphs, list items and table rows are merged up to the limit, longer
/// ones split at sentences, where a piece may begin with the last short sentence of the one before
/// it; never across headings or pages. A heading without text of its own goes with its first
/// subsection. Every visible character is in a chunk.
[[nodiscard]] std::vector<ChunkSpan> chunkDocument(const ExtractedDocument& document,
                                                   const ChunkOptions& options = {});

// ---------------------------------------------------------------------------------------- search

/// Text to unit vector; the services plug in the engine's embedder.
class Embedder {
public:
    virtual ~Embedder() = default;
    [[nodiscard]] virtual const std::string& id() const = 0;
    [[nodiscard]] virtual int dimension() const = 0;
    /// `vector` has dimension() values; all zeros means "no vector". Thread-safe.
    virtual void embed(std::string_view text, std::span<float> vector) const = 0;
};

struct ScoredChunk {
    ChunkId chunk = 0;
    double score = 0.0;  ///< larger is better
};

/// The keyword index; the services plug in the database.
class KeywordIndex {
public:
    virtual ~KeywordIndex() = default;
    [[nodiscard]] virtual Result<std::vector<ScoredChunk>> search(
        std::span<const std::string> terms, std::span<const CollectionId> collections,
        int limit) = 0;
    /// The same score for given chunks; those without any term are left out.
    [[nodiscard]] virtual Result<std::vector<ScoredChunk>> scores(
        std::span<const std::string> terms, std::span<const ChunkId> chunks) = 0;
};

/// int8 code of a unit vector: a float scale, then dimension bytes. What the database stores.
[[nodiscard]] std::vector<std::byte> encodeVector(std::span<const float> vector);

/// Vectors held in memory and scanned exactly. Thread-safe: many readers or one writer.
class VectorIndex {
public:
    explicit VectorIndex(int dimension);

    /// Adds or replaces. Errors: Corrupt for a code of the wrong size or a bad scale.
    [[nodiscard]] Result<void> add(ChunkId chunk, CollectionId collection,
                                   std::span<const std::byte> code);
    void remove(ChunkId chunk);
    void clear();
    [[nodiscard]] std::size_t size() const;

    /// Cosine of every vector of `collections` (empty: all) with `query`, best first, ties to the
    /// lower id. `query` has dimension() values.
    [[nodiscard]] std::vector<ScoredChunk> search(std::span<const float> query,
                                                  std::span<const CollectionId> collections,
                                                  int limit) const;
    /// Cosines of given chunks; unknown ones are left out.
    [[nodiscard]] std::vector<ScoredChunk> scores(std::span<const float> query,
                                                  std::span<const ChunkId> chunks) const;

private:
    int m_dimension;
    mutable std::shared_mutex m_mutex;
    std::vector<ChunkId> m_chunks;
    std::vector<CollectionId> m_collections;
    std::vector<float> m_scales;
    std::vector<std::int8_t> m_codes;  ///< [size][dimension]
    std::unordered_map<ChunkId, std::size_t> m_rows;
};

enum class SearchMode { Hybrid, Keyword, Vector };

struct SearchOptions {
    SearchMode mode = SearchMode::Hybrid;
    int limit = 8;
    int candidates = 200;                   ///< taken from each leg
    double keywordWeight = 0.8;             ///< share of BM25 in the fused score
    std::vector<CollectionId> collections;  ///< empty: all
};

/// BM25 and cosine over the union of both legs' candidates, each scaled to 0..1 by min-max, and
/// combined by `keywordWeight`; ties to the lower id.
/// `embedder` may be null: keyword search alone.
[[nodiscard]] Result<std::vector<ScoredChunk>> hybridSearch(std::string_view query,
                                                            KeywordIndex& keywords,
                                                            const VectorIndex& vectors,
                                                            const Embedder* embedder,
                                                            const SearchOptions& options);

// ------------------------------------------------------------------------------------- answering

/// A passage as the model and the reader see it.
struct Passage {
    int number = 0;  ///< n of [n], from 1
    ChunkId chunk = 0;
    std::filesystem::path path;
    std::string title;
    std::string heading;
    int page = 1;
    std::size_t startByte = 0;  ///< in the page's text
    std::size_t endByte = 0;
    std::string text;
    double score = 0.0;
};

/// The user turn for a question over passages, in the format the bundled model was trained on:
/// "Answer from the sources. Cite them like [1].", the numbered passages, "Question: …".
/// `sentencesPerPassage` > 0 gives that many sentences of each, those the question is about.
[[nodiscard]] std::string buildPrompt(std::string_view question, std::span<const Passage> passages,
                                      int sentencesPerPassage = 0);

/// The user turn for a question over passages, for models that follow instructions: the passages
/// stand in a block whose name ends with `tag`, marked as data, so that a document cannot end the
/// block and give orders ("spotlighting", arXiv:2403.14720). The tag must be one that nobody who
/// writes a document can guess, and the same throughout a chat, so that its KV cache is reused.
[[nodiscard]] std::string buildDelimitedPrompt(std::string_view question,
                                               std::span<const Passage> passages,
                                               std::string_view tag);

/// One [n] of an answer and what its passage says about the sentence before it.
struct Citation {
    std::size_t answerStart = 0;  ///< bytes of "[n]" in the answer; of n alone in "[1, 2]"
    std::size_t answerEnd = 0;
    int passage = 0;             ///< Passage::number
    std::size_t quoteStart = 0;  ///< bytes in the page's text; an empty span if unsupported
    std::size_t quoteEnd = 0;
    std::string quote;
    bool supported = false;
};

/// Ties each [n] to the span of passage n that says the sentence: numbers, names and key words of
/// the sentence must occur there. A number without a passage is a citation without support
/// (passage keeps that number, empty quote).
[[nodiscard]] std::vector<Citation> checkCitations(std::string_view answer,
                                                   std::span<const Passage> passages);

/// The answer with each "[n]" whose passage does not say its sentence changed to the number of the
/// first passage that does; one that no passage supports stays, and so does "[1, 2]". Of several
/// brackets behind one sentence the first is corrected, and one that repeats it is left out. A
/// bracket's outcome depends on nothing after it, so a growing answer may be corrected as it grows.
[[nodiscard]] std::string reattribute(std::string_view answer, std::span<const Passage> passages);

}  // namespace conclave::retrieval
