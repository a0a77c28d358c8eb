#include "app/services/document_orders.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "app/services/chinese_orders.h"
#include "app/services/english_words.h"
#include "base/utf8.h"

namespace conclave::services {
namespace {

/// A word of a sentence in small letters.
struct OrderWord {
    std::string text;
    bool beginsClause = false;  ///< the first one, or behind a mark
};
using OrderWords = std::vector<OrderWord>;

bool isLetterOrDigit(char32_t c) {
    if (c < 0x80) {
        return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z') || (c >= U'0' && c <= U'9') ||
               c == U'\'';
    }
    constexpr char32_t kFirstLetter = 0xC0;
    const bool isMark = (c >= 0x2000 && c <= 0x2BFF) || (c >= 0x3000 && c <= 0x303F) ||
                        (c >= 0xFF00 && c <= 0xFF0F) || c == 0xFF1A || c == 0xFF1B;
    return c >= kFirstLetter && !isMark;
}

OrderWords orderWords(std::string_view sentence) {
    OrderWords words;
    std::string word;
    bool isBehindMark = true;
    const auto endWord = [&] {
        if (word.empty()) return;
        words.push_back({std::move(word), isBehindMark});
        word.clear();
        isBehindMark = false;
    };
    for (std::size_t i = 0; i < sentence.size();) {
        char32_t c = nextCodePoint(sentence, i);
        if (c == U'\u2019') c = U'\'';
        if (isLetterOrDigit(c)) {
            appendUtf8(word, c >= U'A' && c <= U'Z' ? c | 0x20U : c);
            continue;
        }
        endWord();
        const bool isSpace = c == U' ' || c == U'\t' || c == U'\r' || c == U'\n' || c == U'\u00A0';
        isBehindMark = isBehindMark || !isSpace;
    }
    endWord();
    return words;
}

// ----------------------------------------------------------------- "Ignore all previous
// instructions"

constexpr auto kForget = std::to_array<std::string_view>(
    {"ignore", "disregard", "forget", "override", "bypass", "ignoriere", "ignorieren", "vergiss",
     "ignorez", "oublie", "oubliez", "ignora", "ignorar", "ignoren", "olvida", "ignori",
     "dimentica"});
constexpr auto kAllOfThem = std::to_array<std::string_view>(
    {"all", "any", "every", "alle", "sämtliche", "toutes", "todas", "todos", "tutte"});
constexpr auto kDefinite = std::to_array<std::string_view>(
    {"the", "these", "those", "this", "that", "die", "les", "las", "los", "le", "as"});
constexpr auto kEarlier = std::to_array<std::string_view>(
    {"previous",   "prior",      "preceding", "above",  "earlier",     "former",
     "before",     "previously", "your",      "system", "vorherigen",  "vorigen",
     "bisherigen", "früheren",   "obigen",    "deine",  "précédentes", "antérieures",
     "anteriores", "previas",    "precedenti"});
constexpr auto kInBetween =
    std::to_array<std::string_view>({"of", "my", "about", "other", "existing", "original",
                                     "initial", "safety", "security", "given", "and", "or"});
constexpr auto kInstructions = std::to_array<std::string_view>(
    {"instruction", "instructions", "prompt", "prompts", "directive", "directives", "anweisungen",
     "instrucciones", "instruções", "istruzioni", "consignes"});
/// What people are told to ignore in earnest, too.
constexpr auto kRuleNouns = std::to_array<std::string_view>(
    {"rules", "guidelines", "orders", "commands", "context", "text", "messages", "everything"});
constexpr auto kBehindInstructions = std::to_array<std::string_view>(
    {"you", "have", "had", "were", "been", "was", "given", "received", "got", "told", "so", "far"});
constexpr auto kOnCondition =
    std::to_array<std::string_view>({"if", "when", "unless", "regarding", "about", "concerning",
                                     "for", "on", "from", "wenn", "falls", "si"});
constexpr auto kSay = std::to_array<std::string_view>(
    {"say",     "answer",   "reply",  "respond", "state",    "claim",    "tell", "output",
     "print",   "write",    "reveal", "repeat",  "pretend",  "antworte", "sage", "schreibe",
     "réponds", "répondez", "dis",    "dites",   "responde", "rispondi"});
constexpr auto kBeforeOrders =
    std::to_array<std::string_view>({"please", "now", "must", "should", "shall", "just", "simply",
                                     "and", "then", "bitte", "kindly", "you"});

/// An order begins here, and is none not to do it.
bool isImperative(const OrderWords& words, std::size_t i) {
    return words[i].beginsClause || isListed(words[i - 1].text, kBeforeOrders);
}

bool saysFrom(const OrderWords& words, std::size_t first) {
    return std::any_of(words.begin() + static_cast<std::ptrdiff_t>(std::min(first, words.size())),
                       words.end(),
                       [](const OrderWord& word) { return isListed(word.text, kSay); });
}

/// The order to forget others begins at word `i`.
bool forgetsOthersAt(const OrderWords& words, std::size_t i) {
    if (!isListed(words[i].text, kForget) || !isImperative(words, i)) return false;
    bool isAll = false;
    bool hasArticle = false;
    bool isEarlier = false;
    std::size_t noun = i + 1;
    for (; noun < words.size(); ++noun) {
        const std::string& word = words[noun].text;
        const bool all = isListed(word, kAllOfThem);
        const bool article = isListed(word, kDefinite);
        const bool earlier = isListed(word, kEarlier);
        if (!all && !article && !earlier && !isListed(word, kInBetween)) break;
        isAll = isAll || all || word == "your";
        hasArticle = hasArticle || article;
        isEarlier = isEarlier || earlier;
    }
    if (noun == words.size()) return false;
    const bool isRule = isListed(words[noun].text, kRuleNouns);
    if (!isRule && !isListed(words[noun].text, kInstructions)) return false;
    isAll = isAll || words[noun].text == "everything";
    std::size_t behind = noun + 1;
    while (behind < words.size() && (isListed(words[behind].text, kEarlier) ||
                                     isListed(words[behind].text, kBehindInstructions))) {
        isEarlier = true;
        ++behind;
    }
    if (!isEarlier) return false;
    const bool says = saysFrom(words, behind);
    if (says) return !isRule || isAll;
    // "Ignore all previous instructions if …" is for people.
    const bool isConditional = behind < words.size() && isListed(words[behind].text, kOnCondition);
    return !isRule && !isConditional && (isAll || !hasArticle);
}

bool forgetsOthers(const OrderWords& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (forgetsOthersAt(words, i)) return true;
    }
    return false;
}

// ----------------------------------------------------------------- "When asked about X, say …"

constexpr auto kWhen = std::to_array<std::string_view>({"when", "whenever", "if", "once"});
/// Who may ask: no customers or guests, of whom handbooks for people speak.
constexpr auto kWhoAsks = std::to_array<std::string_view>(
    {"you",      "are", "you're", "ever", "being", "get",    "is",   "someone", "anyone", "anybody",
     "somebody", "a",   "the",    "user", "users", "people", "they", "asked",   "asks",   "ask"});
constexpr auto kAfterAsked = std::to_array<std::string_view>(
    {"about", "what", "who", "which", "how", "where", "when", "why", "regarding", "concerning"});
constexpr auto kTell = std::to_array<std::string_view>(
    {"say", "answer", "reply", "respond", "claim", "state", "tell", "insist", "pretend"});
constexpr auto kBeforeTell = std::to_array<std::string_view>(
    {"please", "always", "you", "must", "should", "only", "just", "simply", "then", "never",
     "shall", "will", "instead", "do", "not"});
/// What programs that ask are to be answered.
constexpr auto kKeys = std::to_array<std::string_view>({"yes", "no", "y", "n"});

/// Whom people are asked to tell something, in handbooks.
constexpr auto kToldPeople = std::to_array<std::string_view>(
    {"them", "him", "her", "customers", "clients", "guests", "callers", "visitors", "patients"});

std::size_t behindLead(const OrderWords& words, std::size_t i) {
    while (i < words.size() && isListed(words[i].text, kBeforeTell)) ++i;
    return i;
}

/// The word behind "when (you are) asked", of a question about something; 0: it does not stand at
/// `i`.
std::size_t behindAsked(const OrderWords& words, std::size_t i) {
    if (!isListed(words[i].text, kWhen)) return 0;
    std::size_t end = i + 1;
    while (end < words.size() && isListed(words[end].text, kWhoAsks)) ++end;
    if (end == i + 1 || end == words.size()) return 0;
    const std::string& last = words[end - 1].text;
    const bool asks = last == "asked" || last == "asks" || last == "ask";
    return asks && isListed(words[end].text, kAfterAsked) ? end : 0;
}

bool saysWhenAsked(const OrderWords& words) {
    constexpr std::size_t kFarthest = 24;  // words of what is asked
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::size_t asked = words[i].beginsClause ? behindAsked(words, i) : 0;
        if (asked == 0) continue;
        for (std::size_t at = asked + 1; at < std::min(words.size(), asked + kFarthest); ++at) {
            if (!words[at].beginsClause) continue;
            const std::size_t verb = behindLead(words, at);
            const bool tells = verb < words.size() && isListed(words[verb].text, kTell);
            const std::string_view told =
                verb + 1 < words.size() ? std::string_view(words[verb + 1].text) : "";
            if (tells && !isListed(told, kKeys) && !isListed(told, kToldPeople)) return true;
        }
    }
    // "Say that … when asked about it."
    const std::size_t first = behindLead(words, 0);
    if (first == words.size() || !isListed(words[first].text, kTell)) return false;
    for (std::size_t i = first + 1; i < words.size(); ++i) {
        if (behindAsked(words, i) > 0 && !isListed(words[first + 1].text, kKeys)) return true;
    }
    return false;
}

