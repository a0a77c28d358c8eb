#include "app/services/asked_document.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

#include "app/services/english_words.h"
#include "app/services/survey/question_words.h"
#include "base/utf8.h"

namespace conclave::services {
namespace {

using Token = AskedDocument::Token;

constexpr auto kMonths = std::to_array<std::string_view>(
    {"january", "february",  "march",   "april",    "may",      "june", "july",
     "august",  "september", "october", "november", "december", "jan",  "feb",
     "mar",     "apr",       "jun",     "jul",      "aug",      "sep",  "sept",
     "oct",     "nov",       "dec",     "月",       "日",       "年",   "点"});
/// What a number counts or measures is no name.
constexpr auto kUnits = std::to_array<std::string_view>(
    {"euro",  "eur",    "dollar", "usd",  "pound",  "gbp",    "cent", "yuan",   "percent", "day",
     "week",  "month",  "year",   "hour", "minute", "second", "time", "am",     "pm",      "km",
     "metre", "meter",  "kg",     "gram", "litre",  "liter",  "mile", "degree", "o'clock", "of",
     "page",  "people", "person", "or",   "元",     "万",     "天",   "个",     "次"});
/// Words behind which a number is no name of anything.
constexpr auto kNoNouns = std::to_array<std::string_view>(
    {"in",   "on",    "at",        "of",    "for",    "to",      "from",  "by",     "with", "until",
     "than", "over",  "under",     "about", "every",  "each",    "the",   "a",      "an",   "and",
     "or",   "all",   "first",     "last",  "next",   "between", "since", "after",  "per",  "only",
     "up",   "any",   "before",    "least", "most",   "more",    "less",  "nearly", "my",   "our",
     "your", "their", "these",     "those", "during", "when",    "where", "how",    "why",  "top",
     "past", "other", "remaining", "age",   "aged"});
constexpr auto kSubjectWords = std::to_array<std::string_view>(
    {"it", "they", "we", "you", "i", "he", "she", "who", "which", "what", "that", "there"});
constexpr auto kNumberSigns = std::to_array<std::string_view>(
    {"no", "nr", "num", "number", "version", "release", "edition", "第"});
/// Parts of a text, whose numbers stand alone at the head of a line or heading: "3.2 Scope".
constexpr auto kParts = std::to_array<std::string_view>(
    {"section", "chapter", "article", "clause", "paragraph", "part", "step", "rule", "item",
     "point", "question", "annex", "appendix", "lesson", "exercise"});
constexpr auto kChineseMeasures =
    std::to_array<std::string_view>({"号", "份", "个", "次", "届", "篇", "封", "张", "本", "期"});

bool hasDigitAt(std::string_view text, std::size_t i) {
    return i < text.size() && std::isdigit(static_cast<unsigned char>(text[i])) != 0;
}

bool hasLetterAt(std::string_view text, std::size_t i) {
    return i < text.size() && std::isalpha(static_cast<unsigned char>(text[i])) != 0;
}

std::string withoutZeros(std::string_view number) {
    const std::size_t first = number.find_first_not_of('0');
    return std::string(first == std::string_view::npos ? "0" : number.substr(first));
}

/// "contracts" and "contract".
bool isSameWord(std::string_view a, std::string_view b) {
    if (a.size() < b.size()) std::swap(a, b);
    return a == b || (a.size() == b.size() + 1 && a.ends_with('s') && a.starts_with(b));
}

template <std::size_t N>
bool isAnyWordOf(std::string_view word, const std::array<std::string_view, N>& list) {
    return std::any_of(list.begin(), list.end(),
                       [&](std::string_view each) { return isSameWord(word, each); });
}

bool isHan(char32_t c) { return c >= 0x3400 && c <= 0x9FFF; }

/// 0: none of 一 to 十.
int chineseDigit(std::string_view character) {
    constexpr auto kDigits = std::to_array<std::string_view>(
        {"一", "二", "三", "四", "五", "六", "七", "八", "九", "十"});
    const auto found = std::find(kDigits.begin(), kDigits.end(), character);
    return found == kDigits.end() ? 0 : static_cast<int>(found - kDigits.begin()) + 1;
}

/// The number that "十二" says from `i` on, which is set behind it; 0: none below 100.
int chineseNumberAt(std::string_view text, std::size_t& i) {
    constexpr int kTen = 10;
    int sum = 0;
    int ones = 0;
    while (i < text.size()) {
        std::size_t next = i;
        (void)nextCodePoint(text, next);
        const int digit = chineseDigit(text.substr(i, next - i));
        if (digit == 0) break;
        if (digit == kTen) {
            sum += kTen * std::max(ones, 1);
            ones = 0;
        } else {
            ones = digit;
        }
        i = next;
    }
    return sum + ones;
}

/// Words, numbers ("3.2", "2024-01-09" and "14:00" are one) and single Chinese characters.
/// "contract10" is a word and its number, "m68k" a word.
std::vector<Token> tokensOf(std::string_view text) {
    constexpr std::size_t kShortestNoun = 3;
    std::vector<Token> tokens;
    const auto add = [&](std::size_t start, std::size_t end, bool isNumber, std::string said) {
        const bool isCapital = std::isupper(static_cast<unsigned char>(text[start])) != 0;
        tokens.push_back({std::move(said), start, end, isNumber, isCapital});
    };
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t start = i;
        if (hasDigitAt(text, i)) {
            while (hasDigitAt(text, i) ||
                   (i < text.size() && hasDigitAt(text, i + 1) &&
                    std::string_view(".,:/-").find(text[i]) != std::string_view::npos)) {
                ++i;
            }
            const bool isWord = hasLetterAt(text, i);  // "11a", "2nd"
            while (hasLetterAt(text, i) || hasDigitAt(text, i)) ++i;
            const std::string_view said = text.substr(start, i - start);
            add(start, i, true, isWord ? lowerCased(withoutZeros(said)) : withoutZeros(said));
            continue;
        }
        if (hasLetterAt(text, i)) {
            while (hasLetterAt(text, i)) ++i;
            const std::size_t letters = i;
            while (hasDigitAt(text, i)) ++i;
            const bool isParted =
                i > letters && letters - start >= kShortestNoun && !hasLetterAt(text, i);
            if (isParted) {
                add(start, letters, false, lowerCased(text.substr(start, letters - start)));
                add(letters, i, true, withoutZeros(text.substr(letters, i - letters)));
                continue;
            }
            while (hasLetterAt(text, i) || hasDigitAt(text, i)) ++i;
            add(start, i, false, lowerCased(text.substr(start, i - start)));
            continue;
        }
        const char32_t c = nextCodePoint(text, i);
        if (c < 0x80) continue;
        if (isHan(c)) {
            add(start, i, false, std::string(text.substr(start, i - start)));
            std::size_t end = i;
            const int number = tokens.back().text == "第" ? chineseNumberAt(text, end) : 0;
            if (number > 0) {
                add(i, end, true, std::to_string(number));
                i = end;
            }
            continue;
        }
        // A letter with an accent: of the word that it stands in.
        const bool goesOn =
            !tokens.empty() && tokens.back().end == start && !tokens.back().isNumber;
        std::size_t end = i;
        while (hasLetterAt(text, end)) ++end;
        const std::string said = lowerCased(text.substr(start, end - start));
        if (c >= 0x2000 && c <= 0x303F) continue;  // dashes, quotation marks
        if (goesOn) {
            tokens.back().text += said;
            tokens.back().end = end;
        } else {
            add(start, end, false, said);
        }
        i = end;
    }
    return tokens;
}

bool isSign(const Token& token) { return isListed(token.text, kNumberSigns); }

/// The number is a day, an amount or a time: what stands behind it says so, or its own signs.
bool isMeasured(const std::vector<Token>& tokens, std::size_t number) {
    const std::string& said = tokens[number].text;
    if (said.find_first_of(":/,-") != std::string::npos) return true;
    if (number + 1 >= tokens.size()) return false;
    if (number > 0 && tokens[number - 1].text == "第") return false;
    const Token& next = tokens[number + 1];
    const bool isName = next.isCapital || static_cast<unsigned char>(next.text.front()) >= 0x80;
    return (isName && isListed(next.text, kMonths)) || isAnyWordOf(next.text, kUnits);
}

/// "The kiln 1412 is …": a sentence that begins with a thing and its number is about that, whatever
/// was named before. "Section 3 says" is about what the section is of.
bool beginsWithThing(const std::vector<Token>& tokens, retrieval::TextSpan sentence) {
    constexpr auto kArticles = std::to_array<std::string_view>({"the", "a", "an", "our"});
    constexpr auto kNoThings = std::to_array<std::string_view>(
        {"section", "clause", "article", "paragraph", "page", "chapter", "part", "step", "item",
         "annex", "appendix", "table", "figure", "note", "point", "rule", "day", "week", "year"});
    constexpr std::size_t kShortestNoun = 3;
    std::size_t i = 0;
    while (i < tokens.size() && tokens[i].start < sentence.startByte) ++i;
    if (i >= tokens.size() || !isListed(tokens[i].text, kArticles)) return false;
    const bool isThere = i + 2 < tokens.size() && tokens[i + 2].end <= sentence.endByte &&
                         tokens[i + 2].isNumber && !tokens[i + 1].isNumber;
    return isThere && tokens[i + 1].text.size() >= kShortestNoun &&
           tokens[i + 2].start == tokens[i + 1].end + 1 && !isMeasured(tokens, i + 2) &&
           !isAnyWordOf(tokens[i + 1].text, kNoThings);
}

/// What a document is called: its file's name, its title, the headings above the passage.
std::string calledOf(const StoredPassage& passage) {
    return std::filesystem::path(passage.path).stem().string() + "\n" + passage.title + "\n" +
           passage.heading;
}

/// A number in a cell of its own, or at the head of a listed line.
bool standsAlone(std::string_view text, const Token& number) {
    const std::size_t line = number.start == 0 ? 0 : text.rfind('\n', number.start - 1) + 1;
    const std::string_view before = text.substr(line, number.start - line);
    const std::string_view behind = text.substr(number.end);
    const std::size_t last = before.find_last_not_of(" \t*#");
    const bool opens = last == std::string_view::npos || before[last] == '|';
    const std::size_t first = behind.find_first_not_of(' ');
    const bool closes = first != std::string_view::npos &&
                        std::string_view("|.):").find(behind[first]) != std::string_view::npos;
    return opens && closes;
}

bool hasWord(const std::vector<Token>& tokens, const std::string& word) {
    return std::any_of(tokens.begin(), tokens.end(),
                       [&](const Token& token) { return isSameWord(token.text, word); });
}

/// 1800 to 2099: "the budget 2019" may be "the budget of 2019".
bool isYear(std::string_view number) {
    constexpr std::size_t kDigits = 4;
    return number.size() == kDigits && number >= "1800" && number <= "2099";
}

/// "3.2 Scope" is section 3.2.
bool headsLine(std::string_view text, const Token& number) {
    const std::string_view before = text.substr(0, number.start);
    const std::size_t last = before.find_last_not_of(" *#");
    return last == std::string_view::npos || before[last] == '\n' || before[last] == '>';
}

}  // namespace

