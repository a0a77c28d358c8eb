// asked_for.h: what an English question asks about and for, by its wording.
#pragma once

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
    StemSet verb;      ///< of them: what is done, which an answer may say in other words
    bool isHowTo = false;       ///< "how do I", "how can I", "how to"
    bool isFocusNamed = false;  ///< by "what" or "which": an answer says that very word
    bool isWhatIs = false;      ///< "what is X": X is the subject of an answer
    bool isWhoIs = false;       ///< "who is X": X is the subject of an answer
    bool isPermission = false;  ///< "are dogs allowed": what forbids them answers too
    bool isPast = false;        ///< "who wrote": a plan is no answer
    /// "Summarise …", "list …", "what is … about?": no single sentence is an answer.
    bool isOfManySentences = false;
};

[[nodiscard]] AskedFor askedForBy(std::string_view question);

/// The words of a text from left to right.
[[nodiscard]] std::vector<AskedWord> wordsAsAsked(std::string_view text);

/// The stems that a text says for this question: where permission is asked for, that it is given
/// or denied, in whatever words.
[[nodiscard]] StemSet stemsSaidBy(const AskedFor& asked, const std::vector<AskedWord>& words);

/// Something was asked about as done, and the text has it only as to be done, or as being done.
[[nodiscard]] bool isStillToBeDone(const AskedFor& asked, const std::vector<AskedWord>& words);

/// The words of `text` say something of the kind that is asked for. Of a place, a person or a
/// reason by the words that are usual beside one: true more often than it should be.
[[nodiscard]] bool saysWanted(const AskedFor& asked, const std::vector<AskedWord>& words,
                              std::string_view text);

/// "X is …", "X of the Y means …", "X: …": a word of the focus stands before a verb that defines,
/// right before it if the question has no other word.
[[nodiscard]] bool definesFocus(const AskedFor& asked, const std::vector<AskedWord>& words,
                                std::string_view text);

/// A heading, a line of a table of contents, a page's head: no sentence, row or labelled line.
[[nodiscard]] bool isFragment(std::string_view sentence);

/// "It", "They": the text goes on from the sentence before it.
[[nodiscard]] bool goesOnFromBefore(std::string_view sentence);

}  // namespace conclave::services
