#include "engine/model/blas.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <vector>

#include <cblas.h>

/// OpenBLAS's own, which its headers leave out; null in builds of it without threads.
// NOLINTNEXTLINE(readability-identifier-naming): theirs
extern "C" int blas_thread_shutdown_() __attribute__((weak));

/// Takes the place of OpenBLAS's own, which tells the number of threads that it starts before
/// main(). It never ends trying to allocate their buffers where there is not enough memory, and
/// each of ours calls it alone.
// NOLINTNEXTLINE(readability-identifier-naming): theirs
extern "C" __attribute__((visibility("default"), used)) int openblas_num_threads_env();
// NOLINTNEXTLINE(readability-identifier-naming): theirs
extern "C" int openblas_num_threads_env() { return 1; }

namespace conclave::engine {
namespace {

/// Packs the tokens' values one after another.
std::vector<float> gathered(std::span<const void* const> inputs, int n) {
    std::vector<float> values;
    values.reserve(inputs.size() * static_cast<std::size_t>(n));
    for (const void* input : inputs) {
        const auto* x = static_cast<const float*>(input);
        values.insert(values.end(), x, x + n);
    }
    return values;
}

/// OpenBLAS tries for ever to get a buffer for the calling thread, so this makes sure before.
/// Throws std::bad_alloc.
void requireRoomForBuffer() {
    thread_local bool hasBuffer = false;
    if (hasBuffer) return;
    constexpr std::size_t kBufferBytes = std::size_t{160} << 20U;  // theirs is of 128 MiB and less
    ::operator delete(::operator new(kBufferBytes));
    hasBuffer = true;
}

}  // namespace

void endBlasThreads() {
    static std::once_flag once;
    std::call_once(once, [] {
        if (openblas_get_num_threads() == 1) return;
        openblas_set_num_threads(1);
        if (blas_thread_shutdown_ != nullptr) blas_thread_shutdown_();
    });
}

void multiplyWithBlas(const Matrix& weights, int firstRow, int nRows,
                      std::span<const void* const> inputs, std::span<float* const> outputs) {
    endBlasThreads();
    requireRoomForBuffer();
    const int nTokens = static_cast<int>(inputs.size());
    const int nColumns = weights.nColumns;
    const std::vector<float> in = gathered(inputs, nColumns);
    std::vector<float> out(inputs.size() * static_cast<std::size_t>(nRows));
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, nTokens, nRows, nColumns, 1.0f, in.data(),
                nColumns, reinterpret_cast<const float*>(weights.row(firstRow)),
                static_cast<int>(weights.rowBytes / sizeof(float)), 0.0f, out.data(), nRows);
    for (std::size_t token = 0; token < outputs.size(); ++token) {
        std::copy_n(out.data() + token * static_cast<std::size_t>(nRows), nRows, outputs[token]);
    }
}

}  // namespace conclave::engine
