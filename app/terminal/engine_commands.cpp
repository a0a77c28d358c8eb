// Commands that work with the model directly: tokenize, detokenize, logits, generate, perplexity.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <iterator>
#include <sstream>
#include <thread>

#include "app/terminal/bench.h"
#include "app/terminal/commands.h"
#include "app/terminal/console.h"
#include "app/terminal/input.h"
#include "app/terminal/interrupt.h"
#include "app/terminal/output.h"
#include "base/utf8.h"

namespace conclave::terminal {
namespace {

using engine::TokenId;

/// A loaded model, with the services that keep it.
struct Loaded {
    std::unique_ptr<services::Services> services;
    std::shared_ptr<const engine::Model> model;
};

Result<Loaded> loadModel(const Arguments& arguments) {
    auto services = startForModel(arguments);
    if (!services) return tl::unexpected(services.error());
    auto model = (*services)->models().loaded();
    if (!model) return tl::unexpected(model.error());
    return Loaded{std::move(*services), std::move(*model)};
}

std::string standardInput() { return {std::istreambuf_iterator<char>(std::cin), {}}; }

/// Token ids from "1, 2 3", "[1,2,3]" or {"ids":[1,2,3]}.
Result<std::vector<TokenId>> parseIds(const std::string& text, int vocabularySize) {
    std::string list = text;
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_object() && json.contains("ids")) list = json["ids"].dump();
    // Between two commas there is an id missing.
    bool afterComma = false;
    for (const char c : list) {
        if (c == ',' && afterComma) {
            return fail(ErrorCode::InvalidArgument, "a token id is missing between two commas");
        }
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r') afterComma = c == ',';
    }
    std::replace_if(
        list.begin(), list.end(), [](char c) { return c == ',' || c == '[' || c == ']'; }, ' ');
    std::istringstream words(list);
    std::vector<TokenId> ids;
    for (std::string word; words >> word;) {
        const auto id = parseNumber(word, true);
        if (!id || *id < 0 || *id >= vocabularySize) {
            return fail(ErrorCode::InvalidArgument,
                        "\"" + word + "\" is not a token id of this model (0 to " +
                            std::to_string(vocabularySize - 1) + ")");
        }
        ids.push_back(static_cast<TokenId>(*id));
    }
    return ids;
}

/// Tokens of a raw prompt; a BOS that the text spells out is not doubled.
std::vector<TokenId> promptTokens(const engine::Model& model, const std::string& text) {
    std::vector<TokenId> plain = model.tokenize(text, {.addBos = false, .parseSpecial = true});
    std::vector<TokenId> tokens = model.tokenize(text, {.addBos = true, .parseSpecial = true});
    const bool isDoubled =
        tokens.size() > plain.size() && !plain.empty() && tokens.front() == plain.front();
    return isDoubled ? plain : tokens;
}

/// Says so where the template leaves out what tools gave.
void noteUnreadResults(const engine::Model& model, engine::ChatTemplateOptions options) {
    constexpr const char* kMark = "conclave-result";
    bool hasResults = false;
    for (auto& message : options.variables["messages"]) {
        if (message["role"] != "tool") continue;
        message["content"] = kMark;
        hasResults = true;
    }
    if (!hasResults) return;
    const auto text = model.renderChat({}, options);
    if (text && text->find(kMark) == std::string::npos) {
        note("conclave: the chat template of " + model.info().name +
             " leaves out what tools gave, so the model does not read it");
    }
}

/// Says so where the template leaves out what the user said last.
void noteUnreadQuestion(const engine::Model& model, engine::ChatTemplateOptions options) {
    constexpr const char* kMark = "conclave-question";
    auto& messages = options.variables["messages"];
    const auto last = std::find_if(messages.rbegin(), messages.rend(),
                                   [](const auto& each) { return each["role"] == "user"; });
    if (last == messages.rend()) return;
    (*last)["content"] = kMark;
    const auto text = model.renderChat({}, options);
    if (text && text->find(kMark) == std::string::npos) {
        note("conclave: the chat template of " + model.info().name +
             " leaves out what the user said last, so the model does not read it");
    }
}

/// Tokens of a conversation, with these tools to call (null: none).
Result<std::vector<TokenId>> chatTokens(const engine::Model& model, nlohmann::ordered_json messages,
                                        const nlohmann::ordered_json& tools) {
    engine::ChatTemplateOptions options;
    options.variables["messages"] = std::move(messages);
    if (!tools.is_null()) options.variables["tools"] = tools;
    if (const std::string problem = services::chatTemplateNote(model.info()); !problem.empty()) {
        note(model.info().name + " " + problem);
    }
    noteUnknownTools(model, tools);
    noteUnreadQuestion(model, options);
    noteUnreadResults(model, options);
    return model.tokenizeChat({}, options);
}

/// The vocabulary of the chosen model, which may be one that only searches.
Result<std::shared_ptr<const engine::ModelVocabulary>> vocabularyFrom(const Arguments& arguments) {
    const auto services = startForModel(arguments);
    if (!services) return tl::unexpected(services.error());
    const auto file = (*services)->models().chosenFile();
    if (!file) return tl::unexpected(file.error());
    return engine::ModelVocabulary::load(*file);
}

int tokenize(const Arguments& arguments) {
    const auto vocabulary = vocabularyFrom(arguments);
    if (!vocabulary) return failed(vocabulary.error());
    const bool special = !arguments.has("--no-special");
    const auto ids =
        (*vocabulary)->tokenize(standardInput(), {.addBos = special, .parseSpecial = special});
    if (arguments.has("--json")) {
        printJson({{"ids", ids}});
    } else {
        for (std::size_t i = 0; i < ids.size(); ++i) std::cout << (i > 0 ? " " : "") << ids[i];
        std::cout << '\n';
    }
    return kSuccess;
}

int detokenize(const Arguments& arguments) {
    const auto vocabulary = vocabularyFrom(arguments);
    if (!vocabulary) return failed(vocabulary.error());
    const auto ids = parseIds(standardInput(), (*vocabulary)->info().vocabularySize);
    if (!ids) return failed(ids.error());
    const std::string text = (*vocabulary)->detokenize(*ids, !arguments.has("--no-special"));
    if (arguments.has("--json")) {
        printJson({{"text", text}});
    } else {
        std::cout << text;
    }
    return kSuccess;
}

/// Natural logarithms of the probabilities that logits stand for.
std::vector<double> logProbabilities(std::span<const float> logits) {
    const double highest = *std::max_element(logits.begin(), logits.end());
    double sum = 0.0;
    for (const float logit : logits) sum += std::exp(logit - highest);
    const double shift = highest + std::log(sum);
    std::vector<double> result(logits.size());
    std::transform(logits.begin(), logits.end(), result.begin(),
                   [&](float logit) { return logit - shift; });
    return result;
}

nlohmann::json bestTokens(std::span<const float> logits, std::size_t nBest) {
    const std::vector<double> logprobs = logProbabilities(logits);
    std::vector<TokenId> ids(logits.size());
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<TokenId>(i);
    nBest = std::min(nBest, ids.size());
    const auto at = [&](TokenId id) { return logprobs[static_cast<std::size_t>(id)]; };
    std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(nBest), ids.end(),
                      [&](TokenId a, TokenId b) { return at(a) != at(b) ? at(a) > at(b) : a < b; });
    nlohmann::json best = nlohmann::json::array();
    for (std::size_t i = 0; i < nBest; ++i) best.push_back({ids[i], at(ids[i])});
    return best;
}

