// Commands about documents: index, search, extract, eval-retrieval.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <thread>

#include "app/terminal/asking.h"
#include "app/terminal/commands.h"
#include "app/terminal/console.h"
#include "app/terminal/interrupt.h"
#include "app/terminal/output.h"
#include "base/visible_text.h"

namespace conclave::terminal {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

// ----------------------------------------------------------------------------------------- index

/// The collection of this name, made if there is none.
Result<services::CollectionId> ensureCollection(services::Services& services,
                                                const std::string& name) {
    const auto all = services::wait<std::vector<services::Collection>>(
        [&](auto reply) { services.collections().list(std::move(reply)); });
    if (!all) return tl::unexpected(all.error());
    for (const services::Collection& each : *all) {
        if (each.name == name) return each.id;
    }
    return services::wait<services::CollectionId>(
        [&](auto reply) { services.collections().create(name, std::move(reply)); });
}

/// The name of the first folder or file.
std::string nameFor(const std::string& path) {
    std::error_code ignored;
    const fs::path absolute = fs::weakly_canonical(path, ignored);
    return absolute.filename().empty() ? "Documents" : absolute.filename().string();
}

void printReport(const services::IndexReport& report, bool isJson) {
    if (isJson) {
        printJson(reportToJson(report));
        return;
    }
    const std::string all = services::counted(report.found, "document", "documents");
    std::cout << report.name << ": "
              << (report.documents == report.found
                      ? all
                      : services::grouped(report.documents) + " of " + all + " read")
              << ", " << services::counted(report.chunks, "chunk", "chunks") << " (" << report.read
              << " read now, " << report.unchanged << " unchanged, " << report.removed
              << " removed) in " << rounded(report.time.count()) << " s\n";
    for (const auto& [path, error] : report.failed) {
        note("  could not be read: " + visibleLine(path.string() + ": " + error));
    }
}

/// Looks for changes until Ctrl-C.
int watch(services::Services& services, services::CollectionId id) {
    constexpr auto kPause = std::chrono::milliseconds(2000);
    constexpr auto kStep = std::chrono::milliseconds(50);
    note("(watching for changes; Ctrl-C ends)");
    while (true) {
        const auto until = Clock::now() + kPause;
        while (Clock::now() < until) {
            if (wasInterrupted()) return kSuccess;
            std::this_thread::sleep_for(kStep);
        }
        const auto report = services::wait<services::IndexReport>(
            [&](auto reply) { services.collections().update(id, false, std::move(reply)); });
        if (!report) return failed(report.error());
        if (report->read > 0 || report->removed > 0) {
            note(report->name + ": " + std::to_string(report->read) + " read, " +
                 std::to_string(report->removed) + " removed");
        }
    }
}

/// A path that is not there: of a collection that it was read into, all is brought up to date.
int outOfReach(services::Services& services, const std::string& path, const Arguments& arguments) {
    const auto all = services::wait<std::vector<services::Collection>>(
        [&](auto reply) { services.collections().list(std::move(reply)); });
    if (!all) return failed(all.error());
    std::error_code ignored;
    const fs::path tidy = (fs::absolute(path, ignored) / "").lexically_normal();
    const auto holder = std::find_if(all->begin(), all->end(), [&](const auto& each) {
        const std::string name = arguments.text("--collection", each.name);
        return each.name == name &&
               std::any_of(each.roots.begin(), each.roots.end(), [&](const fs::path& root) {
                   const auto [inRoot, inPath] =
                       std::mismatch(root.begin(), root.end(), tidy.begin(), tidy.end());
                   return inRoot == root.end();
               });
    });
    if (holder == all->end()) {
        return failed({ErrorCode::NotFound, "there is no file or folder " + path});
    }
    auto report = runIndexing(services, [&](auto reply) {
        services.collections().update(holder->id, false, std::move(reply));
    });
    if (!report) return failed(report.error());
    const auto now = services::wait<std::vector<services::Document>>(
        [&](auto reply) { services.collections().documents(holder->id, std::move(reply)); });
    if (!now) return failed(now.error());
    const auto nUnavailable = std::count_if(now->begin(), now->end(), [](const auto& document) {
        return document.state == services::DocumentState::Unavailable;
    });
    report->failed.emplace_back(
        path, nUnavailable > 0
                  ? "it cannot be reached; " +
                        services::counted(static_cast<int>(nUnavailable), "document is",
                                          "documents are") +
                        " unavailable until it is back, and what was read is still searched"
                  : "it is not there any more");
    printReport(*report, arguments.has("--json"));
    return kFailure;
}

int index(const Arguments& arguments) {
    const auto started = startServices(arguments, false);
    if (!started) return failed(started.error());
    services::Services& services = **started;
    if (arguments.has("--ocr")) {
        const std::string languages = arguments.text("--ocr");
        if (languages != "off" && retrieval::findOcrProgram().empty()) {
            return failed({ErrorCode::NotFound,
                           "tesseract is not installed; on Debian: apt install tesseract-ocr "
                           "tesseract-ocr-chi-sim"});
        }
        services.setSetting(services::kOcrSetting, languages == "off" ? "" : languages);
    }
    if (arguments.has("--cpu")) {
        services.setSetting(services::kIndexCpuSetting, arguments.integer("--cpu", 100));
    }
    std::vector<fs::path> paths;
    for (const std::string& path : arguments.plain()) {
        std::error_code ignored;
        if (!fs::exists(path, ignored)) return outOfReach(services, path, arguments);
        paths.emplace_back(path);
    }
    const std::string name = arguments.text("--collection", nameFor(arguments.plain().front()));
    const auto id = ensureCollection(services, name);
    if (!id) return failed(id.error());
    const auto report = runIndexing(services, [&](auto reply) {
        services.collections().addPaths(*id, std::move(paths), std::move(reply));
    });
    if (!report) return failed(report.error());
    printReport(*report, arguments.has("--json"));
    if (report->stopped) {
        note("(stopped; the same command goes on from here)");
        return kFailure;
    }
    if (arguments.has("--watch")) return watch(services, *id);
    return report->documents == 0 && !report->failed.empty() ? kFailure : kSuccess;
}

// ---------------------------------------------------------------------------------------- search

Result<retrieval::SearchMode> modeFrom(const Arguments& arguments) {
    const std::string mode = arguments.text("--mode", "hybrid");
    if (mode == "hybrid") return retrieval::SearchMode::Hybrid;
    if (mode == "keyword") return retrieval::SearchMode::Keyword;
    if (mode == "vector") return retrieval::SearchMode::Vector;
    return fail(ErrorCode::InvalidArgument,
                "--mode is hybrid, keyword or vector, not \"" + mode + "\"");
}

int search(const Arguments& arguments) {
    const auto mode = modeFrom(arguments);
    if (!mode) {
        note("conclave: " + mode.error().detail);
        return kWrongUsage;
    }
    if (arguments.plain().front().find_first_not_of(" \t\r\n") == std::string::npos) {
        note("conclave: the query is empty; search as in: conclave search \"spare keys\"");
        return kWrongUsage;
    }
    auto filter = filterFrom(arguments);
    if (!filter) {
        note("conclave: " + filter.error().detail);
        return kWrongUsage;
    }
    const auto started = startServices(arguments, true);
    if (!started) return failed(started.error());
    services::Services& services = **started;
    const auto ids = collectionsNamed(services, arguments.list("--collection"));
    if (!ids) return failed(ids.error());
    refresh(services, *ids);

    constexpr int kHits = 8;
    const auto begun = Clock::now();
    const auto hits = services::wait<std::vector<services::SearchHit>>([&](auto reply) {
        services.collections().search({.query = arguments.plain().front(),
                                       .collections = *ids,
                                       .mode = *mode,
                                       .limit = arguments.integer("-k", kHits),
                                       .filter = std::move(*filter)},
                                      std::move(reply));
    });
    const std::chrono::duration<double, std::milli> time = Clock::now() - begun;
    if (!hits) return failed(hits.error());
    const bool isNearestOnly =
        !hits->empty() && std::none_of(hits->begin(), hits->end(),
                                       [](const services::SearchHit& hit) { return hit.isLikely; });
    if (arguments.has("--json")) {
        Positions positions(services);
        nlohmann::json json = {{"hits", nlohmann::json::array()},
                               {"nearest_only", isNearestOnly},
                               {"ms", time.count()}};
        for (const services::SearchHit& hit : *hits) {
            json["hits"].push_back(hitToJson(hit, positions));
        }
        printJson(json);
        return kSuccess;
    }
    if (isNearestOnly) note("Nothing says this; what comes nearest:");
    constexpr std::size_t kPreview = 240;
    for (const services::SearchHit& hit : *hits) {
        std::cout << bold(std::to_string(hit.rank) + ". " + visibleLine(hit.chunk.heading)) << "  "
                  << dim(visibleLine(hit.chunk.path.string()) + ":" +
                         std::to_string(hit.chunk.page))
                  << "\n   "
                  << services::snippetOf(arguments.plain().front(), hit.chunk.text, hit.chunk.path,
                                         kPreview)
                  << "\n";
        for (const std::string& warning : warningsOf(hit)) {
            std::cout << "   " << dim("(warning: " + warning + ")") << "\n";
        }
    }
    if (hits->empty()) note("nothing found");
    return kSuccess;
}

// --------------------------------------------------------------------------------------- extract

/// The status of a file that could not be read; empty if it is no matter of its content.
std::string_view statusOf(ErrorCode code) {
    switch (code) {
        case ErrorCode::PasswordRequired: return "password";
        case ErrorCode::Corrupt: return "corrupt";
        case ErrorCode::LimitExceeded:
        case ErrorCode::Timeout: return "limit";
        case ErrorCode::NeedsOcr: return "needs_ocr";
        case ErrorCode::Unsupported: return "unsupported";
        default: return {};
    }
}

int extract(const Arguments& arguments) {
    services::StartOptions options;
    options.inMemory = true;  // nothing is kept
    const auto started = services::Services::start(options);
    if (!started) return failed(started.error());
    const bool isJson = arguments.has("--json");
    const auto document = (*started)->extractor().extract(
        arguments.plain().front(), {.password = arguments.text("--password"),
                                    .cancel = {},
                                    .ocrLanguages = arguments.text("--ocr")});
    if (!document) {
        const std::string_view status = statusOf(document.error().code);
        if (isJson && !status.empty()) {
            printJson({{"status", status},
                       {"mime", nullptr},
                       {"pages", nlohmann::json::array()},
                       {"warnings", {document.error().detail}}});
        }
        return failed(document.error());
    }
    for (const std::string& warning : document->warnings) note("conclave: " + warning);
    if (isJson) {
        nlohmann::json pages = nlohmann::json::array();
        for (const auto& page : document->pages) {
            pages.push_back({{"page", page.number}, {"text", page.text}});
        }
        printJson({{"status", "ok"},
                   {"mime", document->mime},
                   {"title", document->title},
                   {"pages", pages},
                   {"warnings", document->warnings}});
        return kSuccess;
    }
    for (std::size_t i = 0; i < document->pages.size(); ++i) {
        // As pdftotext does: pages are told apart by a form feed.
        std::cout << (i > 0 ? "\f" : "") << document->pages[i].text << '\n';
    }
    return kSuccess;
}

// -------------------------------------------------------------------------------- eval-retrieval

int evalRefusal(const Arguments& arguments) {
    ProgressBar bar("");
    const auto scores = services::evaluateRefusal(
        arguments.plain().front(), arguments.text("--foreign"), [&](int done, int total) {
            bar.show(static_cast<double>(done) / std::max(total, 1), "evaluating");
        });
    if (!scores) return failed(scores.error());
    if (arguments.has("--json")) {
        printJson({{"answerable", scores->nAnswerable},
                   {"unanswerable", scores->nUnanswerable},
                   {"foreign", scores->nForeign},
                   {"answered_right", scores->answeredRight},
                   {"refused_right", 1.0 - scores->falseAnswers},
                   {"refused_right_foreign", 1.0 - scores->foreignAnswers},
                   {"false_refusals", scores->falseRefusals},
                   {"false_answers", scores->falseAnswers},
                   {"threshold", scores->threshold}});
    } else {
        std::cout << services::counted(scores->nAnswerable, "question", "questions")
                  << " with an answer: " << scores->answeredRight << " answered right, "
                  << scores->falseRefusals << " refused; " << scores->nUnanswerable
                  << " without one: " << 1.0 - scores->falseAnswers << " refused";
        if (scores->nForeign > 0) {
            std::cout << "; " << scores->nForeign
                      << " of another set: " << 1.0 - scores->foreignAnswers << " refused";
        }
        std::cout << " (threshold " << scores->threshold << ")\n";
    }
    return kSuccess;
}

int evalContext(const Arguments& arguments) {
    std::vector<int> budgets;
    for (const std::string& each : arguments.list("--context")) {
        const auto number = parseNumber(each, true);
        if (!number || *number < 1 || *number > 1e6) {
            note("conclave: --context takes numbers of characters, not \"" + each + "\"");
            return kWrongUsage;
        }
        budgets.push_back(static_cast<int>(*number));
    }
    ProgressBar bar("");
    const auto scores =
        services::evaluateContext(arguments.plain().front(), budgets, [&](int done, int total) {
            bar.show(static_cast<double>(done) / std::max(total, 1), "evaluating");
        });
    if (!scores) return failed(scores.error());
    nlohmann::json shares = nlohmann::json::object();
    for (std::size_t i = 0; i < budgets.size(); ++i) {
        shares[std::to_string(budgets[i])] = scores->shares[i];
    }
    if (arguments.has("--json")) {
        printJson({{"queries", scores->nQueries}, {"answer_in_context", shares}});
        return kSuccess;
    }
    std::cout << services::counted(scores->nQueries, "query", "queries") << ": the answer is in";
    for (std::size_t i = 0; i < budgets.size(); ++i) {
        std::cout << (i > 0 ? ", in " : " ") << budgets[i] << " characters for "
                  << scores->shares[i];
    }
    std::cout << '\n';
    return kSuccess;
}

int evalRetrieval(const Arguments& arguments) {
    if (arguments.has("--refusal")) return evalRefusal(arguments);
    if (arguments.has("--context")) return evalContext(arguments);
    const auto mode = modeFrom(arguments);
    if (!mode) {
        note("conclave: " + mode.error().detail);
        return kWrongUsage;
    }
    ProgressBar bar("");
    const auto scores = services::evaluateRetrieval(
        arguments.plain().front(), *mode,
        [&](int done, int total) {
            bar.show(static_cast<double>(done) / std::max(total, 1), "evaluating");
        },
        {.embedder = arguments.text("--embedder"), .reranker = arguments.text("--reranker")});
    if (!scores) return failed(scores.error());
    if (arguments.has("--json")) {
        printJson({{"queries", scores->nQueries},
                   {"ndcg@10", scores->ndcg10},
                   {"recall@10", scores->recall10},
                   {"mrr@10", scores->mrr10},
                   {"ms_per_query", scores->millisecondsPerQuery}});
    } else {
        std::cout << services::counted(scores->nQueries, "query", "queries") << ": nDCG@10 "
                  << scores->ndcg10 << ", Recall@10 " << scores->recall10 << ", MRR@10 "
                  << scores->mrr10 << ", " << rounded(scores->millisecondsPerQuery)
                  << " ms a query\n";
    }
    return kSuccess;
}

}  // namespace

