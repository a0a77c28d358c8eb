// asked_for.h: what an English question asks about and for, by its wording.
#pragma once

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "app/services/services.h"

namespace conclave::services {

using StemSet = std::set<std::string, std::less<>>;

/// A word of a question or of a text that may answer it.
struct AskedWord {
    std::string stem;     ///< in its common form
    std::string surface;  ///< lower case
    std::size_t start = 0;
    std::size_t end = 0;
    bool isContent = false;
    bool isCapital = false;  ///< "Marta", not "USB"
    bool isAnyCapital = false;
    bool hasDigit = false;
};

/// What kind of thing an answer must say.
enum class Wanted {
    Anything,
    Count,
    Length,
    Often,
    Money,
    Number,
    Age,
    Time,
    Email,
    Person,
    Name,
    Place,
    Reason
};

/// What the question asks about.
struct AskedFor {
    Wanted wanted = Wanted::Anything;
    std::string unit;  ///< of Count: what is counted
    StemSet stems;     ///< of its words of content
    StemSet keys;      ///< of them: names and numbers
    StemSet focus;     ///< of them: what is wanted of the rest, as "salary" of "salary of Jonas"
    std::string head;  ///< the last of the focus: "number" of "What is the invoice number?"
    /// "the average", "in total", "the highest": words of one of these groups, which a sentence
    /// must say itself, as else it is one of those that were to be looked through.
    std::set<std::size_t> ofAll;
    /// "In June or in July?": the words of either, of which an answer says one; empty: no choice.
    std::array<StemSet, 2> alternatives{};
    StemSet verb;               ///< of them: what is done, which an answer may say in other words
    bool isOfNamed = false;     ///< of a thing named by its number, whose words are left out
    bool isHowTo = false;       ///< "how do I", "how can I", "how to"
    bool isFocusNamed = false;  ///< by "what" or "which": an answer says that very word
    bool isWhatIs = false;      ///< "what is X": X is the subject of an answer
    bool isWhoIs = false;       ///< "who is X": X is the subject of an answer
    bool isWhether = false;     ///< "Is …?", "Does …?"
    bool isPermission = false;  ///< "are dogs allowed": what forbids them answers too
    bool isPast = false;        ///< "who wrote": a plan is no answer
    /// "Summarise …", "list …", "what is … about?": no single sentence is an answer.
    bool isOfManySentences = false;
};

/// The group of words for a total, an average or an extreme that the word at `i` is of, from 1; 0:
/// none ("at most" and "the most beautiful" too).
[[nodiscard]] std::size_t groupOfAll(const std::vector<AskedWord>& words, std::size_t i);

/// Of several sentences the last that asks: "Answer briefly." and greetings say nothing.
[[nodiscard]] std::string_view askingSentence(std::string_view question);

[[nodiscard]] AskedFor askedForBy(std::string_view question);

/// The words of a text from left to right.
[[nodiscard]] std::vector<AskedWord> wordsAsAsked(std::string_view text);

[[nodiscard]] StemSet stemsOf(const std::vector<AskedWord>& words);
[[nodiscard]] StemSet stemsIn(std::string_view text);
/// How many of the wanted stems are among those said.
[[nodiscard]] std::size_t nHeld(const StemSet& wanted, const StemSet& said);

/// "signed", "wrote". "is needed" and the like have the same form; only who did it is asked so.
[[nodiscard]] bool isPastForm(const AskedWord& word);

}  // namespace conclave::services
