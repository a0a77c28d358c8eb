#include "app/services/asked_for.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace conclave::services {
namespace {

using namespace std::string_view_literals;

/// Forms that the stemmer does not bring together, and words that people use for each other. All
/// as the analyzer stems them; the second stands for both.
constexpr auto kSameWords = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"kept", "keep"},       {"paid", "pay"},     {"held", "hold"},     {"made", "make"},
    {"sent", "send"},       {"built", "build"},  {"bought", "buy"},    {"took", "take"},
    {"taken", "take"},      {"gave", "give"},    {"given", "give"},    {"wrote", "write"},
    {"written", "write"},   {"chose", "choos"},  {"chosen", "choos"},  {"began", "start"},
    {"begun", "start"},     {"begin", "start"},  {"met", "meet"},      {"lost", "lose"},
    {"sold", "sell"},       {"told", "tell"},    {"spoke", "speak"},   {"spoken", "speak"},
    {"led", "lead"},        {"won", "win"},      {"came", "come"},     {"got", "get"},
    {"went", "go"},         {"gone", "go"},      {"ran", "run"},       {"said", "say"},
    {"thought", "think"},   {"taught", "teach"}, {"brought", "bring"}, {"spent", "spend"},
    {"stood", "stand"},     {"drove", "drive"},  {"driven", "drive"},  {"grew", "grow"},
    {"grown", "grow"},      {"flew", "fli"},     {"flight", "fli"},    {"knew", "know"},
    {"known", "know"},      {"broke", "break"},  {"broken", "break"},  {"stole", "steal"},
    {"stolen", "steal"},    {"threw", "throw"},  {"drew", "draw"},     {"drawn", "draw"},
    {"rose", "rise"},       {"risen", "rise"},   {"fell", "fall"},     {"fed", "feed"},
    {"slept", "sleep"},     {"meant", "mean"},   {"lent", "lend"},     {"hidden", "hide"},
    {"price", "cost"},      {"purchas", "buy"},  {"delet", "remov"},   {"eras", "remov"},
    {"store", "keep"},      {"save", "keep"},    {"swap", "replac"},   {"chang", "replac"},
    {"phone", "telephon"},  {"fix", "repair"},   {"turn", "switch"},   {"permit", "allow"},
    {"insur", "cover"},     {"submit", "hand"},  {"approv", "approv"}, {"approval", "approv"},
    {"largest", "big"},     {"biggest", "big"},  {"larg", "big"},      {"weigh", "weight"},
    {"departur", "depart"}, {"arriv", "arriv"},  {"arrival", "arriv"}, {"colour", "color"},
    {"creat", "make"},
});

/// Stems that ask, or that an answer has no need of.
constexpr auto kAskingStems = std::to_array<std::string_view>(
    {"mani",    "much",  "long",     "often",   "soon",    "tell",  "show",     "pleas",
     "briefli", "exact", "know",     "kind",    "sort",    "type",  "s",        "must",
     "may",     "might", "need",     "want",    "current", "usual", "normal",   "actual",
     "someon",  "anyon", "somebodi", "anybodi", "person",  "peopl", "say",      "happen",
     "possibl", "abl",   "thing",    "someth",  "anyth",   "one",   "document", "accord",
     "everi",   "mean",  "name",     "explain", "get"});

constexpr auto kNumberWords = std::to_array<std::string_view>(
    {"one",   "two",   "three",   "four",   "five",    "six",     "seven",    "eight",
     "nine",  "ten",   "eleven",  "twelve", "fifteen", "twenty",  "thirty",   "forty",
     "fifty", "sixty", "seventy", "eighty", "ninety",  "hundred", "thousand", "million",
     "half",  "dozen", "once",    "twice",  "double",  "both"});
constexpr auto kTimeWords = std::to_array<std::string_view>(
    {"january",     "february", "march",    "april",    "june",   "july",     "august",
     "september",   "october",  "november", "december", "monday", "tuesday",  "wednesday",
     "thursday",    "friday",   "saturday", "sunday",   "today",  "tomorrow", "morning",
     "afternoon",   "evening",  "noon",     "midnight", "daily",  "weekly",   "monthly",
     "yearly",      "when",     "before",   "after",    "until",  "while",    "during",
     "immediately", "always",   "never",    "spring",   "summer", "autumn",   "winter",
     "whenever",    "if",       "day",      "week",     "month",  "year",     "start"});
constexpr auto kOftenWords = std::to_array<std::string_view>(
    {"every", "each", "per", "daily", "weekly", "monthly", "yearly", "hourly", "always", "never"});