AskedDocument::AskedDocument(std::string_view question) {
    const std::vector<Token> tokens = tokensOf(question);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (!tokens[i].isNumber || isMeasured(tokens, i)) continue;
        const bool isBehindHan =
            i > 0 && static_cast<unsigned char>(tokens[i - 1].text.front()) >= 0x80;
        if (isBehindHan) {
            addChineseThing(tokens, i);
        } else {
            addThing(tokens, i, question);
        }
    }
}

void AskedDocument::addThing(const std::vector<Token>& tokens, std::size_t number,
                             std::string_view question) {
    const auto gap = [&](std::size_t i) {  // between a token and the next one
        const std::size_t end = i + 1 < tokens.size() ? tokens[i + 1].start : question.size();
        return question.substr(tokens[i].end, end - tokens[i].end);
    };
    const auto isFrame = [&](std::size_t i) {
        return isListed(tokens[i].text, kNoNouns) || isListed(tokens[i].text, kHelpers) ||
               isListed(tokens[i].text, kBeforeNouns);
    };
    std::size_t noun = number;
    while (noun > 0 && (noun == number || isSign(tokens[noun]))) {
        if (gap(noun - 1).find_first_of(",;?!\n") != std::string_view::npos) break;
        --noun;
    }
    const Token& word = tokens[noun];
    const bool isCode = noun + 1 == number && gap(noun) == "-";
    if (noun == number || word.isNumber || isSign(word) || isFrame(noun) ||
        isListed(word.text, kSubjectWords) || isListed(word.text, kMonths)) {
        return addAddress(tokens, number, question);
    }
    if (isYear(tokens[number].text) && !isCode) return;
    const bool isBehindPronoun = noun > 0 && isListed(tokens[noun - 1].text, kSubjectWords);
    const bool isBehindFrame = noun == 0 || isFrame(noun - 1) || (noun == 1 && !isBehindPronoun);
    const bool isWhether = isListed(tokens.front().text, kHelpers);
    const bool isLast = number + 1 == tokens.size();
    // "Is the fee 54?": asked whether that is the number.
    const bool isItsValue = isWhether && isLast && noun <= 2 && (noun < 2 || isFrame(1));
    // "It covers 10 guests": a noun behind the number is what is counted.
    const bool isCounted = !isLast && !isFrame(number + 1) &&
                           gap(number).find_first_of(",;?!") == std::string_view::npos;
    const bool isNoun = word.isCapital || (isBehindFrame && !isItsValue) ||
                        (!isCounted && !isWhether && !isBehindPronoun);
    if (!isCode && !isNoun) return;
    Thing thing;
    thing.number = tokens[number].text;
    std::size_t first = noun;
    while (word.isCapital && first > 1 && tokens[first - 1].isCapital && gap(first - 1) == " " &&
           !tokens[first - 1].isNumber && !isFrame(first - 1)) {
        --first;
    }
    for (std::size_t i = first; i <= noun; ++i) thing.words.push_back(tokens[i].text);
    thing.start = tokens[first].start;
    thing.end = tokens[number].end;
    m_things.push_back(std::move(thing));
}

