#include "retrieval/extractor/number_format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>

namespace conclave::retrieval::extractor {
namespace {

constexpr double kSecondsPerDay = 86'400.0;
constexpr double kLastSerial = 2'958'466.0;  // the day after 9999-12-31

std::string plainNumber(double number) {
    std::array<char, 40> buffer{};
    const int length = std::snprintf(buffer.data(), buffer.size(), "%.15g", number);
    return {buffer.data(), static_cast<std::size_t>(length)};
}

std::string clock(std::int64_t seconds) {
    std::array<char, 40> buffer{};
    const auto hours = static_cast<long long>(seconds / 3600);
    const int minutes = static_cast<int>(seconds / 60 % 60);
    const int rest = static_cast<int>(seconds % 60);
    const int length =
        rest == 0
            ? std::snprintf(buffer.data(), buffer.size(), "%02lld:%02d", hours, minutes)
            : std::snprintf(buffer.data(), buffer.size(), "%02lld:%02d:%02d", hours, minutes, rest);
    return {buffer.data(), static_cast<std::size_t>(length)};
}

/// Day number as a date. The system of 1900 counts a 29th of February that never was.
std::string date(std::int64_t day, bool is1904) {
    using namespace std::chrono;
    const sys_days start =
        is1904 ? sys_days(1904y / January / 1) : sys_days(1899y / December / (day < 60 ? 31 : 30));
    const year_month_day when(start + days(day));
    std::array<char, 40> buffer{};
    const int length =
        std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02u", static_cast<int>(when.year()),
                      static_cast<unsigned>(when.month()), static_cast<unsigned>(when.day()));
    return {buffer.data(), static_cast<std::size_t>(length)};
}

}  // namespace

NumberKind kindOfFormat(std::string_view code) {
    bool hasDay = false;
    bool hasMonth = false;  // or minutes, which share the letter
    bool hasYear = false;
    bool hasClock = false;
    bool isElapsed = false;
    bool hasPercent = false;
    for (std::size_t i = 0; i < code.size(); ++i) {
        const char c =
            static_cast<char>(code[i] >= 'A' && code[i] <= 'Z' ? code[i] | 0x20 : code[i]);
        if (c == ';') break;  // what follows is for negative numbers and text
        if (c == '\\' || c == '_' || c == '*') {
            ++i;
        } else if (c == '"') {
            i = std::min(code.find('"', i + 1), code.size());
        } else if (c == '[') {
            const std::size_t end = std::min(code.find(']', i), code.size());
            const char inside = i + 1 < end ? static_cast<char>(code[i + 1] | 0x20) : ' ';
            const bool isOneLetter = code.substr(i + 1, end - i - 1).find_first_not_of("hHmMsS") ==
                                     std::string_view::npos;
            if (isOneLetter && (inside == 'h' || inside == 'm' || inside == 's')) isElapsed = true;
            i = end;
        } else if (code.substr(i, 7) == "General") {
            i += 6;
        } else if (c == 'd') {
            hasDay = true;
        } else if (c == 'm') {
            hasMonth = true;
        } else if (c == 'y') {
            hasYear = true;
        } else if (c == 'h' || c == 's') {
            hasClock = true;
        } else if (c == '%') {
            hasPercent = true;
        }
    }
    if (isElapsed) return NumberKind::Duration;
    const bool isDate = hasDay || hasYear || (hasMonth && !hasClock);
    if (isDate) return hasClock ? NumberKind::DateTime : NumberKind::Date;
    if (hasClock) return NumberKind::Time;
    return hasPercent ? NumberKind::Percent : NumberKind::Plain;
}

NumberKind kindOfBuiltInFormat(int id) {
    if (id == 9 || id == 10) return NumberKind::Percent;
    if (id == 22) return NumberKind::DateTime;
    if (id == 46) return NumberKind::Duration;
    if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || id == 45 || id == 47 || id == 55 ||
        id == 56) {
        return NumberKind::Time;
    }
    if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 58)) {
        return NumberKind::Date;
    }
    return NumberKind::Plain;
}

std::string showNumber(std::string_view text, NumberKind kind, bool is1904) {
    double number = 0.0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) {
        return std::string(text);
    }
    if (kind == NumberKind::Percent) return plainNumber(number * 100.0) + "%";
    if (kind == NumberKind::Plain || number < 0.0 || number >= kLastSerial) {
        // Whole numbers of any length, as article numbers are, stay as they stand.
        const bool isWhole = text.find_first_not_of("-0123456789") == std::string_view::npos;
        return isWhole ? std::string(text) : plainNumber(number);
    }
    const auto seconds = static_cast<std::int64_t>(std::llround(number * kSecondsPerDay));
    const auto perDay = static_cast<std::int64_t>(kSecondsPerDay);
    const std::int64_t ofDay = seconds % perDay;
    switch (kind) {
        case NumberKind::Duration: return clock(seconds);
        case NumberKind::Time: return clock(ofDay);
        case NumberKind::Date: return date(seconds / perDay, is1904);
        default: return date(seconds / perDay, is1904) + " " + clock(ofDay);
    }
}

}  // namespace conclave::retrieval::extractor
