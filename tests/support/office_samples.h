// office_samples.h: small documents of each archive format, written by hand.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "../support/zip_writer.h"

namespace conclave::test {

/// Names and contents of an archive's entries.
using ZipParts = std::vector<std::pair<std::string, std::string>>;

inline ZipParts docxParts() {
    const std::string w =
        "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" "
        "xmlns:mc=\"http://schemas.openxmlformats.org/markup-compatibility/2006\"";
    const auto paragraph = [](const std::string& text, const std::string& properties = "") {
        return "<w:p>" + (properties.empty() ? "" : "<w:pPr>" + properties + "</w:pPr>") +
               "<w:r><w:t xml:space=\"preserve\">" + text + "</w:t></w:r></w:p>";
    };
    const std::string item = "<w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"1\"/></w:numPr>";
    const std::string document =
        "<?xml version=\"1.0\"?><w:document " + w + "><w:body>" +
        paragraph("Reiseregeln", "<w:pStyle w:val=\"berschrift1\"/>") +
        paragraph("Hotels cost at most &lt;120&gt; euros.") + paragraph("first", item) +
        paragraph("second", item) + paragraph("After the list.") + "<w:tbl><w:tr><w:tc>" +
        paragraph("City") + "</w:tc><w:tc>" + paragraph("Limit") + "</w:tc></w:tr><w:tr><w:tc>" +
        paragraph("Berlin") + "</w:tc><w:tc>" + paragraph("120") +
        "</w:tc></w:tr></w:tbl>"
        "<w:p><w:r><w:t>kept</w:t></w:r><w:del><w:r><w:delText>deleted</w:delText></w:r></w:del>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>invisible</w:t></w:r></w:p>"
        "<w:p><w:r><mc:AlternateContent><mc:Choice><w:txbxContent>" +
        paragraph("in a box") + "</w:txbxContent></mc:Choice><mc:Fallback>" +
        paragraph("in a box") +
        "</mc:Fallback></mc:AlternateContent></w:r></w:p></w:body></w:document>";
    return {
        {"[Content_Types].xml", "<Types/>"},
        {"word/document.xml", document},
        {"word/styles.xml",
         "<w:styles " + w +
             "><w:style w:styleId=\"berschrift1\"><w:name w:val=\"heading 1\"/></w:style>"
             "</w:styles>"},
        {"word/footnotes.xml", "<w:footnotes " + w + "><w:footnote w:type=\"separator\">" +
                                   paragraph("----") + "</w:footnote><w:footnote w:id=\"1\">" +
                                   paragraph("A note below.") + "</w:footnote></w:footnotes>"},
        {"word/header1.xml", "<w:hdr " + w + ">" + paragraph("Company header") + "</w:hdr>"},
        {"docProps/core.xml",
         "<cp:coreProperties xmlns:cp=\"cp\" xmlns:dc=\"dc\"><dc:title>Travel rules</dc:title>"
         "</cp:coreProperties>"},
    };
}

inline ZipParts odtParts(bool isEncrypted = false) {
    const std::string names =
        "xmlns:office=\"o\" xmlns:text=\"t\" xmlns:table=\"b\" xmlns:dc=\"dc\"";
    return {
        {"mimetype", "application/vnd.oasis.opendocument.text"},
        {"META-INF/manifest.xml",
         isEncrypted ? "<manifest><encryption-data/></manifest>" : "<manifest/>"},
        {"meta.xml", "<office:document-meta " + names +
                         "><dc:title>Minutes</dc:title>"
                         "</office:document-meta>"},
        {"content.xml",
         "<office:document-content " + names +
             "><office:body><office:text><text:tracked-changes><text:p>gone</text:p>"
             "</text:tracked-changes><text:h text:outline-level=\"2\">Decisions</text:h>"
             "<text:p>We meet<text:s text:c=\"3\"/>at nine.<text:note><text:note-citation>1"
             "</text:note-citation><text:note-body><text:p>Or at ten.</text:p></text:note-body>"
             "</text:note></text:p><text:list><text:list-item><text:p>tea</text:p></text:list-item>"
             "<text:list-item><text:p>cake</text:p></text:list-item></text:list><table:table>"
             "<table:table-row><table:table-cell><text:p>a</text:p></table:table-cell>"
             "<table:table-cell><text:p>b</text:p></table:table-cell></table:table-row>"
             "</table:table></office:text></office:body></office:document-content>"},
    };
}

inline ZipParts epubParts(bool isLocked = false) {
    return {
        {"mimetype", "application/epub+zip"},
        {"META-INF/container.xml",
         "<container><rootfiles><rootfile full-path=\"OEBPS/book.opf\"/></rootfiles></container>"},
        {"META-INF/encryption.xml",
         isLocked ? "<encryption><CipherReference URI=\"OEBPS/text/one two.xhtml\"/></encryption>"
                  : "<encryption><CipherReference URI=\"OEBPS/font.otf\"/></encryption>"},
        {"OEBPS/book.opf",
         "<package xmlns:dc=\"dc\"><metadata><dc:title>A Book</dc:title></metadata><manifest>"
         "<item id=\"a\" href=\"text/one%20two.xhtml\"/><item id=\"b\" href=\"./text/../b.xhtml\"/>"
         "<item id=\"c\" href=\"missing.xhtml\"/></manifest><spine><itemref idref=\"b\"/>"
         "<itemref idref=\"a\"/><itemref idref=\"c\"/></spine></package>"},
        {"OEBPS/text/one two.xhtml",
         "<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\"><head><title/></head>"
         "<body><h2>Second</h2><p>Chapter two.</p></body></html>"},
        {"OEBPS/b.xhtml", "<html><body><h1>First</h1><p>Chapter one, 第一章。</p></body></html>"},
    };
}

inline std::string docxSample() { return makeZip(docxParts()); }
inline std::string odtSample(bool isEncrypted = false) { return makeZip(odtParts(isEncrypted)); }
inline std::string epubSample(bool isLocked = false) { return makeZip(epubParts(isLocked)); }

}  // namespace conclave::test
