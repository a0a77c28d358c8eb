#include "app/services/conversation.h"

#include <algorithm>
#include <utility>

#include "app/services/document_orders.h"
#include "app/services/sha256.h"
#include "base/log.h"
#include "base/utf8.h"

namespace conclave::services {
namespace {

int countTokens(const engine::Model& model, std::string_view text) {
    return static_cast<int>(model.tokenize(text, {.addBos = false}).size());
}

/// Shortens a passage to about `tokens`, at the end of a sentence or word where there is one.
void cutPassage(const engine::Model& model, StoredPassage& passage, int tokens) {
    std::string_view text = passage.text;
    while (text.size() > 1 && countTokens(model, text) > tokens) {
        const double share = static_cast<double>(tokens) / countTokens(model, text);
        const auto kept = static_cast<std::size_t>(static_cast<double>(text.size()) * share * 0.98);
        text = text.substr(0, std::min(kept, text.size() - 1));
        text = text.substr(0, completeUtf8Prefix(text));
    }
    for (const std::string_view end : {". ", "\u3002", " "}) {
        const std::size_t found = text.rfind(end);
        if (found != std::string_view::npos && found > text.size() / 2) {
            text = text.substr(0, found + (end == " " ? 0 : end.size()));
            break;
        }
    }
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    passage.endByte = passage.startByte + text.size();
    passage.text = std::string(text);
}

/// The passages of one question, within the profile's budget.
class PassageChoice {
public:
    PassageChoice(const engine::Model& model, const ModelProfile& profile,
                  const PromptRequest& request)
        : m_model(model),
          m_profile(profile),
          m_request(request),
          m_left(profile.passageTokens - countTokens(model, request.question)) {}

    std::vector<StoredPassage> take() {
        fill();
        if (m_request.widerOf) {
            const auto nBest = static_cast<std::size_t>(std::max(m_profile.nWidened, 0));
            for (std::size_t i = 0; i < std::min(nBest, m_chosen.size()); ++i) widen(i);
            fill();  // where one took others in
        }
        for (std::size_t i = 0; i < m_chosen.size(); ++i) {
            m_chosen[i].number = static_cast<int>(i) + 1;
        }
        return std::move(m_chosen);
    }

private:
    [[nodiscard]] int sizeOf(const StoredPassage& passage) const {
        constexpr int kAround = 4;  // "\n\n[1] " and the line's end
        return countTokens(m_model, passage.text) + countTokens(m_model, passage.title) + kAround;
    }

    [[nodiscard]] bool isTaken(const StoredPassage& passage) const {
        return std::any_of(m_chosen.begin(), m_chosen.end(), [&](const auto& other) {
            return other.text == passage.text || isPartOf(passage, other);
        });
    }

    void fill() {
        constexpr int kLeast = 64;  // a shorter rest of a passage is of no use
        for (const StoredPassage& passage : m_request.passages) {
            if (static_cast<int>(m_chosen.size()) >= m_profile.maxPassages) break;
            if (isTaken(passage)) continue;
            const int size = sizeOf(passage);
            if (size <= m_left) {
                m_chosen.push_back(passage);
                m_left -= size;
                continue;
            }
            const int frame = size - countTokens(m_model, passage.text);
            if (m_chosen.empty() && m_left - frame >= kLeast) {
                m_chosen.push_back(passage);
                cutPassage(m_model, m_chosen.back(), m_left - frame);
                m_left = 0;
            }
        }
    }

    /// The widest that fits, in the place of the passage and of those that it takes in.
    void widen(std::size_t i) {
        for (StoredPassage& wider : m_request.widerOf(m_chosen[i])) {
            if (!isPartOf(m_chosen[i], wider)) continue;
            int left = m_left;
            for (const StoredPassage& other : m_chosen) {
                if (isPartOf(other, wider)) left += sizeOf(other);
            }
            left -= sizeOf(wider);
            if (left < 0) continue;
            m_left = left;
            const auto isHeld = [&](const StoredPassage& other) { return isPartOf(other, wider); };
            const auto behind = m_chosen.begin() + static_cast<std::ptrdiff_t>(i) + 1;
            m_chosen.erase(std::remove_if(behind, m_chosen.end(), isHeld), m_chosen.end());
            m_chosen[i] = std::move(wider);
            return;
        }
    }

