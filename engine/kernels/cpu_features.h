// cpu_features.h: which instruction sets this CPU and its system offer.
#pragma once

namespace conclave::engine {

/// AVX2, FMA and F16C, with the system saving their registers.
[[nodiscard]] bool hasAvx2();

/// What hasAvx2() names, and AVX-VNNI: 8-bit products in registers of 256 bits without AVX-512.
[[nodiscard]] bool hasAvxVnni();

/// AVX-512 F, BW, DQ, VL and VNNI (Ice Lake, Zen 4 and later), with the system saving its
/// registers.
[[nodiscard]] bool hasAvx512();

}  // namespace conclave::engine
