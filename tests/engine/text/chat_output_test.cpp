// What models of each family write, taken apart in one piece and in any pieces.
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/tokenizer/output/chat_format.h"
#include "engine/tokenizer/output/marker_search.h"
#include "engine/tokenizer/output/output_parser.h"

namespace conclave::engine {

void PrintTo(const ChatOutput& output, std::ostream* out) {
    nlohmann::ordered_json json = {{"reasoning", output.reasoning}, {"content", output.content}};
    for (const ToolCall& call : output.toolCalls) {
        json["calls"].push_back({call.id, call.name, call.arguments});
    }
    *out << json.dump();
}

namespace {

const nlohmann::ordered_json kTools = nlohmann::ordered_json::parse(
    R"([{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":)"
    R"({"city":{"type":"string"},"days":{"type":"integer"},"code":{"type":"string"}}}}}])");

/// Marks by which each family's template is recognized.
constexpr std::string_view kHermes = "<tool_call>\\n{\\\"name\\\"";
constexpr std::string_view kQwenCoder = "<tool_call>\\n<function=";
constexpr std::string_view kGlm = "<tool_call>{{ name }}<arg_key>";
constexpr std::string_view kDeepSeek = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜></think>";
constexpr std::string_view kKimi = "<|tool_calls_section_begin|><|tool_call_begin|>";
constexpr std::string_view kLlama = "<|start_header_id|>{{ message.tool_calls }}<|python_tag|>";
constexpr std::string_view kCogito = "<|start_header_id|>[{{ message.tool_calls }}]<|eot_id|>";
constexpr std::string_view kMistral = "[AVAILABLE_TOOLS][TOOL_CALLS][THINK]";
constexpr std::string_view kGranite = "<|start_of_role|><|tool_call|>";
constexpr std::string_view kGemma = "<|channel>thought\\n<|tool_call>call:";
constexpr std::string_view kLlama4 = "<|header_start|>assistant<|python_start|>";
constexpr std::string_view kSeed = "{%- set begin = '<seed:tool_call>' %}<seed:think></seed:think>";
constexpr std::string_view kMiniMax = "{%- set begin = '<minimax:tool_call>' %}";
constexpr std::string_view kMiniMaxM1 = "<tool_calls>{{ tool_call }}</tool_calls>";
constexpr std::string_view kMiniMaxM3 = "{%- set ns_token = ']<]minimax[>[' %}<mm:think>";
constexpr std::string_view kDeepSeekV4 = "{%- set dsml_token = '｜DSML｜' %}</think>";
constexpr std::string_view kMiniCpm = "<function name=\"a\"><param name=\"b\">";
constexpr std::string_view kKimiK3 =
    "{{- '<|open|>' + tag -}}{{- '<|close|>' + tag + '<|sep|>' -}}";
constexpr std::string_view kSolar = "<|begin|>assistant<|think|><|end|><|tool_call:begin|>";
constexpr std::string_view kFunctionary = "<|start_header_id|>{{ tool_calls }}<function=a>{}";
constexpr std::string_view kNemotron = "<think><TOOLCALL>[";
constexpr std::string_view kGigaChat = "'<|role_sep|>' 'function call'";
constexpr std::string_view kGigaChat31 = "<|role_sep|><|function_call|>";
constexpr std::string_view kApertus = "'<|inner_prefix|>' '<|tools_prefix|>'";
constexpr std::string_view kLfm2 = "<|tool_call_start|>[";
constexpr std::string_view kApriel = "<tool_call></tool_call> '<tool_calls>['";
constexpr std::string_view kCommandA =
    "<|CHATBOT_TOKEN|><|START_THINKING|><|END_THINKING|><|START_ACTION|><|START_RESPONSE|>";
constexpr std::string_view kCommandR = "<|CHATBOT_TOKEN|>\nAction:```json\n[{\"tool_name\": 1}]";
constexpr std::string_view kMuse = "<|start|>assistant<|message|><atem:function_calls>";
constexpr std::string_view kHarmony = "<|start|>assistant<|channel|>final<|message|>";

struct Case {
    std::string_view chatTemplate;
    std::string text;
    ChatOutput expected;
    bool isThinking = false;
};

ChatOutput parse(const Case& one, std::vector<std::size_t> cuts = {}) {
    const auto parser = makeOutputParser(detectChatFormat(one.chatTemplate),
                                         {.isThinking = one.isThinking, .tools = kTools});
    cuts.push_back(one.text.size());
    std::size_t begin = 0;
    ChatOutput before;
    for (const std::size_t end : cuts) {
        parser->add(std::string_view(one.text).substr(begin, end - begin));
        begin = end;
        const ChatOutput& now = parser->output();
        EXPECT_TRUE(now.content.starts_with(before.content));
        EXPECT_TRUE(now.reasoning.starts_with(before.reasoning));
        EXPECT_GE(now.toolCalls.size(), before.toolCalls.size());
        before = now;
    }
    parser->finish();
    EXPECT_TRUE(parser->output().content.starts_with(before.content));
    return parser->output();
}

std::vector<std::size_t> everyByte(std::string_view text) {
    std::vector<std::size_t> cuts;
    for (std::size_t i = 1; i < text.size(); ++i) cuts.push_back(i);
    return cuts;
}

void expectEverywhere(const Case& one) {
    EXPECT_EQ(parse(one), one.expected) << one.text;
    EXPECT_EQ(parse(one, everyByte(one.text)), one.expected) << one.text;
    for (std::size_t cut = 0; cut <= one.text.size(); ++cut) {
        ASSERT_EQ(parse(one, {cut}), one.expected) << one.text << " cut at " << cut;
    }
}

TEST(ChatOutput, TakesThoughtsOut) {
    expectEverywhere(
        {"{{ x }}", "<think>\nhm, <b>\n</think>\n\nYes. \n", {"hm, <b>", "Yes. \n", {}}});
    expectEverywhere({"{{ x }}", "hm\n</think>\n\nYes.", {"hm", "Yes.", {}}, true});
    expectEverywhere({"{{ x }}", "\n<think>\n\n</think>\n\nYes.", {"", "Yes.", {}}});
    expectEverywhere({"{{ x }}", "<think>only </thi", {"only </thi", "", {}}});
    expectEverywhere({"{{ x }}",
                      " \nNo thought, <think> is a word.\n",
                      {"", " \nNo thought, <think> is a word.\n", {}}});
    expectEverywhere({kMistral, "[THINK]a[/THINK]b", {"a", "b", {}}});
    expectEverywhere({kGemma, "<|channel>thought\nlong\n<channel|>short", {"long", "short", {}}});
    expectEverywhere({"{{ x }}", "", {}});
}

TEST(ChatOutput, ReadsTaggedJson) {
    expectEverywhere(
        {kHermes,
         "<think>a</think>Let me look.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": "
         "{\"city\": \"</tool_call> }\\\"\"}}\n</tool_call>\n<tool_call>{\"name\":\"clock\","
         "\"arguments\":{}}</tool_call>",
         {"a",
          "Let me look.",
          {{"call_0", "weather", "{\"city\":\"</tool_call> }\\\"\"}"},
           {"call_1", "clock", "{}"}}}});
    // Cut off, or no call at all: nothing is lost.
    expectEverywhere(
        {kHermes, "<tool_call>{\"name\": \"weath", {"", "<tool_call>{\"name\": \"weath", {}}});
    expectEverywhere(
        {kHermes, "Use <tool_call> {x} for it.", {"", "Use <tool_call> {x} for it.", {}}});
    expectEverywhere({kHermes,
                      "<tool_call>{\"name\":\"clock\",\"arguments\":{}} Done.",
                      {"", "Done.", {{"call_0", "clock", "{}"}}}});
}

TEST(ChatOutput, ReadsXmlByTheToolsSchema) {
    expectEverywhere({kQwenCoder,
                      "<tool_call>\n<function=weather>\n<parameter=city>\n12\n</"
                      "parameter>\n<parameter=days>\n3\n"
                      "</parameter>\n<parameter=code>\nif a < b:\n    "
                      "x\n\n</parameter>\n</function>\n</tool_call>",
                      {"",
                       "",
                       {{"call_0", "weather",
                         "{\"city\":\"12\",\"days\":3,\"code\":\"if a < b:\\n    x\\n\"}"}}}});
    expectEverywhere({kQwenCoder,
                      "<function=clock>\n<parameter=now>True</parameter></function>",
                      {"", "", {{"call_0", "clock", "{\"now\":true}"}}}});
}

TEST(ChatOutput, ReadsKeysAndValuesInPairs) {
    expectEverywhere(
        {kGlm,
         "<think>t</think>\n<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>Paris</"
         "arg_value>\n"
         "<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>\n"
         "<tool_call>clock</tool_call>",
         {"t",
          "",
          {{"call_0", "weather", "{\"city\":\"Paris\",\"days\":2}"}, {"call_1", "clock", "{}"}}}});
}

TEST(ChatOutput, ReadsSections) {
    expectEverywhere(
        {kDeepSeek,
         "r</think>Now.\n<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n"
         "```json\n{\"city\": \"Rome\"}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>clock"
         "<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
         {"r", "Now.", {{"call_0", "weather", "{\"city\": \"Rome\"}"}, {"call_1", "clock", "{}"}}},
         true});
    expectEverywhere(
        {kKimi,
         "<|tool_calls_section_begin|><|tool_call_begin|>functions.weather:0"
         "<|tool_call_argument_begin|>{\"days\": 1}<|tool_call_end|><|tool_calls_section_end|>",
         {"", "", {{"functions.weather:0", "weather", "{\"days\": 1}"}}}});
}

TEST(ChatOutput, ReadsLlamasThreeWays) {
    expectEverywhere({kLlama,
                      "{\"name\": \"weather\", \"parameters\": {\"days\": 1}}",
                      {"", "", {{"call_0", "weather", "{\"days\":1}"}}}});
    expectEverywhere(
        {kLlama,
         "<|python_tag|>{\"type\": \"function\", \"name\": \"clock\", \"parameters\": {}}",
         {"", "", {{"call_0", "clock", "{}"}}}});
    expectEverywhere(
        {kLlama,
         "<|python_tag|>print(1)\nprint(2)",
         {"", "", {{"call_0", "code_interpreter", "{\"code\":\"print(1)\\nprint(2)\"}"}}}});
    expectEverywhere(
        {kLlama, "{\"city\": \"Rome\"} is JSON.", {"", "{\"city\": \"Rome\"} is JSON.", {}}});
}

TEST(ChatOutput, ReadsPythonOfLlama) {
    for (const std::string_view family : {kLlama4, kLlama}) {
        expectEverywhere({family,
                          "[weather(city=\"Rome, \\\"I\\\"\", days=2), clock()]",
                          {"",
                           "",
                           {{"call_0", "weather", "{\"city\":\"Rome, \\\"I\\\"\",\"days\":2}"},
                            {"call_1", "clock", "{}"}}}});
        expectEverywhere({family,
                          "{\"name\": \"weather\", \"parameters\": {\"days\": 1}}",
                          {"", "", {{"call_0", "weather", "{\"days\":1}"}}}});
        // Answers that only begin alike.
        for (const std::string text :
             {"[1] says so.", "[link](https://example.org)", "[weather(1)]", "[weather(city=Rome)]",
              "[a(b", "[weather(city='Rome'", "[", "[\"a\", \"b\"]"}) {
            expectEverywhere({family, text, {"", text, {}}});
        }
    }
    expectEverywhere(
        {kLlama4,
         "Let me see.<|python_start|>[maps.find(at=(48.5, -2), tags=['a', \"b'\",], near={'x': "
         "None, \"y\": [True, False]}, note='it\\'s\\n\\u00e9',)]<|python_end|>",
         {"",
          "Let me see.",
          {{"call_0", "maps.find",
            "{\"at\":[48.5,-2],\"tags\":[\"a\",\"b'\"],\"near\":{\"x\":null,\"y\":[true,false]},"
            "\"note\":\"it's\\né\"}"}}}});
    expectEverywhere({kLlama4,
                      "<|python_start|>{\"name\": \"clock\", \"parameters\": {}}<|python_end|>",
                      {"", "", {{"call_0", "clock", "{}"}}}});
    expectEverywhere(
        {kLlama4,
         "<|python_start|>[x for x in range(3)]<|python_end|> Done.",
         {"", "Done.", {{"call_0", "code_interpreter", "{\"code\":\"[x for x in range(3)]\"}"}}}});
}

TEST(ChatOutput, ReadsTheListThatCogitoEndsWith) {
    const std::string calls =
        R"([{"name": "weather", "arguments": {"city": "[Rome]"}}, {"name": "clock", )"
        R"("arguments": {}, "id": "c1"}])";
    const std::vector<ToolCall> read = {{"call_0", "weather", R"({"city":"[Rome]"})"},
                                        {"c1", "clock", "{}"}};
    expectEverywhere({kCogito, calls, {"", "", read}});
    expectEverywhere(
        {kCogito, "Let me look [1].\n" + calls + " \n", {"", "Let me look [1].", read}});
    expectEverywhere({kCogito, "<think>Hm.</think>Yes: " + calls, {"Hm.", "Yes:", read}});
    // A list that the answer shows, goes on behind, or does not end, is text.
    const std::vector<std::string> texts = {
        "As in " + calls + ", say.", "See [1, 2] and [a](b).", "So: " + calls.substr(0, 60),
        R"(Data: [{"city": "Rome"}])", R"(Names: [{"name": "Rome"}])"};
    for (const std::string& text : texts) expectEverywhere({kCogito, text, {"", text, {}}});
}

TEST(ChatOutput, ReadsWhatLlama4SaysBeforeItsCalls) {
    const std::string call = "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}}";
    const ToolCall first{"call_0", "get_weather", "{\"city\":\"Paris\"}"};
    const ToolCall second{"call_1", "get_weather", "{\"city\":\"Paris\"}"};
    const std::string said = "<|python_start|>Let me look.<|python_end|>";
    expectEverywhere({kLlama4, said + call, {"", "Let me look.", {first}}});
    expectEverywhere({kLlama4, said + "\n" + call + call, {"", "Let me look.", {first, second}}});
    expectEverywhere({kLlama4, "<|python_start|><|python_end|>" + call, {"", "", {first}}});
    expectEverywhere(
        {kLlama4, said + "[get_weather(city='Paris')]", {"", "Let me look.", {first}}});
    // Cut off, it is no call: not even one of the Python that stands before.
    const std::string cut = said + call.substr(0, call.size() - 4);
    expectEverywhere({kLlama4, cut, {"", cut, {}}});
    expectEverywhere(
        {kLlama4,
         "<|python_start|>print(1)<|python_end|>{\"a\": 1}",
         {"", "{\"a\": 1}", {{"call_0", "code_interpreter", "{\"code\":\"print(1)\"}"}}}});
}

TEST(ChatOutput, ReadsSeedAndMiniMax) {
    expectEverywhere(
        {kSeed,
         "<seed:think>a</seed:think>\n<seed:tool_call>\n<function=weather>\n<parameter=city>Rome"
         "</parameter>\n<parameter=days>3</parameter>\n</function>\n</seed:tool_call>",
         {"a", "", {{"call_0", "weather", "{\"city\":\"Rome\",\"days\":3}"}}}});
    expectEverywhere(
        {kMiniMax,
         "a\n</think>\n\nNow.\n<minimax:tool_call>\n<invoke name=\"weather\">\n<parameter "
         "name=\"code\">12</parameter>\n<parameter name=\"days\">[1, 2]</parameter>\n</invoke>\n"
         "<invoke name=\"clock\">\n</invoke>\n</minimax:tool_call>",
         {"a",
          "Now.",
          {{"call_0", "weather", "{\"code\":\"12\",\"days\":[1,2]}"}, {"call_1", "clock", "{}"}}},
         true});
    expectEverywhere({kMiniMax,
                      "<invoke name=\"clock\"> or <invoke name=x>",
                      {"", "<invoke name=\"clock\"> or <invoke name=x>", {}}});
    expectEverywhere(
        {kMiniMaxM1,
         "<tool_calls>\n{\"name\": \"weather\", \"arguments\": {\"days\": 1}}\n{\"name\": "
         "\"clock\","
         " \"arguments\": {}}\n</tool_calls>",
         {"", "", {{"call_0", "weather", "{\"days\":1}"}, {"call_1", "clock", "{}"}}}});
}

TEST(ChatOutput, ReadsValuesThatTemplatesWriteAsPython) {
    expectEverywhere(
        {kQwenCoder,
         "<tool_call>\n<function=clock>\n<parameter=a>\n['x', 1]\n</parameter>\n<parameter=b>\n"
         "{'lat': 48.5, 'in': None}\n</parameter>\n<parameter=c>\n[not python]\n</parameter>\n"
         "</function>\n</tool_call>",
         {"",
          "",
          {{"call_0", "clock",
            R"({"a":["x",1],"b":{"lat":48.5,"in":null},"c":"[not python]"})"}}}});
    expectEverywhere({kSeed,
                      "<seed:tool_call><function=weather><parameter=code>a\n</parameter>"
                      "</function></seed:tool_call>",
                      {"", "", {{"call_0", "weather", R"({"code":"a\n"})"}}}});
}

TEST(ChatOutput, ReadsListsBetweenMarksOfAFamily) {
    const ToolCall weather{"call_0", "weather", R"({"city":"Rome"})"};
    const ToolCall clock{"call_1", "clock", "{}"};
    const std::string list =
        R"([{"name": "weather", "arguments": {"city": "Rome"}}, {"name": "clock", "arguments": {}}])";
    expectEverywhere({kNemotron,
                      "a</think>\n\n<TOOLCALL>" + list + "</TOOLCALL>\n",
                      {"a", "", {weather, clock}},
                      true});
    expectEverywhere(
        {kApriel, "Now.\n<tool_calls>" + list + "</tool_calls>\n", {"", "Now.", {weather, clock}}});
    expectEverywhere({kGigaChat,
                      "Now.<|message_sep|>\n\nfunction call<|role_sep|>\n"
                      R"({"name": "weather", "arguments": {"city": "Rome"}}<|message_sep|>)"
                      "\n\n",
                      {"", "Now.", {weather}}});
    expectEverywhere({kGigaChat31,
                      R"(<|function_call|>{"name": "weather", "arguments": {"city": "Rome"}})",
                      {"", "", {weather}}});
    expectEverywhere({kApertus,
                      "<|inner_prefix|>a<|inner_suffix|>Now.<|tools_prefix|>"
                      R"([{"weather": {"city": "Rome"}}, {"clock": {}}]<|tools_suffix|>)",
                      {"a", "Now.", {weather, clock}}});
    expectEverywhere({kLfm2,
                      "<|tool_call_start|>[weather(city='Rome'), clock()]<|tool_call_end|>Done.",
                      {"", "Done.", {weather, clock}}});
    expectEverywhere({kLfm2,
                      "<|tool_call_start|>[weather(city='it's \"it\"\n', days=2)]",
                      {"", "", {{"call_0", "weather", R"({"city":"it's \"it\"\n","days":2})"}}}});
    const std::string prose = "<|tools_prefix|>[{\"a\": 1}]";
    expectEverywhere({kApertus, prose, {"", prose, {}}});
}

TEST(ChatOutput, ReadsCallsInTags) {
    expectEverywhere(
        {kDeepSeekV4,
         "a</think>Now.\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke "
         "name=\"clock\">\n<｜DSML｜parameter "
         "name=\"a\" string=\"true\">12</｜DSML｜parameter>\n<｜DSML｜parameter name=\"b\" "
         "string=\"false\">[1]</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>",
         {"a", "Now.", {{"call_0", "clock", R"({"a":"12","b":[1]})"}}},
         true});
    expectEverywhere(
        {kMiniCpm,
         "Now.\n<function name=\"clock\"><param name=\"a\">['x']</param><param name=\"b\">"
         "<![CDATA[<i> & 'j'\n]]></param></function>\n<function name=\"clock\"></function>",
         {"",
          "Now.",
          {{"call_0", "clock", R"({"a":["x"],"b":"<i> & 'j'\n"})"}, {"call_1", "clock", "{}"}}}});
    expectEverywhere(
        {kMiniMaxM3,
         "<mm:think>a</mm:think>Now.]<]minimax[>[<tool_call>\n]<]minimax[>[<invoke "
         "name=\"weather\">"
         "]<]minimax[>[<city>12]<]minimax[>[</city>]<]minimax[>[<days>2]<]minimax[>[</days>"
         "]<]minimax[>[<in>]<]minimax[>[<item>a]<]minimax[>[</item>]<]minimax[>[<item>"
         "]<]minimax[>[<lat>4.5]<]minimax[>[</lat>]<]minimax[>[</item>]<]minimax[>[</in>"
         "]<]minimax[>[</invoke>\n]<]minimax[>[</tool_call>",
         {"a",
          "Now.",
          {{"call_0", "weather", R"({"city":"12","days":2,"in":["a",{"lat":4.5}]})"}}}});
    expectEverywhere(
        {kKimiK3,
         "a<|close|>think<|sep|><|open|>response<|sep|>Now.<|close|>response<|sep|><|open|>tools"
         "<|sep|><|open|>call tool=\"clock\" index=\"1\"<|sep|><|open|>argument key=\"a &quot;b\" "
         "type=\"string\"<|sep|>12<|close|>argument<|sep|><|open|>argument key=\"c\" type=\"array\""
         "<|sep|>[1]<|close|>argument<|sep|><|close|>call<|sep|><|close|>tools<|sep|><|close|>"
         "message"
         "<|sep|>",
         {"a", "Now.", {{"call_0", "clock", R"({"a \"b":"12","c":[1]})"}}},
         true});
    expectEverywhere({kKimiK3,
                      "<|open|>response<|sep|>Only this.<|close|>response<|sep|>",
                      {"", "Only this.", {}}});
    expectEverywhere(
        {kSolar,
         "<|think|>a<|end|><|begin|>assistant<|tool_calls|><|tool_call:begin|>id1<|tool_call:name|>"
         "clock<|tool_call:args|>{\"a\": 1}<|tool_call:end|><|calls|>",
         {"a", "", {{"id1", "clock", "{\"a\": 1}"}}}});
    expectEverywhere({kSolar,
                      "<|think|>a<|end|><|begin|>assistant<|content|>Only this.<|end|>",
                      {"a", "Only this.", {}}});
    expectEverywhere(
        {kFunctionary,
         "Now.<function=clock>{\"a\": 1}</function><function=clock>{}</function>",
         {"", "Now.", {{"call_0", "clock", "{\"a\": 1}"}, {"call_1", "clock", "{}"}}}});
    expectEverywhere({kFunctionary,
                      "<|python_tag|>print(1)",
                      {"", "", {{"call_0", "code_interpreter", "{\"code\":\"print(1)\"}"}}}});
    expectEverywhere(
        {kFunctionary, "<function=x>y</function>", {"", "<function=x>y</function>", {}}});
}

TEST(ChatOutput, ReadsCommand) {
    expectEverywhere(
        {kCommandA,
         "<|START_THINKING|>a<|END_THINKING|><|START_ACTION|>[\n    {\"tool_call_id\": \"0\", "
         "\"tool_name\": \"weather\", \"parameters\": {\"days\": 1}},\n    {\"tool_call_id\": "
         "\"1\", "
         "\"tool_name\": \"clock\", \"parameters\": {}}\n]<|END_ACTION|>",
         {"a", "", {{"0", "weather", "{\"days\":1}"}, {"1", "clock", "{}"}}}});
    expectEverywhere({kCommandA,
                      "<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>Yes. <|END_RESPONSE|>",
                      {"a", "Yes.", {}}});
    expectEverywhere(
        {kCommandR,
         "Plan: look.\nAction: ```json\n[\n    {\n        \"tool_name\": \"weather\",\n        "
         "\"parameters\": {\"days\": 1}\n    }\n]\n```",
         {"", "Plan: look.", {{"call_0", "weather", "{\"days\":1}"}}}});
    expectEverywhere({kCommandR, "Action: none.", {"", "Action: none.", {}}});

    // Marks around the answer are no part of it, whether or not there are tools.
    const auto parser = makeOutputParser(detectChatFormat(kCommandA), {});
    parser->add("<|START_RESPONSE|>Yes.<|END_RESPONSE|>");
    parser->finish();
    EXPECT_EQ(parser->output(), (ChatOutput{"", "Yes.", {}}));
}

TEST(ChatOutput, ReadsMistral) {
    expectEverywhere({kMistral,
                      "[TOOL_CALLS][{\"name\": \"weather\", \"arguments\": {\"days\": 1}, \"id\": "
                      "\"abcdefghi\"}]",
                      {"", "", {{"abcdefghi", "weather", "{\"days\":1}"}}}});
    expectEverywhere(
        {kMistral,
         "Well. [TOOL_CALLS]weather[ARGS]{\"days\": 1}[TOOL_CALLS]clock[CALL_ID]x1[ARGS]{}",
         {"", "Well.", {{"call_0", "weather", "{\"days\": 1}"}, {"x1", "clock", "{}"}}}});
}

TEST(ChatOutput, ReadsListsAndGemma) {
    expectEverywhere(
        {kGranite,
         "<|tool_call|>[{\"name\": \"weather\", \"arguments\": {\"days\": 1}}]<|/tool_call|>",
         {"", "", {{"call_0", "weather", "{\"days\":1}"}}}});
    expectEverywhere(
        {kGemma,
         "<|tool_call>call:weather{city:<|\"|>a, "
         "b}<|\"|>,days:2,where:{lat:48.5,tags:[<|\"|>x<|\"|>]},"
         "note:null}<tool_call|>",
         {"",
          "",
          {{"call_0", "weather",
            "{\"city\":\"a, "
            "b}\",\"days\":2,\"where\":{\"lat\":48.5,\"tags\":[\"x\"]},\"note\":null}"}}}});
}

TEST(ChatOutput, ReadsHarmony) {
    expectEverywhere({kHarmony,
                      "<|channel|>analysis<|message|>Let me "
                      "think.<|end|><|start|>assistant<|channel|>commentary "
                      "to=functions.weather <|constrain|>json<|message|>{\"days\": 1}<|call|>",
                      {"Let me think.", "", {{"call_0", "weather", "{\"days\": 1}"}}}});
    expectEverywhere({kHarmony,
                      "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>analysis<"
                      "|message|>b<|end|>"
                      "<|start|>assistant<|channel|>final<|message|>Hi <there>.<|return|>",
                      {"a\nb", "Hi <there>.", {}}});
    expectEverywhere({kHarmony,
                      " to=functions.clock<|channel|>commentary<|message|>{}",
                      {"", "", {{"call_0", "clock", "{}"}}}});
    expectEverywhere({kHarmony, "Plain text.", {"", "Plain text.", {}}});
    expectEverywhere({kHarmony, "<|channel|>final<|message|>cut <|en", {"", "cut <|en", {}}});
}

TEST(ChatOutput, ReadsMuse) {
    expectEverywhere(
        {kMuse,
         " to=self<|message|>a<|eom|><|start|>assistant "
         "to=weather<|message|><atem:function_calls>\n"
         "<atem:invoke name=\"weather\">\n<atem:parameter name=\"city\">12</atem:parameter>\n"
         "<atem:parameter name=\"days\">2</atem:parameter>\n</atem:invoke>\n"
         "</atem:function_calls><|eom|><|start|>assistant "
         "to=clock<|message|><atem:function_calls>\n"
         "<atem:invoke name=\"clock\">\n</atem:invoke>\n</atem:function_calls><|eot|>",
         {"a",
          "",
          {{"call_0", "weather", R"({"city":"12","days":2})"}, {"call_1", "clock", "{}"}}}});
    expectEverywhere({kMuse,
                      " to=self<|message|>a<|eom|><|start|>assistant to=user<|message|>Yes.<|eot|>",
                      {"a", "Yes.", {}}});
}

TEST(ChatOutput, WithoutToolsACallIsText) {
    const auto parser = makeOutputParser(detectChatFormat(kHermes), {});
    const std::string text = "<tool_call>{\"name\":\"clock\",\"arguments\":{}}</tool_call> ";
    parser->add(text);
    parser->finish();
    EXPECT_EQ(parser->output(), (ChatOutput{"", text, {}}));
}

TEST(ChatOutput, KnowsWhenThePromptOpensAThought) {
    const ChatFormat format = detectChatFormat("{{ x }}");
    EXPECT_TRUE(opensThought(format, "<|Assistant|><think>\n"));
    EXPECT_FALSE(opensThought(format, "<|Assistant|><think>\n\n</think>\n\n"));
    EXPECT_FALSE(opensThought(format, ""));
}

TEST(ChatOutput, RefusesEndlesslyDeepArguments) {
    const std::string deep(100'000, '[');
    Case one{kHermes, "<tool_call>{\"name\":\"clock\",\"arguments\":" + deep, {}};
    EXPECT_EQ(parse(one).content, one.text);
    one = {kGemma, "<|tool_call>call:clock{a:" + deep, {}};
    EXPECT_EQ(parse(one).content, one.text);
    one = {kLlama4, "[clock(a=" + deep, {}};
    EXPECT_EQ(parse(one).content, one.text);
}

/// Any pieces of any text, also of damaged calls, give what the whole gives.
TEST(ChatOutput, CutsDoNotMatter) {
    const std::vector<std::string> fragments = {"<think>",
                                                "</think>",
                                                "<tool_call>",
                                                "</tool_call>",
                                                "{\"name\": \"weather\", ",
                                                "\"arguments\": {",
                                                "}",
                                                "}}",
                                                "\"city\": \"a\"",
                                                "<function=weather>",
                                                "<parameter=city>",
                                                "</parameter>",
                                                "</function>",
                                                "weather\n",
                                                "<arg_key>city</arg_key>",
                                                "<arg_value>1</arg_value>",
                                                "<｜tool▁calls▁begin｜>",
                                                "<｜tool▁call▁begin｜>",
                                                "function<｜tool▁sep｜>",
                                                "```json\n{}\n```",
                                                "<｜tool▁call▁end｜>",
                                                "<｜tool▁calls▁end｜>",
                                                "<|python_tag|>",
                                                "[TOOL_CALLS]",
                                                "[{",
                                                "}]",
                                                "[ARGS]",
                                                "{}",
                                                "<|tool_call|>",
                                                "<|tool_call>",
                                                "call:weather{",
                                                "a:<|\"|>",
                                                "<|\"|>,",
                                                "b:2}",
                                                "<|channel|>",
                                                "analysis",
                                                "final",
                                                "<|message|>",
                                                "<|end|>",
                                                "<|start|>assistant",
                                                " to=functions.clock",
                                                "<|call|>",
                                                " ",
                                                "\n",
                                                "text",
                                                "é",
                                                "<",
                                                "|>",
                                                "]",
                                                ";",
                                                "\\\"",
                                                "[THINK]",
                                                "[/THINK]",
                                                "{\"name\":\"clock\",\"parameters\":{}}",
                                                "<|python_start|>",
                                                "<|python_end|>",
                                                "[clock(",
                                                "days=",
                                                "'a\\'",
                                                "'",
                                                "True, ",
                                                ")]",
                                                "(",
                                                "<seed:tool_call>",
                                                "</seed:tool_call>",
                                                "<minimax:tool_call>",
                                                "<invoke name=\"clock\">",
                                                "<parameter name=\"days\">",
                                                "</invoke>",
                                                "<tool_calls>",
                                                "</tool_calls>",
                                                "Action:",
                                                "```json",
                                                "<|START_ACTION|>",
                                                "[{\"tool_name\":\"clock\",\"parameters\":{}}]",
                                                "<|END_ACTION|>",
                                                "<|START_RESPONSE|>",
                                                "<|END_RESPONSE|>",
                                                "]<]minimax[>[",
                                                "<invoke name=\"clock\">",
                                                "<in>",
                                                "</in>",
                                                "</invoke>",
                                                "<｜DSML｜invoke name=\"clock\">",
                                                "<｜DSML｜parameter name=\"a\" string=\"true\">",
                                                "</｜DSML｜parameter>",
                                                "</｜DSML｜invoke>",
                                                "<atem:invoke name=\"clock\">",
                                                "</atem:invoke>",
                                                " to=self<|message|>",
                                                "<|eom|>",
                                                "<param name=\"a\">",
                                                "</param>",
                                                "<function name=\"clock\">",
                                                "<![CDATA[",
                                                "]]>",
                                                "<|open|>call tool=\"clock\"<|sep|>",
                                                "<|open|>argument key=\"a\"<|sep|>",
                                                "<|close|>argument<|sep|>",
                                                "<|close|>call<|sep|>",
                                                "<|tool_call:begin|>",
                                                "<|tool_call:name|>clock<|tool_call:args|>",
                                                "<|tool_call:end|>",
                                                "<function=clock>",
                                                "<TOOLCALL>",
                                                "<|tool_call_start|>",
                                                "[{\"clock\": {}}]",
                                                "<|tools_prefix|>",
                                                "<|message_sep|>",
                                                "function call<|role_sep|>"};
    const std::string_view families[] = {
        kHermes,   kQwenCoder,   kGlm,      kDeepSeek,  kKimi,       kLlama,   kMistral,
        kGranite,  kGemma,       kHarmony,  kLlama4,    kSeed,       kMiniMax, kMiniMaxM1,
        kCommandA, kCommandR,    "plain",   kMiniMaxM3, kDeepSeekV4, kMiniCpm, kKimiK3,
        kSolar,    kFunctionary, kNemotron, kGigaChat,  kGigaChat31, kApertus, kLfm2,
        kApriel,   kMuse,        kCogito};
    const char* wanted = std::getenv("CONCLAVE_CASES");
    const int nCases = wanted != nullptr ? std::atoi(wanted) : 3000;
    std::mt19937 random(7);
    const auto below = [&](std::size_t n) { return random() % n; };
    for (int i = 0; i < nCases; ++i) {
        Case one{families[below(std::size(families))], {}, {}, below(4) == 0};
        for (std::size_t n = 1 + below(14); n > 0; --n)
            one.text += fragments[below(fragments.size())];
        const ChatOutput whole = parse(one);
        ASSERT_EQ(parse(one, everyByte(one.text)), whole) << one.chatTemplate << "\n" << one.text;
        std::vector<std::size_t> cuts;
        for (std::size_t at = 0; at < one.text.size(); ++at) {
            if (below(6) == 0) cuts.push_back(at);
        }
        ASSERT_EQ(parse(one, cuts), whole) << one.chatTemplate << "\n" << one.text;
    }
}

TEST(MarkerSearch, WaitsForWhatMayStillBecomeAnEarlierMark) {
    constexpr std::string_view kMarks[] = {"ab", "xabc"};
    EXPECT_EQ(findMarker("..xab", kMarks, false).position, 2u);
    EXPECT_FALSE(findMarker("..xab", kMarks, false).isFound());
    EXPECT_EQ(findMarker("..xab", kMarks, true).marker, 0u);
    EXPECT_EQ(findMarker("..xabc", kMarks, false).marker, 1u);
    EXPECT_EQ(findMarker("..xabd", kMarks, false).position, 3u);
}

}  // namespace
}  // namespace conclave::engine
