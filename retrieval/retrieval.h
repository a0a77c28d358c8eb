// retrieval.h: files in, ranked passages and checked citations out.
//
//   auto document = extractor.extract(path, {});                       // worker process, sandboxed
//   auto chunks = retrieval::chunkDocument(*document);                 // structure, exact offsets
//   auto hits = retrieval::hybridSearch(query, {keywords, &vectors, &embedder}, {.limit = 5});
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
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace conclave::retrieval {

using ChunkId = std::int64_t;
using CollectionId = std::int64_t;
using DocumentId = std::int64_t;

// -------------------------------------------------------------------------------------- analysis

using TermSink =
    std::function<void(std::string_view term, std::size_t startByte, std::size_t endByte)>;

/// Changes whenever analyze() or chunkTerms() gives other terms, so that indexes are rebuilt.
inline constexpr int kAnalyzerVersion = 3;

/// The index terms of a text, for documents and queries alike: Unicode words, NFKC case-folded,
/// stems (Snowball: those of the script's language, of Latin letters English ones) without the
/// accents of Latin letters, parts of
/// camelCase and snake_case, and for Chinese, Japanese and Korean each character and each pair of
/// neighbours.
void analyze(std::string_view text, const TermSink& sink);

/// Terms to look for in texts: analyze() without the query's function words (all kept if nothing
/// else is left); repeated words stay repeated, since they weigh more.
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

/// One of a document's warnings says that text was left out which its readers do not see: hidden
/// by its format, or in many invisible characters.
[[nodiscard]] bool tellsOfHiddenText(std::string_view warning);

struct ExtractOptions {
    std::string password;
    std::chrono::milliseconds timeLimit{60'000};
    std::size_t memoryLimitBytes = std::size_t{1} << 30;
    std::stop_token cancel;
    /// As tesseract names them, "eng+chi_sim": pictures and PDFs without text are recognised, if
    /// that program is installed. Empty: they need OCR.
    std::string ocrLanguages{};
    /// Texts of a PDF's first pages that were recognised before; the others follow. And what gets
    /// each further one, counted from 1, as it is recognised; false ends the reading (Cancelled).
    std::vector<std::string> recognizedBefore{};
    std::function<bool(int page, const std::string& text)> onRecognized{};
    /// What was kept of a long PDF with text that was being read before: reading goes on behind it,
    /// and gives what it would have given at one go. And what gets the next piece, which is for
    /// extract() alone to understand, every `draftEvery`, with the page that it reaches to; false
    /// ends the reading (Cancelled).
    std::vector<std::string> draftsBefore{};
    std::function<bool(int lastPage, const std::string& draft)> onDraft{};
    std::chrono::milliseconds draftEvery{1000};
    /// More files follow from this thread, for as long as it lives: the worker program is started
    /// once and forks a process for each, with the same limits.
    bool many = false;
};

/// A page of a PDF as a person sees it, and where on it some of its text stands.
struct PageRequest {
    struct Range {
        std::size_t startByte = 0;
        std::size_t endByte = 0;
    };
    int page = 1;
    int widthPixels = 0;
    std::vector<Range> marks{};  ///< of the page's text as extract() gives it; at most 8
    bool withSizes = false;      ///< of all pages, as the first look at a document needs them
};

struct PagePicture {
    /// As shares of the page's width and height, from its upper left corner.
    struct Box {
        std::size_t mark = 0;  ///< index in PageRequest::marks
        double left = 0.0;
        double top = 0.0;
        double right = 0.0;
        double bottom = 0.0;
    };
    struct Size {
        double width = 0.0;  ///< points, 1/72 inch
        double height = 0.0;
    };
    int width = 0;  ///< pixels; fewer than asked for where the page would be huge
    int height = 0;
    std::string pixels;      ///< width * height * 4 bytes, row by row: blue, green, red, 255
    std::vector<Box> boxes;  ///< a line of text each, in reading order
    std::vector<std::string> texts;  ///< of each mark, as the file has it now
    std::vector<Size> sizes{};       ///< of each page, if asked for; at most kMostSizes
    static constexpr std::size_t kMostSizes = 20'000;
};

/// The program tesseract on this machine's PATH; empty: there is none.
[[nodiscard]] std::filesystem::path findOcrProgram();

/// True for names of pictures that may show text: PNG, JPEG, TIFF, BMP, WebP.
[[nodiscard]] bool isPicture(const std::filesystem::path& path);

/// Runs the worker program, a process for each file, with limits on memory, time and files and
/// without network; a crash there is an error here. Thread-safe.
class Extractor {
public:
    /// `worker`: path of conclave-extract, usually beside the running program.
    explicit Extractor(std::filesystem::path worker);

    /// Errors: NotFound, Io, PasswordRequired, Corrupt, LimitExceeded, NeedsOcr, Timeout,
    /// Unsupported (no reader for this type), Cancelled.
    [[nodiscard]] Result<ExtractedDocument> extract(const std::filesystem::path& path,
                                                    const ExtractOptions& options) const;

    /// Draws a page of a PDF, in the worker program as well. Errors: InvalidArgument, NotFound (no
    /// such file or page), Io, PasswordRequired, Corrupt, LimitExceeded, Timeout, Unsupported,
    /// Cancelled.
    [[nodiscard]] Result<PagePicture> drawPage(const std::filesystem::path& path,
                                               const PageRequest& request,
                                               const ExtractOptions& options) const;

private:
    std::filesystem::path m_worker;
};

/// True for a file that readPlainText may take, by its name and size.
[[nodiscard]] bool mayBePlainText(const std::filesystem::path& name, std::uint64_t sizeBytes);

/// What Extractor::extract would give for this file of plain text, made in this process; `bytes` is
/// moved from. None, and `bytes` as it was, for whatever is not valid UTF-8 of visible characters
/// and line ends under the name of a plain text. No more is done than to look at each byte once:
/// nothing is parsed, decoded or changed, so that there is nothing for a sandbox to hold.
[[nodiscard]] std::optional<ExtractedDocument> readPlainText(const std::filesystem::path& name,
                                                             std::string& bytes);

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
/// it; never across headings or pages. A heading without text of its own goes with what follows,
/// and one whose text begins on the next page is left to that one's chunks, which name it. Running
/// heads and feet are in the chunks of the first page that has them alone. All else that is visible
/// is in a chunk.
[[nodiscard]] std::vector<ChunkSpan> chunkDocument(const ExtractedDocument& document,
                                                   const ChunkOptions& options = {});

/// True for a text that is a table of contents for the most part ("Title ..... 12"). It names
/// everything and says nothing, so that it gets no vector and its words count little.
[[nodiscard]] bool isContents(std::string_view text);

/// A title as ChunkSpan::heading begins with it: on one line, and cut if it is long.
[[nodiscard]] std::string titleInHeading(std::string_view title);

// ---------------------------------------------------------------------------------------- search

/// A question to a unit vector; the services plug in the engine's embedder.
class Embedder {
public:
    virtual ~Embedder() = default;
    [[nodiscard]] virtual const std::string& id() const = 0;
    [[nodiscard]] virtual int dimension() const = 0;
    /// `vector` has dimension() values; all zeros means "no vector". Thread-safe.
    virtual void embed(std::string_view text, std::span<float> vector) const = 0;
    /// Share of BM25 in the fused score: the better the vectors, the less.
    [[nodiscard]] virtual double keywordWeight() const { return 0.8; }
};

class PostingSegment;

/// What chunks of one document have in common.
struct DocumentPlace {
    DocumentId document = 0;
    CollectionId collection = 0;
    /// Decides between equal scores, before the chunk's id: made of what the document is, not of
    /// when it was read, so that every index of the same files ranks alike.
    std::uint64_t order = 0;
};

/// Whose chunks count.
class SearchScope {
public:
    SearchScope() = default;
    /// `collections` empty: all; `documents` (ascending; null: all) of them. Both must outlive it.
    SearchScope(const std::vector<CollectionId>& collections,
                const std::vector<DocumentId>* documents = nullptr)
        : m_collections(collections), m_documents(documents) {}

    [[nodiscard]] bool holds(const DocumentPlace& place) const;

private:
    std::span<const CollectionId> m_collections{};
    const std::vector<DocumentId>* m_documents = nullptr;
};

struct ScoredChunk {
    ChunkId chunk = 0;
    double score = 0.0;       ///< larger is better
    std::uint64_t order = 0;  ///< see DocumentPlace
    DocumentId document = 0;
};

/// A term to search for, and how much it counts.
struct QueryTerm {
    std::string text;
    double weight = 1.0;
    /// As it was written, but case-folded: chunks in another language than English have a stem of
    /// that language. Empty: `text` alone is searched for.
    std::string word{};
};

/// More terms to search for, beside those of the question.
struct Expansion {
    double share = 1.0;  ///< of the score of the question's own terms that counts
    std::vector<QueryTerm> added;
};

/// queryTerms() with the words that they come from.
[[nodiscard]] std::vector<QueryTerm> queryWords(std::string_view query);

/// queryWords() with each term once and its repetitions as weight, in the order of appearance.
[[nodiscard]] std::vector<QueryTerm> weightedTerms(std::string_view query);

/// Which of the terms a passage says, in its own language's stems.
[[nodiscard]] std::vector<bool> saidTerms(std::span<const QueryTerm> terms,
                                          std::string_view heading, std::string_view text);

/// The terms of one chunk as the keyword index takes them: its language is guessed from its
/// function words, and a chunk in German has German stems. A search finds a word in all languages
/// that the index has, so that a wrong guess costs the other forms of a word and never the word.
/// Those of a table of contents count once each, and as in a chunk of four times the length.
struct ChunkTerms {
    std::vector<std::uint64_t> keys;  ///< hashes, one an occurrence
    std::uint32_t length = 0;         ///< in positions: overlapping terms do not make it longer
    bool isContents = false;          ///< see isContents()
};
[[nodiscard]] ChunkTerms chunkTerms(std::string_view heading, std::string_view text);

/// A piece of the keyword index, as bytes to keep.
struct KeywordSegment {
    std::int64_t id = 0;  ///< the keeper's; 0: not kept yet
    std::vector<std::byte> bytes;
};

/// Inverted index in memory: for each term the chunks that have it, delta-coded, in a few
/// unchanging segments of up to 131,072 chunks; BM25 (k1 1.2, b 0.75) over all living chunks, a
/// term at a time. About 1.6 bytes a posting. Scores depend on the chunks alone, not on the order
/// or the pieces in which they came. Thread-safe: many searches beside one change.
class KeywordIndex {
public:
    KeywordIndex();
    ~KeywordIndex();
    KeywordIndex(const KeywordIndex&) = delete;
    KeywordIndex& operator=(const KeywordIndex&) = delete;

    /// The chunks of one document, or some of them, in ascending order; ids must be new.
    void add(const DocumentPlace& place, std::span<const ChunkId> chunks,
             std::span<const ChunkTerms> terms);
    /// Unknown chunks are passed over.
    void remove(std::span<const ChunkId> chunks);
    /// A renamed document, or one that changed its collection.
    void move(const DocumentPlace& place);
    void clear();

    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] std::vector<ChunkId> chunks() const;  ///< all living ones, ascending
    [[nodiscard]] std::size_t sizeBytes() const;

    struct Scores {
        std::vector<ScoredChunk> best;  ///< those with any term, best first
        std::vector<ScoredChunk>
            given;  ///< of the chunks asked for; those without any term left out
    };
    /// `scope` holds for `best` alone; frequencies are those of the whole index.
    /// A thread's scores for `terms` are kept (4 bytes a chunk), so that its next search for the
    /// same ones, with an expansion, reads the posting lists of what is added alone.
    [[nodiscard]] Scores search(std::span<const QueryTerm> terms, const SearchScope& scope,
                                int limit, std::span<const ChunkId> given = {},
                                const Expansion* expansion = nullptr) const;
    /// log(1 + (n - found + 0.5) / (found + 0.5)) of each term.
    [[nodiscard]] std::vector<double> inverseFrequencies(std::span<const QueryTerm> terms) const;
    [[nodiscard]] double averageLength() const;

    /// Takes in a kept segment: its chunks that `placeOf` knows and that are not here yet.
    /// Errors: Corrupt, Unsupported (made by another version); the index is as before.
    [[nodiscard]] Result<void> addSegment(
        KeywordSegment segment,
        const std::function<std::optional<DocumentPlace>(ChunkId)>& placeOf);
    enum class Forget { Later, Now };
    /// Merges small and thinned-out segments, so that those to keep are few. A segment names words
    /// of removed chunks (by their hash) until it is rewritten: once an eighth is removed, or Now.
    void compact(Forget forget = Forget::Later);
    /// What is held for adding chunks, as many come one after another: for after the last of them.
    void giveBackMemory();
    /// Segments that are not kept yet, and ids of kept ones that others replace. The segments go
    /// back through `kept`, in the same order, with the ids they got; changes in between are safe.
    struct ToKeep {
        std::vector<std::shared_ptr<const PostingSegment>> segments;
        std::vector<std::int64_t> obsolete;
    };
    [[nodiscard]] ToKeep toKeep() const;
    void kept(const ToKeep& segments, std::span<const std::int64_t> ids);
    [[nodiscard]] static std::span<const std::byte> bytesOf(const PostingSegment& segment);

private:
    class Parts;
    std::unique_ptr<Parts> m_parts;
};

/// Heading and text of chunks, for what ranking reads beyond its indexes; the services plug in the
/// database.
class ChunkTexts {
public:
    virtual ~ChunkTexts() = default;
    struct Text {
        ChunkId chunk = 0;
        std::string heading;
        std::string text;
    };
    /// In the order asked; unknown ids are left out.
    [[nodiscard]] virtual Result<std::vector<Text>> texts(std::span<const ChunkId> chunks) = 0;
};

/// int8 code of a unit vector: a float scale, then dimension bytes. What the database stores.
[[nodiscard]] std::vector<std::byte> encodeVector(std::span<const float> vector);

/// Vectors held in memory. Up to a size every one is compared; above it a first pass over their
/// signs, a bit for each value, chooses those that are, as long as it misses next to none (measured
/// as the index grows). Thread-safe: many readers or one writer.
class VectorIndex {
public:
    static constexpr std::size_t kFirstPassFrom = 300'000;
    /// `firstPassFrom`: vectors from which on there is a first pass.
    explicit VectorIndex(int dimension, std::size_t firstPassFrom = kFirstPassFrom);
    ~VectorIndex();
    VectorIndex(const VectorIndex&) = delete;
    VectorIndex& operator=(const VectorIndex&) = delete;

    /// Adds or replaces. Errors: Corrupt for a code of the wrong size or a bad scale.
    [[nodiscard]] Result<void> add(ChunkId chunk, const DocumentPlace& place,
                                   std::span<const std::byte> code);
    void remove(std::span<const ChunkId> chunks);
    void move(const DocumentPlace& place);
    void clear();
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] std::size_t sizeBytes() const;

    struct FirstPass {
        bool isUsed = false;
        double recall = 1.0;  ///< share of the best vectors that it kept when last measured
    };
    [[nodiscard]] FirstPass firstPass() const;

    /// Cosine of every vector of the scope with `query`, best first. `query` has dimension()
    /// values.
    [[nodiscard]] std::vector<ScoredChunk> search(std::span<const float> query,
                                                  const SearchScope& scope, int limit) const;
    /// Cosines of given chunks; unknown ones are left out.
    [[nodiscard]] std::vector<ScoredChunk> scores(std::span<const float> query,
                                                  std::span<const ChunkId> chunks) const;

private:
    class Rows;
    std::unique_ptr<Rows> m_rows;
    int m_dimension;
};