int logits(const Arguments& arguments) {
    const auto loaded = loadModel(arguments);
    if (!loaded) return failed(loaded.error());
    const engine::Model& model = *loaded->model;
    const auto ids = parseIds(arguments.text("--tokens"), model.info().vocabularySize);
    if (!ids) return failed(ids.error());
    if (ids->empty()) {
        note("conclave: logits needs --tokens, as --tokens 1,2,3");
        return kWrongUsage;
    }
    const auto session =
        engine::Session::create(loaded->model, {.contextLength = static_cast<int>(ids->size()),
                                                .nThreads = arguments.integer("--threads", 0),
                                                .kvType = cacheTypesFrom(arguments),
                                                .adapters = loaded->services->models().adapters()});
    if (!session) return failed(session.error());
    constexpr int kTop = 10;
    const auto nBest = static_cast<std::size_t>(arguments.integer("--top", kTop));
    nlohmann::json positions = nlohmann::json::array();
    const auto done = (*session)->evaluate(*ids, [&](int, std::span<const float> row) {
        positions.push_back({{"top", bestTokens(row, nBest)}});
    });
    if (!done) return failed(done.error());
    if (arguments.has("--json")) {
        printJson({{"positions", positions}});
        return kSuccess;
    }
    for (std::size_t i = 0; i < positions.size(); ++i) {
        std::cout << i << ":";
        for (const auto& [id, logprob] :
             positions[i]["top"].get<std::vector<std::pair<TokenId, double>>>()) {
            std::cout << "  " << id << " " << logprob;
        }
        std::cout << '\n';
    }
    return kSuccess;
}

