// `conclave models`: which models there are, and getting one.
#include <future>
#include <iostream>
#include <optional>

#include "app/terminal/commands.h"
#include "app/terminal/console.h"
#include "app/terminal/interrupt.h"
#include "app/terminal/output.h"

namespace conclave::terminal {
namespace fs = std::filesystem;
namespace {

constexpr double kMebi = 1024.0 * 1024.0;

nlohmann::json infoToJson(const engine::ModelInfo& info) {
    return {{"name", info.name},
            {"architecture", info.architecture},
            {"type", info.fileType},
            {"description", info.description},
            {"license", info.license},
            {"bytes", info.fileBytes},
            {"parameters", info.nParameters},
            {"active_parameters", info.nActiveParameters},
            {"context_length", info.contextLength},
            {"vocabulary_size", info.vocabularySize},
            {"layers", info.nLayers},
            {"experts", info.nExperts},
            {"experts_used", info.nExpertsUsed},
            {"embedder", info.isEmbedder},
            {"reranker", info.isReranker},
            {"chat_template", info.hasChatTemplate},
            {"turn_family", info.turnFamily},
            {"sampling", info.recommendedSampling}};
}

void printInfo(const engine::ModelInfo& info) {
    const auto count = [](std::uint64_t parameters) {
        constexpr double kMillion = 1e6;
        const double millions = static_cast<double>(parameters) / kMillion;
        // Small files are those of tests; "0.0 M" says nothing of them.
        return millions < 1.0 ? std::to_string(parameters) : rounded(millions) + " M";
    };
    std::cout << bold(info.name) << '\n';
    if (!info.description.empty()) std::cout << "  " << info.description << '\n';
    std::cout << "  " << info.architecture << ", " << info.fileType << ", "
              << rounded(static_cast<double>(info.fileBytes) / kMebi) << " MiB, licence "
              << (info.license.empty() ? "not given" : info.license) << "\n  "
              << count(info.nParameters) << " parameters in all tensors of the file, "
              << count(info.nActiveParameters) << " active for a token; " << info.nLayers
              << " layers";
    if (info.nExperts > 0) {
        std::cout << ", " << info.nExpertsUsed << " of " << info.nExperts << " experts";
    }
    std::cout << "\n  context " << info.contextLength << " tokens, vocabulary "
              << info.vocabularySize << '\n';
    if (const std::string text = services::recommendedSamplingText(info); !text.empty()) {
        std::cout << "  sampling that the file recommends: " << text << '\n';
    }
    if (const std::string problem = services::chatTemplateNote(info); !problem.empty()) {
        std::cout << "  " << problem << '\n';
    }
}

int list(services::Services& services, bool isJson) {
    const auto models = services::wait<std::vector<services::ModelEntry>>(
        [&](auto reply) { services.models().list(std::move(reply)); });
    if (!models) return failed(models.error());
    const fs::path inUse = services.models().status().model.file;
    nlohmann::json json = nlohmann::json::array();
    for (const services::ModelEntry& model : *models) {
        if (isJson) {
            nlohmann::json entry = infoToJson(model.info);
            entry["name"] = model.name;
            entry["file"] = model.file.string();
            entry["embedded"] = model.isEmbedded;
            entry["problem"] = model.problem;
            entry["in_use"] = model.file == inUse;
            json.push_back(std::move(entry));
        } else {
            std::string kind = model.info.isEmbedder   ? "  embedder"
                               : model.info.isReranker ? "  reranker"
                                                       : "";
            if (!model.info.fileType.empty()) kind += "  " + model.info.fileType;
            if (model.isEmbedded) kind += "  (comes with Conclave)";
            if (model.file == inUse) kind += "  in use";
            std::cout << bold(model.name) << kind << "  " << dim(model.file.string()) << '\n';
            if (!model.problem.empty() && !model.searches())
                std::cout << "  cannot be used: " << model.problem << '\n';
        }
    }
    if (isJson) printJson({{"models", json}});
    if (models->empty())
        note("there are no models; put GGUF files into " + services.places().models().string());
    return kSuccess;
}

nlohmann::json planToJson(const Result<engine::MemoryPlan>& plan) {
    if (!plan) return {{"fits", false}, {"problem", plan.error().detail}};
    return {{"fits", true},
            {"streams", plan->streams},
            {"weight_bytes", plan->weightBytes},
            {"resident_bytes", plan->residentBytes},
            {"expert_room_bytes", plan->expertRoomBytes},
            {"available_bytes", plan->availableBytes},
            {"resident_share_of_experts", plan->residentShare},
            {"read_bytes_per_token", plan->readBytesPerToken},
            {"disk_bytes_per_second", plan->diskBytesPerSecond},
            {"tokens_per_second", plan->tokensPerSecond}};
}

int adapterInfo(const engine::AdapterInfo& info, bool isJson) {
    if (isJson) {
        printJson({{"name", info.name},
                   {"adapter", "lora"},
                   {"architecture", info.architecture},
                   {"type", info.fileType},
                   {"bytes", info.fileBytes},
                   {"parameters", info.nParameters},
                   {"rank", info.rank},
                   {"changed_tensors", info.nTensors}});
        return kSuccess;
    }
    std::cout << bold(info.name) << "\n  LoRA adapter for models of the architecture "
              << info.architecture << ", rank " << info.rank << ", " << info.fileType << ", "
              << rounded(static_cast<double>(info.fileBytes) / kMebi) << " MiB\n  changes "
              << info.nTensors << " tensors by " << info.nParameters
              << " parameters; load its model, and give this file with --lora\n";
    return kSuccess;
}

int info(const std::string& file, std::uint64_t memoryBytes, bool isJson) {
    const auto adapter = engine::readAdapterInfo(file);
    if (!adapter) return failed(adapter.error());
    if (*adapter) return adapterInfo(**adapter, isJson);
    const auto read = engine::readModelInfo(file);
    if (!read) return failed(read.error());
    std::optional<Result<engine::MemoryPlan>> plan;
    if (!read->isEmbedder && !read->isReranker) plan = engine::planMemory(file, memoryBytes);
    const auto usable = engine::checkModel(file);
    if (isJson) {
        nlohmann::json json = infoToJson(*read);
        if (plan) json["memory"] = planToJson(*plan);
        json["problem"] = usable ? "" : usable.error().detail;
        printJson(json);
    } else {
        printInfo(*read);
        if (plan && usable) {
            std::cout << "  " << (*plan ? (*plan)->text() : plan->error().detail) << '\n';
        }
        if (!usable) std::cout << "  cannot be used: " << usable.error().detail << '\n';
    }
    return usable ? kSuccess : kFailure;
}

int verify(services::Services& services, const std::string& file, bool isJson) {
    std::optional<ProgressBar> bar("");
    const auto findings = services::wait<std::vector<services::Finding>>([&](auto reply) {
        services.models().verify(
            file,
            [&bar](double share) {
                bar->show(share);
                return !wasInterrupted();
            },
            std::move(reply));
    });
    bar.reset();
    if (!findings) return failed(findings.error());
    nlohmann::json json = nlohmann::json::array();
    bool isGood = true;
    for (const services::Finding& finding : *findings) {
        isGood = isGood && finding.ok;
        json.push_back(
            {{"ok", finding.ok}, {"subject", finding.subject}, {"detail", finding.detail}});
        if (!isJson) {
            std::cout << (finding.ok ? "ok       " : "PROBLEM  ") << finding.subject << ": "
                      << finding.detail << '\n';
        }
    }
    if (isJson) printJson({{"ok", isGood}, {"findings", json}});
    return isGood ? kSuccess : kFailure;
}

int pull(services::Services& services, const std::string& url, const std::string& hash,
         bool isJson) {
    const auto bar = std::make_shared<ProgressBar>("");
    const auto file = services::wait<fs::path>([&](auto reply) {
        services.models().pull(
            url, hash,
            [bar](std::uint64_t done, std::uint64_t total) {
                const double share =
                    total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0.0;
                bar->show(share, std::to_string(done >> 20u) + " of " +
                                     std::to_string(total >> 20u) + " MiB");
                return !wasInterrupted();
            },
            std::move(reply));
    });
    if (!file) return failed(file.error());
    std::error_code ignored;
    if (isJson) {
        printJson({{"file", file->string()}, {"bytes", fs::file_size(*file, ignored)}});
    } else {
        std::cout << file->string() << '\n';
    }
    return kSuccess;
}

int done(const Result<void>& result, std::string_view key, const std::string& value, bool isJson) {
    if (!result) return failed(result.error());
    if (isJson) {
        printJson({{std::string(key), value}});
    } else {
        std::cout << key << ": " << value << '\n';
    }
    return kSuccess;
}

/// `name`: "default" for the embedder that comes with Conclave.
int useEmbedder(services::Services& services, const std::string& name, bool isJson) {
    const auto bar = std::make_shared<ProgressBar>("");
    const auto chosen = services::wait<std::string>([&](auto reply) {
        services.chooseEmbedder(
            name == "default" ? "" : name,
            [bar](int done, int all) {
                bar->show(static_cast<double>(done) / std::max(all, 1),
                          std::to_string(done) + " of " + std::to_string(all) + " passages");
                return !wasInterrupted();
            },
            std::move(reply));
    });
    if (!chosen) return failed(chosen.error());
    return done({}, "embedder", *chosen, isJson);
}

/// `name`: "none" for none.
int useReranker(services::Services& services, const std::string& name, bool isJson) {
    const auto chosen = services::wait<std::string>(
        [&](auto reply) { services.chooseReranker(name == "none" ? "" : name, std::move(reply)); });
    if (!chosen) return failed(chosen.error());
    return done({}, "reranker", chosen->empty() ? "none" : *chosen, isJson);
}

int models(const Arguments& arguments) {
    const bool isJson = arguments.has("--json");
    const std::string what = arguments.plain().front();
    const bool hasValue = arguments.plain().size() > 1;
    const std::string value = hasValue ? arguments.plain()[1] : std::string();
    const std::vector<std::string_view> known = {"list", "info", "verify",   "pull",    "remove",
                                                 "add",  "use",  "embedder", "reranker"};
    if (std::find(known.begin(), known.end(), what) == known.end()) {
        const std::string_view guess = nearest(what, known);
        std::string hint = "; it can";
        for (const std::string_view each : known) hint.append(" ").append(each);
        if (!guess.empty()) hint = "; did you mean " + std::string(guess) + "?";
        note("conclave: models cannot " + what + hint);
        return kWrongUsage;
    }
    if (hasValue == (what == "list")) {
        note("conclave: " + (hasValue ? "models list takes nothing more"
                                      : "models " + what + " needs to know which one"));
        return kWrongUsage;
    }
    if (what == "info") return info(value, arguments.size("--memory"), isJson);

    const auto started = startServices(arguments, false);
    if (!started) return failed(started.error());
    services::Services& services = **started;
    if (what == "list") return list(services, isJson);
    if (what == "verify") return verify(services, value, isJson);
    if (what == "pull") return pull(services, value, arguments.text("--sha256"), isJson);
    if (what == "remove") {
        return done(services::wait<void>(
                        [&](auto reply) { services.models().remove(value, std::move(reply)); }),
                    "removed", value, isJson);
    }
    if (what == "add") {
        const auto added = services::wait<std::vector<services::ModelEntry>>(
            [&](auto reply) { services.models().add(value, std::move(reply)); });
        return done(added ? Result<void>{} : tl::unexpected(added.error()), "added", value, isJson);
    }
    if (what == "embedder") return useEmbedder(services, value, isJson);
    if (what == "reranker") return useReranker(services, value, isJson);
    const auto chosen = services::wait<services::ModelEntry>(
        [&](auto reply) { services.models().choose(value, std::move(reply)); });
    if (!chosen) return failed(chosen.error());
    return done({}, "using", chosen->name, isJson);
}

}  // namespace

std::vector<Command> modelCommands() {
    return {
        {.name = "models",
         .usage = "list | info FILE | verify FILE | add PATH | use NAME | embedder NAME | "
                  "reranker NAME | pull URL | remove NAME",
         .summary = "list, check, add, choose, download and remove models",
         .details =
             "  list      all models that can be chosen\n"
             "  info      what a GGUF file says about itself, and how it would fit in memory; of "
             "a\n"
             "            model in several files (NAME-00001-of-00003.gguf) give any of them\n"
             "  verify    check a file's header, the bounds of every tensor, its tokenizer and "
             "chat\n"
             "            template, that all weights are finite numbers, and its hash; of a split\n"
             "            model all parts, also of an adapter\n"
             "  add       make a GGUF file or a folder of them choosable where it is\n"
             "  use       answer with this model from now on\n"
             "  embedder  search by meaning with this one from now on, once its vectors are made;\n"
             "            `default` is the one that comes with Conclave\n"
             "  reranker  let this model order the best passages of a search; `none` for none\n"
             "  pull      download a model; the only use of the network. Goes on where it stopped\n"
             "  remove    forget an added file or folder, or delete a pulled file",
         .example = "conclave models pull https://example.org/model.gguf --sha256 HASH",
         .nLeast = 1,
         .nMost = 2,
         .options = {{"--sha256", "HASH", "keep a pulled file only if it has this hash"}},
         .run = models}};
}

}  // namespace conclave::terminal
