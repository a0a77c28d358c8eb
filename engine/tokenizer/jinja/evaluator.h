// evaluator.h: runs a parsed template.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/tokenizer/jinja/ast.h"
#include "engine/tokenizer/jinja/runtime.h"

namespace conclave::engine::jinja {

using Variables = std::vector<std::pair<std::string, Value>>;

/// Writes the template with `variables`, whose values belong to `runtime`.
/// Errors: InvalidArgument (raise_exception's message), Unsupported (with the line), LimitExceeded.
[[nodiscard]] Result<MarkedText> evaluate(const StatementList& statements,
                                          const Variables& variables, Runtime& runtime);

}  // namespace conclave::engine::jinja
