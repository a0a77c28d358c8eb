// pdf_limits.h: PDF files that would take far more memory or time than they are large, known before
// pdfium sees them.
#pragma once

#include <string_view>

#include "base/result.h"

namespace conclave::retrieval::extractor {

/// Looks at every stream of the file, wherever it stands and whatever it is said to be, a piece at
/// a time. Errors: LimitExceeded, and what is too large.
[[nodiscard]] Result<void> checkPdfLimits(std::string_view bytes);

}  // namespace conclave::retrieval::extractor
