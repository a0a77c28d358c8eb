#include "app/services/chinese_asked.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <utility>

#include "app/services/question.h"
#include "base/utf8.h"

namespace conclave::services {
namespace {

constexpr std::size_t kLongestAnswer = 600;  // bytes of a sentence

constexpr auto kChineseAsking = std::to_array<std::string_view>(
    {"在什么地方", "什么意思", "什么时候", "什么地方", "多长时间", "几月几日", "几月几号",
     "位于哪里",   "哪一年",   "哪一天",   "在哪里",   "在哪儿",   "为什么",   "多少钱",
     "怎么样",     "请问",     "怎么",     "怎样",     "如何",     "哪里",     "哪儿",
     "哪个",       "哪些",     "哪天",     "哪年",     "哪位",     "何时",     "何地",
     "何处",       "几点",     "几号",     "几天",     "多少",     "多久",     "多大",
     "多远",       "多长",     "什么",     "是否",     "哪",       "谁",       "几",
     "吗",         "呢",       "是",       "的"});

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

/// "错误 E7": what is said of it anywhere tells what it means.
bool isCode(std::string_view defined) {
    const auto isOf = [](int (*isKind)(int)) {
        return [isKind](char c) { return isKind(static_cast<unsigned char>(c)) != 0; };
    };
    return std::any_of(defined.begin(), defined.end(), isOf(std::isdigit)) &&
           std::any_of(defined.begin(), defined.end(), isOf(std::isupper));
}

std::size_t nIn(const std::vector<std::string>& parts, std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        parts.begin(), parts.end(),
        [&](const std::string& part) { return text.find(part) != std::string_view::npos; }));
}

/// "年费为2600元" where nothing but the fee is asked for.
bool tellsNumberOf(const ChineseAsked& asked, std::string_view sentence) {
    if (!asked.wantsNumber || asked.pairs.size() != 1) return false;
    const std::string& word = asked.pairs.front();
    for (std::size_t at = sentence.find(word); at != std::string_view::npos;
         at = sentence.find(word, at + 1)) {
        std::string_view behind = sentence.substr(at + word.size());
        for (const std::string_view is : {"为", "是", "共", "约", "：", ":"}) {
            if (behind.starts_with(is)) behind.remove_prefix(is.size());
        }
        if (!behind.empty() && std::isdigit(static_cast<unsigned char>(behind.front())) != 0) {
            return true;
        }
    }
    return false;
}

/// X of "What is X?", "Who was X?", "What does X mean?", as it stands there; empty for others, and
/// for a part of something ("the capital of X").
std::string_view englishThing(std::string_view question) {
    const auto takesFront = [&](std::string_view words) {
        if (question.size() < words.size()) return false;
        const bool isSame =
            std::equal(words.begin(), words.end(), question.begin(), [](char a, char b) {
                return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
            });
        if (isSame) question.remove_prefix(words.size());
        return isSame;
    };
    constexpr std::string_view kOuter = " ?.!\"'";
    question.remove_suffix(question.size() - (question.find_last_not_of(kOuter) + 1));
    for (const std::string_view mark : {"？", "。"}) {
        if (question.ends_with(mark)) question.remove_suffix(mark.size());
    }
    constexpr auto kAsking = std::to_array<std::string_view>(
        {"what is ", "what are ", "what's ", "who is ", "who was ", "define "});
    const bool isMeaning = question.ends_with(" mean") && takesFront("what does ");
    if (isMeaning) {
        question.remove_suffix(std::string_view(" mean").size());
    } else if (std::none_of(kAsking.begin(), kAsking.end(), takesFront)) {
        return {};
    }
    for (const std::string_view article : {"a ", "an ", "the "}) {
        if (takesFront(article)) break;
    }
    const std::size_t first = question.find_first_not_of(kOuter);
    if (first == std::string_view::npos) return {};
    question.remove_prefix(first);
    constexpr std::ptrdiff_t kMostSpaces = 3;
    const bool isOneName = std::count(question.begin(), question.end(), ' ') <= kMostSpaces &&
                           question.find(" of ") == std::string_view::npos &&
                           question.find(" in ") == std::string_view::npos &&
                           question.find_first_of(",;:") == std::string_view::npos;
    return isOneName ? question : std::string_view();
}

}  // namespace

