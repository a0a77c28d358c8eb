#include "app/services/quoted_answer.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "app/services/asked_document.h"
#include "app/services/passage_list.h"
#include "app/services/question.h"
#include "app/services/said_in_text.h"
#include "base/utf8.h"

namespace conclave::services {
namespace {

constexpr std::size_t kLookedAt = 8;        // passages
constexpr std::size_t kLongestQuote = 600;  // bytes of a quote: more is no answer
constexpr std::size_t kShownBeside = 5;     // passages

std::size_t nHeld(const StemSet& wanted, const StemSet& said) {
    return static_cast<std::size_t>(
        std::count_if(wanted.begin(), wanted.end(),
                      [&](const std::string& stem) { return said.contains(stem); }));
}

StemSet stemsOf(const std::vector<AskedWord>& words) {
    StemSet stems;
    for (const AskedWord& word : words) stems.insert(word.stem);
    return stems;
}

/// One question of one word is answered by what begins with it, or by its number or time.
bool isAboutTheOneWord(const AskedFor& asked, const std::vector<AskedWord>& words,
                       std::string_view text) {
    // "The tenant is Tomas Brell", "Absent: Priya Menon".
    for (std::size_t i = 0; asked.isWhoIs && i + 1 < words.size(); ++i) {
        if (!asked.stems.contains(words[i].stem)) continue;
        const bool isLabel = text.substr(words[i].end).starts_with(": ");
        const bool isBe = words[i + 1].surface == "is" || words[i + 1].surface == "was";
        const std::size_t name = isLabel ? i + 1 : i + 2;
        if ((isLabel || isBe) && name < words.size() && words[name].isCapital &&
            words[name].isContent) {
            return true;
        }
    }
    if (asked.wanted == Wanted::Person || asked.wanted == Wanted::Place) return false;
    if (asked.wanted != Wanted::Anything) return true;
    // "The total rent is …" begins with the rent.
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (!words[i].isContent || groupOfAll(words, i) > 0) continue;
        return asked.stems.contains(words[i].stem);
    }
    return false;
}

/// The clause of "To make a backup, type …"; empty: there is none.
std::string_view purposeOf(std::string_view sentence) {
    const std::size_t comma = sentence.find(',');
    const bool isPurpose = comma != std::string_view::npos && sentence.starts_with("To ");
    return isPurpose ? sentence.substr(0, comma) : std::string_view();
}

/// "To make a backup, type …" below the heading "Collections" makes no collection.
bool tellsHowToDoElse(const AskedFor& asked, std::string_view run) {
    const std::string_view purpose = asked.isHowTo ? purposeOf(run) : std::string_view();
    return !purpose.empty() &&
           nHeld(asked.focus, stemsOf(wordsAsAsked(purpose))) < asked.focus.size();
}

/// A sentence holds, with what stands above it, all that is asked but the verb, which other words
/// may say, and something of the kind that is asked for.
bool isOnTheSubject(const AskedFor& asked, std::string_view sentence, const StemSet& above) {
    if (asked.verb.empty() || asked.isFocusNamed || sentence.find('?') != std::string_view::npos) {
        return false;
    }
    StemSet subject = asked.stems;
    for (const std::string& verb : asked.verb) subject.erase(verb);
    const std::vector<AskedWord> words = wordsAsAsked(sentence);
    const StemSet own = stemsSaidBy(asked, words);
    const bool holdsAll = std::all_of(subject.begin(), subject.end(), [&](const std::string& stem) {
        return own.contains(stem) || above.contains(stem);
    });
    return !subject.empty() && holdsAll && 2 * nHeld(subject, own) >= subject.size() &&
           saysOfAll(asked, words) && saysWanted(asked, words, sentence) && !isFragment(sentence);
}

/// How well a run of sentences says what is asked: the number of words that it holds itself; 0: it
/// does not.
std::size_t fitOf(const AskedFor& asked, std::string_view run, const StemSet& above) {
    if (run.size() > kLongestQuote || run.find('?') != std::string_view::npos) return 0;
    const std::vector<AskedWord> words = wordsAsAsked(run);
    if (tellsHowToDoElse(asked, run)) return 0;
    const StemSet own = stemsSaidBy(asked, words);
    const std::size_t nOwn = nHeld(asked.stems, own);
    if (2 * nOwn < asked.stems.size() || nOwn == 0) return 0;
    const bool holdsAll = std::all_of(
        asked.stems.begin(), asked.stems.end(),
        [&](const std::string& stem) { return own.contains(stem) || above.contains(stem); });
    if (!holdsAll || !saysWanted(asked, words, run) || isFragment(run)) return 0;
    if (!saysOfAll(asked, words)) return 0;
    if (asked.isWhatIs && !definesFocus(asked, words, run)) return 0;
    // Of a document that is named, a person or a time is an answer wherever it stands.
    const bool isTold = asked.isOfNamed && (asked.isWhatIs || asked.wanted != Wanted::Anything);
    if (asked.stems.size() == 1 && !isTold && !isAboutTheOneWord(asked, words, run)) return 0;
    // Else it is a heading, or the question itself.
    const bool saysMore = std::any_of(words.begin(), words.end(), [&](const AskedWord& word) {
        return word.isContent && !asked.stems.contains(word.stem);
    });
    // "Dogs are not allowed." says no more, and enough.
    return saysMore || asked.isPermission ? nOwn : 0;
}

// ---------------------------------------------------------------------------------------- Chinese

constexpr auto kChineseAsking = std::to_array<std::string_view>(
    {"什么时候", "什么地方", "多长时间", "为什么", "多少钱", "怎么样", "请问", "怎么", "怎样",
     "如何",     "哪里",     "哪儿",     "哪个",   "哪些",   "哪天",   "何时", "何地", "几点",
     "几天",     "多少",     "多久",     "多大",   "多远",   "多长",   "什么", "是否", "哪",
     "谁",       "几",       "吗",       "呢",     "是",     "的"});

struct ChineseAsked {
    std::vector<std::string> characters;
    std::vector<std::string> pairs;  ///< neighbours
    bool wantsNumber = false;
    bool wantsMoney = false;
    bool wantsTime = false;
    bool isWhatIs = false;  ///< "什么是X", "X是什么"
    std::string defined;    ///< X of these, where nothing else is asked; else empty
};

bool hasAnyOf(std::string_view text, std::initializer_list<std::string_view> list) {
    return std::any_of(list.begin(), list.end(), [&](std::string_view each) {
        return text.find(each) != std::string_view::npos;
    });
}

/// X of "什么是X？" and "X是什么？"; empty for "X是什么颜色" and for a part of something, "Y的X".
std::string definedBy(std::string_view question) {
    using namespace std::string_view_literals;
    const auto cut = [&](std::initializer_list<std::string_view> ends, bool atEnd) {
        for (bool isCut = true; isCut;) {
            isCut = false;
            for (const std::string_view end : ends) {
                if (atEnd ? !question.ends_with(end) : !question.starts_with(end)) continue;
                atEnd ? question.remove_suffix(end.size()) : question.remove_prefix(end.size());
                isCut = true;
            }
        }
    };
    cut({"？"sv, "?"sv, "。"sv, " "sv, "呢"sv, "啊"sv, "意思"sv, "东西"sv}, true);
    cut({"请问"sv, "，"sv, ","sv, " "sv, "到底"sv}, false);
    constexpr auto kWhatIs = "什么是"sv;
    constexpr auto kIsWhat = "是什么"sv;
    if (question.starts_with(kWhatIs)) {
        question.remove_prefix(kWhatIs.size());
    } else if (question.ends_with(kIsWhat)) {
        question.remove_suffix(kIsWhat.size());
    } else {
        return {};
    }
    cut({" "sv, "“"sv, "「"sv, "\""sv}, false);
    cut({" "sv, "”"sv, "」"sv, "\""sv}, true);
    return question.find("的"sv) == std::string_view::npos ? std::string(question) : std::string();
}

/// "X 是 …", "“X”指 …", "X：…", "…称为 X": X itself begins a clause and is told what it is.
/// "它们都不是 X", "下一个 X 的地方" and "X 是免费的" define nothing.
bool defines(std::string_view sentence, std::string_view defined) {
    using namespace std::string_view_literals;
    constexpr auto kOpens = std::to_array<std::string_view>(
        {"。", "，", "；", "：", "、", "\n", "“", "「", "（", "*", "_", "`", "#", "-", "所谓"});
    constexpr auto kCloses = std::to_array<std::string_view>({" ", "”", "」", "*", "_", "`"});
    constexpr auto kTells =
        std::to_array<std::string_view>({"是", "指", "即", "就是", "意为", "：", ":"});
    constexpr auto kCalls =
        std::to_array<std::string_view>({"称为", "称作", "叫做", "叫作", "简称"});
    const auto isEnd = [](std::string_view text, const auto& list) {
        return std::any_of(list.begin(), list.end(),
                           [&](std::string_view each) { return text.ends_with(each); });
    };
    for (std::size_t at = sentence.find(defined); at != std::string_view::npos;
         at = sentence.find(defined, at + 1)) {
        std::string_view before = sentence.substr(0, at);
        while (before.ends_with(' ')) before.remove_suffix(1);
        std::string_view called = before;
        for (const std::string_view mark : {"“"sv, "「"sv}) {
            if (called.ends_with(mark)) called.remove_suffix(mark.size());
        }
        if (isEnd(called, kCalls) && !hasAnyOf(called, {"不称", "不叫"})) return true;
        if (!before.empty() && !isEnd(before, kOpens)) continue;
        std::string_view after = sentence.substr(at + defined.size());
        const auto skip = [&](const auto& list) {
            const auto found = std::find_if(list.begin(), list.end(), [&](std::string_view each) {
                return after.starts_with(each);
            });
            if (found == list.end()) return false;
            after.remove_prefix(found->size());
            return true;
        };
        while (skip(kCloses)) {
        }
        for (const auto& [opens, closes] : {std::pair{"（"sv, "）"sv}, std::pair{"("sv, ")"sv}}) {
            const std::size_t close = after.find(closes);
            if (after.starts_with(opens) && close != std::string_view::npos) {
                after.remove_prefix(close + closes.size());
            }
        }
        while (skip(kCloses)) {
        }
        const bool isTold = skip(kTells);
        const std::string_view clause = after.substr(0, std::min(after.find("。"), after.size()));
        if (isTold && !clause.empty() && !clause.ends_with("的")) return true;
    }
    return false;
}

ChineseAsked chineseAskedBy(std::string_view question) {
    ChineseAsked asked;
    asked.wantsNumber = hasAnyOf(question, {"多", "几", "时候", "何时"});
    asked.wantsMoney = hasAnyOf(question, {"多少钱", "价格"});
    asked.wantsTime = hasAnyOf(question, {"时候", "何时", "几点", "哪天", "几号"});
    asked.isWhatIs = hasAnyOf(question, {"什么是", "是什么"});
    asked.defined = definedBy(question);
    std::string rest(question);
    for (const std::string_view frame : kChineseAsking) {
        for (std::size_t at = rest.find(frame); at != std::string::npos; at = rest.find(frame)) {
            rest.replace(at, frame.size(), " ");
        }
    }
    std::string before;
    std::size_t beforeEnd = 0;
    for (std::size_t i = 0; i < rest.size();) {
        const std::size_t start = i;
        const char32_t c = nextCodePoint(rest, i);
        const bool isWord =
            (c >= 0x3400 && c <= 0x9FFF) || (c < 0x80 && std::isalnum(static_cast<int>(c)) != 0);
        if (!isWord) continue;
        std::string character = rest.substr(start, i - start);
        if (beforeEnd == start && !before.empty()) asked.pairs.push_back(before + character);
        asked.characters.push_back(character);
        before = std::move(character);
        beforeEnd = i;
    }
    return asked;
}

std::size_t nIn(const std::vector<std::string>& parts, std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        parts.begin(), parts.end(),
        [&](const std::string& part) { return text.find(part) != std::string_view::npos; }));
}

