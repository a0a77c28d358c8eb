#include "engine/streaming/expert_store.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <new>
#include <string>
#include <utility>

#include <sys/mman.h>

#include "base/threads.h"

namespace conclave::engine {
namespace {

constexpr std::size_t kSlotAlignment = 4096;
/// Experts of the next layer are read ahead if a pass needs them at least this often.
constexpr double kLikely = 0.5;

int nExpertsOf(const ExpertLayout& layout) {
    return static_cast<int>(layout.layers.front().places.size());
}

}  // namespace

Result<std::shared_ptr<ExpertStore>> ExpertStore::create(Weights& weights, const GgufFile& file,
                                                         const KernelTable& kernels,
                                                         int nExpertsUsed,
                                                         std::uint64_t roomBytes) {
    auto layout = ExpertLayout::of(weights, file, kernels);
    if (!layout) return tl::unexpected(layout.error());
    CONCLAVE_CHECK(!layout->layers.empty());
    auto files = ExpertFiles::open(file);
    if (!files) return tl::unexpected(files.error());
    // Not make_shared, whose access to the private constructor would need a friend.
    std::shared_ptr<ExpertStore> store(
        new ExpertStore(std::move(*layout), std::move(*files), nExpertsUsed));
    if (auto done = store->allocate(roomBytes); !done) return tl::unexpected(done.error());
    store->takeFrom(weights);
    store->startReaders();
    return store;
}

ExpertStore::ExpertStore(ExpertLayout layout, ExpertFiles files, int nExpertsUsed)
    : m_layout(std::move(layout)),
      m_files(std::move(files)),
      m_slotBytes((m_layout.memoryBytesOfLargest + kSlotAlignment - 1) / kSlotAlignment *
                  kSlotAlignment),
      m_slotOf(m_layout.nExperts(), -1),
      m_popularity(static_cast<int>(m_layout.layers.size()), nExpertsOf(m_layout), nExpertsUsed) {}

ExpertStore::~ExpertStore() {
    for (std::jthread& reader : m_readers) reader.request_stop();
    m_readers.clear();  // joins
    if (m_memory != nullptr) ::munmap(m_memory, m_memoryBytes);
}

Result<void> ExpertStore::allocate(std::uint64_t roomBytes) {
    m_nUsable = nSlotsIn(roomBytes);
    m_memoryBytes = m_nUsable * m_slotBytes;
    void* memory = ::mmap(nullptr, m_memoryBytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return fail(ErrorCode::OutOfMemory,
                    "no memory for experts of " + std::to_string(m_memoryBytes >> 20U) + " MiB");
    }
    ::madvise(memory, m_memoryBytes, MADV_HUGEPAGE);
    m_memory = static_cast<std::byte*>(memory);
    m_slots.resize(m_nUsable);
    return {};
}

std::size_t ExpertStore::nSlotsIn(std::uint64_t roomBytes) const {
    return static_cast<std::size_t>(
        std::clamp<std::uint64_t>(roomBytes / m_slotBytes, 1, m_layout.nExperts()));
}

void ExpertStore::setRoom(std::uint64_t roomBytes) {
    const std::lock_guard lock(m_mutex);
    m_nUsable = std::min(nSlotsIn(roomBytes), m_slots.size());
    for (std::size_t i = m_nUsable; i < m_slots.size(); ++i) retire(i);
    m_changed.notify_all();
}

void ExpertStore::retire(std::size_t slot) {
    Slot& target = m_slots[slot];
    if (slot < m_nUsable || !target.wasUsed) return;
    if (target.nHolders > 0 || target.state == State::Reading) return;
    empty(target);
    ::madvise(memoryOf(slot), m_slotBytes, MADV_DONTNEED);
    target.wasUsed = false;
}

void ExpertStore::takeFrom(Weights& weights) {
    int number = 0;
    for (LayerWeights& layer : weights.layers) {
        auto* mixture = std::get_if<MoeWeights>(&layer.feedForward);
        m_layerNumbers.push_back(mixture != nullptr ? number++ : -1);
        if (mixture == nullptr) continue;
        mixture->store = this;
        for (FeedForwardWeights& expert : mixture->experts) {
            for (Matrix* matrix : {&expert.gate, &expert.up, &expert.down}) matrix->data = nullptr;
        }
    }
}

void ExpertStore::startReaders() {
    m_readers.emplace_back([this](const std::stop_token& stop) { readLoop(stop); });
    startThreads(m_readers, kReaders - 1,
                 [this](int) { return [this](const std::stop_token& stop) { readLoop(stop); }; });
}

ExpertStore::Counts ExpertStore::counts() const {
    const std::lock_guard lock(m_mutex);
    return m_counts;
}

std::uint64_t ExpertStore::roomBytes() const {
    const std::lock_guard lock(m_mutex);
    return m_nUsable * m_slotBytes;
}

std::uint64_t ExpertStore::usedBytes() const {
    const std::lock_guard lock(m_mutex);
    const auto nUsed = std::count_if(m_slots.begin(), m_slots.end(),
                                     [](const Slot& slot) { return slot.wasUsed; });
    return static_cast<std::uint64_t>(nUsed) * m_slotBytes;
}

int& ExpertStore::slotOf(int layer, int expert) {
    const int at = layer * nExpertsOf(m_layout) + expert;
    return m_slotOf[static_cast<std::size_t>(at)];
}

std::vector<int> ExpertStore::replaceable(std::size_t nMost, int now, int nTokens,
                                          double leastLayers) {
    std::vector<std::pair<double, int>> candidates;
    for (std::size_t i = 0; i < m_nUsable; ++i) {
        const Slot& slot = m_slots[i];
        if (slot.nHolders > 0 || slot.state == State::Reading) continue;
        const double layers =
            slot.state == State::Ready
                ? m_popularity.layersUntilUse(slot.layer, slot.expert, now, nTokens)
                : std::numeric_limits<double>::infinity();
        if (layers > leastLayers) candidates.emplace_back(layers, static_cast<int>(i));
    }
    const auto end =
        candidates.begin() + static_cast<std::ptrdiff_t>(std::min(nMost, candidates.size()));
    std::partial_sort(candidates.begin(), end, candidates.end(), std::greater<>());
    std::vector<int> slots;
    for (auto each = candidates.begin(); each != end; ++each) slots.push_back(each->second);
    return slots;
}

void ExpertStore::empty(Slot& slot) {
    if (slot.expert >= 0) slotOf(slot.layer, slot.expert) = -1;
    slot.layer = slot.expert = -1;
    slot.state = State::Empty;
    slot.error.reset();
}

void ExpertStore::beginReading(int slot, int layer, int expert, bool isUrgent) {
    Slot& target = m_slots[static_cast<std::size_t>(slot)];
    empty(target);
    const ExpertLayer& form = m_layout.layers[static_cast<std::size_t>(layer)];
    target.network = expertAt(form, expert, memoryOf(static_cast<std::size_t>(slot)));
    // First, since it may throw: a number of a slot that is not being read is passed over.
    (isUrgent ? m_urgent : m_later).push_back(slot);
    target.layer = layer;
    target.expert = expert;
    target.state = State::Reading;
    target.nBegun = 0;
    target.nUnfinished = static_cast<int>(form.tasks.size());
    target.wasUsed = true;
    slotOf(layer, expert) = slot;
    m_hasWork.notify_all();
}

/// A layer's experts are all on their way: those of the next that nearly every pass needs may come
/// where they push out nothing that is needed soon.
void ExpertStore::readAhead(int layer, int nTokens) {
    constexpr double kSoon = 2.0;  // layers
    const int next = (layer + 1) % static_cast<int>(m_layout.layers.size());
    std::vector<std::pair<double, int>> likely;  // chance, expert
    for (int expert = 0; expert < nExpertsOf(m_layout); ++expert) {
        const double chance = m_popularity.chance(next, expert, nTokens);
        if (chance >= kLikely && slotOf(next, expert) < 0) likely.emplace_back(chance, expert);
    }
    if (likely.empty()) return;
    std::sort(likely.begin(), likely.end(), std::greater<>());
    const auto slots = replaceable(likely.size(), layer, nTokens, kSoon);
    for (std::size_t i = 0; i < slots.size(); ++i) {
        beginReading(slots[i], next, likely[i].second, false);
    }
}

void ExpertStore::readLoop(const std::stop_token& stop) {
    ReadBuffer buffer;
    std::unique_lock lock(m_mutex);
    while (true) {
        const bool hasWork =
            m_hasWork.wait(lock, stop, [&] { return !m_urgent.empty() || !m_later.empty(); });
        if (!hasWork || stop.stop_requested()) return;
        std::deque<int>& queue = m_urgent.empty() ? m_later : m_urgent;
        const auto index = static_cast<std::size_t>(queue.front());
        Slot& slot = m_slots[index];
        const ExpertLayer* layer = slot.state == State::Reading
                                       ? &m_layout.layers[static_cast<std::size_t>(slot.layer)]
                                       : nullptr;
        if (layer == nullptr || slot.nBegun == static_cast<int>(layer->tasks.size())) {
            queue.pop_front();
            continue;
        }
        const ExpertTask& task = layer->tasks[static_cast<std::size_t>(slot.nBegun++)];
        const int expert = slot.expert;
        lock.unlock();
        Result<void> done;
        try {
            done = readExpertRows(*layer, expert, task, m_files, buffer, memoryOf(index));
        } catch (const std::bad_alloc&) {
            done = fail(ErrorCode::OutOfMemory, "no memory for reading the model's experts");
        }
        lock.lock();
        if (!done) slot.error = done.error();
        if (--slot.nUnfinished > 0) continue;
        ++m_counts.nRead;
        m_counts.bytesRead += layer->fileBytes;
        slot.state = slot.error ? State::Failed : State::Ready;
        if (slot.error && slot.nHolders == 0) empty(slot);
        retire(index);
        m_changed.notify_all();
    }
}

// --------------------------------------------------------------------------------------- a lease

ExpertStore::Lease::Lease(ExpertStore& store, int layer, std::span<const int> nChosen, int nTokens)
    : m_store(store),
      m_layer(store.m_layerNumbers[static_cast<std::size_t>(layer)]),
      m_nTokens(nTokens) {
    const std::lock_guard lock(m_store.m_mutex);
    try {
        begin(nChosen);
    } catch (...) {
        for (Item& item : m_items) giveUp(item);
        throw;
    }
}

void ExpertStore::Lease::begin(std::span<const int> nChosen) {
    m_store.m_popularity.count(m_layer, nChosen, m_nTokens);
    for (std::size_t i = 0; i < nChosen.size(); ++i) {
        if (nChosen[i] == 0) continue;
        const int slot = m_store.slotOf(m_layer, static_cast<int>(i));
        Item& item = m_items.emplace_back(Item{static_cast<int>(i), -1, Step::Wanted});
        ++m_store.m_counts.nWanted;
        if (slot < 0) continue;
        hold(item, slot);
        ++m_store.m_counts.nFound;
        // Perhaps it was read ahead and has not begun: now there is hurry.
        const State state = m_store.m_slots[static_cast<std::size_t>(slot)].state;
        if (state == State::Reading) m_store.m_urgent.push_back(slot);
    }
    findSlots();
}

ExpertStore::Lease::~Lease() {
    const std::lock_guard lock(m_store.m_mutex);
    for (Item& item : m_items) giveUp(item);
}

void ExpertStore::Lease::giveUp(Item& item) {
    if (item.slot >= 0) {
        Slot& slot = m_store.m_slots[static_cast<std::size_t>(item.slot)];
        if (--slot.nHolders == 0) {
            if (slot.state == State::Failed) m_store.empty(slot);
            m_store.retire(static_cast<std::size_t>(item.slot));
            m_store.m_changed.notify_all();
        }
    }
    item.slot = -1;
    item.step = Step::Done;
}

void ExpertStore::Lease::hold(Item& item, int slot) {
    item.slot = slot;
    item.step = Step::Held;
    ++m_store.m_slots[static_cast<std::size_t>(slot)].nHolders;
}

void ExpertStore::Lease::findSlots() {
    std::vector<Item*> wanted;
    for (Item& item : m_items) {
        if (item.step != Step::Wanted) continue;
        // Another session may have begun to read it meanwhile.
        const int slot = m_store.slotOf(m_layer, item.expert);
        if (slot >= 0) {
            hold(item, slot);
        } else {
            wanted.push_back(&item);
        }
    }
    const auto free = m_store.replaceable(wanted.size(), m_layer, m_nTokens, 0.0);
    for (std::size_t i = 0; i < free.size(); ++i) {
        m_store.beginReading(free[i], m_layer, wanted[i]->expert, true);
        hold(*wanted[i], free[i]);
    }
    if (free.size() < wanted.size() || !m_readsAhead) return;
    m_store.readAhead(m_layer, m_nTokens);
    // One token needs few experts: what may be read ahead does not change while they come.
    m_readsAhead = m_nTokens > 1;
}

bool ExpertStore::Lease::take(std::span<const FeedForwardWeights*> networks) {
    bool hasAny = false;
    for (Item& item : m_items) {
        if (item.step != Step::Held) continue;
        const Slot& slot = m_store.m_slots[static_cast<std::size_t>(item.slot)];
        if (slot.state == State::Failed) m_error = slot.error;
        if (slot.state != State::Ready) continue;
        networks[static_cast<std::size_t>(item.expert)] = &slot.network;
        item.step = Step::Given;
        hasAny = true;
    }
    return hasAny && !m_error;
}

bool ExpertStore::Lease::next(std::span<const FeedForwardWeights*> networks, bool waits,
                              const std::stop_token& stop) {
    std::fill(networks.begin(), networks.end(), nullptr);
    std::unique_lock lock(m_store.m_mutex);
    for (Item& item : m_items) {
        if (item.step == Step::Given) giveUp(item);
    }
    const auto isDone = [](const Item& item) { return item.step == Step::Done; };
    while (!m_error && !std::all_of(m_items.begin(), m_items.end(), isDone)) {
        findSlots();
        if (take(networks)) return true;
        if (m_error || !waits || stop.stop_requested()) break;
        constexpr auto kLookForStop = std::chrono::milliseconds(20);
        m_store.m_changed.wait_for(lock, kLookForStop);
    }
    return false;
}

}  // namespace conclave::engine
