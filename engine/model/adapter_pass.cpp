#include "engine/model/adapter_pass.h"

#include <cstdint>
#include <cstring>

#include "engine/model/products.h"

namespace conclave::engine {
namespace {

/// Values kept between the steps: 4 MiB, so that they stay near, and a batch is cut into parts.
constexpr std::size_t kMaxDelta = std::size_t{1} << 20;

std::size_t countOf(int n) { return static_cast<std::size_t>(n); }

/// The values of Int8Blocks.
void unpack(const std::byte* blocks, std::span<float> values) {
    const std::size_t nBlocks = values.size() / kActivationBlock;
    const std::byte* packed = blocks + nBlocks * (sizeof(float) + sizeof(std::int32_t));
    for (std::size_t block = 0; block < nBlocks; ++block) {
        float scale = 0.0f;
        std::memcpy(&scale, blocks + block * sizeof(scale), sizeof(scale));
        for (std::size_t i = block * kActivationBlock; i < (block + 1) * kActivationBlock; ++i) {
            values[i] = scale * static_cast<float>(static_cast<std::int8_t>(packed[i]));
        }
    }
}

}  // namespace

AdapterPass::AdapterPass(const AdapterSet& adapters)
    : m_adapters(adapters), m_products(std::make_unique<Products>()) {}

AdapterPass::~AdapterPass() = default;

void AdapterPass::add(const Matrix& weights, const void* input, float* output) {
    const auto terms = m_adapters.termsOf(weights);
    if (terms.empty()) return;
    const bool isPacked = weights.kernels->input == ActivationFormat::Int8Blocks;
    m_changes.push_back({terms, input, isPacked, output});
}

AdapterPass::Room AdapterPass::roomFor(const Change& change) {
    Room room;
    if (change.isPacked) room.input = countOf(change.terms[0].change->down.nColumns);
    for (const AdapterSet::Term& term : change.terms) {
        room.low += countOf(term.change->rank());
        room.delta += countOf(term.change->up.nRows);
    }
    return room;
}

void AdapterPass::run(ThreadPool& pool) {
    std::size_t first = 0;
    Room used;
    for (std::size_t i = 0; i < m_changes.size(); ++i) {
        const Room wanted = roomFor(m_changes[i]);
        if (i > first && used.delta + wanted.delta > kMaxDelta) {
            compute(pool, first, i, used);
            first = i;
            used = {};
        }
        m_changes[i].begin = used;
        used.input += wanted.input;
        used.low += wanted.low;
        used.delta += wanted.delta;
    }
    if (first < m_changes.size()) compute(pool, first, m_changes.size(), used);
    m_changes.clear();
}

void AdapterPass::forget() {
    m_changes.clear();
    m_products->forget();
}

void AdapterPass::compute(ThreadPool& pool, std::size_t first, std::size_t end, Room used) {
    if (m_inputs.size() < used.input) m_inputs.resize(used.input);
    if (m_low.size() < used.low) m_low.resize(used.low);
    if (m_delta.size() < used.delta) m_delta.resize(used.delta);
    parallelFor(pool, end - first, used.input / (end - first), [&](std::size_t i) {
        const Change& change = m_changes[first + i];
        if (!change.isPacked) return;
        unpack(static_cast<const std::byte*>(change.input),
               std::span(m_inputs).subspan(change.begin.input, roomFor(change).input));
    });
    multiply(pool, first, end, Factor::Down);
    multiply(pool, first, end, Factor::Up);
    parallelFor(pool, end - first, used.delta / (end - first), [&](std::size_t i) {
        const Change& change = m_changes[first + i];
        const float* delta = m_delta.data() + change.begin.delta;
        for (const AdapterSet::Term& term : change.terms) {
            const int n = term.change->up.nRows;
            m_adapters.kernels().addScaled(change.output, delta, term.scale, n);
            delta += n;
        }
    });
}

const void* AdapterPass::inputOf(const Change& change) const {
    return change.isPacked ? m_inputs.data() + change.begin.input : change.input;
}

/// Neighbours in the list go through the same matrix, so a factor is read once for many tokens.
void AdapterPass::multiply(ThreadPool& pool, std::size_t first, std::size_t end, Factor factor) {
    for (std::size_t after = first; first < end; first = after) {
        const auto terms = m_changes[first].terms;
        while (after < end && m_changes[after].terms.data() == terms.data()) ++after;
        Room before;
        for (const AdapterSet::Term& term : terms) {
            m_products->add(factor == Factor::Down ? term.change->down : term.change->up);
            for (std::size_t i = first; i < after; ++i) {
                float* low = m_low.data() + m_changes[i].begin.low + before.low;
                if (factor == Factor::Down) {
                    m_products->addToken(inputOf(m_changes[i]), low);
                } else {
                    m_products->addToken(low,
                                         m_delta.data() + m_changes[i].begin.delta + before.delta);
                }
            }
            before.low += countOf(term.change->rank());
            before.delta += countOf(term.change->up.nRows);
        }
    }
    m_products->run(pool);
}

}  // namespace conclave::engine
