// `conclave recall`: saved questions with the passage that must be found.
#include <filesystem>
#include <iostream>

#include "app/terminal/asking.h"
#include "app/terminal/commands.h"
#include "app/terminal/console.h"
#include "app/terminal/output.h"
#include "base/comparable_text.h"
#include "base/visible_text.h"

namespace conclave::terminal {
namespace {

using services::RecallQuestion;

nlohmann::json questionToJson(const RecallQuestion& question) {
    return {{"id", question.id},
            {"question", question.question},
            {"quote", question.quote},
            {"document", question.path},
            {"collection", question.collection}};
}

/// The path of a file, or its name alone if a document in the collections has that name.
Result<std::string> documentNamed(services::Services& services, const std::string& given) {
    namespace fs = std::filesystem;
    std::error_code problem;
    const fs::path path = fs::weakly_canonical(given, problem);
    const bool isFile = !problem && fs::exists(path, problem);
    const auto collections = services::wait<std::vector<services::Collection>>(
        [&](auto reply) { services.collections().list(std::move(reply)); });
    if (!collections) return tl::unexpected(collections.error());
    bool isName = false;
    for (const services::Collection& collection : *collections) {
        const auto documents = services::wait<std::vector<services::Document>>(
            [&](auto reply) { services.collections().documents(collection.id, std::move(reply)); });
        if (!documents) return tl::unexpected(documents.error());
        for (const services::Document& each : *documents) {
            if (isFile && each.path == path) return path.string();
            isName = isName || each.path.filename() == given;
        }
    }
    if (isName) return given;
    if (isFile) return path.string();  // perhaps read later
    return fail(ErrorCode::NotFound, "there is no file " + given +
                                         ", nor a document of this name in the collections; "
                                         "`conclave collections show NAME` lists them");
}

/// Whether a document that the question is asked of says the words now.
Result<bool> isSaidNow(services::Services& services, const RecallQuestion& question) {
    const auto collections = services::wait<std::vector<services::Collection>>(
        [&](auto reply) { services.collections().list(std::move(reply)); });
    if (!collections) return tl::unexpected(collections.error());
    const std::string wanted = comparableText(question.quote);
    for (const services::Collection& collection : *collections) {
        if (!question.collection.empty() && collection.name != question.collection) continue;
        const auto documents = services::wait<std::vector<services::Document>>(
            [&](auto reply) { services.collections().documents(collection.id, std::move(reply)); });
        if (!documents) return tl::unexpected(documents.error());
        for (const services::Document& each : *documents) {
            const bool isAsked = question.path.empty() || each.path == question.path ||
                                 each.path.filename() == question.path;
            if (!isAsked || each.nChunks == 0) continue;
            const auto view = services::wait<services::DocumentView>(
                [&](auto reply) { services.collections().open(each.id, std::move(reply)); });
            if (!view) continue;  // removed meanwhile
            for (const services::Page& page : view->pages) {
                if (comparableText(page.text).find(wanted) != std::string::npos) return true;
            }
        }
    }
    return false;
}

/// "in Papers, a.pdf"; empty: it is asked of everything.
std::string tiedTo(const RecallQuestion& question) {
    std::string places = visibleLine(question.collection);
    if (!question.path.empty()) {
        places += (places.empty() ? "" : ", ") + visibleLine(question.path);
    }
    return places.empty() ? "" : "in " + places;
}

int addQuestion(services::Services& services, const Arguments& arguments) {
    const std::vector<std::string>& plain = arguments.plain();
    if (plain.size() != 3) {
        note("conclave: recall add takes a question and words of the passage that must be found");
        return kWrongUsage;
    }
    RecallQuestion question{.question = plain[1], .quote = plain[2]};
    if (arguments.has("--document")) {
        auto path = documentNamed(services, arguments.text("--document"));
        if (!path) return failed(path.error());
        question.path = std::move(*path);
    }
    if (arguments.has("--collection")) {
        question.collection = arguments.text("--collection");
        const auto known = collectionsNamed(services, {question.collection});
        if (!known) return failed(known.error());
    }
    const auto isSaid = isSaidNow(services, question);
    if (!isSaid) return failed(isSaid.error());
    const auto id = services::wait<std::int64_t>(
        [&](auto reply) { services.addRecall(question, std::move(reply)); });
    if (!id) return failed(id.error());
    question.id = *id;
    if (!*isSaid) {
        note(
            "conclave: no document that is asked says these words now, so that `conclave recall "
            "run` will not find them; copy them from what `conclave search` shows, or read the "
            "document that has them with `conclave index`");
    }
    if (arguments.has("--json")) {
        printJson(questionToJson(question));
    } else {
        std::cout << "saved as " << *id << "; `conclave recall run` asks it\n";
    }
    return kSuccess;
}

int listQuestions(services::Services& services, bool isJson) {
    const auto questions = services::wait<std::vector<RecallQuestion>>(
        [&](auto reply) { services.recallQuestions(std::move(reply)); });
    if (!questions) return failed(questions.error());
    if (isJson) {
        nlohmann::json all = nlohmann::json::array();
        for (const RecallQuestion& each : *questions) all.push_back(questionToJson(each));
        printJson({{"questions", all}});
        return kSuccess;
    }
    constexpr std::size_t kQuoteLength = 100;
    for (const RecallQuestion& each : *questions) {
        std::cout << each.id << "  " << each.question << "\n   "
                  << dim("\"" + shortened(each.quote, kQuoteLength) + "\"");
        if (const std::string places = tiedTo(each); !places.empty()) {
            std::cout << "  " << dim(places);
        }
        std::cout << '\n';
    }
    if (questions->empty()) {
        note(
            "no saved questions; add one as in: conclave recall add \"Who keeps the keys?\" "
            "\"spare keys are kept by Marta\"");
    }
    return kSuccess;
}

int removeQuestion(services::Services& services, const Arguments& arguments) {
    const auto id = arguments.plain().size() == 2 ? parseNumber(arguments.plain()[1], true)
                                                  : std::optional<double>();
    if (!id) {
        note("conclave: recall remove takes the number of a question; recall list shows them");
        return kWrongUsage;
    }
    const auto removed = services::wait<void>([&](auto reply) {
        services.removeRecall(static_cast<std::int64_t>(*id), std::move(reply));
    });
    return removed ? kSuccess : failed(removed.error());
}

int runQuestions(services::Services& services, const Arguments& arguments) {
    constexpr int kDepth = 8;
    refresh(services, {});
    const auto report = services::wait<services::RecallReport>(
        [&](auto reply) { services.runRecall(arguments.integer("-k", kDepth), std::move(reply)); });
    if (!report) return failed(report.error());
    const auto recallOf = [](const services::RecallRun& run) {
        return run.nQuestions > 0 ? static_cast<double>(run.nFound) / run.nQuestions : 0.0;
    };
    if (arguments.has("--json")) {
        nlohmann::json results = nlohmann::json::array();
        for (const services::RecallResult& each : report->results) {
            nlohmann::json json = questionToJson(each.question);
            json["rank"] = each.rank > 0 ? nlohmann::json(each.rank) : nlohmann::json();
            if (!each.problem.empty()) json["problem"] = each.problem;
            results.push_back(std::move(json));
        }
        nlohmann::json json = {{"questions", report->run.nQuestions},
                               {"found", report->run.nFound},
                               {"recall", recallOf(report->run)},
                               {"mrr", report->run.mrr},
                               {"k", report->depth},
                               {"results", results},
                               {"before", nullptr}};
        if (report->before) {
            json["before"] = {{"questions", report->before->nQuestions},
                              {"found", report->before->nFound},
                              {"recall", recallOf(*report->before)},
                              {"mrr", report->before->mrr},
                              {"settings", report->before->settings}};
        }
        printJson(json);
    } else {
        for (const services::RecallResult& each : report->results) {
            const std::string place = each.rank > 0 ? "found at place " + std::to_string(each.rank)
                                      : each.problem.empty() ? "NOT FOUND"
                                                             : "NOT FOUND: " + each.problem;
            std::cout << each.question.id << "  " << each.question.question << "  " << dim(place)
                      << '\n';
        }
        std::cout << report->run.nFound << " of " << report->run.nQuestions
                  << " found among the best " << report->depth << ", MRR " << report->run.mrr;
        if (report->before) {
            std::cout << " (before: " << report->before->nFound << " of "
                      << report->before->nQuestions << ", MRR " << report->before->mrr << ")";
        }
        std::cout << '\n';
    }
    // For scripts: a question whose passage is not found is a failure.
    return report->run.nFound == report->run.nQuestions ? kSuccess : kFailure;
}

int recall(const Arguments& arguments) {
    const std::string& what = arguments.plain().front();
    if (what != "add" && what != "run" && what != "list" && what != "remove") {
        note("conclave: recall is add, run, list or remove, not " + what);
        return kWrongUsage;
    }
    const auto started = startServices(arguments, false);
    if (!started) return failed(started.error());
    services::Services& services = **started;
    if (what == "add") return addQuestion(services, arguments);
    if (what == "list") return listQuestions(services, arguments.has("--json"));
    if (what == "remove") return removeQuestion(services, arguments);
    return runQuestions(services, arguments);
}

}  // namespace

std::vector<Command> recallCommands() {
    using Kind = Option::Kind;
    return {{.name = "recall",
             .usage = "add QUESTION WORDS | run | list | remove N [OPTION…]",
             .summary = "keep questions with the passage that search must find, and score them",
             .details = "`run` fails if a passage is not among the best, and names the score of "
                        "the run before: ask again after every change of settings or model.",
             .example = "conclave recall add \"Who keeps the keys?\" \"keys are kept by Marta\"",
             .nLeast = 1,
             .nMost = 3,
             .options = {{"--collection", "NAME", "the question is asked of this collection"},
                         {"--document", "FILE",
                          "the passage must be in this document: its path, or its name"},
                         {"-k", "N", "passages looked at, 1 to 100 (8)", Kind::Integer, 1, 100}},
             .run = recall}};
}

}  // namespace conclave::terminal
