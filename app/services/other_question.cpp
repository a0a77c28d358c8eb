#include "app/services/other_question.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <initializer_list>
#include <set>
#include <vector>

#include "app/services/asked_document.h"
#include "app/services/english_words.h"
#include "app/services/question.h"
#include "app/services/said_in_text.h"

namespace conclave::services {
namespace {

using namespace std::string_view_literals;
using Words = std::vector<AskedWord>;

constexpr auto kWhWords = std::to_array<std::string_view>(
    {"what", "which", "who", "whom", "whose", "when", "where", "why", "how"});
constexpr auto kNegators = std::to_array<std::string_view>(
    {"not", "no", "never", "without", "except", "excluding", "neither", "nor", "cannot"});
/// What says no without "not".
constexpr auto kDenyingWords = std::to_array<std::string_view>(
    {"none", "nobody", "nothing", "nowhere", "unless", "fails", "failed", "lacks", "lacked", "lack",
     "missing", "absent", "prohibited", "forbidden", "banned", "excluded", "excludes"});
/// "no later than", "not only", "no matter": nothing is denied.
constexpr auto kNoDenial = std::to_array<std::string_view>(
    {"later", "more", "less", "fewer", "earlier", "matter", "only", "least"});
/// "does not open before nine" tells when it opens.
constexpr auto kBounds = std::to_array<std::string_view>(
    {"before", "until", "till", "after", "unless", "without", "more", "less", "later", "earlier"});
constexpr auto kSkipped =
    std::to_array<std::string_view>({"longer", "yet", "any", "even", "ever", "be", "been"});
constexpr auto kWeekdays = std::to_array<std::string_view>(
    {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"});
constexpr auto kNamePrepositions =
    std::to_array<std::string_view>({"in", "at", "of", "for", "with", "from", "to", "near", "by"});
constexpr auto kRangeWords = std::to_array<std::string_view>(
    {"more", "less", "over", "under", "above", "below", "least", "most", "within", "than", "up",
     "to", "between", "from", "until", "after"});

bool hasOneOf(std::string_view text, std::initializer_list<std::string_view> list) {
    return std::any_of(list.begin(), list.end(), [&](std::string_view each) {
        return text.find(each) != std::string_view::npos;
    });
}

/// "Is …?", "Can't we …?": an answer may say yes or no. Not "Can you tell me which …".
bool asksWhether(const Words& words) {
    if (words.empty()) return false;
    std::string_view first = words.front().surface;
    for (const std::string_view negation : {"n't"sv, "n’t"sv, "n"sv}) {
        if (isListed(first, kHelpers)) break;
        if (first.ends_with(negation)) first.remove_suffix(negation.size());
    }
    if (!isListed(first, kHelpers) && first != "ca" && first != "wo") return false;
    constexpr auto kTelling =
        std::to_array<std::string_view>({"me", "us", "know", "say", "tell", "find", "list"});
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (isListed(words[i].surface, kWhWords) && isListed(words[i - 1].surface, kTelling)) {
            return false;
        }
    }
    return true;
}

bool isShortNot(const AskedWord& word, std::string_view text) {
    const std::string_view surface = word.surface;
    const std::string_view behind = text.substr(word.end);
    return surface.ends_with("n't") || surface.ends_with("n’t") ||
           (surface.ends_with('n') && (behind.starts_with("'t") || behind.starts_with("’t")));
}

bool isNegatorAt(const Words& words, std::size_t i, std::string_view text) {
    if (isShortNot(words[i], text)) return true;
    if (!isListed(words[i].surface, kNegators)) return false;
    const bool isLast = i + 1 == words.size();
    // "No. 7", "whether or not"
    const bool isNumberSign = words[i].surface == "no" && !isLast && words[i + 1].hasDigit;
    const bool isOrNot = i > 0 && words[i - 1].surface == "or";
    return !isNumberSign && !isOrNot && (isLast || !isListed(words[i + 1].surface, kNoDenial));
}

bool isDenyingAt(const Words& words, std::size_t i, std::string_view text) {
    return isNegatorAt(words, i, text) || isListed(words[i].surface, kDenyingWords);
}

/// "unpaid" for "not paid".
bool isUnOf(const AskedWord& word, std::string_view stem) {
    constexpr std::size_t kShortest = 5;
    if (word.surface.size() < kShortest || !word.surface.starts_with("un")) return false;
    const Words rest = wordsAsAsked(std::string_view(word.surface).substr(2));
    return rest.size() == 1 && rest.front().stem == stem;
}

/// The stem that the question denies: "open" of "Which are not open?"; empty: none.
std::string deniedBy(const Words& words, std::string_view question) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (!isNegatorAt(words, i, question)) continue;
        for (std::size_t j = i + 1; j < words.size(); ++j) {
            if (words[j].isContent && !isListed(words[j].surface, kSkipped)) return words[j].stem;
        }
    }
    return {};
}

/// The word is denied in its clause: by what stands a few words before it, or right behind.
bool isDeniedAt(const Words& words, std::size_t at, std::string_view text) {
    constexpr std::size_t kBefore = 4;
    constexpr std::size_t kBehind = 2;
    const auto isSameClause = [&](std::size_t a, std::size_t b) {
        const std::string_view gap = text.substr(words[a].end, words[b].start - words[a].end);
        return gap.find_first_of(";.\n|") == std::string_view::npos;
    };
    for (std::size_t i = at > kBefore ? at - kBefore : 0; i < at; ++i) {
        if (isDenyingAt(words, i, text) && isSameClause(i, at)) return true;
    }
    for (std::size_t i = at + 1; i < std::min(words.size(), at + 1 + kBehind); ++i) {
        if (isDenyingAt(words, i, text) && isSameClause(at, i)) return true;
    }
    return false;
}

/// It is asked what is not so, and the text says what is.
bool affirmsWhatIsDenied(std::string_view denied, const Words& words, std::string_view text) {
    bool isSaid = false;
    bool isDenial = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
        isDenial = isDenial || isDenyingAt(words, i, text) || isUnOf(words[i], denied);
        if (words[i].stem != denied) continue;
        if (isDeniedAt(words, i, text)) return false;
        isSaid = true;
    }
    return isSaid || !isDenial;
}