constexpr auto kLengthWords = std::to_array<std::string_view>(
    {"second", "seconds", "minute", "minutes", "hour",    "hours",  "day",  "days",
     "night",  "nights",  "week",   "weeks",   "month",   "months", "year", "years",
     "metre",  "metres",  "meter",  "meters",  "km",      "cm",     "mm",   "mile",
     "miles",  "pages",   "words",  "always",  "forever", "until",  "page", "characters"});
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
constexpr auto kGoesOn =
    std::to_array<std::string_view>({"it", "its", "they", "their", "this", "these", "he", "she"});
constexpr auto kBeforeNames =
    std::to_array<std::string_view>({"by", "with", "contact", "ask", "call", "is", "are", "was"});
constexpr auto kHelpers = std::to_array<std::string_view>(
    {"is", "are", "was", "were", "do", "does", "did", "can", "could", "may", "must", "should",
     "will", "would", "has", "have", "had", "might"});
constexpr auto kDefining = std::to_array<std::string_view>(
    {"is", "are", "was", "were", "means", "mean", "refers", "stands", "denotes", "has", "will"});
constexpr auto kBeforeNouns =
    std::to_array<std::string_view>({"a", "an", "the", "any", "our", "your", "what", "called"});
constexpr auto kAgeWords = std::to_array<std::string_view>(
    {"year", "years", "month", "months", "old", "age", "aged", "born"});
/// What stands before a bare number of a time: "at 9", "since 12".
constexpr auto kBeforeTimes = std::to_array<std::string_view>({"at", "since", "until"});
constexpr auto kOrders =
    std::to_array<std::string_view>({"summarize", "summarise", "summary", "list", "enumerate",
                                     "compare", "translate", "rewrite", "write"});
constexpr auto kPermissionStems =
    std::to_array<std::string_view>({"allow", "forbid", "forbidden", "prohibit", "ban"});
constexpr auto kPermissionWords =
    std::to_array<std::string_view>({"allowed", "permitted", "forbidden", "prohibited", "banned",
                                     "may", "cannot", "consent", "permission", "approval"});
/// "What goes in the box", "what grows on the roof": a verb, not the thing that is asked for.
constexpr auto kBehindVerbs = std::to_array<std::string_view>(
    {"in", "on", "into", "at", "to", "with", "from", "behind", "under", "inside"});
constexpr auto kBeforePlans =
    std::to_array<std::string_view>({"will", "shall", "must", "should", "to", "may", "can"});
constexpr auto kLimits = std::to_array<std::string_view>(
    {"of",    "for",     "in",   "on", "at",     "from", "to",    "with", "by",  "per",
     "about", "between", "when", "if", "during", "that", "which", "who",  "and", "or"});

template <std::size_t N>
bool isListed(std::string_view word, const std::array<std::string_view, N>& list) {
    return std::find(list.begin(), list.end(), word) != list.end();
}

std::string commonForm(std::string_view stem) {
    const auto found = std::find_if(kSameWords.begin(), kSameWords.end(),
                                    [&](const auto& entry) { return entry.first == stem; });
    return std::string(found != kSameWords.end() ? found->second : stem);
}

/// Of several sentences the last that asks: "Answer briefly." and greetings say nothing.
std::string_view askingSentence(std::string_view question) {
    const std::size_t mark = question.rfind('?');
    if (mark == std::string_view::npos) return question;
    question = question.substr(0, mark);
    for (const std::string_view end : {". "sv, "? "sv, "! "sv, "\n"sv}) {
        const std::size_t before = question.rfind(end);
        if (before != std::string_view::npos) question.remove_prefix(before + end.size());
    }
    return question;
}

