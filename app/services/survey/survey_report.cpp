#include "app/services/survey/survey_report.h"

#include <algorithm>
#include <filesystem>

#include "app/services/passage_list.h"
#include "app/services/reading.h"
#include "app/services/survey/side_by_side.h"
#include "app/services/survey/skip_reason.h"
#include "base/utf8.h"
#include "base/visible_text.h"

namespace conclave::services {
namespace {

constexpr std::size_t kMostCited = 60;  ///< lines with evidence in one answer
constexpr std::size_t kMostSkippedNamed = 5;

int totalMatches(const SurveyFindings& findings, int side) {
    int sum = 0;
    for (const SurveyedDocument& each : findings.documents) {
        sum += each.nMatches[static_cast<std::size_t>(side)];
    }
    return sum;
}

int nMatchesOf(const SurveyedDocument& document) {
    return document.nMatches[0] + document.nMatches[1] + document.nMatches[2];
}

std::string inQuotes(const std::string& words) { return "“" + words + "”"; }

/// One line of a list with its evidence.
Result<void> addItem(ReportWriter& writer, std::string_view indent, const SurveyItem& item) {
    writer.add(indent).add("- ").add(asListLine(item.text, writer.pathOf(item.chunk)));
    auto cited = writer.cite(item.chunk, item.startByte, item.endByte, item.text);
    writer.add("\n");
    return cited;
}

/// "- Title (file): 9", then its first sentences.
Result<void> addDocument(ReportWriter& writer, const SurveyedDocument& document,
                         std::size_t nItems) {
    writer.add("- **").add(asListLine(document.title)).add("**");
    writer.add(nameBeside(document.title, document.path));
    writer.add(": " + grouped(nMatchesOf(document)) + "\n");
    for (std::size_t i = 0; i < std::min(nItems, document.items.size()); ++i) {
        if (auto done = addItem(writer, "  ", document.items[i]); !done) return done;
    }
    if (document.nMatches[0] > static_cast<int>(nItems)) {
        const int more = document.nMatches[0] - static_cast<int>(nItems);
        writer.add("  - … and " + grouped(more) + " more\n",
                   "  - ……还有 " + grouped(more) + " 处\n");
    }
    return {};
}

/// Documents by how much they say, most first; equal ones as they were read.
std::vector<const SurveyedDocument*> byMatches(const SurveyFindings& findings) {
    std::vector<const SurveyedDocument*> order;
    for (const SurveyedDocument& each : findings.documents) order.push_back(&each);
    std::stable_sort(order.begin(), order.end(),
                     [](const auto* a, const auto* b) { return nMatchesOf(*a) > nMatchesOf(*b); });
    return order;
}

Result<void> addDocuments(ReportWriter& writer, const SurveyFindings& findings,
                          std::size_t mostEach) {
    const auto documents = byMatches(findings);
    const std::size_t nEach = std::clamp<std::size_t>(
        kMostCited / std::max<std::size_t>(documents.size(), 1), 1, mostEach);
    std::size_t nShown = 0;
    for (const SurveyedDocument* document : documents) {
        if (nShown++ >= kMostCited) break;
        if (auto done = addDocument(writer, *document, nEach); !done) return done;
    }
    if (documents.size() > kMostCited) {
        const std::size_t more = documents.size() - kMostCited;
        writer.add("- … and " + counted(more, "more document", "more documents") + "\n",
                   "- ……还有 " + grouped(more) + " 份文档\n");
    }
    return {};
}

// --------------------------------------------------------------------------------- kinds of answer

Result<void> reportDocuments(ReportWriter& writer, const SurveyFindings& findings) {
    writer.add("**" + counted(findings.documents.size(), "document", "documents") + "**\n\n",
               "**共 " + grouped(findings.documents.size()) + " 份文档**\n\n");
    std::size_t nShown = 0;
    for (const SurveyedDocument& each : findings.documents) {
        if (nShown++ >= 2 * kMostCited) break;
        writer.add("- " + asListLine(each.title));
        writer.add(nameBeside(each.title, each.path));
        writer.add(": " + counted(each.nPassages, "passage", "passages"),
                   "：" + grouped(each.nPassages) + " 段");
        writer.add("\n");
    }
    if (findings.documents.size() > 2 * kMostCited) {
        const std::size_t more = findings.documents.size() - 2 * kMostCited;
        writer.add("- … and " + grouped(more) + " more\n", "- ……还有 " + grouped(more) + " 份\n");
    }
    return {};
}

/// Those that say that there is none, below those that are counted.
Result<void> reportDenying(ReportWriter& writer, const SurveyFindings& findings) {
    constexpr std::size_t kMostDenying = 20;
    const std::size_t n = findings.denying.size();
    if (n == 0) return {};
    writer.add("\n**" + counted(n, "document says", "documents say") +
                   " that there is none**, not counted:\n\n",
               "\n**有 " + grouped(n) + " 份明确说没有**，不计入：\n\n");
    for (std::size_t i = 0; i < std::min(n, kMostDenying); ++i) {
        const SurveyedDocument& each = findings.denying[i];
        writer.add("- **" + asListLine(each.title) + "**" + nameBeside(each.title, each.path) +
                   "\n");
        if (auto done = addItem(writer, "  ", each.items.front()); !done) return done;
    }
    if (n > kMostDenying) {
        writer.add("- … and " + grouped(n - kMostDenying) + " more\n",
                   "- ……还有 " + grouped(n - kMostDenying) + " 份\n");
    }
    return {};
}

Result<void> reportMatches(ReportWriter& writer, const SurveyQuestion& asked,
                           const SurveyFindings& findings) {
    const bool isAllowed = asked.condition.permission == Permission::Allowed;
    std::string words = inQuotes(asked.subject);
    if (asked.condition.permission != Permission::None) {
        words = writer.isChinese()
                    ? (isAllowed ? "允许" : "不允许") + words
                    : "that " + words + (isAllowed ? " is allowed" : " is not allowed");
    }
    const int nMatches = totalMatches(findings, 0);
    const std::size_t nDocuments = findings.documents.size();
    const int nRead = findings.nDocumentsRead;
    if (asked.isOfMessages && findings.nPagesRead > nRead) {
        int nMessages = 0;
        for (const SurveyedDocument& each : findings.documents) nMessages += each.nMatchingPages;
        writer.add("**" + grouped(nMessages) + " of " +
                       counted(findings.nPagesRead, "message", "messages") +
                       (nMessages == 1 ? " says " : " say ") + words + "**, in " +
                       counted(nDocuments, "mail file", "mail files") + " and " +
                       counted(nMatches, "sentence", "sentences") + ":\n\n",
                   "**" + grouped(findings.nPagesRead) + " 封邮件中有 " + grouped(nMessages) +
                       " 封提到" + words + "**，分布在 " + grouped(nDocuments) +
                       " 个邮件文件，共 " + grouped(nMatches) + " 句：\n\n");
    } else if (asked.ofDocuments && nDocuments == 0) {
        writer.add("**0 of " + counted(nRead, "document", "documents") +
                       (nRead == 1 ? " has " : " have ") + words + "** that could be found.\n",
                   "**" + grouped(nRead) + " 份文档中没有一份有" + words + "**。\n");
    } else if (asked.ofDocuments) {
        writer.add("**" + grouped(nDocuments) + " of " + counted(nRead, "document", "documents") +
                       (nDocuments == 1 ? " says " : " say ") + words + "**, in " +
                       counted(nMatches, "sentence", "sentences") + ":\n\n",
                   "**" + grouped(nRead) + " 份文档中有 " + grouped(nDocuments) + " 份提到" +
                       words + "**，共 " + grouped(nMatches) + " 句：\n\n");
    } else {
        writer.add("**" + counted(nMatches, "sentence says ", "sentences say ") + words +
                       "**, in " + grouped(nDocuments) + " of " +
                       counted(nRead, "document", "documents") + ":\n\n",
                   "**共有 " + grouped(nMatches) + " 句提到" + words + "**，分布在 " +
                       grouped(nRead) + " 份文档中的 " + grouped(nDocuments) + " 份：\n\n");
    }
    const std::size_t mostEach = asked.kind == SurveyKind::List ? kMostCited : 5;
    if (auto done = addDocuments(writer, findings, mostEach); !done) return done;
    return reportDenying(writer, findings);
}

Result<void> reportValues(ReportWriter& writer, const SurveyQuestion& asked,
                          const SurveyFindings& findings) {
    int nFound = 0;
    for (const auto& [value, found] : findings.values) nFound += found.count;
    std::string about;
    if (!asked.subject.empty()) {
        about = writer.isChinese() ? "（在提到“" + asked.subject + "”的句子中）"
                                   : " in sentences that say “" + asked.subject + "”";
    }
    writer.add(
        "**" + grouped(findings.values.size()) +
            (findings.values.size() == 1 ? " value" : " different values") + "**, found " +
            counted(nFound, "time", "times") + about + " in " + grouped(findings.documents.size()) +
            " of " + counted(findings.nDocumentsRead, "document", "documents") + ":\n\n",
        "**共 " + grouped(findings.values.size()) + " 个不同的值**，出现 " + grouped(nFound) +
            " 次" + about + "，分布在 " + grouped(findings.nDocumentsRead) + " 份文档中的 " +
            grouped(findings.documents.size()) + " 份：\n\n");
    std::size_t nShown = 0;
    for (const auto& [value, found] : findings.values) {
        if (nShown++ >= kMostCited) break;
        writer.add("- **" + asListLine(value) + "**");
        if (found.count > 1) {
            writer.add(" (" + grouped(found.count) + " times)",
                       "（" + grouped(found.count) + " 次）");
        }
        if (!found.items.empty()) {
            const SurveyItem& first = found.items.front();
            writer.add(": " + asListLine(first.text, writer.pathOf(first.chunk)));
        }
        for (const SurveyItem& item : found.items) {
            auto cited = writer.cite(item.chunk, item.startByte, item.endByte, item.text);
            if (!cited) return cited;
        }
        writer.add("\n");
    }
    if (findings.values.size() > kMostCited) {
        const std::size_t more = findings.values.size() - kMostCited;
        writer.add("- … and " + grouped(more) + " more\n", "- ……还有 " + grouped(more) + " 个\n");
    }
    return {};
}

/// The sentences of one side that tell most, in the order they were read.
std::vector<const SurveyItem*> tellingItems(const SurveyFindings& findings, int side) {
    constexpr int kShown = 8;
    std::vector<const SurveyItem*> items;
    std::vector<std::string_view> texts;
    for (const SurveyedDocument& document : findings.documents) {
        for (const SurveyItem& item : document.items) {
            if (item.side != side) continue;
            items.push_back(&item);
            texts.emplace_back(item.text);
        }
    }
    if (items.size() <= kShown) return items;
    std::vector<const SurveyItem*> chosen;
    for (const auto& sentence : retrieval::keySentences(texts, kShown)) {
        if (chosen.empty() || chosen.back() != items[sentence.text]) {
            chosen.push_back(items[sentence.text]);
        }
    }
    return chosen;
}

bool isMissing(const NamedSides& named, const SurveyQuestion& asked, int side) {
    const auto& names = asked.sideNames;
    const auto i = static_cast<std::size_t>(side);
    return i < names.size() &&
           std::find(named.missing.begin(), named.missing.end(), names[i]) != named.missing.end();
}

Result<void> reportComparison(ReportWriter& writer, const SurveyQuestion& asked,
                              const SurveyFindings& findings) {
    const auto section = [&](const std::string& english, const std::string& chinese,
                             int side) -> Result<void> {
        const int n = totalMatches(findings, side);
        writer.add("**" + english + "** (" + counted(n, "sentence", "sentences") + ")\n\n",
                   "**" + chinese + "**（" + grouped(n) + " 句）\n\n");
        for (const SurveyItem* item : tellingItems(findings, side)) {
            if (auto done = addItem(writer, "", *item); !done) return done;
        }
        const bool isNoSide = side < 2 && isMissing(findings.named, asked, side);
        if (isNoSide) {
            writer.add("No document that was read is named so; say the name of its file.\n",
                       "已读文档中没有这样命名的；请写出文件名。\n");
        } else if (n == 0) {
            writer.add("No sentence says this.\n", "没有找到这样的句子。\n");
        }
        writer.add("\n");
        return {};
    };
    const auto nameOf = [&](const std::string& side) {
        if (asked.compared.empty()) return side;
        return writer.isChinese() ? side + "的" + asked.compared : asked.compared + ": " + side;
    };
    const std::string first = nameOf(asked.sides.front());
    const std::string second = nameOf(asked.sides.back());
    if (totalMatches(findings, 2) > 0) {
        if (auto done = section(first + " and " + second + " together", first + "与" + second, 2);
            !done) {
            return done;
        }
    }
    if (auto done = section(first, first, 0); !done) return done;
    return section(second, second, 1);
}

/// The document of a side, if it is one.
const SurveyedDocument* onlyDocumentOf(const SurveyFindings& findings, int side) {
    const SurveyedDocument* only = nullptr;
    for (const SurveyedDocument& document : findings.documents) {
        const auto named = findings.named.sideOf.find(document.id);
        if (named == findings.named.sideOf.end() || named->second != side) continue;
        if (only != nullptr) return nullptr;
        only = &document;
    }
    return only;
}

/// Whole documents, of which nothing in particular is asked. False: they call nothing the same.
Result<bool> reportSideBySide(storage::DocumentStore& store, ReportWriter& writer,
                              const SurveyQuestion& asked, const SurveyFindings& findings) {
    const SurveyedDocument* const first = onlyDocumentOf(findings, 0);
    const SurveyedDocument* const second = onlyDocumentOf(findings, 1);
    if (!asked.compared.empty() || first == nullptr || second == nullptr) return false;
    return tellSideBySide(store, *first, *second, writer);
}

Result<void> reportSummary(ReportWriter& writer, const SurveyQuestion& asked,
                           const SurveyFindings& findings) {
    const std::string words = inQuotes(asked.subject);
    const bool hasSubject = !asked.subject.empty();
    writer.add("The sentences that tell most" + (hasSubject ? " about " + words : "") + ", from " +
                   grouped(findings.documents.size()) + " of " +
                   counted(findings.nDocumentsRead, "document", "documents") + ":\n\n",
               (hasSubject ? "关于" + words + "，" : "") + "以下是 " +
                   grouped(findings.documents.size()) + " 份文档中最有代表性的句子：\n\n");
    const std::size_t nEach = findings.documents.size() > kMostCited / 2   ? 1
                              : findings.documents.size() > kMostCited / 3 ? 2
                                                                           : 3;
    std::size_t nShown = 0;
    for (const SurveyedDocument& document : findings.documents) {
        if (nShown++ >= kMostCited) break;
        writer.add("**" + asListLine(document.title) + "**\n\n");
        for (std::size_t i = 0; i < std::min(nEach, document.items.size()); ++i) {
            if (auto done = addItem(writer, "", document.items[i]); !done) return done;
        }
        writer.add("\n");
    }
    if (findings.documents.size() > kMostCited) {
        const std::size_t more = findings.documents.size() - kMostCited;
        writer.add("… and " + counted(more, "more document", "more documents") +
                       "; ask about fewer documents to see them.\n",
                   "……还有 " + grouped(more) + " 份文档；缩小范围可以看到它们。\n");
    }
    return {};
}

}  // namespace

std::string ReportWriter::pathOf(ChunkId chunk) const {
    const ChunkId ids[] = {chunk};
    const auto found = m_store.chunks(ids);
    return found && !found->empty() ? found->front().path.string() : std::string();
}

Result<int> ReportWriter::passageNumber(ChunkId chunk) {
    const auto known = m_numbers.find(chunk);
    if (known != m_numbers.end()) return known->second;
    const ChunkId ids[] = {chunk};
    auto found = m_store.chunks(ids);
    if (!found) return tl::unexpected(found.error());
    if (found->empty()) return 0;  // removed while we read
    Chunk& of = found->front();
    const int number = static_cast<int>(m_report.passages.size()) + 1;
    m_numbers.emplace(chunk, number);
    m_report.passages.push_back({.number = number,
                                 .document = of.document,
                                 .path = of.path.string(),
                                 .title = std::move(of.title),
                                 .heading = std::move(of.heading),
                                 .page = of.page,
                                 .startByte = of.startByte,
                                 .endByte = of.endByte,
                                 .text = std::move(of.text),
                                 .score = 0.0});
    return number;
}

Result<void> ReportWriter::cite(ChunkId chunk, std::size_t startByte, std::size_t endByte,
                                std::string_view quote, bool isSupported) {
    const auto number = passageNumber(chunk);
    if (!number) return tl::unexpected(number.error());
    if (*number == 0) return {};
    const StoredPassage& passage = m_report.passages[static_cast<std::size_t>(*number) - 1];
    std::string said(quote);
    // What a model said in its own words is quoted as the passage has it.
    if (isSupported && startByte >= passage.startByte && endByte <= passage.endByte) {
        said = passage.text.substr(startByte - passage.startByte, endByte - startByte);
    }
    const std::string mark = std::string("[").append(std::to_string(*number)).append("]");
    m_report.text += ' ';
    m_report.citations.push_back({.answerStart = m_report.text.size(),
                                  .answerEnd = m_report.text.size() + mark.size(),
                                  .passage = *number,
                                  .quoteStart = isSupported ? startByte : passage.startByte,
                                  .quoteEnd = isSupported ? endByte : passage.startByte,
                                  .quote = isSupported ? std::move(said) : std::string(),
                                  .supported = isSupported});
    m_report.text += mark;
    return {};
}

std::string asListLine(std::string_view text, const std::filesystem::path& path) {
    constexpr std::size_t kLongest = 240;  // characters
    const std::size_t first = text.find_first_not_of("-*+# \t|>");
    text.remove_prefix(std::min(first, text.size()));
    std::string line = listLine(text, path);
    if (line.starts_with("•")) line.erase(0, std::string_view("• ").size());
    if (countCodePoints(line) <= kLongest) return line;
    line.resize(byteOffsetOf(line, kLongest));
    if (line.ends_with('\\')) line.pop_back();  // it stood before a sign
    return line + "…";
}

std::string shownName(const std::filesystem::path& path) {
    return withEscapes(visibleLine(path.filename().string()));
}

std::string nameBeside(std::string_view title, const std::filesystem::path& path) {
    return path.filename() == title ? std::string() : " (" + shownName(path) + ")";
}

std::string accountOf(const SurveyFindings& findings, bool isChinese) {
    std::string text;
    const bool isAll = findings.isComplete;
    // With what was left out these are as many as the list of documents has.
    const std::size_t nFound =
        static_cast<std::size_t>(findings.nDocumentsRead) + findings.skipped.size();
    const bool leavesOut = isAll && !findings.skipped.empty();
    if (isChinese) {
        text = leavesOut ? grouped(nFound) + " 份文档中已读 " : std::string("已读 ");
        text += grouped(findings.nDocumentsRead) + " 份文档、" + grouped(findings.nPassagesRead) +
                " 个段落";
        text += isAll
                    ? (leavesOut ? "。" : "（全部）。")
                    : "，共 " + grouped(findings.nDocumentsAll) + " 份文档、" +
                          grouped(findings.nPassagesAll) + " 个段落；再问一次同样的问题即可继续。";
    } else {
        text = "Read ";
        text += leavesOut ? grouped(findings.nDocumentsRead) + " of " +
                                counted(nFound, "document", "documents")
                          : counted(findings.nDocumentsRead, "document", "documents");
        text += ", " + counted(findings.nPassagesRead, "passage", "passages");
        text += isAll ? (leavesOut ? "." : ": all of them.")
                      : " of " + counted(findings.nDocumentsAll, "document", "documents") + ", " +
                            counted(findings.nPassagesAll, "passage", "passages") +
                            "; ask the same question again to go on.";
    }
    if (!findings.place.empty()) {
        const bool isInText = findings.isPlaceInText;
        const std::string place = visibleLine(findings.place);
        text += isChinese
                    ? (isInText ? "只读了名称或正文含“" : "只读了名称含“") + place + "”的文档。"
                    : (isInText ? " Only documents whose name or text says “"
                                : " Only documents named “") +
                          place + "”.";
    }
    if (findings.skipped.empty()) return text;
    text += isChinese ? "未读：" : " Left out: ";
    std::size_t nNamed = 0;
    for (const auto& [path, why] : findings.skipped) {
        if (nNamed == kMostSkippedNamed) {
            const std::size_t more = findings.skipped.size() - nNamed;
            text += isChinese ? "，以及另外 " + grouped(more) + " 份"
                              : ", and " + grouped(more) + " more";
            break;
        }
        if (nNamed++ > 0) text += isChinese ? "，" : ", ";
        text += shownName(path) + (isChinese ? "（" : " (") + skipReason(why, isChinese) +
                (isChinese ? "）" : ")");
    }
    return text + (isChinese ? "。" : ".");
}

std::string progressOf(const SurveyQuestion& asked, const SurveyFindings& findings,
                       bool isChinese) {
    const std::size_t nFound =
        findings.values.empty()
            ? static_cast<std::size_t>(totalMatches(findings, 0) + totalMatches(findings, 1) +
                                       totalMatches(findings, 2))
            : findings.values.size();
    const bool isSummary = asked.kind == SurveyKind::Summarise;
    const std::string found = grouped(isSummary ? findings.documents.size() : nFound);
    if (isChinese) {
        return "正在通读：" + grouped(findings.nPassagesRead) + " / " +
               grouped(findings.nPassagesAll) + " 段，目前找到 " + found + " 处……";
    }
    return "Reading everything: " + grouped(findings.nPassagesRead) + " of " +
           counted(findings.nPassagesAll, "passage", "passages") + ", " + found + " found so far…";
}

nlohmann::json accountToJson(const SurveyFindings& findings) {
    nlohmann::json skipped = nlohmann::json::array();
    for (const auto& [path, why] : findings.skipped) {
        skipped.push_back({{"path", path}, {"why", why}});
    }
    return {{"documents", findings.nDocumentsRead},    {"passages", findings.nPassagesRead},
            {"documents_all", findings.nDocumentsAll}, {"passages_all", findings.nPassagesAll},
            {"skipped", std::move(skipped)},           {"complete", findings.isComplete}};
}

Result<SurveyReport> reportSurvey(storage::DocumentStore& store, const SurveyQuestion& asked,
                                  const SurveyFindings& findings, bool isChinese) {
    ReportWriter writer(store, isChinese);
    Result<void> done;
    const bool listsDocuments =
        asked.ofDocuments && asked.subject.empty() && asked.patterns.empty();
    if (asked.kind == SurveyKind::Compare) {
        const auto isTold = reportSideBySide(store, writer, asked, findings);
        if (!isTold) return tl::unexpected(isTold.error());
        if (!*isTold) done = reportComparison(writer, asked, findings);
    } else if (asked.kind == SurveyKind::Summarise) {
        done = reportSummary(writer, asked, findings);
    } else if (listsDocuments) {
        done = reportDocuments(writer, findings);
    } else if (!asked.patterns.empty()) {
        done = reportValues(writer, asked, findings);
    } else {
        done = reportMatches(writer, asked, findings);
    }
    if (!done) return tl::unexpected(done.error());
    writer.add("\n" + accountOf(findings, isChinese));
    if (!listsDocuments && asked.kind != SurveyKind::Summarise) {
        writer.add(" Found by these words and forms; what is said in other words is not counted.",
                   "按字面和格式查找；换一种说法的内容不计入。");
    }
    return writer.take();
}

}  // namespace conclave::services
