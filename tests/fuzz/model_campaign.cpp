// Damaged model files through everything that reads them: header, weights, tokenizer, template, and
// a few tokens of a damaged model that loads all the same.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "engine/engine.h"
#include "tests/fuzz/mutator.h"
#include "tests/fuzz/small_models.h"

namespace conclave {
namespace {

namespace fs = std::filesystem;

/// A file of this process that goes away with it.
class ScratchFile {
public:
    ScratchFile() {
        std::string pattern = (fs::temp_directory_path() / "conclave-model-XXXXXX").string();
        m_folder = ::mkdtemp(pattern.data());
    }
    ScratchFile(const ScratchFile&) = delete;
    ScratchFile& operator=(const ScratchFile&) = delete;
    ~ScratchFile() {
        std::error_code ignored;
        fs::remove_all(m_folder, ignored);
    }

    /// A new file each time: an older one may still be mapped.
    [[nodiscard]] fs::path write(const std::string& bytes) {
        fs::remove(path());
        std::ofstream stream(path(), std::ios::binary);
        stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        return path();
    }
    [[nodiscard]] fs::path path() const { return m_folder / "model.gguf"; }

private:
    fs::path m_folder;
};

/// Loads the file and, if it loads, lets it read and write a little. True if it wrote.
bool tryModel(const fs::path& path) {
    const auto info = engine::readModelInfo(path);
    if (!info) {
        EXPECT_FALSE(info.error().detail.empty());
        EXPECT_NE(info.error().code, ErrorCode::Internal) << info.error().detail;
    }
    const auto model = engine::Model::load(path);
    if (!model) {
        EXPECT_FALSE(model.error().detail.empty());
        EXPECT_NE(model.error().code, ErrorCode::Internal) << model.error().detail;
        return false;
    }
    const std::vector<engine::ChatMessage> messages = {{"user", "hello 住宿 \xFF"}};
    const auto prompt = (*model)->tokenizeChat(messages);
    engine::GenerateRequest request;
    request.prompt = prompt && !prompt->empty() ? *prompt : (*model)->tokenize("hello");
    request.maxTokens = 3;
    if (request.prompt.size() > 40) request.prompt.resize(40);
    const auto session = engine::Session::create(*model, {.contextLength = 48, .nThreads = 1});
    if (!session) {
        EXPECT_FALSE(session.error().detail.empty());
        return false;
    }
    const auto answer = (*session)->generate(request);
    if (!answer) {
        EXPECT_FALSE(answer.error().detail.empty());
        return false;
    }
    EXPECT_TRUE(isValidUtf8(answer->text));
    return true;
}

void runCampaign(const std::string& good) {
    ScratchFile file;
    ASSERT_TRUE(tryModel(file.write(good))) << "the undamaged model must work";
    // Nearly all that a reader decides by is in the first part: metadata and the table of tensors.
    const std::size_t headerBytes = std::min<std::size_t>(good.size(), 12'000);
    const int size = test::campaignSize(5'000);
    int nWrote = 0;
    for (int number = 0; number < size; ++number) {
        SCOPED_TRACE("input " + std::to_string(number));
        test::Mutator mutator(static_cast<std::uint64_t>(number),
                              {"GGUF", "deepseek2", "llama", ".weight", "blk.0.", "\xFF\xFE"});
        const std::string bytes = mutator.mutate(good, headerBytes);
        const auto begun = std::chrono::steady_clock::now();
        nWrote += tryModel(file.write(bytes)) ? 1 : 0;
        ASSERT_LT(std::chrono::steady_clock::now() - begun, test::kHangLimit);
        if (testing::Test::HasFailure()) return;
    }
    EXPECT_GT(nWrote, 0) << "some damage, as to a weight, does not keep a model from working";
    EXPECT_LT(nWrote, size);
}

/// Loads the file as an encoder and, if it loads, embeds or scores a text. True if it did.
bool tryEncoder(const fs::path& path) {
    if (const auto embedder = engine::TextEmbedder::load(path)) {
        std::vector<float> vector(static_cast<std::size_t>((*embedder)->dimension()));
        (*embedder)->embed("hello 住宿 \xFF", vector);
        return true;
    } else {
        EXPECT_FALSE(embedder.error().detail.empty());
        EXPECT_NE(embedder.error().code, ErrorCode::Internal) << embedder.error().detail;
    }
    const auto reranker = engine::Reranker::load(path);
    if (!reranker) {
        EXPECT_FALSE(reranker.error().detail.empty());
        EXPECT_NE(reranker.error().code, ErrorCode::Internal) << reranker.error().detail;
        return false;
    }
    const std::vector<std::string> passages = {"hello 住宿 \xFF"};
    const auto scores = (*reranker)->score("hello", passages);
    if (!scores) {
        EXPECT_FALSE(scores.error().detail.empty());
    }
    return scores.has_value();
}

/// The tiny models of tests/parity, one or more of every architecture.
std::vector<fs::path> parityModels() {
    constexpr std::uintmax_t kLargest = 700'000;
    std::vector<fs::path> models;
    for (const auto& entry : fs::directory_iterator(CONCLAVE_TEST_SOURCE "/tests/parity")) {
        const bool isAdapter = entry.path().stem().extension() == ".lora";
        const bool isModel = entry.path().extension() == ".gguf" && !isAdapter;
        if (isModel && entry.file_size() <= kLargest) models.push_back(entry.path());
    }
    std::sort(models.begin(), models.end());
    return models;
}

TEST(ModelCampaign, DamagedFilesOfEveryArchitectureAreRefusedOrRun) {
    const std::vector<fs::path> models = parityModels();
    ASSERT_GT(models.size(), 20u);
    const int nEach = std::max(10, test::campaignSize(4'000) / static_cast<int>(models.size()));
    ScratchFile file;
    for (const fs::path& path : models) {
        SCOPED_TRACE(path.filename().string());
        std::ifstream stream(path, std::ios::binary);
        const std::string good{std::istreambuf_iterator<char>(stream), {}};
        const auto info = engine::readModelInfo(path);
        ASSERT_TRUE(info) << info.error().detail;
        const bool isEncoder = info->isEmbedder || info->isReranker;
        ASSERT_TRUE(isEncoder ? tryEncoder(file.write(good)) : tryModel(file.write(good)));
        const std::size_t headerBytes = std::min<std::size_t>(good.size(), 8'000);
        for (int number = 0; number < nEach; ++number) {
            SCOPED_TRACE("input " + std::to_string(number));
            test::Mutator mutator(static_cast<std::uint64_t>(number),
                                  {"GGUF", info->architecture, ".weight", "blk.0.", "\xFF\xFE"});
            const auto begun = std::chrono::steady_clock::now();
            const fs::path damaged = file.write(mutator.mutate(good, headerBytes));
            static_cast<void>(isEncoder ? tryEncoder(damaged) : tryModel(damaged));
            ASSERT_LT(std::chrono::steady_clock::now() - begun, test::kHangLimit);
            if (testing::Test::HasFailure()) return;
        }
    }
}

TEST(ModelCampaign, DamagedDeepSeekFilesAreRefusedOrRun) {
    runCampaign(test::SmallModel::deepSeek());
}

TEST(ModelCampaign, DamagedLlamaFilesAreRefusedOrRun) { runCampaign(test::SmallModel::llama()); }

}  // namespace
}  // namespace conclave
