// earlier_chats.h: chats of before, in the terminal.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "app/services/services.h"
#include "app/terminal/commands.h"

namespace conclave::terminal {

/// Those that are kept, latest first.
[[nodiscard]] Result<std::vector<services::Chat>> earlierChats(services::Services& services);

/// "12  2026-01-31 17:05  How long are the holidays?" for each, on stdout.
void printChats(const std::vector<services::Chat>& chats);

/// The chat of --resume, or the latest for --continue; none if neither is given.
/// Errors: NotFound (says how to list chats).
[[nodiscard]] Result<std::optional<services::ChatView>> chatToReopen(services::Services& services,
                                                                     const Arguments& arguments);
/// Errors: NotFound (says how to list chats).
[[nodiscard]] Result<services::ChatView> openChat(services::Services& services,
                                                  std::string_view number);

/// What was said in the branch that is shown, first to last.
[[nodiscard]] std::vector<services::Message> shownMessages(const services::ChatView& view);

/// The end of the conversation, on stdout, so that one knows where it stopped.
void printEnd(const services::ChatView& view);

}  // namespace conclave::terminal
