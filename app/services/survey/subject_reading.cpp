#include "app/services/survey/subject_reading.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "app/services/asked_for.h"
#include "app/services/question.h"
#include "app/services/survey/denial.h"
#include "app/services/survey/skip_reason.h"
#include "base/utf8.h"

namespace conclave::services {
namespace {

using retrieval::SentenceMatcher;
using retrieval::TextSpan;

/// Words that documents use for each other, as the analyzer stems them. A document that has another
/// one of the line may say what is asked, so that it is not said to be silent.
using RelatedWords = std::array<std::string_view, 7>;
constexpr auto kRelated = std::to_array<RelatedWords>({
    {"deposit", "bond", "caution", "escrow", "retent", "-", "-"},
    {"rent", "rental", "lease", "-", "-", "-", "-"},
    {"pet", "dog", "cat", "animal", "-", "-", "-"},
    {"terminat", "cancel", "notic", "resciss", "rescind", "-", "-"},
    {"penalti", "fine", "damag", "forfeit", "surcharg", "-", "-"},
    {"warranti", "guarante", "guaranti", "-", "-", "-", "-"},
    {"insur", "cover", "indemn", "indemnifi", "-", "-", "-"},
    {"confidenti", "secreci", "secret", "disclos", "disclosur", "nda", "-"},
    {"cost", "fee", "charg", "amount", "rate", "tariff", "price"},
    {"email", "mail", "-", "-", "-", "-", "-"},
    {"telephon", "phone", "mobil", "cell", "-", "-", "-"},
    {"renew", "renewal", "extend", "extens", "prolong", "-", "-"},
    {"liabil", "liabl", "respons", "-", "-", "-", "-"},
    {"discount", "rebat", "reduct", "reduc", "-", "-", "-"},
    {"deadlin", "due", "date", "latest", "-", "-", "-"},
    {"salari", "wage", "pay", "remuner", "compens", "-", "-"},
    {"holiday", "vacat", "leav", "-", "-", "-", "-"},
    {"subcontract", "subcontractor", "sublet", "assign", "-", "-", "-"},
    {"vat", "tax", "taxat", "-", "-", "-", "-"},
    {"jurisdict", "court", "venu", "law", "-", "-", "-"},
});
constexpr auto kChineseRelated = std::to_array<RelatedWords>({
    {"押金", "保证金", "定金", "订金", "抵押", "-", "-"},
    {"违约金", "罚金", "罚款", "滞纳金", "赔偿", "违约", "-"},
    {"宠物", "猫", "狗", "犬", "动物", "-", "-"},
    {"保险", "投保", "承保", "-", "-", "-", "-"},
    {"保密", "机密", "泄露", "披露", "-", "-", "-"},
    {"解除", "终止", "解约", "退租", "撤销", "-", "-"},
    {"质保", "保修", "保证", "-", "-", "-", "-"},
    {"租金", "房租", "租费", "-", "-", "-", "-"},
    {"价格", "价款", "单价", "金额", "费用", "总价", "-"},
    {"电话", "手机", "联系方式", "-", "-", "-", "-"},
    {"续签", "续约", "延期", "续租", "-", "-", "-"},
    {"税", "税费", "增值税", "-", "-", "-", "-"},
    {"争议", "仲裁", "诉讼", "法院", "管辖", "-", "-"},
});

std::string_view spanOf(std::string_view text, const TextSpan& span) {
    return text.substr(span.startByte, span.endByte - span.startByte);
}

/// Reads documents for one subject.
class SubjectReading {
public:
    explicit SubjectReading(const SurveyQuestion& asked)
        : m_asked(asked), m_subject(asked.subject) {
        for (const AskedWord& word : wordsAsAsked(asked.subject)) {
            // A character of Chinese alone is also in other words.
            const bool isAscii = static_cast<unsigned char>(word.surface.front()) < 0x80;
            if (word.isContent && isAscii) m_stems.insert(word.stem);
        }
        for (const RelatedWords& line : kRelated) addRelated(line);
        for (const RelatedWords& line : kChineseRelated) {
            const bool isAsked = std::any_of(line.begin(), line.end(), [&](std::string_view each) {
                return each != "-" && asked.subject.find(each) != std::string::npos;
            });
            if (!isAsked) continue;
            for (const std::string_view each : line) {
                if (each != "-") m_chineseRelated.emplace_back(each);
            }
        }
        addChineseParts();
    }

