#include "app/services/survey/quantity_answer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>
#include <set>

#include "app/services/question.h"
#include "app/services/survey/question_words.h"
#include "app/services/survey/skip_reason.h"
#include "app/services/survey/table_rows.h"
#include "base/utf8.h"

namespace conclave::services {
namespace {

using Kind = QuantityQuestion::Kind;
using retrieval::SentenceMatcher;
using retrieval::TextSpan;

/// A number that a sentence says of the subject.
struct Said {
    Amount amount;
    std::size_t nBetween = 0;  ///< words between it and what it is of
    ChunkId chunk = 0;
    std::size_t startByte = 0;  ///< of the sentence, in the page's text
    std::size_t endByte = 0;
    std::string sentence;
};

struct SaidByDocument {
    const Document* document = nullptr;
    bool saysSubject = false;
    std::vector<Said> said;  ///< with different values
};

std::string_view partOf(std::string_view text, const TextSpan& span) {
    return text.substr(span.startByte, span.endByte - span.startByte);
}

/// Words and characters of Chinese, two of which are about a word.
std::size_t wordsIn(std::string_view text) {
    std::size_t nWords = 0;
    std::size_t nCjk = 0;
    std::size_t lastEnd = 0;
    retrieval::analyze(text, [&](std::string_view term, std::size_t start, std::size_t end) {
        if (start < lastEnd) return;
        lastEnd = end;
        if (static_cast<unsigned char>(term.front()) < 0x80) {
            ++nWords;
        } else {
            ++nCjk;
        }
    });
    return nWords + nCjk / 2;
}

/// Something else is said between: it belongs to that.
bool isApart(std::string_view between) {
    return hasAny(lowerCased(between), {"and", "or", "but", "while"}) ||
           between.find_first_of(",;(") != std::string_view::npos ||
           between.find("，") != std::string_view::npos ||
           between.find("；") != std::string_view::npos;
}

/// Where `head` stands in the sentence, in any form.
std::vector<TextSpan> placesOf(const std::string& head, std::string_view sentence) {
    std::vector<std::string> wanted;
    retrieval::analyze(
        head, [&](std::string_view term, std::size_t, std::size_t) { wanted.emplace_back(term); });
    // A character of Chinese alone is also in other words.
    const auto isOne = [](const std::string& term) {
        return static_cast<unsigned char>(term.front()) >= 0x80 && countCodePoints(term) == 1;
    };
    if (!std::all_of(wanted.begin(), wanted.end(), isOne)) std::erase_if(wanted, isOne);
    std::vector<TextSpan> places;
    retrieval::analyze(sentence, [&](std::string_view term, std::size_t start, std::size_t end) {
        if (std::find(wanted.begin(), wanted.end(), term) != wanted.end()) {
            places.push_back({start, end});
        }
    });
    return places;
}

/// "2 percent of the yearly fee", "年费的2%": a share of it is not it.
bool isShareOf(const Amount& amount, std::string_view between, bool isBehind) {
    if (amount.kind != Amount::Kind::Share) return false;
    if (isBehind) return trimmedQuestion(between) == "的";
    return hasAny(lowerCased(between), {"of"}) || between.find("的") != std::string_view::npos;
}

/// The amount that stands nearest to the head: "the rent is 1,200 EUR", "1,200 EUR rent".
std::optional<std::pair<Amount, std::size_t>> nearestAmount(const std::string& head,
                                                            std::string_view sentence,
                                                            const std::vector<Amount>& amounts) {
    constexpr std::size_t kBefore = 1;  // words: usually it stands behind
    constexpr std::size_t kApart = 6;
    std::optional<std::pair<Amount, std::size_t>> nearest;
    for (const TextSpan& place : placesOf(head, sentence)) {
        for (const Amount& amount : amounts) {
            const bool isBehind = amount.startByte >= place.endByte;
            if (!isBehind && amount.endByte > place.startByte) continue;
            const std::string_view between =
                isBehind ? sentence.substr(place.endByte, amount.startByte - place.endByte)
                         : sentence.substr(amount.endByte, place.startByte - amount.endByte);
            if (isShareOf(amount, between, isBehind)) continue;
            const std::size_t distance =
                wordsIn(between) + (isBehind ? 0 : kBefore) + (isApart(between) ? kApart : 0);
            if (!nearest || distance < nearest->second) nearest = {amount, distance};
        }
    }
    return nearest;
}

/// Without the old amounts of "cut from USD 500,000 to USD 350,000", "cut to USD 350,000 from
/// USD 500,000" and "由500,000元调整为350,000元": of two around a change the new one counts.
std::vector<Amount> withoutReplaced(std::string_view sentence, std::vector<Amount> amounts) {
    constexpr auto kChange = std::to_array<std::string_view>(
        {"cut",     "cuts",     "cutting",   "reduce",    "reduced",   "reduces", "raise",
         "raised",  "raises",   "increase",  "increased", "increases", "lower",   "lowered",
         "lowers",  "change",   "changed",   "changes",   "rise",      "rises",   "rose",
         "risen",   "fall",     "falls",     "fell",      "fallen",    "drop",    "drops",
         "dropped", "decrease", "decreased", "decreases", "adjusted",  "revised", "amended",
         "went",    "grew",     "grown",     "moved",     "corrected", "调整",    "调至",
         "增至",    "增加",     "提高",      "上调",      "降至",      "降低",    "减至",
         "减少",    "下调",     "改为",      "变更",      "涨到",      "升至",    "修改",
         "降到",    "变为"});
    if (amounts.size() < 2 || !hasAny(lowerCased(sentence), kChange)) return amounts;
    const auto isLastWord = [](std::string_view text,
                               std::initializer_list<std::string_view> words) {
        return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
            if (!text.ends_with(word)) return false;
            const std::string_view before = text.substr(0, text.size() - word.size());
            const bool isAscii = static_cast<unsigned char>(word.front()) < 0x80;
            return !isAscii || before.empty() || !isWordCharacter(before.back());
        });
    };
    std::vector<bool> isReplaced(amounts.size(), false);
    for (std::size_t i = 0; i + 1 < amounts.size(); ++i) {
        const std::size_t from = i > 0 ? amounts[i - 1].endByte : 0;
        const std::string before =
            lowerCased(trimmedQuestion(sentence.substr(from, amounts[i].startByte - from)));
        const std::size_t gap = amounts[i + 1].startByte - amounts[i].endByte;
        const std::string_view gapText = sentence.substr(amounts[i].endByte, gap);
        const std::string between = lowerCased(trimmedQuestion(gapText));
        if (wordsIn(between) > 6) continue;  // another clause
        const bool isOldFirst = isLastWord(before, {"from", "由", "从", "自"});
        const bool isNewBehind = isLastWord(between, {"to", "至", "到", "为"});
        if (isOldFirst && isNewBehind) {
            isReplaced[i] = true;
            amounts[i + 1].startByte = amounts[i].startByte;  // no farther from what it is of
        } else if (isLastWord(before, {"to", "至", "到", "为"}) && isLastWord(between, {"from"})) {
            isReplaced[i + 1] = true;
        }
    }
    std::vector<Amount> left;
    for (std::size_t i = 0; i < amounts.size(); ++i) {
        if (!isReplaced[i]) left.push_back(amounts[i]);
    }
    return left;
}

