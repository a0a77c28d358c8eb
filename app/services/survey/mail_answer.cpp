#include "app/services/survey/mail_answer.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "app/services/question.h"
#include "app/services/reading.h"
#include "app/services/survey/mail_question.h"
#include "app/services/survey/question_words.h"
#include "app/services/survey/table_days.h"

namespace conclave::services {
namespace {

using namespace std::string_view_literals;

/// What the letters U+00C0 to U+017F are without their accents.
constexpr std::string_view kWithoutAccents =
    "aaaaaaaceeeeiiiidnooooo ouuuuytsaaaaaaaceeeeiiiidnooooo ouuuuyty"
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"
    "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

/// In lower case and without accents, so that "Müller" and "muller" are one.
std::string foldedName(std::string_view text) {
    std::string folded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : '\0');
        const unsigned code = ((lead & 0x1FU) << 6U) | (next & 0x3FU);
        constexpr unsigned kFirst = 0xC0;
        const bool isTwo = (lead & 0xE0U) == 0xC0U && (next & 0xC0U) == 0x80U;
        if (isTwo && code >= 0x300 && code < 0x370) {
            ++i;  // an accent of its own
        } else if (isTwo && code >= kFirst && code - kFirst < kWithoutAccents.size()) {
            folded += kWithoutAccents[code - kFirst];
            ++i;
        } else if (lead >= 'A' && lead <= 'Z') {
            folded += static_cast<char>(lead + ('a' - 'A'));
        } else {
            folded += text[i];
        }
    }
    return folded;
}

/// The words of a folded name; "." and "_" part those of an address.
std::vector<std::string> wordsOfName(std::string_view folded) {
    std::vector<std::string> words;
    std::string word;
    for (const char c : folded) {
        const bool isOfWord = static_cast<unsigned char>(c) >= 0x80 || (c >= 'a' && c <= 'z') ||
                              (c >= '0' && c <= '9');
        if (isOfWord) {
            word += c;
        } else if (!word.empty()) {
            words.push_back(std::move(word));
            word.clear();
        }
    }
    if (!word.empty()) words.push_back(std::move(word));
    return words;
}

/// "Helen Marsh <h@a.org>", "u@b.org": the entries of a line, split at commas outside of quotes.
std::vector<std::string> addressesOf(std::string_view line) {
    std::vector<std::string> entries;
    std::string entry;
    bool isQuoted = false;
    for (const char c : line) {
        if (c == '"') isQuoted = !isQuoted;
        if (!isQuoted && (c == ',' || c == ';')) {
            entries.push_back(std::move(entry));
            entry.clear();
        } else {
            entry += c;
        }
    }
    entries.push_back(std::move(entry));
    std::erase_if(entries, [](const std::string& each) { return trimmedQuestion(each).empty(); });
    return entries;
}

/// The part with the @; empty: it has none.
std::string addressIn(std::string_view entry) {
    const std::size_t at = entry.rfind('@');
    if (at == std::string_view::npos) return {};
    constexpr std::string_view kEnds = " <>\"'()\t,;:";
    const std::size_t before = entry.find_last_of(kEnds, at);
    const std::size_t start = before == std::string_view::npos ? 0 : before + 1;
    return std::string(entry.substr(start, entry.find_first_of(kEnds, at) - start));
}

bool isOfPerson(const std::string& entry, const std::string& person) {
    const std::string address = addressIn(entry);
    if (person.find('@') != std::string::npos) return address == person;
    const bool isDomain = person.find('.') != std::string::npos &&
                          person.find(' ') == std::string::npos && !person.ends_with('.');
    if (isDomain && (address.ends_with("@" + person) || address.ends_with("." + person))) {
        return true;
    }
    std::string names = entry;
    if (const std::size_t at = names.find(address); !address.empty() && at != std::string::npos) {
        names.replace(at, address.size(), address.substr(0, address.find('@')));
    }
    const std::vector<std::string> said = wordsOfName(names);
    const std::vector<std::string> wanted = wordsOfName(person);
    return !wanted.empty() &&
           std::all_of(wanted.begin(), wanted.end(), [&](const std::string& word) {
               return std::any_of(said.begin(), said.end(), [&](const std::string& each) {
                   return each == word || each.starts_with(word + "（");
               });
           });
}

