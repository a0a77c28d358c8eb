#include "app/services/question.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "app/services/small_talk.h"
#include "base/utf8.h"

namespace conclave::services {
namespace {

/// Lower-case ASCII words; letters of other scripts stay as they are and belong to words.
std::vector<std::string> wordsOf(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x80 || std::isalnum(byte) != 0 || c == '\'') {
            word.push_back(static_cast<char>(byte < 0x80 ? std::tolower(byte) : byte));
        } else if (!word.empty()) {
            words.push_back(std::move(word));
            word.clear();
        }
    }
    if (!word.empty()) words.push_back(std::move(word));
    return words;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) {
        if (!text.empty()) text += ' ';
        text += word;
    }
    return text;
}

template <std::size_t N>
bool isOneOf(std::string_view text, const std::array<std::string_view, N>& list) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

bool isCjk(char32_t c) { return (c >= 0x3040 && c <= 0x30FF) || (c >= 0x3400 && c <= 0x9FFF); }

/// Length as a reader feels it: a CJK character says about as much as half a word.
std::size_t countWordsAndHalves(std::string_view text) {
    std::size_t nCjk = 0;
    for (std::size_t i = 0; i < text.size();) {
        if (isCjk(nextCodePoint(text, i))) ++nCjk;
    }
    return nCjk > 0 ? (nCjk + 1) / 2 : wordsOf(text).size();
}

/// "Summarise: The garden opens at seven. …": an order, a colon, and the text to work on.
bool asksToRework(std::string_view text) {
    static constexpr std::array<std::string_view, 17> kOrders = {
        "summarise", "summarize", "rewrite", "rephrase", "translate", "correct",
        "proofread", "shorten",   "put",     "turn",     "convert",   "make",
        "rework",    "simplify",  "polish",  "format",   "paraphrase"};
    static constexpr std::array<std::string_view, 8> kChineseOrders = {
        "总结", "概括", "翻译", "改写", "润色", "缩写", "校对", "把"};
    constexpr std::size_t kFarthestColon = 80;  // bytes
    constexpr std::size_t kShortestText = 12;
    const std::size_t start = std::min(text.find_first_not_of(" \t\r\n"), text.size());
    text.remove_prefix(start);
    std::size_t after = std::string_view::npos;
    for (const std::string_view colon : {":", "：", "\n"}) {
        const std::size_t found = text.find(colon);
        if (found <= kFarthestColon) after = std::min(after, found + colon.size());
    }
    if (after == std::string_view::npos || text.size() < after + kShortestText) return false;
    std::vector<std::string> words = wordsOf(text.substr(0, after));
    std::erase(words, "please");
    if (!words.empty() && isOneOf(words.front(), kOrders)) return true;
    return std::any_of(kChineseOrders.begin(), kChineseOrders.end(),
                       [&](std::string_view order) { return text.starts_with(order); });
}

}  // namespace

bool isSmallTalk(std::string_view text) {
    // Longer ones first: what is said is taken apart from the left.
    static constexpr auto kPhrases =
        std::to_array<std::string_view>({"thank you very much for your help",
                                         "thanks for your help",
                                         "tell me about yourself",
                                         "what can you do for me",
                                         "thank you very much",
                                         "what is your purpose",
                                         "what is your name",
                                         "nice to meet you",
                                         "can you help me",
                                         "introduce yourself",
                                         "what can you do",
                                         "thank you so much",
                                         "what's your name",
                                         "how are you today",
                                         "are you a robot",
                                         "are you human",
                                         "how's it going",
                                         "thanks a lot",
                                         "good afternoon",
                                         "are you an ai",
                                         "how do you do",
                                         "good morning",
                                         "good evening",
                                         "what are you",
                                         "that helped me",
                                         "never mind",
                                         "who are you",
                                         "how are you",
                                         "that helped",
                                         "that helps",
                                         "well done",
                                         "what's up",
                                         "thank you",
                                         "good night",
                                         "good job",
                                         "good day",
                                         "very much",
                                         "see you",
                                         "so much",
                                         "got it",
                                         "i see",
                                         "goodbye",
                                         "welcome",
                                         "perfect",
                                         "thanks",
                                         "hello",
                                         "there",
                                         "later",
                                         "again",
                                         "great",
                                         "please",
                                         "okay",
                                         "help",
                                         "cool",
                                         "nice",
                                         "hey",
                                         "bye",
                                         "thx",
                                         "hi",
                                         "ok"});
    if (chineseSmallTalkOf(text)) return true;
    std::string words = joined(wordsOf(text));
    // Full-width punctuation at the end is part of the last word above.
    for (const std::string_view mark : {"\uff01", "\u3002", "\uff1f", "\uff5e"}) {
        if (words.ends_with(mark)) words.resize(words.size() - mark.size());
    }
    if (words.empty()) return false;
    // These say something only beside another.
    for (const std::string_view alone : {"there", "later", "again", "please", "very much"}) {
        if (words == alone) return false;
    }
    std::string_view rest = words;
    while (!rest.empty()) {
        const auto phrase = std::find_if(kPhrases.begin(), kPhrases.end(), [&](const auto& each) {
            return rest.starts_with(each) &&
                   (rest.size() == each.size() || rest[each.size()] == ' ');
        });
        if (phrase == kPhrases.end()) return false;
        rest.remove_prefix(std::min(phrase->size() + 1, rest.size()));
    }
    return true;
}

