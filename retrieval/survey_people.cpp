#include "retrieval/survey_people.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "base/utf8.h"
#include "retrieval/characters.h"
#include "retrieval/people_words.h"
#include "retrieval/stop_words.h"

namespace conclave::retrieval {
namespace {

/// From this on evidence makes a name a person's.
constexpr int kEnough = 2;
constexpr int kStrong = 3;
constexpr int kSome = 2;
constexpr int kAgainst = -3;
constexpr int kNever = -20;

// ------------------------------------------------------------------------------------ with
// capitals

struct NameWord {
    std::size_t start = 0;
    std::size_t end = 0;
    std::string lower;
    bool isCapital = false;  ///< a capital, then small letters
    bool isInitial = false;  ///< one capital and a full stop
};

bool isCapitalLetter(char32_t c) {
    return (c >= U'A' && c <= U'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7);
}
bool isLatinLetter(char32_t c) {
    return (c >= U'a' && c <= U'z') || isCapitalLetter(c) || (c >= 0xDF && c <= 0x17F && c != 0xF7);
}

/// Small letters, also of what Latin-1 has (É and é differ by one bit).
void appendLower(std::string& to, char32_t c) {
    if (isCapitalLetter(c)) c += 0x20;
    appendUtf8(to, c);
}

std::vector<NameWord> nameWords(std::string_view text) {
    std::vector<NameWord> words;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at;
        const char32_t first = nextCodePoint(text, end);
        if (!isLatinLetter(first)) {
            at = end;
            continue;
        }
        NameWord word{.start = at, .end = end, .lower = {}};
        appendLower(word.lower, first);
        bool hasSmall = false;
        while (end < text.size()) {
            const char32_t c = nextCodePoint(text, end);
            const bool joins = c == U'-' || c == U'\'' || c == 0x2019;
            if (!joins && !isLatinLetter(c)) break;
            std::size_t behind = end;
            const bool goesOn = end < text.size() && isLatinLetter(nextCodePoint(text, behind));
            if (joins && !goesOn) break;
            // Anna's
            if (joins && c != U'-' && text.substr(end).starts_with('s')) {
                const char32_t next = behind < text.size() ? nextCodePoint(text, behind) : U' ';
                if (!isLatinLetter(next)) break;
            }
            hasSmall = hasSmall || (!joins && !isCapitalLetter(c));
            appendLower(word.lower, c);
            word.end = end;
        }
        const bool hasStop = word.end < text.size() && text[word.end] == '.';
        word.isCapital = isCapitalLetter(first) && hasSmall;
        word.isInitial =
            isCapitalLetter(first) && word.end - word.start <= 2 && !hasSmall && hasStop;
        at = word.end;
        words.push_back(std::move(word));
    }
    return words;
}

bool isOneOf(std::string_view word, std::initializer_list<std::string_view> list) {
    return std::find(list.begin(), list.end(), word) != list.end();
}

/// "Hi Ben," names one Ben, and nobody called Hi.
bool isGreeting(std::string_view word) {
    return isOneOf(word, {"hi", "hello", "hey", "dear", "hallo", "liebe", "lieber", "bonjour",
                          "cher", "hola", "ciao", "thanks", "regards"});
}

bool isOfCalendar(std::string_view word) {
    return isOneOf(word, {"january", "february", "march", "april", "may", "june", "july", "august",
                          "september", "october", "november", "december", "monday", "tuesday",
                          "wednesday", "thursday", "friday", "saturday", "sunday"});
}

class PeopleFinder {
public:
    PeopleFinder(std::string_view text, std::vector<PatternMatch>& found)
        : m_text(text), m_words(nameWords(text)), m_found(found) {}

    void run() {
        for (std::size_t first = 0; first < m_words.size();) {
            if (!mayBegin(m_words[first])) {
                ++first;
                continue;
            }
            const std::size_t last = runEnd(first);
            judge(first, last);
            first = last;
        }
    }

private:
    [[nodiscard]] static bool mayBegin(const NameWord& word) {
        return word.isInitial || (word.isCapital && !isOfCalendar(word.lower));
    }

