#include "engine/tokenizer/chat_template.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/gguf/gguf_file.h"
#include "tests/support/golden.h"

namespace conclave::engine {
namespace {

using testing::HasSubstr;
using Messages = std::vector<ChatMessage>;

std::string join(const std::vector<PromptPart>& parts) {
    std::string text;
    for (const PromptPart& part : parts) text += part.text;
    return text;
}

/// The text that a template writes; "ERROR: ..." if it fails.
std::string render(std::string_view source, const Messages& messages = {},
                   const ChatTemplateOptions& options = {}) {
    const auto parsed = ChatTemplate::parse(source, "<s>", "</s>");
    if (!parsed) return "ERROR: " + parsed.error().detail;
    const auto parts = (*parsed)->render(messages, options);
    return parts ? join(*parts) : "ERROR: " + parts.error().detail;
}

/// A template that sees the variables of a JSON text.
std::string renderWith(std::string_view source, std::string_view variables) {
    ChatTemplateOptions options;
    options.variables = nlohmann::ordered_json::parse(variables);
    return render(source, {}, options);
}

// ------------------------------------------------------------ language

TEST(ChatTemplate, WritesTextAndValues) {
    EXPECT_EQ(render("a{{ 1 + 2 * 3 }}b{# note #}c"), "a7bc");
    EXPECT_EQ(render("{{ none }} {{ true }} {{ 1.0 }} {{ 2.50 }} {{ 1e20 }} {{ missing }}|"),
              "None True 1.0 2.5 1e+20 |");
    EXPECT_EQ(render("{{ [1, 'a', (2,), {'k': none}] }}"), "[1, 'a', (2,), {'k': None}]");
    EXPECT_EQ(render("{{ \"it's\" }} {{ ['it\\'s', 'a\\n'] }}"), "it's [\"it's\", 'a\\n']");
    EXPECT_EQ(render("{{ 'a' 'b' }}{{ '\\u4f60\\x41\\q' }}"), "ab你A\\q");
}

TEST(ChatTemplate, ComputesAsPythonDoes) {
    EXPECT_EQ(render("{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }}"),
              "3 -4 2 3.5 1024");
    EXPECT_EQ(render("{{ 'ab' * 3 }} {{ [1] + [2] }} {{ 'a' ~ 1 ~ none }}"),
              "ababab [1, 2] a1None");
    EXPECT_EQ(render("{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1.0 }} {{ '1' == 1 }}"),
              "True False True False");
    EXPECT_EQ(render("{{ 'a' in 'cat' }} {{ 2 not in [1, 2] }} {{ 'k' in {'k': 1} }}"),
              "True False True");
    EXPECT_EQ(render("{{ 0 or 'x' }} {{ 1 and '' }}| {{ not 0 }} {{ 'a' if false else 'b' }}"),
              "x | True b");
    EXPECT_EQ(render("{{ 'x' if false }}|{{ -2|abs }}|{{ 1 + 2 is odd }}"), "|2|1");
    EXPECT_THAT(render("{{ 'a' + 1 }}"), HasSubstr("line 1: cannot combine text and an integer"));
    EXPECT_THAT(render("\n\n{{ 1 // 0 }}"), HasSubstr("line 3: division by zero"));
    EXPECT_THAT(render("{{ 9223372036854775807 + 1 }}"), HasSubstr("too large"));
}

TEST(ChatTemplate, IndexesAndSlices) {
    EXPECT_EQ(render("{{ [1,2,3][-1] }} {{ 'héllo'[1] }} {{ {'a': {'b': 5}}.a['b'] }}"), "3 é 5");
    EXPECT_EQ(render("{% set x = [0,1,2,3,4] %}{{ x[1:3] }}{{ x[::-1] }}{{ x[-2:] }}{{ x[::2] }}"
                     "{{ x[:-1] }}{{ x[10:] }}{{ x[3:0:-2] }}"),
              "[1, 2][4, 3, 2, 1, 0][3, 4][0, 2, 4][0, 1, 2, 3][][3, 1]");
    EXPECT_EQ(render("{{ 'naïve'[2:4] }}{{ 'abc'[::-1] }}"), "ïvcba");
    EXPECT_EQ(render("{{ {'a': 1}.b is defined }} {{ [1][5] is undefined }} {{ 'abc'.0 }}"),
              "False True a");
    EXPECT_THAT(render("{{ missing.name }}"), HasSubstr("'missing' is undefined"));
    EXPECT_THAT(render("{{ {}['k'].x }}"), HasSubstr("'k' is undefined"));
}

TEST(ChatTemplate, Loops) {
    EXPECT_EQ(render("{% for x in [1,2,3] %}{{ loop.index }}/{{ loop.length }}:{{ x }}"
                     "{{ ', ' if not loop.last }}{% endfor %}"),
              "1/3:1, 2/3:2, 3/3:3");
    EXPECT_EQ(render("{% for x in [] %}a{% else %}none{% endfor %}"), "none");
    EXPECT_EQ(render("{% for x in range(6) if x is even %}{{ loop.index0 }}{{ x }} {% endfor %}"),
              "00 12 24 ");
    EXPECT_EQ(render("{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}"),
              "a=1;b=2;");
    EXPECT_EQ(render("{% for x in 'abc' %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} "
                     "{% endfor %}"),
              "<a>b a<b>c b<c> ");
    EXPECT_EQ(render("{% for x in range(9) %}{% if x == 2 %}{% continue %}{% endif %}"
                     "{% if x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %}"),
              "013");
    EXPECT_EQ(
        render("{% for x in 1, 2 %}{{ loop.cycle('a', 'b') }}{{ loop.revindex }}{% endfor %}"),
        "a2b1");
    EXPECT_THAT(render("{% for a, b in [[1]] %}{% endfor %}"), HasSubstr("cannot unpack 1 values"));
    EXPECT_THAT(render("{% for x in 5 %}{% endfor %}"), HasSubstr("cannot go through an integer"));
}

TEST(ChatTemplate, SetsVariablesInTheirScope) {
    EXPECT_EQ(render("{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{{ x }}{% endfor %}{{ x }}"),
              "21");
    EXPECT_EQ(render("{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}"), "2");
    EXPECT_EQ(render("{% set ns = namespace(n=0) %}{% for i in range(4) %}{% set ns.n = ns.n + i %}"
                     "{% endfor %}{{ ns.n }}"),
              "6");
    EXPECT_EQ(render("{% set a, b = [1, 2] %}{{ b }}{{ a }}"), "21");
    EXPECT_EQ(render("{% set x %}  text {{ 1 }} {% endset %}[{{ x | trim }}]"), "[text 1]");
    EXPECT_EQ(render("{% set x | upper %}abc{% endset %}{{ x }}"), "ABC");
    EXPECT_THAT(render("{% set d = {} %}{% set d.x = 1 %}"), HasSubstr("'d' is no namespace"));
}

TEST(ChatTemplate, Macros) {
    EXPECT_EQ(render("{% macro greet(name, mark='!') %}Hi {{ name }}{{ mark }}{% endmacro %}"
                     "{{ greet('A') }} {{ greet('B', mark='?') }} {{ greet(name='C') }}"),
              "Hi A! Hi B? Hi C!");
    EXPECT_EQ(render("{% set g = 'G' %}{% macro m() %}{{ g }}{{ x }}{% endmacro %}"
                     "{% for x in [1] %}{{ m() }}{% endfor %}"),
              "G");
    EXPECT_EQ(render("{% macro fib(n) %}{{ n if n < 2 else fib(n-1)|int + fib(n-2)|int }}"
                     "{% endmacro %}{{ fib(10) }}"),
              "55");
    EXPECT_THAT(render("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}"), HasSubstr("takes 1 arg"));
    EXPECT_THAT(render("{% macro m(a) %}{% endmacro %}{{ m(b=2) }}"),
                HasSubstr("no parameter 'b'"));
}

TEST(ChatTemplate, Filters) {
    EXPECT_EQ(render("{{ ' x ' | trim }}{{ 'abc' | length }}{{ [1,2] | count }}"), "x32");
    EXPECT_EQ(
        render("{{ 'hello wORLD-foo' | title }}|{{ 'hELLO' | capitalize }}|{{ 'ß é' | upper }}"),
        "Hello World-Foo|Hello|ß É");
    EXPECT_EQ(render("{{ [1, 2, 3] | join(', ') }} {{ 'a-b-c' | replace('-', '+', 1) }}"),
              "1, 2, 3 a+b-c");
    EXPECT_EQ(render("{{ x | default('d') }}{{ '' | d('e', true) }}{{ none | default('f') }}"),
              "deNone");
    EXPECT_EQ(
        render("{{ [3,1,2] | sort }}{{ ['b','A'] | sort }}{{ [1,2] | first }}{{ 'ab' | last }}"),
        "[1, 2, 3]['A', 'b']1b");
    EXPECT_EQ(render("{{ ['a','A','b'] | unique | list }}{{ [1,2] | reverse | list }}"),
              "['a', 'b'][2, 1]");
    EXPECT_EQ(render("{{ '42' | int + 1 }} {{ 'x' | int(7) }} {{ '1.5' | float }} {{ 2.7 | int }} "
                     "{{ 2.567 | round(1) }} {{ -3 | abs }}"),
              "43 7 1.5 2 2.6 3");
    EXPECT_EQ(render("{{ 'a\nb\n\nc' | indent(2) }}|{{ 'a\nb' | indent(1, true) }}"),
              "a\n  b\n\n  c| a\n b");
    EXPECT_EQ(render("{{ '<a&\"b\">' | e }}{{ '<' | safe }}"), "&lt;a&amp;&#34;b&#34;&gt;<");
    EXPECT_EQ(render("{{ {'b': 1, 'a': 2} | dictsort }} {{ {'x': 1} | items | list }}"),
              "[('a', 2), ('b', 1)] [('x', 1)]");
    EXPECT_EQ(
        render("{{ [1,2,3,4] | select('odd') | list }}{{ [1,0,2] | select | list }}"
               "{{ [1,2,3] | reject('equalto', 2) | list }}{{ ['a'] | map('upper') | list }}"),
        "[1, 3][1, 2][1, 3]['A']");
    EXPECT_EQ(render("{% set l = [{'r': 'u', 'n': 1}, {'r': 'a', 'n': 2}] %}"
                     "{{ l | map(attribute='n') | list }}"
                     "{{ (l | selectattr('r', 'eq', 'a') | first).n }}"
                     "{{ l | rejectattr('r', 'equalto', 'a') | list | length }}"
                     "{{ (l | sort(attribute='r') | first).n }}{{ l | sum(attribute='n') }}"),
              "[1, 2]2123");
    EXPECT_EQ(render("{% filter upper %}a{{ 'b' }}{% endfilter %}"), "AB");
    EXPECT_THAT(render("\n{{ 'a' | frobnicate }}"),
                HasSubstr("line 2: the filter 'frobnicate' is not supported"));
}

TEST(ChatTemplate, WritesJson) {
    EXPECT_EQ(renderWith("{{ v | tojson }}",
                         R"({"v": {"a": [1, 2.5, true, null], "é\n\"": "\u0001/<"}})"),
              R"({"a": [1, 2.5, true, null], "é\n\"": "\u0001/<"})");
    EXPECT_EQ(renderWith("{{ v | tojson(indent=2) }}", R"({"v": {"a": [1], "b": {}, "c": []}})"),
              "{\n  \"a\": [\n    1\n  ],\n  \"b\": {},\n  \"c\": []\n}");
    EXPECT_EQ(renderWith("{{ v | tojson(ensure_ascii=true, sort_keys=true) }}",
                         R"({"v": {"b": "é😀", "a": 1}})"),
              R"({"a": 1, "b": "\u00e9\ud83d\ude00"})");
    EXPECT_EQ(renderWith("{{ v | tojson(separators=(',', ':')) }}", R"({"v": [1, {"a": 2}]})"),
              R"([1,{"a":2}])");
}

