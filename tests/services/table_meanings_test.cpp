// What a question means without naming a column: "longest", "earns", "out of stock".
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/services/survey/table_question.h"

namespace conclave::services {
namespace {

using testing::HasSubstr;

constexpr std::string_view kBoats =
    "Boat | Length (m) | Built | Weight (kg) | Price per day (EUR) | Heated\n"
    "Boat: Kittiwake | Length (m): 6.2 | Built: 2009 | Weight (kg): 850 | Price per day (EUR): 95 "
    "| "
    "Heated: nein\n"
    "Boat: Albatross | Length (m): 11.4 | Built: 1998 | Weight (kg): 4200 | Price per day (EUR): "
    "310 | Heated: ja\n"
    "Boat: Puffin | Length (m): 4.8 | Built: 2016 | Weight (kg): 420 | Price per day (EUR): 60 | "
    "Heated: nein\n";

constexpr std::string_view kPeople =
    "Name | Department | Salary | Start date\n"
    "Name: Mona Feld | Department: Sales | Salary: 41000 | Start date: 2017-05-02\n"
    "Name: Jan Brunner | Department: Support | Salary: 45200 | Start date: 2019-08-01\n"
    "Name: Ada Okafor | Department: Sales | Salary: 38700 | Start date: 2021-03-15\n"
    "Name: Omar Nadir | Department: Sales | Start date: 2023-01-09\n";

constexpr std::string_view kParts =
    "Part | Stock | Paid\nPart: pad | Stock: 14 | Paid: yes\nPart: belt | Stock: 0 | Paid: no\n"
    "Part: blade | Stock: 0 | Paid: no\n";

constexpr std::string_view kChineseOrders =
    "订单号 | 城市 | 金额 | 是否付款\n订单号: D001 | 城市: 北京 | 金额: 320 | 是否付款: 是\n"
    "订单号: D002 | 城市: 上海 | 金额: 560 | 是否付款: 否\n";

/// Behind "FROM "; empty: the question is not understood.
std::string meant(const std::string& question, std::string_view rows) {
    Document document;
    document.id = 1;
    document.title = "list";
    document.path = "/docs/list.csv";
    document.mime = "text/csv";
    const auto tables = tablesOf(document, {{1, std::string(rows)}});
    const auto query = tableQueryOf(question, tables);
    return query ? query->sql : "";
}

constexpr std::string_view kMembers =
    "Name | Joined | Boat | Boat length (m) | delay_minutes\n"
    "Name: Anna Berg | Joined: 2011-05-02 | Boat: Seeadler | Boat length (m): 9.4 | "
    "delay_minutes: 12\n"
    "Name: Carl Voss | Joined: 2008-01-15 | Boat: Orca | Boat length (m): 12.8 | "
    "delay_minutes: 40\n"
    "Name: Ruth Keller | Joined: 2023-04-11 | Boat: Libelle | Boat length (m): 5.5 | "
    "delay_minutes: 3\n";

constexpr std::string_view kWork =
    "Date | Boat | Work | Hours | Cost (EUR)\n"
    "Date: 2025-01-14 | Boat: Orca | Work: Antifouling | Hours: 12 | Cost (EUR): 980\n"
    "Date: 2025-02-03 | Boat: Triton | Work: Engine service | Hours: 6 | Cost (EUR): 540\n"
    "Date: 2025-02-21 | Boat: Orca | Work: Engine service | Hours: 4 | Cost (EUR): 2150\n";

TEST(TableMeanings, TheFirstAndTheLastAreOfTheOnlyColumnOfDays) {
    EXPECT_EQ(meant("Who joined first?", kMembers), "SELECT min(\"Joined\") FROM \"list\"");
    EXPECT_EQ(meant("Who joined most recently?", kMembers), "SELECT max(\"Joined\") FROM \"list\"");
    EXPECT_EQ(meant("When was the last engine service?", kWork),
              "SELECT max(\"Date\") FROM \"list\" WHERE \"Work\" = 'Engine service'");
    EXPECT_EQ(meant("Who has the first name?", kMembers), "");
    EXPECT_EQ(meant("What was done in the last 3 weeks?", kWork), "");
    EXPECT_EQ(meant("Which boat was the first?", kBoats), "")
        << "a column of years is none of days";
}

TEST(TableMeanings, AMeasureMayHaveTheNameOfTheThingInItsColumn) {
    EXPECT_EQ(meant("Who has the longest boat?", kMembers),
              "SELECT max(\"Boat length (m)\") FROM \"list\"");
    EXPECT_EQ(meant("How many boats have a delay of more than 10 minutes?", kMembers),
              "SELECT count(*) FROM \"list\" WHERE \"delay_minutes\" > 10");
    EXPECT_EQ(meant("How many boats have a delay of more than 10 hours?", kMembers), "");
}

TEST(TableMeanings, ARowMayBeComparedWithItself) {
    constexpr std::string_view kStock =
        "article | quantity | minimum\narticle: Gloves | quantity: 300 | minimum: 500\n"
        "article: Masks | quantity: 2400 | minimum: 1000\n";
    EXPECT_EQ(meant("Which articles are below their minimum?", kStock),
              "SELECT * FROM \"list\" WHERE \"quantity\" < \"minimum\"");
    EXPECT_EQ(meant("Which articles are below their price?", kStock), "");
}

TEST(TableMeanings, AnExtremeMaySayHowManyAreAsked) {
    EXPECT_EQ(meant("Show the two cheapest boats", kBoats),
              "SELECT \"Boat\", min(\"Price per day (EUR)\") FROM \"list\" GROUP BY \"Boat\" ORDER "
              "BY 2");
    EXPECT_EQ(meant("Which boat is the most expensive per day?", kBoats),
              "SELECT max(\"Price per day (EUR)\") FROM \"list\"");
    EXPECT_THAT(meant("金额最高的两个订单", kChineseOrders), HasSubstr("ORDER BY"));
}

TEST(TableMeanings, HowManyOfSeveralRowsAddUp) {
    constexpr std::string_view kTrips =
        "date | ferry | passengers | delay_minutes\n"
        "date: 2025-03-01 | ferry: Heron | passengers: 100 | delay_minutes: 3\n"
        "date: 2025-03-01 | ferry: Plover | passengers: 60 | delay_minutes: 45\n"
        "date: 2025-03-02 | ferry: Plover | passengers: 60 | delay_minutes: 0\n";
    EXPECT_EQ(meant("Which ferry had the most passengers?", kTrips),
              "SELECT \"ferry\", round(sum(\"passengers\"), 6) FROM \"list\" GROUP BY \"ferry\" "
              "ORDER BY 2 DESC");
    EXPECT_EQ(meant("What is the longest delay?", kTrips),
              "SELECT max(\"delay_minutes\") FROM \"list\"");
    EXPECT_EQ(meant("Which ferry has the highest average delay?", kTrips),
              "SELECT \"ferry\", round(avg(\"delay_minutes\"), 4) FROM \"list\" GROUP BY "
              "\"ferry\" ORDER BY 2 DESC");
    constexpr std::string_view kYears =
        "year | city | inhabitants\nyear: 2019 | city: Lund | inhabitants: 90000\n"
        "year: 2024 | city: Lund | inhabitants: 94000\nyear: 2024 | city: Umea | inhabitants: "
        "130000\n";
    EXPECT_THAT(meant("Which city has the most inhabitants?", kYears),
                testing::Not(HasSubstr("sum")));
}

TEST(TableMeanings, WhatWasSpentIsInTheOnlyColumnOfCosts) {
    const std::string sum = "SELECT round(sum(\"Cost (EUR)\"), 6) FROM \"list\"";
    EXPECT_EQ(meant("How much was spent on the Orca?", kWork), sum + " WHERE \"Boat\" = 'Orca'");
    EXPECT_EQ(meant("How much did we spend on the Triton?", kWork),
              sum + " WHERE \"Boat\" = 'Triton'");
    EXPECT_EQ(meant("Which boats had an engine service?", kWork),
              "SELECT * FROM \"list\" WHERE \"Work\" = 'Engine service'");
    EXPECT_EQ(
        meant("How much was spent on the Orca?",
              "Boat | Annual fee\nBoat: Orca | Annual fee: 420\nBoat: Tern | Annual fee: 90\n"),
        "")
        << "a fee is not spent on a boat";
}

TEST(TableMeanings, ARowThatCountsThingsSaysHowManyThereAre) {
    constexpr std::string_view kInventory =
        "item | count | location\nitem: Lifebuoy | count: 14 | location: Jetty\n"
        "item: Extinguisher | count: 9 | location: Workshop\n";
    EXPECT_EQ(meant("How many lifebuoys are there?", kInventory),
              "SELECT round(sum(\"count\"), 6) FROM \"list\" WHERE \"item\" = 'Lifebuoy'");
    EXPECT_EQ(meant("海信供应了哪些设备？",
                    "设备 | 供应商 | 数量\n设备: 绞车 | 供应商: 海信 | 数量: 4\n"
                    "设备: 桅杆 | 供应商: 远航 | 数量: 2\n"),
              "SELECT * FROM \"list\" WHERE \"供应商\" = '海信'");
}

TEST(TableMeanings, SuperlativesMeanTheColumnOfTheirMeasure) {
    EXPECT_EQ(meant("Which boat is the longest?", kBoats),
              "SELECT max(\"Length (m)\") FROM \"list\"");
    EXPECT_EQ(meant("What is the heaviest boat?", kBoats),
              "SELECT max(\"Weight (kg)\") FROM \"list\"");
    EXPECT_EQ(meant("Which boat is the oldest?", kBoats), "SELECT min(\"Built\") FROM \"list\"");
    EXPECT_EQ(meant("Which boat is the most expensive?", kBoats),
              "SELECT max(\"Price per day (EUR)\") FROM \"list\"");
    EXPECT_EQ(meant("Which boat is the fastest?", kBoats), "") << "nothing says a speed";
    EXPECT_EQ(meant("What is the price of the longest boat?", kBoats), "") << "two questions";
    EXPECT_EQ(meant("Which boat is the oldest?",
                    "Boat | Age | Built\nBoat: A | Age: 3 | Built: 2001\n"
                    "Boat: B | Age: 5 | Built: 1999\n"),
              "SELECT max(\"Age\") FROM \"list\"");
}

TEST(TableMeanings, ComparativesAndVerbsDoToo) {
    EXPECT_THAT(meant("Which boats are longer than 5 m?", kBoats), HasSubstr("\"Length (m)\" > 5"));
    EXPECT_EQ(meant("Which boats are longer than 5 feet?", kBoats), "") << "another unit";
    EXPECT_THAT(meant("Which boats weigh less than 1000 kg?", kBoats),
                HasSubstr("\"Weight (kg)\" < 1000"));
    EXPECT_THAT(meant("Who earns more than 40,000?", kPeople), HasSubstr("\"Salary\" > 40000"));
    EXPECT_EQ(meant("Who earns the most?", kPeople), "SELECT max(\"Salary\") FROM \"list\"");
    EXPECT_THAT(meant("Which is cheaper, the Puffin or the Kittiwake?", kBoats),
                HasSubstr("SELECT min(\"Price per day (EUR)\")"));
    EXPECT_THAT(meant("Which boats were built before 2010?", kBoats),
                HasSubstr("\"Built\" < 2010"));
}

TEST(TableMeanings, NothingLeftIsZeroAndNothingWrittenIsEmpty) {
    EXPECT_EQ(meant("Which parts are out of stock?", kParts),
              "SELECT * FROM \"list\" WHERE \"Stock\" = 0");
    EXPECT_EQ(meant("Which parts have stock 14?", kParts),
              "SELECT * FROM \"list\" WHERE \"Stock\" = 14");
    EXPECT_EQ(meant("Who has no salary?", kPeople),
              "SELECT * FROM \"list\" WHERE \"Salary\" IS NULL");
    EXPECT_EQ(meant("What is the total stock value?", kParts), "") << "pieces are no value";
}

TEST(TableMeanings, CountsPeopleOfATableThatHasEachInARow) {
    EXPECT_EQ(meant("How many employees work in Sales?", kPeople),
              "SELECT count(*) FROM \"list\" WHERE \"Department\" = 'Sales'");
    EXPECT_THAT(meant("Which department has the most employees?", kPeople),
                HasSubstr("count(*) FROM \"list\" GROUP BY \"Department\""));
    EXPECT_EQ(meant("How many employees are in stock?", kParts), "");
}

TEST(TableMeanings, SharesAndPeriods) {
    EXPECT_EQ(
        meant("What percentage of parts is unpaid?", kParts),
        "SELECT round(100.0 * count(CASE WHEN \"Paid\" = 'no' THEN 1 END) / count(*), 2) FROM "
        "\"list\"");
    EXPECT_EQ(meant("What percentage of parts is there?", kParts), "");
    EXPECT_THAT(meant("Total salary by year", kPeople),
                HasSubstr("substr(\"Start date\", 1, 4), round(sum(\"Salary\"), 6)"));
    EXPECT_THAT(meant("Who started between 2018 and 2021?", kPeople),
                HasSubstr("\"Start date\" >= '2018-01-01' AND \"Start date\" < '2022-01-01'"));
    EXPECT_THAT(meant("What are the top 2 salaries?", kPeople), HasSubstr("LIMIT 2)"));
}

TEST(TableMeanings, NegatesBehindAVerbAndInChinese) {
    EXPECT_THAT(meant("Which boats are not heated?", kBoats), HasSubstr("\"Heated\" = 'nein'"));
    EXPECT_THAT(meant("Which boats aren't heated?", kBoats), HasSubstr("\"Heated\" = 'nein'"));
    EXPECT_THAT(meant("不在北京的订单有哪些？", kChineseOrders), HasSubstr("\"城市\" <> '北京'"));
    EXPECT_THAT(meant("未付款的订单有哪些？", kChineseOrders), HasSubstr("\"是否付款\" = '否'"));
    EXPECT_THAT(meant("金额在300到400之间的订单有哪些？", kChineseOrders),
                HasSubstr("\"金额\" >= 300 AND \"金额\" <= 400"));
}

TEST(TableMeanings, WhatIsCountedMayBeTheColumnThatSaysWhichRowItIs) {
    constexpr std::string_view kBooks =
        "Book | Author | Copies | Power (kW)\n"
        "Book: Engines | Author: Ines Calder | Copies: 2 | Power (kW): 12\n"
        "Book: Knots | Author: Paul Tern | Copies: 0 | Power (kW): 3\n"
        "Book: Lights | Author: Ines Calder | Copies: 2 | Power (kW): 7\n";
    EXPECT_THAT(meant("Which author has the most books?", kBooks),
                HasSubstr("count(*) FROM \"list\" GROUP BY \"Author\""));
    EXPECT_EQ(meant("Which books have 0 copies?", kBooks),
              "SELECT * FROM \"list\" WHERE \"Copies\" = 0");
    EXPECT_EQ(meant("Which books have 9 copies?", kBooks), "");
    EXPECT_EQ(meant("How many books are by Ines Calder?", kBooks),
              "SELECT count(*) FROM \"list\" WHERE \"Author\" = 'Ines Calder'");
    EXPECT_EQ(meant("Which books have more than 5 kW?", kBooks),
              "SELECT * FROM \"list\" WHERE \"Power (kW)\" > 5");
}

TEST(TableMeanings, AColumnMayBeCalledAsAnOperationIs) {
    constexpr std::string_view kTotals =
        "Order | Region | Total\nOrder: 1 | Region: North | Total: 50\n"
        "Order: 2 | Region: South | Total: 200\nOrder: 3 | Region: North | Total: 400\n";
    EXPECT_EQ(meant("How many orders have a total above 100 in the North?", kTotals),
              "SELECT count(*) FROM \"list\" WHERE \"Region\" = 'North' AND \"Total\" > 100");
    EXPECT_EQ(meant("Which orders have a total above 100?", kTotals),
              "SELECT * FROM \"list\" WHERE \"Total\" > 100");
    EXPECT_THAT(meant("What is the total for the North?", kTotals), HasSubstr("sum(\"Total\")"));
    EXPECT_THAT(meant("Show the total per region", kTotals), HasSubstr("sum(\"Total\")"));
}

TEST(TableMeanings, AverageRestsOnTheRowsThatHaveANumber) {
    Document document;
    document.path = "/docs/list.csv";
    document.mime = "text/csv";
    const auto tables = tablesOf(document, {{1, std::string(kPeople)}});
    const auto query = tableQueryOf("What is the average salary in Sales?", tables);
    ASSERT_TRUE(query.has_value());
    EXPECT_THAT(query->rowsSql, testing::EndsWith("AND \"Salary\" IS NOT NULL"));
    EXPECT_THAT(query->emptySql, testing::EndsWith("AND \"Salary\" IS NULL"));
}

TEST(TableMeanings, TheSameRowsInTwoFilesAreAskedOnce) {
    Document document;
    document.mime = "text/csv";
    std::vector<LoadedTable> tables;
    for (const char* path : {"/docs/parts.csv", "/docs/copy.csv", "/docs/other.csv"}) {
        document.path = path;
        const std::string rows =
            std::string(kParts) + (std::string_view(path).ends_with("other.csv")
                                       ? "Part: bulb | Stock: 2 | Paid: no\n"
                                       : "");
        tables.push_back(tablesOf(document, {{1, rows}}).front());
    }
    const auto queries = tableQueriesOf("Which parts are out of stock?", tables);
    ASSERT_EQ(queries.size(), 2U);
    EXPECT_EQ(queries[0].copies, std::vector<std::size_t>{1});
    EXPECT_EQ(queries[1].table, 2U);
}

}  // namespace
}  // namespace conclave::services
