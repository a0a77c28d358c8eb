// search_bench: search in large collections, beside what others do with the same texts.
//
//   search_bench SETS [--chunks 100000] [--queries 200] [--language english|chinese] [--peers]
//                     [--no-changes]
//
// SETS is a folder with cranfield, cacm and cmrc2018 as `conclave eval-retrieval` reads them.
// Builds a synthetic collection (search_texts.h), indexes it into a database on the disk, opens it
// anew, asks the sets' questions, changes a tenth of the documents in each way and compares with a
// fresh index (a second build: --no-changes leaves it out). Prints milliseconds of this thread's
// processor time and, in brackets, on the wall. With --peers plain FTS5 and LocalDocs' pipeline
// are asked the same, and at the end a table says what each finds in the sets and how fast it is.
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "app/services/library.h"
#include "app/services/model_catalog.h"
#include "base/places.h"
#include "bench/search_peers.h"
#include "bench/search_quality.h"
#include "bench/search_texts.h"

namespace conclave::bench {
namespace {
namespace fs = std::filesystem;

struct Arguments {
    fs::path sets;
    std::size_t nChunks = 100'000;
    std::size_t nQueries = 200;
    std::string language;
    bool peers = false;
    bool changes = true;
};

[[noreturn]] void stop(const std::string& why) {
    std::fprintf(stderr, "search_bench: %s\n", why.c_str());
    std::exit(1);
}

/// Seconds of this thread, and on the wall.
struct Clocks {
    double thread = 0.0;
    double wall = 0.0;

