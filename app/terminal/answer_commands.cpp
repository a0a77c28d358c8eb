// `conclave ask`, and what it shares with `conclave chat`.
#include <atomic>
#include <filesystem>
#include <future>
#include <iostream>

#include "app/terminal/asking.h"
#include "app/terminal/commands.h"
#include "app/terminal/console.h"
#include "app/terminal/interrupt.h"
#include "app/terminal/output.h"
#include "base/visible_text.h"

namespace conclave::terminal {
namespace fs = std::filesystem;
namespace {

constexpr auto kPoll = std::chrono::milliseconds(20);

/// Waits for `future`, and calls `onInterrupt` once when Ctrl-C is pressed.
template <typename T>
T waitFor(std::future<T> future, const std::function<void()>& onInterrupt) {
    bool isTold = false;
    while (future.wait_for(kPoll) != std::future_status::ready) {
        if (wasInterrupted() && !isTold) {
            isTold = true;
            onInterrupt();
        }
    }
    return future.get();
}

/// Without an option the wording of the question decides.
services::Scope scopeFrom(const Arguments& arguments) {
    if (arguments.has("--everything")) return services::Scope::Everything;
    return arguments.has("--passages") ? services::Scope::Passages : services::Scope::Automatic;
}

/// Written by Conclave itself, which shows documents in its Markdown.
bool isOfConclave(const services::Message& answer) {
    return answer.details && (services::listsPassages(*answer.details) ||
                              answer.details->finishReason == services::kSurveyReason);
}

int ask(const Arguments& arguments) {
    const bool isJson = arguments.has("--json");
    const std::string& question = arguments.plain().front();
    if (question.find_first_not_of(" \t\r\n") == std::string::npos) {
        note("conclave: the question is empty; ask as in: conclave ask \"Who keeps the keys?\"");
        return kWrongUsage;
    }
    if (arguments.has("--everything") && arguments.has("--passages")) {
        note("conclave: --everything and --passages exclude each other");
        return kWrongUsage;
    }
    if (const auto filter = filterFrom(arguments); !filter) {
        note("conclave: " + filter.error().detail);
        return kWrongUsage;
    }
    const std::vector<std::string> docs = arguments.list("--docs");
    const bool usesRetrieval = !arguments.has("--no-retrieval");
    if (arguments.has("--only-documents") && !usesRetrieval) {
        note("conclave: --only-documents and --no-retrieval exclude each other");
        return kWrongUsage;
    }
    const auto started = startServices(arguments, usesRetrieval && docs.empty());
    if (!started) return failed(started.error());
    services::Services& services = **started;
    if (const auto found = checkNamedModel(services, arguments); !found) {
        return failed(found.error());
    }

    auto settings = settingsFrom(services, arguments);
    if (!settings) return failed(settings.error());
    if (!docs.empty() && usesRetrieval) {
        const auto read = readDocs(services, docs, *settings);
        if (!read) return failed(read.error());
    } else if (usesRetrieval) {
        refresh(services, settings->collections.value_or(std::vector<services::CollectionId>{}));
    }
    services::ChatId chat = 0;
    const auto answer = runAnswer(
        services,
        [&](services::AnswerEvents events) {
            services::SendRequest request;
            request.text = question;
            request.settings = *settings;
            request.retrieval = usesRetrieval;
            request.scope = scopeFrom(arguments);
            request.isOneOff = !arguments.has("--save");
            services.chats().send(std::move(request), std::move(events));
        },
        !isJson, &chat);
    // A question from a script is no conversation to come back to.
    if (!arguments.has("--save") && chat != 0) {
        const auto removed = services::wait<void>(
            [&](auto reply) { services.chats().forget(chat, std::move(reply)); });
        if (!removed) note("conclave: " + removed.error().detail);
    }
    if (!answer) return failed(answer.error());
    noteUnknownTools(services, arguments);
    if (isJson) {
        Positions positions(services);
        printJson(answerToJson(*answer, positions));
    } else {
        printCitations(*answer);
        // An answer without a text of the model's own says so itself.
        if (!answer->details || !services::listsPassages(*answer->details)) {
            noteDemonstration(services);
        }
    }
    return answer->state == services::MessageState::Stopped ? kFailure : kSuccess;
}

}  // namespace

Result<services::Message> runAnswer(services::Services& services, const StartAnswer& start,
                                    bool isShown, services::ChatId* startedChat) {
    auto promise = std::make_shared<std::promise<Result<services::Message>>>();
    std::future<Result<services::Message>> future = promise->get_future();
    const auto chat = std::make_shared<std::atomic<services::ChatId>>(0);
    const auto shown = std::make_shared<std::string>();
    const auto show = [shown, isShown](const std::string& text) {
        if (!isShown || text == *shown) return;
        // What is on the terminal stays there: a text that another replaces is followed by it.
        const bool goesOn = text.starts_with(*shown);
        if (!goesOn && shown->starts_with(text)) return;
        std::cout << (goesOn ? std::string_view(text).substr(shown->size()) : "\n\n" + text)
                  << std::flush;
        *shown = text;
    };
    services::AnswerEvents events;
    events.onStarted = [chat](const services::Chat& of, const auto&, const auto&) {
        *chat = of.id;
    };
    const auto bar = std::make_shared<std::optional<ProgressBar>>();
    const auto isSurveying = std::make_shared<std::atomic<bool>>(false);
    events.onStage = [bar, isSurveying](const services::AnswerStage& stage) {
        using Kind = services::AnswerStage::Kind;
        *isSurveying = stage.kind == Kind::Surveying;
        if (*isSurveying || stage.kind == Kind::LoadingModel || stage.kind == Kind::Reading) {
            if (!*bar) bar->emplace("");
            (*bar)->show(stage.progress, stage.kind == Kind::Surveying ? "reading everything"
                                         : stage.kind == Kind::Reading ? "reading"
                                                                       : "loading the model");
        } else {
            bar->reset();
        }
    };
    events.onText = [&services, show, isSurveying](const std::string& text, double) {
        // A survey's text so far is replaced by its result: the bar says it meanwhile. So may what
        // a demonstration model writes be, and it is written in a moment, unless it is long.
        constexpr std::size_t kShortAnswer = 600;  // bytes; it writes 120 tokens unless told to
        const bool mayBeReplaced = text.size() <= kShortAnswer &&
                                   services::isDemonstration(services.models().status().model.info);
        if (!*isSurveying && !mayBeReplaced) show(text);
    };
    events.onFinished = [promise, show, bar](Result<services::Message> result) {
        bar->reset();
        if (result)
            show(isOfConclave(*result) ? services::withoutEscapes(result->text) : result->text);
        promise->set_value(std::move(result));
    };
    start(std::move(events));
    auto result = waitFor(std::move(future), [&] { services.chats().stop(*chat); });
    if (startedChat != nullptr) *startedChat = *chat;
    if (isShown && result) std::cout << '\n' << std::flush;
    if (result && result->state == services::MessageState::Stopped) note("(stopped)");
    if (result && result->details &&
        result->details->finishReason ==
            engine::finishReasonName(engine::FinishReason::MaxTokens)) {
        note("(cut at the limit of its length; --max-tokens N allows more)");
    }
    if (result && result->details &&
        result->details->finishReason ==
            engine::finishReasonName(engine::FinishReason::ContextFull)) {
        note("(cut where the context is full; --ctx N takes a longer one)");
    }
    if (const int nDropped = result && result->details
                                 ? result->details->usage.value(services::kDroppedTurnsKey, 0)
                                 : 0;
        nDropped > 0) {
        note("(not read for want of room in the context: the oldest " +
             services::counted(nDropped, "question", "questions") +
             " of this chat with their answers; /context tells how long it is)");
    }
    return result;
}

Result<std::vector<services::CollectionId>> collectionsNamed(
    services::Services& services, const std::vector<std::string>& names) {
    const auto all = services::wait<std::vector<services::Collection>>(
        [&](auto reply) { services.collections().list(std::move(reply)); });
    if (!all) return tl::unexpected(all.error());
    std::vector<services::CollectionId> ids;
    for (const std::string& name : names) {
        const auto found = std::find_if(all->begin(), all->end(),
                                        [&](const auto& each) { return each.name == name; });
        if (found == all->end()) {
            std::string known;
            for (const auto& each : *all) known += (known.empty() ? "" : ", ") + each.name;
            return fail(ErrorCode::NotFound, "there is no collection \"" + name + "\"; there is: " +
                                                 (known.empty() ? "none" : known));
        }
        ids.push_back(found->id);
    }
    return ids;
}

std::vector<Option> filterOptions() {
    using Kind = Option::Kind;
    return {{"--file", "NAME…",
             "only files of these names, or ends of paths; * and ? as in a shell", Kind::List},
            {"--type", "ENDING…", "only files of these types, as in pdf docx", Kind::List},
            {"--since", "DATE", "only files changed on this day or later, as in 2026-01-31"},
            {"--until", "DATE", "only files changed on this day or earlier"}};
}

Result<services::DocumentFilter> filterFrom(const Arguments& arguments) {
    services::DocumentFilter filter{.files = arguments.list("--file"),
                                    .types = arguments.list("--type"),
                                    .since = arguments.text("--since"),
                                    .until = arguments.text("--until")};
    for (const std::string& day : {filter.since, filter.until}) {
        if (day.empty() || services::DocumentFilter::dayOf(day)) continue;
        return fail(ErrorCode::InvalidArgument,
                    "dates are written as in 2026-01-31, not \"" + day + "\"");
    }
    return filter;
}

Result<services::ChatSettings> settingsFrom(services::Services& services,
                                            const Arguments& arguments,
                                            services::ChatSettings settings) {
    auto filter = filterFrom(arguments);
    if (!filter) return tl::unexpected(filter.error());
    if (!filter->isEmpty()) settings.filter = std::move(*filter);
    if (arguments.has("--system")) settings.systemPrompt = arguments.text("--system");
    if (arguments.has("--max-tokens")) settings.maxTokens = arguments.integer("--max-tokens", 0);
    if (arguments.has("--ctx")) settings.contextLength = arguments.integer("--ctx", 0);
    if (arguments.has("--stop")) settings.stop = stopsFrom(arguments);
    if (const auto names = arguments.list("--collection"); !names.empty()) {
        auto ids = collectionsNamed(services, names);
        if (!ids) return tl::unexpected(ids.error());
        settings.collections = std::move(*ids);
    }
    if (arguments.has("--only-documents")) settings.onlyDocuments = true;
    if (arguments.has("--as-written")) settings.readsFollowUps = false;
    if (givesSampling(arguments)) {
        engine::SamplerSettings before;
        if (settings.sampling) {
            before = *settings.sampling;
        } else if (const auto model = services.models().loaded()) {
            before = services::defaultSampling((*model)->info());
        }
        auto sampling = samplingFrom(arguments, before);
        if (!sampling) return tl::unexpected(sampling.error());
        settings.sampling = std::move(*sampling);
    }
    return settings;
}

Result<void> readDocs(services::Services& services, const std::vector<std::string>& docs,
                      services::ChatSettings& settings) {
    const auto report = runIndexing(services, [&](auto reply) {
        services.collections().indexPaths({docs.begin(), docs.end()}, std::move(reply));
    });
    if (!report) return tl::unexpected(report.error());
    if (report->stopped) {
        return fail(ErrorCode::Cancelled,
                    "stopped while reading; the same command goes on from here");
    }
    for (const auto& [path, error] : report->failed) {
        note("conclave: " + visibleLine(path.string() + " could not be read: " + error));
    }
    if (report->documents == 0) {
        std::string where;
        for (const std::string& path : docs) where.append(where.empty() ? "" : ", ").append(path);
        return fail(ErrorCode::NotFound,
                    where +
                        " holds no documents that can be read; `conclave index --help` tells "
                        "how folders are read, and `conclave extract FILE` what is in a file");
    }
    if (!settings.collections) settings.collections.emplace();
    settings.collections->push_back(report->collection);
    return {};
}

void refresh(services::Services& services, const std::vector<services::CollectionId>& collections) {
    std::vector<services::CollectionId> ids = collections;
    if (ids.empty()) {
        const auto all = services::wait<std::vector<services::Collection>>(
            [&](auto reply) { services.collections().list(std::move(reply)); });
        if (!all) return;
        for (const services::Collection& each : *all) ids.push_back(each.id);
    }
    for (const services::CollectionId id : ids) {
        const auto report = runIndexing(services, [&](auto reply) {
            services.collections().update(id, false, std::move(reply));
        });
        if (!report) note("conclave: " + report.error().detail);
    }
}

Result<services::IndexReport> runIndexing(
    services::Services& services,
    const std::function<void(services::Reply<services::IndexReport>)>& start) {
    const auto bar = std::make_shared<ProgressBar>("");
    const auto collection = std::make_shared<std::atomic<services::CollectionId>>(0);
    services.collections().onProgress([bar, collection](const services::IndexProgress& progress) {
        *collection = progress.collection;
        const double done = progress.filesTotal > 0
                                ? static_cast<double>(progress.filesDone) / progress.filesTotal
                                : 0.0;
        if (progress.filesTotal > 0) bar->show(done, "reading " + progress.currentFile);
    });
    auto promise = std::make_shared<std::promise<Result<services::IndexReport>>>();
    auto future = promise->get_future();
    start(
        [promise](Result<services::IndexReport> report) { promise->set_value(std::move(report)); });
    auto report = waitFor(std::move(future), [&] { services.collections().stop(*collection); });
    services.collections().onProgress({});
    return report;
}

void noteDemonstration(services::Services& services) {
    const services::ModelStatus status = services.models().status();
    if (status.state != services::ModelStatus::State::Ready ||
        !services::isDemonstration(status.model.info)) {
        return;
    }
    note("\n" + status.model.name +
         " is a small demonstration model: it quotes from documents and knows nothing else. For "
         "real answers add a GGUF model: `conclave models --help`.");
}

std::vector<Command> answerCommands() {
    using Kind = Option::Kind;
    std::vector<Option> options = {
        {"--docs", "PATH…", "ask about these files and folders (read first, reused if unchanged)",
         Kind::List},
        {"--collection", "NAME…", "ask these collections; all if neither this nor --docs is given",
         Kind::List},
        {"--no-retrieval", "", "ask the model alone", Kind::Flag},
        {"--only-documents", "", "answer nothing that the documents do not say", Kind::Flag},
        {"--everything", "", "read every passage: for counts, lists, comparisons and summaries",
         Kind::Flag},
        {"--passages", "", "read the passages that fit best, even if the question says \"all\"",
         Kind::Flag},
        {"--save", "", "keep question and answer as a chat, for `chat` and the window", Kind::Flag},
        {"--system", "TEXT", "the system prompt"},
        adapterOption(),
        toolsOption(),
    };
    for (const Option& option : filterOptions()) options.push_back(option);
    for (const Option& option : speedOptions()) options.push_back(option);
    for (const Option& option : cacheOptions()) options.push_back(option);
    for (const Option& option : generationOptions()) options.push_back(option);
    for (const Option& option : samplingOptions()) options.push_back(option);
    return {{.name = "ask",
             .usage = "QUESTION [OPTION…]",
             .summary = "answer one question from your documents",
             .details = "Nothing of question and answer is kept, unless --save is given. What was "
                        "read of --docs is, for the next question.",
             .example = "conclave ask \"Who keeps the spare keys?\" --docs ~/notes --json",
             .nLeast = 1,
             .nMost = 1,
             .options = options,
             .run = ask}};
}

}  // namespace conclave::terminal
