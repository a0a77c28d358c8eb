// ocr.h: text from pictures of text, by the optional program tesseract.
#pragma once

#include <filesystem>

#include "retrieval/retrieval.h"

namespace conclave::retrieval {

/// The text of a picture, or of the pages of a PDF without text. `worker` is conclave-extract,
/// which gives up its rights before it becomes tesseract. Each page has options.timeLimit. Errors:
/// NeedsOcr (tesseract or a language is not installed: names the packages; or there is no text),
/// Unsupported (PDF in a build without Qt), and those of runLimited.
[[nodiscard]] Result<ExtractedDocument> recognizeText(const std::filesystem::path& worker,
                                                      const std::filesystem::path& path,
                                                      const ExtractOptions& options);

}  // namespace conclave::retrieval
