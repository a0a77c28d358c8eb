// memory_plan.h: what of a model is kept in memory when not all of it fits, and how fast it will
// be.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "engine/engine.h"
#include "engine/streaming/expert_files.h"
#include "engine/streaming/expert_layout.h"

namespace conclave::engine {

/// What a model takes besides its routed experts.
struct ResidentNeed {
    std::uint64_t weightBytes = 0;   ///< that every token reads
    std::uint64_t scratchBytes = 0;  ///< of a session's buffers
    std::uint64_t contextBytes = 0;  ///< wanted for a session's KV cache; it may get less
};

/// What reading experts takes at least: the readers' buffers, and a few experts in memory.
[[nodiscard]] std::uint64_t leastExpertBytes(const ExpertLayout& layout);

/// Divides the memory: what every token reads has to fit, buffers and the context follow, and the
/// experts have the rest, at least half of what the weights and buffers leave.
/// Errors: OutOfMemory if nothing would be left for experts: says what is needed and what there is.
[[nodiscard]] Result<MemoryPlan> divideMemory(const ExpertLayout& layout, const ResidentNeed& need,
                                              int nExpertsUsed, std::uint64_t availableBytes);

/// Bytes a second that experts can be read at, in the store's way. Takes a fifth of a second at
/// most.
/// Errors: those of ExpertFiles::read.
[[nodiscard]] Result<double> measureDisk(const ExpertLayout& layout, const ExpertFiles& files);

/// Fills in what the disk's speed means for the plan.
void predictSpeed(MemoryPlan& plan, const ExpertLayout& layout, int nExpertsUsed,
                  double diskBytesPerSecond);

}  // namespace conclave::engine
