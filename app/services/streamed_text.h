// streamed_text.h: an answer while it is written: cleaned, its citations corrected, shown and kept.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "app/services/answer_job.h"
#include "app/services/services.h"

namespace conclave::services {

/// Shows the growing text to the listener about 30 times a second. What is shown is in the database
/// before, so that a kill takes away nothing that was seen, however slow the disk or busy the
/// machine is; where a commit takes long, text comes in larger steps instead. Citations are
/// corrected as their brackets close. Used on one thread; arguments must outlive it.
class StreamedText {
public:
    struct Options {
        std::string start;  ///< stands before what the model writes
        /// Show nothing before this holds of the text: for models that may write nonsense. Empty:
        /// show all.
        std::function<bool(const std::string&)> isGood;
        /// A [n] is a citation: one without a passage is left out.
        bool hasSources = false;
    };
    StreamedText(storage::ChatStore& chats, const AnswerJob& job,
                 std::span<const StoredPassage> passages, Options options);

    /// What the model has written so far: its thoughts, and an answer that only grows.
    void show(const engine::ChatOutput& output, bool isThinking);
    void showLast(double tokensPerSecond);

    [[nodiscard]] const std::string& text() const { return m_text; }
    /// The model wrote bytes that make no character; they are left out of the text.
    [[nodiscard]] bool hadBrokenCharacters() const { return m_hadBrokenCharacters; }
    /// The model made up a source; its number is left out of the text.
    [[nodiscard]] bool citedWhatIsNotThere() const { return m_citedWhatIsNotThere; }

private:
    using Clock = std::chrono::steady_clock;

    /// While it is written, a thought stands before the answer, between marks.
    [[nodiscard]] std::string withThought(const std::string& text) const;
    /// The text without a citation whose bracket has not closed yet, and without the space before
    /// it: its number may change, or the whole be left out.
    [[nodiscard]] std::string settled() const;
    void commit();
    [[nodiscard]] double speed(Clock::time_point now) const;

    storage::ChatStore& m_chats;
    const AnswerJob& m_job;
    std::vector<retrieval::Passage> m_passages;
    std::function<bool(const std::string&)> m_isGood;  ///< empty once it was
    std::string m_thought;
    bool m_isThinking = false;
    bool m_hadBrokenCharacters = false;
    bool m_hasSources = false;
    bool m_citedWhatIsNotThere = false;
    std::size_t m_nAnswered = 0;  ///< bytes of the model's answer that are in m_written
    std::string m_written;        ///< by the model
    std::string m_text;           ///< as it is shown and stored
    int m_nPieces = 0;
    Clock::time_point m_first;
    Clock::time_point m_committed;
    Clock::duration m_pause{};  ///< until the next commit
};

}  // namespace conclave::services
