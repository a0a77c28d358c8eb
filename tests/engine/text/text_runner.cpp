// text_runner: what the campaigns of templates, tokenizers and logits compare references with.
// One JSON document a line in, one a line out.
//
//   render        {"template","bos","eos","variables"}  ->  {"text"} or {"error"}
//   parse         {"template","prompt","text","tools"}  ->  {"reasoning","content","calls"}
//   tokens FILE   {"text","special"}                    ->  {"ids","decoded","classless"}; "bytes"
//                                                           are a text in hexadecimal digits
//   words NAME    {"text"}                              ->  {"words","classless"}, as cut by the
//                                                           pre-tokenizer of that name
//   logits FILE   {"tokens"}                            ->  {"rows","columns"}, and before that
//   line
//                                                           rows * columns floats of this machine
//   cache FILE    {"tokens","keys","values","scratch"}  ->  {"divergences","differences","shared"}:
//                                                           from a KV cache in F16 to one of these
//                                                           types, what did not give the bits of a
//                                                           new session, and tokens that one took
//                                                           from another; "scratch" is a file
//   embed FILE    {"tokens":[…]} with the model's marks  ->  {"vector"}, or a score of one value
//   quantize      {"in","out","type"}                   ->  {} or {"error"}
//
// "classless" are the characters that our Unicode tables do not know, which a reference with newer
// ones may.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "engine/encoder/encoder_model.h"
#include "engine/engine.h"
#include "engine/gguf/gguf_file.h"
#include "engine/kernels/kernels.h"
#include "engine/tokenizer/char_class.h"
#include "engine/tokenizer/chat_template.h"
#include "engine/tokenizer/output/output_parser.h"
#include "engine/tokenizer/pre_tokenizer.h"
#include "engine/tokenizer/tokenizer.h"

namespace {

using nlohmann::ordered_json;
namespace engine = conclave::engine;

ordered_json render(const ordered_json& request) {
    const auto parsed =
        engine::ChatTemplate::parse(request.at("template").get<std::string>(),
                                    request.value("bos", ""), request.value("eos", ""));
    if (!parsed) return {{"error", parsed.error().detail}};
    engine::ChatTemplateOptions options;
    options.variables = request.at("variables");
    const auto parts = (*parsed)->render({}, options);
    if (!parts) return {{"error", parts.error().detail}};
    std::string text;
    for (const engine::PromptPart& part : *parts) text += part.text;
    return {{"text", text}};
}

ordered_json parse(const ordered_json& request) {
    const auto chatTemplate = request.at("template").get<std::string>();
    const engine::ChatFormat format = engine::detectChatFormat(chatTemplate);
    const auto prompt = request.at("prompt").get<std::string>();
    const auto parser = engine::makeOutputParser(
        format, {.isThinking = engine::opensThought(format, prompt), .tools = request.at("tools")});
    parser->add(request.at("text").get<std::string>());
    parser->finish();
    const engine::ChatOutput& output = parser->output();
    ordered_json calls = ordered_json::array();
    for (const engine::ToolCall& call : output.toolCalls) {
        calls.push_back({{"name", call.name}, {"arguments", call.arguments}});
    }
    return {{"reasoning", output.reasoning}, {"content", output.content}, {"calls", calls}};
}

std::string classlessOf(std::string_view text) {
    std::string classless;
    for (std::size_t position = 0; position < text.size();) {
        const char32_t c = conclave::nextCodePoint(text, position);
        if (engine::charClass(c) == 0) conclave::appendUtf8(classless, c);
    }
    return classless;
}

std::string textOf(const ordered_json& request) {
    if (!request.contains("bytes")) return request.at("text").get<std::string>();
    const auto digits = request.at("bytes").get<std::string>();
    std::string bytes;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
    }
    return bytes;
}

ordered_json tokens(const engine::Tokenizer& tokenizer, const ordered_json& request) {
    const bool special = request.value("special", false);
    const std::string text = textOf(request);
    const auto ids = tokenizer.encode(text, {.addBos = false, .parseSpecial = special});
    return {
        {"ids", ids}, {"decoded", tokenizer.decode(ids, true)}, {"classless", classlessOf(text)}};
}

ordered_json words(const engine::PreTokenizer& preTokenizer, const ordered_json& request) {
    const auto text = request.at("text").get<std::string>();
    ordered_json found = ordered_json::array();
    preTokenizer.split(text, [&](std::string_view word) { found.push_back(word); });
    return {{"words", found}, {"classless", classlessOf(text)}};
}

