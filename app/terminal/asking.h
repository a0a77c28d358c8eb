// asking.h: sends a question and shows the answer as it comes; shared by `ask` and `chat`.
#pragma once

#include <functional>

#include "app/services/services.h"
#include "app/terminal/arguments.h"

namespace conclave::terminal {

/// Starts an answer with these events: ChatService::send, regenerate or edit.
using StartAnswer = std::function<void(services::AnswerEvents)>;

/// Runs one answer to its end. Text goes to stdout as it is written if `isShown`; Ctrl-C stops it.
/// `startedChat` is set to the chat it is in, whatever the end; 0: it did not begin.
[[nodiscard]] Result<services::Message> runAnswer(services::Services& services,
                                                  const StartAnswer& start, bool isShown,
                                                  services::ChatId* startedChat = nullptr);

/// `settings` with what --collection, --system and the sampling options change. Errors: NotFound
/// for an unknown collection (names those there are).
[[nodiscard]] Result<services::ChatSettings> settingsFrom(services::Services& services,
                                                          const Arguments& arguments,
                                                          services::ChatSettings settings = {});

/// Options that confine search to some documents, and what they give. Errors: InvalidArgument for
/// a date of another form.
[[nodiscard]] std::vector<Option> filterOptions();
[[nodiscard]] Result<services::DocumentFilter> filterFrom(const Arguments& arguments);

/// Ids of the named collections.
[[nodiscard]] Result<std::vector<services::CollectionId>> collectionsNamed(
    services::Services& services, const std::vector<std::string>& names);

/// Reads the files and folders of --docs, and has `settings` ask them too. Files that cannot be
/// read are said on stderr. Errors: NotFound (nothing there, or no document), Cancelled by Ctrl-C.
[[nodiscard]] Result<void> readDocs(services::Services& services,
                                    const std::vector<std::string>& docs,
                                    services::ChatSettings& settings);

/// Brings collections (none given: all) up to date with their files, with a bar. What cannot be
/// updated is searched as it is.
void refresh(services::Services& services, const std::vector<services::CollectionId>& collections);

/// Indexing with a bar and Ctrl-C; `start` begins it.
[[nodiscard]] Result<services::IndexReport> runIndexing(
    services::Services& services,
    const std::function<void(services::Reply<services::IndexReport>)>& start);

/// Says once that the model in use is only a demonstration, on stderr.
void noteDemonstration(services::Services& services);

}  // namespace conclave::terminal
