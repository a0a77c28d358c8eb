#include "retrieval/definitions.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <span>

#include "base/utf8.h"
#include "retrieval/stop_words.h"

namespace conclave::retrieval {
namespace {

constexpr double kBehindHeading = 0.3;  ///< what a heading that asks the same adds
constexpr double kWithMoreWords = 0.7;  ///< “X Y is a”
constexpr double kInSentence = 0.6;     ///< “In short, X is a”

bool isLongByte(char c) { return static_cast<unsigned char>(c) >= 0x80; }
bool isOfTerm(char c) { return isLongByte(c) || std::isalnum(static_cast<unsigned char>(c)) != 0; }

/// Small letters, and a space for each white space: every byte stays where it is.
std::string plainForm(std::string_view text) {
    std::string plain(text);
    for (char& c : plain) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
        if (c == '\n' || c == '\r' || c == '\t') c = ' ';
    }
    return plain;
}

void dropFront(std::string_view& text, std::string_view signs) {
    text.remove_prefix(std::min(text.find_first_not_of(signs), text.size()));
}
void dropBack(std::string_view& text, std::string_view signs) {
    text.remove_suffix(text.size() - (text.find_last_not_of(signs) + 1));
}

bool takeFront(std::string_view& text, std::string_view what) {
    if (!text.starts_with(what)) return false;
    text.remove_prefix(what.size());
    return true;
}
bool takeBack(std::string_view& text, std::string_view what) {
    if (!text.ends_with(what)) return false;
    text.remove_suffix(what.size());
    return true;
}
template <std::size_t N>
bool takeFrontOf(std::string_view& text, const std::array<std::string_view, N>& beginnings) {
    return std::any_of(beginnings.begin(), beginnings.end(),
                       [&](std::string_view each) { return takeFront(text, each); });
}

constexpr auto kArticles = std::to_array<std::string_view>({"a ", "an ", "the "});
constexpr auto kQuestionMarks = std::to_array<std::string_view>({"？", "。", "！", "吗", "呢"});

bool dropsQuestion(std::string_view& words) {
    constexpr auto kAsking = std::to_array<std::string_view>(
        {"what is meant by ", "what is ", "what are ", "what's ", "what exactly is ", "who is ",
         "who was ", "define ", "explain what is ", "什么是", "什么叫", "何谓", "何为", "谁是"});
    constexpr auto kAskingBehind = std::to_array<std::string_view>(
        {"是什么意思", "是指什么", "指的是什么", "指什么", "是什么", "是谁", "是啥"});
    if (takeFrontOf(words, kAsking)) return true;
    if (words.starts_with("what does ") && words.ends_with(" mean")) {
        takeFront(words, "what does ");
        return takeBack(words, " mean");
    }
    return std::any_of(kAskingBehind.begin(), kAskingBehind.end(),
                       [&](std::string_view each) { return takeBack(words, each); });
}

/// A name or a term, and not what it takes words like “of” or “的” to say.
bool isOneThing(std::string_view words) {
    constexpr std::size_t kMostWords = 4;
    constexpr std::size_t kMostCharacters = 40;
    if (words.empty() || countCodePoints(words) > kMostCharacters) return false;
    constexpr auto kJoining = std::to_array<std::string_view>({"的", "，", "、", "；", ",", "?"});
    for (const std::string_view each : kJoining) {
        if (words.find(each) != std::string_view::npos) return false;
    }
    std::size_t nWords = 0;
    while (!words.empty()) {
        const std::string_view word = words.substr(0, words.find(' '));
        if (isStopWord(word) || word == "difference" || word == "known") return false;
        ++nWords;
        words.remove_prefix(std::min(word.size() + 1, words.size()));
    }
    return nWords <= kMostWords;
}

/// What one reads between “X” and “is”: “(short form)”, or up to two more words.
double readBetween(std::string_view& rest) {
    dropFront(rest, " \"'*_`");
    takeFront(rest, "”");
    dropFront(rest, " ");
    for (const auto& [open, close] :
         {std::pair<std::string_view, std::string_view>{"(", ")"}, {"（", "）"}, {"[", "]"}}) {
        constexpr std::size_t kLongest = 80;
        if (!rest.starts_with(open)) continue;
        const std::size_t end = rest.substr(0, kLongest).find(close);
        if (end == std::string_view::npos) return 0.0;
        rest.remove_prefix(end + close.size());
        dropFront(rest, " ");
    }
    return 1.0;
}

/// 1 for “is a”, less for other words that tell what something is; 0 for none.
double verbAt(std::string_view rest) {
    struct Verb {
        std::string_view text;
        bool needsArticle;
    };
    constexpr auto kVerbs = std::to_array<Verb>({{"is ", true},
                                                 {"are ", true},
                                                 {"was ", true},
                                                 {"were ", true},
                                                 {"means ", false},
                                                 {"refers to ", false},
                                                 {"stands for ", false},
                                                 {"denotes ", false},
                                                 {"是指", false},
                                                 {"指的是", false},
                                                 {"是", true},
                                                 {"指", false},
                                                 {"即", false}});
    constexpr auto kKinds = std::to_array<std::string_view>(
        {"a ", "an ", "the ", "one of", "any ", "defined as", "一", "由", "指", "用于", "某", "个",
         "位", "种", "中国", "日", "美", "以"});
    constexpr auto kNoKinds = std::to_array<std::string_view>(
        {"not ", "also ",   "being ",   "still ",    "now ",  "only ", "very ",
         "too ", "always ", "used to ", "available", "there", "in ",   "on ",
         "at ",  "to ",     "不",       "否",        "在",    "什么",  "谁"});
    for (const Verb& verb : kVerbs) {
        if (!takeFront(rest, verb.text)) continue;
        dropFront(rest, " ");
        const auto begins = [&](std::string_view each) { return rest.starts_with(each); };
        if (!verb.needsArticle || std::any_of(kKinds.begin(), kKinds.end(), begins)) return 1.0;
        // 是 Linux 操作系统的一个发行版
        for (const std::string_view kind : {"一个", "一种", "一款", "一套", "一类", "之一"}) {
            const std::size_t at = rest.find(kind);
            if (at < rest.find("，") && at < rest.find("。")) return 1.0;
        }
        constexpr double kPlain = 0.6;
        constexpr double kOther = 0.2;
        return std::any_of(kNoKinds.begin(), kNoKinds.end(), begins) ? kOther : kPlain;
    }
    return 0.0;
}

/// Of what follows the thing.
double definitionBehind(std::string_view rest) {
    constexpr std::size_t kReach = 160;
    rest = rest.substr(0, kReach);
    if (!rest.empty() && rest.front() == 's' && (rest.size() == 1 || !isOfTerm(rest[1]))) {
        rest.remove_prefix(1);  // the plural
    }
    // Debian in "Debianize" is no word; Chinese words stand side by side.
    if (!rest.empty() && isOfTerm(rest.front()) && !isLongByte(rest.front())) return 0.0;
    double share = readBetween(rest);
    for (int nMore = 0; nMore <= 2; ++nMore) {
        if (share <= 0.0) return 0.0;
        if (const double verb = verbAt(rest); verb > 0.0) return share * verb;
        const std::size_t end = rest.find(' ');
        const std::string_view word = rest.substr(0, end);
        const bool isWord = end != std::string_view::npos && !word.empty() && !isStopWord(word) &&
                            !isLongByte(word.front()) && isOfTerm(word.front()) &&
                            isOfTerm(word.back());
        if (!isWord) return 0.0;
        rest.remove_prefix(end + 1);
        share = kWithMoreWords * readBetween(rest);
    }
    return 0.0;
}

/// 1 where a sentence or a line begins at `at`, articles and marks aside; less behind a comma.
double sentenceStart(std::string_view text, std::string_view plain, std::size_t at) {
    std::string_view before = plain.substr(0, at);
    constexpr std::string_view kMarks = "\"'*_`(#- ";
    const auto dropMarks = [&] {
        while (!before.empty() && text[before.size() - 1] != '\n' &&
               kMarks.find(before.back()) != std::string_view::npos) {
            before.remove_suffix(1);
        }
        for (const std::string_view quote : {"“", "《", "「", "•"}) takeBack(before, quote);
    };
    dropMarks();
    for (const std::string_view article : {" the", " an", " a"}) {
        if (before.size() + 1 == article.size() && before == article.substr(1)) before = {};
        if (!before.ends_with(article)) continue;
        before.remove_suffix(article.size() - 1);
        break;
    }
    dropMarks();
    if (before.empty() || text[before.size() - 1] == '\n') return 1.0;
    if (std::string_view(".!?:;").find(before.back()) != std::string_view::npos) return 1.0;
    for (const std::string_view end : {"。", "！", "？", "：", "；", "所谓", "\xE3\x80\x80"}) {
        if (before.ends_with(end)) return 1.0;
    }
    return before.back() == ',' || before.ends_with("，") ? kInSentence : 0.0;
}

bool asksTheSame(std::string_view thing, std::string_view heading) {
    const std::string plain = plainForm(heading);
    std::string_view last = plain;
    if (const std::size_t mark = last.rfind(" > "); mark != std::string_view::npos) {
        last.remove_prefix(mark + 3);
    }
    dropFront(last, "0123456789. ");
    const auto asked = definedThing(last);
    const std::string_view name = asked ? std::string_view(*asked) : last;
    return name.starts_with(thing) && (name.size() == thing.size() || name[thing.size()] == ' ');
}

}  // namespace

