// parser.h: tokens to a tree, by Jinja's grammar.
#pragma once

#include <string_view>

#include "base/result.h"
#include "engine/tokenizer/jinja/ast.h"

namespace conclave::engine::jinja {

/// Errors: Corrupt (not a template), Unsupported (a statement that this interpreter does not know),
/// LimitExceeded (too long or too deeply nested); each with the line.
[[nodiscard]] Result<StatementList> parse(std::string_view source);

}  // namespace conclave::engine::jinja
