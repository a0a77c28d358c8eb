#include "engine/model/packing.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/mman.h>

#include "engine/kernels/packed.h"
#include "engine/model/weights.h"

namespace conclave::engine {
namespace {

constexpr std::size_t kCacheLine = 64;
constexpr int kPanelsOfTask = 32;

template <typename Use>
void forEachMatrix(FeedForwardWeights& network, const Use& use) {
    use(network.gate);
    use(network.up);
    use(network.down);
}

template <typename Use>
void forEachMatrix(MoeWeights& mixture, const Use& use) {
    use(mixture.router);
    for (FeedForwardWeights& expert : mixture.experts) forEachMatrix(expert, use);
    if (mixture.shared) forEachMatrix(*mixture.shared, use);
}

template <typename Use>
void forEachMatrix(GroupedAttentionWeights& attention, const Use& use) {
    use(attention.query);
    use(attention.key);
    use(attention.value);
    use(attention.output);
}

template <typename Use>
void forEachMatrix(LatentAttentionWeights& attention, const Use& use) {
    if (attention.queryDown) use(*attention.queryDown);
    use(attention.query);
    use(attention.kvDown);
    for (Matrix& matrix : attention.keyUp) use(matrix);
    for (Matrix& matrix : attention.valueUp) use(matrix);
    use(attention.output);
}

/// In the order in which a forward pass reads them.
template <typename Use>
void forEachMatrix(Weights& weights, const Use& use) {
    for (LayerWeights& layer : weights.layers) {
        std::visit([&](auto& attention) { forEachMatrix(attention, use); }, layer.attention);
        std::visit([&](auto& network) { forEachMatrix(network, use); }, layer.feedForward);
    }
    use(weights.output);
}

struct Move {
    Matrix* matrix = nullptr;
    const PackedFormat* format = nullptr;
    const WeightKernels* kernels = nullptr;
    std::size_t offset = 0;  ///< in the packed memory
    std::size_t panelBytes = 0;
    int nPanels = 0;
};

/// Some panels of one matrix.
struct Task {
    const Move* move = nullptr;
    int firstPanel = 0;
    int nPanels = 0;
};

/// What is to be packed, and where to; the bytes that it takes.
std::pair<std::vector<Move>, std::size_t> plan(Weights& weights, const KernelTable& kernels) {
    std::vector<Move> moves;
    std::size_t size = 0;
    forEachMatrix(weights, [&](Matrix& matrix) {
        const PackedFormat* format = packedFormat(matrix.kernels->type);
        const WeightKernels* packed = kernels.packed(matrix.kernels->type);
        if (format == nullptr || packed == nullptr) return;
        if (matrix.nRows < kPanelRows || matrix.nColumns % format->blockColumns != 0) return;
        Move move{&matrix, format, packed, size};
        move.panelBytes =
            static_cast<std::size_t>(matrix.nColumns / format->blockColumns) * format->blockBytes;
        move.nPanels = (matrix.nRows + kPanelRows - 1) / kPanelRows;
        size += static_cast<std::size_t>(move.nPanels) * move.panelBytes;
        size = (size + kCacheLine - 1) / kCacheLine * kCacheLine;
        moves.push_back(move);
    });
    return {std::move(moves), size};
}

/// Maps the pages at once, which takes a fraction of what a fault for each few of them takes.
void bringIn(const std::byte* data, std::size_t n) {
#ifdef MADV_POPULATE_READ
    constexpr std::uintptr_t kPage = 4096;
    const auto begin = reinterpret_cast<std::uintptr_t>(data) / kPage * kPage;
    const auto end = reinterpret_cast<std::uintptr_t>(data) + n;
    // An older system refuses, and the pages come in one by one.
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_READ);
#endif
}

/// Gives back the mapped pages that lie wholly within the range; the system's cache of the file
/// keeps them as long as it has room.
void release(const std::byte* data, std::size_t n) {
    constexpr std::uintptr_t kPage = 4096;
    const auto begin = (reinterpret_cast<std::uintptr_t>(data) + kPage - 1) / kPage * kPage;
    const auto end = (reinterpret_cast<std::uintptr_t>(data) + n) / kPage * kPage;
    if (end > begin) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

void packPanels(const Task& task, std::byte* memory) {
    const Matrix& matrix = *task.move->matrix;
    const int nBlocks = matrix.nColumns / task.move->format->blockColumns;
    const int firstRow = task.firstPanel * kPanelRows;
    const int nRows = std::min(task.nPanels * kPanelRows, matrix.nRows - firstRow);
    const std::size_t sourceBytes = static_cast<std::size_t>(nRows) * matrix.rowBytes;
    bringIn(matrix.row(firstRow), sourceBytes);
    for (int panel = task.firstPanel; panel < task.firstPanel + task.nPanels; ++panel) {
        const int row = panel * kPanelRows;
        task.move->format->pack(
            matrix.row(row), matrix.rowBytes, std::min(kPanelRows, matrix.nRows - row), nBlocks,
            memory + task.move->offset + static_cast<std::size_t>(panel) * task.move->panelBytes);
    }
    release(matrix.row(firstRow), sourceBytes);
}

std::vector<Task> tasksOf(const std::vector<Move>& moves) {
    std::vector<Task> tasks;
    for (const Move& move : moves) {
        for (int panel = 0; panel < move.nPanels; panel += kPanelsOfTask) {
            tasks.push_back({&move, panel, std::min(kPanelsOfTask, move.nPanels - panel)});
        }
    }
    return tasks;
}

/// Runs all tasks on `nThreads` threads, this one included. Returns false if cancelled.
bool runTasks(const std::vector<Task>& tasks, std::byte* memory, int nThreads,
              const std::function<bool(float)>& progress) {
    std::atomic<std::size_t> next = 0;
    std::atomic<bool> cancelled = false;
    const auto takeOne = [&] {
        const std::size_t task = next.fetch_add(1);
        if (task >= tasks.size() || cancelled) return false;
        packPanels(tasks[task], memory);
        return true;
    };
    std::vector<std::jthread> helpers;
    for (int i = 1; i < nThreads; ++i) {
        helpers.emplace_back([&] {
            while (takeOne()) continue;
        });
    }
    for (std::size_t turn = 0; takeOne(); ++turn) {
        constexpr std::size_t kTurnsBetweenReports = 8;
        if (!progress || turn % kTurnsBetweenReports != 0) continue;
        const auto done = static_cast<float>(std::min(next.load(), tasks.size()));
        if (!progress(done / static_cast<float>(tasks.size()))) cancelled = true;
    }
    helpers.clear();  // joins
    return !cancelled;
}

}  // namespace

PackedMemory::PackedMemory(PackedMemory&& other) noexcept { *this = std::move(other); }

PackedMemory& PackedMemory::operator=(PackedMemory&& other) noexcept {
    std::swap(m_data, other.m_data);
    std::swap(m_sizeBytes, other.m_sizeBytes);
    std::swap(m_sources, other.m_sources);
    return *this;
}

PackedMemory::~PackedMemory() {
    if (m_data != nullptr) ::munmap(m_data, m_sizeBytes);
}

Result<void> packWeights(Weights& weights, const KernelTable& kernels, int nThreads,
                         const std::function<bool(float)>& progress) {
    const auto [moves, size] = plan(weights, kernels);
    if (moves.empty()) return {};
    PackedMemory memory;
    void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED) {
        return fail(ErrorCode::OutOfMemory, "no memory for weights of " +
                                                std::to_string(size >> 20U) +
                                                " MiB; close other programs or take a smaller "
                                                "model");
    }
    memory.m_data = static_cast<std::byte*>(data);
    memory.m_sizeBytes = size;
    ::madvise(data, size, MADV_HUGEPAGE);  // fewer page faults now, fewer table walks later
    if (!runTasks(tasksOf(moves), memory.m_data, nThreads, progress)) {
        return fail(ErrorCode::Cancelled, "loading was cancelled");
    }
    for (const Move& move : moves) {
        memory.m_sources.insert(move.matrix->data);
        move.matrix->data = memory.m_data + move.offset;
        move.matrix->rowBytes = move.panelBytes / kPanelRows;
        move.matrix->kernels = move.kernels;
    }
    weights.packed = std::move(memory);
    return {};
}

}  // namespace conclave::engine
