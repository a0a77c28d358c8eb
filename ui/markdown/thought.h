// thought.h: some models think aloud between <think> and </think> before they answer.
#pragma once

#include <string_view>

namespace conclave::ui {

struct ThoughtAndAnswer {
    std::string_view thought;  ///< empty: none
    std::string_view answer;   ///< empty while the model still thinks
    bool isThinking = false;   ///< the end mark has not come yet
};

/// Splits what a model wrote. A prompt may already hold the opening mark, so an end mark alone
/// counts too.
[[nodiscard]] ThoughtAndAnswer splitThought(std::string_view text);

}  // namespace conclave::ui
