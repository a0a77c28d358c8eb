#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <libxml/HTMLparser.h>

#include "retrieval/extractor/ascii.h"
#include "retrieval/extractor/encoding.h"
#include "retrieval/extractor/hidden_text.h"
#include "retrieval/extractor/html_reader.h"
#include "retrieval/extractor/html_style.h"
#include "retrieval/extractor/parser.h"

namespace conclave::retrieval::extractor {
namespace {

/// Far deeper than any page; the parser itself does not recurse.
constexpr std::size_t kDeepest = 100'000;

std::string_view view(const xmlChar* text) {
    return text != nullptr ? std::string_view(reinterpret_cast<const char*>(text))
                           : std::string_view();
}

constexpr auto kDropped = std::to_array<std::string_view>(
    {"script", "style", "template", "noscript", "svg", "object", "iframe", "canvas", "audio",
     "video", "rt", "rp", "select", "button", "map"});
constexpr auto kParagraphs = std::to_array<std::string_view>(
    {"p",       "div",    "section",    "article", "main",     "header",  "footer",
     "nav",     "aside",  "blockquote", "pre",     "ul",       "ol",      "dl",
     "table",   "figure", "figcaption", "form",    "fieldset", "address", "hr",
     "details", "center", "body",       "caption"});
constexpr auto kLines = std::to_array<std::string_view>(
    {"br", "dt", "dd", "summary", "option", "legend", "thead", "tbody", "tfoot"});

/// Turns the parser's events into text.
class HtmlHandler {
public:
    HtmlHandler(TextBuilder& builder, bool hasMain, const StyleSheet& styles, bool isOnWhite)
        : m_builder(builder), m_hasMain(hasMain), m_styles(styles) {
        if (isOnWhite) m_paper.background = "#ffffff";
    }

    void attach(xmlParserCtxtPtr context) { m_context = context; }
    [[nodiscard]] bool isTooLarge() const { return m_isTooLarge; }
    [[nodiscard]] HtmlSummary summary() { return std::move(m_summary); }

    void startElement(std::string_view name, const xmlChar** attributes) {
        if (m_open.size() >= kDeepest) return stop();
        Element element;
        element.name = name.substr(0, kLongestName);
        element.look = m_paper;
        if (!m_open.empty()) {
            element.hides = m_open.back().hides;
            element.isDropped = m_open.back().isDropped;
            element.isPreformatted = m_open.back().isPreformatted;
            element.look = m_open.back().look;
        }
        readAttributes(attributes, element);
        element.isDropped = element.isDropped || isOneOf(name, kDropped) ||
                            (m_hasMain && (name == "nav" || name == "footer"));
        element.isPreformatted = element.isPreformatted || name == "pre" || name == "textarea";
        if (element.isSeen()) {
            startVisible(name, element);
        } else if (!element.isDropped && isOneOf(name, kParagraphs)) {
            m_builder.breakParagraph();
        }
        m_open.push_back(std::move(element));
    }

    void endElement(std::string_view name) {
        const std::string_view known = name.substr(0, kLongestName);
        if (m_open.empty() || m_open.back().name != known) return;  // the parser balances them
        const bool isVisible = m_open.back().isSeen();
        const bool isDropped = m_open.back().isDropped;
        m_open.pop_back();
        if (isVisible) {
            endVisible(name);
        } else if (!isDropped && isOneOf(name, kParagraphs)) {
            m_builder.breakParagraph();
        }
    }

    void characters(std::string_view text) {
        const Element* element = m_open.empty() ? nullptr : &m_open.back();
        if (m_titleDepth > 0) {
            constexpr std::size_t kLongestTitle = 1000;
            if (m_summary.title.size() < kLongestTitle) m_summary.title += text;
            return;
        }
        if (element != nullptr && element->isDropped) return;
        if (element != nullptr && !element->isSeen()) {
            m_summary.nHidden += countVisibleSigns(text);
            return;
        }
        if (element != nullptr && element->isPreformatted) {
            m_builder.addPreformatted(text);
        } else {
            m_builder.add(text);
        }
        if (m_builder.sizeBytes() > kMostTextBytes) stop();
    }

private:
    static constexpr std::size_t kLongestName = 32;

    struct Element {
        std::string name;
        bool isDropped = false;
        bool hides = false;
        bool isPreformatted = false;
        std::optional<int> nextItem;  ///< of an ordered list
        Look look = {};
        [[nodiscard]] bool isSeen() const {
            return !isDropped && !hides && !look.isInvisible && !look.isTiny;
        }
    };

    void stop() {
        m_isTooLarge = true;
        xmlStopParser(m_context);
    }

