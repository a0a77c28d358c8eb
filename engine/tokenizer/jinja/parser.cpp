#include "engine/tokenizer/jinja/parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <optional>

#include "engine/tokenizer/jinja/lexer.h"

namespace conclave::engine::jinja {
namespace {

constexpr std::size_t kLongestSource = std::size_t{1} << 20u;
constexpr int kDeepest = 120;

/// Recursive descent. The first error sticks: from then on every token reads as End, so that all
/// loops come to their end and callers need not check each step.
class Parser {
public:
    explicit Parser(std::vector<Token> tokens) : m_tokens(std::move(tokens)) {}

    Result<StatementList> run() {
        StatementList statements = parseBody({});
        if (!m_error && peek().kind != TokenKind::End) fail("unexpected end of a block");
        if (m_error) return tl::unexpected(*m_error);
        return statements;
    }

private:
    // ------------------------------------------------------------------------------------ tokens

    [[nodiscard]] const Token& peek(std::size_t ahead = 0) const {
        static const Token kEnd;
        const std::size_t i = m_next + ahead;
        return m_error || i >= m_tokens.size() ? kEnd : m_tokens[i];
    }
    Token take() {
        Token token = peek();
        if (token.kind != TokenKind::End) ++m_next;
        return token;
    }
    [[nodiscard]] bool isOperator(std::string_view text, std::size_t ahead = 0) const {
        return peek(ahead).kind == TokenKind::Operator && peek(ahead).text == text;
    }
    [[nodiscard]] bool isName(std::string_view text, std::size_t ahead = 0) const {
        return peek(ahead).kind == TokenKind::Name && peek(ahead).text == text;
    }
    bool takeOperator(std::string_view text) {
        if (!isOperator(text)) return false;
        take();
        return true;
    }
    bool takeName(std::string_view text) {
        if (!isName(text)) return false;
        take();
        return true;
    }
    void expectOperator(std::string_view text) {
        if (!takeOperator(text)) fail("expected '" + std::string(text) + "', found " + describe());
    }
    std::string expectName() {
        if (peek().kind == TokenKind::Name) return take().text;
        fail("expected a name, found " + describe());
        return {};
    }
    void expectBlockEnd() {
        if (peek().kind == TokenKind::BlockEnd) {
            take();
        } else {
            fail("expected '%}', found " + describe());
        }
    }

    [[nodiscard]] std::string describe() const {
        switch (peek().kind) {
            case TokenKind::Data: return "text";
            case TokenKind::VariableBegin: return "'{{'";
            case TokenKind::VariableEnd: return "'}}'";
            case TokenKind::BlockBegin: return "'{%'";
            case TokenKind::BlockEnd: return "'%}'";
            case TokenKind::End: return "the end of the template";
            default: return "'" + peek().text + "'";
        }
    }

    void fail(std::string_view what, ErrorCode code = ErrorCode::Corrupt) {
        if (m_error) return;
        const int line = m_next < m_tokens.size() ? m_tokens[m_next].line : m_tokens.back().line;
        m_error =
            Error{code, "chat template, line " + std::to_string(line) + ": " + std::string(what)};
    }

    /// Counts nesting for as long as it lives.
    class Nesting {
    public:
        explicit Nesting(Parser& parser) : m_parser(parser) {
            if (++m_parser.m_depth > kDeepest) {
                m_parser.fail("nested too deeply", ErrorCode::LimitExceeded);
            }
        }
        Nesting(const Nesting&) = delete;
        Nesting& operator=(const Nesting&) = delete;
        ~Nesting() { --m_parser.m_depth; }

    private:
        Parser& m_parser;
    };

    // -------------------------------------------------------------------------------- statements

    /// Statements up to a block that begins with one of `ends`, whose name is then next; with no
    /// `ends`, up to the end of the template.
    StatementList parseBody(std::initializer_list<std::string_view> ends) {
        const Nesting nesting(*this);
        StatementList statements;
        while (!m_error && peek().kind != TokenKind::End) {
            const Token token = take();
            if (token.kind == TokenKind::Data) {
                Statement statement = makeStatement(StatementKind::Text, token.line);
                statement.literal =
                    Value(std::make_shared<const MarkedText>(token.text, Origin::Template));
                statements.push_back(std::make_unique<const Statement>(std::move(statement)));
            } else if (token.kind == TokenKind::VariableBegin) {
                Statement statement = makeStatement(StatementKind::Output, token.line);
                statement.expression = parseTuple();
                if (peek().kind == TokenKind::VariableEnd) {
                    take();
                } else {
                    fail("expected '}}', found " + describe());
                }
                statements.push_back(std::make_unique<const Statement>(std::move(statement)));
            } else {
                const bool isEnd = std::any_of(ends.begin(), ends.end(),
                                               [&](std::string_view end) { return isName(end); });
                if (isEnd) return statements;
                statements.push_back(std::make_unique<const Statement>(parseBlock(token.line)));
            }
        }
        if (ends.size() > 0) {
            fail("missing {% " + std::string(*(ends.end() - 1)) + " %}");
        }
        return statements;
    }

