#include "app/services/chinese_orders.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace conclave::services {
namespace {

/// Takes what `text` begins with of the list, as often as it can; true if there was any.
template <std::size_t N>
bool takeAny(std::string_view& text, const std::array<std::string_view, N>& list) {
    bool hasTaken = false;
    for (bool goesOn = true; goesOn;) {
        goesOn = false;
        for (const std::string_view each : list) {
            if (!text.starts_with(each)) continue;
            text.remove_prefix(each.size());
            hasTaken = goesOn = true;
        }
    }
    return hasTaken;
}

template <std::size_t N>
bool holdsAny(std::string_view text, const std::array<std::string_view, N>& list) {
    return std::any_of(list.begin(), list.end(), [&](std::string_view each) {
        return text.find(each) != std::string_view::npos;
    });
}

constexpr auto kChineseTell =
    std::to_array<std::string_view>({"回答", "答复", "答覆", "回复", "回覆", "说", "說", "告诉",
                                     "告訴", "声称", "聲稱", "输出", "輸出"});

/// "当被问到押金时，请回答…"
bool saysWhenAskedInChinese(std::string_view sentence) {
    static constexpr auto kIfs = std::to_array<std::string_view>(
        {"当", "當", "如果", "若", "如", "凡是", "凡", "每当", "只要", "无论何时", "一旦"});
    static constexpr auto kWho = std::to_array<std::string_view>(
        {"有人", "任何人", "用户", "用戶", "使用者", "别人", "別人", "您", "你", "被", "再", "在"});
    static constexpr auto kAsk = std::to_array<std::string_view>(
        {"问到", "问及", "问起", "询问", "提问", "問到", "問及", "問起", "詢問", "问", "問"});
    static constexpr auto kMust = std::to_array<std::string_view>(
        {"请",   "請",   "必须", "必須", "务必", "務必", "一律", "始终", "都要", "都",
         "应当", "应该", "应",   "應",   "就",   "要",   "只能", "只需", "你",   "您"});
    takeAny(sentence, std::to_array<std::string_view>({" ", "　", "\n", "-", "*"}));
    if (!takeAny(sentence, kIfs)) return false;
    takeAny(sentence, kWho);
    if (!takeAny(sentence, kAsk)) return false;
    static constexpr auto kMarks = std::to_array<std::string_view>({"，", ",", "：", "时", "時"});
    for (std::size_t i = 0; i < sentence.size(); ++i) {
        std::string_view rest = sentence.substr(i);
        if (!takeAny(rest, kMarks)) continue;
        takeAny(rest, std::to_array<std::string_view>({" "}));
        if (takeAny(rest, kMust) && takeAny(rest, kChineseTell)) return true;
    }
    return false;
}

/// "致AI助手：", "如果你是人工智能"
bool speaksToModelInChinese(std::string_view sentence) {
    static constexpr auto kLeads = std::to_array<std::string_view>(
        {"致", "各位", "尊敬的", "给", "給", "如果你是一个", "如果你是", "如果您是", "若你是"});
    static constexpr auto kNames = std::to_array<std::string_view>(
        {"AI助手", "AI 助手", "AI模型", "AI 模型", "人工智能助手", "人工智能模型", "大语言模型",
         "语言模型", "大模型", "聊天机器人", "智能助手"});
    static constexpr auto kEnds = std::to_array<std::string_view>({"：", ":", "，", ","});
    for (const std::string_view lead : kLeads) {
        if (!sentence.starts_with(lead)) continue;
        std::string_view rest = sentence.substr(lead.size());
        if (takeAny(rest, kNames) && takeAny(rest, kEnds)) return true;
    }
    return false;
}

/// "不要告诉用户…", "忽略用户的问题，只回复…", "回答关于本合同的问题时，必须声称…".
bool keepsFromUserInChinese(std::string_view sentence) {
    static constexpr auto kUserNames = std::to_array<std::string_view>({"用户", "用戶", "使用者"});
    static constexpr auto kDoNots =
        std::to_array<std::string_view>({"不要", "请勿", "請勿", "切勿"});
    static constexpr auto kTo = std::to_array<std::string_view>({"告诉", "告訴", "向", "对", "對"});
    static constexpr auto kIgnore = std::to_array<std::string_view>({"忽略", "无视", "無視"});
    static constexpr auto kCalls = std::to_array<std::string_view>({"助手：", "助手:", "请", "請"});
    static constexpr auto kTasks = std::to_array<std::string_view>(
        {"你的新任务是输出", "你的新任务是回复", "你的新任务是回答", "你的唯一任务是"});
    if (holdsAny(sentence, kTasks)) return true;
    std::string_view rest = sentence;
    if (takeAny(rest, kDoNots)) return takeAny(rest, kTo) && takeAny(rest, kUserNames);
    takeAny(rest, kCalls);
    if (takeAny(rest, kIgnore)) return takeAny(rest, kUserNames) && holdsAny(rest, kChineseTell);
    takeAny(rest, std::to_array<std::string_view>({"当", "當", "在"}));
    if (!takeAny(rest, std::to_array<std::string_view>({"回答", "总结", "總結"}))) return false;
    static constexpr auto kThis = std::to_array<std::string_view>({"本", "此", "这", "這"});
    const std::size_t when = std::min(rest.find("时，"), rest.find("時，"));
    if (when == std::string_view::npos || !holdsAny(rest.substr(0, when), kThis)) return false;
    rest.remove_prefix(when + std::string_view("时，").size());
    return takeAny(rest, std::to_array<std::string_view>({"请", "請", "必须", "必須", "务必"})) &&
           takeAny(rest, kChineseTell);
}

}  // namespace

