#include "app/services/follow_up.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <vector>

#include "app/services/question.h"
#include "app/services/survey/question_words.h"
#include "base/utf8.h"

namespace conclave::services {
namespace {

using namespace std::string_view_literals;

using Words = std::vector<std::string>;

constexpr auto kFollowAskers = std::to_array<std::string_view>(
    {"what", "which", "who", "whom", "whose", "when", "where", "why", "how"});
constexpr auto kFollowHelpers = std::to_array<std::string_view>(
    {"is", "are", "was", "were", "do", "does", "did", "can", "could", "may", "must", "should",
     "will", "would", "has", "have", "had", "might"});
constexpr auto kBe = std::to_array<std::string_view>({"is", "are", "was", "were"});
constexpr auto kDeterminers =
    std::to_array<std::string_view>({"the", "a", "an", "my", "our", "your", "their", "this"});
constexpr auto kPrepositions = std::to_array<std::string_view>(
    {"in", "on", "at", "for", "from", "to", "with", "by", "of", "about", "before", "after",
     "between", "during", "under", "per", "without"});
/// What may stand behind the subject of "is": "When is the rent due?"
constexpr auto kStates = std::to_array<std::string_view>(
    {"due", "open", "closed", "free", "valid", "available", "old", "long", "born", "held", "kept",
     "paid", "made", "sent", "built", "written", "allowed", "here"});

template <std::size_t N>
bool isAmong(const std::string& word, const std::array<std::string_view, N>& list) {
    std::string lower = word;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return std::find(list.begin(), list.end(), lower) != list.end();
}

/// As they are written, without the marks at the end; none if there are others between them.
Words wordsOfQuestion(std::string_view text) {
    while (!text.empty() &&
           std::string_view("?.! \t\r\n").find(text.back()) != std::string_view::npos) {
        text.remove_suffix(1);
    }
    Words words;
    std::string word;
    for (const char c : text) {
        if (std::string_view(".?!;:\n\"").find(c) != std::string_view::npos) return {};
        if (c != ' ' && c != ',') {
            word += c;
        } else if (!word.empty()) {
            words.push_back(std::move(word));
            word.clear();
        }
    }
    if (!word.empty()) words.push_back(std::move(word));
    return words;
}

std::string questionOf(const Words& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    if (!text.empty())
        text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
    return text + "?";
}

/// A stretch of words, end exclusive.
struct WordSpan {
    std::size_t start = 0;
    std::size_t end = 0;
};

Words replaced(const Words& words, WordSpan span, const Words& by) {
    Words result(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(span.start));
    result.insert(result.end(), by.begin(), by.end());
    result.insert(result.end(), words.begin() + static_cast<std::ptrdiff_t>(span.end), words.end());
    return result;
}

/// The words behind "and", "but", "what about" and the like; false if nothing of it is there.
bool takeOpening(Words& words) {
    const std::size_t before = words.size();
    const auto drop = [&](std::initializer_list<std::string_view> opening) {
        if (words.size() <= opening.size()) return;
        std::size_t i = 0;
        for (const std::string_view each : opening) {
            if (!isAmong(words[i++], std::array{each})) return;
        }
        words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(opening.size()));
    };
    drop({"and"sv});
    drop({"but"sv});
    drop({"so"sv});
    drop({"what"sv, "about"sv});
    drop({"how"sv, "about"sv});
    return words.size() < before;
}

/// What "the", "a" or a capital letter begins: the only such stretch behind the first two words.
std::optional<WordSpan> onlyPhrase(const Words& words, bool isNamed) {
    std::optional<WordSpan> found;
    for (std::size_t i = 1; i < words.size(); ++i) {
        const bool isCapital = std::isupper(static_cast<unsigned char>(words[i][0])) != 0;
        if (isNamed ? !isCapital || words[i] == "I" : !isAmong(words[i], kDeterminers)) continue;
        if (found) return std::nullopt;
        WordSpan span{i, i + 1};
        while (span.end < words.size() && !isAmong(words[span.end], kPrepositions) &&
               !isAmong(words[span.end], kFollowHelpers) &&
               (!isNamed || std::isupper(static_cast<unsigned char>(words[span.end][0])) != 0)) {
            ++span.end;
        }
        found = span;
        i = span.end - 1;
    }
    return found;
}

/// The stretch without the verb or the state that belongs to the question: "the rent" of "When is
/// the rent due?", "the lease" of "When does the lease begin?".
WordSpan withoutPredicate(const Words& words, WordSpan span) {
    const bool isLast = span.end == words.size() && span.end - span.start > 2;
    const std::string& helper = words[span.start - 1];
    if (!isLast || !isAmong(helper, kFollowHelpers)) return span;
    const std::string& last = words.back();
    if (!isAmong(helper, kBe) || isAmong(last, kStates) || last.ends_with("ed")) --span.end;
    return span;
}

/// "The deposit in the Berlin lease": what is asked of a thing, and the thing.
struct AskedOfThing {
    WordSpan asked;
    WordSpan thing;  ///< behind its preposition, up to the end of the question
};

/// Both as the only stretches that "the" or the like begins, the second behind a preposition.
std::optional<AskedOfThing> askedOfThing(const Words& words) {
    constexpr auto kOf =
        std::to_array<std::string_view>({"in", "of", "for", "under", "at", "from"});
    std::vector<WordSpan> spans;
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (!isAmong(words[i], kDeterminers)) continue;
        WordSpan span{i, i + 1};
        while (span.end < words.size() && !isAmong(words[span.end], kPrepositions) &&
               !isAmong(words[span.end], kFollowHelpers)) {
            ++span.end;
        }
        spans.push_back(span);
        i = span.end - 1;
    }
    const bool isBoth = spans.size() == 2 && spans[0].end + 1 == spans[1].start &&
                        isAmong(words[spans[0].end], kOf) && spans[1].end == words.size() &&
                        spans[1].end - spans[1].start >= 2;
    if (!isBoth) return std::nullopt;
    // Of "the keys of the shed" the ladder need not be the shed's.
    const bool isNamed =
        isSingularDocumentNoun(words.back()) ||
        std::any_of(words.begin() + static_cast<std::ptrdiff_t>(spans[1].start), words.end(),
                    [](const std::string& word) {
                        return std::isupper(static_cast<unsigned char>(word[0])) != 0;
                    });
    return isNamed ? std::optional(AskedOfThing{spans[0], spans[1]}) : std::nullopt;
}

