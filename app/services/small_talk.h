// small_talk.h: greetings, thanks and questions about the assistant in Chinese, by rules: what the
// models that come with Conclave say in English they cannot say in Chinese.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace conclave::services {

enum class ChineseSmallTalk { Acknowledgement, Greeting, HowAreYou, Thanks, Farewell, Who, What };

/// What a text that says nothing else is; of several the last one that wants an answer, "你好，你是
/// 谁？" asks who. None: it says something else, or nothing.
[[nodiscard]] std::optional<ChineseSmallTalk> chineseSmallTalkOf(std::string_view text);

/// Conclave's answer, in which `model` introduces itself.
[[nodiscard]] std::string answerTo(ChineseSmallTalk talk, const std::string& model);

}  // namespace conclave::services
