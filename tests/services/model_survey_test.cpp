// A model that reads everything: held to a form, stopped and gone on with, never believed unread.
#include "app/services/survey/model_survey.h"

#include <functional>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/services/survey/model_table_query.h"
#include "retrieval/retrieval.h"
#include "storage/storage.h"

namespace conclave::services {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

bool fits(OutputForm form, std::string_view text) {
    FormChecker checker(form);
    return checker.accept(text) && checker.mayEnd();
}

TEST(FormChecker, HoldsToNumberedLines) {
    const OutputForm form{OutputForm::Kind::NumberedLines, 12};
    for (const char* text : {"NONE", "[1] the keys", "[12] 住宿\n[3] b", " NONE", "[7]x\n"}) {
        EXPECT_TRUE(fits(form, text)) << text;
    }
    for (const char* text : {"", "NON", "Sure! [1] a", "[0] a", "[13] a", "[1] ", "[a] b", "[1\n",
                             "[1] a\nand b", "NONE of them"}) {
        EXPECT_FALSE(fits(form, text)) << text;
    }
    EXPECT_FALSE(fits(form, "[1] " + std::string(1000, 'x')));
}

TEST(FormChecker, HoldsToOneSelect) {
    const OutputForm form{OutputForm::Kind::Select};
    for (const char* text : {"SELECT a FROM b", "select count(*) from \"t\"",
                             "WITH x AS (SELECT 1) SELECT 2", "NONE", "SELECT ';' FROM t;"}) {
        EXPECT_TRUE(fits(form, text)) << text;
    }
    for (const char* text : {"DROP TABLE b", "SELECTED", "SELECT a; DELETE FROM b", "```sql",
                             "SELECT 'open", "SELECT"}) {
        EXPECT_FALSE(fits(form, text)) << text;
    }
}

/// Answers by a function of the task, and counts.
class ScriptedModel final : public TextModel {
public:
    using Script = std::function<Result<std::string>(const ModelTask&)>;
    explicit ScriptedModel(Script script) : m_script(std::move(script)) {}

    const std::string& name() const override { return m_name; }
    std::size_t roomBytes() const override { return room; }
    Result<std::string> write(const ModelTask& task, std::stop_token cancel) override {
        if (cancel.stop_requested()) return fail(ErrorCode::Cancelled, "stopped");
        ++nTasks;
        tasks.push_back(task);
        return m_script(task);
    }

    std::size_t room = 400;
    int nTasks = 0;
    std::vector<ModelTask> tasks;

private:
    std::string m_name = "scripted";
    Script m_script;
};

/// As a reader would who looks for keys: a line for each passage that has some.
std::string linesAboutKeys(const ModelTask& task) {
    std::string lines;
    for (int n = 1; n <= task.form.nNumbers; ++n) {
        const std::size_t at = task.text.find("\n[" + std::to_string(n) + "] ");
        const std::size_t begin =
            at == std::string::npos ? task.text.find("[" + std::to_string(n) + "] ") : at + 1;
        const std::string passage = task.text.substr(begin, task.text.find("\n\n", begin) - begin);
        const std::size_t key = passage.find("The key");
        if (key != std::string::npos) {
            lines += "[" + std::to_string(n) + "] " + passage.substr(key) + "\n";
        }
    }
    return lines.empty() ? "NONE" : lines;
}

class ModelSurveyTest : public testing::Test {
protected:
    void SetUp() override {
        storage::OpenOptions open;
        open.analyzer = retrieval::analyze;
        open.inMemory = true;
        auto opened = storage::Database::open({}, open);
        ASSERT_TRUE(opened.has_value());
        m_database = std::move(*opened);
        m_collection = m_database->documents().createCollection("all").value_or(0);
        for (int i = 0; i < 6; ++i) {
            add("d" + std::to_string(i) + ".txt",
                "The key of room " + std::to_string(i) + " hangs on hook 7.\n\n" +
                    "Nothing is said about doors here, whatever one reads.\n\n" +
                    std::string(300, 'x') + " filler");
        }
    }
    void add(const std::string& name, const std::string& text) {
        storage::DocumentStore& store = m_database->documents();
        const DocumentId id = store.ensureDocument(m_collection, "/docs/" + name).value_or(0);
        storage::DocumentContent content;
        content.title = name;
        content.sha256 = text;
        content.pages.push_back({1, text});
        for (std::size_t start = 0; start < text.size();) {
            const std::size_t end = std::min(text.find("\n\n", start), text.size());
            content.chunks.push_back({.page = 1, .startByte = start, .endByte = end});
            start = std::min(end + 2, text.size());
        }
        ASSERT_TRUE(store.storeContent(id, content).has_value());
    }
    SurveyFindings read(TextModel& model, const SurveyHooks& hooks = {}) {
        const std::string question = "Which rooms have a key?";
        SurveyQuestion asked;
        asked.kind = SurveyKind::List;
        asked.subject = "rooms key";
        auto found = runModelSurvey(*m_database, asked, question, {m_collection}, model, hooks);
        EXPECT_TRUE(found.has_value()) << found.error().detail;
        return found.value_or(SurveyFindings{});
    }

