#include "app/services/said_in_text.h"

#include <algorithm>
#include <cctype>

#include "app/services/english_words.h"

namespace conclave::services {
namespace {

constexpr auto kNumberWords = std::to_array<std::string_view>(
    {"one",   "two",   "three",   "four",   "five",    "six",     "seven",    "eight",
     "nine",  "ten",   "eleven",  "twelve", "fifteen", "twenty",  "thirty",   "forty",
     "fifty", "sixty", "seventy", "eighty", "ninety",  "hundred", "thousand", "million",
     "half",  "dozen", "once",    "twice",  "double",  "both"});
constexpr auto kTimeWords = std::to_array<std::string_view>(
    {"january",     "february", "march",    "april",       "june",       "july",     "august",
     "september",   "october",  "november", "december",    "monday",     "tuesday",  "wednesday",
     "thursday",    "friday",   "saturday", "sunday",      "today",      "tomorrow", "morning",
     "afternoon",   "evening",  "noon",     "midnight",    "daily",      "weekly",   "monthly",
     "yearly",      "when",     "before",   "after",       "until",      "while",    "during",
     "immediately", "always",   "never",    "spring",      "summer",     "autumn",   "winter",
     "whenever",    "if",       "day",      "week",        "month",      "year",     "start",
     "januar",      "februar",  "märz",     "mai",         "juni",       "juli",     "oktober",
     "dezember",    "montag",   "dienstag", "mittwoch",    "donnerstag", "freitag",  "samstag",
     "sonntag",     "sonntags", "mittags",  "mitternacht", "täglich",    "bis",      "nach",
     "janvier",     "février",  "mars",     "avril",       "juin",       "juillet",  "août",
     "septembre",   "octobre",  "novembre", "décembre",    "lundi",      "mardi",    "mercredi",
     "jeudi",       "vendredi", "samedi",   "dimanche",    "midi",       "minuit",   "avant",
     "après"});
constexpr auto kOftenWords = std::to_array<std::string_view>(
    {"every", "each", "per", "daily", "weekly", "monthly", "yearly", "hourly", "always", "never"});
constexpr auto kLengthWords = std::to_array<std::string_view>(
    {"second",  "seconds",  "minute", "minutes", "hour",    "hours",   "day",    "days",
     "night",   "nights",   "week",   "weeks",   "month",   "months",  "year",   "years",
     "metre",   "metres",   "meter",  "meters",  "km",      "cm",      "mm",     "mile",
     "miles",   "pages",    "words",  "always",  "forever", "until",   "page",   "characters",
     "tag",     "tage",     "tagen",  "woche",   "wochen",  "monat",   "monate", "monaten",
     "jahr",    "jahre",    "jahren", "stunde",  "stunden", "minuten", "jour",   "jours",
     "semaine", "semaines", "mois",   "ans",     "heure",   "heures"});
constexpr auto kMoneyWords = std::to_array<std::string_view>(
    {"euro",  "euros", "eur", "dollar", "dollars", "usd",    "pound", "pounds", "gbp",     "cent",
     "cents", "yuan",  "rmb", "yen",    "kr",      "kroner", "franc", "francs", "percent", "free"});
constexpr auto kRoleWords = std::to_array<std::string_view>(
    {"head",   "manager",   "director",      "office",    "department", "desk",
     "team",   "service",   "staff",         "employees", "employee",   "user",
     "users",  "anyone",    "everyone",      "everybody", "nobody",     "editor",
     "author", "president", "administrator", "owner",     "company",    "bank"});
constexpr auto kPlaceWords = std::to_array<std::string_view>(
    {"in", "on", "at", "behind", "under", "below", "above", "near", "beside", "inside", "outside",
     "between", "opposite", "through", "from", "into", "next"});
constexpr auto kReasonWords =
    std::to_array<std::string_view>({"because", "since", "reason", "reasons", "due", "so",
                                     "therefore", "cause", "caused", "causes"});
constexpr auto kGoesOn = std::to_array<std::string_view>(
    {"it", "its", "they", "their", "this", "these", "he", "she", "her", "his"});
constexpr auto kBeforeNames =
    std::to_array<std::string_view>({"by", "with", "contact", "ask", "call", "is", "are", "was"});
constexpr auto kDefining = std::to_array<std::string_view>(
    {"is",   "are", "was",  "were", "means",   "mean",     "refers", "stands", "denotes", "has",
     "will", "ist", "sind", "war",  "beträgt", "betragen", "lautet", "est",    "sont",    "était"});
constexpr auto kAgeWords = std::to_array<std::string_view>(
    {"year", "years", "month", "months", "old", "age", "aged", "born"});
/// What stands before a bare number of a time: "at 9", "since 12".
constexpr auto kBeforeTimes = std::to_array<std::string_view>({"at", "since", "until"});
constexpr auto kPermissionWords = std::to_array<std::string_view>(
    {"allowed",  "permitted", "forbidden",  "prohibited", "banned",    "may",
     "cannot",   "consent",   "permission", "approval",   "erlaubt",   "gestattet",
     "verboten", "untersagt", "autorisé",   "autorisés",  "autorisée", "autorisées",
     "interdit", "interdits", "interdite",  "interdites"});
constexpr auto kBeforePlans =
    std::to_array<std::string_view>({"will", "shall", "must", "should", "to", "may", "can"});

bool isNumeric(const AskedWord& word) {
    // "m68k" has a digit and is no number.
    return std::isdigit(static_cast<unsigned char>(word.surface.front())) != 0 ||
           isListed(word.surface, kNumberWords);
}

template <std::size_t N>
bool saysOneOf(const std::vector<AskedWord>& words, const std::array<std::string_view, N>& list) {
    return std::any_of(words.begin(), words.end(),
                       [&](const AskedWord& word) { return isListed(word.surface, list); });
}

/// "Nine months' notice" tells a notice period, "must not exceed 3 knots" a limit, "call 0451 7781"
/// a number, though they do not say so.
bool impliesHead(const AskedFor& asked, const std::vector<AskedWord>& words) {
    constexpr auto kBounding =
        std::to_array<std::string_view>({"exceed", "maximum", "most", "fewer", "below", "limited"});
    constexpr auto kCalling =
        std::to_array<std::string_view>({"call", "dial", "phone", "telephone"});
    const bool hasNumber = std::any_of(words.begin(), words.end(), isNumeric);
    if (!asked.isWhatIs || !hasNumber) return false;
    if (asked.head == "period") return saysOneOf(words, kLengthWords);
    if (asked.head == "limit") return saysOneOf(words, kBounding);
    return asked.head == "number" && saysOneOf(words, kCalling);
}

/// A number that the question does not bring along.
bool saysNumber(const AskedFor& asked, const std::vector<AskedWord>& words) {
    return std::any_of(words.begin(), words.end(), [&](const AskedWord& word) {
        return isNumeric(word) && !asked.stems.contains(word.stem);
    });
}

/// "ann@example.org".
bool isEmailIn(std::string_view text) {
    for (std::size_t at = text.find('@'); at != std::string_view::npos;
         at = text.find('@', at + 1)) {
        const auto isPart = [&](std::size_t i) {
            return i < text.size() && std::isalnum(static_cast<unsigned char>(text[i])) != 0;
        };
        if (at > 0 && isPart(at - 1) && isPart(at + 1)) return true;
    }
    return false;
}

/// A day, a year or a time of day, or a word of time; "80 euros" is none.
bool saysTime(const AskedFor& asked, const std::vector<AskedWord>& words, std::string_view text) {
    if (saysOneOf(words, kTimeWords)) return true;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string_view word = words[i].surface;
        if (!isNumeric(words[i]) || asked.stems.contains(words[i].stem)) continue;
        const bool isOrdinal = word.ends_with("st") || word.ends_with("nd") ||
                               word.ends_with("rd") || word.ends_with("th");
        const bool isYear = word.size() == 4 && (word[0] == '1' || word[0] == '2') &&
                            word.find_first_not_of("0123456789") == std::string_view::npos;
        const bool isWritten = std::count_if(word.begin(), word.end(), [](char c) {
                                   return c == '.' || c == '-' || c == '/' || c == ':';
                               }) > 0;
        const std::string_view behind = text.substr(words[i].end);
        const bool isParted = behind.size() > 1 &&
                              (behind[0] == ':' || behind[0] == '-' || behind[0] == '/') &&
                              std::isdigit(static_cast<unsigned char>(behind[1])) != 0;
        const std::string_view next =
            i + 1 < words.size() ? std::string_view(words[i + 1].surface) : std::string_view();
        const bool isUnit = isListed(next, kLengthWords) || next == "am" || next == "pm" ||
                            next == "o'clock" || next == "uhr" || next == "h";
        const bool isAfterAt = i > 0 && isListed(words[i - 1].surface, kBeforeTimes);
        if (isOrdinal || isYear || isWritten || isParted || isUnit || isAfterAt) return true;
    }
    return false;
}

/// A capitalised word that the question does not bring along and that begins no sentence.
bool saysName(const AskedFor& asked, const std::vector<AskedWord>& words, std::string_view text) {
    for (std::size_t i = 1; i < words.size(); ++i) {
        const std::string_view gap =
            text.substr(words[i - 1].end, words[i].start - words[i - 1].end);
        const bool begins = gap.find_first_of(".!?\n") != std::string_view::npos;
        if (words[i].isAnyCapital && words[i].isContent && !begins &&
            !asked.stems.contains(words[i].stem)) {
            return true;
        }
    }
    return false;
}

/// "28 pages", "two pressure sensors".
bool saysCount(const AskedFor& asked, const std::vector<AskedWord>& words) {
    constexpr std::size_t kBetween = 3;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (!isNumeric(words[i]) || asked.keys.contains(words[i].stem)) continue;
        for (std::size_t j = i + 1; j < std::min(words.size(), i + 1 + kBetween); ++j) {
            if (words[j].stem == asked.unit) return true;
        }
    }
    return false;
}

