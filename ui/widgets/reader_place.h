// reader_place.h: where in a document the reader looks.
#pragma once

#include <cstddef>

namespace conclave::ui {

/// Bytes of the page's text. `markStart == markEnd`: nothing is marked.
struct ReaderPlace {
    int page = 1;
    std::size_t passageStart = 0;
    std::size_t passageEnd = 0;
    std::size_t markStart = 0;
    std::size_t markEnd = 0;
};

}  // namespace conclave::ui