/// It is asked what is so, and the text only says of what it is not.
bool deniesWhatIsAsked(const StemSet& asked, const Words& words, std::string_view text) {
    StemSet affirmed;
    StemSet denied;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (!asked.contains(words[i].stem)) continue;
        const auto isNot = [&](std::size_t j) {
            return words[j].surface == "not" || words[j].surface == "never" ||
                   words[j].surface == "cannot" || isShortNot(words[j], text);
        };
        constexpr std::size_t kNear = 2;
        constexpr std::size_t kFar = 4;  // "does not have a company car"
        bool isDenied = false;
        bool isCrossed = false;  // a word of content stands between
        for (std::size_t j = i; j > 0 && i - j < kFar && !isDenied; --j) {
            const AskedWord& before = words[j - 1];
            const std::string_view gap = text.substr(before.end, words[i].start - before.end);
            if (gap.find_first_of(",;.|") != std::string_view::npos) break;
            const bool isNear = i - (j - 1) <= kNear || !isCrossed;
            isDenied = isNear && isNot(j - 1) && !isListed(words[j].surface, kNoDenial);
            isCrossed = isCrossed || before.isContent;
        }
        for (std::size_t j = i + 1; j < std::min(words.size(), i + 1 + kNear); ++j) {
            isDenied = isDenied && !isListed(words[j].surface, kBounds);
        }
        (isDenied ? denied : affirmed).insert(words[i].stem);
    }
    return std::any_of(denied.begin(), denied.end(),
                       [&](const std::string& stem) { return !affirmed.contains(stem); });
}

struct YearIn {
    std::string_view digits;
    std::size_t start = 0;
};