/// {"id","token","bytes","logprob"}: the token as OpenAI lists it, and its number. Where a token
/// ends inside a character, its text has U+FFFD there and the bytes tell what it is.
nlohmann::json logprobToJson(const engine::Model& model, const engine::TokenLogprob& each) {
    const std::string text = model.tokenText(each.token);
    nlohmann::json bytes = nlohmann::json::array();
    for (const char c : text) bytes.push_back(static_cast<unsigned char>(c));
    return {{"id", each.token},
            {"token", toValidUtf8(text)},
            {"bytes", std::move(bytes)},
            {"logprob", each.logprob}};
}

/// OpenAI's list: each token with its "top_logprobs".
nlohmann::json logprobsToJson(const engine::Model& model,
                              const std::vector<engine::ChosenLogprobs>& all) {
    nlohmann::json list = nlohmann::json::array();
    for (const engine::ChosenLogprobs& each : all) {
        nlohmann::json entry = logprobToJson(model, each.chosen);
        entry["top_logprobs"] = nlohmann::json::array();
        for (const engine::TokenLogprob& other : each.likeliest) {
            entry["top_logprobs"].push_back(logprobToJson(model, other));
        }
        list.push_back(std::move(entry));
    }
    return list;
}

int generate(const Arguments& arguments) {
    const int nSources = static_cast<int>(arguments.has("--prompt")) +
                         static_cast<int>(arguments.has("--prompt-file")) +
                         static_cast<int>(arguments.has("--messages")) +
                         static_cast<int>(arguments.has("--tokens"));
    if (nSources != 1) {
        note("conclave: generate needs one of --prompt, --prompt-file, --messages and --tokens");
        return kWrongUsage;
    }
    if (arguments.has("--logprobs") && !arguments.has("--json")) {
        note("conclave: --logprobs are shown with --json only");
        return kWrongUsage;
    }
    const bool isChat =
        arguments.has("--chat") || arguments.has("--tools") || arguments.has("--messages");
    if (isChat && arguments.has("--tokens")) {
        note(
            "conclave: --tokens are taken as they are; --chat and --tools need --prompt or "
            "--messages");
        return kWrongUsage;
    }
    nlohmann::ordered_json messages;
    if (arguments.has("--messages")) {
        auto read = readMessages(arguments.text("--messages"));
        if (!read) return failed(read.error());
        messages = std::move(*read);
    }
    nlohmann::ordered_json tools;
    if (arguments.has("--tools")) {
        auto read = readTools(arguments.text("--tools"));
        if (!read) return failed(read.error());
        tools = std::move(*read);
    }
    const auto loaded = loadModel(arguments);
    if (!loaded) return failed(loaded.error());
    const engine::Model& model = *loaded->model;
    if (const auto fits = checkContext(model, arguments); !fits) return failed(fits.error());

    engine::GenerateRequest request;
    if (arguments.has("--tokens")) {
        auto ids = parseIds(arguments.text("--tokens"), model.info().vocabularySize);
        if (!ids) return failed(ids.error());
        request.prompt = std::move(*ids);
    } else {
        Result<std::string> text = arguments.text("--prompt");
        if (arguments.has("--prompt-file")) text = readFile(arguments.text("--prompt-file"));
        if (!text) return failed(text.error());
        if (messages.is_null()) {
            messages = nlohmann::ordered_json::array({{{"role", "user"}, {"content", *text}}});
        }
        auto prompt =
            isChat ? chatTokens(model, std::move(messages), tools) : promptTokens(model, *text);
        if (!prompt) return failed(prompt.error());
        request.prompt = std::move(*prompt);
    }
    constexpr int kMaxTokens = 256;
    const CancelOnInterrupt cancel;
    const bool isJson = arguments.has("--json");
    auto sampling = samplingFrom(arguments, services::defaultSampling(model.info()));
    if (!sampling) return failed(sampling.error());
    request.sampling = std::move(*sampling);
    request.maxTokens = arguments.integer("--max-tokens", kMaxTokens);
    request.stop = stopsFrom(arguments);
    request.ignoreEndOfTurn = arguments.has("--ignore-eos");
    request.cancel = cancel.token();
    const auto parser = model.outputParser(request.prompt, tools);
    request.showControlTokens = isChat && parser->needsControlTokens();
    if (!isJson) {
        request.onText = [&, nShown = std::size_t{0}](std::string_view piece) mutable {
            if (isChat) {
                parser->add(piece);
                piece = std::string_view(parser->output().content).substr(nShown);
                nShown += piece.size();
            }
            std::cout << piece << std::flush;
        };
    }
    request.nLogprobs = arguments.integer("--logprobs", -1);
    request.speculate = speculates(arguments);
    engine::SessionOptions options{.contextLength = arguments.integer("--ctx", 0),
                                   .nThreads = arguments.integer("--threads", 0),
                                   .nExpertsUsed = arguments.integer("--experts", 0),
                                   .kvType = cacheTypesFrom(arguments),
                                   .adapters = loaded->services->models().adapters()};
    auto draft = draftFrom(arguments);
    if (!draft) return failed(draft.error());
    options.draft = std::move(*draft);
    const auto session = engine::Session::create(loaded->model, options);
    if (!session) return failed(session.error());
    const auto result = (*session)->generate(request);
    if (!result) return failed(result.error());
    if (isJson) {
        nlohmann::json json = {{"text", result->text},
                               {"tokens", result->tokens},
                               {"finish_reason", engine::finishReasonName(result->reason)},
                               {"seed", result->seed},
                               {"usage", services::usageToJson(result->usage)}};
        json.update(services::partsToJson(
            model, request.prompt,
            parser->needsControlTokens() ? model.detokenize(result->tokens, true) : result->text,
            tools.is_null() ? nlohmann::ordered_json::array() : tools));
        if (request.nLogprobs >= 0) json["logprobs"] = logprobsToJson(model, result->logprobs);
        printJson(json);
    } else {
        const std::size_t nShown = parser->output().content.size();
        parser->finish();
        std::cout << std::string_view(parser->output().content).substr(nShown) << '\n';
        for (const engine::ToolCall& call : parser->output().toolCalls) {
            std::cout << "tool call: " << call.name << ' ' << call.arguments << '\n';
        }
    }
    return result->reason == engine::FinishReason::Cancelled ? kFailure : kSuccess;
}