Wanted wantedBy(const std::vector<AskedWord>& words, std::size_t at, std::string& unit) {
    const std::string_view word = words[at].surface;
    const std::string_view next =
        at + 1 < words.size() ? std::string_view(words[at + 1].surface) : std::string_view();
    if (word == "who" || word == "whom" || word == "whose") return Wanted::Person;
    if (word == "where") return Wanted::Place;
    if (word == "why") return Wanted::Reason;
    if (word == "when") return Wanted::Time;
    if (word == "what" || word == "which") {
        const bool isTime = next == "time" || next == "day" || next == "date" || next == "week" ||
                            next == "month" || next == "year";
        if (isTime) return Wanted::Time;
        constexpr std::size_t kNounAt = 7;  // "What is the name of …", "… Ilse Kranz's age"
        const bool isBe = next == "is" || next == "are" || next == "was" || next == "were";
        for (std::size_t i = at + 2; isBe && i < std::min(words.size(), at + kNounAt); ++i) {
            const bool isLast = i + 1 == words.size() || words[i + 1].surface == "of";
            if (isLast && (words[i].surface == "name" || words[i].surface == "names")) {
                return Wanted::Name;
            }
            if (isLast && words[i].surface == "age") return Wanted::Age;
        }
        if (words.back().stem == "cost") return Wanted::Money;  // "What does it cost?"
        // "What is the price of …"
        for (std::size_t i = at + 1; i < std::min(words.size(), at + 4); ++i) {
            if (words[i].stem == "cost" || words[i].stem == "fee") return Wanted::Money;
            if (words[i].stem == "deadlin" || words[i].stem == "date") return Wanted::Time;
        }
        return Wanted::Anything;
    }
    if (word != "how") return Wanted::Anything;
    if (next == "long") return Wanted::Length;
    if (next == "old") return Wanted::Age;
    if (next == "often") return Wanted::Often;
    if (next == "soon" || next == "early" || next == "late") return Wanted::Time;
    const bool isAmount = next == "many" || next == "much";
    if (isAmount && at + 2 < words.size() && !isListed(words[at + 2].surface, kHelpers)) {
        if (next == "much") return Wanted::Number;
        unit = words[at + 2].stem;
        return Wanted::Count;
    }
    if (isAmount) return next == "much" ? Wanted::Money : Wanted::Number;
    constexpr auto kMeasures = std::to_array<std::string_view>(
        {"far", "big", "large", "tall", "high", "heavy", "fast", "wide", "deep", "hot"});
    return isListed(next, kMeasures) ? Wanted::Number : Wanted::Anything;
}

bool isVerbBehindWhat(const std::vector<AskedWord>& words, std::size_t at, std::size_t i) {
    return i == at + 1 && i + 1 < words.size() && words[at].surface == "what" &&
           words[i].surface.ends_with('s') && isListed(words[i + 1].surface, kBehindVerbs);
}

/// "What is the salary of …": the salary. "Which insurance covers …": the insurance. Of other
/// questions the verb: the word behind "who", else the last one.
StemSet focusOf(const std::vector<AskedWord>& words, std::size_t at, const StemSet& stems) {
    StemSet focus;
    const auto add = [&](const AskedWord& word) {
        if (stems.contains(word.stem)) focus.insert(word.stem);
    };
    const std::string_view asks = at < words.size() ? words[at].surface : std::string_view();
    const bool hasHelper = at + 1 < words.size() && isListed(words[at + 1].surface, kHelpers);
    if (asks == "what" || asks == "which") {
        const bool isBe =
            hasHelper && (words[at + 1].stem == "is" || words[at + 1].stem == "are" ||
                          words[at + 1].surface == "was" || words[at + 1].surface == "were");
        for (std::size_t i = at + 1; i < words.size() && (isBe || focus.empty()); ++i) {
            if (isListed(words[i].surface, kLimits) && !focus.empty()) break;
            if ((!hasHelper || isBe) && !isVerbBehindWhat(words, at, i)) add(words[i]);
        }
        if (!focus.empty()) return focus;
    }
    if (asks == "who" && !hasHelper) {
        for (std::size_t i = at + 1; i < words.size() && focus.empty(); ++i) add(words[i]);
        return focus;
    }
    for (std::size_t i = words.size(); i > 0 && focus.empty(); --i) add(words[i - 1]);
    return focus;
}

/// "repaired" of "Who repaired the roof?", "grows" of "What grows on the roof?", "keep" of "Can I
/// keep a parrot?", "locked" of "Is the shed locked?"; empty: not known, as where a noun stands
/// last.
StemSet verbOf(const std::vector<AskedWord>& words, std::size_t at, const AskedFor& asked) {
    constexpr auto kPronouns = std::to_array<std::string_view>({"i", "we", "you", "one", "they"});
    if (asked.isWhatIs || words.empty()) return {};
    const bool asks = at < words.size();
    const std::size_t helper = asks ? at + 1 : 0;
    if (asks && helper < words.size() && isVerbBehindWhat(words, at, helper)) {
        return {words[helper].stem};
    }
    if (asks && words[at].surface == "who" && !asked.focus.empty() &&
        (helper >= words.size() || !isListed(words[helper].surface, kHelpers))) {
        return asked.focus;
    }
    if (helper + 1 >= words.size() || !isListed(words[helper].surface, kHelpers)) return {};
    if (isListed(words[helper + 1].surface, kPronouns)) {
        for (std::size_t i = helper + 2; i < words.size(); ++i) {
            if (asked.stems.contains(words[i].stem)) return {words[i].stem};
        }
        return {};
    }
    const AskedWord& before = words[words.size() - 2];
    const bool isNoun = isListed(before.surface, kBeforeNouns) ||
                        isListed(before.surface, kLimits) || words.back().isAnyCapital ||
                        words.back().hasDigit;
    if (asked.isPermission) return {std::string(kPermissionStems.front())};
    return isNoun ? StemSet{} : StemSet{words.back().stem};
}

