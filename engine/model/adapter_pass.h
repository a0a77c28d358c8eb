// adapter_pass.h: adds what adapters change to products that were just computed.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "engine/model/adapter.h"
#include "engine/runtime/thread_pool.h"

namespace conclave::engine {

class Products;

/// Notes the products of a step that adapters change, and adds the changes when the step's products
/// are done. A token's result depends on nothing but the token, as that of every product.
class AdapterPass {
public:
    explicit AdapterPass(const AdapterSet& adapters);
    ~AdapterPass();

    [[nodiscard]] bool changes(const Matrix& weights) const {
        return !m_adapters.termsOf(weights).empty();
    }

    /// @param input   one token's values, in the form that `weights` reads; a change reads the
    ///                same, rounded to 8 bits or not, as if it had been made in the weights
    /// @param output  what the product of `weights` with it is written to
    void add(const Matrix& weights, const void* input, float* output);

    /// Computes and adds all changes, and empties the list.
    void run(ThreadPool& pool);

    /// As Products::forget.
    void forget();

private:
    enum class Factor { Down, Up };

    /// Places in m_inputs, where unpacked inputs are kept, in m_low, where results between the
    /// factors are, and in m_delta, where changes are.
    struct Room {
        std::size_t input = 0;
        std::size_t low = 0;
        std::size_t delta = 0;
    };
    /// One token through one matrix, with all changes of that matrix.
    struct Change {
        std::span<const AdapterSet::Term> terms;
        const void* input = nullptr;
        bool isPacked = false;  ///< the input, as Int8Blocks
        float* output = nullptr;
        Room begin{};  ///< of its results, term after term
    };

    [[nodiscard]] static Room roomFor(const Change& change);
    [[nodiscard]] const void* inputOf(const Change& change) const;
    /// Changes [first, end), which use this much room.
    void compute(ThreadPool& pool, std::size_t first, std::size_t end, Room used);
    void multiply(ThreadPool& pool, std::size_t first, std::size_t end, Factor factor);

    const AdapterSet& m_adapters;
    std::unique_ptr<Products> m_products;
    std::vector<Change> m_changes;
    std::vector<float> m_inputs;
    std::vector<float> m_low;
    std::vector<float> m_delta;
};

}  // namespace conclave::engine
