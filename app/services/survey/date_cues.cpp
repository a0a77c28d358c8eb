#include "app/services/survey/date_cues.h"

#include <algorithm>
#include <array>
#include <utility>

#include "app/services/english_words.h"
#include "app/services/survey/question_words.h"

namespace conclave::services {
namespace {

using namespace std::string_view_literals;
using retrieval::PatternMatch;
using retrieval::TextSpan;

constexpr unsigned bitOf(DateRole role) { return static_cast<unsigned>(role); }

// ------------------------------------------------------------------------------------------- cues

struct CueWord {
    std::string_view words;
    unsigned roles;
};
constexpr unsigned kSignedBit = bitOf(DateRole::Signed);
constexpr unsigned kDatedBit = bitOf(DateRole::Dated);
constexpr unsigned kDueBit = bitOf(DateRole::Due);
constexpr unsigned kStartsBit = bitOf(DateRole::Starts);
constexpr unsigned kEndsBit = bitOf(DateRole::Ends);

constexpr auto kEnglishCues = std::to_array<CueWord>(
    {{"sign", kSignedBit},         {"signs", kSignedBit},     {"signed", kSignedBit},
     {"signing", kSignedBit},      {"signature", kSignedBit}, {"signatures", kSignedBit},
     {"executed", kSignedBit},     {"concluded", kSignedBit}, {"countersigned", kSignedBit},
     {"dated", kDatedBit},         {"issued", kDatedBit},     {"issue", kDatedBit},
     {"issuance", kDatedBit},      {"written", kDatedBit},    {"due", kDueBit},
     {"payable", kDueBit},         {"deadline", kDueBit},     {"start", kStartsBit},
     {"starts", kStartsBit},       {"started", kStartsBit},   {"starting", kStartsBit},
     {"begin", kStartsBit},        {"begins", kStartsBit},    {"began", kStartsBit},
     {"begun", kStartsBit},        {"beginning", kStartsBit}, {"commence", kStartsBit},
     {"commences", kStartsBit},    {"commenced", kStartsBit}, {"commencing", kStartsBit},
     {"commencement", kStartsBit}, {"effective", kStartsBit}, {"end", kEndsBit},
     {"ends", kEndsBit},           {"ended", kEndsBit},       {"ending", kEndsBit},
     {"expire", kEndsBit},         {"expires", kEndsBit},     {"expired", kEndsBit},
     {"expiring", kEndsBit},       {"expiry", kEndsBit},      {"expiration", kEndsBit},
     {"terminate", kEndsBit},      {"terminates", kEndsBit},  {"terminated", kEndsBit},
     {"termination", kEndsBit},    {"lapse", kEndsBit},       {"lapses", kEndsBit},
     {"lapsed", kEndsBit}});

/// Longer ones before those that they contain.
constexpr auto kChineseCues = std::to_array<CueWord>({{"付款期限", kDueBit},
                                                      {"支付期限", kDueBit},
                                                      {"有效期至", kEndsBit},
                                                      {"签订", kSignedBit},
                                                      {"签署", kSignedBit},
                                                      {"签约", kSignedBit},
                                                      {"签字", kSignedBit},
                                                      {"签立", kSignedBit},
                                                      {"订立", kSignedBit},
                                                      {"开具", kDatedBit},
                                                      {"开票", kDatedBit},
                                                      {"签发", kDatedBit},
                                                      {"出具", kDatedBit},
                                                      {"落款", kDatedBit},
                                                      {"写于", kDatedBit},
                                                      {"发文", kDatedBit},
                                                      {"到期", kDueBit | kEndsBit},
                                                      {"应付", kDueBit},
                                                      {"付款日", kDueBit},
                                                      {"缴款", kDueBit},
                                                      {"付清", kDueBit},
                                                      {"截止", kDueBit | kEndsBit},
                                                      {"最迟", kDueBit},
                                                      {"届满", kEndsBit},
                                                      {"终止", kEndsBit},
                                                      {"结束", kEndsBit},
                                                      {"期满", kEndsBit},
                                                      {"开始", kStartsBit},
                                                      {"起始", kStartsBit},
                                                      {"生效", kStartsBit},
                                                      {"起租", kStartsBit}});

constexpr auto kOwnNouns = std::to_array<std::string_view>(
    {"invoice", "letter", "document", "contract", "agreement", "lease", "report", "memo", "offer",
     "quotation", "statement", "receipt", "notice", "bill", "certificate", "minutes"});

constexpr auto kBeforeDateWord = std::to_array<std::string_view>(
    {"the", "a", "that", "this", "whose", "its", "their", "have", "has", "with", "on"});

bool hasDateBorder(std::string_view text) {
    return text.find_first_of(":|,;.(\n") != std::string_view::npos;
}

/// What the word "date" at `i` says: that the document is dated so, if it stands alone or of a kind
/// of document; nothing, if a word beside it tells; else that it is of another thing.
std::optional<DateCue> cueOfDate(std::string_view text, const std::vector<AskedWord>& words,
                                 std::size_t i, bool isCueBefore) {
    const AskedWord& word = words[i];
    const DateCue own{kDatedBit, word.start, word.end};
    if (isCueBefore) return std::nullopt;
    if (i + 1 < words.size() && words[i + 1].surface == "of") {
        std::size_t noun = i + 2;
        while (noun < words.size() &&
               isListed(words[noun].surface, std::to_array<std::string_view>({"the", "this"}))) {
            ++noun;
        }
        const bool isOwn = noun < words.size() && isListed(words[noun].surface, kOwnNouns);
        if (isOwn) return own;
        // "Date of issue" says it itself; "date of birth" is of another thing.
        return DateCue{0, word.start, word.end};
    }
    const bool isFirst =
        i == 0 || hasDateBorder(text.substr(words[i - 1].end, word.start - words[i - 1].end));
    if (isFirst) return own;
    const std::string& before = words[i - 1].surface;
    if (isListed(before, kOwnNouns)) return own;
    if (isListed(before, kBeforeDateWord)) {
        return std::nullopt;
    }
    return DateCue{0, word.start, word.end};
}

constexpr auto kBehindMade = std::to_array<std::string_view>({"on", "as", "this"});
constexpr auto kBeforeMade = std::to_array<std::string_view>({"this", "is", "was", "hereby"});

constexpr auto kSinceThen = std::to_array<std::string_view>({"from", "since"});
constexpr auto kAppliesWords = std::to_array<std::string_view>(
    {"apply", "applies", "applied", "applicable", "valid", "force"});

void addEnglishCues(std::string_view text, const AskedDate& asked, std::vector<DateCue>& cues) {
    const std::vector<AskedWord> words = wordsAsAsked(text);
    for (std::size_t i = 0; i < words.size(); ++i) {
        const AskedWord& word = words[i];
        const auto known =
            std::find_if(kEnglishCues.begin(), kEnglishCues.end(),
                         [&](const CueWord& each) { return each.words == word.surface; });
        const bool isAsked = asked.stems.contains(word.stem);
        unsigned roles = known != kEnglishCues.end() ? known->roles : 0;
        // "By the end of March": the month, and nothing that ends.
        const bool isPart =
            word.surface == "end" && i + 1 < words.size() && words[i + 1].surface == "of";
        if (isPart && !isAsked) continue;
        if (isAsked) roles |= bitOf(DateRole::Asked);
        // "Entered into", "made on 5 March 2021"
        const bool isInto = i + 1 < words.size() && words[i + 1].surface == "into";
        if (word.surface == "entered" && isInto) roles |= kSignedBit;
        // "This contract is made on"; a payment is made otherwise.
        const bool isMade = word.surface == "made" && i + 1 < words.size() &&
                            isListed(words[i + 1].surface, kBehindMade) &&
                            isListed(words.front().surface, kBeforeMade);
        if (isMade) roles |= kSignedBit | kDatedBit;
        const bool isForce = word.surface == "force" && i > 0 && words[i - 1].surface == "into";
        if (isForce) roles |= kStartsBit;
        // "It applies from", "valid since", "in force from": alone, they say nothing of a
        // beginning.
        const bool isFromThen = i + 1 < words.size() && isListed(words[i + 1].surface, kSinceThen);
        if (isFromThen && isListed(word.surface, kAppliesWords)) roles |= kStartsBit;
        if (roles != 0) {
            cues.push_back({roles, word.start, word.end});
        } else if (word.surface == "date" || word.surface == "dates") {
            const bool isCueBefore =
                !cues.empty() && i > 0 && cues.back().endByte == words[i - 1].end;
            if (const auto cue = cueOfDate(text, words, i, isCueBefore)) cues.push_back(*cue);
        }
    }
}

void addChineseCues(std::string_view text, const AskedDate& asked, std::vector<DateCue>& cues) {
    std::vector<CueWord> wanted(kChineseCues.begin(), kChineseCues.end());
    if (!asked.phrase.empty()) wanted.push_back({asked.phrase, bitOf(DateRole::Asked)});
    for (const CueWord& each : wanted) {
        for (std::size_t at = text.find(each.words); at != std::string_view::npos;
             at = text.find(each.words, at + each.words.size())) {
            const std::size_t end = at + each.words.size();
            const bool isWithin = std::any_of(cues.begin(), cues.end(), [&](const DateCue& cue) {
                return at < cue.endByte && cue.startByte < end;
            });
            if (!isWithin) cues.push_back({each.roles, at, end});
        }
    }
    constexpr auto kDateWord = "日期"sv;
    for (std::size_t at = text.find(kDateWord); at != std::string_view::npos;
         at = text.find(kDateWord, at + kDateWord.size())) {
        const std::string_view before = text.substr(0, at);
        const bool isOfCue = std::any_of(cues.begin(), cues.end(),
                                         [&](const DateCue& cue) { return cue.endByte == at; });
        if (isOfCue) continue;
        constexpr auto kOwn =
            std::to_array<std::string_view>({"文件", "信件", "发票", "合同", "报告", "协议", "的",
                                             "，", "。", "：", "；", "|", "\n", " "});
        const bool isOwn =
            before.empty() || std::any_of(kOwn.begin(), kOwn.end(), [&](std::string_view each) {
                return before.ends_with(each);
            });
        cues.push_back({isOwn ? kDatedBit : 0U, at, at + kDateWord.size()});
    }
}

// ------------------------------------------------------------------------------------------ dates

bool isDigitIn(std::string_view text, std::size_t at) {
    return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

/// Days, months and years of a sentence; "in 2019", "2019年" are none of the patterns.
std::vector<PatternMatch> datesIn(std::string_view text, retrieval::SlashDates slashDates) {
    std::vector<PatternMatch> dates =
        retrieval::findPattern(retrieval::Pattern::Date, text, slashDates);
    constexpr std::size_t kYearDigits = 4;
    for (std::size_t at = 0; at + kYearDigits <= text.size(); ++at) {
        if (!isDigitIn(text, at) || (at > 0 && (isDigitIn(text, at - 1) || text[at - 1] == '.' ||
                                                text[at - 1] == ',' || text[at - 1] == '-'))) {
            continue;
        }
        std::size_t end = at;
        while (isDigitIn(text, end)) ++end;
        const std::string_view year = text.substr(at, end - at);
        if (year.size() != kYearDigits || year < "1900"sv || year > "2199"sv) continue;
        const bool isChineseYear = text.substr(end).starts_with("年");
        const std::string before = lowerCased(text.substr(0, at));
        constexpr auto kBeforeYear = std::to_array<std::string_view>(
            {" in ", "year ", "since ", "end of ", "from ", "until "});
        const bool isNamed =
            std::any_of(kBeforeYear.begin(), kBeforeYear.end(),
                        [&](std::string_view each) { return before.ends_with(each); });
        const bool isWithin = std::any_of(dates.begin(), dates.end(), [&](const auto& date) {
            return at < date.span.endByte && date.span.startByte < end;
        });
        if (isWithin || (!isChineseYear && !isNamed)) continue;
        dates.push_back({{at, isChineseYear ? end + "年"sv.size() : end}, std::string(year)});
    }
    std::sort(dates.begin(), dates.end(), [](const PatternMatch& a, const PatternMatch& b) {
        return a.span.startByte < b.span.startByte;
    });
    return dates;
}

std::size_t lastOf(std::string_view text, std::initializer_list<std::string_view> marks) {
    std::size_t last = 0;
    for (const std::string_view mark : marks) {
        const std::size_t at = text.rfind(mark);
        if (at != std::string_view::npos) last = std::max(last, at + mark.size());
    }
    return last;
}

std::size_t firstOf(std::string_view text, std::initializer_list<std::string_view> marks) {
    std::size_t first = text.size();
    for (const std::string_view mark : marks) first = std::min(first, text.find(mark));
    return first;
}

/// Only "and", "und", a comma: both dates are of the same.
bool joinsDates(std::string_view between) {
    const std::string_view words = trimmedQuestion(between);
    return words.empty() || words == "and" || words == "or" || words == "," || words == "、" ||
           words == "和" || words == "及";
}

/// A sentence around one of its dates.
class DateSurroundings {
public:
    DateSurroundings(std::string_view sentence, const std::vector<PatternMatch>& dates,
                     std::size_t index)
        : m_sentence(sentence), m_span(dates[index].span) {
        std::size_t first = index;
        while (first > 0 && joinsDates(sentence.substr(
                                dates[first - 1].span.endByte,
                                dates[first].span.startByte - dates[first - 1].span.endByte))) {
            --first;
        }
        m_firstOfRow = dates[first].span.startByte;
        m_start = first > 0 ? dates[first - 1].span.endByte : 0;
        m_isLaterDate = first > 0;
        const std::string_view before = sentence.substr(m_start, m_firstOfRow - m_start);
        m_start += lastOf(before, {";", "；", "。", ". ", "，"});
        // The label of a line is its own: what stands above it is of other lines.
        const std::string_view left = sentence.substr(m_start, m_firstOfRow - m_start);
        const std::size_t line = left.rfind('\n');
        if (line != std::string_view::npos) {
            const bool isLabelled = left.substr(line).find(':') != std::string_view::npos ||
                                    left.substr(line).find("：") != std::string_view::npos;
            const std::size_t above = line > 0 ? left.rfind('\n', line - 1) : std::string::npos;
            m_start += isLabelled ? line + 1 : above == std::string_view::npos ? 0 : above + 1;
        }
        const std::string_view behind = sentence.substr(m_span.endByte);
        const std::size_t next = index + 1 < dates.size()
                                     ? dates[index + 1].span.startByte - m_span.endByte
                                     : behind.size();
        m_end = m_span.endByte +
                std::min(next, firstOf(behind, {";", "；", "。", ". ", "，", "\n", "|"}));
    }

    [[nodiscard]] std::string_view before() const {
        return m_sentence.substr(m_start, m_firstOfRow - m_start);
    }
    [[nodiscard]] std::string_view behind() const {
        return m_sentence.substr(m_span.endByte, m_end - m_span.endByte);
    }
    /// Another date stands before those that this one is joined to.
    [[nodiscard]] bool isLaterDate() const { return m_isLaterDate; }

private:
    std::string_view m_sentence;
    TextSpan m_span;
    std::size_t m_firstOfRow = 0;
    std::size_t m_start = 0;
    std::size_t m_end = 0;
    bool m_isLaterDate = false;
};

/// Something else is done between the cue and the date: "signed by Ann, who was born on".
bool hasVerbOfItsOwn(std::string_view between) {
    constexpr auto kOtherVerbs = std::to_array<std::string_view>(
        {"born", "held", "sent", "paid", "made", "given", "built", "sold", "bought", "met", "left",
         "took", "taken", "came", "went", "gave", "kept"});
    const std::vector<AskedWord> words = wordsAsAsked(between);
    constexpr std::size_t kFarthest = 10;
    return words.size() > kFarthest ||
           std::any_of(words.begin(), words.end(), [&](const AskedWord& word) {
               const bool isPast =
                   word.surface.size() > 4 && word.surface.ends_with("ed") && !word.isCapital;
               return isPast || isListed(word.surface, kOtherVerbs);
           });
}

/// "from 5 March", "自2021年3月5日起", "from … to 4 March": what little words say.
unsigned rolesOfFrame(const DateSurroundings& around) {
    std::string before = lowerCased(around.before());
    while (before.ends_with(' ')) before.pop_back();
    const auto endsIn = [&](std::string_view word) {
        const std::size_t at = before.size() - std::min(before.size(), word.size());
        const bool isAscii = static_cast<unsigned char>(word.front()) < 0x80;
        return before.ends_with(word) && (!isAscii || findWords(before, word, at) == at);
    };
    const std::string_view behind = trimmedQuestion(around.behind());
    if (endsIn("from") || endsIn("自") || endsIn("从") || behind.starts_with("起"))
        return kStartsBit;
    if (endsIn("until") || endsIn("till") || endsIn("through") || behind.starts_with("止") ||
        behind.starts_with("为止")) {
        return kEndsBit;
    }
    const bool isSpan = around.isLaterDate() && (endsIn("to") || endsIn("至") || endsIn("到") ||
                                                 endsIn("-") || endsIn("–") || endsIn("—"));
    return isSpan ? kEndsBit : 0;
}

/// What the words next to the date say it is of; none: there are no such words.
std::optional<unsigned> rolesBeside(const DateSurroundings& around, const AskedDate& asked) {
    const std::string_view before = around.before();
    const std::string_view behind = around.behind();
    const std::vector<DateCue> cuesBefore = dateCuesIn(before, asked);
    const unsigned framed = rolesOfFrame(around);
    const DateCue* nearest = nullptr;
    for (const DateCue& cue : cuesBefore) {
        if (nearest == nullptr || cue.endByte > nearest->endByte) nearest = &cue;
    }
    if (framed != 0) {
        // "Effective from", "expires, … until": what is said right before may be more.
        const bool isEffective = nearest != nullptr && (nearest->roles & framed) != 0;
        return isEffective ? nearest->roles | framed : framed;
    }
    const DateCue* next = nullptr;
    const std::vector<DateCue> cuesBehind = dateCuesIn(behind, asked);
    for (const DateCue& cue : cuesBehind) {
        if (next == nullptr || cue.startByte < next->startByte) next = &cue;
    }
    if (nearest != nullptr && hasVerbOfItsOwn(before.substr(nearest->endByte))) nearest = nullptr;
    if (next != nullptr && hasVerbOfItsOwn(behind.substr(0, next->startByte))) next = nullptr;
    // "The tenant, born on 4 April 1980, signed": the date has a verb of its own.
    if (nearest == nullptr && next != nullptr && hasVerbOfItsOwn(before)) next = nullptr;
    if (nearest == nullptr && next == nullptr) {
        if (!cuesBefore.empty() || !cuesBehind.empty()) return 0;
        return std::nullopt;
    }
    // "2021年3月5日签订": what follows at once is said of it.
    const bool isAtOnce = next != nullptr && next->startByte == 0;
    const bool isBehind = nearest == nullptr || (isAtOnce && nearest->endByte + 3 < before.size());
    return isBehind ? next->roles : nearest->roles;
}

constexpr auto kOfOthers = std::to_array<std::string_view>(
    {"previous", "former", "earlier", "prior", "replaces", "replace", "replaced", "replacing",
     "supersedes", "superseded", "superseding", "reference to", "refer to", "refers to", "amends",
     "amended", "original", "predecessor", "draft"});

/// "An amendment to the lease dated": the date is that of the lease.
bool isOfNamedDocument(std::string_view before) {
    constexpr auto kTo = std::to_array<std::string_view>(
        {"to", "of", "under", "with", "from", "by", "per", "amends", "amending", "replaces", "in"});
    constexpr auto kThe = std::to_array<std::string_view>({"the", "that", "our", "its", "their"});
    constexpr std::size_t kNameWords = 4;
    std::vector<AskedWord> words = wordsAsAsked(before);
    while (!words.empty() && isListed(words.back().surface, std::to_array<std::string_view>(
                                                                {"on", "of", "as", "is", "was"}))) {
        words.pop_back();
    }
    if (words.size() < 4 || !isSingularDocumentNoun(words[words.size() - 2].surface)) return false;
    const bool isCue = words.back().surface == "dated" || words.back().surface == "signed" ||
                       words.back().surface == "concluded";
    for (std::size_t n = 3; isCue && n < words.size() && n < 3 + kNameWords; ++n) {
        const std::size_t at = words.size() - n;
        if (!isListed(words[at].surface, kThe)) continue;
        return at > 0 && isListed(words[at - 1].surface, kTo);
    }
    return false;
}

/// The sentence only bounds when something may be, or speaks of another document.
bool isBoundOnly(std::string_view sentence, const DateSurroundings& around, DateRole role) {
    const std::string before = lowerCased(around.before());
    const bool isPlan = role == DateRole::Due || role == DateRole::Ends;
    const bool isNoLater = hasAny(before, {"later than"sv});
    std::string_view last = trimmedQuestion(before);
    const auto endsIn = [&](std::string_view word) {
        return last.ends_with(word) && (last.size() == word.size() ||
                                        !isWordCharacter(last[last.size() - word.size() - 1]));
    };
    if (isNoLater && isPlan) return false;
    if (endsIn("before") || endsIn("after") || endsIn("within") || endsIn("than") ||
        endsIn("prior to") || endsIn("about") || endsIn("around")) {
        return true;
    }
    if (!isPlan && (endsIn("by") || endsIn("until") || endsIn("till"))) return true;
    const std::string whole = lowerCased(sentence);
    if (hasAny(before, {"if"sv, "unless"sv, "not"sv, "never"sv, "whether"sv, "may"sv, "would"sv,
                        "could"sv, "might"sv, "cannot"sv, "如果"sv, "如未"sv, "若"sv, "未"sv,
                        "尚未"sv, "不得"sv, "除非"sv}) ||
        beginning(whole, {"if"sv, "unless"sv, "should"sv}) > 0) {
        return true;
    }
    const bool isDone = role == DateRole::Signed || role == DateRole::Asked;
    if (isDone && hasAny(before, {"must"sv, "should"sv, "shall"sv, "to be"sv, "will"sv, "应当"sv,
                                  "应于"sv, "应在"sv, "须于"sv, "必须"sv})) {
        return true;
    }
    const bool isOther =
        hasAny(before, kOfOthers) || (role == DateRole::Dated && hasAny(before, {"your"sv}));
    const std::string behind = lowerCased(around.behind());
    const bool isFormer = hasAny(
        behind, {"previous"sv, "former"sv, "original"sv, "predecessor"sv, "原合同"sv, "原协议"sv});
    if (isFormer || isOfNamedDocument(around.before())) return true;
    return isOther || hasAny(before, {"原合同"sv, "原协议"sv, "此前"sv, "取代"sv, "替代"sv,
                                      "来函"sv, "贵方"sv, "前一份"sv});
}

SaidDate saidDateOf(const PatternMatch& date) {
    SaidDate said;
    said.text = date.value;
    if (const auto days = daysOfDate(date.value)) {
        said.days = *days;
    } else {
        said.doubt = SaidDate::Doubt::Form;
        while (said.text.starts_with('-')) said.text.erase(0, 1);
    }
    return said;
}

}  // namespace

std::vector<DateCue> dateCuesIn(std::string_view text, const AskedDate& asked) {
    std::vector<DateCue> cues;
    addEnglishCues(text, asked, cues);
    addChineseCues(text, asked, cues);
    return cues;
}

std::vector<SaidDate> datesSaid(std::string_view sentence, std::string_view heading,
                                const AskedDate& asked, retrieval::SlashDates slashDates) {
    std::vector<SaidDate> said;
    const std::vector<PatternMatch> dates = datesIn(sentence, slashDates);
    if (dates.empty()) return said;
    StemSet wanted = asked.stems;
    wanted.insert(asked.beside.begin(), asked.beside.end());
    const StemSet stems = wanted.empty() ? StemSet() : stemsIn(sentence);
    const StemSet above = wanted.empty() ? StemSet() : stemsIn(heading);
    const bool saysAll = std::all_of(wanted.begin(), wanted.end(), [&](const auto& stem) {
        return stems.contains(stem) || above.contains(stem);
    });
    if (!saysAll) return said;
    for (std::size_t i = 0; i < dates.size(); ++i) {
        const DateSurroundings around(sentence, dates, i);
        auto roles = rolesBeside(around, asked);
        if (!roles) {
            roles = 0;
            for (const DateCue& cue : dateCuesIn(heading, asked)) *roles |= cue.roles;
        }
        if ((*roles & bitOf(asked.role)) == 0) continue;
        SaidDate date = saidDateOf(dates[i]);
        if (date.doubt == SaidDate::Doubt::None && isBoundOnly(sentence, around, asked.role)) {
            date.doubt = SaidDate::Doubt::Bound;
        }
        said.push_back(std::move(date));
    }
    return said;
}

std::optional<SaidDate> dateAlone(std::string_view line, retrieval::SlashDates slashDates) {
    constexpr std::size_t kMostWords = 4;
    const std::vector<PatternMatch> dates = datesIn(line, slashDates);
    if (dates.size() != 1) return std::nullopt;
    std::string rest(line);
    const TextSpan& span = dates.front().span;
    rest.replace(span.startByte, span.endByte - span.startByte, " ");
    const std::vector<AskedWord> words = wordsAsAsked(rest);
    constexpr std::size_t kLongestRest = 40;  // bytes: a town, or who writes
    const bool isShort = words.size() <= kMostWords && rest.size() <= kLongestRest;
    const bool isLabelled =
        rest.find(':') != std::string::npos || rest.find("：") != std::string::npos;
    if (!isShort || isLabelled || !dateCuesIn(rest, {}).empty()) return std::nullopt;
    return saidDateOf(dates.front());
}

}  // namespace conclave::services
