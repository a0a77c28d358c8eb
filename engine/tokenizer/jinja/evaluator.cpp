#include "engine/tokenizer/jinja/evaluator.h"

#include <algorithm>

namespace conclave::engine::jinja {
namespace {

constexpr int kDeepestCall = 400;
constexpr std::size_t kLongestOutput = std::size_t{16} << 20u;

/// Names and their values; what is not here is in the scope around it.
struct Scope {
    Scope* around = nullptr;
    std::vector<std::pair<std::string_view, Value>> variables;

    [[nodiscard]] const Value* find(std::string_view name) const {
        for (const Scope* scope = this; scope != nullptr; scope = scope->around) {
            for (const auto& [known, value] : scope->variables) {
                if (known == name) return &value;
            }
        }
        return nullptr;
    }
    void set(std::string_view name, Value value) {
        for (auto& [known, old] : variables) {
            if (known == name) {
                old = std::move(value);
                return;
            }
        }
        variables.emplace_back(name, std::move(value));
    }
};

enum class Flow { Normal, Break, Continue };

class Evaluator {
public:
    Evaluator(Runtime& runtime, Scope& globals)
        : m_runtime(runtime), m_globals(globals), m_scope(&globals) {}

    Result<MarkedText> run(const StatementList& statements) {
        execute(statements);
        if (m_runtime.failed()) return tl::unexpected(*m_runtime.error());
        return std::move(m_rootOutput);
    }

private:
    /// Counts calls inside calls for as long as it lives.
    class Nesting {
    public:
        explicit Nesting(Evaluator& evaluator) : m_evaluator(evaluator) {
            if (++m_evaluator.m_depth > kDeepestCall) {
                m_evaluator.m_runtime.fail("nested too deeply", ErrorCode::LimitExceeded);
            }
        }
        Nesting(const Nesting&) = delete;
        Nesting& operator=(const Nesting&) = delete;
        ~Nesting() { --m_evaluator.m_depth; }

    private:
        Evaluator& m_evaluator;
    };

    // -------------------------------------------------------------------------------- statements

    Flow execute(const StatementList& statements) {
        const Nesting nesting(*this);
        for (const auto& statement : statements) {
            m_runtime.setLine(statement->line);
            if (!m_runtime.charge()) return Flow::Normal;
            const Flow flow = execute(*statement);
            if (flow != Flow::Normal) return flow;
        }
        return Flow::Normal;
    }

    Flow execute(const Statement& statement) {
        switch (statement.kind) {
            case StatementKind::Text: write(statement.literal.text()); break;
            case StatementKind::Output: {
                const Value value = evaluate(*statement.expression);
                if (value.isText()) {
                    write(value.text());
                } else {
                    write(m_runtime.toText(value));
                }
                break;
            }
            case StatementKind::If: return executeIf(statement);
            case StatementKind::For: executeFor(statement); break;
            case StatementKind::Set: executeSet(statement); break;
            case StatementKind::SetBlock: executeSetBlock(statement); break;
            case StatementKind::Macro: {
                m_scope->set(statement.name,
                             m_runtime.function({statement.name, nullptr, &statement}));
                break;
            }
            case StatementKind::Filter: {
                m_filtered = captureText(statement.body);
                const Value value = evaluate(*statement.expression);
                write(m_runtime.toText(value));
                break;
            }
            case StatementKind::Group: return execute(statement.body);
            case StatementKind::Break: return Flow::Break;
            case StatementKind::Continue: return Flow::Continue;
        }
        return Flow::Normal;
    }

    void write(const MarkedText& text) {
        if (m_runtime.failed()) return;
        if (m_output->size() + text.size() > kLongestOutput) {
            m_runtime.fail("the prompt grew past 16 MiB", ErrorCode::LimitExceeded);
            return;
        }
        m_output->append(text);
    }

    Flow executeIf(const Statement& statement) {
        for (const Branch& branch : statement.branches) {
            if (!branch.condition || Runtime::isTrue(evaluate(*branch.condition))) {
                return m_runtime.failed() ? Flow::Normal : execute(branch.body);
            }
        }
        return Flow::Normal;
    }