std::vector<Command> documentCommands() {
    using Kind = Option::Kind;
    constexpr std::size_t kMany = 1000;
    const Option mode{"--mode", "MODE", "hybrid (as without it), keyword or vector"};
    std::vector<Option> searchOptions = {
        {"--collection", "NAME…", "search these collections instead of all", Kind::List},
        {"-k", "N", "number of passages, 1 to 1000", Kind::Integer, 1, 1000},
        mode};
    for (const Option& option : filterOptions()) searchOptions.push_back(option);
    return {
        {.name = "index",
         .usage = "PATH… [OPTION…]",
         .summary = "read files and folders into a collection",
         .details = "Only what is new or changed is read. Files are never changed.",
         .example = "conclave index ~/papers --collection Papers",
         .nLeast = 1,
         .nMost = kMany,
         .options = {{"--collection", "NAME",
                      "the collection to add to; without it, one named after the first path"},
                     {"--ocr", "LANGUAGES",
                      "from now on recognise text in pictures and scans by tesseract, as in "
                      "eng+chi_sim; off: no longer"},
                     {"--cpu", "PERCENT",
                      "from now on reading documents takes no more of all processors, 1 to 100",
                      Kind::Integer, 1, 100},
                     {"--watch", "", "go on reading what changes until Ctrl-C", Kind::Flag}},
         .run = index},
        {.name = "search",
         .usage = "QUERY [OPTION…]",
         .summary = "find passages, without a model",
         .details = {},
         .example = "conclave search \"travel policy\" -k 5",
         .nLeast = 1,
         .nMost = 1,
         .options = searchOptions,
         .run = search},
        {.name = "extract",
         .usage = "FILE [OPTION…]",
         .summary = "show the text that Conclave reads from a file",
         .details = {},
         .example = "conclave extract report.pdf --json",
         .nLeast = 1,
         .nMost = 1,
         .options = {{"--password", "P", "opens an encrypted document"},
                     {"--ocr", "LANGUAGES", "recognise text in pictures, as in eng+chi_sim"}},
         .run = extract},
        {.name = "eval-retrieval",
         .usage = "DIR [OPTION…]",
         .summary = "score search on a test set",
         .details =
             "DIR holds docs.jsonl (id, title, text), queries.jsonl (id, text) and qrels.tsv "
             "(query, document, grade).",
         .example = "conclave eval-retrieval cranfield --mode keyword --json",
         .nLeast = 1,
         .nMost = 1,
         .options = {mode,
                     {"--refusal", "",
                      "score how well questions without an answer are told from others: every "
                      "second question loses its documents",
                      Kind::Flag},
                     {"--foreign", "DIR", "with --refusal: ask the questions of this set, too"},
                     {"--context", "N…",
                      "score how often an answer stands in the first N characters of passages",
                      Kind::List},
                     {"--embedder", "FILE", "compare texts with this GGUF embedder"},
                     {"--reranker", "FILE", "put the best 20 in the order of this GGUF reranker"}},
         .run = evalRetrieval},
    };
}

}  // namespace conclave::terminal