    static Statement makeStatement(StatementKind kind, int line) {
        Statement statement;
        statement.kind = kind;
        statement.line = line;
        return statement;
    }

    Statement parseBlock(int line) {
        if (takeName("if")) return parseIf(line);
        if (takeName("for")) return parseFor(line);
        if (takeName("set")) return parseSet(line);
        if (takeName("macro")) return parseMacro(line);
        if (takeName("filter")) return parseFilterBlock(line);
        if (takeName("generation")) return parseGroup(line);
        if (takeName("break")) return parseJump(StatementKind::Break, line);
        if (takeName("continue")) return parseJump(StatementKind::Continue, line);
        if (peek().kind == TokenKind::Name && !peek().text.starts_with("end") &&
            peek().text != "else" && peek().text != "elif") {
            fail("the statement '" + peek().text + "' is not supported", ErrorCode::Unsupported);
        } else {
            fail("expected a statement, found " + describe());
        }
        return {};
    }

    Statement parseIf(int line) {
        Statement statement = makeStatement(StatementKind::If, line);
        Branch branch;
        branch.condition = parseTuple();
        while (!m_error) {
            expectBlockEnd();
            branch.body = parseBody({"elif", "else", "endif"});
            statement.branches.push_back(std::move(branch));
            branch = {};
            if (takeName("endif")) {
                expectBlockEnd();
                break;
            }
            if (takeName("elif")) {
                branch.condition = parseTuple();
                continue;
            }
            takeName("else");
            expectBlockEnd();
            branch.body = parseBody({"endif"});
            statement.branches.push_back(std::move(branch));
            takeName("endif");
            expectBlockEnd();
            break;
        }
        return statement;
    }

    /// NAME or NAME, NAME ... with or without brackets.
    void parseTargets(Statement& statement) {
        const bool hasBracket = takeOperator("(");
        do {
            if (peek().kind != TokenKind::Name && !statement.targets.empty()) break;
            statement.targets.push_back(expectName());
            if (isOperator(",")) statement.unpacks = true;
        } while (!m_error && takeOperator(","));
        if (hasBracket) expectOperator(")");
    }

    Statement parseFor(int line) {
        Statement statement = makeStatement(StatementKind::For, line);
        parseTargets(statement);
        if (!takeName("in")) fail("expected 'in', found " + describe());
        statement.expression = parseTuple(false);
        if (takeName("if")) statement.condition = parseExpression();
        if (isName("recursive")) {
            fail("recursive loops are not supported", ErrorCode::Unsupported);
        }
        expectBlockEnd();
        statement.body = parseBody({"else", "endfor"});
        if (takeName("else")) {
            expectBlockEnd();
            statement.otherwise = parseBody({"endfor"});
        }
        takeName("endfor");
        expectBlockEnd();
        return statement;
    }

    Statement parseSet(int line) {
        Statement statement = makeStatement(StatementKind::Set, line);
        parseTargets(statement);
        if (!statement.unpacks && takeOperator(".")) statement.member = expectName();
        if (takeOperator("=")) {
            statement.expression = parseTuple();
            expectBlockEnd();
            return statement;
        }
        statement.kind = StatementKind::SetBlock;
        if (statement.unpacks || !statement.member.empty())
            fail("expected '=', found " + describe());
        if (isOperator("|")) statement.expression = parseFilters(nullptr);
        expectBlockEnd();
        statement.body = parseBody({"endset"});
        takeName("endset");
        expectBlockEnd();
        return statement;
    }

    Statement parseMacro(int line) {
        Statement statement = makeStatement(StatementKind::Macro, line);
        statement.name = expectName();
        expectOperator("(");
        while (!m_error && !isOperator(")")) {
            Parameter parameter;
            parameter.name = expectName();
            if (takeOperator("=")) parameter.otherwise = parseExpression();
            statement.parameters.push_back(std::move(parameter));
            if (!takeOperator(",")) break;
        }
        expectOperator(")");
        expectBlockEnd();
        statement.body = parseBody({"endmacro"});
        takeName("endmacro");
        if (peek().kind == TokenKind::Name) take();  // {% endmacro NAME %}
        expectBlockEnd();
        return statement;
    }

    Statement parseFilterBlock(int line) {
        Statement statement = makeStatement(StatementKind::Filter, line);
        statement.expression = parseFilters(parseFilter(nullptr));
        expectBlockEnd();
        statement.body = parseBody({"endfilter"});
        takeName("endfilter");
        expectBlockEnd();
        return statement;
    }

