#include "engine/kernels/cpu_features.h"

#include <cpuid.h>

namespace conclave::engine {
namespace {

struct Registers {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(unsigned leaf, unsigned subleaf) {
    Registers r;
    if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
    return r;
}

/// XCR0: the register states that the system saves on a switch of threads.
unsigned savedStates() {
    constexpr unsigned kOsxsave = 1u << 27;
    if ((cpuid(1, 0).ecx & kOsxsave) == 0) return 0;
    unsigned low = 0;
    unsigned high = 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

bool all(unsigned value, unsigned bits) { return (value & bits) == bits; }

}  // namespace

bool hasAvx2() {
    constexpr unsigned kFma = 1u << 12, kAvx = 1u << 28, kF16c = 1u << 29;  // leaf 1, ecx
    constexpr unsigned kAvx2 = 1u << 5;                                     // leaf 7, ebx
    constexpr unsigned kSseAndAvxState = 0x6;
    return all(savedStates(), kSseAndAvxState) && all(cpuid(1, 0).ecx, kFma | kAvx | kF16c) &&
           all(cpuid(7, 0).ebx, kAvx2);
}

bool hasAvxVnni() {
    constexpr unsigned kAvxVnni = 1u << 4;  // leaf 7, part 1, eax
    return hasAvx2() && all(cpuid(7, 1).eax, kAvxVnni);
}

bool hasAvx512() {
    constexpr unsigned kF = 1u << 16, kDq = 1u << 17, kBw = 1u << 30, kVl = 1u << 31;  // ebx
    constexpr unsigned kVnni = 1u << 11;                                               // ecx
    constexpr unsigned kSseAvxAndAvx512State = 0xE6;
    const Registers leaf7 = cpuid(7, 0);
    return hasAvx2() && all(savedStates(), kSseAvxAndAvx512State) &&
           all(leaf7.ebx, kF | kDq | kBw | kVl) && all(leaf7.ecx, kVnni);
}

}  // namespace conclave::engine
