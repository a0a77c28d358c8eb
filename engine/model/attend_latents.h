// attend_latents.h: attention over latents in fixed point, where the CPU gains by it.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/model/attend_tile.h"

namespace conclave::engine {

/// True if all of a model's attention, for any number of tokens, is to go this way: its bits are
/// not those of the other ways.
[[nodiscard]] bool fitsLatents(const KernelTable& kernels, const AttendArgs& args);

/// What each query of the tile gathers from a chunk.
/// @param shares  [query], written; their `values` are room for it
void attendLatentChunk(const KernelTable& kernels, const AttendArgs& args, const AttendTile& tile,
                       int chunk, AttendShare* shares);

/// All that the tile's tokens see, chunk by chunk.
void attendLatents(const KernelTable& kernels, const AttendArgs& args, const AttendTile& tile);

/// Scratch memory of a thread.
[[nodiscard]] std::size_t attendLatentsBytes(std::size_t keyDim, std::size_t latentDim);

}  // namespace conclave::engine
