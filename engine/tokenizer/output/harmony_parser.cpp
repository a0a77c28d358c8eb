#include "engine/tokenizer/output/harmony_parser.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "engine/tokenizer/output/call_cursor.h"
#include "engine/tokenizer/output/marker_search.h"
#include "engine/tokenizer/output/tag_calls.h"

namespace conclave::engine {
namespace {

constexpr std::string_view kHarmonyBlanks = " \t\r\n";
constexpr std::array<std::string_view, 1> kHeaderEnd = {"<|message|>"};
constexpr std::array<std::string_view, 7> kBodyEnds = {
    "<|end|>", "<|return|>", "<|call|>", "<|start|>", "<|channel|>", "<|eom|>", "<|eot|>"};
/// A header longer than this is none.
constexpr std::size_t kLongestHeader = 512;

class HarmonyParser final : public ChatOutputParser {
public:
    HarmonyParser(bool showsControlTokens, CallJson tools)
        : m_tools(std::move(tools)), m_showsControlTokens(showsControlTokens) {}

    void add(std::string_view text) override {
        m_buffer += text;
        while (step()) {
        }
    }

    void finish() override {
        m_isWhole = true;
        while (step()) {
        }
        if (m_state == State::Body) endBody();
    }

    [[nodiscard]] const ChatOutput& output() const override { return m_output; }
    [[nodiscard]] bool isThinking() const override {
        return m_state == State::Body && m_kind == Kind::Reasoning;
    }
    [[nodiscard]] bool needsControlTokens() const override { return m_showsControlTokens; }

private:
    enum class State { Header, Body, Plain };
    enum class Kind { Content, Reasoning, Call };

    bool step() {
        switch (m_state) {
            case State::Header: return header();
            case State::Body: return body();
            case State::Plain: break;
        }
        m_output.content += m_buffer;
        m_buffer.clear();
        return false;
    }

    /// " to=functions.NAME<|channel|>commentary json", with or without <|start|>assistant before
    /// it.
    bool header() {
        if (!m_hasMessage && !mayBeHeader()) {
            m_state = State::Plain;
            return true;
        }
        const std::string_view window =
            std::string_view(m_buffer).substr(0, kLongestHeader + kHeaderEnd[0].size());
        const std::size_t end = window.find(kHeaderEnd[0]);
        if (end == std::string_view::npos) {
            const bool isNone = m_isWhole || m_buffer.size() > window.size();
            if (!isNone) return false;
            if (m_hasMessage && m_buffer.size() <= window.size()) {
                m_buffer.clear();  // the beginning of a message that was never written
                return false;
            }
            m_state = State::Plain;
            return true;
        }
        readHeader(window.substr(0, end));
        m_buffer.erase(0, end + kHeaderEnd[0].size());
        m_hasMessage = true;
        m_state = State::Body;
        return true;
    }

    /// False as soon as the text cannot begin a message, as from a model that was tuned to plain
    /// text.
    [[nodiscard]] bool mayBeHeader() const {
        const std::size_t first = m_buffer.find_first_not_of(kHarmonyBlanks);
        if (first == std::string::npos) return !m_isWhole;
        const std::string_view rest = std::string_view(m_buffer).substr(first);
        constexpr std::array<std::string_view, 3> kBeginnings = {"<|channel|>", "<|start|>", "to="};
        return std::any_of(kBeginnings.begin(), kBeginnings.end(), [&](std::string_view beginning) {
            return rest.starts_with(beginning) || (!m_isWhole && beginning.starts_with(rest));
        });
    }

    void readHeader(std::string_view header) {
        constexpr std::string_view kChannel = "<|channel|>";
        const std::size_t channel = header.rfind(kChannel);
        const bool isAnalysis = channel != std::string_view::npos &&
                                header.substr(channel + kChannel.size()).starts_with("analysis");
        m_recipient = recipientOf(header);
        const bool isToSelf = m_recipient == "self";
        m_kind = isAnalysis || isToSelf ? Kind::Reasoning : Kind::Content;
        m_body.clear();
        if (!m_recipient.empty() && !isToSelf && m_recipient != "user") {
            m_kind = Kind::Call;
        } else if (std::string& text = target(); !text.empty()) {
            text += m_kind == Kind::Reasoning ? "\n" : "\n\n";
        }
    }

    /// Whom a message is for: a function; in Muse also the user, or the model itself.
    static std::string recipientOf(std::string_view header) {
        constexpr std::string_view kTo = "to=";
        const std::size_t to = header.find(kTo);
        if (to == std::string_view::npos) return {};
        std::string_view recipient = header.substr(to + kTo.size());
        recipient = recipient.substr(0, recipient.find_first_of(" <\n"));
        constexpr std::string_view kFunctions = "functions.";
        if (recipient.starts_with(kFunctions)) recipient.remove_prefix(kFunctions.size());
        return std::string(recipient);
    }

    bool body() {
        const MarkerHit hit = findMarker(m_buffer, kBodyEnds, m_isWhole);
        target().append(m_buffer, 0, hit.position);
        m_buffer.erase(0, hit.position);
        if (!hit.isFound()) return false;
        // A message may follow without an end mark before it.
        const bool beginsNext = kBodyEnds[hit.marker] == "<|channel|>";
        if (!beginsNext) m_buffer.erase(0, kBodyEnds[hit.marker].size());
        endBody();
        m_state = State::Header;
        return true;
    }

    void endBody() {
        if (m_kind != Kind::Call) return;
        m_kind = Kind::Content;
        if (taggedCalls()) return;
        ToolCall call;
        call.id = "call_" + std::to_string(m_output.toolCalls.size());
        call.name = m_recipient;
        call.arguments = m_body;
        if (!nlohmann::json::accept(m_body)) {  // built-in tools are given code
            const nlohmann::json code = {{"code", m_body}};
            call.arguments = code.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        }
        m_output.toolCalls.push_back(std::move(call));
        m_body.clear();
    }

    /// Muse names the function in tags, too.
    bool taggedCalls() {
        CallCursor cursor(m_body, true);
        Calls calls;
        do {
            cursor.skipSpaces();
        } while (readInvoke(cursor, m_tools, calls));
        for (ToolCall& call : calls) {
            call.id = "call_" + std::to_string(m_output.toolCalls.size());
            m_output.toolCalls.push_back(std::move(call));
        }
        return !calls.empty();
    }

    std::string& target() {
        switch (m_kind) {
            case Kind::Reasoning: return m_output.reasoning;
            case Kind::Call: return m_body;
            case Kind::Content: break;
        }
        return m_output.content;
    }

    std::string m_buffer;
    std::string m_body;       ///< of a call
    std::string m_recipient;  ///< of a call
    CallJson m_tools;
    ChatOutput m_output;
    State m_state = State::Header;
    Kind m_kind = Kind::Content;
    bool m_hasMessage = false;
    bool m_isWhole = false;
    bool m_showsControlTokens;
};

}  // namespace

std::unique_ptr<ChatOutputParser> makeHarmonyParser(bool showsControlTokens,
                                                    nlohmann::ordered_json tools) {
    return std::make_unique<HarmonyParser>(showsControlTokens, std::move(tools));
}

}  // namespace conclave::engine
