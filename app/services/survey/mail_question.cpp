#include "app/services/survey/mail_question.h"

#include <algorithm>
#include <array>
#include <vector>

#include "app/services/asked_for.h"
#include "app/services/english_words.h"
#include "app/services/question.h"
#include "app/services/survey/question_words.h"
#include "app/services/survey/table_days.h"

namespace conclave::services {
namespace {

using namespace std::string_view_literals;

constexpr auto kMailNouns = std::to_array<std::string_view>(
    {"mails", "emails", "e-mails", "messages", "mail", "email", "e-mail", "message"});
constexpr auto kPluralMailNouns =
    std::to_array<std::string_view>({"mails", "emails", "e-mails", "messages"});
constexpr auto kMailAskers = std::to_array<std::string_view>(
    {"how", "list", "show", "which", "what", "count", "find", "give", "who",    "number",
     "are", "is",   "were", "was",   "did",  "has",   "have", "do",   "please", "all"});
constexpr auto kMailListers =
    std::to_array<std::string_view>({"how", "list", "show", "which", "count", "find"});
constexpr auto kMailFrame = std::to_array<std::string_view>(
    {"how",    "many",       "list", "all",   "show",  "me",      "the",    "of",         "my",
     "our",    "which",      "what", "count", "find",  "give",    "please", "are",        "is",
     "were",   "was",        "be",   "been",  "there", "do",      "does",   "did",        "have",
     "has",    "had",        "any",  "every", "each",  "in",      "total",  "altogether", "who",
     "number", "collection", "this", "that",  "a",     "mailbox", "an"});
constexpr auto kSendVerbs = std::to_array<std::string_view>(
    {"write", "writes", "wrote", "written", "send", "sends", "sent"});
constexpr auto kReceiveVerbs =
    std::to_array<std::string_view>({"receive", "receives", "received", "get", "gets", "got"});
constexpr auto kRolesOfNames = std::to_array<std::string_view>({"from", "by", "to"});
/// No names, and more than is understood here.
constexpr auto kNoMailNames = std::to_array<std::string_view>(
    {"and",       "or",  "not",     "about",  "with",    "without",  "mention", "mentioning",
     "regarding", "on",  "between", "except", "i",       "we",       "say",     "says",
     "said",      "ask", "asks",    "asked",  "contain", "contains", "me",      "us",
     "most",      "but", "for",     "via",    "no",      "one"});

std::vector<std::string> mailTokens(std::string_view text) {
    std::vector<std::string> tokens;
    std::string token;
    const auto flush = [&] {
        while (!token.empty() && ",?.!;:\"()"sv.find(token.back()) != std::string_view::npos) {
            token.pop_back();
        }
        const std::size_t start = std::min(token.find_first_not_of("\"(<"), token.size());
        token.erase(0, start);
        if (token.ends_with('>')) token.pop_back();
        if (!token.empty()) tokens.push_back(token);
        token.clear();
    };
    for (const char c : text) {
        if (c == ' ' || c == '\t') {
            flush();
        } else {
            token += c;
        }
    }
    flush();
    return tokens;
}

DayRange rangeOfDays(const AskedDays::Range& range) {
    const auto number = [](std::string_view day) {
        int value = 0;
        for (const char c : day) {
            if (c >= '0' && c <= '9') value = value * 10 + (c - '0');
        }
        return value;
    };
    return {number(range.from), number(range.to)};
}

/// Takes "in March 2024" out of the text.
std::optional<DayRange> takeMailDays(std::string& text) {
    const std::string lower = lowerCased(text);
    for (const std::string_view word : {"in"sv, "on"sv, "of"sv, "from"sv, "during"sv, "dated"sv}) {
        for (std::size_t at = findWords(lower, word); at != std::string::npos;
             at = findWords(lower, word, at + 1)) {
            std::size_t start = lower.find_first_not_of(' ', at + word.size());
            if (start == std::string::npos) break;
            for (const std::string_view filler : {"the year "sv, "the month of "sv, "year "sv}) {
                if (std::string_view(lower).substr(start).starts_with(filler)) {
                    start += filler.size();
                }
            }
            const auto said = daysAtStart(std::string_view(text).substr(start));
            const auto range = said ? said->range() : std::nullopt;
            if (!range) continue;
            const std::string_view behind =
                trimmedQuestion(std::string_view(lower).substr(start + said->size));
            if (beginning(behind, {"to"sv, "until"sv, "till"sv, "through"sv, "and"sv, "or"sv}) >
                0) {
                continue;
            }
            text.replace(at, start + said->size - at, " ");
            return rangeOfDays(*range);
        }
    }
    return std::nullopt;
}

std::optional<DayRange> takeChineseMailDays(std::string& text) {
    for (std::size_t at = text.find_first_of("0123456789"); at != std::string::npos;
         at = text.find_first_of("0123456789", at + 1)) {
        const auto said = daysAtStart(std::string_view(text).substr(at));
        const auto range = said ? said->range() : std::nullopt;
        if (!range) continue;
        text.erase(at, said->size);
        for (const std::string_view before : {"在"sv, "于"sv}) {
            if (!std::string_view(text).substr(0, at).ends_with(before)) continue;
            text.erase(at - before.size(), before.size());
            break;
        }
        return rangeOfDays(*range);
    }
    return std::nullopt;
}

/// Reads the words of an English question from the first to the last.
class MailWords {
public:
    explicit MailWords(std::vector<std::string> tokens) : m_tokens(std::move(tokens)) {
        for (const std::string& token : m_tokens) m_lower.push_back(lowerCased(token));
    }

