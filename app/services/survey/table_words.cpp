#include "app/services/survey/table_words.h"

#include <algorithm>
#include <array>

#include "app/services/survey/question_words.h"
#include "retrieval/retrieval.h"

namespace conclave::services {
namespace {

using Kind = TableQuery::Kind;

constexpr auto kOperations = std::to_array<TableOperation>(
    {{Kind::Average, "average"},   {Kind::Average, "mean"},     {Kind::Average, "平均"},
     {Kind::Median, "median"},     {Kind::Median, "中位数"},    {Kind::Least, "lowest"},
     {Kind::Least, "smallest"},    {Kind::Least, "minimum"},    {Kind::Least, "cheapest"},
     {Kind::Least, "least"},       {Kind::Least, "fewest"},     {Kind::Least, "earliest"},
     {Kind::Least, "最低"},        {Kind::Least, "最小"},       {Kind::Least, "最少"},
     {Kind::Least, "最便宜"},      {Kind::Greatest, "highest"}, {Kind::Greatest, "largest"},
     {Kind::Greatest, "biggest"},  {Kind::Greatest, "maximum"}, {Kind::Greatest, "most expensive"},
     {Kind::Greatest, "greatest"}, {Kind::Greatest, "latest"},  {Kind::Greatest, "most"},
     {Kind::Greatest, "最高"},     {Kind::Greatest, "最大"},    {Kind::Greatest, "最多"},
     {Kind::Greatest, "最贵"},     {Kind::Sum, "sum"},          {Kind::Sum, "total"},
     {Kind::Sum, "altogether"},    {Kind::Sum, "how much"},     {Kind::Sum, "总和"},
     {Kind::Sum, "合计"},          {Kind::Sum, "总计"},         {Kind::Sum, "总共"},
     {Kind::Sum, "一共"},          {Kind::Sum, "总"},           {Kind::Count, "how many"},
     {Kind::Count, "number of"},   {Kind::Count, "count"},      {Kind::Count, "多少"},
     {Kind::Count, "几个"},        {Kind::List, "list"},        {Kind::List, "show"},
     {Kind::List, "which"},        {Kind::List, "列出"},        {Kind::List, "哪些"}});

constexpr auto kComparisons = std::to_array<TableComparison>(
    {{"more than", ">"},  {"greater than", ">"}, {"higher than", ">"}, {"over", ">"},
     {"above", ">"},      {"at least", ">="},    {"at most", "<="},    {"less than", "<"},
     {"lower than", "<"}, {"fewer than", "<"},   {"under", "<"},       {"below", "<"},
     {"不超过", "<="},    {"超过", ">"},         {"大于", ">"},        {"高于", ">"},
     {"多于", ">"},       {"至少", ">="},        {"小于", "<"},        {"低于", "<"},
     {"少于", "<"}});

constexpr auto kGroupings =
    std::to_array<std::string_view>({"per", "by", "for each", "for every", "in each", "in every",
                                     "of each", "of every", "每个", "各个", "每", "按", "各"});

/// Words that belong to asking and say nothing about rows.
constexpr auto kAsking = std::to_array<std::string_view>(
    {"what",      "which",    "show",  "list",    "is",    "are",    "the",     "of",    "in",
     "for",       "a",        "an",    "all",     "do",    "does",   "we",      "have",  "has",
     "with",      "and",      "there", "was",     "were",  "did",    "to",      "me",    "on",
     "at",        "from",     "where", "whose",   "that",  "than",   "it",      "its",   "my",
     "our",       "rows",     "row",   "entries", "entry", "table",  "records", "value", "values",
     "give",      "find",     "tell",  "please",  "who",   "been",   "be",      "how",   "much",
     "many",      "can",      "any",   "items",   "item",  "people", "listed",  "live",  "lives",
     "different", "distinct", "的",    "是",      "有",    "了",     "在",      "个",    "吗",
     "呢",        "所",       "请",    "和",      "行",    "什",     "么",      "里",    "中",
     "元",        "为"});

}  // namespace

std::vector<TableToken> tableTokens(std::string_view text) {
    std::vector<TableToken> tokens;
    retrieval::analyze(text, [&](std::string_view term, std::size_t start, std::size_t end) {
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

bool isAskingWord(std::string_view surface) {
    return std::find(kAsking.begin(), kAsking.end(), surface) != kAsking.end();
}

}  // namespace conclave::services
