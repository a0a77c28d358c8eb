#include "app/services/survey/record_answer.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>

#include "app/services/question.h"
#include "app/services/reading.h"
#include "app/services/survey/question_words.h"
#include "app/services/survey/skip_reason.h"
#include "app/services/survey/table_days.h"

namespace conclave::services {
namespace {

using namespace std::string_view_literals;
using RecordKind = RecordQuestion::Kind;
using std::chrono::days;
using std::chrono::sys_days;

/// A type of files, as people name it.
struct FileType {
    std::string_view name;     ///< as the answer says it
    std::string_view words;    ///< what it is called, each between bars
    std::string_view endings;  ///< of file names, each between bars
    bool isOfNoun = false;     ///< what files say may make them one, too
};
constexpr auto kFileTypes = std::to_array<FileType>({
    {"PDF", "|pdf|pdfs|", "|.pdf|"},
    {"Word", "|word|docx|", "|.docx|.doc|"},
    {"text", "|plain text|txt|", "|.txt|"},
    {"Markdown", "|markdown|md|", "|.md|.markdown|"},
    {"spreadsheet", "|spreadsheet|spreadsheets|excel|xlsx|电子表格|表格|",
     "|.xlsx|.ods|.csv|.tsv|"},
    {"CSV", "|csv|csvs|", "|.csv|"},
    {"presentation", "|powerpoint|powerpoints|pptx|ppt|slide deck|slide decks|幻灯片|演示文稿|",
     "|.pptx|.odp|"},
    {"mail", "|mail|mails|email|emails|e-mail|e-mails|邮件|电子邮件|", "|.eml|.mbox|", true},
    {"HTML", "|html|web page|web pages|网页|", "|.html|.htm|.xhtml|"},
    {"EPUB", "|epub|epubs|e-book|e-books|ebook|ebooks|电子书|", "|.epub|"},
    {"notebook", "|jupyter notebook|jupyter notebooks|ipynb|", "|.ipynb|"},
    {"JSON", "|json|", "|.json|.jsonl|"},
    {"picture", "|picture|pictures|image|images|photo|photos|图片|照片|",
     "|.png|.jpg|.jpeg|.tif|.tiff|.webp|.bmp|"},
});

std::vector<std::string> betweenBars(std::string_view list) {
    std::vector<std::string> parts;
    list.remove_prefix(1);
    while (!list.empty()) {
        const std::size_t end = list.find('|');
        parts.emplace_back(list.substr(0, end));
        list.remove_prefix(end + 1);
    }
    return parts;
}

/// "多少个 pdf 文件" of "多少个pdf文件": a Latin word is one in Chinese, too.
std::string withSpacesAroundLatin(const std::string& text) {
    std::string spaced;
    for (const char c : text) {
        const bool isWide = static_cast<unsigned char>(c) >= 0x80;
        const bool wasWide = !spaced.empty() && static_cast<unsigned char>(spaced.back()) >= 0x80;
        const bool isBorder = !spaced.empty() && spaced.back() != ' ' && c != ' ';
        if (isBorder && isWide != wasWide && isChinese(text)) spaced += ' ';
        spaced += c;
    }
    return spaced;
}

/// Takes a phrase out of the text: ASCII as whole words. False: it is not there.
bool takePhrase(std::string& text, std::string_view phrase) {
    const bool isAscii = static_cast<unsigned char>(phrase.front()) < 0x80;
    const std::size_t at = isAscii ? findWords(text, phrase) : text.find(phrase);
    if (at == std::string::npos) return false;
    text.replace(at, phrase.size(), " ");
    return true;
}

bool takeOneOf(std::string& text, std::span<const std::string_view> phrases) {
    return std::any_of(phrases.begin(), phrases.end(),
                       [&](std::string_view phrase) { return takePhrase(text, phrase); });
}
bool takeOneOf(std::string& text, std::initializer_list<std::string_view> phrases) {
    return takeOneOf(text, std::span(phrases.begin(), phrases.size()));
}

bool takeType(std::string& text, RecordQuestion& asked) {
    // The longest word first: "电子表格" before "表格".
    const FileType* best = nullptr;
    std::string word;
    for (const FileType& type : kFileTypes) {
        for (const std::string& each : betweenBars(type.words)) {
            const bool isAscii = static_cast<unsigned char>(each.front()) < 0x80;
            const bool isThere =
                (isAscii ? findWords(text, each) : text.find(each)) != std::string::npos;
            if (!isThere || each.size() <= word.size()) continue;
            best = &type;
            word = each;
        }
    }
    if (best == nullptr) return false;
    takePhrase(text, word);
    asked.type = best->name;
    asked.endings = betweenBars(best->endings);
    asked.isOfNoun = best->isOfNoun;
    return true;
}

std::optional<int> smallNumber(std::string& text) {
    constexpr auto kSmallNumbers = std::to_array<std::string_view>(
        {"two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"});
    for (std::size_t i = 0; i < kSmallNumbers.size(); ++i) {
        if (takePhrase(text, kSmallNumbers[i])) return static_cast<int>(i) + 2;
    }
    const std::size_t at = text.find_first_of("0123456789");
    if (at == std::string::npos) return std::nullopt;
    std::size_t end = at;
    int number = 0;
    constexpr int kMost = 1000;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') {
        if (number > kMost) return std::nullopt;
        number = number * 10 + (text[end++] - '0');
    }
    if (number < 1) return std::nullopt;
    text.replace(at, end - at, " ");
    return number;
}

sys_days firstOfMonth(sys_days day) {
    const std::chrono::year_month_day date{day};
    return sys_days(date.year() / date.month() / std::chrono::day{1});
}

/// "This week", "in the last 7 days", "since 1 May": when it was changed.
bool takeTime(std::string& text, RecordQuestion& asked, sys_days today) {
    const std::chrono::weekday weekday{today};
    const sys_days monday = today - (weekday - std::chrono::Monday);
    const std::chrono::year_month_day date{today};
    const sys_days month = firstOfMonth(today);
    const sys_days lastMonth = firstOfMonth(month - days(1));
    const sys_days newYear{date.year() / 1 / 1};
    struct Span {
        std::initializer_list<std::string_view> words;
        sys_days since;
        sys_days until;
    };
    const sys_days tomorrow = today + days(1);
    const Span spans[] = {
        {{"today", "今天", "今日"}, today, tomorrow},
        {{"yesterday", "昨天", "昨日"}, today - days(1), today},
        {{"this week", "本周", "这周", "这个星期", "这星期"}, monday, tomorrow},
        {{"last week", "上周", "上个星期", "上星期"}, monday - days(7), monday},
        {{"this month", "本月", "这个月"}, month, tomorrow},
        {{"last month", "上个月", "上月"}, lastMonth, month},
        {{"this year", "今年"}, newYear, tomorrow},
    };
    for (const Span& each : spans) {
        if (!takeOneOf(text, each.words)) continue;
        asked.since = each.since;
        asked.until = each.until;
        return true;
    }
    constexpr auto kLast = std::to_array<std::string_view>(
        {"in the last", "in the past", "within the last", "during the last", "over the last",
         "the last", "最近", "过去", "近"});
    for (const std::string_view last : kLast) {
        const std::size_t at = static_cast<unsigned char>(last.front()) < 0x80
                                   ? findWords(text, last)
                                   : text.find(last);
        if (at == std::string::npos) continue;
        std::string behind = text.substr(at + last.size());
        if (behind.find_first_not_of(' ') == std::string::npos) continue;
        const auto n = smallNumber(behind);
        int perUnit = 0;
        if (takeOneOf(behind, {"days", "day", "天", "日"})) perUnit = 1;
        if (perUnit == 0 && takeOneOf(behind, {"weeks", "week", "周", "个星期"})) perUnit = 7;
        if (perUnit == 0 && takeOneOf(behind, {"months", "month", "个月"})) perUnit = 30;
        if (perUnit == 0) continue;
        text.replace(at, std::string::npos, " " + behind);
        asked.since = today - days(n.value_or(1) * perUnit);
        asked.until = tomorrow;
        return true;
    }
    for (const auto& [word, isSince, isBefore] :
         {std::tuple("since"sv, true, false), std::tuple("after"sv, false, false),
          std::tuple("before"sv, false, true), std::tuple("in"sv, true, true),
          std::tuple("on"sv, true, true)}) {
        for (std::size_t at = findWords(text, word); at != std::string::npos;
             at = findWords(text, word, at + 1)) {
            const std::size_t start = text.find_first_not_of(' ', at + word.size());
            if (start == std::string::npos) break;
            auto said = daysAtStart(std::string_view(text).substr(start));
            if (!said) continue;
            if (said->year == 0) said->year = static_cast<int>(date.year());
            const auto range = said->range();
            if (!range) continue;
            const auto from = DocumentFilter::dayOf(range->from);
            const auto to = DocumentFilter::dayOf(range->to);
            if (word == "after") {
                asked.since = to;
            } else if (isSince) {
                asked.since = from;
            }
            if (isBefore) asked.until = isSince ? to : from;
            text.replace(at, start + said->size - at, " ");
            return true;
        }
    }
    return false;
}

constexpr auto kChanged = std::to_array<std::string_view>(
    {"changed", "modified", "updated", "edited", "修改过", "修改", "更改过", "更改", "改动过",
     "改动", "更新过", "更新", "编辑过", "编辑", "改过"});
constexpr auto kDocuments = std::to_array<std::string_view>(
    {"documents", "document", "files", "file", "文档", "文件", "资料"});
/// Words that say nothing more. Longer ones before those that they contain.
constexpr auto kSayNoMore = std::to_array<std::string_view>({"are there in this collection",
                                                             "are there in the collection",
                                                             "in this collection",
                                                             "in the collection",
                                                             "in this folder",
                                                             "in the folder",
                                                             "are there",
                                                             "is there",
                                                             "do i have",
                                                             "do we have",
                                                             "have i",
                                                             "which",
                                                             "what",
                                                             "list",
                                                             "show",
                                                             "all",
                                                             "me",
                                                             "the",
                                                             "of",
                                                             "my",
                                                             "our",
                                                             "is",
                                                             "are",
                                                             "was",
                                                             "were",
                                                             "have",
                                                             "has",
                                                             "been",
                                                             "that",
                                                             "there",
                                                             "please",
                                                             "altogether",
                                                             "in total",
                                                             "most",
                                                             "数量",
                                                             "请",
                                                             "列出",
                                                             "有哪些",
                                                             "哪些",
                                                             "哪几个",
                                                             "哪个",
                                                             "哪一个",
                                                             "是",
                                                             "有",
                                                             "的",
                                                             "了",
                                                             "我",
                                                             "们",
                                                             "里",
                                                             "中",
                                                             "吗",
                                                             "呢",
                                                             "个",
                                                             "份",
                                                             "封",
                                                             "张",
                                                             "本",
                                                             "篇",
                                                             "，"});

bool isEmptyOfWords(std::string_view text) {
    return text.find_first_not_of(" ?.!,\t") == std::string_view::npos;
}

std::string shownDay(sys_days day) {
    const std::chrono::year_month_day date{day};
    const auto two = [](unsigned n) { return std::string(n < 10 ? "0" : "") + std::to_string(n); };
    return std::to_string(static_cast<int>(date.year())) + "-" +
           two(static_cast<unsigned>(date.month())) + "-" + two(static_cast<unsigned>(date.day()));
}

sys_days changedOn(const Document& document) {
    using namespace std::chrono;
    const sys_time<nanoseconds> changed{nanoseconds(document.modifiedNs)};
    return floor<days>(changed);
}

bool isOfEnding(const Document& document, const std::vector<std::string>& endings) {
    const std::string name = lowerCased(document.path.filename().string());
    return endings.empty() ||
           std::any_of(endings.begin(), endings.end(),
                       [&](const std::string& each) { return name.ends_with(each); });
}

std::string shownSize(std::uint64_t bytes) {
    constexpr std::uint64_t kKib = 1024;
    if (bytes < kKib) return std::to_string(bytes) + " bytes";
    if (bytes < kKib * kKib) return std::to_string((bytes + kKib / 2) / kKib) + " KiB";
    const std::uint64_t tenths = (bytes * 10 + kKib * kKib / 2) / (kKib * kKib);
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MiB";
}

class RecordReport {
public:
    RecordReport(storage::DocumentStore& store, const RecordQuestion& asked, bool isChinese)
        : m_store(store), m_asked(asked), m_writer(store, isChinese) {}

