// pdf_sample.h: a small PDF written by hand: Helvetica, one line a page, an outline.
#pragma once

#include <string>
#include <vector>

namespace conclave::test {

/// One page for each text; an empty text gives a page with a drawn line only. Texts are ASCII
/// without brackets. The outline names every page's text. `shape` is what each page says of itself.
inline std::string makePdf(const std::vector<std::string>& texts,
                           const std::string& shape = "/MediaBox [0 0 612 792]") {
    std::vector<std::string> objects;  // object n is objects[n - 1]
    const std::size_t nPages = texts.size();
    const auto number = [](std::size_t n) { return std::to_string(n); };
    constexpr std::size_t kFirstPage = 5;
    const auto pageId = [&](std::size_t i) { return kFirstPage + 3 * i; };
    std::string kids;
    for (std::size_t i = 0; i < nPages; ++i) kids += number(pageId(i)) + " 0 R ";
    objects.push_back("<< /Type /Catalog /Pages 2 0 R /Outlines 4 0 R >>");
    objects.push_back("<< /Type /Pages /Kids [" + kids + "] /Count " + number(nPages) + " >>");
    objects.push_back("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
    objects.push_back("<< /Type /Outlines /First " + number(pageId(0) + 2) + " 0 R /Last " +
                      number(pageId(nPages - 1) + 2) + " 0 R /Count " + number(nPages) + " >>");
    for (std::size_t i = 0; i < nPages; ++i) {
        const std::string content = texts[i].empty()
                                        ? "0 0 m 100 100 l S"
                                        : "BT /F1 12 Tf 72 720 Td (" + texts[i] + ") Tj ET";
        objects.push_back("<< /Type /Page /Parent 2 0 R " + shape + " /Contents " +
                          number(pageId(i) + 1) + " 0 R /Resources << /Font << /F1 3 0 R >> >> >>");
        objects.push_back("<< /Length " + number(content.size()) + " >>\nstream\n" + content +
                          "\nendstream");
        std::string item =
            "<< /Title (" + texts[i] + ") /Parent 4 0 R /Dest [" + number(pageId(i)) + " 0 R /Fit]";
        if (i > 0) item += " /Prev " + number(pageId(i - 1) + 2) + " 0 R";
        if (i + 1 < nPages) item += " /Next " + number(pageId(i + 1) + 2) + " 0 R";
        objects.push_back(item + " >>");
    }
    std::string pdf = "%PDF-1.4\n";
    std::string table;
    for (std::size_t i = 0; i < objects.size(); ++i) {
        std::string offset = number(pdf.size());
        offset.insert(0, 10 - offset.size(), '0');
        table += offset + " 00000 n \n";
        pdf += number(i + 1) + " 0 obj\n" + objects[i] + "\nendobj\n";
    }
    const std::size_t start = pdf.size();
    pdf += "xref\n0 " + number(objects.size() + 1) + "\n0000000000 65535 f \n" + table +
           "trailer\n<< /Size " + number(objects.size() + 1) + " /Root 1 0 R >>\nstartxref\n" +
           number(start) + "\n%%EOF\n";
    return pdf;
}

}  // namespace conclave::test
