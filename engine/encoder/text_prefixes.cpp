#include "engine/encoder/text_prefixes.h"

namespace conclave::engine {
namespace {

constexpr std::string_view kSearchInstruction =
    "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: ";
constexpr std::string_view kRepresent = "Represent this sentence for searching relevant passages: ";
constexpr std::string_view kRepresentChinese = "为这个句子生成表示以用于检索相关文章：";

/// "Bge Small En v1.5" and "bge-small-en-v1.5" as " bge small en v1 5 ".
std::string wordsOf(std::string_view name) {
    std::string words = " ";
    for (const char c : name) {
        const bool isUpper = c >= 'A' && c <= 'Z';
        const bool isWord = isUpper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        words += isUpper ? static_cast<char>(c - 'A' + 'a') : isWord ? c : ' ';
    }
    return words + " ";
}

}  // namespace

TextPrefixes prefixesOf(std::string_view architecture, std::string_view name) {
    if (architecture == "nomic-bert" || architecture == "nomic-bert-moe") {
        return {"search_query: ", "search_document: "};
    }
    if (architecture == "gemma-embedding") {
        return {"task: search result | query: ", "title: none | text: "};
    }
    if (architecture == "qwen3")
        return {kSearchInstruction.substr(0, kSearchInstruction.size() - 1), ""};
    const std::string words = wordsOf(name);
    const auto has = [&](std::string_view word) { return words.find(word) != std::string::npos; };
    if (has(" e5 ")) {
        if (has(" instruct ")) return {kSearchInstruction, ""};
        return {"query: ", "passage: "};
    }
    if (has(" arctic embed ")) return {has(" v2 ") ? "query: " : kRepresent, ""};
    if (has(" mxbai embed ")) return {kRepresent, ""};
    if (has(" bge ") && has(" en ")) return {kRepresent, ""};
    if (has(" bge ") && has(" zh ")) return {kRepresentChinese, ""};
    return {};
}

}  // namespace conclave::engine
