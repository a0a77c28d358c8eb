// What a model's file says besides its weights: how it wants to be sampled, and how turns are
// written where it has no chat template.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/engine.h"
#include "engine/gguf/gguf_file.h"
#include "engine/tokenizer/message_contents.h"
#include "engine/tokenizer/stand_in_template.h"
#include "tests/support/changed_metadata.h"
#include "tests/support/gguf_writer.h"

namespace conclave::engine {
namespace {

using Json = nlohmann::ordered_json;
using test::ChangedMetadata;
using testing::HasSubstr;

const std::filesystem::path kTinyModels =
    std::filesystem::path(CONCLAVE_TEST_SOURCE) / "tests/parity";

ChangedMetadata changed(const std::string& name) {
    std::ifstream stream(kTinyModels / name, std::ios::binary);
    return ChangedMetadata(std::string(std::istreambuf_iterator<char>(stream), {}));
}

/// A file that is gone with this.
struct ScratchFile {
    explicit ScratchFile(const std::string& bytes)
        : path(std::filesystem::path(testing::TempDir()) /
               ("model-facts-" + std::to_string(::getpid()) + ".gguf")) {
        std::ofstream(path, std::ios::binary) << bytes;
    }
    ~ScratchFile() { std::filesystem::remove(path); }
    ScratchFile(const ScratchFile&) = delete;
    ScratchFile& operator=(const ScratchFile&) = delete;

