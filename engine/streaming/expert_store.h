// expert_store.h: the routed experts of a model that is larger than the memory.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/result.h"
#include "engine/model/weights.h"
#include "engine/streaming/expert_layout.h"
#include "engine/streaming/expert_popularity.h"

namespace conclave::engine {

/// Keeps as many experts in memory as there is room for, in the form that products read, and reads
/// the others from the disk as soon as the router has chosen them: several at once, each in a few
/// large reads. While they come in, those that are there are computed; when all of a layer's are on
/// their way, those of the next layer follow if nearly all will be needed, as in prefill. What is
/// expected to be needed last gives way (ExpertPopularity). Results have the same bits as if
/// everything were in memory, whatever was read when.
/// Thread-safe: sessions share it.
class ExpertStore {
public:
    /// Threads that read. Solid-state disks need several to give what they have; the threads sleep
    /// while the disk works, and otherwise pack.
    static constexpr int kReaders = 8;

    /// What it has done so far, in experts.
    struct Counts {
        std::uint64_t nWanted = 0;  ///< by leases
        std::uint64_t nFound = 0;   ///< of those: in memory already
        std::uint64_t nRead = 0;
        std::uint64_t bytesRead = 0;
    };

    /// Takes the experts out of `weights`, whose mixtures then point to the store.
    /// @param roomBytes  most memory that experts will ever take; at least one fits in any case
    /// @param file       must outlive the store
    /// Errors: OutOfMemory, Unsupported, and those of ExpertFiles::open; the weights are then
    /// unchanged.
    [[nodiscard]] static Result<std::shared_ptr<ExpertStore>> create(Weights& weights,
                                                                     const GgufFile& file,
                                                                     const KernelTable& kernels,
                                                                     int nExpertsUsed,
                                                                     std::uint64_t roomBytes);
    ~ExpertStore();  ///< waits for the reads that are under way
    ExpertStore(const ExpertStore&) = delete;
    ExpertStore& operator=(const ExpertStore&) = delete;

    /// Experts take no more than this from now on, at most what create() was given; those that do
    /// not fit any more go, the memory of those in use as soon as they are not.
    void setRoom(std::uint64_t roomBytes);

    [[nodiscard]] Counts counts() const;
    [[nodiscard]] std::uint64_t roomBytes() const;  ///< of all experts that fit
    [[nodiscard]] std::uint64_t usedBytes() const;  ///< what of it was written to by now
    [[nodiscard]] std::uint64_t reservedBytes() const { return m_memoryBytes; }

    /// The experts that one pass through a layer needs, brought in a few at a time.
    class Lease {
    public:
        /// Begins to read what is not there.
        /// @param layer    of the model
        /// @param nChosen  shape [nExperts]: tokens that chose each expert
        Lease(ExpertStore& store, int layer, std::span<const int> nChosen, int nTokens);
        ~Lease();
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;

        /// Gives up those given before, whose pointers are then void, and gives those that are in
        /// memory by now: `networks[expert]` is set, and null for all others. With `waits` at least
        /// one, unless all were given, one could not be read (see error()), or `stop` is requested.
        /// Returns false if there is none.
        [[nodiscard]] bool next(std::span<const FeedForwardWeights*> networks, bool waits,
                                const std::stop_token& stop);
        [[nodiscard]] const std::optional<Error>& error() const { return m_error; }

    private:
        enum class Step : std::uint8_t { Wanted, Held, Given, Done };
        struct Item {
            int expert = 0;
            int slot = -1;  ///< while Held or Given
            Step step = Step::Wanted;
        };

        void begin(std::span<const int> nChosen);
        void hold(Item& item, int slot);
        void giveUp(Item& item);
        /// Finds slots for those that have none, as far as there are any, and begins to read.
        void findSlots();
        [[nodiscard]] bool take(std::span<const FeedForwardWeights*> networks);

        ExpertStore& m_store;
        int m_layer;  ///< of those with experts
        int m_nTokens;
        bool m_readsAhead = true;
        std::vector<Item> m_items;
        std::optional<Error> m_error;
    };

private:
    enum class State : std::uint8_t { Empty, Reading, Ready, Failed };
    /// Room for one expert, and what is in it.
    struct Slot {
        FeedForwardWeights network;
        std::optional<Error> error;  ///< when Failed
        int layer = -1;              ///< of those with experts
        int expert = -1;
        State state = State::Empty;
        int nHolders = 0;  ///< leases; it keeps its expert while there are any
        int nBegun = 0;    ///< of the layer's tasks
        int nUnfinished = 0;
        bool wasUsed = false;  ///< its memory was written to
    };

    ExpertStore(ExpertLayout layout, ExpertFiles files, int nExpertsUsed);

    Result<void> allocate(std::uint64_t roomBytes);
    void takeFrom(Weights& weights);
    void startReaders();
    void readLoop(const std::stop_token& stop);

    // All below are called with m_mutex held.
    [[nodiscard]] int& slotOf(int layer, int expert);
    [[nodiscard]] std::byte* memoryOf(std::size_t slot) const {
        return m_memory + slot * m_slotBytes;
    }
    /// Slots whose experts may give way, the best first, at most `nMost`.
    /// @param leastLayers  only those whose experts are needed in more than this many layers
    [[nodiscard]] std::vector<int> replaceable(std::size_t nMost, int now, int nTokens,
                                               double leastLayers);
    void beginReading(int slot, int layer, int expert, bool isUrgent);
    void empty(Slot& slot);
    /// Gives the memory of a slot back that is beyond the room, if nobody needs it.
    void retire(std::size_t slot);
    [[nodiscard]] std::size_t nSlotsIn(std::uint64_t roomBytes) const;
    void readAhead(int layer, int nTokens);

    ExpertLayout m_layout;
    ExpertFiles m_files;
    std::vector<int> m_layerNumbers;  ///< [layer of the model]: its number among those with experts
    std::size_t m_slotBytes = 0;
    std::size_t m_memoryBytes = 0;
    std::byte* m_memory = nullptr;

    mutable std::mutex m_mutex;
    std::condition_variable_any m_hasWork;  ///< for readers
    std::condition_variable m_changed;      ///< for leases: a slot is Ready, Failed or given up
    std::vector<Slot> m_slots;
    std::size_t m_nUsable = 0;  ///< slots; those behind are empty, or will be
    std::vector<int> m_slotOf;  ///< [layer with experts][expert]; -1: none
    std::deque<int> m_urgent;   ///< slots with tasks to begin; may name some that have none
    std::deque<int> m_later;
    ExpertPopularity m_popularity;
    Counts m_counts;

    std::vector<std::jthread> m_readers;  ///< last: they use all of the above
};

}  // namespace conclave::engine
