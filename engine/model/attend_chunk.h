// attend_chunk.h: attention of few queries, which read keys and values once and in place.
#pragma once

#include <span>

#include "engine/model/attend_tile.h"

namespace conclave::engine {

/// Queries of a tile that share one walk over keys and values.
inline constexpr int kChunkQueries = 24;

/// What each query of the tiles gathers from a chunk.
/// @param tiles   one of any tokens, or several of the same token and neighbouring heads
/// @param shares  [queries of all tiles], written; their `values` are room for it
void attendChunk(const KernelTable& kernels, const AttendArgs& args,
                 std::span<const AttendTile> tiles, int chunk, AttendShare* shares);

/// All that the tile's tokens see, chunk by chunk.
void attendChunks(const KernelTable& kernels, const AttendArgs& args, const AttendTile& tile);

}  // namespace conclave::engine
