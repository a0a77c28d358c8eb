#include "retrieval/furniture.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/utf8.h"

namespace conclave::retrieval {
namespace {

constexpr std::size_t kFewestRepeats = 3;
constexpr std::size_t kEdgeLines = 3;          ///< of a head, and of a foot
constexpr std::size_t kLongestEdgeLine = 200;  ///< bytes

bool isBlankByte(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool isDigitByte(char c) { return c >= '0' && c <= '9'; }

std::string_view lineWords(std::string_view line) {
    while (!line.empty() && isBlankByte(line.front())) line.remove_prefix(1);
    while (!line.empty() && isBlankByte(line.back())) line.remove_suffix(1);
    return line;
}

/// Lines that are not blank, with their line ends.
std::vector<TextSpan> filledLines(std::string_view text) {
    std::vector<TextSpan> lines;
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t newline = text.find('\n', start);
        const std::size_t end = newline == std::string_view::npos ? text.size() : newline + 1;
        if (!lineWords(text.substr(start, end - start)).empty()) lines.push_back({start, end});
        start = end;
    }
    return lines;
}

/// Value of a number in digits or small Roman letters; none for anything else.
std::optional<int> pageNumberOf(std::string_view word) {
    constexpr std::size_t kMostDigits = 5;
    constexpr std::size_t kMostLetters = 8;
    if (word.empty()) return std::nullopt;
    int value = 0;
    if (std::all_of(word.begin(), word.end(), isDigitByte)) {
        if (word.size() > kMostDigits) return std::nullopt;
        for (const char c : word) value = 10 * value + (c - '0');
        return value;
    }
    if (word.size() > kMostLetters) return std::nullopt;
    int last = 0;
    for (std::size_t i = word.size(); i-- > 0;) {
        int letter = 0;
        switch (word[i]) {
            case 'i': letter = 1; break;
            case 'v': letter = 5; break;
            case 'x': letter = 10; break;
            case 'l': letter = 50; break;
            case 'c': letter = 100; break;
            default: return std::nullopt;
        }
        value += letter < last ? -letter : letter;
        last = std::max(last, letter);
    }
    return value;
}

struct NumberPlace {
    std::size_t start = 0;
    std::size_t end = 0;
    int value = 0;
};

/// Where a line's first or last number stands. A Roman one is a word at the line's end or begin.
std::optional<NumberPlace> numberIn(std::string_view line, bool last) {
    const std::size_t space = last ? line.rfind(' ') : line.find(' ');
    const std::size_t from = last && space != std::string_view::npos ? space + 1 : 0;
    const std::size_t to = last ? line.size() : std::min(space, line.size());
    if (const auto value = pageNumberOf(line.substr(from, to - from))) {
        return NumberPlace{from, to, *value};
    }
    const auto isDigit = [&](std::size_t i) { return isDigitByte(line[i]); };
    std::size_t start = 0;
    std::size_t end = 0;
    if (last) {
        end = line.size();
        while (end > 0 && !isDigit(end - 1)) --end;
        start = end;
        while (start > 0 && isDigit(start - 1)) --start;
    } else {
        while (start < line.size() && !isDigit(start)) ++start;
        end = start;
        while (end < line.size() && isDigit(end)) ++end;
    }
    const auto value = pageNumberOf(line.substr(start, end - start));
    if (!value) return std::nullopt;
    return NumberPlace{start, end, *value};
}

/// What equal lines of different pages have in common: their words, their words with one number as
/// its distance from the page's, and of the outermost line its beginning ("Chapter 3. Locks" before
/// each section's name).
std::vector<std::string> edgeKeys(std::string_view line, int page, bool isTop, bool isOutermost) {
    std::string plain(1, isTop ? 't' : 'b');
    for (const char c : lineWords(line)) {
        const char next = isBlankByte(c) ? ' ' : c;
        if (next != ' ' || plain.back() != ' ') plain.push_back(next);
    }
    std::vector<std::string> keys{plain};
    for (const bool last : {false, true}) {
        const auto words = std::string_view(plain).substr(1);
        const auto number = numberIn(words, last);
        if (!number) continue;
        std::string key(1, plain.front());
        key.append(words.substr(0, number->start)).append("\x01");
        key.append(std::to_string(number->value - page)).append("\x01");
        key.append(words.substr(number->end));
        keys.push_back(std::move(key));
    }
    constexpr int kWordsOfBeginning = 4;
    std::size_t end = 0;
    for (int n = 0; isOutermost && n < kWordsOfBeginning && end != std::string::npos; ++n) {
        end = plain.find(' ', end + 1);
    }
    if (isOutermost && end != std::string::npos) keys.push_back(plain.substr(0, end) + "\x02");
    return keys;
}

/// The lines at the edges of a document's pages.
class EdgeLines {
public:
    explicit EdgeLines(const ExtractedDocument& document) : m_document(document) {
        for (std::size_t i = 0; i < document.pages.size(); ++i) {
            m_lines.push_back(filledLines(document.pages[i].text));
            for (const bool isTop : {true, false}) {
                for (std::size_t n = 0; n < nEdgeLines(i); ++n) {
                    for (std::string& key : keysOf(i, isTop, n)) {
                        Seen& seen =
                            m_seen.try_emplace(std::move(key), Seen{i, i, 0}).first->second;
                        if (seen.nPages > 0 && seen.last == i) continue;
                        seen.last = i;
                        ++seen.nPages;
                    }
                }
            }
        }
        for (const Heading& heading : document.headings)
            m_headings[heading.page].push_back(heading);
    }

