#include "app/services/asked_for.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "app/services/asking_frames.h"
#include "app/services/english_words.h"
#include "base/utf8.h"

namespace conclave::services {
namespace {

using namespace std::string_view_literals;

/// Forms that the stemmer does not bring together, and words that people use for each other. All
/// as the analyzer stems them; the second stands for both.
constexpr auto kSameWords = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"kept", "keep"},       {"paid", "pay"},        {"held", "hold"},      {"made", "make"},
    {"sent", "send"},       {"built", "build"},     {"bought", "buy"},     {"took", "take"},
    {"taken", "take"},      {"gave", "give"},       {"given", "give"},     {"wrote", "write"},
    {"written", "write"},   {"chose", "choos"},     {"chosen", "choos"},   {"began", "start"},
    {"begun", "start"},     {"begin", "start"},     {"met", "meet"},       {"lost", "lose"},
    {"sold", "sell"},       {"told", "tell"},       {"spoke", "speak"},    {"spoken", "speak"},
    {"led", "lead"},        {"won", "win"},         {"came", "come"},      {"got", "get"},
    {"went", "go"},         {"gone", "go"},         {"ran", "run"},        {"said", "say"},
    {"thought", "think"},   {"taught", "teach"},    {"brought", "bring"},  {"spent", "spend"},
    {"stood", "stand"},     {"drove", "drive"},     {"driven", "drive"},   {"grew", "grow"},
    {"grown", "grow"},      {"flew", "fli"},        {"flight", "fli"},     {"knew", "know"},
    {"known", "know"},      {"broke", "break"},     {"broken", "break"},   {"stole", "steal"},
    {"stolen", "steal"},    {"threw", "throw"},     {"drew", "draw"},      {"drawn", "draw"},
    {"rose", "rise"},       {"risen", "rise"},      {"fell", "fall"},      {"fed", "feed"},
    {"slept", "sleep"},     {"meant", "mean"},      {"lent", "lend"},      {"hidden", "hide"},
    {"price", "cost"},      {"purchas", "buy"},     {"delet", "remov"},    {"eras", "remov"},
    {"store", "keep"},      {"save", "keep"},       {"swap", "replac"},    {"chang", "replac"},
    {"phone", "telephon"},  {"fix", "repair"},      {"turn", "switch"},    {"permit", "allow"},
    {"insur", "cover"},     {"submit", "hand"},     {"approv", "approv"},  {"approval", "approv"},
    {"largest", "big"},     {"biggest", "big"},     {"larg", "big"},       {"weigh", "weight"},
    {"departur", "depart"}, {"arriv", "arriv"},     {"arrival", "arriv"},  {"colour", "color"},
    {"creat", "make"},      {"particip", "attend"}, {"attende", "attend"}, {"deep", "depth"},
    {"wide", "width"},      {"heavi", "weight"},    {"fast", "speed"},
});

/// Stems that ask, or that an answer has no need of.
constexpr auto kAskingStems = std::to_array<std::string_view>(
    {"mani",    "much",  "long",     "often",   "soon",    "tell",  "show",     "pleas",
     "briefli", "exact", "know",     "kind",    "sort",    "type",  "s",        "must",
     "may",     "might", "need",     "want",    "current", "usual", "normal",   "actual",
     "someon",  "anyon", "somebodi", "anybodi", "person",  "peopl", "say",      "happen",
     "possibl", "abl",   "thing",    "someth",  "anyth",   "one",   "document", "accord",
     "everi",   "mean",  "name",     "explain", "get"});

constexpr auto kOrders =
    std::to_array<std::string_view>({"summarize", "summarise", "summary", "list", "enumerate",
                                     "compare", "translate", "rewrite", "write"});
/// "What goes in the box", "what grows on the roof": a verb, not the thing that is asked for.
constexpr auto kBehindVerbs = std::to_array<std::string_view>(
    {"in", "on", "into", "at", "to", "with", "from", "behind", "under", "inside"});
constexpr auto kLimits = std::to_array<std::string_view>(
    {"of",    "for",     "in",   "on", "at",     "from", "to",    "with", "by",  "per",
     "about", "between", "when", "if", "during", "that", "which", "who",  "and", "or"});

/// Words that only look through all of something can answer; those of a line say the same.
constexpr auto kOfAll = std::to_array<std::array<std::string_view, 6>>({
    {"average", "averages", "averaged", "mean", "median", "-"},
    {"total", "totals", "sum", "altogether", "combined", "overall"},
    {"highest", "maximum", "max", "most", "greatest", "largest"},
    {"lowest", "minimum", "min", "least", "smallest", "cheapest"},
    {"biggest", "-", "-", "-", "-", "-"},
    {"longest", "tallest", "-", "-", "-", "-"},
    {"shortest", "-", "-", "-", "-", "-"},
});

