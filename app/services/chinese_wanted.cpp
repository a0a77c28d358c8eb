#include "app/services/chinese_wanted.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <vector>

#include "base/utf8.h"

namespace conclave::services {
namespace {

using namespace std::string_view_literals;
using Kind = ChineseWanted::Kind;

constexpr std::size_t kHan = 3;  // bytes of a Chinese character

template <std::size_t N>
bool beginsWithAny(std::string_view text, const std::array<std::string_view, N>& list) {
    return std::any_of(list.begin(), list.end(),
                       [&](std::string_view each) { return text.starts_with(each); });
}

template <std::size_t N>
bool endsWithAny(std::string_view text, const std::array<std::string_view, N>& list) {
    return std::any_of(list.begin(), list.end(),
                       [&](std::string_view each) { return text.ends_with(each); });
}

template <std::size_t N>
void cutEnds(std::string_view& text, const std::array<std::string_view, N>& list) {
    for (bool isCut = true; isCut;) {
        isCut = false;
        for (const std::string_view each : list) {
            if (!text.ends_with(each)) continue;
            text.remove_suffix(each.size());
            isCut = true;
        }
    }
}

struct Asker {
    std::string_view words;
    Kind kind;
};

constexpr auto kAskers = std::to_array<Asker>({
    {"什么时候", Kind::Time},   {"哪一年", Kind::Time},    {"哪一天", Kind::Time},
    {"几月几日", Kind::Time},   {"几月几号", Kind::Time},  {"几点", Kind::Time},
    {"几号", Kind::Time},       {"何时", Kind::Time},      {"哪年", Kind::Time},
    {"哪天", Kind::Time},       {"什么地方", Kind::Place}, {"哪里", Kind::Place},
    {"哪儿", Kind::Place},      {"何处", Kind::Place},     {"何地", Kind::Place},
    {"多长时间", Kind::Number}, {"多少钱", Kind::Number},  {"多少", Kind::Number},
    {"多久", Kind::Number},     {"多大", Kind::Number},    {"多长", Kind::Number},
    {"多远", Kind::Number},     {"多高", Kind::Number},    {"哪位", Kind::Person},
    {"何人", Kind::Person},     {"什么人", Kind::Person},  {"谁", Kind::Person},
});

/// The parts of a sentence between its commas and full stops.
std::vector<std::string_view> chineseClauses(std::string_view sentence) {
    constexpr auto kMarks =
        std::to_array<std::string_view>({"，", "。", "；", "！", "\n", ",", ";"});
    std::vector<std::string_view> clauses;
    std::size_t start = 0;
    for (std::size_t i = 0; i < sentence.size(); ++i) {
        for (const std::string_view mark : kMarks) {
            if (!sentence.substr(i).starts_with(mark)) continue;
            clauses.push_back(sentence.substr(start, i - start));
            start = i + mark.size();
        }
    }
    if (start < sentence.size()) clauses.push_back(sentence.substr(start));
    return clauses;
}

/// What stands behind "馆长是": a name of two to four characters, one in Latin letters, or an
/// organisation.
bool beginsWithName(std::string_view text) {
    constexpr auto kAfterNames = std::to_array<std::string_view>(
        {"，", "。", "；", "、", "（", "(", "！", "\n", "和", "与", "先生", "女士", "教授", "博士",
         "老师", "医生", "|", ",", ";"});
    constexpr auto kOrganisations =
        std::to_array<std::string_view>({"公司", "大学", "学校", "学院", "委员会", "协会", "基金会",
                                         "集团", "中心", "银行", "团队", "社区", "政府"});
    constexpr auto kNoNames = std::to_array<std::string_view>(
        {"一", "由", "在", "谁", "这", "那", "不", "指", "否", "以", "为", "该", "负责", "必须"});
    constexpr std::size_t kFewest = 2;
    constexpr std::size_t kMost = 4;
    constexpr std::size_t kLongest = 20;
    while (text.starts_with(' ')) text.remove_prefix(1);
    if (text.empty() || beginsWithAny(text, kNoNames)) return false;
    if (std::isupper(static_cast<unsigned char>(text.front())) != 0) return true;
    std::size_t end = text.size();
    for (const std::string_view mark : kAfterNames) end = std::min(end, text.find(mark));
    const std::string_view name = text.substr(0, end);
    const std::size_t length = countCodePoints(name);
    const bool isHan = static_cast<unsigned char>(name.empty() ? 0 : name.front()) >= 0xE3;
    const bool isName = isHan && length >= kFewest && length <= kMost &&
                        name.find("的") == std::string_view::npos &&
                        std::none_of(name.begin(), name.end(), [](char c) {
                            return std::isdigit(static_cast<unsigned char>(c)) != 0;
                        });
    return isName || (length <= kLongest && endsWithAny(name, kOrganisations));
}

/// "馆长是周建国", "馆长：周建国".
bool namesRole(std::string_view role, std::string_view sentence) {
    constexpr auto kTells = std::to_array<std::string_view>({"是", "为", "：", ":", "由"});
    for (std::size_t at = sentence.find(role); at != std::string_view::npos;
         at = sentence.find(role, at + 1)) {
        const std::string_view before = sentence.substr(0, at);
        // "副馆长" is another.
        if (endsWithAny(before, std::array{"副"sv, "前"sv, "原"sv, "代理"sv})) continue;
        std::string_view after = sentence.substr(at + role.size());
        const auto tells = std::find_if(kTells.begin(), kTells.end(), [&](std::string_view each) {
            return after.starts_with(each);
        });
        if (tells == kTells.end()) continue;
        after.remove_prefix(tells->size());
        if (beginsWithName(after)) return true;
    }
    return false;
}

/// "由林月华于1958年创建", "创建者是林月华", "林月华创建了青石图书馆".
bool namesDoer(const ChineseWanted& wanted, std::string_view clause) {
    constexpr auto kNobody = std::to_array<std::string_view>({"于", "此", "这", "0", "1", "2"});
    constexpr auto kNoDoers = std::to_array<std::string_view>(
        {"以", "为", "如何", "可", "请", "要", "想", "能", "会", "被", "是", "才", "先", "再"});
    constexpr std::size_t kLongestGap = 12;  // bytes between verb and thing
    const std::string& verb = wanted.verb;
    for (std::size_t at = clause.find(verb); at != std::string_view::npos;
         at = clause.find(verb, at + 1)) {
        std::string_view before = clause.substr(0, at);
        while (before.ends_with(' ')) before.remove_suffix(1);
        const std::string_view after = clause.substr(at + verb.size());
        for (const std::string_view mark : {"由"sv, "被"sv}) {
            const std::size_t by = before.rfind(mark);
            if (by == std::string_view::npos) continue;
            std::string_view doer = before.substr(by + mark.size());
            while (doer.starts_with(' ')) doer.remove_prefix(1);
            if (doer.size() > kHan && !beginsWithAny(doer, kNobody)) return true;
        }
        for (const std::string_view one : {"者"sv, "人"sv}) {
            if (after.starts_with(one) && namesRole(verb + std::string(one), clause)) return true;
        }
        const std::size_t thing =
            wanted.thing.empty() ? std::string_view::npos : after.find(wanted.thing);
        const bool isOfThing = thing != std::string_view::npos && thing <= kLongestGap;
        if (isOfThing && before.size() > kHan && !endsWithAny(before, kNoDoers)) return true;
    }
    return false;
}

bool isChineseNumeral(std::string_view text) {
    return beginsWithAny(
        text, std::to_array<std::string_view>({"一", "二", "三", "四", "五", "六", "七", "八", "九",
                                               "十", "百", "千", "万", "两", "半"}));
}

/// Behind the number that begins here; 0: none does, or the question brings it along. "一个" and
/// "一般" count nothing.
std::size_t chineseNumberAt(std::string_view text, std::string_view question) {
    constexpr auto kNoCounts = std::to_array<std::string_view>(
        {"一个", "一种", "一些", "一样", "一般", "一直", "一起", "一定", "一切", "一旦", "一位",
         "一名", "一致", "万一", "千万", "一方", "一部", "一并", "一边", "十分", "半夜"});
    if (beginsWithAny(text, kNoCounts)) return 0;
    std::size_t end = 0;
    while (end < text.size()) {
        const bool isDigit = std::isdigit(static_cast<unsigned char>(text[end])) != 0;
        const bool isMark = end > 0 && (text[end] == '.' || text[end] == ',');
        if (isDigit || isMark) {
            ++end;
        } else if (isChineseNumeral(text.substr(end))) {
            end += kHan;
        } else {
            break;
        }
    }
    return end > 0 && question.find(text.substr(0, end)) == std::string_view::npos ? end : 0;
}

template <typename Accept>
bool hasChineseNumber(std::string_view sentence, std::string_view question, Accept accept) {
    for (std::size_t i = 0; i < sentence.size();) {
        const std::size_t length = chineseNumberAt(sentence.substr(i), question);
        if (length > 0 && accept(sentence.substr(i + length))) return true;
        i += std::max<std::size_t>(length, 1);
    }
    return false;
}

bool saysChineseTime(std::string_view clause, std::string_view question) {
    constexpr auto kUnits =
        std::to_array<std::string_view>({"年", "月", "日", "号", "点", "时", "周", "天", "世纪",
                                         "小时", "个月", "-", "/", ":", "：", "分"});
    constexpr auto kDays = std::to_array<std::string_view>(
        {"今天", "昨天", "明天", "后天", "每天", "每周", "每月", "每年", "周一",
         "周二", "周三", "周四", "周五", "周六", "周日", "周末", "星期", "上午",
         "下午", "中午", "晚上", "凌晨", "早上", "年初", "年底", "月初", "月底",
         "春天", "夏天", "秋天", "冬天", "时代", "以后", "之后", "以前", "之前",
         "同时", "当时", "期间", "元年", "初年", "末年", "去年", "明年", "今年"});
    const auto isUnit = [&](std::string_view after) {
        while (after.starts_with(' ')) after.remove_prefix(1);
        return beginsWithAny(after, kUnits);
    };
    return hasChineseNumber(clause, question, isUnit) ||
           std::any_of(kDays.begin(), kDays.end(), [&](std::string_view day) {
               return clause.find(day) != std::string_view::npos &&
                      question.find(day) == std::string_view::npos;
           });
}

/// "位于河东路12号": something behind a word of place that the question does not say.
bool saysChinesePlace(std::string_view sentence, std::string_view question) {
    constexpr auto kAt = std::to_array<std::string_view>(
        {"在", "于", "到", "至", "往", "从", "来自", "去", "地址是", "地址为", "地址："});
    constexpr auto kOtherWords = std::to_array<std::string_view>(
        {"由", "关", "对", "等", "大", "小", "基", "属", "用", "鉴", "至", "处", "存", "正", "实"});
    for (const std::string_view at : kAt) {
        for (std::size_t i = sentence.find(at); i != std::string_view::npos;
             i = sentence.find(at, i + 1)) {
            if (endsWithAny(sentence.substr(0, i), kOtherWords)) continue;
            std::string_view place = sentence.substr(i + at.size());
            while (place.starts_with(' ')) place.remove_prefix(1);
            if (place.size() < 2 || saysChineseTime(place.substr(0, 4 * kHan), "")) continue;
            const bool isHan = static_cast<unsigned char>(place.front()) >= 0xE3;
            const std::string_view first = place.substr(0, isHan ? 2 * kHan : 2);
            const bool isWord = isHan || std::isalpha(static_cast<unsigned char>(place[0])) != 0;
            if (isWord && question.find(first) == std::string_view::npos) return true;
        }
    }
    return false;
}

}  // namespace

ChineseWanted chineseWantedBy(std::string_view question) {
    constexpr auto kMarks =
        std::to_array<std::string_view>({"？", "?", "。", "！", " ", "呢", "啊", "吗", "的", "了"});
    constexpr auto kBefore =
        std::to_array<std::string_view>({"是", "由", "被", "在", "于", "为", "位", "到", " "});
    constexpr std::size_t kLongestVerb = 4;  // characters
    for (const std::string_view polite : {"请问"sv, "，"sv}) {
        if (question.starts_with(polite)) question.remove_prefix(polite.size());
    }
    ChineseWanted wanted;
    const auto asker = std::find_if(kAskers.begin(), kAskers.end(), [&](const Asker& each) {
        return question.find(each.words) != std::string_view::npos;
    });
    if (asker == kAskers.end()) return wanted;
    wanted.kind = asker->kind;
    const std::size_t at = question.find(asker->words);
    std::string_view before = question.substr(0, at);
    std::string_view after = question.substr(at + asker->words.size());
    cutEnds(after, kMarks);
    // "哪里不开放": the place is what it is said of, and needs no word of place before it.
    constexpr auto kToPlaces = std::to_array<std::string_view>(
        {"在", "于", "位", "到", "去", "从", "自", "往", "放", "是"});
    if (wanted.kind == Kind::Place && !after.empty() && !endsWithAny(before, kToPlaces)) {
        wanted.kind = Kind::Anything;
        return wanted;
    }
    const bool isBehindBe = before.ends_with("是") || before.ends_with("为");
    cutEnds(before, kBefore);
    const auto lastPart = [](std::string_view text) {
        const std::size_t of = text.rfind("的");
        return std::string(of == std::string_view::npos ? text : text.substr(of + kHan));
    };
    if (after.empty() && (isBehindBe || wanted.kind == Kind::Number)) {
        wanted.role = lastPart(before);
    } else if (after.starts_with("是") && wanted.kind == Kind::Person) {
        wanted.role = lastPart(after.substr(kHan));
    } else if (!after.empty() && wanted.kind != Kind::Number) {
        const std::size_t whole = countCodePoints(after);
        // "谁创建了青石图书馆": most verbs have two characters.
        if (before.empty() && whole > 2) {
            std::size_t length = byteOffsetOf(after, 2);
            if (after.substr(kHan).starts_with("了")) length = kHan;
            wanted.verb = after.substr(0, length);
            std::string_view thing = after.substr(length);
            for (const std::string_view done : {"了"sv, "过"sv}) {
                if (thing.starts_with(done)) thing.remove_prefix(done.size());
            }
            wanted.thing = lastPart(thing);
        } else if (whole <= kLongestVerb) {
            wanted.verb = after;
            wanted.thing = lastPart(before);
        }
    }
    return wanted;
}

bool saysWanted(const ChineseWanted& wanted, std::string_view question, std::string_view sentence) {
    const auto clauses = chineseClauses(sentence);
    switch (wanted.kind) {
        case Kind::Person: {
            if (!wanted.role.empty()) return namesRole(wanted.role, sentence);
            if (wanted.verb.empty()) return true;
            return std::any_of(clauses.begin(), clauses.end(),
                               [&](std::string_view clause) { return namesDoer(wanted, clause); });
        }
        case Kind::Time: {
            // "1958年创建", "1958年，它创建了…".
            for (std::size_t i = 0; i < clauses.size(); ++i) {
                const bool isDone =
                    wanted.verb.empty() || clauses[i].find(wanted.verb) != std::string_view::npos;
                if (isDone && (saysChineseTime(clauses[i], question) ||
                               (i > 0 && saysChineseTime(clauses[i - 1], question)))) {
                    return true;
                }
            }
            return false;
        }
        case Kind::Place: return saysChinesePlace(sentence, question);
        case Kind::Number:
            return hasChineseNumber(sentence, question, [](std::string_view) { return true; });
        case Kind::Anything: break;
    }
    return true;
}

bool tellsRole(const ChineseWanted& wanted, std::string_view sentence) {
    constexpr auto kTells =
        std::to_array<std::string_view>({"是", "为", "：", ":", "达", "约", "共"});
    if (wanted.role.empty()) return false;
    if (wanted.kind == Kind::Person) return namesRole(wanted.role, sentence);
    for (std::size_t at = sentence.find(wanted.role); at != std::string_view::npos;
         at = sentence.find(wanted.role, at + 1)) {
        if (beginsWithAny(sentence.substr(at + wanted.role.size()), kTells)) return true;
    }
    return false;
}

}  // namespace conclave::services
