// json_tree.h: JSON as written: members in their order, numbers with all their digits.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace conclave::retrieval::extractor {

struct JsonNode {
    enum class Kind { Null, Scalar, Array, Object };
    Kind kind = Kind::Null;
    std::string text;                                          ///< of a scalar
    std::vector<std::pair<std::string, JsonNode>> children{};  ///< keys empty in an array

    /// Null if there is none; the first of several.
    [[nodiscard]] const JsonNode* find(std::string_view key) const;
    [[nodiscard]] bool isLeaf() const { return kind == Kind::Null || kind == Kind::Scalar; }
};

/// Errors: Corrupt for what is no JSON; LimitExceeded beyond 100 levels or 2 million values.
[[nodiscard]] Result<JsonNode> parseJsonTree(std::string_view text);

}  // namespace conclave::retrieval::extractor
