// document_search.h: where a text stands in the pages of a document.
#pragma once

#include <QString>
#include <span>
#include <vector>

#include "app/services/services.h"
#include "ui/widgets/reader_place.h"

namespace conclave::ui {

/// Each place with the text marked, in order, whatever the case of its letters; 5,000 at most.
[[nodiscard]] std::vector<ReaderPlace> placesOf(std::span<const services::Page> pages,
                                                const QString& text);

}  // namespace conclave::ui