    [[nodiscard]] std::string_view gapBefore(std::size_t i) const {
        const std::size_t from = i > 0 ? m_words[i - 1].end : 0;
        return i < m_words.size() ? m_text.substr(from, m_words[i].start - from) : "";
    }
    [[nodiscard]] std::string_view lowerAt(std::size_t i) const {
        return i < m_words.size() ? std::string_view(m_words[i].lower) : "";
    }

    /// Capitalised words and initials in a row, with "van der" between them.
    [[nodiscard]] std::size_t runEnd(std::size_t first) const {
        std::size_t end = first + 1;
        for (std::size_t next = end; next < m_words.size(); ++next) {
            const NameWord& before = m_words[next - 1];
            const bool takesStop = before.isInitial || isTitle(before.lower);
            const std::string_view gap = gapBefore(next);
            if (gap != " " && !(takesStop && (gap == ". " || gap == "."))) break;
            if (mayBegin(m_words[next])) {
                end = next + 1;
            } else if (!isOfName(m_words[next].lower)) {
                break;
            }
        }
        return end;
    }

    void judge(std::size_t first, std::size_t last) {
        int score = 0;
        bool hasTitle = false;
        while (first < last) {
            const std::string_view word = m_words[first].lower;
            if (isTitle(word)) {
                hasTitle = true;
            } else if (isRole(word) && last - first > 2) {
                score += kStrong;
            } else if (!isGreeting(word) && (!isStopWord(word) || m_words[first].isInitial)) {
                break;
            }
            ++first;
        }
        const auto nOwn =
            std::count_if(m_words.begin() + static_cast<std::ptrdiff_t>(first),
                          m_words.begin() + static_cast<std::ptrdiff_t>(last),
                          [](const NameWord& word) { return word.isCapital || word.isInitial; });
        constexpr std::ptrdiff_t kMostWords = 4;
        if (nOwn < (hasTitle ? 1 : 2) || nOwn > kMostWords || !m_words[last - 1].isCapital) return;
        score += hasTitle ? kStrong : 0;
        score += ofWords(first, last) + before(first, hasTitle) + behind(last);
        if (score < kEnough) return;
        const TextSpan span{m_words[first].start, m_words[last - 1].end};
        m_lastFound = last;
        m_found.push_back(
            {span, std::string(m_text.substr(span.startByte, span.endByte - span.startByte))});
    }

    [[nodiscard]] int ofWords(std::size_t first, std::size_t last) const {
        int score = 0;
        const std::string_view own = m_words[first].lower;
        if (isGivenName(own) || isGivenName(own.substr(0, own.find('-')))) {  // Anna-Lena
            score += kStrong;
        } else if (last - first == 2 &&
                   (isPinyinSurname(own) || isPinyinSurname(lowerAt(last - 1)) ||
                    isGivenName(lowerAt(last - 1)))) {
            score += kSome;
        }
        for (std::size_t i = first; i < last; ++i) {
            const std::string_view word = m_words[i].lower;
            if (m_words[i].isInitial && score < kStrong) score += kSome;
            if (isCompanyForm(word)) score += kNever;
            if (isOfCompany(word) || (i + 1 == last && isStopWord(word))) score += kAgainst;
        }
        return score;
    }