ChineseAsked chineseAskedBy(std::string_view question) {
    ChineseAsked asked;
    asked.wantsNumber = hasAnyOf(question, {"多", "几", "时候", "何时"});
    asked.wantsMoney = hasAnyOf(question, {"多少钱", "价格"});
    asked.wantsTime = hasAnyOf(question, {"时候", "何时", "几点", "哪天", "几号"});
    asked.isWhatIs = hasAnyOf(question, {"什么是", "是什么"});
    asked.defined = definedBy(question);
    asked.wanted = chineseWantedBy(question);
    asked.question = question;
    std::string rest(question);
    // "孕妇可以进入吗" is answered by "孕妇不得进入".
    constexpr std::string_view kMay = "可以";
    const bool isWhether = hasAnyOf(question, {"吗", "是否", "可不可以"});
    for (std::size_t at = isWhether ? rest.find(kMay) : std::string::npos; at != std::string::npos;
         at = rest.find(kMay)) {
        rest.erase(at, kMay.size());
    }
    // "谁创建了它": that it is done needs no saying.
    const std::string done = asked.wanted.verb + "了";
    const std::size_t doneAt = rest.find(done);
    if (!asked.wanted.verb.empty() && doneAt != std::string::npos) {
        rest.replace(doneAt, done.size(), asked.wanted.verb + " ");
    }
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

bool isOnTheSubject(const ChineseAsked& asked, std::string_view text) {
    return !asked.pairs.empty() &&
           10 * nIn(asked.characters, text) >= 9 * asked.characters.size() &&
           10 * nIn(asked.pairs, text) >= 6 * asked.pairs.size();
}

std::size_t fitOf(const ChineseAsked& asked, std::string_view sentence, const std::string& above,
                  const std::string& title) {
    // A word alone is no subject, unless it is asked what it is.
    const std::size_t nFewestPairs =
        asked.defined.empty() && !tellsNumberOf(asked, sentence) ? 2 : 1;
    if (asked.pairs.size() < nFewestPairs || sentence.size() > kLongestAnswer ||
        !isChinese(sentence) || hasAnyOf(sentence, {"？", "?"})) {
        return 0;
    }
    const bool isOnIt = isOnTheSubject(asked, above + std::string(sentence)) ||
                        (tellsRole(asked.wanted, sentence) &&
                         isOnTheSubject(asked, title + "\n" + std::string(sentence)));
    if (nIn(asked.pairs, sentence) == 0 || !isOnIt) return 0;
    if (!saysWanted(asked.wanted, asked.question, sentence)) return 0;
    const bool saysNumber = sentence.find_first_of("0123456789") != std::string_view::npos ||
                            hasAnyOf(sentence, {"一", "二", "三", "四", "五", "六", "七", "八",
                                                "九", "十", "百", "千", "两", "半"});
    if (asked.wantsNumber && !saysNumber) return 0;
    if (asked.wantsTime &&
        !hasAnyOf(sentence, {"年", "月", "日", "号", "点", "时", "周", "星期", ":", "："})) {
        return 0;
    }
    const bool isDefined = asked.defined.empty() || isCode(asked.defined);
    if (!isDefined && !defines(sentence, asked.defined)) return 0;
    if (asked.isWhatIs && !isCode(asked.defined) &&
        !hasAnyOf(sentence, {"是", "指", "为", ":", "："}))
        return 0;
    // A heading says nothing of what it names.
    const bool isClosed = hasAnyOf(sentence, {"。", "！", "；", "|", ":", "："});
    if (!isClosed && !hasAnyOf(sentence, {"是", "有", "为", "在", "由"})) return 0;
    if (asked.wantsMoney && !hasAnyOf(sentence, {"元", "钱", "价", "费", "镑", "€", "$"})) return 0;
    return nIn(asked.pairs, sentence);
}

std::string inOtherLanguage(std::string_view question) {
    if (const std::string_view thing = englishThing(question); !thing.empty()) {
        return std::string(thing).append("是什么？");
    }
    const bool isWho = hasAnyOf(question, {"谁"});
    std::string asWhat(question);
    if (isWho) {
        const std::size_t at = asWhat.find("谁");
        asWhat.replace(at, std::string_view("谁").size(), "什么");
    }
    const std::string thing = definedBy(asWhat);
    if (thing.empty() || isChinese(thing)) return {};
    return std::string(isWho ? "Who is " : "What is ").append(thing).append("?");
}

}  // namespace conclave::services