/// Nearly all characters and most pairs.
bool isOnTheSubject(const ChineseAsked& asked, std::string_view text) {
    return !asked.pairs.empty() &&
           10 * nIn(asked.characters, text) >= 9 * asked.characters.size() &&
           10 * nIn(asked.pairs, text) >= 6 * asked.pairs.size();
}

/// `above`: the title and headings of a document that the question names; empty: it names none.
std::size_t fitOf(const ChineseAsked& asked, std::string_view sentence, const std::string& above) {
    constexpr std::size_t kFewestPairs = 2;
    // A name alone, as in "什么是 Debian", is no reason to quote English.
    if (asked.pairs.size() < kFewestPairs || sentence.size() > kLongestQuote ||
        !isChinese(sentence) || hasAnyOf(sentence, {"？", "?"})) {
        return 0;
    }
    if (nIn(asked.pairs, sentence) == 0 || !isOnTheSubject(asked, above + std::string(sentence))) {
        return 0;
    }
    const bool saysNumber = sentence.find_first_of("0123456789") != std::string_view::npos ||
                            hasAnyOf(sentence, {"一", "二", "三", "四", "五", "六", "七", "八",
                                                "九", "十", "百", "千", "两", "半"});
    if (asked.wantsNumber && !saysNumber) return 0;
    if (asked.wantsTime &&
        !hasAnyOf(sentence, {"年", "月", "日", "号", "点", "时", "周", "星期", ":", "："})) {
        return 0;
    }
    if (!asked.defined.empty() && !defines(sentence, asked.defined)) return 0;
    if (asked.isWhatIs && !hasAnyOf(sentence, {"是", "指", "为", ":", "："})) return 0;
    // A heading says nothing of what it names.
    const bool isClosed = hasAnyOf(sentence, {"。", "！", "；", "|", ":", "："});
    if (!isClosed && !hasAnyOf(sentence, {"是", "有", "为", "在", "由"})) return 0;
    if (asked.wantsMoney && !hasAnyOf(sentence, {"元", "钱", "价", "费", "镑", "€", "$"})) return 0;
    return nIn(asked.pairs, sentence);
}

