// document_counts.h: how many documents a collection has, in the words that every face of the
// program tells it by. A part of services.h.
#pragma once

#include <span>
#include <string>

#include "storage/storage.h"

namespace conclave::services {

/// Of the documents that were read as many as say the same as one before them, byte by byte. They
/// are found like others, but questions about everything read one of each.
[[nodiscard]] int nCopiesIn(std::span<const storage::Document> documents);

/// "36 documents"; "31 of 36 documents read, 4 could not be read, 1 unavailable, 1 copy". What was
/// found is what was read, what could not be, what waits and what is unavailable together.
[[nodiscard]] std::string countsInWords(const storage::Collection& collection, int nCopies = 0);

}  // namespace conclave::services