    std::optional<MailQuestion> read(std::optional<DayRange> dated) {
        const bool hasNoun = std::any_of(m_lower.begin(), m_lower.end(), isNoun);
        if (m_lower.empty() || !hasNoun || !isListed(m_lower.front(), kMailAskers)) return {};
        m_asked.days = dated;
        m_isWho = m_lower.front() == "who";
        while (m_at < m_lower.size()) readNext();
        leaveUnread(m_pending);
        return result();
    }

private:
    static bool isNoun(const std::string& word) { return isListed(word, kMailNouns); }
    static bool isMailVerb(const std::string& word) {
        return isListed(word, kSendVerbs) || isListed(word, kReceiveVerbs);
    }
    static bool isOfName(const std::string& word) {
        return !isNoun(word) && !isMailVerb(word) && !isListed(word, kRolesOfNames) &&
               !isListed(word, kMailFrame) && !isListed(word, kNoMailNames) && word != "addressed";
    }

    void leaveUnread(const std::string& words) {
        if (words.empty()) return;
        m_asked.unread += (m_asked.unread.empty() ? "" : " ") + words;
    }

    /// "Helen von Marsh", "lee@a.org", "lee": what begins with a capital letter goes on with such.
    std::string takeName() {
        const auto isCapital = [](const std::string& word) {
            return (word[0] >= 'A' && word[0] <= 'Z') ||
                   static_cast<unsigned char>(word[0]) >= 0x80;
        };
        constexpr auto kOfNames = std::to_array<std::string_view>(
            {"von", "van", "de", "der", "den", "di", "da", "del", "la", "al", "bin", "zu", "du"});
        std::string name;
        const bool isCapitalName = m_at < m_tokens.size() && isCapital(m_tokens[m_at]);
        while (m_at < m_lower.size() && isOfName(m_lower[m_at])) {
            const bool isOn =
                !isCapitalName || isCapital(m_tokens[m_at]) || isListed(m_lower[m_at], kOfNames);
            if (!isOn) break;
            name += (name.empty() ? "" : " ") + m_tokens[m_at++];
            if (name.find('@') != std::string::npos) break;
        }
        return name;
    }

