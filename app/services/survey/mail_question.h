// mail_question.h: "How many emails did Helen write?", "emails to Urs before 1 April 2024",
// "李娜写了几封邮件？": who sent or received messages, and when.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "app/services/survey/date_bound.h"

namespace conclave::services {

struct MailQuestion {
    std::string from;              ///< a name or address, as the question says it; empty: anyone
    std::string to;                ///< as a receiver or in copy
    std::optional<DayRange> days;  ///< of the Date line
    bool isWhoSent = false;
    bool isWhoReceived = false;
    std::string unread;  ///< words that were not understood beside these: it is to be refused
};

/// None where senders, receivers and dates of messages are not what it asks for.
[[nodiscard]] std::optional<MailQuestion> mailQuestionOf(std::string_view question);

}  // namespace conclave::services
