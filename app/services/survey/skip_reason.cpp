#include "app/services/survey/skip_reason.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "app/services/reading.h"
#include "base/visible_text.h"

namespace conclave::services {
namespace {

struct KnownReason {
    std::string_view part;  ///< of the English reason
    std::string_view chinese;
};
/// The first one that a reason has counts.
constexpr auto kKnownReasons = std::to_array<KnownReason>({
    {kNotReadYet, "尚未读取"},
    {"tesseract is not installed", "没有可读的文字，且未安装文字识别程序 tesseract"},
    {"tesseract found no text", "没有识别出文字"},
    {"tesseract could not read", "文字识别失败"},
    {"no text", "没有可读的文字"},
    {"password is wrong", "密码不正确"},
    {"password", "有密码保护"},
    {"encrypted", "已加密"},
    {"copy protection", "有版权保护"},
    {"empty", "内容为空"},
    {"binary data", "是二进制数据，不是文本"},
    {"not supported", "不支持这种格式"},
    {"takes longer to read", "读取时间超过上限"},
    {"more memory", "读取所需内存超过上限"},
    {"over the limit", "超过大小上限"},
    {"the limit for one document", "超过大小上限"},
    {"larger than", "超过大小上限"},
    {"longer than", "超过大小上限"},
    {"holds more than", "超过大小上限"},
    {"hold more than", "超过大小上限"},
    {"more than", "超过大小上限"},
    {"exceeds", "超过大小上限"},
    {"too large", "太大"},
    {"too deep", "结构过于复杂"},
    {"too many", "结构过于复杂"},
    {"damaged", "文件已损坏"},
    {"is no JSON", "不是有效的 JSON"},
    {"has no", "文件不完整"},
    {"cannot open", "无法打开"},
    {"cannot read", "无法读取"},
    {"cannot be reached", "无法访问"},
    {"removed", "已被移走"},
    {"stopped", "读取被中断"},
});

std::string fileNameIn(std::string_view path) {
    return withEscapes(visibleLine(std::filesystem::path(path).filename().string()));
}

}  // namespace

std::string skipReason(std::string_view why, bool isChinese) {
    if (why.starts_with(kSameAs)) {
        const std::string name = fileNameIn(why.substr(kSameAs.size()));
        return isChinese ? "与 " + name + " 相同" : std::string(kSameAs) + name;
    }
    if (isChinese && why == kIsTable) return "是表格，请按列名提问";
    // What can be done about it stands with the document.
    const std::string first = withEscapes(visibleLine(why.substr(0, why.find(';'))));
    if (!isChinese) return first;
    const auto known = std::find_if(
        kKnownReasons.begin(), kKnownReasons.end(),
        [&](const KnownReason& each) { return why.find(each.part) != std::string_view::npos; });
    if (known != kKnownReasons.end()) return std::string(known->chinese);
    return first.empty() ? "无法读取" : "无法读取：" + first;
}

}  // namespace conclave::services
