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
//   embed FILE    {"tokens":[…]} with the model's marks  ->  {"vector"}, or a score of one value
//   quantize      {"in","out","type"}                   ->  {} or {"error"}
//
// "classless" are the characters that our Unicode tables do not know, which a reference with newer
// ones may.
#include <iostream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
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
    if (mode == "logits" && argc == 3) {
        const auto model = engine::Model::load(argv[2]);
        if (!model) {
            std::cerr << "error: " << model.error().detail << '\n';
            return 1;
        }
        answerLines([&](const ordered_json& request) { return logits(*model, request); });
        return 0;
    }
    std::cerr << "usage: text_runner render | parse | quantize | tokens FILE.gguf | words NAME | "
                 "logits FILE.gguf | embed FILE.gguf\n";
    return 2;
} catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
}
