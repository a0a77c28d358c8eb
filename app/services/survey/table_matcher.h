// table_matcher.h: one table against one question (table_question.h). Words and the whole in
// table_matcher.cpp, which rows in table_conditions.cpp and table_day_bounds.cpp, what of them in
// table_totals.cpp, columns that are meant without their names in table_measures.cpp.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "app/services/survey/question_words.h"
#include "app/services/survey/table_days.h"
#include "app/services/survey/table_meanings.h"
#include "app/services/survey/table_question.h"
#include "app/services/survey/table_words.h"

namespace conclave::services {

/// How a day in the question bounds a column of days.
enum class DayBound { Before, Until, Since, After, Within };

/// "Three", or "3": one to a hundred.
[[nodiscard]] std::optional<int> askedCount(std::string_view word);

/// Takes a question apart, word by word, until each is a column, a value or what to do with them.
class TableMatcher {
public:
    TableMatcher(std::string_view question, const LoadedTable& table)
        : m_question(question),
          m_folded(lowerCased(question)),
          m_table(table),
          m_tokens(tableTokens(question)) {}

    /// None: the words do not fit this table.
    std::optional<TableQuery> match();
    /// Why a question that was understood, each word of it, has no answer that would be right; none
    /// where it has one, or is no question to this table. After match().
    [[nodiscard]] std::optional<TableRefusal> refusal() const;

private:
    struct Named {
        std::size_t column = 0;
        std::size_t at = 0;  ///< its first word in the question
    };
    struct Condition {
        std::size_t column = 0;
        std::string sql;
        std::string words;
        bool isOfSeveral = false;  ///< one of several values
    };

    [[nodiscard]] const std::vector<storage::Table::Column>& columns() const;
    [[nodiscard]] bool isNumber(std::size_t column) const;
    [[nodiscard]] const LoadedTable::Column& facts(std::size_t column) const;
    [[nodiscard]] bool isConditionOn(std::size_t column) const;
    /// A condition leaves one value in it.
    [[nodiscard]] bool isOneValueIn(std::size_t column) const;
    /// "Orders from …": the rows stand first, and nothing is asked of them but which they are.
    [[nodiscard]] bool beginsWithRows() const;
    /// "Orders": says what rows are, by the table's name or a column of names or numbers of them.
    [[nodiscard]] bool namesRows() const;
    /// "List all suppliers": the values of the only column that is named.
    bool chooseValues(TableQuery& query, std::string_view phrase);
    /// Refuses "the total rent" where a cell of "Rent" says "about 800".
    void refuseText();
    /// Whole numbers that name what a row is ("Invoice", "Employee number"): nothing adds them up.
    [[nodiscard]] bool isIdentifier(std::size_t column) const;
    [[nodiscard]] bool isYears(std::size_t column) const;
    /// "Interest %": of several rows nothing adds them up.
    [[nodiscard]] bool isPercentage(std::size_t column) const;
    /// Money, of which there are not "many".
    [[nodiscard]] bool isAmount(std::size_t column) const;
    /// Numbers that count something ("Days"), and not which one it is ("Month"): "per" divides.
    [[nodiscard]] bool isDivisor(std::size_t column) const;
    /// At most one row is asked, by a text that no other has.
    [[nodiscard]] bool isOfOneRow() const;
    /// "28 an hour": what a number is for, and not the column "Hours".
    [[nodiscard]] bool isMeasurePhrase(std::size_t at) const;
    void findMeasure(std::size_t at);
    /// Rows of this table are counted or listed, and not documents that say something.
    [[nodiscard]] bool asksForRows() const;
    /// A column has each person once: rows are people.
    [[nodiscard]] bool isOfPeople() const;
    /// A text column of yes and no.
    [[nodiscard]] bool isFlag(std::size_t column) const;
    [[nodiscard]] bool isFilled(std::size_t column) const;
    [[nodiscard]] const std::string& surface(std::size_t at) const;
    void explain(std::size_t at, std::size_t n);
    /// Takes the phrase; the place of its first word, npos if it is not there.
    std::size_t take(std::string_view phrase, std::size_t from = 0);
    std::optional<TableOperation> findOperation();
    /// "Longest" of the only column of lengths.
    std::optional<TableOperation> findSuperlative();
    /// "Delay" of "delay_minutes": the longest is the greatest.
    [[nodiscard]] bool isDurationAt(std::size_t at) const;
    /// "First", "latest" of the only column of days, or the one that is named.
    std::optional<TableOperation> findFirstOrLast();
    [[nodiscard]] std::optional<std::size_t> dayColumnSaid() const;
    /// "Earns" of the only column of pay, "longer than 9 m".
    void findMeasures();
    /// "Out of stock" of a column of what is left.
    void findStock();
    /// "Below their minimum": of each row another number of its own.
    void findOwnBounds();
    /// "Stock 0"
    void findEqualNumbers();
    /// "Without a salary", "no salary": nothing stands there.
    void findEmpty();
    /// "Which is cheaper, the Puffin or the Gannet?"
    std::optional<TableOperation> findChoice();
    /// "9 m" of a column "Length (m)".
    void explainUnitsOfNames();
    /// "Employees" of a table of people, each with a row.
    void findPeople();
    /// The only column of people's names, each in one row.
    [[nodiscard]] std::optional<std::size_t> personColumn() const;
    [[nodiscard]] bool isOfMeasure(std::size_t column, Measure measure) const;
    [[nodiscard]] std::optional<std::size_t> onlyColumnOf(Measure measure) const;
    /// Where the words stand as they are written, and not as another form of them; npos: nowhere.
    [[nodiscard]] std::size_t findSaid(const std::vector<TableToken>& words,
                                       std::size_t from = 0) const;
    /// A text column of what rows are called.
    [[nodiscard]] std::optional<std::size_t> nameColumn() const;
    /// "How many orders have a total above 100" of a column "Total": another word says what to do.
    [[nodiscard]] bool isColumnToo(std::string_view phrase) const;
    /// Takes an operation's phrase; "least" and "most" of "at least" and "at most" are none.
    std::size_t takeOperation(std::string_view phrase);
    /// "Top 3 products", "销量前3名".
    bool findTop();
    /// "The three cheapest": the word before an extreme says how many are asked.
    void takeCountBefore(std::size_t at);
    /// "The second highest"; and "the average number of units" is of units.
    int findPlace(const TableOperation& operation);

