#include "ui/markdown/thought.h"

namespace conclave::ui {

namespace {

constexpr std::string_view kBegin = "<think>";
constexpr std::string_view kEnd = "</think>";
constexpr std::string_view kBlank = " \t\r\n";

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace

ThoughtAndAnswer splitThought(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kBlank);
    const bool begins = first != std::string_view::npos && text.substr(first).starts_with(kBegin);
    const std::size_t from = begins ? first + kBegin.size() : 0;
    const std::size_t end = text.find(kEnd, from);
    if (end == std::string_view::npos) {
        if (begins) return {trimmed(text.substr(from)), {}, true};
        return {{}, text, false};
    }
    return {trimmed(text.substr(from, end - from)), trimmed(text.substr(end + kEnd.size())), false};
}

}  // namespace conclave::ui
