// sample_content.h: chats, documents and answers as a person would have them.
#pragma once

#include "tests/ui/support/scripted_services.h"

namespace conclave::ui::test {

struct SampleChats {
    services::ChatId travel = 0;
    services::ChatId markdown = 0;
    services::ChatId chinese = 0;
    services::ChatId failed = 0;
    services::MessageId answer = 0;  ///< in `travel`, with citations
    services::CollectionId policies = 0;
};

SampleChats fillWithSamples(ScriptedServices& services);
[[nodiscard]] Script sampleScript();
[[nodiscard]] services::IndexProgress sampleProgress(const SampleChats& chats);
[[nodiscard]] services::IndexProgress samplePause(const SampleChats& chats);
[[nodiscard]] services::DocumentFilter sampleFilter();
/// A chat with an answer from everything that was stopped, and one for which a filter left nothing.
services::ChatId addAnswersFromEverything(ScriptedServices& services);
/// Markdown with one of everything.
[[nodiscard]] std::string sampleMarkdown();

}  // namespace conclave::ui::test