/// 1900 to 2099, but not of "2,024", "2000 euros" or "TX-2000".
std::vector<YearIn> yearsIn(std::string_view text) {
    constexpr std::size_t kDigits = 4;
    const auto isKind = [&](std::size_t i, int (*kind)(int)) {
        return i < text.size() && kind(static_cast<unsigned char>(text[i])) != 0;
    };
    std::vector<YearIn> years;
    for (std::size_t i = 0; i + kDigits <= text.size(); ++i) {
        const std::string_view digits = text.substr(i, kDigits);
        const bool isCentury = digits.starts_with("19") || digits.starts_with("20");
        if (!isCentury || !isKind(i + 2, std::isdigit) || !isKind(i + 3, std::isdigit)) continue;
        const std::string_view before = text.substr(0, i);
        const std::string_view behind = text.substr(i + kDigits);
        if (i > 0 && isKind(i - 1, std::isalnum)) continue;
        if (isKind(i + kDigits, std::isalnum)) continue;
        const bool isDecimals = before.ends_with(',') && i > 1 && isKind(i - 2, std::isdigit);
        const bool isThousands = behind.starts_with(',') && isKind(i + kDigits + 1, std::isdigit);
        const bool isModel = before.ends_with('-') && i > 1 && isKind(i - 2, std::isalpha);
        const bool isMoney = before.ends_with('$') || before.ends_with("€") ||
                             before.ends_with("£") || before.ends_with("€ ") ||
                             before.ends_with("EUR ") || before.ends_with("USD ");
        constexpr auto kUnitsBehind = std::to_array<std::string_view>(
            {" euro",  " eur",   " EUR",   " USD",   " usd",   " dollar", " pound",
             " GBP",   " km",    " kg",    " m ",    " mm",    " cm",     " gram",
             " hour",  " litre", " liter", " metre", " meter", " people", " pages",
             " words", "%",      "€",      "元",     "人",     "米",      "公里"});
        const bool isUnit = std::any_of(kUnitsBehind.begin(), kUnitsBehind.end(),
                                        [&](std::string_view u) { return behind.starts_with(u); });
        if (isDecimals || isThousands || isModel || isMoney || isUnit) continue;
        years.push_back({digits, i});
    }
    return years;
}

std::set<std::string_view> yearsAskedOf(std::string_view question) {
    const AskedDocument document(question);
    std::set<std::string_view> years;
    for (const YearIn& year : yearsIn(question)) {
        if (!document.isOfName(year.start)) years.insert(year.digits);
    }
    return years;
}

bool saysOneOfYears(const std::set<std::string_view>& asked, std::string_view text) {
    const std::vector<YearIn> years = yearsIn(text);
    return std::any_of(years.begin(), years.end(),
                       [&](const YearIn& year) { return asked.contains(year.digits); });
}

/// "The 2024 budget" where that of 2025 is asked for. What stands below the asked year may name
/// another for comparison, but not beside the asked thing.
bool saysAnotherYear(std::string_view question, const StemSet& stems, std::string_view text,
                     std::string_view above) {
    const std::set<std::string_view> asked = yearsAskedOf(question);
    const std::vector<YearIn> said = yearsIn(text);
    if (asked.empty() || said.empty() || saysOneOfYears(asked, text)) return false;
    if (!saysOneOfYears(asked, above)) return true;
    const Words words = wordsAsAsked(text);
    constexpr std::size_t kNear = 2;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const bool isYear = std::any_of(said.begin(), said.end(), [&](const YearIn& year) {
            return year.start >= words[i].start && year.start < words[i].end;
        });
        for (std::size_t j = i > kNear ? i - kNear : 0;
             isYear && j < std::min(words.size(), i + 1 + kNear); ++j) {
            if (j != i && stems.contains(words[j].stem)) return true;
        }
    }
    return false;
}

template <std::size_t N>
std::set<std::size_t> listedIn(const Words& words, const std::array<std::string_view, N>& list) {
    std::set<std::size_t> found;
    for (const AskedWord& word : words) {
        std::string_view surface = word.surface;
        if (surface.ends_with('s') && !isListed(surface, list)) surface.remove_suffix(1);
        const auto at = std::find(list.begin(), list.end(), surface);
        if (at != list.end() && word.isAnyCapital) {
            found.insert(static_cast<std::size_t>(at - list.begin()));
        }
    }
    return found;
}

/// The text says some of the list, and none of those that the question says.
template <std::size_t N>
bool saysOtherOf(const std::array<std::string_view, N>& list, const Words& question,
                 const Words& text) {
    const auto asked = listedIn(question, list);
    const auto said = listedIn(text, list);
    return !asked.empty() && !said.empty() &&
           std::none_of(said.begin(), said.end(),
                        [&](std::size_t each) { return asked.contains(each); });
}

