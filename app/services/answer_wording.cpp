#include "app/services/answer_wording.h"

#include "app/services/question.h"
#include "app/services/reading.h"

namespace conclave::services {

std::string saysNoModel(std::string_view question, const std::string& reason) {
    if (isChinese(question))
        return "现在没有模型能够回答：" + reason + "。\n\n以下是与问题最相符的段落：";
    return "No model can answer now: " + reason + ".\n\nThese passages fit the question best:";
}

std::string saysEnglishOnly(std::string_view question, const std::string& model, bool hasPassages) {
    if (isChinese(question)) {
        return model +
               " 是演示模型，只懂英文，所以没有写出回答。要得到中文回答，请添加一个更大的模型。" +
               (hasPassages ? "\n\n以下是与问题最相符的段落：" : "");
    }
    return model +
           " is a demonstration model that reads English only, so it has written no answer; a "
           "larger model will." +
           (hasPassages ? "\n\nThese passages fit the question best:" : "");
}

std::string saysCouldNotAnswer(std::string_view question, const std::string& model,
                               bool hasPassages) {
    if (isChinese(question)) {
        return model + " 是小型演示模型，没能写出有依据的回答。" +
               (hasPassages ? "\n\n以下是与问题最相符的段落：" : "");
    }
    return model +
           " is a small demonstration model and found no answer that it could put into words." +
           (hasPassages ? "\n\nThese passages fit the question best:" : "");
}

std::string saysNotInDocuments(std::string_view question, bool hasPassages) {
    if (isChinese(question)) {
        return std::string("文档中没有找到这个问题的答案。") +
               (hasPassages ? "\n\n最接近的段落：" : "");
    }
    return std::string("I could not find that in your documents.") +
           (hasPassages ? "\n\nThese passages come nearest:" : "");
}

std::string saysFiltered(std::string_view question, const DocumentFilter& filter) {
    const bool inChinese = isChinese(question);
    const std::string between = inChinese ? "、" : ", ";
    std::string what;
    const auto add = [&](const std::string& label, const std::string& value) {
        if (!value.empty()) what += (what.empty() ? "" : between) + label + value;
    };
    for (const std::string& type : filter.types) add(inChinese ? "类型 " : "type ", type);
    for (const std::string& file : filter.files) {
        const std::string name = withEscapes(file);
        add(inChinese ? "名称" : "name ", "“" + name + "”");
    }
    add(inChinese ? "修改不早于 " : "changed since ", filter.since);
    add(inChinese ? "修改不晚于 " : "changed until ", filter.until);
    if (inChinese) return "按照筛选条件只搜索了部分文档（" + what + "）。";
    return "Only some documents were searched, as the filter says (" + what + "). ";
}

std::string saysNoDocuments(std::string_view question) {
    if (isChinese(question)) {
        return "此对话只根据文档回答，但现在没有可用的文档。请添加文件夹、选择一个文档集，"
               "或在对话设置中关闭“Only from documents”。";
    }
    return "This chat answers from documents alone, and there are none to ask. Add a folder, "
           "choose "
           "a collection, or switch off “Only from documents” for this chat.";
}

std::string saysQuote(std::string_view question, const std::string& quote, bool isNearest) {
    if (isChinese(question)) {
        return (isNearest ? "文档中最接近的一句：“" : "文档中写道：“") + quote + "”";
    }
    if (isNearest) return "Nearest to this your documents say: “" + quote + "”";
    return "Your documents say: “" + quote + "”";
}

std::string saysQuoted(std::string_view question, const std::string& model) {
    if (isChinese(question)) return "（以上引自文档原文，不是 " + model + " 写的。）";
    return "(A quotation from the document; " + model + " did not write it.)";
}

std::string saysFromModelAlone(std::string_view question) {
    if (isChinese(question)) return "文档中没有找到相关内容；以下是模型自己的回答。\n\n";
    return "I could not find anything about this in your documents; what follows is the model's "
           "own.\n\n";
}

std::string saysNothingSupports(std::string_view question) {
    if (isChinese(question)) return "\n\n（所给段落中没有一句支持这个回答，请核对来源。）";
    return "\n\n(None of the passages says any of this; check it against the sources.)";
}

}  // namespace conclave::services