    Result<SurveyReport> tell(std::vector<Document> documents, std::size_t nAll) {
        sort(documents);
        const std::size_t n = documents.size();
        const bool isRanked = m_asked.kind != RecordKind::Count && m_asked.kind != RecordKind::List;
        if (m_asked.isOfMessages) {
            if (auto done = countMessages(documents); !done) return tl::unexpected(done.error());
        }
        if (isRanked) {
            tellRanked(documents);
        } else if (m_nMessages > n) {
            tellMessages(n, nAll);
        } else {
            m_writer.add("**" + grouped(n) + "** of " + counted(nAll, "document", "documents") +
                             (n == 1 ? " is" : " are") + " " + whatIs(n) +
                             (n > 0 ? ":\n\n" : ".\n"),
                         "全部 " + grouped(nAll) + " 份文档中，" + whatIsInChinese() + "有 **" +
                             grouped(n) + "** 份" + (n > 0 ? "：\n\n" : "。\n"));
        }
        constexpr std::size_t kMost = 60;
        std::size_t nUnread = 0;
        for (std::size_t i = 0; i < documents.size(); ++i) {
            nUnread += isUnread(documents[i]) ? 1 : 0;
            if (i >= kMost) continue;
            if (auto done = tellDocument(documents[i]); !done) return tl::unexpected(done.error());
        }
        if (n > kMost) {
            m_writer.add("- … and " + grouped(n - kMost) + " more\n",
                         "- ……还有 " + grouped(n - kMost) + " 份\n");
        }
        tellNotes(nUnread);
        return m_writer.take();
    }

private:
    static bool isUnread(const Document& document) {
        return document.nChunks == 0 && document.state != storage::DocumentState::Ready;
    }