    [[nodiscard]] TextSpan bodyOf(std::size_t page) const {
        TextSpan body{0, m_document.pages[page].text.size()};
        for (std::size_t n = 0; n < nEdgeLines(page); ++n) {
            if (!isRunning(page, true, n)) break;
            body.startByte = lineAt(page, true, n).endByte;
        }
        for (std::size_t n = 0; n < nEdgeLines(page); ++n) {
            const TextSpan line = lineAt(page, false, n);
            if (line.startByte < body.startByte || !isRunning(page, false, n)) break;
            body.endByte = line.startByte;
        }
        return body;
    }

private:
    struct Seen {
        std::size_t first = 0;
        std::size_t last = 0;
        std::size_t nPages = 0;
    };

    [[nodiscard]] std::size_t nEdgeLines(std::size_t page) const {
        return std::min(m_lines[page].size(), kEdgeLines);
    }
    [[nodiscard]] TextSpan lineAt(std::size_t page, bool isTop, std::size_t n) const {
        const std::vector<TextSpan>& lines = m_lines[page];
        return isTop ? lines[n] : lines[lines.size() - 1 - n];
    }
    [[nodiscard]] std::vector<std::string> keysOf(std::size_t page, bool isTop,
                                                  std::size_t n) const {
        const TextSpan line = lineAt(page, isTop, n);
        if (line.endByte - line.startByte > kLongestEdgeLine) return {};
        return edgeKeys(std::string_view(m_document.pages[page].text)
                            .substr(line.startByte, line.endByte - line.startByte),
                        static_cast<int>(page), isTop, n == 0);
    }
    [[nodiscard]] bool isHeading(std::size_t page, TextSpan line) const {
        const auto found = m_headings.find(m_document.pages[page].number);
        return found != m_headings.end() &&
               std::any_of(found->second.begin(), found->second.end(), [&](const Heading& each) {
                   return each.startByte < line.endByte && each.endByte > line.startByte;
               });
    }
    [[nodiscard]] bool isRunning(std::size_t page, bool isTop, std::size_t n) const {
        if (isHeading(page, lineAt(page, isTop, n))) return false;
        const std::vector<std::string> keys = keysOf(page, isTop, n);
        return std::any_of(keys.begin(), keys.end(), [&](const std::string& key) {
            const Seen& seen = m_seen.at(key);
            return seen.nPages >= kFewestRepeats && seen.first < page;
        });
    }