    /// {% generation %} marks what to train on; for a prompt it changes nothing.
    Statement parseGroup(int line) {
        Statement statement = makeStatement(StatementKind::Group, line);
        expectBlockEnd();
        statement.body = parseBody({"endgeneration"});
        takeName("endgeneration");
        expectBlockEnd();
        return statement;
    }

    Statement parseJump(StatementKind kind, int line) {
        expectBlockEnd();
        return makeStatement(kind, line);
    }

    // ------------------------------------------------------------------------------- expressions

    Expression make(ExpressionKind kind, std::string name = {}) {
        Expression expression;
        expression.kind = kind;
        expression.line = peek().line;
        expression.name = std::move(name);
        return expression;
    }

    /// Long chains like a + b + c lean to the left without nesting here, so depth is counted again.
    ExpressionPtr finish(Expression expression) {
        for (const ExpressionPtr& operand : expression.operands) {
            if (operand) expression.depth = std::max(expression.depth, operand->depth + 1);
        }
        for (const auto& [name, argument] : expression.arguments) {
            if (argument) expression.depth = std::max(expression.depth, argument->depth + 1);
        }
        if (expression.depth > kDeepest) fail("nested too deeply", ErrorCode::LimitExceeded);
        return std::make_unique<const Expression>(std::move(expression));
    }

    template <typename... Operands>
    ExpressionPtr combine(Expression expression, Operands... operands) {
        (expression.operands.push_back(std::move(operands)), ...);
        return finish(std::move(expression));
    }

    /// One expression, or several with commas, which make a tuple.
    ExpressionPtr parseTuple(bool allowsConditional = true) {
        const auto parseOne = [&] { return allowsConditional ? parseExpression() : parseOr(); };
        Expression tuple = make(ExpressionKind::Tuple);
        ExpressionPtr first = parseOne();
        if (!isOperator(",")) return first;
        tuple.operands.push_back(std::move(first));
        while (!m_error && takeOperator(",")) {
            if (peek().kind == TokenKind::VariableEnd || peek().kind == TokenKind::BlockEnd ||
                isOperator(")")) {
                break;
            }
            tuple.operands.push_back(parseOne());
        }
        return finish(std::move(tuple));
    }

