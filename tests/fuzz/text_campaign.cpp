// Damaged prompts and chat templates through tokenizers and the Jinja interpreter.
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "engine/gguf/gguf_file.h"
#include "engine/tokenizer/chat_template.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/fuzz/mutator.h"
#include "tests/support/golden.h"

namespace conclave {
namespace {

using engine::ChatTemplate;
using engine::TokenId;
using engine::Tokenizer;
using test::Mutator;

constexpr int kInputs = 10'000;

std::unique_ptr<const Tokenizer> loadTokenizer(const std::filesystem::path& path) {
    const auto file = engine::GgufFile::open(path);
    if (!file) return nullptr;
    auto tokenizer = Tokenizer::load(*file);
    return tokenizer ? std::move(*tokenizer) : nullptr;
}

/// Time since it was made, against the limit.
class Watch {
public:
    [[nodiscard]] bool inTime() const {
        return std::chrono::steady_clock::now() - m_start < test::kHangLimit;
    }

private:
    std::chrono::steady_clock::time_point m_start = std::chrono::steady_clock::now();
};

/// U+2581 is how SentencePiece writes a space, and what stands for it where a broken character
/// before it has claimed a part.
std::string withSpaces(std::string text) {
    for (std::size_t at = text.find("\u2581"); at != std::string::npos; at = text.find("\u2581")) {
        text.replace(at, 3, " ");
    }
    return text;
}

TEST(TextCampaign, DamagedPromptsBecomeTokensAndTheSameTextAgain) {
    const auto chat = loadTokenizer(test::bundledChatModel());
    const auto embedder = loadTokenizer(test::bundledEmbedder());
    ASSERT_TRUE(chat);
    ASSERT_TRUE(embedder);
    const std::vector<std::string> good = {
        "Answer from the sources. Cite them like [1].\n\n[1] Travel policy\nBook by 12:30.",
        "naïve café 東京タワー 住宿 🙂👍🏽 Ünïcödé Привет עברית",
        "<s><|system|>Be brief.<|end|><|user|>Hello<|end|><|assistant|>",
        std::string(300, ' ') + std::string(300, 'a'),
    };
    const std::vector<std::string> words = {"<|end|>", "<|user|>", "<s>",      "\u2581", "<0x41>",
                                            "\xFF",    "\xE4\xBD", "\xF0\x9F", "\r\n",   "\u3000"};
    for (int i = 0; i < test::campaignSize(kInputs); ++i) {
        const Watch watch;
        Mutator mutator(static_cast<std::uint64_t>(i), words);
        const std::string text = mutator.mutate(good[mutator.below(good.size())]);
        const auto tokens = chat->encode(text, {.addBos = false});
        ASSERT_EQ(withSpaces(chat->decode(tokens, false)), withSpaces(text)) << "input " << i;
        for (const TokenId token : tokens) {
            ASSERT_NE(chat->type(token), engine::TokenType::Control) << "input " << i;
        }
        // A message, whatever it says, adds no control token between the template's own.
        const std::vector<engine::PromptPart> parts = {
            {"<|user|>", true}, {text, false}, {"<|end|>", true}};
        int nControl = 0;
        for (const TokenId token : engine::encodePrompt(*chat, parts)) {
            nControl += chat->type(token) == engine::TokenType::Control ? 1 : 0;
        }
        ASSERT_EQ(nControl, 3) << "input " << i;
        for (const TokenId token : embedder->encode(text, {})) {
            ASSERT_GE(token, 0);
            ASSERT_LT(token, embedder->vocabularySize());
        }
        ASSERT_TRUE(watch.inTime()) << "input " << i;
    }
}

TEST(TextCampaign, DamagedTemplatesWriteAPromptOrSayWhatIsWrong) {
    const std::vector<std::string> good = {
        "{{ bos_token }}{%- for message in messages %}{%- if loop.first and message.role == "
        "'system' "
        "%}{{ '<|system|>' + message['content'] | trim + '<|end|>' }}{%- elif message.role in "
        "['user', 'tool'] %}<|user|>{{ message.content }}<|end|>{% else %}{{ raise_exception('Role "
        "' "
        "~ message.role) }}{% endif %}{%- endfor %}{% if add_generation_prompt %}<|a|>{% endif %}",
        "{%- macro show(items, sep=', ') -%}{% for k, v in items.items() if v is not none %}{{ k ~ "
        "'=' ~ v | tojson(indent=2) }}{{ sep if not loop.last }}{% endfor %}{%- endmacro -%}"
        "{% set ns = namespace(n=0, text='') %}{% for m in messages[::-1] %}{% set ns.n = ns.n + "
        "m.content | length %}{% set ns.text = ns.text + m.content[:5].upper() %}{% endfor %}"
        "{{ show({'n': ns.n, 'text': ns.text, 'list': [1, 2.5, none, true]}) }}",
        "{% set parts = messages | map(attribute='content') | list %}{{ parts | join(' / ') }}"
        "{{ (parts | first).split('a') | reverse | list }}{{ range(2, 20, 3) | list }}"
        "{{ messages | selectattr('role', 'equalto', 'user') | list | length }}{% raw %}{{{% "
        "endraw "
        "%}{{ 7 // 2 ** 3 % 5 - 1.5e2 }}{# note #}{% filter upper %}x{% endfilter %}",
    };
    const std::vector<std::string> words = {"{{",
                                            "}}",
                                            "{%",
                                            "%}",
                                            "{#",
                                            "#}",
                                            "{%- for x in range(9999) -%}",
                                            "{% endfor %}",
                                            "{% if ",
                                            "{% endif %}",
                                            " | ",
                                            " is ",
                                            " not ",
                                            "(",
                                            ")",
                                            "[",
                                            "]",
                                            "-",
                                            "'",
                                            " * 99999999 ",
                                            " + ",
                                            ".append(messages)",
                                            "messages",
                                            " if x else ",
                                            ":",
                                            "**",
                                            "\\u12",
                                            " ~ ",
                                            "loop.",
                                            "\n"};
    const std::vector<engine::ChatMessage> messages = {
        {"system", "Be brief. 住宿"}, {"user", "Hello\xFF <|end|>"}, {"assistant", "Hi"}};
    int nWritten = 0;
    int nRefused = 0;
    for (int i = 0; i < test::campaignSize(kInputs); ++i) {
        const Watch watch;
        Mutator mutator(static_cast<std::uint64_t>(i), words);
        const std::string source = mutator.mutate(good[mutator.below(good.size())]);
        const auto parsed = ChatTemplate::parse(source, "<s>", "</s>");
        if (!parsed) {
            ASSERT_TRUE(parsed.error().detail.find("line") != std::string::npos) << source;
            ++nRefused;
        } else if (const auto parts = (*parsed)->render(messages, {}); !parts) {
            ASSERT_TRUE(parts.error().detail.find("line") != std::string::npos) << source;
            ASSERT_NE(parts.error().code, ErrorCode::Internal);
            ++nRefused;
        } else {
            ++nWritten;
        }
        ASSERT_TRUE(watch.inTime()) << source;
    }
    EXPECT_GT(nWritten, 0);
    EXPECT_GT(nRefused, 0);
}

}  // namespace
}  // namespace conclave
