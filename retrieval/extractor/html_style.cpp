#include "retrieval/extractor/html_style.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace conclave::retrieval::extractor {
namespace {

std::string lowerWithoutSpace(std::string_view text) {
    std::string lower;
    for (const char c : text) {
        if (c == ' ' || (c >= '\t' && c <= '\r')) continue;
        lower.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c);
    }
    return lower;
}

/// The number a value begins with; `fallback` if it begins with none.
double leadingNumber(const std::string& value, double fallback) {
    char* end = nullptr;
    const double number = std::strtod(value.c_str(), &end);
    return end == value.c_str() ? fallback : number;
}

bool isTinySize(const std::string& value) {
    const double size = leadingNumber(value, 16.0);
    const bool isAbsolute = value.ends_with("px") || value.ends_with("pt");
    return size <= 0.0 || (isAbsolute && size <= 1.0);
}

bool isFarAway(const std::string& value) { return leadingNumber(value, 0.0) <= -999.0; }

std::string lowerAscii(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    return lower;
}

constexpr std::string_view kSpace = " \t\r\n\f";

}  // namespace

std::string normalColour(std::string_view colour) {
    const std::string value = lowerWithoutSpace(colour);
    if (value == "white") return "#ffffff";
    if (value == "black") return "#000000";
    constexpr std::string_view kHex = "0123456789abcdef";
    if (value.size() == 4 && value[0] == '#') {
        return {'#', value[1], value[1], value[2], value[2], value[3], value[3]};
    }
    int red = 0;
    int green = 0;
    int blue = 0;
    if (std::sscanf(value.c_str(), "rgb(%3d,%3d,%3d", &red, &green, &blue) == 3) {
        std::string hex = "#";
        for (const int part : {red, green, blue}) {
            const auto byte = static_cast<std::size_t>(std::clamp(part, 0, 255));
            hex.push_back(kHex[byte / 16]);
            hex.push_back(kHex[byte % 16]);
        }
        return hex;
    }
    return value;
}

bool isHiddenByStyle(std::string_view style, Look& look) {
    bool isNotShown = false;
    bool isClear = false;
    bool isAway = false;
    bool noWidth = false;
    bool noHeight = false;
    bool clips = false;
    bool colourChanged = false;
    while (!style.empty()) {
        const std::string_view declaration = style.substr(0, style.find(';'));
        style.remove_prefix(std::min(style.size(), declaration.size() + 1));
        const std::size_t colon = declaration.find(':');
        if (colon == std::string_view::npos) continue;
        const std::string property = lowerWithoutSpace(declaration.substr(0, colon));
        const std::string value = lowerWithoutSpace(declaration.substr(colon + 1));
        if (property == "display") isNotShown = value.starts_with("none");
        if (property == "visibility") {
            look.isInvisible = value.starts_with("hidden") || value.starts_with("collapse");
        }
        if (property == "opacity") isClear = leadingNumber(value, 1.0) <= 0.01;
        if (property == "font-size") look.isTiny = isTinySize(value);
        if (property == "left" || property == "top" || property == "text-indent" ||
            property == "margin-left") {
            isAway = isAway || isFarAway(value);
        }
        if (property == "width") noWidth = leadingNumber(value, 100.0) <= 0.0;
        if (property == "height") noHeight = leadingNumber(value, 100.0) <= 0.0;
        if (property == "overflow") clips = value.starts_with("hidden");
        if (property == "color") {
            look.text = normalColour(value);
            colourChanged = true;
        }
        if (property == "background-color" || property == "background") {
            look.background = normalColour(value);
            colourChanged = true;
        }
    }
    const bool isAlike = colourChanged && !look.text.empty() && look.text == look.background;
    return isNotShown || isClear || isAway || ((noWidth || noHeight) && clips) || isAlike;
}

StyleSheet StyleSheet::of(std::string_view html) {
    constexpr std::size_t kLongest = std::size_t{4} << 20;
    StyleSheet sheet;
    std::string css;
    for (std::size_t at = html.find('<'); at != std::string_view::npos;
         at = html.find('<', at + 1)) {
        if (lowerAscii(html.substr(at, 6)) != "<style") continue;
        const std::size_t begin = html.find('>', at);
        if (begin == std::string_view::npos) break;
        std::size_t end = html.find("</", begin);
        end = std::min(end, html.size());
        if (css.size() + (end - begin) > kLongest) break;
        // A sheet for other media says so on its element.
        if (lowerAscii(html.substr(at, begin - at)).find("print") == std::string::npos) {
            css.append(html.substr(begin + 1, end - begin - 1)).push_back('\n');
        }
        at = end == html.size() ? end - 1 : end;
    }
    sheet.read(std::move(css));
    return sheet;
}