// ------------------------------------------------------------------------------------------- both

constexpr std::size_t kInstruction = 100;  ///< more words than a question has

/// "How do I make a backup?" – "To make a backup, type …".
bool isInstructionFor(const AskedFor& asked, std::string_view sentence) {
    const std::string_view purpose = asked.isHowTo ? purposeOf(sentence) : std::string_view();
    return !purpose.empty() &&
           nHeld(asked.stems, stemsOf(wordsAsAsked(purpose))) == asked.stems.size();
}

/// The same where the question says the whole title of the passage, as "the board meeting of 9
/// January 2024": that the sentence is about it need not be said again.
AskedFor besideTitle(const AskedFor& asked, std::string_view title) {
    constexpr std::size_t kFewest = 2;  // of one word: a kind of thing
    StemSet named;
    for (const AskedWord& word : wordsAsAsked(title)) {
        if (!word.isContent) continue;
        if (!asked.stems.contains(word.stem)) return asked;
        named.insert(word.stem);
    }
    if (named.size() < kFewest || named.size() >= asked.stems.size()) return asked;
    AskedFor rest = asked;
    rest.isOfNamed = true;
    for (StemSet* const stems : {&rest.stems, &rest.keys, &rest.focus, &rest.verb}) {
        std::erase_if(*stems, [&](const std::string& stem) { return named.contains(stem); });
    }
    return rest;
}