/// "The average rent is …": that is no rent.
bool saysWhatIsComputed(std::string_view sentence, Kind kind) {
    const std::string lower = lowerCased(sentence);
    switch (kind) {
        case Kind::Average: return hasAny(lower, {"average", "mean", "平均"});
        case Kind::Median: return hasAny(lower, {"median", "average", "中位数", "平均"});
        case Kind::Sum: return hasAny(lower, {"altogether", "in all", "合计", "总计"});
        default:
            return hasAny(lower, {"average", "highest", "lowest", "maximum", "minimum", "up to",
                                  "at most", "at least", "median", "平均", "最高", "最低", "最多",
                                  "最少", "不超过", "不低于"});
    }
}

/// The last of the headings above a passage.
std::string_view headingOver(std::string_view heading) {
    const std::size_t last = heading.rfind(" > ");
    return heading.substr(last == std::string_view::npos ? 0 : last + 3);
}

/// A line of a list below "Fees", or a bare sum below "Rent": the heading says what it is.
bool isNamedByHeading(std::string_view line, std::string_view heading) {
    constexpr std::size_t kMostWords = 8;
    constexpr std::size_t kMostBare = 4;  // "1,200 EUR a month"
    const std::string lower = lowerCased(trimmedQuestion(heading));
    const bool isList = lower.ends_with('s') || lower.ends_with("费用") ||
                        lower.ends_with("价格") || lower.ends_with("收费");
    const std::size_t n = wordsIn(line);
    return line.find('\n') == std::string_view::npos && n <= (isList ? kMostWords : kMostBare);
}