    /// A text of a column that stands in the question.
    struct FoundValue {
        std::size_t column = 0;
        std::string_view value;
        std::size_t at = 0;
        std::size_t size = 0;  ///< words
        /// "Berlin or Oslo": the others, each behind the one before.
        std::vector<FoundValue> others{};
    };

    /// Texts of the table that stand in the question: of each column the longest, or several that
    /// "or" joins.
    void findValues();
    /// All texts of a column that stand in the question, the longest first.
    [[nodiscard]] std::vector<FoundValue> valuesOf(std::size_t column);
    /// The values as one, if nothing but "or", a comma or "nor" is between them; else none.
    [[nodiscard]] std::optional<FoundValue> joinedByOr(std::vector<FoundValue> values) const;
    enum class Link { None, Comma, Or, Nor };
    /// What joins two values.
    [[nodiscard]] Link linkBetween(const FoundValue& first, const FoundValue& second) const;
    void addValues(const FoundValue& found, std::size_t column);
    /// "Unpaid" where a column has "paid", but not "unpaid".
    void findOpposites();
    /// "No longer valid": the rows whose state is "expired", "terminated" and the like, in a column
    /// all of whose texts are known to be one or the other.
    void findEnded();
    /// Cheap: of a column with thousands of texts few begin like a part of the question.
    [[nodiscard]] bool mayStandInQuestion(std::string_view value) const;
    static bool isAsking(const std::vector<TableToken>& words);
    /// Where a value that reads like a word of asking ("IT", "in") is meant as a value; npos:
    /// nowhere. Refuses the question where that is not clear.
    std::size_t findAskingValue(std::string_view value, std::size_t column);
    /// "Not in Oslo": takes the "not" before a value; "neither" before several.
    bool takeNegation(const FoundValue& found, std::size_t column);
    /// "In stock" of a column of yes and no, "not in stock".
    void findFlags();
    void addFlag(std::size_t column, bool isYes);
    /// Columns whose names stand in the question, without what is in brackets.
    void findColumns();
    /// "Products" of a first column "Model".
    void findGoods();
    /// "Orders" of a column "Order ID": what each row is.
    void findRowNoun();
    void findChineseRowNoun();