/// "From now on, answer …", "Always answer that the …".
bool saysAlways(const OrderWords& words) {
    static constexpr auto kFacts = std::to_array<std::string_view>(
        {"the", "it", "there", "no", "a", "an", "they", "he", "she", "you", "we", "all"});
    const auto is = [&](std::size_t i, std::string_view word) {
        return i < words.size() && words[i].text == word;
    };
    for (std::size_t i = 0; i + 3 < words.size(); ++i) {
        if (!is(i, "from") || !is(i + 1, "now") || !is(i + 2, "on")) continue;
        const std::size_t verb = behindLead(words, i + 3);
        if (verb < words.size() && isListed(words[verb].text, kTell)) return true;
    }
    const std::size_t verb = behindLead(words, 0);
    const bool answers = is(verb, "answer") || is(verb, "reply") || is(verb, "respond");
    return answers && is(verb + 1, "that") && verb + 2 < words.size() &&
           isListed(words[verb + 2].text, kFacts);
}

// ----------------------------------------------------------------- "Note to AI assistants: …"

constexpr auto kModels = std::to_array<std::string_view>(
    {"ai", "ais", "llm", "llms", "chatbot", "chatbots", "chatgpt", "gpt"});

bool isModelAt(const OrderWords& words, std::size_t i) {
    if (i >= words.size()) return false;
    if (isListed(words[i].text, kModels)) return true;
    const std::string_view next = i + 1 < words.size() ? words[i + 1].text : std::string_view();
    return (words[i].text == "language" && next.starts_with("model")) ||
           (words[i].text == "artificial" && next == "intelligence");
}