/// "signed", "wrote". "is needed" and the like have the same form; only who did it is asked so.
bool isPastForm(const AskedWord& word) {
    if (word.surface.ends_with("ed")) return true;
    static constexpr auto kPast = std::to_array<std::string_view>(
        {"wrote", "made", "sent", "built", "bought", "took", "gave", "chose", "sold", "paid",
         "led",   "held", "kept", "drew",  "won",    "met",  "ran",  "said",  "told", "brought"});
    return isListed(word.surface, kPast);
}

bool isNumeric(const AskedWord& word) {
    // "m68k" has a digit and is no number.
    return std::isdigit(static_cast<unsigned char>(word.surface.front())) != 0 ||
           isListed(word.surface, kNumberWords);
}

/// A number that the question does not bring along.
bool saysNumber(const AskedFor& asked, const std::vector<AskedWord>& words) {
    return std::any_of(words.begin(), words.end(), [&](const AskedWord& word) {
        return isNumeric(word) && !asked.stems.contains(word.stem);
    });
}

template <std::size_t N>
bool saysOneOf(const std::vector<AskedWord>& words, const std::array<std::string_view, N>& list) {
    return std::any_of(words.begin(), words.end(),
                       [&](const AskedWord& word) { return isListed(word.surface, list); });
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
        const bool isUnit =
            isListed(next, kLengthWords) || next == "am" || next == "pm" || next == "o'clock";
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
bool saysPerson(const AskedFor& asked, const std::vector<AskedWord>& words, std::string_view text) {
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

/// "behind the red door": a place that the question does not name.
bool saysPlace(const AskedFor& asked, const std::vector<AskedWord>& words) {
    constexpr std::size_t kNear = 3;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (!isListed(words[i].surface, kPlaceWords)) continue;
        for (std::size_t j = i + 1; j < std::min(words.size(), i + 1 + kNear); ++j) {
            if (words[j].isContent && !asked.stems.contains(words[j].stem)) return true;
        }
    }
    return false;
}

}  // namespace

std::vector<AskedWord> wordsAsAsked(std::string_view text) {
    const std::vector<std::string> content = retrieval::queryTerms(text);
    const StemSet isContent(content.begin(), content.end());
    std::vector<AskedWord> words;
    std::size_t lastEnd = 0;
    retrieval::analyze(text, [&](std::string_view term, std::size_t start, std::size_t end) {
        if (start < lastEnd) return;  // a part of the word before
        lastEnd = end;
        const std::string_view surface = text.substr(start, end - start);
        AskedWord word{.stem = commonForm(term), .surface = {}, .start = start, .end = end};
        for (const char c : surface) {
            const auto byte = static_cast<unsigned char>(c);
            word.surface += byte < 0x80 ? static_cast<char>(std::tolower(byte)) : c;
            word.hasDigit = word.hasDigit || std::isdigit(byte) != 0;
        }
        // The stemmer takes "found" and "founded" for one word.
        if (word.surface == "found") word.stem = "find";
        word.isContent = isContent.contains(term);
        word.isAnyCapital = std::isupper(static_cast<unsigned char>(surface.front())) != 0;
        word.isCapital = word.isAnyCapital && surface.size() > 1 &&
                         std::isupper(static_cast<unsigned char>(surface[1])) == 0;
        words.push_back(std::move(word));
    });
    return words;
}

