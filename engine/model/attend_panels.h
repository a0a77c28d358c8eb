// attend_panels.h: attention of many queries, for which keys and values are unpacked once.
#pragma once

#include "engine/model/attend_tile.h"

namespace conclave::engine {

/// Most queries of a tile: so many that unpacking takes little of the time. Half as many were 5 %
/// slower, twice as many no faster (16 heads of 128, measured on Zen 4).
inline constexpr int kPanelQueries = 192;

/// True where attendPanels() can be used and is faster than attendChunks().
[[nodiscard]] bool fitsPanels(const KernelTable& kernels, const AttendArgs& args);

/// All that the tile's tokens see, chunk by chunk, with the bits of attendChunks().
void attendPanels(const KernelTable& kernels, const AttendArgs& args, const AttendTile& tile);

/// Scratch memory of a thread.
[[nodiscard]] std::size_t attendPanelsBytes(std::size_t queryDim, std::size_t valueDim);

}  // namespace conclave::engine