bool isSameWord(const std::string& a, const std::string& b) {
    return isAmong(a, std::array{std::string_view(b)}) || a == b;
}

/// "The notice period" in the place of "the deposit", of the same lease; "the Munich lease" in the
/// place of "the Berlin lease". None where the question before names no thing beside what it asks.
std::optional<Words> ofSameThing(const Words& phrase, const Words& previous) {
    constexpr std::size_t kLongestPhrase = 4;
    if (phrase.size() > kLongestPhrase || phrase.size() < 2 ||
        !isAmong(phrase.front(), kDeterminers) || !isAmong(previous.front(), kFollowAskers)) {
        return std::nullopt;
    }
    const bool isMore = std::any_of(phrase.begin(), phrase.end(), [](const std::string& word) {
        return isAmong(word, kFollowAskers) || isAmong(word, kFollowHelpers) ||
               isAmong(word, kPrepositions);
    });
    const auto of = isMore ? std::nullopt : askedOfThing(previous);
    if (!of) return std::nullopt;
    const bool isCapital = std::any_of(phrase.begin(), phrase.end(), [](const std::string& word) {
        return std::isupper(static_cast<unsigned char>(word[0])) != 0;
    });
    if (isSameWord(phrase.back(), previous[of->thing.end - 1])) {
        return replaced(previous, of->thing, phrase);
    }
    if (isCapital) return std::nullopt;  // whose it is may be meant
    Words whole = replaced(previous, of->asked, phrase);
    // "How high is the deposit" and "how long is the term" ask each for its own.
    const bool isHow =
        isAmong(whole[0], std::array{"how"sv}) && of->asked.start == 3 && isAmong(whole[2], kBe);
    if (isHow) whole = replaced(whole, {0, 2}, {"What"});
    return whole;
}

