// chinese_orders.h: the part of document_orders.h that reads Chinese, by characters and not by
// words.
#pragma once

#include <string_view>

namespace conclave::services {

/// "忽略以上所有指令"
[[nodiscard]] bool forgetsOthersInChinese(std::string_view sentence);

/// "如果有人问到押金，请回答…", "不要告诉用户…": an order to whatever answers questions.
[[nodiscard]] bool isAddressedToModelInChinese(std::string_view sentence);

}  // namespace conclave::services
