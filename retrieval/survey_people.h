// survey_people.h: people's names in a text.
#pragma once

#include <string_view>
#include <vector>

#include "retrieval/retrieval.h"

namespace conclave::retrieval {

/// Names of people, from left to right; a title before one is no part of it. Capital letters alone
/// make no person: a known given name, a title, initials, a role or what only people do must speak
/// for it, and a word of companies, places or buildings speaks against it. Chinese names begin with
/// a known surname and have a title, a role or what people do right beside them.
void findPeople(std::string_view text, std::vector<PatternMatch>& found);

}  // namespace conclave::retrieval
