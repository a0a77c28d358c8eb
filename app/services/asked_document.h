// asked_document.h: which of many like documents a question is about, where it gives a number.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/services/asked_for.h"
#include "app/services/services.h"

namespace conclave::services {

/// What a question names by a noun and its number: "contract 10", "Oak Street 11", "TX-90",
/// "第3号合同". Only a text in which both stand together speaks of it: the 10 of "10 May" or of "10
/// euros" is another. Leading zeros and signs between the two do not count ("contract-010.md").
class AskedDocument {
public:
    explicit AskedDocument(std::string_view question);

    /// The question names something so. Else any passage may answer.
    [[nodiscard]] bool isNamed() const { return !m_things.empty(); }
    /// The byte belongs to such a name.
    [[nodiscard]] bool isOfName(std::size_t byteOfQuestion) const;

    /// The question with spaces in their place.
    [[nodiscard]] std::string withoutNames(std::string_view question) const;

    /// File name, title or heading say all that is named.
    [[nodiscard]] bool isNameOf(const StoredPassage& passage) const;
    /// A sentence of the passage (bytes of its text) is about what is named: its document or its
    /// heading is called so, or the sentence says it, or it was the last of its kind to be named
    /// above the sentence.
    [[nodiscard]] bool isSubjectOf(const StoredPassage& passage,
                                   retrieval::TextSpan sentence) const;
    /// Of all that is named, the sentence is about another of the same kind: "contract 11".
    [[nodiscard]] bool isOfAnother(const StoredPassage& passage,
                                   retrieval::TextSpan sentence) const;
    /// The passage is about one of the things that are named, or says it.
    [[nodiscard]] bool isIn(const StoredPassage& passage) const;

    struct Token {
        std::string text;  ///< lower case; of a number no leading zeros
        std::size_t start = 0;
        std::size_t end = 0;
        bool isNumber = false;
        bool isCapital = false;
    };

private:
    struct Thing {
        std::vector<std::string> words;  ///< right before the number, or in Chinese behind it
        std::string number;
        std::size_t start = 0;  ///< in the question
        std::size_t end = 0;
    };
    /// How a text speaks of a thing: not at all, of another of its kind, of the same.
    enum class Mention { None, Other, Same };
    /// Where it speaks of several: the same among them, or the last, decides.
    enum class Decides { Any, Last };
    static Mention mentionIn(const Thing& thing, const std::vector<Token>& tokens, Decides decides,
                             retrieval::TextSpan part = {0, std::string::npos});
    static Mention nameSays(const Thing& thing, const StoredPassage& passage,
                            const std::vector<Token>& name);
    static bool isSubjectOf(const Thing& thing, const StoredPassage& passage,
                            const std::vector<Token>& name, const std::vector<Token>& text,
                            retrieval::TextSpan sentence);
    void addThing(const std::vector<Token>& tokens, std::size_t number, std::string_view question);
    /// "10 Downing Street".
    void addAddress(const std::vector<Token>& tokens, std::size_t number,
                    std::string_view question);
    void addChineseThing(const std::vector<Token>& tokens, std::size_t number);

    std::vector<Thing> m_things;
};

/// What is asked for of the thing that the question names by its number: without the words of that
/// name, since whether a sentence is about it is seen otherwise. Where nothing else is asked they
/// stay.
[[nodiscard]] AskedFor askedBeside(const AskedDocument& document, std::string_view question);

/// Passages of what the question names before those of other documents, else in their order.
void putAskedFirst(std::string_view question, std::vector<StoredPassage>& passages);

}  // namespace conclave::services
