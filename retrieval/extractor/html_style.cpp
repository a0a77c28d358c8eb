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

bool hides(std::string_view property, const std::string& value) {
    if (property == "display") return value.starts_with("none");
    if (property == "visibility")
        return value.starts_with("hidden") || value.starts_with("collapse");
    if (property == "opacity") return leadingNumber(value, 1.0) <= 0.01;
    if (property == "font-size") {
        const double size = leadingNumber(value, 16.0);
        const bool isAbsolute = value.ends_with("px") || value.ends_with("pt");
        return size <= 0.0 || (isAbsolute && size <= 1.0);
    }
    if (property == "left" || property == "top" || property == "text-indent" ||
        property == "margin-left") {
        return leadingNumber(value, 0.0) <= -999.0;
    }
    return false;
}

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

bool isHiddenByStyle(std::string_view style, Colours& colours) {
    bool hidden = false;
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
        hidden = hidden || hides(property, value);
        if (property == "width") noWidth = leadingNumber(value, 100.0) <= 0.0;
        if (property == "height") noHeight = leadingNumber(value, 100.0) <= 0.0;
        if (property == "overflow") clips = value.starts_with("hidden");
        if (property == "color") {
            colours.text = normalColour(value);
            colourChanged = true;
        }
        if (property == "background-color" || property == "background") {
            colours.background = normalColour(value);
            colourChanged = true;
        }
    }
    const bool isInvisible =
        colourChanged && !colours.text.empty() && colours.text == colours.background;
    return hidden || ((noWidth || noHeight) && clips) || isInvisible;
}

}  // namespace conclave::retrieval::extractor