    void readAttributes(const xmlChar** attributes, Element& element) const {
        if (!m_styles.isEmpty()) readSheet(attributes, element);
        if (attributes == nullptr) return;
        for (std::size_t i = 0; attributes[i] != nullptr; i += 2) {
            const std::string_view key = view(attributes[i]);
            const std::string_view value = view(attributes[i + 1]);
            if (key == "hidden") element.hides = true;
            if (key == "bgcolor") element.look.background = normalColour(value);
            if (key == "color" && element.name == "font") {
                element.look.text = normalColour(value);
                element.hides = element.hides || (!element.look.text.empty() &&
                                                  element.look.text == element.look.background);
            }
            if (key == "style" && isHiddenByStyle(value, element.look)) element.hides = true;
        }
    }

    void readSheet(const xmlChar** attributes, Element& element) const {
        std::string_view id;
        std::string_view classes;
        for (std::size_t i = 0; attributes != nullptr && attributes[i] != nullptr; i += 2) {
            const std::string_view key = view(attributes[i]);
            if (key == "id") id = view(attributes[i + 1]);
            if (key == "class") classes = view(attributes[i + 1]);
        }
        const std::string style = m_styles.declarationsFor(element.name, id, classes);
        if (!style.empty() && isHiddenByStyle(style, element.look)) element.hides = true;
    }

    static int headingLevel(std::string_view name) {
        const bool isHeading =
            name.size() == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6';
        return isHeading ? name[1] - '0' : 0;
    }

    void startVisible(std::string_view name, Element& element) {
        if (name == "title") ++m_titleDepth;
        if (const int level = headingLevel(name); level > 0) {
            m_builder.startHeading(level);
        } else if (name == "tr") {
            m_builder.startRow();
        } else if (name == "td" || name == "th") {
            m_builder.startCell();
        } else if (name == "li") {
            startItem();
        } else if (isOneOf(name, kParagraphs)) {
            // A list inside an item follows it on the next line.
            const bool isInner = (name == "ul" || name == "ol") && isInside("li");
            isInner ? m_builder.breakLine() : m_builder.breakParagraph();
        } else if (isOneOf(name, kLines)) {
            m_builder.breakLine();
        }
        if (name == "ol") element.nextItem = 1;
    }

    void startItem() {
        for (auto parent = m_open.rbegin(); parent != m_open.rend(); ++parent) {
            if (parent->name == "ul") break;
            if (parent->name == "ol" && parent->nextItem) {
                m_builder.startItem(std::to_string((*parent->nextItem)++) + ". ");
                return;
            }
            if (parent - m_open.rbegin() > 8) break;
        }
        m_builder.startItem("- ");
    }

    [[nodiscard]] bool isInside(std::string_view name) const {
        return !m_open.empty() && m_open.back().name == name;
    }

    void endVisible(std::string_view name) {
        if (name == "title" && m_titleDepth > 0) --m_titleDepth;
        if (headingLevel(name) > 0) {
            m_builder.endHeading();
        } else if (name == "tr") {
            m_builder.endRow();
        } else if (name != "li" && isOneOf(name, kParagraphs)) {
            m_builder.breakParagraph();
        } else if (name == "li" || (isOneOf(name, kLines) && name != "br")) {
            m_builder.breakLine();
        }
    }