/// Two capitalised words in a row, one where a name is usual, or an office.
bool saysPersonIn(const AskedFor& asked, const std::vector<AskedWord>& words,
                  std::string_view text) {
    const auto isName = [&](std::size_t i) {
        return i < words.size() && words[i].isCapital && words[i].isContent &&
               !asked.stems.contains(words[i].stem) && !isListed(words[i].surface, kTimeWords);
    };
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (isListed(words[i].surface, kRoleWords) && !asked.stems.contains(words[i].stem)) {
            return true;
        }
        if (!isName(i)) continue;
        if (isName(i + 1) && words[i + 1].start == words[i].end + 1 && text[words[i].end] == ' ') {
            return true;
        }
        if (i > 0 && isListed(words[i - 1].surface, kBeforeNames)) return true;
        if (i == 0 && words.size() > 1 && asked.stems.contains(words[1].stem)) return true;
    }
    return false;
}

/// "The lessor insures the building": who does it need have no name.
bool saysDoer(const AskedFor& asked, const std::vector<AskedWord>& words, std::string_view text) {
    constexpr auto kArticles =
        std::to_array<std::string_view>({"the", "a", "an", "each", "every", "our"});
    constexpr std::size_t kFarthest = 4;
    if (asked.isWhoIs || asked.verb.size() != 1) return false;
    for (std::size_t first = 0; first < words.size(); ++first) {
        // "5. The lessee …": the sentence, or one behind the number of a list.
        const bool begins = first == 0 || text.substr(words[first - 1].end,
                                                      words[first].start - words[first - 1].end)
                                                  .find('.') != std::string_view::npos;
        if (!begins || !isListed(words[first].surface, kArticles)) continue;
        for (std::size_t i = first + 1; i < std::min(words.size(), first + kFarthest + 1); ++i) {
            if (words[i].stem == *asked.verb.begin()) {
                if (i > first + 1 && words[i - 1].isContent) return true;
                break;
            }
            if (asked.stems.contains(words[i].stem) || isListed(words[i].surface, kHelpers)) break;
        }
    }
    return false;
}