/// Reads documents for numbers of one kind.
class QuantityReading {
public:
    QuantityReading(storage::DocumentStore& store, const QuantityQuestion& asked)
        : m_store(store), m_asked(asked), m_subject(asked.subject), m_place(asked.place) {}

    /// @param namesPlace  the documents are called as the question says; else they must say it
    Result<void> read(const Document& document, bool namesPlace) {
        const auto chunks = m_store.chunksOf(document.id);
        if (!chunks) return tl::unexpected(chunks.error());
        if (!namesPlace && m_place.hasTerms() &&
            std::none_of(chunks->begin(), chunks->end(), [&](const Chunk& chunk) {
                return !m_place.match(chunk.title, chunk.text).empty();
            })) {
            return {};
        }
        m_sentences.push_back({&document, {}, {}});
        std::set<std::pair<int, std::size_t>> seen;
        for (const Chunk& chunk : *chunks) {
            const std::vector<TextSpan> spans =
                m_subject.hasTerms()
                    ? m_subject.match(chunk.title + " " + chunk.heading, chunk.text)
                    : retrieval::sentenceSpans(chunk.text);
            for (const TextSpan& span : spans) {
                const std::string_view text = partOf(chunk.text, span);
                const std::size_t start = chunk.startByte + span.startByte;
                if (!seen.insert({chunk.page, start}).second) continue;
                // A heading names what is said below it, and may say when.
                const bool isHeading = text.starts_with('#');
                if (!m_asked.ofDates && (isHeading || saysWhatIsComputed(text, m_asked.kind))) {
                    m_saysResult = m_saysResult || !isHeading;
                    continue;
                }
                m_sentences.back().sentences.push_back(
                    {{}, 0, chunk.id, start, chunk.startByte + span.endByte, std::string(text)});
            }
            readBelowHeading(chunk);
        }
        return {};
    }

    /// Some sentence says itself what is to be found out.
    [[nodiscard]] bool saysResult() const { return m_saysResult; }

    /// What each document says of this kind.
    [[nodiscard]] std::vector<SaidByDocument> take(Amount::Kind kind) const {
        constexpr std::size_t kNear = 3;       // words: said outright
        constexpr std::size_t kFarthest = 10;  // of another thing, then
        std::vector<SaidByDocument> documents;
        for (const Sentences& each : m_sentences) {
            SaidByDocument found{each.document, !each.sentences.empty(), {}};
            std::size_t least = kFarthest;
            bool isBelow = false;
            for (const Said& sentence : each.sentences) {
                const std::vector<Amount> amounts =
                    withoutReplaced(sentence.sentence, amountsIn(sentence.sentence, kind));
                const auto add = [&](const Amount& amount, std::size_t nBetween) {
                    Said said = sentence;
                    said.amount = amount;
                    said.nBetween = nBetween;
                    least = std::min(least, nBetween);
                    found.said.push_back(std::move(said));
                };
                if (!m_subject.hasTerms()) {
                    for (const Amount& amount : amounts) add(amount, 0);
                } else if (const auto nearest =
                               nearestAmount(m_asked.head, sentence.sentence, amounts)) {
                    if (nearest->second <= kFarthest) add(nearest->first, nearest->second);
                }
            }
            // Where no sentence says it itself, a heading may.
            for (const Said& line : each.belowHeading) {
                const bool isSum = kind == Amount::Kind::Money || kind == Amount::Kind::Share;
                if (!isSum || least == 0 || (!found.said.empty() && !isBelow)) break;
                isBelow = true;
                found.saysSubject = true;
                for (const Amount& amount :
                     withoutReplaced(line.sentence, amountsIn(line.sentence, kind))) {
                    Said said = line;
                    said.amount = amount;
                    found.said.push_back(std::move(said));
                }
            }
            const std::size_t most = std::max(kNear, least);
            std::erase_if(found.said, [&](const Said& said) { return said.nBetween > most; });
            std::stable_sort(found.said.begin(), found.said.end(),
                             [](const Said& a, const Said& b) {
                                 return std::tie(a.amount.unit, a.amount.value) <
                                        std::tie(b.amount.unit, b.amount.value);
                             });
            const auto isSame = [](const Said& a, const Said& b) {
                return a.amount.unit == b.amount.unit && a.amount.value == b.amount.value;
            };
            found.said.erase(std::unique(found.said.begin(), found.said.end(), isSame),
                             found.said.end());
            documents.push_back(std::move(found));
        }
        return documents;
    }

private:
    struct Sentences {
        const Document* document = nullptr;
        std::vector<Said> sentences;
        std::vector<Said> belowHeading;  ///< lines of which only the heading says what they are
    };