    [[nodiscard]] int before(std::size_t first, bool hasTitle) const {
        if (first == 0) return 0;
        const std::string_view word = m_words[first - 1].lower;
        const std::string_view gap = gapBefore(first);
        if (m_lastFound == first && (gap == ", " || gap == "; ")) return kSome;
        if (m_lastFound + 1 == first && gap == " " && isOneOf(word, {"and", "or", "und", "et"})) {
            return kSome;
        }
        if (gap == ": ") {
            const bool isLabel =
                isRole(word) ||
                isOneOf(word, {"name", "contact", "by", "from", "cc", "present", "attendees",
                               "participants", "absent", "people", "apologies"});
            return isLabel ? kStrong : 0;
        }
        if (gap != " ") return 0;
        if (isRole(word)) return kStrong;
        if (word == "the" && !hasTitle) return kAgainst;
        if (isOneOf(word, {"in", "at", "near", "across", "outside", "throughout", "around"})) {
            return kAgainst;
        }
        // signed by, written by
        const std::string_view deed = first > 1 ? lowerAt(first - 2) : std::string_view();
        if (word == "by" && (deed.ends_with("ed") || deed.ends_with("en"))) return kSome;
        return isOneOf(word, {"by", "with", "met", "told", "asked", "thank", "thanked", "hired"})
                   ? 1
                   : 0;
    }

    [[nodiscard]] int behind(std::size_t last) const {
        const std::string_view rest = m_text.substr(m_words[last - 1].end);
        if (rest.starts_with(" & ")) return kAgainst;
        if (last >= m_words.size()) return 0;
        const std::string_view gap = gapBefore(last);
        if (isCompanyForm(lowerAt(last)) && (gap == " " || gap == ", ")) return kNever;
        const auto hasRoleFrom = [&](std::size_t from) {
            constexpr std::size_t kWithin = 4;
            for (std::size_t i = from; i < std::min(from + kWithin, m_words.size()); ++i) {
                if (i > from && gapBefore(i) != " ") return false;
                if (isRole(m_words[i].lower)) return true;
            }
            return false;
        };
        if (gap == " ") {
            if (isWhatPeopleDo(lowerAt(last))) return kSome;
            if (isOneOf(lowerAt(last), {"was", "were", "had"}) && gapBefore(last + 1) == " " &&
                isWhatPeopleDo(lowerAt(last + 1))) {
                return kSome;
            }
            const bool isBeing = isOneOf(lowerAt(last), {"is", "was", "became", "as"});
            return isBeing && gapBefore(last + 1) == " " && hasRoleFrom(last + 1) ? kStrong : 0;
        }
        if (gap == ", " || gap == " (") {
            if (isOneOf(lowerAt(last), {"aged", "born", "who", "whose"})) return kSome;
            // A list goes on, or the name is explained: the director
            return !mayBegin(m_words[last]) && hasRoleFrom(last) ? kStrong : 0;
        }
        return 0;
    }

