// portable_math.h: exp and log that give the same bits on every CPU.
//
// The C library picks a variant for the CPU at hand (with or without fused multiply-add), and those
// differ in the last bit. Sampling must not, or one seed would give two texts on two machines.
#pragma once

namespace conclave::engine {

/// e to the power x, relative error below 1e-15; 0 for x < -700, and x is capped at 700.
[[nodiscard]] double portableExp(double x);

/// Natural logarithm of a normal x > 0, error below 1e-15 relative or absolute.
[[nodiscard]] double portableLog(double x);

}  // namespace conclave::engine
