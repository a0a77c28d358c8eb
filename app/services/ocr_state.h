// ocr_state.h: which languages of text in pictures this machine can recognise.
#pragma once

#include <string>
#include <vector>

namespace conclave::services {

/// Languages as `tesseract --list-langs` names them ("eng", "chi_sim"), without its helper "osd";
/// empty: the program is not installed. Runs it: some milliseconds.
[[nodiscard]] std::vector<std::string> installedOcrLanguages();

/// The languages in what tesseract prints.
[[nodiscard]] std::vector<std::string> languagesIn(const std::string& listing);

}  // namespace conclave::services
