// denial.h: sentences that say themselves that there is nothing of a kind.
#pragma once

#include <string_view>

namespace conclave::services {

/// A sentence that says the subject denies it: "No deposit is due", "押金：无", but not "the
/// deposit is not refunded" or "if no deposit is paid". Where it does both, it is no denial.
[[nodiscard]] bool deniesSubject(std::string_view sentence, std::string_view subject);

}  // namespace conclave::services
