// page_picture.h: a page of a PDF on its way from the worker program.
//
// Numbers are 32 bits, lowest byte first: a sign, width and height in pixels, the counts of boxes,
// texts and sizes; of each box its mark and four edges (parts of 65536 of the page); of each text
// its length and bytes; of each size width and height (hundredths of a point). Then the pixels.
#pragma once

#include <string>
#include <string_view>

#include "retrieval/retrieval.h"

namespace conclave::retrieval {

/// More pixels than any screen shows of one page; wider requests get a smaller picture.
inline constexpr std::size_t kMostPagePixels = std::size_t{16} << 20U;
inline constexpr int kMostPageWidth = 8192;
inline constexpr std::size_t kMostPageMarks = 8;

[[nodiscard]] std::string toBytes(const PagePicture& picture);

/// Data of doubtful origin: the worker has read a hostile file. Errors: the worker's own, written
/// as JSON (document_json.h); Corrupt for anything that is neither, or more than `request` allows.
[[nodiscard]] Result<PagePicture> pictureFromBytes(std::string bytes, const PageRequest& request);

}  // namespace conclave::retrieval
