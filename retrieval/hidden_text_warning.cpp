#include "retrieval/hidden_text_warning.h"

#include "retrieval/retrieval.h"

namespace conclave::retrieval {
namespace {

constexpr std::string_view kLeftOut = "left out ";
constexpr std::string_view kHides = " hides";
constexpr std::string_view kUnseenOnPage = " characters that cannot be seen on their page";
constexpr std::string_view kRemoved = "removed ";
constexpr std::string_view kInvisible = " invisible characters";

}  // namespace

std::string hiddenWarning(std::size_t nCharacters, std::string_view whatHides) {
    return std::string(kLeftOut) + std::to_string(nCharacters) + " characters of text that " +
           std::string(whatHides) + std::string(kHides);
}

std::string unseenWarning(std::size_t nCharacters) {
    return std::string(kLeftOut) + std::to_string(nCharacters) + std::string(kUnseenOnPage) +
           " (invisible, covered, in the colour of the paper, beside the page or too small to "
           "read)";
}

std::string invisibleWarning(std::size_t nCharacters) {
    return std::string(kRemoved) + std::to_string(nCharacters) + std::string(kInvisible) +
           " (zero-width, direction, tag or control characters)";
}

bool tellsOfHiddenText(std::string_view warning) {
    const auto has = [&](std::string_view part) {
        return warning.find(part) != std::string_view::npos;
    };
    if (warning.starts_with(kLeftOut)) return warning.ends_with(kHides) || has(kUnseenOnPage);
    // A few invisible characters stand in any page of the web; a sentence of them was put there.
    constexpr std::size_t kFewestDigits = 2;
    const std::size_t end = warning.find(kInvisible);
    return warning.starts_with(kRemoved) && end != std::string_view::npos &&
           end - kRemoved.size() >= kFewestDigits;
}

}  // namespace conclave::retrieval
