#include "app/services/survey/side_by_side.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "app/services/asked_for.h"
#include "app/services/english_words.h"
#include "app/services/question.h"
#include "app/services/reading.h"
#include "app/services/survey/date_cues.h"
#include "app/services/survey/question_words.h"
#include "base/utf8.h"

namespace conclave::services {
namespace {

using namespace std::string_view_literals;
using retrieval::TextSpan;

constexpr std::size_t kMostNameWords = 4;
constexpr std::size_t kMostNameCharacters = 10;  ///< of Chinese

bool isShortName(std::string_view name) {
    if (name.empty() || name.find_first_of("0123456789.;!?/\"") != std::string_view::npos) {
        return false;
    }
    if (isChinese(name)) {
        return countCodePoints(name) <= kMostNameCharacters &&
               name.find("，") == std::string_view::npos &&
               name.find("。") == std::string_view::npos;
    }
    const std::size_t nWords = wordsOfLower(lowerCased(name)).size();
    return nWords >= 1 && nWords <= kMostNameWords && name.find(',') == std::string_view::npos;
}

/// Without the marks of lists, tables and emphasis around it.
std::string_view bare(std::string_view text) {
    const auto isMark = [](char c) {
        return std::string_view("-*+|>_ \t\r").find(c) != std::string_view::npos;
    };
    while (!text.empty() && isMark(text.front())) text.remove_prefix(1);
    while (!text.empty() && isMark(text.back())) text.remove_suffix(1);
    return text;
}

struct NameAndValue {
    std::string name;
    std::string value;
};

/// "Rent: 900 EUR", "| Rent | 900 EUR |", "租金：900元".
std::optional<NameAndValue> labelled(std::string_view line) {
    const std::string_view text = bare(line);
    for (const std::string_view mark : {":"sv, "："sv, "|"sv}) {
        const std::size_t at = text.find(mark);
        if (at == std::string_view::npos) continue;
        const std::string_view name = bare(text.substr(0, at));
        std::string_view value = bare(text.substr(at + mark.size()));
        if (!isShortName(name) || value.empty()) continue;
        // A row of more cells has no value of its own.
        if (mark == "|" && value.find('|') != std::string_view::npos) return std::nullopt;
        return NameAndValue{std::string(name), std::string(value)};
    }
    return std::nullopt;
}

/// "The deposit" of "The deposit is 900 EUR", "deposit" of "A deposit of 900 EUR is due", "lease
/// ends" of "The lease ends on 5 May". Empty: what it begins with names nothing.
std::string subjectOfSentence(std::string_view sentence) {
    constexpr auto kLeadingWords = std::to_array<std::string_view>(
        {"the", "a", "an", "no", "this", "all", "any", "each", "every"});
    constexpr auto kVerbs = std::to_array<std::string_view>(
        {"of", "amounts", "amount", "shall", "ends", "begins", "starts", "runs", "expires",
         "commences", "terminates", "covers", "includes", "costs", "lasts", "applies"});
    constexpr auto kTimes = std::to_array<std::string_view>(
        {"ends", "begins", "starts", "runs", "expires", "commences", "terminates"});
    constexpr auto kNoNames = std::to_array<std::string_view>(
        {"it",  "he",   "she",  "they",  "we",   "you",   "i",    "there", "if",  "when",
         "in",  "on",   "at",   "by",    "for",  "to",    "from", "with",  "and", "or",
         "but", "as",   "that", "which", "who",  "dear",  "not",  "his",   "her", "their",
         "our", "your", "my",   "its",   "both", "these", "those"});
    const std::vector<AskedWord> words = wordsAsAsked(sentence);
    std::size_t first = 0;
    while (first < words.size() && isListed(words[first].surface, kLeadingWords)) ++first;
    std::size_t verb = first;
    while (verb < words.size() && verb - first <= kMostNameWords &&
           !isListed(words[verb].surface, kHelpers) && !isListed(words[verb].surface, kVerbs)) {
        if (isListed(words[verb].surface, kNoNames) || words[verb].hasDigit) return {};
        ++verb;
    }
    if (verb == first || verb >= words.size() || verb - first > kMostNameWords) return {};
    const bool isOfTime = isListed(words[verb].surface, kTimes);
    const bool isDocument = isSingularDocumentNoun(words[verb - 1].surface);
    if (isDocument && !isOfTime) return {};
    const std::size_t last = isOfTime ? verb : verb - 1;
    return std::string(sentence.substr(words[first].start, words[last].end - words[first].start));
}

std::string chineseSubjectOf(std::string_view sentence) {
    for (const std::string_view verb : {"为"sv, "是"sv}) {
        const std::size_t at = sentence.find(verb);
        if (at == std::string_view::npos || at == 0) continue;
        const std::string_view name = bare(sentence.substr(0, at));
        constexpr std::size_t kCharacter = 3;  // bytes
        if (isShortName(name) && name.size() >= 2 * kCharacter) return std::string(name);
    }
    return {};
}

bool endsSentence(std::string_view text) {
    return text.ends_with(".") || text.ends_with("!") || text.ends_with("?") ||
           text.ends_with("。") || text.ends_with("！");
}

std::string_view headingAbove(std::string_view heading) {
    const std::size_t last = heading.rfind(" > ");
    return heading.substr(last == std::string_view::npos ? 0 : last + 3);
}

/// Equal things are called by the same stems; of Chinese, by the same end.
bool isSameName(const std::string& a, const std::string& b) {
    if (isChinese(a) || isChinese(b)) return a.ends_with(b) || b.ends_with(a);
    const StemSet first = stemsIn(a);
    const StemSet second = stemsIn(b);
    return !first.empty() && first == second;
}

/// "Rent" and "monthly rent": one has all words of the other.
bool isPartOfName(const std::string& a, const std::string& b) {
    const StemSet first = stemsIn(a);
    const StemSet second = stemsIn(b);
    if (first.empty() || second.empty()) return false;
    const auto& fewer = first.size() < second.size() ? first : second;
    const auto& more = first.size() < second.size() ? second : first;
    return std::includes(more.begin(), more.end(), fewer.begin(), fewer.end());
}

const NamedStatement* findNamed(const std::vector<NamedStatement>& statements,
                                const std::string& name) {
    const auto same =
        std::find_if(statements.begin(), statements.end(),
                     [&](const NamedStatement& each) { return isSameName(each.name, name); });
    if (same != statements.end()) return &*same;
    const NamedStatement* only = nullptr;
    for (const NamedStatement& each : statements) {
        if (!isPartOfName(each.name, name)) continue;
        if (only != nullptr) return nullptr;  // it may be either
        only = &each;
    }
    return only;
}

/// A sentence that says the name, where the document does not call anything so.
std::optional<NamedStatement> sentenceSaying(const std::vector<Chunk>& chunks,
                                             const std::string& name) {
    const retrieval::SentenceMatcher matcher(name);
    if (!matcher.hasTerms()) return std::nullopt;
    constexpr std::size_t kFewestWords = 4;  // fewer are a heading
    for (const Chunk& chunk : chunks) {
        for (const TextSpan& span : matcher.match({}, chunk.text)) {
            const std::string text =
                chunk.text.substr(span.startByte, span.endByte - span.startByte);
            const bool isHeading = text.starts_with('#') ||
                                   (!isChinese(text) && wordsAsAsked(text).size() < kFewestWords);
            if (isHeading) continue;
            return NamedStatement{name,
                                  text,
                                  chunk.id,
                                  chunk.startByte + span.startByte,
                                  chunk.startByte + span.endByte,
                                  text};
        }
    }
    return std::nullopt;
}

/// What happens on a date, where a document gives one such date that can be read in one way.
std::vector<NamedStatement> datedStatementsIn(const std::vector<Chunk>& chunks, bool isChinese) {
    struct RoleName {
        DateRole role;
        std::string_view english;
        std::string_view chinese;
    };
    constexpr auto kRoleNames = std::to_array<RoleName>({{DateRole::Dated, "dated", "日期"},
                                                         {DateRole::Signed, "signed", "签订"},
                                                         {DateRole::Starts, "begins", "开始"},
                                                         {DateRole::Ends, "ends", "结束"},
                                                         {DateRole::Due, "due", "应付"}});
    std::string all;
    for (const Chunk& chunk : chunks) all.append(chunk.text).append("\n");
    const retrieval::SlashDates slashDates = retrieval::slashDatesOf(all);
    std::vector<NamedStatement> statements;
    for (const RoleName& each : kRoleNames) {
        AskedDate asked;
        asked.role = each.role;
        std::vector<NamedStatement> found;
        bool isClear = true;
        for (const Chunk& chunk : chunks) {
            for (const TextSpan& span : retrieval::sentenceSpans(chunk.text)) {
                const std::string text =
                    chunk.text.substr(span.startByte, span.endByte - span.startByte);
                for (const SaidDate& said :
                     datesSaid(text, headingAbove(chunk.heading), asked, slashDates)) {
                    isClear = isClear && said.doubt == SaidDate::Doubt::None;
                    const bool isKnown = !found.empty() && found.front().value == said.text;
                    if (isKnown) continue;
                    found.push_back({std::string(isChinese ? each.chinese : each.english),
                                     said.text, chunk.id, chunk.startByte + span.startByte,
                                     chunk.startByte + span.endByte, text});
                }
            }
        }
        if (isClear && found.size() == 1) statements.push_back(std::move(found.front()));
    }
    return statements;
}

/// One cell of the table, and its passage.
Result<void> addCell(ReportWriter& writer, const NamedStatement& said, const std::string& path) {
    std::string value = asListLine(said.value, path);
    std::replace(value.begin(), value.end(), '|', '/');
    writer.add(" " + value);
    auto cited = writer.cite(said.chunk, said.startByte, said.endByte, said.text);
    writer.add(" |");
    return cited;
}

struct SideRow {
    std::string name;
    NamedStatement first;
    NamedStatement second;
};

std::string cellText(std::string text) {
    std::replace(text.begin(), text.end(), '|', '/');
    return text;
}

}  // namespace

std::vector<NamedStatement> namedStatementsIn(const std::vector<Chunk>& chunks) {
    std::vector<NamedStatement> statements;
    std::set<std::pair<int, std::size_t>> seen;
    std::set<std::string> headings;
    for (const Chunk& chunk : chunks) {
        const auto add = [&](std::string name, std::string value, const TextSpan& span) {
            if (!seen.insert({chunk.page, chunk.startByte + span.startByte}).second) return;
            statements.push_back(
                {std::move(name), std::move(value), chunk.id, chunk.startByte + span.startByte,
                 chunk.startByte + span.endByte,
                 chunk.text.substr(span.startByte, span.endByte - span.startByte)});
        };
        const std::string heading(headingAbove(chunk.heading));
        for (const TextSpan& span : retrieval::sentenceSpans(chunk.text)) {
            const std::string_view sentence =
                std::string_view(chunk.text).substr(span.startByte, span.endByte - span.startByte);
            const bool isFirst = &chunk == &chunks.front() && span.startByte == 0;
            if (sentence.starts_with('#') || sentence == heading ||
                (isFirst && !endsSentence(sentence) && !labelled(sentence))) {
                continue;
            }
            bool isLabelled = false;
            for (std::size_t at = 0; at < sentence.size();) {
                const std::size_t end = std::min(sentence.find('\n', at), sentence.size());
                if (auto label = labelled(sentence.substr(at, end - at))) {
                    isLabelled = true;
                    add(std::move(label->name), std::move(label->value),
                        {span.startByte + at, span.startByte + end});
                }
                at = end + 1;
            }
            if (isLabelled) continue;
            std::string name =
                isChinese(sentence) ? chineseSubjectOf(sentence) : subjectOfSentence(sentence);
            if (name.empty() && isShortName(heading) && headings.insert(heading).second) {
                name = heading;
            }
            if (!name.empty()) add(std::move(name), std::string(sentence), span);
        }
    }
    return statements;
}

Result<bool> tellSideBySide(storage::DocumentStore& store, const SurveyedDocument& first,
                            const SurveyedDocument& second, ReportWriter& writer) {
    const auto firstChunks = store.chunksOf(first.id);
    if (!firstChunks) return tl::unexpected(firstChunks.error());
    const auto secondChunks = store.chunksOf(second.id);
    if (!secondChunks) return tl::unexpected(secondChunks.error());
    const std::vector<NamedStatement> ofFirst = namedStatementsIn(*firstChunks);
    const std::vector<NamedStatement> ofSecond = namedStatementsIn(*secondChunks);
    std::vector<SideRow> rows;
    std::vector<NamedStatement> onlyFirst;
    std::vector<NamedStatement> onlySecond;
    const auto isTold = [&](const std::string& name) {
        return std::any_of(rows.begin(), rows.end(), [&](const SideRow& row) {
            return isSameName(row.name, name) || isSameName(row.second.name, name);
        });
    };
    const auto isOfRow = [&](const NamedStatement& each, NamedStatement SideRow::*side) {
        return std::any_of(rows.begin(), rows.end(), [&](const SideRow& row) {
            const NamedStatement& told = row.*side;
            return told.chunk == each.chunk && told.startByte == each.startByte &&
                   told.endByte >= each.endByte;
        });
    };
    const bool isInChinese = writer.isChinese();
    const auto datesOfSecond = datedStatementsIn(*secondChunks, isInChinese);
    for (NamedStatement& each : datedStatementsIn(*firstChunks, isInChinese)) {
        const auto other =
            std::find_if(datesOfSecond.begin(), datesOfSecond.end(),
                         [&](const NamedStatement& date) { return date.name == each.name; });
        if (other != datesOfSecond.end()) rows.push_back({each.name, std::move(each), *other});
    }
    for (const NamedStatement& each : ofFirst) {
        if (isTold(each.name) || isOfRow(each, &SideRow::first)) continue;
        const NamedStatement* const other = findNamed(ofSecond, each.name);
        const auto said =
            other != nullptr ? std::optional(*other) : sentenceSaying(*secondChunks, each.name);
        if (said) {
            rows.push_back({each.name, each, *said});
        } else {
            onlyFirst.push_back(each);
        }
    }
    for (const NamedStatement& each : ofSecond) {
        if (isOfRow(each, &SideRow::second) || isTold(each.name)) continue;
        if (const auto said = sentenceSaying(*firstChunks, each.name)) {
            rows.push_back({each.name, *said, each});
        } else {
            onlySecond.push_back(each);
        }
    }
    constexpr std::size_t kFewestRows = 2;
    constexpr std::size_t kMostRows = 30;
    if (rows.size() < kFewestRows) return false;
    writer.add("| | " + cellText(asListLine(first.title)) + " | " +
               cellText(asListLine(second.title)) + " |\n| --- | --- | --- |\n");
    for (std::size_t i = 0; i < std::min(rows.size(), kMostRows); ++i) {
        writer.add("| " + cellText(asListLine(rows[i].name)) + " |");
        if (auto done = addCell(writer, rows[i].first, first.path); !done) {
            return tl::unexpected(done.error());
        }
        if (auto done = addCell(writer, rows[i].second, second.path); !done) {
            return tl::unexpected(done.error());
        }
        writer.add("\n");
    }
    if (rows.size() > kMostRows) {
        writer.add("\n… and " + grouped(rows.size() - kMostRows) + " more.\n",
                   "\n……还有 " + grouped(rows.size() - kMostRows) + " 项。\n");
    }
    const auto tellOnly = [&](const SurveyedDocument& side,
                              const std::vector<NamedStatement>& only) -> Result<void> {
        constexpr std::size_t kMostOnly = 10;
        if (only.empty()) return {};
        const std::string title = asListLine(side.title);
        writer.add("\n**Only " + title + " says:**\n\n", "\n**只有" + title + "写明：**\n\n");
        for (std::size_t i = 0; i < std::min(only.size(), kMostOnly); ++i) {
            writer.add("- " + asListLine(only[i].text, side.path));
            if (auto done =
                    writer.cite(only[i].chunk, only[i].startByte, only[i].endByte, only[i].text);
                !done) {
                return done;
            }
            writer.add("\n");
        }
        if (only.size() > kMostOnly) {
            writer.add("- … and " + grouped(only.size() - kMostOnly) + " more\n",
                       "- ……还有 " + grouped(only.size() - kMostOnly) + " 处\n");
        }
        return {};
    };
    if (auto done = tellOnly(first, onlyFirst); !done) return tl::unexpected(done.error());
    if (auto done = tellOnly(second, onlySecond); !done) return tl::unexpected(done.error());
    writer.add(
        "\nThings that are called the same are compared; ask for one of them to see all that "
        "is said of it.\n",
        "\n按相同的名称对照；可以单独询问其中一项。\n");
    return true;
}

}  // namespace conclave::services