std::string commonForm(std::string_view stem) {
    const auto found = std::find_if(kSameWords.begin(), kSameWords.end(),
                                    [&](const auto& entry) { return entry.first == stem; });
    return std::string(found != kSameWords.end() ? found->second : stem);
}

/// A capital letter of Latin, Greek or Cyrillic: "Þóra", "Šimek", "Ελένη".
bool isCapitalLetter(char32_t c) {
    if (c < 0x80) return c >= U'A' && c <= U'Z';
    const bool isLatin1 = c >= 0xC0 && c <= 0xDE && c != 0xD7;
    // Capital and small letters take turns.
    const bool isOddFirst = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E);
    const bool isExtended = c >= 0x100 && c <= 0x17F && (c == 0x178 || (c % 2 == 1) == isOddFirst);
    const bool isVietnamese = c >= 0x1E00 && c <= 0x1EFF && c % 2 == 0;
    const bool isGreek = c >= 0x386 && c <= 0x3AB;
    const bool isCyrillic = c >= 0x400 && c <= 0x42F;
    return isLatin1 || isExtended || isVietnamese || isGreek || isCyrillic;
}

/// "What is Ann's email?", "Which email address has …": an address, not what a letter says.
bool isEmailAskedFor(const std::vector<AskedWord>& words, std::size_t at) {
    for (std::size_t i = at + 1; i < words.size(); ++i) {
        if (words[i].surface != "email" && words[i].surface != "e-mail" &&
            words[i].surface != "mail") {
            continue;
        }
        const bool isLast = i + 1 == words.size();
        return isLast || words[i + 1].surface == "address" || words[i + 1].surface == "of";
    }
    return false;
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
        if (isEmailAskedFor(words, at)) return Wanted::Email;
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

/// What kind of word can be chosen against another: a number, a name, or any other.
int kindOfChoice(const AskedWord& word) {
    if (word.hasDigit) return 2;
    return word.isAnyCapital ? 1 : 0;
}

/// "June" and "July" of "in June or in July 2022", "180" and "240" of "180 or 240 euros": runs of
/// words of one kind around "or". A name may have several words, all others have one.
void findAlternatives(const std::vector<AskedWord>& words, AskedFor& asked) {
    constexpr auto kSkipped = std::to_array<std::string_view>(
        {"in", "on", "at", "by", "for", "to", "from", "the", "a", "an", "of", "with", "until"});
    std::size_t at = 1;
    while (at < words.size() && words[at].surface != "or") ++at;
    if (at + 1 >= words.size()) return;
    std::size_t right = at + 1;
    while (right < words.size() && isListed(words[right].surface, kSkipped)) ++right;
    if (right == words.size()) return;
    const int kind = kindOfChoice(words[right]);
    std::array<StemSet, 2> choice;
    // "180 euros or 240 euros": the words of measure are the same in both.
    std::size_t left = at;
    while (left > 1 && kindOfChoice(words[left - 1]) != kind && left + 3 > at) --left;
    while (left > 1 && kindOfChoice(words[left - 1]) == kind && words[left - 1].isContent) {
        choice.front().insert(words[--left].stem);
        if (kind != 1) break;
    }
    for (; right < words.size() && kindOfChoice(words[right]) == kind; ++right) {
        if (words[right].isContent) choice.back().insert(words[right].stem);
        if (kind != 1) break;
    }
    StemSet both;
    for (const std::string& stem : choice.front()) {
        if (choice.back().contains(stem)) both.insert(stem);
    }
    for (const std::string& stem : both) {
        choice.front().erase(stem);
        choice.back().erase(stem);
    }
    if (choice.front().empty() || choice.back().empty()) return;
    for (const StemSet& stems : choice) {
        for (const std::string& stem : stems) {
            asked.stems.erase(stem);
            asked.keys.erase(stem);
        }
    }
    asked.alternatives = std::move(choice);
}

/// "Error E42", "code F7": the word says what the code is, which the text need not say again.
bool isKindOfCode(const std::vector<AskedWord>& words, std::size_t i) {
    constexpr auto kKinds = std::to_array<std::string_view>(
        {"error", "code", "message", "fault", "alarm", "warning", "status"});
    return i + 1 < words.size() && isListed(words[i].surface, kKinds) && words[i + 1].hasDigit &&
           words[i + 1].isAnyCapital;
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
        std::size_t second = 0;
        word.isAnyCapital = isCapitalLetter(nextCodePoint(surface, second));
        word.isCapital = word.isAnyCapital && second < surface.size() &&
                         !isCapitalLetter(nextCodePoint(surface, second));
        words.push_back(std::move(word));
    });
    return words;
}

