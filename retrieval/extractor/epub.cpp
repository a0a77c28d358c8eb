#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "retrieval/extractor/ascii.h"
#include "retrieval/extractor/encoding.h"
#include "retrieval/extractor/hidden_text.h"
#include "retrieval/extractor/html_reader.h"
#include "retrieval/extractor/office_parts.h"
#include "retrieval/extractor/parser.h"
#include "retrieval/extractor/text_builder.h"
#include "retrieval/extractor/xml_reader.h"

namespace conclave::retrieval::extractor {
namespace {

/// META-INF/container.xml: where the package document is.
class ContainerReader : public XmlHandler {
public:
    void start(std::string_view name, const XmlAttributes& attributes) override {
        if (name == "rootfile" && path.empty()) path = attributes.words("full-path");
    }
    void end(std::string_view) override {}
    void text(std::string_view) override {}
    std::string path;
};

/// The package document: title, files by id, reading order.
class PackageReader : public XmlHandler {
public:
    void start(std::string_view name, const XmlAttributes& attributes) override {
        m_inTitle = name == "title" && title.empty();
        if (name == "item") {
            files[std::string(attributes.get("id"))] = attributes.words("href");
        } else if (name == "itemref") {
            spine.emplace_back(attributes.get("idref"));
        }
    }
    void end(std::string_view) override { m_inTitle = false; }
    void text(std::string_view text) override {
        constexpr std::size_t kLongest = 1000;
        if (m_inTitle && title.size() < kLongest) title += text;
    }
    std::string title;
    std::unordered_map<std::string, std::string> files;
    std::vector<std::string> spine;

private:
    bool m_inTitle = false;
};

/// META-INF/encryption.xml: the files that are locked.
class EncryptionReader : public XmlHandler {
public:
    void start(std::string_view name, const XmlAttributes& attributes) override {
        if (name == "CipherReference") files.push_back(attributes.words("URI"));
    }
    void end(std::string_view) override {}
    void text(std::string_view) override {}
    std::vector<std::string> files;
};

/// `href` beside the package document as a name in the archive: decoded, without fragment, with
/// "." and ".." resolved inside the archive.
std::string resolve(const std::string& package, std::string_view href) {
    const std::size_t slash = package.rfind('/');
    std::string joined = slash == std::string::npos ? std::string() : package.substr(0, slash + 1);
    href = href.substr(0, href.find('#'));
    for (std::size_t i = 0; i < href.size(); ++i) {
        if (href[i] == '%' && i + 2 < href.size() && hexValue(href[i + 1]) >= 0 &&
            hexValue(href[i + 2]) >= 0) {
            joined.push_back(static_cast<char>(hexValue(href[i + 1]) * 16 + hexValue(href[i + 2])));
            i += 2;
        } else {
            joined.push_back(href[i]);
        }
    }
    return resolvePart({}, joined);
}

bool isLocked(const Archive& archive, const std::vector<std::string>& chapters) {
    EncryptionReader encryption;
    if (!archive.has("META-INF/encryption.xml") ||
        !readXml(archive, "META-INF/encryption.xml", encryption)) {
        return false;
    }
    return std::any_of(encryption.files.begin(), encryption.files.end(), [&](const auto& file) {
        return std::find(chapters.begin(), chapters.end(), resolve("", file)) != chapters.end();
    });
}

/// Adds one chapter as a page. Errors: those of the reading.
Result<void> addChapter(const Archive& archive, const std::string& name, TextBuilder& builder,
                        ExtractedDocument& document, std::size_t& nHidden) {
    const auto bytes = archive.readAll(name);
    if (!bytes) return tl::unexpected(bytes.error());
    const auto decoded = decodeText(*bytes);
    if (!decoded) return tl::unexpected(decoded.error());
    const auto summary = readHtml(decoded->text, builder);
    if (!summary) return tl::unexpected(summary.error());
    nHidden += summary->nHidden;
    builder.finish(document);
    return {};
}

}  // namespace

Result<ExtractedDocument> parseEpub(const Source& source) {
    const auto archive = Archive::open(source.bytes);
    if (!archive) return tl::unexpected(archive.error());
    ContainerReader container;
    if (const auto read = readXml(*archive, "META-INF/container.xml", container); !read) {
        return tl::unexpected(read.error());
    }
    PackageReader package;
    if (const auto read = readXml(*archive, container.path, package); !read) {
        if (read.error().code != ErrorCode::NotFound) return tl::unexpected(read.error());
        return fail(ErrorCode::Corrupt, "the book has no table of its parts");
    }
    std::vector<std::string> chapters;
    for (const std::string& id : package.spine) {
        const auto file = package.files.find(id);
        if (file != package.files.end()) {
            chapters.push_back(resolve(container.path, file->second));
        }
    }
    if (isLocked(*archive, chapters)) {
        return fail(ErrorCode::PasswordRequired, "the book is locked by copy protection");
    }

    ExtractedDocument document;
    document.mime = "application/epub+zip";
    document.title = package.title;
    std::size_t nHidden = 0;
    std::size_t nMissing = 0;
    std::size_t total = 0;
    for (std::size_t i = 0; i < chapters.size(); ++i) {
        const int page = static_cast<int>(i) + 1;
        TextBuilder builder(page);
        const auto added = addChapter(*archive, chapters[i], builder, document, nHidden);
        if (!added) {
            const ErrorCode code = added.error().code;
            if (code == ErrorCode::LimitExceeded || code == ErrorCode::PasswordRequired) {
                return tl::unexpected(added.error());
            }
            ++nMissing;
            continue;
        }
        total += document.pages.back().text.size();
        if (total > kMostTextBytes) {
            return fail(ErrorCode::LimitExceeded, "the book holds more than 64 MiB of text");
        }
    }
    if (document.pages.empty()) return fail(ErrorCode::Corrupt, "the book has no readable chapter");
    if (nMissing > 0) {
        document.warnings.push_back(std::to_string(nMissing) + " of " +
                                    std::to_string(chapters.size()) +
                                    " chapters are missing or damaged");
    }
    if (nHidden > 0) document.warnings.push_back(hiddenWarning(nHidden, "the book"));
    return document;
}

}  // namespace conclave::retrieval::extractor
