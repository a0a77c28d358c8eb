// ignore_rules.h: which files a folder's .conclaveignore keeps out of collections.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace conclave::services {

/// Name of the file with the rules, as it lies in a folder.
inline constexpr std::string_view kIgnoreFileName = ".conclaveignore";

/// Lines as in .gitignore: "#" begins a comment, "!" takes back what an earlier line ignores, a "/"
/// at the end means folders only, one at the start or inside ties the rule to this folder, without
/// it the rule holds at any depth; "*" and "?" stand for characters but "/", "[a-z]" and "[!a-z]"
/// for one of a range, "**" for any folders; "\" takes the next character as it is. The last line
/// that matches decides. What lies in an ignored folder cannot be taken back.
class IgnoreRules {
public:
    enum class Verdict { None, Ignored, Kept };

    /// At most 10,000 rules are kept.
    [[nodiscard]] static IgnoreRules parse(std::string_view text);

    /// The line that ignores the file of this name in the folder of the rules, and no other.
    [[nodiscard]] static std::string lineFor(std::string_view name);

    /// @param path  below the folder of the rules, with "/" between its parts
    [[nodiscard]] Verdict judge(std::string_view path, bool isFolder) const;

    [[nodiscard]] bool isEmpty() const { return m_rules.empty(); }

private:
    struct Rule {
        std::vector<std::string> parts;  ///< between slashes; "**" for any number of them
        bool keeps = false;
        bool isFolderOnly = false;
    };
    std::vector<Rule> m_rules;
};

/// A line more in the .conclaveignore beside the file. Errors: Io.
Result<void> addToIgnored(const std::filesystem::path& file);
/// Takes that line out again; false: there is none. A .conclaveignore that had nothing else goes
/// with it. Errors: Io.
Result<bool> takeFromIgnored(const std::filesystem::path& file);

}  // namespace conclave::services