bool bringsItsOwnText(std::string_view text) {
    constexpr std::size_t kLongQuestion = 600;  // characters
    constexpr std::size_t kShortText = 200;
    const std::size_t nCharacters = countCodePoints(text);
    const bool hasBlocks = text.find("\n\n") != std::string_view::npos ||
                           std::count(text.begin(), text.end(), '\n') >= 4;
    return nCharacters > kLongQuestion || (hasBlocks && nCharacters > kShortText) ||
           asksToRework(text);
}

bool isInLatinLetters(std::string_view text) {
    constexpr char32_t kLastLatin = 0x24F;  // Latin Extended-B
    std::size_t nLatin = 0;
    std::size_t nOther = 0;
    for (std::size_t i = 0; i < text.size();) {
        const char32_t c = nextCodePoint(text, i);
        const bool isAsciiLetter = c < 0x80 && std::isalpha(static_cast<int>(c)) != 0;
        const bool isPunctuation = c >= 0x2000 && c <= 0x206F;
        if (isAsciiLetter || (c >= 0xC0 && c <= kLastLatin)) ++nLatin;
        if (c > kLastLatin && !isPunctuation) ++nOther;
    }
    return nLatin >= nOther;
}

bool isChinese(std::string_view text) {
    bool hasHan = false;
    for (std::size_t i = 0; i < text.size();) {
        const char32_t c = nextCodePoint(text, i);
        if (c >= 0x3040 && c <= 0x30FF) return false;
        hasHan = hasHan || isCjk(c);
    }
    return hasHan;
}

bool isFollowUp(std::string_view text) {
    static constexpr std::array<std::string_view, 23> kPointers = {
        "it",    "its",  "this", "that", "these", "those",  "they",  "them",
        "their", "he",   "she",  "him",  "her",   "his",    "there", "then",
        "else",  "more", "same", "also", "why",   "former", "latter"};
    static constexpr std::array<std::string_view, 4> kOpenings = {"and", "but", "so", "or"};
    static constexpr std::array<std::string_view, 6> kChinesePointers = {
        "\u5b83", "\u8fd9", "\u90a3", "\u4ed6", "\u5979", "\u5462"};
    constexpr std::size_t kShort = 3;
    constexpr std::size_t kLongEnoughToStandAlone = 14;
    const std::size_t length = countWordsAndHalves(text);
    if (length <= kShort) return true;
    if (length > kLongEnoughToStandAlone) return false;
    const std::vector<std::string> words = wordsOf(text);
    if (!words.empty() && isOneOf(words.front(), kOpenings)) return true;
    const bool pointsBack = std::any_of(words.begin(), words.end(), [](const std::string& word) {
        return isOneOf(word, kPointers);
    });
    return pointsBack || std::any_of(kChinesePointers.begin(), kChinesePointers.end(),
                                     [&](std::string_view pointer) {
                                         return text.find(pointer) != std::string_view::npos;
                                     });
}

std::string searchQuery(std::string_view question, std::string_view previousQuestion) {
    std::string query(question);
    // Words of another language would bring in documents of that language.
    if (!previousQuestion.empty() && isFollowUp(question) &&
        isChinese(question) == isChinese(previousQuestion)) {
        query += '\n';
        query += previousQuestion;
    }
    return query;
}

std::string titleFor(std::string_view question) {
    constexpr std::size_t kLongest = 60;
    const std::size_t start = question.find_first_not_of(" \t\r\n");
    if (start == std::string_view::npos) return {};
    std::string_view line = question.substr(start);
    line = line.substr(0, line.find_first_of("\r\n"));
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0) {
        line.remove_suffix(1);
    }
    if (countCodePoints(line) <= kLongest) return std::string(line);
    std::string_view cut = line.substr(0, byteOffsetOf(line, kLongest));
    constexpr std::size_t kShortestKept = 30;
    if (const std::size_t space = cut.rfind(' ');
        space != std::string_view::npos && space > kShortestKept) {
        cut = cut.substr(0, space);
    }
    return std::string(cut) + "\u2026";
}

}  // namespace conclave::services