struct QuotePlace {
    std::size_t passage = 0;
    retrieval::TextSpan span;
    std::size_t fit = 0;
    bool isInstruction = false;
};

/// The first of the places that say most of the question themselves.
std::optional<QuotePlace> bestPlace(std::string_view question,
                                    std::span<const StoredPassage> passages) {
    const bool inChinese = isChinese(question);
    const AskedDocument document(question);
    const AskedFor all = inChinese ? AskedFor{} : askedBeside(document, question);
    const ChineseAsked chinese =
        inChinese ? chineseAskedBy(document.withoutNames(question)) : ChineseAsked{};
    std::optional<QuotePlace> best;
    const auto offer = [&](std::size_t passage, retrieval::TextSpan span, std::size_t fit) {
        const std::string_view text = passages[passage].text;
        // The heading is shown beside the passage; the sentence is what is quoted.
        span.startByte += headingLength(text.substr(span.startByte, span.endByte - span.startByte),
                                        passages[passage].path);
        const bool isInstruction =
            fit > 0 &&
            isInstructionFor(all, text.substr(span.startByte, span.endByte - span.startByte));
        if (isInstruction) fit += kInstruction;
        if (fit > 0 && (!best || fit > best->fit) &&
            document.isSubjectOf(passages[passage], span)) {
            best = QuotePlace{passage, span, fit, isInstruction};
        }
        return fit > 0;
    };
    if (!inChinese && (all.stems.empty() || all.isOfManySentences)) return best;
    for (std::size_t i = 0; i < std::min(passages.size(), kLookedAt); ++i) {
        const std::string_view text = passages[i].text;
        const AskedFor asked = besideTitle(all, passages[i].title);
        const StemSet above = stemsOf(wordsAsAsked(passages[i].title + "\n" + passages[i].heading));
        const std::string heads =
            document.isNamed() ? passages[i].title + " " + passages[i].heading + " " : "";
        const auto sentences = retrieval::sentenceSpans(text);
        const auto part = [&](std::size_t first, std::size_t last) {
            const std::size_t start = sentences[first].startByte;
            return text.substr(start, sentences[last].endByte - start);
        };
        for (std::size_t first = 0; first < sentences.size(); ++first) {
            const std::string_view sentence = part(first, first);
            if (inChinese) {
                offer(i, sentences[first], fitOf(chinese, sentence, heads));
                continue;
            }
            if (offer(i, sentences[first], fitOf(asked, sentence, above))) continue;
            if (first + 1 == sentences.size() || !goesOnFromBefore(part(first + 1, first + 1))) {
                continue;
            }
            offer(i, {sentences[first].startByte, sentences[first + 1].endByte},
                  fitOf(asked, part(first, first + 1), above));
        }
    }
    return best;
}

}  // namespace