TEST(ChatTemplate, Tests) {
    EXPECT_EQ(
        render("{{ 1 is number }}{{ 'a' is string }}{{ [] is iterable }}{{ {} is mapping }}"
               "{{ none is none }}{{ true is boolean }}{{ 3 is integer }}{{ true is integer }}"),
        "TrueTrueTrueTrueTrueTrueTrueFalse");
    EXPECT_EQ(
        render("{{ x is defined }}{{ x is not defined }}{{ 4 is divisibleby 2 }}{{ 3 is odd }}"
               "{{ 1 is eq 1 }}{{ 'a' is in ['a'] }}{{ false is false }}{{ [] is sequence }}"),
        "FalseTrueTrueTrueTrueTrueTrueTrue");
    EXPECT_EQ(render("{{ 'y' if x is defined and x is not none else 'n' }}"), "n");
    EXPECT_THAT(render("{{ 1 is frob }}"), HasSubstr("the test 'frob' is not supported"));
}

TEST(ChatTemplate, Methods) {
    EXPECT_EQ(render("{{ 'a,b,c'.split(',') }}{{ ' a  b '.split() }}{{ 'a,b,c'.split(',', 1)[-1] }}"
                     "{{ 'a.b.c'.rsplit('.', 1) }}"),
              "['a', 'b', 'c']['a', 'b']b,c['a.b', 'c']");
    EXPECT_EQ(render("{{ '  x '.strip() }}{{ 'xxaxx'.strip('x') }}{{ ' x'.lstrip() }}"
                     "[{{ 'x\n '.rstrip() }}]"),
              "xax[x]");
    EXPECT_EQ(render("{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('x', 'c')) }}"
                     "{{ 'abc'.find('c') }}{{ 'abc'.upper() }}{{ '-'.join(['a', 'b']) }}"
                     "{{ 'a b'.title() }}{{ 'aXa'.replace('a', 'b') }}"),
              "TrueTrue2ABCa-bA BbXb");
    EXPECT_EQ(render("{% set d = {'a': 1} %}{{ d.get('a') }}{{ d.get('b') }}{{ d.get('b', 2) }}"
                     "{{ d.keys() | list }}{{ d.values() | list }}"),
              "1None2['a'][1]");
    EXPECT_EQ(render("{% set l = [] %}{% set _ = l.append(1) %}{% set _ = l.append(2) %}{{ l }}"
                     "{{ l.pop() }}{{ l.pop(0) }}{{ l }}"),
              "[1, 2]21[]");
    EXPECT_THAT(render("{{ 'a'.frob() }}"),
                HasSubstr("the method 'frob' of text cannot be called"));
    EXPECT_THAT(render("{{ frob() }}"), HasSubstr("'frob' cannot be called"));
}