    JudgedDocument judge(const Document& document, const std::vector<Chunk>& chunks) const {
        JudgedDocument judged;
        judged.document = &document;
        std::set<std::pair<int, std::size_t>> seen;
        for (const Chunk& chunk : chunks) {
            const std::vector<TextSpan> sentences = retrieval::sentenceSpans(chunk.text);
            const std::set<std::size_t> saying = startsSaying(chunk);
            for (const TextSpan& span : sentences) {
                if (!seen.insert({chunk.page, chunk.startByte + span.startByte}).second) continue;
                const std::string_view text = spanOf(chunk.text, span);
                const SaidPlace place{chunk.id, chunk.startByte + span.startByte,
                                      chunk.startByte + span.endByte, std::string(text)};
                if (!judged.first) judged.first = place;
                if (saying.contains(span.startByte) || saysStems(text)) {
                    // A heading only names what stands below it.
                    const bool isDenied = deniesSubject(text, m_asked.subject);
                    (isDenied ? judged.denied : judged.said).push_back(place);
                } else if (isDeniedBelow(chunk.heading, text)) {
                    judged.denied.push_back(place);
                } else if (saysRelated(text) || saysRelated(chunk.heading)) {
                    judged.related.push_back(place);
                }
            }
        }
        const std::string names = document.title + " " + document.path.stem().string();
        if (judged.first && judged.said.empty() && judged.denied.empty() &&
            (saysStems(names) || saysRelated(names))) {
            judged.related.insert(judged.related.begin(), *judged.first);
        }
        const bool isHeadingAlone =
            !judged.denied.empty() &&
            std::all_of(judged.said.begin(), judged.said.end(), [](const SaidPlace& place) {
                const bool isMarked = place.text.starts_with('#');
                return isMarked || place.text.find(' ') == std::string::npos;
            });
        if (isHeadingAlone) judged.said.clear();
        if (!judged.said.empty()) {
            judged.saying = WhatIsSaid::Said;
        } else if (!judged.denied.empty()) {
            judged.saying = WhatIsSaid::Denied;
        } else if (!judged.related.empty()) {
            judged.saying = WhatIsSaid::Related;
        }
        return judged;
    }

private:
    void addRelated(const RelatedWords& line) {
        const bool isAsked = std::any_of(line.begin(), line.end(), [&](std::string_view each) {
            return m_stems.contains(each);
        });
        if (!isAsked) return;
        for (const std::string_view each : line) {
            if (each != "-") m_related.emplace(each);
        }
    }

    /// "None." below the heading "Deposit".
    [[nodiscard]] bool isDeniedBelow(const std::string& heading, std::string_view text) const {
        if (m_subject.match({}, heading).empty() && !saysStems(heading)) return false;
        return deniesSubject(m_asked.subject + ": " + std::string(text), m_asked.subject);
    }

    /// Pairs of characters of a longer word: "违约" of "违约金".
    void addChineseParts() {
        constexpr std::size_t kPair = 6;  // bytes
        constexpr std::size_t kStep = 3;
        const std::string& subject = m_asked.subject;
        if (!isChinese(subject) || subject.size() <= kPair) return;
        for (std::size_t at = 0; at + kPair <= subject.size(); at += kStep) {
            const std::string pair = subject.substr(at, kPair);
            if (pair.find_first_of(" \"") != std::string::npos || countCodePoints(pair) != 2)
                return;
            m_chineseRelated.push_back(pair);
        }
    }

    [[nodiscard]] std::set<std::size_t> startsSaying(const Chunk& chunk) const {
        std::set<std::size_t> starts;
        for (const TextSpan& span :
             m_subject.match(chunk.title + " " + chunk.heading, chunk.text)) {
            starts.insert(span.startByte);
        }
        if (m_asked.patterns.empty()) return starts;
        for (const TextSpan& span : retrieval::sentenceSpans(chunk.text)) {
            const std::string_view text = spanOf(chunk.text, span);
            const bool hasForm =
                std::any_of(m_asked.patterns.begin(), m_asked.patterns.end(),
                            [&](const auto& each) { return !findPattern(each, text).empty(); });
            if (hasForm && (!m_subject.hasTerms() || starts.contains(span.startByte))) {
                starts.insert(span.startByte);
            }
        }
        return starts;
    }