    void readBelowHeading(const Chunk& chunk) {
        const std::string_view heading = headingOver(chunk.heading);
        if (!m_subject.hasTerms() || m_asked.ofDates || m_subject.match({}, heading).empty())
            return;
        for (const TextSpan& span : retrieval::sentenceSpans(chunk.text)) {
            const std::string_view text = partOf(chunk.text, span);
            if (text.starts_with('#') || !isNamedByHeading(text, heading) ||
                !m_subject.match({}, text).empty()) {
                continue;
            }
            m_sentences.back().belowHeading.push_back({{},
                                                       0,
                                                       chunk.id,
                                                       chunk.startByte + span.startByte,
                                                       chunk.startByte + span.endByte,
                                                       std::string(text)});
        }
    }

    storage::DocumentStore& m_store;
    const QuantityQuestion& m_asked;
    SentenceMatcher m_subject;
    SentenceMatcher m_place;
    std::vector<Sentences> m_sentences;
    bool m_saysResult = false;
};

std::size_t nSayingAny(const std::vector<SaidByDocument>& documents) {
    return static_cast<std::size_t>(
        std::count_if(documents.begin(), documents.end(),
                      [](const SaidByDocument& each) { return !each.said.empty(); }));
}

/// Shares of different things have no sum, and no number is more or less than one that has another
/// unit.
bool canBeAsked(const QuantityQuestion& asked, Amount::Kind kind) {
    const bool isBound = asked.kind == Kind::Above || asked.kind == Kind::Below;
    const bool isShare = kind == Amount::Kind::Share;
    if (isBound) return isShare == (asked.bound.kind == Amount::Kind::Share);
    return !isShare || asked.kind != Kind::Sum;
}

/// One number with the document that says it.
struct Entry {
    const Document* document = nullptr;
    const Said* said = nullptr;
};

class QuantityReport {
public:
    QuantityReport(storage::DocumentStore& store, const QuantityQuestion& asked,
                   const std::vector<SaidByDocument>& documents, bool isChinese)
        : m_asked(asked), m_documents(documents), m_writer(store, isChinese) {
        for (const SaidByDocument& each : documents) {
            for (const Said& said : each.said) m_entries.push_back({each.document, &said});
        }
        const bool isLeastFirst = asked.kind == Kind::Least || asked.kind == Kind::Below;
        std::stable_sort(m_entries.begin(), m_entries.end(), [&](const Entry& a, const Entry& b) {
            return isLeastFirst ? a.said->amount.value < b.said->amount.value
                                : a.said->amount.value > b.said->amount.value;
        });
    }

    Result<SurveyReport> tell(const SurveyFindings& findings) {
        Result<void> done;
        if (const std::string why = whyNot(); !why.empty()) {
            m_writer.add(why);
        } else {
            done = tellResult();
        }
        if (done) done = tellAll();
        if (!done) return tl::unexpected(done.error());
        tellMissing();
        m_writer.add("\n" + accountOf(findings, m_writer.isChinese()));
        m_writer.add(" Found by words and forms; what is said in other words is not counted.",
                     "按字面和格式查找；换一种说法的内容不计入。");
        return m_writer.take();
    }

private:
    [[nodiscard]] bool isChinese() const { return m_writer.isChinese(); }
    [[nodiscard]] std::string what() const {
        return m_asked.subject.empty() ? (isChinese() ? "日期" : "date")
                                       : "“" + m_asked.subject + "”";
    }
    [[nodiscard]] const std::string& unit() const { return m_entries.front().said->amount.unit; }

