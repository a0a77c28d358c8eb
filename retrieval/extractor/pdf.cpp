#include <algorithm>
#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <QAbstractItemModel>
#include <QPdfBookmarkModel>
#include <QString>
#include <QVariant>

#include "retrieval/extractor/hidden_text.h"
#include "retrieval/extractor/parser.h"
#include "retrieval/extractor/pdf_document.h"
#include "retrieval/extractor/pdf_draft.h"
#include "retrieval/extractor/pdf_unseen_text.h"

namespace conclave::retrieval::extractor {
namespace {

bool isBlank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos;
}

/// The words of `title` in `text` from `from` on, with any white space between them.
Heading findTitle(std::string_view text, std::string_view title, std::size_t from) {
    const auto isSpace = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
    for (std::size_t start = from; start < text.size(); ++start) {
        if (isSpace(text[start]) || text[start] != title.front()) continue;
        std::size_t i = start;
        std::size_t j = 0;
        while (j < title.size()) {
            if (isSpace(title[j])) {
                ++j;
            } else if (i < text.size() && isSpace(text[i])) {
                ++i;
            } else if (i < text.size() && text[i] == title[j]) {
                ++i;
                ++j;
            } else {
                break;
            }
        }
        if (j == title.size()) return {.page = 1, .startByte = start, .endByte = i, .level = 1};
    }
    return {};
}

/// Follows the outline (bookmarks) and looks its titles up on their pages.
class OutlineReader {
public:
    OutlineReader(const QPdfBookmarkModel& model, ExtractedDocument& document)
        : m_model(model), m_document(document) {}

    void read(const QModelIndex& parent, int level) {
        constexpr int kDeepest = 32;
        constexpr std::size_t kMostHeadings = 20'000;
        if (level > kDeepest) return;
        for (int row = 0; row < m_model.rowCount(parent); ++row) {
            if (m_document.headings.size() >= kMostHeadings) return;
            const QModelIndex index = m_model.index(row, 0, parent);
            const auto role = [&](QPdfBookmarkModel::Role wanted) {
                return m_model.data(index, static_cast<int>(wanted));
            };
            const int page = role(QPdfBookmarkModel::Role::Page).toInt();
            std::string title =
                toUtf8(role(QPdfBookmarkModel::Role::Title).toString().simplified());
            add(title, page, level);
            read(index, level + 1);
        }
    }

private:
    void add(const std::string& title, int page, int level) {
        if (title.empty() || page < 0) return;
        const auto number = static_cast<std::size_t>(page);
        if (number >= m_document.pages.size()) return;
        const std::size_t from = page == m_lastPage ? m_lastEnd : 0;
        Heading heading = findTitle(m_document.pages[number].text, title, from);
        if (heading.endByte == 0) return;
        heading.page = page + 1;
        heading.level = std::min(level, 6);
        m_lastPage = page;
        m_lastEnd = heading.endByte;
        m_document.headings.push_back(heading);
    }

    const QPdfBookmarkModel& m_model;
    ExtractedDocument& m_document;
    int m_lastPage = -1;
    std::size_t m_lastEnd = 0;
};

/// Hands over what was read since the last time, now and then.
class Drafts {
public:
    explicit Drafts(const Source& source) : m_source(source) {}

    /// The pages that an earlier process has read; without them reading begins at the first one.
    void resume(QPdfDocument& pdf, std::vector<ExtractedPage>& pages, UnseenText& unseen) {
        auto before = draftFrom(m_source.drafts);
        if (!before || std::ssize(before->pages) > pdf.pageCount()) return;
        pages = std::move(before->pages);
        unseen.resume(before->unseen);
        m_nKept = pages.size();
    }

    void keep(const std::vector<ExtractedPage>& pages, const UnseenText& unseen) {
        const auto now = std::chrono::steady_clock::now();
        if (!m_source.onDraft || now - m_last < m_source.draftEvery) return;
        m_source.onDraft(pages.back().number,
                         toBytes(std::span(pages).subspan(m_nKept), unseen.progress()));
        m_nKept = pages.size();
        m_last = std::chrono::steady_clock::now();
    }

private:
    const Source& m_source;
    std::size_t m_nKept = 0;  ///< pages
    std::chrono::steady_clock::time_point m_last = std::chrono::steady_clock::now();
};

}  // namespace

Result<ExtractedDocument> parsePdf(const Source& source) {
    const auto start = std::chrono::steady_clock::now();
    const auto isInTime = [&] {
        return std::chrono::steady_clock::now() - start < source.mostTime;
    };
    const auto open = OpenPdf::open(source);
    if (!open) return tl::unexpected(open.error());
    QPdfDocument& pdf = (*open)->document();
    ExtractedDocument document;
    document.mime = "application/pdf";
    document.title =
        toUtf8(pdf.metaData(QPdfDocument::MetaDataField::Title).toString().simplified());
    std::size_t total = 0;
    std::size_t nBlank = 0;
    UnseenText unseen(pdf, source.bytes);
    Drafts drafts(source);
    drafts.resume(pdf, document.pages, unseen);
    for (const ExtractedPage& page : document.pages) {
        total += page.text.size();
        if (isBlank(page.text)) ++nBlank;
    }
    const int nBefore = static_cast<int>(document.pages.size());
    for (int page = nBefore; page < pdf.pageCount(); ++page) {
        if (page > nBefore && !isInTime()) {
            document.warnings.push_back("read the first " + std::to_string(page) + " of " +
                                        std::to_string(pdf.pageCount()) +
                                        " pages; the others would take too long");
            break;
        }
        std::string text =
            pageText(source.drawsPages ? unseen.seenText(page) : pdf.getAllText(page).text());
        total += text.size();
        if (total > kMostTextBytes) {
            return fail(ErrorCode::LimitExceeded, "the PDF holds more than 64 MiB of text");
        }
        if (isBlank(text)) ++nBlank;
        document.pages.push_back({.number = page + 1, .text = std::move(text)});
        drafts.keep(document.pages, unseen);
    }
    if (document.pages.empty()) return fail(ErrorCode::Corrupt, "the PDF has no pages");
    if (nBlank == document.pages.size()) {
        return fail(ErrorCode::NeedsOcr,
                    unseen.nUnseen() > 0
                        ? "all of its text is hidden; what can be seen are pictures at best"
                        : "no page has text; they are pictures of text at best");
    }
    if (nBlank > 0) {
        document.warnings.push_back(std::to_string(nBlank) + " of " +
                                    std::to_string(document.pages.size()) + " pages have no text");
    }
    if (unseen.nUnseen() > 0) {
        document.warnings.push_back(unseenWarning(unseen.nUnseen()));
    }
    if (const int n = source.drawsPages ? unseen.nUncertainPages() : pdf.pageCount(); n > 0) {
        document.warnings.push_back("could not tell whether text is hidden on " +
                                    std::to_string(n) + " of " +
                                    std::to_string(document.pages.size()) + " pages");
    }
    if (isInTime()) {
        QPdfBookmarkModel outline;
        outline.setDocument(&pdf);
        OutlineReader(outline, document).read({}, 1);
    }
    std::stable_sort(document.headings.begin(), document.headings.end(),
                     [](const Heading& a, const Heading& b) {
                         return a.page != b.page ? a.page < b.page : a.startByte < b.startByte;
                     });
    return document;
}

}  // namespace conclave::retrieval::extractor
