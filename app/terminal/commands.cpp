#include "app/terminal/commands.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <limits>

#include <poll.h>
#include <unistd.h>

#include "app/terminal/console.h"
#include "app/terminal/input.h"
#include "base/log.h"
#include "base/utf8.h"

namespace conclave::terminal {
namespace {

std::vector<Option> commonOptions() {
    return {
        {"--model", "NAME", "use this model, by name or file, for this run"},
        {"--threads", "N", "threads to compute with, 1 to 256", Option::Kind::Integer, 1, 256},
        {"--memory", "SIZE",
         "most memory for the model and its contexts, as 6G; larger models are read from the disk",
         Option::Kind::Size},
        {"--json", "", "print one JSON document", Option::Kind::Flag},
        {"--help", "", "show this", Option::Kind::Flag},
    };
}

void printHelp() {
    std::cout << "conclave: ask your own documents, on this computer alone\n\n"
                 "Usage: conclave COMMAND [ARGUMENT…] [OPTION…]\n\n";
    std::size_t width = 0;
    for (const Command& command : allCommands()) width = std::max(width, command.name.size());
    for (const Command& command : allCommands()) {
        std::cout << "  " << command.name << std::string(width - command.name.size() + 2, ' ')
                  << command.summary << '\n';
    }
    std::cout << "\n`conclave help COMMAND` says more.\n";
}

void printHelp(const Command& command, const std::vector<Option>& options) {
    std::cout << "conclave " << command.name << ": " << command.summary << "\n\nUsage: conclave "
              << command.name;
    if (!command.usage.empty()) std::cout << ' ' << command.usage;
    std::cout << "\n\n";
    if (!command.details.empty()) std::cout << command.details << "\n\n";
    const auto left = [](const Option& option) {
        std::string text(option.name);
        if (!option.valueName.empty()) text.append(" ").append(option.valueName);
        return text;
    };
    std::size_t width = 0;
    for (const Option& option : options) width = std::max(width, countCodePoints(left(option)));
    for (const Option& option : options) {
        const std::string name = left(option);
        std::cout << "  " << name << std::string(width - countCodePoints(name) + 2, ' ')
                  << option.help << '\n';
    }
    std::cout << "\nExample:\n  " << command.example << '\n';
}

int wrongUsage(const std::string& detail, std::string_view command) {
    note("conclave: " + detail);
    note("`conclave " + (command.empty() ? "" : std::string(command) + " ") +
         "--help` shows how it is used.");
    return kWrongUsage;
}

/// Whether what reads our output, such as `head`, has had enough of it.
bool hasReaderLeft() {
    pollfd output{STDOUT_FILENO, 0, 0};
    return ::poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

services::StartOptions startOptions(const Arguments& arguments) {
    services::StartOptions options;
    options.model = arguments.text("--model");
    options.nThreads = arguments.integer("--threads", 0);
    for (const std::string& each : arguments.list("--lora")) {
        options.adapters.push_back(adapterFrom(each).value_or(services::AdapterFile{each}));
    }
    options.memoryBytes = arguments.size("--memory");
    options.kvTypes = cacheTypesFrom(arguments);
    options.contextLength = arguments.integer("--ctx", 0);
    options.predicts = arguments.has("--speculate");
    return options;
}

}  // namespace

const std::vector<Command>& allCommands() {
    static const std::vector<Command> kCommands = [] {
        std::vector<Command> all;
        for (const auto& part :
             {chatCommands(), earlierChatCommands(), answerCommands(), documentCommands(),
              collectionCommands(), recallCommands(), modelCommands(), quantizeCommands(),
              engineCommands(), upkeepCommands()}) {
            all.insert(all.end(), part.begin(), part.end());
        }
        return all;
    }();
    return kCommands;
}

int runProgram(const std::vector<std::string>& arguments) {
    if (arguments.size() > 1 && arguments.front() == "help") {
        return runProgram({arguments[1], "--help"});
    }
    if (arguments.empty() || arguments.front() == "--help" || arguments.front() == "help") {
        printHelp();
        return arguments.empty() ? kWrongUsage : kSuccess;
    }
    const std::string& name = arguments.front();
    if (name == "--version") {
        std::cout << "conclave " CONCLAVE_VERSION "\n";
        return kSuccess;
    }
    const auto& commands = allCommands();
    const auto command = std::find_if(commands.begin(), commands.end(),
                                      [&](const Command& each) { return each.name == name; });
    if (command == commands.end()) {
        std::vector<std::string_view> names;
        for (const Command& each : commands) names.push_back(each.name);
        std::string detail = "there is no command " + name;
        if (const std::string_view guess = nearest(name, names); !guess.empty()) {
            detail += "; did you mean " + std::string(guess) + "?";
        }
        return wrongUsage(detail, {});
    }
    Signature signature{command->name, command->nLeast, command->nMost, command->options};
    for (const Option& option : commonOptions()) signature.options.push_back(option);
    const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
    if (std::find(rest.begin(), rest.end(), "--help") != rest.end()) {
        std::erase_if(signature.options, [&](const Option& option) {
            return command->isInteractive && option.name == "--json";
        });
        printHelp(*command, signature.options);
        return kSuccess;
    }
    const auto parsed = Arguments::parse(signature, rest);
    if (!parsed) return wrongUsage(parsed.error().detail, name);
    if (parsed->plain().size() < command->nLeast) {
        return wrongUsage(
            "something is missing: conclave " + name + " " + std::string(command->usage), name);
    }
    if (command->nMost == 0 && !parsed->plain().empty()) {
        return wrongUsage("\"" + parsed->plain().front() + "\" is too much: conclave " + name +
                              " " + std::string(command->usage),
                          name);
    }
    if (parsed->plain().size() > command->nMost) {
        return wrongUsage("\"" + parsed->plain()[command->nMost] +
                              "\" is too much (put text with spaces in quotation marks)",
                          name);
    }
    if (const auto checked = checkValues(*parsed); !checked) {
        return wrongUsage(checked.error().detail, name);
    }
    if (const auto places = findPlaces()) startLog({.file = places->logFile()});
    const int code = command->run(*parsed);
    if (!std::cout.flush()) {
        if (hasReaderLeft()) return kSuccess;
        note("conclave: the output could not be written; is the disk full?");
        return kFailure;
    }
    return code;
}

std::vector<Option> samplingOptions() {
    using Kind = Option::Kind;
    return {
        {"--temp", "T",
         "temperature, 0 to 100; 0 always takes the likeliest token, so that --seed and "
         "--mirostat change nothing",
         Kind::Number, 0, 100},
        {"--top-p", "P", "sample from the likeliest tokens with together this share, 0 to 1",
         Kind::Number, 0, 1},
        {"--top-k", "K", "sample from the K likeliest tokens; 0: from all", Kind::Integer, 0, 1e6},
        {"--min-p", "P", "leave out tokens below this share of the likeliest, 0 to 1", Kind::Number,
         0, 1},
        {"--repeat-penalty", "R", "make repeated tokens less likely, 0.1 to 10; 1: do not",
         Kind::Number, 0.1, 10},
        {"--repeat-last-n", "N", "tokens that penalties look back; -1: all", Kind::Integer, -1,
         1e6},
        {"--presence-penalty", "X", "make tokens that were there less likely, -10 to 10; 0: do not",
         Kind::Number, -10, 10},
        {"--frequency-penalty", "X", "likewise, for each time they were there", Kind::Number, -10,
         10},
        {"--typical-p", "P", "sample from tokens of average surprise with this share, 0 to 1",
         Kind::Number, 0, 1},
        {"--top-n-sigma", "N",
         "sample within N standard deviations of the likeliest, 0 to 100; "
         "0: do not",
         Kind::Number, 0, 100},
        {"--xtc-probability", "P", "how often the top choices are left out, 0 to 1", Kind::Number,
         0, 1},
        {"--xtc-threshold", "P", "probability from which a token is a top choice, 0 to 1",
         Kind::Number, 0, 1},
        {"--dry-multiplier", "X", "punish longer and longer repetitions, 0 to 100; 0: do not",
         Kind::Number, 0, 100},
        {"--dry-base", "X", "growth of that with each token, 1 to 100", Kind::Number, 1, 100},
        {"--dry-allowed-length", "N", "tokens that may be repeated freely, 0 to 1000",
         Kind::Integer, 0, 1000},
        {"--dry-penalty-last-n", "N", "tokens that DRY looks back; -1: all", Kind::Integer, -1,
         1e6},
        {"--dry-sequence-breaker", "TEXT",
         "end a repetition for DRY, in place of \\n : \" and *; may be given again; none: nothing "
         "does",
         Kind::Each},
        {"--logit-bias", "TOKEN=X",
         "add X, -100 to 100, to the logit of the token with this number, as 1234=-1.5, 1234-1.5 "
         "or "
         "1234+2; TOKEN=-inf: never; may be given again",
         Kind::Each},
        {"--dynatemp-range", "T", "let the temperature follow the entropy, up to T away, 0 to 100",
         Kind::Number, 0, 100},
        {"--dynatemp-exp", "X", "how it follows, 0 to 100", Kind::Number, 0, 100},
        {"--infill", "", "for prompts with a gap to fill in: end as soon as it is full",
         Kind::Flag},
        {"--adaptive-target", "P", "draw tokens of about this probability, 0 to 1; below 0: do not",
         Kind::Number, -1, 1},
        {"--adaptive-decay", "X", "how long earlier tokens count for that, 0 to 0.99", Kind::Number,
         0, 0.99},
        {"--mirostat", "N", "steer to a steady surprise, version 1 or 2; 0: do not", Kind::Integer,
         0, 2},
        {"--mirostat-ent", "X", "that surprise in bits, 0 to 100", Kind::Number, 0, 100},
        {"--mirostat-lr", "X", "how fast it is steered, 0 to 1", Kind::Number, 0, 1},
        {"--samplers", "A;B;…",
         "take the steps of sampling in this order, and no others; usually "
         "penalties;dry;top_n_sigma;top_k;typ_p;top_p;min_p;xtc;temperature"},
        {"--seed", "N", "draw the same way again, and as llama.cpp draws; 0 to 4294967294",
         Kind::Integer, 0, 4294967294},  // the next one stands for a random seed in llama.cpp
        {"--max-tokens", "N", "end the answer after N tokens, from 1", Kind::Integer, 1, 1e6},
    };
}

Option adapterOption() {
    return {"--lora", "FILE[=SCALE]",
            "change the model by this LoRA adapter, 1 times or SCALE times; may be given again",
            Option::Kind::Each};
}

Result<services::AdapterFile> adapterFrom(const std::string& given) {
    const std::size_t mark = given.find_last_of("=:");
    if (mark == std::string::npos) return services::AdapterFile{given};
    const std::string scale = given.substr(mark + 1);
    if (const auto number = parseNumber(scale, false)) {
        return services::AdapterFile{given.substr(0, mark), static_cast<float>(*number)};
    }
    std::error_code ignored;
    if (scale.find('/') != std::string::npos || std::filesystem::exists(given, ignored)) {
        return services::AdapterFile{given};
    }
    return fail(ErrorCode::InvalidArgument, "there is no file " + given + ", and as the scale of " +
                                                given.substr(0, mark) + " \"" + scale +
                                                "\" is no number; give one as " +
                                                given.substr(0, mark) + "=0.5");
}

Option toolsOption() {
    return {"--tools", "FILE",
            "offer the tools in this JSON list (OpenAI's form); calls are shown, none is run"};
}

void noteUnknownTools(const engine::Model& model, const nlohmann::ordered_json& tools) {
    if (tools.is_null()) return;
    const std::vector<engine::ChatMessage> messages = {{"user", "?"}};
    engine::ChatTemplateOptions options;
    options.variables["tools"] = tools;
    const auto with = model.renderChat(messages, options);
    const auto without = model.renderChat(messages);
    if (with && without && *with == *without) {
        note("conclave: the chat template of " + model.info().name +
             " knows no tools, so the model is not told of them");
    }
}

void noteUnknownTools(services::Services& services, const Arguments& arguments) {
    if (!arguments.has("--tools")) return;
    const auto tools = readTools(arguments.text("--tools"));
    const auto model = services.models().loaded();
    if (tools && model) noteUnknownTools(**model, *tools);
}

std::vector<Option> cacheOptions() {
    constexpr std::string_view kTypes = "f16|q8_0|q4_0";
    return {
        {"--cache-type-k", kTypes,
         "keep the keys of past tokens so; q8_0 takes 53 % of f16's memory, q4_0 28 %",
         Option::Kind::Choice},
        {"--cache-type-v", kTypes,
         "likewise their values; a model with latents (DeepSeek) keeps both as keys",
         Option::Kind::Choice},
    };
}

engine::KvTypes cacheTypesFrom(const Arguments& arguments) {
    const auto type = [&](std::string_view option) {
        return engine::kvTypeNamed(arguments.text(option)).value_or(engine::KvType::F16);
    };
    return {type("--cache-type-k"), type("--cache-type-v")};
}

Option expertsOption() {
    constexpr double kMost = 1024;
    return {
        "--experts",           "N", "experts for each token, from 1: fewer are faster and worse",
        Option::Kind::Integer, 1,   kMost};
}

std::vector<Option> speedOptions() {
    return {
        {"--speculate", "",
         "guess ahead while it saves time: from repeated text, and by the model's prediction layer "
         "if it has one; same result",
         Option::Kind::Flag},
        {"--draft", "FILE", "guess ahead with this small model of the same vocabulary"},
        expertsOption(),
    };
}

bool speculates(const Arguments& arguments) {
    return arguments.has("--speculate") || arguments.has("--draft");
}

Result<std::shared_ptr<const engine::Model>> draftFrom(const Arguments& arguments) {
    if (!arguments.has("--draft")) return nullptr;
    return engine::Model::load(arguments.text("--draft"),
                               engine::LoadOptions{.memoryBytes = arguments.size("--memory"),
                                                   .kvTypes = cacheTypesFrom(arguments)});
}

std::vector<Option> generationOptions() {
    constexpr double kMostTokens = std::numeric_limits<int>::max();
    return {
        {"--ctx", "N",
         "hold N tokens at a time, up to those that the model was made for, as --ctx 32768; "
         "without it as many of those as memory has room for",
         Option::Kind::Integer, 1, kMostTokens},
        {"--stop", "TEXT",
         "end the answer before this text, as --stop \"\\n\\n\"; may be given again",
         Option::Kind::Each},
    };
}

Result<void> checkContext(const engine::Model& model, const Arguments& arguments) {
    const int longest = model.info().contextLength;
    const int wanted = arguments.integer("--ctx", 0);
    if (wanted <= longest) return {};
    return fail(ErrorCode::InvalidArgument,
                "--ctx " + std::to_string(wanted) + " is more than the " + std::to_string(longest) +
                    " tokens that " + model.info().name +
                    " was made for; take at most those, or leave --ctx out");
}

namespace {

/// "\\n", as a shell passes it on, is a line feed.
std::string unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char next = i + 1 < text.size() ? text[i + 1] : '\0';
        if (text[i] != '\\' || std::string_view("nrt\\\"'").find(next) == std::string_view::npos) {
            plain += text[i];
            continue;
        }
        plain += next == 'n' ? '\n' : next == 'r' ? '\r' : next == 't' ? '\t' : next;
        ++i;
    }
    return plain;
}

/// "15043=-1.5", or as llama.cpp writes it, "15043-1.5" and "15043+1".
Result<std::pair<engine::TokenId, float>> logitBiasFrom(std::string_view given) {
    constexpr double kMostTokens = 1 << 24;
    constexpr double kMostBias = 100.0;
    const std::size_t mark = given.find_first_of("=+-");
    const auto token = parseNumber(given.substr(0, mark), true);
    if (token && *token >= 0 && *token < kMostTokens && mark != std::string_view::npos) {
        std::string_view value = given.substr(given[mark] == '-' ? mark : mark + 1);
        if (value.starts_with('+')) value.remove_prefix(1);
        const auto id = static_cast<engine::TokenId>(*token);
        if (value == "-inf") return std::pair(id, std::numeric_limits<float>::lowest());
        const auto bias = parseNumber(value, false);
        if (bias && std::abs(*bias) <= kMostBias) return std::pair(id, static_cast<float>(*bias));
    }
    return fail(
        ErrorCode::InvalidArgument,
        "--logit-bias wants a token's number and what to add, -100 to 100, as 1234=-1.5, not " +
            std::string(given) + "; `conclave tokenize --json` prints numbers");
}

Result<void> takeStepsAndBiases(const Arguments& arguments, engine::SamplerSettings& settings) {
    if (arguments.has("--samplers")) {
        auto steps = engine::parseSamplerSteps(arguments.text("--samplers"));
        if (!steps) {
            return fail(steps.error().code, "--samplers: " + steps.error().detail);
        }
        settings.steps = std::move(*steps);
    }
    for (const std::string& given : arguments.list("--logit-bias")) {
        const auto bias = logitBiasFrom(given);
        if (!bias) return tl::unexpected(bias.error());
        settings.logitBias.push_back(*bias);
    }
    return {};
}

}  // namespace

