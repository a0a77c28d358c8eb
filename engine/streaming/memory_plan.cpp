#include "engine/streaming/memory_plan.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/threads.h"
#include "engine/runtime/memory.h"

namespace conclave::engine {
namespace {

using PlanClock = std::chrono::steady_clock;

constexpr std::size_t kLeastExperts = 2;  ///< one is computed while the next is read
/// Weights in memory that a decoded token gets through in a second, at least: what one core of an
/// ordinary laptop does. The disk decides, so that this need not be exact.
constexpr double kComputeBytesPerSecond = 10e9;

std::string rateText(double tokensPerSecond) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), tokensPerSecond < 10.0 ? "%.1f" : "%.0f",
                  tokensPerSecond);
    return text.data();
}

/// File bytes of the experts that one token goes through.
double bytesOfToken(const ExpertLayout& layout, int nExpertsUsed) {
    double sum = 0.0;
    for (const ExpertLayer& layer : layout.layers) {
        sum += static_cast<double>(layer.fileBytes) * nExpertsUsed;
    }
    return sum;
}

}  // namespace

std::uint64_t leastExpertBytes(const ExpertLayout& layout) {
    constexpr std::uint64_t kReaderBytes = std::uint64_t{8} << 20U;
    return kReaderBytes + kLeastExperts * layout.memoryBytesOfLargest;
}

Result<MemoryPlan> divideMemory(const ExpertLayout& layout, const ResidentNeed& need,
                                int nExpertsUsed, std::uint64_t availableBytes) {
    MemoryPlan plan;
    plan.streams = true;
    plan.residentBytes = need.weightBytes;
    plan.weightBytes = need.weightBytes + layout.fileBytes();
    plan.availableBytes = availableBytes;
    const std::uint64_t least = need.weightBytes + need.scratchBytes + leastExpertBytes(layout);
    if (least > availableBytes) {
        return fail(ErrorCode::OutOfMemory,
                    "needs " + sizeText(least) +
                        " of memory even if its experts are read from the disk as they are needed, "
                        "but only " +
                        sizeText(availableBytes) +
                        " are available; a smaller model or a stronger quantization would fit");
    }
    const std::uint64_t rest = availableBytes - least;
    const std::uint64_t context = std::min(need.contextBytes, rest / 2);
    const std::uint64_t room = kLeastExperts * layout.memoryBytesOfLargest + rest - context;
    plan.sessionBytes = need.scratchBytes + context;
    plan.expertRoomBytes =
        std::min<std::uint64_t>(room, layout.nExperts() * layout.memoryBytesOfLargest);
    const std::uint64_t nResident = plan.expertRoomBytes / layout.memoryBytesOfLargest;
    plan.residentShare =
        std::min(1.0, static_cast<double>(nResident) / static_cast<double>(layout.nExperts()));
    plan.readBytesPerToken =
        static_cast<std::uint64_t>(bytesOfToken(layout, nExpertsUsed) * (1.0 - plan.residentShare));
    return plan;
}

Result<double> measureDisk(const ExpertLayout& layout, const ExpertFiles& files) {
    constexpr int kThreads = 8;
    constexpr auto kTime = std::chrono::milliseconds(200);
    const std::uint64_t enough = layout.fileBytes();
    const auto start = PlanClock::now();
    std::atomic<std::uint64_t> nBytes = 0;
    std::mutex mutex;
    std::optional<Error> error;
    const auto readSome = [&](unsigned seed) -> Result<void> {
        std::mt19937 random(seed);
        ReadBuffer buffer;
        while (PlanClock::now() - start < kTime && nBytes < enough) {
            const ExpertLayer& layer = layout.layers[random() % layout.layers.size()];
            const ExpertTask& task = layer.tasks[random() % layer.tasks.size()];
            const auto piece = static_cast<std::size_t>(task.piece);
            const std::size_t rowBytes = layer.pieces[piece].fileRowBytes;
            GgufFile::Place place = layer.places[random() % layer.places.size()][piece];
            place.offset += static_cast<std::uint64_t>(task.firstRow) * rowBytes;
            const std::size_t n = static_cast<std::size_t>(task.nRows) * rowBytes;
            if (const auto read = files.read(place, n, buffer); !read) {
                return tl::unexpected(read.error());
            }
            nBytes += n;
        }
        return {};
    };
    std::exception_ptr thrown;  // as for want of memory: nothing may leave a thread
    {
        std::vector<std::jthread> threads;
        const auto safely = [&](int seed) {
            return [&, seed] {
                try {
                    const auto done = readSome(static_cast<unsigned>(seed));
                    const std::lock_guard lock(mutex);
                    if (!done) error = done.error();
                } catch (...) {
                    const std::lock_guard lock(mutex);
                    thrown = std::current_exception();
                }
            };
        };
        if (startThreads(threads, kThreads, safely) == 0) safely(0)();
    }
    if (thrown) std::rethrow_exception(thrown);
    if (error) return tl::unexpected(*error);
    const std::chrono::duration<double> time = PlanClock::now() - start;
    return static_cast<double>(nBytes) / time.count();
}

void predictSpeed(MemoryPlan& plan, const ExpertLayout& layout, int nExpertsUsed,
                  double diskBytesPerSecond) {
    plan.diskBytesPerSecond = diskBytesPerSecond;
    const double active =
        static_cast<double>(plan.residentBytes) + bytesOfToken(layout, nExpertsUsed);
    const double seconds = static_cast<double>(plan.readBytesPerToken) / diskBytesPerSecond +
                           active / kComputeBytesPerSecond;
    plan.tokensPerSecond = 1.0 / seconds;
}

std::string MemoryPlan::text() const {
    if (!streams) {
        return "needs " + sizeText(weightBytes) + " of memory for its weights, and " +
               sizeText(availableBytes) + " are free";
    }
    return "has " + sizeText(weightBytes) + " of weights, more than the " +
           sizeText(availableBytes) +
           " of memory hold: " + sizeText(residentBytes + expertRoomBytes) +
           " of them stay in memory, and the other experts are read from the disk as they are "
           "needed, about " +
           sizeText(readBytesPerToken) + " a token; at this disk's " +
           sizeText(static_cast<std::uint64_t>(diskBytesPerSecond)) + " a second that makes some " +
           rateText(tokensPerSecond) + " tokens a second";
}

}  // namespace conclave::engine