/// The logits behind every token, as raw floats: a text form of them would take longer to read than
/// they take to compute.
ordered_json logits(const std::shared_ptr<const engine::Model>& model,
                    const ordered_json& request) {
    const auto ids = request.at("tokens").get<std::vector<engine::TokenId>>();
    const auto session =
        engine::Session::create(model, {.contextLength = static_cast<int>(ids.size()) + 1});
    if (!session) throw std::runtime_error(session.error().detail);
    const auto done = (*session)->evaluate(ids, [](int, std::span<const float> row) {
        std::cout.write(reinterpret_cast<const char*>(row.data()),
                        static_cast<std::streamsize>(row.size_bytes()));
    });
    if (!done) throw std::runtime_error(done.error().detail);
    return {{"rows", ids.size()}, {"columns", model->info().vocabularySize}};
}

template <typename Value>
Value orThrow(conclave::Result<Value> result) {
    if (!result) throw std::runtime_error(result.error().detail);
    return std::move(*result);
}

/// Logits of all tokens in a row, by a new session.
std::vector<float> allLogits(const std::shared_ptr<const engine::Model>& model,
                             const std::vector<engine::TokenId>& tokens,
                             const engine::SessionOptions& options) {
    const auto session = orThrow(engine::Session::create(model, options));
    std::vector<float> all;
    const auto done = session->evaluate(tokens, [&](int, std::span<const float> row) {
        all.insert(all.end(), row.begin(), row.end());
    });
    if (!done) throw std::runtime_error(done.error().detail);
    return all;
}

std::vector<double> divergences(std::span<const float> from, std::span<const float> to,
                                std::size_t columns) {
    const auto logSum = [](std::span<const float> row) {
        const double largest = *std::max_element(row.begin(), row.end());
        double sum = 0.0;
        for (const float logit : row) sum += std::exp(logit - largest);
        return largest + std::log(sum);
    };
    std::vector<double> all;
    for (std::size_t at = 0; at < from.size(); at += columns) {
        const auto p = from.subspan(at, columns);
        const auto q = to.subspan(at, columns);
        const double pSum = logSum(p);
        const double qSum = logSum(q);
        all.push_back(0.0);
        for (std::size_t i = 0; i < columns; ++i) {
            all.back() += std::exp(p[i] - pSum) * ((p[i] - pSum) - (q[i] - qSum));
        }
    }
    return all;
}

/// A greedy answer of a few tokens with their log-probabilities, which show the cache's bits.
engine::GenerateResult answerOf(engine::Session& session,
                                const std::vector<engine::TokenId>& prompt) {
    engine::GenerateRequest request;
    request.prompt = prompt;
    request.sampling.temperature = 0.0f;
    request.maxTokens = 6;
    request.ignoreEndOfTurn = true;
    request.nLogprobs = 5;
    return orThrow(session.generate(request));
}

bool isSame(const engine::GenerateResult& a, const engine::GenerateResult& b) {
    const auto bits = [](const engine::GenerateResult& answer) {
        std::vector<std::pair<engine::TokenId, float>> all;
        for (const engine::ChosenLogprobs& each : answer.logprobs) {
            for (const auto& [token, logprob] : each.likeliest) all.emplace_back(token, logprob);
        }
        return all;
    };
    return a.tokens == b.tokens && !a.logprobs.empty() && bits(a) == bits(b);
}

ordered_json cache(const std::shared_ptr<const engine::Model>& model, const ordered_json& request) {
    const auto tokens = request.at("tokens").get<std::vector<engine::TokenId>>();
    engine::SessionOptions plain{.contextLength = static_cast<int>(tokens.size()) + 32,
                                 .nThreads = 1};
    engine::SessionOptions options = plain;
    options.kvType = {engine::kvTypeNamed(request.at("keys").get<std::string>()).value(),
                      engine::kvTypeNamed(request.at("values").get<std::string>()).value()};
    ordered_json differences = ordered_json::array();
    const auto expect = [&](bool isRight, const std::string& what) {
        if (!isRight) differences.push_back(what);
    };

    const std::vector<float> logits = allLogits(model, tokens, options);
    for (const auto& [batch, nThreads] : {std::pair(1, 1), {7, 2}, {64, 3}, {256, 1}}) {
        engine::SessionOptions other = options;
        other.batchTokens = batch;
        other.nThreads = nThreads;
        expect(
            allLogits(model, tokens, other) == logits,
            "batches of " + std::to_string(batch) + " on " + std::to_string(nThreads) + " threads");
    }

    const auto fresh = orThrow(engine::Session::create(model, options));
    const engine::GenerateResult answer = answerOf(*fresh, tokens);
    // The same after another prompt with the same beginning.
    std::vector<engine::TokenId> begun(
        tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(tokens.size() / 2));
    begun.insert(begun.end(), 9, tokens[1]);
    const auto used = orThrow(engine::Session::create(model, options));
    (void)answerOf(*used, begun);
    expect(isSame(answerOf(*used, tokens), answer), "a session that was used");
    // From what another session left, and from what was saved.
    engine::SessionOptions sharing = options;
    sharing.sharesPrefixes = true;
    (void)answerOf(*orThrow(engine::Session::create(model, sharing)), tokens);
    const auto shared = answerOf(*orThrow(engine::Session::create(model, sharing)), tokens);
    expect(isSame(shared, answer), "a shared prefix");
    const auto file = request.at("scratch").get<std::string>();
    const auto saved = fresh->save(file);
    if (!saved) throw std::runtime_error(saved.error().detail);
    const auto restored = orThrow(engine::Session::create(model, options));
    expect(restored->restore(file).has_value(), "a saved session is not restored");
    // A recurrent state cannot be cut back, so the prompt goes on behind it.
    std::vector<engine::TokenId> further = tokens;
    further.insert(further.end(), answer.tokens.begin(), answer.tokens.end());
    further.push_back(tokens[2]);
    const auto again = answerOf(*restored, further);
    expect(isSame(again, answerOf(*orThrow(engine::Session::create(model, options)), further)),
           "a saved session");
    expect(again.usage.cachedTokens >= static_cast<int>(tokens.size()), "nothing saved was used");
    expect(!orThrow(engine::Session::create(model, plain))->restore(file),
           "a saved session is restored with other types");
    return {{"divergences", divergences(allLogits(model, tokens, plain), logits,
                                        static_cast<std::size_t>(model->info().vocabularySize))},
            {"differences", differences},
            {"shared", shared.usage.cachedTokens}};
}

