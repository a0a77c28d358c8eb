#include "app/services/passage_list.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "app/services/document_orders.h"
#include "app/services/question.h"
#include "app/services/said_in_text.h"

namespace conclave::services {
namespace {

constexpr std::string_view kBetweenReadCells = " \u00b7 ";  // of readableText()
constexpr std::string_view kApart = " \u2014 ";
constexpr std::string_view kJoiner = "\u2060";  // no width, no break

bool isMarkdownFile(const std::filesystem::path& path) {
    return path.extension() == ".md" || path.extension() == ".markdown";
}

std::string oneSpaced(std::string_view text) {
    std::string line;
    for (const char c : text) {
        const bool isSpace = c == ' ' || c == '\t' || c == '\r';
        if (isSpace && (line.empty() || line.back() == ' ')) continue;
        line += isSpace ? ' ' : c;
    }
    while (line.ends_with(' ')) line.pop_back();
    return line;
}

/// A sentence is at its end, or something follows as it is.
bool endsByItself(std::string_view line) {
    static constexpr auto kEnds = std::to_array<std::string_view>(
        {".", "!", "?", ":", ";", ",", "…", "。", "！", "？", "：", "；", "，"});
    return std::any_of(kEnds.begin(), kEnds.end(),
                       [&](std::string_view end) { return line.ends_with(end); });
}

bool isDigitAt(std::string_view text, std::size_t at) {
    return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

/// Headings end a paragraph, though no empty line may follow.
std::string withHeadingsApart(std::string_view source, const std::filesystem::path& path) {
    std::string apart;
    bool mayBegin = true;
    while (!source.empty()) {
        const std::size_t heading = mayBegin ? headingLength(source, path) : 0;
        const std::size_t length =
            heading > 0 ? heading : std::min(source.find('\n'), source.size() - 1) + 1;
        const std::string_view line = source.substr(0, length);
        apart.append(line).append(heading > 0 ? "\n" : "");
        mayBegin = heading > 0 || isMarkdownFile(path) ||
                   endsByItself(oneSpaced(line.substr(0, line.find('\n'))));
        source.remove_prefix(length);
    }
    return apart;
}

}  // namespace

std::size_t headingLength(std::string_view text, const std::filesystem::path& path) {
    constexpr std::size_t kMostBytes = 60;
    constexpr std::size_t kMostWords = 7;
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return 0;
    const std::string_view line = text.substr(0, end);
    if (isMarkdownFile(path)) return line.starts_with('#') ? end + 1 : 0;
    const std::size_t next = text.find_first_not_of(" \t\r\n", end);
    if (next == std::string_view::npos || line.empty() || line.size() > kMostBytes) return 0;
    const auto isLetterOfCase = [](char c, int (*isCase)(int)) {
        return isCase(static_cast<unsigned char>(c)) != 0;
    };
    const std::string_view lastWord = line.substr(line.rfind(' ') + 1);
    // "… kept by" goes on in the next line.
    const bool goesOn = retrieval::queryTerms(std::string(lastWord) + " zebrafinch").size() < 2;
    if (!isLetterOfCase(line.front(), std::isupper) || !isLetterOfCase(text[next], std::isupper) ||
        endsByItself(oneSpaced(line)) || goesOn || line.find(" | ") != std::string_view::npos ||
        static_cast<std::size_t>(std::count(line.begin(), line.end(), ' ')) >= kMostWords) {
        return 0;
    }
    const std::string_view following = text.substr(next, text.find('\n', next) - next);
    return 10 * line.size() < 7 * following.size() ? end + 1 : 0;
}

std::string listLine(std::string_view source, const std::filesystem::path& path) {
    const std::string readable = readableText(withHeadingsApart(source, path), path).text;
    std::string line;
    bool isParagraphEnd = false;
    bool wasRow = false;
    for (std::size_t start = 0; start < readable.size();) {
        const std::size_t end = std::min(readable.find('\n', start), readable.size());
        const std::string text = oneSpaced(std::string_view(readable).substr(start, end - start));
        start = end + 1;
        if (text.empty()) {
            isParagraphEnd = true;
            continue;
        }
        const bool isRow = text.find(kBetweenReadCells) != std::string::npos;
        if (!line.empty()) {
            const bool isApart = (isParagraphEnd || isRow || wasRow) && !endsByItself(line);
            line += isApart ? (isRow && wasRow ? "; " : kApart) : " ";
        }
        line += withEscapes(text);
        isParagraphEnd = false;
        wasRow = isRow;
    }
    return line;
}

std::string withEscapes(std::string_view text) {
    std::string markdown;
    const std::size_t nDigits = std::min(text.find_first_not_of("0123456789"), text.size());
    const bool isNumbered = nDigits > 0 && nDigits + 1 < text.size() &&
                            (text[nDigits] == '.' || text[nDigits] == ')') &&
                            text[nDigits + 1] == ' ';
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool isAlwaysMark = std::string_view("\\`*_<~").find(c) != std::string_view::npos;
        const bool isMarkAtStart =
            i == 0 && std::string_view("#+->=").find(c) != std::string_view::npos;
        if (isAlwaysMark || isMarkAtStart || (isNumbered && i == nDigits)) markdown += '\\';
        markdown += c;
        if (c == '[' && isDigitAt(text, i + 1)) markdown += kJoiner;
    }
    return markdown;
}

std::string withoutEscapes(std::string_view markdown) {
    std::string text;
    for (std::size_t i = 0; i < markdown.size(); ++i) {
        const char c = markdown[i];
        const bool hasNext = i + 1 < markdown.size();
        if (c == '\\' && hasNext && std::ispunct(static_cast<unsigned char>(markdown[i + 1]))) {
            text += markdown[++i];
            continue;
        }
        text += c;
        if (c == '[' && markdown.substr(i + 1).starts_with(kJoiner)) i += kJoiner.size();
    }
    return text;
}

void keepNearest(std::string_view question, std::vector<StoredPassage>& passages) {
    constexpr std::size_t kFew = 2;
    if (isChinese(question)) return;
    const StemSet asked = askedForBy(question).stems;
    std::size_t nHalf = 0;
    std::erase_if(passages, [&](const StoredPassage& passage) {
        StemSet held;
        for (const AskedWord& word :
             wordsAsAsked(passage.title + "\n" + passage.heading + "\n" + passage.text)) {
            // "2+2" is about no passage that has a 2.
            const bool isNumber = word.stem.find_first_not_of("0123456789") == std::string::npos;
            if (!isNumber && asked.contains(word.stem)) held.insert(word.stem);
        }
        if (2 * held.size() >= asked.size()) ++nHalf;
        return held.empty();
    });
    if (nHalf == 0 && passages.size() > kFew) passages.resize(kFew);
}

PassageList listPassages(std::string_view question, std::string preface,
                         std::vector<StoredPassage> passages) {
    constexpr std::size_t kShown = 5;
    constexpr std::size_t kCharacters = 400;  // of each
    if (passages.size() > kShown) passages.resize(kShown);
    // What scores far below the best only shares a word with the question.
    std::erase_if(passages, [best = passages.empty() ? 0.0 : passages.front().score](
                                const auto& passage) { return passage.score < best / 2; });
    // Nor does a page's head say anything, unless there is nothing else.
    const auto isHead = [&](const StoredPassage& passage) {
        const auto shown = retrieval::excerptFor(question, passage.text, kCharacters);
        return passage.path.ends_with(".pdf") &&
               isFragment(std::string_view(passage.text)
                              .substr(shown.startByte, shown.endByte - shown.startByte));
    };
    if (!std::all_of(passages.begin(), passages.end(), isHead)) std::erase_if(passages, isHead);
    // An order to an assistant is the last thing to look at.
    std::stable_partition(passages.begin(), passages.end(), [&](const StoredPassage& passage) {
        const auto shown = retrieval::excerptFor(question, passage.text, kCharacters);
        return !hasOrder(ordersIn(passage.text), shown);
    });
    PassageList list;
    list.text = std::move(preface);
    if (!passages.empty()) list.text += "\n";
    int number = 0;
    for (StoredPassage& passage : passages) {
        passage.number = ++number;
        const retrieval::TextSpan shown =
            retrieval::excerptFor(question, passage.text, kCharacters);
        const std::string quote =
            passage.text.substr(shown.startByte, shown.endByte - shown.startByte);
        list.text += "\n- " + listLine(quote, passage.path) + " ";
        const std::string mark = std::string("[").append(std::to_string(number)).append("]");
        list.citations.push_back({.answerStart = list.text.size(),
                                  .answerEnd = list.text.size() + mark.size(),
                                  .passage = number,
                                  .quoteStart = passage.startByte + shown.startByte,
                                  .quoteEnd = passage.startByte + shown.endByte,
                                  .quote = quote,
                                  .supported = true});
        list.text += mark;
    }
    list.passages = std::move(passages);
    return list;
}

}  // namespace conclave::services
