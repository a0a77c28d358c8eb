// Whole files: the ones that llama.cpp's quantizer writes, and what must not happen to anybody's.
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <nlohmann/json.hpp>

#include "engine/engine.h"
#include "engine/gguf/gguf_file.h"
#include "engine/quantize/importance.h"
#include "engine/quantize/row_quantizer.h"
#include "golden_values.h"
#include "models.h"

#include "tests/support/gguf_writer.h"

namespace conclave::engine {
namespace {

namespace fs = std::filesystem;
using conclave::test::bytesOf;
using conclave::test::GgufWriter;
using testing::HasSubstr;

class Quantize : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "conclave-quantize-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        m_folder = pattern;
    }
    void TearDown() override { fs::remove_all(m_folder); }

    [[nodiscard]] static std::string contentOf(const fs::path& path) {
        std::ifstream stream(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    }

    fs::path write(const std::string& name, std::string_view content) const {
        std::ofstream(m_folder / name, std::ios::binary) << content;
        return m_folder / name;
    }

    /// A model of one matrix of 2 rows and 32 columns, and one of 2 such.
    [[nodiscard]] fs::path writeModel(const std::vector<float>& values) const {
        GgufWriter writer;
        writer.set("general.architecture", "llama");
        writer.set("llama.block_count", std::uint32_t{1});
        writer.addTensor("blk.0.attn_q.weight", 0, {32, 2},
                         bytesOf(std::vector<float>(values.begin(), values.begin() + 64)));
        writer.addTensor("blk.0.ffn_up_exps.weight", 0, {32, 2, 2}, bytesOf(values));
        EXPECT_TRUE(writer.write(m_folder / "model.gguf"));
        return m_folder / "model.gguf";
    }

    [[nodiscard]] std::size_t nFiles() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(m_folder), {}));
    }

    fs::path m_folder;
};

QuantizeOptions optionsFor(const std::string& type) {
    QuantizeOptions options;
    options.type = type;
    return options;
}

/// Works in a folder for a while.
class InFolder {
public:
    explicit InFolder(const fs::path& folder) : m_before(fs::current_path()) {
        fs::current_path(folder);
    }
    ~InFolder() { fs::current_path(m_before); }
    InFolder(const InFolder&) = delete;
    InFolder& operator=(const InFolder&) = delete;

private:
    fs::path m_before;
};

/// One entry of the binary form of an importance matrix.
std::string entryOf(const std::string& name, std::int32_t nCalls,
                    const std::vector<float>& values) {
    return bytesOf(std::vector{static_cast<std::int32_t>(name.size())}) + name +
           bytesOf(std::vector{nCalls, static_cast<std::int32_t>(values.size())}) + bytesOf(values);
}

TEST_F(Quantize, WritesTheFilesOfLlamaCpp) {
    // The file says how the importance matrix was named.
    const InFolder golden(test::source() / "tests/golden");
    std::ifstream cases("quantized_files.jsonl");
    int nCases = 0;
    for (std::string line; std::getline(cases, line); ++nCases) {
        const auto json = nlohmann::json::parse(line);
        const fs::path in = test::source() / "tests" / (json["model"].get<std::string>() + ".gguf");
        QuantizeOptions options = optionsFor(json["type"]);
        if (json.contains("imatrix")) options.importanceMatrix = json["imatrix"].get<std::string>();
        const auto report = quantizeModel(in, m_folder / "out.gguf", options);
        ASSERT_TRUE(report) << json << report.error().detail;
        const std::string content = contentOf(m_folder / "out.gguf");
        EXPECT_EQ(content.size(), report->outBytes);
        EXPECT_EQ(test::goldenHash(std::as_bytes(std::span(content))), json["hash"]) << json;
    }
    EXPECT_EQ(nCases, (6 + 2 * 2) * 21);
}

