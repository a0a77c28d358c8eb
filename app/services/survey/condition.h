// condition.h: what a sentence must say beside the words that are looked for: that something is
// allowed and not forbidden, or that it was done in the year asked about and not in another.
#pragma once

#include <string>
#include <string_view>

#include "retrieval/retrieval.h"

namespace conclave::services {

enum class Permission { None, Allowed, Forbidden };

struct SurveyCondition {
    Permission permission = Permission::None;
    std::string verb;  ///< "end" of "which leases end in 2023"
    std::string year;  ///< empty: no year is asked about

    [[nodiscard]] bool isAny() const { return permission != Permission::None || !year.empty(); }
};

/// Takes the words for a permission ("do not allow", "禁止") out of what is looked for. A year
/// stays there, too, as a sentence without it need not be looked at.
[[nodiscard]] SurveyCondition takeCondition(std::string& subject);

/// Whether a sentence allows or forbids the subject, in whatever words: "Dogs are welcome", "no
/// pets", "may not be kept"; None: it says neither. Of "Cats are allowed, dogs are not" each has
/// its own part.
[[nodiscard]] Permission permissionIn(std::string_view sentence,
                                      const retrieval::SentenceMatcher& subject);

/// The year belongs to the verb: it is the next one behind it, or the one before it in its part of
/// the sentence. Of "begins in 2023 and ends in 2028" each verb has its own. True where the
/// sentence does not say the verb.
[[nodiscard]] bool isYearOfVerb(std::string_view sentence, const SurveyCondition& condition);

}  // namespace conclave::services