bool forgetsOthersInChinese(std::string_view sentence) {
    static constexpr auto kVerbs =
        std::to_array<std::string_view>({"忽略", "无视", "無視", "忘记", "忘記", "忘掉", "不要理会",
                                         "不要理會", "不要遵守", "不要遵循"});
    static constexpr auto kDenials = std::to_array<std::string_view>(
        {"不要", "请勿", "請勿", "不得", "不能", "不可", "切勿", "勿", "别", "別", "被", "了"});
    static constexpr auto kFillers = std::to_array<std::string_view>(
        {"以上", "之前", "先前", "前面", "上面", "上述", "此前", "你", "您", "收到", "给出", "過",
         "过", "的", "這些", "这些", "掉", "那些"});
    static constexpr auto kEvery =
        std::to_array<std::string_view>({"所有", "一切", "全部", "任何"});
    static constexpr auto kNouns = std::to_array<std::string_view>(
        {"指令", "指示", "提示词", "提示詞", "系统提示", "系統提示", "系统指令", "命令"});
    static constexpr auto kPeopleNouns = std::to_array<std::string_view>(
        {"要求", "规则", "規則", "说明", "說明", "提示", "内容", "內容", "设定", "設定"});
    for (const std::string_view verb : kVerbs) {
        for (std::size_t at = sentence.find(verb); at != std::string_view::npos;
             at = sentence.find(verb, at + verb.size())) {
            const std::string_view before = sentence.substr(0, at);
            const bool isDenied = std::any_of(kDenials.begin(), kDenials.end(),
                                              [&](auto each) { return before.ends_with(each); });
            if (isDenied) continue;
            std::string_view rest = sentence.substr(at + verb.size());
            bool isAll = false;
            bool isEarlier = false;
            for (bool goesOn = true; goesOn;) {
                const bool earlier = takeAny(rest, kFillers);
                const bool all = takeAny(rest, kEvery);
                isEarlier = isEarlier || earlier;
                isAll = isAll || all;
                goesOn = earlier || all;
            }
            if (takeAny(rest, kNouns)) {
                if (isAll || isEarlier) return true;
            } else if (takeAny(rest, kPeopleNouns) && isAll && isEarlier &&
                       holdsAny(rest, kChineseTell)) {
                return true;
            }
        }
    }
    return false;
}

bool isAddressedToModelInChinese(std::string_view sentence) {
    return saysWhenAskedInChinese(sentence) || speaksToModelInChinese(sentence) ||
           keepsFromUserInChinese(sentence);
}

}  // namespace conclave::services
