// attend_chunk.h: attention of few queries, which read keys and values once and in place.
#pragma once

#include "engine/model/attend_tile.h"

namespace conclave::engine {

/// Queries of a tile that share one walk over keys and values.
inline constexpr int kChunkQueries = 24;

/// What each query of the tile gathers from a chunk.
/// @param shares  [query], written; their `values` are room for it
void attendChunk(const KernelTable& kernels, const AttendArgs& args, const AttendTile& tile,
                 int chunk, AttendShare* shares);

/// All that the tile's tokens see, chunk by chunk.
void attendChunks(const KernelTable& kernels, const AttendArgs& args, const AttendTile& tile);

}  // namespace conclave::engine