    static double read(clockid_t clock) {
        timespec now{};
        clock_gettime(clock, &now);
        return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
    }
    static Clocks now() { return {read(CLOCK_THREAD_CPUTIME_ID), read(CLOCK_MONOTONIC)}; }
    [[nodiscard]] Clocks since(const Clocks& start) const {
        return {thread - start.thread, wall - start.wall};
    }
};

double share(std::vector<double> values, double part) {
    if (values.empty()) return 0.0;
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
}

/// Gives the time of this thread within which 95 of 100 questions are answered.
double timeQueries(const char* name, const SentencePool& pool, std::size_t nQueries,
                   const std::function<void(const std::string&)>& search) {
    std::vector<double> thread;
    std::vector<double> wall;
    constexpr std::size_t kWarmUp = 20;
    for (std::size_t i = 0; i < nQueries + kWarmUp; ++i) {
        const std::string& question = pool.questions[i * 7919 % pool.questions.size()];
        const Clocks start = Clocks::now();
        search(question);
        const Clocks took = Clocks::now().since(start);
        if (i < kWarmUp) continue;
        thread.push_back(took.thread * 1e3);
        wall.push_back(took.wall * 1e3);
    }
    std::printf("%-34s p50 %7.2f (%7.2f)  p95 %7.2f (%7.2f) ms\n", name, share(thread, 0.5),
                share(wall, 0.5), share(thread, 0.95), share(wall, 0.95));
    std::fflush(stdout);
    return share(thread, 0.95);
}

std::size_t residentBytes() {
    std::ifstream status("/proc/self/statm");
    std::size_t all = 0;
    std::size_t resident = 0;
    status >> all >> resident;
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

Result<std::shared_ptr<const engine::TextEmbedder>> bundledEmbedder() {
    const auto resources = findResources();
    if (!resources) return tl::unexpected(resources.error());
    const auto file = services::ModelCatalog(*resources / "models").embedderFile();
    if (!file) return tl::unexpected(file.error());
    return engine::TextEmbedder::load(*file);
}

EmbedText embedWith(const engine::TextEmbedder& embedder) {
    return [&embedder](std::string_view text, std::span<float> vector) {
        embedder.embed(text, vector);
    };
}

std::size_t dimensionOf(const engine::TextEmbedder& embedder) {
    return static_cast<std::size_t>(embedder.dimension());
}

/// A database and its library.
struct Index {
    explicit Index(const fs::path& file) {
        storage::OpenOptions options;
        options.analyzer = retrieval::analyze;
        options.analyzerVersion = retrieval::kAnalyzerVersion;
        database = valueOf(storage::Database::open(file, options));
        library = std::make_unique<services::Library>(database->documents(), bundledEmbedder);
    }
    std::unique_ptr<storage::Database> database;
    std::unique_ptr<services::Library> library;
};

class Bench {
public:
    Bench(const SentencePool& pool, const Arguments& arguments)
        : m_pool(pool),
          m_arguments(arguments),
          m_nDocuments(arguments.nChunks / kParagraphsOfDocument),
          m_folder(fs::temp_directory_path() / ("search_bench." + std::to_string(getpid()))) {
        fs::create_directories(m_folder);
        for (std::size_t i = 0; i < m_nDocuments; ++i) m_documents[nameOf(i)] = {i, 0};
    }
    ~Bench() {
        std::error_code ignored;
        fs::remove_all(m_folder, ignored);
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    /// With --peers, the milliseconds within which each system answers 95 of 100 questions.
    std::map<std::string, double> run() {
        std::printf("\n%s, %zu documents\n", m_pool.name.c_str(), m_nDocuments);
        build(file("index"));
        start();
        std::map<std::string, double> times;
        if (m_arguments.peers) times = comparePeers();
        if (m_arguments.changes) change();
        return times;
    }

private:
    struct Text {
        std::size_t number = 0;
        int version = 0;
    };

    [[nodiscard]] fs::path file(const char* name) const {
        return m_folder / (std::string(name) + ".db");
    }
    static std::string nameOf(std::size_t i) { return "/bench/" + std::to_string(i) + ".txt"; }
    [[nodiscard]] std::string textOf(const Text& text) const {
        return syntheticDocument(m_pool, text.number, text.version);
    }

    services::PreparedDocument prepared(Index& index, const Text& text, std::size_t* bytes) const {
        retrieval::ExtractedDocument document;
        document.mime = "text/plain";
        document.pages.push_back({1, textOf(text)});
        if (bytes != nullptr) *bytes += document.pages[0].text.size();
        return index.library->prepare(std::move(document));
    }

    /// Reads m_documents into a new database, on two threads as the program does.
    void build(const fs::path& path) {
        Index index(path);
        const auto collection = valueOf(index.database->documents().createCollection("bench"));
        std::vector<std::pair<std::string, Text>> all(m_documents.begin(), m_documents.end());
        std::atomic<std::size_t> next = 0;
        std::atomic<std::size_t> nBytes = 0;
        const double startWall = Clocks::now().wall;
        const double startProcess = Clocks::read(CLOCK_PROCESS_CPUTIME_ID);
        const auto work = [&] {
            for (std::size_t i = next++; i < all.size(); i = next++) {
                std::size_t bytes = 0;
                const auto document = prepared(index, all[i].second, &bytes);
                const auto id =
                    valueOf(index.database->documents().ensureDocument(collection, all[i].first));
                valueOf(index.library->store(id, document));
                nBytes += bytes;
            }
        };
        {
            const std::jthread helper(work);
            work();
        }
        valueOf(index.library->keepIndex());
        const double wall = Clocks::now().wall - startWall;
        const double process = Clocks::read(CLOCK_PROCESS_CPUTIME_ID) - startProcess;
        const auto size = valueOf(index.library->size());
        const double megabytes = static_cast<double>(nBytes) / 1e6;
        std::printf(
            "indexing: %.0f MB, %d chunks, %.1f s: %.1f MB/s on the wall, %.1f MB a second "
            "of one processor\n",
            megabytes, size.nChunks, wall, megabytes / wall, megabytes / process);
        std::fflush(stdout);
    }

    void start() {
        // In a process of its own, and without what indexing left free, so that memory counts.
        malloc_trim(0);
        std::fflush(stdout);
        const pid_t child = fork();
        if (child == 0) {
            measure();
            std::fflush(stdout);
            _exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        if (status != 0) stop("the measuring process failed");
    }

    void measure() {
        const std::size_t before = residentBytes();
        const Clocks clock = Clocks::now();
        Index index(file("index"));
        valueOf(index.library->load());
        const Clocks took = Clocks::now().since(clock);
        const auto size = valueOf(index.library->size());
        const auto perChunk = [&](std::size_t bytes) {
            return static_cast<double>(bytes) / std::max(size.nChunks, 1);
        };
        std::printf("cold start: %.0f ms (%.0f on the wall)\n", took.thread * 1e3, took.wall * 1e3);
        std::printf(
            "memory: indexes %.0f bytes a chunk, process %.0f more than before, with the "
            "embedder's 10 MB\n",
            perChunk(size.bytes), perChunk(residentBytes() - before));
        for (const auto& [name, mode] :
             {std::pair("conclave, hybrid", retrieval::SearchMode::Hybrid),
              std::pair("conclave, keywords", retrieval::SearchMode::Keyword),
              std::pair("conclave, vectors", retrieval::SearchMode::Vector)}) {
            timeQueries(name, m_pool, m_arguments.nQueries,
                        [&](const std::string& question) { rank(index, question, mode); });
        }
    }

    static std::vector<services::SearchHit> rank(Index& index, const std::string& question,
                                                 retrieval::SearchMode mode) {
        services::SearchRequest request;
        request.query = question;
        request.collections = {1};
        request.mode = mode;
        request.limit = 10;
        return valueOf(index.library->search(request));
    }

    /// Replaces, renames and deletes a tenth of the documents each; then asks both the changed
    /// index and a fresh one of the same files.
    void change() {
        {
            Index index(file("index"));
            storage::DocumentStore& store = index.database->documents();
            for (std::size_t i = 0; i < m_nDocuments; i += 10) {
                const auto id = [&](std::size_t n) {
                    return valueOf(store.ensureDocument(1, nameOf(n)));
                };
                m_documents[nameOf(i)].version = 1;
                valueOf(
                    index.library->store(id(i), prepared(index, m_documents[nameOf(i)], nullptr)));
                if (i + 2 >= m_nDocuments) continue;
                const std::string renamed = nameOf(i + 1) + ".renamed";
                valueOf(index.library->moveDocument(id(i + 1), renamed));
                m_documents[renamed] = m_documents[nameOf(i + 1)];
                m_documents.erase(nameOf(i + 1));
                valueOf(index.library->removeDocument(id(i + 2)));
                m_documents.erase(nameOf(i + 2));
            }
            valueOf(index.library->keepIndex());
        }
        std::printf("fresh index of the changed files: ");
        build(file("fresh"));
        Index changed(file("index"));
        Index fresh(file("fresh"));
        std::size_t nSame = 0;
        for (std::size_t i = 0; i < m_arguments.nQueries; ++i) {
            const std::string& question = m_pool.questions[i * 7919 % m_pool.questions.size()];
            const auto a = rank(changed, question, retrieval::SearchMode::Hybrid);
            const auto b = rank(fresh, question, retrieval::SearchMode::Hybrid);
            nSame += std::equal(a.begin(), a.end(), b.begin(), b.end(),
                                [](const auto& x, const auto& y) {
                                    return x.score == y.score && x.chunk.path == y.chunk.path &&
                                           x.chunk.startByte == y.chunk.startByte;
                                })
                         ? 1
                         : 0;
        }
        std::printf(
            "after replacing, renaming and deleting %zu documents each: %zu of %zu rankings "
            "equal a fresh index's bit for bit\n",
            m_nDocuments / 10, nSame, m_arguments.nQueries);
        std::fflush(stdout);
        fs::remove(file("fresh"));
    }

    std::map<std::string, double> comparePeers() {
        const auto embedder = valueOf(bundledEmbedder());
        PlainFts plain(file("plain"));
        LocalDocs localDocs(file("localdocs"), embedWith(*embedder), dimensionOf(*embedder));
        for (const auto& [name, text] : m_documents) {
            const std::string document = textOf(text);
            plain.add(document);
            localDocs.add(document);
        }
        plain.finish();
        localDocs.finish();
        std::printf("with the peers, one after another (LocalDocs: %zu pieces)\n",
                    localDocs.nPieces());
        Index index(file("index"));
        valueOf(index.library->load());
        std::map<std::string, double> times;
        const auto time = [&](const char* name, std::size_t nQueries, const auto& search) {
            times[name] = timeQueries(name, m_pool, nQueries,
                                      [&](const std::string& question) { (void)search(question); });
        };
        const auto ours = [&](retrieval::SearchMode mode) {
            return
                [&index, mode](const std::string& question) { return rank(index, question, mode); };
        };
        time(kHybrid, m_arguments.nQueries, ours(retrieval::SearchMode::Hybrid));
        time(kKeywords, m_arguments.nQueries, ours(retrieval::SearchMode::Keyword));
        // They are slow: fewer questions are enough.
        const std::size_t nQueries = std::max<std::size_t>(m_arguments.nQueries / 4, 10);
        time(kPlainFts, nQueries,
             [&](const std::string& question) { return plain.search(question); });
        time(kLocalDocs, nQueries,
             [&](const std::string& question) { return localDocs.search(question); });
        return times;
    }

    const SentencePool& m_pool;
    const Arguments& m_arguments;
    std::size_t m_nDocuments;
    fs::path m_folder;
    std::map<std::string, Text> m_documents;  ///< by path
};

using Column = std::pair<std::string, std::map<std::string, double>>;

/// nDCG@10 by set and system.
std::vector<Column> qualityOf(const fs::path& sets) {
    const auto embedder = valueOf(bundledEmbedder());
    const fs::path folder =
        fs::temp_directory_path() / ("search_bench.quality." + std::to_string(getpid()));
    fs::create_directories(folder);
    std::vector<Column> columns;
    for (const char* name : {"cranfield", "cacm", "cmrc2018"}) {
        columns.emplace_back(
            std::string("nDCG@10, ") + name,
            compareQuality(sets / name, folder, embedWith(*embedder), dimensionOf(*embedder)));
    }
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    return columns;
}

/// In Markdown.
void printTable(const std::vector<Column>& columns) {
    std::string head = "\n| |";
    std::string rule = "| --- |";
    for (const Column& column : columns) {
        head += " " + column.first + " |";
        rule += " --- |";
    }
    std::printf("%s\n%s\n", head.c_str(), rule.c_str());
    for (const char* system : {kHybrid, kKeywords, kPlainFts, kLocalDocs}) {
        std::printf("| %s |", system);
        for (const Column& column : columns) std::printf(" %.4g |", column.second.at(system));
        std::printf("\n");
    }
}

Arguments argumentsOf(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        const auto value = [&]() -> std::string {
            if (i + 1 >= argc) stop("a value is missing after " + std::string(argument));
            return argv[++i];
        };
        if (argument == "--chunks") {
            arguments.nChunks = std::strtoull(value().c_str(), nullptr, 10);
        } else if (argument == "--queries") {
            arguments.nQueries = std::strtoull(value().c_str(), nullptr, 10);
        } else if (argument == "--language") {
            arguments.language = value();
        } else if (argument == "--peers") {
            arguments.peers = true;
        } else if (argument == "--no-changes") {
            arguments.changes = false;
        } else {
            arguments.sets = argument;
        }
    }
    if (arguments.sets.empty()) stop("name the folder with the test sets");
    if (arguments.nChunks < 100 || arguments.nQueries < 1) stop("at least 100 chunks and 1 query");
    return arguments;
}

}  // namespace
}  // namespace conclave::bench

int main(int argc, char** argv) {
    using namespace conclave::bench;
    const Arguments arguments = argumentsOf(argc, argv);
    std::vector<std::pair<std::string, std::map<std::string, double>>> columns;
    if (arguments.peers) columns = qualityOf(arguments.sets);
    const auto nChunks = std::to_string(arguments.nChunks);
    for (const auto& [language, makePool] :
         {std::pair("english", &englishPool), std::pair("chinese", &chinesePool)}) {
        if (!arguments.language.empty() && arguments.language != language) continue;
        const SentencePool pool = makePool(arguments.sets);
        auto times = Bench(pool, arguments).run();
        columns.emplace_back("p95 in ms, " + pool.name + ", " + nChunks + " chunks",
                             std::move(times));
    }
    if (arguments.peers) printTable(columns);
    return 0;
}