    /// Gives names to a value, or to the items of one.
    void bind(Scope& scope, const Statement& statement, const Value& value) {
        if (!statement.unpacks) {
            scope.set(statement.targets.front(), value);
            return;
        }
        const std::vector<Value> parts = m_runtime.items(value);
        if (parts.size() != statement.targets.size()) {
            m_runtime.fail("cannot unpack " + std::to_string(parts.size()) + " values into " +
                           std::to_string(statement.targets.size()) + " names");
            return;
        }
        for (std::size_t i = 0; i < parts.size(); ++i) scope.set(statement.targets[i], parts[i]);
    }

    void executeFor(const Statement& statement) {
        std::vector<Value> items = m_runtime.items(evaluate(*statement.expression));
        Scope* const outer = m_scope;
        if (statement.condition) {
            std::vector<Value> kept;
            for (const Value& item : items) {
                Scope scope{outer, {}};
                m_scope = &scope;
                bind(scope, statement, item);
                if (Runtime::isTrue(evaluate(*statement.condition))) kept.push_back(item);
                m_scope = outer;
                if (!m_runtime.charge()) return;
            }
            items = std::move(kept);
        }
        if (items.empty()) {
            executeInNewScope(statement.otherwise);
            return;
        }
        Loop* loop = m_runtime.newLoop();
        loop->items = std::move(items);
        for (loop->index = 0; loop->index < loop->items.size() && m_runtime.charge();
             ++loop->index) {
            Scope scope{outer, {}};
            m_scope = &scope;
            scope.set("loop", Value(loop));
            bind(scope, statement, loop->items[loop->index]);
            const Flow flow = m_runtime.failed() ? Flow::Normal : execute(statement.body);
            m_scope = outer;
            if (flow == Flow::Break) break;
        }
    }

    void executeInNewScope(const StatementList& statements) {
        if (statements.empty() || m_runtime.failed()) return;
        Scope scope{m_scope, {}};
        m_scope = &scope;
        execute(statements);
        m_scope = scope.around;
    }

    void executeSet(const Statement& statement) {
        const Value value = evaluate(*statement.expression);
        if (m_runtime.failed()) return;
        if (statement.member.empty()) {
            bind(*m_scope, statement, value);
            return;
        }
        const Value* target = m_scope->find(statement.targets.front());
        if (target == nullptr || !target->is<Dict*>() || !target->as<Dict*>()->isNamespace) {
            m_runtime.fail("'" + statement.targets.front() +
                           "' is no namespace, so its members cannot be set");
            return;
        }
        Dict& dict = *target->as<Dict*>();
        if (Value* known = dict.find(statement.member)) {
            *known = value;
        } else {
            dict.entries.emplace_back(m_runtime.text(statement.member, Origin::Template), value);
        }
    }

    void executeSetBlock(const Statement& statement) {
        Value value = captureText(statement.body);
        if (statement.expression) {
            m_filtered = value;
            value = evaluate(*statement.expression);
        }
        m_scope->set(statement.targets.front(), value);
    }

    /// What statements write, as a value.
    Value captureText(const StatementList& statements) {
        MarkedText captured;
        MarkedText* const outer = std::exchange(m_output, &captured);
        executeInNewScope(statements);
        m_output = outer;
        return m_runtime.text(std::move(captured));
    }

    // ------------------------------------------------------------------------------- expressions

