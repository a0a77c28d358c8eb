// people_words.h: words that speak for a person's name or against it.
#pragma once

#include <string_view>

namespace conclave::retrieval {

/// Words in small letters.
[[nodiscard]] bool isGivenName(std::string_view word);
[[nodiscard]] bool isPinyinSurname(std::string_view word);
[[nodiscard]] bool isTitle(std::string_view word);         ///< mr, dr, frau
[[nodiscard]] bool isRole(std::string_view word);          ///< director, nurse
[[nodiscard]] bool isWhatPeopleDo(std::string_view word);  ///< said, signed
[[nodiscard]] bool isCompanyForm(std::string_view word);   ///< ltd, gmbh, university
[[nodiscard]] bool isOfCompany(std::string_view word);     ///< bank, street, lake: or a surname
[[nodiscard]] bool isOfName(std::string_view word);        ///< van, de: within a surname

}  // namespace conclave::retrieval
