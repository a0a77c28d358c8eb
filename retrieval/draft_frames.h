// draft_frames.h: pieces of a document that the worker program hands over while it still reads.
//
// They stand before the worker's answer on its standard output, each behind a line of its own:
// "draft 120 4711" says that 4711 bytes follow and that reading has come to page 120.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace conclave::retrieval {

struct DraftFrame {
    int lastPage = 0;
    std::string bytes;
};

[[nodiscard]] std::string toBytes(const DraftFrame& frame);

/// Takes the first frame out of `output`, which what is read is added to; none if it begins with
/// something else, or its frame is not complete yet. O(length of the output).
[[nodiscard]] std::optional<DraftFrame> takeFrame(std::string& output);

}  // namespace conclave::retrieval