/// "was repaired by Ann Berg", "Ann Berg repaired": who stands on the doer's side of the verb. Of a
/// sentence that has the verb in no form of the past any person is taken.
bool saysPerson(const AskedFor& asked, const std::vector<AskedWord>& words, std::string_view text) {
    constexpr auto kBefore =
        std::to_array<std::string_view>({"was", "were", "been", "being", "is", "are", "be"});
    constexpr std::size_t kNear = 3;
    if (saysDoer(asked, words, text)) return true;
    if (!asked.isPast || asked.isWhoIs || asked.verb.size() != 1) {
        return saysPersonIn(asked, words, text);
    }
    bool isSaid = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i].stem != *asked.verb.begin()) continue;
        isSaid = true;
        bool isPassive = false;
        for (std::size_t j = i > kNear ? i - kNear : 0; j < i; ++j) {
            isPassive = isPassive || isListed(words[j].surface, kBefore);
        }
        if (!isPassive) {
            // A pronoun stands for whom the sentence before names.
            if (saysPersonIn(asked, words, text)) return true;
            continue;
        }
        for (std::size_t j = i + 1; j + 1 < words.size(); ++j) {
            if (words[j].surface != "by") continue;
            const std::vector<AskedWord> behind(words.begin() + static_cast<std::ptrdiff_t>(j),
                                                words.end());
            if (saysPersonIn(asked, behind, text)) return true;
        }
    }
    return !isSaid && saysPersonIn(asked, words, text);
}

