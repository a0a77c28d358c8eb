#include "engine/model/packing.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/threads.h"
#include "engine/kernels/packed.h"
#include "engine/model/each_matrix.h"
#include "engine/model/lazy_panels.h"
#include "engine/model/weights.h"

namespace conclave::engine {
namespace {

constexpr std::size_t kCacheLine = 64;
constexpr int kPanelsOfTask = 32;
/// Threads that compute answers go first; they pack what they read again by themselves.
constexpr int kBehindNiceness = 19;

WithExperts packed(bool packsExperts) {
    return packsExperts ? WithExperts::Resident : WithExperts::None;
}

struct Move {
    Matrix* matrix = nullptr;
    const WeightKernels* kernels = nullptr;
    LazyPanels::Place place;
    std::size_t offset = 0;  ///< in the packed memory
};

/// What is to be packed.
struct Plan {
    std::vector<Move> moves;
    std::size_t sizeBytes = 0;
    std::size_t nPanels = 0;
};

Plan plan(Weights& weights, const KernelTable& kernels, bool packsExperts) {
    Plan all;
    forEachMatrix(weights, packed(packsExperts), [&](Matrix& matrix) {
        const PackedFormat* format = packingOf(matrix, kernels);
        if (format == nullptr) return;
        Move move{&matrix, kernels.packed(matrix.kernels->type), {}, all.sizeBytes};
        move.place = {matrix.data, matrix.rowBytes, matrix.nRows, matrix.nColumns,
                      format,      nullptr,         nullptr,      nullptr};
        const LazyPanels panels(move.place);
        const auto nPanels = static_cast<std::size_t>(panels.nPanels());
        all.nPanels += nPanels;
        all.sizeBytes += nPanels * panels.panelBytes();
        all.sizeBytes = (all.sizeBytes + kCacheLine - 1) / kCacheLine * kCacheLine;
        all.moves.push_back(move);
    });
    return all;
}

/// Lets the system read a matrix into its cache, without waiting for it.
void adviseWillNeed(const Matrix& matrix) {
    constexpr std::uintptr_t kPageBytes = 4096;
    const auto begin = reinterpret_cast<std::uintptr_t>(matrix.data) / kPageBytes * kPageBytes;
    const auto end = reinterpret_cast<std::uintptr_t>(matrix.row(matrix.nRows));
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_WILLNEED);
}

/// Some panels of one matrix.
struct Task {
    const LazyPanels* matrix = nullptr;
    int firstPanel = 0;
    int nPanels = 0;
};

std::vector<Task> tasksOf(const std::vector<LazyPanels>& matrices) {
    std::vector<Task> tasks;
    for (const LazyPanels& matrix : matrices) {
        for (int panel = 0; panel < matrix.nPanels(); panel += kPanelsOfTask) {
            tasks.push_back({&matrix, panel, std::min(kPanelsOfTask, matrix.nPanels() - panel)});
        }
    }
    return tasks;
}

}  // namespace

/// What matrices and threads point to, so it stays where it is.
struct PackedMemory::State {
    State(std::size_t totalBytes, std::size_t nPanels) : ledger(totalBytes), panelStates(nPanels) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        quit = true;
        threads.clear();  // joins
        if (data != nullptr) ::munmap(data, sizeBytes);
    }

    /// Works on a task that nobody has begun. Returns false if none is left.
    bool workOnOne() {
        const std::size_t i = quit ? tasks.size() : nextTask++;
        if (i >= tasks.size()) return false;
        tasks[i].matrix->pack(tasks[i].firstPanel, tasks[i].nPanels, true);
        finishOne();
        return true;
    }

    /// Waits until answers leave a core to thread `index` of those behind.
    void awaitCore(int index) const {
        for (int n = nClaimed; n > 0 && n + index >= nCores; n = nClaimed) nClaimed.wait(n);
    }

    void finishOne() {
        if (nUnfinished.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
        // All once more, for the pages that the ends of two ranges share.
        for (const LazyPanels& matrix : matrices) ledger.spent(matrix.rows(), true);
        ledger.giveBack();
        for (const auto& part : mapped) {
            if (!quit) bringInPages(part);
        }
        isDone = true;
        isDone.notify_all();
    }

    std::byte* data = nullptr;
    std::size_t sizeBytes = 0;
    PackingLedger ledger;
    std::vector<LazyPanels> matrices;
    std::vector<std::atomic<std::uint8_t>> panelStates;

    std::vector<Task> tasks;
    std::vector<std::span<const std::byte>> mapped;  ///< matrices that stay as they lie in the file
    std::atomic<std::size_t> nextTask = 0;
    std::atomic<std::size_t> nUnfinished = 0;  ///< tasks, and threads
    int nCores = 1;
    std::atomic<int> nClaimed = 0;  ///< cores, by answers
    std::atomic<bool> quit = false;
    std::atomic<bool> isDone = false;
    std::vector<std::jthread> threads;
};