    ExpressionPtr parseExpression() {
        const Nesting nesting(*this);
        ExpressionPtr value = parseOr();
        while (!m_error && isName("if")) {
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

    ExpressionPtr parseOr() {
        ExpressionPtr left = parseAnd();
        while (isName("or")) {
            Expression expression = make(ExpressionKind::Or);
            take();
            left = combine(std::move(expression), std::move(left), parseAnd());
        }
        return left;
    }

    ExpressionPtr parseAnd() {
        ExpressionPtr left = parseNot();
        while (isName("and")) {
            Expression expression = make(ExpressionKind::And);
            take();
            left = combine(std::move(expression), std::move(left), parseNot());
        }
        return left;
    }

    ExpressionPtr parseNot() {
        if (!isName("not")) return parseCompare();
        const Nesting nesting(*this);
        Expression expression = make(ExpressionKind::Not);
        take();
        return combine(std::move(expression), parseNot());
    }

    std::optional<Operation> takeComparison() {
        static constexpr std::pair<std::string_view, Operation> kOperations[] = {
            {"==", Operation::Equal},  {"!=", Operation::NotEqual},
            {"<", Operation::Less},    {"<=", Operation::LessEqual},
            {">", Operation::Greater}, {">=", Operation::GreaterEqual},
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

    ExpressionPtr parseCompare() {
        Expression compare = make(ExpressionKind::Compare);
        ExpressionPtr left = parseSum();
        while (const auto operation = takeComparison()) {
            if (compare.operands.empty()) compare.operands.push_back(std::move(left));
            compare.operations.push_back(*operation);
            compare.operands.push_back(parseSum());
        }
        return compare.operands.empty() ? std::move(left) : finish(std::move(compare));
    }

    using Operators = std::initializer_list<std::pair<std::string_view, Operation>>;

    /// Operators of one rank, which group to the left.
    ExpressionPtr parseBinary(Operators operators, ExpressionPtr (Parser::*parseOperand)()) {
        ExpressionPtr left = (this->*parseOperand)();
        for (bool found = true; found && !m_error;) {
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

    ExpressionPtr parseSum() {
        return parseBinary({{"+", Operation::Add}, {"-", Operation::Subtract}},
                           &Parser::parseConcatenation);
    }
    ExpressionPtr parseConcatenation() {
        return parseBinary({{"~", Operation::Concatenate}}, &Parser::parseProduct);
    }
    ExpressionPtr parseProduct() {
        return parseBinary({{"*", Operation::Multiply},
                            {"/", Operation::Divide},
                            {"//", Operation::FloorDivide},
                            {"%", Operation::Modulo}},
                           &Parser::parsePower);
    }
    ExpressionPtr parsePower() {
        return parseBinary({{"**", Operation::Power}}, &Parser::parseFilteredUnary);
    }
    ExpressionPtr parseFilteredUnary() { return parseUnary(true); }

    /// -x|abs filters -x, as in Jinja: filters bind after the sign.
    ExpressionPtr parseUnary(bool withFilters) {
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

    ExpressionPtr parseLiteral(Value value) {
        Expression expression = make(ExpressionKind::Literal);
        expression.literal = std::move(value);
        return finish(std::move(expression));
    }

    ExpressionPtr parsePrimary() {
        const Token token = peek();
        switch (token.kind) {
            case TokenKind::Name: {
                take();
                if (token.text == "true" || token.text == "True") return parseLiteral(Value(true));
                if (token.text == "false" || token.text == "False") {
                    return parseLiteral(Value(false));
                }
                if (token.text == "none" || token.text == "None")
                    return parseLiteral(Value(None{}));
                return finish(make(ExpressionKind::Name, token.text));
            }
            case TokenKind::String: {
                std::string text;
                while (peek().kind == TokenKind::String) text += take().text;
                return parseLiteral(
                    Value(std::make_shared<const MarkedText>(text, Origin::Template)));
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

    ExpressionPtr parseInteger() {
        std::int64_t value = 0;
        const std::string& text = peek().text;
        const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc()) fail("the number " + text + " is too large");
        take();
        return parseLiteral(Value(value));
    }

    /// (x) is x, () and (x,) are tuples.
    ExpressionPtr parseBracketed() {
        if (takeOperator(")")) return finish(make(ExpressionKind::Tuple));
        ExpressionPtr value = parseTuple();
        expectOperator(")");
        return value;
    }

    ExpressionPtr parseList() {
        Expression list = make(ExpressionKind::List);
        take();
        while (!m_error && !isOperator("]")) {
            list.operands.push_back(parseExpression());
            if (!takeOperator(",")) break;
        }
        expectOperator("]");
        return finish(std::move(list));
    }

    ExpressionPtr parseDict() {
        Expression dict = make(ExpressionKind::Dict);
        take();
        while (!m_error && !isOperator("}")) {
            dict.operands.push_back(parseExpression());
            expectOperator(":");
            dict.operands.push_back(parseExpression());
            if (!takeOperator(",")) break;
        }
        expectOperator("}");
        return finish(std::move(dict));
    }

    ExpressionPtr parsePostfix(ExpressionPtr value) {
        while (!m_error) {
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

    ExpressionPtr parseSubscript(ExpressionPtr value) {
        Expression expression = make(ExpressionKind::Index);
        take();
        std::array<ExpressionPtr, 3> parts;
        std::size_t nColons = 0;
        while (!m_error && !isOperator("]")) {
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
    void parseArguments(Expression& expression) {
        expectOperator("(");
        while (!m_error && !isOperator(")")) {
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

    ExpressionPtr parseFilter(ExpressionPtr value) {
        Expression filter = make(ExpressionKind::Filter, expectName());
        if (isOperator("(")) parseArguments(filter);
        return combine(std::move(filter), std::move(value));
    }

    /// Everything that may follow a value: | filter, is test, and calls of what those return.
    ExpressionPtr parseFilters(ExpressionPtr value) {
        while (!m_error) {
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

    ExpressionPtr parseTest(ExpressionPtr value) {
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
    [[nodiscard]] bool startsTestArgument() const {
        switch (peek().kind) {
            case TokenKind::String:
            case TokenKind::Integer:
            case TokenKind::Float: return true;
            case TokenKind::Operator: return isOperator("[") || isOperator("{");
            case TokenKind::Name: {
                constexpr std::string_view kWords[] = {"else", "or",  "and", "is",
                                                       "in",   "not", "if",  "recursive"};
                return std::find(std::begin(kWords), std::end(kWords), peek().text) ==
                       std::end(kWords);
            }
            default: return false;
        }
    }

    std::vector<Token> m_tokens;
    std::size_t m_next = 0;
    int m_depth = 0;
    std::optional<Error> m_error;
};

}  // namespace

Result<StatementList> parse(std::string_view source) {
    if (source.size() > kLongestSource) {
        return fail(ErrorCode::LimitExceeded, "the chat template is longer than 1 MiB");
    }
    auto tokens = tokenize(source);
    if (!tokens) return tl::unexpected(tokens.error());
    return Parser(std::move(*tokens)).run();
}

}  // namespace conclave::engine::jinja