    /// Why nothing is computed; empty: nothing is in the way.
    [[nodiscard]] std::string whyNot() const {
        std::set<std::string> units;
        for (const Entry& each : m_entries) units.insert(each.said->amount.unit);
        const bool isBound = m_asked.kind == Kind::Above || m_asked.kind == Kind::Below;
        if (isBound && !m_asked.bound.unit.empty()) units.insert(m_asked.bound.unit);
        if (units.size() > 1) {
            std::string all;
            for (const std::string& each : units) {
                all += (all.empty() ? "" : ", ") + (each.empty() ? "–" : each);
            }
            return isChinese() ? what() + "的单位不一致（" + all + "），因此没有比较或计算。\n\n"
                               : "The numbers for " + what() + " are in different units (" + all +
                                     "), so that nothing was compared or computed.\n\n";
        }
        const bool isExtreme = (m_asked.kind == Kind::Greatest || m_asked.kind == Kind::Least) &&
                               m_asked.nth == 1 && m_asked.nShown == 1;
        if (isExtreme || m_asked.ofDates) return {};
        std::size_t nSeveral = 0;
        for (const SaidByDocument& each : m_documents) nSeveral += each.said.size() > 1 ? 1 : 0;
        if (nSeveral == 0) return {};
        return isChinese() ? "有 " + std::to_string(nSeveral) + " 份文档给出了不止一个" + what() +
                                 "，无法确定该用哪一个，因此没有计算。\n\n"
                           : counted(nSeveral, "document says", "documents say") +
                                 " more than one number for " + what() +
                                 ", and it is not clear which counts, so that nothing was "
                                 "computed.\n\n";
    }

    [[nodiscard]] std::string nameOf() const {
        const bool isMost = m_asked.kind == Kind::Greatest;
        if (isChinese()) {
            const std::string place =
                m_asked.nth > 1 ? "第 " + std::to_string(m_asked.nth) + " " : "最";
            return what() +
                   (m_asked.ofDates ? (isMost ? "中" + place + "晚" : "中" + place + "早")
                                    : (isMost ? "中" + place + "高" : "中" + place + "低")) +
                   "的";
        }
        constexpr auto kEnds = std::to_array<std::string_view>({"th", "st", "nd", "rd"});
        const int last = m_asked.nth % 100 / 10 == 1 ? 0 : m_asked.nth % 10;
        const std::string place =
            m_asked.nth > 1
                ? std::to_string(m_asked.nth) +
                      std::string(kEnds[last < 4 ? static_cast<std::size_t>(last) : 0]) + " "
                : "";
        const std::string superlative = m_asked.ofDates ? (isMost ? "latest " : "earliest ")
                                                        : (isMost ? "highest " : "lowest ");
        return place + superlative + what();
    }

    Result<void> tellResult() {
        switch (m_asked.kind) {
            case Kind::Greatest:
            case Kind::Least: return tellRanked();
            case Kind::Above:
            case Kind::Below: tellBound(); return {};
            default: tellComputed(); return {};
        }
    }

    /// Those of the places asked for; equal ones share a place.
    Result<void> tellRanked() {
        int place = 0;
        double last = 0.0;
        std::vector<Entry> chosen;
        for (const Entry& each : m_entries) {
            if (place == 0 || each.said->amount.value != last) ++place;
            last = each.said->amount.value;
            if (place >= m_asked.nth && place < m_asked.nth + m_asked.nShown)
                chosen.push_back(each);
        }
        if (chosen.empty()) {
            m_writer.add("There are only " + std::to_string(place) + " different values.\n\n",
                         "只有 " + std::to_string(place) + " 个不同的值。\n\n");
            return {};
        }
        if (m_asked.nShown > 1) {
            m_writer.add("The " + std::to_string(m_asked.nShown) + " " + nameOf() + ":\n\n",
                         nameOf() + " " + std::to_string(m_asked.nShown) + " 个：\n\n");
            m_entries = std::move(chosen);
            return {};
        }
        const std::string value = "**" + shown(chosen.front().said->amount) + "**";
        m_writer.add("The " + nameOf() + " is " + value + ": ", nameOf() + "是 " + value + "：");
        for (std::size_t i = 0; i < chosen.size(); ++i) {
            if (i > 0) m_writer.add(", ", "、");
            m_writer.add(asListLine(chosen[i].document->title));
            if (auto done = cite(chosen[i]); !done) return done;
        }
        m_writer.add(".\n\n", "。\n\n");
        return {};
    }