    /// Each message of a mailbox is a page.
    Result<void> countMessages(const std::vector<Document>& documents) {
        for (const Document& document : documents) {
            if (isUnread(document)) continue;
            const auto pages = m_store.pages(document.id);
            if (!pages) return tl::unexpected(pages.error());
            m_messagesOf[document.id] = pages->size();
            m_nMessages += pages->size();
        }
        return {};
    }

    void tellMessages(std::size_t nFiles, std::size_t nAll) {
        m_writer.add("**" + grouped(m_nMessages) + "** messages, in " +
                         counted(nFiles, "mail file", "mail files") + " of " +
                         counted(nAll, "document", "documents") + ":\n\n",
                     "全部 " + grouped(nAll) + " 份文档中，" + grouped(nFiles) +
                         " 个邮件文件共有 **" + grouped(m_nMessages) + "** 封邮件：\n\n");
    }

    void sort(std::vector<Document>& documents) const {
        std::stable_sort(
            documents.begin(), documents.end(), [&](const Document& a, const Document& b) {
                switch (m_asked.kind) {
                    case RecordKind::Oldest: return a.modifiedNs < b.modifiedNs;
                    case RecordKind::Largest: return a.sizeBytes > b.sizeBytes;
                    case RecordKind::Smallest: return a.sizeBytes < b.sizeBytes;
                    case RecordKind::Newest: return a.modifiedNs > b.modifiedNs;
                    default:
                        return m_asked.since || m_asked.until ? a.modifiedNs > b.modifiedNs
                                                              : a.path < b.path;
                }
            });
        const auto n = static_cast<std::size_t>(m_asked.nShown);
        const bool isRanked = m_asked.kind != RecordKind::Count && m_asked.kind != RecordKind::List;
        if (isRanked && documents.size() > n) documents.resize(n);
    }

