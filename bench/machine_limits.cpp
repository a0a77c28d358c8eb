// machine_limits.cpp: what this machine can do at most, to set an engine's speed against: bytes
// read from memory and multiply-adds by weights of 8 and 4 bits a second, on N threads.
// compare_peers compiles it for the machine and runs it.
//
//   machine_limits N
//
// Prints one JSON object. A thread's rate is by its own CPU time, so that other programs, which
// take cores from it, do not lower the limit (but for the caches and the bandwidth that they use).
#include <immintrin.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <numeric>
#include <thread>
#include <vector>

#include <sys/mman.h>

namespace {

using Clock = std::chrono::steady_clock;

std::atomic<std::uint64_t> sink;

/// Sums 64-bit words, as fast as memory gives them.
std::uint64_t readAll(const char* p, std::size_t n) {
    __m256i sums[8];
    for (auto& sum : sums) sum = _mm256_setzero_si256();
    for (std::size_t i = 0; i < n; i += 256) {
        for (int k = 0; k < 8; ++k) {
            const auto* at = reinterpret_cast<const __m256i*>(p + i + 32 * k);
            sums[k] = _mm256_add_epi64(sums[k], _mm256_load_si256(at));
        }
    }
    for (int k = 1; k < 8; ++k) sums[0] = _mm256_add_epi64(sums[0], sums[k]);
    return static_cast<std::uint64_t>(_mm256_extract_epi64(sums[0], 0));
}

// The fewest instructions that multiply signed 8-bit activations by weights and add up the
// products, without loading, scaling or unpacking anything: for weights of 8 bits and of 4. Where
// vpdpbusd is there, both take one. Without it products of 8-bit weights fill 16 bits in pairs and
// are widened at once, with the signs moved to the other side; those of 4-bit weights add up in 16
// bits.
#if defined(__AVX512VNNI__)
constexpr const char* kMixes = "vpdpbusd, 512 bit";
constexpr double kOpsPerDot = 128.0;
using Register = __m512i;
Register dot8(Register sum, Register weights, Register values) {
    return _mm512_dpbusd_epi32(sum, weights, values);
}
Register dot4(Register sum, Register weights, Register values) {
    return dot8(sum, weights, values);
}
Register filled(char value) { return _mm512_set1_epi8(value); }
int firstLane(Register x) { return _mm512_cvtsi512_si32(x); }
#else
constexpr double kOpsPerDot = 64.0;
using Register = __m256i;
Register filled(char value) { return _mm256_set1_epi8(value); }
int firstLane(Register x) { return _mm256_cvtsi256_si32(x); }
#if defined(__AVXVNNI__)
constexpr const char* kMixes = "vpdpbusd, 256 bit";
Register dot8(Register sum, Register weights, Register values) {
    return _mm256_dpbusd_avx_epi32(sum, weights, values);
}
Register dot4(Register sum, Register weights, Register values) {
    return dot8(sum, weights, values);
}
#else
constexpr const char* kMixes =
    "8-bit: vpsignb, vpmaddubsw, vpmaddwd, vpaddd; 4-bit: vpmaddubsw, vpaddw";
Register dot8(Register sum, Register weights, Register values) {
    const Register pairs = _mm256_maddubs_epi16(weights, _mm256_sign_epi8(values, weights));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
Register dot4(Register sum, Register weights, Register values) {
    return _mm256_add_epi16(sum, _mm256_maddubs_epi16(weights, values));
}
#endif
#endif

using Dot = Register (*)(Register, Register, Register);

/// 12 independent chains of it.
template <Dot dot>
void dotRounds(int n) {
    Register sums[12];
    for (auto& sum : sums) sum = filled(0);
    const Register weights = filled(3);
    for (int i = 0; i < n; ++i) {
        Register values = filled(2);
        asm volatile("" : "+x"(values));  // else the products would be computed once
        for (auto& sum : sums) {
            sum = dot(sum, weights, values);
            asm volatile("" : "+x"(values));
        }
    }
    for (int k = 1; k < 12; ++k) asm volatile("" ::"x"(sums[k]));
    sink += static_cast<std::uint64_t>(firstLane(sums[0]));
}

double threadCpuSeconds() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Units a second over all threads: work(thread, i) does `units` of them.
double rate(int nThreads, double units, const std::function<void(int, std::size_t)>& work) {
    std::vector<double> rates(static_cast<std::size_t>(nThreads));
    std::vector<std::thread> threads;
    const auto end = Clock::now() + std::chrono::milliseconds(1500);
    for (int t = 0; t < nThreads; ++t) {
        threads.emplace_back([&, t] {
            const double start = threadCpuSeconds();
            std::size_t count = 0;
            while (Clock::now() < end) work(t, count++);
            rates[static_cast<std::size_t>(t)] =
                static_cast<double>(count) * units / (threadCpuSeconds() - start);
        });
    }
    for (std::thread& thread : threads) thread.join();
    return std::accumulate(rates.begin(), rates.end(), 0.0);
}

}  // namespace

int main(int argc, char** argv) {
    const int nThreads = argc > 1 ? std::max(1, std::atoi(argv[1])) : 1;
    constexpr std::size_t kBytes = std::size_t{1} << 30;
    constexpr std::size_t kStep = std::size_t{128} << 10;
    void* memory =
        ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        std::fprintf(stderr, "machine_limits: no memory for 1 GiB to read\n");
        return 1;
    }
    ::madvise(memory, kBytes, MADV_HUGEPAGE);
    std::memset(memory, 1, kBytes);
    const char* bytes = static_cast<const char*>(memory);
    const std::size_t part = kBytes / static_cast<std::size_t>(nThreads) / kStep * kStep;
    const double read = rate(nThreads, kStep * 1e-9, [&](int thread, std::size_t i) {
        sink += readAll(bytes + static_cast<std::size_t>(thread) * part + i * kStep % part, kStep);
    });
    constexpr int kRounds = 2000;
    constexpr double kGigaOps = kRounds * 12 * kOpsPerDot * 1e-9;
    const double int8 =
        rate(nThreads, kGigaOps, [](int, std::size_t) { dotRounds<dot8>(kRounds); });
    const double int4 =
        rate(nThreads, kGigaOps, [](int, std::size_t) { dotRounds<dot4>(kRounds); });
    std::printf(
        "{\"threads\":%d,\"read_gbs\":%.1f,\"int8_gops\":%.0f,\"int4_gops\":%.0f,"
        "\"instructions\":\"%s\"}\n",
        nThreads, read, int8, int4, kMixes);
    return 0;
}
