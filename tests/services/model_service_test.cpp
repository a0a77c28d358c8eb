#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/services/scratch.h"

namespace conclave::services {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ModelServiceTest : public ServicesTest {
protected:
    ModelService& models() { return m_services->models(); }
    std::vector<ModelEntry> list() {
        return wait<std::vector<ModelEntry>>([&](auto reply) { models().list(std::move(reply)); })
            .value_or(std::vector<ModelEntry>{});
    }
    fs::path embedded() {
        for (const ModelEntry& model : list()) {
            if (model.isEmbedded) return model.file;
        }
        return {};
    }
};

TEST_F(ModelServiceTest, HasTheEmbeddedModelAndLoadsItOnce) {
    startWithoutGuide();
    ASSERT_EQ(list().size(), 1U);
    EXPECT_TRUE(list()[0].isEmbedded);
    EXPECT_TRUE(isDemonstration(list()[0].info));
    EXPECT_LE(defaultSampling(list()[0].info).temperature, 0.0f);
    EXPECT_EQ(models().status().state, ModelStatus::State::None);
    std::mutex mutex;
    std::vector<ModelStatus::State> seen;
    models().onStatus([&](const ModelStatus& status) {
        const std::lock_guard lock(mutex);
        if (seen.empty() || seen.back() != status.state) seen.push_back(status.state);
    });
    const auto first = models().loaded();
    const auto second = models().loaded();
    const auto nSeen = [&] {
        const std::lock_guard lock(mutex);
        return seen.size();
    };
    for (int i = 0; i < 200 && nSeen() < 2; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    models().onStatus({});
    ASSERT_TRUE(first.has_value() && second.has_value());
    EXPECT_EQ(first->get(), second->get());
    EXPECT_EQ(models().status().state, ModelStatus::State::Ready);
    EXPECT_EQ(seen, (std::vector{ModelStatus::State::Loading, ModelStatus::State::Ready}));
}

TEST_F(ModelServiceTest, FindsModelsInPlaceAndNamesTheirProblems) {
    startWithoutGuide();
    const fs::path good = m_files.path() / "folder/good.gguf";
    fs::create_directories(good.parent_path());
    fs::create_symlink(embedded(), good);  // the same file under another name is listed once
    const fs::path copy = m_files.path() / "folder/copy.gguf";
    fs::copy_file(embedded(), copy);
    m_files.write("folder/broken.gguf", "GGUF is not enough");
    const auto added = wait<std::vector<ModelEntry>>(
        [&](auto reply) { models().add(m_files.path() / "folder", std::move(reply)); });
    ASSERT_TRUE(added.has_value()) << added.error().detail;
    ASSERT_EQ(added->size(), 3U);
    for (const ModelEntry& model : *added) {
        EXPECT_EQ(model.problem.empty(), model.file.filename() != "broken.gguf") << model.file;
    }
    startWithoutGuide();
    EXPECT_EQ(list().size(), 3U);
    EXPECT_TRUE(wait<void>([&](auto reply) {
                    models().remove((m_files.path() / "folder").string(), std::move(reply));
                }).has_value());
    EXPECT_EQ(list().size(), 1U);
    EXPECT_TRUE(fs::exists(copy));
}

TEST_F(ModelServiceTest, RemembersTheChoiceAndDeletesOnlyFromItsOwnFolder) {
    startWithoutGuide();
    const fs::path own = m_home.path() / "data/models/own.gguf";
    fs::copy_file(embedded(), own);
    const auto chosen =
        wait<ModelEntry>([&](auto reply) { models().choose(own.string(), std::move(reply)); });
    ASSERT_TRUE(chosen.has_value()) << chosen.error().detail;
    startWithoutGuide();
    ASSERT_TRUE(models().loaded().has_value());
    EXPECT_EQ(models().status().model.file, own);

    const auto refused =
        wait<void>([&](auto reply) { models().remove(embedded().string(), std::move(reply)); });
    EXPECT_FALSE(refused.has_value());
    EXPECT_TRUE(
        wait<void>([&](auto reply) { models().remove("own", std::move(reply)); }).has_value());
    EXPECT_FALSE(fs::exists(own));
    // The choice is gone: the next start takes another one.
    startWithoutGuide();
    ASSERT_TRUE(models().loaded().has_value());
    EXPECT_TRUE(models().status().model.isEmbedded);
}

TEST_F(ModelServiceTest, SaysThatAnotherModelAnswersThanTheOneThatWasChosen) {
    startWithoutGuide();
    const fs::path chosen = m_files.path() / "chosen.gguf";
    fs::copy_file(embedded(), chosen);
    ASSERT_TRUE(
        wait<std::vector<ModelEntry>>([&](auto reply) { models().add(chosen, std::move(reply)); }));
    ASSERT_TRUE(
        wait<ModelEntry>([&](auto reply) { models().choose(chosen.string(), std::move(reply)); }));
    ASSERT_TRUE(models().loaded().has_value());
    EXPECT_EQ(models().status().note, "");
    fs::remove(chosen);
    startWithoutGuide();
    ASSERT_TRUE(models().loaded().has_value());
    const ModelStatus status = models().status();
    EXPECT_TRUE(status.model.isEmbedded);
    EXPECT_EQ(status.note, "The model chosen last is not at its place any more (" +
                               chosen.string() + "); " + status.model.name + " answers instead.");
    ASSERT_TRUE(wait<ModelEntry>(
        [&](auto reply) { models().choose(embedded().string(), std::move(reply)); }));
    ASSERT_TRUE(models().loaded().has_value());
}

TEST_F(ModelServiceTest, RefusesWhatIsNoModel) {
    startWithoutGuide();
    const fs::path broken = m_files.write("broken.gguf", "no model at all");
    for (const std::string& name : {broken.string(), std::string("Nobody")}) {
        const auto chosen =
            wait<ModelEntry>([&](auto reply) { models().choose(name, std::move(reply)); });
        ASSERT_FALSE(chosen.has_value());
        EXPECT_FALSE(chosen.error().detail.empty());
    }
    const auto findings = wait<std::vector<Finding>>(
        [&](auto reply) { models().verify(broken, {}, std::move(reply)); });
    ASSERT_TRUE(findings.has_value());
    EXPECT_FALSE(findings->at(0).ok);
}

TEST_F(ModelServiceTest, PullsAModelAndNoticesLaterDamage) {
    startWithoutGuide();
    const auto file = wait<fs::path>([&](auto reply) {
        models().pull("file://" + embedded().string(), "", {}, std::move(reply));
    });
    ASSERT_TRUE(file.has_value()) << file.error().detail;
    EXPECT_EQ(file->parent_path(), m_home.path() / "data/models");
    const auto verify = [&] {
        return wait<std::vector<Finding>>(
                   [&](auto reply) { models().verify(*file, {}, std::move(reply)); })
            .value_or(std::vector<Finding>{});
    };
    for (const Finding& finding : verify()) EXPECT_TRUE(finding.ok) << finding.detail;
    {
        std::fstream stream(*file, std::ios::in | std::ios::out | std::ios::binary);
        stream.seekp(-1000, std::ios::end);
        stream << "damage";
    }
    const auto after = verify();
    ASSERT_EQ(after.size(), 4U);
    EXPECT_TRUE(after[0].ok);
    EXPECT_TRUE(after[1].ok);
    EXPECT_TRUE(after[2].ok);
    EXPECT_FALSE(after[3].ok);
}

TEST_F(ModelServiceTest, NamesTensorsWhoseWeightsAreNoFiniteNumbers) {
    startWithoutGuide();
    const fs::path file = m_files.path() / "nan.gguf";
    fs::copy_file(embedded(), file);
    fs::permissions(file, fs::perms::owner_write, fs::perm_options::add);
    {
        // The scale of the last block of the last tensor becomes infinite.
        std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
        stream.seekp(-34, std::ios::end);
        stream.write("\x00\x7c", 2);
    }
    std::vector<double> shares;
    const auto findings = wait<std::vector<Finding>>([&](auto reply) {
        models().verify(
            file,
            [&](double share) {
                shares.push_back(share);
                return true;
            },
            std::move(reply));
    });
    ASSERT_TRUE(findings.has_value());
    ASSERT_EQ(findings->size(), 4U);
    EXPECT_FALSE(findings->at(2).ok);
    EXPECT_THAT(findings->at(2).detail, HasSubstr("blk.5.ffn_down_shexp.weight (Q8_0)"));
    EXPECT_TRUE(std::is_sorted(shares.begin(), shares.end()));
    EXPECT_DOUBLE_EQ(shares.back(), 1.0);
}

TEST_F(ModelServiceTest, WithoutAModelTheAnswerIsThePassagesThemselves) {
    startWithoutGuide();
    StartOptions options;
    options.indexGuide = false;
    options.model = "/nowhere/model.gguf";
    start(options);
    m_files.write("keys.md", "Marta keeps the spare keys.");
    const CollectionId id = makeCollection("Notes");
    add(id, m_files.path());
    const auto answer = askAbout(id, "Who keeps the spare keys?");
    ASSERT_TRUE(answer.has_value()) << answer.error().detail;
    EXPECT_EQ(answer->state, MessageState::Complete);
    EXPECT_THAT(answer->text, HasSubstr("Marta keeps the spare keys."));
    EXPECT_THAT(answer->text, HasSubstr("No model can answer now"));
    ASSERT_EQ(answer->details->citations.size(), 1U);
    EXPECT_TRUE(answer->details->citations[0].supported);
    EXPECT_EQ(answer->details->finishReason, "no_model");
}

// ------------------------------------------------------------------------------- models of search

std::filesystem::path tinyModel(const std::string& name) {
    return std::filesystem::path(CONCLAVE_TEST_SOURCE) / "tests" / "parity" / (name + ".gguf");
}

class SearchModelsTest : public ServicesTest {
protected:
    Result<std::string> chooseEmbedder(const std::string& name) {
        return wait<std::string>([&](auto reply) {
            m_services->chooseEmbedder(
                name, [&](int, int) { return ++m_nSteps > 0; }, std::move(reply));
        });
    }
    Result<std::string> chooseReranker(const std::string& name) {
        return wait<std::string>(
            [&](auto reply) { m_services->chooseReranker(name, std::move(reply)); });
    }
    SearchModels chosen() {
        return *wait<SearchModels>([&](auto reply) { m_services->searchModels(std::move(reply)); });
    }
    int m_nSteps = 0;
};

TEST_F(SearchModelsTest, AnEmbedderIsChosenAndRememberedAndGivenUpAgain) {
    startWithoutGuide();
    m_files.write("a.txt", "The spare keys hang beside the door.");
    m_files.write("b.txt", "Rope and anchor lie in the boat.");
    const CollectionId id = makeCollection("Papers");
    add(id, m_files.path());
    const std::string bundled = chosen().embedderId;
    ASSERT_TRUE(chooseEmbedder(tinyModel("bert").string()));
    EXPECT_EQ(m_nSteps, 1);
    EXPECT_EQ(search("spare keys", id).size(), 2U);
    stopServices();
    startWithoutGuide();
    SearchModels models = chosen();
    EXPECT_EQ(models.embedder, tinyModel("bert").string());
    EXPECT_NE(models.embedderId, bundled);
    EXPECT_TRUE(models.isInUse);
    EXPECT_EQ(models.nToEmbed, 0);
    EXPECT_EQ(search("spare keys", id).size(), 2U);
    // What is read now gets its vectors, and nothing is read again because of the change.
    m_files.write("c.txt", "The lamp stands in the hall.");
    const IndexReport report = update(id);
    EXPECT_EQ(report.read, 1);
    EXPECT_EQ(report.unchanged, 2);
    EXPECT_EQ(chosen().nToEmbed, 0);
    ASSERT_TRUE(chooseEmbedder(""));
    models = chosen();
    EXPECT_EQ(models.embedder, "");
    EXPECT_EQ(models.embedderId, bundled);
    EXPECT_TRUE(models.isInUse);
    EXPECT_EQ(search("spare keys", id).size(), 3U);
}

TEST_F(SearchModelsTest, RolesAreNotMixedUp) {
    startWithoutGuide();
    EXPECT_FALSE(chooseEmbedder(tinyModel("bert-rank").string()));
    EXPECT_FALSE(chooseReranker(tinyModel("bert").string()));
    EXPECT_FALSE(chooseEmbedder("no such model"));
    ASSERT_TRUE(chooseReranker(tinyModel("bert-rank").string()));
    EXPECT_EQ(chosen().reranker, tinyModel("bert-rank").string());
    ASSERT_TRUE(chooseReranker(""));
    EXPECT_EQ(chosen().reranker, "");
}

}  // namespace
}  // namespace conclave::services
