#include "engine/tokenizer/jinja/parser.h"

#include <algorithm>
#include <initializer_list>

#include "engine/tokenizer/jinja/expression_parser.h"

namespace conclave::engine::jinja {
namespace {

constexpr std::size_t kLongestSource = std::size_t{1} << 20u;

/// Statements, by recursive descent.
class StatementParser : private ExpressionParser {
public:
    explicit StatementParser(std::vector<Token> tokens) : ExpressionParser(std::move(tokens)) {}

    Result<StatementList> run() {
        StatementList statements = parseBody({});
        if (!failed() && peek().kind != TokenKind::End) fail("unexpected end of a block");
        if (failed()) return tl::unexpected(*error());
        return statements;
    }

private:
    /// Statements up to a block that begins with one of `ends`, whose name is then next; with no
    /// `ends`, up to the end of the template.
    StatementList parseBody(std::initializer_list<std::string_view> ends) {
        const Nesting nesting(*this);
        StatementList statements;
        while (!failed() && peek().kind != TokenKind::End) {
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
        while (!failed()) {
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
        } while (!failed() && takeOperator(","));
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
        while (!failed() && !isOperator(")")) {
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
};

}  // namespace

Result<StatementList> parse(std::string_view source) {
    if (source.size() > kLongestSource) {
        return fail(ErrorCode::LimitExceeded, "the chat template is longer than 1 MiB");
    }
    auto tokens = tokenize(source);
    if (!tokens) return tl::unexpected(tokens.error());
    return StatementParser(std::move(*tokens)).run();
}

}  // namespace conclave::engine::jinja