    [[nodiscard]] std::string whatIs(std::size_t n) const {
        const bool isAn = m_asked.type == "HTML" || m_asked.type == "EPUB";
        const std::string one = (isAn ? "an " : "a ") + m_asked.type + " file";
        const std::string type =
            m_asked.type.empty() ? "" : (n == 1 ? one : m_asked.type + " files");
        std::string changed;
        if (m_asked.since) changed += " since " + shownDay(*m_asked.since);
        if (m_asked.until) changed += " before " + shownDay(*m_asked.until);
        if (changed.empty()) return type.empty() ? "in the list" : type;
        return type + (type.empty() ? "" : ", ") + "changed" + changed;
    }
    [[nodiscard]] std::string whatIsInChinese() const {
        std::string changed;
        if (m_asked.since) changed += "自 " + shownDay(*m_asked.since) + " 起";
        if (m_asked.until)
            changed += (changed.empty() ? "" : "、") + shownDay(*m_asked.until) + " 之前";
        if (!changed.empty()) changed += "修改过的";
        return changed + (m_asked.type.empty() ? "文档" : " " + m_asked.type + " 类文件");
    }

    void tellRanked(const std::vector<Document>& documents) {
        if (documents.empty()) {
            m_writer.add("There is no such document.\n", "没有这样的文档。\n");
            return;
        }
        const auto names = [&]() -> std::pair<std::string, std::string> {
            switch (m_asked.kind) {
                case RecordKind::Oldest: return {"changed longest ago", "修改时间最早的"};
                case RecordKind::Largest: return {"the largest", "最大的"};
                case RecordKind::Smallest: return {"the smallest", "最小的"};
                default: return {"changed last", "最近修改的"};
            }
        }();
        m_writer.add(
            "Of " + (m_asked.type.empty() ? "all documents" : "the " + m_asked.type + " files") +
                ", " + names.first + (documents.size() == 1 ? " is:\n\n" : " are:\n\n"),
            "按文件信息，" + names.second +
                (m_asked.type.empty() ? "文档" : " " + m_asked.type + " 类文件") + "是：\n\n");
    }

