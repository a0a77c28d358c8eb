// JSON, JSON Lines and notebooks. A record, as the object of a list or of a line, becomes one line
// "key: value | key: value" like a table's row; keys of inner objects are joined by dots.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "retrieval/extractor/encoding.h"
#include "retrieval/extractor/json_tree.h"
#include "retrieval/extractor/markdown_headings.h"
#include "retrieval/extractor/parser.h"
#include "retrieval/extractor/table_text.h"

namespace conclave::retrieval::extractor {
namespace {

/// A longer record gets a line for each value.
constexpr std::size_t kLongestRecord = 900;

/// A larger file is read as it stands: its tree would take ten times the memory.
constexpr std::size_t kMostTreeBytes = std::size_t{32} << 20;

/// "path: value" of everything in a node, in order.
class LeafLines {
public:
    LeafLines(const JsonNode& node, const std::string& path) { collect(node, path); }

    [[nodiscard]] const std::vector<std::string>& lines() const { return m_lines; }
    /// There are more.
    [[nodiscard]] bool isCut() const { return m_bytes > kMostTextBytes; }

private:
    void collect(const JsonNode& node, const std::string& path) {
        // Long keys of deep objects are repeated for each of their values.
        m_bytes += path.size() + 1;
        if (isCut()) return;
        if (node.isLeaf()) {
            add(path, node.text);
        } else if (node.kind == JsonNode::Kind::Object) {
            for (const auto& [key, child] : node.children) {
                std::string childPath = path;
                if (!childPath.empty()) childPath += '.';
                collect(child, childPath += key);
                if (isCut()) return;
            }
        } else {
            collectList(node, path);
        }
    }

    void collectList(const JsonNode& node, const std::string& path) {
        std::string list;
        for (const auto& [key, child] : node.children) {
            if (!child.isLeaf()) {
                add(path, std::exchange(list, {}));
                collect(child, path);
            } else if (!child.text.empty()) {
                if (!list.empty()) list += ", ";
                list += child.text;
            }
        }
        add(path, list);
    }

    void add(const std::string& path, const std::string& value) {
        if (value.empty()) return;
        m_bytes += value.size();
        m_lines.push_back(path.empty() ? value : path + ": " + value);
    }

    std::vector<std::string> m_lines;
    std::size_t m_bytes = 0;
};

/// Writes records and sections of a page.
class JsonText {
public:
    [[nodiscard]] bool isTooLarge() const { return m_isCut || m_text.size() > kMostTextBytes; }

    /// One line if it fits; else a paragraph of lines.
    void addRecord(const JsonNode& node) {
        const LeafLines leaves(node, {});
        m_isCut = m_isCut || leaves.isCut();
        const std::vector<std::string>& lines = leaves.lines();
        std::size_t length = 0;
        for (const std::string& line : lines) length += line.size() + 3;
        if (lines.empty() || isTooLarge()) return;
        if (length > kLongestRecord) {
            if (!m_text.empty() && !m_text.ends_with("\n\n")) m_text.push_back('\n');
            for (const std::string& line : lines) m_text += line + "\n";
            m_text.push_back('\n');
            return;
        }
        std::string record;
        for (const std::string& line : lines) {
            if (!record.empty()) record += " | ";
            record += onOneLine(line);
        }
        m_text += record + "\n";
    }

    void addLine(std::string_view line) {
        m_text += line;
        m_text.push_back('\n');
    }

    void addRoot(const JsonNode& root) {
        if (root.kind == JsonNode::Kind::Array) return addList(root);
        for (const auto& [key, child] : root.children) {
            if (isSection(child)) {
                startSection(key);
                if (child.kind == JsonNode::Kind::Array) {
                    addList(child);
                } else {
                    addMembers(child);
                }
            } else {
                addLines(child, key);
            }
            if (isTooLarge()) return;
        }
        if (root.isLeaf()) addLine(root.text);
    }

