#include "engine/tokenizer/output/output_parser.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "engine/tokenizer/output/call_reader.h"
#include "engine/tokenizer/output/harmony_parser.h"
#include "engine/tokenizer/output/marker_search.h"

namespace conclave::engine {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

/// Thought, answer and calls in one stream, apart by marks.
class TaggedParser final : public ChatOutputParser {
public:
    TaggedParser(const ChatFormat& format, OutputParserOptions options)
        : m_format(format),
          m_options(std::move(options)),
          m_state(m_options.isThinking ? State::Thought : State::Start) {
        m_markers = format.frames;
        if (!m_options.tools.is_array()) return;
        const auto calls = callMarkers(format.calls);
        m_markers.insert(m_markers.end(), calls.begin(), calls.end());
        m_mayBeBare = mayBeBare(format.calls);
    }

    void add(std::string_view text) override {
        m_buffer += text;
        // A call cannot have ended without one of these, and trying is not free.
        constexpr std::string_view kEnds = "}])>`";
        if (m_awaitsCall && text.find_first_of(kEnds) == std::string_view::npos) return;
        run();
    }

    void finish() override {
        m_isWhole = true;
        run();
        const bool isAnswer = m_state == State::Content && m_output.toolCalls.empty();
        if (isAnswer) m_output.content += m_pending;
        m_pending.clear();
    }

    [[nodiscard]] const ChatOutput& output() const override { return m_output; }
    [[nodiscard]] bool isThinking() const override { return m_state == State::Thought; }
    [[nodiscard]] bool needsControlTokens() const override { return m_options.showsControlTokens; }

private:
    enum class State { Start, Thought, Content };

    void run() {
        m_awaitsCall = false;
        while (step()) {
        }
    }

    /// Takes what can be decided from the buffer; false if that is nothing.
    bool step() {
        switch (m_state) {
            case State::Start: return start();
            case State::Thought: return thought();
            case State::Content: return content();
        }
        return false;
    }

    bool start() {
        const std::size_t first = m_buffer.find_first_not_of(kBlanks);
        if (first == std::string::npos && !m_isWhole) return false;
        const std::string_view rest =
            std::string_view(m_buffer).substr(std::min(first, m_buffer.size()));
        if (!rest.empty() && rest.starts_with(m_format.thinkBegin)) {
            m_buffer.erase(0, first + m_format.thinkBegin.size());
            m_state = State::Thought;
            return true;
        }
        if (m_format.thinkBegin.starts_with(rest) && !m_isWhole) return false;
        return answerBegins();
    }

    /// An answer of Llama may be nothing but a call.
    bool answerBegins() {
        const std::size_t first = m_buffer.find_first_not_of(kBlanks);
        if (m_mayBeBare) {
            if (first == std::string::npos && !m_isWhole) return false;
            if (first != std::string::npos && (m_buffer[first] == '{' || m_buffer[first] == '[')) {
                CallReading reading = readBareCall(m_buffer, m_isWhole);
                if (reading.status == CallReading::Status::NeedsMore) return false;
                if (reading.status == CallReading::Status::Complete) take(std::move(reading), 0);
            }
        }
        m_state = State::Content;
        return true;
    }

    bool thought() {
        const MarkerHit hit = findMarker(m_buffer, {&m_format.thinkEnd, 1}, m_isWhole);
        addThought(std::string_view(m_buffer).substr(0, hit.position));
        if (!hit.isFound()) {
            m_buffer.erase(0, hit.position);
            return false;
        }
        m_buffer.erase(0, hit.position + m_format.thinkEnd.size());
        m_pending.clear();  // spaces before the end mark
        m_trimsStart = true;
        m_state = State::Content;
        if (m_mayBeBare) m_state = State::Start;
        return true;
    }

    bool content() {
        const MarkerHit hit = findMarker(m_buffer, m_markers, m_isWhole);
        if (hit.position > 0) {
            addContent(std::string_view(m_buffer).substr(0, hit.position));
            m_buffer.erase(0, hit.position);
        }
        if (!hit.isFound()) return false;
        if (hit.marker < m_format.frames.size()) {
            m_buffer.erase(0, m_markers[hit.marker].size());
            m_pending.clear();
            m_trimsStart = true;
            return true;
        }
        CallReading reading = readCall(m_format.calls, m_buffer, m_isWhole, m_options.tools);
        switch (reading.status) {
            case CallReading::Status::NeedsMore: m_awaitsCall = true; return false;
            case CallReading::Status::Complete:
                take(std::move(reading), m_output.toolCalls.size());
                return true;
            case CallReading::Status::None: {
                const std::size_t length = m_markers[hit.marker].size();
                addContent(std::string_view(m_buffer).substr(0, length));
                m_buffer.erase(0, length);
                return true;
            }
        }
        return false;
    }

    void take(CallReading reading, std::size_t nBefore) {
        addContent(reading.before);
        for (ToolCall& call : reading.calls) {
            if (call.id.empty()) call.id = "call_" + std::to_string(nBefore);
            ++nBefore;
            m_output.toolCalls.push_back(std::move(call));
        }
        m_buffer.erase(0, reading.length);
        m_pending.clear();  // spaces before the call
        m_trimsStart = true;
    }

    void addThought(std::string_view text) { addTrimmed(text, m_output.reasoning, true); }

    void addContent(std::string_view text) {
        if (m_trimsStart) {
            text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
            if (text.empty()) return;
            m_trimsStart = false;
        }
        if (m_markers.empty()) {
            m_output.content += text;
        } else {
            addTrimmed(text, m_output.content, false);
        }
    }

    /// Appends, but keeps spaces at the end back: if nothing follows they do not belong to it.
    void addTrimmed(std::string_view text, std::string& to, bool trimsStart) {
        const std::size_t last = text.find_last_not_of(kBlanks);
        if (last == std::string_view::npos) {
            if (!trimsStart || !to.empty()) m_pending += text;
            return;
        }
        if (trimsStart && to.empty()) text.remove_prefix(text.find_first_not_of(kBlanks));
        const std::size_t end = text.find_last_not_of(kBlanks) + 1;
        to += m_pending;
        to += text.substr(0, end);
        m_pending = text.substr(end);
    }

    ChatFormat m_format;
    OutputParserOptions m_options;
    /// The format's frames, and those of calls if these are looked for.
    std::vector<std::string_view> m_markers;
    bool m_mayBeBare = false;  ///< a call may have no marker
    std::string m_buffer;      ///< not decided yet
    std::string m_pending;     ///< spaces that count only if something follows
    ChatOutput m_output;
    State m_state;
    bool m_trimsStart = false;
    bool m_isWhole = false;
    bool m_awaitsCall = false;
};

}  // namespace

std::unique_ptr<ChatOutputParser> makeOutputParser(const ChatFormat& format,
                                                   OutputParserOptions options) {
    if (format.isHarmony) {
        return makeHarmonyParser(options.showsControlTokens, std::move(options.tools));
    }
    return std::make_unique<TaggedParser>(format, std::move(options));
}

}  // namespace conclave::engine