void AskedDocument::addAddress(const std::vector<Token>& tokens, std::size_t number,
                               std::string_view question) {
    constexpr std::size_t kFewest = 2;  // "10 Downing Street", but not "10 Germans"
    Thing thing;
    thing.number = tokens[number].text;
    thing.start = tokens[number].start;
    std::size_t end = tokens[number].end;
    for (std::size_t i = number + 1; i < tokens.size() && tokens[i].isCapital; ++i) {
        if (tokens[i].isNumber || question.substr(end, tokens[i].start - end) != " ") break;
        thing.words.push_back(tokens[i].text);
        end = tokens[i].end;
    }
    thing.end = end;
    if (thing.words.size() >= kFewest) m_things.push_back(std::move(thing));
}

void AskedDocument::addChineseThing(const std::vector<Token>& tokens, std::size_t number) {
    const auto isHanToken = [&](std::size_t i) {
        return i < tokens.size() && static_cast<unsigned char>(tokens[i].text.front()) >= 0x80;
    };
    const auto isNounAt = [&](std::size_t i) {
        if (!isHanToken(i) || !isHanToken(i + 1)) return false;
        const std::string pair = tokens[i].text + tokens[i + 1].text;
        return chineseDocumentNoun(pair).endByte == pair.size() || pair == "会议";
    };
    const bool isOrdinal = tokens[number - 1].text == "第";
    std::size_t before = number - (isOrdinal ? 1 : 0);
    Thing thing;
    thing.number = tokens[number].text;
    thing.start = tokens[isOrdinal ? number - 1 : number].start;
    thing.end = tokens[number].end;
    std::size_t behind = number + 1;
    if (behind < tokens.size() && isListed(tokens[behind].text, kChineseMeasures)) ++behind;
    if (before >= 2 && isNounAt(before - 2)) {
        thing.words = {tokens[before - 2].text, tokens[before - 1].text};
        thing.start = tokens[before - 2].start;
    } else if (isOrdinal && isNounAt(behind)) {
        thing.words = {tokens[behind].text, tokens[behind + 1].text};
        thing.end = tokens[behind + 1].end;
    } else {
        return;
    }
    if (behind > number + 1) thing.end = std::max(thing.end, tokens[behind - 1].end);
    m_things.push_back(std::move(thing));
}