    std::unique_ptr<storage::Database> m_database;
    CollectionId m_collection = 0;
};

TEST_F(ModelSurveyTest, ReadsEveryPassageAndConfirmsWhatWasSaid) {
    ScriptedModel model([](const ModelTask& task) -> Result<std::string> {
        std::string lines = linesAboutKeys(task);
        if (lines.find("room 3") != std::string::npos) lines += "[2] A golden door by Meyer.\n";
        return lines;
    });
    const SurveyFindings found = read(model);
    EXPECT_TRUE(found.isComplete);
    EXPECT_EQ(found.nDocumentsRead, 6);
    EXPECT_EQ(found.nPassagesRead, 18);
    ASSERT_EQ(found.documents.size(), 6U);
    int nUnconfirmed = 0;
    for (const SurveyedDocument& document : found.documents) {
        for (const SurveyItem& item : document.items) {
            if (!item.isConfirmed) ++nUnconfirmed;
            if (!item.isConfirmed) continue;
            const auto pages = m_database->documents().pages(document.id);
            EXPECT_THAT(pages->at(0).text.substr(item.startByte, item.endByte - item.startByte),
                        HasSubstr("hangs on hook 7"));
        }
    }
    EXPECT_EQ(nUnconfirmed, 1) << "no passage says anything of a golden door";
    for (const ModelTask& task : model.tasks) {
        EXPECT_LE(task.text.size(), model.room + 900) << "a batch fits into the model's room";
        EXPECT_THAT(task.text, HasSubstr("</sources-"));
    }
}

TEST_F(ModelSurveyTest, GoesOnWithTheBatchAfterTheLastOne) {
    std::stop_source stop;
    ScriptedModel first([&](const ModelTask& task) -> Result<std::string> {
        if (first.nTasks == 4) stop.request_stop();
        return linesAboutKeys(task);
    });
    const SurveyFindings half = read(first, {{}, stop.get_token()});
    EXPECT_FALSE(half.isComplete);
    EXPECT_GT(half.nPassagesRead, 0);
    EXPECT_LT(half.nPassagesRead, 18);
    ScriptedModel second(
        [](const ModelTask& task) -> Result<std::string> { return linesAboutKeys(task); });
    const SurveyFindings all = read(second);
    ScriptedModel whole(
        [](const ModelTask& task) -> Result<std::string> { return linesAboutKeys(task); });
    EXPECT_TRUE(all.isComplete);
    EXPECT_EQ(all.nPassagesRead, 18);
    EXPECT_EQ(all.documents.size(), 6U);
    EXPECT_EQ(read(whole).nPassagesRead, 18);
    EXPECT_EQ(first.nTasks + second.nTasks, whole.nTasks) << "no batch is read twice";
}

TEST_F(ModelSurveyTest, HalvesABatchThatIsTooLong) {
    ScriptedModel model([](const ModelTask& task) -> Result<std::string> {
        if (task.form.nNumbers > 1) return fail(ErrorCode::InvalidArgument, "too long");
        return linesAboutKeys(task);
    });
    model.room = 100'000;
    const SurveyFindings found = read(model);
    EXPECT_EQ(found.nPassagesRead, 18);
    EXPECT_EQ(found.documents.size(), 6U);
}

TEST(ReduceFindings, ShortensInGroupsUntilAllFit) {
    ScriptedModel model([](const ModelTask& task) -> Result<std::string> {
        if (task.form.kind == OutputForm::Kind::NumberedLines) {
            return "[" + std::to_string(task.form.nNumbers) + "] kept\n";
        }
        return "The answer. [3]";
    });
    std::vector<BatchFinding> findings;
    for (int i = 1; i <= 40; ++i)
        findings.push_back({i, "a note of some length, number so and so"});
    const auto answer = reduceFindings("What?", findings, model, {});
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(*answer, "The answer. [3]");
    EXPECT_GT(model.nTasks, 2);
    EXPECT_LE(model.tasks.back().text.size(), model.room + 200);
}

TEST(ParseFindings, PassesOverWhatIsNoFinding) {
    const auto found = parseFindings("[1] a\nchatter\n[9] b\n[2]   c  \n[x] d\n[3]\n", 3);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].text, "a");
    EXPECT_EQ(found[1].passage, 2);
    EXPECT_EQ(found[1].text, "c");
}