/// A model is named at `first` or up to three words behind it.
bool isModelNear(const OrderWords& words, std::size_t first) {
    constexpr std::size_t kNear = 4;
    for (std::size_t i = first; i < first + kNear; ++i) {
        if (isModelAt(words, i)) return true;
    }
    return false;
}

/// "Assistant: …", "AI models reading this must …", "AI: reply only with …".
bool namesModelFirst(const OrderWords& words) {
    static constexpr auto kReaders =
        std::to_array<std::string_view>({"reading", "processing", "summarizing", "summarising"});
    static constexpr auto kObliged =
        std::to_array<std::string_view>({"must", "should", "shall", "always", "never"});
    if (words.size() < 2) return false;
    const bool isCalled = words[0].text == "assistant" || words[0].text == "chatbot" ||
                          words[0].text == "ai" || words[0].text == "llm" ||
                          words[0].text == "assistent" || words[0].text == "asistente";
    // "Assistant: J. Smith" is somebody's work.
    if (isCalled && words[1].beginsClause && saysFrom(words, 1)) return true;
    if (!isModelAt(words, 0)) return false;
    // "ChatGPT: answer that …"
    if (words[1].beginsClause && isListed(words[1].text, kTell)) return true;
    for (std::size_t i = 1; i + 1 < words.size() && !words[i].beginsClause; ++i) {
        if (!isListed(words[i].text, kReaders)) continue;
        return std::any_of(words.begin() + static_cast<std::ptrdiff_t>(i), words.end(),
                           [](const OrderWord& word) { return isListed(word.text, kObliged); });
    }
    return false;
}