    std::filesystem::path path;
};

ModelInfo infoOf(ChangedMetadata model) {
    const ScratchFile file(model.bytes());
    const auto info = readModelInfo(file.path);
    EXPECT_TRUE(info) << info.error().detail;
    return info.value_or(ModelInfo{});
}

// ---------------------------------------------------------------------------- sampling

TEST(ModelFacts, TakesTheSamplingThatTheFileRecommends) {
    const ModelInfo plain = infoOf(changed("olmoe.gguf"));
    EXPECT_EQ(plain.sampling, SamplerSettings{});
    EXPECT_TRUE(plain.recommendedSampling.empty());

    const ModelInfo info =
        infoOf(changed("olmoe.gguf")
                   .add("general.sampling.temp", 0.6f)
                   .add("general.sampling.top_k", 20)
                   .add("general.sampling.top_p", std::string_view("0.9"))
                   .add("general.sampling.min_p", 0.0f)
                   .add("general.sampling.xtc_probability", 0.25f)
                   .add("general.sampling.xtc_threshold", 0.2f)
                   .add("general.sampling.penalty_last_n", 128)
                   .add("general.sampling.penalty_repeat", 1.05f)
                   .add("general.sampling.mirostat", 2)
                   .add("general.sampling.mirostat_tau", 4.0f)
                   .add("general.sampling.mirostat_eta", 0.2f)
                   .add("general.sampling.sequence", std::string_view("top_k;top-p;temp")));
    SamplerSettings expected;
    expected.temperature = 0.6f;
    expected.topK = 20;
    expected.topP = 0.9f;
    expected.minP = 0.0f;
    expected.xtcProbability = 0.25f;
    expected.xtcThreshold = 0.2f;
    expected.penaltyWindow = 128;
    expected.repeatPenalty = 1.05f;
    expected.mirostat = 2;
    expected.mirostatTau = 4.0f;
    expected.mirostatEta = 0.2f;
    expected.steps = {SamplerStep::TopK, SamplerStep::TopP, SamplerStep::Temperature};
    EXPECT_EQ(info.sampling, expected);
    EXPECT_EQ(info.recommendedSampling.size(), 12u);
    EXPECT_EQ(info.recommendedSampling["temp"].dump(), "0.6");  // not 0.6000000238
    EXPECT_EQ(info.recommendedSampling["top_k"], 20);
    EXPECT_EQ(info.recommendedSampling["sequence"], "top_k;top-p;temp");
}

TEST(ModelFacts, PassesOverRecommendationsThatCannotBe) {
    const ModelInfo info = infoOf(changed("olmoe.gguf")
                                      .add("general.sampling.temp", std::string_view("warm"))
                                      .add("general.sampling.top_k", 3e9f)
                                      .add("general.sampling.min_p", 1.5f)
                                      .add("general.sampling.mirostat", 7)
                                      .add("general.sampling.sequence", std::string_view("top_q"))
                                      .add("general.sampling.top_p", 0.8f));
    SamplerSettings expected;
    expected.topP = 0.8f;
    EXPECT_EQ(info.sampling, expected);
    EXPECT_EQ(info.recommendedSampling.dump(), R"({"top_p":0.8})");
}

TEST(ModelFacts, PassesOverRecommendationsThatTheOptionsRefuse) {
    const ModelInfo info = infoOf(changed("olmoe.gguf")
                                      .add("general.sampling.temp", -1.0f)
                                      .add("general.sampling.top_k", -3)
                                      .add("general.sampling.top_p", 2.0f)
                                      .add("general.sampling.min_p", -0.5f)
                                      .add("general.sampling.penalty_last_n", -2)
                                      .add("general.sampling.penalty_repeat", 0.1f)
                                      .add("general.sampling.mirostat_eta", 1.5f)
                                      .add("general.sampling.xtc_threshold", 1.0f));
    SamplerSettings expected;
    expected.repeatPenalty = 0.1f;
    expected.xtcThreshold = 1.0f;
    EXPECT_EQ(info.sampling, expected);
    EXPECT_EQ(info.recommendedSampling.dump(), R"({"xtc_threshold":1.0,"penalty_repeat":0.1})");
}

TEST(ModelFacts, PassesOverUnknownStepsAlone) {
    const ModelInfo info =
        infoOf(changed("olmoe.gguf")
                   .add("general.sampling.sequence", std::string_view("Top_K;tail;temp;top_k;")));
    EXPECT_EQ(info.sampling.steps, (std::vector{SamplerStep::TopK, SamplerStep::Temperature}));
    EXPECT_EQ(info.recommendedSampling["sequence"], "Top_K;temp");
}

// ------------------------------------------------------------------- without a template

/// What stands in for the template of a file with these tokens, and what it writes.
struct StandIn {
    std::string family;
    std::string text;
};

StandIn standIn(const std::vector<std::string>& tokens, const std::string& kind = "gpt2") {
    test::GgufWriter writer;
    writer.set("tokenizer.ggml.model", kind);
    writer.setStrings("tokenizer.ggml.tokens", tokens);
    const ScratchFile file(writer.bytes());
    const auto opened = GgufFile::open(file.path);
    EXPECT_TRUE(opened);
    const StandInTemplate found = standInTemplate(*opened);
    const auto parsed = ChatTemplate::parse(found.source, "<s>", "</s>");
    EXPECT_TRUE(parsed) << parsed.error().detail;
    const std::vector<ChatMessage> messages = {
        {"system", "Be brief."}, {"user", "Hi"}, {"assistant", "Yes?"}, {"user", "Why"}};
    const auto parts = (*parsed)->render(messages, {});
    EXPECT_TRUE(parts) << found.family << parts.error().detail;
    StandIn result{std::string(found.family), {}};
    for (const PromptPart& part : *parts) result.text += part.text;
    return result;
}

TEST(ModelFacts, WritesTurnsByTheMarksOfTheVocabulary) {
    const StandIn chatMl = standIn({"a", "<|im_start|>", "<|im_end|>"});
    EXPECT_EQ(chatMl.family, "ChatML");
    EXPECT_EQ(chatMl.text,
              "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
              "<|im_start|>assistant\nYes?<|im_end|>\n<|im_start|>user\nWhy<|im_end|>\n"
              "<|im_start|>assistant\n");
    const StandIn phi4 = standIn({"<|im_start|>", "<|im_end|>", "<|im_sep|>"});
    EXPECT_EQ(phi4.family, "Phi-4");
    EXPECT_THAT(phi4.text, HasSubstr("<|im_start|>user<|im_sep|>Why<|im_end|><|im_start|>"
                                     "assistant<|im_sep|>"));
    const StandIn llama = standIn({"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"});
    EXPECT_EQ(llama.family, "Llama 3");
    EXPECT_EQ(llama.text,
              "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
              "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
              "<|start_header_id|>assistant<|end_header_id|>\n\nYes?<|eot_id|>"
              "<|start_header_id|>user<|end_header_id|>\n\nWhy<|eot_id|>"
              "<|start_header_id|>assistant<|end_header_id|>\n\n");
    const StandIn gemma = standIn({"<start_of_turn>", "<end_of_turn>"}, "llama");
    EXPECT_EQ(gemma.family, "Gemma");
    EXPECT_EQ(gemma.text,
              "<s><start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\n"
              "Yes?<end_of_turn>\n<start_of_turn>user\nWhy<end_of_turn>\n<start_of_turn>model\n");
    const StandIn mistral = standIn({"[INST]", "[/INST]"}, "llama");
    EXPECT_EQ(mistral.family, "Mistral");
    EXPECT_EQ(mistral.text, "<s>[INST] Be brief.\n\nHi[/INST] Yes?</s>[INST] Why[/INST]");
    EXPECT_EQ(standIn({"[INST]", "[/INST]", "[SYSTEM_PROMPT]"}).text,
              "<s>[SYSTEM_PROMPT]Be brief.[/SYSTEM_PROMPT][INST]Hi[/INST]Yes?</s>[INST]Why[/INST]");
    const StandIn deepSeek = standIn({"<｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>"});
    EXPECT_EQ(deepSeek.family, "DeepSeek-V3");
    EXPECT_EQ(deepSeek.text,
              "<s>Be brief.\n\n<｜User｜>Hi<｜Assistant｜>Yes?<｜end▁of▁sentence｜><｜User｜>Why"
              "<｜Assistant｜>");
    EXPECT_THAT(standIn({"<|start|>", "<|channel|>", "<|message|>", "<|return|>"}).text,
                HasSubstr("<|start|>user<|message|>Why<|end|><|start|>assistant"));
    EXPECT_THAT(standIn({"[gMASK]", "<sop>", "<|user|>", "<|assistant|>"}).text,
                HasSubstr("[gMASK]<sop><|system|>\nBe brief.<|user|>\nHi"));
    EXPECT_THAT(standIn({"<|header_start|>", "<|header_end|>", "<|eot|>"}).text,
                HasSubstr("<|header_start|>user<|header_end|>\n\nWhy<|eot|>"));
    EXPECT_THAT(standIn({"<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>"}).text,
                HasSubstr("<|start_of_role|>user<|end_of_role|>Why<|end_of_text|>\n"));
    EXPECT_THAT(standIn({"<|START_OF_TURN_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>",
                         "<|END_OF_TURN_TOKEN|>"})
                    .text,
                HasSubstr("<|START_OF_TURN_TOKEN|><|USER_TOKEN|>Why<|END_OF_TURN_TOKEN|>"));
    EXPECT_THAT(standIn({"<|im_user|>", "<|im_assistant|>", "<|im_middle|>", "<|im_end|>"}).text,
                HasSubstr("<|im_user|>user<|im_middle|>Why<|im_end|><|im_assistant|>assistant"));
    EXPECT_THAT(standIn({"<|user|>", "<|assistant|>", "<|end|>", "<0x0A>"}, "llama").text,
                HasSubstr("<|user|>\nWhy<|end|>\n<|assistant|>\n"));
}

TEST(ModelFacts, KnowsNoFamilyWhereNoMarksAre) {
    for (const auto& tokens : std::vector<std::vector<std::string>>{
             {"a", "b"}, {"<|im_start|>", "b"}, {"[INST]"}, {"<|user|>", "<|assistant|>"}}) {
        const StandIn none = standIn(tokens);
        EXPECT_EQ(none.family, "");
        EXPECT_THAT(none.text, HasSubstr("<|im_start|>user\nHi<|im_end|>"));  // as text
    }
}

TEST(ModelFacts, OwnTemplatesStandForThemselves) {
    EXPECT_TRUE(infoOf(changed("llama-dense.gguf")).hasChatTemplate);
    const ModelInfo without = infoOf(changed("llama-dense.gguf").drop("tokenizer.chat_template"));
    EXPECT_FALSE(without.hasChatTemplate);
    EXPECT_EQ(infoOf(changed("olmoe.gguf")).turnFamily, "");
    EXPECT_EQ(infoOf(changed("bert.gguf")).turnFamily, "");
}

constexpr std::string_view kPlainTemplate =
    "{% for m in messages %}{{ 'plain:' + m.content }}{% endfor %}";
constexpr std::string_view kToolTemplate =
    "{% for m in messages %}{{ 'tools:' + m.content }}{% endfor %}";

/// The prompt for "Hi" with these templates in the file (empty: no such key), with and without
/// tools.
std::pair<std::string, std::string> promptsOf(std::string_view usual, std::string_view forTools) {
    ChangedMetadata metadata = changed("llama-dense.gguf").drop("tokenizer.chat_template");
    if (!usual.empty()) metadata.add("tokenizer.chat_template", usual);
    if (!forTools.empty()) metadata.add("tokenizer.chat_template.tool_use", forTools);
    const ScratchFile file(metadata.bytes());
    const auto model = Model::load(file.path);
    if (!model) return {model.error().detail, {}};
    const std::vector<ChatMessage> messages = {{"user", "Hi"}};
    ChatTemplateOptions options;
    options.variables["tools"] = Json::array();
    const auto without = (*model)->renderChat(messages, options);
    options.variables["tools"].push_back(Json::parse(R"({"function":{"name":"weather"}})"));
    const auto with = (*model)->renderChat(messages, options);
    return {without ? *without : without.error().detail, with ? *with : with.error().detail};
}

TEST(ModelFacts, TakesTheTemplateForToolsWhereToolsAreGiven) {
    using Prompts = std::pair<std::string, std::string>;
    EXPECT_EQ(promptsOf(kPlainTemplate, kToolTemplate), Prompts("plain:Hi", "tools:Hi"));
    EXPECT_EQ(promptsOf(kPlainTemplate, {}), Prompts("plain:Hi", "plain:Hi"));
    // It is all there is.
    EXPECT_EQ(promptsOf({}, kToolTemplate), Prompts("tools:Hi", "tools:Hi"));
    EXPECT_EQ(promptsOf(" \n", kToolTemplate), Prompts("tools:Hi", "tools:Hi"));
    EXPECT_EQ(promptsOf("chatml", kToolTemplate), Prompts("tools:Hi", "tools:Hi"));
    // What cannot be read is passed over.
    EXPECT_EQ(promptsOf(kPlainTemplate, "{% for"), Prompts("plain:Hi", "plain:Hi"));
    EXPECT_EQ(promptsOf(kPlainTemplate, " "), Prompts("plain:Hi", "plain:Hi"));
}

TEST(ModelFacts, ATemplateForToolsMayBeOfAnyKind) {
    const ScratchFile file(
        changed("llama-dense.gguf").add("tokenizer.chat_template.tool_use", 7).bytes());
    const auto model = Model::load(file.path);
    ASSERT_TRUE(model) << model.error().detail;
    ChatTemplateOptions options;
    options.variables["tools"] = 3;
    const std::vector<ChatMessage> messages = {{"user", "Hi"}};
    EXPECT_THAT((*model)->renderChat(messages, options).value(), HasSubstr("Hi"));
}

TEST(ModelFacts, AnEmptyTemplateIsNoneAndAWordIsChatMl) {
    const auto with = [](std::string_view source) {
        return changed("llama-dense.gguf")
            .drop("tokenizer.chat_template")
            .add("tokenizer.chat_template", source);
    };
    EXPECT_FALSE(infoOf(with("")).hasChatTemplate);
    EXPECT_FALSE(infoOf(with(" \n")).hasChatTemplate);
    EXPECT_TRUE(infoOf(with("chatml")).hasChatTemplate);
    for (const char* source : {" \n", "chatml"}) {
        EXPECT_EQ(promptsOf(source, {}).first,
                  "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
    }
}

// ---------------------------------------------------------------------------- messages

constexpr std::string_view kTexts =
    "{% for m in messages %}{{ m.role + ':' + (m.content if m.content is string else '') + ';' }}"
    "{% endfor %}";
constexpr std::string_view kPartsOnly =
    "{% for m in messages %}{{ m.role + ':' }}{% for part in m.content %}"
    "{% if part.type == 'text' %}{{ '<' + part.text + '>' }}{% endif %}{% endfor %};{% endfor %}";

/// What the template writes of the messages as it is given them.
std::string written(std::string_view source, const char* messages) {
    const auto parsed = ChatTemplate::parse(source, "", "");
    EXPECT_TRUE(parsed);
    auto read = messagesFor(source, readsPartsOnly(**parsed), Json::parse(messages));
    if (!read) return "ERROR: " + read.error().detail;
    ChatTemplateOptions options;
    options.variables["messages"] = std::move(*read);
    std::string text;
    const auto parts = (*parsed)->render({}, options);
    if (!parts) return "ERROR: " + parts.error().detail;
    for (const PromptPart& part : *parts) text += part.text;
    return text;
}

TEST(ModelFacts, GivesATemplateContentsInTheFormThatItReads) {
    constexpr const char* kMessages =
        R"([{"role":"system","content":"a"},{"role":"user","content":[{"type":"text","text":"b"},)"
        R"({"type":"text","text":"c"}]},{"role":"assistant","content":[]}])";
    EXPECT_EQ(written(kTexts, kMessages), "system:a;user:b\nc;assistant:;");
    EXPECT_EQ(written(kPartsOnly, kMessages), "system:<a>;user:<b\nc>;assistant:<>;");
    // One that writes whatever it is given, as Python's text of a list, reads texts.
    EXPECT_EQ(written("{% for m in messages %}{{ m.content }};{% endfor %}", kMessages),
              "a;b\nc;;");
}

TEST(ModelFacts, RefusesPartsThatAreNoText) {
    for (const auto& [part, expected] : std::vector<std::pair<std::string, std::string>>{
             {R"({"type":"image_url","image_url":{"url":"data:"}})", "of the type image_url"},
             {R"({"type":"text"})", "without a \"text\""},
             {R"({"text":"a"})", "without a \"type\""},
             {R"("a")", "without a \"type\""}}) {
        const std::string messages =
            R"([{"role":"user","content":"a"},{"role":"user","content":[)" + part + "]}]";
        const std::string text = written(kTexts, messages.c_str());
        EXPECT_THAT(text, HasSubstr("ERROR: message 2 has a part "));
        EXPECT_THAT(text, HasSubstr(expected));
    }
}

TEST(ModelFacts, DevelopersAreTheSystemToTemplatesThatKnowNone) {
    constexpr const char* kMessages = R"([{"role":"developer","content":"a"}])";
    EXPECT_EQ(written(kTexts, kMessages), "system:a;");
    EXPECT_EQ(written("{# developer #}{% for m in messages %}{{ m.role }}{% endfor %}", kMessages),
              "developer");
}

TEST(ModelFacts, ALoadedModelReadsPartsAsTheirText) {
    const auto model = Model::load(kTinyModels / "llama-dense.gguf");
    ASSERT_TRUE(model) << model.error().detail;
    ChatTemplateOptions options;
    options.variables["messages"] =
        Json::parse(R"([{"role":"user","content":[{"type":"text","text":"Hello"}]}])");
    const std::vector<ChatMessage> same = {{"user", "Hello"}};
    EXPECT_EQ((*model)->renderChat({}, options).value(), (*model)->renderChat(same).value());
    EXPECT_EQ((*model)->tokenizeChat({}, options).value(), (*model)->tokenizeChat(same).value());
}

// -------------------------------------------------------------------------- vocabulary

TEST(ModelFacts, TheVocabularyOfAnyModelCutsAsTheModelDoes) {
    const auto vocabulary = ModelVocabulary::load(kTinyModels / "bert.gguf");
    const auto embedder = TextEmbedder::load(kTinyModels / "bert.gguf");
    ASSERT_TRUE(vocabulary && embedder);
    EXPECT_EQ((*vocabulary)->tokenize("unaffable hello"), (*embedder)->tokenize("unaffable hello"));
    const auto bare = (*vocabulary)->tokenize("hello", {.addBos = false});
    EXPECT_EQ((*vocabulary)->detokenize(bare), " hello");
    EXPECT_EQ((*vocabulary)->tokenize("hello").size(), bare.size() + 2);  // [CLS] and [SEP]

    const auto table = std::filesystem::path(CONCLAVE_TEST_SOURCE) /
                       "resources/models/conclave-embed-static-256-q8_0.gguf";
    EXPECT_EQ(ModelVocabulary::load(table).value()->tokenize("a tree"),
              TextEmbedder::load(table).value()->tokenize("a tree"));
    const auto model = Model::load(kTinyModels / "olmoe.gguf");
    ASSERT_TRUE(model);
    EXPECT_EQ(ModelVocabulary::load(kTinyModels / "olmoe.gguf").value()->tokenize("Hello there"),
              (*model)->tokenize("Hello there"));
    EXPECT_FALSE(ModelVocabulary::load(kTinyModels / "nothing.gguf"));
}

}  // namespace
}  // namespace conclave::engine