    Value evaluate(const Expression& expression) {
        const Nesting nesting(*this);
        m_runtime.setLine(expression.line);
        if (!m_runtime.charge()) return {};
        switch (expression.kind) {
            case ExpressionKind::Literal: return expression.literal;
            case ExpressionKind::Name: return lookUp(expression.name);
            case ExpressionKind::List:
            case ExpressionKind::Tuple: return evaluateList(expression);
            case ExpressionKind::Dict: return evaluateDict(expression);
            case ExpressionKind::Negate: return evaluateNegate(expression);
            case ExpressionKind::Not: return Value(!Runtime::isTrue(operand(expression, 0)));
            case ExpressionKind::And:
            case ExpressionKind::Or: return evaluateLogic(expression);
            case ExpressionKind::Binary: {
                const Value left = operand(expression, 0);
                return m_runtime.binary(expression.operations[0], left, operand(expression, 1));
            }
            case ExpressionKind::Compare: return evaluateCompare(expression);
            case ExpressionKind::Conditional: {
                const bool condition = Runtime::isTrue(operand(expression, 0));
                return operand(expression, condition ? 1 : 2);
            }
            case ExpressionKind::Member: {
                return m_runtime.member(operand(expression, 0), expression.name);
            }
            case ExpressionKind::Index: {
                const Value value = operand(expression, 0);
                return m_runtime.index(value, operand(expression, 1));
            }
            case ExpressionKind::Slice: {
                const Value value = operand(expression, 0);
                const Value begin = operand(expression, 1);
                const Value end = operand(expression, 2);
                return m_runtime.slice(value, begin, end, operand(expression, 3));
            }
            case ExpressionKind::Call: return evaluateCall(expression);
            case ExpressionKind::Filter: {
                const Value value = expression.operands[0] ? operand(expression, 0) : m_filtered;
                const Arguments arguments = evaluateArguments(expression);
                return m_runtime.callFilter(expression.name, value, arguments);
            }
            case ExpressionKind::Test: {
                const Value value = operand(expression, 0);
                const Arguments arguments = evaluateArguments(expression);
                return Value(m_runtime.callTest(expression.name, value, arguments) !=
                             expression.negated);
            }
        }
        return {};
    }

    /// Operand number `i`; undefined if it was left out.
    Value operand(const Expression& expression, std::size_t i) {
        return expression.operands[i] ? evaluate(*expression.operands[i]) : Value();
    }

    Value lookUp(const std::string& name) {
        if (const Value* found = m_scope->find(name)) return *found;
        if (const BuiltIn builtIn = findFunction(name)) {
            return m_runtime.function({name, builtIn, nullptr});
        }
        return Value(Undefined{name});
    }

    Value evaluateList(const Expression& expression) {
        std::vector<Value> items;
        for (std::size_t i = 0; i < expression.operands.size(); ++i) {
            items.push_back(operand(expression, i));
        }
        return m_runtime.list(std::move(items), expression.kind == ExpressionKind::Tuple);
    }

    Value evaluateDict(const Expression& expression) {
        Dict* dict = m_runtime.newDict();
        for (std::size_t i = 0; i + 1 < expression.operands.size() && !m_runtime.failed(); i += 2) {
            const Value key = operand(expression, i);
            const Value value = operand(expression, i + 1);
            const auto known =
                std::find_if(dict->entries.begin(), dict->entries.end(),
                             [&](const auto& entry) { return m_runtime.equal(entry.first, key); });
            if (known != dict->entries.end()) {
                known->second = value;
            } else {
                dict->entries.emplace_back(key, value);
            }
        }
        return Value(dict);
    }

    Value evaluateNegate(const Expression& expression) {
        return m_runtime.binary(Operation::Subtract, Value(std::int64_t{0}),
                                operand(expression, 0));
    }

    /// Gives one of the operands, as Python does, not only true or false.
    Value evaluateLogic(const Expression& expression) {
        const Value left = operand(expression, 0);
        const bool takesLeft = Runtime::isTrue(left) == (expression.kind == ExpressionKind::Or);
        return takesLeft ? left : operand(expression, 1);
    }

    bool compare(Operation operation, const Value& left, const Value& right) {
        switch (operation) {
            case Operation::Equal: return m_runtime.equal(left, right);
            case Operation::NotEqual: return !m_runtime.equal(left, right);
            case Operation::Less: return m_runtime.less(left, right);
            case Operation::LessEqual: return !m_runtime.less(right, left);
            case Operation::Greater: return m_runtime.less(right, left);
            case Operation::GreaterEqual: return !m_runtime.less(left, right);
            case Operation::In: return m_runtime.contains(right, left);
            case Operation::NotIn: return !m_runtime.contains(right, left);
            default: return false;
        }
    }

