// ast.h: a parsed template.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/tokenizer/jinja/value.h"

namespace conclave::engine::jinja {

struct Expression;
struct Statement;
using ExpressionPtr = std::unique_ptr<const Expression>;
using StatementList = std::vector<std::unique_ptr<const Statement>>;

enum class Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
    Concatenate,
    Negate,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn,
};

enum class ExpressionKind {
    Literal,
    Name,
    List,         ///< operands
    Tuple,        ///< operands
    Dict,         ///< operands: key, value, key, value ...
    Negate,       ///< operand
    Not,          ///< operand
    And,          ///< two operands
    Or,           ///< two operands
    Binary,       ///< two operands, operations[0]
    Compare,      ///< operands a, b, c ... joined by operations
    Conditional,  ///< condition, then, else; else may be null
    Member,       ///< operand.name
    Index,        ///< operand[operand]
    Slice,        ///< operand[operand:operand:operand], of which the last three may be null
    Call,         ///< operand(arguments)
    Filter,       ///< operand | name(arguments); operand null: the text of a filter block
    Test,         ///< operand is name(arguments); `negated` for is not
};

struct Expression {
    ExpressionKind kind = ExpressionKind::Literal;
    int line = 1;
    int depth = 1;  ///< of the tree below, which bounds recursion
    Value literal;
    std::string name;
    std::vector<ExpressionPtr> operands;
    std::vector<Operation> operations;
    std::vector<std::pair<std::string, ExpressionPtr>> arguments;  ///< positional ones have no name
    bool negated = false;
};

enum class StatementKind {
    Text,      ///< literal
    Output,    ///< expression
    If,        ///< branches; the last one may have no condition
    For,       ///< targets, expression, condition (may be null), body, otherwise
    Set,       ///< targets or (expression.name), expression
    SetBlock,  ///< targets, body, expression: filters to apply (may be null)
    Macro,     ///< name, parameters, body
    Filter,    ///< expression, body
    Group,     ///< body: {% generation %}
    Break,
    Continue,
};

struct Branch {
    ExpressionPtr condition;
    StatementList body;
};

struct Parameter {
    std::string name;
    ExpressionPtr otherwise;  ///< null: undefined
};

struct Statement {
    StatementKind kind = StatementKind::Text;
    int line = 1;
    Value literal;
    std::string name;
    std::string member;  ///< of Set: targets[0].member = ...
    std::vector<std::string> targets;
    bool unpacks = false;  ///< several targets, or one with a comma
    ExpressionPtr expression;
    ExpressionPtr condition;
    StatementList body;
    StatementList otherwise;
    std::vector<Branch> branches;
    std::vector<Parameter> parameters;
};

}  // namespace conclave::engine::jinja