/// "behind the red door": a place that the question does not name.
bool saysPlace(const AskedFor& asked, const std::vector<AskedWord>& words) {
    constexpr std::size_t kNear = 3;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (!isListed(words[i].surface, kPlaceWords)) continue;
        for (std::size_t j = i + 1; j < std::min(words.size(), i + 1 + kNear); ++j) {
            // "In 2016" and "from her uncle" are no places; "from Oslo" is one.
            if (isNumeric(words[j]) || isListed(words[j].surface, kTimeWords)) break;
            if (words[i].surface == "from" && !words[j].isAnyCapital) continue;
            if (words[j].isContent && !asked.stems.contains(words[j].stem)) return true;
        }
    }
    return false;
}

}  // namespace

StemSet stemsSaidBy(const AskedFor& asked, const std::vector<AskedWord>& words) {
    StemSet stems;
    for (const AskedWord& word : words) {
        stems.insert(word.stem);
        const bool isNameOfMay = word.isAnyCapital && word.surface == "may";
        // "Present: Ann Berg, Tom Ode."
        if (word.surface == "present" && &word == &words.front()) stems.emplace("attend");
        if (asked.isPermission && !isNameOfMay && isListed(word.surface, kPermissionWords)) {
            stems.emplace(kPermissionStems.front());
        }
    }
    if (impliesHead(asked, words)) stems.insert(asked.head);
    return stems;
}

bool isStillToBeDone(const AskedFor& asked, const std::vector<AskedWord>& words) {
    if (!asked.isPast || asked.wanted != Wanted::Person) return false;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (!asked.focus.contains(words[i].stem)) continue;
        const bool isPlanned = i > 0 && isListed(words[i - 1].surface, kBeforePlans);
        return isPlanned || (words[i].surface.ends_with('s') && !isPastForm(words[i]));
    }
    return false;
}

bool saysWanted(const AskedFor& asked, const std::vector<AskedWord>& words, std::string_view text) {
    const auto hasSign = [&](std::string_view sign) {
        return text.find(sign) != std::string_view::npos;
    };
    switch (asked.wanted) {
        case Wanted::Count: return saysCount(asked, words);
        case Wanted::Length: return saysOneOf(words, kLengthWords);
        case Wanted::Often: return saysNumber(asked, words) || saysOneOf(words, kOftenWords);
        case Wanted::Money:
            return saysOneOf(words, kMoneyWords) || hasSign("$") || hasSign("€") || hasSign("£");
        case Wanted::Number: return saysNumber(asked, words);
        case Wanted::Age: return saysNumber(asked, words) && saysOneOf(words, kAgeWords);
        case Wanted::Time: return saysTime(asked, words, text);
        case Wanted::Email: return isEmailIn(text);
        case Wanted::Name: return saysName(asked, words, text);
        case Wanted::Person: return saysPerson(asked, words, text);
        case Wanted::Place: return saysPlace(asked, words);
        case Wanted::Reason: return saysOneOf(words, kReasonWords);
        case Wanted::Anything: break;
    }
    return true;
}

bool saysOfAll(const AskedFor& asked, const std::vector<AskedWord>& words) {
    return std::all_of(asked.ofAll.begin(), asked.ofAll.end(), [&](std::size_t group) {
        for (std::size_t i = 0; i < words.size(); ++i) {
            if (groupOfAll(words, i) == group) return true;
        }
        return false;
    });
}

bool saysOneAlternative(const AskedFor& asked, const StemSet& said) {
    const StemSet& first = asked.alternatives.front();
    const StemSet& second = asked.alternatives.back();
    if (first.empty()) return true;
    const bool saysFirst = nHeld(first, said) == first.size();
    const bool saysSecond = nHeld(second, said) == second.size();
    return saysFirst != saysSecond;
}

bool saysOneAlternative(const AskedFor& asked, const std::vector<AskedWord>& words) {
    return asked.alternatives.front().empty() || saysOneAlternative(asked, stemsOf(words));
}

