// code_lexer.h: finds keywords, strings, comments and the like in one line of code, for colouring.
#pragma once

#include <QString>
#include <vector>

namespace conclave::ui {

enum class TokenKind { Keyword, Type, Function, String, Number, Comment, Meta };

struct CodeToken {
    qsizetype start = 0;  ///< UTF-16 units in the line
    qsizetype length = 0;
    TokenKind kind = TokenKind::Keyword;
};

struct LanguageSpec;

/// The language that a fence names ("cpp", "C++", "py"); null if we do not know it.
[[nodiscard]] const LanguageSpec* findLanguage(const QString& name);
/// Its name as people write it, for the label; unknown ones come back as they are.
[[nodiscard]] QString languageLabel(const QString& name);

/// Appends the tokens of one line, in order, not overlapping.
/// @param state  what the line before left open (0 at the beginning: nothing)
/// @return what this line leaves open
int lexLine(const LanguageSpec& language, QStringView line, int state,
            std::vector<CodeToken>& tokens);

}  // namespace conclave::ui
