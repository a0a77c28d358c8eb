// Tables that any SQL may read, and saved questions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/storage/storage_support.h"

namespace conclave::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Type = Table::Column::Type;

Table stock() {
    return {.name = "stock \"1\"",
            .columns = {{Type::Text, "Item"}, {Type::Integer, "Count"}, {Type::Real, "Price"}},
            .rows = {{"lamp", "3", "12.5"}, {"it's", "", "1e400"}, {"desk", "10", "-4"}}};
}

class TableDatabaseTest : public testing::Test {
protected:
    void SetUp() override {
        m_tables = valueOf(TableDatabase::create());
        valueOf(m_tables->add(stock()));
    }
    Error errorOf(std::string_view sql) {
        const auto result = m_tables->query(sql, {});
        EXPECT_FALSE(result.has_value()) << sql;
        return result ? Error{} : result.error();
    }
    std::unique_ptr<TableDatabase> m_tables;
    const std::string m_name = quotedName("stock \"1\"");
};

TEST_F(TableDatabaseTest, NumbersAreNumbersAndEmptyCellsAreNull) {
    const QueryResult all = valueOf(m_tables->query(
        "SELECT sum(Count), count(Count), max(Price) > 1e300, typeof(Item) FROM " + m_name, {}));
    ASSERT_EQ(all.rows.size(), 1U);
    EXPECT_THAT(all.rows[0], ElementsAre("13", "2", "1", "text"));
    const QueryResult one = valueOf(m_tables->query(
        "SELECT rowid FROM " + m_name + " WHERE Item = " + quotedText("it's") + ";", {}));
    EXPECT_THAT(one.rows, ElementsAre(ElementsAre("2")));
}

TEST_F(TableDatabaseTest, NothingButReadingIsAllowed) {
    for (const std::string& sql :
         {"DROP TABLE " + m_name, "DELETE FROM " + m_name,
          "INSERT INTO " + m_name + " DEFAULT VALUES", std::string("CREATE TABLE x (a)"),
          std::string("ATTACH '/tmp/x' AS x"), std::string("PRAGMA user_version"),
          std::string("SELECT * FROM sqlite_schema"), std::string("SELECT load_extension('x')"),
          std::string("VACUUM INTO '/tmp/x'"), "SELECT 1; DROP TABLE " + m_name,
          std::string("BEGIN"), std::string("EXPLAIN DELETE")}) {
        EXPECT_EQ(errorOf(sql).code, ErrorCode::InvalidArgument) << sql;
    }
    EXPECT_EQ(errorOf("").code, ErrorCode::InvalidArgument);
    EXPECT_EQ(errorOf(std::string(100'000, ' ') + "SELECT 1").code, ErrorCode::InvalidArgument);
    EXPECT_EQ(valueOf(m_tables->query("SELECT count(*) FROM " + m_name, {})).rows[0][0], "3");
}

TEST_F(TableDatabaseTest, EndlessQueriesEndAndLongResultsAreCut) {
    const std::string endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT ";
    const auto late =
        m_tables->query(endless + "count(*) FROM n", {.time = std::chrono::milliseconds(30)});
    ASSERT_FALSE(late.has_value());
    EXPECT_EQ(late.error().code, ErrorCode::Timeout);
    const QueryResult cut = valueOf(m_tables->query(endless + "i FROM n", {.rows = 5}));
    EXPECT_EQ(cut.rows.size(), 5U);
    EXPECT_TRUE(cut.isCut);
}

TEST_F(TableDatabaseTest, RefusesTablesThatCannotBe) {
    EXPECT_FALSE(m_tables->add({.name = "none"}).has_value());
    EXPECT_FALSE(
        m_tables->add({.name = "twice", .columns = {{Type::Text, "a"}, {Type::Text, "A"}}}));
    EXPECT_FALSE(m_tables->add(stock()).has_value()) << "the name is taken";
}

TEST(RecallStore, KeepsQuestionsAndRuns) {
    OpenOptions options;
    options.analyzer = analyzeForTests;
    options.inMemory = true;
    const auto database = valueOf(Database::open({}, options));
    RecallStore& store = database->recall();
    EXPECT_FALSE(store.add({.question = "Who?"}).has_value());
    const std::int64_t id =
        valueOf(store.add({.question = "Who keeps the keys?", .quote = "by Marta", .path = "/a"}));
    valueOf(store.add({.question = "When?", .quote = "at noon", .collection = "Notes"}));
    auto questions = valueOf(store.questions());
    ASSERT_EQ(questions.size(), 2U);
    EXPECT_EQ(questions[0].id, id);
    EXPECT_EQ(questions[0].quote, "by Marta");
    EXPECT_EQ(questions[1].collection, "Notes");
    valueOf(store.remove(id));
    EXPECT_EQ(valueOf(store.questions()).size(), 1U);
    const auto gone = store.remove(id);
    ASSERT_FALSE(gone.has_value());
    EXPECT_EQ(gone.error().code, ErrorCode::NotFound);

    valueOf(store.addRun({.settings = {{"k", 8}}, .nQuestions = 2, .nFound = 1, .mrr = 0.5}));
    valueOf(store.addRun({.nQuestions = 2, .nFound = 2, .mrr = 1.0}));
    const auto runs = valueOf(store.runs(5));
    ASSERT_EQ(runs.size(), 2U);
    EXPECT_EQ(runs[0].nFound, 2);
    EXPECT_EQ(runs[1].settings["k"], 8);
    EXPECT_DOUBLE_EQ(runs[1].mrr, 0.5);
    EXPECT_EQ(valueOf(store.runs(1)).size(), 1U);
}

}  // namespace
}  // namespace conclave::storage