bool AskedDocument::isOfName(std::size_t byteOfQuestion) const {
    return std::any_of(m_things.begin(), m_things.end(), [&](const Thing& thing) {
        return byteOfQuestion >= thing.start && byteOfQuestion < thing.end;
    });
}

std::string AskedDocument::withoutNames(std::string_view question) const {
    std::string rest(question);
    for (std::size_t i = 0; i < rest.size(); ++i) {
        if (isOfName(i)) rest[i] = ' ';
    }
    return rest;
}

AskedDocument::Mention AskedDocument::mentionIn(const Thing& thing,
                                                const std::vector<Token>& tokens, Decides decides,
                                                retrieval::TextSpan part) {
    const std::size_t n = thing.words.size();
    const bool inChinese = static_cast<unsigned char>(thing.words.front().front()) >= 0x80;
    const std::size_t nNoun = inChinese ? n : 1;  // "street" of "oak street"
    // The last `nWords` of the thing's words stand from `from` on.
    const auto isWords = [&](std::size_t from, std::size_t nWords) {
        for (std::size_t k = 0; k < nWords; ++k) {
            if (from + k >= tokens.size() ||
                !isSameWord(tokens[from + k].text, thing.words[n - nWords + k])) {
                return false;
            }
        }
        return true;
    };
    Mention said = Mention::None;
    for (std::size_t i = 0; i < tokens.size() && tokens[i].start < part.endByte; ++i) {
        if (!tokens[i].isNumber || tokens[i].start < part.startByte || isMeasured(tokens, i)) {
            continue;
        }
        std::size_t noun = i;  // one behind it
        while (noun > 0 && isSign(tokens[noun - 1])) --noun;
        bool isOfKind = noun >= nNoun && isWords(noun - nNoun, nNoun);
        bool isWhole = isOfKind && noun >= n && isWords(noun - n, n);
        if (!isOfKind && (inChinese || n > 1)) {
            std::size_t behind = i + 1;
            if (behind < tokens.size() && isListed(tokens[behind].text, kChineseMeasures)) ++behind;
            // "10 Downing Street"; of "Contract 10: Downing Street 4" the colon parts them.
            const bool isNext =
                inChinese || (behind < tokens.size() && tokens[behind].start == tokens[i].end + 1);
            isWhole = isOfKind = isNext && isWords(behind, n);
        }
        if (!isOfKind) continue;
        const bool isSame = isWhole && tokens[i].text == thing.number;
        if (isSame && decides == Decides::Any) return Mention::Same;
        said = isSame ? Mention::Same : Mention::Other;
    }
    return said;
}