// ------------------------------------------------------------------------------------------- SQL

LoadedTable stock() {
    LoadedTable table;
    table.table.name = "stock";
    using Column = storage::Table::Column;
    table.table.columns = {Column{Column::Type::Text, "Item"},
                           Column{Column::Type::Integer, "Price"}};
    table.table.rows = {{"lamp", "12"}, {"chair", "40"}, {"desk", "90"}};
    return table;
}

TEST(ProposeQuery, RunsWhatTheModelProposesAndFindsItsRows) {
    auto database = storage::TableDatabase::create();
    const std::vector<LoadedTable> tables{stock()};
    ASSERT_TRUE((*database)->add(tables[0].table).has_value());
    ScriptedModel model([&](const ModelTask& task) -> Result<std::string> {
        if (model.nTasks == 1) return "SELECT Cost FROM stock";
        EXPECT_THAT(task.text, HasSubstr("no such column"));
        return "SELECT avg(Price) FROM stock WHERE Price > 20 ORDER BY 1;";
    });
    model.room = 4000;
    const auto proposed = proposeQuery("What do dear things cost?", tables, **database, model, {});
    ASSERT_TRUE(proposed.has_value());
    ASSERT_TRUE(proposed->has_value());
    EXPECT_EQ((*proposed)->result.rows.at(0).at(0), "65.0");
    EXPECT_THAT((*proposed)->rowids, ElementsAre("2", "3"));
    EXPECT_EQ((*proposed)->table, 0U);
    EXPECT_THAT(model.tasks[0].text, HasSubstr("\"Price\" INTEGER"));
}

TEST(ProposeQuery, LetsNothingRunButReading) {
    auto database = storage::TableDatabase::create();
    const std::vector<LoadedTable> tables{stock()};
    ASSERT_TRUE((*database)->add(tables[0].table).has_value());
    for (const char* sql :
         {"DELETE FROM stock", "SELECT 1; DROP TABLE stock", "PRAGMA user_version",
          "ATTACH '/etc/passwd' AS p", "NONE", "", "no idea"}) {
        ScriptedModel model([&](const ModelTask&) -> Result<std::string> { return sql; });
        const auto proposed = proposeQuery("?", tables, **database, model, {});
        ASSERT_TRUE(proposed.has_value()) << sql;
        EXPECT_FALSE(proposed->has_value()) << sql;
        EXPECT_LE(model.nTasks, 2);
    }
    EXPECT_EQ((*database)->query("SELECT * FROM stock", {})->rows.size(), 3U);
}

TEST(RowsQuery, IsKnownForOneTableOnly) {
    std::string table;
    EXPECT_EQ(
        rowsQueryOf("SELECT sum(\"P\") FROM \"my \"\"t\"\"\" WHERE a = 'x WHERE y' GROUP BY b",
                    table),
        "SELECT rowid FROM \"my \"\"t\"\"\" WHERE a = 'x WHERE y'");
    EXPECT_EQ(table, "my \"t\"");
    EXPECT_EQ(rowsQueryOf("select a from t", table), "SELECT rowid FROM \"t\" ");
    EXPECT_TRUE(rowsQueryOf("SELECT a FROM t WHERE p = (SELECT max(p) FROM t)", table).has_value());
    for (const char* sql : {"SELECT 1", "SELECT a FROM t, u", "SELECT a FROM t JOIN u ON 1",
                            "SELECT a FROM t UNION SELECT b FROM u", "SELECT a FROM (SELECT 1)"}) {
        EXPECT_FALSE(rowsQueryOf(sql, table).has_value()) << sql;
    }
}

}  // namespace
}  // namespace conclave::services
