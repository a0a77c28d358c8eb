#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/sheet_samples.h"
#include "retrieval/extractor/number_format.h"
#include "retrieval/extractor/table_text.h"
#include "tests/retrieval/parsed.h"

namespace conclave::retrieval::extractor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// Text of the first page.
std::string sheetText(const std::string& bytes, const std::string& name) {
    const auto document = parsed(bytes, name);
    EXPECT_TRUE(document) << document.error().detail;
    return document ? document->pages.at(0).text : std::string();
}

std::string xlsxWith(const std::string& rows) { return test::makeZip(test::xlsxParts(rows)); }
std::string odsWith(const std::string& rows) { return test::makeZip(test::odsParts(rows)); }

TEST(Xlsx, GivesSheetsWithLabelledRows) {
    const auto document = parsed(test::xlsxSample(), "a.xlsx");
    ASSERT_TRUE(document) << document.error().detail;
    ASSERT_EQ(document->pages.size(), 2U) << "one is hidden, one is named twice";
    EXPECT_EQ(document->pages[0].text,
              "Costs & more\n\nTravel costs\n\nCity | Limit | Date | Paid\n"
              "City: Berlin | Limit: 120.5 | Date: 2024-03-05 | Paid: TRUE\n"
              "City: Berlin | Limit: 12.5% | Date: 2024-03-05 14:30 | Paid: #N/A\n\n"
              "City: 東京 | Limit: =SUM(B4:B5) | Date: 0.1\n\n"
              "Note on B4: with breakfast\n\nA text box.\n");
    EXPECT_EQ(document->pages[1].text, "Staff\n\nName | Team\nName: Ann | Team: Sales\n");
    ASSERT_EQ(document->headings.size(), 2U);
    EXPECT_EQ(document->headings[0].endByte, std::string("Costs & more").size());
    EXPECT_EQ(document->headings[1].page, 2);
    EXPECT_THAT(document->warnings,
                ElementsAre(HasSubstr("hidden sheet Lists"), HasSubstr("1 hidden rows"),
                            HasSubstr("2 cells of hidden columns"), HasSubstr("1 formulas")));
}

TEST(Xlsx, KeepsRowsThatAFilterHides) {
    auto parts = test::xlsxParts();
    for (auto& [name, content] : parts) {
        if (name != "xl/worksheets/sheet1.xml") continue;
        content.insert(content.find("<cols>"), "<sheetPr filterMode=\"1\"/>");
    }
    const auto document = parsed(test::makeZip(parts), "a.xlsx");
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_THAT(document->pages[0].text, HasSubstr("not seen"));
    EXPECT_THAT(document->warnings, testing::Contains(HasSubstr("1 rows that a filter hides")));
}

TEST(Xlsx, RowsBecomeChunksThatNameSheetAndColumns) {
    const auto document = parsed(test::xlsxSample(), "costs.xlsx");
    ASSERT_TRUE(document);
    const auto chunks = chunkDocument(*document, {.maxCharacters = 120});
    bool found = false;
    for (const ChunkSpan& chunk : chunks) {
        const std::string text =
            document->pages[static_cast<std::size_t>(chunk.page - 1)].text.substr(
                chunk.startByte, chunk.endByte - chunk.startByte);
        if (text.find("Limit: 12.5%") == std::string::npos) continue;
        found = true;
        EXPECT_EQ(chunk.heading, "costs > Costs & more");
        EXPECT_THAT(text, HasSubstr("City: Berlin | Limit: 12.5%"));
    }
    EXPECT_TRUE(found);
    EXPECT_EQ(chunks.back().heading, "costs > Staff");
}

TEST(Xlsx, SurvivesHostileNumbers) {
    // Rows and columns out of range, strings and styles that do not exist.
    const std::string text = sheetText(
        xlsxWith("<row r=\"18446744073709551615\"><c r=\"ZZZZZ9\" t=\"s\"><v>99999999999</v></c>"
                 "<c r=\"A1\" s=\"77777\"><v>1e999</v></c><c t=\"s\"><v>-1</v></c></row>"
                 "<row><c><v>5</v></c></row>"),
        "a.xlsx");
    EXPECT_THAT(text, HasSubstr("1e999"));
    EXPECT_THAT(text, HasSubstr("\n5\n"));
}