/// "When is the rent due?" of the lease that was asked about; "the lease" is that lease.
std::optional<Words> withThing(const Words& words, const Words& previous, bool isOpened) {
    constexpr std::size_t kLongest = 10;
    const bool asks =
        isAmong(words.front(), kFollowAskers) || isAmong(words.front(), kFollowHelpers);
    const auto of = askedOfThing(previous);
    if (!asks || !of || words.size() > kLongest) return std::nullopt;
    const Words thing(previous.begin() + static_cast<std::ptrdiff_t>(of->thing.start),
                      previous.end());
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        if (isAmong(words[i], std::array{"the"sv, "this"sv, "that"sv}) &&
            isSameWord(words[i + 1], thing.back())) {
            return replaced(words, {i, i + 2}, thing);
        }
    }
    const auto isOther = [](const std::string& word) {
        return isAmong(word, kPrepositions) || isAmong(word, std::array{"it"sv, "one"sv, "that"sv});
    };
    const bool hasOther = std::any_of(words.begin(), words.end(), isOther) ||
                          std::any_of(words.begin() + 1, words.end(), [](const std::string& word) {
                              return std::isupper(static_cast<unsigned char>(word[0])) != 0;
                          });
    // Of an open question nobody knows that it leans on the one before.
    if (!isOpened || hasOther || !onlyPhrase(words, false)) return std::nullopt;
    Words whole = words;
    whole.push_back(previous[of->thing.start - 1]);
    whole.insert(whole.end(), thing.begin(), thing.end());
    return whole;
}

/// Where the place or document begins that the question ends with: "for Harbor Street 14".
std::optional<std::size_t> namedThingAt(const Words& previous) {
    constexpr auto kOfThing =
        std::to_array<std::string_view>({"in", "for", "of", "at", "under", "on", "from"});
    const auto last =
        std::find_if(previous.rbegin(), previous.rend(),
                     [&](const std::string& word) { return isAmong(word, kOfThing); });
    if (last == previous.rend() || last == previous.rbegin()) return std::nullopt;
    const bool isName = std::all_of(previous.rbegin(), last, [](const std::string& word) {
        return std::isupper(static_cast<unsigned char>(word[0])) != 0 ||
               std::isdigit(static_cast<unsigned char>(word[0])) != 0 ||
               isAmong(word, kDeterminers) || isSingularDocumentNoun(word);
    });
    const bool isNamed = std::any_of(previous.rbegin(), last, [](const std::string& word) {
        return std::isupper(static_cast<unsigned char>(word[0])) != 0;
    });
    if (!isName || !isNamed) return std::nullopt;
    return static_cast<std::size_t>(previous.rend() - last) - 1;
}

/// "In Mill Lane", and no day: "in March", "in 2024", "on Monday".
bool saysNewPlace(const Words& phrase) {
    constexpr auto kTimes = std::to_array<std::string_view>(
        {"january",   "february",  "march",   "april",    "may",      "june",   "july",
         "august",    "september", "october", "november", "december", "monday", "tuesday",
         "wednesday", "thursday",  "friday",  "saturday", "sunday",   "spring", "summer",
         "autumn",    "winter",    "easter",  "christmas"});
    const bool isTime = std::any_of(phrase.begin() + 1, phrase.end(),
                                    [&](const std::string& word) { return isAmong(word, kTimes); });
    return !isTime && std::any_of(phrase.begin() + 1, phrase.end(), [](const std::string& word) {
        return std::isupper(static_cast<unsigned char>(word[0])) != 0;
    });
}

