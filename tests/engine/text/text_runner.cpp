// text_runner: what the template and tokenizer campaigns compare the JavaScript references with.
// One JSON document a line in, one a line out.
//
//   text_runner render           {"template","bos","eos","variables"}  ->  {"text"} or {"error"}
//   text_runner tokens FILE.gguf {"text","special"}  ->  {"ids","decoded","classless"}
//
// "classless" are the characters that our Unicode tables do not know, which a reference with newer
// ones may.
#include <iostream>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "engine/gguf/gguf_file.h"
#include "engine/tokenizer/char_class.h"
#include "engine/tokenizer/chat_template.h"
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

ordered_json tokens(const engine::Tokenizer& tokenizer, const ordered_json& request) {
    const bool special = request.value("special", false);
    const auto text = request.at("text").get<std::string>();
    const auto ids = tokenizer.encode(text, {.addBos = false, .parseSpecial = special});
    std::string classless;
    for (std::size_t position = 0; position < text.size();) {
        const char32_t c = conclave::nextCodePoint(text, position);
        if (engine::charClass(c) == 0) conclave::appendUtf8(classless, c);
    }
    return {{"ids", ids}, {"decoded", tokenizer.decode(ids, true)}, {"classless", classless}};
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
    std::cerr << "usage: text_runner render | text_runner tokens FILE.gguf\n";
    return 2;
} catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
}
