#include "app/services/streamed_text.h"

#include <algorithm>
#include <utility>

#include "app/services/answer_quality.h"
#include "app/services/conversation.h"
#include "base/log.h"

namespace conclave::services {
namespace {

constexpr std::string_view kWideClose = "】";

bool closesBracket(std::string_view piece) {
    return piece.find(']') != std::string_view::npos ||
           piece.find(kWideClose) != std::string_view::npos;
}

/// A sentence or a citation may be complete now.
bool mayEndSentence(std::string_view piece) {
    return closesBracket(piece) || piece.find_first_of(".!?\n") != std::string_view::npos ||
           piece.find("。") != std::string_view::npos;
}

}  // namespace

StreamedText::StreamedText(storage::ChatStore& chats, const AnswerJob& job,
                           std::span<const StoredPassage> passages, Options options)
    : m_chats(chats),
      m_job(job),
      m_passages(toPassages(passages)),
      m_isGood(std::move(options.isGood)),
      m_hasSources(options.hasSources),
      m_written(options.start),
      m_text(std::move(options.start)) {}

void StreamedText::show(const engine::ChatOutput& output, bool isThinking) {
    const Clock::time_point now = Clock::now();
    if (m_nPieces == 0) m_first = now;
    ++m_nPieces;
    m_thought = withoutBrokenCharacters(output.reasoning);
    m_isThinking = isThinking;
    const std::string_view raw = std::string_view(output.content).substr(m_nAnswered);
    m_nAnswered = output.content.size();
    const std::string piece = withoutBrokenCharacters(raw);
    m_hadBrokenCharacters = m_hadBrokenCharacters || piece.size() != raw.size();
    m_written += piece;
    m_text += piece;
    if (m_hasSources && closesBracket(piece)) {
        const std::string corrected = retrieval::reattribute(m_written, m_passages);
        m_text = retrieval::withoutUnknownCitations(corrected, m_passages);
        m_citedWhatIsNotThere = m_text != corrected;
    }
    if (m_isGood && mayEndSentence(piece) && m_isGood(m_text)) m_isGood = nullptr;
    if (now - m_committed < m_pause) return;
    commit();
    if (m_job.events.onText && !m_isGood) m_job.events.onText(withThought(settled()), speed(now));
}

void StreamedText::showLast(double tokensPerSecond) {
    commit();
    if (m_job.events.onText) m_job.events.onText(withThought(m_text), tokensPerSecond);
}

void StreamedText::commit() {
    const Clock::time_point begun = Clock::now();
    const auto saved =
        m_chats.updateMessage(m_job.answer.id, withThought(m_text), MessageState::Streaming);
    if (!saved) log().warn("an answer could not be saved: {}", saved.error().detail);
    m_committed = Clock::now();
    // At most a tenth of the time goes to commits, which take longer as the text grows.
    constexpr int kShare = 9;
    constexpr Clock::duration kShortest = std::chrono::milliseconds(33);
    constexpr Clock::duration kLongest = std::chrono::milliseconds(350);
    m_pause = std::clamp((m_committed - begun) * kShare, kShortest, kLongest);
}

std::string StreamedText::withThought(const std::string& text) const {
    if (m_thought.empty()) return text;
    const std::string thought = "<think>\n" + m_thought;
    return m_isThinking ? thought : thought + "\n</think>\n\n" + text;
}

std::string StreamedText::settled() const {
    constexpr std::size_t kLongestMark = 12;  // bytes
    const std::size_t from = m_text.size() > kLongestMark ? m_text.size() - kLongestMark : 0;
    const std::size_t open = std::min(m_text.find('[', from), m_text.find("【", from));
    const bool isOpen = open != std::string::npos && m_text.find(']', open) == std::string::npos &&
                        m_text.find(kWideClose, open) == std::string::npos;
    std::string text = isOpen ? m_text.substr(0, open) : m_text;
    while (text.ends_with(' ')) text.pop_back();
    return text;
}

double StreamedText::speed(Clock::time_point now) const {
    const double seconds = std::chrono::duration<double>(now - m_first).count();
    return seconds > 0 ? (m_nPieces - 1) / seconds : 0.0;
}

}  // namespace conclave::services