AskedDocument::Mention AskedDocument::nameSays(const Thing& thing, const StoredPassage& passage,
                                               const std::vector<Token>& name) {
    const std::string called = calledOf(passage);
    const bool isPart = isListed(thing.words.back(), kParts);
    const bool isHeaded = isPart && std::any_of(name.begin(), name.end(), [&](const Token& token) {
                              return token.text == thing.number && headsLine(called, token);
                          });
    return isHeaded ? Mention::Same : mentionIn(thing, name, Decides::Any);
}

bool AskedDocument::isSubjectOf(const Thing& thing, const StoredPassage& passage,
                                const std::vector<Token>& name, const std::vector<Token>& text,
                                retrieval::TextSpan sentence) {
    const Mention said = mentionIn(thing, text, Decides::Any, sentence);
    if (said == Mention::Same) return true;
    for (const Token& token : text) {
        if (token.start < sentence.startByte || token.start >= sentence.endByte) continue;
        if (token.isNumber && token.text == thing.number && standsAlone(passage.text, token) &&
            (hasWord(name, thing.words.back()) || hasWord(text, thing.words.back()))) {
            return true;
        }
    }
    if (said == Mention::Other) return false;
    const Mention called = nameSays(thing, passage, name);
    if (called != Mention::None) return called == Mention::Same;
    // The last sentence that begins with a thing, this one or above it, is of another.
    const auto spans = retrieval::sentenceSpans(passage.text);
    for (std::size_t i = spans.size(); i > 0; --i) {
        const retrieval::TextSpan& span = spans[i - 1];
        if (span.startByte > sentence.startByte || !beginsWithThing(text, span)) continue;
        if (mentionIn(thing, text, Decides::Any, span) != Mention::Same) return false;
        break;
    }
    return mentionIn(thing, text, Decides::Last, {0, sentence.startByte}) == Mention::Same;
}

