#include <functional>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/engine.h"
#include "engine/gguf/gguf_file.h"
#include "engine/gguf/gguf_parser.h"
#include "gguf_writer.h"
#include "models.h"

namespace conclave::engine {
namespace {

using test::Bytes;
using test::GgufWriter;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

constexpr std::uint32_t kF32 = 0;
constexpr std::uint32_t kQ8 = 8;

Result<GgufPart> parse(const std::string& bytes) {
    return parseGgufPart(std::as_bytes(std::span(bytes)));
}

GgufWriter goodFile() {
    GgufWriter writer;
    writer.text("general.architecture", "llama").number("llama.block_count", 2);
    writer.tensor("a", {4, 2}, kF32, 0).tensor("b", {32}, kQ8, 32);
    writer.data.assign(66, '\1');
    return writer;
}

void expectError(const GgufWriter& writer, ErrorCode code, const std::string& named) {
    const auto part = parse(writer.bytes());
    ASSERT_FALSE(part) << named;
    EXPECT_EQ(part.error().code, code) << part.error().detail;
    EXPECT_THAT(part.error().detail, HasSubstr(named));
}

TEST(GgufFile, ReadsMetadataOfEveryKind) {
    GgufWriter writer;
    const auto add = [&](std::string_view key, std::uint32_t kind, const Bytes& value) {
        writer.metadata.push_back(Bytes().string(key).put(kind).raw(value.text()).text());
    };
    add("u8", 0, Bytes().put(std::uint8_t{200}));
    add("i8", 1, Bytes().put(std::int8_t{-5}));
    add("i16", 3, Bytes().put(std::int16_t{-300}));
    add("f32", 6, Bytes().put(0.5f));
    add("flag", 7, Bytes().put(std::uint8_t{1}));
    add("text", 8, Bytes().string("word"));
    add("u64", 10, Bytes().put(std::uint64_t{1} << 40));
    add("f64", 12, Bytes().put(0.25));
    add("strings", 9, Bytes().put(std::uint32_t{8}).put(std::uint64_t{2}).string("x").string("yz"));
    add("floats", 9, Bytes().put(std::uint32_t{6}).put(std::uint64_t{2}).put(1.5f).put(-2.0f));
    add("signed", 9,
        Bytes()
            .put(std::uint32_t{1})
            .put(std::uint64_t{2})
            .put(std::int8_t{-1})
            .put(std::int8_t{7}));
    const auto file = GgufFile::open(writer.write("kinds.gguf"));
    ASSERT_TRUE(file) << file.error().detail;
    EXPECT_EQ(file->integer("u8"), 200);
    EXPECT_EQ(file->integer("i8"), -5);
    EXPECT_EQ(file->integer("i16"), -300);
    EXPECT_EQ(file->number("f32"), 0.5);
    EXPECT_EQ(file->boolean("flag"), true);
    EXPECT_EQ(file->string("text"), "word");
    EXPECT_EQ(file->integer("u64"), std::int64_t{1} << 40);
    EXPECT_EQ(file->number("f64"), 0.25);
    EXPECT_THAT(*file->strings("strings"), ElementsAre("x", "yz"));
    EXPECT_THAT(*file->numbers("floats"), ElementsAre(1.5f, -2.0f));
    EXPECT_THAT(*file->integers("signed"), ElementsAre(-1, 7));
    EXPECT_THAT(*file->bytes("signed"), ElementsAre(255, 7));
    EXPECT_EQ(file->integer("text"), std::nullopt);
    EXPECT_EQ(file->string("absent"), std::nullopt);
    EXPECT_THAT(file->requireInteger("u8", 0, 100).error().detail, HasSubstr("\"u8\" is 200"));
    EXPECT_THAT(file->requireString("absent").error().detail, HasSubstr("\"absent\""));
}

TEST(GgufFile, FindsTensorsWhereTheyAre) {
    GgufWriter writer = goodFile();
    writer.data[32] = '\7';
    const std::string bytes = writer.bytes();  // tensors of the part point into it
    const auto part = parse(bytes);
    ASSERT_TRUE(part) << part.error().detail;
    ASSERT_EQ(part->tensors.size(), 2U);
    EXPECT_EQ(part->tensors[0].data.size(), 32U);
    EXPECT_EQ(part->tensors[1].data.size(), 34U);
    EXPECT_EQ(part->tensors[1].data[0], std::byte{7});
    EXPECT_EQ(part->tensors[0].nValues(), 8U);
    EXPECT_EQ(part->tensors[0].rowBytes(), 16U);
}

TEST(GgufFile, RejectsWhatIsNoGguf) {
    EXPECT_THAT(parse("GGML some other file of old").error().detail, HasSubstr("not a GGUF file"));
    GgufWriter writer = goodFile();
    writer.version = 1;
    expectError(writer, ErrorCode::Unsupported, "version 1");
    writer.version = 3U << 24;
    expectError(writer, ErrorCode::Unsupported, "big-endian");
    writer.version = 2;
    EXPECT_TRUE(parse(writer.bytes()));
}

TEST(GgufFile, RejectsEveryTruncation) {
    const std::string whole = goodFile().bytes();
    ASSERT_TRUE(parse(whole));
    for (std::size_t length = 0; length < whole.size(); ++length) {
        // A buffer of just this size, so that the sanitizer sees a read past it.
        const std::vector<char> cut(whole.begin(),
                                    whole.begin() + static_cast<std::ptrdiff_t>(length));
        const auto part = parseGgufPart(std::as_bytes(std::span(cut)));
        ASSERT_FALSE(part) << length;
        EXPECT_EQ(part.error().code, ErrorCode::Corrupt) << length;
    }
}

TEST(GgufFile, RejectsCountsThatTheFileCannotHold) {
    for (const std::int64_t claimed :
         {std::int64_t{5}, std::int64_t{1} << 32, std::numeric_limits<std::int64_t>::max()}) {
        GgufWriter tensors = goodFile();
        tensors.nTensorsClaimed = claimed;
        EXPECT_FALSE(parse(tensors.bytes())) << claimed;
        GgufWriter metadata = goodFile();
        metadata.nMetadataClaimed = claimed;
        EXPECT_FALSE(parse(metadata.bytes())) << claimed;
    }
    GgufWriter writer = goodFile();
    writer.nTensorsClaimed = std::int64_t{1} << 40;
    expectError(writer, ErrorCode::Corrupt, "number of tensors");
    writer = goodFile();
    writer.nMetadataClaimed = std::int64_t{1} << 40;
    expectError(writer, ErrorCode::Corrupt, "number of metadata entries");
}

TEST(GgufFile, RejectsHugeStringsAndArrays) {
    for (const std::uint64_t length :
         {std::uint64_t{1} << 20, std::uint64_t{1} << 62, ~std::uint64_t{0}}) {
        GgufWriter key = goodFile();
        key.metadata.push_back(Bytes().put(length).raw("abcdefghijklmnop").text());
        expectError(key, ErrorCode::Corrupt, "the key of metadata entry 2");
        GgufWriter value = goodFile();
        value.metadata.push_back(Bytes().string("k").put(std::uint32_t{8}).put(length).text());
        expectError(value, ErrorCode::Corrupt, "metadata \"k\"");
        for (const std::uint32_t kind : {0U, 4U, 6U, 7U, 8U, 12U}) {
            GgufWriter array = goodFile();
            array.metadata.push_back(
                Bytes().string("k").put(std::uint32_t{9}).put(kind).put(length).text());
            expectError(array, ErrorCode::Corrupt, "metadata \"k\"");
        }
    }
    GgufWriter nested = goodFile();
    nested.metadata.push_back(Bytes()
                                  .string("k")
                                  .put(std::uint32_t{9})
                                  .put(std::uint32_t{9})
                                  .put(std::uint64_t{1})
                                  .text());
    expectError(nested, ErrorCode::Unsupported, "array of arrays");
    GgufWriter kind = goodFile();
    kind.metadata.push_back(Bytes().string("k").put(std::uint32_t{77}).text());
    expectError(kind, ErrorCode::Corrupt, "unknown kind 77");
}

TEST(GgufFile, RejectsNamesThatOccurTwice) {
    GgufWriter key = goodFile();
    key.number("llama.block_count", 3);
    expectError(key, ErrorCode::Corrupt, "\"llama.block_count\" occurs twice");
    GgufWriter tensor = goodFile();
    tensor.tensor("a", {4}, kF32, 0);
    const auto file = GgufFile::open(tensor.write("twice.gguf"));
    ASSERT_FALSE(file);
    EXPECT_THAT(file.error().detail, HasSubstr("\"a\" occurs twice"));
}

TEST(GgufFile, RejectsTensorPastEndOfFile) {
    GgufWriter writer = goodFile();
    writer.tensor("c", {64}, kF32, 64);
    expectError(writer, ErrorCode::Corrupt, "tensor \"c\" reaches past the end");
    writer = goodFile();
    writer.tensor("c", {1}, kF32, ~std::uint64_t{0} / 32 * 32);
    expectError(writer, ErrorCode::Corrupt, "tensor \"c\" reaches past the end");
}

TEST(GgufFile, RejectsImpossibleTensors) {
    const auto with = [](const std::vector<std::uint64_t>& shape, std::uint32_t type,
                         std::uint64_t offset) {
        GgufWriter writer = goodFile();
        writer.tensor("c", shape, type, offset);
        return writer;
    };
    expectError(with({}, kF32, 0), ErrorCode::Corrupt, "0 dimensions");
    expectError(with({1, 1, 1, 1, 1}, kF32, 0), ErrorCode::Corrupt, "5 dimensions");
    expectError(with({0}, kF32, 0), ErrorCode::Corrupt, "impossible shape");
    expectError(with({std::uint64_t{1} << 40, std::uint64_t{1} << 40}, kF32, 0), ErrorCode::Corrupt,
                "impossible shape");
    expectError(with({std::uint64_t{1} << 60}, kF32, 0), ErrorCode::Corrupt, "past the end");
    expectError(with({4}, 4, 0), ErrorCode::Corrupt, "unknown type 4");
    expectError(with({4}, 12345, 0), ErrorCode::Corrupt, "unknown type 12345");
    expectError(with({33}, kQ8, 0), ErrorCode::Corrupt, "rows of 33 values");
    expectError(with({4}, kF32, 8), ErrorCode::Corrupt, "not a multiple of 32");
}

TEST(GgufFile, ChecksTheAlignment) {
    for (const std::uint32_t alignment : {0U, 3U, 4U, 48U, 1U << 30}) {
        GgufWriter writer = goodFile();
        writer.number("general.alignment", alignment);
        expectError(writer, ErrorCode::Corrupt, "general.alignment");
    }
}

TEST(GgufFile, ReadsSplitFilesFromAnyPart) {
    GgufWriter first;
    first.text("general.architecture", "llama").number("split.count", 2).number("split.no", 0);
    first.number("split.tensors.count", 2).tensor("a", {8}, kF32, 0).data.assign(32, '\0');
    GgufWriter second;
    second.number("split.count", 2).number("split.no", 1);
    second.tensor("b", {8}, kF32, 0).data.assign(32, '\0');
    const auto one = first.write("split-00001-of-00002.gguf");
    const auto two = second.write("split-00002-of-00002.gguf");
    for (const auto& path : {one, two}) {
        const auto file = GgufFile::open(path);
        ASSERT_TRUE(file) << file.error().detail;
        EXPECT_EQ(file->tensors().size(), 2U);
        EXPECT_NE(file->tensor("b"), nullptr);
        EXPECT_EQ(file->string("general.architecture"), "llama");
        EXPECT_EQ(file->fileBytes(),
                  std::filesystem::file_size(one) + std::filesystem::file_size(two));
    }
    std::filesystem::remove(two);
    EXPECT_EQ(GgufFile::open(one).error().code, ErrorCode::NotFound);
    static_cast<void>(first.write("split-00002-of-00002.gguf"));
    EXPECT_THAT(GgufFile::open(one).error().detail, HasSubstr("split.no"));
}

TEST(ModelInfo, DescribesTheBundledModel) {
    const auto info = readModelInfo(test::chatModel("Q8_0"));
    ASSERT_TRUE(info) << info.error().detail;
    EXPECT_EQ(info->architecture, "deepseek2");
    EXPECT_EQ(info->fileType, "Q8_0");
    EXPECT_EQ(info->contextLength, 1024);
    EXPECT_EQ(info->vocabularySize, 6144);
    EXPECT_EQ(info->nExperts, 16);
    EXPECT_EQ(info->nExpertsUsed, 2);
    EXPECT_EQ(info->fileBytes, std::filesystem::file_size(test::chatModel("Q8_0")));
    // 14 of 16 experts of 3 matrices of 256 x 256 in 5 layers rest.
    EXPECT_EQ(info->nParameters - info->nActiveParameters, 14U * 3 * 256 * 256 * 5);
    EXPECT_TRUE(info->hasChatTemplate);
    EXPECT_FALSE(info->isEmbedder);
}

GgufWriter llamaMetadata() {
    GgufWriter writer;
    writer.text("general.architecture", "llama")
        .number("llama.block_count", 2)
        .number("llama.context_length", 128)
        .number("llama.embedding_length", 64)
        .number("llama.feed_forward_length", 64)
        .number("llama.attention.head_count", 4)
        .number("llama.vocab_size", 100)
        .real("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    return writer;
}

TEST(ModelInfo, NamesAnUnknownArchitectureOfATruncatedFile) {
    GgufWriter writer;
    writer.text("general.architecture", "deepseek9").text("general.name", std::string(300, 'x'));
    const auto path = writer.write("cut.gguf");
    for (const std::uintmax_t left :
         {200U, 120U}) {  // within the name, and little more than the first key
        std::filesystem::resize_file(path, left);
        const auto info = readModelInfo(path);
        ASSERT_FALSE(info);
        EXPECT_THAT(info.error().detail,
                    HasSubstr("architecture deepseek9 is not supported; closest: deepseek2"));
    }
    std::filesystem::resize_file(path, 30);
    EXPECT_EQ(readModelInfo(path).error().code, ErrorCode::Corrupt);
}

TEST(ModelInfo, SaysThatAnArchitectureIsEmpty) {
    GgufWriter writer;
    writer.text("general.architecture", "");
    const auto info = readModelInfo(writer.write("empty.gguf"));
    ASSERT_FALSE(info);
    EXPECT_THAT(info.error().detail, HasSubstr("\"general.architecture\" is empty"));
}

TEST(ModelInfo, NamesWhatIsWrong) {
    const auto errorOf = [](const GgufWriter& writer) {
        const auto info = readModelInfo(writer.write("info.gguf"));
        return info ? Error{ErrorCode::Internal, "no error"} : info.error();
    };
    ASSERT_TRUE(readModelInfo(llamaMetadata().write("info.gguf")));

    GgufWriter unknown;
    unknown.text("general.architecture", "deepseek9");
    EXPECT_EQ(errorOf(unknown).code, ErrorCode::Unsupported);
    EXPECT_THAT(errorOf(unknown).detail,
                HasSubstr("architecture deepseek9 is not supported; closest: deepseek2"));
    const auto expectClosest = [&](const GgufWriter& writer, const std::string& closest) {
        EXPECT_THAT(errorOf(writer).detail, EndsWith("; closest: " + closest));
    };
    const auto named = [](const std::string& name) {
        GgufWriter writer;
        writer.text("general.architecture", name);
        return writer;
    };
    // By name, and by what the file says of its blocks.
    expectClosest(named("qwen2audio"), "qwen2");
    expectClosest(named("qwen3omni"), "qwen3");
    expectClosest(named("qwen3omni").number("qwen3omni.expert_count", 128), "qwen3moe");
    expectClosest(named("llama5"), "llama");
    expectClosest(named("llama5").number("llama5.expert_count", 16), "llama4");
    expectClosest(named("mistral"), "mistral3");
    expectClosest(named("gemma3n"), "gemma3");
    expectClosest(named("gpt_oss"), "gpt-oss");
    expectClosest(named("qwen3_vl_moe"), "qwen3moe");
    expectClosest(named("qwen2_5vl"), "qwen2");
    expectClosest(named("glm-dsa"), "deepseek2");
    expectClosest(named("kimi-linear"), "deepseek2");
    expectClosest(named("cohere2moe"), "cohere2");
    expectClosest(named("command_r"), "command-r");
    expectClosest(named("minimax-m3"), "minimax-m2");
    expectClosest(named("hunyuan_v1_moe"), "hunyuan-moe");
    expectClosest(named("exaone-moe"), "exaone4");
    expectClosest(named("olmo"), "olmo2");
    expectClosest(named("bailingmoe3"), "bailingmoe2");
    expectClosest(named("ernie5"), "ernie4_5");
    expectClosest(named("minicpm3").number("minicpm3.attention.kv_lora_rank", 256), "deepseek2");
    expectClosest(named("zamba").number("zamba.ssm.state_size", 128), "granitehybrid");
    expectClosest(named("falcon-h1"), "granitehybrid");
    expectClosest(named("nemotron_h_moe"), "granitehybrid");
    expectClosest(named("lfm2-audio"), "lfm2");
    expectClosest(named("grok").number("grok.expert_count", 4), "llama");
    expectClosest(
        named("step").number("step.expert_count", 4).number("step.expert_shared_count", 1),
        "deepseek");
    expectClosest(named("gpt2"), "llama");
    // A Qwen with norms of heads is of the third generation, whatever its name.
    const auto normed = [&](const std::string& name) {
        GgufWriter writer = named(name);
        writer.tensor("blk.0.attn_q_norm.weight", {8}, 0, 0);
        writer.data = std::string(32, '\0');
        return writer;
    };
    expectClosest(normed("qwen9moe").number("qwen9moe.expert_count", 8), "qwen3moe");
    expectClosest(normed("qwen9"), "qwen3");
    expectClosest(named("qwen9moe").number("qwen9moe.expert_count", 8), "qwen2moe");
    expectClosest(named("modern-bert"), "nomic-bert");
    for (const char* other : {"t5", "t5encoder", "clip", "mamba2", "rwkv7", "whisper"}) {
        EXPECT_THAT(errorOf(named(other)).detail, HasSubstr("closest: none;")) << other;
    }
    GgufWriter adapter = named("llama");
    adapter.text("general.type", "adapter");
    EXPECT_THAT(errorOf(adapter).detail, HasSubstr("--lora"));
    GgufWriter spelled = named("llama");
    spelled.text("llama.block_count", "2");
    EXPECT_THAT(errorOf(spelled).detail, HasSubstr("llama.block_count"));
    EXPECT_THAT(errorOf(spelled).detail, HasSubstr("but not as a number"));
    GgufWriter strange;
    strange.text("general.architecture", std::string(100000, '\n'));
    EXPECT_LT(errorOf(strange).detail.size(), 200u);
    EXPECT_THAT(errorOf(strange).detail, Not(HasSubstr("\n")));

    for (std::size_t i = 1; i < llamaMetadata().metadata.size(); ++i) {
        GgufWriter lacking = llamaMetadata();
        const std::string key = lacking.metadata[i].substr(8, 6);
        lacking.metadata.erase(lacking.metadata.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_EQ(errorOf(lacking).code, ErrorCode::Corrupt) << key;
    }
    GgufWriter heads = llamaMetadata();
    heads.number("llama.attention.head_count_kv", 3);
    EXPECT_THAT(errorOf(heads).detail, HasSubstr("llama.attention.head_count_kv"));
    GgufWriter experts = llamaMetadata();
    experts.number("llama.expert_count", 4).number("llama.expert_used_count", 5);
    EXPECT_THAT(errorOf(experts).detail, HasSubstr("llama.expert_used_count"));
    GgufWriter many = llamaMetadata();
    many.number("llama.expert_count", 1u << 31);
    EXPECT_THAT(errorOf(many).detail, HasSubstr("llama.expert_count"));
    GgufWriter scaling = llamaMetadata();
    scaling.text("llama.rope.scaling.type", "spiral");
    EXPECT_EQ(errorOf(scaling).code, ErrorCode::Unsupported);
}

}  // namespace
}  // namespace conclave::engine