bool isNameBehindPreposition(const Words& words, std::size_t i) {
    return i > 0 && words[i].isAnyCapital && words[i].isContent && !words[i].hasDigit &&
           isListed(words[i - 1].surface, kNamePrepositions) &&
           !isListed(words[i].surface, kNamedMonths) && !isListed(words[i].surface, kWeekdays);
}

/// Names that stand together: "in Turin and Graz". From and to which word.
struct NameGroup {
    std::size_t first = 0;
    std::size_t last = 0;
    StemSet stems;
};

std::vector<NameGroup> namesBehind(std::string_view preposition, const Words& words) {
    std::vector<NameGroup> groups;
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (!isNameBehindPreposition(words, i) || words[i - 1].surface != preposition) continue;
        const bool goesOn =
            !groups.empty() &&
            std::all_of(words.begin() + static_cast<std::ptrdiff_t>(groups.back().last),
                        words.begin() + static_cast<std::ptrdiff_t>(i),
                        [](const AskedWord& w) { return !w.isContent || w.isAnyCapital; });
        if (!goesOn) groups.push_back({.first = i, .last = i, .stems = {}});
        NameGroup& group = groups.back();
        for (std::size_t j = i; j < words.size(); ++j) {
            const bool isName = words[j].isAnyCapital && words[j].isContent;
            if (!isName && words[j].surface != "and" && words[j].surface != "or") break;
            group.last = j;
            if (isName) group.stems.insert(words[j].stem);
        }
    }
    return groups;
}

/// "When did the office in Turin close?" of a text in which the name nearest to "closed" is that of
/// another place.
bool saysOfAnotherName(const AskedFor& asked, const Words& question, const Words& words,
                       std::string_view text) {
    for (std::size_t i = 1; i < question.size(); ++i) {
        if (!isNameBehindPreposition(question, i)) continue;
        const std::string& name = question[i].stem;
        const auto groups = namesBehind(question[i - 1].surface, words);
        const bool isAlone = groups.size() < 2;
        const bool isNamed = std::any_of(words.begin(), words.end(),
                                         [&](const AskedWord& w) { return w.stem == name; });
        // It may stand there without the preposition.
        if (!groups.empty() && !isNamed) return true;
        if (isAlone || !isNamed) continue;
        constexpr std::size_t kOtherClause = 1000;
        bool isOfVerb = false;
        bool isOfName = false;
        for (std::size_t at = 0; at < words.size(); ++at) {
            if (!asked.verb.contains(words[at].stem)) continue;
            isOfVerb = true;
            const auto distance = [&](const NameGroup& group) {
                const std::size_t near = group.last < at ? group.last : group.first;
                const std::size_t from = std::min(near, at);
                const std::size_t to = std::max(near, at);
                const std::string_view gap = text.substr(
                    words[from].end,
                    words[to].start > words[from].end ? words[to].start - words[from].end : 0);
                const bool isOther = gap.find_first_of(";.") != std::string_view::npos;
                return to - from + (isOther ? kOtherClause : 0);
            };
            const auto nearest = std::min_element(
                groups.begin(), groups.end(),
                [&](const NameGroup& a, const NameGroup& b) { return distance(a) < distance(b); });
            isOfName = isOfName || nearest->stems.contains(name);
        }
        if (isOfVerb && !isOfName) return true;
    }
    return false;
}

/// "5 days" is asked of, and the text speaks of 3 days alone.
bool saysOtherNumberOfUnit(const Words& question, const Words& words) {
    const auto isRange = [](const AskedWord& word) { return isListed(word.surface, kRangeWords); };
    const auto isNumber = [](const AskedWord& word) {
        return std::all_of(word.surface.begin(), word.surface.end(),
                           [](unsigned char c) { return std::isdigit(c) != 0; });
    };
    if (std::any_of(question.begin(), question.end(), isRange) ||
        std::any_of(words.begin(), words.end(), isRange)) {
        return false;
    }
    for (std::size_t i = 0; i + 1 < question.size(); ++i) {
        if (!isNumber(question[i]) || !question[i + 1].isContent) continue;
        bool isOther = false;
        bool isSame = false;
        for (std::size_t j = 0; j + 1 < words.size(); ++j) {
            isSame = isSame || words[j].stem == question[i].stem;
            isOther = isOther || (isNumber(words[j]) && words[j + 1].stem == question[i + 1].stem);
        }
        if (isOther && !isSame) return true;
    }
    return false;
}