enum class SearchMode { Hybrid, Keyword, Vector };

struct SearchOptions {
    SearchMode mode = SearchMode::Hybrid;
    int limit = 8;
    int candidates = 200;                   ///< taken from each leg
    std::optional<double> keywordWeight;    ///< share of BM25 in the fused score; none: the
                                            ///< embedder's
    bool feedback = true;                   ///< may search again with more words
    std::vector<CollectionId> collections;  ///< empty: all
    std::optional<std::vector<DocumentId>> documents{};  ///< ascending; none: all of them
};

/// What a search works with.
struct SearchSources {
    const KeywordIndex& keywords;
    const VectorIndex* vectors = nullptr;  ///< null: keyword search alone
    const Embedder* embedder = nullptr;    ///< null: the same
    ChunkTexts* texts = nullptr;           ///< null: no feedback, no definitions first
};

/// BM25 and cosine over the union of both legs' candidates, each scaled to 0..1 by min-max, and
/// combined by `keywordWeight`; ties by DocumentPlace::order. A long question without a clear best
/// match is searched a second time with the words that its best matches share (feedback.h); for
/// “What is X?” a passage that says it comes before others (definitions.h).
[[nodiscard]] Result<std::vector<ScoredChunk>> hybridSearch(std::string_view query,
                                                            const SearchSources& sources,
                                                            const SearchOptions& options);

