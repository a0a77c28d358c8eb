#include <algorithm>
#include <optional>

#include "retrieval/extractor/ascii.h"
#include "retrieval/extractor/markdown_headings.h"

namespace conclave::retrieval::extractor {
namespace {

std::size_t indentOf(std::string_view line) {
    std::size_t width = 0;
    for (const char c : line) {
        if (c == ' ') {
            ++width;
        } else if (c == '\t') {
            width += 4 - width % 4;
        } else {
            break;
        }
    }
    return width;
}

std::size_t countLeading(std::string_view text, char c) {
    const std::size_t end = text.find_first_not_of(c);
    return end == std::string_view::npos ? text.size() : end;
}

/// An open fence of code: its mark, and how many of them close it.
struct Fence {
    char mark = '`';
    std::size_t length = 3;
};

std::optional<Fence> openingFence(std::string_view line) {
    for (const char mark : {'`', '~'}) {
        const std::size_t length = countLeading(line, mark);
        if (length < 3) continue;
        if (mark == '`' && line.find('`', length) != std::string_view::npos) continue;
        return Fence{mark, length};
    }
    return std::nullopt;
}

bool closes(const Fence& fence, std::string_view line) {
    const std::size_t length = countLeading(line, fence.mark);
    return length >= fence.length && length == line.size();
}

/// The words of an ATX heading line, and its level in `level`; empty if it is none.
std::string_view atxWords(std::string_view line, int& level) {
    const std::size_t marks = countLeading(line, '#');
    if (marks == 0 || marks > 6) return {};
    if (marks < line.size() && line[marks] != ' ' && line[marks] != '\t') return {};
    level = static_cast<int>(marks);
    std::string_view words = asciiTrimmed(line.substr(marks));
    const std::size_t lastWord = words.find_last_not_of('#');
    if (lastWord == std::string_view::npos) return {};
    if (lastWord + 1 < words.size() && (words[lastWord] == ' ' || words[lastWord] == '\t')) {
        words = asciiTrimmed(words.substr(0, lastWord));
    }
    return words;
}

/// Level of a setext underline, 0 if the line is none.
int underlineLevel(std::string_view line) {
    if (line.empty() || (line[0] != '=' && line[0] != '-')) return 0;
    if (countLeading(line, line[0]) != line.size()) return 0;
    return line[0] == '=' ? 1 : 2;
}

bool startsOtherBlock(std::string_view line) {
    return line.starts_with('>') || line.starts_with("- ") || line.starts_with("* ") ||
           line.starts_with("+ ") || line.starts_with('|') || line.starts_with('<');
}

}  // namespace

std::vector<Heading> markdownHeadings(std::string_view text) {
    std::vector<Heading> headings;
    std::optional<Fence> fence;
    bool inFrontMatter = false;
    std::string_view paragraph;  // the line before, if it is a paragraph of one line so far
    std::size_t nParagraphLines = 0;
    const auto add = [&](std::string_view words, int level) {
        const auto start = static_cast<std::size_t>(words.data() - text.data());
        headings.push_back(
            {.page = 1, .startByte = start, .endByte = start + words.size(), .level = level});
    };
    for (std::size_t lineStart = 0; lineStart < text.size();) {
        const std::size_t newline = text.find('\n', lineStart);
        const std::size_t lineEnd = newline == std::string_view::npos ? text.size() : newline;
        const std::string_view whole = text.substr(lineStart, lineEnd - lineStart);
        const std::string_view line = asciiTrimmed(whole);
        const bool isFirst = lineStart == 0;
        lineStart = lineEnd + 1;

        if (inFrontMatter) {
            inFrontMatter = line != "---" && line != "...";
            continue;
        }
        if (isFirst && line == "---" && text.find("\n---", lineEnd) != std::string_view::npos) {
            inFrontMatter = true;
            continue;
        }
        if (fence) {
            if (closes(*fence, line)) fence.reset();
            continue;
        }
        if (line.empty()) {
            nParagraphLines = 0;
            continue;
        }
        if (indentOf(whole) >= 4) {
            if (nParagraphLines > 0) ++nParagraphLines;
            continue;
        }
        if (auto opened = openingFence(line)) {
            fence = opened;
            nParagraphLines = 0;
            continue;
        }
        int level = 0;
        if (const std::string_view words = atxWords(line, level); !words.empty()) {
            add(words, level);
            nParagraphLines = 0;
            continue;
        }
        if (const int underlined = underlineLevel(line); underlined != 0) {
            if (nParagraphLines == 1) add(paragraph, underlined);
            nParagraphLines = 0;
            continue;
        }
        nParagraphLines = startsOtherBlock(line) ? 0 : nParagraphLines + 1;
        paragraph = line;
    }
    return headings;
}

std::vector<TextRange> markdownComments(std::string_view text) {
    std::vector<TextRange> comments;
    std::optional<Fence> fence;
    for (std::size_t lineStart = 0; lineStart < text.size();) {
        const std::size_t lineEnd = std::min(text.find('\n', lineStart), text.size());
        const std::string_view whole = text.substr(lineStart, lineEnd - lineStart);
        const std::string_view line = asciiTrimmed(whole);
        std::size_t next = lineEnd + 1;
        if (fence) {
            if (closes(*fence, line)) fence.reset();
        } else if (auto opened = openingFence(line); opened && indentOf(whole) < 4) {
            fence = opened;
        } else if (indentOf(whole) < 4) {
            std::size_t nBackticks = 0;
            for (std::size_t at = lineStart; at < lineEnd; ++at) {
                if (text[at] == '`') ++nBackticks;
                if (nBackticks % 2 != 0 || text.substr(at, 4) != "<!--") continue;
                const bool beginsLine = text.data() + at == line.data();
                const std::size_t end = text.find("-->", at + 4);
                if (end == std::string_view::npos && !beginsLine) break;
                const std::size_t behind = end == std::string_view::npos ? text.size() : end + 3;
                comments.push_back({at, behind});
                next = behind;
                break;
            }
        }
        lineStart = next;
    }
    return comments;
}

}  // namespace conclave::retrieval::extractor
