// dispatch.cpp: chooses the kernel set. Built without any set's flags.
#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string_view>

#include "base/log.h"
#include "engine/engine.h"
#include "engine/kernels/cpu_features.h"
#include "engine/kernels/kernels.h"

namespace conclave::engine {
namespace {

const KernelTable& bestKernels() {
    if (hasAvx512()) return avx512Kernels();
    if (hasAvxVnni()) return avxVnniKernels();
    if (hasAvx2()) return avx2Kernels();
    return scalarKernels();
}

const KernelTable& chooseKernels() {
    const char* wanted = std::getenv("CONCLAVE_ISA");
    if (wanted == nullptr || *wanted == '\0') return bestKernels();
    if (const KernelTable* set = kernelSet(wanted)) return *set;
    const KernelTable& best = bestKernels();
    constexpr std::string_view kNames[] = {"scalar", "avx2", "avxvnni", "avx512"};
    const bool isKnown =
        std::find(std::begin(kNames), std::end(kNames), wanted) != std::end(kNames);
    log().warn("CONCLAVE_ISA={}: {}; using {}", wanted,
               isKnown ? "this CPU cannot run that kernel set"
                       : "there is no such kernel set (scalar, avx2, avxvnni, avx512)",
               best.isa);
    return best;
}

}  // namespace

std::size_t activationBytes(ActivationFormat format, int n) {
    constexpr std::size_t kCacheLine = 64;
    const auto count = static_cast<std::size_t>(n);
    const std::size_t bytes =
        format == ActivationFormat::Float32
            ? count * sizeof(float)
            : count + count / kActivationBlock *
                          (2 * sizeof(float) + sizeof(std::int32_t) + 4 * sizeof(std::int16_t));
    return (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
}

const WeightKernels* KernelTable::find(TensorType type) const {
    for (int i = 0; i < nWeightTypes; ++i) {
        if (weightTypes[i].type == type) return &weightTypes[i];
    }
    return nullptr;
}

const KernelTable* kernelSet(const char* isa) {
    const std::string_view name = isa;
    if (name == "scalar") return &scalarKernels();
    if (name == "avx2" && hasAvx2()) return &avx2Kernels();
    if (name == "avxvnni" && hasAvxVnni()) return &avxVnniKernels();
    if (name == "avx512" && hasAvx512()) return &avx512Kernels();
    return nullptr;
}

const KernelTable& kernels() {
    static const KernelTable& chosen = chooseKernels();
    return chosen;
}

std::string_view kernelSetName() { return kernels().isa; }

}  // namespace conclave::engine