/// What diversify() looks at.
struct RankedText {
    DocumentId document = 0;
    std::string_view text;
};

/// An order of ranked passages, as indices, in which those that say nearly what an earlier one says
/// come last, and before them those of a document that had `mostOfDocument` already. Otherwise the
/// order stays. Nearly: nine of ten of the pairs of words of each are in the other, too.
[[nodiscard]] std::vector<std::size_t> diversify(std::span<const RankedText> ranked,
                                                 int mostOfDocument);

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

/// The answer without the numbers that no passage has, which a model made up, and without the
/// space before them; in code "[1]" stays. Goes with a growing answer as reattribute() does.
[[nodiscard]] std::string withoutUnknownCitations(std::string_view answer,
                                                  std::span<const Passage> passages);

/// How much of an answer its passages say.
struct AnswerSupport {
    int nSentences = 0;  ///< that say anything
    int nSupported = 0;  ///< of those: by one of the passages, cited or not
};
[[nodiscard]] AnswerSupport supportOf(std::string_view answer, std::span<const Passage> passages);

/// Every sentence of the answer has its words from one sentence of a passage, in much the same
/// order. For models that can only copy: larger ones put together what several sentences say.
[[nodiscard]] bool isCopied(std::string_view answer, std::span<const Passage> passages);