TEST(ChatTemplate, ControlsWhiteSpace) {
    EXPECT_EQ(render("a  {%- if true -%}  b  {%- endif -%}  c"), "abc");
    EXPECT_EQ(render("a\n  {{- 'b' -}}\n  c"), "abc");
    // trim_blocks and lstrip_blocks, as the templates' authors run them.
    EXPECT_EQ(render("<\n    {% if true %}\n  x\n    {% endif %}\n>"), "<\n  x\n>");
    EXPECT_EQ(render("a {% if true %} b{% endif %}\nc"), "a  bc");
    EXPECT_EQ(render("  {# c #}\nx"), "x");
    EXPECT_EQ(render("  {%+ if true +%}\nx{% endif %}"), "  \nx");
    EXPECT_EQ(render("  {{ 1 }}\n"), "  1");
    EXPECT_EQ(render("x\r\n{% if true %}\r\ny{% endif %}\n\n"), "x\ny");
    EXPECT_EQ(render("{% raw %}{{ x }}{% if %}{% endraw %}!"), "{{ x }}{% if %}!");
    EXPECT_EQ(render("{{ {'a': {'b': 1}}['a'] }}{{ '}}' }}"), "{'b': 1}}}");
}

TEST(ChatTemplate, NamesTheLineOfWhatItCannotParse) {
    EXPECT_THAT(render("a\nb {{ 1 + }}"), HasSubstr("line 2: expected a value, found '}}'"));
    EXPECT_THAT(render("{% if x %}"), HasSubstr("missing {% endif %}"));
    EXPECT_THAT(render("\n{% include 'x' %}"), HasSubstr("line 2: the statement 'include' is not"));
    EXPECT_THAT(render("{{ 'abc }}"), HasSubstr("a string has no closing quote"));
    EXPECT_THAT(render("{# abc"), HasSubstr("a comment {# has no end"));
    EXPECT_THAT(render("{{ 1 "), HasSubstr("a tag has no end"));
    EXPECT_THAT(render("{{ 1 ? 2 }}"), HasSubstr("unexpected character '?'"));
    EXPECT_THAT(render("{% endif %}"), HasSubstr("line 1: expected a statement, found 'endif'"));
    EXPECT_THAT(render("{{ f(*a) }}"), HasSubstr("* and ** in arguments"));
}