/// "The tenant" in the place of "the landlord".
std::optional<Words> inItsPlace(const Words& phrase, const Words& previous) {
    constexpr std::size_t kLongestPhrase = 4;
    constexpr std::size_t kLongestQuestion = 14;
    const bool asks = isAmong(previous.front(), kFollowAskers);
    const bool asksWhether = isAmong(previous.front(), kFollowHelpers);
    if ((!asks && !asksWhether) || phrase.size() > kLongestPhrase ||
        previous.size() > kLongestQuestion) {
        return std::nullopt;
    }
    const bool isClause = std::any_of(phrase.begin(), phrase.end(), [](const std::string& word) {
        return isAmong(word, kFollowAskers) || isAmong(word, kFollowHelpers);
    });
    if (isClause) return std::nullopt;
    if (isAmong(phrase.front(), kPrepositions)) {
        if (phrase.size() < 2) return std::nullopt;
        // The new place or document stands for the one before, and is not added to it.
        const auto thing = saysNewPlace(phrase) ? namedThingAt(previous) : std::nullopt;
        if (thing && saysNewPlace({previous.begin() + static_cast<std::ptrdiff_t>(*thing),
                                   previous.end()})) {
            return replaced(previous, {*thing, previous.size()}, phrase);
        }
        const auto same = std::find(previous.begin(), previous.end(), phrase.front());
        const auto at = static_cast<std::size_t>(same - previous.begin());
        const bool isOther = std::any_of(same, previous.end(), [&](const std::string& word) {
            return isAmong(word, kPrepositions) && word != phrase.front();
        });
        if (isOther) return std::nullopt;
        // "… in Germany cost": its end is not known.
        if (at < previous.size() && previous.size() - at > phrase.size()) return std::nullopt;
        return replaced(previous, {at, previous.size()}, phrase);
    }
    const bool isCapital = std::isupper(static_cast<unsigned char>(phrase.front()[0])) != 0;
    if (isAmong(phrase.front(), kDeterminers) || isCapital) {
        const bool isNamed = !isAmong(phrase.front(), kDeterminers);
        const auto span = onlyPhrase(previous, isNamed);
        if (!span) return std::nullopt;
        return replaced(previous, isNamed ? *span : withoutPredicate(previous, *span), phrase);
    }
    // "Are cats allowed?" – "And dogs?"
    if (asksWhether && phrase.size() == 1 && previous.size() >= 3 && phrase[0].ends_with('s') &&
        previous[1].ends_with('s') && !isAmong(previous[1], kDeterminers)) {
        return replaced(previous, {1, 2}, phrase);
    }
    return std::nullopt;
}

/// The thing that "What is a collection?", "How do I make a collection?" and "Who is the landlord?"
/// are about.
std::optional<Words> topicOf(const Words& previous) {
    constexpr std::size_t kLongestTopic = 4;
    if (previous.size() < 3 || !isAmong(previous.front(), kFollowAskers)) return std::nullopt;
    const auto span = onlyPhrase(previous, false);
    const bool isSimple =
        isAmong(previous[1], kBe) || isAmong(previous.front(), std::array{"how"sv});
    if (!isSimple || !span || span->end != previous.size() ||
        span->end - span->start > kLongestTopic) {
        return std::nullopt;
    }
    return Words(previous.begin() + static_cast<std::ptrdiff_t>(span->start), previous.end());
}

/// "How do I make one?", "how do I remove it?": what the pronoun stands for.
std::optional<Words> withTopic(const Words& words, const Words& previous) {
    constexpr std::size_t kLongest = 10;
    if (words.size() < 3 || words.size() > kLongest) return std::nullopt;
    const bool asks =
        isAmong(words.front(), kFollowAskers) || isAmong(words.front(), kFollowHelpers);
    const auto isPronoun = [](const std::string& word) {
        return isAmong(word, std::array{"one"sv, "it"sv});
    };
    const auto at = std::find_if(words.begin() + 1, words.end(), isPronoun);
    if (!asks || at == words.end() || std::find_if(at + 1, words.end(), isPronoun) != words.end()) {
        return std::nullopt;
    }
    const bool isOne = isAmong(*at, std::array{"one"sv});
    // "Which one is …", "one page": no pronoun.
    const bool isFree = at + 1 == words.end() || isAmong(*(at + 1), kPrepositions);
    if (isOne && !isFree) return std::nullopt;
    auto topic = topicOf(previous);
    if (!topic) return std::nullopt;
    const bool isIndefinite = isAmong(topic->front(), std::array{"a"sv, "an"sv});
    if (isOne && !isIndefinite) return std::nullopt;
    if (!isOne && isIndefinite) topic->front() = "the";
    const auto index = static_cast<std::size_t>(at - words.begin());
    return replaced(words, {index, index + 1}, *topic);
}

/// "Which ones?", "Name them": the things that were counted.
bool asksForThem(const Words& words) {
    static const std::vector<std::string> kWordings = {
        "which",           "which ones",      "which ones are they", "which are they",
        "which are those", "what are they",   "list them",           "name them",
        "show them",       "which are these", "who are they"};
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return std::find(kWordings.begin(), kWordings.end(), text) != kWordings.end();
}

