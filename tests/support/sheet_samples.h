// sheet_samples.h: small workbooks, written by hand.
#pragma once

#include <string>
#include <vector>

#include "office_samples.h"

namespace conclave::test {

/// The rows of the sheet "Costs" of xlsxParts().
inline std::string xlsxRows() {
    return "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c></row>"
           "<row r=\"3\"><c r=\"A3\" t=\"s\"><v>1</v></c><c r=\"B3\" t=\"inlineStr\"><is><t>Limit"
           "</t></is></c><c r=\"C3\" t=\"s\"><v>2</v></c><c r=\"D3\" t=\"str\"><v>Paid</v></c>"
           "<c r=\"E3\" t=\"inlineStr\"><is><t>secret</t></is></c></row>"
           "<row r=\"4\"><c r=\"A4\" t=\"s\"><v>3</v></c><c "
           "r=\"B4\"><f>100+20.5</f><v>120.5</v></c>"
           "<c r=\"C4\" s=\"1\"><v>45356</v></c><c r=\"D4\" t=\"b\"><v>1</v></c>"
           "<c r=\"E4\"><v>7</v></c></row>"
           "<row r=\"5\"><c r=\"B5\" s=\"2\"><v>0.125</v></c><c r=\"C5\" "
           "s=\"3\"><v>45356.604166666664"
           "</v></c><c r=\"D5\" t=\"e\"><v>#N/A</v></c></row>"
           "<row r=\"6\" hidden=\"1\"><c r=\"A6\" t=\"inlineStr\"><is><t>not "
           "seen</t></is></c></row>"
           "<row r=\"7\"><c r=\"A7\" t=\"s\"><v>4</v></c><c r=\"B7\"><f>SUM(B4:B5)</f></c>"
           "<c r=\"C7\"><v>0.1</v></c></row>";
}

/// Three sheets, one of them hidden, with notes and a drawing on the first.
inline ZipParts xlsxParts(const std::string& rows = xlsxRows()) {
    const std::string link =
        "<Relationship Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/";
    return {
        {"[Content_Types].xml", "<Types/>"},
        {"_rels/.rels", "<Relationships>" + link +
                            "officeDocument\" Id=\"r1\" Target=\"xl/workbook.xml\"/>"
                            "</Relationships>"},
        {"xl/workbook.xml",
         "<workbook xmlns:r=\"r\"><sheets><sheet name=\"Costs &amp; more\" r:id=\"r3\"/>"
         "<sheet name=\"Lists\" state=\"hidden\" r:id=\"r2\"/><sheet name=\"Staff\" r:id=\"r1\"/>"
         "<sheet name=\"again\" r:id=\"r3\"/></sheets></workbook>"},
        {"xl/_rels/workbook.xml.rels",
         "<Relationships>" + link + "worksheet\" Id=\"r3\" Target=\"worksheets/sheet1.xml\"/>" +
             link + "worksheet\" Id=\"r2\" Target=\"/xl/worksheets/sheet2.xml\"/>" + link +
             "worksheet\" Id=\"r1\" Target=\"worksheets/sheet3.xml\"/>" + link +
             "sharedStrings\" Id=\"r8\" Target=\"sharedStrings.xml\"/>" + link +
             "styles\" Id=\"r9\" Target=\"styles.xml\"/></Relationships>"},
        {"xl/sharedStrings.xml",
         "<sst><si><t>Travel costs</t></si><si><t>City</t></si><si><r><t>Da</t></r><r><t>te</t></r>"
         "<rPh><t>kana</t></rPh></si><si><t>Berlin</t></si><si><t>東京</t></si></sst>"},
        {"xl/styles.xml",
         "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"[$-407]d\\.\\ mmm\\ yyyy;@\"/>"
         "<numFmt numFmtId=\"165\" formatCode=\"0.0%\"/></numFmts><cellStyleXfs>"
         "<xf numFmtId=\"14\"/></cellStyleXfs><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"164\"/>"
         "<xf numFmtId=\"165\"/><xf numFmtId=\"22\"/></cellXfs></styleSheet>"},
        {"xl/worksheets/sheet1.xml",
         "<worksheet><cols><col min=\"5\" max=\"5\" hidden=\"1\"/></cols><sheetData>" + rows +
             "</sheetData><mergeCells count=\"2\"><mergeCell ref=\"A1:D1\"/>"
             "<mergeCell ref=\"A4:A5\"/></mergeCells></worksheet>"},
        {"xl/worksheets/_rels/sheet1.xml.rels",
         "<Relationships>" + link + "comments\" Id=\"c\" Target=\"../comments1.xml\"/>" + link +
             "drawing\" Id=\"d\" Target=\"../drawings/drawing1.xml\"/></Relationships>"},
        {"xl/comments1.xml",
         "<comments><commentList><comment ref=\"B4\"><text><r><t>with </t></r>"
         "<r><t>breakfast</t></r></text></comment></commentList></comments>"},
        {"xl/drawings/drawing1.xml",
         "<x:wsDr xmlns:x=\"x\" xmlns:a=\"a\"><a:p><a:r><a:t>A text box.</a:t></a:r></a:p>"
         "</x:wsDr>"},
        {"xl/worksheets/sheet2.xml",
         "<worksheet><sheetData><row><c t=\"str\"><v>list</v></c></row>"
         "</sheetData></worksheet>"},
        {"xl/worksheets/sheet3.xml",
         "<worksheet><sheetData><row><c t=\"str\"><v>Name</v></c><c t=\"str\"><v>Team</v></c></row>"
         "<row><c t=\"str\"><v>Ann</v></c><c t=\"str\"><v>Sales</v></c></row></sheetData>"
         "</worksheet>"},
    };
}

/// The rows of the sheet "Kosten" of odsParts().
inline std::string odsRows() {
    const auto text = [](const std::string& value) {
        return "<table:table-cell office:value-type=\"string\"><text:p>" + value +
               "</text:p></table:table-cell>";
    };
    return "<table:table-column table:number-columns-repeated=\"3\"/>"
           "<table:table-column table:visibility=\"collapse\"/>"
           "<table:table-row>" +
           text("Stadt") + text("Grenze") + text("Tag") + text("geheim") +
           "</table:table-row><table:table-row>"
           "<table:table-cell table:number-rows-spanned=\"2\" office:value-type=\"string\">"
           "<office:annotation><dc:creator>me</dc:creator><text:p>Hauptstadt</text:p>"
           "</office:annotation><text:p>Berlin</text:p></table:table-cell>"
           "<table:table-cell office:value-type=\"currency\" office:value=\"120.5\"><text:p>120,50 "
           "€"
           "</text:p></table:table-cell><table:table-cell office:value-type=\"date\" "
           "office:date-value=\"2024-03-05T14:30:00\"><text:p>5. März</text:p></table:table-cell>" +
           text("x") +
           "</table:table-row><table:table-row><table:covered-table-cell/>"
           "<table:table-cell table:number-columns-repeated=\"2\" office:value-type=\"float\" "
           "office:value=\"7\"><text:p>7</text:p></table:table-cell></table:table-row>"
           "<table:table-row table:visibility=\"collapse\">" +
           text("unsichtbar") + "</table:table-row><table:table-row table:visibility=\"filter\">" +
           text("Köln") + text("gefiltert") +
           "</table:table-row><table:table-row table:number-rows-repeated=\"1048000\">"
           "<table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>";
}

inline ZipParts odsParts(const std::string& rows = odsRows()) {
    const std::string names =
        "xmlns:office=\"o\" xmlns:text=\"t\" xmlns:table=\"b\" xmlns:dc=\"dc\" xmlns:style=\"s\"";
    return {
        {"mimetype", "application/vnd.oasis.opendocument.spreadsheet"},
        {"content.xml",
         "<office:document-content " + names +
             "><office:automatic-styles><style:style style:name=\"ta2\"><style:table-properties "
             "table:display=\"false\"/></style:style></office:automatic-styles><office:body>"
             "<office:spreadsheet><table:table table:name=\"Kosten\">" +
             rows +
             "</table:table><table:table table:name=\"Liste\" table:style-name=\"ta2\">"
             "<table:table-row><table:table-cell><text:p>hidden</text:p></table:table-cell>"
             "</table:table-row></table:table></office:spreadsheet></office:body>"
             "</office:document-content>"},
    };
}

inline std::string xlsxSample() { return makeZip(xlsxParts()); }
inline std::string odsSample() { return makeZip(odsParts()); }

inline const std::string kCsvSample =
    "Name;Amount;Remark\r\nAnn;\"1,5\";\"says \"\"hi\"\"\r\nand "
    "goes\"\r\nBob;2;;\r\n住宿;3;\"open\r\n";

}  // namespace conclave::test