/// A span of a text in bytes.
struct TextSpan {
    std::size_t startByte = 0;
    std::size_t endByte = 0;
};

/// The stretch of whole sentences of `text`, of about `nCharacters` at most, that says most of the
/// question's terms: the first of equal ones. Never cut within a word, and only within a sentence
/// that is longer by itself. The beginning of a text without terms.
[[nodiscard]] TextSpan excerptFor(std::string_view question, std::string_view text,
                                  std::size_t nCharacters);

// ------------------------------------------------------------------------------ whole collections

/// The sentences of a text without the white space around them. A line that stands for itself (a
/// list item, a table row, a heading) is one of its own.
[[nodiscard]] std::vector<TextSpan> sentenceSpans(std::string_view text);

/// What can be found by its form alone.
enum class Pattern { Email, WebAddress, Phone, Date, Money, Percentage, Name, Person };

/// A thing of that form: where it stands, and the form in which equal things are equal.
struct PatternMatch {
    TextSpan span;
    std::string value;
};

/// Which number comes first in dates such as 07/12/2026.
enum class SlashDates { Unknown, DayFirst, MonthFirst };

/// What the dates of a text that can only be read in one way say of the others; Unknown where there
/// are none, or where they disagree.
[[nodiscard]] SlashDates slashDatesOf(std::string_view text);