    void finish(ExtractedDocument& document) {
        while (m_text.ends_with("\n\n")) m_text.pop_back();
        document.pages.push_back({.number = 1, .text = std::move(m_text)});
        document.headings = std::move(m_headings);
    }

private:
    /// Objects, and lists of objects.
    static bool isSection(const JsonNode& node) {
        if (node.kind == JsonNode::Kind::Object) return !node.children.empty();
        return std::any_of(node.children.begin(), node.children.end(),
                           [](const auto& child) { return !child.second.isLeaf(); });
    }

    void startSection(const std::string& key) {
        if (!m_text.empty() && !m_text.ends_with("\n\n")) m_text.push_back('\n');
        const std::string words = onOneLine(key);
        if (words.empty()) return;
        const std::size_t start = m_text.size();
        m_text += words;
        m_headings.push_back({.page = 1, .startByte = start, .endByte = m_text.size(), .level = 1});
        m_text += "\n\n";
    }

    void addList(const JsonNode& list) {
        for (const auto& [key, child] : list.children) {
            addRecord(child);
            if (isTooLarge()) return;
        }
    }

    /// An object of objects is a list with names.
    void addMembers(const JsonNode& object) {
        for (const auto& [key, child] : object.children) {
            if (child.kind == JsonNode::Kind::Object) {
                JsonNode named{.kind = JsonNode::Kind::Object, .text = {}};
                named.children.emplace_back(key, child);
                addRecord(named);
            } else {
                addLines(child, key);
            }
            if (isTooLarge()) return;
        }
    }

    void addLines(const JsonNode& node, const std::string& path) {
        const LeafLines leaves(node, path);
        m_isCut = m_isCut || leaves.isCut();
        for (const std::string& line : leaves.lines()) addLine(line);
    }

