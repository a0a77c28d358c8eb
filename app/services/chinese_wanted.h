// chinese_wanted.h: what kind of thing a Chinese question asks for, and whether a sentence says it.
#pragma once

#include <string>
#include <string_view>

namespace conclave::services {

/// "青石图书馆是由谁创建的？": a person, of whom "创建" is said, with "青石图书馆". "馆长是谁？":
/// one who is named as "馆长". Parts that the wording does not tell are empty.
struct ChineseWanted {
    enum class Kind { Anything, Person, Place, Time, Number };
    Kind kind = Kind::Anything;
    std::string verb;   ///< what is done
    std::string thing;  ///< what it is done with
    std::string role;   ///< what is asked of it: "馆长", "预算"
};

[[nodiscard]] ChineseWanted chineseWantedBy(std::string_view question);

/// The sentence says something of the kind that the question does not bring along, and beside the
/// verb: "由林月华创建", and not "创建过程由文档记录".
[[nodiscard]] bool saysWanted(const ChineseWanted& wanted, std::string_view question,
                              std::string_view sentence);

/// The role is told by the sentence itself: "年度预算为120万元".
[[nodiscard]] bool tellsRole(const ChineseWanted& wanted, std::string_view sentence);

}  // namespace conclave::services
