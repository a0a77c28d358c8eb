#include "ui/widgets/document_search.h"

#include "ui/bridge.h"

namespace conclave::ui {

std::vector<ReaderPlace> placesOf(std::span<const services::Page> pages, const QString& text) {
    constexpr std::size_t kMostPlaces = 5000;
    std::vector<ReaderPlace> places;
    if (text.isEmpty()) return places;
    for (const services::Page& page : pages) {
        const QString shown = fromUtf8(page.text);
        qsizetype last = 0;
        std::size_t byte = 0;
        for (qsizetype at = shown.indexOf(text, 0, Qt::CaseInsensitive);
             at >= 0 && places.size() < kMostPlaces;
             at = shown.indexOf(text, at + text.size(), Qt::CaseInsensitive)) {
            const auto bytesBetween = [&](qsizetype from, qsizetype to) {
                return static_cast<std::size_t>(shown.mid(from, to - from).toUtf8().size());
            };
            byte += bytesBetween(last, at);
            const std::size_t end = byte + bytesBetween(at, at + text.size());
            places.push_back({page.number, byte, end, byte, end});
            last = at;
        }
    }
    return places;
}

}  // namespace conclave::ui
