// chat_text.h: a chat as one Markdown text, to be taken elsewhere.
#pragma once

#include <string>

#include "app/services/services.h"

namespace conclave::ui {

/// What is shown of the chat: its title, the questions as headings, and the answers, each with the
/// sources that it cites. Other branches and what a model thought are left out.
[[nodiscard]] std::string chatAsMarkdown(const services::ChatView& view);

}  // namespace conclave::ui
