// Spreadsheets as tables, and questions as SQL.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/services/survey/table_answer.h"
#include "app/services/survey/table_question.h"

namespace conclave::services {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Type = storage::Table::Column::Type;

constexpr std::string_view kSheet =
    "City | Country | Price (EUR) | Sold\n"
    "City: Berlin | Country: Germany | Price (EUR): 1,200.50 | Sold: 3\n"
    "City: Hamburg | Country: Germany | Price (EUR): 80 | Sold: 10\n"
    "City: Oslo | Country: Norway | Price (EUR): 99.5 | Sold: 7\n"
    "City: Bergen | Country: Norway | Price (EUR): 80\n";

std::vector<LoadedTable> sheet(std::string_view text = kSheet) {
    Document document;
    document.id = 1;
    document.title = "sales";
    document.path = "/docs/sales.csv";
    document.mime = "text/csv";
    return tablesOf(document, {{1, std::string(text)}});
}

std::string sqlOf(const std::string& question) {
    const auto tables = sheet();
    const auto query = tableQueryOf(question, tables);
    return query ? query->sql : "";
}

TEST(NumberOf, ReadsNumbersAsPeopleWriteThem) {
    EXPECT_EQ(numberOf("1,234.50 €"), "1234.50");
    EXPECT_EQ(numberOf("1.234,50"), "1234.50");
    EXPECT_EQ(numberOf("12,5 %"), "12.5");
    EXPECT_EQ(numberOf("-3"), "-3");
    EXPECT_EQ(numberOf("1,234,567"), "1234567");
    EXPECT_EQ(numberOf("￥300"), "300");
    EXPECT_EQ(numberOf("0.5"), "0.5");
    for (const char* text :
         {"", "007", "1.2.3", "2026-10-15", "a1", "12:30", "1e5", ".", ",5", "-"}) {
        EXPECT_FALSE(numberOf(text).has_value()) << text;
    }
}

TEST(TablesOf, ReadsLabelledRowsWithTheirPlaces) {
    const auto tables = sheet();
    ASSERT_EQ(tables.size(), 1U);
    const LoadedTable& table = tables[0];
    ASSERT_EQ(table.table.columns.size(), 4U);
    EXPECT_EQ(table.table.columns[2].name, "Price (EUR)");
    EXPECT_EQ(table.table.columns[2].type, Type::Real);
    EXPECT_EQ(table.table.columns[3].type, Type::Integer);
    EXPECT_EQ(table.table.columns[0].type, Type::Text);
    ASSERT_EQ(table.table.rows.size(), 4U);
    EXPECT_THAT(table.table.rows[0], ElementsAre("Berlin", "Germany", "1200.50", "3"));
    EXPECT_THAT(table.table.rows[3], ElementsAre("Bergen", "Norway", "80", ""));
    const auto& place = table.places[2];
    EXPECT_THAT(std::string(kSheet.substr(place.startByte, place.endByte - place.startByte)),
                HasSubstr("City: Oslo"));
}

TEST(TablesOf, ProseIsNoTable) {
    EXPECT_TRUE(sheet("Just a line.\nAnother one.\n").empty());
    EXPECT_TRUE(sheet("").empty());
    EXPECT_TRUE(sheet("Note: one column is no table\n").empty());
}

TEST(TableQuery, AddsAveragesAndCompares) {
    EXPECT_EQ(sqlOf("What is the average price in Germany?"),
              "SELECT round(avg(\"Price (EUR)\"), 4) FROM \"sales\" WHERE \"Country\" = 'Germany'");
    EXPECT_EQ(sqlOf("What is the total price?"),
              "SELECT round(sum(\"Price (EUR)\"), 6) FROM \"sales\"");
    EXPECT_EQ(sqlOf("Which city has the highest price?"),
              "SELECT max(\"Price (EUR)\") FROM \"sales\"");
    EXPECT_EQ(sqlOf("Which city has the second highest price?"),
              "SELECT DISTINCT \"Price (EUR)\" FROM \"sales\" WHERE \"Price (EUR)\" IS NOT NULL "
              "ORDER BY \"Price (EUR)\" DESC LIMIT 1 OFFSET 1");
    EXPECT_EQ(sqlOf("Average price per country"),
              "SELECT \"Country\", round(avg(\"Price (EUR)\"), 4) FROM \"sales\" GROUP BY "
              "\"Country\" ORDER BY 2 DESC");
    EXPECT_EQ(sqlOf("How many cities are in Norway?"),
              "SELECT count(*) FROM \"sales\" WHERE \"Country\" = 'Norway'");
    EXPECT_EQ(sqlOf("How many countries are there?"),
              "SELECT count(DISTINCT \"Country\") FROM \"sales\"");
    EXPECT_EQ(sqlOf("List the cities with a price over 90"),
              "SELECT * FROM \"sales\" WHERE \"Price (EUR)\" > 90");
    EXPECT_EQ(sqlOf("Which cities cost less than 90?"),
              "SELECT * FROM \"sales\" WHERE \"Price (EUR)\" < 90");
    EXPECT_EQ(sqlOf("How many were sold in Berlin?"),
              "SELECT round(sum(\"Sold\"), 6) FROM \"sales\" WHERE \"City\" = 'Berlin'");
}

TEST(TableQuery, AnswersOnlyWhatItUnderstandsWhole) {
    for (const char* question :
         {"What is the second highest price per country?", "How many cities are not in Norway?",
          "How many chairs will Berlin order?", "What is the median price per country?",
          "What is the phone number of Berlin?", "How many mayors does Oslo have?"}) {
        EXPECT_EQ(sqlOf(question), "") << question;
    }
    const auto tables = sheet(
        "Name | Phone | Salary\nName: Ann | Phone: 5512 | Salary: 1.200,50\n"
        "Name: Bob | Phone: 5513 | Salary: n/a\nName: Cid | Phone: 5514 | Salary: 900,25\n");
    const auto phone = tableQueryOf("What is the phone number of Bob?", tables);
    ASSERT_TRUE(phone.has_value());
    EXPECT_EQ(phone->sql, "SELECT * FROM \"sales\" WHERE \"Name\" = 'Bob'");
    const auto salary = tableQueryOf("What is the highest salary?", tables);
    ASSERT_TRUE(salary.has_value());
    EXPECT_EQ(salary->sql, "SELECT max(\"Salary\") FROM \"sales\"");
    EXPECT_THAT(tables[0].table.rows[1], ElementsAre("Bob", "5513", ""));
}

TEST(TableQuery, LeavesOtherQuestionsAlone) {
    for (const char* question :
         {"Who keeps the spare keys?", "How many nights may an employee book in Berlin?",
          "What is the average age of the universe?", "List all dates",
          "How many sheets are there?", "What does the contract say about the price?", "",
          "'; DROP TABLE sales; --"}) {
        EXPECT_EQ(sqlOf(question), "") << question;
    }
}

TEST(TableQuery, UnderstandsChinese) {
    const auto tables = sheet(
        "城市 | 国家 | 价格\n城市: 柏林 | 国家: 德国 | 价格: 120\n城市: 汉堡 | 国家: 德国 | 价格: "
        "80\n"
        "城市: 奥斯陆 | 国家: 挪威 | 价格: 99\n");
    const auto average = tableQueryOf("德国的平均价格是多少？", tables);
    ASSERT_TRUE(average.has_value());
    EXPECT_EQ(average->sql,
              "SELECT round(avg(\"价格\"), 4) FROM \"sales\" WHERE \"国家\" = '德国'");
    const auto groups = tableQueryOf("每个国家的总价格", tables);
    ASSERT_TRUE(groups.has_value());
    EXPECT_EQ(groups->group, "国家");
}

TEST(TableAnswer, ShowsResultQueryAndRowsThatOpen) {
    storage::OpenOptions open;
    open.analyzer = retrieval::analyze;
    open.inMemory = true;
    const auto database = storage::Database::open({}, open);
    ASSERT_TRUE(database.has_value());
    storage::DocumentStore& store = (*database)->documents();
    const CollectionId collection = store.createCollection("all").value_or(0);
    const DocumentId id = store.ensureDocument(collection, "/docs/sales.csv").value_or(0);
    storage::DocumentContent content;
    content.title = "sales";
    content.mime = "text/csv";
    content.pages.push_back({1, std::string(kSheet)});
    content.chunks.push_back({.page = 1, .startByte = 0, .endByte = kSheet.size()});
    ASSERT_TRUE(store.storeContent(id, content).has_value());

    const auto answer =
        answerFromTables(**database, "What is the total price in Norway?", {collection});
    ASSERT_TRUE(answer.has_value());
    ASSERT_TRUE(answer->has_value());
    const SurveyReport& report = (*answer)->report;
    EXPECT_THAT(report.text, HasSubstr("**179.5**"));
    EXPECT_THAT(report.text, HasSubstr("WHERE \"Country\" = 'Norway'"));
    EXPECT_THAT(report.text, HasSubstr("2 of the 4 rows of sales.csv"));
    ASSERT_EQ(report.citations.size(), 2U);
    for (const StoredCitation& citation : report.citations) {
        EXPECT_EQ(kSheet.substr(citation.quoteStart, citation.quoteEnd - citation.quoteStart),
                  citation.quote);
        EXPECT_THAT(citation.quote, HasSubstr("Norway"));
    }
    const auto lowest =
        answerFromTables(**database, "Which city has the lowest price?", {collection});
    ASSERT_TRUE(lowest.has_value());
    ASSERT_TRUE(lowest->has_value());
    EXPECT_EQ((*lowest)->report.citations.size(), 2U) << "both rows with that price";
    const auto saidTo = [&](const std::string& question) {
        const auto found = answerFromTables(**database, question, {collection});
        return found && *found ? (*found)->report.text : std::string();
    };
    EXPECT_THAT(saidTo("What is the second lowest price?"), HasSubstr("**99.5**"));
    EXPECT_THAT(saidTo("What is the median price?"), HasSubstr("**89.75**"));
}

}  // namespace
}  // namespace conclave::services
