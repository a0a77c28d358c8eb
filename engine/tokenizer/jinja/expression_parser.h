// expression_parser.h: Jinja's expressions, by recursive descent.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/tokenizer/jinja/ast.h"
#include "engine/tokenizer/jinja/token_cursor.h"

namespace conclave::engine::jinja {

/// Each function reads what it is named after and leaves the cursor behind it. After an error they
/// return some expression, which nobody looks at.
class ExpressionParser : public TokenCursor {
public:
    using TokenCursor::TokenCursor;

    /// One expression, or several with commas, which make a tuple. Without `allowsConditional` an
    /// "if" ends it, as in {% for x in list if x %}.
    ExpressionPtr parseTuple(bool allowsConditional = true);
    ExpressionPtr parseExpression();
    /// NAME or NAME(arguments), applied to `value`; null: to the text of a filter block.
    ExpressionPtr parseFilter(ExpressionPtr value);
    /// Everything that may follow a value: | filter, is test, and calls of what those return.
    ExpressionPtr parseFilters(ExpressionPtr value);

private:
    using Operators = std::initializer_list<std::pair<std::string_view, Operation>>;

    Expression make(ExpressionKind kind, std::string name = {});
    ExpressionPtr finish(Expression expression);
    template <typename... Operands>
    ExpressionPtr combine(Expression expression, Operands... operands) {
        (expression.operands.push_back(std::move(operands)), ...);
        return finish(std::move(expression));
    }

    ExpressionPtr parseOr();
    ExpressionPtr parseAnd();
    ExpressionPtr parseNot();
    std::optional<Operation> takeComparison();
    ExpressionPtr parseCompare();
    ExpressionPtr parseBinary(Operators operators,
                              ExpressionPtr (ExpressionParser::*parseOperand)());
    ExpressionPtr parseSum();
    ExpressionPtr parseConcatenation();
    ExpressionPtr parseProduct();
    ExpressionPtr parsePower();
    ExpressionPtr parseFilteredUnary();
    ExpressionPtr parseUnary(bool withFilters);
    ExpressionPtr parseLiteral(Value value);
    ExpressionPtr parsePrimary();
    ExpressionPtr parseInteger();
    ExpressionPtr parseBracketed();
    ExpressionPtr parseList();
    ExpressionPtr parseDict();
    ExpressionPtr parsePostfix(ExpressionPtr value);
    ExpressionPtr parseSubscript(ExpressionPtr value);
    void parseArguments(Expression& expression);
    ExpressionPtr parseTest(ExpressionPtr value);
    [[nodiscard]] bool startsTestArgument() const;
};

}  // namespace conclave::engine::jinja