/// "Mon, 4 Mar 2024 09:12:00 +0100", "2024-03-04": the day as it is written; 0: none.
int dayOfDateLine(std::string_view line) {
    constexpr auto kMonths = std::to_array<std::string_view>(
        {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"});
    const std::string lower = lowerCased(line);
    const std::vector<std::string> words = wordsOfName(lower);
    const auto numberIn = [](const std::string& word, std::size_t most) {
        const bool isNumber =
            word.size() <= most && word.find_first_not_of("0123456789") == std::string::npos;
        int value = 0;
        for (const char c : isNumber ? word : std::string()) value = value * 10 + (c - '0');
        return value;
    };
    constexpr std::size_t kDigitsOfYear = 4;
    for (std::size_t i = 0; i + 2 < words.size(); ++i) {
        const int day = numberIn(words[i], 2);
        const auto* const month =
            std::find_if(kMonths.begin(), kMonths.end(), [&](std::string_view each) {
                return std::string_view(words[i + 1]).starts_with(each);
            });
        const int year = words[i + 2].size() == kDigitsOfYear ? numberIn(words[i + 2], 4) : 0;
        if (day < 1 || day > 31 || month == kMonths.end() || year < 1900) continue;
        return year * 10'000 + static_cast<int>(month - kMonths.begin() + 1) * 100 + day;
    }
    const auto said = daysAtStart(trimmedQuestion(line));
    if (!said || said->year == 0 || said->month == 0 || said->day == 0) return 0;
    return said->year * 10'000 + static_cast<int>(said->month) * 100 + static_cast<int>(said->day);
}

struct MailMessage {
    const Document* document = nullptr;
    MailHeaders headers;
    std::string quote;  ///< the header lines
    ChunkId chunk = 0;
};

bool isMailFile(const Document& document) {
    const std::string ending = lowerCased(document.path.extension().string());
    return ending == ".eml" || ending == ".mbox";
}

/// Each page of a mail file is a message.
Result<void> addMessagesOf(storage::DocumentStore& store, const Document& document,
                           std::vector<MailMessage>& messages) {
    const auto pages = store.pages(document.id);
    if (!pages) return tl::unexpected(pages.error());
    const auto chunks = store.chunksOf(document.id);
    if (!chunks) return tl::unexpected(chunks.error());
    std::map<int, ChunkId> chunkOfPage;
    for (const Chunk& chunk : *chunks) chunkOfPage.try_emplace(chunk.page, chunk.id);
    for (const storage::Page& page : *pages) {
        if (trimmedQuestion(page.text).empty()) continue;
        MailMessage message{&document, mailHeadersOf(page.text), {}, 0};
        message.quote = page.text.substr(message.headers.startByte,
                                         message.headers.endByte - message.headers.startByte);
        const auto chunk = chunkOfPage.find(page.number);
        if (chunk != chunkOfPage.end()) message.chunk = chunk->second;
        messages.push_back(std::move(message));
    }
    return {};
}

enum class MailVerdict { Asked, Other, Unknown };

MailVerdict verdictOn(const MailHeaders& headers, const MailQuestion& asked) {
    bool isUnknown = false;
    bool isOther = false;
    const auto judge = [&](bool isSaid, bool isMet) {
        isUnknown = isUnknown || !isSaid;
        isOther = isOther || (isSaid && !isMet);
    };
    const std::string to = headers.to + ", " + headers.cc;
    const bool hasTo = !headers.to.empty() || !headers.cc.empty();
    if (!asked.from.empty()) judge(!headers.from.empty(), namesPerson(headers.from, asked.from));
    if (!asked.to.empty()) judge(hasTo, namesPerson(to, asked.to));
    if (asked.days) {
        judge(headers.day != 0, headers.day >= asked.days->from && headers.day < asked.days->until);
    }
    if (asked.isWhoSent) judge(!headers.from.empty(), true);
    if (asked.isWhoReceived) judge(hasTo, true);
    if (isOther) return MailVerdict::Other;
    return isUnknown ? MailVerdict::Unknown : MailVerdict::Asked;
}

class MailReport {
public:
    MailReport(storage::DocumentStore& store, const MailQuestion& asked, bool isChinese)
        : m_asked(asked), m_writer(store, isChinese) {}

    Result<SurveyReport> tell(const std::vector<MailMessage>& messages,
                              const SurveyFindings& findings) {
        std::vector<const MailMessage*> held;
        std::size_t nUnknown = 0;
        for (const MailMessage& each : messages) {
            const MailVerdict verdict = verdictOn(each.headers, m_asked);
            if (verdict == MailVerdict::Asked) held.push_back(&each);
            if (verdict == MailVerdict::Unknown) ++nUnknown;
        }
        std::stable_sort(held.begin(), held.end(), [](const auto* a, const auto* b) {
            return a->headers.day < b->headers.day;
        });
        tellMailHead(held.size(), messages.size());
        if (m_asked.isWhoSent || m_asked.isWhoReceived) tellPeople(held);
        if (auto done = tellMessageList(held); !done) return tl::unexpected(done.error());
        if (nUnknown > 0) {
            m_writer.add("\n" + counted(nUnknown, "message lacks", "messages lack") +
                             " a header line that tells this and " +
                             (nUnknown == 1 ? "is" : "are") + " not counted.\n",
                         "\n有 " + grouped(nUnknown) + " 封邮件缺少相应的邮件头，未计入。\n");
        }
        m_writer.add("\n" + accountOf(findings, m_writer.isChinese()));
        m_writer.add(
            " Read from the From, To, Cc and Date lines of the messages alone; names as "
            "they are written there.",
            "仅根据邮件头中的发件人、收件人、抄送和日期判断。");
        return m_writer.take();
    }

    /// What is asked besides cannot be told from headers.
    SurveyReport refuse() {
        m_writer.add(
            "Who messages are from and to, and when they were sent, is read from their "
            "header lines; “" +
                m_asked.unread +
                "” asks for more than that, so nothing was counted. Ask for the sender, "
                "the receiver or the date alone, by name: “How many emails from Helen "
                "Marsh in March 2024?”",
            "发件人、收件人和日期取自邮件头；“" + m_asked.unread +
                "”还问了别的内容，因此没有计数。请只问发件人、收件人或日期。");
        return m_writer.take();
    }

private:
    void tellMailHead(std::size_t n, std::size_t nAll) {
        std::string english;
        std::string chinese;
        if (!m_asked.from.empty()) {
            english += " from “" + m_asked.from + "”";
            chinese += "由“" + m_asked.from + "”发出";
        }
        if (!m_asked.to.empty()) {
            english += " to “" + m_asked.to + "” (To or Cc)";
            chinese += (chinese.empty() ? "" : "、") + ("发给“" + m_asked.to + "”（含抄送）");
        }
        if (m_asked.days) {
            english +=
                (english.empty() ? " dated " : ", dated ") + shownRange(*m_asked.days, false);
            chinese += (chinese.empty() ? "" : "、") + ("日期" + shownRange(*m_asked.days, true));
        }
        if (english.empty()) {
            m_writer.add("**" + counted(nAll, "message", "messages") + "**:\n\n",
                         "共 **" + grouped(nAll) + "** 封邮件：\n\n");
            return;
        }
        m_writer.add("**" + grouped(n) + " of " + counted(nAll, "message", "messages") + "** " +
                         (n == 1 ? "is" : "are") + english + (n > 0 ? ":\n\n" : ".\n"),
                     grouped(nAll) + " 封邮件中，" + chinese + "的有 **" + grouped(n) + "** 封" +
                         (n > 0 ? "：\n\n" : "。\n"));
    }

    /// Each with the number of messages, most first.
    void tellPeople(const std::vector<const MailMessage*>& held) {
        std::map<std::string, std::pair<std::string, std::size_t>> people;
        for (const MailMessage* message : held) {
            const MailHeaders& headers = message->headers;
            const std::string line =
                m_asked.isWhoSent ? headers.from : headers.to + ", " + headers.cc;
            for (const std::string& entry : addressesOf(line)) {
                const std::string address = foldedName(addressIn(entry));
                auto& person = people[address.empty() ? foldedName(entry) : address];
                if (person.first.empty()) person.first = std::string(trimmedSpaces(entry));
                ++person.second;
            }
        }
        std::vector<std::pair<std::string, std::size_t>> order;
        for (const auto& each : people) order.push_back(each.second);
        std::stable_sort(order.begin(), order.end(),
                         [](const auto& a, const auto& b) { return a.second > b.second; });
        for (const auto& [name, n] : order) {
            m_writer.add(
                "- **" + asListLine(name) + "**: " + counted(n, "message", "messages") + "\n",
                "- **" + asListLine(name) + "**：" + grouped(n) + " 封\n");
        }
        if (!order.empty()) m_writer.add("\nThe messages:\n\n", "\n这些邮件：\n\n");
    }

    static std::string_view trimmedSpaces(std::string_view text) {
        const std::size_t start = std::min(text.find_first_not_of(" \t"), text.size());
        return text.substr(start, text.find_last_not_of(" \t") + 1 - start);
    }

    Result<void> tellMessageList(const std::vector<const MailMessage*>& held) {
        constexpr std::size_t kMostShown = 60;
        for (std::size_t i = 0; i < std::min(held.size(), kMostShown); ++i) {
            const MailMessage& message = *held[i];
            const MailHeaders& headers = message.headers;
            const std::string subject =
                headers.subject.empty() ? shownName(message.document->path) : headers.subject;
            m_writer.add("- **" + asListLine(subject) + "**");
            if (!headers.date.empty()) m_writer.add(", " + asListLine(headers.date));
            if (!headers.from.empty()) {
                m_writer.add("; from " + asListLine(headers.from),
                             "；发件人 " + asListLine(headers.from));
            }
            if (!headers.to.empty()) {
                m_writer.add("; to " + asListLine(headers.to),
                             "；收件人 " + asListLine(headers.to));
            }
            if (message.chunk != 0 && !message.quote.empty()) {
                auto cited =
                    m_writer.cite(message.chunk, headers.startByte, headers.endByte, message.quote);
                if (!cited) return cited;
            }
            m_writer.add("\n");
        }
        if (held.size() > kMostShown) {
            m_writer.add("- … and " + grouped(held.size() - kMostShown) + " more\n",
                         "- ……还有 " + grouped(held.size() - kMostShown) + " 封\n");
        }
        return {};
    }

    const MailQuestion& m_asked;
    ReportWriter m_writer;
};

}  // namespace

MailHeaders mailHeadersOf(std::string_view page) {
    MailHeaders headers;
    const std::array<std::pair<std::string_view, std::string*>, 4> labels = {
        {{"From: ", &headers.from},
         {"To: ", &headers.to},
         {"Cc: ", &headers.cc},
         {"Date: ", &headers.date}}};
    const auto isLabelled = [&](std::string_view text) {
        return std::any_of(labels.begin(), labels.end(),
                           [&](const auto& label) { return text.starts_with(label.first); });
    };
    const std::size_t firstEnd = std::min(page.find('\n'), page.size());
    // The subject stands above, with an empty line between; it may look like a header itself.
    const bool hasSubject = page.substr(firstEnd).starts_with("\n\n") &&
                            isLabelled(page.substr(std::min(firstEnd + 2, page.size())));
    std::size_t at = 0;
    if (hasSubject) {
        headers.subject = std::string(page.substr(0, firstEnd));
        at = firstEnd + 2;
    }
    headers.startByte = at;
    headers.endByte = at;
    while (at < page.size() && isLabelled(page.substr(at))) {
        const std::size_t end = std::min(page.find('\n', at), page.size());
        const std::string_view line = page.substr(at, end - at);
        for (const auto& [label, value] : labels) {
            if (line.starts_with(label) && value->empty()) *value = line.substr(label.size());
        }
        headers.endByte = end;
        at = end + 1;
    }
    headers.day = dayOfDateLine(headers.date);
    return headers;
}

bool namesPerson(std::string_view addresses, std::string_view person) {
    const std::string wanted = foldedName(person);
    const std::vector<std::string> entries = addressesOf(foldedName(addresses));
    return std::any_of(entries.begin(), entries.end(),
                       [&](const std::string& entry) { return isOfPerson(entry, wanted); });
}

Result<std::optional<MailAnswer>> answerFromMail(storage::DocumentStore& store,
                                                 const std::string& question,
                                                 const std::vector<CollectionId>& collections,
                                                 const DocumentFilter& filter) {
    const std::optional<MailAnswer> none;
    const auto asked = mailQuestionOf(question);
    if (!asked) return none;
    SurveyQuestion place;
    place.isOfMessages = true;
    place.filter = filter;
    SurveyFindings findings;
    auto documents = chooseDocuments(store, collections, place, findings);
    if (!documents) return tl::unexpected(documents.error());
    std::erase_if(*documents, [](const Document& each) { return !isMailFile(each); });
    if (documents->empty()) return none;
    MailReport report(store, *asked, isChinese(question));
    std::vector<MailMessage> messages;
    if (asked->unread.empty()) {
        for (const Document& document : *documents) {
            if (auto done = addMessagesOf(store, document, messages); !done) {
                return tl::unexpected(done.error());
            }
            ++findings.nDocumentsRead;
            findings.nPassagesRead += document.nChunks;
        }
    }
    findings.nDocumentsAll = findings.nDocumentsRead;
    findings.nPassagesAll = findings.nPassagesRead;
    findings.isComplete = true;
    const nlohmann::json account = accountToJson(findings);
    if (!asked->unread.empty()) {
        return std::optional<MailAnswer>(MailAnswer{report.refuse(), account});
    }
    auto told = report.tell(messages, findings);
    if (!told) return tl::unexpected(told.error());
    return std::optional<MailAnswer>(MailAnswer{std::move(*told), account});
}

}  // namespace conclave::services
