// Which row of a table answers a question.
#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "app/services/question.h"
#include "app/services/table_units.h"

namespace conclave::services {
namespace {

bool sharesWith(const StemSet& a, const StemSet& b) {
    return std::any_of(a.begin(), a.end(),
                       [&](const std::string& stem) { return b.contains(stem); });
}

/// Names of columns that hold what such a question asks for, though it does not say them.
StemSet usualNames(Wanted wanted) {
    switch (wanted) {
        case Wanted::Money: return {"cost", "fee", "amount", "rent", "charg", "rate", "tariff"};
        case Wanted::Length: return {"length", "durat", "time", "period", "term"};
        case Wanted::Time: return {"date", "time", "day", "year", "deadlin", "due", "start"};
        case Wanted::Age: return {"age", "old"};
        case Wanted::Place: return {"place", "room", "locat", "address", "citi", "town", "where"};
        default: return {};
    }
}

bool saysKind(Wanted wanted, std::string_view cell) {
    if (cell.find_first_not_of(" -\u2013\u2014/?") == std::string_view::npos) return false;
    const auto first = static_cast<unsigned char>(cell.front());
    const bool hasDigit = std::any_of(cell.begin(), cell.end(), [](char c) {
        return std::isdigit(static_cast<unsigned char>(c)) != 0;
    });
    switch (wanted) {
        case Wanted::Count:
        case Wanted::Number:
        case Wanted::Age: return hasDigit;
        case Wanted::Person:
        case Wanted::Name: return std::isupper(first) != 0 || first >= 0x80;
        case Wanted::Reason: return false;
        default: return true;
    }
}

}  // namespace

std::size_t rowFit(const AskedFor& asked, const TableUnit& row, const StemSet& above) {
    if (row.labels.empty() || asked.isHowTo || asked.isPermission) return 0;
    StemSet names;
    StemSet said;
    for (const std::string& label : row.labels) names.merge(stemsIn(label));
    for (const std::string& cell : row.cells) said.merge(stemsIn(cell));
    StemSet choosing;  // what tells this row from others
    for (const std::string& stem : asked.stems) {
        if (said.contains(stem) && !names.contains(stem)) choosing.insert(stem);
    }
    const auto isHeld = [&](const std::string& stem) {
        return said.contains(stem) || names.contains(stem) || above.contains(stem);
    };
    StemSet missing;
    for (const std::string& stem : asked.stems) {
        if (!isHeld(stem)) missing.insert(stem);
    }
    if (choosing.empty() || !saysOneAlternative(asked, said)) return 0;
    const StemSet usual = usualNames(asked.wanted);
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
        const StemSet own = stemsIn(row.labels[i]);
        if (sharesWith(choosing, stemsIn(row.cells[i])) || !saysKind(asked.wanted, row.cells[i])) {
            continue;
        }
        StemSet subject = asked.stems;
        for (const std::string& verb : asked.verb) subject.erase(verb);
        const bool isCounted = asked.wanted != Wanted::Count || own.contains(asked.unit);
        // A column that is named needs no verb beside it: "which boat does Ida sail".
        const bool isNamed = sharesWith(own, subject) && isCounted;
        const bool isAsked = sharesWith(own, asked.stems) && isCounted;
        const bool misses = std::any_of(missing.begin(), missing.end(), [&](const auto& stem) {
            return !(isNamed && asked.verb.contains(stem));
        });
        if (misses || (!isAsked && !sharesWith(own, usual))) continue;
        return asked.stems.size() - missing.size();
    }
    return 0;
}

std::size_t rowFit(const ChineseAsked& asked, const TableUnit& row) {
    std::string names;
    std::string cells;
    for (const std::string& label : row.labels) names.append(label).append("\n");
    for (const std::string& cell : row.cells) cells.append(cell).append("\n");
    // Characters that only join: 梅厅有多少座位.
    constexpr auto kJoining =
        std::to_array<std::string_view>({"有", "在", "能", "可", "以", "了", "个", "要", "用", "为",
                                         "于", "到", "一", "共", "它", "位"});
    const auto isJoining = [&](const std::string& character) {
        return std::find(kJoining.begin(), kJoining.end(), character) != kJoining.end();
    };
    const std::string all = names + cells;
    // Letters of a name say nothing one by one.
    if (!asked.defined.empty() && !isChinese(asked.defined) &&
        all.find(asked.defined) == std::string::npos) {
        return 0;
    }
    for (const std::string& character : asked.characters) {
        if (!isJoining(character) && all.find(character) == std::string::npos) return 0;
    }
    const auto nIn = [&](const std::string& text) {
        return static_cast<std::size_t>(std::count_if(
            asked.pairs.begin(), asked.pairs.end(),
            [&](const std::string& pair) { return text.find(pair) != std::string::npos; }));
    };
    const std::size_t nNamed = nIn(names);
    const std::size_t nChoosing = nIn(cells);
    if (nNamed == 0 || nChoosing == 0) return 0;
    const bool hasNumber = std::any_of(cells.begin(), cells.end(), [](char c) {
        return std::isdigit(static_cast<unsigned char>(c)) != 0;
    });
    return asked.wantsNumber && !hasNumber ? 0 : nNamed + nChoosing;
}

}  // namespace conclave::services
