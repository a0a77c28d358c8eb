#include "app/services/survey/table_words.h"

#include <algorithm>
#include <array>

#include "app/services/survey/question_words.h"
#include "retrieval/retrieval.h"

namespace conclave::services {
namespace {

using TableKind = TableQuery::Kind;

constexpr auto kOperations = std::to_array<TableOperation>({{TableKind::Share, "what percentage"},
                                                            {TableKind::Share, "percentage of"},
                                                            {TableKind::Share, "what percent"},
                                                            {TableKind::Share, "percent of"},
                                                            {TableKind::Share, "what share"},
                                                            {TableKind::Share, "share of"},
                                                            {TableKind::Share, "proportion of"},
                                                            {TableKind::Share, "百分之多少"},
                                                            {TableKind::Share, "百分之几"},
                                                            {TableKind::Count, "几款"},
                                                            {TableKind::Count, "几台"},
                                                            {TableKind::Count, "几件"},
                                                            {TableKind::Count, "几种"},
                                                            {TableKind::Count, "几名"},
                                                            {TableKind::Count, "几位"},
                                                            {TableKind::Count, "几人"},
                                                            {TableKind::Count, "几辆"},
                                                            {TableKind::Count, "几本"},
                                                            {TableKind::Count, "几份"},
                                                            {TableKind::Count, "几张"},
                                                            {TableKind::Count, "几笔"},
                                                            {TableKind::Count, "几家"},
                                                            {TableKind::Count, "多少份"},
                                                            {TableKind::Count, "多少张"},
                                                            {TableKind::Count, "多少笔"},
                                                            {TableKind::Average, "average"},
                                                            {TableKind::Average, "mean"},
                                                            {TableKind::Average, "平均"},
                                                            {TableKind::Median, "median"},
                                                            {TableKind::Median, "中位数"},
                                                            {TableKind::Least, "lowest"},
                                                            {TableKind::Least, "smallest"},
                                                            {TableKind::Least, "minimum"},
                                                            {TableKind::Least, "cheapest"},
                                                            {TableKind::Least, "least"},
                                                            {TableKind::Least, "fewest"},
                                                            {TableKind::Least, "earliest"},
                                                            {TableKind::Least, "最低"},
                                                            {TableKind::Least, "最小"},
                                                            {TableKind::Least, "最少"},
                                                            {TableKind::Least, "最便宜"},
                                                            {TableKind::Greatest, "highest"},
                                                            {TableKind::Greatest, "largest"},
                                                            {TableKind::Greatest, "biggest"},
                                                            {TableKind::Greatest, "maximum"},
                                                            {TableKind::Greatest, "most expensive"},
                                                            {TableKind::Greatest, "greatest"},
                                                            {TableKind::Greatest, "latest"},
                                                            {TableKind::Greatest, "most"},
                                                            {TableKind::Greatest, "最高"},
                                                            {TableKind::Greatest, "最大"},
                                                            {TableKind::Greatest, "最多"},
                                                            {TableKind::Greatest, "最贵"},
                                                            {TableKind::Sum, "sum"},
                                                            {TableKind::Sum, "total"},
                                                            {TableKind::Sum, "altogether"},
                                                            {TableKind::Sum, "how much"},
                                                            {TableKind::Sum, "总和"},
                                                            {TableKind::Sum, "合计"},
                                                            {TableKind::Sum, "总计"},
                                                            {TableKind::Sum, "总共"},
                                                            {TableKind::Sum, "一共"},
                                                            {TableKind::Sum, "总"},
                                                            {TableKind::Count, "how many"},
                                                            {TableKind::Count, "number of"},
                                                            {TableKind::Count, "count"},
                                                            {TableKind::Count, "多少"},
                                                            {TableKind::Count, "几个"},
                                                            {TableKind::List, "list"},
                                                            {TableKind::List, "show"},
                                                            {TableKind::List, "which"},
                                                            {TableKind::List, "do any"},
                                                            {TableKind::List, "does any"},
                                                            {TableKind::List, "is any"},
                                                            {TableKind::List, "are any"},
                                                            {TableKind::List, "are there any"},
                                                            {TableKind::List, "列出"},
                                                            {TableKind::List, "哪些"}});

constexpr auto kComparisons = std::to_array<TableComparison>(
    {{"不低于", ">="},     {"不少于", ">="},   {"不小于", ">="},    {"不高于", "<="},
     {"不多于", "<="},     {"不大于", "<="},   {"more than", ">"},  {"greater than", ">"},
     {"higher than", ">"}, {"over", ">"},      {"above", ">"},      {"at least", ">="},
     {"at most", "<="},    {"less than", "<"}, {"lower than", "<"}, {"fewer than", "<"},
     {"under", "<"},       {"below", "<"},     {"不超过", "<="},    {"超过", ">"},
     {"大于", ">"},        {"高于", ">"},      {"多于", ">"},       {"至少", ">="},
     {"小于", "<"},        {"低于", "<"},      {"少于", "<"}});

constexpr auto kGroupings =
    std::to_array<std::string_view>({"per", "by", "for each", "for every", "in each", "in every",
                                     "of each", "of every", "每个", "各个", "每", "按", "各"});

/// Words that belong to asking and say nothing about rows.
constexpr auto kAsking = std::to_array<std::string_view>(
    {"what",  "which",  "show",     "list",      "is",       "are",    "the",     "of",    "in",
     "for",   "a",      "an",       "all",       "do",       "does",   "we",      "have",  "has",
     "with",  "and",    "there",    "was",       "were",     "did",    "to",      "me",    "on",
     "at",    "from",   "where",    "whose",     "that",     "than",   "it",      "its",   "my",
     "our",   "rows",   "row",      "entries",   "entry",    "table",  "records", "value", "values",
     "give",  "find",   "tell",     "please",    "who",      "been",   "be",      "how",   "much",
     "many",  "can",    "any",      "items",     "item",     "people", "listed",  "live",  "lives",
     "work",  "works",  "working",  "based",     "located",  "use",    "uses",    "go",    "goes",
     "leave", "leaves", "employed", "different", "distinct", "had",    "worked",  "lived", "的",
     "是",    "有",     "了",       "在",        "个",       "吗",     "呢",      "所",    "请",
     "和",    "行",     "什",       "么",        "里",       "中",     "元",      "为"});

}  // namespace

std::vector<TableToken> tableTokens(std::string_view text) {
    std::vector<TableToken> tokens;
    std::string parted(text);  // "delay_minutes" has two words
    std::replace(parted.begin(), parted.end(), '_', ' ');
    retrieval::analyze(parted, [&](std::string_view term, std::size_t start, std::size_t end) {
        if (!tokens.empty() && start < tokens.back().endByte) {
            // A pair of characters, or a part of the word before.
            return;
        }
        tokens.push_back(
            {std::string(term), lowerCased(text.substr(start, end - start)), start, end, false});
    });
    return tokens;
}

std::size_t findTokens(const std::vector<TableToken>& tokens, const std::vector<TableToken>& part,
                       std::size_t from) {
    if (part.empty()) return std::string::npos;
    for (std::size_t at = from; at + part.size() <= tokens.size(); ++at) {
        bool isSame = true;
        for (std::size_t i = 0; isSame && i < part.size(); ++i) {
            isSame = tokens[at + i].term == part[i].term;
        }
        if (isSame) return at;
    }
    return std::string::npos;
}

std::span<const TableOperation> tableOperations() { return kOperations; }
std::span<const TableComparison> tableComparisons() { return kComparisons; }
std::span<const std::string_view> tableGroupings() { return kGroupings; }

bool isNegation(std::string_view surface) {
    static constexpr auto kNegations = std::to_array<std::string_view>(
        {"not", "don't", "doesn't", "didn't", "isn't", "aren't", "wasn't", "weren't", "不", "非"});
    return std::find(kNegations.begin(), kNegations.end(), surface) != kNegations.end();
}

bool isUnitWord(std::string_view surface) {
    static constexpr auto kUnits = std::to_array<std::string_view>(
        {"minutes", "mins",  "hours",  "seconds", "days", "weeks", "months", "eur",
         "euro",    "euros", "usd",    "gbp",     "kg",   "km",    "metres", "meters",
         "cm",      "mm",    "litres", "liters",  "kwh",  "kw"});
    return std::find(kUnits.begin(), kUnits.end(), surface) != kUnits.end();
}

bool isAskingWord(std::string_view surface) {
    return std::find(kAsking.begin(), kAsking.end(), surface) != kAsking.end();
}

}  // namespace conclave::services
