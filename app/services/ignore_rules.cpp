#include "app/services/ignore_rules.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

namespace conclave::services {
namespace {

constexpr std::size_t kMostRules = 10'000;

std::vector<std::string> partsOf(std::string_view path) {
    std::vector<std::string> parts;
    for (std::size_t start = 0; start <= path.size();) {
        const std::size_t end = std::min(path.find('/', start), path.size());
        if (end > start) parts.emplace_back(path.substr(start, end - start));
        start = end + 1;
    }
    return parts;
}

/// The length of "[…]" at the start of `pattern` and whether `c` is in it; none if it never closes.
std::optional<std::pair<std::size_t, bool>> matchRange(std::string_view pattern, char c) {
    std::size_t i = 1;
    const bool isNegated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
    if (isNegated) ++i;
    bool isInside = false;
    const auto byte = static_cast<unsigned char>(c);
    for (const std::size_t first = i; i < pattern.size() && (pattern[i] != ']' || i == first);
         ++i) {
        if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
        const auto low = static_cast<unsigned char>(pattern[i]);
        auto high = low;
        if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
            high = static_cast<unsigned char>(pattern[i + 2]);
            i += 2;
        }
        isInside = isInside || (byte >= low && byte <= high);
    }
    if (i >= pattern.size()) return std::nullopt;
    return std::pair{i + 1, isInside != isNegated};
}

/// Length of the piece at the start of `pattern` if it stands for `c`, else 0. Not for "*".
std::size_t matchOne(std::string_view pattern, char c) {
    if (pattern.front() == '?') return 1;
    if (pattern.front() == '\\' && pattern.size() > 1) return pattern[1] == c ? 2 : 0;
    if (pattern.front() == '[') {
        if (const auto range = matchRange(pattern, c)) return range->second ? range->first : 0;
    }
    return pattern.front() == c ? 1 : 0;
}

/// One part of a path. Goes back to the last "*" only, so that no pattern takes long.
bool matchPart(std::string_view pattern, std::string_view name) {
    std::size_t p = 0;
    std::size_t n = 0;
    std::size_t star = std::string_view::npos;
    std::size_t starName = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            starName = n;
            continue;
        }
        const std::size_t length = p < pattern.size() ? matchOne(pattern.substr(p), name[n]) : 0;
        if (length > 0) {
            p += length;
            ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++starName;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

/// The same one level up: parts for characters, "**" for "*".
bool matchPath(std::span<const std::string> pattern, std::span<const std::string> path) {
    std::size_t p = 0;
    std::size_t n = 0;
    std::size_t star = pattern.size();
    std::size_t starPath = 0;
    while (n < path.size()) {
        if (p < pattern.size() && pattern[p] == "**") {
            star = p++;
            starPath = n;
        } else if (p < pattern.size() && matchPart(pattern[p], path[n])) {
            ++p;
            ++n;
        } else if (star < pattern.size()) {
            p = star + 1;
            n = ++starPath;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == "**") ++p;
    return p == pattern.size();
}

/// Without the line end and the spaces before it, but for one that is escaped.
std::string_view withoutTrailingSpace(std::string_view line) {
    while (line.ends_with('\r') || line.ends_with(' ')) {
        if (line.size() > 1 && line[line.size() - 2] == '\\') break;
        line.remove_suffix(1);
    }
    return line;
}

}  // namespace

IgnoreRules IgnoreRules::parse(std::string_view text) {
    IgnoreRules rules;
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    for (std::size_t at = 0; at < text.size() && rules.m_rules.size() < kMostRules;) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        std::string_view line = withoutTrailingSpace(text.substr(at, end - at));
        at = end + 1;
        if (line.empty() || line.front() == '#') continue;
        Rule rule;
        rule.keeps = line.front() == '!';
        if (rule.keeps) line.remove_prefix(1);
        rule.isFolderOnly = line.ends_with('/');
        if (rule.isFolderOnly) line.remove_suffix(1);
        const bool isTied = line.find('/') != std::string_view::npos;
        rule.parts = partsOf(line);
        if (rule.parts.empty()) continue;
        if (!isTied) rule.parts.insert(rule.parts.begin(), "**");
        // "a/**" is what lies in a, not a itself.
        if (rule.parts.back() == "**") rule.parts.emplace_back("*");
        rules.m_rules.push_back(std::move(rule));
    }
    return rules;
}

std::string IgnoreRules::lineFor(std::string_view name) {
    std::string line = "/";
    for (std::size_t i = 0; i < name.size(); ++i) {
        const bool isSign = std::string_view("\\*?[]!#").find(name[i]) != std::string_view::npos;
        const bool isLastSpace = i + 1 == name.size() && (name[i] == ' ' || name[i] == '\r');
        // A line end cannot be written: "?" is any character.
        if (name[i] == '\n') {
            line += '?';
        } else if (isSign || isLastSpace) {
            line.append(1, '\\').append(1, name[i]);
        } else {
            line += name[i];
        }
    }
    return line;
}

IgnoreRules::Verdict IgnoreRules::judge(std::string_view path, bool isFolder) const {
    const std::vector<std::string> parts = partsOf(path);
    const auto last = std::find_if(m_rules.rbegin(), m_rules.rend(), [&](const Rule& rule) {
        return (isFolder || !rule.isFolderOnly) && matchPath(rule.parts, parts);
    });
    if (last == m_rules.rend()) return Verdict::None;
    return last->keeps ? Verdict::Kept : Verdict::Ignored;
}

Result<void> addToIgnored(const std::filesystem::path& file) {
    const std::filesystem::path rules = file.parent_path() / kIgnoreFileName;
    std::error_code ignored;
    const bool isFirst =
        !std::filesystem::exists(rules, ignored) || std::filesystem::file_size(rules, ignored) == 0;
    std::fstream stream(rules, std::ios::in | std::ios::out | std::ios::app | std::ios::binary);
    bool endsLine = isFirst;
    if (!isFirst) {
        char last = '\n';
        stream.seekg(-1, std::ios::end);
        endsLine = stream.get(last) && last == '\n';
        stream.clear();
    }
    if (!endsLine) stream << '\n';
    stream << IgnoreRules::lineFor(file.filename().string()) << '\n' << std::flush;
    if (stream) return {};
    return fail(ErrorCode::Io, "cannot write " + rules.string() +
                                   "; leave the file out by moving it elsewhere, or take its "
                                   "folder out of the collection");
}

Result<bool> takeFromIgnored(const std::filesystem::path& file) {
    const std::filesystem::path rules = file.parent_path() / kIgnoreFileName;
    std::ifstream stream(rules, std::ios::binary);
    if (!stream) return false;
    std::string text(std::istreambuf_iterator<char>(stream), {});
    stream.close();
    const std::string line = IgnoreRules::lineFor(file.filename().string()) + "\n";
    std::size_t at = text.rfind(line);
    while (at != std::string::npos && at > 0 && text[at - 1] != '\n') {
        at = text.rfind(line, at - 1);
    }
    if (at == std::string::npos) return false;
    text.erase(at, line.size());
    std::error_code problem;
    if (text.empty()) {
        std::filesystem::remove(rules, problem);
    } else {
        // Other rules are the user's own: a full disk must not lose them.
        std::filesystem::path written = rules;
        written += ".new";
        std::ofstream out(written, std::ios::binary | std::ios::trunc);
        out << text << std::flush;
        if (out) {
            std::filesystem::rename(written, rules, problem);
        } else {
            std::error_code ignored;
            std::filesystem::remove(written, ignored);
            problem = std::make_error_code(std::errc::io_error);
        }
    }
    if (!problem) return true;
    return fail(ErrorCode::Io, "cannot write " + rules.string() + "; take the line " +
                                   line.substr(0, line.size() - 1) + " out of it yourself");
}

}  // namespace conclave::services
