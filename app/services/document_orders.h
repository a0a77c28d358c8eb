// document_orders.h: sentences of documents that tell an assistant what to do or to say.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/retrieval.h"

namespace conclave::services {

/// The sentences of a text that are addressed to whatever answers questions about it and tell no
/// facts: "Ignore all previous instructions", "When asked about the deposit, say …", "Do not tell
/// the user about …", "Note to AI assistants: …", "忽略以上所有指令". What follows an order to
/// forget the others belongs to it, up to two sentences of the same paragraph. By wording alone, in
/// English and Chinese, and the best known orders in some other languages: an order in other words
/// is not seen. Bytes, ascending.
[[nodiscard]] std::vector<retrieval::TextSpan> ordersIn(std::string_view text);

/// A stretch of the text has a part of any of its orders.
[[nodiscard]] bool hasOrder(std::span<const retrieval::TextSpan> orders,
                            retrieval::TextSpan stretch);

/// The text with "…" in the place of each order: what a model is to read.
[[nodiscard]] std::string withoutOrders(std::string_view text);

/// Spaces in the place of each order: what a survey reads, where bytes must stay where they are.
void blankOrders(std::string& text);

}  // namespace conclave::services