/// Without what has 不 and the like and denies nothing, and "是不是", "有没有".
std::string withoutFalseNegations(std::string_view text) {
    std::string rest(text);
    constexpr auto kNone = std::to_array<std::string_view>(
        {"不同",   "不久",   "不超过", "不少于", "不低于",   "不高于", "不多于", "不晚于",
         "不早于", "不得不", "不动产", "不锈钢", "不仅",     "不但",   "不管",   "不论",
         "未来",   "未成年", "无锡",   "无线",   "无论",     "无人机", "非常",   "非洲",
         "没收",   "除非",   "是不是", "能不能", "可不可以", "有没有", "要不要", "会不会",
         "除法",   "扫除",   "删除",   "解除",   "清除"});
    for (const std::string_view none : kNone) {
        for (std::size_t at = rest.find(none); at != std::string::npos; at = rest.find(none)) {
            rest.erase(at, none.size());
        }
    }
    return rest;
}

/// A pair of characters of the question that the text only has behind 不, 没 or 未.
bool deniesChinese(std::string_view question, std::string_view text) {
    const ChineseAsked asked = chineseAskedBy(question);
    constexpr auto kNot = std::to_array<std::string_view>(
        {"不", "没", "没有", "未", "未能", "不能", "不得", "不可", "不会", "不再", "并不", "尚未"});
    return std::any_of(asked.pairs.begin(), asked.pairs.end(), [&](const std::string& pair) {
        bool isDenied = false;
        for (std::size_t at = text.find(pair); at != std::string_view::npos;
             at = text.find(pair, at + 1)) {
            const std::string_view before = text.substr(0, at);
            const bool isNot = std::any_of(kNot.begin(), kNot.end(), [&](std::string_view each) {
                return before.ends_with(each);
            });
            if (!isNot) return false;
            isDenied = true;
        }
        return isDenied;
    });
}

bool answersAnotherInChinese(std::string_view question, std::string_view text,
                             std::string_view above) {
    if (hasOneOf(question, {"平均"}) && !hasOneOf(text, {"均"})) return true;
    if (hasOneOf(question, {"中位"}) && !hasOneOf(text, {"中位"})) return true;
    if (hasOneOf(question, {"一共", "总共", "总计", "合计", "总和", "总额", "总数"}) &&
        !hasOneOf(text, {"共", "总", "合计", "全"})) {
        return true;
    }
    const bool isWhen = hasOneOf(question, {"时候", "何时", "哪年", "哪一年", "哪天", "几号"});
    if (!isWhen && saysAnotherYear(question, {}, text, above)) return true;
    const bool isWhether = hasOneOf(
        question, {"吗", "是否", "是不是", "能不能", "可不可以", "有没有", "要不要", "会不会"});
    if (isWhether) return false;
    const std::string asked = withoutFalseNegations(question);
    const std::string said = withoutFalseNegations(text);
    const bool isDenied = hasOneOf(asked, {"不", "没", "未", "除", "无"});
    if (!isDenied) return deniesChinese(asked, said);
    return !hasOneOf(said, {"不", "没", "未", "除", "无", "禁", "勿", "免", "否", "非"});
}

/// "number" of "order number", "id": it tells things apart and counts none.
bool isIdentifier(std::string_view label) {
    constexpr auto kNumbering =
        std::to_array<std::string_view>({"id", "no", "nr", "number", "code", "num"});
    const Words words = wordsAsAsked(label);
    if (words.empty()) return false;
    const std::string_view last = words.back().surface;
    return isListed(last, kNumbering) || last.ends_with("_id") || last.ends_with("_no");
}

/// What is counted by "how many X" and "the number of X"; empty: nothing is.
std::string countedBy(const AskedFor& asked, const Words& words) {
    if (asked.wanted == Wanted::Count) return asked.unit;
    for (std::size_t i = 0; i + 2 < words.size(); ++i) {
        if (words[i].surface == "number" && words[i + 1].surface == "of") return words[i + 2].stem;
    }
    return {};
}