PackedMemory::PackedMemory() = default;
PackedMemory::PackedMemory(PackedMemory&& other) noexcept = default;
PackedMemory& PackedMemory::operator=(PackedMemory&& other) noexcept = default;
PackedMemory::~PackedMemory() = default;

std::size_t PackedMemory::sizeBytes() const { return m_state ? m_state->sizeBytes : 0; }

std::size_t PackedMemory::packedBytes() const {
    return m_state ? m_state->ledger.packedBytes() : 0;
}

void PackedMemory::packBehind(int nThreads) {
    State& state = *m_state;
    state.tasks = tasksOf(state.matrices);
    state.nUnfinished = state.tasks.size() + static_cast<std::size_t>(nThreads);
    state.nCores = nThreads;
    const int nStarted = startThreads(state.threads, nThreads, [&state](int i) {
        return [&state, i] {
            const auto id = static_cast<id_t>(::syscall(SYS_gettid));
            ::setpriority(PRIO_PROCESS, id, kBehindNiceness);
            do {
                state.awaitCore(i);
            } while (state.workOnOne());
            state.finishOne();
        };
    });
    if (nStarted == 0) {
        while (state.workOnOne()) {
        }
    }
    for (int i = nStarted; i < nThreads; ++i) state.finishOne();
}

void PackedMemory::wait() const {
    if (!m_state || m_state->threads.empty()) return;
    while (m_state->workOnOne()) {  // on a busy machine the threads behind get nothing done
    }
    m_state->isDone.wait(false);
}

PackedMemory::CoreClaim::CoreClaim(const PackedMemory& memory, int nThreads)
    : m_state(memory.m_state.get()), m_nThreads(nThreads) {
    if (m_state != nullptr) m_state->nClaimed += m_nThreads;
}

PackedMemory::CoreClaim::~CoreClaim() {
    if (m_state == nullptr) return;
    m_state->nClaimed -= m_nThreads;
    m_state->nClaimed.notify_all();
}

const PackedFormat* packingOf(const Matrix& matrix, const KernelTable& kernels) {
    const PackedFormat* format = packedFormat(matrix.kernels->type);
    const bool fits = format != nullptr && kernels.packed(matrix.kernels->type) != nullptr &&
                      matrix.nRows >= kPanelRows && matrix.nColumns % format->blockColumns == 0;
    return fits ? format : nullptr;
}

Result<void> packWeights(Weights& weights, const KernelTable& kernels, bool packsExperts) {
    Plan all = plan(weights, kernels, packsExperts);
    auto state = std::make_unique<PackedMemory::State>(all.sizeBytes, all.nPanels);
    if (all.sizeBytes > 0) {
        void* data = ::mmap(nullptr, all.sizeBytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (data == MAP_FAILED) {
            return fail(ErrorCode::OutOfMemory, "no memory for weights of " +
                                                    std::to_string(all.sizeBytes >> 20U) +
                                                    " MiB; close other programs or take a smaller "
                                                    "model");
        }
        ::madvise(data, all.sizeBytes, MADV_HUGEPAGE);  // fewer page faults now, table walks later
        state->data = static_cast<std::byte*>(data);
        state->sizeBytes = all.sizeBytes;
    }
    state->matrices.reserve(all.moves.size());  // matrices point to its elements
    std::atomic<std::uint8_t>* states = state->panelStates.data();
    for (Move& move : all.moves) {
        move.place.panels = state->data + move.offset;
        move.place.states = states;
        move.place.ledger = &state->ledger;
        const LazyPanels& panels = state->matrices.emplace_back(move.place);
        states += panels.nPanels();
        move.matrix->data = move.place.panels;
        move.matrix->rowBytes = panels.panelBytes() / kPanelRows;
        move.matrix->kernels = move.kernels;
        move.matrix->lazy = &panels;
    }
    forEachMatrix(weights, packed(packsExperts), [&](const Matrix& matrix) {
        if (matrix.lazy != nullptr) return;
        state->mapped.emplace_back(matrix.data,
                                   static_cast<std::size_t>(matrix.nRows) * matrix.rowBytes);
    });
    // Read by rows, a few of them for each answer: it need not be mapped, but at hand.
    adviseWillNeed(weights.embedding);
    weights.packed.m_state = std::move(state);
    return {};
}

}  // namespace conclave::engine
