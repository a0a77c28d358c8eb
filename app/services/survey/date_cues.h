// date_cues.h: what the dates of a sentence are of: "signed on 5 March 2021",
// "到期日：2026年3月5日".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/services/asked_for.h"
#include "app/services/survey/date_bound.h"
#include "retrieval/retrieval.h"

namespace conclave::services {

/// What happens on a date. Asked: what the words of a question say, which is none of the others.
enum class DateRole : unsigned {
    Signed = 1,
    Dated = 2,
    Due = 4,
    Starts = 8,
    Ends = 16,
    Asked = 32
};

/// What a question asks the dates of.
struct AskedDate {
    DateRole role = DateRole::Dated;
    StemSet stems;       ///< of Asked, English: the sentence has all of them
    std::string phrase;  ///< of Asked, Chinese
    StemSet beside;      ///< what the sentence or its heading says too: "deposit" of "deposit due"
};

/// Words that say what a date beside them is of.
struct DateCue {
    unsigned roles = 0;  ///< of DateRole; 0: another thing ("delivery date")
    std::size_t startByte = 0;
    std::size_t endByte = 0;
};

[[nodiscard]] std::vector<DateCue> dateCuesIn(std::string_view text, const AskedDate& asked);

/// A date that a sentence gives of what is asked.
struct SaidDate {
    enum class Doubt {
        None,
        Form,   ///< 03/04/2021, or a day without its year
        Bound,  ///< "if it is not signed", "must be signed before", "the former contract of"
    } doubt = Doubt::None;
    DayRange days;     ///< of no Doubt::Form
    std::string text;  ///< "2021-03-05", or as it is written
};

/// The dates of a sentence that are of what is asked, by the words next to them; of a date beside
/// no such words the heading says it.
[[nodiscard]] std::vector<SaidDate> datesSaid(std::string_view sentence, std::string_view heading,
                                              const AskedDate& asked,
                                              retrieval::SlashDates slashDates);

/// The date of a line that has little else, as letters begin or end: "Berlin, 5 March 2020".
[[nodiscard]] std::optional<SaidDate> dateAlone(std::string_view line,
                                                retrieval::SlashDates slashDates);

}  // namespace conclave::services