    void setPerson(std::string& person, const std::string& name) {
        if (person.empty()) {
            person = name;
        } else {
            leaveUnread(name);
        }
    }

    void readNext() {
        const std::string& word = m_lower[m_at];
        if (isListed(word, kRolesOfNames)) return readRole();
        if (isMailVerb(word)) return readVerb();
        if (isOfName(word)) {
            leaveUnread(m_pending);
            m_pending = takeName();
            return;
        }
        const bool isSelf = word == "i" || word == "we";
        if (isSelf) {
            m_self = m_tokens[m_at];
        } else if (isListed(word, kNoMailNames)) {
            const bool isShowMe = word == "me" && m_at > 0 && isListed(m_lower[m_at - 1], kShow);
            if (!isShowMe) leaveUnread(m_tokens[m_at]);
        }
        ++m_at;
    }

    void readRole() {
        const std::string role = m_lower[m_at];
        const std::string before = m_at > 0 ? m_lower[m_at - 1] : std::string();
        const bool isDirect = isNoun(before) || isMailVerb(before) || before == "addressed" ||
                              before == "is" || before == "are" || before == "were" ||
                              before == "was" || !m_asked.from.empty() || !m_asked.to.empty();
        ++m_at;
        if (m_at < m_lower.size() && m_lower[m_at] == "the") ++m_at;
        const std::string name = takeName();
        if (name.empty() || !isDirect) return leaveUnread(name.empty() ? role : role + " " + name);
        m_isPerson = true;
        const bool isReceiver = role == "to" || (role == "by" && isListed(before, kReceiveVerbs));
        setPerson(isReceiver ? m_asked.to : m_asked.from, name);
    }

    void readVerb() {
        const bool isSent = isListed(m_lower[m_at], kSendVerbs);
        const bool isWhose = m_at > 0 && m_lower[m_at - 1] == "who";
        if (!m_self.empty()) leaveUnread(m_self + " " + m_tokens[m_at]);
        if (isWhose && m_isWho) (isSent ? m_asked.isWhoSent : m_asked.isWhoReceived) = true;
        if (!m_pending.empty()) {
            m_isPerson = true;
            setPerson(isSent ? m_asked.from : m_asked.to, m_pending);
            m_pending.clear();
        }
        ++m_at;
    }

    std::optional<MailQuestion> result() {
        const bool isWho = m_asked.isWhoSent || m_asked.isWhoReceived;
        if (!m_isPerson && !m_asked.days && !isWho) return {};
        if (m_isWho && !isWho) return {};
        const bool isPlural =
            std::any_of(m_lower.begin(), m_lower.end(),
                        [](const std::string& word) { return isListed(word, kPluralMailNouns); });
        const bool isLister = isListed(m_lower.front(), kMailListers);
        // What one message says is asked otherwise.
        if (!isPlural && !isLister && !m_isWho) return {};
        if (m_asked.unread.empty()) return m_asked;
        if (!m_isPerson || !isPlural || !isLister) return {};
        return m_asked;
    }