ordered_json embed(const engine::EncoderModel& model, const ordered_json& request) {
    const std::vector<std::vector<engine::TokenId>> texts{request.at("tokens")};
    std::vector<float> vector(static_cast<std::size_t>(model.outputDim()));
    model.run(texts, vector);
    return {{"vector", vector}};
}

ordered_json quantize(const ordered_json& request) {
    engine::QuantizeOptions options;
    options.type = request.at("type").get<std::string>();
    options.allowRequantize = true;
    const auto done = engine::quantizeModel(request.at("in").get<std::string>(),
                                            request.at("out").get<std::string>(), options);
    return done ? ordered_json::object() : ordered_json{{"error", done.error().detail}};
}

template <typename Answer>
void answerLines(Answer&& answer) {
    std::string line;
    while (std::getline(std::cin, line)) {
        const ordered_json reply = answer(ordered_json::parse(line));
        std::cout << reply.dump(-1, ' ', false, ordered_json::error_handler_t::replace) << '\n';
    }
}

}  // namespace

int main(int argc, char** argv) try {
    std::ios::sync_with_stdio(false);
    const std::string_view mode = argc > 1 ? argv[1] : "";
    if (mode == "render" && argc == 2) {
        answerLines(render);
        return 0;
    }
    if (mode == "parse" && argc == 2) {
        answerLines(parse);
        return 0;
    }
    if (mode == "quantize" && argc == 2) {
        answerLines(quantize);
        return 0;
    }
    if (mode == "tokens" && argc == 3) {
        const auto file = engine::GgufFile::open(argv[2]);
        if (!file) {
            std::cerr << "error: " << file.error().detail << '\n';
            return 1;
        }
        const auto tokenizer = engine::Tokenizer::load(*file);
        if (!tokenizer) {
            std::cerr << "error: " << tokenizer.error().detail << '\n';
            return 1;
        }
        answerLines([&](const ordered_json& request) { return tokens(**tokenizer, request); });
        return 0;
    }
    if (mode == "words" && argc == 3) {
        const auto preTokenizer = engine::PreTokenizer::find(argv[2]);
        if (!preTokenizer) {
            std::cerr << "error: " << preTokenizer.error().detail << '\n';
            return 1;
        }
        answerLines([&](const ordered_json& request) { return words(*preTokenizer, request); });
        return 0;
    }
    if (mode == "embed" && argc == 3) {
        const auto model = engine::GgufFile::open(argv[2]).and_then([](engine::GgufFile&& file) {
            return engine::EncoderModel::load(std::move(file), engine::kernels());
        });
        if (!model) {
            std::cerr << "error: " << model.error().detail << '\n';
            return 1;
        }
        answerLines([&](const ordered_json& request) { return embed(**model, request); });
        return 0;
    }
    if ((mode == "logits" || mode == "cache") && argc == 3) {
        const auto model = engine::Model::load(argv[2]);
        if (!model) {
            std::cerr << "error: " << model.error().detail << '\n';
            return 1;
        }
        answerLines([&](const ordered_json& request) {
            return mode == "cache" ? cache(*model, request) : logits(*model, request);
        });
        return 0;
    }
    std::cerr << "usage: text_runner render | parse | quantize | tokens FILE.gguf | words NAME | "
                 "logits FILE.gguf | cache FILE.gguf | embed FILE.gguf\n";
    return 2;
} catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
}