Result<void> checkValues(const Arguments& arguments) {
    engine::SamplerSettings unused;
    if (auto taken = takeStepsAndBiases(arguments, unused); !taken) return taken;
    for (const std::string& given : arguments.list("--lora")) {
        if (const auto adapter = adapterFrom(given); !adapter) {
            return fail(adapter.error().code, "--lora: " + adapter.error().detail);
        }
    }
    for (const std::string& text : stopsFrom(arguments)) {
        if (text.empty()) {
            return fail(ErrorCode::InvalidArgument,
                        "--stop needs a text that answers end before, as --stop \"END\"");
        }
    }
    return {};
}

std::vector<std::string> stopsFrom(const Arguments& arguments) {
    std::vector<std::string> stops;
    for (const std::string& text : arguments.list("--stop")) stops.push_back(unescaped(text));
    return stops;
}

bool givesSampling(const Arguments& arguments) {
    const std::vector<Option> options = samplingOptions();
    return std::any_of(options.begin(), options.end(), [&](const Option& option) {
        return option.name != "--max-tokens" && arguments.has(option.name);
    });
}

Result<engine::SamplerSettings> samplingFrom(const Arguments& arguments,
                                             engine::SamplerSettings settings) {
    const auto take = [&](std::string_view option, float& value) {
        if (const auto given = arguments.number(option)) value = static_cast<float>(*given);
    };
    take("--temp", settings.temperature);
    take("--top-p", settings.topP);
    take("--min-p", settings.minP);
    take("--repeat-penalty", settings.repeatPenalty);
    take("--presence-penalty", settings.presencePenalty);
    take("--frequency-penalty", settings.frequencyPenalty);
    take("--typical-p", settings.typicalP);
    take("--top-n-sigma", settings.topNSigma);
    take("--xtc-probability", settings.xtcProbability);
    take("--xtc-threshold", settings.xtcThreshold);
    take("--dry-multiplier", settings.dryMultiplier);
    take("--dry-base", settings.dryBase);
    take("--dynatemp-range", settings.temperatureRange);
    take("--dynatemp-exp", settings.temperatureExponent);
    take("--adaptive-target", settings.adaptiveTarget);
    take("--adaptive-decay", settings.adaptiveDecay);
    take("--mirostat-ent", settings.mirostatTau);
    take("--mirostat-lr", settings.mirostatEta);
    settings.topK = arguments.integer("--top-k", settings.topK);
    settings.penaltyWindow = arguments.integer("--repeat-last-n", settings.penaltyWindow);
    settings.dryAllowedLength =
        arguments.integer("--dry-allowed-length", settings.dryAllowedLength);
    settings.dryWindow = arguments.integer("--dry-penalty-last-n", settings.dryWindow);
    settings.infill = settings.infill || arguments.has("--infill");
    settings.mirostat = arguments.integer("--mirostat", settings.mirostat);
    if (const auto seed = arguments.number("--seed")) {
        settings.seed = static_cast<std::uint64_t>(*seed);
    }
    if (const auto given = arguments.list("--dry-sequence-breaker"); !given.empty()) {
        settings.dryBreakers.clear();
        for (const std::string& text : given) {
            if (text != "none") settings.dryBreakers.push_back(unescaped(text));
        }
    }
    const auto taken = takeStepsAndBiases(arguments, settings);
    if (!taken) return tl::unexpected(taken.error());
    const bool hasMirostat = arguments.has("--mirostat") && settings.mirostat > 0;
    const bool hasTemperature = std::find(settings.steps.begin(), settings.steps.end(),
                                          engine::SamplerStep::Temperature) != settings.steps.end();
    const bool isGreedy = settings.temperature <= 0.0f && settings.temperatureRange <= 0.0f &&
                          settings.xtcProbability <= 0.0f && (hasTemperature || hasMirostat);
    if (isGreedy && (hasMirostat || settings.seed)) {
        note("conclave: at temperature 0 the likeliest token is taken, and " +
             std::string(hasMirostat ? "--mirostat" : "--seed") +
             " changes nothing; give --temp, as --temp 0.8");
    }
    return settings;
}

