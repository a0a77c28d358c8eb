// Presentations of Office Open XML (ECMA-376 part 1, 19): each slide a page, its title the heading,
// then its shapes, tables, charts and diagrams, the speaker's notes and the comments.
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "retrieval/extractor/chart_text.h"
#include "retrieval/extractor/office_parts.h"
#include "retrieval/extractor/parser.h"
#include "retrieval/extractor/slide_text.h"

namespace conclave::retrieval::extractor {
namespace {

/// ppt/presentation.xml: identifiers of the slides in order.
class SlideListReader : public XmlHandler {
public:
    void start(std::string_view name, const XmlAttributes& attributes) override {
        if (name != "sldId") return;
        // Two attributes are called id; the one with a prefix is the link.
        relations.emplace_back(attributes.getPrefixed("id"));
    }
    void end(std::string_view) override {}
    void text(std::string_view) override {}
    [[nodiscard]] bool isTooLarge() const override { return relations.size() > kMostSlides; }
    std::vector<std::string> relations;

private:
    static constexpr std::size_t kMostSlides = 10'000;
};

class PresentationText {
public:
    PresentationText(const Archive& archive, ExtractedDocument& document)
        : m_archive(archive), m_document(document) {}

    Result<void> read() {
        const auto root = targetsOf(relationsOf(m_archive, ""), "officeDocument");
        const std::string part =
            !root.empty() && m_archive.has(root.front()) ? root.front() : "ppt/presentation.xml";
        SlideListReader list;
        if (auto done = readXml(m_archive, part, list); !done) return done;
        m_nListed = list.relations.size();
        const auto relations = relationsOf(m_archive, part);
        for (const std::string& id : list.relations) {
            const auto slide = relations.find(id);
            if (slide == relations.end() || slide->second.type != "slide") continue;
            if (!m_seen.insert(slide->second.target).second) continue;
            if (auto done = addSlide(slide->second.target); !done) return done;
        }
        if (m_nDamaged > 0) {
            m_document.warnings.push_back(std::to_string(m_nDamaged) +
                                          " slides are damaged and not complete");
        }
        if (m_nHidden > 0) {
            m_document.warnings.push_back("read " + std::to_string(m_nHidden) +
                                          " slides that are not shown");
        }
        if (m_hadHiddenText) {
            m_document.warnings.emplace_back("left out text that the document hides");
        }
        if (!m_document.pages.empty()) return {};
        if (m_nListed > 0) {
            return fail(ErrorCode::Corrupt, "none of the presentation's slides can be found");
        }
        m_document.pages.push_back({.number = 1, .text = {}});  // a template
        return {};
    }

private:
    Result<void> addSlide(const std::string& part) {
        const int number = static_cast<int>(m_document.pages.size()) + 1;
        TextBuilder builder(number);
        builder.startHeading(1);
        SlideReader title(builder, SlidePart::Title);
        const auto readTitle = readXml(m_archive, part, title);
        builder.endHeading();
        SlideReader body(builder, SlidePart::Body);
        const auto readBody = readTitle ? readXml(m_archive, part, body) : readTitle;
        if (!readBody) {
            if (readBody.error().code == ErrorCode::LimitExceeded) return readBody;
            ++m_nDamaged;
        }
        m_hadHiddenText = m_hadHiddenText || body.hadHiddenText();
        if (title.isHidden()) ++m_nHidden;

        const auto relations = relationsOf(m_archive, part);
        for (const std::string& chart : targetsOf(relations, "chart")) {
            if (!m_seen.insert(chart).second) continue;
            if (auto done = addChart(m_archive, chart, builder); !done) return done;
        }
        for (const std::string_view type : {"diagramData", "comments"}) {
            for (const std::string& other : targetsOf(relations, type)) {
                if (!m_seen.insert(other).second) continue;
                if (auto done = addParagraphs(m_archive, other, builder); !done) return done;
            }
        }
        for (const std::string& notes : targetsOf(relations, "notesSlide")) {
            if (!m_archive.has(notes) || !m_seen.insert(notes).second) continue;
            builder.breakParagraph();
            SlideReader reader(builder, SlidePart::Notes);
            const auto done = readXml(m_archive, notes, reader);
            if (!done && done.error().code == ErrorCode::LimitExceeded) return done;
        }
        builder.finish(m_document);
        m_totalBytes += m_document.pages.back().text.size();
        if (m_totalBytes > kMostTextBytes) {
            return fail(ErrorCode::LimitExceeded, "the slides hold more than 64 MiB of text");
        }
        return {};
    }

    const Archive& m_archive;
    ExtractedDocument& m_document;
    std::set<std::string> m_seen;  ///< parts, each read once
    std::size_t m_totalBytes = 0;
    std::size_t m_nListed = 0;
    std::size_t m_nDamaged = 0;
    std::size_t m_nHidden = 0;
    bool m_hadHiddenText = false;
};

}  // namespace

Result<ExtractedDocument> parsePptx(const Source& source) {
    const auto archive = Archive::open(source.bytes);
    if (!archive) return tl::unexpected(archive.error());
    ExtractedDocument document;
    document.mime = "application/vnd.openxmlformats-officedocument.presentationml.presentation";
    document.title = titleIn(*archive, "docProps/core.xml");
    if (const auto read = PresentationText(*archive, document).read(); !read) {
        return tl::unexpected(read.error());
    }
    return document;
}

}  // namespace conclave::retrieval::extractor