TEST_F(Quantize, UsesTheImportancesOfEachMatrix) {
    const auto values = test::goldenRows("plain", 11, 4, 32);
    const fs::path model = writeModel(values);
    const auto first = test::goldenImportances(1, 32);
    const auto second = test::goldenImportances(2, 32);
    std::vector<float> both = first;
    both.insert(both.end(), second.begin(), second.end());
    for (float& value : both) value *= 2.0f;  // the mean of two calls
    const fs::path file = write("im.dat", bytesOf(std::vector<std::int32_t>{1}) +
                                              entryOf("blk.0.ffn_up_exps.weight", 2, both) +
                                              bytesOf(std::vector<std::int32_t>{9, 4}) + "text");
    QuantizeOptions options = optionsFor("q4_0");
    options.importanceMatrix = file;
    options.nThreads = 2;
    const auto report = quantizeModel(model, m_folder / "out.gguf", options);
    ASSERT_TRUE(report) << report.error().detail;
    const auto out = GgufFile::open(m_folder / "out.gguf");
    ASSERT_TRUE(out) << out.error().detail;
    EXPECT_EQ(out->integer("quantize.imatrix.entries_count"), 1);
    EXPECT_EQ(out->integer("quantize.imatrix.chunks_count"), 9);
    EXPECT_EQ(out->string("quantize.imatrix.dataset"), "text");
    EXPECT_EQ(out->integer("general.file_type"), 2);
    const TensorInfo& experts = *out->tensor("blk.0.ffn_up_exps.weight");
    ASSERT_EQ(experts.type, TensorType::Q4_0);
    std::vector<std::byte> expected(18);
    for (std::size_t row = 0; row < 4; ++row) {
        quantize::quantizeQ4_0(std::span(values).subspan(32 * row, 32), row < 2 ? first : second,
                               expected.data());
        EXPECT_EQ(0, std::memcmp(expected.data(), experts.data.data() + 18 * row, 18)) << row;
    }
    quantize::quantizeQ4_0(std::span(values).first(32), {}, expected.data());
    EXPECT_EQ(0, std::memcmp(expected.data(), out->tensor("blk.0.attn_q.weight")->data.data(), 18));
}

TEST_F(Quantize, ReadsBothFormsOfImportances) {
    const std::vector<float> sums = {2.0f, 4.0f, 6.0f, 8.0f};
    GgufWriter writer;
    writer.set("general.type", "imatrix");
    writer.set("imatrix.chunk_count", std::uint32_t{5});
    writer.setStrings("imatrix.datasets", {"wiki"});
    writer.addTensor("a.weight.in_sum2", 0, {2, 2}, bytesOf(sums));
    writer.addTensor("a.weight.counts", 0, {1, 2}, bytesOf(std::vector{2.0f, 0.0f}));
    ASSERT_TRUE(writer.write(m_folder / "im.gguf"));
    const auto matrix = quantize::ImportanceMatrix::read(m_folder / "im.gguf");
    ASSERT_TRUE(matrix) << matrix.error().detail;
    EXPECT_THAT(matrix->of("a.weight"), testing::ElementsAre(1.0f, 2.0f, 1.0f, 1.0f));
    EXPECT_EQ(matrix->nChunks(), 5U);
    EXPECT_EQ(matrix->dataset(), "wiki");
    EXPECT_TRUE(matrix->of("b.weight").empty());
}

TEST_F(Quantize, RefusesDamagedImportances) {
    const std::string good = bytesOf(std::vector<std::int32_t>{1}) + entryOf("a.weight", 2, {1, 2});
    ASSERT_TRUE(quantize::ImportanceMatrix::read(write("good.dat", good)));
    for (std::size_t size = 1; size < good.size(); ++size) {
        EXPECT_FALSE(quantize::ImportanceMatrix::read(write("cut.dat", good.substr(0, size))))
            << size;
    }
    const std::string one = bytesOf(std::vector<std::int32_t>{1});
    for (const std::string& bad :
         {bytesOf(std::vector<std::int32_t>{-1}), bytesOf(std::vector<std::int32_t>{1, -5}),
          bytesOf(std::vector<std::int32_t>{1, 0x7FFFFFFF}), one + entryOf("a", 1, {NAN}),
          one + entryOf("a", 1, {-1.0f}), std::string("GGUF")}) {
        const auto matrix = quantize::ImportanceMatrix::read(write("bad.dat", bad));
        ASSERT_FALSE(matrix);
        EXPECT_EQ(matrix.error().code, ErrorCode::Corrupt);
    }
}

