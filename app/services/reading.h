// reading.h: texts as a person reads them, in a list or on a terminal. A part of services.h.
#pragma once

#include <concepts>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace conclave::services {

/// A stretch of a document as a person reads it. Markdown's marks are left out (those of headings,
/// emphasis, links and code, rules of tables), list items begin with a bullet, and the cells of a
/// row are told apart by a middle dot. In plain text and source code nothing changes.
struct ReadableText {
    /// Bytes that stand in both texts.
    struct Piece {
        std::size_t plain = 0;   ///< where in `text`
        std::size_t source = 0;  ///< where in the source
        std::size_t size = 0;
    };
    std::string text;
    std::vector<Piece> pieces;  ///< ascending in both; what is between them is in one text only

    /// Where a byte of the source stands in `text`; of one left out, where the next one stands.
    [[nodiscard]] std::size_t fromSource(std::size_t sourceByte) const;
    /// The way back; of an inserted byte, where the source goes on behind it.
    [[nodiscard]] std::size_t toSource(std::size_t plainByte) const;
};

/// `path` says by its ending what the marks mean. O(length of the source) but for emphasis that is
/// never closed.
[[nodiscard]] ReadableText readableText(std::string_view source, const std::filesystem::path& path);

/// The same on one line.
[[nodiscard]] std::string readableLine(std::string_view source, const std::filesystem::path& path);

/// A text of others as one of Conclave's own shows it in Markdown: signs that would be read as
/// marks get a backslash, and "[1]", which is no citation there, a joiner.
[[nodiscard]] std::string withEscapes(std::string_view text);

/// A text of Conclave's own, which shows documents in Markdown, as a terminal shows it: without
/// the backslashes and joiners that keep their signs from being read as marks.
[[nodiscard]] std::string withoutEscapes(std::string_view markdown);

/// "1,234,567", as texts of Conclave's own say counts in every language.
template <std::integral Count>
[[nodiscard]] std::string grouped(Count n) {
    constexpr std::size_t kGroup = 3;
    std::string digits = std::to_string(n);
    const std::size_t first = digits.front() == '-' ? 1 : 0;
    for (std::size_t i = digits.size(); i > first + kGroup; i -= kGroup) {
        digits.insert(i - kGroup, 1, ',');
    }
    return digits;
}

/// "1 document", "2,000 documents".
template <std::integral Count>
[[nodiscard]] std::string counted(Count n, std::string_view one, std::string_view many) {
    return grouped(n) + " " + std::string(n == 1 ? one : many);
}

/// What of a passage a list of hits shows: on one line, the sentences that say most of `query`,
/// about `nCharacters` of them, with "…" where something is left out.
[[nodiscard]] std::string snippetOf(std::string_view query, std::string_view passage,
                                    const std::filesystem::path& path, std::size_t nCharacters);

}  // namespace conclave::services