    static constexpr auto kShow = std::to_array<std::string_view>({"show", "give", "list", "find"});
    std::vector<std::string> m_tokens;
    std::vector<std::string> m_lower;
    std::size_t m_at = 0;
    std::string m_pending;  ///< a name whose verb follows
    std::string m_self;     ///< "I": headers do not say who that is
    bool m_isWho = false;
    bool m_isPerson = false;
    MailQuestion m_asked;
};

constexpr auto kChineseMailFrame = std::to_array<std::string_view>(
    {"电子邮件", "邮件", "有多少", "多少", "一共", "总共",   "共有", "有几", "几",
     "封",       "列出", "所有的", "所有", "全部", "有哪些", "哪些", "请",   "过",
     "了",       "的",   "？",     "?",    "。",   "，",     ",",    " "});
constexpr std::size_t kLongestChineseName = 36;  // bytes

/// A name, and nothing that is asked besides.
bool isChineseName(std::string_view text) {
    return text.size() <= kLongestChineseName &&
           !hasAny(text, {"和"sv, "或"sv, "与"sv, "没"sv, "不"sv, "提"sv, "关于"sv, "说"sv, "我"sv,
                          "你"sv, "最"sv, "是"sv, "每"sv, "谁"sv});
}

std::optional<MailQuestion> chineseMailQuestion(std::string text, std::optional<DayRange> dated) {
    const bool isAsked =
        hasAny(text, {"几"sv, "多少"sv, "列出"sv, "哪些"sv, "所有"sv, "全部"sv, "谁"sv});
    if (text.find("邮件") == std::string::npos || !isAsked) return {};
    if (!dated) dated = takeChineseMailDays(text);
    for (const std::string_view frame : kChineseMailFrame) {
        for (auto at = text.find(frame); at != std::string::npos; at = text.find(frame)) {
            text.erase(at, frame.size());
        }
    }
    MailQuestion asked;
    asked.days = dated;
    for (const std::string_view end : {"在"sv, "有"sv}) {
        if (text.ends_with(end)) text.resize(text.size() - end.size());
    }
    if (text.empty()) return dated ? std::optional(asked) : std::nullopt;
    struct Marker {
        std::string_view words;
        bool isReceived;  ///< the receiver stands before it
    };
    constexpr auto kMarkers = std::to_array<Marker>({{"收到来自", true},
                                                     {"收到", true},
                                                     {"收", true},
                                                     {"发送给", false},
                                                     {"发给", false},
                                                     {"写给", false},
                                                     {"寄给", false},
                                                     {"来自", false},
                                                     {"发送", false},
                                                     {"发出", false},
                                                     {"发", false},
                                                     {"写", false},
                                                     {"寄", false},
                                                     {"给", false}});
    for (const Marker& marker : kMarkers) {
        const std::size_t at = text.find(marker.words);
        if (at == std::string::npos) continue;
        std::string before = text.substr(0, at);
        std::string behind = text.substr(at + marker.words.size());
        const bool isFrom = marker.words == "来自";
        if (before == "谁" && behind.empty() && !isFrom) {
            (marker.isReceived ? asked.isWhoReceived : asked.isWhoSent) = true;
            return asked;
        }
        // "李娜给王伟发": the receiver before the verb.
        const std::size_t given = before.find("给");
        if (given != std::string::npos && behind.empty() && !marker.isReceived) {
            behind = before.substr(given + "给"sv.size());
            before.resize(given);
        }
        if (before == "谁" && !isFrom) {
            asked.isWhoSent = !marker.isReceived;
            asked.isWhoReceived = marker.isReceived;
            before.clear();
        }
        if (!isChineseName(before) || !isChineseName(behind) || (isFrom && !before.empty())) {
            asked.unread = text;
            return asked;
        }
        asked.from = marker.isReceived || isFrom ? behind : before;
        asked.to = marker.isReceived ? before : isFrom ? std::string() : behind;
        const bool isAny = !asked.from.empty() || !asked.to.empty() || dated;
        return isAny ? std::optional(asked) : std::nullopt;
    }
    return {};
}

}  // namespace

std::optional<MailQuestion> mailQuestionOf(std::string_view question) {
    constexpr std::size_t kLongestQuestion = 160;  // bytes: a longer one asks for more
    if (bringsItsOwnText(question) || question.size() > kLongestQuestion) return {};
    std::string text(trimmedQuestion(question));
    std::optional<DayRange> dated;
    if (const auto bound = dateBoundOf(text)) {
        if (!bound->days) return {};
        dated = bound->days;
        text = bound->undated;
        if (dateBoundOf(text)) return {};
    }
    if (isChinese(question)) return chineseMailQuestion(std::move(text), dated);
    const auto named = takeMailDays(text);
    if (named && dated) return {};
    if (named) dated = named;
    return MailWords(mailTokens(text)).read(dated);
}

}  // namespace conclave::services