int perplexity(const Arguments& arguments) {
    const std::string& path = arguments.plain().front();
    const auto text = readFile(path);
    if (!text) return failed(text.error());
    if (text->find('\0') != std::string::npos) {
        return failed(
            {ErrorCode::InvalidArgument,
             path + " is not plain text; `conclave extract FILE` prints a document's text"});
    }
    const auto loaded = loadModel(arguments);
    if (!loaded) return failed(loaded.error());
    const engine::Model& model = *loaded->model;
    std::vector<TokenId> tokens = model.tokenize(*text);
    if (tokens.size() < 2) {
        return failed({ErrorCode::InvalidArgument, "the text is too short to be measured"});
    }
    // A text of one window is scored whole; a longer one as llama.cpp does: windows that do not
    // overlap, each begun anew with BOS, and only its second half scored.
    constexpr int kContext = 512;
    const auto window = static_cast<std::size_t>(
        arguments.integer("--ctx", std::min(kContext, model.info().contextLength)));
    const bool isOneWindow = tokens.size() <= window;
    const std::size_t length = std::min(window, tokens.size());
    const auto bare = model.tokenize(*text, {.addBos = false});
    const bool hasBos = bare.size() < tokens.size();
    const TokenId bos = tokens.front();
    const auto session =
        engine::Session::create(loaded->model, {.contextLength = static_cast<int>(length),
                                                .nThreads = arguments.integer("--threads", 0),
                                                .nExpertsUsed = arguments.integer("--experts", 0),
                                                .kvType = cacheTypesFrom(arguments),
                                                .adapters = loaded->services->models().adapters()});
    if (!session) return failed(session.error());

    const CancelOnInterrupt cancel;
    ProgressBar bar("");
    double sum = 0.0;
    int nScored = 0;
    for (std::size_t start = 0; start + length <= tokens.size(); start += length) {
        std::vector<TokenId> part(tokens.begin() + static_cast<std::ptrdiff_t>(start),
                                  tokens.begin() + static_cast<std::ptrdiff_t>(start + length));
        if (hasBos) part.front() = bos;
        const std::size_t firstScored = isOneWindow ? 0 : length / 2;
        const auto done = (*session)->evaluate(
            part,
            [&](int position, std::span<const float> row) {
                const auto at = static_cast<std::size_t>(position);
                if (at < firstScored || at + 1 >= part.size()) return;
                const double highest = *std::max_element(row.begin(), row.end());
                double total = 0.0;
                for (const float logit : row) total += std::exp(logit - highest);
                sum += row[static_cast<std::size_t>(part[at + 1])] - highest - std::log(total);
                ++nScored;
            },
            cancel.token());
        if (!done) return failed(done.error());
        bar.show(static_cast<double>(start + length) / static_cast<double>(tokens.size()));
    }
    const double value = std::exp(-sum / std::max(nScored, 1));
    if (arguments.has("--json")) {
        printJson({{"perplexity", value}, {"tokens", nScored}});
    } else {
        std::cout << "perplexity " << value << " over " << nScored << " tokens\n";
    }
    return kSuccess;
}

}  // namespace