    const engine::Model& m_model;
    const ModelProfile& m_profile;
    const PromptRequest& m_request;
    int m_left;
    std::vector<StoredPassage> m_chosen;
};

constexpr std::string_view kToolCallNote =
    "The model asked for a tool. Conclave runs none; this is what it wanted:\n";

/// A tag of the secret that occurs in none of the passages. It does not depend on them otherwise:
/// the prompt's beginning, up to the first passage that differs, is then computed only once.
std::string sourcesTag(const std::string& secret, std::span<const StoredPassage> passages) {
    constexpr std::size_t kDigits = 8;
    for (int i = 0;; ++i) {
        std::string tag = sha256OfText(secret + std::to_string(i)).substr(0, kDigits);
        const bool isSaid = std::any_of(passages.begin(), passages.end(), [&](const auto& each) {
            return each.text.find(tag) != std::string::npos ||
                   each.title.find(tag) != std::string::npos ||
                   each.heading.find(tag) != std::string::npos;
        });
        if (!isSaid) return tag;
    }
}

std::size_t bytesOf(const PastTurn& turn) {
    constexpr std::size_t kMarks = 64;  // what the template writes around both
    std::size_t bytes = turn.question.size() + turn.answer.size() + kMarks;
    for (const StoredPassage& passage : turn.passages) bytes += passage.text.size();
    return bytes;
}

/// Where the conversation begins if turn `first` is the earliest that it may begin with: at one of
/// a few places that stay the same from question to question, but before the `last` turn.
std::size_t beginningAt(std::span<const PastTurn> history, std::size_t first, std::size_t last,
                        std::size_t stepBytes) {
    std::size_t dropped = 0;
    for (std::size_t i = 0; i < first; ++i) dropped += bytesOf(history[i]);
    const std::size_t wanted = (dropped + stepBytes - 1) / stepBytes * stepBytes;
    while (dropped < wanted && first + 1 < last) dropped += bytesOf(history[first++]);
    return first;
}

/// The conversation from turn `first` on. A turn shows its sources unless the one before it
/// showed the same.
std::vector<engine::ChatMessage> messagesFrom(const PromptRequest& request, std::size_t first,
                                              std::span<const StoredPassage> passages,
                                              int sentencesPerPassage) {
    std::vector<engine::ChatMessage> messages;
    if (!request.systemPrompt.empty()) messages.push_back({"system", request.systemPrompt});
    std::string shown;
    const auto userTurn = [&](const std::string& question, std::span<const StoredPassage> own) {
        if (own.empty()) return messages.push_back({"user", question});
        std::vector<retrieval::Passage> read = toPassages(own);
        for (retrieval::Passage& passage : read) passage.text = withoutOrders(passage.text);
        const std::string asked = request.sourcesSecret.empty()
                                      ? retrieval::buildPrompt(question, read, sentencesPerPassage)
                                      : retrieval::buildDelimitedPrompt(
                                            question, read, sourcesTag(request.sourcesSecret, own));
        std::string sources = asked.substr(0, asked.size() - question.size());
        messages.push_back({"user", sources == shown ? question : asked});
        shown = std::move(sources);
    };
    for (std::size_t i = first; i < request.history.size(); ++i) {
        userTurn(request.history[i].question, request.history[i].passages);
        messages.push_back({"assistant", request.history[i].answer});
    }
    userTurn(request.question, passages);
    return messages;
}

/// The messages of messagesFrom with the calls and results of tools, for the template: a user's
/// turn that is no question becomes messages of the tools, and the answer before it has their
/// calls.
nlohmann::ordered_json withToolTurns(const PromptRequest& request, std::size_t first,
                                     std::span<const engine::ChatMessage> messages) {
    auto list = nlohmann::ordered_json::array();
    std::size_t turn = first;
    for (const engine::ChatMessage& message : messages) {
        const bool isLast = turn == request.history.size();
        const auto& results = isLast ? request.toolResults : request.history[turn].toolResults;
        if (message.role == "user" && !results.empty()) {
            if (!list.empty() && list.back()["role"] == "assistant" && turn > 0) {
                auto calls = nlohmann::ordered_json::array();
                for (const auto& call : request.history[turn - 1].toolCalls) {
                    auto full = callForTemplate(call, static_cast<int>(calls.size()));
                    if (full) calls.push_back(std::move(*full));
                }
                std::string text = list.back()["content"].get<std::string>();
                text.resize(std::min(text.size(), text.rfind(kToolCallNote)));
                while (!text.empty() && text.back() == '\n') text.pop_back();
                list.back()["content"] = text;
                list.back()["tool_calls"] = std::move(calls);
            }
            const nlohmann::ordered_json calls =
                list.empty() ? nlohmann::ordered_json()
                             : list.back().value("tool_calls", nlohmann::ordered_json());
            for (std::size_t i = 0; i < results.size(); ++i) {
                nlohmann::ordered_json result = {{"role", "tool"}, {"content", results[i]}};
                if (i < calls.size()) {
                    result["tool_call_id"] = calls[i]["id"];
                    result["name"] = calls[i]["function"]["name"];
                }
                list.push_back(std::move(result));
            }
        } else {
            list.push_back({{"role", message.role}, {"content", message.content}});
        }
        if (message.role == "assistant") ++turn;
    }
    return list;
}

}  // namespace

bool isPartOf(const StoredPassage& inner, const StoredPassage& outer) {
    return inner.path == outer.path && inner.page == outer.page &&
           outer.startByte <= inner.startByte && inner.endByte <= outer.endByte;
}

Result<Prompt> composePrompt(const engine::Model& model, const ModelProfile& profile,
                             const PromptRequest& request) {
    Prompt prompt;
    if (request.keepsSources && !request.history.empty()) {
        prompt.passages = request.history.back().passages;
    } else {
        prompt.passages = PassageChoice(model, profile, request).take();
    }
    engine::ChatTemplateOptions options;
    if (!request.tools.is_null()) options.variables["tools"] = request.tools;
    const int room = request.contextLength - request.maxTokens;
    // Long histories: skip at once what cannot fit, by a token in four bytes at the least.
    std::size_t first = 0;
    constexpr std::size_t kMostBytesPerToken = 12;
    std::size_t bytes = 0;
    for (std::size_t i = request.history.size(); i-- > 0;) {
        bytes += request.history[i].question.size() + request.history[i].answer.size();
        if (bytes > static_cast<std::size_t>(std::max(room, 0)) * kMostBytesPerToken) {
            first = i + 1;
            break;
        }
    }
    // A tool's result says nothing without the question that it was asked for.
    const auto isToolTurn = [](const PastTurn& turn) { return !turn.toolResults.empty(); };
    std::size_t last = request.history.size();
    if (!request.toolResults.empty() && last > 0) {
        --last;
        while (last > 0 && isToolTurn(request.history[last])) --last;
    }
    // At four bytes a token, a quarter of the room.
    const auto stepBytes = static_cast<std::size_t>(std::max(room, 1));
    first = beginningAt(request.history, std::min(first, last), last, stepBytes);
    while (true) {
        while (first < last && isToolTurn(request.history[first])) ++first;
        const auto messages =
            messagesFrom(request, first, prompt.passages, profile.sentencesPerPassage);
        options.variables.erase("messages");
        if (!request.toolResults.empty() ||
            std::any_of(request.history.begin() + static_cast<std::ptrdiff_t>(first),
                        request.history.end(), isToolTurn)) {
            options.variables["messages"] = withToolTurns(request, first, messages);
        }
        auto tokens = model.tokenizeChat(messages, options);
        if (!tokens) return tl::unexpected(tokens.error());
        const int size = static_cast<int>(tokens->size());
        if (size <= room) {
            prompt.tokens = std::move(*tokens);
            break;
        }
        if (first < last) {
            first = beginningAt(request.history, first + 1, last, stepBytes);
        } else if (prompt.passages.size() > 1) {
            prompt.passages.pop_back();
        } else if (prompt.passages.empty() || prompt.passages.front().text.size() < 64) {
            const int longest = model.info().contextLength;
            return fail(
                ErrorCode::InvalidArgument,
                "the message has " + std::to_string(size) +
                    " tokens, but the context has room for " + std::to_string(room) +
                    " besides the answer; shorten it, or " +
                    (request.contextLength < longest
                         ? "take a longer context: --ctx N, /context N in a chat, or the "
                           "window's settings, up to "
                           "the " +
                               std::to_string(longest) + " tokens that the model was made for"
                         : "choose a model with a longer context than this one's " +
                               std::to_string(longest)));
        } else {
            StoredPassage& passage = prompt.passages.front();
            cutPassage(model, passage, countTokens(model, passage.text) - (size - room) - 4);
        }
    }
    prompt.nDroppedTurns = static_cast<int>(first);
    if (first > 0) {
        log().info("the oldest {} of {} turns no longer fit the context and were left out", first,
                   request.history.size());
    }
    return prompt;
}

std::vector<std::string> toolResultsOf(const Chat& chat, MessageId question) {
    std::vector<std::string> results;
    const auto all = chat.settings.find(kToolResultsKey);
    if (all == chat.settings.end() || !all->is_object()) return results;
    const auto own = all->find(std::to_string(question));
    if (own == all->end() || !own->is_array()) return results;
    for (const auto& result : *own) {
        if (result.is_string()) results.push_back(result.get<std::string>());
    }
    return results;
}

std::optional<nlohmann::ordered_json> callForTemplate(const nlohmann::ordered_json& call,
                                                      int index) {
    if (!call.is_object()) return std::nullopt;
    const auto wrapped = call.find("function");
    const nlohmann::ordered_json& given = wrapped != call.end() ? *wrapped : call;
    if (!given.is_object() || !given.contains("name") || !given["name"].is_string()) {
        return std::nullopt;
    }
    nlohmann::ordered_json arguments = given.value("arguments", nlohmann::ordered_json::object());
    if (arguments.is_string()) {
        auto parsed = nlohmann::ordered_json::parse(arguments.get<std::string>(), nullptr, false);
        if (!parsed.is_discarded()) arguments = std::move(parsed);
    }
    // Nine letters and digits, as Mistral's templates demand.
    constexpr std::size_t kDigits = 5;
    const std::string digits = std::to_string(index);
    std::string id = "call" + std::string(kDigits - std::min(kDigits, digits.size()), '0') + digits;
    if (call.contains("id") && call["id"].is_string()) id = call["id"].get<std::string>();
    return nlohmann::ordered_json{
        {"id", id},
        {"type", "function"},
        {"function", {{"name", given["name"]}, {"arguments", std::move(arguments)}}}};
}

std::vector<PastTurn> turnsOf(std::span<const Message> branch, const Chat& chat) {
    std::vector<PastTurn> turns;
    for (std::size_t i = 0; i + 1 < branch.size(); ++i) {
        const Message& question = branch[i];
        const Message& answer = branch[i + 1];
        if (question.role != Role::User || answer.role != Role::Assistant) continue;
        if (answer.state == MessageState::Failed || answer.text.empty()) continue;
        PastTurn turn{.question = question.text, .answer = answer.text};
        turn.toolResults = toolResultsOf(chat, question.id);
        if (answer.details) {
            turn.passages = answer.details->passages;
            turn.toolCalls = answer.details->usage.value("tool_calls", nlohmann::json());
        }
        turns.push_back(std::move(turn));
    }
    return turns;
}

std::string toolCallNote(std::span<const engine::ToolCall> calls) {
    if (calls.empty()) return {};
    std::string note = "\n\n" + std::string(kToolCallNote);
    for (const engine::ToolCall& call : calls) {
        // A fence longer than any within, which what the model wrote cannot end.
        std::string fence = "```";
        while (call.arguments.find(fence) != std::string::npos ||
               call.name.find(fence) != std::string::npos) {
            fence += '`';
        }
        note.append("\n").append(fence).append("\n").append(call.name).append(" ");
        note.append(call.arguments).append("\n").append(fence).append("\n");
    }
    return note;
}

retrieval::Passage toPassage(const StoredPassage& stored) {
    retrieval::Passage passage;
    passage.number = stored.number;
    passage.path = stored.path;
    passage.title = stored.title;
    passage.heading = stored.heading;
    passage.page = stored.page;
    passage.startByte = stored.startByte;
    passage.endByte = stored.endByte;
    passage.text = stored.text;
    passage.score = stored.score;
    return passage;
}

std::vector<retrieval::Passage> toPassages(std::span<const StoredPassage> stored) {
    std::vector<retrieval::Passage> passages;
    passages.reserve(stored.size());
    for (const StoredPassage& each : stored) passages.push_back(toPassage(each));
    return passages;
}

std::vector<StoredCitation> citationsOf(std::string_view text,
                                        std::span<const StoredPassage> passages) {
    std::vector<StoredCitation> stored;
    for (retrieval::Citation& c : retrieval::checkCitations(text, toPassages(passages))) {
        stored.push_back({.answerStart = c.answerStart,
                          .answerEnd = c.answerEnd,
                          .passage = c.passage,
                          .quoteStart = c.quoteStart,
                          .quoteEnd = c.quoteEnd,
                          .quote = std::move(c.quote),
                          .supported = c.supported});
    }
    return stored;
}

}  // namespace conclave::services
