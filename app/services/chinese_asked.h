// chinese_asked.h: what a Chinese question asks about and for, and how well a sentence says it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "app/services/chinese_wanted.h"

namespace conclave::services {

struct ChineseAsked {
    std::vector<std::string> characters;
    std::vector<std::string> pairs;  ///< neighbours
    bool wantsNumber = false;
    bool wantsMoney = false;
    bool wantsTime = false;
    bool isWhatIs = false;  ///< "什么是X", "X是什么"
    std::string defined;    ///< X of these, where nothing else is asked; else empty
    ChineseWanted wanted{};
    std::string question{};
};

[[nodiscard]] ChineseAsked chineseAskedBy(std::string_view question);

/// Nearly all characters and most pairs.
[[nodiscard]] bool isOnTheSubject(const ChineseAsked& asked, std::string_view text);

/// The number of the question's pairs that a Chinese sentence holds; 0: it is no answer. `above`:
/// the title and headings of a document that the question names; empty: it names none. `title`:
/// what the passage is called, which is enough for the thing of "青石图书馆的馆长是谁" where the
/// sentence tells who the head is.
[[nodiscard]] std::size_t fitOf(const ChineseAsked& asked, std::string_view sentence,
                                const std::string& above, const std::string& title = {});

/// The same question in words of the other language, if it only asks what or who something is that
/// has one name in both: "What is Debian?" of "Debian 是什么？", and back. Empty for all others,
/// which would have to be translated.
[[nodiscard]] std::string inOtherLanguage(std::string_view question);

}  // namespace conclave::services