    const ExtractedDocument& m_document;
    std::vector<std::vector<TextSpan>> m_lines;  ///< by page
    std::unordered_map<std::string, Seen> m_seen;
    std::unordered_map<int, std::vector<Heading>> m_headings;
};

/// A line as tables of contents have them.
struct ContentsLine {
    bool hasLeader = false;
    std::optional<int> number;  ///< at its end
};

/// Bytes of the leader's mark at the end of `line`, and how many dots it stands for.
std::pair<std::size_t, int> leaderMarkAtEnd(std::string_view line) {
    constexpr auto kMarks = std::to_array<std::pair<std::string_view, int>>({{".", 1},
                                                                             {"\u00B7", 1},
                                                                             {"\u2024", 1},
                                                                             {"\u2025", 2},
                                                                             {"\u2026", 3},
                                                                             {"\u30FB", 1},
                                                                             {"\uFF0E", 1},
                                                                             {"_", 1}});
    for (const auto& [mark, nDots] : kMarks) {
        if (line.ends_with(mark)) return {mark.size(), nDots};
    }
    return {0, 0};
}

ContentsLine readContentsLine(std::string_view line) {
    constexpr int kFewestDots = 4;
    constexpr std::size_t kLongestLine = 300;
    ContentsLine read;
    line = lineWords(line);
    if (line.size() > kLongestLine) return read;
    std::size_t start = line.size();
    while (start > 0 && !isBlankByte(line[start - 1]) &&
           leaderMarkAtEnd(line.substr(0, start)).first == 0) {
        --start;
    }
    read.number = pageNumberOf(line.substr(start));
    std::string_view rest = read.number ? line.substr(0, start) : line;
    int nDots = 0;
    while (true) {
        rest = lineWords(rest);
        const auto [nBytes, dots] = leaderMarkAtEnd(rest);
        if (nBytes == 0) break;
        nDots += dots;
        rest.remove_suffix(nBytes);
    }
    read.hasLeader = nDots >= kFewestDots;
    return read;
}

}  // namespace

std::vector<TextSpan> pageBodies(const ExtractedDocument& document) {
    std::vector<TextSpan> bodies;
    if (document.pages.size() < kFewestRepeats) {
        for (const ExtractedPage& page : document.pages) bodies.push_back({0, page.text.size()});
        return bodies;
    }
    const EdgeLines lines(document);
    for (std::size_t i = 0; i < document.pages.size(); ++i) bodies.push_back(lines.bodyOf(i));
    return bodies;
}

std::vector<TextSpan> contentsLines(std::string_view text) {
    constexpr std::size_t kFewestLeaders = 2;
    // Next to no text has a leader at all, and this is asked of every one.
    if (text.find("..") == std::string_view::npos && text.find(". .") == std::string_view::npos &&
        text.find("\u2026") == std::string_view::npos &&
        text.find("\u00B7\u00B7") == std::string_view::npos &&
        text.find("__") == std::string_view::npos) {
        return {};
    }
    const std::vector<TextSpan> lines = filledLines(text);
    std::vector<ContentsLine> read;
    std::size_t nLeaders = 0;
    std::size_t nSteps = 0;
    std::size_t nFalls = 0;
    std::optional<int> last;
    for (const TextSpan& line : lines) {
        read.push_back(
            readContentsLine(text.substr(line.startByte, line.endByte - line.startByte)));
        const ContentsLine& now = read.back();
        if (!now.hasLeader) continue;
        ++nLeaders;
        if (!now.number) continue;
        if (last) ++nSteps;
        if (last && *now.number < *last) ++nFalls;
        last = now.number;
    }
    if (nLeaders < kFewestLeaders || 4 * nFalls > nSteps) return {};
    std::vector<bool> isOne(lines.size());
    for (std::size_t i = 0; i < lines.size(); ++i) isOne[i] = read[i].hasLeader;
    const auto follow = [&](std::size_t i, std::size_t neighbour) {
        if (isOne[neighbour] && read[i].number) isOne[i] = true;
    };
    for (std::size_t i = 1; i < lines.size(); ++i) follow(i, i - 1);
    for (std::size_t i = lines.size(); i-- > 1;) follow(i - 1, i);
    // An entry of two lines.
    for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
        if (isOne[i - 1] && isOne[i + 1]) isOne[i] = true;
    }
    std::vector<TextSpan> found;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (isOne[i]) found.push_back(lines[i]);
    }
    return found;
}

bool isContents(std::string_view text) {
    std::size_t nBytes = 0;
    for (const TextSpan& line : contentsLines(text)) nBytes += line.endByte - line.startByte;
    return nBytes > 0 && 2 * nBytes >= text.size();
}

}  // namespace conclave::retrieval