std::optional<QuotedAnswer> quoteFor(std::string_view question,
                                     std::span<const StoredPassage> passages) {
    const auto place = bestPlace(question, passages);
    if (!place) return std::nullopt;
    const StoredPassage& found = passages[place->passage];
    QuotedAnswer answer;
    answer.passages.push_back(found);
    for (std::size_t i = 0; i < passages.size() && answer.passages.size() < kShownBeside; ++i) {
        if (i != place->passage) answer.passages.push_back(passages[i]);
    }
    int number = 0;
    for (StoredPassage& each : answer.passages) each.number = ++number;
    const std::string quote =
        found.text.substr(place->span.startByte, place->span.endByte - place->span.startByte);
    answer.quote = listLine(quote, found.path);
    answer.isInstruction = place->isInstruction;
    answer.isStillToBeDone =
        !isChinese(question) && isStillToBeDone(askedForBy(question), wordsAsAsked(quote));
    answer.citation = {.passage = 1,
                       .quoteStart = found.startByte + place->span.startByte,
                       .quoteEnd = found.startByte + place->span.endByte,
                       .quote = quote,
                       .supported = true};
    return answer;
}

bool mayBeAnswered(std::string_view question, std::span<const StoredPassage> passages) {
    const AskedDocument document(question);
    if (isChinese(question)) {
        const ChineseAsked chinese = chineseAskedBy(question);
        return std::any_of(passages.begin(), passages.end(), [&](const StoredPassage& passage) {
            return document.isIn(passage) && isOnTheSubject(chinese, passage.text);
        });
    }
    const AskedFor asked = askedBeside(document, question);
    const auto holdsSubject = [&](const StoredPassage& passage) {
        const StemSet above = stemsOf(wordsAsAsked(passage.title + "\n" + passage.heading));
        const auto spans = retrieval::sentenceSpans(passage.text);
        return std::any_of(spans.begin(), spans.end(), [&](const retrieval::TextSpan& span) {
            return isOnTheSubject(asked,
                                  std::string_view(passage.text)
                                      .substr(span.startByte, span.endByte - span.startByte),
                                  above);
        });
    };
    for (const StoredPassage& passage : passages.first(std::min(passages.size(), kLookedAt))) {
        if (!document.isIn(passage)) continue;
        const StemSet said =
            stemsOf(wordsAsAsked(passage.title + "\n" + passage.heading + "\n" + passage.text));
        const std::size_t nSaid = nHeld(asked.stems, said);
        const bool hasKeys = nHeld(asked.keys, said) == asked.keys.size();
        const bool hasFocus = nHeld(asked.focus, said) == asked.focus.size();
        if (nSaid > 0 && hasKeys && hasFocus && 2 * nSaid >= asked.stems.size()) return true;
        if (holdsSubject(passage)) return true;
    }
    return false;
}

}  // namespace conclave::services