bool definesFocus(const AskedFor& asked, const std::vector<AskedWord>& words,
                  std::string_view text) {
    if (text.find('|') != std::string_view::npos) return true;  // a row's cells have no verb
    if (impliesHead(asked, words)) return true;
    const bool isOnly = asked.stems.size() == 1 && !asked.isOfNamed;
    // "If the rent is late, …" tells no rent.
    static constexpr auto kConditions = std::to_array<std::string_view>({"if", "unless", "when"});
    const bool isCondition = !words.empty() && isListed(words.front().surface, kConditions);
    const std::size_t told = isCondition ? std::min(text.find(','), text.size()) : 0;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (!asked.focus.contains(words[i].stem) || words[i].start < told) continue;
        if (text.substr(words[i].end).starts_with(":")) return true;
        // "A rent of $980".
        const std::string_view behind = text.substr(words[i].end);
        const bool isAmount =
            behind.starts_with(" of ") && behind.size() > 4 &&
            (std::isdigit(static_cast<unsigned char>(behind[4])) != 0 || behind[4] == '$' ||
             behind.substr(4).starts_with("€") || behind.substr(4).starts_with("£"));
        if (isAmount) return true;
        const std::size_t last = isOnly ? std::min(i + 2, words.size()) : words.size();
        for (std::size_t j = i + 1; j < last; ++j) {
            if (!isListed(words[j].surface, kDefining)) continue;
            // "Debian is very strict" says how it is, not what.
            const bool isBe = isListed(words[j].surface, kHelpers);
            if (!isOnly || !isBe || j + 1 == words.size()) return true;
            const AskedWord& next = words[j + 1];
            return next.isAnyCapital || isNumeric(next) || isListed(next.surface, kBeforeNouns);
        }
        if (isOnly) return false;  // "The Debian archives are …" define no Debian
    }
    return false;
}

bool isFragment(std::string_view sentence) {
    constexpr std::string_view kSpace = " \t\r\n";
    const std::size_t last = sentence.find_last_not_of(kSpace);
    if (last == std::string_view::npos) return true;
    sentence = sentence.substr(0, last + 1);
    if (sentence.find("....") != std::string_view::npos ||
        sentence.find(". . .") != std::string_view::npos) {
        return true;
    }
    const std::size_t colon = sentence.find(": ");
    if (sentence.find('|') != std::string_view::npos ||
        (colon != std::string_view::npos && colon + 2 < sentence.size()) ||
        sentence.starts_with("- ") || sentence.starts_with("* ") || sentence.starts_with("•")) {
        return false;
    }
    const auto nOf = [&](int (*isKind)(int)) {
        return std::count_if(sentence.begin(), sentence.end(),
                             [&](char c) { return isKind(static_cast<unsigned char>(c)) != 0; });
    };
    constexpr int kFewestLetters = 4;
    const auto nUpper = nOf(std::isupper);
    if (nUpper >= kFewestLetters && nUpper > nOf(std::islower)) return true;
    const auto isDigit = [&](std::size_t back) {
        return sentence.size() > back &&
               std::isdigit(static_cast<unsigned char>(sentence[sentence.size() - 1 - back])) != 0;
    };
    // "The archives 6.3.": a section's number, torn off.
    const bool endsInSection =
        sentence.ends_with('.') && isDigit(1) && sentence.size() > 3 &&
        sentence[sentence.find_last_not_of("0123456789", sentence.size() - 2)] == '.';
    const bool isClosed = !endsInSection && std::string_view(".!;)\"'").find(sentence.back()) !=
                                                std::string_view::npos;
    const bool isClosedWide = sentence.ends_with("”") || sentence.ends_with("…");
    return !isClosed && !isClosedWide && !saysOneOf(wordsAsAsked(sentence), kHelpers);
}

bool isMonth(const AskedWord& word) {
    return word.isAnyCapital && isListed(word.surface, kNamedMonths);
}

bool goesOnFromBefore(std::string_view sentence) {
    constexpr auto kPronouns = std::to_array<std::string_view>({"it", "they", "he", "she"});
    constexpr std::size_t kNear = 4;
    const std::vector<AskedWord> words = wordsAsAsked(sentence);
    if (words.empty()) return false;
    if (isListed(words.front().surface, kGoesOn)) return true;
    // "On Saturdays it closes at noon."
    if (!isListed(words.front().surface, kPlaceWords)) return false;
    return std::any_of(words.begin() + 1,
                       words.begin() + static_cast<std::ptrdiff_t>(std::min(words.size(), kNear)),
                       [&](const AskedWord& word) { return isListed(word.surface, kPronouns); });
}

}  // namespace conclave::services
