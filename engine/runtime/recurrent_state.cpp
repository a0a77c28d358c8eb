#include "engine/runtime/recurrent_state.h"

#include <algorithm>

#include "base/result.h"

namespace conclave::engine {
namespace {

constexpr std::size_t kMostKept = 3;

}  // namespace

RecurrentState::RecurrentState(const ModelConfig& config) {
    if (!config.hasRecurrentLayer()) return;
    const RecurrentSize size = config.recurrentSize();
    m_inputValues = size.inputs;
    std::size_t end = 0;
    for (const LayerConfig& layer : config.layers) {
        m_begin.push_back(end);
        if (layer.isRecurrent) end += size.inputs + size.memory;
    }
    m_values.resize(end);
}

std::uint64_t RecurrentState::bytes(const ModelConfig& config) {
    if (!config.hasRecurrentLayer()) return 0;
    const auto nLayers = static_cast<std::uint64_t>(
        std::count_if(config.layers.begin(), config.layers.end(),
                      [](const LayerConfig& layer) { return layer.isRecurrent; }));
    const RecurrentSize size = config.recurrentSize();
    return (kMostKept + 1) * nLayers * sizeof(float) * (size.inputs + size.memory);
}

float* RecurrentState::inputs(int layer) {
    return m_values.data() + m_begin[static_cast<std::size_t>(layer)];
}

float* RecurrentState::memory(int layer) { return inputs(layer) + m_inputValues; }

int RecurrentState::resumableUpTo(int position) const {
    if (!exists() || position == m_position) return position;
    int best = m_position >= 0 && m_position < position ? m_position : 0;
    for (const Kept& kept : m_kept) {
        if (kept.position <= position) best = std::max(best, kept.position);
    }
    return best;
}

void RecurrentState::prepare(int first, int nTokens) {
    if (!exists()) return;
    while (!m_kept.empty() && m_kept.back().position > first) m_kept.pop_back();
    const bool isKept = !m_kept.empty() && m_kept.back().position == first;
    if (first == 0) {
        std::fill(m_values.begin(), m_values.end(), 0.0f);
    } else if (m_position != first) {
        CONCLAVE_CHECK(isKept);
        m_values = m_kept.back().values;
    }
    if (nTokens > 1 && first > 0 && !isKept) {
        if (m_kept.size() == kMostKept) m_kept.pop_front();
        m_kept.push_back({first, m_values});
    }
    m_position = -1;
}

void RecurrentState::restart(int position) {
    m_kept.clear();
    m_position = position;
}

}  // namespace conclave::engine
