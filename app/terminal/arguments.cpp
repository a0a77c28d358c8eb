#include "app/terminal/arguments.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace conclave::terminal {
namespace {

/// Insertions, deletions, replacements and swaps of neighbours from one word to the other.
std::size_t editDistance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
    std::iota(d[0].begin(), d[0].end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            d[i][j] = std::min({replaced, d[i - 1][j] + 1, d[i][j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
            }
        }
    }
    return d[a.size()][b.size()];
}

std::string withArticle(const Option& option) {
    return option.kind == Option::Kind::Integer ? "a whole number" : "a number";
}

/// @param choices  small words with | between them; `value` may be large
bool isChoice(std::string_view choices, std::string_view value) {
    const auto isSame = [](char a, char b) {
        return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
    };
    while (true) {
        const std::size_t end = choices.find('|');
        const std::string_view word = choices.substr(0, end);
        if (std::equal(word.begin(), word.end(), value.begin(), value.end(), isSame)) return true;
        if (end == std::string_view::npos) return false;
        choices.remove_prefix(end + 1);
    }
}

Result<void> checkValue(const Option& option, const std::string& value) {
    if (value.empty() && option.valueName.starts_with("FILE")) {
        return fail(ErrorCode::InvalidArgument,
                    std::string(option.name) + " needs the name of a file, not nothing");
    }
    if (option.kind == Option::Kind::Size && !parseSize(value)) {
        return fail(
            ErrorCode::InvalidArgument,
            std::string(option.name) + " needs a size such as 6G or 1500M, not \"" + value + "\"");
    }
    if (option.kind == Option::Kind::Choice && !isChoice(option.valueName, value)) {
        return fail(ErrorCode::InvalidArgument, std::string(option.name) + " takes " +
                                                    std::string(option.valueName) + ", not \"" +
                                                    value + "\"");
    }
    if (option.kind != Option::Kind::Integer && option.kind != Option::Kind::Number) return {};
    const auto number = parseNumber(value, option.kind == Option::Kind::Integer);
    if (!number) {
        return fail(
            ErrorCode::InvalidArgument,
            std::string(option.name) + " needs " + withArticle(option) + ", not \"" + value + "\"");
    }
    // "nan" is a number to the parser, and within no range.
    if (!(*number >= option.least && *number <= option.most)) {
        return fail(ErrorCode::InvalidArgument, value + " is out of range for " +
                                                    std::string(option.name) + ": " +
                                                    std::string(option.help));
    }
    return {};
}

bool looksLikeOption(std::string_view word) {
    // "-5" is a number, "-" stands for standard input.
    return word.size() > 1 && word.front() == '-' && !(word[1] >= '0' && word[1] <= '9');
}

bool isOptionOf(const Signature& signature, std::string_view word) {
    return std::any_of(signature.options.begin(), signature.options.end(),
                       [&](const Option& each) { return each.name == word; });
}

Error unknownOption(const Signature& signature, const std::string& name) {
    std::vector<std::string_view> names;
    for (const Option& option : signature.options) names.push_back(option.name);
    std::string detail = "conclave " + std::string(signature.command) + " has no option " + name;
    if (const std::string_view guess = nearest(name, names); !guess.empty()) {
        detail += "; did you mean " + std::string(guess) + "?";
    }
    return {ErrorCode::InvalidArgument, detail};
}

}  // namespace