std::size_t groupOfAll(const std::vector<AskedWord>& words, std::size_t i) {
    const std::string_view word = words[i].surface;
    const std::string_view before = i > 0 ? std::string_view(words[i - 1].surface) : "";
    if (before == "at") return 0;
    // "What does it mean?", "most of them", "sum up"
    const bool isBehindThe = before == "the" || before == "a" || before == "is";
    if ((word == "mean" || word == "most" || word == "least") && !isBehindThe) return 0;
    if (word == "sum" && i + 1 < words.size() && words[i + 1].surface == "up") return 0;
    for (std::size_t group = 0; group < kOfAll.size(); ++group) {
        if (isListed(word, kOfAll[group])) return group + 1;
    }
    return 0;
}

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

AskedFor askedForBy(std::string_view question) {
    constexpr auto kAskers = std::to_array<std::string_view>(
        {"what", "which", "who", "whom", "whose", "when", "where", "why", "how"});
    const std::vector<AskedWord> words = inEnglishFrame(wordsAsAsked(askingSentence(question)));
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
        if (const std::size_t group = groupOfAll(words, i); group > 0) {
            asked.ofAll.insert(group);
            continue;
        }
        const bool isOfAddress = word.surface == "email" || word.surface == "mail" ||
                                 word.surface == "e-mail" || word.surface == "address";
        if (asked.wanted == Wanted::Email && isOfAddress) continue;
        if (!word.isContent || isListed(word.stem, kAskingStems) ||
            isListed(word.surface, kAskers)) {
            continue;
        }
        // "L'appartement"; "plan B" has a name
        if (word.surface.size() == 1 && !word.isAnyCapital && !word.hasDigit) continue;
        const bool isNameOfTime = asked.wanted == Wanted::Time && i == at + 1;
        if (isNameOfTime || word.surface == "called") continue;
        // "What goes in the box?" is answered by what is for the box.
        const bool isPut = word.surface == "goes" || word.surface == "belongs";
        if (isPut && isVerbBehindWhat(words, at, i)) continue;
        if (isKindOfCode(words, i)) continue;
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
    asked.isWhether = isWhether;
    if (isWhether && !asked.isPermission) findAlternatives(words, asked);
    // "How high is the deposit?": an amount is not tall.
    constexpr auto kAmounts = std::to_array<std::string_view>(
        {"deposit", "fee", "rent", "cost", "salari", "wage", "budget", "tax", "rate", "fine",
         "penalti", "incom", "discount", "interest", "bonus", "charg", "premium"});
    const bool isOfAmount =
        at + 1 < words.size() && words[at].surface == "how" && words[at + 1].surface == "high" &&
        std::any_of(kAmounts.begin(), kAmounts.end(), [&](std::string_view amount) {
            return asked.stems.contains(std::string(amount));
        });
    if (isOfAmount) asked.stems.erase(words[at + 1].stem);
    asked.isPast = asked.isPast || (at + 1 < words.size() && words[at + 1].surface == "did");
    asked.focus = focusOf(words, at, asked.stems);
    for (const AskedWord& word : words) {
        if (asked.focus.contains(word.stem)) asked.head = word.stem;
    }
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

bool isPastForm(const AskedWord& word) {
    if (word.surface.ends_with("ed")) return true;
    static constexpr auto kPast = std::to_array<std::string_view>(
        {"wrote", "made", "sent", "built", "bought", "took", "gave", "chose", "sold", "paid",
         "led",   "held", "kept", "drew",  "won",    "met",  "ran",  "said",  "told", "brought"});
    return isListed(word.surface, kPast);
}

StemSet stemsOf(const std::vector<AskedWord>& words) {
    StemSet stems;
    for (const AskedWord& word : words) stems.insert(word.stem);
    return stems;
}

StemSet stemsIn(std::string_view text) { return stemsOf(wordsAsAsked(text)); }

std::size_t nHeld(const StemSet& wanted, const StemSet& said) {
    return static_cast<std::size_t>(
        std::count_if(wanted.begin(), wanted.end(),
                      [&](const std::string& stem) { return said.contains(stem); }));
}

}  // namespace conclave::services