    /// A number of the question with its unit.
    struct AskedNumber {
        std::string number;
        std::string unit;
        std::size_t endByte = 0;
    };

    [[nodiscard]] std::optional<AskedNumber> numberAt(std::size_t token) const;
    /// A cell of the column is this number.
    [[nodiscard]] bool hasNumber(std::size_t column, const std::optional<AskedNumber>& asked) const;
    void explainBytes(std::size_t startByte, std::size_t endByte);
    /// Keeps the first reason.
    void refuse(TableRefusal::Why why, std::string what);
    void addBound(std::size_t column, std::string_view sign, const std::string& number);
    void findComparisons();
    /// The column of numbers that a bound is of: named near it, of its unit, or the only one. None
    /// where that is not clear; a unit that only others have refuses the question.
    std::optional<std::size_t> comparedColumn(std::size_t at, const std::string& unit,
                                              const std::string& number);
    /// "More than 3 invoices": of how many, not of the numbers in `column`.
    [[nodiscard]] bool countsOthers(std::size_t column, std::size_t endByte) const;
    [[nodiscard]] bool isNamedColumn(std::size_t column) const;
    [[nodiscard]] bool isNamedAt(std::size_t at) const;
    /// What a question says of its name: "Paid" of "Paid (EUR)", "付款" of "是否付款".
    [[nodiscard]] std::string_view saidName(std::size_t column) const;
    /// A text in each row, and no text twice: it says which row it is.
    [[nodiscard]] bool isOncePerRow(std::size_t column) const;
    /// "5 kW": the only column of numbers whose name has the unit in brackets.
    [[nodiscard]] std::optional<std::size_t> columnOfUnitAt(std::size_t byte) const;
    /// The document says what rows are, where their column is called "Name" or "Title".
    [[nodiscard]] bool isNamedByDocument() const;
    /// A column says shares itself.
    [[nodiscard]] bool hasShares() const;
    void findDays();
    void addDays(AskedDays days, DayBound bound, std::size_t at, std::size_t endByte);
    /// "Between 2019 and 2021": the days behind `first`, if they are its other end; takes both.
    bool addDaysBetween(AskedDays first, std::size_t at, std::size_t endByte);
    /// "Before 2010" of a column of years as numbers.
    bool addYear(const AskedDays& days, DayBound bound, std::size_t at, std::size_t endByte);
    /// "2000到4000", "between 2000 and 4000"
    bool addRange(std::size_t at, const AskedNumber& low, std::string_view joint);
    [[nodiscard]] bool hasDays() const;
    /// "Due before": the column "Due date"; of "orders in April" the column "Order date"; or the
    /// only one of days.
    std::optional<std::size_t> dayColumnFor(std::size_t at);
    /// The year that all days of a column are of; 0: there are several.
    [[nodiscard]] int onlyYearOf(std::size_t column) const;
    /// The number column that is named nearest before a word, else the only one.
    [[nodiscard]] std::optional<std::size_t> numberColumnNear(std::size_t at) const;
    /// The only column of numbers that are no identifiers.
    [[nodiscard]] std::optional<std::size_t> onlyNumberColumn() const;
    void findGroup();
    /// "By month" of the only column of days.
    bool findPeriod(std::size_t at);
    /// "What percentage of": false where that is not of one condition on rows that all have it.
    [[nodiscard]] bool chooseShare();
    /// "The top 3 salaries": of rows that nothing groups.
    void chooseTopRows(TableQuery& query);
    /// Of "the highest average price" the ranking, where the operation is the average.
    void findRankOfAverages();
    /// The table's own name and what only asks.
    void explainNames();
    /// "Who", with the verb that says whether those are meant who sell or who buy.
    void findWho();
    [[nodiscard]] bool addsUp(std::size_t column) const;
    /// "Employees: 12": how many of something a row has.
    [[nodiscard]] bool isCountOfThings(std::size_t column) const;
    /// "Passengers: 60": those of several rows are others, and add up.
    [[nodiscard]] bool isCountOfEvents(std::size_t column) const;
    /// The column of what is ranked: "which city", "top 3 products", "who".
    [[nodiscard]] std::optional<std::size_t> rankedColumn() const;
    /// "Who sold the most units": where one of whom is asked has several rows, they are added up.
    /// False: it is not clear what is ranked.
    bool rankGroups(TableQuery& query, std::string_view phrase);
    /// "销量最高的3个产品".
    void findChineseCount();
    /// "In EUR" of a column of euros.
    void explainUnit();
    /// Of Chinese every character must be accounted for: these ask, and say nothing of the rows.
    void explainPhrases();
    /// "供应" of "供应商": what those do who are named.
    void explainDoing();
    [[nodiscard]] double explained() const;
    /// The column that is counted, added up or compared. False: this is no question to this table.
    bool chooseColumn(TableQuery& query, std::string_view phrase);
    [[nodiscard]] std::optional<std::size_t> priceColumn() const;
    [[nodiscard]] std::optional<std::size_t> namedPriceColumn() const;
    /// The column of numbers that the operation is of: named nearest behind it, else before it (in
    /// Chinese the other way round for "最高"). Refuses the question where two may be meant.
    std::optional<std::size_t> measureFor(TableQuery::Kind kind);
    bool chooseCounted(TableQuery& query, std::optional<std::size_t> measure,
                       std::optional<Named> identifier, std::optional<Named> text);
    /// The only column that is called "Count", "Quantity" or the like.
    [[nodiscard]] std::optional<std::size_t> columnOfCounts() const;
    /// Names a column or a value of this table, and not just a day that any table may have.
    [[nodiscard]] bool isOfThisTable() const;
    /// The units that numbers are in, from the column itself or from one of currencies beside it.
    [[nodiscard]] std::set<std::string> unitsOf(std::size_t column) const;
    [[nodiscard]] std::string inWords(std::size_t column, std::string_view is,
                                      std::string_view isInChinese, const std::string& value) const;
    void write(TableQuery& query) const;

