#include "engine/tokenizer/jinja/expression_parser.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace conclave::engine::jinja {

Expression ExpressionParser::make(ExpressionKind kind, std::string name) {
    Expression expression;
    expression.kind = kind;
    expression.line = peek().line;
    expression.name = std::move(name);
    return expression;
}

/// Long chains like a + b + c lean to the left without nesting here, so depth is counted again.
ExpressionPtr ExpressionParser::finish(Expression expression) {
    for (const ExpressionPtr& operand : expression.operands) {
        if (operand) expression.depth = std::max(expression.depth, operand->depth + 1);
    }
    for (const auto& [name, argument] : expression.arguments) {
        if (argument) expression.depth = std::max(expression.depth, argument->depth + 1);
    }
    if (expression.depth > kDeepest) failTooDeep();
    return std::make_unique<const Expression>(std::move(expression));
}

/// One expression, or several with commas, which make a tuple.
ExpressionPtr ExpressionParser::parseTuple(bool allowsConditional) {
    const auto parseOne = [&] { return allowsConditional ? parseExpression() : parseOr(); };
    Expression tuple = make(ExpressionKind::Tuple);
    ExpressionPtr first = parseOne();
    if (!isOperator(",")) return first;
    tuple.operands.push_back(std::move(first));
    while (!failed() && takeOperator(",")) {
        if (peek().kind == TokenKind::VariableEnd || peek().kind == TokenKind::BlockEnd ||
            isOperator(")")) {
            break;
        }
        tuple.operands.push_back(parseOne());
    }
    return finish(std::move(tuple));
}

ExpressionPtr ExpressionParser::parseExpression() {
    const Nesting nesting(*this);
    ExpressionPtr value = parseOr();
    while (!failed() && isName("if")) {
        Expression conditional = make(ExpressionKind::Conditional);
        take();
        ExpressionPtr condition = parseOr();
        ExpressionPtr otherwise;
        if (takeName("else")) otherwise = parseExpression();
        value = combine(std::move(conditional), std::move(condition), std::move(value),
                        std::move(otherwise));
    }
    return value;
}

ExpressionPtr ExpressionParser::parseOr() {
    ExpressionPtr left = parseAnd();
    while (isName("or")) {
        Expression expression = make(ExpressionKind::Or);
        take();
        left = combine(std::move(expression), std::move(left), parseAnd());
    }
    return left;
}

ExpressionPtr ExpressionParser::parseAnd() {
    ExpressionPtr left = parseNot();
    while (isName("and")) {
        Expression expression = make(ExpressionKind::And);
        take();
        left = combine(std::move(expression), std::move(left), parseNot());
    }
    return left;
}

ExpressionPtr ExpressionParser::parseNot() {
    if (!isName("not")) return parseCompare();
    const Nesting nesting(*this);
    Expression expression = make(ExpressionKind::Not);
    take();
    return combine(std::move(expression), parseNot());
}

std::optional<Operation> ExpressionParser::takeComparison() {
    static constexpr std::pair<std::string_view, Operation> kOperations[] = {
        {"==", Operation::Equal},     {"!=", Operation::NotEqual}, {"<", Operation::Less},
        {"<=", Operation::LessEqual}, {">", Operation::Greater},   {">=", Operation::GreaterEqual},
    };
    for (const auto& [text, operation] : kOperations) {
        if (takeOperator(text)) return operation;
    }
    if (takeName("in")) return Operation::In;
    if (isName("not") && isName("in", 1)) {
        take();
        take();
        return Operation::NotIn;
    }
    return std::nullopt;
}

ExpressionPtr ExpressionParser::parseCompare() {
    Expression compare = make(ExpressionKind::Compare);
    ExpressionPtr left = parseSum();
    while (const auto operation = takeComparison()) {
        if (compare.operands.empty()) compare.operands.push_back(std::move(left));
        compare.operations.push_back(*operation);
        compare.operands.push_back(parseSum());
    }
    return compare.operands.empty() ? std::move(left) : finish(std::move(compare));
}

