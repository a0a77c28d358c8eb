#include "ui/markdown/markdown.h"

#include <cmark.h>

#include <QRegularExpression>
#include <QStringList>
#include <memory>
#include <optional>
#include <string>

namespace conclave::ui {

namespace {

struct NodeDeleter {
    void operator()(cmark_node* node) const { cmark_node_free(node); }
};
using NodeTree = std::unique_ptr<cmark_node, NodeDeleter>;

/// Deeper nesting than this is flattened into text: hostile input must not exhaust the stack.
constexpr int kMaxDepth = 24;

QString literal(cmark_node* node) {
    const char* text = cmark_node_get_literal(node);
    return text ? QString::fromUtf8(text) : QString();
}

void append(std::vector<Span>& spans, Span span) {
    const bool joins = !spans.empty() && spans.back().flags == span.flags &&
                       spans.back().href == span.href && !(span.flags & Span::LineBreak);
    if (joins) {
        spans.back().text += span.text;
    } else {
        spans.push_back(std::move(span));
    }
}

/// Text of all inlines below `node`, without their looks.
QString plainText(cmark_node* node) {
    QString text;
    std::unique_ptr<cmark_iter, void (*)(cmark_iter*)> iter(cmark_iter_new(node), cmark_iter_free);
    for (cmark_event_type event = cmark_iter_next(iter.get()); event != CMARK_EVENT_DONE;
         event = cmark_iter_next(iter.get())) {
        if (event == CMARK_EVENT_ENTER) text += literal(cmark_iter_get_node(iter.get()));
    }
    return text;
}

/// Where strikethrough begins and ends among the text children of one parent: "~~" opens before a
/// visible character and closes after one.
struct Tilde {
    cmark_node* node;
    qsizetype position;
};

std::vector<Tilde> strikeMarks(cmark_node* parent) {
    std::vector<Tilde> marks;
    for (cmark_node* child = cmark_node_first_child(parent); child;
         child = cmark_node_next(child)) {
        if (cmark_node_get_type(child) != CMARK_NODE_TEXT) continue;
        const QString text = literal(child);
        for (qsizetype at = text.indexOf("~~"); at >= 0; at = text.indexOf("~~", at)) {
            qsizetype end = at;
            while (end < text.size() && text[end] == '~') ++end;
            if (end - at == 2) {
                const bool opens = marks.size() % 2 == 0;
                const bool blankBefore =
                    at > 0 ? text[at - 1].isSpace() : !cmark_node_previous(child);
                const bool blankAfter =
                    end < text.size() ? text[end].isSpace() : !cmark_node_next(child);
                if (opens ? !blankAfter : !blankBefore) marks.push_back({child, at});
            }
            at = end;
        }
    }
    if (marks.size() % 2) marks.pop_back();
    return marks;
}

void readInlines(cmark_node* parent, unsigned flags, const QString& href, int depth,
                 std::vector<Span>& out) {
    const std::vector<Tilde> marks = strikeMarks(parent);
    std::size_t nextMark = 0;
    bool strike = false;
    for (cmark_node* child = cmark_node_first_child(parent); child;
         child = cmark_node_next(child)) {
        const unsigned look = flags | (strike ? unsigned{Span::Strike} : 0u);
        const auto nested = [&](unsigned more, const QString& link) {
            if (depth >= kMaxDepth) {
                append(out, {plainText(child), look | more, link});
            } else {
                readInlines(child, look | more, link, depth + 1, out);
            }
        };
        switch (cmark_node_get_type(child)) {
            case CMARK_NODE_TEXT: {
                const QString text = literal(child);
                qsizetype from = 0;
                for (; nextMark < marks.size() && marks[nextMark].node == child; ++nextMark) {
                    const qsizetype at = marks[nextMark].position;
                    const unsigned now = flags | (strike ? unsigned{Span::Strike} : 0u);
                    if (at > from) append(out, {text.mid(from, at - from), now, href});
                    strike = !strike;
                    from = at + 2;
                }
                const unsigned now = flags | (strike ? unsigned{Span::Strike} : 0u);
                if (from < text.size()) append(out, {text.mid(from), now, href});
                break;
            }
            case CMARK_NODE_SOFTBREAK: append(out, {QStringLiteral(" "), look, href}); break;
            case CMARK_NODE_LINEBREAK:
                append(out, {QString(), look | Span::LineBreak, href});
                break;
            case CMARK_NODE_CODE: append(out, {literal(child), look | Span::Code, href}); break;
            case CMARK_NODE_HTML_INLINE: {
                const QString html = literal(child);
                static const QRegularExpression lineBreak(
                    QStringLiteral("^<br\\s*/?>$"), QRegularExpression::CaseInsensitiveOption);
                if (lineBreak.match(html).hasMatch()) {
                    append(out, {QString(), look | Span::LineBreak, href});
                } else {
                    append(out, {html, look, href});
                }
                break;
            }
            case CMARK_NODE_EMPH: nested(Span::Italic, href); break;
            case CMARK_NODE_STRONG: nested(Span::Bold, href); break;
            case CMARK_NODE_LINK: nested(0, QString::fromUtf8(cmark_node_get_url(child))); break;
            case CMARK_NODE_IMAGE: {
                QString name = plainText(child);
                const QString url = QString::fromUtf8(cmark_node_get_url(child));
                if (name.isEmpty()) name = url;
                append(out, {name, look | Span::Image, url});
                break;
            }
            default: nested(0, href); break;
        }
    }
}

/// Splits what is neither code nor a link at citations and bare web addresses.
std::vector<Span> markCitationsAndLinks(std::vector<Span> spans) {
    static const QRegularExpression pattern(
        QStringLiteral("\\[(\\d{1,2})\\]|https?://[^\\s<>\"'`]+[^\\s<>\"'`.,;:!?)\\]}*_~]"));
    std::vector<Span> result;
    result.reserve(spans.size());
    for (Span& span : spans) {
        const bool fixed =
            (span.flags & (Span::Code | Span::Image | Span::LineBreak)) || !span.href.isEmpty();
        if (fixed || (!span.text.contains('[') && !span.text.contains(QLatin1String("://")))) {
            result.push_back(std::move(span));
            continue;
        }
        qsizetype from = 0;
        auto matches = pattern.globalMatch(span.text);
        while (matches.hasNext()) {
            const QRegularExpressionMatch match = matches.next();
            if (match.capturedStart() > from) {
                result.push_back(
                    {span.text.mid(from, match.capturedStart() - from), span.flags, {}});
            }
            const int number = match.captured(1).toInt();
            result.push_back(
                {match.captured(), span.flags, number ? QString() : match.captured(), number});
            from = match.capturedEnd();
        }
        if (from < span.text.size()) result.push_back({span.text.mid(from), span.flags, {}});
    }
    return result;
}

std::vector<Span> inlines(cmark_node* parent) {
    std::vector<Span> spans;
    readInlines(parent, 0, {}, 0, spans);
    return markCitationsAndLinks(std::move(spans));
}

// ---------------------------------------------------------------------------------------- tables

/// Cells of a table row: split at pipes that are not escaped.
QStringList splitRow(QString line) {
    line = line.trimmed();
    if (line.startsWith('|')) line.remove(0, 1);
    QStringList cells{QString()};
    bool lastWasPipe = false;
    for (qsizetype i = 0; i < line.size(); ++i) {
        lastWasPipe = false;
        if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '|') {
            cells.back() += '|';
            ++i;
        } else if (line[i] == '|') {
            cells.append(QString());
            lastWasPipe = true;
        } else {
            cells.back() += line[i];
        }
    }
    if (lastWasPipe) cells.removeLast();
    for (QString& cell : cells) cell = cell.trimmed();
    return cells;
}

std::optional<std::vector<Block::Align>> delimiterRow(const QString& line) {
    static const QRegularExpression shape(
        QStringLiteral("^\\s*\\|?\\s*:?-+:?\\s*(\\|\\s*:?-+:?\\s*)*\\|?\\s*$"));
    if (!line.contains('|') || !shape.match(line).hasMatch()) return std::nullopt;
    std::vector<Block::Align> aligns;
    for (const QString& cell : splitRow(line)) {
        const bool left = cell.startsWith(':');
        const bool right = cell.endsWith(':');
        aligns.push_back(left && right ? Block::Align::Center
                         : right       ? Block::Align::Right
                         : left        ? Block::Align::Left
                                       : Block::Align::None);
    }
    return aligns;
}

std::vector<Span> parseInline(const QString& text) {
    // The no-break space keeps "# x" or "- x" in a cell from becoming a block of its own.
    const QByteArray utf8 = (QChar(0xa0) + text).toUtf8();
    const NodeTree tree(cmark_parse_document(
        utf8.constData(), static_cast<std::size_t>(utf8.size()), CMARK_OPT_DEFAULT));
    cmark_node* paragraph = cmark_node_first_child(tree.get());
    if (!paragraph || cmark_node_get_type(paragraph) != CMARK_NODE_PARAGRAPH) return {};
    std::vector<Span> spans = inlines(paragraph);
    if (!spans.empty() && spans.front().text.startsWith(QChar(0xa0)))
        spans.front().text.remove(0, 1);
    if (!spans.empty() && spans.front().text.isEmpty() && spans.front().flags == 0)
        spans.erase(spans.begin());
    return spans;
}

Block tableRow(QStringList cells, std::size_t nColumns) {
    Block row;
    row.kind = Block::Kind::Row;
    cells.resize(static_cast<qsizetype>(nColumns));
    for (const QString& text : cells) {
        Block cell;
        cell.spans = parseInline(text);
        row.children.push_back(std::move(cell));
    }
    return row;
}

// ---------------------------------------------------------------------------------------- blocks

class Reader {
public:
    explicit Reader(std::string_view text)
        : m_lines(QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size())).split('\n')) {
    }

    void readChildren(cmark_node* parent, int depth, std::vector<Block>& out) const {
        for (cmark_node* child = cmark_node_first_child(parent); child;
             child = cmark_node_next(child)) {
            readBlock(child, depth, out);
        }
    }