/// All things of this form, from left to right. Dates are numeric (2026-10-15, 15.10.2026,
/// 5月26日, 二〇二六年五月) or name an English month, and 07/12/2026 stays as it is written where
/// nothing tells which number is the month; sums may be in Chinese characters
/// (三万五千元); names are two or more capitalised words in a row, and people those that something
/// speaks for: a given name, a title, a role, what they do (survey_people.h).
[[nodiscard]] std::vector<PatternMatch> findPattern(Pattern pattern, std::string_view text,
                                                    SlashDates slashDates = SlashDates::Unknown);

/// Finds the sentences that say certain words, in any order and inflection.
class SentenceMatcher {
public:
    /// `words`: what the sentences must have, all of it; parts in quotation marks must stand there
    /// as they are but for case, other words with or without their accents. Stop words are passed
    /// over; of what "or" stands between one is
    /// enough.
    explicit SentenceMatcher(std::string_view words);

    /// Without terms nothing matches.
    [[nodiscard]] bool hasTerms() const {
        return !m_terms.empty() || !m_phrases.empty() || !m_alternatives.empty();
    }
    /// As `words` has them, for saying what was looked for.
    [[nodiscard]] const std::vector<std::string>& phrases() const { return m_phrases; }

    /// The sentences of `text` that say them; `context` is what the reader knows without the
    /// sentence (title and headings) and may say all but one of them.
    [[nodiscard]] std::vector<TextSpan> match(std::string_view context,
                                              std::string_view text) const;

private:
    struct Wanted {
        std::string term;
        std::size_t group = 0;  ///< the word it is of; CJK pairs of one run share one
        bool isPair = false;
    };
    [[nodiscard]] bool mayMatch(std::string_view context, std::string_view text) const;
    [[nodiscard]] std::vector<bool> groupsIn(std::string_view text) const;

    std::vector<Wanted> m_terms;
    std::size_t m_nGroups = 0;
    std::vector<std::string> m_phrases;           ///< lower case
    std::vector<SentenceMatcher> m_alternatives;  ///< if there are any, they are all there is
};

/// A sentence that tells much of what a text is about.
struct KeySentence {
    std::size_t text = 0;  ///< index of its text
    TextSpan span;
};

/// The `limit` sentences that together tell most of what the texts say, in the order of the texts:
/// SumBasic (Nenkova and Vanderwende 2005), where a word that was told counts for less.
[[nodiscard]] std::vector<KeySentence> keySentences(std::span<const std::string_view> texts,
                                                    int limit);

}  // namespace conclave::retrieval