/// Operators of one rank, which group to the left.
ExpressionPtr ExpressionParser::parseBinary(Operators operators,
                                            ExpressionPtr (ExpressionParser::*parseOperand)()) {
    ExpressionPtr left = (this->*parseOperand)();
    for (bool found = true; found && !failed();) {
        found = false;
        for (const auto& [text, operation] : operators) {
            if (!isOperator(text)) continue;
            Expression expression = make(ExpressionKind::Binary);
            expression.operations.push_back(operation);
            take();
            left = combine(std::move(expression), std::move(left), (this->*parseOperand)());
            found = true;
            break;
        }
    }
    return left;
}

ExpressionPtr ExpressionParser::parseSum() {
    return parseBinary({{"+", Operation::Add}, {"-", Operation::Subtract}},
                       &ExpressionParser::parseConcatenation);
}
ExpressionPtr ExpressionParser::parseConcatenation() {
    return parseBinary({{"~", Operation::Concatenate}}, &ExpressionParser::parseProduct);
}
ExpressionPtr ExpressionParser::parseProduct() {
    return parseBinary({{"*", Operation::Multiply},
                        {"/", Operation::Divide},
                        {"//", Operation::FloorDivide},
                        {"%", Operation::Modulo}},
                       &ExpressionParser::parsePower);
}
ExpressionPtr ExpressionParser::parsePower() {
    return parseBinary({{"**", Operation::Power}}, &ExpressionParser::parseFilteredUnary);
}
ExpressionPtr ExpressionParser::parseFilteredUnary() { return parseUnary(true); }

/// -x|abs filters -x, as in Jinja: filters bind after the sign.
ExpressionPtr ExpressionParser::parseUnary(bool withFilters) {
    const Nesting nesting(*this);
    ExpressionPtr value;
    if (isOperator("-")) {
        Expression expression = make(ExpressionKind::Negate);
        take();
        value = combine(std::move(expression), parseUnary(false));
    } else if (takeOperator("+")) {
        value = parseUnary(false);
    } else {
        value = parsePrimary();
    }
    value = parsePostfix(std::move(value));
    return withFilters ? parseFilters(std::move(value)) : std::move(value);
}

ExpressionPtr ExpressionParser::parseLiteral(Value value) {
    Expression expression = make(ExpressionKind::Literal);
    expression.literal = std::move(value);
    return finish(std::move(expression));
}

ExpressionPtr ExpressionParser::parsePrimary() {
    const Token token = peek();
    switch (token.kind) {
        case TokenKind::Name: {
            take();
            if (token.text == "true" || token.text == "True") return parseLiteral(Value(true));
            if (token.text == "false" || token.text == "False") {
                return parseLiteral(Value(false));
            }
            if (token.text == "none" || token.text == "None") return parseLiteral(Value(None{}));
            return finish(make(ExpressionKind::Name, token.text));
        }
        case TokenKind::String: {
            std::string text;
            while (peek().kind == TokenKind::String) text += take().text;
            return parseLiteral(Value(std::make_shared<const MarkedText>(text, Origin::Template)));
        }
        case TokenKind::Integer: return parseInteger();
        case TokenKind::Float: {
            take();
            double value = 0.0;
            std::from_chars(token.text.data(), token.text.data() + token.text.size(), value);
            return parseLiteral(Value(value));
        }
        default: break;
    }
    if (takeOperator("(")) return parseBracketed();
    if (isOperator("[")) return parseList();
    if (isOperator("{")) return parseDict();
    fail("expected a value, found " + describe());
    return finish({});
}

ExpressionPtr ExpressionParser::parseInteger() {
    std::int64_t value = 0;
    const std::string& text = peek().text;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) fail("the number " + text + " is too large");
    take();
    return parseLiteral(Value(value));
}

/// (x) is x, () and (x,) are tuples.
ExpressionPtr ExpressionParser::parseBracketed() {
    if (takeOperator(")")) return finish(make(ExpressionKind::Tuple));
    ExpressionPtr value = parseTuple();
    expectOperator(")");
    return value;
}

ExpressionPtr ExpressionParser::parseList() {
    Expression list = make(ExpressionKind::List);
    take();
    while (!failed() && !isOperator("]")) {
        list.operands.push_back(parseExpression());
        if (!takeOperator(",")) break;
    }
    expectOperator("]");
    return finish(std::move(list));
}

ExpressionPtr ExpressionParser::parseDict() {
    Expression dict = make(ExpressionKind::Dict);
    take();
    while (!failed() && !isOperator("}")) {
        dict.operands.push_back(parseExpression());
        expectOperator(":");
        dict.operands.push_back(parseExpression());
        if (!takeOperator(",")) break;
    }
    expectOperator("}");
    return finish(std::move(dict));
}