namespace {

/// Says once what a model that is larger than the memory means for its answers, and, where there
/// are chats, one without a chat template.
Result<std::unique_ptr<services::Services>> withNotes(
    Result<std::unique_ptr<services::Services>> started, bool isForChats) {
    if (!started) return started;
    const auto tell = [](const std::string& text, std::string& told) {
        if (text.empty() || text == told) return;
        told = text;
        note(told);
    };
    (*started)->models().onStatus([=, told = std::string(), toldOfTemplate = std::string()](
                                      const services::ModelStatus& status) mutable {
        tell(status.note, told);
        if (isForChats) tell(status.templateNote, toldOfTemplate);
    });
    return started;
}

}  // namespace

Result<std::unique_ptr<services::Services>> startServices(const Arguments& arguments,
                                                          bool indexGuide, bool savesSessions) {
    services::StartOptions options = startOptions(arguments);
    options.savesSessions = savesSessions;
    options.nExpertsUsed = arguments.integer("--experts", 0);
    options.speculates = speculates(arguments);
    auto draft = draftFrom(arguments);
    if (!draft) return tl::unexpected(draft.error());
    options.draft = std::move(*draft);
    if (arguments.has("--tools")) {
        auto tools = readTools(arguments.text("--tools"));
        if (!tools) return tl::unexpected(tools.error());
        options.tools = std::move(*tools);
    }
    options.indexGuide = indexGuide;
    return withNotes(services::Services::start(options), true);
}

Result<void> checkNamedModel(services::Services& services, const Arguments& arguments) {
    const bool isNamed = arguments.has("--model") || arguments.has("--lora");
    if (!isNamed && !arguments.has("--ctx")) return {};
    const auto model = services.models().loaded();
    if (!model) return isNamed ? Result<void>(tl::unexpected(model.error())) : Result<void>();
    return checkContext(**model, arguments);
}

Result<std::unique_ptr<services::Services>> startForModel(const Arguments& arguments) {
    services::StartOptions options = startOptions(arguments);
    options.indexGuide = false;
    auto started = services::Services::start(options);
    if (started) return withNotes(std::move(started), false);
    log().warn("going on without the database: {}", started.error().detail);
    options.inMemory = true;
    return withNotes(services::Services::start(options), false);
}

}  // namespace conclave::terminal