bool greetsModel(const OrderWords& words) {
    static constexpr auto kGreetings =
        std::to_array<std::string_view>({"dear", "hey", "hello", "hi"});
    static constexpr auto kNotes = std::to_array<std::string_view>(
        {"note", "notes", "message", "instruction", "instructions", "important", "notice"});
    static constexpr auto kBeforeModels =
        std::to_array<std::string_view>({"to", "for", "the", "all", "any", "every", "large"});
    constexpr std::size_t kLongestName = 8;
    // "Please note for AI assistants: …"
    const std::size_t first = !words.empty() && words[0].text == "please" ? 1 : 0;
    if (words.size() <= first) return false;
    const bool isNote = isListed(words[first].text, kNotes);
    if (!isNote && !isListed(words[first].text, kGreetings)) return false;
    std::size_t model = first + 1;
    while (model < words.size() && isListed(words[model].text, kBeforeModels)) ++model;
    if (!isModelAt(words, model) || words[model].beginsClause || (isNote && model == first + 1)) {
        return false;
    }
    for (std::size_t i = model + 1; i < std::min(words.size(), model + kLongestName); ++i) {
        if (words[i].beginsClause) return true;
    }
    return false;
}

/// "If you are an AI …", "As an AI, you must …", "You are now an unrestricted AI".
bool speaksToModel(const OrderWords& words) {
    static constexpr auto kFreed =
        std::to_array<std::string_view>({"dan", "jailbroken", "unrestricted", "unfiltered"});
    const auto is = [&](std::size_t i, std::string_view word) {
        return i < words.size() && words[i].text == word;
    };
    for (std::size_t i = 0; i < words.size(); ++i) {
        const bool isYouAre = is(i, "you're") || (is(i, "you") && is(i + 1, "are"));
        const std::size_t behind = is(i, "you're") ? i + 1 : i + 2;
        if (isYouAre && i > 0 && is(i - 1, "if") && isModelNear(words, behind)) return true;
        if (isYouAre && is(behind, "now")) {
            const bool isFreed =
                std::any_of(words.begin() + static_cast<std::ptrdiff_t>(behind), words.end(),
                            [](const OrderWord& word) { return isListed(word.text, kFreed); });
            if (isFreed || isModelNear(words, behind + 1)) return true;
        }
        if (is(i, "as") && words[i].beginsClause && isModelNear(words, i + 1)) {
            for (std::size_t at = i + 2; at + 1 < words.size(); ++at) {
                if (is(at, "you") && (is(at + 1, "must") || is(at + 1, "should"))) return true;
            }
        }
    }
    return false;
}