    void tellBound() {
        const bool isAbove = m_asked.kind == Kind::Above;
        const auto isHeld = [&](const Entry& each) {
            const double value = each.said->amount.value;
            if (value == m_asked.bound.value) return m_asked.isInclusive;
            return isAbove ? value > m_asked.bound.value : value < m_asked.bound.value;
        };
        const auto n = std::count_if(m_entries.begin(), m_entries.end(), isHeld);
        const std::string bound = amountText(m_asked.bound.value, unit());
        const std::string all = std::to_string(m_entries.size());
        const std::string how = isAbove ? (m_asked.isInclusive ? "at least " : "above ")
                                        : (m_asked.isInclusive ? "at most " : "below ");
        const std::string howInChinese = isAbove ? (m_asked.isInclusive ? "不低于 " : "超过 ")
                                                 : (m_asked.isInclusive ? "不超过 " : "低于 ");
        m_writer.add("**" + std::to_string(n) + " of " + all +
                         " documents** that give a number for " + what() + " have one " + how +
                         bound + ".\n\n",
                     "给出" + what() + "的 " + all + " 份文档中，**" + std::to_string(n) + " 份**" +
                         howInChinese + bound + "。\n\n");
        std::erase_if(m_entries, [&](const Entry& each) { return !isHeld(each); });
    }

    void tellComputed() {
        std::vector<double> values;
        for (const Entry& each : m_entries) values.push_back(each.said->amount.value);
        const double sum = std::accumulate(values.begin(), values.end(), 0.0);
        const std::size_t n = values.size();
        double value = sum;
        std::string name = "sum of ";
        std::string nameInChinese = "总和";
        if (m_asked.kind == Kind::Average) {
            value = sum / static_cast<double>(n);
            name = "average ";
            nameInChinese = "平均值";
        } else if (m_asked.kind == Kind::Median) {
            std::sort(values.begin(), values.end());
            value = n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2.0;
            name = "median ";
            nameInChinese = "中位数";
        }
        const std::string result = "**" + amountText(value, unit()) + "**";
        m_writer.add(
            "The " + name + what() + " of " + counted(n, "document", "documents") + " is " +
                result + ".\n\n",
            std::to_string(n) + " 份文档的" + what() + nameInChinese + "是 " + result + "。\n\n");
    }

    static std::string shown(const Amount& amount) {
        return amount.kind == Amount::Kind::Number ? amountText(amount.value, "") : amount.text;
    }

    Result<void> cite(const Entry& entry) {
        return m_writer.cite(entry.said->chunk, entry.said->startByte, entry.said->endByte,
                             entry.said->sentence);
    }

    Result<void> tellLine(const Entry& entry) {
        m_writer.add("- **" + asListLine(entry.document->title) + "**");
        m_writer.add(nameBeside(entry.document->title, entry.document->path));
        m_writer.add(": " + shown(entry.said->amount) + " — " +
                     asListLine(entry.said->sentence, entry.document->path));
        if (auto done = cite(entry); !done) return done;
        m_writer.add("\n");
        return {};
    }

    Result<void> tellAll() {
        constexpr std::size_t kMostShown = 60;
        std::size_t nShown = 0;
        for (const Entry& each : m_entries) {
            if (nShown++ >= kMostShown) break;
            if (auto done = tellLine(each); !done) return done;
        }
        if (m_entries.size() > kMostShown) {
            const std::string more = std::to_string(m_entries.size() - kMostShown);
            m_writer.add("- … and " + more + " more\n", "- ……还有 " + more + " 个\n");
        }
        return {};
    }

