// packing.h: brings a model's matrices into the panels that its kernels read best.
#pragma once

#include <cstddef>
#include <functional>
#include <unordered_set>

#include "base/result.h"
#include "engine/kernels/kernels.h"

namespace conclave::engine {

struct Weights;

/// Memory of packed matrices, in large pages where the system has them. Movable.
class PackedMemory {
public:
    PackedMemory() = default;
    PackedMemory(PackedMemory&& other) noexcept;
    PackedMemory& operator=(PackedMemory&& other) noexcept;
    PackedMemory(const PackedMemory&) = delete;
    PackedMemory& operator=(const PackedMemory&) = delete;
    ~PackedMemory();

    [[nodiscard]] std::size_t sizeBytes() const { return m_sizeBytes; }
    /// True if a matrix that began at `data` in the file lies here now.
    [[nodiscard]] bool holds(const std::byte* data) const { return m_sources.contains(data); }

private:
    friend Result<void> packWeights(Weights& weights, const KernelTable& kernels, int nThreads,
                                    const std::function<bool(float)>& progress);

    std::byte* m_data = nullptr;
    std::size_t m_sizeBytes = 0;
    std::unordered_set<const std::byte*> m_sources;
};

/// Packs every matrix of `weights` whose type has a packed form (see kernels/packed.h), except the
/// embedding, which is read by rows. Matrices then point into `weights.packed`, and the mapped
/// pages they came from are given back, so that a model takes its file's size once.
/// Call it once, before anything computes with the weights.
/// @param progress  called with 0..1 from the calling thread; false cancels
/// Errors: OutOfMemory, Cancelled; the weights are then unchanged.
[[nodiscard]] Result<void> packWeights(Weights& weights, const KernelTable& kernels, int nThreads,
                                       const std::function<bool(float)>& progress = {});

}  // namespace conclave::engine