std::optional<std::string> definedThing(std::string_view question) {
    const std::string plain = plainForm(question);
    std::string_view words = plain;
    dropFront(words, " ");
    while (true) {
        const std::size_t before = words.size();
        dropBack(words, " ?!.");
        for (const std::string_view mark : kQuestionMarks) takeBack(words, mark);
        if (words.size() == before) break;
    }
    if (!dropsQuestion(words)) return std::nullopt;
    dropFront(words, " \"'");
    dropBack(words, " \"'");
    for (const std::string_view quote : {"“", "「", "《"}) takeFront(words, quote);
    for (const std::string_view quote : {"”", "」", "》"}) takeBack(words, quote);
    takeFrontOf(words, kArticles);
    if (!isOneThing(words)) return std::nullopt;
    return std::string(words);
}

double definitionIn(std::string_view thing, std::string_view heading, std::string_view text) {
    if (thing.empty()) return 0.0;
    const std::string plain = plainForm(text);
    double best = 0.0;
    for (std::size_t at = plain.find(thing); at != std::string::npos && best < 1.0;
         at = plain.find(thing, at + thing.size())) {
        const double behind = definitionBehind(std::string_view(plain).substr(at + thing.size()));
        if (behind > best) best = std::max(best, behind * sentenceStart(text, plain, at));
    }
    if (best > 0.0 && asksTheSame(thing, heading)) best += kBehindHeading;
    return std::min(best, 1.0);
}

}  // namespace conclave::retrieval
