// passage_list.h: passages that stand for an answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/services/services.h"

namespace conclave::services {

/// The answer's text and details: `preface`, and below it a list of what the best passages say
/// about the question, each with its citation. Those that score far below the best are left out.
struct PassageList {
    std::string text;
    std::vector<StoredPassage> passages;  ///< numbered from 1
    std::vector<StoredCitation> citations;
};

[[nodiscard]] PassageList listPassages(std::string_view question, std::string preface,
                                       std::vector<StoredPassage> passages);

}  // namespace conclave::services
