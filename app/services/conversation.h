// conversation.h: what the model gets to read: system prompt, as much of the conversation as fits,
// and the question with its sources.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "app/services/model_profile.h"
#include "app/services/services.h"

namespace conclave::services {

/// A question that was answered before.
struct PastTurn {
    std::string question;
    std::string answer;
    std::vector<StoredPassage> passages = {};  ///< what the answer was given
    /// In place of a question: what the tools gave that the turn before asked for.
    std::vector<std::string> toolResults = {};
    /// Of the answer, as AnswerDetails::usage has them; null: none.
    nlohmann::json toolCalls = nullptr;
};

struct PromptRequest {
    std::string systemPrompt;       ///< empty: none
    std::vector<PastTurn> history;  ///< oldest first
    std::string question;
    std::vector<StoredPassage> passages;  ///< best first, unnumbered; none: a plain question
    /// A passage with more of its page around it, widest first; empty: nobody knows.
    std::function<std::vector<StoredPassage>(const StoredPassage&)> widerOf = {};
    std::vector<std::string> toolResults = {};  ///< as PastTurn; not empty: the question is unread
    /// The question is about the sources that the last turn brought: they are not given again.
    bool keepsSources = false;
    /// Makes the name of a block of passages (retrieval::buildDelimitedPrompt): nobody who writes a
    /// document can guess it, a passage that holds it gets another, and prompts that begin with the
    /// same passages begin with the same tokens in every chat. Empty: as the bundled model was
    /// trained.
    std::string sourcesSecret;
    nlohmann::ordered_json tools = nullptr;  ///< OpenAI's list, for the template; null: none
    int contextLength = 0;
    int maxTokens = 0;  ///< room kept for the answer
};

struct Prompt {
    std::vector<engine::TokenId> tokens;
    std::vector<StoredPassage> passages;  ///< given to the model, numbered from 1
    int nDroppedTurns = 0;                ///< oldest ones, for want of room
};

/// Takes the best passages that fit the profile's budget (the first is cut to fit if need be),
/// widens the best of them as far as the budget goes, then the latest turns that fit. The oldest
/// are left out by many at once, so that the prompts of several questions begin alike and are
/// computed once. System prompt and question are always kept. Errors: InvalidArgument (the question
/// alone is too long: says both lengths), and the template's.
[[nodiscard]] Result<Prompt> composePrompt(const engine::Model& model, const ModelProfile& profile,
                                           const PromptRequest& request);

/// `outer` has all of `inner`'s place.
[[nodiscard]] bool isPartOf(const StoredPassage& inner, const StoredPassage& outer);

/// The turns of a branch that ends before its last question; failed ones are left out.
/// @param chat  that it is of: its settings know which questions are results of tools
[[nodiscard]] std::vector<PastTurn> turnsOf(std::span<const Message> branch, const Chat& chat);

/// In Chat::settings: {"<question's id>": [result, …]}, see SendRequest::toolResults.
inline constexpr const char* kToolResultsKey = "tool_results";
/// Those of a question; none: it is an ordinary one.
[[nodiscard]] std::vector<std::string> toolResultsOf(const Chat& chat, MessageId question);

/// Says at the end of an answer which tools the model asked for: nothing is run, and nothing of
/// what a model wrote is lost. Markdown; empty without calls.
[[nodiscard]] std::string toolCallNote(std::span<const engine::ToolCall> calls);

[[nodiscard]] retrieval::Passage toPassage(const StoredPassage& stored);
[[nodiscard]] std::vector<retrieval::Passage> toPassages(std::span<const StoredPassage> stored);

/// The checked citations of an answer, as they are stored.
[[nodiscard]] std::vector<StoredCitation> citationsOf(std::string_view text,
                                                      std::span<const StoredPassage> passages);

}  // namespace conclave::services