private:
    void readBlock(cmark_node* node, int depth, std::vector<Block>& out) const {
        Block block;
        switch (cmark_node_get_type(node)) {
            case CMARK_NODE_PARAGRAPH:
                if (readTable(node, out)) return;
                block.spans = inlines(node);
                break;
            case CMARK_NODE_HEADING:
                block.kind = Block::Kind::Heading;
                block.level = cmark_node_get_heading_level(node);
                block.spans = inlines(node);
                break;
            case CMARK_NODE_CODE_BLOCK: {
                block.kind = Block::Kind::Code;
                const char* info = cmark_node_get_fence_info(node);
                block.language = QString::fromUtf8(info ? info : "").section(' ', 0, 0);
                block.code = literal(node);
                if (block.code.endsWith('\n')) block.code.chop(1);
                break;
            }
            case CMARK_NODE_HTML_BLOCK:
                block.spans.push_back({literal(node).trimmed(), 0, {}});
                break;
            case CMARK_NODE_THEMATIC_BREAK: block.kind = Block::Kind::Rule; break;
            case CMARK_NODE_BLOCK_QUOTE: block.kind = Block::Kind::Quote; break;
            case CMARK_NODE_LIST:
                block.kind = Block::Kind::List;
                block.ordered = cmark_node_get_list_type(node) == CMARK_ORDERED_LIST;
                block.level = cmark_node_get_list_start(node);
                block.tight = cmark_node_get_list_tight(node) != 0;
                break;
            case CMARK_NODE_ITEM: block.kind = Block::Kind::Item; break;
            default: return;
        }
        const bool container = block.kind == Block::Kind::Quote ||
                               block.kind == Block::Kind::List || block.kind == Block::Kind::Item;
        if (container) {
            if (depth >= kMaxDepth) {
                block = Block{};
                block.spans.push_back({plainText(node), 0, {}});
            } else {
                readChildren(node, depth + 1, block.children);
            }
        }
        if (block.kind == Block::Kind::Item) readTask(block);
        out.push_back(std::move(block));
    }

    /// "[ ] " and "[x] " at the beginning of an item make it a task.
    static void readTask(Block& item) {
        if (item.children.empty() || item.children.front().kind != Block::Kind::Paragraph) return;
        std::vector<Span>& spans = item.children.front().spans;
        if (spans.empty() || spans.front().flags != 0) return;
        static const QRegularExpression task(QStringLiteral("^\\[([ xX])\\]\\s"));
        const QRegularExpressionMatch match = task.match(spans.front().text);
        if (!match.hasMatch()) return;
        item.checked = match.captured(1) == QLatin1String(" ") ? 0 : 1;
        spans.front().text.remove(0, match.capturedLength());
    }

    /// A GFM table inside a paragraph: a row, a delimiter row with as many cells, further rows.
    bool readTable(cmark_node* paragraph, std::vector<Block>& out) const {
        const int first = cmark_node_get_start_line(paragraph) - 1;
        const int last = cmark_node_get_end_line(paragraph) - 1;
        if (first < 0 || last - first < 1 || last >= m_lines.size()) return false;
        QStringList lines;
        for (int i = first; i <= last; ++i) {
            QString line = m_lines[i];
            static const QRegularExpression quote(QStringLiteral("^[ >\\t]+"));
            if (i > first) line.remove(quote);
            lines.append(line);
        }
        // The first line may begin with list or quote markers; cmark knows the column, in bytes.
        const QByteArray utf8 = lines.front().toUtf8();
        lines.front() = QString::fromUtf8(utf8.mid(cmark_node_get_start_column(paragraph) - 1));
        for (qsizetype i = 1; i < lines.size(); ++i) {
            const auto aligns = delimiterRow(lines[i]);
            if (!aligns) continue;
            const QStringList header = splitRow(lines[i - 1]);
            if (header.size() != static_cast<qsizetype>(aligns->size())) continue;
            if (i >= 2) {
                Block before;
                before.spans = parseInline(lines.mid(0, i - 1).join(' '));
                out.push_back(std::move(before));
            }
            Block table;
            table.kind = Block::Kind::Table;
            table.aligns = *aligns;
            table.children.push_back(tableRow(header, aligns->size()));
            for (qsizetype r = i + 1; r < lines.size(); ++r) {
                table.children.push_back(tableRow(splitRow(lines[r]), aligns->size()));
            }
            out.push_back(std::move(table));
            return true;
        }
        return false;
    }

    QStringList m_lines;
};

}  // namespace

std::vector<Block> parseMarkdown(std::string_view text) {
    std::string clean(text);  // one kind of line end, so that cmark and we count the same lines
    std::erase(clean, '\r');
    const NodeTree tree(cmark_parse_document(clean.data(), clean.size(), CMARK_OPT_VALIDATE_UTF8));
    std::vector<Block> blocks;
    if (tree) Reader(clean).readChildren(tree.get(), 0, blocks);
    return blocks;
}

}  // namespace conclave::ui