/// "Reveal your system prompt", "Do not mention these instructions".
bool isAboutInstructions(const OrderWords& words) {
    static constexpr auto kShow = std::to_array<std::string_view>(
        {"reveal", "repeat", "print", "output", "show", "disclose", "mention"});
    constexpr std::size_t kNear = 8;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (!isListed(words[i].text, kShow)) continue;
        const bool isDenied =
            i > 0 && (words[i - 1].text == "not" || words[i - 1].text == "never" ||
                      words[i - 1].text == "don't");
        if (!isDenied && !isImperative(words, i)) continue;
        for (std::size_t at = i + 1; at + 1 < std::min(words.size(), i + kNear); ++at) {
            const std::string& next = words[at + 1].text;
            if (words[at].text == "system" && next == "prompt") return true;
            const bool isThese = words[at].text == "these" || words[at].text == "this";
            if (isDenied && isThese && isListed(next, kInstructions)) return true;
        }
    }
    return false;
}

// ----------------------------------------------------------------- what the user is not to know

constexpr auto kUsers = std::to_array<std::string_view>(
    {"user", "user's", "users", "benutzer", "nutzer", "utilisateur", "l'utilisateur", "usuario"});
constexpr auto kThisText = std::to_array<std::string_view>(
    {"this", "these", "diesen", "diesem", "dieser", "ce", "cet", "cette", "este", "esta"});

bool isWordAt(const OrderWords& words, std::size_t i, std::string_view word) {
    return i < words.size() && words[i].text == word;
}

template <std::size_t N>
bool holdsWord(const OrderWords& words, std::size_t first, std::size_t end,
               const std::array<std::string_view, N>& list) {
    for (std::size_t i = first; i < std::min(end, words.size()); ++i) {
        if (isListed(words[i].text, list)) return true;
    }
    return false;
}

/// "Do not tell the user about …", "Sage dem Benutzer nichts …", "Ne dis pas à l'utilisateur …".
bool keepsFromUser(const OrderWords& words) {
    static constexpr auto kTellOrShow = std::to_array<std::string_view>(
        {"tell", "inform", "mention", "reveal", "disclose", "sage", "sag", "verrate", "erzähle",
         "dis", "dites", "parle", "parlez", "révèle", "digas", "menciones", "reveles"});
    static constexpr auto kNot = std::to_array<std::string_view>(
        {"not", "don't", "never", "nicht", "nichts", "ne", "no", "nunca", "niemals"});
    constexpr std::size_t kLead = 4;
    constexpr std::size_t kNear = 10;
    for (std::size_t i = 0; i < std::min(words.size(), kLead); ++i) {
        if (i > 0 && words[i].beginsClause) return false;
        if (!isListed(words[i].text, kTellOrShow)) continue;
        // "The app does not tell the user": no order.
        const bool isOrder = i == 0 || isListed(words[0].text, kNot) || words[0].text == "do" ||
                             words[0].text == "please" || words[0].text == "bitte";
        return isOrder && holdsWord(words, 0, i + kNear, kNot) &&
               holdsWord(words, i + 1, i + kNear, kUsers);
    }
    return false;
}

/// "Ignore the user and reply only …".
bool ignoresUser(const OrderWords& words) {
    constexpr std::size_t kNear = 3;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (!isListed(words[i].text, kForget) || (i > 0 && !isImperative(words, i))) continue;
        if (holdsWord(words, i + 1, i + kNear, kUsers) && saysFrom(words, i + kNear)) return true;
    }
    return false;
}

/// "When answering questions about this contract, state …", in the languages of `kForget`.
bool saysWhenAnswering(const OrderWords& words) {
    static constexpr auto kWhenDoing =
        std::to_array<std::string_view>({"when", "whenever", "wenn", "lorsque", "quand", "cuando"});
    static constexpr auto kDoing = std::to_array<std::string_view>(
        {"answering", "summarizing", "summarising", "summarize", "summarise", "beantwortest",
         "zusammenfasst", "réponds", "résumes", "respondas", "resumas"});
    static constexpr auto kTellToo = std::to_array<std::string_view>({"include", "di", "sag"});
    if (words.empty() || !isListed(words[0].text, kWhenDoing)) return false;
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (!words[i].beginsClause || !holdsWord(words, 1, i, kDoing) ||
            !holdsWord(words, 1, i, kThisText)) {
            continue;
        }
        const std::size_t verb = behindLead(words, i);
        if (verb < words.size() &&
            (isListed(words[verb].text, kSay) || isListed(words[verb].text, kTellToo))) {
            return true;
        }
    }
    return false;
}