    Value evaluateCompare(const Expression& expression) {
        Value left = operand(expression, 0);
        for (std::size_t i = 0; i < expression.operations.size(); ++i) {
            Value right = operand(expression, i + 1);
            if (!compare(expression.operations[i], left, right)) return Value(false);
            left = std::move(right);
        }
        return Value(true);
    }

    Arguments evaluateArguments(const Expression& expression) {
        Arguments arguments;
        for (const auto& [name, argument] : expression.arguments) {
            if (name.empty()) {
                arguments.positional.push_back(evaluate(*argument));
            } else {
                arguments.named.emplace_back(name, evaluate(*argument));
            }
        }
        return arguments;
    }

    Value evaluateCall(const Expression& expression) {
        const Expression& callee = *expression.operands[0];
        const bool isMember = callee.kind == ExpressionKind::Member;
        const Value object = isMember ? evaluate(*callee.operands[0]) : Value();
        const Arguments arguments = evaluateArguments(expression);
        if (m_runtime.failed()) return {};
        m_runtime.setLine(expression.line);
        if (isMember && !object.isUndefined()) {
            if (auto result = m_runtime.callMethod(object, callee.name, arguments)) return *result;
        }
        const Value function = isMember ? m_runtime.member(object, callee.name) : evaluate(callee);
        if (m_runtime.failed()) return {};
        if (!function.is<const Function*>()) {
            return m_runtime.fail(describeCallee(callee, object) + " cannot be called");
        }
        const Function& target = *function.as<const Function*>();
        return target.macro != nullptr ? callMacro(*target.macro, arguments)
                                       : target.builtIn(m_runtime, arguments);
    }

    static std::string describeCallee(const Expression& callee, const Value& object) {
        if (callee.kind == ExpressionKind::Member) {
            return "the method '" + callee.name + "' of " + std::string(Runtime::typeName(object));
        }
        return "'" + (callee.name.empty() ? "value" : callee.name) + "'";
    }

    Value callMacro(const Statement& macro, const Arguments& arguments) {
        const Nesting nesting(*this);
        if (arguments.positional.size() > macro.parameters.size()) {
            return m_runtime.fail("the macro '" + macro.name + "' takes " +
                                  std::to_string(macro.parameters.size()) + " arguments");
        }
        for (const auto& named : arguments.named) {
            const std::string_view name = named.first;
            const bool known =
                std::any_of(macro.parameters.begin(), macro.parameters.end(),
                            [&](const Parameter& parameter) { return parameter.name == name; });
            if (!known) {
                return m_runtime.fail("the macro '" + macro.name + "' has no parameter '" +
                                      std::string(name) + "'");
            }
        }
        // A macro sees its arguments and the template's own variables, not the caller's.
        Scope scope{&m_globals, {}};
        Scope* const caller = std::exchange(m_scope, &scope);
        for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
            const Parameter& parameter = macro.parameters[i];
            if (const Value* given = arguments.find(i, parameter.name)) {
                scope.set(parameter.name, *given);
            } else if (parameter.otherwise) {
                scope.set(parameter.name, evaluate(*parameter.otherwise));
            } else {
                scope.set(parameter.name, Value(Undefined{parameter.name}));
            }
        }
        const Value result = captureText(macro.body);
        m_scope = caller;
        return result;
    }

    Runtime& m_runtime;
    Scope& m_globals;
    Scope* m_scope;
    MarkedText m_rootOutput;
    MarkedText* m_output = &m_rootOutput;
    Value m_filtered;  ///< text of the innermost filter block
    int m_depth = 0;
};

}  // namespace

Result<MarkedText> evaluate(const StatementList& statements, const Variables& variables,
                            Runtime& runtime) {
    Scope globals;
    for (const auto& [name, value] : variables) globals.set(name, value);
    return Evaluator(runtime, globals).run(statements);
}

}  // namespace conclave::engine::jinja