bool isOneOfManyInChinese(std::string_view question, const TableUnit& row) {
    std::string said;
    for (const std::string& cell : row.cells) said.append(cell).append("\n");
    if (hasOneOf(question, {"平均"}) && !hasOneOf(said, {"平均"})) return true;
    if (hasOneOf(question, {"中位"}) && !hasOneOf(said, {"中位"})) return true;
    const bool isTotal = hasOneOf(
        question, {"一共", "总共", "总计", "合计", "总和", "总额", "总数", "全部", "所有"});
    if (isTotal && !hasOneOf(said, {"合计", "总", "共"})) return true;
    bool isCount = false;
    for (const std::string_view how : {"多少"sv, "几"sv}) {
        for (const std::string_view unit : {"个"sv, "人"sv, "份"sv, "条"sv, "家"sv, "种"sv, "名"sv,
                                            "位"sv, "项"sv, "张"sv, "件"sv, "台"sv, "笔"sv}) {
            isCount = isCount || hasOneOf(question, {std::string(how).append(unit)});
        }
    }
    if (!isCount) return false;
    const ChineseAsked asked = chineseAskedBy(question);
    return std::none_of(asked.pairs.begin(), asked.pairs.end(), [&](const std::string& pair) {
        return row.cells.front().find(pair) != std::string::npos;
    });
}

}  // namespace

std::string textAbove(const StoredPassage& passage) {
    return std::filesystem::path(passage.path).filename().string() + "\n" + passage.title + "\n" +
           passage.heading;
}

bool asksOfYear(std::string_view question) { return !yearsAskedOf(question).empty(); }

bool lacksYear(std::string_view question, std::string_view text, std::string_view above) {
    const std::set<std::string_view> asked = yearsAskedOf(question);
    return !asked.empty() && !saysOneOfYears(asked, text) && !saysOneOfYears(asked, above);
}

bool answersAnother(std::string_view question, std::string_view text, std::string_view above) {
    if (isChinese(question)) return answersAnotherInChinese(question, text, above);
    const std::string_view asking = askingSentence(question);
    const AskedFor asked = askedForBy(question);
    const Words askedWords = wordsAsAsked(asking);
    const Words words = wordsAsAsked(text);
    const bool isOfTime = asked.wanted == Wanted::Time;
    if (saysOfAnotherName(asked, askedWords, words, text)) return true;
    if (!isOfTime && saysAnotherYear(asking, asked.stems, text, above)) return true;
    if (asksWhether(askedWords)) return false;
    if (!isOfTime && (saysOtherOf(kNamedMonths, askedWords, words) ||
                      saysOtherOf(kWeekdays, askedWords, words))) {
        return true;
    }
    if (saysOtherNumberOfUnit(askedWords, words)) return true;
    const std::string denied = deniedBy(askedWords, asking);
    return denied.empty() ? deniesWhatIsAsked(asked.stems, words, text)
                          : affirmsWhatIsDenied(denied, words, text);
}

bool isOneOfMany(std::string_view question, const TableUnit& row) {
    if (row.cells.empty()) return false;
    if (isChinese(question)) return isOneOfManyInChinese(question, row);
    const AskedFor asked = askedForBy(question);
    const Words words = wordsAsAsked(askingSentence(question));
    std::string said;
    for (const std::string& cell : row.cells) said.append(cell).append("\n");
    if (!saysOfAll(asked, wordsAsAsked(said))) return true;
    const bool isAmount = asked.wanted == Wanted::Count || asked.wanted == Wanted::Money ||
                          asked.wanted == Wanted::Number;
    const bool isOfAll = std::any_of(words.begin(), words.end(), [](const AskedWord& word) {
        return word.surface == "all" || word.surface == "together";
    });
    if (isAmount && isOfAll) return true;
    const std::string counted = countedBy(asked, words);
    if (counted.empty()) return false;
    const bool isOfFirst = nHeld(asked.stems, stemsIn(row.cells.front())) > 0;
    for (std::size_t i = 1; isOfFirst && i < row.cells.size() && i < row.labels.size(); ++i) {
        const bool isColumn =
            stemsIn(row.labels[i]).contains(counted) && !isIdentifier(row.labels[i]);
        const bool isNumber = row.cells[i].find_first_of("0123456789") != std::string::npos;
        if (isColumn && isNumber) return false;
    }
    return true;
}

}  // namespace conclave::services
