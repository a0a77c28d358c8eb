#include "app/services/survey/text_model.h"

#include <algorithm>
#include <cctype>

namespace conclave::services {
namespace {

constexpr std::string_view kNone = "NONE";
constexpr std::string_view kSelect = "SELECT";
constexpr std::string_view kWith = "WITH";
constexpr int kLongestLine = 320;  // bytes of text
constexpr int kLongestSql = 1200;

bool isSpaceByte(char c) { return c == ' ' || c == '\t'; }
char upper(char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); }

}  // namespace

bool FormChecker::accept(char c) {
    switch (m_form.kind) {
        case OutputForm::Kind::Free: return true;
        case OutputForm::Kind::NumberedLines: return acceptNumbered(c);
        case OutputForm::Kind::Select: return acceptSelect(c);
    }
    return false;
}

bool FormChecker::accept(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [&](char c) { return accept(c); });
}

bool FormChecker::mayEnd() const {
    if (m_form.kind == OutputForm::Kind::Free || m_state == State::Finished) return true;
    if (m_state == State::Sql) return m_quote == 0 && m_length > 2;
    return m_state == State::LineEnd || (m_state == State::Text && m_length > 0);
}

bool FormChecker::isWithinText() const {
    constexpr int kToken = 64;  // no token of text is longer
    return m_form.kind == OutputForm::Kind::Free ||
           (m_state == State::Text && m_length > 0 && m_length + kToken < kLongestLine);
}

/// A word that opens the text, after spaces: "NONE" ends it, "SELECT" begins a query.
bool FormChecker::acceptWord(char c) {
    if (m_word.empty() && (isSpaceByte(c) || c == '\n')) return true;
    m_word += upper(c);
    m_state = State::Word;
    if (m_word == kNone) {
        m_state = State::Finished;
        return true;
    }
    const bool isSql = m_form.kind == OutputForm::Kind::Select;
    if (isSql && (m_word == kSelect || m_word == kWith)) {
        m_state = State::Sql;
        return true;
    }
    return kNone.starts_with(m_word) ||
           (isSql && (kSelect.starts_with(m_word) || kWith.starts_with(m_word)));
}

bool FormChecker::acceptNumbered(char c) {
    switch (m_state) {
        case State::Start:
            if (c != '[') return acceptWord(c);
            m_state = State::Open;
            return true;
        case State::Word: return acceptWord(c);
        case State::LineEnd:
            if (c == '\n' || isSpaceByte(c)) return true;
            m_state = State::Open;
            return c == '[';
        case State::Open:
            m_state = State::Number;
            m_number = c - '0';
            return c >= '1' && c <= '9' && m_number <= m_form.nNumbers;
        case State::Number:
            if (c == ']') {
                m_state = State::Text;
                m_length = 0;
                return true;
            }
            m_number = 10 * m_number + (c - '0');
            return c >= '0' && c <= '9' && m_number <= m_form.nNumbers;
        case State::Text:
            if (c == '\n') {
                m_state = State::LineEnd;
                return m_length > 0;
            }
            if (m_length == 0 && isSpaceByte(c)) return true;
            return ++m_length <= kLongestLine;
        case State::Finished: return c == '\n';
        default: return false;
    }
}

bool FormChecker::acceptSelect(char c) {
    switch (m_state) {
        case State::Start:
        case State::Word: return acceptWord(c);
        case State::Sql:
            if (m_quote != 0) {
                if (c == m_quote) m_quote = 0;
            } else if (c == '\'' || c == '"' || c == '`') {
                m_quote = c;
            } else if (c == ';') {
                m_state = State::Finished;
                return m_length > 2;
            }
            // "SELECT" and a letter would be another word.
            if (m_length == 0 && std::isalnum(static_cast<unsigned char>(c)) != 0) return false;
            return ++m_length <= kLongestSql;
        case State::Finished: return c == '\n';
        default: return false;
    }
}

}  // namespace conclave::services