std::vector<Command> engineCommands() {
    using Kind = Option::Kind;
    const Option noSpecial{"--no-special", "", "text only: no BOS, no control tokens", Kind::Flag};
    std::vector<Option> generateOptions = {
        {"--prompt", "TEXT", "continue this text"},
        {"--prompt-file", "FILE", "continue the text in this file; - is standard input"},
        {"--tokens", "1,2,3", "continue these tokens"},
        {"--chat", "", "answer the prompt by the model's chat template", Kind::Flag},
        {"--messages", "FILE",
         "go on with the conversation in this JSON list of messages, tools' results among them"},
        toolsOption(),
        {"--logprobs", "N", "with --json: each token's N likeliest alternatives, 0 to 1000",
         Kind::Integer, 0, 1000},
        adapterOption(),
        {"--ignore-eos", "", "go on past the end of the model's turn", Kind::Flag},
    };
    for (const Option& option : speedOptions()) generateOptions.push_back(option);
    for (const Option& option : cacheOptions()) generateOptions.push_back(option);
    for (const Option& option : generationOptions()) generateOptions.push_back(option);
    for (const Option& option : samplingOptions()) generateOptions.push_back(option);
    const auto withCache = [](std::vector<Option> options) {
        for (const Option& option : cacheOptions()) options.push_back(option);
        return options;
    };
    return {
        {.name = "tokenize",
         .usage = "< TEXT",
         .summary = "show the tokens of a text",
         .details =
             "By the vocabulary of the chosen model, or of any file that --model names: also "
             "of one that only searches.",
         .example = "echo -n Hello | conclave tokenize --json",
         .nLeast = 0,
         .nMost = 0,
         .options = {noSpecial},
         .run = tokenize},
        {.name = "detokenize",
         .usage = "< IDS",
         .summary = "show the text of tokens",
         .details = "Reads ids apart by spaces or commas, or what tokenize --json prints.",
         .example = "echo 1 575 6051 | conclave detokenize",
         .nLeast = 0,
         .nMost = 0,
         .options = {noSpecial},
         .run = detokenize},
        {.name = "logits",
         .usage = "--tokens 1,2,3 [OPTION…]",
         .summary = "show the likeliest next tokens at every position",
         .details = {},
         .example = "conclave logits --tokens 1,4,6106 --top 5 --json",
         .nLeast = 0,
         .nMost = 0,
         .options = withCache(
             {{"--tokens", "1,2,3", "the tokens to look at"},
              {"--top", "N", "tokens shown a position, 1 to 100000", Kind::Integer, 1, 1e5},
              adapterOption()}),
         .run = logits},
        {.name = "generate",
         .usage = "--prompt TEXT [OPTION…]",
         .summary = "continue a text, without a chat around it",
         .details =
             "With --chat or --tools the prompt is what a user says. Calls of tools are shown "
             "below the answer, and as tool_calls with --json; none is run. To give a tool's "
             "result back, put the conversation so far into a file for --messages:\n"
             "  [{\"role\":\"user\",\"content\":\"Will it rain in Rome?\"},\n"
             "   {\"role\":\"assistant\",\"tool_calls\":[{\"name\":\"weather\",\"arguments\":"
             "{\"city\":\"Rome\"}}]},\n"
             "   {\"role\":\"tool\",\"content\":\"{\\\"rain\\\":true}\"}]",
         .example = "conclave generate --prompt \"Once upon a time\" --temp 0",
         .nLeast = 0,
         .nMost = 0,
         .options = generateOptions,
         .run = generate},
        {.name = "perplexity",
         .usage = "FILE [OPTION…]",
         .summary = "measure how well the model predicts a text",
         .details = "A text longer than --ctx is cut into windows, and the second half of each is "
                    "scored, as llama.cpp does.",
         .example = "conclave perplexity book.txt --ctx 512 --json",
         .nLeast = 1,
         .nMost = 1,
         .options = withCache({{"--ctx", "N", "tokens of a window, from 3", Kind::Integer, 3, 1e6},
                               expertsOption(),
                               adapterOption()}),
         .run = perplexity},
        {.name = "bench",
         .usage = "[OPTION…]",
         .summary = "measure how fast the model is",
         .details = {},
         .example = "conclave bench -p 512 -n 128 -r 5 --json",
         .nLeast = 0,
         .nMost = 0,
         .options =
             withCache({{"-p", "N", "tokens of prefill, 0 to skip it", Kind::Integer, 0, 1e6},
                        {"-n", "N", "tokens of decode, 0 to skip it", Kind::Integer, 0, 1e6},
                        {"-d", "N", "tokens in the context before either", Kind::Integer, 0, 1e6},
                        {"-t", "N", "threads, 1 to 256", Kind::Integer, 1, 256},
                        {"-r", "N", "repeats, 1 to 1000", Kind::Integer, 1, 1000},
                        expertsOption(),
                        {"--reuse", "",
                         "also the time to the first token of two questions on one "
                         "context of -p tokens",
                         Kind::Flag},
                        {"--reopen", "",
                         "also what saving and restoring a context of -p tokens takes, against "
                         "computing it",
                         Kind::Flag}}),
         .run = benchCommand},
    };
}

}  // namespace conclave::terminal
