// chart_text.h: the numbers behind the charts of slides and documents.
#pragma once

#include <string>

#include "retrieval/extractor/archive.h"
#include "retrieval/extractor/text_builder.h"

namespace conclave::retrieval::extractor {

/// Adds a chart part (DrawingML, ECMA-376 part 1, 21.2) as its titles and a table: a row for each
/// category, a column for each series. What the chart stores is read, not the workbook behind it.
/// A damaged chart gives nothing. Errors: LimitExceeded.
[[nodiscard]] Result<void> addChart(const Archive& archive, const std::string& part,
                                    TextBuilder& builder);

}  // namespace conclave::retrieval::extractor