bool AskedDocument::isNameOf(const StoredPassage& passage) const {
    const std::vector<Token> name = tokensOf(calledOf(passage));
    return isNamed() && std::all_of(m_things.begin(), m_things.end(), [&](const Thing& thing) {
               return nameSays(thing, passage, name) == Mention::Same;
           });
}

bool AskedDocument::isSubjectOf(const StoredPassage& passage, retrieval::TextSpan sentence) const {
    if (m_things.empty()) return true;
    const std::vector<Token> name = tokensOf(calledOf(passage));
    const std::vector<Token> text = tokensOf(passage.text);
    return std::all_of(m_things.begin(), m_things.end(), [&](const Thing& thing) {
        return isSubjectOf(thing, passage, name, text, sentence);
    });
}

bool AskedDocument::isOfAnother(const StoredPassage& passage, retrieval::TextSpan sentence) const {
    const std::vector<Token> name = tokensOf(calledOf(passage));
    const std::vector<Token> text = tokensOf(passage.text);
    return isNamed() && std::all_of(m_things.begin(), m_things.end(), [&](const Thing& thing) {
               if (isSubjectOf(thing, passage, name, text, sentence)) return false;
               const retrieval::TextSpan upToIt{0, sentence.endByte};
               return nameSays(thing, passage, name) == Mention::Other ||
                      mentionIn(thing, text, Decides::Last, upToIt) == Mention::Other;
           });
}

bool AskedDocument::isIn(const StoredPassage& passage) const {
    if (m_things.empty()) return true;
    const std::vector<Token> name = tokensOf(calledOf(passage));
    const std::vector<Token> text = tokensOf(passage.text);
    return std::any_of(m_things.begin(), m_things.end(), [&](const Thing& thing) {
        if (nameSays(thing, passage, name) == Mention::Same) return true;
        for (const retrieval::TextSpan& sentence : retrieval::sentenceSpans(passage.text)) {
            if (isSubjectOf(thing, passage, name, text, sentence)) return true;
        }
        return false;
    });
}

AskedFor askedBeside(const AskedDocument& document, std::string_view question) {
    AskedFor asked = askedForBy(question);
    StemSet named;
    StemSet others;
    for (const AskedWord& word : wordsAsAsked(question)) {
        (document.isOfName(word.start) ? named : others).insert(word.stem);
    }
    StemSet rest = asked.stems;
    for (const std::string& stem : named) {
        if (!others.contains(stem)) rest.erase(stem);
    }
    if (rest.empty() || rest.size() == asked.stems.size()) return asked;
    asked.isOfNamed = true;
    for (StemSet* const stems : {&asked.stems, &asked.keys, &asked.focus}) {
        std::erase_if(*stems, [&](const std::string& stem) { return !rest.contains(stem); });
    }
    return asked;
}

void putAskedFirst(std::string_view question, std::vector<StoredPassage>& passages) {
    const AskedDocument asked(question);
    if (!asked.isNamed()) return;
    std::stable_partition(passages.begin(), passages.end(),
                          [&](const StoredPassage& passage) { return asked.isNameOf(passage); });
}

}  // namespace conclave::services