    /// What was read and has no such number must be known, or else a sum looks complete.
    void tellMissing() {
        constexpr std::size_t kMostNamed = 8;
        std::string names;
        std::size_t n = 0;
        for (const SaidByDocument& each : m_documents) {
            if (!each.said.empty()) continue;
            if (n++ >= kMostNamed) continue;
            names += (names.empty() ? ""
                      : isChinese() ? "、"
                                    : ", ") +
                     shownName(each.document->path);
        }
        if (n == 0) return;
        if (n > kMostNamed) names += ", …";
        m_writer.add("\nNo such number was found in " + counted(n, "document", "documents") + ": " +
                         names + ".\n",
                     "\n有 " + std::to_string(n) + " 份文档没有找到这样的数字：" + names + "。\n");
    }

    const QuantityQuestion& m_asked;
    const std::vector<SaidByDocument>& m_documents;
    std::vector<Entry> m_entries;
    ReportWriter m_writer;
};

}  // namespace

Result<std::optional<QuantityAnswer>> answerFromQuantities(
    storage::DocumentStore& store, const std::string& question,
    const std::vector<CollectionId>& collections, const DocumentFilter& filter,
    const std::stop_token& cancel, const std::function<void(float)>& onProgress) {
    const std::optional<QuantityAnswer> none;
    const auto asked = quantityQuestionOf(question);
    if (!asked) return none;
    SurveyQuestion place;
    place.place = asked->place;
    place.filter = filter;
    SurveyFindings findings;
    const auto documents = chooseDocuments(store, collections, place, findings);
    if (!documents) return tl::unexpected(documents.error());
    QuantityReading reading(store, *asked);
    int nPassagesPassed = 0;
    for (const Document& document : *documents) {
        if (cancel.stop_requested()) return fail(ErrorCode::Cancelled, "stopped");
        if (onProgress) {
            onProgress(static_cast<float>(nPassagesPassed) /
                       static_cast<float>(std::max(findings.nPassagesAll, 1)));
        }
        nPassagesPassed += document.nChunks;
        if (isSpreadsheet(document)) {
            // Its rows are no documents: they are asked in SQL.
            findings.skipped.emplace_back(document.path.string(), kIsTable);
            continue;
        }
        if (auto read = reading.read(document, !findings.place.empty()); !read) {
            return tl::unexpected(read.error());
        }
        ++findings.nDocumentsRead;
        findings.nPassagesRead += document.nChunks;
    }
    findings.nDocumentsAll = findings.nDocumentsRead;
    findings.nPassagesAll = findings.nPassagesRead;
    findings.isComplete = true;
    if (reading.saysResult() && !asked->isOfAll) return none;

    std::vector<SaidByDocument> said;
    using AmountKind = Amount::Kind;
    const std::vector<AmountKind> kinds =
        asked->ofDates ? std::vector{AmountKind::Date}
                       : std::vector{AmountKind::Money, AmountKind::Share, AmountKind::Number};
    for (const AmountKind kind : kinds) {
        // Plain numbers are of anything: of documents, where these are asked for.
        if (kind == AmountKind::Number && !asked->isOfAll) break;
        if (!canBeAsked(*asked, kind)) continue;
        auto found = reading.take(kind);
        if (nSayingAny(found) > nSayingAny(said)) said = std::move(found);
        if (nSayingAny(said) > 0) break;
    }
    const auto nSaying = static_cast<std::size_t>(
        std::count_if(said.begin(), said.end(), [](const auto& each) { return each.saysSubject; }));
    const std::size_t nAny = nSayingAny(said);
    if (nAny < 2 || (!asked->isOfAll && nAny * 2 < nSaying)) return none;
    // Of all documents there are, those that do not say the subject at all were not meant.
    if (findings.place.empty()) {
        std::erase_if(said, [](const SaidByDocument& each) { return !each.saysSubject; });
    }
    auto report = QuantityReport(store, *asked, said, isChinese(question)).tell(findings);
    if (!report) return tl::unexpected(report.error());
    return std::optional<QuantityAnswer>(
        QuantityAnswer{std::move(*report), accountToJson(findings)});
}

}  // namespace conclave::services
