#include "app/services/survey/joint_answer.h"

#include <algorithm>
#include <utility>

#include "app/services/question.h"
#include "app/services/reading.h"
#include "app/services/survey/joint_question.h"
#include "app/services/survey/question_subject.h"
#include "app/services/survey/subject_reading.h"

namespace conclave::services {
namespace {

using Joined = JointQuestion::Joined;

/// Kleene's three values, in their order: "and" is the least of them, "or" the greatest.
enum class Truth { False, Unknown, True };

Truth truthOf(const JudgedDocument& judged) {
    switch (judged.saying) {
        case WhatIsSaid::Said: return Truth::True;
        case WhatIsSaid::Related: return Truth::Unknown;
        default: return Truth::False;
    }
}

Truth negated(Truth truth) {
    if (truth == Truth::Unknown) return truth;
    return truth == Truth::True ? Truth::False : Truth::True;
}

Truth jointTruth(Joined joined, const std::vector<JudgedDocument>& judged) {
    const bool isAny = joined == Joined::Any;
    Truth truth = isAny ? Truth::False : Truth::True;
    for (std::size_t i = 0; i < judged.size(); ++i) {
        const bool isNegated = joined == Joined::None || (joined == Joined::OnlyFirst && i > 0);
        const Truth said = isNegated ? negated(truthOf(judged[i])) : truthOf(judged[i]);
        truth = isAny ? std::max(truth, said) : std::min(truth, said);
    }
    return truth;
}

class JointReport {
public:
    JointReport(storage::DocumentStore& store, const JointQuestion& asked,
                const JudgedCollection& read, bool isChinese)
        : m_asked(asked), m_read(read), m_writer(store, isChinese) {}

    Result<SurveyReport> tell() {
        tellJointHead();
        for (const Truth truth : {Truth::True, Truth::Unknown, Truth::False}) {
            if (auto done = tellJointGroup(truth); !done) return tl::unexpected(done.error());
        }
        m_writer.add("\n" + accountOf(m_read.findings, m_writer.isChinese()));
        m_writer.add(
            " Judged by words: a document that says it in other words than these is taken for one "
            "that says nothing.",
            "按字面判断：换一种说法的文档会被当作没有提到。");
        return m_writer.take();
    }

private:
    [[nodiscard]] std::size_t count(Truth truth) const {
        return static_cast<std::size_t>(std::count_if(
            m_read.judged.begin(), m_read.judged.end(),
            [&](const auto& each) { return jointTruth(m_asked.joined, each) == truth; }));
    }

    [[nodiscard]] std::string subjectAt(std::size_t i) const {
        return "“" + m_asked.subjects[i].subject + "”";
    }

    /// "“deposit” and “penalty”"
    [[nodiscard]] std::string joinedSubjects(std::string_view last) const {
        const bool isChinese = m_writer.isChinese();
        std::string text;
        for (std::size_t i = 0; i < m_asked.subjects.size(); ++i) {
            const bool isLast = i + 1 == m_asked.subjects.size();
            if (i > 0) text += isLast ? std::string(last) : std::string(isChinese ? "、" : ", ");
            text += subjectAt(i);
        }
        return text;
    }

    [[nodiscard]] std::string whatIsSaid(bool isOne) const {
        const bool isChinese = m_writer.isChinese();
        const std::string say = isOne ? " says " : " say ";
        switch (m_asked.joined) {
            case Joined::All:
                return isChinese ? "同时提到" + joinedSubjects("和")
                                 : say + joinedSubjects(" and ");
            case Joined::Any:
                return isChinese ? "提到" + joinedSubjects("或") : say + joinedSubjects(" or ");
            case Joined::OnlyFirst:
                return isChinese ? "提到" + subjectAt(0) + "而未见" + subjectAt(1)
                                 : say + subjectAt(0) + (isOne ? " and has no " : " and have no ") +
                                       subjectAt(1) + " that could be found";
            case Joined::None:
                return isChinese ? "未见" + joinedSubjects("和")
                                 : (isOne ? " has no " : " have no ") + joinedSubjects(" and no ") +
                                       " that could be found";
        }
        return {};
    }