Result<Arguments> Arguments::parse(const Signature& signature,
                                   const std::vector<std::string>& given) {
    Arguments arguments;
    std::string lastList;
    for (std::size_t i = 0; i < given.size(); ++i) {
        const std::string& word = given[i];
        if (word == "--") {
            arguments.m_plain.insert(arguments.m_plain.end(),
                                     given.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                     given.end());
            break;
        }
        if (!looksLikeOption(word)) {
            arguments.m_plain.push_back(word);
            continue;
        }
        const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
        const std::string name = word.substr(0, equals);
        const auto option = std::find_if(signature.options.begin(), signature.options.end(),
                                         [&](const Option& each) { return each.name == name; });
        if (option == signature.options.end()) {
            return tl::unexpected(unknownOption(signature, name));
        }
        std::vector<std::string>& values = arguments.m_values[name];
        if (option->kind == Option::Kind::Flag) {
            if (equals != std::string::npos) {
                return fail(ErrorCode::InvalidArgument, name + " takes no value");
            }
            continue;
        }
        const std::size_t before = values.size();
        // `--draft --model F` lacks a file; a text that looks like an option can be given behind =.
        const bool hasValue = i + 1 < given.size() && !isOptionOf(signature, given[i + 1]);
        if (equals != std::string::npos) {
            values.push_back(word.substr(equals + 1));
        } else if (option->kind == Option::Kind::List) {
            while (i + 1 < given.size() && !looksLikeOption(given[i + 1])) {
                values.push_back(given[++i]);
            }
            lastList = name;
        } else if (option->kind == Option::Kind::Each && hasValue) {
            values.push_back(given[++i]);
        } else if (hasValue) {
            values = {given[++i]};
        }
        const bool gathers =
            option->kind == Option::Kind::List || option->kind == Option::Kind::Each;
        if (values.size() == before && (gathers || values.empty())) {
            return fail(ErrorCode::InvalidArgument,
                        name + " needs a value: " + std::string(option->help));
        }
        if (auto checked = checkValue(*option, values.back()); !checked) {
            return tl::unexpected(checked.error());
        }
    }
    // `ask --docs FOLDER QUESTION`: the list took the question along.
    if (arguments.m_plain.size() < signature.nLeast && !lastList.empty()) {
        std::vector<std::string>& values = arguments.m_values[lastList];
        const std::size_t missing = signature.nLeast - arguments.m_plain.size();
        if (values.size() > missing) {
            const auto from = values.end() - static_cast<std::ptrdiff_t>(missing);
            arguments.m_plain.insert(arguments.m_plain.end(), from, values.end());
            values.erase(from, values.end());
        }
    }
    return arguments;
}

bool Arguments::has(std::string_view option) const {
    return m_values.find(option) != m_values.end();
}

std::string Arguments::text(std::string_view option, std::string_view otherwise) const {
    const auto found = m_values.find(option);
    return found != m_values.end() && !found->second.empty() ? found->second.back()
                                                             : std::string(otherwise);
}

std::optional<double> Arguments::number(std::string_view option) const {
    if (!has(option)) return std::nullopt;
    return parseNumber(text(option), false);
}

int Arguments::integer(std::string_view option, int otherwise) const {
    const auto value = number(option);
    return value ? static_cast<int>(*value) : otherwise;
}

std::uint64_t Arguments::size(std::string_view option) const {
    return parseSize(text(option)).value_or(0);
}

std::vector<std::string> Arguments::list(std::string_view option) const {
    const auto found = m_values.find(option);
    return found != m_values.end() ? found->second : std::vector<std::string>{};
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
    std::string_view best;
    std::size_t bestDistance = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const std::string_view candidate : candidates) {
        const std::size_t distance = editDistance(word, candidate);
        if (distance < bestDistance) {
            bestDistance = distance;
            best = candidate;
        }
    }
    return best;
}

std::optional<std::uint64_t> parseSize(std::string_view text) {
    double value = 0.0;
    const char* last = text.data() + text.size();
    const auto [end, problem] = std::from_chars(text.data(), last, value);
    if (problem != std::errc()) return std::nullopt;
    std::string unit(end, last);
    for (char& c : unit) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    constexpr std::string_view kUnits = "KMGT";
    if (!unit.empty()) {
        const std::size_t power = kUnits.find(unit.front());
        const std::string_view rest = std::string_view(unit).substr(1);
        if (power == std::string_view::npos || (!rest.empty() && rest != "B" && rest != "IB")) {
            return std::nullopt;
        }
        for (std::size_t i = 0; i <= power; ++i) value *= 1024.0;
    }
    constexpr double kMost = 1e15;
    if (!(value >= 1.0 && value <= kMost)) return std::nullopt;
    return static_cast<std::uint64_t>(value);
}

std::optional<double> parseNumber(std::string_view text, bool isInteger) {
    double value = 0.0;
    const char* last = text.data() + text.size();
    constexpr double kBeyondIntegers = 1e19;
    if (isInteger) {
        long long whole = 0;
        const auto [end, problem] = std::from_chars(text.data(), last, whole);
        if (end != last || problem == std::errc::invalid_argument) return std::nullopt;
        if (problem == std::errc::result_out_of_range) {
            return std::copysign(kBeyondIntegers, text.front() == '-' ? -1.0 : 1.0);
        }
        return static_cast<double>(whole);
    }
    const auto [end, problem] = std::from_chars(text.data(), last, value);
    if (problem != std::errc() || end != last) return std::nullopt;
    return value;
}

}  // namespace conclave::terminal
