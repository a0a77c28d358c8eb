#include "app/services/survey/question_words.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace conclave::services {
namespace {

struct Noun {
    std::string_view singular;
    std::string_view plural;
    bool isAnyDocument = false;
};
constexpr auto kDocumentNouns = std::to_array<Noun>({{"document", "documents", true},
                                                     {"file", "files", true},
                                                     {"passage", "passages", true},
                                                     {"page", "pages", true},
                                                     {"text", "texts", true},
                                                     {"agreement", "agreements"},
                                                     {"announcement", "announcements"},
                                                     {"article", "articles"},
                                                     {"bill", "bills"},
                                                     {"book", "books"},
                                                     {"certificate", "certificates"},
                                                     {"complaint", "complaints"},
                                                     {"contract", "contracts"},
                                                     {"draft", "drafts"},
                                                     {"e-mail", "e-mails"},
                                                     {"email", "emails"},
                                                     {"essay", "essays"},
                                                     {"guide", "guides"},
                                                     {"handbook", "handbooks"},
                                                     {"interview", "interviews"},
                                                     {"invoice", "invoices"},
                                                     {"lease", "leases"},
                                                     {"letter", "letters"},
                                                     {"mail", "mails"},
                                                     {"manual", "manuals"},
                                                     {"memo", "memos"},
                                                     {"message", "messages"},
                                                     {"minute", "minutes"},
                                                     {"newsletter", "newsletters"},
                                                     {"note", "notes"},
                                                     {"notice", "notices"},
                                                     {"offer", "offers"},
                                                     {"paper", "papers"},
                                                     {"policy", "policies"},
                                                     {"presentation", "presentations"},
                                                     {"proposal", "proposals"},
                                                     {"protocol", "protocols"},
                                                     {"quotation", "quotations"},
                                                     {"receipt", "receipts"},
                                                     {"recipe", "recipes"},
                                                     {"report", "reports"},
                                                     {"resume", "resumes"},
                                                     {"review", "reviews"},
                                                     {"spreadsheet", "spreadsheets"},
                                                     {"statement", "statements"},
                                                     {"study", "studies"},
                                                     {"summary", "summaries"},
                                                     {"ticket", "tickets"},
                                                     {"transcript", "transcripts"}});

/// Longer ones before those that they contain.
constexpr auto kChineseNouns = std::to_array<Noun>(
    {{"", "文件", true}, {"", "文档", true}, {"", "资料", true}, {"", "段落", true},
     {"", "会议记录"},   {"", "会议纪要"},   {"", "备忘录"},     {"", "报价单"},
     {"", "幻灯片"},     {"", "说明书"},     {"", "合同"},       {"", "协议"},
     {"", "发票"},       {"", "收据"},       {"", "账单"},       {"", "笔记"},
     {"", "日记"},       {"", "纪要"},       {"", "记录"},       {"", "邮件"},
     {"", "信件"},       {"", "报告"},       {"", "论文"},       {"", "文章"},
     {"", "手册"},       {"", "报价"},       {"", "评论"},       {"", "菜谱"},
     {"", "简历"},       {"", "通知"},       {"", "公告"},       {"", "工单"},
     {"", "案例"},       {"", "讲义"}});

constexpr bool isOutside(char c) {
    return std::string_view(" \t\r\n?.!:").find(c) != std::string_view::npos;
}

}  // namespace

std::string lowerCased(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    }
    return lower;
}

bool isWordCharacter(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || std::isalnum(byte) != 0 || c == '\'' || c == '-';
}

std::string_view trimmedQuestion(std::string_view text) {
    static constexpr auto kWideEnds = std::to_array<std::string_view>({"？", "。", "！", "："});
    bool isChanged = true;
    while (isChanged) {
        isChanged = false;
        while (!text.empty() && isOutside(text.back())) text.remove_suffix(1);
        while (!text.empty() && (text.front() == ' ' || text.front() == '\n'))
            text.remove_prefix(1);
        for (const std::string_view end : kWideEnds) {
            if (!text.ends_with(end)) continue;
            text.remove_suffix(end.size());
            isChanged = true;
        }
    }
    return text;
}