/// Where the helper stands of "Which agreements are active", "How many leases are there"; none:
/// nothing is counted, or not by a helper alone.
std::optional<WordSpan> countedThings(const Words& previous) {
    constexpr std::size_t kMostWords = 5;  // of what is counted
    const bool isHowMany = previous.size() > 2 && isAmong(previous[0], std::array{"how"sv}) &&
                           isAmong(previous[1], std::array{"many"sv});
    if (!isHowMany && !isAmong(previous[0], std::array{"which"sv})) return std::nullopt;
    const std::size_t first = isHowMany ? 2 : 1;
    for (std::size_t i = first; i < std::min(previous.size(), first + kMostWords); ++i) {
        if (isAmong(previous[i], kFollowHelpers)) {
            return i > first ? std::optional(WordSpan{first, i}) : std::nullopt;
        }
    }
    return std::nullopt;
}

/// "Which agreements are active?" of "Which ones?" behind "How many agreements are active?"; "which
/// agreements that are active is the cheapest" of "Which of them is the cheapest?".
std::optional<Words> ofThoseCounted(const Words& words, const Words& previous) {
    const auto things = countedThings(previous);
    if (!things) return std::nullopt;
    const auto at = [&](std::size_t i) {
        return previous.begin() + static_cast<std::ptrdiff_t>(i);
    };
    if (asksForThem(words)) {
        if (isAmong(previous[0], std::array{"which"sv})) return std::nullopt;
        Words whole{"Which"};
        whole.insert(whole.end(), at(things->start), previous.end());
        return whole;
    }
    constexpr std::size_t kFewest = 4;  // "Which of them expired"
    const bool isOfThem = words.size() >= kFewest && isAmong(words[0], std::array{"which"sv}) &&
                          isAmong(words[1], std::array{"of"sv}) &&
                          isAmong(words[2], std::array{"them"sv, "these"sv, "those"sv});
    const bool isThere = isAmong(previous.back(), std::array{"there"sv});
    if (!isOfThem) return std::nullopt;
    Words whole{"Which"};
    whole.insert(whole.end(), at(things->start), at(things->end));
    if (!isThere) {
        whole.emplace_back("that");
        whole.insert(whole.end(), at(things->end), previous.end());
    }
    whole.insert(whole.end(), words.begin() + 3, words.end());
    return whole;
}

/// "And its budget?", "What is its budget?" of the one thing that the question before names.
std::optional<Words> ofItsOwner(const Words& words, const Words& previous) {
    constexpr std::size_t kLongest = 4;  // words of what is its
    constexpr auto kOwners = std::to_array<std::string_view>({"its", "his", "her", "their"});
    const bool isAsked = words.size() > 2 && isAmong(words[0], std::array{"what"sv, "who"sv}) &&
                         isAmong(words[1], kBe);
    const std::size_t first = isAsked ? 2 : 0;
    if (words.size() < first + 2 || words.size() > first + 1 + kLongest ||
        !isAmong(words[first], kOwners) || !isAmong(previous.front(), kFollowAskers)) {
        return std::nullopt;
    }
    const bool isClause = std::any_of(words.begin() + static_cast<std::ptrdiff_t>(first),
                                      words.end(), [](const std::string& word) {
                                          return isAmong(word, kFollowAskers) ||
                                                 isAmong(word, kFollowHelpers) ||
                                                 isAmong(word, kPrepositions);
                                      });
    if (isClause) return std::nullopt;
    Words owner;
    if (const auto of = askedOfThing(previous)) {
        owner.assign(previous.begin() + static_cast<std::ptrdiff_t>(of->thing.start),
                     previous.end());
    } else if (const auto named = onlyPhrase(previous, true)) {
        WordSpan span = *named;
        while (span.end < previous.size() &&
               std::isdigit(static_cast<unsigned char>(previous[span.end][0])) != 0) {
            ++span.end;
        }
        if (isAmong(previous[span.start - 1], std::array{"the"sv})) --span.start;
        owner.assign(previous.begin() + static_cast<std::ptrdiff_t>(span.start),
                     previous.begin() + static_cast<std::ptrdiff_t>(span.end));
    } else if (auto topic = topicOf(previous)) {
        owner = std::move(*topic);
    }
    if (owner.empty()) return std::nullopt;
    Words whole = isAsked ? Words{words[0], words[1], "the"} : Words{"What", "is", "the"};
    whole.insert(whole.end(), words.begin() + static_cast<std::ptrdiff_t>(first) + 1, words.end());
    whole.emplace_back("of");
    whole.insert(whole.end(), owner.begin(), owner.end());
    return whole;
}

