#include "retrieval/extractor/office_parts.h"

#include <algorithm>
#include <utility>

namespace conclave::retrieval::extractor {
namespace {

class RelationReader : public XmlHandler {
public:
    explicit RelationReader(const std::string& part) : m_part(part) {}
    void start(std::string_view name, const XmlAttributes& attributes) override {
        if (name != "Relationship") return;
        Relation relation;
        const std::string_view type = attributes.get("Type");
        relation.type = type.substr(type.rfind('/') + 1);
        if (attributes.get("TargetMode") != "External") {
            relation.target = resolvePart(m_part, attributes.words("Target"));
        }
        relations.try_emplace(std::string(attributes.get("Id")), std::move(relation));
    }
    void end(std::string_view) override {}
    void text(std::string_view) override {}
    [[nodiscard]] bool isTooLarge() const override { return relations.size() > kMost; }
    std::map<std::string, Relation, std::less<>> relations;

private:
    static constexpr std::size_t kMost = 100'000;
    const std::string& m_part;
};

class TitleReader : public XmlHandler {
public:
    void start(std::string_view name, const XmlAttributes&) override {
        m_isInside = name == "title";
    }
    void end(std::string_view) override { m_isInside = false; }
    void text(std::string_view text) override {
        constexpr std::size_t kLongest = 1000;
        if (m_isInside && title.size() < kLongest) title += text;
    }
    std::string title;

private:
    bool m_isInside = false;
};

/// Paragraphs of DrawingML (a:p of a:t) and of comments (t or text without p).
class ParagraphReader : public XmlHandler {
public:
    explicit ParagraphReader(TextBuilder& builder) : m_builder(builder) {}
    void start(std::string_view name, const XmlAttributes&) override {
        if (name == "p" || name == "cm" || name == "comment") m_builder.breakParagraph();
        if (name == "br") m_builder.breakLine();
        if (name == "t" || name == "text") ++m_textDepth;
    }
    void end(std::string_view name) override {
        if (name == "t" || name == "text") --m_textDepth;
        if (name == "p") m_builder.breakParagraph();
    }
    void text(std::string_view text) override {
        if (m_textDepth > 0) m_builder.add(text);
    }
    [[nodiscard]] bool isTooLarge() const override {
        return m_builder.sizeBytes() > kMostTextBytes;
    }

private:
    TextBuilder& m_builder;
    int m_textDepth = 0;
};

}  // namespace

std::string resolvePart(const std::string& base, std::string_view target) {
    const std::size_t slash = base.rfind('/');
    std::string joined;
    if (!target.starts_with('/') && slash != std::string::npos) joined = base.substr(0, slash + 1);
    joined += target;
    std::vector<std::string> pieces;
    for (std::size_t start = 0; start <= joined.size();) {
        const std::size_t end = std::min(joined.find('/', start), joined.size());
        std::string piece = joined.substr(start, end - start);
        start = end + 1;
        if (piece == "..") {
            if (!pieces.empty()) pieces.pop_back();
        } else if (!piece.empty() && piece != ".") {
            pieces.push_back(std::move(piece));
        }
    }
    std::string name;
    for (const std::string& piece : pieces) {
        if (!name.empty()) name.push_back('/');
        name += piece;
    }
    return name;
}

std::map<std::string, Relation, std::less<>> relationsOf(const Archive& archive,
                                                         const std::string& part) {
    const std::size_t slash = part.rfind('/');
    const std::size_t folder = slash == std::string::npos ? 0 : slash + 1;
    const std::string name = part.substr(0, folder) + "_rels/" + part.substr(folder) + ".rels";
    if (!archive.has(name)) return {};
    RelationReader reader(part);
    static_cast<void>(readXml(archive, name, reader));
    return std::move(reader.relations);
}

std::vector<std::string> targetsOf(const std::map<std::string, Relation, std::less<>>& relations,
                                   std::string_view type) {
    std::vector<std::string> targets;
    for (const auto& [id, relation] : relations) {
        if (relation.type == type && !relation.target.empty()) targets.push_back(relation.target);
    }
    return targets;
}

std::string titleIn(const Archive& archive, const std::string& part) {
    TitleReader reader;
    if (!archive.has(part) || !readXml(archive, part, reader)) return {};
    return std::move(reader.title);
}

Result<void> checkOpenDocumentEncryption(const Archive& archive) {
    if (!archive.has("META-INF/manifest.xml")) return {};
    const auto manifest = archive.readAll("META-INF/manifest.xml");
    if (manifest && manifest->find("encryption-data") != std::string::npos) {
        return fail(ErrorCode::PasswordRequired,
                    "the document is encrypted; save it without a password to have it read");
    }
    return {};
}

Result<void> addParagraphs(const Archive& archive, const std::string& part, TextBuilder& builder) {
    if (!archive.has(part)) return {};
    builder.breakParagraph();
    ParagraphReader reader(builder);
    const auto read = readXml(archive, part, reader);
    builder.breakParagraph();
    if (!read && read.error().code == ErrorCode::LimitExceeded) return read;
    return {};
}

}  // namespace conclave::retrieval::extractor