void StyleSheet::read(std::string css) {
    constexpr std::size_t kMostRules = 20'000;
    for (std::size_t from = css.find("/*"); from != std::string::npos;) {
        const std::size_t end = css.find("*/", from + 2);
        const std::size_t behind = end == std::string::npos ? css.size() : end + 2;
        std::fill(css.begin() + static_cast<std::ptrdiff_t>(from),
                  css.begin() + static_cast<std::ptrdiff_t>(behind), ' ');
        from = css.find("/*", behind);
    }
    const std::string_view text = css;
    for (std::size_t at = 0; at < text.size() && m_rules.size() < kMostRules;) {
        const std::size_t open = text.find_first_of("{;}", at);
        if (open == std::string_view::npos) break;
        if (text[open] != '{') {  // @import and the like
            at = open + 1;
            continue;
        }
        const std::string_view selectors = text.substr(at, open - at);
        const bool isAtRule = selectors.find('@') != std::string_view::npos;
        std::size_t end = open + 1;
        for (int depth = 1; end < text.size() && depth > 0; ++end) {
            if (text[end] == '{') ++depth;
            if (text[end] == '}') --depth;
        }
        at = end;
        if (isAtRule) continue;
        const std::string_view block = text.substr(open + 1, end - open - 2);
        for (std::size_t start = 0; start <= selectors.size();) {
            const std::size_t comma = std::min(selectors.find(',', start), selectors.size());
            add(selectors.substr(start, comma - start), block);
            start = comma + 1;
        }
    }
}

void StyleSheet::add(std::string_view selector, std::string_view declarations) {
    constexpr std::size_t kLongestDeclarations = 4096;
    const std::size_t first = selector.find_first_not_of(kSpace);
    if (first == std::string_view::npos || declarations.size() > kLongestDeclarations) return;
    selector = selector.substr(first, selector.find_last_not_of(kSpace) + 1 - first);
    if (selector.find_first_of(" \t\r\n>+~:[*\\") != std::string_view::npos) return;
    Rule rule;
    rule.declarations = declarations;
    std::string key;
    for (std::size_t at = 0; at < selector.size();) {
        const std::size_t end = std::min(selector.find_first_of(".#", at + 1), selector.size());
        const std::string_view part = selector.substr(at, end - at);
        at = end;
        if (part.front() == '.') {
            rule.classes.emplace_back(part.substr(1));
        } else if (part.front() == '#') {
            rule.id = part.substr(1);
        } else {
            rule.element = lowerAscii(part);
        }
        if (key.empty() || part.front() == '.' || part.front() == '#') {
            key = part.front() == '.' || part.front() == '#' ? std::string(part) : rule.element;
        }
    }
    m_byKey[key].push_back(m_rules.size());
    m_rules.push_back(std::move(rule));
}

std::string StyleSheet::declarationsFor(std::string_view element, std::string_view id,
                                        std::string_view classes) const {
    constexpr std::size_t kMostClasses = 64;
    constexpr std::size_t kMostMatches = 64;
    std::vector<std::string> names;
    for (std::size_t at = 0; at < classes.size() && names.size() < kMostClasses;) {
        const std::size_t start = classes.find_first_not_of(kSpace, at);
        if (start == std::string_view::npos) break;
        at = std::min(classes.find_first_of(kSpace, start), classes.size());
        names.emplace_back(classes.substr(start, at - start));
    }
    std::vector<std::size_t> matching;
    const auto look = [&](const std::string& key) {
        const auto found = m_byKey.find(key);
        if (found == m_byKey.end()) return;
        for (const std::size_t index : found->second) {
            const Rule& rule = m_rules[index];
            const bool fits =
                (rule.element.empty() || rule.element == element) &&
                (rule.id.empty() || rule.id == id) &&
                std::all_of(rule.classes.begin(), rule.classes.end(), [&](const auto& name) {
                    return std::find(names.begin(), names.end(), name) != names.end();
                });
            if (fits && matching.size() < kMostMatches) matching.push_back(index);
        }
    };
    look(std::string(element));
    for (const std::string& name : names) look("." + name);
    if (!id.empty()) look("#" + std::string(id));
    std::string declarations;
    for (const std::size_t index : matching) declarations += m_rules[index].declarations + ";";
    return declarations;
}

}  // namespace conclave::retrieval::extractor