    /// All words of content, each in any form.
    [[nodiscard]] bool saysStems(std::string_view text) const {
        if (m_stems.empty() || !m_asked.patterns.empty()) return false;
        return nHeld(m_stems, stemsIn(text)) == m_stems.size();
    }

    [[nodiscard]] bool saysRelated(std::string_view text) const {
        if (std::any_of(m_chineseRelated.begin(), m_chineseRelated.end(), [&](const auto& each) {
                return text.find(each) != std::string_view::npos;
            })) {
            return true;
        }
        if (m_stems.empty()) return false;
        const StemSet said = stemsIn(text);
        return nHeld(m_stems, said) > 0 || nHeld(m_related, said) > 0;
    }

    const SurveyQuestion& m_asked;
    SentenceMatcher m_subject;
    StemSet m_stems;
    StemSet m_related;
    std::vector<std::string> m_chineseRelated;
};

/// Leaves out those of which only a part was read: what is not read yet may say it.
void passOverUnread(std::vector<Document>& documents, SurveyFindings& findings) {
    std::erase_if(documents, [&](const Document& document) {
        const bool isPart = document.state == DocumentState::Pending;
        if (isPart) findings.skipped.emplace_back(document.path.string(), kNotReadYet);
        return isPart;
    });
}

/// Of "signed contracts" and documents called contracts, whether one says "signed" too.
bool saysKind(const SentenceMatcher& kind, const Document& document,
              const std::vector<Chunk>& chunks) {
    return !kind.hasTerms() || !kind.match({}, document.title).empty() ||
           std::any_of(chunks.begin(), chunks.end(), [&](const Chunk& chunk) {
               return !kind.match({}, chunk.heading + "\n" + chunk.text).empty();
           });
}

}  // namespace

Result<JudgedCollection> judgeDocuments(storage::DocumentStore& store,
                                        std::span<const SurveyQuestion> subjects,
                                        const std::vector<CollectionId>& collections,
                                        const std::stop_token& cancel,
                                        const std::function<void(float)>& onProgress) {
    JudgedCollection read;
    SurveyFindings& findings = read.findings;
    const SurveyQuestion& asked = subjects.front();
    auto documents = chooseDocuments(store, collections, asked, findings);
    if (!documents) return tl::unexpected(documents.error());
    passOverUnread(*documents, findings);
    read.documents = std::move(*documents);
    const bool isShorter = !findings.place.empty() && asked.place.size() > findings.place.size() &&
                           asked.place.ends_with(findings.place);
    const SentenceMatcher kind(
        isShorter ? asked.place.substr(0, asked.place.size() - findings.place.size()) : "");
    if (isShorter) {
        findings.place = asked.place;
        findings.isPlaceInText = true;
    }
    const std::vector<SubjectReading> readings(subjects.begin(), subjects.end());
    int nPassed = 0;
    for (const Document& document : read.documents) {
        if (cancel.stop_requested()) return fail(ErrorCode::Cancelled, "stopped");
        if (onProgress) {
            onProgress(static_cast<float>(nPassed) /
                       static_cast<float>(std::max(findings.nPassagesAll, 1)));
        }
        nPassed += document.nChunks;
        const auto chunks = store.chunksOf(document.id);
        if (!chunks) return tl::unexpected(chunks.error());
        if (!saysKind(kind, document, *chunks)) continue;
        std::vector<JudgedDocument> judged;
        for (const SubjectReading& reading : readings) {
            judged.push_back(reading.judge(document, *chunks));
        }
        read.judged.push_back(std::move(judged));
        ++findings.nDocumentsRead;
        findings.nPassagesRead += document.nChunks;
    }
    findings.nDocumentsAll = findings.nDocumentsRead;
    findings.nPassagesAll = findings.nPassagesRead;
    findings.isComplete = true;
    return read;
}

}  // namespace conclave::services