    Result<void> tellDocument(const Document& document) {
        m_writer.add("- **" +
                     asListLine(document.title.empty() ? document.path.filename().string()
                                                       : document.title) +
                     "**" + nameBeside(document.title, document.path));
        m_writer.add(
            ": changed on " + shownDay(changedOn(document)) + ", " + shownSize(document.sizeBytes),
            "：" + shownDay(changedOn(document)) + " 修改，" + shownSize(document.sizeBytes));
        if (const auto held = m_messagesOf.find(document.id);
            m_nMessages > m_messagesOf.size() && held != m_messagesOf.end()) {
            m_writer.add(", " + counted(held->second, "message", "messages"),
                         "，" + grouped(held->second) + " 封");
        }
        if (isUnread(document)) {
            m_writer.add("; it could not be read", "，未能读取");
        } else if (const auto chunks = m_store.chunksOf(document.id); chunks && !chunks->empty()) {
            const Chunk& first = chunks->front();
            const auto spans = retrieval::sentenceSpans(first.text);
            if (!spans.empty()) {
                const std::size_t start = first.startByte + spans.front().startByte;
                const std::size_t end = first.startByte + spans.front().endByte;
                if (auto done = m_writer.cite(first.id, start, end, ""); !done) return done;
            }
        }
        m_writer.add("\n");
        return {};
    }

    void tellNotes(std::size_t nUnread) {
        m_writer.add(
            "\nFrom the list of documents: their names, and the days (UTC) on which their "
            "files were changed. Copies count as files.",
            "\n依据文档列表中的文件名和修改日期（UTC）；内容相同的文件也各算一份。");
        if (nUnread == 0) return;
        m_writer.add(" What " + counted(nUnread, "of them says", "of them say") +
                         " could not be read; the collection's list says why.",
                     "其中 " + grouped(nUnread) + " 份未能读取，原因见文档列表。");
    }

    storage::DocumentStore& m_store;
    const RecordQuestion& m_asked;
    ReportWriter m_writer;
    std::map<DocumentId, std::size_t> m_messagesOf;
    std::size_t m_nMessages = 0;
};

}  // namespace

