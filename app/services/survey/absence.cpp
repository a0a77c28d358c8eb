#include "app/services/survey/absence.h"

#include <algorithm>
#include <utility>

#include "app/services/reading.h"
#include "app/services/survey/question_words.h"
#include "app/services/survey/skip_reason.h"
#include "app/services/survey/subject_reading.h"

namespace conclave::services {
namespace {

/// Reading it left something out that might have said it.
std::string whyNotWhole(const Document& document) {
    for (const std::string& warning : document.warnings) {
        const bool isLoss = hasAny(
            lowerCased(warning),
            {"no text", "damaged", "missing", "not read", "left out", "not complete", "skipped"});
        if (isLoss) return warning;
    }
    return {};
}

class AbsenceReport {
public:
    AbsenceReport(storage::DocumentStore& store, const SurveyQuestion& asked,
                  const std::vector<JudgedDocument>& judged, bool isChinese)
        : m_asked(asked), m_judged(judged), m_writer(store, isChinese) {}

    Result<SurveyReport> tell(const SurveyFindings& findings) {
        tellHead();
        std::pair<WhatIsSaid, std::size_t> groups[] = {{WhatIsSaid::Nothing, kMostSilent},
                                                       {WhatIsSaid::Denied, kMostSilent},
                                                       {WhatIsSaid::Related, kMostOthers},
                                                       {WhatIsSaid::Said, kMostOthers}};
        if (m_asked.isNeedDenied) std::swap(groups[0].first, groups[1].first);
        for (const auto& [saying, most] : groups) {
            if (auto done = tellGroup(saying, most); !done) return tl::unexpected(done.error());
        }
        m_writer.add("\n" + accountOf(findings, m_writer.isChinese()));
        m_writer.add(
            " Judged by words: a document that says it in other words than these is taken "
            "for one that says nothing.",
            "按字面判断：换一种说法的文档会被当作没有提到。");
        return m_writer.take();
    }

private:
    static constexpr std::size_t kMostSilent = 100;
    static constexpr std::size_t kMostOthers = 20;

    [[nodiscard]] std::size_t count(WhatIsSaid saying) const {
        return static_cast<std::size_t>(
            std::count_if(m_judged.begin(), m_judged.end(),
                          [&](const JudgedDocument& each) { return each.saying == saying; }));
    }

    [[nodiscard]] std::string what() const {
        if (!m_asked.subject.empty()) return "“" + m_asked.subject + "”";
        return m_writer.isChinese() ? "这类内容" : "this kind of thing";
    }

    /// What does not require it says so, or is silent: both are asked for, and told apart.
    void tellNeedHead() {
        const std::size_t nDenied = count(WhatIsSaid::Denied);
        const std::size_t nSilent = count(WhatIsSaid::Nothing);
        const std::size_t n = nDenied + nSilent;
        m_writer.add(
            "**" + grouped(n) + " of " + counted(m_judged.size(), "document", "documents") +
                (n == 1 ? " has" : " have") + " no " + what() + " that could be found**: " +
                grouped(nDenied) + (nDenied == 1 ? " says" : " say") + " that there is none, " +
                grouped(nSilent) + (nSilent == 1 ? " says" : " say") + " nothing of it.\n",
            "**" + grouped(m_judged.size()) + " 份文档中有 " + grouped(n) + " 份未见" + what() +
                "**：" + grouped(nDenied) + " 份明确说没有，" + grouped(nSilent) +
                " 份没有提到。\n");
    }

    void tellHead() {
        if (m_asked.isNeedDenied) return tellNeedHead();
        const std::size_t nSilent = count(WhatIsSaid::Nothing);
        m_writer.add("**" + grouped(nSilent) + " of " +
                         counted(m_judged.size(), "document", "documents") +
                         (nSilent == 1 ? " says" : " say") + " nothing of " + what() + "**" +
                         (nSilent > 0 ? ":\n\n" : ".\n"),
                     "**" + grouped(m_judged.size()) + " 份文档中有 " + grouped(nSilent) +
                         " 份没有提到" + what() + "**" + (nSilent > 0 ? "：\n\n" : "。\n"));
    }