// ---------------------------------------------------------------------------------------- Chinese

/// "预算", "地址": asked of a thing, and no thing itself; how it is asked for. Empty: not known.
std::string_view askedOfChineseThing(std::string_view word) {
    constexpr std::size_t kFewest = 6;  // bytes: two characters
    constexpr auto kAmounts = std::to_array<std::string_view>(
        {"预算", "费用", "价格", "租金", "押金", "金额", "面积", "电话", "薪水", "工资", "年薪",
         "成本", "费", "价", "额", "率", "数量", "人数"});
    constexpr auto kDays =
        std::to_array<std::string_view>({"日期", "时间", "到期日", "截止日", "生日"});
    constexpr auto kPeople = std::to_array<std::string_view>(
        {"负责人", "联系人", "作者", "经理", "主任", "馆长", "校长", "院长", "所长", "创始人"});
    constexpr auto kPlaces = std::to_array<std::string_view>({"地址", "地点", "位置"});
    const auto isIn = [&](const auto& list) {
        return word.size() >= kFewest &&
               std::any_of(list.begin(), list.end(),
                           [&](std::string_view each) { return word.ends_with(each); });
    };
    if (isIn(kAmounts)) return "是多少？";
    if (isIn(kDays)) return "是什么时候？";
    if (isIn(kPeople)) return "是谁？";
    return isIn(kPlaces) ? "是什么？"sv : ""sv;
}

std::string_view withoutMarks(std::string_view text) {
    for (bool isCut = true; isCut;) {
        isCut = false;
        for (const std::string_view mark : {"？"sv, "?"sv, "。"sv, "！"sv, " "sv}) {
            if (!text.ends_with(mark)) continue;
            text.remove_suffix(mark.size());
            isCut = true;
        }
    }
    return text;
}

/// What "什么是文档集" and "房东是谁" are about: it ends where the asking begins.
std::string_view chineseTopicOf(std::string_view previous) {
    constexpr auto kAsksWhat = "什么是"sv;
    if (previous.starts_with(kAsksWhat)) return previous.substr(kAsksWhat.size());
    std::size_t end = previous.size();
    for (const std::string_view asks :
         {"的"sv, "是"sv, "在"sv, "由"sv, "有"sv, "要"sv, "需"sv, "可"sv, "能"sv, "允"sv, "多"sv,
          "几"sv, "什么"sv, "何"sv, "怎"sv, "如"sv, "哪"sv}) {
        end = std::min(end, previous.find(asks));
    }
    return end < previous.size() ? previous.substr(0, end) : std::string_view();
}

/// "东湖合同的押金是多少": what is asked behind "的", where the thing before it is a document and
/// `other` is none, or `other` is of the same kind as what is asked ("租金" and "押金").
std::optional<std::string> ofSameChineseThing(std::string_view before, std::string_view topic,
                                              std::string_view other) {
    constexpr auto kOf = "的"sv;
    constexpr std::size_t kCharacter = 3;  // bytes
    const std::string_view behind = before.substr(before.find(topic) + topic.size());
    if (!behind.starts_with(kOf) || other.size() < kCharacter) return std::nullopt;
    const std::string_view asking = behind.substr(kOf.size());
    std::size_t end = asking.size();
    for (const std::string_view asks :
         {"是"sv, "为"sv, "有"sv, "多"sv, "几"sv, "什么"sv, "在"sv, "怎"sv, "如何"sv, "谁"sv}) {
        end = std::min(end, asking.find(asks));
    }
    if (end == 0 || end == asking.size()) return std::nullopt;
    const std::string_view asked = asking.substr(0, end);
    const auto endsAlike = [&](std::string_view word) {
        return word.size() >= kCharacter &&
               word.substr(word.size() - kCharacter) == other.substr(other.size() - kCharacter);
    };
    constexpr auto kThings = std::to_array<std::string_view>(
        {"合同", "协议", "租约", "发票", "报告", "手册", "公司", "文件", "项目", "方案"});
    const auto isThing = [&](std::string_view text) {
        return std::any_of(kThings.begin(), kThings.end(), [&](std::string_view each) {
            return text.find(each) != std::string_view::npos;
        });
    };
    const bool isOfThing = isThing(topic) && !isThing(other);
    if (endsAlike(topic) || (!endsAlike(asked) && !isOfThing)) return std::nullopt;
    std::string whole(before.substr(0, before.size() - asking.size()));
    return whole + std::string(other) + std::string(asking.substr(end)) + "？";
}

