// recurrent_state.h: what layers without a KV cache remember of the tokens before a position.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "engine/model/model_config.h"

namespace conclave::engine {

/// The states of all recurrent layers of a session (see delta_net.h and its like). A state cannot
/// be cut back as entries can, so those before the last batches are kept beside it, to go on from.
class RecurrentState {
public:
    RecurrentState() = default;
    explicit RecurrentState(const ModelConfig& config);

    [[nodiscard]] bool exists() const { return !m_values.empty(); }
    /// Of the convolution: what it saw last, [kernel - 1][channels], oldest first.
    [[nodiscard]] float* inputs(int layer);
    /// Of a delta net [nValueHeads][headDim of keys][headDim of values], of Mamba-2
    /// [nHeads][stateDim][headDim]; short convolutions have none.
    [[nodiscard]] float* memory(int layer);
    /// All of it, to be copied out and back in.
    [[nodiscard]] std::span<float> values() { return m_values; }

    /// The tokens that the state has seen; -1 while a batch is computed, or after one that failed.
    [[nodiscard]] int position() const { return m_position; }
    /// The last position up to `position` that prepare() can bring back.
    [[nodiscard]] int resumableUpTo(int position) const;
    /// Brings back the state after `first` tokens, and forgets later ones. A batch of several
    /// tokens may be gone back behind: the state before it is kept.
    void prepare(int first, int nTokens);
    /// The batch is done.
    void moveTo(int position) { m_position = position; }
    /// The values were brought in from elsewhere.
    void restart(int position);

    [[nodiscard]] static std::uint64_t bytes(const ModelConfig& config);

private:
    struct Kept {
        int position = 0;
        std::vector<float> values;
    };

    std::vector<float> m_values;
    std::vector<std::size_t> m_begin;  ///< [layer], in m_values
    std::size_t m_inputValues = 0;     ///< of a layer, before its memory
    int m_position = 0;
    std::deque<Kept> m_kept;  ///< earliest first
};

}  // namespace conclave::engine
