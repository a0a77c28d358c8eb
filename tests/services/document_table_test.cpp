// Tables inside documents, asked as sheets are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/services/survey/document_tables.h"
#include "app/services/survey/table_question.h"

namespace conclave::services {
namespace {

using testing::ElementsAre;

std::vector<LoadedTable> tablesInDocument(const std::string& text, const std::string& file,
                                          const std::string& mime) {
    Document document;
    document.id = 1;
    document.title = "offer";
    document.path = "/docs/" + file;
    document.mime = mime;
    return documentTablesOf(document, {{1, text}});
}

TEST(DocumentTables, ReadsTheTablesOfMarkdown) {
    const std::string text =
        "# Offer\n\n## Lamps\n\n| Model | Price | Note |\n|---|--:|---|\n"
        "| **L-1** | 20 EUR | |\n| [L-2](l2.md) | 35 EUR | a \\| b |\n\nText.\n\n"
        "```\n| Example | Price |\n|---|---|\n| X | 1 |\n```\n";
    const auto tables = tablesInDocument(text, "offer.md", "text/markdown");
    ASSERT_EQ(tables.size(), 1U) << "what stands in code is an example";
    const LoadedTable& table = tables.front();
    EXPECT_THAT(table.table.rows[0], ElementsAre("L-1", "20", ""));
    EXPECT_EQ(table.table.rows[1].front(), "L-2");
    EXPECT_EQ(table.labelledRow(0), "Model: L-1 | Price: 20 EUR");
    const auto& place = table.places[0];
    EXPECT_EQ(text.substr(place.startByte, place.endByte - place.startByte),
              "| **L-1** | 20 EUR | |");
    const auto query = tableQueryOf("How many products are under 30 EUR?", tables);
    ASSERT_TRUE(query.has_value());
    EXPECT_EQ(query->sql, "SELECT count(*) FROM \"offer\" WHERE \"Price\" < 30");
    EXPECT_FALSE(tableQueryOf("How many devices are under 30 EUR?", tables).has_value());
}

TEST(DocumentTables, TurnsOnesWithAThingInEachColumn) {
    const auto tables = tablesInDocument(
        "| Model | PX-2 | PX-3 |\n|---|---|---|\n| Price | 129 EUR | 199 EUR |\n"
        "| Weight | 2 kg | 3 kg |\n",
        "offer.md", "text/markdown");
    ASSERT_EQ(tables.size(), 1U);
    ASSERT_EQ(tables[0].table.columns.size(), 3U);
    EXPECT_EQ(tables[0].table.columns[1].name, "Price");
    EXPECT_THAT(tables[0].table.rows[1], ElementsAre("PX-3", "199", "3 kg"));
    const auto months = tablesInDocument(
        "| Region | May | June |\n|---|---|---|\n| North | 4 | 7 |\n| South | 5 | 2 |\n",
        "offer.md", "text/markdown");
    ASSERT_EQ(months.size(), 1U);
    EXPECT_THAT(months[0].table.rows[0], ElementsAre("North", "4", "7"));
}

TEST(DocumentTables, TheDocumentsNameSaysNotWhatTheRowsAre) {
    const std::string harbours =
        "| Harbour | Town | Berths |\n|---|---|---|\n"
        "| North Quay | Lindau | 40 |\n| South Pier | Lindau | 60 |\n";
    const auto tables = tablesInDocument(harbours, "boats.md", "text/markdown");
    ASSERT_EQ(tables.size(), 1U);
    EXPECT_FALSE(tableQueryOf("Which boat is the most expensive?", tables).has_value());
    EXPECT_FALSE(tableQueryOf("How many boats are in Lindau?", tables).has_value());
    EXPECT_FALSE(tableQueryOf("Which harbour is the most expensive?", tables).has_value());
    EXPECT_TRUE(tableQueryOf("How many harbours are in Lindau?", tables).has_value());
}

TEST(DocumentTables, LeavesOutWhatMayNotBeAWholeTable) {
    const auto read = [](const std::string& text) {
        return tablesInDocument(text, "offer.html", "text/html").size();
    };
    EXPECT_EQ(read("Model | Price\nL-1 | 20\nL-2 | 35\n\nEnd\n"), 1U);
    EXPECT_EQ(read("L-1 | 20\nL-2 | 35\n"), 0U) << "no names of columns";
    EXPECT_EQ(read("Model | Price\nL-1 | 20\nAccessories\nBag | 35\nBox | 3\n"), 0U)
        << "it goes on below a title";
    EXPECT_EQ(read("Model | Price\nL-1 | 20 | 5\n"), 0U) << "a row is wider than the names";
}

TEST(DocumentTables, ReadsASheetWhoseNamesOfColumnsItsReaderDidNotKnow) {
    Document document;
    document.path = "/docs/rents.csv";
    document.mime = "text/csv";
    const std::vector<Page> pages{{1, "Flat | Rent\nA | 900\nB | about 800\n"}};
    EXPECT_TRUE(tablesOf(document, pages).empty());
    auto tables = plainTablesOf(document, pages);
    ASSERT_EQ(tables.size(), 1U);
    EXPECT_FALSE(tableQueryOf("What is the total rent?", tables).has_value());
    const auto refusal = tableRefusalOf("What is the total rent?", tables);
    ASSERT_TRUE(refusal.has_value());
    EXPECT_EQ(refusal->why, TableRefusal::Why::Text);
    EXPECT_EQ(refusal->what, "Rent: about 800");
    tables.push_back(
        tablesOf(document, {{1, "Flat | Rent\nFlat: C | Rent: 7\nFlat: D | Rent: 9\n"}}).front());
    const auto queries = tableQueriesOf("What is the total rent?", tables);
    ASSERT_EQ(queries.size(), 1U);
    const auto leftOut = leftOutTables(queries, tables);
    ASSERT_EQ(leftOut.size(), 1U);
    EXPECT_EQ(leftOut[0].cell, "about 800");
    EXPECT_TRUE(plainTablesOf(document, {{1, "A | 900\nB | 800\n"}}).empty());
}

}  // namespace
}  // namespace conclave::services
