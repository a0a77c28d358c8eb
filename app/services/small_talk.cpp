#include "app/services/small_talk.h"

#include <algorithm>
#include <array>
#include <utility>

namespace conclave::services {
namespace {

using Talk = ChineseSmallTalk;

/// Longer ones first: what is said is taken apart from the left.
constexpr auto kChineseTalk = std::to_array<std::pair<std::string_view, Talk>>({
    {"请介绍一下你自己", Talk::Who},
    {"你能帮我做些什么", Talk::What},
    {"介绍一下你自己", Talk::Who},
    {"你能帮我做什么", Talk::What},
    {"你可以帮我什么", Talk::What},
    {"你有什么功能", Talk::What},
    {"你叫什么名字", Talk::Who},
    {"很高兴认识你", Talk::Greeting},
    {"你能做些什么", Talk::What},
    {"谢谢你的帮助", Talk::Thanks},
    {"你是机器人吗", Talk::Who},
    {"请介绍你自己", Talk::Who},
    {"你最近怎么样", Talk::HowAreYou},
    {"介绍你自己", Talk::Who},
    {"你可以做什么", Talk::What},
    {"你能帮我吗", Talk::What},
    {"你能做什么", Talk::What},
    {"你会做什么", Talk::What},
    {"你能干什么", Talk::What},
    {"你会什么", Talk::What},
    {"你叫什么", Talk::Who},
    {"自我介绍", Talk::Who},
    {"非常感谢", Talk::Thanks},
    {"十分感谢", Talk::Thanks},
    {"早上好", Talk::Greeting},
    {"上午好", Talk::Greeting},
    {"中午好", Talk::Greeting},
    {"下午好", Talk::Greeting},
    {"晚上好", Talk::Greeting},
    {"大家好", Talk::Greeting},
    {"你好吗", Talk::HowAreYou},
    {"您好吗", Talk::HowAreYou},
    {"你是谁", Talk::Who},
    {"您是谁", Talk::Who},
    {"谢谢你", Talk::Thanks},
    {"谢谢您", Talk::Thanks},
    {"谢谢了", Talk::Thanks},
    {"感谢你", Talk::Thanks},
    {"辛苦了", Talk::Thanks},
    {"太好了", Talk::Acknowledgement},
    {"知道了", Talk::Acknowledgement},
    {"明白了", Talk::Acknowledgement},
    {"没关系", Talk::Acknowledgement},
    {"不客气", Talk::Acknowledgement},
    {"没事了", Talk::Acknowledgement},
    {"你好", Talk::Greeting},
    {"您好", Talk::Greeting},
    {"哈喽", Talk::Greeting},
    {"谢谢", Talk::Thanks},
    {"多谢", Talk::Thanks},
    {"感谢", Talk::Thanks},
    {"再见", Talk::Farewell},
    {"拜拜", Talk::Farewell},
    {"晚安", Talk::Farewell},
    {"好的", Talk::Acknowledgement},
    {"嗨", Talk::Greeting},
});

/// Signs and particles that part such phrases.
constexpr auto kBetween =
    std::to_array<std::string_view>({" ",  "\t", "\r", "\n", ",",  ".", "!",  "?",  "~",  "，",
                                     "。", "！", "？", "～", "、", "…", "呀", "啊", "啦", "呢"});

template <typename List>
std::size_t lengthOfMark(std::string_view text, const List& marks) {
    const auto found = std::find_if(marks.begin(), marks.end(),
                                    [&](std::string_view mark) { return text.starts_with(mark); });
    return found == marks.end() ? 0 : found->size();
}

}  // namespace

std::optional<ChineseSmallTalk> chineseSmallTalkOf(std::string_view text) {
    std::optional<Talk> last;
    bool isParted = true;  // "你好吗酒店在哪里" is no greeting, nor is "你好你好" two
    while (!text.empty()) {
        if (const std::size_t length = lengthOfMark(text, kBetween); length > 0) {
            text.remove_prefix(length);
            isParted = true;
            continue;
        }
        const auto phrase =
            std::find_if(kChineseTalk.begin(), kChineseTalk.end(),
                         [&](const auto& each) { return text.starts_with(each.first); });
        if (phrase == kChineseTalk.end() || !isParted) return std::nullopt;
        const bool wantsAnswer = phrase->second != Talk::Acknowledgement;
        // "你好，谢谢" thanks; "你是谁？谢谢" asks.
        const bool wasAsked = last == Talk::Who || last == Talk::What || last == Talk::HowAreYou;
        const bool asks = phrase->second == Talk::Who || phrase->second == Talk::What;
        if (!last || (wantsAnswer && (!wasAsked || asks))) last = phrase->second;
        text.remove_prefix(phrase->first.size());
        isParted = false;
    }
    return last;
}

std::string answerTo(ChineseSmallTalk talk, const std::string& model) {
    switch (talk) {
        case Talk::Acknowledgement: return "好的。还有什么可以帮您？";
        case Talk::Greeting: return "您好！请问您想从文档中了解什么？";
        case Talk::HowAreYou: return "我很好，谢谢！请问您想从文档中了解什么？";
        case Talk::Thanks: return "不客气！";
        case Talk::Farewell: return "再见！";
        case Talk::Who:
            return "我是 " + model +
                   "，随 Conclave "
                   "提供的小型演示模型，完全在您的电脑上运行。我根据您的文档回答问题，"
                   "并注明出处。";
        case Talk::What:
            return "我可以在您的文档中查找问题的答案并注明出处，也可以列出、统计文档中的内容。我是"
                   "小型"
                   "演示模型，只能用英文写回答；对中文问题，我引用文档原文。";
    }
    return {};
}

}  // namespace conclave::services