std::string_view withoutLeadingSpace(std::string_view text) {
    return text.substr(std::min(text.find_first_not_of(" ,\t"), text.size()));
}

std::size_t findWords(std::string_view text, std::string_view phrase, std::size_t from) {
    for (std::size_t at = text.find(phrase, from); at != std::string_view::npos;
         at = text.find(phrase, at + 1)) {
        const std::size_t end = at + phrase.size();
        const bool startsWord = at == 0 || !isWordCharacter(text[at - 1]);
        if (startsWord && (end >= text.size() || !isWordCharacter(text[end]))) return at;
    }
    return std::string_view::npos;
}

bool hasAny(std::string_view text, std::span<const std::string_view> phrases) {
    return std::any_of(phrases.begin(), phrases.end(), [&](std::string_view phrase) {
        const bool isAscii = static_cast<unsigned char>(phrase.front()) < 0x80;
        return (isAscii ? findWords(text, phrase) : text.find(phrase)) != std::string_view::npos;
    });
}

bool hasAny(std::string_view text, std::initializer_list<std::string_view> phrases) {
    return hasAny(text, std::span(phrases.begin(), phrases.size()));
}

std::size_t beginning(std::string_view text, std::span<const std::string_view> phrases) {
    for (const std::string_view phrase : phrases) {
        if (findWords(text.substr(0, phrase.size() + 1), phrase) == 0) return phrase.size();
    }
    return 0;
}

std::size_t beginning(std::string_view text, std::initializer_list<std::string_view> phrases) {
    return beginning(text, std::span(phrases.begin(), phrases.size()));
}

std::optional<int> placeInOrder(std::string_view word) {
    static constexpr auto kOrdinals =
        std::to_array<std::string_view>({"first", "second", "third", "fourth", "fifth", "sixth",
                                         "seventh", "eighth", "ninth", "tenth"});
    const auto named = std::find(kOrdinals.begin(), kOrdinals.end(), word);
    if (named != kOrdinals.end()) return static_cast<int>(named - kOrdinals.begin()) + 1;
    int number = 0;
    const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), number);
    const std::string_view ending = word.substr(static_cast<std::size_t>(end - word.data()));
    const bool isOrdinal = ending == "st" || ending == "nd" || ending == "rd" || ending == "th";
    if (problem != std::errc() || !isOrdinal || number < 1 || number > 1000) return std::nullopt;
    return number;
}

std::vector<std::string_view> wordsOfLower(std::string_view lower) {
    std::vector<std::string_view> words;
    for (std::size_t i = 0; i < lower.size();) {
        std::size_t end = i;
        while (end < lower.size() && isWordCharacter(lower[end])) ++end;
        if (end > i) words.push_back(lower.substr(i, end - i));
        i = std::max(end, i + 1);
    }
    return words;
}

DocumentNoun pluralDocumentNoun(std::string_view lower, std::size_t nWords) {
    DocumentNoun found;
    const std::vector<std::string_view> words = wordsOfLower(lower);
    for (std::size_t i = 0; i < std::min(words.size(), nWords); ++i) {
        const auto noun = std::find_if(kDocumentNouns.begin(), kDocumentNouns.end(),
                                       [&](const Noun& each) { return each.plural == words[i]; });
        if (noun == kDocumentNouns.end()) {
            if (found.endByte > 0) break;
            continue;
        }
        const auto start = static_cast<std::size_t>(words[i].data() - lower.data());
        found = {start, start + words[i].size(), noun->isAnyDocument};
    }
    return found;
}

bool isSingularDocumentNoun(std::string_view word) {
    return std::any_of(kDocumentNouns.begin(), kDocumentNouns.end(),
                       [&](const Noun& each) { return each.singular == word; });
}

DocumentNoun chineseDocumentNoun(std::string_view text, std::size_t from) {
    DocumentNoun first;
    for (const Noun& noun : kChineseNouns) {
        const std::size_t at = text.find(noun.plural, from);
        if (at == std::string_view::npos || (first.endByte > 0 && at >= first.startByte)) continue;
        first = {at, at + noun.plural.size(), noun.isAnyDocument};
    }
    return first;
}

}  // namespace conclave::services
