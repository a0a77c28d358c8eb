// text_model.h: a language model as reading everything needs it: an order in, a short text of a
// given form out. The services plug a session in, tests a script.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"

namespace conclave::services {

/// What an answer must look like. A model that is held to a form cannot leave it.
struct OutputForm {
    enum class Kind {
        Free,
        NumberedLines,  ///< "NONE", or lines "[n] text" with n from 1 to nNumbers
        Select,         ///< "NONE", or one SELECT without anything behind it
    } kind = Kind::Free;
    int nNumbers = 0;
};

/// Follows a text byte by byte and says whether it can still become one of its form.
class FormChecker {
public:
    explicit FormChecker(OutputForm form) : m_form(form) {}

    /// False: no text of this form goes on so; the checker is of no use any more.
    [[nodiscard]] bool accept(char c);
    [[nodiscard]] bool accept(std::string_view text);
    /// The text so far is complete.
    [[nodiscard]] bool mayEnd() const;
    /// Any text without a line's end may follow, a short one at least.
    [[nodiscard]] bool isWithinText() const;

private:
    enum class State { Start, Word, Open, Number, Closed, Text, LineEnd, Sql, Finished };

    bool acceptNumbered(char c);
    bool acceptSelect(char c);
    bool acceptWord(char c);

    OutputForm m_form;
    State m_state = State::Start;
    std::string m_word;  ///< of Start: what was written of "NONE" or "SELECT"
    int m_number = 0;
    int m_length = 0;  ///< of the line's text so far, bytes
    char m_quote = 0;  ///< that is open in SQL
};

struct ModelTask {
    std::string instructions;  ///< the system turn
    std::string text;          ///< the user turn
    OutputForm form;
    int maxTokens = 256;
};

/// Used on one thread.
class TextModel {
public:
    virtual ~TextModel() = default;

    [[nodiscard]] virtual const std::string& name() const = 0;
    /// Bytes of text that surely fit into one task beside its instructions.
    [[nodiscard]] virtual std::size_t roomBytes() const = 0;
    /// The likeliest text of this form. A text that is cut at maxTokens is given as it is.
    /// Errors: Cancelled, InvalidArgument (too long: half of it may fit), those of the engine.
    [[nodiscard]] virtual Result<std::string> write(const ModelTask& task,
                                                    std::stop_token cancel) = 0;
};

}  // namespace conclave::services
