// slide_samples.h: small presentations, written by hand.
#pragma once

#include <string>

#include "office_samples.h"

namespace conclave::test {

inline ZipParts pptxParts() {
    const std::string link =
        "<Relationship Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/";
    const auto paragraph = [](const std::string& text, const std::string& properties = "") {
        return "<a:p>" + properties + "<a:r><a:t>" + text + "</a:t></a:r></a:p>";
    };
    const auto shape = [](const std::string& placeholder, const std::string& paragraphs,
                          const std::string& attributes = "") {
        return "<p:sp><p:nvSpPr><p:cNvPr id=\"1\" name=\"n\"" + attributes + "/><p:nvPr>" +
               placeholder + "</p:nvPr></p:nvSpPr><p:txBody>" + paragraphs + "</p:txBody></p:sp>";
    };
    const auto cell = [&](const std::string& text) {
        return "<a:tc><a:txBody>" + paragraph(text) + "</a:txBody></a:tc>";
    };
    const auto slide = [](const std::string& shapes, const std::string& attributes = "") {
        return "<p:sld xmlns:p=\"p\" xmlns:a=\"a\" xmlns:mc=\"mc\"" + attributes +
               "><p:cSld><p:spTree>" + shapes + "</p:spTree></p:cSld></p:sld>";
    };
    const auto points = [](const std::string& name, const std::string& first,
                           const std::string& second) {
        return "<c:" + name + "><c:numRef><c:numCache><c:formatCode>" +
               (name == "val" ? "0%" : "General") + "</c:formatCode><c:pt idx=\"0\"><c:v>" + first +
               "</c:v></c:pt><c:pt idx=\"2\"><c:v>" + second + "</c:v></c:pt></c:numCache>" +
               "</c:numRef></c:" + name + ">";
    };
    const auto series = [&](const std::string& name, const std::string& value) {
        return "<c:ser><c:tx><c:strRef><c:pt idx=\"0\"><c:v>" + name +
               "</c:v></c:pt></c:strRef></c:tx>" + points("cat", "Berlin", "Rome") +
               points("val", value, "0.5") + "</c:ser>";
    };
    return {
        {"[Content_Types].xml", "<Types/>"},
        {"docProps/core.xml", "<c xmlns:dc=\"dc\"><dc:title>Review</dc:title></c>"},
        {"ppt/presentation.xml",
         "<p:presentation xmlns:p=\"p\" xmlns:r=\"r\"><p:sldIdLst><p:sldId id=\"256\" r:id=\"r2\"/>"
         "<p:sldId r:id=\"r1\" id=\"257\"/><p:sldId id=\"258\" r:id=\"r2\"/></p:sldIdLst>"
         "</p:presentation>"},
        {"ppt/_rels/presentation.xml.rels",
         "<Relationships>" + link + "slide\" Id=\"r1\" Target=\"slides/slide1.xml\"/>" + link +
             "slide\" Id=\"r2\" Target=\"slides/slide2.xml\"/></Relationships>"},
        {"ppt/slides/slide1.xml", slide(shape("", paragraph("Untitled slide.")), " show=\"0\"")},
        {"ppt/slides/slide2.xml",
         slide(shape("<p:ph type=\"sldNum\"/>", "<a:p><a:fld><a:t>7</a:t></a:fld></a:p>") +
               shape("<p:ph idx=\"1\"/>",
                     paragraph("Sales rose") + paragraph("plain", "<a:pPr><a:buNone/></a:pPr>")) +
               shape("", paragraph("ghost"), " hidden=\"1\"") +
               "<p:graphicFrame><p:nvPr><p:ph idx=\"2\"/></p:nvPr><a:tbl><a:tr>" + cell("City") +
               cell("Limit") + "</a:tr><a:tr>" + cell("Berlin") + cell("120") +
               "</a:tr></a:tbl></p:graphicFrame>"
               "<mc:AlternateContent><mc:Choice>" +
               shape("", paragraph("once")) + "</mc:Choice><mc:Fallback>" +
               shape("", paragraph("once")) + "</mc:Fallback></mc:AlternateContent>" +
               shape("<p:ph type=\"title\"/>", paragraph("Second") + paragraph("quarter")))},
        {"ppt/slides/_rels/slide2.xml.rels",
         "<Relationships>" + link + "notesSlide\" Id=\"n\" Target=\"../notesSlides/n1.xml\"/>" +
             link + "comments\" Id=\"c\" Target=\"../comments/c1.xml\"/>" + link +
             "diagramData\" Id=\"d\" Target=\"../diagrams/data1.xml\"/>" + link +
             "chart\" Id=\"h\" Target=\"../charts/chart1.xml\"/></Relationships>"},
        {"ppt/charts/chart1.xml",
         "<c:chartSpace xmlns:c=\"c\" xmlns:a=\"a\"><c:title>" + paragraph("Sales by city") +
             "</c:title>" + series("North", "1.50") + series("South", "0.25") + "</c:chartSpace>"},
        {"ppt/notesSlides/n1.xml",
         slide(shape("<p:ph type=\"sldImg\"/>", paragraph("picture")) +
               shape("<p:ph type=\"body\" idx=\"1\"/>", paragraph("Say it slowly.")))},
        {"ppt/comments/c1.xml",
         "<p:cmLst xmlns:p=\"p\"><p:cm><p:text>Check this.</p:text></p:cm></p:cmLst>"},
        {"ppt/diagrams/data1.xml", "<d:dataModel xmlns:d=\"d\" xmlns:a=\"a\"><d:t>" +
                                       paragraph("In a diagram") + "</d:t></d:dataModel>"},
    };
}

inline ZipParts odpParts() {
    const std::string names =
        "xmlns:office=\"o\" xmlns:text=\"t\" xmlns:table=\"b\" xmlns:draw=\"d\" xmlns:style=\"s\" "
        "xmlns:presentation=\"p\" xmlns:dc=\"dc\"";
    return {
        {"mimetype", "application/vnd.oasis.opendocument.presentation"},
        {"meta.xml", "<office:m " + names + "><dc:title>Review</dc:title></office:m>"},
        {"content.xml",
         "<office:document-content " + names +
             "><office:automatic-styles><style:style style:name=\"dp2\">"
             "<style:drawing-page-properties presentation:visibility=\"hidden\"/></style:style>"
             "</office:automatic-styles><office:body><office:presentation><draw:page>"
             "<draw:frame presentation:class=\"outline\"><draw:text-box><text:list><text:list-item>"
             "<text:p>Sales rose</text:p></text:list-item><text:list-item><text:p>Costs fell"
             "</text:p></text:list-item></text:list></draw:text-box></draw:frame>"
             "<draw:frame presentation:class=\"title\"><draw:text-box><text:p>Second"
             "<text:line-break/>quarter</text:p></draw:text-box></draw:frame><draw:frame>"
             "<table:table><table:table-row><table:table-cell><text:p>City</text:p>"
             "</table:table-cell><table:table-cell><text:p>Limit</text:p></table:table-cell>"
             "</table:table-row></table:table></draw:frame><office:annotation><dc:creator>me"
             "</dc:creator><text:p>Check this.</text:p></office:annotation><presentation:notes>"
             "<draw:page-thumbnail/><draw:frame presentation:class=\"notes\"><draw:text-box>"
             "<text:p>Say it slowly.</text:p></draw:text-box></draw:frame></presentation:notes>"
             "</draw:page><draw:page draw:style-name=\"dp2\"><draw:custom-shape><text:p>Untitled "
             "slide.</text:p></draw:custom-shape></draw:page></office:presentation></office:body>"
             "</office:document-content>"},
    };
}

inline std::string pptxSample() { return makeZip(pptxParts()); }
inline std::string odpSample() { return makeZip(odpParts()); }

}  // namespace conclave::test
