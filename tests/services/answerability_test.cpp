// Whether documents have an answer, by what they teach.
#include <gtest/gtest.h>

#include "app/services/answerability.h"
#include "app/services/library.h"
#include "retrieval/retrieval.h"
#include "storage/storage.h"

namespace conclave::services {
namespace {

class AnswerabilityTest : public testing::Test {
protected:
    void SetUp() override {
        storage::OpenOptions open;
        open.analyzer = retrieval::analyze;
        open.inMemory = true;
        auto opened = storage::Database::open({}, open);
        ASSERT_TRUE(opened.has_value());
        m_database = std::move(*opened);
        m_library = std::make_unique<Library>(
            m_database->documents(), []() -> Result<std::shared_ptr<const engine::TextEmbedder>> {
                return fail(ErrorCode::NotFound, "no embedder in this test");
            });
        m_collection = m_database->documents().createCollection("all").value_or(0);
    }
    void add(int number, const std::string& text) {
        storage::DocumentStore& store = m_database->documents();
        const auto id =
            store.ensureDocument(m_collection, "/docs/" + std::to_string(number) + ".txt");
        ASSERT_TRUE(id.has_value());
        retrieval::ExtractedDocument document;
        document.mime = "text/plain";
        document.pages.push_back({1, text});
        ASSERT_TRUE(m_library->store(*id, m_library->prepare(std::move(document))).has_value());
    }
    double score(const std::string& question) {
        const auto hits = m_library->search({.query = question, .collections = {m_collection}});
        EXPECT_TRUE(hits.has_value());
        return m_library->answerability(question, *hits).value_or(-1.0);
    }
    Collection collection() { return m_database->documents().collections()->front(); }

    std::unique_ptr<storage::Database> m_database;
    std::unique_ptr<Library> m_library;
    CollectionId m_collection = 0;
};

/// A sentence of words that no other has.
std::string textOf(int number) {
    std::string text = "The";
    for (const char* root : {"valve", "piston", "filter", "sensor", "belt", "pump", "crank"}) {
        text += " " + std::string(root) + "x" + std::to_string(number);
    }
    return text + ".";
}

TEST_F(AnswerabilityTest, IsTheShareOfTheQuestionThatOnePassageSays) {
    add(1, "The spare keys are kept by Marta Veldhuis.");
    add(2, "The budget is large.");
    EXPECT_GT(score("By whom are the spare keys kept?"), 0.6);
    EXPECT_LT(score("Who painted the spare fence yesterday?"), 0.3);
    EXPECT_EQ(score("Zebra crossing"), 0.0);
}

TEST_F(AnswerabilityTest, ACollectionTeachesItsThreshold) {
    for (int i = 0; i < 60; ++i) add(i, textOf(i));
    const auto learned = learnThreshold(m_database->documents(), *m_library, m_collection);
    ASSERT_TRUE(learned.has_value());
    ASSERT_TRUE(learned->has_value());
    EXPECT_GT((*learned)->nProbes, 30);
    EXPECT_LE((*learned)->falseRefusals, 0.02);
    EXPECT_LT((*learned)->falseAnswers, 0.5);
    EXPECT_GE(score("Is the sensorx12 beside the pumpx12?"), (*learned)->least);

    ASSERT_TRUE(keepThreshold(*m_database, *m_library, collection()).has_value());
    const CollectionId ids[] = {m_collection};
    EXPECT_DOUBLE_EQ(thresholdOf(*m_database, ids).value_or(-1.0), (*learned)->least);
    const CollectionId both[] = {m_collection, m_collection + 1};
    EXPECT_EQ(thresholdOf(*m_database, both).value_or(-1.0), 0.0)
        << "a collection that taught nothing refuses nothing";
}

TEST_F(AnswerabilityTest, AFewPassagesTeachNothing) {
    for (int i = 0; i < 5; ++i) add(i, textOf(i));
    const auto learned = learnThreshold(m_database->documents(), *m_library, m_collection);
    ASSERT_TRUE(learned.has_value());
    EXPECT_FALSE(learned->has_value());
}

}  // namespace
}  // namespace conclave::services
