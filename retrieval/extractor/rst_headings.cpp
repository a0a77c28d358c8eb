#include "retrieval/extractor/rst_headings.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace conclave::retrieval::extractor {
namespace {

struct Line {
    std::size_t start = 0;
    std::string_view text;  ///< without white space at its end
};

std::vector<Line> linesOf(std::string_view text) {
    std::vector<Line> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t newline = std::min(text.find('\n', at), text.size());
        std::string_view line = text.substr(at, newline - at);
        const std::size_t last = line.find_last_not_of(" \t\r");
        lines.push_back({at, line.substr(0, last == std::string_view::npos ? 0 : last + 1)});
        at = newline + 1;
    }
    return lines;
}

/// The mark that the whole line is made of; 0 if there is none.
char adornment(std::string_view line) {
    constexpr std::string_view kMarks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    if (line.size() < 2 || kMarks.find(line.front()) == std::string_view::npos) return 0;
    return line.find_first_not_of(line.front()) == std::string_view::npos ? line.front() : '\0';
}

/// A row shorter than its title is none, but for wide letters, which count twice there.
bool isLongEnough(std::string_view row, std::string_view title) {
    return row.size() >= std::min<std::size_t>(countCodePoints(title), 4) &&
           row.size() + 2 >= countCodePoints(title);
}

}  // namespace

std::vector<Heading> rstHeadings(std::string_view text, std::vector<TextRange>& adornments) {
    const std::vector<Line> lines = linesOf(text);
    std::vector<std::pair<char, bool>> kinds;  // mark, and whether there is a line above
    std::vector<Heading> headings;
    const auto add = [&](const Line& title, char mark, bool hasOverline) {
        const std::pair kind{mark, hasOverline};
        auto known = std::find(kinds.begin(), kinds.end(), kind);
        if (known == kinds.end()) known = kinds.insert(kinds.end(), kind);
        const std::size_t indent = title.text.find_first_not_of(" \t");
        headings.push_back({.page = 1,
                            .startByte = title.start + indent,
                            .endByte = title.start + title.text.size(),
                            .level = std::min(static_cast<int>(known - kinds.begin()) + 1, 6)});
    };
    // With its line end, so that the line vanishes.
    const auto noteAdornment = [&](std::size_t line) {
        const std::size_t behind = line + 1 < lines.size() ? lines[line + 1].start : text.size();
        adornments.push_back({lines[line].start, behind});
    };
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
        const std::string_view line = lines[i].text;
        const std::string_view next = lines[i + 1].text;
        const char mark = adornment(line);
        if (mark != 0 && i + 2 < lines.size() && !next.empty() && adornment(next) == 0 &&
            adornment(lines[i + 2].text) == mark && lines[i + 2].text.size() == line.size()) {
            add(lines[i + 1], mark, true);
            noteAdornment(i);
            noteAdornment(i + 2);
            i += 2;
        } else if (mark == 0 && !line.empty() && line.front() != ' ' && line.front() != '\t' &&
                   adornment(next) != 0 && isLongEnough(next, line) &&
                   (i == 0 || lines[i - 1].text.empty())) {
            add(lines[i], adornment(next), false);
            noteAdornment(i + 1);
            ++i;
        }
    }
    return headings;
}

}  // namespace conclave::retrieval::extractor