    std::string_view m_text;
    std::vector<NameWord> m_words;
    std::vector<PatternMatch>& m_found;
    std::size_t m_lastFound = std::string_view::npos - 1;  ///< where the last name's words end
};

// --------------------------------------------------------------------------------------- in
// Chinese

constexpr auto kSurnames = std::to_array<std::string_view>(
    {"欧阳", "司马", "诸葛", "上官", "夏侯", "王", "李", "张", "刘", "陈", "杨", "黄", "赵",
     "吴",   "周",   "徐",   "孙",   "马",   "朱", "胡", "郭", "何", "林", "罗", "高", "郑",
     "梁",   "谢",   "宋",   "唐",   "许",   "韩", "冯", "邓", "曹", "彭", "曾", "肖", "田",
     "董",   "袁",   "潘",   "蒋",   "蔡",   "余", "杜", "叶", "程", "苏", "魏", "吕", "丁",
     "任",   "沈",   "姚",   "卢",   "姜",   "崔", "钟", "谭", "陆", "汪", "范", "金", "石",
     "廖",   "贾",   "夏",   "韦",   "方",   "白", "邹", "孟", "熊", "秦", "邱", "江", "尹",
     "薛",   "闫",   "段",   "雷",   "侯",   "龙", "史", "陶", "黎", "贺", "顾", "毛", "郝",
     "龚",   "邵",   "钱",   "严",   "武",   "戴", "莫", "孔", "汤", "梅", "柳", "樊", "施",
     "劉",   "陳",   "張",   "楊",   "黃",   "趙", "吳", "孫", "馬", "鄭", "許", "韓"});

constexpr auto kChineseTitles = std::to_array<std::string_view>(
    {"先生", "女士", "小姐", "教授", "博士", "经理", "主任",   "医生", "老师", "律师", "总监",
     "校长", "院长", "部长", "主席", "总裁", "董事", "工程师", "法官", "同志", "书记", "省长",
     "市长", "总理", "会计", "师傅", "科长", "处长", "局长",   "护士", "同学", "組長", "組长"});

constexpr auto kChineseRoles = std::to_array<std::string_view>(
    {"先生",   "女士",   "教授",   "博士", "经理",   "主任",   "医生",   "老师",   "律师", "总监",
     "校长",   "院长",   "部长",   "主席", "总裁",   "董事长", "工程师", "法官",   "同志", "书记",
     "市长",   "会计",   "负责人", "代表", "作者",   "员工",   "秘书",   "专员",   "组长", "参加者",
     "出席者", "与会者", "参与者", "队长", "司机",   "房东",   "租客",   "联系人", "证人", "记者",
     "导演",   "演员",   "歌手",   "诗人", "作家",   "学生",   "姓名",   "甲方",   "乙方", "同事",
     "邻居",   "店长",   "厨师",   "顾问", "设计师", "管理员", "人员",   "客户"});

constexpr auto kChineseDoings = std::to_array<std::string_view>(
    {"说",   "表示", "指出", "认为", "签署", "签字", "签订", "负责", "担任", "出生", "毕业", "介绍",
     "告诉", "强调", "提出", "主持", "参加", "出席", "保管", "撰写", "编写", "审核", "批准", "报告",
     "回答", "建议", "同意", "反对", "任职", "创办", "加入", "离职", "退休", "接替", "领取", "购买",
     "写道", "提交", "申请", "通知", "联系", "汇报", "完成", "检查", "发现", "收到", "住在", "来自",
     "分析", "准备", "辞职", "当选", "获得", "去世", "创作", "发明"});

/// In no given name, or the beginning of what follows one.
constexpr std::string_view kNotGiven =
    "的是了在和与有不这那公司市省县区说请给让找向及或将被把从到对为以就也都而其并但个们我你他她它什"
    "签负由于，。、；：";

/// Words that only look like surname and given name.
constexpr auto kOtherWords = std::to_array<std::string_view>(
    {"高度", "高级", "高层", "方面", "方法", "方案", "马上", "金额", "金融", "黄金", "白天", "严格",
     "江苏", "江西", "任何", "任务", "程序", "石油", "许多", "许可", "周末", "周围", "周一", "周二",
     "周三", "周四", "周五", "周六", "周日", "何时", "何人", "余额", "田间", "林业", "武汉", "钱款",
     "苏州", "金属", "雷达", "龙头", "石家", "段落", "孔子", "顾客", "白色", "马路", "江南", "唐代",
     "宋代", "任命", "方式", "方便", "高校", "高兴", "金牌", "陆续", "陆军", "史料", "夏季", "秦岭",
     "高管", "高端", "高温", "高考", "高铁", "高中", "高原", "高效", "高价", "高速", "高峰", "高手",
     "高达", "高等", "高空", "毛利", "任期", "万一", "余下", "严重", "徐徐"});

template <std::size_t N>
std::size_t lengthOfFirst(std::string_view text, const std::array<std::string_view, N>& list) {
    const auto found =
        std::find_if(list.begin(), list.end(), [&](auto each) { return text.starts_with(each); });
    return found != list.end() ? found->size() : 0;
}

int behindChinese(std::string_view rest, bool isLong) {
    if (lengthOfFirst(rest, kChineseTitles) > 0) return kStrong;
    if (isLong && rest.size() > 3 && rest.starts_with("于") && rest[3] >= '0' && rest[3] <= '9') {
        return kSome;  // 于2018年加入
    }
    for (const std::string_view adverb : {"也", "都", "曾", "将", "已", "于"}) {
        if (rest.starts_with(adverb)) rest.remove_prefix(adverb.size());
    }
    return lengthOfFirst(rest, kChineseDoings) > 0 ? kSome : 0;
}

int beforeChinese(std::string_view before, bool followsName) {
    if (followsName && (before.ends_with("、") || before.ends_with("和") ||
                        before.ends_with("与") || before.ends_with("，"))) {
        return kSome;
    }
    int label = 0;
    for (const std::string_view colon : {"：", ":", ": "}) {
        if (!before.ends_with(colon)) continue;
        before.remove_suffix(colon.size());
        label = 1;
        break;
    }
    for (const std::string_view role : kChineseRoles) {
        if (before.ends_with(role)) return kSome + label;
    }
    for (const std::string_view verb : {"联系", "联络", "致电", "采访"}) {
        if (before.ends_with(verb)) return kSome;
    }
    for (const std::string_view verb : {"由", "请", "给", "找", "向", "是"}) {
        if (before.ends_with(verb)) return 1;
    }
    return 0;
}

/// The name that begins at `at`; none if nothing speaks for it.
std::optional<PatternMatch> chinesePersonAt(std::string_view text, std::size_t at,
                                            std::size_t endOfLast) {
    const std::string_view rest = text.substr(at);
    const std::size_t surname = lengthOfFirst(rest, kSurnames);
    if (surname == 0 || lengthOfFirst(rest, kOtherWords) > 0) return std::nullopt;
    const std::string_view before = text.substr(0, at);
    constexpr std::size_t kCharacter = 3;
    const bool followsName = endOfLast > 0 && at == endOfLast + kCharacter;
    const int soFar = beforeChinese(before, followsName);
    const bool beginsSentence = before.empty() || before.ends_with("。") ||
                                before.ends_with("，") || before.ends_with('\n');
    std::vector<std::size_t> ends;  // of the surname, and of one and two given characters
    std::size_t end = surname;
    ends.push_back(end);
    for (int n = 0; n < 2 && end < rest.size(); ++n) {
        const std::size_t from = end;
        const char32_t c = nextCodePoint(rest, end);
        const bool isGiven =
            c >= 0x4E00 && c <= 0x9FFF &&
            kNotGiven.find(rest.substr(from, end - from)) == std::string_view::npos;
        if (!isGiven) break;
        ends.push_back(end);
    }
    std::optional<PatternMatch> best;
    int most = kEnough - 1;
    for (std::size_t n = ends.size(); n-- > 0;) {
        const std::string_view behind = rest.substr(ends[n]);
        const std::size_t title = lengthOfFirst(behind, kChineseTitles);
        if (n == 0 && title == 0) continue;
        const bool isLong = n == 2 && beginsSentence;
        int score = behindChinese(behind, isLong) + soFar;
        // 王磊。 and 王磊， are whole; 王磊 of 王磊磊 is not.
        std::size_t next = 0;
        const bool isWhole = behind.empty() || !isCjk(nextCodePoint(behind, next));
        if (n > 0 && soFar >= kSome && isWhole) score += 1;
        if (score <= most) continue;
        most = score;
        const std::size_t length = n == 0 ? ends[0] + title : ends[n];
        best = {{at, at + length}, std::string(rest.substr(0, length))};
    }
    return best;
}

void findChinesePeople(std::string_view text, std::vector<PatternMatch>& found) {
    std::size_t endOfLast = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if ((static_cast<unsigned char>(text[at]) & 0xF0U) != 0xE0U) continue;
        auto person = chinesePersonAt(text, at, endOfLast);
        if (!person) continue;
        endOfLast = person->span.endByte;
        at = endOfLast - 1;
        found.push_back(std::move(*person));
    }
}

}  // namespace

void findPeople(std::string_view text, std::vector<PatternMatch>& found) {
    PeopleFinder(text, found).run();
    findChinesePeople(text, found);
    std::stable_sort(found.begin(), found.end(), [](const PatternMatch& a, const PatternMatch& b) {
        return a.span.startByte < b.span.startByte;
    });
}

}  // namespace conclave::retrieval