TEST_F(Quantize, SaysWhatIsWrongAndLeavesNothingBehind) {
    const fs::path model = writeModel(test::goldenRows("plain", 11, 4, 32));
    const std::string before = contentOf(model);
    const fs::path other =
        write("im.dat", bytesOf(std::vector<std::int32_t>{1}) +
                            entryOf("blk.0.attn_q.weight", 1, std::vector<float>(64, 1.0f)));
    std::size_t nBefore = nFiles();
    const auto expectError = [&](const fs::path& out, const QuantizeOptions& options,
                                 ErrorCode code, const std::string& text) {
        const auto report = quantizeModel(model, out, options);
        ASSERT_FALSE(report);
        EXPECT_EQ(report.error().code, code);
        EXPECT_THAT(report.error().detail, HasSubstr(text));
        EXPECT_EQ(nFiles(), nBefore);
        EXPECT_EQ(contentOf(model), before);
    };
    const fs::path out = m_folder / "out.gguf";
    expectError(model, optionsFor("Q8_0"), ErrorCode::InvalidArgument, "the output is the input");
    expectError(m_folder / "." / "model.gguf", optionsFor("Q8_0"), ErrorCode::InvalidArgument,
                "the output is the input");
    expectError(m_folder, optionsFor("Q8_0"), ErrorCode::InvalidArgument, "is a folder");
    const fs::path pipe = m_folder / "pipe";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    fs::create_symlink("/dev/null", m_folder / "device");
    fs::create_symlink(pipe, m_folder / "next.gguf.partial");
    const std::size_t nPlain = nBefore;
    nBefore = nFiles();
    for (const char* name : {"pipe", "device", "next.gguf"}) {
        expectError(m_folder / name, optionsFor("Q8_0"), ErrorCode::InvalidArgument,
                    "is a device or a pipe");
    }
    EXPECT_TRUE(fs::is_fifo(pipe));
    for (const char* name : {"pipe", "device", "next.gguf.partial"}) fs::remove(m_folder / name);
    nBefore = nPlain;
    expectError(m_folder / "none" / "out.gguf", optionsFor("Q8_0"), ErrorCode::Io, "cannot write");
    expectError(out, optionsFor("Q9"), ErrorCode::InvalidArgument, "Q4_K_M");
    QuantizeOptions options = optionsFor("Q8_0");
    options.importanceMatrix = other;
    expectError(out, options, ErrorCode::InvalidArgument, "another model");
    std::stop_source stop;
    options = optionsFor("Q8_0");
    options.cancel = stop.get_token();
    options.onProgress = [&](std::uint64_t, std::string_view) { stop.request_stop(); };
    expectError(out, options, ErrorCode::Cancelled, "stopped");
}

TEST_F(Quantize, RefusesValuesThatAreNotFinite) {
    auto values = test::goldenRows("plain", 11, 4, 32);
    values[70] = INFINITY;
    const auto report =
        quantizeModel(writeModel(values), m_folder / "out.gguf", optionsFor("Q4_0"));
    ASSERT_FALSE(report);
    EXPECT_THAT(report.error().detail, HasSubstr("blk.0.ffn_up_exps.weight"));
    EXPECT_EQ(nFiles(), 1U);
}

TEST_F(Quantize, QuantizesAgainOnlyWhenAsked) {
    const fs::path model = test::chatModel("Q8_0");
    const auto refused = quantizeModel(model, m_folder / "out.gguf", optionsFor("Q4_0"));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().detail, HasSubstr("--allow-requantize"));
    EXPECT_EQ(nFiles(), 0U);
    QuantizeOptions options = optionsFor("Q4_0");
    options.allowRequantize = true;
    const auto done = quantizeModel(model, m_folder / "out.gguf", options);
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_LT(done->outBytes, done->inBytes * 2 / 3);
    EXPECT_TRUE(Model::load(m_folder / "out.gguf"));
}

}  // namespace
}  // namespace conclave::engine