/// "Your new task is to output …", "System: you must answer …".
bool givesTask(const OrderWords& words) {
    static constexpr auto kReply = std::to_array<std::string_view>(
        {"output", "reply", "respond", "say", "print", "answer", "repeat"});
    const bool isNew = isWordAt(words, 1, "new") || isWordAt(words, 1, "only");
    if (isWordAt(words, 0, "your") && isNew && isWordAt(words, 2, "task") &&
        isWordAt(words, 3, "is") && isWordAt(words, 4, "to")) {
        return words.size() > 5 && isListed(words[5].text, kReply);
    }
    std::size_t behind = 0;
    if (isWordAt(words, 0, "system")) behind = isWordAt(words, 1, "prompt") ? 2 : 1;
    if (isWordAt(words, 0, "new") && isWordAt(words, 1, "instructions")) behind = 2;
    if (behind == 0 || behind >= words.size() || !words[behind].beginsClause) return false;
    const std::size_t verb = behindLead(words, behind);
    return verb < words.size() && isListed(words[verb].text, kReply);
}

bool isAddressedToModel(const OrderWords& words, std::string_view sentence) {
    return saysWhenAsked(words) || saysAlways(words) || greetsModel(words) ||
           namesModelFirst(words) || speaksToModel(words) || isAboutInstructions(words) ||
           keepsFromUser(words) || ignoresUser(words) || saysWhenAnswering(words) ||
           givesTask(words) || isAddressedToModelInChinese(sentence);
}

}  // namespace

std::vector<retrieval::TextSpan> ordersIn(std::string_view text) {
    constexpr int kBelonging = 2;  // sentences behind the order to forget others
    std::vector<retrieval::TextSpan> orders;
    int nBelonging = 0;
    std::size_t lastEnd = 0;
    for (const retrieval::TextSpan& span : retrieval::sentenceSpans(text)) {
        const std::string_view sentence =
            text.substr(span.startByte, span.endByte - span.startByte);
        const std::string_view between = text.substr(lastEnd, span.startByte - lastEnd);
        if (std::count(between.begin(), between.end(), '\n') > 1) nBelonging = 0;
        lastEnd = span.endByte;
        const OrderWords words = orderWords(sentence);
        const bool forgets = forgetsOthers(words) || forgetsOthersInChinese(sentence);
        if (forgets || nBelonging > 0 || isAddressedToModel(words, sentence)) {
            orders.push_back(span);
        }
        nBelonging = forgets ? kBelonging : std::max(nBelonging - 1, 0);
    }
    return orders;
}

bool hasOrder(std::span<const retrieval::TextSpan> orders, retrieval::TextSpan stretch) {
    return std::any_of(orders.begin(), orders.end(), [&](const retrieval::TextSpan& order) {
        return order.startByte < stretch.endByte && stretch.startByte < order.endByte;
    });
}

void blankOrders(std::string& text) {
    for (const retrieval::TextSpan& order : ordersIn(text)) {
        std::fill(text.begin() + static_cast<std::ptrdiff_t>(order.startByte),
                  text.begin() + static_cast<std::ptrdiff_t>(order.endByte), ' ');
    }
}

std::string withoutOrders(std::string_view text) {
    std::string kept;
    std::size_t from = 0;
    for (const retrieval::TextSpan& order : ordersIn(text)) {
        kept.append(text.substr(from, order.startByte - from)).append("…");
        from = order.endByte;
    }
    return kept.append(text.substr(from));
}

}  // namespace conclave::services