std::optional<RecordQuestion> recordQuestionOf(std::string_view question, sys_days today) {
    constexpr std::size_t kLongest = 120;  // bytes: a longer one asks for more
    if (question.size() > kLongest || bringsItsOwnText(question)) return std::nullopt;
    RecordQuestion asked;
    std::string text = withSpacesAroundLatin(lowerCased(trimmedQuestion(question)));
    for (const std::string_view polite : {"please ", "can you ", "could you ", "tell me "}) {
        if (text.starts_with(polite)) text.erase(0, polite.size());
    }
    const bool isCount =
        takeOneOf(text, {"how many", "what is the number of", "number of", "count", "一共有多少",
                         "总共有多少", "有多少", "多少", "有几", "几"});
    const bool hasTime = takeTime(text, asked, today);
    const bool isNewest = takeOneOf(text, {"most recently", "most recent", "newest", "latest",
                                           "last", "最近一次", "最新", "最近", "最后"});
    const bool isOldest = !isNewest && takeOneOf(text, {"oldest", "最旧", "最老", "最早"});
    const bool isLargest =
        !isNewest && !isOldest && takeOneOf(text, {"largest", "biggest", "最大"});
    const bool isSmallest =
        !isNewest && !isOldest && !isLargest && takeOneOf(text, {"smallest", "最小"});
    const bool isRanked = isNewest || isOldest || isLargest || isSmallest;
    const bool isChanged = takeOneOf(text, kChanged);
    const bool hasType = takeType(text, asked);
    const bool hasNoun = takeOneOf(text, kDocuments);
    if (hasTime && !isChanged) return std::nullopt;  // of a document's own days
    if (isChanged && !hasTime && !isNewest) return std::nullopt;
    if (!hasType && !hasNoun) return std::nullopt;
    if (!hasType && !hasTime && !isRanked) return std::nullopt;  // how many documents at all
    if (isRanked && (isCount || hasTime)) return std::nullopt;
    // The newest mail is the one with the latest date in it.
    if (isRanked && asked.isOfNoun && !isChanged) return std::nullopt;
    if (isRanked) {
        if (const auto n = smallNumber(text)) asked.nShown = *n;
    }
    const bool isList = !isCount && !isRanked;
    const bool isAsked =
        hasAny(lowerCased(question), {"which", "what", "list", "show", "哪", "列出", "有", "是"});
    if (isList && !isAsked) return std::nullopt;
    for (const std::string_view word : kSayNoMore) {
        while (takePhrase(text, word)) {
        }
    }
    if (!isEmptyOfWords(text)) return std::nullopt;
    asked.isOfMessages = isCount && asked.isOfNoun && !hasNoun;
    asked.kind = isNewest     ? RecordKind::Newest
                 : isOldest   ? RecordKind::Oldest
                 : isLargest  ? RecordKind::Largest
                 : isSmallest ? RecordKind::Smallest
                 : isCount    ? RecordKind::Count
                              : RecordKind::List;
    return asked;
}

Result<std::optional<RecordAnswer>> answerFromRecords(storage::DocumentStore& store,
                                                      const std::string& question,
                                                      const std::vector<CollectionId>& collections,
                                                      const DocumentFilter& filter,
                                                      sys_days today) {
    const std::optional<RecordAnswer> none;
    const auto asked = recordQuestionOf(question, today);
    if (!asked) return none;
    std::vector<Document> held;
    std::size_t nAll = 0;
    for (const CollectionId collection : collections) {
        const auto documents = store.documents(collection);
        if (!documents) return tl::unexpected(documents.error());
        for (const Document& document : *documents) {
            if (!filter.holds(document)) continue;
            ++nAll;
            const sys_days changed = changedOn(document);
            const bool isInTime = (!asked->since || changed >= *asked->since) &&
                                  (!asked->until || changed < *asked->until);
            if (isInTime && isOfEnding(document, asked->endings)) held.push_back(document);
        }
    }
    if (held.empty() && asked->isOfNoun) return none;
    auto report = RecordReport(store, *asked, isChinese(question)).tell(std::move(held), nAll);
    if (!report) return tl::unexpected(report.error());
    const nlohmann::json account = {{"documents", nAll},
                                    {"passages", 0},
                                    {"skipped", nlohmann::json::array()},
                                    {"complete", true}};
    return std::optional<RecordAnswer>(RecordAnswer{std::move(*report), account});
}

}  // namespace conclave::services
