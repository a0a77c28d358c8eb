// composed_form.h: Unicode's normalization form C, in which some models were trained.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace conclave::engine {

/// `text` with letters and their marks composed (NFC); nothing if it is so already, as nearly every
/// text is, or if it is no UTF-8, whose bytes must reach the tokens as they are.
[[nodiscard]] std::optional<std::string> composedForm(std::string_view text);

}  // namespace conclave::engine