    std::string m_text;
    std::vector<Heading> m_headings;
    bool m_isCut = false;
};

tl::unexpected<Error> tooLarge() {
    return fail(ErrorCode::LimitExceeded, "the file holds more than 64 MiB of text");
}

ExtractedDocument startDocument(const DecodedText& decoded, std::string mime) {
    ExtractedDocument document;
    document.mime = std::move(mime);
    if (!decoded.isLossless) {
        document.warnings.push_back("some bytes are no characters of " + decoded.encoding);
    }
    return document;
}

Result<ExtractedDocument> asItStands(ExtractedDocument document, std::string text,
                                     const std::string& reason) {
    if (text.size() > kMostTextBytes) return tooLarge();
    document.warnings.push_back("read as plain text: " + reason);
    document.pages.push_back({.number = 1, .text = std::move(text)});
    return document;
}

/// A text that notebooks cut into lines.
std::string joinedText(const JsonNode* node) {
    if (node == nullptr) return {};
    if (node->isLeaf()) return node->text;
    std::string text;
    for (const auto& [key, child] : node->children) text += child.text;
    return text;
}

/// The text a cell printed or showed; pictures and HTML forms of the same are left out.
std::string outputText(const JsonNode& cell) {
    std::string text;
    const JsonNode* outputs = cell.find("outputs");
    if (outputs == nullptr) return text;
    for (const auto& [key, output] : outputs->children) {
        std::string piece = joinedText(output.find("text"));
        if (const JsonNode* data = output.find("data"); piece.empty() && data != nullptr) {
            piece = joinedText(data->find("text/plain"));
        }
        if (piece.empty()) {
            const JsonNode* name = output.find("ename");
            if (name != nullptr) piece = name->text + ": " + joinedText(output.find("evalue"));
        }
        if (!piece.empty() && !text.empty() && !text.ends_with('\n')) text.push_back('\n');
        text += piece;
    }
    return text;
}

/// Adds a cell's text as a block of its own. Returns where it begins.
std::size_t appendBlock(std::string& page, std::string_view block) {
    while (block.ends_with('\n')) block.remove_suffix(1);
    if (block.empty()) return page.size();
    if (!page.empty()) page += "\n\n";
    const std::size_t start = page.size();
    page += block;
    return start;
}

}  // namespace

Result<ExtractedDocument> parseJson(const Source& source) {
    auto decoded = decodeText(source.bytes);
    if (!decoded) return tl::unexpected(decoded.error());
    ExtractedDocument document = startDocument(*decoded, "application/json");
    if (decoded->text.size() > kMostTreeBytes) {
        return asItStands(std::move(document), std::move(decoded->text), "the file is large");
    }
    const auto root = parseJsonTree(decoded->text);
    if (!root) {
        return asItStands(std::move(document), std::move(decoded->text), root.error().detail);
    }
    JsonText text;
    text.addRoot(*root);
    if (text.isTooLarge()) return tooLarge();
    text.finish(document);
    return document;
}

Result<ExtractedDocument> parseJsonLines(const Source& source) {
    auto decoded = decodeText(source.bytes);
    if (!decoded) return tl::unexpected(decoded.error());
    ExtractedDocument document = startDocument(*decoded, "application/jsonl");
    JsonText text;
    std::size_t nBad = 0;
    const std::string_view all = decoded->text;
    for (std::size_t at = 0; at < all.size() && !text.isTooLarge();) {
        const std::size_t newline = std::min(all.find('\n', at), all.size());
        const std::string_view line = all.substr(at, newline - at);
        at = newline + 1;
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        if (const auto node = parseJsonTree(line)) {
            text.addRecord(*node);
        } else {
            ++nBad;
            text.addLine(line);
        }
    }
    if (text.isTooLarge()) return tooLarge();
    if (nBad > 0) {
        document.warnings.push_back(std::to_string(nBad) +
                                    " lines are no JSON and stand as they are");
    }
    text.finish(document);
    return document;
}

Result<ExtractedDocument> parseNotebook(const Source& source) {
    auto decoded = decodeText(source.bytes);
    if (!decoded) return tl::unexpected(decoded.error());
    const auto root = parseJsonTree(decoded->text);
    if (!root) {
        return fail(root.error().code == ErrorCode::LimitExceeded ? ErrorCode::LimitExceeded
                                                                  : ErrorCode::Corrupt,
                    source.fileName + " is no notebook: " + root.error().detail);
    }
    ExtractedDocument document = startDocument(*decoded, "application/x-ipynb+json");
    const JsonNode* cells = root->find("cells");
    if (cells == nullptr) {  // before version 4
        const JsonNode* sheets = root->find("worksheets");
        if (sheets != nullptr && !sheets->children.empty()) {
            cells = sheets->children.front().second.find("cells");
        }
    }
    if (cells == nullptr) {
        return fail(ErrorCode::Corrupt, source.fileName + " is no notebook: it has no cells");
    }
    if (cells->kind != JsonNode::Kind::Array) {
        return fail(ErrorCode::Corrupt, source.fileName + " is no notebook: its cells are no list");
    }
    std::string page;
    for (const auto& [key, cell] : cells->children) {
        const JsonNode* kind = cell.find("cell_type");
        const bool isCode = kind != nullptr && kind->text == "code";
        std::string text = joinedText(cell.find("source"));
        if (text.empty()) text = joinedText(cell.find("input"));
        const std::size_t start = appendBlock(page, text);
        if (isCode) {
            appendBlock(page, outputText(cell));
        } else if (kind != nullptr && kind->text == "markdown") {
            for (Heading heading : markdownHeadings(text)) {
                heading.startByte += start;
                heading.endByte += start;
                document.headings.push_back(heading);
            }
        }
        if (page.size() > kMostTextBytes) return tooLarge();
    }
    if (!page.empty()) page.push_back('\n');
    if (!document.headings.empty()) {
        const Heading& first = document.headings.front();
        document.title = page.substr(first.startByte, first.endByte - first.startByte);
    }
    document.pages.push_back({.number = 1, .text = std::move(page)});
    return document;
}

}  // namespace conclave::retrieval::extractor