ExpressionPtr ExpressionParser::parsePostfix(ExpressionPtr value) {
    while (!failed()) {
        if (isOperator(".")) {
            Expression expression = make(ExpressionKind::Member);
            take();
            if (peek().kind == TokenKind::Integer) {
                expression.kind = ExpressionKind::Index;
                value = combine(std::move(expression), std::move(value), parseInteger());
            } else {
                expression.name = expectName();
                value = combine(std::move(expression), std::move(value));
            }
        } else if (isOperator("[")) {
            value = parseSubscript(std::move(value));
        } else if (isOperator("(")) {
            Expression expression = make(ExpressionKind::Call);
            parseArguments(expression);
            value = combine(std::move(expression), std::move(value));
        } else {
            break;
        }
    }
    return value;
}

ExpressionPtr ExpressionParser::parseSubscript(ExpressionPtr value) {
    Expression expression = make(ExpressionKind::Index);
    take();
    std::array<ExpressionPtr, 3> parts;
    std::size_t nColons = 0;
    while (!failed() && !isOperator("]")) {
        if (takeOperator(":")) {
            if (++nColons > 2) fail("a slice has at most three parts");
        } else if (!parts.at(nColons)) {
            parts.at(nColons) = parseExpression();
        } else {
            fail("expected ']', found " + describe());
        }
    }
    expectOperator("]");
    if (nColons == 0) {
        if (!parts[0]) fail("expected an index, found ']'");
        return combine(std::move(expression), std::move(value), std::move(parts[0]));
    }
    expression.kind = ExpressionKind::Slice;
    return combine(std::move(expression), std::move(value), std::move(parts[0]),
                   std::move(parts[1]), std::move(parts[2]));
}

/// (a, b, name=c)
void ExpressionParser::parseArguments(Expression& expression) {
    expectOperator("(");
    while (!failed() && !isOperator(")")) {
        if (isOperator("*") || isOperator("**")) {
            return fail("* and ** in arguments are not supported", ErrorCode::Unsupported);
        }
        std::string name;
        if (peek().kind == TokenKind::Name && isOperator("=", 1)) {
            name = take().text;
            take();
        }
        expression.arguments.emplace_back(std::move(name), parseExpression());
        if (!takeOperator(",")) break;
    }
    expectOperator(")");
}

ExpressionPtr ExpressionParser::parseFilter(ExpressionPtr value) {
    Expression filter = make(ExpressionKind::Filter, expectName());
    if (isOperator("(")) parseArguments(filter);
    return combine(std::move(filter), std::move(value));
}

/// Everything that may follow a value: | filter, is test, and calls of what those return.
ExpressionPtr ExpressionParser::parseFilters(ExpressionPtr value) {
    while (!failed()) {
        if (takeOperator("|")) {
            value = parseFilter(std::move(value));
        } else if (isName("is")) {
            value = parseTest(std::move(value));
        } else if (value && isOperator("(")) {
            value = parsePostfix(std::move(value));
        } else {
            break;
        }
    }
    return value;
}

ExpressionPtr ExpressionParser::parseTest(ExpressionPtr value) {
    Expression test = make(ExpressionKind::Test);
    take();
    test.negated = takeName("not");
    test.name = expectName();
    if (isOperator("(")) {
        parseArguments(test);
    } else if (startsTestArgument()) {
        test.arguments.emplace_back(std::string(), parsePostfix(parsePrimary()));
    }
    return combine(std::move(test), std::move(value));
}

/// "is divisibleby 3" has an argument, "is defined and x" has none.
bool ExpressionParser::startsTestArgument() const {
    switch (peek().kind) {
        case TokenKind::String:
        case TokenKind::Integer:
        case TokenKind::Float: return true;
        case TokenKind::Operator: return isOperator("[") || isOperator("{");
        case TokenKind::Name: {
            constexpr std::string_view kWords[] = {"else", "or",  "and", "is",
                                                   "in",   "not", "if",  "recursive"};
            return std::find(std::begin(kWords), std::end(kWords), peek().text) == std::end(kWords);
        }
        default: return false;
    }
}

}  // namespace conclave::engine::jinja