TEST(Xlsx, RefusesStringsThatMultiply) {
    auto parts = test::xlsxParts();
    std::string rows;
    for (int i = 0; i < 3000; ++i) rows += "<row><c t=\"s\"><v>0</v></c></row>";
    parts = test::xlsxParts(rows);
    for (auto& [name, content] : parts) {
        if (name != "xl/sharedStrings.xml") continue;
        content = "<sst><si><t>" + std::string(1U << 20U, 'x') + "</t></si></sst>";
    }
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(parsed(test::makeZip(parts), "a.xlsx").error().code, ErrorCode::LimitExceeded);
    // Sanitizers take five times as long.
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST(Xlsx, SaysWhatItLeavesOutOfASheetThatSeemsEmpty) {
    const auto beyond =
        parsed(xlsxWith("<row r=\"1\"><c r=\"ZZZZ1\"><v>1</v></c></row>"), "a.xlsx");
    ASSERT_TRUE(beyond);
    EXPECT_THAT(beyond->warnings, testing::Contains(testing::HasSubstr("beyond the last")));
    const auto without =
        parsed(xlsxWith("<row r=\"1\"><c t=\"s\"><v>99999999</v></c></row>"), "a.xlsx");
    ASSERT_TRUE(without);
    EXPECT_THAT(without->warnings, testing::Contains(testing::HasSubstr("does not hold")));
}

TEST(Xlsx, SurvivesMergesOfEverything) {
    auto parts = test::xlsxParts();
    for (auto& [name, content] : parts) {
        if (name != "xl/worksheets/sheet1.xml") continue;
        std::string merges;
        for (int i = 0; i < 2000; ++i) merges += "<mergeCell ref=\"A4:XFD1048576\"/>";
        content.insert(content.find("</mergeCells>"), merges + "<mergeCell ref=\":\"/>");
    }
    EXPECT_THAT(sheetText(test::makeZip(parts), "a.xlsx"), HasSubstr("Limit: 120.5"));
}

TEST(Xlsx, DamagedSheetsAreToldAndTheRestIsRead) {
    auto parts = test::xlsxParts();
    for (auto& [name, content] : parts) {
        if (name == "xl/worksheets/sheet1.xml") content.resize(content.size() / 2);
    }
    const auto document = parsed(test::makeZip(parts), "a.xlsx");
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_EQ(document->pages.size(), 2U);
    EXPECT_THAT(document->warnings, testing::Contains(HasSubstr("Costs & more is damaged")));
}

TEST(Xlsx, TellsOtherWorkbooksApart) {
    EXPECT_EQ(parsed(test::makeZip({{"xl/workbook.bin", "x"}}), "a.xlsb").error().code,
              ErrorCode::Unsupported);
    EXPECT_EQ(parsed(test::makeZip({{"x", "y"}}), "a.xlsx").error().code, ErrorCode::Corrupt);
    EXPECT_EQ(parsed("hello", "a.xlsx").error().code, ErrorCode::Corrupt);
}

TEST(NumberFormat, TellsDatesFromNumbers) {
    EXPECT_EQ(kindOfFormat("General"), NumberKind::Plain);
    EXPECT_EQ(kindOfFormat("#,##0.00\\ \"days\""), NumberKind::Plain);
    EXPECT_EQ(kindOfFormat("[Red]0.00;[Blue]dd"), NumberKind::Plain);
    EXPECT_EQ(kindOfFormat("yyyy\"年\"m\"月\"d\"日\""), NumberKind::Date);
    EXPECT_EQ(kindOfFormat("mmm yy"), NumberKind::Date);
    EXPECT_EQ(kindOfFormat("h:mm AM/PM"), NumberKind::Time);
    EXPECT_EQ(kindOfFormat("DD.MM.YYYY HH:MM"), NumberKind::DateTime);
    EXPECT_EQ(kindOfFormat("[hh]:mm"), NumberKind::Duration);
    EXPECT_EQ(kindOfFormat("\"unclosed"), NumberKind::Plain);
    EXPECT_EQ(kindOfFormat("[unclosed"), NumberKind::Plain);
}

TEST(NumberFormat, ShowsNumbersAsAPersonReadsThem) {
    EXPECT_EQ(showNumber("1", NumberKind::Date, false), "1900-01-01");
    EXPECT_EQ(showNumber("59", NumberKind::Date, false), "1900-02-28");
    EXPECT_EQ(showNumber("61", NumberKind::Date, false), "1900-03-01");
    EXPECT_EQ(showNumber("45356", NumberKind::Date, false), "2024-03-05");
    EXPECT_EQ(showNumber("43894", NumberKind::Date, true), "2024-03-05");
    EXPECT_EQ(showNumber("2958465.9999999", NumberKind::Date, false), "10000-01-01")
        << "rounded to the second, as spreadsheets do";
    EXPECT_EQ(showNumber("-3", NumberKind::Date, false), "-3");
    EXPECT_EQ(showNumber("0.5", NumberKind::Time, false), "12:00");
    EXPECT_EQ(showNumber("1.5", NumberKind::Duration, false), "36:00");
    EXPECT_EQ(showNumber("0.30000000000000004", NumberKind::Plain, false), "0.3");
    EXPECT_EQ(showNumber("12345678901234567890", NumberKind::Plain, false), "12345678901234567890");
    EXPECT_EQ(showNumber("0.07", NumberKind::Percent, false), "7%");
    EXPECT_EQ(showNumber("nan", NumberKind::Date, false), "nan");
}

TEST(Ods, GivesSheetsWithLabelledRows) {
    const auto document = parsed(test::odsSample(), "a.ods");
    ASSERT_TRUE(document) << document.error().detail;
    ASSERT_EQ(document->pages.size(), 1U);
    EXPECT_EQ(document->pages[0].text,
              "Kosten\n\nStadt | Grenze | Tag\n"
              "Stadt: Berlin | Grenze: 120,50 € | Tag: 2024-03-05 14:30:00\n"
              "Stadt: Berlin | Grenze: 7 | Tag: 7\n\nStadt: Köln | Grenze: gefiltert\n\n"
              "Note on A2: Hauptstadt\n");
    EXPECT_THAT(document->warnings,
                ElementsAre(HasSubstr("hidden sheet Liste"), HasSubstr("1 hidden rows"),
                            HasSubstr("2 cells of hidden columns"), HasSubstr("1 rows")));
}

TEST(Ods, BoundsWhatRepeats) {
    const std::string row =
        "<table:table-row table:number-rows-repeated=\"1000000000\"><table:table-cell "
        "table:number-columns-repeated=\"1000000000\" office:value-type=\"string\"><text:p>x"
        "</text:p></table:table-cell></table:table-row>";
    const auto document = parsed(odsWith(row), "a.ods");
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_LT(document->pages[0].text.size(), 1'500'000U);
    EXPECT_THAT(document->warnings, testing::Contains(HasSubstr("repeat very often")));
    std::string rows;
    for (int i = 0; i < 40; ++i) rows += row;
    const auto many = parsed(odsWith(rows), "a.ods");
    ASSERT_TRUE(many) << many.error().detail;
    EXPECT_LT(many->pages[0].text.size(), 1'500'000U) << "of all rows together";
}

TEST(Csv, TellsOfColumnsThatItLeavesOut) {
    std::string row = "x";
    for (int i = 0; i < 20'000; ++i) row += ",1";
    const auto document = parsed(row + "\n" + row + "\n", "a.csv");
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_THAT(document->warnings, ElementsAre(HasSubstr("left out 7234 values")));
}

TEST(Ods, SurvivesTablesInTablesAndWrongNesting) {
    std::string rows;
    for (int i = 0; i < 50; ++i) {
        rows += "<table:table-row><table:table-cell><table:table><table:table-row>";
    }
    rows += "<text:p>deep</text:p>";
    for (int i = 0; i < 50; ++i) {
        rows += "</table:table-row></table:table></table:table-cell></table:table-row>";
    }
    EXPECT_TRUE(parsed(odsWith(rows), "a.ods"));
}

TEST(Csv, GivesLabelledRows) {
    EXPECT_EQ(sheetText(test::kCsvSample, "a.csv"),
              "Name | Amount | Remark\nName: Ann | Amount: 1,5 | Remark: says \"hi\" and goes\n"
              "Name: Bob | Amount: 2\nName: 住宿 | Amount: 3 | Remark: \"open\n");
    EXPECT_THAT(parsed(test::kCsvSample, "a.csv")->warnings,
                ElementsAre(HasSubstr("never closed")));
}

TEST(Csv, FindsTheSeparator) {
    EXPECT_EQ(sheetText("a\tb\n1,5\t2\n", "a.csv"), "a | b\na: 1,5 | b: 2\n");
    EXPECT_EQ(sheetText("a|b\n1|2\n", "a.csv"), "a | b\na: 1 | b: 2\n");
    EXPECT_EQ(sheetText("sep=;\na,x;b\n1;2\n", "a.csv"), "a,x | b\na,x: 1 | b: 2\n");
    EXPECT_EQ(sheetText("a,b\n\"x;y\",1\n\"p;q\",2\n", "a.csv"),
              "a | b\na: x;y | b: 1\na: p;q | b: 2\n");
}

TEST(Csv, KnowsTablesWithoutHeader) {
    EXPECT_EQ(sheetText("1,2\n3,4\n", "a.csv"), "1 | 2\n3 | 4\n");
    EXPECT_EQ(sheetText("Name:,Ann\nCity:,Berlin\nAge:,12\n", "a.csv"),
              "Name: | Ann\nCity: | Berlin\nAge: | 12\n");
    EXPECT_EQ(sheetText("Report of May\n\nid,n\n1,2\n", "a.csv"),
              "Report of May\n\nid | n\nid: 1 | n: 2\n");
    EXPECT_EQ(sheetText("", "a.csv"), "");
}

TEST(Csv, ReadsOtherEncodings) {
    const std::string gbk =
        "\xB3\xC7\xCA\xD0,\xD7\xA1\xCB\xDE\xB7\xD1\n\xB1\xB1\xBE\xA9,500\n\xC9\xCF\xBA\xA3,450\n";
    EXPECT_EQ(sheetText(gbk, "a.csv"),
              "城市 | 住宿费\n城市: 北京 | 住宿费: 500\n城市: 上海 | 住宿费: 450\n");
}

TEST(Csv, SurvivesHostileShapes) {
    EXPECT_TRUE(parsed(std::string(2'000'000, ','), "a.csv"));
    EXPECT_TRUE(parsed(std::string(2'000'001, '"'), "a.csv"));
    EXPECT_TRUE(parsed(std::string(1'000'000, '\n'), "a.csv"));
    std::string wide;
    for (int i = 0; i < 100'000; ++i) wide += "column" + std::to_string(i) + ",";
    EXPECT_TRUE(parsed(wide + "\n" + wide, "a.csv"));
}

TEST(Csv, LeavesLabelsOutWhereTheyWouldNotFit) {
    const std::string label(150, 'n');
    std::string text = label + "a," + label + "b," + label + "c\n";
    while (text.size() < (3U << 20U)) text += "1,2,3\n";
    const auto document = parsed(text, "a.csv");
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_THAT(document->warnings, ElementsAre(HasSubstr("too large to name")));
    EXPECT_THAT(document->pages[0].text.substr(500, 100), HasSubstr("1 | 2 | 3\n"));
}

TEST(TableText, JoinsHeadersOfTwoRows) {
    std::string page;
    TableText table(page, {.hasLabels = true, .mostBytes = 10'000});
    table.addRow({{.column = 0, .text = "Region"},
                  {.column = 1, .span = 2, .text = "2023"},
                  {.column = 3, .span = 2, .text = "2024"}},
                 0);
    table.addRow({{.column = 1, .text = "H1"},
                  {.column = 2, .text = "H2"},
                  {.column = 3, .text = "H1"},
                  {.column = 4, .text = "H2"}},
                 1);
    table.addRow({{.column = 0, .text = "North"},
                  {.column = 2, .kind = CellKind::Value, .text = "5"},
                  {.column = 4, .kind = CellKind::Value, .text = "7"}},
                 2);
    table.finish();
    EXPECT_THAT(page, HasSubstr("Region: North | 2023 H2: 5 | 2024 H2: 7\n"));
}

TEST(TableText, ANewTableMayHaveItsOwnHeader) {
    std::string page;
    TableText table(page, {.hasLabels = true, .mostBytes = 10'000});
    const auto row = [](const std::string& a, const std::string& b, const std::string& c) {
        return std::vector<Cell>{{.column = 0, .text = a},
                                 {.column = 1, .kind = guessKind(b), .text = b},
                                 {.column = 2, .kind = guessKind(c), .text = c}};
    };
    table.addRow(row("City", "Limit", "Year"), 0);
    table.addRow(row("Berlin", "120", "2024"), 1);
    table.addRow({{.column = 0, .text = "All figures are estimates."}}, 2);
    table.addRow(row("Food", "Price", "Unit price"), 5);
    table.addRow(row("Tea", "2", "0.5"), 6);
    table.finish();
    EXPECT_THAT(page, HasSubstr("\nAll figures are estimates.\n\nFood | Price | Unit price\n"));
    EXPECT_THAT(page, HasSubstr("Food: Tea | Price: 2 | Unit price: 0.5\n"));
    EXPECT_THAT(page, Not(HasSubstr("City: Food")));
}

TEST(TableText, NamesColumns) {
    EXPECT_EQ(columnName(0), "A");
    EXPECT_EQ(columnName(25), "Z");
    EXPECT_EQ(columnName(26), "AA");
    EXPECT_EQ(columnName(16'383), "XFD");
}

}  // namespace
}  // namespace conclave::retrieval::extractor