    void tellGroupHead(WhatIsSaid saying, std::size_t n) {
        if (m_asked.isNeedDenied && saying == WhatIsSaid::Denied) {
            m_writer.add("\n**" + counted(n, "document says", "documents say") +
                             " that there is none:**\n\n",
                         "\n**有 " + grouped(n) + " 份明确说没有：**\n\n");
        } else if (m_asked.isNeedDenied && saying == WhatIsSaid::Nothing) {
            m_writer.add("\n**" + counted(n, "document says", "documents say") +
                             " nothing of it**, which need not mean that there is none:\n\n",
                         "\n**有 " + grouped(n) + " 份没有提到**，这不一定表示没有：\n\n");
        } else if (saying == WhatIsSaid::Denied) {
            m_writer.add("\n**" + counted(n, "document says", "documents say") +
                             " that there is none**, counted neither here nor there:\n\n",
                         "\n**有 " + grouped(n) + " 份明确说没有**，不计入以上两类：\n\n");
        } else if (saying == WhatIsSaid::Related) {
            m_writer.add(
                "\n**" + counted(n, "document has", "documents have") +
                    " a part of it, or another word for it**; look yourself:\n\n",
                "\n**有 " + grouped(n) + " 份只有其中一部分或相近的说法**，请自行判断：\n\n");
        } else if (saying == WhatIsSaid::Said) {
            m_writer.add(
                "\n**" + counted(n, "document mentions", "documents mention") + " it:**\n\n",
                "\n**有 " + grouped(n) + " 份提到：**\n\n");
        }
    }

    static const SaidPlace* placeOf(const JudgedDocument& judged) {
        switch (judged.saying) {
            case WhatIsSaid::Said: return &judged.said.front();
            case WhatIsSaid::Denied: return &judged.denied.front();
            case WhatIsSaid::Related: return &judged.related.front();
            default: return judged.first ? &*judged.first : nullptr;
        }
    }

    Result<void> tellGroup(WhatIsSaid saying, std::size_t most) {
        const std::size_t n = count(saying);
        if (n == 0) return {};
        tellGroupHead(saying, n);
        std::size_t nShown = 0;
        for (const JudgedDocument& each : m_judged) {
            if (each.saying != saying || nShown >= most) continue;
            ++nShown;
            if (auto done = tellDocument(each); !done) return done;
        }
        if (n > nShown) {
            m_writer.add("- … and " + grouped(n - nShown) + " more\n",
                         "- ……还有 " + grouped(n - nShown) + " 份\n");
        }
        return {};
    }

    Result<void> tellDocument(const JudgedDocument& judged) {
        const Document& document = *judged.document;
        m_writer.add("- **" + asListLine(document.title) + "**" +
                     nameBeside(document.title, document.path));
        const SaidPlace* const place = placeOf(judged);
        if (judged.saying != WhatIsSaid::Nothing) {
            m_writer.add(": ", "：").add(asListLine(place->text, document.path));
        } else {
            m_writer.add(": " + counted(document.nChunks, "passage", "passages") + " searched",
                         "：已查 " + grouped(document.nChunks) + " 段");
            if (const std::string why = whyNotWhole(document); !why.empty()) {
                const std::string reason = skipReason(why, m_writer.isChinese());
                m_writer.add("; not all of it could be read (" + reason + ")",
                             "，但并非全部可读（" + reason + "）");
            }
        }
        if (place != nullptr) {
            auto cited = m_writer.cite(place->chunk, place->startByte, place->endByte, place->text);
            if (!cited) return cited;
        }
        m_writer.add("\n");
        return {};
    }

    const SurveyQuestion& m_asked;
    const std::vector<JudgedDocument>& m_judged;
    ReportWriter m_writer;
};

}  // namespace

Result<AbsenceAnswer> answerFromAbsence(storage::DocumentStore& store, const SurveyQuestion& asked,
                                        const std::vector<CollectionId>& collections,
                                        const std::stop_token& cancel, bool isChinese,
                                        const std::function<void(float)>& onProgress) {
    const auto read = judgeDocuments(store, {&asked, 1}, collections, cancel, onProgress);
    if (!read) return tl::unexpected(read.error());
    std::vector<JudgedDocument> judged;
    for (const auto& each : read->judged) judged.push_back(each.front());
    auto report = AbsenceReport(store, asked, judged, isChinese).tell(read->findings);
    if (!report) return tl::unexpected(report.error());
    return AbsenceAnswer{std::move(*report), accountToJson(read->findings)};
}

}  // namespace conclave::services
