#include "app/services/survey/chinese_question.h"

#include <algorithm>
#include <array>

#include "app/services/survey/question_subject.h"
#include "app/services/survey/question_words.h"

namespace conclave::services {
namespace {

using namespace std::string_view_literals;

constexpr auto kChineseSaying =
    std::to_array<std::string_view>({"提到", "提及", "提过", "包含", "含有", "出现", "谈到", "讨论",
                                     "涉及", "引用", "说到", "关于"});
constexpr auto kChineseAll = std::to_array<std::string_view>(
    {"所有", "全部", "这些", "这批", "整个", "各", "每", "我的", "一切", "两份", "几份"});

bool asksForChineseRule(std::string_view text) {
    return hasAny(text, {"需要"sv, "必须"sv, "应该"sv, "应当"sv, "可以"sv, "最多"sv, "最少"sv,
                         "至少"sv, "要带"sv, "要提交"sv, "要交"sv, "准备"sv, "每年"sv, "每月"sv,
                         "每天"sv, "每周"sv, "一次能"sv, "申请"sv, "报销"sv});
}

/// "这些文件里", "我的资料", "文档里": all documents, not one of them.
bool meansAllChineseDocuments(std::string_view text) {
    const DocumentNoun noun = chineseDocumentNoun(text);
    if (noun.endByte == 0) return false;
    const std::string_view before = text.substr(0, noun.startByte);
    const std::string_view after = text.substr(noun.endByte);
    const bool isInside = after.starts_with("里") || after.starts_with("中");
    const bool isPlural = noun.isAnyDocument || noun.endByte - noun.startByte > 6 ||
                          text.substr(noun.startByte).starts_with("笔记") ||
                          text.substr(noun.startByte).starts_with("邮件");
    const bool isOne = before.ends_with("该") || before.ends_with("这份") ||
                       before.ends_with("那份") || before.ends_with("本");
    return !isOne && (hasAny(before, kChineseAll) || (isInside && isPlural));
}

/// Takes the noun of documents out, as a place where it says which.
void askForChineseDocuments(SurveyQuestion& asked, std::string& rest, const DocumentNoun& noun) {
    asked.ofDocuments = true;
    if (noun.isAnyDocument) return;
    asked.place = subjectOf(rest.substr(noun.startByte, noun.endByte - noun.startByte));
    asked.isPlaceOfKind = true;
    rest.replace(noun.startByte, noun.endByte - noun.startByte, " ");
}

bool isChineseCount(std::string_view text, SurveyQuestion& asked, std::string& rest) {
    static constexpr auto kMeasures =
        std::to_array<std::string_view>({"", "份", "个", "篇", "封", "张", "条", "本", "页", "则"});
    const bool isTimes = hasAny(text, {"几次"sv, "多少次"sv, "次数"sv, "多少处"sv});
    if (isTimes) {
        asked.kind = SurveyKind::Count;
        asked.isSure = hasAny(text, {"出现"sv, "提到"sv, "提及"sv, "谈到"sv});
        return true;
    }
    if (!hasAny(text, {"多少"sv, "几"sv})) return false;
    constexpr std::size_t kLongestMeasure = 3;  // bytes: a character, and nothing behind it
    asked.kind = SurveyKind::Count;
    if (asksForChineseRule(text)) return true;
    for (const std::string_view number : {"多少"sv, "几"sv}) {
        const std::size_t at = text.find(number);
        if (at == std::string_view::npos) continue;
        const std::string_view behind = text.substr(at + number.size());
        for (const std::string_view measure : kMeasures) {
            if (!behind.starts_with(measure)) continue;
            const std::size_t from = at + number.size() + measure.size();
            const DocumentNoun noun = chineseDocumentNoun(text, from);
            // "采购合同": a word before the noun is of its name.
            constexpr std::size_t kBefore = 12;  // bytes: four characters
            const std::size_t nBefore = measure.empty() ? 0 : kBefore;
            if (noun.endByte == 0 || noun.startByte > from + nBefore) continue;
            const std::string_view between = text.substr(from, noun.startByte - from);
            if (hasAny(between, {"的"sv, "在"sv, "是"sv, "，"sv})) continue;
            asked.isSure = true;
            askForChineseDocuments(asked, rest,
                                   noun.isAnyDocument ? noun : DocumentNoun{from, noun.endByte});
            return true;
        }
        // "采购合同有几份": what is counted stands before the number.
        const DocumentNoun before = chineseDocumentNoun(text.substr(0, at));
        const bool isMeasured = hasAny(behind, std::span(kMeasures).subspan(1, 6));
        const std::string_view between =
            before.endByte > 0 ? text.substr(before.endByte, at - before.endByte) : "，";
        if (!isMeasured || behind.size() > kLongestMeasure ||
            !(between.empty() || between == "有" || between == "共有" || between == "一共有" ||
              between == "总共有" || between == "一共")) {
            continue;
        }
        asked.isSure = true;
        const std::size_t named = before.isAnyDocument ? before.startByte : 0;
        askForChineseDocuments(asked, rest, {named, before.endByte, before.isAnyDocument});
        return true;
    }
    asked.isSure = meansAllChineseDocuments(text);
    return true;
}

bool isChineseList(std::string_view text, SurveyQuestion& asked, std::string& rest) {
    const bool isOrder = hasAny(
        text, {"列出"sv, "列举"sv, "找出"sv, "列一下"sv, "罗列"sv, "整理"sv, "汇总"sv, "收集"sv});
    if (isOrder) {
        asked.kind = SurveyKind::List;
        asked.isSure = hasAny(text, kChineseAll) || hasAny(text, kChineseSaying) ||
                       meansAllChineseDocuments(text);
        std::string forms(text);
        asked.isSure = asked.isSure || !takePatterns(forms).empty();
        asked.ofDocuments =
            hasAny(text, {"所有文件"sv, "所有文档"sv, "全部文件"sv, "全部文档"sv, "我的文件"sv});
        return true;
    }
    const DocumentNoun noun = chineseDocumentNoun(text);
    if (noun.endByte == 0 || asksForChineseRule(text)) return false;
    const std::string_view before = text.substr(0, noun.startByte);
    const auto endsWith = [&](std::initializer_list<std::string_view> ends) {
        return std::any_of(ends.begin(), ends.end(),
                           [&](std::string_view end) { return before.ends_with(end); });
    };
    const std::string_view behind = text.substr(noun.endByte);
    if (behind.starts_with("要") || behind.starts_with("须") || behind.starts_with("得"))
        return false;
    const bool isWhich = endsWith({"哪些", "哪几份", "哪几个", "哪几篇", "哪几封", "哪几张"});
    static constexpr auto kExtremes = std::to_array<std::string_view>(
        {"最高", "最低", "最多", "最少", "最大", "最小", "最长", "最短", "最贵", "最便宜"});
    const bool isOne = endsWith({"哪份", "哪个", "哪篇", "哪封", "哪张", "哪一份", "哪一个"});
    if (isOne && hasAny(behind, kExtremes)) {
        asked.kind = SurveyKind::List;
        asked.isSure = true;
        asked.isOfEach = true;
        askForChineseDocuments(asked, rest, noun);
        asked.ofDocuments = false;
        for (const std::string_view extreme : kExtremes) {
            if (const std::size_t at = rest.find(extreme); at != std::string::npos) {
                rest.replace(at, extreme.size(), " ");
            }
        }
        for (const std::string_view which :
             {"哪一份"sv, "哪一个"sv, "哪份"sv, "哪个"sv, "哪篇"sv, "哪封"sv, "哪张"sv}) {
            if (rest.starts_with(which)) rest.erase(0, which.size());
        }
        return true;
    }
    const bool isWhether = hasAny(before, {"有没有"sv, "是否有"sv}) && hasAny(text, kChineseSaying);
    if (isWhich || isWhether) {
        asked.kind = SurveyKind::List;
        asked.isSure = true;
        askForChineseDocuments(asked, rest, noun);
        return true;
    }
    if (endsWith({"每份", "每个", "每篇", "每封", "各份", "各个", "每张"})) {
        asked.kind = SurveyKind::List;
        asked.isSure = true;
        askForChineseDocuments(asked, rest, noun);
        asked.ofDocuments = false;
        return true;
    }
    const bool isInside = behind.starts_with("里") || behind.starts_with("中");
    const bool isSaidInside = isInside && before.empty() && hasAny(text, kChineseSaying);
    if ((meansAllChineseDocuments(text) || isSaidInside) &&
        (hasAny(text, {"哪些"sv, "什么"sv, "哪几"sv}) ||
         (text.ends_with("吗") && hasAny(text, kChineseSaying)))) {
        asked.kind = SurveyKind::List;
        asked.isSure = true;
        return true;
    }
    return false;
}

bool isChineseSummary(std::string_view text, SurveyQuestion& asked, std::string& rest) {
    const bool isOrder = hasAny(text, {"总结"sv, "概括"sv, "归纳"sv, "概述"sv, "综述"sv});
    const bool isAbout = hasAny(text, {"讲什么"sv, "写什么"sv, "说什么"sv, "讲了什么"sv,
                                       "写了什么"sv, "关于什么"sv, "什么内容"sv}) &&
                         meansAllChineseDocuments(text);
    if (!isOrder && !isAbout) return false;
    asked.kind = SurveyKind::Summarise;
    asked.isSure = isAbout || hasAny(text, kChineseAll);
    if (isAbout) rest.clear();
    for (const std::string_view word : kChineseAll) {
        if (const std::size_t at = rest.find(word); at != std::string::npos) {
            rest.erase(at, word.size());
        }
    }
    const DocumentNoun noun = chineseDocumentNoun(rest);
    if (noun.endByte > 0) {
        if (!noun.isAnyDocument) {
            asked.place = rest.substr(noun.startByte, noun.endByte - noun.startByte);
            asked.isPlaceOfKind = true;
        }
        rest.erase(noun.startByte, noun.endByte - noun.startByte);
    }
    return true;
}

}  // namespace

bool isChineseSurvey(std::string_view text, SurveyQuestion& asked, std::string& rest) {
    return isChineseSummary(text, asked, rest) || isChineseList(text, asked, rest) ||
           isChineseCount(text, asked, rest);
}

}  // namespace conclave::services