    void tellJointHead() {
        const std::size_t n = count(Truth::True);
        m_writer.add("**" + grouped(n) + " of " +
                         counted(m_read.judged.size(), "document", "documents") +
                         whatIsSaid(n == 1) + "**" + (n > 0 ? ":\n\n" : ".\n"),
                     "**" + grouped(m_read.judged.size()) + " 份文档中有 " + grouped(n) + " 份" +
                         whatIsSaid(true) + "**" + (n > 0 ? "：\n\n" : "。\n"));
    }

    Result<void> tellJointGroup(Truth truth) {
        constexpr std::size_t kMostTrue = 60;
        constexpr std::size_t kMostOfOthers = 20;
        const std::size_t n = count(truth);
        if (n == 0) return {};
        if (truth == Truth::Unknown) {
            m_writer.add(
                "\n**" + counted(n, "document has", "documents have") +
                    " a part of it, or another word for it**; look yourself:\n\n",
                "\n**有 " + grouped(n) + " 份只有其中一部分或相近的说法**，请自行判断：\n\n");
        } else if (truth == Truth::False) {
            m_writer.add("\n**" + counted(n, "document does", "documents do") + " not:**\n\n",
                         "\n**有 " + grouped(n) + " 份不符合：**\n\n");
        }
        const std::size_t most = truth == Truth::True ? kMostTrue : kMostOfOthers;
        std::size_t nShown = 0;
        for (const auto& judged : m_read.judged) {
            if (jointTruth(m_asked.joined, judged) != truth) continue;
            if (nShown++ >= most) break;
            if (auto done = tellJudged(judged); !done) return done;
        }
        if (n > most) {
            m_writer.add("- … and " + grouped(n - most) + " more\n",
                         "- ……还有 " + grouped(n - most) + " 份\n");
        }
        return {};
    }

    Result<void> tellJudged(const std::vector<JudgedDocument>& judged) {
        const Document& document = *judged.front().document;
        m_writer.add("- **" + asListLine(document.title) + "**" +
                     nameBeside(document.title, document.path) + "\n");
        for (std::size_t i = 0; i < judged.size(); ++i) {
            m_writer.add("  - " + subjectAt(i) + ": ", "  - " + subjectAt(i) + "：");
            if (auto done = tellSubject(judged[i], document); !done) return done;
            m_writer.add("\n");
        }
        return {};
    }

    Result<void> tellSubject(const JudgedDocument& judged, const Document& document) {
        const SaidPlace* place = nullptr;
        if (judged.saying == WhatIsSaid::Said) {
            place = &judged.said.front();
        } else if (judged.saying == WhatIsSaid::Denied) {
            place = &judged.denied.front();
            m_writer.add("says that there is none: ", "明确说没有：");
        } else if (judged.saying == WhatIsSaid::Related) {
            place = &judged.related.front();
            m_writer.add("a part of it, or another word: ", "只有一部分或相近的说法：");
        } else {
            m_writer.add(
                "nothing; " + counted(document.nChunks, "passage", "passages") + " searched",
                "没有提到，已查 " + grouped(document.nChunks) + " 段");
            return {};
        }
        m_writer.add(asListLine(place->text, document.path));
        return m_writer.cite(place->chunk, place->startByte, place->endByte, place->text);
    }

    const JointQuestion& m_asked;
    const JudgedCollection& m_read;
    ReportWriter m_writer;
};

}  // namespace

Result<std::optional<JointAnswer>> answerFromJoint(storage::DocumentStore& store,
                                                   const std::string& question,
                                                   const std::vector<CollectionId>& collections,
                                                   const DocumentFilter& filter,
                                                   const std::stop_token& cancel,
                                                   const std::function<void(float)>& onProgress) {
    const std::optional<JointAnswer> none;
    auto asked = jointQuestionOf(question);
    if (!asked) return none;
    const bool isUnclear =
        std::any_of(asked->subjects.begin(), asked->subjects.end(), [](const SurveyQuestion& each) {
            return each.patterns.empty() && !mayBeSaid(each.subject);
        });
    if (isUnclear) return none;
    for (SurveyQuestion& each : asked->subjects) each.filter = filter;
    const auto read = judgeDocuments(store, asked->subjects, collections, cancel, onProgress);
    if (!read) return tl::unexpected(read.error());
    auto report = JointReport(store, *asked, *read, isChinese(question)).tell();
    if (!report) return tl::unexpected(report.error());
    return std::optional<JointAnswer>(
        JointAnswer{std::move(*report), accountToJson(read->findings)});
}

}  // namespace conclave::services