std::string chineseStandalone(std::string_view question, std::string_view previous) {
    constexpr std::size_t kLongestTopic = 12;  // characters
    std::string_view asked = withoutMarks(question);
    const std::string_view before = withoutMarks(previous);
    for (const std::string_view opening : {"那么"sv, "那"sv, "还有"sv}) {
        if (asked.starts_with(opening)) {
            asked.remove_prefix(opening.size());
            break;
        }
    }
    const std::string_view topic = chineseTopicOf(before);
    if (topic.empty() || countCodePoints(topic) > kLongestTopic) return std::string(question);
    constexpr auto kAnd = "呢"sv;
    if (asked.ends_with(kAnd)) {
        const std::string_view other = asked.substr(0, asked.size() - kAnd.size());
        const bool isThing = !other.empty() && countCodePoints(other) <= kLongestTopic &&
                             chineseTopicOf(other).empty() &&
                             other.find("什么") == std::string_view::npos;
        const std::size_t at = before.find(topic);
        if (!isThing) return std::string(question);
        const std::string_view asks = askedOfChineseThing(other);
        const bool isOfTopic = before.substr(at + topic.size()).starts_with("的") ||
                               before.starts_with("什么是") || before.ends_with("是什么");
        if (!asks.empty() && isOfTopic && askedOfChineseThing(topic).empty()) {
            return std::string(topic).append("的").append(other).append(asks);
        }
        if (auto same = ofSameChineseThing(before, topic, other)) return std::move(*same);
        std::string whole(before);
        return whole.replace(at, topic.size(), other) + "？";
    }
    std::string whole(asked);
    constexpr auto kOne = "一个"sv;
    if (asked.ends_with(kOne)) return whole + std::string(topic) + "？";
    for (const std::string_view pronoun : {"它"sv, "这个"sv}) {
        const std::size_t at = whole.find(pronoun);
        const bool isAlone = at != std::string::npos && !whole.substr(at).starts_with("它们");
        if (isAlone && (pronoun == "它" || at + pronoun.size() == whole.size())) {
            return whole.replace(at, pronoun.size(), topic) + "？";
        }
    }
    return std::string(question);
}

}  // namespace

std::string standaloneQuestion(std::string_view question, std::string_view previous) {
    const bool inChinese = isChinese(question);
    if (inChinese != isChinese(previous)) return std::string(question);
    if (inChinese) return chineseStandalone(question, previous);
    Words words = wordsOfQuestion(question);
    const Words before = wordsOfQuestion(previous);
    if (words.empty() || before.empty()) return std::string(question);
    const bool isOpened = takeOpening(words);
    if (const auto whole = ofThoseCounted(words, before)) return questionOf(*whole);
    if (const auto whole = ofItsOwner(words, before)) return questionOf(*whole);
    if (const auto whole = withTopic(words, before)) return questionOf(*whole);
    if (const auto whole = withThing(words, before, isOpened)) return questionOf(*whole);
    if (isOpened) {
        if (const auto whole = ofSameThing(words, before)) return questionOf(*whole);
    }
    if (!isOpened) return std::string(question);
    const auto whole = inItsPlace(words, before);
    return whole ? questionOf(*whole) : std::string(question);
}

std::string standaloneQuestion(std::string_view question, std::span<const PastTurn> history) {
    constexpr std::size_t kLookedBack = 8;
    std::string before;
    for (const PastTurn& turn : history.last(std::min(history.size(), kLookedBack))) {
        before = before.empty() ? turn.question : standaloneQuestion(turn.question, before);
    }
    return before.empty() ? std::string(question) : standaloneQuestion(question, before);
}

}  // namespace conclave::services
