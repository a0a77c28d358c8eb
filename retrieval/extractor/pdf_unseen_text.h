// pdf_unseen_text.h: text of a PDF page that nobody sees on it: drawn invisibly, in the colour of
// the paper, under something else, beside the page or too small to read.
//
// QtPdf says neither colours nor rendering modes. So the page is drawn, small, and text whose place
// shows no ink is unseen; where the page's own operators leave no doubt that all of it is seen
// (pdf_painting.h), the drawing is saved. Text that was recognised in a scanned page is drawn
// invisibly, too, but its picture shows through and so it stays.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include <QPdfDocument>
#include <QString>

#include "retrieval/extractor/pdf_seen_text.h"

namespace conclave::retrieval::extractor {

/// Stands in a page's raw text for a character that is unseen; no character of its own.
inline constexpr QChar kUnseenMark(0xFFFF);

class UnseenText {
public:
    /// What the pages so far have told.
    struct Progress {
        std::size_t nUnseen = 0;
        int nUncertainPages = 0;
        std::chrono::nanoseconds used{0};  ///< processor time
        std::vector<int> inkedPages;       ///< from 0: those that glyphs were learned from
    };

    /// `bytes` are the file's.
    UnseenText(QPdfDocument& pdf, std::string_view bytes);

    /// Goes on behind the pages that `earlier` is of, as if they had been looked at here.
    void resume(const Progress& earlier);
    [[nodiscard]] const Progress& progress() const { return m_progress; }

    /// What pdfium reads on a page (from 0), kUnseenMark in place of each unseen character.
    [[nodiscard]] QString seenText(int page);

    /// Characters but white space, of all pages so far.
    [[nodiscard]] std::size_t nUnseen() const { return m_progress.nUnseen; }
    /// Pages on which there is text without ink that could not be told apart, or for which no time
    /// was left. Their text is whole.
    [[nodiscard]] int nUncertainPages() const { return m_progress.nUncertainPages; }

private:
    struct Place;
    struct Run;
    /// What the first characters of a page give.
    struct Prefix {
        qsizetype nUnits = 0;
        std::size_t nPlaces = 0;
    };
    class Ink;

    [[nodiscard]] std::optional<PagePainting> painting(int page, QSizeF points);
    [[nodiscard]] bool lookForInk(int page, QSizeF points, std::vector<Place>& places,
                                  bool& isCertain);
    [[nodiscard]] std::chrono::nanoseconds left() const;
    [[nodiscard]] Prefix prefix(int page, int nCharacters);
    [[nodiscard]] int firstCharacterOf(int page, std::size_t place, int nCharacters);
    [[nodiscard]] bool isRule(int page, const Place& place) const;
    [[nodiscard]] bool hide(int page, const Run& run, std::size_t nPlaces, int nCharacters,
                            bool isThin, QString& text);

    QPdfDocument& m_pdf;
    std::optional<PdfFile> m_file;
    InkedGlyphs m_inked;
    std::map<int, Prefix> m_prefixes;  ///< of the page at hand, by the number of characters
    Progress m_progress;
};

}  // namespace conclave::retrieval::extractor