    TextBuilder& m_builder;
    bool m_hasMain;
    const StyleSheet& m_styles;
    Look m_paper;
    xmlParserCtxtPtr m_context = nullptr;
    std::vector<Element> m_open;
    int m_titleDepth = 0;
    bool m_isTooLarge = false;
    HtmlSummary m_summary;
};

HtmlHandler& handlerOf(void* data) { return *static_cast<HtmlHandler*>(data); }

void onStart(void* data, const xmlChar* name, const xmlChar** attributes) {
    handlerOf(data).startElement(view(name), attributes);
}
void onEnd(void* data, const xmlChar* name) { handlerOf(data).endElement(view(name)); }
void onCharacters(void* data, const xmlChar* text, int length) {
    handlerOf(data).characters(
        {reinterpret_cast<const char*>(text), static_cast<std::size_t>(length)});
}
void onProblem(void*, const char*, ...) {}

struct ContextDeleter {
    void operator()(htmlParserCtxt* context) const {
        if (context->myDoc != nullptr) xmlFreeDoc(context->myDoc);
        context->myDoc = nullptr;
        htmlFreeParserCtxt(context);
    }
};

/// The parser compares each attribute of an element with all before it.
bool hasTooManyAttributes(std::string_view html) {
    constexpr std::size_t kMost = 2000;
    const auto isSpace = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
    const auto isLetter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    for (std::size_t at = html.find('<'); at < html.size(); at = html.find('<', at)) {
        ++at;
        if (html.substr(at, 3) == "!--") at = std::min(html.find("-->", at), html.size());
        const std::string name = asciiLower(html.substr(at, 6));
        if (name == "script" || name.starts_with("style")) {
            at = std::min(html.find("</", at), html.size());
        }
        if (at >= html.size() || !isLetter(html[at])) continue;
        std::size_t n = 0;
        char before = ' ';  // but white space
        while (at < html.size() && html[at] != '>') {
            const char c = html[at++];
            if (isSpace(c)) {
                if (at < html.size() && !isSpace(html[at]) && ++n > kMost) return true;
                continue;
            }
            if ((c == '"' || c == '\'') && before == '=') {
                at = html.find(c, at);
                if (at == std::string_view::npos) return false;
                ++at;
            }
            before = c;
        }
    }
    return false;
}

/// Nothing says what the page's background is, so that it is white.
bool saysNoBackground(std::string_view html) {
    const std::string lower = asciiLower(html);
    const auto says = [&](std::string_view word) { return lower.find(word) != std::string::npos; };
    return !says("background") && !says("bgcolor") && !says("stylesheet");
}

bool containsTag(std::string_view html, std::string_view name) {
    for (std::size_t at = html.find('<'); at != std::string_view::npos;
         at = html.find('<', at + 1)) {
        const std::string_view tag = html.substr(at + 1, name.size() + 1);
        const bool same = tag.size() == name.size() + 1 &&
                          std::equal(name.begin(), name.end(), tag.begin(),
                                     [](char a, char b) { return a == (b | 0x20); });
        if (same && (tag.back() == '>' || tag.back() == ' ' || tag.back() == '\n')) return true;
    }
    return false;
}

/// The encoding that a <meta> in the first bytes declares; empty: none.
std::string declaredEncoding(std::string_view bytes) {
    constexpr std::size_t kSearched = 4096;
    constexpr std::string_view kKey = "charset=";
    std::string head(bytes.substr(0, kSearched));
    std::transform(head.begin(), head.end(), head.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    const std::size_t at = head.find(kKey);
    if (at == std::string::npos) return {};
    std::size_t start = at + kKey.size();
    while (start < head.size() && (head[start] == '"' || head[start] == '\'')) ++start;
    const std::size_t end = head.find_first_of("\"'> ;/", start);
    if (end == std::string::npos || end - start > 40) return {};
    return head.substr(start, end - start);
}

std::string collapsed(std::string_view text) {
    TextBuilder line(1);
    line.add(text);
    ExtractedDocument holder;
    line.finish(holder);
    std::string result = std::move(holder.pages.front().text);
    while (!result.empty() && result.back() == '\n') result.pop_back();
    return result;
}

}  // namespace

Result<HtmlSummary> readHtml(std::string_view html, TextBuilder& builder) {
    std::string text(html);
    std::replace(text.begin(), text.end(), '\0', ' ');
    if (hasTooManyAttributes(text)) {
        return fail(ErrorCode::LimitExceeded, "an element of the page has too many attributes");
    }
    const StyleSheet styles = StyleSheet::of(text);
    HtmlHandler handler(builder, containsTag(text, "main") || containsTag(text, "article"), styles,
                        saysNoBackground(text));
    const std::unique_ptr<htmlParserCtxt, ContextDeleter> context(htmlNewParserCtxt());
    if (!context) return fail(ErrorCode::OutOfMemory, "no memory for the HTML parser");
    handler.attach(context.get());
    htmlSAXHandler events{};
    events.startElement = onStart;
    events.endElement = onEnd;
    events.characters = onCharacters;
    events.ignorableWhitespace = onCharacters;
    events.cdataBlock = onCharacters;
    events.error = onProblem;
    events.warning = onProblem;
    *context->sax = events;
    context->userData = &handler;
    htmlCtxtReadMemory(context.get(), text.data(), static_cast<int>(text.size()), nullptr, "UTF-8",
                       HTML_PARSE_RECOVER | HTML_PARSE_NONET | HTML_PARSE_NOERROR |
                           HTML_PARSE_NOWARNING | HTML_PARSE_IGNORE_ENC);
    if (handler.isTooLarge()) {
        return fail(ErrorCode::LimitExceeded, "the page is nested too deeply or too long");
    }
    HtmlSummary summary = handler.summary();
    summary.title = collapsed(summary.title);
    return summary;
}

Result<ExtractedDocument> parseHtml(const Source& source) {
    auto decoded = decodeText(source.bytes, declaredEncoding(source.bytes));
    if (!decoded) return tl::unexpected(decoded.error());
    if (decoded->text.size() > 2 * kMostTextBytes) {
        return fail(ErrorCode::LimitExceeded, "the page is longer than 128 MiB");
    }
    ExtractedDocument document;
    document.mime = "text/html";
    TextBuilder builder(1);
    auto summary = readHtml(decoded->text, builder);
    if (!summary) return tl::unexpected(summary.error());
    builder.finish(document);
    document.title = std::move(summary->title);
    if (!decoded->isLossless) {
        document.warnings.push_back("some bytes are no characters of " + decoded->encoding);
    }
    if (summary->nHidden > 0) {
        document.warnings.push_back(hiddenWarning(summary->nHidden, "the page"));
    }
    return document;
}

}  // namespace conclave::retrieval::extractor