    std::string_view m_question;
    std::string m_folded;
    const LoadedTable& m_table;
    std::vector<TableToken> m_tokens;
    std::vector<Named> m_named;
    std::vector<Condition> m_conditions;
    std::optional<std::size_t> m_group;
    int m_periodLength = 0;  ///< of m_group's days: what of "2026-05-01" is one group; 0: all
    std::string m_order{};   ///< of rows that are listed
    bool m_isMeasureMeant = false;
    std::optional<std::size_t> m_dayColumn;  ///< of which the first or the last day is asked
    std::optional<std::size_t> m_column;
    bool m_isNamed = false;
    std::size_t m_nNamed = 0;
    std::optional<TableOperation> m_operation;
    std::size_t m_operationEnd = 0;          ///< the word behind the operation
    std::optional<std::size_t> m_rowNounAt;  ///< the word that says what rows are
    std::optional<std::size_t> m_rowColumn;  ///< their numbers
    int m_top = 0;                           ///< "top 3"
    bool m_isWho = false;
    std::optional<std::size_t> m_who;
    bool m_isCompared = false;  ///< with a number or a day
    bool m_isUnitUnknown = false;
    bool m_isRefused = false;
    std::optional<TableRefusal> m_refusal;
    bool m_isValueNamed = false;
    bool m_isDayColumnNamed = false;
    bool m_isNegated = false;
    bool m_isNumberOf = false;  ///< "the total number of"
    std::string_view m_rankOfAverages;
    bool m_isLeastFirst = false;
};

}  // namespace conclave::services
