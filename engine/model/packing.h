// packing.h: brings a model's matrices into the panels that its kernels read best.
#pragma once

#include <cstddef>
#include <memory>

#include "base/result.h"
#include "engine/kernels/kernels.h"

namespace conclave::engine {

struct Matrix;
struct PackedFormat;
struct Weights;

/// How a matrix as it lies in the file is packed; null for one that stays as it is.
[[nodiscard]] const PackedFormat* packingOf(const Matrix& matrix, const KernelTable& kernels);

/// The packed matrices of a model, in large pages where the system has them, and the threads that
/// pack them behind the answers. Movable.
class PackedMemory {
    struct State;

public:
    PackedMemory();
    PackedMemory(PackedMemory&& other) noexcept;
    PackedMemory& operator=(PackedMemory&& other) noexcept;
    PackedMemory(const PackedMemory&) = delete;
    PackedMemory& operator=(const PackedMemory&) = delete;
    ~PackedMemory();  ///< ends the threads, within a few milliseconds

    /// Of all panels, packed or not.
    [[nodiscard]] std::size_t sizeBytes() const;
    /// What they take in memory by now; at most sizeBytes().
    [[nodiscard]] std::size_t packedBytes() const;

    /// Lets `nThreads` threads of low priority pack, in the order of a forward pass, what no
    /// product has packed yet, and then bring in what stays mapped. Call it once, after
    /// packWeights.
    void packBehind(int nThreads);
    /// Returns when they are done.
    void wait() const;

    /// While one lives, an answer's threads have cores for themselves: as many fewer threads pack.
    /// A thread behind that had a core would keep it from an answer's for as long as the system
    /// clears a large page, which takes milliseconds.
    class CoreClaim {
    public:
        CoreClaim(const PackedMemory& memory, int nThreads);
        ~CoreClaim();
        CoreClaim(const CoreClaim&) = delete;
        CoreClaim& operator=(const CoreClaim&) = delete;

    private:
        State* m_state;  ///< null where nothing is packed
        int m_nThreads;
    };

private:
    friend Result<void> packWeights(Weights& weights, const KernelTable& kernels,
                                    bool packsExperts);

    std::unique_ptr<State> m_state;
};

/// Prepares every matrix of `weights` whose type has a packed form (see kernels/packed.h), except
/// the embedding, which is read by rows: it then points into `weights.packed`, where its panels
/// appear when a product first reads them or packBehind comes to them. The mapped pages they came
/// from are given back, so that a model takes its file's size once. Takes milliseconds.
/// Experts that an ExpertStore has are left alone.
/// Call it once, before anything computes with the weights.
/// Errors: OutOfMemory; the weights are then unchanged.
/// @param packsExperts  false: routed experts stay as they lie in the file, for the system to page
[[nodiscard]] Result<void> packWeights(Weights& weights, const KernelTable& kernels,
                                       bool packsExperts = true);

}  // namespace conclave::engine