TEST(ChatTemplate, ReportsRaisedExceptions) {
    const auto parsed =
        ChatTemplate::parse("{{ raise_exception('Roles must ' ~ 'alternate') }}", "", "");
    ASSERT_TRUE(parsed);
    const auto result = (*parsed)->render({}, {});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(result.error().detail, HasSubstr("Roles must alternate"));
}

TEST(ChatTemplate, KnowsToday) {
    const std::string year = render("{{ strftime_now('%Y') }}");
    EXPECT_EQ(year.size(), 4u);
    EXPECT_GE(std::stoi(year), 2025);
}

// ------------------------------------------------------------ limits

TEST(ChatTemplate, EndsHostileTemplates) {
    const auto errorCode = [](const std::string& source) {
        const auto parsed = ChatTemplate::parse(source, "", "");
        if (!parsed) return parsed.error().code;
        const auto result = (*parsed)->render({}, {});
        return result ? ErrorCode::Internal : result.error().code;
    };
    const auto repeat = [](std::string_view unit, int times) {
        std::string text;
        for (int i = 0; i < times; ++i) text += unit;
        return text;
    };
    constexpr auto kLimit = ErrorCode::LimitExceeded;
    EXPECT_EQ(errorCode("{% for a in range(99999999999) %}x{% endfor %}"), kLimit);
    EXPECT_EQ(errorCode("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}"
                        "{% endfor %}"),
              kLimit);
    EXPECT_EQ(errorCode("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), kLimit);
    EXPECT_EQ(errorCode("{{ 'x' * 99999999999 }}"), kLimit);
    EXPECT_EQ(errorCode("{% set ns = namespace(s='x') %}{% for i in range(99) %}"
                        "{% set ns.s = ns.s + ns.s %}{% endfor %}"),
              kLimit);
    EXPECT_EQ(errorCode("{% set ns = namespace(l=[1]) %}{% for i in range(99) %}"
                        "{% set ns.l = ns.l + ns.l %}{% endfor %}"),
              kLimit);
    EXPECT_EQ(errorCode("{% set l = [] %}{% set _ = l.append(l) %}{{ l }}"), kLimit);
    EXPECT_EQ(errorCode("{% set l = [] %}{% set _ = l.append(l) %}{{ l | tojson }}"), kLimit);
    EXPECT_EQ(errorCode("{% set a = [] %}{% set b = [] %}{% set _ = a.append(b) %}"
                        "{% set _ = b.append(a) %}{{ a == b }}"),
              kLimit);
    EXPECT_EQ(errorCode("{{ " + repeat("(", 50000) + "1" + repeat(")", 50000) + " }}"), kLimit);
    EXPECT_EQ(errorCode("{{ 1" + repeat(" + 1", 100000) + " }}"), kLimit);
    EXPECT_EQ(errorCode("{{ " + repeat("not ", 100000) + "1 }}"), kLimit);
    EXPECT_EQ(errorCode("{{ " + repeat("-", 100000) + "1 }}"), kLimit);
    EXPECT_EQ(errorCode("{{ a" + repeat(".a", 100000) + " }}"), kLimit);
    EXPECT_EQ(errorCode("{{ a" + repeat("|list", 100000) + " }}"), kLimit);
    EXPECT_EQ(errorCode(repeat("{% if 1 %}", 50000)), kLimit);
    EXPECT_EQ(errorCode(std::string(2'000'000, 'x')), kLimit);
}

// ------------------------------------------------------------ provenance

/// Template text as it is, data in [brackets].
std::string provenance(std::string_view source, const Messages& messages,
                       const ChatTemplateOptions& options = {}) {
    const auto parsed = ChatTemplate::parse(source, "<s>", "</s>");
    if (!parsed) return parsed.error().detail;
    const auto parts = (*parsed)->render(messages, options);
    if (!parts) return parts.error().detail;
    std::string text;
    for (const PromptPart& part : *parts) {
        text += part.fromTemplate ? part.text : "[" + part.text + "]";
    }
    return text;
}

TEST(ChatTemplate, RemembersWhatTheMessagesWrote) {
    const Messages messages = {{"user", " <|end|> "}};
    EXPECT_EQ(
        provenance("{{ bos_token }}<|{{ messages[0].role }}|>{{ messages[0].content }}", messages),
        "<s><|user|>[ <|end|> ]");
    EXPECT_EQ(provenance("{{ '<u>' + messages[0]['content'] | trim + '</u>' }}", messages),
              "<u>[<|end|>]</u>");
    EXPECT_EQ(
        provenance("{% set x %}a{{ messages[0].content }}b{% endset %}{{ x | upper }}", messages),
        "A[ <|END|> ]B");
    EXPECT_EQ(
        provenance("{% for p in messages[0].content.split('|') %}{{ p.strip() ~ '/' }}{% endfor %}",
                   messages),
        "[<]/[end]/[>]/");
    EXPECT_EQ(provenance("{{ messages[0].content.replace('end', 'X') }}", messages), "[ <|]X[|> ]");
    EXPECT_EQ(
        provenance("{{ messages[0].content[1:4] }}{{ messages[0].content | tojson }}", messages),
        "[<|e\" <|end|> \"]");
    EXPECT_EQ(provenance("{{ messages[0].role }}", {{"<|end|>", ""}}), "[<|end|>]");
    ChatTemplateOptions options;
    options.variables["tools"] = {{"name", "<|end|>"}};
    EXPECT_EQ(provenance("{{ tools.name }}!", {}, options), "[<|end|>]!");
}

TEST(ChatTemplate, MessagesMayComeAsJson) {
    ChatTemplateOptions options;
    options.variables["messages"] = nlohmann::ordered_json::parse(
        R"([{"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f"}}]}])");
    EXPECT_EQ(provenance("{% for m in messages %}<{{ m.role }}>{{ m.tool_calls[0].function.name }}"
                         "{% endfor %}",
                         {}, options),
              "<assistant>[f]");
}

// ------------------------------------------------------------ whole templates

std::string readFile(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ChatTemplate, WritesWhatJinja2Writes) {
    const auto goldens = test::readGoldenLines("chat_templates.jsonl");
    ASSERT_GE(goldens.size(), 70u);
    const auto folder = std::filesystem::path(CONCLAVE_TEST_SOURCE) / "tests" / "golden";
    for (const auto& golden : goldens) {
        const std::string source = readFile(folder / golden.at("template").get<std::string>());
        ASSERT_FALSE(source.empty());
        ChatTemplateOptions options;
        options.variables = golden.at("variables");
        const std::string text = render(source, {}, options);
        if (golden.contains("error")) {
            EXPECT_THAT(text, testing::StartsWith("ERROR: chat template, line ")) << golden;
        } else {
            EXPECT_EQ(text, golden.at("text").get<std::string>()) << golden;
        }
    }
}

// ------------------------------------------------------------ bundled model

TEST(ChatTemplate, TheBundledModelsTemplateGivesTheGoldenPrompts) {
    const auto file = GgufFile::open(test::bundledChatModel());
    ASSERT_TRUE(file) << file.error().detail;
    const auto tokenizer = Tokenizer::load(*file);
    ASSERT_TRUE(tokenizer) << tokenizer.error().detail;
    const auto source = file->string("tokenizer.chat_template");
    ASSERT_TRUE(source);
    const auto chatTemplate = ChatTemplate::parse(*source, "<s>", "<|end|>");
    ASSERT_TRUE(chatTemplate) << chatTemplate.error().detail;
    const auto goldens = test::readGoldenLines("prompts.jsonl");
    ASSERT_EQ(goldens.size(), 19u);
    for (const auto& golden : goldens) {
        Messages messages;
        for (const auto& message : golden.at("messages")) {
            messages.push_back({message.at("role"), message.at("content")});
        }
        const auto parts = (*chatTemplate)->render(messages, {});
        ASSERT_TRUE(parts) << parts.error().detail;
        EXPECT_EQ(encodePrompt(**tokenizer, *parts),
                  golden.at("prompt_tokens").get<std::vector<TokenId>>());
    }
}

TEST(ChatTemplate, TheDefaultIsChatMl) {
    EXPECT_EQ(render(defaultChatTemplate(), {{"system", "S"}, {"user", " U "}}),
              "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\n U <|im_end|>\n"
              "<|im_start|>assistant\n");
}

}  // namespace
}  // namespace conclave::engine