AskedFor askedForBy(std::string_view question) {
    constexpr auto kAskers = std::to_array<std::string_view>(
        {"what", "which", "who", "whom", "whose", "when", "where", "why", "how"});
    const std::vector<AskedWord> words = wordsAsAsked(askingSentence(question));
    AskedFor asked;
    std::size_t at = 0;
    while (at < words.size() && !isListed(words[at].surface, kAskers)) ++at;
    if (at < words.size()) asked.wanted = wantedBy(words, at, asked.unit);
    const std::string_view begins =
        words.empty() ? std::string_view() : std::string_view(words.front().surface);
    // "Is the rent 900 euros?" asks whether that is the number.
    const bool isWhether = isListed(begins, kHelpers) || begins == "am";
    asked.isOfManySentences =
        isListed(begins, kOrders) ||
        (at < words.size() && words[at].surface == "what" && words.back().surface == "about");
    for (std::size_t i = 0; i < words.size(); ++i) {
        const AskedWord& word = words[i];
        if (asked.isOfManySentences && isListed(word.surface, kOrders)) continue;
        if (asked.wanted == Wanted::Age && (word.surface == "age" || word.surface == "old")) {
            continue;
        }
        if (!word.isContent || isListed(word.stem, kAskingStems) ||
            isListed(word.surface, kAskers)) {
            continue;
        }
        const bool isNameOfTime = asked.wanted == Wanted::Time && i == at + 1;
        if (isNameOfTime || word.surface == "called") continue;
        // "What goes in the box?" is answered by what is for the box.
        const bool isPut = word.surface == "goes" || word.surface == "belongs";
        if (isPut && isVerbBehindWhat(words, at, i)) continue;
        asked.isPermission =
            asked.isPermission || (isWhether && isListed(word.stem, kPermissionStems));
        asked.isPast = asked.isPast || isPastForm(word);
        asked.stems.insert(word.stem);
        if (isWhether && word.hasDigit) continue;
        if (word.hasDigit || (i > 0 && word.isAnyCapital)) asked.keys.insert(word.stem);
    }
    if (asked.isPermission) {
        for (const std::string_view stem : kPermissionStems) asked.stems.erase(std::string(stem));
        asked.stems.emplace(kPermissionStems.front());
    }
    asked.isPast = asked.isPast || (at + 1 < words.size() && words[at + 1].surface == "did");
    asked.focus = focusOf(words, at, asked.stems);
    asked.isHowTo = at + 1 < words.size() && words[at].surface == "how" &&
                    (words[at + 1].surface == "to" || isListed(words[at + 1].surface, kHelpers));
    asked.isFocusNamed = at + 1 < words.size() && !isListed(words[at + 1].surface, kHelpers) &&
                         (words[at].surface == "what" || words[at].surface == "which");
    if (at + 1 < words.size() && isVerbBehindWhat(words, at, at + 1)) asked.isFocusNamed = false;
    asked.isWhatIs = at + 1 < words.size() && words[at].surface == "what" &&
                     (words[at + 1].surface == "is" || words[at + 1].surface == "are" ||
                      words[at + 1].surface == "was" || words[at + 1].surface == "were") &&
                     (asked.wanted == Wanted::Anything || asked.wanted == Wanted::Name);
    asked.isWhoIs = at + 1 < words.size() && words[at].surface == "who" &&
                    (words[at + 1].surface == "is" || words[at + 1].surface == "are" ||
                     words[at + 1].surface == "was" || words[at + 1].surface == "were");
    asked.verb = verbOf(words, at, asked);
    return asked;
}

StemSet stemsSaidBy(const AskedFor& asked, const std::vector<AskedWord>& words) {
    StemSet stems;
    for (const AskedWord& word : words) {
        stems.insert(word.stem);
        const bool isMonth = word.isAnyCapital && word.surface == "may";
        if (asked.isPermission && !isMonth && isListed(word.surface, kPermissionWords)) {
            stems.emplace(kPermissionStems.front());
        }
    }
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
        case Wanted::Name: return saysName(asked, words, text);
        case Wanted::Person: return saysPerson(asked, words, text);
        case Wanted::Place: return saysPlace(asked, words);
        case Wanted::Reason: return saysOneOf(words, kReasonWords);
        case Wanted::Anything: break;
    }
    return true;
}

bool definesFocus(const AskedFor& asked, const std::vector<AskedWord>& words,
                  std::string_view text) {
    if (text.find('|') != std::string_view::npos) return true;  // a row's cells have no verb
    const bool isOnly = asked.stems.size() == 1;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (!asked.focus.contains(words[i].stem)) continue;
        if (text.substr(words[i].end).starts_with(":")) return true;
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

bool goesOnFromBefore(std::string_view sentence) {
    const std::vector<AskedWord> words = wordsAsAsked(sentence);
    return !words.empty() && isListed(words.front().surface, kGoesOn);
}

}  // namespace conclave::services
